
/*
 * Between ngx_rt_rules_conf.c, which reads the files, and ngx_rt_rules.c, which
 * asks them.
 */


#ifndef _NGX_RT_RULES_CONF_H_INCLUDED_
#define _NGX_RT_RULES_CONF_H_INCLUDED_


#include "ngx_rt_rules.h"
#include "ngx_rt_state.h"


/* in ngx_rt_rules_file_t.functions, beside the bits of their names */
#define NGX_RT_RULES_KNOWN     0x8000

/* tenants that have an account of the default file, in a worker */
#define NGX_RT_RULES_ACCOUNTS  1024


/* a worker's own: what a tenant's rules have cost, and how they failed */
typedef struct {
    uint64_t                   tenant;        /* a hash, in the table */
    ngx_uint_t                 failures;      /* in a row */
    ngx_msec_t                 off;           /* until then it is not asked */
    ngx_msec_t                 at;
    uint64_t                   steps;         /* that it owed then */
    ngx_rt_zone_t             *zone;
    ngx_rt_tally_t            *tally;         /* of its verdicts, there */
} ngx_rt_rules_account_t;


/* why there is no verdict */
typedef struct {
    ngx_uint_t                 line;          /* of the file; 0: at none */
    char                       text[RT_VM_ERROR_MAX];
} ngx_rt_rules_error_t;


/*
 * A file, or what stands in its place because the API has given it; what is a
 * worker's own is zero in the master.
 */
typedef struct ngx_rt_rules_file_s  ngx_rt_rules_file_t;

struct ngx_rt_rules_file_s {
    ngx_rt_rules_conf_t       *conf;
    ngx_str_t                  tenant;        /* empty: the default */
    ngx_str_t                  name;          /* in errors, terminated */
    ngx_str_t                  text;

    rt_rule_t                 *rule;          /* NULL: not needed yet */
    ngx_rt_rules_file_t       *newer;         /* of those that have one, by */
    ngx_rt_rules_file_t       *older;         /*  when they were needed last */
    ngx_rt_rules_account_t     account;
    time_t                     told;          /* of a failure, in the log */
    ngx_uint_t                 schemas;       /* it has some, as far as known */
    ngx_uint_t                 functions;     /* bits; 0: not known yet */
};


struct ngx_rt_rules_conf_s {
    ngx_str_t                  dir;
    rt_vm_limits_t             limits;
    ngx_uint_t                 max;           /* states of a worker */
    ngx_uint_t                 rate;          /* steps a second; 0: any */
    ngx_uint_t                 set;
    ngx_uint_t                 pass;          /* on an error */
    ngx_uint_t                 pass_set;
    ngx_rt_rules_file_t       *standard;      /* NULL: there is none */
    ngx_array_t                tenants;       /* ngx_rt_rules_file_t, sorted */

    /* a worker's own */
    ngx_rt_rules_file_t       *newest;        /* of those that have a rule */
    ngx_rt_rules_file_t       *oldest;
    ngx_uint_t                 nstates;
    ngx_rt_rules_account_t    *accounts;      /* of the default, by tenant */
    ngx_rt_zone_t             *zone;          /* of who asks; or NULL */
    rt_rule_flag_pt            flag;          /* the same */
    void                      *flag_data;
    ngx_rt_rules_file_t       *asked;         /* until it is done with */
    ngx_rt_rules_file_t       *checked;       /* an event; the same */
    u_char                    *upgraded;      /* its data; the same */
};


/* ngx_rt_rules_account.c */
ngx_rt_rules_account_t *ngx_rt_rules_account(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, const ngx_str_t *tenant);
ngx_int_t ngx_rt_rules_account_check(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_account_t *a);
void ngx_rt_rules_account_charge(ngx_rt_rules_account_t *a, uint64_t steps);
void ngx_rt_rules_account_good(ngx_rt_rules_account_t *a);
ngx_uint_t ngx_rt_rules_account_failed(ngx_rt_rules_account_t *a);

/* ngx_rt_rules_count.c */
void ngx_rt_rules_count(ngx_rt_rules_conf_t *rules, ngx_rt_rules_account_t *a,
    const ngx_str_t *tenant, ngx_rt_ruled_e what);
void ngx_rt_rules_count_failed(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, const ngx_str_t *tenant, ngx_uint_t line);

/* by their names' bytes; for a sorted array */
int ngx_rt_rules_order(const ngx_str_t *one, const ngx_str_t *other);


/* ngx_rt_rules_find.c: the tenant's own; NULL: it has none */
ngx_rt_rules_file_t *ngx_rt_rules_lookup(ngx_rt_rules_conf_t *rules,
    const ngx_str_t *tenant);


/* ngx_rt_rules.c */

/* that a rule may have, NULL behind them */
extern const char *const  ngx_rt_rules_functions[];

/*
 * Makes its rule, unless it has one, which is charged; NGX_ERROR: error says
 * why there is none.
 */
ngx_int_t ngx_rt_rules_state(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, ngx_rt_rules_account_t *a,
    ngx_rt_rules_error_t *error);

/* nanoseconds of the processor */
uint64_t ngx_rt_rules_clock(void);

/* of a rule that was made: what can be known without asking it */
void ngx_rt_rules_know(ngx_rt_rules_file_t *f, rt_rule_t *rule);
void ngx_rt_rules_drop(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f);

/* what it was asked is over, and so may be its rule */
void ngx_rt_rules_done_file(ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f);

/* why its rule has failed, until that is over */
void ngx_rt_rules_why(ngx_rt_rules_file_t *f, ngx_rt_rules_error_t *error);

/* counts, and says so in the log */
void ngx_rt_rules_failed(ngx_rt_rules_conf_t *rules, ngx_rt_rules_file_t *f,
    ngx_rt_rules_account_t *a, const ngx_str_t *tenant, const char *function,
    const ngx_rt_rules_error_t *error);


/*
 * ngx_rt_rules_event.c: denies an event of a type that neither declares; NULL:
 * there is no such file
 */
void ngx_rt_rules_unknown(ngx_rt_rules_file_t *own,
    ngx_rt_rules_file_t *standard, rt_verdict_t *verdict);

/* ngx_rt_rules_log.c: who hears what its rule says in the call that comes */
void ngx_rt_rules_listen(ngx_rt_rules_file_t *f, const ngx_str_t *tenant,
    const char *function);


#endif /* _NGX_RT_RULES_CONF_H_INCLUDED_ */
