
/*
 * Back-off.  Called by whoever tries again.  No locking: no state.
 */


#include "rt_backoff.h"


uint64_t
rt_backoff(uint64_t base, uint64_t most, unsigned tries, uint64_t random)
{
    uint64_t  bound;

    for (bound = base; tries > 1 && bound < most; tries--) {
        bound *= 2;
    }

    return random % (rt_min(bound, most) + 1);
}
