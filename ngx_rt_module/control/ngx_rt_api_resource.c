
/*
 * Resources: what the API has at a path of its own and not as a method.  They
 * are answered with real statuses.
 *
 * Called by ngx_rt_api.c.  A new one is a line of the table.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "rt_percent.h"


static const ngx_rt_api_resource_t *ngx_rt_api_resource_find(
    ngx_http_request_t *r, ngx_str_t *item);
static void ngx_rt_api_resource_path(ngx_http_request_t *r, ngx_str_t *path);
static ngx_rt_api_resource_pt ngx_rt_api_resource_method(
    ngx_http_request_t *r, const ngx_rt_api_resource_t *res);


static const ngx_rt_api_resource_t  ngx_rt_api_resources[] = {

    { rt_string("/events/"), 1, "GET, HEAD",
      ngx_rt_api_event, NULL, NULL, NULL },

    { rt_string("/flags"), 0, "GET, HEAD, PUT",
      ngx_rt_api_flags_get, ngx_rt_api_flags_put, NULL, NULL },

    { rt_string("/rules"), 0, "GET, HEAD, PUT, DELETE",
      ngx_rt_api_rules_get, ngx_rt_api_rules_put, NULL,
      ngx_rt_api_rules_delete },

    { rt_string("/rules/test"), 0, "POST",
      NULL, NULL, ngx_rt_api_rules_test, NULL },

    { rt_string(""), 0, NULL, NULL, NULL, NULL, NULL }
};


/* a method in a location that is named like a resource is one all the same */

ngx_int_t
ngx_rt_api_admit_resource(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply)
{
    const ngx_rt_api_resource_t  *res;

    res = ngx_rt_api_resource_find(r, &api->item);

    if (res == NULL
        || (r->method == NGX_HTTP_POST
            && ngx_rt_api_method(api->method.data, api->method.len)))
    {
        return NGX_DECLINED;
    }

    reply->resource = 1;
    api->reply.resource = 1;

    api->resource = ngx_rt_api_resource_method(r, res);
    api->bodiless = r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE);

    if (api->resource == NULL) {
        reply->allow = res->allow;
        ngx_rt_api_error(reply, NGX_HTTP_NOT_ALLOWED, NULL,
                         "the method is not allowed here, see Allow");
        return NGX_HTTP_NOT_ALLOWED;
    }

    return NGX_OK;
}


static const ngx_rt_api_resource_t *
ngx_rt_api_resource_find(ngx_http_request_t *r, ngx_str_t *item)
{
    u_char                       *p, *last;
    ngx_str_t                     path;
    const ngx_rt_api_resource_t  *res;

    ngx_rt_api_resource_path(r, &path);

    last = path.data + path.len;

    for (p = last; p > path.data && p[-1] != '/'; p--) { /* void */ }

    item->data = p;
    item->len = last - p;

    for (res = ngx_rt_api_resources; res->path.len; res++) {

        p = res->item ? item->data : last;

        if ((size_t) (p - path.data) >= res->path.len
            && ngx_memcmp(p - res->path.len, res->path.data, res->path.len)
               == 0)
        {
            return res;
        }
    }

    return NULL;
}


/* as it came: a slash in an ID is encoded, so the last one is before it */

static void
ngx_rt_api_resource_path(ngx_http_request_t *r, ngx_str_t *path)
{
    u_char  *p;

    *path = r->uri;

    if (r != r->main || !r->valid_unparsed_uri) {
        return;
    }

    *path = r->unparsed_uri;

    p = ngx_strlchr(path->data, path->data + path->len, '?');

    if (p) {
        path->len = p - path->data;
    }
}


static ngx_rt_api_resource_pt
ngx_rt_api_resource_method(ngx_http_request_t *r,
    const ngx_rt_api_resource_t *res)
{
    switch (r->method) {

    case NGX_HTTP_GET:
    case NGX_HTTP_HEAD:
        return res->get;

    case NGX_HTTP_PUT:
        return res->put;

    case NGX_HTTP_POST:
        return res->post;

    case NGX_HTTP_DELETE:
        return res->remove;

    default:
        return NULL;
    }
}


ngx_int_t
ngx_rt_api_argument(ngx_rt_api_t *api, const char *name, ngx_str_t *value)
{
    rt_str_t   to;
    ngx_str_t  arg;

    ngx_str_null(value);

    if (ngx_http_arg(api->request, (u_char *) name, ngx_strlen(name), &arg)
        != NGX_OK)
    {
        return NGX_OK;
    }

    to.len = arg.len;
    to.data = ngx_pnalloc(api->pool, arg.len + 1);

    if (to.data == NULL) {
        return NGX_ERROR;
    }

    (void) rt_append(to.data, arg.data, arg.len);

    if (!rt_percent_decode(&to) || !rt_utf8_valid(to.data, to.len)) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, name,
                         "is not percent-encoded UTF-8");
        return NGX_OK;
    }

    *value = ngx_rt_ngx_str(&to);

    return NGX_OK;
}
