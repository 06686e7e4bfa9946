# Four workers: every subscriber hears all, in order, wherever it sits; and
# the death of a worker harms nobody but its own connections.

use RT;

run_tests();

__DATA__

=== TEST 1: subscribers on all workers hear all, in order
They are read one after the other, so their pings wait.
--- workers: 4
--- more_http_config
    rt_ping_interval 10m;
--- conversation
p: open /connection/websocket
   > {"id":1,"connect":{}}
p: < {"id":1,"connect":{...}}
s1..s24: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"open:x"}}
s1..s24: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of s1..s24
p: 200 x > {"id":{{$i + 1}},"publish":{"channel":"open:x","data":{{$i}}}}
p: 200 x < {"id":{{$i + 1}},"publish":{}}
s1..s24: 200 x < {"push":{"channel":"open:x","pub":{"data":{{$i}},...}}}
api: 200 x POST /api/publish {"channel":"open:x","data":{{$i}}}
api: 200 x 200 {"result":{}}
s1..s24: 200 x < {"push":{"channel":"open:x","pub":{"data":{{$i}}}}}
s1..s24: silent



=== TEST 2: one at a time, from a publisher on each of several workers
--- workers: 4
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"open:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
p1..p16: open /connection/websocket
         > {"id":1,"connect":{}}
p1..p16: < {"id":1,"connect":{...}}
nginx: pids >= 3 of s1..s16
nginx: pids >= 3 of p1..p16
p1..p16: > {"id":2,"publish":{"channel":"open:x","data":1}}
p1..p16: < {"id":2,"publish":{}}
s1..s16: 16 x < {"push":{"channel":"open:x","pub":{"data":1,...}}}
p1: > {"id":3,"publish":{"channel":"open:x","data":2}}
s1..s16: < {"push":{"channel":"open:x","pub":{"data":2,...}}}
p1: < {"id":3,"publish":{}}
p2: > {"id":3,"publish":{"channel":"open:x","data":3}}
s1..s16: < {"push":{"channel":"open:x","pub":{"data":3,...}}}
p2: < {"id":3,"publish":{}}
p3: > {"id":3,"publish":{"channel":"open:x","data":4}}
s1..s16: < {"push":{"channel":"open:x","pub":{"data":4,...}}}
p3: < {"id":3,"publish":{}}
p4: > {"id":3,"publish":{"channel":"open:x","data":5}}
s1..s16: < {"push":{"channel":"open:x","pub":{"data":5,...}}}
p4: < {"id":3,"publish":{}}
s1..s16: silent



=== TEST 3: tenants stay apart over workers
--- workers: 4
--- conversation
a1..a12: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
b1..b12: open /connection/websocket
         X-Tenant: {{$tenant}}b
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
a1..a12: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
b1..b12: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of a1..a12, b1..b12
api: 20 x POST /api/publish {"channel":"chat:x","data":"a{{$i}}"}
api: 20 x 200 {"result":{}}
apib: 20 x POST /api/publish {"channel":"chat:x","data":"b{{$i}}"}
      X-Tenant: {{$tenant}}b
apib: 20 x 200 {"result":{}}
a1..a12: 20 x < {"push":{"channel":"chat:x","pub":{"data":"a{{$i}}"}}}
b1..b12: 20 x < {"push":{"channel":"chat:x","pub":{"data":"b{{$i}}"}}}
a1..a12: silent
b1..b12: silent



=== TEST 4: the counts are those of all workers
--- workers: 4
--- conversation
s1..s20: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s20: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of s1..s20
api: POST /api/channels {}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":20}}}}
s1..s10: > {"id":3,"unsubscribe":{"channel":"chat:x"}}
s1..s10: < {"id":3,"unsubscribe":{}}
api: POST /api/channels {}
api: 200 {"result":{"channels":{"chat:x":{"num_clients":10}}}}
s11..s20: gone
api: POST /api/channels {}
api: until 200 {"result":{"channels":{}}}



=== TEST 5: a worker is killed: the others go on, its clients come back
--- workers: 4
--- conversation
s1..s24: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
s1..s24: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
nginx: pids >= 3 of s1..s24
api: 20 x POST /api/publish {"channel":"chat:x","data":{{$i}}}
api: 20 x 200 {"result":{}}
s1..s24: 20 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}}}}}
nginx: kill KILL s1
nginx: left s1
s1: eof
# a connection that was on the killed worker is gone, the others are not
s1..s24: if gone open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"chat:x"}}
         < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"chat:x":{"num_clients":24}}}}
api: 50 x POST /api/publish {"channel":"chat:x","data":{{$i}}}
api: 50 x 200 {"result":{}}
s1..s24: 50 x < {"push":{"channel":"chat:x","pub":{"data":{{$i}}}}}
s1..s24: silent
s1..s24: gone
api: POST /api/channels {}
api: until 200 {"result":{"channels":{}}}



=== TEST 6: several are killed in the middle of publishing
--- workers: 4
--- conversation
s1..s16: open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"open:x"}}
s1..s16: < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
p1..p8: open /connection/websocket
        > {"id":1,"connect":{}}
p1..p8: < {"id":1,"connect":{...}}
nginx: pids >= 3 of s1..s16, p1..p8
p1..p8: 100 x > {"id":{{$i + 1}},"publish":{"channel":"open:y","data":{{$i}}}}
nginx: kill KILL p1
nginx: left p1
s1..s16: if gone open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"open:x"}}
         < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
api: POST /api/channels {"pattern":"open:x"}
api: until 200 {"result":{"channels":{"open:x":{"num_clients":16}}}}
p1..p8: gone
api: 20 x POST /api/publish {"channel":"open:x","data":{{$i}}}
api: 20 x 200 {"result":{}}
s1..s16: 20 x < {"push":{"channel":"open:x","pub":{"data":{{$i}}}}}
nginx: kill KILL s2
nginx: left s2
s1..s16: if gone open /connection/websocket
         > {"id":1,"connect":{}}
         > {"id":2,"subscribe":{"channel":"open:x"}}
         < {"id":1,"connect":{...}}
         < {"id":2,"subscribe":{}}
api: POST /api/channels {"pattern":"open:x"}
api: until 200 {"result":{"channels":{"open:x":{"num_clients":16}}}}
api2: 20 x POST /api/publish {"channel":"open:x","data":{{$i}}}
api2: 20 x 200 {"result":{}}
s1..s16: 20 x < {"push":{"channel":"open:x","pub":{"data":{{$i}}}}}
s1..s16: silent
