
/*
 * Commands out of JSON messages, replies and pushes into them, and the
 * bounded writer below.  What is built is also read again by the reader.
 */


#include "tap.h"
#include "rt_command.h"
#include "rt_json.h"


#define STR(s)  { sizeof(s) - 1, (uint8_t *) (s) }


static const rt_codec_t  *codec = &rt_codec_json;


/* the message in memory that ends with it; freed by the next one */
static uint8_t *
message(const char *text, size_t len)
{
    static uint8_t  *p;

    free(p);
    p = malloc(len ? len : 1);
    memcpy(p, text, len);

    return p;
}


static rt_parse_t
parse1(const char *text, rt_command_t *cmd)
{
    uint8_t     *pos, *end;
    rt_parse_t   rc;

    pos = message(text, strlen(text));
    end = pos + strlen(text);

    rc = codec->parse(&pos, end, true, cmd);

    if (rc == RT_PARSE_OK) {
        rt_command_t  none;

        rc = codec->parse(&pos, end, false, &none);
        return rc == RT_PARSE_DONE ? RT_PARSE_OK : rc;
    }

    return rc;
}


static bool
eq(const rt_str_t *s, const char *z)
{
    return z ? s->data && rt_str_eq(s, z) : s->data == NULL && s->len == 0;
}


static void
test_methods(void)
{
    unsigned      i;
    rt_parse_t    rc;
    rt_command_t  c;

    static const struct {
        const char   *text;
        uint32_t      id;
        rt_method_t   method;
    } table[] = {
        { "{}", 0, RT_METHOD_NONE },
        { " { } \n", 0, RT_METHOD_NONE },
        { "{\"publish\":null}", 0, RT_METHOD_NONE },
        { "{\"id\":1,\"connect\":{}}", 1, RT_METHOD_CONNECT },
        { "{\"connect\":{},\"id\":1}", 1, RT_METHOD_CONNECT },
        { "{\"id\":2,\"subscribe\":{}}", 2, RT_METHOD_SUBSCRIBE },
        { "{\"id\":3,\"unsubscribe\":{}}", 3, RT_METHOD_UNSUBSCRIBE },
        { "{\"id\":4,\"publish\":{}}", 4, RT_METHOD_PUBLISH },
        { "{\"id\":5,\"presence\":{}}", 5, RT_METHOD_PRESENCE },
        { "{\"id\":6,\"presence_stats\":{}}", 6, RT_METHOD_PRESENCE_STATS },
        { "{\"id\":7,\"history\":{}}", 7, RT_METHOD_HISTORY },
        { "{\"id\":8,\"ping\":{}}", 8, RT_METHOD_PING },
        { "{\"send\":{}}", 0, RT_METHOD_SEND },
        { "{\"id\":9,\"rpc\":{}}", 9, RT_METHOD_RPC },
        { "{\"id\":10,\"refresh\":{}}", 10, RT_METHOD_REFRESH },
        { "{\"id\":11,\"sub_refresh\":{}}", 11, RT_METHOD_SUB_REFRESH },
        { "{\"id\":4294967295,\"ping\":{}}", UINT32_MAX, RT_METHOD_PING },
        { "{\"id\":1}", 1, RT_METHOD_UNKNOWN },
        { "{\"id\":1,\"publish\":null}", 1, RT_METHOD_UNKNOWN },
        { "{\"id\":1,\"fly\":{}}", 1, RT_METHOD_UNKNOWN },
        { "{\"fly\":1}", 0, RT_METHOD_UNKNOWN },
        { "{\"x\":[{}],\"id\":1,\"ping\":{},\"y\":0}", 1, RT_METHOD_PING },
        { "{\"id\":1,\"connect\":null,\"rpc\":{}}", 1, RT_METHOD_RPC },
        { "{\"id\":1,\"rpc\":{},\"connect\":{}}", 1, RT_METHOD_RPC },
        { "{\"id\":1,\"rpc\":{},\"rpc\":null}", 1, RT_METHOD_RPC },
        { "{\"\\u0069d\":1,\"r\\u0070c\":{}}", 1, RT_METHOD_RPC },
        { "{\"id\":1,\"id\":2,\"rpc\":{}}", 2, RT_METHOD_RPC },
        { "{\n  \"id\": 1,\n  \"rpc\": {\n  }\n}", 1, RT_METHOD_RPC },
        { "{\"id\":1,\"PUBLISH\":{}}", 1, RT_METHOD_UNKNOWN },
        { "{\"id\":1,\"\":{}}", 1, RT_METHOD_UNKNOWN },
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        rc = parse1(table[i].text, &c);

        ok(rc == RT_PARSE_OK, "%s", table[i].text);
        ok(c.id == table[i].id && c.method == table[i].method,
           "%s: id %u method %d", table[i].text, c.id, c.method);
        ok(!c.deep && c.channel.data == NULL && c.data.data == NULL,
           "%s: nothing else", table[i].text);
    }

    tap_group("methods and ids");
}


