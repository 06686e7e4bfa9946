
/*
 * A link's states, from an address to its loss and the next attempt.
 *
 * Called by nginx's events; calls ngx_rt_redis_wire.c for the bytes, and the
 * link's use when it is ready or lost.  Whoever calls the use looks at the
 * link's serial afterwards: a handler may have lost the link.
 *
 * Timers are cancelable but while somebody waits, and the connections are
 * closed when the process exits: a worker that leaves stays no longer for them
 * than for its callers.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis_link.h"
#include "rt_backoff.h"


#define NGX_RT_REDIS_TOLD  2              /* reasons of a loss */


static void ngx_rt_redis_link_enter(ngx_rt_redis_link_t *link,
    ngx_rt_redis_state_e state);
static ngx_int_t ngx_rt_redis_link_open(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_connected(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_handshake(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_ignore(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_late(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_close(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_wait(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_log(ngx_rt_redis_link_t *link, ngx_str_t *why,
    ngx_err_t err);
static void ngx_rt_redis_link_begin(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_timed(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_link_read_handler(ngx_event_t *ev);
static void ngx_rt_redis_link_write_handler(ngx_event_t *ev);
static void ngx_rt_redis_link_timer_handler(ngx_event_t *ev);
static void ngx_rt_redis_link_flush_handler(ngx_event_t *ev);


static const struct {
    const char  *name;
    void       (*enter)(ngx_rt_redis_link_t *link);
    void       (*read)(ngx_rt_redis_link_t *link);
    void       (*write)(ngx_rt_redis_link_t *link);
    void       (*timer)(ngx_rt_redis_link_t *link);
} ngx_rt_redis_states[NGX_RT_REDIS_STATES] = {

    [NGX_RT_REDIS_IDLE] = {
        "idle",
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore
    },

    [NGX_RT_REDIS_RESOLVING] = {
        "resolving",
        ngx_rt_redis_resolve,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_late
    },

    [NGX_RT_REDIS_CONNECTING] = {
        "connecting",
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_connected,
        ngx_rt_redis_link_connected,
        ngx_rt_redis_link_late
    },

    /* nginx's own handlers read and write */
    [NGX_RT_REDIS_HANDSHAKE] = {
        "handshake",
        ngx_rt_redis_link_handshake,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_late
    },

    [NGX_RT_REDIS_GREETING] = {
        "greeting",
        ngx_rt_redis_link_write,
        ngx_rt_redis_link_read,
        ngx_rt_redis_link_write,
        ngx_rt_redis_link_late
    },

    [NGX_RT_REDIS_READY] = {
        "ready",
        ngx_rt_redis_link_post,
        ngx_rt_redis_link_read,
        ngx_rt_redis_link_write,
        ngx_rt_redis_link_timed
    },

    [NGX_RT_REDIS_WAITING] = {
        "waiting",
        ngx_rt_redis_link_wait,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_ignore,
        ngx_rt_redis_link_begin
    }
};


void
ngx_rt_redis_link_start(ngx_rt_redis_link_t *link,
    const ngx_rt_redis_use_t *use, ngx_rt_redis_conf_t *conf)
{
    if (link->use) {
        ngx_rt_redis_link_stop(link);
    }

    link->use = use;
    link->conf = conf;
    link->tries = 0;
    link->away = 0;
    link->queued = 0;
    link->sent = 0;

    link->log = *ngx_cycle->log;

    link->timer.data = link;
    link->timer.handler = ngx_rt_redis_link_timer_handler;
    link->timer.log = &link->log;
    link->timer.cancelable = 1;

    link->flush.data = link;
    link->flush.handler = ngx_rt_redis_link_flush_handler;
    link->flush.log = &link->log;

    ngx_rt_redis_link_begin(link);
}


void
ngx_rt_redis_link_stop(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_link_close(link);
    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_IDLE);
}


static void
ngx_rt_redis_link_enter(ngx_rt_redis_link_t *link, ngx_rt_redis_state_e state)
{
    link->state = state;
    ngx_rt_stat->redis_state[link->use->stat] = state;

    ngx_rt_redis_states[state].enter(link);
}


const char *
ngx_rt_redis_state_name(ngx_uint_t state)
{
    return ngx_rt_redis_states[state].name;
}


static void
ngx_rt_redis_link_begin(ngx_rt_redis_link_t *link)
{
    ngx_add_timer(&link->timer, link->conf->connect_timeout);

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_RESOLVING);
}


void
ngx_rt_redis_link_connect(ngx_rt_redis_link_t *link, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_int_t  rc;

    ngx_memzero(&link->peer, sizeof(ngx_peer_connection_t));

    /* what fails is told by us, and once */
    link->log.log_level = NGX_LOG_ALERT;

    link->peer.sockaddr = sockaddr;
    link->peer.socklen = socklen;
    link->peer.name = &link->conf->name;
    link->peer.get = ngx_event_get_peer;
    link->peer.log = &link->log;
    link->peer.log_error = NGX_ERROR_ERR;
    link->peer.so_keepalive = 1;

    rc = ngx_event_connect_peer(&link->peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_rt_redis_link_lose(link, "connect() failed", ngx_socket_errno);
        return;
    }

    if (ngx_rt_redis_link_open(link) != NGX_OK) {
        ngx_rt_redis_link_lose(link, "there was no memory", 0);
        return;
    }

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_CONNECTING);

    if (rc == NGX_OK) {
        ngx_rt_redis_link_connected(link);
    }
}


static ngx_int_t
ngx_rt_redis_link_open(ngx_rt_redis_link_t *link)
{
    ngx_connection_t  *c;

    c = link->peer.connection;

    c->data = link;
    c->read->handler = ngx_rt_redis_link_read_handler;
    c->write->handler = ngx_rt_redis_link_write_handler;

    c->pool = ngx_create_pool(512, &link->log);

    if (c->pool == NULL || !rt_redis_reader_init(&link->reader)) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_rt_redis_link_connected(ngx_rt_redis_link_t *link)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = link->peer.connection;
    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_rt_redis_link_lose(link, "connect() failed", err);
        return;
    }

    if (link->conf->host.len && ngx_tcp_nodelay(c) != NGX_OK) {
        ngx_rt_redis_link_lose(link, "it has closed the connection", 0);
        return;
    }

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_HANDSHAKE);
}


/* what OpenSSL finds is told by nginx, the first time */

static void
ngx_rt_redis_link_handshake(ngx_rt_redis_link_t *link)
{
    if (link->conf->ssl == NULL) {
        ngx_rt_redis_link_greet(link);
        return;
    }

    if (!link->away) {
        link->log.log_level = ngx_cycle->log->log_level;
    }

    ngx_rt_redis_tls_start(link);
}


void
ngx_rt_redis_link_greet(ngx_rt_redis_link_t *link)
{
    ngx_connection_t  *c;

    c = link->peer.connection;

    c->read->handler = ngx_rt_redis_link_read_handler;
    c->write->handler = ngx_rt_redis_link_write_handler;

    link->log.log_level = NGX_LOG_ALERT;

    if (ngx_rt_redis_greet(link) != NGX_OK) {
        ngx_rt_redis_link_lose(link, "there was no memory", 0);
        return;
    }

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_GREETING);

    if (link->state == NGX_RT_REDIS_GREETING && c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


void
ngx_rt_redis_link_ready(ngx_rt_redis_link_t *link)
{
    if (link->hello.pos != link->hello.last) {
        ngx_rt_redis_link_lose(link, "it answers before it is asked", 0);
        return;
    }

    ngx_rt_redis_out_clear(&link->hello);
    ngx_del_timer(&link->timer);

    if (link->away) {
        link->away = 0;
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt: Redis at %V is back for %s after %M ms",
                      &link->conf->name, link->use->name,
                      ngx_current_msec - link->since);
    }

    link->since = ngx_current_msec;

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_READY);

    link->use->ready(link);
}


void
ngx_rt_redis_link_post(ngx_rt_redis_link_t *link)
{
    if (!link->flush.posted) {
        ngx_post_event(&link->flush, &ngx_posted_next_events);
    }
}


static void
ngx_rt_redis_link_ignore(ngx_rt_redis_link_t *link)
{
}


static void
ngx_rt_redis_link_late(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_link_lose(link, "it was not ready in time", 0);
}


static void
ngx_rt_redis_link_timed(ngx_rt_redis_link_t *link)
{
    link->use->timer(link);
}


void
ngx_rt_redis_link_lose(ngx_rt_redis_link_t *link, const char *why,
    ngx_err_t err)
{
    ngx_str_t   text;
    ngx_uint_t  stayed;

    text.data = (u_char *) why;
    text.len = ngx_strlen(why);

    stayed = link->state == NGX_RT_REDIS_READY
             && ngx_current_msec - link->since > link->conf->backoff_max;

    link->tries = stayed ? 1 : link->tries + 1;

    ngx_rt_count(redis_losses, 1);
    ngx_rt_redis_link_close(link);

    if (!link->away) {
        link->since = ngx_current_msec;
    }

    ngx_rt_redis_link_log(link, &text, err);

    ngx_rt_redis_link_enter(link, NGX_RT_REDIS_WAITING);

    link->use->lost(link);

    link->queued = 0;
    link->sent = 0;
}


void
ngx_rt_redis_link_refuse(ngx_rt_redis_link_t *link, const char *what,
    u_char *said, size_t len)
{
    u_char  *p, why[NGX_RT_REDIS_WHY_MAX];

    p = ngx_snprintf(why, sizeof(why) - 1, "%s: %*s", what, len, said);
    *p = '\0';

    for (p = why; *p; p++) {
        if (*p < ' ' || *p >= 0x7f) {
            *p = '?';
        }
    }

    ngx_rt_redis_link_lose(link, (char *) why, 0);
}


/* the loss, and once if it does not come back for another reason */

static void
ngx_rt_redis_link_log(ngx_rt_redis_link_t *link, ngx_str_t *why,
    ngx_err_t err)
{
    if (link->away == NGX_RT_REDIS_TOLD
        || (link->away && why->len == link->why.len
            && ngx_memcmp(why->data, link->why.data, why->len) == 0))
    {
        return;
    }

    link->away++;
    link->why.len = ngx_min(why->len, NGX_RT_REDIS_WHY_MAX);
    link->why.data = link->text;
    ngx_memcpy(link->text, why->data, link->why.len);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, err,
                  "rt: Redis at %V is away for %s: %V", &link->conf->name,
                  link->use->name, &link->why);
}


static void
ngx_rt_redis_link_close(ngx_rt_redis_link_t *link)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    link->serial++;

    ngx_rt_redis_resolve_stop(link);

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    if (link->flush.posted) {
        ngx_delete_posted_event(&link->flush);
    }

    c = link->peer.connection;

    if (c) {
        link->peer.connection = NULL;
        pool = c->pool;

        ngx_rt_redis_tls_close(c);
        ngx_close_connection(c);

        if (pool) {
            ngx_destroy_pool(pool);
        }
    }

    rt_redis_reader_free(&link->reader);

    ngx_rt_redis_out_clear(&link->hello);
    ngx_rt_redis_out_clear(&link->out);

    link->timer.cancelable = 1;
}


static void
ngx_rt_redis_link_wait(ngx_rt_redis_link_t *link)
{
    ngx_msec_t  delay;

    delay = rt_backoff(link->conf->backoff_base, link->conf->backoff_max,
                       link->tries, ngx_random());

    ngx_add_timer(&link->timer, delay);
}


static void
ngx_rt_redis_link_read_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_rt_redis_link_t  *link;

    c = ev->data;
    link = c->data;

    /* worker_shutdown_timeout is over */

    if (c->close && c->error) {
        ngx_rt_redis_link_lose(link, "the worker leaves", 0);
        return;
    }

    ngx_rt_redis_states[link->state].read(link);
}


static void
ngx_rt_redis_link_write_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_rt_redis_link_t  *link;

    c = ev->data;
    link = c->data;

    ngx_rt_redis_states[link->state].write(link);
}


static void
ngx_rt_redis_link_timer_handler(ngx_event_t *ev)
{
    ngx_rt_redis_link_t  *link;

    link = ev->data;

    ngx_rt_redis_states[link->state].timer(link);
}


static void
ngx_rt_redis_link_flush_handler(ngx_event_t *ev)
{
    ngx_rt_redis_link_t  *link;

    link = ev->data;

    if (link->state == NGX_RT_REDIS_READY) {
        ngx_rt_redis_link_write(link);
    }
}
