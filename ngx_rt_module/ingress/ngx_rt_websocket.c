
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
static void ngx_rt_websocket_frames(ngx_rt_conn_t *conn,
    ngx_rt_inbox_t *inbox, u_char *pos, u_char *last);
static void ngx_rt_websocket_data(ngx_rt_conn_t *conn, ngx_rt_inbox_t *inbox,
    rt_frame_event_t *ev);
static ngx_int_t ngx_rt_inbox_settle(ngx_rt_conn_t *conn,
    ngx_rt_inbox_t *inbox);
static ngx_int_t ngx_rt_inbox_gather(ngx_rt_inbox_t *inbox,
    rt_frame_event_t *ev);


static u_char  ngx_rt_read_buf[NGX_RT_READ_SIZE];

/* pings and pongs of a peer: a thousand at once, then a hundred a second */
static const rt_rate_t  ngx_rt_control_rate = {
    (uint64_t) 10 << RT_BUCKET_SHIFT, 1000
};


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

        ngx_rt_websocket_input(conn, ngx_rt_read_buf, ngx_rt_read_buf + n);
    }

    if (!conn->over && ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_rt_conn_over(conn);
    }
}


void
ngx_rt_websocket_input(ngx_rt_conn_t *conn, u_char *pos, u_char *last)
{
    ngx_rt_inbox_t  *inbox, fresh;

    conn->bytes_in += last - pos;
    ngx_rt_count(bytes_in, last - pos);

    inbox = conn->inbox;

    if (inbox == NULL) {
        inbox = &fresh;

        ngx_memzero(inbox, sizeof(ngx_rt_inbox_t));

        inbox->reader.text_only = conn->text_only;
        inbox->reader.max_message = conn->app->max_message
                                    ? conn->app->max_message
                                    : conn->conf->max_message;
    }

    ngx_rt_websocket_frames(conn, inbox, pos, last);

    if (ngx_rt_inbox_settle(conn, inbox) != NGX_OK) {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_INTERNAL, "no memory");
    }
}


static void
ngx_rt_websocket_frames(ngx_rt_conn_t *conn, ngx_rt_inbox_t *inbox,
    u_char *pos, u_char *last)
{
    rt_frame_event_t  ev;

    while (!conn->deaf && !conn->over) {

        switch (rt_frame_read(&inbox->reader, &pos, last, &ev)) {

        case RT_FRAME_AGAIN:
            return;

        case RT_FRAME_DATA:
            ngx_rt_websocket_data(conn, inbox, &ev);
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

    if (rt_bucket_take_folded(&conn->controls, &ngx_rt_control_rate, 1,
                              rt_bucket_ticks(ngx_current_msec)))
    {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_POLICY, "too many pings or pongs");
        return;
    }

    if (ev->opcode == RT_OPCODE_PONG || conn->closing) {
        return;
    }

    /* pings faster than the peer takes pongs fill the queue */

    rc = ngx_rt_queue_frame(conn, RT_OPCODE_PONG, ev->data, ev->len);

    if (rc == NGX_DECLINED) {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_POLICY, "pongs are not read");

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
ngx_rt_websocket_data(ngx_rt_conn_t *conn, ngx_rt_inbox_t *inbox,
    rt_frame_event_t *ev)
{
    if (conn->closing || conn->overflow) {
        return;
    }

    if (ev->last) {
        conn->messages_in++;
        ngx_rt_count(messages_in, 1);
    }

    if (ev->last && inbox->message == NULL) {
        conn->app->message(conn, ev->opcode, ev->data, ev->len);
        return;
    }

    if (ngx_rt_inbox_gather(inbox, ev) != NGX_OK) {
        conn->deaf = 1;
        ngx_rt_close(conn, RT_CLOSE_INTERNAL, "no memory");
        return;
    }

    if (!ev->last) {
        return;
    }

    conn->app->message(conn, ev->opcode, inbox->message, inbox->len);

    ngx_free(inbox->message);

    inbox->message = NULL;
    inbox->len = 0;
    inbox->size = 0;
}


/*
 * Most reads end where a message ends, so the place for what came in pieces is
 * made only when one did not, and kept no longer than that.
 */

static ngx_int_t
ngx_rt_inbox_settle(ngx_rt_conn_t *conn, ngx_rt_inbox_t *inbox)
{
    ngx_uint_t       empty;
    ngx_rt_inbox_t  *kept;

    empty = conn->deaf
            || (inbox->message == NULL && rt_frame_at_rest(&inbox->reader));

    if (inbox == conn->inbox) {

        if (empty) {
            conn->inbox = NULL;
            ngx_rt_inbox_free(inbox);
        }

        return NGX_OK;
    }

    if (!empty) {
        kept = ngx_alloc(sizeof(ngx_rt_inbox_t), conn->connection->log);

        if (kept) {
            *kept = *inbox;
            conn->inbox = kept;
            return NGX_OK;
        }
    }

    if (inbox->message) {
        ngx_free(inbox->message);
    }

    return empty ? NGX_OK : NGX_ERROR;
}


void
ngx_rt_inbox_free(ngx_rt_inbox_t *inbox)
{
    if (inbox->message) {
        ngx_free(inbox->message);
    }

    ngx_free(inbox);
}


static ngx_int_t
ngx_rt_inbox_gather(ngx_rt_inbox_t *inbox, rt_frame_event_t *ev)
{
    size_t   have, size;
    u_char  *message;

    have = inbox->len + ev->len;

    if (inbox->message == NULL || have > inbox->size) {

        /* doubled, whatever is announced: fragments may be small and many */

        size = ngx_min(2 * inbox->size, inbox->reader.max_message);
        size = ngx_max(ngx_max(have, size), NGX_RT_MESSAGE_MIN);

        message = ngx_alloc(size, ngx_cycle->log);
        if (message == NULL) {
            return NGX_ERROR;
        }

        if (inbox->message) {
            ngx_memcpy(message, inbox->message, inbox->len);
            ngx_free(inbox->message);
        }

        inbox->message = message;
        inbox->size = size;
    }

    ngx_memcpy(inbox->message + inbox->len, ev->data, ev->len);
    inbox->len = have;

    return NGX_OK;
}
