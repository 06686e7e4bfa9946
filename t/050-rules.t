# Rules: what a tenant's own Lua says of connects, subscriptions, publications
# and commands, and what becomes of a rule that fails.  The rules are those of
# t/rules/site.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/site' }

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_rules      $TEST_NGINX_RULES;
    rt_namespace  chat publish=any;
    rt_namespace  room publish=any;
    rt_limit      publish namespace=room rate=1r/s burst=2;
_EOC_

run_tests();

__DATA__

=== TEST 1: connect
--- conversation
a: open /connection/websocket
   X-User: banned
   > {"id":1,"connect":{}}
a: < {"id":1,"error":{"code":4010,"message":"you are not wanted"}}
b: open /connection/websocket
   > {"id":1,"connect":{"data":{"room":"full"}}}
b: < {"id":1,"error":{"code":103,"message":"permission denied"}}
c: open /connection/websocket
   > {"id":1,"connect":{"data":{"room":"other"}}}
c: < {"id":1,"connect":{...}}
d: open /connection/websocket
   X-Tenant: a/b é
   > {"id":1,"connect":{}}
d: < {"id":1,"error":{"code":4021,"message":"it is a/b é"}}



=== TEST 2: subscribe
--- conversation
a: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:secret"}}
   > {"id":3,"subscribe":{"channel":"chat:x"}}
   > {"id":4,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":103,"message":"not for bob"}}
   < {"id":3,"subscribe":{}}
   < {"id":4,"subscribe":{}}
b: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:secret"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:secret"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":103,"message":"not for nobody"}}



=== TEST 3: publish: denied, let through byte by byte, and changed
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
   > {"id":3,"subscribe":{"channel":"chat:words"}}
   > {"id":4,"subscribe":{"channel":"chat:types"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
   < {"id":4,"subscribe":{}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: > {"id":2,"publish":{"channel":"chat:closed","data":1}}
b: < {"id":2,"error":{"code":4011,"message":"closed"}}
b: > {"id":3,"publish":{"channel":"chat:x","data":{"b":0.10,"a":9007199254740993}}}
b: < {"id":3,"publish":{}}
a: < {"push":{"channel":"chat:x","pub":{"data":{"b":0.10,"a":9007199254740993},"info":{...}}}}
b: > {"id":4,"publish":{"channel":"chat:words","data":{"text":"darn it, \"darn\" \u00e9"}}}
b: < {"id":4,"publish":{}}
a: < {"push":{"channel":"chat:words","pub":{"data":{"text":"**** it, \"****\" é"},"info":{...}}}}
b: > {"id":5,"publish":{"channel":"chat:types","data":[1,{"x":null},[],{}]}}
b: < {"id":5,"publish":{}}
a: < {"push":{"channel":"chat:types","pub":{"data":{"echo":[1,{"x":null},[],{}],"list":[1,2.5,"x",null,true,{},[]],"size":20},"info":{...}}}}
b: > {"id":6,"publish":{"channel":"chat:fast","data":1}}
b: < {"id":6,"publish":{}}
b: > {"id":7,"publish":{"channel":"chat:large","data":1}}
b: < {"id":7,"error":{"code":106,"message":"limit exceeded"}}



=== TEST 4: a tenant's own rule comes first, and is nobody else's
--- conversation
a: open /connection/websocket
   X-Tenant: acme
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:closed","data":1}}
   > {"id":3,"publish":{"channel":"chat:mine","data":1}}
   > {"id":4,"publish":{"channel":"chat:event","data":1}}
   > {"id":5,"publish":{"channel":"chat:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"error":{"code":4020,"message":"acme says no"}}
   < {"id":4,"error":{"code":4012,"message":"--0"}}
   < {"id":5,"publish":{}}
b: open /connection/websocket
   X-Tenant: acme2
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:mine","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}



=== TEST 5: events: an id, a type, a version
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"chat:event","event":{"id":"i","type":"t","version":3,"data":1}}}}
   > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"t","data":1}}}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":4012,"message":"it3"}}
   < {"id":3,"rpc":{"data":{"event":"i","status":"accepted","duplicate":false}}}



