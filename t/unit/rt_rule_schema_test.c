
/*
 * rt.schema: what a file may declare, what an event then has to be, and what
 * upgrades make of an older one.
 */


#include "rt_rule.h"
#include "tap.h"


static const rt_vm_limits_t  limits = {
    .steps = 100000, .bytes = 1024 * 1024, .piece = 128 * 1024, .time = 5000,
    .kept = 256 * 1024
};


static char  error[RT_VM_ERROR_MAX];


static rt_rule_t *
load(const char *text)
{
    return rt_rule_create(&limits, "x.lua", (const uint8_t *) text,
                          strlen(text), error);
}


/*
 * What becomes of an event: "CODE REASON", "VERSION DATA", an error; where f is
 * there, what it then answers of the event.
 */
static const char *
check(rt_rule_t *r, const char *type, uint64_t version, const char *data)
{
    bool             f;
    rt_verdict_t     v;
    rt_rule_view_t   views[2];
    rt_vm_result_e   result;
    rt_rule_event_t  event;
    static char      said[70000];

    memset(&event, 0, sizeof(event));

    event.type.data = (uint8_t *) type;
    event.type.len = strlen(type);
    event.version = version;
    event.data.data = (uint8_t *) data;
    event.data.len = strlen(data);

    f = rt_vm_begin(rt_rule_vm(r), "f") == RT_VM_OK;
    rt_vm_end(rt_rule_vm(r));
    result = rt_rule_check(r, &event, &v);

    if (result == RT_VM_NONE) {
        snprintf(said, sizeof(said), "none");

    } else if (result != RT_VM_OK) {
        snprintf(said, sizeof(said), "%d: %s", result,
                 rt_vm_error(rt_rule_vm(r)));

    } else if (v.kind == RT_RULE_DENY) {
        snprintf(said, sizeof(said), "%u %.*s", v.code, (int) v.reason.len,
                 v.reason.data);

    } else {
        ok(event.upgraded == (event.version != version), "upgraded");
        ok(event.upgraded || event.data.data == (uint8_t *) data,
           "what is not upgraded is the client's own");
        snprintf(said, sizeof(said), "%u %.*s", (unsigned) event.version,
                 (int) event.data.len, event.data.data);
    }

    if (result == RT_VM_OK && v.kind == RT_RULE_PASS && f) {

        rt_rule_field_t  fields[] = {
            { "data", RT_RULE_JSON, event.data },
            { "version", RT_RULE_NUMBER, { event.version, NULL } }
        };

        memset(views, 0, sizeof(views));
        views[1].name = "event";
        views[1].fields = fields;
        views[1].nfields = 2;

        if (rt_rule_ask(r, "f", views, 2, &v) != RT_VM_OK) {
            snprintf(said, sizeof(said), "f: %s", rt_vm_error(rt_rule_vm(r)));
        } else {
            snprintf(said, sizeof(said), "f: %.*s", (int) v.data.len,
                     v.data.data);
        }
    }

    rt_rule_done(r);

    return said;
}


