
/*
 * Flags: what is one and what is not, who has one, and that it stays so.
 */


#include "rt_flag.h"
#include "tap.h"


#define KEYS  10000


static char  error[RT_FLAG_ERROR_MAX];


/* freed by the caller */

static rt_flags_t *
parse(const char *text)
{
    size_t       len;
    void        *mem;
    rt_flags_t  *set;

    len = strlen(text);
    error[0] = '\0';

    /* exactly as much as was asked for, so that the sanitizer looks */
    mem = malloc(rt_flags_size((uint8_t *) text, len));
    set = rt_flags_parse(mem, (uint8_t *) text, len, error);

    if (set == NULL) {
        free(mem);
    }

    return set;
}


static const rt_flag_t *
find(rt_flags_t *set, const char *name)
{
    return rt_flags_find(set, (uint8_t *) name, strlen(name));
}


static bool
on(const rt_flag_t *flag, const char *key)
{
    return rt_flag_on(flag, (uint8_t *) key, strlen(key));
}


static rt_flag_t
flag_of(const char *text, uint32_t share)
{
    rt_str_t         name;
    rt_flag_t        flag;
    static int       n;
    static uint8_t   names[4][RT_FLAG_NAME_MAX];

    name.data = names[n++ % 4];
    name.len = strlen(text);
    memcpy(name.data, text, name.len);

    rt_flag_init(&flag, &name, share);

    return flag;
}


static bool
has(const rt_flag_t *flag, unsigned i)
{
    char  key[32];

    snprintf(key, sizeof(key), "user-%u", i);

    return on(flag, key);
}


static void
test_good(void)
{
    rt_flags_t       *set;
    const rt_flag_t  *f;

    set = parse(" { } ");
    ok(set && set->nflags == 0 && !find(set, "a"), "none: %s", error);
    free(set);

    set = parse("{\"a\":true,\"b\":false,\"c\":{\"percent\":25.5},"
                "\"d\":{\"on\":true,\"by\":{\"x\":[1]},\"from\":null,"
                "\"key\":\"k\",\"at\":17},\"e\":{},"
                "\"f\":{\"allow\":[\"z\",\"\\u0041b\",\"m\"],"
                "\"deny\":[\"m\"],\"percent\":0}}");

    ok(set && set->nflags == 6, "six: %s", error);

    if (set == NULL) {
        tap_group("what is a set");
        return;
    }

    ok((f = find(set, "a")) && f->share == 10000, "true is all");
    ok((f = find(set, "b")) && f->share == 0, "false is none");
    ok((f = find(set, "c")) && f->share == 2550, "25.5 percent");
    ok((f = find(set, "d")) && f->share == 10000, "on, and by whom");
    ok((f = find(set, "e")) && f->share == 0, "nothing said is none");
    ok(!find(set, "g") && !find(set, ""), "others are not there");

    f = find(set, "f");

    ok(f && f->allow.n == 3 && f->deny.n == 1, "lists");
    ok(f && on(f, "z") && on(f, "Ab"), "allowed");
    ok(f && !on(f, "m"), "deny stands above allow");
    ok(f && !on(f, "x") && !on(f, ""), "others are not");
    free(set);

    set = parse("{\"a\":{\"percent\":100,\"deny\":[\"bad\"]}}");
    f = set ? find(set, "a") : NULL;
    ok(f && on(f, "good") && on(f, "") && !on(f, "bad"), "all but one");
    free(set);

    set = parse("{\"New-Router_2\":true}");
    ok(set && find(set, "new_router_2") && find(set, "NEW-ROUTER-2")
       && !find(set, "new_router_20"), "names are folded");
    free(set);

    tap_group("what is a set");
}


