# Sessions that linger: who gets one back and by what, what others see of it,
# and what becomes of those for whom nobody comes.

use RT;

run_tests();

__DATA__

=== TEST 1: who asks gets a proof, who does not gets none
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*a","version":"*","ping":25,"pong":true,"session":"*p","data":{"rt_session":"*d"}}}
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"other":"1"}}}
b: < {"id":1,"connect":{"client":"*b","version":"*","ping":25,"pong":true}}
c: open /connection/websocket
   > {"id":1,"connect":{"headers":{"RT-Resume":"","x":null,"y":[1,{}]}}}
c: < {"id":1,"connect":{"client":"*c","session":"*q",...}}
# a proof is the id and a secret, another one for each
api: POST /api/info {{kept("p") =~ /^\Q@{[kept("a")]}\E\.[-\w]{43}$/ && kept("p") eq kept("d") && substr(kept("p"), 37) ne substr(kept("q"), 37) ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":3,...}]}}
# what ends without having asked is gone
a, b: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 2$
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$



=== TEST 2: back after a lost connection: the same id, and others saw nothing
--- workers: 4
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
a: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
api: POST /api/presence {"channel":"room:x"}
api: 200 {"result":{"presence":{"{{kept("w")}}":*,"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}"}}}}
api: POST /api/publish {"channel":"room:x","data":"meanwhile"}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:x","pub":{"data":"meanwhile"}}}
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*q",...}}
   < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"room:x","data":"after"}
api: 200 {"result":{}}
a, w: < {"push":{"channel":"room:x","pub":{"data":"after"}}}
api: POST /api/presence_stats {"channel":"room:x"}
api: 200 {"result":{"num_clients":2,"num_users":2}}
a: > {"id":3,"publish":{"channel":"room:x","data":1}}
a: < {"id":3,"publish":{}}
   | {"push":{"channel":"room:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}"}}}}
