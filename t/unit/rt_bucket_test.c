
/*
 * The token bucket: bursts, the rate after them, long rests, against a model
 * that counts.
 */


#include "rt_bucket.h"
#include "tap.h"


static void
test_burst(void)
{
    unsigned     i;
    rt_bucket_t  b;

    b = 0;

    for (i = 0; i < 1000; i++) {
        ok(rt_bucket_take(&b, 5000, 10, 1000), "take %u at once", i);
    }

    ok(!rt_bucket_take(&b, 5000, 10, 1000), "no more than the burst");
    ok(!rt_bucket_take(&b, 5009, 10, 1000), "not before its time");
    ok(rt_bucket_take(&b, 5010, 10, 1000), "one has come back");
    ok(!rt_bucket_take(&b, 5010, 10, 1000), "and one only");
    ok(rt_bucket_take(&b, 5030, 10, 1000), "two more");
    ok(rt_bucket_take(&b, 5030, 10, 1000), "two more");
    ok(!rt_bucket_take(&b, 5030, 10, 1000), "a refusal costs nothing");

    tap_group("a burst, then the rate");
}


static void
test_rest(void)
{
    unsigned     i;
    rt_bucket_t  b;

    b = 0;

    for (i = 0; i < 8; i++) {
        ok(rt_bucket_take(&b, 1, 7, 8), "take %u", i);
    }

    for (i = 0; i < 8; i++) {
        ok(rt_bucket_take(&b, 1000000, 7, 8), "after a rest %u", i);
    }

    ok(!rt_bucket_take(&b, 1000000, 7, 8), "a rest fills it, no more");

    b = 0;
    ok(rt_bucket_take(&b, 0, 1, 1) && !rt_bucket_take(&b, 0, 1, 1), "of one");
    ok(rt_bucket_take(&b, 1, 1, 1), "of one, again");

    b = UINT32_MAX - 1000;

    for (i = 0; i < 4; i++) {
        ok(rt_bucket_take(&b, UINT32_MAX - 1, 5, 4), "before the wrap %u", i);
    }

    ok(!rt_bucket_take(&b, UINT32_MAX, 5, 4), "before the wrap, none");
    ok(!rt_bucket_take(&b, 2, 5, 4), "behind it, not yet");
    ok(rt_bucket_take(&b, 3, 5, 4), "behind it, one");
    ok(!rt_bucket_take(&b, 3, 5, 4), "behind it, no more");

    tap_group("a rest fills it");
}


static uint32_t
rnd(uint32_t n)
{
    static uint64_t  x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return (uint32_t) (x % n);
}


/* in thousandths of a token, refilled as time goes by */
static void
test_model(void)
{
    bool         have;
    uint32_t     now, last, used, gone, each, burst;
    unsigned     i;
    rt_bucket_t  b;

    now = last = 4290000000u;
    used = b = 0;
    each = burst = 1;

    for (i = 0; i < 200000; i++) {

        if (i % 1000 == 0) {
            each = 1 + rnd(50);
            burst = 1 + rnd(20);
            used = b = 0;
        }

        now += rnd(8) ? rnd(2 * each) : 0;
        gone = rt_min(used, now - last);
        used -= gone;
        last = now;
        have = used + each <= each * burst;

        ok(rt_bucket_take(&b, now, each, burst) == have, "step %u", i);

        if (have) {
            used += each;
        }
    }

    tap_group("as a model that counts");
}


int
main(void)
{
    test_burst();
    test_rest();
    test_model();

    return tap_done();
}