static void
test_fields(void)
{
    rt_command_t  c;

    ok(parse1("{\"id\":1,\"connect\":{\"token\":\"t\",\"data\":{\"a\":1},"
              "\"name\":\"js\",\"version\":\"1.\\u0032\",\"headers\":{\"h\":"
              "\"v\"},\"subs\":{\"c\":{\"recover\":true}},\"flag\":1,"
              "\"channel\":5}}", &c) == RT_PARSE_OK, "connect");
    ok(eq(&c.token, "t") && eq(&c.data, "{\"a\":1}") && eq(&c.name, "js")
       && eq(&c.version, "1.2") && eq(&c.channel, NULL)
       && eq(&c.resume, NULL) && eq(&c.subs, "{\"c\":{\"recover\":true}}"),
       "its members");

    ok(parse1("{\"id\":1,\"connect\":{\"headers\":{\"rt-resume\":\"\"}}}", &c)
       == RT_PARSE_OK && eq(&c.resume, ""), "asks for a proof");
    ok(parse1("{\"id\":1,\"connect\":{\"headers\":{\"a\":[{}],\"Rt-Resume\":"
              "\"x\\u002ey\",\"rt-resum\":\"z\",\"rt_resume\":\"z\"}}}", &c)
       == RT_PARSE_OK && eq(&c.resume, "x.y"), "shows one");
    ok(parse1("{\"id\":1,\"connect\":{\"headers\":{\"rt-resume\":null}}}", &c)
       == RT_PARSE_OK && eq(&c.resume, NULL), "null is not said");
    ok(parse1("{\"id\":1,\"connect\":{\"headers\":null}}", &c)
       == RT_PARSE_OK && eq(&c.resume, NULL), "no headers");
    ok(parse1("{\"id\":1,\"connect\":{\"headers\":[]}}", &c)
       == RT_PARSE_BAD, "no object");
    ok(parse1("{\"id\":1,\"rpc\":{\"headers\":{\"rt-resume\":\"\"}}}", &c)
       == RT_PARSE_OK && eq(&c.resume, NULL), "of connect only");

    ok(parse1("{\"id\":1,\"subscribe\":{\"channel\":\"a:b\",\"token\":\"\","
              "\"recover\":true,\"epoch\":\"xyz\",\"offset\":"
              "18446744073709551615,\"data\":[ 1 ],\"positioned\":true,"
              "\"recoverable\":true,\"join_leave\":true,\"delta\":\"fossil\","
              "\"flag\":3,\"type\":2,\"name\":1,\"tf\":{\"key\":\"k\"}}}", &c)
       == RT_PARSE_OK,
       "subscribe");
    ok(eq(&c.channel, "a:b") && eq(&c.token, "") && eq(&c.from.epoch, "xyz")
       && c.from.offset == UINT64_MAX && eq(&c.data, "[ 1 ]") && c.from.recover
       && c.positioned && c.recoverable && c.join_leave && c.type == 2
       && c.flag == 3 && eq(&c.filter, "{\"key\":\"k\"}")
       && eq(&c.name, NULL), "its members");
    ok(parse1("{\"id\":1,\"subscribe\":{\"tf\":[]}}", &c) == RT_PARSE_BAD
       && parse1("{\"id\":1,\"subscribe\":{\"flag\":-1}}", &c)
          == RT_PARSE_BAD, "a filter and a flag that are none");

    ok(parse1("{\"id\":1,\"subscribe\":{\"channel\":\"c\",\"token\":null,"
              "\"recover\":null,\"epoch\":null,\"offset\":null,\"data\":null,"
              "\"type\":null,\"flag\":null,\"tf\":null}}", &c)
       == RT_PARSE_OK && eq(&c.filter, NULL), "nulls");
    ok(eq(&c.token, NULL) && !c.from.recover && eq(&c.from.epoch, NULL)
       && c.from.offset == 0, "are as if absent");
    ok(eq(&c.data, "null"), "but for a payload");

    ok(parse1("{\"id\":1,\"unsubscribe\":{\"channel\":\"c\\n\\u0000\\\"\"}}",
              &c) == RT_PARSE_OK, "unsubscribe");
    ok(c.channel.len == 4 && memcmp(c.channel.data, "c\n\0\"", 4) == 0,
       "the channel is decoded");

    ok(parse1("{\"id\":1,\"publish\":{\"channel\":\"c\",\"data\":\"x\"}}", &c)
       == RT_PARSE_OK && eq(&c.channel, "c") && eq(&c.data, "\"x\""),
       "publish");
    ok(parse1("{\"id\":1,\"rpc\":{\"method\":\"m\",\"data\":0}}", &c)
       == RT_PARSE_OK && eq(&c.rpc, "m") && eq(&c.data, "0"), "rpc");
    ok(parse1("{\"send\":{\"data\":false}}", &c) == RT_PARSE_OK
       && eq(&c.data, "false"), "send");
    ok(parse1("{\"id\":1,\"refresh\":{\"token\":\"r\"}}", &c) == RT_PARSE_OK
       && eq(&c.token, "r"), "refresh");
    ok(parse1("{\"id\":1,\"sub_refresh\":{\"channel\":\"c\",\"token\":\"r\"}}",
              &c) == RT_PARSE_OK && eq(&c.token, "r") && eq(&c.channel, "c"),
       "sub_refresh");
    ok(parse1("{\"id\":1,\"history\":{\"channel\":\"c\",\"limit\":-1,\"since\""
              ":{\"offset\":1}}}", &c) == RT_PARSE_OK && eq(&c.channel, "c")
       && c.since && c.from.offset == 1 && c.limit == -1 && !c.reverse
       && c.from.epoch.len == 0, "history");
    ok(parse1("{\"id\":1,\"history\":{\"since\":{\"epoch\":\"a\\u0062\","
              "\"x\":{\"offset\":9},\"offset\":18446744073709551615},"
              "\"reverse\":true,\"limit\":7}}", &c) == RT_PARSE_OK
       && c.since && c.from.offset == UINT64_MAX && eq(&c.from.epoch, "ab")
       && c.reverse && c.limit == 7, "history, all of it");
    ok(parse1("{\"id\":1,\"history\":{\"channel\":\"c\",\"since\":null,"
              "\"limit\":null}}", &c) == RT_PARSE_OK && !c.since
       && c.limit == 0, "history of nulls");
    ok(parse1("{\"id\":1,\"history\":{\"since\":5}}", &c) == RT_PARSE_BAD
       && parse1("{\"id\":1,\"history\":{\"since\":{\"offset\":-1}}}", &c)
          == RT_PARSE_BAD
       && parse1("{\"id\":1,\"history\":{\"since\":{\"epoch\":1}}}", &c)
          == RT_PARSE_BAD
       && parse1("{\"id\":1,\"history\":{\"limit\":1.5}}", &c)
          == RT_PARSE_BAD, "history of wrong types");
    ok(parse1("{\"id\":1,\"presence\":{\"channel\":\"c\"}}", &c)
       == RT_PARSE_OK && eq(&c.channel, "c"), "presence");
    ok(parse1("{\"id\":1,\"rpc\":{\"method\":\"a\"},\"publish\":{\"channel\":"
              "\"no\",\"data\":1}}", &c) == RT_PARSE_OK
       && eq(&c.channel, NULL) && eq(&c.data, NULL),
       "the second method leaves nothing");

    tap_group("members of the methods");
}


