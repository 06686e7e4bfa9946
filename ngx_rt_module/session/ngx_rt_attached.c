
/*
 * The request that a connection came from, and nginx's connection below it.
 *
 * At first the connection is attached: nginx's connection points to the
 * request.  As soon as nobody needs the request any more (its subrequests are
 * done, no other module's cleanup hangs on it, as limit_conn's does) it is
 * given back, with its buffers and, unless TLS lives there, the pool of
 * the connection.  From then on nginx's connection points to ours, which stands
 * alone and costs little.
 *
 * Either way the events of nginx's connection come here and go on to
 * ngx_rt_conn_event.c, and here is the end of the socket.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_ingress.h"


/* nginx may have been built without it */
extern ngx_module_t  ngx_http_realip_module __attribute__((weak));


static void ngx_rt_attached_read_handler(ngx_event_t *rev);
static void ngx_rt_attached_write_handler(ngx_event_t *wev);
static void ngx_rt_attached_timer_handler(ngx_event_t *ev);
static void ngx_rt_attached_pipelined(ngx_rt_conn_t *conn);
static void ngx_rt_attached_cleanup(void *data);
static ngx_uint_t ngx_rt_attached_needed(ngx_rt_attached_t *a);
static void ngx_rt_detach_request(ngx_rt_conn_t *conn,
    ngx_http_request_t *r);
static void ngx_rt_detach_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static void ngx_rt_detach_pool(ngx_connection_t *c);
static void ngx_rt_detached_read_handler(ngx_event_t *rev);
static void ngx_rt_detached_write_handler(ngx_event_t *wev);
static void ngx_rt_conn_shut_request(ngx_rt_conn_t *conn);
static void ngx_rt_conn_close_socket(ngx_connection_t *c);
static u_char *ngx_rt_conn_log_error(ngx_log_t *log, u_char *buf, size_t len);


/* whom log lines speak of */
static ngx_rt_conn_t  *ngx_rt_conn_current;


