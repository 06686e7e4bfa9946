# Frames (RFC 6455, sections 5 to 8): what is carried, and what each violation
# gets.  "closed" also says: one close frame, nothing after it, end of stream.

use RT;

run_tests();

__DATA__

=== TEST 1: text of every form of length
--- conversation
a: open /echo
a: >{{" "}}
a: message
a: > {{"x" x 125}}
a: message {{"x" x 125}}
a: > {{"x" x 126}}
a: message {{"x" x 126}}
a: > {{"x" x 65535}}
a: message {{"x" x 65535}}
a: > {{"x" x 65536}}
a: message {{"x" x 65536}}
a: silent



=== TEST 2: 16 MiB
--- conversation
a: open /echo
a: > {{"0123456789abcdef" x 1048576}}
a: message {{"0123456789abcdef" x 1048576}}
a: > after
a: message after



=== TEST 3: binary, and bytes of every value
--- conversation
a: open /echo
a: frame op=2 {{join "", map { chr } 0 .. 255}}
a: binary {{join "", map { chr } 0 .. 255}}
a: frame op=2{{" "}}
a: binary
a: frame op=2 {{join "", map { chr($_ & 255) } 1 .. 70000}}
a: binary {{join "", map { chr($_ & 255) } 1 .. 70000}}



=== TEST 4: byte by byte
--- conversation
a: pieces 1
a: open /echo
a: > hello
a: message hello
a: frame fin=0 op=1 {{"x" x 126}}
a: frame fin=0 op=0 {{"y" x 3}}
a: ping between
a: frame op=0 z
a: pong between
a: message {{"x" x 126}}yyyz
a: > h{{"\xc3\xa9"}}llo {{"\xf0\x9f\x98\x80"}}
a: message h{{"\xc3\xa9"}}llo {{"\xf0\x9f\x98\x80"}}
a: close 1000 bye
a: closed 1000



=== TEST 5: many frames in one segment
--- conversation
a: open /echo
a: bytes {{join "", map { RT::WebSocket::frame("m$_") } 1 .. 500}}
a: 500 x message m{{$i}}
a: silent



=== TEST 6: fragments, with control frames in between
--- conversation
a: open /echo
a: frame fin=0 op=1 one,
a: frame fin=0 op=0 two,
a: ping p1
a: pong p1
a: frame op=10 unasked
a: frame fin=0 op=0{{" "}}
a: ping p2
a: pong p2
a: frame op=0 three
a: message one,two,three
a: frame fin=0 op=2 {{"\xff"}}
a: frame op=0 {{"\xfe"}}
a: binary {{"\xff\xfe"}}
a: frame fin=0 op=1{{" "}}
a: frame op=0{{" "}}
a: message



=== TEST 7: commands in fragments
--- conversation
a: open /connection/websocket
a: frame fin=0 op=1 {"id":1,"conn
a: ping p
a: frame fin=0 op=0 ect":{}
a: frame op=0 }
a: pong p
a: < {"id":1,"connect":{...}}
a: pieces 1
a: > {"id":2,"rpc":{"method":"rt.echo","data":{"a":[1,2]}}}
a: < {"id":2,"rpc":{"data":{"a":[1,2]}}}



=== TEST 8: characters split between fragments
--- conversation
a: open /echo
a: frame fin=0 op=1 {{"a\xf0"}}
a: frame fin=0 op=0 {{"\x9f"}}
a: frame fin=0 op=0{{" "}}
a: frame fin=0 op=0 {{"\x98"}}
a: ping p
a: frame op=0 {{"\x80z"}}
a: pong p
a: message {{"a\xf0\x9f\x98\x80z"}}



=== TEST 9: pings
--- conversation
a: open /echo
a: ping
a: pong
a: ping {{"p" x 125}}
a: pong {{"p" x 125}}
a: frame op=10 unasked
a: silent
b: open /connection/websocket
b: ping before the connect
b: pong before the connect
b: frame op=10
b: > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: ping
b: pong



=== TEST 10: 1002: not masked
--- conversation
a: open /echo
a: frame mask=0 hello
a: closed 1002 *
b: open /connection/websocket
b: frame mask=0 {"id":1,"connect":{}}
b: closed 1002 *
c: open /echo
c: frame mask=0 op=9 p
c: closed 1002