static void
test_declared(void)
{
    char           text[2000];
    size_t         i;
    rt_rule_t     *r;
    rt_verdict_t   v;

    static const struct {
        const char  *schema, *says;
    } table[] = {
        { "", "bad argument #1 to 'schema' (table expected, got no value)" },
        { "{}", "rt.schema: type: a text is expected" },
        { "{ type = 5 }", "rt.schema: type: a text is expected" },
        { "{ type = '' }", "rt.schema: type: 1 to 255 bytes of UTF-8" },
        { "{ type = '\\255' }", "rt.schema: type: 1 to 255 bytes of UTF-8" },
        { "{ type = ('t'):rep(256) }",
          "rt.schema: type: 1 to 255 bytes of UTF-8" },
        { "{ type = 't' }", "rt.schema: versions: a table is expected" },
        { "{ type = 't', versions = {} }",
          "rt.schema: versions: 1 to 64 are expected" },
        { "{ type = 't', versions = { x = 'any' } }", "rt.schema: versions: a "
          "version is a whole number from 1 to 1000000" },
        { "{ type = 't', versions = { [0] = 'any' } }", "rt.schema: versions: "
          "a version is a whole number from 1 to 1000000" },
        { "{ type = 't', versions = { [1.5] = 'any' } }", "rt.schema: "
          "versions: a version is a whole number from 1 to 1000000" },
        { "{ type = 't', versions = { [1] = 'any', [3] = 'any' } }",
          "rt.schema: versions: there is a gap between 1 and 3" },
        { "{ type = 't', versions = { 'any', 'any' } }", "rt.schema: "
          "upgrade[1]: a function is expected, that makes version 2 of it" },
        { "{ type = 't', versions = { 'any', 'any' }, upgrade = { 1 } }",
          "rt.schema: upgrade[1]: a function is expected, that makes version 2 "
          "of it" },
        { "{ type = 't', versions = { 'any' }, upgrade = 1 }",
          "rt.schema: upgrade: a table is expected" },
        { "{ type = 't', versions = { 'any' }, upgrade = { error } }",
          "rt.schema: upgrade: there are more than versions to be upgraded" },
        { "{ type = 't', versions = { true } }",
          "rt.schema: versions[1]: a text or a table is expected" },
        { "{ type = 't', versions = { { a = { b = 'strin' } } } }",
          "rt.schema: versions[1][a][b]: write string, number, integer, "
          "boolean, object, array or any, with a ? where it may be left out" },
        { "{ type = 't', versions = { { a = { 'any', 'any' } } } }",
          "rt.schema: versions[1][a]: a list has one spec: { SPEC }" },
        { "{ type = 't', versions = { { a = { 'any', x = 'any' } } } }",
          "rt.schema: versions[1][a]: a list has one spec: { SPEC }" },
        { "{ type = 't', versions = { { a = { { b = 1 } } } } }",
          "rt.schema: versions[1][a][1][b]: a text or a table is expected" },
        { "{ type = 't', versions = { { [true] = 'any' } } }",
          "rt.schema: versions[1]: the name of a field is a text" },
        { "{ type = 't', versions = { { [('x'):rep(65)] = 'any' } } }",
          "rt.schema: versions[1]: the name of a field is 1 to 64 bytes of "
          "UTF-8" },
        { "{ type = 't', versions = { { ['?'] = 'any' } } }",
          "rt.schema: versions[1]: the name of a field is 1 to 64 bytes of "
          "UTF-8" },
        { "{ type = 't', versions = { { a = 'any', ['a?'] = 'any' } } }",
          "rt.schema: versions[1]: a field is there with and without its ?" },
        { "((function() local t = {} t.t = t "
          "return { type = 't', versions = { t } } end)())", "rt.schema: "
          "versions[1][t][t][t][t][t][t][t][t][t][t][t][t][t][t][t][t]: it is "
          "nested too deep" },
        { "((function() local t = { a = 'any' } "
          "for i = 1, 12 do t = { l = t, r = t } end "
          "return { type = 't', versions = { t } } end)())",
          "rt.schema: versions: more than 1024 fields" },
        { "((function() local t = {} "
          "for i = 1, 129 do t['x' .. i] = 'any' end "
          "return { type = 't', versions = { t } } end)())",
          "rt.schema: versions[1]: more than 128 fields" },
        { "{ type = 't', versions = { 'any' } } "
          "rt.schema{ type = 't', versions = { 'any' } }",
          "rt.schema: \"t\" is there already" },
        { "(view)", "bad argument #1 to 'schema' (table expected, got nil)" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text), "\n\nrt.schema%s%s return {}",
                 table[i].schema[0] ? " " : "()", table[i].schema);

        r = load(text);
        ok(r == NULL, "loaded: %s", text);
        ok(strncmp(error, "x.lua:3: ", 9) == 0
           && strcmp(error + 9, table[i].says) == 0, "%s: %s", text, error);

        if (r) {
            rt_rule_destroy(r);
        }
    }

    r = load("return { f = function() "
             "rt.schema{ type = 't', versions = { 'any' } } end }");
    ok(r && strstr(check(r, "t", 1, "1"), "none"), "%s", error);
    ok(rt_rule_ask(r, "f", NULL, 0, &v) == RT_VM_ERROR
       && strcmp(rt_vm_error(rt_rule_vm(r)), "x.lua:1: rt.schema: call it at "
                 "the top level of a file") == 0, "%s",
       rt_vm_error(rt_rule_vm(r)));
    rt_rule_done(r);
    ok(!rt_rule_has_schemas(r), "none is declared");

    rt_rule_destroy(r);

    tap_group("what is wrong with a schema is told, with its line");
}


static const char  fields[] =
    "rt.schema{ type = 't', versions = { [7] = {\n"
    "  s = 'string', n = 'number?', i = 'integer?', b = 'boolean?',\n"
    "  o = 'object?', a = 'array?', x = 'any?', ['in?'] = { y = 'string' },\n"
    "  ['tags?'] = { 'string' }, ['list?'] = { { z = 'number' } },\n"
    "  ['rows?'] = { { 'integer?' } }, ['\xc3\xa9?'] = 'number'\n"
    "} } }\n"
    "return {}";


