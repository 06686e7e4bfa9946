# Limits (rt_limit): who is charged for what, what is told of it, what is
# counted; and that others are not touched.

use RT;

run_tests();

__DATA__

=== TEST 1: publications of a session: a burst, then error 111 that says which
--- more_http_config
    rt_limit publish session rate=1r/m burst=3;
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"publish":{"channel":"chat:x","data":1}}
   > {"id":4,"publish":{"channel":"chat:x","data":2}}
   > {"id":5,"publish":{"channel":"chat:x","data":3}}
   > {"id":6,"publish":{"channel":"chat:x","data":4}}
a: < {"id":3,"publish":{}}
   | {"id":4,"publish":{}}
   | {"id":5,"publish":{}}
   | {"id":6,"error":{"code":111,"message":"too many requests: rt_limit publish session, try again in ...","temporary":true}}
   | {"push":{"channel":"chat:x","pub":{"data":1,...}}}
   | {"push":{"channel":"chat:x","pub":{"data":2,...}}}
   | {"push":{"channel":"chat:x","pub":{"data":3,...}}}
b: < {"push":{"channel":"chat:x","pub":{"data":1,...}}}
   < {"push":{"channel":"chat:x","pub":{"data":2,...}}}
   < {"push":{"channel":"chat:x","pub":{"data":3,...}}}
# another session has a bucket of its own
b: > {"id":3,"publish":{"channel":"chat:x","data":5}}
b: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":5,...}}}
a: < {"push":{"channel":"chat:x","pub":{"data":5,...}}}
# what is not a publication is free, and so is one that may not be
a: > {"id":7,"publish":{"channel":"news:x","data":1}}
   > {"id":8,"rpc":{"method":"rt.echo","data":1}}
a: < {"id":7,"error":{"code":103,"message":"permission denied"}}
   < {"id":8,"rpc":{"data":1}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_publishes_total\{zone="live",tenant="{{$tenant}}"\} 1$
m: GET /metrics
m: 200 ~^rt_tenant_publishes_total\{zone="live",tenant="{{$tenant}}"\} 4$
a, b: silent



=== TEST 2: of a tenant, over all its clients, its workers and the API
--- workers: 4
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=20;
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
s1..s16: < {"id":1,"connect":{...}}
nginx: pids >= 2 of s1..s16
s1..s16: > {"id":2,"publish":{"channel":"open:x","data":1}}
s1..s16: < {"id":2,"publish":{}}
api: 4 x ask 200 POST /api/publish {"channel":"open:x","data":1}
s1..s16: > {"id":3,"publish":{"channel":"open:x","data":1}}
s1..s16: < {"id":3,"error":{"code":111,"message":"too many requests: rt_limit publish tenant, try again in ...","temporary":true}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish tenant, try again in ..."}}
api: POST /api/publish {"channel":"news:x","data":1}
     X-Centrifugo-Error-Mode: transport
api: 429 {"code":111,"message":"*"}
     Retry-After: /^(60|59|58)$/
# another tenant is another bucket
api: POST /api/publish {"channel":"news:x","data":1}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{}}
m: GET /metrics
m: 200 ~^rt_tenant_publishes_total\{zone="live",tenant="{{$tenant}}"\} 20$
m: GET /metrics
m: 200 ~^rt_tenant_limited_publishes_total\{zone="live",tenant="{{$tenant}}"\} 18$



=== TEST 3: of a user, whatever sessions it has and had
--- workers: 2
--- more_http_config
    rt_limit publish user rate=1r/m burst=2;
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
a: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":0,...}]}}
a2..a7: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{}}
a2..a7: < {"id":1,"connect":{...}}
a2: > {"id":2,"publish":{"channel":"open:x","data":1}}
a2: < {"id":2,"publish":{}}
a2..a7: > {"id":3,"publish":{"channel":"open:x","data":1}}
a2..a7: < {"id":3,"error":{"code":111,"message":"too many requests: rt_limit publish user, try again in ...","temporary":true}}
# another user, the same name in another tenant, and nobody in particular
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
o: open /connection/websocket
   X-User: alice
   X-Tenant: {{$tenant}}-other
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":1}}
o: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
n: open /connection/websocket
   > {"id":1,"connect":{}}
