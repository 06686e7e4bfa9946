
/*
 * A publication goes into its channel's history and into the log.  The lookup
 * of the channel, the entry and the append are one hold of the state's mutex
 * with the log's inside it, so that the publications of a channel stand in both
 * in the order in which they were accepted, and who subscribes sees all that
 * come after.
 *
 * It is accepted when the entry is committed.  A worker that is killed before
 * the append has told nobody: the workers find it in the history later.  What
 * goes into no history is accepted by the append.
 *
 * Its key is committed with it, by the same store: with the entry, or, where
 * there is none, by the log's head, on which the transaction hangs.  So whoever
 * asks again, after whatever death, finds the key if, and only if, the
 * publication was accepted.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


/* old entries that give way to a new one */
#define NGX_RT_PUBLISH_TRIM   4

/* what a publication may evict to find room */
#define NGX_RT_PUBLISH_EVICT  64


static ngx_rt_published_e ngx_rt_publish_check(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p);
static ngx_rt_published_e ngx_rt_publish_try(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p, ngx_rt_told_t *told);
static ngx_int_t ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_told_t *told, ngx_rt_published_e *outcome);
static ngx_uint_t ngx_rt_publish_listens_locked(ngx_rt_state_t *st,
    ngx_rt_publish_t *p);
static ngx_int_t ngx_rt_publish_find_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_rt_publish_t *p, ngx_rt_published_e *outcome);
static ngx_int_t ngx_rt_publish_stale_locked(ngx_rt_channel_t *ch,
    ngx_rt_publish_t *p);
static ngx_int_t ngx_rt_publish_keep_locked(ngx_rt_zone_t *z,
    ngx_rt_tenant_t *t, ngx_rt_publish_t *p, ngx_rt_channel_t **chp,
    ngx_rt_told_t *told);
static ngx_int_t ngx_rt_publish_entry_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_rt_publish_t *p, ngx_rt_channel_t **chp);
static bool ngx_rt_publish_commit_locked(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p, ngx_rt_channel_t *ch);


#define ngx_rt_publish_keyed(p)  ((p)->key.name.len != 0)


ngx_rt_published_e
ngx_rt_publish(ngx_rt_zone_t *z, ngx_rt_publish_t *p)
{
    ngx_rt_told_t       told;
    ngx_rt_published_e  outcome;

    outcome = ngx_rt_publish_check(z, p);

    if (outcome != NGX_RT_PUBLISHED) {
        return outcome;
    }

    ngx_rt_hub_relieve(z->hub);

    rt_fault(publish_begin);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    outcome = ngx_rt_publish_try(z, p, &told);

    rt_fault(publish_done);

    ngx_rt_hub_told(z->hub, &told);

    if (outcome == NGX_RT_PUBLISHED && !p->heard) {
        ngx_rt_count(publishes, 1);
        ngx_rt_stream_tell(z, p);
    }

    return outcome;
}


static ngx_rt_published_e
ngx_rt_publish_check(ngx_rt_zone_t *z, ngx_rt_publish_t *p)
{
    if (!ngx_rt_record_fits(z, p->pub)) {
        return NGX_RT_PUBLISH_LARGE;
    }

    if (p->ns->history && !ngx_rt_history_fits(p->pub)) {
        return NGX_RT_PUBLISH_LONG;
    }

    if (p->ns->durable && p->skip_history) {
        return NGX_RT_PUBLISH_KEPT;
    }

    if (p->version && (p->ns->history == 0 || p->skip_history)) {
        return NGX_RT_PUBLISH_UNVERSIONED;
    }

    return NGX_RT_PUBLISHED;
}


ngx_rt_published_e
ngx_rt_publish_admit(ngx_rt_zone_t *z, ngx_rt_publish_t *p)
{
    ngx_rt_state_t      *st;
    ngx_rt_tenant_t     *t;
    ngx_rt_published_e   outcome;

    outcome = ngx_rt_publish_check(z, p);

    if (outcome != NGX_RT_PUBLISHED || p->charge == NULL) {
        return outcome;
    }

    st = z->state;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_acquire_locked(st, &p->tenant);

    if (t == NULL || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);
        outcome = NGX_RT_PUBLISH_FULL;

    } else if (ngx_rt_charge_locked(st, t, p->charge) != NGX_OK) {
        outcome = NGX_RT_PUBLISH_DENIED;
    }

    ngx_rt_state_unlock(z);

    return outcome;
}


