
/*
 * The history of a channel: its latest publications in shared memory, the
 * oldest first, each with its offset.  Offsets begin at 1 and rise by one, also
 * over what has been dropped, so an entry is found by its offset alone.
 *
 * The caller holds the zone's mutex and runs the transactions: what a function
 * changes is there once that is committed.  Time is the caller's, in whatever
 * unit; of two processes it may differ by a little.
 */


#ifndef _RT_HISTORY_H_INCLUDED_
#define _RT_HISTORY_H_INCLUDED_


#include "rt_base.h"
#include "rt_heap.h"
#include "rt_txn.h"


#define RT_HISTORY_FAR   64       /* offsets that `far` leaps over */

/* bytes of an entry's parts: what one transaction can make, or free */
#define RT_HISTORY_MAX   (256 * 1024)


typedef struct rt_history_entry_s  rt_history_entry_t;
typedef struct rt_history_piece_s  rt_history_piece_t;


/* its first block; what of the parts does not fit stands in pieces */
struct rt_history_entry_s {
    rt_history_entry_t   *next;
    rt_history_entry_t   *prev;
    rt_history_entry_t   *far;    /* RT_HISTORY_FAR offsets before; good while
                                     that offset is there */
    rt_history_piece_t   *more;
    uint64_t              offset;
    uint64_t              time;
    uint32_t              data;   /* lengths of the parts, in order */
    uint32_t              info;
    uint32_t              tags;
    uint32_t              here;   /* bytes of them in this block */
    uint8_t               bytes[];
};


typedef struct {
    rt_history_entry_t   *first;  /* the oldest */
    rt_history_entry_t   *last;
    uint64_t              count;
    uint64_t              top;    /* the latest offset ever given, 0: none */
} rt_history_t;


/* what a publication has to say for itself */
typedef struct {
    uint64_t              time;
    uint32_t              data;   /* lengths of the parts */
    uint32_t              info;
    uint32_t              tags;
} rt_history_item_t;


/* bytes of the heap that parts of so many bytes in all take; 0: too many */
size_t rt_history_cost(size_t len);

/*
 * Appends an entry with the offset h->top + 1.  false: no room in the heap, or
 * too large; the transaction has to be aborted.
 */
bool rt_history_append(rt_history_t *h, rt_heap_t *heap, rt_txn_t *x,
    const rt_history_item_t *item, const uint8_t *parts[3]);

/* drops the oldest entry, which is there; bytes of the heap that it took */
size_t rt_history_drop(rt_history_t *h, rt_heap_t *heap, rt_txn_t *x);

/* the entry of an offset, NULL: not there */
rt_history_entry_t *rt_history_find(const rt_history_t *h, uint64_t offset);

/* the oldest entry that is younger than `age` now, NULL: none is */
rt_history_entry_t *rt_history_fresh(const rt_history_t *h, uint64_t now,
    uint64_t age);

static inline bool
rt_history_expired(const rt_history_entry_t *e, uint64_t now, uint64_t age)
{
    return (int64_t) (now - e->time) >= (int64_t) age;
}


static inline size_t
rt_history_size(const rt_history_entry_t *e)
{
    return (size_t) e->data + e->info + e->tags;
}


/* its first part, which is as long, is this one */
bool rt_history_data_is(const rt_history_entry_t *e, const uint8_t *data);

/* its parts to dst, which has the room; returns the byte after */
uint8_t *rt_history_copy(const rt_history_entry_t *e, uint8_t *dst);


#endif /* _RT_HISTORY_H_INCLUDED_ */
