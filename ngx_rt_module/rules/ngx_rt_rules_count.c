
/*
 * What becomes of what rules judge, counted by tenant; and where they fail, by
 * tenant, file and line.  The tables are bounded: see state/ngx_rt_tally.c.
 *
 * Called by those that ask a rule.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"


void
ngx_rt_rules_count(ngx_rt_rules_conf_t *rules, ngx_rt_rules_account_t *a,
    const ngx_str_t *tenant, ngx_rt_ruled_e what)
{
    if (a->zone != rules->zone) {
        a->zone = rules->zone;
        a->tally = ngx_rt_tally(a->zone, NGX_RT_TALLY_VERDICTS, tenant, 1);
    }

    (void) ngx_atomic_fetch_add(&a->tally->counts[what], 1);
}


void
ngx_rt_rules_count_failed(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    const ngx_str_t *tenant, ngx_uint_t line)
{
    u_char           text[NGX_INT_T_LEN];
    ngx_str_t        parts[3];
    ngx_rt_tally_t  *tally;

    parts[0] = *tenant;
    parts[1] = f->name;
    parts[2].data = text;
    parts[2].len = line ? ngx_sprintf(text, "%ui", line) - text : 0;

    tally = ngx_rt_tally(rules->zone, NGX_RT_TALLY_RULES, parts, 3);

    (void) ngx_atomic_fetch_add(&tally->counts[0], 1);
}
