
/*
 * Tenants: whose memory it is.  Made when someone first connects or publishes;
 * kept for a while without sessions and channels, for their counters, and the
 * first to go when the zone is full.
 *
 * Every _locked function is called under the state's mutex; those that change
 * something run in a transaction of the caller's.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


#define ngx_rt_tenant_empty(t)                                                \
    ((t)->sessions == 0 && (t)->channels == 0 && (t)->keys == 0               \
     && (t)->revocations == 0 && (t)->settings == NULL)


static void ngx_rt_tenant_idle_insert_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t);
static void ngx_rt_tenant_idle_remove_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t);


ngx_int_t
ngx_rt_tenant_key(ngx_http_request_t *r, ngx_rt_zone_t *z, ngx_str_t *name)
{
    if (ngx_http_complex_value(r, &z->key, name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name->len == 0) {
        return NGX_OK;
    }

    return ngx_rt_name_valid(name, NGX_RT_TENANT_MAX) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_rt_tenant_name(ngx_http_request_t *r, ngx_rt_zone_t *z, ngx_str_t *name)
{
    ngx_int_t  rc;

    rc = ngx_rt_tenant_key(r, z, name);

    if (rc == NGX_OK && name->len == 0) {
        ngx_str_set(name, "default");
    }

    return rc;
}


ngx_uint_t
ngx_rt_name_valid(ngx_str_t *name, size_t max)
{
    size_t  i;

    if (name->len == 0 || name->len > max) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        if (name->data[i] < 0x20 || name->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


ngx_rt_tenant_t *
ngx_rt_tenant_lookup_locked(ngx_rt_state_t *st, ngx_str_t *name)
{
    uint64_t          hash;
    ngx_rt_tenant_t  *t;

    hash = rt_hash(&st->hash_key, name->data, name->len);

    for (t = st->tenant_buckets[hash & st->mask]; t; t = t->next) {

        if (t->hash == hash && t->len == name->len
            && ngx_memcmp(t->name, name->data, name->len) == 0)
        {
            return t;
        }
    }

    return NULL;
}


ngx_rt_tenant_t *
ngx_rt_tenant_acquire_locked(ngx_rt_state_t *st, ngx_str_t *name)
{
    size_t            size;
    ngx_rt_tenant_t  *t, **bucket;

    t = ngx_rt_tenant_lookup_locked(st, name);
    if (t) {
        return t;
    }

    size = sizeof(ngx_rt_tenant_t) + name->len;

    t = rt_heap_alloc(st->heap, &st->txn, size);
    if (t == NULL) {
        ngx_rt_denial.what = NGX_RT_LIMIT_N;
        return NULL;
    }

    ngx_memzero(t, sizeof(ngx_rt_tenant_t));

    t->hash = rt_hash(&st->hash_key, name->data, name->len);
    t->serial = st->serial + 1;
    t->bytes = rt_heap_cost(size);
    t->len = name->len;
    ngx_memcpy(t->name, name->data, name->len);
    rt_list_init(&t->linger);

    ngx_rt_limit_recall_locked(st, t);

    bucket = &st->tenant_buckets[t->hash & st->mask];
    t->next = *bucket;

    rt_txn_set(&st->txn, &st->serial, t->serial);
    rt_txn_add(&st->txn, &st->tenants, 1);
    rt_txn_set_ptr(&st->txn, bucket, t);

    ngx_rt_tenant_idle_insert_locked(st, t);

    return t;
}


void
ngx_rt_tenant_hold_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    if (ngx_rt_tenant_empty(t)) {
        ngx_rt_tenant_idle_remove_locked(st, t);
    }
}


void
ngx_rt_tenant_settle_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    if (ngx_rt_tenant_empty(t)) {
        ngx_rt_tenant_idle_insert_locked(st, t);
    }
}


static void
ngx_rt_tenant_idle_insert_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    rt_txn_t  *x;

    x = &st->txn;

    rt_txn_set_ptr(x, &t->idle_prev, st->idle_last);
    rt_txn_set_ptr(x, &t->idle_next, NULL);

    if (st->idle_last) {
        rt_txn_set_ptr(x, &st->idle_last->idle_next, t);

    } else {
        rt_txn_set_ptr(x, &st->idle_first, t);
    }

    rt_txn_set_ptr(x, &st->idle_last, t);
    rt_txn_add(x, &st->idle, 1);
}


static void
ngx_rt_tenant_idle_remove_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    rt_txn_t  *x;

    x = &st->txn;

    if (t->idle_prev) {
        rt_txn_set_ptr(x, &t->idle_prev->idle_next, t->idle_next);

    } else {
        rt_txn_set_ptr(x, &st->idle_first, t->idle_next);
    }

    if (t->idle_next) {
        rt_txn_set_ptr(x, &t->idle_next->idle_prev, t->idle_prev);

    } else {
        rt_txn_set_ptr(x, &st->idle_last, t->idle_prev);
    }

    rt_txn_add(x, &st->idle, -1);
}


ngx_int_t
ngx_rt_tenant_evict_locked(ngx_rt_state_t *st)
{
    ngx_rt_tenant_t  *t, **p;

    t = st->idle_first;
    if (t == NULL) {
        return NGX_DECLINED;
    }

    ngx_rt_limit_keep_locked(st, t);

    ngx_rt_tenant_idle_remove_locked(st, t);

    for (p = &st->tenant_buckets[t->hash & st->mask]; *p != t;
         p = &(*p)->next)
    {
        /* void */
    }

    rt_txn_set_ptr(&st->txn, p, t->next);
    rt_txn_add(&st->txn, &st->tenants, -1);

    rt_heap_free(st->heap, &st->txn, t);

    return NGX_OK;
}


