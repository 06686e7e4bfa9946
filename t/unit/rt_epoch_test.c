
/*
 * Letters of epochs: each number has its own, and comes back from them; what is
 * no epoch is none.
 */


#include "tap.h"
#include "rt_epoch.h"


#define NUMBERS  208827064576ull       /* 26 ** 8 */


static void
test_there_and_back(void)
{
    int       i;
    uint8_t   text[RT_EPOCH_LEN];
    uint64_t  n, seed;

    seed = 1;

    for (i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        n = (seed >> 8) % NUMBERS;

        rt_epoch_text(n, text);

        ok(rt_epoch_parse(text, RT_EPOCH_LEN) == (n | RT_EPOCH_DURABLE),
           "%llu", (unsigned long long) n);

        rt_epoch_text(n | RT_EPOCH_DURABLE, text);

        ok(rt_epoch_parse(text, RT_EPOCH_LEN) == (n | RT_EPOCH_DURABLE),
           "%llu with the bit", (unsigned long long) n);
    }

    tap_group("numbers and their letters");
}


static void
test_edges(void)
{
    uint8_t  text[RT_EPOCH_LEN];

    ok(rt_epoch_parse((uint8_t *) "aaaaaaaa", 8) == RT_EPOCH_DURABLE,
       "the first");
    ok(rt_epoch_parse((uint8_t *) "baaaaaaa", 8) == (RT_EPOCH_DURABLE | 1),
       "the second");
    ok(rt_epoch_parse((uint8_t *) "zzzzzzzz", 8)
       == (RT_EPOCH_DURABLE | (NUMBERS - 1)), "the last");

    rt_epoch_text(RT_EPOCH_DURABLE, text);
    ok(memcmp(text, "aaaaaaaa", 8) == 0, "the first one's letters");

    ok(rt_epoch_durable(RT_EPOCH_DURABLE), "with the bit");
    ok(!rt_epoch_durable(1) && !rt_epoch_durable(0), "without it");

    tap_group("the first and the last");
}


static void
test_bad(void)
{
    size_t              i;
    static const char  *bad[] = {
        "", "a", "aaaaaaa", "aaaaaaaaa", "aaaaaaa{", "`aaaaaaa", "AAAAAAAA",
        "aaaa aaa", "12345678"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(rt_epoch_parse((const uint8_t *) bad[i], strlen(bad[i])) == 0,
           "\"%s\"", bad[i]);
    }

    tap_group("what is no epoch");
}


int
main(void)
{
    test_there_and_back();
    test_edges();
    test_bad();

    return tap_done();
}
