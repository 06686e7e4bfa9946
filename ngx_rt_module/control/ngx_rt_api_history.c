
/*
 * history, history_remove: what is kept of a channel.
 *
 * Called by ngx_rt_api_method.c.  Calls state, which locks by itself; a history
 * is read in slices, each a bounded hold of the mutex.  What this node does not
 * have of a durable channel is read from its stream, and removed there, by
 * stream/: then the request waits.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


/* bytes of the budget that a reply leaves for the text around it */
#define NGX_RT_API_HISTORY_SHARE  2


/* in the request's pool */
typedef struct {
    ngx_rt_range_t            range;
    ngx_rt_api_t             *api;
    ngx_rt_api_reply_t       *reply;
    ngx_str_t                 channel;
    rt_str_t                  since;         /* an epoch, or empty */

    /* what is said */
    ngx_array_t              *list;          /* rt_publication_t */
    rt_str_t                  epoch;
    uint64_t                  offset;
} ngx_rt_api_history_t;


/* a request that waits for the end of a stream's entries; its pool's cleanup */
typedef struct {
    ngx_rt_emptying_t         emptying;
    ngx_rt_api_t             *api;
    ngx_rt_api_reply_t       *reply;
} ngx_rt_api_emptying_t;


static ngx_int_t ngx_rt_api_history_read(ngx_rt_api_history_t *h,
    ngx_rt_namespace_t *ns);
static ngx_int_t ngx_rt_api_history_stream(ngx_rt_api_history_t *h,
    ngx_rt_namespace_t *ns);
static void ngx_rt_api_history_handler(ngx_rt_range_t *r, ngx_int_t rc);
static void ngx_rt_api_history_cleanup(void *data);
static ngx_int_t ngx_rt_api_history_say(ngx_rt_api_history_t *h,
    ngx_array_t *list);
static ngx_int_t ngx_rt_api_history_empty(ngx_rt_api_t *api,
    ngx_str_t *channel, ngx_rt_api_reply_t *reply);
static void ngx_rt_api_history_empty_handler(ngx_rt_emptying_t *e,
    ngx_int_t rc);
static void ngx_rt_api_history_empty_cleanup(void *data);
static ngx_rt_namespace_t *ngx_rt_api_history_channel(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);
static void ngx_rt_api_history_away(ngx_rt_api_reply_t *reply);
static void ngx_rt_api_history_text(rt_out_t *o, void *data);


static const rt_param_t  ngx_rt_api_since_fields[] = {

    { rt_string("offset"), RT_PARAM_COUNT,
      offsetof(ngx_rt_api_params_t, offset) },

    { rt_string("epoch"), RT_PARAM_STRING,
      offsetof(ngx_rt_api_params_t, epoch) },

    { rt_string(""), RT_PARAM_VALUE, 0 }
};


