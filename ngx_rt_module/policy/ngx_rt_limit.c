
/*
 * Limits: who is charged for what, and what is told of a denial.
 *
 * A charge is made up here, before the state's mutex is taken, of all that
 * rt_limit says for the destination that policy has found: as yet a namespace.
 * ngx_rt_charge_locked() takes it, in the publish's own hold of the mutex.
 * Where nothing is limited, nothing is looked at.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"


static void ngx_rt_limit_due(ngx_rt_charge_t *charge, ngx_uint_t what,
    ngx_uint_t payer, const rt_rate_t *rate, uint64_t n);
static void ngx_rt_limit_due_name(ngx_rt_charge_t *charge, ngx_rt_zone_t *z,
    const ngx_str_t *name);


/* holds of the mutex, to look at presence: a thousand at once, then one in a
   millisecond */
static const rt_rate_t  ngx_rt_presence_rate = {
    (uint64_t) 1 << RT_BUCKET_SHIFT, 1000
};


ngx_uint_t
ngx_rt_limit_session(ngx_rt_main_conf_t *mcf)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_RT_LIMIT_RATES; i++) {
        if (mcf->rates[i][NGX_RT_PAYER_SESSION].burst) {
            return NGX_RT_LIMIT_RATES;
        }
    }

    return 0;
}


/* a tenant's own come last: the less is given back where they deny it */

ngx_rt_charge_t *
ngx_rt_limit_publish(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    ngx_rt_namespace_t *ns, ngx_rt_payer_t *payer, size_t bytes,
    ngx_rt_charge_t *charge)
{
    uint64_t          n;
    ngx_uint_t        what;
    const rt_rate_t  *rate;

    charge->n = 0;
    charge->taken = 0;

    for (what = NGX_RT_LIMIT_PUBLISH; what <= NGX_RT_LIMIT_BYTES; what++) {

        if (!(mcf->limited & (1 << what))) {
            continue;
        }

        n = what == NGX_RT_LIMIT_BYTES ? bytes : 1;
        rate = mcf->rates[what];

        if (payer->session && rate[NGX_RT_PAYER_SESSION].burst) {
            ngx_rt_limit_due(charge, what, NGX_RT_PAYER_SESSION,
                             &rate[NGX_RT_PAYER_SESSION], n);
            charge->dues[charge->n++].bucket = &payer->session[what];
        }

        if (payer->user.len && rate[NGX_RT_PAYER_USER].burst) {
            ngx_rt_limit_due(charge, what, NGX_RT_PAYER_USER,
                             &rate[NGX_RT_PAYER_USER], n);
            ngx_rt_limit_due_name(charge, z, &payer->user);
        }

        if (payer->key.len && rate[NGX_RT_PAYER_KEY].burst) {
            ngx_rt_limit_due(charge, what, NGX_RT_PAYER_KEY,
                             &rate[NGX_RT_PAYER_KEY], n);
            ngx_rt_limit_due_name(charge, z, &payer->key);
        }

        if (ns->rates[what].burst || rate[NGX_RT_PAYER_NAMESPACE].burst) {
            ngx_rt_limit_due(charge, what, NGX_RT_PAYER_NAMESPACE,
                             ns->rates[what].burst
                             ? &ns->rates[what]
                             : &rate[NGX_RT_PAYER_NAMESPACE], n);
            ngx_rt_limit_due_name(charge, z, &ns->name);
        }

        if (rate[NGX_RT_PAYER_TENANT].burst) {
            ngx_rt_limit_due(charge, what, NGX_RT_PAYER_TENANT,
                             &rate[NGX_RT_PAYER_TENANT], n);
            charge->n++;
        }
    }

    return charge->n ? charge : NULL;
}


/* the next one, which the caller completes */

static void
ngx_rt_limit_due(ngx_rt_charge_t *charge, ngx_uint_t what, ngx_uint_t payer,
    const rt_rate_t *rate, uint64_t n)
{
    ngx_rt_due_t  *due;

    due = &charge->dues[charge->n];

    due->what = what;
    due->payer = payer;
    due->rate = rate;
    due->bucket = NULL;
    due->tag = 0;
    due->n = n;
}


static void
ngx_rt_limit_due_name(ngx_rt_charge_t *charge, ngx_rt_zone_t *z,
    const ngx_str_t *name)
{
    charge->dues[charge->n++].tag = rt_hash(&z->state->hash_key, name->data,
                                            name->len);
}


/* without the mutex: the session's are the worker's, the tenant stays */

ngx_int_t
ngx_rt_limit_command(ngx_rt_main_conf_t *mcf, rt_bucket_t *session,
    ngx_rt_tenant_t *t)
{
    uint64_t          now, wait;
    ngx_uint_t        payer;
    const rt_rate_t  *rate;

    wait = 0;
    payer = NGX_RT_PAYER_SESSION;
    rate = mcf->rates[NGX_RT_LIMIT_COMMANDS];
    now = rt_bucket_ticks(ngx_current_msec);

    if (rate[payer].burst) {
        wait = rt_bucket_take(&session[NGX_RT_LIMIT_COMMANDS], &rate[payer],
                              1, now);
    }

    if (wait == 0 && rate[NGX_RT_PAYER_TENANT].burst) {
        payer = NGX_RT_PAYER_TENANT;
        wait = rt_bucket_take(&t->buckets[NGX_RT_LIMIT_COMMANDS],
                              &rate[payer], 1, now);

        if (wait && rate[NGX_RT_PAYER_SESSION].burst) {
            rt_bucket_give(&session[NGX_RT_LIMIT_COMMANDS],
                           &rate[NGX_RT_PAYER_SESSION], 1);
        }
    }

    if (wait == 0) {
        return NGX_OK;
    }

    ngx_rt_limit_deny(t, NGX_RT_LIMIT_COMMANDS, payer, 0,
                      rt_bucket_msec(wait));

    return NGX_BUSY;
}


ngx_int_t
ngx_rt_limit_presence(uint32_t *looks, ngx_rt_tenant_t *t, ngx_uint_t members)
{
    uint64_t  wait;

    wait = rt_bucket_take_folded(looks, &ngx_rt_presence_rate,
                                 1 + members / NGX_RT_PRESENCE_SLICE,
                                 rt_bucket_ticks(ngx_current_msec));
    if (wait == 0) {
        return NGX_OK;
    }

    ngx_rt_limit_deny(t, NGX_RT_LIMIT_PRESENCE, NGX_RT_PAYER_SESSION, 0,
                      rt_bucket_msec(wait));

    return NGX_BUSY;
}


ngx_int_t
ngx_rt_limit_connection(ngx_rt_zone_t *z, ngx_str_t *tenant)
{
    ngx_uint_t        reached;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    st = z->state;

    if (st->counts[NGX_RT_LIMIT_CONNECTIONS] == 0) {
        return NGX_OK;
    }

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(st, tenant);

    reached = t && ngx_rt_limit_reached(st, NGX_RT_LIMIT_CONNECTIONS,
                                        NGX_RT_PAYER_TENANT,
                                        t->sessions - t->lingering);

    if (reached) {
        ngx_rt_limit_count(t);
    }

    ngx_rt_state_unlock(z);

    return reached ? NGX_BUSY : NGX_OK;
}


/* with a zero at its end; needs no escaping */

u_char *
ngx_rt_limit_text(ngx_rt_denial_t *denial, u_char *buf)
{
    u_char  *p, *last;

    last = buf + NGX_RT_DENIAL_LEN;

    if (denial->what == NGX_RT_LIMIT_SUBSCRIPTIONS) {
        return ngx_slprintf(buf, last, "limit exceeded: rt_max_channels, "
                            "%uL at most%Z", denial->max) - 1;
    }

    if (denial->what == NGX_RT_LIMIT_PRESENCE) {
        p = ngx_slprintf(buf, last, "too many requests: presence");

    } else {
        p = ngx_slprintf(buf, last, "%s: rt_limit %s %s",
                         denial->what == NGX_RT_LIMIT_ZONE
                         ? "zone full" : "too many requests",
                         ngx_rt_limit_names[denial->what],
                         ngx_rt_payer_names[denial->payer]);
    }

    if (denial->max) {
        p = ngx_slprintf(p, last, ", %uL at most, try again later%Z",
                         denial->max);

    } else if (denial->wait > 1000) {
        p = ngx_slprintf(p, last, ", try again in %uL s%Z",
                         (denial->wait + 999) / 1000);

    } else if (denial->wait) {
        p = ngx_slprintf(p, last, ", try again in %uL ms%Z", denial->wait);

    } else {
        p = ngx_slprintf(p, last, ", it is more than the burst%Z");
    }

    return p - 1;
}


ngx_uint_t
ngx_rt_limit_code(ngx_rt_denial_t *denial)
{
    switch (denial->what) {

    case NGX_RT_LIMIT_SUBSCRIPTIONS:
        return 106;

    case NGX_RT_LIMIT_ZONE:
        return 507;

    default:
        return denial->what < NGX_RT_LIMIT_RATES && denial->wait == 0
               ? 106 : 111;
    }
}
