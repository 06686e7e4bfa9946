
/*
 * rt_api: a request is admitted, its body read, its command run, its reply
 * sent.  The method is what follows the last slash of the URI, unless there is
 * a resource at its end.
 *
 * Called by nginx as a content handler.  Calls ngx_rt_api_key.c for the right
 * to, ngx_rt_api_method.c for the doing, ngx_rt_api_reply.c for the answer.
 * No locking of its own.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_state.h"
#include "rt_header.h"


/* of a request that waits; in its pool */
struct ngx_rt_api_step_s {
    ngx_rt_api_step_t         *next;
    ngx_rt_api_step_pt         go;
    void                      *data;
};


static ngx_int_t ngx_rt_api_admit(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_admit_method(ngx_http_request_t *r,
    ngx_rt_api_t *api, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_admit_key(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_look(ngx_http_request_t *r, ngx_rt_api_t *api);
static ngx_uint_t ngx_rt_api_is_json(ngx_http_request_t *r);
static ngx_rt_api_t *ngx_rt_api_create(ngx_http_request_t *r);
static ngx_rt_api_t *ngx_rt_api_lookup(ngx_http_request_t *r);
static void ngx_rt_api_cleanup(void *data);
static void ngx_rt_api_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_rt_api_command(ngx_rt_api_t *api);
static void ngx_rt_api_go(ngx_rt_api_t *api);
static void ngx_rt_api_fail(ngx_rt_api_t *api);
static void ngx_rt_api_finalize(ngx_http_request_t *r, ngx_int_t rc);
static ngx_int_t ngx_rt_api_body(ngx_http_request_t *r, ngx_str_t *body);


ngx_int_t
ngx_rt_api_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc, status;
    ngx_rt_api_t        *api;
    ngx_rt_api_reply_t   reply;

    api = ngx_rt_api_create(r);
    if (api == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&reply, sizeof(ngx_rt_api_reply_t));

    status = ngx_rt_api_admit(r, api, &reply);

    if (status == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status != NGX_OK) {
        rc = ngx_http_discard_request_body(r);

        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_rt_api_refuse(r, status, &reply);
    }

    if (api->bodiless) {
        return ngx_rt_api_look(r, api);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_rt_api_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* NGX_OK, NGX_ERROR, or a status, of which the reply says why */

static ngx_int_t
ngx_rt_api_admit(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply)
{
    u_char     *p;
    ngx_int_t   rc;

    rc = ngx_rt_tenant_name(r, api->zone, &api->tenant);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "tenant",
                         "has to be 1 to 128 bytes, no control characters");
        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_rt_api_admit_key(r, api, reply);

    if (rc != NGX_OK) {
        return rc;
    }

    p = r->uri.data + r->uri.len;

    while (p > r->uri.data && p[-1] != '/') {
        p--;
    }

    api->method.data = p;
    api->method.len = r->uri.data + r->uri.len - p;

    rc = ngx_rt_api_admit_resource(r, api, reply);

    if (rc == NGX_DECLINED) {
        rc = ngx_rt_api_admit_method(r, api, reply);
    }

    if (rc != NGX_OK || api->bodiless) {
        return rc;
    }

    if (!ngx_rt_api_is_json(r)) {
        ngx_rt_api_error(reply, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                         "Content-Type", "has to be application/json");
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_admit_method(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply)
{
    if (ngx_rt_api_method(api->method.data, api->method.len) == NULL) {
        ngx_rt_api_error(reply, NGX_RT_API_NO_METHOD, NULL,
                         "method not found");
        return NGX_HTTP_NOT_FOUND;
    }

    if (r->method != NGX_HTTP_POST) {
        ngx_rt_api_error(reply, NGX_HTTP_NOT_ALLOWED, NULL,
                         "the API takes POST only");
        return NGX_HTTP_NOT_ALLOWED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_admit_key(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply)
{
    ngx_int_t           rc;
    ngx_rt_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    rc = ngx_rt_api_key_check(r, lcf->api_auth, &api->tenant, &api->key);

    if (rc == NGX_HTTP_UNAUTHORIZED) {
        ngx_rt_api_error(reply, NGX_RT_API_UNAUTHORIZED, NULL,
                         "no API key, or an unknown one");
    }

    if (rc == NGX_HTTP_FORBIDDEN) {
        ngx_rt_api_error(reply, NGX_RT_API_DENIED, NULL,
                         "the API key is not for this tenant");
    }

    return rc;
}


/* a request that does not say its type is taken at its word */

static ngx_uint_t
ngx_rt_api_is_json(ngx_http_request_t *r)
{
    rt_str_t  value;

    if (r->headers_in.content_type == NULL) {
        return 1;
    }

    value = ngx_rt_str(&r->headers_in.content_type->value);

    return rt_header_type(&value, "application/json");
}


/*
 * The module's context of a request is a WebSocket's, so what has to live until
 * the body is read stands among the pool's cleanups.
 */

static ngx_rt_api_t *
ngx_rt_api_create(ngx_http_request_t *r)
{
    ngx_rt_api_t        *api;
    ngx_rt_loc_conf_t   *lcf;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_rt_api_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_rt_api_cleanup;

    lcf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    api = cln->data;

    ngx_memzero(api, sizeof(ngx_rt_api_t));

    api->request = r;
    api->pool = r->pool;
    api->log = r->connection->log;
    api->conf = ngx_http_get_module_main_conf(r, ngx_rt_module);
    api->zone = lcf->zone;
    api->max_message = lcf->max_message;
    api->budget = NGX_RT_API_REPLY_MAX;
    api->steps_end = &api->steps;

    return api;
}


static ngx_rt_api_t *
ngx_rt_api_lookup(ngx_http_request_t *r)
{
    ngx_rt_api_t        *api;
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_rt_api_cleanup) {
            continue;
        }

        api = cln->data;

        if (api->request == r) {
            return api;
        }
    }

    return NULL;
}


/* marks the entry, and has nothing to clean */

static void
ngx_rt_api_cleanup(void *data)
{
}


static void
ngx_rt_api_body_handler(ngx_http_request_t *r)
{
    ngx_rt_api_t  *api;

    api = ngx_rt_api_lookup(r);

    if (api == NULL) {
        ngx_rt_api_finalize(r, NGX_ERROR);

    } else if (ngx_rt_api_command(api) == NGX_OK) {
        ngx_rt_api_go(api);

    } else {
        ngx_rt_api_fail(api);
    }
}


static ngx_int_t
ngx_rt_api_command(ngx_rt_api_t *api)
{
    rt_json_t                   j;
    ngx_int_t                   rc;
    ngx_str_t                   body;
    ngx_rt_api_reply_t         *reply;
    const ngx_rt_api_method_t  *method;

    if (ngx_rt_api_body(api->request, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    reply = &api->reply;

    if (!rt_utf8_valid(body.data, body.len)) {
        ngx_rt_api_malformed(reply, "body", "is not UTF-8");
        return NGX_OK;
    }

    rt_json_init(&j, body.data, body.len);

    if (api->resource) {
        rc = api->resource(api, &j);

    } else {
        method = ngx_rt_api_method(api->method.data, api->method.len);
        rc = ngx_rt_api_call(api, method, &j, reply);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (reply->malformed && j.error != RT_JSON_OK) {
        reply->position = j.pos - body.data + 1;
    }

    return NGX_OK;
}


/* without a body: one that is there all the same is none of our business */

static ngx_int_t
ngx_rt_api_look(ngx_http_request_t *r, ngx_rt_api_t *api)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->main->count++;

    if (api->resource(api, NULL) == NGX_OK) {
        ngx_rt_api_go(api);

    } else {
        ngx_rt_api_fail(api);
    }

    return NGX_DONE;
}


/* as far as it gets without an answer; to the end, if none is waited for */

static void
ngx_rt_api_go(ngx_rt_api_t *api)
{
    ngx_http_request_t  *r;
    ngx_rt_api_step_t   *step;

    r = api->request;

    while (api->waits == 0 && api->steps) {
        step = api->steps;
        api->steps = step->next;

        if (api->steps == NULL) {
            api->steps_end = &api->steps;
        }

        if (step->go(api, step->data) != NGX_OK) {
            ngx_rt_api_fail(api);
            return;
        }
    }

    if (api->waits == 0) {
        ngx_rt_api_finalize(r, ngx_rt_api_respond(r, &api->reply));
    }
}


/* it may take a while to leave, and what it has waited for come meanwhile */

static void
ngx_rt_api_fail(ngx_rt_api_t *api)
{
    api->failed = 1;

    ngx_rt_api_finalize(api->request, NGX_ERROR);
}


static void
ngx_rt_api_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_ERROR && !r->header_sent) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


ngx_int_t
ngx_rt_api_later(ngx_rt_api_t *api, ngx_rt_api_step_pt go, void *data)
{
    ngx_rt_api_step_t  *step;

    step = ngx_palloc(api->pool, sizeof(ngx_rt_api_step_t));
    if (step == NULL) {
        return NGX_ERROR;
    }

    step->next = NULL;
    step->go = go;
    step->data = data;

    *api->steps_end = step;
    api->steps_end = &step->next;

    return NGX_OK;
}


void
ngx_rt_api_arrived(ngx_rt_api_t *api)
{
    ngx_connection_t  *c;

    if (--api->waits || api->failed) {
        return;
    }

    c = api->request->connection;

    ngx_http_set_log_request(c->log, api->request);

    ngx_rt_api_go(api);

    ngx_http_run_posted_requests(c);
}


/*
 * A copy of the body in one piece: strings are decoded in place, and others
 * (mirror, subrequests) have the same buffers.
 */

static ngx_int_t
ngx_rt_api_body(ngx_http_request_t *r, ngx_str_t *body)
{
    off_t         size;
    u_char       *p;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_set(body, "");

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    size = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, (size_t) size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = (size_t) size;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (!b->in_file) {
            p = rt_append(p, b->pos, b->last - b->pos);
            continue;
        }

        size = b->file_last - b->file_pos;

        n = ngx_read_file(b->file, p, (size_t) size, b->file_pos);

        if (n == NGX_ERROR || n != (ssize_t) size) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}