void
ngx_rt_publish_count(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_published_e outcome, size_t bytes)
{
    ngx_rt_tenant_t  *t;

    if (outcome == NGX_RT_PUBLISHED) {
        ngx_rt_count(publishes, 1);

    } else if (outcome != NGX_RT_PUBLISH_REPEATED
               && outcome != NGX_RT_PUBLISH_CONFLICT)
    {
        return;
    }

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_acquire_locked(z->state, tenant);

    if (t == NULL || !rt_txn_commit(&z->state->txn)) {
        rt_txn_abort(&z->state->txn);

    } else if (outcome == NGX_RT_PUBLISHED) {
        (void) ngx_atomic_fetch_add(&t->publishes, 1);
        (void) ngx_atomic_fetch_add(&t->publish_bytes, bytes);

    } else if (outcome == NGX_RT_PUBLISH_REPEATED) {
        (void) ngx_atomic_fetch_add(&t->repeats, 1);

    } else {
        (void) ngx_atomic_fetch_add(&t->conflicts, 1);
    }

    ngx_rt_tenant_trim_locked(z->state);

    ngx_rt_state_unlock(z);
}


static ngx_rt_published_e
ngx_rt_publish_try(ngx_rt_zone_t *z, ngx_rt_publish_t *p, ngx_rt_told_t *told)
{
    ngx_int_t           rc;
    ngx_uint_t          i;
    ngx_rt_published_e  outcome;

    for (i = 0; i < NGX_RT_PUBLISH_EVICT; i++) {

        outcome = NGX_RT_PUBLISHED;
        p->pub->offset = 0;
        ngx_memzero(&p->position, sizeof(ngx_rt_position_t));

        ngx_rt_state_lock(z);
        rc = ngx_rt_publish_locked(z, p, told, &outcome);
        ngx_rt_state_unlock(z);

        if (rc == NGX_OK) {
            return outcome;
        }

        if (rc == NGX_DECLINED) {
            break;
        }
    }

    return NGX_RT_PUBLISH_FULL;
}


/*
 * NGX_OK: *outcome says what has become of it; NGX_AGAIN: something was
 * evicted; NGX_DECLINED: there is no room.
 */

static ngx_int_t
ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_told_t *told, ngx_rt_published_e *outcome)
{
    ngx_int_t          rc;
    ngx_rt_state_t    *st;
    ngx_rt_tenant_t   *t;
    ngx_rt_channel_t  *ch;

    st = z->state;

    rt_fault(publish_hold);

    if (p->heard && !ngx_rt_publish_listens_locked(st, p)) {
        *outcome = NGX_RT_PUBLISH_DENIED;
        return NGX_OK;
    }

    t = ngx_rt_tenant_acquire_locked(st, &p->tenant);

    if (t == NULL || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);

        /* a tenant that finds no room has no channels either */

        return p->ns->history || ngx_rt_publish_keyed(p) ? NGX_DECLINED
                                                         : NGX_OK;
    }

    if (ngx_rt_publish_keyed(p)
        && ngx_rt_publish_find_locked(st, t, p, outcome) != NGX_OK)
    {
        return NGX_OK;
    }

    ch = ngx_rt_channel_lookup_locked(st, t, &p->channel);

    if (p->version && ngx_rt_publish_stale_locked(ch, p) != NGX_OK) {
        *outcome = NGX_RT_PUBLISH_STALE;
        return NGX_OK;
    }

    /* a repeat is free: who repeats shall have the first result */

    if (p->charge && ngx_rt_charge_locked(st, t, p->charge) != NGX_OK) {
        *outcome = NGX_RT_PUBLISH_DENIED;
        return NGX_OK;
    }

    if (p->ns->history || (ch && ch->history) || ngx_rt_publish_keyed(p)) {
        rc = ngx_rt_publish_keep_locked(z, t, p, &ch, told);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ch && ch->workers) {
        ngx_rt_record_append_locked(z, ch, NGX_RT_RECORD_PUBLICATION,
                                    ch->workers, p->pub, told);
        rt_fault(publish_told);

        /* what hung on it */

        (void) rt_txn_commit(&st->txn);
    }

    if (ch && ch->history) {
        (void) ngx_rt_history_trim_locked(st, ch->history,
                                          NGX_RT_PUBLISH_TRIM);
    }

    if (!p->heard) {
        (void) ngx_atomic_fetch_add(&t->publishes, 1);
        (void) ngx_atomic_fetch_add(&t->publish_bytes, p->pub->data.len);
    }

    ngx_rt_tenant_trim_locked(st);

    return NGX_OK;
}


static ngx_uint_t
ngx_rt_publish_listens_locked(ngx_rt_state_t *st, ngx_rt_publish_t *p)
{
    ngx_rt_tenant_t   *t;
    ngx_rt_channel_t  *ch;

    t = ngx_rt_tenant_lookup_locked(st, &p->tenant);
    ch = t ? ngx_rt_channel_lookup_locked(st, t, &p->channel) : NULL;

    return ch && ngx_rt_channel_heard_by(st, ch, ngx_rt_slot);
}


