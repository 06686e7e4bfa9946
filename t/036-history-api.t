# The API's history and history_remove.

use RT;

run_tests();

__DATA__

=== TEST 1: forward, backward, since, the position only
--- conversation eval: $RT::Shared::HISTORY



=== TEST 2: what a client published says who it was
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"kept:x","data":1}}
a: < {"id":1,"connect":{"client":"*c",...}}
   < {"id":2,"publish":{}}
api: POST /api/history {"channel":"kept:x","limit":1}
api: 200 {"result":{"publications":[{"data":1,"info":{"user":"alice","client":"{{kept("c")}}"},"offset":1}],"epoch":"*","offset":1}}
api: POST /api/batch {"commands":[{"history":{"channel":"kept:x","limit":1}},{"history":{"channel":"nope:x"}}]}
api: 200 {"replies":[{"history":{"publications":[*],"epoch":"*","offset":1}},{"error":{"code":102,"message":"*"}}]}
a: silent



=== TEST 3: what cannot be read
--- conversation
api: POST /api/publish {"channel":"kept:x","data":1}
api: 200 {"result":{...}}
api: POST /api/history {"channel":"news:x"}
api: 200 {"error":{"code":108,"message":"*"}}
api: POST /api/history {}
api: 200 {"error":{"code":107,"message":"channel: is required"}}
api: POST /api/history {"channel":"kept:x","reverse":true,"since":{"epoch":"x"}}
api: 200 {"error":{"code":107,"message":"since: has to have..."}}
api: POST /api/history {"channel":"kept:x","since":{"offset":1,"epoch":"other"}}
api: 200 {"error":{"code":112,"message":"since: is of another epoch"}}
api: POST /api/history {"channel":"kept:x","since":{"offset":1,"epoch":"other"}}
     X-Centrifugo-Error-Mode: transport
api: 416 {"code":112,"message":"*"}
api: POST /api/history {"channel":"kept:x","limit":"2"}
api: 400 {"code":107,"message":"limit: has to be a whole number..."}
api: POST /api/history {"channel":"kept:x","since":5}
api: 400 {"code":107,"message":"since: has to be an object..."}
# nobody has published, and the channel is not there
api: POST /api/history {"channel":"kept:nobody","limit":10}
api: 200 {"result":{"publications":[],"epoch":"","offset":0}}
# nothing of another tenant
api: POST /api/history {"channel":"kept:x","limit":10}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{"publications":[],"epoch":"","offset":0}}



=== TEST 4: history_remove keeps the position
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
api: 9 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 9 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: 9 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
api: POST /api/history_remove {"channel":"kept:x"}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{}}
api: POST /api/history {"channel":"kept:x","limit":1}
api: 200 {"result":{"publications":[{"data":1,"offset":1}],"epoch":"{{kept("e")}}","offset":9}}
api: POST /api/history_remove {"channel":"kept:x"}
api: 200 {"result":{}}
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[],"epoch":"{{kept("e")}}","offset":9}}
api: POST /api/publish {"channel":"kept:x","data":10}
api: 200 {"result":{"offset":10,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":10,"offset":10}}}
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[{"data":10,"offset":10}],"epoch":"{{kept("e")}}","offset":10}}
api: POST /api/history_remove {"channel":"news:x"}
api: 200 {"error":{"code":108,"message":"*"}}
api: POST /api/history_remove {"channel":"kept:nobody"}
api: 200 {"result":{}}
a: silent
