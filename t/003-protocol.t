# The client protocol: connect, subscribe, unsubscribe, publish, rpc, send,
# ping and pong, and what wrong commands get.

use RT;

run_tests();

__DATA__

=== TEST 1: connect
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*id","version":"*","ping":25,"pong":true}}
a: silent
b: open /connection/websocket
b: > {"id":7,"connect":{"name":"js","version":"1.2.3","data":{"x":1},"headers":{"h":"v"},"subs":{}}}
b: < {"id":7,"connect":{"client":"*other","version":"*","ping":25,"pong":true}}
b: > {"id":8,"rpc":{"method":"rt.echo","data":"{{kept("id") eq kept("other") ? "the same id" : "distinct"}}"}}
b: < {"id":8,"rpc":{"data":"distinct"}}



=== TEST 2: the client's id is a UUID
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*id",...}}
a: > {"id":2,"rpc":{"method":"rt.echo","data":{{kept("id") =~ /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ ? 1 : 0}}}}
a: < {"id":2,"rpc":{"data":1}}



=== TEST 3: the first frame has all that the client wants
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:a","flag":1}}
   > {"id":3,"subscribe":{"channel":"chat:b"}}
   > {"id":4,"publish":{"channel":"chat:a","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
a: < {"id":4,"publish":{}}
   | {"push":{"channel":"chat:a","pub":{"data":1,...}}}



=== TEST 4: many commands in a frame, with empty space around them
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: >  {"id":2,"rpc":{"method":"rt.echo","data":2}} {{"\r"}}
   > {"id":3,"rpc":{"method":"rt.echo","data":3}}
   >
a: < {"id":2,"rpc":{"data":2}}
   < {"id":3,"rpc":{"data":3}}
a: > {{join "\n", map { '{"id":' . $_ . ',"rpc":{"method":"rt.echo","data":' . $_ . '}}' } 10 .. 309}}
a: 300 x < {"id":{{$i + 9}},"rpc":{"data":{{$i + 9}}}}



=== TEST 5: unknown members are passed over
--- conversation
a: open /connection/websocket
a: > {"x":[{"id":99}],"id":1,"connect":{"flag":3,"profile":{},"dict":"d","z":null}}
a: < {"id":1,"connect":{...}}
a: > {"y":"}","subscribe":{"zz":{"channel":"news:no"},"channel":"chat:x","tf":null},"id":2,"q":1e400}
a: < {"id":2,"subscribe":{}}
a: > {"id":3,"error":null,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":3,"unsubscribe":{}}



=== TEST 6: escapes in names
--- conversation
a: open /connection/websocket
a: > {"\u0069d":1,"c\u006fnnect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"chat:\u0061\/b"}}
a: < {"id":2,"subscribe":{}}
a: > {"id":3,"publish":{"channel":"chat:a/b","data":1}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"chat:a/b","pub":{"data":1,...}}}
a: > {"id":4,"subscribe":{"channel":"chat:\"q\\"}}
a: < {"id":4,"subscribe":{}}
a: > {"id":5,"publish":{"channel":"chat:\u0022q\u005c","data":1}}
a: < {"id":5,"publish":{}}
   | {"push":{"channel":"chat:\"q\\","pub":{"data":1,...}}}



=== TEST 7: subscribe and unsubscribe
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"subscribe":{"channel":"chat:x"}}
a: < {"id":3,"error":{"code":105,"message":"already subscribed"}}
a: > {"id":4,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":4,"unsubscribe":{}}
a: > {"id":5,"unsubscribe":{"channel":"chat:x"}}
a: < {"id":5,"unsubscribe":{}}
a: > {"id":6,"unsubscribe":{"channel":"never:seen"}}
a: < {"id":6,"unsubscribe":{}}
a: > {"id":7,"subscribe":{"channel":"chat:x"}}
a: < {"id":7,"subscribe":{}}
a: > {"id":8,"subscribe":{"channel":"plain"}}
a: < {"id":8,"subscribe":{}}



=== TEST 8: what a channel does not have is silently off
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"chat:x","recover":true,"epoch":"e","offset":7,"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil"}}
a: < {"id":2,"subscribe":{...}}
a: > {"id":3,"subscribe":{"channel":"chat:y","type":1}}
a: < {"id":3,"error":{"code":108,"message":"not available"}}
a: > {"id":7,"subscribe":{"channel":"chat:y","tf":{"op":"eq","key":"k","val":"v"}}}
a: < {"id":7,"error":{"code":108,"message":"not available"}}
a: > {"id":8,"subscribe":{"channel":"chat:y","tf":null,"flag":1}}
a: < {"id":8,"subscribe":{}}
a: > {"id":4,"presence":{"channel":"chat:x"}}
a: < {"id":4,"error":{"code":108,"message":"not available"}}
a: > {"id":5,"presence_stats":{"channel":"chat:x"}}
a: < {"id":5,"error":{"code":108,"message":"not available"}}
a: > {"id":6,"history":{"channel":"chat:x"}}
a: < {"id":6,"error":{"code":108,"message":"not available"}}



=== TEST 9: rpc
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"rpc":{"method":"rt.echo","data":{"a":[1,"b",null,true]}}}
a: < {"id":2,"rpc":{"data":{"a":[1,"b",null,true]}}}
a: > {"id":3,"rpc":{"method":"rt.echo"}}
a: < {"id":3,"rpc":{...}}
a: > {"id":4,"rpc":{"method":"rt.none","data":1}}
a: < {"id":4,"error":{"code":104,"message":"method not found"}}
a: > {"id":5,"rpc":{"method":"summarize","data":1}}
a: < {"id":5,"error":{"code":104,"message":"method not found"}}
a: > {"id":6,"rpc":{"data":1}}
a: < {"id":6,"error":{"code":104,"message":"method not found"}}
a: > {"id":4294967295,"rpc":{"method":"rt.echo","data":0}}
a: < {"id":4294967295,"rpc":{"data":0}}



