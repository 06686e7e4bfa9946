
/*
 * The event log between real processes: two producers under a lock, killed at
 * random and begun again, and two readers without one.
 *
 * A producer has lives; in each it numbers its records from 1, so that within
 * a life readers see every number unless they were lapped.  What a producer
 * saw appended, it notes: that has to reach the readers although it is killed.
 * The parent gives back the lock of whom it killed, as nginx does.
 */


#include <errno.h>
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


#define SIZE       (64 * 1024)
#define PRODUCERS  2
#define READERS    2
#define LIVES      8192
#define SECONDS    2.0


typedef struct {
    uint64_t   read;
    uint64_t   laps;
    uint64_t   torn;              /* bytes that are not what was appended */
    uint64_t   gaps;              /* numbers that are missing or come twice */
    uint64_t   lost;              /* appended, and not there */
} result_t;


typedef struct {
    int        lock;              /* a pid */
    int        stop;
    uint64_t   noted[PRODUCERS][LIVES];
    result_t   result[READERS];
    uint8_t    pool[SIZE];
} shared_t;


/* where a reader is with a producer */
typedef struct {
    uint64_t   life;
    uint64_t   seq;
    bool       sure;              /* not lapped since */
} place_t;


static shared_t  *shared;
static rt_log_t  *ring;


static void
lock(void)
{
    int  free;

    for ( ;; ) {
        free = 0;

        if (__atomic_compare_exchange_n(&shared->lock, &free, getpid(), 0,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        {
            return;
        }

        sched_yield();
    }
}


static void
unlock(int pid)
{
    __atomic_compare_exchange_n(&shared->lock, &pid, 0, 0, __ATOMIC_RELEASE,
                                __ATOMIC_RELAXED);
}


static bool
stopped(void)
{
    return __atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE);
}


/* what a record is follows from whose it is: the readers make it up as well */
static void
make(rt_log_record_t *r, const uint8_t *parts[3], uint64_t who, uint64_t life,
    uint64_t seq)
{
    uint64_t  mix, most;

    mix = (who + 1) * 0x9e3779b97f4a7c15 ^ life * 0xbf58476d1ce4e5b9
          ^ seq * 0x94d049bb133111eb;
    mix ^= mix >> 29;

    memset(r, 0, sizeof(rt_log_record_t));

    r->channel = who;
    r->source = life;
    r->offset = seq;
    r->workers = mix;
    r->time = ~mix;
    r->kind = (uint32_t) mix;

    most = mix % 8 ? 300 : 5000;
    r->data = (uint32_t) (mix >> 8) % most;
    r->info = (uint32_t) (mix >> 16) % most;
    r->tags = (uint32_t) (mix >> 24) % most;

    parts[0] = shared->pool + (mix >> 32) % (SIZE / 2);
    parts[1] = parts[0] + r->data;
    parts[2] = parts[1] + r->info;
}


static void
produce(uint64_t who, uint64_t life)
{
    uint64_t          seq;
    const uint8_t    *parts[3];
    rt_log_record_t   r;

    for (seq = 1; !stopped(); seq++) {
        make(&r, parts, who, life, seq);

        lock();
        rt_log_append(ring, &r, parts);
        unlock(getpid());

        __atomic_store_n(&shared->noted[who][life], seq, __ATOMIC_RELEASE);
    }
}


static uint64_t
noted(uint64_t who, uint64_t life)
{
    return __atomic_load_n(&shared->noted[who][life], __ATOMIC_ACQUIRE);
}


/* the lives from p's to `life` have ended */
static void
check_ended(const place_t *p, uint64_t who, uint64_t life, result_t *res)
{
    uint64_t  i, seen;

    for (i = p->life; i < life; i++) {
        seen = i == p->life ? p->seq : 0;
        res->lost += noted(who, i) > seen;
    }
}


static void
check_order(place_t *p, const rt_log_record_t *r, result_t *res)
{
    if (p->sure && r->source == p->life) {
        res->gaps += r->offset != p->seq + 1;

    } else if (p->sure) {
        res->gaps += r->source < p->life || r->offset != 1;
        check_ended(p, r->channel, r->source, res);

    } else {
        res->gaps += r->source < p->life
                     || (r->source == p->life && r->offset <= p->seq);
    }

    p->life = r->source;
    p->seq = r->offset;
    p->sure = true;
}


/* false: it was lapped after all */
static bool
check_bytes(uint64_t cursor, const rt_log_record_t *r, result_t *res)
{
    size_t            len;
    const uint8_t    *parts[3];
    static uint8_t    buf[SIZE];
    rt_log_record_t   want;

    make(&want, parts, r->channel, r->source, r->offset);
    want.position = cursor;

    if (memcmp(&want, r, sizeof(want)) != 0) {
        res->torn++;
        return true;
    }

    len = (size_t) r->data + r->info + r->tags;

    if (rt_log_copy(ring, cursor, 0, buf, len) != RT_LOG_OK) {
        return false;
    }

    res->torn += memcmp(buf, parts[0], len) != 0;

    return true;
}


static uint64_t
lapped(place_t *place, result_t *res)
{
    unsigned  i;

    res->laps++;

    for (i = 0; i < PRODUCERS; i++) {
        place[i].sure = false;
    }

    return rt_log_head(ring);
}


static void
consume(result_t *res)
{
    bool              last;
    place_t           place[PRODUCERS];
    uint64_t          cursor;
    rt_log_record_t   r;
    rt_log_result_t   rc;

    memset(place, 0, sizeof(place));
    cursor = lapped(place, res);

    do {
        last = stopped();
        rc = rt_log_peek(ring, cursor, &r);

        if (rc == RT_LOG_EMPTY) {
            sched_yield();
            continue;
        }

        if (rc == RT_LOG_OK && r.channel >= PRODUCERS) {
            res->torn++;
            return;
        }

        if (rc != RT_LOG_OK || !check_bytes(cursor, &r, res)) {
            cursor = lapped(place, res);
            continue;
        }

        check_order(&place[r.channel], &r, res);
        res->read++;
        cursor = rt_log_next(cursor, &r);

    } while (!last || rc != RT_LOG_EMPTY);
}


static pid_t
spawn(bool reader, unsigned who, uint64_t life)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid != 0) {
        return pid;
    }

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);

    if (reader) {
        consume(&shared->result[who]);

    } else {
        produce(who, life);
    }

    _exit(0);
}


