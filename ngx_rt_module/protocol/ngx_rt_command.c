
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
static ngx_int_t ngx_rt_command_connect(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_subscribe(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_unsubscribe(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_ping(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_pong(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_send(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_unknown(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_admit(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who);
static ngx_int_t ngx_rt_command_follow(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who, const rt_claims_t *claims);
static ngx_int_t ngx_rt_command_session(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who, rt_str_t *proof);
static ngx_int_t ngx_rt_command_subscribed(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, rt_claims_t *claims);
static const rt_error_t *ngx_rt_command_may_subscribe(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_str_t *channel, ngx_rt_namespace_t **nsp);


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


static ngx_int_t
ngx_rt_command_connect(ngx_rt_client_t *client, rt_command_t *cmd)
{
    u_char              proof[RT_PROOF_LEN];
    ngx_int_t           rc;
    rt_reply_t          reply;
    rt_claims_t        *claims;
    ngx_rt_conn_t      *conn;
    ngx_rt_identity_t   who;

    conn = client->conn;

    rc = ngx_rt_command_identify(client, cmd, &who, &claims);

    if (rc != NGX_OK) {
        return rc;
    }

    if (cmd->deep) {
        client->refused = 1;
        (void) ngx_rt_command_fail(client, cmd, &ngx_rt_error_bad_request);
        return NGX_DONE;
    }

    rc = claims ? ngx_rt_command_follow(client, cmd, &who, claims) : NGX_OK;

    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    if (ngx_rt_command_admit(client, cmd, &who) != NGX_OK) {
        return NGX_DONE;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.session.data = proof;

    rc = ngx_rt_command_session(client, cmd, &who, &reply.session);

    if (rc != NGX_OK) {
        return rc;
    }

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.client.data = client->session->id;
    reply.client.len = NGX_RT_ID_LEN;
    reply.version.data = (u_char *) NGX_RT_VERSION;
    reply.version.len = sizeof(NGX_RT_VERSION) - 1;
    reply.ping = (conn->conf->ping_interval + 999) / 1000;
    reply.pong = true;

    /* its reply comes before all that is told in its channels */

    ngx_rt_hub_relieve(client->zone->hub);

    rc = ngx_rt_command_enter(client, cmd, claims, &reply);

    if (rc == NGX_DECLINED) {
        ngx_rt_client_subscribe_full(client);
        return NGX_DONE;
    }

    if (rc == NGX_ERROR) {
        ngx_rt_close(conn, 3004, "internal server error");
        return NGX_DONE;
    }

    if (rc == NGX_OK) {
        ngx_rt_conn_established(conn);
    }

    return rc;
}


static ngx_int_t
ngx_rt_command_admit(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who)
{
    const rt_error_t  *error;

    error = ngx_rt_command_rule_connect(client, cmd, who);

    if (error) {
        client->refused = 1;
        (void) ngx_rt_command_fail(client, cmd, error);
    }

    ngx_rt_command_ruled(client);

    return error ? NGX_DONE : NGX_OK;
}


/*
 * What the server subscribes it to has to be there first.  NGX_AGAIN: it is
 * parked; NGX_DONE: it was refused.
 */

static ngx_int_t
ngx_rt_command_follow(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, const rt_claims_t *claims)
{
    size_t      i;
    ngx_str_t   channels[RT_CLAIMS_SUBS_MAX];
    ngx_uint_t  n;

    for (n = 0, i = 0; i < claims->nsubs; i++) {
        channels[n] = ngx_rt_ngx_str(&claims->subs[i].channel);
        n += ngx_rt_client_parks(client, &channels[n]);
    }

    if (n == 0) {
        return NGX_OK;
    }

    switch (ngx_rt_client_park(client, cmd, &who->tenant, channels, n)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_AGAIN:
        client->entering = 1;
        return NGX_AGAIN;

    default:
        ngx_rt_command_absent(client, cmd);
        return NGX_DONE;
    }
}


/* without one, what else is in the message is void: NGX_DONE */

static ngx_int_t
ngx_rt_command_session(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, rt_str_t *proof)
{
    ngx_int_t          rc;
    ngx_rt_session_t  *s;

    rc = ngx_rt_client_begin(client, cmd, who, proof);

    if (rc == NGX_ERROR) {
        ngx_rt_close(client->conn, 3004, "internal server error");
        return NGX_DONE;
    }

    if (rc == NGX_DECLINED) {
        client->refused = 1;

        (void) ngx_rt_command_fail(client, cmd, ngx_rt_command_full(client));
        return NGX_DONE;
    }

    /* the names live as long as the session */

    s = client->session;

    client->tenant.data = s->tenant->name;
    client->tenant.len = s->tenant->len;

    if (s->user) {
        client->user.data = s->user->name;
        client->user.len = s->user->len;
    }

    client->conn->account = ngx_rt_account_acquire(client->zone,
                                                   s->tenant->serial);

    if (client->conn->account == NULL) {
        ngx_rt_close(client->conn, 3004, "internal server error");
        return NGX_DONE;
    }

    return NGX_OK;
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

static ngx_int_t
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
