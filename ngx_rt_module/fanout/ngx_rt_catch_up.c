
/*
 * Positions: up to which offset a worker has a channel with a history.  One is
 * kept for each interest, not for each subscriber: all that are not behind have
 * what was encoded, or have it pending.
 *
 * Live publications come by the log.  What the log skips (it lapped the worker,
 * or a publisher was killed before it told of what it had stored) is read from
 * the history.  What that does not have any more is a hole, of which those who
 * are subscribed are told: 2500, they subscribe again.
 *
 * Called by delivery, by the watch, and before someone subscribes.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


/* the share of a hub's channels that is checked each second */
#define NGX_RT_CHECK_SHARE  8


static void ngx_rt_interest_break(ngx_rt_interest_t *in,
    ngx_rt_position_t *top);
static ngx_rt_subscription_t *ngx_rt_interest_lost(ngx_rt_interest_t *in);
static void ngx_rt_interest_check(ngx_rt_interest_t *in);


void
ngx_rt_interest_place(ngx_rt_interest_t *in, ngx_rt_position_t *top)
{
    in->top = *top;

    in->epoch_len = ngx_rt_history_epoch(in->hub->zone, top->source,
                                         in->epoch);
}


ngx_uint_t
ngx_rt_interest_due(ngx_rt_interest_t *in, rt_log_record_t *record)
{
    ngx_rt_position_t  before;

    if (record->offset == 0) {
        return 1;
    }

    /* the history was switched on */

    if (in->top.source == 0) {
        before.source = record->source;
        before.offset = record->offset - 1;
        ngx_rt_interest_place(in, &before);
    }

    if (record->source == in->top.source
        && record->offset <= in->top.offset + 1)
    {
        return record->offset == in->top.offset + 1;
    }

    /* what is of another source may be old or new: the history knows */

    ngx_rt_count(gaps, 1);
    ngx_rt_interest_catch_up(in);

    return 0;
}


void
ngx_rt_interest_catch_up(ngx_rt_interest_t *in)
{
    ngx_uint_t         i;
    ngx_rt_slice_t     s;
    ngx_rt_position_t  top;

    top.offset = 0;

    do {
        s.from = in->top.offset + 1;
        s.to = top.offset ? top.offset : NGX_RT_OFFSET_MAX;
        s.reverse = 0;
        s.max = NGX_RT_SLICE;
        s.bytes = NGX_RT_SLICE_BYTES;

        ngx_rt_history_read(in->hub->zone, in->channel, &s);

        if (top.offset == 0) {
            top = s.top;
        }

        if (s.top.source == in->top.source
            && top.offset == in->top.offset)
        {
            return;
        }

        if (s.top.source != in->top.source || s.n == 0
            || s.pubs[0].offset != in->top.offset + 1)
        {
            ngx_rt_interest_break(in, &s.top);
            return;
        }

        for (i = 0; i < s.n; i++) {

            /* without memory it is tried again later */

            if (ngx_rt_interest_encode(in, &s.pubs[i]) != NGX_OK) {
                return;
            }
        }

    } while (in->top.offset < top.offset);
}


/*
 * There is a hole.  Those who are subscribed are told by the next turn, until
 * when they get nothing; who comes from now on begins behind it.
 */

static void
ngx_rt_interest_break(ngx_rt_interest_t *in, ngx_rt_position_t *top)
{
    ngx_queue_t            *q;
    ngx_rt_subscription_t  *sub;

    ngx_rt_interest_settle(in);

    /* that a history begins is no hole */

    for (q = ngx_queue_head(&in->subscriptions);
         in->top.source && q != ngx_queue_sentinel(&in->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);
        ngx_rt_subscription_keep_up(sub);
        sub->state = NGX_RT_SUB_LOST;
    }

    ngx_rt_interest_place(in, top);
    ngx_rt_interest_mend_later(in);
}


void
ngx_rt_subscription_lose(ngx_rt_subscription_t *sub)
{
    ngx_rt_interest_t  *in;

    in = sub->interest;

    ngx_rt_subscription_keep_up(sub);
    sub->state = NGX_RT_SUB_LOST;

    /* the lost ones stand first */

    ngx_queue_remove(&sub->queue);
    ngx_queue_insert_head(&in->subscriptions, &sub->queue);

    ngx_rt_interest_mend_later(in);
}


void
ngx_rt_interest_mend_later(ngx_rt_interest_t *in)
{
    if (!in->broken) {
        in->broken = 1;
        ngx_queue_insert_tail(&in->hub->broken, &in->mend);
    }

    ngx_rt_turn_post();
}


ngx_int_t
ngx_rt_hub_mend(ngx_rt_hub_t *hub, ngx_uint_t budget)
{
    u_char                  name[NGX_RT_CHANNEL_MAX];
    ngx_queue_t            *q;
    ngx_rt_conn_t          *conn;
    ngx_rt_order_t          order;
    ngx_rt_channel_t       *ch;
    ngx_rt_interest_t      *in;
    ngx_rt_subscription_t  *sub;

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    order.kind = NGX_RT_ORDER_MEND;
    order.text.data = name;

    while (!ngx_queue_empty(&hub->broken)) {

        if (budget-- == 0) {
            return NGX_AGAIN;
        }

        q = ngx_queue_head(&hub->broken);
        in = ngx_queue_data(q, ngx_rt_interest_t, mend);
        sub = ngx_rt_interest_lost(in);

        if (sub == NULL) {
            ngx_rt_interest_mended(in);
            continue;
        }

        /* one whose connection is at its end stays until that */

        sub->state = NGX_RT_SUB_GONE;

        ngx_queue_remove(&sub->queue);
        ngx_queue_insert_tail(&in->subscriptions, &sub->queue);

        conn = sub->conn;
        ch = in->channel;

        order.text.len = ch->len;
        ngx_memcpy(name, ch->name, ch->len);

        ngx_rt_count(insufficient, 1);
        conn->app->order(conn, &order);
    }

    return NGX_OK;
}


static ngx_rt_subscription_t *
ngx_rt_interest_lost(ngx_rt_interest_t *in)
{
    ngx_queue_t            *q;
    ngx_rt_subscription_t  *sub;

    if (ngx_queue_empty(&in->subscriptions)) {
        return NULL;
    }

    q = ngx_queue_head(&in->subscriptions);
    sub = ngx_queue_data(q, ngx_rt_subscription_t, queue);

    return sub->state == NGX_RT_SUB_LOST ? sub : NULL;
}


void
ngx_rt_hub_check(ngx_rt_hub_t *hub, ngx_uint_t all)
{
    ngx_uint_t          n;
    ngx_rt_interest_t  *in;

    n = all ? hub->mask + 1 : hub->mask / NGX_RT_CHECK_SHARE + 1;

    while (n--) {
        hub->checked = (hub->checked + 1) & hub->mask;

        for (in = hub->buckets[hub->checked]; in; in = in->next) {
            ngx_rt_interest_check(in);
        }
    }
}


/*
 * Looks without the mutex: the history is there as long as the channel is, and
 * what is read is only a reason to look again.
 */

static void
ngx_rt_interest_check(ngx_rt_interest_t *in)
{
    ngx_rt_history_t  *h;

    h = in->channel->history;

    if (h && (h->source != in->top.source
              || (h->source && h->list.top != in->top.offset)))
    {
        ngx_rt_interest_catch_up(in);
    }
}
