# Identity: who a client is by its token, what the token lets it do, until when,
# and what tokens are refused.

use RT qw(tokens);

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret;
    rt_namespace  default publish=subscriber;
    rt_namespace  open    publish=any;
    rt_namespace  users   subscribe=user;
    rt_namespace  room    publish=subscriber presence join_leave;
    rt_namespace  quiet   publish=subscriber;
    rt_namespace  locked  subscribe=token publish=subscriber presence;
    rt_namespace  few     users publish=subscriber;
    rt_namespace  kept    publish=any history=10 ttl=1m;
    rt_namespace  last    publish=any history=3 ttl=1m cache;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
_EOC_

$RT::SERVER .= <<'_EOC_';
        location /optional {
            rt_websocket  zone=live;
            rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret optional;
        }
        location /short {
            rt_websocket    zone=live;
            rt_token_grace  0;
        }
        location /two {
            rt_websocket     zone=live;
            rt_max_channels  2;
        }
        location /off {
            rt_websocket  zone=live;
            rt_jwt        off;
        }
        location /public {
            rt_websocket  zone=live;
            rt_jwt        rs256 file=$TEST_NGINX_TOKENS/rsa.pem;
            rt_jwt        rs384 file=$TEST_NGINX_TOKENS/rsa.pem;
            rt_jwt        rs512 file=$TEST_NGINX_TOKENS/rsa.pem;
            rt_jwt        es256 file=$TEST_NGINX_TOKENS/ec256.pem;
            rt_jwt        es384 file=$TEST_NGINX_TOKENS/ec384.pem;
            rt_jwt        es512 file=$TEST_NGINX_TOKENS/ec521.pem;
        }
        location /jwks {
            rt_websocket  zone=live;
            rt_jwt        jwks file=$TEST_NGINX_TOKENS/jwks;
        }
        location /kids {
            rt_websocket  zone=live;
            rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret kid=one;
            rt_jwt        hs256 file=$TEST_NGINX_TOKENS/other kid=two
                          audience=us issuer=them;
            rt_jwt        hs256 file=$TEST_NGINX_TOKENS/other kid=two
                          audience=both issuer=them;
            rt_jwt        hs512 file=$TEST_NGINX_TOKENS/other;
        }
_EOC_

run_tests();

__DATA__

=== TEST 1: a token tells the user; without one nobody comes in
--- conversation
l: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "")}}"}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
l: < {"id":1,"connect":{"client":"*","version":"*","ping":25,"pong":true}}
   < {"id":2,"subscribe":{}}
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", info => \'{"name":"Alice"}')}}"}}
   > {"id":2,"subscribe":{"channel":"users:x"}}
   > {"id":3,"publish":{"channel":"open:x","data":1}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"publish":{}}
l: < {"push":{"channel":"open:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"name":"Alice"}}}}}
# nobody in particular
l: > {"id":3,"subscribe":{"channel":"users:x"}}
l: < {"id":3,"error":{"code":103,"message":"permission denied"}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: closed 3500 invalid token
c: open /connection/websocket
   > {"id":1,"connect":{"token":""}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
c: closed 3500 invalid token
nginx: log ~a token is refused: there is none



=== TEST 2: optional, off
--- conversation
a: open /optional
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
a: < {"id":1,"connect":{"client":"*",...}}
   < {"id":2,"subscribe":{}}
b: open /optional
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob")}}"}}
   > {"id":2,"subscribe":{"channel":"users:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
c: open /optional
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob", -key => "wrong")}}"}}
c: closed 3500 invalid token
d: open /off
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob")}}"}}
d: closed 3500 invalid token
e1..e3: open /off
        > {"id":1,"connect":{}}
        > {"id":2,"subscribe":{"channel":"open:x"}}
e1..e3: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
e1: > {"id":3,"refresh":{"token":"{{jwt(sub => "")}}"}}
e1: closed 3500 invalid token
e2: > {"id":3,"sub_refresh":{"channel":"open:x","token":"{{jwt(sub => "", channel => "open:x")}}"}}
e2: closed 3500 invalid token
e3: > {"id":3,"subscribe":{"channel":"$x","token":"{{jwt(sub => "", channel => '$x')}}"}}
e3: closed 3500 invalid token



