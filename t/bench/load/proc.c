
/*
 * What processes have used, as /proc tells it: time on a CPU and memory of
 * their own.  Called by load.c and idle.c.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"


typedef uint64_t (*load_proc_pt)(FILE *f);


static uint64_t load_proc_sum(load_t *l, const char *pids, const char *name,
    load_proc_pt read);
static uint64_t load_proc_schedstat(FILE *f);
static uint64_t load_proc_smaps(FILE *f);


/*
 * The scheduler's own clock, nanoseconds; /proc/PID/stat shows the same clock
 * in steps of 10 ms.
 */
uint64_t
load_proc_cpu(load_t *l, const char *pids)
{
    return load_proc_sum(l, pids, "schedstat", load_proc_schedstat);
}


/*
 * Pages that no other process has, without those of shared mappings: such a
 * page counts as private as long as one process only has touched it.
 */
uint64_t
load_proc_private(load_t *l, const char *pids)
{
    return load_proc_sum(l, pids, "smaps", load_proc_smaps);
}


static uint64_t
load_proc_sum(load_t *l, const char *pids, const char *name, load_proc_pt read)
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
            load_fail("process %ld is gone, or there is no %s", pid, path);
        }

        sum += read(f);
        fclose(f);
    }

    return sum;
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
