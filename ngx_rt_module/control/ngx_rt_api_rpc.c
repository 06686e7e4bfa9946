
/*
 * rpc: the methods that are ours, for backends.  rt.publish takes what a client
 * gives it, under the same keys, so it does not matter who says it again.
 *
 * Called by ngx_rt_api_method.c.  Calls ngx_rt_api_publish.c to publish.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"


typedef struct {
    rt_event_t            event;
    ngx_uint_t            repeated;
    uint64_t              offset;
    rt_str_t              epoch;
} ngx_rt_api_event_t;


static ngx_int_t ngx_rt_api_publish_event(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_event_published(ngx_rt_api_t *api, void *data,
    ngx_uint_t repeated, ngx_rt_position_t *position,
    ngx_rt_api_reply_t *reply);
static void ngx_rt_api_event_text(rt_out_t *o, void *data);
static void ngx_rt_api_echo_text(rt_out_t *o, void *data);


ngx_int_t
ngx_rt_api_rpc(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    if (p->params.len) {
        rt_json_flatten(p->params.data, p->params.len);
    }

    if (rt_str_eq(&p->method, "rt.echo")) {
        return ngx_rt_api_result(api, ngx_rt_api_echo_text, p, reply);
    }

    if (rt_str_eq(&p->method, "rt.publish")) {
        return ngx_rt_api_publish_event(api, p, reply);
    }

    ngx_rt_api_error(reply, NGX_RT_API_NO_METHOD, NULL, "method not found");
    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_publish_event(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    u_char                    tags[RT_EVENT_TAGS_MAX];
    ngx_rt_publish_t          to;
    rt_publication_t          pub;
    rt_params_fault_t         fault;
    ngx_rt_api_event_t       *e;
    ngx_rt_namespace_t       *ns;
    ngx_rt_api_publishing_t   how;

    e = ngx_palloc(api->pool, sizeof(ngx_rt_api_event_t));
    if (e == NULL) {
        return NGX_ERROR;
    }

    rt_event_read(p->params.data, p->params.len, &e->event, &fault);

    if (fault.why) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST,
                         fault.param ? fault.param : "params", fault.why);
        return NGX_OK;
    }

    ns = ngx_rt_api_channel(api, &e->event.channel, reply);

    if (ns == NULL) {
        return NGX_OK;
    }

    ngx_rt_publish_event(api->zone, &to, &pub, &e->event, tags);

    to.ns = ns;

    how.key = "id";
    how.published = ngx_rt_api_event_published;
    how.data = e;

    return ngx_rt_api_publish_to(api, &to, &how, reply);
}


static ngx_int_t
ngx_rt_api_event_published(ngx_rt_api_t *api, void *data, ngx_uint_t repeated,
    ngx_rt_position_t *position, ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_event_t *e = data;

    u_char  epoch[NGX_RT_EPOCH_LEN];

    e->repeated = repeated;
    e->offset = position->offset;
    e->epoch.data = epoch;
    e->epoch.len = ngx_rt_history_epoch(api->zone, position->source, epoch);

    return ngx_rt_api_result(api, ngx_rt_api_event_text, e, reply);
}


static void
ngx_rt_api_event_text(rt_out_t *o, void *data)
{
    ngx_rt_api_event_t  *e = data;

    rt_out_lit(o, "{\"data\":");
    rt_event_reply(o, &e->event.id, e->repeated, e->offset, &e->epoch);
    rt_out_lit(o, "}");
}


static void
ngx_rt_api_echo_text(rt_out_t *o, void *data)
{
    ngx_rt_api_params_t  *p = data;

    if (p->params.len == 0) {
        rt_out_lit(o, "{}");
        return;
    }

    rt_out_lit(o, "{\"data\":");
    rt_out_bytes(o, p->params.data, p->params.len);
    rt_out_lit(o, "}");
}
