# rt.schema: events of a type and a version that a tenant's rules know, with the
# data that they ask for; older ones are made the newest.  The rules are those
# of t/rules/schema.

use Cwd qw(abs_path);
use File::Basename qw(dirname);

BEGIN {
    my $from = dirname(abs_path($0)) . '/rules/schema';
    my $to = ($ENV{TEST_NGINX_SERVROOT} || "$from/../../../build/servroot")
             . '-schema';

    system('mkdir', '-p', $to) == 0
        && system('cp', '-r', $from, $to) == 0 or die "$to\n";

    $ENV{TEST_NGINX_RULES} = "$to/schema";
    $ENV{TEST_NGINX_CHANGING} = "$to/changing";
}

use RT 'redis';

# the rule of a tenant whose newest version is N: what a version adds
sub newest {
    my $n = shift;
    my $folder = $ENV{TEST_NGINX_CHANGING};

    mkdir $folder;
    open my $file, '>', "$folder/default.lua" or die "$folder: $!\n";

    print $file "rt.schema{ type = 't', versions = { ",
                '"object", ' x $n, "},\n  upgrade = { ",
                map({ "function(d) d.v$_ = $_ return d end, " } 1 .. $n - 1),
                "} }\nreturn {}\n";
    close $file;

    return '';
}

newest(2);

$RT::HTTP = <<'_EOC_';
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      $TEST_NGINX_RULES;
    rt_namespace  chat publish=any;
    rt_namespace  kept publish=any history=10 ttl=1m;
    rt_drain      window=50ms;
_EOC_

our $LIMITED = $RT::HTTP . <<'_EOC_';
    rt_limit      bytes namespace=chat rate=1k/s burst=66k;
    rt_limit      publish namespace=kept rate=1r/s burst=2;
_EOC_

our $CHANGING = $RT::HTTP =~ s/RULES/CHANGING/r;

our $DURABLE = $CHANGING . <<'_EOC_';
    rt_redis      unix:$TEST_NGINX_REDIS timeout=2s backoff=10ms:50ms;
    rt_namespace  keep publish=any history=10 ttl=1m durable;
_EOC_

our $PASS = $RT::HTTP . "    rt_rules_on_error pass;\n";

run_tests();

__DATA__

=== TEST 1: an event of the newest version passes byte for byte
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i1","type":"com.example.prompt","version":3,"data":{"tags":["\u0061"],"seed":1.0,"text" : "x","more":[0.10]}}}}}
b: < {"id":3,"rpc":{"data":{"event":"i1","status":"accepted","duplicate":false}}}
a: <= {"push":{"channel":"chat:x","pub":{"data":{"tags":["\u0061"],"seed":1.0,"text" : "x","more":[0.10]},"info":{"client":"{{kept("b")}}"},"tags":{"event":"i1","type":"com.example.prompt","version":"3"}}}}
# a publication without an event is not concerned
b: > {"id":4,"publish":{"channel":"chat:x","data":{"text":5}}}
b: < {"id":4,"publish":{}}
a: < {"push":{"channel":"chat:x","pub":{"data":{"text":5},"info":{...}}}}
# the API is not judged
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"chat:x","event":{"id":"i2","type":"whatever","data":1}}}
api: 200 {"result":{"data":{"event":"i2","status":"accepted","duplicate":false}}}
a: < {"push":{"channel":"chat:x","pub":{"data":1,"tags":{"event":"i2","type":"whatever","version":"1"}}}}


