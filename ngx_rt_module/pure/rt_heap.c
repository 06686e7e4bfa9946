
/*
 * The allocator of a shared zone: see rt_heap.h.
 *
 * Called by state/ with the zone's mutex held; calls rt_txn.
 *
 * Pages are known by their number, from 1; 0 is none.  A page is one of
 *   fresh    never used, behind the mark; its entry in the table is garbage
 *   free     class 0, no bits set, in the list of free pages
 *   partial  some blocks taken and some not, in the list of its class
 *   full     in no list
 * Nothing is kept inside of pages, so what a user writes past the end of a
 * block cannot lead the allocator astray.
 */


#include "rt_heap.h"


#define RT_HEAP_CLASSES  18
#define RT_HEAP_ALIGN    64


typedef struct {
    uint64_t         links;       /* the next page, and << 32 the previous */
    uint64_t         class;
    uint64_t         map[2];      /* a bit for each block that is taken */
} rt_heap_page_t;


struct rt_heap_s {
    uint64_t         pages;
    uint64_t         fresh;       /* pages that have ever been used */
    uint64_t         free;        /* the first free page that has been used */
    uint64_t         pages_free;  /* with those that are fresh */
    uint64_t         bytes_used;
    uint64_t         partial[RT_HEAP_CLASSES + 1];
    uint8_t         *base;
    rt_heap_page_t   page[];      /* that of number n at n - 1 */
};


/* many of them to a page with little left over, up to 128: two words of bits */
static const uint16_t  rt_heap_sizes[RT_HEAP_CLASSES + 1] = {
    0,
    32, 48, 64, 80, 96, 128, 160, 192, 256,
    336, 448, 576, 672, 816, 1024, 1360, 2048, 4096
};


#define rt_heap_blocks(class)    (RT_HEAP_PAGE / rt_heap_sizes[class])

#define rt_heap_next(page)       ((page)->links & 0xffffffff)
#define rt_heap_prev(page)       ((page)->links >> 32)
#define rt_heap_link(next, prev) ((uint64_t) (prev) << 32 | (next))


/* 0: there is none for it */
static uint64_t
rt_heap_class(size_t size)
{
    uint64_t  class;

    if (size == 0 || size > RT_HEAP_MAX) {
        return 0;
    }

    for (class = 1; rt_heap_sizes[class] < size; class++) { /* void */ }

    return class;
}


/* the bits of word i of a map that stand for blocks */
static uint64_t
rt_heap_mask(uint64_t class, unsigned i)
{
    unsigned  n;

    n = rt_heap_blocks(class);

    if (n >= 64 * (i + 1)) {
        return UINT64_MAX;
    }

    return n <= 64 * i ? 0 : ((uint64_t) 1 << (n - 64 * i)) - 1;
}


static bool
rt_heap_full(const rt_heap_page_t *page)
{
    return page->map[0] == rt_heap_mask(page->class, 0)
           && page->map[1] == rt_heap_mask(page->class, 1);
}


static bool
rt_heap_empty(const rt_heap_page_t *page)
{
    return page->map[0] == 0 && page->map[1] == 0;
}


/* puts a page at the front of its class */
static void
rt_heap_insert(rt_heap_t *h, rt_txn_t *x, uint64_t number)
{
    uint64_t         first, *head;
    rt_heap_page_t  *page, *next;

    page = &h->page[number - 1];
    head = &h->partial[page->class];
    first = *head;

    rt_txn_set(x, &page->links, rt_heap_link(first, 0));
    rt_txn_set(x, head, number);

    if (first) {
        next = &h->page[first - 1];
        rt_txn_set(x, &next->links, rt_heap_link(rt_heap_next(next), number));
    }
}


/* its own links stay as they are: it is about to be full or free */
static void
rt_heap_remove(rt_heap_t *h, rt_txn_t *x, const rt_heap_page_t *page)
{
    uint64_t         after, before;
    rt_heap_page_t  *p;

    after = rt_heap_next(page);
    before = rt_heap_prev(page);

    if (before) {
        p = &h->page[before - 1];
        rt_txn_set(x, &p->links, rt_heap_link(after, rt_heap_prev(p)));

    } else {
        rt_txn_set(x, &h->partial[page->class], after);
    }

    if (after) {
        p = &h->page[after - 1];
        rt_txn_set(x, &p->links, rt_heap_link(rt_heap_next(p), before));
    }
}


