
/*
 * rt_limit, as it is written: which limits there are, whose they may be, how a
 * rate is said.
 *
 * Called by nginx for the directive, and by the merge of locations.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"


/* the largest message, if nobody says another */
#define NGX_RT_LIMIT_BURST_BYTES  65536

#define ngx_rt_limit_is_size(what)                                            \
    ((what) == NGX_RT_LIMIT_BYTES || (what) == NGX_RT_LIMIT_ZONE              \
     || (what) == NGX_RT_LIMIT_STREAMS)

#define ngx_rt_payer_bit(payer)  (1 << NGX_RT_PAYER_ ## payer)

#define NGX_RT_PAYERS_ALL  ((1 << NGX_RT_PAYER_N) - 1)


/* a rt_limit that is being read */
typedef struct {
    ngx_conf_t                *cf;
    ngx_uint_t                 what;
    ngx_uint_t                 payer;
    rt_rate_t                 *rate;          /* where it goes to */
    uint64_t                   count;         /* of rate= */
    uint64_t                   span;          /* msec */
    uint64_t                   burst;
    uint64_t                   max;
} ngx_rt_limit_conf_t;


static char *ngx_rt_limit_what(ngx_rt_limit_conf_t *l);
static char *ngx_rt_limit_payer(ngx_rt_limit_conf_t *l,
    ngx_rt_main_conf_t *mcf);
static char *ngx_rt_limit_namespace(ngx_rt_limit_conf_t *l,
    ngx_rt_main_conf_t *mcf, ngx_str_t *name);
static char *ngx_rt_limit_param(ngx_rt_limit_conf_t *l, ngx_str_t *param);
static uint64_t ngx_rt_limit_rate(ngx_rt_limit_conf_t *l, ngx_str_t *s);
static uint64_t ngx_rt_limit_number(ngx_rt_limit_conf_t *l, ngx_str_t *s);
static char *ngx_rt_limit_set(ngx_rt_limit_conf_t *l,
    ngx_rt_main_conf_t *mcf);
static char *ngx_rt_limit_set_rate(ngx_rt_limit_conf_t *l,
    ngx_rt_main_conf_t *mcf);


const char  *ngx_rt_limit_names[NGX_RT_LIMIT_N] = {
    "commands", "publish", "bytes", "connections", "sessions", "channels",
    "subscriptions", "presence", "zone", "streams"
};


const char  *ngx_rt_payer_names[NGX_RT_PAYER_N] = {
    "tenant", "namespace", "user", "key", "session"
};


/* whose each of them may be; none: it is not rt_limit's */
static const ngx_uint_t  ngx_rt_limit_payers[NGX_RT_LIMIT_N] = {
    ngx_rt_payer_bit(TENANT) | ngx_rt_payer_bit(SESSION),
    NGX_RT_PAYERS_ALL,
    NGX_RT_PAYERS_ALL,
    ngx_rt_payer_bit(TENANT),
    ngx_rt_payer_bit(USER),
    ngx_rt_payer_bit(TENANT),
    0,
    0,
    ngx_rt_payer_bit(TENANT),
    ngx_rt_payer_bit(TENANT)
};


char *
ngx_rt_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char                 *rv;
    ngx_str_t            *value;
    ngx_uint_t            i;
    ngx_rt_limit_conf_t   l;

    ngx_memzero(&l, sizeof(ngx_rt_limit_conf_t));

    l.cf = cf;
    value = cf->args->elts;

    rv = ngx_rt_limit_what(&l);

    if (rv == NGX_CONF_OK) {
        rv = ngx_rt_limit_payer(&l, mcf);
    }

    for (i = 3; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rv = ngx_rt_limit_param(&l, &value[i]);
    }

    return rv == NGX_CONF_OK ? ngx_rt_limit_set(&l, mcf) : rv;
}


