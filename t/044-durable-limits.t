# What limits say of publications that go by way of Redis.

use RT 'redis';

our $HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_redis      unix:$TEST_NGINX_REDIS timeout=10s pending=256k;
    rt_namespace  keep publish=any history=100 ttl=1m durable;
    rt_namespace  open publish=any;
_EOC_

run_tests();

__DATA__

=== TEST 1: what is larger than a message may be
--- http_config eval: $::HTTP
--- config eval: $RT::SERVER =~ s/zone=live;/zone=live; rt_max_message 1k;/r =~ s/rt_api_key    off;/rt_api_key off; rt_max_message 1k;/r
--- conversation
api: POST /api/publish {"channel":"keep:x","data":"{{"x" x 1022}}"}
api: 200 {"result":{"offset":1,"epoch":"*"}}
api: POST /api/publish {"channel":"keep:x","data":"{{"x" x 1023}}"}
api: 200 {"error":{"code":107,"message":"data: is larger, with tags, than rt_max_message"}}
api: POST /api/publish {"channel":"keep:x","data":"{{"x" x 1000}}","tags":{"a":"{{"x" x 20}}"}}
     X-Centrifugo-Error-Mode: transport
api: 400 {"code":107,"message":"data: is larger..."}
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"publish":{"channel":"keep:x","data":"{{"x" x 900}}"}}
a: < {"id":2,"publish":{}}
a: > {"id":3,"publish":{"channel":"keep:x","data":"{{"x" x 1022}}"}}
a: closed 1009 *
redis: until ~^2$~ XLEN rt:{{$tag}}:channel:keep:x



=== TEST 2: a rate of the tenant: clients and the API, on every worker
--- http_config eval: $::HTTP
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=4;
--- workers: 2
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
a, b: > {"id":2,"publish":{"channel":"keep:x","data":1}}
a, b: < {"id":2,"publish":{}}
api: 2 x ask 200 POST /api/publish {"channel":"keep:x","data":1}
a, b: > {"id":3,"publish":{"channel":"keep:x","data":1}}
a, b: < {"id":3,"error":{"code":111,"message":"too many requests: rt_limit publish tenant, try again in ...","temporary":true}}
a: > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e","type":"t"}}}}
a: < {"id":4,"error":{"code":111,"message":"too many...","temporary":true}}
api: POST /api/publish {"channel":"keep:x","data":1}
api: 200 {"error":{"code":111,"message":"too many..."}}
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k"}
     X-Centrifugo-Error-Mode: transport
api: 429 {"code":111,"message":"too many requests: rt_limit publish tenant, try again in ..."}
     Retry-After: *
# another tenant has a rate of its own
c: open /connection/websocket
   X-Tenant: {{$tenant}}2
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"keep:x","data":1}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
# what was denied is nowhere
redis: XLEN rt:{{$tag}}:channel:keep:x
     4
redis: until ~\A\z~ KEYS rt:{{$tag}}:idem:*



=== TEST 3: a repeat is free, and told its first result where nothing new is taken
--- http_config eval: $::HTTP
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=4;
    rt_limit publish session rate=1r/m burst=2;
