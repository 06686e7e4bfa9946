
/*
 * history, history_remove: what is kept of a channel.
 *
 * Called by ngx_rt_api_method.c.  Calls state, which locks by itself; a history
 * is read in slices, each a bounded hold of the mutex.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_state.h"


/* bytes of the budget that a reply leaves for the text around it */
#define NGX_RT_API_HISTORY_SHARE  2


typedef struct {
    ngx_array_t               list;          /* rt_publication_t */
    rt_str_t                  epoch;
    uint64_t                  offset;
} ngx_rt_api_history_t;


static ngx_int_t ngx_rt_api_history_channel(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);
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
    u_char                 epoch[NGX_RT_EPOCH_LEN];
    ngx_str_t              channel;
    ngx_rt_slice_t         s;
    ngx_rt_api_history_t   h;

    if (ngx_rt_api_history_channel(api, p, reply) != NGX_OK) {
        return NGX_OK;
    }

    ngx_rt_api_since(&p->since, p, reply);

    if (p->since.len && p->reverse && p->offset == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "since",
                         "has to have an offset, where reverse is there");
    }

    if (reply->code) {
        return NGX_OK;
    }

    if (ngx_array_init(&h.list, api->request->pool, 16,
                       sizeof(rt_publication_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    channel = ngx_rt_ngx_str(&p->channel);

    ngx_rt_history_range(&s, p->since.len != 0, p->offset, p->reverse,
                         p->limit);
    s.bytes = api->budget / NGX_RT_API_HISTORY_SHARE;
    s.tenant = &api->tenant;
    s.channel = &channel;

    if (ngx_rt_history_list(api->zone, NULL, &s, &h.list) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_rt_history_epoch_is(api->zone, s.top.source, &p->epoch)) {
        ngx_rt_api_error(reply, NGX_RT_API_UNRECOVERABLE, "since",
                         "is of another epoch");
        return NGX_OK;
    }

    h.offset = s.top.offset;
    h.epoch.data = epoch;
    h.epoch.len = ngx_rt_history_epoch(api->zone, s.top.source, epoch);

    return ngx_rt_api_result(api, ngx_rt_api_history_text, &h, reply);
}


ngx_int_t
ngx_rt_api_history_remove(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_str_t  channel;

    if (ngx_rt_api_history_channel(api, p, reply) != NGX_OK) {
        return NGX_OK;
    }

    channel = ngx_rt_ngx_str(&p->channel);

    ngx_rt_history_remove(api->zone, &api->tenant, &channel);

    ngx_str_set(&reply->result, "{}");

    return NGX_OK;
}


/* NGX_DECLINED: it cannot have one, which the reply says */

static ngx_int_t
ngx_rt_api_history_channel(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_api_channel(api, &p->channel, reply);

    if (ns && ns->history == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "channel",
                         "its namespace has no history");
    }

    return reply->code ? NGX_DECLINED : NGX_OK;
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
    ngx_rt_api_history_t  *h = data;

    rt_out_lit(o, "{\"publications\":");
    rt_codec_json_publications(o, h->list.elts, h->list.nelts);
    rt_out_lit(o, ",\"epoch\":");
    rt_out_json_string(o, h->epoch.data, h->epoch.len);
    rt_out_lit(o, ",\"offset\":");
    rt_out_uint(o, h->offset);
    rt_out_lit(o, "}");
}
