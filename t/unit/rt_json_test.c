
/*
 * The JSON reader: texts that are JSON and texts that are not, each in memory
 * that ends with it; read whole, walked by the typed calls, cut at every byte.
 */


#include "tap.h"
#include "rt_json.h"


typedef struct {
    const char       *text;
    size_t            len;
    rt_json_error_t   error;
} json_case_t;


#define LEVELS   100000

#define GOOD(s)  { s, sizeof(s) - 1, RT_JSON_OK }
#define BAD(s)   { s, sizeof(s) - 1, RT_JSON_SYNTAX }


static const json_case_t  json_cases[] = {

    /* literals */
    GOOD("null"), GOOD("true"), GOOD("false"), GOOD(" \t\r\nnull \n\r\t"),
    BAD(""), BAD(" "), BAD("nul"), BAD("nulL"), BAD("Null"), BAD("nullx"),
    BAD("tru"), BAD("truE"), BAD("fals"), BAD("falsy"), BAD("TRUE"),
    BAD("undefined"), BAD("NaN"), BAD("Infinity"), BAD("-Infinity"),
    BAD("null null"), BAD("null,"), BAD("\vnull"), BAD("\fnull"),
    BAD("null\f"), BAD("null\0"), BAD("\0null"), BAD("\xef\xbb\xbfnull"),
    BAD("\xc2\xa0null"), BAD("\xe2\x81\xa0null"), BAD("// c\nnull"),
    BAD("/* c */null"), BAD("null#"), BAD("'a'"), BAD("a"), BAD("*"),

    /* numbers */
    GOOD("0"), GOOD("-0"), GOOD("1"), GOOD("-1"), GOOD("10"), GOOD("123456"),
    GOOD("0.0"), GOOD("0.1"), GOOD("-0.1"), GOOD("1.50"), GOOD("1e1"),
    GOOD("1E1"), GOOD("1e+1"), GOOD("1e-1"), GOOD("0e0"), GOOD("0e+00"),
    GOOD("1.5e10"), GOOD("1e400"), GOOD("-1e-400"), GOOD("9007199254740993"),
    GOOD("123456789012345678901234567890"), GOOD("1E0099"), GOOD("-0e-0"),
    BAD("-"), BAD("+1"), BAD("01"), BAD("-01"), BAD("00"), BAD("1."),
    BAD(".1"), BAD("-.1"), BAD("1.e1"), BAD("1e"), BAD("1e+"), BAD("1e-"),
    BAD("1eE1"), BAD("1e1.5"), BAD("1.1.1"), BAD("0x1"), BAD("1a"),
    BAD("- 1"), BAD("1 2"), BAD("1_000"), BAD("--1"), BAD("-a"), BAD("0b1"),
    BAD("\xef\xbc\x91"), BAD("1+2"), BAD("0.e1"), BAD("1e 1"), BAD("2.e3"),

    /* strings */
    GOOD("\"\""), GOOD("\"a\""), GOOD("\"\\\"\""), GOOD("\"\\\\\""),
    GOOD("\"\\/\\b\\f\\n\\r\\t\""), GOOD("\"\\u0000\""), GOOD("\"\\uD83D\""),
    GOOD("\"\\uD83D\\uDE00\""), GOOD("\"\\uDE00\\uD83D\""), GOOD("\"\x7f\""),
    GOOD("\"\\uaBcD\""), GOOD("\"\xf0\x9f\x98\x80\""), GOOD("\"/\""),
    GOOD("\"\xe2\x80\xa8\xe2\x80\xa9\""), GOOD("\"0123456789abcdefghij\""),
    GOOD("\"01234567\\n01234567\\u00e901234567\""), GOOD("\"\\uFFFF\""),
    BAD("\""), BAD("\"a"), BAD("\"\\\""), BAD("\"\\"), BAD("\"\\a\""),
    BAD("\"\\U0041\""), BAD("\"\\u\""), BAD("\"\\u0\""), BAD("\"\\u004\""),
    BAD("\"\\u004g\""), BAD("\"\\u00 0\""), BAD("\"\\x41\""), BAD("\"\n\""),
    BAD("\"\t\""), BAD("\"\r\""), BAD("\"\0\""), BAD("\"\x1f\""),
    BAD("\"01234567\n01234567\""), BAD("\"\\\n\""), BAD("\"\\\xc3\xa9\""),
    BAD("\"a\"b"), BAD("\"\\'\""), BAD("\"\\0\""), BAD("\"\\uD83D\\u\""),
    BAD("\"\\u/000\""), BAD("\"\\u:000\""), BAD("\"\\u@000\""),
    BAD("\"\\uG000\""), BAD("\"\\u`000\""), BAD("\"\\u0041"),

    /* arrays */
    GOOD("[]"), GOOD("[ ]"), GOOD("[\n]"), GOOD("[1]"), GOOD("[1,2]"),
    GOOD("[ 1 , 2 ]"), GOOD("[[]]"), GOOD("[[],[]]"), GOOD("[[[]],{}]"),
    GOOD("[null,true,1,\"\",[],{}]"), GOOD("[[1],2]"), GOOD("[{},[]]"),
    BAD("["), BAD("]"), BAD("[,"), BAD("[,]"), BAD("[1,]"), BAD("[,1]"),
    BAD("[1,,2]"), BAD("[1 2]"), BAD("[1"), BAD("[1,"), BAD("[1}"),
    BAD("[}"), BAD("[]]"), BAD("[[]"), BAD("[\"a\":1]"), BAD("[1:2]"),
    BAD("[1]]"), BAD("[a]"), BAD("[1][2]"), BAD("[\"\"a]"), BAD("[1;2]"),
    BAD("[-]"), BAD("[1e]"), BAD("[01]"), BAD("[{]}"), BAD("[[}]"),
    BAD("[\0]"), BAD("[\f]"), BAD("[*]"), BAD("[[],"), BAD("[,[]]"),

    /* objects */
    GOOD("{}"), GOOD("{ }"), GOOD("{\"a\":1}"), GOOD("{ \"a\" : 1 }"),
    GOOD("{\"a\":1,\"b\":2}"), GOOD("{\"a\":1,\"a\":1}"), GOOD("{\"\":0}"),
    GOOD("{\"a\":{\"b\":[{}]}}"), GOOD("{\"\\u0061\":null}"),
    GOOD("{\"a\":[],\"b\":{}}"), GOOD("\n{\n\"a\"\n:\n1\n}\n"),
    BAD("{"), BAD("}"), BAD("{,}"), BAD("{\"a\"}"), BAD("{\"a\":}"),
    BAD("{\"a\":1,}"), BAD("{,\"a\":1}"), BAD("{\"a\":1,,\"b\":2}"),
    BAD("{\"a\":1 \"b\":2}"), BAD("{a:1}"), BAD("{'a':1}"), BAD("{1:1}"),
    BAD("{\"a\" 1}"), BAD("{\"a\"::1}"), BAD("{\"a\":1:2}"), BAD("{\"a\",1}"),
    BAD("{\"a\":1]"), BAD("{]"), BAD("{\"a\":1}}"), BAD("{\"a\":1"),
    BAD("{\"a\":"), BAD("{\"a\""), BAD("{\"a"), BAD("{null:1}"),
    BAD("{\"a\":1}{\"b\":2}"), BAD("{\"a\":1}#"), BAD("{\"a\":1},"),
    BAD("{[]:1}"), BAD("{{}:1}"), BAD("{\"a\":1;\"b\":2}"), BAD("{\"a\"=1}"),
    BAD("{\"a\n\":1}"), BAD("{\"a\":\"b"), BAD("{\"\\x\":1}"), BAD("{:1}"),
};