=== TEST 6: commands
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"sum","data":[1,2,3.5]}}
   > {"id":3,"rpc":{"method":"who"}}
   > {"id":4,"rpc":{"method":"no"}}
   > {"id":5,"rpc":{"method":"nothing"}}
   > {"id":6,"rpc":{"method":"rt.nothing"}}
   > {"id":7,"rpc":{"method":"odd"}}
   > {"id":8,"rpc":{"method":"kept"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"sum":6.5,"tenant":"{{$tenant}}"}}}
   < {"id":3,"rpc":{"data":"alice"}}
   < {"id":4,"error":{"code":4013,"message":"no \"way\"\n"}}
   < {"id":5,"error":{"code":104,"message":"method not found"}}
   < {"id":6,"error":{"code":104,"message":"method not found"}}
   < {"id":7,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":8,"rpc":{"data":false}}
--- error_log
rule "command" of "default.lua", for tenant
a number in data is not finite



=== TEST 7: a rule that fails lets nothing through, and the next call is well
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:loop","data":1}}
   > {"id":3,"publish":{"channel":"chat:error","data":1}}
   > {"id":4,"publish":{"channel":"chat:table","data":1}}
   > {"id":5,"publish":{"channel":"chat:reply","data":1}}
   > {"id":6,"publish":{"channel":"chat:task","data":1}}
   > {"id":7,"publish":{"channel":"chat:durable","data":1}}
   > {"id":8,"publish":{"channel":"chat:words","data":[1]}}
   > {"id":9,"publish":{"channel":"chat:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":4,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":5,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":6,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":7,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":8,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":9,"publish":{}}
m: GET /metrics
m: 200 ~^rt_rules_failed_total\{worker="0"\} [1-9]
--- error_log
rule "publish" of "default.lua", for tenant
too many steps



=== TEST 8: one that fails again and again is off for a while
--- over: plain
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: 9 x > {"id":{{$i + 1}},"publish":{"channel":"chat:error","data":1}}
a: 9 x < {"id":{{$i + 1}},"error":{"code":100,"message":"internal server error","temporary":true}}
a: > {"id":11,"publish":{"channel":"chat:x","data":1}}
a: < {"id":11,"publish":{}}
a: 10 x > {"id":{{$i + 11}},"publish":{"channel":"chat:error","data":1}}
a: 10 x < {"id":{{$i + 11}},"error":{"code":100,"message":"internal server error","temporary":true}}
a: > {"id":22,"publish":{"channel":"chat:x","data":1}}
a: < {"id":22,"error":{"code":100,"message":"internal server error","temporary":true}}
b: open /connection/websocket
   X-Tenant: another
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:x","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
--- error_log
no idea; it is off for 10 seconds



=== TEST 9: rt_rules_on_error pass: what a broken rule would judge goes on
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      $TEST_NGINX_RULES;
    rt_rules_on_error pass;
    rt_namespace  chat publish=any;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:loop","data":1}}
   > {"id":3,"publish":{"channel":"chat:closed","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"error":{"code":4011,"message":"closed"}}
--- error_log
too many steps



=== TEST 10: limits stand behind the rules
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"room:x","data":1}}
   > {"id":3,"publish":{"channel":"room:x","data":1}}
   > {"id":4,"publish":{"channel":"room:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"publish":{}}
   < {"id":4,"error":{"code":111,...}}



=== TEST 11: the backend is not judged
--- conversation
api: POST /api/publish {"channel":"chat:closed","data":1}
api: 200 {"result":{}}



=== TEST 12: a tenant's rules have a share of the worker
--- over: plain
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      $TEST_NGINX_RULES rate=200000;
    rt_namespace  chat publish=any;
--- conversation
a: open /connection/websocket
   X-Tenant: slow
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"publish":{"channel":"chat:slow","data":1}}
   > {"id":3,"publish":{"channel":"chat:x","data":1}}
a: < {"id":2,"publish":{}}
   < {"id":3,"error":{"code":111,"message":"too many requests: the tenant's rules have had their share of the worker, try again later","temporary":true}}
b: open /connection/websocket
   X-Tenant: quick
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:x","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}



=== TEST 13: what became of it, by tenant; failures by file and line
--- over: plain
--- conversation
a: open /connection/websocket
   X-Tenant: counted
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"publish":{"channel":"chat:mine","data":1}}
   > {"id":3,"publish":{"channel":"chat:liar","data":1}}
   > {"id":4,"publish":{"channel":"chat:liar","data":1}}
   > {"id":5,"publish":{"channel":"chat:table","data":1}}
a: < {"id":2,"error":{"code":4020,"message":"no, it says"}}
   < {"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":4,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":5,"error":{"code":100,"message":"internal server error","temporary":true}}
m: GET /metrics
m: 200 ~^rt_rule_failures_total\{zone="live",tenant="counted",file="tenants/counted.lua",line="9"\} 2
m: GET /metrics
m: 200 ~^rt_rule_failures_total\{zone="live",tenant="counted",file="default.lua",line=""\} 1
m: GET /metrics
m: 200 ~^rt_rule_verdicts_total\{zone="live",tenant="counted",outcome="allowed"\} 2
m: GET /metrics
m: 200 ~^rt_rule_verdicts_total\{zone="live",tenant="counted",outcome="denied"\} 1
m: GET /metrics
m: 200 ~^rt_rule_verdicts_total\{zone="live",tenant="counted",outcome="failed"\} 3
--- error_log
tenants/acme.lua:99: it was not me