static void
test_fields(void)
{
    char        data[2200];
    size_t      i;
    rt_rule_t  *r;
    const char  *said, *p;

    static const struct {
        const char  *data, *says;
    } table[] = {
        { "{\"s\":\"\"}", NULL },
        { " { \"s\" : \"x\" , \"other\" : [ { } ] } ", NULL },
        { "{\"s\":\"\",\"n\":1.5,\"i\":-3,\"b\":false,\"o\":{\"s\":1},"
          "\"a\":[1,[2]],\"x\":{},\"in\":{\"y\":\"\"},\"tags\":[\"\"],"
          "\"list\":[{\"z\":0}],\"rows\":[[],[1,null,2]]}", NULL },
        { "{\"s\":\"\",\"n\":null,\"i\":null,\"b\":null,\"o\":null,\"a\":null,"
          "\"x\":null,\"in\":null,\"tags\":null,\"list\":null}", NULL },
        { "{\"s\":\"\",\"i\":1.0}", NULL },
        { "{\"s\":\"\",\"i\":1e3}", NULL },
        { "{\"s\":\"\",\"i\":123456789012345678901234567890}", NULL },
        { "{\"\\u0073\":\"escaped\"}", NULL },
        { "{\"s\":\"\",\"tags\":[]}", NULL },
        { "{\"s\":\"\",\"\\u00e9\":1}", NULL },
        { "{}", "422 data.s: string expected, got nothing" },
        { "{\"s\":null}", "422 data.s: string expected, got null" },
        { "{\"s\":5}", "422 data.s: string expected, got number" },
        { "{\"s\":{}}", "422 data.s: string expected, got object" },
        { "{\"s\":[]}", "422 data.s: string expected, got array" },
        { "{\"s\":true}", "422 data.s: string expected, got boolean" },
        { "{\"S\":\"\"}", "422 data.s: string expected, got nothing" },
        { "{\"s\":\"\",\"n\":\"1\"}",
          "422 data.n: number expected, got string" },
        { "{\"s\":\"\",\"i\":1.5}",
          "422 data.i: integer expected, got number" },
        { "{\"s\":\"\",\"i\":1e400}",
          "422 data.i: integer expected, got number" },
        { "{\"s\":\"\",\"b\":0}", "422 data.b: boolean expected, got number" },
        { "{\"s\":\"\",\"o\":[]}", "422 data.o: object expected, got array" },
        { "{\"s\":\"\",\"a\":{}}", "422 data.a: array expected, got object" },
        { "{\"s\":\"\",\"in\":{}}",
          "422 data.in.y: string expected, got nothing" },
        { "{\"s\":\"\",\"in\":[]}",
          "422 data.in: object expected, got array" },
        { "{\"s\":\"\",\"tags\":[\"a\",2]}",
          "422 data.tags[2]: string expected, got number" },
        { "{\"s\":\"\",\"tags\":{}}",
          "422 data.tags: array expected, got object" },
        { "{\"s\":\"\",\"list\":[{\"z\":0},{}]}",
          "422 data.list[2].z: number expected, got nothing" },
        { "{\"s\":\"\",\"rows\":[[1],[1,\"\"]]}",
          "422 data.rows[2][2]: integer expected, got string" },
        { "{\"s\":\"\",\"s\":1}", "422 data.s: it is there twice" },
        { "{\"s\":1,\"s\":\"\"}", "422 data.s: string expected, got number" },
        { "{\"s\":\"\",\"\\u0073\":\"\"}", "422 data.s: it is there twice" },
        { "{\"s\":\"\",\"other\":1,\"other\":2}", NULL },
        { "{\"s\":\"\",\"\xc3\xa9\":\"\"}",
          "422 data.\xc3\xa9: number expected, got string" },
        { "[]", "422 data: object expected, got array" },
        { "null", "422 data: object expected, got null" },
        { "\"s\"", "422 data: object expected, got string" }
    };

    r = load(fields);
    ok(r != NULL, "%s", error);

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        said = check(r, "t", 7, table[i].data);

        if (table[i].says) {
            ok(strcmp(said, table[i].says) == 0, "%s: %s", table[i].data,
               said);
        } else {
            ok(strncmp(said, "7 ", 2) == 0
               && strcmp(said + 2, table[i].data) == 0, "%s: %s",
               table[i].data, said);
        }
    }

    ok(strcmp(check(r, "u", 7, "{}"), "none") == 0, "another type");

    said = check(r, "t", 6, "{}");
    ok(strcmp(said, "415 version 6 of t is not accepted, write one of 7") == 0,
       "%s", said);

    said = check(r, "t", UINT64_MAX, "{}");
    ok(strcmp(said, "415 version 18446744073709551615 of t is not accepted, "
              "write one of 7") == 0, "%s", said);

    /* a name that is long, in the text, is another one */

    memset(data, 'x', sizeof(data));
    memcpy(data, "{\"s\":\"\",\"", 9);
    strcpy(data + 2000, "\":1}");
    ok(strncmp(check(r, "t", 7, data), "7 ", 2) == 0, "a long name");

    rt_rule_destroy(r);

    /* what is told has a bound, and ends between characters */

    r = load("local name = ('\xc3\xa9'):rep(30)\n"
             "local t = 'string'\n"
             "for i = 1, 15 do t = { ['x' .. name] = t } end\n"
             "rt.schema{ type = 't', versions = { t } } return {}");
    ok(r != NULL, "%s", error);

    data[0] = '\0';

    for (i = 0; i < 15; i++) {
        strcat(data, "{\"x");
        for (int k = 0; k < 30; k++) {
            strcat(data, "\xc3\xa9");
        }
        strcat(data, "\":");
    }

    strcat(data, "5}}}}}}}}}}}}}}}");

    said = check(r, "t", 1, data);
    p = said + strlen(said) - 3;
    ok(strncmp(said, "422 data.x\xc3\xa9", 12) == 0 && strcmp(p, "...") == 0
       && strlen(said) <= RT_SCHEMA_SAID + 4
       && ((uint8_t) p[-1] & 0xc0) == 0x80, "%s", said);

    rt_rule_destroy(r);

    tap_group("what an event has to be");
}