w: < {"push":{"channel":"room:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}"}}}}
w, a: silent
# the end of it is seen, once
a: close 1000
a: closed 1000
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
w: silent
b: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("q")}}"}}}
b: < {"id":1,"connect":{"client":"*b",...}}
api: POST /api/info {{kept("b") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":2,"num_users":2,...}]}}



=== TEST 3: what is edited, another's, another tenant's, or nonsense: a fresh session
--- conversation
a1..a8: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a1..a8: < {"id":1,"connect":{"client":"*a{{$n}}","session":"*p{{$n}}",...}}
a1..a8: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 8$
# edited: the last character, the first of the secret, the id, the length
b1: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{substr(kept("p1"), 0, -1) . (substr(kept("p1"), -1) eq "A" ? "B" : "A")}}"}}}
b2: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{substr(kept("p2"), 0, 37) . (substr(kept("p2"), 37, 1) eq "A" ? "B" : "A") . substr(kept("p2"), 38)}}"}}}
b3: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("a3") . substr(kept("p4"), 36)}}"}}}
b4: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p4")}}x"}}}
# the id alone, another user, nobody, another tenant
b5: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("a5")}}"}}}
b6: open /connection/websocket
    X-User: bob
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p6")}}"}}}
b7: open /connection/websocket
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p7")}}"}}}
b8: open /connection/websocket
    X-User: alice
    X-Tenant: {{$tenant}}o
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p8")}}"}}}
b1..b8: < {"id":1,"connect":{"client":"*b{{$n}}","session":"*",...}}
api: POST /api/info {{(grep { kept("b$_") eq kept("a$_") } 1 .. 8) ? "bad" : "{}"}}
api: 200 {"result":{"nodes":[{"num_clients":15,"num_users":3,...}]}}
# and nothing was spoiled by it
c1..c8: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p$n")}}"}}}
c1..c8: < {"id":1,"connect":{"client":"{{kept("a$n")}}",...}}
b1..b8: silent
# nor does the log have a proof
api: POST /api/info {{my $log = `cat $ENV{TEST_NGINX_SERVROOT}/logs/error.log`; length $log && !(grep { index($log, substr kept("p$_"), 37) >= 0 } 1 .. 8) ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":15,...}]}}



=== TEST 4: a lost connect reply costs nothing; a new proof that is used ends the old one
--- more_http_config
    rt_ping_interval 10m;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*a","session":"*p1",...}}
a: gone
# its reply never came: the old one again
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*lost",...}}
a: gone
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*p2",...}}
a: gone
# the new one was used: the old one, and the one in between, are void
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p2")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*p3",...}}
b1..b2: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":"{{kept($n == 1 ? "p1" : "lost")}}"}}}
b1..b2: < {"id":1,"connect":{"client":"*b{{$n}}",...}}
a, b1..b2: silent
api: POST /api/info {{kept("b1") ne kept("a") && kept("b2") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":3,...}]}}



=== TEST 5: the old proof ends with the answer to a ping behind the reply, not before
--- more_http_config
    rt_ping_interval 1s;
    rt_pong_timeout 900ms;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*a","session":"*p1",...}}
a: gone
# an answer to no ping
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
   > {}
   > {"id":2,"ping":{}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*p2",...}}
   < {"id":2,"ping":{}}
a: gone
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*p3",...}}
a: pinged
a: silent
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
b: < {"id":1,"connect":{"client":"*b",...}}
a: silent
api: POST /api/info {{kept("b") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":2,...}]}}
a: gone
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p3")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}



=== TEST 6: taken over from a connection that seems alive, which is told not to come back
--- workers: 4
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
   > {"id":3,"subscribe":{"channel":"room:y","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
   > {"id":3,"subscribe":{"channel":"room:y"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
b: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}
   < {"id":2,"subscribe":{}}
a: closed 3503 session taken over
# what it has not taken over as yet is still its own
api: POST /api/presence {"channel":"room:x"}
api: 200 {"result":{"presence":{"{{kept("w")}}":*,"{{kept("a")}}":*}}}
api: POST /api/presence {"channel":"room:y"}
api: 200 {"result":{"presence":{"{{kept("w")}}":*,"{{kept("a")}}":*}}}
w: silent
b: > {"id":3,"subscribe":{"channel":"room:y"}}
b: < {"id":3,"subscribe":{}}
api: POST /api/publish {"channel":"room:x","data":1}
api: 200 {"result":{}}
api: POST /api/publish {"channel":"room:y","data":2}
api: 200 {"result":{}}
b, w: < {"push":{"channel":"room:x","pub":{"data":1}}}
      < {"push":{"channel":"room:y","pub":{"data":2}}}
w, b: silent
b: > {"id":4,"unsubscribe":{"channel":"room:x"}}
b: < {"id":4,"unsubscribe":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"client":"{{kept("a")}}"}}}}
b: close 1000
b: closed 1000
w: < {"push":{"channel":"room:y","leave":{"info":{"client":"{{kept("a")}}"}}}}
api: POST /api/presence_stats {"channel":"room:x"}
api: 200 {"result":{"num_clients":1,"num_users":1}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"room:x":{"num_clients":1},"room:y":{"num_clients":1}}}}
w: silent



=== TEST 7: resumed by several at once: one has it in the end, and others saw nothing
--- workers: 4
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{...}}}
a: gone
b1..b4: open /connection/websocket
b1..b4: > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
b1..b4: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}
        < {"id":2,"subscribe":{}}
api: POST /api/presence {"channel":"room:x"}
api: until 200 {"result":{"presence":{"{{kept("w")}}":*,"{{kept("a")}}":*}}}
api: GET /metrics
api: until 200 ~^rt_tenant_sessions\{zone="live",tenant="{{$tenant}}"\} 2$
api: POST /api/publish {"channel":"room:x","data":"one"}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:x","pub":{"data":"one"}}}
w: silent
b1..b4: gone



=== TEST 8: it expires: then others see the leave, and the proof is good for nothing
--- more_http_config
    rt_session_ttl 500ms;
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{...}}}
a: gone
w: < {"push":{"channel":"room:x","leave":{"info":{"client":"{{kept("a")}}"}}}}
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
b: < {"id":1,"connect":{"client":"*b",...}}
   < {"id":2,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"client":"{{kept("b")}}"}}}}
