
/*
 * Pub/sub: the other link, and one listener for all that comes by it.
 *
 * Called by stream/; calls the listener, who may subscribe and unsubscribe from
 * anywhere.  Subscriptions are the listener's to know: after a loss there are
 * none, and it makes them again at its own pace.
 *
 * A peer that is gone without a word is noticed by pings, which are answered
 * within the time-out of a command.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis_link.h"


static ngx_int_t ngx_rt_redis_pubsub_say(const char *word,
    ngx_str_t *channel);
static void ngx_rt_redis_pubsub_reply(ngx_rt_redis_link_t *link,
    redisReply *reply);
static ngx_uint_t ngx_rt_redis_pubsub_is(redisReply *kind, const char *word);
static void ngx_rt_redis_pubsub_up(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_pubsub_ping(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_pubsub_lost(ngx_rt_redis_link_t *link);


static const ngx_rt_redis_use_t  ngx_rt_redis_pubsub = {
    "pub/sub",
    NGX_RT_REDIS_PUBSUB,
    1,
    ngx_rt_redis_pubsub_reply,
    ngx_rt_redis_pubsub_up,
    ngx_rt_redis_pubsub_ping,
    ngx_rt_redis_pubsub_lost
};


static ngx_rt_redis_link_t             ngx_rt_redis_pubsub_link;
static const ngx_rt_redis_listener_t  *ngx_rt_redis_listener;

/* something came since the last ping */
static ngx_uint_t                      ngx_rt_redis_pubsub_heard;

/* the listener knows of it */
static ngx_uint_t                      ngx_rt_redis_pubsub_told;


void
ngx_rt_redis_listen(const ngx_rt_redis_listener_t *listener)
{
    ngx_rt_redis_listener = listener;
}


/* without a listener there is nothing to hear */

void
ngx_rt_redis_pubsub_start(ngx_rt_redis_conf_t *conf)
{
    if (ngx_rt_redis_listener) {
        ngx_rt_redis_link_start(&ngx_rt_redis_pubsub_link,
                                &ngx_rt_redis_pubsub, conf);
    }
}


void
ngx_rt_redis_pubsub_stop(void)
{
    if (ngx_rt_redis_pubsub_link.use) {
        ngx_rt_redis_link_stop(&ngx_rt_redis_pubsub_link);
    }
}


ngx_int_t
ngx_rt_redis_subscribe(ngx_str_t *channel)
{
    return ngx_rt_redis_pubsub_say("SUBSCRIBE", channel);
}


ngx_int_t
ngx_rt_redis_unsubscribe(ngx_str_t *channel)
{
    return ngx_rt_redis_pubsub_say("UNSUBSCRIBE", channel);
}


/* what waits to be sent is bounded like commands are */

static ngx_int_t
ngx_rt_redis_pubsub_say(const char *word, ngx_str_t *channel)
{
    size_t                size;
    ngx_str_t             argv[2];
    ngx_rt_redis_out_t   *out;
    ngx_rt_redis_link_t  *link;

    link = &ngx_rt_redis_pubsub_link;
    out = &link->out;

    if (link->state != NGX_RT_REDIS_READY) {
        return NGX_DECLINED;
    }

    argv[0].data = (u_char *) word;
    argv[0].len = ngx_strlen(word);
    argv[1] = *channel;

    size = ngx_rt_redis_out_size(0, NULL, 2, argv);

    if ((size_t) (out->last - out->pos) + size > link->conf->pending
        || ngx_rt_redis_out_reserve(out, size) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_rt_redis_out_command(out, 0, NULL, 2, argv);
    ngx_rt_redis_link_post(link);

    return NGX_OK;
}


/* ["subscribe", CHANNEL, NUMBER], ["message", CHANNEL, TEXT], ["pong", ""] */

static void
ngx_rt_redis_pubsub_reply(ngx_rt_redis_link_t *link, redisReply *reply)
{
    ngx_str_t     channel, text;
    redisReply  **part;

    ngx_rt_redis_pubsub_heard = 1;

    if (reply->type == REDIS_REPLY_STATUS) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_rt_redis_link_refuse(link, "pub/sub", (u_char *) reply->str,
                                 reply->len);
        return;
    }

    part = reply->element;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && ngx_rt_redis_pubsub_is(part[0], "pong"))
    {
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || part[1]->type != REDIS_REPLY_STRING)
    {
        ngx_rt_redis_link_lose(link, "it says what pub/sub does not", 0);
        return;
    }

    channel.data = (u_char *) part[1]->str;
    channel.len = part[1]->len;

    if (ngx_rt_redis_pubsub_is(part[0], "message")
        && part[2]->type == REDIS_REPLY_STRING)
    {
        text.data = (u_char *) part[2]->str;
        text.len = part[2]->len;

        ngx_rt_count(redis_messages, 1);
        ngx_rt_redis_listener->message(&channel, &text);

    } else if (ngx_rt_redis_pubsub_is(part[0], "subscribe")) {
        ngx_rt_redis_listener->subscribed(&channel);

    } else if (!ngx_rt_redis_pubsub_is(part[0], "unsubscribe")) {
        ngx_rt_redis_link_lose(link, "it says what pub/sub does not", 0);
    }
}


static ngx_uint_t
ngx_rt_redis_pubsub_is(redisReply *kind, const char *word)
{
    return (kind->type == REDIS_REPLY_STRING
            || kind->type == REDIS_REPLY_STATUS)
           && ngx_strcmp(kind->str, word) == 0;
}


static void
ngx_rt_redis_pubsub_up(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_pubsub_heard = 1;
    ngx_rt_redis_pubsub_told = 1;

    ngx_add_timer(&link->timer, link->conf->timeout);

    ngx_rt_redis_listener->up();
}


static void
ngx_rt_redis_pubsub_ping(ngx_rt_redis_link_t *link)
{
    if (!ngx_rt_redis_pubsub_heard) {
        ngx_rt_count(redis_timeouts, 1);
        ngx_rt_redis_link_lose(link, "it did not answer in time", 0);
        return;
    }

    if (ngx_rt_redis_out_words(&link->out, "PING", NULL) != NGX_OK) {
        ngx_rt_redis_link_lose(link, "there was no memory", 0);
        return;
    }

    ngx_rt_redis_pubsub_heard = 0;

    ngx_add_timer(&link->timer, link->conf->timeout);
    ngx_rt_redis_link_post(link);
}


/* an attempt that failed is no second loss */

static void
ngx_rt_redis_pubsub_lost(ngx_rt_redis_link_t *link)
{
    if (ngx_rt_redis_pubsub_told) {
        ngx_rt_redis_pubsub_told = 0;
        ngx_rt_redis_listener->down();
    }
}
