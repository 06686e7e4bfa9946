
/*
 * The marks between real processes: producers append to a log under a lock and
 * mark those records that are for a reader; readers take their mark without
 * the lock, when they were rung and at odd moments besides, and read to the
 * log's head.
 *
 * A record carries, for each reader, how many records were for it up to here:
 * a reader that misses one sees a gap, unless it was lapped.  Producers wait
 * for a reader that has business which they would soon write over, so laps are
 * rare; what is not for a reader passes its cursor by many rounds.
 */


#define _GNU_SOURCE               /* CPU_SET() */

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "rt_death.h"
#include "rt_log.h"
#include "rt_mark.h"


#define SIZE       (64 * 1024)
#define PRODUCERS  2
#define READERS    2
#define SECONDS    2.5


typedef struct {
    uint64_t   takes;             /* with something there */
    uint64_t   empty;             /* with nothing there */
    uint64_t   got;               /* records that were for it */
    uint64_t   lost;
    uint64_t   wrong;             /* twice, out of order, or not whole */
    uint64_t   laps;
    uint64_t   leaps;             /* the log had come round since its cursor */
} result_t;


/* each on a cache line of its own: they must not slow each other down */
typedef struct {
    uint64_t   mark __attribute__((aligned(64)));
    uint64_t   rung __attribute__((aligned(64)));
    uint64_t   done __attribute__((aligned(64)));
    result_t   result;
} reader_t;


typedef struct {
    int        lock __attribute__((aligned(64)));
    uint64_t   sent[READERS];     /* records for it */
    uint64_t   first[READERS];    /* where the first that is not done stands */
    uint64_t   full;              /* times that a producer had to wait */
    int        stop __attribute__((aligned(64)));
    int        over;              /* the producers have left */
    reader_t   reader[READERS];
} shared_t;


/* where a reader is */
typedef struct {
    uint64_t   cursor;
    uint64_t   seq;
    bool       sure;              /* not lapped since its last record */
    bool       behind;            /* it stopped before the head */
} place_t;


/* one in so many records is for it */
static const uint64_t  share_of[READERS] = { 2, 1000 };

static shared_t  *shared;
static rt_log_t  *ring;


static void
lock(void)
{
    while (__atomic_exchange_n(&shared->lock, 1, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
}


static void
unlock(void)
{
    __atomic_store_n(&shared->lock, 0, __ATOMIC_RELEASE);
}


static bool
flag(const int *f)
{
    return __atomic_load_n(f, __ATOMIC_ACQUIRE);
}


/* would a reader soon be lapped in what is for it? */
static bool
full_locked(void)
{
    uint64_t   head, mark;
    unsigned   i;
    reader_t  *rd;

    head = ring->head;

    for (i = 0; i < READERS; i++) {
        rd = &shared->reader[i];
        mark = __atomic_load_n(&rd->mark, __ATOMIC_ACQUIRE);

        if (mark && head - (mark - 1) > SIZE / 4) {
            return true;
        }

        if (__atomic_load_n(&rd->done, __ATOMIC_ACQUIRE) < shared->sent[i]
            && head - shared->first[i] > SIZE / 4)
        {
            return true;
        }
    }

    return false;
}


static uint64_t
choose(void)
{
    uint64_t  mask;
    unsigned  i;

    mask = 0;

    for (i = 0; i < READERS; i++) {
        mask |= (uint64_t) (death_rand(share_of[i]) == 0) << i;
    }

    return mask;
}


static void
append_locked(uint64_t mask)
{
    uint64_t          seq[24];    /* several cache lines */
    unsigned          i;
    const uint8_t    *parts[3];
    rt_log_record_t   r;

    memset(&r, 0, sizeof(r));
    memset(seq, 0, sizeof(seq));

    for (i = 0; i < READERS; i++) {
        shared->sent[i] += mask >> i & 1;
        seq[i] = shared->sent[i];
    }

    parts[0] = (const uint8_t *) seq;
    parts[1] = parts[2] = NULL;

    r.workers = mask;
    r.data = (uint32_t) (sizeof(uint64_t) * (READERS + death_rand(20)));

    rt_log_append(ring, &r, parts);

    rt_mark_fence();

    for (i = 0; i < READERS; i++) {

        if (!(mask >> i & 1)) {
            continue;
        }

        rt_mark_set(&shared->reader[i].mark, r.position);

        if (__atomic_load_n(&shared->reader[i].done, __ATOMIC_ACQUIRE)
            >= shared->sent[i] - 1)
        {
            shared->first[i] = r.position;
        }
    }
}


static void
produce(void)
{
    uint64_t  mask;
    unsigned  i;

    while (!flag(&shared->stop)) {
        mask = choose();

        lock();

        if (full_locked()) {
            shared->full++;
            unlock();
            sched_yield();
            continue;
        }

        append_locked(mask);
        unlock();

        for (i = 0; i < READERS; i++) {
            if (mask >> i & 1) {
                __atomic_store_n(&shared->reader[i].rung, 1, __ATOMIC_SEQ_CST);
            }
        }
    }
}


static void
check(place_t *p, uint64_t seq, result_t *res)
{
    if (seq <= p->seq) {
        res->wrong++;

    } else if (p->sure) {
        res->lost += seq - p->seq - 1;
    }

    p->seq = seq;
    p->sure = true;
    res->got++;
}


/* false: lapped */
static bool
read_record(unsigned who, place_t *p, const rt_log_record_t *r, result_t *res)
{
    uint64_t  seq[READERS];

    if (r->workers >> who & 1) {

        if (rt_log_copy(ring, p->cursor, 0, (uint8_t *) seq, sizeof(seq))
            != RT_LOG_OK)
        {
            return false;
        }

        check(p, seq[who], res);
    }

    p->cursor = rt_log_next(p->cursor, r);

    return true;
}


static void
read_on(unsigned who, place_t *p, uint64_t budget, result_t *res)
{
    rt_log_record_t  r;
    rt_log_result_t  rc;

    for (rc = RT_LOG_OK; rc != RT_LOG_EMPTY && budget; budget--) {

        rc = rt_log_peek(ring, p->cursor, &r);

        if (rc == RT_LOG_LAPPED
            || (rc == RT_LOG_OK && !read_record(who, p, &r, res)))
        {
            res->laps++;
            p->sure = false;
            p->cursor = rt_log_head(ring);
        }
    }

    p->behind = rc != RT_LOG_EMPTY;

    if (!p->behind) {
        __atomic_store_n(&shared->reader[who].done, p->seq, __ATOMIC_RELEASE);
    }
}


/* as a worker does in its turn */
static void
turn(unsigned who, place_t *p, result_t *res)
{
    uint64_t  from, spare;

    from = p->cursor;

    if (p->behind) {
        spare = p->cursor;
        (void) rt_mark_take(&shared->reader[who].mark, &spare);

    } else if (rt_mark_take(&shared->reader[who].mark, &p->cursor)) {
        res->takes++;
        res->leaps += p->cursor - from > SIZE;

    } else {
        res->empty++;
        return;
    }

    read_on(who, p, 1 + death_rand(64), res);
}


static void
consume(unsigned who)
{
    bool       over;
    place_t    p;
    reader_t  *rd;
    result_t  *res;

    rd = &shared->reader[who];
    res = &rd->result;

    memset(&p, 0, sizeof(p));
    p.sure = true;

    do {
        over = flag(&shared->over);

        if (over || p.behind || death_rand(2) == 0
            || __atomic_load_n(&rd->rung, __ATOMIC_RELAXED))
        {
            __atomic_exchange_n(&rd->rung, 0, __ATOMIC_SEQ_CST);
            turn(who, &p, res);

        } else if (death_rand(64) == 0) {
            sched_yield();
        }

    } while (!over || p.behind);

    if (p.sure) {
        res->lost += shared->sent[who] - p.seq;
    }
}


/*
 * Readers on another processor than producers, where there are two: what is
 * tested happens between processors.
 */
static void
part(bool reader)
{
    int        i, one;
    cpu_set_t  may, own;

    if (sched_getaffinity(0, sizeof(may), &may) != 0) {
        return;
    }

    for (i = 0, one = -1; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &may) && (one == -1 || !reader)) {
            one = i;
        }
    }

    CPU_ZERO(&own);
    CPU_SET(one, &own);

    (void) sched_setaffinity(0, sizeof(own), &own);
}


