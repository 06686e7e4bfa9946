
/*
 * Policy: who may connect from where, which channels there are.
 */


#ifndef _NGX_RT_POLICY_H_INCLUDED_
#define _NGX_RT_POLICY_H_INCLUDED_


#include "ngx_rt.h"


/* ngx_rt_namespace.c */

/*
 * Judges a channel's name and finds its namespace.
 * NGX_OK; NGX_ERROR: not a channel's name (107); NGX_DECLINED: there is no
 * such namespace (102).
 */
ngx_int_t ngx_rt_namespace_find(ngx_rt_main_conf_t *mcf,
    const ngx_str_t *channel, ngx_rt_namespace_t **ns);

/* rt_namespace NAME [option ...] */
char *ngx_rt_namespace(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_rt_origin.c */

/* NGX_OK, or NGX_HTTP_FORBIDDEN */
ngx_int_t ngx_rt_origin_check(ngx_http_request_t *r, ngx_array_t *origins);

/* rt_origins PATTERN ... */
char *ngx_rt_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_RT_POLICY_H_INCLUDED_ */
