
/*
 * Settings: flags merged, rules, and the lines of a file, there and back.
 */


#include "rt_json.h"
#include "rt_setting.h"
#include "tap.h"


static const rt_setting_who_t  who = {
    rt_string("al\"ice"), rt_string("127.0.0.1"), rt_string("0a1b2c3d"), 1234
};

#define WHO  ",\"by\":\"al\\\"ice\",\"from\":\"127.0.0.1\","                  \
             "\"key\":\"0a1b2c3d\",\"at\":1234"


static rt_str_t
copy(uint8_t *buf, const char *text)
{
    rt_str_t  s;

    s.data = buf;
    s.len = strlen(text);
    memcpy(buf, text, s.len);

    return s;
}


static void
test_rules(void)
{
    uint8_t    buf[256];
    rt_out_t   o;
    rt_str_t   lua, said;

    rt_str_t   text = rt_string("return {}\n-- \"x\"");

    rt_out_init(&o, buf, sizeof(buf));
    rt_setting_rules(&o, &text, &who);

    said.data = buf;
    said.len = o.need;
    lua.data = (uint8_t *) "{\"text\":\"return {}\\n-- \\\"x\\\"\"" WHO "}";

    ok(rt_str_eq(&said, (char *) lua.data), "got %.*s", (int) said.len,
       said.data);

    tap_group("rules");
}


static void
test_flags(void)
{
    size_t       i;
    rt_str_t     flags, changes, said, log;
    uint8_t      one[256], two[256], out[1024], short_[256];
    rt_out_t     o, s;
    const char  *why;

    static const struct {
        const char  *flags, *changes, *want;    /* NULL: they are refused */
    } table[] = {
        { "", "{}", "{}" },
        { "", "{\"a\":true}", "{\"a\":{\"on\":true" WHO "}}" },
        { "", "{\"a\":false,\"b\":null}", "{\"a\":{\"on\":false" WHO "}}" },
        { "", "{\"a\":{}}", "{\"a\":{\"on\":false" WHO "}}" },
        { "", "{\"a\":{\"percent\":2.50,\"allow\":[\"k\"],\"by\":1,\"at\":2}}",
          "{\"a\":{\"percent\":2.50,\"allow\":[\"k\"]" WHO "}}" },
        { "", "{\"a\":{\"key\":\"x\",\"from\":[],\"deny\":[]}}",
          "{\"a\":{\"deny\":[]" WHO "}}" },
        { "{\"a\":1,\"b\":2}", "{}", "{\"a\":1,\"b\":2}" },
        { "{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}" },
        { "{\"a\":1,\"b\":2}", "{\"b\":true}",
          "{\"a\":1,\"b\":{\"on\":true" WHO "}}" },
        { "{\"a-B\":1,\"b\":2}", "{\"A_b\":null,\"b\":null}", "{}" },
        { "{\"ab\":1}", "{\"a\":null}", "{\"ab\":1}" },
        { "", "{\"a\":1}", NULL },
        { "", "{\"a\":\"on\"}", NULL },
        { "", "{\"a\":[]}", NULL },
        { "", "[]", NULL },
        { "", "null", NULL },
        { "", "", NULL },
        { "", "{\"a\":true", NULL },
        { "", "{\"a\":true}x", NULL },
        { "{\"a\":1", "{}", NULL }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        flags = copy(one, table[i].flags);
        changes = copy(two, table[i].changes);

        rt_out_init(&o, out, sizeof(out));
        rt_out_init(&s, short_, sizeof(short_));

        why = rt_setting_flags(&o, &flags, &changes, &who, &s);

        if (table[i].want == NULL) {
            ok(why != NULL, "%s is refused", table[i].changes);
            continue;
        }

        said.data = out;
        said.len = o.need;

        ok(why == NULL && rt_str_eq(&said, table[i].want),
           "%s and %s: %s, %.*s", table[i].flags, table[i].changes,
           why ? why : "", (int) said.len, said.data);
    }

    /* names decoded once, written once */

    flags = copy(one, "");
    changes = copy(two, "{\"\\u0061\":{\"p\\u0065rcent\":1},\"b\":null}");

    rt_out_init(&o, out, sizeof(out));
    rt_out_init(&s, short_, sizeof(short_));

    why = rt_setting_flags(&o, &flags, &changes, &who, &s);

    said.data = out;
    said.len = o.need;
    log.data = short_;
    log.len = s.need;

    ok(why == NULL && rt_str_eq(&said, "{\"a\":{\"percent\":1" WHO "}}"),
       "got %.*s", (int) said.len, said.data);
    ok(log.len > 12 && memcmp(log.data, "\"a\":{", 5) == 0, "logged %.*s",
       (int) log.len, log.data);

    tap_group("flags");
}


