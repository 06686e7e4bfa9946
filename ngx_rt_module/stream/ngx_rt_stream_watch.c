
/*
 * The watch over channels, once a second in each worker.  Those that it has
 * subscribers in and that nobody listens to, as far as others may say something
 * there, get a listener.  Of those that it listens to, durable ones are
 * compared with their streams, and those without members are left alone after a
 * while.
 *
 * An eighth of them at a time; all, if a worker has lost its line, or another
 * node has come.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_page.h"
#include "ngx_rt_stream_track.h"


#define NGX_RT_STREAM_WATCH   1000      /* msec */
#define NGX_RT_STREAM_SHARE   8
#define NGX_RT_STREAM_IDLE    10        /* seconds */


/* some of a tenant's channels, whose positions are asked for */
typedef struct {
    ngx_rt_redis_call_t        call;
    ngx_uint_t                 n;
    ngx_rt_track_t            *tracks[NGX_RT_STREAM_TOPS];
} ngx_rt_stream_check_t;


static void ngx_rt_stream_watch_handler(ngx_event_t *ev);
static void ngx_rt_stream_watch_interests(ngx_rt_hub_t *hub, ngx_uint_t all);
static ngx_uint_t ngx_rt_stream_watch_needed(ngx_rt_hub_t *hub,
    ngx_rt_channel_t *ch);
static void ngx_rt_stream_watch_tracks(ngx_uint_t all);
static ngx_uint_t ngx_rt_stream_watch_met(ngx_rt_zone_t *z);
static ngx_uint_t ngx_rt_stream_watch_track(ngx_rt_track_t *t);
static void ngx_rt_stream_check(ngx_rt_stream_check_t *check,
    ngx_rt_track_t *t);
static void ngx_rt_stream_check_send(ngx_rt_stream_check_t *check);
static void ngx_rt_stream_check_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_stream_check_one(ngx_rt_track_t *t,
    ngx_rt_position_t *top, uint64_t floor);


static ngx_event_t       ngx_rt_stream_watch_event;
static ngx_connection_t  ngx_rt_stream_watch_dumb;


void
ngx_rt_stream_init_process(ngx_cycle_t *cycle)
{
    ngx_event_t          *ev;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || mcf->redis == NULL || mcf->zones.nelts == 0
        || ngx_process == NGX_PROCESS_HELPER)
    {
        return;
    }

    z = mcf->zones.elts;

    ngx_rt_stream_read_init_process();
    ngx_rt_stream_listen_init_process();
    ngx_rt_stream_follow_init_process(cycle);
    ngx_rt_stream_publish_init_process(cycle);
    ngx_rt_stream_empty_init_process();
    ngx_rt_page_init_process(cycle);
    ngx_rt_range_init_process(cycle);
    ngx_rt_stream_behind_init_process();
    ngx_rt_nodes_init_process(z[0]);

    ngx_rt_stream_watch_dumb.fd = (ngx_socket_t) -1;

    ev = &ngx_rt_stream_watch_event;

    ev->handler = ngx_rt_stream_watch_handler;
    ev->data = &ngx_rt_stream_watch_dumb;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_RT_STREAM_WATCH);
}


void
ngx_rt_stream_exit_process(void)
{
    ngx_rt_nodes_exit_process();
}


static void
ngx_rt_stream_watch_handler(ngx_event_t *ev)
{
    ngx_uint_t            i, met;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    z = mcf->zones.elts;
    met = ngx_rt_stream_watch_met(z[0]);

    for (i = 0; i < mcf->zones.nelts; i++) {
        ngx_rt_stream_watch_interests(z[i]->hub, met);
    }

    ngx_rt_stream_watch_tracks(met);
    ngx_rt_nodes_watch();

    ngx_add_timer(ev, NGX_RT_STREAM_WATCH);
}


static void
ngx_rt_stream_watch_interests(ngx_rt_hub_t *hub, ngx_uint_t all)
{
    ngx_str_t           tenant, channel;
    ngx_uint_t          n;
    ngx_rt_track_t     *t;
    ngx_rt_state_t     *st;
    ngx_rt_channel_t   *ch;
    ngx_rt_interest_t  *in;

    st = hub->zone->state;

    n = all || hub->cuts != st->cuts ? hub->mask + 1
                                     : hub->mask / NGX_RT_STREAM_SHARE + 1;
    hub->cuts = st->cuts;

    while (n--) {
        hub->followed = (hub->followed + 1) & hub->mask;

        for (in = hub->buckets[hub->followed]; in; in = in->next) {
            ch = in->channel;

            if (!ngx_rt_stream_watch_needed(hub, ch)) {
                continue;
            }

            tenant.data = ch->tenant->name;
            tenant.len = ch->tenant->len;
            channel.data = ch->name;
            channel.len = ch->len;

            t = ngx_rt_track_acquire(hub->zone, &tenant, &channel);

            if (t) {
                ngx_rt_track_follow(t);
            }
        }
    }
}


/* looks without the mutex: what is seen is only a reason to look again */

static ngx_uint_t
ngx_rt_stream_watch_needed(ngx_rt_hub_t *hub, ngx_rt_channel_t *ch)
{
    ngx_str_t            name;
    ngx_rt_history_t    *h;
    ngx_rt_namespace_t  *ns;
    ngx_rt_main_conf_t  *mcf;

    h = ch->history;

    if (ngx_rt_channel_heard(hub->zone->state, ch)) {
        return h && (h->source == 0 || rt_epoch_durable(h->source))
               && !h->fresh && ch->listener == ngx_rt_slot + 1;
    }

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    name.data = ch->name;
    name.len = ch->len;

    return ngx_rt_namespace_find(mcf, &name, &ns) == NGX_OK
           && (ns->durable || ngx_rt_stream_others());
}


