# Flags: directives, variables, rt.flag in rules, and what is told of them.  The
# rules are those of t/rules/flags.  Of the first keys user-0, user-1 ... the
# flag "beta" has at 50 percent 1, 2, 3 and 4, but not 0, 5 and 6; "new-router" at
# 20 percent 1, 28 and 30.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/flags' }

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_rules      $TEST_NGINX_RULES;
    rt_flag       everyone on;
    rt_flag       nobody off;
    rt_flag       beta 50%;
    rt_flag       new-router 20%;
    rt_namespace  chat publish=any;
_EOC_

run_tests();

__DATA__

=== TEST 1: rt.flag
--- conversation
a: open /connection/websocket
   X-User: user-1
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"everyone"}}
   > {"id":3,"rpc":{"method":"nobody"}}
   > {"id":4,"rpc":{"method":"unknown"}}
   > {"id":5,"rpc":{"method":"beta"}}
   > {"id":6,"rpc":{"method":"beta","data":{"key":"user-0"}}}
   > {"id":7,"rpc":{"method":"beta","data":{"key":"user-4"}}}
   > {"id":8,"rpc":{"method":"NEW_ROUTER","data":{"key":"user-28"}}}
   > {"id":9,"rpc":{"method":"New-Router","data":{"key":"user-2"}}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":true}}
   < {"id":3,"rpc":{"data":false}}
   < {"id":4,"rpc":{"data":false}}
   < {"id":5,"rpc":{"data":true}}
   < {"id":6,"rpc":{"data":false}}
   < {"id":7,"rpc":{"data":true}}
   < {"id":8,"rpc":{"data":true}}
   < {"id":9,"rpc":{"data":false}}
b: open /connection/websocket
   X-User: user-0
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"beta"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":false}}



=== TEST 2: a name or a key that is none fails like any rule
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:bad","data":1}}
   > {"id":3,"rpc":{"method":"beta","data":{"key":7}}}
   > {"id":4,"publish":{"channel":"chat:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":4,"publish":{}}
--- error_log
default.lua:13: bad argument #1 to
a flag's name is 1 to 64 letters



=== TEST 3: variables
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_flag       everyone on;
    rt_flag       beta 50%;
    rt_flag       new-router 20%;
    map $rt_flag_beta $backend { on new; default old; }
    server { listen unix:$TEST_NGINX_SERVER_ROOT/new.sock;
             location / { return 200 "new"; } }
    server { listen unix:$TEST_NGINX_SERVER_ROOT/old.sock;
             location / { return 200 "old"; } }
    upstream new { server unix:$TEST_NGINX_SERVER_ROOT/new.sock; }
    upstream old { server unix:$TEST_NGINX_SERVER_ROOT/old.sock; }
--- config
        location /route { proxy_pass http://$backend; }
        location /say {
            return 200 "$rt_flag_everyone $rt_flag_beta $rt_flag_new_router $rt_flag_unknown";
        }
        location /key {
            rt_flag_key $arg_k zone=live;
            return 200 "$rt_flag_beta $rt_flag_everyone";
        }
--- conversation
m: GET /route
   X-User: user-1
m: 200 ~^new$
m: GET /route
   X-User: user-0
m: 200 ~^old$
m: GET /route
   X-User: user-1
m: 200 ~^new$
m: GET /route
m: 200 ~^old$
m: GET /say
   X-User: user-1
m: 200 ~^on on on off$
m: GET /say
   X-User: user-2
m: 200 ~^on on off off$
m: GET /say
m: 200 ~^on off off off$
m: GET /key?k=user-4
   X-User: user-0
m: 200 ~^on on$
m: GET /key?k=
   X-User: user-1
m: 200 ~^off on$



=== TEST 4: what a connection's rules have asked, in its line of the log
--- more_http_config
    rt_log        logs/flags.log '$rt_user [$rt_flags]';
--- conversation
a: open /connection/websocket
   X-User: user-1
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"beta"}}
   > {"id":3,"rpc":{"method":"New-router","data":{"key":"user-2"}}}
   > {"id":4,"rpc":{"method":"unknown"}}
   > {"id":5,"rpc":{"method":"beta","data":{"key":"user-0"}}}
   > {"id":6,"rpc":{"method":"beta","data":{"key":"user-2"}}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":true}}
   < {"id":3,"rpc":{"data":false}}
   < {"id":4,"rpc":{"data":false}}
   < {"id":5,"rpc":{"data":false}}
   < {"id":6,"rpc":{"data":true}}
a: close 1000
a: closed 1000
nginx: file logs/flags.log ~^user-1 \[beta=on,new_router=off\]$
b: open /connection/websocket
   X-User: user-7
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: close 1000
b: closed 1000
nginx: file logs/flags.log ~^user-7 \[-\]$



=== TEST 5: metrics: asked, and how commands ended, by variant
--- conversation
a: open /connection/websocket
   X-User: user-1
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:x","data":1}}
   > {"id":3,"publish":{"channel":"chat:fails","data":1}}
   > {"id":4,"publish":{"channel":"chat:x","data":1}}
   > {"id":5,"publish":{"channel":"chat:x","data":1}}
   > {"id":6,"publish":{"channel":"nowhere:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"error":{"code":4002,"message":"beta fails"}}
   < {"id":4,"publish":{}}
   < {"id":5,"publish":{}}
   < {"id":6,"error":{...}}
b: open /connection/websocket
   X-User: user-0
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:fails","data":1}}
   > {"id":3,"publish":{"channel":"chat:fails","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"publish":{}}
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="on"\} 1$
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="off"\} 2$
m: GET /metrics
m: 200 ~^rt_flag_commands_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="on",outcome="ok"\} 2$
m: GET /metrics
m: 200 ~^rt_flag_commands_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="on",outcome="error"\} 2$
m: GET /metrics
m: 200 ~^rt_flag_commands_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="off",outcome="ok"\} 2$
m: GET /metrics
m: 200 ~\A(?!(?s:.*rt_flag_commands_total\{zone="live",tenant="{{$tenant}}",flag="beta",variant="off",outcome="error"))
m: GET /metrics
m: 200 ~\A(?!(?s:.*flag="closed"))



=== TEST 6: what is counted has a bounded number of names, of a tenant, too
--- over: plain
--- http_config
    rt_zone       $http_x_tenant zone=live:1m;
    rt_flag       f1 on;
    rt_flag       f2 on;
    rt_flag       f3 on;
    rt_flag       f4 on;
    rt_flag       f5 on;
    rt_flag       f6 on;
    rt_flag       f7 on;
    rt_flag       f8 on;
    rt_flag       f9 on;
    rt_flag       f10 on;
    rt_flag       f11 on;
    rt_flag       f12 on;
    rt_flag       f13 on;
--- config
        location /say { return 200 "$rt_flag_f1 $rt_flag_f2 $rt_flag_f3 $rt_flag_f4 $rt_flag_f5 $rt_flag_f6 $rt_flag_f7 $rt_flag_f8 $rt_flag_f9 $rt_flag_f10 $rt_flag_f11 $rt_flag_f12 $rt_flag_f13"; }
        location /metrics { rt_metrics; }
--- conversation
m: GET /say
   X-Tenant: a
m: 200 ~^on on on on on on on on on on on on on$
m: GET /say
   X-Tenant: b
m: 200 ~^on on on on on on on on on on on on on$
m: GET /say
   X-Tenant: c
m: 200 ~^on on on on on on on on on on on on on$
m: GET /say
   X-Tenant: d
m: 200 ~^on on on on on on on on on on on on on$
m: GET /say
   X-Tenant: e
m: 200 ~^on on on on on on on on on on on on on$
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="a",flag="f12",variant="on"\} 1$
m: GET /metrics
m: 200 ~\A(?!(?s:.*tenant="a",flag="f13"))
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="d",flag="f12",variant="on"\} 1$
m: GET /metrics
m: 200 ~\A(?!(?s:.*tenant="e",flag=))
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="",flag="",variant=""\} 17$



