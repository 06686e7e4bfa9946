
/*
 * The flush: every connection that was queued to in a turn is written to once,
 * straight from the batches.
 *
 * Without TLS by a system call of our own.  nginx's send looks at its
 * connection, the write event and the log, which lie on three more pages; after
 * a system call that is what a small send costs.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"


/* buffers of one send */
#define NGX_RT_FLUSH_BUFS  64


static void ngx_rt_flush_prefetch(ngx_queue_t *queue);
static ngx_int_t ngx_rt_flush_blocked(ngx_rt_conn_t *conn);
static ngx_int_t ngx_rt_flush_send(ngx_rt_conn_t *conn);
static ssize_t ngx_rt_flush_tls(ngx_rt_conn_t *conn, size_t *size);
static ssize_t ngx_rt_flush_plain(ngx_rt_conn_t *conn, size_t *size);


static ngx_queue_t  ngx_rt_flush_queue;


void
ngx_rt_flush_init_process(void)
{
    ngx_queue_init(&ngx_rt_flush_queue);
}


void
ngx_rt_flush_post(ngx_rt_conn_t *conn)
{
    if (conn->posted) {
        return;
    }

    conn->posted = 1;
    ngx_queue_insert_tail(&ngx_rt_flush_queue, &conn->out.flush);

    ngx_rt_turn_post();
}


/* who is queued to meanwhile has to wait for the next turn */

void
ngx_rt_flush_all(void)
{
    ngx_queue_t    *q, queue;
    ngx_rt_conn_t  *conn;

    if (ngx_queue_empty(&ngx_rt_flush_queue)) {
        return;
    }

    ngx_rt_count(flushes, 1);

    ngx_queue_init(&queue);
    ngx_queue_add(&queue, &ngx_rt_flush_queue);
    ngx_queue_init(&ngx_rt_flush_queue);

    while (!ngx_queue_empty(&queue)) {

        q = ngx_queue_head(&queue);
        ngx_queue_remove(q);

        conn = ngx_queue_data(q, ngx_rt_conn_t, out.flush);
        conn->posted = 0;

        ngx_rt_flush_prefetch(&queue);

        ngx_rt_conn_flushed(conn, ngx_rt_flush(conn));
    }
}


/*
 * What the next one's send will look at is fetched while this one's goes
 * through the kernel, which leaves little in the caches.
 */

static void
ngx_rt_flush_prefetch(ngx_queue_t *queue)
{
    ngx_queue_t    *q;
    ngx_rt_conn_t  *conn;

    q = ngx_queue_head(queue);

    if (q == ngx_queue_sentinel(queue)) {
        return;
    }

    conn = ngx_queue_data(q, ngx_rt_conn_t, out.flush);

    __builtin_prefetch(conn->out.first);
    __builtin_prefetch(ngx_queue_next(q));
}


ngx_int_t
ngx_rt_flush(ngx_rt_conn_t *conn)
{
    ngx_int_t  rc;

    ngx_rt_conn_enter(conn);

    while (conn->out.first) {

        if (conn->blocked) {
            return NGX_AGAIN;
        }

        rc = ngx_rt_flush_send(conn);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_AGAIN) {
            return ngx_rt_flush_blocked(conn);
        }
    }

    return NGX_OK;
}


/* nginx is asked to say when the socket takes more */

static ngx_int_t
ngx_rt_flush_blocked(ngx_rt_conn_t *conn)
{
    ngx_event_t  *wev;

    wev = conn->connection->write;

    conn->blocked = 1;
    wev->ready = 0;

    return ngx_handle_write_event(wev, 0) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_rt_flush_send(ngx_rt_conn_t *conn)
{
    size_t   size;
    ssize_t  n;

    rt_fault(flush_send);
    ngx_rt_count(sends, 1);

    n = conn->tls ? ngx_rt_flush_tls(conn, &size)
                  : ngx_rt_flush_plain(conn, &size);

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    rt_fault(flush_sent);
    ngx_rt_count(bytes_out, n);
    ngx_rt_queue_sent(conn, n);

    return (size_t) n < size ? NGX_AGAIN : NGX_OK;
}


static ssize_t
ngx_rt_flush_tls(ngx_rt_conn_t *conn, size_t *size)
{
    ssize_t            n;
    ngx_rt_out_t      *out;
    ngx_connection_t  *c;

    ngx_rt_queue_join(conn);

    c = conn->connection;
    out = conn->out.first;

    *size = out->last - out->pos;

    n = c->send(c, out->pos, *size);

    if (n == NGX_AGAIN) {
        n = 0;
    }

    conn->promised = (n >= 0 && (size_t) n < *size);

    return n;
}


static ssize_t
ngx_rt_flush_plain(ngx_rt_conn_t *conn, size_t *size)
{
    ssize_t        n;
    ngx_err_t      err;
    ngx_uint_t     count;
    struct iovec   iov[NGX_RT_FLUSH_BUFS];
    ngx_rt_out_t  *out;

    count = 0;
    *size = 0;

    for (out = conn->out.first;
         out && count < NGX_RT_FLUSH_BUFS;
         out = out->next)
    {
        iov[count].iov_base = out->pos;
        iov[count].iov_len = out->last - out->pos;

        *size += iov[count++].iov_len;
    }

    /* one is by far the most common, and writev() of it costs a tenth more */

    do {
        n = count == 1 ? send(conn->fd, iov[0].iov_base, iov[0].iov_len, 0)
                       : writev(conn->fd, iov, count);

        err = n == -1 ? ngx_socket_errno : 0;

    } while (err == NGX_EINTR);

    if (n >= 0) {
        return n;
    }

    if (err == NGX_EAGAIN) {
        return 0;
    }

    conn->connection->write->error = 1;
    (void) ngx_connection_error(conn->connection, err, "send() failed");

    return NGX_ERROR;
}
