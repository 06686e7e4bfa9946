
/*
 * Subscribers of a channel with a history that do not keep up.  What does not
 * fit into the queue of one is not queued, and is no loss: the subscription is
 * behind, has a position of its own, and gets the rest from the history, a
 * slice each time its queue is empty, until it has all that the others have.
 *
 * Slices are made once for all that are behind at the same offset.  What the
 * copy of a durable channel does not go back to is asked of its stream, one
 * slice of a channel at a time; without an answer the subscription is lost, and
 * comes back when there is one.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


static ngx_rt_batch_t *ngx_rt_behind_slice(ngx_rt_subscription_t *sub);
static ngx_rt_batch_t *ngx_rt_behind_encode(ngx_rt_interest_t *in,
    ngx_rt_slice_t *s);
static void ngx_rt_behind_queue(ngx_rt_subscription_t *sub,
    ngx_rt_batch_t *b);
static void ngx_rt_behind_fetch(ngx_rt_interest_t *in);
static void ngx_rt_behind_lose(ngx_rt_interest_t *in);


ngx_int_t (*ngx_rt_interest_fetch)(ngx_rt_interest_t *in, uint64_t from,
    uint64_t to);


void
ngx_rt_subscription_fall_behind(ngx_rt_subscription_t *sub, uint64_t offset)
{
    sub->state = NGX_RT_SUB_BEHIND;
    sub->offset = offset;
    sub->interest->behind++;

    sub->conn->waits = 1;
    ngx_rt_flush_post(sub->conn);
}


void
ngx_rt_subscription_keep_up(ngx_rt_subscription_t *sub)
{
    ngx_rt_interest_t  *in;

    if (sub->state != NGX_RT_SUB_BEHIND) {
        return;
    }

    in = sub->interest;
    sub->state = NGX_RT_SUB_LIVE;
    sub->fetching = 0;

    if (--in->behind == 0 && in->slice) {
        ngx_rt_batch_release(in->slice);
        in->slice = NULL;
    }
}


/*
 * What its queue still has of the channel need not wait there, if it is in the
 * newer half of the history: it will be there for a while.  The words are read
 * without the mutex; a wrong guess costs the queue's room, or the position.
 */

uint64_t
ngx_rt_subscription_revoke(ngx_rt_subscription_t *sub, ngx_rt_batch_t *b,
    ngx_uint_t *n)
{
    uint64_t           first, least;
    ngx_rt_history_t  *h;

    h = sub->interest->channel->history;
    least = h->list.top - ngx_min(h->list.top, h->list.count / 2);

    first = ngx_rt_queue_revoke(sub->conn, b->channel, least, n);

    return first ? first : b->first;
}


void
ngx_rt_subscription_serve(ngx_rt_subscription_t *sub)
{
    ngx_rt_batch_t     *b;
    ngx_rt_interest_t  *in;

    in = sub->interest;

    /* what the others get now it gets, too, but from the history */

    ngx_rt_interest_settle(in);

    if (sub->state != NGX_RT_SUB_BEHIND || sub->fetching) {
        return;
    }

    if (sub->offset >= in->top.offset) {
        ngx_rt_subscription_keep_up(sub);
        return;
    }

    b = ngx_rt_behind_slice(sub);

    if (b) {
        ngx_rt_behind_queue(sub, b);
    }
}


static void
ngx_rt_behind_queue(ngx_rt_subscription_t *sub, ngx_rt_batch_t *b)
{
    ngx_rt_tenant_t  *t;

    if (ngx_rt_queue_add(sub->conn, b, 0) != NGX_OK) {
        return;
    }

    sub->offset = b->last;

    t = sub->interest->tenant;

    ngx_rt_count(deliveries, b->messages);
    ngx_rt_count(behind, b->messages);
    (void) ngx_atomic_fetch_add(&t->deliveries, b->messages);
    (void) ngx_atomic_fetch_add(&t->delivered_bytes, b->len);

    if (sub->offset >= sub->interest->top.offset) {
        ngx_rt_subscription_keep_up(sub);
    }
}


/*
 * What comes next for it; NULL: no memory, it has fallen off the end, or it
 * comes from the stream, later.
 */