ngx_int_t
ngx_rt_zone_relieve_locked(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_rt_told_t *told)
{
    ngx_int_t         rc;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    st = z->state;
    t = ngx_rt_tenant_lookup_locked(st, tenant);

    switch (ngx_rt_denial.what) {

    case NGX_RT_LIMIT_N:

        rc = t ? ngx_rt_history_evict_locked(st, t) : NGX_DECLINED;

        if (rc != NGX_OK) {
            rc = ngx_rt_tenant_evict_locked(st);
        }

        /* one's own before those of others */

        if (rc != NGX_OK && t) {
            rc = ngx_rt_linger_evict_locked(z, t, NULL, told);
        }

        if (rc != NGX_OK) {
            rc = ngx_rt_linger_evict_locked(z, NULL, NULL, told);
        }

        break;

    case NGX_RT_LIMIT_ZONE:
    case NGX_RT_LIMIT_CHANNELS:

        rc = t ? ngx_rt_history_evict_locked(st, t) : NGX_DECLINED;

        if (rc != NGX_OK && t) {
            rc = ngx_rt_linger_evict_locked(z, t, NULL, told);
        }

        break;

    case NGX_RT_LIMIT_SESSIONS:

        rc = t && user ? ngx_rt_linger_evict_locked(z, t, user, told)
                       : NGX_DECLINED;
        break;

    default:
        rc = NGX_DECLINED;
    }

    if (rc != NGX_OK && st->hurry == 0) {
        rt_txn_set(&st->txn, &st->hurry, 1);
    }

    rt_fault(room_made);
    (void) rt_txn_commit(&st->txn);

    if (rc != NGX_OK && t) {
        ngx_rt_limit_count(t);
    }

    return rc;
}


ngx_int_t
ngx_rt_zone_retry_locked(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_rt_told_t *told)
{
    rt_txn_abort(&z->state->txn);

    if (ngx_rt_zone_relieve_locked(z, tenant, user, told) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_rt_state_unlock(z);
    ngx_rt_state_lock(z);

    return NGX_OK;
}


void
ngx_rt_tenant_trim_locked(ngx_rt_state_t *st)
{
    if (st->idle > NGX_RT_IDLE_TENANTS
        && ngx_rt_tenant_evict_locked(st) == NGX_OK)
    {
        (void) rt_txn_commit(&st->txn);
    }
}


void *
ngx_rt_tenant_alloc_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t, size_t size)
{
    if (ngx_rt_limit_reached(st, NGX_RT_LIMIT_ZONE, NGX_RT_PAYER_TENANT,
                             t->bytes + rt_heap_cost(size) - 1))
    {
        return NULL;
    }

    return ngx_rt_tenant_alloc_order_locked(st, t, size);
}


void *
ngx_rt_tenant_alloc_order_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    size_t size)
{
    void  *p;

    p = rt_heap_alloc(st->heap, &st->txn, size);

    if (p) {
        ngx_rt_tenant_charge_locked(st, t, rt_heap_cost(size));

    } else {
        ngx_rt_denial.what = NGX_RT_LIMIT_N;
    }

    return p;
}


ngx_int_t
ngx_rt_info_create_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    const ngx_str_t *text, ngx_rt_info_t **info)
{
    *info = NULL;

    if (text->len == 0) {
        return NGX_OK;
    }

    *info = ngx_rt_tenant_alloc_locked(st, t, sizeof(ngx_rt_info_t)
                                              + text->len);
    if (*info == NULL) {
        return NGX_ERROR;
    }

    (*info)->len = text->len;
    ngx_memcpy((*info)->data, text->data, text->len);

    return NGX_OK;
}


void
ngx_rt_tenant_free_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t, void *p)
{
    ngx_rt_tenant_charge_locked(st, t, -(ssize_t) rt_heap_block(st->heap, p));
    rt_heap_free(st->heap, &st->txn, p);
}


void
ngx_rt_tenant_charge_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t, ssize_t n)
{
    rt_txn_add(&st->txn, &t->bytes, n);
}
