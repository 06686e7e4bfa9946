# Who comes back gets what it missed, or is told that it cannot be had.

use RT;

run_tests();

__DATA__

=== TEST 1: what was missed comes with the reply, then what is new
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"*e"}}
api: 2 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 2 x 200 {"result":{...}}
a: 2 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
a: gone
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i + 2}}}
api: 3 x 200 {"result":{...}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":2,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"publications":[{"data":3,"offset":3},{"data":4,"offset":4},{"data":5,"offset":5}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":2}}
api: POST /api/publish {"channel":"kept:x","data":6}
api: 200 {"result":{...}}
a: < {"push":{"channel":"kept:x","pub":{"data":6,"offset":6}}}
a: silent



=== TEST 2: who missed nothing has recovered; who asks for nothing gets nothing
--- conversation
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":3,"epoch":"{{kept("e")}}"}}
   > {"id":3,"subscribe":{"channel":"kept:new","recover":true,"offset":0}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":3}}
   < {"id":3,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"*"}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","offset":1,"epoch":"{{kept("e")}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":3}}
# without an epoch any is right
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":1}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"publications":[{"data":2,"offset":2},{"data":3,"offset":3}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":1}}



=== TEST 3: what cannot be had: it has gone, is of another epoch, or to come
--- conversation
api: 15 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 15 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":4,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":15}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":14,"epoch":"_"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":15}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":16,"epoch":"{{kept("e")}}"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":15}}
d: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":5,"epoch":"{{kept("e")}}"}}
d: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recovered":true,"publications":[{"data":6,...},{...},{...},{...},{...},{...},{...},{...},{...},{"data":15,...}],"offset":5,...}}
api: POST /api/publish {"channel":"kept:x","data":16}
api: 200 {"result":{...}}
a, b, c, d: < {"push":{"channel":"kept:x","pub":{"data":16,"offset":16}}}



=== TEST 4: another tenant's position is nothing here
--- conversation
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 3 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
b: open /connection/websocket
   X-Tenant: {{$tenant}}b
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":0,"epoch":"{{kept("e")}}"}}
   > {"id":3,"history":{"channel":"kept:x","limit":-1}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"*f"}}
b: < {"id":3,"history":{"epoch":"{{kept("f")}}"}}



=== TEST 5: cache: the latest publication comes with the reply
--- http_config
    rt_zone      $http_x_tenant zone=live:8m;
    rt_namespace last publish=any history=3 ttl=1m cache;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"last:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"*e"}}
api: 5 x POST /api/publish {"channel":"last:x","data":{{$i}}}
api: 5 x 200 {"result":{...}}
a: 5 x < {"push":{"channel":"last:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"last:x"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"publications":[{"data":5,"offset":5}],"epoch":"{{kept("e")}}","offset":5}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"last:x","recover":true,"offset":1,"epoch":"gone"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"publications":[{"data":5,"offset":5}],"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":5}}
d: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"last:x","recover":true,"offset":5,"epoch":"{{kept("e")}}"}}
d: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":5}}



=== TEST 6: on other workers: all are at the same place
--- workers: 4
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"kept:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{"epoch":"*e",...}}
nginx: pids >= 3 of s1..s16
api: 30 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 30 x 200 {"result":{"offset":{{$i}},"epoch":"{{kept("e")}}"}}
s1..s16: 30 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
r1..r16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":28,"epoch":"{{kept("e")}}"}}
r1..r16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{"recovered":true,"publications":[{"data":29,...},{"data":30,...}],"offset":28,...}}
nginx: pids >= 3 of r1..r16
api: 5 x POST /api/publish {"channel":"kept:x","data":{{$i + 30}}}
api: 5 x 200 {"result":{...}}
s1..s16, r1..r16: 5 x < {"push":{"channel":"kept:x","pub":{"data":{{$i + 30}},"offset":{{$i + 30}}}}}
s1..s16, r1..r16: silent



