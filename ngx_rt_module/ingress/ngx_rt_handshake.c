
/*
 * The handshake (RFC 6455, section 4.2): a GET becomes a WebSocket, or gets the
 * status that says what was wrong with it.  The 101 goes through nginx's own
 * header filters, so that add_header and the logs work.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_header.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_policy.h"
#include "rt_header.h"

#include <ngx_sha1.h>


#define NGX_RT_ACCEPT_LEN    28           /* base64 of a SHA-1 */


static ngx_int_t ngx_rt_handshake_check(ngx_http_request_t *r,
    ngx_str_t *key);
static ngx_int_t ngx_rt_handshake_request(ngx_http_request_t *r);
static ngx_int_t ngx_rt_handshake_version(ngx_http_request_t *r);
static ngx_int_t ngx_rt_handshake_key(ngx_http_request_t *r, ngx_str_t *key);
static ngx_int_t ngx_rt_handshake_refuse(ngx_http_request_t *r,
    ngx_int_t status, const char *why);
static ngx_int_t ngx_rt_handshake_accept(ngx_http_request_t *r,
    ngx_str_t *key, const ngx_rt_app_t *app);
static ngx_int_t ngx_rt_handshake_answer(ngx_http_request_t *r,
    ngx_rt_conn_t *conn);
static void ngx_rt_handshake_log(ngx_http_request_t *r);


ngx_int_t
ngx_rt_upgrade(ngx_http_request_t *r, const ngx_rt_app_t *app)
{
    ngx_int_t       rc;
    ngx_str_t       key;
    ngx_rt_conn_t  *conn;

    rc = ngx_rt_handshake_check(r, &key);

    if (rc != NGX_OK) {
        ngx_rt_count(refused, 1);
        return rc;
    }

    rc = ngx_rt_conn_create(r, app, &conn);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_rt_handshake_accept(r, &key, app) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_rt_handshake_answer(r, conn);
}


static ngx_int_t
ngx_rt_handshake_check(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_int_t           rc;
    ngx_str_t           wait = ngx_string("1");
    ngx_rt_loc_conf_t  *conf;

    rc = ngx_rt_handshake_request(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_rt_handshake_version(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_rt_handshake_key(r, key);
    if (rc != NGX_OK) {
        return rc;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    rc = ngx_rt_origin_check(r, conf->origins);
    if (rc != NGX_OK) {
        return rc;
    }

    if (conf->zone && ngx_rt_slot == NGX_RT_NO_SLOT) {
        (void) ngx_rt_header_add(r, "Retry-After", &wait);
        return ngx_rt_handshake_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "this worker takes no WebSockets");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_handshake_request(ngx_http_request_t *r)
{
    ngx_str_t  allow = ngx_string("GET");

    if (r->method != NGX_HTTP_GET) {
        (void) ngx_rt_header_add(r, "Allow", &allow);
        return ngx_rt_handshake_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                       "the method is not GET");
    }

    /* nginx would send its status instead of 101 */

    if (r->err_status) {
        return ngx_rt_handshake_refuse(r, ngx_max(r->err_status,
                                                  NGX_HTTP_BAD_REQUEST),
                                       "it came here by error_page");
    }

    if (r->http_version != NGX_HTTP_VERSION_11 || r != r->main) {
        return ngx_rt_handshake_refuse(r, NGX_HTTP_BAD_REQUEST,
                                       "it is not HTTP/1.1");
    }

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        return ngx_rt_handshake_refuse(r, NGX_HTTP_BAD_REQUEST,
                                       "it has a body");
    }

    if (!ngx_rt_header_token(r, "upgrade", "websocket")
        || !ngx_rt_header_token(r, "connection", "upgrade"))
    {
        return ngx_rt_handshake_refuse(r, NGX_HTTP_BAD_REQUEST,
                                       "it asks for no upgrade to websocket");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_handshake_version(ngx_http_request_t *r)
{
    ngx_str_t   value, version = ngx_string("13");
    ngx_uint_t  n;

    n = ngx_rt_header_find(r, "sec-websocket-version", &value);

    if (n != 1) {
        return ngx_rt_handshake_refuse(r, NGX_HTTP_BAD_REQUEST,
                                       "it has not one version header");
    }

    if (value.len == version.len
        && ngx_strncmp(value.data, version.data, version.len) == 0)
    {
        return NGX_OK;
    }

    if (ngx_rt_header_add(r, "Sec-WebSocket-Version", &version) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_rt_handshake_refuse(r, 426, "its version is not 13");
}


static ngx_int_t
ngx_rt_handshake_key(ngx_http_request_t *r, ngx_str_t *key)
{
    rt_str_t    value;
    ngx_uint_t  n;

    n = ngx_rt_header_find(r, "sec-websocket-key", key);
    value = ngx_rt_str(key);

    if (n != 1 || !rt_header_key_valid(&value)) {
        return ngx_rt_handshake_refuse(r, NGX_HTTP_BAD_REQUEST,
                                       "it has not one key of 16 bytes");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_handshake_refuse(ngx_http_request_t *r, ngx_int_t status,
    const char *why)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "rt: WebSocket handshake refused: %s", why);

    return status;
}


static ngx_int_t
ngx_rt_handshake_accept(ngx_http_request_t *r, ngx_str_t *key,
    const ngx_rt_app_t *app)
{
    u_char      digest[20];
    ngx_str_t   accept, hash, upgrade = ngx_string("websocket");
    ngx_str_t   protocol;
    ngx_sha1_t  sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    ngx_sha1_final(digest, &sha1);

    accept.data = ngx_pnalloc(r->pool, NGX_RT_ACCEPT_LEN);
    if (accept.data == NULL) {
        return NGX_ERROR;
    }

    hash.data = digest;
    hash.len = sizeof(digest);
    ngx_encode_base64(&accept, &hash);

    if (ngx_rt_header_add(r, "Upgrade", &upgrade) != NGX_OK
        || ngx_rt_header_add(r, "Sec-WebSocket-Accept", &accept) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* one that was not offered is never named */

    if (app->subprotocol
        && ngx_rt_header_token(r, "sec-websocket-protocol", app->subprotocol))
    {
        protocol.data = (u_char *) app->subprotocol;
        protocol.len = ngx_strlen(app->subprotocol);

        return ngx_rt_header_add(r, "Sec-WebSocket-Protocol", &protocol);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_handshake_answer(ngx_http_request_t *r, ngx_rt_conn_t *conn)
{
    ngx_int_t  rc;

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");
    r->headers_out.content_length_n = -1;
    r->keepalive = 0;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (r->connection->buffered || r->out) {

        /* so small an answer does not leave: nobody is there to take it */

        return NGX_ERROR;
    }

    ngx_http_set_ctx(r, conn, ngx_rt_module);

    ngx_rt_handshake_log(r);
    ngx_rt_close_log_prepare(conn, r);

    ngx_rt_conn_start(conn);

    r->main->count++;

    return NGX_DONE;
}


/*
 * The access log has the 101 when it happens, not when the connection ends;
 * rt_log has the end.
 */

static void
ngx_rt_handshake_log(ngx_http_request_t *r)
{
    ngx_uint_t                  i, n;
    ngx_http_handler_pt        *log_handler;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    log_handler = cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.elts;
    n = cmcf->phases[NGX_HTTP_LOG_PHASE].handlers.nelts;

    for (i = 0; i < n; i++) {
        (void) log_handler[i](r);
    }

    r->logged = 1;
}
