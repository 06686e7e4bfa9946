
/*
 * Origin (RFC 6455, section 10.2; RFC 6454): a page of another site must not
 * open a socket with its visitor's cookies.  No Origin is no browser; the
 * request's own is allowed; all others have to be listed.
 */


#include "ngx_rt.h"
#include "ngx_rt_header.h"
#include "ngx_rt_policy.h"
#include "rt_origin.h"


static ngx_uint_t ngx_rt_origin_same(ngx_http_request_t *r,
    const rt_str_t *origin);


char *
ngx_rt_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    rt_str_t    *pattern;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (lcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    lcf->origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(rt_str_t));
    if (lcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        pattern = ngx_array_push(lcf->origins);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        *pattern = ngx_rt_str(&value[i]);

        if (!rt_origin_pattern_valid(pattern)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\", write "
                               "\"https://example.com\", "
                               "\"https://*.example.com:8443\", \"null\" "
                               "or \"*\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_rt_origin_check(ngx_http_request_t *r, ngx_array_t *origins)
{
    rt_str_t    origin, *pattern;
    ngx_str_t   value;
    ngx_uint_t  i, n;

    n = ngx_rt_header_find(r, "origin", &value);

    if (n == 0) {
        return NGX_OK;
    }

    if (n > 1) {
        return NGX_HTTP_FORBIDDEN;
    }

    origin = ngx_rt_str(&value);

    if (ngx_rt_origin_same(r, &origin)) {
        return NGX_OK;
    }

    if (origins) {
        pattern = origins->elts;

        for (i = 0; i < origins->nelts; i++) {
            if (rt_origin_match(&origin, &pattern[i])) {
                return NGX_OK;
            }
        }
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "rt: origin \"%V\" is not allowed here, see rt_origins",
                  &value);

    return NGX_HTTP_FORBIDDEN;
}


static ngx_uint_t
ngx_rt_origin_same(ngx_http_request_t *r, const rt_str_t *origin)
{
    bool      tls;
    rt_str_t  host;

    if (r->headers_in.host == NULL) {
        return 0;
    }

    tls = false;

#if (NGX_HTTP_SSL)
    tls = (r->connection->ssl != NULL);
#endif

    host = ngx_rt_str(&r->headers_in.host->value);

    return rt_origin_same(origin, &host, tls);
}