/* what lies behind the mark is nobody's yet and needs no journal */
static uint64_t
rt_heap_fresh_page(rt_heap_t *h, rt_txn_t *x)
{
    rt_heap_page_t  *page;

    page = &h->page[h->fresh];

    rt_txn_store(&page->links, 0);
    rt_txn_store(&page->class, 0);
    rt_txn_store(&page->map[0], 0);
    rt_txn_store(&page->map[1], 0);

    rt_txn_set(x, &h->fresh, h->fresh + 1);

    return h->fresh;
}


/* a page without a taken block, in the list of its class if that has several */
static rt_heap_page_t *
rt_heap_new_page(rt_heap_t *h, rt_txn_t *x, uint64_t class)
{
    uint64_t         number;
    rt_heap_page_t  *page;

    if (h->pages_free == 0) {
        return NULL;
    }

    number = h->free;

    if (number) {
        rt_txn_set(x, &h->free, rt_heap_next(&h->page[number - 1]));

    } else {
        number = rt_heap_fresh_page(h, x);
    }

    if (rt_unlikely(x->broken)) {
        return NULL;
    }

    page = &h->page[number - 1];

    rt_txn_set(x, &page->class, class);
    rt_txn_add(x, &h->pages_free, -1);

    if (rt_heap_blocks(class) > 1) {
        rt_heap_insert(h, x, number);
    }

    return page;
}


static void
rt_heap_give_page(rt_heap_t *h, rt_txn_t *x, rt_heap_page_t *page)
{
    rt_txn_set(x, &page->class, 0);
    rt_txn_set(x, &page->links, rt_heap_link(h->free, 0));
    rt_txn_set(x, &h->free, (uint64_t) (page - h->page) + 1);
    rt_txn_add(x, &h->pages_free, 1);
}


/* a block of the page was freed; full: the page was so before */
static void
rt_heap_settle(rt_heap_t *h, rt_txn_t *x, rt_heap_page_t *page, bool full)
{
    if (!rt_heap_empty(page)) {

        if (full) {
            rt_heap_insert(h, x, (uint64_t) (page - h->page) + 1);
        }

        return;
    }

    if (!full) {
        rt_heap_remove(h, x, page);
    }

    rt_heap_give_page(h, x, page);
}


/* marks the first block that is not taken, and answers its index */
static unsigned
rt_heap_take(rt_txn_t *x, rt_heap_page_t *page)
{
    unsigned  i, bit;
    uint64_t  free;

    i = 0;
    free = ~page->map[0] & rt_heap_mask(page->class, 0);

    if (free == 0) {
        i = 1;
        free = ~page->map[1] & rt_heap_mask(page->class, 1);
    }

    bit = (unsigned) __builtin_ctzll(free);
    rt_txn_set(x, &page->map[i], page->map[i] | (uint64_t) 1 << bit);

    return 64 * i + bit;
}


/* the page of p; NULL: no block that is taken begins there */
static rt_heap_page_t *
rt_heap_find(rt_heap_t *h, const void *p, unsigned *block)
{
    size_t           offset, size;
    rt_heap_page_t  *page;

    offset = (size_t) ((uintptr_t) p - (uintptr_t) h->base);

    if (offset / RT_HEAP_PAGE >= h->fresh) {
        return NULL;
    }

    page = &h->page[offset / RT_HEAP_PAGE];
    offset %= RT_HEAP_PAGE;

    if (page->class == 0) {
        return NULL;
    }

    size = rt_heap_sizes[page->class];
    *block = (unsigned) (offset / size);

    if (offset % size || !(page->map[*block / 64] >> *block % 64 & 1)) {
        return NULL;
    }

    return page;
}


rt_heap_t *
rt_heap_init(void *mem, size_t size)
{
    size_t      n, pad;
    rt_heap_t  *h;

    pad = sizeof(rt_heap_t) + RT_HEAP_ALIGN;

    if (size < pad) {
        return NULL;
    }

    n = (size - pad) / (RT_HEAP_PAGE + sizeof(rt_heap_page_t));

    if (n == 0) {
        return NULL;
    }

    h = mem;
    memset(h, 0, sizeof(rt_heap_t));

    h->pages = n;
    h->pages_free = n;

    h->base = (uint8_t *) &h->page[n];
    h->base += -(uintptr_t) h->base % RT_HEAP_ALIGN;

    return h;
}


