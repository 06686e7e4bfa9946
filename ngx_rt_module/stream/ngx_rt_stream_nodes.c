
/*
 * Nodes: each tells of itself by pub/sub, on "rt:nodes", and every worker hears
 * it.  What was heard is in shared memory (state/ngx_rt_peer.c), so a node is
 * known to all workers of another at once.
 *
 * One worker of a node at a time sends its heartbeat: whichever finds first
 * that it is due, so that another does when it is gone.  Only one that hears
 * the others sends it, since a node that hears of this one for the first time
 * answers with its own.  A node that was not heard of for some heartbeats is
 * gone, as far as that can be told by someone who hears.
 *
 * The sorted set "rt:nodes" has the same for people: who is alive, since when.
 *
 * Called by the watch of stream/ and by ears; calls state/, with nothing held,
 * and redis/.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_settings.h"


/* a heartbeat, which is sent by a watch of one second; msec */
#define NGX_RT_NODES_BEAT    1900
#define NGX_RT_NODES_SILENT  8000

/* of greetings of several workers at once; msec */
#define NGX_RT_NODES_GREET   100

/* how long the set has one that is gone; seconds */
#define NGX_RT_NODES_KEPT    "60"


static void ngx_rt_nodes_beat(ngx_msec_t since);
static size_t ngx_rt_nodes_text(u_char *text, ngx_uint_t kind);
static void ngx_rt_nodes_beat_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_nodes_subscribed(ngx_rt_listen_t *l);
static void ngx_rt_nodes_lost(ngx_rt_listen_t *l);
static void ngx_rt_nodes_message(ngx_rt_listen_t *l, rt_bus_t *m);
static void ngx_rt_nodes_heard(rt_bus_t *m);


/*
 * What cannot be written does not keep the others from being told.
 *
 *     KEYS     the set, and the name of the channel
 *     ARGV     the node, how long one is kept, the message
 */

static ngx_rt_redis_script_t  ngx_rt_nodes_script = {
    "beat",

    "local now = redis.pcall('TIME')[1]\n"

    "redis.pcall('ZADD', KEYS[1], now, ARGV[1])\n"
    "redis.pcall('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])\n"

    "return redis.call('PUBLISH', KEYS[1], ARGV[3])\n",
    ""
};


static ngx_str_t            ngx_rt_nodes_name = ngx_string("rt:nodes");

static ngx_rt_zone_t       *ngx_rt_nodes_zone;
static ngx_rt_listen_t      ngx_rt_nodes_listen;
static ngx_msec_t           ngx_rt_nodes_since;
static ngx_rt_redis_call_t  ngx_rt_nodes_call;
static ngx_uint_t           ngx_rt_nodes_beating;


void
ngx_rt_nodes_init_process(ngx_rt_zone_t *z)
{
    ngx_rt_redis_script(&ngx_rt_nodes_script);

    ngx_rt_nodes_zone = z;

    ngx_rt_nodes_listen.subscribed = ngx_rt_nodes_subscribed;
    ngx_rt_nodes_listen.lost = ngx_rt_nodes_lost;
    ngx_rt_nodes_listen.message = ngx_rt_nodes_message;

    (void) ngx_rt_stream_listen(&ngx_rt_nodes_listen, &ngx_rt_nodes_name);

    ngx_rt_survey_init_process(z);
    ngx_rt_settings_init_process();
    ngx_rt_compare_init_process(z);
}


ngx_uint_t
ngx_rt_stream_others(void)
{
    return ngx_rt_nodes_zone ? ngx_rt_nodes_zone->state->npeers : 0;
}


rt_str_t
ngx_rt_stream_node(void)
{
    rt_str_t  node;

    node.data = ngx_rt_nodes_zone->state->uid;
    node.len = NGX_RT_ID_LEN;

    return node;
}


uint64_t
ngx_rt_stream_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


/* a worker that hears nobody cannot tell who is gone */

void
ngx_rt_nodes_watch(void)
{
    ngx_uint_t  n;

    /* there was no memory for it */

    if (ngx_rt_nodes_listen.ear == NULL) {
        (void) ngx_rt_stream_listen(&ngx_rt_nodes_listen, &ngx_rt_nodes_name);
    }

    if (!ngx_rt_stream_hears(&ngx_rt_nodes_listen)) {
        return;
    }

    ngx_rt_compare_watch();
    ngx_rt_nodes_beat(NGX_RT_NODES_BEAT);

    if (ngx_current_msec - ngx_rt_nodes_since < NGX_RT_NODES_SILENT) {
        return;
    }

    n = ngx_rt_peer_expire(ngx_rt_nodes_zone, NGX_RT_NODES_SILENT);

    if (n) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt: %ui other node(s) were not heard of for %d s, "
                      "and are taken for gone", n, NGX_RT_NODES_SILENT / 1000);
    }
}


