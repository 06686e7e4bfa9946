
/*
 * Subscriptions of a worker's clients: each is a member of its channel in the
 * state, and stands in the worker's interest in that channel.
 *
 * Called by protocol/ and session/; calls state/, which locks.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


static rt_slab_t  ngx_rt_subscriptions;


void
ngx_rt_subscribe_init_process(void)
{
    ngx_rt_slab_init(&ngx_rt_subscriptions, sizeof(ngx_rt_subscription_t), 1);
}


ngx_int_t
ngx_rt_subscribe(ngx_rt_client_t *client, ngx_str_t *channel,
    ngx_rt_namespace_t *ns, ngx_rt_terms_t *terms,
    ngx_rt_subscription_t **subp)
{
    ngx_rt_hub_t           *hub;
    ngx_rt_told_t           told;
    ngx_rt_member_t        *m;
    ngx_rt_interest_t      *in;
    ngx_rt_position_t       top;
    ngx_rt_subscription_t  *sub;

    hub = client->zone->hub;

    sub = rt_slab_alloc(&ngx_rt_subscriptions);
    if (sub == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rt_fault(join_begin);

    m = ngx_rt_channel_join(client->zone, client->session, ns, channel,
                            terms, &told, &top);
    if (m == NULL) {
        rt_slab_free(&ngx_rt_subscriptions, sub);
        return NGX_DECLINED;
    }

    rt_fault(join_done);

    in = ngx_rt_interest_acquire(hub, m->channel, ns, &top);
    if (in == NULL) {
        ngx_rt_channel_leave(client->zone, m, 0, &told);
        ngx_rt_hub_told(hub, &told);
        rt_slab_free(&ngx_rt_subscriptions, sub);
        return NGX_ERROR;
    }

    if (top.source != in->top.source || top.offset > in->top.offset) {
        ngx_rt_interest_catch_up(in);
    }

    /* what was read before is for those who were here before */
    ngx_rt_interest_settle(in);

    sub->conn = client->conn;
    sub->interest = in;
    sub->client = client;
    sub->member = m;
    sub->lost = 0;
    sub->offset = 0;
    sub->state = NGX_RT_SUB_LIVE;
    sub->server = 0;
    sub->fetching = 0;

    ngx_queue_insert_tail(&in->subscriptions, &sub->queue);
    in->count++;
    in->watchers += (terms->flags & NGX_RT_MEMBER_WATCHES) != 0;

    ngx_queue_insert_tail(&client->subscriptions, &sub->link);
    client->nsubscriptions++;

    rt_fault(join_interest);

    ngx_rt_hub_told(hub, &told);

    *subp = sub;

    return NGX_OK;
}


void
ngx_rt_unsubscribe(ngx_rt_subscription_t *sub, ngx_uint_t stay)
{
    ngx_rt_told_t       told;
    ngx_rt_client_t    *client;
    ngx_rt_interest_t  *in;

    in = sub->interest;
    client = sub->client;

    ngx_rt_hub_relieve(in->hub);

    ngx_rt_interest_settle(in);
    ngx_rt_subscription_keep_up(sub);

    rt_fault(leave_begin);

    ngx_queue_remove(&sub->queue);
    in->count--;
    in->watchers -= (sub->member->flags & NGX_RT_MEMBER_WATCHES) != 0;

    ngx_queue_remove(&sub->link);
    client->nsubscriptions--;

    stay |= (in->count ? NGX_RT_STAY_MEMBERS : 0)
            | (in->watchers ? NGX_RT_STAY_WATCHERS : 0);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_channel_leave(client->zone, sub->member, stay, &told);
    rt_fault(leave_done);

    ngx_rt_hub_told(in->hub, &told);

    if (in->count == 0) {
        ngx_rt_interest_release(in);
    }

    rt_slab_free(&ngx_rt_subscriptions, sub);
}


ngx_rt_subscription_t *
ngx_rt_subscription_lookup(ngx_rt_client_t *client, ngx_str_t *channel)
{
    ngx_queue_t            *q;
    ngx_rt_channel_t       *ch;
    ngx_rt_subscription_t  *sub;

    for (q = ngx_queue_head(&client->subscriptions);
         q != ngx_queue_sentinel(&client->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, link);
        ch = sub->interest->channel;

        if (ch->len == channel->len
            && ngx_memcmp(ch->name, channel->data, channel->len) == 0)
        {
            return sub;
        }
    }

    return NULL;
}
