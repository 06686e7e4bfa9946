
/*
 * Policy: who may connect from where, which channels there are.
 */


#ifndef _NGX_RT_POLICY_H_INCLUDED_
#define _NGX_RT_POLICY_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* ngx_rt_namespace.c */

/*
 * Judges a channel's name and finds its namespace.
 * NGX_OK; NGX_ERROR: not a channel's name (107); NGX_DECLINED: there is no
 * such namespace (102).
 */
ngx_int_t ngx_rt_namespace_find(ngx_rt_main_conf_t *mcf,
    const ngx_str_t *channel, ngx_rt_namespace_t **ns);

/* by its own name; NULL: there is none */
ngx_rt_namespace_t *ngx_rt_namespace_lookup(ngx_rt_main_conf_t *mcf,
    u_char *data, size_t len);

/*
 * May that user (empty: nobody) subscribe without a token?  NGX_DECLINED: no.
 * In a namespace with "users" the text behind the last "#" says who.
 */
ngx_int_t ngx_rt_namespace_admit(ngx_rt_namespace_t *ns,
    const ngx_str_t *channel, const ngx_str_t *user);

/*
 * NGX_RT_MEMBER_* of a subscriber; watches: it asked for joins and leaves;
 * o: what its token has otherwise.  What there is not is silently off.
 */
ngx_uint_t ngx_rt_namespace_flags(ngx_rt_namespace_t *ns, ngx_uint_t watches,
    const rt_override_t *o);

/* rt_namespace NAME [option ...] */
char *ngx_rt_namespace(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* at the end of http {}: durable ones need rt_redis */
char *ngx_rt_namespace_check_durable(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf);

/* ngx_rt_limit_conf.c */

/* rt_limit WHAT WHOSE rate=RATE [burst=NUMBER] | max=NUMBER */
char *ngx_rt_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* as they are written: "publish", "tenant" */
extern const char  *ngx_rt_limit_names[NGX_RT_LIMIT_N];
extern const char  *ngx_rt_payer_names[NGX_RT_PAYER_N];

/* so much has to fit in each burst of bytes; NGX_CONF_OK, or it is said why */
char *ngx_rt_limit_check(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf,
    size_t max_message);

/* what is limited can be; the same */
char *ngx_rt_limit_check_streams(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf);

/* ngx_rt_limit.c */

/* who publishes; what is not there is NULL, or empty */
typedef struct {
    rt_bucket_t               *session;       /* its buckets */
    ngx_str_t                  user;
    ngx_str_t                  key;           /* of the API */
} ngx_rt_payer_t;


/*
 * What is charged for a publication in the namespace, later, under the mutex:
 * charge, or NULL if nothing is.
 */
ngx_rt_charge_t *ngx_rt_limit_publish(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    ngx_rt_namespace_t *ns, ngx_rt_payer_t *payer, size_t bytes,
    ngx_rt_charge_t *charge);

/* a command of a session; NGX_BUSY: ngx_rt_denial says why */
ngx_int_t ngx_rt_limit_command(ngx_rt_main_conf_t *mcf, rt_bucket_t *session,
    ngx_rt_tenant_t *t);

/* a session's look at so many members of a channel; NGX_BUSY: the same */
ngx_int_t ngx_rt_limit_presence(uint32_t *looks, ngx_rt_tenant_t *t,
    ngx_uint_t members);

/* may the tenant have one more connection?  NGX_BUSY: the same */
ngx_int_t ngx_rt_limit_connection(ngx_rt_zone_t *z, ngx_str_t *tenant);

/* how many buckets a session needs */
ngx_uint_t ngx_rt_limit_session(ngx_rt_main_conf_t *mcf);

/* what is told of a denial; buf: NGX_RT_DENIAL_LEN bytes, and no more than a
   close frame takes */
#define NGX_RT_DENIAL_LEN  120

u_char *ngx_rt_limit_text(ngx_rt_denial_t *denial, u_char *buf);

/* the code that a denial has as an error of the client protocol */
ngx_uint_t ngx_rt_limit_code(ngx_rt_denial_t *denial);

/* ngx_rt_flag.c */

/* counts of NGX_RT_TALLY_FLAGS */
#define NGX_RT_FLAG_ASKED   0
#define NGX_RT_FLAG_GOOD    1               /* commands */
#define NGX_RT_FLAG_ERRORS  2


struct ngx_rt_flag_answer_s {
    ngx_uint_t                 on;
    ngx_str_t                  name;          /* good until the next call */
    ngx_rt_tally_t            *tally;         /* of it; NULL: not known yet */
};


/*
 * Is it on for that key, in that tenant?  NGX_DECLINED: there is no such flag,
 * so it is off.  What is asked is counted: who asks often may keep the tally.
 */
ngx_int_t ngx_rt_flag_ask(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const rt_str_t *name, const rt_str_t *key,
    ngx_rt_flag_answer_t *answer);

void ngx_rt_flag_count(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    ngx_rt_flag_answer_t *answer);

/* the same in a word; a flag that is not there is off */
ngx_uint_t ngx_rt_flag_look(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const rt_str_t *name, const rt_str_t *key);

/* rt_flag NAME on|off|PERCENT% */
char *ngx_rt_flag(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* rt_flag_key VALUE [zone=NAME] */
char *ngx_rt_flag_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* $rt_flag_NAME */
ngx_int_t ngx_rt_flag_add_variables(ngx_conf_t *cf);

static ngx_inline void
ngx_rt_flag_text(ngx_uint_t on, ngx_str_t *text)
{
    if (on) {
        ngx_str_set(text, "on");
    } else {
        ngx_str_set(text, "off");
    }
}


/* ngx_rt_origin.c */

/* NGX_OK, or NGX_HTTP_FORBIDDEN */
ngx_int_t ngx_rt_origin_check(ngx_http_request_t *r, ngx_array_t *origins);

/* rt_origins PATTERN ... */
char *ngx_rt_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_rt_jwt.c: rt_jwt ALGORITHM|jwks file=PATH ... | off */
char *ngx_rt_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_rt_token.c */

typedef enum {
    NGX_RT_TOKEN_GOOD = 0,
    NGX_RT_TOKEN_EXPIRED,
    NGX_RT_TOKEN_INVALID
} ngx_rt_token_e;


/*
 * Verifies a token that a client sent.  *claims are good until the next call;
 * what is wrong is said in the log, at level info.
 */
ngx_rt_token_e ngx_rt_token_read(ngx_rt_jwt_t *jwt, const rt_str_t *token,
    ngx_log_t *log, rt_claims_t **claims);

/* all that the token said that was read last, JSON; good until the next */
const ngx_str_t *ngx_rt_token_payload(void);

/* the log line of one that is refused */
void ngx_rt_token_refused(ngx_log_t *log, const char *why);


#endif /* _NGX_RT_POLICY_H_INCLUDED_ */
