
/*
 * Namespaces: which channels there are, and what clients may do in them.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"


static char *ngx_rt_namespace_parse(ngx_conf_t *cf, ngx_rt_namespace_t *ns,
    ngx_str_t *option);
static ngx_int_t ngx_rt_namespace_name_valid(ngx_str_t *name);
static ngx_rt_namespace_t *ngx_rt_namespace_lookup(ngx_rt_main_conf_t *mcf,
    u_char *data, size_t len);


static ngx_conf_enum_t  ngx_rt_namespace_subscribe[] = {
    { ngx_string("any"), NGX_RT_SUBSCRIBE_ANY },
    { ngx_string("user"), NGX_RT_SUBSCRIBE_USER },
    { ngx_string("token"), NGX_RT_SUBSCRIBE_TOKEN },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_publish[] = {
    { ngx_string("none"), NGX_RT_PUBLISH_NONE },
    { ngx_string("subscriber"), NGX_RT_PUBLISH_SUBSCRIBER },
    { ngx_string("any"), NGX_RT_PUBLISH_ANY },
    { ngx_null_string, 0 }
};


char *
ngx_rt_namespace(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char                *rv;
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_rt_namespace_t  *ns;

    value = cf->args->elts;

    if (ngx_rt_namespace_name_valid(&value[1]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid namespace \"%V\", write two or more of "
                           "letters, digits, \"-\" and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_namespace_lookup(mcf, value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" is there already",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    ns = ngx_array_push(&mcf->namespaces);
    if (ns == NULL) {
        return NGX_CONF_ERROR;
    }

    ns->name = value[1];
    ns->subscribe = NGX_RT_SUBSCRIBE_ANY;
    ns->publish = NGX_RT_PUBLISH_NONE;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_rt_namespace_parse(cf, ns, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_rt_namespace_option(ngx_str_t *value, ngx_conf_enum_t *e, ngx_uint_t *v)
{
    for ( /* void */ ; e->name.len; e++) {

        if (e->name.len == value->len
            && ngx_strncmp(e->name.data, value->data, value->len) == 0)
        {
            *v = e->value;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static char *
ngx_rt_namespace_parse(ngx_conf_t *cf, ngx_rt_namespace_t *ns,
    ngx_str_t *option)
{
    ngx_str_t   value;
    ngx_uint_t  v;

    if (option->len == 4 && ngx_strncmp(option->data, "fast", 4) == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "subscribe=", 10) == 0) {
        value.data = option->data + 10;
        value.len = option->len - 10;

        if (ngx_rt_namespace_option(&value, ngx_rt_namespace_subscribe, &v)
            != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"%V\", write \"subscribe=any\", "
                               "\"subscribe=user\" or \"subscribe=token\"",
                               option);
            return NGX_CONF_ERROR;
        }

        ns->subscribe = v;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "publish=", 8) == 0) {
        value.data = option->data + 8;
        value.len = option->len - 8;

        if (ngx_rt_namespace_option(&value, ngx_rt_namespace_publish, &v)
            != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid \"%V\", write \"publish=none\", "
                               "\"publish=subscriber\" or \"publish=any\"",
                               option);
            return NGX_CONF_ERROR;
        }

        ns->publish = v;

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown option \"%V\" of a namespace, there are "
                       "\"fast\", \"subscribe=\" and \"publish=\"", option);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_rt_namespace_name_valid(ngx_str_t *name)
{
    size_t  i;
    u_char  ch;

    if (name->len < 2) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * A channel is ASCII without control characters.  "/", "*" and "&" are kept
 * for later use at its beginning, as the protocol has it.
 */

ngx_int_t
ngx_rt_namespace_find(ngx_rt_main_conf_t *mcf, const ngx_str_t *channel,
    ngx_rt_namespace_t **ns)
{
    u_char  *p, *last, *colon;

    if (channel->len == 0 || channel->len > NGX_RT_CHANNEL_MAX) {
        return NGX_ERROR;
    }

    last = channel->data + channel->len;

    for (p = channel->data; p < last; p++) {
        if (*p < 0x20 || *p >= 0x7f) {
            return NGX_ERROR;
        }
    }

    p = channel->data;

    if (*p == '/' || *p == '*' || *p == '&') {
        return NGX_ERROR;
    }

    if (*p == '$') {
        p++;
    }

    colon = ngx_strlchr(p, last, ':');

    if (colon) {
        *ns = ngx_rt_namespace_lookup(mcf, p, colon - p);

    } else {
        *ns = ngx_rt_namespace_lookup(mcf, (u_char *) "default", 7);
    }

    return *ns ? NGX_OK : NGX_DECLINED;
}


static ngx_rt_namespace_t *
ngx_rt_namespace_lookup(ngx_rt_main_conf_t *mcf, u_char *data, size_t len)
{
    ngx_uint_t           i;
    ngx_rt_namespace_t  *ns;

    ns = mcf->namespaces.elts;

    for (i = 0; i < mcf->namespaces.nelts; i++) {

        if (ns[i].name.len == len
            && ngx_strncmp(ns[i].name.data, data, len) == 0)
        {
            return &ns[i];
        }
    }

    return NULL;
}
