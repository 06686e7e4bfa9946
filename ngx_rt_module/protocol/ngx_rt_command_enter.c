
/*
 * What a connection token grants: how long the connection lasts, and the
 * channels that the server subscribes the client to, from where the client
 * says that it is in them.
 *
 * Called by ngx_rt_command.c.  Calls policy, fanout, and session/ for the
 * leases; they lock by themselves.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_command_enter_all(ngx_rt_client_t *client,
    const rt_claims_t *claims, ngx_rt_recovery_t *r, rt_reply_t *reply);
static ngx_int_t ngx_rt_command_enter_channel(ngx_rt_client_t *client,
    const rt_claims_sub_t *claim, ngx_rt_recovery_t *r, rt_reply_sub_t *told);
static const rt_since_t *ngx_rt_command_since(const rt_str_t *channel);


/* of the connect that is handled */
static rt_position_t  ngx_rt_positions[RT_CLAIMS_SUBS_MAX];
static size_t         ngx_rt_npositions;


ngx_int_t
ngx_rt_command_enter(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_claims_t *claims, rt_reply_t *reply)
{
    size_t             max;
    ngx_int_t          rc;
    ngx_rt_recovery_t  recovery;

    max = ngx_min(client->conn->conf->max_channels, RT_CLAIMS_SUBS_MAX);

    if (!client->codec->positions(&cmd->subs, ngx_rt_positions, max,
                                  &ngx_rt_npositions))
    {
        (void) ngx_rt_command_bad(client);
        return NGX_DONE;
    }

    if (ngx_rt_recovery_init(&recovery, client->conn) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = claims ? ngx_rt_command_enter_all(client, claims, &recovery, reply)
                : NGX_OK;

    if (rc == NGX_OK) {
        ngx_rt_client_reply(client, reply);
    }

    ngx_destroy_pool(recovery.pool);

    return rc;
}


static ngx_int_t
ngx_rt_command_enter_all(ngx_rt_client_t *client, const rt_claims_t *claims,
    ngx_rt_recovery_t *r, rt_reply_t *reply)
{
    size_t                 i;
    ngx_int_t              rc;
    ngx_str_t              channel;

    static rt_reply_sub_t  subs[RT_CLAIMS_SUBS_MAX];

    if (ngx_rt_lease_create(client, NULL, claims) != NGX_OK) {
        return NGX_ERROR;
    }

    reply->ttl = ngx_rt_lease_ttl(rt_claims_expiry(claims));
    reply->subs = subs;

    for (i = 0; i < claims->nsubs; i++) {
        channel = ngx_rt_ngx_str(&claims->subs[i].channel);

        if (ngx_rt_subscription_lookup(client, &channel)) {
            continue;
        }

        rc = ngx_rt_command_enter_channel(client, &claims->subs[i], r,
                                          &subs[reply->nsubs]);

        if (rc != NGX_OK) {
            return rc;
        }

        reply->nsubs++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_command_enter_channel(ngx_rt_client_t *client,
    const rt_claims_sub_t *claim, ngx_rt_recovery_t *r, rt_reply_sub_t *told)
{
    ngx_int_t               rc;
    ngx_str_t               channel;
    ngx_rt_terms_t          terms;
    ngx_rt_namespace_t     *ns;
    ngx_rt_subscription_t  *sub;

    channel = ngx_rt_ngx_str(&claim->channel);

    if (ngx_rt_namespace_find(client->main_conf, &channel, &ns) != NGX_OK) {
        return NGX_ERROR;
    }

    terms.flags = ngx_rt_namespace_flags(ns, 0, &claim->override);
    terms.info = ngx_rt_ngx_str(&claim->info);

    rc = ngx_rt_subscribe(client, &channel, ns, &terms, &sub);

    if (rc != NGX_OK) {
        return rc;
    }

    sub->server = 1;

    told->channel = claim->channel;
    told->data = claim->data;

    return ngx_rt_recover(sub, ngx_rt_command_since(&claim->channel), r,
                          &told->stream);
}


static const rt_since_t *
ngx_rt_command_since(const rt_str_t *channel)
{
    size_t                    i;
    const rt_str_t           *name;

    static const rt_since_t   none;

    for (i = 0; i < ngx_rt_npositions; i++) {
        name = &ngx_rt_positions[i].channel;

        if (name->len == channel->len
            && ngx_memcmp(name->data, channel->data, name->len) == 0)
        {
            return &ngx_rt_positions[i].since;
        }
    }

    return &none;
}
