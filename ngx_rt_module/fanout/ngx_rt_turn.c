
/*
 * A turn: what a worker does once per turn of its event loop for all that
 * happened in it.  It rings the workers that have to read what was appended,
 * does what its sessions were ordered to, reads what it has to deliver, and
 * flushes every connection that was queued to.
 *
 * The turn runs from ngx_posted_next_events: after all of a pipeline is worked
 * off and the sockets were looked at once more, so that many publications leave
 * in one send.  A worker that appends very much in one turn takes a turn in
 * between, in which it follows no orders: they end and change what its caller
 * is about.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_linger.h"


/* records that a turn reads before others get the worker */
#define NGX_RT_TURN_BUDGET  1024

/* orders that it follows */
#define NGX_RT_TURN_ORDERS  64


static void ngx_rt_turn_run(ngx_uint_t orders);
static ngx_int_t ngx_rt_turn_obey(ngx_rt_zone_t *z, ngx_uint_t budget);


static ngx_event_t  ngx_rt_turn_event;


void
ngx_rt_turn_init_process(ngx_cycle_t *cycle)
{
    ngx_rt_turn_event.handler = ngx_rt_turn_handler;
    ngx_rt_turn_event.log = cycle->log;
}


void
ngx_rt_turn_post(void)
{
    if (!ngx_rt_turn_event.posted) {
        ngx_rt_doorbell_mute();
        ngx_post_event(&ngx_rt_turn_event, &ngx_posted_next_events);
    }
}


void
ngx_rt_turn_handler(ngx_event_t *ev)
{
    ngx_rt_turn_run(NGX_RT_TURN_ORDERS);
}


void
ngx_rt_turn(void)
{
    ngx_rt_turn_run(0);
}


static void
ngx_rt_turn_run(ngx_uint_t orders)
{
    ngx_uint_t           i, again;
    ngx_rt_hub_t        *hub;
    ngx_rt_zone_t      **z;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    z = mcf->zones.elts;

    rt_fault(turn_begin);

    for (i = 0; i < mcf->zones.nelts; i++) {
        hub = z[i]->hub;

        if (hub->ring) {
            ngx_rt_doorbell_ring(hub->ring);
            hub->ring = 0;
        }

        hub->appended = 0;
        hub->appended_bytes = 0;
    }

    rt_fault(turn_listen);

    /* before reading: who appends from here on rings */
    ngx_rt_doorbell_listen();

    ngx_rt_queue_begin_turn();

    again = 0;

    for (i = 0; i < mcf->zones.nelts; i++) {
        if (orders && ngx_rt_turn_obey(z[i], orders) == NGX_AGAIN) {
            again = 1;
        }

        if (ngx_rt_deliver(z[i]->hub, NGX_RT_TURN_BUDGET) == NGX_AGAIN) {
            again = 1;
        }

        if (orders && ngx_rt_hub_mend(z[i]->hub, orders) == NGX_AGAIN) {
            again = 1;
        }
    }

    rt_fault(turn_flush);
    ngx_rt_flush_all();

    if (again) {
        ngx_rt_turn_post();
    }
}


/* looks without a lock: who leaves an order rings afterwards */

static ngx_int_t
ngx_rt_turn_obey(ngx_rt_zone_t *z, ngx_uint_t budget)
{
    ngx_int_t             rc, searched;
    ngx_rt_conn_t        *conn;
    ngx_rt_told_t         told;
    ngx_rt_order_t        order;
    ngx_rt_state_slot_t  *slot;

    if (ngx_rt_slot == NGX_RT_NO_SLOT) {
        return NGX_OK;
    }

    if (z->hub->revision != z->state->revision) {
        ngx_rt_hub_revoke(z->hub);
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    searched = ngx_rt_linger_revoke(z, budget, &told);

    ngx_rt_hub_told(z->hub, &told);

    slot = &z->state->slots[ngx_rt_slot];

    while (slot->errands) {

        if (budget-- == 0) {
            return NGX_AGAIN;
        }

        ngx_memzero(&told, sizeof(ngx_rt_told_t));

        rc = ngx_rt_order_take(z, ngx_rt_slot, &order, &conn, &told);

        ngx_rt_hub_told(z->hub, &told);

        if (rc == NGX_DECLINED) {
            break;
        }

        if (rc == NGX_OK) {
            conn->app->order(conn, &order);
        }
    }

    return searched;
}
