
/*
 * Sessions: one client's presence in a tenant, on the list of the worker that
 * serves it, found by its id and among those of its user.  Each function takes
 * the state's mutex by itself and is one transaction, or one for each channel
 * that is left, so that no hold is long.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static ngx_rt_session_t *ngx_rt_session_create_locked(ngx_rt_state_t *st,
    ngx_rt_identity_t *who, ngx_rt_conn_t *conn, ngx_uint_t slot, u_char *id);
static ngx_int_t ngx_rt_session_retell_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_str_t *info);
static ngx_int_t ngx_rt_session_empty_locked(ngx_rt_zone_t *z,
    ngx_rt_session_t *s, ngx_rt_told_t *told);
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
ngx_rt_session_create(ngx_rt_zone_t *z, ngx_rt_identity_t *who,
    ngx_rt_conn_t *conn, ngx_uint_t slot, u_char *id)
{
    ngx_rt_state_t    *st;
    ngx_rt_session_t  *s;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        s = ngx_rt_session_create_locked(st, who, conn, slot, id);
        rt_fault(session_create);

        if (s && rt_txn_commit(&st->txn)) {
            rt_fault(session_created);
            (void) ngx_atomic_fetch_add(&s->tenant->connects, 1);
            break;
        }

        rt_txn_abort(&st->txn);
        s = NULL;

        if (ngx_rt_tenant_make_room_locked(st) != NGX_OK) {
            break;
        }

        (void) rt_txn_commit(&st->txn);

        ngx_rt_state_unlock(z);
        ngx_rt_state_lock(z);
    }

    ngx_rt_state_unlock(z);

    return s;
}


static ngx_rt_session_t *
ngx_rt_session_create_locked(ngx_rt_state_t *st, ngx_rt_identity_t *who,
    ngx_rt_conn_t *conn, ngx_uint_t slot, u_char *id)
{
    rt_txn_t          *x;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *s, **list, **bucket;

    x = &st->txn;

    t = ngx_rt_tenant_acquire_locked(st, &who->tenant);
    if (t == NULL) {
        return NULL;
    }

    if (ngx_rt_limit_reached(st, t, NGX_RT_LIMIT_CONNECTIONS,
                             NGX_RT_PAYER_TENANT, t->sessions))
    {
        return NULL;
    }

    s = ngx_rt_tenant_alloc_locked(st, t, sizeof(ngx_rt_session_t));
    if (s == NULL) {
        return NULL;
    }

    list = &st->slots[slot].sessions;

    ngx_memzero(s, sizeof(ngx_rt_session_t));

    bucket = ngx_rt_session_bucket(st, id);

    s->next = *list;
    s->id_next = *bucket;
    s->id_link = bucket;
    s->tenant = t;
    s->conn = conn;
    s->slot = slot;
    ngx_memcpy(s->id, id, NGX_RT_ID_LEN);

    if (ngx_rt_user_enter_locked(st, s, &who->user) != NGX_OK
        || ngx_rt_info_create_locked(st, t, &who->info, &s->info) != NGX_OK)
    {
        return NULL;
    }

    if (s->next) {
        rt_txn_set_ptr(x, &s->next->prev, s);
    }

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, &s->id_next);
    }

    rt_txn_set_ptr(x, list, s);
    rt_txn_set_ptr(x, bucket, s);
    rt_txn_add(x, &st->sessions, 1);

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_add(x, &t->sessions, 1);

    return s;
}


ngx_int_t
ngx_rt_session_retell(ngx_rt_zone_t *z, ngx_rt_session_t *s, ngx_str_t *info)
{
    ngx_int_t        rc;
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    rc = ngx_rt_session_retell_locked(st, s, info);

    if (rc != NGX_OK || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);
        rc = NGX_DECLINED;
    }

    ngx_rt_state_unlock(z);

    return rc;
}


static ngx_int_t
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
ngx_rt_session_expire(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told)
{
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    while (ngx_rt_session_empty_locked(z, s, told) == NGX_AGAIN) {
        (void) rt_txn_commit(&st->txn);

        ngx_rt_state_unlock(z);
        rt_fault(session_empty);
        ngx_rt_state_lock(z);
    }

    ngx_rt_session_expire_locked(st, s);
    rt_fault(session_expire);
    (void) rt_txn_commit(&st->txn);

    ngx_rt_tenant_trim_locked(st);

    ngx_rt_state_unlock(z);

    rt_fault(session_expired);
}


/* one step of its end; NGX_OK: nothing hangs on it any more */

static ngx_int_t
ngx_rt_session_empty_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told)
{
    if (s->errands) {
        ngx_rt_errand_drop_locked(z->state, s->errands);
        return NGX_AGAIN;
    }

    if (s->members) {
        ngx_rt_channel_leave_locked(z, s->members, 0, told);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


static void
ngx_rt_session_expire_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    rt_txn_t         *x;
    ngx_rt_tenant_t  *t;

    x = &st->txn;
    t = s->tenant;

    if (s->prev) {
        rt_txn_set_ptr(x, &s->prev->next, s->next);

    } else {
        rt_txn_set_ptr(x, &st->slots[s->slot].sessions, s->next);
    }

    if (s->next) {
        rt_txn_set_ptr(x, &s->next->prev, s->prev);
    }

    rt_txn_set_ptr(x, s->id_link, s->id_next);

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, s->id_link);
    }

    ngx_rt_user_leave_locked(st, s);

    rt_txn_add(x, &st->sessions, -1);
    rt_txn_add(x, &t->sessions, -1);

    if (s->info) {
        ngx_rt_tenant_free_locked(st, t, s->info);
    }

    ngx_rt_tenant_free_locked(st, t, s);
    ngx_rt_tenant_settle_locked(st, t);
}


ngx_int_t
ngx_rt_session_reap(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner,
    ngx_uint_t steps, ngx_uint_t *ended, ngx_rt_told_t *told)
{
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

        if (ngx_rt_session_empty_locked(z, s, told) == NGX_OK) {
            ngx_rt_session_expire_locked(st, s);
            rt_txn_add(&st->txn, &st->reaped, 1);
            (*ended)++;
        }

        rt_fault(reap_hold);
        (void) rt_txn_commit(&st->txn);

        ngx_rt_tenant_trim_locked(st);

        ngx_rt_state_unlock(z);

        rt_fault(reap_step);
    }

    return NGX_AGAIN;
}
