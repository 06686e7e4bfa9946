
/*
 * The event log next to a model of it: readers of different speeds, producers
 * that die at every step, laps, and producers that overtake a reader between
 * its copy and its check.
 */


#include "tap.h"
#include "rt_death.h"
#include "rt_log.h"


#define SIZE      (64 * 1024)
#define READERS   4
#define KEPT      4096                /* records that the model remembers */
#define TURNS     300000


typedef struct {
    rt_log_record_t   r;
    size_t            pool;           /* where in the pool its parts are */
} item_t;


typedef struct {
    uint64_t          cursor;
    uint64_t          seq;            /* of the record that stands there */
    uint64_t          speed;
    uint64_t          read;
    uint64_t          laps;
} reader_t;


typedef struct {
    rt_log_record_t   r;
    const uint8_t    *parts[3];
    size_t            pool;
    rt_log_result_t   rc;
} append_t;


static rt_log_t  *ring;
static uint8_t    pool[SIZE];
static item_t     items[KEPT];
static uint64_t   made;               /* records, over all time */
static uint64_t   head;               /* by the model */
static uint64_t   limit;              /* the furthest that any began to write */


static size_t
padded(const rt_log_record_t *r)
{
    size_t  n;

    n = sizeof(rt_log_record_t) + r->data + r->info + r->tags;

    return (n + RT_LOG_ALIGN - 1) / RT_LOG_ALIGN * RT_LOG_ALIGN;
}


static void
plan(append_t *a)
{
    uint64_t  most;

    most = death_rand(16) ? death_rand(16) ? 400 : 6000
                          : ring->size / 4;
    most -= rt_min(most, sizeof(rt_log_record_t));

    memset(&a->r, 0, sizeof(rt_log_record_t));

    a->r.channel = made;
    a->r.workers = death_rand(UINT64_MAX);
    a->r.offset = death_rand(UINT64_MAX);
    a->r.time = death_rand(UINT64_MAX);
    a->r.kind = (uint32_t) death_rand(UINT32_MAX);
    a->r.source = death_rand(UINT64_MAX);

    a->r.data = (uint32_t) (death_rand(8) ? death_rand(most + 1) : most);
    a->r.info = (uint32_t) death_rand(most + 1 - a->r.data);
    a->r.tags = (uint32_t) death_rand(most + 1 - a->r.data - a->r.info);

    a->pool = death_rand(SIZE / 2);

    a->parts[0] = pool + a->pool;
    a->parts[1] = a->parts[0] + a->r.data;
    a->parts[2] = a->parts[1] + a->r.info;
}


static void
append(void *data)
{
    append_t  *a = data;

    a->rc = rt_log_append(ring, &a->r, a->parts);
}


/* one that comes to its end */
static void
produce(void)
{
    append_t  a;

    plan(&a);
    append(&a);

    ok(a.rc == RT_LOG_OK, "an append");
    ok(a.r.position == head, "stands where the last one ended");

    items[made % KEPT].r = a.r;
    items[made++ % KEPT].pool = a.pool;
    head += padded(&a.r);
    limit = rt_max(limit, head);

    ok(rt_log_head(ring) == head, "the head moved");
}


/* one that dies at each of its steps */
static void
produce_deaths(void)
{
    long      at;
    append_t  a;

    plan(&a);

    for (at = 0; !death_run(append, &a, at); at++) {

        if (at > 0) {
            limit = rt_max(limit, head + padded(&a.r));
        }

        ok(rt_log_head(ring) == head, "who died has published nothing");

        if (death_rand(12) == 0) {
            return;
        }
    }

    items[made % KEPT].r = a.r;
    items[made++ % KEPT].pool = a.pool;
    head += padded(&a.r);
    limit = rt_max(limit, head);
}


static void
read_parts(reader_t *rd, const item_t *it)
{
    size_t           from, len, all;
    static uint8_t   buf[SIZE];

    all = (size_t) it->r.data + it->r.info + it->r.tags;
    from = death_rand(all + 1);
    len = death_rand(all + 1 - from);

    if (death_rand(2)) {
        from = 0;
        len = all;
    }

    ok(rt_log_copy(ring, rd->cursor, from, buf, len) == RT_LOG_OK, "copied");
    ok(memcmp(buf, pool + it->pool + from, len) == 0, "byte for byte");
}


/* what a reader gets is exactly what the model says; false: no more */
static bool
read_one(reader_t *rd)
{
    bool              lapped;
    uint8_t           byte;
    rt_log_record_t   r;
    rt_log_result_t   rc;

    rc = rt_log_peek(ring, rd->cursor, &r);

    if (rd->cursor == head) {
        ok(rc == RT_LOG_EMPTY && rd->seq == made, "at the end");
        return false;
    }

    lapped = limit - rd->cursor > ring->size;
    ok(rc == (lapped ? RT_LOG_LAPPED : RT_LOG_OK), "lapped: %d", lapped);

    if (lapped) {
        ok(rt_log_copy(ring, rd->cursor, 0, &byte, 1) == RT_LOG_LAPPED,
           "nor is there anything to copy");

        rd->laps++;
        rd->cursor = rt_log_head(ring);
        rd->seq = made;
        return false;
    }

    ok(memcmp(&r, &items[rd->seq % KEPT].r, sizeof(r)) == 0, "the next one");
    read_parts(rd, &items[rd->seq % KEPT]);

    rd->cursor = rt_log_next(rd->cursor, &r);
    rd->seq++;
    rd->read++;

    return true;
}


