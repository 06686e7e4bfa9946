
/* Lists of links, against an array, with owners that die at every store. */


#include "tap.h"
#include "rt_death.h"
#include "rt_list.h"


#define LINKS    24
#define ROUNDS   20000


typedef struct {
    uint64_t   number;
    rt_link_t  link;
} item_t;


typedef struct {
    rt_txn_t   txn;
    rt_link_t  head;
    item_t     item[LINKS];
} zone_t;


typedef struct {
    bool       add;
    unsigned   i;
} step_t;


static zone_t    zone;
static unsigned  model[LINKS], count;


static void
run(void *data)
{
    step_t  *step = data;

    rt_txn_begin(&zone.txn);

    if (step->add) {
        rt_list_add(&zone.txn, &zone.head, &zone.item[step->i].link);

    } else {
        rt_list_remove(&zone.txn, &zone.item[step->i].link);
    }

    rt_txn_commit(&zone.txn);
}


static bool
same(void)
{
    unsigned    n;
    rt_link_t  *l;

    n = 0;

    for (l = zone.head.next; l != &zone.head; l = l->next, n++) {
        if (n == count || l->next->prev != l || l->prev->next != l
            || rt_list_entry(l, item_t, link)->number != model[n])
        {
            return false;
        }
    }

    l = rt_list_first(&zone.head);

    return n == count
           && l == (count ? &zone.item[model[0]].link : NULL);
}


int
main(void)
{
    step_t    step;
    unsigned  i, at, round;

    death_seed();

    rt_list_init(&zone.head);

    for (i = 0; i < LINKS; i++) {
        zone.item[i].number = i;
    }

    for (round = 0; round < ROUNDS; round++) {
        step.i = (unsigned) death_rand(LINKS);

        for (at = 0; at < count && model[at] != step.i; at++) { /* void */ }

        step.add = at == count;

        if (!death_run(run, &step, (long) death_rand(30))) {
            death_recover(&zone.txn);

        } else if (step.add) {
            model[count++] = step.i;

        } else {
            memmove(&model[at], &model[at + 1],
                    (--count - at) * sizeof(model[0]));
        }

        if (!ok(same(), "round %u", round)) {
            break;
        }
    }

    tap_group("add, remove, first; owners that die");

    return tap_done();
}
