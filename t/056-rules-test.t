# POST .../rules/test: what a rule would say, of a text or of the rule that is in
# force; and that nothing of it counts.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN { $ENV{TEST_NGINX_RULES} = dirname(abs_path($0)) . '/rules/schema' }

use RT;

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      $TEST_NGINX_RULES;
    rt_flag       on on;
    rt_flag       half 50%;
    rt_namespace  chat publish=any;
_EOC_

our $NONE = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  chat publish=any;
_EOC_

run_tests();

__DATA__

=== TEST 1: a text: verdicts, cost, log
--- conversation
api: POST /api/rules/test {"text":"return { publish = function(s, p) rt.log('x', p.data) return rt.deny(4000, s.user .. p.channel .. p.namespace .. p.size) end }","function":"publish","session":{"user":"alice"},"publication":{"channel":"chat:x","data":{"a":1}}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"rules","code":4000,"reason":"alicechat:xchat7","steps":*,"bytes":*,"microseconds":*,"log":["x {\"a\":1}"]}}
api: POST /api/rules/test {"text":"return { publish = function(s, p) local d = p.data d.b = s.claims.plan d.c = s.headers['x-y'] return rt.transform(d) end }","function":"publish","session":{"claims":{"plan":"pro"},"headers":{"x-y":"z"}},"publication":{"channel":"chat:x","data":{"a":0.5}}}
api: 200 {"result":{"verdict":"rt.transform()","rule":"rules","data":{"a":0.5,"b":"pro","c":"z"},...}}
api: POST /api/rules/test {"text":"return { connect = function(s, c) if s.data.x then return rt.deny(4001, c.name .. c.version .. s.tenant) end end }","function":"connect","session":{"data":{"x":1}},"client":{"name":"js","version":"1.2"}}
api: 200 {"result":{"verdict":"rt.deny()","code":4001,"reason":"js1.2{{$tenant}}",...}}
api: POST /api/rules/test {"text":"return { subscribe = function(s, c) if c.namespace == 'chat' and c.data == 5 and s.id == 'i' then return rt.allow() end end }","function":"subscribe","session":{"id":"i"},"channel":{"name":"chat:x","data":5}}
api: 200 {"result":{"verdict":"rt.allow()","rule":"rules",...}}
api: POST /api/rules/test {"text":"return { command = function(s, c) return rt.reply({ c.method, c.data, c.type or rt.null, c.version }) end }","function":"command","command":{"method":"m","data":[1]}}
api: 200 {"result":{"verdict":"rt.reply()","data":["m",[1],null,0],...}}
api: POST /api/rules/test {"text":"return {}","function":"connect"}
api: 200 {"result":{"verdict":"nil","steps":0,"bytes":0,"microseconds":*,"log":[]}}
api: POST /api/rules/test {"text":"return { connect = function(s) if s.claims == nil and s.headers.x == nil and s.user == nil then return rt.deny(4002) end end }","function":"connect"}
api: 200 {"result":{"verdict":"rt.deny()","code":4002,"reason":"permission denied",...}}



=== TEST 2: a text that fails
--- conversation
api: POST /api/rules/test {"text":"return {\n  publish = function()\n    error('no')\n  end }","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rules:3: no","steps":*,"bytes":*,"microseconds":*,"log":[]}}
api: POST /api/rules/test {"text":"this is none","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rules:1: '=' expected near 'is'",...}}
api: POST /api/rules/test {"text":"return { publish = function() rt.log('before') while true do end end }","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rules:1: too many steps","log":["before"],...}}
api: POST /api/rules/test {"text":"return { publish = function() return rt.reply(1) end }","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rt.reply() is no answer here",...}}
api: POST /api/rules/test {"text":"return { publish = function() return rt.durable() end }","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rt.durable() is no answer here",...}}
api: POST /api/rules/test {"text":"\nrt.schema{ type = 't' }\nreturn {}","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"error":"rules:2: rt.schema: versions: a table is expected",...}}



=== TEST 3: the rule in force, of the tenant and of all; events
--- conversation
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:seen","id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"default.lua","code":4051,"reason":"com.example.prompt 3 22 x","upgraded":{"version":3,"data":{"text":"x","tags":[]}},...}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"com.example.prompt","version":1,"data":{"prompt":5}}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"default.lua","code":422,"reason":"data.prompt: string expected, got number",...}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"other","data":1}}
api: 200 {"result":{"verdict":"rt.deny()","code":415,"reason":"unknown type, write one of com.example.prompt (1, 2, 3), com.example.ping (1)",...}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"com.example.prompt","data":{"prompt":"error"}}}
api: 200 {"result":{"error":"default.lua:16: no idea",...}}
api: POST /api/rules/test {"function":"command","command":{"method":"ask","type":"com.example.ping"}}
api: 200 {"result":{"verdict":"rt.reply()","rule":"default.lua","data":["ask",null,"com.example.ping",1,null],...}}
# a text in the place of the tenant's, before the default
api: POST /api/rules/test {"text":"return { publish = function(s, p) rt.log(p.type) end }","function":"publish","publication":{"channel":"chat:seen","type":"com.example.ping","data":{}}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"default.lua","code":4051,"reason":"com.example.ping 1 2 -","log":["com.example.ping"],...}}
b: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"com.example.order","version":9,"data":{"n":2.5}}}
   X-Tenant: acme