=== TEST 3: each algorithm
--- conversation
a1..a6: open /public
        > {"id":1,"connect":{"token":"{{jwt(-alg => ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")[$n - 1], sub => "alice")}}"}}
a1..a6: < {"id":1,"connect":{...}}
b1..b3: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(-alg => ("HS256", "HS384", "HS512")[$n - 1], sub => "alice")}}"}}
b1: < {"id":1,"connect":{...}}
# the key is one for HS256
b2, b3: closed 3500 invalid token



=== TEST 4: attack: alg=none, and what is like it
--- conversation
a1..a6: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(-alg => ("none", "None", "NONE", "", "hs256", "HS256 ")[$n - 1], sub => "alice")}}"}}
a1..a6: closed 3500 invalid token
b1..b4: open /public
        > {"id":1,"connect":{"token":"{{jwt(-alg => ("none", "nOnE", "PS256", "EdDSA")[$n - 1], sub => "alice")}}"}}
b1..b4: closed 3500 invalid token



=== TEST 5: attack: RS/HS confusion, a public key as a secret
--- conversation
a1..a3: open /public
        > {"id":1,"connect":{"token":"{{jwt(-alg => ("HS256", "HS384", "HS512")[$n - 1], -key => do { local (@ARGV, $/) = "$ENV{TEST_NGINX_TOKENS}/rsa.pem"; <> }, sub => "alice")}}"}}
a1..a3: closed 3500 invalid token
b1..b3: open /jwks
        > {"id":1,"connect":{"token":"{{jwt(-alg => "HS256", -kid => ("r", "e", "q")[$n - 1], -key => do { local (@ARGV, $/) = "$ENV{TEST_NGINX_TOKENS}/rsa.pem"; <> }, sub => "alice")}}"}}
b1..b3: closed 3500 invalid token



=== TEST 6: attack: an empty key, another's key
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(-key => "", sub => "alice")}}"}}
a: closed 3500 invalid token
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(-key => $RT::Token::OTHER, sub => "alice")}}"}}
b: closed 3500 invalid token
# an edited payload under a good signature
c: open /connection/websocket
   > {"id":1,"connect":{"token":"{{(split /\./, jwt(sub => "alice"))[0]}}.{{(split /\./, jwt(sub => "admin"))[1]}}.{{(split /\./, jwt(sub => "alice"))[2]}}"}}
c: closed 3500 invalid token
d1..d3: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice") =~ s/\.[^.]*$/(".", "", ".AAAA")[$n - 1]/er}}"}}
d1..d3: closed 3500 invalid token



=== TEST 7: keys are chosen by kid; attack: kid tricks
--- conversation
a: open /kids
   > {"id":1,"connect":{"token":"{{jwt(-kid => "one", sub => "alice")}}"}}
a: < {"id":1,"connect":{...}}
b: open /kids
   > {"id":1,"connect":{"token":"{{jwt(-kid => "two", -key => $RT::Token::OTHER, sub => "bob", aud => "us", iss => "them")}}"}}
b: < {"id":1,"connect":{...}}
# a key without a kid is for any
c1..c3: open /kids
        > {"id":1,"connect":{"token":"{{jwt(-alg => "HS512", $n == 1 ? () : (-kid => ("", "", "one", "what")[$n]), -key => $RT::Token::OTHER, sub => "c")}}"}}
c1..c3: < {"id":1,"connect":{...}}
# none, another one's, and those that mean something elsewhere
d1..d9: open /kids
        > {"id":1,"connect":{"token":"{{jwt($n == 1 ? () : (-kid => ("", "", "two", "On" . "e", "one ", "../../secret", "/dev/null", "' OR 1=1 --", "one\\u0000", "http://127.0.0.1/k")[$n]), sub => "alice")}}"}}
d1..d9: closed 3500 invalid token
e1..e3: open /kids
        > {"id":1,"connect":{"token":"{{jwt(-header => (",\"kid\":[\"one\"]", ",\"kid\":\"one\",\"crit\":[\"exp\"]", ",\"kid\":\"one\",\"crit\":[]")[$n - 1], sub => "alice")}}"}}
