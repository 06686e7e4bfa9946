
/*
 * What the API answers: texts of results and errors, and their statuses.
 *
 * Called by the other files of the API.  Calls nginx's output, through the cork
 * of egress.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_cork.h"
#include "ngx_rt_policy.h"


static ngx_uint_t ngx_rt_api_status(ngx_uint_t code);
static ngx_uint_t ngx_rt_api_transport(ngx_http_request_t *r);
static ngx_int_t ngx_rt_api_retry_after(ngx_http_request_t *r,
    ngx_uint_t status, ngx_uint_t seconds);
static void ngx_rt_api_refuse_text(rt_out_t *o, void *data);
static ngx_int_t ngx_rt_api_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_table_elt_t **header);
static ngx_int_t ngx_rt_api_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text);


static ngx_str_t  ngx_rt_api_allow = ngx_string("Allow");
static ngx_str_t  ngx_rt_api_post = ngx_string("POST");
static ngx_str_t  ngx_rt_api_challenge = ngx_string("WWW-Authenticate");
static ngx_str_t  ngx_rt_api_scheme = ngx_string("apikey");
static ngx_str_t  ngx_rt_api_retry = ngx_string("Retry-After");

/* of nearly every publish */
static ngx_str_t  ngx_rt_api_done = ngx_string("{\"result\":{}}");


/*
 * For callers that ask for statuses; what is not here is 500.  Where another
 * try may help, the answer says when.
 */
static const struct {
    ngx_uint_t  code;
    ngx_uint_t  status;
} ngx_rt_api_statuses[] = {
    { 100, NGX_HTTP_SERVICE_UNAVAILABLE },
    { 102, NGX_HTTP_NOT_FOUND },
    { 103, NGX_HTTP_FORBIDDEN },
    { 104, NGX_HTTP_NOT_FOUND },
    { 106, NGX_HTTP_BAD_REQUEST },
    { 107, NGX_HTTP_BAD_REQUEST },
    { 108, NGX_HTTP_BAD_REQUEST },
    { 111, NGX_HTTP_TOO_MANY_REQUESTS },
    { 112, NGX_HTTP_RANGE_NOT_SATISFIABLE },
    { 113, NGX_HTTP_CONFLICT },
    { 404, NGX_HTTP_NOT_FOUND },
    { 409, NGX_HTTP_CONFLICT },
    { 413, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE },
    { 507, NGX_HTTP_INSUFFICIENT_STORAGE },
    { 0, NGX_HTTP_INTERNAL_SERVER_ERROR }
};


void
ngx_rt_api_error(ngx_rt_api_reply_t *reply, ngx_uint_t code, const char *field,
    const char *why)
{
    if (reply->code == 0) {
        reply->code = code;
        reply->field = field;
        reply->why = why;
    }
}


void
ngx_rt_api_malformed(ngx_rt_api_reply_t *reply, const char *field,
    const char *why)
{
    if (!reply->malformed) {
        reply->malformed = 1;
        reply->code = NGX_RT_API_BAD_REQUEST;
        reply->field = field;
        reply->why = why;
    }
}


