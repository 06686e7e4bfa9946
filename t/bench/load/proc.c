
/*
 * What processes have used, as /proc tells it: time on a CPU and memory of
 * their own.  Called by load.c and idle.c.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "load.h"


typedef uint64_t (*load_proc_pt)(FILE *f);


static uint64_t load_proc_sum(load_t *l, const char *pids, const char *name,
    load_proc_pt read, bool all);
static uint64_t load_proc_schedstat(FILE *f);
static uint64_t load_proc_smaps(FILE *f);
static const char *load_proc_tree(load_t *l, uint32_t pid, char *text,
    size_t size);
static uint64_t load_proc_anonymous(FILE *f);


/*
 * The scheduler's own clock, nanoseconds; /proc/PID/stat shows the same clock
 * in steps of 10 ms.
 */
uint64_t
load_proc_cpu(load_t *l, const char *pids)
{
    return load_proc_sum(l, pids, "schedstat", load_proc_schedstat, true);
}


/*
 * Pages that no other process has, without those of shared mappings: such a
 * page counts as private as long as one process only has touched it.
 */
uint64_t
load_proc_private(load_t *l, const char *pids)
{
    return load_proc_sum(l, pids, "smaps", load_proc_smaps, true);
}


/* all: none may be gone */
static uint64_t
load_proc_sum(load_t *l, const char *pids, const char *name, load_proc_pt read,
    bool all)
{
    char        *end, path[256];
    long         pid;
    FILE        *f;
    uint64_t     sum;
    const char  *p;

    sum = 0;

    for (p = pids; *p; p = *end ? end + 1 : end) {
        pid = strtol(p, &end, 10);

        if (end == p || (*end && *end != ',')) {
            load_fail("bad list of pids: %s", pids);
        }

        snprintf(path, sizeof(path), "%s/%ld/%s", l->proc, pid, name);

        f = fopen(path, "r");
        if (f == NULL) {
            if (all) {
                load_fail("process %ld is gone, or there is no %s", pid, path);
            }

            continue;
        }

        sum += read(f);
        fclose(f);
    }

    return sum;
}


/* those that have ended count in steps of 10 ms */
uint64_t
load_proc_tree_cpu(load_t *l, uint32_t pid)
{
    FILE                *f;
    char                *end, text[4096], path[256];
    uint64_t             sum;
    unsigned long long   user, system;

    snprintf(path, sizeof(path), "%s/%u/stat", l->proc, pid);

    f = fopen(path, "r");
    if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
        load_fail("no %s", path);
    }

    fclose(f);

    /* behind the name, which may contain anything */

    end = strrchr(text, ')');

    if (end == NULL
        || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                  " %*u %*u %llu %llu", &user, &system) != 2)
    {
        load_fail("cannot read %s", path);
    }

    sum = (user + system) * (LOAD_SECOND / (uint64_t) sysconf(_SC_CLK_TCK));

    return sum + load_proc_sum(l, load_proc_tree(l, pid, text, sizeof(text)),
                               "schedstat", load_proc_schedstat, false);
}


uint64_t
load_proc_tree_memory(load_t *l, uint32_t pid)
{
    char  text[4096];

    return load_proc_sum(l, load_proc_tree(l, pid, text, sizeof(text)),
                         "status", load_proc_anonymous, false);
}


/* the process and its children, with commas */
static const char *
load_proc_tree(load_t *l, uint32_t pid, char *text, size_t size)
{
    FILE    *f;
    char     path[256], *p;
    size_t   len;

    snprintf(path, sizeof(path), "%s/%u/task/%u/children", l->proc, pid, pid);

    f = fopen(path, "r");
    if (f == NULL) {
        load_fail("no %s", path);
    }

    len = (size_t) snprintf(text, size, "%u ", pid);
    len += fread(text + len, 1, size - len - 1, f);
    fclose(f);

    while (len && text[len - 1] == ' ') {
        len--;
    }

    text[len] = '\0';

    for (p = text; *p; p++) {
        if (*p == ' ') {
            *p = ',';
        }
    }

    return text;
}


/* memory of its own that is in use, of what it took and what it changed */
static uint64_t
load_proc_anonymous(FILE *f)
{
    char                line[256];
    unsigned long long  kb;

    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "RssAnon: %llu", &kb) == 1) {
            return kb * 1024;
        }
    }

    return 0;
}


static uint64_t
load_proc_schedstat(FILE *f)
{
    unsigned long long  ns;

    if (fscanf(f, "%llu", &ns) != 1) {
        load_fail("cannot read schedstat");
    }

    return ns;
}


static uint64_t
load_proc_smaps(FILE *f)
{
    char                line[4352], mode[5];
    bool                shared;
    uint64_t            sum;
    unsigned long long  kb;

    sum = 0;
    shared = true;
    mode[4] = '\0';

    while (fgets(line, sizeof(line), f)) {

        if (sscanf(line, "%*x-%*x %4c", mode) == 1) {
            shared = mode[3] == 's';

        } else if (!shared
                   && (sscanf(line, "Private_Clean: %llu", &kb) == 1
                       || sscanf(line, "Private_Dirty: %llu", &kb) == 1))
        {
            sum += kb * 1024;
        }
    }

    return sum;
}
