# nginx's own modules, with WebSockets open: what they count, refuse and know
# of a connection stays true from the upgrade to the close.

use RT;

run_tests();

__DATA__

=== TEST 1: limit_conn counts a WebSocket while it is open
--- more_http_config
    limit_conn_zone $http_x_who zone=open:1m;
--- more_config
        location /limited {
            rt_websocket       zone=live;
            limit_conn         open 2;
            limit_conn_status  429;
        }
--- conversation
a, b: open /limited
      X-Who: {{$tenant}}
a, b: > {"id":1,"connect":{}}
a, b: < {"id":1,"connect":{...}}
c: try /limited
   X-Who: {{$tenant}}
c: 429
# it counts whoever has connected, and nobody else
d: open /limited
   X-Who: {{$tenant}}-other
a, b: silent
c: try /limited
   X-Who: {{$tenant}}
c: 429
# and frees a place at each way to end
a: close 1000
a: closed 1000
c: open /limited
   X-Who: {{$tenant}}
c: > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
e: try /limited
   X-Who: {{$tenant}}
e: 429
b: gone
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 2$
e: open /limited
   X-Who: {{$tenant}}
e: > {"id":1,"dance":{}}
e: closed 3501
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 2$
f: open /limited
   X-Who: {{$tenant}}
--- allow_log: limiting connections by zone



=== TEST 2: stub_status: active is right, while open and after
--- more_config
        location /status {
            stub_status;
        }
--- conversation
s: GET /status
s: 200 ~^Active connections: 1
a1..a20: open /connection/websocket
         > {"id":1,"connect":{}}
a1..a20: < {"id":1,"connect":{...}}
e1..e5: open /echo
s: GET /status
s: 200 ~^Active connections: 26
a1..a10: close 1000
a1..a10: closed 1000
a11..a15: > {"id":2,"dance":{}}
a11..a15: closed 3501
e1: frame op=3
e1: closed 1002
a16, e2: gone
s: GET /status
s: until 200 ~^Active connections: 8
a17..a20, e3..e5: gone
s: GET /status
s: until 200 ~^Active connections: 1
s: GET /status
s: 200 ~^Reading: 0 Writing: 1 Waiting: 0



=== TEST 3: realip: the client's address, at the upgrade and at the close
--- more_http_config
    log_format  up '$http_x_tenant|$remote_addr|$realip_remote_addr|$status';
    access_log  logs/realip.log up;
    rt_log      logs/realip-rt.log '$rt_tenant|$remote_addr|$rt_close_code';
--- more_config
        location /behind {
            rt_websocket        zone=live;
            set_real_ip_from    127.0.0.1;
            real_ip_header      X-Forwarded-For;
        }
        location /direct {
            rt_websocket        zone=live;
        }
--- conversation
a: open /behind
   X-Forwarded-For: 192.0.2.7
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
b: open /behind
   X-Forwarded-For: 2001:db8::9
   X-Tenant: {{$tenant}}-b
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
# who is not behind it says what he likes
c: open /direct
   X-Forwarded-For: 192.0.2.8
   X-Tenant: {{$tenant}}-c
nginx: file logs/realip.log ~^{{$tenant}}\|192\.0\.2\.7\|127\.0\.0\.1\|101$
a: close 1000
a: closed 1000
nginx: file logs/realip-rt.log ~^{{$tenant}}\|192\.0\.2\.7\|1000$
b: gone
nginx: file logs/realip-rt.log ~^{{$tenant}}-b\|2001:db8::9\|1006$
c: > {"id":1,"dance":{}}
c: closed 3501
nginx: file logs/realip-rt.log ~^{{$tenant}}-c\|127\.0\.0\.1\|3501$



=== TEST 4: realip on a connection that was kept alive before
--- more_http_config
    rt_log  logs/kept.log '$rt_tenant|$remote_addr|$rt_close_code';
--- more_config
        set_real_ip_from  127.0.0.1;
        real_ip_header    X-Forwarded-For;

        location /behind/who {
            return 200 $remote_addr;
        }
        location /behind/ws {
            rt_websocket  zone=live;
        }
--- conversation
a: GET /behind/who
   X-Forwarded-For: 192.0.2.1
a: 200 ~^192\.0\.2\.1$
a: GET /behind/who
   X-Forwarded-For: 192.0.2.2
a: 200 ~^192\.0\.2\.2$
b: open /behind/ws
   X-Forwarded-For: 192.0.2.3
b: close 1000
b: closed 1000
nginx: file logs/kept.log ~^{{$tenant}}\|192\.0\.2\.3\|1000$



