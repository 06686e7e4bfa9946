
/*
 * The life of a WebSocket connection: from the 101 to the last byte.
 *
 * The request stays: nginx's connection points to it, its pool holds us, and
 * other modules' cleanups (limit_conn's, for one) hang on it.  Our handlers
 * take the place of nginx's on the connection's events until the end.
 *
 * Nothing frees a connection while it is in use: what wants it gone posts its
 * `leave` event, and the event loop does it when nobody is inside.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"


static void ngx_rt_conn_init(ngx_rt_conn_t *conn);
static ngx_rt_conn_t *ngx_rt_conn_of(ngx_connection_t *c);
static void ngx_rt_conn_read_handler(ngx_event_t *rev);
static void ngx_rt_conn_write_handler(ngx_event_t *wev);
static void ngx_rt_conn_pipelined(ngx_rt_conn_t *conn);
static void ngx_rt_conn_leave_worker(ngx_rt_conn_t *conn);
static void ngx_rt_conn_timer_handler(ngx_event_t *ev);
static void ngx_rt_conn_timer(ngx_rt_conn_t *conn, ngx_rt_timer_e timer,
    ngx_msec_t msec);
static void ngx_rt_conn_queue_close(ngx_rt_conn_t *conn, ngx_uint_t code,
    const char *reason);
static void ngx_rt_conn_shutdown(ngx_connection_t *c);
static void ngx_rt_conn_leave_handler(ngx_event_t *ev);
static void ngx_rt_conn_finalize(ngx_rt_conn_t *conn);
static void ngx_rt_conn_app_close(ngx_rt_conn_t *conn);
static void ngx_rt_conn_cleanup(void *data);


ngx_int_t
ngx_rt_conn_start(ngx_rt_conn_t *conn)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;
    ngx_http_cleanup_t  *cln;

    r = conn->request;
    c = conn->connection;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_rt_conn_cleanup;
    cln->data = conn;

    ngx_rt_count(accepted, 1);
    ngx_rt_count(connections, 1);

    ngx_rt_conn_init(conn);

    c->log->action = "serving a WebSocket";

    /* nginx calls the read handler with c->close when the worker leaves */
    c->idle = 1;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

#if (NGX_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
        c->ssl->buffer = 0;
        c->ssl->no_wait_shutdown = 1;
    }
#endif

    if (ngx_tcp_nodelay(c) != NGX_OK) {
        ngx_rt_conn_over(conn);
    }

    ngx_rt_conn_timer(conn, NGX_RT_TIMER_CONNECT, conn->conf->connect_timeout);

    ngx_post_event(c->read, &ngx_posted_events);

    if (conn->app->open(conn) != NGX_OK) {
        ngx_rt_conn_over(conn);
    }

    return NGX_OK;
}


/* the timer is our own: others (mirror) delete that of c->read */

static void
ngx_rt_conn_init(ngx_rt_conn_t *conn)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = conn->request;
    c = conn->connection;

    ngx_rt_queue_init(conn);

    conn->started = ngx_current_msec;
    conn->alive = 1;
    conn->pipelined = (r->header_in->pos < r->header_in->last);

    conn->leave.handler = ngx_rt_conn_leave_handler;
    conn->leave.data = conn;
    conn->leave.log = c->log;

    conn->timer.handler = ngx_rt_conn_timer_handler;
    conn->timer.data = c;
    conn->timer.log = c->log;

    conn->read_handler = c->read->handler;
    conn->write_handler = c->write->handler;

    c->read->handler = ngx_rt_conn_read_handler;
    c->write->handler = ngx_rt_conn_write_handler;
}


void
ngx_rt_conn_established(ngx_rt_conn_t *conn)
{
    ngx_msec_t  interval;

    if (conn->closing || conn->over) {
        return;
    }

    /* the first one early and at random, so that they spread */

    interval = conn->conf->ping_interval;

    ngx_rt_conn_timer(conn, NGX_RT_TIMER_PING,
                      interval / 2 + ngx_random() % (interval / 2 + 1));
}


