
/*
 * Histories: what is kept of a channel, and for how long.  A channel that has
 * one lives without members, too: its offset and epoch are to outlive what was
 * published.  When that is gone and so are the members, the history is spare:
 * the first thing to go when its tenant needs the room.
 *
 * Every _locked function is called under the state's mutex.  What stands in the
 * lists is pure/rt_history.c's to know.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static ngx_rt_history_t *ngx_rt_history_create_locked(ngx_rt_state_t *st,
    ngx_rt_channel_t *ch);
static ngx_uint_t ngx_rt_history_spare(ngx_rt_history_t *h);
static void ngx_rt_history_spare_remove_locked(ngx_rt_history_t *h,
    rt_txn_t *x);
static ngx_uint_t ngx_rt_history_stale(ngx_rt_history_t *h);


ngx_int_t
ngx_rt_history_open_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns, ngx_rt_history_t **hp)
{
    rt_txn_t          *x;
    ngx_rt_history_t  *h;

    x = &st->txn;
    h = ch->history;

    *hp = NULL;

    /* what a worker that leaves is configured to is over */

    if (ngx_exiting && h) {
        *hp = h->source ? h : NULL;
        return NGX_OK;
    }

    if (ns->history == 0) {

        if (h && h->source) {
            ngx_rt_history_stop_locked(st, h);
        }

        return NGX_OK;
    }

    if (h == NULL) {
        h = ngx_rt_history_create_locked(st, ch);
        if (h == NULL) {
            return NGX_ERROR;
        }
    }

    if (h->source && rt_epoch_durable(h->source) != (ns->durable != 0)) {
        ngx_rt_history_stop_locked(st, h);
    }

    if (h->source == 0 && !ns->durable) {
        rt_txn_add(x, &st->serial, 1);
        rt_txn_set(x, &h->source, st->serial);
        rt_txn_set(x, &h->version, 0);
        rt_txn_set(x, &h->floor, h->list.top);
    }

    if (h->size != ns->history) {
        rt_txn_set(x, &h->size, ns->history);
    }

    if (h->ttl != ns->ttl) {
        rt_txn_set(x, &h->ttl, ns->ttl);
    }

    *hp = h->source ? h : NULL;

    return NGX_OK;
}


void
ngx_rt_history_stop_locked(ngx_rt_state_t *st, ngx_rt_history_t *h)
{
    rt_txn_set(&st->txn, &h->source, 0);
    rt_txn_set(&st->txn, &h->floor, h->list.top);
}


static ngx_rt_history_t *
ngx_rt_history_create_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch)
{
    rt_txn_t          *x;
    ngx_rt_history_t  *h;

    x = &st->txn;

    h = ngx_rt_tenant_alloc_locked(st, ch->tenant, sizeof(ngx_rt_history_t));
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_rt_history_t));

    h->channel = ch;
    h->next = st->histories;

    if (h->next) {
        rt_txn_set_ptr(x, &h->next->prev, h);
    }

    rt_txn_set_ptr(x, &st->histories, h);
    rt_txn_set_ptr(x, &ch->history, h);
    rt_txn_add(x, &st->nhistories, 1);

    ngx_rt_history_settle_locked(ch, x);
    rt_fault(history_create);

    return h;
}


ngx_uint_t
ngx_rt_history_fits(const rt_publication_t *pub)
{
    return pub->data.len + pub->tags.len + ngx_rt_record_info_len(pub)
           <= RT_HISTORY_MAX;
}


/* bytes of the entry that will give way to the next one */

static size_t
ngx_rt_history_displaced(ngx_rt_history_t *h)
{
    rt_history_entry_t  *e;

    e = h->list.first;

    return e && h->list.count >= h->size
           ? rt_history_cost(rt_history_size(e)) : 0;
}


ngx_int_t
ngx_rt_history_append_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    uint64_t time, rt_publication_t *pub)
{
    u_char              info[NGX_RT_RECORD_INFO_MAX];
    size_t              len;
    const uint8_t      *parts[3];
    rt_history_item_t   item;

    item.time = time;
    item.data = pub->data.len;
    item.info = ngx_rt_record_info(pub, info);
    item.tags = pub->tags.len;

    parts[0] = pub->data.data;
    parts[1] = info;
    parts[2] = pub->tags.data;

    len = (size_t) item.data + item.info + item.tags;

    if (ngx_rt_limit_reached(st, NGX_RT_LIMIT_ZONE,
                             NGX_RT_PAYER_TENANT,
                             h->channel->tenant->bytes + rt_history_cost(len)
                             - ngx_rt_history_displaced(h) - 1))
    {
        return NGX_ERROR;
    }

    ngx_rt_history_hold_locked(h->channel, &st->txn);

    if (!rt_history_append(&h->list, st->heap, &st->txn, &item, parts)) {
        ngx_rt_denial.what = NGX_RT_LIMIT_N;
        return NGX_ERROR;
    }

    ngx_rt_tenant_charge_locked(st, h->channel->tenant, rt_history_cost(len));
    rt_txn_set(&st->txn, &h->used, ngx_current_msec);

    pub->offset = h->list.top;
    rt_fault(history_entry);

    return NGX_OK;
}


