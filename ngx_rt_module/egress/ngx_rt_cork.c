
/*
 * The cork of a keepalive connection.  While replies wait, the connection's
 * recv, send and send_chain are ours:
 *
 *     send_chain   copies a reply that may wait and reports it sent; anything
 *                  else leaves behind what waits, in the same send
 *     send         the same for nginx's "100 Continue"
 *     recv         when there is nothing more to read, what waits leaves before
 *                  nginx learns of it: it may close the connection then
 *
 * A request that is passed to others and answers later holds nothing back: an
 * event of ours in ngx_posted_next_events lets go what still waits.
 *
 * If the socket takes no more, what is left stays first in line.  nginx has
 * write handlers of its own by then, or none; so we try again by a timer and
 * before anything else is sent, and close the socket when send_timeout has
 * passed without progress.
 *
 * Called by control.  Owns a struct in the connection's pool for as long as the
 * connection lives, and a buffer of the worker's while something waits.  The
 * cleanup of the pool forgets what is left.  A worker's own: no locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_cork.h"


#define NGX_RT_CORK_SIZE     16384
#define NGX_RT_CORK_REPLIES  64       /* then the event loop has to turn */
#define NGX_RT_CORK_SPARE    16       /* buffers kept by a worker */
#define NGX_RT_CORK_RETRY    20       /* milliseconds */


struct ngx_rt_cork_s {
    ngx_connection_t          *connection;
    void                      *idle_data;     /* c->data between requests */
    ngx_http_request_t        *request;       /* its response may wait */
    ngx_event_t                event;

    u_char                    *buffer;        /* NULL: nothing waits */
    u_char                    *pos;
    u_char                    *last;
    ngx_uint_t                 replies;

    ngx_msec_t                 timeout;       /* clcf->send_timeout */
    ngx_msec_t                 deadline;      /* if stuck */

    ngx_recv_pt                recv;
    ngx_send_pt                send;
    ngx_send_chain_pt          send_chain;

    unsigned                   hooked:1;
    unsigned                   ssl:1;
    unsigned                   stuck:1;
    unsigned                   busy:1;        /* was idle until it stuck */
    unsigned                   yield:1;
};


typedef struct ngx_rt_cork_buffer_s  ngx_rt_cork_buffer_t;

struct ngx_rt_cork_buffer_s {
    ngx_rt_cork_buffer_t      *next;
};


static ngx_uint_t ngx_rt_cork_may_wait(ngx_http_request_t *r);
static ngx_rt_cork_t *ngx_rt_cork_lookup(ngx_connection_t *c);
static ngx_rt_cork_t *ngx_rt_cork_create(ngx_connection_t *c);
static ngx_int_t ngx_rt_cork_hook(ngx_rt_cork_t *cork, ngx_http_request_t *r);
static void ngx_rt_cork_unhook(ngx_rt_cork_t *cork);
static ssize_t ngx_rt_cork_recv(ngx_connection_t *c, u_char *buf, size_t size);
static ssize_t ngx_rt_cork_send(ngx_connection_t *c, u_char *buf, size_t size);
static ngx_chain_t *ngx_rt_cork_send_chain(ngx_connection_t *c,
    ngx_chain_t *in, off_t limit);
static ngx_int_t ngx_rt_cork_copy(ngx_rt_cork_t *cork, ngx_chain_t *in,
    off_t limit);
static ngx_chain_t *ngx_rt_cork_flush(ngx_rt_cork_t *cork, ngx_chain_t *in,
    off_t limit);
static void ngx_rt_cork_push(ngx_rt_cork_t *cork);
static void ngx_rt_cork_stick(ngx_rt_cork_t *cork, ngx_uint_t moved);
static void ngx_rt_cork_abort(ngx_rt_cork_t *cork);
static void ngx_rt_cork_idle(ngx_rt_cork_t *cork);
static void ngx_rt_cork_handler(ngx_event_t *ev);
static void ngx_rt_cork_cleanup(void *data);
static u_char *ngx_rt_cork_buffer_acquire(void);
static void ngx_rt_cork_buffer_release(u_char *p);


static ngx_rt_cork_buffer_t  *ngx_rt_cork_spare;
static ngx_uint_t             ngx_rt_cork_nspare;