e1..e3: closed 3500 invalid token
# what a header offers as a key is not looked at
f: open /kids
   > {"id":1,"connect":{"token":"{{jwt(-header => ",\"jku\":\"http://127.0.0.1/k\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}", -key => "\0\0\0", sub => "alice")}}"}}
f: closed 3500 invalid token



=== TEST 8: a set of keys
--- conversation
a1..a3: open /jwks
        > {"id":1,"connect":{"token":"{{jwt(@{([-alg => "RS256", -kid => "r"], [-alg => "ES256", -kid => "e"], [-kid => "o", -key => $RT::Token::OTHER])[$n - 1]}, sub => "alice")}}"}}
a1..a3: < {"id":1,"connect":{...}}
# the key is one for RS256; that for encryption; no kid; no such one
b1..b4: open /jwks
        > {"id":1,"connect":{"token":"{{jwt(@{([-alg => "RS512", -kid => "r"], [-alg => "RS256", -kid => "q"], [-alg => "RS256"], [-alg => "ES256", -kid => "r"])[$n - 1]}, sub => "alice")}}"}}
b1..b4: closed 3500 invalid token



=== TEST 9: audience and issuer
--- conversation
a1..a2: open /kids
        > {"id":1,"connect":{"token":"{{jwt(-kid => "two", -key => $RT::Token::OTHER, sub => "bob", aud => ("us", \'["x","us"]')[$n - 1], iss => "them")}}"}}
a1..a2: < {"id":1,"connect":{...}}
# the same key for another audience
c: open /kids
   > {"id":1,"connect":{"token":"{{jwt(-kid => "two", -key => $RT::Token::OTHER, sub => "bob", aud => "both", iss => "them")}}"}}
c: < {"id":1,"connect":{...}}
b1..b5: open /kids
        > {"id":1,"connect":{"token":"{{jwt(-kid => "two", -key => $RT::Token::OTHER, sub => "bob", @{([], [aud => "us"], [iss => "them"], [aud => "usa", iss => "them"], [aud => \'["us"]', iss => "the"])[$n - 1]})}}"}}
b1..b5: closed 3500 invalid token
nginx: log ~a token is refused: it is for another "aud"



=== TEST 10: times; attack: missing and huge exp
--- conversation
a1..a2: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", exp => ($n == 1 ? time + 3600 : 253402300799))}}"}}
a1: < {"id":1,"connect":{"client":"*","version":"*","expires":true,"ttl":*,...}}
a2: < {"id":1,"connect":{"client":"*","version":"*","expires":true,"ttl":4294967295,...}}
# without exp it does not expire
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", expire_at => 0)}}"}}
b: < {"id":1,"connect":{"client":"*","version":"*","ping":25,"pong":true}}
c1..c2: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", exp => ($n == 1 ? time - 1 : 0))}}"}}
        > {"id":2,"subscribe":{"channel":"open:x"}}
c1..c2: < {"id":1,"error":{"code":109,"message":"token expired"}}
# what else was in the message is void, what comes later is not
c1..c2: > {"id":3,"subscribe":{"channel":"open:x"}}
c1..c2: closed 3501
d1..d8: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", @{([exp => "1700000000000"], [exp => \'"1"'], [exp => -1], [exp => \"1e12"], [exp => "99999999999999999999"], [nbf => time + 60], [iat => \"[]"], [nbf => \'"x"'])[$n - 1]})}}"}}
d1..d8: closed 3500 invalid token
e: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", nbf => time - 1, iat => time, exp => time + 9.5, expire_at => 0)}}"}}
e: < {"id":1,"connect":{"client":"*","version":"*","ping":25,"pong":true}}



=== TEST 11: tenants: the key, the claim, both, neither; attack: another tenant's token
--- conversation
# the key alone, and both that agree
a1..a2: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", $n == 1 ? () : (tenant => $tenant))}}"}}
a1..a2: < {"id":1,"connect":{...}}
# both that do not
b1..b4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", tenant => ("other", "${tenant}0", substr($tenant, 0, -1), uc $tenant)[$n - 1])}}"}}
b1..b4: closed 3500 invalid token
nginx: log ~a token is refused: it is another tenant's
# the claim alone
c: open /connection/websocket
   -X-Tenant:
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", tenant => $tenant)}}"}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a1: > {"id":2,"publish":{"channel":"open:x","data":"from the key"}}
a1: < {"id":2,"publish":{}}
c: < {"push":{"channel":"open:x","pub":{"data":"from the key",...}}}
# neither
d: open /connection/websocket
   -X-Tenant:
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
   > {"id":2,"publish":{"channel":"open:x","data":"default's"}}