=== TEST 2: an older one becomes the newest
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{"client":"*a",...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i1","type":"com.example.prompt","data":{"prompt":"x","more":1}}}}}
a: < {"id":3,"rpc":{"data":{"event":"i1","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"chat:x","pub":{"data":{"text":"x","tags":[]},"info":{...},"tags":{"event":"i1","type":"com.example.prompt","version":"3"}}}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i2","type":"com.example.prompt","version":2,"data":{"prompt":"y","options":{},"tags":["a"]}}}}}
a: < {"id":3,"rpc":{"data":{"event":"i2","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"chat:x","pub":{"data":{"text":"y","tags":["a"]},"info":{...},"tags":{"event":"i2","type":"com.example.prompt","version":"3"}}}}
# the rule sees what has become of it, and what it makes of that is published
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:seen","event":{"id":"i3","type":"com.example.prompt","version":1,"data":{"prompt":"some"}}}}}
a: < {"id":3,"error":{"code":4051,"message":"com.example.prompt 3 25 some"}}
a: > {"id":3,"subscribe":{"channel":"chat:changed"}}
a: < {"id":3,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:changed","event":{"id":"i4","type":"com.example.prompt","version":1,"data":{"prompt":"some"}}}}}
a: < {"id":3,"rpc":{"data":{"event":"i4","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"chat:changed","pub":{"data":["some",7],"info":{...},"tags":{"event":"i4","type":"com.example.prompt","version":"3"}}}}
# so does that of a tenant without types of its own
s: open /connection/websocket
   X-Tenant: silent
   > {"id":1,"connect":{}}
s: < {"id":1,"connect":{...}}
s: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:seen","event":{"id":"i3","type":"com.example.prompt","version":1,"data":{"prompt":"some"}}}}}
s: < {"id":3,"error":{"code":4051,"message":"com.example.prompt 3 25 some"}}


=== TEST 3: what is refused, and why
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.other","version":1,"data":1}}}}
b: < {"id":3,"error":{"code":415,"message":"unknown type, write one of com.example.prompt (1, 2, 3), com.example.ping (1)"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":4,"data":{}}}}}
b: < {"id":3,"error":{"code":415,"message":"version 4 of com.example.prompt is not accepted, write one of 1, 2, 3"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":0,"data":{}}}}}
b: < {"id":3,"error":{"code":415,"message":"version 0 of com.example.prompt is not accepted, write one of 1, 2, 3"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":5}}}}}
b: < {"id":3,"error":{"code":422,"message":"data.prompt: string expected, got number"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":2,"data":{"prompt":"x","options":{"temperature":"hot"}}}}}}
b: < {"id":3,"error":{"code":422,"message":"data.options.temperature: number expected, got string"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":3,"data":{"text":"x","tags":["a",5]}}}}}
b: < {"id":3,"error":{"code":422,"message":"data.tags[2]: string expected, got number"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":3,"data":{"text":"x"}}}}}
b: < {"id":3,"error":{"code":422,"message":"data.tags: array expected, got nothing"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt"}}}}
b: < {"id":3,"error":{"code":422,"message":"data: object expected, got null"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"denied"}}}}}
b: < {"id":3,"error":{"code":4050,"message":"not that"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"large"}}}}}
b: < {"id":3,"error":{"code":106,"message":"limit exceeded"}}
# who may not publish hears that first
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"none:x","event":{"id":"i","type":"com.example.other","version":1,"data":1}}}}
b: < {"id":3,"error":{"code":102,"message":"unknown channel"}}


=== TEST 4: an upgrade that fails
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"error"}}}}}
b: < {"id":3,"error":{"code":422,"message":"version 1 of com.example.prompt cannot be upgraded"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"wrong"}}}}}
b: < {"id":3,"error":{"code":422,"message":"version 1 of com.example.prompt cannot be upgraded"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"loop"}}}}}
b: < {"id":3,"error":{"code":422,"message":"version 1 of com.example.prompt cannot be upgraded"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"x","deep":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}}}}
b: < {"id":3,"error":{"code":422,"message":"data is nested too deep to be upgraded"}}
# and the next is well
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"i","status":"accepted","duplicate":false}}}
--- error_log
rule "publish" of "default.lua", for tenant
no idea



=== TEST 5: rt_rules_on_error pass lets no event past a schema
--- over: plain
--- http_config eval: $::PASS
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"loop"}}}}}
b: < {"id":3,"error":{"code":422,"message":"version 1 of com.example.prompt cannot be upgraded"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:broken","event":{"id":"i","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"i","status":"accepted","duplicate":false}}}
b: 8 x > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"j","type":"com.example.prompt","version":1,"data":{"prompt":"error"}}}}}
b: 8 x < {"id":3,"error":{"code":422,"message":"version 1 of com.example.prompt cannot be upgraded"}}
# it is off
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"j","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}
b: > {"id":4,"publish":{"channel":"chat:broken","data":1}}
b: < {"id":4,"publish":{}}
--- error_log
no idea; it is off for 10 seconds