n: < {"id":1,"connect":{...}}
n: 5 x > {"id":2,"publish":{"channel":"open:x","data":1}}
n: 5 x < {"id":2,"publish":{}}



=== TEST 4: of namespaces: each has its own, one may have another rate
--- more_http_config
    rt_limit publish namespace      rate=1r/m burst=1;
    rt_limit publish namespace=open rate=1r/m burst=3;
--- conversation
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"news:y","data":1}
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish namespace, try again in ..."}}
api: POST /api/publish {"channel":"chat:x","data":1}
api: 200 {"result":{}}
api: 3 x ask 200 POST /api/publish {"channel":"open:x","data":1}
api: POST /api/publish {"channel":"open:x","data":1}
api: 200 {"error":{"code":111,"message":"*"}}
api: POST /api/broadcast {"channels":["seen:x","seen:y"],"data":1}
api: 200 {"result":{"responses":[{"result":{}},{"error":{"code":111,"message":"*"}}]}}
api: POST /api/publish {"channel":"news:x","data":1}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{}}



=== TEST 5: of a key of the API, for whichever tenant
--- more_http_config
    rt_limit publish key rate=1r/m burst=2;
--- more_config
        location /keyed/ {
            rt_api      zone=live;
            rt_api_key  file=$TEST_NGINX_SERVER_ROOT/html/keys;
        }
--- user_files
>>> keys
first-key-plain
second-key-plain
first-key-tls
second-key-tls
--- over: plain
--- conversation
api: POST /keyed/publish {"channel":"news:x","data":1}
     X-API-Key: first-key-plain
api: 200 {"result":{}}
api: POST /keyed/publish {"channel":"news:x","data":1}
     X-API-Key: first-key-plain
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{}}
api: POST /keyed/publish {"channel":"news:x","data":1}
     X-API-Key: first-key-plain
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish key, try again in ..."}}
api: POST /keyed/publish {"channel":"news:x","data":1}
     X-API-Key: second-key-plain
api: 200 {"result":{}}
# no key is wanted here
api: 5 x ask 200 POST /api/publish {"channel":"news:x","data":1}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}