d: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
c: silent
# a claim that is no name
e1..e3: open /connection/websocket
        -X-Tenant:
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice", tenant => ("t" x 129, "a\tb", "\x7f")[$n - 1])}}"}}
e1..e3: closed 3500 invalid token
# a subscription token says the tenant, where the connection's did
c: > {"id":3,"subscribe":{"channel":"locked:a","token":"{{jwt(sub => "alice", channel => "locked:a", tenant => $tenant)}}"}}
c: < {"id":3,"subscribe":{}}
c: > {"id":4,"subscribe":{"channel":"locked:b","token":"{{jwt(sub => "alice", channel => "locked:b")}}"}}
c: closed 3500 invalid token
a1: > {"id":3,"subscribe":{"channel":"locked:b","token":"{{jwt(sub => "alice", channel => "locked:b", tenant => "other")}}"}}
a1: closed 3500 invalid token
a2: > {"id":3,"refresh":{"token":"{{jwt(sub => "alice", tenant => "other")}}"}}
a2: closed 3500 invalid token
f: open /connection/websocket
   -X-Tenant:
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", tenant => $tenant)}}"}}
f: < {"id":1,"connect":{...}}
f: > {"id":2,"refresh":{"token":"{{jwt(sub => "alice")}}"}}
f: closed 3500 invalid token



=== TEST 12: users that cannot be, a subscription token to connect with
--- conversation
a1..a4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(@{([sub => "u" x 129], [sub => "a\tb"], [sub => "a", channel => "x"], [sub => "a", channel => ""])[$n - 1]})}}"}}
a1..a4: closed 3500 invalid token
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "u" x 128)}}"}}
b: < {"id":1,"connect":{...}}
c: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "a", info => \('"' . "i" x 3071 . '"'))}}"}}
c: closed 3500 invalid token
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{"A" x 20000}}"}}
d: closed 3500 invalid token



=== TEST 13: subscriptions of the connection token
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "watcher")}}"}}
   > {"id":2,"subscribe":{"channel":"room:x","join_leave":true}}
w: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"push":{"channel":"room:x","join":{...}}}
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", b64info => "eyJuIjoKMX0=", channels => \'["nowhere:x"]', subs => \'{"room:x":{"info":[1],"data":{"a": 1}},"$locked:y":{"b64data":"W10="},"room:y":{"override":{"join_leave":{"value":false},"force_push_join_leave":{"value":true}}},"room:x":{}}')}}"}}
a: < {"id":1,"connect":{"client":"*a","version":"*","subs":{"room:x":{"data":{"a": 1}},"$locked:y":{"data":[]},"room:y":{}},"ping":25,"pong":true}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]}}}}
w: > {"id":3,"subscribe":{"channel":"room:y","join_leave":true}}
w: < {"id":3,"subscribe":{}}
w, a: < {"push":{"channel":"room:y","join":{"info":{"user":"watcher",...}}}}
# who is subscribed is so once
a: > {"id":2,"subscribe":{"channel":"room:x"}}
a: < {"id":2,"error":{"code":105,"message":"already subscribed"}}
a: > {"id":3,"publish":{"channel":"room:x","data":2}}
a: < {"push":{"channel":"room:x","pub":{"data":2,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]}}}}
   | {"id":3,"publish":{}}
