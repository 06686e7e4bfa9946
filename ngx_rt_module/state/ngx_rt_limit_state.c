
/*
 * Limits, their side in shared memory: buckets of what has a rate, and the
 * counts that a zone holds its tenants to.
 *
 * A tenant's buckets lie in it.  Those of users, namespaces and keys, and of a
 * tenant that was evicted, lie in a table, found by a keyed hash, while they
 * owe something: one that is full is as good as none, so its place is the next
 * one's.  Where all the places of a set owe, the one that owes least is
 * forgotten: it begins again with a burst.
 *
 * Called by those who make something of a count, and by the publish, under the
 * state's mutex.  A bucket is charged by one store, so a kill leaves nothing to
 * undo: at worst something was charged that was not done.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


#define ngx_rt_bucket_set(st, tag)                                            \
    (&(st)->buckets[((tag) ^ ((tag) >> 32)) & (st)->bucket_mask])


static rt_bucket_t *ngx_rt_due_bucket_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_rt_due_t *due, uint64_t now);
static uint64_t ngx_rt_bucket_tag(ngx_rt_tenant_t *t, ngx_uint_t what,
    ngx_uint_t payer, uint64_t tag);
static rt_bucket_t *ngx_rt_bucket_acquire_locked(ngx_rt_state_t *st,
    uint64_t tag, uint64_t now);
static rt_bucket_t *ngx_rt_bucket_lookup_locked(ngx_rt_state_t *st,
    uint64_t tag);


ngx_rt_denial_t  ngx_rt_denial = { NGX_RT_LIMIT_N, 0, 0, 0 };


void
ngx_rt_limit_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t            i, n;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || ngx_test_config) {
        return;
    }

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        for (n = 0; n < NGX_RT_LIMIT_N; n++) {
            z[i]->state->counts[n] = mcf->counts[n];
        }
    }
}


ngx_uint_t
ngx_rt_limit_reached(ngx_rt_state_t *st, ngx_rt_limit_e what,
    ngx_rt_payer_e payer, uint64_t count)
{
    uint64_t  max;

    max = st->counts[what];

    if (max == 0 || count < max) {
        return 0;
    }

    ngx_rt_denial.what = what;
    ngx_rt_denial.payer = payer;
    ngx_rt_denial.max = max;
    ngx_rt_denial.wait = 0;

    return 1;
}


void
ngx_rt_limit_deny(ngx_rt_tenant_t *t, ngx_uint_t what, ngx_uint_t payer,
    uint64_t max, uint64_t wait)
{
    ngx_rt_denial.what = what;
    ngx_rt_denial.payer = payer;
    ngx_rt_denial.max = max;
    ngx_rt_denial.wait = wait;

    ngx_rt_limit_count(t);
}


void
ngx_rt_limit_count(ngx_rt_tenant_t *t)
{
    if (ngx_rt_denial.what != NGX_RT_LIMIT_N) {
        (void) ngx_atomic_fetch_add(&t->limited[ngx_rt_denial.what], 1);
    }
}


ngx_int_t
ngx_rt_charge_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_charge_t *charge)
{
    uint64_t       now, wait;
    ngx_uint_t     i;
    rt_bucket_t   *buckets[2 * NGX_RT_PAYER_N];
    ngx_rt_due_t  *due;

    now = rt_bucket_ticks(ngx_current_msec);

    for (i = 0; i < charge->n; i++) {
        due = &charge->dues[i];

        buckets[i] = ngx_rt_due_bucket_locked(st, t, due, now);

        wait = rt_bucket_take(buckets[i], due->rate, due->n, now);

        if (wait) {
            goto denied;
        }

        rt_fault(limit_taken);
    }

    charge->taken = charge->n;
    charge->n = 0;

    return NGX_OK;

denied:

    ngx_rt_limit_deny(t, due->what, due->payer, 0,
                      wait == RT_BUCKET_NEVER ? 0 : rt_bucket_msec(wait));

    while (i--) {
        rt_fault(limit_give);
        rt_bucket_give(buckets[i], charge->dues[i].rate, charge->dues[i].n);
    }

    return NGX_BUSY;
}


/* a bucket that has no place any more is full */

