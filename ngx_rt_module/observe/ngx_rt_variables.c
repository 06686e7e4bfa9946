
/*
 * The variables: $rt_tenant, $rt_user, $rt_session, $rt_close_code,
 * $rt_seconds, $rt_subscriptions and the counts of a connection.
 *
 * Evaluated by nginx for logs, maps and headers, by rt_log when a connection
 * closes.  Reads the worker's own memory only.  None is cached: they change
 * while the request lives.
 */


#include "ngx_rt.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_variable_tenant(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_user(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_session(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_subscriptions(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_close_code(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_seconds(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_count(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_rt_variables[] = {

    { ngx_string("rt_tenant"), NULL, ngx_rt_variable_tenant, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_user"), NULL, ngx_rt_variable_user, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_session"), NULL, ngx_rt_variable_session, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_subscriptions"), NULL, ngx_rt_variable_subscriptions, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_close_code"), NULL, ngx_rt_variable_close_code, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_seconds"), NULL, ngx_rt_variable_seconds, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_messages_in"), NULL, ngx_rt_variable_count,
      offsetof(ngx_rt_conn_t, messages_in), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_messages_out"), NULL, ngx_rt_variable_count,
      offsetof(ngx_rt_conn_t, messages_out), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_bytes_in"), NULL, ngx_rt_variable_count,
      offsetof(ngx_rt_conn_t, bytes_in), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("rt_bytes_out"), NULL, ngx_rt_variable_count,
      offsetof(ngx_rt_conn_t, bytes_out), NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_rt_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_rt_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* a subrequest speaks of the connection of its main request */
static ngx_rt_conn_t *
ngx_rt_variable_conn(ngx_http_request_t *r)
{
    return ngx_http_get_module_ctx(r->main, ngx_rt_module);
}


/* NULL: not a connection of the client protocol */
static ngx_rt_client_t *
ngx_rt_variable_client(ngx_http_request_t *r)
{
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_variable_conn(r);

    if (conn == NULL || conn->app != &ngx_rt_client_app) {
        return NULL;
    }

    return conn->data;
}


static ngx_int_t
ngx_rt_variable_set(ngx_http_variable_value_t *v, u_char *data, size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_variable_none(ngx_http_variable_value_t *v)
{
    v->not_found = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_variable_number(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uint64_t n)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_rt_variable_set(v, p, ngx_sprintf(p, "%uL", n) - p);
}


/* a connection knows its own; elsewhere the location's zone tells */
static ngx_int_t
ngx_rt_variable_tenant(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t           name;
    ngx_rt_client_t    *client;
    ngx_rt_loc_conf_t  *conf;

    client = ngx_rt_variable_client(r);

    if (client != NULL) {
        return ngx_rt_variable_set(v, client->tenant.data,
                                   client->tenant.len);
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    if (conf->zone == NULL
        || ngx_rt_tenant_name(r, conf->zone, &name) != NGX_OK)
    {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_set(v, name.data, name.len);
}


/* the same for the user */
static ngx_int_t
ngx_rt_variable_user(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t           name;
    ngx_rt_client_t    *client;
    ngx_rt_loc_conf_t  *conf;

    client = ngx_rt_variable_client(r);

    if (client != NULL) {
        name = client->user;

    } else {
        conf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

        if (ngx_rt_user_name(r, conf->user, &name) != NGX_OK) {
            return ngx_rt_variable_none(v);
        }
    }

    if (name.len == 0) {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_set(v, name.data, name.len);
}


/* the session is there until the log of the close is written */
static ngx_int_t
ngx_rt_variable_session(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_variable_client(r);

    if (client == NULL || client->session == NULL) {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_set(v, client->session->id, NGX_RT_ID_LEN);
}


static ngx_int_t
ngx_rt_variable_subscriptions(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_variable_client(r);

    if (client == NULL) {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_number(r, v, client->nsubscriptions);
}


static ngx_int_t
ngx_rt_variable_close_code(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_variable_conn(r);

    if (conn == NULL || conn->close_code == 0) {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_number(r, v, conn->close_code);
}


static ngx_int_t
ngx_rt_variable_seconds(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char         *p;
    ngx_msec_t      ms;
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_variable_conn(r);

    if (conn == NULL) {
        return ngx_rt_variable_none(v);
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* the access log is written before it has begun */

    if (conn->started == 0) {
        return ngx_rt_variable_none(v);
    }

    ms = ngx_current_msec - conn->started;

    return ngx_rt_variable_set(v, p, ngx_sprintf(p, "%T.%03M",
                                                 (time_t) ms / 1000,
                                                 ms % 1000) - p);
}


static ngx_int_t
ngx_rt_variable_count(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_rt_conn_t  *conn;

    conn = ngx_rt_variable_conn(r);

    if (conn == NULL) {
        return ngx_rt_variable_none(v);
    }

    return ngx_rt_variable_number(r, v,
                                  *(uint64_t *) ((u_char *) conn + data));
}