static void
test_many(void)
{
    size_t           i, n;
    uint8_t          text[8192], buf[16384], short_[RT_SETTING_SAID_MAX];
    rt_out_t         o, s;
    rt_str_t         flags, changes;

    for (n = RT_SETTING_CHANGES_MAX; n <= RT_SETTING_CHANGES_MAX + 1; n++) {

        rt_out_init(&o, text, sizeof(text));
        rt_out_lit(&o, "{");

        for (i = 0; i < n; i++) {
            rt_out_bytes(&o, i ? ",\"f" : "\"f", i ? 3 : 2);
            rt_out_uint(&o, i);
            rt_out_lit(&o, "\":true");
        }

        rt_out_lit(&o, "}");

        flags.len = 0;
        flags.data = text;
        changes.data = text;
        changes.len = o.need;

        rt_out_init(&o, buf, sizeof(buf));
        rt_out_init(&s, short_, sizeof(short_));

        ok((rt_setting_flags(&o, &flags, &changes, &who, &s) == NULL)
           == (n == RT_SETTING_CHANGES_MAX), "%zu of them", n);
        ok(n > RT_SETTING_CHANGES_MAX || !rt_out_fits(&s), "all is said");
    }

    tap_group("as many as there may be");
}


static void
test_lines(void)
{
    size_t             i;
    uint8_t            buf[512];
    rt_out_t           o;
    rt_setting_line_t  line, back;

    static const rt_str_t  names[] = {
        rt_string("t"), rt_string("a/b %{}:\xff"), rt_string("\xc3\xa9.-_")
    };

    static const char *const  broken[] = {
        "", "{}", "null", "[]", "x", "{\"zone\":\"z\"}",
        "{\"zone\":\"z\",\"tenant\":\"t\"}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":0}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":-1}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":9007199254740992}",
        "{\"zone\":\"z\",\"tenant\":\"\",\"version\":1}",
        "{\"zone\":\"z\",\"tenant\":\"%0\",\"version\":1}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":1,\"rules\":[]}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":1,\"flags\":1}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":1,\"more\":1}",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":1} x",
        "{\"zone\":\"z\",\"tenant\":\"t\",\"version\":1",
        "{\"tenants\":-1}", "{\"tenants\":1"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memset(&line, 0, sizeof(line));

        line.zone = names[2 - i];
        line.tenant = names[i];
        line.version = i + 1;

        if (i) {
            line.rules.data = (uint8_t *) "{\"text\":\"\\n\"}";
            line.rules.len = 13;
        }

        line.flags.data = (uint8_t *) "{\"a\": 1}";
        line.flags.len = 8;

        rt_out_init(&o, buf, sizeof(buf));
        rt_setting_line(&o, &line);

        ok(rt_out_fits(&o) && buf[o.need - 1] == '\n'
           && memchr(buf, '\n', o.need - 1) == NULL, "one line");

        ok(rt_setting_line_read(buf, o.need - 1, &back) == NULL
           && back.zone.len == line.zone.len
           && memcmp(back.zone.data, line.zone.data, line.zone.len) == 0
           && back.tenant.len == line.tenant.len
           && memcmp(back.tenant.data, line.tenant.data, line.tenant.len) == 0
           && back.version == i + 1 && back.rules.len == line.rules.len
           && rt_str_eq(&back.flags, "{\"a\": 1}"), "line %zu", i);
    }

    rt_out_init(&o, buf, sizeof(buf));
    rt_setting_end(&o, 12);

    ok(rt_setting_line_read(buf, o.need - 1, &back) == NULL
       && back.tenant.len == 0 && back.version == 12, "the last");

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        line.zone = copy(buf, broken[i]);

        ok(rt_setting_line_read(buf, line.zone.len, &back) != NULL,
           "%s is refused", broken[i]);
    }

    tap_group("lines of a file");
}


int
main(void)
{
    test_rules();
    test_flags();
    test_many();
    test_lines();

    return tap_done();
}
