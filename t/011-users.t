# Users: who a client is, told by rt_user, and who learns of it.

use RT;

run_tests();

__DATA__

=== TEST 1: a publication tells the user, if the client has one
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*alice",...}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
b: < {"id":1,"connect":{"client":"*bob",...}}
   < {"id":2,"subscribe":{}}
a: > {"id":2,"publish":{"channel":"open:x","data":1}}
a: < {"id":2,"publish":{}}
b: < {"push":{"channel":"open:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("alice")}}"}}}}
b: > {"id":3,"publish":{"channel":"open:x","data":2}}
b: < {"id":3,"publish":{}}
   | {"push":{"channel":"open:x","pub":{"data":2,"info":{"client":"{{kept("bob")}}"}}}}



=== TEST 2: names that need escaping, and the longest
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a1..a3: open /connection/websocket
        X-User: {{('a"\\{}', "\xc3\xa9", "u" x 128)[$n - 1]}}
        > {"id":1,"connect":{}}
a1..a3: < {"id":1,"connect":{...}}
a1: > {"id":2,"publish":{"channel":"open:x","data":1}}
a1: < {"id":2,"publish":{}}
b: < {"push":{"channel":"open:x","pub":{"data":1,"info":{"user":"a\"\\{}",...}}}}
a2: > {"id":2,"publish":{"channel":"open:x","data":2}}
a2: < {"id":2,"publish":{}}
b: < {"push":{"channel":"open:x","pub":{"data":2,"info":{"user":"{{"\xc3\xa9"}}",...}}}}
a3: > {"id":2,"publish":{"channel":"open:x","data":3}}
a3: < {"id":2,"publish":{}}
b: < {"push":{"channel":"open:x","pub":{"data":3,"info":{"user":"{{"u" x 128}}",...}}}}



=== TEST 3: names that cannot be
--- conversation
a1..a4: try /connection/websocket
        X-User: {{("u" x 129, "a\tb", "a\xff", "\xed\xa0\x80")[$n - 1]}}
a1..a4: 400
b: try /connection/websocket
   X-User: {{"u" x 128}}
b: 101



=== TEST 4: subscribe=user lets in who has a user
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"users:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"users:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":103,"message":"permission denied"}}



=== TEST 5: users are counted in their tenant
--- workers: 4
--- conversation
a1..a6: open /connection/websocket
        X-User: u{{$n % 2}}
        > {"id":1,"connect":{}}
a1..a6: < {"id":1,"connect":{...}}
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":6,"num_users":2,...}]}}
b1..b2: open /connection/websocket
        > {"id":1,"connect":{}}
b1..b2: < {"id":1,"connect":{...}}
# who is anonymous is one more
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":8,"num_users":3,...}]}}
o: open /connection/websocket
   X-Tenant: {{$tenant}}o
   X-User: u0
   > {"id":1,"connect":{}}
o: < {"id":1,"connect":{...}}
api: POST /api/info {}
     X-Tenant: {{$tenant}}o
api: until 200 {"result":{"nodes":[{"num_clients":1,"num_users":1,...}]}}
a1, a3: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":6,"num_users":3,...}]}}
a5: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":5,"num_users":2,...}]}}
b1..b2: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":3,"num_users":1,...}]}}
a2, a4, a6: close 1000
a2, a4, a6: closed 1000
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":0,"num_users":0,...}]}}
api: POST /api/info {}
     X-Tenant: {{$tenant}}o
api: until 200 {"result":{"nodes":[{"num_clients":1,"num_users":1,...}]}}



=== TEST 6: $rt_user and $rt_session in the log of closes
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_namespace  open publish=any;
    rt_log        logs/users.log '$rt_tenant $rt_user $rt_session $rt_close_code';
--- more_config
        location /who {
            return 200 "$rt_user\n";
        }
        location /fixed {
            rt_user  "";
            return 200 "$rt_user\n";
        }
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{"client":"*id",...}}
b: open /connection/websocket
   X-User: bob
a: close 1000
a: closed 1000
nginx: file logs/users.log ~{{$tenant}} alice {{kept("id")}} 1000
b: close 1000
b: closed 1000
nginx: file logs/users.log ~{{$tenant}} bob - 1000
c: open /connection/websocket
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
c: > {"id":2,"connect":{}}
c: closed 3501
nginx: file logs/users.log ~{{$tenant}} - [-0-9a-f]{36} 3501
d: GET /who
   X-User: carol
d: 200 ~^carol$
e: GET /fixed
   X-User: carol
e: 200 ~^$



=== TEST 7: what one level says is what its locations have
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       outer-$http_x_user;
    rt_namespace  open publish=any;
--- more_config
        location /inner {
            rt_websocket  zone=live;
            rt_user       inner;
        }
        location /nobody {
            rt_websocket  zone=live;
            rt_user       "";
        }
--- conversation
l: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
l: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: open /connection/websocket
   X-User: a
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
l: < {"push":{"channel":"open:x","pub":{"data":1,"info":{"user":"outer-a",...}}}}
b: open /inner
   X-User: a
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":2}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
l: < {"push":{"channel":"open:x","pub":{"data":2,"info":{"user":"inner",...}}}}
c: open /nobody
   X-User: a
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"open:x","data":3}}
c: < {"id":1,"connect":{"client":"*c",...}}
   < {"id":2,"publish":{}}
l: < {"push":{"channel":"open:x","pub":{"data":3,"info":{"client":"{{kept("c")}}"}}}}



=== TEST 8: a session with a subscription takes at most 768 bytes
--- conversation
s1..s200: open /connection/websocket
          X-User: someone-with-a-name-{{$n}}
          > {"id":1,"connect":{}}
          > {"id":2,"subscribe":{"channel":"chat:a-room-of-their-own-{{$n}}"}}
s1..s200: < {"id":1,"connect":{...}}
          < {"id":2,"subscribe":{}}
api: GET /metrics
api: 200 ~^rt_tenant_bytes\{zone="live",tenant="{{$tenant}}"\} (?:[0-9]{1,5}|1[0-4][0-9]{4}|15[0-2][0-9]{3})$
