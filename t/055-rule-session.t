# What rules see of a session: the claims of its token, and the headers of its
# handshake that rt_rule_headers lets them; and what they say by rt.log.  The
# rule is t/rules/session.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/session' }

use RT qw(tokens);

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret optional;
    rt_rules      $TEST_NGINX_RULES;
    rt_rule_headers X-Plan X-Deny;
    rt_namespace  open publish=any;
    rt_namespace  pro publish=any;
    rt_drain      window=50ms;
_EOC_

$RT::SERVER .= <<'_EOC_';
        location /none {
            rt_websocket    zone=live;
            rt_rule_headers off;
        }
        location /other {
            rt_websocket    zone=live;
            rt_rule_headers x-other;
        }
_EOC_

run_tests();

__DATA__

=== TEST 1: headers
--- conversation
a: open /connection/websocket
   X-Plan: free
   X-Other: secret
   Authorization: Bearer secret
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"headers"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"x-plan":"free"}}}
b: open /connection/websocket
   X-plan: a "b" \
   +X-PLAN: é
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"headers"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"x-plan":"a \"b\" \\, é"}}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"headers"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{}}}
d: open /none
   X-Plan: free
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"headers"}}
d: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{}}}
e: open /other
   X-Plan: free
   X-Other: x
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"headers"}}
e: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"x-other":"x"}}}
# bytes that are no text are what they are
f: open /connection/websocket
   X-Plan: {{"\xff\xc3"}}
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"length"}}
f: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":2}}
g: open /connection/websocket
   X-Plan: {{'x' x 7000}}
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"length"}}
g: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":7000}}
h: try /connection/websocket
   X-Plan: {{'x' x 5000}}
   X-Deny: {{'x' x 5000}}
h: 400



=== TEST 2: claims, in all functions
--- conversation
a: open /connection/websocket
   X-Plan: free
   > {"id":1,"connect":{"token":"{{jwt(sub => 'alice', plan => 'pro', n => 1.5)}}"}}
   > {"id":2,"rpc":{"method":"claims"}}
   > {"id":3,"subscribe":{"channel":"pro:x"}}
   > {"id":4,"subscribe":{"channel":"open:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"sub":"alice","plan":"pro","n":1.5,...}}}
   < {"id":3,"subscribe":{}}
   < {"id":4,"subscribe":{}}
a: > {"id":5,"publish":{"channel":"open:x","data":1}}
a: < {"id":5,"publish":{}}
   | {"push":{"channel":"open:x","pub":{"data":["pro","free"],"info":{...}}}}
# without a token
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"claims"}}
   > {"id":3,"subscribe":{"channel":"pro:x"}}
   > {"id":4,"publish":{"channel":"open:x","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":null}}
   < {"id":3,"error":{"code":4061,"message":"none"}}
   < {"id":4,"publish":{}}
a: < {"push":{"channel":"open:x","pub":{"data":["none","-"],"info":{...}}}}
# connect, and again without the token
c: open /connection/websocket
   X-Deny: no
   > {"id":1,"connect":{"token":"{{jwt(sub => 'bob', plan => 'free')}}"}}
c: < {"id":1,"error":{"code":4060,"message":"no free"}}
d: open /connection/websocket
   X-Deny: no
   > {"id":1,"connect":{}}
d: < {"id":1,"error":{"code":4060,"message":"no none"}}
# what a call changes is its own
a: > {"id":6,"rpc":{"method":"headers"}}
a: < {"id":6,"rpc":{"data":{"x-plan":"free"}}}



=== TEST 3: a refreshed token brings new claims
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => 'alice', plan => 'free', exp => time + 600)}}"}}
   > {"id":2,"subscribe":{"channel":"pro:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":4061,"message":"free"}}
a: > {"id":3,"refresh":{"token":"{{jwt(sub => 'alice', plan => 'pro', exp => time + 600)}}"}}
a: < {"id":3,"refresh":{...}}
a: > {"id":4,"subscribe":{"channel":"pro:x"}}
a: < {"id":4,"subscribe":{}}
# one that is not good changes nothing
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => 'bob', plan => 'free', exp => time + 600)}}"}}
b: < {"id":1,"connect":{...}}
a: > {"id":5,"rpc":{"method":"claims"}}
a: < {"id":5,"rpc":{"data":{"sub":"alice","plan":"pro",...}}}
a: > {"id":6,"refresh":{"token":"{{jwt(sub => 'bob', plan => 'none', exp => time + 600)}}"}}
a: closed 3500 *



=== TEST 4: what a rule changes in them is gone with the call
--- conversation
a: open /connection/websocket
   X-Plan: free
   > {"id":1,"connect":{"token":"{{jwt(sub => 'alice', plan => 'free')}}"}}
   > {"id":2,"rpc":{"method":"changed"}}
   > {"id":3,"rpc":{"method":"claims"}}
   > {"id":4,"rpc":{"method":"headers"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}
   < {"id":3,"rpc":{"data":{"sub":"alice","plan":"free",...}}}
   < {"id":4,"rpc":{"data":{"x-plan":"free"}}}



=== TEST 5: what a rule logs is a line of level info
--- conversation
a: open /connection/websocket
   X-Plan: free
   > {"id":1,"connect":{"token":"{{jwt(sub => 'alice', plan => 'secretplan')}}"}}
   > {"id":2,"rpc":{"method":"log","data":["a\n",{"b":0.5}]}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":"logged"}}
nginx: log ~\[info\] .* rule "command" of "default\.lua", for tenant "[^"]+", says: log \["a\\n",\{"b":0\.5\}\] x\\x0ay
--- no_error_log
secretplan



=== TEST 6: and none where the log has no such level
--- log_level: notice
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"log","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":"logged"}}
--- no_error_log
says:
