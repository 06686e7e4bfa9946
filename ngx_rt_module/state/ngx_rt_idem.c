
/*
 * Idempotency keys of publications: a tenant's, in a channel, each for a window
 * that begins with its acceptance.  A key is never forgotten within it: who has
 * as many as the configuration lets him is refused a new one.
 *
 * Called by publishing, under the state's mutex, and by the watch, which takes
 * it by itself.  What stands in the table is pure/rt_idem.c's to know.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* keys that are over and give way to a new one; to one that finds no room */
#define NGX_RT_IDEM_EXPIRE  2
#define NGX_RT_IDEM_SEARCH  64

/* holds of the mutex by the watch, of NGX_RT_IDEM_SEARCH each */
#define NGX_RT_IDEM_HOLDS   32

#define NGX_RT_IDEM_KEYS    10000000


static ngx_int_t ngx_rt_idem_expire_locked(ngx_rt_state_t *st, ngx_uint_t max);


char *
ngx_rt_idempotency(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    ngx_str_t   *value, s;
    ngx_int_t    n;
    ngx_uint_t   i;

    if (mcf->idem_set) {
        return "is duplicate";
    }

    mcf->idem_set = 1;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "window=", 7) == 0) {
            s.data = value[i].data + 7;
            s.len = value[i].len - 7;

            n = ngx_parse_time(&s, 0);

            if (n > 0) {
                mcf->idem_window = n;
                continue;
            }

        } else if (ngx_strncmp(value[i].data, "keys=", 5) == 0) {
            n = ngx_atoi(value[i].data + 5, value[i].len - 5);

            if (n > 0 && n <= NGX_RT_IDEM_KEYS) {
                mcf->idem_keys = n;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", write \"window=TIME\" "
                           "(more than 0) or \"keys=NUMBER\" (of a tenant, "
                           "up to %d)", &value[i], NGX_RT_IDEM_KEYS);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_rt_idem_find_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_uint_t max, ngx_rt_position_t *position)
{
    rt_idem_t  *e;

    e = rt_idem_lookup(&st->idem, t, key, ngx_current_msec);

    if (e) {
        position->source = e->epoch;
        position->offset = e->offset;

        return rt_idem_same(e, key) ? NGX_DONE : NGX_DECLINED;
    }

    (void) ngx_rt_idem_expire_locked(st, NGX_RT_IDEM_EXPIRE);

    if (t->keys >= max) {
        (void) ngx_rt_idem_expire_locked(st, NGX_RT_IDEM_SEARCH);
    }

    return t->keys >= max ? NGX_BUSY : NGX_OK;
}


ngx_int_t
ngx_rt_idem_accept_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_msec_t window, ngx_rt_position_t *position)
{
    rt_idem_t   *e;
    ngx_time_t  *tp;

    e = ngx_rt_tenant_alloc_locked(st, t, rt_idem_size(key));
    if (e == NULL) {
        return NGX_ERROR;
    }

    rt_idem_link(&st->idem, &st->txn, e, t, key, ngx_current_msec + window);

    e->epoch = position->source;
    e->offset = position->offset;

    tp = ngx_timeofday();
    e->time = (uint64_t) tp->sec * 1000 + tp->msec;

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_add(&st->txn, &t->keys, 1);
    rt_fault(key_linked);

    return NGX_OK;
}


/* each by a transaction of its own; NGX_AGAIN: there are more */

static ngx_int_t
ngx_rt_idem_expire_locked(ngx_rt_state_t *st, ngx_uint_t max)
{
    rt_idem_t        *e;
    ngx_rt_tenant_t  *t;

    while (max--) {
        e = rt_idem_expire(&st->idem, &st->txn, ngx_current_msec);

        if (e == NULL) {
            return NGX_OK;
        }

        t = e->owner;

        rt_txn_add(&st->txn, &t->keys, -1);
        ngx_rt_tenant_free_locked(st, t, e);
        ngx_rt_tenant_settle_locked(st, t);

        rt_fault(key_expire);
        (void) rt_txn_commit(&st->txn);
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_rt_idem_sweep(ngx_rt_zone_t *z)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;

    for (i = 0; i < NGX_RT_IDEM_HOLDS && z->state->idem.first; i++) {

        ngx_rt_state_lock(z);
        rc = ngx_rt_idem_expire_locked(z->state, NGX_RT_IDEM_SEARCH);
        ngx_rt_state_unlock(z);

        if (rc == NGX_OK) {
            break;
        }
    }

    return rc;
}


ngx_int_t
ngx_rt_idem_status(ngx_rt_zone_t *z, ngx_str_t *tenant, rt_idem_key_t *key,
    ngx_rt_position_t *position, uint64_t *time)
{
    rt_idem_t        *e;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    st = z->state;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(st, tenant);
    e = t ? rt_idem_lookup(&st->idem, t, key, ngx_current_msec) : NULL;

    if (e) {
        position->source = e->epoch;
        position->offset = e->offset;
        *time = e->time;
    }

    ngx_rt_state_unlock(z);

    return e ? NGX_OK : NGX_DECLINED;
}
