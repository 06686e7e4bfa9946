# Durable channels: publications are in Redis before they are accepted, and come
# back from there.

use RT 'redis';

our $HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_redis      unix:$TEST_NGINX_REDIS backoff=10ms:50ms timeout=2s;
    rt_namespace  kept  publish=any history=10 ttl=1m durable;
    rt_namespace  deep  history=1000 ttl=1m durable;
    rt_namespace  brief history=100 ttl=1s durable;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
_EOC_

run_tests();

__DATA__

=== TEST 1: what is accepted stands in the stream, and in meta, where it says
--- http_config eval: $::HTTP
--- conversation
api: 2 x POST /api/publish {"channel":"kept:x","data":{"n":{{$i}}.0},"tags":{"k":"{{$i}}"}}
api: 2 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
redis: XRANGE rt:{{"{$tenant}"}}:channel:kept:x 2-0 2-0
redis: HMGET rt:{{"{$tenant}"}}:meta:kept:x top epoch
       2
       {{kept("e")}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"kept:x","data":"ws"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
redis: HGET rt:{{"{$tenant}"}}:meta:kept:x top
       3
# nobody keeps what is not to be kept
api: POST /api/publish {"channel":"kept:x","data":1,"skip_history":true}
api: 200 {"error":{"code":108,"message":"skip_history: a durable..."}}



=== TEST 2: history by the API: forward, backward, since, the position only
--- http_config eval: $::HTTP
--- conversation eval
$RT::Shared::HISTORY . <<'_EOC_';
api: POST /api/history {"channel":"kept:x","since":{"offset":1,"epoch":"otherone"}}
api: 200 {"error":{"code":112,"message":"since: is of another epoch"}}
api: POST /api/history {"channel":"kept:x","reverse":true,"since":{"epoch":"x"}}
api: 200 {"error":{"code":107,"message":"since: has to have..."}}
# nobody has published, and looking leaves nothing there
api: POST /api/history {"channel":"kept:nobody","limit":10}
api: 200 {"result":{"publications":[],"epoch":"","offset":0}}
redis: EXISTS rt:{{"{$tenant}"}}:meta:kept:nobody rt:{{"{$tenant}"}}:channel:kept:nobody
       0
# nothing of another tenant
api: POST /api/history {"channel":"kept:x","limit":10}
     X-Tenant: {{$tenant}}-b
api: 200 {"result":{"publications":[],"epoch":"","offset":0}}
# one after the other, each sees what was said before
api: POST /api/batch {"commands":[{"publish":{"channel":"kept:x","data":6}},{"history":{"channel":"kept:x","limit":1,"reverse":true}},{"publish":{"channel":"kept:x","data":7}},{"history":{"channel":"kept:x","limit":1,"reverse":true}},{"history":{"channel":"nope:x"}}]}
api: 200 {"replies":[{"publish":{...}},{"history":{"publications":[{"data":6,"offset":6}],"epoch":"*","offset":6}},{"publish":{...}},{"history":{"publications":[{"data":7,"offset":7}],"epoch":"*","offset":7}},{"error":{"code":102,"message":"*"}}]}
_EOC_



=== TEST 3: the same from the copy of a node that has subscribers
--- http_config eval: $::HTTP
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{"client":"*c",...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"*e"}}
api: 12 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 12 x 200 {"result":{"offset":{{$i}},"epoch":"{{kept("e")}}"}}
a: 12 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
# nobody has to be asked for it
redis: stop
api: POST /api/history {"channel":"kept:x","limit":-1}
api: 200 {"result":{"publications":[{"data":3,"offset":3},{...},{...},{...},{...},{...},{...},{...},{...},{"data":12,"offset":12}],"epoch":"{{kept("e")}}","offset":12}}
a: > {"id":3,"history":{"channel":"kept:x","limit":1}}
   > {"id":4,"history":{"channel":"kept:x","limit":2,"reverse":true,"since":{"offset":6,"epoch":"{{kept("e")}}"}}}
a: < {"id":3,"history":{"publications":[{"data":3,"offset":3}],"epoch":"{{kept("e")}}","offset":12}}
   < {"id":4,"history":{"publications":[{"data":5,"offset":5},{"data":4,"offset":4}],"epoch":"{{kept("e")}}","offset":12}}
redis: cont
a: silent



=== TEST 4: what stands further back than the copy is read from the stream
--- http_config eval: $::HTTP
--- conversation
api: 400 x POST /api/publish {"channel":"deep:x","data":{{$i}}}
api: 400 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"deep:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":400}}
api: POST /api/history {"channel":"deep:x","limit":2}
api: 200 {"result":{"publications":[{"data":1,"offset":1},{"data":2,"offset":2}],"epoch":"{{kept("e")}}","offset":400}}
api: POST /api/history {"channel":"deep:x","limit":2,"since":{"offset":250}}
api: 200 {"result":{"publications":[{"data":251,"offset":251},{"data":252,"offset":252}],"epoch":"{{kept("e")}}","offset":400}}
a: > {"id":3,"history":{"channel":"deep:x","limit":2}}
   > {"id":4,"history":{"channel":"deep:x","limit":2,"since":{"offset":99,"epoch":"{{kept("e")}}"}}}
   > {"id":5,"history":{"channel":"deep:x","limit":3,"reverse":true,"since":{"offset":103}}}
   > {"id":6,"history":{"channel":"deep:x","limit":1,"since":{"offset":1,"epoch":"otherone"}}}