static void
test_wrong(void)
{
    size_t       i;
    rt_flags_t  *set;

    static const struct {
        const char  *text, *want;
    } table[] = {
        { "", "flags: an object expected, got nothing" },
        { "[]", "flags: an object expected, got an array" },
        { "null", "flags: an object expected, got null" },
        { "{} x", "flags: an object expected" },
        { "{", "flags: JSON expected" },
        { "{\"a\":tru}", "flags: JSON expected" },
        { "{\"a\":{\"percent\":1.}}", "flags: JSON expected" },
        { "{\"a\":{\"allow\":[\"k\" \"l\"]}}", "flags: JSON expected" },
        { "{\"a\":{\"by\":[}}", "flags: JSON expected" },
        { "{\"a\":{\"on\":true", "flags: JSON expected" },
        { "{\"a\":true,}", "flags: JSON expected" },
        { "{\"a\xff\":true}", "flags: UTF-8 expected" },
        { "{\"\":true}", "flags: names of 1 to 64 letters, digits, \"_\" and "
          "\"-\" expected, got \"\"" },
        { "{\"a b\":true}", "flags: names of 1 to 64 letters, digits, \"_\" "
          "and \"-\" expected, got \"a b\"" },
        { "{\"a\\u0000b\\\"\":true}", "flags: names of 1 to 64 letters, "
          "digits, \"_\" and \"-\" expected, got \"a?b?\"" },
        { "{\"12345678901234567890123456789012345678901234567890"
          "123456789012345\":true}", "flags: names of 1 to 64 letters, "
          "digits, \"_\" and \"-\" expected, got "
          "\"123456789012345678901234...\"" },
        { "{\"a\":1}", "flags.a: true, false or an object expected, got "
          "a number" },
        { "{\"a\":null}", "flags.a: true, false or an object expected, got "
          "null" },
        { "{\"a\":true,\"a\":true}", "flags.a: it is there twice" },
        { "{\"a-b\":true,\"A_b\":true}", "flags.A_b: it is there twice" },
        { "{\"beta\":{\"percent\":120}}", "flags.beta.percent: 0 to 100 "
          "expected, got 120" },
        { "{\"beta\":{\"percent\":-1}}", "flags.beta.percent: 0 to 100 "
          "expected, got -1" },
        { "{\"beta\":{\"percent\":1e1}}", "flags.beta.percent: 0 to 100 "
          "expected, got 1e1" },
        { "{\"beta\":{\"percent\":100.01}}", "flags.beta.percent: 0 to 100, "
          "with up to two decimals, expected, got 100.01" },
        { "{\"beta\":{\"percent\":0.001}}", "flags.beta.percent: 0 to 100, "
          "with up to two decimals, expected, got 0.001" },
        { "{\"beta\":{\"percent\":\"5\"}}", "flags.beta.percent: a number "
          "from 0 to 100 expected, got a string" },
        { "{\"beta\":{\"percent\":5,\"on\":true}}", "flags.beta: one "
          "\"percent\" or \"on\" expected" },
        { "{\"beta\":{\"on\":1}}", "flags.beta.on: true or false expected, "
          "got a number" },
        { "{\"beta\":{\"percnt\":5}}", "flags.beta: \"on\", \"percent\", "
          "\"allow\" or \"deny\" expected, got \"percnt\"" },
        { "{\"beta\":{\"allow\":\"k\"}}", "flags.beta.allow: an array of "
          "keys expected, got a string" },
        { "{\"beta\":{\"deny\":[\"k\",7]}}", "flags.beta.deny[1]: a string "
          "of 1 to 255 bytes expected, got a number" },
        { "{\"beta\":{\"deny\":[\"\"]}}", "flags.beta.deny[0]: a string of "
          "1 to 255 bytes expected, got another" },
        { "{\"beta\":{\"deny\":[\"a\"],\"deny\":[\"b\"]}}",
          "flags.beta.deny: one expected, got two" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        set = parse(table[i].text);

        ok(set == NULL && strcmp(error, table[i].want) == 0,
           "\"%s\": got \"%s\"", table[i].text, error);
        free(set);
    }

    tap_group("what is none, and why");
}


/* {"f0":true,...}: n flags; or one with n keys of len bytes */

static char *
many(size_t n, size_t len)
{
    char    *text, *p;
    size_t   i;

    text = malloc(n * (len + 16) + 64);
    p = text + sprintf(text, len ? "{\"f\":{\"allow\":[" : "{");

    for (i = 0; i < n; i++) {
        if (len) {
            p += sprintf(p, "%s\"%0*zu\"", i ? "," : "", (int) len, i);
        } else {
            p += sprintf(p, "%s\"f%zu\":true", i ? "," : "", i);
        }
    }

    strcpy(p, len ? "]}}" : "}");

    return text;
}


static void
test_bounds(void)
{
    size_t            i;
    char             *text, key[300];
    rt_flags_t       *set;
    const rt_flag_t  *f;

    static const struct {
        size_t       n, len;
        const char  *want;            /* NULL: it is good */
    } table[] = {
        { 64, 0, NULL },
        { 65, 0, "flags: up to 64 of them expected" },
        { 256, 200, NULL },
        { 3, 255, NULL },
        { 257, 3, "flags.f.allow: up to 256 keys expected" },
        { 1, 256, "flags.f.allow[0]: a string of 1 to 255 bytes expected, "
          "got another" },
        { 256, 255, "flags: up to 65536 bytes expected" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        text = many(table[i].n, table[i].len);
        set = parse(text);

        ok(table[i].want ? set == NULL && strcmp(error, table[i].want) == 0
                         : set != NULL,
           "%zu of %zu: \"%s\"", table[i].n, table[i].len, error);

        free(set);
        free(text);
    }

    /* every key of the longest list is found, in whatever order they came */

    text = many(256, 200);
    set = parse(text);
    f = set ? find(set, "f") : NULL;

    for (i = 0; f && i < 256; i++) {
        snprintf(key, sizeof(key), "%0200zu", 255 - i);
        ok(on(f, key), "key %zu", i);
        ok(!on(f, key + 1), "a part of key %zu", i);
    }

    free(set);
    free(text);

    tap_group("bounds");
}


static void
test_order(void)
{
    size_t            i;
    char              text[4096], *p, key[16];
    rt_flags_t       *set;
    const rt_flag_t  *f;

    p = text + sprintf(text, "{\"f\":{\"allow\":[");

    for (i = 0; i < 256; i++) {
        p += sprintf(p, "%s\"k%zu\"", i ? "," : "", i * 7919 % 257);
    }

    strcpy(p, "]}}");

    set = parse(text);
    f = set ? find(set, "f") : NULL;
    ok(f != NULL, "it is one: %s", error);

    for (i = 0; f && i < 257; i++) {
        snprintf(key, sizeof(key), "k%zu", i * 7919 % 257);
        ok(on(f, key) == (i < 256), "key %s", key);
    }

    free(set);

    tap_group("lists in any order");
}


/* so many of 10,000 keys as the share says, within five deviations */

static void
test_share(void)
{
    unsigned   i, k, n, have;
    rt_flag_t  flag;

    static const struct {
        uint32_t  share;
        unsigned  tolerance;
    } table[] = {
        { 0, 0 }, { 1, 5 }, { 100, 50 }, { 1000, 150 }, { 2550, 218 },
        { 5000, 250 }, { 9900, 50 }, { 10000, 0 }
    };

    static const char *const  names[] = {
        "beta", "router", "a", "b", "new_model", "x1", "x2"
    };

    for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {

            flag = flag_of(names[k], table[i].share);

            for (have = 0, n = 0; n < KEYS; n++) {
                have += has(&flag, n);
            }

            ok(have + table[i].tolerance >= table[i].share
               && have <= table[i].share + table[i].tolerance,
               "%s at %u: %u keys", names[k], table[i].share, have);
        }
    }

    flag = flag_of("beta", 9999);
    ok(!on(&flag, ""), "no key: off");
    flag = flag_of("beta", 10000);
    ok(on(&flag, ""), "no key, all: on");

    tap_group("shares");
}


static void
test_growth(void)
{
    unsigned   n, share, since;
    rt_flag_t  flag;

    flag = flag_of("beta", 0);

    for (n = 0; n < KEYS; n++) {
        since = 0;

        for (share = 0; share <= 10000; share += 125) {
            flag.share = share;

            if (has(&flag, n)) {
                since = since ? since : share;
            } else {
                ok(since == 0, "key %u is in at %u and out at %u", n, since,
                   share);
            }
        }

        ok(since > 0, "key %u is in at last", n);
    }

    tap_group("nobody falls out of a share that grows");
}


/* the share of one flag among those who have another is the same */

static void
test_independence(void)
{
    unsigned   n, both, one;
    rt_flag_t  a, b;

    a = flag_of("beta", 3000);
    b = flag_of("beta2", 3000);

    for (both = 0, one = 0, n = 0; n < KEYS; n++) {
        one += has(&a, n);
        both += has(&a, n) && has(&b, n);
    }

    /* 900, with a deviation of 29 */
    ok(both > 750 && both < 1050, "%u have both, %u the first", both, one);

    tap_group("flags are independent");
}


/* on all machines, in all versions: these never change */

static void
test_pinned(void)
{
    unsigned   i, n, word;
    rt_flag_t  flag;

    static const struct {
        const char  *name;
        uint32_t     share;
        uint32_t     have;            /* of the first 32 keys */
    } table[] = {
        { "beta", 5000, 0xb765cc1e },
        { "Beta", 5000, 0xb765cc1e },
        { "new-router", 2000, 0x50000002 },
        { "new_router", 2000, 0x50000002 }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        flag = flag_of(table[i].name, table[i].share);

        for (word = 0, n = 0; n < 32; n++) {
            word |= (unsigned) has(&flag, n) << n;
        }

        ok(word == table[i].have, "%s: 0x%08x", table[i].name, word);
    }

    tap_group("pinned");
}


static void
test_percent(void)
{
    size_t    i;
    uint32_t  share;

    static const struct {
        const char  *text;
        int          want;            /* -1: none */
    } table[] = {
        { "0", 0 }, { "100", 10000 }, { "100.00", 10000 }, { "25.5", 2550 },
        { "0.01", 1 }, { "33.33", 3333 }, { "12.500000", 1250 },
        { "007", 700 }, { "", -1 }, { ".", -1 }, { "5.", -1 }, { ".5", -1 },
        { "1.2.3", -1 }, { "101", -1 }, { "100.01", -1 }, { "0.001", -1 },
        { "99999999999999999999", -1 }, { "-1", -1 }, { "1e1", -1 },
        { "5%", -1 }, { " 5", -1 }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        share = 77777;

        if (table[i].want < 0) {
            ok(!rt_flag_share((uint8_t *) table[i].text,
                              strlen(table[i].text), &share),
               "\"%s\" is none", table[i].text);
            continue;
        }

        ok(rt_flag_share((uint8_t *) table[i].text, strlen(table[i].text),
                         &share)
           && share == (uint32_t) table[i].want,
           "\"%s\": %u", table[i].text, share);
    }

    tap_group("percentages");
}


int
main(void)
{
    test_good();
    test_wrong();
    test_bounds();
    test_order();
    test_percent();
    test_share();
    test_growth();
    test_independence();
    test_pinned();

    return tap_done();
}
