# What the API sets for a tenant, flags and rules: shapes, errors, who and when;
# that it is on all workers, and stays over a reload.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/site' }

use RT;

$RT::HTTP .= <<'_EOC_';
    rt_rules      $TEST_NGINX_RULES;
_EOC_

our $KEY = <<'_EOC_';
        location /keyed {
            rt_api       zone=live;
            rt_api_key   file=key;
        }
        location /named {
            rt_api       zone=live;
            rt_api_key   off;
        }
_EOC_

run_tests();

__DATA__

=== TEST 1: flags: none, some, one more, one less
--- workers: 2
--- conversation
api: GET /api/flags
api: 200 {"result":{"version":0,"flags":{}}}
     Content-Type: application/json
api: PUT /api/flags {"flags":{"beta":true,"router":{"percent":12.50,"allow":["a","b"],"deny":[]}},"by":"alice"}
api: 200 ~\A\{"result":\{"version":\d{13}\}\}\z
b: GET /api/flags
b: 200 ~\A\{"result":\{"version":(\d{13}),"flags":\{"beta":\{"on":true,"by":"alice","from":"127.0.0.1","key":"","at":\1\},"router":\{"percent":12.50,"allow":\["a","b"\],"deny":\[\],"by":"alice","from":"127.0.0.1","key":"","at":\1\}\}\}\}\z
# the others stay, with who has set them
api: PUT /api/flags {"flags":{"router":null,"new":false},"by":"bob"}
api: 200 {"result":{"version":*v}}
b: GET /api/flags
b: 200 {"result":{"version":{{kept("v")}},"flags":{"beta":{"on":true,"by":"alice","from":"127.0.0.1","key":"","at":*},"new":{"on":false,"by":"bob","from":"127.0.0.1","key":"","at":*}}}}
# a name is the same in upper and lower case, and so is - and _
api: PUT /api/flags {"flags":{"BETA":{"on":false}}}
api: 200 {"result":{"version":*}}
b: GET /api/flags
b: 200 ~"flags":\{"new":\{[^}]*\},"BETA":\{"on":false,"by":"","from"
api: HEAD /api/flags
api: 200 ~\A\z



=== TEST 2: flags: what was read may be given back
--- conversation
api: PUT /api/flags {"flags":{"a":{"on":true,"by":"x","from":"y","key":"z","at":1}},"by":"carol"}
api: 200 {"result":{"version":*}}
api: GET /api/flags
api: 200 {"result":{"version":*,"flags":{"a":{"on":true,"by":"carol","from":"127.0.0.1","key":"","at":*}}}}



=== TEST 3: made from another version: refused, the one before stays
--- conversation
api: PUT /api/flags {"flags":{"a":true},"version":0}
api: 200 {"result":{"version":*v}}
api: PUT /api/flags {"flags":{"a":false},"version":0}
api: 409 {"code":409,"message":"version: it was changed since, read it again"}
api: PUT /api/flags {"flags":{"a":false},"version":1}
api: 409 {"code":409,"message":"*"}
api: PUT /api/flags {"flags":{"a":false},"version":"1"}
api: 400 {"code":107,"message":"version: has to be a number, as it was read"}
api: GET /api/flags
api: 200 ~"a":\{"on":true
api: PUT /api/flags {"flags":{"b":true},"version":{{kept("v")}}}
api: 200 {"result":{"version":*w}}
api: GET /api/flags
api: 200 ~\A\{"result":\{"version":{{kept("w")}},"flags":\{"a":\{"on":true.*"b":\{"on":true



=== TEST 4: who it was: a part of a digest of the key, never the key
--- more_config eval: $main::KEY
--- user_files
>>> ../conf/key
secret-key-1
--- conversation
api: PUT /keyed/flags {"flags":{"a":true},"by":"d\u00e9"}
     X-API-Key: secret-key-1
api: 200 {"result":{"version":*v}}
api: GET /api/flags
api: 200 {"result":{"version":*,"flags":{"a":{"on":true,"by":"dé","from":"127.0.0.1","key":"a6c1eaef","at":*}}}}
nginx: log ~\[notice\].*rt: flags of tenant "{{$tenant}}" set to version {{kept("v")}} by "dé" from 127.0.0.1, key a6c1eaef: "a":true$
api: PUT /keyed/flags {"flags":{"a":true}}
api: 401



=== TEST 5: flags that are none
--- conversation
api: PUT /api/flags {}
api: 400 {"code":107,"message":"flags: is required, an object of flags by their names"}
api: PUT /api/flags {"flags":[]}
api: 400
api: PUT /api/flags {"flags":{"a":1}}
api: 400 ~\{"code":107,"message":"flags.*expected
api: PUT /api/flags {"flags":{"a":true
api: 400 ~near byte
api: PUT /api/flags {"flags":{"a":true},"by":"{{"x" x 129}}"}
api: 400 {"code":107,"message":"by: has to be up to 128 bytes, no control characters"}
api: PUT /api/flags {"flags":{"a":true},"by":"x\ny"}
api: 400 {"code":107,"message":"by: has to be up to 128 bytes, no control characters"}
api: PUT /api/flags {"flags":{"a":true},"by":"{{"x" x 128}}"}
api: 200
api: PUT /api/flags {"flags":{"a":null}}
     Content-Type: text/plain
api: 415 {"code":415,"message":"*"}
api: PUT /api/flags {"flags":{ {{join ",", map { "\"f$_\":{\"allow\":[\"" . "x" x 250 . "\"," . join(",", map { "\"$_" . "y" x 200 . "\"" } 1 .. 40) . "]}" } 1 .. 4}} }}
api: 413 {"code":413,"message":"flags: all of them take more than 32k"}
api: GET /api/flags
api: 200 ~"flags":\{"a":\{"on":true



=== TEST 6: other methods, other paths
--- conversation
api: POST /api/flags {"flags":{}}
api: 405 {"code":405,"message":"*"}
     Allow: GET, HEAD, PUT
api: DELETE /api/flags
api: 405
     Allow: GET, HEAD, PUT
api: POST /api/rules {"text":"return {}"}
api: 405
     Allow: GET, HEAD, PUT, DELETE
api: PATCH /api/rules
api: 405
api: PUT /api/events/x?channel=open:x
api: 405
     Allow: GET, HEAD
api: GET /api/flag
api: 404
api: GET /api/flags/x
api: 404



=== TEST 7: rules: none but the default's, given, changed, deleted
--- workers: 2
--- conversation
api: GET /api/rules
api: 200 {"result":{"version":0,"source":"default","text":"","by":"","from":"","key":"","at":0}}
api: PUT /api/rules {"text":"-- \"one\"\nreturn { connect = function() return rt.allow() end }","by":"alice"}
api: 200 {"result":{"version":*v}}
b: GET /api/rules
b: 200 {"result":{"version":{{kept("v")}},"source":"api","text":"-- \"one\"\nreturn { connect = function() return rt.allow() end }","by":"alice","from":"127.0.0.1","key":"","at":*}}
nginx: log ~rt: rules of tenant "{{$tenant}}" set to version {{kept("v")}} by "alice" from 127.0.0.1, key -: 62 bytes$
# flags have the same version, and stay
api: PUT /api/flags {"flags":{"a":true}}
api: 200 {"result":{"version":*}}
api: PUT /api/rules {"text":"return {}","version":{{kept("v")}}}
api: 409
api: DELETE /api/rules?by=b%20b&version=1
api: 409
# a variable of a script that is empty is not "whatever there is"
api: DELETE /api/rules?by=b%20b&version=
api: 400 {"code":107,"message":"version: has to be a number, as it was read"}
api: DELETE /api/rules?by=b%20b&version={{kept("v")}}x
api: 400 {"code":107,"message":"version: has to be a number, as it was read"}
api: DELETE /api/rules?by=b%20b
api: 200 {"result":{"version":*w}}
nginx: log ~rt: rules of tenant "{{$tenant}}" set to version {{kept("w")}} by "b b" from 127.0.0.1, key -: deleted$
b: GET /api/rules
b: 200 {"result":{"version":{{kept("w")}},"source":"default","text":"","by":"","from":"","key":"","at":0}}
# it is not there any more: nothing is changed
api: DELETE /api/rules
api: 200 {"result":{"version":{{kept("w")}}}}
b: GET /api/flags
b: 200 ~"flags":\{"a":\{"on":true



=== TEST 8: rules that are none: the ones before stay
--- conversation
api: PUT /api/rules {"text":"return {}"}
api: 200
api: PUT /api/rules {"text":"return {\n  connect = function() return end end }"}
api: 400 ~\{"code":107,"message":"text: rules:2: .*'end'
api: PUT /api/rules {"text":"error('it is \"broken\"')"}
api: 400 ~"message":"text: rules:1: it is \\"broken\\"
api: PUT /api/rules {"text":"return { conect = function() end }"}
api: 400 ~"message":"text: rules: returns \\"conect\\", which nobody asks
api: PUT /api/rules {"text":"return 1"}
api: 400 ~"message":"text: rules
api: PUT /api/rules {"text":"while true do end"}
api: 400
api: PUT /api/rules {"text":"\u001bLJ\u0002"}
api: 400
api: PUT /api/rules {"text":""}
api: 400 {"code":107,"message":"text: is required, the Lua of the rules"}
api: PUT /api/rules {}
api: 400
api: PUT /api/rules {"text":"return {} --{{"x" x 16384}}"}
api: 413 {"code":413,"message":"text: is larger than 16k"}
api: GET /api/rules
api: 200 ~"text":"return \{\}"



=== TEST 9: rules of a file
--- conversation
api: GET /api/rules
     X-Tenant: a/b é
api: 200 ~\A\{"result":\{"version":0,"source":"file","text":"return.*it is \\"



=== TEST 10: there are no rules in this configuration
--- http_config
    rt_zone  $http_x_tenant zone=live:8m;
--- conversation
api: GET /api/rules
api: 404 {"code":404,"message":"there are no rules, write \"rt_rules DIR;\" into http {}"}
api: PUT /api/rules {"text":"return {}"}
api: 404
api: DELETE /api/rules
api: 404
api: PUT /api/flags {"flags":{"a":true}}
api: 200
--- error_log
what the API sets is kept until nginx stops, for there is neither "rt_redis" nor "rt_state_file"



=== TEST 11: it stays over a reload, and so do its size and its owner
--- workers: 2
--- conversation
api: PUT /api/flags {"flags":{"a":true},"by":"alice"}
api: 200 {"result":{"version":*v}}
api: PUT /api/rules {"text":"return {} --{{"x" x 16000}}"}
api: 200 {"result":{"version":*w}}
nginx: reload
b: GET /api/flags
b: 200 {"result":{"version":{{kept("w")}},"flags":{"a":{"on":true,"by":"alice","from":"127.0.0.1","key":"","at":*}}}}
b: GET /api/rules
b: 200 ~"text":"return \{\} --x{16000}"
# another tenant has none of it
b: GET /api/flags
   X-Tenant: other-{{$tenant}}
b: 200 {"result":{"version":0,"flags":{}}}



=== TEST 12: it is charged to its tenant, whose quota ends
--- http_config
    rt_zone       $http_x_tenant zone=live:8m;
    rt_limit      zone tenant max=20k;
--- conversation
api: PUT /api/flags {"flags":{"a":{"allow":[{{join ",", map { "\"$_" . "x" x 200 . "\"" } 1 .. 50}}]}}}
api: 200
api: PUT /api/flags {"flags":{"b":{"allow":[{{join ",", map { "\"$_" . "x" x 200 . "\"" } 1 .. 50}}]}}}
api: 429|507
api: GET /api/flags
api: 200 ~"flags":\{"a":\{"allow":\["1x
api: PUT /api/flags {"flags":{"a":null,"b":{"allow":[{{join ",", map { "\"$_" . "x" x 200 . "\"" } 1 .. 50}}]}}}
api: 200
api: PUT /api/flags {"flags":{"b":true}}
api: 200



=== TEST 13: a method in a location that is named like a resource
--- more_config
        location /flags {
            rt_api       zone=live;
            rt_api_key   off;
        }
--- conversation
api: POST /flags/info {}
api: 200 {"result":{...}}
api: GET /flags
api: 200 {"result":{"version":0,"flags":{}}}



=== TEST 14: rules and flags are in force at once, and gone with them
--- workers: 2
--- conversation
api: PUT /api/rules {"text":"return { connect = function(s) if rt.flag('closed', s.user) then return rt.deny(4100, 'by the API') end end }"}
api: 200
a: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: PUT /api/flags {"flags":{"closed":{"allow":["alice"]}}}
api: 200
b: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
b: < {"id":1,"error":{"code":4100,"message":"by the API"}}
c: open /connection/websocket
   X-User: bob
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
api: DELETE /api/rules
api: 200
d: open /connection/websocket
   X-User: alice
   > {"id":1,"connect":{}}
d: < {"id":1,"connect":{...}}
api: POST /api/rules/test {"function":"connect","text":"return {}"}
api: 200
