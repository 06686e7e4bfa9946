
/*
 * What a tenant's rules have cost a worker, and how often they failed in a row:
 * so that neither the rules of a tenant nor what its clients send to everyone's
 * take the time, or the rules, of others.
 *
 * A file of a tenant's own has an account; the default has one for each tenant,
 * in a table of fixed size.  Two tenants at the same place there begin anew in
 * turn: nobody is held to what another one has done.
 *
 * Called by ngx_rt_rules.c.  No locking: all of it is the worker's own.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"


#define NGX_RT_RULES_FAILURES  10
#define NGX_RT_RULES_OFF       10000

/* so much of the rate may be used at once */
#define NGX_RT_RULES_BURST     100


ngx_rt_rules_account_t *
ngx_rt_rules_account(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    const ngx_str_t *tenant)
{
    uint64_t                 hash;
    ngx_rt_rules_account_t  *a;

    if (f != rules->standard) {
        return &f->account;
    }

    /* with the zone's secret, so that nobody chooses a name to be another's */

    hash = rt_hash(&rules->zone->state->hash_key, tenant->data, tenant->len);
    a = &rules->accounts[hash % NGX_RT_RULES_ACCOUNTS];

    if (a->tenant != hash) {
        ngx_memzero(a, sizeof(ngx_rt_rules_account_t));
        a->tenant = hash;
    }

    return a;
}


/* NGX_ERROR: it is off; NGX_BUSY: it has had its share of the time */

ngx_int_t
ngx_rt_rules_account_check(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_account_t *a)
{
    uint64_t    back;
    ngx_msec_t  passed;

    if (a->off && (ngx_msec_int_t) (a->off - ngx_current_msec) > 0) {
        return NGX_ERROR;
    }

    if (a->steps == 0 || rules->rate == 0) {
        return NGX_OK;
    }

    passed = ngx_current_msec - a->at;
    back = (uint64_t) passed * rules->rate / 1000;

    if (back) {
        a->steps -= ngx_min(back, a->steps);
        a->at = ngx_current_msec;
    }

    return a->steps < (uint64_t) rules->rate * NGX_RT_RULES_BURST / 1000
           ? NGX_OK : NGX_BUSY;
}


void
ngx_rt_rules_account_charge(ngx_rt_rules_account_t *a, uint64_t steps)
{
    if (a->steps == 0) {
        a->at = ngx_current_msec;
    }

    a->steps += steps;
}


void
ngx_rt_rules_account_good(ngx_rt_rules_account_t *a)
{
    a->failures = 0;
    a->off = 0;
}


/* whether it is off from now on */

ngx_uint_t
ngx_rt_rules_account_failed(ngx_rt_rules_account_t *a)
{
    a->failures++;

    if (a->failures < NGX_RT_RULES_FAILURES) {
        return 0;
    }

    a->off = ngx_current_msec + NGX_RT_RULES_OFF;

    if (a->off == 0) {
        a->off = 1;
    }

    return 1;
}