ngx_int_t
ngx_rt_api_history(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_slice_t        *s;
    ngx_rt_namespace_t    *ns;
    ngx_rt_api_history_t  *h;

    ns = ngx_rt_api_history_channel(api, p, reply);

    ngx_rt_api_since(&p->since, p, reply);

    if (p->since.len && p->reverse && p->offset == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "since",
                         "has to have an offset, where reverse is there");
    }

    if (reply->code) {
        return NGX_OK;
    }

    h = ngx_pcalloc(api->pool, sizeof(ngx_rt_api_history_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->api = api;
    h->reply = reply;
    h->channel = ngx_rt_ngx_str(&p->channel);
    h->since = p->epoch;

    s = &h->range.slice;

    ngx_rt_history_range(s, p->since.len != 0, p->offset, p->reverse,
                         p->limit);
    s->bytes = api->budget / NGX_RT_API_HISTORY_SHARE;
    s->tenant = &api->tenant;
    s->channel = &h->channel;

    return ngx_rt_api_history_read(h, ns);
}


/* the copy of a durable channel's history may be stale, or not have it all */

static ngx_int_t
ngx_rt_api_history_read(ngx_rt_api_history_t *h, ngx_rt_namespace_t *ns)
{
    ngx_array_t     list;
    ngx_rt_api_t   *api;
    ngx_rt_copy_t   copy;
    ngx_rt_slice_t  s;

    api = h->api;
    s = h->range.slice;

    if (ns->durable
        && (ngx_rt_copy_look(api->zone, s.tenant, s.channel, &copy) != NGX_OK
            || !copy.fresh))
    {
        return ngx_rt_api_history_stream(h, ns);
    }

    if (ngx_array_init(&list, api->pool, 16,
                       sizeof(rt_publication_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (ngx_rt_history_list(api->zone, NULL, &s, &list)) {

    case NGX_OK:
        h->range.slice.top = s.top;
        return ngx_rt_api_history_say(h, &list);

    case NGX_DECLINED:
        return ngx_rt_api_history_stream(h, ns);

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_rt_api_history_stream(ngx_rt_api_history_t *h, ngx_rt_namespace_t *ns)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(h->api->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    h->range.handler = ngx_rt_api_history_handler;
    h->range.pool = ngx_create_pool(1024, ngx_cycle->log);

    if (h->range.pool == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_rt_api_history_cleanup;
    cln->data = h;

    switch (ngx_rt_stream_range(&h->range, ns)) {

    case NGX_OK:
        h->api->waits++;
        return NGX_OK;

    case NGX_DECLINED:
        ngx_rt_api_history_away(h->reply);
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static void
ngx_rt_api_history_handler(ngx_rt_range_t *r, ngx_int_t rc)
{
    ngx_rt_api_history_t  *h;

    h = (ngx_rt_api_history_t *)
            ((u_char *) r - offsetof(ngx_rt_api_history_t, range));

    if (rc == NGX_DECLINED) {
        ngx_rt_api_history_away(h->reply);

    } else if (rc != NGX_OK || ngx_rt_api_history_say(h, &r->list) != NGX_OK) {
        ngx_rt_api_error(h->reply, NGX_RT_API_INTERNAL, NULL, "no memory");
    }

    /* a batch may have many: what was read goes now */

    ngx_rt_api_history_cleanup(h);

    ngx_rt_api_arrived(h->api);
}


static void
ngx_rt_api_history_cleanup(void *data)
{
    ngx_rt_api_history_t *h = data;

    if (h->range.pool) {
        ngx_destroy_pool(h->range.pool);
        h->range.pool = NULL;
    }
}


static ngx_int_t
ngx_rt_api_history_say(ngx_rt_api_history_t *h, ngx_array_t *list)
{
    u_char              epoch[NGX_RT_EPOCH_LEN];
    ngx_rt_position_t  *top;

    top = &h->range.slice.top;

    if (!ngx_rt_history_epoch_is(h->api->zone, top->source, &h->since)) {
        ngx_rt_api_error(h->reply, NGX_RT_API_UNRECOVERABLE, "since",
                         "is of another epoch");
        return NGX_OK;
    }

    h->list = list;
    h->offset = top->offset;
    h->epoch.data = epoch;
    h->epoch.len = ngx_rt_history_epoch(h->api->zone, top->source, epoch);

    return ngx_rt_api_result(h->api, ngx_rt_api_history_text, h, h->reply);
}


ngx_int_t
ngx_rt_api_history_remove(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_str_t            channel;
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_api_history_channel(api, p, reply);

    if (reply->code) {
        return NGX_OK;
    }

    channel = ngx_rt_ngx_str(&p->channel);

    if (ns->durable) {
        return ngx_rt_api_history_empty(api, &channel, reply);
    }

    ngx_rt_history_remove(api->zone, &api->tenant, &channel, NULL);

    ngx_str_set(&reply->result, "{}");

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_history_empty(ngx_rt_api_t *api, ngx_str_t *channel,
    ngx_rt_api_reply_t *reply)
{
    ngx_pool_cleanup_t     *cln;
    ngx_rt_api_emptying_t  *e;

    cln = ngx_pool_cleanup_add(api->pool,
                               sizeof(ngx_rt_api_emptying_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    e = cln->data;

    e->emptying.handler = ngx_rt_api_history_empty_handler;
    e->emptying.emptied = NULL;
    e->api = api;
    e->reply = reply;

    cln->handler = ngx_rt_api_history_empty_cleanup;

    if (ngx_rt_stream_empty(api->zone, &api->tenant, channel, &e->emptying)
        != NGX_OK)
    {
        ngx_rt_api_history_away(reply);
        return NGX_OK;
    }

    api->waits++;

    return NGX_OK;
}


static void
ngx_rt_api_history_empty_handler(ngx_rt_emptying_t *emptying, ngx_int_t rc)
{
    ngx_rt_api_emptying_t  *e;

    e = (ngx_rt_api_emptying_t *) emptying;

    if (rc == NGX_OK) {
        ngx_str_set(&e->reply->result, "{}");

    } else {
        ngx_rt_api_history_away(e->reply);
    }

    ngx_rt_api_arrived(e->api);
}


static void
ngx_rt_api_history_empty_cleanup(void *data)
{
    ngx_rt_api_emptying_t *e = data;

    ngx_rt_stream_empty_forget(&e->emptying);
}


static void
ngx_rt_api_history_away(ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_error(reply, NGX_RT_API_INTERNAL, NULL,
                     "Redis did not answer, try again");
}


/* if it cannot have one, the reply says so */

static ngx_rt_namespace_t *
ngx_rt_api_history_channel(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_api_channel(api, &p->channel, reply);

    if (ns && ns->history == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "channel",
                         "its namespace has no history");
    }

    return ns;
}


void
ngx_rt_api_since(rt_json_value_t *from, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    rt_json_t  j;

    if (from->len) {
        rt_json_init(&j, from->data, from->len);
        ngx_rt_api_read(&j, ngx_rt_api_since_fields, p, reply);
    }
}


static void
ngx_rt_api_history_text(rt_out_t *o, void *data)
{
    ngx_rt_api_history_t *h = data;

    rt_out_lit(o, "{\"publications\":");
    rt_codec_json_publications(o, h->list->elts, h->list->nelts);
    rt_out_lit(o, ",\"epoch\":");
    rt_out_json_string(o, h->epoch.data, h->epoch.len);
    rt_out_lit(o, ",\"offset\":");
    rt_out_uint(o, h->offset);
    rt_out_lit(o, "}");
}