=== TEST 10: payload bytes: duplicate keys, numbers and escapes survive
--- conversation
a, b: open /connection/websocket
a, b: > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"open:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.echo","data":{ "b":0.10, "a":9007199254740993,"a":1e400,  "s":"\ud800\u0041\/", "z":-0 }}}
a: <= {"id":3,"rpc":{"data":{ "b":0.10, "a":9007199254740993,"a":1e400,  "s":"\ud800\u0041\/", "z":-0 }}}
api: POST /api/publish {"channel":"open:x","data":{"k":1E+2 ,"k":[ ],"e":"\u0000{{"\xc3\xa9"}}"}}
api: 200 {"result":{}}
a, b: <= {"push":{"channel":"open:x","pub":{"data":{"k":1E+2 ,"k":[ ],"e":"\u0000{{"\xc3\xa9"}}"}}}}



=== TEST 11: raw line breaks between tokens become spaces
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"chat:x","data":{{qq([1,\n\t2\r\n])}}}
api: 200 {"result":{}}
a: <= {"push":{"channel":"chat:x","pub":{"data":[1, {{"\t"}}2  ]}}}
a: > {"id":3,"rpc":{"method":"rt.echo","data":[1,{{"\r"}}2]}}
a: <= {"id":3,"rpc":{"data":[1, 2]}}
a: > {"id":4,"rpc":{{"\n"}}{"method":"rt.echo",{{"\n"}}"data":[1,{{"\n"}}2]}}
a: <= {"id":4,"rpc":{"data":[1, 2]}}



=== TEST 12: nesting to 64, above it 107
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"rpc":{"method":"rt.echo","data":{{"[" x 60 . "]" x 60}}}}
a: <= {"id":2,"rpc":{"data":{{"[" x 60 . "]" x 60}}}}
a: > {"id":3,"rpc":{"method":"rt.echo","data":{{"[" x 70 . "]" x 70}}}}
a: < {"id":3,"error":{"code":107,"message":"*"}}
a: > {"id":4,"publish":{"channel":"open:x","data":{{"[" x 1000 . "]" x 1000}}}}
a: < {"id":4,"error":{"code":107,"message":"*"}}
a: silent
a: > {"id":5,"publish":{"channel":"open:x","data":{{"[" x 30000 . "]" x 30000}}}}
a: < {"id":5,"error":{"code":107,"message":"*"}}
a: > {"id":6,"x":{{'{"k":' x 10000 . 1 . "}" x 10000}},"rpc":{"method":"rt.echo","data":6}}
a: < {"id":6,"rpc":{"data":6}}
a: > {"id":7,"publish":{"channel":"open:x","data":{{"[" x 5000 . "}" . "]" x 4999}}}}
a: closed 3501



=== TEST 13: publish: who may, and to what
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"publish":{"channel":"open:x","data":{}}}
a: < {"id":2,"publish":{}}
a: > {"id":3,"publish":{"channel":"chat:x","data":{}}}
a: < {"id":3,"error":{"code":103,"message":"permission denied"}}
a: > {"id":4,"publish":{"channel":"news:x","data":{}}}
a: < {"id":4,"error":{"code":103,"message":"permission denied"}}
a: > {"id":5,"publish":{"channel":"nope:x","data":{}}}
a: < {"id":5,"error":{"code":102,"message":"unknown channel"}}
a: > {"id":6,"publish":{"channel":"open:x"}}
a: < {"id":6,"error":{"code":107,"message":"*"}}
a: silent



