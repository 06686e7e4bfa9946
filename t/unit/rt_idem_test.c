
/*
 * Idempotency keys: contents and their digests; and publishers with keys who
 * die at every step, beside a log in which each record has to stand once for
 * each key and window.
 */


#include <sys/mman.h>

#include "tap.h"
#include "rt_death.h"
#include "rt_heap.h"
#include "rt_idem.h"
#include "rt_log.h"


#define BUCKETS  16
#define OWNERS   2
#define KEYS     12
#define CONTENTS 2
#define WINDOW   40
#define ROUNDS   4000


typedef struct {
    rt_txn_t          txn;
    rt_idem_table_t   table;
    rt_idem_t        *bucket[BUCKETS];
    uint64_t          count;
    uint64_t          mark;
} zone_t;


typedef enum { NEW, SAME, OTHER, FULL } outcome_t;


typedef struct {
    unsigned          owner;
    unsigned          key;
    unsigned          content;
    uint64_t          now;
    outcome_t         outcome;
    uint64_t          offset;
} op_t;


/* what was accepted under a key, as the model has it */
typedef struct {
    uint64_t          offset;     /* 0: nothing */
    uint64_t          until;
    unsigned          content;
} known_t;


static zone_t      zone;
static rt_heap_t  *heap;
static rt_log_t   *log_;
static known_t     model[OWNERS][KEYS];
static uint64_t    owners[OWNERS];

static rt_hash_key_t  secret = { 0x1234, 0x5678 };


static rt_str_t
str(const char *s)
{
    rt_str_t  v;

    v.len = strlen(s);
    v.data = (uint8_t *) s;

    return v;
}


/* the head of the log counts records here, since all are as long */
static uint64_t
records(void)
{
    return rt_log_head(log_) / (2 * RT_LOG_ALIGN);
}


static void
make_key(rt_idem_key_t *k, unsigned key, unsigned content)
{
    char          text[2];
    rt_str_t      scope, data;
    rt_content_t  c;

    /* a.b and ab. are two keys though their texts are one */
    static const char *const  scopes[] = { "room", "rooma", "" };
    static const char *const  names[] = { "ab", "b", "roomab", "x" };

    memset(&c, 0, sizeof(rt_content_t));

    text[0] = (char) ('0' + content);
    text[1] = '\0';

    data = str(text);
    rt_content_data(&c, &secret, &data);

    scope = str(scopes[key % 3]);
    data = str(names[key / 3 % 4]);

    rt_idem_key(k, &secret, &scope, &data, &secret, &c);
}


static void
append(uint64_t offset)
{
    uint8_t          data[RT_LOG_ALIGN];
    const uint8_t   *parts[3] = { data, data, data };
    rt_log_record_t  r;

    memset(data, (int) offset, sizeof(data));
    memset(&r, 0, sizeof(r));
    r.offset = offset;
    r.data = sizeof(data);

    rt_log_append(log_, &r, parts);

    rt_txn_store(&zone.mark, offset);
}


/* as who takes the mutex has it */
static void
begin(void *txn)
{
    if (rt_txn_begin(txn) == RT_TXN_KEPT) {
        rt_txn_store(&zone.mark, records());
        rt_txn_commit(txn);
    }
}


static void
publish(void *data)
{
    op_t          *op = data;
    rt_idem_t     *e;
    rt_idem_key_t  k;

    make_key(&k, op->key, op->content);

    begin(&zone.txn);

    e = rt_idem_expire(&zone.table, &zone.txn, op->now);

    if (e) {
        rt_txn_add(&zone.txn, &zone.count, -1);
        rt_heap_free(heap, &zone.txn, e);
        rt_txn_commit(&zone.txn);
    }

    e = rt_idem_lookup(&zone.table, &owners[op->owner], &k, op->now);

    if (e) {
        op->outcome = rt_idem_same(e, &k) ? SAME : OTHER;
        op->offset = e->offset;
        return;
    }

    e = rt_heap_alloc(heap, &zone.txn, rt_idem_size(&k));

    if (e == NULL) {
        rt_txn_abort(&zone.txn);
        op->outcome = FULL;
        return;
    }

    rt_idem_link(&zone.table, &zone.txn, e, &owners[op->owner], &k,
                 op->now + WINDOW);
    rt_txn_add(&zone.txn, &zone.count, 1);

    e->offset = records() + 1;

    if (rt_txn_hang(&zone.txn, &log_->head)) {
        append(e->offset);
    }

    rt_txn_commit(&zone.txn);

    op->outcome = NEW;
    op->offset = e->offset;
}