static void
test_upgrades(void)
{
    rt_said_t    types;
    rt_rule_t   *r;
    const char  *said;

    r = load("local calls = 0\n"
             "rt.schema{ type = 'p',\n"
             "  versions = {\n"
             "    [1] = { prompt = 'string' },\n"
             "    [2] = { prompt = 'string', options = { t = 'number?' } },\n"
             "    [3] = { text = 'string', tags = { 'string' } }\n"
             "  },\n"
             "  upgrade = {\n"
             "    [1] = function(d)\n"
             "      if d.prompt == 'loop' then while true do end end\n"
             "      if d.prompt == 'error' then error('no, ' .. d.prompt) end\n"
             "      if d.prompt == 'nothing' then return end\n"
             "      if d.prompt == 'deny' then return rt.deny(4000, 'so') end\n"
             "      if d.prompt == 'allow' then return rt.allow() end\n"
             "      if d.prompt == 'bad' then return { prompt = 5 } end\n"
             "      if d.prompt == 'ring' then d.options = d end\n"
             "      if d.prompt == 'wide' then\n"
             "        local t = {} for i = 1, 9 do t[i] = t end\n"
             "        d.options = t\n"
             "      end\n"
             "      d.options = d.options or { t = 1 }\n"
             "      return d\n"
             "    end,\n"
             "    [2] = function(d)\n"
             "      return { text = d.prompt, tags = rt.array(), is = d.is }\n"
             "    end\n"
             "  }\n"
             "}\n"
             "rt.schema{ type = 'q', versions = { 'any' } }\n"
             "return {}");
    ok(r != NULL, "%s", error);

    said = check(r, "p", 3, "{\"text\":\"a\" , \"tags\":[\"b\"]}");
    ok(strcmp(said, "3 {\"text\":\"a\" , \"tags\":[\"b\"]}") == 0, "%s", said);

    said = check(r, "p", 2, "{\"prompt\":\"a\",\"options\":{}}");
    ok(strstr(said, "3 {") && strstr(said, "\"text\":\"a\"")
       && strstr(said, "\"tags\":[]"), "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"\\u00e9\"}");
    ok(strstr(said, "3 {") && strstr(said, "\"text\":\"\xc3\xa9\""), "%s",
       said);

    said = check(r, "p", 1, "{\"prompt\":5}");
    ok(strcmp(said, "422 data.prompt: string expected, got number") == 0,
       "%s", said);

    said = check(r, "p", 4, "{}");
    ok(strcmp(said, "415 version 4 of p is not accepted, write one of 1, 2, 3")
       == 0, "%s", said);

    said = check(r, "p", 0, "{}");
    ok(strncmp(said, "415 version 0", 13) == 0, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"deny\"}");
    ok(strcmp(said, "4000 so") == 0, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"error\"}");
    ok(strcmp(said, "2: x.lua:11: no, error") == 0
       && rt_vm_error_line(rt_rule_vm(r)) == 11, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"nothing\"}");
    ok(strcmp(said, "2: upgrade[1] of \"p\": it returns nothing") == 0, "%s",
       said);

    said = check(r, "p", 1, "{\"prompt\":\"allow\"}");
    ok(strcmp(said, "2: a userdata cannot be data") == 0, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"bad\"}");
    ok(strcmp(said, "2: upgrade[1] of \"p\": data.options: object expected, "
              "got nothing") == 0
       || strcmp(said, "2: upgrade[1] of \"p\": data.prompt: string expected, "
                 "got number") == 0, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"ring\"}");
    ok(strcmp(said, "2: data is nested deeper than 32") == 0, "%s", said);

    said = check(r, "p", 1, "{\"prompt\":\"a\",\"is\":"
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}");
    ok(strcmp(said, "422 data is nested too deep to be upgraded") == 0, "%s",
       said);

    said = check(r, "p", 1, "{\"prompt\":\"wide\"}");
    ok(strcmp(said, "2: data is nested deeper than 32") == 0, "%s", said);

    ok(!rt_vm_spoilt(rt_rule_vm(r)), "not spoilt");
    said = check(r, "p", 1, "{\"prompt\":\"loop\"}");
    ok(strcmp(said, "3: x.lua:10: too many steps") == 0, "%s", said);
    ok(rt_vm_spoilt(rt_rule_vm(r)), "spoilt");

    memset(&types, 0, sizeof(types));
    rt_rule_say_types(r, NULL, &types);
    ok(types.len == 19
       && memcmp(types.text, " p (1, 2, 3), q (1)", 19) == 0, "%.*s",
       (int) types.len, types.text);

    rt_rule_say_types(r, r, &types);
    ok(types.len == 19, "those of another are left out");

    rt_rule_destroy(r);

    tap_group("upgrades");
}


