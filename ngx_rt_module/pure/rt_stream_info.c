
/*
 * Publishers as text: see rt_stream_info.h.
 *
 * Called by stream/; calls the codec and rt_params.  What comes back may have
 * been written by anyone who can write to Redis, so it is held to the bounds of
 * what we write.  No locking: no state.
 */


#include "rt_params.h"
#include "rt_stream_info.h"
#include "rt_utf8.h"


typedef struct {
    rt_str_t         user;
    rt_str_t         client;
    rt_json_value_t  conn_info;
    rt_json_value_t  chan_info;
} rt_stream_info_members_t;


#define rt_stream_info_param(name, type)                                      \
    { rt_string(#name), type, offsetof(rt_stream_info_members_t, name) }


static const rt_param_t  rt_stream_info_params[] = {
    rt_stream_info_param(user, RT_PARAM_STRING),
    rt_stream_info_param(client, RT_PARAM_STRING),
    rt_stream_info_param(conn_info, RT_PARAM_VALUE),
    rt_stream_info_param(chan_info, RT_PARAM_VALUE),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static void rt_stream_info_raw(rt_str_t *s, const rt_json_value_t *v);


void
rt_stream_info_build(rt_out_t *o, const rt_client_info_t *info)
{
    if (info->client.len) {
        rt_codec_json_client_info(o, info);
    }
}


bool
rt_stream_info_parse(uint8_t *text, size_t len, rt_client_info_t *info)
{
    rt_json_t                 j;
    rt_params_fault_t         fault;
    rt_stream_info_members_t  m;

    memset(info, 0, sizeof(rt_client_info_t));

    if (len == 0) {
        return true;
    }

    memset(&m, 0, sizeof(m));

    if (!rt_utf8_valid(text, len)) {
        return false;
    }

    rt_json_init(&j, text, len);
    rt_params_read(&j, rt_stream_info_params, &m, &fault);

    if (fault.why
        || m.client.len != RT_STREAM_INFO_CLIENT
        || m.user.len > RT_STREAM_INFO_USER
        || m.conn_info.len > RT_STREAM_INFO_RAW
        || m.chan_info.len > RT_STREAM_INFO_RAW)
    {
        return false;
    }

    info->user = m.user;
    info->client = m.client;

    rt_stream_info_raw(&info->conn_info, &m.conn_info);
    rt_stream_info_raw(&info->chan_info, &m.chan_info);

    return true;
}


static void
rt_stream_info_raw(rt_str_t *s, const rt_json_value_t *v)
{
    if (v->len) {
        rt_json_flatten(v->data, v->len);
    }

    s->data = v->data;
    s->len = v->len;
}