w: < {"push":{"channel":"room:x","pub":{"data":2,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]}}}}
w: > {"id":4,"presence":{"channel":"room:x"}}
w: < {"id":4,"presence":{"presence":{"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]},...}}}
api: POST /api/presence {"channel":"room:x"}
api: 200 {"result":{"presence":{"{{kept("a")}}":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]},...}}}
a: gone
w: < {"push":{"channel":"room:x","leave":{"info":{"user":"alice","client":"{{kept("a")}}","conn_info":{"n": 1},"chan_info":[1]}}}}
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob", channels => \'["room:x","room:x"]')}}"}}
b: < {"id":1,"connect":{"client":"*","version":"*","subs":{"room:x":{}},"ping":25,"pong":true}}
w: < {"push":{"channel":"room:x","join":{"info":{"user":"bob",...}}}}
# what cannot be subscribed to
c1..c4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "carol", channels => \(('["nowhere:x"]', '["/x"]', '["x", ""]', '[' . join(",", map { "\"room:$_\"" } 1 .. 129) . ']')[$n - 1]))}}"}}
c1: < {"id":1,"error":{"code":102,"message":"unknown channel"}}
c2..c3: < {"id":1,"error":{"code":107,"message":"bad request"}}
c4: < {"id":1,"error":{"code":106,"message":"limit exceeded"}}
w: silent
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "carol", channels => \('[' . join(",", map { "\"quiet:$_\"" } 1 .. 128) . ']'))}}"}}
   > {"id":2,"subscribe":{"channel":"room:x"}}
d: < {"id":1,"connect":{"subs":{"quiet:128":{},...},...}}
   < {"id":2,"error":{"code":106,"message":"*"}}



=== TEST 14: presence of many who have much to tell
--- over: plain
--- conversation
s1..s40: open /connection/websocket
         > {"id":1,"connect":{"token":"{{jwt(sub => "u$n", info => \('["' . $n . '","' . "i" x 2000 . '"]'), subs => \('{"room:x":{"info":"' . "c" x 900 . '"}}'))}}"}}
s1..s40: < {"id":1,"connect":{...}}
s1: > {"id":2,"presence":{"channel":"room:x"}}
s1: < {"id":2,"presence":{"presence":{...}}}
api: POST /api/presence {"channel":"room:x"}
api: 200 ~^(?!.*("[-0-9a-f]{36}":).*\1)\{"result":\{"presence":\{("[-0-9a-f]{36}":\{"user":"u(\d+)","client":"[-0-9a-f]{36}","conn_info":\["\3","i{2000}"\],"chan_info":"[^"]+"\},?){40}\}\}\}$



=== TEST 15: subscription tokens
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", info => \'"conn"')}}"}}
a: < {"id":1,"connect":{"client":"*a",...}}
a: > {"id":2,"subscribe":{"channel":"locked:x"}}
a: < {"id":2,"error":{"code":103,"message":"permission denied"}}
a: > {"id":3,"subscribe":{"channel":"$open:x"}}
a: < {"id":3,"error":{"code":103,"message":"permission denied"}}
a: > {"id":4,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", info => \'{"c":1}')}}"}}
a: < {"id":4,"subscribe":{}}
a: > {"id":5,"subscribe":{"channel":"$open:x","token":"{{jwt(sub => "alice", channel => '$open:x', client => kept("a"), exp => time + 100)}}"}}
a: < {"id":5,"subscribe":{"expires":true,"ttl":*}}
a: > {"id":6,"subscribe":{"channel":"$x","token":"{{jwt(sub => "alice", channel => '$x', exp => time + 100, expire_at => 0)}}"}}
a: < {"id":6,"subscribe":{}}
a: > {"id":7,"publish":{"channel":"locked:x","data":1}}
a: < {"push":{"channel":"locked:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":"conn","chan_info":{"c":1}}}}}
   | {"id":7,"publish":{}}
# expired, invalid
a: > {"id":8,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y", exp => time - 1)}}"}}
a: < {"id":8,"error":{"code":109,"message":"token expired"}}
a: > {"id":9,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y", -key => "wrong")}}"}}
a: < {"id":9,"error":{"code":103,"message":"permission denied"}}
a: > {"id":10,"subscribe":{"channel":"locked:y","token":"x"}}
a: < {"id":10,"error":{"code":103,"message":"permission denied"}}
# a token is never ignored
a: > {"id":11,"subscribe":{"channel":"open:y","token":"{{jwt(-alg => "none", sub => "alice", channel => "open:y")}}"}}
a: < {"id":11,"error":{"code":103,"message":"permission denied"}}
a: > {"id":12,"subscribe":{"channel":"nowhere:y","token":"{{jwt(sub => "alice", channel => "nowhere:y")}}"}}
a: < {"id":12,"error":{"code":102,"message":"unknown channel"}}
a: silent