b: 200 {"result":{"verdict":"nil","upgraded":{"version":10,"data":{"n":2,"of":"acme"}},...}}



=== TEST 4: flags are the tenant's, and asking them is not counted
--- conversation
api: POST /api/rules/test {"text":"return { command = function() return rt.reply({ rt.flag('on'), rt.flag('off'), rt.flag('half', 'user-1'), rt.flag('half') }) end }","function":"command","session":{"user":"user-1"},"command":{"method":"m"}}
api: 200 {"result":{"verdict":"rt.reply()","data":[true,false,*,*],...}}
m: GET /metrics
m: 200 ~\A(?!.*rt_flag\w*\{[^}]*tenant="{{$tenant}}")



=== TEST 5: nothing of it counts: rules that fail stay on, live states are what they were
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"ask","data":1}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":["ask",null,null,0,1]}}
api: 30 x ask 200 POST /api/rules/test {"function":"publish","publication":{"channel":"chat:broken","data":1}}
api: 30 x ask 200 POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"com.example.prompt","data":{"prompt":"loop"}}}
a: > {"id":3,"rpc":{"method":"ask","data":1}}
a: < {"id":3,"rpc":{"data":["ask",null,null,0,1]}}
m: GET /metrics
m: 200 ~^rt_rules_asked_total\{worker="0"\} \d+$
--- no_error_log
for tenant



=== TEST 6: what is asked wrongly
--- conversation
api: POST /api/rules/test {"function":"result"}
api: 400 {"code":107,"message":"function: has to be connect, subscribe, publish or command"}
api: POST /api/rules/test {}
api: 400 {"code":107,"message":"function: ..."}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x"}}
api: 400 {"code":107,"message":"publication.data: is required"}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"none:x","data":1}}
api: 404 {"code":102,...}
api: POST /api/rules/test {"function":"publish","publication":{"channel":5,"data":1}}
api: 400 {"code":107,"message":"channel: has to be a string"}
api: POST /api/rules/test {"function":"publish","session":5,"publication":{"channel":"chat:x","data":1}}
api: 400 {"code":107,"message":"session: has to be an object"}
api: POST /api/rules/test {"function":"connect","session":{"tenant":"{{$tenant}}"}}
api: 200 {"result":{"verdict":"nil",...}}
api: POST /api/rules/test {"function":"connect","session":{"tenant":"acme"}}
api: 400 {"code":107,"message":"session.tenant: is not that of the request"}
api: POST /api/rules/test nothing
api: 400 {"code":107,...}
api: GET /api/rules/test
api: 405 *
     Allow: POST



=== TEST 7: without rt_rules
--- http_config eval: $::NONE
--- conversation
api: POST /api/rules/test {"text":"return {}","function":"connect"}
api: 404 {"code":404,"message":"*"}



=== TEST 8: the rule in force is the API's, if there is one
--- allow_log: rt_state_file
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: PUT /api/rules {"text":"rt.schema{ type = 'own', versions = { 'number' } } return { publish = function(s, p) return rt.deny(4003, 'own') end }"}
api: 200 {"result":{"version":*}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"api.lua","code":4003,"reason":"own",...}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","type":"own","data":"x"}}
api: 200 {"result":{"verdict":"rt.deny()","rule":"api.lua","code":422,"reason":"data: number expected, got string",...}}
# a text does not change it
api: POST /api/rules/test {"text":"return { publish = function() return rt.allow() end }","function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"verdict":"rt.allow()","rule":"rules",...}}
a: > {"id":2,"publish":{"channel":"chat:x","data":1}}
a: < {"id":2,"error":{"code":4003,"message":"own"}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"none"}}}}
a: < {"id":3,"error":{"code":415,"message":"unknown type, write one of own (1), com.example.prompt (1, 2, 3), com.example.ping (1)"}}
api: DELETE /api/rules
api: 200 {"result":{"version":*}}
api: POST /api/rules/test {"function":"publish","publication":{"channel":"chat:x","data":1}}
api: 200 {"result":{"verdict":"nil",...}}
