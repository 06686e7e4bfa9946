
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
    uint64_t since, ngx_rt_recovery_t *r, rt_stream_t *stream);
static ngx_int_t ngx_rt_recover_latest(ngx_rt_subscription_t *sub,
    const rt_since_t *since, ngx_rt_recovery_t *r, rt_stream_t *stream);
static void ngx_rt_recover_fetched(ngx_rt_subscription_t *sub,
    ngx_rt_recovery_t *r, rt_stream_t *stream);
static ngx_int_t ngx_rt_recover_read(ngx_rt_subscription_t *sub,
    uint64_t from, ngx_rt_recovery_t *r, rt_stream_t *stream);


ngx_int_t
ngx_rt_recovery_init(ngx_rt_recovery_t *r, ngx_rt_conn_t *conn)
{
    size_t  max;

    r->pool = ngx_create_pool(1024, ngx_cycle->log);

    if (r->pool == NULL) {
        return NGX_ERROR;
    }

    r->pubs = NULL;
    r->n = 0;

    max = conn->conf->max_queue / 4;

    if (conn->out.bytes >= max || ngx_rt_account_full(conn->account)) {
        r->room = 0;
        return NGX_OK;
    }

    r->room = ngx_min(max - conn->out.bytes, NGX_RT_REPLY_BYTES);

    return NGX_OK;
}


ngx_int_t
ngx_rt_recover(ngx_rt_subscription_t *sub, const rt_since_t *since,
    ngx_rt_recovery_t *r, rt_stream_t *stream)
{
    uint64_t            missed;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    ngx_memzero(stream, sizeof(rt_stream_t));

    stream->epoch.data = in->epoch;
    stream->epoch.len = in->epoch_len;
    stream->offset = in->top.offset;

    if (in->top.source == 0) {
        return NGX_OK;
    }

    stream->was_recovering = since->recover;

    if (in->cache) {
        return ngx_rt_recover_latest(sub, since, r, stream);
    }

    if (!since->recover || since->offset > in->top.offset
        || !ngx_rt_history_epoch_is(in->hub->zone, in->top.source,
                                    &since->epoch))
    {
        return NGX_OK;
    }

    missed = in->top.offset - since->offset;

    /* for a durable channel history= says how many */

    if (missed > NGX_RT_HISTORY_CAP && !rt_epoch_durable(in->top.source)) {
        return NGX_OK;
    }

    stream->recovered = true;

    return missed ? ngx_rt_recover_missed(sub, since->offset, r, stream)
                  : NGX_OK;
}


/* the offset is the client's own, for publications move it on */

static ngx_int_t
ngx_rt_recover_missed(ngx_rt_subscription_t *sub, uint64_t since,
    ngx_rt_recovery_t *r, rt_stream_t *stream)
{
    ngx_int_t  rc;

    if (r->n && r->source == sub->interest->top.source
        && r->pubs[0].offset == since + 1)
    {
        ngx_rt_recover_fetched(sub, r, stream);
        stream->offset = since;

        return NGX_OK;
    }

    rc = ngx_rt_recover_read(sub, since + 1, r, stream);

    if (rc == NGX_DECLINED) {
        stream->recovered = false;
        return NGX_OK;
    }

    stream->offset = since;

    return rc;
}


/* what comes behind it follows, from the history or from the stream */

static void
ngx_rt_recover_fetched(ngx_rt_subscription_t *sub, ngx_rt_recovery_t *r,
    rt_stream_t *stream)
{
    uint64_t  last;

    stream->publications = r->pubs;
    stream->npublications = r->n;

    last = r->pubs[r->n - 1].offset;

    if (last < sub->interest->top.offset) {
        ngx_rt_subscription_fall_behind(sub, last);
    }
}


static ngx_int_t
ngx_rt_recover_latest(ngx_rt_subscription_t *sub, const rt_since_t *since,
    ngx_rt_recovery_t *r, rt_stream_t *stream)
{
    uint64_t            top;
    ngx_int_t           rc;
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

    rc = ngx_rt_recover_read(sub, top, r, stream);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    /* what the server subscribed to SDKs hand on only if it is recovered */

    stream->recovered = since->recover || sub->server;

    if (stream->npublications == 0) {
        stream->offset = top - 1;
    }

    return rc;
}


/*
 * From there to the top, which moves on; without room for all of it the
 * subscription is behind.  NGX_DECLINED: it is not there from there on.
 *
 * Nobody has asked the stream for one that the server begins: it has it, as far
 * as is known.  If not the connection is closed, and the next time it is known.
 */

static ngx_int_t
ngx_rt_recover_read(ngx_rt_subscription_t *sub, uint64_t from,
    ngx_rt_recovery_t *r, rt_stream_t *stream)
{
    ngx_array_t         list;
    ngx_rt_slice_t      s;
    rt_publication_t   *pubs;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    s.from = from;
    s.to = in->top.offset;
    s.reverse = 0;
    s.max = r->room ? NGX_RT_HISTORY_CAP : 1;
    s.bytes = r->room;

    if (r->room == 0) {
        ngx_rt_history_read(in->hub->zone, in->channel, &s);
        pubs = s.pubs;

    } else {

        if (ngx_array_init(&list, r->pool, 4, sizeof(rt_publication_t))
            != NGX_OK
            || ngx_rt_history_list(in->hub->zone, in->channel, &s, &list)
               == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        pubs = list.elts;
        s.n = list.nelts;
    }

    if (sub->server && ngx_rt_interest_fetch
        && s.top.source == in->top.source
        && s.absent >= from && s.emptied < from)
    {
        ngx_rt_subscription_fall_behind(sub, from - 1);
        return NGX_OK;
    }

    if (s.top.source != in->top.source || s.n == 0
        || pubs[0].offset != from)
    {
        return NGX_DECLINED;
    }

    if (r->room) {
        stream->publications = pubs;
        stream->npublications = s.n;
        from = pubs[s.n - 1].offset + 1;
    }

    r->room = s.bytes;

    if (from <= in->top.offset) {
        ngx_rt_subscription_fall_behind(sub, from - 1);
    }

    return NGX_OK;
}
