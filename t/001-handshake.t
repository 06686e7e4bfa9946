# The WebSocket handshake (RFC 6455, section 4.2): what is accepted, what is
# refused and how, and what may follow in the same segment.

use RT;

run_tests();

__DATA__

=== TEST 1: a handshake
--- conversation
alice: open /connection/websocket
alice: open /echo
alice: > hello
alice: message hello



=== TEST 2: tokens in lists and in any case
--- conversation
alice: try /echo
       Upgrade: WebSocket
       Connection: keep-alive, UPGRADE
alice: 101
bob:   try /echo
       Connection: keep-alive
       +Connection: upgrade
bob:   101



=== TEST 3: only GET
--- conversation
a: try POST /connection/websocket
a: 405
b: try PUT /connection/websocket
b: 405
c: try DELETE /echo
c: 405
d: try HEAD /echo
d: 405
e: try OPTIONS /echo
e: 405



=== TEST 4: only HTTP/1.1
--- conversation
a: try /connection/websocket HTTP/1.0
a: 400
b: try /echo HTTP/1.0
b: 400



=== TEST 5: Upgrade and Connection must say so
--- conversation
a: try /connection/websocket
   -Upgrade:
a: 400
b: try /connection/websocket
   Upgrade: h2c
b: 400
c: try /connection/websocket
   -Connection:
c: 400
d: try /connection/websocket
   Connection: keep-alive
d: 400
e: try /connection/websocket
   Upgrade: xwebsocket
e: 400
f: try /connection/websocket
   Connection: upgrades
f: 400
g: try /connection/websocket
   Upgrade: websocketx
g: 400
h: GET /connection/websocket
h: 400
i: GET /echo
i: 400



=== TEST 6: a key that is not 16 bytes in base64
--- conversation
a: try /echo
   -Sec-WebSocket-Key:
a: 400
b: try /echo
   Sec-WebSocket-Key:
b: 400
c: try /echo
   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ
c: 400
d: try /echo
   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=====
d: 400
e: try /echo
   Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==
e: 400
f: try /echo
   Sec-WebSocket-Key: c2hvcnQ=
f: 400
g: try /echo
   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSB0b28=
g: 400
h: try /connection/websocket
   Sec-WebSocket-Key: x
h: 400



=== TEST 7: another version than 13
--- conversation
a: try /connection/websocket
   Sec-WebSocket-Version: 8
a: 426
   Sec-WebSocket-Version: 13
b: try /echo
   Sec-WebSocket-Version: 14
b: 426
   Sec-WebSocket-Version: 13
c: try /echo
   Sec-WebSocket-Version: 013
c: 400|426
d: try /echo
   Sec-WebSocket-Version: 13, 8
d: 400|426
e: try /echo
   -Sec-WebSocket-Version:
e: 400|426



=== TEST 8: a header twice
--- conversation
a: try /echo
   +Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
a: 400
b: try /echo
   +Sec-WebSocket-Version: 13
b: 400
c: try /echo
   +Host: other.example
c: 400
d: try /connection/websocket
   +Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
d: 400



=== TEST 9: a body
--- conversation
a: try /connection/websocket
   Content-Length: 4
   raw 61 62 63 64
a: 400
b: try /echo
   Transfer-Encoding: chunked
   raw 30 0d 0a 0d 0a
b: 400
c: try /echo
   Content-Length: 0
c: 101



=== TEST 10: Origin: none, or the server's own
--- conversation
a: open /connection/websocket
b: open /connection/websocket
   Origin: {{$origin}}
c: open /echo
   Origin: {{$origin}}
