# Refusals that the tests of the features (001 to 010) do not name: the table
# of all of them is in docs/testing.md.

use RT;

run_tests();

__DATA__

=== TEST 1: 400: a tenant's name that cannot be, and it is counted
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    map           $http_x_mode $mode { default 1; }
--- conversation
a: try /connection/websocket
   X-Tenant: {{"t" x 129}}
a: 400
b: try /connection/websocket
   Origin: https://evil.example
b: 403
c: try /connection/websocket
   Sec-WebSocket-Version: 8
c: 426
d: try /echo
   -Sec-WebSocket-Key:
d: 400
m: GET /metrics
m: until 200 ~^rt_refused_total\{worker="\d+"\} {{"[48]"}}$



=== TEST 2: 403: origins that look like the server's own
--- more_config
        location /own {
            rt_websocket  zone=live;
            rt_origins    https://app.example null;
        }
        location /none {
            rt_websocket  zone=live;
        }
--- conversation
a1..a18: try /own
   Host: app.example
   Origin: {{our @o = ("http://app.example", "https://app.example.", "https://app.example:8443", "https://xapp.example", "https://app.example.evil", "https://app.examplf", "https://app.example\@evil", "https://evil/app.example", "https://evil?app.example", "https://evil#app.example", "https://evil\\app.example", "app.example", "//app.example", "https:app.example", "https:///app.example", "nul", "nullx", "*"); if ($origin =~ /^http:/) { $o[0] = "ftp://app.example" } $o[$n - 1]}}
