
/*
 * A token bucket: so many things at once, and so many a second from then on.
 * It is the time at which it will be full again, and begins as zero.  Times
 * are of one clock that never goes back, in any unit, and may wrap.
 */


#ifndef _RT_BUCKET_H_INCLUDED_
#define _RT_BUCKET_H_INCLUDED_


#include "rt_base.h"


typedef uint32_t  rt_bucket_t;


/*
 * One token, which takes `each` to come back, out of a bucket of `burst`;
 * false: there is none, and nothing has changed.
 */
static inline bool
rt_bucket_take(rt_bucket_t *b, uint32_t now, uint32_t each, uint32_t burst)
{
    uint32_t  owed;

    owed = *b - now;

    if (owed > each * burst) {
        owed = 0;                 /* it was full before */
    }

    if (owed + each > each * burst) {
        return false;
    }

    *b = now + owed + each;

    return true;
}


#endif /* _RT_BUCKET_H_INCLUDED_ */
