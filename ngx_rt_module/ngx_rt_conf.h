
/*
 * What the directives say: parsed once, read by everyone.
 */


#ifndef _NGX_RT_CONF_H_INCLUDED_
#define _NGX_RT_CONF_H_INCLUDED_


#include "ngx_rt.h"


typedef enum {
    NGX_RT_SUBSCRIBE_ANY = 0,
    NGX_RT_SUBSCRIBE_USER,
    NGX_RT_SUBSCRIBE_TOKEN
} ngx_rt_subscribe_e;


typedef enum {
    NGX_RT_PUBLISH_NONE = 0,
    NGX_RT_PUBLISH_SUBSCRIBER,
    NGX_RT_PUBLISH_ANY
} ngx_rt_publish_e;


/* what becomes of publications for a client whose queue is full */
typedef enum {
    NGX_RT_SLOW_DISCONNECT = 0,
    NGX_RT_SLOW_DROP,                         /* the channel's oldest goes */
    NGX_RT_SLOW_CONFLATE,                     /* its latest stays */
    NGX_RT_SLOW_HISTORY,                      /* it gets them later, from there;
                                                 channels with a history only */
    NGX_RT_SLOW_N
} ngx_rt_slow_e;


/* what rt_limit limits: rates, and how many there may be */
typedef enum {
    NGX_RT_LIMIT_COMMANDS = 0,
    NGX_RT_LIMIT_PUBLISH,
    NGX_RT_LIMIT_BYTES,
    NGX_RT_LIMIT_RATES,                       /* from here on: counts */
    NGX_RT_LIMIT_CONNECTIONS = NGX_RT_LIMIT_RATES,
    NGX_RT_LIMIT_SESSIONS,
    NGX_RT_LIMIT_CHANNELS,
    NGX_RT_LIMIT_SUBSCRIPTIONS,               /* rt_max_channels' */
    NGX_RT_LIMIT_PRESENCE,                    /* a rate of each session's */
    NGX_RT_LIMIT_ZONE,                        /* bytes */
    NGX_RT_LIMIT_STREAMS,                     /* bytes, of Redis */
    NGX_RT_LIMIT_N
} ngx_rt_limit_e;


/* a tenant with less could not do a thing */
#define NGX_RT_QUOTA_MIN       16384
#define NGX_RT_STREAMS_MIN     (1024 * 1024)


/* whose it is: who is charged */
typedef enum {
    NGX_RT_PAYER_TENANT = 0,
    NGX_RT_PAYER_NAMESPACE,                   /* in a tenant */
    NGX_RT_PAYER_USER,                        /* of a tenant */
    NGX_RT_PAYER_KEY,                         /* of the API */
    NGX_RT_PAYER_SESSION,
    NGX_RT_PAYER_N
} ngx_rt_payer_e;


struct ngx_rt_namespace_s {
    ngx_str_t                  name;
    ngx_uint_t                 fast;          /* said out */
    ngx_uint_t                 durable;       /* its histories are copies */
    ngx_uint_t                 subscribe;     /* ngx_rt_subscribe_e */
    ngx_uint_t                 publish;       /* ngx_rt_publish_e */
    ngx_uint_t                 slow;          /* ngx_rt_slow_e */
    ngx_uint_t                 presence;
    ngx_uint_t                 join_leave;
    ngx_uint_t                 history;       /* publications; 0: none */
    ngx_uint_t                 ttl;           /* of each, msec */
    ngx_uint_t                 cache;
    ngx_uint_t                 positioned;
    ngx_uint_t                 users;         /* who may stands behind "#" */
    ngx_uint_t                 set;           /* options that were said */
    rt_rate_t                  rates[NGX_RT_LIMIT_RATES];   /* its own */
};


/* a key of tokens, and whom and what those of it are for; empty: anyone */
typedef struct {
    rt_jwt_key_t               key;
    rt_str_t                   audience;
    rt_str_t                   issuer;
} ngx_rt_jwt_key_t;


typedef struct {
    ngx_array_t                keys;          /* ngx_rt_jwt_key_t */
    ngx_uint_t                 optional;      /* one may come without a token */
    ngx_uint_t                 off;           /* there are no tokens */
} ngx_rt_jwt_t;


/* rt_session_ttl */
typedef struct {
    ngx_msec_t                 ttl;           /* 0: no session lingers */
    ngx_uint_t                 max;           /* that linger in a zone */
    ngx_uint_t                 max_tenant;    /* of them, of a tenant */
    ngx_uint_t                 set;
} ngx_rt_linger_conf_t;


