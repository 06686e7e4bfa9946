
/*
 * Which channels a worker is interested in, in a hash of its hub by the
 * channel's serial.  An interest and the worker's bit in the channel's mask go
 * together: both are there from the first subscription here to the last.
 *
 * Called by ngx_rt_subscribe.c, and looked up by all of fanout/.  All of it is
 * the worker's own memory.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


static ngx_rt_interest_t *ngx_rt_interest_create(ngx_rt_hub_t *hub,
    ngx_rt_channel_t *ch, ngx_rt_namespace_t *ns);
static void ngx_rt_hub_grow(ngx_rt_hub_t *hub);


ngx_rt_interest_t *
ngx_rt_interest_lookup(ngx_rt_hub_t *hub, uint64_t serial)
{
    ngx_rt_interest_t  *in;

    for (in = hub->buckets[serial & hub->mask]; in; in = in->next) {
        if (in->serial == serial) {
            return in;
        }
    }

    return NULL;
}


ngx_rt_interest_t *
ngx_rt_interest_acquire(ngx_rt_hub_t *hub, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns, ngx_rt_position_t *top)
{
    ngx_rt_interest_t  *in, **bucket;

    in = ngx_rt_interest_lookup(hub, ch->serial);
    if (in) {
        return in;
    }

    in = ngx_rt_interest_create(hub, ch, ns);
    if (in == NULL) {
        return NULL;
    }

    ngx_rt_interest_place(in, top);

    if (++hub->interests > hub->mask + 1) {
        ngx_rt_hub_grow(hub);
    }

    bucket = &hub->buckets[in->serial & hub->mask];
    in->next = *bucket;
    *bucket = in;

    if (!ns->durable) {
        ngx_rt_stream_attend(hub->zone, ch);
    }

    return in;
}


static ngx_rt_interest_t *
ngx_rt_interest_create(ngx_rt_hub_t *hub, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns)
{
    u_char              mem[sizeof("{\"push\":") + 6 * NGX_RT_CHANNEL_MAX
                            + 64];
    rt_str_t            name;
    rt_out_t            out;
    ngx_rt_interest_t  *in;

    name.len = ch->len;
    name.data = ch->name;

    rt_out_init(&out, mem, sizeof(mem));
    rt_codec_json.push_head(&out, &name);

    in = ngx_alloc(sizeof(ngx_rt_interest_t) + out.need, ngx_cycle->log);
    if (in == NULL) {
        return NULL;
    }

    ngx_memzero(in, sizeof(ngx_rt_interest_t));

    in->account = ngx_rt_account_acquire(hub->zone, ch->tenant->serial);
    if (in->account == NULL) {
        ngx_free(in);
        return NULL;
    }

    in->losses = ngx_rt_tally(hub->zone, NGX_RT_TALLY_LOSSES, &ns->name, 1);
    in->slow = ns->slow;
    in->cache = ns->cache;

    in->channel = ch;
    in->tenant = ch->tenant;
    in->serial = ch->serial;
    in->hub = hub;
    ngx_queue_init(&in->subscriptions);

    in->head.len = out.need;
    in->head.data = (uint8_t *) in + sizeof(ngx_rt_interest_t);
    ngx_memcpy(in->head.data, mem, out.need);

    return in;
}


/* nothing is pending: it was settled when the last subscriber left */

void
ngx_rt_interest_release(ngx_rt_interest_t *in)
{
    ngx_rt_hub_t        *hub;
    ngx_rt_interest_t  **p;

    hub = in->hub;

    for (p = &hub->buckets[in->serial & hub->mask]; *p != in;
         p = &(*p)->next)
    {
        /* void */
    }

    *p = in->next;
    hub->interests--;

    ngx_rt_interest_mended(in);

    ngx_rt_account_release(in->account);
    ngx_free(in);
}


void
ngx_rt_interest_mended(ngx_rt_interest_t *in)
{
    if (in->broken) {
        in->broken = 0;
        ngx_queue_remove(&in->mend);
    }
}


/* without memory the chains just grow longer */

static void
ngx_rt_hub_grow(ngx_rt_hub_t *hub)
{
    ngx_uint_t           i, mask;
    ngx_rt_interest_t   *in, *next, **buckets;

    mask = 2 * (hub->mask + 1) - 1;

    buckets = ngx_calloc((mask + 1) * sizeof(void *), ngx_cycle->log);
    if (buckets == NULL) {
        return;
    }

    for (i = 0; i <= hub->mask; i++) {
        for (in = hub->buckets[i]; in; in = next) {
            next = in->next;
            in->next = buckets[in->serial & mask];
            buckets[in->serial & mask] = in;
        }
    }

    ngx_free(hub->buckets);

    hub->buckets = buckets;
    hub->mask = mask;
}