=== TEST 7: a worker is killed: its clients miss nothing
--- workers: 4
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"kept:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{"epoch":"*e",...}}
nginx: pids >= 3 of s1..s16
api: 3 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 3 x 200 {"result":{...}}
s1..s16: 3 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
nginx: kill KILL s1
nginx: left s1
s1: eof
s1..s16: gone
api2: 4 x POST /api/publish {"channel":"kept:x","data":{{$i + 3}}}
api2: 4 x 200 {"result":{"offset":{{$i + 3}},"epoch":"{{kept("e")}}"}}
t: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":3,"epoch":"{{kept("e")}}"}}
t: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recovered":true,"publications":[{"data":4,...},{"data":5,...},{"data":6,...},{"data":7,...}],"offset":3,...}}



=== TEST 8: a reload keeps what is kept
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"epoch":"*e",...}}
api: 2 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 2 x 200 {"result":{...}}
a: 2 x < {"push":{"channel":"kept:x","pub":{"data":{{$i}},"offset":{{$i}}}}}
nginx: reload
a: closed 3001 shutdown
api2: POST /api/publish {"channel":"kept:x","data":3}
api2: 200 {"result":{"offset":3,"epoch":"{{kept("e")}}"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":2,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recovered":true,"publications":[{"data":3,"offset":3}],"offset":2,...}}



=== TEST 9: who is subscribed by the backend is told where the channel is
--- conversation
api: 2 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 2 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   X-User: ann
   > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
api: POST /api/subscribe {"user":"ann","channel":"kept:x","data":{"a":1}}
api: 200 {"result":{}}
a: < {"push":{"channel":"kept:x","subscribe":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":2,"data":{"a":1}}}}
api: POST /api/publish {"channel":"kept:x","data":3}
api: 200 {"result":{...}}
a: < {"push":{"channel":"kept:x","pub":{"data":3,"offset":3}}}



=== TEST 10: the backend subscribes from where it says that the client is
--- http_config
    rt_zone      $http_x_tenant zone=live:8m;
    rt_user      $http_x_user;
    rt_namespace kept publish=any history=3 ttl=1m;
    rt_namespace last publish=any history=3 ttl=1m cache;
    rt_namespace news publish=any;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
--- conversation
api: 5 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 5 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
api: 2 x POST /api/publish {"channel":"last:x","data":{{$i}}}
api: 2 x 200 {"result":{"offset":{{$i}},"epoch":"*f"}}
a, b, c, d, e, f: open /connection/websocket
   X-User: {{$me}}
   > {"id":1,"connect":{}}
a, b, c, d, e, f: < {"id":1,"connect":{...}}
# what was missed follows, and then what is new
api: POST /api/subscribe {"user":"a","channel":"kept:x","recover_since":{"offset":3,"epoch":"{{kept("e")}}"},"data":"hello","info":7}
api: 200 {"result":{}}
a: < {"push":{"channel":"kept:x","subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":3,"data":"hello"}}}
   < {"push":{"channel":"kept:x","pub":{"data":4,"offset":4}}}
   < {"push":{"channel":"kept:x","pub":{"data":5,"offset":5}}}
# nothing was missed; the epoch is not said
api: POST /api/subscribe {"user":"b","channel":"kept:x","recover_since":{"offset":5}}
api: 200 {"result":{}}
b: < {"push":{"channel":"kept:x","subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"recovered":true,"epoch":"{{kept("e")}}","offset":5}}}
# too much was; another epoch
api: POST /api/subscribe {"user":"c","channel":"kept:x","recover_since":{"offset":1,"epoch":"{{kept("e")}}"}}
api: 200 {"result":{}}
api: POST /api/subscribe {"user":"d","channel":"kept:x","recover_since":{"offset":4,"epoch":"{{"x" x 3000}}"}}
api: 200 {"result":{}}
c, d: < {"push":{"channel":"kept:x","subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":5}}}
# the latest of a cache, asked or not
api: POST /api/subscribe {"user":"e","channel":"last:x"}
api: 200 {"result":{}}
e: < {"push":{"channel":"last:x","subscribe":{"recoverable":true,"positioned":true,"recovered":true,"epoch":"{{kept("f")}}","offset":1}}}
   < {"push":{"channel":"last:x","pub":{"data":2,"offset":2}}}
# no history: nothing to recover
api: POST /api/subscribe {"user":"f","channel":"news:x","recover_since":{"offset":4,"epoch":"x"}}
api: 200 {"result":{}}
f: < {"push":{"channel":"news:x","subscribe":{}}}
api: POST /api/publish {"channel":"kept:x","data":6}
api: 200 {"result":{"offset":6,"epoch":"{{kept("e")}}"}}
a, b, c, d: < {"push":{"channel":"kept:x","pub":{"data":6,"offset":6}}}
a, b, c, d, e, f: silent



=== TEST 11: who wants no subscription with a hole gets an error, and has none
--- conversation
api: 15 x POST /api/publish {"channel":"kept:x","data":{{$i}}}
api: 15 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","recover":true,"offset":4,"epoch":"{{kept("e")}}","flag":3}}
   > {"id":3,"history":{"channel":"kept:x"}}
   > {"id":4,"subscribe":{"channel":"kept:x","recover":true,"offset":14,"epoch":"{{kept("e")}}","flag":3}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"error":{"code":112,"message":"unrecoverable position"}}
   < {"id":3,"error":{"code":103,"message":"permission denied"}}
   < {"id":4,"subscribe":{"recovered":true,"publications":[{"data":15,"offset":15}],...}}
# one that asks for nothing; the other flag; no history
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"kept:x","flag":2}}
   > {"id":3,"subscribe":{"channel":"kept:y","recover":true,"offset":4,"epoch":"x","flag":1}}
   > {"id":4,"subscribe":{"channel":"chat:x","recover":true,"offset":4,"epoch":"x","flag":2}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"{{kept("e")}}","offset":15}}
   < {"id":3,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"*"}}
   < {"id":4,"subscribe":{}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"kept:x":{"num_clients":2},"kept:y":{"num_clients":1},"chat:x":{"num_clients":1}}}}



