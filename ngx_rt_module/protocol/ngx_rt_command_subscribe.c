
/*
 * subscribe and unsubscribe: whether the client may, by the namespace, its
 * token and its tenant's rules, and what it gets then.
 *
 * Called by the table of ngx_rt_command.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_command_subscribed(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, rt_claims_t *claims);
static const rt_error_t *ngx_rt_command_may_subscribe(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_str_t *channel, ngx_rt_namespace_t **nsp);


ngx_int_t
ngx_rt_command_subscribe(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_str_t                   channel;
    rt_claims_t                *claims;
    ngx_rt_terms_t              terms;
    const rt_error_t           *error;
    ngx_rt_namespace_t         *ns;
    ngx_rt_subscription_t      *sub;
    static const rt_override_t  none;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    channel = ngx_rt_ngx_str(&cmd->channel);

    error = ngx_rt_command_may_subscribe(client, cmd, &channel, &ns);

    if (error) {
        return ngx_rt_command_fail(client, cmd, error);
    }

    claims = NULL;

    if (cmd->token.len
        && ngx_rt_command_allow(client, cmd, &claims) != NGX_OK)
    {
        return NGX_OK;
    }

    if (ngx_rt_command_await(client, cmd, &channel) != NGX_OK
        || ngx_rt_command_missed(client, cmd, ns, &channel) != NGX_OK)
    {
        return NGX_OK;
    }

    error = ngx_rt_command_rule_subscribe(client, cmd, ns);

    if (error) {
        (void) ngx_rt_command_fail(client, cmd, error);
    }

    ngx_rt_command_ruled(client);

    if (error) {
        return NGX_OK;
    }

    terms.flags = ngx_rt_namespace_flags(ns, cmd->join_leave,
                                         claims ? &claims->override : &none);
    ngx_str_null(&terms.info);

    if (claims) {
        terms.info = ngx_rt_ngx_str(&claims->info);
    }

    ngx_rt_hub_relieve(client->zone->hub);

    switch (ngx_rt_subscribe(client, &channel, ns, &terms, &sub)) {

    case NGX_OK:
        return ngx_rt_command_subscribed(client, cmd, sub, claims);

    case NGX_DECLINED:
        return ngx_rt_command_fail(client, cmd, ngx_rt_command_full(client));

    default:
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
    }
}


static ngx_int_t
ngx_rt_command_subscribed(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, rt_claims_t *claims)
{
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    if (claims) {

        if (ngx_rt_lease_create(client, sub, claims) != NGX_OK) {
            ngx_rt_client_leave(sub, 0);
            return ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
        }

        reply.ttl = ngx_rt_lease_ttl(rt_claims_expiry(claims));
    }

    return ngx_rt_command_recover(client, cmd, sub, &reply);
}


/* NULL: it may, if there is a token and it says so, too */

static const rt_error_t *
ngx_rt_command_may_subscribe(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_str_t *channel, ngx_rt_namespace_t **nsp)
{
    const rt_error_t  *error;

    if (cmd->deep) {
        return &ngx_rt_error_bad_request;
    }

    error = ngx_rt_command_namespace(client, channel, nsp);

    if (error) {
        return error;
    }

    if (ngx_rt_subscription_lookup(client, channel)
        || ngx_rt_client_waits(client, channel))
    {
        return &ngx_rt_error_already_subscribed;
    }

    if (cmd->type || cmd->filter.len) {
        return &ngx_rt_error_not_available;
    }

    if (cmd->token.len == 0
        && ngx_rt_namespace_admit(*nsp, channel, &client->user) != NGX_OK)
    {
        return &ngx_rt_error_permission_denied;
    }

    if (client->nsubscriptions >= client->conn->conf->max_channels) {
        ngx_rt_limit_deny(client->session->tenant, NGX_RT_LIMIT_SUBSCRIPTIONS,
                          NGX_RT_PAYER_SESSION,
                          client->conn->conf->max_channels, 0);
        return ngx_rt_command_denied();
    }

    return NULL;
}


/* always a success: an error would make SDKs drop the connection */

ngx_int_t
ngx_rt_command_unsubscribe(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_str_t               channel;
    ngx_rt_subscription_t  *sub;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    channel = ngx_rt_ngx_str(&cmd->channel);

    sub = ngx_rt_subscription_lookup(client, &channel);

    ngx_rt_client_unpark_channel(client, &channel, &ngx_rt_error_internal);

    if (sub) {
        ngx_rt_client_leave(sub, 0);

    } else if (client->session->linger) {
        ngx_rt_client_forgo(client, &channel);
    }

    return ngx_rt_command_done(client, cmd);
}
