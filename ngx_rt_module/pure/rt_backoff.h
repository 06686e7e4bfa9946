
/*
 * How long to wait before the next attempt: exponential back-off with full
 * jitter, so that those who failed together do not come back together.
 */


#ifndef _RT_BACKOFF_H_INCLUDED_
#define _RT_BACKOFF_H_INCLUDED_


#include "rt_base.h"


/*
 * Uniform in [0, min(most, base * 2^(tries - 1))]; tries: attempts that have
 * failed, from 1; random: 31 bits or more.  In the unit of base and most.
 */
uint64_t rt_backoff(uint64_t base, uint64_t most, unsigned tries,
    uint64_t random);


#endif /* _RT_BACKOFF_H_INCLUDED_ */
