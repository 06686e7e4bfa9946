
/*
 * Where a reader of the event log has to begin: one word per reader in shared
 * memory, 1 + the position of the first record for it since it looked, or 0.
 *
 * Producers set it after they have appended, holding the log's mutex; the
 * reader takes it without.  So a reader that nothing concerns never reads, and
 * yet is never lapped: it leaps to the first record that does.
 */


#ifndef _RT_MARK_H_INCLUDED_
#define _RT_MARK_H_INCLUDED_


#include "rt_base.h"


/*
 * The log's head is moved before the look at the mark.  If the reader takes a
 * mark away in between, it finds this record by reading on from that one.
 * Once for all marks of a record.
 */
static inline void
rt_mark_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


static inline void
rt_mark_set(uint64_t *mark, uint64_t position)
{
    if (__atomic_load_n(mark, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(mark, position + 1, __ATOMIC_RELEASE);
    }
}


/*
 * Moves the reader's cursor to where it has to begin; false: there is nothing
 * for it.  Then the cursor stays: a record that is appended, but not marked
 * yet, stands before the log's head.  After true it has to read to the head.
 */
static inline bool
rt_mark_take(uint64_t *mark, uint64_t *cursor)
{
    uint64_t  first;

    first = __atomic_exchange_n(mark, 0, __ATOMIC_SEQ_CST);

    if (first == 0) {
        return false;
    }

    *cursor = rt_max(*cursor, first - 1);

    return true;
}


#endif /* _RT_MARK_H_INCLUDED_ */
