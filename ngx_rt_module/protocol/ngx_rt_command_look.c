
/*
 * What members of a channel may ask of it: who may, and what of.
 *
 * Called by ngx_rt_command_presence.c and ngx_rt_command_history.c, which
 * answer.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"


static const rt_error_t *ngx_rt_command_may_look(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t **sub);


ngx_int_t
ngx_rt_command_look(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_command_look_pt answer)
{
    ngx_pool_t             *pool;
    const rt_error_t       *error;
    ngx_rt_subscription_t  *sub;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    error = ngx_rt_command_may_look(client, cmd, &sub);

    if (error) {
        return ngx_rt_command_fail(client, cmd, error);
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return ngx_rt_command_fail(client, cmd, &ngx_rt_error_internal);
    }

    error = answer(client, cmd, sub, pool);

    ngx_destroy_pool(pool);

    return error ? ngx_rt_command_fail(client, cmd, error) : NGX_OK;
}


/* NULL: it may */

static const rt_error_t *
ngx_rt_command_may_look(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t **sub)
{
    ngx_str_t            channel;
    const rt_error_t    *error;
    ngx_rt_namespace_t  *ns;

    channel = ngx_rt_ngx_str(&cmd->channel);

    error = ngx_rt_command_namespace(client, &channel, &ns);

    if (error) {
        return error;
    }

    if (cmd->method == RT_METHOD_HISTORY ? ns->history == 0 : !ns->presence) {
        return &ngx_rt_error_not_available;
    }

    *sub = ngx_rt_subscription_lookup(client, &channel);

    return *sub ? NULL : &ngx_rt_error_permission_denied;
}
