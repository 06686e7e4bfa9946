
/*
 * rt_utf8 against a model made of the encoder alone: every code point is
 * written down, and the sets of what can begin a character, of 1 to 3 bytes,
 * follow from that.  So the model shares no rule with the code.
 */


#include "rt_utf8.h"
#include "tap.h"


#define TEXT_MAX  300


static uint8_t   model[3][(1 << 24) / 8];   /* beginnings, by their length */
static uint64_t  seed = 0x9E3779B97F4A7C15ull;


static uint32_t
rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (uint32_t) (seed >> 32) % n;
}


static size_t
encode(uint8_t *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = 0xC0 | c >> 6;
        p[1] = 0x80 | (c & 0x3F);
        return 2;
    }

    if (c < 0x10000) {
        p[0] = 0xE0 | c >> 12;
        p[1] = 0x80 | ((c >> 6) & 0x3F);
        p[2] = 0x80 | (c & 0x3F);
        return 3;
    }

    p[0] = 0xF0 | c >> 18;
    p[1] = 0x80 | ((c >> 12) & 0x3F);
    p[2] = 0x80 | ((c >> 6) & 0x3F);
    p[3] = 0x80 | (c & 0x3F);
    return 4;
}


static uint32_t
number(const uint8_t *p, size_t n)
{
    uint32_t  v;

    for (v = 0; n; n--) {
        v = v << 8 | *p++;
    }

    return v;
}


static bool
is_scalar(uint32_t c)
{
    return c < 0xD800 || (c > 0xDFFF && c < 0x110000);
}


static void
make_model(void)
{
    size_t    i, n;
    uint8_t   p[4];
    uint32_t  c, v;

    for (c = 0; c < 0x110000; c++) {

        if (!is_scalar(c)) {
            continue;
        }

        n = encode(p, c);

        for (i = 1; i < n; i++) {
            v = number(p, i);
            model[i - 1][v >> 3] |= 1 << (v & 7);
        }
    }
}


static bool
may_begin(const uint8_t *p, size_t n)
{
    uint32_t  v;

    v = number(p, n);

    return (model[n - 1][v >> 3] >> (v & 7)) & 1;
}


/* is p, n the whole of a character? */

static bool
is_character(const uint8_t *p, size_t n)
{
    uint8_t   q[4];
    uint32_t  c;

    if (n == 1) {
        return *p < 0x80;
    }

    /* the bits that an encoder would have put there */

    c = *p & (0x7F >> n);

    for (size_t i = 1; i < n; i++) {
        c = c << 6 | (p[i] & 0x3F);
    }

    return is_scalar(c) && encode(q, c) == n && memcmp(p, q, n) == 0;
}


/* the bytes up to the first bad one, len if there is none */

static size_t
model_good(const uint8_t *p, size_t len, bool *complete)
{
    size_t  i, n;

    *complete = true;

    for (i = 0, n = 1; i + n <= len; /* void */ ) {

        if (is_character(p + i, n)) {
            i += n;
            n = 1;
            *complete = true;

        } else if (n < 4 && may_begin(p + i, n)) {
            n++;
            *complete = false;

        } else {
            return i + n - 1;
        }
    }

    return len;
}


/* fed in two parts, then both answers must be the model's */

static void
check_cut(const uint8_t *p, size_t len, size_t cut, size_t good,
    bool complete)
{
    bool       first, second;
    rt_utf8_t  u;

    memset(&u, 0, sizeof(u));

    first = rt_utf8_feed(&u, p, cut);
    ok(first == (good >= cut), "%08x of %zu, first %zu bytes", number(p, 4),
       len, cut);

    if (!first) {
        return;
    }

    second = rt_utf8_feed(&u, p + cut, len - cut);
    ok(second == (good == len), "%08x of %zu, cut at %zu", number(p, 4), len,
       cut);

    if (second) {
        ok(rt_utf8_complete(&u) == complete, "%08x of %zu, cut at %zu: end",
           number(p, 4), len, cut);
    }
}


static void
check(const uint8_t *p, size_t len)
{
    bool    complete;
    size_t  cut, good;

    good = model_good(p, len, &complete);

    for (cut = 0; cut < len; cut++) {
        check_cut(p, len, cut, good, complete);
    }
}


static void
test_short(void)
{
    uint8_t   p[4];
    uint32_t  v;

    memset(p, 0, sizeof(p));

    for (v = 0; v < 0x100; v++) {
        p[0] = v;
        check(p, 1);
    }

    tap_group("all sequences of one byte");

    for (v = 0; v < 0x10000; v++) {
        p[0] = v >> 8;
        p[1] = v;
        check(p, 2);
    }

    tap_group("all sequences of two bytes, at every cut");

    for (v = 0; v < 0x1000000; v++) {
        p[0] = v >> 16;
        p[1] = v >> 8;
        p[2] = v;

        if (p[0] >= 0x80 || (v & 0xFF) == 0) {
            check(p, 3);
        }
    }

    tap_group("all sequences of three bytes, at every cut");
}


