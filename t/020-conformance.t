# What a conformance suite asks of a server that echoes, in the groups and with
# the numbers of the Autobahn test suite (c7_7_1 is its case 7.7.1), as far as
# 001-handshake.t and 002-frames.t do not ask it already.
#
# Each case is judged twice: by what is echoed, and by how the connection ends.
# rt_close_timeout is far longer than anybody's patience here, so that a server
# which only waits for it is seen.

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone           $http_x_tenant zone=live:8m;
    rt_close_timeout  60s;
_EOC_

run_tests();

__DATA__

=== TEST 1: 1.1, 1.2: framing, every length, in pieces of 997 bytes
--- conversation
c1_1_1..c1_1_8: patience 1
c1_1_1..c1_1_8: open /echo
c1_1_8: pieces 997
c1_1_1..c1_1_8: > {{"*" x (0, 125, 126, 127, 128, 65535, 65536, 65536)[$n - 1]}}
c1_1_1..c1_1_8: message {{"*" x (0, 125, 126, 127, 128, 65535, 65536, 65536)[$n - 1]}}
c1_1_1..c1_1_8: close 1000
c1_1_1..c1_1_8: closed 1000
c1_2_1..c1_2_8: patience 1
c1_2_1..c1_2_8: open /echo
c1_2_8: pieces 997
c1_2_1..c1_2_8: frame op=2 {{"\xfe" x (0, 125, 126, 127, 128, 65535, 65536, 65536)[$n - 1]}}
c1_2_1..c1_2_8: binary {{"\xfe" x (0, 125, 126, 127, 128, 65535, 65536, 65536)[$n - 1]}}
c1_2_1..c1_2_8: close 1000
c1_2_1..c1_2_8: closed 1000



