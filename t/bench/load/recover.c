
/*
 * Subscribers that come back to a node that knows nothing of their channels,
 * as after its start: all join one node, go, miss what is published there, and
 * ask another for it.  How long that takes until the last is there, and what
 * nginx and Redis need for it.  Called by load.c; calls loop.c, proc.c and
 * redis.c.
 */


#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "load.h"


#define LOAD_RECOVER_END  (60 * LOAD_SECOND)


static void load_recover_leave(load_t *l);
static void load_recover_return(load_t *l);


int
load_recover(load_t *l)
{
    uint16_t      far;
    uint64_t      cpu, redis, begun, time;
    load_redis_t  before, after;

    far = l->far_port;
    l->far_port = 0;

    load_loop_connect(l);
    load_recover_leave(l);

    load_redis_done(l, &before);
    cpu = load_proc_cpu(l, l->pids);
    redis = load_proc_cpu(l, l->redis_pids);

    l->far_port = far;
    begun = load_clock();

    load_recover_return(l);

    time = l->last_return - begun;
    cpu = load_proc_cpu(l, l->pids) - cpu;
    redis = load_proc_cpu(l, l->redis_pids) - redis;
    load_redis_done(l, &after);

    load_loop_pause(l, LOAD_SETTLE);
    load_check_end(l);

    printf("connections=%u last_ms=%.0f cpu_ms=%.0f redis_ms=%.1f"
           " commands=%.3f deliveries=%llu"
           " lost=%llu duplicated=%llu reordered=%llu corrupt=%llu\n",
           l->returned, (double) time / 1e6, (double) cpu / 1e6,
           (double) redis / 1e6,
           (double) (after.commands - before.commands) / l->subscribers,
           (unsigned long long) l->counts.deliveries,
           (unsigned long long) l->counts.lost,
           (unsigned long long) l->counts.duplicated,
           (unsigned long long) l->counts.reordered,
           (unsigned long long) l->counts.corrupt);

    return l->returned < l->subscribers || l->counts.lost
           || l->counts.duplicated || l->counts.reordered || l->counts.corrupt;
}


/* all subscribers go; then to each channel as much is published as its
   publisher may have in flight: nobody hears it, so that it stays there */
static void
load_recover_leave(load_t *l)
{
    uint32_t      i;
    uint64_t      replies, all, end;
    load_conn_t  *c;

    for (i = 0; i < l->subscribers; i++) {
        c = &l->conn[i];

        close(c->fd);
        c->state = LOAD_UPGRADING;
        c->returning = true;
        c->carried = 0;
        l->live--;
    }

    l->running = true;
    all = (uint64_t) l->depth * l->publishers;
    end = load_clock() + LOAD_RECOVER_END;

    do {
        load_loop_turn(l);

        for (i = 0, replies = 0; i < l->publishers; i++) {
            replies += l->conn[l->subscribers + i].publisher->tail;
        }

    } while (replies < all && load_clock() < end);

    if (replies < all) {
        load_fail("only %llu of %llu were published",
                  (unsigned long long) replies, (unsigned long long) all);
    }

    l->running = false;
}


static void
load_recover_return(load_t *l)
{
    uint32_t  n;
    uint64_t  end;

    n = 0;
    end = load_clock() + LOAD_RECOVER_END;

    while (l->returned < l->subscribers) {

        while (n < l->subscribers && n - l->returned < l->opening) {
            load_conn_open(l, n++);
        }

        load_loop_turn(l);

        if (load_clock() > end) {
            load_fail("only %u of %u connections came back", l->returned,
                      l->subscribers);
        }
    }
}