api: POST /api/info {{kept("b") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":2,...}]}}
w: silent



=== TEST 9: what a resumed client does not take over is left, in time, and can be left before
--- more_http_config
    rt_session_ttl 1500ms;
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
   > {"id":3,"subscribe":{"channel":"room:y","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
   > {"id":3,"subscribe":{"channel":"room:y"}}
   > {"id":4,"subscribe":{"channel":"chat:z"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
   < {"id":4,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
a: gone
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
   > {"id":2,"subscribe":{"channel":"chat:z"}}
   > {"id":3,"unsubscribe":{"channel":"room:y"}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"unsubscribe":{}}
w: < {"push":{"channel":"room:y","leave":{"info":{"client":"{{kept("a")}}"}}}}
w: silent
w: < {"push":{"channel":"room:x","leave":{"info":{"client":"{{kept("a")}}"}}}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"room:x":{"num_clients":1},"room:y":{"num_clients":1},"chat:z":{"num_clients":1}}}}
a: > {"id":4,"subscribe":{"channel":"room:x"}}
a: < {"id":4,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{"info":{"client":"{{kept("a")}}"}}}}
w, a: silent



=== TEST 10: a worker is killed: its sessions that asked can be had at once, and later
--- workers: 4
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
w: < {"id":1,"connect":{"client":"*w",...}}
s1..s16: open /connection/websocket
         > {"id":1,"connect":{"headers":{"rt-resume":""}}}
         > {"id":2,"subscribe":{"channel":"room:x"}}
s1..s16: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of s1..s16
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":17,...}]}}
nginx: kill KILL s1
nginx: left s1
w: if gone open /connection/websocket
   > {"id":1,"connect":{}}
   < {"id":1,"connect":{"client":"*w",...}}
# s1 before anybody has looked at what the dead left, maybe; others after it
r1: open /connection/websocket
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
    > {"id":2,"subscribe":{"channel":"room:x"}}
r1: < {"id":1,"connect":{"client":"{{kept("s1")}}",...}}
    < {"id":2,"subscribe":{}}
nginx: log ~keeps \d+ sessions of a worker that is gone|ended \d+ sessions of a worker
api: POST /api/presence_stats {"channel":"room:x"}
api: until 200 {"result":{"num_clients":16,"num_users":1}}
s2..s16: if gone open /connection/websocket
         > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p$n")}}"}}}
         > {"id":2,"subscribe":{"channel":"room:x"}}
         < {"id":1,"connect":{"client":"{{kept("s$n")}}",...}}
         < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"room:x","data":1}
api: 200 {"result":{}}
r1, s2..s16: < {"push":{"channel":"room:x","pub":{"data":1}}}
api: POST /api/presence_stats {"channel":"room:x"}
api: until 200 {"result":{"num_clients":16,"num_users":1}}
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":17,...}]}}
r1, s2..s16: silent



=== TEST 11: a reload: 3001, back on a new worker, and nobody saw it
--- workers: 2
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w","session":"*pw",...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
s1..s6: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
s1..s6: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
        < {"id":2,"subscribe":{}}
w: 6 x < {"push":{"channel":"room:x","join":{...}}}
nginx: reload
w, s1..s6: closed 3001 shutdown
w: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("pw")}}"}}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{"client":"{{kept("w")}}",...}}
   < {"id":2,"subscribe":{}}
s1..s6: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p$n")}}"}}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
s1..s6: < {"id":1,"connect":{"client":"{{kept("s$n")}}",...}}
        < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"room:x","data":1}
api: 200 {"result":{}}
w, s1..s6: < {"push":{"channel":"room:x","pub":{"data":1}}}
api: POST /api/presence_stats {"channel":"room:x"}
api: 200 {"result":{"num_clients":7,"num_users":1}}
w, s1..s6: silent



=== TEST 12: the ghosts of a tenant are bounded: the oldest go
--- more_http_config
    rt_session_ttl 10m max=100 tenant=3;
--- conversation
s1..s5: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
s1..s5: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
        < {"id":2,"subscribe":{}}
o: open /connection/websocket
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
o: < {"id":1,"connect":{"client":"*o","session":"*po",...}}
o: gone
s1: gone
api: POST /api/presence_stats {"channel":"room:x"}
api: 200 {"result":{"num_clients":5,"num_users":1}}
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
s2: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 2$
s3..s5: gone
api: POST /api/presence_stats {"channel":"room:x"}
api: until 200 {"result":{"num_clients":3,"num_users":1}}
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 3$
s1..s5: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p$n")}}"}}}
s1..s5: < {"id":1,"connect":{"client":"*r{{$n}}",...}}
api: POST /api/info {{join("", map { kept("r$_") eq kept("s$_") ? 1 : 0 } 1 .. 5) eq "00111" ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":5,...}]}}
o: open /connection/websocket
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("po")}}"}}}
o: < {"id":1,"connect":{"client":"{{kept("o")}}",...}}



=== TEST 13: the ghosts of a zone are bounded, too
--- http_config
    rt_zone       $http_x_tenant zone=bounded:1m;
    rt_namespace  default;
    rt_session_ttl 10m max=3 tenant=3;
--- config
        location /connection/websocket { rt_websocket zone=bounded; }
        location /metrics { rt_metrics; }