#define NCASES  (sizeof(json_cases) / sizeof(json_cases[0]))


/* memory that ends with the text, so that a step beyond it is seen */
static uint8_t *
copy(const void *text, size_t len)
{
    uint8_t  *p;

    p = malloc(len ? len : 1);
    memcpy(p, text, len);

    return p;
}


/* what was too deep is emptied, and stays what it was otherwise */
static void
read_again(uint8_t *p, size_t len)
{
    rt_json_t        j;
    rt_json_value_t  v;

    rt_json_init(&j, p, len);

    ok(!rt_json_value(&j, &v) && j.error == RT_JSON_DEEP, "still too deep");
    ok(v.data == p && v.len == len, "still as long");
}


static rt_json_error_t
read_value(const void *text, size_t len, size_t *taken)
{
    uint8_t          *p;
    rt_json_t         j;
    rt_json_value_t   v;

    p = copy(text, len);
    rt_json_init(&j, p, len);

    if (rt_json_value(&j, &v) && !rt_json_end(&j)) {
        j.error = RT_JSON_SYNTAX;
    }

    if (j.error == RT_JSON_DEEP) {
        read_again(p, v.len);

    } else if (j.error == RT_JSON_OK || len <= RT_JSON_DEPTH_MAX) {
        ok(memcmp(p, text, len) == 0, "reading changed %.*s", (int) len,
           (const char *) text);
    }

    if (taken) {
        *taken = v.len;
    }

    free(p);

    return j.error;
}


