
/*
 * Bodies of API requests, read as the API reads them: parameters by a table,
 * arrays item by item, the commands of a batch as parameters once more,
 * patterns of channels, events.  What is taken must be JSON to the JSON
 * reader too, and nothing that it refuses may be taken.
 */


#include <stdlib.h>

#include "rt_event.h"
#include "rt_glob.h"
#include "rt_params.h"
#include "rt_utf8.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)

#define PARAM(name, type)                                                     \
    { rt_string(#name), type, offsetof(params_t, name) }


typedef struct {
    rt_str_t         channel;
    rt_str_t         pattern;
    bool             delta;
    uint64_t         version;
    rt_json_value_t  data;
    rt_json_value_t  channels;
    rt_json_value_t  commands;
    rt_json_value_t  tags;
} params_t;


static const rt_param_t  table[] = {
    PARAM(channel, RT_PARAM_STRING),
    PARAM(pattern, RT_PARAM_STRING),
    PARAM(delta, RT_PARAM_BOOL),
    PARAM(version, RT_PARAM_COUNT),
    PARAM(data, RT_PARAM_VALUE),
    PARAM(channels, RT_PARAM_ARRAY),
    PARAM(commands, RT_PARAM_ARRAY),
    PARAM(tags, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void run(uint8_t *text, size_t size, unsigned level);


/* the body as it came, and the copy that is read */
static const uint8_t  *body;
static uint8_t        *reading;


static uint8_t *
copy(const uint8_t *data, size_t size)
{
    uint8_t  *p;

    p = malloc(size ? size : 1);
    must(p);

    if (size) {
        memcpy(p, data, size);
    }

    return p;
}


static void
check_inside(const uint8_t *p, size_t len, const uint8_t *text, size_t size)
{
    must(len == 0 || (p >= text && p + len <= text + size));
}


/* a payload: it goes out as it came, but on one line */
static void
check_data(const rt_json_value_t *v)
{
    rt_json_t        j;
    rt_json_value_t  again;

    must(memcmp(v->data, body + (v->data - reading), v->len) == 0);

    rt_json_flatten(v->data, v->len);
    must(memchr(v->data, '\n', v->len) == NULL);

    rt_json_init(&j, v->data, v->len);
    must(rt_json_value(&j, &again) && rt_json_end(&j));
    must(again.len == v->len);
}


/* as tags are looked at: on a copy, since keys are decoded in place */
static void
check_tags(const rt_json_value_t *v)
{
    uint8_t    *text;
    rt_str_t    key, value;
    rt_json_t   j;

    text = copy(v->data, v->len);
    rt_json_init(&j, text, v->len);
    must(rt_json_object(&j));

    while (rt_json_key(&j, &key)) {
        check_inside(key.data, key.len, text, v->len);

        if (rt_json_peek(&j) != RT_JSON_STRING || !rt_json_string(&j, &value))
        {
            break;
        }

        check_inside(value.data, value.len, text, v->len);
    }

    free(text);
}


static void
check_channels(const rt_json_value_t *v, const rt_str_t *pattern)
{
    size_t     n;
    rt_str_t   name;
    rt_json_t  j;

    n = rt_glob_prefix(pattern);

    rt_json_init(&j, v->data, v->len);
    must(rt_json_array(&j));

    while (rt_json_item(&j)) {
        if (rt_json_peek(&j) != RT_JSON_STRING || !rt_json_string(&j, &name)) {
            return;
        }

        if (pattern->len < 64 && rt_glob_match(pattern, name.data, name.len)) {
            must(n <= name.len);
            must(n == 0 || memcmp(name.data, pattern->data, n) == 0);
        }
    }

    must(j.error == RT_JSON_OK);
}


/* {"METHOD":{...}}, of which the inner object is read by itself */
static void
check_command(const rt_json_value_t *command, unsigned level)
{
    rt_str_t         key;
    rt_json_t        j;
    rt_json_value_t  v;

    rt_json_init(&j, command->data, command->len);
    must(rt_json_object(&j));

    if (!rt_json_key(&j, &key)) {
        must(j.error == RT_JSON_OK);
        return;
    }

    (void) rt_json_value(&j, &v);
    must(j.error == RT_JSON_OK || j.error == RT_JSON_DEEP);

    run(v.data, v.len, level + 1);
}


static void
check_commands(const rt_json_value_t *v, unsigned level)
{
    rt_json_t        j;
    rt_json_value_t  command;

    rt_json_init(&j, v->data, v->len);
    must(rt_json_array(&j));

    while (rt_json_item(&j)) {
        if (!rt_json_value(&j, &command)) {
            must(j.error == RT_JSON_DEEP);
            j.error = RT_JSON_OK;
        }

        if (command.type != RT_JSON_OBJECT) {
            return;
        }

        check_command(&command, level);
    }

    must(j.error == RT_JSON_OK);
}


static void
run(uint8_t *text, size_t size, unsigned level)
{
    params_t           p;
    rt_json_t          j;
    rt_params_fault_t  fault;

    memset(&p, 0, sizeof(p));

    rt_json_init(&j, text, size);
    rt_params_read(&j, table, &p, &fault);

    must(!fault.malformed || fault.why);
    must(j.pos <= text + size);

    if (fault.why) {
        return;
    }

    check_inside(p.channel.data, p.channel.len, text, size);
    check_inside(p.pattern.data, p.pattern.len, text, size);

    if (p.data.len) {
        check_inside(p.data.data, p.data.len, text, size);
        check_data(&p.data);
    }

    if (p.tags.len) {
        check_tags(&p.tags);
    }

    if (p.channels.len) {
        check_channels(&p.channels, &p.pattern);
    }

    if (p.commands.len && level < 3) {
        check_commands(&p.commands, level);
    }
}


/* the body as the parameters of rt.publish */
static void
check_event(uint8_t *text, size_t size)
{
    uint8_t            out[RT_EVENT_TAGS_MAX];
    rt_out_t           o;
    rt_json_t          j;
    rt_event_t         e;
    rt_json_value_t    v;
    rt_params_fault_t  fault;

    rt_event_read(text, size, &e, &fault);

    if (fault.why) {
        return;
    }

    must(e.id.len && e.id.len <= RT_EVENT_NAME_MAX);
    must(e.type.len && e.type.len <= RT_EVENT_NAME_MAX);
    must(e.traceparent.len == 0 || e.traceparent.len == 55);

    check_inside(e.id.data, e.id.len, text, size);
    check_inside(e.type.data, e.type.len, text, size);
    check_inside(e.channel.data, e.channel.len, text, size);

    rt_json_init(&j, e.data.data, e.data.len);
    must(rt_json_value(&j, &v) && rt_json_end(&j) && v.len == e.data.len);

    rt_out_init(&o, out, sizeof(out));
    rt_event_tags(&o, &e);
    must(rt_out_fits(&o));

    rt_json_init(&j, out, o.need);
    must(rt_json_value(&j, &v) && rt_json_end(&j));

    rt_out_init(&o, out, RT_EVENT_REPLY_MAX);
    rt_event_reply(&o, &e.id, true, UINT64_MAX, &e.type);
    must(e.type.len > 8 || rt_out_fits(&o));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool               json;
    params_t           p;
    uint8_t           *text;
    rt_json_t          j;
    rt_json_value_t    v;
    rt_params_fault_t  fault;

    if (!rt_utf8_valid(data, size)) {
        return 0;
    }

    text = copy(data, size);
    rt_json_init(&j, text, size);
    json = rt_json_skip(&j) && rt_json_end(&j);
    free(text);

    text = copy(data, size);
    rt_json_init(&j, text, size);
    memset(&p, 0, sizeof(p));
    rt_params_read(&j, table, &p, &fault);
    must(json || fault.malformed);
    free(text);

    text = copy(data, size);
    check_event(text, size);
    free(text);

    text = copy(data, size);
    body = data;
    reading = text;
    run(text, size, 0);
    free(text);

    text = copy(data, size);
    rt_json_init(&j, text, size);
    must(json == (rt_json_value(&j, &v) || j.error == RT_JSON_DEEP)
         || !rt_json_end(&j));
    free(text);

    return 0;
}