static ngx_rt_conn_t *
ngx_rt_conn_of(ngx_connection_t *c)
{
    ngx_http_request_t  *r;

    r = c->data;

    return ngx_http_get_module_ctx(r, ngx_rt_module);
}


static void
ngx_rt_conn_read_handler(ngx_event_t *rev)
{
    ngx_rt_conn_t     *conn;
    ngx_connection_t  *c;

    c = rev->data;
    conn = ngx_rt_conn_of(c);

    if (conn->over) {
        return;
    }

    if (c->close) {
        c->close = 0;
        ngx_rt_conn_leave_worker(conn);
        return;
    }

    if (conn->pipelined) {
        ngx_rt_conn_pipelined(conn);
    }

    ngx_rt_websocket_read(conn);
}


static void
ngx_rt_conn_write_handler(ngx_event_t *wev)
{
    ngx_rt_conn_t     *conn;
    ngx_connection_t  *c;

    c = wev->data;
    conn = ngx_rt_conn_of(c);

    if (conn->over || conn->out.first == NULL) {
        return;
    }

    ngx_rt_flush_post(conn);
}


/* frames that came in the same segment as the handshake */

static void
ngx_rt_conn_pipelined(ngx_rt_conn_t *conn)
{
    ngx_buf_t  *b;

    b = conn->request->header_in;

    conn->pipelined = 0;
    conn->bytes_in += b->last - b->pos;

    ngx_rt_count(bytes_in, b->last - b->pos);
    ngx_rt_websocket_input(conn, b->pos, b->last);

    b->pos = b->last;
}


/* a reload or a quit; or its time-out (worker_shutdown_timeout) */

static void
ngx_rt_conn_leave_worker(ngx_rt_conn_t *conn)
{
    if (conn->connection->error) {
        ngx_rt_conn_over(conn);
        return;
    }

    ngx_rt_close(conn, conn->app->leaving, "shutdown");
}


static void
ngx_rt_conn_timer_handler(ngx_event_t *ev)
{
    ngx_rt_conn_t      *conn;
    ngx_connection_t   *c;
    ngx_rt_loc_conf_t  *conf;

    c = ev->data;
    conn = ngx_rt_conn_of(c);

    if (conn->over) {
        return;
    }

    conf = conn->conf;

    switch (conn->waits_for) {

    case NGX_RT_TIMER_CONNECT:
        ngx_rt_close(conn, 3502, "stale");
        return;

    case NGX_RT_TIMER_PING:
        conn->alive = 0;
        conn->app->ping(conn);
        ngx_rt_conn_timer(conn, NGX_RT_TIMER_PONG, conf->pong_timeout);
        return;

    case NGX_RT_TIMER_PONG:

        if (!conn->alive) {
            ngx_rt_close(conn, 3012, "no pong");
            return;
        }

        ngx_rt_conn_timer(conn, NGX_RT_TIMER_PING,
                          conf->ping_interval - conf->pong_timeout);
        return;

    case NGX_RT_TIMER_CLOSE:
        ngx_rt_conn_over(conn);
        return;
    }
}


static void
ngx_rt_conn_timer(ngx_rt_conn_t *conn, ngx_rt_timer_e timer, ngx_msec_t msec)
{
    conn->waits_for = timer;

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    ngx_add_timer(&conn->timer, msec);
}


void
ngx_rt_close(ngx_rt_conn_t *conn, ngx_uint_t code, const char *reason)
{
    if (conn->closing || conn->over) {
        return;
    }

    conn->close_code = code;

    ngx_rt_conn_app_close(conn);

    if (conn->overflow) {
        ngx_rt_queue_drop(conn);
    }

    ngx_rt_conn_queue_close(conn, code, reason);

    conn->closing = 1;

    ngx_rt_conn_timer(conn, NGX_RT_TIMER_CLOSE, conn->conf->close_timeout);
}


