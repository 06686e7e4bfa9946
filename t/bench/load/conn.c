
/*
 * Connections of the load generator.  Called by loop.c; calls wire.c for the
 * bytes, target.c for what they mean, redis.c where the server is Redis, tls.c
 * where there is TLS.  Sockets are
 * level-triggered; what a publisher could not write is tried again at the
 * next turn of the loop.
 */


#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"


static size_t load_conn_parse(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);
static void load_conn_frame(load_t *l, load_conn_t *c, load_frame_t *f);
static bool load_conn_due(load_t *l, load_publisher_t *p, uint64_t *now);
static void load_conn_flush(load_t *l, load_conn_t *c);


static uint8_t  load_input[LOAD_CARRY + LOAD_INPUT];


void
load_conn_open(load_t *l, uint32_t index)
{
    size_t        n;
    uint8_t       hello[LOAD_TEXT_MAX];
    load_conn_t  *c;

    c = &l->conn[index];

    load_conn_connect(l, c);

    n = load_target_hello(l, c, hello, sizeof(hello));
    load_conn_send(c, hello, n);

    if (c->state == LOAD_LIVE) {
        l->live++;
    }
}


void
load_conn_connect(load_t *l, load_conn_t *c)
{
    struct epoll_event  ev;

    if (l->tls_port && c->channel) {
        c->fd = load_conn_socket(l->tls_port);
        c->tls = load_tls_connect(c->fd);

    } else {
        c->fd = load_conn_socket(c->channel && l->far_port ? l->far_port
                                                           : l->port);
    }

    ev.events = EPOLLIN;
    ev.data.ptr = c;

    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1
        || epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1)
    {
        load_fail("a connection's descriptor: %s", strerror(errno));
    }
}


/* closed by a reset, so that no port stays in use */
int
load_conn_socket(uint16_t port)
{
    int                 fd, on;
    struct linger       linger;
    struct sockaddr_in  sin;

    on = 1;
    linger.l_onoff = 1;
    linger.l_linger = 0;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == -1)
    {
        load_fail("port %d: %s", port, strerror(errno));
    }

    return fd;
}


/* for the few bytes of a join, which always fit */
void
load_conn_send(load_conn_t *c, const uint8_t *p, size_t len)
{
    ssize_t  n;

    if (len == 0) {
        return;
    }

    n = c->tls ? load_tls_send(c->tls, p, len) : write(c->fd, p, len);

    if (n != (ssize_t) len) {
        load_fail("write: %s", strerror(errno));
    }
}


void
load_conn_read(load_t *l, load_conn_t *c)
{
    size_t   len, used;
    ssize_t  n;

    memcpy(load_input, c->carry, c->carried);

    n = c->tls ? load_tls_recv(c->tls, load_input + c->carried, LOAD_INPUT)
               : recv(c->fd, load_input + c->carried, LOAD_INPUT, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 && l->work == LOAD_RELOAD) {
        load_reload_again(l, c);
        return;
    }

    if (n <= 0) {
        load_fail("the server closed a connection: %s",
                  n ? strerror(errno) : "end of stream");
    }

    l->now = load_clock();
    l->counts.reads++;

    if (c->channel) {
        l->counts.bytes += (uint64_t) n;
    }

    len = c->carried + (size_t) n;
    used = load_conn_parse(l, c, load_input, len);

    if (c->gone) {
        load_reload_again(l, c);
        return;
    }

    if (len - used > LOAD_CARRY) {
        load_fail("a frame or reply is too long");
    }

    c->carried = (uint16_t) (len - used);
    memcpy(c->carry, load_input + used, c->carried);
}


