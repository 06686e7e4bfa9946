
/*
 * Answers of other nodes: see rt_answer.h.
 *
 * Called by control/ and protocol/, which put them together; calls rt_json.  No
 * locking: no state.
 */


#include "rt_answer.h"
#include "rt_params.h"
#include "rt_stream_info.h"
#include "rt_utf8.h"


typedef struct {
    rt_json_value_t  result;
    rt_json_value_t  error;
    uint64_t         code;
    rt_json_value_t  message;
    uint64_t         clients;
} rt_answer_members_t;


#define rt_answer_param(name, member, type)                                   \
    { rt_string(name), type, offsetof(rt_answer_members_t, member) }


static const rt_param_t  rt_answer_params[] = {
    rt_answer_param("result", result, RT_PARAM_OBJECT),
    rt_answer_param("error", error, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_answer_error_params[] = {
    rt_answer_param("code", code, RT_PARAM_COUNT),
    rt_answer_param("message", message, RT_PARAM_VALUE),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_answer_channel_params[] = {
    rt_answer_param("num_clients", clients, RT_PARAM_COUNT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static bool rt_answer_params_read(uint8_t *text, size_t len,
    const rt_param_t *params, rt_answer_members_t *m);
static bool rt_answer_error(rt_answer_members_t *m, rt_answer_t *a);
static bool rt_answer_find(const rt_answer_t *a, const char *name,
    rt_json_t *j);
static bool rt_answer_blank(uint8_t c);


bool
rt_answer_read(uint8_t *text, size_t len, rt_answer_t *a)
{
    rt_answer_members_t  m;

    memset(a, 0, sizeof(rt_answer_t));
    memset(&m, 0, sizeof(m));

    if (!rt_utf8_valid(text, len)
        || !rt_answer_params_read(text, len, rt_answer_params, &m)
        || (m.result.len == 0) == (m.error.len == 0))
    {
        return false;
    }

    a->result = m.result;

    return m.error.len == 0 || rt_answer_error(&m, a);
}


static bool
rt_answer_params_read(uint8_t *text, size_t len, const rt_param_t *params,
    rt_answer_members_t *m)
{
    rt_json_t          j;
    rt_params_fault_t  fault;

    rt_json_init(&j, text, len);
    rt_params_read(&j, params, m, &fault);

    return fault.why == NULL;
}


static bool
rt_answer_error(rt_answer_members_t *m, rt_answer_t *a)
{
    if (!rt_answer_params_read(m->error.data, m->error.len,
                               rt_answer_error_params, m)
        || m->code == 0 || m->code > UINT32_MAX
        || m->message.type != RT_JSON_STRING
        || m->message.len > RT_ANSWER_MESSAGE_MAX)
    {
        return false;
    }

    a->code = m->code;
    a->message.data = m->message.data + 1;
    a->message.len = m->message.len - 2;

    return true;
}


bool
rt_answer_inside(const rt_answer_t *a, const char *name, rt_json_type_t type,
    rt_str_t *inside)
{
    uint8_t          *p, *end;
    rt_json_t         j;
    rt_json_value_t   v;

    if (!rt_answer_find(a, name, &j)
        || !rt_json_value(&j, &v) || v.type != type)
    {
        return false;
    }

    p = v.data + 1;
    end = v.data + v.len - 1;

    while (p < end && rt_answer_blank(*p)) {
        p++;
    }

    while (p < end && rt_answer_blank(end[-1])) {
        end--;
    }

    inside->data = p;
    inside->len = end - p;

    return true;
}


static bool
rt_answer_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


bool
rt_answer_walk(const rt_answer_t *a, const char *name, rt_json_type_t type,
    rt_json_t *j)
{
    return rt_answer_find(a, name, j)
           && rt_json_peek(j) == type
           && (type == RT_JSON_OBJECT ? rt_json_object(j) : rt_json_array(j));
}


/* the reader stands before the value of the member */

static bool
rt_answer_find(const rt_answer_t *a, const char *name, rt_json_t *j)
{
    rt_str_t  key;

    rt_json_init(j, a->result.data, a->result.len);

    if (!rt_json_object(j)) {
        return false;
    }

    while (rt_json_key(j, &key)) {

        if (rt_str_eq(&key, name)) {
            return true;
        }

        (void) rt_json_skip(j);
    }

    return false;
}


bool
rt_answer_channel(rt_json_t *j, rt_str_t *channel, uint64_t *clients)
{
    rt_json_value_t      v;
    rt_answer_members_t  m;

    if (!rt_json_key(j, channel) || !rt_json_value(j, &v)) {
        return false;
    }

    memset(&m, 0, sizeof(m));

    if (v.type != RT_JSON_OBJECT
        || !rt_answer_params_read(v.data, v.len, rt_answer_channel_params, &m))
    {
        j->error = RT_JSON_SYNTAX;
        return false;
    }

    *clients = m.clients;

    return true;
}


bool
rt_answer_present(rt_json_t *j, rt_client_info_t *info)
{
    rt_str_t         id;
    rt_json_value_t  v;

    if (!rt_json_key(j, &id) || !rt_json_value(j, &v)) {
        return false;
    }

    if (v.type != RT_JSON_OBJECT
        || !rt_stream_info_parse(v.data, v.len, info))
    {
        j->error = RT_JSON_SYNTAX;
        return false;
    }

    return true;
}


bool
rt_answer_user(rt_json_t *j, uint64_t *user)
{
    return rt_json_item(j) && rt_json_uint64(j, user);
}


bool
rt_answer_number(const rt_answer_t *a, const char *name, uint64_t *n)
{
    rt_json_t  j;

    return rt_answer_find(a, name, &j) && rt_json_uint64(&j, n);
}