static void
ngx_rt_conn_queue_close(ngx_rt_conn_t *conn, ngx_uint_t code,
    const char *reason)
{
    u_char  *last, frame[RT_FRAME_CONTROL_MAX + RT_FRAME_HEADER_MAX];

    if (code == RT_CLOSE_NO_STATUS) {
        code = 0;
        reason = "";
    }

    last = rt_frame_close(frame, code, (u_char *) reason, ngx_strlen(reason));

    if (ngx_rt_queue_frame(conn, RT_OPCODE_CLOSE, frame + 2,
                           last - frame - 2)
        != NGX_OK)
    {
        ngx_rt_conn_over(conn);
    }
}


void
ngx_rt_conn_flushed(ngx_rt_conn_t *conn, ngx_int_t rc)
{
    ngx_connection_t  *c;

    if (rc == NGX_ERROR) {
        ngx_rt_conn_over(conn);
        return;
    }

    if (rc == NGX_AGAIN) {
        return;
    }

    c = conn->connection;

    if (conn->throttled) {
        conn->throttled = 0;
        ngx_post_event(c->read, &ngx_posted_events);
    }

    if (!conn->closing) {
        return;
    }

    if (conn->close_received) {
        ngx_rt_conn_over(conn);
        return;
    }

    if (conn->deaf) {
        ngx_rt_conn_shutdown(c);
    }

    /* the peer has its time to answer, from when it could read ours */

    ngx_rt_conn_timer(conn, NGX_RT_TIMER_CLOSE, conn->conf->close_timeout);
}


/*
 * Who is not listened to any more need not answer: it sees the end.  What it
 * has sent by then is still read, or the reset that answers unread bytes
 * would overtake the close frame.
 */

static void
ngx_rt_conn_shutdown(ngx_connection_t *c)
{
#if (NGX_SSL)
    if (c->ssl) {
        (void) SSL_shutdown(c->ssl->connection);
        ERR_clear_error();
    }
#endif

    (void) ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN);
}


void
ngx_rt_conn_overflow(ngx_rt_conn_t *conn)
{
    if (conn->overflow || conn->closing || conn->over) {
        return;
    }

    conn->overflow = 1;
    ngx_post_event(&conn->leave, &ngx_posted_events);
}


void
ngx_rt_conn_over(ngx_rt_conn_t *conn)
{
    if (conn->over) {
        return;
    }

    conn->over = 1;
    ngx_post_event(&conn->leave, &ngx_posted_events);
}


static void
ngx_rt_conn_leave_handler(ngx_event_t *ev)
{
    ngx_rt_conn_t  *conn;

    conn = ev->data;

    if (conn->over) {
        ngx_rt_conn_finalize(conn);
        return;
    }

    ngx_rt_close(conn, 3008, "slow");
}


static void
ngx_rt_conn_finalize(ngx_rt_conn_t *conn)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = conn->request;
    c = conn->connection;

#if (NGX_SSL)
    if (c->ssl && conn->out.promised) {

        /* a record is half out: OpenSSL would not send an alert behind it */

        c->ssl->no_send_shutdown = 1;
    }
#endif

    ngx_rt_conn_cleanup(conn);

    c->idle = 0;

    /* nginx may go on with the request (post_action) */

    c->read->handler = conn->read_handler;
    c->write->handler = conn->write_handler;

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    ngx_http_run_posted_requests(c);
}


/* also where something else than we ends the request */

static void
ngx_rt_conn_cleanup(void *data)
{
    ngx_rt_conn_t *conn = data;

    if (conn->finalized) {
        return;
    }

    conn->over = 1;
    conn->finalized = 1;

    if (conn->close_code == 0) {
        conn->close_code = RT_CLOSE_ABNORMAL;
    }

    if (conn->leave.posted) {
        ngx_delete_posted_event(&conn->leave);
    }

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    ngx_rt_count_close(conn->close_code);
    ngx_rt_close_log_write(conn);

    ngx_rt_conn_app_close(conn);

    if (conn->app->destroy) {
        conn->app->destroy(conn);
    }

    ngx_rt_queue_finalize(conn);

    if (conn->message) {
        ngx_free(conn->message);
        conn->message = NULL;
    }

    ngx_rt_count(connections, -1);
}


static void
ngx_rt_conn_app_close(ngx_rt_conn_t *conn)
{
    if (!conn->closed) {
        conn->closed = 1;
        conn->app->close(conn);
    }
}
