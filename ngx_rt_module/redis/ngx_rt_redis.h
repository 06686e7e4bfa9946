
/*
 * Redis: a worker's connections to it.  hiredis is the codec (its formatter and
 * its reader); connections, resolver, TLS and timers are nginx's.
 *
 * Two connections, made when the worker starts and again whenever one is lost:
 * one for commands, which are pipelined and answered in order, and one for the
 * channels of pub/sub.  Each is in one state of a table; a caller sees only
 * whether there is one that takes commands.  Knows nothing of what is sent.
 */


#ifndef _NGX_RT_REDIS_H_INCLUDED_
#define _NGX_RT_REDIS_H_INCLUDED_


#include "ngx_rt.h"

#include <hiredis/hiredis.h>


/* what has become of a command */
typedef enum {
    NGX_RT_REDIS_OK = 0,          /* the reply is there, and is no error */
    NGX_RT_REDIS_AGAIN,           /* it was not run, and would be now: the
                                     scripts had been flushed */
    NGX_RT_REDIS_REFUSED,         /* it was not run, for a reason that passes:
                                     OOM, MISCONF, LOADING, READONLY, ... */
    NGX_RT_REDIS_WRONG,           /* it was not run, or not to the end, for one
                                     that does not: NOPERM, WRONGTYPE, ERR */
    NGX_RT_REDIS_UNKNOWN          /* no answer came: it may have been run */
} ngx_rt_redis_result_e;


/* of a connection */
typedef enum {
    NGX_RT_REDIS_IDLE = 0,
    NGX_RT_REDIS_RESOLVING,
    NGX_RT_REDIS_CONNECTING,
    NGX_RT_REDIS_HANDSHAKE,                   /* of TLS */
    NGX_RT_REDIS_GREETING,
    NGX_RT_REDIS_READY,
    NGX_RT_REDIS_WAITING,                     /* until it is tried again */
    NGX_RT_REDIS_STATES
} ngx_rt_redis_state_e;


typedef struct ngx_rt_redis_call_s  ngx_rt_redis_call_t;

/*
 * A command on its way; in the caller's memory until the handler was called,
 * which is called once, from the event loop and never from within
 * ngx_rt_redis_send().  The reply is gone after it; NULL, if there was none.
 */
struct ngx_rt_redis_call_s {
    ngx_queue_t                queue;
    void                     (*handler)(ngx_rt_redis_call_t *call,
                                        ngx_rt_redis_result_e result,
                                        redisReply *reply);

    /* set by ngx_rt_redis_send() */
    ngx_msec_t                 due;
    size_t                     size;          /* bytes that wait with it */
    uint64_t                   last;          /* of the connection's bytes */
    ngx_uint_t                 skip;          /* forgotten ones before it */
};


/* a script, found by its digest; texts are constant */
typedef struct {
    const char                *name;          /* for logs */
    const char                *text;
    u_char                     sha[41];       /* set at start */
} ngx_rt_redis_script_t;


/* known to each connection from the next on; up to 16, before the first */
void ngx_rt_redis_script(ngx_rt_redis_script_t *script);


/* rt_redis URL [name=value ...] */
char *ngx_rt_redis_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

void ngx_rt_redis_init_process(ngx_cycle_t *cycle);

/* closes; a worker that leaves has waited for its callers' replies */
void ngx_rt_redis_exit_process(ngx_cycle_t *cycle);

/*
 * There is a connection that takes commands, and room among those that wait.
 * A worker's first one takes them before it is there.
 */
ngx_uint_t ngx_rt_redis_ready(void);

/*
 * Sends a command at the end of the turn, with all others of it.
 * NGX_DECLINED: Redis is away, or too many wait; the handler is not called.
 */
ngx_int_t ngx_rt_redis_send(ngx_rt_redis_call_t *call, ngx_uint_t argc,
    const ngx_str_t *argv);

/* the same for a script, which the connection has loaded before it was ready */
ngx_int_t ngx_rt_redis_eval(ngx_rt_redis_call_t *call,
    ngx_rt_redis_script_t *script, ngx_uint_t nkeys, ngx_uint_t argc,
    const ngx_str_t *argv);

/* what was sent leaves now: the turn is over for who calls */
void ngx_rt_redis_flush(void);

/*
 * An error that stands inside a reply, of something that a script did; what
 * follows for the connection is seen to.
 */
ngx_rt_redis_result_e ngx_rt_redis_error(redisReply *error);

/*
 * The caller is gone: its handler is not called any more, its memory is its
 * own; the command may be run all the same.
 */
void ngx_rt_redis_forget(ngx_rt_redis_call_t *call);

/*
 * Of the Redis that the command connection is at: another one, or one that
 * was started again, has another; empty before the first connection.  And
 * whether it keeps an AOF, so that a restart loses nothing it has answered.
 */
ngx_str_t *ngx_rt_redis_run(void);
ngx_uint_t ngx_rt_redis_durable(void);

/*
 * NGX_OK: these two are known; NGX_AGAIN: the first connection is not there
 * yet, the handler is called when it is; NGX_DECLINED: Redis is away.
 */
ngx_int_t ngx_rt_redis_meet(ngx_rt_redis_call_t *call);


/* ngx_rt_redis_link.c: a state in words */
const char *ngx_rt_redis_state_name(ngx_uint_t state);


/* pub/sub */

typedef struct {
    /* a channel's subscription is confirmed: messages come from here on */
    void                     (*subscribed)(ngx_str_t *channel);
    void                     (*message)(ngx_str_t *channel, ngx_str_t *text);

    /* all subscriptions are lost; up: the connection is there again */
    void                     (*down)(void);
    void                     (*up)(void);
} ngx_rt_redis_listener_t;

/* set once, before the first connection */
void ngx_rt_redis_listen(const ngx_rt_redis_listener_t *listener);

/* NGX_DECLINED: there is no connection; up() is called when there is one */
ngx_int_t ngx_rt_redis_subscribe(ngx_str_t *channel);
ngx_int_t ngx_rt_redis_unsubscribe(ngx_str_t *channel);


#endif /* _NGX_RT_REDIS_H_INCLUDED_ */
