# Idempotency keys: what was accepted once is not accepted again, by whatever
# way, worker or generation of nginx it is asked for.

use RT;

run_tests();

__DATA__

=== TEST 1: a client that did not hear of it says it again
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"open:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"specversion":"1.0","source":"/a","id":"k1","type":"t","time":"1","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":{"a":0.10}}}}}
a: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"open:x","pub":{"data":{"a":0.10},"info":{"client":"*c"},"tags":{"event":"k1","type":"t","version":"1","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}}
b: < {"push":{"channel":"open:x","pub":{"data":{"a":0.10},"info":{"client":"{{kept("c")}}"},"tags":{"event":"k1","type":"t","version":"1","traceparent":"*"}}}}
# another time, trace and order is no other content
a: > {"id":4,"rpc":{"method":"rt.publish","data":{"event":{"data":{"a":0.10},"version":1,"id":"k1","time":"2","type":"t","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},"channel":"open:x"}}}
a: < {"id":4,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true}}}
b: > {"id":4,"rpc":{"method":"rt.publish","data":{"event":{"data":{"a":0.10},"id":"k1","type":"t"},"channel":"open:x"}}}
b: < {"id":4,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true}}}
# other data, type, version
a: > {"id":5,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k1","type":"t","data":{"a":0.1}}}}}
a: < {"id":5,"error":{"code":409,"message":"the key was used with other content"}}
a: > {"id":6,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k1","type":"u","data":{"a":0.10}}}}}
a: < {"id":6,"error":{"code":409,"message":"*"}}
a: > {"id":7,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k1","type":"t","version":2,"data":{"a":0.10}}}}}
a: < {"id":7,"error":{"code":409,"message":"*"}}
# another key, another channel
a: > {"id":8,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k2","type":"t","version":7}}}}
a: < {"id":8,"rpc":{"data":{"event":"k2","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"open:x","pub":{"data":null,"info":{...},"tags":{"event":"k2","type":"t","version":"7"}}}}
b: < {"push":{"channel":"open:x","pub":{"data":null,"info":{...},"tags":{"event":"k2","type":"t","version":"7"}}}}
a: > {"id":9,"rpc":{"method":"rt.publish","data":{"channel":"open:y","event":{"id":"k1","type":"u","data":1}}}}
a: < {"id":9,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":false}}}
a, b: silent



=== TEST 2: rt.publish: what cannot be published
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"open:x"}}}
   > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"type":"t"}}}}
   > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"","type":"t"}}}}
   > {"id":5,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k"}}}}
   > {"id":6,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":5,"type":"t"}}}}
   > {"id":7,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k","type":"t","version":"1"}}}}
   > {"id":8,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k","type":"t","specversion":"0.3"}}}}
   > {"id":9,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k","type":"t","data_base64":"MQ=="}}}}
   > {"id":10,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"{{"k" x 256}}","type":"t"}}}}
   > {"id":11,"rpc":{"method":"rt.publish","data":[]}}
   > {"id":12,"rpc":{"method":"rt.publish"}}
   > {"id":13,"rpc":{"method":"rt.publish","data":{"event":{"id":"k","type":"t"}}}}
   > {"id":14,"rpc":{"method":"rt.publish","data":{"channel":"nope:x","event":{"id":"k","type":"t"}}}}
   > {"id":15,"rpc":{"method":"rt.publish","data":{"channel":"news:x","event":{"id":"k","type":"t"}}}}
   > {"id":16,"rpc":{"method":"rt.nothing","data":{"channel":"open:x"}}}
a: < {"id":1,"connect":{...}}
a: 12 x < {"id":{{$i + 1}},"error":{"code":107,"message":"bad request"}}
a: < {"id":14,"error":{"code":102,"message":"unknown channel"}}
   < {"id":15,"error":{"code":103,"message":"permission denied"}}
   < {"id":16,"error":{"code":104,"message":"method not found"}}
a: > {"id":20,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"{{"\\u0001" x 255}}","type":"{{"\\u0002" x 255}}","traceparent":"00-bad"}}}}
a: < {"id":20,"rpc":{"data":{"event":"*","status":"accepted","duplicate":false}}}
a: silent



