
/*
 * A link's bytes: what is read becomes replies, what was put together leaves.
 *
 * Called by a link's states; calls the greeting, or the link's use, with each
 * reply.  The link may be lost by then: its serial says so.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"


#define NGX_RT_REDIS_READ_SIZE   (64 * 1024)
#define NGX_RT_REDIS_READ_TURN   16       /* reads, before others have theirs */


static ngx_int_t ngx_rt_redis_link_replies(ngx_rt_redis_link_t *link);


/* of all links: what is read is at once the reader's */
static u_char  ngx_rt_redis_buf[NGX_RT_REDIS_READ_SIZE];


void
ngx_rt_redis_link_read(ngx_rt_redis_link_t *link)
{
    ssize_t            n;
    ngx_uint_t         i;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = link->peer.connection;
    rev = c->read;

    for (i = 0; i < NGX_RT_REDIS_READ_TURN; i++) {

        n = c->recv(c, ngx_rt_redis_buf, NGX_RT_REDIS_READ_SIZE);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_rt_redis_link_lose(link, "its events fail", 0);
            }

            return;
        }

        if (n <= 0) {
            ngx_rt_redis_link_lose(link, n ? "recv() failed"
                                   : "it has closed the connection",
                                   n ? ngx_socket_errno : 0);
            return;
        }

        if (!rt_redis_reader_feed(&link->reader, ngx_rt_redis_buf, n)) {
            ngx_rt_redis_link_lose(link, "there was no memory for a reply", 0);
            return;
        }

        if (ngx_rt_redis_link_replies(link) != NGX_OK || !rev->ready) {
            return;
        }
    }

    if (!rev->posted) {
        ngx_post_event(rev, &ngx_posted_next_events);
    }
}


/* NGX_DECLINED: the link was lost */

static ngx_int_t
ngx_rt_redis_link_replies(ngx_rt_redis_link_t *link)
{
    ngx_uint_t   serial;
    redisReply  *reply;
    const char  *why;

    serial = link->serial;

    for ( ;; ) {
        why = rt_redis_reader_next(&link->reader, &reply);

        if (why) {
            ngx_rt_redis_link_lose(link, why, 0);
            return NGX_DECLINED;
        }

        if (reply == NULL) {
            return NGX_OK;
        }

        if (link->state == NGX_RT_REDIS_GREETING) {
            ngx_rt_redis_greet_reply(link, reply);

        } else {
            link->use->reply(link, reply);
        }

        freeReplyObject(reply);

        if (link->serial != serial) {
            return NGX_DECLINED;
        }
    }
}


void
ngx_rt_redis_link_write(ngx_rt_redis_link_t *link)
{
    ssize_t              n;
    ngx_event_t         *wev;
    ngx_connection_t    *c;
    ngx_rt_redis_out_t  *out;

    c = link->peer.connection;
    wev = c->write;

    out = link->state == NGX_RT_REDIS_READY ? &link->out : &link->hello;

    while (out->pos < out->last && wev->ready) {

        n = c->send(c, out->pos, out->last - out->pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            ngx_rt_redis_link_lose(link, "send() failed",
                                   n ? ngx_socket_errno : 0);
            return;
        }

        out->pos += n;

        if (out == &link->out) {
            link->sent += n;
        }
    }

    if (out->pos == out->last) {
        ngx_rt_redis_out_clear(out);
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_rt_redis_link_lose(link, "its events fail", 0);
    }
}
