
/*
 * history, for those who are subscribed; and the reply to a subscription, which
 * says where the channel's history is and brings what was missed.
 *
 * Called by ngx_rt_command.c.  Calls state and fanout, which lock by
 * themselves.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


static const rt_error_t *ngx_rt_command_read(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_pool_t *pool);
static void ngx_rt_command_range(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_slice_t *s);
static const rt_error_t *ngx_rt_command_tell(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_position_t *top, ngx_array_t *list);


ngx_int_t
ngx_rt_command_history(ngx_rt_client_t *client, rt_command_t *cmd)
{
    return ngx_rt_command_look(client, cmd, ngx_rt_command_read);
}


static const rt_error_t *
ngx_rt_command_read(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_pool_t *pool)
{
    ngx_str_t       channel;
    ngx_array_t     list;
    ngx_rt_slice_t  s;

    if (cmd->reverse && cmd->since && cmd->from.offset == 0) {
        return &ngx_rt_error_bad_request;
    }

    channel = ngx_rt_ngx_str(&cmd->channel);

    if (client->fetched) {
        return ngx_rt_command_tell(client, cmd, &client->fetched->slice.top,
                                   &client->fetched->list);
    }

    if (ngx_rt_command_await(client, cmd, &channel) != NGX_OK) {
        return NULL;
    }

    if (ngx_array_init(&list, pool, 16, sizeof(rt_publication_t)) != NGX_OK) {
        return &ngx_rt_error_internal;
    }

    ngx_rt_command_range(client, cmd, &s);

    switch (ngx_rt_history_list(client->zone, sub->interest->channel, &s,
                                &list))
    {
    case NGX_OK:
        return ngx_rt_command_tell(client, cmd, &s.top, &list);

    case NGX_DECLINED:
        ngx_rt_command_range(client, cmd, &s);

        if (ngx_rt_client_fetch(client, cmd, &s) == NGX_AGAIN) {
            return NULL;
        }

        /* fall through */

    default:
        return &ngx_rt_error_internal;
    }
}


static void
ngx_rt_command_range(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_slice_t *s)
{
    ngx_rt_history_range(s, cmd->since, cmd->from.offset, cmd->reverse,
                         cmd->limit);

    s->bytes = ngx_min(NGX_RT_REPLY_BYTES,
                       client->conn->conf->max_queue / 4);
}


static const rt_error_t *
ngx_rt_command_tell(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_position_t *top, ngx_array_t *list)
{
    u_char      epoch[NGX_RT_EPOCH_LEN];
    rt_reply_t  reply;

    if (cmd->since && !ngx_rt_history_epoch_is(client->zone, top->source,
                                               &cmd->from.epoch))
    {
        return &ngx_rt_error_unrecoverable;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.stream.epoch.data = epoch;
    reply.stream.epoch.len = ngx_rt_history_epoch(client->zone, top->source,
                                                  epoch);
    reply.stream.offset = top->offset;
    reply.stream.publications = list->elts;
    reply.stream.npublications = list->nelts;

    ngx_rt_client_reply(client, &reply);

    return NULL;
}


ngx_int_t
ngx_rt_command_missed(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_namespace_t *ns, ngx_str_t *channel)
{
    ngx_rt_slice_t  s;

    if (!ns->durable || ns->cache || !cmd->from.recover || client->fetched) {
        return NGX_OK;
    }

    s.from = cmd->from.offset + 1;
    s.to = UINT64_MAX;
    s.reverse = 0;
    s.max = 1;
    s.bytes = 1;
    s.tenant = &client->tenant;
    s.channel = channel;

    ngx_rt_history_read(client->zone, NULL, &s);

    if (s.absent < s.from || cmd->from.offset >= s.top.offset
        || !ngx_rt_history_epoch_is(client->zone, s.top.source,
                                    &cmd->from.epoch))
    {
        return NGX_OK;
    }

    s.to = s.absent;
    s.max = NGX_RT_HISTORY_CAP;
    s.bytes = ngx_min(NGX_RT_REPLY_BYTES, client->conn->conf->max_queue / 4);

    if (ngx_rt_client_fetch(client, cmd, &s) != NGX_AGAIN) {
        ngx_rt_command_absent(client, cmd);
    }

    return NGX_DONE;
}


ngx_int_t
ngx_rt_command_recover(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, rt_reply_t *reply)
{
    const rt_error_t   *error;
    ngx_rt_recovery_t   recovery;

    error = &ngx_rt_error_internal;

    if (ngx_rt_recovery_init(&recovery, client->conn) == NGX_OK) {

        if (client->fetched) {
            recovery.pubs = client->fetched->list.elts;
            recovery.n = client->fetched->list.nelts;
            recovery.source = client->fetched->slice.top.source;
        }

        if (ngx_rt_recover(sub, &cmd->from, &recovery, &reply->stream)
            == NGX_OK)
        {
            error = NULL;

            if ((cmd->flag & RT_FLAG_REJECT_UNRECOVERED)
                && reply->stream.was_recovering && !reply->stream.recovered)
            {
                error = &ngx_rt_error_unrecoverable;

            } else {
                ngx_rt_client_reply(client, reply);
            }
        }

        ngx_destroy_pool(recovery.pool);
    }

    if (error) {
        ngx_rt_client_leave(sub, 0);
        return ngx_rt_command_fail(client, cmd, error);
    }

    return NGX_OK;
}