=== TEST 11: 1002: reserved bits
--- conversation
e1..e7: open /echo
e1..e7: frame rsv={{$n}} hello
e1..e7: closed 1002
w1, w2, w4: open /connection/websocket
w1, w2, w4: frame rsv={{$n}} {"id":1,"connect":{}}
w1, w2, w4: closed 1002
p1, p2, p4: open /echo
p1, p2, p4: frame op=9 rsv={{$n}} p
p1, p2, p4: closed 1002
f: open /echo
f: frame fin=0 op=1 x
f: frame op=0 rsv=4 y
f: closed 1002



=== TEST 12: 1002: reserved opcodes
--- conversation
e3..e7: open /echo
e3..e7: frame op={{$n}} x
e3..e7: closed 1002
e11..e15: open /echo
e11..e15: frame op={{$n}} x
e11..e15: closed 1002
w3, w7, w11, w15: open /connection/websocket
w3, w7, w11, w15: frame op={{$n}}
w3, w7, w11, w15: closed 1002



=== TEST 13: 1002: control frames that are long or in parts
--- conversation
a8, a9, a10: open /echo
a8, a9, a10: frame op={{$n}} {{"\x03\xe8" . "x" x 124}}
a8, a9, a10: closed 1002
b8, b9, b10: open /echo
b8, b9, b10: frame fin=0 op={{$n}} {{"\x03\xe8"}}
b8, b9, b10: closed 1002
w: open /connection/websocket
w: frame op=9 {{"x" x 126}}
w: closed 1002



