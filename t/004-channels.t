# Channels: several clients hear each other, tenants never do.

use RT;

run_tests();

__DATA__

=== TEST 1: everyone in the channel hears it, the publisher too
--- conversation
a, b, c: open /connection/websocket
         > {"id":1,"connect":{}}
a, b, c: < {"id":1,"connect":{...}}
a, b: > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":2,"subscribe":{}}
c: > {"id":2,"subscribe":{"channel":"chat:y"}}
c: < {"id":2,"subscribe":{}}
a: > {"id":3,"publish":{"channel":"chat:x","data":{"n":1}}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":{"n":1},...}}}
b: < {"push":{"channel":"chat:x","pub":{"data":{"n":1},...}}}
a, b, c: silent



=== TEST 2: a publication by a client tells who it was
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*alice",...}}
b: < {"id":1,"connect":{...}}
b: > {"id":2,"subscribe":{"channel":"open:x"}}
b: < {"id":2,"subscribe":{}}
a: > {"id":2,"publish":{"channel":"open:x","data":"hi"}}
a: < {"id":2,"publish":{}}
b: < {"push":{"channel":"open:x","pub":{"data":"hi","info":{"client":"{{kept("alice")}}",...}}}}
api: POST /api/publish {"channel":"open:x","data":"backend"}
api: 200 {"result":{}}
b: < {"push":{"channel":"open:x","pub":{"data":"backend"}}}



=== TEST 3: in order
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: 500 x > {"id":{{$i + 10}},"publish":{"channel":"chat:x","data":{{$i}}}}
b: 500 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}},...}}}
api: 500 x POST /api/publish {"channel":"chat:x","data":{{$i}}}
api: 500 x 200 {"result":{}}
b: 500 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}}}}}
b: silent
a: gone



