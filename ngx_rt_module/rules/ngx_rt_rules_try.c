
/*
 * Tries rules: what they would say, what that costs, what they log.  It is done
 * with states of its own, which end with it, so that nothing which counts or is
 * kept of the tenant's rules changes.
 *
 * Called by control/.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"


static ngx_int_t ngx_rt_rules_try_create(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *files, ngx_rt_rules_trial_t *t);
static void ngx_rt_rules_try_log(void *data, const uint8_t *text, size_t len);
static ngx_uint_t ngx_rt_rules_try_event(ngx_rt_rules_file_t *files,
    ngx_rt_rules_trial_t *t);
static void ngx_rt_rules_try_file(ngx_rt_rules_file_t *f,
    ngx_rt_rules_trial_t *t, ngx_rt_rules_views_pt views, void *data);
static ngx_uint_t ngx_rt_rules_try_failed(ngx_rt_rules_file_t *f,
    ngx_rt_rules_trial_t *t);
static ngx_int_t ngx_rt_rules_try_keep(ngx_pool_t *pool, rt_str_t *s);


ngx_int_t
ngx_rt_rules_try(ngx_rt_main_conf_t *mcf, const ngx_str_t *text,
    ngx_rt_rules_views_pt views, void *data, ngx_rt_rules_trial_t *t)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_rt_rules_file_t   files[2], *f;
    ngx_rt_rules_conf_t  *rules;

    rules = mcf->rules;

    ngx_memzero(files, sizeof(files));

    f = NULL;

    if (ngx_rt_rules_begin(mcf, t->zone, t->flag, t->flag_data)
        && text == NULL)
    {
        f = ngx_rt_rules_lookup(rules, &t->tenant);
    }

    if (text) {
        ngx_str_set(&files[0].name, "rules");
        files[0].text = *text;

    } else if (f) {
        files[0].name = f->name;
        files[0].text = f->text;
    }

    if (rules->standard) {
        files[1].name = rules->standard->name;
        files[1].text = rules->standard->text;
    }

    rc = ngx_rt_rules_try_create(rules, files, t);

    if (rc == NGX_OK && t->error.len == 0
        && !ngx_rt_rules_try_event(files, t))
    {
        for (i = 0; i < 2 && t->file == NULL && t->error.len == 0; i++) {
            if (files[i].rule) {
                ngx_rt_rules_try_file(&files[i], t, views, data);
            }
        }
    }

    /* what is told has to outlive the states */

    if (rc == NGX_OK
        && (ngx_rt_rules_try_keep(t->pool, &t->verdict.reason) != NGX_OK
            || ngx_rt_rules_try_keep(t->pool, &t->verdict.data) != NGX_OK
            || ngx_rt_rules_try_keep(t->pool, &t->event.data) != NGX_OK))
    {
        rc = NGX_ERROR;
    }

    ngx_rt_rules_done(mcf);

    for (i = 0; i < 2; i++) {
        if (files[i].rule) {
            t->steps += rt_vm_steps(rt_rule_vm(files[i].rule));
            t->bytes += rt_vm_used(rt_rule_vm(files[i].rule));
            rt_rule_done(files[i].rule);
            rt_rule_destroy(files[i].rule);
        }
    }

    return rc;
}


