
/*
 * The codec of JSON messages: replies and pushes into a message; the way in is
 * rt_codec_json_parse.c.  Called through rt_codec_json by the protocol and by
 * the fan-out; calls rt_out.  Owns nothing.  No locking: no state.
 *
 * Raw values that are handed in must be JSON without raw CR and LF, since an
 * SDK takes each line of a message for a reply.
 */


#include "rt_codec_json.h"
#include "rt_json.h"


static void rt_codec_json_reply(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_error(rt_out_t *o, const rt_error_t *e);
static void rt_codec_json_result(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_subscribed(rt_out_t *o, const rt_reply_t *r);
static bool rt_codec_json_stream(rt_out_t *o, const rt_stream_t *s,
    bool subscription);
static void rt_codec_json_connect(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_subs(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_ttl(rt_out_t *o, const char *comma, uint32_t ttl);
static void rt_codec_json_raw_field(rt_out_t *o, const char *name,
    const rt_str_t *raw);
static void rt_codec_json_connect_data(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_field(rt_out_t *o, const char *name,
    const rt_str_t *value);
static void rt_codec_json_push(rt_out_t *o, const rt_push_t *p);
static void rt_codec_json_push_body(rt_out_t *o, const rt_push_t *p);
static void rt_codec_json_ping(rt_out_t *o);
static void rt_codec_json_push_head(rt_out_t *o, const rt_str_t *channel);
static size_t rt_codec_json_publication_len(const rt_publication_t *pub);
static uint8_t *rt_codec_json_publication(uint8_t *p,
    const rt_publication_t *pub);
static void rt_codec_json_pub(rt_out_t *o, const rt_publication_t *pub);


const rt_codec_t  rt_codec_json = {
    "json",
    false,
    rt_codec_json_parse,
    rt_codec_json_positions,
    rt_codec_json_reply,
    rt_codec_json_push,
    rt_codec_json_ping,
    rt_codec_json_push_head,
    rt_codec_json_publication_len,
    rt_codec_json_publication
};


const rt_str_t  rt_codec_json_methods[RT_METHOD_UNKNOWN + 1] = {
    [RT_METHOD_CONNECT] = rt_string("connect"),
    [RT_METHOD_SUBSCRIBE] = rt_string("subscribe"),
    [RT_METHOD_UNSUBSCRIBE] = rt_string("unsubscribe"),
    [RT_METHOD_PUBLISH] = rt_string("publish"),
    [RT_METHOD_PRESENCE] = rt_string("presence"),
    [RT_METHOD_PRESENCE_STATS] = rt_string("presence_stats"),
    [RT_METHOD_HISTORY] = rt_string("history"),
    [RT_METHOD_PING] = rt_string("ping"),
    [RT_METHOD_SEND] = rt_string("send"),
    [RT_METHOD_RPC] = rt_string("rpc"),
    [RT_METHOD_REFRESH] = rt_string("refresh"),
    [RT_METHOD_SUB_REFRESH] = rt_string("sub_refresh")
};


static void
rt_codec_json_reply(rt_out_t *o, const rt_reply_t *r)
{
    rt_out_lit(o, "{");

    if (r->id) {
        rt_out_lit(o, "\"id\":");
        rt_out_uint(o, r->id);
        rt_out_lit(o, ",");
    }

    if (r->error) {
        rt_codec_json_error(o, r->error);

    } else {
        rt_codec_json_result(o, r);
    }

    rt_out_lit(o, "}");
}


static void
rt_codec_json_error(rt_out_t *o, const rt_error_t *e)
{
    rt_out_lit(o, "\"error\":{\"code\":");
    rt_out_uint(o, e->code);
    rt_codec_json_field(o, ",\"message\":", &e->message);

    if (e->temporary) {
        rt_out_lit(o, ",\"temporary\":true");
    }

    rt_out_lit(o, "}");
}


/* an object, be it empty: without one an SDK takes the reply for a failure */
static void
rt_codec_json_result(rt_out_t *o, const rt_reply_t *r)
{
    const rt_str_t  *name;

    name = &rt_codec_json_methods[r->method];

    rt_out_lit(o, "\"");
    rt_out_bytes(o, name->data, name->len);
    rt_out_lit(o, "\":{");

    switch (r->method) {

    case RT_METHOD_CONNECT:
        rt_codec_json_connect(o, r);
        break;

    case RT_METHOD_PRESENCE:
        rt_out_lit(o, "\"presence\":");
        rt_codec_json_present(o, r->present, r->npresent);
        break;

    case RT_METHOD_PRESENCE_STATS:
        rt_out_lit(o, "\"num_clients\":");
        rt_out_uint(o, r->clients);
        rt_out_lit(o, ",\"num_users\":");
        rt_out_uint(o, r->users);
        break;

    case RT_METHOD_SUBSCRIBE:
        rt_codec_json_subscribed(o, r);
        break;

    case RT_METHOD_HISTORY:
        (void) rt_codec_json_stream(o, &r->stream, false);
        break;

    default:
        rt_codec_json_ttl(o, "", r->ttl);

        if (r->data.data) {
            rt_codec_json_raw_field(o, r->ttl ? ",\"data\":" : "\"data\":",
                                    &r->data);
        }

        break;
    }

    rt_out_lit(o, "}");
}


static void
rt_codec_json_subscribed(rt_out_t *o, const rt_reply_t *r)
{
    bool  said;

    said = rt_codec_json_stream(o, &r->stream, true);

    rt_codec_json_ttl(o, said ? "," : "", r->ttl);
    said |= r->ttl != 0;

    if (r->data.data) {
        rt_codec_json_raw_field(o, said ? ",\"data\":" : "\"data\":",
                                &r->data);
    }
}


/* members of an object; false: there was nothing to say */
static bool
rt_codec_json_stream(rt_out_t *o, const rt_stream_t *s, bool subscription)
{
    if (s->epoch.len == 0) {
        return false;
    }

    if (subscription) {
        rt_out_lit(o, "\"recoverable\":true,\"positioned\":true,");
    }

    if (s->npublications) {
        rt_out_lit(o, "\"publications\":");
        rt_codec_json_publications(o, s->publications, s->npublications);
        rt_out_lit(o, ",");
    }

    if (s->was_recovering) {
        rt_out_lit(o, "\"was_recovering\":true,");
    }

    if (s->recovered) {
        rt_out_lit(o, "\"recovered\":true,");
    }

    rt_codec_json_field(o, "\"epoch\":", &s->epoch);

    if (s->offset) {
        rt_out_lit(o, ",\"offset\":");
        rt_out_uint(o, s->offset);
    }

    return true;
}


static void
rt_codec_json_ttl(rt_out_t *o, const char *comma, uint32_t ttl)
{
    if (ttl) {
        rt_out_bytes(o, comma, strlen(comma));
        rt_out_lit(o, "\"expires\":true,\"ttl\":");
        rt_out_uint(o, ttl);
    }
}


static void
rt_codec_json_raw_field(rt_out_t *o, const char *name, const rt_str_t *raw)
{
    rt_out_bytes(o, name, strlen(name));
    rt_out_bytes(o, raw->data, raw->len);
}


static void
rt_codec_json_connect(rt_out_t *o, const rt_reply_t *r)
{
    rt_codec_json_field(o, "\"client\":", &r->client);
    rt_codec_json_field(o, ",\"version\":", &r->version);

    rt_codec_json_ttl(o, ",", r->ttl);
    rt_codec_json_connect_data(o, r);

    if (r->nsubs) {
        rt_codec_json_subs(o, r);
    }

    if (r->ping) {
        rt_out_lit(o, ",\"ping\":");
        rt_out_uint(o, r->ping);
    }

    if (r->pong) {
        rt_out_lit(o, ",\"pong\":true");
    }

    if (r->session.len) {
        rt_codec_json_field(o, ",\"session\":", &r->session);
    }

    if (r->node.len) {
        rt_codec_json_field(o, ",\"node\":", &r->node);
    }
}


/* SDKs hide the session from the application, but hand it the data */
static void
rt_codec_json_connect_data(rt_out_t *o, const rt_reply_t *r)
{
    rt_json_t  j;

    if (r->session.len == 0 || (r->data.data && r->data.data[0] != '{')) {

        if (r->data.data) {
            rt_codec_json_raw_field(o, ",\"data\":", &r->data);
        }

        return;
    }

    rt_codec_json_field(o, ",\"data\":{\"rt_session\":", &r->session);

    if (r->data.data == NULL) {
        rt_out_lit(o, "}");
        return;
    }

    /* what stands behind the object's opening brace */

    rt_json_init(&j, r->data.data + 1, r->data.len - 1);

    if (rt_json_peek(&j) == RT_JSON_STRING) {
        rt_out_lit(o, ",");
    }

    rt_out_bytes(o, r->data.data + 1, r->data.len - 1);
}


static void
rt_codec_json_subs(rt_out_t *o, const rt_reply_t *r)
{
    bool    said;
    size_t  i;

    rt_out_lit(o, ",\"subs\":{");

    for (i = 0; i < r->nsubs; i++) {
        rt_codec_json_field(o, i ? "," : "", &r->subs[i].channel);
        rt_out_lit(o, ":{");

        said = rt_codec_json_stream(o, &r->subs[i].stream, true);

        if (r->subs[i].data.data) {
            rt_codec_json_raw_field(o, said ? ",\"data\":" : "\"data\":",
                                    &r->subs[i].data);
        }

        rt_out_lit(o, "}");
    }

    rt_out_lit(o, "}");
}


static void
rt_codec_json_field(rt_out_t *o, const char *name, const rt_str_t *value)
{
    rt_out_bytes(o, name, strlen(name));
    rt_out_json_string(o, value->data, value->len);
}


void
rt_codec_json_publications(rt_out_t *o, const rt_publication_t *pubs,
    size_t n)
{
    size_t  i;

    rt_out_lit(o, "[");

    for (i = 0; i < n; i++) {
        rt_out_bytes(o, i ? ",{" : "{", i ? 2 : 1);
        rt_codec_json_pub(o, &pubs[i]);
        rt_out_lit(o, "}");
    }

    rt_out_lit(o, "]");
}


void
rt_codec_json_present(rt_out_t *o, const rt_client_info_t *list, size_t n)
{
    size_t  i;

    rt_out_lit(o, "{");

    for (i = 0; i < n; i++) {
        rt_codec_json_field(o, i ? "," : "", &list[i].client);
        rt_out_lit(o, ":");
        rt_codec_json_client_info(o, &list[i]);
    }

    rt_out_lit(o, "}");
}


static void
rt_codec_json_push(rt_out_t *o, const rt_push_t *p)
{
    static const char *const  names[] = {
        "\"join\":{", "\"leave\":{", "\"subscribe\":{", "\"unsubscribe\":{",
        "\"message\":{", "\"disconnect\":{"
    };

    rt_out_lit(o, "{\"push\":{");

    if (p->channel.len) {
        rt_codec_json_field(o, "\"channel\":", &p->channel);
        rt_out_lit(o, ",");
    }

    rt_out_bytes(o, names[p->kind], strlen(names[p->kind]));
    rt_codec_json_push_body(o, p);
    rt_out_lit(o, "}}}");
}


static void
rt_codec_json_push_body(rt_out_t *o, const rt_push_t *p)
{
    bool  said;

    said = false;

    switch (p->kind) {

    case RT_PUSH_JOIN:
    case RT_PUSH_LEAVE:
        rt_out_lit(o, "\"info\":");
        rt_codec_json_client_info(o, &p->info);
        break;

    case RT_PUSH_SUBSCRIBE:
        said = rt_codec_json_stream(o, &p->stream, true);

        /* fall through */

    case RT_PUSH_MESSAGE:

        if (p->data.data) {
            rt_out_bytes(o, ",", said);
            rt_out_lit(o, "\"data\":");
            rt_out_bytes(o, p->data.data, p->data.len);
        }

        break;

    case RT_PUSH_UNSUBSCRIBE:
    case RT_PUSH_DISCONNECT:
        rt_out_lit(o, "\"code\":");
        rt_out_uint(o, p->code);
        rt_codec_json_field(o, ",\"reason\":", &p->reason);
        break;
    }
}


static void
rt_codec_json_ping(rt_out_t *o)
{
    rt_out_lit(o, "{}");
}


static void
rt_codec_json_push_head(rt_out_t *o, const rt_str_t *channel)
{
    rt_codec_json_field(o, "{\"push\":{\"channel\":", channel);
    rt_out_lit(o, ",\"pub\":{");
}


static size_t
rt_codec_json_publication_len(const rt_publication_t *pub)
{
    rt_out_t  o;

    rt_out_init(&o, NULL, 0);
    rt_codec_json_pub(&o, pub);
    rt_out_lit(&o, "}}}");

    return o.need;
}


static uint8_t *
rt_codec_json_publication(uint8_t *p, const rt_publication_t *pub)
{
    rt_out_t  o;

    rt_out_init(&o, p, rt_codec_json_publication_len(pub));
    rt_codec_json_pub(&o, pub);
    rt_out_lit(&o, "}}}");

    return o.pos;
}


static void
rt_codec_json_pub(rt_out_t *o, const rt_publication_t *pub)
{
    rt_out_lit(o, "\"data\":");
    rt_out_bytes(o, pub->data.data, pub->data.len);

    if (pub->info.client.len) {
        rt_out_lit(o, ",\"info\":");
        rt_codec_json_client_info(o, &pub->info);
    }

    if (pub->offset) {
        rt_out_lit(o, ",\"offset\":");
        rt_out_uint(o, pub->offset);
    }

    if (pub->tags.data) {
        rt_out_lit(o, ",\"tags\":");
        rt_out_bytes(o, pub->tags.data, pub->tags.len);
    }
}


void
rt_codec_json_client_info(rt_out_t *o, const rt_client_info_t *info)
{
    rt_out_lit(o, "{");

    if (info->user.len) {
        rt_codec_json_field(o, "\"user\":", &info->user);
        rt_out_lit(o, ",");
    }

    rt_codec_json_field(o, "\"client\":", &info->client);

    if (info->conn_info.len) {
        rt_codec_json_raw_field(o, ",\"conn_info\":", &info->conn_info);
    }

    if (info->chan_info.len) {
        rt_codec_json_raw_field(o, ",\"chan_info\":", &info->chan_info);
    }

    rt_out_lit(o, "}");
}
