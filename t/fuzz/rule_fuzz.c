
/*
 * Rules of random text, called with random data: whatever they do, it ends
 * within the budget, in memory that is bounded, and a verdict is one.  The
 * input is a chunk, a zero byte, and the data, which is that of an event, too,
 * where the chunk has a schema of the type "t".
 */


#include <stdlib.h>
#include <time.h>

#include "rt_json.h"
#include "rt_rule.h"
#include "rt_utf8.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)

/* a hundred times what it is without sanitizers */
#define LONG  1000000


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const rt_vm_limits_t  limits = {
    .steps = 20000, .bytes = 512 * 1024, .piece = 64 * 1024, .time = 20000,
    .kept = 256 * 1024
};


static uint64_t
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void
judge(const rt_verdict_t *v)
{
    uint8_t          *text;
    rt_json_t         j;
    rt_json_value_t   value;

    must(v->kind <= RT_RULE_REPLY);

    if (v->kind == RT_RULE_DENY) {
        must(v->code >= 100 && v->code <= 65535);
        must(v->reason.len <= RT_RULE_REASON_MAX);
        must(rt_utf8_valid(v->reason.data, v->reason.len));
    }

    if (v->kind == RT_RULE_TRANSFORM || v->kind == RT_RULE_REPLY) {
        must(rt_utf8_valid(v->data.data, v->data.len));

        text = malloc(v->data.len + 1);
        must(text);
        memcpy(text, v->data.data, v->data.len);

        rt_json_init(&j, text, v->data.len);
        must(rt_json_value(&j, &value) && rt_json_end(&j));
        free(text);
    }
}


static bool
json(const uint8_t *data, size_t size)
{
    bool              good;
    uint8_t          *text;
    rt_json_t         j;
    rt_json_value_t   value;

    text = malloc(size + 1);
    must(text);
    memcpy(text, data, size);

    rt_json_init(&j, text, size);
    good = rt_utf8_valid(data, size) && rt_json_value(&j, &value)
           && rt_json_end(&j);
    free(text);

    return good;
}


static void
hear(void *data, const uint8_t *text, size_t len)
{
    must(data == NULL && len <= RT_RULE_LINE && rt_utf8_valid(text, len));
}


/* false: there is nothing to ask */
static bool
check(rt_rule_t *rule, rt_str_t *data, uint64_t version)
{
    rt_verdict_t     v;
    rt_vm_result_e   result;
    rt_rule_event_t  event;

    event.type = (rt_str_t) rt_string("t");
    event.version = version;
    event.data = *data;

    result = rt_rule_check(rule, &event, &v);

    if (result == RT_VM_NONE) {
        return true;
    }

    if (result != RT_VM_OK) {
        return false;
    }

    if (v.kind == RT_RULE_DENY) {
        must(v.code >= 100 && v.code <= 65535);
        must(v.reason.len <= RT_SCHEMA_SAID);
        must(rt_utf8_valid(v.reason.data, v.reason.len));
        return false;
    }

    must(v.kind == RT_RULE_PASS);
    must(event.upgraded ? event.version > version
                        : event.version == version
                          && event.data.data == data->data);
    must(json(event.data.data, event.data.len));

    *data = event.data;

    return true;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              i;
    bool             is;
    rt_str_t         sent;
    char             error[RT_VM_ERROR_MAX];
    uint64_t         began;
    const uint8_t   *zero;
    rt_rule_t       *rule;
    rt_verdict_t     v;
    rt_rule_view_t   view;
    rt_vm_result_e   result;

    rt_rule_field_t  fields[] = {
        { "data", RT_RULE_JSON, { 0, NULL } },
        { "name", RT_RULE_TEXT, rt_string("alice") },
        { "n", RT_RULE_NUMBER, { 7, NULL } }
    };

    zero = size ? memchr(data, '\0', size) : NULL;

    if (zero) {
        fields[0].value.data = (uint8_t *) zero + 1;
        fields[0].value.len = data + size - zero - 1;
        size = zero - data;
    }

    view.name = "thing";
    view.fields = fields;
    view.nfields = 3;

    began = cpu();
    rule = rt_rule_create(&limits, "x.lua", data, size, error);

    if (rule == NULL) {
        must(cpu() - began < LONG);
        return 0;
    }

    sent = fields[0].value;
    is = sent.len && json(sent.data, sent.len);

    for (i = 0; i < 3; i++) {
        began = cpu();
        fields[0].value = sent;

        if (i) {
            rt_rule_log_to(rule, hear, NULL);
        }

        if (is && !check(rule, &fields[0].value, 1 + i)) {
            rt_rule_done(rule);
            must(cpu() - began < LONG);
            continue;
        }

        result = rt_rule_ask(rule, "f", &view, 1, &v);

        if (result == RT_VM_OK) {
            judge(&v);
        }

        rt_rule_done(rule);

        must(cpu() - began < LONG);
        must(rt_vm_bytes(rt_rule_vm(rule)) < 2 * limits.bytes);
    }

    rt_rule_destroy(rule);

    return 0;
}
