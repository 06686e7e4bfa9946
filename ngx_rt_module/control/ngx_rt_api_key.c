
/*
 * Who may use the API.  A key is taken from X-API-Key, from Authorization
 * ("apikey KEY") or from the argument api_key, the first that is there.
 *
 * Called by ngx_rt_api.c.  Keys lie in the configuration, each padded with
 * zeroes to NGX_RT_API_KEY_MAX bytes, and all of them are compared in full, so
 * that the time tells nothing.  No key is ever logged.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "rt_header.h"


static void ngx_rt_api_key_given(ngx_http_request_t *r, ngx_str_t *key);
static ngx_int_t ngx_rt_api_key_authorization(ngx_http_request_t *r,
    ngx_str_t *key);
static ngx_int_t ngx_rt_api_key_argument(ngx_http_request_t *r,
    ngx_str_t *key);
static ngx_rt_api_key_t *ngx_rt_api_key_find(ngx_array_t *keys,
    ngx_str_t *given);
static uint64_t ngx_rt_api_key_diff(const u_char *a, const u_char *b);


ngx_int_t
ngx_rt_api_key_check(ngx_http_request_t *r, ngx_rt_api_auth_t *auth,
    ngx_str_t *tenant, ngx_str_t *which)
{
    ngx_str_t          given, *name;
    ngx_uint_t         i;
    ngx_rt_api_key_t  *key;

    ngx_str_null(which);

    if (auth->off) {
        return NGX_OK;
    }

    ngx_str_null(&given);

    ngx_rt_api_key_given(r, &given);

    if (given.len == 0) {
        return NGX_HTTP_UNAUTHORIZED;
    }

    key = ngx_rt_api_key_find(auth->keys, &given);

    if (key == NULL) {
        return NGX_HTTP_UNAUTHORIZED;
    }

    *which = key->key;

    if (key->tenants == NULL) {
        return NGX_OK;
    }

    name = key->tenants->elts;

    for (i = 0; i < key->tenants->nelts; i++) {
        if (name[i].len == tenant->len
            && ngx_memcmp(name[i].data, tenant->data, tenant->len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_HTTP_FORBIDDEN;
}


static void
ngx_rt_api_key_given(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_str_t         *value;
    static ngx_str_t   name = ngx_string("x-api-key");

    value = ngx_rt_api_header(r, (char *) name.data, name.len);

    if (value) {
        *key = *value;
        return;
    }

    if (ngx_rt_api_key_authorization(r, key) != NGX_OK) {
        (void) ngx_rt_api_key_argument(r, key);
    }
}


static ngx_int_t
ngx_rt_api_key_authorization(ngx_http_request_t *r, ngx_str_t *key)
{
    rt_str_t  value, given;

    if (r->headers_in.authorization == NULL) {
        return NGX_DECLINED;
    }

    value = ngx_rt_str(&r->headers_in.authorization->value);

    if (!rt_header_credentials(&value, "apikey", &given)) {
        return NGX_DECLINED;
    }

    *key = ngx_rt_ngx_str(&given);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_key_argument(ngx_http_request_t *r, ngx_str_t *key)
{
    u_char     *dst, *src;
    ngx_str_t   value;

    if (ngx_http_arg(r, (u_char *) "api_key", 7, &value) != NGX_OK) {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(r->pool, value.len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    key->data = dst;
    src = value.data;

    ngx_unescape_uri(&dst, &src, value.len, 0);

    key->len = dst - key->data;

    return NGX_OK;
}


/* no branch depends on a key */

static ngx_rt_api_key_t *
ngx_rt_api_key_find(ngx_array_t *keys, ngx_str_t *given)
{
    u_char             padded[NGX_RT_API_KEY_MAX];
    uint64_t           diff, same;
    ngx_uint_t         i, found;
    ngx_rt_api_key_t  *key;

    ngx_memzero(padded, NGX_RT_API_KEY_MAX);
    ngx_memcpy(padded, given->data, ngx_min(given->len, NGX_RT_API_KEY_MAX));

    key = keys->elts;
    found = keys->nelts;

    for (i = 0; i < keys->nelts; i++) {
        diff = ngx_rt_api_key_diff(key[i].key.data, padded);
        diff |= key[i].key.len ^ given->len;

        /* all ones if diff is 0 */
        same = ((diff | (0 - diff)) >> 63) - 1;

        found = (found & ~same) | (i & same);
    }

    ngx_explicit_memzero(padded, NGX_RT_API_KEY_MAX);

    return found < keys->nelts ? &key[found] : NULL;
}


static uint64_t
ngx_rt_api_key_diff(const u_char *a, const u_char *b)
{
    uint64_t    x, y, diff;
    ngx_uint_t  i;

    diff = 0;

    for (i = 0; i < NGX_RT_API_KEY_MAX; i += sizeof(uint64_t)) {
        ngx_memcpy(&x, a + i, sizeof(uint64_t));
        ngx_memcpy(&y, b + i, sizeof(uint64_t));

        diff |= x ^ y;
    }

    return diff;
}
