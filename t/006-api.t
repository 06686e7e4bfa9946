# The server's HTTP API: methods, shapes, statuses, keys.

use RT;

run_tests();

__DATA__

=== TEST 1: publish
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"news:x","data":{"a":[1,2]}}
api: 200 {"result":{}}
     Content-Type: /^application\/json/
a: < {"push":{"channel":"news:x","pub":{"data":{"a":[1,2]}}}}
api: POST /api/publish {"data":null,"x":{"channel":"news:y"},"channel":"news:x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":null}}}
api: POST /api/publish {"channel":"news:x","data":"t","tags":{"k":"v"},"skip_history":true}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":"t","tags":{"k":"v"}}}}
api: POST /api/publish {"channel":"news:x","b64data":"eyJiIjo2NH0="}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":{"b":64}}}}
api: POST /api/publish {"channel":"news:nobody","data":1}
api: 200 {"result":{}}
a: silent



=== TEST 2: publish: errors are in the body
--- conversation
api: POST /api/publish {"channel":"nope:x","data":1}
api: 200 {"error":{"code":102,"message":"unknown channel"}}
api: POST /api/publish {"channel":"news:x"}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"data":1}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"channel":"","data":1}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"channel":"news:{{"x" x 256}}","data":1}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"channel":"news:\u00e9","data":1}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"channel":"news:x","data":{{"[" x 100 . "]" x 100}}}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/publish {"channel":5,"data":1}
api: 200|400
api: POST /api/publish {"channel":"news:x","b64data":"!"}
api: 200 {"error":{"code":107,"message":"*"}}



=== TEST 3: broadcast
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
   > {"id":3,"subscribe":{"channel":"news:y"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
api: POST /api/broadcast {"channels":["news:x","nope:z","news:y"],"data":{"n":1}}
api: 200 {"result":{"responses":[{"result":{}},{"error":{"code":102,"message":"unknown channel"}},{"result":{}}]}}
a: < {"push":{"channel":"news:x","pub":{"data":{"n":1}}}}
   < {"push":{"channel":"news:y","pub":{"data":{"n":1}}}}
api: POST /api/broadcast {"channels":[],"data":1}
api: 200
api: POST /api/broadcast {"data":1}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/broadcast {"channels":["news:x"]}
api: 200
api: POST /api/broadcast {"data":2,"channels":[{{join ",", map { "\"news:b$_\"" } 1 .. 200}}]}
api: 200 {"result":{"responses":[{{join ",", ('{"result":{}}') x 200}}]}}
a: silent



=== TEST 4: info and channels
--- conversation
api: POST /api/info {}
api: 200 {"result":{"nodes":[{"uid":"*","name":"*","version":"*","num_clients":0,"num_users":0,"num_channels":0,"uptime":*}]}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{}}}
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"chat:x"}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
a: > {"id":3,"subscribe":{"channel":"news:q\"s"}}
a: < {"id":3,"subscribe":{}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":2},"news:q\"s":{"num_clients":1}}}}
api: POST /api/channels {"pattern":"chat:*"}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":2}}}}
api: POST /api/channels {"pattern":"*:x"}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":2}}}}
api: POST /api/info {}
api: 200 {"result":{"nodes":[{"num_clients":2,"num_channels":2,...}]}}
api: POST /api/info {}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{"nodes":[{"num_clients":0,"num_channels":0,...}]}}
api: POST /api/channels {}
     X-Tenant: {{$tenant}}-other
api: 200 {"result":{"channels":{}}}



=== TEST 5: batch
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/batch {"commands":[{"publish":{"channel":"news:x","data":1}},{"publish":{"channel":"nope:x","data":2}},{"broadcast":{"channels":["news:x"],"data":3}},{"channels":{}},{"info":{}}]}
api: 200 {"replies":[{"publish":{}},{"error":{"code":102,"message":"unknown channel"}},{"broadcast":{"responses":[{"result":{}}]}},{"channels":{"channels":{"news:x":{"num_clients":1}}}},{"info":{"nodes":[*]}}]}
a: < {"push":{"channel":"news:x","pub":{"data":1}}}
   < {"push":{"channel":"news:x","pub":{"data":3}}}
