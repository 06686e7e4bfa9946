
/*
 * For tests of what outlives a killed process: random numbers by a seed that
 * can be given again (RT_SEED), and deaths at a chosen store to shared memory
 * (RT_STEPS, see rt_txn.h).
 */


#ifndef _RT_DEATH_H_INCLUDED_
#define _RT_DEATH_H_INCLUDED_


#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rt_txn.h"


static uint64_t  death_random;
static jmp_buf   death_jump;
static long      death_left;


static void
death_seed(void)
{
    char  *s;

    s = getenv("RT_SEED");
    death_random = s ? strtoull(s, NULL, 0) : (uint64_t) time(NULL);

    printf("# RT_SEED=%llu\n", (unsigned long long) death_random);

    death_random = death_random * 0x9e3779b97f4a7c15 + 1;
}


/* below n */
static uint64_t
death_rand(uint64_t n)
{
    death_random ^= death_random << 13;
    death_random ^= death_random >> 7;
    death_random ^= death_random << 17;

    return (death_random >> 11) % n;
}


__attribute__((unused))
static void
death_step(void)
{
    if (death_left-- == 0) {
        longjmp(death_jump, 1);
    }
}


/* runs op; false: it died before its store number `at`, counted from 0 */
__attribute__((noinline, unused))
static bool
death_run(void (*op)(void *), void *data, long at)
{
    bool  lived;

    death_left = at;
    rt_step = death_step;

    if (setjmp(death_jump) == 0) {
        op(data);
        lived = true;

    } else {
        lived = false;
    }

    rt_step = NULL;

    return lived;
}


__attribute__((unused))
static void
death_begin(void *txn)
{
    if (rt_txn_begin(txn) == RT_TXN_KEPT) {
        rt_txn_commit(txn);
    }
}


/* the next owner, some of which die while they undo */
__attribute__((unused))
static void
death_recover(rt_txn_t *x)
{
    while (!death_run(death_begin, x, (long) death_rand(12))) { /* void */ }
}


#endif /* _RT_DEATH_H_INCLUDED_ */
