# The status of events: what has become of what was published under a key.

use RT 'redis';

our $REDIS = $RT::HTTP . <<'_EOC_';
    rt_redis      unix:$TEST_NGINX_REDIS timeout=2s backoff=10ms:50ms;
    rt_namespace  keep publish=any history=10 ttl=1m durable;
_EOC_

our $KEY = <<'_EOC_';
        location /api {
            rt_api       zone=live;
            rt_api_key   file=key;
        }
        location /status/ {
            rewrite      ^/status/(.*)$ /api/events/$1 last;
        }
        location /events {
            rt_api       zone=live;
            rt_api_key   off;
        }
_EOC_

run_tests();

__DATA__

=== TEST 1: without Redis: of a channel with a history, and of one without
--- workers: 2
--- conversation
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: GET /api/events/k1?channel=kept:x
api: 200 ~\A\{"id":"k1","channel":"kept:x","status":"accepted","offset":1,"epoch":"{{kept("e")}}","time":\d{13}\}\z
     Content-Type: application/json
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{}}
api: GET /api/events/k1?channel=open:x
api: 200 ~\A\{"id":"k1","channel":"open:x","status":"accepted","time":\d{13}\}\z
# a repeat changes nothing, nor does one that is refused
api: POST /api/publish {"channel":"kept:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*"}}
api: POST /api/publish {"channel":"kept:x","data":2,"idempotency_key":"k1"}
api: 200 {"error":{"code":409,"message":"*"}}
api: POST /api/publish {"channel":"kept:x","data":3}
api: 200 {"result":{"offset":2,"epoch":"*"}}
api: GET /api/events/k1?channel=kept:x
api: 200 ~"status":"accepted","offset":1,
api: HEAD /api/events/k1?channel=kept:x
api: 200 ~\A\z
# of no other channel, and no other key
api: GET /api/events/k1?channel=kept:y
api: 404 {"code":404,"message":"no event of this ID is known in this channel"}
api: GET /api/events/k2?channel=kept:x
api: 404 {"code":404,"message":"*"}
api: HEAD /api/events/k2?channel=kept:x
api: 404 ~\A\z



=== TEST 2: without Redis: an event of a client
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"open:x","event":{"id":"e/1","type":"t"}}}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"rpc":{"data":{"event":"e/1","status":"accepted","duplicate":false}}}
api: GET /api/events/e%2F1?channel=open%3Ax
api: 200 ~\A\{"id":"e/1","channel":"open:x","status":"accepted","time":\d{13}\}\z



=== TEST 3: it is not asked for as it has to be
--- conversation
api: GET /api/events/k1
api: 400 {"code":107,"message":"channel: is required, write events/ID?channel=NAME"}
api: GET /api/events/k1?channel=
api: 400 {"code":107,"message":"channel: is required, write events/ID?channel=NAME"}
api: GET /api/events/k1?channel=open:%zz
api: 400 {"code":107,"message":"channel: is not percent-encoded"}
api: GET /api/events/k1?channel=open:%01
api: 400 {"code":107,"message":"channel: is not a channel's name"}
api: GET /api/events/k1?channel=open:{{"x" x 255}}
api: 400 {"code":107,"message":"channel: is not a channel's name"}
api: GET /api/events/k1?channel=nope:x
api: 404 {"code":102,"message":"unknown channel"}
api: GET /api/events/?channel=open:x
api: 400 {"code":107,"message":"event: its ID has to be 1 to 255 bytes of UTF-8, percent-encoded"}
api: GET /api/events/{{"k" x 256}}?channel=open:x
api: 400 {"code":107,"message":"event: its ID..."}
api: GET /api/events/%ff?channel=open:x
api: 400 {"code":107,"message":"event: its ID..."}
api: GET /api/events/{{"%20" x 255}}?channel=open:x
api: 404 {"code":404,"message":"*"}
api: POST /api/events/k1?channel=open:x {}
api: 405 {"code":405,"message":"the method is not allowed here, see Allow"}
     Allow: GET, HEAD
