
/*
 * The text of rt_metrics (Prometheus's text format 0.0.4): names, labels and
 * values.  It grows in buffers of the request's pool.
 *
 * Called by ngx_rt_metrics.c.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_metrics_text.h"
#include "ngx_rt_state.h"


#define NGX_RT_METRICS_BUFFER  16384

/* a name with its prefix and suffix, and a help text: ours, all shorter */
#define NGX_RT_METRICS_NAME    64
#define NGX_RT_METRICS_HEAD    512


static u_char *ngx_rt_metrics_reserve(ngx_rt_metrics_out_t *out, size_t len);


static u_char *
ngx_rt_metrics_name(ngx_rt_metrics_out_t *out, u_char *p)
{
    return ngx_sprintf(p, "rt_%s%s%s", out->prefix, out->metric->name,
                       out->counter ? "_total" : "");
}


void
ngx_rt_metrics_family(ngx_rt_metrics_out_t *out, const char *prefix,
    const ngx_rt_metric_t *metric, ngx_uint_t counter)
{
    u_char  *p, *start;

    out->prefix = prefix;
    out->metric = metric;
    out->counter = counter;

    start = ngx_rt_metrics_reserve(out, NGX_RT_METRICS_HEAD);
    if (start == NULL) {
        return;
    }

    p = ngx_cpymem(start, "# HELP ", 7);
    p = ngx_rt_metrics_name(out, p);
    p = ngx_sprintf(p, " %s\n# TYPE ", metric->help);
    p = ngx_rt_metrics_name(out, p);
    p = ngx_sprintf(p, " %s\n", counter ? "counter" : "gauge");

    out->buf->last = p;
    out->size += p - start;
}


void
ngx_rt_metrics_sample(ngx_rt_metrics_out_t *out, ngx_str_t *labels,
    uint64_t value)
{
    u_char  *p, *start;

    start = ngx_rt_metrics_reserve(out, NGX_RT_METRICS_NAME + labels->len
                                        + NGX_INT64_LEN
                                        + sizeof("{} \n") - 1);
    if (start == NULL) {
        return;
    }

    p = ngx_rt_metrics_name(out, start);
    p = ngx_sprintf(p, "{%V} %uL\n", labels, value);

    out->buf->last = p;
    out->size += p - start;
}


/* room for len bytes in one piece; NULL: no memory, now or before */
static u_char *
ngx_rt_metrics_reserve(ngx_rt_metrics_out_t *out, size_t len)
{
    ngx_chain_t  *cl;

    if (out->failed) {
        return NULL;
    }

    if (out->buf && (size_t) (out->buf->end - out->buf->last) >= len) {
        return out->buf->last;
    }

    out->failed = 1;

    cl = ngx_alloc_chain_link(out->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(out->pool,
                                  ngx_max(len, NGX_RT_METRICS_BUFFER));
    if (cl->buf == NULL) {
        return NULL;
    }

    cl->next = NULL;

    *out->next = cl;
    out->next = &cl->next;
    out->buf = cl->buf;
    out->failed = 0;

    return cl->buf->last;
}


ngx_int_t
ngx_rt_metrics_labels(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z,
    ngx_pool_t *pool)
{
    u_char               *p;
    ngx_uint_t            i;
    ngx_rt_tenant_row_t  *row;

    p = ngx_pnalloc(pool, sizeof("zone=\"\"") + 3 * z->name.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    s->labels.data = p;

    p = ngx_cpymem(p, "zone=\"", 6);
    p = ngx_rt_metrics_escape(p, z->name.data, z->name.len);
    *p++ = '"';

    s->labels.len = p - s->labels.data;

    for (i = 0; i < s->nrows; i++) {
        row = &s->rows[i];

        p = ngx_pnalloc(pool, s->labels.len + sizeof(",tenant=\"\"")
                              + 3 * row->len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        row->labels.data = p;

        p = ngx_cpymem(p, s->labels.data, s->labels.len);
        p = ngx_cpymem(p, ",tenant=\"", 9);
        p = ngx_rt_metrics_escape(p, row->name, row->len);
        *p++ = '"';

        row->labels.len = p - row->labels.data;
    }

    return NGX_OK;
}


/*
 * A label's value has to be UTF-8 in which quotes and backslashes are escaped.
 * What is not UTF-8, control characters and the percent sign itself become
 * %HH, so that two names never give one value.  Three bytes for one, at most.
 */
u_char *
ngx_rt_metrics_escape(u_char *dst, u_char *p, size_t len)
{
    size_t   n;
    u_char  *last;

    last = p + len;

    while (p < last) {

        n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

        if (*p < 0x20 || *p == 0x7f || *p == '%' || n > (size_t) (last - p)
            || !rt_utf8_valid(p, n))
        {
            dst = ngx_sprintf(dst, "%%%02Xd", *p++);
            continue;
        }

        if (*p == '"' || *p == '\\') {
            *dst++ = '\\';
        }

        dst = ngx_cpymem(dst, p, n);
        p += n;
    }

    return dst;
}
