# The rules of lua/rules, from which people start, each in a nginx.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN {
    my $top = dirname(dirname(abs_path($0)));
    my $to = ($ENV{TEST_NGINX_SERVROOT} || "$top/build/servroot") . '-rules';

    for my $name (qw(ab beta maintenance moderation routing versions)) {
        system('mkdir', '-p', "$to/$name") == 0
            && system('cp', "$top/lua/rules/$name.lua",
                      "$to/$name/default.lua") == 0
            or die "$to/$name\n";
    }

    $ENV{TEST_NGINX_RULES} = $to;
}

use RT 'tokens';

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_namespace  chat publish=any;
    rt_namespace  free publish=any;
_EOC_

run_tests();

__DATA__

=== TEST 1: moderation
--- more_http_config
    rt_rules $TEST_NGINX_RULES/moderation;
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":2,"publish":{"channel":"chat:x","data":{"text":"well, Darn it","n":1.0}}}
b: < {"id":2,"publish":{}}
a: < {"push":{"channel":"chat:x","pub":{"data":{"text":"well, **** it","n":1},"info":{...}}}}
b: > {"id":3,"publish":{"channel":"chat:x","data":{"n":1.0,"text":"fine"}}}
b: < {"id":3,"publish":{}}
a: <= {"push":{"channel":"chat:x","pub":{"data":{"n":1.0,"text":"fine"},"info":{"user":"bob","client":"{{kept("b")}}"}}}}
b: > {"id":4,"publish":{"channel":"chat:x","data":"fine"}}
b: < {"id":4,"error":{"code":107,"message":"data.text: a string is expected"}}
b: > {"id":5,"publish":{"channel":"chat:x","data":{"text":"{{'x' x 501}}"}}}
b: < {"id":5,"error":{"code":4001,"message":"data.text: longer than 500 bytes"}}
b: > {"id":6,"publish":{"channel":"chat:x","data":{"text":"see http://x"}}}
b: < {"id":6,"error":{"code":4002,"message":"links are not for everyone"}}
a: > {"id":6,"publish":{"channel":"free:x","data":"whatever"}}
a: < {"id":6,"publish":{}}
a: > {"id":7,"publish":{"channel":"chat:y","data":{"text":"see http://x"}}}
a: < {"id":7,"publish":{}}



=== TEST 2: maintenance
--- more_http_config
    rt_rules $TEST_NGINX_RULES/maintenance;
--- conversation
a: open /connection/websocket
   X-User: operator
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
   > {"id":3,"publish":{"channel":"chat:x","data":1}}
   > {"id":4,"rpc":{"method":"x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"error":{"code":4503,"message":"maintenance: come back in a few minutes"}}
   < {"id":4,"error":{"code":4503,"message":"maintenance: come back in a few minutes"}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"error":{"code":4503,"message":"maintenance: come back in a few minutes"}}



=== TEST 3: private beta by percentage
--- more_http_config
    rt_rules      $TEST_NGINX_RULES/beta;
    rt_flag       beta 50%;
    rt_namespace  beta publish=any;
--- conversation
a: open /connection/websocket
   X-User: user-1
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"beta:x"}}
   > {"id":3,"publish":{"channel":"beta:y","data":1}}
   > {"id":4,"rpc":{"method":"beta"}}
   > {"id":5,"rpc":{"method":"beta.do"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"publish":{}}
   < {"id":4,"rpc":{"data":true}}
   < {"id":5,"error":{"code":104,"message":"method not found"}}
b: open /connection/websocket
   X-User: user-0
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"beta:x"}}
   > {"id":3,"publish":{"channel":"beta:y","data":1}}
   > {"id":4,"rpc":{"method":"beta"}}
   > {"id":5,"rpc":{"method":"beta.do"}}
   > {"id":6,"publish":{"channel":"chat:y","data":1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":4010,"message":"the beta is not open to you yet"}}
   < {"id":3,"error":{"code":4010,"message":"the beta is not open to you yet"}}
   < {"id":4,"rpc":{"data":false}}
   < {"id":5,"error":{"code":4010,"message":"the beta is not open to you yet"}}
   < {"id":6,"publish":{}}



=== TEST 4: A/B of two orchestrators
--- more_http_config
    rt_rules      $TEST_NGINX_RULES/ab;
    rt_flag       orchestrator-b 50%;
    rt_namespace  ask publish=any;
--- conversation
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"ask:1"}}
   > {"id":3,"subscribe":{"channel":"ask:2"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
   < {"id":3,"subscribe":{}}
b: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"ask:1","data":{"text":"hi","orchestrator":"b"}}}
   > {"id":3,"rpc":{"method":"orchestrator","data":{"channel":"ask:1"}}}
   > {"id":4,"rpc":{"method":"orchestrator","data":{"channel":"ask:2"}}}
   > {"id":5,"publish":{"channel":"ask:2","data":"hi"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
   < {"id":3,"rpc":{"data":{"orchestrator":"a"}}}
   < {"id":4,"rpc":{"data":{"orchestrator":"b"}}}
   < {"id":5,"error":{"code":107,"message":"data: an object is expected"}}
a: < {"push":{"channel":"ask:1","pub":{"data":{"text":"hi","orchestrator":"a"},...}}}
a: > {"id":4,"publish":{"channel":"ask:1","data":{"text":"ho"}}}
   > {"id":5,"publish":{"channel":"ask:2","data":{"text":"ho"}}}
a: < {"id":4,"publish":{}}
   | {"id":5,"publish":{}}
   | {"push":{"channel":"ask:1","pub":{"data":{"text":"ho","orchestrator":"a"},...}}}
   | {"push":{"channel":"ask:2","pub":{"data":{"text":"ho","orchestrator":"b"},...}}}



=== TEST 5: model routing by plan
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_jwt        hs256 file=$TEST_NGINX_TOKENS/secret optional;
    rt_rules      $TEST_NGINX_RULES/routing;
    rt_namespace  ask publish=any;
    rt_namespace  model;
--- conversation
w: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"ask:x"}}
w: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
# without a token: the free plan
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"models"}}
   > {"id":3,"publish":{"channel":"ask:x","data":{"q":"why?","model":"large"}}}
   > {"id":4,"publish":{"channel":"ask:x","data":{"q":"{{'x' x 4000}}"}}}
   > {"id":5,"publish":{"channel":"ask:x","data":"why?"}}
   > {"id":6,"subscribe":{"channel":"model:small"}}
   > {"id":7,"subscribe":{"channel":"model:medium"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"models":["small"],"default":"small"}}}
   < {"id":3,"error":{"code":4020,"message":"your plan does not have this model"}}
   < {"id":4,"error":{"code":4021,"message":"your plan takes questions of up to 4000 bytes"}}
   < {"id":5,"error":{"code":107,"message":"data: an object is expected"}}
   < {"id":6,"subscribe":{}}
   < {"id":7,"error":{"code":4020,"message":"your plan does not have this model"}}