=== TEST 5: auth_request: allowed, 401, 403, and a header of its answer
--- more_config
        location /guarded {
            auth_request      /auth;
            auth_request_set  $who $upstream_http_x_who;
            rt_websocket      zone=live;
        }
        location = /auth {
            internal;
            proxy_pass               http://127.0.0.1:$server_port/judge/$http_x_secret;
            proxy_pass_request_body  off;
            proxy_set_header         Content-Length "";
            proxy_set_header         Upgrade "";
            proxy_set_header         Connection close;
        }
        location /judge/good { add_header X-Who alice; return 204; }
        location /judge/bad  { return 403; }
        location /judge/     { return 401; }
--- over: plain
--- conversation
a: open /guarded
   X-Secret: good
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
b: try /guarded
   X-Secret: bad
b: 403
c: try /guarded
c: 401
d: try /guarded
   X-Secret: other
d: 401
# what was let in goes on as any other
a: > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":1}}}
a: silent
a: close 1000
a: closed 1000
--- allow_log: no resolver defined



=== TEST 6: limit_req: connects beyond the rate are refused
--- more_http_config
    limit_req_zone $http_x_tenant zone=rate:1m rate=1r/m;
--- more_config
        location /paced {
            rt_websocket      zone=live;
            limit_req         zone=rate burst=3 nodelay;
            limit_req_status  429;
        }
--- conversation
a1..a4: open /paced
        > {"id":1,"connect":{}}
a1..a4: < {"id":1,"connect":{...}}
b1..b3: try /paced
b1..b3: 429
c: open /paced
   X-Tenant: {{$tenant}}-other
a1..a4: silent



=== TEST 7: limit_req: a connect that has to wait is let in
--- more_http_config
    limit_req_zone $http_x_tenant zone=slow:1m rate=5r/s;
--- more_config
        location /delayed {
            rt_websocket  zone=live;
            limit_req     zone=slow burst=10;
        }
--- conversation
a1..a4: try /delayed
        > {"id":1,"connect":{}}
a1..a4: 101
a1..a4: < {"id":1,"connect":{...}}
a1..a4: silent



=== TEST 8: mirror: the copy neither opens nor ends a WebSocket
--- more_config
        location /mirrored {
            mirror        /copy;
            rt_websocket  zone=live;
        }
        location = /copy {
            internal;
            return 204;
        }
--- conversation
a: open /mirrored
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: silent
a: close 1000
a: closed 1000
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 0$



=== TEST 9: the PROXY protocol: whose connection it is
--- over: plain
--- more_http_config
    log_format  from '$http_x_tenant|$remote_addr|$proxy_protocol_addr|$status';
    access_log  logs/proxied.log from;
    rt_log      logs/proxied-rt.log '$rt_tenant|$remote_addr|$proxy_protocol_addr|$rt_close_code';
--- more_config
        listen            127.0.0.1:$TEST_NGINX_SPARE_PORT proxy_protocol;
        set_real_ip_from  127.0.0.1;
        real_ip_header    proxy_protocol;
--- conversation
a: proxied 192.0.2.33
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
nginx: file logs/proxied.log ~^{{$tenant}}\|192\.0\.2\.33\|192\.0\.2\.33\|101$
a: > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"news:x","data":1}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":1}}}
a: close 1000
a: closed 1000
nginx: file logs/proxied-rt.log ~^{{$tenant}}\|192\.0\.2\.33\|192\.0\.2\.33\|1000$
# without the line that a proxy sends there is no connection
b: spare 127.0.0.1
b: try /connection/websocket
b: eof
--- allow_log: broken header



=== TEST 10: a listener of IPv6
--- over: plain
--- more_http_config
    rt_log  logs/six.log '$rt_tenant|$remote_addr|$rt_close_code';
--- more_config
        listen  [::1]:$TEST_NGINX_SPARE_PORT;
--- conversation
a: spare ::1
a: open /connection/websocket
   Host: [::1]:{{$spare}}
   Origin: http://[::1]:{{$spare}}
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: spare ::1
b: try /connection/websocket
   Host: [::1]:{{$spare}}
   Origin: http://[::2]:{{$spare}}
b: 403
api: POST /api/publish {"channel":"news:x","data":6}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":6}}}
a: close 1000
a: closed 1000
nginx: file logs/six.log ~^{{$tenant}}\|::1\|1000$



=== TEST 11: a quit with WebSockets open: 3001, the worker leaves
--- conversation
a1..a10: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
a1..a10: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
b: open /connection/websocket
e: open /echo
nginx: kill QUIT a1
a1..a10, b: closed 3001 shutdown
e: closed 1001
nginx: left a1
--- allow_log: worker process



=== TEST 12: a quit while a client does not read: the worker leaves all the same
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: deaf
api: 20 x ask 200 POST /api/publish {"channel":"news:x","data":"{{"x" x 30000}}"}
nginx: kill QUIT a
nginx: left a
a: listens
a: overflowed 3001