/* each entry once in its bucket and once in the order, and no other */
static bool
whole(void)
{
    unsigned         i;
    uint64_t         n, chained;
    rt_idem_t       *e, *last;
    rt_heap_stat_t   st;

    chained = 0;

    for (i = 0; i < BUCKETS; i++) {
        for (e = zone.bucket[i]; e; e = e->next) {
            chained++;
        }
    }

    n = 0;
    last = NULL;

    for (e = zone.table.first; e; e = e->later) {
        last = e;
        n++;
    }

    rt_heap_stat(heap, &st);

    return n == chained && n == zone.count && last == zone.table.last
           && (n == 0) == (st.bytes_used == 0) && rt_heap_check(heap);
}


static void
accept(op_t *op, uint64_t offset)
{
    known_t  *m;

    m = &model[op->owner][op->key];

    ok(m->offset == 0 || op->now >= m->until,
       "key %u is taken once in its window", op->key);

    m->offset = offset;
    m->until = op->now + WINDOW;
    m->content = op->content;
}


static void
judge(op_t *op)
{
    known_t  *m;

    m = &model[op->owner][op->key];

    if (op->outcome == NEW) {
        accept(op, op->offset);
        return;
    }

    ok(op->outcome != FULL, "there is room");
    ok(m->offset == op->offset, "the first result");
    ok(op->now < m->until, "within its window");
    ok((m->content == op->content) == (op->outcome == SAME), "its content");
}


static void
test_deaths(void)
{
    long      at;
    op_t      op;
    uint64_t  was, now, deaths[2];
    unsigned  round, lives;

    now = 1;
    deaths[0] = deaths[1] = 0;

    for (round = 0; round < ROUNDS; round++) {
        now += death_rand(4);

        op.owner = (unsigned) death_rand(OWNERS);
        op.key = (unsigned) death_rand(KEYS);
        op.content = (unsigned) death_rand(CONTENTS);
        op.now = now;

        /* whoever does not hear of it asks again */

        lives = 0;

        for (at = 0; /* void */ ; at++) {
            was = records();

            if (death_run(publish, &op, at)) {
                break;
            }

            while (!death_run(begin, &zone.txn, (long) death_rand(12))) {
                /* void */
            }

            deaths[records() != was]++;

            if (records() != was) {
                accept(&op, records());
                at = 0;
            }

            ok(zone.mark == records(), "readers know of all records");
            ok(whole(), "round %u, a death at step %ld", round, at);

            if (++lives == 1000) {
                ok(0, "a publish without end");
                tap_group("each key is taken once, whoever dies");
                return;
            }
        }

        judge(&op);
        ok(whole(), "round %u", round);
    }

    ok(deaths[0] > ROUNDS && deaths[1] > ROUNDS / 10,
       "deaths before and behind the acceptance: %llu, %llu",
       (unsigned long long) deaths[0], (unsigned long long) deaths[1]);

    tap_group("each key is taken once, whoever dies");
}