static double
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


/* 0: it had not the lock; 1: it had; 2: it stood in the middle of an append */
static int
slay(pid_t pid)
{
    int  held, status;

    kill(pid, SIGKILL);

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* void */ }

    if (__atomic_load_n(&shared->lock, __ATOMIC_ACQUIRE) != pid) {
        return 0;
    }

    held = ring->reserve > ring->head ? 2 : 1;
    unlock(pid);

    return held;
}


static void
run(uint64_t *kills, uint64_t *inside)
{
    int              status;
    pid_t            producer[PRODUCERS], reader[READERS];
    double           end;
    uint64_t         life[PRODUCERS];
    unsigned         i;
    struct timespec  pace;

    for (i = 0; i < READERS; i++) {
        reader[i] = spawn(true, i, 0);
    }

    for (i = 0; i < PRODUCERS; i++) {
        life[i] = 1;
        producer[i] = spawn(false, i, 1);
    }

    pace.tv_sec = 0;

    for (end = now() + SECONDS; now() < end; /* void */ ) {
        pace.tv_nsec = (long) death_rand(4000000);
        nanosleep(&pace, NULL);

        i = (unsigned) death_rand(PRODUCERS);

        if (++life[i] == LIVES) {
            break;
        }

        *inside += slay(producer[i]) == 2;
        *kills += 1;

        producer[i] = spawn(false, i, life[i]);
    }

    __atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);

    for (i = 0; i < PRODUCERS; i++) {
        ok(waitpid(producer[i], &status, 0) > 0 && status == 0, "producer");
    }

    for (i = 0; i < READERS; i++) {
        ok(waitpid(reader[i], &status, 0) > 0 && status == 0, "reader");
    }
}


static void
judge(uint64_t kills, uint64_t inside)
{
    unsigned   i;
    result_t  *res;

    printf("# %llu kills, %llu of them within an append; round %llu\n",
           (unsigned long long) kills, (unsigned long long) inside,
           (unsigned long long) (ring->head / ring->size));

    ok(kills > 20 && inside > 0, "the kills hit");
    ok(ring->head / ring->size > 10, "the log came round");

    for (i = 0; i < READERS; i++) {
        res = &shared->result[i];

        printf("# reader %u: %llu read, %llu laps\n", i,
               (unsigned long long) res->read, (unsigned long long) res->laps);

        ok(res->read > 100, "it read");
        ok(res->torn == 0, "%llu torn", (unsigned long long) res->torn);
        ok(res->gaps == 0, "%llu gaps", (unsigned long long) res->gaps);
        ok(res->lost == 0, "%llu lost", (unsigned long long) res->lost);
    }

    tap_group("producers are killed, readers see whole records in order");
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
    size_t    i;
    uint64_t  kills, inside;

    death_seed();

    shared = share(sizeof(shared_t));
    ring = rt_log_init(share(SIZE + sizeof(rt_log_t)),
                       SIZE + sizeof(rt_log_t));

    for (i = 0; i < SIZE; i++) {
        shared->pool[i] = (uint8_t) death_rand(256);
    }

    kills = 0;
    inside = 0;

    run(&kills, &inside);
    judge(kills, inside);

    return tap_done();
}
