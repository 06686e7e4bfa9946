
/*
 * The allocator, in use: a hash table in the zone whose entries and values are
 * blocks, next to a model of it, with owners that die at every step.
 */


#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"
#include "rt_death.h"
#include "rt_heap.h"


#define BUCKETS   8
#define KEYS      96
#define OPS       900
#define BATCH     6


typedef struct node_s  node_t;

struct node_s {
    node_t    *next;
    uint8_t   *value;
    uint64_t   key;
    uint64_t   len;
};


typedef struct {
    rt_txn_t   txn;
    node_t    *bucket[BUCKETS];
    uint64_t   count;
} zone_t;


typedef struct {
    uint16_t   len;               /* 0: not there */
    uint8_t    fill;
} entry_t;


typedef struct {
    enum { PUT, DELETE, CLEAR }  kind;
    unsigned                     n;
    uint64_t                     key[BATCH];
    entry_t                      entry[BATCH];
    bool                         done;    /* committed, by what it answered */
} op_t;


static zone_t      zone;
static rt_heap_t  *heap;
static entry_t     model[KEYS];


static void *
alloc(size_t size)
{
    void      *p;
    uint64_t   before;

    before = zone.txn.count;
    p = rt_heap_alloc(heap, &zone.txn, size);

    ok(zone.txn.count - before <= RT_HEAP_ALLOC_SETS, "sets of an alloc");
    ok((uintptr_t) p % 16 == 0, "aligned");

    return p;
}


static void
release(void *p)
{
    uint64_t  before;

    before = zone.txn.count;
    rt_heap_free(heap, &zone.txn, p);

    ok(zone.txn.count - before <= RT_HEAP_FREE_SETS, "sets of a free");
}


/* the link that leads to a key, or where it would be appended */
static node_t **
find(uint64_t key)
{
    node_t  **p;

    for (p = &zone.bucket[key % BUCKETS];
         *p && (*p)->key != key;
         p = &(*p)->next)
    {
        /* void */
    }

    return p;
}


static bool
put(uint64_t key, entry_t *e, uint8_t **old)
{
    node_t   **at, *node;
    uint8_t   *value;

    at = find(key);
    node = *at;
    *old = node ? node->value : NULL;

    value = alloc(e->len);

    if (value == NULL) {
        return false;
    }

    memset(value, e->fill, e->len);

    if (node) {
        rt_txn_set_ptr(&zone.txn, &node->value, value);
        rt_txn_set(&zone.txn, &node->len, e->len);
        return true;
    }

    node = alloc(sizeof(node_t));

    if (node == NULL) {
        return false;
    }

    node->next = NULL;
    node->key = key;
    node->len = e->len;
    node->value = value;

    rt_txn_set_ptr(&zone.txn, at, node);
    rt_txn_add(&zone.txn, &zone.count, 1);

    return true;
}


static void
delete(node_t **at)
{
    node_t  *node;

    node = *at;

    if (node == NULL) {
        return;
    }

    rt_txn_set_ptr(&zone.txn, at, node->next);
    rt_txn_add(&zone.txn, &zone.count, -1);

    release(node->value);
    release(node);
}


/* several entries at once; what they replace is freed behind them */
static bool
put_all(op_t *op)
{
    uint8_t   *old[BATCH];
    unsigned   i;

    for (i = 0; i < op->n; i++) {
        if (!put(op->key[i], &op->entry[i], &old[i])) {
            return false;
        }
    }

    for (i = 0; i < op->n; i++) {
        if (old[i]) {
            release(old[i]);
        }
    }

    return true;
}


static void
run(void *data)
{
    op_t      *op = data;
    bool       good;
    unsigned   i;

    good = true;
    rt_txn_begin(&zone.txn);

    switch (op->kind) {

    case PUT:
        good = put_all(op);
        break;

    case DELETE:
        for (i = 0; i < op->n; i++) {
            delete(find(op->key[i]));
        }
        break;

    case CLEAR:
        for (i = 0; i < 4 && zone.bucket[op->key[0] % BUCKETS]; i++) {
            delete(&zone.bucket[op->key[0] % BUCKETS]);
        }
        break;
    }

    if (!good) {
        rt_txn_abort(&zone.txn);
        op->done = false;
        return;
    }

    op->done = rt_txn_commit(&zone.txn);
}


