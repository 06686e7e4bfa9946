
/*
 * Keys of fast channels, where there is Redis: other nodes may be asked with
 * the same key.  A key is claimed in Redis first; who has claimed it publishes
 * in its node, and writes the result to the key; then the publisher is told.
 *
 *     mark     "DIGEST claim NODE-TIME"      claimed
 *              "DIGEST OFFSET EPOCH TIME"    the result; "0 -": in no history
 *
 * A claim without a result is of a worker that is at it, or of one that died
 * there.  In the same node that does not matter: the zone knows by itself
 * whether the key was published with.  Another node waits (error 100) for as
 * long as a command may take, and then takes it for published: at most once.
 *
 * Called by ngx_rt_stream_publish.c; calls redis/ and ngx_rt_publish().
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_stream_entry.h"
#include "ngx_rt_stream_lua.h"
#include "ngx_rt_stream_read.h"
#include "rt_stream_info.h"


/* a claim says who and when */
#define NGX_RT_CLAIM_LEN  (NGX_RT_ID_LEN + 1 + NGX_INT64_LEN)

/* the key stands for something from now on */
#define ngx_rt_claim_good(e)                                                  \
    ((e)->outcome == NGX_RT_PUBLISHED                                         \
     || (e)->outcome == NGX_RT_PUBLISH_REPEATED)


static ngx_int_t ngx_rt_claim_send(ngx_rt_entry_t *e);
static void ngx_rt_claim_look_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_claim_seen(ngx_rt_entry_t *e, redisReply *reply);
static void ngx_rt_claim_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_claim_known(ngx_rt_entry_t *e, redisReply *reply);
static ngx_int_t ngx_rt_claim_open(ngx_rt_entry_t *e, redisReply *claim);
static void ngx_rt_claim_publish(ngx_rt_entry_t *e);
static ngx_int_t ngx_rt_claim_settle(ngx_rt_entry_t *e);
static void ngx_rt_claim_settle_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_claim_end(ngx_rt_entry_t *e);
static uint64_t ngx_rt_claim_time(void);


/*
 * KEYS: mark.  ARGV: digest, claim, window.  Answers {} if it is claimed, else
 * what is known: digest, offset or "claim", epoch or whose.
 */

static ngx_rt_redis_script_t  ngx_rt_claim_script = {
    "claim",
    "local known = redis.call('GET', KEYS[1])\n"
    "if known then\n"
    "  return { known:match('^(%S+) (%S+) (%S+)') }\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1] .. ' claim ' .. ARGV[2],\n"
    "           'PX', ARGV[3])\n"
    "return {}\n",
    ""
};


/*
 * KEYS: mark, event.  ARGV: digest, offset (empty: it was not published),
 * epoch, window, time, what is said of the event.
 */

static ngx_rt_redis_script_t  ngx_rt_settle_script = {
    "settle",
    NGX_RT_LUA_NOTE
    "if ARGV[2] == '' then\n"
    "  local known = redis.call('GET', KEYS[1])\n"
    "  if known and known:find(' claim ', 1, true) then\n"
    "    redis.call('DEL', KEYS[1])\n"
    "  end\n"
    "  return 0\n"
    "end\n"
    "redis.call('SET', KEYS[1], table.concat(ARGV, ' ', 1, 3) .. ' ' ..\n"
    "           ARGV[5], 'PX', ARGV[4])\n"
    "note(KEYS[2], ARGV[4], ARGV[6], ARGV[2], ARGV[3], ARGV[5])\n"
    "return 1\n",
    ""
};


void
ngx_rt_stream_claim_init_process(void)
{
    ngx_rt_redis_script(&ngx_rt_claim_script);
    ngx_rt_redis_script(&ngx_rt_settle_script);
}


ngx_int_t
ngx_rt_claim_begin(ngx_rt_entry_t *e)
{
    if (ngx_rt_claim_send(e) == NGX_OK) {
        return NGX_OK;
    }

    ngx_rt_stream_forget(e->waits);
    ngx_rt_entry_finish(e);

    return NGX_DECLINED;
}


ngx_int_t
ngx_rt_claim_look(ngx_rt_entry_t *e)
{
    ngx_str_t  argv[2];

    e->denied = 1;
    e->denial = ngx_rt_denial;
    e->outcome = NGX_RT_PUBLISH_DENIED;

    ngx_str_set(&argv[0], "GET");
    argv[1] = e->mark;

    e->call.handler = ngx_rt_claim_look_handler;

    if (ngx_rt_redis_send(&e->call, 2, argv) == NGX_OK) {
        return NGX_OK;
    }

    ngx_rt_stream_forget(e->waits);
    ngx_rt_entry_finish(e);

    return NGX_DECLINED;
}


