
/*
 * One bucket charged by several processes at once, as workers do it: each with
 * a clock that is a little late, some killed in the middle.  What they took is
 * never more than the burst and what came back meanwhile, and not much less.
 */


#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rt_bucket.h"
#include "tap.h"


#define WORKERS  6
#define MSEC     250


typedef struct {
    uint64_t  taken __attribute__((aligned(64)));
    uint64_t  first;              /* times that it charged at */
    uint64_t  last;
    uint64_t  refused;
} worker_t;


typedef struct {
    rt_bucket_t  bucket __attribute__((aligned(64)));
    worker_t     workers[WORKERS];
} shared_t;


static uint64_t
clock_msec(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


static void
work(shared_t *s, worker_t *w, const rt_rate_t *r, unsigned i)
{
    uint64_t  now, end, n;
    unsigned  seed;

    seed = i + 1;
    end = clock_msec() + MSEC;

    do {
        now = clock_msec() - rand_r(&seed) % 3;
        n = 1 + rand_r(&seed) % 3;

        /* before, since it may be killed behind the charge */

        if (now < w->first) {
            __atomic_store_n(&w->first, now, __ATOMIC_SEQ_CST);
        }

        if (now > w->last) {
            __atomic_store_n(&w->last, now, __ATOMIC_SEQ_CST);
        }

        if (rt_bucket_take(&s->bucket, r, n, rt_bucket_ticks(now)) == 0) {
            w->taken += n;

        } else {
            w->refused++;
        }

    } while (clock_msec() < end);
}


static void
test_workers(const char *name, uint64_t count, uint64_t burst,
    unsigned killed)
{
    pid_t      pids[WORKERS];
    uint64_t   first, last, taken, refused, due;
    unsigned   i;
    shared_t  *s;
    rt_rate_t  r;

    ok(rt_rate_init(&r, count, 1000, burst), "the rate");

    s = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
             MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (i = 0; i < WORKERS; i++) {
        s->workers[i].first = UINT64_MAX;
        pids[i] = fork();

        if (pids[i] == 0) {
            work(s, &s->workers[i], &r, i);
            _exit(0);
        }
    }

    for (i = 0; i < killed; i++) {
        usleep(MSEC * 1000 / 8);
        kill(pids[i], SIGKILL);
    }

    first = UINT64_MAX;
    last = taken = refused = 0;

    for (i = 0; i < WORKERS; i++) {
        (void) waitpid(pids[i], NULL, 0);

        first = rt_min(first, s->workers[i].first);
        last = rt_max(last, s->workers[i].last);
        taken += s->workers[i].taken;
        refused += s->workers[i].refused;
    }

    due = burst + rt_bucket_ticks(last - first) / r.each;

    printf("# %lu taken of %lu, %lu refusals, in %lu ms\n",
           (unsigned long) taken, (unsigned long) due,
           (unsigned long) refused, (unsigned long) (last - first));

    ok(taken <= due, "%lu taken, %lu were there", (unsigned long) taken,
       (unsigned long) due);
    ok(taken >= due / 2, "%lu taken, of %lu", (unsigned long) taken,
       (unsigned long) due);
    ok(refused > 0, "nobody was refused");

    (void) munmap(s, sizeof(shared_t));

    tap_group(name);
}


int
main(void)
{
    test_workers("a low rate", 100, 10, 0);
    test_workers("a burst that all want", 10, 100000, 0);
    test_workers("a rate that they just exceed", 200000, 2000, 0);
    test_workers("some are killed", 200000, 1000, 3);

    return tap_done();
}
