
/*
 * A publication goes into its channel's history and into the log.  The lookup
 * of the channel, the entry and the append are one hold of the state's mutex
 * with the log's inside it, so that the publications of a channel stand in both
 * in the order in which they were accepted, and who subscribes sees all that
 * come after.
 *
 * It is accepted when the entry is committed.  A worker that is killed before
 * the append has told nobody: the workers find it in the history later.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


/* old entries that give way to a new one */
#define NGX_RT_PUBLISH_TRIM   4

/* what a publication may evict to find room */
#define NGX_RT_PUBLISH_EVICT  64


static ngx_int_t ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_told_t *told);
static ngx_int_t ngx_rt_publish_keep_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_rt_publish_t *p, ngx_rt_channel_t **chp);
static ngx_int_t ngx_rt_publish_entry_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_rt_publish_t *p, ngx_rt_channel_t **chp);


ngx_rt_published_e
ngx_rt_publish(ngx_rt_zone_t *z, ngx_rt_publish_t *p)
{
    ngx_int_t      rc;
    ngx_uint_t     i;
    ngx_rt_told_t  told;

    if (!ngx_rt_record_fits(z, p->pub)) {
        return NGX_RT_PUBLISH_LARGE;
    }

    if (p->ns->history && !ngx_rt_history_fits(p->pub)) {
        return NGX_RT_PUBLISH_LONG;
    }

    p->pub->offset = 0;
    ngx_memzero(&p->position, sizeof(ngx_rt_position_t));

    ngx_rt_hub_relieve(z->hub);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    for (i = 0; i < NGX_RT_PUBLISH_EVICT; i++) {

        ngx_rt_state_lock(z);
        rc = ngx_rt_publish_locked(z, p, &told);
        ngx_rt_state_unlock(z);

        if (rc != NGX_AGAIN) {
            break;
        }
    }

    if (rc == NGX_BUSY) {
        return NGX_RT_PUBLISH_DENIED;
    }

    if (rc != NGX_OK) {
        return NGX_RT_PUBLISH_FULL;
    }

    ngx_rt_count(publishes, 1);

    ngx_rt_hub_told(z->hub, &told);

    return NGX_RT_PUBLISHED;
}


/*
 * NGX_AGAIN: something was evicted; NGX_DECLINED: there is no room; NGX_BUSY: a
 * limit denies it.
 */

static ngx_int_t
ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_rt_state_t    *st;
    ngx_rt_tenant_t   *t;
    ngx_rt_channel_t  *ch;

    st = z->state;

    t = ngx_rt_tenant_acquire_locked(st, &p->tenant);

    if (t == NULL || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);

        /* a tenant that finds no room has no channels either */

        return p->ns->history ? NGX_DECLINED : NGX_OK;
    }

    if (p->charge && ngx_rt_charge_locked(st, t, p->charge) != NGX_OK) {
        return NGX_BUSY;
    }

    ch = ngx_rt_channel_lookup_locked(st, t, &p->channel);

    if (p->ns->history || (ch && ch->history)) {
        rc = ngx_rt_publish_keep_locked(st, t, p, &ch);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ch && ch->workers) {
        ngx_rt_record_append_locked(z, ch, NGX_RT_RECORD_PUBLICATION,
                                    ch->workers, p->pub, told);
    }

    if (ch && ch->history) {
        (void) ngx_rt_history_trim_locked(st, ch->history,
                                          NGX_RT_PUBLISH_TRIM);
    }

    (void) ngx_atomic_fetch_add(&t->publishes, 1);
    (void) ngx_atomic_fetch_add(&t->publish_bytes, p->pub->data.len);

    ngx_rt_tenant_trim_locked(st);

    return NGX_OK;
}


/* the entry is there, or nothing has changed but what was evicted */

static ngx_int_t
ngx_rt_publish_keep_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_publish_t *p, ngx_rt_channel_t **chp)
{
    if (ngx_rt_publish_entry_locked(st, t, p, chp) == NGX_OK
        && rt_txn_commit(&st->txn))
    {
        return NGX_OK;
    }

    rt_txn_abort(&st->txn);

    if (ngx_rt_history_evict_locked(st, t) != NGX_OK
        && ngx_rt_tenant_make_room_locked(st) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    (void) rt_txn_commit(&st->txn);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_rt_publish_entry_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_publish_t *p, ngx_rt_channel_t **chp)
{
    ngx_rt_channel_t  *ch;
    ngx_rt_history_t  *h;

    ch = ngx_rt_channel_acquire_locked(st, t, &p->channel);

    if (ch == NULL || ngx_rt_history_open_locked(st, ch, p->ns, &h) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *chp = ch;

    if (h == NULL || p->skip_history) {
        return NGX_OK;
    }

    if (ngx_rt_history_append_locked(st, h, p->pub) != NGX_OK) {
        return NGX_ERROR;
    }

    p->position.source = h->source;
    p->position.offset = p->pub->offset;

    return NGX_OK;
}
