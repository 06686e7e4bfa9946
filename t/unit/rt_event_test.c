
/* Events: what is read of them, what is refused, and what is made of them. */


#include "tap.h"
#include "rt_event.h"


#define TRACE  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


static char  text[8192];


static rt_params_fault_t
read_event(const char *json, rt_event_t *e)
{
    rt_params_fault_t  f;

    if (json != text) {
        strcpy(text, json);
    }

    rt_event_read((uint8_t *) text, strlen(text), e, &f);

    return f;
}


static bool
is(const rt_str_t *s, const char *z)
{
    return rt_str_eq(s, z);
}


static void
test_good(void)
{
    rt_event_t         e;
    rt_params_fault_t  f;

    f = read_event("{\"channel\":\"c\",\"event\":{\"id\":\"i\","
                   "\"type\":\"t\"}}", &e);
    ok(f.why == NULL, "the least: %s", f.why);
    ok(is(&e.channel, "c") && is(&e.id, "i") && is(&e.type, "t"), "names");
    ok(e.version == 1 && is(&e.data, "null") && e.traceparent.len == 0,
       "what was not said");

    f = read_event("{\"event\":{\"data\":{\"a\":[0.10,\n\"\\u00e9\"]},"
                   "\"version\":7,\"traceparent\":\"" TRACE "\","
                   "\"x\":{},\"id\":\"\\u0069\",\"specversion\":\"1.0\","
                   "\"time\":5,\"data_base64\":null,\"type\":\"t\"},"
                   "\"channel\":\"c\",\"y\":1}", &e);
    ok(f.why == NULL, "all of it: %s", f.why);
    ok(is(&e.id, "i") && e.version == 7 && is(&e.traceparent, TRACE),
       "what was said");
    ok(is(&e.data, "{\"a\":[0.10, \"\\u00e9\"]}"), "data: its bytes, flat");

    f = read_event("{\"event\":{\"id\":\"i\",\"type\":\"t\",\"data\":null,"
                   "\"traceparent\":\"x\"}}", &e);
    ok(f.why == NULL && e.channel.len == 0 && is(&e.data, "null")
       && e.traceparent.len == 0,
       "a bad trace is none, a channel is for the caller to miss");

    tap_group("what is taken");
}


static void
long_name(const char *name, unsigned n)
{
    char  *p;

    p = text + sprintf(text, "{\"event\":{\"id\":\"i\",\"type\":\"t\",\"%s\":"
                             "\"", name);
    memset(p, 'x', n);
    strcpy(p + n, "\"}}");
}


static void
test_bad(void)
{
    unsigned           i;
    rt_event_t         e;
    rt_params_fault_t  f;

    static const struct {
        const char  *json;
        const char  *param;
        const char  *why;
    } bad[] = {
        { "", NULL, "the parameters have to be a JSON object" },
        { "[]", NULL, "the parameters have to be a JSON object" },
        { "{}", "event", "is required" },
        { "{\"event\":null}", "event", "is required" },
        { "{\"event\":[]}", "event", "has to be an object" },
        { "{\"channel\":1,\"event\":{}}", "channel", "has to be a string" },
        { "{\"event\":{}}", "id", "is required" },
        { "{\"event\":{\"id\":\"\",\"type\":\"t\"}}", "id", "is required" },
        { "{\"event\":{\"id\":1,\"type\":\"t\"}}", "id",
          "has to be a string" },
        { "{\"event\":{\"id\":\"i\"}}", "type", "is required" },
        { "{\"event\":{\"id\":\"i\",\"type\":\"t\",\"version\":\"1\"}}",
          "version", "has to be a whole number from 0 to 2^64-1" },
        { "{\"event\":{\"id\":\"i\",\"type\":\"t\",\"version\":-1}}",
          "version", "has to be a whole number from 0 to 2^64-1" },
        { "{\"event\":{\"id\":\"i\",\"type\":\"t\",\"specversion\":\"0.3\"}}",
          "specversion", "has to be 1.0" },
        { "{\"event\":{\"id\":\"i\",\"type\":\"t\",\"data_base64\":\"MQ\"}}",
          "data_base64", "is not taken, write data" }
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f = read_event(bad[i].json, &e);

        ok(f.why && strcmp(f.why, bad[i].why) == 0, "%s: %s", bad[i].json,
           f.why);
        ok(bad[i].param ? f.param && strcmp(f.param, bad[i].param) == 0
                        : f.param == NULL, "%s: of %s", bad[i].json, f.param);
    }

    for (i = 254; i < 258; i++) {
        long_name("id", i);
        f = read_event(text, &e);
        ok((f.why != NULL) == (i > 255), "an id of %u bytes", i);

        long_name("type", i);
        f = read_event(text, &e);
        ok((f.why != NULL) == (i > 255), "a type of %u bytes", i);
    }

    tap_group("what is refused, and why");
}


static void
test_trace(void)
{
    char      t[64];
    unsigned  i;
    rt_str_t  s;

    s.data = (uint8_t *) t;
    s.len = 55;

    strcpy(t, TRACE);
    ok(rt_event_trace_valid(&s), "a good one");

    s.len = 54;
    ok(!rt_event_trace_valid(&s), "too short");
    s.len = 56;
    ok(!rt_event_trace_valid(&s), "too long");
    s.len = 55;

    for (i = 0; i < 55; i++) {
        strcpy(t, TRACE);
        t[i] = t[i] == '-' ? '0' : 'G';
        ok(!rt_event_trace_valid(&s), "a bad byte %u", i);

        strcpy(t, TRACE);
        t[i] = t[i] == '-' ? '_' : 'A';
        ok(!rt_event_trace_valid(&s), "a bad byte %u", i);
    }

    strcpy(t, TRACE);
    memset(t + 3, '0', 32);
    ok(!rt_event_trace_valid(&s), "no trace");

    strcpy(t, TRACE);
    memset(t + 36, '0', 16);
    ok(!rt_event_trace_valid(&s), "no parent");

    strcpy(t, TRACE);
    t[0] = t[1] = 'f';
    ok(!rt_event_trace_valid(&s), "a version that cannot be");

    tap_group("traces");
}