=== TEST 7: a tenant's own outrank the directive's, at once, and only for it
--- workers: 2
--- more_config
        location /say { return 200 "$rt_flag_beta $rt_flag_everyone $rt_flag_mine"; }
--- conversation
a, b: open /connection/websocket
      X-User: user-0
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
c: open /connection/websocket
   X-Tenant: {{$tenant}}x
   X-User: user-0
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"beta"}}
   > {"id":3,"rpc":{"method":"mine"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":false}}
   < {"id":3,"rpc":{"data":false}}
m: GET /say
   X-User: user-0
m: 200 ~^off on off$
api: PUT /api/flags {"flags":{"Beta":{"percent":0,"allow":["user-0","user-1"],"deny":["user-1"]},"mine":true,"everyone":false}}
api: 200 {"result":{...}}
a, b: > {"id":2,"rpc":{"method":"beta"}}
      > {"id":3,"rpc":{"method":"mine"}}
      > {"id":4,"rpc":{"method":"beta","data":{"key":"user-1"}}}
      > {"id":5,"rpc":{"method":"everyone"}}
a, b: < {"id":2,"rpc":{"data":true}}
      < {"id":3,"rpc":{"data":true}}
      < {"id":4,"rpc":{"data":false}}
      < {"id":5,"rpc":{"data":false}}
m: GET /say
   X-User: user-0
m: 200 ~^on off on$
m: GET /say
   X-User: user-1
m: 200 ~^off off on$
c: > {"id":4,"rpc":{"method":"beta"}}
   > {"id":5,"rpc":{"method":"mine"}}
   > {"id":6,"rpc":{"method":"everyone"}}
c: < {"id":4,"rpc":{"data":false}}
   < {"id":5,"rpc":{"data":false}}
   < {"id":6,"rpc":{"data":true}}
m: GET /say
   X-User: user-0
   X-Tenant: {{$tenant}}x
m: 200 ~^off on off$
api: PUT /api/flags {"flags":{"beta":null,"mine":{"percent":50},"everyone":null}}
api: 200 {"result":{...}}
a, b: > {"id":6,"rpc":{"method":"beta"}}
      > {"id":7,"rpc":{"method":"everyone"}}
a, b: < {"id":6,"rpc":{"data":false}}
      < {"id":7,"rpc":{"data":true}}
m: GET /metrics
m: 200 ~^rt_flag_asked_total\{zone="live",tenant="{{$tenant}}",flag="mine",variant="on"\} \d
m: GET /metrics
m: 200 ~\A(?!(?s:.*tenant="{{$tenant}}x",flag="mine"))
