
/*
 * Messages between nodes: what is built is read again, and nothing else is.
 */


#include "tap.h"
#include "rt_bus.h"


#define ROUNDS  20000

#define NODE    "0123abcd-0000-4000-8000-9876543210ef"


static uint8_t  text[RT_BUS_HEAD_MAX + 64];
static uint8_t  copy[RT_BUS_HEAD_MAX + 64];


static rt_str_t
str(const char *s)
{
    rt_str_t  v = { strlen(s), (uint8_t *) s };

    return v;
}


static size_t
build(const rt_bus_t *m, uint8_t *p)
{
    size_t   head;
    uint8_t  line[RT_BUS_HEAD_MAX];

    head = rt_bus_head(m, line);
    ok(head <= RT_BUS_HEAD_MAX, "a line of %zu bytes", head);

    return rt_bus_build(p, line, head, m) - p;
}


static bool
same(const rt_str_t *a, const rt_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
test_text(void)
{
    size_t    len;
    rt_bus_t  m;

    static const char  plain[] = "1 p " NODE " 12 abcdefgh 1700000000123 7 2 8"
                                 "\n{\"a\":1}{}{\"b\":\"\"}";

    memset(&m, 0, sizeof(rt_bus_t));

    m.kind = RT_BUS_PUBLICATION;
    m.node = str(NODE);
    m.offset = 12;
    m.epoch = str("abcdefgh");
    m.time = 1700000000123;
    m.data = str("{\"a\":1}");
    m.info = str("{}");
    m.tags = str("{\"b\":\"\"}");

    len = build(&m, text);
    text[len] = '\0';

    ok(strcmp((char *) text, plain) == 0, "it is %s", (char *) text);

    memset(&m, 0, sizeof(rt_bus_t));

    m.kind = RT_BUS_HELLO;
    m.node = str(NODE);

    len = build(&m, text);

    ok(len == sizeof("1 h " NODE " 0 - 0 0 0 0\n") - 1
       && memcmp(text, "1 h " NODE " 0 - 0 0 0 0\n", len) == 0, "a hello");

    m.kind = RT_BUS_ANSWER;
    m.offset = UINT64_MAX;
    m.time = UINT64_MAX;
    m.epoch = str("zzzzzzzz");

    ok(build(&m, text) == rt_bus_head(&m, copy), "the largest numbers");
    ok(rt_bus_parse(text, rt_bus_head(&m, copy), &m), "are read");
    ok(m.offset == UINT64_MAX && m.time == UINT64_MAX, "again");

    tap_group("the text of messages");
}


static void
test_round(void)
{
    size_t    len, i;
    unsigned  round;
    rt_bus_t  m, n;

    static uint8_t     bytes[64];
    static const char  kinds[] = "psejlhbarc";

    for (round = 0; round < ROUNDS; round++) {

        for (i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t) rand();
        }

        memset(&m, 0, sizeof(rt_bus_t));

        m.kind = kinds[rand() % (sizeof(kinds) - 1)];
        m.node = str(NODE);
        m.offset = rand() & 1 ? 0 : (uint64_t) rand() << (rand() % 33);
        m.epoch = rand() & 1 ? str("") : str("qwertzui");
        m.time = (uint64_t) rand() << (rand() % 33);
        m.data.data = bytes;
        m.data.len = rand() % 20;
        m.info.data = bytes + 20;
        m.info.len = rand() % 20;
        m.tags.data = bytes + 40;
        m.tags.len = rand() % 20;

        len = build(&m, text);

        ok(rt_bus_parse(text, len, &n), "round %u is not read", round);
        ok(n.kind == m.kind && n.offset == m.offset && n.time == m.time
           && same(&n.node, &m.node) && same(&n.epoch, &m.epoch)
           && same(&n.data, &m.data) && same(&n.info, &m.info)
           && same(&n.tags, &m.tags), "round %u is another", round);

        for (i = 0; i < len; i++) {
            ok(!rt_bus_parse(text, i, &n), "round %u, %zu bytes", round, i);
        }

        text[len] = 'x';
        ok(!rt_bus_parse(text, len + 1, &n), "round %u, one more", round);

        /* what is taken after a change is what it says now */

        i = rand() % len;
        text[i] = (uint8_t) (rand() & 1 ? rand() : " 0-19\n"[rand() % 6]);

        if (rt_bus_parse(text, len, &n)) {
            ok(build(&n, copy) == len && memcmp(text, copy, len) == 0,
               "round %u, byte %zu", round, i);
        }
    }

    tap_group("what was built, cut, longer, changed");
}


static void
test_refused(void)
{
    size_t    i;
    rt_str_t  s;
    rt_bus_t  m;

    static const char  *bad[] = {
        "", "\n", "1\n", "1 p\n", "x",
        "2 p " NODE " 0 - 0 0 0 0\n",
        "01 p " NODE " 0 - 0 0 0 0\n",
        "1  p " NODE " 0 - 0 0 0 0\n",
        " 1 p " NODE " 0 - 0 0 0 0\n",
        "1 p " NODE " 0 - 0 0 0 0 \n",
        "1 p " NODE " 0 - 0 0 0 0 0\n",
        "1 p " NODE " 0 - 0 0 0\n",
        "1 p " NODE " 0 - 0 0 0 0\r\n",
        "1 p " NODE " 0 - 0 0 0 0",
        "1 x " NODE " 0 - 0 0 0 0\n",
        "1 pp " NODE " 0 - 0 0 0 0\n",
        "1 p " NODE "0 0 - 0 0 0 0\n",
        "1 p 0123 0 - 0 0 0 0\n",
        "1 p 0123ABCD-0000-4000-8000-9876543210ef 0 - 0 0 0 0\n",
        "1 p " NODE " 00 - 0 0 0 0\n",
        "1 p " NODE " -1 - 0 0 0 0\n",
        "1 p " NODE " +1 - 0 0 0 0\n",
        "1 p " NODE " 1e3 - 0 0 0 0\n",
        "1 p " NODE " 18446744073709551616 - 0 0 0 0\n",
        "1 p " NODE " 99999999999999999999 - 0 0 0 0\n",
        "1 p " NODE " 0 -- 0 0 0 0\n",
        "1 p " NODE " 0 abcdefg 0 0 0 0\n",
        "1 p " NODE " 0 abcdefghi 0 0 0 0\n",
        "1 p " NODE " 0 abcdefgH 0 0 0 0\n",
        "1 p " NODE " 0 - 0 1 0 0\n",
        "1 p " NODE " 0 - 0 18446744073709551615 1 0\n",
        "1 p " NODE " 0 - 0 1 1 1\nab",
        "1 p " NODE " 0 - 0 1 1 1\nabcd",
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        s = str(bad[i]);
        memcpy(text, s.data, s.len);
        ok(!rt_bus_parse(text, s.len, &m), "it takes %s", bad[i]);
    }

    tap_group("what is no message");
}


int
main(void)
{
    srand(1);

    test_text();
    test_round();
    test_refused();

    return tap_done();
}
