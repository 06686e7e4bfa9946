
/*
 * Views, verdicts and JSON of rules; that a rule without a budget, or without
 * memory, leaves nothing behind is for the sanitizers to see.
 */


#define _GNU_SOURCE

#include <time.h>

#include "rt_rule.h"
#include "rt_utf8.h"
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


static bool
asks(rt_rule_t *r, const char *name)
{
    bool  has;

    has = rt_vm_begin(rt_rule_vm(r), name) == RT_VM_OK;
    rt_vm_end(rt_rule_vm(r));

    return has;
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
        { "local x = v[1]", "x.lua:1: a thing has no \"1\"" },
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
        ok(asks(r, "f") && !asks(r, "g"), "functions");
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


static char    heard[RT_RULE_LINES * 2 * RT_RULE_LINE];
static size_t  lines;


static void
hear(void *data, const uint8_t *text, size_t len)
{
    ok(data == heard && len <= RT_RULE_LINE && rt_utf8_valid(text, len),
       "a line of %zu bytes", len);

    for (size_t i = 0; i < len; i++) {
        ok(text[i] >= 0x20 && text[i] != 0x7f, "a control character");
    }

    strncat(heard, (const char *) text, len);
    strcat(heard, "\n");
    lines++;
}


static void
test_log(void)
{
    char         text[500];
    size_t       i;
    rt_rule_t   *r;
    const char  *said;

    static const struct {
        const char  *code, *says;
    } table[] = {
        { "rt.log()", "\n" },
        { "rt.log('a', 1, 1.5, nil, true, rt.null)",
          "a 1 1.5 nil true userdata\n" },
        { "rt.log('a\\n\\0b\\27[1m\\127\\\\')",
          "a\\x0a\\x00b\\x1b[1m\\x7f\\\n" },
        { "rt.log('\303\251\\194\\133\\255\\195')",
          "\303\251\\xc2\\x85\\xff\\xc3\n" },
        { "rt.log({ 1, 'x' }, v.data)", "[1,\"x\"] {\"a\":1}\n" },
        { "local t = {} t.t = t rt.log(t, { f = error })", "table table\n" },
        { "rt.log(v, rt.allow(), error, rt.log)",
          "userdata userdata function function\n" },
        { "rt.log('a') rt.log('b')", "a\nb\n" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text),
                 "return { f = function(v) %s end }", table[i].code);

        r = rule(text);

        said = ask(r, "{\"a\":1}");
        ok(strcmp(said, "nil") == 0, "%s: %s", table[i].code, said);

        heard[0] = '\0';
        rt_rule_log_to(r, hear, heard);
        said = ask(r, "{\"a\":1}");
        ok(strcmp(said, "nil") == 0 && strcmp(heard, table[i].says) == 0,
           "%s: %s: %s", table[i].code, said, heard);
        rt_rule_destroy(r);
    }

    /* bounds of a line, and of lines */

    r = rule("return { f = function(v)\n"
             "  rt.log('x' .. ('\303\251'):rep(600), 'more')\n"
             "  rt.log(('\\1'):rep(600))\n"
             "  for i = 1, 100 do rt.log(i) end\n"
             "end }");

    rt_rule_log_to(r, hear, heard);

    for (i = 0; i < 2; i++) {
        heard[0] = '\0';
        lines = 0;
        said = ask(r, "1");
        ok(strcmp(said, "nil") == 0 && lines == RT_RULE_LINES, "%s: %zu lines",
           said, lines);
        ok(strcspn(heard, "\n") == 1024
           && strncmp(heard + 1019, "\303\251...\n", 6) == 0, "cut");
        ok(strstr(heard, "\\x01...\n1\n2\n") != NULL, "cut");
    }

    rt_rule_destroy(r);

    /* where nobody listens, nothing is looked at */

    r = rule("local t = {} for i = 1, 8000 do t[i] = i end\n"
             "return { f = function(v)\n"
             "  for i = 1, 1000 do rt.log(t, t) end\n"
             "end }");

    said = ask(r, "1");
    ok(strcmp(said, "nil") == 0, "%s", said);

    rt_rule_log_to(r, hear, heard);
    said = ask(r, "1");
    ok(strstr(said, "too many steps") != NULL, "%s", said);
    rt_rule_destroy(r);

    tap_group("what a rule logs");
}


