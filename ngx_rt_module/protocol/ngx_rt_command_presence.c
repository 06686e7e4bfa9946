
/*
 * presence and presence_stats: who is in a channel, told to those who are.
 *
 * Called by ngx_rt_command.c.  Calls state, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


/* members that a reply lists: it has to fit into the client's queue */
#define NGX_RT_PRESENCE_LISTED   1000

/* members among whom users are counted */
#define NGX_RT_PRESENCE_COUNTED  10000


static const rt_error_t *ngx_rt_command_may_look(ngx_rt_client_t *client,
    ngx_str_t *channel, ngx_uint_t max);
static ngx_int_t ngx_rt_command_look(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_uint_t max);
static const rt_error_t *ngx_rt_command_look_reply(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_uint_t max, ngx_pool_t *pool);


ngx_int_t
ngx_rt_command_presence(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_look(client, cmd, NGX_RT_PRESENCE_LISTED);
}


ngx_int_t
ngx_rt_command_presence_stats(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_look(client, cmd, NGX_RT_PRESENCE_COUNTED);
}


static const rt_error_t *
ngx_rt_command_may_look(ngx_rt_client_t *client, ngx_str_t *channel,
    ngx_uint_t max)
{
    uint64_t                members;
    ngx_rt_namespace_t     *ns;
    ngx_rt_subscription_t  *sub;

    switch (ngx_rt_namespace_find(client->main_conf, channel, &ns)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return &ngx_rt_error_unknown_channel;

    default:
        return &ngx_rt_error_bad_request;
    }

    if (!ns->presence) {
        return &ngx_rt_error_not_available;
    }

    sub = ngx_rt_subscription_lookup(client, channel);
    if (sub == NULL) {
        return &ngx_rt_error_permission_denied;
    }

    /* of more than max, no more than the first are looked at */

    members = sub->interest->channel->clients;

    if (ngx_rt_limit_presence(&client->looks, client->session->tenant,
                              members > max ? 0 : members)
        != NGX_OK)
    {
        return ngx_rt_command_denied();
    }

    return NULL;
}


static ngx_int_t
ngx_rt_command_look(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_uint_t max)
{
    ngx_str_t          channel;
    ngx_pool_t        *pool;
    const rt_error_t  *error;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    channel = ngx_rt_ngx_str(&cmd->channel);

    error = ngx_rt_command_may_look(client, &channel, max);

    if (error) {
        return ngx_rt_command_fail(client, cmd, error);
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);

    error = pool ? ngx_rt_command_look_reply(client, cmd, max, pool)
                 : &ngx_rt_error_internal;

    if (pool) {
        ngx_destroy_pool(pool);
    }

    return error ? ngx_rt_command_fail(client, cmd, error) : NGX_OK;
}


/* NULL: it has been answered */

static const rt_error_t *
ngx_rt_command_look_reply(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_uint_t max, ngx_pool_t *pool)
{
    size_t             infos;
    ngx_int_t          rc;
    ngx_str_t          channel;
    rt_reply_t         reply;
    ngx_array_t        list;
    rt_client_info_t  *info;

    if (ngx_array_init(&list, pool, 16, sizeof(ngx_rt_present_t)) != NGX_OK) {
        return &ngx_rt_error_internal;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    channel = ngx_rt_ngx_str(&cmd->channel);

    /* infos have to leave room for the rest in the client's queue */

    infos = cmd->method == RT_METHOD_PRESENCE
            ? client->conn->conf->max_queue / 2 : 0;

    rc = ngx_rt_presence_read(client->zone, &client->tenant, &channel, max,
                              infos, &list, &reply.clients);

    if (rc == NGX_ERROR) {
        return &ngx_rt_error_internal;
    }

    if (cmd->method == RT_METHOD_PRESENCE_STATS) {
        reply.users = ngx_rt_presence_users(&list);
        ngx_rt_client_reply(client, &reply);

        return NULL;
    }

    if (rc == NGX_DECLINED) {
        return &ngx_rt_error_limit_exceeded;
    }

    info = ngx_palloc(pool, (list.nelts + 1) * sizeof(rt_client_info_t));
    if (info == NULL) {
        return &ngx_rt_error_internal;
    }

    ngx_rt_presence_info(&list, info);

    reply.present = info;
    reply.npresent = list.nelts;

    ngx_rt_client_reply(client, &reply);

    return NULL;
}