/* the same by the calls that walk */
static void
walk(rt_json_t *j)
{
    rt_str_t         s;
    rt_json_value_t  v;

    switch (rt_json_peek(j)) {

    case RT_JSON_OBJECT:
        if (rt_json_object(j)) {
            while (rt_json_key(j, &s)) {
                walk(j);
            }
        }

        return;

    case RT_JSON_ARRAY:
        if (rt_json_array(j)) {
            while (rt_json_item(j)) {
                walk(j);
            }
        }

        return;

    case RT_JSON_STRING:
        (void) rt_json_string(j, &s);
        return;

    default:
        (void) rt_json_value(j, &v);
    }
}


static rt_json_error_t
read_walk(const void *text, size_t len)
{
    uint8_t    *p;
    rt_json_t   j;

    p = copy(text, len);
    rt_json_init(&j, p, len);
    walk(&j);

    if (j.error == RT_JSON_OK && !rt_json_end(&j)) {
        j.error = RT_JSON_SYNTAX;
    }

    ok(j.error || j.depth == 0, "depth %u is left", j.depth);
    free(p);

    return j.error;
}


static void
test_cases(void)
{
    size_t              cut;
    unsigned            i;
    rt_json_error_t     e;
    const json_case_t  *t;

    for (i = 0; i < NCASES; i++) {
        t = &json_cases[i];

        e = read_value(t->text, t->len, NULL);
        ok(e == t->error, "value: %d for %s", e, t->text);

        e = read_walk(t->text, t->len);
        ok(e == t->error, "walk: %d for %s", e, t->text);

        for (cut = 0; cut < t->len; cut++) {
            e = read_value(t->text, cut, NULL);

            ok(e == read_walk(t->text, cut), "cut at %zu: %s", cut, t->text);
            ok(e || strchr("[{\"", t->text[0]) == NULL || t->error,
               "cut at %zu, but good: %s", cut, t->text);
        }
    }

    tap_group("texts, good and bad, whole and cut");
}


