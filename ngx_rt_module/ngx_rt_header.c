
/*
 * HTTP headers that nginx has no field for: a walk over its list.  What stands
 * in one is read by rt_header.c.
 */


#include "ngx_rt.h"
#include "ngx_rt_header.h"
#include "rt_header.h"


static ngx_table_elt_t *ngx_rt_header_next(ngx_list_part_t **part,
    ngx_uint_t *i, const char *name);


static ngx_table_elt_t *
ngx_rt_header_next(ngx_list_part_t **part, ngx_uint_t *i, const char *name)
{
    size_t            len;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    for ( ;; (*i)++) {

        if (*i >= (*part)->nelts) {

            if ((*part)->next == NULL) {
                return NULL;
            }

            *part = (*part)->next;
            *i = 0;
        }

        if (*i >= (*part)->nelts) {
            continue;
        }

        h = &((ngx_table_elt_t *) (*part)->elts)[*i];

        if (h->hash && h->key.len == len
            && ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0)
        {
            (*i)++;
            return h;
        }
    }
}


ngx_uint_t
ngx_rt_header_find(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    i = 0;
    n = 0;
    part = &r->headers_in.headers.part;

    for ( ;; ) {
        h = ngx_rt_header_next(&part, &i, name);

        if (h == NULL) {
            return n;
        }

        *value = h->value;
        n++;
    }
}


ngx_int_t
ngx_rt_header_join(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    size_t            len;
    u_char           *p;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = ngx_rt_header_find(r, name, value);

    if (n < 2) {
        return n;
    }

    i = 0;
    len = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_rt_header_next(&part, &i, name)) != NULL) {
        len += h->value.len + sizeof(", ") - 1;
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;
    value->len = len - (sizeof(", ") - 1);

    i = 0;
    part = &r->headers_in.headers.part;

    while ((h = ngx_rt_header_next(&part, &i, name)) != NULL) {
        p = ngx_cpymem(p, h->value.data, h->value.len);
        *p++ = ',';
        *p++ = ' ';
    }

    return n;
}


ngx_uint_t
ngx_rt_header_token(ngx_http_request_t *r, const char *name,
    const char *token)
{
    rt_str_t          list;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    i = 0;
    part = &r->headers_in.headers.part;

    for ( ;; ) {
        h = ngx_rt_header_next(&part, &i, name);

        if (h == NULL) {
            return 0;
        }

        list = ngx_rt_str(&h->value);

        if (rt_header_token(&list, token)) {
            return 1;
        }
    }
}


ngx_int_t
ngx_rt_header_add(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;
    h->lowcase_key = NULL;

#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return NGX_OK;
}
