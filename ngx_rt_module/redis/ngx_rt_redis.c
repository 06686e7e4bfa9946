
/*
 * Commands: a pipeline of callers, in the order in which they are answered.
 *
 * Called by stream/ and whoever else has something to ask; calls a link, and
 * the callers' handlers with what has become of their commands.  A handler may
 * send, forget, or end anything: nothing of the link is kept over a call of
 * one but its serial.
 *
 * Who waits is bounded in bytes, with something added for each command, and
 * each is told once.  What the connection was not given yet when it is lost was
 * not run; what it was given may have been.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis_link.h"
#include "rt_redis_error.h"


/* of the bound, for each command that waits, besides its bytes */
#define NGX_RT_REDIS_CALL_COST  128


static ngx_int_t ngx_rt_redis_put(ngx_rt_redis_call_t *call, ngx_uint_t nhead,
    const ngx_str_t *head, ngx_uint_t argc, const ngx_str_t *argv);
static void ngx_rt_redis_append(ngx_rt_redis_call_t *call, size_t size);
static void ngx_rt_redis_reply(ngx_rt_redis_link_t *link, redisReply *reply);
static ngx_rt_redis_result_e ngx_rt_redis_judge(redisReply *reply);
static void ngx_rt_redis_reload(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_reloaded(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_redis_up(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_overdue(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_lost(ngx_rt_redis_link_t *link);
static ngx_rt_redis_call_t *ngx_rt_redis_first(void);
static void ngx_rt_redis_remove(ngx_rt_redis_call_t *call);
static void ngx_rt_redis_settle(size_t size);
static void ngx_rt_redis_skip(ngx_rt_redis_call_t *call);


static const ngx_rt_redis_use_t  ngx_rt_redis_commands = {
    "commands",
    NGX_RT_REDIS_COMMANDS,
    0,
    ngx_rt_redis_reply,
    ngx_rt_redis_up,
    ngx_rt_redis_overdue,
    ngx_rt_redis_lost
};


static ngx_rt_redis_link_t   ngx_rt_redis_link;

/* who waits, and behind them what was forgotten since the last of them */
static ngx_queue_t           ngx_rt_redis_calls;
static ngx_rt_redis_call_t   ngx_rt_redis_tail;
static size_t                ngx_rt_redis_pending;

/* another connection is wanted as soon as nobody waits */
static ngx_uint_t            ngx_rt_redis_renew;

/* the scripts are on their way again */
static ngx_rt_redis_call_t   ngx_rt_redis_reloading;
static ngx_uint_t            ngx_rt_redis_reloads;

static u_char                ngx_rt_redis_run_text[RT_REDIS_RUN_LEN + 1];
static ngx_str_t             ngx_rt_redis_run_id;
static ngx_uint_t            ngx_rt_redis_aof;


void
ngx_rt_redis_init_process(ngx_cycle_t *cycle)
{
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || mcf->redis == NULL
        || ngx_process == NGX_PROCESS_HELPER)
    {
        return;
    }

    ngx_queue_init(&ngx_rt_redis_calls);

    ngx_rt_redis_link_start(&ngx_rt_redis_link, &ngx_rt_redis_commands,
                            mcf->redis);
    ngx_rt_redis_pubsub_start(mcf->redis);
}


void
ngx_rt_redis_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_rt_redis_link.use) {
        ngx_rt_redis_link_stop(&ngx_rt_redis_link);
        ngx_rt_redis_pubsub_stop();
    }
}


/* the first attempt takes what comes meanwhile, those after a loss do not */

ngx_uint_t
ngx_rt_redis_ready(void)
{
    ngx_rt_redis_link_t  *link;

    link = &ngx_rt_redis_link;

    if (link->use == NULL || ngx_rt_redis_renew
        || ngx_rt_redis_pending >= link->conf->pending)
    {
        return 0;
    }

    return link->state == NGX_RT_REDIS_READY
           || (link->state != NGX_RT_REDIS_IDLE && link->tries == 0);
}


ngx_int_t
ngx_rt_redis_send(ngx_rt_redis_call_t *call, ngx_uint_t argc,
    const ngx_str_t *argv)
{
    return ngx_rt_redis_put(call, 0, NULL, argc, argv);
}


ngx_int_t
ngx_rt_redis_eval(ngx_rt_redis_call_t *call, ngx_rt_redis_script_t *script,
    ngx_uint_t nkeys, ngx_uint_t argc, const ngx_str_t *argv)
{
    u_char     number[NGX_INT_T_LEN];
    ngx_str_t  head[3];

    ngx_str_set(&head[0], "EVALSHA");

    head[1].data = script->sha;
    head[1].len = sizeof(script->sha) - 1;

    head[2].data = number;
    head[2].len = ngx_sprintf(number, "%ui", nkeys) - number;

    return ngx_rt_redis_put(call, 3, head, argc, argv);
}


static ngx_int_t
ngx_rt_redis_put(ngx_rt_redis_call_t *call, ngx_uint_t nhead,
    const ngx_str_t *head, ngx_uint_t argc, const ngx_str_t *argv)
{
    size_t                size;
    ngx_rt_redis_link_t  *link;

    link = &ngx_rt_redis_link;

    size = ngx_rt_redis_out_size(nhead, head, argc, argv);

    if (!ngx_rt_redis_ready()
        || size + NGX_RT_REDIS_CALL_COST
           > link->conf->pending - ngx_rt_redis_pending
        || ngx_rt_redis_out_reserve(&link->out, size) != NGX_OK)
    {
        ngx_rt_count(redis_declined, 1);
        return NGX_DECLINED;
    }

    ngx_rt_redis_out_command(&link->out, nhead, head, argc, argv);
    ngx_rt_redis_append(call, size);

    return NGX_OK;
}


void
ngx_rt_redis_flush(void)
{
    ngx_event_t  *ev;

    ev = &ngx_rt_redis_link.flush;

    if (ev->posted) {
        ngx_delete_posted_event(ev);
        ev->handler(ev);
    }
}


/* it is in link->out */

static void
ngx_rt_redis_append(ngx_rt_redis_call_t *call, size_t size)
{
    ngx_rt_redis_link_t  *link;

    link = &ngx_rt_redis_link;

    link->queued += size;

    call->due = ngx_current_msec + link->conf->timeout;
    call->last = link->queued;
    call->skip = ngx_rt_redis_tail.skip;
    call->size = ngx_rt_redis_tail.size + size + NGX_RT_REDIS_CALL_COST;

    ngx_rt_redis_tail.skip = 0;
    ngx_rt_redis_tail.size = 0;

    ngx_rt_redis_pending += size + NGX_RT_REDIS_CALL_COST;
    ngx_queue_insert_tail(&ngx_rt_redis_calls, &call->queue);

    ngx_rt_count(redis_commands, 1);
    ngx_rt_stat->redis_pending = ngx_rt_redis_pending;

    link->timer.cancelable = 0;

    if (link->state == NGX_RT_REDIS_READY) {
        if (!link->timer.timer_set) {
            ngx_add_timer(&link->timer, link->conf->timeout);
        }

        ngx_rt_redis_link_post(link);
    }
}


void
ngx_rt_redis_forget(ngx_rt_redis_call_t *call)
{
    ngx_queue_t          *q;
    ngx_rt_redis_call_t  *next;

    q = ngx_queue_next(&call->queue);

    next = q == ngx_queue_sentinel(&ngx_rt_redis_calls)
           ? &ngx_rt_redis_tail
           : ngx_queue_data(q, ngx_rt_redis_call_t, queue);

    next->skip += call->skip + 1;
    next->size += call->size;

    ngx_queue_remove(&call->queue);
    ngx_rt_redis_settle(0);

    /* it may have been the last who kept this connection */

    if (ngx_rt_redis_renew && ngx_queue_empty(&ngx_rt_redis_calls)) {
        ngx_add_timer(&ngx_rt_redis_link.timer, 1);
    }
}


static ngx_rt_redis_call_t *
ngx_rt_redis_first(void)
{
    if (ngx_queue_empty(&ngx_rt_redis_calls)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(&ngx_rt_redis_calls),
                          ngx_rt_redis_call_t, queue);
}


static void
ngx_rt_redis_remove(ngx_rt_redis_call_t *call)
{
    ngx_queue_remove(&call->queue);
    ngx_rt_redis_settle(call->size);
}


/* nobody has to wait for a timer for whom nobody waits */

static void
ngx_rt_redis_settle(size_t size)
{
    ngx_rt_redis_pending -= size;
    ngx_rt_stat->redis_pending = ngx_rt_redis_pending;

    if (ngx_queue_empty(&ngx_rt_redis_calls)) {
        ngx_rt_redis_link.timer.cancelable = 1;
    }
}


static void
ngx_rt_redis_reply(ngx_rt_redis_link_t *link, redisReply *reply)
{
    ngx_uint_t              serial;
    ngx_rt_redis_call_t    *call;
    ngx_rt_redis_result_e   result;

    call = ngx_rt_redis_first();

    if (call ? call->skip : ngx_rt_redis_tail.skip) {
        ngx_rt_redis_skip(call);
        return;
    }

    if (call == NULL || call->last > link->sent) {
        ngx_rt_redis_link_lose(link, "it answers what it was not asked", 0);
        return;
    }

    serial = link->serial;
    result = ngx_rt_redis_judge(reply);

    ngx_rt_redis_remove(call);

    call->handler(call, result, reply);

    if (link->serial == serial && ngx_rt_redis_renew
        && ngx_queue_empty(&ngx_rt_redis_calls))
    {
        ngx_rt_redis_link_lose(link, "it takes no commands from us", 0);
    }
}


/* an answer to what was forgotten */

static void
ngx_rt_redis_skip(ngx_rt_redis_call_t *call)
{
    if (call) {
        call->skip--;
        return;
    }

    if (--ngx_rt_redis_tail.skip == 0) {
        ngx_rt_redis_settle(ngx_rt_redis_tail.size);
        ngx_rt_redis_tail.size = 0;
    }
}


static ngx_rt_redis_result_e
ngx_rt_redis_judge(redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        return ngx_rt_redis_error(reply);
    }

    ngx_rt_count(redis_replies[0], 1);

    return NGX_RT_REDIS_OK;
}


