
/*
 * The allocator of a shared zone: pages of 4 KiB, each of one size class, a
 * bit for each of its blocks in a table beside the pages.  Every change goes
 * through a transaction (rt_txn.h), so that a killed owner leaks and breaks
 * nothing; in one, an allocation takes at most RT_HEAP_ALLOC_SETS undo records
 * and a free RT_HEAP_FREE_SETS (two each, when the page neither begins, fills
 * nor ends).  All is O(1).  The caller holds the zone's mutex.
 */


#ifndef _RT_HEAP_H_INCLUDED_
#define _RT_HEAP_H_INCLUDED_


#include "rt_base.h"
#include "rt_txn.h"


#define RT_HEAP_PAGE  4096
#define RT_HEAP_MAX   RT_HEAP_PAGE    /* the largest block */

#define RT_HEAP_ALLOC_SETS  7
#define RT_HEAP_FREE_SETS   8


typedef struct rt_heap_s  rt_heap_t;  /* lives at the start of its memory */


typedef struct {
    uint64_t  pages;              /* in all */
    uint64_t  pages_free;
    uint64_t  bytes_used;         /* blocks that are taken, by class size */
} rt_heap_stat_t;


/*
 * Makes a heap of mem (8-byte aligned, at one address in all processes); NULL:
 * too small for a page.  Touches the first few hundred bytes only.
 */
rt_heap_t *rt_heap_init(void *mem, size_t size);

/*
 * A block of at least size bytes, 16-byte aligned, its content undefined; the
 * caller fills it by plain stores before it links it anywhere.
 * NULL: no room, or size is 0 or over RT_HEAP_MAX.
 * In one transaction all allocations come before all frees: a block that was
 * freed in it must not be overwritten while the freeing may still be undone.
 * (An allocation after a free answers NULL.)
 * Freeing what is not a taken block breaks the transaction: see rt_txn_commit.
 */
void *rt_heap_alloc(rt_heap_t *h, rt_txn_t *x, size_t size);
void rt_heap_free(rt_heap_t *h, rt_txn_t *x, void *p);

/* what a request of size costs, and what block p costs, in bytes */
size_t rt_heap_cost(size_t size);
size_t rt_heap_block(rt_heap_t *h, void *p);

void rt_heap_stat(rt_heap_t *h, rt_heap_stat_t *st);

/* walks everything; false: broken (for tests and for fault runs) */
bool rt_heap_check(rt_heap_t *h);


#endif /* _RT_HEAP_H_INCLUDED_ */
