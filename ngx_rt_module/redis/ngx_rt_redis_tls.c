
/*
 * TLS to Redis: what a configuration says of it, and a link's handshake.
 *
 * Called by ngx_rt_redis_conf.c and ngx_rt_redis_link.c; calls nginx's.  The
 * certificate is judged by OpenSSL, by name or address too, while it shakes
 * hands, and looked at when that is done.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"


#if (NGX_SSL)

#include <openssl/x509v3.h>


#define NGX_RT_REDIS_TLS_DEPTH  10


static ngx_int_t ngx_rt_redis_tls_ctx(ngx_conf_t *cf,
    ngx_rt_redis_conf_t *redis, ngx_str_t *values);
static ngx_int_t ngx_rt_redis_tls_expect(ngx_connection_t *c,
    ngx_rt_redis_conf_t *redis);
static void ngx_rt_redis_tls_handler(ngx_connection_t *c);


char *
ngx_rt_redis_tls_conf(ngx_conf_t *cf, ngx_rt_redis_conf_t *redis,
    ngx_str_t *values)
{
    ngx_str_t  *verify;

    redis->tls_verify = 1;
    verify = &values[NGX_RT_REDIS_TLS_VERIFY];

    if (verify->len && ngx_strcmp(verify->data, "off") == 0) {
        redis->tls_verify = 0;

    } else if (verify->len && ngx_strcmp(verify->data, "on") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"tls_verify=%V\", write \"tls_verify=on\""
                           " or \"tls_verify=off\"", verify);
        return NGX_CONF_ERROR;
    }

    if (!values[NGX_RT_REDIS_TLS_CERT].len
        != !values[NGX_RT_REDIS_TLS_KEY].len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a certificate needs its key, write "
                           "\"tls_cert=PATH tls_key=PATH\"");
        return NGX_CONF_ERROR;
    }

    redis->tls_name = values[NGX_RT_REDIS_TLS_NAME];

    if (redis->tls_name.len == 0) {
        redis->tls_name = redis->host;
    }

    /* nginx says what is wrong, but not where */

    if (ngx_rt_redis_tls_ctx(cf, redis, values) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the files of \"rt_redis\" for TLS cannot be used, "
                           "write the paths of PEM files");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* without "tls_ca=", whom the system trusts is trusted */

static ngx_int_t
ngx_rt_redis_tls_ctx(ngx_conf_t *cf, ngx_rt_redis_conf_t *redis,
    ngx_str_t *values)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));

    if (cln == NULL || ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (values[NGX_RT_REDIS_TLS_CERT].len
        && ngx_ssl_certificate(cf, ssl, &values[NGX_RT_REDIS_TLS_CERT],
                               &values[NGX_RT_REDIS_TLS_KEY], NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (values[NGX_RT_REDIS_TLS_CA].len) {
        if (ngx_ssl_trusted_certificate(cf, ssl, &values[NGX_RT_REDIS_TLS_CA],
                                        NGX_RT_REDIS_TLS_DEPTH)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    redis->ssl = ssl;

    return NGX_OK;
}


void
ngx_rt_redis_tls_start(ngx_rt_redis_link_t *link)
{
    ngx_connection_t  *c;

    c = link->peer.connection;

    if (ngx_ssl_create_connection(link->conf->ssl, c, NGX_SSL_CLIENT) != NGX_OK
        || ngx_rt_redis_tls_expect(c, link->conf) != NGX_OK)
    {
        ngx_rt_redis_link_lose(link, "there was no memory for TLS", 0);
        return;
    }

    c->sendfile = 0;
    c->ssl->no_send_shutdown = 1;
    c->ssl->no_wait_shutdown = 1;

    /* what waits to be sent moves, and is sent in parts */
    SSL_set_mode(c->ssl->connection, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                     |SSL_MODE_ENABLE_PARTIAL_WRITE);

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_rt_redis_tls_handler;
        return;
    }

    ngx_rt_redis_tls_handler(c);
}


static ngx_int_t
ngx_rt_redis_tls_expect(ngx_connection_t *c, ngx_rt_redis_conf_t *redis)
{
    char               *name;
    u_char              addr[16];
    X509_VERIFY_PARAM  *param;

    name = (char *) redis->tls_name.data;
    param = SSL_get0_param(c->ssl->connection);

    if (ngx_inet_addr(redis->tls_name.data, redis->tls_name.len)
        != INADDR_NONE
        || ngx_inet6_addr(redis->tls_name.data, redis->tls_name.len, addr)
           == NGX_OK)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1 ? NGX_OK
                                                               : NGX_ERROR;
    }

    if (SSL_set_tlsext_host_name(c->ssl->connection, name) != 1
        || X509_VERIFY_PARAM_set1_host(param, name, redis->tls_name.len) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_rt_redis_tls_handler(ngx_connection_t *c)
{
    long                  rc;
    X509                 *cert;
    ngx_rt_redis_link_t  *link;

    link = c->data;

    if (!c->ssl->handshaked) {
        ngx_rt_redis_link_lose(link, c->timedout ? "it is silent"
                                     : "the TLS handshake failed", 0);
        return;
    }

    if (link->conf->tls_verify) {
        cert = SSL_get_peer_certificate(c->ssl->connection);
        rc = cert ? SSL_get_verify_result(c->ssl->connection)
                  : X509_V_ERR_UNSPECIFIED;
        X509_free(cert);

        if (rc != X509_V_OK) {
            ngx_rt_redis_link_refuse(link, "its certificate",
                               (u_char *) X509_verify_cert_error_string(rc),
                               ngx_strlen(X509_verify_cert_error_string(rc)));
            return;
        }
    }

    ngx_rt_redis_link_greet(link);
}


void
ngx_rt_redis_tls_close(ngx_connection_t *c)
{
    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }
}


#else


char *
ngx_rt_redis_tls_conf(ngx_conf_t *cf, ngx_rt_redis_conf_t *redis,
    ngx_str_t *values)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "this nginx was built without TLS, write the URL of "
                       "\"rt_redis\" as redis://HOST[:PORT]");

    return NGX_CONF_ERROR;
}


void
ngx_rt_redis_tls_start(ngx_rt_redis_link_t *link)
{
    ngx_rt_redis_link_greet(link);
}


void
ngx_rt_redis_tls_close(ngx_connection_t *c)
{
}


#endif
