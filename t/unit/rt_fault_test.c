
/* Fault points: what a text arms, when they act, what of it others see. */


#include "tap.h"
#include "rt_fault.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>


#define POINT  RT_FAULT_publish_hold


static void
test_spec(void)
{
    unsigned                 i;
    const char              *wrong;
    const rt_fault_point_t  *p;

    static const struct {
        const char  *spec;
        uint16_t     action;
        uint16_t     ms;
        uint32_t     left;
    } good[] = {
        { "publish_hold:kill", RT_FAULT_KILL, 0, 1 },
        { "publish_hold:stop@7", RT_FAULT_STOP, 0, 7 },
        { "publish_hold:delay=20", RT_FAULT_DELAY, 20, 1 },
        { "store:kill@4000000000,publish_hold:delay=65535@2",
          RT_FAULT_DELAY, 65535, 2 },
        { "publish_hold:alloc,publish_hold:write", RT_FAULT_WRITE, 0, 1 }
    };

    static const char  *bad[] = {
        "", ",", "publish_hold", "publish_hold:", ":kill", "publish:kill",
        "publish_hold:kill@", "publish_hold:kill@0", "publish_hold:killed",
        "publish_hold:kill@5000000000", "publish_hold:kill=1",
        "publish_hold:delay", "publish_hold:delay=70000",
        "publish_hold:kill,", "publish_hold:kill@1@2", "publish_hold: kill"
    };

    p = &rt_fault_table->point[POINT];

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        wrong = rt_fault_init(good[i].spec, NULL);

        ok(wrong == NULL, "%s: refused", good[i].spec);
        ok(p->action == good[i].action && p->ms == good[i].ms
           && p->left == good[i].left, "%s: %u, %u ms, %u", good[i].spec,
           p->action, p->ms, p->left);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(rt_fault_init(bad[i], NULL) != NULL, "%s: taken", bad[i]);
    }

    wrong = rt_fault_init("store:stop,nowhere:kill", NULL);
    ok(wrong && strcmp(wrong, "nowhere:kill") == 0, "what is wrong: %s",
       wrong);

    ok(rt_fault_init(NULL, NULL) == NULL, "nothing is refused");
    ok(rt_fault_init(NULL, "/nowhere") != NULL, "no such folder, taken");

    for (i = 0; i < RT_FAULT_N; i++) {
        rt_fault_table->point[i].left = 0;
    }

    tap_group("what a text arms");
}


/* a child with a table in a folder; returns its status */

static int
child(const char *dir, unsigned passes, int *pid)
{
    int       status;
    unsigned  i;

    *pid = fork();

    if (*pid == 0) {
        if (rt_fault_init(NULL, dir) != NULL) {
            _exit(9);
        }

        rt_fault_hold();

        for (i = 0; i < passes; i++) {
            rt_fault(publish_hold);
        }

        rt_fault_release();
        _exit(0);
    }

    (void) waitpid(*pid, &status, 0);

    return status;
}


static void
test_table(void)
{
    int                status, pid;
    char               path[256], dir[] = "/tmp/rt-fault-XXXXXX";
    FILE              *f;
    rt_fault_table_t   table;

    if (!ok(mkdtemp(dir) != NULL, "no folder")) {
        tap_group("what others see");
        return;
    }

    status = child(dir, 5, &pid);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);

    snprintf(path, sizeof(path), "%s/%d", dir, pid);
    f = fopen(path, "r");
    ok(f && fread(&table, sizeof(table), 1, f) == 1, "no table");
    if (f) { fclose(f); }
    remove(path);

    ok(table.point[POINT].passes == 5, "%lu passes",
       (unsigned long) table.point[POINT].passes);
    ok(strcmp(table.point[POINT].name, "publish_hold") == 0, "its name: %s",
       table.point[POINT].name);
    ok(table.held == 0 && table.longest > 0, "held %lu, longest %lu",
       (unsigned long) table.held, (unsigned long) table.longest);

    /* the next one dies at its third pass, in a hold */

    table.point[POINT].action = RT_FAULT_KILL;
    table.point[POINT].left = 3;
    table.point[POINT].passes = 0;

    snprintf(path, sizeof(path), "%s/next", dir);
    f = fopen(path, "w");
    ok(f && fwrite(&table, sizeof(table), 1, f) == 1, "no table");
    if (f) { fclose(f); }

    status = child(dir, 5, &pid);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d",
       status);

    snprintf(path, sizeof(path), "%s/%d", dir, pid);
    f = fopen(path, "r");
    ok(f && fread(&table, sizeof(table), 1, f) == 1, "no table");
    if (f) { fclose(f); }
    remove(path);

    ok(table.point[POINT].passes == 3 && table.point[POINT].left == 0,
       "%lu passes", (unsigned long) table.point[POINT].passes);
    ok(table.held == 1, "held %lu", (unsigned long) table.held);

    ok(rmdir(dir) == 0, "something is left in %s", dir);

    tap_group("what others see");
}


int
main(void)
{
    test_spec();
    test_table();

    return tap_done();
}
