
/*
 * Commands about what the node's copy of a durable channel does not go back to:
 * each waits for its part of the stream, and is handled again with it.
 *
 * Called by the commands; calls stream/.  What waits is kept like all that is
 * parked; what was read is there until the command was handled.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_client_park.h"
#include "ngx_rt_policy.h"


static void ngx_rt_fetch_handler(ngx_rt_range_t *r, ngx_int_t rc);


ngx_int_t
ngx_rt_client_fetch(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_slice_t *s)
{
    ngx_rt_parked_t     *parked;
    ngx_rt_namespace_t  *ns;

    parked = ngx_rt_parked_create(client, 0, ngx_rt_parked_command_len(cmd));

    if (parked == NULL) {
        return NGX_DECLINED;
    }

    ngx_rt_parked_command(&parked->cmd, cmd, (u_char *) parked->follows);

    parked->waits = 1;
    parked->channel = ngx_rt_ngx_str(&parked->cmd.channel);

    parked->range.handler = ngx_rt_fetch_handler;
    parked->range.slice = *s;
    parked->range.slice.tenant = &client->tenant;
    parked->range.slice.channel = &parked->channel;

    parked->pool = ngx_create_pool(1024, ngx_cycle->log);
    parked->range.pool = parked->pool;

    if (parked->pool
        && ngx_rt_namespace_find(client->main_conf, &parked->channel, &ns)
           == NGX_OK
        && ngx_rt_stream_range(&parked->range, ns) == NGX_OK)
    {
        return NGX_AGAIN;
    }

    ngx_queue_remove(&parked->queue);
    ngx_rt_parked_expire(parked);

    return NGX_DECLINED;
}


static void
ngx_rt_fetch_handler(ngx_rt_range_t *r, ngx_int_t rc)
{
    ngx_rt_parked_t  *parked;

    parked = (ngx_rt_parked_t *)
                 ((u_char *) r - offsetof(ngx_rt_parked_t, range));

    parked->waits = 0;
    parked->failed = (rc != NGX_OK);

    ngx_rt_parked_resume(parked);
}