static void
test_four(void)
{
    uint8_t               p[4];
    uint32_t              v, i, j;
    static const uint8_t  edge[] = {
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xF0, 0xFF
    };

    for (v = 0; v < 0x10000; v++) {
        p[0] = v >> 8;
        p[1] = v;

        for (i = 0; i < sizeof(edge); i++) {
            for (j = 0; j < sizeof(edge); j++) {
                p[2] = edge[i];
                p[3] = edge[j];
                check(p, 4);
            }
        }
    }

    tap_group("sequences of four bytes at the edges, at every cut");
}


/*
 * What the short tests have shown, looked at in blocks: the sequence stands
 * at some place of a longer text, so that every lane sees it.
 */

static void
test_wide(void)
{
    bool       complete;
    size_t     at, good;
    uint8_t    p[40];
    uint32_t   v;
    rt_utf8_t  u;

    memset(p, 'a', sizeof(p));

    /* few of those that begin with ASCII: they say little */

    for (v = 0; v < 0x1000000; v += v < 0x800000 ? 0x101 : 1) {

        at = 1 + v % 31;
        p[at] = v >> 16;
        p[at + 1] = v >> 8;
        p[at + 2] = v;
        p[at + 3] = "a\x80"[(v >> 3) & 1];

        good = model_good(p + at, 5, &complete);

        memset(&u, 0, sizeof(u));
        ok(rt_utf8_feed(&u, p, sizeof(p)) == (good == 5), "%08x at %zu",
           number(p + at, 4), at);

        memset(p + at, 'a', 4);
    }

    tap_group("all sequences of three bytes inside a longer text");
}


/* text of characters of all lengths, one kind at a time or mixed */

static size_t
random_text(uint8_t *p, size_t len)
{
    size_t                 n;
    uint32_t               c, kind;
    static const uint32_t  from[] = { 0x20, 0x80, 0x800, 0x10000 };
    static const uint32_t  to[] = { 0x80, 0x800, 0x10000, 0x110000 };

    kind = rnd(6);

    for (n = 0; n + 4 <= len; /* void */ ) {
        c = kind < 4 ? kind : rnd(4);
        c = kind == 5 && rnd(8) ? 0 : c;
        c = from[c] + rnd(to[c] - from[c]);

        if (is_scalar(c)) {
            n += encode(p + n, c);
        }
    }

    return n;
}


/* in parts of random length; how many bytes went in before the refusal? */

static void
check_parts(const uint8_t *p, size_t len, size_t max)
{
    bool       complete;
    size_t     good, i, n;
    uint8_t   *part;
    rt_utf8_t  u;

    good = model_good(p, len, &complete);
    memset(&u, 0, sizeof(u));

    for (i = 0; i < len; i += n) {
        n = 1 + rnd(max);
        n = rt_min(n, len - i);

        /* a copy of its own, so that nothing around it can be read */

        part = malloc(n);
        memcpy(part, p + i, n);

        if (!rt_utf8_feed(&u, part, n)) {
            free(part);
            ok(good >= i && good < i + n, "refused in %zu to %zu, bad at %zu",
               i, i + n, good);
            return;
        }

        free(part);
    }

    ok(good == len, "not refused, bad at %zu of %zu", good, len);
    ok(rt_utf8_complete(&u) == complete, "%zu bytes, the end", len);
    ok(rt_utf8_valid(p, len) == complete, "%zu bytes, at once", len);
}


static void
test_random(void)
{
    size_t    len;
    uint8_t   p[TEXT_MAX];
    uint32_t  round;

    for (round = 0; round < 200000; round++) {
        len = random_text(p, 4 + rnd(TEXT_MAX - 3));

        if (round & 1) {
            p[rnd(len)] = rnd(2) ? rnd(256) : 0x80 | rnd(0x80);
        }

        if (round & 2) {
            len = 1 + rnd(len);
        }

        check_parts(p, len, round & 4 ? TEXT_MAX : 1 + rnd(40));
    }

    tap_group("random texts, spoilt and cut short, in random parts");
}


static void
test_empty(void)
{
    rt_utf8_t  u;

    memset(&u, 0, sizeof(u));

    ok(rt_utf8_valid(NULL, 0), "no text");
    ok(rt_utf8_feed(&u, (const uint8_t *) "\xE2", 1), "a first byte");
    ok(rt_utf8_feed(&u, NULL, 0), "nothing in between");
    ok(!rt_utf8_complete(&u), "still open");
    ok(rt_utf8_feed(&u, (const uint8_t *) "\x82\xAC", 2), "the rest");
    ok(rt_utf8_complete(&u), "closed");

    tap_group("nothing is fed");
}


int
main(void)
{
    make_model();

    test_empty();
    test_short();
    test_four();
    test_wide();
    test_random();

    return tap_done();
}
