
/*
 * Origin (RFC 6455, section 10.2; RFC 6454): a page of another site must not
 * open a socket with its visitor's cookies.  No Origin is no browser; the
 * request's own is allowed; all others have to be listed.
 */


#include "ngx_rt.h"
#include "ngx_rt_header.h"
#include "ngx_rt_policy.h"


static ngx_int_t ngx_rt_origin_same(ngx_http_request_t *r, ngx_str_t *origin);
static ngx_int_t ngx_rt_origin_match(ngx_str_t *origin, ngx_str_t *pattern);
static ngx_int_t ngx_rt_origin_host_valid(u_char *p, u_char *last);
static ngx_int_t ngx_rt_origin_port_valid(u_char *p, u_char *last);
static ngx_int_t ngx_rt_origin_pattern_valid(ngx_str_t *pattern);
static void ngx_rt_origin_strip_port(ngx_str_t *host, ngx_uint_t ssl);


char *
ngx_rt_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    ngx_str_t   *value, *pattern;
    ngx_uint_t   i;

    if (lcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(ngx_str_t));
    if (lcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_rt_origin_pattern_valid(&value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\", write "
                               "\"https://example.com\", "
                               "\"https://*.example.com:8443\", \"null\" "
                               "or \"*\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        pattern = ngx_array_push(lcf->origins);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        *pattern = value[i];
    }

    return NGX_CONF_OK;
}


/* SCHEME://HOST[:PORT], where HOST may begin with "*." */

static ngx_int_t
ngx_rt_origin_pattern_valid(ngx_str_t *pattern)
{
    u_char  *p, *last;

    if ((pattern->len == 1 && pattern->data[0] == '*')
        || (pattern->len == 4 && ngx_strncmp(pattern->data, "null", 4) == 0))
    {
        return NGX_OK;
    }

    last = pattern->data + pattern->len;

    p = ngx_strnstr(pattern->data, "://", pattern->len);

    if (p == NULL || p == pattern->data) {
        return NGX_ERROR;
    }

    p += 3;

    if (last - p > 2 && p[0] == '*' && p[1] == '.') {
        p += 2;
    }

    if (ngx_rt_origin_host_valid(p, last) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_rt_origin_port_valid(p, last);
}


/* a host and perhaps a port: nothing that could end it early */

static ngx_int_t
ngx_rt_origin_host_valid(u_char *p, u_char *last)
{
    if (p == last) {
        return NGX_ERROR;
    }

    for ( /* void */ ; p < last; p++) {

        if (*p <= 0x20 || *p >= 0x7f
            || ngx_strchr("/?#@\\*\"'<>,;$", *p) != NULL)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the last colon that is not inside the brackets of an IPv6 address */

static ngx_int_t
ngx_rt_origin_port_valid(u_char *p, u_char *last)
{
    u_char     *colon;
    ngx_int_t   port;

    for (colon = last - 1; colon > p; colon--) {

        if (*colon == ']') {
            return NGX_OK;
        }

        if (*colon == ':') {
            port = ngx_atoi(colon + 1, last - colon - 1);
            return port > 0 && port < 65536 ? NGX_OK : NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_rt_origin_check(ngx_http_request_t *r, ngx_array_t *origins)
{
    ngx_str_t   origin, *pattern;
    ngx_uint_t  i, n;

    n = ngx_rt_header_find(r, "origin", &origin);

    if (n == 0) {
        return NGX_OK;
    }

    if (n > 1) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (ngx_rt_origin_same(r, &origin) == NGX_OK) {
        return NGX_OK;
    }

    if (origins) {
        pattern = origins->elts;

        for (i = 0; i < origins->nelts; i++) {
            if (ngx_rt_origin_match(&origin, &pattern[i]) == NGX_OK) {
                return NGX_OK;
            }
        }
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "rt: origin \"%V\" is not allowed here, see rt_origins",
                  &origin);

    return NGX_HTTP_FORBIDDEN;
}


static ngx_int_t
ngx_rt_origin_same(ngx_http_request_t *r, ngx_str_t *origin)
{
    ngx_str_t   scheme, host, own;
    ngx_uint_t  ssl;

    ssl = 0;
    ngx_str_set(&scheme, "http://");

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        ssl = 1;
        ngx_str_set(&scheme, "https://");
    }
#endif

    if (r->headers_in.host == NULL || origin->len <= scheme.len
        || ngx_strncasecmp(origin->data, scheme.data, scheme.len) != 0)
    {
        return NGX_DECLINED;
    }

    host.data = origin->data + scheme.len;
    host.len = origin->len - scheme.len;
    own = r->headers_in.host->value;

    ngx_rt_origin_strip_port(&host, ssl);
    ngx_rt_origin_strip_port(&own, ssl);

    if (host.len == 0 || host.len != own.len
        || ngx_strncasecmp(host.data, own.data, own.len) != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the scheme's default port says nothing */

static void
ngx_rt_origin_strip_port(ngx_str_t *host, ngx_uint_t ssl)
{
    ngx_str_t  port;

    if (ssl) {
        ngx_str_set(&port, ":443");

    } else {
        ngx_str_set(&port, ":80");
    }

    if (host->len > port.len
        && ngx_strncmp(host->data + host->len - port.len, port.data, port.len)
           == 0)
    {
        host->len -= port.len;
    }
}


static ngx_int_t
ngx_rt_origin_match(ngx_str_t *origin, ngx_str_t *pattern)
{
    size_t   head, tail;
    u_char  *star;

    if (pattern->len == 1 && pattern->data[0] == '*') {
        return NGX_OK;
    }

    star = ngx_strnstr(pattern->data, "://*.", pattern->len);

    if (star == NULL) {

        if (origin->len == pattern->len
            && ngx_strncasecmp(origin->data, pattern->data, origin->len) == 0)
        {
            return NGX_OK;
        }

        return NGX_DECLINED;
    }

    /* one label or more in the place of the star */

    head = star + 3 - pattern->data;
    tail = pattern->len - head - 1;

    if (origin->len <= head + tail
        || ngx_strncasecmp(origin->data, pattern->data, head) != 0
        || ngx_strncasecmp(origin->data + origin->len - tail,
                           pattern->data + head + 1, tail)
           != 0
        || ngx_strlchr(origin->data + head,
                       origin->data + origin->len - tail, ':'))
    {
        return NGX_DECLINED;
    }

    return ngx_rt_origin_host_valid(origin->data + head,
                                    origin->data + origin->len);
}
