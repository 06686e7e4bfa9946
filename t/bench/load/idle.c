
/*
 * Connections that are only there: opens all, each with its subscription,
 * waits until the server's memory stands still, and divides by their number
 * how much it has grown.  Called by load.c; calls loop.c, proc.c, metrics.c.
 */


#include <stdio.h>
#include "load.h"


#define LOAD_IDLE_PAUSE  (LOAD_SECOND / 10)
#define LOAD_IDLE_SAME   10
#define LOAD_IDLE_TRIES  200


static uint64_t load_idle_settled(load_t *l);


int
load_idle(load_t *l)
{
    double    zone, sessions;
    uint64_t  before, after;

    before = load_idle_settled(l);
    load_loop_connect(l);
    after = load_idle_settled(l);

    zone = 0;
    sessions = l->subscribers;

    if (l->target == LOAD_RT) {
        zone = load_metrics_sum(l, "rt_tenant_bytes");
        sessions = load_metrics_sum(l, "rt_tenant_sessions");
    }

    printf("connections=%u sessions=%.0f private=%.1f zone=%.1f"
           " before=%llu after=%llu\n",
           l->live, sessions,
           ((double) after - (double) before) / l->subscribers,
           zone / l->subscribers,
           (unsigned long long) before, (unsigned long long) after);

    /* of many tenants not all have metrics of their own */
    return sessions != l->subscribers && l->tenants == 0;
}


/* the memory once it has been the same for a second */
static uint64_t
load_idle_settled(load_t *l)
{
    int       i, same;
    uint64_t  now, last;

    last = load_proc_private(l, l->pids);
    same = 0;

    for (i = 0; same < LOAD_IDLE_SAME; i++) {

        if (i == LOAD_IDLE_TRIES) {
            load_fail("the server's memory does not settle");
        }

        load_loop_pause(l, LOAD_IDLE_PAUSE);

        now = load_proc_private(l, l->pids);
        same = now == last ? same + 1 : 0;
        last = now;
    }

    return last;
}
