
/* Transactions: sets, commits, aborts, and owners that die at every step. */


#include "tap.h"
#include "rt_death.h"


#define WORDS    32
#define SETS     40
#define ROUNDS   1500


typedef struct {
    rt_txn_t   txn;
    uint64_t   word[WORDS];
} zone_t;


typedef struct {
    unsigned   n;
    unsigned   at[SETS];
    uint64_t   value[SETS];
    bool       abort;
} plan_t;


static zone_t    zone;
static uint64_t  model[WORDS];
static uint64_t  outside;


static bool
same(void)
{
    return memcmp(zone.word, model, sizeof(model)) == 0;
}


static void
test_simple(void)
{
    uint64_t   a;
    void      *p;

    memset(&zone, 0, sizeof(zone_t));
    a = 5;
    p = &a;

    ok(!rt_txn_begin(&zone.txn), "a new zone has nothing to undo");
    rt_txn_set(&zone.txn, &a, 7);
    rt_txn_add(&zone.txn, &a, 3);
    rt_txn_set_ptr(&zone.txn, &p, NULL);
    ok(a == 10 && p == NULL, "what was set is there at once");
    ok(rt_txn_commit(&zone.txn), "commit");
    ok(a == 10 && p == NULL && zone.txn.count == 0, "it stays");

    rt_txn_begin(&zone.txn);
    rt_txn_set(&zone.txn, &a, 1);
    rt_txn_set(&zone.txn, &a, 2);
    rt_txn_set_ptr(&zone.txn, &p, &a);
    rt_txn_abort(&zone.txn);
    ok(a == 10 && p == NULL, "an abort undoes, the last store first");
    ok(rt_txn_commit(&zone.txn) && a == 10, "a commit of nothing");
    ok(zone.txn.rollbacks == 0, "an abort is no death");

    rt_txn_set(&zone.txn, &a, 3);
    ok(rt_txn_begin(&zone.txn), "a dead owner is noticed");
    ok(a == 10 && zone.txn.rollbacks == 1, "undone and counted");
    ok(!rt_txn_begin(&zone.txn), "once");

    tap_group("set, commit, abort, begin");
}


static void
test_overfull(void)
{
    uint64_t  a, i;

    memset(&zone, 0, sizeof(zone_t));
    a = 0;

    rt_txn_begin(&zone.txn);

    for (i = 1; i <= RT_TXN_MAX; i++) {
        rt_txn_set(&zone.txn, &a, i);
    }

    ok(a == RT_TXN_MAX, "as many as fit");
    ok(rt_txn_commit(&zone.txn) && a == RT_TXN_MAX, "can be committed");

    rt_txn_begin(&zone.txn);

    for (i = 1; i <= RT_TXN_MAX + 1; i++) {
        rt_txn_set(&zone.txn, &a, i + 1000);
    }

    ok(a == RT_TXN_MAX + 1000, "one more is not stored");
    ok(!rt_txn_commit(&zone.txn), "nor committed");
    ok(a == RT_TXN_MAX && zone.txn.count == 0, "but undone");

    rt_txn_set(&zone.txn, &a, 1);
    ok(rt_txn_commit(&zone.txn) && a == 1, "the next is a good one");

    tap_group("a transaction that is overfull");
}


static void
plan(plan_t *p)
{
    unsigned  i;

    p->n = (unsigned) death_rand(SETS + 1);
    p->abort = death_rand(4) == 0;

    for (i = 0; i < p->n; i++) {
        p->at[i] = (unsigned) death_rand(WORDS);
        p->value[i] = death_rand(UINT64_MAX);
    }
}


static void
run(void *data)
{
    plan_t    *p = data;
    unsigned   i;

    rt_txn_begin(&zone.txn);

    for (i = 0; i < p->n; i++) {
        rt_txn_set(&zone.txn, &zone.word[p->at[i]], p->value[i]);
    }

    if (p->abort) {
        rt_txn_abort(&zone.txn);

    } else {
        rt_txn_commit(&zone.txn);
    }
}


