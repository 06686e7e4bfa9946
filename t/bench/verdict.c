
/*
 * What a verdict takes, without nginx: asks the function "publish" of a file of
 * rules again and again, with the views that a publication of t/bench/load
 * has, and prints the least nanoseconds of CPU of several rounds.
 *
 *   verdict FILE
 */


#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rt_flag.h"
#include "rt_rule.h"


#define VERDICT_ROUNDS  20
#define VERDICT_CALLS   50000


static const rt_vm_limits_t  verdict_limits = {
    .steps = 100000, .bytes = 1024 * 1024, .piece = 128 * 1024, .time = 900,
    .kept = 256 * 1024
};


static bool verdict_flag(void *data, const rt_str_t *name,
    const rt_str_t *key);
static double verdict_round(rt_rule_t *rule);
static double verdict_clock(void);


int
main(int argc, char **argv)
{
    int         i;
    char        text[RT_VM_SOURCE_MAX], error[RT_VM_ERROR_MAX];
    FILE       *f;
    size_t      len;
    double      ns, best;
    rt_rule_t  *rule;

    f = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (f == NULL) {
        fprintf(stderr, "verdict: which file?\n");
        return 2;
    }

    len = fread(text, 1, sizeof(text), f);
    fclose(f);

    rule = rt_rule_create(&verdict_limits, argv[1], (uint8_t *) text, len,
                          error);
    if (rule == NULL) {
        fprintf(stderr, "verdict: %s\n", error);
        return 2;
    }

    rt_rule_flags(rule, verdict_flag, NULL);
    best = 0;

    for (i = 0; i < VERDICT_ROUNDS; i++) {
        ns = verdict_round(rule);
        best = i == 0 || ns < best ? ns : best;
    }

    printf("verdict_ns=%.1f\n", best);

    return 0;
}


static bool
verdict_flag(void *data, const rt_str_t *name, const rt_str_t *key)
{
    static char       text[] = "beta";
    static rt_flag_t  flag;
    static rt_str_t   beta = { sizeof(text) - 1, (uint8_t *) text };

    (void) data;
    (void) name;

    if (flag.hash == 0) {
        rt_flag_init(&flag, &beta, RT_FLAG_ALL / 2);
    }

    return rt_flag_on(&flag, key->data, key->len);
}


static double
verdict_round(rt_rule_t *rule)
{
    int                  i;
    double               began;
    rt_verdict_t         verdict;
    rt_rule_view_t       views[2];
    static rt_str_t      data = rt_string("{\"seq\":\"0000000000000001\"}");

    rt_rule_field_t  session[] = {
        { "tenant", RT_RULE_TEXT, rt_string("t0") },
        { "user", RT_RULE_TEXT, { 0, NULL } },
        { "id", RT_RULE_TEXT,
          rt_string("01234567-89ab-cdef-0123-456789abcdef") }
    };

    rt_rule_field_t  publication[] = {
        { "channel", RT_RULE_TEXT, rt_string("bench:17") },
        { "namespace", RT_RULE_TEXT, rt_string("bench") },
        { "data", RT_RULE_JSON, data },
        { "size", RT_RULE_NUMBER, { 128, NULL } },
        { "id", RT_RULE_TEXT, { 0, NULL } },
        { "type", RT_RULE_TEXT, { 0, NULL } },
        { "version", RT_RULE_NUMBER, { 0, NULL } }
    };

    views[0].name = "session";
    views[0].fields = session;
    views[0].nfields = sizeof(session) / sizeof(session[0]);
    views[1].name = "publication";
    views[1].fields = publication;
    views[1].nfields = sizeof(publication) / sizeof(publication[0]);

    began = verdict_clock();

    for (i = 0; i < VERDICT_CALLS; i++) {

        if (rt_rule_ask(rule, "publish", views, 2, &verdict) != RT_VM_OK) {
            fprintf(stderr, "verdict: %s\n", rt_vm_error(rt_rule_vm(rule)));
            exit(2);
        }

        rt_rule_done(rule);
    }

    return (verdict_clock() - began) / VERDICT_CALLS;
}


static double
verdict_clock(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec * 1e9 + (double) ts.tv_nsec;
}
