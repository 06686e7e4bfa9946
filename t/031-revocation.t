# Revocation: tokens that the backend takes back, by their id or by their user,
# are refused by every worker, and what lives by them ends.

use RT qw(tokens);

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret;
    rt_namespace  open    publish=any;
    rt_namespace  locked  subscribe=token;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
_EOC_

run_tests();

__DATA__

=== TEST 1: a token by its id
--- workers: 4
--- conversation
a1..a8: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "one")}}"}}
b1..b4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", $n == 1 ? () : (jti => ("two", "on", "One")[$n - 2]))}}"}}
a1..a8, b1..b4: < {"id":1,"connect":{...}}
nginx: pids >= 2 of a1..a8
# the same id in another tenant is another token
o: open /connection/websocket
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "one")}}"}}
o: < {"id":1,"connect":{...}}
api: POST /api/revoke_token {"uid":"one"}
api: 200 {"result":{}}
a1..a8: closed 3500 invalid token
b1..b4, o: silent
# nobody takes it any more, neither here nor there
c1..c8: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "one")}}"}}
c1..c8: closed 3500 invalid token
nginx: log ~a token is refused: it is revoked
b1: > {"id":2,"refresh":{"token":"{{jwt(sub => "alice", jti => "one")}}"}}
b1: closed 3500 invalid token
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "three")}}"}}
d: < {"id":1,"connect":{...}}



=== TEST 2: all tokens of a user that were issued before
--- workers: 4
--- conversation
a1..a8: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", iat => 1700000000 + $n)}}"}}
# who does not say when is of old; who comes without a token has none
n: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob", iat => 1)}}"}}
a1..a8, n, b: < {"id":1,"connect":{...}}
api: POST /api/invalidate_user_tokens {"user":"alice","issued_before":1700000005}
api: 200 {"result":{}}
a1..a4, n: closed 3500 invalid token
a5..a8, b: silent
c1..c4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", iat => 1700000000 + $n)}}"}}
c1..c4: closed 3500 invalid token
# what was revoked stays so
api: POST /api/invalidate_user_tokens {"user":"alice","issued_before":5}
api: 200 {"result":{}}
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", iat => 1700000004)}}"}}
d: closed 3500 invalid token
a5: > {"id":2,"refresh":{"token":"{{jwt(sub => "alice", iat => 1700000004)}}"}}
a5: closed 3500 invalid token
# up to now
api: POST /api/invalidate_user_tokens {"user":"alice"}
api: 200 {"result":{}}
a6..a8: closed 3500 invalid token
e: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", iat => time + 1)}}"}}
e: < {"id":1,"connect":{...}}
b: silent



=== TEST 3: subscription tokens
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "conn")}}"}}
   > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", jti => "x")}}"}}
   > {"id":3,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y", jti => "y")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
api: POST /api/revoke_token {"uid":"x"}
api: 200 {"result":{}}
a: < {"push":{"channel":"locked:x","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}
api: POST /api/publish {"channel":"locked:x","data":1}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"locked:y","data":2}
api: 200 {"result":{}}
a: < {"push":{"channel":"locked:y","pub":{"data":2}}}
a: > {"id":4,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", jti => "x")}}"}}
a: closed 3500 invalid token
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "conn")}}"}}
   > {"id":2,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y", jti => "y")}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: > {"id":3,"sub_refresh":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y", jti => "x")}}"}}
b: closed 3500 invalid token



=== TEST 4: what the backend has prolonged is held by its token all the same
--- more_config
        location /off {
            rt_websocket  zone=live;
            rt_jwt        off;
            rt_user       $http_x_user;
        }
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "long")}}"}}
u: open /off
   X-User: alice
   > {"id":1,"connect":{}}