ngx_int_t
ngx_rt_api_denied(ngx_rt_api_t *api, ngx_rt_api_reply_t *reply)
{
    u_char  *text;

    text = ngx_pnalloc(api->pool, NGX_RT_DENIAL_LEN);
    if (text == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_rt_limit_text(&ngx_rt_denial, text);

    reply->retry = (ngx_rt_denial.wait + 999) / 1000;

    ngx_rt_api_error(reply, ngx_rt_limit_code(&ngx_rt_denial), NULL,
                     (char *) text);
    return NGX_OK;
}


static ngx_uint_t
ngx_rt_api_status(ngx_uint_t code)
{
    ngx_uint_t  i;

    for (i = 0; ngx_rt_api_statuses[i].code; i++) {
        if (ngx_rt_api_statuses[i].code == code) {
            break;
        }
    }

    return ngx_rt_api_statuses[i].status;
}


/* field and why are ours, and need no escaping */

void
ngx_rt_api_error_text(rt_out_t *o, const ngx_rt_api_reply_t *reply)
{
    rt_out_lit(o, "{\"code\":");
    rt_out_uint(o, reply->code);
    rt_out_lit(o, ",\"message\":\"");

    if (reply->field) {
        rt_out_bytes(o, reply->field, ngx_strlen(reply->field));
        rt_out_lit(o, ": ");
    }

    rt_out_bytes(o, reply->why, ngx_strlen(reply->why));

    if (reply->position) {
        rt_out_lit(o, ", near byte ");
        rt_out_uint(o, reply->position);
    }

    rt_out_lit(o, "\"}");
}


void
ngx_rt_api_respond_text(rt_out_t *o, void *data)
{
    ngx_rt_api_reply_t  *reply = data;

    if (reply->code) {
        rt_out_lit(o, "{\"error\":");
        ngx_rt_api_error_text(o, reply);

    } else {
        rt_out_lit(o, "{\"");

        if (reply->method) {
            rt_out_bytes(o, reply->method->data, reply->method->len);

        } else {
            rt_out_lit(o, "result");
        }

        rt_out_lit(o, "\":");
        rt_out_bytes(o, reply->result.data, reply->result.len);
    }

    rt_out_lit(o, "}");
}


ngx_int_t
ngx_rt_api_replies(ngx_rt_api_t *api, ngx_rt_api_replies_t *replies,
    const char *name, ngx_uint_t n)
{
    void  *items;

    replies->name = name;

    if (ngx_array_init(&replies->list, api->pool, n + 1,
                       sizeof(ngx_rt_api_reply_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    items = ngx_array_push_n(&replies->list, n);

    ngx_memzero(items, n * sizeof(ngx_rt_api_reply_t));

    return NGX_OK;
}


void
ngx_rt_api_replies_text(rt_out_t *o, void *data)
{
    ngx_uint_t             i;
    ngx_rt_api_reply_t    *reply;
    ngx_rt_api_replies_t  *replies = data;

    rt_out_lit(o, "{\"");
    rt_out_bytes(o, replies->name, ngx_strlen(replies->name));
    rt_out_lit(o, "\":[");

    reply = replies->list.elts;

    for (i = 0; i < replies->list.nelts; i++) {

        if (i) {
            rt_out_lit(o, ",");
        }

        ngx_rt_api_respond_text(o, &reply[i]);
    }

    rt_out_lit(o, "]}");
}


ngx_int_t
ngx_rt_api_text(ngx_pool_t *pool, ngx_rt_api_say_pt say, void *data,
    size_t max, ngx_str_t *text)
{
    rt_out_t  o;

    rt_out_init(&o, NULL, 0);

    say(&o, data);

    if (o.need > max) {
        return NGX_DECLINED;
    }

    text->len = o.need;
    text->data = ngx_pnalloc(pool, o.need);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    rt_out_init(&o, text->data, text->len);

    say(&o, data);

    return NGX_OK;
}


ngx_int_t
ngx_rt_api_spend(ngx_rt_api_t *api, size_t n, ngx_rt_api_reply_t *reply)
{
    if (n > api->budget) {
        api->budget = 0;
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, NULL,
                         "too much for one request");
        return NGX_DECLINED;
    }

    api->budget -= n;

    return NGX_OK;
}


ngx_int_t
ngx_rt_api_result(ngx_rt_api_t *api, ngx_rt_api_say_pt say, void *data,
    ngx_rt_api_reply_t *reply)
{
    ngx_int_t  rc;

    rc = ngx_rt_api_text(api->pool, say, data, api->budget, &reply->result);

    if (rc == NGX_DECLINED) {
        api->budget = 0;
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, NULL,
                         "the reply would be larger than 16m");
        return NGX_OK;
    }

    api->budget -= reply->result.len;

    return rc;
}


ngx_int_t
ngx_rt_api_respond(ngx_http_request_t *r, ngx_rt_api_reply_t *reply)
{
    ngx_int_t       rc;
    ngx_str_t       text;
    ngx_uint_t      status;
    ngx_rt_cork_t  *cork;

    status = NGX_HTTP_OK;

    if (reply->code == 0 && reply->bare) {
        text = reply->result;

    } else if (reply->code == 0 && reply->result.len == 2) {
        text = ngx_rt_api_done;

    } else if (reply->malformed
               || (reply->code
                   && (reply->resource || ngx_rt_api_transport(r))))
    {
        status = ngx_rt_api_status(reply->code);

        if (ngx_rt_api_retry_after(r, status, reply->retry) != NGX_OK
            || ngx_rt_api_text(r->pool, ngx_rt_api_refuse_text, reply,
                               (size_t) -1, &text)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (ngx_rt_api_text(r->pool, ngx_rt_api_respond_text, reply,
                               (size_t) -1, &text)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    cork = ngx_rt_cork_open(r);

    rc = ngx_rt_api_send(r, status, &text);

    ngx_rt_cork_close(cork);

    return rc;
}


static ngx_int_t
ngx_rt_api_retry_after(ngx_http_request_t *r, ngx_uint_t status,
    ngx_uint_t seconds)
{
    ngx_str_t         value;
    ngx_table_elt_t  *h;

    if (status != NGX_HTTP_SERVICE_UNAVAILABLE
        && status != NGX_HTTP_TOO_MANY_REQUESTS
        && status != NGX_HTTP_INSUFFICIENT_STORAGE)
    {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "%ui", ngx_max(seconds, 1))
                - value.data;

    return ngx_rt_api_add_header(r, &ngx_rt_api_retry, &value, &h);
}


static void
ngx_rt_api_refuse_text(rt_out_t *o, void *data)
{
    ngx_rt_api_error_text(o, data);
}


ngx_int_t
ngx_rt_api_refuse(ngx_http_request_t *r, ngx_uint_t status,
    ngx_rt_api_reply_t *reply)
{
    ngx_int_t         rc;
    ngx_str_t         text, methods;
    ngx_table_elt_t  *h;

    rc = NGX_OK;

    if (status == NGX_HTTP_NOT_ALLOWED) {
        methods = ngx_rt_api_post;

        if (reply->allow) {
            methods.data = (u_char *) reply->allow;
            methods.len = ngx_strlen(reply->allow);
        }

        rc = ngx_rt_api_add_header(r, &ngx_rt_api_allow, &methods, &h);
    }

    if (status == NGX_HTTP_UNAUTHORIZED) {
        rc = ngx_rt_api_add_header(r, &ngx_rt_api_challenge,
                                   &ngx_rt_api_scheme,
                                   &r->headers_out.www_authenticate);
    }

    if (rc != NGX_OK
        || ngx_rt_api_text(r->pool, ngx_rt_api_refuse_text, reply, (size_t) -1,
                           &text)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_rt_api_send(r, status, &text);
}


static ngx_int_t
ngx_rt_api_add_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value, ngx_table_elt_t **header)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key = *name;
    h->value = *value;

    *header = h;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *text)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = text->len;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_uint_t
ngx_rt_api_transport(ngx_http_request_t *r)
{
    ngx_str_t        *value;
    static ngx_str_t  name = ngx_string("x-centrifugo-error-mode");

    value = ngx_rt_api_header(r, (char *) name.data, name.len);

    return value && value->len == sizeof("transport") - 1
           && ngx_strncasecmp(value->data, (u_char *) "transport",
                              value->len) == 0;
}


ngx_str_t *
ngx_rt_api_header(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash && h[i].key.len == len
                && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
            {
                return &h[i].value;
            }
        }
    }

    return NULL;
}
