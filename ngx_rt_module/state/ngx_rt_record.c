
/*
 * Records of the event log: what of a publication stands in which part, and how
 * the workers concerned learn where to begin.
 *
 * Called under the state's mutex by whoever has something to tell in a channel,
 * so that what is told of a channel stands in the log in the order in which it
 * came to be; takes the log's mutex inside.  The way back is called by
 * delivery, with nothing held.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static void ngx_rt_record_parse_info(u_char *p, size_t len,
    rt_client_info_t *info);
static void ngx_rt_record_mark_locked(ngx_rt_state_t *st,
    rt_log_record_t *record);
static uint64_t ngx_rt_record_time(void);


size_t
ngx_rt_record_info(const rt_publication_t *pub, u_char *info)
{
    u_char                *p;
    ngx_rt_record_info_t   lens;

    if (pub->info.client.len == 0) {
        return 0;
    }

    /* the client's id, which is always as long, then the others */

    lens.user = (uint16_t) pub->info.user.len;
    lens.conn_info = (uint16_t) pub->info.conn_info.len;

    p = ngx_cpymem(info, pub->info.client.data, NGX_RT_ID_LEN);
    p = ngx_cpymem(p, &lens, sizeof(ngx_rt_record_info_t));
    p = rt_append(p, pub->info.user.data, pub->info.user.len);
    p = rt_append(p, pub->info.conn_info.data, pub->info.conn_info.len);
    p = rt_append(p, pub->info.chan_info.data, pub->info.chan_info.len);

    return p - info;
}


size_t
ngx_rt_record_info_len(const rt_publication_t *pub)
{
    return NGX_RT_RECORD_INFO_HEAD + pub->info.user.len
           + pub->info.conn_info.len + pub->info.chan_info.len;
}


ngx_uint_t
ngx_rt_record_fits(ngx_rt_zone_t *z, const rt_publication_t *pub)
{
    return rt_log_fits(z->log, pub->data.len + pub->tags.len
                               + ngx_rt_record_info_len(pub));
}


void
ngx_rt_record_append_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_uint_t kind, uint64_t workers, const rt_publication_t *pub,
    ngx_rt_told_t *told)
{
    u_char            info[NGX_RT_RECORD_INFO_MAX];
    const uint8_t    *parts[3];
    rt_log_record_t   record;

    ngx_memzero(&record, sizeof(rt_log_record_t));

    record.info = ngx_rt_record_info(pub, info);

    parts[0] = pub->data.data;
    parts[1] = info;
    parts[2] = pub->tags.data;

    record.channel = ch->serial;
    record.workers = workers;
    record.time = ngx_rt_record_time();
    record.kind = kind;
    record.data = pub->data.len;
    record.tags = pub->tags.len;
    record.offset = pub->offset;
    record.source = ch->history ? ch->history->source : 0;

    ngx_rt_log_lock(z);
    (void) rt_log_append(z->log, &record, parts);
    ngx_rt_log_unlock(z);

    rt_fault(record_appended);
    ngx_rt_record_mark_locked(z->state, &record);
    rt_fault(record_marked);

    told->workers |= workers;
    told->records++;
    told->bytes += sizeof(rt_log_record_t) + pub->data.len + record.info
                   + pub->tags.len;
}


static void
ngx_rt_record_parse_info(u_char *p, size_t len, rt_client_info_t *info)
{
    u_char                *last;
    ngx_rt_record_info_t   lens;

    last = p + len;

    info->client.data = p;
    info->client.len = NGX_RT_ID_LEN;

    ngx_memcpy(&lens, p + NGX_RT_ID_LEN, sizeof(ngx_rt_record_info_t));
    p += NGX_RT_RECORD_INFO_HEAD;

    info->user.data = p;
    info->user.len = lens.user;
    p += lens.user;

    info->conn_info.data = p;
    info->conn_info.len = lens.conn_info;
    p += lens.conn_info;

    info->chan_info.data = p;
    info->chan_info.len = last - p;
}


/*
 * Tells each worker concerned where to begin: what stands before is none of
 * its business, so a worker that is never rung falls behind by nothing.
 */

static void
ngx_rt_record_mark_locked(ngx_rt_state_t *st, rt_log_record_t *record)
{
    uint64_t  workers;

    rt_mark_fence();

    for (workers = record->workers; workers; workers &= workers - 1) {
        rt_fault(record_mark);
        rt_mark_set(&st->slots[__builtin_ctzll(workers)].unread,
                    record->position);
    }
}


void
ngx_rt_record_repair_locked(ngx_rt_zone_t *z, uint64_t position)
{
    rt_log_record_t  record;

    if (rt_log_peek(z->log, position, &record) == RT_LOG_OK) {
        ngx_rt_record_mark_locked(z->state, &record);
    }
}


/* microseconds; the cached clock does, there is no system call */

static uint64_t
ngx_rt_record_time(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000000 + tp->msec * 1000;
}


void
ngx_rt_record_parse(const rt_log_record_t *record, u_char *parts,
    rt_publication_t *pub)
{
    u_char  *p;

    ngx_memzero(pub, sizeof(rt_publication_t));

    pub->data.data = parts;
    pub->data.len = record->data;
    pub->offset = record->offset;

    p = parts + record->data;

    if (record->info) {
        ngx_rt_record_parse_info(p, record->info, &pub->info);
    }

    p += record->info;

    if (record->tags) {
        pub->tags.data = p;
        pub->tags.len = record->tags;
    }
}
