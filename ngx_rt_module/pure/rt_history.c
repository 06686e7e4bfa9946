
/*
 * Histories in shared memory: see rt_history.h.
 *
 * Called by state/ with the zone's mutex held; calls rt_heap and rt_txn.  A new
 * entry is written before anything leads to it, and needs no journal.
 */


#include "rt_history.h"


struct rt_history_piece_s {
    rt_history_piece_t   *next;
    uint8_t               bytes[];
};


/* bytes of parts in the first block and in a piece, at most */
#define RT_HISTORY_HERE   (RT_HEAP_MAX - sizeof(rt_history_entry_t))
#define RT_HISTORY_PIECE  (RT_HEAP_MAX - sizeof(rt_history_piece_t))


/* where the next byte of an entry that is being written goes */
typedef struct {
    uint8_t              *pos;
    size_t                room;
    rt_history_piece_t   *next;
} rt_history_pen_t;


static rt_history_entry_t *rt_history_create(rt_heap_t *heap, rt_txn_t *x,
    size_t len);
static rt_history_entry_t *rt_history_far(const rt_history_t *h,
    uint64_t offset);
static void rt_history_write(rt_history_pen_t *pen, const uint8_t *p,
    size_t len);


size_t
rt_history_cost(size_t len)
{
    size_t  cost, n;

    if (len > RT_HISTORY_MAX) {
        return 0;
    }

    n = rt_min(len, RT_HISTORY_HERE);
    cost = rt_heap_cost(sizeof(rt_history_entry_t) + n);

    for (len -= n; len; len -= n) {
        n = rt_min(len, RT_HISTORY_PIECE);
        cost += rt_heap_cost(sizeof(rt_history_piece_t) + n);
    }

    return cost;
}


bool
rt_history_append(rt_history_t *h, rt_heap_t *heap, rt_txn_t *x,
    const rt_history_item_t *item, const uint8_t *parts[3])
{
    size_t               len;
    rt_history_pen_t     pen;
    rt_history_entry_t  *e;

    len = (size_t) item->data + item->info + item->tags;

    e = len <= RT_HISTORY_MAX ? rt_history_create(heap, x, len) : NULL;

    if (e == NULL) {
        return false;
    }

    e->next = NULL;
    e->prev = h->last;
    e->far = rt_history_far(h, h->top + 1);
    e->offset = h->top + 1;
    e->time = item->time;
    e->data = item->data;
    e->info = item->info;
    e->tags = item->tags;

    pen.pos = e->bytes;
    pen.room = e->here;
    pen.next = e->more;

    rt_history_write(&pen, parts[0], item->data);
    rt_history_write(&pen, parts[1], item->info);
    rt_history_write(&pen, parts[2], item->tags);

    if (h->last) {
        rt_txn_set_ptr(x, &h->last->next, e);

    } else {
        rt_txn_set_ptr(x, &h->first, e);
    }

    rt_txn_set_ptr(x, &h->last, e);
    rt_txn_add(x, &h->count, 1);
    rt_txn_add(x, &h->top, 1);

    return true;
}


/* its blocks; the pieces are of the full size but for the last */
static rt_history_entry_t *
rt_history_create(rt_heap_t *heap, rt_txn_t *x, size_t len)
{
    size_t                n;
    rt_history_entry_t   *e;
    rt_history_piece_t   *piece, **link;

    n = rt_min(len, RT_HISTORY_HERE);

    e = rt_heap_alloc(heap, x, sizeof(rt_history_entry_t) + n);
    if (e == NULL) {
        return NULL;
    }

    e->here = (uint32_t) n;
    link = &e->more;

    for (len -= n; len; len -= n) {
        n = rt_min(len, RT_HISTORY_PIECE);

        piece = rt_heap_alloc(heap, x, sizeof(rt_history_piece_t) + n);
        if (piece == NULL) {
            return NULL;
        }

        *link = piece;
        link = &piece->next;
    }

    *link = NULL;

    return e;
}