/* NGX_DONE: nothing is to be published, *outcome says why */

static ngx_int_t
ngx_rt_publish_find_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_publish_t *p, ngx_rt_published_e *outcome)
{
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    switch (ngx_rt_idem_find_locked(st, t, &p->key, mcf->idem_keys,
                                    &p->position))
    {
    case NGX_OK:
        return NGX_OK;

    case NGX_DONE:
        *outcome = NGX_RT_PUBLISH_REPEATED;
        (void) ngx_atomic_fetch_add(&t->repeats, 1);
        break;

    case NGX_BUSY:
        *outcome = NGX_RT_PUBLISH_KEYS;
        (void) ngx_atomic_fetch_add(&t->keys_refused, 1);
        break;

    default:
        *outcome = NGX_RT_PUBLISH_CONFLICT;
        (void) ngx_atomic_fetch_add(&t->conflicts, 1);
    }

    return NGX_DONE;
}


/* NGX_DECLINED: the channel has had this version, or a later one */

static ngx_int_t
ngx_rt_publish_stale_locked(ngx_rt_channel_t *ch, ngx_rt_publish_t *p)
{
    ngx_rt_history_t  *h;

    h = ch ? ch->history : NULL;

    if (h == NULL || h->source == 0 || p->version > h->version
        || p->version_epoch != h->version_epoch)
    {
        return NGX_OK;
    }

    p->position.source = h->source;
    p->position.offset = h->list.top;

    return NGX_DECLINED;
}


/*
 * The entry and the key are there, or hang on the append; or nothing has
 * changed but what was evicted.
 */

static ngx_int_t
ngx_rt_publish_keep_locked(ngx_rt_zone_t *z, ngx_rt_tenant_t *t,
    ngx_rt_publish_t *p, ngx_rt_channel_t **chp, ngx_rt_told_t *told)
{
    uint64_t             count;
    ngx_rt_state_t      *st;
    ngx_rt_history_t    *h;
    ngx_rt_main_conf_t  *mcf;

    st = z->state;
    h = *chp ? (*chp)->history : NULL;
    count = h ? h->list.count : 0;
    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    if (ngx_rt_publish_entry_locked(st, t, p, chp) == NGX_OK
        && (!ngx_rt_publish_keyed(p)
            || ngx_rt_idem_accept_locked(st, t, &p->key, mcf->idem_window,
                                         &p->position)
               == NGX_OK)
        && ngx_rt_publish_commit_locked(z, p, *chp))
    {
        return NGX_OK;
    }

    rt_txn_abort(&st->txn);

    /* what is old in the channel itself goes first */

    if (count) {
        (void) ngx_rt_history_trim_locked(st, h, NGX_RT_PUBLISH_TRIM);

        if (h->list.count < count) {
            return NGX_AGAIN;
        }
    }

    return ngx_rt_zone_relieve_locked(z, &p->tenant, NULL, told) == NGX_OK
           ? NGX_AGAIN : NGX_DECLINED;
}


static bool
ngx_rt_publish_commit_locked(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_channel_t *ch)
{
    bool       done;
    rt_txn_t  *x;

    x = &z->state->txn;

    if (p->position.source == 0 && ngx_rt_publish_keyed(p) && ch
        && ch->workers)
    {
        done = rt_txn_hang(x, &z->log->head);
        rt_fault(key_hung);

    } else {
        done = rt_txn_commit(x);
        rt_fault(history_stored);
    }

    return done;
}


static ngx_int_t
ngx_rt_publish_entry_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_publish_t *p, ngx_rt_channel_t **chp)
{
    ngx_rt_channel_t  *ch;
    ngx_rt_history_t  *h;

    ch = *chp;

    if (p->ns->history == 0 && (ch == NULL || ch->history == NULL)) {
        return NGX_OK;
    }

    ch = ngx_rt_channel_acquire_locked(st, t, &p->channel);

    if (ch == NULL || ngx_rt_history_open_locked(st, ch, p->ns, &h) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *chp = ch;

    if (h == NULL || p->skip_history) {
        return NGX_OK;
    }

    if (ngx_rt_history_append_locked(st, h, ngx_current_msec, p->pub)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p->position.source = h->source;
    p->position.offset = p->pub->offset;

    if (p->version) {
        rt_txn_set(&st->txn, &h->version, p->version);
        rt_txn_set(&st->txn, &h->version_epoch, p->version_epoch);
    }

    return NGX_OK;
}