static void
test_positions(void)
{
    size_t         n;
    unsigned       i;
    rt_command_t   c;
    rt_position_t  list[4];

    static const char  *bad[] = {
        "{\"a\":1}", "{\"a\":[]}", "{\"a\":{\"recover\":1}}",
        "{\"a\":{\"offset\":-1}}", "{\"a\":{\"offset\":1.0}}",
        "{\"a\":{\"epoch\":1}}", "{\"a\":null,\"b\":true}",
    };

    memset(list, 0xff, sizeof(list));

    ok(parse1("{\"id\":1,\"connect\":{\"subs\":{ \"a\\u0062\\\"\" : {\"x\":"
              "{},\"recover\":true,\n\"offset\":18446744073709551615,"
              "\"epoch\":\"e\\u0066\"} ,\"n\":null,\"b\":{},\"\":{\"recover"
              "\":false,\"offset\":null} },\"token\":\"t\"}}", &c)
       == RT_PARSE_OK && eq(&c.token, "t"), "positions");
    ok(codec->positions(&c.subs, list, 4, &n) && n == 3, "three");
    ok(eq(&list[0].channel, "ab\"") && list[0].since.recover
       && list[0].since.offset == UINT64_MAX
       && eq(&list[0].since.epoch, "ef"), "the first");
    ok(eq(&list[1].channel, "b") && !list[1].since.recover
       && list[1].since.offset == 0 && eq(&list[1].since.epoch, NULL),
       "one that says nothing");
    ok(list[2].channel.len == 0 && !list[2].since.recover, "no name");

    ok(parse1("{\"connect\":{\"subs\":{\"a\":{},\"b\":{},\"c\":1}}}", &c)
       == RT_PARSE_OK && codec->positions(&c.subs, list, 2, &n) && n == 2
       && eq(&list[1].channel, "b"), "no more than there is room for");
    ok(parse1("{\"connect\":{\"subs\":{}}}", &c) == RT_PARSE_OK
       && codec->positions(&c.subs, list, 4, &n) && n == 0, "none");
    ok(parse1("{\"connect\":{\"subs\":null}}", &c) == RT_PARSE_OK
       && codec->positions(&c.subs, list, 4, &n) && n == 0, "null");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char  text[128];

        sprintf(text, "{\"connect\":{\"subs\":%s}}", bad[i]);
        ok(parse1(text, &c) == RT_PARSE_OK
           && !codec->positions(&c.subs, list, 4, &n), "%s", bad[i]);
    }

    tap_group("positions");
}