ngx_rt_cork_t *
ngx_rt_cork_open(ngx_http_request_t *r)
{
    ngx_rt_cork_t  *cork;

    if (!ngx_rt_cork_may_wait(r)) {
        return NULL;
    }

    cork = ngx_rt_cork_lookup(r->connection);

    if (cork == NULL) {
        cork = ngx_rt_cork_create(r->connection);
        if (cork == NULL) {
            return NULL;
        }
    }

    if (!cork->hooked && ngx_rt_cork_hook(cork, r) != NGX_OK) {
        return NULL;
    }

    cork->request = r;

    return cork;
}


void
ngx_rt_cork_close(ngx_rt_cork_t *cork)
{
    if (cork == NULL) {
        return;
    }

    cork->request = NULL;

    if (cork->hooked && cork->buffer == NULL && !cork->stuck) {
        ngx_rt_cork_unhook(cork);
    }
}


/*
 * Is there something that a response of r can wait for: another request, read
 * already or about to be?  In the second case nginx makes the connection
 * reusable for a moment, and drops it if it runs short of connections just
 * then; so not when they are getting scarce.
 */

static ngx_uint_t
ngx_rt_cork_may_wait(ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;

    if (r != r->main
        || !r->keepalive
        || r->http_version != NGX_HTTP_VERSION_11
        || ngx_exiting
        || ngx_terminate)
    {
        return 0;
    }

    if (c->error
        || c->buffered
        || c->read->eof
        || !c->write->ready
        || c->write->delayed)
    {
        return 0;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->keepalive_timeout == 0) {
        return 0;
    }

    if (r->header_in->pos < r->header_in->last) {
        return 1;
    }

    return c->read->ready
           && ngx_cycle->free_connection_n > ngx_cycle->connection_n / 4;
}


static ngx_rt_cork_t *
ngx_rt_cork_lookup(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_rt_cork_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


static ngx_rt_cork_t *
ngx_rt_cork_create(ngx_connection_t *c)
{
    ngx_rt_cork_t       *cork;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_rt_cork_t));
    if (cln == NULL) {
        return NULL;
    }

    cork = cln->data;

    ngx_memzero(cork, sizeof(ngx_rt_cork_t));

    cork->connection = c;
    cork->event.data = c;
    cork->event.handler = ngx_rt_cork_handler;
    cork->event.log = c->log;

    cln->handler = ngx_rt_cork_cleanup;

    return cork;
}


static ngx_int_t
ngx_rt_cork_hook(ngx_rt_cork_t *cork, ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;

    c = cork->connection;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* nginx does so only at the end of a pipeline */

    if (clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK) {
        return NGX_ERROR;
    }

    cork->idle_data = r->http_connection;
    cork->timeout = clcf->send_timeout;
    cork->replies = 0;

    cork->recv = c->recv;
    cork->send = c->send;
    cork->send_chain = c->send_chain;

    c->recv = ngx_rt_cork_recv;
    c->send = ngx_rt_cork_send;
    c->send_chain = ngx_rt_cork_send_chain;

#if (NGX_HTTP_SSL)
    cork->ssl = (c->ssl != NULL);
#endif

    cork->hooked = 1;

    return NGX_OK;
}


/* nothing waits any more, or what waits is given up */

static void
ngx_rt_cork_unhook(ngx_rt_cork_t *cork)
{
    ngx_connection_t  *c;

    c = cork->connection;

    if (cork->hooked) {
        c->recv = cork->recv;
        c->send = cork->send;
        c->send_chain = cork->send_chain;

        cork->hooked = 0;
    }

    if (cork->buffer) {
        ngx_rt_cork_buffer_release(cork->buffer);
        cork->buffer = NULL;
    }

    if (cork->event.posted) {
        ngx_delete_posted_event(&cork->event);
    }

    if (cork->event.timer_set) {
        ngx_del_timer(&cork->event);
    }

    cork->stuck = 0;
    cork->yield = 0;

    if (cork->busy) {
        ngx_rt_cork_idle(cork);
    }
}


static ssize_t
ngx_rt_cork_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t         n;
    ngx_rt_cork_t  *cork;

    cork = ngx_rt_cork_lookup(c);

    n = cork->recv(c, buf, size);

    if (n == NGX_AGAIN || n == 0) {
        ngx_rt_cork_push(cork);
    }

    return n;
}


