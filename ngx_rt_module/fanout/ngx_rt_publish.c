
/*
 * A publication goes into the log.  The lookup of the channel and the append
 * are one hold of the state's mutex with the log's inside it, so that the
 * publications of a channel stand in the log in the order in which they were
 * accepted, and who subscribes sees all that come after.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


/*
 * What a worker appends before it takes a turn in between: so many records, or
 * such a share of the log, so that it never laps itself.
 */
#define NGX_RT_PUBLISH_BURST  256
#define NGX_RT_PUBLISH_SHARE  8


static rt_log_result_t ngx_rt_publish_locked(ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_str_t *channel, rt_publication_t *pub,
    rt_log_record_t *record);
static void ngx_rt_publish_mark_locked(ngx_rt_state_t *st,
    rt_log_record_t *record);
static uint64_t ngx_rt_publish_time(void);


ngx_int_t
ngx_rt_publish(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    rt_publication_t *pub)
{
    ngx_rt_hub_t     *hub;
    rt_log_record_t   record;
    rt_log_result_t   rc;

    hub = z->hub;

    ngx_memzero(&record, sizeof(rt_log_record_t));

    ngx_rt_state_lock(z);
    rc = ngx_rt_publish_locked(z, tenant, channel, pub, &record);
    ngx_rt_state_unlock(z);

    if (rc == RT_LOG_BIG) {
        return NGX_DECLINED;
    }

    ngx_rt_count(publishes, 1);

    if (record.workers == 0) {
        return NGX_OK;
    }

    hub->ring |= record.workers;

    if (ngx_rt_slot != NGX_RT_NO_SLOT) {
        hub->ring &= ~((uint64_t) 1 << ngx_rt_slot);
    }

    ngx_rt_turn_post();

    hub->appended_bytes += sizeof(rt_log_record_t) + pub->data.len
                           + pub->info.len + pub->tags.len;

    if (++hub->appended >= NGX_RT_PUBLISH_BURST
        || hub->appended_bytes >= z->log->size / NGX_RT_PUBLISH_SHARE)
    {
        ngx_rt_turn();
    }

    return NGX_OK;
}


static rt_log_result_t
ngx_rt_publish_locked(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    rt_publication_t *pub, rt_log_record_t *record)
{
    const uint8_t      *parts[3];
    ngx_rt_state_t     *st;
    ngx_rt_tenant_t    *t;
    rt_log_result_t     rc;
    ngx_rt_channel_t   *ch;

    st = z->state;

    t = ngx_rt_tenant_acquire_locked(st, tenant);

    if (t == NULL || !rt_txn_commit(&st->txn)) {
        rt_txn_abort(&st->txn);
        t = NULL;
    }

    /* a tenant that finds no room has no channels either */

    ch = t ? ngx_rt_channel_lookup_locked(st, t, channel) : NULL;

    if (ch == NULL) {
        goto done;
    }

    parts[0] = pub->data.data;
    parts[1] = pub->info.data;
    parts[2] = pub->tags.data;

    record->channel = ch->serial;
    record->workers = ch->workers;
    record->time = ngx_rt_publish_time();
    record->kind = NGX_RT_RECORD_PUBLICATION;
    record->data = pub->data.len;
    record->info = pub->info.len;
    record->tags = pub->tags.len;

    ngx_rt_log_lock(z);
    rc = rt_log_append(z->log, record, parts);
    ngx_rt_log_unlock(z);

    if (rc != RT_LOG_OK) {
        return rc;
    }

    ngx_rt_publish_mark_locked(st, record);

done:

    if (t) {
        (void) ngx_atomic_fetch_add(&t->publishes, 1);
        (void) ngx_atomic_fetch_add(&t->publish_bytes, pub->data.len);
    }

    ngx_rt_tenant_trim_locked(st);

    return RT_LOG_OK;
}


/*
 * Tells each worker concerned where to begin: what stands before is none of
 * its business, so a worker that is never rung falls behind by nothing.
 */

static void
ngx_rt_publish_mark_locked(ngx_rt_state_t *st, rt_log_record_t *record)
{
    uint64_t  workers;

    rt_mark_fence();

    for (workers = record->workers; workers; workers &= workers - 1) {
        rt_mark_set(&st->slots[__builtin_ctzll(workers)].unread,
                    record->position);
    }
}


/* microseconds; the cached clock does, there is no system call */

static uint64_t
ngx_rt_publish_time(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000000 + tp->msec * 1000;
}