static char *
ngx_rt_limit_what(ngx_rt_limit_conf_t *l)
{
    ngx_str_t  *value;

    value = l->cf->args->elts;

    for (l->what = 0; l->what < NGX_RT_LIMIT_N; l->what++) {

        if (ngx_strcmp(value[1].data, ngx_rt_limit_names[l->what]) == 0
            && ngx_rt_limit_payers[l->what])
        {
            return NGX_CONF_OK;
        }
    }

    if (ngx_strcmp(value[1].data, "subscriptions") == 0
        || ngx_strcmp(value[1].data, "message") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "\"%V\" has a directive of its own, write "
                           "\"rt_max_channels NUMBER;\" for subscriptions "
                           "and \"rt_max_message SIZE;\" for messages",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                       "unknown limit \"%V\", there are \"commands\", "
                       "\"publish\", \"bytes\", \"connections\", "
                       "\"sessions\", \"channels\", \"zone\" and "
                       "\"streams\"",
                       &value[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_rt_limit_payer(ngx_rt_limit_conf_t *l, ngx_rt_main_conf_t *mcf)
{
    size_t      len;
    ngx_str_t  *value, name;

    value = l->cf->args->elts;

    for (l->payer = 0; l->payer < NGX_RT_PAYER_N; l->payer++) {

        len = ngx_strlen(ngx_rt_payer_names[l->payer]);

        if (ngx_strncmp(value[2].data, ngx_rt_payer_names[l->payer], len) != 0
            || !(ngx_rt_limit_payers[l->what] & (1 << l->payer)))
        {
            continue;
        }

        if (value[2].len == len) {
            l->rate = l->what < NGX_RT_LIMIT_RATES
                      ? &mcf->rates[l->what][l->payer] : NULL;
            return NGX_CONF_OK;
        }

        if (l->payer == NGX_RT_PAYER_NAMESPACE && value[2].data[len] == '=') {
            name.data = value[2].data + len + 1;
            name.len = value[2].len - len - 1;

            return ngx_rt_limit_namespace(l, mcf, &name);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                       "\"%V\" cannot be limited for \"%V\", \"publish\" and "
                       "\"bytes\" can for \"tenant\", \"namespace\", "
                       "\"namespace=NAME\", \"user\", \"key\" and \"session\", "
                       "\"commands\" for \"tenant\" and \"session\", "
                       "\"sessions\" for \"user\", all else for \"tenant\"",
                       &value[1], &value[2]);

    return NGX_CONF_ERROR;
}


static char *
ngx_rt_limit_namespace(ngx_rt_limit_conf_t *l, ngx_rt_main_conf_t *mcf,
    ngx_str_t *name)
{
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_namespace_lookup(mcf, name->data, name->len);

    if (ns == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "the namespace \"%V\" is unknown, write "
                           "\"rt_namespace %V ...;\" before it is limited",
                           name, name);
        return NGX_CONF_ERROR;
    }

    l->rate = &ns->rates[l->what];

    return NGX_CONF_OK;
}


static char *
ngx_rt_limit_param(ngx_rt_limit_conf_t *l, ngx_str_t *param)
{
    ngx_str_t    s;
    uint64_t    *n;
    const char  *help;

    if (l->rate && ngx_strncmp(param->data, "rate=", 5) == 0
        && l->count == 0)
    {
        s.data = param->data + 5;
        s.len = param->len - 5;
        n = &l->count;
        *n = ngx_rt_limit_rate(l, &s);

    } else if (l->rate && ngx_strncmp(param->data, "burst=", 6) == 0
               && l->burst == 0)
    {
        s.data = param->data + 6;
        s.len = param->len - 6;
        n = &l->burst;
        *n = ngx_rt_limit_number(l, &s);

    } else if (l->rate == NULL && ngx_strncmp(param->data, "max=", 4) == 0
               && l->max == 0)
    {
        s.data = param->data + 4;
        s.len = param->len - 4;
        n = &l->max;
        *n = ngx_rt_limit_number(l, &s);

    } else {
        n = NULL;
    }

    if (n && *n) {
        return NGX_CONF_OK;
    }

    help = l->what == NGX_RT_LIMIT_BYTES ? "rate=SIZE/s [burst=SIZE]"
           : l->rate ? "rate=NUMBERr/s [burst=NUMBER]"
           : ngx_rt_limit_is_size(l->what) ? "max=SIZE" : "max=NUMBER";

    ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                       "invalid \"%V\", write \"%s\"", param, help);

    return NGX_CONF_ERROR;
}


/* 100r/s, 30r/m; of bytes: 64k/s, 10m/m; 0: it is none */

static uint64_t
ngx_rt_limit_rate(ngx_rt_limit_conf_t *l, ngx_str_t *s)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   number;

    len = l->what == NGX_RT_LIMIT_BYTES ? 2 : 3;

    if (s->len <= len) {
        return 0;
    }

    p = s->data + s->len - len;

    if ((len == 3 && *p++ != 'r') || p[0] != '/'
        || (p[1] != 's' && p[1] != 'm'))
    {
        return 0;
    }

    l->span = p[1] == 's' ? 1000 : 60000;

    number.data = s->data;
    number.len = s->len - len;

    return ngx_rt_limit_number(l, &number);
}


/* 0: it is none, or more than there can be */

static uint64_t
ngx_rt_limit_number(ngx_rt_limit_conf_t *l, ngx_str_t *s)
{
    off_t  n;

    if (ngx_rt_limit_is_size(l->what)) {
        n = ngx_parse_offset(s);

    } else {
        n = ngx_atoof(s->data, s->len);
    }

    return n == NGX_ERROR ? 0 : (uint64_t) n;
}


static char *
ngx_rt_limit_set(ngx_rt_limit_conf_t *l, ngx_rt_main_conf_t *mcf)
{
    uint64_t     least;
    ngx_str_t   *value;
    ngx_uint_t   is_rate;

    value = l->cf->args->elts;

    is_rate = l->what < NGX_RT_LIMIT_RATES;

    if (is_rate ? l->rate->burst : mcf->counts[l->what]) {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "\"rt_limit %V %V\" is there already",
                           &value[1], &value[2]);
        return NGX_CONF_ERROR;
    }

    if (is_rate) {
        return ngx_rt_limit_set_rate(l, mcf);
    }

    mcf->counts[l->what] = l->max;

    least = l->what == NGX_RT_LIMIT_ZONE ? NGX_RT_QUOTA_MIN
            : l->what == NGX_RT_LIMIT_STREAMS ? NGX_RT_STREAMS_MIN : 0;

    if (l->max < least) {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "\"%V\" is too small, %uL bytes are the least",
                           &value[3], least);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* the burst, if not said, is what a second brings */

static char *
ngx_rt_limit_set_rate(ngx_rt_limit_conf_t *l, ngx_rt_main_conf_t *mcf)
{
    if (l->count == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "\"rt_limit\" has no \"rate=\", "
                           "write one, as \"%s\"",
                           l->what == NGX_RT_LIMIT_BYTES ? "rate=64k/s"
                                                         : "rate=100r/s");
        return NGX_CONF_ERROR;
    }

    if (l->burst == 0) {
        l->burst = (l->count * 1000 + l->span - 1) / l->span;

        if (l->what == NGX_RT_LIMIT_BYTES) {
            l->burst = ngx_max(l->burst, NGX_RT_LIMIT_BURST_BYTES);
        }
    }

    if (!rt_rate_init(l->rate, l->count, l->span, l->burst)) {
        ngx_conf_log_error(NGX_LOG_EMERG, l->cf, 0,
                           "the rate is over 1g, or too low for the burst, "
                           "which has to be back within a day");
        return NGX_CONF_ERROR;
    }

    mcf->limited |= 1 << l->what;

    return NGX_CONF_OK;
}