=== TEST 14: subscribe: unknown namespaces, users, private channels
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"nope:x"}}
a: < {"id":2,"error":{"code":102,"message":"unknown channel"}}
a: > {"id":3,"subscribe":{"channel":"users:x"}}
a: < {"id":3,"error":{"code":103,"message":"permission denied"}}
a: > {"id":4,"subscribe":{"channel":"$chat:x"}}
a: < {"id":4,"error":{"code":103,"message":"permission denied"}}
a: > {"id":5,"subscribe":{"channel":"news:x"}}
a: < {"id":5,"subscribe":{}}
a: silent



=== TEST 15: without "rt_namespace default" a channel without ":" is unknown
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  chat;
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"plain"}}
a: < {"id":2,"error":{"code":102,"message":"unknown channel"}}
a: > {"id":3,"subscribe":{"channel":"chat:plain"}}
a: < {"id":3,"subscribe":{}}



=== TEST 16: names of channels that are bad
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"{{"c" x 255}}"}}
a: < {"id":2,"subscribe":{}}
a: > {"id":3,"subscribe":{"channel":"{{"c" x 256}}"}}
a: < {"id":3,"error":{"code":107,"message":"*"}}
a: > {"id":4,"subscribe":{"channel":"chat:{{"\xc3\xa9"}}"}}
a: < {"id":4,"error":{"code":107,"message":"*"}}
a: > {"id":5,"subscribe":{"channel":"chat:\u00e9"}}
a: < {"id":5,"error":{"code":107,"message":"*"}}
a: > {"id":6,"subscribe":{"channel":"chat:\u0000"}}
a: < {"id":6,"error":{"code":107,"message":"*"}}
a: > {"id":7,"subscribe":{"channel":"chat:a\r\nb"}}
a: < {"id":7,"error":{"code":107,"message":"*"}}
a: > {"id":8,"subscribe":{"channel":"chat:{{"x" x 60000}}"}}
a: < {"id":8,"error":{"code":107,"message":"*"}}
a: > {"id":9,"publish":{"channel":"open:\u007f","data":1}}
a: < {"id":9,"error":{"code":107,"message":"*"}}
a: > {"id":10,"subscribe":{"channel":"chat:a/../%2f%00{:}*?["}}
a: < {"id":10,"subscribe":{}}
a: > {"id":11,"unsubscribe":{"channel":"chat:\u0000"}}
a: < {"id":11,"unsubscribe":{}}
a: silent



=== TEST 17: 128 channels a client
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: 128 x > {"id":{{$i + 1}},"subscribe":{"channel":"chat:c{{$i}}"}}
a: 128 x < {"id":{{$i + 1}},"subscribe":{}}
a: > {"id":200,"subscribe":{"channel":"chat:c129"}}
a: < {"id":200,"error":{"code":106,"message":"limit exceeded: rt_max_channels, 128 at most"}}
a: > {"id":201,"unsubscribe":{"channel":"chat:c7"}}
a: < {"id":201,"unsubscribe":{}}
a: > {"id":202,"subscribe":{"channel":"chat:c129"}}
a: < {"id":202,"subscribe":{}}



=== TEST 18: a token is refused, not ignored
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{"token":"abc"}}
a: closed 3500 invalid token
b: open /connection/websocket
b: > {"id":1,"connect":{"token":""}}
b: < {"id":1,"connect":{...}}



=== TEST 19: 3501: connect comes first, and once
--- conversation
a: open /connection/websocket
a: > {"id":1,"subscribe":{"channel":"chat:x"}}
a: closed 3501 bad request
b: open /connection/websocket
b: > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: > {"id":2,"connect":{}}
b: closed 3501 bad request
c: open /connection/websocket
c: > {"id":1,"rpc":{"method":"rt.echo","data":1}}
c: closed 3501
d: open /connection/websocket
d: > {"id":1,"connect":{}}
   > {"id":2,"connect":{}}
d: < {"id":1,"connect":{...}}
d: closed 3501
e: open /connection/websocket
e: > {"send":{"data":1}}
e: closed 3501