ngx_rt_redis_result_e
ngx_rt_redis_error(redisReply *reply)
{
    rt_redis_error_e  error;

    error = rt_redis_error((u_char *) reply->str, reply->len);

    ngx_rt_count(redis_replies[1 + error], 1);

    switch (rt_redis_error_remedy(error)) {

    case RT_REDIS_LOAD:
        ngx_rt_redis_reload(&ngx_rt_redis_link);
        return NGX_RT_REDIS_AGAIN;

    case RT_REDIS_RETRY:
        return NGX_RT_REDIS_REFUSED;

    case RT_REDIS_RECONNECT:
        ngx_rt_redis_renew = 1;
        return NGX_RT_REDIS_REFUSED;

    default: /* RT_REDIS_PERMANENT */
        return NGX_RT_REDIS_WRONG;
    }
}


/* before whoever asks again; the last one's answer is that to all of them */

static void
ngx_rt_redis_reload(ngx_rt_redis_link_t *link)
{
    uint64_t    before;
    ngx_uint_t  i, n;

    n = ngx_rt_redis_script_count(link);

    if (ngx_rt_redis_reloads || n == 0) {
        return;
    }

    before = link->out.last - link->out.pos;

    for (i = 0; i < n; i++) {
        if (ngx_rt_redis_script_put(&link->out, i) != NGX_OK) {
            break;
        }
    }

    if (i == 0) {
        return;
    }

    ngx_rt_redis_reloads = 1;
    ngx_rt_redis_reloading.handler = ngx_rt_redis_reloaded;
    ngx_rt_redis_tail.skip += i - 1;

    ngx_rt_redis_append(&ngx_rt_redis_reloading,
                        link->out.last - link->out.pos - before);
}


