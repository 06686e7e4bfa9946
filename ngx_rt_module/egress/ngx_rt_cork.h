
/*
 * The cork: the replies that a pipeline of requests gets in one turn of the
 * event loop leave in one send.
 */


#ifndef _NGX_RT_CORK_H_INCLUDED_
#define _NGX_RT_CORK_H_INCLUDED_


#include "ngx_rt.h"


typedef struct ngx_rt_cork_s  ngx_rt_cork_t;


/*
 * Around the sending of a short response that is made in one go:  what
 * ngx_http_send_header() and ngx_http_output_filter() send in between may wait
 * for the responses that follow it.  NULL: nothing to wait for, or no memory;
 * the response goes its usual way.
 */
ngx_rt_cork_t *ngx_rt_cork_open(ngx_http_request_t *r);
void ngx_rt_cork_close(ngx_rt_cork_t *cork);


#endif /* _NGX_RT_CORK_H_INCLUDED_ */
