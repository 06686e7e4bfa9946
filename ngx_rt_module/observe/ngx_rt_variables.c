
/*
 * The variables: $rt_tenant, $rt_user, $rt_session, $rt_close_code,
 * $rt_seconds, $rt_subscriptions and the counts of a connection.
 *
 * Each is a value of a connection.  nginx asks for it by the request that the
 * connection came from, while there is one; rt_log asks when the connection
 * closes.  Reads the worker's own memory only.  None is cached: they change
 * while the connection lives.
 */


#include "ngx_rt.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


/* NGX_DECLINED: the connection has no such value, or not yet */
typedef ngx_int_t (*ngx_rt_value_pt)(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);


typedef struct {
    ngx_str_t                  name;
    ngx_rt_value_pt            get;
    uintptr_t                  data;
} ngx_rt_value_t;


static ngx_int_t ngx_rt_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_variable_location(ngx_http_request_t *r,
    ngx_rt_value_pt get, ngx_str_t *value);
static ngx_int_t ngx_rt_value_tenant(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_user(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_session(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_flags(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_subscriptions(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_close_code(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_seconds(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);
static ngx_int_t ngx_rt_value_count(ngx_rt_conn_t *conn, u_char *buf,
    ngx_str_t *value, uintptr_t data);


static ngx_rt_value_t  ngx_rt_values[] = {

    { ngx_string("rt_tenant"), ngx_rt_value_tenant, 0 },
    { ngx_string("rt_user"), ngx_rt_value_user, 0 },
    { ngx_string("rt_session"), ngx_rt_value_session, 0 },
    { ngx_string("rt_flags"), ngx_rt_value_flags, 0 },
    { ngx_string("rt_subscriptions"), ngx_rt_value_subscriptions, 0 },
    { ngx_string("rt_close_code"), ngx_rt_value_close_code, 0 },
    { ngx_string("rt_seconds"), ngx_rt_value_seconds, 0 },

    { ngx_string("rt_messages_in"), ngx_rt_value_count,
      offsetof(ngx_rt_conn_t, messages_in) },

    { ngx_string("rt_messages_out"), ngx_rt_value_count,
      offsetof(ngx_rt_conn_t, messages_out) },

    { ngx_string("rt_bytes_in"), ngx_rt_value_count,
      offsetof(ngx_rt_conn_t, bytes_in) },

    { ngx_string("rt_bytes_out"), ngx_rt_value_count,
      offsetof(ngx_rt_conn_t, bytes_out) },

    { ngx_null_string, NULL, 0 }
};


ngx_int_t
ngx_rt_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; ngx_rt_values[i].get; i++) {
        var = ngx_http_add_variable(cf, &ngx_rt_values[i].name,
                                    NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_rt_variable;
        var->data = i;
    }

    return ngx_rt_flag_add_variables(cf);
}


ngx_int_t
ngx_rt_value_find(const ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; ngx_rt_values[i].get; i++) {

        if (ngx_rt_values[i].name.len == name->len
            && ngx_strncasecmp(ngx_rt_values[i].name.data, name->data,
                               name->len) == 0)
        {
            return i;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_rt_value(ngx_rt_conn_t *conn, ngx_uint_t i, u_char *buf, ngx_str_t *value)
{
    return ngx_rt_values[i].get(conn, buf, value, ngx_rt_values[i].data);
}


/* a subrequest speaks of the connection of its main request */

static ngx_int_t
ngx_rt_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char         *buf;
    ngx_int_t       rc;
    ngx_str_t       value;
    ngx_rt_conn_t  *conn;

    buf = ngx_pnalloc(r->pool, NGX_RT_VALUE_LEN);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    conn = ngx_http_get_module_ctx(r->main, ngx_rt_module);

    rc = conn ? ngx_rt_value(conn, data, buf, &value) : NGX_DECLINED;

    if (rc != NGX_OK) {
        rc = ngx_rt_variable_location(r, ngx_rt_values[data].get, &value);
    }

    if (rc != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* where there is no client, tenant and user are those the location yields */

static ngx_int_t
ngx_rt_variable_location(ngx_http_request_t *r, ngx_rt_value_pt get,
    ngx_str_t *value)
{
    ngx_int_t           rc;
    ngx_rt_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    if (get == ngx_rt_value_tenant && conf->zone) {
        return ngx_rt_tenant_name(r, conf->zone, value);
    }

    if (get == ngx_rt_value_user) {
        rc = ngx_rt_user_name(r, conf->user, value);

        return rc == NGX_OK && value->len == 0 ? NGX_DECLINED : rc;
    }

    return NGX_DECLINED;
}


/* NULL: not a connection of the client protocol */

static ngx_rt_client_t *
ngx_rt_value_client(ngx_rt_conn_t *conn)
{
    return conn->app == &ngx_rt_client_app ? conn->data : NULL;
}


static ngx_int_t
ngx_rt_value_number(u_char *buf, ngx_str_t *value, uint64_t n)
{
    value->data = buf;
    value->len = ngx_sprintf(buf, "%uL", n) - buf;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_value_tenant(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_value_client(conn);

    if (client == NULL) {
        return NGX_DECLINED;
    }

    *value = client->tenant;

    return NGX_OK;
}


/* empty: anonymous */

static ngx_int_t
ngx_rt_value_user(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_value_client(conn);

    if (client == NULL || client->user.len == 0) {
        return NGX_DECLINED;
    }

    *value = client->user;

    return NGX_OK;
}


/* the id is there until the log of the close is written */

static ngx_int_t
ngx_rt_value_session(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_value_client(conn);

    if (client == NULL || (client->session == NULL && client->past == NULL)) {
        return NGX_DECLINED;
    }

    value->data = client->past ? client->past : client->session->id;
    value->len = NGX_RT_ID_LEN;

    return NGX_OK;
}


/* those that its rules have asked, with the last answer */

static ngx_int_t
ngx_rt_value_flags(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_value_client(conn);

    if (client == NULL || client->variants == NULL) {
        return NGX_DECLINED;
    }

    value->data = buf;
    value->len = ngx_rt_client_say_variants(client, buf) - buf;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_value_subscriptions(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_rt_client_t  *client;

    client = ngx_rt_value_client(conn);

    if (client == NULL) {
        return NGX_DECLINED;
    }

    return ngx_rt_value_number(buf, value, client->nsubscriptions);
}


static ngx_int_t
ngx_rt_value_close_code(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    if (conn->close_code == 0) {
        return NGX_DECLINED;
    }

    return ngx_rt_value_number(buf, value, conn->close_code);
}


static ngx_int_t
ngx_rt_value_seconds(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    ngx_msec_t  ms;

    /* the access log is written before it has begun */

    if (conn->started == 0) {
        return NGX_DECLINED;
    }

    ms = ngx_current_msec - conn->started;

    value->data = buf;
    value->len = ngx_sprintf(buf, "%T.%03M", (time_t) ms / 1000, ms % 1000)
                 - buf;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_value_count(ngx_rt_conn_t *conn, u_char *buf, ngx_str_t *value,
    uintptr_t data)
{
    return ngx_rt_value_number(buf, value,
                               *(uint64_t *) ((u_char *) conn + data));
}
