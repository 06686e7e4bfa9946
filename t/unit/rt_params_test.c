
/*
 * Parameters of the API: what is taken of each type, what is refused and why.
 */


#include "rt_params.h"
#include "tap.h"


typedef struct {
    rt_str_t         name;
    bool             flag;
    uint64_t         count;
    int64_t          whole;
    rt_json_value_t  any;
    rt_json_value_t  list;
    rt_json_value_t  object;
} params_t;


#define PARAM(name, type)                                                     \
    { rt_string(#name), type, offsetof(params_t, name) }


static const rt_param_t  table[] = {
    PARAM(name, RT_PARAM_STRING),
    PARAM(flag, RT_PARAM_BOOL),
    PARAM(count, RT_PARAM_COUNT),
    PARAM(whole, RT_PARAM_INT),
    PARAM(any, RT_PARAM_VALUE),
    PARAM(list, RT_PARAM_ARRAY),
    PARAM(object, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static char  text[65536];


static rt_params_fault_t
read_params(const char *json, params_t *p)
{
    rt_json_t          j;
    rt_params_fault_t  fault;

    memset(p, 0, sizeof(params_t));

    if (json != text) {
        strcpy(text, json);
    }

    rt_json_init(&j, (uint8_t *) text, strlen(text));
    rt_params_read(&j, table, p, &fault);

    return fault;
}


static void
test_whole(void)
{
    params_t  p;

    ok(read_params("{\"whole\":-1}", &p).why == NULL && p.whole == -1,
       "less than nothing");
    ok(read_params("{\"whole\":-9223372036854775808}", &p).why == NULL
       && p.whole == INT64_MIN, "the least");
    ok(read_params("{\"whole\":7}", &p).why == NULL && p.whole == 7,
       "more");
    ok(read_params("{\"whole\":null}", &p).why == NULL && p.whole == 0,
       "not said");

    tap_group("whole numbers");
}


static void
test_good(void)
{
    params_t  p;

    ok(read_params("{}", &p).why == NULL, "nothing");
    ok(p.name.data == NULL && p.any.type == RT_JSON_NONE, "zeroes");

    ok(read_params(" {\"name\":\"n\\u0041\",\"flag\":true,\"count\":7,"
                   "\"any\":[1],\"list\":[ 2 ],\"object\":{\"a\":3}} ", &p).why
       == NULL, "all");
    ok(rt_str_eq(&p.name, "nA"), "string");
    ok(p.flag && p.count == 7, "flag, count");
    ok(p.any.type == RT_JSON_ARRAY && p.any.len == 3, "any");
    ok(p.list.len == 5 && memcmp(p.list.data, "[ 2 ]", 5) == 0, "list");
    ok(p.object.len == 7, "object");

    ok(read_params("{\"x\":[{\"name\":1}],\"name\":null,\"flag\":null,"
                   "\"list\":null,\"any\":null,\"count\":null}", &p).why
       == NULL, "null");
    ok(p.name.data == NULL && p.list.len == 0, "null is not said");
    ok(p.any.type == RT_JSON_NULL && p.any.len == 4, "but is a value");

    ok(read_params("{\"count\":1,\"count\":18446744073709551615}", &p).why
       == NULL && p.count == UINT64_MAX, "the last of two");

    tap_group("what is taken");
}


static void
test_bad(void)
{
    size_t             i;
    params_t           p;
    rt_params_fault_t  f;

    static const struct {
        const char  *json, *param, *why;
    } bad[] = {
        { "", NULL, "the parameters have to be a JSON object" },
        { "[]", NULL, "the parameters have to be a JSON object" },
        { "{", "body", "is not JSON" },
        { "{}x", "body", "is not JSON" },
        { "{\"name\":\"x\"", "body", "is not JSON" },
        { "{\"name\" \"x\"}", "body", "is not JSON" },
        { "{\"y\":01}", "body", "is not JSON" },
        { "{\"name\":5}", "name", "has to be a string" },
        { "{\"name\":[]}", "name", "has to be a string" },
        { "{\"name\":\"\\x\"}", "name", "has to be a string" },
        { "{\"flag\":\"yes\"}", "flag", "has to be true or false" },
        { "{\"flag\":1}", "flag", "has to be true or false" },
        { "{\"flag\":tru}", "flag", "has to be true or false" },
        { "{\"count\":\"1\"}", "count",
          "has to be a whole number from 0 to 2^64-1" },
        { "{\"count\":-1}", "count",
          "has to be a whole number from 0 to 2^64-1" },
        { "{\"count\":1.0}", "count",
          "has to be a whole number from 0 to 2^64-1" },
        { "{\"count\":18446744073709551616}", "count",
          "has to be a whole number from 0 to 2^64-1" },
        { "{\"whole\":\"1\"}", "whole", "has to be a whole number" },
        { "{\"whole\":-1.5}", "whole", "has to be a whole number" },
        { "{\"whole\":9223372036854775808}", "whole",
          "has to be a whole number" },
        { "{\"list\":{}}", "list", "has to be an array" },
        { "{\"list\":[1,]}", "list", "is not JSON" },
        { "{\"object\":[]}", "object", "has to be an object" },
        { "{\"object\":{\"a\"}}", "object", "is not JSON" },
        { "{\"any\":}", "any", "is not JSON" }
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f = read_params(bad[i].json, &p);

        ok(f.malformed, "%s is malformed", bad[i].json);
        ok(f.why && strcmp(f.why, bad[i].why) == 0, "%s: %s", bad[i].json,
           f.why);
        ok(bad[i].param ? f.param && strcmp(f.param, bad[i].param) == 0
                        : f.param == NULL, "%s: of it", bad[i].json);
    }

    tap_group("what is refused, and why");
}


static void
deep(const char *name, unsigned n, const char *tail)
{
    char  *p;

    p = text + sprintf(text, "{\"%s\":", name);
    memset(p, '[', n);
    memset(p + n, ']', n);
    strcpy(p + 2 * n, tail);
}


static void
test_deep(void)
{
    params_t           p;
    unsigned           n;
    rt_params_fault_t  f;

    for (n = 60; n < 9000; n += n < 70 ? 1 : 1000) {
        deep("any", n, ",\"count\":3}");
        f = read_params(text, &p);
        ok(!f.malformed && (f.why != NULL) == (n > RT_JSON_DEPTH_MAX),
           "%u levels", n);
        ok(p.count == 3, "read on");
        ok(f.why == NULL || strcmp(f.param, "any") == 0, "whose it is");

        deep("list", n, "}");
        f = read_params(text, &p);
        ok(f.why == NULL && p.list.len == 2 * n, "items have their own");

        deep("other", n, "}");
        ok(read_params(text, &p).why == NULL, "passed over");

        deep("any", n, ",\"flag\":3}");
        f = read_params(text, &p);
        ok(f.malformed && strcmp(f.param, "flag") == 0, "malformed is told");

        deep("any", n, ",}");
        ok(read_params(text, &p).malformed, "and not JSON");
    }

    tap_group("nesting");
}


int
main(void)
{
    test_good();
    test_whole();
    test_bad();
    test_deep();

    return tap_done();
}