=== TEST 3: a backend says it again
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
api: POST /api/publish {"channel":"kept:x","data":{"b":64},"tags":{"k":"v","l":"w"},"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"kept:x","data":2}
api: 200 {"result":{"offset":2,"epoch":"{{kept("e")}}"}}
# the first result; the same bytes another way
api: POST /api/publish {"channel":"kept:x","b64data":"eyJiIjo2NH0=","tags":{"l":"w","k":"v","traceparent":"x"},"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
# other data, other tags
api: POST /api/publish {"channel":"kept:x","data":{"b": 64},"tags":{"k":"v","l":"w"},"idempotency_key":"k"}
api: 200 {"error":{"code":409,"message":"idempotency_key: was used with other content"}}
api: POST /api/publish {"channel":"kept:x","data":{"b":64},"tags":{"k":"v"},"idempotency_key":"k"}
api: 200 {"error":{"code":409,"message":"*"}}
api: POST /api/publish {"channel":"kept:x","data":{"b":64},"idempotency_key":"k"}
     X-Centrifugo-Error-Mode: transport
api: 409 {"code":409,"message":"*"}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"{{"k" x 256}}"}
api: 200 {"error":{"code":107,"message":"idempotency_key: is longer than 255 bytes"}}
# an empty one is none
api: 2 x POST /api/publish {"channel":"news:x","data":1,"idempotency_key":""}
api: 2 x 200 {"result":{}}
# of each channel; the others are done
api: POST /api/broadcast {"channels":["kept:x","kept:y","news:x"],"data":3,"idempotency_key":"k"}
api: 200 {"result":{"responses":[{"error":{"code":409,"message":"*"}},{"result":{"offset":1,"epoch":"*f"}},{"result":{}}]}}
api: POST /api/broadcast {"channels":["kept:y","kept:z"],"data":3,"idempotency_key":"k"}
api: 200 {"result":{"responses":[{"result":{"offset":1,"epoch":"{{kept("f")}}"}},{"result":{"offset":1,"epoch":"*"}}]}}
api: POST /api/batch {"commands":[{"publish":{"channel":"kept:x","data":{"b":64},"tags":{"k":"v","l":"w"},"idempotency_key":"k"}},{"publish":{"channel":"kept:x","data":4,"idempotency_key":"m"}},{"publish":{"channel":"kept:x","data":4,"idempotency_key":"m"}}]}
api: 200 {"replies":[{"publish":{"offset":1,"epoch":"{{kept("e")}}"}},{"publish":{"offset":3,"epoch":"{{kept("e")}}"}},{"publish":{"offset":3,"epoch":"{{kept("e")}}"}}]}
a: < {"push":{"channel":"kept:x","pub":{"data":{"b":64},"offset":1,"tags":{"k":"v","l":"w"}}}}
   < {"push":{"channel":"kept:x","pub":{"data":2,"offset":2}}}
   < {"push":{"channel":"kept:x","pub":{"data":4,"offset":3}}}
a: silent



=== TEST 4: an event of a client and of a backend is one
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k","type":"t","data":[1]}}}}
a: < {"id":3,"rpc":{"data":{"event":"k","status":"accepted","duplicate":false,"offset":1,"epoch":"*e"}}}
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"kept:x","event":{"id":"k","type":"t","data":[1]}}}
api: 200 {"result":{"data":{"event":"k","status":"accepted","duplicate":true,"offset":1,"epoch":"{{kept("e")}}"}}}
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"kept:x","event":{"id":"l","type":"t","data":[1]}}}
api: 200 {"result":{"data":{"event":"l","status":"accepted","duplicate":false,"offset":2,"epoch":"{{kept("e")}}"}}}
a: > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"l","type":"t","data":[1]}}}}
a: < {"id":4,"rpc":{"data":{"event":"l","status":"accepted","duplicate":true,"offset":2,"epoch":"{{kept("e")}}"}}}
api: POST /api/publish {"channel":"kept:x","data":[1],"idempotency_key":"k"}
api: 200 {"error":{"code":409,"message":"*"}}
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"kept:x","event":{"id":"k","type":"t","data":[2]}}}
api: 200 {"error":{"code":409,"message":"id: was used with other content"}}
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"kept:x","event":{"id":"k","data":[2]}}}
api: 200 {"error":{"code":107,"message":"type: is required"}}
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"nope:x","event":{"id":"k","type":"t"}}}
api: 200 {"error":{"code":102,"message":"unknown channel"}}
api: POST /api/rpc {"method":"rt.publish","params":{"event":{"id":"k","type":"t"}}}
api: 200 {"error":{"code":107,"message":"channel: is required"}}
api: POST /api/rpc {"method":"rt.publish"}
api: 200 {"error":{"code":107,"message":"params: the..."}}
api: POST /api/rpc {"method":"rt.echo","params":{"a":[0.10,{}]}}
api: 200 {"result":{"data":{"a":[0.10,{}]}}}
api: POST /api/rpc {"method":"rt.echo"}
api: 200 {"result":{}}
api: POST /api/rpc {"method":"dance","params":{}}
api: 200 {"error":{"code":104,"message":"method not found"}}
api: POST /api/rpc {"method":"dance"}
     X-Centrifugo-Error-Mode: transport