=== TEST 6: a tenant's own types come first
--- conversation
a: open /connection/websocket
   X-Tenant: acme
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"chat:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"{{$port}}1","type":"com.example.order","version":9,"data":{"n":2.5}}}}}
a: < {"id":3,"rpc":{"data":{"event":"{{$port}}1","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"chat:x","pub":{"data":{"n":2,"of":"acme"},"info":{...},"tags":{"event":"*","type":"com.example.order","version":"10"}}}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"{{$port}}2","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
a: < {"id":3,"rpc":{"data":{"event":"{{$port}}2","status":"accepted","duplicate":false}}}
   | {"push":{"channel":"chat:x","pub":{"data":{"text":"x","tags":[]},"info":{...},"tags":{"event":"*","type":"com.example.prompt","version":"3"}}}}
# its own ping is another one
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.ping","version":1,"data":1}}}}
a: < {"id":3,"error":{"code":422,"message":"data: object expected, got number"}}
a: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.other","version":1,"data":1}}}}
a: < {"id":3,"error":{"code":415,"message":"unknown type, write one of com.example.order (9, 10), com.example.ping (1), com.example.prompt (1, 2, 3)"}}
# and nobody else's
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.order","version":9,"data":{"n":2}}}}}
b: < {"id":3,"error":{"code":415,"message":"unknown type, write one of com.example.prompt (1, 2, 3), com.example.ping (1)"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i","type":"com.example.ping","version":1,"data":1}}}}
b: < {"id":3,"rpc":{"data":{"event":"i","status":"accepted","duplicate":false}}}


=== TEST 7: commands that are events
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"e","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}
b: < {"id":3,"rpc":{"data":["ask","e","com.example.prompt",3,{"text":"x","tags":[]}]}}
b: > {"id":3,"rpc":{"method":"ask","data":{"specversion":"1.0","source":"/x","id":"\u0065","type":"com.example.prompt","version":3,"data":{"text":"x","tags":["y"]}}}}
b: < {"id":3,"rpc":{"data":["ask","e","com.example.prompt",3,{"text":"x","tags":["y"]}]}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"e","type":"com.example.prompt","data":{"prompt":null}}}}
b: < {"id":3,"error":{"code":422,"message":"data.prompt: string expected, got null"}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"e","type":"other"}}}
b: < {"id":3,"error":{"code":415,"message":"unknown type, write one of com.example.prompt (1, 2, 3), com.example.ping (1)"}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"e","type":"com.example.prompt","version":"1"}}}
b: < {"id":3,"rpc":{"data":["ask",null,null,0,{"id":"e","type":"com.example.prompt","version":"1"}]}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"","type":"com.example.prompt"}}}
b: < {"id":3,"error":{"code":107,"message":"bad request"}}
b: > {"id":3,"rpc":{"method":"ask","data":{"id":"e","type":"com.example.prompt","version":1.5}}}
b: < {"id":3,"error":{"code":107,"message":"bad request"}}
# what is no event is whatever it is
b: > {"id":3,"rpc":{"method":"ask","data":{"id":5,"type":"\u0078"}}}
b: < {"id":3,"rpc":{"data":["ask",null,null,0,{"id":5,"type":"x"}]}}
b: > {"id":3,"rpc":{"method":"ask","data":[1]}}
b: < {"id":3,"rpc":{"data":["ask",null,null,0,[1]]}}
b: > {"id":3,"rpc":{"method":"ask"}}
b: < {"id":3,"rpc":{"data":["ask",null,null,0]}}


=== TEST 8: a retry over a change of the rules is known
--- http_config eval: $::CHANGING
--- conversation
api: ask 200 POST /api/info {{main::newest(2)}}{}
z: open /connection/websocket
   > {"id":1,"connect":{}}
