
/*
 * Sessions: one client's presence in a tenant, on the list of the worker that
 * serves it, found by its id and among those of its user.  Each function but
 * the _locked takes the state's mutex by itself and is one transaction, or one
 * for each channel that is left, so that no hold is long.
 *
 * What is special to those that outlive their connection is in ngx_rt_linger.c
 * and ngx_rt_resume.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_session_step_locked(ngx_rt_zone_t *z,
    ngx_rt_session_t *s, ngx_uint_t may, ngx_rt_told_t *told);
static void ngx_rt_session_expire_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s);


ngx_int_t
ngx_rt_uuid(u_char *id)
{
    u_char      *p, raw[16];
    ngx_uint_t   i;

    static u_char  hex[] = "0123456789abcdef";

    if (RAND_bytes(raw, sizeof(raw)) != 1) {
        return NGX_ERROR;
    }

    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;

    p = id;

    for (i = 0; i < sizeof(raw); i++) {

        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }

        *p++ = hex[raw[i] >> 4];
        *p++ = hex[raw[i] & 0x0f];
    }

    return NGX_OK;
}


static ngx_inline ngx_rt_session_t **
ngx_rt_session_bucket(ngx_rt_state_t *st, u_char *id)
{
    uint64_t  hash;

    hash = rt_hash(&st->hash_key, id, NGX_RT_ID_LEN);

    return &st->session_buckets[hash & st->mask];
}


ngx_rt_session_t *
ngx_rt_session_lookup_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *id)
{
    ngx_rt_session_t  *s;

    if (id->len != NGX_RT_ID_LEN) {
        return NULL;
    }

    for (s = *ngx_rt_session_bucket(st, id->data); s; s = s->id_next) {

        if (s->tenant == t && ngx_memcmp(s->id, id->data, id->len) == 0) {
            return s;
        }
    }

    return NULL;
}


void
ngx_rt_session_info(ngx_rt_session_t *s, rt_client_info_t *info)
{
    ngx_memzero(info, sizeof(rt_client_info_t));

    info->client.data = s->id;
    info->client.len = NGX_RT_ID_LEN;

    if (s->user) {
        info->user.data = s->user->name;
        info->user.len = s->user->len;
    }

    if (s->info) {
        info->conn_info.data = s->info->data;
        info->conn_info.len = s->info->len;
    }
}


void
ngx_rt_member_info(ngx_rt_member_t *m, rt_client_info_t *info)
{
    ngx_rt_session_info(m->session, info);

    if (m->info) {
        info->chan_info.data = m->info->data;
        info->chan_info.len = m->info->len;
    }
}


ngx_rt_session_t *
ngx_rt_session_create(ngx_rt_zone_t *z, ngx_rt_session_conf_t *sc,
    ngx_rt_told_t *told)
{
    ngx_rt_state_t    *st;
    ngx_rt_session_t  *s;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        s = ngx_rt_session_create_locked(st, sc);

        if (s && sc->proof
            && ngx_rt_linger_create_locked(st, s, sc) != NGX_OK)
        {
            s = NULL;
        }

        rt_fault(session_create);

        if (s && rt_txn_commit(&st->txn)) {
            rt_fault(session_created);
            (void) ngx_atomic_fetch_add(&s->tenant->connects, 1);
            break;
        }

        s = NULL;

        if (ngx_rt_zone_retry_locked(z, &sc->who->tenant, &sc->who->user,
                                     told)
            != NGX_OK)
        {
            break;
        }
    }

    ngx_rt_state_unlock(z);

    return s;
}


ngx_rt_session_t *
ngx_rt_session_create_locked(ngx_rt_state_t *st, ngx_rt_session_conf_t *sc)
{
    rt_txn_t          *x;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *s, **bucket;

    x = &st->txn;

    t = ngx_rt_tenant_acquire_locked(st, &sc->who->tenant);
    if (t == NULL) {
        return NULL;
    }

    if (!sc->heir
        && ngx_rt_limit_reached(st, NGX_RT_LIMIT_CONNECTIONS,
                                NGX_RT_PAYER_TENANT,
                                t->sessions - t->lingering))
    {
        return NULL;
    }

    s = ngx_rt_tenant_alloc_locked(st, t, sizeof(ngx_rt_session_t));
    if (s == NULL) {
        return NULL;
    }

    ngx_memzero(s, sizeof(ngx_rt_session_t));

    bucket = ngx_rt_session_bucket(st, sc->id);

    s->id_next = *bucket;
    s->id_link = bucket;
    s->tenant = t;
    ngx_memcpy(s->id, sc->id, NGX_RT_ID_LEN);

    if (ngx_rt_user_enter_locked(st, s, &sc->who->user) != NGX_OK
        || ngx_rt_info_create_locked(st, t, &sc->who->info, &s->info)
           != NGX_OK)
    {
        return NULL;
    }

    if (s->user && !sc->heir
        && ngx_rt_limit_reached(st, NGX_RT_LIMIT_SESSIONS,
                                NGX_RT_PAYER_USER, s->user->count - 1))
    {
        return NULL;
    }

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, &s->id_next);
    }

    rt_txn_set_ptr(x, bucket, s);
    rt_txn_add(x, &st->sessions, 1);

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_add(x, &t->sessions, 1);

    ngx_rt_session_list_locked(st, s, sc->slot, sc->conn);

    return s;
}


ngx_int_t
ngx_rt_session_retell(ngx_rt_zone_t *z, ngx_rt_session_t *s, ngx_str_t *info,
    const ngx_rt_identity_t *who)
{
    ngx_int_t        rc;
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    rc = info->len ? ngx_rt_session_retell_locked(st, s, info) : NGX_OK;

    if (who && s->linger) {
        ngx_rt_linger_token_locked(st, s->linger, who);
    }

    if (rc != NGX_OK || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);
        ngx_rt_limit_count(s->tenant);
        rc = NGX_DECLINED;
    }

    ngx_rt_state_unlock(z);

    return rc;
}


ngx_int_t
ngx_rt_session_retell_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_str_t *info)
{
    ngx_rt_info_t  *old, *new;

    old = s->info;

    if (ngx_rt_info_create_locked(st, s->tenant, info, &new) != NGX_OK) {
        return NGX_DECLINED;
    }

    rt_txn_set_ptr(&st->txn, &s->info, new);

    if (old) {
        ngx_rt_tenant_free_locked(st, s->tenant, old);
    }

    return NGX_OK;
}


void
ngx_rt_session_list_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_uint_t slot, ngx_rt_conn_t *conn)
{
    rt_txn_t           *x;
    ngx_rt_session_t  **list;

    x = &st->txn;
    list = &st->slots[slot].sessions;

    rt_txn_set_ptr(x, &s->next, *list);
    rt_txn_set_ptr(x, &s->prev, NULL);
    rt_txn_set(x, &s->slot, slot);
    rt_txn_set_ptr(x, &s->conn, conn);

    if (s->next) {
        rt_txn_set_ptr(x, &s->next->prev, s);
    }

    rt_txn_set_ptr(x, list, s);
}


void
ngx_rt_session_unlist_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    rt_txn_t  *x;

    x = &st->txn;

    if (s->slot == NGX_RT_NO_SLOT) {
        return;
    }

    if (s->prev) {
        rt_txn_set_ptr(x, &s->prev->next, s->next);

    } else {
        rt_txn_set_ptr(x, &st->slots[s->slot].sessions, s->next);
    }

    if (s->next) {
        rt_txn_set_ptr(x, &s->next->prev, s->prev);
    }

    rt_txn_set(x, &s->slot, NGX_RT_NO_SLOT);
    rt_txn_set_ptr(x, &s->conn, NULL);
}


void
ngx_rt_session_expire(ngx_rt_zone_t *z, ngx_rt_session_t *s, ngx_uint_t may,
    ngx_rt_told_t *told)
{
    ngx_rt_state_lock(z);

    while (ngx_rt_session_step_locked(z, s, may, told) == NGX_AGAIN) {
        (void) rt_txn_commit(&z->state->txn);

        ngx_rt_state_unlock(z);
        rt_fault(session_empty);
        ngx_rt_state_lock(z);
    }

    rt_fault(session_expire);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_tenant_trim_locked(z->state);

    ngx_rt_state_unlock(z);

    rt_fault(session_expired);
}


/* of one without a connection; NGX_OK: it is gone; NGX_DONE: it lingers */

