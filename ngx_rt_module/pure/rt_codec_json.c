
/*
 * The codec of JSON messages: commands out of a text message, replies and
 * pushes into one.  Called through rt_codec_json by the protocol and by the
 * fan-out; calls rt_json and rt_out.  Owns nothing; strings of a command are
 * decoded in the message itself.  No locking: no state.
 *
 * A message holds commands one after another with white space between them,
 * commonly one LF.  Raw values that are handed in must be JSON without raw CR
 * and LF, since an SDK takes each line of a message for a reply.
 */


#include "rt_command.h"
#include "rt_json.h"


typedef enum {
    RT_MEMBER_STRING = 0,
    RT_MEMBER_RAW,
    RT_MEMBER_BOOL,
    RT_MEMBER_UINT32,
    RT_MEMBER_UINT64
} rt_member_kind_t;


/* a member of a method's object: where it may stand and where it goes */
typedef struct {
    rt_str_t          name;
    unsigned          methods;
    rt_member_kind_t  kind;
    size_t            offset;
} rt_member_t;


#define RT_ON(m)     (1u << RT_METHOD_##m)
#define RT_FIELD(f)  offsetof(rt_command_t, f)


static rt_parse_t rt_codec_json_parse(uint8_t **pos, uint8_t *end, bool first,
    rt_command_t *cmd);
static bool rt_codec_json_envelope(rt_json_t *j, rt_command_t *cmd);
static bool rt_codec_json_method(rt_json_t *j, rt_method_t method,
    rt_command_t *cmd);
static rt_method_t rt_codec_json_lookup(const rt_str_t *key);
static bool rt_codec_json_members(rt_json_t *j, rt_command_t *cmd);
static const rt_member_t *rt_codec_json_member(const rt_str_t *key,
    rt_method_t method);
static bool rt_codec_json_take(rt_json_t *j, const rt_member_t *m,
    rt_command_t *cmd);
static bool rt_codec_json_raw(rt_json_t *j, rt_str_t *raw, bool *deep);

