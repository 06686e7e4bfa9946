
/*
 * GET .../events/ID?channel=NAME: what has become of an event, which is to say,
 * of what was published under that key.
 *
 * Called by ngx_rt_api.c.  Asks Redis by way of stream/, or, where there is
 * none, the zone's table of keys, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "rt_percent.h"
#include "rt_utf8.h"


/* a request that waits; its pool's cleanup */
typedef struct {
    ngx_rt_event_asked_t       asked;
    ngx_rt_api_t              *api;
} ngx_rt_api_event_t;


/* what is told */
typedef struct {
    rt_str_t                   id;
    rt_str_t                   channel;
    rt_event_status_t         *status;
} ngx_rt_api_status_t;


static ngx_int_t ngx_rt_api_event_id(ngx_rt_api_t *api, ngx_str_t *id);
static ngx_int_t ngx_rt_api_event_channel(ngx_rt_api_t *api,
    ngx_str_t *channel);
static ngx_int_t ngx_rt_api_event_decode(ngx_rt_api_t *api, ngx_str_t *s,
    ngx_str_t *decoded);
static ngx_int_t ngx_rt_api_event_local(ngx_rt_api_t *api, ngx_str_t *channel,
    ngx_str_t *id);
static ngx_int_t ngx_rt_api_event_ask(ngx_rt_api_t *api, ngx_str_t *channel,
    ngx_str_t *id);
static void ngx_rt_api_event_handler(ngx_rt_event_asked_t *a, ngx_int_t rc,
    rt_event_status_t *s);
static void ngx_rt_api_event_cleanup(void *data);
static ngx_int_t ngx_rt_api_event_tell(ngx_rt_api_t *api, ngx_str_t *channel,
    ngx_str_t *id, ngx_int_t rc, rt_event_status_t *s);
static void ngx_rt_api_event_text(rt_out_t *o, void *data);


ngx_int_t
ngx_rt_api_event(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_int_t  rc;
    ngx_str_t  id, channel;

    rc = ngx_rt_api_event_id(api, &id);

    if (rc == NGX_OK) {
        rc = ngx_rt_api_event_channel(api, &channel);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (api->conf->redis) {
        return ngx_rt_api_event_ask(api, &channel, &id);
    }

    return ngx_rt_api_event_local(api, &channel, &id);
}


/* NGX_DECLINED: it is none, which the reply says; so is it of a channel */

static ngx_int_t
ngx_rt_api_event_id(ngx_rt_api_t *api, ngx_str_t *id)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = api->request;
    *id = api->item;

    rc = r == r->main && r->valid_unparsed_uri
         ? ngx_rt_api_event_decode(api, &api->item, id) : NGX_OK;

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK || id->len == 0 || id->len > RT_IDEM_NAME_MAX
        || !rt_utf8_valid(id->data, id->len))
    {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "event",
                         "its ID has to be 1 to 255 bytes of UTF-8, "
                         "percent-encoded");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_event_channel(ngx_rt_api_t *api, ngx_str_t *channel)
{
    rt_str_t   name;
    ngx_int_t  rc;
    ngx_str_t  value;

    if (ngx_http_arg(api->request, (u_char *) "channel", 7, &value) != NGX_OK
        || value.len == 0)
    {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "channel",
                         "is required, write events/ID?channel=NAME");
        return NGX_DECLINED;
    }

    rc = ngx_rt_api_event_decode(api, &value, channel);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "channel",
                         "is not percent-encoded");
        return NGX_DECLINED;
    }

    name = ngx_rt_str(channel);

    return ngx_rt_api_channel(api, &name, &api->reply) ? NGX_OK
                                                       : NGX_DECLINED;
}