static pid_t
spawn(bool reader, unsigned who)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid != 0) {
        return pid;
    }

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    part(reader);

    death_random += 0x9e3779b97f4a7c15 * (2 * who + reader + 1);

    if (reader) {
        consume(who);

    } else {
        produce();
    }

    _exit(0);
}


static void
finish(const pid_t *pid, unsigned n, const char *what)
{
    int       status;
    unsigned  i;

    for (i = 0; i < n; i++) {
        ok(waitpid(pid[i], &status, 0) == pid[i] && status == 0, "%s", what);
    }
}


static void
run(void)
{
    pid_t            producer[PRODUCERS], reader[READERS];
    unsigned         i;
    struct timespec  span;

    for (i = 0; i < READERS; i++) {
        reader[i] = spawn(true, i);
    }

    for (i = 0; i < PRODUCERS; i++) {
        producer[i] = spawn(false, i);
    }

    span.tv_sec = (time_t) SECONDS;
    span.tv_nsec = (long) ((SECONDS - (double) span.tv_sec) * 1e9);
    nanosleep(&span, NULL);

    __atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
    finish(producer, PRODUCERS, "producer");

    __atomic_store_n(&shared->over, 1, __ATOMIC_RELEASE);
    finish(reader, READERS, "reader");
}


static void
judge(void)
{
    unsigned         i;
    const result_t  *res;

    printf("# round %llu, %llu waits of a producer\n",
           (unsigned long long) (ring->head / ring->size),
           (unsigned long long) shared->full);

    ok(ring->head / ring->size > 10, "the log came round");

    for (i = 0; i < READERS; i++) {
        res = &shared->reader[i].result;

        printf("# reader %u: %llu of %llu, %llu takes, %llu empty, %llu laps, "
               "%llu leaps, %llu lost, %llu wrong\n", i,
               (unsigned long long) res->got,
               (unsigned long long) shared->sent[i],
               (unsigned long long) res->takes,
               (unsigned long long) res->empty,
               (unsigned long long) res->laps,
               (unsigned long long) res->leaps,
               (unsigned long long) res->lost,
               (unsigned long long) res->wrong);

        ok(res->got > 20 && res->takes > 20, "it read");
        ok(res->empty > 100, "it looked where there was nothing");
        ok(res->laps * 10 < res->got, "laps are rare");
        ok(res->lost == 0, "%llu lost", (unsigned long long) res->lost);
        ok(res->wrong == 0, "%llu wrong", (unsigned long long) res->wrong);
    }

    ok(shared->reader[READERS - 1].result.leaps > 5,
       "the last reader's cursor was passed by rounds");

    tap_group("readers find all that is marked for them, in order");
}


static void *
share(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }

    return p;
}


int
main(void)
{
    death_seed();

    shared = share(sizeof(shared_t));
    ring = rt_log_init(share(SIZE + sizeof(rt_log_t)),
                       SIZE + sizeof(rt_log_t));

    run();
    judge();

    return tap_done();
}
