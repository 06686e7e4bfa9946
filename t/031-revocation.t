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



=== TEST 6: what the API refuses
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
