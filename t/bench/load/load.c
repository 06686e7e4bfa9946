
/*
 * A load generator with five works: to publish to subscribers, with a fixed
 * number in flight or at a fixed rate, to make handshakes, to hold idle
 * connections, to come back after a reload, and to come back to another node.
 * It checks every byte that comes, and divides what was done by the CPU time of
 * the server's processes, and of Redis, or their memory by the connections.
 *
 * Called by t/bench/run, which starts the servers; calls the parts listed in
 * load.h.  Prints one line of name=value.  Status 0: all came, once and in
 * order; 1: not so; 2: the run could not be made.
 */


#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include "load.h"


typedef struct {
    load_counts_t  counts;
    uint64_t       time;
    uint64_t       server;
    uint64_t       softirq;
    uint64_t       redis;
    uint64_t       own;
    load_redis_t   done;
} load_mark_t;


typedef struct {
    const char    *name;
    int            value;
} load_name_t;


static void load_options(load_t *l, int argc, char **argv);
static int load_named(const load_name_t *names, const char *text);
static uint32_t load_number(const char *text);
static uint16_t load_port(const char *text);
static void load_check_options(load_t *l);
static void load_prepare(load_t *l);
static void load_prepare_publisher(load_t *l, load_conn_t *c, uint32_t i);
static void load_mark(load_t *l, load_mark_t *m);
static void load_report_publishes(load_mark_t *a, load_mark_t *b);
static int load_report(load_t *l, load_mark_t *a, load_mark_t *b,
    bool stalled);
static void *load_alloc(size_t n, size_t size);


static const load_name_t  load_targets[] = {
    { "rt",        LOAD_RT },
    { "nchan",     LOAD_NCHAN },
    { "bare",      LOAD_BARE },
    { "http",      LOAD_HTTP },
    { "redis",     LOAD_REDIS },
    { "script",    LOAD_SCRIPT },
    { NULL, 0 }
};


static const load_name_t  load_works[] = {
    { "deliver",   LOAD_DELIVER },
    { "handshake", LOAD_HANDSHAKE },
    { "idle",      LOAD_IDLE },
    { "reload",    LOAD_RELOAD },
    { "recover",   LOAD_RECOVER },
    { NULL, 0 }
};


static const struct option  load_long_options[] = {
    { "work",        required_argument, NULL, 'x' },
    { "target",      required_argument, NULL, 't' },
    { "port",        required_argument, NULL, 'p' },
    { "tls-port",    required_argument, NULL, 'l' },
    { "subscribers", required_argument, NULL, 's' },
    { "channels",    required_argument, NULL, 'c' },
    { "publishers",  required_argument, NULL, 'P' },
    { "depth",       required_argument, NULL, 'd' },
    { "opening",     required_argument, NULL, 'o' },
    { "rate",        required_argument, NULL, 'r' },
    { "tenants",     required_argument, NULL, 'e' },
    { "seconds",     required_argument, NULL, 'T' },
    { "warmup",      required_argument, NULL, 'w' },
    { "count",       required_argument, NULL, 'n' },
    { "pids",        required_argument, NULL, 'i' },
    { "softirqs",    required_argument, NULL, 'q' },
    { "proc",        required_argument, NULL, 'R' },
    { "master",      required_argument, NULL, 'm' },
    { "far-port",    required_argument, NULL, 'f' },
    { "redis-port",  required_argument, NULL, 'u' },
    { "redis-pids",  required_argument, NULL, 'U' },
    { "websocket",   no_argument,       NULL, 'W' },
    { "history",     no_argument,       NULL, 'H' },
    { "durable",     no_argument,       NULL, 'D' },
    { "keyed",       no_argument,       NULL, 'K' },
    { NULL, 0, NULL, 0 }
};


int
main(int argc, char **argv)
{
    bool         stalled;
    load_mark_t  start, end;
    load_t      *l;

    l = load_alloc(1, sizeof(load_t));

    load_options(l, argc, argv);
    load_check_options(l);
    load_prepare(l);

    if (l->work == LOAD_IDLE) {
        return load_idle(l);
    }

    if (l->work == LOAD_RELOAD) {
        return load_reload(l);
    }

    if (l->work == LOAD_RECOVER) {
        return load_recover(l);
    }

    if (l->work == LOAD_DELIVER) {
        load_loop_connect(l);
    }

    l->running = true;

    if (l->work == LOAD_HANDSHAKE) {
        load_handshake_start(l);
    }

    stalled = !load_loop_run(l, l->warmup, 0);

    l->measuring = true;
    load_mark(l, &start);
    stalled = stalled || !load_loop_run(l, l->seconds, l->limit);
    load_mark(l, &end);
    l->measuring = false;

    l->running = false;
    stalled = stalled || !load_loop_drain(l);
    load_check_end(l);

    return load_report(l, &start, &end, stalled);
}