static ngx_rt_batch_t *
ngx_rt_behind_slice(ngx_rt_subscription_t *sub)
{
    ngx_rt_slice_t      s;
    ngx_rt_batch_t     *b;
    ngx_rt_interest_t  *in;

    in = sub->interest;
    b = in->slice;

    if (b && b->first == sub->offset + 1) {
        return b;
    }

    s.from = sub->offset + 1;
    s.to = in->top.offset;
    s.reverse = 0;
    s.max = ngx_rt_account_full(in->account) ? 1 : NGX_RT_SLICE;
    s.bytes = NGX_RT_SLICE_BYTES;

    ngx_rt_history_read(in->hub->zone, in->channel, &s);

    if (s.top.source == in->top.source && s.absent >= s.from
        && ngx_rt_interest_fetch)
    {
        sub->fetching = 1;

        if (in->fetching == 0) {
            ngx_rt_behind_fetch(in);
        }

        return NULL;
    }

    if (s.top.source != in->top.source || s.n == 0
        || s.pubs[0].offset != sub->offset + 1)
    {
        ngx_rt_subscription_lose(sub);
        return NULL;
    }

    b = ngx_rt_behind_encode(in, &s);

    if (b == NULL) {
        ngx_rt_conn_overflow(sub->conn);
        return NULL;
    }

    if (in->slice) {
        ngx_rt_batch_release(in->slice);
    }

    in->slice = b;

    return b;
}


static ngx_rt_batch_t *
ngx_rt_behind_encode(ngx_rt_interest_t *in, ngx_rt_slice_t *s)
{
    u_char          *p;
    size_t           size, payload[NGX_RT_SLICE];
    ngx_uint_t       i;
    ngx_rt_batch_t  *b;

    size = 0;

    for (i = 0; i < s->n; i++) {
        payload[i] = in->head.len + rt_codec_json.publication_len(&s->pubs[i]);
        size += rt_frame_header_len(payload[i]) + payload[i];
    }

    b = ngx_rt_batch_create(size, in->account);
    if (b == NULL) {
        return NULL;
    }

    p = b->data;

    for (i = 0; i < s->n; i++) {
        b->newest = p - b->data;

        p = rt_frame_header(p, RT_OPCODE_TEXT, payload[i]);
        p = ngx_cpymem(p, in->head.data, in->head.len);
        p = rt_codec_json.publication(p, &s->pubs[i]);
    }

    b->len = p - b->data;
    b->messages = s->n;
    b->channel = in->serial;
    b->slow = NGX_RT_SLOW_HISTORY;
    b->first = s->pubs[0].offset;
    b->last = s->pubs[s->n - 1].offset;

    return b;
}


/* for one of those that wait, and all that are where it is */

static void
ngx_rt_behind_fetch(ngx_rt_interest_t *in)
{
    ngx_queue_t            *q;
    ngx_rt_subscription_t  *sub;

    for (q = ngx_queue_head(&in->subscriptions);
         q != ngx_queue_sentinel(&in->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);

        if (!sub->fetching) {
            continue;
        }

        in->fetching = sub->offset + 1;

        if (ngx_rt_interest_fetch(in, in->fetching, in->top.offset)
            != NGX_OK)
        {
            in->fetching = 0;
            ngx_rt_behind_lose(in);
        }

        return;
    }
}


static void
ngx_rt_behind_lose(ngx_rt_interest_t *in)
{
    ngx_queue_t            *q, *next;
    ngx_rt_subscription_t  *sub;

    for (q = ngx_queue_head(&in->subscriptions);
         q != ngx_queue_sentinel(&in->subscriptions);
         q = next)
    {
        next = ngx_queue_next(q);
        sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);

        if (sub->fetching) {
            ngx_rt_subscription_lose(sub);
        }
    }
}


void
ngx_rt_interest_fetched(ngx_rt_interest_t *in, uint64_t source,
    rt_publication_t *pubs, ngx_uint_t n)
{
    uint64_t                from;
    ngx_queue_t            *q, *next;
    ngx_rt_slice_t          s;
    ngx_rt_batch_t         *b;
    ngx_rt_position_t       at;
    ngx_rt_subscription_t  *sub;

    from = in->fetching;
    in->fetching = 0;
    b = NULL;

    if (source == in->top.source && n && pubs[0].offset == from) {
        s.pubs = pubs;
        s.n = ngx_min(n, NGX_RT_SLICE);
        b = ngx_rt_behind_encode(in, &s);

    } else if (source == in->top.source) {
        at.source = source;
        at.offset = from;
        ngx_rt_copy_empty(in->hub->zone, in->channel, &at);
    }

    for (q = ngx_queue_head(&in->subscriptions);
         q != ngx_queue_sentinel(&in->subscriptions);
         q = next)
    {
        next = ngx_queue_next(q);
        sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);

        if (!sub->fetching || sub->offset + 1 != from) {
            continue;
        }

        if (b == NULL) {
            ngx_rt_subscription_lose(sub);
            continue;
        }

        sub->fetching = 0;
        ngx_rt_behind_queue(sub, b);

        sub->conn->waits = 1;
        ngx_rt_flush_post(sub->conn);
    }

    if (b) {
        ngx_rt_batch_release(b);
    }

    ngx_rt_behind_fetch(in);
}
