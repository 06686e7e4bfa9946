
/*
 * Durable channels: publications are in a stream of Redis before they are
 * accepted; the history in shared memory is a copy of the stream's end.
 */


#ifndef _NGX_RT_STREAM_H_INCLUDED_
#define _NGX_RT_STREAM_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_state.h"


/* ngx_rt_stream_publish.c */

typedef struct ngx_rt_durable_s  ngx_rt_durable_t;

/*
 * Who waits for a durable publication; in the caller's memory until the handler
 * was called or the caller has forgotten it.
 */
struct ngx_rt_durable_s {
    void                     (*handler)(ngx_rt_durable_t *d,
                                        ngx_rt_published_e outcome,
                                        ngx_rt_position_t *position);
    void                      *entry;         /* the publication's, or NULL */
};

/*
 * Copies the publication, which was checked and is charged here, and sends it
 * with all others of its tenant and turn.  NGX_RT_PUBLISHED: the handler is
 * called later, once; anything else: that is the outcome, and it is not
 * called.
 */
ngx_rt_published_e ngx_rt_stream_publish(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p, ngx_rt_durable_t *d);

/* nobody waits any more; it may be accepted all the same */
void ngx_rt_stream_forget(ngx_rt_durable_t *d);


/* ngx_rt_stream_follow.c */

typedef struct ngx_rt_follow_s  ngx_rt_follow_t;

/* who waits for a copy to be fresh; rc: NGX_OK, NGX_DECLINED (Redis is away) */
struct ngx_rt_follow_s {
    ngx_queue_t                queue;
    void                     (*handler)(ngx_rt_follow_t *f, ngx_int_t rc);
};

/*
 * NGX_OK: the node's copy of the channel is fresh; NGX_AGAIN: it is read, and
 * the handler called when it is; NGX_DECLINED: Redis is away.
 */
ngx_int_t ngx_rt_stream_follow(ngx_rt_zone_t *z, ngx_rt_namespace_t *ns,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_rt_follow_t *f);

void ngx_rt_stream_unfollow(ngx_rt_follow_t *f);

/* the copy has a gap, or may be stale: it is read again, a little later */
void ngx_rt_stream_repair(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel);


#endif /* _NGX_RT_STREAM_H_INCLUDED_ */
