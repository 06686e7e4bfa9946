
/*
 * Tokens in commands: who connects, what a subscription is allowed by, and how
 * both are renewed; and what becomes of those that are not.
 *
 * Called by ngx_rt_command.c and by the timer of the connection.  Calls policy,
 * which verifies, and session/ for the leases.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_command_invalid(ngx_rt_client_t *client,
    const char *why);
static const char *ngx_rt_command_holder(ngx_rt_client_t *client,
    const rt_claims_t *claims, ngx_rt_identity_t *who);
static ngx_uint_t ngx_rt_command_revoked(ngx_rt_client_t *client,
    ngx_str_t *tenant, const rt_claims_t *claims);
static const rt_error_t *ngx_rt_command_may_enter(ngx_rt_client_t *client,
    const rt_claims_t *claims);
static ngx_int_t ngx_rt_command_same(const rt_str_t *one,
    const ngx_str_t *two);
static const char *ngx_rt_command_bound(ngx_rt_client_t *client,
    rt_command_t *cmd, const rt_claims_t *claims);
static ngx_int_t ngx_rt_command_renewed(ngx_rt_client_t *client,
    rt_command_t *cmd, const rt_claims_t *claims);
static void ngx_rt_client_expire(ngx_rt_client_t *client,
    ngx_rt_lease_t *lease);


ngx_int_t
ngx_rt_command_identify(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, rt_claims_t **claims)
{
    ngx_log_t         *log;
    const char        *why;
    ngx_rt_jwt_t      *jwt;
    const rt_error_t  *error;

    *claims = NULL;

    ngx_memzero(who, sizeof(ngx_rt_identity_t));
    who->tenant = client->tenant;
    who->user = client->user;
    who->issued = RT_CLAIMS_NEVER;

    jwt = client->conn->conf->jwt;
    log = client->conn->connection->log;

    if (cmd->token.len == 0) {

        if (jwt == NULL || jwt->optional) {
            return NGX_OK;
        }

        return ngx_rt_command_invalid(client, "there is none");
    }

    if (jwt == NULL) {
        return ngx_rt_command_invalid(client, "there is no rt_jwt");
    }

    switch (ngx_rt_token_read(jwt, &cmd->token, log, claims)) {

    case NGX_RT_TOKEN_GOOD:
        break;

    case NGX_RT_TOKEN_EXPIRED:
        error = &ngx_rt_error_token_expired;
        goto refused;

    default:
        ngx_rt_close(client->conn, 3500, "invalid token");
        return NGX_DONE;
    }

    why = ngx_rt_command_holder(client, *claims, who);

    if (why) {
        return ngx_rt_command_invalid(client, why);
    }

    error = ngx_rt_command_may_enter(client, *claims);

    if (error == NULL
        && ngx_rt_client_about_claims(client, ngx_rt_token_payload()) != NGX_OK)
    {
        error = &ngx_rt_error_internal;
    }

    if (error == NULL) {
        return NGX_OK;
    }

refused:

    client->refused = 1;
    (void) ngx_rt_command_fail(client, cmd, error);

    return NGX_DONE;
}


static ngx_int_t
ngx_rt_command_invalid(ngx_rt_client_t *client, const char *why)
{
    ngx_rt_token_refused(client->conn->connection->log, why);
    ngx_rt_close(client->conn, 3500, "invalid token");

    return NGX_DONE;
}


/*
 * Of a connection token, whose it is; or why nobody's here.  The tenant is the
 * key of the zone, or the claim where that is empty; both must agree.
 */

static const char *
ngx_rt_command_holder(ngx_rt_client_t *client, const rt_claims_t *claims,
    ngx_rt_identity_t *who)
{
    if (claims->of_channel) {
        return "it is for a channel";
    }

    who->user = ngx_rt_ngx_str(&claims->sub);
    who->info = ngx_rt_ngx_str(&claims->info);
    who->jti = ngx_rt_ngx_str(&claims->jti);
    who->issued = claims->iat;

    if (who->user.len && !ngx_rt_name_valid(&who->user, NGX_RT_USER_MAX)) {
        return "its \"sub\" is no user's name";
    }

    if (who->info.len > NGX_RT_INFO_MAX) {
        return "its \"info\" is longer than 3072 bytes";
    }

    if (claims->tenant.len && client->keyless) {
        who->tenant = ngx_rt_ngx_str(&claims->tenant);

        if (!ngx_rt_name_valid(&who->tenant, NGX_RT_TENANT_MAX)) {
            return "its \"tenant\" is no tenant's name";
        }

    } else if (claims->tenant.len
               && !ngx_rt_command_same(&claims->tenant, &client->tenant))
    {
        return "it is another tenant's";
    }

    return ngx_rt_command_revoked(client, &who->tenant, claims)
           ? "it is revoked" : NULL;
}


