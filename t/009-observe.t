# What can be seen: metrics, the line at the close of a connection, variables.

use RT;

run_tests();

__DATA__

=== TEST 1: metrics
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
api: 3 x POST /api/publish {"channel":"chat:x","data":{{$i}}}
api: 3 x 200 {"result":{}}
a, b: 3 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}}}}}
m: GET /metrics
m: 200 ~^# TYPE rt_connections gauge$
   Content-Type: /^text\/plain/
m: GET /metrics
m: 200 ~^rt_connections\{worker="0"\} [1-9]
m: GET /metrics
m: 200 ~^rt_publishes_total\{worker="0"\} [1-9]
m: GET /metrics
m: 200 ~^rt_zone_sessions\{zone="live"\} [1-9]
m: GET /metrics
m: 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 2$
m: GET /metrics
m: 200 ~^rt_tenant_channels\{zone="live",tenant="{{$tenant}}"\} 1$
m: GET /metrics
m: 200 ~^rt_tenant_publishes_total\{zone="live",tenant="{{$tenant}}"\} 3$
m: GET /metrics
m: 200 ~^rt_tenant_deliveries_total\{zone="live",tenant="{{$tenant}}"\} 6$
a: close 1000
a: closed 1000
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="0",code="1000",reason="normal"\} [1-9]
m: HEAD /metrics
m: 200
m: POST /metrics {}
m: 405



=== TEST 2: every line of the metrics is well formed
--- conversation
a: open /connection/websocket
   X-Tenant: {{$tenant}}"\q
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
m: GET /metrics
m: 200 ~\A(?:(?:# (?:HELP|TYPE) [a-z_:]+ .*|[a-z_:][a-z0-9_:]*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (?:-?[0-9.e+-]+|\+Inf|NaN))\n)+\z



=== TEST 3: a line when a connection closes
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  chat publish=subscriber;
    rt_log        logs/rt.log '$rt_tenant|$rt_session|$rt_close_code|$request_uri|$http_user_agent';
--- conversation
a: open /connection/websocket
   User-Agent: tester
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*id",...}}
a: close 4000 done
a: closed 4000
nginx: file logs/rt.log ~^{{$tenant}}\|{{kept("id")}}\|4000\|/connection/websocket\|tester$
b: open /connection/websocket
   User-Agent: other
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*second",...}}
b: > {"id":2,"dance":{}}
b: closed 3501
nginx: file logs/rt.log ~^{{$tenant}}\|{{kept("second")}}\|3501\|/connection/websocket\|other$
c: open /connection/websocket
   User-Agent: third
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
c: gone
nginx: file logs/rt.log ~^{{$tenant}}\|[0-9a-f-]{36}\|1006\|/connection/websocket\|third$



=== TEST 4: the default line
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  chat publish=subscriber;
    rt_log        logs/rt-default.log;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*id",...}}
a: close 1000
a: closed 1000
nginx: file logs/rt-default.log ~^\S+ 127\.0\.0\.1 "{{$tenant}}" {{kept("id")}} 1000 \d+\.\d{3} 1 1 \d+ \d+$



=== TEST 5: variables at the upgrade
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  chat publish=subscriber;
    log_format    up '$rt_tenant|$rt_close_code|$status';
    access_log    logs/up.log up;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: close 1000
a: closed 1000
nginx: file logs/up.log ~^{{$tenant}}\|-?\|101$
api: POST /api/publish {"channel":"chat:x","data":1}
api: 200 {"result":{}}
nginx: file logs/up.log ~^{{$tenant}}\|-?\|200$



=== TEST 6: metrics bound the tenants that they list
--- more_config
        location /few {
            rt_metrics tenants=1;
        }
        location /none {
            rt_metrics tenants=0;
        }
--- conversation
a, b: open /connection/websocket
      X-Tenant: {{$tenant}}-{{$me}}
      > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
m: GET /few
m: 200 ~\A(?!(?s:.*\nrt_tenant_sessions\{.*\nrt_tenant_sessions\{))
m: GET /few
m: 200 ~^rt_other_tenants_count\{zone="live"\} [1-9]
m: GET /none
m: 200 ~\A(?!(?s:.*\nrt_tenant_sessions\{))
