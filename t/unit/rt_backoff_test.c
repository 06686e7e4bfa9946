
/*
 * Back-off: its bounds, and that all between them is taken.
 */


#include "rt_backoff.h"
#include "tap.h"


int
main(void)
{
    unsigned  i;
    uint64_t  wait, least, most;

    static const struct {
        unsigned  tries;
        uint64_t  bound;
    } table[] = {
        { 0, 100 }, { 1, 100 }, { 2, 200 }, { 3, 400 }, { 6, 3200 },
        { 7, 5000 }, { 8, 5000 }, { 64, 5000 }, { 4294967295u, 5000 }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ok(rt_backoff(100, 5000, table[i].tries, table[i].bound)
           == table[i].bound, "the most after %u", table[i].tries);
        ok(rt_backoff(100, 5000, table[i].tries, table[i].bound + 1) == 0,
           "the least after %u", table[i].tries);
    }

    ok(rt_backoff(100, 50, 1, 50) == 50 && rt_backoff(100, 50, 1, 51) == 0,
       "a bound below the base");

    tap_group("bounds");

    least = 5000;
    most = 0;

    for (i = 0; i < 100000; i++) {
        wait = rt_backoff(100, 5000, 9, rand());
        least = rt_min(least, wait);
        most = rt_max(most, wait);
    }

    ok(least < 10 && most > 4990 && most <= 5000, "from %lu to %lu",
       (unsigned long) least, (unsigned long) most);

    tap_group("full jitter");

    return tap_done();
}