static ngx_uint_t
ngx_rt_command_revoked(ngx_rt_client_t *client, ngx_str_t *tenant,
    const rt_claims_t *claims)
{
    ngx_str_t  user, jti;

    user = ngx_rt_ngx_str(&claims->sub);
    jti = ngx_rt_ngx_str(&claims->jti);

    return ngx_rt_revoked(client->zone, tenant, &user, &jti, claims->iat);
}


static ngx_int_t
ngx_rt_command_same(const rt_str_t *one, const ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || ngx_memcmp(one->data, two->data, one->len) == 0);
}


/* the channels that the token subscribes to; NULL: it may */

static const rt_error_t *
ngx_rt_command_may_enter(ngx_rt_client_t *client, const rt_claims_t *claims)
{
    size_t               i;
    ngx_str_t            channel;
    const rt_error_t    *error;
    ngx_rt_namespace_t  *ns;

    if (claims->more || claims->nsubs > client->conn->conf->max_channels) {
        return &ngx_rt_error_limit_exceeded;
    }

    for (i = 0; i < claims->nsubs; i++) {
        channel = ngx_rt_ngx_str(&claims->subs[i].channel);

        error = ngx_rt_command_namespace(client, &channel, &ns);

        if (error) {
            return error;
        }

        if (claims->subs[i].info.len > NGX_RT_INFO_MAX) {
            return &ngx_rt_error_bad_request;
        }
    }

    return NULL;
}


ngx_int_t
ngx_rt_command_allow(ngx_rt_client_t *client, rt_command_t *cmd,
    rt_claims_t **claims)
{
    const char    *why;
    ngx_rt_jwt_t  *jwt;

    jwt = client->conn->conf->jwt;

    if (jwt == NULL) {
        return ngx_rt_command_invalid(client, "there is no rt_jwt");
    }

    switch (ngx_rt_token_read(jwt, &cmd->token, client->conn->connection->log,
                              claims))
    {
    case NGX_RT_TOKEN_GOOD:
        break;

    case NGX_RT_TOKEN_EXPIRED:
        (void) ngx_rt_command_fail(client, cmd, &ngx_rt_error_token_expired);
        return NGX_DONE;

    default:
        (void) ngx_rt_command_fail(client, cmd,
                                   &ngx_rt_error_permission_denied);
        return NGX_DONE;
    }

    why = ngx_rt_command_bound(client, cmd, *claims);

    return why ? ngx_rt_command_invalid(client, why) : NGX_OK;
}


/*
 * Is a subscription token for this channel and this client?  NULL: it is.  A
 * token that names no tenant is that of the zone's key, or the default one's.
 */

static const char *
ngx_rt_command_bound(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_claims_t *claims)
{
    ngx_str_t  channel, id;
    rt_str_t   tenant;

    static const rt_str_t  by_default = rt_string("default");

    channel = ngx_rt_ngx_str(&cmd->channel);

    if (!claims->of_channel
        || !ngx_rt_command_same(&claims->channel, &channel))
    {
        return "it is for another channel";
    }

    if (!ngx_rt_command_same(&claims->sub, &client->user)) {
        return "it is another user's";
    }

    id.data = client->session->id;
    id.len = NGX_RT_ID_LEN;

    if (claims->client.len && !ngx_rt_command_same(&claims->client, &id)) {
        return "it is another client's";
    }

    if (claims->info.len > NGX_RT_INFO_MAX) {
        return "its \"info\" is longer than 3072 bytes";
    }

    tenant = claims->tenant;

    if (tenant.len == 0) {
        tenant = client->keyless ? by_default : ngx_rt_str(&client->tenant);
    }

    if (!ngx_rt_command_same(&tenant, &client->tenant)) {
        return "it is another tenant's";
    }

    return ngx_rt_command_revoked(client, &client->tenant, claims)
           ? "it is revoked" : NULL;
}


