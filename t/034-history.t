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



=== TEST 3: history: how many, from where, in which direction
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"history":{"channel":"kept:x"}}
   > {"id":3,"history":{"channel":"news:x"}}
   > {"id":4,"history":{"channel":"nope:x"}}
   > {"id":5,"subscribe":{"channel":"kept:x"}}
   > {"id":6,"history":{"channel":"kept:x","limit":-1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":103,"message":"permission denied"}}
   < {"id":3,"error":{"code":108,"message":"not available"}}
   < {"id":4,"error":{"code":102,"message":"unknown channel"}}
   < {"id":5,"subscribe":{"recoverable":true,"positioned":true,"epoch":"*e"}}
a: < {"id":6,"history":{"epoch":"{{kept("e")}}"}}
api: 12 x POST /api/publish {"channel":"kept:x","data":{{$i}},"tags":{"n":"{{$i}}"}}
api: 12 x 200 {"result":{"offset":{{$i}},"epoch":"{{kept("e")}}"}}
a: 12 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}},"tags":{...}}}}
# the oldest two have gone
a: > {"id":7,"history":{"channel":"kept:x"}}
a: < {"id":7,"history":{"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":8,"history":{"channel":"kept:x","limit":2}}
a: < {"id":8,"history":{"publications":[{"data":3,"offset":3,"tags":{"n":"3"}},{"data":4,"offset":4,"tags":{"n":"4"}}],"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":9,"history":{"channel":"kept:x","limit":-1,"since":{"offset":10,"epoch":"{{kept("e")}}"}}}
a: < {"id":9,"history":{"publications":[{"data":11,"offset":11,"tags":{"n":"11"}},{"data":12,"offset":12,"tags":{"n":"12"}}],"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":10,"history":{"channel":"kept:x","limit":2,"reverse":true}}
a: < {"id":10,"history":{"publications":[{"data":12,"offset":12,"tags":{"n":"12"}},{"data":11,"offset":11,"tags":{"n":"11"}}],"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":11,"history":{"channel":"kept:x","limit":-1,"reverse":true,"since":{"offset":5}}}
a: < {"id":11,"history":{"publications":[{"data":4,"offset":4,"tags":{"n":"4"}},{"data":3,"offset":3,"tags":{"n":"3"}}],"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":12,"history":{"channel":"kept:x","limit":5,"since":{"offset":12}}}
a: < {"id":12,"history":{"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":13,"history":{"channel":"kept:x","limit":5,"since":{"offset":18446744073709551615}}}
a: < {"id":13,"history":{"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":14,"history":{"channel":"kept:x","limit":1,"since":{"offset":0,"epoch":""}}}
a: < {"id":14,"history":{"publications":[{"data":3,"offset":3,"tags":{"n":"3"}}],"epoch":"{{kept("e")}}","offset":12}}
# what cannot be
a: > {"id":15,"history":{"channel":"kept:x","limit":1,"reverse":true,"since":{"offset":0,"epoch":"{{kept("e")}}"}}}
a: < {"id":15,"error":{"code":107,"message":"bad request"}}
a: > {"id":16,"history":{"channel":"kept:x","limit":1,"since":{"offset":2,"epoch":"other"}}}
a: < {"id":16,"error":{"code":112,"message":"unrecoverable position"}}
a: silent



=== TEST 4: a publication of a client is kept with who sent it
--- conversation
a: open /connection/websocket
   X-User: ann
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
   > {"id":3,"publish":{"channel":"kept:x","data":{"n": 0.10 }}}
a: < {"id":1,"connect":{"client":"*c",...}}
   < {"id":2,"subscribe":{"epoch":"*e",...}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"kept:x","pub":{"data":{"n":0.10},"offset":1,"info":{"client":"{{kept("c")}}","user":"ann"}}}}
b: open /connection/websocket
   X-User: a longer name
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"kept:x","data":2}}
b: < {"id":1,"connect":{"client":"*b",...}}
   < {"id":2,"publish":{}}
a: < {"push":{"channel":"kept:x","pub":{"data":2,"offset":2,...}}}
api: POST /api/publish {"channel":"kept:x","data":3}
api: 200 {"result":{...}}
a: < {"push":{"channel":"kept:x","pub":{"data":3,"offset":3}}}
a: > {"id":4,"history":{"channel":"kept:x","limit":3}}
a: <= {"id":4,"history":{"publications":[{"data":{"n": 0.10 },"info":{"user":"ann","client":"{{kept("c")}}"},"offset":1},{"data":2,"info":{"user":"a longer name","client":"{{kept("b")}}"},"offset":2},{"data":3,"offset":3}],"epoch":"{{kept("e")}}","offset":3}}



=== TEST 5: what is older than its time is not read, and the offset stays
--- http_config
    rt_zone      $http_x_tenant zone=live:8m;
    rt_namespace brief publish=any history=10 ttl=300ms;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"brief:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"epoch":"*e",...}}
api: POST /api/publish {"channel":"brief:x","data":1}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"brief:x","pub":{"data":1,"offset":1}}}
nginx: wait 0.4
a: > {"id":3,"history":{"channel":"brief:x","limit":-1}}
a: < {"id":3,"history":{"epoch":"{{kept("e")}}","offset":1}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"brief:x","recover":true,"offset":0,"epoch":"{{kept("e")}}"}}
   > {"id":3,"unsubscribe":{"channel":"brief:x"}}
   > {"id":4,"subscribe":{"channel":"brief:x","recover":true,"offset":1,"epoch":"{{kept("e")}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":1}}
   < {"id":3,"unsubscribe":{}}
   < {"id":4,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":1}}
