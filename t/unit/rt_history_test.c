
/*
 * Histories next to a model of them: publications of all sizes come and go,
 * owners die at every step, and every offset is looked for.
 */


#include "tap.h"
#include "rt_death.h"
#include "rt_history.h"


#define OPS      1200
#define MANY     2000
#define DEEP     (RT_HISTORY_FAR * 5)


typedef struct {
    rt_txn_t       txn;
    rt_history_t   history;
} zone_t;


/* an entry, and what the model knows of it */
typedef struct {
    bool                append;
    bool                done;     /* by what it answered */
    rt_history_item_t   item;
    uint8_t             fill;
} op_t;


static zone_t      zone;
static rt_heap_t  *heap;

static op_t        model[MANY];   /* of offset n at (n - 1) % MANY */
static uint64_t    first;         /* the oldest offset there */
static uint64_t    top;

static uint8_t     text[RT_HISTORY_MAX + 1];
static uint8_t     copy[RT_HISTORY_MAX + 1];


static void
start(size_t size)
{
    memset(&zone, 0, sizeof(zone_t));
    heap = rt_heap_init(malloc(size), size);
    first = 1;
    top = 0;
}


static bool
append(const op_t *op)
{
    const uint8_t  *parts[3];

    memset(text, op->fill, op->item.data);
    memset(text + op->item.data, op->fill + 1, op->item.info);
    memset(text + op->item.data + op->item.info, op->fill + 2, op->item.tags);

    parts[0] = text;
    parts[1] = text + op->item.data;
    parts[2] = parts[1] + op->item.info;

    return rt_history_append(&zone.history, heap, &zone.txn, &op->item, parts);
}


static void
run(void *data)
{
    op_t  *op = data;

    rt_txn_begin(&zone.txn);

    if (op->append) {
        op->done = append(op);

    } else {
        op->done = zone.history.first != NULL;

        if (op->done) {
            (void) rt_history_drop(&zone.history, heap, &zone.txn);
        }
    }

    if (!op->done) {
        rt_txn_abort(&zone.txn);
        return;
    }

    op->done = rt_txn_commit(&zone.txn);
}


static void
apply(const op_t *op)
{
    if (op->append) {
        model[top++ % MANY] = *op;

    } else {
        first++;
    }
}


static void
plan(op_t *op, uint64_t now)
{
    uint64_t  most;

    most = death_rand(40) ? 300 : death_rand(8) ? 9000 : RT_HISTORY_MAX / 3;

    op->append = death_rand(100) < 55;
    op->fill = (uint8_t) death_rand(200);
    op->item.time = now;
    op->item.data = (uint32_t) death_rand(most);
    op->item.info = (uint32_t) death_rand(most / 3);
    op->item.tags = (uint32_t) death_rand(most / 3);
}


/* copy has its parts: its data is that, and nothing else */
static bool
data_is(const rt_history_entry_t *e, size_t len)
{
    bool    good;
    size_t  at;

    good = rt_history_data_is(e, copy);

    if (len) {
        at = death_rand(len);
        copy[at] ^= 1;
        good = good && !rt_history_data_is(e, copy);
        copy[at] ^= 1;
    }

    return good;
}


static bool
entry_is(const rt_history_entry_t *e, const op_t *op)
{
    uint8_t  *end;
    size_t    a, b, c;

    a = op->item.data;
    b = op->item.info;
    c = op->item.tags;

    if (e->time != op->item.time || rt_history_size(e) != a + b + c) {
        return false;
    }

    copy[0] = op->fill;
    end = rt_history_copy(e, copy);

    return end == copy + a + b + c && data_is(e, a)
           && (a == 0 || (copy[0] == op->fill && copy[a - 1] == op->fill))
           && (b == 0 || copy[a] == (uint8_t) (op->fill + 1))
           && (c == 0 || end[-1] == (uint8_t) (op->fill + 2));
}


/* the list is the model's, and nothing else is taken */
static bool
same(void)
{
    uint64_t             n, cost;
    rt_heap_stat_t       st;
    rt_history_t        *h;
    rt_history_entry_t  *e, *prev;

    h = &zone.history;
    prev = NULL;
    cost = 0;
    n = first;

    for (e = h->first; e; e = e->next, n++) {

        if (e->offset != n || e->prev != prev
            || !entry_is(e, &model[(n - 1) % MANY]))
        {
            return false;
        }

        cost += rt_history_cost(rt_history_size(e));
        prev = e;
    }

    rt_heap_stat(heap, &st);

    return n == top + 1 && h->last == prev && h->top == top
           && h->count == top + 1 - first && st.bytes_used == cost
           && rt_heap_check(heap);
}