ngx_int_t
ngx_rt_command_refresh(ngx_rt_client_t *client, rt_command_t *cmd)
{
    const char         *why;
    rt_claims_t        *claims;
    ngx_rt_jwt_t       *jwt;
    ngx_rt_identity_t   who;

    jwt = client->conn->conf->jwt;

    if (jwt == NULL) {
        (void) ngx_rt_command_invalid(client, "there is no rt_jwt");
        return NGX_OK;
    }

    switch (ngx_rt_token_read(jwt, &cmd->token, client->conn->connection->log,
                              &claims))
    {
    case NGX_RT_TOKEN_GOOD:
        break;

    case NGX_RT_TOKEN_EXPIRED:
        ngx_rt_close(client->conn, 3005, "connection expired");
        return NGX_OK;

    default:
        ngx_rt_close(client->conn, 3500, "invalid token");
        return NGX_OK;
    }

    if (client->keyless) {
        ngx_str_set(&who.tenant, "default");

    } else {
        who.tenant = client->tenant;
    }

    why = ngx_rt_command_holder(client, claims, &who);

    if (why == NULL
        && (!ngx_rt_command_same(&claims->sub, &client->user)
            || who.tenant.len != client->tenant.len
            || ngx_memcmp(who.tenant.data, client->tenant.data,
                          who.tenant.len)
               != 0))
    {
        why = "it is another user's";
    }

    if (why) {
        (void) ngx_rt_command_invalid(client, why);
        return NGX_OK;
    }

    if (ngx_rt_session_retell(client->zone, client->session, &who.info, &who)
        != NGX_OK
        || ngx_rt_client_about_claims(client, ngx_rt_token_payload()) != NGX_OK
        || ngx_rt_lease_create(client, NULL, claims) != NGX_OK)
    {
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
    }

    return ngx_rt_command_renewed(client, cmd, claims);
}


ngx_int_t
ngx_rt_command_sub_refresh(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_str_t               channel;
    const char             *why;
    rt_claims_t            *claims;
    ngx_rt_jwt_t           *jwt;
    ngx_rt_subscription_t  *sub;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    jwt = client->conn->conf->jwt;

    if (jwt == NULL) {
        (void) ngx_rt_command_invalid(client, "there is no rt_jwt");
        return NGX_OK;
    }

    channel = ngx_rt_ngx_str(&cmd->channel);
    sub = ngx_rt_subscription_lookup(client, &channel);

    if (sub == NULL) {
        return ngx_rt_command_fail(client, cmd,
                                   &ngx_rt_error_permission_denied);
    }

    switch (ngx_rt_token_read(jwt, &cmd->token, client->conn->connection->log,
                              &claims))
    {
    case NGX_RT_TOKEN_GOOD:
        break;

    case NGX_RT_TOKEN_EXPIRED:
        ngx_rt_close(client->conn, 3005, "connection expired");
        return NGX_OK;

    default:
        ngx_rt_close(client->conn, 3500, "invalid token");
        return NGX_OK;
    }

    why = ngx_rt_command_bound(client, cmd, claims);

    if (why) {
        (void) ngx_rt_command_invalid(client, why);
        return NGX_OK;
    }

    if (ngx_rt_lease_create(client, sub, claims) != NGX_OK) {
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
    }

    return ngx_rt_command_renewed(client, cmd, claims);
}


static ngx_int_t
ngx_rt_command_renewed(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_claims_t *claims)
{
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.ttl = ngx_rt_lease_ttl(rt_claims_expiry(claims));

    ngx_rt_client_reply(client, &reply);

    return NGX_OK;
}


ngx_msec_t
ngx_rt_client_wait(ngx_rt_conn_t *conn, ngx_msec_t msec)
{
    return ngx_rt_lease_wait(conn->data, msec);
}


ngx_int_t
ngx_rt_client_wake(ngx_rt_conn_t *conn, ngx_msec_t *rest)
{
    ngx_msec_int_t    left;
    ngx_rt_lease_t   *lease;
    ngx_rt_client_t  *client;

    client = conn->data;

    /* one that is over drops its leases later */

    while (!conn->over && (lease = ngx_rt_lease_first(client)) != NULL
           && (ngx_msec_int_t) (lease->at - ngx_current_msec) <= 0)
    {
        ngx_rt_client_expire(client, lease);
    }

    if (client->leases == NULL) {
        return conn->closing ? NGX_OK : NGX_DECLINED;
    }

    left = (ngx_msec_int_t) (client->leases->due - ngx_current_msec);

    if (left <= 0) {
        return NGX_DECLINED;
    }

    *rest = left;

    return NGX_OK;
}


/*
 * The lease ends with what it was for.  What the server began the client cannot
 * renew: it comes back, and is subscribed again if it may be.
 */

static void
ngx_rt_client_expire(ngx_rt_client_t *client, ngx_rt_lease_t *lease)
{
    if (lease->sub == NULL) {
        ngx_rt_close(client->conn, 3005, "connection expired");
        return;
    }

    if (lease->sub->server) {
        ngx_rt_client_leave(lease->sub, 0);
        ngx_rt_close(client->conn, 3006, "subscription expired");
        return;
    }

    ngx_rt_client_unsubscribe(lease->sub, 2501, "subscription expired");
}
