
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
 * Called by control.  Calls ngx_rt_cork_flush.c to let go what waits.  Owns a
 * struct in the connection's pool for as long as the connection lives, and a
 * buffer of the worker's while something waits.  The cleanup of the pool
 * forgets what is left.  A worker's own: no locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_cork.h"
#include "rt_poison.h"


#define NGX_RT_CORK_SIZE     16384
#define NGX_RT_CORK_REPLIES  64       /* then the event loop has to turn */
#define NGX_RT_CORK_SPARE    16       /* buffers kept by a worker */


typedef struct ngx_rt_cork_buffer_s  ngx_rt_cork_buffer_t;

struct ngx_rt_cork_buffer_s {
    ngx_rt_cork_buffer_t      *next;
};


static ngx_uint_t ngx_rt_cork_may_wait(ngx_http_request_t *r);
static ngx_rt_cork_t *ngx_rt_cork_lookup(ngx_connection_t *c);
static ngx_rt_cork_t *ngx_rt_cork_create(ngx_connection_t *c);
static ngx_int_t ngx_rt_cork_hook(ngx_rt_cork_t *cork, ngx_http_request_t *r);
static ssize_t ngx_rt_cork_recv(ngx_connection_t *c, u_char *buf, size_t size);
static ssize_t ngx_rt_cork_send(ngx_connection_t *c, u_char *buf, size_t size);
static ngx_chain_t *ngx_rt_cork_send_chain(ngx_connection_t *c,
    ngx_chain_t *in, off_t limit);
static ngx_int_t ngx_rt_cork_copy(ngx_rt_cork_t *cork, ngx_chain_t *in,
    off_t limit);
static void ngx_rt_cork_cleanup(void *data);
static u_char *ngx_rt_cork_buffer_acquire(void);


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
 * already or to be read in this turn?  In the second case the connection is
 * idle for a moment.  nginx closes idle ones between turns when it leaves, so
 * not if the next read is posted for another turn, as TLS does; and within a
 * turn when it runs short of connections, so not when they get scarce.
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
           && !c->read->posted
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


void
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


void
ngx_rt_cork_buffer_release(u_char *p)
{
    ngx_rt_cork_buffer_t  *b;

    if (!RT_REUSE || ngx_rt_cork_nspare == NGX_RT_CORK_SPARE) {
        ngx_free(p);
        return;
    }

    b = (ngx_rt_cork_buffer_t *) (void *) p;

    b->next = ngx_rt_cork_spare;
    ngx_rt_cork_spare = b;
    ngx_rt_cork_nspare++;
}
