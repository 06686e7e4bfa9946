
/*
 * A worker's side of a zone's fan-out: its hub, which has what the worker's
 * clients are interested in (ngx_rt_interest.c), and the watch that looks after
 * workers that died, and after tokens that were revoked.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


#define NGX_RT_HUB_BUCKETS     64         /* to begin with */
#define NGX_RT_WATCH_INTERVAL  1000

/*
 * What a worker appends before it takes a turn in between: so many records, or
 * such a share of the log, so that it never laps itself.
 */
#define NGX_RT_HUB_BURST       256
#define NGX_RT_HUB_SHARE       8

/* steps of the end of dead workers' sessions, before others get the worker */
#define NGX_RT_HUB_REAP        256


static ngx_int_t ngx_rt_hub_create(ngx_cycle_t *cycle, ngx_rt_zone_t *z);
static void ngx_rt_hub_attach(ngx_rt_zone_t *z);
static void ngx_rt_hub_watch_handler(ngx_event_t *ev);
static ngx_int_t ngx_rt_hub_watch(ngx_rt_zone_t *z);
static ngx_int_t ngx_rt_hub_reap(ngx_rt_zone_t *z, ngx_uint_t slot,
    uint64_t owner);
static void ngx_rt_hub_end(ngx_rt_lease_t *lease);


static ngx_uint_t        ngx_rt_hub_started;
static ngx_event_t       ngx_rt_watch_event;
static ngx_connection_t  ngx_rt_watch_dumb;


ngx_int_t
ngx_rt_hub_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || mcf->zones.nelts == 0
        || ngx_process == NGX_PROCESS_HELPER)
    {
        return NGX_OK;
    }

    ngx_rt_subscribe_init_process();

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        if (ngx_rt_hub_create(cycle, z[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_rt_hub_started = 1;

    ngx_rt_watch_dumb.fd = (ngx_socket_t) -1;

    ngx_rt_watch_event.handler = ngx_rt_hub_watch_handler;
    ngx_rt_watch_event.data = &ngx_rt_watch_dumb;
    ngx_rt_watch_event.log = cycle->log;
    ngx_rt_watch_event.cancelable = 1;

    ngx_add_timer(&ngx_rt_watch_event, NGX_RT_WATCH_INTERVAL);

    return NGX_OK;
}


ngx_int_t
ngx_rt_hub_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || !ngx_rt_hub_started || ngx_test_config) {
        return NGX_OK;
    }

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {

        if (z[i]->hub) {
            z[i]->hub->zone = z[i];
            continue;
        }

        if (ngx_rt_hub_create(cycle, z[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* connections may still be open, but nothing comes from them any more */

void
ngx_rt_hub_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_rt_hub_t         *hub;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || !ngx_rt_hub_started) {
        return;
    }

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        hub = z[i]->hub;
        z[i]->hub = NULL;

        ngx_free(hub->scratch);
        ngx_free(hub->buckets);
        ngx_free(hub);
    }
}


static ngx_int_t
ngx_rt_hub_create(ngx_cycle_t *cycle, ngx_rt_zone_t *z)
{
    ngx_rt_hub_t  *hub;

    hub = ngx_calloc(sizeof(ngx_rt_hub_t), cycle->log);
    if (hub == NULL) {
        return NGX_ERROR;
    }

    hub->zone = z;
    hub->mask = NGX_RT_HUB_BUCKETS - 1;

    hub->buckets = ngx_calloc(NGX_RT_HUB_BUCKETS * sizeof(void *),
                              cycle->log);
    if (hub->buckets == NULL) {
        return NGX_ERROR;
    }

    /* a record is at most a quarter of the log; untouched pages cost nothing */

    hub->scratch_size = z->log->size / 4;

    hub->scratch = ngx_alloc(hub->scratch_size, cycle->log);
    if (hub->scratch == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&hub->leases);
    ngx_queue_init(&hub->dirty);
    ngx_queue_init(&hub->broken);

    z->hub = hub;

    if (ngx_rt_slot != NGX_RT_NO_SLOT) {
        ngx_rt_hub_attach(z);
    }

    return NGX_OK;
}


/*
 * The slot is ours; sessions of the one before us are not.  That they leave is
 * for us to tell others, so the log is read from before they do.
 */

static void
ngx_rt_hub_attach(ngx_rt_zone_t *z)
{
    ngx_rt_main_conf_t   *mcf;
    ngx_rt_state_slot_t  *slot;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    slot = &z->state->slots[ngx_rt_slot];

    rt_fault(claim_done);

    z->teller = mcf->redis ? (uint64_t) 1 << ngx_rt_slot : 0;

    ngx_rt_line_cut(z, ngx_rt_slot, slot->owner);

    ngx_rt_state_lock(z);

    rt_txn_set(&z->state->txn, &slot->unread, 0);
    (void) rt_txn_commit(&z->state->txn);

    z->hub->cursor = rt_log_head(z->log);

    ngx_rt_state_unlock(z);

    while (ngx_rt_hub_reap(z, ngx_rt_slot, slot->owner) == NGX_AGAIN) {
        ngx_rt_doorbell_ring(z->hub->ring);
    }

    ngx_rt_state_lock(z);

    rt_txn_set(&z->state->txn, &slot->owner, ngx_rt_stat->generation);
    rt_fault(claim_owner);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_state_unlock(z);

    rt_fault(claim_attached);
}


static void
ngx_rt_hub_watch_handler(ngx_event_t *ev)
{
    ngx_uint_t            i, claimed, again;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    if (ngx_exiting) {
        return;
    }

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    z = mcf->zones.elts;

    again = 0;
    claimed = (ngx_rt_slot == NGX_RT_NO_SLOT
               && ngx_rt_doorbell_retry((ngx_cycle_t *) ngx_cycle) == NGX_OK);

    for (i = 0; i < mcf->zones.nelts; i++) {

        if (claimed) {
            ngx_rt_hub_attach(z[i]);
        }

        if (ngx_rt_hub_watch(z[i]) == NGX_AGAIN) {
            again = 1;
        }

        if (ngx_rt_history_sweep(z[i], mcf->history_meta_ttl) == NGX_AGAIN) {
            again = 1;
        }

        ngx_rt_revocation_sweep(z[i], &z[i]->hub->revocations);

        if (ngx_rt_idem_sweep(z[i]) == NGX_AGAIN) {
            again = 1;
        }

        ngx_rt_hub_check(z[i]->hub, 0);

        ngx_rt_zone_report(z[i], ngx_cycle->log);
    }

    /* a worker that was killed may have appended and not rung */

    ngx_rt_turn_post();

    ngx_add_timer(ev, again ? 1 : NGX_RT_WATCH_INTERVAL);
}


/* NGX_AGAIN: it was enough for now, there is more */

static ngx_int_t
ngx_rt_hub_watch(ngx_rt_zone_t *z)
{
    uint64_t              owner;
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_rt_told_t         told;
    ngx_rt_state_slot_t  *slot;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_linger_expire(z, NGX_RT_HUB_REAP, &told);

    ngx_rt_hub_told(z->hub, &told);

    for (i = 0; i < NGX_RT_SLOTS; i++) {
        slot = &z->state->slots[i];
        owner = slot->owner;

        if (slot->sessions && ngx_rt_doorbell_gone(i, owner)
            && ngx_rt_hub_reap(z, i, owner) == NGX_AGAIN)
        {
            rc = NGX_AGAIN;
        }

        if ((slot->line & 1) && ngx_rt_doorbell_gone(i, owner)) {
            ngx_rt_line_cut(z, i, owner);
        }
    }

    return rc;
}


static ngx_int_t
ngx_rt_hub_reap(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner)
{
    ngx_int_t      rc;
    ngx_uint_t     ended, kept;
    ngx_rt_told_t  told;

    ended = 0;
    kept = 0;
    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_session_reap(z, slot, owner, NGX_RT_HUB_REAP, &ended, &kept,
                             &told);

    ngx_rt_hub_told(z->hub, &told);

    if (ended) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt_zone \"%V\": ended %ui sessions of a worker "
                      "that is gone, in slot %ui", &z->name, ended, slot);
    }

    if (kept) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt_zone \"%V\": keeps %ui sessions of a worker "
                      "that is gone, in slot %ui", &z->name, kept, slot);
    }

    return rc;
}


