
/*
 * Revocations: tokens that are no longer taken, by their id, or all of a user
 * that were issued before a moment.  They belong to a tenant, are charged to
 * it, and keep it from being idle.  Their times are those of tokens: the wall
 * clock.
 *
 * Called by the API, by the protocol for each token, and by the hub, whose
 * workers look among their leases when the state's revision has changed.  Each
 * function takes the state's mutex by itself but for _locked.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* buckets of a hold of the mutex */
#define NGX_RT_REVOCATION_SLICE  64


static ngx_int_t ngx_rt_revoke_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    const ngx_rt_revoked_t *what);
static ngx_rt_revocation_t **ngx_rt_revocation_bucket(ngx_rt_state_t *st,
    ngx_uint_t kind, uint64_t hash);
static ngx_rt_revocation_t *ngx_rt_revocation_lookup_locked(
    ngx_rt_state_t *st, ngx_rt_tenant_t *t, ngx_uint_t kind, uint64_t hash,
    const ngx_str_t *name);
static void ngx_rt_revocation_drop_locked(ngx_rt_state_t *st,
    ngx_rt_revocation_t **link);


ngx_int_t
ngx_rt_revoke(ngx_rt_zone_t *z, ngx_str_t *tenant,
    const ngx_rt_revoked_t *what, ngx_rt_told_t *told)
{
    ngx_int_t        rc;
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        rc = ngx_rt_revoke_locked(st, tenant, what);

        rt_fault(revoke_hold);

        if (rc == NGX_OK && rt_txn_commit(&st->txn)) {
            break;
        }

        rc = NGX_DECLINED;

        if (ngx_rt_zone_retry_locked(z, tenant, NULL, told) != NGX_OK) {
            break;
        }
    }

    ngx_rt_state_unlock(z);

    rt_fault(revoke_done);

    return rc;
}


/* one that is there is only ever made wider, and longer */

static ngx_int_t
ngx_rt_revoke_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    const ngx_rt_revoked_t *what)
{
    uint64_t               hash;
    rt_txn_t              *x;
    ngx_str_t              name;
    ngx_rt_tenant_t       *t;
    ngx_rt_revocation_t   *v, **bucket;

    x = &st->txn;

    t = ngx_rt_tenant_acquire_locked(st, tenant);
    if (t == NULL) {
        return NGX_ERROR;
    }

    rt_txn_add(x, &st->revision, 1);
    rt_txn_set(x, &st->unsearched, 0);

    name = what->name;
    hash = ngx_rt_tenant_hash(st, t, &name);

    v = ngx_rt_revocation_lookup_locked(st, t, what->kind, hash, &name);

    if (v) {
        rt_txn_set(x, &v->before, ngx_max(v->before, what->before));
        rt_txn_set(x, &v->expire, v->expire == 0 || what->expire == 0
                                  ? 0 : ngx_max(v->expire, what->expire));
        return NGX_OK;
    }

    v = ngx_rt_tenant_alloc_order_locked(st, t, sizeof(ngx_rt_revocation_t)
                                                + what->name.len);
    if (v == NULL) {
        return NGX_ERROR;
    }

    bucket = ngx_rt_revocation_bucket(st, what->kind, hash);

    v->next = *bucket;
    v->tenant = t;
    v->hash = hash;
    v->before = what->before;
    v->expire = what->expire;
    v->kind = what->kind;
    v->len = what->name.len;
    ngx_memcpy(v->name, what->name.data, what->name.len);

    rt_txn_set_ptr(x, bucket, v);

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_add(x, &t->revocations, 1);
    rt_txn_add(x, &st->nrevocations, 1);

    return NGX_OK;
}


static ngx_rt_revocation_t **
ngx_rt_revocation_bucket(ngx_rt_state_t *st, ngx_uint_t kind, uint64_t hash)
{
    return &st->revocation_buckets[(hash + kind) & st->mask];
}


static ngx_rt_revocation_t *
ngx_rt_revocation_lookup_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_uint_t kind, uint64_t hash, const ngx_str_t *name)
{
    ngx_rt_revocation_t  *v;

    for (v = *ngx_rt_revocation_bucket(st, kind, hash); v; v = v->next) {

        if (v->tenant == t && v->kind == kind && v->hash == hash
            && (name == NULL
                || (v->len == name->len
                    && ngx_memcmp(v->name, name->data, name->len) == 0)))
        {
            return v;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_rt_revoked(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *user,
    ngx_str_t *jti, int64_t issued)
{
    ngx_uint_t        revoked;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    st = z->state;

    if (st->nrevocations == 0) {
        return 0;
    }

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(st, tenant);

    revoked = t && ngx_rt_revoked_locked(st, t, user,
                                         ngx_rt_tenant_hash(st, t, jti), jti,
                                         issued);
    ngx_rt_state_unlock(z);

    return revoked;
}


/* who has no id, or is nobody, is found by none: their names are not empty */

ngx_uint_t
ngx_rt_revoked_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t, ngx_str_t *user,
    uint64_t hash, const ngx_str_t *jti, int64_t issued)
{
    int64_t               now;
    ngx_rt_revocation_t  *v;

    now = ngx_time();

    v = ngx_rt_revocation_lookup_locked(st, t, NGX_RT_REVOKED_TOKEN, hash,
                                        jti);

    if (v && (v->expire == 0 || (int64_t) v->expire > now)) {
        return 1;
    }

    v = ngx_rt_revocation_lookup_locked(st, t, NGX_RT_REVOKED_USER,
                                        ngx_rt_tenant_hash(st, t, user), user);

    return v && (v->expire == 0 || (int64_t) v->expire > now)
           && issued < (int64_t) v->before;
}


void
ngx_rt_revocation_sweep(ngx_rt_zone_t *z, ngx_uint_t *cursor)
{
    ngx_uint_t             i;
    ngx_rt_state_t        *st;
    ngx_rt_revocation_t  **link;

    st = z->state;

    if (st->nrevocations == 0) {
        return;
    }

    ngx_rt_state_lock(z);

    for (i = 0; i < NGX_RT_REVOCATION_SLICE; i++) {
        link = &st->revocation_buckets[(*cursor)++ & st->mask];

        while (*link) {

            if ((*link)->expire && (time_t) (*link)->expire <= ngx_time()) {
                ngx_rt_revocation_drop_locked(st, link);
                (void) rt_txn_commit(&st->txn);
                continue;
            }

            link = &(*link)->next;
        }
    }

    ngx_rt_state_unlock(z);
}


static void
ngx_rt_revocation_drop_locked(ngx_rt_state_t *st, ngx_rt_revocation_t **link)
{
    rt_txn_t             *x;
    ngx_rt_tenant_t      *t;
    ngx_rt_revocation_t  *v;

    x = &st->txn;
    v = *link;
    t = v->tenant;

    rt_txn_set_ptr(x, link, v->next);
    rt_txn_add(x, &t->revocations, -1);
    rt_txn_add(x, &st->nrevocations, -1);

    ngx_rt_tenant_free_locked(st, t, v);
    ngx_rt_tenant_settle_locked(st, t);
}
