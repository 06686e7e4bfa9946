
/*
 * The flush: every connection that was queued to in a turn is written to once,
 * by nginx's own send and send_chain, straight from the batches.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"


/* buffers of one send */
#define NGX_RT_FLUSH_BUFS  64


static void ngx_rt_flush_prefetch(void);
static ngx_int_t ngx_rt_flush_send(ngx_rt_conn_t *conn);
static ssize_t ngx_rt_flush_one(ngx_rt_conn_t *conn, ngx_uint_t *rest);
static ssize_t ngx_rt_flush_many(ngx_rt_conn_t *conn, ngx_uint_t *rest);
static ngx_chain_t *ngx_rt_flush_chain(ngx_rt_conn_t *conn);


static ngx_queue_t  ngx_rt_flush_queue;


void
ngx_rt_flush_init_process(void)
{
    ngx_queue_init(&ngx_rt_flush_queue);
}


void
ngx_rt_flush_post(ngx_rt_conn_t *conn)
{
    if (conn->out.posted) {
        return;
    }

    conn->out.posted = 1;
    ngx_queue_insert_tail(&ngx_rt_flush_queue, &conn->out.flush);

    ngx_rt_turn_post();
}


void
ngx_rt_flush_all(void)
{
    ngx_queue_t    *q;
    ngx_rt_conn_t  *conn;

    if (ngx_queue_empty(&ngx_rt_flush_queue)) {
        return;
    }

    ngx_rt_count(flushes, 1);

    while (!ngx_queue_empty(&ngx_rt_flush_queue)) {

        q = ngx_queue_head(&ngx_rt_flush_queue);
        ngx_queue_remove(q);

        conn = ngx_queue_data(q, ngx_rt_conn_t, out.flush);
        conn->out.posted = 0;

        ngx_rt_flush_prefetch();

        ngx_rt_conn_flushed(conn, ngx_rt_flush(conn));
    }
}


/*
 * What the sends of the next two connections will look at is fetched while this
 * one's goes through the kernel, which leaves little in the caches: nginx's
 * connection, its write event, and the log whose level is asked at each send.
 */

static void
ngx_rt_flush_prefetch(void)
{
    ngx_queue_t       *q;
    ngx_rt_conn_t     *conn;
    ngx_connection_t  *c;

    q = ngx_queue_head(&ngx_rt_flush_queue);

    if (q == ngx_queue_sentinel(&ngx_rt_flush_queue)) {
        return;
    }

    conn = ngx_queue_data(q, ngx_rt_conn_t, out.flush);
    c = conn->connection;

    __builtin_prefetch(c->log);
    __builtin_prefetch(c->write);

    q = ngx_queue_next(q);

    if (q != ngx_queue_sentinel(&ngx_rt_flush_queue)) {
        conn = ngx_queue_data(q, ngx_rt_conn_t, out.flush);

        __builtin_prefetch(conn->connection);
    }
}


ngx_int_t
ngx_rt_flush(ngx_rt_conn_t *conn)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = conn->connection;

    while (conn->out.first) {

        if (!c->write->ready) {
            return NGX_AGAIN;
        }

        rc = ngx_rt_flush_send(conn);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_AGAIN) {

            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                return NGX_ERROR;
            }

            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_flush_send(ngx_rt_conn_t *conn)
{
    ssize_t            sent;
    ngx_uint_t         many, rest;
    ngx_connection_t  *c;

    c = conn->connection;

    many = (conn->out.first->next != NULL);

    if (ngx_rt_conn_tls(c)) {
        ngx_rt_queue_join(conn);
        many = 0;
    }

    ngx_rt_count(sends, 1);

    sent = many ? ngx_rt_flush_many(conn, &rest)
                : ngx_rt_flush_one(conn, &rest);

    if (sent == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_rt_count(bytes_out, sent);
    ngx_rt_queue_sent(conn, sent);

    if (ngx_rt_conn_tls(c) && rest) {
        conn->out.promised = 1;
    }

    return rest ? NGX_AGAIN : NGX_OK;
}


/* by far the most common: a writev() of one buffer costs a tenth more */

static ssize_t
ngx_rt_flush_one(ngx_rt_conn_t *conn, ngx_uint_t *rest)
{
    size_t             size;
    ssize_t            n;
    ngx_rt_out_t      *out;
    ngx_connection_t  *c;

    c = conn->connection;
    out = conn->out.first;
    size = out->last - out->pos;

    n = c->send(c, out->pos, size);

    if (n == NGX_AGAIN) {
        n = 0;
    }

    *rest = ((size_t) n < size);

    return n;
}


static ssize_t
ngx_rt_flush_many(ngx_rt_conn_t *conn, ngx_uint_t *rest)
{
    off_t              sent;
    ngx_chain_t       *cl;
    ngx_connection_t  *c;

    c = conn->connection;
    sent = c->sent;

    cl = c->send_chain(c, ngx_rt_flush_chain(conn), 0);

    if (cl == NGX_CHAIN_ERROR) {
        return NGX_ERROR;
    }

    *rest = (cl != NULL);

    return c->sent - sent;
}


/* a worker's own buffers: they are done with when send_chain returns */

static ngx_chain_t *
ngx_rt_flush_chain(ngx_rt_conn_t *conn)
{
    ngx_uint_t     i;
    ngx_rt_out_t  *out;

    static ngx_buf_t    bufs[NGX_RT_FLUSH_BUFS];
    static ngx_chain_t  chain[NGX_RT_FLUSH_BUFS];

    for (i = 0, out = conn->out.first; out; i++, out = out->next) {

        bufs[i].start = out->pos;
        bufs[i].pos = out->pos;
        bufs[i].last = out->last;
        bufs[i].end = out->last;
        bufs[i].memory = 1;
        bufs[i].flush = 1;

        chain[i].buf = &bufs[i];
        chain[i].next = NULL;

        if (i) {
            chain[i - 1].next = &chain[i];
        }

        if (i == NGX_RT_FLUSH_BUFS - 1) {
            break;
        }
    }

    return chain;
}