ngx_int_t
ngx_rt_history_trim_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    ngx_uint_t max)
{
    size_t  cost;

    while (ngx_rt_history_stale(h)) {

        if (max-- == 0) {
            return NGX_AGAIN;
        }

        cost = rt_history_drop(&h->list, st->heap, &st->txn);

        ngx_rt_tenant_charge_locked(st, h->channel->tenant, -(ssize_t) cost);
        ngx_rt_history_settle_locked(h->channel, &st->txn);

        rt_fault(history_drop);
        (void) rt_txn_commit(&st->txn);
    }

    return NGX_OK;
}


/* its oldest entry has to go */

static ngx_uint_t
ngx_rt_history_stale(ngx_rt_history_t *h)
{
    rt_history_entry_t  *e;

    e = h->list.first;

    return e && (h->list.count > h->size || e->offset <= h->floor
                 || rt_history_expired(e, ngx_current_msec, h->ttl));
}


static ngx_uint_t
ngx_rt_history_spare(ngx_rt_history_t *h)
{
    return h && h->list.count == 0 && h->channel->clients == 0
           && h->channel->muted == 0;
}


void
ngx_rt_history_hold_locked(ngx_rt_channel_t *ch, rt_txn_t *x)
{
    if (ngx_rt_history_spare(ch->history)) {
        ngx_rt_history_spare_remove_locked(ch->history, x);
    }
}


void
ngx_rt_history_settle_locked(ngx_rt_channel_t *ch, rt_txn_t *x)
{
    ngx_rt_tenant_t   *t;
    ngx_rt_history_t  *h;

    h = ch->history;
    t = ch->tenant;

    if (!ngx_rt_history_spare(h)) {
        return;
    }

    rt_txn_set(x, &h->used, ngx_current_msec);

    rt_txn_set_ptr(x, &h->spare_prev, t->spare_last);
    rt_txn_set_ptr(x, &h->spare_next, NULL);

    if (t->spare_last) {
        rt_txn_set_ptr(x, &t->spare_last->spare_next, h);

    } else {
        rt_txn_set_ptr(x, &t->spare, h);
    }

    rt_txn_set_ptr(x, &t->spare_last, h);
}


static void
ngx_rt_history_spare_remove_locked(ngx_rt_history_t *h, rt_txn_t *x)
{
    ngx_rt_tenant_t  *t;

    t = h->channel->tenant;

    if (h->spare_prev) {
        rt_txn_set_ptr(x, &h->spare_prev->spare_next, h->spare_next);

    } else {
        rt_txn_set_ptr(x, &t->spare, h->spare_next);
    }

    if (h->spare_next) {
        rt_txn_set_ptr(x, &h->spare_next->spare_prev, h->spare_prev);

    } else {
        rt_txn_set_ptr(x, &t->spare_last, h->spare_prev);
    }
}


ngx_uint_t
ngx_rt_history_void_locked(ngx_rt_channel_t *ch)
{
    ngx_rt_history_t  *h;

    h = ch->history;

    return h == NULL || (h->source == 0 && h->list.count == 0);
}


/* nothing is in it, and its channel has no members */

void
ngx_rt_history_expire_locked(ngx_rt_state_t *st, ngx_rt_history_t *h)
{
    rt_txn_t  *x;

    x = &st->txn;

    ngx_rt_history_spare_remove_locked(h, x);

    if (h->prev) {
        rt_txn_set_ptr(x, &h->prev->next, h->next);

    } else {
        rt_txn_set_ptr(x, &st->histories, h->next);
    }

    if (h->next) {
        rt_txn_set_ptr(x, &h->next->prev, h->prev);
    }

    if (st->sweep == h) {
        rt_txn_set_ptr(x, &st->sweep, h->next);
    }

    rt_txn_add(x, &st->nhistories, -1);

    ngx_rt_tenant_free_locked(st, h->channel->tenant, h);
}


ngx_int_t
ngx_rt_history_evict_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    if (t->spare == NULL) {
        return NGX_DECLINED;
    }

    ngx_rt_channel_expire_locked(st, t->spare->channel);

    return NGX_OK;
}


void
ngx_rt_history_top_locked(ngx_rt_channel_t *ch, ngx_rt_position_t *top)
{
    ngx_rt_history_t  *h;

    h = ch->history;

    top->source = h ? h->source : 0;
    top->offset = top->source ? h->list.top : 0;
}