--- conversation
s1..s5: open /connection/websocket
        X-Tenant: {{$tenant}}-{{$n}}
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
s1..s5: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
s1: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="bounded",tenant="{{$tenant}}-1"\} 1$
s2..s5: gone
api: GET /metrics
api: until 200 ~^rt_zone_sessions_evicted_total\{zone="bounded"\} (2|8)$
api: GET /metrics
api: 200 ~^rt_zone_sessions_lingering\{zone="bounded"\} 3$
s1: open /connection/websocket
    X-Tenant: {{$tenant}}-1
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
s1: < {"id":1,"connect":{"client":"*r",...}}
api: GET {{kept("r") ne kept("s1") ? "/metrics" : "/bad"}}
api: 200



=== TEST 14: when the zone is full those who linger make room
--- http_config
    rt_zone       $http_x_tenant zone=full:256k;
    rt_namespace  default;
    rt_session_ttl 10m max=100000 tenant=100000;
--- config
        location /connection/websocket { rt_websocket zone=full; rt_max_channels 4000; }
        location /metrics { rt_metrics; }
--- conversation
g1..g20: open /connection/websocket
         X-Tenant: {{$tenant}}{{$n > 10 ? "-other" : ""}}
         > {"id":1,"connect":{"headers":{"rt-resume":""}}}
         > {"id":2,"subscribe":{"channel":"own-{{$n}}"}}
g1..g20: < {"id":1,"connect":{"client":"*g{{$n}}","session":"*p{{$n}}",...}}
         < {"id":2,"subscribe":{}}
g1..g20: gone
api: GET /metrics
api: until 200 ~^rt_zone_sessions_lingering\{zone="full"\} 20$
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: 2500 x > {"id":{{$i + 1}},"subscribe":{"channel":"{{$i}}{{"-" x 240}}"}}
api: GET /metrics
api: 200 ~^rt_zone_sessions_lingering\{zone="full"\} 0$
api: GET /metrics
api: 200 ~^rt_zone_sessions_evicted_total\{zone="full"\} (20|40)$
a: gone
api: GET /metrics
api: until 200 ~^rt_zone_sessions\{zone="full"\} 0$
--- allow_log: is full



=== TEST 15: what the backend does to one that lingers is done at once
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
   > {"id":3,"subscribe":{"channel":"room:y","join_leave":true}}
w: < {"id":1,"connect":{"client":"*w",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
   > {"id":3,"subscribe":{"channel":"room:y"}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
w: < {"push":{"channel":"room:x","join":{...}}}
   < {"push":{"channel":"room:y","join":{...}}}
a: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
api: POST /api/unsubscribe {"user":"alice","channel":"room:x"}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
# it is to come back, and it may; nobody can be told of a subscription
api: POST /api/disconnect {"user":"alice","disconnect":{"code":4000,"reason":"come back"}}
api: 200 {"result":{}}
api: POST /api/subscribe {"user":"alice","channel":"room:x"}
api: 200 {"result":{}}
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
a: < {"id":1,"connect":{"client":"{{kept("a")}}","session":"*q",...}}
w, a: silent
a: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
api: POST /api/disconnect {"user":"alice"}
api: 200 {"result":{}}
w: < {"push":{"channel":"room:y","leave":{"info":{"user":"alice","client":"{{kept("a")}}"}}}}
b: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("q")}}"}}}
b: < {"id":1,"connect":{"client":"*b",...}}
api: POST /api/info {{kept("b") ne kept("a") ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":2,"num_users":2,...}]}}
w, b: silent



=== TEST 16: by what codes a session lingers
--- conversation
a1..a9: open /connection/websocket
        X-User: u{{$n}}
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a1..a9: < {"id":1,"connect":{"client":"*a{{$n}}","session":"*p{{$n}}",...}}
# the client: that was all; going away; no word
a1: close 1000
a2: close 1001
a3: close
a1: closed 1000
a2: closed 1001
a3: closed 1005
# the server: not the protocol, not WebSocket
a4: > nonsense
a4: closed 3501 bad request
a5: raw ff ff ff
a5: closed 1002
# the backend: for good, for a moment
api: POST /api/disconnect {"user":"u6"}
api: 200 {"result":{}}
api: POST /api/disconnect {"user":"u7","disconnect":{"code":3011,"reason":"again"}}
api: 200 {"result":{}}
api: POST /api/disconnect {"user":"u8","disconnect":{"code":4501,"reason":"no more"}}
api: 200 {"result":{}}
a6: closed 3503 force disconnect
a7: closed 3011 again
a8: closed 4501 no more
a9: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 4$
b1..b9: open /connection/websocket
        X-User: u{{$n}}
        > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p$n")}}"}}}
