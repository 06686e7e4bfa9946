
/*
 * A publication goes into the log.  The lookup of the channel and the append
 * are one hold of the state's mutex with the log's inside it, so that the
 * publications of a channel stand in the log in the order in which they were
 * accepted, and who subscribes sees all that come after.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


static rt_log_result_t ngx_rt_publish_locked(ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_str_t *channel, rt_publication_t *pub,
    ngx_rt_told_t *told);


ngx_int_t
ngx_rt_publish(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    rt_publication_t *pub)
{
    ngx_rt_told_t    told;
    rt_log_result_t  rc;

    ngx_rt_hub_relieve(z->hub);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_state_lock(z);
    rc = ngx_rt_publish_locked(z, tenant, channel, pub, &told);
    ngx_rt_state_unlock(z);

    if (rc == RT_LOG_BIG) {
        return NGX_DECLINED;
    }

    ngx_rt_count(publishes, 1);

    ngx_rt_hub_told(z->hub, &told);

    return NGX_OK;
}


static rt_log_result_t
ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    rt_publication_t *pub, ngx_rt_told_t *told)
{
    ngx_rt_state_t    *st;
    ngx_rt_tenant_t   *t;
    rt_log_result_t    rc;
    ngx_rt_channel_t  *ch;

    st = z->state;

    t = ngx_rt_tenant_acquire_locked(st, tenant);

    if (t == NULL || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);
        t = NULL;
    }

    /* a tenant that finds no room has no channels either */

    ch = t ? ngx_rt_channel_lookup_locked(st, t, channel) : NULL;

    if (ch && ch->workers) {
        rc = ngx_rt_record_append_locked(z, ch, NGX_RT_RECORD_PUBLICATION,
                                         ch->workers, pub, told);
        if (rc != RT_LOG_OK) {
            return rc;
        }
    }

    if (t) {
        (void) ngx_atomic_fetch_add(&t->publishes, 1);
        (void) ngx_atomic_fetch_add(&t->publish_bytes, pub->data.len);
    }

    ngx_rt_tenant_trim_locked(st);

    return RT_LOG_OK;
}
