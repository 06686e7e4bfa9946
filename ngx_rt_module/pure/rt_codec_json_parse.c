
/*
 * The codec of JSON messages, its way in: commands out of a text message.  See
 * rt_codec_json.c.  Called through rt_codec_json; calls rt_json.  Owns nothing;
 * strings of a command are decoded in the message itself.  No locking: no
 * state.
 *
 * A message holds commands one after another with white space between them,
 * commonly one LF.
 */


#include "rt_codec_json.h"
#include "rt_json.h"


typedef enum {
    RT_MEMBER_STRING = 0,
    RT_MEMBER_RAW,
    RT_MEMBER_RAW_OBJECT,
    RT_MEMBER_BOOL,
    RT_MEMBER_UINT32,
    RT_MEMBER_UINT64,
    RT_MEMBER_INT64,
    RT_MEMBER_SINCE,              /* an object: an offset and an epoch */
    RT_MEMBER_HEADERS             /* an object of strings, one is wanted */
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
static bool rt_codec_json_headers(rt_json_t *j, rt_str_t *resume);
static bool rt_codec_json_is_resume(const rt_str_t *key);
static bool rt_codec_json_since(rt_json_t *j, rt_since_t *since);


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
      RT_ON(SUBSCRIBE), RT_MEMBER_STRING, RT_FIELD(from.epoch) },

    { rt_string("offset"),
      RT_ON(SUBSCRIBE), RT_MEMBER_UINT64, RT_FIELD(from.offset) },

    { rt_string("since"),
      RT_ON(HISTORY), RT_MEMBER_SINCE, RT_FIELD(from) },

    { rt_string("limit"),
      RT_ON(HISTORY), RT_MEMBER_INT64, RT_FIELD(limit) },

    { rt_string("reverse"),
      RT_ON(HISTORY), RT_MEMBER_BOOL, RT_FIELD(reverse) },

    { rt_string("recover"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(from.recover) },

    { rt_string("positioned"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(positioned) },

    { rt_string("recoverable"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(recoverable) },

    { rt_string("join_leave"),
      RT_ON(SUBSCRIBE), RT_MEMBER_BOOL, RT_FIELD(join_leave) },

    { rt_string("type"),
      RT_ON(SUBSCRIBE), RT_MEMBER_UINT32, RT_FIELD(type) },

    { rt_string("flag"),
      RT_ON(SUBSCRIBE), RT_MEMBER_UINT32, RT_FIELD(flag) },

    { rt_string("tf"),
      RT_ON(SUBSCRIBE), RT_MEMBER_RAW_OBJECT, RT_FIELD(filter) },

    { rt_string("headers"),
      RT_ON(CONNECT), RT_MEMBER_HEADERS, RT_FIELD(resume) },

    { rt_string("subs"),
      RT_ON(CONNECT), RT_MEMBER_RAW_OBJECT, RT_FIELD(subs) },

    { { 0, NULL }, 0, RT_MEMBER_STRING, 0 }
};


rt_parse_t
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

    case RT_MEMBER_RAW_OBJECT:
        return rt_json_peek(j) == RT_JSON_OBJECT
               && rt_codec_json_raw(j, field, &cmd->deep);

    case RT_MEMBER_BOOL:
        return rt_json_bool(j, field);

    case RT_MEMBER_UINT32:
        return rt_json_uint32(j, field);

    case RT_MEMBER_UINT64:
        return rt_json_uint64(j, field);

    case RT_MEMBER_HEADERS:
        return rt_codec_json_headers(j, field);

    case RT_MEMBER_INT64:
        return rt_json_int64(j, field);

    case RT_MEMBER_SINCE:
        cmd->since = true;
        return rt_codec_json_since(j, field);
    }

    return false;
}


static bool
rt_codec_json_since(rt_json_t *j, rt_since_t *since)
{
    bool      good;
    rt_str_t  key;

    if (!rt_json_object(j)) {
        return false;
    }

    while (rt_json_key(j, &key)) {

        if (rt_json_peek(j) == RT_JSON_NULL) {
            good = rt_json_skip(j);

        } else if (rt_str_eq(&key, "offset")) {
            good = rt_json_uint64(j, &since->offset);

        } else if (rt_str_eq(&key, "epoch")) {
            good = rt_json_string(j, &since->epoch);

        } else if (rt_str_eq(&key, "recover")) {
            good = rt_json_bool(j, &since->recover);

        } else {
            good = rt_json_skip(j);
        }

        if (!good) {
            return false;
        }
    }

    return j->error == RT_JSON_OK;
}


bool
rt_codec_json_positions(const rt_str_t *subs, rt_position_t *list, size_t max,
    size_t *n)
{
    rt_json_t       j;
    rt_position_t  *p;

    *n = 0;

    if (subs->len == 0) {
        return true;
    }

    rt_json_init(&j, subs->data, subs->len);

    if (!rt_json_object(&j)) {
        return false;
    }

    while (*n < max) {
        p = &list[*n];
        memset(p, 0, sizeof(rt_position_t));

        if (!rt_json_key(&j, &p->channel)) {
            return j.error == RT_JSON_OK;
        }

        if (rt_json_peek(&j) == RT_JSON_NULL) {
            (void) rt_json_skip(&j);
            continue;
        }

        if (!rt_codec_json_since(&j, &p->since)) {
            return false;
        }

        (*n)++;
    }

    return true;
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


/* the last one wins */
static bool
rt_codec_json_headers(rt_json_t *j, rt_str_t *resume)
{
    bool      good;
    rt_str_t  key;

    if (!rt_json_object(j)) {
        return false;
    }

    while (rt_json_key(j, &key)) {

        if (rt_codec_json_is_resume(&key)
            && rt_json_peek(j) == RT_JSON_STRING)
        {
            good = rt_json_string(j, resume);

        } else {
            good = rt_json_skip(j);
        }

        if (!good) {
            return false;
        }
    }

    return j->error == RT_JSON_OK;
}


/* as the names of headers are, in upper or lower case */
static bool
rt_codec_json_is_resume(const rt_str_t *key)
{
    size_t  i;

    static const char  name[] = "rt-resume";

    if (key->len != sizeof(name) - 1) {
        return false;
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] != name[i] && (key->data[i] | 0x20) != name[i]) {
            return false;
        }
    }

    return true;
}
