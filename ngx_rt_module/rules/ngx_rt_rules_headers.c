
/*
 * rt_rule_headers: headers of the handshake that rules may see, as the JSON
 * that session.headers is read from.  The request is gone soon, so they are
 * kept with the client.
 *
 * Called by protocol/.
 */


#include "ngx_rt.h"
#include "ngx_rt_header.h"
#include "ngx_rt_rules.h"
#include "rt_command.h"


/* bytes that a client's headers may have, as JSON */
#define NGX_RT_RULE_HEADERS_MAX  8192


static ngx_uint_t ngx_rt_rule_header_valid(ngx_str_t *name);
static ngx_int_t ngx_rt_rule_headers_say(ngx_http_request_t *r,
    ngx_array_t *names, rt_out_t *o);


char *
ngx_rt_rule_headers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    ngx_str_t   *value, *name, *names;
    ngx_uint_t   i, k;

    if (lcf->rule_headers != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        lcf->rule_headers = NULL;
        return NGX_CONF_OK;
    }

    lcf->rule_headers = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                         sizeof(ngx_str_t));
    if (lcf->rule_headers == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_rt_rule_header_valid(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is no header's name: write letters, "
                               "digits and \"-\", as in \"X-Plan\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        ngx_strlow(value[i].data, value[i].data, value[i].len);

        names = lcf->rule_headers->elts;

        for (k = 0; k < lcf->rule_headers->nelts; k++) {
            if (ngx_strcmp(names[k].data, value[i].data) == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "the header \"%V\" is there twice",
                                   &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        name = ngx_array_push(lcf->rule_headers);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_rt_rule_header_valid(ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        c = name->data[i] | 0x20;

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')
            && name->data[i] != '-' && name->data[i] != '_')
        {
            return 0;
        }
    }

    return name->len != 0;
}


ngx_int_t
ngx_rt_rule_headers_read(ngx_http_request_t *r, ngx_array_t *names,
    ngx_str_t *json)
{
    rt_out_t  o;

    rt_out_init(&o, NULL, 0);

    if (ngx_rt_rule_headers_say(r, names, &o) != NGX_OK) {
        return NGX_ERROR;
    }

    if (o.need > NGX_RT_RULE_HEADERS_MAX) {
        return NGX_DECLINED;
    }

    json->len = o.need;
    json->data = ngx_alloc(o.need, r->connection->log);

    if (json->data == NULL) {
        return NGX_ERROR;
    }

    rt_out_init(&o, json->data, json->len);

    return ngx_rt_rule_headers_say(r, names, &o);
}


static ngx_int_t
ngx_rt_rule_headers_say(ngx_http_request_t *r, ngx_array_t *names, rt_out_t *o)
{
    ngx_int_t   n;
    ngx_str_t  *name, value;
    ngx_uint_t  i, first;

    name = names->elts;
    first = 1;

    rt_out_lit(o, "{");

    for (i = 0; i < names->nelts; i++) {

        n = ngx_rt_header_join(r, (char *) name[i].data, &value);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == 0) {
            continue;
        }

        if (!first) {
            rt_out_lit(o, ",");
        }

        first = 0;

        rt_out_json_string(o, name[i].data, name[i].len);
        rt_out_lit(o, ":");
        rt_out_json_string(o, value.data, value.len);
    }

    rt_out_lit(o, "}");

    return NGX_OK;
}