static void
test_window(void)
{
    rt_idem_t      *a, *b;
    rt_idem_key_t   k;

    memset(&zone.table, 0, sizeof(rt_idem_table_t));
    memset(zone.bucket, 0, sizeof(zone.bucket));
    zone.table.buckets = zone.bucket;
    zone.table.mask = BUCKETS - 1;

    make_key(&k, 3, 0);
    a = calloc(1, rt_idem_size(&k));
    b = calloc(1, rt_idem_size(&k));

    ok(rt_idem_expire(&zone.table, &zone.txn, 100) == NULL, "nothing there");

    rt_idem_link(&zone.table, &zone.txn, a, owners, &k, 10);
    rt_txn_commit(&zone.txn);

    ok(rt_idem_lookup(&zone.table, owners, &k, 9) == a, "in its window");
    ok(rt_idem_lookup(&zone.table, owners + 1, &k, 9) == NULL,
       "nobody else's");
    ok(rt_idem_lookup(&zone.table, owners, &k, 10) == NULL, "and no longer");

    rt_idem_link(&zone.table, &zone.txn, b, owners, &k, 20);
    rt_txn_commit(&zone.txn);

    ok(rt_idem_lookup(&zone.table, owners, &k, 15) == b, "the newer one");
    ok(rt_idem_expire(&zone.table, &zone.txn, 9) == NULL, "none is over");
    ok(rt_idem_expire(&zone.table, &zone.txn, 15) == a, "the older one");
    rt_txn_commit(&zone.txn);
    ok(rt_idem_lookup(&zone.table, owners, &k, 15) == b, "the newer stays");
    ok(rt_idem_expire(&zone.table, &zone.txn, 15) == NULL, "until it is over");
    ok(rt_idem_expire(&zone.table, &zone.txn, 20) == b, "which it is");
    rt_txn_commit(&zone.txn);
    ok(zone.table.first == NULL && zone.table.last == NULL, "empty again");

    free(a);
    free(b);

    tap_group("windows");
}


static void
digest(uint64_t out[2], const char *data, const char *type, uint64_t version,
    const char *tags)
{
    char           name[2], value[2];
    rt_str_t       s, v;
    rt_content_t   c;
    rt_idem_key_t  k;

    memset(&c, 0, sizeof(rt_content_t));
    name[1] = value[1] = '\0';

    s = str(data);
    rt_content_data(&c, &secret, &s);

    if (type) {
        s = str(type);
        rt_content_type(&c, &secret, &s, version);
    }

    for ( /* void */ ; *tags; tags += 2) {
        name[0] = tags[0];
        value[0] = tags[1];
        s = str(name);
        v = str(value);
        rt_content_tag(&c, &secret, &s, &v);
    }

    s = str("scope");
    rt_idem_key(&k, &secret, &s, &s, &secret, &c);

    memcpy(out, k.digest, sizeof(k.digest));
}


static void
test_content(void)
{
    unsigned  i, j;
    uint64_t  d[9][2], other[2];

    digest(d[0], "1", NULL, 0, "");
    digest(d[1], "2", NULL, 0, "");
    digest(d[2], "1", "t", 1, "");
    digest(d[3], "1", "t", 2, "");
    digest(d[4], "1", "u", 1, "");
    digest(d[5], "1", NULL, 0, "kv");
    digest(d[6], "1", NULL, 0, "vk");
    digest(d[7], "1", NULL, 0, "kvlw");
    digest(d[8], "1", NULL, 0, "kwlv");

    for (i = 0; i < 9; i++) {
        for (j = 0; j < i; j++) {
            ok(memcmp(d[i], d[j], sizeof(d[i])) != 0, "%u is not %u", i, j);
        }
    }

    digest(other, "1", "t", 1, "");
    ok(memcmp(other, d[2], sizeof(other)) == 0, "the same twice");
    digest(other, "1", NULL, 0, "lwkv");
    ok(memcmp(other, d[7], sizeof(other)) == 0, "tags in another order");

    tap_group("contents");
}


int
main(void)
{
    size_t  size;
    void   *mem;

    death_seed();

    size = 1024 * 1024;
    mem = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    heap = rt_heap_init(mem, size);
    log_ = rt_log_init((uint8_t *) mem + size, size);

    zone.table.buckets = zone.bucket;
    zone.table.mask = BUCKETS - 1;

    test_deaths();
    test_window();
    test_content();

    return tap_done();
}