api: POST /api/batch {"commands":[],"parallel":true}
api: 200 {"replies":[]}
api: POST /api/batch {"commands":[{"dance":{}}]}
api: 200 {"replies":[{"error":{"code":104,"message":"*"}}]}
a: silent



=== TEST 6: statuses before a command is read
--- more_config
        location /small/ {
            rt_api                zone=live;
            rt_api_key            off;
            client_max_body_size  100;
        }
--- conversation
a: GET /api/publish
a: 405
   Allow: POST
b: PUT /api/publish {"channel":"news:x","data":1}
b: 405
c: POST /api/publish {"channel":"news:x","data":1}
   Content-Type: text/plain
c: 415
d: POST /api/publish {"channel":"news:x","data":1}
   Content-Type: application/jsonx
d: 415
e: POST /api/publish {"channel":"news:x","data":1}
   Content-Type: application/JSON; charset=utf-8
e: 200 {"result":{}}
f: POST /small/publish {"channel":"news:x","data":"{{"x" x 100}}"}
f: 413
g: POST /api/publish {"channel":"news:x","data":
g: 400 ~\w
h: POST /api/publish {"channel":"news:x","data":1}}
h: 400
i: POST /api/publish []
i: 400
j: POST /api/publish
j: 400
k: POST /api/publish {"channel":"news:x","data":"{{"\xff"}}"}
k: 400
l: POST /api/dance {}
l: 404
m: POST /api {}
m: 404
n: POST /api/publish/x {}
n: 404
o: POST /api/publish {"channel":"news:x","data":1}
   X-Tenant: {{"t" x 129}}
o: 400
p: POST /api/publish {"channel":"news:x","data":{{"\n"}}1}
p: 200 {"result":{}}
--- allow_log: client intended to send too large body



=== TEST 7: bodies in chunks, in pieces, in a file
--- more_config
        location /filed/ {
            rt_api                   zone=live;
            rt_api_key               off;
            client_body_buffer_size  1k;
        }
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /filed/publish {"channel":"news:x","data":"{{"x" x 60000}}"}
api: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":"{{"x" x 60000}}"}}}
slow: pieces 1
slow: POST /api/publish {"channel":"news:x","data":"slow"}
slow: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":"slow"}}}
slow: POST /filed/publish {"channel":"news:x","data":"slow file"}
slow: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":"slow file"}}}
b: POST /api/publish 10{{"\r\n"}}{"channel":"news{{"\r\n"}}14{{"\r\n"}}:x","data":"chunks"}{{"\r\n0\r\n\r\n"}}
   -Content-Length:
   Transfer-Encoding: chunked
b: 200 {"result":{}}
a: < {"push":{"channel":"news:x","pub":{"data":"chunks"}}}
a: silent



=== TEST 8: keys
--- user_files
>>> keys
# a key for all, and two for some
secret-for-all
secret-of-a     tenant-a
secret-of-two   tenant-a tenant-b
--- more_config
        location /keyed/ {
            rt_api      zone=live;
            rt_api_key  file=$TEST_NGINX_SERVER_ROOT/html/keys;
        }
--- conversation
a: POST /keyed/publish {"channel":"news:x","data":1}
a: 401
b: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: wrong
b: 401
c: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-for-al
c: 401
d: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-for-all1
d: 401
e: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-for-all
e: 200 {"result":{}}
f: POST /keyed/publish {"channel":"news:x","data":1}
   Authorization: apikey secret-for-all
f: 200 {"result":{}}
g: POST /keyed/publish?api_key=secret-for-all {"channel":"news:x","data":1}
g: 200 {"result":{}}
h: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-a
h: 403
i: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-a
   X-Tenant: tenant-a
i: 200 {"result":{}}
j: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-a
   X-Tenant: tenant-ab
j: 403
k: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-two
   X-Tenant: tenant-b
k: 200 {"result":{}}
l: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key:
l: 401
m: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: #
m: 401
n: POST /keyed/publish {"channel":"news:x","data":1}
   Authorization: Bearer secret-for-all
n: 401
o: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: tenant-a
o: 401
p: POST /keyed/dance {}
p: 401



=== TEST 9: errors as statuses, for those who ask
--- conversation
a: POST /api/publish {"channel":"nope:x","data":1}
   X-Centrifugo-Error-Mode: transport
a: 404 {"code":102,"message":"unknown channel"}
a: POST /api/publish {"channel":"news:x"}
   X-Centrifugo-Error-Mode: transport