static void
plan(op_t *op)
{
    unsigned  i;

    op->kind = (unsigned) death_rand(5);
    op->kind = op->kind > CLEAR ? PUT : op->kind;
    op->n = 1 + (unsigned) death_rand(BATCH);

    for (i = 0; i < op->n; i++) {
        op->key[i] = death_rand(KEYS);
        op->entry[i].fill = (uint8_t) death_rand(256);
        op->entry[i].len = (uint16_t) (1 + death_rand(death_rand(8) ? 300
                                                      : RT_HEAP_MAX));
    }
}


/* to the model; cleared: the keys that a CLEAR meets */
static void
apply(op_t *op, const uint64_t *cleared, unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        model[cleared[i]].len = 0;
    }

    for (i = 0; i < op->n && op->kind != CLEAR; i++) {
        if (op->kind == PUT) {
            model[op->key[i]] = op->entry[i];

        } else {
            model[op->key[i]].len = 0;
        }
    }
}


static bool
value_is(const node_t *node, const entry_t *e)
{
    return node->len == e->len && node->value[0] == e->fill
           && memcmp(node->value, node->value + 1, e->len - 1u) == 0
           && rt_heap_block(heap, node->value) == rt_heap_cost(e->len);
}


/* the table is what the model says, and nothing else is taken */
static bool
same(void)
{
    node_t          *node;
    uint64_t         n, bytes, want;
    unsigned         i;
    rt_heap_stat_t   st;

    n = 0;
    bytes = 0;

    for (i = 0; i < BUCKETS; i++) {
        for (node = zone.bucket[i]; node; node = node->next) {
            if (node->key >= KEYS || !value_is(node, &model[node->key])
                || n++ == KEYS)
            {
                return false;
            }

            bytes += rt_heap_cost(sizeof(node_t)) + rt_heap_cost(node->len);
        }
    }

    want = 0;

    for (i = 0; i < KEYS; i++) {
        want += model[i].len != 0;
    }

    rt_heap_stat(heap, &st);

    return n == want && n == zone.count && bytes == st.bytes_used
           && rt_heap_check(heap);
}


static void
drop_all(void)
{
    unsigned        i;
    rt_heap_stat_t  st;

    for (i = 0; i < KEYS; i++) {
        rt_txn_begin(&zone.txn);
        delete(find(i));
        rt_txn_commit(&zone.txn);
        model[i].len = 0;
    }

    rt_heap_stat(heap, &st);
    ok(same() && st.pages_free == st.pages, "all pages came back");
}


/* small: the heap is too small for all, and puts fail */
static void
test_deaths(size_t size, bool small)
{
    op_t       op;
    long       at;
    void      *mem;
    node_t    *node;
    uint64_t   cleared[4], full;
    unsigned   i, n;

    mem = malloc(size);
    memset(mem, 0xa5, size);      /* no one promises zeroes */
    memset(&zone, 0, sizeof(zone));
    heap = rt_heap_init(mem, size);
    ok(heap != NULL && same(), "a new heap");
    full = 0;

    for (i = 0; i < OPS; i++) {
        plan(&op);
        n = 0;

        if (op.kind == CLEAR) {
            node = zone.bucket[op.key[0] % BUCKETS];

            for (/* void */; node && n < 4; node = node->next) {
                cleared[n++] = node->key;
            }
        }

        for (at = 0; !death_run(run, &op, at); at++) {
            death_recover(&zone.txn);
            ok(same(), "operation %u, a death at step %ld", i, at);
        }

        if (op.done) {
            apply(&op, cleared, n);
        }

        full += !op.done;
        ok(op.done || op.kind == PUT, "only a put finds no room");
        ok(same(), "operation %u, which is %d", i, op.done);
    }

    ok(zone.txn.rollbacks > OPS && small == (full > 0),
       "%llu puts failed", (unsigned long long) full);
    drop_all();
    free(mem);

    tap_group("a table of blocks whose owners die at every step");
}