static char *
read_file(const char *path)
{
    FILE   *f;
    char   *text;
    long    n;

    f = fopen(path, "r");

    if (f == NULL) {
        return NULL;
    }

    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    text = calloc(1, n + 1);
    n = fread(text, 1, n, f);
    fclose(f);

    return text;
}


static uint64_t
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* what it makes of an event of a client */
static rt_vm_result_e
attack(rt_rule_t *r, const char *name)
{
    rt_verdict_t     v;
    rt_rule_view_t   views[2];
    rt_vm_result_e   result;
    rt_rule_event_t  event;

    rt_rule_field_t  session[] = {
        { "claims", RT_RULE_JSON, rt_string("{\"plan\":\"free\",\"deep\":"
          "{\"x\":{\"y\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"
          "]]]]]]]]]]}}}") },
        { "headers", RT_RULE_JSON, rt_string("{\"x\":\"y\"}") }
    };

    rt_rule_field_t  publication[] = {
        { "data", RT_RULE_JSON, rt_string("{\"a\":[1,{\"b\":\"c\"}]}") },
        { "version", RT_RULE_NUMBER, { 1, NULL } }
    };

    views[0].name = "session";
    views[0].fields = session;
    views[0].nfields = 2;
    views[1].name = "publication";
    views[1].fields = publication;
    views[1].nfields = 2;

    event.type = (rt_str_t) rt_string("t");
    event.version = 1;
    event.data = publication[0].value;

    result = rt_rule_check(r, &event, &v);

    if (result == RT_VM_NONE
        || (result == RT_VM_OK && v.kind == RT_RULE_PASS))
    {
        publication[0].value = event.data;
        publication[1].value.len = event.version;
        result = rt_rule_ask(r, "publish", views, 2, &v);
    }

    if (result == RT_VM_OK && v.kind == RT_RULE_DENY) {
        ok(!rt_str_eq(&v.reason, "escaped"), "%s: escaped", name);
    }

    if (result == RT_VM_OK && v.kind == RT_RULE_TRANSFORM) {
        ok(rt_utf8_valid(v.data.data, v.data.len), "%s: data", name);
    }

    rt_rule_done(r);

    return result;
}


static void
test_attacks(void)
{
    char            *text, *p, *name, *end;
    char             error[RT_VM_ERROR_MAX];
    size_t           n;
    uint64_t         began, took, most;
    rt_rule_t       *r;
    const char      *worst;
    rt_vm_limits_t   hard;

    hard = limits;
    hard.piece = 64 * 1024;
    hard.time = 900;

    text = read_file("t/rules/attacks.lua");
    ok(text != NULL, "t/rules/attacks.lua");
    most = 0;
    worst = "";
    n = 0;

    for (p = text ? strstr(text, "\n--- ") : NULL; p; p = end) {

        name = p + 5;
        p = strchr(name, '\n');
        *p++ = '\0';
        end = strstr(p, "\n--- ");

        if (end) {
            *end = '\0';
        }

        n++;
        began = cpu();
        r = rt_rule_create(&hard, "x.lua", (uint8_t *) p, strlen(p), error);
        took = cpu() - began;

        ok(took < 2000000, "%s: loads in %lu us", name, (unsigned long) took);

        if (getenv("RT_VM_VERBOSE")) {
            printf("# %6lu us to load %s\n", (unsigned long) took, name);
        }

        for (int i = 0; r && i < 20; i++) {
            rt_rule_log_to(r, hear, heard);
            heard[0] = '\0';

            began = cpu();
            (void) attack(r, name);
            took = cpu() - began;

            if (took > most) {
                most = took;
                worst = name;
            }

            ok(rt_vm_bytes(rt_rule_vm(r)) < 3 * hard.bytes, "%s: %zu bytes",
               name, rt_vm_bytes(rt_rule_vm(r)));

            if (rt_vm_spoilt(rt_rule_vm(r))) {
                break;
            }
        }

        if (r) {
            rt_rule_destroy(r);
        }

        if (end) {
            *end = '\n';
        }
    }

    printf("# %zu attacks on events, at most %lu us: %s\n", n,
           (unsigned long) most, worst);
    ok(n > 120, "%zu attacks", n);
    ok(most < 1000000, "%s took %lu us", worst, (unsigned long) most);
    free(text);

    tap_group("attacks by rules that judge an event");
}