=== TEST 20: 3501: ids
--- conversation
a1..a5: open /connection/websocket
a1..a5: > {"id":1,"connect":{}}
a1..a5: < {"id":1,"connect":{...}}
a1..a5: > {{('{"rpc":{"method":"rt.echo"}}', '{"id":0,"rpc":{"method":"rt.echo"}}', '{"id":-1,"rpc":{"method":"rt.echo"}}', '{"id":"2","rpc":{"method":"rt.echo"}}', '{"id":4294967296,"rpc":{"method":"rt.echo"}}')[$n - 1]}}
a1..a5: closed 3501 bad request
b1..b2: open /connection/websocket
b1..b2: > {{('{"connect":{}}', '{"id":1.5,"connect":{}}')[$n - 1]}}
b1..b2: closed 3501 bad request



=== TEST 21: 3501: not JSON, or not of the protocol's types
--- conversation
a1..a21: open /connection/websocket
a1..a21: > {"id":1,"connect":{}}
a1..a21: < {"id":1,"connect":{...}}
a1..a21: > {{('{', '[]', '1', 'null', '"x"', '{"id":2,"rpc":{"method":"rt.echo"}', '{"id":2,"rpc":[]}', '{"id":2,"rpc":{"method":1}}', '{"id":2,"subscribe":{"channel":5}}', '{"id":2,"subscribe":{}}', '{"id":2,"subscribe":{"channel":""}}', '{"id":2,"unsubscribe":{}}', '{"id":2,"publish":{"data":1}}', '{"id":2,"rpc":{"method":"rt.echo","data":}}', '{"id":2,"rpc":{"method":"rt.echo","data":01}}', '{"id":2,"rpc":{"method":"rt.echo","data":"' . "\t" . '"}}', "{'id':2}", '{"id":2,"rpc":{"method":"rt.echo","data":tru}}', '{"id":2,}', '{"id":2,"subscribe":{"channel":"chat:x","recover":1}}', '{"id":2,"subscribe":{"channel":"chat:x","offset":-1}}')[$n - 1]}}
a1..a21: closed 3501 bad request



=== TEST 22: 3501: before the connect, not JSON
--- conversation
a1..a5: open /connection/websocket
a1..a5: > {{('{', 'GET / HTTP/1.1', '[{"id":1,"connect":{}}]', '{"id":1,"connect":[]}', '{"id":1,"connect":{"token":5}}')[$n - 1]}}
a1..a5: closed 3501 bad request



=== TEST 23: 3501: an empty frame, a method that nobody knows
--- conversation
a: open /connection/websocket
a: frame op=1{{" "}}
a: closed 3501 bad request
b: open /connection/websocket
b: > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: frame op=1{{" "}}
b: closed 3501 bad request
c: open /connection/websocket
c: > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
c: > {"id":2,"dance":{}}
c: closed 3501 bad request
d: open /connection/websocket
d: > {"id":1,"connect":{}}
d: < {"id":1,"connect":{...}}
d: > {"id":2}
d: closed 3501 bad request
e: open /connection/websocket
e: > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.echo","data":1}}
   > {"id":3,"dance":{}}
   > {"id":4,"rpc":{"method":"rt.echo","data":1}}
e: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":1}}
e: closed 3501
f: open /connection/websocket
f: > {"id":1,"connect":{}}
f: < {"id":1,"connect":{...}}
f: > {"id":2,"rpc":{"method":"rt.echo","data":1}}x
f: < {"id":2,"rpc":{"data":1}}
f: closed 3501



=== TEST 24: send has no receiver yet
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"send":{"data":{"x":1}}}
a: closed 3508 *



=== TEST 25: 3502: no connect in time
--- more_config
        location /quick {
            rt_websocket        zone=live;
            rt_connect_timeout  300ms;
        }
--- conversation
a: open /quick
b: open /quick
b: > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
c: open /quick
c: ping
c: pong
a: closed 3502 stale
c: closed 3502 stale
b: silent



=== TEST 26: ping and pong
--- more_config
        location /often {
            rt_websocket      zone=live;
            rt_ping_interval  1s;
            rt_pong_timeout   500ms;
        }
--- conversation
a: open /often
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"ping":1,"pong":true,...}}
b: open /often
b: mute
b: > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"ping":1,"pong":true,...}}
a: pinged
a: pinged
b: closed 3012 no pong
a: silent



=== TEST 27: a pong that nobody asked for does no harm
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {}
a: > {}
a: silent



=== TEST 28: an error does not end the connection
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"nope:x"}}
   > {"id":3,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":102,"message":"unknown channel"}}
   < {"id":3,"subscribe":{}}
a: silent



=== TEST 29: refresh has nothing to refresh
--- conversation
a: open /connection/websocket
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"refresh":{"token":"t"}}
a: closed 3500 invalid token
b: open /connection/websocket
b: > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: > {"id":3,"sub_refresh":{"channel":"chat:x","token":"t"}}
b: closed 3500|3501 *