char *
ngx_rt_limit_check_streams(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf)
{
    if (mcf->counts[NGX_RT_LIMIT_STREAMS] && mcf->redis == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_limit streams\" is for what is kept in "
                           "Redis, write \"rt_redis URL\", too");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* of two bursts, of which 0 is none */

static uint64_t
ngx_rt_limit_least(uint64_t a, uint64_t b)
{
    return a && (b == 0 || a < b) ? a : b;
}


char *
ngx_rt_limit_check(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf,
    size_t max_message)
{
    uint64_t             least;
    ngx_uint_t           i;
    rt_rate_t           *rates;
    ngx_rt_namespace_t  *ns;

    least = 0;
    rates = mcf->rates[NGX_RT_LIMIT_BYTES];
    ns = mcf->namespaces.elts;

    for (i = 0; i < NGX_RT_PAYER_N; i++) {
        least = ngx_rt_limit_least(least, rates[i].burst);
    }

    for (i = 0; i < mcf->namespaces.nelts; i++) {
        least = ngx_rt_limit_least(least,
                                   ns[i].rates[NGX_RT_LIMIT_BYTES].burst);
    }

    if (least && least < max_message) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a message of \"rt_max_message\" (%uz bytes) is "
                           "more than the burst of a \"rt_limit bytes\" "
                           "(%uL bytes) and would never pass, "
                           "write \"burst=%uz\" there", max_message, least,
                           max_message);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