static void
test_bad(void)
{
    unsigned      i;
    rt_command_t  c;

    static const char  *table[] = {
        "", " ", "\n", "[]", "1", "null", "\"x\"", "x", "{", "}", "{}}",
        "{},{}", "{}{}", "{\"id\":1,\"rpc\":{}}{\"id\":2,\"rpc\":{}}",
        "{}x", "{}\n,", "{}\n[]", "{}\nnull", "{\"id\":1,\"rpc\":{}", "{]",
        "{\"id\":\"1\",\"rpc\":{}}", "{\"id\":-1}", "{\"id\":1.0}",
        "{\"id\":1e1}", "{\"id\":4294967296}", "{\"id\":null}",
        "{\"id\":true}", "{\"id\":{}}", "{\"id\":01}", "{\"id\"}",
        "{\"rpc\":1}", "{\"rpc\":\"x\"}", "{\"rpc\":[]}", "{\"rpc\":true}",
        "{\"rpc\":{},\"publish\":1}", "{\"rpc\":{},}", "{\"rpc\":nul}",
        "{\"publish\":{\"channel\":1}}", "{\"publish\":{\"channel\":[]}}",
        "{\"publish\":{\"channel\":true}}", "{\"publish\":{\"data\":}}",
        "{\"publish\":{\"data\":x}}", "{\"publish\":{\"data\":[1,]}}",
        "{\"publish\":{\"channel\":\"\x01\"}}", "{\"publish\":{\"channel\":"
        "\"\\x\"}}", "{\"rpc\":{\"method\":0}}", "{\"connect\":{\"token\":{}}}",
        "{\"connect\":{\"subs\":[]}}", "{\"connect\":{\"subs\":1}}",
        "{\"connect\":{\"subs\":{\"a\":{},}}}",
        "{\"connect\":{\"name\":1}}", "{\"subscribe\":{\"recover\":1}}",
        "{\"subscribe\":{\"recover\":\"true\"}}",
        "{\"subscribe\":{\"offset\":-1}}", "{\"subscribe\":{\"offset\":\"1\"}}",
        "{\"subscribe\":{\"offset\":18446744073709551616}}",
        "{\"subscribe\":{\"type\":4294967296}}", "{\"subscribe\":{\"x\":01}}",
        "{\"subscribe\":{\"channel\":\"a\"]}", "{\"foo\":[}",
        "{\"foo\":{\"a\"}}", "{'id':1}", "{\"id\":1 \"rpc\":{}}",
        "\xef\xbb\xbf{}", "{\"send\":{}", "{\"send\":{\"data\":1}}/",
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ok(parse1(table[i], &c) == RT_PARSE_BAD, "%s", table[i]);
    }

    tap_group("what is no command");
}


