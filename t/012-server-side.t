# What the backend does to clients: it subscribes, unsubscribes and disconnects
# them, by their user or by their id.

use RT;

run_tests();

__DATA__

=== TEST 1: subscribe and unsubscribe by the user
--- conversation
a1..a2: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{}}
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
a1..a2, b: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a1..a2: < {"push":{"channel":"news:x","subscribe":{}}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
a1..a2: < {"push":{"channel":"news:x","pub":{"data":1}}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"news:x":{"num_clients":2}}}}
api: POST /api/unsubscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a1..a2: < {"push":{"channel":"news:x","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}
api: POST /api/publish {"channel":"news:x","data":2}
api: 200 {"result":{}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{}}}
a1..a2, b: silent



=== TEST 2: data of a subscription; again changes nothing
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"alice","channel":"news:x","data":{"n":0.10,{{"\n"}}"l":[1]}}
api: 200 {"result":{}}
a: <= {"push":{"channel":"news:x","subscribe":{"data":{"n":0.10, "l":[1]}}}}
api: POST /api/subscribe {"user":"alice","channel":"news:x","data":1}
api: 200 {"result":{}}
a: silent
api: POST /api/subscribe {"user":"alice","channel":"news:y","b64data":"eyJiIjo2NH0="}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:y","subscribe":{"data":{"b":64}}}}
api: POST /api/subscribe {"user":"alice","channel":"news:z","data":"{{"x" x 3070}}"}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:z","subscribe":{"data":"{{"x" x 3070}}"}}}
api: POST /api/subscribe {"user":"alice","channel":"news:w","data":"{{"x" x 3071}}"}
api: 200 {"error":{"code":107,"message":"*"}}
a: silent



=== TEST 3: by the client's id, or the session's
--- conversation
a, b: open /connection/websocket
      X-User: alice
      > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*a",...}}
b: < {"id":1,"connect":{"client":"*b",...}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{"client":"*c",...}}
api: POST /api/subscribe {"client":"{{kept("a")}}","channel":"news:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","subscribe":{}}}
api: POST /api/subscribe {"session":"{{kept("b")}}","user":"alice","channel":"news:x"}
api: 200 {"result":{}}
b: < {"push":{"channel":"news:x","subscribe":{}}}
# who is anonymous has an id, too
api: POST /api/subscribe {"client":"{{kept("c")}}","session":"{{kept("c")}}","channel":"news:x"}
api: 200 {"result":{}}
c: < {"push":{"channel":"news:x","subscribe":{}}}
# not the user's, or nobody's
api: POST /api/unsubscribe {"client":"{{kept("a")}}","user":"bob","channel":"news:x"}
api: 200 {"result":{}}
api: POST /api/unsubscribe {"client":"{{kept("c")}}","user":"alice","channel":"news:x"}
api: 200 {"result":{}}
api: POST /api/unsubscribe {"client":"00000000-0000-4000-8000-000000000000","channel":"news:x"}
api: 200 {"result":{}}
api: POST /api/unsubscribe {"client":"x","channel":"news:x"}
api: 200 {"result":{}}
api: POST /api/unsubscribe {"user":"nobody","channel":"news:x"}
api: 200 {"result":{}}
a, b, c: silent
api: POST /api/unsubscribe {"session":"{{kept("b")}}","channel":"news:x"}
api: 200 {"result":{}}
b: < {"push":{"channel":"news:x","unsubscribe":{"code":2000,"reason":"*"}}}
api: POST /api/disconnect {"client":"{{kept("c")}}"}
api: 200 {"result":{}}
c: closed 3503 force disconnect
a, b: silent