static void
ngx_rt_claim_look_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_entry_t  *e;

    e = (ngx_rt_entry_t *) ((u_char *) call - offsetof(ngx_rt_entry_t, call));

    if (result == NGX_RT_REDIS_OK && reply->type == REDIS_REPLY_STRING) {
        ngx_rt_claim_seen(e, reply);
    }

    ngx_rt_claim_end(e);
}


/*
 * A mark: digest, offset, epoch, time.  Who has only claimed the key may not
 * have published yet.
 */

static void
ngx_rt_claim_seen(ngx_rt_entry_t *e, redisReply *reply)
{
    char        *p, *offset;
    size_t       len;
    redisReply   part[2];

    len = e->digest.len;

    if (reply->len <= len || reply->str[len] != ' ') {
        return;
    }

    if (ngx_memcmp(reply->str, e->digest.data, len) != 0) {
        e->outcome = NGX_RT_PUBLISH_CONFLICT;
        return;
    }

    offset = reply->str + len + 1;
    p = strchr(offset, ' ');

    if (p == NULL) {
        return;
    }

    *p = '\0';

    ngx_memzero(part, sizeof(part));

    part[0].type = REDIS_REPLY_STRING;
    part[0].str = offset;
    part[0].len = p - offset;

    part[1].type = REDIS_REPLY_STRING;
    part[1].str = p + 1;
    part[1].len = strcspn(p + 1, " ");

    if (ngx_rt_append_position(&part[0], '\0', &part[1], &e->at)
        || ngx_strcmp(offset, "0") == 0)
    {
        e->outcome = NGX_RT_PUBLISH_REPEATED;
    }
}


static ngx_int_t
ngx_rt_claim_send(ngx_rt_entry_t *e)
{
    u_char               claim[NGX_RT_CLAIM_LEN], window[NGX_INT64_LEN];
    ngx_str_t            argv[4];
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    argv[0] = e->mark;
    argv[1] = e->digest;

    argv[2].data = claim;
    argv[2].len = ngx_sprintf(claim, "%*s-%uL", (size_t) NGX_RT_ID_LEN,
                              e->zone->state->uid, ngx_rt_claim_time())
                  - claim;

    argv[3].data = window;
    argv[3].len = ngx_sprintf(window, "%M", mcf->idem_window) - window;

    e->call.handler = ngx_rt_claim_handler;

    return ngx_rt_redis_eval(&e->call, &ngx_rt_claim_script, 1, 4, argv);
}


static void
ngx_rt_claim_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_entry_t  *e;

    e = (ngx_rt_entry_t *) ((u_char *) call - offsetof(ngx_rt_entry_t, call));

    if (result == NGX_RT_REDIS_AGAIN && !e->again) {
        e->again = 1;

        if (ngx_rt_claim_send(e) == NGX_OK) {
            return;
        }
    }

    if (result != NGX_RT_REDIS_OK || reply->type != REDIS_REPLY_ARRAY) {
        ngx_rt_claim_end(e);

    } else if (reply->elements == 0) {
        ngx_rt_claim_publish(e);

    } else {
        ngx_rt_claim_known(e, reply);
    }
}


static void
ngx_rt_claim_known(ngx_rt_entry_t *e, redisReply *reply)
{
    redisReply  **part;

    part = reply->element;

    if (reply->elements != 3 || part[0]->type != REDIS_REPLY_STRING
        || part[1]->type != REDIS_REPLY_STRING
        || part[2]->type != REDIS_REPLY_STRING)
    {
        ngx_rt_claim_end(e);
        return;
    }

    if (part[0]->len != e->digest.len
        || ngx_memcmp(part[0]->str, e->digest.data, e->digest.len) != 0)
    {
        e->outcome = NGX_RT_PUBLISH_CONFLICT;
        ngx_rt_claim_end(e);
        return;
    }

    if (ngx_strcmp(part[1]->str, "claim") == 0) {

        switch (ngx_rt_claim_open(e, part[2])) {

        case NGX_OK:
            ngx_rt_claim_publish(e);
            return;

        case NGX_DONE:
            e->outcome = NGX_RT_PUBLISH_REPEATED;
        }

    } else if (ngx_rt_append_position(part[1], '\0', part[2], &e->at)
               || ngx_strcmp(part[1]->str, "0") == 0)
    {
        e->outcome = NGX_RT_PUBLISH_REPEATED;
    }

    ngx_rt_claim_end(e);
}


