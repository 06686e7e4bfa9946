
/*
 * Subscribers who are behind, further than the copy of a durable channel goes:
 * what is next for them is read from its stream, for all who are there.
 *
 * Called by fanout/ngx_rt_behind.c, which is told later; calls redis/ by way of
 * ngx_rt_stream_page.c.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_stream_page.h"
#include "ngx_rt_stream_read.h"


/* the interest may be gone when the answer comes */
typedef struct {
    ngx_rt_reader_t            reader;
    ngx_rt_hub_t              *hub;
    uint64_t                   serial;
    uint64_t                   from;
} ngx_rt_chase_t;


static ngx_int_t ngx_rt_chase_begin(ngx_rt_interest_t *in, uint64_t from,
    uint64_t to);
static void ngx_rt_chase_handler(ngx_rt_reader_t *r, ngx_rt_leaf_t *leaf);


void
ngx_rt_stream_behind_init_process(void)
{
    ngx_rt_interest_fetch = ngx_rt_chase_begin;
}


static ngx_int_t
ngx_rt_chase_begin(ngx_rt_interest_t *in, uint64_t from, uint64_t to)
{
    ngx_rt_chase_t      *chase;
    ngx_rt_channel_t    *ch;
    ngx_rt_page_want_t   want;
    ngx_rt_namespace_t  *ns;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    ch = in->channel;

    ngx_memzero(&want, sizeof(ngx_rt_page_want_t));

    want.tenant.data = ch->tenant->name;
    want.tenant.len = ch->tenant->len;
    want.channel.data = ch->name;
    want.channel.len = ch->len;

    if (ngx_rt_namespace_find(mcf, &want.channel, &ns) != NGX_OK) {
        return NGX_DECLINED;
    }

    want.from = from;
    want.to = to;
    want.max = ngx_rt_account_full(in->account) ? 1 : NGX_RT_READ_PAGE;
    want.bytes = NGX_RT_SLICE_BYTES;
    want.history = ns->history;
    want.ttl = ns->ttl;

    chase = ngx_alloc(sizeof(ngx_rt_chase_t), ngx_cycle->log);
    if (chase == NULL) {
        return NGX_DECLINED;
    }

    chase->reader.handler = ngx_rt_chase_handler;
    chase->hub = in->hub;
    chase->serial = in->serial;
    chase->from = from;

    if (ngx_rt_page_read(&want, &chase->reader) != NGX_OK) {
        ngx_free(chase);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_rt_chase_handler(ngx_rt_reader_t *r, ngx_rt_leaf_t *leaf)
{
    ngx_rt_chase_t     *chase;
    ngx_rt_interest_t  *in;

    chase = (ngx_rt_chase_t *) r;

    in = ngx_rt_interest_lookup(chase->hub, chase->serial);

    if (in && in->fetching == chase->from) {

        if (leaf) {
            ngx_rt_interest_fetched(in, leaf->top.source, leaf->pubs, leaf->n);

        } else {
            ngx_rt_interest_fetched(in, 0, NULL, 0);
        }
    }

    ngx_free(chase);
}
