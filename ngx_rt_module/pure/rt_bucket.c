
/*
 * The token bucket: see rt_bucket.h.
 *
 * Called by whoever has a rate to hold; calls nothing.  No overflow: what a
 * bucket owes is at most a day and the skew, a charge at most a day.
 */


#include "rt_bucket.h"


bool
rt_rate_init(rt_rate_t *r, uint64_t count, uint64_t span, uint64_t burst)
{
    uint64_t  ticks;

    if (count == 0 || count > RT_BUCKET_MOST || burst == 0
        || span == 0 || span > 86400000)
    {
        return false;
    }

    ticks = rt_bucket_ticks(span);

    r->each = (ticks + count - 1) / count;
    r->burst = burst;

    return burst <= RT_BUCKET_DAY / r->each;
}


uint64_t
rt_bucket_take(rt_bucket_t *b, const rt_rate_t *r, uint64_t n, uint64_t now)
{
    int64_t   ahead;
    uint64_t  word, owed, room;

    if (n > r->burst) {
        return RT_BUCKET_NEVER;
    }

    room = r->burst * r->each;
    word = __atomic_load_n(b, __ATOMIC_RELAXED);

    do {
        ahead = (int64_t) (word - now);
        owed = ahead > 0 ? (uint64_t) ahead : 0;

        if (owed > room + RT_BUCKET_SKEW) {
            owed = 0;
        }

        if (owed + n * r->each > room) {
            return owed + n * r->each - room;
        }

    } while (!__atomic_compare_exchange_n(b, &word, now + owed + n * r->each,
                                          false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));

    return 0;
}


void
rt_bucket_give(rt_bucket_t *b, const rt_rate_t *r, uint64_t n)
{
    (void) __atomic_fetch_sub(b, n * r->each, __ATOMIC_RELAXED);
}