static void
test_spans(void)
{
    rt_json_t        j;
    rt_json_value_t  v;
    char             text[] = " {\"b\" :0.1,\"a\":9007199254740993,\"a\":1e400,"
                              "\n\"s\":\"\\uD83D\"} ,x";

    rt_json_init(&j, (uint8_t *) text, strlen(text));

    ok(rt_json_value(&j, &v), "value");
    ok(v.type == RT_JSON_OBJECT, "type");
    ok(v.data == (uint8_t *) text + 1, "begins at its brace");
    ok(v.len == strlen(text) - 4, "ends at its brace");
    ok(*j.pos == ' ', "nothing behind it is consumed");
    ok(!rt_json_end(&j) && *j.pos == ',', "not the end");

    ok(!rt_json_value(&j, &v) && v.type == RT_JSON_NONE, "a comma is none");
    ok(j.error == RT_JSON_SYNTAX, "error");
    ok(!rt_json_value(&j, &v) && rt_json_peek(&j) == RT_JSON_NONE, "stays");
    ok(!rt_json_end(&j), "an error is no end");

    tap_group("spans");
}


/* n brackets, of objects where the bit is set, closed again */
static size_t
brackets(char *p, unsigned n, unsigned kinds)
{
    char      *start;
    unsigned   i;

    start = p;

    for (i = 0; i < n; i++) {
        if (kinds >> (i % 32) & 1) {
            memcpy(p, "{\"k\":", 5);
            p += 5;

        } else {
            *p++ = '[';
        }
    }

    *p++ = '0';

    while (i--) {
        *p++ = (kinds >> (i % 32) & 1) ? '}' : ']';
    }

    return p - start;
}


static void
test_depth(void)
{
    size_t              len, taken;
    unsigned            i, n, kinds;
    static char         text[8 * LEVELS];
    static const struct {
        unsigned         depth;
        rt_json_error_t  value;
    } table[] = {
        { 1, RT_JSON_OK },
        { RT_JSON_DEPTH_MAX, RT_JSON_OK },
        { RT_JSON_DEPTH_MAX + 1, RT_JSON_DEEP },
        { 2 * RT_JSON_DEPTH_MAX + 1, RT_JSON_DEEP },
        { 4 * RT_JSON_DEPTH_MAX, RT_JSON_DEEP },
        { 4 * RT_JSON_DEPTH_MAX + 1, RT_JSON_DEEP },
        { 4 * RT_JSON_DEPTH_MAX + 10, RT_JSON_DEEP },
        { LEVELS, RT_JSON_DEEP }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        n = table[i].depth;

        for (kinds = 0; kinds < 16; kinds++) {
            len = brackets(text, n, kinds * 0x9e3779b9);

            ok(read_value(text, len, &taken) == table[i].value,
               "%u levels, kinds %u", n, kinds);

            ok(taken == len, "%u: taken whole", n);

            ok(read_walk(text, len) == (n > RT_JSON_DEPTH_MAX ? RT_JSON_DEEP
                                                              : RT_JSON_OK),
               "%u levels walked", n);

            /* the other bracket, at the end and in the middle */
            text[len - 1] ^= ']' ^ '}';
            ok(read_value(text, len, NULL) == RT_JSON_SYNTAX, "%u: last", n);
            text[len - 1] ^= ']' ^ '}';

            text[len - 1 - n / 2] ^= ']' ^ '}';
            ok(read_value(text, len, NULL) == RT_JSON_SYNTAX, "%u: mid", n);
        }
    }

    tap_group("nesting");
}


/* taken as a part of others first, by itself then */
static void
test_deep_inside(void)
{
    char             text[4096], *p;
    size_t           len;
    unsigned         n, outer, i;
    rt_json_t        j;
    rt_json_value_t  v;

    for (outer = 1; outer <= RT_JSON_DEPTH_MAX; outer++) {
        for (n = 1; n < 6 * RT_JSON_DEPTH_MAX; n += n < 60 || n > 70 ? 7 : 1) {

            memset(text, '[', outer);
            p = text + outer;
            len = brackets(p, n, 0x9e3779b9);
            memset(p + len, ']', outer);

            rt_json_init(&j, (uint8_t *) text, len + 2 * outer);
            (void) rt_json_value(&j, &v);
            ok(v.len == len + 2 * outer, "whole");

            rt_json_init(&j, v.data, v.len);

            for (i = 0; i < outer; i++) {
                ok(rt_json_array(&j) && rt_json_item(&j), "in");
            }

            ok(rt_json_value(&j, &v) == (n <= RT_JSON_DEPTH_MAX),
               "%u levels within %u", n, outer);
            ok(v.len == len, "all of it");
            ok(n > RT_JSON_DEPTH_MAX || text[outer + len / 2] != ' ',
               "nothing is lost");
        }
    }

    tap_group("a deep value inside others");
}


