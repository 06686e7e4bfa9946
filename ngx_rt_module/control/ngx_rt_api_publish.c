
/*
 * publish and broadcast.  The backend may publish to every channel that the
 * configuration has a namespace for.
 *
 * Called by ngx_rt_api_method.c.  Calls policy for the channel's name, fanout
 * to publish, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_stream.h"
#include "rt_utf8.h"


static ngx_int_t ngx_rt_api_publication(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, rt_publication_t *pub, ngx_rt_api_reply_t *reply);
static void ngx_rt_api_value(rt_json_value_t *v, rt_str_t *b64,
    const char *field, const char *both, rt_str_t *raw,
    ngx_rt_api_reply_t *reply);
static void ngx_rt_api_decode(rt_str_t *b64, const char *field, rt_str_t *raw,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_tags(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    rt_str_t *tags, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_publish_one(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_namespace_t *ns, rt_str_t *channel,
    rt_publication_t *pub, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_publish_wait(ngx_rt_api_t *api,
    ngx_rt_publish_t *to, const ngx_rt_api_publishing_t *how,
    ngx_rt_api_reply_t *reply);
static void ngx_rt_api_publish_handler(ngx_rt_durable_t *d,
    ngx_rt_published_e outcome, ngx_rt_position_t *position);
static void ngx_rt_api_publish_cleanup(void *data);
static ngx_int_t ngx_rt_api_published(ngx_rt_api_t *api,
    const ngx_rt_api_publishing_t *how, ngx_rt_published_e outcome,
    ngx_rt_position_t *position, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_not_published(ngx_rt_api_t *api, const char *key,
    ngx_rt_published_e outcome, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_position(ngx_rt_api_t *api, void *data,
    ngx_uint_t repeated, ngx_rt_position_t *position,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_broadcast_end(ngx_rt_api_t *api, void *data);


/* a publication that the request waits for; its pool's cleanup */
typedef struct {
    ngx_rt_durable_t           durable;
    ngx_rt_api_t              *api;
    ngx_rt_api_reply_t        *reply;
    ngx_rt_api_publishing_t    how;
} ngx_rt_api_waiting_t;


/* a broadcast on its way */
typedef struct {
    ngx_rt_api_replies_t       replies;
    ngx_rt_api_reply_t        *reply;
} ngx_rt_api_broadcast_t;


static const ngx_rt_api_publishing_t  ngx_rt_api_plainly = {
    "idempotency_key",
    ngx_rt_api_position,
    NULL
};


ngx_int_t
ngx_rt_api_publish(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    rt_publication_t     pub;
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_api_channel(api, &p->channel, reply);

    if (ngx_rt_api_publication(api, p, &pub, reply) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_rt_api_publish_one(api, p, ns, &p->channel, &pub, reply);
}


/* what all channels get */

static ngx_int_t
ngx_rt_api_publication(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    rt_publication_t *pub, ngx_rt_api_reply_t *reply)
{
    ngx_memzero(pub, sizeof(rt_publication_t));

    if (p->idempotency_key.len > RT_IDEM_NAME_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "idempotency_key",
                         "is longer than 255 bytes");
    }

    ngx_rt_api_data(p, &pub->data, reply);

    if (pub->data.len == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "data", "is required");
    }

    if (reply->code) {
        return NGX_OK;
    }

    if (p->idempotency_key.len) {
        rt_content_data(&p->content, ngx_rt_content_key(api->zone),
                        &pub->data);
    }

    return p->tags.len ? ngx_rt_api_tags(api, p, &pub->tags, reply) : NGX_OK;
}


void
ngx_rt_api_data(ngx_rt_api_params_t *p, rt_str_t *data,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_value(&p->data, &p->b64data, "b64data",
                     "cannot be there together with data", data, reply);
}


void
ngx_rt_api_info_of(ngx_rt_api_params_t *p, rt_str_t *info,
    ngx_rt_api_reply_t *reply)
{
    if (p->info.type == RT_JSON_NULL) {
        p->info.len = 0;
    }

    ngx_rt_api_value(&p->info, &p->b64info, "b64info",
                     "cannot be there together with info", info, reply);
}


/* both: what is said of it if both are there */