ngx_int_t
ngx_rt_attach(ngx_rt_conn_t *conn, ngx_http_request_t *r)
{
    ngx_rt_attached_t   *a;
    ngx_http_cleanup_t  *cln;

    a = ngx_pcalloc(r->pool, sizeof(ngx_rt_attached_t));
    if (a == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_rt_attached_cleanup;
    cln->data = conn;

    a->request = r;
    a->cleanup = cln;

    a->timer.handler = ngx_rt_attached_timer_handler;
    a->timer.data = r->connection;
    a->timer.log = r->connection->log;

    conn->attached = a;

    return NGX_OK;
}


void
ngx_rt_attached_start(ngx_rt_conn_t *conn)
{
    ngx_connection_t    *c;
    ngx_rt_attached_t   *a;
    ngx_http_request_t  *r;

    a = conn->attached;
    c = conn->connection;
    r = a->request;

    conn->pipelined = (r->header_in->pos < r->header_in->last);

    a->read_handler = c->read->handler;
    a->write_handler = c->write->handler;

    c->read->handler = ngx_rt_attached_read_handler;
    c->write->handler = ngx_rt_attached_write_handler;

    c->log->action = "serving a WebSocket";
}


static ngx_rt_conn_t *
ngx_rt_attached_conn(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = ev->data;
    r = c->data;

    return ngx_http_get_module_ctx(r, ngx_rt_module);
}


static void
ngx_rt_attached_read_handler(ngx_event_t *rev)
{
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_attached_conn(rev);

    if (conn->pipelined && !conn->over) {
        ngx_rt_attached_pipelined(conn);
    }

    ngx_rt_conn_read(conn, rev);
    ngx_rt_detach(conn);
}


/* frames that came in the same segment as the handshake */

static void
ngx_rt_attached_pipelined(ngx_rt_conn_t *conn)
{
    ngx_buf_t  *b;

    b = conn->attached->request->header_in;

    conn->pipelined = 0;

    ngx_rt_websocket_input(conn, b->pos, b->last);

    b->pos = b->last;
}


static void
ngx_rt_attached_write_handler(ngx_event_t *wev)
{
    ngx_rt_conn_write(ngx_rt_attached_conn(wev));
}


static void
ngx_rt_attached_timer_handler(ngx_event_t *ev)
{
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_attached_conn(ev);

    ngx_rt_conn_expire(conn);
    ngx_rt_detach(conn);
}


/* the request ends: we wanted it, or something else did */

static void
ngx_rt_attached_cleanup(void *data)
{
    ngx_rt_conn_t *conn = data;

    ngx_rt_conn_end(conn);
    ngx_rt_conn_free(conn);
}


void
ngx_rt_detach(ngx_rt_conn_t *conn)
{
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_connection_t  *hc;

    if (conn->attached == NULL || conn->over
        || ngx_rt_attached_needed(conn->attached))
    {
        return;
    }

    c = conn->connection;
    r = conn->attached->request;
    hc = r->http_connection;

    ngx_rt_detach_request(conn, r);
    ngx_rt_detach_buffers(c, hc);

    if (!conn->tls && c->pool->cleanup == NULL) {
        ngx_rt_detach_pool(c);
    }
}


/*
 * By whom?  Subrequests (mirror) count themselves; others hang a cleanup on
 * it.  realip's is known: we have copied the address that it will take back.
 */

static ngx_uint_t
ngx_rt_attached_needed(ngx_rt_attached_t *a)
{
    void                *realip;
    ngx_http_cleanup_t  *cln;
    ngx_http_request_t  *r;
    ngx_pool_cleanup_t  *pcln;

    r = a->request;

    if (r->count != 1 || r->posted_requests || r->connection->buffered) {
        return 1;
    }

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler && cln != a->cleanup) {
            return 1;
        }
    }

    realip = &ngx_http_realip_module
             ? ngx_http_get_module_ctx(r, ngx_http_realip_module) : NULL;

    for (pcln = r->pool->cleanup; pcln; pcln = pcln->next) {
        if (pcln->handler && (realip == NULL || pcln->data != realip)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_rt_detach_request(ngx_rt_conn_t *conn, ngx_http_request_t *r)
{
    ngx_msec_t          rest;
    ngx_uint_t          waits;
    ngx_connection_t   *c;
    ngx_rt_attached_t  *a;

    a = conn->attached;
    c = conn->connection;

    waits = a->timer.timer_set;
    rest = 0;

    if (waits) {
        rest = ngx_rt_conn_timer_rest(conn);
        ngx_del_timer(&a->timer);
    }

    a->cleanup->handler = NULL;
    conn->attached = NULL;

    ngx_http_free_request(r, 0);

    c->destroyed = 0;
    c->data = conn;

    c->log = ngx_rt_conn_log(conn->conf);
    c->read->log = c->log;
    c->write->log = c->log;

    c->read->handler = ngx_rt_detached_read_handler;
    c->write->handler = ngx_rt_detached_write_handler;

    if (waits) {
        ngx_add_timer(ngx_rt_conn_timer_event(conn), rest);
    }
}


/* the large ones are memory of their own */

static void
ngx_rt_detach_buffers(ngx_connection_t *c, ngx_http_connection_t *hc)
{
    ngx_chain_t  *cl;

    if (c->buffer) {
        (void) ngx_pfree(c->pool, c->buffer->start);
        c->buffer = NULL;
    }

    for (cl = hc->free; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    for (cl = hc->busy; cl; cl = cl->next) {
        (void) ngx_pfree(c->pool, cl->buf->start);
    }

    hc->free = NULL;
    hc->busy = NULL;
    hc->nbusy = 0;
}


/* what points into it points to what outlives us; addresses: see conn->addr */

static void
ngx_rt_detach_pool(ngx_connection_t *c)
{
    ngx_listening_t  *ls;

    ls = c->listening;

    c->sockaddr = ls->sockaddr;
    c->socklen = ls->socklen;
    ngx_str_null(&c->addr_text);
    c->local_sockaddr = ls->sockaddr;
    c->local_socklen = ls->socklen;
    c->proxy_protocol = NULL;

    ngx_destroy_pool(c->pool);
    c->pool = NULL;
}


static void
ngx_rt_detached_read_handler(ngx_event_t *rev)
{
    ngx_rt_conn_t     *conn;
    ngx_connection_t  *c;

    c = rev->data;
    conn = c->data;

    ngx_rt_conn_enter(conn);
    ngx_rt_conn_read(conn, rev);
}


static void
ngx_rt_detached_write_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_rt_conn_write(c->data);
}


void
ngx_rt_conn_shut(ngx_rt_conn_t *conn)
{
    ngx_connection_t  *c;

    c = conn->connection;

#if (NGX_SSL)
    if (c->ssl && conn->promised) {

        /* a record is half out: OpenSSL would not send an alert behind it */

        c->ssl->no_send_shutdown = 1;
    }
#endif

    ngx_rt_conn_end(conn);

    c->idle = 0;

    if (conn->attached) {
        ngx_rt_conn_shut_request(conn);
        return;
    }

    ngx_rt_conn_free(conn);

    c->data = NULL;

    ngx_rt_conn_close_socket(c);
}


/* nginx may go on with the request (post_action) */

static void
ngx_rt_conn_shut_request(ngx_rt_conn_t *conn)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = conn->connection;
    r = conn->attached->request;

    c->read->handler = conn->attached->read_handler;
    c->write->handler = conn->attached->write_handler;

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    ngx_http_run_posted_requests(c);
}


/* as nginx's own does it, which takes c->pool for granted */

static void
ngx_rt_conn_close_socket(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

#if (NGX_SSL)
    if (c->ssl && ngx_ssl_shutdown(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_rt_conn_close_socket;
        return;
    }
#endif

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif

    c->destroyed = 1;

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}


/* one for all of them: it knows whom it speaks of by ngx_rt_conn_enter() */

ngx_log_t *
ngx_rt_conn_log(ngx_rt_loc_conf_t *conf)
{
    if (conf->log.handler == NULL) {
        conf->log = *conf->error_log;
        conf->log.handler = ngx_rt_conn_log_error;
        conf->log.action = "serving a WebSocket";
    }

    return &conf->log;
}


void
ngx_rt_conn_enter(ngx_rt_conn_t *conn)
{
    ngx_rt_conn_current = conn;
}


static u_char *
ngx_rt_conn_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char         *p;
    size_t          n;
    u_char          text[NGX_SOCKADDR_STRLEN];
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_conn_current;

    p = ngx_snprintf(buf, len, " while %s", log->action);

    if (conn == NULL) {
        return p;
    }

    switch (conn->family) {

    case AF_INET:
        n = ngx_inet_ntop(AF_INET, conn->addr, text, sizeof(text));
        break;

#if (NGX_HAVE_INET6)
    case AF_INET6:
        n = ngx_inet_ntop(AF_INET6, conn->addr, text, sizeof(text));
        break;
#endif

    default:
        n = ngx_sprintf(text, "unix:") - text;
        break;
    }

    return ngx_snprintf(p, len - (p - buf), ", client: %*s, server: %V", n,
                        text, &conn->connection->listening->addr_text);
}