static void
made(rt_out_t *o, const char *want)
{
    ok(rt_out_fits(o), "there is room");
    ok(o->need == strlen(want) && memcmp(o->start, want, o->need) == 0,
       "%.*s", (int) o->need, (char *) o->start);
}


static void
test_status(const rt_event_t *e)
{
    uint8_t            out[512];
    rt_out_t           o;
    rt_str_t           channel = rt_string("c\"");
    rt_event_status_t  s = { .status = rt_string("accepted") };

    rt_out_init(&o, out, sizeof(out));
    rt_event_status(&o, &e->id, &channel, &s);
    made(&o, "{\"id\":\"\\\"i\",\"channel\":\"c\\\"\","
             "\"status\":\"accepted\"}");

    s.offset = UINT64_MAX;
    s.epoch = (rt_str_t) rt_string("abcdefgh");
    s.time = 5;
    s.session = (rt_str_t) rt_string("s");
    s.type = (rt_str_t) rt_string("\n");
    s.version = 2;
    s.traceparent = (rt_str_t) rt_string(TRACE);

    rt_out_init(&o, out, sizeof(out));
    rt_event_status(&o, &e->id, &channel, &s);
    made(&o, "{\"id\":\"\\\"i\",\"channel\":\"c\\\"\","
             "\"status\":\"accepted\",\"offset\":18446744073709551615,"
             "\"epoch\":\"abcdefgh\",\"time\":5,\"session\":\"s\","
             "\"type\":\"\\n\",\"version\":2,"
             "\"traceparent\":\"" TRACE "\"}");
}


static void
test_about(rt_event_t *e)
{
    uint8_t   out[512];
    rt_out_t  o;
    rt_str_t  none = { 0, NULL }, session = rt_string("s"), trace;

    rt_out_init(&o, out, sizeof(out));
    rt_event_about(&o, NULL, &none);
    made(&o, "");

    rt_out_init(&o, out, sizeof(out));
    rt_event_about(&o, NULL, &session);
    made(&o, "s - - ");

    rt_out_init(&o, out, sizeof(out));
    rt_event_about(&o, e, &session);
    made(&o, "s 3 " TRACE " t");

    trace = e->traceparent;
    e->traceparent.len = 0;

    rt_out_init(&o, out, sizeof(out));
    rt_event_about(&o, e, &none);
    made(&o, "- 3 - t");

    e->traceparent = trace;
}


static void
test_made(void)
{
    uint8_t     out[RT_EVENT_TAGS_MAX], name[RT_EVENT_NAME_MAX];
    rt_out_t    o;
    rt_str_t    epoch = rt_string("abcdefgh"), none = { 0, NULL };
    rt_event_t  e;

    memset(&e, 0, sizeof(e));
    e.id.data = (uint8_t *) "\"i";
    e.id.len = 2;
    e.type.data = (uint8_t *) "t";
    e.type.len = 1;
    e.version = 3;

    rt_out_init(&o, out, sizeof(out));
    rt_event_tags(&o, &e);
    made(&o, "{\"event\":\"\\\"i\",\"type\":\"t\",\"version\":\"3\"}");

    e.traceparent.data = (uint8_t *) TRACE;
    e.traceparent.len = 55;

    rt_out_init(&o, out, sizeof(out));
    rt_event_tags(&o, &e);
    made(&o, "{\"event\":\"\\\"i\",\"type\":\"t\",\"version\":\"3\","
             "\"traceparent\":\"" TRACE "\"}");

    rt_out_init(&o, out, RT_EVENT_REPLY_MAX);
    rt_event_reply(&o, &e.id, false, 5, &none);
    made(&o, "{\"event\":\"\\\"i\",\"status\":\"accepted\","
             "\"duplicate\":false}");

    rt_out_init(&o, out, RT_EVENT_REPLY_MAX);
    rt_event_reply(&o, &e.id, true, 5, &epoch);
    made(&o, "{\"event\":\"\\\"i\",\"status\":\"accepted\","
             "\"duplicate\":true,\"offset\":5,\"epoch\":\"abcdefgh\"}");

    test_status(&e);
    test_about(&e);

    /* the most that there can be */

    memset(name, 1, sizeof(name));
    e.id.data = e.type.data = name;
    e.id.len = e.type.len = sizeof(name);
    e.version = UINT64_MAX;

    rt_out_init(&o, out, sizeof(out));
    rt_event_tags(&o, &e);
    ok(rt_out_fits(&o), "tags: %zu bytes", o.need);

    rt_out_init(&o, out, RT_EVENT_REPLY_MAX);
    rt_event_reply(&o, &e.id, false, UINT64_MAX, &epoch);
    ok(rt_out_fits(&o), "a reply: %zu bytes", o.need);

    tap_group("tags and replies");
}


int
main(void)
{
    test_good();
    test_bad();
    test_trace();
    test_made();

    return tap_done();
}
