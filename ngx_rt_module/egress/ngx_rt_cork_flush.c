
/*
 * Letting go what waits in a cork: with the next thing that is sent, when there
 * is nothing more to read, or by an event of ours in ngx_posted_next_events, so
 * that a request that is passed on and answers later holds nothing back.
 *
 * If the socket takes no more, what is left stays first in line.  nginx has
 * write handlers of its own by then, or none; so we try again by a timer and
 * before anything else is sent, and close the socket when send_timeout has
 * passed without progress.
 *
 * Called by ngx_rt_cork.c and the event loop; never frees the connection.  A
 * worker's own: no locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_cork.h"


#define NGX_RT_CORK_RETRY  20         /* milliseconds */


static void ngx_rt_cork_stick(ngx_rt_cork_t *cork, ngx_uint_t moved);
static void ngx_rt_cork_abort(ngx_rt_cork_t *cork);


ngx_chain_t *
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


void
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


void
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


void
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
