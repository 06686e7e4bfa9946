
/*
 * Transactions on shared memory that a process may be killed in the middle of.
 *
 * Whoever holds the zone's mutex changes reachable words only by rt_txn_set,
 * which writes down the old value before it stores the new one.  A transaction
 * whose owner died is undone, last store first, by the next one to begin; the
 * same undoing is the error path of one that ran out of memory half-way.
 * So structures here need no repair code of their own: they are always as the
 * last commit left them.
 *
 * A transaction may hang on a word that lies elsewhere, as the head of a log:
 * it is committed by the store that moves the word, so that what stands there
 * and what it says of it are there together or not at all.
 *
 * A kill is precise: what a dead process stored is seen by the others in
 * program order, so the order of the compiler is all that has to be held.
 */


#ifndef _RT_TXN_H_INCLUDED_
#define _RT_TXN_H_INCLUDED_


#include "rt_base.h"
#include "rt_fault.h"


#define RT_TXN_MAX  640           /* words that one transaction may change */


typedef struct {
    uint64_t   *word;
    uint64_t    old;
} rt_txn_undo_t;


typedef struct {
    uint64_t       count;         /* undo records in force; 0: consistent */
    uint64_t       rollbacks;     /* of dead owners, over all time */
    uint64_t       freed;         /* something was freed: see rt_heap.h */
    uint64_t       broken;        /* it cannot be committed any more */
    uint64_t      *hinge;         /* the word that it hangs on, or NULL */
    uint64_t       hinge_old;     /* its value while nothing is committed */
    rt_txn_undo_t  undo[RT_TXN_MAX];
} rt_txn_t;


typedef enum {
    RT_TXN_CLEAN = 0,             /* no owner died */
    RT_TXN_UNDONE,                /* one did: what it left is undone */
    RT_TXN_KEPT                   /* one did behind the store that commits */
} rt_txn_begin_t;


/*
 * After KEPT the transaction of the dead owner is still there: who begins does
 * what that one may not have come to, without sets, and commits it.  The memory
 * of a new rt_txn_t is zeroes.
 */
rt_txn_begin_t rt_txn_begin(rt_txn_t *x);

/*
 * word is 8-byte aligned.  More than RT_TXN_MAX sets are a fault of the
 * caller's: the store is not made, and rt_txn_commit undoes all and says so.
 */
void rt_txn_set(rt_txn_t *x, uint64_t *word, uint64_t value);

/*
 * After the last set: from here on a store of another value to word, which only
 * who holds the mutex moves, commits.  false: it cannot be committed, and word
 * must stay.  rt_txn_commit follows if it was moved, rt_txn_abort if not.
 */
bool rt_txn_hang(rt_txn_t *x, uint64_t *word);

/* false: it was overfull, or freed what was not taken, and has been undone */
bool rt_txn_commit(rt_txn_t *x);

/* undoes all; the owner may commit, begin or just go */
void rt_txn_abort(rt_txn_t *x);


/* the same for a pointer and for a sum */
#define rt_txn_set_ptr(x, pp, p)                                              \
    rt_txn_set(x, (uint64_t *) (void *) (pp), (uint64_t) (uintptr_t) (p))

#define rt_txn_add(x, word, n)                                                \
    rt_txn_set(x, word, *(word) + (uint64_t) (n))


/*
 * Tests set this to be called before every store to shared memory that
 * rt_txn, rt_heap and rt_log make; it may longjmp away: the process "died".
 * It is also called between a reader's copy from the log and its check, so
 * that producers can overtake it there.  Compiled in only with RT_STEPS; what
 * has fault points has one there.
 */
#ifdef RT_STEPS
extern void (*rt_step)(void);
#define rt_step_here()  do { if (rt_step) { rt_step(); } } while (0)
#else
#define rt_step_here()  rt_fault(store)
#endif


/*
 * A store that stays where it stands in the program, and is one store.  The
 * compiler moves nothing over it in either direction.
 */
static inline void
rt_txn_store(uint64_t *word, uint64_t value)
{
    rt_step_here();

    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}


#endif /* _RT_TXN_H_INCLUDED_ */
