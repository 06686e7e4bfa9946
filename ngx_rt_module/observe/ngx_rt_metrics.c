
/*
 * rt_metrics: what the workers, the zones and the tenants count, as text for
 * Prometheus (text format 0.0.4).
 *
 * Called by nginx as a content handler.  Calls ngx_rt_snapshot.c for what lies
 * behind a mutex, and ngx_rt_metrics_text.c for the text; the workers' counters
 * are read as they are, without a mutex.  What Redis's are is told by
 * ngx_rt_metrics_redis.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_metrics_text.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_state.h"


#define ngx_rt_worker_metric(name, field, help, counter)                      \
    { name, help, offsetof(ngx_rt_slot_t, field), counter }

#define ngx_rt_zone_metric(name, field, help, counter)                        \
    { name, help, offsetof(ngx_rt_snapshot_t, field), counter }

#define ngx_rt_metrics_end  { NULL, NULL, 0, 0 }


static ngx_int_t ngx_rt_metrics_zones(ngx_http_request_t *r,
    ngx_array_t *snapshots);
static ngx_int_t ngx_rt_metrics_send(ngx_http_request_t *r,
    ngx_rt_metrics_out_t *out);
static void ngx_rt_metrics_version(ngx_rt_metrics_out_t *out);
static void ngx_rt_metrics_closes(ngx_rt_metrics_out_t *out);
static void ngx_rt_metrics_zone(ngx_rt_metrics_out_t *out,
    ngx_array_t *snapshots);
static void ngx_rt_metrics_tenants(ngx_rt_metrics_out_t *out,
    ngx_array_t *snapshots);
static void ngx_rt_metrics_rest(ngx_rt_metrics_out_t *out,
    ngx_array_t *snapshots);


static const ngx_rt_metric_t  ngx_rt_worker_metrics[] = {

    ngx_rt_worker_metric("connections", connections,
                         "Connections open now.", 0),

    ngx_rt_worker_metric("accepted", accepted,
                         "Handshakes answered with 101.", 1),

    ngx_rt_worker_metric("refused", refused,
                         "Handshakes refused.", 1),

    ngx_rt_worker_metric("publishes", publishes,
                         "Publications accepted.", 1),

    ngx_rt_worker_metric("deliveries", deliveries,
                         "Publications queued to subscribers.", 1),

    ngx_rt_worker_metric("messages_received", messages_in,
                         "Messages from clients.", 1),

    ngx_rt_worker_metric("received_bytes", bytes_in,
                         "Bytes from clients, with frame headers.", 1),

    ngx_rt_worker_metric("sent_bytes", bytes_out,
                         "Bytes to clients, with frame headers.", 1),

    ngx_rt_worker_metric("flushes", flushes,
                         "Times that a connection's queue was flushed.", 1),

    ngx_rt_worker_metric("sends", sends,
                         "Times that a socket was written to.", 1),

    ngx_rt_worker_metric("drops", drops,
                         "Deliveries given up.", 1),

    ngx_rt_worker_metric("log_laps", laps,
                         "Times that the event log overtook the worker.", 1),

    ngx_rt_worker_metric("history_gaps", gaps,
                         "Holes in the log that histories filled.", 1),

    ngx_rt_worker_metric("history_deliveries", behind,
                         "Deliveries to those behind, from histories.", 1),

    ngx_rt_worker_metric("insufficient_states", insufficient,
                         "Subscriptions with a hole, told so.", 1),

    ngx_rt_worker_metric("rings", rings,
                         "Doorbells rung at other workers.", 1),

    ngx_rt_worker_metric("wakeups", wakeups,
                         "Doorbells heard.", 1),

    ngx_rt_worker_metric("rules_asked", rules_asked,
                         "Functions of rules called.", 1),

    ngx_rt_worker_metric("rules_denied", rules_denied,
                         "Times that a rule said no.", 1),

    ngx_rt_worker_metric("rules_failed", rules_failed,
                         "Times that a rule failed, or was off.", 1),

    ngx_rt_metrics_end
};


static const ngx_rt_metric_t  ngx_rt_close_metric = {
    "closes", "Connections closed, by the code of the close frame.", 0, 1
};


static const ngx_rt_metric_t  ngx_rt_version_metric = {
    "version", "Always 1; the label tells the module's version.", 0, 0
};


static const ngx_rt_metric_t  ngx_rt_others_metric = {
    "count", "Tenants that are not listed one by one.", 0, 0
};


static const ngx_rt_metric_t  ngx_rt_zone_metrics[] = {

    ngx_rt_zone_metric("sessions", sessions,
                       "Sessions, connected or lingering.", 0),

    ngx_rt_zone_metric("sessions_lingering", lingering,
                       "Sessions that linger.", 0),

    ngx_rt_zone_metric("channels", channels,
                       "Channels with a subscriber, or a history.", 0),

    ngx_rt_zone_metric("tenants", tenants,
                       "Tenants that the zone knows.", 0),

    ngx_rt_zone_metric("tenants_idle", idle,
                       "Tenants without sessions and channels.", 0),

    ngx_rt_zone_metric("heap_pages", pages,
                       "Pages of the zone's heap, of 4096 bytes.", 0),

    ngx_rt_zone_metric("heap_pages_free", pages_free,
                       "Pages that are free.", 0),

    ngx_rt_zone_metric("heap_bytes", bytes,
                       "Bytes of the heap's blocks that are taken.", 0),

    ngx_rt_zone_metric("rollbacks", rollbacks,
                       "Changes of killed workers that were undone.", 1),

    ngx_rt_zone_metric("sessions_reaped", reaped,
                       "Sessions of killed workers that were ended.", 1),

    ngx_rt_zone_metric("limits_forgotten", forgotten,
                       "Buckets of rt_limit that found no place.", 1),

    ngx_rt_zone_metric("sessions_resumed", resumed,
                       "Times that a client got its session back.", 1),

    ngx_rt_zone_metric("sessions_taken_over", taken_over,
                       "Times that a connection lost it to another.", 1),

    ngx_rt_zone_metric("sessions_expired", expired,
                       "Sessions that nobody came back for.", 1),

    ngx_rt_zone_metric("sessions_evicted", evicted,
                       "Sessions that lingered and had to make room.", 1),

    ngx_rt_zone_metric("start_time_seconds", started,
                       "When the zone was made, seconds since 1970.", 0),

    ngx_rt_zone_metric("log_size_bytes", log_size,
                       "Size of the event log.", 0),

    ngx_rt_zone_metric("log_bytes", log_bytes,
                       "Bytes ever written to the event log.", 1),

    ngx_rt_metrics_end
};


char *
ngx_rt_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *rlcf = conf;

    ngx_int_t                  n;
    ngx_str_t                 *value, s;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "cannot stand here: the location has a handler already";
    }

    clcf->handler = ngx_rt_metrics_handler;

    if (cf->args->nelts == 1) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "tenants=", 8) == 0) {
        s.data = value[1].data + 8;
        s.len = value[1].len - 8;

        n = ngx_atoi(s.data, s.len);

        if (n != NGX_ERROR && n <= NGX_RT_METRICS_TENANTS_MAX) {
            rlcf->metrics_tenants = n;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\", write \"tenants=N\", "
                       "N from 0 to %d",
                       &value[1], NGX_RT_METRICS_TENANTS_MAX);

    return NGX_CONF_ERROR;
}


ngx_int_t
ngx_rt_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_array_t           snapshots;
    ngx_rt_metrics_out_t  out;
    ngx_rt_main_conf_t   *mcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_rt_metrics_zones(r, &snapshots) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_rt_module);

    ngx_memzero(&out, sizeof(ngx_rt_metrics_out_t));

    out.pool = r->pool;
    out.next = &out.first;

    ngx_rt_metrics_version(&out);
    ngx_rt_metrics_workers(&out, "", ngx_rt_worker_metrics);
    ngx_rt_metrics_closes(&out);

    if (mcf->redis) {
        ngx_rt_metrics_redis(&out);
    }

    ngx_rt_metrics_zone(&out, &snapshots);
    ngx_rt_metrics_tallies(&out, mcf, &snapshots);
    ngx_rt_metrics_tenants(&out, &snapshots);
    ngx_rt_metrics_rest(&out, &snapshots);

    if (out.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_rt_metrics_send(r, &out);
}


static ngx_int_t
ngx_rt_metrics_zones(ngx_http_request_t *r, ngx_array_t *snapshots)
{
    ngx_uint_t            i;
    ngx_rt_zone_t       **z;
    ngx_rt_snapshot_t    *s;
    ngx_rt_loc_conf_t    *rlcf;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_rt_module);
    rlcf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    if (ngx_array_init(snapshots, r->pool, ngx_max(mcf->zones.nelts, 1),
                       sizeof(ngx_rt_snapshot_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {

        s = ngx_array_push(snapshots);
        if (s == NULL) {
            return NGX_ERROR;
        }

        if (ngx_rt_snapshot_take(s, z[i], rlcf->metrics_tenants, r->pool)
            != NGX_OK
            || ngx_rt_metrics_labels(s, z[i], r->pool) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_metrics_send(ngx_http_request_t *r, ngx_rt_metrics_out_t *out)
{
    ngx_int_t  rc;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = out->size;

    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out->buf->last_buf = (r == r->main) ? 1 : 0;
    out->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out->first);
}


static void
ngx_rt_metrics_version(ngx_rt_metrics_out_t *out)
{
    static ngx_str_t  labels = ngx_string("version=\"" NGX_RT_VERSION "\"");

    ngx_rt_metrics_family(out, "", &ngx_rt_version_metric, 0);
    ngx_rt_metrics_sample(out, &labels, 1);
}


void
ngx_rt_metrics_workers(ngx_rt_metrics_out_t *out, const char *prefix,
    const ngx_rt_metric_t *m)
{
    u_char          text[NGX_INT64_LEN + sizeof("worker=\"\"")];
    ngx_str_t       labels;
    ngx_uint_t      i;
    ngx_rt_slot_t  *slot;

    labels.data = text;

    for ( /* void */ ; m->name; m++) {
        ngx_rt_metrics_family(out, prefix, m, m->counter);

        for (i = 0; i < NGX_RT_SLOTS; i++) {
            slot = ngx_rt_metrics_slot(i);

            if (slot == NULL) {
                continue;
            }

            labels.len = ngx_sprintf(text, "worker=\"%ui\"", i) - text;

            ngx_rt_metrics_sample(out, &labels,
                          *(ngx_atomic_t *) ((u_char *) slot + m->offset));
        }
    }
}


