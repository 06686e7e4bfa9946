
/*
 * Views, verdicts and JSON of rules; that a rule without a budget, or without
 * memory, leaves nothing behind is for the sanitizers to see.
 */


#include "rt_rule.h"
#include "tap.h"


static const rt_vm_limits_t  limits = {
    .steps = 100000, .bytes = 1024 * 1024, .piece = 128 * 1024, .time = 5000,
    .kept = 256 * 1024
};


static rt_rule_t *
rule(const char *text)
{
    char        error[RT_VM_ERROR_MAX];
    rt_rule_t  *r;

    r = rt_rule_create(&limits, "x.lua", (const uint8_t *) text, strlen(text),
                       error);
    ok(r != NULL, "%s", error);

    return r;
}


/* what it answers to one view with that data */
static const char *
ask(rt_rule_t *r, const char *data)
{
    rt_verdict_t     v;
    rt_rule_view_t   view;
    rt_vm_result_e   result;
    static char      said[70000];

    rt_rule_field_t  fields[] = {
        { "data", RT_RULE_JSON, { strlen(data), (uint8_t *) data } },
        { "name", RT_RULE_TEXT, rt_string("alice") },
        { "nobody", RT_RULE_TEXT, { 0, NULL } },
        { "n", RT_RULE_NUMBER, { 7, NULL } },
        { "yes", RT_RULE_BOOL, { 1, NULL } }
    };

    view.name = "thing";
    view.fields = fields;
    view.nfields = 5;

    result = rt_rule_ask(r, "f", &view, 1, &v);

    if (result == RT_VM_NONE) {
        snprintf(said, sizeof(said), "none");

    } else if (result != RT_VM_OK) {
        snprintf(said, sizeof(said), "%s", rt_vm_error(rt_rule_vm(r)));

    } else if (v.kind == RT_RULE_DENY) {
        snprintf(said, sizeof(said), "%u %.*s", v.code, (int) v.reason.len,
                 v.reason.data);

    } else if (v.data.data) {
        snprintf(said, sizeof(said), "%.*s", (int) v.data.len, v.data.data);

    } else {
        snprintf(said, sizeof(said), "%s", rt_rule_verdicts[v.kind]);
    }

    rt_rule_done(r);

    return said;
}


static void
test_verdicts(void)
{
    char         text[500];
    size_t       i;
    rt_rule_t   *r;
    const char  *said;

    static const struct {
        const char  *code, *says;
    } table[] = {
        { "", "nil" },
        { "return nil", "nil" },
        { "return rt.allow()", "rt.allow()" },
        { "return rt.fast()", "rt.fast()" },
        { "return rt.durable()", "rt.durable()" },
        { "return rt.deny()", "103 permission denied" },
        { "return rt.deny(4000)", "4000 permission denied" },
        { "return rt.deny(4000, 'no')", "4000 no" },
        { "rt.deny(1000) return rt.allow(), rt.deny(1001)", "rt.allow()" },
        { "local a, b = rt.deny(1, 'x')", "x.lua:1: bad argument #1 to 'deny' "
          "(a code is a number from 100 to 65535)" },
        { "return rt.deny(0 / 0)", "bad argument #1 to '?' "
          "(a code is a number from 100 to 65535)" },
        { "return rt.deny(100.5)", "bad argument #1 to '?' "
          "(a code is a number from 100 to 65535)" },
        { "return rt.deny(100, '\\255')", "bad argument #2 to '?' "
          "(a reason is up to 128 bytes of UTF-8)" },
        { "return rt.deny(100, ('x'):rep(129))", "bad argument #2 to '?' "
          "(a reason is up to 128 bytes of UTF-8)" },
        { "return 1", "f: answers with a number, not with rt.allow() or "
          "another verdict" },
        { "return {}", "f: answers with a table, not with rt.allow() or "
          "another verdict" },
        { "return rt.null", "f: answers with a userdata, not with rt.allow() "
          "or another verdict" },
        { "return v", "f: answers with a userdata, not with rt.allow() or "
          "another verdict" },
        { "for i = 1, 9 do rt.allow() end",
          "x.lua:1: more than 8 verdicts in a call" },
        { "local t = rt.task('q')",
          "x.lua:1: rt.task: there are no queues yet" },
        { "rt.allow = nil", "x.lua:1: a rule keeps nothing: "
          "write \"local allow\"" },
        { "local x = v.other", "x.lua:1: a thing has no \"other\"" },
        { "local x = v[1]", "x.lua:1: a thing has no \"\"" },
        { "v.name = 1", "x.lua:1: it can only be read: change what a rule "
          "gives to rt.transform()" },
        { "return rt.reply({ v.name, v.n, v.yes, v.nobody == nil })",
          "[\"alice\",7,true,true]" },
        { "local d = v.data d.a, d.x = nil, 1 return rt.transform(d)",
          "{\"x\":1}" },
        { "v.data.b = 2 return rt.reply(v.data.b)", "2" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text),
                 "return { f = function(v) %s end }", table[i].code);

        r = rule(text);
        said = ask(r, "{\"a\":1}");
        ok(strcmp(said, table[i].says) == 0, "%s: %s", table[i].code, said);
        ok(rt_rule_has(r, "f") && !rt_rule_has(r, "g"), "functions");
        rt_rule_destroy(r);
    }

    r = rule("return {}");
    ok(strcmp(ask(r, "1"), "none") == 0, "no function");
    rt_rule_destroy(r);

    tap_group("verdicts and views");
}


