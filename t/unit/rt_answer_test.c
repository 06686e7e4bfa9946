
/*
 * Answers of other nodes: tables of what is one and what is none, lists, and
 * texts that are cut and changed.
 */


#include "rt_answer.h"
#include "tap.h"


#define ID      "01234567-89ab-cdef-0123-456789abcdef"
#define ROUNDS  20000


static uint8_t  text[4096];


static bool
parse(const char *s, rt_answer_t *a)
{
    memcpy(text, s, strlen(s));

    return rt_answer_read(text, strlen(s), a);
}


static void
test_answers(void)
{
    size_t       i;
    rt_answer_t  a;

    static const struct {
        const char  *text;
        int          code;        /* -1: it is none */
    } table[] = {
        { "{\"result\":{}}", 0 },
        { " { \"result\" : { \"a\" : 1 } , \"x\" : [] } ", 0 },
        { "{\"error\":{\"code\":102,\"message\":\"unknown\"}}", 102 },
        { "{\"error\":{\"code\":1,\"message\":\"\",\"temporary\":true}}", 1 },
        { "", -1 },
        { "{}", -1 },
        { "[]", -1 },
        { "{\"result\":[]}", -1 },
        { "{\"result\":{}", -1 },
        { "{\"result\":{}}x", -1 },
        { "{\"result\":{\"a\":}}", -1 },
        { "{\"result\":{\"a\":\"\xff\"}}", -1 },
        { "{\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}}", -1 },
        { "{\"error\":{}}", -1 },
        { "{\"error\":{\"code\":0,\"message\":\"\"}}", -1 },
        { "{\"error\":{\"code\":-1,\"message\":\"\"}}", -1 },
        { "{\"error\":{\"code\":4294967296,\"message\":\"\"}}", -1 },
        { "{\"error\":{\"code\":1,\"message\":5}}", -1 },
        { "{\"error\":{\"code\":1}}", -1 },
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ok(parse(table[i].text, &a) == (table[i].code >= 0), "%s",
           table[i].text);

        if (table[i].code >= 0) {
            ok((int) a.code == table[i].code, "its code: %s", table[i].text);
        }
    }

    ok(parse("{\"error\":{\"code\":7,\"message\":\"a \\\"b\\\"\"}}", &a)
       && a.message.len == 7 && memcmp(a.message.data, "a \\\"b\\\"", 7) == 0,
       "the message is as it stands");

    memcpy(text, "{\"error\":{\"code\":7,\"message\":\"", 30);
    memset(text + 30, 'x', RT_ANSWER_MESSAGE_MAX);
    memcpy(text + 30 + RT_ANSWER_MESSAGE_MAX, "\"}}", 3);
    ok(!rt_answer_read(text, 33 + RT_ANSWER_MESSAGE_MAX, &a),
       "one that is too long");

    tap_group("results and errors");
}


static void
test_inside(void)
{
    size_t       i;
    rt_str_t     s;
    rt_answer_t  a;

    static const struct {
        const char  *text;
        const char  *inside;      /* NULL: there is none */
    } table[] = {
        { "{\"result\":{\"list\":{}}}", "" },
        { "{\"result\":{\"list\":{ \n }}}", "" },
        { "{\"result\":{\"x\":1,\"list\":{ \"a\":1 }}}", "\"a\":1" },
        { "{\"result\":{\"list\":[]}}", NULL },
        { "{\"result\":{\"list\":null}}", NULL },
        { "{\"result\":{}}", NULL },
        { "{\"error\":{\"code\":1,\"message\":\"\"}}", NULL },
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ok(parse(table[i].text, &a), "%s", table[i].text);
        ok(rt_answer_inside(&a, "list", RT_JSON_OBJECT, &s)
           == (table[i].inside != NULL), "%s", table[i].text);

        if (table[i].inside) {
            ok(rt_str_eq(&s, table[i].inside), "inside of %s", table[i].text);
        }
    }

    ok(parse("{\"result\":{\"nodes\":[ {} ]}}", &a)
       && rt_answer_inside(&a, "nodes", RT_JSON_ARRAY, &s)
       && rt_str_eq(&s, "{}"), "an array");

    tap_group("lists as they stand");
}