/* the entry so many offsets before, NULL: not there any more */
static rt_history_entry_t *
rt_history_far(const rt_history_t *h, uint64_t offset)
{
    uint64_t             at;
    rt_history_entry_t  *e;

    at = offset - RT_HISTORY_FAR;

    if (offset <= RT_HISTORY_FAR || h->first == NULL
        || at < h->first->offset)
    {
        return NULL;
    }

    if (at == h->first->offset) {
        return h->first;
    }

    e = h->last->far;

    return e ? e->next : NULL;
}


static void
rt_history_write(rt_history_pen_t *pen, const uint8_t *p, size_t len)
{
    size_t  n;

    while (len && (pen->room || pen->next)) {

        if (pen->room == 0) {
            pen->pos = pen->next->bytes;
            pen->room = RT_HISTORY_PIECE;
            pen->next = pen->next->next;
        }

        n = rt_min(len, pen->room);
        memcpy(pen->pos, p, n);

        pen->pos += n;
        pen->room -= n;
        p += n;
        len -= n;
    }
}


size_t
rt_history_drop(rt_history_t *h, rt_heap_t *heap, rt_txn_t *x)
{
    size_t               cost;
    rt_history_entry_t  *e;
    rt_history_piece_t  *piece, *next;

    e = h->first;
    cost = rt_history_cost(rt_history_size(e));

    rt_txn_set_ptr(x, &h->first, e->next);
    rt_txn_add(x, &h->count, -1);

    if (e->next) {
        rt_txn_set_ptr(x, &e->next->prev, NULL);

    } else {
        rt_txn_set_ptr(x, &h->last, NULL);
    }

    for (piece = e->more; piece; piece = next) {
        next = piece->next;
        rt_heap_free(heap, x, piece);
    }

    rt_heap_free(heap, x, e);

    return cost;
}


rt_history_entry_t *
rt_history_find(const rt_history_t *h, uint64_t offset)
{
    rt_history_entry_t  *e;

    e = h->last;

    if (e == NULL || offset > e->offset || offset < h->first->offset) {
        return NULL;
    }

    /* where it leaps to is not before `offset`, so it is there */

    while (e->offset - offset >= RT_HISTORY_FAR) {
        e = e->far;
    }

    while (e->offset > offset) {
        e = e->prev;
    }

    return e;
}


rt_history_entry_t *
rt_history_fresh(const rt_history_t *h, uint64_t now, uint64_t age)
{
    rt_history_entry_t  *e;

    e = h->last;

    if (e == NULL || rt_history_expired(e, now, age)) {
        return NULL;
    }

    while (e->offset - h->first->offset >= RT_HISTORY_FAR
           && !rt_history_expired(e->far, now, age))
    {
        e = e->far;
    }

    while (e->prev && !rt_history_expired(e->prev, now, age)) {
        e = e->prev;
    }

    return e;
}


bool
rt_history_data_is(const rt_history_entry_t *e, const uint8_t *data)
{
    size_t                     len, n;
    const rt_history_piece_t  *piece;

    n = rt_min(e->data, e->here);

    if (memcmp(e->bytes, data, n) != 0) {
        return false;
    }

    len = e->data - n;

    for (piece = e->more; len; piece = piece->next) {
        data += n;
        n = rt_min(len, RT_HISTORY_PIECE);

        if (memcmp(piece->bytes, data, n) != 0) {
            return false;
        }

        len -= n;
    }

    return true;
}


uint8_t *
rt_history_copy(const rt_history_entry_t *e, uint8_t *dst)
{
    size_t                     len, n;
    const rt_history_piece_t  *piece;

    len = rt_history_size(e) - e->here;

    memcpy(dst, e->bytes, e->here);
    dst += e->here;

    for (piece = e->more; piece; piece = piece->next) {
        n = rt_min(len, RT_HISTORY_PIECE);
        memcpy(dst, piece->bytes, n);
        dst += n;
        len -= n;
    }

    return dst;
}