static void
test_many(void)
{
    uint8_t       *pos, *end;
    unsigned       i, n;
    rt_command_t   c;

    static const char  *table[] = {
        "{\"id\":1,\"ping\":{}}\n{\"id\":2,\"ping\":{}}\n{\"id\":3,\"ping\":"
        "{}}",
        "{\"id\":1,\"ping\":{}}\n{\"id\":2,\"ping\":{}}\n{\"id\":3,\"ping\":"
        "{}}\n",
        "\n{\"id\":1,\"ping\":{}}\r\n\r\n{\"id\":2,\"ping\":{}} {\"id\":3,"
        "\"ping\":{}} \n\n",
        "{\n\"id\":\n1,\n\"ping\":{\n}\n}\n{\n\"id\"\n:2,\"ping\":{}}\t{\"id\""
        ":3,\"ping\":\n{}}",
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pos = message(table[i], strlen(table[i]));
        end = pos + strlen(table[i]);

        for (n = 1; n <= 3; n++) {
            ok(codec->parse(&pos, end, n == 1, &c) == RT_PARSE_OK
               && c.id == n, "%u of %s", n, table[i]);
        }

        ok(codec->parse(&pos, end, false, &c) == RT_PARSE_DONE, "the end");
        ok(codec->parse(&pos, end, false, &c) == RT_PARSE_DONE, "still");
    }

    /* what stands before a bad one is good */
    pos = message("{\"id\":1,\"ping\":{}}\n{\"id\":x}", 27);
    end = pos + 27;
    ok(codec->parse(&pos, end, true, &c) == RT_PARSE_OK, "good");
    ok(codec->parse(&pos, end, false, &c) == RT_PARSE_BAD, "bad");

    tap_group("many commands in a message");
}


static void
test_payload(void)
{
    char          text[512];
    unsigned      i;
    rt_command_t  c;

    static const char  *same[] = {
        "0.1", "9007199254740993", "1e400", "-0", "1E5", "1.0", "\"\\ud83d\"",
        "{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "[ 1 ,\t2 ]", "\"\\u0041\"",
        "\"\\/\"", "{\"n\":null}", "[]", "\"\"", "{ }", "true",
        "\"\xe2\x80\xa8\"",
    };

    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        snprintf(text, sizeof(text), "{\"id\":1,\"publish\":{\"data\": \n%s\r "
                 ",\"channel\":\"c\"}}", same[i]);

        ok(parse1(text, &c) == RT_PARSE_OK && eq(&c.data, same[i]),
           "%s stays", same[i]);
        ok(eq(&c.channel, "c"), "and what follows is read");
    }

    ok(parse1("{\"send\":{\"data\":\n{\r\n\"a\" :\n[1,\n\n2]\r}\n}}", &c)
       == RT_PARSE_OK && eq(&c.data, "{  \"a\" : [1,  2] }"),
       "line ends become spaces");
    ok(parse1("{\"send\":{\"data\":1,\"data\":2}}", &c) == RT_PARSE_OK
       && eq(&c.data, "2"), "the last of two");

    tap_group("payloads are untouched");
}


static void
test_deep(void)
{
    char          text[4096], *p;
    unsigned      n, i;
    rt_parse_t    rc;
    rt_command_t  c;

    static const struct {
        const char  *head, *tail;
        bool         deep;
    } table[] = {
        { "{\"id\":1,\"publish\":{\"data\":", ",\"channel\":\"c\"}}", true },
        { "{\"id\":1,\"rpc\":{\"method\":\"c\",\"data\":", "}}", true },
        { "{\"id\":1,\"rpc\":{\"foo\":", "}}", false },
        { "{\"id\":1,\"connect\":{\"data\":", "}}", true },
        { "{\"foo\":", ",\"id\":1,\"rpc\":{}}", false },
        { "{\"rpc\":{},\"publish\":{\"data\":", "},\"id\":1}", false },
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (n = 60; n < 70; n++) {
            p = text + sprintf(text, "%s", table[i].head);
            memset(p, '[', n);
            memset(p + n, ']', n);
            strcpy(p + 2 * n, table[i].tail);

            rc = parse1(text, &c);
            ok(rc == RT_PARSE_OK && c.id == 1, "%u of %s", n, text);
            ok(c.deep == (table[i].deep && n > RT_JSON_DEPTH_MAX), "%u", n);
            ok(!c.deep || c.data.data == NULL, "no data then");

            p[2 * n - 1] = '}';
            ok(parse1(text, &c) == RT_PARSE_BAD, "%u: syntax counts", n);
        }
    }

    tap_group("nesting");
}


/* one LF-free JSON object that the reader takes */
static void
check_json(const uint8_t *p, size_t len, const char *what)
{
    uint8_t          *text;
    rt_json_t         j;
    rt_json_value_t   v;

    text = message((const char *) p, len);
    rt_json_init(&j, text, len);

    ok(rt_json_value(&j, &v) && v.type == RT_JSON_OBJECT && v.len == len
       && memchr(p, '\n', len) == NULL && memchr(p, '\r', len) == NULL,
       "%s: %.*s", what, (int) len, (const char *) p);
}