/* codes that were never seen have no sample */
static void
ngx_rt_metrics_closes(ngx_rt_metrics_out_t *out)
{
    u_char          text[128];
    ngx_str_t       labels;
    ngx_uint_t      i, n, code;
    const char     *name;
    ngx_rt_slot_t  *slot;

    labels.data = text;

    ngx_rt_metrics_family(out, "", &ngx_rt_close_metric, 1);

    for (i = 0; i < NGX_RT_SLOTS; i++) {
        slot = ngx_rt_metrics_slot(i);

        if (slot == NULL) {
            continue;
        }

        for (n = 0; n < NGX_RT_CLOSE_CODES; n++) {

            if (slot->closes[n] == 0) {
                continue;
            }

            code = ngx_rt_close_code(n, &name);

            labels.len = ngx_sprintf(text, "worker=\"%ui\",code=\"%ui\","
                                     "reason=\"%s\"", i, code, name)
                         - text;

            ngx_rt_metrics_sample(out, &labels, slot->closes[n]);
        }
    }
}


static void
ngx_rt_metrics_zone(ngx_rt_metrics_out_t *out, ngx_array_t *snapshots)
{
    ngx_uint_t              i;
    ngx_rt_snapshot_t      *s;
    const ngx_rt_metric_t  *m;

    s = snapshots->elts;

    for (m = ngx_rt_zone_metrics; m->name; m++) {
        ngx_rt_metrics_family(out, "zone_", m, m->counter);

        for (i = 0; i < snapshots->nelts; i++) {
            ngx_rt_metrics_sample(out, &s[i].labels,
                            *(uint64_t *) ((u_char *) &s[i] + m->offset));
        }
    }
}