static void
ngx_rt_api_value(rt_json_value_t *v, rt_str_t *b64, const char *field,
    const char *both, rt_str_t *raw, ngx_rt_api_reply_t *reply)
{
    ngx_memzero(raw, sizeof(rt_str_t));

    if (b64->len && v->len) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, field, both);
        return;
    }

    if (b64->len) {
        ngx_rt_api_decode(b64, field, raw, reply);

    } else {
        raw->data = v->data;
        raw->len = v->len;
    }

    if (raw->len) {
        rt_json_flatten(raw->data, raw->len);
    }
}


/* clients speak JSON, so what is in there has to be JSON; decoded in place */

static void
ngx_rt_api_decode(rt_str_t *b64, const char *field, rt_str_t *raw,
    ngx_rt_api_reply_t *reply)
{
    size_t           i;
    rt_json_t        j;
    ngx_str_t        src, dst;
    rt_json_value_t  v;

    src.len = b64->len;
    src.data = b64->data;
    dst.data = b64->data;

    /* nginx stops at the first '=' */

    for (i = src.len; i && src.data[i - 1] == '='; i--) { /* void */ }

    if (src.len - i > 2
        || ngx_strlchr(src.data, src.data + i, '=') != NULL
        || ngx_decode_base64(&dst, &src) != NGX_OK)
    {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, field,
                         "is not base64");
        return;
    }

    if (!rt_utf8_valid(dst.data, dst.len)) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, field,
                         "does not hold UTF-8");
        return;
    }

    rt_json_init(&j, dst.data, dst.len);

    if (!rt_json_value(&j, &v) || !rt_json_end(&j)) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, field,
                         j.error == RT_JSON_DEEP ? "is nested too deep"
                                                 : "does not hold JSON");
        return;
    }

    raw->data = v.data;
    raw->len = v.len;
}


/* a copy is looked at, for the walk decodes in place */

static ngx_int_t
ngx_rt_api_tags(ngx_rt_api_t *api, ngx_rt_api_params_t *p, rt_str_t *tags,
    ngx_rt_api_reply_t *reply)
{
    u_char           *copy;
    rt_str_t          key, value;
    rt_json_t         j;
    ngx_uint_t        n;
    rt_json_value_t  *v;

    v = &p->tags;

    copy = ngx_pnalloc(api->pool, v->len);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, v->data, v->len);

    rt_json_init(&j, copy, v->len);

    (void) rt_json_object(&j);

    for (n = 0; rt_json_key(&j, &key); n++) {

        if (rt_json_peek(&j) != RT_JSON_STRING || !rt_json_string(&j, &value)) {
            ngx_rt_api_malformed(reply, "tags",
                                 "has to be an object of strings");
            return NGX_OK;
        }

        /* who says it again may have another trace */

        if (p->idempotency_key.len && !rt_str_eq(&key, "traceparent")) {
            rt_content_tag(&p->content, ngx_rt_content_key(api->zone), &key,
                           &value);
        }
    }

    if (n) {
        tags->data = v->data;
        tags->len = v->len;
        rt_json_flatten(tags->data, tags->len);
    }

    return NGX_OK;
}


ngx_rt_namespace_t *
ngx_rt_api_channel(ngx_rt_api_t *api, const rt_str_t *channel,
    ngx_rt_api_reply_t *reply)
{
    ngx_str_t            name;
    ngx_rt_namespace_t  *ns;

    if (channel->len == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "channel",
                         "is required");
        return NULL;
    }

    name = ngx_rt_ngx_str(channel);

    switch (ngx_rt_namespace_find(api->conf, &name, &ns)) {

    case NGX_OK:
        return ns;

    case NGX_DECLINED:
        ngx_rt_api_error(reply, NGX_RT_API_UNKNOWN_CHANNEL, NULL,
                         "unknown channel");
        return NULL;

    default:
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "channel",
                         "is not a channel's name");
        return NULL;
    }
}


static ngx_int_t
ngx_rt_api_publish_one(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_namespace_t *ns, rt_str_t *channel, rt_publication_t *pub,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_publish_t  to;

    ngx_memzero(&to, sizeof(ngx_rt_publish_t));

    to.ns = ns;
    to.channel = ngx_rt_ngx_str(channel);
    to.pub = pub;
    to.skip_history = p->skip_history;
    to.version = p->version;

    if (p->version_epoch.len) {
        to.version_epoch = rt_hash(ngx_rt_content_key(api->zone),
                                   p->version_epoch.data,
                                   p->version_epoch.len);
    }

    ngx_rt_publish_key(api->zone, &to, &p->idempotency_key, &p->content);

    return ngx_rt_api_publish_to(api, &to, &ngx_rt_api_plainly, reply);
}