void *
rt_heap_alloc(rt_heap_t *h, rt_txn_t *x, size_t size)
{
    size_t           offset;
    uint64_t         class, first;
    rt_heap_page_t  *page;

    class = rt_heap_class(size);

    if (class == 0 || rt_unlikely(x->freed || x->broken)) {
        return NULL;
    }

    first = h->partial[class];
    page = first ? &h->page[first - 1] : rt_heap_new_page(h, x, class);

    if (page == NULL || rt_unlikely(x->broken)) {
        return NULL;
    }

    offset = (size_t) (page - h->page) * RT_HEAP_PAGE;
    offset += (size_t) rt_heap_take(x, page) * rt_heap_sizes[class];
    rt_fault(heap_taken);

    rt_txn_add(x, &h->bytes_used, rt_heap_sizes[class]);

    if (rt_heap_blocks(class) > 1 && rt_heap_full(page)) {
        rt_heap_remove(h, x, page);
    }

    return rt_unlikely(x->broken) ? NULL : h->base + offset;
}


void
rt_heap_free(rt_heap_t *h, rt_txn_t *x, void *p)
{
    bool             full;
    unsigned         block;
    uint64_t        *word;
    rt_heap_page_t  *page;

    page = rt_heap_find(h, p, &block);

    if (page == NULL || rt_unlikely(x->broken)) {
        rt_txn_store(&x->broken, 1);
        return;
    }

    full = rt_heap_full(page);
    word = &page->map[block / 64];

    rt_txn_store(&x->freed, 1);
    rt_txn_set(x, word, *word & ~((uint64_t) 1 << block % 64));
    rt_fault(heap_freed);

    rt_txn_add(x, &h->bytes_used, -(uint64_t) rt_heap_sizes[page->class]);

    if (rt_likely(!x->broken)) {
        rt_heap_settle(h, x, page, full);
    }
}


size_t
rt_heap_cost(size_t size)
{
    return rt_heap_sizes[rt_heap_class(size)];
}


size_t
rt_heap_block(rt_heap_t *h, void *p)
{
    unsigned         block;
    rt_heap_page_t  *page;

    page = rt_heap_find(h, p, &block);

    return page ? rt_heap_sizes[page->class] : 0;
}


void
rt_heap_stat(rt_heap_t *h, rt_heap_stat_t *st)
{
    st->pages = h->pages;
    st->pages_free = h->pages_free;
    st->bytes_used = h->bytes_used;
}


/* how many pages the list of a class has; UINT64_MAX: it is broken */
static uint64_t
rt_heap_check_list(rt_heap_t *h, uint64_t class)
{
    uint64_t         n, number, before;
    rt_heap_page_t  *page;

    n = 0;
    before = 0;
    number = class ? h->partial[class] : h->free;

    while (number) {

        if (number > h->fresh || n++ == h->pages) {
            return UINT64_MAX;
        }

        page = &h->page[number - 1];

        if (page->class != class) {
            return UINT64_MAX;
        }

        if (class && (rt_heap_prev(page) != before || rt_heap_full(page))) {
            return UINT64_MAX;
        }

        before = number;
        number = rt_heap_next(page);
    }

    return n;
}


/* what the blocks of a page take; SIZE_MAX: the page is broken */
static size_t
rt_heap_check_page(const rt_heap_page_t *page)
{
    unsigned  i;
    size_t    n;

    if (page->class == 0) {
        return rt_heap_empty(page) ? 0 : SIZE_MAX;
    }

    if (page->class > RT_HEAP_CLASSES || rt_heap_empty(page)) {
        return SIZE_MAX;
    }

    n = 0;

    for (i = 0; i < 2; i++) {

        if (page->map[i] & ~rt_heap_mask(page->class, i)) {
            return SIZE_MAX;
        }

        n += (size_t) __builtin_popcountll(page->map[i]);
    }

    return n * rt_heap_sizes[page->class];
}


bool
rt_heap_check(rt_heap_t *h)
{
    size_t           size;
    uint64_t         i, bytes, listed[RT_HEAP_CLASSES + 1];
    rt_heap_page_t  *page;

    if (h->fresh > h->pages) {
        return false;
    }

    memset(listed, 0, sizeof(listed));
    bytes = 0;

    for (i = 0; i < h->fresh; i++) {
        page = &h->page[i];
        size = rt_heap_check_page(page);

        if (size == SIZE_MAX) {
            return false;
        }

        bytes += size;
        listed[page->class] += page->class == 0 || !rt_heap_full(page);
    }

    for (i = 0; i <= RT_HEAP_CLASSES; i++) {
        if (rt_heap_check_list(h, i) != listed[i]) {
            return false;
        }
    }

    return bytes == h->bytes_used
           && h->pages_free == h->pages - h->fresh + listed[0];
}