static void
start(size_t size)
{
    memset(&zone, 0, sizeof(zone));
    heap = rt_heap_init(malloc(size), size);
    rt_txn_begin(&zone.txn);
}


static void
finish(void)
{
    rt_heap_stat_t  st;

    rt_heap_stat(heap, &st);
    ok(st.bytes_used == 0 && st.pages_free == st.pages, "nothing is left");
    ok(rt_heap_check(heap), "the heap holds");
    free(heap);
}


static void
test_sizes(void)
{
    void      *p;
    size_t     size;
    uint64_t   page[512];

    ok(rt_heap_init(page, sizeof(page)) == NULL, "too small for a page");

    start(64 * 1024);
    ok(alloc(0) == NULL && alloc(RT_HEAP_MAX + 1) == NULL, "bad sizes");
    ok(rt_heap_cost(0) == 0 && rt_heap_cost(4097) == 0, "cost nothing");

    for (size = 1; size <= RT_HEAP_MAX; size++) {
        p = alloc(size);

        if (ok(p && rt_heap_cost(size) >= size, "a block of %zu", size)) {
            memset(p, 0xa5, size);
            ok(rt_heap_block(heap, p) == rt_heap_cost(size), "its cost");
        }

        rt_txn_abort(&zone.txn);
    }

    finish();

    tap_group("sizes");
}


static void
test_rules(void)
{
    void  *p, *q;

    start(64 * 1024);
    p = alloc(100);
    q = alloc(4096);
    ok(p && q && rt_txn_commit(&zone.txn), "blocks");

    rt_txn_begin(&zone.txn);
    release(q);
    ok(alloc(32) == NULL, "an allocation after a free is refused");
    rt_txn_abort(&zone.txn);
    ok(alloc(32) != NULL, "but not after that was undone");
    rt_txn_abort(&zone.txn);

    release(p);
    release(p);
    ok(!rt_txn_commit(&zone.txn), "a block that is freed twice");
    ok(rt_heap_block(heap, p) == 128, "is still there");

    release((char *) p + 16);
    ok(!rt_txn_commit(&zone.txn), "the inside of a block is not freed");
    release(&zone);
    ok(!rt_txn_commit(&zone.txn), "nor what was never ours");

    release(p);
    release(q);
    ok(rt_txn_commit(&zone.txn), "but both blocks are");
    finish();

    tap_group("calls that break the rules");
}


static void
test_overfull(void)
{
    unsigned  i;

    start(1024 * 1024);

    for (i = 0; alloc(1 + i * 7 % 4096); i++) { /* void */ }

    ok(i > RT_TXN_MAX / RT_HEAP_ALLOC_SETS, "%u allocations", i);
    ok(!rt_txn_commit(&zone.txn), "too many for a transaction");
    finish();

    tap_group("more allocations than a transaction can undo");
}


static void
test_lazy(void)
{
    void           *mem;
    size_t          i, n, size, page;
    unsigned char  *in;

    size = 64 * 1024 * 1024;
    page = (size_t) sysconf(_SC_PAGESIZE);
    in = calloc(1, size / page);
    mem = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
               -1, 0);

    ok(mem != MAP_FAILED && in, "64 MB");

    memset(&zone, 0, sizeof(zone));
    heap = rt_heap_init(mem, size);
    rt_txn_begin(&zone.txn);
    ok(alloc(48) != NULL && rt_txn_commit(&zone.txn), "a block");
    ok(mincore(mem, size, in) == 0, "mincore");

    for (i = 0, n = 0; i < size / page; i++) {
        n += in[i] & 1;
    }

    ok(n <= 2, "%zu pages were touched", n);

    munmap(mem, size);
    free(in);

    tap_group("a large heap costs nothing until it is used");
}


int
main(void)
{
    death_seed();

    test_sizes();
    test_rules();
    test_overfull();
    test_lazy();
    test_deaths(14 * 4096, true);
    test_deaths(60 * 4096, false);

    return tap_done();
}
