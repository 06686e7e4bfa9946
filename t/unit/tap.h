
/*
 * TAP for the unit tests: one program per file of pure/, named after it.
 * Passing checks are counted, not printed one by one, so that a randomised
 * test may check a million times; each group ends in one line by tap_group.
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int            tap_groups;
static int            tap_failed_groups;
static unsigned long  tap_checks;
static unsigned long  tap_failures;


__attribute__((format(printf, 4, 5), unused))
static int
tap_check(int good, const char *file, int line, const char *fmt, ...)
{
    va_list  ap;

    tap_checks++;

    if (good) {
        return 1;
    }

    if (tap_failures++ < 20) {
        printf("# %s:%d: ", file, line);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("\n");
    }

    return 0;
}


/* ok(condition, "format", ...): says what is wrong if it does not hold */
#define ok(good, ...)  tap_check(!!(good), __FILE__, __LINE__, __VA_ARGS__)


/* closes a group of checks: one line of TAP */
__attribute__((unused))
static void
tap_group(const char *name)
{
    tap_groups++;
    tap_failed_groups += tap_failures != 0;

    printf("%sok %d - %s (%lu checks)\n", tap_failures ? "not " : "",
           tap_groups, name, tap_checks);

    tap_checks = 0;
    tap_failures = 0;
}


/* the end of main */
__attribute__((unused))
static int
tap_done(void)
{
    printf("1..%d\n", tap_groups);
    return tap_failed_groups != 0;
}


#endif /* _TAP_H_INCLUDED_ */
