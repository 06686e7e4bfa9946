# Presence: who is in a channel, and who comes and goes.

use RT;

run_tests();

__DATA__

=== TEST 1: presence and its counts, for clients and the backend
--- conversation
a1..a2: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"seen:x"}}
a1: < {"id":1,"connect":{"client":"*a1",...}}
    < {"id":2,"subscribe":{}}
a2: < {"id":1,"connect":{"client":"*a2",...}}
    < {"id":2,"subscribe":{}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"seen:x"}}
b: < {"id":1,"connect":{"client":"*b",...}}
   < {"id":2,"subscribe":{}}
a1: > {"id":3,"presence":{"channel":"seen:x"}}
a1: < {"id":3,"presence":{"presence":{"{{kept("a1")}}":{"user":"alice","client":"{{kept("a1")}}"},"{{kept("a2")}}":{"user":"alice","client":"{{kept("a2")}}"},"{{kept("b")}}":{"client":"{{kept("b")}}"}}}}
a1: > {"id":4,"presence_stats":{"channel":"seen:x"}}
a1: < {"id":4,"presence_stats":{"num_clients":3,"num_users":2}}
api: POST /api/presence_stats {"channel":"seen:x"}
api: 200 {"result":{"num_clients":3,"num_users":2}}
a2: > {"id":3,"unsubscribe":{"channel":"seen:x"}}
a2: < {"id":3,"unsubscribe":{}}
b: close 1000
b: closed 1000
api: POST /api/presence {"channel":"seen:x"}
api: 200 {"result":{"presence":{"{{kept("a1")}}":{"user":"alice","client":"{{kept("a1")}}"}}}}
a1: > {"id":5,"presence_stats":{"channel":"seen:x"}}
a1: < {"id":5,"presence_stats":{"num_clients":1,"num_users":1}}
api: POST /api/presence {"channel":"seen:nobody"}
api: 200 {"result":{"presence":{}}}
api: POST /api/presence_stats {"channel":"seen:nobody"}
api: 200 {"result":{"num_clients":0,"num_users":0}}



=== TEST 2: who may not look, and where there is nothing to see
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"presence":{"channel":"seen:x"}}
a: < {"id":3,"error":{"code":103,"message":"permission denied"}}
a: > {"id":4,"presence_stats":{"channel":"seen:x"}}
a: < {"id":4,"error":{"code":103,"message":"permission denied"}}
a: > {"id":5,"presence":{"channel":"chat:x"}}
a: < {"id":5,"error":{"code":108,"message":"not available"}}
a: > {"id":6,"presence_stats":{"channel":"chat:x"}}
a: < {"id":6,"error":{"code":108,"message":"not available"}}
a: > {"id":7,"presence":{"channel":"nope:x"}}
a: < {"id":7,"error":{"code":102,"message":"unknown channel"}}
a: > {"id":8,"presence_stats":{"channel":"/x"}}
a: < {"id":8,"error":{"code":107,"message":"bad request"}}
api: POST /api/presence {"channel":"chat:x"}
api: 200 {"error":{"code":108,"message":"*"}}
api: POST /api/presence_stats {"channel":"chat:x"}
api: 200 {"error":{"code":108,"message":"*"}}
api: POST /api/presence {"channel":"nope:x"}
api: 200 {"error":{"code":102,"message":"unknown channel"}}
api: POST /api/presence_stats {}
api: 200 {"error":{"code":107,"message":"channel: is required"}}
api: POST /api/presence {"channel":"seen:x"}
     X-Centrifugo-Error-Mode: transport
api: 200 {"result":{"presence":{}}}
a: silent
b1..b2: open /connection/websocket
        > {"id":1,"connect":{}}
b1..b2: < {"id":1,"connect":{...}}
b1..b2: > {"id":2,"{{$n == 1 ? "presence" : "presence_stats"}}":{}}
b1..b2: closed 3501 bad request



