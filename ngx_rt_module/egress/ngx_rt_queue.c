
/*
 * The queue of a connection: references to batches, in the order in which they
 * leave.  It is bounded in bytes; what does not fit closes the connection.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"


/* chunks of references that are kept for later use: some 16,000 of them */
#define NGX_RT_OUT_KEEP   16

/* references that are looked at for slow clients in a turn, of all queues */
#define NGX_RT_QUEUE_STEPS  (1024 * 1024)

/* a TLS record's worth */
#define NGX_RT_JOIN_SIZE  16384


static ngx_uint_t ngx_rt_queue_fits(ngx_rt_conn_t *conn, size_t len);
static ngx_rt_out_t *ngx_rt_out_create(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    size_t from);
static ngx_uint_t ngx_rt_out_forget(ngx_rt_conn_t *conn, ngx_rt_out_t *out,
    size_t *bytes);
static void ngx_rt_out_free(ngx_rt_out_t *out);
static void ngx_rt_queue_gather(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_rt_out_t *end);


static rt_slab_t   ngx_rt_outs;
static ngx_uint_t  ngx_rt_queue_steps;


/* a reference is memory, too, on the account of what it refers to */

static ngx_inline void
ngx_rt_out_hold(ngx_rt_out_t *out, ngx_rt_batch_t *b)
{
    b->refs++;
    out->batch = b;

    ngx_rt_account_add(b->account, sizeof(ngx_rt_out_t));
}


static ngx_inline void
ngx_rt_out_drop(ngx_rt_out_t *out)
{
    ngx_rt_account_add(out->batch->account, -(ssize_t) sizeof(ngx_rt_out_t));
    ngx_rt_batch_release(out->batch);
}


void
ngx_rt_queue_init_process(void)
{
    ngx_rt_slab_init(&ngx_rt_outs, sizeof(ngx_rt_out_t), NGX_RT_OUT_KEEP);
}


void
ngx_rt_queue_begin_turn(void)
{
    ngx_rt_queue_steps = NGX_RT_QUEUE_STEPS;
}


