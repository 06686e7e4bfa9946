
/*
 * Events among commands: what an rpc's data has to be to be one, and what the
 * schemas of the tenant's rules say of it.
 *
 * Called by ngx_rt_command_rule.c; calls rules/.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_rules.h"
#include "rt_event.h"


/* what has an id and a type is meant to be an event; sorted */

static const rt_schema_node_t  ngx_rt_command_event_nodes[] = {
    { RT_SCHEMA_OBJECT, false, 0, 5, 1, 0 },
    { RT_SCHEMA_STRING, false, 2, 0, 0, 0 },
    { RT_SCHEMA_STRING, true, 11, 0, 0, 2 },
    { RT_SCHEMA_STRING, true, 11, 0, 0, 13 },
    { RT_SCHEMA_STRING, false, 4, 0, 0, 24 },
    { RT_SCHEMA_NUMBER, true, 7, 0, 0, 28 }
};

static const rt_schema_t  ngx_rt_command_event_shape = {
    ngx_rt_command_event_nodes,
    (const uint8_t *) "idspecversiontraceparenttypeversion"
};


const rt_error_t *
ngx_rt_command_event(rt_command_t *cmd, rt_event_t *event)
{
    rt_said_t          why;
    rt_params_fault_t  fault;

    ngx_memzero(event, sizeof(rt_event_t));
    ngx_memzero(&why, sizeof(rt_said_t));

    if (cmd->data.len == 0
        || !rt_schema_check(&ngx_rt_command_event_shape,
                            ngx_rt_command_event_nodes, &cmd->data, &why))
    {
        event->data = cmd->data;
        return NULL;
    }

    rt_event_parse(cmd->data.data, cmd->data.len, event, &fault);

    return fault.why ? &ngx_rt_error_bad_request : NULL;
}


const rt_error_t *
ngx_rt_command_check(ngx_rt_client_t *client, const char *function,
    rt_event_t *event, ngx_uint_t *upgraded)
{
    rt_verdict_t       verdict;
    rt_rule_event_t    e;
    static rt_error_t  error;

    *upgraded = 0;

    if (event->type.len == 0) {
        return NULL;
    }

    e.type = event->type;
    e.version = event->version;
    e.data = event->data;
    e.upgraded = false;

    switch (ngx_rt_rules_check(client->main_conf, &client->tenant, function,
                               &e, &verdict))
    {
    case NGX_OK:
        error.code = verdict.code;
        error.message = verdict.reason;

        return &error;

    case NGX_DECLINED:
        break;

    case NGX_BUSY:
        return &ngx_rt_error_rules_busy;

    default:
        return &ngx_rt_error_internal;
    }

    if (!e.upgraded) {
        return NULL;
    }

    if (e.data.len > client->conn->conf->max_message) {
        return &ngx_rt_error_limit_exceeded;
    }

    event->version = e.version;
    event->data = e.data;
    *upgraded = 1;

    return NULL;
}