a: 400 {"code":107,"message":"*"}
a: POST /api/publish {"channel":"news:x","data":1}
   X-Centrifugo-Error-Mode: transport
a: 200 {"result":{}}
a: POST /api/publish {"channel":"nope:x","data":1}
   X-Centrifugo-Error-Mode: other
a: 200 {"error":{"code":102,"message":"unknown channel"}}



=== TEST 10: many on one connection, all at once
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: 200 x POST /api/publish {"channel":"news:x","data":{{$i}}}
api: GET /api/publish
api: 5 x POST /api/publish {"channel":"news:x","data":{{200 + $i}}}
api: 200 x 200 {"result":{}}
api: 405
api: 5 x 200 {"result":{}}
a: 205 x < {"push":{"channel":"news:x","pub":{"data":{{$i}}}}}
b: POST /api/publish {"channel":"news:x","data":"last"}
   Connection: close
b: 200 {"result":{}}
   Connection: close
b: eof
a: < {"push":{"channel":"news:x","pub":{"data":"last"}}}
a: silent



=== TEST 11: a backend that leaves in the middle
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: bytes POST /api/publish HTTP/1.1{{"\r\n"}}Host: localhost{{"\r\n"}}Content-Type: application/json{{"\r\n"}}X-Tenant: {{$tenant}}{{"\r\n"}}Content-Length: 100{{"\r\n\r\n"}}{"channel":"news:x"
b: gone
a: silent



=== TEST 12: what a request may look at, and whom it may move, in all
--- over: plain
--- conversation
s1..s20: open /connection/websocket
   X-User: u
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"seen:x"}}
s1..s20: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/batch {"commands":[{{join ",", ('{"presence_stats":{"channel":"seen:x"}}') x 4000}}]}
api: 200 ~^(?!.*"error")
api: POST /api/batch {"commands":[{{join ",", ('{"presence_stats":{"channel":"seen:x"}}') x 10000}}]}
api: 200 ~^\{"replies":\[(\{"presence_stats":\{"num_clients":20,"num_users":1\}\},)+(\{"error":\{"code":106,"message":"too much for one request"\}\},?)+\]\}$
# others are served on
api: POST /api/presence_stats {"channel":"seen:x"}
api: 200 {"result":{"num_clients":20,"num_users":1}}
api: POST /api/batch {"commands":[{{join ",", ('{"unsubscribe":{"user":"u","channel":"seen:no"}}') x 8000}}]}
api: 200 ~"code":106,"message":"too much for one request"\}\}\]\}$
api: POST /api/broadcast {"channels":[{{join ",", ('"news:x"') x 200}}],"data":1,"tags":{"a":"{{"x" x 60000}}"}}
api: 200 ~^\{"result"
api: POST /api/broadcast {"channels":[{{join ",", ('"news:x"') x 300}}],"data":1,"tags":{"a":"{{"x" x 60000}}"}}
api: 200 {"error":{"code":106,"message":"*"}}
api: POST /api/publish {"channel":"news:x","data":1,"tags":{"a":"{{"x" x 66000}}"}}
api: 200 {"error":{"code":107,"message":"*"}}



=== TEST 13: each method asks for the key, and for the right one
--- user_files
>>> keys
secret-of-a  tenant-a
--- more_config
        location /keyed/ {
            rt_api      zone=live;
            rt_api_key  file=$TEST_NGINX_SERVER_ROOT/html/keys;
        }
--- conversation
m1..m13: POST /keyed/{{(qw(publish broadcast subscribe unsubscribe disconnect presence presence_stats channels info rpc batch history history_remove))[$n - 1]}} {}
m1..m13: 401 {"code":101,"message":"*"}
m1..m13: POST /keyed/{{(qw(publish broadcast subscribe unsubscribe disconnect presence presence_stats channels info rpc batch history history_remove))[$n - 1]}} {"tenant":"tenant-a"}
         X-API-Key: secret-of-a
m1..m13: 403 {"code":103,"message":"*"}
m1..m13: POST /keyed/{{(qw(publish broadcast subscribe unsubscribe disconnect presence presence_stats channels info rpc batch history history_remove))[$n - 1]}} {}
         X-API-Key: secret-of-a
         X-Tenant: tenant-a
m1..m13: 200