static void
test_kept(void)
{
    rt_rule_t  *r;

    r = rule("local kept, verdict\n"
             "return { f = function(v)\n"
             "  if kept then return kept.name end\n"
             "  kept = v\n"
             "end, g = function() return kept.name end }");

    ok(strcmp(ask(r, "1"), "nil") == 0, "the first");
    ok(strstr(ask(r, "1"), "answers with a string") != NULL,
       "a view that is lent again is that of the call");
    rt_rule_destroy(r);

    r = rule("local kept\n"
             "return { f = function(v)\n"
             "  local was = kept\n"
             "  kept = rt.deny(4000, 'x')\n"
             "  return was\n"
             "end }");

    ok(strcmp(ask(r, "1"), "nil") == 0, "the first");
    ok(strcmp(ask(r, "1"), "4000 x") == 0,
       "a verdict is its number in the call");
    rt_rule_destroy(r);

    tap_group("what is kept between calls is of no use");
}


static void
test_json(void)
{
    char         deep[200];
    size_t       i;
    rt_rule_t   *r;
    const char  *said;

    static const struct {
        const char  *in, *out;
    } table[] = {
        { "1", "1" },
        { "-0.5", "-0.5" },
        { "1e3", "1000" },
        { "0.1", "0.1" },
        { "9007199254740993", "9007199254740992" },
        { "123456789012345680000", "1.2345678901234568e+20" },
        { "1e400", "a number in data is not finite" },
        { "true", "true" },
        { "null", "null" },
        { "\"\"", "\"\"" },
        { "\"a\\u00e9\\n\\\"\"", "\"a\xc3\xa9\\n\\\"\"" },
        { "\"\\u0000\"", "\"\\u0000\"" },
        { "[]", "[]" },
        { "{}", "{}" },
        { "[[],{},[null]]", "[[],{},[null]]" },
        { "{\"\":{\"x\":[1]}}", "{\"\":{\"x\":[1]}}" },
        { " [ 1 , 2 ] ", "[1,2]" }
    };

    r = rule("return { f = function(v) return rt.reply(v.data) end }");

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        said = ask(r, table[i].in);
        ok(strcmp(said, table[i].out) == 0, "%s: %s", table[i].in, said);
    }

    for (i = 0; i < 80; i++) {
        deep[i] = '[';
        deep[80 + i] = ']';
    }

    deep[160] = '\0';
    ok(strstr(ask(r, deep), "nested deeper"), "too deep: %s", ask(r, deep));
    rt_rule_destroy(r);

    r = rule("return { f = function(v)\n"
             "  local t = {} t.t = t return rt.reply(t)\n"
             "end }");
    ok(strstr(ask(r, "1"), "nested deeper"), "a ring: %s", ask(r, "1"));
    rt_rule_destroy(r);

    r = rule("return { f = function(v) return rt.reply({ [1.5] = 1 }) end }");
    ok(strstr(ask(r, "1"), "cannot be a name"), "%s", ask(r, "1"));
    rt_rule_destroy(r);

    r = rule("return { f = function(v) return rt.reply({ f = error }) end }");
    ok(strstr(ask(r, "1"), "a function cannot be data"), "%s", ask(r, "1"));
    rt_rule_destroy(r);

    r = rule("return { f = function(v) return rt.reply('\\255') end }");
    ok(strstr(ask(r, "1"), "not UTF-8"), "%s", ask(r, "1"));
    rt_rule_destroy(r);

    r = rule("return { f = function(v)\n"
             "  local t = {}\n"
             "  for i = 1, 10 do t[i] = ('x'):rep(20000) end\n"
             "  return rt.reply(t)\n"
             "end }");
    ok(strstr(ask(r, "1"), "is too long"), "%s", ask(r, "1"));
    rt_rule_destroy(r);

    tap_group("data");
}


int
main(void)
{
    test_verdicts();
    test_kept();
    test_json();

    return tap_done();
}