a1..a18: 403
b1..b4: try /own
   Host: app.example
   Origin: {{("https://app.example", "HTTPS://APP.EXAMPLE", "null", $origin =~ s{//.*}{//app.example}r)[$n - 1]}}
b1..b4: 101
c1..c3: try /none
   Host: app.example
   Origin: {{("null", "https://app.examplee", "NULL")[$n - 1]}}
c1..c3: 403
# the default port says nothing, another one does
d1, d2: try /none
   Host: app.example{{("", $origin =~ /^https/ ? ":443" : ":80")[$n - 1]}}
   Origin: {{$origin =~ s{//.*}{//app.example}r}}{{($origin =~ /^https/ ? ":443" : ":80", "")[$n - 1]}}
d1, d2: 101
e1..e3: try /none
   Host: app.example
   Origin: {{$origin =~ s{//.*}{//app.example}r}}{{($origin =~ /^https/ ? ":80" : ":443", ":", ":8080")[$n - 1]}}
e1..e3: 403
# the name of the server block is not the host of the request
f: try /none
   Host: other.example
   Origin: {{$origin =~ s{//.*}{//localhost}r}}
f: 403



=== TEST 3: a deep connect is an error, and what is behind it is void
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"data":{{"[" x 3000 . "]" x 3000}}}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"error":{"code":107,"message":"bad request"}}
a: > {"id":3,"subscribe":{"channel":"chat:x"}}
a: closed 3501



=== TEST 4: 507: the zone is full; who is there stays
--- http_config
    rt_zone       $http_x_tenant zone=live:256k;
    rt_namespace  chat publish=subscriber;
--- conversation
z: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:z"}}
z: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
f1..f12: open /connection/websocket
         > {"id":1,"connect":{}}
f1..f12: < {"id":1,"connect":{...}}
f1..f12: > {{join "\n", map { '{"id":' . ($_ + 1) . ',"subscribe":{"channel":"chat:' . $n . "-$_-" . "x" x 150 . '"}}' } 1 .. 128}}
f1..f12: 128 x < {"id":{{$i + 1}},...}
z: > {"id":3,"subscribe":{"channel":"chat:z-1-{{"x" x 150}}"}}
z: < {"id":3,"error":{"code":507,"message":"zone full","temporary":true}}
nginx: log ~rt_zone "live" is full
z: > {"id":4,"publish":{"channel":"chat:z","data":1}}
z: < {"id":4,"publish":{}}
   | {"push":{"channel":"chat:z","pub":{"data":1,...}}}
n1..n60: open /connection/websocket
         > {"id":1,"connect":{}}
n1..n60: < {"id":1,...}
n60: open /connection/websocket
     > {"id":1,"connect":{}}
n60: < {"id":1,"error":{"code":507,"message":"zone full","temporary":true}}
# there is room again as soon as others leave
f1..f12, n1..n59: gone
m: GET /metrics
m: until 200 ~^rt_connections\{worker="\d+"\} 2$
z: > {"id":5,"subscribe":{"channel":"chat:z-1-{{"x" x 150}}"}}
z: < {"id":5,"subscribe":{}}



=== TEST 5: what is refused of the API is named in the body
--- conversation
a: POST /api/publish {"channel":5,"data":1}
a: 400 {"code":107,"message":"channel: has to be a string"}
a: POST /api/publish {"channel":"news:x","data":1,"tags":[]}
a: 400 {"code":107,"message":"tags: has to be an object"}
a: POST /api/publish {"channel":"news:x","data":1,"tags":{"a":1}}
a: 400 {"code":107,"message":"tags: has to be an object of strings"}
a: POST /api/publish {"channel":"news:x","data":1,"skip_history":"yes"}
a: 400 {"code":107,"message":"skip_history: has to be true or false"}
a: POST /api/publish {"channel":"news:x","data":1,"version":-1}
a: 400 ~version: has to be a whole number
a: POST /api/publish {"channel":"news:x","data":1
a: 400 ~body: is not JSON, near byte 29
a: POST /api/publish {"channel":"news:x","data":1} x
a: 400 ~body: is not JSON
a: POST /api/publish [{"channel":"news:x","data":1}]
a: 400 ~have to be a JSON object
a: POST /api/publish {"channel":"news:x","data":"{{"\xc3"}}"}
a: 400 {"code":107,"message":"body: is not UTF-8"}
a: POST /api/publish {"data":1}
a: 200 {"error":{"code":107,"message":"channel: is required"}}
a: POST /api/publish {"channel":"news:x"}
a: 200 {"error":{"code":107,"message":"data: is required"}}
a: POST /api/publish {"channel":"news:x","data":{{"[" x 65 . "]" x 65}}}
a: 200 {"error":{"code":107,"message":"data: is nested too deep"}}
a: POST /api/publish {"channel":"news:x","data":{{"[" x 200000 . "]" x 200000}}}
a: 200 {"error":{"code":107,"message":"data: is nested too deep"}}
a: POST /api/publish {"channel":"news:x","data":{{"[" x 200000 . "]" x 199999}}}
a: 400 ~is not JSON
a: POST /api/publish {"channel":"news:x","data":1,"b64data":"MQ=="}
a: 200 {"error":{"code":107,"message":"b64data: cannot be there together with data"}}
a: POST /api/broadcast {"channels":"news:x","data":1}
a: 400 {"code":107,"message":"channels: has to be an array"}
a: POST /api/broadcast {"channels":["news:x",1],"data":1}
a: 400 {"code":107,"message":"channels: has to be an array of strings"}
a: POST /api/batch {"commands":[1]}
a: 400 {"code":107,"message":"commands: has to be an array of objects"}
a: POST /api/batch {}
a: 200 {"error":{"code":107,"message":"commands: is required"}}
a: GET /api/publish
a: 405 ~POST only
a: POST /api/publish {"channel":"news:x","data":1}
   Content-Type: text/plain
a: 415 ~Content-Type: has to be application/json
a: POST /api/dance {}
a: 404 ~method not found
a: POST /api/publish {"channel":"news:x","data":1}
   X-Tenant: {{"t" x 129}}
a: 400 ~tenant: has to be 1 to 128 bytes



=== TEST 6: a command that is too deep does no harm to its batch
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/batch {"commands":[{"publish":{"channel":"news:x","data":1}},{"publish":{"data":{{"[" x 60 . '{"k":' x 5000 . "2" . "}" x 5000 . "]" x 60}},"channel":"news:x"}},{"publish":{"channel":"news:x","data":3}}]}
api: 200 {"replies":[{"publish":{}},{"error":{"code":107,"message":"data: is nested too deep"}},{"publish":{}}]}
a: < {"push":{"channel":"news:x","pub":{"data":1}}}
a: < {"push":{"channel":"news:x","pub":{"data":3}}}
a: silent



=== TEST 7: who may use the API: 401 says how, 403 names no tenant
--- user_files
>>> keys
secret-of-a     tenant-a
--- more_config
        location /keyed/ {
            rt_api      zone=live;
            rt_api_key  file=$TEST_NGINX_SERVER_ROOT/html/keys;
        }
--- conversation
a: POST /keyed/publish {"channel":"news:x","data":1}
a: 401 {"code":101,"message":"no API key, or an unknown one"}
   WWW-Authenticate: apikey
b: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-a
   X-Tenant: tenant-b
b: 403 {"code":103,"message":"the API key is not for this tenant"}
# a body does not say whose it is
c: POST /keyed/publish {"tenant":"tenant-a","channel":"news:x","data":1}
   X-API-Key: secret-of-a
   X-Tenant: tenant-b
c: 403
# two keys are none
d: POST /keyed/publish {"channel":"news:x","data":1}
   X-API-Key: secret-of-a
   +X-API-Key: wrong-wrong
   X-Tenant: tenant-b
d: 401|403



=== TEST 8: the protocol's errors, each by what asks for it
--- more_config
        location /two {
            rt_websocket     zone=live;
            rt_max_channels  2;
        }
--- conversation
a: open /two
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: > {"id":2,"subscribe":{"channel":"nope:x"}}
a: < {"id":2,"error":{"code":102,"message":"unknown channel"}}
a: > {"id":3,"subscribe":{"channel":"users:x"}}
a: < {"id":3,"error":{"code":103,"message":"permission denied"}}
a: > {"id":4,"rpc":{"method":"none"}}
a: < {"id":4,"error":{"code":104,"message":"method not found"}}
a: > {"id":5,"subscribe":{"channel":"chat:a"}}
   > {"id":6,"subscribe":{"channel":"chat:a"}}
   > {"id":7,"subscribe":{"channel":"chat:b"}}
   > {"id":8,"subscribe":{"channel":"chat:c"}}
a: < {"id":5,"subscribe":{}}
   < {"id":6,"error":{"code":105,"message":"already subscribed"}}
   < {"id":7,"subscribe":{}}
   < {"id":8,"error":{"code":106,"message":"limit exceeded: rt_max_channels, 2 at most"}}
a: > {"id":9,"publish":{"channel":"chat:a"}}
a: < {"id":9,"error":{"code":107,"message":"bad request"}}
a: silent



=== TEST 9: 503: a worker that has no slot takes no WebSockets
--- workers: 67
--- over: plain
--- conversation
# the last one of the file: it takes a while until all of them are gone
s1..s250: try /connection/websocket
s1..s250: 101|503
nginx: log ~this worker takes no WebSockets
# and yet it publishes
api: 20 x ask 200 POST /api/publish {"channel":"news:x","data":1}
