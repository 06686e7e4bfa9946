
/*
 * The token bucket: bursts, the rate after them, long rests, other rates,
 * extremes; against a model that counts.
 */


#include "rt_bucket.h"
#include "tap.h"


#define at(msec)  rt_bucket_ticks(msec)


static bool
take(rt_bucket_t *b, const rt_rate_t *r, uint64_t n, uint64_t msec)
{
    return rt_bucket_take(b, r, n, at(msec)) == 0;
}


static void
test_rate(void)
{
    rt_rate_t  r;

    ok(rt_rate_init(&r, 100, 1000, 5) && r.each == at(10), "100 a second");
    ok(rt_rate_init(&r, 1, 60000, 1440) && r.each == at(60000), "1 a minute");
    ok(!rt_rate_init(&r, 1, 60000, 1441), "a burst of more than a day");
    ok(!rt_rate_init(&r, 0, 1000, 5), "no rate");
    ok(!rt_rate_init(&r, 5, 0, 5), "no time");
    ok(!rt_rate_init(&r, 5, 1000, 0), "no burst");
    ok(rt_rate_init(&r, RT_BUCKET_MOST, 1000, RT_BUCKET_MOST), "the most");
    ok(!rt_rate_init(&r, RT_BUCKET_MOST + 1, 1000, 1), "more than the most");
    ok(!rt_rate_init(&r, 1, 1000, UINT64_MAX), "a burst that overflows");
    ok(!rt_rate_init(&r, 1, UINT64_MAX, 1), "a time that overflows");

    /* never faster than was said, and by less than 1 % slower */

    ok(rt_rate_init(&r, 999999937, 1000, 1), "a prime");
    ok(r.each * 999999937 >= at(1000), "not faster");
    ok(r.each * 990000000 < at(1000), "not much slower");

    tap_group("rates");
}


static void
test_burst(void)
{
    unsigned     i;
    rt_rate_t    r;
    rt_bucket_t  b;

    (void) rt_rate_init(&r, 100, 1000, 1000);
    b = 0;

    for (i = 0; i < 1000; i++) {
        ok(take(&b, &r, 1, 5000), "take %u at once", i);
    }

    ok(!take(&b, &r, 1, 5000), "no more than the burst");
    ok(rt_bucket_take(&b, &r, 1, at(5000)) == at(10), "try in 10 ms");
    ok(rt_bucket_take(&b, &r, 7, at(5000)) == at(70), "for 7 in 70 ms");
    ok(!take(&b, &r, 1, 5009), "not before its time");
    ok(take(&b, &r, 1, 5010), "one has come back");
    ok(!take(&b, &r, 1, 5010), "and one only");
    ok(take(&b, &r, 2, 5030), "two more");
    ok(!take(&b, &r, 1, 5030), "a refusal costs nothing");
    ok(!take(&b, &r, 1, 4000), "a clock that is behind takes nothing");

    rt_bucket_give(&b, &r, 2);
    ok(take(&b, &r, 2, 5030) && !take(&b, &r, 1, 5030), "two were given back");

    ok(rt_bucket_take(&b, &r, 1001, at(9000000)) == RT_BUCKET_NEVER,
       "more than the burst: never");

    tap_group("a burst, then the rate");
}


static void
test_rest(void)
{
    unsigned     i;
    uint64_t     near;
    rt_rate_t    r, one, large;
    rt_bucket_t  b;

    (void) rt_rate_init(&r, 1, 7, 8);
    (void) rt_rate_init(&one, 1, 1, 1);
    (void) rt_rate_init(&large, 1, 60000, 100);
    b = 0;

    for (i = 0; i < 8; i++) {
        ok(take(&b, &r, 1, 1), "take %u", i);
    }

    ok(!rt_bucket_full(b, at(56)) && rt_bucket_full(b, at(57)), "full when");

    for (i = 0; i < 8; i++) {
        ok(take(&b, &r, 1, 1000000), "after a rest %u", i);
    }

    ok(!take(&b, &r, 1, 1000000), "a rest fills it, no more");

    b = 0;
    ok(take(&b, &one, 1, 0) && !take(&b, &one, 1, 0), "of one");
    ok(take(&b, &one, 1, 1), "of one, again");

    b = 0;
    ok(take(&b, &large, 100, 1000), "much is owed");
    ok(!take(&b, &large, 1, 1000), "all of it is");
    ok(take(&b, &r, 8, 1000), "another rate begins with a full one");
    ok(!take(&b, &r, 1, 1000), "and goes on from there");

    /* at the wrap */

    near = UINT64_MAX - at(1);
    b = near - at(1000);

    for (i = 0; i < 8; i++) {
        ok(rt_bucket_take(&b, &r, 1, near) == 0, "before the wrap %u", i);
    }

    ok(rt_bucket_take(&b, &r, 1, near) == at(7), "before the wrap, none");
    ok(rt_bucket_take(&b, &r, 1, near + at(6)) == at(1), "behind it, not yet");
    ok(rt_bucket_take(&b, &r, 1, near + at(7)) == 0, "behind it, one");
    ok(rt_bucket_take(&b, &r, 1, near + at(7)) != 0, "and no more");
    ok(rt_bucket_take(&b, &r, 8, near + (UINT64_MAX >> 1) + at(99)) == 0,
       "half a circle later it is full");

    tap_group("a rest fills it");
}


static uint32_t
rnd(uint32_t n)
{
    static uint64_t  x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return (uint32_t) ((x >> 16) % n);
}


/* counts in ticks what is owed, and pays it back as time goes by */
static void
test_model(void)
{
    bool         have;
    uint32_t     word;
    uint64_t     msec, last, owed, n, each, burst, wait, now;
    unsigned     i;
    rt_rate_t    r;
    rt_bucket_t  b;

    msec = last = 4290000000u;
    owed = b = word = 0;
    each = burst = 1;

    for (i = 0; i < 300000; i++) {

        if (i % 1000 == 0) {
            each = 1 + rnd(50);
            burst = 1 + rnd(rnd(4) ? 20 : 1000000);
            ok(rt_rate_init(&r, 1, each, burst), "rate of %u", i);
            owed = b = 0;
            word = (uint32_t) msec;
        }

        msec += rnd(8) ? rnd(2 * (uint32_t) each)
                       : rnd(50) ? 0 : rnd(0xfffffff);
        n = 1 + rnd(rnd(3) ? 3 : (uint32_t) burst + 2);
        now = at(msec);

        owed -= rt_min(owed, msec - last);
        last = msec;
        have = n <= burst && owed + n * each <= each * burst;

        wait = rt_bucket_take(&b, &r, n, now);

        ok((wait == 0) == have, "step %u", i);
        ok(rt_bucket_take_folded(&word, &r, n, now) == wait,
           "step %u: folded", i);

        if (have) {
            owed += n * each;

        } else if (n <= burst) {
            ok(wait == at(owed + n * each - each * burst), "step %u: when", i);

        } else {
            ok(wait == RT_BUCKET_NEVER, "step %u: never", i);
        }

        if (rnd(100) == 0 && have) {
            rt_bucket_give(&b, &r, n);
            owed -= n * each;
            word = rt_bucket_fold(b);
        }
    }

    tap_group("as a model that counts");
}


int
main(void)
{
    test_rate();
    test_burst();
    test_rest();
    test_model();

    return tap_done();
}
