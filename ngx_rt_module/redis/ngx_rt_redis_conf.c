
/*
 * rt_redis: where Redis is, who we are to it, how long we wait.
 *
 * Called by nginx for the directive.  What is wrong with a URL or a password is
 * told without a word of it: they are secrets.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "rt_redis_url.h"


#define NGX_RT_REDIS_TIMEOUT          5000    /* msec */
#define NGX_RT_REDIS_CONNECT_TIMEOUT  2000
#define NGX_RT_REDIS_BACKOFF_BASE     100
#define NGX_RT_REDIS_BACKOFF_MAX      5000

#define NGX_RT_REDIS_TIME_MAX         600000
#define NGX_RT_REDIS_PENDING          (8 * 1024 * 1024)
#define NGX_RT_REDIS_PENDING_LEAST    (256 * 1024)
#define NGX_RT_REDIS_PENDING_MOST     (1024 * 1024 * 1024)


typedef enum {
    NGX_RT_REDIS_PARAM_TIMEOUT = 0,
    NGX_RT_REDIS_PARAM_CONNECT,
    NGX_RT_REDIS_PARAM_BACKOFF,
    NGX_RT_REDIS_PARAM_PENDING,
    NGX_RT_REDIS_PARAM_USER,
    NGX_RT_REDIS_PARAM_PASSWORD,
    NGX_RT_REDIS_PARAM_TLS,                   /* ngx_rt_redis_tls_param_e */
    NGX_RT_REDIS_PARAM_N = NGX_RT_REDIS_PARAM_TLS + NGX_RT_REDIS_TLS_N
} ngx_rt_redis_param_e;


/* the line */
typedef struct {
    ngx_conf_t             *cf;
    ngx_rt_redis_conf_t    *redis;
    rt_redis_url_t          url;
    ngx_str_t               value[NGX_RT_REDIS_PARAM_N];
} ngx_rt_redis_line_t;


static char *ngx_rt_redis_line(ngx_rt_redis_line_t *line);
static char *ngx_rt_redis_params(ngx_rt_redis_line_t *line);
static char *ngx_rt_redis_param(ngx_rt_redis_line_t *line, ngx_str_t *param);
static char *ngx_rt_redis_numbers(ngx_rt_redis_line_t *line);
static ngx_int_t ngx_rt_redis_time(ngx_str_t *s, ngx_msec_t *time);
static ngx_int_t ngx_rt_redis_backoff(ngx_str_t *s, ngx_rt_redis_conf_t *r);
static char *ngx_rt_redis_login(ngx_rt_redis_line_t *line);
static ngx_int_t ngx_rt_redis_password(ngx_rt_redis_line_t *line,
    ngx_str_t *path);
static char *ngx_rt_redis_socket(ngx_rt_redis_line_t *line);
static char *ngx_rt_redis_host(ngx_rt_redis_line_t *line);
static char *ngx_rt_redis_addrs(ngx_rt_redis_line_t *line);
static ngx_int_t ngx_rt_redis_copy(ngx_conf_t *cf, ngx_str_t *to,
    const rt_str_t *from);


static const struct {
    const char  *name;
    const char  *form;
} ngx_rt_redis_param_list[NGX_RT_REDIS_PARAM_N] = {
    { "timeout=", "timeout=TIME, from 10ms to 10m" },
    { "connect_timeout=", "connect_timeout=TIME, from 10ms to 10m" },
    { "backoff=", "backoff=LEAST:MOST, two times from 10ms to 10m" },
    { "pending=", "pending=SIZE, from 256k to 1g" },
    { "user=", "user=NAME" },
    { "password_file=", "password_file=PATH" },
    { "tls_ca=", "tls_ca=PATH of a file with certificates" },
    { "tls_name=", "tls_name=NAME that the certificate has to be of" },
    { "tls_verify=", "tls_verify=on, or tls_verify=off" },
    { "tls_cert=", "tls_cert=PATH tls_key=PATH" },
    { "tls_key=", "tls_cert=PATH tls_key=PATH" }
};


char *
ngx_rt_redis_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char                 *rv;
    u_char               *buf;
    rt_str_t              text;
    ngx_str_t            *value;
    const char           *why;
    ngx_rt_redis_line_t   line;

    if (mcf->redis) {
        return "is duplicate";
    }

    value = cf->args->elts;
    text = ngx_rt_str(&value[1]);

    ngx_memzero(&line, sizeof(ngx_rt_redis_line_t));

    line.cf = cf;

    buf = ngx_pnalloc(cf->temp_pool, text.len + 4);
    line.redis = ngx_pcalloc(cf->pool, sizeof(ngx_rt_redis_conf_t));

    if (buf == NULL || line.redis == NULL) {
        return NGX_CONF_ERROR;
    }

    why = rt_redis_url_parse(&line.url, buf, &text);

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the URL of \"rt_redis\" cannot be used: %s", why);
        rv = NGX_CONF_ERROR;

    } else {
        rv = ngx_rt_redis_line(&line);
    }

    ngx_explicit_memzero(buf, text.len + 4);

    mcf->redis = line.redis;

    return rv;
}