=== TEST 14: 1002: continuations out of place
--- conversation
a: open /echo
a: frame op=0 x
a: closed 1002
b: open /echo
b: frame fin=0 op=0 x
b: closed 1002
c: open /echo
c: > whole
c: message whole
c: frame op=0 x
c: closed 1002
d: open /echo
d: frame fin=0 op=1 x
d: frame op=1 y
d: closed 1002
e: open /echo
e: frame fin=0 op=1 x
e: frame op=2 y
e: closed 1002
f: open /connection/websocket
f: frame op=0 x
f: closed 1002
g: open /connection/websocket
g: frame fin=0 op=1 {
g: frame op=1 {"id":1,"connect":{}}
g: closed 1002



=== TEST 15: 1002: lengths that are not minimal, or negative
--- conversation
a: open /echo
a: frame form=16 hello
a: closed 1002
b: open /echo
b: frame form=64 hello
b: closed 1002
c: open /echo
c: frame form=16 {{"x" x 125}}
c: closed 1002
d: open /echo
d: frame form=64 {{"x" x 65535}}
d: closed 1002
e: open /echo
e: raw 81 ff 80 00 00 00 00 00 00 05 00 00 00 00
e: closed 1002|1009
f: open /connection/websocket
f: raw 81 ff ff ff ff ff ff ff ff ff 00 00 00 00
f: closed 1002|1009
g: open /connection/websocket
g: frame form=16 {"id":1,"connect":{}}
g: closed 1002



=== TEST 16: close frames: codes a peer may send
--- conversation
a1000..a1003: open /echo
a1000..a1003: close {{$n}} bye
a1000..a1003: closed {{$n}}
a1007..a1014: open /echo
a1007..a1014: close {{$n}} bye
a1007..a1014: closed {{$n}}
a3000, a3999, a4000, a4999: open /connection/websocket
a3000, a3999, a4000, a4999: close {{$n}}
a3000, a3999, a4000, a4999: closed {{$n}}
none: open /echo
none: close
none: closed 1000|1005
long: open /echo
long: close 1000 {{"x" x 123}}
long: closed 1000



=== TEST 17: 1002: close frames: all other codes
--- conversation
a0, a1, a999: open /echo
a0, a1, a999: close {{$n}}
a0, a1, a999: closed 1002
a1004..a1006: open /echo
a1004..a1006: close {{$n}} x
a1004..a1006: closed 1002
a1015, a1016, a1100, a2000, a2999: open /echo
a1015, a1016, a1100, a2000, a2999: close {{$n}} x
a1015, a1016, a1100, a2000, a2999: closed 1002
a5000, a65535: open /echo
a5000, a65535: close {{$n}} x
a5000, a65535: closed 1002
w999, w1005, w1006, w2999: open /connection/websocket
w999, w1005, w1006, w2999: close {{$n}} x
w999, w1005, w1006, w2999: closed 1002
one: open /echo
one: frame op=8 {{"\x03"}}
one: closed 1002
wone: open /connection/websocket
wone: frame op=8 {{"\x03"}}
wone: closed 1002



=== TEST 18: what comes after a close frame is not looked at
--- conversation
a: open /echo
a: bytes {{RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("x") . RT::WebSocket::frame("p", op => 9)}}
a: closed 1000
b: open /connection/websocket
b: bytes {{RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("{}", mask => 0)}}
b: closed 1000
c: open /echo
c: bytes {{RT::WebSocket::frame("x", mask => 0) . RT::WebSocket::frame("y", mask => 0)}}
c: closed 1002
d: open /echo
d: bytes {{RT::WebSocket::frame("x") . RT::WebSocket::frame("y", mask => 0)}}
d: message x
d: closed 1002



=== TEST 19: 1009: judged by the header
--- more_config
        location /small {
            rt_websocket    zone=live;
            rt_max_message  1k;
        }
--- conversation
a: open /echo
a: frame len=16777217
a: closed 1009 *
b: open /connection/websocket
b: frame len=65537
b: closed 1009 *
c: open /connection/websocket
c: frame len=4611686018427387904
c: closed 1009
d: open /connection/websocket
d: frame fin=0 op=1 {{" " x 65536}}
d: frame op=0 len=1
d: closed 1009
e: open /small
e: > {"id":1,"connect":{"data":"{{"x" x 990}}"}}
e: < {"id":1,"connect":{...}}
e: frame len=1025
e: closed 1009
f: open /small
f: frame fin=0 op=1 {{" " x 500}}
f: frame op=0 len=525
f: closed 1009
g: open /connection/websocket
g: > {"id":1,"connect":{"data":"{{"x" x 65502}}"}}
g: < {"id":1,"connect":{...}}



=== TEST 20: 1007: text that is not UTF-8
--- conversation
a1..a8: open /echo
a1..a8: > {{("\x80", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "a\xc3", "\xf0\x9f\x98")[$n - 1]}}
a1..a8: closed 1007
w1..w8: open /connection/websocket
w1..w8: > {"id":1,"connect":{"data":"{{("\x80", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "a\xc3", "\xf0\x9f\x98")[$n - 1]}}"}}
w1..w8: closed 1007



=== TEST 21: 1007: wherever it is split, and before the message ends
--- conversation
a0..a10: open /echo
a0..a10: frame fin=0 op=1 {{substr "\xce\xba\xe1\xbd\xb9\xcf\x83\xf4\x90\x80", 0, $n}}
a0..a10: frame fin=0 op=0 {{substr "\xce\xba\xe1\xbd\xb9\xcf\x83\xf4\x90\x80", $n}}
a0..a10: closed 1007
b: open /echo
b: frame fin=0 op=1 {{"\xce"}}
b: frame op=0{{" "}}
b: closed 1007
c: open /echo
c: raw 81 85 00 00 00 00 ff
c: closed 1007
d: pieces 1
d: open /echo
d: frame fin=0 op=1 {{"ok \xed\xa0"}}
d: closed 1007



=== TEST 22: 1007: the reason of a close frame
--- conversation
a: open /echo
a: close 1000 {{"\xff"}}
a: closed 1007
b: open /connection/websocket
b: close 4000 {{"cut \xe2\x82"}}
b: closed 1007



=== TEST 23: 1003: binary where text is wanted
--- conversation
a: open /connection/websocket
a: frame op=2 {"id":1,"connect":{}}
a: closed 1003 *
b: open /connection/websocket
b: frame fin=0 op=2 x
b: closed 1003



=== TEST 24: 1008: a flood of empty fragments
--- conversation
a: open /echo
a: frame fin=0 op=1{{" "}}
a: bytes {{RT::WebSocket::frame("", fin => 0, op => 0) x 1000}}
a: ping alive
a: pong alive
a: bytes {{RT::WebSocket::frame("", fin => 0, op => 0) x 100}}
a: closed 1008 *
b: open /connection/websocket
b: frame fin=0 op=1{{" "}}
b: bytes {{RT::WebSocket::frame("", fin => 0, op => 0) x 1100}}
b: closed 1008



=== TEST 25: a connection that just ends
--- conversation
a: open /echo
b: open /echo
a: frame fin=0 op=1 x
a: gone
b: > y
b: message y
c: open /connection/websocket
c: raw 81
c: gone
