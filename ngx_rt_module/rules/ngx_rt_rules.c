
/*
 * Asks the rules.  A worker makes the state of a file when it is needed first,
 * and takes away the one that was needed longest ago when there are too many;
 * one whose budget was spent is taken away, too, so that the next call finds
 * what the first one found.
 *
 * A rule that fails ten times in a row for a tenant is off for it for ten
 * seconds: what it is to judge is refused without asking, and its neighbours
 * have the time.  So they have when a tenant's rules have had their share.
 *
 * Called by protocol/.  No locking: all of it is the worker's own.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_rules_conf.h"
#include "ngx_rt_state.h"

#include <time.h>


/* what it takes to make a state, in steps, or more where it takes longer */
#define NGX_RT_RULES_MADE  10000


static ngx_uint_t ngx_rt_rules_has(ngx_rt_rules_file_t *f,
    const char *function);
static void ngx_rt_rules_link(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f);
static void ngx_rt_rules_unlink(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f);
static ngx_int_t ngx_rt_rules_ask_file(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, const ngx_str_t *tenant, const char *function,
    const rt_rule_view_t *views, ngx_uint_t nviews, ngx_uint_t may,
    rt_verdict_t *verdict);
static uint64_t ngx_rt_rules_cost(ngx_rt_rules_conf_t *rules, uint64_t ns);


/* a bit each */
const char *const  ngx_rt_rules_functions[] = {
    "publish", "subscribe", "connect", "command", NULL
};


ngx_uint_t
ngx_rt_rules_begin(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    rt_rule_flag_pt flag, void *data)
{
    ngx_rt_rules_conf_t  *rules;

    rules = mcf->rules;

    if (rules == NULL || !rules->set) {
        return 0;
    }

    rules->zone = z;
    rules->flag = flag;
    rules->flag_data = data;

    ngx_rt_overlay_hold(z);

    return 1;
}


ngx_int_t
ngx_rt_rules_ask(ngx_rt_main_conf_t *mcf, const ngx_str_t *tenant,
    const char *function, const rt_rule_view_t *views, ngx_uint_t nviews,
    ngx_uint_t may, rt_verdict_t *verdict)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_rt_rules_conf_t  *rules;
    ngx_rt_rules_file_t  *files[2];

    rules = mcf->rules;

    files[0] = ngx_rt_rules_lookup(rules, tenant);
    files[1] = rules->standard;

    for (i = 0; i < 2; i++) {

        if (files[i] == NULL) {
            continue;
        }

        rc = ngx_rt_rules_ask_file(rules, files[i], tenant, function, views,
                                   nviews, may, verdict);

        if (rc == NGX_OK || rc == NGX_BUSY
            || (rc == NGX_ERROR && !rules->pass))
        {
            return rc;
        }
    }

    return NGX_DECLINED;
}


void
ngx_rt_rules_done(ngx_rt_main_conf_t *mcf)
{
    ngx_rt_rules_conf_t  *rules;
    ngx_rt_rules_file_t  *f;

    rules = mcf->rules;

    if (rules == NULL || rules->zone == NULL) {
        return;
    }

    ngx_rt_overlay_release(rules->zone);
    rules->zone = NULL;

    f = rules->asked;

    if (f) {
        rules->asked = NULL;
        ngx_rt_rules_done_file(rules, f);
    }

    f = rules->checked;

    if (f) {
        rules->checked = NULL;
        ngx_rt_rules_done_file(rules, f);
    }

    if (rules->upgraded) {
        ngx_free(rules->upgraded);
        rules->upgraded = NULL;
    }
}


void
ngx_rt_rules_done_file(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f)
{
    rt_rule_done(f->rule);

    if (rt_vm_spoilt(rt_rule_vm(f->rule))) {
        ngx_rt_rules_drop(rules, f);
    }
}


static ngx_int_t
ngx_rt_rules_ask_file(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    const ngx_str_t *tenant, const char *function,
    const rt_rule_view_t *views, ngx_uint_t nviews, ngx_uint_t may,
    rt_verdict_t *verdict)
{
    ngx_int_t                rc;
    rt_vm_result_e           result;
    ngx_rt_rules_error_t     error;
    ngx_rt_rules_account_t  *a;

    if (!ngx_rt_rules_has(f, function)) {
        return NGX_DECLINED;
    }

    a = ngx_rt_rules_account(rules, f, tenant);
    rc = ngx_rt_rules_account_check(rules, a);

    if (rc != NGX_OK) {
        ngx_rt_count(rules_failed, 1);
        ngx_rt_rules_count(rules, a, tenant, NGX_RT_RULED_OFF);
        return rc;
    }

    if (ngx_rt_rules_state(rules, f, a, &error) != NGX_OK) {
        ngx_rt_rules_failed(rules, f, a, tenant, function, &error);
        return NGX_ERROR;
    }

    rules->asked = f;

    ngx_rt_rules_listen(f, tenant, function);
    result = rt_rule_ask(f->rule, function, views, nviews, verdict);

    ngx_rt_rules_account_charge(a, rt_vm_spent(rt_rule_vm(f->rule)));

    if (result == RT_VM_OK && verdict->kind != RT_RULE_PASS
        && !(may & 1 << verdict->kind))
    {
        result = rt_vm_fail(rt_rule_vm(f->rule), "%s is no answer here",
                            rt_rule_verdicts[verdict->kind]);
    }

    if (result == RT_VM_OK) {
        ngx_rt_rules_account_good(a);

        ngx_rt_count(rules_asked, 1);
        ngx_rt_count(rules_denied, verdict->kind == RT_RULE_DENY);
        ngx_rt_rules_count(rules, a, tenant, verdict->kind == RT_RULE_DENY
                                             ? NGX_RT_RULED_DENIED
                                             : NGX_RT_RULED_ALLOWED);

        if (verdict->kind != RT_RULE_PASS) {
            return NGX_OK;
        }
    }

    ngx_rt_rules_why(f, &error);

    rules->asked = NULL;
    ngx_rt_rules_done_file(rules, f);

    if (result == RT_VM_OK || result == RT_VM_NONE) {
        return NGX_DECLINED;
    }

    ngx_rt_rules_failed(rules, f, a, tenant, function, &error);

    return NGX_ERROR;
}