b1..b9: < {"id":1,"connect":{"client":"*b{{$n}}",...}}
api: POST /api/info {{join("", map { kept("a$_") eq kept("b$_") ? 1 : 0 } 1 .. 9) eq "011000101" ? "{}" : "bad"}}
api: 200 {"result":{"nodes":[{"num_clients":9,...}]}}



=== TEST 17: off: nobody gets a proof, and nothing lingers
--- more_http_config
    rt_session_ttl 0;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*","version":"*","ping":25,"pong":true}}
a: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":0,...}]}}



=== TEST 18: headers that are none
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"headers":["rt-resume"]}}
a: closed 3501
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":1}}}
b: < {"id":1,"connect":{"client":"*","version":"*","ping":25,"pong":true}}



=== TEST 19: a user's limit of sessions: one that lingers gives way, the oldest
--- more_http_config
    rt_limit sessions user max=3;
--- conversation
s1..s3: open /connection/websocket
        X-User: alice
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
        > {"id":2,"subscribe":{"channel":"room:x"}}
s1..s3: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
        < {"id":2,"subscribe":{}}
s2: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 1$
s3: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 2$
# one's own: no limit is in the way, nor in that of a take-over
s3: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p3")}}"}}}
s3: < {"id":1,"connect":{"client":"{{kept("s3")}}",...}}
t1: open /connection/websocket
    X-User: alice
    > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
t1: < {"id":1,"connect":{"client":"{{kept("s1")}}",...}}
s1: closed 3503 session taken over
n: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
n: < {"id":1,"connect":{"client":"*",...}}
m: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p2")}}"}}}
m: < {"id":1,"error":{"code":111,...}}
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="live",tenant="{{$tenant}}"\} 0$
# for whom room was made was denied nothing
api: GET /metrics
api: 200 ~^rt_tenant_limited_sessions_total\{zone="live",tenant="{{$tenant}}"\} 1$



=== TEST 20: those who linger are no connections, and take no room of a tenant's quota
--- http_config
    rt_zone       $http_x_tenant zone=quota:1m;
    rt_namespace  default;
    rt_limit      connections tenant max=3;
    rt_limit      zone tenant max=16k;
--- config
        location /connection/websocket { rt_websocket zone=quota; }
        location /metrics { rt_metrics; }
--- conversation
s1..s3: open /connection/websocket
        > {"id":1,"connect":{"headers":{"rt-resume":""}}}
        > {"id":2,"subscribe":{"channel":"{{"x" x 200}}{{$n}}"}}
s1..s3: < {"id":1,"connect":{"client":"*s{{$n}}","session":"*p{{$n}}",...}}
        < {"id":2,"subscribe":{}}
s1..s3: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions_lingering\{zone="quota",tenant="{{$tenant}}"\} 3$
a1..a3: open /connection/websocket
        > {"id":1,"connect":{}}
a1..a3: < {"id":1,"connect":{...}}
# no room for one more connection, now
b: try /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
b: 429
a1: gone
api: GET /metrics
api: until 200 ~^rt_tenant_sessions\{zone="quota",tenant="{{$tenant}}"\} 5$
b: open /connection/websocket
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p1")}}"}}}
b: < {"id":1,"connect":{"client":"{{kept("s1")}}",...}}
# another tenant's ghost, which does not have to make room
o: open /connection/websocket
   X-Tenant: {{$tenant}}o
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
o: < {"id":1,"connect":{"client":"*o","session":"*po",...}}
o: gone
a2: 60 x > {"id":{{$i + 1}},"subscribe":{"channel":"{{$i}}{{"-" x 240}}"}}
a2: 25 x < {"id":{{$i + 1}},"subscribe":{}}
a2: 34 x < {"id":{{$i + 26}},...}
a2: < {"id":61,"error":{"code":507,...}}
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="quota",tenant="{{$tenant}}"\} 0$
api: GET /metrics
api: 200 ~^rt_tenant_sessions_lingering\{zone="quota",tenant="{{$tenant}}o"\} 1$



=== TEST 21: who is spared by the whitelist is, while its old connection closes
--- http_config
    rt_zone      $http_x_tenant zone=live:8m;
    rt_user      $http_x_user;
    rt_namespace room;
    rt_close_timeout 30s;
    rt_drain window=50ms;
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":""}}}
a: < {"id":1,"connect":{"client":"*a","session":"*p",...}}
b: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{"headers":{"rt-resume":"{{kept("p")}}"}}}
b: < {"id":1,"connect":{"client":"{{kept("a")}}",...}}
c: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
api: POST /api/disconnect {"user":"alice","whitelist":["{{kept("a")}}"]}
api: 200 {"result":{}}
c: closed 3503 force disconnect
b: silent
a: closed 3503 session taken over