api: DELETE /api/events/k1?channel=open:x
api: 405 {"code":405,"message":"*"}
     Allow: GET, HEAD
# nothing of it changes what methods are asked for
api: GET /api/publish
api: 405 {"code":405,"message":"the API takes POST only"}
     Allow: POST
api: GET /api/events
api: 404 {"code":104,"message":"method not found"}
api: GET /api/events/k1/x?channel=open:x
api: 404 {"code":104,"message":"method not found"}
api: GET /api/events/k1?channel=open:x
     X-Tenant: {{"t" x 129}}
api: 400 {"code":107,"message":"tenant: has..."}



=== TEST 4: keys, a body, other ways to get there
--- config eval: $::KEY
--- user_files
>>> ../conf/key
whole-key
acme-key acme
--- conversation
api: GET /api/events/k1?channel=open:x
api: 401 {"code":101,"message":"*"}
     WWW-Authenticate: apikey
api: GET /api/events/k1?channel=open:x
     X-API-Key: acme-key
api: 403 {"code":103,"message":"*"}
api: GET /api/events/k1?channel=open:x
     X-API-Key: acme-key
     X-Tenant: acme
api: 404 {"code":404,"message":"*"}
api: GET /api/events/k1?api_key=whole-key&channel=open:x a body that nobody reads
api: 404 {"code":404,"message":"*"}
# one that was rewritten is decoded already
api: POST /events/publish {"channel":"open:x","data":1,"idempotency_key":"a b"}
api: 200 {"result":{}}
api: GET /status/a%20b?channel=open:x&api_key=whole-key
api: 200 ~\A\{"id":"a b",
api: GET /events/a%20b?channel=open:x
api: 200 ~\A\{"id":"a b",
api: GET /events/publish?channel=open:x
api: 404 {"code":404,"message":"*"}



=== TEST 5: with Redis: durable channels, and all that is known of an event
--- http_config eval: $::REDIS
--- workers: 2
--- conversation
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*e"}}
api: GET /api/events/k1?channel=keep:x
api: 200 ~\A\{"id":"k1","channel":"keep:x","status":"accepted","offset":1,"epoch":"{{kept("e")}}","time":\d{13}\}\z
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"keep:x","event":{"id":"a:%/ \u00e9","type":"- \"t\"","version":7,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":1}}}
api: 200 {"result":{"data":{"event":"*","status":"accepted","duplicate":false,"offset":2,"epoch":"*"}}}
api: GET /api/events/a:%25%2F%20%C3%A9?channel=keep:x
api: 200 ~\A\{"id":"a:%/ \xc3\xa9","channel":"keep:x","status":"accepted","offset":2,"epoch":"{{kept("e")}}","time":\d{13},"type":"- \\"t\\"","version":7,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"\}\z
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"rpc":{"method":"rt.publish","data":{"channel":"keep:x","event":{"id":"e1","type":"-"}}}}
a: < {"id":1,"connect":{"client":"*c",...}}
   < {"id":2,"rpc":{"data":{"event":"e1","status":"accepted","duplicate":false,"offset":3,"epoch":"*"}}}
api: GET /api/events/e1?channel=keep:x
api: 200 ~"offset":3,"epoch":"\w+","time":\d{13},"session":"{{kept("c")}}","type":"-","version":1\}\z
redis: HKEYS rt:{{$tag}}:event:keep%3Ax:e1
     status
     offset
     epoch
     time
     session
     version
     type
# it ends with the window of its key
redis: until ~^(?:29\d{4}|300000)$~ PTTL rt:{{$tag}}:event:keep%3Ax:e1
# what has no key has no status, and writes none
api: POST /api/publish {"channel":"keep:y","data":1}
api: 200 {"result":{"offset":1,"epoch":"*"}}
redis: until ~\A\z~ KEYS rt:{{$tag}}:event:keep%3Ay:*
api: GET /api/events/k1?channel=keep:y
api: 404 {"code":404,"message":"*"}
api: HEAD /api/events/e1?channel=keep:x
api: 200 ~\A\z



=== TEST 6: with Redis: fast channels, and one that nobody has finished
--- http_config eval: $::REDIS
--- conversation
api: POST /api/publish {"channel":"open:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{}}
api: GET /api/events/k1?channel=open:x
api: 200 ~\A\{"id":"k1","channel":"open:x","status":"accepted","time":\d{13}\}\z
api: POST /api/rpc {"method":"rt.publish","params":{"channel":"kept:x","event":{"id":"e1","type":"t"}}}
api: 200 {"result":{"data":{"event":"e1","status":"accepted","duplicate":false,"offset":1,"epoch":"*e"}}}
api: GET /api/events/e1?channel=kept:x
api: 200 ~\A\{"id":"e1","channel":"kept:x","status":"accepted","offset":1,"epoch":"{{kept("e")}}","time":\d{13},"type":"t","version":1\}\z
# another node has the key, and has not said what became of it
redis: SET rt:{{$tag}}:idem:open%3Ax:k2 "0123 claim 5a8a0a2e-1f6d-4a39-9a59-0c3a4d4f2b11-1"
api: GET /api/events/k2?channel=open:x
api: 200 {"id":"k2","channel":"open:x","status":"pending"}
# the status was lost, the first result was not
redis: DEL rt:{{$tag}}:event:kept%3Ax:e1
api: GET /api/events/e1?channel=kept:x
api: 200 ~\A\{"id":"e1","channel":"kept:x","status":"accepted","offset":1,"epoch":"{{kept("e")}}","time":\d{13}\}\z
# nothing more was to be said of this one
redis: EXISTS rt:{{$tag}}:event:open%3Ax:k1
       0
api: GET /api/events/k1?channel=open:x
api: 200 ~\A\{"id":"k1","channel":"open:x","status":"accepted","time":\d{13}\}\z



=== TEST 7: with Redis: what was written by others
--- http_config eval: $::REDIS
--- conversation
redis: HSET rt:{{$tag}}:event:open%3Ax:a status running attempts 2 offset 5 time x version -1 type "{{"\xff"}}"
api: GET /api/events/a?channel=open:x
api: 200 {"id":"a","channel":"open:x","status":"running"}
redis: HSET rt:{{$tag}}:event:open%3Ax:b offset 5
api: GET /api/events/b?channel=open:x
api: 404 {"code":404,"message":"*"}
redis: SET rt:{{$tag}}:event:open%3Ax:c x
api: GET /api/events/c?channel=open:x
api: 503 {"code":100,"message":"Redis did not say, try again"}
     Retry-After: 1
redis: SCRIPT FLUSH
api: GET /api/events/a?channel=open:x
api: 200 {"id":"a","channel":"open:x","status":"running"}



=== TEST 8: Redis is away, and comes back
--- http_config eval: $::REDIS
--- conversation
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*"}}
redis: kill
api: GET /api/events/k1?channel=keep:x
api: 503 {"code":100,"message":"Redis did not say, try again"}
     Retry-After: 1
api: HEAD /api/events/k1?channel=keep:x
api: 503 ~\A\z
     Retry-After: 1
redis: start
api: GET /api/events/k1?channel=keep:x
api: until 200 ~"status":"accepted","offset":1,
# one that was asked, and stands still; who asks leaves before
redis: stop
b: GET /api/events/k1?channel=keep:x
b: gone
api: GET /api/events/k1?channel=keep:x
api: 503 {"code":100,"message":"*"}
redis: cont
api: GET /api/events/k1?channel=keep:x
api: until 200 ~"status":"accepted","offset":1,



=== TEST 9: of one's own tenant only
--- http_config eval: $::REDIS
--- conversation
api: POST /api/publish {"channel":"keep:x","data":1,"idempotency_key":"k1"}
api: 200 {"result":{"offset":1,"epoch":"*"}}
api: GET /api/events/k1?channel=keep:x
     X-Tenant: {{$tenant}}2
api: 404 {"code":404,"message":"*"}
api: GET /api/events/k1?channel=keep:x
api: 200 ~"status":"accepted"
