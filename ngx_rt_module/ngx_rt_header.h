
/*
 * HTTP headers that nginx has no field for.
 */


#ifndef _NGX_RT_HEADER_H_INCLUDED_
#define _NGX_RT_HEADER_H_INCLUDED_


#include "ngx_rt.h"


/* name: in lower case.  Returns how many there are; value: the last one's */
ngx_uint_t ngx_rt_header_find(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/*
 * The values of all, joined by ", "; how many there are, or NGX_ERROR.  name:
 * in lower case
 */
ngx_int_t ngx_rt_header_join(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/* does a list of tokens ("a, b") of such headers have this one?  any case */
ngx_uint_t ngx_rt_header_token(ngx_http_request_t *r, const char *name,
    const char *token);

/* adds a response header; value is not copied */
ngx_int_t ngx_rt_header_add(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);


#endif /* _NGX_RT_HEADER_H_INCLUDED_ */