static ngx_int_t
ngx_rt_rules_try_create(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *files,
    ngx_rt_rules_trial_t *t)
{
    char        error[RT_VM_ERROR_MAX];
    ngx_uint_t  i;

    if (ngx_array_init(&t->log, t->pool, 4, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {

        if (files[i].text.data == NULL) {
            continue;
        }

        files[i].rule = rt_rule_create(&rules->limits,
                                       (char *) files[i].name.data,
                                       files[i].text.data, files[i].text.len,
                                       error);

        if (files[i].rule == NULL) {
            t->error.len = ngx_strlen(error);
            t->error.data = ngx_pnalloc(t->pool, t->error.len + 1);

            if (t->error.data == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(t->error.data, error, t->error.len + 1);

            return NGX_OK;
        }

        rt_rule_log_to(files[i].rule, ngx_rt_rules_try_log, t);
        rt_rule_flags(files[i].rule, t->flag, t->flag_data);
    }

    return NGX_OK;
}


/* a line for which there is no memory is not told */

static void
ngx_rt_rules_try_log(void *data, const uint8_t *text, size_t len)
{
    ngx_rt_rules_trial_t *t = data;

    u_char     *p;
    ngx_str_t  *line;

    p = ngx_pnalloc(t->pool, len);
    line = p ? ngx_array_push(&t->log) : NULL;

    if (line) {
        ngx_memcpy(p, text, len);
        line->data = p;
        line->len = len;
    }
}


/* 1: it is refused, or fails */

static ngx_uint_t
ngx_rt_rules_try_event(ngx_rt_rules_file_t *files, ngx_rt_rules_trial_t *t)
{
    uint64_t         began;
    ngx_uint_t       i, declared;
    rt_vm_result_e   result;

    if (t->event.type.len == 0) {
        return 0;
    }

    declared = 0;

    for (i = 0; i < 2; i++) {

        if (files[i].rule == NULL) {
            continue;
        }

        declared |= rt_rule_has_schemas(files[i].rule);

        began = ngx_rt_rules_clock();
        result = rt_rule_check(files[i].rule, &t->event, &t->verdict);
        t->time += ngx_rt_rules_clock() - began;

        if (result == RT_VM_NONE) {
            continue;
        }

        if (result != RT_VM_OK) {
            return ngx_rt_rules_try_failed(&files[i], t);
        }

        t->file = t->verdict.kind == RT_RULE_DENY ? files[i].name.data : NULL;

        return t->file != NULL;
    }

    if (!declared) {
        return 0;
    }

    ngx_rt_rules_unknown(&files[0], &files[1], &t->verdict);
    t->file = (files[0].rule ? files[0] : files[1]).name.data;

    return 1;
}


static void
ngx_rt_rules_try_file(ngx_rt_rules_file_t *f, ngx_rt_rules_trial_t *t,
    ngx_rt_rules_views_pt views, void *data)
{
    uint64_t               began;
    rt_vm_result_e         result;
    const rt_rule_view_t  *v;

    v = views(data, &t->event);

    began = ngx_rt_rules_clock();
    result = rt_rule_ask(f->rule, t->function, v, RT_RULE_VIEWS, &t->verdict);
    t->time += ngx_rt_rules_clock() - began;

    if (result == RT_VM_OK && t->verdict.kind != RT_RULE_PASS
        && !(t->may & 1 << t->verdict.kind))
    {
        result = rt_vm_fail(rt_rule_vm(f->rule), "%s is no answer here",
                            rt_rule_verdicts[t->verdict.kind]);
    }

    if (result == RT_VM_NONE) {
        return;
    }

    if (result != RT_VM_OK) {
        (void) ngx_rt_rules_try_failed(f, t);
        return;
    }

    if (t->verdict.kind != RT_RULE_PASS) {
        t->file = f->name.data;
    }
}


static ngx_uint_t
ngx_rt_rules_try_failed(ngx_rt_rules_file_t *f, ngx_rt_rules_trial_t *t)
{
    size_t       len;
    const char  *error;

    error = rt_vm_error(rt_rule_vm(f->rule));
    len = ngx_strlen(error);

    t->error.data = ngx_pnalloc(t->pool, len + 1);

    if (t->error.data) {
        ngx_memcpy(t->error.data, error, len + 1);
        t->error.len = len;

    } else {
        ngx_str_set(&t->error, "no memory");
    }

    ngx_memzero(&t->verdict, sizeof(rt_verdict_t));

    return 1;
}


static ngx_int_t
ngx_rt_rules_try_keep(ngx_pool_t *pool, rt_str_t *s)
{
    u_char  *p;

    if (s->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, s->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, s->data, s->len);
    s->data = p;

    return NGX_OK;
}