static void
ngx_rt_metrics_tenants(ngx_rt_metrics_out_t *out, ngx_array_t *snapshots)
{
    ngx_uint_t              i, k, n;
    ngx_rt_snapshot_t      *s;
    const ngx_rt_metric_t  *m;

    s = snapshots->elts;

    for (k = 0; k < NGX_RT_TENANT_VALUES; k++) {
        m = &ngx_rt_tenant_metrics[k];

        ngx_rt_metrics_family(out, "tenant_", m, m->counter);

        for (i = 0; i < snapshots->nelts; i++) {
            for (n = 0; n < s[i].nrows; n++) {
                ngx_rt_metrics_sample(out, &s[i].rows[n].labels,
                                      s[i].rows[n].values[k]);
            }
        }
    }
}


/*
 * The tenants that are not listed, under names of their own, which no name of
 * a tenant can meet.  All are gauges: who is listed changes, so sums fall.
 */
static void
ngx_rt_metrics_rest(ngx_rt_metrics_out_t *out, ngx_array_t *snapshots)
{
    ngx_uint_t          i, k;
    ngx_rt_snapshot_t  *s;

    s = snapshots->elts;

    ngx_rt_metrics_family(out, "other_tenants_", &ngx_rt_others_metric, 0);

    for (i = 0; i < snapshots->nelts; i++) {
        ngx_rt_metrics_sample(out, &s[i].labels, s[i].others);
    }

    for (k = 0; k < NGX_RT_TENANT_VALUES; k++) {
        ngx_rt_metrics_family(out, "other_tenants_",
                              &ngx_rt_tenant_metrics[k], 0);

        for (i = 0; i < snapshots->nelts; i++) {
            ngx_rt_metrics_sample(out, &s[i].labels, s[i].rest[k]);
        }
    }
}


ngx_rt_slot_t *
ngx_rt_metrics_slot(ngx_uint_t i)
{
    ngx_rt_slot_t  *slot;

    slot = ngx_rt_doorbell_slot(i);

    return slot && slot->generation ? slot : NULL;
}
