
/*
 * The sweep: histories that nobody publishes to any more give their room back.
 * It goes round all of a zone, a part of them each second, so that what is old
 * is gone half a minute later at the latest; where someone found no room, in a
 * second or two.
 *
 * Called by the watch of every worker; the first one in a second does it.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* a round takes so many seconds */
#define NGX_RT_SWEEP_ROUND     20

/* histories in a second, at least, while someone finds no room */
#define NGX_RT_SWEEP_HURRY     8192

/* histories of a hold of the mutex, and holds before others get the worker */
#define NGX_RT_SWEEP_SLICE     32
#define NGX_RT_SWEEP_HOLDS     64

/* entries of one history that are dropped before the next is looked at */
#define NGX_RT_SWEEP_TRIM      8


static void ngx_rt_history_sweep_begin_locked(ngx_rt_zone_t *z);
static void ngx_rt_history_sweep_slice_locked(ngx_rt_zone_t *z,
    ngx_msec_t meta_ttl);
static void ngx_rt_history_sweep_one_locked(ngx_rt_state_t *st,
    ngx_rt_history_t *h, ngx_msec_t meta_ttl);


ngx_int_t
ngx_rt_history_sweep(ngx_rt_zone_t *z, ngx_msec_t meta_ttl)
{
    ngx_uint_t  i;

    if (z->state->histories == NULL) {
        return NGX_OK;
    }

    for (i = 0; i < NGX_RT_SWEEP_HOLDS; i++) {

        ngx_rt_state_lock(z);

        if (i == 0 && z->sweeping == 0) {
            ngx_rt_history_sweep_begin_locked(z);
        }

        ngx_rt_history_sweep_slice_locked(z, meta_ttl);

        ngx_rt_state_unlock(z);

        if (z->sweeping == 0) {
            return NGX_OK;
        }
    }

    return NGX_AGAIN;
}


static void
ngx_rt_history_sweep_begin_locked(ngx_rt_zone_t *z)
{
    ngx_rt_state_t  *st;

    st = z->state;

    /* clocks of two workers differ by a little */

    if ((ngx_msec_int_t) (ngx_current_msec - st->swept) < 900) {
        return;
    }

    z->sweeping = st->nhistories / NGX_RT_SWEEP_ROUND + 1;

    if (st->hurry) {
        z->sweeping = ngx_max(z->sweeping, NGX_RT_SWEEP_HURRY);
        z->sweeping = ngx_min(z->sweeping, st->nhistories);
    }

    rt_txn_set(&st->txn, &st->swept, ngx_current_msec);
    rt_txn_set(&st->txn, &st->hurry, 0);
    (void) rt_txn_commit(&st->txn);
}


static void
ngx_rt_history_sweep_slice_locked(ngx_rt_zone_t *z, ngx_msec_t meta_ttl)
{
    ngx_uint_t         n;
    ngx_rt_state_t    *st;
    ngx_rt_history_t  *h;

    st = z->state;

    for (n = 0; z->sweeping && n < NGX_RT_SWEEP_SLICE; n++) {

        h = st->sweep ? st->sweep : st->histories;

        if (h == NULL) {
            z->sweeping = 0;
            return;
        }

        if (ngx_rt_history_trim_locked(st, h, NGX_RT_SWEEP_TRIM)
            == NGX_AGAIN)
        {
            n += NGX_RT_SWEEP_TRIM;
            continue;
        }

        ngx_rt_history_sweep_one_locked(st, h, meta_ttl);
        z->sweeping--;
    }
}


static void
ngx_rt_history_sweep_one_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    ngx_msec_t meta_ttl)
{
    ngx_rt_channel_t  *ch;

    ch = h->channel;

    rt_txn_set_ptr(&st->txn, &st->sweep, h->next);

    if (ch->clients || ch->muted || ngx_rt_channel_heard(st, ch)) {
        (void) rt_txn_commit(&st->txn);
        return;
    }

    if (rt_epoch_durable(h->source)) {

        /* the stream has it */

        ngx_rt_history_stop_locked(st, h);

    } else if (h->list.count == 0
               && (h->source == 0
                   || (ngx_msec_int_t) (ngx_current_msec - h->used)
                      >= (ngx_msec_int_t) meta_ttl))
    {
        ngx_rt_channel_expire_locked(st, ch);
    }

    rt_fault(history_sweep);
    (void) rt_txn_commit(&st->txn);
}