/*
 * A node that has just been met: what it published before it knew of this one
 * was not told here.  The second look is for what was on its way meanwhile.
 */

static ngx_uint_t
ngx_rt_stream_watch_met(ngx_rt_zone_t *z)
{
    static uint64_t    met;
    static ngx_uint_t  looks;

    if (z->state->met != met) {
        met = z->state->met;
        looks = 2;
    }

    if (looks) {
        looks--;
        return 1;
    }

    return 0;
}


static void
ngx_rt_stream_watch_tracks(ngx_uint_t all)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_rt_track_t         *t;
    ngx_rt_stream_check_t  *check;

    check = ngx_calloc(sizeof(ngx_rt_stream_check_t), ngx_cycle->log);

    n = all ? ngx_rt_ntracks : ngx_rt_ntracks / NGX_RT_STREAM_SHARE + 1;

    while (check && n-- && !ngx_queue_empty(&ngx_rt_tracks)) {
        q = ngx_queue_head(&ngx_rt_tracks);
        t = ngx_queue_data(q, ngx_rt_track_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_rt_tracks, q);

        if (!ngx_rt_stream_watch_track(t)) {
            continue;
        }

        if (check->n == NGX_RT_STREAM_TOPS
            || (check->n && (check->tracks[0]->tenant.len != t->tenant.len
                             || ngx_memcmp(check->tracks[0]->tenant.data,
                                           t->tenant.data, t->tenant.len)
                                != 0)))
        {
            ngx_rt_stream_check_send(check);

            check = ngx_calloc(sizeof(ngx_rt_stream_check_t), ngx_cycle->log);
            if (check == NULL) {
                return;
            }
        }

        ngx_rt_stream_check(check, t);
    }

    if (check) {
        ngx_rt_stream_check_send(check);
    }
}


/* its position is to be compared */

static ngx_uint_t
ngx_rt_stream_watch_track(ngx_rt_track_t *t)
{
    ngx_rt_copy_t  copy;

    if (t->reading || t->wanting || t->checked
        || !ngx_queue_empty(&t->waiting))
    {
        return 0;
    }

    ngx_memzero(&copy, sizeof(ngx_rt_copy_t));
    copy.listener = NGX_RT_NO_SLOT;

    (void) ngx_rt_copy_look(t->zone, &t->tenant, &t->channel, &copy);

    if (copy.members && copy.listener == ngx_rt_slot
        && (!t->fast || ngx_rt_stream_others()))
    {
        t->used = ngx_time();

        if (t->fast) {
            return 0;
        }

        if (!copy.fresh) {
            ngx_rt_track_follow(t);
            return 0;
        }

        t->top = copy.top.offset;

        return 1;
    }

    if (ngx_time() - t->used >= NGX_RT_STREAM_IDLE) {
        ngx_rt_channel_release(t->zone, &t->tenant, &t->channel, ngx_rt_slot);
        ngx_rt_track_expire(t);
    }

    return 0;
}


static void
ngx_rt_stream_check(ngx_rt_stream_check_t *check, ngx_rt_track_t *t)
{
    t->checked = 1;
    check->tracks[check->n++] = t;
}


static void
ngx_rt_stream_check_send(ngx_rt_stream_check_t *check)
{
    ngx_str_t   channels[NGX_RT_STREAM_TOPS];
    ngx_uint_t  i;

    for (i = 0; i < check->n; i++) {
        channels[i] = check->tracks[i]->channel;
    }

    check->call.handler = ngx_rt_stream_check_handler;

    if (check->n
        && ngx_rt_stream_tops(&check->call, &check->tracks[0]->tenant,
                              channels, check->n)
           == NGX_OK)
    {
        return;
    }

    for (i = 0; i < check->n; i++) {
        check->tracks[i]->checked = 0;
    }

    ngx_free(check);
}


static void
ngx_rt_stream_check_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    uint64_t                floor;
    ngx_uint_t              i;
    ngx_rt_position_t       top;
    ngx_rt_stream_check_t  *check;

    check = (ngx_rt_stream_check_t *)
                ((u_char *) call - offsetof(ngx_rt_stream_check_t, call));

    for (i = 0; i < check->n; i++) {
        check->tracks[i]->checked = 0;

        if (result == NGX_RT_REDIS_OK
            && ngx_rt_stream_top(reply, i, check->n, &top, &floor) == NGX_OK)
        {
            ngx_rt_stream_check_one(check->tracks[i], &top, floor);
        }
    }

    ngx_free(check);
}


/* what is published meanwhile makes them differ, too: a look more */

static void
ngx_rt_stream_check_one(ngx_rt_track_t *t, ngx_rt_position_t *top,
    uint64_t floor)
{
    ngx_rt_copy_t  copy;

    if (ngx_rt_copy_look(t->zone, &t->tenant, &t->channel, &copy) != NGX_OK) {
        return;
    }

    if (copy.top.source != top->source || copy.top.offset < top->offset
        || t->top > top->offset)
    {
        ngx_rt_track_repair(t);

    } else if (floor > copy.emptied) {
        top->offset = floor;
        ngx_rt_history_remove(t->zone, &t->tenant, &t->channel, top);
    }
}