a, b, u: < {"id":1,"connect":{...}}
api: POST /api/refresh {"user":"alice","expire_at":{{time + 3600}}}
api: 200 {"result":{}}
api: POST /api/subscribe {"user":"alice","channel":"locked:x","expire_at":{{time + 3600}}}
api: 200 {"result":{}}
a, b, u: < {"push":{"channel":"locked:x","subscribe":{}}}
api: POST /api/revoke_token {"uid":"long"}
api: 200 {"result":{}}
a, b: closed 3500 invalid token
# who has no token is not touched, for whatever time it may be here
api: POST /api/invalidate_user_tokens {"user":"alice"}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"locked:x","data":1}
api: 200 {"result":{}}
u: < {"push":{"channel":"locked:x","pub":{"data":1}}}
u: silent



=== TEST 5: it outlives a reload and the worker, and ends in its time
--- workers: 2
--- conversation
api: POST /api/revoke_token {"uid":"kept"}
api: 200 {"result":{}}
api: POST /api/revoke_token {"uid":"short","expire_at":{{time + 2}}}
api: 200 {"result":{}}
api: POST /api/info {}
api: until 200 {"result":{"nodes":[...]}}
nginx: reload
a1..a4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "kept")}}"}}
a1..a4: closed 3500 invalid token
nginx: wait 2.5
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "short")}}"}}
b: < {"id":1,"connect":{...}}
c: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "kept")}}"}}
c: closed 3500 invalid token



=== TEST 6: sessions that linger end with their token
--- workers: 4
--- more_config
        location /off {
            rt_websocket  zone=live;
            rt_jwt        off;
            rt_user       $http_x_user;
        }
--- more_http_config
    rt_namespace  room  presence join_leave;
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "w")}}"}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
# by its id; by its user; both had another when they began; nothing of these
a, b: open /connection/websocket
      > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "one", iat => 1700000001)}}","headers":{"rt-resume":""}}}
c, d: open /connection/websocket
      > {"id":1,"connect":{"token":"{{jwt(sub => "bob", jti => "two", iat => 1700000001)}}","headers":{"rt-resume":""}}}
n: open /off
   X-User: bob
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
b: < {"id":1,"connect":{"client":"*b","session":"*q",...}}
c: < {"id":1,"connect":{"client":"*c",...}}
d: < {"id":1,"connect":{"client":"*d",...}}
n: < {"id":1,"connect":{"client":"*n",...}}
b: > {"id":2,"refresh":{"token":"{{jwt(sub => "alice", jti => "three", iat => 1700000009)}}"}}
b: < {"id":2,"refresh":{}}
d: > {"id":2,"refresh":{"token":"{{jwt(sub => "bob", iat => 1700000009)}}"}}
d: < {"id":2,"refresh":{}}
a: > {"id":3,"subscribe":{"channel":"room:x"}}
a: < {"id":3,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
c: > {"id":3,"subscribe":{"channel":"room:x"}}
c: < {"id":3,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"bob","client":"{{kept("c")}}"}}}}
a: gone
b: gone
c: gone
d: gone
n: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 5$
api: POST /api/revoke_token {"uid":"nobody's"}
api: 200 {"result":{}}
api: POST /api/invalidate_user_tokens {"user":"carol"}
api: 200 {"result":{}}
w: silent
api: POST /api/revoke_token {"uid":"one"}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 4$
api: POST /api/invalidate_user_tokens {"user":"bob","issued_before":1700000005}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"bob","client":"{{kept("c")}}"}}}}
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 3$
# its proof is good for nothing now, whatever token comes with it
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "three", iat => 1700000009)}}","headers":{"rt-resume":"{{kept("p")}}"}}}
a: < {"id":1,"connect":{"client":"*fresh",...}}
# back by another token, it is that one's
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "four", iat => 1700000009)}}","headers":{"rt-resume":"{{kept("q")}}"}}}
b: < {"id":1,"connect":{"client":"{{kept("b")}}",...}}
api: POST /api/info {{kept("fresh") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{...}]}}
b: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 3$
api: POST /api/revoke_token {"uid":"three"}
api: 200 {"result":{}}
a: closed 3500 invalid token
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 3$
api: POST /api/revoke_token {"uid":"four"}
api: 200 {"result":{}}
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 2$
w: silent



