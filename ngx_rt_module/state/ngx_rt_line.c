
/*
 * Who of a node's workers listens to a channel for what other nodes say in it,
 * and whether the copy of a durable one can be trusted.  A worker that hears of
 * other nodes has a line; the number of times it began or ended is in its slot.
 * A channel is heard if its listener's line is still that of its claim.  A copy
 * is fresh if it was read after its listener had subscribed.  So nobody hears a
 * channel of a line that is cut, and its copy is stale, at once, without a
 * walk.
 *
 * Called by stream/ and by the watch, with nothing held.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static void ngx_rt_line_cut_locked(ngx_rt_state_t *st, ngx_uint_t slot);
static void ngx_rt_copy_state_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_copy_t *copy);
static ngx_int_t ngx_rt_copy_open_locked(ngx_rt_state_t *st,
    ngx_rt_namespace_t *ns, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_channel_t **chp);
static void ngx_rt_channel_claim_locked(ngx_rt_state_t *st,
    ngx_rt_channel_t *ch, ngx_uint_t slot);
static ngx_rt_channel_t *ngx_rt_line_channel_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *channel);


void
ngx_rt_line_begin(ngx_rt_zone_t *z, ngx_uint_t slot)
{
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    if ((st->slots[slot].line & 1) == 0) {
        rt_txn_add(&st->txn, &st->slots[slot].line, 1);
        (void) rt_txn_commit(&st->txn);
    }

    ngx_rt_state_unlock(z);
}


void
ngx_rt_line_cut(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner)
{
    ngx_rt_state_lock(z);

    if (z->state->slots[slot].owner == owner) {
        ngx_rt_line_cut_locked(z->state, slot);
        (void) rt_txn_commit(&z->state->txn);
    }

    ngx_rt_state_unlock(z);
}


static void
ngx_rt_line_cut_locked(ngx_rt_state_t *st, ngx_uint_t slot)
{
    if (st->slots[slot].line & 1) {
        rt_txn_add(&st->txn, &st->slots[slot].line, 1);
        rt_txn_add(&st->txn, &st->cuts, 1);
    }
}


ngx_uint_t
ngx_rt_channel_heard(ngx_rt_state_t *st, ngx_rt_channel_t *ch)
{
    uint64_t  listener;

    listener = ch->listener;

    return listener && listener <= NGX_RT_SLOTS && (ch->line & 1)
           && st->slots[listener - 1].line == ch->line;
}


ngx_uint_t
ngx_rt_channel_heard_by(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_uint_t slot)
{
    return ch->listener == slot + 1 && ngx_rt_channel_heard(st, ch);
}


static ngx_rt_channel_t *
ngx_rt_line_channel_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    ngx_str_t *channel)
{
    ngx_rt_tenant_t  *t;

    t = ngx_rt_tenant_lookup_locked(st, tenant);

    return t ? ngx_rt_channel_lookup_locked(st, t, channel) : NULL;
}


ngx_int_t
ngx_rt_copy_look(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_copy_t *copy)
{
    ngx_rt_channel_t  *ch;

    ngx_rt_state_lock(z);

    ch = ngx_rt_line_channel_locked(z->state, tenant, channel);

    if (ch) {
        ngx_rt_copy_state_locked(z->state, ch, copy);
    }

    ngx_rt_state_unlock(z);

    return ch ? NGX_OK : NGX_DECLINED;
}


static void
ngx_rt_copy_state_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_copy_t *copy)
{
    ngx_rt_history_top_locked(ch, &copy->top);

    copy->members = ch->clients + ch->muted;
    copy->listener = ngx_rt_channel_heard(st, ch) ? ch->listener - 1
                                                  : NGX_RT_NO_SLOT;
    copy->line = ch->line;
    copy->emptied = ch->history ? ch->history->emptied : 0;
    copy->fresh = copy->listener != NGX_RT_NO_SLOT && ch->history
                  && ch->history->fresh;
}


ngx_int_t
ngx_rt_channel_claim(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_uint_t slot, ngx_rt_copy_t *copy)
{
    ngx_rt_state_t    *st;
    ngx_rt_channel_t  *ch;

    st = z->state;

    ngx_rt_state_lock(z);

    ch = ngx_rt_line_channel_locked(st, tenant, channel);

    if (ch) {

        if (ch->clients || ch->muted) {
            ngx_rt_channel_claim_locked(st, ch, slot);
            (void) rt_txn_commit(&st->txn);
        }

        ngx_rt_copy_state_locked(st, ch, copy);
    }

    ngx_rt_state_unlock(z);

    return ch ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_rt_copy_claim(ngx_rt_zone_t *z, ngx_rt_namespace_t *ns, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, ngx_rt_copy_t *copy,
    ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_rt_state_t    *st;
    ngx_rt_channel_t  *ch;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        rc = ngx_rt_copy_open_locked(st, ns, tenant, channel, &ch);

        if (rc == NGX_OK) {
            rt_txn_set(&st->txn, &ch->history->used, ngx_current_msec);
            ngx_rt_channel_claim_locked(st, ch, slot);

            if (rt_txn_commit(&st->txn)) {
                ngx_rt_copy_state_locked(st, ch, copy);
                break;
            }
        }

        if (ngx_rt_zone_retry_locked(z, tenant, NULL, told) != NGX_OK) {
            rc = NGX_ERROR;
            break;
        }
    }

    ngx_rt_state_unlock(z);

    return rc;
}


static ngx_int_t
ngx_rt_copy_open_locked(ngx_rt_state_t *st, ngx_rt_namespace_t *ns,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_rt_channel_t **chp)
{
    ngx_rt_tenant_t   *t;
    ngx_rt_channel_t  *ch;
    ngx_rt_history_t  *h;

    t = ngx_rt_tenant_acquire_locked(st, tenant);
    ch = t ? ngx_rt_channel_acquire_locked(st, t, channel) : NULL;

    if (ch == NULL || ngx_rt_history_open_locked(st, ch, ns, &h) != NGX_OK
        || ch->history == NULL)
    {
        return NGX_ERROR;
    }

    *chp = ch;

    return NGX_OK;
}


static void
ngx_rt_channel_claim_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_uint_t slot)
{
    if (ngx_rt_channel_heard(st, ch) || slot == NGX_RT_NO_SLOT
        || (st->slots[slot].line & 1) == 0)
    {
        return;
    }

    rt_txn_set(&st->txn, &ch->listener, slot + 1);
    rt_txn_set(&st->txn, &ch->line, st->slots[slot].line);

    if (ch->history) {
        rt_txn_set(&st->txn, &ch->history->fresh, 0);
    }
}


ngx_int_t
ngx_rt_copy_freshen(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_uint_t slot, uint64_t line, ngx_rt_position_t *top)
{
    ngx_uint_t         fresh;
    ngx_rt_channel_t  *ch;
    ngx_rt_history_t  *h;

    ngx_rt_state_lock(z);

    ch = ngx_rt_history_channel_locked(z->state, tenant, channel);
    h = ch ? ch->history : NULL;

    fresh = h && ngx_rt_channel_heard_by(z->state, ch, slot)
            && ch->line == line && h->source == top->source
            && h->list.top >= top->offset;

    if (fresh && !h->fresh) {
        rt_txn_set(&z->state->txn, &h->fresh, 1);
        (void) rt_txn_commit(&z->state->txn);
    }

    ngx_rt_state_unlock(z);

    return fresh ? NGX_OK : NGX_DECLINED;
}


void
ngx_rt_channel_release(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot)
{
    rt_txn_t          *x;
    ngx_rt_channel_t  *ch;

    x = &z->state->txn;

    ngx_rt_state_lock(z);

    ch = ngx_rt_line_channel_locked(z->state, tenant, channel);

    if (ch && ch->listener == slot + 1) {
        rt_txn_set(x, &ch->listener, 0);

        if (ch->history) {
            rt_txn_set(x, &ch->history->fresh, 0);
        }

        (void) rt_txn_commit(x);
    }

    ngx_rt_state_unlock(z);
}
