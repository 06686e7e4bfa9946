
/*
 * Percent-encoding: a table, and all bytes there and back.
 */


#include "rt_percent.h"
#include "tap.h"


static void
test_table(void)
{
    size_t    i;
    uint8_t   buf[32];
    rt_str_t  s;

    static const struct {
        const char  *text, *want;         /* NULL: it is none */
    } table[] = {
        { "", "" },
        { "a-b", "a-b" },
        { "a%2Fb", "a/b" },
        { "%2f%2F", "//" },
        { "%2525", "%25" },
        { "a+b", "a+b" },
        { "%41%c3%A9", "A\xc3\xa9" },
        { "%", NULL },
        { "%2", NULL },
        { "a%", NULL },
        { "a%4", NULL },
        { "%%41", NULL },
        { "%g1", NULL },
        { "%1g", NULL },
        { "%:0", NULL },
        { "%0/", NULL },
        { "%@1", NULL },
        { "%1`", NULL }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        s.len = strlen(table[i].text);
        s.data = buf;
        memcpy(buf, table[i].text, s.len);

        if (table[i].want == NULL) {
            ok(!rt_percent_decode(&s), "\"%s\" is refused", table[i].text);
            continue;
        }

        ok(rt_percent_decode(&s) && rt_str_eq(&s, table[i].want),
           "\"%s\" is decoded", table[i].text);
    }

    tap_group("a table");
}


static void
test_bytes(void)
{
    unsigned  i;
    uint8_t   buf[3];
    rt_str_t  s;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < 256; i++) {
        buf[0] = '%';
        buf[1] = hex[i >> 4];
        buf[2] = hex[i & 15];

        s.len = 3;
        s.data = buf;

        ok(rt_percent_decode(&s) && s.len == 1 && s.data[0] == i,
           "byte %u is decoded", i);
    }

    tap_group("all bytes");
}


int
main(void)
{
    test_table();
    test_bytes();

    return tap_done();
}