--- conversation
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{}}
# neither a repeat nor a conflict is charged for, nor is a version that is late
api: 5 x ask 200 POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 5 x ask 200 POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k1"}
api: 5 x ask 200 POST /api/publish {"channel":"keep:x","data":2,"idempotency_key":"k1"}
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e1","type":"t"}}}}
a: < {"id":2,"rpc":{"data":{"event":"e1","status":"accepted","duplicate":false,"offset":2,"epoch":"*"}}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e1","type":"t"}}}}
a: < {"id":3,"rpc":{"data":{"event":"e1","status":"accepted","duplicate":true,"offset":2,"epoch":"*"}}}
a: > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e1","type":"u"}}}}
a: < {"id":4,"error":{"code":409,"message":"*"}}
a: > {"id":5,"publish":{"channel":"keep:x","data":1}}
a: < {"id":5,"publish":{}}
# now both are used up, and it is the same
api: POST /api/publish {"channel":"keep:x","data":1}
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish tenant..."}}
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k2"}
     X-Centrifugo-Error-Mode: transport
api: 429 {"code":111,"message":"too many requests: rt_limit publish tenant..."}
     Retry-After: *
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"keep:x","data":2,"idempotency_key":"k1"}
api: 200 {"error":{"code":409,"message":"idempotency_key: was used with other content"}}
a: > {"id":6,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e1","type":"t"}}}}
a: < {"id":6,"rpc":{"data":{"event":"e1","status":"accepted","duplicate":true,"offset":2,"epoch":"*"}}}
a: > {"id":7,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e2","type":"t"}}}}
a: < {"id":7,"error":{"code":111,"message":"too many requests: rt_limit publish session...","temporary":true}}
# one that is on its way on another node is not published here
redis: EVAL "local m = redis.call('GET', KEYS[1]) return redis.call('SET', KEYS[2], m:match('%S+') .. ' claim x-1')" 2 rt:{{$tag}}:idem:open%3Ax:k1 rt:{{$tag}}:idem:open%3Ax:k3
     OK
redis: SET rt:{{$tag}}:idem:open%3Ax:k4 x
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k3"}
api: 200 {"error":{"code":111,"message":"too many..."}}
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k4"}
api: 200 {"error":{"code":111,"message":"too many..."}}
redis: XLEN rt:{{$tag}}:channel:keep:x
     3



=== TEST 4: versions that are late are not charged for
--- http_config eval: $::HTTP
--- more_http_config
    rt_limit publish namespace rate=1r/m burst=3;
    rt_limit bytes   tenant    rate=1k/m burst=64k;
--- conversation
api: POST /api/publish {"channel":"keep:x","data":1,"version":5}
api: 200 {"result":{"offset":1,"epoch":"*"}}
api: 5 x ask 200 POST /api/publish {"channel":"keep:x","data":"{{"x" x 30000}}","version":4}
api: POST /api/publish {"channel":"keep:x","data":1,"version":6}
api: 200 {"result":{"offset":2,"epoch":"*"}}
api: POST /api/publish {"channel":"keep:x","data":1}
api: 200 {"result":{"offset":3,"epoch":"*"}}
api: POST /api/publish {"channel":"keep:x","data":1}
api: 200 {"error":{"code":111,"message":"too many requests: rt_limit publish namespace..."}}



=== TEST 5: what waits for Redis is bounded for each tenant
--- http_config eval: $::HTTP
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
b: open /connection/websocket
   X-Tenant: {{$tenant}}2
   > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
redis: stop
# a quarter of 256k: two fit, and the others are told at once
a: 2 x > {"id":{{$i + 1}},"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
a: > {"id":4,"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
a: < {"id":4,"error":{"code":100,"message":"internal server error","temporary":true}}
b: > {"id":2,"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
redis: cont
a: < {"id":2,"publish":{}}
a: < {"id":3,"publish":{}}
b: < {"id":2,"publish":{}}
redis: XLEN rt:{{$tag}}:channel:keep:x
     2
a: > {"id":5,"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
a: < {"id":5,"publish":{}}



=== TEST 6: what found no room to wait costs nothing
--- http_config eval: $::HTTP
--- more_http_config
    rt_limit publish tenant rate=1r/m burst=4;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
redis: stop
a: 2 x > {"id":{{$i + 1}},"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
a: 10 x > {"id":{{$i + 3}},"publish":{"channel":"keep:x","data":"{{"x" x 25000}}"}}
a: 10 x < {"id":{{$i + 3}},"error":{"code":100,...}}
redis: cont
a: < {"id":2,"publish":{}}
a: < {"id":3,"publish":{}}
a: 2 x > {"id":{{$i + 20}},"publish":{"channel":"keep:x","data":1}}
a: < {"id":21,"publish":{}}
   | {"id":22,"publish":{}}
a: > {"id":30,"publish":{"channel":"keep:x","data":1}}
a: < {"id":30,"error":{"code":111,...}}
