# Redis: what is seen of the connections to it.

use RT 'redis';

our $HTTP = <<'_EOC_';
    rt_zone   $http_x_tenant zone=live:8m;
    rt_redis  unix:$TEST_NGINX_REDIS backoff=10ms:50ms;
_EOC_

run_tests();

__DATA__

=== TEST 1: a worker has two connections, and says what it has done
--- http_config eval: $::HTTP
--- workers: 2
--- conversation
m: GET /metrics
m: until 200 ~(?:^rt_redis_state\{worker="\d+",use="commands",state="ready"\} 1\n(?s:.*)){2}
m: GET /metrics
m: until 200 ~(?:^rt_redis_state\{worker="\d+",use="pubsub",state="ready"\} 1\n(?s:.*)){2}
m: GET /metrics
m: 200 ~^rt_redis_state\{worker="\d+",use="commands",state="waiting"\} 0$
m: GET /metrics
m: 200 ~^# TYPE rt_redis_commands_total counter$
m: GET /metrics
m: 200 ~^rt_redis_pending_bytes\{worker="\d+"\} 0$



=== TEST 2: Redis ends, and comes back
--- http_config eval: $::HTTP
--- conversation
m: GET /metrics
m: until 200 ~^rt_redis_state\{worker="\d+",use="commands",state="ready"\} 1$
redis: kill
m: GET /metrics
m: until 200 ~\A(?!(?s:.*,state="ready"\} 1\n))
nginx: log ~rt: Redis at unix:\S+ is away for commands: it has closed the connection
m: GET /metrics
m: until 200 ~^rt_redis_losses_total\{worker="\d+"\} (?:[2-9]|\d\d)
redis: start
m: GET /metrics
m: until 200 ~^rt_redis_state\{worker="\d+",use="commands",state="ready"\} 1$
m: GET /metrics
m: until 200 ~^rt_redis_state\{worker="\d+",use="pubsub",state="ready"\} 1$
nginx: log ~rt: Redis at unix:\S+ is back for commands after \d+ ms



=== TEST 3: Redis stands still, which pings on the connection of pub/sub find
--- http_config eval: $::HTTP =~ s/backoff=/timeout=100ms connect_timeout=100ms backoff=/r
--- conversation
m: GET /metrics
m: until 200 ~^rt_redis_state\{worker="\d+",use="pubsub",state="ready"\} 1$
redis: stop
m: GET /metrics
m: until 200 ~^rt_redis_timeouts_total\{worker="\d+"\} [1-9]
nginx: log ~rt: Redis at unix:\S+ is away for pub/sub: it did not answer in time
redis: cont
m: GET /metrics
m: until 200 ~^rt_redis_state\{worker="\d+",use="pubsub",state="ready"\} 1$



=== TEST 4: without rt_redis nothing is said of it
--- conversation
m: GET /metrics
m: 200 ~\A(?!(?s:.*\nrt_redis_))