=== TEST 7: a session that is back gets nothing of what needs a token before that comes
--- more_http_config
    rt_namespace  kept  subscribe=token history=10 ttl=1m presence;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}","headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", jti => "x")}}"}}
   > {"id":3,"subscribe":{"channel":"kept:x","token":"{{jwt(sub => "alice", channel => "kept:x", jti => "x")}}"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{"recoverable":true,"positioned":true,"epoch":"*e"}}
a: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
api: POST /api/publish {"channel":"kept:x","data":1}
api: 200 {"result":{"offset":1,"epoch":"{{kept("e")}}"}}
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}","headers":{"rt-resume":"{{kept("p")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}
api: POST /api/presence_stats {"channel":"kept:x"}
api: 200 {"result":{"num_clients":1,"num_users":1}}
api: POST /api/publish {"channel":"locked:x","data":1}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"kept:x","data":2}
api: 200 {"result":{"offset":2,"epoch":"{{kept("e")}}"}}
a: > {"id":2,"subscribe":{"channel":"locked:x"}}
   > {"id":3,"subscribe":{"channel":"kept:x","recover":true,"offset":0,"epoch":"{{kept("e")}}"}}
   > {"id":4,"history":{"channel":"kept:x","limit":5}}
a: < {"id":2,"error":{"code":103,"message":"permission denied"}}
   < {"id":3,"error":{"code":103,"message":"permission denied"}}
   < {"id":4,"error":{"code":103,"message":"permission denied"}}
a: silent
a: > {"id":5,"subscribe":{"channel":"kept:x","recover":true,"offset":0,"epoch":"{{kept("e")}}","token":"{{jwt(sub => "alice", channel => "kept:x", jti => "y")}}"}}
a: < {"id":5,"subscribe":{"recovered":true,"publications":[{"data":1,...},{"data":2,...}],...}}
api: POST /api/revoke_token {"uid":"x"}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"kept:x","data":3}
api: 200 {"result":{"offset":3,"epoch":"{{kept("e")}}"}}
a: < {"push":{"channel":"kept:x","pub":{"data":3,"offset":3}}}
a: > {"id":6,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", jti => "x")}}"}}
a: closed 3500 invalid token



=== TEST 8: what the API refuses
--- conversation
api: POST /api/revoke_token {}
api: 200 {"error":{"code":107,"message":"uid: has to be 1 to 128 bytes, the jti of a token"}}
api: POST /api/revoke_token {"uid":"{{"x" x 129}}"}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/revoke_token {"uid":"x","expire_at":1}
api: 200 {"error":{"code":107,"message":"expire_at: has to be in the future, in seconds since 1970"}}
api: POST /api/revoke_token {"uid":"x","expire_at":"1"}
api: 400 ~expire_at
api: POST /api/invalidate_user_tokens {}
api: 200 {"error":{"code":107,"message":"user: has to be 1 to 128 bytes, no control characters"}}
api: POST /api/invalidate_user_tokens {"user":"x","issued_before":1700000000000}
api: 200 {"error":{"code":107,"message":"*"}}
api: POST /api/invalidate_user_tokens {"user":"x","channel":"locked:x"}
api: 200 {"error":{"code":108,"message":"*"}}



=== TEST 9: a revocation comes through where the tenant's share is full
--- more_http_config
    rt_namespace shelf history=2000 ttl=1h;
    rt_limit zone tenant max=64k;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", jti => "one" x 30)}}"}}
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob")}}"}}
a, b: < {"id":1,"connect":{...}}
api: 1000 x ask 200 POST /api/publish {"channel":"shelf:a","data":1}
api: POST /api/publish {"channel":"shelf:a","data":1}
api: 200 {"error":{"code":507,"message":"zone full: rt_limit zone tenant, 65536 at most, try again later"}}
api: POST /api/revoke_token {"uid":"{{"one" x 30}}"}
api: 200 {"result":{}}
a: closed 3500 invalid token
api: POST /api/invalidate_user_tokens {"user":"bob"}
api: 200 {"result":{}}
b: closed 3500 invalid token