=== TEST 3: join and leave go to those who asked, the one who comes among them
--- conversation
w: open /connection/websocket
   X-User: watcher
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"watcher","client":"{{kept("w")}}"}}}}
d: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
d: < {"id":1,"connect":{"client":"*d",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"client":"{{kept("d")}}"}}}}
d: silent
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
a: > {"id":3,"unsubscribe":{"channel":"room:x"}}
a: < {"id":3,"unsubscribe":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
d: gone
w: < {"push":{"channel":"room:x","leave":{"info":{"client":"{{kept("d")}}"}}}}
# another channel of the same namespace
a: > {"id":4,"subscribe":{"channel":"room:y"}}
a: < {"id":4,"subscribe":{}}
w, a: silent
# another watcher, in the same worker, comes and goes
v: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
v: < {"id":1,"connect":{"client":"*v",...}}
   < {"id":2,"subscribe":{}}
v, w: < {"push":{"channel":"room:x","join":{"info":{"client":"{{kept("v")}}"}}}}
v: > {"id":3,"unsubscribe":{"channel":"room:x"}}
v: < {"id":3,"unsubscribe":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"client":"{{kept("v")}}"}}}}
a: > {"id":5,"subscribe":{"channel":"room:x"}}
a: < {"id":5,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
v: silent
w: > {"id":3,"unsubscribe":{"channel":"room:x"}}
w: < {"id":3,"unsubscribe":{}}
w: silent



=== TEST 4: where a namespace has none, it is silently off
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"seen:x","join_leave":true}}
   > {"id":3,"subscribe":{"channel":"open:x","join_leave":true}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"seen:x"}}
   > {"id":3,"subscribe":{"channel":"open:x"}}
w, a: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
      < {"id":3,"subscribe":{}}
a: gone
w: silent



=== TEST 5: in the order of the publications
--- workers: 4
--- conversation
p: open /connection/websocket
   X-User: p
   > {"id":1,"connect":{}}
p: < {"id":1,"connect":{...}}
d1..d8: open /connection/websocket
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
d1..d8: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
w1..w8: open /connection/websocket
        X-User: w
        > {"id":1,"connect":{}}
w1..w8: < {"id":1,"connect":{...}}
# who was there before hears of those who come behind, and of itself
w1: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w1: < {"id":2,"subscribe":{}}
w1..w1: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w2: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w2: < {"id":2,"subscribe":{}}
w1..w2: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w3: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w3: < {"id":2,"subscribe":{}}
w1..w3: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w4: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w4: < {"id":2,"subscribe":{}}
w1..w4: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w5: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w5: < {"id":2,"subscribe":{}}
w1..w5: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w6: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w6: < {"id":2,"subscribe":{}}
w1..w6: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w7: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w7: < {"id":2,"subscribe":{}}
w1..w7: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
w8: > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w8: < {"id":2,"subscribe":{}}
w1..w8: < {"push":{"channel":"room:x","join":{"info":{"user":"w",...}}}}
nginx: pids >= 3 of w1..w8, d1..d8, p
p: 20 x > {"id":{{4 * $i}},"publish":{"channel":"room:x","data":"before {{$i}}"}}
   > {"id":{{4 * $i + 1}},"subscribe":{"channel":"room:x"}}
   > {"id":{{4 * $i + 2}},"unsubscribe":{"channel":"room:x"}}
   > {"id":{{4 * $i + 3}},"publish":{"channel":"room:x","data":"after {{$i}}"}}
w1..w8: 20 x < {"push":{"channel":"room:x","pub":{"data":"before {{$i}}",...}}}
        < {"push":{"channel":"room:x","join":{"info":{"user":"p",...}}}}
        < {"push":{"channel":"room:x","leave":{"info":{"user":"p",...}}}}
        < {"push":{"channel":"room:x","pub":{"data":"after {{$i}}",...}}}
d1..d8: 20 x < {"push":{"channel":"room:x","pub":{"data":"before {{$i}}",...}}}
        < {"push":{"channel":"room:x","pub":{"data":"after {{$i}}",...}}}
w1..w8, d1..d8: silent
p: gone



=== TEST 6: the backend's doing is seen, too
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a, b: open /connection/websocket
      X-User: alice
      > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*a",...}}
