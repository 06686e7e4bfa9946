
/*
 * Recovery: a subscription that begins is told where the channel is and given
 * what it missed.  What is too much for a reply follows as pushes, in order, as
 * for a subscriber that is behind.
 *
 * Called with a subscription that has just begun; nothing of the channel has
 * been queued to it since, so there is nothing to merge.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_recover_missed(ngx_rt_subscription_t *sub,
    uint64_t since, rt_stream_t *stream, ngx_array_t *list);
static ngx_int_t ngx_rt_recover_latest(ngx_rt_subscription_t *sub,
    const ngx_rt_since_t *since, rt_stream_t *stream, ngx_array_t *list);
static ngx_int_t ngx_rt_recover_read(ngx_rt_subscription_t *sub,
    uint64_t from, size_t bytes, rt_stream_t *stream, ngx_array_t *list);
static size_t ngx_rt_recover_room(ngx_rt_conn_t *conn);


void
ngx_rt_recover_none(ngx_rt_subscription_t *sub, rt_stream_t *stream)
{
    ngx_rt_interest_t  *in;

    in = sub->interest;

    ngx_memzero(stream, sizeof(rt_stream_t));

    stream->epoch.data = in->epoch;
    stream->epoch.len = in->epoch_len;
    stream->offset = in->top.offset;
}


ngx_int_t
ngx_rt_recover(ngx_rt_subscription_t *sub, const ngx_rt_since_t *since,
    rt_stream_t *stream, ngx_array_t *list)
{
    uint64_t            missed;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    ngx_rt_recover_none(sub, stream);

    if (in->top.source == 0) {
        return NGX_OK;
    }

    stream->was_recovering = since->recover;

    if (in->cache) {
        return ngx_rt_recover_latest(sub, since, stream, list);
    }

    if (!since->recover || since->offset > in->top.offset
        || !ngx_rt_history_epoch_is(in->hub->zone, in->top.source,
                                    &since->epoch))
    {
        return NGX_OK;
    }

    missed = in->top.offset - since->offset;

    if (missed > NGX_RT_HISTORY_CAP) {
        return NGX_OK;
    }

    stream->recovered = true;

    return missed ? ngx_rt_recover_missed(sub, since->offset, stream, list)
                  : NGX_OK;
}


/* the offset is the client's own, for publications move it on */

static ngx_int_t
ngx_rt_recover_missed(ngx_rt_subscription_t *sub, uint64_t since,
    rt_stream_t *stream, ngx_array_t *list)
{
    uint64_t            offset;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    if (ngx_rt_recover_read(sub, since + 1, ngx_rt_recover_room(sub->conn),
                            stream, list)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (stream->npublications == 0
        || stream->publications[0].offset != since + 1)
    {
        stream->recovered = false;
        stream->npublications = 0;
        return NGX_OK;
    }

    offset = stream->publications[stream->npublications - 1].offset;
    stream->offset = since;

    if (offset < in->top.offset) {
        ngx_rt_subscription_fall_behind(sub, offset);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_recover_latest(ngx_rt_subscription_t *sub, const ngx_rt_since_t *since,
    rt_stream_t *stream, ngx_array_t *list)
{
    uint64_t            top;
    ngx_rt_interest_t  *in;

    in = sub->interest;
    top = in->top.offset;

    if (since->recover && since->offset == top
        && ngx_rt_history_epoch_is(in->hub->zone, in->top.source,
                                   &since->epoch))
    {
        stream->recovered = true;
        return NGX_OK;
    }

    if (top == 0) {
        return NGX_OK;
    }

    if (ngx_rt_recover_read(sub, top, 1, stream, list) != NGX_OK) {
        return NGX_ERROR;
    }

    stream->recovered = since->recover && stream->npublications;

    return NGX_OK;
}


/* from there to the top, which moves on */

static ngx_int_t
ngx_rt_recover_read(ngx_rt_subscription_t *sub, uint64_t from, size_t bytes,
    rt_stream_t *stream, ngx_array_t *list)
{
    ngx_int_t           rc;
    ngx_rt_slice_t      s;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    s.from = from;
    s.to = in->top.offset;
    s.reverse = 0;
    s.max = NGX_RT_HISTORY_CAP;
    s.bytes = bytes;

    rc = ngx_rt_history_list(in->hub->zone, in->channel, &s, list);

    if (rc == NGX_OK && s.top.source == in->top.source) {
        stream->publications = list->elts;
        stream->npublications = list->nelts;
    }

    return rc;
}


/* what a reply may bring of what was missed; the rest is pushed */

static size_t
ngx_rt_recover_room(ngx_rt_conn_t *conn)
{
    size_t  max;

    max = conn->conf->max_queue / 4;

    if (conn->out.bytes >= max || ngx_rt_account_full(conn->account)) {
        return 1;
    }

    return ngx_min(max - conn->out.bytes, NGX_RT_REPLY_BYTES);
}
