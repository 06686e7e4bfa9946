
/*
 * connect: who the client is, whether its tenant's rules admit it, and the
 * session that it gets.  What the server subscribes it to is
 * ngx_rt_command_enter.c.
 *
 * Called by the table of ngx_rt_command.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_command_admit(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who);
static ngx_int_t ngx_rt_command_follow(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who, const rt_claims_t *claims);
static ngx_int_t ngx_rt_command_session(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who, rt_str_t *proof);


ngx_int_t
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
