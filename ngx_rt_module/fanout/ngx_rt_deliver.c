
/*
 * Delivery: records of the log become frames, once per channel, and the frames
 * of a turn become references in the queues of the channel's subscribers.
 *
 * The frames of a channel's turn stand back to back in one batch, so each
 * subscriber costs one reference and, mostly, one send, however many
 * publications there were.  Nothing is sent from shared memory.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


/* frames of a channel that are gathered before they are handed out */
#define NGX_RT_PENDING_MAX  (64 * 1024)

/* who came or went is to be told to other nodes, by the one who has said it */
#define ngx_rt_deliver_change(record)                                         \
    ((record)->kind != NGX_RT_RECORD_PUBLICATION && (record)->data)


static ngx_int_t ngx_rt_deliver_begin(ngx_rt_hub_t *hub);
static ngx_int_t ngx_rt_deliver_record(ngx_rt_hub_t *hub,
    rt_log_record_t *record);
static ngx_int_t ngx_rt_interest_encode_change(ngx_rt_interest_t *in,
    ngx_uint_t kind, rt_publication_t *pub);
static u_char *ngx_rt_interest_begin(ngx_rt_interest_t *in, size_t payload,
    ngx_uint_t quiet);
static void ngx_rt_interest_address(ngx_rt_interest_t *in, ngx_uint_t quiet);
static void ngx_rt_interest_count(ngx_rt_interest_t *in, ngx_rt_batch_t *b,
    ngx_uint_t reached, ngx_uint_t lost);
static ngx_uint_t ngx_rt_interest_busy(ngx_rt_subscription_t *sub,
    ngx_rt_batch_t *b);
static ngx_uint_t ngx_rt_interest_miss(ngx_rt_subscription_t *sub,
    ngx_rt_batch_t *b);
static void ngx_rt_interest_drop(ngx_rt_interest_t *in);


ngx_int_t
ngx_rt_deliver(ngx_rt_hub_t *hub, ngx_uint_t budget)
{
    ngx_queue_t        *q;
    rt_log_record_t     record;
    rt_log_result_t     rc;
    ngx_rt_interest_t  *in;

    if (ngx_rt_slot == NGX_RT_NO_SLOT
        || ngx_rt_deliver_begin(hub) != NGX_OK)
    {
        return NGX_OK;
    }

    rt_fault(deliver_marked);

    rc = RT_LOG_EMPTY;

    while (budget--) {

        rc = rt_log_peek(hub->zone->log, hub->cursor, &record);

        if (rc == RT_LOG_EMPTY) {
            break;
        }

        if (rc == RT_LOG_LAPPED
            || ngx_rt_deliver_record(hub, &record) != NGX_OK)
        {
            ngx_rt_count(laps, 1);
            hub->cursor = rt_log_head(hub->zone->log);
            ngx_rt_hub_check(hub, 1);
            continue;
        }

        hub->cursor = rt_log_next(hub->cursor, &record);
    }

    hub->behind = (rc != RT_LOG_EMPTY);

    while (!ngx_queue_empty(&hub->dirty)) {
        q = ngx_queue_head(&hub->dirty);
        in = ngx_queue_data(q, ngx_rt_interest_t, dirty);
        ngx_rt_interest_settle(in);
    }

    return hub->behind ? NGX_AGAIN : NGX_OK;
}


/*
 * To the first record that is for this worker, or where it stopped.
 * NGX_DECLINED: there is nothing to read.
 */

