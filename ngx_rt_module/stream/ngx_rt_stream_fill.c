
/*
 * Filling the copy of a durable channel: a track's read of the stream, and what
 * is done with what was read.
 *
 * A few reads of a worker are on their way at once, others wait for their turn.
 * What was read is put into the copy, which may take another read, or show that
 * the stream is not the one that the copy is of.
 *
 * Called by ngx_rt_stream_follow.c, which is told how it ended; calls state/
 * for the copy, with nothing held, and redis/.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_stream_track.h"


/* reads of a worker that are on their way */
#define NGX_RT_TRACK_READS   64

/* of the latest publications, what a copy begins with */
#define NGX_RT_TRACK_LATEST  NGX_RT_HISTORY_CAP


static void ngx_rt_track_read_some(void);
static ngx_int_t ngx_rt_track_read(ngx_rt_track_t *t);
static void ngx_rt_track_met(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_track_ask(ngx_rt_track_t *t);
static void ngx_rt_track_read_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_track_enter(ngx_rt_track_t *t, ngx_rt_read_t *read);
static ngx_int_t ngx_rt_track_enter_one(ngx_rt_track_t *t,
    ngx_rt_read_entry_t *e, ngx_rt_told_t *told);
static ngx_int_t ngx_rt_track_end(ngx_rt_track_t *t, ngx_rt_read_t *read);
static void ngx_rt_track_empty(ngx_rt_track_t *t, ngx_rt_read_t *read);
static void ngx_rt_track_place(ngx_rt_track_t *t, uint64_t source,
    uint64_t offset, ngx_rt_told_t *told);
static void ngx_rt_track_fork(ngx_rt_track_t *t);
static void ngx_rt_track_fork_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);


/* those that want to read, while others do */
static ngx_queue_t  ngx_rt_tracks_wanting;
static ngx_uint_t   ngx_rt_track_reads;


void
ngx_rt_track_fill_init_process(void)
{
    ngx_queue_init(&ngx_rt_tracks_wanting);
}


void
ngx_rt_track_want(ngx_rt_track_t *t)
{
    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    t->waited = 0;
    t->wanting = 1;
    ngx_queue_insert_tail(&ngx_rt_tracks_wanting, &t->want);

    ngx_rt_track_read_some();
}


static void
ngx_rt_track_read_some(void)
{
    ngx_queue_t     *q;
    ngx_rt_track_t  *t;

    while (ngx_rt_track_reads < NGX_RT_TRACK_READS
           && !ngx_queue_empty(&ngx_rt_tracks_wanting))
    {
        q = ngx_queue_head(&ngx_rt_tracks_wanting);
        t = ngx_queue_data(q, ngx_rt_track_t, want);

        ngx_queue_remove(q);
        t->wanting = 0;

        if (ngx_rt_track_read(t) != NGX_OK) {
            ngx_rt_track_fail(t);
        }
    }
}


static ngx_int_t
ngx_rt_track_read(ngx_rt_track_t *t)
{
    ngx_int_t  rc;

    t->call.handler = ngx_rt_track_met;

    rc = ngx_rt_redis_meet(&t->call);

    if (rc == NGX_OK) {
        rc = ngx_rt_track_ask(t);
    }

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    t->reading = 1;
    ngx_rt_track_reads++;

    return NGX_OK;
}


/* of a worker that has just begun: it reads, and knows which Redis */

static void
ngx_rt_track_met(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) call - offsetof(ngx_rt_track_t, call));

    t->reading = 0;
    ngx_rt_track_reads--;

    if (result == NGX_RT_REDIS_OK) {
        ngx_rt_track_want(t);
        return;
    }

    ngx_rt_track_fail(t);
    ngx_rt_track_read_some();
}


static ngx_int_t
ngx_rt_track_ask(ngx_rt_track_t *t)
{
    ngx_rt_copy_t        copy;
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_track_namespace(t);

    if (ns == NULL
        || ngx_rt_copy_look(t->zone, &t->tenant, &t->channel, &copy)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    t->gap = 0;
    t->sent = copy.top;
    t->line = 0;

    if (ngx_rt_stream_hears(&t->listen) && copy.listener == ngx_rt_slot) {
        t->line = copy.line;
    }

    t->call.handler = ngx_rt_track_read_handler;

    if (ngx_rt_stream_read(&t->call, &t->tenant, &t->channel, &t->sent,
                           ngx_min(ns->history, NGX_RT_TRACK_LATEST))
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_rt_count(read_copies, 1);
    rt_fault(read_copy);

    return NGX_OK;
}


static void
ngx_rt_track_read_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_read_t    read;
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) call - offsetof(ngx_rt_track_t, call));

    rt_fault(read_copied);

    t->reading = 0;
    ngx_rt_track_reads--;

    if (result != NGX_RT_REDIS_OK
        || ngx_rt_stream_read_parse(reply, &read) != NGX_OK)
    {
        ngx_rt_track_fail(t);
        ngx_rt_track_read_some();
        return;
    }

    ngx_rt_count(read_entries, read.n);

    switch (ngx_rt_track_enter(t, &read)) {

    case NGX_OK:
        rt_fault(read_entered);

        t->tries = 0;

        if (t->line
            && ngx_rt_copy_freshen(t->zone, &t->tenant, &t->channel,
                                   ngx_rt_slot, t->line, &read.top)
               != NGX_OK)
        {
            t->gap = 1;
        }

        ngx_rt_track_finish(t, NGX_OK);

        if (t->gap) {
            ngx_rt_track_repair(t);
        }

        break;

    case NGX_AGAIN:
        ngx_rt_track_want(t);
        break;

    case NGX_DECLINED:
        ngx_rt_track_fork(t);
        break;

    default:
        ngx_rt_track_fail(t);
    }

    ngx_rt_track_read_some();
}


