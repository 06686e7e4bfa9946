
/*
 * Events.  Called by protocol/ and control/ for rt.publish; calls rt_params and
 * rt_out.  Owns nothing.  No locking: no state.
 */


#include "rt_event.h"


typedef struct {
    rt_str_t         channel;
    rt_json_value_t  event;
} rt_event_params_t;


typedef struct {
    rt_str_t         specversion;
    rt_str_t         id;
    rt_str_t         type;
    uint64_t         version;
    rt_str_t         traceparent;
    rt_json_value_t  data;
    rt_str_t         data_base64;
} rt_event_members_t;


#define rt_event_param(of, name, type)                                        \
    { rt_string(#name), type, offsetof(of, name) }


static const rt_param_t  rt_event_params[] = {
    rt_event_param(rt_event_params_t, channel, RT_PARAM_STRING),
    rt_event_param(rt_event_params_t, event, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_event_members[] = {
    rt_event_param(rt_event_members_t, specversion, RT_PARAM_STRING),
    rt_event_param(rt_event_members_t, id, RT_PARAM_STRING),
    rt_event_param(rt_event_members_t, type, RT_PARAM_STRING),
    rt_event_param(rt_event_members_t, version, RT_PARAM_COUNT),
    rt_event_param(rt_event_members_t, traceparent, RT_PARAM_STRING),
    rt_event_param(rt_event_members_t, data, RT_PARAM_VALUE),
    rt_event_param(rt_event_members_t, data_base64, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static void rt_event_check(const rt_event_members_t *m,
    rt_params_fault_t *fault);
static void rt_event_name(const rt_str_t *s, const char *param,
    rt_params_fault_t *fault);
static void rt_event_fault(rt_params_fault_t *fault, const char *param,
    const char *why);
static void rt_event_number(rt_out_t *o, const char *name, uint64_t n);
static void rt_event_known(rt_out_t *o, const char *name, const rt_str_t *s);
static void rt_event_text(rt_out_t *o, const char *name, const rt_str_t *s);


void
rt_event_read(uint8_t *text, size_t len, rt_event_t *e,
    rt_params_fault_t *fault)
{
    rt_json_t           j;
    rt_event_params_t   p;

    memset(e, 0, sizeof(rt_event_t));
    memset(&p, 0, sizeof(p));

    rt_json_init(&j, text, len);
    rt_params_read(&j, rt_event_params, &p, fault);

    if (fault->why) {
        return;
    }

    if (p.event.len == 0) {
        rt_event_fault(fault, "event", "is required");
        return;
    }

    rt_event_parse(p.event.data, p.event.len, e, fault);

    e->channel = p.channel;
}


void
rt_event_parse(uint8_t *text, size_t len, rt_event_t *e,
    rt_params_fault_t *fault)
{
    rt_json_t           j;
    rt_event_members_t  m;

    memset(e, 0, sizeof(rt_event_t));
    memset(&m, 0, sizeof(m));

    m.version = 1;

    rt_json_init(&j, text, len);
    rt_params_read(&j, rt_event_members, &m, fault);

    rt_event_check(&m, fault);

    if (fault->why) {
        return;
    }

    e->id = m.id;
    e->type = m.type;
    e->version = m.version;

    if (rt_event_trace_valid(&m.traceparent)) {
        e->traceparent = m.traceparent;
    }

    if (m.data.len) {
        rt_json_flatten(m.data.data, m.data.len);
        e->data.data = m.data.data;
        e->data.len = m.data.len;

    } else {
        e->data.data = (uint8_t *) "null";
        e->data.len = sizeof("null") - 1;
    }
}


static void
rt_event_check(const rt_event_members_t *m, rt_params_fault_t *fault)
{
    if (m->specversion.len && !rt_str_eq(&m->specversion, "1.0")) {
        rt_event_fault(fault, "specversion", "has to be 1.0");
    }

    rt_event_name(&m->id, "id", fault);
    rt_event_name(&m->type, "type", fault);

    if (m->data_base64.len) {
        rt_event_fault(fault, "data_base64", "is not taken, write data");
    }
}


static void
rt_event_name(const rt_str_t *s, const char *param, rt_params_fault_t *fault)
{
    if (s->len == 0) {
        rt_event_fault(fault, param, "is required");
    }

    if (s->len > RT_EVENT_NAME_MAX) {
        rt_event_fault(fault, param, "is longer than 255 bytes");
    }
}


/* the first one is told */
static void
rt_event_fault(rt_params_fault_t *fault, const char *param, const char *why)
{
    if (fault->why == NULL) {
        fault->param = param;
        fault->why = why;
    }
}


/* VERSION-TRACE-PARENT-FLAGS in small hexadecimal digits */
bool
rt_event_trace_valid(const rt_str_t *s)
{
    bool     dash;
    size_t   i;
    uint8_t  c, trace, parent;

    if (s->len != 55 || memcmp(s->data, "ff", 2) == 0) {
        return false;
    }

    trace = parent = 0;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];
        dash = i == 2 || i == 35 || i == 52;

        if (dash ? c != '-'
                 : !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
        {
            return false;
        }

        trace |= i > 2 && i < 35 && c != '0';
        parent |= i > 35 && i < 52 && c != '0';
    }

    return trace && parent;
}


void
rt_event_tags(rt_out_t *o, const rt_event_t *e)
{
    rt_event_text(o, "{\"event\":", &e->id);
    rt_event_text(o, ",\"type\":", &e->type);
    rt_out_lit(o, ",\"version\":\"");
    rt_out_uint(o, e->version);
    rt_out_lit(o, "\"");

    if (e->traceparent.len) {
        rt_event_text(o, ",\"traceparent\":", &e->traceparent);
    }

    rt_out_lit(o, "}");
}


void
rt_event_reply(rt_out_t *o, const rt_str_t *id, bool duplicate,
    uint64_t offset, const rt_str_t *epoch)
{
    rt_event_text(o, "{\"event\":", id);
    rt_out_lit(o, ",\"status\":\"accepted\",\"duplicate\":");

    if (duplicate) {
        rt_out_lit(o, "true");

    } else {
        rt_out_lit(o, "false");
    }

    if (epoch->len) {
        rt_out_lit(o, ",\"offset\":");
        rt_out_uint(o, offset);
        rt_event_text(o, ",\"epoch\":", epoch);
    }

    rt_out_lit(o, "}");
}


void
rt_event_status(rt_out_t *o, const rt_str_t *id, const rt_str_t *channel,
    const rt_event_status_t *s)
{
    rt_event_text(o, "{\"id\":", id);
    rt_event_text(o, ",\"channel\":", channel);
    rt_event_text(o, ",\"status\":", &s->status);

    rt_event_number(o, ",\"offset\":", s->offset);
    rt_event_known(o, ",\"epoch\":", &s->epoch);
    rt_event_number(o, ",\"time\":", s->time);
    rt_event_known(o, ",\"session\":", &s->session);
    rt_event_known(o, ",\"type\":", &s->type);
    rt_event_number(o, ",\"version\":", s->version);
    rt_event_known(o, ",\"traceparent\":", &s->traceparent);

    rt_out_lit(o, "}");
}


void
rt_event_about(rt_out_t *o, const rt_event_t *e, const rt_str_t *session)
{
    static const rt_str_t  none = rt_string("-");

    if (e == NULL && session->len == 0) {
        return;
    }

    if (session->len == 0) {
        session = &none;
    }

    rt_out_bytes(o, session->data, session->len);
    rt_out_lit(o, " ");

    if (e == NULL) {
        rt_out_lit(o, "- - ");
        return;
    }

    rt_out_uint(o, e->version);
    rt_out_lit(o, " ");

    if (e->traceparent.len) {
        rt_out_bytes(o, e->traceparent.data, e->traceparent.len);

    } else {
        rt_out_lit(o, "-");
    }

    rt_out_lit(o, " ");
    rt_out_bytes(o, e->type.data, e->type.len);
}


static void
rt_event_number(rt_out_t *o, const char *name, uint64_t n)
{
    if (n) {
        rt_out_bytes(o, name, strlen(name));
        rt_out_uint(o, n);
    }
}


static void
rt_event_known(rt_out_t *o, const char *name, const rt_str_t *s)
{
    if (s->len) {
        rt_event_text(o, name, s);
    }
}


static void
rt_event_text(rt_out_t *o, const char *name, const rt_str_t *s)
{
    rt_out_bytes(o, name, strlen(name));
    rt_out_json_string(o, s->data, s->len);
}