=== TEST 4: unsubscribe stops it
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":1}
api: 200 {"result":{}}
a, b: < {"push":{"channel":"chat:x","pub":{"data":1}}}
a: > {"id":3,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":3,"unsubscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":2}
api: 200 {"result":{}}
b: < {"push":{"channel":"chat:x","pub":{"data":2}}}
a: silent
a: > {"id":4,"subscribe":{"channel":"chat:x"}}
a: < {"id":4,"subscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":3}
api: 200 {"result":{}}
a, b: < {"push":{"channel":"chat:x","pub":{"data":3}}}



=== TEST 5: who publishes what
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
b: > {"id":2,"subscribe":{"channel":"chat:x"}}
b: < {"id":2,"subscribe":{}}
# only a subscriber
a: > {"id":2,"publish":{"channel":"chat:x","data":1}}
a: < {"id":2,"error":{"code":103,"message":"permission denied"}}
a: > {"id":3,"subscribe":{"channel":"chat:x"}}
a: < {"id":3,"subscribe":{}}
a: > {"id":4,"publish":{"channel":"chat:x","data":2}}
a: < {"id":4,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":2,...}}}
a: > {"id":5,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":5,"unsubscribe":{}}
a: > {"id":6,"publish":{"channel":"chat:x","data":3}}
a: < {"id":6,"error":{"code":103,"message":"permission denied"}}
b: < {"push":{"channel":"chat:x","pub":{"data":2,...}}}
# nobody but the API
a: > {"id":7,"subscribe":{"channel":"news:x"}}
a: < {"id":7,"subscribe":{}}
a: > {"id":8,"publish":{"channel":"news:x","data":1}}
a: < {"id":8,"error":{"code":103,"message":"permission denied"}}
api: POST /api/publish {"channel":"news:x","data":2}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":2}}}
b: silent



=== TEST 6: the same channel in two tenants
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
m, n: open /connection/websocket
      X-Tenant: {{$tenant}}-other
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
m, n: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"publish":{"channel":"chat:x","data":"first"}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":"first",...}}}
b: < {"push":{"channel":"chat:x","pub":{"data":"first",...}}}
m, n: silent
m: > {"id":3,"publish":{"channel":"chat:x","data":"second"}}
m: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":"second",...}}}
n: < {"push":{"channel":"chat:x","pub":{"data":"second",...}}}
a, b: silent
api: POST /api/publish {"channel":"chat:x","data":"third"}
api: 200 {"result":{}}
a, b: < {"push":{"channel":"chat:x","pub":{"data":"third"}}}
m, n: silent
api: POST /api/channels {}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":2}}}}



=== TEST 7: names that begin alike, in tenants and in channels
--- conversation
t1: open /connection/websocket
    X-Tenant: {{$tenant}}1
    > {"id":1,"connect":{}}
    > {"id":2,"subscribe":{"channel":"chat:0"}}
t10: open /connection/websocket
     X-Tenant: {{$tenant}}10
     > {"id":1,"connect":{}}
     > {"id":2,"subscribe":{"channel":"chat:0"}}
u: open /connection/websocket
   X-Tenant: {{$tenant}}1chat:0
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:0"}}
v: open /connection/websocket
   X-Tenant: {{$tenant}}1
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:01"}}
w: open /connection/websocket
   X-Tenant: {{uc $tenant}}1
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:0"}}
t1, t10, u, v, w: < {"id":1,"connect":{...}}
                  < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"chat:0","data":"for t1"}
     X-Tenant: {{$tenant}}1
api: 200 {"result":{}}
t1: < {"push":{"channel":"chat:0","pub":{"data":"for t1"}}}
t1, t10, u, v, w: silent
api: POST /api/publish {"channel":"chat:01","data":"for v"}
     X-Tenant: {{$tenant}}1
api: 200 {"result":{}}
v: < {"push":{"channel":"chat:01","pub":{"data":"for v"}}}
t1, t10, u, v, w: silent
api: POST /api/publish {"channel":"chat:","data":"nobody"}
     X-Tenant: {{$tenant}}1
api: 200 {"result":{}}
t1, t10, u, v, w: silent



=== TEST 8: one connection, many channels; one channel, many connections
--- conversation
s1..s50: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:all"}}
         > {"id":3,"subscribe":{"channel":"chat:own{{$n}}"}}
s1..s50: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
         < {"id":3,"subscribe":{}}
api: POST /api/publish {"channel":"chat:all","data":"x"}
api: 200 {"result":{}}
s1..s50: < {"push":{"channel":"chat:all","pub":{"data":"x"}}}
api: 50 x POST /api/publish {"channel":"chat:own{{$i}}","data":{{$i}}}
api: 50 x 200 {"result":{}}
s1..s50: < {"push":{"channel":"chat:own{{$n}}","pub":{"data":{{$n}}}}}
s1..s50: silent
api: POST /api/channels {"pattern":"chat:all"}
api: 200 {"result":{"channels":{"chat:all":{"num_clients":50}}}}
s1..s49: gone
api: POST /api/channels {"pattern":"chat:all"}
api: until 200 {"result":{"channels":{"chat:all":{"num_clients":1}}}}
s50: close 1000
s50: closed 1000
api: POST /api/channels {}
api: until 200 {"result":{"channels":{}}}



=== TEST 9: big publications
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"publish":{"channel":"chat:x","data":"{{"x" x 65000}}"}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":"{{"x" x 65000}}",...}}}
b: < {"push":{"channel":"chat:x","pub":{"data":"{{"x" x 65000}}",...}}}
api: 20 x POST /api/publish {"channel":"chat:x","data":"{{chr(96 + $i) x 60000}}"}
b: 20 x < {"push":{"channel":"chat:x","pub":{"data":"{{chr(96 + $i) x 60000}}"}}}
a: 20 x < {"push":{"channel":"chat:x","pub":{"data":"{{chr(96 + $i) x 60000}}"}}}
api: 20 x 200 {"result":{}}



=== TEST 10: the ring goes round many times
--- http_config
    rt_zone       $http_x_tenant zone=small:2m log=256k;
    rt_namespace  chat publish=subscriber;
--- config
        location /connection/websocket {
            rt_websocket  zone=small;
        }
        location /api {
            rt_api        zone=small;
            rt_api_key    off;
        }
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: 300 x POST /api/publish {"channel":"chat:x","data":"{{"$i " . "x" x 8000}}"}
a: 300 x < {"push":{"channel":"chat:x","pub":{"data":"{{"$i " . "x" x 8000}}"}}}
api: 300 x 200 {"result":{}}
a: silent



=== TEST 11: a burst that is larger than the log, from the worker that reads it
--- http_config
    rt_zone       $http_x_tenant zone=small:2m log=256k;
    rt_namespace  chat;
--- config
        location /connection/websocket {
            rt_websocket  zone=small;
        }
        location /api {
            rt_api        zone=small;
            rt_api_key    off;
        }
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/batch {"commands":[{{join ",", map { '{"publish":{"channel":"chat:x","data":"' . "$_ " . "x" x 8000 . '"}}' } 1 .. 100}}]}
api: 200 {"replies":[{{join ",", ('{"publish":{}}') x 100}}]}
a: 100 x < {"push":{"channel":"chat:x","pub":{"data":"{{"$i " . "x" x 8000}}"}}}
a: silent



=== TEST 12: two tenants in one request are not both
--- conversation
a: open /connection/websocket
   X-Tenant: {{$tenant}}
   +X-Tenant: {{$tenant}}-b
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
# the first one, or both names as one
api: POST /api/channels {}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{"channels":{}}}
api: POST /api/publish {"channel":"chat:x","data":1}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{}}
a: silent