/*
 * NGX_OK: the copy has all of it; NGX_AGAIN: there is more to read;
 * NGX_DECLINED: the stream is not the one that the copy is of; NGX_ERROR: it
 * makes no sense.
 */

static ngx_int_t
ngx_rt_track_enter(ngx_rt_track_t *t, ngx_rt_read_t *read)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_rt_told_t        told;
    ngx_rt_read_entry_t  e;

    if (read->top.source == t->sent.source
        && read->top.offset < t->sent.offset)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < read->n; i++) {
        rc = ngx_rt_stream_read_entry(read, i, &e);

        if (rc == NGX_OK) {
            ngx_rt_hub_relieve(t->zone->hub);
            rc = ngx_rt_track_enter_one(t, &e, &told);
        }

        ngx_rt_hub_told(t->zone->hub, &told);
        ngx_memzero(&told, sizeof(ngx_rt_told_t));
    }

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_rt_track_end(t, read);

    if (rc == NGX_OK && read->floor) {
        ngx_rt_track_empty(t, read);
    }

    return rc;
}


/* what was taken out while nobody listened */

static void
ngx_rt_track_empty(ngx_rt_track_t *t, ngx_rt_read_t *read)
{
    ngx_rt_copy_t      copy;
    ngx_rt_position_t  at;

    if (ngx_rt_copy_look(t->zone, &t->tenant, &t->channel, &copy) != NGX_OK
        || copy.emptied >= read->floor)
    {
        return;
    }

    at.source = read->top.source;
    at.offset = read->floor;

    ngx_rt_history_remove(t->zone, &t->tenant, &t->channel, &at);
}


static ngx_int_t
ngx_rt_track_enter_one(ngx_rt_track_t *t, ngx_rt_read_entry_t *e,
    ngx_rt_told_t *told)
{
    ngx_int_t  rc;

    rc = ngx_rt_copy_append(t->zone, &t->tenant, &t->channel, &e->at, e->time,
                            &e->pub, 1, told);

    if (rc != NGX_AGAIN) {
        return NGX_OK;
    }

    if (e->at.source == t->sent.source && e->at.offset <= t->sent.offset) {
        return NGX_DECLINED;
    }

    ngx_rt_track_place(t, e->at.source, e->at.offset - 1, told);

    rc = ngx_rt_copy_append(t->zone, &t->tenant, &t->channel, &e->at, e->time,
                            &e->pub, 1, told);

    return rc == NGX_AGAIN ? NGX_ERROR : NGX_OK;
}


/* the last of what was read may not be the last one, or be gone */

static ngx_int_t
ngx_rt_track_end(ngx_rt_track_t *t, ngx_rt_read_t *read)
{
    ngx_rt_copy_t  copy;
    ngx_rt_told_t  told;

    if (ngx_rt_copy_look(t->zone, &t->tenant, &t->channel, &copy) != NGX_OK) {
        return NGX_OK;
    }

    if (copy.top.source == read->top.source
        && copy.top.offset >= read->top.offset)
    {
        return NGX_OK;
    }

    if (read->n && copy.top.source == read->top.source
        && (copy.top.source != t->sent.source
            || copy.top.offset > t->sent.offset))
    {
        return NGX_AGAIN;
    }

    /* there is no more of it */

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_track_place(t, read->top.source, read->top.offset, &told);
    ngx_rt_hub_told(t->zone->hub, &told);

    return NGX_OK;
}


static void
ngx_rt_track_place(ngx_rt_track_t *t, uint64_t source, uint64_t offset,
    ngx_rt_told_t *told)
{
    ngx_rt_position_t  at;

    at.source = source;
    at.offset = offset;

    (void) ngx_rt_copy_place(t->zone, &t->tenant, &t->channel, &at, told);
}


/* it was answered for what is not there any more: everyone is to know */

static void
ngx_rt_track_fork(ngx_rt_track_t *t)
{
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "rt: Redis has lost the end of durable channel \"%V\" of "
                  "tenant \"%V\", it begins a new epoch",
                  &t->channel, &t->tenant);

    t->call.handler = ngx_rt_track_fork_handler;

    if (ngx_rt_stream_fork(&t->call, &t->tenant, &t->channel, t->sent.source)
        != NGX_OK)
    {
        ngx_rt_track_fail(t);
        return;
    }

    t->reading = 1;
    ngx_rt_track_reads++;
}


static void
ngx_rt_track_fork_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) call - offsetof(ngx_rt_track_t, call));

    t->reading = 0;
    ngx_rt_track_reads--;

    if (result == NGX_RT_REDIS_OK) {
        ngx_rt_track_want(t);

    } else {
        ngx_rt_track_fail(t);
    }

    ngx_rt_track_read_some();
}
