
/*
 * Subscribers that a reload sends away and that come back at once: how long
 * that takes until the last is there, what the server's processes need for it,
 * and the longest time that a subscriber heard nothing, if there is a
 * publisher.  Called by load.c, and by conn.c when a connection ends; calls
 * loop.c, proc.c.
 *
 * A subscriber that comes back asks for what it missed, so that check.c sees
 * a hole if there is one.
 */


#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "load.h"


#define LOAD_RELOAD_END    (60 * LOAD_SECOND)
#define LOAD_RELOAD_PEEK   (LOAD_SECOND / 20)


static void load_reload_wait(load_t *l);


int
load_reload(load_t *l)
{
    uint64_t  cpu, begun, before;

    load_loop_connect(l);

    l->running = true;

    if (!load_loop_run(l, l->warmup, 0)) {
        load_fail("stalled before the reload");
    }

    before = load_proc_tree_memory(l, l->master);
    cpu = load_proc_tree_cpu(l, l->master);
    begun = load_clock();

    l->measuring = true;
    l->peak = before;

    if (kill((pid_t) l->master, SIGHUP) == -1) {
        load_fail("no master %u: %s", l->master, strerror(errno));
    }

    load_reload_wait(l);

    cpu = load_proc_tree_cpu(l, l->master) - cpu;
    l->running = false;

    if (!load_loop_drain(l)) {
        load_fail("stalled after the reload");
    }

    load_check_end(l);

    printf("connections=%u last_ms=%.0f cpu_ms=%.0f before=%.0f peak=%.0f"
           " refused=%llu silence_ms=%.0f"
           " lost=%llu duplicated=%llu reordered=%llu corrupt=%llu\n",
           l->returned, (double) (l->last_return - begun) / 1e6,
           (double) cpu / 1e6, (double) before, (double) l->peak,
           (unsigned long long) l->refused, (double) l->silence / 1e6,
           (unsigned long long) l->counts.lost,
           (unsigned long long) l->counts.duplicated,
           (unsigned long long) l->counts.reordered,
           (unsigned long long) l->counts.corrupt);

    /* one may come back to a worker that leaves, and again */

    return l->returned < l->subscribers || l->refused || l->counts.lost
           || l->counts.duplicated || l->counts.reordered || l->counts.corrupt;
}


/* until the last one is back; the memory of all processes in between */
static void
load_reload_wait(load_t *l)
{
    uint64_t  end, memory;

    end = load_clock() + LOAD_RELOAD_END;

    while (l->returned < l->subscribers) {

        if (load_clock() > end) {
            load_fail("only %u of %u connections came back", l->returned,
                      l->subscribers);
        }

        load_loop_pause(l, LOAD_RELOAD_PEEK);

        memory = load_proc_tree_memory(l, l->master);

        if (memory > l->peak) {
            l->peak = memory;
        }
    }
}


/*
 * A connection has ended: the server has taken leave of it, or it refused to
 * take it back, which is tried again.  A publisher's has nothing in flight,
 * or what was in flight is sent again: nginx closes what it has not read.
 */
void
load_reload_again(load_t *l, load_conn_t *c)
{
    if (c->state != LOAD_LIVE) {
        l->refused++;

    } else {
        l->live--;
    }

    close(c->fd);

    c->carried = 0;
    c->gone = false;
    c->state = LOAD_UPGRADING;
    c->returning = true;

    load_conn_open(l, (uint32_t) (c - l->conn));

    if (c->publisher) {
        load_conn_repeat(l, c);
    }
}


/* one that came back is live again */
void
load_reload_returned(load_t *l, load_conn_t *c)
{
    if (c->returning && c->channel) {
        c->returning = false;
        l->returned++;
        l->last_return = load_clock();
    }
}