=== TEST 6: bytes of data, and which limit it was, where there are two
--- more_http_config
    rt_limit bytes   tenant  rate=1k/m burst=100k;
    rt_limit publish session rate=1r/m burst=3;
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
a: > {"id":2,"publish":{"channel":"open:x","data":"{{"x" x 59998}}"}}
a: < {"id":2,"publish":{}}
a: > {"id":3,"publish":{"channel":"open:x","data":"{{"x" x 59998}}"}}
a: < {"id":3,"error":{"code":111,"message":"too many requests: rt_limit bytes tenant, try again in ...","temporary":true}}
# the session was not charged for that one
a: 2 x > {"id":4,"publish":{"channel":"open:x","data":1}}
a: 2 x < {"id":4,"publish":{}}
a: > {"id":4,"publish":{"channel":"open:x","data":1}}
a: < {"id":4,"error":{"code":111,"message":"too many requests: rt_limit publish session, try again in ...","temporary":true}}
b: > {"id":5,"publish":{"channel":"open:x","data":"{{"x" x 39998}}"}}
b: < {"id":5,"publish":{}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_publishes_by_bytes_total\{zone="live",tenant="{{$tenant}}"\} 1$



=== TEST 7: commands: 111, what ends something is free; without an id, and without an end: 3013
--- more_http_config
    rt_limit commands session rate=1r/m burst=3;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
   > {"id":3,"rpc":{"method":"rt.echo","data":1}}
   > {"id":4,"rpc":{"method":"rt.echo","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"rpc":{"data":1}}
   < {"id":4,"rpc":{"data":1}}
a: > {"id":5,"subscribe":{"channel":"chat:y"}}
   > {"id":6,"presence":{"channel":"chat:x"}}
a: < {"id":5,"error":{"code":111,"message":"too many requests: rt_limit commands session, try again in ...","temporary":true}}
   < {"id":6,"error":{"code":111,"message":"*","temporary":true}}
a: > {"id":7,"ping":{}}
a: < {"id":7,"ping":{}}
a: > {"id":8,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":8,"unsubscribe":{}}
a: 998 x > {"id":9,"rpc":{"method":"rt.echo","data":1}}
a: 998 x < {"id":9,"error":{"code":111,"message":"*","temporary":true}}
a: > {"id":9,"rpc":{"method":"rt.echo","data":1}}
a: closed 3013 too many requests
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
   > {"id":3,"subscribe":{"channel":"chat:y"}}
   > {"id":4,"subscribe":{"channel":"chat:z"}}
b: < {"id":1,"connect":{...}}
b: < {"id":2,"subscribe":{}}
b: < {"id":3,"subscribe":{}}
b: < {"id":4,"subscribe":{}}
b: > {"send":{"data":1}}
b: closed 3013 too many requests
m: GET /metrics
m: 200 ~^rt_tenant_limited_commands_total\{zone="live",tenant="{{$tenant}}"\} 1002$



=== TEST 8: commands of a tenant, by all its workers
--- workers: 4
--- more_http_config
    rt_limit commands tenant  rate=1r/m burst=24;
    rt_limit commands session rate=1r/m burst=2;
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"rpc":{"method":"rt.echo","data":1}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"rpc":{"data":1}}
nginx: pids >= 2 of s1..s16
s1..s8: > {"id":3,"rpc":{"method":"rt.echo","data":1}}
s1..s8: < {"id":3,"rpc":{"data":1}}
s1..s8: > {"id":4,"rpc":{"method":"rt.echo","data":1}}
s1..s8: < {"id":4,"error":{"code":111,"message":"too many requests: rt_limit commands session, try again in ...","temporary":true}}
s9..s16: > {"id":4,"rpc":{"method":"rt.echo","data":1}}
s9..s16: < {"id":4,"error":{"code":111,"message":"too many requests: rt_limit commands tenant, try again in ...","temporary":true}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_commands_total\{zone="live",tenant="{{$tenant}}"\} 16$



=== TEST 9: connections of a tenant: 429 at the handshake, 111 at the connect
--- more_http_config
    rt_limit connections tenant max=2;
--- conversation
c: open /connection/websocket
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
c: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
c: < {"id":1,"error":{"code":111,"message":"too many requests: rt_limit connections tenant, 2 at most, try again later","temporary":true}}
d: try /connection/websocket
d: 429
   Retry-After: 1
o: open /connection/websocket
   X-Tenant: {{$tenant}}-other
   > {"id":1,"connect":{}}
o: < {"id":1,"connect":{...}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_connections_total\{zone="live",tenant="{{$tenant}}"\} 2$
a: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":1,...}]}}
d: open /connection/websocket
   > {"id":1,"connect":{}}
d: < {"id":1,"connect":{...}}



=== TEST 10: sessions of a user
--- more_http_config
    rt_limit sessions user max=2;
--- conversation
a, b, c: open /connection/websocket
         X-User: alice
a, b: > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
c: > {"id":1,"connect":{}}
c: < {"id":1,"error":{"code":111,"message":"too many requests: rt_limit sessions user, 2 at most, try again later","temporary":true}}
d: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
d: < {"id":1,"connect":{...}}
n1..n3: open /connection/websocket
        > {"id":1,"connect":{}}
n1..n3: < {"id":1,"connect":{...}}
a: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":5,...}]}}
e: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
e: < {"id":1,"connect":{...}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_sessions_total\{zone="live",tenant="{{$tenant}}"\} 1$



=== TEST 11: channels of a tenant
--- more_http_config
    rt_limit channels tenant max=2;
--- conversation
a, b: open /connection/websocket
      X-User: {{$me}}
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
      > {"id":3,"subscribe":{"channel":"chat:y"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
      < {"id":3,"subscribe":{}}
a: > {"id":4,"subscribe":{"channel":"chat:z"}}
a: < {"id":4,"error":{"code":111,"message":"too many requests: rt_limit channels tenant, 2 at most, try again later","temporary":true}}
a: > {"id":5,"unsubscribe":{"channel":"chat:x"}}
   > {"id":6,"subscribe":{"channel":"chat:z"}}
a: < {"id":5,"unsubscribe":{}}
   < {"id":6,"error":{"code":111,...}}
b: > {"id":5,"unsubscribe":{"channel":"chat:x"}}
b: < {"id":5,"unsubscribe":{}}
a: > {"id":7,"subscribe":{"channel":"chat:z"}}
a: < {"id":7,"subscribe":{}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_channels_total\{zone="live",tenant="{{$tenant}}"\} 2$
api: POST /api/subscribe {"user":"b","channel":"chat:w"}
api: 200 {"result":{}}
b: closed 3013 too many requests: rt_limit channels tenant, 2 at most, try again later



=== TEST 12: a tenant's share of the zone: 507; its neighbours go on, and who is there
--- more_http_config
    rt_limit zone tenant max=64k;
--- conversation
i: open /connection/websocket
   X-Tenant: {{$tenant}}-idle
   > {"id":1,"connect":{}}
i: < {"id":1,"connect":{...}}
i: gone
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
f1..f3: open /connection/websocket
        > {"id":1,"connect":{}}
f1..f3: < {"id":1,"connect":{...}}
f1..f3: 128 x > {"id":{{$i + 1}},"subscribe":{"channel":"chat:{{"$n-$i-" . "x" x 200}}"}}
f1..f3: 128 x < {"id":{{$i + 1}},...}
f3: > {"id":200,"subscribe":{"channel":"chat:{{"y" x 200}}"}}
f3: < {"id":200,"error":{"code":507,"message":"zone full: rt_limit zone tenant, 65536 at most, try again later","temporary":true}}
a: > {"id":3,"publish":{"channel":"chat:x","data":1}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:x","pub":{"data":1,...}}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_zone_total\{zone="live",tenant="{{$tenant}}"\} [1-9]
# an idle neighbour is not evicted to make room
m: GET /metrics
m: 200 ~^rt_tenant_connects_total\{zone="live",tenant="{{$tenant}}-idle"\} 1$
o: open /connection/websocket
   X-Tenant: {{$tenant}}-other
   > {"id":1,"connect":{}}
o: < {"id":1,"connect":{...}}
o: 100 x > {"id":{{$i + 1}},"subscribe":{"channel":"chat:{{"$i-" . "x" x 200}}"}}
o: 100 x < {"id":{{$i + 1}},"subscribe":{}}
# what the backend orders comes through
api: POST /api/subscribe {"user":"alice","channel":"chat:x","data":"{{"d" x 3000}}"}
api: 200 {"result":{}}
api: POST /api/unsubscribe {"user":"alice","channel":"chat:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"chat:x","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}
f1: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":3,...}]}}
f3: > {"id":201,"subscribe":{"channel":"chat:{{"y" x 200}}"}}
f3: < {"id":201,"subscribe":{}}



=== TEST 13: a bucket fills again, as time goes by
--- over: plain
--- more_http_config
    rt_limit publish session rate=20r/s burst=2;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: 40 x > {"id":2,"publish":{"channel":"open:x","data":1}}
a: 40 x < {"id":2,...}
nginx: wait 0.2
a: > {"id":3,"publish":{"channel":"open:x","data":1}}
a: < {"id":3,"publish":{}}



=== TEST 14: buckets outlive a reload
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=2;
--- conversation
api: 2 x ask 200 POST /api/publish {"channel":"open:x","data":1}
nginx: reload
api: POST /api/publish {"channel":"open:x","data":1}
api: until 200 {"error":{"code":111,"message":"*"}}



=== TEST 15: buckets outlive a worker
--- over: plain
--- workers: 1
--- allow_log: exited on signal
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=2;
    rt_limit publish user   rate=1r/m burst=1;
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
nginx: kill KILL a
nginx: left a
b, c: open /connection/websocket
      X-User: alice
      > {"id":1,"connect":{}}
      > {"id":2,"publish":{"channel":"open:x","data":1}}
b, c: < {"id":1,"connect":{...}}
      < {"id":2,"error":{"code":111,"message":"too many requests: rt_limit publish user, try again in ...","temporary":true}}



=== TEST 16: a share that is full of histories: 507, but a history goes on
--- more_http_config
    rt_namespace shelf history=8 ttl=1h;
    rt_limit zone tenant max=64k;
--- conversation
api: 40 x ask 200 POST /api/publish {"channel":"shelf:a","data":"{{"x" x 4000}}"}
api: POST /api/publish {"channel":"shelf:a","data":1}
api: 200 {"result":{"offset":41,"epoch":"*"}}
api: 8 x ask 200 POST /api/publish {"channel":"shelf:b","data":"{{"x" x 4000}}"}
api: POST /api/publish {"channel":"shelf:c","data":"{{"x" x 4000}}"}
api: 200 {"error":{"code":507,"message":"zone full: rt_limit zone tenant, 65536 at most, try again later"}}
api: POST /api/publish {"channel":"shelf:c","data":"{{"x" x 4000}}"}
     X-Centrifugo-Error-Mode: transport
api: 507 {"code":507,"message":"*"}
     Retry-After: 1
api: 4 x ask 200 POST /api/publish {"channel":"shelf:a","data":"{{"y" x 4000}}"}
api: POST /api/publish {"channel":"shelf:a","data":1}
api: 200 {"result":{"offset":46,"epoch":"*"}}
api: POST /api/publish {"channel":"shelf:a","data":1}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{"offset":1,"epoch":"*"}}



=== TEST 17: a share that is full of what is old is not full
--- more_http_config
    rt_namespace brief history=100 ttl=700ms;
    rt_limit zone tenant max=64k;
--- conversation
# in a circle of so many the sweep takes its time
api: 25 x ask 200 POST /api/publish {"channel":"brief:a{{$i}}","data":1}
     X-Tenant: {{$tenant}}-other
api: POST /api/publish {"channel":"brief:a","data":"{{"x" x 10000}}"}
api: 200 {"result":{...}}
api: 25 x ask 200 POST /api/publish {"channel":"brief:b{{$i}}","data":1}
     X-Tenant: {{$tenant}}-other
api: POST /api/publish {"channel":"brief:b","data":"{{"x" x 10000}}"}
api: 200 {"result":{...}}
api: 25 x ask 200 POST /api/publish {"channel":"brief:c{{$i}}","data":1}
     X-Tenant: {{$tenant}}-other
api: 10 x ask 200 POST /api/publish {"channel":"brief:c","data":"{{"x" x 3000}}"}
nginx: wait 0.8
# the channel's own make room at once, others soon
api: POST /api/publish {"channel":"brief:c","data":"{{"x" x 30000}}"}
api: 200 {"result":{"offset":11,"epoch":"*"}}
nginx: wait 0.8
api: POST /api/publish {"channel":"brief:d","data":"{{"x" x 52000}}"}
api: until 200 {"result":{"offset":1,"epoch":"*"}}



=== TEST 18: a repeat of what was accepted is free, and is never denied
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=2;
--- conversation
api: 2 x ask 200 POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"one"}
api: POST /api/publish {"channel":"news:x","data":2,"idempotency_key":"two"}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"news:x","data":3,"idempotency_key":"three"}
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish tenant, try again in ..."}}
api: POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"one"}
api: 200 {"result":{}}
m: GET /metrics
m: 200 ~^rt_tenant_limited_publishes_total\{zone="live",tenant="{{$tenant}}"\} 1$



=== TEST 19: a tenant that was forgotten owes what it owed
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=2;
--- conversation
api: 2 x ask 200 POST /api/publish {"channel":"news:x","data":1}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"error":{"code":111,...}}
# more that are idle than are kept
api: 1100 x ask 200 POST /api/publish {"channel":"news:x","data":1}
     X-Tenant: {{$tenant}}-{{$i}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"error":{"code":111,...}}
api: POST /api/publish {"channel":"news:x","data":1}
     X-Tenant: {{$tenant}}-new
api: 200 {"result":{}}