=== TEST 16: attack: subscription tokens of another channel, user, client
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
b: < {"id":1,"connect":{"client":"*b",...}}
a1..a7: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
a1..a7: < {"id":1,"connect":{...}}
a1..a7: > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(@{([sub => "alice", channel => "locked:y"], [sub => "alice", channel => "locked:x0"], [sub => "alice"], [sub => "bob", channel => "locked:x"], [sub => "", channel => "locked:x"], [channel => "locked:x"], [sub => "alice", channel => "locked:x", client => kept("b")])[$n - 1]})}}"}}
a1..a7: closed 3500 invalid token
n: open /optional
   > {"id":1,"connect":{}}
n: < {"id":1,"connect":{...}}
n: > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(channel => "locked:x")}}"}}
n: < {"id":2,"subscribe":{}}
n: > {"id":3,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y")}}"}}
n: closed 3500 invalid token



=== TEST 17: channels that name their users
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
a: < {"id":1,"connect":{...}}
a: 6 x > {"id":{{$i + 1}},"subscribe":{"channel":"few:{{("x#alice", "x#bob,alice", "x#alice,bob", "x#bob#alice", "x", "#alice")[$i - 1]}}"}}
a: 6 x < {"id":{{$i + 1}},"subscribe":{}}
a: 9 x > {"id":{{$i + 9}},"subscribe":{"channel":"few:{{("x#bob", "x#", "x#,", "x#alice2", "x#alic", "x#Alice", "x#alice#bob", "x# alice", "x#bob,")[$i - 1]}}"}}
a: 9 x < {"id":{{$i + 9}},"error":{"code":103,"message":"permission denied"}}
# "$" wants a token, and a token is enough
a: > {"id":20,"subscribe":{"channel":"$few:x#alice"}}
a: < {"id":20,"error":{"code":103,"message":"permission denied"}}
a: > {"id":21,"subscribe":{"channel":"few:y#bob","token":"{{jwt(sub => "alice", channel => "few:y#bob")}}"}}
a: < {"id":21,"subscribe":{}}
# where there is no "users" it is a character like others
a: > {"id":22,"subscribe":{"channel":"open:x#bob"}}
a: < {"id":22,"subscribe":{}}
n: open /optional
   > {"id":1,"connect":{}}
n: < {"id":1,"connect":{...}}
n: 3 x > {"id":{{$i + 1}},"subscribe":{"channel":"few:{{("x#", "x#alice", "x#,")[$i - 1]}}"}}
n: 3 x < {"id":{{$i + 1}},"error":{"code":103,"message":"permission denied"}}



=== TEST 18: refresh
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", exp => time + 50, info => \'1')}}"}}
   > {"id":2,"subscribe":{"channel":"open:x"}}
a: < {"id":1,"connect":{"client":"*a","expires":true,...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"refresh":{"token":"{{jwt(sub => "alice", exp => time + 500, info => \'2')}}"}}
a: < {"id":3,"refresh":{"expires":true,"ttl":*}}
a: > {"id":4,"publish":{"channel":"open:x","data":1}}
a: < {"push":{"channel":"open:x","pub":{"data":1,"info":{"user":"alice","client":"{{kept("a")}}","conn_info":2}}}}
   | {"id":4,"publish":{}}
a: > {"id":5,"refresh":{"token":"{{jwt(sub => "alice")}}"}}
a: < {"id":5,"refresh":{}}
a: > {"id":6,"refresh":{"token":"{{jwt(sub => "alice", exp => time - 1)}}"}}
a: closed 3005 connection expired
b1..b5: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
b1..b5: < {"id":1,"connect":{...}}
b1..b5: > {"id":2,"refresh":{"token":"{{("", "x", jwt(sub => "bob"), jwt(sub => "alice", channel => "x"), jwt(-alg => "none", sub => "alice"))[$n - 1]}}"}}
b1..b5: closed 3500 invalid token



=== TEST 19: sub_refresh
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
   > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", exp => time + 50)}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"expires":true,"ttl":*}}
a: > {"id":3,"sub_refresh":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", exp => time + 500)}}"}}
a: < {"id":3,"sub_refresh":{"expires":true,"ttl":*}}
a: > {"id":4,"sub_refresh":{"channel":"locked:y","token":"{{jwt(sub => "alice", channel => "locked:y")}}"}}
a: < {"id":4,"error":{"code":103,"message":"permission denied"}}
a: > {"id":5,"sub_refresh":{"channel":"locked:x","token":"{{jwt(sub => "alice", channel => "locked:x", exp => time - 1)}}"}}
a: closed 3005 connection expired
b1..b4: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
        > {"id":2,"subscribe":{"channel":"open:x"}}
b1..b4: < {"id":1,"connect":{...}}
        < {"id":2,"subscribe":{}}
b1..b4: > {"id":3,"sub_refresh":{"channel":"open:x","token":"{{("", jwt(sub => "alice", channel => "open:y"), jwt(sub => "bob", channel => "open:x"), jwt(sub => "alice"))[$n - 1]}}"}}
b1..b4: closed 3500 invalid token
c: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice")}}"}}
c: < {"id":1,"connect":{...}}
c: > {"id":2,"sub_refresh":{"token":"x"}}
c: closed 3501



=== TEST 20: what is not renewed ends in time, and nothing before
--- conversation
a: open /short
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", exp => time + 2)}}"}}
a: < {"id":1,"connect":{...}}
b: open /short
   > {"id":1,"connect":{"token":"{{jwt(sub => "bob", exp => time + 100)}}"}}
   > {"id":2,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "bob", channel => "locked:x", exp => time + 2)}}"}}
   > {"id":3,"subscribe":{"channel":"locked:y","token":"{{jwt(sub => "bob", channel => "locked:y", exp => time + 100)}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"expires":true,"ttl":*}}
   < {"id":3,"subscribe":{"expires":true,"ttl":*}}
# renewed in time, and gone before
c: open /short
   > {"id":1,"connect":{"token":"{{jwt(sub => "carol", exp => time + 2)}}"}}
   > {"id":2,"refresh":{"token":"{{jwt(sub => "carol", exp => time + 100)}}"}}
   > {"id":3,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "carol", channel => "locked:x", exp => time + 2)}}"}}
   > {"id":4,"unsubscribe":{"channel":"locked:x"}}
   > {"id":5,"subscribe":{"channel":"locked:x","token":"{{jwt(sub => "carol", channel => "locked:x")}}"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"refresh":{"expires":true,"ttl":*}}
   < {"id":3,"subscribe":{"expires":true,"ttl":*}}
   < {"id":4,"unsubscribe":{}}
   < {"id":5,"subscribe":{}}
# with the grace that there is otherwise
d: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "dave", exp => time + 2)}}"}}
d: < {"id":1,"connect":{...}}
# of what the token subscribes to the client is no owner
e: open /short
   > {"id":1,"connect":{"token":"{{jwt(sub => "erin", channels => \'["locked:x"]')}}"}}
   > {"id":2,"sub_refresh":{"channel":"locked:x","token":"{{jwt(sub => "erin", channel => "locked:x", exp => time + 2)}}"}}