/*
 * NGX_OK: of this node; NGX_AGAIN: somebody may be at it; NGX_DONE: nobody is
 * any more.
 */

static ngx_int_t
ngx_rt_claim_open(ngx_rt_entry_t *e, redisReply *claim)
{
    u_char              *p;
    uint64_t             age;
    ngx_int_t            time;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    if (claim->len < NGX_RT_ID_LEN + 2) {
        return NGX_AGAIN;
    }

    p = (u_char *) claim->str;

    if (ngx_memcmp(p, e->zone->state->uid, NGX_RT_ID_LEN) == 0) {
        return NGX_OK;
    }

    time = ngx_atoi(p + NGX_RT_ID_LEN + 1, claim->len - NGX_RT_ID_LEN - 1);

    age = ngx_rt_claim_time() - (uint64_t) time;

    return time > 0 && (int64_t) age > (int64_t) NGX_RT_CLAIM_PATIENCE(mcf)
           ? NGX_DONE : NGX_AGAIN;
}


static void
ngx_rt_claim_publish(ngx_rt_entry_t *e)
{
    u_char  info[RT_STREAM_INFO_MAX];

    rt_fault(keyed_claimed);

    ngx_rt_entry_pub(e, info);

    e->again = 0;
    e->outcome = ngx_rt_publish(e->zone, &e->publish);
    e->at = e->publish.position;

    /* by then somebody else may have been denied something */

    e->denied = (e->outcome == NGX_RT_PUBLISH_FULL);
    e->denial = ngx_rt_denial;

    rt_fault(keyed_published);

    if (ngx_rt_claim_settle(e) != NGX_OK) {
        e->outcome = NGX_RT_PUBLISH_AWAY;
        ngx_rt_claim_end(e);
    }
}


static ngx_int_t
ngx_rt_claim_settle(ngx_rt_entry_t *e)
{
    size_t               len;
    u_char               offset[NGX_INT64_LEN], epoch[NGX_RT_EPOCH_LEN];
    u_char               window[NGX_INT64_LEN], time[NGX_INT64_LEN];
    ngx_str_t            argv[8];
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    argv[0] = e->mark;
    argv[1] = e->event;
    argv[2] = e->digest;

    ngx_str_set(&argv[3], "");
    ngx_str_set(&argv[4], "-");

    if (ngx_rt_claim_good(e)) {
        argv[3].data = offset;
        argv[3].len = ngx_sprintf(offset, "%uL", e->at.offset) - offset;

        len = ngx_rt_history_epoch(e->zone, e->at.source, epoch);

        if (len) {
            argv[4].data = epoch;
            argv[4].len = len;
        }
    }

    argv[5].data = window;
    argv[5].len = ngx_sprintf(window, "%M", mcf->idem_window) - window;

    argv[6].data = time;
    argv[6].len = ngx_sprintf(time, "%uL", ngx_rt_claim_time()) - time;

    argv[7] = e->about;

    e->call.handler = ngx_rt_claim_settle_handler;

    return ngx_rt_redis_eval(&e->call, &ngx_rt_settle_script, 2, 8, argv);
}


/* what is published and not written to the key may be asked for again */

static void
ngx_rt_claim_settle_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_entry_t  *e;

    e = (ngx_rt_entry_t *) ((u_char *) call - offsetof(ngx_rt_entry_t, call));

    if (result == NGX_RT_REDIS_AGAIN && !e->again) {
        e->again = 1;

        if (ngx_rt_claim_settle(e) == NGX_OK) {
            return;
        }
    }

    if ((result != NGX_RT_REDIS_OK || reply->type != REDIS_REPLY_INTEGER)
        && ngx_rt_claim_good(e))
    {
        e->outcome = NGX_RT_PUBLISH_AWAY;
    }

    ngx_rt_entry_finish(e);
}


/* without having published */

static void
ngx_rt_claim_end(ngx_rt_entry_t *e)
{
    ngx_rt_publish_count(e->zone, &e->tenant, e->outcome, e->pub.data.len);
    ngx_rt_entry_finish(e);
}


static uint64_t
ngx_rt_claim_time(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}