api: 404 {"code":104,"message":"method not found"}
a: silent



=== TEST 5: on any worker, at once or one after the other
--- workers: 4
--- conversation
s: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
   > {"id":3,"subscribe":{"channel":"kept:x"}}
s: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{...}}
p1..p16: open /connection/websocket
         > {"id":1,"connect":{}}
p1..p16: < {"id":1,"connect":{...}}
nginx: pids >= 3 of p1..p16
p1..p16: > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k","type":"t","data":1}}}}
p1..p16: < {"id":2,"rpc":{"data":{"event":"k","status":"accepted","duplicate":*}}}
s: < {"push":{"channel":"open:x","pub":{"data":1,...}}}
p1..p16: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"k","type":"t","data":1}}}}
p1..p16: < {"id":3,"rpc":{"data":{"event":"k","status":"accepted","duplicate":true}}}
p1..p16: > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k","type":"t","data":{{$n}}}}}}
p1..p16: < {"id":4,...}
api: POST /api/publish {"channel":"kept:x","data":"last"}
api: 200 {"result":{"offset":2,"epoch":"*"}}
s: < {"push":{"channel":"kept:x","pub":{"data":*,"offset":1,...}}}
   < {"push":{"channel":"kept:x","pub":{"data":"last","offset":2}}}
h1..h8: 10 x POST /api/publish {"channel":"open:x","data":{{$i}},"idempotency_key":"h{{$i}}"}
h1..h8: 10 x 200 {"result":{}}
s: < {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
   | {"push":{"channel":"open:x","pub":{"data":*}}}
s: silent



=== TEST 6: after a reload
--- conversation
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
nginx: reload
a: closed 3001
b: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
b: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
b: POST /api/publish {"channel":"kept:x","data":2,"idempotency_key":"k"}
b: 200 {"error":{"code":409,"message":"*"}}
b: POST /api/publish {"channel":"news:x","data":2,"idempotency_key":"k"}
b: 200 {"error":{"code":409,"message":"*"}}



=== TEST 7: after its window a key is a new one
--- more_http_config
    rt_idempotency window=700ms;
--- conversation
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: until 200 {"result":{"offset":2,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":2,"epoch":"*"}}



=== TEST 8: a tenant with as many keys as it may have
--- more_http_config
    rt_idempotency keys=3 window=1m;
--- conversation
api: 3 x POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k{{$i}}"}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k4"}
api: 200 {"error":{"code":111,"message":"idempotency_key: the tenant has as many keys..."}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k4"}
     X-Centrifugo-Error-Mode: transport
api: 429 {"code":111,"message":"*"}
     Retry-After: *
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k4","type":"t"}}}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":111,"message":"too many idempotency keys","temporary":true}}
# none is forgotten for it, others and what has no key go on
api: 3 x POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k{{$i}}"}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":1}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k4"}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{"offset":1,"epoch":"*"}}



=== TEST 9: tenants with one key do not meet
--- conversation
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"kept:x","data":2,"idempotency_key":"k"}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{"offset":1,"epoch":"*f"}}
api: POST /api/publish {"channel":"kept:x","data":2,"idempotency_key":"k"}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{"offset":1,"epoch":"{{kept("f")}}"}}
api: POST /api/publish {"channel":"kept:x","data":2,"idempotency_key":"k"}
api: 200 {"error":{"code":409,"message":"*"}}
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k"}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}



