
/*
 * The fault points of a debug build: see rt_fault.h.
 *
 * Called from wherever a point stands, under locks too, and by what takes and
 * gives back the mutexes of shared memory.  A file of the test's is all that
 * it shares with others.
 */


#include "rt_fault.h"


#ifdef RT_FAULT_POINTS


#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


/* of t/fault/held.c, where that is loaded: it looks at calls with one held */
extern void rt_held(int mutexes) __attribute__((weak));


static const char *rt_fault_map(const char *dir);
static const char *rt_fault_create(const char *path, const char *fresh);
static const char *rt_fault_parse(const char *spec);
static bool rt_fault_parse_point(const char *s, size_t len);
static void rt_fault_act(const rt_fault_point_t *p);
static void rt_fault_tell(uint64_t held);
static uint64_t rt_fault_now(void);


#define RT_FAULT_POINT(id)  { .name = #id },

static rt_fault_table_t   rt_fault_own = {
    .point = { RT_FAULT_LIST(RT_FAULT_POINT) }
};

rt_fault_table_t         *rt_fault_table = &rt_fault_own;

static uint64_t           rt_fault_since;


static const struct {
    const char         *name;
    rt_fault_action_e   action;
} rt_fault_actions[] = {
    { "kill",   RT_FAULT_KILL },
    { "stop",   RT_FAULT_STOP },
    { "delay=", RT_FAULT_DELAY },
    { "alloc",  RT_FAULT_ALLOC },
    { "write",  RT_FAULT_WRITE },
    { NULL,     RT_FAULT_NONE }
};


const char *
rt_fault_init(const char *spec, const char *dir)
{
    const char  *wrong;

    wrong = dir ? rt_fault_map(dir) : NULL;

    return wrong || spec == NULL ? wrong : rt_fault_parse(spec);
}


static const char *
rt_fault_map(const char *dir)
{
    int          fd;
    char         path[1024], fresh[1024];
    void        *mem;
    const char  *wrong;

    snprintf(path, sizeof(path), "%s/%ld", dir, (long) getpid());
    snprintf(fresh, sizeof(fresh), "%s/next", dir);

    if (rename(fresh, path) == -1) {
        snprintf(fresh, sizeof(fresh), "%s/%ld.new", dir, (long) getpid());

        wrong = rt_fault_create(path, fresh);
        if (wrong) {
            return wrong;
        }
    }

    fd = open(path, O_RDWR);
    if (fd == -1) {
        return "its table cannot be opened";
    }

    mem = mmap(NULL, sizeof(rt_fault_table_t), PROT_READ|PROT_WRITE,
               MAP_SHARED, fd, 0);
    (void) close(fd);

    if (mem == MAP_FAILED) {
        return "its table cannot be mapped";
    }

    rt_fault_table = mem;

    return NULL;
}


/* whole before it has its name */
static const char *
rt_fault_create(const char *path, const char *fresh)
{
    int      fd;
    ssize_t  n;

    fd = open(fresh, O_RDWR|O_CREAT|O_TRUNC, 0600);
    if (fd == -1) {
        return "its table cannot be created";
    }

    n = write(fd, &rt_fault_own, sizeof(rt_fault_table_t));
    (void) close(fd);

    if (n != sizeof(rt_fault_table_t) || rename(fresh, path) == -1) {
        return "its table cannot be written";
    }

    return NULL;
}


static const char *
rt_fault_parse(const char *spec)
{
    size_t  len;

    for ( ;; ) {
        len = strcspn(spec, ",");

        if (!rt_fault_parse_point(spec, len)) {
            return spec;
        }

        if (spec[len] == '\0') {
            return NULL;
        }

        spec += len + 1;
    }
}


/* false: no such point or action */
static bool
rt_fault_parse_point(const char *s, size_t len)
{
    char              *end;
    size_t             n;
    unsigned           i;
    unsigned long      ms, left;
    rt_fault_point_t  *p;

    p = NULL;
    n = 0;

    for (i = 0; i < RT_FAULT_N; i++) {
        p = &rt_fault_table->point[i];
        n = strlen(p->name);

        if (n < len && s[n] == ':' && memcmp(s, p->name, n) == 0) {
            break;
        }
    }

    if (i == RT_FAULT_N) {
        return false;
    }

    end = (char *) s + n + 1;

    for (i = 0; rt_fault_actions[i].name; i++) {
        n = strlen(rt_fault_actions[i].name);

        if (strncmp(end, rt_fault_actions[i].name, n) == 0) {
            end += n;
            break;
        }
    }

    ms = rt_fault_actions[i].action == RT_FAULT_DELAY ? strtoul(end, &end, 10)
                                                      : 0;
    left = *end == '@' ? strtoul(end + 1, &end, 10) : 1;

    if (rt_fault_actions[i].name == NULL || end != s + len
        || ms > UINT16_MAX || left == 0 || left > UINT32_MAX)
    {
        return false;
    }

    p->action = (uint16_t) rt_fault_actions[i].action;
    p->ms = (uint16_t) ms;
    p->left = (uint32_t) left;

    return true;
}


void
rt_fault_pass(unsigned point)
{
    rt_fault_point_t  *p;

    p = &rt_fault_table->point[point];

    p->passes++;

    if (rt_unlikely(__atomic_load_n(&p->left, __ATOMIC_ACQUIRE))
        && --p->left == 0)
    {
        rt_fault_act(p);
    }
}


static void
rt_fault_act(const rt_fault_point_t *p)
{
    ssize_t          n;
    void *volatile   mem;
    struct timespec  ts;

    switch (p->action) {

    case RT_FAULT_KILL:
        (void) kill(getpid(), SIGKILL);
        return;

    case RT_FAULT_STOP:
        (void) kill(getpid(), SIGSTOP);
        return;

    case RT_FAULT_DELAY:
        ts.tv_sec = p->ms / 1000;
        ts.tv_nsec = p->ms % 1000 * 1000000;

        /* not the module's doing */
        rt_fault_tell(0);
        while (nanosleep(&ts, &ts) == -1) { /* void */ }
        rt_fault_tell(rt_fault_table->held);
        return;

    case RT_FAULT_ALLOC:
        mem = malloc(64);
        free(mem);
        return;

    case RT_FAULT_WRITE:
        n = write(STDERR_FILENO, "", 0);
        (void) n;
        return;
    }
}


static void
rt_fault_tell(uint64_t held)
{
    if (rt_held) {
        rt_held((int) held);
    }
}


static uint64_t
rt_fault_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


void
rt_fault_hold(void)
{
    if (rt_fault_table->held++ == 0) {
        rt_fault_since = rt_fault_now();
    }

    rt_fault_tell(rt_fault_table->held);
}


void
rt_fault_release(void)
{
    uint64_t  now;

    if (--rt_fault_table->held == 0) {
        now = rt_fault_now();

        rt_fault_table->longest = rt_max(rt_fault_table->longest,
                                         now - rt_fault_since);
    }

    rt_fault_tell(rt_fault_table->held);
}


#endif