static ngx_int_t
ngx_rt_api_event_decode(ngx_rt_api_t *api, ngx_str_t *s, ngx_str_t *decoded)
{
    rt_str_t  to;

    to.len = s->len;
    to.data = ngx_pnalloc(api->pool, s->len + 1);

    if (to.data == NULL) {
        return NGX_ERROR;
    }

    (void) rt_append(to.data, s->data, s->len);

    if (!rt_percent_decode(&to)) {
        return NGX_DECLINED;
    }

    *decoded = ngx_rt_ngx_str(&to);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_event_local(ngx_rt_api_t *api, ngx_str_t *channel, ngx_str_t *id)
{
    u_char             epoch[NGX_RT_EPOCH_LEN];
    rt_str_t           name;
    ngx_int_t          rc;
    rt_content_t       content;
    ngx_rt_publish_t   p;
    ngx_rt_position_t  at;
    rt_event_status_t  s;

    ngx_memzero(&p, sizeof(ngx_rt_publish_t));
    ngx_memzero(&s, sizeof(rt_event_status_t));
    ngx_memzero(&content, sizeof(rt_content_t));

    p.channel = *channel;
    name = ngx_rt_str(id);

    ngx_rt_publish_key(api->zone, &p, &name, &content);

    rc = ngx_rt_idem_status(api->zone, &api->tenant, &p.key, &at, &s.time);

    if (rc == NGX_OK) {
        s.status.data = (u_char *) "accepted";
        s.status.len = sizeof("accepted") - 1;

        s.epoch.data = epoch;
        s.epoch.len = ngx_rt_history_epoch(api->zone, at.source, epoch);
        s.offset = s.epoch.len ? at.offset : 0;
    }

    return ngx_rt_api_event_tell(api, channel, id, rc, &s);
}


static ngx_int_t
ngx_rt_api_event_ask(ngx_rt_api_t *api, ngx_str_t *channel, ngx_str_t *id)
{
    ngx_pool_cleanup_t  *cln;
    ngx_rt_api_event_t  *e;

    cln = ngx_pool_cleanup_add(api->pool,
                               sizeof(ngx_rt_api_event_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    e = cln->data;

    e->api = api;
    e->asked.handler = ngx_rt_api_event_handler;
    e->asked.tenant = api->tenant;
    e->asked.channel = *channel;
    e->asked.id = *id;

    if (ngx_rt_stream_event(&e->asked) != NGX_OK) {
        return ngx_rt_api_event_tell(api, channel, id, NGX_ERROR, NULL);
    }

    e->asked.waits = 1;

    cln->handler = ngx_rt_api_event_cleanup;
    api->waits++;

    return NGX_OK;
}


static void
ngx_rt_api_event_handler(ngx_rt_event_asked_t *a, ngx_int_t rc,
    rt_event_status_t *s)
{
    ngx_rt_api_t        *api;
    ngx_rt_api_event_t  *e;

    e = (ngx_rt_api_event_t *)
            ((u_char *) a - offsetof(ngx_rt_api_event_t, asked));

    api = e->api;
    a->waits = 0;

    if (ngx_rt_api_event_tell(api, &a->channel, &a->id, rc, s) != NGX_OK) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_INTERNAL, NULL, "no memory");
    }

    ngx_rt_api_arrived(api);
}


/* the request ends, and has an answer or waits no more */

static void
ngx_rt_api_event_cleanup(void *data)
{
    ngx_rt_api_event_t *e = data;

    if (e->asked.waits) {
        ngx_rt_redis_forget(&e->asked.call);
    }
}


static ngx_int_t
ngx_rt_api_event_tell(ngx_rt_api_t *api, ngx_str_t *channel, ngx_str_t *id,
    ngx_int_t rc, rt_event_status_t *s)
{
    ngx_rt_api_status_t  told;

    if (rc == NGX_DECLINED) {
        ngx_rt_api_error(&api->reply, NGX_HTTP_NOT_FOUND, NULL,
                         "no event of this ID is known in this channel");
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_INTERNAL, NULL,
                         "Redis did not say, try again");
        return NGX_OK;
    }

    told.id = ngx_rt_str(id);
    told.channel = ngx_rt_str(channel);
    told.status = s;

    api->reply.bare = 1;

    return ngx_rt_api_result(api, ngx_rt_api_event_text, &told, &api->reply);
}


static void
ngx_rt_api_event_text(rt_out_t *o, void *data)
{
    ngx_rt_api_status_t  *told = data;

    rt_event_status(o, &told->id, &told->channel, told->status);
}
