
/*
 * The event loop: opens all connections, turns until the time is over or the
 * number is reached, and waits for what is still in flight.  Called by
 * load.c and idle.c; calls conn.c, handshake.c in works of handshakes.
 */


#define _GNU_SOURCE
#include <sys/epoll.h>
#include <time.h>
#include "load.h"


#define LOAD_EVENTS  256
#define LOAD_TURN    (LOAD_SECOND / 100)


/* when something came last */
typedef struct {
    uint64_t       events;
    uint64_t       time;
} load_watch_t;


static void load_loop_watch(load_t *l, load_watch_t *w);
static bool load_loop_moves(load_t *l, load_watch_t *w);
static uint64_t load_loop_wait(load_t *l);


/* all are joined at the end; a pause lets a server finish what it began */
void
load_loop_connect(load_t *l)
{
    uint32_t      n, all;
    load_watch_t  watch;

    load_loop_watch(l, &watch);

    all = l->subscribers + l->publishers;
    n = 0;

    while (l->live < all) {

        while (n < all && n - l->live < l->opening) {
            load_conn_open(l, n++);
        }

        load_loop_turn(l);

        if (!load_loop_moves(l, &watch)) {
            load_fail("only %u of %u connections joined", l->live, all);
        }
    }

    load_loop_pause(l, LOAD_SETTLE);
}


bool
load_loop_run(load_t *l, double seconds, uint64_t limit)
{
    uint64_t      end, first;
    load_watch_t  watch;

    load_loop_watch(l, &watch);

    first = l->counts.completed;
    end = watch.time + (uint64_t) (seconds * (double) LOAD_SECOND);

    while (limit ? l->counts.completed - first < limit : load_clock() < end) {

        load_loop_turn(l);

        if (!load_loop_moves(l, &watch)) {
            return false;
        }
    }

    return true;
}


bool
load_loop_drain(load_t *l)
{
    load_watch_t  watch;

    load_loop_watch(l, &watch);

    while (l->counts.completed < l->counts.begun) {

        load_loop_turn(l);

        if (!load_loop_moves(l, &watch)) {
            return false;
        }
    }

    /* time for what should not come */

    load_loop_pause(l, LOAD_SETTLE);

    return true;
}


void
load_loop_pause(load_t *l, uint64_t ns)
{
    uint64_t  end;

    end = load_clock() + ns;

    while (load_clock() < end) {
        load_loop_turn(l);
    }
}


static void
load_loop_watch(load_t *l, load_watch_t *w)
{
    w->events = l->live + l->counts.completed + l->counts.deliveries;
    w->time = load_clock();
}


/* a slow server, or a busy machine, is not a stalled one */
static bool
load_loop_moves(load_t *l, load_watch_t *w)
{
    if (l->live + l->counts.completed + l->counts.deliveries != w->events) {
        load_loop_watch(l, w);
        return true;
    }

    return load_clock() - w->time < LOAD_STALL;
}


void
load_loop_turn(load_t *l)
{
    int                        i, n;
    uint64_t                   wait;
    load_conn_t               *c;
    struct timespec            ts;
    static struct epoll_event  events[LOAD_EVENTS];

    for (i = 0; i < (int) l->publishers; i++) {
        load_conn_publish(l, &l->conn[l->subscribers + (uint32_t) i]);
    }

    wait = load_loop_wait(l);
    ts.tv_sec = 0;
    ts.tv_nsec = (long) wait;

    n = epoll_pwait2(l->epoll, events, LOAD_EVENTS, &ts, NULL);

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;

        if (l->work == LOAD_HANDSHAKE) {
            load_handshake_read(l, c);

        } else {
            load_conn_read(l, c);
        }
    }
}


/* until the next publish by a rate is due; never longer than 10 ms */
static uint64_t
load_loop_wait(load_t *l)
{
    uint32_t           i;
    uint64_t           now, wait;
    load_publisher_t  *p;

    wait = LOAD_TURN;

    if (l->rate == 0 || !l->running) {
        return wait;
    }

    now = load_clock();

    for (i = 0; i < l->publishers; i++) {
        p = l->conn[l->subscribers + i].publisher;

        if (p->in_flight < l->depth && p->due < now + wait) {
            wait = p->due > now ? p->due - now : 0;
        }
    }

    return wait;
}
