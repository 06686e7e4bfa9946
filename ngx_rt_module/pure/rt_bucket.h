
/*
 * A token bucket: so many things at once, and so many in a time from then on.
 * It is one word, the time at which it will be full again (GCRA's theoretical
 * arrival time), charged by compare and swap.  So it may lie in memory that
 * several processes share: no lock, and nothing to repair after a kill.
 *
 * Times are ticks of one clock that never goes back, which all who charge a
 * bucket look at.  They may wrap.  A new bucket is the time of its making, or
 * any before.  One that owes more than it can is full: it was charged under
 * another rate, or very long ago.
 */


#ifndef _RT_BUCKET_H_INCLUDED_
#define _RT_BUCKET_H_INCLUDED_


#include "rt_base.h"


#define RT_BUCKET_SHIFT  28                      /* ticks of a millisecond */
#define RT_BUCKET_MOST   ((uint64_t) 1 << 30)    /* tokens, in a span */
#define RT_BUCKET_DAY    ((uint64_t) 86400000 << RT_BUCKET_SHIFT)

/* by so much, at most, the clocks of those who charge a bucket are apart */
#define RT_BUCKET_SKEW   ((uint64_t) 5000 << RT_BUCKET_SHIFT)

#define RT_BUCKET_NEVER  UINT64_MAX


typedef uint64_t  rt_bucket_t;


typedef struct {
    uint64_t  each;               /* ticks in which a token comes back */
    uint64_t  burst;              /* tokens of a full bucket; 0: no limit */
} rt_rate_t;


/*
 * count tokens come back in span milliseconds.  false: there is a zero among
 * them, count is over RT_BUCKET_MOST, a token takes longer than a day to come
 * back, or the burst does.
 */
bool rt_rate_init(rt_rate_t *r, uint64_t count, uint64_t span, uint64_t burst);

/*
 * n tokens.  0: they were taken; otherwise nothing has changed, and so many
 * ticks later they might be had; RT_BUCKET_NEVER: they are more than the burst.
 */
uint64_t rt_bucket_take(rt_bucket_t *b, const rt_rate_t *r, uint64_t n,
    uint64_t now);

/* n that were just taken come back; nobody else charges it meanwhile */
void rt_bucket_give(rt_bucket_t *b, const rt_rate_t *r, uint64_t n);


static inline uint64_t
rt_bucket_ticks(uint64_t msec)
{
    return msec << RT_BUCKET_SHIFT;
}


/* not a moment less */
static inline uint64_t
rt_bucket_msec(uint64_t ticks)
{
    return (ticks + (1 << RT_BUCKET_SHIFT) - 1) >> RT_BUCKET_SHIFT;
}


/* it can be left out of the memory: it is as good as a full one */
static inline bool
rt_bucket_full(rt_bucket_t b, uint64_t now)
{
    int64_t  ahead;

    ahead = (int64_t) (b - now);

    return ahead <= 0 || (uint64_t) ahead > RT_BUCKET_DAY + RT_BUCKET_SKEW;
}


/*
 * In 32 bits, for one of a process's own whose tokens take whole milliseconds
 * to come back; good for three weeks.
 */
static inline uint32_t
rt_bucket_fold(rt_bucket_t b)
{
    return (uint32_t) (b >> RT_BUCKET_SHIFT);
}


static inline rt_bucket_t
rt_bucket_unfold(uint32_t word, uint64_t now)
{
    int32_t  ahead;

    ahead = (int32_t) (word - rt_bucket_fold(now));

    return now + (uint64_t) ((int64_t) ahead * (1 << RT_BUCKET_SHIFT));
}


/* rt_bucket_take() of such a one */
static inline uint64_t
rt_bucket_take_folded(uint32_t *word, const rt_rate_t *r, uint64_t n,
    uint64_t now)
{
    uint64_t     wait;
    rt_bucket_t  b;

    b = rt_bucket_unfold(*word, now);
    wait = rt_bucket_take(&b, r, n, now);

    if (wait == 0) {
        *word = rt_bucket_fold(b);
    }

    return wait;
}


#endif /* _RT_BUCKET_H_INCLUDED_ */