z: < {"id":1,"connect":{...}}
nginx: reload
z: closed 3001 *
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":false,"offset":1,"epoch":"*"}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true,"offset":1,"epoch":"*"}}}
# what it would become is other content
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"t","version":2,"data":{"a":0.1,"v1":1}}}}}
b: < {"id":3,"error":{"code":409,"message":"the key was used with other content"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.1}}}}}
b: < {"id":3,"error":{"code":409,"message":"the key was used with other content"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k2","type":"t","version":2,"data":{"a":2}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k2","status":"accepted","duplicate":false,"offset":2,"epoch":"*"}}}
api: ask 200 POST /api/info {{main::newest(3)}}{}
nginx: reload
b: closed 3001 *
c: open /connection/websocket
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true,"offset":1,"epoch":"*"}}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k2","type":"t","version":2,"data":{"a":2}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k2","status":"accepted","duplicate":true,"offset":2,"epoch":"*"}}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k3","type":"t","version":1,"data":{"a":3}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k3","status":"accepted","duplicate":false,"offset":3,"epoch":"*"}}}
api: POST /api/history {"channel":"kept:x","limit":10}
api: 200 {"result":{"publications":[{"data":{"a":0.1,"v1":1},"tags":{"event":"k1","type":"t","version":"2"},...},{"data":{"a":2},"tags":{"event":"k2","type":"t","version":"2"},...},{"data":{"a":3,"v1":1,"v2":2},"tags":{"event":"k3","type":"t","version":"3"},...}],...}}
api: GET /api/events/k3?channel=kept:x
api: 200 ~"status":"accepted","offset":3



=== TEST 9: the same in Redis
--- http_config eval: $::DURABLE
--- conversation
api: ask 200 POST /api/info {{main::newest(2)}}{}
z: open /connection/websocket
   > {"id":1,"connect":{}}
z: < {"id":1,"connect":{...}}
nginx: reload
z: closed 3001 *
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{"client":"*b",...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":false,"offset":1,"epoch":"*"}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true,"offset":1,"epoch":"*"}}}
# what it would become is other content
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k1","type":"t","version":2,"data":{"a":0.1,"v1":1}}}}}
b: < {"id":3,"error":{"code":409,"message":"the key was used with other content"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.1}}}}}
b: < {"id":3,"error":{"code":409,"message":"the key was used with other content"}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k2","type":"t","version":2,"data":{"a":2}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k2","status":"accepted","duplicate":false,"offset":2,"epoch":"*"}}}
api: ask 200 POST /api/info {{main::newest(3)}}{}
nginx: reload
b: closed 3001 *
c: open /connection/websocket
   > {"id":1,"connect":{}}
c: < {"id":1,"connect":{...}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k1","type":"t","version":1,"data":{"a":0.10}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k1","status":"accepted","duplicate":true,"offset":1,"epoch":"*"}}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k2","type":"t","version":2,"data":{"a":2}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k2","status":"accepted","duplicate":true,"offset":2,"epoch":"*"}}}
c: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"k3","type":"t","version":1,"data":{"a":3}}}}}
c: < {"id":3,"rpc":{"data":{"event":"k3","status":"accepted","duplicate":false,"offset":3,"epoch":"*"}}}
api: POST /api/history {"channel":"keep:x","limit":10}
api: 200 {"result":{"publications":[{"data":{"a":0.1,"v1":1},"tags":{"event":"k1","type":"t","version":"2"},...},{"data":{"a":2},"tags":{"event":"k2","type":"t","version":"2"},...},{"data":{"a":3,"v1":1,"v2":2},"tags":{"event":"k3","type":"t","version":"3"},...}],...}}
api: GET /api/events/k3?channel=keep:x
api: 200 ~"type":"t","version":3



=== TEST 10: limits stand behind upgrades: charged is what they make
--- http_config eval: $::LIMITED
--- conversation
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i1","type":"com.example.prompt","version":1,"data":{"prompt":"big"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"i1","status":"accepted","duplicate":false}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i2","type":"com.example.prompt","version":1,"data":{"prompt":"big"}}}}}
b: < {"id":3,"error":{"code":111,...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"chat:x","event":{"id":"i3","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"i3","status":"accepted","duplicate":false}}}
# what is refused by a schema costs nothing, and what is said again neither
b: 5 x > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"z","type":"com.example.prompt","version":9,"data":{"prompt":"x"}}}}}
b: 5 x < {"id":3,"error":{"code":415,...}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","duplicate":false,...}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k1","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k1","duplicate":true,...}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k2","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"rpc":{"data":{"event":"k2","duplicate":false,...}}}
b: > {"id":3,"rpc":{"method":"rt.publish","data":{"channel":"kept:x","event":{"id":"k3","type":"com.example.prompt","version":1,"data":{"prompt":"x"}}}}}
b: < {"id":3,"error":{"code":111,...}}