e: < {"id":1,"connect":{...}}
   < {"id":2,"sub_refresh":{"expires":true,"ttl":*}}
a: closed 3005 connection expired
b: < {"push":{"channel":"locked:x","unsubscribe":{"code":2501,"reason":"subscription expired"}}}
e: closed 3006 subscription expired
b, c, d: silent
api: POST /api/publish {"channel":"locked:x","data":1}
api: 200 {"result":{}}
c: < {"push":{"channel":"locked:x","pub":{"data":1}}}
b: silent



=== TEST 21: what was missed in channels of the token comes with connect's reply
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", channels => \'["kept:x", "kept:y", "open:x"]')}}"}}
a: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"epoch":"*e"},"kept:y":{"recoverable":true,"positioned":true,"epoch":"*f"},"open:x":{}},...}}
api: 2 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 2 x 200 {"result":{...}}
a: 2 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
a: gone
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i + 2}}}
api: 3 x 200 {"result":{...}}
# what the token does not subscribe to is passed over
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", channels => \'["kept:x", "kept:y", "open:x"]')}}","subs":{"kept:z":{"recover":true},"open:x":{"recover":true},"nowhere:x":{},"":null,"kept:\u0078":{"recover":true,"offset":2,"epoch":"{{kept("e")}}"},"kept:y":{"recover":true,"epoch":"{{kept("f")}}"}}}}
a: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"publications":[{"data":3,"offset":3},{"data":4,"offset":4},{"data":5,"offset":5}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":2},"kept:y":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("f")}}"},"open:x":{}},...}}
api: POST /api/publish {"channel":"kept:x","data":6}
api: 200 {"result":{...}}
a: < {"push":{"channel":"kept:x","pub":{"data":6,"offset":6}}}
a: silent
# the latest of a cache: SDKs hand it on because it is recovered
api: 2 x POST /api/publish {"channel":"last:x","data":{{$i}}}
api: 2 x 200 {"result":{...}}
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", channels => \'["last:x"]')}}"}}
a: < {"id":1,"connect":{"subs":{"last:x":{"recoverable":true,"positioned":true,"publications":[{"data":2,"offset":2}],"recovered":true,"epoch":"*","offset":2}},...}}
# who does not ask for it, and who asks for what is not there
b1..b3: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "bob", channels => \'["kept:x"]')}}","subs":{{('null', '{"kept:x":{"offset":2}}', '{"kept:x":null}')[$n - 1]}}}}
b1..b3: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":6}},...}}
c1..c2: open /connection/websocket
        > {"id":1,"connect":{"token":"{{jwt(sub => "carol", channels => \'["kept:x"]')}}","subs":{"kept:x":{"recover":true,{{('"offset":7', '"offset":2,"epoch":"_"')[$n - 1]}}}}}}