static void
check_reply(const rt_reply_t *r, const char *expected)
{
    size_t    size;
    uint8_t   buf[512];
    rt_out_t  o;

    rt_out_init(&o, buf, sizeof(buf));
    codec->reply(&o, r);

    ok(rt_out_fits(&o) && o.need == strlen(expected)
       && memcmp(buf, expected, o.need) == 0, "%.*s, not %s", (int) o.need,
       buf, expected);
    check_json(buf, o.need, "reply");

    for (size = 0; size < strlen(expected); size++) {
        memset(buf, '#', sizeof(buf));
        rt_out_init(&o, buf, size);
        codec->reply(&o, r);

        ok(!rt_out_fits(&o) && o.need == strlen(expected) && buf[size] == '#',
           "in %zu bytes", size);
    }
}


static void
check_presence(void)
{
    rt_reply_t  r;

    static const rt_client_info_t  list[] = {
        { .user = STR("al\""), .client = STR("c1") },
        { .client = STR("c2"), .conn_info = STR("[1]"),
          .chan_info = STR("{}") }
    };

    r = (rt_reply_t) { .id = 3, .method = RT_METHOD_PRESENCE,
                       .present = list, .npresent = 2 };
    check_reply(&r, "{\"id\":3,\"presence\":{\"presence\":{\"c1\":{\"user\":"
                    "\"al\\\"\",\"client\":\"c1\"},\"c2\":{\"client\":"
                    "\"c2\",\"conn_info\":[1],\"chan_info\":{}}}}}");

    r = (rt_reply_t) { .id = 4, .method = RT_METHOD_PRESENCE_STATS,
                       .clients = 12, .users = 3 };
    check_reply(&r, "{\"id\":4,\"presence_stats\":{\"num_clients\":12,"
                    "\"num_users\":3}}");
}


/* what tokens add */

static void
check_tokens(void)
{
    rt_reply_t  r;

    static const rt_reply_sub_t  subs[] = {
        { .channel = STR("a\""), .data = STR("[1]") },
        { .channel = STR("b") }
    };

    r = (rt_reply_t) { .id = 1, .method = RT_METHOD_CONNECT,
                       .client = STR("c"), .version = STR("v"), .ttl = 60,
                       .subs = subs, .nsubs = 2 };
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"c\",\"version\":"
                    "\"v\",\"expires\":true,\"ttl\":60,\"subs\":{\"a\\\"\":"
                    "{\"data\":[1]},\"b\":{}}}}");

    r = (rt_reply_t) { .id = 2, .method = RT_METHOD_SUBSCRIBE,
                       .ttl = 4294967295, .data = STR("0") };
    check_reply(&r, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":"
                    "4294967295,\"data\":0}}");

    r = (rt_reply_t) { .id = 3, .method = RT_METHOD_REFRESH, .ttl = 1 };
    check_reply(&r, "{\"id\":3,\"refresh\":{\"expires\":true,\"ttl\":1}}");
}


