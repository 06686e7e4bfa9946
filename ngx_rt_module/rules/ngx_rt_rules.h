
/*
 * The rules of all tenants: their files, a state for each that is needed, and
 * what becomes of one that fails.
 */


#ifndef _NGX_RT_RULES_H_INCLUDED_
#define _NGX_RT_RULES_H_INCLUDED_


#include "ngx_rt.h"
#include "rt_rule.h"


/* rt_rules DIR [steps=NUMBER] [memory=SIZE] [states=NUMBER] [rate=NUMBER] */
char *ngx_rt_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* rt_rules_on_error deny|pass */
char *ngx_rt_rules_on_error(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* is there rt_rules? */
ngx_uint_t ngx_rt_rules_configured(ngx_rt_main_conf_t *mcf);

/*
 * Before the others: what a rule is asked about is of that zone, and flags are
 * answered by flag, with data.  0: there are no rules.  In any case
 * ngx_rt_rules_done() follows.
 */
ngx_uint_t ngx_rt_rules_begin(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    rt_rule_flag_pt flag, void *data);

/*
 * Asks the tenant's rule, and the default's if that says nothing.  may: a bit
 * for each kind of verdict that has a meaning here.  NGX_OK: the
 * verdict stands until ngx_rt_rules_done(), which is called in any case;
 * NGX_DECLINED: nobody says anything; NGX_ERROR: a rule failed, which has been
 * logged, and what was asked about must not be; NGX_BUSY: nor must it where the
 * tenant's rules have had their share of the worker's time.
 */
ngx_int_t ngx_rt_rules_ask(ngx_rt_main_conf_t *mcf, const ngx_str_t *tenant,
    const char *function, const rt_rule_view_t *views, ngx_uint_t nviews,
    ngx_uint_t may, rt_verdict_t *verdict);

/*
 * Before that, of an event: holds it against the schema of its type, and makes
 * it the newest version; then its data is good until ngx_rt_rules_done().
 * NGX_OK: the verdict denies it; NGX_DECLINED: it may go on; NGX_ERROR: a rule
 * failed.
 */
ngx_int_t ngx_rt_rules_check(ngx_rt_main_conf_t *mcf, const ngx_str_t *tenant,
    const char *function, rt_rule_event_t *event, rt_verdict_t *verdict);

/* in any case, after either of them */
void ngx_rt_rules_done(ngx_rt_main_conf_t *mcf);

void ngx_rt_rules_exit_process(ngx_rt_main_conf_t *mcf);


/* ngx_rt_rules_try.c */

/* how it is tried, and what comes of it */
typedef struct {
    ngx_pool_t                *pool;
    ngx_str_t                  tenant;
    ngx_rt_zone_t             *zone;
    rt_rule_flag_pt            flag;
    void                      *flag_data;
    const char                *function;
    ngx_uint_t                 may;
    rt_rule_event_t            event;         /* without a type: data only */

    rt_verdict_t               verdict;
    u_char                    *file;          /* whose it is; NULL: nobody's */
    ngx_str_t                  error;         /* empty: there was none */
    ngx_array_t                log;           /* ngx_str_t */
    uint64_t                   steps;
    uint64_t                   bytes;
    uint64_t                   time;          /* nsec of the processor */
} ngx_rt_rules_trial_t;

/* RT_RULE_VIEWS of what is tried, as the event is now */
typedef const rt_rule_view_t *(*ngx_rt_rules_views_pt)(void *data,
    rt_rule_event_t *event);

/*
 * Asks a text, or the tenant's rule if it is NULL, and then the default.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_rules_try(ngx_rt_main_conf_t *mcf, const ngx_str_t *text,
    ngx_rt_rules_views_pt views, void *data, ngx_rt_rules_trial_t *t);


/* ngx_rt_rules_headers.c */

/* rt_rule_headers NAME ... | off */
char *ngx_rt_rule_headers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Those headers of a request as a JSON object, in memory that is the caller's
 * to free.  NGX_DECLINED: they are too long.
 */
ngx_int_t ngx_rt_rule_headers_read(ngx_http_request_t *r, ngx_array_t *names,
    ngx_str_t *json);


#endif /* _NGX_RT_RULES_H_INCLUDED_ */
