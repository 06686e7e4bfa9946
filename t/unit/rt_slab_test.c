
/* The slab: who is where, what goes back, and a model at random. */


#include "tap.h"
#include "rt_slab.h"


#define OBJECTS  4000
#define STEPS    400000


static void     *chunks[OBJECTS];
static unsigned  taken;
static bool      none;


static void *
take(size_t size)
{
    void  *p;

    if (none || posix_memalign(&p, size, size) != 0) {
        return NULL;
    }

    chunks[taken++] = p;

    return p;
}


static void
give(void *p)
{
    unsigned  i;

    for (i = 0; i < taken && chunks[i] != p; i++) { /* void */ }

    ok(i < taken, "%p was never taken", p);

    if (i < taken) {
        chunks[i] = chunks[--taken];
        free(p);
    }
}


/* those that the slab keeps for ever */

static void
give_all(void)
{
    while (taken) {
        give(chunks[0]);
    }
}


static void
test_chunks(void)
{
    void       *p[2 * RT_SLAB_CHUNK / 192];
    unsigned    i, n;
    rt_slab_t   s;

    rt_slab_init(&s, 192, 1, take, give);

    n = s.capacity;

    ok(n == (RT_SLAB_CHUNK - 64) / 192, "capacity %u", n);

    for (i = 0; i < n + 1; i++) {
        p[i] = rt_slab_alloc(&s);
        ok(p[i] && (uintptr_t) p[i] % 64 == 0, "object %u at %p", i, p[i]);
    }

    ok(taken == 2 && s.chunks == 2, "%u chunks", taken);
    ok((uint8_t *) p[1] == (uint8_t *) p[0] + 192, "not side by side");

    rt_slab_free(&s, p[3]);
    ok(s.used == n, "%zu used", s.used);

    rt_slab_free(&s, p[n]);
    ok(taken == 2 && s.empty == 1, "an empty chunk was not kept");
    ok(rt_slab_alloc(&s) != NULL && rt_slab_alloc(&s) != NULL, "no object");
    ok(taken == 2, "%u chunks for what fits in two", taken);

    none = true;

    while (rt_slab_alloc(&s)) { /* void */ }

    ok(s.used == 2 * n, "%zu used when memory ran out", s.used);

    none = false;
    ok(rt_slab_alloc(&s) != NULL, "no object though memory is back");

    give_all();

    tap_group("chunks: side by side, one kept, no memory is an error");
}


/* each object holds its own number: two at one place would show */

static void
test_model(size_t size, unsigned keep)
{
    size_t      used;
    unsigned    i, step;
    uint64_t   *p;
    rt_slab_t   s;

    static uint64_t  *object[OBJECTS];

    used = 0;

    rt_slab_init(&s, size, keep, take, give);
    memset(object, 0, sizeof(object));

    for (step = 0; step < STEPS; step++) {
        i = (unsigned) rand() % OBJECTS;

        /* it fills, then it empties */

        if (object[i] == NULL && rand() % 100 < (step < STEPS / 2 ? 70 : 30)) {
            object[i] = p = rt_slab_alloc(&s);
            used++;

            ok(p != NULL, "no object");
            p[0] = i;
            p[size / 8 - 1] = i;

        } else if (object[i]) {
            p = object[i];
            ok(p[0] == i && p[size / 8 - 1] == i, "object %u is another's", i);

            rt_slab_free(&s, p);
            object[i] = NULL;
            used--;
        }

        ok(s.used == used && s.empty <= keep, "used %zu, empty %u", s.used,
           s.empty);
    }

    for (i = 0; i < OBJECTS; i++) {
        if (object[i]) {
            rt_slab_free(&s, object[i]);
        }
    }

    ok(s.used == 0 && s.chunks == s.empty, "%zu left", s.used);
    ok(taken == s.empty, "%u chunks were not given back", taken);

    give_all();
}


int
main(void)
{
    srand(1);

    test_chunks();

    test_model(16, 0);
    test_model(72, 1);
    test_model(192, 8);
    tap_group("a model at random: nobody's place is another's, all goes back");

    return tap_done();
}