static void
load_options(load_t *l, int argc, char **argv)
{
    int  ch;

    l->subscribers = 1;
    l->channels = 1;
    l->publishers = 1;
    l->depth = 1;
    l->opening = 256;
    l->seconds = 5;
    l->warmup = 0.5;
    l->pids = "";
    l->softirqs = "";
    l->redis_pids = "";
    l->proc = "/proc";
    l->target = LOAD_BARE;

    while ((ch = getopt_long(argc, argv, "", load_long_options, NULL)) != -1) {

        switch (ch) {
        case 'x':
            l->work = (load_work_t) load_named(load_works, optarg);
            break;
        case 't':
            l->target = (load_target_t) load_named(load_targets, optarg);
            break;
        case 'p': l->port = load_port(optarg); break;
        case 'l': l->tls_port = load_port(optarg); break;
        case 's':
            l->subscribers = strcmp(optarg, "0") ? load_number(optarg) : 0;
            break;
        case 'c': l->channels = load_number(optarg); break;
        case 'P': l->publishers = load_number(optarg); break;
        case 'd': l->depth = load_number(optarg); break;
        case 'o': l->opening = load_number(optarg); break;
        case 'r': l->rate = load_number(optarg); break;
        case 'e': l->tenants = load_number(optarg); break;
        case 'T': l->seconds = strtod(optarg, NULL); break;
        case 'w': l->warmup = strtod(optarg, NULL); break;
        case 'n': l->limit = load_number(optarg); break;
        case 'i': l->pids = optarg; break;
        case 'q': l->softirqs = optarg; break;
        case 'R': l->proc = optarg; break;
        case 'm': l->master = load_number(optarg); break;
        case 'f': l->far_port = load_port(optarg); break;
        case 'u': l->redis_port = load_port(optarg); break;
        case 'U': l->redis_pids = optarg; break;
        case 'W': l->by_websocket = true; break;
        case 'D': l->durable = true;  /* fall through */
        case 'H': l->history = true; break;
        case 'K': l->keyed = true; break;
        default:
            load_fail("see the options in load.c");
        }
    }
}


static int
load_named(const load_name_t *names, const char *text)
{
    for ( ; names->name; names++) {
        if (strcmp(names->name, text) == 0) {
            return names->value;
        }
    }

    load_fail("bad name: %s", text);
}


static uint32_t
load_number(const char *text)
{
    char           *end;
    unsigned long   n;

    n = strtoul(text, &end, 10);

    if (end == text || *end || n == 0 || n > 100000000) {
        load_fail("bad number: %s", text);
    }

    return (uint32_t) n;
}


static uint16_t
load_port(const char *text)
{
    uint32_t  n;

    n = load_number(text);
    if (n > 65535) {
        load_fail("bad port: %s", text);
    }

    return (uint16_t) n;
}


static void
load_check_options(load_t *l)
{
    if (l->work != LOAD_DELIVER && l->work != LOAD_RECOVER && l->rate == 0) {
        l->publishers = 0;
    }

    if (l->port == 0) {
        load_fail("--port is missing");
    }

    if (l->work == LOAD_RELOAD && l->master == 0) {
        load_fail("--master is missing");
    }

    if (l->publishers > l->channels) {
        load_fail("more publishers than channels: a channel has one");
    }

    if (l->by_websocket && l->target != LOAD_RT && l->target != LOAD_NCHAN) {
        load_fail("--websocket is for --target rt and nchan");
    }

    if (l->history && l->target != LOAD_RT) {
        load_fail("--history is for --target rt");
    }

    if (l->keyed && (l->target != LOAD_RT || l->by_websocket)) {
        load_fail("--keyed is for --target rt, by HTTP");
    }

    if (l->target == LOAD_SCRIPT && l->subscribers) {
        load_fail("--target script has no subscribers");
    }

    if (l->work == LOAD_RECOVER
        && (!l->history || l->publishers != l->channels))
    {
        load_fail("--work recover needs a history, and as many publishers as "
                  "channels");
    }

    if (l->target == LOAD_HTTP && l->work != LOAD_HANDSHAKE) {
        load_fail("--target http is for --work handshake");
    }
}


