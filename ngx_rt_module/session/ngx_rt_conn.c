
/*
 * The life of a WebSocket connection: made for a request, started by the 101,
 * closed, freed.  Called from ingress/ (handshake, frames), from the apps and
 * from the flush; calls the app, the queue, and what tells of the end.
 *
 * Nothing frees a connection while it is in use: what wants it gone, or closed
 * from a place where that cannot be done, puts it among those that leave, and
 * one event of the worker sees to them when nobody is inside.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"


static void ngx_rt_conn_address(ngx_rt_conn_t *conn, ngx_connection_t *c);
static void ngx_rt_conn_queue_close(ngx_rt_conn_t *conn, ngx_uint_t code,
    const char *reason);
static void ngx_rt_conn_leave(ngx_rt_conn_t *conn);
static void ngx_rt_conn_leave_handler(ngx_event_t *ev);
static void ngx_rt_conn_app_close(ngx_rt_conn_t *conn);


static rt_slab_t    ngx_rt_conns;
static ngx_queue_t  ngx_rt_conns_leaving;
static ngx_event_t  ngx_rt_conns_leave_event;


void
ngx_rt_conn_init_process(ngx_cycle_t *cycle)
{
    ngx_rt_slab_init(&ngx_rt_conns, sizeof(ngx_rt_conn_t), 1);

    ngx_queue_init(&ngx_rt_conns_leaving);

    ngx_rt_conns_leave_event.handler = ngx_rt_conn_leave_handler;
    ngx_rt_conns_leave_event.log = cycle->log;
}


ngx_int_t
ngx_rt_conn_create(ngx_http_request_t *r, const ngx_rt_app_t *app,
    ngx_rt_conn_t **connp)
{
    ngx_rt_conn_t             *conn;
    ngx_connection_t          *c;
    ngx_rt_loc_conf_t         *conf;
    ngx_http_core_loc_conf_t  *clcf;

    conn = rt_slab_alloc(&ngx_rt_conns);
    if (conn == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(conn, sizeof(ngx_rt_conn_t));

    c = r->connection;
    conf = ngx_http_get_module_loc_conf(r, ngx_rt_module);
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    conf->error_log = clcf->error_log;

    conn->connection = c;
    conn->fd = c->fd;
    conn->conf = conf;
    conn->app = app;
    conn->ended = 1;                      /* nothing to tell of it yet */

#if (NGX_SSL)
    conn->tls = (c->ssl != NULL);
#endif

    ngx_rt_conn_address(conn, c);

    if (ngx_rt_attach(conn, r) != NGX_OK) {
        rt_slab_free(&ngx_rt_conns, conn);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *connp = conn;

    return app->create ? app->create(conn, r) : NGX_OK;
}


/* realip may have changed it, and takes that back with the request */

static void
ngx_rt_conn_address(ngx_rt_conn_t *conn, ngx_connection_t *c)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    conn->family = (uint8_t) c->sockaddr->sa_family;

    switch (c->sockaddr->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) c->sockaddr;
        ngx_memcpy(conn->addr, &sin->sin_addr, 4);
        break;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) c->sockaddr;
        ngx_memcpy(conn->addr, &sin6->sin6_addr, 16);
        break;
#endif
    }
}


void
ngx_rt_conn_start(ngx_rt_conn_t *conn)
{
    ngx_connection_t  *c;

    c = conn->connection;

    ngx_rt_count(accepted, 1);
    ngx_rt_count(connections, 1);

    conn->started = ngx_current_msec;
    conn->controls = rt_bucket_fold(rt_bucket_ticks(ngx_current_msec));
    conn->alive = 1;
    conn->ended = 0;
    conn->opened = 1;

    ngx_rt_attached_start(conn);

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

    if (conn->app->open) {
        conn->app->open(conn);
    }

    /* it was accepted before and is no worse off than the others here */

    if (ngx_exiting) {
        ngx_rt_conn_leave_worker(conn);
    }
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
ngx_rt_conn_overflow(ngx_rt_conn_t *conn)
{
    if (conn->overflow || conn->closing || conn->over) {
        return;
    }

    conn->overflow = 1;
    ngx_rt_conn_leave(conn);
}


void
ngx_rt_conn_over(ngx_rt_conn_t *conn)
{
    if (conn->over) {
        return;
    }

    conn->over = 1;
    ngx_rt_conn_leave(conn);
}


static void
ngx_rt_conn_leave(ngx_rt_conn_t *conn)
{
    if (conn->leaving) {
        return;
    }

    conn->leaving = 1;
    ngx_queue_insert_tail(&ngx_rt_conns_leaving, &conn->leave);

    if (!ngx_rt_conns_leave_event.posted) {
        ngx_post_event(&ngx_rt_conns_leave_event, &ngx_posted_events);
    }
}


static void
ngx_rt_conn_leave_handler(ngx_event_t *ev)
{
    ngx_queue_t    *q;
    ngx_rt_conn_t  *conn;

    while (!ngx_queue_empty(&ngx_rt_conns_leaving)) {
        q = ngx_queue_head(&ngx_rt_conns_leaving);
        conn = ngx_queue_data(q, ngx_rt_conn_t, leave);

        ngx_queue_remove(q);
        conn->leaving = 0;

        ngx_rt_conn_enter(conn);

        if (conn->over) {
            ngx_rt_conn_shut(conn);

        } else {
            ngx_rt_close(conn, 3008, "slow");
        }
    }
}


void
ngx_rt_conn_end(ngx_rt_conn_t *conn)
{
    if (conn->ended) {
        return;
    }

    conn->over = 1;
    conn->ended = 1;

    if (conn->close_code == 0) {
        conn->close_code = RT_CLOSE_ABNORMAL;
    }

    if (conn->leaving) {
        conn->leaving = 0;
        ngx_queue_remove(&conn->leave);
    }

    if (ngx_rt_conn_timer_event(conn)->timer_set) {
        ngx_del_timer(ngx_rt_conn_timer_event(conn));
    }

    ngx_rt_count_close(conn->close_code);
    ngx_rt_close_log_write(conn);

    ngx_rt_conn_app_close(conn);
    ngx_rt_queue_finalize(conn);

    if (conn->inbox) {
        ngx_rt_inbox_free(conn->inbox);
        conn->inbox = NULL;
    }

    ngx_rt_count(connections, -1);
}


static void
ngx_rt_conn_app_close(ngx_rt_conn_t *conn)
{
    if (conn->opened) {
        conn->opened = 0;
        conn->app->close(conn);
    }
}


void
ngx_rt_conn_free(ngx_rt_conn_t *conn)
{
    ngx_rt_conn_enter(NULL);

    if (conn->app->destroy) {
        conn->app->destroy(conn);
    }

    if (conn->log_values) {
        ngx_free(conn->log_values);
    }

    rt_slab_free(&ngx_rt_conns, conn);
}
