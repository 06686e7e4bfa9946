
/*
 * A worker's side of a zone's fan-out: which channels it is interested in and
 * for whom, in a hash by the channel's serial; and the watch that looks after
 * workers that died.
 *
 * All of it is the worker's own memory.  The interest of a channel and its bit
 * in the channel's mask go together: both are there from the first subscription
 * here to the last.
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
static ngx_rt_interest_t *ngx_rt_interest_acquire(ngx_rt_hub_t *hub,
    ngx_rt_channel_t *ch, ngx_rt_namespace_t *ns, ngx_rt_position_t *top);
static void ngx_rt_interest_release(ngx_rt_interest_t *in);
static ngx_rt_interest_t *ngx_rt_interest_create(ngx_rt_hub_t *hub,
    ngx_rt_channel_t *ch, ngx_rt_namespace_t *ns);
static void ngx_rt_hub_grow(ngx_rt_hub_t *hub);
static void ngx_rt_hub_end(ngx_rt_lease_t *lease);


static ngx_uint_t        ngx_rt_hub_started;
static ngx_event_t       ngx_rt_watch_event;
static ngx_connection_t  ngx_rt_watch_dumb;
static rt_slab_t         ngx_rt_subscriptions;


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

    ngx_rt_slab_init(&ngx_rt_subscriptions, sizeof(ngx_rt_subscription_t), 1);

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


ngx_int_t
ngx_rt_subscribe(ngx_rt_client_t *client, ngx_str_t *channel,
    ngx_rt_namespace_t *ns, ngx_rt_terms_t *terms,
    ngx_rt_subscription_t **subp)
{
    ngx_rt_hub_t           *hub;
    ngx_rt_told_t           told;
    ngx_rt_member_t        *m;
    ngx_rt_interest_t      *in;
    ngx_rt_position_t       top;
    ngx_rt_subscription_t  *sub;

    hub = client->zone->hub;

    sub = rt_slab_alloc(&ngx_rt_subscriptions);
    if (sub == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rt_fault(join_begin);

    m = ngx_rt_channel_join(client->zone, client->session, ns, channel,
                            terms, &told, &top);
    if (m == NULL) {
        rt_slab_free(&ngx_rt_subscriptions, sub);
        return NGX_DECLINED;
    }

    rt_fault(join_done);

    in = ngx_rt_interest_acquire(hub, m->channel, ns, &top);
    if (in == NULL) {
        ngx_rt_channel_leave(client->zone, m, 0, &told);
        ngx_rt_hub_told(hub, &told);
        rt_slab_free(&ngx_rt_subscriptions, sub);
        return NGX_ERROR;
    }

    if (top.source != in->top.source || top.offset > in->top.offset) {
        ngx_rt_interest_catch_up(in);
    }

    /* what was read before is for those who were here before */
    ngx_rt_interest_settle(in);

    sub->conn = client->conn;
    sub->interest = in;
    sub->client = client;
    sub->member = m;
    sub->lost = 0;
    sub->offset = 0;
    sub->state = NGX_RT_SUB_LIVE;
    sub->server = 0;
    sub->fetching = 0;

    ngx_queue_insert_tail(&in->subscriptions, &sub->queue);
    in->count++;
    in->watchers += (terms->flags & NGX_RT_MEMBER_WATCHES) != 0;

    ngx_queue_insert_tail(&client->subscriptions, &sub->link);
    client->nsubscriptions++;

    rt_fault(join_interest);

    ngx_rt_hub_told(hub, &told);

    *subp = sub;

    return NGX_OK;
}