static ssize_t
ngx_rt_cork_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    ngx_rt_cork_t  *cork;

    cork = ngx_rt_cork_lookup(c);

    ngx_rt_cork_push(cork);

    if (c->error) {
        return NGX_ERROR;
    }

    if (cork->hooked) {
        return NGX_AGAIN;
    }

    return cork->send(c, buf, size);
}


static ngx_chain_t *
ngx_rt_cork_send_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    ngx_uint_t           full;
    ngx_chain_t         *cl;
    ngx_rt_cork_t       *cork;
    ngx_http_request_t  *r;

    cork = ngx_rt_cork_lookup(c);
    r = cork->request;
    full = 0;

    if (r && !cork->stuck && ngx_rt_cork_may_wait(r)) {

        full = (++cork->replies == NGX_RT_CORK_REPLIES);

        if (!full && ngx_rt_cork_copy(cork, in, limit) == NGX_OK) {
            return NULL;
        }
    }

    cl = ngx_rt_cork_flush(cork, in, limit);

    if (full) {
        cork->yield = 1;
        ngx_post_event(&cork->event, &ngx_posted_events);
    }

    return cl;
}


/* NGX_DECLINED: not in memory, no room, or more than the limit */

static ngx_int_t
ngx_rt_cork_copy(ngx_rt_cork_t *cork, ngx_chain_t *in, off_t limit)
{
    size_t        size, room;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            return NGX_DECLINED;
        }

        size += ngx_buf_special(b) ? 0 : (size_t) (b->last - b->pos);
    }

    room = NGX_RT_CORK_SIZE;

    if (cork->buffer) {
        room -= cork->last - cork->buffer;
    }

    if (size > room || (limit && (off_t) size > limit)) {
        return NGX_DECLINED;
    }

    if (cork->buffer == NULL) {
        cork->buffer = ngx_rt_cork_buffer_acquire();
        if (cork->buffer == NULL) {
            return NGX_DECLINED;
        }

        cork->pos = cork->buffer;
        cork->last = cork->buffer;

        ngx_post_event(&cork->event, &ngx_posted_next_events);
    }

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_special(b)) {
            continue;
        }

        cork->last = ngx_cpymem(cork->last, b->pos, b->last - b->pos);
        b->pos = b->last;
    }

    cork->connection->sent += size;

    return NGX_OK;
}


/*
 * What waits, then `in`.  Returns what is left of `in`: all of it, if even ours
 * is not out.
 */

static ngx_chain_t *
ngx_rt_cork_flush(ngx_rt_cork_t *cork, ngx_chain_t *in, off_t limit)
{
    off_t              sent;
    size_t             n;
    ngx_buf_t          b;
    ngx_chain_t        out, *cl;
    ngx_connection_t  *c;

    c = cork->connection;
    n = cork->buffer ? cork->last - cork->pos : 0;

    out.buf = &b;
    out.next = in;

    if (n) {
        ngx_memzero(&b, sizeof(ngx_buf_t));
        b.start = cork->buffer;
        b.pos = cork->pos;
        b.last = cork->last;
        b.end = cork->last;
        b.temporary = 1;
        b.flush = 1;
    }

    sent = c->sent;

    cl = cork->send_chain(c, n ? &out : in, limit ? limit + (off_t) n : 0);

    if (cl == NGX_CHAIN_ERROR) {
        ngx_rt_cork_unhook(cork);
        return cl;
    }

    if (n) {
        /* counted for its own request already */
        n = b.pos - cork->pos;
        cork->pos = b.pos;
        c->sent -= ngx_min(c->sent - sent, (off_t) n);
    }

    if (cl == &out) {
        ngx_rt_cork_stick(cork, n);
        return in;
    }

    if (in == NULL && (c->buffered & NGX_LOWLEVEL_BUFFERED)) {

        /* TLS has it, and nobody else would ask TLS to go on */

        if (cork->buffer) {
            ngx_rt_cork_buffer_release(cork->buffer);
            cork->buffer = NULL;
        }

        ngx_rt_cork_stick(cork, n);
        return NULL;
    }

    ngx_rt_cork_unhook(cork);

    return cl;
}


/* all that waits, now; never frees the connection */