/* reply: may have an error already, then nothing is published */

ngx_int_t
ngx_rt_api_publish_to(ngx_rt_api_t *api, ngx_rt_publish_t *to,
    const ngx_rt_api_publishing_t *how, ngx_rt_api_reply_t *reply)
{
    ngx_rt_payer_t      payer;
    ngx_rt_charge_t     charge;
    ngx_rt_published_e  outcome;

    /* what is larger than a client's message is too much for its queue */

    if (to->pub->data.len + to->pub->tags.len > api->max_message) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "data",
                         "is larger, with tags, than rt_max_message");
    }

    if (reply->code) {
        return NGX_OK;
    }

    to->tenant = api->tenant;

    ngx_memzero(&payer, sizeof(ngx_rt_payer_t));
    payer.key = api->key;

    to->charge = ngx_rt_limit_publish(api->conf, api->zone, to->ns, &payer,
                                      to->pub->data.len, &charge);

    if (ngx_rt_stream_needed(to)) {
        return ngx_rt_api_publish_wait(api, to, how, reply);
    }

    outcome = ngx_rt_publish(api->zone, to);

    return ngx_rt_api_published(api, how, outcome, &to->position, reply);
}


static ngx_int_t
ngx_rt_api_publish_wait(ngx_rt_api_t *api, ngx_rt_publish_t *to,
    const ngx_rt_api_publishing_t *how, ngx_rt_api_reply_t *reply)
{
    ngx_pool_cleanup_t    *cln;
    ngx_rt_published_e     outcome;
    ngx_rt_api_waiting_t  *w;

    cln = ngx_pool_cleanup_add(api->pool,
                               sizeof(ngx_rt_api_waiting_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    w = cln->data;

    w->durable.handler = ngx_rt_api_publish_handler;
    w->durable.entry = NULL;
    w->api = api;
    w->reply = reply;
    w->how = *how;

    outcome = ngx_rt_stream_publish(api->zone, to, &w->durable);

    if (outcome != NGX_RT_PUBLISHED) {
        return ngx_rt_api_published(api, how, outcome, &to->position, reply);
    }

    cln->handler = ngx_rt_api_publish_cleanup;
    api->waits++;

    return NGX_OK;
}


static void
ngx_rt_api_publish_handler(ngx_rt_durable_t *d, ngx_rt_published_e outcome,
    ngx_rt_position_t *position)
{
    ngx_rt_api_waiting_t  *w;

    w = (ngx_rt_api_waiting_t *)
            ((u_char *) d - offsetof(ngx_rt_api_waiting_t, durable));

    if (ngx_rt_api_published(w->api, &w->how, outcome, position, w->reply)
        != NGX_OK)
    {
        ngx_rt_api_error(w->reply, NGX_RT_API_INTERNAL, NULL, "no memory");
    }

    ngx_rt_api_arrived(w->api);
}


/* the request ends, and has an answer or waits no more */

static void
ngx_rt_api_publish_cleanup(void *data)
{
    ngx_rt_api_waiting_t *w = data;

    ngx_rt_stream_forget(&w->durable);
}


static ngx_int_t
ngx_rt_api_published(ngx_rt_api_t *api, const ngx_rt_api_publishing_t *how,
    ngx_rt_published_e outcome, ngx_rt_position_t *position,
    ngx_rt_api_reply_t *reply)
{
    if (outcome != NGX_RT_PUBLISHED && outcome != NGX_RT_PUBLISH_REPEATED
        && outcome != NGX_RT_PUBLISH_STALE)
    {
        return ngx_rt_api_not_published(api, how->key, outcome, reply);
    }

    return how->published(api, how->data, outcome == NGX_RT_PUBLISH_REPEATED,
                          position, reply);
}


static ngx_int_t
ngx_rt_api_not_published(ngx_rt_api_t *api, const char *key,
    ngx_rt_published_e outcome, ngx_rt_api_reply_t *reply)
{
    switch (outcome) {

    case NGX_RT_PUBLISH_LARGE:
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "data",
                         "is larger than the event log takes");
        break;

    case NGX_RT_PUBLISH_LONG:
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "data",
                         "is larger than a history takes, some 256k");
        break;

    case NGX_RT_PUBLISH_FULL:

        if (ngx_rt_denial.what != NGX_RT_LIMIT_N) {
            return ngx_rt_api_denied(api, reply);
        }

        ngx_rt_api_error(reply, NGX_RT_API_ZONE_FULL, NULL, "zone full");
        break;

    case NGX_RT_PUBLISH_DENIED:
        return ngx_rt_api_denied(api, reply);

    case NGX_RT_PUBLISH_CONFLICT:
        ngx_rt_api_error(reply, NGX_RT_API_CONFLICT, key,
                         "was used with other content");
        break;

    case NGX_RT_PUBLISH_KEYS:
        ngx_rt_api_error(reply, NGX_RT_API_TOO_MANY, key,
                         "the tenant has as many keys as rt_idempotency "
                         "lets it, try again when some are over");
        break;

    case NGX_RT_PUBLISH_UNVERSIONED:
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "version",
                         "needs a history to be kept with");
        break;

    case NGX_RT_PUBLISH_KEPT:
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "skip_history",
                         "a durable channel keeps all that is published");
        break;

    default: /* NGX_RT_PUBLISH_AWAY */
        ngx_rt_api_error(reply, NGX_RT_API_INTERNAL, NULL,
                         "Redis did not say that it has it, try again");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_position(ngx_rt_api_t *api, void *data, ngx_uint_t repeated,
    ngx_rt_position_t *position, ngx_rt_api_reply_t *reply)
{
    size_t  len;
    u_char  epoch[NGX_RT_EPOCH_LEN];

    if (position->source == 0) {
        ngx_str_set(&reply->result, "{}");
        return NGX_OK;
    }

    reply->result.data = ngx_pnalloc(api->pool,
                                     sizeof("{\"offset\":,\"epoch\":\"\"}")
                                     + NGX_INT64_LEN + NGX_RT_EPOCH_LEN);
    if (reply->result.data == NULL) {
        return NGX_ERROR;
    }

    len = ngx_rt_history_epoch(api->zone, position->source, epoch);

    reply->result.len = ngx_sprintf(reply->result.data,
                                    "{\"offset\":%uL,\"epoch\":\"%*s\"}",
                                    position->offset, len, epoch)
                        - reply->result.data;

    return NGX_OK;
}