static void
ngx_rt_nodes_beat(ngx_msec_t since)
{
    u_char     text[RT_BUS_HEAD_MAX];
    ngx_str_t  argv[4];

    if (ngx_rt_nodes_beating || !ngx_rt_redis_ready()
        || ngx_rt_beat_claim(ngx_rt_nodes_zone, since) != NGX_OK)
    {
        return;
    }

    argv[0] = ngx_rt_nodes_name;
    argv[1].data = ngx_rt_nodes_zone->state->uid;
    argv[1].len = NGX_RT_ID_LEN;
    ngx_str_set(&argv[2], NGX_RT_NODES_KEPT);
    argv[3].data = text;
    argv[3].len = ngx_rt_nodes_text(text, RT_BUS_HELLO);

    ngx_rt_nodes_call.handler = ngx_rt_nodes_beat_handler;

    if (ngx_rt_redis_eval(&ngx_rt_nodes_call, &ngx_rt_nodes_script, 1, 4, argv)
        != NGX_OK)
    {
        ngx_rt_beat_void(ngx_rt_nodes_zone);
        return;
    }

    ngx_rt_nodes_beating = 1;

    ngx_rt_compare_count();
}


static size_t
ngx_rt_nodes_text(u_char *text, ngx_uint_t kind)
{
    rt_bus_t  m;

    ngx_memzero(&m, sizeof(rt_bus_t));

    m.kind = (uint8_t) kind;
    m.node = ngx_rt_stream_node();
    m.time = ngx_rt_stream_now();

    return rt_bus_head(&m, text);
}


static void
ngx_rt_nodes_beat_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_nodes_beating = 0;

    if (result != NGX_RT_REDIS_OK) {
        ngx_rt_beat_void(ngx_rt_nodes_zone);
    }
}


/* it hears the answers */

static void
ngx_rt_nodes_subscribed(ngx_rt_listen_t *l)
{
    ngx_rt_nodes_since = ngx_current_msec;

    ngx_rt_nodes_beat(NGX_RT_NODES_GREET);
    ngx_rt_compare_begin();
}


static void
ngx_rt_nodes_lost(ngx_rt_listen_t *l)
{
}


static void
ngx_rt_nodes_message(ngx_rt_listen_t *l, rt_bus_t *m)
{
    /* the worker of this node that sent it may have died since */

    if (m->kind == RT_BUS_SETTINGS) {
        ngx_rt_settings_hear(ngx_rt_nodes_zone, m);
        return;
    }

    if (ngx_rt_stream_is_own(m)) {
        return;
    }

    switch (m->kind) {

    case RT_BUS_HELLO:
        ngx_rt_nodes_heard(m);
        break;

    case RT_BUS_ASK:
        ngx_rt_survey_serve(ngx_rt_nodes_zone, m);
        break;

    case RT_BUS_BYE:

        if (ngx_rt_peer_part(ngx_rt_nodes_zone, m->node.data) == NGX_OK) {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "rt: node %*s has left", m->node.len, m->node.data);
        }

        break;
    }
}


ngx_uint_t
ngx_rt_stream_is_own(const rt_bus_t *m)
{
    return ngx_memcmp(m->node.data, ngx_rt_nodes_zone->state->uid,
                      NGX_RT_ID_LEN)
           == 0;
}


/* the worker that is the first to hear of it answers */

static void
ngx_rt_nodes_heard(rt_bus_t *m)
{
    static ngx_uint_t  complained;

    switch (ngx_rt_peer_meet(ngx_rt_nodes_zone, m->node.data)) {

    case NGX_OK:
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt: node %*s is there", m->node.len, m->node.data);

        ngx_rt_nodes_beat(0);
        break;

    case NGX_DECLINED:

        if (!complained) {
            complained = 1;

            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "rt: there are more than %d other nodes, what is "
                          "said to others does not wait for them",
                          NGX_RT_PEERS);
        }

        break;
    }
}


void
ngx_rt_nodes_exit_process(void)
{
    u_char               text[RT_BUS_HEAD_MAX];
    ngx_str_t            argv[3];
    ngx_rt_redis_call_t  call;

    if (ngx_rt_nodes_zone == NULL || ngx_rt_doorbell_workers()) {
        return;
    }

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1] = ngx_rt_nodes_name;
    argv[2].data = text;
    argv[2].len = ngx_rt_nodes_text(text, RT_BUS_BYE);

    if (ngx_rt_redis_send(&call, 3, argv) == NGX_OK) {
        ngx_rt_redis_forget(&call);
        ngx_rt_redis_flush();
    }
}