static void
ngx_rt_cork_push(ngx_rt_cork_t *cork)
{
    ngx_connection_t  *c;

    c = cork->connection;

    if (c->error) {
        ngx_rt_cork_unhook(cork);
        return;
    }

#if (NGX_HTTP_SSL)

    if (cork->ssl
        && (c->ssl == NULL
            || (SSL_get_shutdown(c->ssl->connection) & SSL_SENT_SHUTDOWN)))
    {
        ngx_rt_cork_unhook(cork);
        return;
    }

#endif

    if (ngx_rt_cork_flush(cork, NULL, 0) == NGX_CHAIN_ERROR) {
        ngx_rt_cork_abort(cork);
    }
}


/* the socket takes no more */

static void
ngx_rt_cork_stick(ngx_rt_cork_t *cork, ngx_uint_t moved)
{
    ngx_connection_t  *c;

    c = cork->connection;

    if (!cork->stuck || moved) {
        cork->deadline = ngx_current_msec + cork->timeout;
    }

    cork->stuck = 1;

    /* an idle connection is closed whenever nginx likes */

    if (c->data == cork->idle_data && c->idle) {
        c->idle = 0;
        ngx_reusable_connection(c, 0);
        cork->busy = 1;
    }

    if (cork->event.posted) {
        ngx_delete_posted_event(&cork->event);
    }

    if (!cork->event.timer_set) {
        ngx_add_timer(&cork->event, NGX_RT_CORK_RETRY);
    }
}


/*
 * What waited is lost.  The end of the socket is seen by whoever reads next,
 * and closes it in the way of the state that the connection is in.
 */

static void
ngx_rt_cork_abort(ngx_rt_cork_t *cork)
{
    ngx_connection_t  *c;

    c = cork->connection;

    ngx_rt_cork_unhook(cork);

    c->error = 1;

    if (ngx_shutdown_socket(c->fd, SHUT_RDWR) == -1) {
        ngx_connection_error(c, ngx_socket_errno,
                             ngx_shutdown_socket_n " failed");
    }
}


/* undoes what sticking took from an idle connection */

static void
ngx_rt_cork_idle(ngx_rt_cork_t *cork)
{
    ngx_connection_t  *c;

    c = cork->connection;

    cork->busy = 0;

    if (c->data != cork->idle_data) {
        return;
    }

    c->idle = 1;
    ngx_reusable_connection(c, 1);

    if (ngx_exiting) {
        c->close = 1;
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static void
ngx_rt_cork_handler(ngx_event_t *ev)
{
    ngx_rt_cork_t     *cork;
    ngx_connection_t  *c;

    cork = (ngx_rt_cork_t *) ((u_char *) ev - offsetof(ngx_rt_cork_t, event));
    c = cork->connection;

    ev->timedout = 0;

    if (cork->yield) {
        cork->yield = 0;

        if (c->read->posted) {
            ngx_delete_posted_event(c->read);
            ngx_post_event(c->read, &ngx_posted_next_events);
        }
    }

    if (!cork->hooked) {
        return;
    }

    if (!cork->stuck) {
        ngx_rt_cork_push(cork);
        return;
    }

    if ((ngx_msec_int_t) (ngx_current_msec - cork->deadline) >= 0) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out, replies of the API are lost");
        ngx_rt_cork_abort(cork);
        return;
    }

    /* nobody may have asked for a write event */

    c->write->ready = 1;

    ngx_rt_cork_push(cork);
}


static void
ngx_rt_cork_cleanup(void *data)
{
    ngx_rt_cork_t  *cork = data;

    cork->busy = 0;

    ngx_rt_cork_unhook(cork);
}


static u_char *
ngx_rt_cork_buffer_acquire(void)
{
    ngx_rt_cork_buffer_t  *b;

    b = ngx_rt_cork_spare;

    if (b) {
        ngx_rt_cork_spare = b->next;
        ngx_rt_cork_nspare--;

        return (u_char *) b;
    }

    return ngx_alloc(NGX_RT_CORK_SIZE, ngx_cycle->log);
}


static void
ngx_rt_cork_buffer_release(u_char *p)
{
    ngx_rt_cork_buffer_t  *b;

    if (ngx_rt_cork_nspare == NGX_RT_CORK_SPARE) {
        ngx_free(p);
        return;
    }

    b = (ngx_rt_cork_buffer_t *) (void *) p;

    b->next = ngx_rt_cork_spare;
    ngx_rt_cork_spare = b;
    ngx_rt_cork_nspare++;
}