void
ngx_rt_unsubscribe(ngx_rt_subscription_t *sub, ngx_uint_t stay)
{
    ngx_rt_told_t       told;
    ngx_rt_client_t    *client;
    ngx_rt_interest_t  *in;

    in = sub->interest;
    client = sub->client;

    ngx_rt_hub_relieve(in->hub);

    ngx_rt_interest_settle(in);
    ngx_rt_subscription_keep_up(sub);

    rt_fault(leave_begin);

    ngx_queue_remove(&sub->queue);
    in->count--;
    in->watchers -= (sub->member->flags & NGX_RT_MEMBER_WATCHES) != 0;

    ngx_queue_remove(&sub->link);
    client->nsubscriptions--;

    stay |= (in->count ? NGX_RT_STAY_MEMBERS : 0)
            | (in->watchers ? NGX_RT_STAY_WATCHERS : 0);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_channel_leave(client->zone, sub->member, stay, &told);
    rt_fault(leave_done);

    ngx_rt_hub_told(in->hub, &told);

    if (in->count == 0) {
        ngx_rt_interest_release(in);
    }

    rt_slab_free(&ngx_rt_subscriptions, sub);
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


ngx_rt_subscription_t *
ngx_rt_subscription_lookup(ngx_rt_client_t *client, ngx_str_t *channel)
{
    ngx_queue_t            *q;
    ngx_rt_channel_t       *ch;
    ngx_rt_subscription_t  *sub;

    for (q = ngx_queue_head(&client->subscriptions);
         q != ngx_queue_sentinel(&client->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, link);
        ch = sub->interest->channel;

        if (ch->len == channel->len
            && ngx_memcmp(ch->name, channel->data, channel->len) == 0)
        {
            return sub;
        }
    }

    return NULL;
}


ngx_rt_interest_t *
ngx_rt_interest_lookup(ngx_rt_hub_t *hub, uint64_t serial)
{
    ngx_rt_interest_t  *in;

    for (in = hub->buckets[serial & hub->mask]; in; in = in->next) {
        if (in->serial == serial) {
            return in;
        }
    }

    return NULL;
}


static ngx_rt_interest_t *
ngx_rt_interest_acquire(ngx_rt_hub_t *hub, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns, ngx_rt_position_t *top)
{
    ngx_rt_interest_t  *in, **bucket;

    in = ngx_rt_interest_lookup(hub, ch->serial);
    if (in) {
        return in;
    }

    in = ngx_rt_interest_create(hub, ch, ns);
    if (in == NULL) {
        return NULL;
    }

    ngx_rt_interest_place(in, top);

    if (++hub->interests > hub->mask + 1) {
        ngx_rt_hub_grow(hub);
    }

    bucket = &hub->buckets[in->serial & hub->mask];
    in->next = *bucket;
    *bucket = in;

    if (!ns->durable) {
        ngx_rt_stream_attend(hub->zone, ch);
    }

    return in;
}


static ngx_rt_interest_t *
ngx_rt_interest_create(ngx_rt_hub_t *hub, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns)
{
    u_char              mem[sizeof("{\"push\":") + 6 * NGX_RT_CHANNEL_MAX
                            + 64];
    rt_str_t            name;
    rt_out_t            out;
    ngx_rt_interest_t  *in;

    name.len = ch->len;
    name.data = ch->name;

    rt_out_init(&out, mem, sizeof(mem));
    rt_codec_json.push_head(&out, &name);

    in = ngx_alloc(sizeof(ngx_rt_interest_t) + out.need, ngx_cycle->log);
    if (in == NULL) {
        return NULL;
    }

    ngx_memzero(in, sizeof(ngx_rt_interest_t));

    in->account = ngx_rt_account_acquire(hub->zone, ch->tenant->serial);
    if (in->account == NULL) {
        ngx_free(in);
        return NULL;
    }

    in->losses = ngx_rt_tally(hub->zone, NGX_RT_TALLY_LOSSES, &ns->name, 1);
    in->slow = ns->slow;
    in->cache = ns->cache;

    in->channel = ch;
    in->tenant = ch->tenant;
    in->serial = ch->serial;
    in->hub = hub;
    ngx_queue_init(&in->subscriptions);

    in->head.len = out.need;
    in->head.data = (uint8_t *) in + sizeof(ngx_rt_interest_t);
    ngx_memcpy(in->head.data, mem, out.need);

    return in;
}


/* nothing is pending: it was settled when the last subscriber left */

static void
ngx_rt_interest_release(ngx_rt_interest_t *in)
{
    ngx_rt_hub_t        *hub;
    ngx_rt_interest_t  **p;

    hub = in->hub;

    for (p = &hub->buckets[in->serial & hub->mask]; *p != in;
         p = &(*p)->next)
    {
        /* void */
    }

    *p = in->next;
    hub->interests--;

    ngx_rt_interest_mended(in);

    ngx_rt_account_release(in->account);
    ngx_free(in);
}


void
ngx_rt_interest_mended(ngx_rt_interest_t *in)
{
    if (in->broken) {
        in->broken = 0;
        ngx_queue_remove(&in->mend);
    }
}


/* without memory the chains just grow longer */

static void
ngx_rt_hub_grow(ngx_rt_hub_t *hub)
{
    ngx_uint_t           i, mask;
    ngx_rt_interest_t   *in, *next, **buckets;

    mask = 2 * (hub->mask + 1) - 1;

    buckets = ngx_calloc((mask + 1) * sizeof(void *), ngx_cycle->log);
    if (buckets == NULL) {
        return;
    }

    for (i = 0; i <= hub->mask; i++) {
        for (in = hub->buckets[i]; in; in = next) {
            next = in->next;
            in->next = buckets[in->serial & mask];
            buckets[in->serial & mask] = in;
        }
    }

    ngx_free(hub->buckets);

    hub->buckets = buckets;
    hub->mask = mask;
}
