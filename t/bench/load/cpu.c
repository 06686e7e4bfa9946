
/*
 * CPU time of processes by the scheduler's own clock: the first number of
 * /proc/PID/schedstat, nanoseconds on a CPU.  /proc/PID/stat shows the same
 * clock in steps of 10 ms.  Called by load.c.
 */


#include <stdio.h>
#include <stdlib.h>
#include "load.h"


static uint64_t load_cpu_process(long pid);


uint64_t
load_cpu_time(const char *pids)
{
    char        *end;
    long         pid;
    uint64_t     sum;
    const char  *p;

    sum = 0;

    for (p = pids; *p; p = *end ? end + 1 : end) {
        pid = strtol(p, &end, 10);

        if (end == p || (*end && *end != ',')) {
            load_fail("bad list of pids: %s", pids);
        }

        sum += load_cpu_process(pid);
    }

    return sum;
}


static uint64_t
load_cpu_process(long pid)
{
    int                 n;
    char                path[64];
    FILE               *f;
    unsigned long long  ns;

    snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);

    f = fopen(path, "r");
    if (f == NULL) {
        load_fail("process %ld is gone, or the kernel has no schedstat", pid);
    }

    n = fscanf(f, "%llu", &ns);
    fclose(f);

    if (n != 1) {
        load_fail("cannot read %s", path);
    }

    return ns;
}