a: < {"id":3,"history":{"publications":[{"data":1,"offset":1},{"data":2,"offset":2}],"epoch":"{{kept("e")}}","offset":400}}
   | {"id":4,"history":{"publications":[{"data":100,"offset":100},{"data":101,"offset":101}],"epoch":"{{kept("e")}}","offset":400}}
   | {"id":5,"history":{"publications":[{"data":102,"offset":102},{"data":101,"offset":101},{"data":100,"offset":100}],"epoch":"{{kept("e")}}","offset":400}}
   | {"id":6,"error":{"code":112,"message":"*"}}
a: silent
# what it has comes from there
redis: stop
a: > {"id":7,"history":{"channel":"deep:x","limit":1,"since":{"offset":100}}}
a: < {"id":7,"history":{"publications":[{"data":101,"offset":101}],"epoch":"{{kept("e")}}","offset":400}}
redis: cont
a: silent
m: GET /metrics
m: 200 ~^rt_redis_read_pages_total\{worker="\d+"\} [1-9]\d*$
m: GET /metrics
m: 200 ~^rt_redis_read_copies_total\{worker="\d+"\} [1-9]\d*$
m: GET /metrics
m: 200 ~^rt_redis_read_entries_total\{worker="\d+"\} \d{3,}$



=== TEST 5: history_remove empties the stream; offset and epoch go on
--- http_config eval: $::HTTP
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
redis: XLEN rt:{{"{$tenant}"}}:channel:kept:x
       0
redis: HMGET rt:{{"{$tenant}"}}:meta:kept:x top epoch floor
       9
       {{kept("e")}}
       9
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[],"epoch":"{{kept("e")}}","offset":9}}
a: > {"id":3,"history":{"channel":"kept:x","limit":10}}
a: < {"id":3,"history":{"epoch":"{{kept("e")}}","offset":9}}
api: POST /api/publish {"channel":"kept:x","data":10}
api: 200 {"result":{"offset":10,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":10,"offset":10}}}
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[{"data":10,"offset":10}],"epoch":"{{kept("e")}}","offset":10}}
# who missed what is gone is told; who has it goes on
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":8,"epoch":"{{kept("e")}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":10}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":9,"epoch":"{{kept("e")}}"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"publications":[{"data":10,"offset":10}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":9}}
api: POST /api/history_remove {"channel":"kept:nobody"}
api: 200 {"result":{}}
redis: EXISTS rt:{{"{$tenant}"}}:meta:kept:nobody
       0
a: silent



=== TEST 6: the same where nobody is subscribed
--- http_config eval: $::HTTP
--- conversation
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
api: POST /api/history_remove {"channel":"kept:x"}
api: 200 {"result":{}}
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[],"epoch":"{{kept("e")}}","offset":3}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":2,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":3}}
api: POST /api/publish {"channel":"kept:x","data":4}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":4,"offset":4}}}



=== TEST 7: what is older than its time is not read, wherever it stands
--- http_config eval: $::HTTP
--- conversation
api: 3 x POST /api/publish {"channel":"brief:x","data":{{$i}}}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
nginx: wait 1.1
api: POST /api/publish {"channel":"brief:x","data":4}
api: 200 {"result":{"offset":4,"epoch":"{{kept("e")}}"}}
api: POST /api/history {"channel":"brief:x","limit":10}
api: 200 {"result":{"publications":[{"data":4,"offset":4}],"epoch":"{{kept("e")}}","offset":4}}
api: POST /api/history {"channel":"brief:x","limit":10,"reverse":true}
api: 200 {"result":{"publications":[{"data":4,"offset":4}],"epoch":"{{kept("e")}}","offset":4}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"brief:x","recover":true,"offset":2,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":4}}
a: > {"id":3,"history":{"channel":"brief:x","limit":10}}
a: < {"id":3,"history":{"publications":[{"data":4,"offset":4}],"epoch":"{{kept("e")}}","offset":4}}



=== TEST 8: Redis is away: refused at once, subscribers stay; it comes back
--- http_config eval: $::HTTP
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{...}}
api: POST /api/publish {"channel":"kept:x","data":1}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
a: < {"push":{"channel":"kept:x","pub":{"data":1,"offset":1}}}
redis: kill
m: GET /metrics
m: until 200 ~\A(?!(?s:.*,state="ready"\} 1\n))
api: POST /api/publish {"channel":"kept:x","data":2}
api: 200 {"error":{"code":100,"message":"Redis did not..."}}
api: POST /api/publish {"channel":"kept:x","data":2}
     X-Centrifugo-Error-Mode: transport
api: 503 {"code":100,"message":"*"}
     Retry-After: *
api: POST /api/history {"channel":"kept:x","limit":1}
     X-Centrifugo-Error-Mode: transport
api: 503 {"code":100,"message":"*"}
     Retry-After: *
api: POST /api/history_remove {"channel":"kept:x"}
     X-Centrifugo-Error-Mode: transport
api: 503 {"code":100,"message":"*"}
     Retry-After: *
a: > {"id":3,"publish":{"channel":"kept:x","data":2}}
   > {"id":4,"history":{"channel":"kept:x","limit":1}}
   > {"id":5,"subscribe":{"channel":"kept:y"}}
a: < {"id":3,"error":{"code":100,"message":"*","temporary":true}}
   < {"id":4,"error":{"code":100,"message":"*","temporary":true}}
   < {"id":5,"error":{"code":100,"message":"*","temporary":true}}
redis: start
api: POST /api/publish {"channel":"kept:x","data":2}
api: until 200 {"result":{"offset":2,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":2,"offset":2}}}
a: > {"id":6,"subscribe":{"channel":"kept:y"}}
a: < {"id":6,"subscribe":{...}}
