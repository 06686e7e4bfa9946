# Rules that the API has given a tenant: they outrank its file until they are
# deleted, and leave default.lua alone; all workers have them at once.  The files
# are those of t/rules/flags.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/flags' }

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_rules      $TEST_NGINX_RULES;
    rt_flag       everyone on;
    rt_namespace  chat publish=any;
_EOC_


run_tests();

__DATA__

=== TEST 1: given, changed, deleted: no file
--- workers: 2
--- conversation
a, b: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"rpc":{"method":"everyone"}}
      > {"id":3,"publish":{"channel":"chat:x","data":1}}
a, b: < {"id":1,"connect":{...}}
      < {"id":2,"rpc":{"data":true}}
      < {"id":3,"publish":{}}
api: PUT /api/rules {"text":"return {\n publish = function(s, p) if p.channel == 'chat:x' then return rt.deny(4001, 'one') end end,\n command = function(s, c) if c.method == 'mine' then return rt.reply(rt.flag('everyone')) end end }"}
api: 200 {"result":{...}}
a, b: > {"id":4,"publish":{"channel":"chat:x","data":1}}
      > {"id":5,"publish":{"channel":"chat:y","data":1}}
      > {"id":6,"rpc":{"method":"mine"}}
      > {"id":7,"rpc":{"method":"nobody"}}
a, b: < {"id":4,"error":{"code":4001,"message":"one"}}
      < {"id":5,"publish":{}}
      < {"id":6,"rpc":{"data":true}}
      < {"id":7,"rpc":{"data":false}}
c: open /connection/websocket
   X-Tenant: {{$tenant}}x
   > {"id":1,"connect":{}}
   > {"id":2,"publish":{"channel":"chat:x","data":1}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"publish":{}}
api: PUT /api/rules {"text":"return { publish = function() return rt.deny(4002, 'two') end }"}
api: 200 {"result":{...}}
a, b: > {"id":8,"publish":{"channel":"chat:x","data":1}}
a, b: < {"id":8,"error":{"code":4002,"message":"two"}}
# flags of the tenant do not disturb its rules
api: PUT /api/flags {"flags":{"mine":true}}
api: 200 {"result":{...}}
a, b: > {"id":9,"publish":{"channel":"chat:x","data":1}}
      > {"id":10,"rpc":{"method":"mine"}}
a, b: < {"id":9,"error":{"code":4002,"message":"two"}}
      < {"id":10,"rpc":{"data":true}}
api: DELETE /api/rules
api: 200 {"result":{...}}
a, b: > {"id":11,"publish":{"channel":"chat:x","data":1}}
      > {"id":12,"rpc":{"method":"mine"}}
a, b: < {"id":11,"publish":{}}
      < {"id":12,"rpc":{"data":true}}



=== TEST 2: above the tenant's file, which is there again when it is deleted
--- over: plain
--- conversation
a: open /connection/websocket
   X-Tenant: own
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"mine"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":"own.lua"}}
api: PUT /api/rules {"text":"return { command = function(s, c) if c.method == 'other' then return rt.reply('api') end end }"}
     X-Tenant: own
api: 200 {"result":{...}}
a: > {"id":3,"rpc":{"method":"mine"}}
   > {"id":4,"rpc":{"method":"other"}}
   > {"id":5,"rpc":{"method":"everyone"}}
a: < {"id":3,"rpc":{"data":false}}
   < {"id":4,"rpc":{"data":"api"}}
   < {"id":5,"rpc":{"data":true}}
api: DELETE /api/rules
     X-Tenant: own
api: 200 {"result":{...}}
a: > {"id":6,"rpc":{"method":"mine"}}
   > {"id":7,"rpc":{"method":"other"}}
a: < {"id":6,"rpc":{"data":"own.lua"}}
   < {"id":7,"rpc":{"data":false}}



=== TEST 3: one that fails is off, until another one is given
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: PUT /api/rules {"text":"return {\n publish = function() error('no idea') end }"}
api: 200 {"result":{...}}
a: 10 x > {"id":{{$i + 2}},"publish":{"channel":"chat:x","data":1}}
a: 10 x < {"id":{{$i + 2}},"error":{"code":100,"message":"internal server error","temporary":true}}
nginx: log ~rule "publish" of "api.lua", for tenant "{{$tenant}}", failed: api.lua:2: no idea; it is off
api: PUT /api/rules {"text":"return { publish = function() return rt.allow() end }"}
api: 200 {"result":{...}}
a: > {"id":20,"publish":{"channel":"chat:x","data":1}}
a: < {"id":20,"publish":{}}