static ngx_int_t
ngx_rt_deliver_begin(ngx_rt_hub_t *hub)
{
    uint64_t  *unread, cursor;

    unread = &hub->zone->state->slots[ngx_rt_slot].unread;

    cursor = hub->cursor;

    if (hub->behind) {
        (void) rt_mark_take(unread, &cursor);
        return NGX_OK;
    }

    return rt_mark_take(unread, &hub->cursor) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_rt_deliver_record(ngx_rt_hub_t *hub, rt_log_record_t *record)
{
    size_t              len;
    ngx_int_t           rc;
    rt_publication_t    pub;
    ngx_rt_interest_t  *in;

    if (!(record->workers & ((uint64_t) 1 << ngx_rt_slot))) {
        return NGX_OK;
    }

    in = ngx_rt_interest_lookup(hub, record->channel);
    if (in == NULL && !ngx_rt_deliver_change(record)) {
        return NGX_OK;
    }

    if (record->kind == NGX_RT_RECORD_LOOK) {
        ngx_rt_interest_catch_up(in);
        return NGX_OK;
    }

    if (record->kind == NGX_RT_RECORD_PUBLICATION
        && !ngx_rt_interest_due(in, record))
    {
        return NGX_OK;
    }

    len = (size_t) record->data + record->info + record->tags;

    rt_fault(deliver_found);

    if (len > hub->scratch_size
        || rt_log_copy(hub->zone->log, hub->cursor, 0, hub->scratch, len)
           != RT_LOG_OK)
    {
        return NGX_ERROR;
    }

    rt_fault(deliver_copied);
    ngx_rt_record_parse(record, hub->scratch, &pub);

    if (ngx_rt_deliver_change(record)) {
        ngx_rt_stream_tell_change(record->kind, &pub);
    }

    if (in == NULL) {
        return NGX_OK;
    }

    if (record->kind == NGX_RT_RECORD_PUBLICATION) {
        rc = ngx_rt_interest_encode(in, &pub);

    } else {
        rc = ngx_rt_interest_encode_change(in, record->kind, &pub);
    }

    if (rc != NGX_OK) {
        ngx_rt_interest_drop(in);
    }

    rt_fault(deliver_encoded);

    return NGX_OK;
}


ngx_int_t
ngx_rt_interest_encode(ngx_rt_interest_t *in, rt_publication_t *pub)
{
    u_char  *p;

    p = ngx_rt_interest_begin(in, in->head.len
                                  + rt_codec_json.publication_len(pub), 0);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(p, in->head.data, in->head.len);
    p = rt_codec_json.publication(p, pub);

    in->pending->len = p - in->pending->data;

    if (pub->offset) {
        in->top.offset = pub->offset;
        in->pending->last = pub->offset;

        if (in->pending->first == 0) {
            in->pending->first = pub->offset;
        }
    }

    return NGX_OK;
}


/* who comes and goes is for those who asked for it */

static ngx_int_t
ngx_rt_interest_encode_change(ngx_rt_interest_t *in, ngx_uint_t kind,
    rt_publication_t *pub)
{
    u_char     *p;
    rt_out_t    out;
    rt_push_t   push;

    if (in->watchers == 0) {
        return NGX_OK;
    }

    ngx_memzero(&push, sizeof(rt_push_t));

    push.kind = kind == NGX_RT_RECORD_JOIN ? RT_PUSH_JOIN : RT_PUSH_LEAVE;
    push.channel.data = in->channel->name;
    push.channel.len = in->channel->len;
    push.info = pub->info;

    rt_out_init(&out, NULL, 0);
    rt_codec_json.push(&out, &push);

    p = ngx_rt_interest_begin(in, out.need, 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    rt_out_init(&out, p, out.need);
    rt_codec_json.push(&out, &push);

    in->pending->len = out.pos - in->pending->data;

    return NGX_OK;
}


/*
 * A frame for a payload of that length, behind what is pending for the same
 * subscribers; what is pending for others leaves first, so that the order in
 * the channel is kept.  NULL: no memory.
 */

static u_char *
ngx_rt_interest_begin(ngx_rt_interest_t *in, size_t payload, ngx_uint_t quiet)
{
    size_t  frame;

    frame = rt_frame_header_len(payload) + payload;

    if (in->pending
        && (in->quiet != quiet
            || in->pending->len + frame > NGX_RT_PENDING_MAX))
    {
        ngx_rt_interest_settle(in);
    }

    if (in->pending == NULL) {
        in->pending = ngx_rt_batch_create(frame, in->account);

        if (in->pending == NULL) {
            return NULL;
        }

        ngx_rt_interest_address(in, quiet);
        ngx_queue_insert_tail(&in->hub->dirty, &in->dirty);

    } else if (ngx_rt_batch_reserve(&in->pending, frame) != NGX_OK) {
        return NULL;
    }

    in->pending->newest = in->pending->len;
    in->pending->messages++;

    return rt_frame_header(in->pending->data + in->pending->len,
                           RT_OPCODE_TEXT, payload);
}


/*
 * Joins and leaves do not displace the publications of a slow client: to its
 * queue they are a channel of their own, of which the oldest may be dropped.
 */

static void
ngx_rt_interest_address(ngx_rt_interest_t *in, ngx_uint_t quiet)
{
    in->quiet = quiet;
    in->pending->channel = in->serial;
    in->pending->slow = in->top.source ? NGX_RT_SLOW_HISTORY : in->slow;

    if (quiet) {
        in->pending->channel |= (uint64_t) 1 << 63;

        if (in->pending->slow != NGX_RT_SLOW_DISCONNECT) {
            in->pending->slow = NGX_RT_SLOW_DROP;
        }
    }
}


/*
 * A subscriber whose queue is full is closed later, by an event: none leaves
 * the list while it is walked.
 */

void
ngx_rt_interest_settle(ngx_rt_interest_t *in)
{
    ngx_int_t               rc;
    ngx_uint_t              reached, lost, n;
    ngx_queue_t            *q;
    ngx_rt_batch_t         *b;
    ngx_rt_subscription_t  *sub;

    b = in->pending;

    if (b == NULL) {
        return;
    }

    rt_fault(deliver_settle);

    reached = in->count;
    lost = 0;

    in->pending = NULL;
    ngx_queue_remove(&in->dirty);

    for (q = ngx_queue_head(&in->subscriptions);
         q != ngx_queue_sentinel(&in->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);

        if (in->quiet && !(sub->member->flags & NGX_RT_MEMBER_WATCHES)) {
            continue;
        }

        if (sub->state != NGX_RT_SUB_LIVE && !in->quiet) {
            reached--;
            lost += ngx_rt_interest_miss(sub, b);
            continue;
        }

        rc = ngx_rt_queue_batch(sub->conn, b, &n);

        if (rc == NGX_BUSY) {
            reached--;
            lost += ngx_rt_interest_busy(sub, b);
            continue;
        }

        if (rc != NGX_OK) {
            reached--;
            lost += n + b->messages;
            continue;
        }

        if (n) {
            lost += n;
            sub->lost += n;
            sub->conn->waits = 1;
        }
    }

    ngx_rt_interest_count(in, b, in->quiet ? 0 : reached, lost);
    ngx_rt_batch_release(b);
}


/* once for all subscribers, so that a delivery costs no shared cache line */

static void
ngx_rt_interest_count(ngx_rt_interest_t *in, ngx_rt_batch_t *b,
    ngx_uint_t reached, ngx_uint_t lost)
{
    ngx_rt_tenant_t  *t;

    t = in->tenant;

    ngx_rt_count(deliveries, reached * b->messages);
    (void) ngx_atomic_fetch_add(&t->deliveries, reached * b->messages);
    (void) ngx_atomic_fetch_add(&t->delivered_bytes, reached * b->len);

    if (lost) {
        ngx_rt_count(drops, lost);
        (void) ngx_atomic_fetch_add(&t->drops, lost);
        (void) ngx_atomic_fetch_add(&t->policy_drops[b->slow], lost);
        (void) ngx_atomic_fetch_add(&in->losses->counts[b->slow], lost);
    }
}


/*
 * It gets the batch later, and what of its queue is taken back.  Returns how
 * many of these had no offset: they are lost.
 */

static ngx_uint_t
ngx_rt_interest_busy(ngx_rt_subscription_t *sub, ngx_rt_batch_t *b)
{
    uint64_t          first;
    ngx_uint_t        n;
    ngx_rt_tenant_t  *t;

    first = ngx_rt_subscription_revoke(sub, b, &n);

    t = sub->interest->tenant;

    ngx_rt_count(deliveries, -n);
    (void) ngx_atomic_fetch_add(&t->deliveries, -n);

    ngx_rt_subscription_fall_behind(sub, first - 1);

    n -= ngx_min(n, b->first - first);
    sub->lost += n;

    return n + ngx_rt_interest_miss(sub, b);
}


/* what of it the history does not have is lost to who is behind */

static ngx_uint_t
ngx_rt_interest_miss(ngx_rt_subscription_t *sub, ngx_rt_batch_t *b)
{
    ngx_uint_t  n;

    if (sub->state != NGX_RT_SUB_BEHIND) {
        return 0;
    }

    n = b->messages - (b->first ? b->last - b->first + 1 : 0);
    sub->lost += n;

    return n;
}


/* no memory: what is pending stays, this publication is lost to all here */

static void
ngx_rt_interest_drop(ngx_rt_interest_t *in)
{
    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "rt: no memory for a publication, it is dropped "
                  "for %ui subscribers", in->count);

    ngx_rt_count(drops, in->count);
    (void) ngx_atomic_fetch_add(&in->tenant->drops, in->count);
}
