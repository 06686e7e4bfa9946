
/*
 * Metrics that are tallies: their labels are the parts of a name, and those
 * without a place of their own have empty ones.
 *
 * Called by ngx_rt_metrics.c; calls state/, which takes the mutex for a copy.
 */


#include "ngx_rt.h"
#include "ngx_rt_metrics_text.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_state.h"


/* bytes of the label of a count */
#define NGX_RT_METRICS_COUNT  64


typedef struct {
    const char                *prefix;
    ngx_rt_metric_t            metric;
    ngx_rt_tally_e             kind;
    const char                *labels[NGX_RT_TALLY_PARTS];
    const char                *counts[NGX_RT_TALLY_COUNTS];  /* a label each;
                                                 NULL: not of this metric */
} ngx_rt_tally_metric_t;


static void ngx_rt_metrics_tally(ngx_rt_metrics_out_t *out,
    ngx_rt_snapshot_t *s, const ngx_rt_tally_metric_t *m,
    const ngx_rt_tally_t *tally);
static u_char *ngx_rt_metrics_tally_labels(ngx_rt_metrics_out_t *out,
    ngx_rt_snapshot_t *s, const ngx_rt_tally_metric_t *m,
    const ngx_rt_tally_t *tally, ngx_str_t *labels);


static const ngx_rt_tally_metric_t  ngx_rt_tally_metrics[] = {

    { "namespace_",
      { "drops", "Deliveries given up for slow clients, by rt_namespace's "
        "slow=.", 0, 1 },
      NGX_RT_TALLY_LOSSES,
      { "namespace" },
      { ",policy=\"disconnect\"", ",policy=\"drop\"",
        ",policy=\"conflate\"", ",policy=\"history\"" } },

    { "flag_",
      { "asked", "Times that rules or variables asked a flag, by its answer.",
        0, 1 },
      NGX_RT_TALLY_FLAGS,
      { "tenant", "flag", "variant" },
      { "" } },

    { "flag_",
      { "commands", "Commands of clients whose rules asked a flag, by its "
        "answer and how the command ended.", 0, 1 },
      NGX_RT_TALLY_FLAGS,
      { "tenant", "flag", "variant" },
      { NULL, ",outcome=\"ok\"", ",outcome=\"error\"" } },

    { "rule_",
      { "verdicts", "What rules were to judge, by what became of it.", 0, 1 },
      NGX_RT_TALLY_VERDICTS,
      { "tenant" },
      { ",outcome=\"allowed\"", ",outcome=\"denied\"",
        ",outcome=\"failed\"", ",outcome=\"off\"" } },

    { "rule_",
      { "failures", "Failures of rules, by file and line.", 0, 1 },
      NGX_RT_TALLY_RULES,
      { "tenant", "file", "line" },
      { "" } }
};


void
ngx_rt_metrics_tallies(ngx_rt_metrics_out_t *out, ngx_rt_main_conf_t *mcf,
    ngx_array_t *snapshots)
{
    ngx_uint_t                     i, k, n;
    ngx_array_t                    tallies;
    ngx_rt_zone_t                **z;
    ngx_rt_snapshot_t             *s;
    const ngx_rt_tally_metric_t   *m;

    z = mcf->zones.elts;
    s = snapshots->elts;

    for (k = 0; k < sizeof(ngx_rt_tally_metrics)
                    / sizeof(ngx_rt_tally_metrics[0]); k++)
    {
        m = &ngx_rt_tally_metrics[k];

        ngx_rt_metrics_family(out, m->prefix, &m->metric, 1);

        for (i = 0; i < mcf->zones.nelts; i++) {

            if (ngx_rt_tally_copy(z[i], m->kind, out->pool, &tallies)
                != NGX_OK)
            {
                out->failed = 1;
                return;
            }

            for (n = 0; n < tallies.nelts; n++) {
                ngx_rt_metrics_tally(out, &s[i], m,
                                     (ngx_rt_tally_t *) tallies.elts + n);
            }
        }
    }
}


/* what was never counted has no sample */

static void
ngx_rt_metrics_tally(ngx_rt_metrics_out_t *out, ngx_rt_snapshot_t *s,
    const ngx_rt_tally_metric_t *m, const ngx_rt_tally_t *tally)
{
    u_char      *p;
    ngx_str_t    labels;
    ngx_uint_t   i;

    p = NULL;

    for (i = 0; i < NGX_RT_TALLY_COUNTS; i++) {

        if (m->counts[i] == NULL || tally->counts[i] == 0) {
            continue;
        }

        if (p == NULL) {
            p = ngx_rt_metrics_tally_labels(out, s, m, tally, &labels);

            if (p == NULL) {
                out->failed = 1;
                return;
            }
        }

        labels.len = ngx_sprintf(p, "%s", m->counts[i]) - labels.data;

        ngx_rt_metrics_sample(out, &labels, tally->counts[i]);
    }
}


/* returns where that of a count goes, for which there is room */

static u_char *
ngx_rt_metrics_tally_labels(ngx_rt_metrics_out_t *out, ngx_rt_snapshot_t *s,
    const ngx_rt_tally_metric_t *m, const ngx_rt_tally_t *tally,
    ngx_str_t *labels)
{
    u_char      *p;
    size_t       len;
    ngx_str_t    part;
    ngx_uint_t   i;

    len = s->labels.len + NGX_RT_METRICS_COUNT;

    for (i = 0; i < NGX_RT_TALLY_PARTS && m->labels[i]; i++) {
        ngx_rt_tally_part(tally, i, &part);
        len += sizeof(",=\"\"") + ngx_strlen(m->labels[i]) + 3 * part.len;
    }

    p = ngx_pnalloc(out->pool, len);
    if (p == NULL) {
        return NULL;
    }

    labels->data = p;
    p = ngx_cpymem(p, s->labels.data, s->labels.len);

    for (i = 0; i < NGX_RT_TALLY_PARTS && m->labels[i]; i++) {
        ngx_rt_tally_part(tally, i, &part);

        p = ngx_sprintf(p, ",%s=\"", m->labels[i]);
        p = ngx_rt_metrics_escape(p, part.data, part.len);
        *p++ = '"';
    }

    return p;
}