=== TEST 10: versions: what is not later is not published
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
api: POST /api/publish {"channel":"kept:x","data":1,"version":5}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"kept:x","data":2,"version":5}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":3,"version":4}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":4,"version":18446744073709551615}
api: 200 {"result":{"offset":2,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":5}
api: 200 {"result":{"offset":3,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":6,"version":1,"version_epoch":"b"}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"kept:x","data":7,"version":1,"version_epoch":"b"}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
api: POST /api/broadcast {"channels":["kept:x","kept:y"],"data":8,"version":2,"version_epoch":"b"}
api: 200 {"result":{"responses":[{"result":{"offset":5,"epoch":"{{kept("e")}}"}},{"result":{"offset":1,"epoch":"*"}}]}}
a: < {"push":{"channel":"kept:x","pub":{"data":1,"offset":1}}}
   < {"push":{"channel":"kept:x","pub":{"data":4,"offset":2}}}
   < {"push":{"channel":"kept:x","pub":{"data":5,"offset":3}}}
   < {"push":{"channel":"kept:x","pub":{"data":6,"offset":4}}}
   < {"push":{"channel":"kept:x","pub":{"data":8,"offset":5}}}
# there is nothing to keep it with
api: POST /api/publish {"channel":"news:x","data":1,"version":5}
api: 200 {"error":{"code":108,"message":"version: needs..."}}
api: POST /api/publish {"channel":"kept:x","data":1,"version":9,"skip_history":true}
api: 200 {"error":{"code":108,"message":"version: needs..."}}
a: silent



=== TEST 11: a worker is killed in the middle, and all is said again
--- workers: 4
--- more_http_config
    rt_namespace all publish=any history=2000 ttl=1m;
--- conversation
p1..p16: open /connection/websocket
         > {"id":1,"connect":{}}
p1..p16: < {"id":1,"connect":{...}}
nginx: pids >= 3 of p1..p16
p1..p16: 50 x > {"id":{{$i + 1}},"rpc":{"method":"rt.publish","data":{"channel":"all:x","event":{"id":"{{$n}}-{{$i}}","type":"t","data":"{{"x" x 500}}"}}}}
nginx: kill KILL p1
nginx: left p1
p1..p16: gone
p1..p16: open /connection/websocket
         > {"id":1,"connect":{}}
p1..p16: < {"id":1,"connect":{...}}
p1..p16: 50 x > {"id":{{$i + 1}},"rpc":{"method":"rt.publish","data":{"channel":"all:x","event":{"id":"{{$n}}-{{$i}}","type":"t","data":"{{"x" x 500}}"}}}}
p1..p16: 50 x < {"id":{{$i + 1}},"rpc":{"data":{"event":"{{$n}}-{{$i}}","status":"accepted","offset":*,"epoch":"*","duplicate":*}}}
api: POST /api/publish {"channel":"all:x","data":"last"}
api: 200 {"result":{"offset":801,"epoch":"*"}}



=== TEST 12: a zone that has no room for another key
--- over: plain
--- http_config
    rt_zone       $http_x_tenant zone=live:256k;
    rt_namespace  news;
--- conversation
api: 900 x POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"{{"x" x 240}}{{$i}}"}
api: 900 x 200
api: POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"{{"x" x 243}}"}
api: 200 {"error":{"code":507,"message":"zone full"}}
api: POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"{{"x" x 243}}"}
     X-Centrifugo-Error-Mode: transport
api: 507 {"code":507,"message":"zone full"}
     Retry-After: *
# what was taken stays known, and what has no key goes on
api: POST /api/publish {"channel":"news:x","data":2,"idempotency_key":"{{"x" x 240}}1"}
api: 200 {"error":{"code":409,"message":"*"}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}



=== TEST 13: keys that are over give their room back, with nobody asking
--- more_http_config
    rt_idempotency window=2s;
--- conversation
api: 50 x POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"{{$i}}"}
api: 50 x 200 {"result":{}}
api: POST /api/publish {"channel":"news:x","data":1,"idempotency_key":"1"}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"news:x","data":2,"idempotency_key":"50"}
api: 200 {"error":{"code":409,"message":"*"}}
api: GET /metrics
api: 200 ~rt_tenant_keys\{zone="live",tenant="{{$tenant}}"\} 50\n
api: GET /metrics
api: 200 ~rt_tenant_key_repeats_total\{zone="live",tenant="{{$tenant}}"\} 1\n
api: GET /metrics
api: 200 ~rt_tenant_key_conflicts_total\{zone="live",tenant="{{$tenant}}"\} 1\n
api: GET /metrics
api: until 200 ~rt_tenant_keys\{zone="live",tenant="{{$tenant}}"\} 0\n