void
ngx_rt_charge_return(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_charge_t *charge, ngx_uint_t session)
{
    ngx_uint_t        i;
    rt_bucket_t      *b;
    ngx_rt_due_t     *due;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    st = z->state;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(st, tenant);

    for (i = 0; t && i < charge->taken; i++) {
        due = &charge->dues[i];

        if (due->payer == NGX_RT_PAYER_TENANT) {
            b = &t->buckets[due->what];

        } else if (due->payer == NGX_RT_PAYER_SESSION) {
            b = session ? due->bucket : NULL;

        } else {
            b = ngx_rt_bucket_lookup_locked(st,
                                            ngx_rt_bucket_tag(t, due->what,
                                                              due->payer,
                                                              due->tag));
        }

        if (b) {
            rt_fault(limit_give);
            rt_bucket_give(b, due->rate, due->n);
        }
    }

    charge->taken = 0;

    ngx_rt_state_unlock(z);
}


static rt_bucket_t *
ngx_rt_due_bucket_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_due_t *due, uint64_t now)
{
    switch (due->payer) {

    case NGX_RT_PAYER_TENANT:
        return &t->buckets[due->what];

    case NGX_RT_PAYER_SESSION:
        return due->bucket;

    default:
        return ngx_rt_bucket_acquire_locked(st,
                                            ngx_rt_bucket_tag(t, due->what,
                                                              due->payer,
                                                              due->tag),
                                            now);
    }
}


/* a key may be for several tenants, all else is a tenant's own */

static uint64_t
ngx_rt_bucket_tag(ngx_rt_tenant_t *t, ngx_uint_t what, ngx_uint_t payer,
    uint64_t tag)
{
    tag += (what * NGX_RT_PAYER_N + payer + 1) * 0xbf58476d1ce4e5b9ULL;

    if (payer != NGX_RT_PAYER_KEY) {
        tag ^= t->hash * 0x9e3779b97f4a7c15ULL;
    }

    return tag;
}


void
ngx_rt_limit_keep_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    uint64_t      now, tag;
    ngx_uint_t    what;
    rt_bucket_t  *b;

    now = rt_bucket_ticks(ngx_current_msec);

    for (what = 0; what < NGX_RT_LIMIT_RATES; what++) {

        if (!rt_bucket_full(t->buckets[what], now)) {
            tag = ngx_rt_bucket_tag(t, what, NGX_RT_PAYER_TENANT, 0);
            b = ngx_rt_bucket_acquire_locked(st, tag, now);

            rt_txn_store(b, t->buckets[what]);
        }
    }
}


void
ngx_rt_limit_recall_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    uint64_t      tag;
    ngx_uint_t    what;
    rt_bucket_t  *b;

    for (what = 0; what < NGX_RT_LIMIT_RATES; what++) {
        tag = ngx_rt_bucket_tag(t, what, NGX_RT_PAYER_TENANT, 0);
        b = ngx_rt_bucket_lookup_locked(st, tag);

        t->buckets[what] = b ? *b : rt_bucket_ticks(ngx_current_msec);
    }
}


static rt_bucket_t *
ngx_rt_bucket_lookup_locked(ngx_rt_state_t *st, uint64_t tag)
{
    ngx_uint_t         i;
    ngx_rt_buckets_t  *set;

    set = ngx_rt_bucket_set(st, tag);

    for (i = 0; i < NGX_RT_BUCKET_WAYS; i++) {
        if (set->tags[i] == tag) {
            return &set->buckets[i];
        }
    }

    return NULL;
}


static rt_bucket_t *
ngx_rt_bucket_acquire_locked(ngx_rt_state_t *st, uint64_t tag, uint64_t now)
{
    ngx_uint_t         i, least;
    rt_bucket_t       *b;
    ngx_rt_buckets_t  *set;

    b = ngx_rt_bucket_lookup_locked(st, tag);

    if (b) {
        return b;
    }

    set = ngx_rt_bucket_set(st, tag);

    for (i = 0, least = 0; i < NGX_RT_BUCKET_WAYS; i++) {

        if (rt_bucket_full(set->buckets[i], now)) {
            least = i;
            break;
        }

        if (set->buckets[i] - now < set->buckets[least] - now) {
            least = i;
        }
    }

    if (i == NGX_RT_BUCKET_WAYS) {
        (void) ngx_atomic_fetch_add(&st->forgotten, 1);
    }

    /* full first: a kill in between spoils nobody's */

    rt_txn_store(&set->buckets[least], now);
    rt_fault(limit_bucket);
    rt_txn_store(&set->tags[least], tag);

    return &set->buckets[least];
}
