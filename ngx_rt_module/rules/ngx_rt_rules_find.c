
/*
 * A tenant's own rules: those that the API has given it, else its file.
 *
 * Called by ngx_rt_rules.c and ngx_rt_rules_event.c; calls state/ for what the
 * API has given, which hangs on the worker's view of it until that changes.  No
 * locking: all of it is the worker's own.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"
#include "ngx_rt_state.h"


#define NGX_RT_RULES_API  "api.lua"


static ngx_rt_rules_file_t *ngx_rt_rules_make(ngx_rt_rules_conf_t *rules,
    ngx_rt_overlay_t *o);
static void ngx_rt_rules_unmake(void *made);
static void ngx_rt_rules_text(ngx_str_t *json, ngx_str_t *text);
static ngx_rt_rules_file_t *ngx_rt_rules_lookup_file(
    ngx_rt_rules_conf_t *rules, const ngx_str_t *tenant);


/* in the place of one that there is no memory for: it fails */
static ngx_rt_rules_file_t  ngx_rt_rules_none = {
    .name = ngx_string(NGX_RT_RULES_API),
    .text = ngx_string("error('no memory')")
};


ngx_rt_rules_file_t *
ngx_rt_rules_lookup(ngx_rt_rules_conf_t *rules, const ngx_str_t *tenant)
{
    ngx_rt_overlay_t  *o;

    o = ngx_rt_overlay(rules->zone, tenant);

    if (o && o->rules.len) {
        return o->made ? o->made : ngx_rt_rules_make(rules, o);
    }

    return ngx_rt_rules_lookup_file(rules, tenant);
}


static ngx_rt_rules_file_t *
ngx_rt_rules_make(ngx_rt_rules_conf_t *rules, ngx_rt_overlay_t *o)
{
    ngx_rt_rules_file_t  *f;

    f = ngx_calloc(sizeof(ngx_rt_rules_file_t), ngx_cycle->log);
    if (f == NULL) {
        return &ngx_rt_rules_none;
    }

    f->conf = rules;
    f->tenant = o->tenant;
    ngx_str_set(&f->name, NGX_RT_RULES_API);
    ngx_rt_rules_text(&o->rules, &f->text);

    o->made = f;
    o->unmake = ngx_rt_rules_unmake;

    return f;
}


static void
ngx_rt_rules_unmake(void *made)
{
    ngx_rt_rules_file_t  *f;

    f = made;

    if (f->rule) {
        ngx_rt_rules_drop(f->conf, f);
    }

    ngx_free(f);
}


/* {"text":LUA,...}, which is changed; a text that is not there is no rule */

static void
ngx_rt_rules_text(ngx_str_t *json, ngx_str_t *text)
{
    rt_str_t   key, value;
    rt_json_t  j;

    ngx_str_null(text);

    rt_json_init(&j, json->data, json->len);

    if (!rt_json_object(&j)) {
        return;
    }

    while (rt_json_key(&j, &key)) {

        if (rt_str_eq(&key, "text") && rt_json_string(&j, &value)) {
            *text = ngx_rt_ngx_str(&value);

        } else if (!rt_json_skip(&j)) {
            return;
        }
    }
}


static ngx_rt_rules_file_t *
ngx_rt_rules_lookup_file(ngx_rt_rules_conf_t *rules, const ngx_str_t *tenant)
{
    int                   order;
    ngx_uint_t            low, high, middle;
    ngx_rt_rules_file_t  *files;

    files = rules->tenants.elts;
    low = 0;
    high = rules->tenants.nelts;

    while (low < high) {
        middle = (low + high) / 2;
        order = ngx_rt_rules_order(tenant, &files[middle].tenant);

        if (order == 0) {
            return &files[middle];
        }

        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    return NULL;
}
