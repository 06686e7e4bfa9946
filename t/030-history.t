# Histories: what is kept of a channel, in which order, for how long.

use RT;

run_tests();

__DATA__

=== TEST 1: offsets rise by one, of each channel, from 1
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
api: POST /api/publish {"channel":"kept:x","data":1}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
a: < {"push":{"channel":"kept:x","pub":{"data":1,"offset":1}}}
a: > {"id":3,"publish":{"channel":"kept:x","data":2}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"kept:x","pub":{"data":2,"offset":2,"info":{...}}}}
api: POST /api/broadcast {"channels":["kept:x","kept:y","news:x"],"data":3,"tags":{"k":"v"}}
api: 200 {"result":{"responses":[{"result":{"offset":3,"epoch":"{{kept("e")}}"}},{"result":{"offset":1,"epoch":"*f"}},{"result":{}}]}}
a: < {"push":{"channel":"kept:x","pub":{"data":3,"offset":3,"tags":{"k":"v"}}}}
api: POST /api/publish {"channel":"kept:y","data":4}
api: 200 {"result":{"offset":2,"epoch":"{{kept("f")}}"}}
api: POST /api/publish {"channel":"kept:x","data":5,"skip_history":true}
api: 200 {"result":{}}
a: < {"push":{"channel":"kept:x","pub":{"data":5}}}
api: POST /api/publish {"channel":"kept:x","data":6}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":6,"offset":4}}}
a: silent



=== TEST 2: a channel goes on where it was when nobody was there
--- conversation
api: 25 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 25 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
a: gone
api: POST /api/channels {}
api: until 200 {"result":{"channels":{}}}
api: POST /api/publish {"channel":"kept:x","data":26}
api: 200 {"result":{"offset":26,"epoch":"{{kept("e")}}"}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{}}}