d: open /connection/websocket
   Host: Chat.Example
   Origin: {{$origin =~ s{//.*}{//chat.example}r}}



=== TEST 11: Origin: any other is refused
--- conversation
a: try /connection/websocket
   Origin: https://evil.example
a: 403
b: try /connection/websocket
   Origin: null
b: 403
c: try /connection/websocket
   Origin: {{$origin}}.evil.example
c: 403
d: try /connection/websocket
   Origin: {{$origin =~ s/127/1127/r}}
d: 403
e: try /connection/websocket
   Origin: {{$origin =~ s/:\d+$//r}}
e: 403
f: try /connection/websocket
   Origin: {{$origin =~ s/^http/ftp/r}}
f: 403
g: try /connection/websocket
   Origin: {{$origin}}/
g: 403
h: try /connection/websocket
   Origin: {{$origin =~ s{//}{//evil@}r}}
h: 403
i: try /connection/websocket
   Origin:
i: 403
j: try /echo
   Origin: https://evil.example
j: 403
k: try /connection/websocket
   Origin: {{$origin}}
   +Origin: https://evil.example
k: 400|403
l: try /connection/websocket
   Origin: https://evil.example
   +Origin: {{$origin}}
l: 400|403
m: try /connection/websocket
   Origin: {{$origin =~ s/^http(s?)/$1 ? "http" : "https"/er}}
m: 403



=== TEST 12: rt_origins
--- more_config
        location /app {
            rt_websocket  zone=live;
            rt_origins    https://*.example.com http://localhost:3000;
        }
        location /file {
            rt_websocket  zone=live;
            rt_origins    null;
        }
        location /all {
            rt_websocket  zone=live;
            rt_origins    *;
        }
--- conversation
a: open /app
   Origin: https://a.example.com
b: open /app
   Origin: https://a.b.example.com
c: open /app
   Origin: HTTPS://A.Example.COM
d: open /app
   Origin: http://localhost:3000
e: open /app
   Origin: {{$origin}}
f: open /app
g: try /app
   Origin: http://a.example.com
g: 403
h: try /app
   Origin: https://a.example.com.evil.net
h: 403
i: try /app
   Origin: https://evilexample.com
i: 403
j: try /app
   Origin: https://a.example.com:444
j: 403
k: try /app
   Origin: https://evil.net/.example.com
k: 403
l: try /app
   Origin: https://evil.net#.example.com
l: 403
m: try /app
   Origin: https://evil.net:443@a.example.com
m: 403
n: try /app
   Origin: http://localhost:30000
n: 403
o: try /app
   Origin: null
o: 403
p: open /file
   Origin: null
q: try /file
   Origin: https://a.example.com
q: 403
r: open /all
   Origin: https://anything.example



=== TEST 13: subprotocols: one that was offered, or none
--- conversation
a: open /connection/websocket centrifuge-json
b: try /connection/websocket
   Sec-WebSocket-Protocol: foo, centrifuge-json
b: 101
   Sec-WebSocket-Protocol: centrifuge-json
c: try /connection/websocket
   Sec-WebSocket-Protocol: foo
   +Sec-WebSocket-Protocol: centrifuge-json
c: 101
   Sec-WebSocket-Protocol: centrifuge-json
d: try /connection/websocket
d: 101
   -Sec-WebSocket-Protocol:
e: try /connection/websocket
   Sec-WebSocket-Protocol: foo, xcentrifuge-json
e: 101
   -Sec-WebSocket-Protocol:



=== TEST 14: extensions: none that was not offered, none that is bad
--- conversation
a: open /connection/websocket
b: try /echo
   Sec-WebSocket-Extensions: x-foo
b: 101
   -Sec-WebSocket-Extensions:
c: try /echo
   Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99
c: 101
   -Sec-WebSocket-Extensions:
d: try /echo
   Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_no_context_takeover
d: 101
   -Sec-WebSocket-Extensions:



=== TEST 15: frames in the segment of the request, one of them cut
--- conversation
alice: open /connection/websocket
       > {"id":1,"connect":{}}
alice: < {"id":1,"connect":{...}}
bob:   open /echo
       raw 81 83 00 00 00 00 6f 6e 65 81 83 00 00 00 00 74 77 6f 81
bob:   raw 85 00 00 00 00 74 68 72 65 65
bob:   message one
bob:   message two
bob:   message three



=== TEST 16: the request byte by byte
--- conversation
alice: pieces 1
alice: open /connection/websocket
       > {"id":1,"connect":{}}
alice: < {"id":1,"connect":{...}}



=== TEST 17: a slow handshake
--- more_http_config
    client_header_timeout 1s;
--- conversation
alice: half /connection/websocket
bob:   half /echo
alice: eof
bob:   eof



=== TEST 18: tenants: 1 to 128 bytes, none is "default"
--- conversation
a: open /connection/websocket
   X-Tenant: {{"t" x 128}}
b: try /connection/websocket
   X-Tenant: {{"t" x 129}}
b: 400
c: try /connection/websocket
   X-Tenant: a{{"\t"}}b
c: 400
d: try /connection/websocket
   X-Tenant: a{{"\x7f"}}b
d: 400
e: open /connection/websocket
   X-Tenant: a{{"\xc3\xa9"}}:{}*
f: open /connection/websocket
   -X-Tenant:



=== TEST 19: nothing else is in the way of it
--- more_config
        location /limited {
            rt_websocket  zone=live;
            deny          all;
        }
--- conversation
a: try /limited
a: 403
--- allow_log: access forbidden by rule



=== TEST 20: the page of an error is no WebSocket, unless it takes its place
--- more_config
        location /lost {
            error_page    404 /connection/websocket;
            return        404;
        }
        location /fine {
            error_page    404 =200 /connection/websocket;
            return        404;
        }
        location /moved {
            error_page    404 = /connection/websocket;
            return        404;
        }
        location /named {
            error_page    404 = @named;
            return        404;
        }
        location @named {
            rt_websocket  zone=live;
        }
        location /after {
            post_action   /connection/websocket;
            return        204;
        }
--- conversation
a: try /lost
a: 404
b: try /fine
b: 400
c: open /moved
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
d: open /named
   > {"id":1,"connect":{}}
d: < {"id":1,"connect":{...}}
e: try /after
e: 204
m: GET /metrics
m: 200
