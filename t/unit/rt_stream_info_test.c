
/*
 * Publishers as text: a table, and there and back with names of all bytes.
 */


#include "rt_stream_info.h"
#include "tap.h"


#define ID  "01234567-89ab-cdef-0123-456789abcdef"


static bool
same(const rt_str_t *a, const rt_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
test_table(void)
{
    size_t            i;
    uint8_t           text[8192];
    rt_client_info_t  info;

    static const struct {
        const char  *text;
        bool         good;
    } table[] = {
        { "", true },
        { "{\"client\":\"" ID "\"}", true },
        { "{\"user\":\"u\",\"client\":\"" ID "\"}", true },
        { "{\"client\":\"" ID "\",\"conn_info\":{\"a\":1},\"x\":[]}", true },
        { "{\"client\":\"" ID "\",\"conn_info\":null}", true },
        { "{}", false },
        { "{\"user\":\"u\"}", false },
        { "{\"client\":\"short\"}", false },
        { "{\"client\":\"" ID "x\"}", false },
        { "{\"client\":7}", false },
        { "{\"client\":\"" ID "\"", false },
        { "{\"client\":\"" ID "\"}x", false },
        { "{\"client\":\"" ID "\",\"user\":\"\xff\"}", false },
        { "{\"client\":\"" ID "\",\"conn_info\":{]}", false },
        { "[]", false },
        { "nonsense", false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memcpy(text, table[i].text, strlen(table[i].text));

        ok(rt_stream_info_parse(text, strlen(table[i].text), &info)
           == table[i].good, "%s", table[i].text);

        if (!table[i].good) {
            ok(info.client.len == 0 && info.user.len == 0, "nobody");
        }
    }

    tap_group("what is one, and what is none");
}


/* what is longer than what we write would not fit where it is copied to */

static void
test_bounds(void)
{
    size_t            i, n;
    uint8_t           text[16384];
    rt_client_info_t  info;

    static const struct {
        const char  *name;
        size_t       max;
    } members[] = {
        { "user", RT_STREAM_INFO_USER },
        { "conn_info", RT_STREAM_INFO_RAW - 2 },
        { "chan_info", RT_STREAM_INFO_RAW - 2 }
    };

    for (i = 0; i < 3; i++) {
        for (n = members[i].max; n <= members[i].max + 1; n++) {

            snprintf((char *) text, sizeof(text),
                     "{\"client\":\"" ID "\",\"%s\":\"%0*d\"}",
                     members[i].name, (int) n, 0);

            ok(rt_stream_info_parse(text, strlen((char *) text), &info)
               == (n == members[i].max),
               "%s of %zu bytes", members[i].name, n);
        }
    }

    tap_group("bounds");
}


static void
test_round(void)
{
    size_t            i, j;
    uint8_t           text[RT_STREAM_INFO_MAX], user[RT_STREAM_INFO_USER];
    rt_out_t          o;
    rt_client_info_t  info, back;
    rt_str_t          raws[3] = { rt_string("{\"a\":\"b\"}"),
                                  rt_string("17"), { 0, NULL } };

    for (i = 0; i < 10000; i++) {
        memset(&info, 0, sizeof(info));

        info.client.data = (uint8_t *) ID;
        info.client.len = i % 16 ? RT_STREAM_INFO_CLIENT : 0;

        if (info.client.len) {
            info.user.data = user;
            info.user.len = rand() % (sizeof(user) + 1);
            info.conn_info = raws[rand() % 3];
            info.chan_info = raws[rand() % 3];
        }

        for (j = 0; j < info.user.len; j++) {
            user[j] = (uint8_t) (rand() % 4 ? rand() % 127 + 1
                                            : "\"\\/\n"[rand() % 4]);
        }

        rt_out_init(&o, text, sizeof(text));
        rt_stream_info_build(&o, &info);

        ok(rt_out_fits(&o), "the bound holds");

        ok(rt_stream_info_parse(text, o.need, &back)
           && same(&info.user, &back.user)
           && same(&info.client, &back.client)
           && same(&info.conn_info, &back.conn_info)
           && same(&info.chan_info, &back.chan_info),
           "there and back");
    }

    tap_group("there and back");
}


int
main(void)
{
    srand(20261125);

    test_table();
    test_bounds();
    test_round();

    return tap_done();
}
