
/*
 * The cork: the replies that a pipeline of requests gets in one turn of the
 * event loop leave in one send.
 */


#ifndef _NGX_RT_CORK_H_INCLUDED_
#define _NGX_RT_CORK_H_INCLUDED_


#include "ngx_rt.h"


typedef struct ngx_rt_cork_s  ngx_rt_cork_t;

struct ngx_rt_cork_s {
    ngx_connection_t          *connection;
    void                      *idle_data;     /* c->data between requests */
    ngx_http_request_t        *request;       /* its response may wait */
    ngx_event_t                event;

    u_char                    *buffer;        /* NULL: nothing waits */
    u_char                    *pos;
    u_char                    *last;
    ngx_uint_t                 replies;

    ngx_msec_t                 timeout;       /* clcf->send_timeout */
    ngx_msec_t                 deadline;      /* if stuck */

    ngx_recv_pt                recv;
    ngx_send_pt                send;
    ngx_send_chain_pt          send_chain;

    unsigned                   hooked:1;
    unsigned                   ssl:1;
    unsigned                   stuck:1;
    unsigned                   busy:1;        /* was idle until it stuck */
    unsigned                   yield:1;
};


/* ngx_rt_cork.c */

/*
 * Around the sending of a short response that is made in one go:  what
 * ngx_http_send_header() and ngx_http_output_filter() send in between may wait
 * for the responses that follow it.  NULL: nothing to wait for, or no memory;
 * the response goes its usual way.
 */
ngx_rt_cork_t *ngx_rt_cork_open(ngx_http_request_t *r);
void ngx_rt_cork_close(ngx_rt_cork_t *cork);

/* nothing waits any more, or what waits is given up */
void ngx_rt_cork_unhook(ngx_rt_cork_t *cork);
void ngx_rt_cork_buffer_release(u_char *p);

/* ngx_rt_cork_flush.c */

/*
 * What waits, then `in`.  Returns what is left of `in`: all of it, if even what
 * waits is not out; or NGX_CHAIN_ERROR.
 */
ngx_chain_t *ngx_rt_cork_flush(ngx_rt_cork_t *cork, ngx_chain_t *in,
    off_t limit);

/* all that waits, now */
void ngx_rt_cork_push(ngx_rt_cork_t *cork);

/* undoes what a full socket took from an idle connection */
void ngx_rt_cork_idle(ngx_rt_cork_t *cork);

void ngx_rt_cork_handler(ngx_event_t *ev);


#endif /* _NGX_RT_CORK_H_INCLUDED_ */