static void
ngx_rt_redis_reloaded(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_redis_reloads = 0;
}


static void
ngx_rt_redis_up(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_call_t  *call;

    ngx_rt_redis_run_id.data = ngx_rt_redis_run_text;
    ngx_rt_redis_run_id.len = ngx_strlen(link->info.run);
    ngx_memcpy(ngx_rt_redis_run_text, link->info.run,
               sizeof(ngx_rt_redis_run_text));

    ngx_rt_redis_aof = link->info.aof;

    call = ngx_rt_redis_first();

    if (call) {
        ngx_add_timer(&link->timer,
                      ngx_max((ngx_msec_int_t) (call->due - ngx_current_msec),
                              1));
    }
}


/* the timer is set again for who is the oldest now */

static void
ngx_rt_redis_overdue(ngx_rt_redis_link_t *link)
{
    ngx_msec_int_t        left;
    ngx_rt_redis_call_t  *call;

    call = ngx_rt_redis_first();

    if (call == NULL) {
        if (ngx_rt_redis_renew) {
            ngx_rt_redis_link_lose(link, "it takes no commands from us", 0);
        }

        return;
    }

    left = (ngx_msec_int_t) (call->due - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&link->timer, left);
        return;
    }

    ngx_rt_count(redis_timeouts, 1);
    ngx_rt_redis_link_lose(link, "it did not answer in time", 0);
}


static void
ngx_rt_redis_lost(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_call_t  *call;

    ngx_rt_redis_renew = 0;

    while ((call = ngx_rt_redis_first())) {
        ngx_rt_redis_remove(call);

        call->handler(call, call->last > link->sent ? NGX_RT_REDIS_REFUSED
                                                    : NGX_RT_REDIS_UNKNOWN,
                      NULL);
    }

    ngx_rt_redis_tail.skip = 0;
    ngx_rt_redis_tail.size = 0;
    ngx_rt_redis_pending = 0;
    ngx_rt_stat->redis_pending = 0;
}


ngx_str_t *
ngx_rt_redis_run(void)
{
    return &ngx_rt_redis_run_id;
}


ngx_uint_t
ngx_rt_redis_durable(void)
{
    return ngx_rt_redis_aof;
}


/* an answer to anything comes behind that to what was asked first */

ngx_int_t
ngx_rt_redis_meet(ngx_rt_redis_call_t *call)
{
    static const ngx_str_t  ping = ngx_string("PING");

    if (ngx_rt_redis_link.state == NGX_RT_REDIS_READY) {
        return NGX_OK;
    }

    return ngx_rt_redis_send(call, 1, &ping) == NGX_OK ? NGX_AGAIN
                                                       : NGX_DECLINED;
}
