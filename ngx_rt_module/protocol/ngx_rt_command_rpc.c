
/*
 * rpc: the methods that are ours, and those of a tenant's rules.  rt.publish is
 * a publish with a key, so that who did not hear of the first may say it again.
 *
 * Called by ngx_rt_command.c.  Calls ngx_rt_command_publish.c to publish.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_protocol.h"
#include "rt_event.h"


static ngx_int_t ngx_rt_command_rule(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_echo(ngx_rt_client_t *client,
    rt_command_t *cmd);
static ngx_int_t ngx_rt_command_publish_event(ngx_rt_client_t *client,
    rt_command_t *cmd);


static const struct {
    const char  *name;
    ngx_int_t  (*handle)(ngx_rt_client_t *client, rt_command_t *cmd);
} ngx_rt_command_rpcs[] = {
    { "rt.echo", ngx_rt_command_echo },
    { "rt.publish", ngx_rt_command_publish_event }
};


ngx_int_t
ngx_rt_command_rpc(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_uint_t  i, n;

    n = sizeof(ngx_rt_command_rpcs) / sizeof(ngx_rt_command_rpcs[0]);

    for (i = 0; i < n && !rt_str_eq(&cmd->rpc, ngx_rt_command_rpcs[i].name);
         i++)
    {
        /* void */
    }

    if (cmd->deep) {
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_bad_request);
    }

    return i < n ? ngx_rt_command_rpcs[i].handle(client, cmd)
                 : ngx_rt_command_rule(client, cmd);
}


/* what is not ours is for the tenant's rule; all of "rt." is ours */

static ngx_int_t
ngx_rt_command_rule(ngx_rt_client_t *client, rt_command_t *cmd)
{
    rt_reply_t         reply;
    const rt_error_t  *error;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    if (cmd->rpc.len >= 3 && ngx_memcmp(cmd->rpc.data, "rt.", 3) == 0) {
        error = &ngx_rt_error_method_not_found;
    } else {
        error = ngx_rt_command_rule_command(client, cmd, &reply.data);
    }

    if (error) {
        (void) ngx_rt_command_fail(client, cmd, error);
    } else {
        ngx_rt_client_reply(client, &reply);
    }

    ngx_rt_command_ruled(client);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_command_echo(ngx_rt_client_t *client, rt_command_t *cmd)
{
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.data = cmd->data;

    ngx_rt_client_reply(client, &reply);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_command_publish_event(ngx_rt_client_t *client, rt_command_t *cmd)
{
    u_char             tags[RT_EVENT_TAGS_MAX];
    rt_event_t         event;
    ngx_rt_publish_t   p;
    rt_publication_t   pub;
    rt_params_fault_t  fault;

    rt_event_read(cmd->data.data, cmd->data.len, &event, &fault);

    if (fault.why || event.channel.len == 0) {
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_bad_request);
    }

    ngx_rt_publish_event(client->zone, &p, &pub, &event, tags);

    cmd->channel = event.channel;

    return ngx_rt_command_publish_to(client, cmd, &p, &event);
}