static void
test_replies(void)
{
    unsigned    i;
    rt_reply_t  r;

    static const rt_error_t  plain = { 107, STR("bad request"), false };
    static const rt_error_t  odd = { 4294967295, STR("\"a\n\""), true };
    static const char       *empty[RT_METHOD_UNKNOWN] = {
        [RT_METHOD_SUBSCRIBE] = "{\"id\":7,\"subscribe\":{}}",
        [RT_METHOD_UNSUBSCRIBE] = "{\"id\":7,\"unsubscribe\":{}}",
        [RT_METHOD_PUBLISH] = "{\"id\":7,\"publish\":{}}",
        [RT_METHOD_PRESENCE] = "{\"id\":7,\"presence\":{\"presence\":{}}}",
        [RT_METHOD_PRESENCE_STATS] = "{\"id\":7,\"presence_stats\":"
                                     "{\"num_clients\":0,\"num_users\":0}}",
        [RT_METHOD_HISTORY] = "{\"id\":7,\"history\":{}}",
        [RT_METHOD_PING] = "{\"id\":7,\"ping\":{}}",
        [RT_METHOD_RPC] = "{\"id\":7,\"rpc\":{}}",
        [RT_METHOD_REFRESH] = "{\"id\":7,\"refresh\":{}}",
        [RT_METHOD_SUB_REFRESH] = "{\"id\":7,\"sub_refresh\":{}}",
    };

    for (i = 0; i < RT_METHOD_UNKNOWN; i++) {
        if (empty[i]) {
            memset(&r, 0, sizeof(r));
            r.id = 7;
            r.method = (rt_method_t) i;
            check_reply(&r, empty[i]);
        }
    }

    r = (rt_reply_t) { .id = 1, .method = RT_METHOD_CONNECT,
                       .client = STR("u-1"), .version = STR("0.1") };
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\"}}");

    r.ping = 25;
    r.pong = true;
    r.session = (rt_str_t) STR("s");
    r.node = (rt_str_t) STR("n\"");
    r.data = (rt_str_t) STR("{\"x\":0.1}");
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\",\"data\":{\"rt_session\":\"s\",\"x\":0.1},"
                    "\"ping\":25,\"pong\":true,\"session\":\"s\","
                    "\"node\":\"n\\\"\"}}");

    r = (rt_reply_t) { .id = 1, .method = RT_METHOD_CONNECT,
                       .client = STR("u-1"), .version = STR("0.1"),
                       .data = STR("{ }"), .session = STR("s") };
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\",\"data\":{\"rt_session\":\"s\" },"
                    "\"session\":\"s\"}}");

    r.data.data = NULL;
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\",\"data\":{\"rt_session\":\"s\"},"
                    "\"session\":\"s\"}}");

    r.data = (rt_str_t) STR("[0]");
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\",\"data\":[0],\"session\":\"s\"}}");

    r.data = (rt_str_t) STR("{\"x\":1}");
    r.session.len = 0;
    check_reply(&r, "{\"id\":1,\"connect\":{\"client\":\"u-1\",\"version\":"
                    "\"0.1\",\"data\":{\"x\":1}}}");

    r = (rt_reply_t) { .id = UINT32_MAX, .method = RT_METHOD_RPC,
                       .data = STR("[1, 2]") };
    check_reply(&r, "{\"id\":4294967295,\"rpc\":{\"data\":[1, 2]}}");

    check_presence();
    check_tokens();

    r.method = RT_METHOD_SUBSCRIBE;
    check_reply(&r, "{\"id\":4294967295,\"subscribe\":{\"data\":[1, 2]}}");

    r.error = &plain;
    check_reply(&r, "{\"id\":4294967295,\"error\":{\"code\":107,\"message\":"
                    "\"bad request\"}}");

    r.id = 0;
    r.error = &odd;
    r.method = RT_METHOD_UNKNOWN;
    check_reply(&r, "{\"error\":{\"code\":4294967295,\"message\":\"\\\"a\\n"
                    "\\\"\",\"temporary\":true}}");

    tap_group("replies");
}


static void
check_push(const rt_str_t *channel, const rt_publication_t *pub,
    const char *expected)
{
    size_t    len;
    uint8_t   head[256], *all;
    rt_out_t  o;

    rt_out_init(&o, head, sizeof(head));
    codec->push_head(&o, channel);
    ok(rt_out_fits(&o), "head");

    len = codec->publication_len(pub);
    all = malloc(o.need + len);
    memcpy(all, head, o.need);

    ok(codec->publication(all + o.need, pub) == all + o.need + len, "length");
    ok(o.need + len == strlen(expected)
       && memcmp(all, expected, strlen(expected)) == 0, "%.*s, not %s",
       (int) (o.need + len), all, expected);
    check_json(all, o.need + len, "push");

    free(all);
}


static void
test_pushes(void)
{
    uint8_t            buf[2];
    rt_out_t           o;
    rt_str_t           channel = STR("chat:a\"\n\xc3\xa9");
    rt_publication_t   pub = { .data = STR("{\"b\":0.1}") };

    check_push(&channel, &pub, "{\"push\":{\"channel\":\"chat:a\\\"\\n\xc3\xa9"
               "\",\"pub\":{\"data\":{\"b\":0.1}}}}");

    channel = (rt_str_t) STR("c");
    pub.info.client = (rt_str_t) STR("id");
    check_push(&channel, &pub, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\""
               ":{\"b\":0.1},\"info\":{\"client\":\"id\"}}}}");

    pub.info.user = (rt_str_t) STR("u\"");

    pub.offset = UINT64_MAX;
    pub.tags = (rt_str_t) STR("{\"t\":\"1\"}");
    check_push(&channel, &pub, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\""
               ":{\"b\":0.1},\"info\":{\"user\":\"u\\\"\",\"client\":\"id\"},"
               "\"offset\":18446744073709551615,\"tags\":{\"t\":\"1\"}}}}");

    rt_out_init(&o, buf, sizeof(buf));
    codec->ping(&o);
    ok(o.need == 2 && memcmp(buf, "{}", 2) == 0, "ping");
    ok(!codec->binary && strcmp(codec->name, "json") == 0, "text");

    tap_group("pushes");
}