ngx_int_t
ngx_rt_queue_batch(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_uint_t *lost)
{
    *lost = 0;

    if (conn->closing || conn->overflow) {
        return NGX_DECLINED;
    }

    if (ngx_rt_queue_room(conn, b->len) != NGX_OK) {
        return ngx_rt_slow(conn, b, lost);
    }

    if (ngx_rt_queue_add(conn, b, 0) != NGX_OK) {
        ngx_rt_conn_overflow(conn);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* messages of a channel: all in b from there on */

ngx_int_t
ngx_rt_queue_add(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, size_t from)
{
    if (ngx_rt_out_create(conn, b, from) == NULL) {
        return NGX_ERROR;
    }

    conn->messages_out += from ? 1 : b->messages;

    return NGX_OK;
}


/*
 * Only a client that does not keep up is slow: what its socket takes now leaves
 * before it is judged, and an empty queue takes any batch.
 */

ngx_int_t
ngx_rt_queue_room(ngx_rt_conn_t *conn, size_t len)
{
    if (ngx_rt_queue_fits(conn, len)) {
        return NGX_OK;
    }

    if (ngx_rt_flush(conn) == NGX_ERROR) {
        ngx_rt_conn_over(conn);
        return NGX_DECLINED;
    }

    return ngx_rt_queue_fits(conn, len) ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_rt_queue_fits(ngx_rt_conn_t *conn, size_t len)
{
    size_t  max;

    if (conn->out.bytes == 0) {
        return 1;
    }

    max = conn->app->max_queue ? conn->app->max_queue : conn->conf->max_queue;

    return conn->out.bytes + len <= max && !ngx_rt_account_full(conn->account);
}


ngx_int_t
ngx_rt_queue_frame(ngx_rt_conn_t *conn, rt_opcode_t opcode, const u_char *data,
    size_t len)
{
    u_char          *p;
    size_t           size;
    ngx_rt_out_t    *out;
    ngx_rt_batch_t  *b;

    size = rt_frame_header_len(len) + len;

    if (opcode != RT_OPCODE_CLOSE
        && ngx_rt_queue_room(conn, size) != NGX_OK)
    {
        ngx_rt_conn_overflow(conn);
        return NGX_DECLINED;
    }

    out = conn->out.last;

    if (out && out->batch->refs == 1 && out->batch->channel == 0
        && out->last == out->batch->data + out->batch->len
        && size <= out->batch->size - out->batch->len)
    {
        b = out->batch;

    } else {
        b = ngx_rt_batch_create(size, conn->account);
        if (b == NULL) {
            return NGX_ERROR;
        }

        out = ngx_rt_out_create(conn, b, 0);
        ngx_rt_batch_release(b);

        if (out == NULL) {
            return NGX_ERROR;
        }
    }

    p = rt_frame_header(b->data + b->len, opcode, len);
    p = ngx_cpymem(p, data, len);

    b->len = p - b->data;
    out->last = p;

    conn->out.bytes += size;
    conn->messages_out += (opcode <= RT_OPCODE_BINARY);

    ngx_rt_flush_post(conn);

    return NGX_OK;
}


/* refers to the batch from there on and shares it */

static ngx_rt_out_t *
ngx_rt_out_create(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, size_t from)
{
    ngx_rt_out_t  *out;

    out = rt_slab_alloc(&ngx_rt_outs);
    if (out == NULL) {
        return NULL;
    }

    ngx_rt_out_hold(out, b);

    out->next = NULL;
    out->pos = b->data + from;
    out->last = b->data + b->len;

    if (conn->out.last) {
        conn->out.last->next = out;

    } else {
        conn->out.first = out;
    }

    conn->out.last = out;
    conn->out.bytes += b->len - from;

    ngx_rt_flush_post(conn);

    return out;
}


static void
ngx_rt_out_free(ngx_rt_out_t *out)
{
    ngx_rt_out_drop(out);
    rt_slab_free(&ngx_rt_outs, out);
}


void
ngx_rt_queue_sent(ngx_rt_conn_t *conn, size_t n)
{
    size_t         size;
    ngx_rt_out_t  *out;

    conn->out.bytes -= n;
    conn->bytes_out += n;

    if (n == 0) {
        return;
    }

    for ( ;; ) {
        out = conn->out.first;

        if (out == NULL) {
            conn->out.last = NULL;
            return;
        }

        size = out->last - out->pos;

        if (n < size) {
            out->pos += n;
            conn->begun |= (n != 0);
            return;
        }

        n -= size;
        conn->out.first = out->next;
        conn->begun = 0;
        conn->promised = 0;

        ngx_rt_out_free(out);
    }
}


/*
 * What has begun to leave is a frame in the middle, or bytes that TLS holds:
 * its batch stays.
 */

void
ngx_rt_queue_drop(ngx_rt_conn_t *conn)
{
    ngx_rt_out_t  *out, *next;

    out = conn->out.first;

    if (out == NULL) {
        return;
    }

    if (conn->begun || conn->promised) {
        next = out->next;
        out->next = NULL;
        conn->out.last = out;
        out = next;

    } else {
        conn->out.first = NULL;
        conn->out.last = NULL;
    }

    for ( /* void */ ; out; out = next) {
        next = out->next;
        conn->out.bytes -= out->last - out->pos;
        ngx_rt_out_free(out);
    }
}


ngx_uint_t
ngx_rt_queue_forget(ngx_rt_conn_t *conn, uint64_t channel, size_t bytes)
{
    ngx_uint_t      n;
    ngx_rt_out_t   *out, *last, **p;

    n = 0;
    last = NULL;
    p = &conn->out.first;

    if (conn->begun || conn->promised) {
        last = conn->out.first;
        p = &last->next;
    }

    while (*p && bytes && ngx_rt_queue_steps) {
        out = *p;
        ngx_rt_queue_steps--;

        if (out->batch->channel == channel) {
            n += ngx_rt_out_forget(conn, out, &bytes);

            if (out->pos == out->last) {
                *p = out->next;
                ngx_rt_out_free(out);
                continue;
            }
        }

        last = out;
        p = &out->next;
    }

    if (*p == NULL) {
        conn->out.last = last;
    }

    conn->messages_out -= n;

    return n;
}


uint64_t
ngx_rt_queue_revoke(ngx_rt_conn_t *conn, uint64_t channel, uint64_t offset,
    ngx_uint_t *n)
{
    uint64_t        first;
    ngx_rt_out_t   *out, *last, **p, **from;
    ngx_rt_batch_t *b;

    *n = 0;
    last = NULL;
    from = NULL;
    p = &conn->out.first;

    if (*p && (conn->begun || conn->promised)) {
        last = *p;
        p = &last->next;
    }

    /* all or nothing: those that stay come before those that go */

    for ( /* void */ ; *p; p = &(*p)->next) {
        b = (*p)->batch;

        if (ngx_rt_queue_steps == 0) {
            return 0;
        }

        ngx_rt_queue_steps--;

        if (b->channel == channel && b->first >= offset) {
            from = from ? from : p;
        }

        last = from ? last : *p;
    }

    if (from == NULL) {
        return 0;
    }

    first = (*from)->batch->first;

    for (p = from; *p; ) {
        out = *p;
        b = out->batch;

        if (b->channel != channel) {
            last = out;
            p = &out->next;
            continue;
        }

        *n += b->messages;
        conn->out.bytes -= out->last - out->pos;

        *p = out->next;
        ngx_rt_out_free(out);
    }

    conn->out.last = last;
    conn->messages_out -= *n;

    return first;
}


/* its first frames, one by one */

static ngx_uint_t
ngx_rt_out_forget(ngx_rt_conn_t *conn, ngx_rt_out_t *out, size_t *bytes)
{
    size_t      len;
    ngx_uint_t  n;

    for (n = 0; *bytes && out->pos < out->last; n++) {
        len = rt_frame_len(out->pos);

        out->pos += len;
        conn->out.bytes -= len;
        *bytes -= ngx_min(*bytes, len);
    }

    return n;
}


void
ngx_rt_queue_finalize(ngx_rt_conn_t *conn)
{
    ngx_rt_out_t  *out, *next;

    if (conn->posted) {
        ngx_queue_remove(&conn->out.flush);
        conn->posted = 0;
    }

    for (out = conn->out.first; out; out = next) {
        next = out->next;
        ngx_rt_out_free(out);
    }

    conn->out.first = NULL;
    conn->out.last = NULL;
    conn->out.bytes = 0;
}


/* without memory it is sent as it stands, in more records */

void
ngx_rt_queue_join(ngx_rt_conn_t *conn)
{
    size_t           size;
    ngx_rt_out_t    *out, *next;
    ngx_rt_batch_t  *b;

    out = conn->out.first;

    if (conn->promised || out == NULL || out->next == NULL) {
        return;
    }

    size = 0;

    for (next = out;
         next && size + (next->last - next->pos) <= NGX_RT_JOIN_SIZE;
         next = next->next)
    {
        size += next->last - next->pos;
    }

    if (next == out || next == out->next) {
        return;
    }

    b = ngx_rt_batch_create(size, conn->account);
    if (b == NULL) {
        return;
    }

    ngx_rt_queue_gather(conn, b, next);
}


/* the references before end become one to b, which has the room */

static void
ngx_rt_queue_gather(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_rt_out_t *end)
{
    u_char        *p;
    ngx_rt_out_t  *first, *out, *next;

    p = b->data;
    first = conn->out.first;

    for (out = first; out != end; out = next) {
        next = out->next;
        p = ngx_cpymem(p, out->pos, out->last - out->pos);

        if (out != first) {
            ngx_rt_out_free(out);
        }
    }

    b->len = p - b->data;

    ngx_rt_out_drop(first);
    ngx_rt_out_hold(first, b);
    ngx_rt_batch_release(b);

    first->pos = b->data;
    first->last = p;
    first->next = end;

    if (end == NULL) {
        conn->out.last = first;
    }
}