void
ngx_rt_hub_ring(ngx_rt_hub_t *hub, uint64_t workers)
{
    if (workers == 0) {
        return;
    }

    hub->ring |= workers;

    if (ngx_rt_slot != NGX_RT_NO_SLOT) {
        hub->ring &= ~((uint64_t) 1 << ngx_rt_slot);
    }

    ngx_rt_turn_post();
}


void
ngx_rt_hub_told(ngx_rt_hub_t *hub, ngx_rt_told_t *told)
{
    ngx_rt_hub_ring(hub, told->workers);

    hub->appended += told->records;
    hub->appended_bytes += told->bytes;
}


void
ngx_rt_hub_relieve(ngx_rt_hub_t *hub)
{
    if (hub->appended >= NGX_RT_HUB_BURST
        || hub->appended_bytes >= hub->zone->log->size / NGX_RT_HUB_SHARE)
    {
        ngx_rt_turn();
    }
}


/*
 * First they are found, then ended, one after the other: the end of one may be
 * that of others.
 */

void
ngx_rt_hub_revoke(ngx_rt_hub_t *hub)
{
    ngx_str_t         jti;
    ngx_queue_t      *q, *next, revoked;
    ngx_rt_lease_t   *lease;
    ngx_rt_client_t  *client;

    hub->revision = hub->zone->state->revision;

    ngx_queue_init(&revoked);

    for (q = ngx_queue_head(&hub->leases);
         q != ngx_queue_sentinel(&hub->leases);
         q = next)
    {
        next = ngx_queue_next(q);

        lease = ngx_queue_data(q, ngx_rt_lease_t, hub);
        client = lease->client;

        jti.data = lease->jti;
        jti.len = lease->len;

        if (ngx_rt_revoked(hub->zone, &client->tenant, &client->user, &jti,
                           lease->issued))
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&revoked, q);
        }
    }

    while (!ngx_queue_empty(&revoked)) {
        q = ngx_queue_head(&revoked);
        lease = ngx_queue_data(q, ngx_rt_lease_t, hub);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&hub->leases, q);

        ngx_rt_hub_end(lease);
    }
}


static void
ngx_rt_hub_end(ngx_rt_lease_t *lease)
{
    u_char             name[NGX_RT_CHANNEL_MAX];
    ngx_rt_conn_t     *conn;
    ngx_rt_order_t     order;
    ngx_rt_channel_t  *ch;

    conn = lease->client->conn;

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    if (lease->sub) {
        ch = lease->sub->interest->channel;
        ngx_memcpy(name, ch->name, ch->len);

        order.kind = NGX_RT_ORDER_UNSUBSCRIBE;
        order.code = 2000;
        order.text.data = name;
        order.text.len = ch->len;

    } else {
        order.kind = NGX_RT_ORDER_DISCONNECT;
        order.code = 3500;
        ngx_str_set(&order.text, "invalid token");
    }

    conn->app->order(conn, &order);
}