static void
load_prepare(load_t *l)
{
    uint32_t         i, ring;
    load_conn_t     *c;
    load_channel_t  *ch;

    for (ring = 1; ring < l->depth; ring *= 2) { /* void */ }

    l->ring_mask = ring - 1;
    l->channel = load_alloc(l->channels, sizeof(load_channel_t));
    l->conn = load_alloc(l->subscribers + l->publishers, sizeof(load_conn_t));

    for (i = 0; i < l->channels; i++) {
        l->channel[i].ring = load_alloc(ring, sizeof(load_publish_t));
        load_target_templates(l, i);
    }

    for (i = 0; i < l->subscribers + l->publishers; i++) {
        c = &l->conn[i];
        c->carry = load_alloc(1, LOAD_CARRY);

        if (i < l->subscribers) {
            ch = &l->channel[i % l->channels];
            ch->subscribers++;
            c->channel = ch;

        } else {
            load_prepare_publisher(l, c, i - l->subscribers);
        }
    }

    l->epoll = epoll_create1(0);
    if (l->epoll == -1) {
        load_fail("epoll_create1: %s", strerror(errno));
    }
}


static void
load_prepare_publisher(load_t *l, load_conn_t *c, uint32_t i)
{
    load_publisher_t  *p;

    p = load_alloc(1, sizeof(load_publisher_t));

    p->first_channel = i;
    p->channel = i;
    p->pending = load_alloc(l->ring_mask + 1, sizeof(load_pending_t));
    p->out_size = (size_t) (l->depth + 1) * (LOAD_TEXT_MAX + 16);
    p->out = load_alloc(1, p->out_size);

    c->publisher = p;
}


static void
load_mark(load_t *l, load_mark_t *m)
{
    struct timespec  ts;

    load_redis_done(l, &m->done);

    m->server = load_proc_cpu(l, l->pids);
    m->softirq = load_proc_cpu(l, l->softirqs);
    m->redis = load_proc_cpu(l, l->redis_pids);
    m->time = load_clock();
    m->counts = l->counts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    m->own = (uint64_t) ts.tv_sec * LOAD_SECOND + (uint64_t) ts.tv_nsec;
}


/* publishes, and what each took of nginx and of Redis */
static void
load_report_publishes(load_mark_t *a, load_mark_t *b)
{
    double  n, wall, cpu, redis;

    n = (double) (b->counts.completed - a->counts.completed);
    wall = (double) (b->time - a->time) / 1e9;
    cpu = (double) (b->server - a->server + b->softirq - a->softirq) / 1e9;
    redis = (double) (b->redis - a->redis) / 1e9;

    if (n == 0 || cpu + redis == 0) {
        return;
    }

    printf("publishes=%.0f publishes_cpu=%.0f publishes_both=%.0f"
           " redis_us=%.3f script_us=%.3f commands=%.3f scripts=%.3f ",
           n / wall, cpu > 0 ? n / cpu : 0, n / (cpu + redis),
           redis * 1e6 / n,
           (double) (b->done.script_us - a->done.script_us) / n,
           (double) (b->done.commands - a->done.commands) / n,
           (double) (b->done.scripts - a->done.scripts) / n);
}


static int
load_report(load_t *l, load_mark_t *a, load_mark_t *b, bool stalled)
{
    double          wall, cpu, done;
    load_counts_t  *c;

    c = &l->counts;

    if (l->work == LOAD_HANDSHAKE) {
        c->lost = c->begun - c->completed;
        done = (double) (b->counts.completed - a->counts.completed);

    } else {
        done = (double) (b->counts.deliveries - a->counts.deliveries);
    }

    wall = (double) (b->time - a->time) / 1e9;
    cpu = (double) (b->server - a->server + b->softirq - a->softirq) / 1e9;

#define load_delta(f)  ((unsigned long long) (b->counts.f - a->counts.f))
#define load_all(f)    ((unsigned long long) c->f)

    load_report_publishes(a, b);

    printf("deliveries=%llu completed=%llu wall=%.3f cpu=%.3f softirq=%.3f"
           " per_cpu=%.0f per_wall=%.0f server_busy=%.2f load_busy=%.2f"
           " reads=%llu bytes=%llu p50_us=%.0f p99_us=%.0f late_us=%.0f"
           " lost=%llu duplicated=%llu reordered=%llu corrupt=%llu"
           " stalled=%d\n",
           load_delta(deliveries), load_delta(completed), wall, cpu,
           (double) (b->softirq - a->softirq) / 1e9,
           cpu > 0 ? done / cpu : 0, done / wall, cpu / wall,
           (double) (b->own - a->own) / 1e9 / wall,
           load_delta(reads), load_delta(bytes),
           (double) load_check_latency(l, 0.5) / 1e3,
           (double) load_check_latency(l, 0.99) / 1e3,
           (double) l->late / 1e3,
           load_all(lost), load_all(duplicated), load_all(reordered),
           load_all(corrupt), stalled);

    return stalled || c->lost || c->duplicated || c->reordered || c->corrupt;
}


uint64_t
load_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * LOAD_SECOND + (uint64_t) ts.tv_nsec;
}


void
load_fail(const char *fmt, ...)
{
    va_list  args;

    fputs("load: ", stderr);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);
    exit(2);
}


static void *
load_alloc(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        load_fail("no memory");
    }

    return p;
}
