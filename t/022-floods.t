# Floods: each has a bound, is counted, ends with its code, and harms nobody
# else.

use RT;

run_tests();

__DATA__

=== TEST 1: pings without end, though their pongs are read: 1008
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
a: open /echo
a: bytes {{RT::WebSocket::frame("p", op => 9) x 900}}
a: 900 x pong p
a: > still here
a: message still here
a: bytes {{RT::WebSocket::frame("p", op => 9) x 6000}}
a: closed 1008 too many pings or pongs
b: silent
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="\d+",code="1008",reason="policy violation"\} [1-9]



=== TEST 2: pongs that nobody asked for, without end: 1008
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: bytes {{RT::WebSocket::frame("", op => 10) x 900}}
a: silent
a: bytes {{RT::WebSocket::frame("", op => 10) x 6000}}
a: closed 1008 too many pings or pongs



=== TEST 3: pings at a pace that one may have
--- over: plain
--- conversation
a: open /echo
a: bytes {{RT::WebSocket::frame("p", op => 9) x 998}}
a: 998 x pong p
nginx: wait 1
a: bytes {{RT::WebSocket::frame("p", op => 9) x 90}}
a: 90 x pong p
a: silent



=== TEST 4: empty fragments: 1008, counted
--- conversation
a: open /connection/websocket
a: frame fin=0 op=1 {
a: bytes {{RT::WebSocket::frame("", fin => 0, op => 0) x 1025}}
a: closed 1008 too many empty fragments
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="\d+",code="1008",reason="policy violation"\} [1-9]



=== TEST 5: commands whose replies nobody reads: 3008, counted
--- more_http_config
    rt_max_queue 128k;
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: deaf
a: pour 1000 {"id":5,"rpc":{"method":"rt.echo","data":"{{"x" x 30000}}"}}
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="\d+",code="3008",reason="slow"\} [1-9]
m: GET /metrics
m: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 1$
a: listens
a: overflowed 3008 slow
b: silent



=== TEST 6: small commands whose replies nobody reads: 3008 too
--- more_http_config
    rt_max_queue 128k;
--- over: plain
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: deaf
a: pour 2000 {{join "\n", map { '{"id":5,"ping":{}}' } 1 .. 1000}}
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="\d+",code="3008",reason="slow"\} [1-9]



=== TEST 7: many commands from one that reads: each is answered, in order
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: bytes {{join "", map { RT::WebSocket::frame('{"id":' . $_ . ',"rpc":{"method":"rt.echo","data":' . $_ . '}}') } 2 .. 20001}}
a: 20000 x < {"id":{{$i + 1}},"rpc":{"data":{{$i + 1}}}}
a: silent



=== TEST 8: sockets that never connect: 3502, counted; no session is made
--- more_config
        location /quick {
            rt_websocket        zone=live;
            rt_connect_timeout  500ms;
        }
--- conversation
s1..s200: open /quick
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
m: GET /metrics
m: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 1$
s1..s200: closed 3502 stale
m: GET /metrics
m: until 200 ~^rt_closes_total\{worker="\d+",code="3502",reason="stale"\} [1-9]\d\d$
b: silent



=== TEST 9: one connect is enough: 3501, and the session is gone
--- conversation
a: open /connection/websocket
a: > {{join "\n", map { '{"id":' . $_ . ',"connect":{}}' } 1 .. 2000}}
a: < {"id":1,"connect":{...}}
a: closed 3501 bad request
m: GET /metrics
m: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 0$



=== TEST 10: clients that come and go: all is given back
--- conversation
s1..s100: 3 x open /connection/websocket
s1..s100: > {"id":1,"connect":{}}
          > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s100: < {"id":1,"connect":{...}}
          < {"id":2,"subscribe":{}}
s1..s100: gone
m: GET /metrics
m: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 0$
m: GET /metrics
m: until 200 ~^rt_tenant_channels\{zone="live",tenant="{{$tenant}}"\} 0$
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 0$



=== TEST 11: slow handshakes end, and cost no WebSocket
--- more_http_config
    client_header_timeout 1s;
--- conversation
s1..s100: half /connection/websocket
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 1$
s1..s100: eof
b: silent



=== TEST 12: handshakes that are refused, without end, are counted
--- conversation
a1..a100: try /connection/websocket
          Origin: https://evil.example
a1..a100: 403
m: GET /metrics
m: until 200 ~^rt_refused_total\{worker="\d+"\} [1-9]\d\d$