=== TEST 12: more was missed than a reply may have
--- http_config
    rt_zone      $http_x_tenant zone=live:8m;
    rt_namespace many publish=any history=1000 ttl=1m;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
--- conversation
api: 310 x POST /api/publish {"channel":"many:x","data":{{$i}}}
api: 310 x 200 {"result":{"offset":{{$i}},"epoch":"*e"}}
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"many:x","recover":true,"offset":9,"epoch":"{{kept("e")}}"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recoverable":true,"positioned":true,"was_recovering":true,"epoch":"{{kept("e")}}","offset":310}}
b: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"many:x","recover":true,"offset":10,"epoch":"{{kept("e")}}"}}
b: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recovered":true,"offset":10,...}}
# bytes: what does not fit follows in order
api: 40 x POST /api/publish {"channel":"many:y","data":"{{$i}} {{"x" x 20000}}"}
api: 40 x 200 {"result":{"offset":{{$i}},"epoch":"*f"}}
c: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"many:y","recover":true,"offset":0,"epoch":"{{kept("f")}}"}}
c: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{"recovered":true,"publications":[{"offset":1,...},{"offset":2,...},{"offset":3,...},{"offset":4,...},{"offset":5,...},{"offset":6,...},{"offset":7,...},{"offset":8,...},{"offset":9,...},{"offset":10,...},{"offset":11,...},{"offset":12,...},{"offset":13,...},{"offset":14,...}],...}}
c: 26 x < {"push":{"channel":"many:y","pub":{"offset":{{$i + 14}},...}}}
c: silent



=== TEST 13: what is not kept is lost to who does not keep up, and counted
--- http_config
    rt_zone      $http_x_tenant zone=live:32m;
    rt_namespace many publish=any history=400 ttl=1m;
    rt_max_queue 128k;
    rt_close_timeout 100ms;
    rt_drain window=50ms;
--- conversation
slow: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"many:x"}}
slow: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{...}}
slow: deaf
api: 300 x ask 200 POST /api/publish {"channel":"many:x","data":"{{"x" x 30000}}"}
api: 3 x ask 200 POST /api/publish {"channel":"many:x","data":1,"skip_history":true}
m: GET /metrics
m: until 200 ~^rt_tenant_drops_total\{zone="live",tenant="{{$tenant}}"\} 3$
# all that is kept, and a message that three are lost
slow: listens
slow: 301 x < {"push":{...}}
slow: silent
