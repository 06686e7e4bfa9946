
/*
 * Emptying a stream: what is in it goes, what comes next has the next offset.
 * Nobody is told that it was done before Redis has said so.
 *
 * Called by the API; calls redis/, and state/ for this node's copy, with
 * nothing held.  Other nodes hear of it by the bus, or find, when they compare,
 * that the channel's floor has risen.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_read.h"


/* on its way; outlives who waits for it */
typedef struct {
    ngx_rt_redis_call_t        call;
    ngx_rt_emptying_t         *waits;         /* NULL: nobody */
    ngx_rt_zone_t             *zone;
    ngx_uint_t                 again;
    ngx_str_t                  tenant;
    ngx_str_t                  channel;
    u_char                     names[];
} ngx_rt_emptied_t;


static ngx_int_t ngx_rt_emptied_send(ngx_rt_emptied_t *e);
static void ngx_rt_emptied_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_emptied_parse(redisReply *reply,
    ngx_rt_position_t *at);


/*
 * KEYS: stream, meta.  ARGV: head of the bus's message (empty: nobody listens),
 * time.  The entries first: that they are gone is said only of what is gone.
 */

static ngx_rt_redis_script_t  ngx_rt_empty_script = {
    "empty",
    "local m = redis.pcall('HMGET', KEYS[2], 'epoch', 'top')\n"
    "if m.err then return m end\n"
    "local cut = redis.pcall('XTRIM', KEYS[1], 'MAXLEN', 0)\n"
    "if type(cut) == 'table' then return cut end\n"
    "local epoch, top = m[1], m[2] or '0'\n"
    "if not epoch then return {'', '0'} end\n"
    "local set = redis.pcall('HSET', KEYS[2], 'floor', top)\n"
    "if type(set) == 'table' then return set end\n"
    "if ARGV[1] ~= '' then\n"
    "  local told = KEYS[1]:gsub('}:channel:', '}:bus:', 1)\n"
    "  redis.pcall('PUBLISH', told, ARGV[1] .. top .. ' ' .. epoch .. ' ' ..\n"
    "              ARGV[2] .. ' 0 0 0\\n')\n"
    "end\n"
    "return {epoch, top}\n",
    { 0 }
};


void
ngx_rt_stream_empty_init_process(void)
{
    ngx_rt_redis_script(&ngx_rt_empty_script);
}


ngx_int_t
ngx_rt_stream_empty(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_emptying_t *waits)
{
    ngx_rt_emptied_t  *e;

    e = ngx_calloc(sizeof(ngx_rt_emptied_t) + tenant->len + channel->len,
                   ngx_cycle->log);
    if (e == NULL) {
        return NGX_DECLINED;
    }

    e->call.handler = ngx_rt_emptied_handler;
    e->waits = waits;
    e->zone = z;

    e->tenant.data = e->names;
    e->tenant.len = tenant->len;
    e->channel.data = ngx_cpymem(e->names, tenant->data, tenant->len);
    e->channel.len = channel->len;
    ngx_memcpy(e->channel.data, channel->data, channel->len);

    if (ngx_rt_emptied_send(e) != NGX_OK) {
        ngx_free(e);
        return NGX_DECLINED;
    }

    waits->emptied = e;

    return NGX_OK;
}


void
ngx_rt_stream_empty_forget(ngx_rt_emptying_t *waits)
{
    ngx_rt_emptied_t *e = waits->emptied;

    if (e) {
        e->waits = NULL;
        waits->emptied = NULL;
    }
}


static ngx_int_t
ngx_rt_emptied_send(ngx_rt_emptied_t *e)
{
    u_char     keys[2][NGX_RT_STREAM_KEY];
    u_char     bus[RT_BUS_HEAD_MAX], time[NGX_INT64_LEN];
    ngx_str_t  argv[4];

    ngx_rt_stream_key(keys[0], &argv[0], RT_KEY_CHANNEL, &e->tenant,
                      &e->channel);
    ngx_rt_stream_key(keys[1], &argv[1], RT_KEY_META, &e->tenant,
                      &e->channel);

    argv[2].data = bus;
    argv[2].len = 0;

    if (ngx_rt_stream_others()) {
        argv[2].len = ngx_sprintf(bus, RT_BUS_VERSION " %c %*s ",
                                  RT_BUS_EMPTIED, (size_t) NGX_RT_ID_LEN,
                                  e->zone->state->uid)
                      - bus;
    }

    ngx_rt_stream_number(time, &argv[3], ngx_rt_stream_now());

    return ngx_rt_redis_eval(&e->call, &ngx_rt_empty_script, 2, 4, argv);
}


static void
ngx_rt_emptied_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_int_t           rc;
    ngx_rt_emptied_t   *e;
    ngx_rt_emptying_t  *waits;
    ngx_rt_position_t   at;

    e = (ngx_rt_emptied_t *)
            ((u_char *) call - offsetof(ngx_rt_emptied_t, call));

    if (result == NGX_RT_REDIS_AGAIN && !e->again) {
        e->again = 1;

        if (ngx_rt_emptied_send(e) == NGX_OK) {
            return;
        }
    }

    rc = NGX_DECLINED;

    if (result == NGX_RT_REDIS_OK
        && ngx_rt_emptied_parse(reply, &at) == NGX_OK)
    {
        rc = NGX_OK;

        if (at.source) {
            ngx_rt_history_remove(e->zone, &e->tenant, &e->channel, &at);
        }
    }

    waits = e->waits;
    ngx_free(e);

    if (waits) {
        waits->emptied = NULL;
        waits->handler(waits, rc);
    }
}


static ngx_int_t
ngx_rt_emptied_parse(redisReply *reply, ngx_rt_position_t *at)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return NGX_ERROR;
    }

    return ngx_rt_stream_read_top(reply->element[0], reply->element[1], at);
}
