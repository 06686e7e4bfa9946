
/*
 * presence and presence_stats: who is in a channel, told to those who are.
 *
 * Called by ngx_rt_command.c, and by ngx_rt_command_ask.c where there are other
 * nodes.  Calls state, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


static const rt_error_t *ngx_rt_command_list(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_pool_t *pool);
static const rt_error_t *ngx_rt_command_count(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_pool_t *pool);

ngx_int_t
ngx_rt_command_presence(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_look(client, cmd, ngx_rt_stream_others()
                                            ? ngx_rt_command_ask
                                            : ngx_rt_command_list);
}


ngx_int_t
ngx_rt_command_presence_stats(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_look(client, cmd, ngx_rt_stream_others()
                                            ? ngx_rt_command_ask
                                            : ngx_rt_command_count);
}


static const rt_error_t *
ngx_rt_command_list(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_pool_t *pool)
{
    uint64_t           clients;
    rt_reply_t         reply;
    ngx_array_t        list;
    const rt_error_t  *error;
    rt_client_info_t  *info;

    if (ngx_array_init(&list, pool, 16, sizeof(ngx_rt_present_t)) != NGX_OK) {
        return &ngx_rt_error_internal;
    }

    /* infos have to leave room for the rest in the client's queue */

    error = ngx_rt_command_charge_look(client, cmd, sub);

    if (error == NULL) {
        error = ngx_rt_command_members(client, sub, NGX_RT_PRESENCE_LISTED,
                                       client->conn->conf->max_queue / 2,
                                       &list, &clients);
    }

    if (error) {
        return error;
    }

    info = ngx_palloc(pool, (list.nelts + 1) * sizeof(rt_client_info_t));
    if (info == NULL) {
        return &ngx_rt_error_internal;
    }

    ngx_rt_presence_info(&list, info);

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.present = info;
    reply.npresent = list.nelts;

    ngx_rt_client_reply(client, &reply);

    return NULL;
}


static const rt_error_t *
ngx_rt_command_count(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_pool_t *pool)
{
    rt_reply_t         reply;
    ngx_array_t        list;
    const rt_error_t  *error;

    if (ngx_array_init(&list, pool, 16, sizeof(ngx_rt_present_t)) != NGX_OK) {
        return &ngx_rt_error_internal;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    error = ngx_rt_command_charge_look(client, cmd, sub);

    if (error) {
        return error;
    }

    error = ngx_rt_command_members(client, sub, NGX_RT_PRESENCE_COUNTED, 0,
                                   &list, &reply.clients);

    if (error && error != &ngx_rt_error_limit_exceeded) {
        return error;
    }

    reply.users = ngx_rt_presence_users(&list);

    ngx_rt_client_reply(client, &reply);

    return NULL;
}


/* of more than are looked at the first are not, either */

const rt_error_t *
ngx_rt_command_charge_look(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub)
{
    uint64_t  members, max;

    members = sub->interest->channel->clients;

    max = cmd->method == RT_METHOD_PRESENCE ? NGX_RT_PRESENCE_LISTED
                                            : NGX_RT_PRESENCE_COUNTED;

    if (ngx_rt_limit_presence(&client->looks, client->session->tenant,
                              members > max ? 0 : members)
        != NGX_OK)
    {
        return ngx_rt_command_denied();
    }

    return NULL;
}


const rt_error_t *
ngx_rt_command_members(ngx_rt_client_t *client, ngx_rt_subscription_t *sub,
    ngx_uint_t max, size_t infos, ngx_array_t *list, uint64_t *clients)
{
    ngx_str_t  channel;

    channel.data = sub->interest->channel->name;
    channel.len = sub->interest->channel->len;

    switch (ngx_rt_presence_read(client->zone, &client->tenant, &channel, max,
                                 infos, list, clients))
    {
    case NGX_OK:
        return NULL;

    case NGX_DECLINED:
        return &ngx_rt_error_limit_exceeded;

    default:
        return &ngx_rt_error_internal;
    }
}
