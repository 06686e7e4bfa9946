
/*
 * A link: one connection to Redis and its making, again and again.  What is
 * said on it is its use's: commands, or pub/sub.
 */


#ifndef _NGX_RT_REDIS_LINK_H_INCLUDED_
#define _NGX_RT_REDIS_LINK_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "rt_redis_info.h"
#include "rt_redis_reader.h"

#include <ngx_event_connect.h>


#define NGX_RT_REDIS_WHY_MAX  160         /* bytes of what is said of a loss */


typedef struct ngx_rt_redis_link_s  ngx_rt_redis_link_t;


typedef enum {
    NGX_RT_REDIS_TLS_CA = 0,
    NGX_RT_REDIS_TLS_NAME,
    NGX_RT_REDIS_TLS_VERIFY,
    NGX_RT_REDIS_TLS_CERT,
    NGX_RT_REDIS_TLS_KEY,
    NGX_RT_REDIS_TLS_N
} ngx_rt_redis_tls_param_e;


/* rt_redis */
struct ngx_rt_redis_conf_s {
    ngx_str_t                  name;          /* for logs: HOST:PORT, unix: */
    ngx_addr_t                *addrs;         /* when it was read */
    ngx_uint_t                 naddrs;
    ngx_str_t                  host;          /* empty: a socket */
    in_port_t                  port;
    ngx_uint_t                 literal;       /* the host is an address */
    ngx_str_t                  user;
    ngx_str_t                  password;
    ngx_uint_t                 db;
    ngx_ssl_t                 *ssl;           /* NULL: no TLS */
    ngx_str_t                  tls_name;
    ngx_uint_t                 tls_verify;
    ngx_msec_t                 timeout;       /* of a command */
    ngx_msec_t                 connect_timeout;   /* until it is ready */
    ngx_msec_t                 backoff_base;
    ngx_msec_t                 backoff_max;
    size_t                     pending;       /* bytes */
};


/* bytes on their way */
typedef struct {
    u_char                    *start;
    u_char                    *pos;
    u_char                    *last;
    u_char                    *end;
} ngx_rt_redis_out_t;


/*
 * What a link is for.  Each may lose the link: look at its serial after a
 * call.
 */
typedef struct {
    const char                *name;          /* for logs */
    ngx_uint_t                 stat;          /* its state in the slot */
    ngx_uint_t                 brief;         /* so is its greeting */
    void                     (*reply)(ngx_rt_redis_link_t *link,
                                      redisReply *reply);
    void                     (*ready)(ngx_rt_redis_link_t *link);
    void                     (*timer)(ngx_rt_redis_link_t *link);
    void                     (*lost)(ngx_rt_redis_link_t *link);
} ngx_rt_redis_use_t;


struct ngx_rt_redis_link_s {
    const ngx_rt_redis_use_t  *use;
    ngx_rt_redis_conf_t       *conf;
    ngx_rt_redis_state_e       state;
    ngx_uint_t                 serial;        /* raised by each loss */
    ngx_uint_t                 tries;         /* that have failed */
    ngx_msec_t                 since;         /* it is ready, or lost */
    ngx_uint_t                 away;          /* reasons the log was told */
    ngx_str_t                  why;
    u_char                     text[NGX_RT_REDIS_WHY_MAX];

    ngx_peer_connection_t      peer;
    ngx_sockaddr_t             sockaddr;      /* as resolved */
    ngx_resolver_ctx_t        *resolving;
    ngx_event_t                timer;         /* of the state */
    ngx_event_t                flush;         /* at the end of the turn */
    ngx_log_t                  log;

    rt_redis_reader_t          reader;
    rt_redis_info_t            info;
    ngx_uint_t                 step;          /* of the greeting */
    ngx_uint_t                 part;          /* of the step */
    ngx_uint_t                 lax;           /* it syncs its AOF too late */
    ngx_rt_redis_out_t         hello;         /* the greeting */
    ngx_rt_redis_out_t         out;           /* what is behind it */
    uint64_t                   queued;        /* bytes, since it was lost */
    uint64_t                   sent;          /* of them */
};


