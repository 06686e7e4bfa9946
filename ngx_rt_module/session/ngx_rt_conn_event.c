
/*
 * What happens to a connection: bytes came, the socket takes bytes again, time
 * has passed, the worker leaves.  Called by the event loop through the handlers
 * of ngx_rt_attached.c, and by the flush; calls ingress/ and the app.
 */


#include "ngx_rt.h"
#include "ngx_rt_ingress.h"


static void ngx_rt_conn_shutdown(ngx_rt_conn_t *conn);


void
ngx_rt_conn_read(ngx_rt_conn_t *conn, ngx_event_t *rev)
{
    ngx_connection_t  *c;

    c = rev->data;

    if (conn->over) {
        return;
    }

    if (c->close) {
        c->close = 0;
        ngx_rt_conn_leave_worker(conn);
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_rt_conn_expire(conn);
        return;
    }

    ngx_rt_websocket_read(conn);
}


void
ngx_rt_conn_write(ngx_rt_conn_t *conn)
{
    conn->blocked = 0;

    if (conn->over) {
        return;
    }

    /* poll and select would go on saying so */

    if (ngx_handle_write_event(conn->connection->write, 0) != NGX_OK) {
        ngx_rt_conn_over(conn);
        return;
    }

    if (conn->out.first) {
        ngx_rt_flush_post(conn);
    }
}


/*
 * A reload or a quit; or its end (worker_shutdown_timeout), which leaves the
 * time for one write.
 */

void
ngx_rt_conn_leave_worker(ngx_rt_conn_t *conn)
{
    rt_fault(drain_begin);

    if (conn->connection->error) {
        ngx_rt_close(conn, conn->app->leaving, "shutdown");
        (void) ngx_rt_flush(conn);
        ngx_rt_conn_over(conn);
        return;
    }

    if (conn->closing) {
        return;
    }

    /* it is pinged until then, or clients would take it for dead */

    conn->draining = 1;
    ngx_rt_conn_timer(conn, conn->waits_for, ngx_rt_conn_timer_rest(conn));
}


void
ngx_rt_conn_expire(ngx_rt_conn_t *conn)
{
    ngx_msec_t          rest;
    ngx_rt_loc_conf_t  *conf;

    if (conn->over) {
        return;
    }

    if (conn->opened && conn->app->wake
        && conn->app->wake(conn, &rest) == NGX_OK)
    {
        if (!conn->closing && !conn->over) {
            ngx_rt_conn_timer(conn, conn->waits_for, rest);
        }

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

    case NGX_RT_TIMER_DRAIN:
        rt_fault(drain_close);
        ngx_rt_close(conn, conn->app->leaving, "shutdown");
        return;

    case NGX_RT_TIMER_CLOSE:
        ngx_rt_conn_over(conn);
        return;
    }
}


void
ngx_rt_conn_timer(ngx_rt_conn_t *conn, ngx_rt_timer_e timer, ngx_msec_t msec)
{
    ngx_msec_t    left;
    ngx_event_t  *ev;

    if (conn->draining && timer != NGX_RT_TIMER_CLOSE) {
        left = ngx_rt_drain_left(conn);

        if (left <= msec) {
            timer = NGX_RT_TIMER_DRAIN;
            msec = left;
        }
    }

    conn->waits_for = timer;

    if (conn->opened && conn->app->wait) {
        msec = conn->app->wait(conn, msec);
    }

    ev = ngx_rt_conn_timer_event(conn);

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, msec);
}


ngx_msec_t
ngx_rt_conn_timer_rest(ngx_rt_conn_t *conn)
{
    ngx_msec_int_t  rest;

    rest = ngx_rt_conn_timer_event(conn)->timer.key - ngx_current_msec;

    return ngx_max(rest, 0);
}


void
ngx_rt_conn_rearm(ngx_rt_conn_t *conn, ngx_msec_t due)
{
    ngx_msec_int_t  rest;

    rest = (ngx_msec_int_t) (due - ngx_current_msec);

    ngx_rt_conn_timer(conn, conn->waits_for, ngx_max(rest, 0));
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


void
ngx_rt_conn_flushed(ngx_rt_conn_t *conn, ngx_int_t rc)
{
    if (rc == NGX_ERROR) {
        ngx_rt_conn_over(conn);
        return;
    }

    if (rc == NGX_AGAIN) {
        return;
    }

    if (conn->throttled) {
        conn->throttled = 0;
        ngx_post_event(conn->connection->read, &ngx_posted_events);
    }

    if (conn->waits && conn->opened) {
        conn->waits = 0;
        conn->app->drained(conn);
    }

    if (!conn->closing) {
        return;
    }

    if (conn->close_received) {
        ngx_rt_conn_over(conn);
        return;
    }

    if (conn->deaf) {
        ngx_rt_conn_shutdown(conn);
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
ngx_rt_conn_shutdown(ngx_rt_conn_t *conn)
{
#if (NGX_SSL)
    if (conn->tls) {
        (void) SSL_shutdown(conn->connection->ssl->connection);
        ERR_clear_error();
    }
#endif

    (void) ngx_shutdown_socket(conn->fd, NGX_WRITE_SHUTDOWN);
}