static void
test_deep_goes_on(void)
{
    char             text[1024];
    size_t           len;
    rt_json_t        j;
    rt_json_value_t  v;

    text[0] = '[';
    len = 1 + brackets(text + 1, RT_JSON_DEPTH_MAX + 1, 5);
    memcpy(text + len, ",7]", 3);

    rt_json_init(&j, (uint8_t *) text, len + 3);

    ok(rt_json_array(&j) && rt_json_item(&j), "in");
    ok(!rt_json_value(&j, &v) && j.error == RT_JSON_DEEP, "deep");
    ok(v.type != RT_JSON_NONE && v.len == len - 1, "its span is told");
    ok(memcmp(v.data + v.len, ",7]", 3) == 0, "what follows is untouched");

    j.error = RT_JSON_OK;
    ok(rt_json_item(&j) && rt_json_value(&j, &v) && *v.data == '7', "next");
    ok(!rt_json_item(&j) && rt_json_end(&j), "out");

    tap_group("behind a deep value");
}


static void
test_strings(void)
{
    uint8_t   *p;
    unsigned   i;
    rt_str_t   s;
    rt_json_t  j;

#define S(a, b)  { a, sizeof(a) - 1, b, sizeof(b) - 1 }
    static const struct {
        const char  *text;
        size_t       len;
        const char  *value;
        size_t       value_len;
    } table[] = {
        S("\"\"", ""),
        S("\"abc\"", "abc"),
        S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"),
        S("\"a\\u0041b\"", "aAb"),
        S("\"\\u0000\"", "\0"),
        S("\"\\u007f\\u0080\"", "\x7f\xc2\x80"),
        S("\"\\u07FF\\u0800\"", "\xdf\xbf\xe0\xa0\x80"),
        S("\"\\ud7ff\\ue000\\uffff\"",
          "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        S("\"\\uD83D\\uDE00!\"", "\xf0\x9f\x98\x80!"),
        S("\"\\ud800\\udc00\"", "\xf0\x90\x80\x80"),
        S("\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf"),
        S("\"\\ud83d\"", "\xef\xbf\xbd"),
        S("\"\\ude00\"", "\xef\xbf\xbd"),
        S("\"\\ud83dx\"", "\xef\xbf\xbdx"),
        S("\"\\ud83d\\n\"", "\xef\xbf\xbd\n"),
        S("\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A"),
        S("\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"),
        S("\"\\ude00\\ude00\"", "\xef\xbf\xbd\xef\xbf\xbd"),
        S("\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"),
        S("\"\\\\u0041\"", "\\u0041"),
        S("\"\\\\\\u0041\\\\\"", "\\A\\"),
        S("\"01234567\\t0123456789\\t\xc3\xa9\"", "01234567\t0123456789\t"
          "\xc3\xa9"),
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        p = copy(table[i].text, table[i].len);
        rt_json_init(&j, p, table[i].len);

        ok(rt_json_string(&j, &s), "%s", table[i].text);
        ok(s.len == table[i].value_len
           && memcmp(s.data, table[i].value, s.len) == 0,
           "%s decoded", table[i].text);
        ok(s.data == p + 1 && rt_json_end(&j), "in place");

        free(p);
    }

    tap_group("strings decoded in place");
}


