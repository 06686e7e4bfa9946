# Clients that do not read: their queue has a bound, and nobody else notices.

use RT;

run_tests();

__DATA__

=== TEST 1: past the bound it is closed with 3008, the others get all
--- more_http_config
    rt_max_queue 256k;
--- conversation
slow, a, b: open /connection/websocket
            > {"id":1,"connect":{}}
            > {"id":2,"subscribe":{"channel":"news:x"}}
slow, a, b: < {"id":1,"connect":{...}}
            < {"id":2,"subscribe":{}}
slow: deaf
api: 300 x ask 200 POST /api/publish {"channel":"news:x","data":"{{"$i " . "x" x 30000}}"}
a, b: 300 x < {"push":{"channel":"news:x","pub":{"data":"{{"$i " . "x" x 30000}}"}}}
a, b: silent
slow: listens
slow: overflowed 3008 slow
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"news:x":{"num_clients":2}}}}
slow: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"news:x"}}
slow: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
api: POST /api/publish {"channel":"news:x","data":"again"}
api: 200 {"result":{}}
slow, a, b: < {"push":{"channel":"news:x","pub":{"data":"again"}}}



=== TEST 2: a client that pauses within the bound loses nothing
--- conversation
slow: open /connection/websocket
      > {"id":1,"connect":{}}
      > {"id":2,"subscribe":{"channel":"news:x"}}
slow: < {"id":1,"connect":{...}}
      < {"id":2,"subscribe":{}}
slow: deaf
api: 25 x POST /api/publish {"channel":"news:x","data":"{{"$i " . "x" x 30000}}"}
api: 25 x 200 {"result":{}}
slow: listens
slow: 25 x < {"push":{"channel":"news:x","pub":{"data":"{{"$i " . "x" x 30000}}"}}}
slow: silent



=== TEST 3: many slow ones at once
--- more_http_config
    rt_max_queue 128k;
--- conversation
s1..s20, a: open /connection/websocket
            > {"id":1,"connect":{}}
            > {"id":2,"subscribe":{"channel":"news:x"}}
s1..s20, a: < {"id":1,"connect":{...}}
            < {"id":2,"subscribe":{}}
s1..s20: deaf
api: 300 x ask 200 POST /api/publish {"channel":"news:x","data":"{{"$i " . "x" x 30000}}"}
a: 300 x < {"push":{"channel":"news:x","pub":{"data":"{{"$i " . "x" x 30000}}"}}}
api: POST /api/channels {}
api: until 200 {"result":{"channels":{"news:x":{"num_clients":1}}}}
a: silent



=== TEST 4: a client that sends much and reads nothing
--- more_http_config
    rt_max_queue 128k;
--- conversation
a: open /connection/websocket
slow: open /connection/websocket
slow: > {"id":1,"connect":{}}
slow: < {"id":1,"connect":{...}}
slow: deaf
slow: pour 1000 {"id":5,"rpc":{"method":"rt.echo","data":"{{"x" x 30000}}"}}
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: silent
slow: gone
api: POST /api/info {}
api: until 200 {"result":{"nodes":[{"num_clients":1,...}]}}



=== TEST 5: a burst that is larger than the queue harms nobody who reads
--- more_http_config
    rt_max_queue 128k;
--- conversation
a: open /connection/websocket
   > {"id":1,"connect":{}}
   > {"id":2,"subscribe":{"channel":"news:x"}}
a: < {"id":1,"connect":{...}}
   < {"id":2,"subscribe":{}}
api: POST /api/batch {"commands":[{{join ",", map { '{"publish":{"channel":"news:x","data":"' . "$_ " . "x" x 10000 . '"}}' } 1 .. 50}}]}
api: 200 {"replies":[...]}
a: 50 x < {"push":{"channel":"news:x","pub":{"data":"{{"$i " . "x" x 10000}}"}}}
a: silent



=== TEST 6: a flood of pings whose pongs nobody reads: 1008
--- more_http_config
    rt_max_queue 128k;
--- conversation
a: open /connection/websocket
b: open /connection/websocket
   > {"id":1,"connect":{}}
b: < {"id":1,"connect":{...}}
b: deaf
b: flood 60000 {{"p" x 125}}
b: listens
b: overflowed 1008
a: > {"id":1,"connect":{}}
a: < {"id":1,"connect":{...}}
a: silent