/* ngx_rt_redis_link.c */

/* begins to connect; a link that is there already is begun anew */
void ngx_rt_redis_link_start(ngx_rt_redis_link_t *link,
    const ngx_rt_redis_use_t *use, ngx_rt_redis_conf_t *conf);

/* the end: nobody is told */
void ngx_rt_redis_link_stop(ngx_rt_redis_link_t *link);

/* the steps to a connection that is ready */
void ngx_rt_redis_link_connect(ngx_rt_redis_link_t *link,
    struct sockaddr *sockaddr, socklen_t socklen);
void ngx_rt_redis_link_greet(ngx_rt_redis_link_t *link);
void ngx_rt_redis_link_ready(ngx_rt_redis_link_t *link);

/* closes, tells the use, and comes back after a while; why is constant */
void ngx_rt_redis_link_lose(ngx_rt_redis_link_t *link, const char *why,
    ngx_err_t err);

/* the same, with what the other side has said of it */
void ngx_rt_redis_link_refuse(ngx_rt_redis_link_t *link, const char *what,
    u_char *said, size_t len);

/* what was put into link->out leaves at the end of the turn */
void ngx_rt_redis_link_post(ngx_rt_redis_link_t *link);


/* ngx_rt_redis_wire.c */
void ngx_rt_redis_link_read(ngx_rt_redis_link_t *link);
void ngx_rt_redis_link_write(ngx_rt_redis_link_t *link);


/* ngx_rt_redis_resolve.c: ends with ngx_rt_redis_link_connect() */
void ngx_rt_redis_resolve(ngx_rt_redis_link_t *link);
void ngx_rt_redis_resolve_stop(ngx_rt_redis_link_t *link);


/* ngx_rt_redis_tls.c: starts with a connection, ends with ..._link_greet() */
char *ngx_rt_redis_tls_conf(ngx_conf_t *cf, ngx_rt_redis_conf_t *redis,
    ngx_str_t *values);
void ngx_rt_redis_tls_start(ngx_rt_redis_link_t *link);
void ngx_rt_redis_tls_close(ngx_connection_t *c);


/* ngx_rt_redis_out.c */

/* bytes of a command of these two parts */
size_t ngx_rt_redis_out_size(ngx_uint_t nhead, const ngx_str_t *head,
    ngx_uint_t argc, const ngx_str_t *argv);

/* NGX_ERROR: no memory */
ngx_int_t ngx_rt_redis_out_reserve(ngx_rt_redis_out_t *out, size_t size);

/* what was reserved */
void ngx_rt_redis_out_command(ngx_rt_redis_out_t *out, ngx_uint_t nhead,
    const ngx_str_t *head, ngx_uint_t argc, const ngx_str_t *argv);

/* both; of a few words, up to a NULL */
ngx_int_t ngx_rt_redis_out_words(ngx_rt_redis_out_t *out, ...);

void ngx_rt_redis_out_clear(ngx_rt_redis_out_t *out);


/* ngx_rt_redis_greet.c */

/* puts the greeting into link->hello */
ngx_int_t ngx_rt_redis_greet(ngx_rt_redis_link_t *link);

/* after the last of them, ngx_rt_redis_link_ready() */
void ngx_rt_redis_greet_reply(ngx_rt_redis_link_t *link, redisReply *reply);

/* SCRIPT LOAD of each; a reply to it: NGX_OK, or NGX_ERROR */
ngx_int_t ngx_rt_redis_script_put(ngx_rt_redis_out_t *out, ngx_uint_t i);
ngx_int_t ngx_rt_redis_script_take(redisReply *reply, ngx_uint_t i);

/* of those that are registered */
ngx_uint_t ngx_rt_redis_script_count(ngx_rt_redis_link_t *link);


/* ngx_rt_redis_pubsub.c */
void ngx_rt_redis_pubsub_start(ngx_rt_redis_conf_t *conf);
void ngx_rt_redis_pubsub_stop(void);


#endif /* _NGX_RT_REDIS_LINK_H_INCLUDED_ */