b: < {"id":1,"connect":{"client":"*b",...}}
api: POST /api/subscribe {"client":"{{kept("a")}}","channel":"room:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"room:x","subscribe":{}}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
api: POST /api/unsubscribe {"client":"{{kept("a")}}","channel":"room:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"room:x","unsubscribe":{"code":2000,"reason":"*"}}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
b: > {"id":2,"subscribe":{"channel":"room:x"}}
b: < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("b")}}"}}}}
api: POST /api/disconnect {"user":"alice"}
api: 200 {"result":{}}
a, b: closed 3503 force disconnect
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("b")}}"}}}}
w: silent



=== TEST 7: tenants see nothing of each other
--- workers: 4
--- conversation
w1..w8: open /connection/websocket
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"room:own{{$n}}","join_leave":true}}
w1..w8: < {"id":1,"connect":{"client":"*w{{$n}}",...}}
        < {"id":2,"subscribe":{}}
        < {"push":{"channel":"room:own{{$n}}","join":{...}}}
nginx: pids >= 2 of w1..w8
o1..o8: open /connection/websocket
        X-User: other
        X-Tenant: {{$tenant}}o
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"room:own{{$n}}"}}
o1..o8: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
w1..w8: > {"id":3,"presence_stats":{"channel":"room:own{{$n}}"}}
w1..w8: < {"id":3,"presence_stats":{"num_clients":1,"num_users":1}}
w1: > {"id":4,"presence":{"channel":"room:own1"}}
w1: < {"id":4,"presence":{"presence":{"{{kept("w1")}}":{"client":"{{kept("w1")}}"}}}}
api: POST /api/presence_stats {"channel":"room:own1"}
     X-Tenant: {{$tenant}}n
api: 200 {"result":{"num_clients":0,"num_users":0}}
api: POST /api/presence {"channel":"room:own1"}
     X-Tenant: {{$tenant}}n
api: 200 {"result":{"presence":{}}}
api: POST /api/presence_stats {"channel":"room:own1"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{"num_clients":1,"num_users":1}}
o1..o8: gone
api: POST /api/presence_stats {"channel":"room:own8"}
     X-Tenant: {{$tenant}}o
api: until 200 {"result":{"num_clients":0,"num_users":0}}
w1..w8: silent



=== TEST 8: more members than one hold of the mutex copies
--- workers: 4
--- over: plain
--- conversation
s1..s300: open /connection/websocket
          X-User: u{{$n % 7}}
          > {"id":1,"connect":{}}
          > {"id":2,"subscribe":{"channel":"seen:x"}}
s1..s300: < {"id":1,"connect":{...}}
          < {"id":2,"subscribe":{}}
s1: > {"id":3,"presence_stats":{"channel":"seen:x"}}
s1: < {"id":3,"presence_stats":{"num_clients":300,"num_users":7}}
api: POST /api/presence_stats {"channel":"seen:x"}
api: 200 {"result":{"num_clients":300,"num_users":7}}
api: POST /api/presence {"channel":"seen:x"}
api: 200 ~^(?!.*("[-0-9a-f]{36}":).*\1)\{"result":\{"presence":\{("[-0-9a-f]{36}":\{"user":"u[0-6]","client":"[-0-9a-f]{36}"\},?){300}\}\}\}$
# each of these looks at three holds' worth: 333 of them are a burst
s2: > {{join "\n", map { '{"id":' . $_ . ',"presence_stats":{"channel":"seen:x"}}' } 3 .. 402}}
s2: 333 x < {"id":{{$i + 2}},"presence_stats":{"num_clients":300,"num_users":7}}
s2: 67 x < {"id":{{$i + 335}},"error":{"code":111,"message":"too many requests: presence, try again in ...","temporary":true}}
s3: > {"id":3,"presence_stats":{"channel":"seen:x"}}
s3: < {"id":3,"presence_stats":{"num_clients":300,"num_users":7}}
s2: > {"id":500,"presence_stats":{"channel":"seen:x"}}
s2: < {"id":500,"presence_stats":{"num_clients":300,"num_users":7}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_presence_total\{zone="live",tenant="{{$tenant}}"\} 67$
