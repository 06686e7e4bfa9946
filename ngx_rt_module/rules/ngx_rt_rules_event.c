
/*
 * Events, before a rule judges them: of a type that a schema declares, of a
 * version that it has, with the data that it asks for, and made the newest.
 * The tenant's own file is asked first, then default.lua; where neither
 * declares any type, an event is whatever it is.
 *
 * Called by protocol/.  No locking: all of it is the worker's own.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_rules_conf.h"


static ngx_int_t ngx_rt_rules_check_file(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, const ngx_str_t *tenant, const char *function,
    rt_rule_event_t *event, rt_verdict_t *verdict);
static ngx_int_t ngx_rt_rules_upgraded(ngx_rt_rules_conf_t *rules,
    rt_rule_event_t *event);
static void ngx_rt_rules_no_upgrade(rt_rule_event_t *event,
    rt_verdict_t *verdict);
static void ngx_rt_rules_refuse(rt_verdict_t *verdict, ngx_uint_t code);


/* of the event that was refused last */
static rt_said_t  ngx_rt_rules_said;


ngx_int_t
ngx_rt_rules_check(ngx_rt_main_conf_t *mcf, const ngx_str_t *tenant,
    const char *function, rt_rule_event_t *event, rt_verdict_t *verdict)
{
    ngx_int_t             rc;
    ngx_uint_t            i, declared;
    ngx_rt_rules_conf_t  *rules;
    ngx_rt_rules_file_t  *files[2];

    rules = mcf->rules;

    files[0] = ngx_rt_rules_lookup(rules, tenant);
    files[1] = rules->standard;
    declared = 0;

    for (i = 0; i < 2; i++) {

        if (files[i] == NULL) {
            continue;
        }

        rc = ngx_rt_rules_check_file(rules, files[i], tenant, function, event,
                                     verdict);

        if (rc != NGX_DECLINED) {
            return rc == NGX_DONE ? NGX_DECLINED : rc;
        }

        declared |= files[i]->schemas;
    }

    if (!declared) {
        return NGX_DECLINED;
    }

    ngx_rt_rules_unknown(files[0], files[1], verdict);
    ngx_rt_count(rules_denied, 1);

    return NGX_OK;
}


/*
 * NGX_DECLINED: the type is not one of the file's; NGX_DONE: the event goes on.
 * A file that is off, or breaks, lets nothing through that it may have a schema
 * for, whatever rt_rules_on_error says of its functions.
 */

static ngx_int_t
ngx_rt_rules_check_file(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    const ngx_str_t *tenant, const char *function, rt_rule_event_t *event,
    rt_verdict_t *verdict)
{
    ngx_int_t                rc;
    rt_vm_result_e           result;
    ngx_rt_rules_error_t     error;
    ngx_rt_rules_account_t  *a;

    a = ngx_rt_rules_account(rules, f, tenant);
    rc = ngx_rt_rules_account_check(rules, a);

    if (rc != NGX_OK) {
        ngx_rt_count(rules_failed, f->schemas);
        return f->schemas ? rc : NGX_DECLINED;
    }

    if (ngx_rt_rules_state(rules, f, a, &error) != NGX_OK) {
        ngx_rt_rules_failed(rules, f, a, tenant, function, &error);
        return NGX_ERROR;
    }

    ngx_rt_rules_listen(f, tenant, function);
    result = rt_rule_check(f->rule, event, verdict);

    ngx_rt_rules_account_charge(a, rt_vm_spent(rt_rule_vm(f->rule)));

    switch (result) {

    case RT_VM_NONE:
        return NGX_DECLINED;

    case RT_VM_OK:
        rules->checked = f;

        if (verdict->kind == RT_RULE_DENY) {
            ngx_rt_count(rules_denied, 1);
            return NGX_OK;
        }

        if (event->upgraded) {
            return ngx_rt_rules_upgraded(rules, event);
        }

        return NGX_DONE;

    default:
        break;
    }

    ngx_rt_rules_why(f, &error);
    ngx_rt_rules_done_file(rules, f);
    ngx_rt_rules_failed(rules, f, a, tenant, function, &error);
    ngx_rt_rules_no_upgrade(event, verdict);

    return NGX_OK;
}


/* what one state has made is for another one, too, which may push it out */

static ngx_int_t
ngx_rt_rules_upgraded(ngx_rt_rules_conf_t *rules, rt_rule_event_t *event)
{
    rules->upgraded = ngx_alloc(event->data.len, ngx_cycle->log);

    if (rules->upgraded == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(rules->upgraded, event->data.data, event->data.len);
    event->data.data = rules->upgraded;

    return NGX_DONE;
}


static void
ngx_rt_rules_no_upgrade(rt_rule_event_t *event, rt_verdict_t *verdict)
{
    rt_said_t  *said;

    said = &ngx_rt_rules_said;
    ngx_memzero(said, sizeof(rt_said_t));

    rt_say_lit(said, "version ");
    rt_say_number(said, event->version);
    rt_say_lit(said, " of ");
    rt_say(said, event->type.data, event->type.len);
    rt_say_lit(said, " cannot be upgraded");

    ngx_rt_rules_refuse(verdict, RT_RULE_INVALID);
}


void
ngx_rt_rules_unknown(ngx_rt_rules_file_t *own, ngx_rt_rules_file_t *standard,
    rt_verdict_t *verdict)
{
    rt_said_t  *said;

    said = &ngx_rt_rules_said;
    ngx_memzero(said, sizeof(rt_said_t));

    rt_say_lit(said, "unknown type, write one of");

    if (own && own->rule) {
        rt_rule_say_types(own->rule, NULL, said);
    }

    if (standard && standard->rule) {
        rt_rule_say_types(standard->rule, own ? own->rule : NULL, said);
    }

    ngx_rt_rules_refuse(verdict, RT_RULE_UNKNOWN);
}


static void
ngx_rt_rules_refuse(rt_verdict_t *verdict, ngx_uint_t code)
{
    ngx_memzero(verdict, sizeof(rt_verdict_t));

    verdict->kind = RT_RULE_DENY;
    verdict->code = code;
    verdict->reason.data = ngx_rt_rules_said.text;
    verdict->reason.len = ngx_rt_rules_said.len;
}
