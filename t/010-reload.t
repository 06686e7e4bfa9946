# A reload: clients are told, the zone stays, the new workers serve.

use RT;

run_tests();

__DATA__

=== TEST 1: clients are told with 3001 and come back
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
e: open /echo
nginx: reload
a, b: closed 3001 shutdown
e: closed 1001|3001
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":"after"}
api: 200 {"result":{}}
a, b: < {"push":{"channel":"chat:x","pub":{"data":"after"}}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"chat:x":{"num_clients":2}}}}
a, b: silent



=== TEST 2: several reloads, several workers, the counts stay true
--- workers: 4
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: reload
s1..s16: closed 3001
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: reload
s1..s16: closed 3001
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of s1..s16
api: 30 x POST /api/publish {"channel":"chat:x","data":{{$i}}}
api: 30 x 200 {"result":{}}
s1..s16: 30 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}}}}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"chat:x":{"num_clients":16}}}}



=== TEST 3: a client before its connect is told, too
--- conversation
a: open /connection/websocket
nginx: reload
a: closed 3001



=== TEST 4: a worker that is killed after a reload
--- workers: 2
--- conversation
s1..s8: open /connection/websocket
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s8: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
nginx: reload
s1..s8: closed 3001
s1..s8: open /connection/websocket
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s8: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
nginx: kill KILL s1
nginx: left s1
s1..s8: if gone open /connection/websocket
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"chat:x"}}
        < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":1}
api: 200 {"result":{}}
s1..s8: < {"push":{"channel":"chat:x","pub":{"data":1}}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"chat:x":{"num_clients":8}}}}



=== TEST 5: who waits for its worker's leave is served, and pinged
--- http_config
    rt_zone           $http_x_tenant zone=live:8m;
    rt_namespace      chat publish=subscriber;
    rt_drain          window=1h;
    rt_ping_interval  400ms;
    rt_pong_timeout   300ms;
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
b: mute
nginx: reload
a: 4 x pinged
b: closed 3012
a: > {"id":3,"publish":{"channel":"chat:x","data":1}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":1,...}}}
