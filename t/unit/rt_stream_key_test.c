
/*
 * Names in Redis: a table; that no two of them meet; and the way back.
 */


#include "rt_stream_key.h"
#include "tap.h"


#define KEYS  4096
#define LEN   8


typedef struct {
    rt_key_kind_t  kind;
    uint8_t        text[3][LEN];
    rt_str_t       part[3];       /* tenant, name, id */
    uint8_t        key[rt_stream_key_max(LEN, LEN, LEN)];
    size_t         len;
} name_t;


static name_t  names[KEYS];


static size_t
make(uint8_t *buf, rt_key_kind_t kind, const char *tenant, const char *name,
    const char *id)
{
    size_t    len;
    rt_str_t  t = { strlen(tenant), (uint8_t *) tenant };
    rt_str_t  n = { strlen(name), (uint8_t *) name };
    rt_str_t  i = { 0, NULL };

    if (id) {
        i.data = (uint8_t *) id;
        i.len = strlen(id);
    }

    len = rt_stream_key(buf, kind, &t, &n, id ? &i : NULL);

    ok(len <= rt_stream_key_max(t.len, n.len, i.len), "the bound holds");

    return len;
}


static void
test_table(void)
{
    size_t   i, len;
    uint8_t  buf[1024];

    static const struct {
        rt_key_kind_t  kind;
        const char    *tenant, *name, *id, *key;
    } table[] = {
        { RT_KEY_CHANNEL, "acme", "chat:1", NULL, "rt:{acme}:channel:chat:1" },
        { RT_KEY_META, "acme", "chat:1", NULL, "rt:{acme}:meta:chat:1" },
        { RT_KEY_BUS, "acme", "chat:1", NULL, "rt:{acme}:bus:chat:1" },
        { RT_KEY_IDEM, "acme", "chat:1", "k:1",
          "rt:{acme}:idem:chat%3A1:k:1" },
        { RT_KEY_EVENT, "acme", "a%b", "e%1", "rt:{acme}:event:a%25b:e%1" },
        { RT_KEY_CHANNEL, "a}b{c%", "x", NULL,
          "rt:{a%7Db%7Bc%25}:channel:x" },
        { RT_KEY_CHANNEL, "a:b", "c", NULL, "rt:{a:b}:channel:c" },
        { RT_KEY_CHANNEL, "a", "b:c{d}", NULL, "rt:{a}:channel:b:c{d}" },
        { RT_KEY_CHANNEL, "m\xc3\xbcnchen", "x", NULL,
          "rt:{m\xc3\xbcnchen}:channel:x" },
        { RT_KEY_IDEM, "a", "b", "", "rt:{a}:idem:b:" },
        { RT_KEY_SIZES, "a{", "", NULL, "rt:{a%7B}:sizes" },
        { RT_KEY_ENDS, "a", "", NULL, "rt:{a}:ends" },
        { RT_KEY_CONFIG, "a{}", "", NULL, "rt:{a%7B%7D}:config" },
        { RT_KEY_AUDIT, "a", "", NULL, "rt:{a}:audit" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        len = make(buf, table[i].kind, table[i].tenant, table[i].name,
                   table[i].id);

        ok(len == strlen(table[i].key)
           && memcmp(buf, table[i].key, len) == 0,
           "%s: got %.*s", table[i].key, (int) len, buf);
    }

    /* the longest there are, all of it escaped */

    uint8_t   long_buf[rt_stream_key_max(128, 255, 255)];
    uint8_t   text[255];
    rt_str_t  tenant = { 128, text }, name = { 255, text };

    memset(text, '%', sizeof(text));

    len = rt_stream_key(long_buf, RT_KEY_IDEM, &tenant, &name, &name);

    ok(len == 11 + 3 * 128 + 1 + 3 * 255 + 255, "longest: %zu", len);
    ok(len <= sizeof(long_buf), "the longest has room");

    tap_group("keys");
}


/* bytes that mean something in a key come more often than others */

static void
random_name(name_t *n)
{
    bool                id;
    size_t              i, j;
    static const char   bytes[] = "{}%:ab27BD53A25";

    n->kind = rand() % 7;

    for (i = 0; i < 3; i++) {
        n->part[i].data = n->text[i];
        n->part[i].len = rand() % (LEN / 2) + (i == 0);

        for (j = 0; j < n->part[i].len; j++) {
            n->text[i][j] = rand() % 32 ? (uint8_t) bytes[rand() % 15]
                                        : (uint8_t) (rand() % 255 + 1);
        }
    }

    id = n->kind == RT_KEY_IDEM || n->kind == RT_KEY_EVENT;

    if (!id) {
        n->part[2].len = 0;
    }

    if (n->kind >= RT_KEY_SIZES) {
        n->part[1].len = 0;
    }

    n->len = rt_stream_key(n->key, n->kind, &n->part[0], &n->part[1],
                           id ? &n->part[2] : NULL);
}


static bool
same(const name_t *a, const name_t *b)
{
    size_t  i;

    for (i = 0; i < 3; i++) {
        if (a->part[i].len != b->part[i].len
            || memcmp(a->text[i], b->text[i], a->part[i].len) != 0)
        {
            return false;
        }
    }

    return a->kind == b->kind;
}


static int
compare(const void *a, const void *b)
{
    int            rc;
    const name_t  *x = a, *y = b;

    rc = memcmp(x->key, y->key, rt_min(x->len, y->len));

    return rc ? rc : (x->len > y->len) - (x->len < y->len);
}


static void
check_tag(const name_t *n)
{
    uint8_t  *open, *close;

    open = memchr(n->key, '{', n->len);
    close = open ? memchr(open, '}', n->len - (open - n->key)) : NULL;

    ok(open && close && close > open + 1, "there is a hash tag");

    if (open && close) {
        ok(memchr(open + 1, '{', close - open - 1) == NULL,
           "and no brace in it: %.*s", (int) n->len, n->key);
    }
}


static void
test_injective(void)
{
    size_t  i, round;

    for (round = 0; round < 64; round++) {

        for (i = 0; i < KEYS; i++) {
            random_name(&names[i]);
            check_tag(&names[i]);
        }

        qsort(names, KEYS, sizeof(name_t), compare);

        for (i = 1; i < KEYS; i++) {
            ok(compare(&names[i - 1], &names[i]) != 0
               || same(&names[i - 1], &names[i]),
               "two names, one key: %.*s", (int) names[i].len, names[i].key);
        }
    }

    tap_group("no two names meet");
}


static void
test_parse(void)
{
    size_t    i, n;
    name_t   *m;
    uint8_t   text[1024];
    rt_str_t  key, tenant, name;

    static const char  *wrong[] = {
        "", "rt:{", "rt:{a", "rt:{a}", "rt:{a}:bus", "rt:{}:bus:x",
        "rt:{a}:meta:x", "rx:{a}:bus:x", "rt:{a%}:bus:x", "rt:{a%2}:bus:x",
        "rt:{a%2g}:bus:x", "rt:{a%7b}:bus:x", "rt:{a%41}:bus:x",
        "rt:{a%00}:bus:x", "rt:{a{}:bus:x", "rt:{a%255"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        key.len = strlen(wrong[i]);
        key.data = text;
        memcpy(text, wrong[i], key.len);

        ok(!rt_stream_key_parse(&key, RT_KEY_BUS, &tenant, &name),
           "%s is no name", wrong[i]);
    }

    m = names;

    for (n = 0; n < 100000; n++) {
        random_name(m);

        if (m->kind >= RT_KEY_IDEM) {
            continue;
        }

        key.data = m->key;
        key.len = m->len;

        ok(rt_stream_key_parse(&key, m->kind, &tenant, &name)
           && tenant.len == m->part[0].len
           && memcmp(tenant.data, m->text[0], tenant.len) == 0
           && name.len == m->part[1].len
           && memcmp(name.data, m->text[1], name.len) == 0,
           "the way back");
    }

    tap_group("the way back");
}


int
main(void)
{
    srand(20261125);

    test_table();
    test_injective();
    test_parse();

    return tap_done();
}