a: > {"id":8,"publish":{"channel":"ask:x","data":{"q":"why?"}}}
a: < {"id":8,"publish":{}}
w: < {"push":{"channel":"ask:x","pub":{"data":{"q":"why?","model":"small"},"info":{...}}}}
b: open /connection/websocket
   > {"id":1,"connect":{"token":"{{jwt(sub => 'bob', plan => 'pro')}}"}}
   > {"id":2,"rpc":{"method":"models"}}
   > {"id":3,"subscribe":{"channel":"model:medium"}}
   > {"id":4,"publish":{"channel":"ask:x","data":{"model":"small", "n":1.0}}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"models":["small","medium"],"default":"medium"}}}
   < {"id":3,"subscribe":{}}
   < {"id":4,"publish":{}}
w: < {"push":{"channel":"ask:x","pub":{"data":{"model":"small","n":1.0},"info":{...}}}}
b: > {"id":5,"publish":{"channel":"ask:x","data":{"n":1}}}
b: < {"id":5,"publish":{}}
w: < {"push":{"channel":"ask:x","pub":{"data":{"model":"medium","n":1},"info":{...}}}}



=== TEST 6: versions of an event
--- more_http_config
    rt_rules      $TEST_NGINX_RULES/versions;
    rt_namespace  ask publish=any;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"ask:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"ask:x","event":{"id":"i1","type":"com.example.prompt","data":{"prompt":"why?","temperature":0.5}}}}}
a: < {"id":3,"rpc":{"data":{"event":"i1","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"ask:x","pub":{"data":{"messages":[{"role":"user","text":"why?"}],"options":{"temperature":0.5}},"info":{...},"tags":{"event":"i1","type":"com.example.prompt","version":"2"}}}}
a: > {"id":4,"rpc":{"method":"rt.publish","data":{"channel":"ask:x","event":{"id":"i2","type":"com.example.prompt","version":2,"data":{"messages":[{"role":"user","text":"x"},{"role":"user"}],"options":{}}}}}}
a: < {"id":4,"error":{"code":422,"message":"data.messages[2].text: string expected, got nothing"}}
a: > {"id":5,"rpc":{"method":"rt.publish","data":{"channel":"ask:x","event":{"id":"i3","type":"com.example.prompt","version":3,"data":{}}}}}
a: < {"id":5,"error":{"code":415,"message":"version 3 of com.example.prompt is not accepted, write one of 1, 2"}}
a: > {"id":6,"rpc":{"method":"rt.publish","data":{"channel":"ask:x","event":{"id":"i4","type":"com.example.prompt","version":2,"data":{"messages":[],"options":{}}}}}}
a: < {"id":6,"error":{"code":4030,"message":"data.messages: at least one is expected"}}
a: > {"id":7,"publish":{"channel":"ask:x","data":{"prompt":"why?"}}}
a: < {"id":7,"error":{"code":107,"message":"events only: rpc rt.publish"}}