static size_t
load_conn_parse(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t        used, n;
    uint8_t       join[LOAD_TEXT_MAX + 16];
    load_frame_t  f;

    for (used = 0; used < len; used += n) {

        if (c->state == LOAD_UPGRADING) {
            n = load_wire_upgraded(p + used, len - used);

            if (n) {
                load_conn_send(c, join, load_target_join(l, c, join));
                l->live += c->state == LOAD_LIVE;
            }

        } else if (l->target == LOAD_REDIS || l->target == LOAD_SCRIPT) {
            n = load_redis_read(l, c, p + used, len - used);

        } else if (c->publisher && !l->by_websocket) {
            n = load_wire_reply(p + used, len - used);

            if (n) {
                load_check_replied(l, c);
            }

        } else {
            n = load_wire_frame(p + used, len - used, &f);

            if (n) {
                load_conn_frame(l, c, &f);
            }
        }

        if (n == 0) {
            break;
        }
    }

    return used;
}


static void
load_conn_frame(load_t *l, load_conn_t *c, load_frame_t *f)
{
    uint8_t       pong[140];
    load_state_t  before;

    switch (f->opcode) {

    case 1:
        before = c->state;
        load_target_message(l, c, f->data, f->len);

        if (before != LOAD_LIVE && c->state == LOAD_LIVE) {
            l->live++;
            load_reload_returned(l, c);
        }

        break;

    case 9:
        load_conn_send(c, pong, load_wire_mask(pong, 10, f->data,
                                               f->len & 127));
        break;

    case 8:
        if (l->work == LOAD_RELOAD) {
            c->gone = true;
            break;
        }

        /* fall through */

    default:
        load_fail("opcode %d, code %d", f->opcode,
                  f->len >= 2 ? f->data[0] << 8 | f->data[1] : 0);
    }
}


void
load_conn_publish(load_t *l, load_conn_t *c)
{
    uint8_t           *digits;
    uint64_t           sent;
    load_channel_t    *ch;
    load_publisher_t  *p;

    p = c->publisher;

    while (l->running && p->in_flight < l->depth
           && p->out_len + LOAD_TEXT_MAX + 16 <= p->out_size)
    {
        sent = load_clock();

        if (l->rate && !load_conn_due(l, p, &sent)) {
            break;
        }

        ch = &l->channel[p->channel];

        p->channel += l->publishers;
        if (p->channel >= l->channels) {
            p->channel = p->first_channel;
        }

        digits = ch->ring[ch->next & l->ring_mask].digits;
        load_check_digits(digits, ch->next);

        p->out_len += load_target_request(l, c, ch, p->out + p->out_len,
                                          digits);
        load_check_sent(l, c, ch, sent);
    }

    load_conn_flush(l, c);
}


void
load_conn_repeat(load_t *l, load_conn_t *c)
{
    uint64_t           i;
    load_pending_t    *pending;
    load_publisher_t  *p;

    p = c->publisher;

    p->out_len = 0;
    p->out_sent = 0;

    for (i = p->tail; i < p->head; i++) {
        pending = &p->pending[i & l->ring_mask];

        p->out_len += load_target_request(l, c, pending->channel,
            p->out + p->out_len,
            pending->channel->ring[pending->sequence & l->ring_mask].digits);
    }

    load_conn_flush(l, c);
}


/*
 * Whether a publish by the rate is due; it then counts as sent at that time,
 * even if others in flight or a busy generator held it up.
 */
static bool
load_conn_due(load_t *l, load_publisher_t *p, uint64_t *now)
{
    uint64_t  due;

    due = p->due ? p->due : *now;

    if (due > *now) {
        return false;
    }

    if (l->measuring && *now - due > l->late) {
        l->late = *now - due;
    }

    p->due = due + LOAD_SECOND * l->publishers / l->rate;
    *now = due;

    return true;
}


static void
load_conn_flush(load_t *l, load_conn_t *c)
{
    ssize_t            n;
    load_publisher_t  *p;

    p = c->publisher;

    if (p->out_sent == p->out_len) {
        return;
    }

    n = send(c->fd, p->out + p->out_sent, p->out_len - p->out_sent,
             MSG_NOSIGNAL);

    if (n == -1) {
        /* after a reload: the end of it is read, and it is all said again */

        if (errno == EAGAIN || l->work == LOAD_RELOAD) {
            return;
        }

        load_fail("send: %s", strerror(errno));
    }

    p->out_sent += (size_t) n;

    if (p->out_sent == p->out_len) {
        p->out_sent = 0;
        p->out_len = 0;
    }
}
