
/*
 * Observe: metrics, a line per closed connection, variables.
 */


#ifndef _NGX_RT_OBSERVE_H_INCLUDED_
#define _NGX_RT_OBSERVE_H_INCLUDED_


#include "ngx_rt.h"


/* ngx_rt_metrics.c */

/* rt_metrics [tenants=N] */
char *ngx_rt_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* its content handler */
ngx_int_t ngx_rt_metrics_handler(ngx_http_request_t *r);


/* ngx_rt_snapshot.c: numbers of a zone, copied out of shared memory */

#define NGX_RT_METRICS_TENANTS      100     /* listed, if not said */
#define NGX_RT_METRICS_TENANTS_MAX  10000
#define NGX_RT_TENANT_VALUES        27


/* name: without prefix and suffix; offset: where the value lies */
typedef struct {
    const char                *name;
    const char                *help;
    size_t                     offset;
    ngx_uint_t                 counter;       /* otherwise a gauge */
} ngx_rt_metric_t;


typedef struct {
    uint64_t                   values[NGX_RT_TENANT_VALUES];
    uint64_t                   serial;
    size_t                     len;
    u_char                     name[NGX_RT_TENANT_MAX];
    ngx_str_t                  labels;        /* the formatter's */
} ngx_rt_tenant_row_t;


typedef struct {
    uint64_t                   sessions;
    uint64_t                   channels;
    uint64_t                   tenants;
    uint64_t                   idle;
    uint64_t                   pages;
    uint64_t                   pages_free;
    uint64_t                   bytes;
    uint64_t                   rollbacks;
    uint64_t                   reaped;
    uint64_t                   forgotten;
    uint64_t                   lingering;
    uint64_t                   resumed;
    uint64_t                   taken_over;
    uint64_t                   expired;
    uint64_t                   evicted;
    uint64_t                   started;
    uint64_t                   log_size;
    uint64_t                   log_bytes;

    ngx_rt_tenant_row_t       *rows;          /* those with most sessions */
    ngx_uint_t                 nrows;
    ngx_uint_t                 max;
    uint64_t                   others;        /* tenants that are not listed */
    uint64_t                   rest[NGX_RT_TENANT_VALUES];   /* their sums */

    ngx_str_t                  labels;        /* the formatter's */
} ngx_rt_snapshot_t;


/* of ngx_rt_tenant_t; values[i] of a row is that of metric i */
extern const ngx_rt_metric_t  ngx_rt_tenant_metrics[NGX_RT_TENANT_VALUES];

/* tenants: so many are listed; memory is pool's; NGX_ERROR: there is none */
ngx_int_t ngx_rt_snapshot_take(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z,
    ngx_uint_t tenants, ngx_pool_t *pool);


/* ngx_rt_close_code.c */

#define NGX_RT_CLOSE_CODES  38              /* the last: all other codes */

/* counts a close by its code in the worker's slot; 0: no close frame */
void ngx_rt_count_close(ngx_uint_t code);

/* the place of a code in ngx_rt_slot_t.closes */
ngx_uint_t ngx_rt_close_index(ngx_uint_t code);

/* the way back: the code (0 for the others) and the name of its reason */
ngx_uint_t ngx_rt_close_code(ngx_uint_t index, const char **name);


/* ngx_rt_close_log.c */

/* rt_log PATH [format] | off */
char *ngx_rt_close_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* while the request is there: what nginx's variables are at the upgrade */
void ngx_rt_close_log_prepare(ngx_rt_conn_t *conn, ngx_http_request_t *r);

void ngx_rt_close_log_write(ngx_rt_conn_t *conn);


/* ngx_rt_variables.c */
ngx_int_t ngx_rt_add_variables(ngx_conf_t *cf);

/* of a connection, by the name of the variable; NGX_DECLINED: none of ours */
ngx_int_t ngx_rt_value_find(const ngx_str_t *name);

/* buf: NGX_RT_VALUE_LEN bytes; NGX_DECLINED: it has none */
#define NGX_RT_VALUE_LEN  576
ngx_int_t ngx_rt_value(ngx_rt_conn_t *conn, ngx_uint_t i, u_char *buf,
    ngx_str_t *value);


#endif /* _NGX_RT_OBSERVE_H_INCLUDED_ */