static unsigned  often_asked;


static bool
often(void *data, const rt_str_t *name, const rt_str_t *key)
{
    (void) data;
    (void) name;
    (void) key;

    often_asked++;

    return true;
}


/* "on" is on for all, "k" for the key k; what is asked is written down */

static bool
flag(void *data, const rt_str_t *name, const rt_str_t *key)
{
    char  *p;

    p = data;
    sprintf(p + strlen(p), "%.*s/%.*s ", (int) name->len, name->data,
            (int) key->len, key->data);

    return rt_str_eq(name, "on")
           || (rt_str_eq(name, "k") && rt_str_eq(key, "k"));
}


static void
test_flags(void)
{
    char         text[600], asked[200], error[RT_VM_ERROR_MAX];
    size_t       i;
    rt_rule_t   *r;
    const char  *said;

    static const struct {
        const char  *code, *says;
    } table[] = {
        { "return rt.reply({ rt.flag('on'), rt.flag('off'), "
          "rt.flag('k', 'k'), rt.flag('k', 'l'), rt.flag('k', nil) })",
          "[true,false,true,false,false] on/ off/ k/k k/l k/ " },
        { "return rt.reply(rt.flag('a-B_9', ''))", "false a-B_9/ " },
        { "rt.flag()", "(a flag's name is 1 to 64 letters, digits, "
          "\"_\" and \"-\") " },
        { "rt.flag('')", "(a flag's name is" },
        { "rt.flag(7)", "(a flag's name is" },
        { "rt.flag({})", "(a flag's name is" },
        { "rt.flag('a b')", "(a flag's name is" },
        { "rt.flag('a\\0b')", "(a flag's name is" },
        { "rt.flag(('x'):rep(65))", "(a flag's name is" },
        { "rt.flag('on', 7)", "(a flag's key is a string of up to 255 "
          "bytes) " },
        { "rt.flag('on', {})", "(a flag's key is" },
        { "rt.flag('on', false)", "(a flag's key is" },
        { "rt.flag('on', ('x'):rep(256))", "(a flag's key is" },
        { "while true do rt.flag('on', ('x'):rep(255)) end",
          "too many steps" },
        { "while true do pcall(rt.flag, 'on', 'y') end", "too many steps" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text),
                 "return { f = function(v) %s end }", table[i].code);

        r = rule(text);
        asked[0] = '\0';

        /* the last two ask often */
        rt_rule_flags(r, i < sizeof(table) / sizeof(table[0]) - 2 ? flag
                                                                  : often,
                      asked);

        said = ask(r, "1");
        snprintf(text, sizeof(text), "%s %s", said, asked);
        ok(strstr(text, table[i].says), "%s: %s", table[i].code, text);
        ok(often_asked < 100000 / 40, "%u times", often_asked);
        often_asked = 0;
        rt_rule_destroy(r);
    }

    r = rule("return { f = function(v) rt.flag('on') end }");
    said = ask(r, "1");
    ok(strstr(said, "rt.flag: flags are asked in functions that are called"),
       "nobody answers: %s", said);
    rt_rule_destroy(r);

    ok(rt_rule_create(&limits, "x.lua", (const uint8_t *)
                      "local a = rt.flag('on') return {}", 33, error)
       == NULL
       && strstr(error, "not while a file is loaded"), "loaded: %s", error);

    tap_group("flags");
}


int
main(void)
{
    test_verdicts();
    test_kept();
    test_json();
    test_log();
    test_attacks();
    test_flags();

    return tap_done();
}