static void
test_budget(void)
{
    rt_rule_t   *r;
    const char  *said;

    /* the function pays from what the upgrades have left */

    r = load("local function work() for i = 1, 30000 do end end\n"
             "rt.schema{ type = 'p', versions = { 'any', 'any' },\n"
             "  upgrade = { function(d) work() return d + 1 end } }\n"
             "return { f = function(s, e)\n"
             "  work()\n"
             "  if e.data == 6 then work() work() end\n"
             "  return rt.reply({ e.data, e.version })\n"
             "end }");
    ok(r != NULL, "%s", error);

    said = check(r, "p", 1, "1");
    ok(strcmp(said, "f: [2,2]") == 0, "%s", said);

    said = check(r, "p", 2, "6");
    ok(strcmp(said, "f: [6,2]") == 0, "%s", said);

    said = check(r, "p", 1, "5");
    ok(strcmp(said, "f: x.lua:1: too many steps") == 0, "%s", said);
    rt_rule_destroy(r);

    /* what a file keeps of its tables does not change the schema */

    r = load("local spec = { a = 'string' }\n"
             "local versions = { spec, spec }\n"
             "local upgrade = { function(d) return d end }\n"
             "rt.schema{ type = 'p', versions = versions,\n"
             "  upgrade = upgrade }\n"
             "return { f = function(s, e)\n"
             "  spec.a = 'any' versions[1] = 'any' versions[3] = 'any'\n"
             "  upgrade[1] = function() return 1 end\n"
             "  return rt.reply(e.data)\n"
             "end }");
    ok(r != NULL, "%s", error);

    for (int i = 0; i < 2; i++) {
        said = check(r, "p", 1, "{\"a\":\"b\"}");
        ok(strcmp(said, "f: {\"a\":\"b\"}") == 0, "%s", said);
        said = check(r, "p", 1, "{\"a\":5}");
        ok(strcmp(said, "422 data.a: string expected, got number") == 0, "%s",
           said);
    }

    rt_rule_destroy(r);

    /* it counts as what is kept */

    r = load("local t = {}\n"
             "for i = 1, 100 do t['field' .. i] = 'any' end\n"
             "for i = 1, 50 do\n"
             "  rt.schema{ type = 't' .. i, versions = { t } }\n"
             "end\n"
             "return {}");
    ok(r != NULL && rt_vm_bytes(rt_rule_vm(r)) > 100000, "%s", error);
    rt_rule_destroy(r);

    r = load("local t = {}\n"
             "for i = 1, 40 do t['field' .. i] = 'any' end\n"
             "for i = 1, 400 do\n"
             "  rt.schema{ type = 't' .. i, versions = { t } }\n"
             "end\n"
             "return {}");
    ok(r == NULL && strstr(error, "bytes between calls"), "%s", error);

    tap_group("budget, and what is kept");
}


int
main(void)
{
    test_declared();
    test_fields();
    test_upgrades();
    test_budget();

    return tap_done();
}