=== TEST 4: the client's own commands and a server-side subscription
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"alice","channel":"chat:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"chat:x","subscribe":{}}}
a: > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":2,"error":{"code":105,"message":"already subscribed"}}
a: > {"id":3,"publish":{"channel":"chat:x","data":1}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":1,"info":{"user":"alice",...}}}}
a: > {"id":4,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":4,"unsubscribe":{}}
a: > {"id":5,"subscribe":{"channel":"chat:x"}}
a: < {"id":5,"subscribe":{}}
# it is the client's own now, and the backend ends it all the same
api: POST /api/subscribe {"user":"alice","channel":"chat:x"}
api: 200 {"result":{}}
a: silent
api: POST /api/unsubscribe {"user":"alice","channel":"chat:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"chat:x","unsubscribe":{"code":2000,"reason":"*"}}}
api: POST /api/unsubscribe {"user":"alice","channel":"chat:x"}
api: 200 {"result":{}}
a: silent
# the rights of clients do not bind the backend
api: POST /api/subscribe {"user":"alice","channel":"$chat:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"$chat:x","subscribe":{}}}



=== TEST 5: disconnect
--- conversation
a1..a4: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{}}
a1: < {"id":1,"connect":{"client":"*one",...}}
a2: < {"id":1,"connect":{"client":"*two",...}}
a3..a4: < {"id":1,"connect":{...}}
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
api: POST /api/disconnect {"user":"alice","whitelist":["{{kept("one")}}","x","{{kept("two")}}"],"disconnect":{"code":4100,"reason":"come back"}}
api: 200 {"result":{}}
a3..a4: closed 4100 come back
a1..a2, b: silent
api: POST /api/disconnect {"user":"alice","whitelist":["{{kept("one")}}"],"disconnect":{"reason":"go"}}
api: 200 {"result":{}}
a2: closed 3503 go
api: POST /api/disconnect {"user":"alice","disconnect":{"code":3000}}
api: 200 {"result":{}}
a1: closed 3000 force disconnect
api: POST /api/disconnect {"user":"bob","disconnect":{"code":4999,"reason":"{{"r" x 123}}"}}
api: 200 {"result":{}}
b: closed 4999 {{"r" x 123}}
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":0,"num_users":0,...}]}}



=== TEST 6: what is wrong with a call
--- conversation
api: POST /api/subscribe {"channel":"news:x"}
api: 200 {"error":{"code":107,"message":"user: is required, or client, or session"}}
api: POST /api/unsubscribe {"channel":"news:x","user":""}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/disconnect {}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/subscribe {"user":"a"}
api: 200 {"error":{"code":107,"message":"channel: is required"}}
api: POST /api/unsubscribe {"user":"a"}
api: 200 {"error":{"code":107,"message":"channel: is required"}}
api: POST /api/subscribe {"user":"a","channel":"nope:x"}
api: 200 {"error":{"code":102,"message":"unknown channel"}}
api: POST /api/unsubscribe {"user":"a","channel":"nope:x"}
api: 200 {"error":{"code":102,"message":"unknown channel"}}
api: POST /api/subscribe {"user":"a","channel":"/x"}
api: 200 {"error":{"code":107,"message":"channel: is not a channel's name"}}
api: POST /api/disconnect {"user":"{{"u" x 129}}"}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/disconnect {"user":"a\u0001"}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/disconnect {"client":"a","session":"b"}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/disconnect {"user":5}
api: 400
api: POST /api/disconnect {"user":"a","whitelist":["x",5]}
api: 400
api: POST /api/disconnect {"user":"a","whitelist":[{{join ",", ('"x"') x 129}}]}
api: 200 {"error":{"code":106,"message":"*"}}
api: POST /api/disconnect {"user":"a","disconnect":5}
api: 400
api: POST /api/disconnect {"user":"a","disconnect":{"code":"x"}}
api: 400



=== TEST 7: codes and reasons that cannot be
--- conversation
api1..api5: POST /api/disconnect {"user":"a","disconnect":{"code":{{(1000, 2999, 5000, 4294967296, 1)[$n - 1]}},"reason":"r"}}
api1..api5: 200 {"error":{"code":107,"message":"code: has to be from 3000 to 4999"}}
r1..r7: POST /api/disconnect {"user":"a","disconnect":{"code":3503,"reason":"{{("r" x 124, '42', ' {} ', '\"text\"', 'null', '[1]', 'a\u0000b')[$n - 1]}}"}}
r1..r7: 200 {"error":{"code":107,"message":"*"}}
ok1..ok3: POST /api/disconnect {"user":"a","disconnect":{"code":3503,"reason":"{{('4 2', '{', 'nul')[$n - 1]}}"}}
ok1..ok3: 200 {"result":{}}



=== TEST 8: subscribe: what is not said, or null
--- conversation
ok: POST /api/subscribe {"user":"a","channel":"news:x","info":null,"b64info":"","expire_at":0,"recover_since":null,"override":null}
ok: 200 {"result":{}}
ok: POST /api/subscribe {"user":"a","channel":"news:x","recover_since":{"offset":null,"epoch":null}}
ok: 200 {"result":{}}
s1..s3: POST /api/subscribe {"user":"a","channel":"news:x","recover_since":{{('5', '{"offset":-1}', '{"epoch":1}')[$n - 1]}}}
s1..s3: 400 ~recover_since|offset|epoch



=== TEST 9: one channel too many
--- more_config
        location /few {
            rt_websocket     zone=live;
            rt_max_channels  2;
        }
--- conversation
a: open /few
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
   > {"id":3,"subscribe":{"channel":"news:y"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
api: POST /api/subscribe {"user":"alice","channel":"news:y"}
api: 200 {"result":{}}
a: silent
api: POST /api/subscribe {"user":"alice","channel":"news:z"}
api: 200 {"result":{}}
a: closed 3505 channel limit



=== TEST 10: tenants
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
o: open /connection/websocket
   X-User: alice
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
o: < {"id":1,"connect":{"client":"*o",...}}
   < {"id":2,"subscribe":{}}
# of another tenant's client, by its user and by its id
api: POST /api/subscribe {"user":"alice","channel":"news:x"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
o: < {"push":{"channel":"news:x","subscribe":{}}}
api: POST /api/subscribe {"client":"{{kept("a")}}","channel":"news:x"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
api: POST /api/unsubscribe {"client":"{{kept("a")}}","channel":"chat:x"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
api: POST /api/unsubscribe {"user":"alice","channel":"chat:x"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
o: < {"push":{"channel":"chat:x","unsubscribe":{"code":2000,"reason":"*"}}}
api: POST /api/disconnect {"client":"{{kept("a")}}"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
a: silent
api: POST /api/disconnect {"user":"alice"}
     X-Tenant: {{$tenant}}o
api: 200 {"result":{}}
o: closed 3503 force disconnect
a: silent
api: POST /api/disconnect {"user":"alice"}
     X-Tenant: {{$tenant}}none
api: 200 {"result":{}}
a: silent
api: POST /api/publish {"channel":"chat:x","data":1}
api: 200 {"result":{}}
a: < {"push":{"channel":"chat:x","pub":{"data":1}}}
a: silent



=== TEST 11: over all workers
--- workers: 4
--- conversation
a1..a24: open /connection/websocket
         X-User: alice
         > {"id":1,"connect":{}}
b1..b12: open /connection/websocket
         X-User: bob
         > {"id":1,"connect":{}}
a1..a24, b1..b12: < {"id":1,"connect":{...}}
nginx: pids >= 3 of a1..a24
api: POST /api/subscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a1..a24: < {"push":{"channel":"news:x","subscribe":{}}}
api: 20 x POST /api/publish {"channel":"news:x","data":{{$i}}}
api: 20 x 200 {"result":{}}
a1..a24: 20 x < {"push":{"channel":"news:x","pub":{"data":{{$i}}}}}
b1..b12: silent
api: POST /api/unsubscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a1..a24: < {"push":{"channel":"news:x","unsubscribe":{"code":2000,"reason":"*"}}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
a1..a24: silent
api: POST /api/disconnect {"user":"alice"}
api: 200 {"result":{}}
a1..a24: closed 3503 force disconnect
b1..b12: silent
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":12,"num_users":1,...}]}}



=== TEST 12: more sessions than one hold of the mutex takes
--- workers: 4
--- over: plain
--- conversation
a1..a300: open /connection/websocket
          X-User: alice
          > {"id":1,"connect":{}}
a1..a300: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a1..a300: < {"push":{"channel":"news:x","subscribe":{}}}
api: POST /api/disconnect {"user":"alice"}
api: 200 {"result":{}}
a1..a300: closed 3503 force disconnect
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":0,...}]}}



=== TEST 13: a full zone says so, and others go on
--- http_config
    rt_zone       $http_x_tenant zone=tiny:256k;
    rt_user       $http_x_user;
    rt_namespace  news;
--- config
        location /connection/websocket {
            rt_websocket  zone=tiny;
        }
        location /api {
            rt_api        zone=tiny;
            rt_api_key    off;
        }
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
f1..f6: open /connection/websocket
        > {"id":1,"connect":{}}
f1..f6: < {"id":1,...}
f1..f6: 128 x > {"id":{{$i + 1}},"subscribe":{"channel":"news:{{"$n-$i-" . "x" x 230}}"}}
f1..f5: 128 x < {"id":{{$i + 1}},...}
f6: 127 x < {"id":{{$i + 1}},...}
f6: < {"id":129,"error":{"code":507,"message":"zone full","temporary":true}}
# a channel takes two blocks; sessions take the page that it may have left
g1..g60: open /connection/websocket
         > {"id":1,"connect":{}}
g1..g60: < {"id":1,...}
api: POST /api/disconnect {"user":"alice","disconnect":{"reason":"{{"r" x 120}}"}}
api: 200 {"error":{"code":507,"message":"*"}}
api: POST /api/disconnect {"user":"alice","disconnect":{"reason":"{{"r" x 120}}"}}
     X-Centrifugo-Error-Mode: transport
api: 507 {"code":507,"message":"*"}
     Retry-After: 1
a: silent
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":1}}}
f1: gone
api: POST /api/disconnect {"user":"alice","disconnect":{"reason":"{{"r" x 120}}"}}
api: until 200 {"result":{}}
a: closed 3503 {{"r" x 120}}
--- allow_log: is full



=== TEST 14: subscribe: what others are told of the client, and it of them
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
c: open /connection/websocket
   X-User: carol
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*a",...}}
b: < {"id":1,"connect":{"client":"*b",...}}
c: < {"id":1,"connect":{"client":"*c",...}}
api: POST /api/subscribe {"user":"alice","channel":"room:x","data":1,"info":{"seat":{{"\n"}}7}}
api: 200 {"result":{}}
a: < {"push":{"channel":"room:x","subscribe":{"data":1}}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}","chan_info":{"seat":7}}}}}
# nobody is told of bob, and he of nobody; carol is told of others
api: POST /api/subscribe {"user":"bob","channel":"room:x","b64info":"eyJiIjo2NH0=","override":{"join_leave":{"value":false},"presence":null,"x":5}}
api: 200 {"result":{}}
b: < {"push":{"channel":"room:x","subscribe":{}}}
api: POST /api/subscribe {"user":"carol","channel":"room:x","override":{"force_push_join_leave":{"value":true},"presence":{"value":false}}}
api: 200 {"result":{}}
c: < {"push":{"channel":"room:x","subscribe":{}}}
   < {"push":{"channel":"room:x","join":{"info":{"user":"carol","client":"{{kept("c")}}"}}}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"carol","client":"{{kept("c")}}"}}}}
api: POST /api/presence {"channel":"room:x"}
api: 200 {"result":{"presence":{"{{kept("w")}}":*,"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}","chan_info":{"seat":7}},"{{kept("b")}}":{"user":"bob","client":"{{kept("b")}}","chan_info":{"b":64}},"{{kept("c")}}":{"user":"carol","client":"{{kept("c")}}"}}}}
b: gone
a: gone
c: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}","chan_info":{"seat":7}}}}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice",...}}}}
w, c: silent



=== TEST 15: subscribe: an end in time, and nothing of it stays
--- workers: 4
--- more_config
        location /short {
            rt_websocket    zone=live;
            rt_token_grace  0;
        }
--- conversation
a1..a8: open /short
        X-User: alice
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
        > {"id":2,"subscribe":{"channel":"seen:own"}}
b: open /short
   X-User: bob
   > {"id":1,"connect":{}}
a1..a8: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
b: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"bob","channel":"seen:x","expire_at":{{time + 3600}}}
api: 200 {"result":{}}
b: < {"push":{"channel":"seen:x","subscribe":{}}}
api: POST /api/subscribe {"user":"alice","channel":"seen:x","expire_at":{{time + 2}}}
api: 200 {"result":{}}
a1..a8: < {"push":{"channel":"seen:x","subscribe":{}}}
api: POST /api/publish {"channel":"seen:x","data":1}
api: 200 {"result":{}}
a1..a8, b: < {"push":{"channel":"seen:x","pub":{"data":1}}}
a1..a8: closed 3006 subscription expired
# the sessions linger, with what did not end
api: POST /api/presence_stats {"channel":"seen:x"}
api: 200 {"result":{"num_clients":1,"num_users":1}}
api: POST /api/presence_stats {"channel":"seen:own"}
api: 200 {"result":{"num_clients":8,"num_users":1}}
b: silent



=== TEST 16: refresh: an end in time, none any more, at once
--- workers: 4
--- more_config
        location /short {
            rt_websocket    zone=live;
            rt_token_grace  0;
            add_header      X-Pid $pid always;
        }
--- conversation
a1..a8: open /short
        X-User: alice
        > {"id":1,"connect":{}}
a1: < {"id":1,"connect":{"client":"*one",...}}
a2: < {"id":1,"connect":{"client":"*two",...}}
a3..a8: < {"id":1,"connect":{...}}
nginx: pids >= 2 of a1..a8
b: open /short
   X-User: bob
   > {"id":1,"connect":{}}
o: open /short
   X-User: alice
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{}}
b, o: < {"id":1,"connect":{...}}
api: POST /api/refresh {"user":"alice","expire_at":{{time + 2}}}
api: 200 {"result":{}}
api: POST /api/refresh {"client":"{{kept("one")}}"}
api: 200 {"result":{}}
api: POST /api/refresh {"session":"{{kept("two")}}","user":"alice","expire_at":{{time + 3600}}}
api: 200 {"result":{}}
api: POST /api/refresh {"client":"{{kept("one")}}","user":"bob","expired":true}
api: 200 {"result":{}}
a3..a8: closed 3005 connection expired
a1..a2, b, o: silent
api: POST /api/refresh {"user":"alice","expired":true,"expire_at":{{time + 3600}}}
api: 200 {"result":{}}
a1..a2: closed 3005 connection expired
b, o: silent