ngx_int_t
ngx_rt_api_broadcast(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    rt_str_t                *channel;
    ngx_uint_t               i;
    ngx_array_t              channels;
    rt_publication_t         pub;
    ngx_rt_namespace_t      *ns;
    ngx_rt_api_reply_t      *item;
    ngx_rt_api_broadcast_t  *b;

    if (ngx_array_init(&channels, api->pool, 16, sizeof(rt_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* all names, before anything is published */

    if (ngx_rt_api_strings("channels", &p->channels, NGX_RT_API_CHANNELS_MAX,
                           "there are more than 10000", &channels, reply)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (channels.nelts == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "channels",
                         "is required");
    }

    if (ngx_rt_api_publication(api, p, &pub, reply) != NGX_OK) {
        return NGX_ERROR;
    }

    if (reply->code == 0
        && channels.nelts * (pub.data.len + pub.tags.len)
           > NGX_RT_API_BROADCAST_MAX)
    {
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, "channels",
                         "times data and tags are more than 16 MiB, "
                         "send it in several calls");
    }

    if (reply->code) {
        return NGX_OK;
    }

    b = ngx_palloc(api->pool, sizeof(ngx_rt_api_broadcast_t));

    if (b == NULL
        || ngx_rt_api_replies(api, &b->replies, "responses", channels.nelts)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->reply = reply;

    channel = channels.elts;
    item = b->replies.list.elts;

    for (i = 0; i < channels.nelts; i++) {
        ns = ngx_rt_api_channel(api, &channel[i], &item[i]);

        if (ngx_rt_api_publish_one(api, p, ns, &channel[i], &pub, &item[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_rt_api_later(api, ngx_rt_api_broadcast_end, b);
}


static ngx_int_t
ngx_rt_api_broadcast_end(ngx_rt_api_t *api, void *data)
{
    ngx_rt_api_broadcast_t *b = data;

    return ngx_rt_api_result(api, ngx_rt_api_replies_text, &b->replies,
                             b->reply);
}
