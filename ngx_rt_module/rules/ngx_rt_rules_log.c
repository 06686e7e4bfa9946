
/*
 * What rules say by rt.log: lines of the error log, at level info.  Below it
 * nobody listens, and they cost nothing.
 *
 * Called by those that ask a rule.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"


/* the call that goes on; a worker has one */
typedef struct {
    ngx_rt_rules_file_t  *file;
    const ngx_str_t      *tenant;
    const char           *function;
} ngx_rt_rules_call_t;


static void ngx_rt_rules_say(void *data, const uint8_t *text, size_t len);


static ngx_rt_rules_call_t  ngx_rt_rules_call;


void
ngx_rt_rules_listen(ngx_rt_rules_file_t *f, const ngx_str_t *tenant,
    const char *function)
{
    if (ngx_cycle->log->log_level < NGX_LOG_INFO) {
        rt_rule_log_to(f->rule, NULL, NULL);
        return;
    }

    ngx_rt_rules_call.file = f;
    ngx_rt_rules_call.tenant = tenant;
    ngx_rt_rules_call.function = function;

    rt_rule_log_to(f->rule, ngx_rt_rules_say, &ngx_rt_rules_call);
}


/* longer than a line of nginx's log, it is cut there */

static void
ngx_rt_rules_say(void *data, const uint8_t *text, size_t len)
{
    ngx_rt_rules_call_t *call = data;

    ngx_str_t  said;

    said.data = (u_char *) text;
    said.len = len;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "rule \"%s\" of \"%V\", for tenant \"%V\", says: %V",
                  call->function, &call->file->name, call->tenant, &said);
}