=== TEST 17: refresh: what others are told
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"seen:x"}}
   > {"id":3,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
api: POST /api/refresh {"user":"alice","info":{"name":"Al"}}
api: 200 {"result":{}}
api: POST /api/presence {"channel":"seen:x"}
api: until 200 {"result":{"presence":{"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}","conn_info":{"name":"Al"}}}}}
a: > {"id":4,"publish":{"channel":"chat:x","data":1}}
a: < {"id":4,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"name":"Al"}}}}}
# null is nothing said, and nothing said is no change
api: POST /api/refresh {"user":"alice","info":null}
api: 200 {"result":{}}
api: POST /api/subscribe {"user":"alice","channel":"news:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","subscribe":{}}}
a: > {"id":5,"publish":{"channel":"chat:x","data":2}}
a: < {"id":5,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":2,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"name":"Al"}}}}}
api: POST /api/refresh {"user":"alice","b64info":"eyJiIjo2NH0="}
api: 200 {"result":{}}
api: POST /api/presence {"channel":"seen:x"}
api: until 200 {"result":{"presence":{"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}","conn_info":{"b":64}}}}}



=== TEST 18: what is wrong with these
--- conversation
api: POST /api/refresh {}
api: 200 {"error":{"code":107,"message":"user: is required, or client, or session"}}
t1..t4: POST /api/{{$n < 3 ? "refresh" : "subscribe"}} {"user":"a","channel":"news:x","expire_at":{{$n % 2 ? 5 : 253402300800}}}
t1..t4: 200 {"error":{"code":107,"message":"expire_at: has to be in the future, in seconds since 1970"}}
api: POST /api/refresh {"user":"a","expire_at":"x"}
api: 400
api: POST /api/refresh {"user":"a","expired":1}
api: 400
i1..i2: POST /api/{{$n < 2 ? "refresh" : "subscribe"}} {"user":"a","channel":"news:x","info":1,"b64info":"e30="}
i1..i2: 200 {"error":{"code":107,"message":"b64info: cannot be there together with info"}}
j1..j2: POST /api/{{$n < 2 ? "refresh" : "subscribe"}} {"user":"a","channel":"news:x","b64info":"e3"}
j1..j2: 200 {"error":{"code":107,"message":"b64info: does not hold JSON"}}
api: POST /api/refresh {"user":"a","info":"{{"x" x 3070}}"}
api: 200 {"result":{}}
api: POST /api/refresh {"user":"a","info":"{{"x" x 3071}}"}
api: 200 {"error":{"code":107,"message":"info: is longer than 3072 bytes"}}
api: POST /api/subscribe {"user":"a","channel":"news:x","data":1,"info":"{{"x" x 3069}}"}
api: 200 {"result":{}}
api: POST /api/subscribe {"user":"a","channel":"news:x","data":1,"info":"{{"x" x 3070}}"}
api: 200 {"error":{"code":107,"message":"data: is longer than 3072 bytes, with info and epoch"}}
o1..o3: POST /api/subscribe {"user":"a","channel":"news:x","override":{{('5', '{"join_leave":true}', '{"join_leave":{"value":1}}')[$n - 1]}}}
o1..o3: 400 ~override