static void
check_other(const rt_push_t *push, const char *expected)
{
    uint8_t   buf[512];
    rt_out_t  o;

    rt_out_init(&o, buf, sizeof(buf));
    codec->push(&o, push);

    ok(rt_out_fits(&o) && o.need == strlen(expected)
       && memcmp(buf, expected, o.need) == 0, "%.*s, not %s", (int) o.need,
       buf, expected);
    check_json(buf, o.need, "push");
}


static void
test_other_pushes(void)
{
    rt_push_t  push;

    push = (rt_push_t) { .kind = RT_PUSH_JOIN, .channel = STR("c\""),
                         .info = { STR("u\\"), STR("id") } };
    check_other(&push, "{\"push\":{\"channel\":\"c\\\"\",\"join\":{\"info\":"
                "{\"user\":\"u\\\\\",\"client\":\"id\"}}}}");

    push.kind = RT_PUSH_LEAVE;
    push.info.user.len = 0;
    check_other(&push, "{\"push\":{\"channel\":\"c\\\"\",\"leave\":{\"info\":"
                "{\"client\":\"id\"}}}}");

    push.kind = RT_PUSH_SUBSCRIBE;
    check_other(&push, "{\"push\":{\"channel\":\"c\\\"\",\"subscribe\":{}}}");

    push.data = (rt_str_t) STR("{\"a\":0.10}");
    check_other(&push, "{\"push\":{\"channel\":\"c\\\"\",\"subscribe\":"
                "{\"data\":{\"a\":0.10}}}}");

    push = (rt_push_t) { .kind = RT_PUSH_UNSUBSCRIBE, .channel = STR("c"),
                         .code = 2000, .reason = STR("why\n") };
    check_other(&push, "{\"push\":{\"channel\":\"c\",\"unsubscribe\":{\"code\":"
                "2000,\"reason\":\"why\\n\"}}}");

    push = (rt_push_t) { .kind = RT_PUSH_DISCONNECT, .code = 3503,
                         .reason = STR("force disconnect") };
    check_other(&push, "{\"push\":{\"disconnect\":{\"code\":3503,\"reason\":"
                "\"force disconnect\"}}}");

    push = (rt_push_t) { .kind = RT_PUSH_MESSAGE, .data = STR("[1, 2]") };
    check_other(&push, "{\"push\":{\"message\":{\"data\":[1, 2]}}}");

    tap_group("other pushes");
}


static void
test_out(void)
{
    char       want[64];
    unsigned   i;
    uint8_t    buf[64];
    rt_out_t   o;

    static const int64_t  table[] = {
        0, 1, 9, 10, 99, 100, 65535, -1, -10, INT64_MAX, INT64_MIN,
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        rt_out_init(&o, buf, sizeof(buf));
        rt_out_int(&o, table[i]);
        sprintf(want, "%lld", (long long) table[i]);
        ok(o.need == strlen(want) && memcmp(buf, want, o.need) == 0, "%s",
           want);

        rt_out_init(&o, buf, sizeof(buf));
        rt_out_uint(&o, (uint64_t) table[i]);
        sprintf(want, "%llu", (unsigned long long) table[i]);
        ok(o.need == strlen(want) && memcmp(buf, want, o.need) == 0, "%s",
           want);
    }

    memset(buf, '#', sizeof(buf));
    rt_out_init(&o, buf, 4);
    rt_out_lit(&o, "abc");
    ok(rt_out_fits(&o) && o.pos == buf + 3, "fits");
    rt_out_lit(&o, "de");
    rt_out_lit(&o, "f");
    ok(!rt_out_fits(&o) && o.need == 6, "what does not fit is counted");
    ok(memcmp(buf, "abc#", 4) == 0 && o.pos == buf + 3, "nothing past it");

    rt_out_init(&o, buf, 4);
    rt_out_json_string(&o, (uint8_t *) "a\n", 2);
    ok(!rt_out_fits(&o) && o.need == 5, "a string that is too long");
    rt_out_init(&o, buf, 5);
    rt_out_json_string(&o, (uint8_t *) "a\n", 2);
    ok(rt_out_fits(&o) && memcmp(buf, "\"a\\n\"", 5) == 0, "and fits");

    rt_out_init(&o, NULL, 0);
    rt_out_bytes(&o, NULL, 0);
    ok(rt_out_fits(&o) && o.need == 0, "nothing in nothing");
    rt_out_json_string(&o, NULL, 0);
    ok(o.need == 2, "an empty string");

    tap_group("the bounded writer");
}


int
main(void)
{
    test_methods();
    test_fields();
    test_positions();
    test_bad();
    test_many();
    test_payload();
    test_deep();
    test_replies();
    test_pushes();
    test_other_pushes();
    test_out();

    message("", 0);

    return tap_done();
}