c1..c2: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":6}},...}}
# no more are looked at than a client may have
d1..d2: open /two
        > {"id":1,"connect":{"token":"{{jwt(sub => "dave", channels => \'["kept:x"]')}}","subs":{"kept:1":{},{{('', '"kept:2":{},')[$n - 1]}}"kept:x":{"recover":true,"offset":5}}}}
d1: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"publications":[{"data":6,"offset":6}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":5}},...}}
d2: < {"id":1,"connect":{"subs":{"kept:x":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":6}},...}}
e1..e6: open /optional
        > {"id":1,"connect":{"subs":{{('[]', '1', '{"x":1}', '{"x":{"recover":1}}', '{"x":{"offset":-1}}', '{"x":{"epoch":[]}}')[$n - 1]}}}}
e1..e6: closed 3501 bad request



=== TEST 22: more was missed than connect's reply takes, in all channels together
--- conversation
api: 10 x POST /api/publish {"channel":"kept:x","data":"{{$i}} {{"x" x 20000}}"}
api: 10 x 200 {"result":{...}}
api: 10 x POST /api/publish {"channel":"kept:y","data":"{{$i}} {{"x" x 20000}}"}
api: 10 x 200 {"result":{...}}
api: 10 x POST /api/publish {"channel":"kept:z","data":{{$i}}}
api: 10 x 200 {"result":{...}}
api: POST /api/publish {"channel":"last:x","data":1}
api: 200 {"result":{...}}
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => "alice", channels => \'["kept:x", "kept:y", "kept:z", "last:x"]')}}","subs":{"kept:x":{"recover":true},"kept:y":{"recover":true},"kept:z":{"recover":true,"offset":2}}}}
a: < {"id":1,"connect":{"subs":{"kept:x":{"recovered":true,"publications":[{...},{...},{...},{...},{...},{...},{...},{...},{...},{"offset":10,...}],...},"kept:y":{"recovered":true,"publications":[{"offset":1,...},{"offset":2,...},{"offset":3,...},{"offset":4,...}],...},"kept:z":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"*","offset":2},"last:x":{"recoverable":true,"positioned":true,"recovered":true,"epoch":"*"}},...}}
# in turns, a slice each
a: 3 x < {"push":{"channel":"kept:y","pub":{"offset":{{$i + 4}},...}}}
a: 8 x < {"push":{"channel":"kept:z","pub":{"data":{{$i + 2}},"offset":{{$i + 2}}}}}
a: < {"push":{"channel":"last:x","pub":{"data":1,"offset":1}}}
a: 3 x < {"push":{"channel":"kept:y","pub":{"offset":{{$i + 7}},...}}}
a: silent