static char *
ngx_rt_redis_line(ngx_rt_redis_line_t *line)
{
    line->redis->timeout = NGX_RT_REDIS_TIMEOUT;
    line->redis->connect_timeout = NGX_RT_REDIS_CONNECT_TIMEOUT;
    line->redis->backoff_base = NGX_RT_REDIS_BACKOFF_BASE;
    line->redis->backoff_max = NGX_RT_REDIS_BACKOFF_MAX;
    line->redis->pending = NGX_RT_REDIS_PENDING;
    line->redis->db = line->url.db;

    if (ngx_rt_redis_params(line) != NGX_CONF_OK
        || ngx_rt_redis_numbers(line) != NGX_CONF_OK
        || ngx_rt_redis_login(line) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (line->url.path.len) {
        return ngx_rt_redis_socket(line);
    }

    if (ngx_rt_redis_host(line) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return line->url.tls ? ngx_rt_redis_tls_conf(line->cf, line->redis,
                                    &line->value[NGX_RT_REDIS_PARAM_TLS])
                         : NGX_CONF_OK;
}


static char *
ngx_rt_redis_params(ngx_rt_redis_line_t *line)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = line->cf->args->elts;

    for (i = 2; i < line->cf->args->nelts; i++) {
        if (ngx_rt_redis_param(line, &value[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = NGX_RT_REDIS_PARAM_TLS; i < NGX_RT_REDIS_PARAM_N; i++) {
        if (line->value[i].len && !line->url.tls) {
            ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                               "\"%s\" is for TLS, write the URL as "
                               "rediss://HOST[:PORT] to have it",
                               ngx_rt_redis_param_list[i].name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_rt_redis_param(ngx_rt_redis_line_t *line, ngx_str_t *param)
{
    size_t       len;
    ngx_str_t   *value;
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < NGX_RT_REDIS_PARAM_N; i++) {
        name = ngx_rt_redis_param_list[i].name;
        len = ngx_strlen(name);
        value = &line->value[i];

        if (param->len < len || ngx_strncmp(param->data, name, len) != 0) {
            continue;
        }

        if (param->len == len || value->len) {
            ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                               "invalid \"%V\", write %s, once", param,
                               ngx_rt_redis_param_list[i].form);
            return NGX_CONF_ERROR;
        }

        value->data = param->data + len;
        value->len = param->len - len;

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                       "invalid parameter \"%V\", write \"rt_redis URL "
                       "[timeout=TIME] [connect_timeout=TIME] "
                       "[backoff=LEAST:MOST] [pending=SIZE] [user=NAME] "
                       "[password_file=PATH]\", and with rediss:// also "
                       "[tls_ca=PATH] [tls_name=NAME] [tls_verify=on|off] "
                       "[tls_cert=PATH tls_key=PATH]", param);

    return NGX_CONF_ERROR;
}


static char *
ngx_rt_redis_numbers(ngx_rt_redis_line_t *line)
{
    off_t                 size;
    ngx_str_t            *s;
    ngx_uint_t            wrong;
    ngx_rt_redis_conf_t  *r;

    r = line->redis;
    s = line->value;

    if (s[NGX_RT_REDIS_PARAM_PENDING].len) {
        size = ngx_parse_offset(&s[NGX_RT_REDIS_PARAM_PENDING]);
        r->pending = size == NGX_ERROR ? 0 : (size_t) size;
    }

    if (ngx_rt_redis_time(&s[NGX_RT_REDIS_PARAM_TIMEOUT], &r->timeout)
        != NGX_OK)
    {
        wrong = NGX_RT_REDIS_PARAM_TIMEOUT;

    } else if (ngx_rt_redis_time(&s[NGX_RT_REDIS_PARAM_CONNECT],
                                 &r->connect_timeout)
               != NGX_OK)
    {
        wrong = NGX_RT_REDIS_PARAM_CONNECT;

    } else if (ngx_rt_redis_backoff(&s[NGX_RT_REDIS_PARAM_BACKOFF], r)
               != NGX_OK)
    {
        wrong = NGX_RT_REDIS_PARAM_BACKOFF;

    } else if (r->pending < NGX_RT_REDIS_PENDING_LEAST
               || r->pending > NGX_RT_REDIS_PENDING_MOST)
    {
        wrong = NGX_RT_REDIS_PARAM_PENDING;

    } else {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                       "invalid \"%s%V\", write %s",
                       ngx_rt_redis_param_list[wrong].name, &s[wrong],
                       ngx_rt_redis_param_list[wrong].form);

    return NGX_CONF_ERROR;
}


/* leaves what is there if nothing is said */

static ngx_int_t
ngx_rt_redis_time(ngx_str_t *s, ngx_msec_t *time)
{
    ngx_int_t  n;

    if (s->len == 0) {
        return NGX_OK;
    }

    n = ngx_parse_time(s, 0);

    if (n == NGX_ERROR || n < 10 || n > NGX_RT_REDIS_TIME_MAX) {
        return NGX_ERROR;
    }

    *time = n;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_redis_backoff(ngx_str_t *s, ngx_rt_redis_conf_t *r)
{
    u_char     *colon;
    ngx_str_t   base, max;

    if (s->len == 0) {
        return NGX_OK;
    }

    colon = ngx_strlchr(s->data, s->data + s->len, ':');

    if (colon == NULL) {
        return NGX_ERROR;
    }

    base.data = s->data;
    base.len = colon - s->data;

    max.data = colon + 1;
    max.len = s->data + s->len - max.data;

    if (base.len == 0 || max.len == 0
        || ngx_rt_redis_time(&base, &r->backoff_base) != NGX_OK
        || ngx_rt_redis_time(&max, &r->backoff_max) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return r->backoff_base <= r->backoff_max ? NGX_OK : NGX_ERROR;
}


static char *
ngx_rt_redis_login(ngx_rt_redis_line_t *line)
{
    ngx_str_t            *user, *path;
    const char           *why;
    ngx_rt_redis_conf_t  *r;

    r = line->redis;
    user = &line->value[NGX_RT_REDIS_PARAM_USER];
    path = &line->value[NGX_RT_REDIS_PARAM_PASSWORD];
    why = NULL;

    if (line->url.user.len && user->len) {
        why = "the user is in the URL and in \"user=\", leave one out";

    } else if (line->url.password.len && path->len) {
        why = "the password is in the URL and in \"password_file=\", "
              "leave one out";

    } else if ((line->url.user.len || user->len)
               && line->url.password.len == 0 && path->len == 0)
    {
        why = "a user has no password, write \"password_file=PATH\", "
              "or the URL as redis://USER:PASSWORD@HOST";
    }

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0, "\"rt_redis\": %s",
                           why);
        return NGX_CONF_ERROR;
    }

    r->user = *user;

    if ((line->url.user.len
         && ngx_rt_redis_copy(line->cf, &r->user, &line->url.user) != NGX_OK)
        || (line->url.password.len
            && ngx_rt_redis_copy(line->cf, &r->password, &line->url.password)
               != NGX_OK))
    {
        return NGX_CONF_ERROR;
    }

    if (path->len && ngx_rt_redis_password(line, path) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* all of the file but the line ends at its end */

static ngx_int_t
ngx_rt_redis_password(ngx_rt_redis_line_t *line, ngx_str_t *path)
{
    rt_str_t   text;
    ngx_int_t  rc;
    ngx_str_t  file;

    if (ngx_rt_conf_file(line->cf, path, &file) != NGX_OK) {
        return NGX_ERROR;
    }

    text = ngx_rt_str(&file);

    while (text.len && (text.data[text.len - 1] == LF
                        || text.data[text.len - 1] == CR))
    {
        text.len--;
    }

    if (text.len) {
        rc = ngx_rt_redis_copy(line->cf, &line->redis->password, &text);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                           "there is no password in \"%V\"", path);
        rc = NGX_ERROR;
    }

    ngx_explicit_memzero(file.data, file.len);

    return rc;
}


static char *
ngx_rt_redis_socket(ngx_rt_redis_line_t *line)
{
    ngx_rt_redis_conf_t  *r;

    r = line->redis;

    r->name.len = sizeof("unix:") - 1 + line->url.path.len;
    r->name.data = ngx_pnalloc(line->cf->pool, r->name.len);

    if (r->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_sprintf(r->name.data, "unix:%*s", line->url.path.len,
                line->url.path.data);

    return ngx_rt_redis_addrs(line);
}


static char *
ngx_rt_redis_host(ngx_rt_redis_line_t *line)
{
    ngx_str_t             host;
    rt_redis_url_t       *url;
    ngx_rt_redis_conf_t  *r;

    r = line->redis;
    url = &line->url;

    r->name.data = ngx_pnalloc(line->cf->pool,
                               url->host.len + sizeof("[]:65535"));

    if (r->name.data == NULL
        || ngx_rt_redis_copy(line->cf, &host, &url->host) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    r->name.len = ngx_sprintf(r->name.data,
                              url->ipv6 ? "[%V]:%ui" : "%V:%ui", &host,
                              (ngx_uint_t) url->port)
                  - r->name.data;

    r->host = host;
    r->port = (in_port_t) url->port;
    r->literal = url->ipv6
                 || ngx_inet_addr(host.data, host.len) != INADDR_NONE;

    return ngx_rt_redis_addrs(line);
}


/* those of its name, as nginx finds them */

static char *
ngx_rt_redis_addrs(ngx_rt_redis_line_t *line)
{
    ngx_url_t             u;
    ngx_rt_redis_conf_t  *r;

    r = line->redis;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = r->name;

    if (ngx_parse_url(line->cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                           "\"rt_redis\": %s in \"%V\"",
                           u.err ? u.err : "no memory", &r->name);
        return NGX_CONF_ERROR;
    }

    r->addrs = u.addrs;
    r->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


/* a zero stands behind it */

static ngx_int_t
ngx_rt_redis_copy(ngx_conf_t *cf, ngx_str_t *to, const rt_str_t *from)
{
    to->len = from->len;
    to->data = ngx_pnalloc(cf->pool, from->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, from->data, from->len);
    to->data[to->len] = '\0';

    return NGX_OK;
}
