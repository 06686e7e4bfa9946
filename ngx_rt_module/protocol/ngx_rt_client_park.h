
/*
 * Commands that wait: what is kept of each.
 */


#ifndef _NGX_RT_CLIENT_PARK_H_INCLUDED_
#define _NGX_RT_CLIENT_PARK_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_stream.h"


typedef struct ngx_rt_parked_s  ngx_rt_parked_t;


typedef struct {
    ngx_rt_follow_t            follow;
    ngx_rt_parked_t           *parked;
} ngx_rt_parked_follow_t;


/* the strings stand behind it */
struct ngx_rt_parked_s {
    ngx_queue_t                queue;         /* in the client's parking */
    ngx_rt_client_t           *client;
    size_t                     size;
    ngx_uint_t                 waits;         /* for so many copies */
    ngx_uint_t                 failed;        /* one of them is not to be had */
    rt_command_t               cmd;
    ngx_rt_order_t             order;         /* kind 0: it is a command */

    /* what is read from the stream; no pool: nothing is */
    ngx_pool_t                *pool;
    ngx_rt_range_t             range;
    ngx_str_t                  channel;       /* of cmd */

    ngx_uint_t                 nfollows;
    ngx_rt_parked_follow_t     follows[];
};


/* ngx_rt_client_park.c */

/*
 * For n copies; text: bytes of its strings.  NULL: there is no memory, or too
 * much of the client's waits already.
 */
ngx_rt_parked_t *ngx_rt_parked_create(ngx_rt_client_t *client, ngx_uint_t n,
    size_t text);

/* a command, kept; its strings, so many bytes, at p */
size_t ngx_rt_parked_command_len(const rt_command_t *cmd);
void ngx_rt_parked_command(rt_command_t *dst, const rt_command_t *src,
    u_char *p);

/* it is handled again; it ends, in no queue any more */
void ngx_rt_parked_resume(ngx_rt_parked_t *parked);
void ngx_rt_parked_expire(ngx_rt_parked_t *parked);


#endif /* _NGX_RT_CLIENT_PARK_H_INCLUDED_ */