/* who has none is not asked, and needs no state for that */

static ngx_uint_t
ngx_rt_rules_has(ngx_rt_rules_file_t *f, const char *function)
{
    ngx_uint_t  i;

    for (i = 0; f->functions && ngx_rt_rules_functions[i]; i++) {

        if (ngx_rt_rules_functions[i] == function
            || ngx_strcmp(ngx_rt_rules_functions[i], function) == 0)
        {
            return f->functions & 1 << i;
        }
    }

    return 1;
}


void
ngx_rt_rules_know(ngx_rt_rules_file_t *f, rt_rule_t *rule)
{
    ngx_uint_t  i;

    f->schemas = rt_rule_has_schemas(rule);
    f->functions = NGX_RT_RULES_KNOWN;

    for (i = 0; ngx_rt_rules_functions[i]; i++) {

        if (rt_rule_has(rule, ngx_rt_rules_functions[i])) {
            f->functions |= 1 << i;
        }
    }
}


ngx_int_t
ngx_rt_rules_state(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    ngx_rt_rules_account_t *a, ngx_rt_rules_error_t *error)
{
    uint64_t  began;

    if (f->rule) {
        if (f != rules->newest) {
            ngx_rt_rules_unlink(rules, f);
            ngx_rt_rules_link(rules, f);
        }

        rt_rule_flags(f->rule, rules->flag, rules->flag_data);
        return NGX_OK;
    }

    began = ngx_rt_rules_clock();

    if (rules->nstates == rules->max) {
        ngx_rt_rules_drop(rules, rules->oldest);
    }

    f->rule = rt_rule_create(&rules->limits, (char *) f->name.data,
                             f->text.data, f->text.len, error->text);

    ngx_rt_rules_account_charge(a, ngx_rt_rules_cost(rules,
                                             ngx_rt_rules_clock() - began));

    if (f->rule == NULL) {
        error->line = 0;
        return NGX_ERROR;
    }

    rt_rule_flags(f->rule, rules->flag, rules->flag_data);

    ngx_rt_rules_know(f, f->rule);

    ngx_rt_rules_link(rules, f);
    rules->nstates++;

    return NGX_OK;
}


static void
ngx_rt_rules_link(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f)
{
    f->newer = NULL;
    f->older = rules->newest;

    if (f->older) {
        f->older->newer = f;
    } else {
        rules->oldest = f;
    }

    rules->newest = f;
}


static void
ngx_rt_rules_unlink(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f)
{
    if (f->newer) {
        f->newer->older = f->older;
    } else {
        rules->newest = f->older;
    }

    if (f->older) {
        f->older->newer = f->newer;
    } else {
        rules->oldest = f->newer;
    }
}


/*
 * No step is counted while a text is compiled: its time is, as a call's, where
 * it took longer than one may.  Valgrind's time says nothing.
 */

static uint64_t
ngx_rt_rules_cost(ngx_rt_rules_conf_t *rules, uint64_t ns)
{
    uint64_t  steps;

#if (RT_VALGRIND)
    ns = 0;
#endif

    steps = ns * rules->limits.steps / ((uint64_t) rules->limits.time * 1000);

    return steps > rules->limits.steps ? steps : NGX_RT_RULES_MADE;
}


uint64_t
ngx_rt_rules_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
ngx_rt_rules_drop(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f)
{
    ngx_rt_rules_unlink(rules, f);
    rules->nstates--;

    rt_rule_destroy(f->rule);
    f->rule = NULL;

    if (rules->checked == f) {
        rules->checked = NULL;
    }
}


void
ngx_rt_rules_why(ngx_rt_rules_file_t *f, ngx_rt_rules_error_t *error)
{
    rt_vm_t  *vm;

    vm = rt_rule_vm(f->rule);

    error->line = rt_vm_error_line(vm);
    ngx_cpystrn((u_char *) error->text, (u_char *) rt_vm_error(vm),
                sizeof(error->text));
}


/* once a second for each file: a rule that fails does so for each client */

void
ngx_rt_rules_failed(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    ngx_rt_rules_account_t *a, const ngx_str_t *tenant, const char *function,
    const ngx_rt_rules_error_t *error)
{
    ngx_uint_t  off;

    ngx_rt_count(rules_failed, 1);
    ngx_rt_rules_count(rules, a, tenant, NGX_RT_RULED_FAILED);
    ngx_rt_rules_count_failed(rules, f, tenant, error->line);

    off = ngx_rt_rules_account_failed(a);

    if (f->told == ngx_time() && !off) {
        return;
    }

    f->told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "rule \"%s\" of \"%V\", for tenant \"%V\", failed: %s%s",
                  function, &f->name, tenant, error->text,
                  off ? "; it is off for 10 seconds" : "");
}


void
ngx_rt_rules_exit_process(ngx_rt_main_conf_t *mcf)
{
    ngx_rt_rules_conf_t  *rules;

    rules = mcf->rules;

    while (rules && rules->nstates) {
        ngx_rt_rules_drop(rules, rules->oldest);
    }
}
