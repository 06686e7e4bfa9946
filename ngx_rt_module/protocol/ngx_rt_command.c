
/*
 * Commands of a client: dispatch is a table, one handler a method.  A handler
 * answers by ngx_rt_client_reply, or closes the connection with the code that
 * the protocol gives to the fault.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


/* commands that are denied in a row, before the connection is closed */
#define NGX_RT_DENIED_MAX  1000


typedef ngx_int_t (*ngx_rt_command_pt)(ngx_rt_client_t *client,
    rt_command_t *cmd);


static ngx_int_t ngx_rt_command_charge(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_deny(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_ping(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_pong(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_send(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_unknown(ngx_rt_client_t *client,
    rt_command_t *cmd);


static ngx_rt_command_pt  ngx_rt_command_handlers[] = {
    ngx_rt_command_pong,                /* NONE */
    ngx_rt_command_connect,             /* CONNECT */
    ngx_rt_command_subscribe,           /* SUBSCRIBE */
    ngx_rt_command_unsubscribe,         /* UNSUBSCRIBE */
    ngx_rt_command_publish,             /* PUBLISH */
    ngx_rt_command_presence,            /* PRESENCE */
    ngx_rt_command_presence_stats,      /* PRESENCE_STATS */
    ngx_rt_command_history,             /* HISTORY */
    ngx_rt_command_ping,                /* PING */
    ngx_rt_command_send,                /* SEND */
    ngx_rt_command_rpc,                 /* RPC */
    ngx_rt_command_refresh,             /* REFRESH */
    ngx_rt_command_sub_refresh,         /* SUB_REFRESH */
    ngx_rt_command_unknown              /* UNKNOWN */
};


ngx_int_t
ngx_rt_command_handle(ngx_rt_client_t *client, rt_command_t *cmd)
{
    if (client->session == NULL) {

        if (cmd->method != RT_METHOD_CONNECT || client->refused) {
            return ngx_rt_command_bad(client);
        }

    } else if (cmd->method == RT_METHOD_CONNECT) {
        return ngx_rt_command_bad(client);
    }

    if (cmd->id == 0
        && cmd->method != RT_METHOD_SEND && cmd->method != RT_METHOD_NONE)
    {
        return ngx_rt_command_bad(client);
    }

    if ((client->main_conf->limited & (1 << NGX_RT_LIMIT_COMMANDS))
        && ngx_rt_command_charge(client, cmd) != NGX_OK)
    {
        return ngx_rt_command_deny(client, cmd);
    }

    return ngx_rt_command_handlers[cmd->method](client, cmd);
}


/* it was charged when it came */

void
ngx_rt_command_resume(ngx_rt_client_t *client, rt_command_t *cmd)
{
    client->entering = 0;

    (void) ngx_rt_command_handlers[cmd->method](client, cmd);
}


/* what it needs is not to be had now */

void
ngx_rt_command_absent(ngx_rt_client_t *client, rt_command_t *cmd)
{
    client->entering = 0;
    client->refused |= (cmd->method == RT_METHOD_CONNECT);

    (void) ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
}


ngx_int_t
ngx_rt_command_await(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_str_t *channel)
{
    if (!ngx_rt_client_parks(client, channel)) {
        return NGX_OK;
    }

    switch (ngx_rt_client_park(client, cmd, &client->tenant, channel, 1)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_AGAIN:
        return NGX_DONE;

    default:
        ngx_rt_command_absent(client, cmd);
        return NGX_DONE;
    }
}


/* what ends something, or was asked for by us, is free */

static ngx_int_t
ngx_rt_command_charge(ngx_rt_client_t *client, rt_command_t *cmd)
{
    if (cmd->method == RT_METHOD_CONNECT || cmd->method == RT_METHOD_NONE
        || cmd->method == RT_METHOD_UNSUBSCRIBE
        || cmd->method == RT_METHOD_PING)
    {
        return NGX_OK;
    }

    if (ngx_rt_limit_command(client->main_conf, client->buckets,
                             client->session->tenant)
        != NGX_OK)
    {
        return NGX_BUSY;
    }

    client->denied = 0;

    return NGX_OK;
}


/* who does not hear of it is closed; SDKs come back, with a growing delay */

static ngx_int_t
ngx_rt_command_deny(ngx_rt_client_t *client, rt_command_t *cmd)
{
    if (cmd->id == 0 || ++client->denied > NGX_RT_DENIED_MAX) {
        ngx_rt_close(client->conn, 3013, "too many requests");
        return NGX_DONE;
    }

    return ngx_rt_command_fail(client, cmd, ngx_rt_command_denied());
}


/* the log need not have it more often: clients are told each time */

const rt_error_t *
ngx_rt_command_full(ngx_rt_client_t *client)
{
    static time_t  last;

    if (ngx_rt_denial.what != NGX_RT_LIMIT_N) {
        return ngx_rt_command_denied();
    }

    if (last == ngx_time()) {
        return &ngx_rt_error_zone_full;
    }

    last = ngx_time();

    ngx_log_error(NGX_LOG_ERR, client->conn->connection->log, 0,
                  "rt_zone \"%V\" is full: tenant \"%V\" is refused "
                  "sessions, subscriptions or publications; make it larger",
                  &client->zone->name, &client->tenant);

    return &ngx_rt_error_zone_full;
}


const rt_error_t *
ngx_rt_command_denied(void)
{
    static u_char      text[NGX_RT_DENIAL_LEN];
    static rt_error_t  error;

    error.code = ngx_rt_limit_code(&ngx_rt_denial);
    error.message.data = text;
    error.message.len = ngx_rt_limit_text(&ngx_rt_denial, text) - text;
    error.temporary = (error.code != 106);

    return &error;
}


static ngx_int_t
ngx_rt_command_ping(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_done(client, cmd);
}


/* ingress has seen that the client lives; one that was not asked for is fine */

static ngx_int_t
ngx_rt_command_pong(ngx_rt_client_t *client, rt_command_t *cmd)
{
    if (cmd->id) {
        return ngx_rt_command_bad(client);
    }

    ngx_rt_client_ponged(client);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_command_send(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_rt_close(client->conn, 3508, "not available");
    return NGX_OK;
}


static ngx_int_t
ngx_rt_command_unknown(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_bad(client);
}


const rt_error_t *
ngx_rt_command_namespace(ngx_rt_client_t *client, const ngx_str_t *channel,
    ngx_rt_namespace_t **ns)
{
    switch (ngx_rt_namespace_find(client->main_conf, channel, ns)) {

    case NGX_OK:
        return NULL;

    case NGX_DECLINED:
        return &ngx_rt_error_unknown_channel;

    default:
        return &ngx_rt_error_bad_request;
    }
}


/* an empty result */

ngx_int_t
ngx_rt_command_done(ngx_rt_client_t *client, rt_command_t *cmd)
{
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    ngx_rt_client_reply(client, &reply);

    return NGX_OK;
}


ngx_int_t
ngx_rt_command_fail(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_error_t *error)
{
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.error = error;

    ngx_rt_client_reply(client, &reply);

    return NGX_OK;
}


ngx_int_t
ngx_rt_command_bad(ngx_rt_client_t *client)
{
    ngx_rt_close(client->conn, 3501, "bad request");
    return NGX_OK;
}