static void
test_walks(void)
{
    uint64_t          n;
    rt_str_t          s;
    rt_json_t         j;
    rt_answer_t       a;
    rt_client_info_t  info;

    ok(parse("{\"result\":{\"channels\":{\"a\\u0062\":{\"num_clients\":2},"
             "\"\":{\"x\":0}}}}", &a)
       && rt_answer_walk(&a, "channels", RT_JSON_OBJECT, &j), "channels");
    ok(rt_answer_channel(&j, &s, &n) && rt_str_eq(&s, "ab") && n == 2, "one");
    ok(rt_answer_channel(&j, &s, &n) && s.len == 0 && n == 0, "two");
    ok(!rt_answer_channel(&j, &s, &n) && j.error == RT_JSON_OK, "the end");

    ok(parse("{\"result\":{\"channels\":{\"a\":5}}}", &a)
       && rt_answer_walk(&a, "channels", RT_JSON_OBJECT, &j)
       && !rt_answer_channel(&j, &s, &n) && j.error, "none");

    ok(parse("{\"result\":{\"presence\":{\"x\":{\"client\":\"" ID "\","
             "\"user\":\"u\",\"conn_info\":{\"a\":1}}}}}", &a)
       && rt_answer_walk(&a, "presence", RT_JSON_OBJECT, &j)
       && rt_answer_present(&j, &info)
       && rt_str_eq(&info.client, ID) && rt_str_eq(&info.user, "u")
       && rt_str_eq(&info.conn_info, "{\"a\":1}")
       && !rt_answer_present(&j, &info) && j.error == RT_JSON_OK,
       "who is present");

    ok(parse("{\"result\":{\"presence\":{\"x\":{\"client\":\"y\"}}}}", &a)
       && rt_answer_walk(&a, "presence", RT_JSON_OBJECT, &j)
       && !rt_answer_present(&j, &info) && j.error, "no id");

    ok(parse("{\"result\":{\"num_clients\":3,"
             "\"users\":[1,18446744073709551615]}}", &a)
       && rt_answer_number(&a, "num_clients", &n) && n == 3
       && rt_answer_walk(&a, "users", RT_JSON_ARRAY, &j)
       && rt_answer_user(&j, &n) && n == 1
       && rt_answer_user(&j, &n) && n == UINT64_MAX
       && !rt_answer_user(&j, &n) && j.error == RT_JSON_OK, "users");

    ok(parse("{\"result\":{\"num_clients\":\"3\",\"users\":[-1]}}", &a)
       && !rt_answer_number(&a, "num_clients", &n)
       && !rt_answer_number(&a, "nothing", &n)
       && rt_answer_walk(&a, "users", RT_JSON_ARRAY, &j)
       && !rt_answer_user(&j, &n) && j.error, "what are no numbers");

    ok(parse("{\"result\":{\"users\":{}}}", &a)
       && !rt_answer_walk(&a, "users", RT_JSON_ARRAY, &j), "no array");

    tap_group("lists, one by one");
}


/* whatever it is, nothing outside of it is looked at: see the sanitizers */

static void
test_broken(void)
{
    size_t            len, i;
    uint8_t          *copy;
    unsigned          round;
    uint64_t          n;
    rt_json_t         j;
    rt_answer_t       a;
    rt_client_info_t  info;

    static const char  whole[] =
        "{\"result\":{\"presence\":{\"x\":{\"client\":\"" ID "\",\"user\":"
        "\"\\u00e9\"}},\"num_clients\":12,\"users\":[1,2,3]}}";

    for (round = 0; round < ROUNDS; round++) {
        len = sizeof(whole) - 1;

        if (rand() & 1) {
            len = rand() % len;
        }

        copy = malloc(len + 1);
        memcpy(copy, whole, len);

        for (i = rand() % 3; len && i; i--) {
            copy[rand() % len] = (uint8_t) "{}[]\",:\\u0x"[rand() % 11];
        }

        if (rt_answer_read(copy, len, &a) && a.code == 0) {

            (void) rt_answer_number(&a, "num_clients", &n);

            if (rt_answer_walk(&a, "presence", RT_JSON_OBJECT, &j)) {
                while (rt_answer_present(&j, &info)) {
                    ok(info.client.len == sizeof(ID) - 1, "an id");
                }
            }

            if (rt_answer_walk(&a, "users", RT_JSON_ARRAY, &j)) {
                while (rt_answer_user(&j, &n)) { /* void */ }
            }
        }

        free(copy);
    }

    tap_group("what was cut and changed");
}


int
main(void)
{
    srand(1);

    test_answers();
    test_inside();
    test_walks();
    test_broken();

    return tap_done();
}