static void
fresh(void)
{
    static uint8_t  mem[SIZE + sizeof(rt_log_t)]
                    __attribute__((aligned(RT_LOG_ALIGN)));

    memset(mem, 0xa5, sizeof(mem));

    ring = rt_log_init(mem, sizeof(mem));
    made = 0;
    head = rt_log_head(ring);
    limit = head;
}


static void
test_bounds(void)
{
    uint8_t           byte;
    append_t          a;
    rt_log_record_t   r;

    ok(rt_log_init(NULL, SIZE - 1) == NULL, "a log that is too small");

    fresh();
    ok(ring->size == SIZE, "all of it is used");
    ok(rt_log_peek(ring, head, &r) == RT_LOG_EMPTY, "a new log is empty");

    plan(&a);
    a.r.data = SIZE / 4 - sizeof(rt_log_record_t);
    a.r.info = 0;
    a.r.tags = 1;
    append(&a);
    ok(a.rc == RT_LOG_BIG, "a byte more than a quarter is too much");
    ok(rt_log_head(ring) == head, "and not there");

    a.r.data = a.r.info = a.r.tags = UINT32_MAX;
    append(&a);
    ok(a.rc == RT_LOG_BIG, "lengths do not overflow");

    a.r.data = SIZE / 4 - sizeof(rt_log_record_t);
    a.r.info = a.r.tags = 0;
    append(&a);
    ok(a.rc == RT_LOG_OK && rt_log_head(ring) == head + SIZE / 4,
       "a quarter is not too much");

    ok(rt_log_peek(ring, head + SIZE / 4 + 64, &r) == RT_LOG_LAPPED
       && rt_log_peek(ring, head - 64, &r) == RT_LOG_LAPPED
       && rt_log_peek(ring, head + 1, &r) == RT_LOG_LAPPED
       && rt_log_peek(ring, head + 64, &r) == RT_LOG_LAPPED,
       "cursors that no record has");

    ok(rt_log_copy(ring, head, a.r.data, &byte, 1) == RT_LOG_LAPPED
       && rt_log_copy(ring, head, SIZE_MAX, &byte, 1) == RT_LOG_LAPPED
       && rt_log_copy(ring, head, 1, &byte, SIZE_MAX) == RT_LOG_LAPPED
       && rt_log_copy(ring, head + SIZE, 0, &byte, 1) == RT_LOG_LAPPED,
       "ranges that no record has");

    tap_group("bounds");
}


static void
test_model(bool deaths)
{
    uint64_t   i, n;
    unsigned   turn;
    reader_t   rd[READERS];

    fresh();
    memset(rd, 0, sizeof(rd));

    for (i = 0; i < READERS; i++) {
        rd[i].speed = (uint64_t) 1 << 2 * i;
    }

    for (turn = 0; turn < TURNS; turn++) {
        i = death_rand(READERS + 2);

        if (i >= READERS) {
            if (deaths) {
                produce_deaths();

            } else {
                produce();
            }

            continue;
        }

        if (death_rand(rd[0].speed + 64) > rd[i].speed) {
            continue;
        }

        for (n = 2 * rd[i].speed; n && read_one(&rd[i]); n--) { /* void */ }
    }

    ok(head / SIZE > 200, "it came round");
    ok(rd[0].laps > 10, "the slowest was lapped");

    for (i = 0; i < READERS; i++) {
        ok(rd[i].read > 100, "all had something to read");

        printf("# reader %llu: %llu read, %llu laps; %llu made, round %llu\n",
               (unsigned long long) i, (unsigned long long) rd[i].read,
               (unsigned long long) rd[i].laps, (unsigned long long) made,
               (unsigned long long) (head / SIZE));
    }

    tap_group(deaths ? "a model, with deaths at every step" : "a model");
}


static uint64_t  burst;


/* other processes work while the reader stands between copy and check */
static void
overtake(void)
{
    uint64_t  end;

    rt_step = NULL;

    for (end = head + burst; head < end; produce()) { /* void */ }
}


static void
test_overtaken(void)
{
    bool              lapped;
    uint64_t          at, seq;
    unsigned          i;
    static uint8_t    buf[SIZE];
    rt_log_record_t   r;
    rt_log_result_t   rc;

    fresh();

    for (i = 0; i < 4000; i++) {
        at = head;
        seq = made;
        produce();

        burst = SIZE - death_rand(SIZE / 4);
        rt_step = overtake;
        rc = rt_log_peek(ring, at, &r);
        lapped = limit - at > SIZE;

        ok(rc == (lapped ? RT_LOG_LAPPED : RT_LOG_OK), "peek %d", lapped);

        if (rc != RT_LOG_OK) {
            continue;
        }

        ok(memcmp(&r, &items[seq % KEPT].r, sizeof(r)) == 0, "a whole one");

        burst = death_rand(SIZE / 4);
        rt_step = overtake;
        rc = rt_log_copy(ring, at, 0, buf, r.data);
        lapped = limit - at > SIZE;

        ok(rc == (lapped ? RT_LOG_LAPPED : RT_LOG_OK), "copy %d", lapped);
        ok(lapped || memcmp(buf, pool + items[seq % KEPT].pool, r.data) == 0,
           "byte for byte");
    }

    tap_group("producers that overtake a reader while it copies");
}


int
main(void)
{
    size_t  i;

    death_seed();

    for (i = 0; i < SIZE; i++) {
        pool[i] = (uint8_t) death_rand(256);
    }

    test_bounds();
    test_model(false);
    test_model(true);
    test_overtaken();

    return tap_done();
}
