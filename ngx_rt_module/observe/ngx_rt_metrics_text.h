
/*
 * Between the files of rt_metrics.
 */


#ifndef _NGX_RT_METRICS_TEXT_H_INCLUDED_
#define _NGX_RT_METRICS_TEXT_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_observe.h"


typedef struct {
    ngx_pool_t                *pool;
    ngx_chain_t               *first;
    ngx_chain_t              **next;
    ngx_buf_t                 *buf;
    size_t                     size;
    ngx_uint_t                 failed;        /* no memory */

    const char                *prefix;        /* of the metric's name */
    const ngx_rt_metric_t     *metric;        /* whose samples come */
    ngx_uint_t                 counter;
} ngx_rt_metrics_out_t;


/* ngx_rt_metrics.c */

/* metrics of the workers' slots, up to one without a name */
void ngx_rt_metrics_workers(ngx_rt_metrics_out_t *out, const char *prefix,
    const ngx_rt_metric_t *m);

/* NULL: no worker has ever had it */
ngx_rt_slot_t *ngx_rt_metrics_slot(ngx_uint_t i);


/* ngx_rt_metrics_redis.c */
void ngx_rt_metrics_redis(ngx_rt_metrics_out_t *out);


/* ngx_rt_metrics_tally.c */
void ngx_rt_metrics_tallies(ngx_rt_metrics_out_t *out,
    ngx_rt_main_conf_t *mcf, ngx_array_t *snapshots);


/* ngx_rt_metrics_text.c */

/* a metric: what is said of it, then its samples */
void ngx_rt_metrics_family(ngx_rt_metrics_out_t *out, const char *prefix,
    const ngx_rt_metric_t *metric, ngx_uint_t counter);
void ngx_rt_metrics_sample(ngx_rt_metrics_out_t *out, ngx_str_t *labels,
    uint64_t value);

/* of a zone and its tenants; NGX_ERROR: no memory */
ngx_int_t ngx_rt_metrics_labels(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z,
    ngx_pool_t *pool);

/* a label's value; three bytes for one, at most */
u_char *ngx_rt_metrics_escape(u_char *dst, u_char *p, size_t len);


#endif /* _NGX_RT_METRICS_TEXT_H_INCLUDED_ */
