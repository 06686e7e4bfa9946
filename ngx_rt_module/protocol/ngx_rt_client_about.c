
/*
 * What rules may see of a client beside its session: headers of its handshake,
 * the claims of its token.  It stands behind the client's buckets, and only
 * where there is rt_rules.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_rules.h"


static u_char  ngx_rt_client_no_headers[] = "{}";


size_t
ngx_rt_client_about_size(ngx_rt_main_conf_t *mcf)
{
    return ngx_rt_rules_configured(mcf) ? sizeof(ngx_rt_about_t) : 0;
}


ngx_rt_about_t *
ngx_rt_client_about(ngx_rt_client_t *client)
{
    ngx_rt_main_conf_t  *mcf;

    mcf = client->main_conf;

    if (!ngx_rt_rules_configured(mcf)) {
        return NULL;
    }

    return (ngx_rt_about_t *) &client->buckets[ngx_rt_limit_session(mcf)];
}


ngx_int_t
ngx_rt_client_about_headers(ngx_rt_client_t *client, ngx_http_request_t *r)
{
    ngx_int_t        rc;
    ngx_array_t     *names;
    ngx_rt_about_t  *about;

    about = ngx_rt_client_about(client);
    names = client->conn->conf->rule_headers;

    if (about == NULL) {
        return NGX_OK;
    }

    about->headers.data = ngx_rt_client_no_headers;
    about->headers.len = sizeof(ngx_rt_client_no_headers) - 1;

    if (names == NULL) {
        return NGX_OK;
    }

    rc = ngx_rt_rule_headers_read(r, names, &about->headers);

    if (rc != NGX_DECLINED) {
        return rc == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "rt: WebSocket handshake refused: the headers of "
                  "rt_rule_headers are too long");
    ngx_rt_count(refused, 1);

    return NGX_HTTP_BAD_REQUEST;
}


ngx_int_t
ngx_rt_client_about_claims(ngx_rt_client_t *client, const ngx_str_t *claims)
{
    u_char          *p;
    ngx_rt_about_t  *about;

    about = ngx_rt_client_about(client);

    if (about == NULL) {
        return NGX_OK;
    }

    p = ngx_alloc(claims->len, client->conn->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, claims->data, claims->len);

    if (about->claims.data) {
        ngx_free(about->claims.data);
    }

    about->claims.data = p;
    about->claims.len = claims->len;

    return NGX_OK;
}


void
ngx_rt_client_about_free(ngx_rt_client_t *client)
{
    ngx_rt_about_t  *about;

    about = ngx_rt_client_about(client);

    if (about == NULL) {
        return;
    }

    if (about->headers.data
        && about->headers.data != ngx_rt_client_no_headers)
    {
        ngx_free(about->headers.data);
    }

    if (about->claims.data) {
        ngx_free(about->claims.data);
    }
}
