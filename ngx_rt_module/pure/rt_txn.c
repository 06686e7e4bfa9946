
/*
 * The undo journal of a shared zone: see rt_txn.h.
 *
 * Called by rt_heap.c and by all that changes a zone, with its mutex held;
 * calls nothing.  The journal lies in the zone itself.
 *
 * The order that everything rests on: a record is written in full, then
 * counted, then the word is stored.  Undoing restores a word and only then
 * lowers the count, so that dying there means to restore it once more.
 */


#include "rt_txn.h"


#ifdef RT_STEPS
void  (*rt_step)(void);
#endif


static void
rt_txn_rollback(rt_txn_t *x)
{
    rt_txn_undo_t  *u;

    while (x->count) {
        u = &x->undo[x->count - 1];

        rt_txn_store(u->word, u->old);
        rt_fault(txn_undo);
        rt_txn_store(&x->count, x->count - 1);
    }
}


static void
rt_txn_reset(rt_txn_t *x)
{
    if (x->freed) {
        rt_txn_store(&x->freed, 0);
    }

    if (x->broken) {
        rt_txn_store(&x->broken, 0);
    }
}


/* once there is nothing to undo any more */

static void
rt_txn_unhang(rt_txn_t *x)
{
    if (x->hinge) {
        rt_txn_store((uint64_t *) (void *) &x->hinge, 0);
    }
}


rt_txn_begin_t
rt_txn_begin(rt_txn_t *x)
{
    rt_txn_begin_t  rc;

    rc = RT_TXN_CLEAN;

    if (rt_unlikely(x->count != 0)) {

        if (x->hinge && *x->hinge != x->hinge_old) {
            return RT_TXN_KEPT;
        }

        rt_txn_rollback(x);
        rt_txn_store(&x->rollbacks, x->rollbacks + 1);

        rc = RT_TXN_UNDONE;
    }

    rt_txn_reset(x);
    rt_txn_unhang(x);

    return rc;
}


void
rt_txn_set(rt_txn_t *x, uint64_t *word, uint64_t value)
{
    rt_txn_undo_t  *u;

    if (rt_unlikely(x->count == RT_TXN_MAX || x->broken)) {
        rt_txn_store(&x->broken, 1);
        return;
    }

    u = &x->undo[x->count];

    rt_txn_store((uint64_t *) (void *) &u->word, (uint64_t) (uintptr_t) word);
    rt_txn_store(&u->old, *word);
    rt_fault(txn_written);

    rt_txn_store(&x->count, x->count + 1);
    rt_fault(txn_counted);

    rt_txn_store(word, value);
    rt_fault(txn_stored);
}


bool
rt_txn_hang(rt_txn_t *x, uint64_t *word)
{
    if (rt_unlikely(x->broken)) {
        return false;
    }

    rt_txn_store(&x->hinge_old, *word);
    rt_txn_store((uint64_t *) (void *) &x->hinge,
                 (uint64_t) (uintptr_t) word);

    return true;
}


bool
rt_txn_commit(rt_txn_t *x)
{
    if (rt_unlikely(x->broken)) {
        rt_txn_abort(x);
        return false;
    }

    rt_txn_reset(x);

    /* the last store: before it all is undone, behind it nothing */

    if (x->count) {
        rt_fault(txn_commit);
        rt_txn_store(&x->count, 0);
    }

    rt_txn_unhang(x);

    return true;
}


void
rt_txn_abort(rt_txn_t *x)
{
    rt_txn_rollback(x);
    rt_txn_reset(x);
    rt_txn_unhang(x);
}