static ngx_int_t
ngx_rt_session_step_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_uint_t may, ngx_rt_told_t *told)
{
    ngx_int_t  rc;

    if (may && s->linger) {
        rc = ngx_rt_linger_begin_locked(z, s, told);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_rt_session_end_locked(z, s, told);
}


ngx_int_t
ngx_rt_session_end_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told)
{
    ngx_rt_state_t  *st;

    st = z->state;

    if (s->errands) {
        ngx_rt_errand_settle_locked(z, s, told);
        return NGX_AGAIN;
    }

    if (s->members) {
        ngx_rt_channel_leave_locked(z, s->members, 0, told);
        return NGX_AGAIN;
    }

    if (s->linger && s->linger->husks) {
        ngx_rt_linger_disown_locked(st, s->linger);
        return NGX_AGAIN;
    }

    ngx_rt_session_expire_locked(st, s);

    return NGX_OK;
}


static void
ngx_rt_session_expire_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    rt_txn_t          *x;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *heir;

    x = &st->txn;
    t = s->tenant;

    ngx_rt_session_unlist_locked(st, s);

    rt_txn_set_ptr(x, s->id_link, s->id_next);

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, s->id_link);
    }

    ngx_rt_user_leave_locked(st, s);

    rt_txn_add(x, &st->sessions, -1);
    rt_txn_add(x, &t->sessions, -1);

    if (s->linger) {
        ngx_rt_linger_free_locked(st, s);
    }

    heir = s->husk ? ngx_rt_linger_heir_locked(st, s) : NULL;

    if (heir) {
        rt_txn_add(x, &heir->linger->nhusks, -1);
    }

    if (s->info) {
        ngx_rt_tenant_free_locked(st, t, s->info);
    }

    ngx_rt_tenant_free_locked(st, t, s);
    ngx_rt_tenant_settle_locked(st, t);
}


ngx_int_t
ngx_rt_session_reap(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner,
    ngx_uint_t steps, ngx_uint_t *ended, ngx_uint_t *kept, ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_rt_state_t    *st;
    ngx_rt_session_t  *s;

    st = z->state;

    while (steps--) {

        ngx_rt_state_lock(z);

        /* another worker may be at it, or the slot has a new owner */

        s = st->slots[slot].owner == owner ? st->slots[slot].sessions : NULL;

        if (s == NULL) {
            ngx_rt_state_unlock(z);
            return NGX_OK;
        }

        rc = ngx_rt_session_step_locked(z, s, 1, told);

        if (rc == NGX_OK) {
            rt_txn_add(&st->txn, &st->reaped, 1);
            (*ended)++;

        } else if (rc == NGX_DONE) {
            (*kept)++;
        }

        rt_fault(reap_hold);
        (void) rt_txn_commit(&st->txn);

        ngx_rt_tenant_trim_locked(st);

        ngx_rt_state_unlock(z);

        rt_fault(reap_step);
    }

    return NGX_AGAIN;
}