static void
test_deaths(void)
{
    long      at;
    plan_t    p;
    unsigned  i, round;

    memset(&zone, 0, sizeof(zone_t));
    memset(model, 0, sizeof(model));

    for (round = 0; round < ROUNDS; round++) {
        plan(&p);

        for (at = 0; !death_run(run, &p, at); at++) {
            death_recover(&zone.txn);
            ok(same(), "round %u, a death at step %ld", round, at);
        }

        for (i = 0; i < p.n && !p.abort; i++) {
            model[p.at[i]] = p.value[i];
        }

        ok(same(), "round %u", round);
    }

    ok(zone.txn.rollbacks > ROUNDS, "there were deaths");

    tap_group("owners and their successors die at every step");
}


/* a transaction that hangs on a word outside of it, as on the head of a log */

static void
run_hung(void *data)
{
    plan_t    *p = data;
    unsigned   i;

    rt_txn_begin(&zone.txn);

    for (i = 0; i < p->n; i++) {
        rt_txn_set(&zone.txn, &zone.word[p->at[i]], p->value[i]);
    }

    ok(rt_txn_hang(&zone.txn, &outside), "it can hang");

    if (p->abort) {
        rt_txn_abort(&zone.txn);

    } else {
        rt_txn_store(&outside, outside + 1);
        rt_txn_commit(&zone.txn);
    }
}


static void
test_hung_deaths(void)
{
    long      at;
    bool      moved;
    plan_t    p;
    uint64_t  was, next[WORDS];
    unsigned  i, round, kept;

    memset(&zone, 0, sizeof(zone_t));
    memset(model, 0, sizeof(model));
    kept = 0;

    for (round = 0; round < ROUNDS; round++) {
        plan(&p);
        p.n = rt_max(p.n, 1);

        memcpy(next, model, sizeof(next));

        for (i = 0; i < p.n; i++) {
            next[p.at[i]] = p.value[i];
        }

        for (at = 0; /* void */ ; at++) {
            was = outside;

            if (death_run(run_hung, &p, at)) {
                break;
            }

            moved = outside != was;
            kept += moved && zone.txn.count != 0;

            death_recover(&zone.txn);
            ok(outside == was + moved, "the word stays as it is");

            if (moved) {
                memcpy(model, next, sizeof(model));
            }

            ok(same(), "round %u, a death at step %ld", round, at);
            ok(zone.txn.hinge == NULL, "it hangs no more");
        }

        if (!p.abort) {
            memcpy(model, next, sizeof(model));
        }

        ok(same(), "round %u", round);
    }

    ok(kept > ROUNDS / 2, "%u died behind the store that commits", kept);

    tap_group("what hangs on a word is committed with it");
}


static void
test_hung(void)
{
    uint64_t  a, i;

    memset(&zone, 0, sizeof(zone_t));
    a = 0;

    rt_txn_begin(&zone.txn);
    rt_txn_set(&zone.txn, &a, 1);
    ok(rt_txn_hang(&zone.txn, &outside), "it can hang");
    ok(rt_txn_begin(&zone.txn) == RT_TXN_UNDONE && a == 0,
       "dead before the store");

    rt_txn_set(&zone.txn, &a, 1);
    rt_txn_hang(&zone.txn, &outside);
    outside++;
    ok(rt_txn_begin(&zone.txn) == RT_TXN_KEPT && a == 1, "dead behind it");
    ok(rt_txn_begin(&zone.txn) == RT_TXN_KEPT, "and who found it, too");
    ok(rt_txn_commit(&zone.txn) && a == 1, "committed by the next");
    ok(rt_txn_begin(&zone.txn) == RT_TXN_CLEAN, "once");

    rt_txn_set(&zone.txn, &a, 2);
    outside++;
    ok(rt_txn_begin(&zone.txn) == RT_TXN_UNDONE && a == 1,
       "the next does not hang");

    for (i = 0; i <= RT_TXN_MAX; i++) {
        rt_txn_set(&zone.txn, &a, i);
    }

    ok(!rt_txn_hang(&zone.txn, &outside), "one that is overfull cannot");
    rt_txn_abort(&zone.txn);
    ok(a == 1, "and is undone");

    tap_group("a transaction that hangs on a word");
}


int
main(void)
{
    death_seed();

    test_simple();
    test_overfull();
    test_deaths();
    test_hung();
    test_hung_deaths();

    return tap_done();
}