/* http {}: what all servers share */
struct ngx_rt_main_conf_s {
    ngx_array_t                zones;         /* ngx_rt_zone_t * */
    ngx_array_t                namespaces;    /* ngx_rt_namespace_t */
    ssize_t                    max_backlog;   /* bytes, of a worker */
    ssize_t                    max_tenant_backlog;
    ngx_uint_t                 backlog_set;
    ngx_msec_t                 drain_window;
    ngx_uint_t                 drain_rate;    /* connections a second */
    ngx_uint_t                 drain_set;
    ngx_msec_t                 idem_window;
    ngx_uint_t                 idem_keys;     /* of a tenant */
    ngx_uint_t                 idem_set;
    ngx_msec_t                 history_meta_ttl;
    ngx_rt_linger_conf_t       linger;
    ngx_rt_redis_conf_t       *redis;         /* NULL: there is none */
    ngx_rt_rules_conf_t       *rules;         /* the same */
    rt_flags_t                *flags;         /* rt_flag's; NULL: none */
    ngx_str_t                  state_file;    /* empty: there is none */

    /* rt_limit: a burst or a count of 0 is none */
    rt_rate_t                  rates[NGX_RT_LIMIT_RATES][NGX_RT_PAYER_N];
    uint64_t                   counts[NGX_RT_LIMIT_N];
    ngx_uint_t                 limited;       /* a bit per rate in force */
};


typedef struct {
    ngx_str_t                  key;
    ngx_array_t               *tenants;       /* ngx_str_t; NULL: every one */
} ngx_rt_api_key_t;


typedef struct {
    ngx_flag_t                 off;           /* said out: no key is wanted */
    ngx_array_t               *keys;          /* ngx_rt_api_key_t */
} ngx_rt_api_auth_t;


typedef enum {
    NGX_RT_PART_TEXT = 0,
    NGX_RT_PART_NGINX,                        /* as it was at the upgrade */
    NGX_RT_PART_CONN,                         /* $rt_*, as it is at the close */
    NGX_RT_PART_TIME                          /* the time of the close */
} ngx_rt_part_e;


/* values of variables are escaped, the text between them is not */
typedef struct {
    ngx_rt_part_e              kind;
    ngx_uint_t                 index;         /* of the variable */
    ngx_str_t                  text;
} ngx_rt_close_log_part_t;


typedef struct {
    ngx_open_file_t           *file;
    ngx_array_t               *format;        /* ngx_rt_close_log_part_t */
    time_t                     complained;    /* that it cannot be written */
} ngx_rt_close_log_t;


struct ngx_rt_loc_conf_s {
    ngx_rt_zone_t             *zone;          /* of the location's handler */
    ngx_uint_t                 api;           /* the location is rt_api's */
    ngx_uint_t                 websocket;     /* or rt_websocket's */
    ngx_uint_t                 metrics_tenants;

    ngx_array_t               *origins;       /* ngx_str_t; patterns */
    ngx_array_t               *rule_headers;  /* ngx_str_t; NULL: none */
    ngx_http_complex_value_t  *user;          /* NULL: all are anonymous */
    ngx_rt_jwt_t              *jwt;           /* NULL: there are no tokens */
    ngx_http_complex_value_t  *flag_key;      /* NULL: the user */
    ngx_rt_zone_t             *flag_zone;     /* NULL: zone, or the first */
    size_t                     max_message;
    size_t                     max_queue;
    ngx_msec_t                 connect_timeout;
    ngx_msec_t                 ping_interval;
    ngx_msec_t                 pong_timeout;
    ngx_msec_t                 close_timeout;
    ngx_msec_t                 token_grace;
    ngx_uint_t                 max_channels;

    ngx_rt_api_auth_t         *api_auth;
    ngx_rt_close_log_t        *close_log;     /* NULL: off */
    ngx_flag_t                 close_log_set;

    /* a worker's own: the log of the location's connections */
    ngx_log_t                 *error_log;
    ngx_log_t                  log;
};


/* rt_zone: the zone, and the table of workers beside it */
char *ngx_rt_conf_rt_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* rt_websocket, rt_api zone=NAME; rt_echo */
char *ngx_rt_websocket(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_rt_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_rt_echo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* of an option zone=NAME; NULL: there is none, which the log says */
ngx_rt_zone_t *ngx_rt_conf_known_zone(ngx_conf_t *cf, const ngx_str_t *option);

/*
 * ngx_rt_conf_file.c: a file, whose path becomes a full one, into temporary
 * memory.  What is wrong is said in the log.
 */
#define NGX_RT_CONF_FILE_MAX  (1024 * 1024)

ngx_int_t ngx_rt_conf_file(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *text);

void *ngx_rt_create_main_conf(ngx_conf_t *cf);
char *ngx_rt_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_rt_create_loc_conf(ngx_conf_t *cf);
char *ngx_rt_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);


#endif /* _NGX_RT_CONF_H_INCLUDED_ */