static void
look(void)
{
    uint64_t             n;
    rt_history_entry_t  *e;

    for (n = first > 2 ? first - 2 : 0; n <= top + 2; n++) {
        e = rt_history_find(&zone.history, n);

        ok(n < first || n > top ? e == NULL : e && e->offset == n,
           "offset %llu of %llu to %llu", (unsigned long long) n,
           (unsigned long long) first, (unsigned long long) top);
    }
}


static void
test_deaths(size_t size, bool small)
{
    op_t      op;
    long      at;
    uint64_t  i, full;

    start(size);
    full = 0;

    for (i = 0; i < OPS; i++) {
        plan(&op, i);

        for (at = 0; !death_run(run, &op, at); at++) {
            death_recover(&zone.txn);

            if (at % 7 == 0) {
                ok(same(), "operation %llu, a death at step %ld",
                   (unsigned long long) i, at);
            }
        }

        if (op.done) {
            apply(&op);
        }

        full += !op.done && op.append;
        ok(same(), "operation %llu, which is %d", (unsigned long long) i,
           op.done);

        if (i % 50 == 0) {
            look();
        }
    }

    ok(zone.txn.rollbacks > OPS && small == (full > 0), "%llu found no room",
       (unsigned long long) full);

    free(heap);

    tap_group("a history whose owners die at every step");
}


static bool
add(size_t data, uint64_t time)
{
    op_t  op;

    memset(&op, 0, sizeof(op_t));
    op.append = true;
    op.fill = (uint8_t) top;
    op.item.data = (uint32_t) data;
    op.item.time = time;

    run(&op);

    if (op.done) {
        apply(&op);
    }

    return op.done;
}


static void
drop(void)
{
    op_t  op;

    memset(&op, 0, sizeof(op_t));
    run(&op);
    apply(&op);
}


/* the leaps are right for every length, wherever its oldest was dropped */
static void
test_find(void)
{
    unsigned  i;

    start(4 * 1024 * 1024);
    look();

    for (i = 0; i < DEEP; i++) {
        (void) add(i % 100, i);
        look();
    }

    for (i = 0; i < DEEP * 2; i++) {
        drop();
        look();

        if (death_rand(3) && top < MANY) {
            (void) add(8, i);
            look();
        }

        if (top + 1 == first) {
            (void) add(8, i);
        }
    }

    ok(same(), "the list holds");

    while (first <= top) {
        drop();
    }

    ok(same() && zone.history.first == NULL, "none is left");
    (void) add(8, 1);
    ok(zone.history.first->offset == top && same(), "offsets go on");
    look();

    free(heap);

    tap_group("an offset is found");
}


static void
test_fresh(void)
{
    uint64_t             i, now, age;
    rt_history_entry_t  *e;

    start(1024 * 1024);
    ok(rt_history_fresh(&zone.history, 5, 1) == NULL, "of nothing, none");

    for (i = 1; i <= DEEP; i++) {
        (void) add(8, i);
    }

    for (now = DEEP; now < DEEP * 2 + 5; now++) {
        for (age = 1; age < DEEP + 5; age += 3) {
            e = rt_history_fresh(&zone.history, now, age);

            /* those of the times (now - age, now] */
            i = now < age ? 1 : now - age + 1;

            ok(i > DEEP ? e == NULL : e && e->offset == i,
               "at %llu, for %llu", (unsigned long long) now,
               (unsigned long long) age);
        }
    }

    /* clocks of two processes: one is behind */

    e = rt_history_fresh(&zone.history, DEEP - 3, 1);
    ok(e && e->offset == DEEP - 3, "what is of the future is fresh");

    free(heap);

    tap_group("what is old is told from what is fresh");
}


static void
test_large(void)
{
    size_t          len;
    rt_heap_stat_t  st;

    start(2 * 1024 * 1024);

    ok(rt_history_cost(RT_HISTORY_MAX + 1) == 0, "too large costs nothing");
    ok(!add(RT_HISTORY_MAX + 1, 1), "and is refused");

    for (len = 0; len < 20000; len += len < 4200 ? 1 : 61) {
        ok(add(len, 1) && same(), "%zu bytes", len);
        drop();
    }

    ok(add(RT_HISTORY_MAX, 1), "the largest");
    ok(add(RT_HISTORY_MAX, 1) && same(), "and another");
    drop();
    drop();
    ok(same(), "are freed in one transaction each");

    rt_heap_stat(heap, &st);
    ok(st.bytes_used == 0 && st.pages_free == st.pages, "nothing is left");

    free(heap);

    tap_group("entries of all sizes");
}


int
main(void)
{
    death_seed();

    test_large();
    test_find();
    test_fresh();
    test_deaths(4 * 1024 * 1024, false);
    test_deaths(64 * 1024, true);

    return tap_done();
}