=== TEST 2: 2: pings and pongs
--- conversation
c2_1..c2_11: patience 1
c2_1..c2_11: open /echo
c2_1: ping
c2_1: pong
c2_2: ping Hello, world!
c2_2: pong Hello, world!
c2_3: ping {{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"}}
c2_3: pong {{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"}}
c2_4: ping {{"\xfe" x 125}}
c2_4: pong {{"\xfe" x 125}}
c2_5: frame op=9 {{"\xfe" x 126}}
c2_5: closed 1002
c2_6: pieces 1
c2_6: ping {{"\xfe" x 125}}
c2_6: pong {{"\xfe" x 125}}
c2_7: frame op=10{{" "}}
c2_8: frame op=10 unsolicited pong payload
c2_9: frame op=10 unsolicited pong payload
c2_9: ping ping payload
c2_9: pong ping payload
c2_10: 10 x ping payload-{{$i - 1}}
c2_10: 10 x pong payload-{{$i - 1}}
c2_11: pieces 1
c2_11: 10 x ping payload-{{$i - 1}}
c2_11: 10 x pong payload-{{$i - 1}}
c2_1..c2_4: close 1000
c2_1..c2_4: closed 1000
c2_6..c2_11: close 1000
c2_6..c2_11: closed 1000



=== TEST 3: 3: reserved bits, behind a message that is echoed
--- conversation
c3_1..c3_7: patience 1
c3_1..c3_7: open /echo
c3_1: frame rsv=1 small payload
c3_1: closed 1002
c3_2: bytes {{RT::WebSocket::frame("*" x 125) . RT::WebSocket::frame("*" x 125, rsv => 2) . RT::WebSocket::frame("", op => 9)}}
c3_2: message {{"*" x 125}}
c3_2: closed 1002
c3_3: > small payload
c3_3: message small payload
c3_3: frame rsv=3 small payload
c3_3: closed 1002
c3_4: pieces 1
c3_4: bytes {{RT::WebSocket::frame("small") . RT::WebSocket::frame("payload", rsv => 4) . RT::WebSocket::frame("", op => 9)}}
c3_4: message small
c3_4: closed 1002
c3_5: frame op=2 rsv=5 {{"\xff"}}
c3_5: closed 1002
c3_6: frame op=9 rsv=6 small payload
c3_6: closed 1002
c3_7: frame op=8 rsv=7 {{"\x03\xe8"}}
c3_7: closed 1002



=== TEST 4: 4: reserved opcodes, behind a message that is echoed
--- conversation
c4_1_1..c4_1_5: patience 1
c4_1_1..c4_1_5: open /echo
c4_1_1: frame op=3
c4_1_1: closed 1002
c4_1_2: frame op=4 reserved opcode payload
c4_1_2: closed 1002
c4_1_3..c4_1_5: > small payload
c4_1_3..c4_1_5: message small payload
c4_1_3: frame op=5
c4_1_4: frame op=6 reserved opcode payload
c4_1_5: frame op=7 reserved opcode payload
c4_1_3..c4_1_5: closed 1002
c4_2_1..c4_2_5: patience 1
c4_2_1..c4_2_5: open /echo
c4_2_1: frame op=11
c4_2_1: closed 1002
c4_2_2: frame op=12 reserved opcode payload
c4_2_2: closed 1002
c4_2_3: bytes {{RT::WebSocket::frame("small") . RT::WebSocket::frame("", op => 13) . RT::WebSocket::frame("", op => 9)}}
c4_2_4: bytes {{RT::WebSocket::frame("small") . RT::WebSocket::frame("payload", op => 14) . RT::WebSocket::frame("", op => 9)}}
c4_2_5: pieces 1
c4_2_5: bytes {{RT::WebSocket::frame("small") . RT::WebSocket::frame("payload", op => 15) . RT::WebSocket::frame("", op => 9)}}
c4_2_3..c4_2_5: message small
c4_2_3..c4_2_5: closed 1002



=== TEST 5: 5: fragments
--- conversation
c5_1..c5_20: patience 1
c5_1..c5_20: open /echo
c5_1: bytes {{RT::WebSocket::frame("fragment1", op => 9, fin => 0) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_1: closed 1002
c5_2: bytes {{RT::WebSocket::frame("fragment1", op => 10, fin => 0) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_2: closed 1002
c5_3: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_4: frame op=1 fin=0 fragment1
c5_4: frame op=0 fragment2
c5_5: pieces 1
c5_5: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_3..c5_5: message fragment1fragment2
c5_6: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("ping payload", op => 9) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_7: frame op=1 fin=0 fragment1
c5_7: ping ping payload
c5_7: pong ping payload
c5_7: ping ping payload
c5_7: frame op=0 fragment2
c5_8: pieces 1
c5_8: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("ping payload", op => 9) . RT::WebSocket::frame("fragment2", op => 0)}}
c5_6..c5_8: pong ping payload
c5_6..c5_8: message fragment1fragment2
c5_9, c5_11, c5_10: frame op=0 fin=1 non-continuation payload
c5_12, c5_13: frame op=0 fin=0 non-continuation payload
c5_14: pieces 1
c5_14: bytes {{RT::WebSocket::frame("no", op => 0, fin => 0) . RT::WebSocket::frame("Hello, world!")}}
c5_9..c5_14: closed 1002
c5_15: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("fragment2", op => 0) . RT::WebSocket::frame("fragment3", op => 0, fin => 0) . RT::WebSocket::frame("fragment4")}}
c5_15: message fragment1fragment2
c5_15: closed 1002
c5_16, c5_17: bytes {{(RT::WebSocket::frame("fragment1", op => 0, fin => $n - 16) . RT::WebSocket::frame("fragment2", fin => 0) . RT::WebSocket::frame("fragment3", op => 0)) x 2}}
c5_16, c5_17: closed 1002
c5_18: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("fragment2")}}
c5_18: closed 1002
c5_19, c5_20: bytes {{join "", map { RT::WebSocket::frame("fragment$_", op => $_ == 1, fin => 0) } 1, 2}}
c5_19, c5_20: bytes {{RT::WebSocket::frame("pongme 1!", op => 9)}}
c5_20: pong pongme 1!
c5_19, c5_20: bytes {{join "", map { RT::WebSocket::frame("fragment$_", op => 0, fin => 0) } 3, 4}}
c5_19, c5_20: bytes {{RT::WebSocket::frame("pongme 2!", op => 9) . RT::WebSocket::frame("fragment5", op => 0)}}
c5_19: pong pongme 1!
c5_19, c5_20: pong pongme 2!
c5_19, c5_20: message fragment1fragment2fragment3fragment4fragment5
c5_3..c5_8: close 1000
c5_3..c5_8: closed 1000
c5_19, c5_20: close 1000
c5_19, c5_20: closed 1000



=== TEST 6: 6.1, 6.2: empty fragments of text, text in octets
--- conversation
c6_1_1..c6_1_3: patience 1
c6_1_1..c6_1_3: open /echo
c6_1_1: >{{" "}}
c6_1_1: message
c6_1_2: bytes {{join "", map { RT::WebSocket::frame("", op => $_ == 1, fin => $_ == 3) } 1 .. 3}}
c6_1_2: message
c6_1_3: bytes {{RT::WebSocket::frame("", fin => 0) . RT::WebSocket::frame("middle frame payload", op => 0, fin => 0) . RT::WebSocket::frame("", op => 0)}}
c6_1_3: message middle frame payload
c6_2_1..c6_2_4: patience 1
c6_2_1..c6_2_4: open /echo
c6_2_1: > Hello-{{"\xc2\xb5"}}@{{"\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1"}}-UTF-8!!
c6_2_2: frame fin=0 op=1 Hello-{{"\xc2\xb5"}}@{{"\xc3\x9f\xc3\xb6\xc3\xa4"}}
c6_2_2: frame op=0 {{"\xc3\xbc\xc3\xa0\xc3\xa1"}}-UTF-8!!
c6_2_3: bytes {{our @o = split //, "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"; join "", map { RT::WebSocket::frame($o[$_], op => !$_, fin => $_ == $#o) } 0 .. $#o}}
c6_2_1..c6_2_3: message Hello-{{"\xc2\xb5"}}@{{"\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1"}}-UTF-8!!
c6_2_4: bytes {{our @p = split //, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"; join "", map { RT::WebSocket::frame($p[$_], op => !$_, fin => $_ == $#p) } 0 .. $#p}}
c6_2_4: message {{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"}}
c6_1_1..c6_1_3: close 1000
c6_1_1..c6_1_3: closed 1000
c6_2_1..c6_2_4: close 1000
c6_2_1..c6_2_4: closed 1000



=== TEST 7: 6.3, 6.4: invalid text fails at once, in the middle of a frame
--- conversation
c6_3_1, c6_3_2: patience 1
c6_3_1, c6_3_2: open /echo
c6_3_1: > {{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"}}
c6_3_1: closed 1007
c6_3_2: bytes {{our @q = split //, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"; join "", map { RT::WebSocket::frame($q[$_], op => !$_, fin => $_ == $#q) } 0 .. $#q}}
c6_3_2: closed 1007
c6_4_1..c6_4_4: patience 1
c6_4_1..c6_4_4: open /echo
c6_4_1: frame fin=0 op=1 {{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"}}
c6_4_1: ping still
c6_4_1: pong still
c6_4_1: frame fin=0 op=0 {{"\xf4\x90\x80\x80"}}
c6_4_1: closed 1007
c6_4_2: frame fin=0 op=1 {{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4"}}
c6_4_2: ping still
c6_4_2: pong still
c6_4_2: frame fin=0 op=0 {{"\x90"}}
c6_4_2: closed 1007
# one frame of 21 bytes, of which the last ones are never sent
c6_4_3: bytes {{our $f3 = RT::WebSocket::frame("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited"); substr $f3, 0, 6 + 11}}
c6_4_3: bytes {{substr our $f3, 6 + 11, 4}}
c6_4_3: closed 1007
c6_4_4: bytes {{our $f4 = RT::WebSocket::frame("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited"); substr $f4, 0, 6 + 12}}
c6_4_4: bytes {{substr our $f4, 6 + 12, 1}}
c6_4_4: closed 1007
# nor does a long frame have to end
far: patience 1
far: open /echo
far: frame op=1 mask=16909060 len=1000000 {{"x" x 300000}}
far: frame mask=0 op=15 rsv=7 len=15 {{"\xff" x 4}}
far: closed 1007



=== TEST 8: 6.5 to 6.23: sequences that are valid
--- conversation
v1..v62: patience 1
v1..v62: open /echo
v1..v62: > {{our @valid = ("\xce", "\xce\xba\xe1", "\xce\xba\xe1\xbd", "\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xf0\x9f\xbf\xbe", "\xf3\xaf\xbf\xbf", "\xf4\x8f\xbf\xbe", "\xef\xbf\xb9", "\xef\xb7\x90", "\xef\xbb\xbf", "\xf0\x90\x8c\x80", "hello\x24world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld", "hello\xf0\xa4\xad\xa2world", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", (map { "\xef\xbf$_" } "\xba", "\xbb", "\xbc"), grep { !/^\xf0\x8f|^\xf4[^\x8f]/ } map { my $z = $_; map { ("$z$_\xbf\xbe", "$z$_\xbf\xbf") } "\x8f", "\x9f", "\xaf", "\xbf" } map { chr } 0xf0 .. 0xf4); $valid[0] = "\xce\xba"; $valid[1] .= "\xbd\xb9"; $valid[2] .= "\xb9\xcf\x83"; $valid[$n - 1]}}
v1..v62: message {{our @valid; $valid[$n - 1]}}
v1..v62: bytes {{our @valid; our @o = split //, $valid[$n - 1]; join "", map { RT::WebSocket::frame($o[$_], op => !$_, fin => $_ == $#o) } 0 .. $#o}}
v1..v62: message {{our @valid; $valid[$n - 1]}}
v1..v62: close 1000
v1..v62: closed 1000



=== TEST 9: 6.6 to 6.21: sequences that are not
--- conversation
x1..x66: patience 1
x1..x66: open /echo
x1..x66: > {{our @bad = ("\xce", "\xce\xba\xe1", "\xce\xba\xe1\xbd", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xf4\x90\x80\x80", "\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf", join("", map { chr } 0x80 .. 0xbf), join(" ", map { chr } 0xc0 .. 0xdf), join(" ", map { chr } 0xe0 .. 0xef), join(" ", map { chr } 0xf0 .. 0xf7), join(" ", map { chr } 0xf8 .. 0xfb), "\xfc ", "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf", "\xfe", "\xff", "\xfe\xfe\xff\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xfc\x83\xbf\xbf\xbf\xbf", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80", (map { substr "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", 0, $_ } 6, 8, 10), join("", "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf"), (map { "\xed$_" } "\xad\xbf", "\xae\x80", "\xaf\xbf", "\xb0\x80", "\xbe\x80"), map { my $high = $_; map { "\xed$high\xed$_" } "\xb0\x80", "\xbf\xbf" } "\xad\xbf", "\xae\x80", "\xaf\xbf"); $bad[$n - 1]}}
x1..x66: closed 1007
y1..y66: patience 1
y1..y66: open /echo
y1..y66: bytes {{our @bad; our @o = split //, $bad[$n - 1]; join "", map { RT::WebSocket::frame($o[$_], op => !$_, fin => $_ == $#o) } 0 .. $#o}}
y1..y66: closed 1007



=== TEST 10: 7.1: the close handshake
--- conversation
c7_1_1..c7_1_6: patience 1
c7_1_1..c7_1_6: open /echo
c7_1_1: > Hello World!
c7_1_1: message Hello World!
c7_1_1: close 1000
c7_1_2: close 1000
c7_1_2: close 1000
c7_1_3: bytes {{RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("", op => 9)}}
c7_1_4: bytes {{RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("Hello World!")}}
c7_1_5: bytes {{RT::WebSocket::frame("fragment1", fin => 0) . RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("fragment2", op => 0)}}
c7_1_6: bytes {{RT::WebSocket::frame("BAsd7&jh23" x 26214) . RT::WebSocket::frame("Hello World!") . RT::WebSocket::frame("\x03\xe8", op => 8) . RT::WebSocket::frame("", op => 9)}}
c7_1_6: message {{"BAsd7&jh23" x 26214}}
c7_1_6: message Hello World!
c7_1_1..c7_1_6: closed 1000



=== TEST 11: 7.3, 7.5: payloads of close frames
--- conversation
c7_3_1..c7_3_6: patience 1
c7_3_1..c7_3_6: open /echo
c7_3_1: close
c7_3_1: closed 1005
c7_3_2: frame op=8 a
c7_3_2: closed 1002
c7_3_3: close 1000
c7_3_3: closed 1000
c7_3_4: close 1000 Hello World!
c7_3_4: closed 1000
c7_3_5: close 1000 {{"*" x 123}}
c7_3_5: closed 1000
c7_3_6: close 1000 {{"*" x 124}}
c7_3_6: closed 1002
c7_5_1: patience 1
c7_5_1: open /echo
c7_5_1: close 1000 {{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"}}
c7_5_1: closed 1007



=== TEST 12: 7.7, 7.9, 7.13: codes of close frames
--- conversation
c7_7_1..c7_7_13: patience 1
c7_7_1..c7_7_13: open /echo
c7_7_1..c7_7_13: close {{(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)[$n - 1]}}
c7_7_1..c7_7_13: closed {{(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)[$n - 1]}}
c7_9_1..c7_9_9: patience 1
c7_9_1..c7_9_9: open /echo
c7_9_1..c7_9_9: close {{(0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)[$n - 1]}}
c7_9_1..c7_9_9: closed 1002
c7_13_1, c7_13_2: patience 1
c7_13_1, c7_13_2: open /echo
c7_13_1: close 5000
c7_13_2: close 65535
c7_13_1, c7_13_2: closed 1002
every: patience 1
every: open /echo
every: close 1015 never
every: closed 1002



=== TEST 13: 9.1, 9.2: messages of 64 KiB to 16 MiB
--- conversation
c9_1_1..c9_1_6: open /echo
c9_1_1..c9_1_6: > {{"*" x (65536 * (1, 4, 16, 64, 128, 256)[$n - 1])}}
c9_1_1..c9_1_6: message {{"*" x (65536 * (1, 4, 16, 64, 128, 256)[$n - 1])}}
c9_1_1..c9_1_6: close 1000
c9_1_1..c9_1_6: closed 1000
c9_2_1..c9_2_6: open /echo
c9_2_1..c9_2_6: frame op=2 {{"\xfe" x (65536 * (1, 4, 16, 64, 128, 256)[$n - 1])}}
c9_2_1..c9_2_6: binary {{"\xfe" x (65536 * (1, 4, 16, 64, 128, 256)[$n - 1])}}
c9_2_1..c9_2_6: close 1000
c9_2_1..c9_2_6: closed 1000



=== TEST 14: 9.3, 9.4: 4 MiB in fragments of 64 bytes to 4 MiB
--- conversation
c9_3_1..c9_3_9: open /echo
c9_3_1..c9_3_9: bytes {{our $size = 64 << 2 * ($n - 1); our $count = 4194304 / $size; join "", map { RT::WebSocket::frame("*" x $size, op => $_ == 1, fin => $_ == $count) } 1 .. $count}}
c9_3_1..c9_3_9: message {{"*" x 4194304}}
c9_3_1..c9_3_9: close 1000
c9_3_1..c9_3_9: closed 1000
c9_4_1, c9_4_5, c9_4_9: open /echo
c9_4_1, c9_4_5, c9_4_9: bytes {{our $size = 64 << 2 * ($n - 1); our $count = 4194304 / $size; join "", map { RT::WebSocket::frame("\xfe" x $size, op => $_ == 1 ? 2 : 0, fin => $_ == $count) } 1 .. $count}}
c9_4_1, c9_4_5, c9_4_9: binary {{"\xfe" x 4194304}}
c9_4_1, c9_4_5, c9_4_9: close 1000
c9_4_1, c9_4_5, c9_4_9: closed 1000



=== TEST 15: 9.3: 262,144 fragments of 64 bytes, the largest message
--- over: plain
--- conversation
most: open /echo
most: bytes {{our $f = RT::WebSocket::frame("*" x 64, op => 0, fin => 0); RT::WebSocket::frame("*" x 64, fin => 0) . $f x 262142 . RT::WebSocket::frame("*" x 64, op => 0)}}
most: message {{"*" x 16777216}}
most: bytes {{our $f; RT::WebSocket::frame("*" x 64, fin => 0) . $f x 262143 . RT::WebSocket::frame("*", op => 0)}}
most: closed 1009



=== TEST 16: 9.5, 9.6: 1 MiB in pieces of 64 bytes to 2 KiB
--- conversation
c9_5_1..c9_5_6: open /echo
c9_5_1: pieces 64
c9_5_2: pieces 128
c9_5_3: pieces 256
c9_5_4: pieces 512
c9_5_5: pieces 1024
c9_5_6: pieces 2048
c9_5_1..c9_5_6: > {{"*" x 1048576}}
c9_5_1..c9_5_6: message {{"*" x 1048576}}
c9_5_1..c9_5_6: frame op=2 {{"\xfe" x 65536}}
c9_5_1..c9_5_6: binary {{"\xfe" x 65536}}
c9_5_1..c9_5_6: close 1000
c9_5_1..c9_5_6: closed 1000



=== TEST 17: 9.7, 9.8: a thousand round trips of 0 bytes to 4 KiB
--- conversation
c9_7_1..c9_7_6: open /echo
c9_7_1..c9_7_6: bytes {{RT::WebSocket::frame("*" x (0, 16, 64, 256, 1024, 4096)[$n - 1]) x 1000}}
c9_7_1..c9_7_6: 1000 x message {{"*" x (0, 16, 64, 256, 1024, 4096)[$n - 1]}}
c9_8_1..c9_8_6: open /echo
c9_8_1..c9_8_6: bytes {{RT::WebSocket::frame("\xfe" x (0, 16, 64, 256, 1024, 4096)[$n - 1], op => 2) x 1000}}
c9_8_1..c9_8_6: 1000 x binary {{"\xfe" x (0, 16, 64, 256, 1024, 4096)[$n - 1]}}
c9_7_1..c9_7_6, c9_8_1..c9_8_6: close 1000
c9_7_1..c9_7_6, c9_8_1..c9_8_6: closed 1000



=== TEST 18: 10.1: a client that cuts its messages by itself
--- conversation
c10_1_1: patience 1
c10_1_1: open /echo
c10_1_1: bytes {{join "", map { RT::WebSocket::frame("*" x ($_ == 50 ? 65536 - 50 * 1300 : 1300), op => !$_, fin => $_ == 50) } 0 .. 50}}
c10_1_1: message {{"*" x 65536}}
c10_1_1: close 1000
c10_1_1: closed 1000



=== TEST 19: a violation while much is still to be sent, and to be read
--- conversation
a: patience 1
a: open /echo
a: bytes {{RT::WebSocket::frame("*" x 1048576) . RT::WebSocket::frame("", rsv => 4) . "x" x 1048576}}
a: message {{"*" x 1048576}}
a: closed 1002
