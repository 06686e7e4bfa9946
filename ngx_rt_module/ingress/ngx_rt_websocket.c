
/*
 * What a read brought -> frames -> whole messages.
 *
 * Everything is read into one buffer of the worker's and unmasked there; a
 * message that came whole is handed on from there.  Only one that came in
 * pieces is gathered in memory of its own, which grows with what has arrived,
 * not with what a header announces.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"


#define NGX_RT_READ_SIZE     (64 * 1024)
#define NGX_RT_READ_MAX      16           /* reads before others are served */
#define NGX_RT_MESSAGE_MIN   4096


static void ngx_rt_websocket_control(ngx_rt_conn_t *conn,
    rt_frame_event_t *ev);
static void ngx_rt_websocket_close(ngx_rt_conn_t *conn, rt_frame_event_t *ev);
static void ngx_rt_websocket_data(ngx_rt_conn_t *conn, rt_frame_event_t *ev);
static ngx_int_t ngx_rt_websocket_gather(ngx_rt_conn_t *conn,
    rt_frame_event_t *ev);


static u_char  ngx_rt_read_buf[NGX_RT_READ_SIZE];


void
ngx_rt_websocket_read(ngx_rt_conn_t *conn)
{
    ssize_t            n;
    ngx_uint_t         i;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = conn->connection;
    rev = c->read;

    for (i = 0; rev->ready && !conn->throttled && !conn->over; i++) {

        if (i == NGX_RT_READ_MAX) {
            ngx_post_event(rev, &ngx_posted_next_events);
            return;
        }

        n = c->recv(c, ngx_rt_read_buf, NGX_RT_READ_SIZE);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_rt_conn_over(conn);
            return;
        }

        conn->alive = 1;
        conn->bytes_in += n;
        ngx_rt_count(bytes_in, n);

        ngx_rt_websocket_input(conn, ngx_rt_read_buf, ngx_rt_read_buf + n);
    }

    if (!conn->over && ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_rt_conn_over(conn);
    }
}


void
ngx_rt_websocket_input(ngx_rt_conn_t *conn, u_char *pos, u_char *last)
{
    rt_frame_event_t  ev;

    while (!conn->deaf && !conn->over) {

        switch (rt_frame_read(&conn->reader, &pos, last, &ev)) {

        case RT_FRAME_AGAIN:
            return;

        case RT_FRAME_DATA:
            ngx_rt_websocket_data(conn, &ev);
            break;

        case RT_FRAME_CONTROL:
            ngx_rt_websocket_control(conn, &ev);
            break;

        case RT_FRAME_ERROR:
            conn->deaf = 1;
            ngx_rt_close(conn, ev.code, ev.reason);
            return;
        }
    }
}


static void
ngx_rt_websocket_control(ngx_rt_conn_t *conn, rt_frame_event_t *ev)
{
    ngx_int_t  rc;

    if (ev->opcode == RT_OPCODE_CLOSE) {
        ngx_rt_websocket_close(conn, ev);
        return;
    }

    if (ev->opcode == RT_OPCODE_PONG || conn->closing) {
        return;
    }

    /* pings faster than the peer takes pongs fill the queue */

    rc = ngx_rt_queue_frame(conn, RT_OPCODE_PONG, ev->data, ev->len);

    if (rc == NGX_DECLINED) {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_POLICY, "too many pings");

    } else if (rc == NGX_ERROR) {
        ngx_rt_conn_over(conn);
    }
}


/* RFC 6455, section 5.5.1: the code is sent back */

static void
ngx_rt_websocket_close(ngx_rt_conn_t *conn, rt_frame_event_t *ev)
{
    conn->deaf = 1;
    conn->close_received = 1;

    if (!conn->closing) {
        ngx_rt_close(conn, ev->code, "");
        return;
    }

    if (conn->out.first == NULL) {
        ngx_rt_conn_over(conn);
    }
}


static void
ngx_rt_websocket_data(ngx_rt_conn_t *conn, rt_frame_event_t *ev)
{
    u_char  *message;

    if (conn->closing || conn->overflow) {
        return;
    }

    if (ev->last) {
        conn->messages_in++;
        ngx_rt_count(messages_in, 1);
    }

    if (ev->last && conn->message == NULL) {
        conn->app->message(conn, ev->opcode, ev->data, ev->len);
        return;
    }

    if (ngx_rt_websocket_gather(conn, ev) != NGX_OK) {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_INTERNAL, "no memory");
        return;
    }

    if (!ev->last) {
        return;
    }

    message = conn->message;
    conn->message = NULL;

    conn->app->message(conn, ev->opcode, message, conn->message_len);

    ngx_free(message);
    conn->message_len = 0;
    conn->message_size = 0;
}


static ngx_int_t
ngx_rt_websocket_gather(ngx_rt_conn_t *conn, rt_frame_event_t *ev)
{
    size_t   have, size;
    u_char  *message;

    have = conn->message_len + ev->len;

    if (conn->message == NULL || have > conn->message_size) {

        /* doubled, whatever is announced: fragments may be small and many */

        size = ngx_min(2 * conn->message_size, conn->reader.max_message);
        size = ngx_max(ngx_max(have, size), NGX_RT_MESSAGE_MIN);

        message = ngx_alloc(size, conn->connection->log);
        if (message == NULL) {
            return NGX_ERROR;
        }

        if (conn->message) {
            ngx_memcpy(message, conn->message, conn->message_len);
            ngx_free(conn->message);
        }

        conn->message = message;
        conn->message_size = size;
    }

    ngx_memcpy(conn->message + conn->message_len, ev->data, ev->len);
    conn->message_len = have;

    return NGX_OK;
}