static void rt_codec_json_reply(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_error(rt_out_t *o, const rt_error_t *e);
static void rt_codec_json_result(rt_out_t *o, const rt_reply_t *r);
static void rt_codec_json_connect(rt_out_t *o, const rt_reply_t *r);
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
static void rt_codec_json_info(rt_out_t *o, const rt_client_info_t *info);


const rt_codec_t  rt_codec_json = {
    "json",
    false,
    rt_codec_json_parse,
    rt_codec_json_reply,
    rt_codec_json_push,
    rt_codec_json_ping,
    rt_codec_json_push_head,
    rt_codec_json_publication_len,
    rt_codec_json_publication
};


static const rt_str_t  rt_codec_json_methods[RT_METHOD_UNKNOWN + 1] = {
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


static const rt_member_t  rt_codec_json_table[] = {

    { rt_string("channel"),
      RT_ON(SUBSCRIBE) | RT_ON(UNSUBSCRIBE) | RT_ON(PUBLISH) | RT_ON(PRESENCE)
      | RT_ON(PRESENCE_STATS) | RT_ON(HISTORY) | RT_ON(SUB_REFRESH),
      RT_MEMBER_STRING, RT_FIELD(channel) },

    { rt_string("data"),
      RT_ON(CONNECT) | RT_ON(SUBSCRIBE) | RT_ON(PUBLISH) | RT_ON(SEND)
      | RT_ON(RPC),
      RT_MEMBER_RAW, RT_FIELD(data) },

    { rt_string("token"),
      RT_ON(CONNECT) | RT_ON(SUBSCRIBE) | RT_ON(REFRESH) | RT_ON(SUB_REFRESH),
      RT_MEMBER_STRING, RT_FIELD(token) },

    { rt_string("method"),
      RT_ON(RPC), RT_MEMBER_STRING, RT_FIELD(rpc) },

    { rt_string("name"),
      RT_ON(CONNECT), RT_MEMBER_STRING, RT_FIELD(name) },

    { rt_string("version"),
      RT_ON(CONNECT), RT_MEMBER_STRING, RT_FIELD(version) },

    { rt_string("epoch"),
      RT_ON(SUBSCRIBE), RT_MEMBER_STRING, RT_FIELD(epoch) },

    { rt_string("offset"),
      RT_ON(SUBSCRIBE), RT_MEMBER_UINT64, RT_FIELD(offset) },

    { rt_string("recover"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(recover) },

    { rt_string("positioned"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(positioned) },

    { rt_string("recoverable"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(recoverable) },

    { rt_string("join_leave"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(join_leave) },

    { rt_string("type"),
      RT_ON(SUBSCRIBE), RT_MEMBER_UINT32, RT_FIELD(type) },

    { { 0, NULL }, 0, RT_MEMBER_STRING, 0 }
};


static rt_parse_t
rt_codec_json_parse(uint8_t **pos, uint8_t *end, bool first,
    rt_command_t *cmd)
{
    rt_json_t  j;

    memset(cmd, 0, sizeof(rt_command_t));

    rt_json_init(&j, *pos, end - *pos);

    if (rt_json_end(&j)) {
        return first ? RT_PARSE_BAD : RT_PARSE_DONE;
    }

    if (!first && j.pos == *pos) {
        return RT_PARSE_BAD;
    }

    if (!rt_codec_json_envelope(&j, cmd)) {
        return RT_PARSE_BAD;
    }

    *pos = j.pos;

    return RT_PARSE_OK;
}


static bool
rt_codec_json_envelope(rt_json_t *j, rt_command_t *cmd)
{
    bool         empty, good;
    rt_str_t     key;
    rt_method_t  method;

    if (!rt_json_object(j)) {
        return false;
    }

    empty = true;

    while (rt_json_key(j, &key)) {
        method = rt_codec_json_lookup(&key);

        if (method == RT_METHOD_NONE) {
            empty = false;
            good = rt_str_eq(&key, "id") ? rt_json_uint32(j, &cmd->id)
                                         : rt_json_skip(j);

        } else {
            good = rt_codec_json_method(j, method, cmd);
        }

        if (!good) {
            return false;
        }
    }

    if (!empty && cmd->method == RT_METHOD_NONE) {
        cmd->method = RT_METHOD_UNKNOWN;
    }

    return j->error == RT_JSON_OK;
}


/* the first one that is not null wins */
static bool
rt_codec_json_method(rt_json_t *j, rt_method_t method, rt_command_t *cmd)
{
    switch (rt_json_peek(j)) {

    case RT_JSON_NULL:
        return rt_json_skip(j);

    case RT_JSON_OBJECT:
        break;

    default:
        return false;
    }

    if (cmd->method != RT_METHOD_NONE) {
        return rt_json_skip(j);
    }

    cmd->method = method;

    return rt_codec_json_members(j, cmd);
}


/* NONE: the key is no method's name */
static rt_method_t
rt_codec_json_lookup(const rt_str_t *key)
{
    unsigned         i;
    const rt_str_t  *name;

    for (i = RT_METHOD_NONE + 1; i < RT_METHOD_UNKNOWN; i++) {
        name = &rt_codec_json_methods[i];

        if (name->len == key->len
            && memcmp(name->data, key->data, key->len) == 0)
        {
            return (rt_method_t) i;
        }
    }

    return RT_METHOD_NONE;
}


static bool
rt_codec_json_members(rt_json_t *j, rt_command_t *cmd)
{
    bool                good;
    rt_str_t            key;
    const rt_member_t  *m;

    if (!rt_json_object(j)) {
        return false;
    }

    while (rt_json_key(j, &key)) {
        m = rt_codec_json_member(&key, cmd->method);

        /* null is as good as not said, but it is a payload like others */

        if (m == NULL
            || (rt_json_peek(j) == RT_JSON_NULL && m->kind != RT_MEMBER_RAW))
        {
            good = rt_json_skip(j);

        } else {
            good = rt_codec_json_take(j, m, cmd);
        }

        if (!good) {
            return false;
        }
    }

    return j->error == RT_JSON_OK;
}


static const rt_member_t *
rt_codec_json_member(const rt_str_t *key, rt_method_t method)
{
    const rt_member_t  *m;

    for (m = rt_codec_json_table; m->name.len; m++) {
        if (m->name.len == key->len
            && memcmp(m->name.data, key->data, key->len) == 0)
        {
            return m->methods & (1u << method) ? m : NULL;
        }
    }

    return NULL;
}


static bool
rt_codec_json_take(rt_json_t *j, const rt_member_t *m, rt_command_t *cmd)
{
    void  *field;

    field = (uint8_t *) cmd + m->offset;

    switch (m->kind) {

    case RT_MEMBER_STRING:
        return rt_json_string(j, field);

    case RT_MEMBER_RAW:
        return rt_codec_json_raw(j, field, &cmd->deep);

    case RT_MEMBER_BOOL:
        return rt_json_bool(j, field);

    case RT_MEMBER_UINT32:
        return rt_json_uint32(j, field);

    case RT_MEMBER_UINT64:
        return rt_json_uint64(j, field);
    }

    return false;
}


static bool
rt_codec_json_raw(rt_json_t *j, rt_str_t *raw, bool *deep)
{
    rt_json_value_t  v;

    if (!rt_json_value(j, &v)) {

        if (j->error != RT_JSON_DEEP) {
            return false;
        }

        j->error = RT_JSON_OK;
        *deep = true;

        return true;
    }

    rt_json_flatten(v.data, v.len);

    raw->data = v.data;
    raw->len = v.len;

    return true;
}


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

    default:

        if (r->data.data) {
            rt_out_lit(o, "\"data\":");
            rt_out_bytes(o, r->data.data, r->data.len);
        }

        break;
    }

    rt_out_lit(o, "}");
}


static void
rt_codec_json_connect(rt_out_t *o, const rt_reply_t *r)
{
    rt_codec_json_field(o, "\"client\":", &r->client);
    rt_codec_json_field(o, ",\"version\":", &r->version);

    if (r->data.data) {
        rt_out_lit(o, ",\"data\":");
        rt_out_bytes(o, r->data.data, r->data.len);
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


static void
rt_codec_json_field(rt_out_t *o, const char *name, const rt_str_t *value)
{
    rt_out_bytes(o, name, strlen(name));
    rt_out_json_string(o, value->data, value->len);
}


void
rt_codec_json_present(rt_out_t *o, const rt_client_info_t *list, size_t n)
{
    size_t  i;

    rt_out_lit(o, "{");

    for (i = 0; i < n; i++) {
        rt_codec_json_field(o, i ? "," : "", &list[i].client);
        rt_out_lit(o, ":");
        rt_codec_json_info(o, &list[i]);
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
    switch (p->kind) {

    case RT_PUSH_JOIN:
    case RT_PUSH_LEAVE:
        rt_out_lit(o, "\"info\":");
        rt_codec_json_info(o, &p->info);
        break;

    case RT_PUSH_SUBSCRIBE:
    case RT_PUSH_MESSAGE:

        if (p->data.data) {
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

    return o.need;
}


static uint8_t *
rt_codec_json_publication(uint8_t *p, const rt_publication_t *pub)
{
    rt_out_t  o;

    rt_out_init(&o, p, rt_codec_json_publication_len(pub));
    rt_codec_json_pub(&o, pub);

    return o.pos;
}


static void
rt_codec_json_pub(rt_out_t *o, const rt_publication_t *pub)
{
    rt_out_lit(o, "\"data\":");
    rt_out_bytes(o, pub->data.data, pub->data.len);

    if (pub->info.client.len) {
        rt_out_lit(o, ",\"info\":");
        rt_codec_json_info(o, &pub->info);
    }

    if (pub->offset) {
        rt_out_lit(o, ",\"offset\":");
        rt_out_uint(o, pub->offset);
    }

    if (pub->tags.data) {
        rt_out_lit(o, ",\"tags\":");
        rt_out_bytes(o, pub->tags.data, pub->tags.len);
    }

    rt_out_lit(o, "}}}");
}


static void
rt_codec_json_info(rt_out_t *o, const rt_client_info_t *info)
{
    rt_out_lit(o, "{");

    if (info->user.len) {
        rt_codec_json_field(o, "\"user\":", &info->user);
        rt_out_lit(o, ",");
    }

    rt_codec_json_field(o, "\"client\":", &info->client);
    rt_out_lit(o, "}");
}