/* each byte at each place of texts around the width of a word */
static void
test_scan(void)
{
    int       c, good;
    size_t    len, at;
    uint8_t   text[48];

    for (len = 1; len <= 25; len++) {
        for (at = 1; at <= len; at++) {
            for (c = 0; c < 256; c++) {
                text[0] = '"';
                memset(text + 1, at & 1 ? 'x' : 0xe9, len);
                text[at] = (uint8_t) c;
                text[len + 1] = '"';

                good = c >= ' ' && c != '"' && c != '\\';

                /* a quote ends it too early, a backslash is no escape here */
                ok(good == (read_value(text, len + 2, NULL) == RT_JSON_OK),
                   "byte %d at %zu of %zu", c, at, len);
            }
        }
    }

    tap_group("every byte at every place of a string");
}


static void
test_numbers(void)
{
    bool       good;
    int64_t    i64;
    uint8_t   *p;
    uint32_t   u32;
    uint64_t   u64;
    unsigned   i;
    rt_json_t  j;

    static const struct {
        const char  *text;
        bool         u32, u64, i64;
        uint64_t     u;
        int64_t      i;
    } table[] = {
        { "0", 1, 1, 1, 0, 0 },
        { "7", 1, 1, 1, 7, 7 },
        { "-0", 0, 0, 1, 0, 0 },
        { "-1", 0, 0, 1, 0, -1 },
        { "4294967295", 1, 1, 1, UINT32_MAX, UINT32_MAX },
        { "4294967296", 0, 1, 1, 4294967296, 4294967296 },
        { "9223372036854775807", 0, 1, 1, INT64_MAX, INT64_MAX },
        { "9223372036854775808", 0, 1, 0, 9223372036854775808u, 0 },
        { "-9223372036854775808", 0, 0, 1, 0, INT64_MIN },
        { "-9223372036854775809", 0, 0, 0, 0, 0 },
        { "18446744073709551615", 0, 1, 0, UINT64_MAX, 0 },
        { "18446744073709551616", 0, 0, 0, 0, 0 },
        { "99999999999999999999", 0, 0, 0, 0, 0 },
        { "184467440737095516150", 0, 0, 0, 0, 0 },
        { "1.0", 0, 0, 0, 0, 0 },
        { "1e3", 0, 0, 0, 0, 0 },
        { "01", 0, 0, 0, 0, 0 },
        { "\"1\"", 0, 0, 0, 0, 0 },
        { "true", 0, 0, 0, 0, 0 },
        { "null", 0, 0, 0, 0, 0 },
        { "-", 0, 0, 0, 0, 0 },
        { "", 0, 0, 0, 0, 0 },
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        p = copy(table[i].text, strlen(table[i].text));

        rt_json_init(&j, p, strlen(table[i].text));
        good = rt_json_uint32(&j, &u32) && rt_json_end(&j);
        ok(good == table[i].u32 && (!good || u32 == table[i].u),
           "uint32 %s", table[i].text);

        rt_json_init(&j, p, strlen(table[i].text));
        good = rt_json_uint64(&j, &u64) && rt_json_end(&j);
        ok(good == table[i].u64 && (!good || u64 == table[i].u),
           "uint64 %s", table[i].text);

        rt_json_init(&j, p, strlen(table[i].text));
        good = rt_json_int64(&j, &i64) && rt_json_end(&j);
        ok(good == table[i].i64 && (!good || i64 == table[i].i),
           "int64 %s", table[i].text);

        free(p);
    }

    tap_group("integers and their bounds");
}


