
/*
 * Users: whose sessions they are.  A user is there from its first session to
 * its last, and belongs to a tenant: the same name in two tenants is two users.
 *
 * A new session stands first in its user's list, and none changes its place.
 * So who walks the list in several holds of the mutex goes on behind the last
 * one that it has seen and that is still there, and meets none twice.
 *
 * Every _locked function is called under the state's mutex.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"
#include "rt_utf8.h"


/* sessions of a hold of the mutex */
#define NGX_RT_USER_SLICE  256


static ngx_int_t ngx_rt_user_slice_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *user, ngx_array_t *ids);
static ngx_rt_user_t *ngx_rt_user_create_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);


/* clients are told it in JSON, so it has to be UTF-8 */

ngx_int_t
ngx_rt_user_name(ngx_http_request_t *r, ngx_http_complex_value_t *cv,
    ngx_str_t *name)
{
    ngx_str_null(name);

    if (cv && ngx_http_complex_value(r, cv, name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name->len == 0) {
        return NGX_OK;
    }

    if (!ngx_rt_name_valid(name, NGX_RT_USER_MAX)
        || !rt_utf8_valid(name->data, name->len))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_rt_user_t *
ngx_rt_user_lookup_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *name)
{
    uint64_t        hash;
    ngx_rt_user_t  *u;

    hash = ngx_rt_tenant_hash(st, t, name);

    for (u = st->user_buckets[hash & st->mask]; u; u = u->next) {

        if (u->tenant == t && u->len == name->len
            && ngx_memcmp(u->name, name->data, name->len) == 0)
        {
            return u;
        }
    }

    return NULL;
}


ngx_int_t
ngx_rt_user_sessions(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *user,
    ngx_array_t *ids)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    do {
        n = ids->nelts;

        /* the room, before the mutex is taken */

        if (ngx_array_push_n(ids, NGX_RT_USER_SLICE) == NULL) {
            return NGX_ERROR;
        }

        ids->nelts = n;

        ngx_rt_state_lock(z);
        rc = ngx_rt_user_slice_locked(z->state, tenant, user, ids);
        ngx_rt_state_unlock(z);

    } while (rc == NGX_AGAIN);

    return NGX_OK;
}


/* NGX_AGAIN: it was enough for a hold; those at the end who left go out */

static ngx_int_t
ngx_rt_user_slice_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    ngx_str_t *user, ngx_array_t *ids)
{
    u_char            *elts;
    ngx_str_t          id;
    ngx_uint_t         i;
    ngx_rt_user_t     *u;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *s;

    t = ngx_rt_tenant_lookup_locked(st, tenant);
    u = t ? ngx_rt_user_lookup_locked(st, t, user) : NULL;

    if (u == NULL) {
        return NGX_OK;
    }

    elts = ids->elts;
    id.len = NGX_RT_ID_LEN;

    for (i = 0, s = NULL; ids->nelts && s == NULL; ids->nelts -= (s == NULL)) {

        if (i++ == NGX_RT_USER_SLICE) {
            return NGX_AGAIN;
        }

        id.data = elts + (ids->nelts - 1) * NGX_RT_ID_LEN;
        s = ngx_rt_session_lookup_locked(st, t, &id);
    }

    s = s ? s->user_next : u->sessions;

    for (i = 0; s && i < NGX_RT_USER_SLICE; i++, s = s->user_next) {
        ngx_memcpy(elts + ids->nelts++ * NGX_RT_ID_LEN, s->id, NGX_RT_ID_LEN);
    }

    return s ? NGX_AGAIN : NGX_OK;
}


static ngx_rt_user_t *
ngx_rt_user_create_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *name)
{
    rt_txn_t       *x;
    ngx_rt_user_t  *u, **bucket;

    x = &st->txn;

    u = ngx_rt_tenant_alloc_locked(st, t, sizeof(ngx_rt_user_t) + name->len);
    if (u == NULL) {
        return NULL;
    }

    bucket = &st->user_buckets[ngx_rt_tenant_hash(st, t, name) & st->mask];

    u->next = *bucket;
    u->link = bucket;
    u->tenant = t;
    u->sessions = NULL;
    u->count = 0;
    u->len = name->len;
    ngx_memcpy(u->name, name->data, name->len);

    if (u->next) {
        rt_txn_set_ptr(x, &u->next->link, &u->next);
    }

    rt_txn_set_ptr(x, bucket, u);
    rt_txn_add(x, &t->users, 1);

    return u;
}


ngx_int_t
ngx_rt_user_enter_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_str_t *name)
{
    rt_txn_t       *x;
    ngx_rt_user_t  *u;

    x = &st->txn;

    if (name->len == 0) {
        rt_txn_add(x, &s->tenant->anonymous, 1);
        return NGX_OK;
    }

    u = ngx_rt_user_lookup_locked(st, s->tenant, name);

    if (u == NULL) {
        u = ngx_rt_user_create_locked(st, s->tenant, name);
        if (u == NULL) {
            return NGX_ERROR;
        }
    }

    s->user = u;
    s->user_next = u->sessions;
    s->user_link = &u->sessions;

    if (s->user_next) {
        rt_txn_set_ptr(x, &s->user_next->user_link, &s->user_next);
    }

    rt_txn_set_ptr(x, &u->sessions, s);
    rt_txn_add(x, &u->count, 1);

    return NGX_OK;
}


void
ngx_rt_user_leave_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    rt_txn_t       *x;
    ngx_rt_user_t  *u;

    x = &st->txn;
    u = s->user;

    if (u == NULL) {
        rt_txn_add(x, &s->tenant->anonymous, -1);
        return;
    }

    rt_txn_set_ptr(x, s->user_link, s->user_next);

    if (s->user_next) {
        rt_txn_set_ptr(x, &s->user_next->user_link, s->user_link);
    }

    rt_txn_add(x, &u->count, -1);

    if (u->sessions) {
        return;
    }

    rt_txn_set_ptr(x, u->link, u->next);

    if (u->next) {
        rt_txn_set_ptr(x, &u->next->link, u->link);
    }

    rt_txn_add(x, &s->tenant->users, -1);

    ngx_rt_tenant_free_locked(st, s->tenant, u);
}