static void
test_types(void)
{
    bool       b;
    rt_str_t   s;
    rt_json_t  j;
    char       text[] = "{\"t\":true,\"f\":false,\"\\u0073\":\"v\",\"a\":[[],"
                        "{}]}";

    rt_json_init(&j, (uint8_t *) text, strlen(text));

    ok(rt_json_object(&j), "object");
    ok(rt_json_key(&j, &s) && rt_str_eq(&s, "t"), "t");
    ok(rt_json_bool(&j, &b) && b, "true");
    ok(rt_json_key(&j, &s) && rt_json_bool(&j, &b) && !b, "false");
    ok(rt_json_key(&j, &s) && rt_str_eq(&s, "s"), "a key comes decoded");
    ok(rt_json_string(&j, &s) && rt_str_eq(&s, "v"), "string");
    ok(rt_json_key(&j, &s) && rt_json_array(&j), "array");
    ok(rt_json_item(&j) && rt_json_array(&j) && !rt_json_item(&j), "[]");
    ok(rt_json_item(&j) && rt_json_object(&j) && !rt_json_key(&j, &s), "{}");
    ok(!rt_json_item(&j) && !rt_json_key(&j, &s), "closed");
    ok(rt_json_end(&j) && j.depth == 0, "end");

    rt_json_init(&j, NULL, 0);
    ok(rt_json_end(&j) && rt_json_peek(&j) == RT_JSON_NONE, "no text");

#define WRONG(json, call)                                                     \
    do {                                                                      \
        char  wrong[] = json;                                                 \
                                                                              \
        rt_json_init(&j, (uint8_t *) wrong, sizeof(wrong) - 1);               \
        ok(!call && j.error == RT_JSON_SYNTAX, "%s: " #call, json);           \
    } while (0)

    WRONG("[]", rt_json_object(&j));
    WRONG("{}", rt_json_array(&j));
    WRONG("1", rt_json_bool(&j, &b));
    WRONG("trux", rt_json_bool(&j, &b));
    WRONG("1", rt_json_string(&j, &s));
    WRONG("null", rt_json_string(&j, &s));
    WRONG("\"1", rt_json_string(&j, &s));
    WRONG("", rt_json_object(&j));

    tap_group("walking and types");
}


static void
test_escape(void)
{
    size_t     len, i, n, room;
    uint8_t    raw[64], *p;
    unsigned   round;
    rt_str_t   s;
    rt_json_t  j;

    srand(1);

    for (round = 0; round < 20000; round++) {
        len = rand() % sizeof(raw);

        for (i = 0; i < len; i++) {
            raw[i] = rand() & 7 ? (uint8_t) ('a' + rand() % 26)
                                : (uint8_t) rand();
        }

        n = rt_json_escape_len(raw, len);
        room = n + 2;
        p = malloc(room);
        p[0] = '"';
        ok(rt_json_escape(p + 1, raw, len) == p + 1 + n, "%zu bytes", n);
        p[room - 1] = '"';

        rt_json_init(&j, p, room);
        ok(rt_json_string(&j, &s) && rt_json_end(&j), "reads back");
        ok(s.len == len && memcmp(s.data, raw, len) == 0, "is the same");
        free(p);
    }

    p = malloc(64);
    n = rt_json_escape(p, (uint8_t *) "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9",
                       13) - p;
    ok(n == 14 + 12 + 4
       && memcmp(p, "\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9", n)
          == 0, "the shortest escapes");
    ok(rt_json_escape_len(NULL, 0) == 0, "nothing");
    ok(rt_json_escape(p, NULL, 0) == p, "nothing written");
    free(p);

    tap_group("strings written");
}


static void
test_flatten(void)
{
    char  text[] = "\r\n{\n\"a\\n\":\r[1,\n\t2]\n}\n";

    rt_json_flatten((uint8_t *) text, strlen(text));
    ok(strcmp(text, "  { \"a\\n\": [1, \t2] } ") == 0, "%s", text);

    rt_json_flatten(NULL, 0);
    rt_json_flatten((uint8_t *) text, 0);

    tap_group("line ends flattened");
}


int
main(void)
{
    test_cases();
    test_spans();
    test_depth();
    test_deep_inside();
    test_deep_goes_on();
    test_strings();
    test_scan();
    test_numbers();
    test_types();
    test_escape();
    test_flatten();

    return tap_done();
}
