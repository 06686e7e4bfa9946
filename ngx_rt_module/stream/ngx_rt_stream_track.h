
/*
 * Tracks: the channels that a worker listens to for its node, and the durable
 * ones that it follows.
 */


#ifndef _NGX_RT_STREAM_TRACK_H_INCLUDED_
#define _NGX_RT_STREAM_TRACK_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_read.h"


/* bytes of a zone's, a tenant's and a channel's name */
#define NGX_RT_TRACK_NAME  1024


typedef struct {
    ngx_str_node_t             node;
    ngx_queue_t                queue;         /* of all */
    ngx_queue_t                want;          /* of those that want to read */
    ngx_rt_zone_t             *zone;
    ngx_str_t                  tenant;
    ngx_str_t                  channel;
    ngx_queue_t                waiting;       /* ngx_rt_follow_t */
    ngx_rt_listen_t            listen;
    ngx_rt_redis_call_t        call;
    ngx_event_t                timer;

    /* of the read on its way: where the copy was; the line that it is read
       after, 0: none */
    ngx_rt_position_t          sent;
    uint64_t                   line;

    uint64_t                   top;           /* where it was, when checked */
    time_t                     used;
    ngx_uint_t                 tries;         /* that have failed */
    unsigned                   wanting:1;
    unsigned                   reading:1;
    unsigned                   gap:1;         /* the stream has more for it */
    unsigned                   waited:1;      /* for its ear */
    unsigned                   checked:1;     /* a check of it is on its way */
    unsigned                   fast:1;        /* there is no stream to read */
} ngx_rt_track_t;


/* ngx_rt_stream_follow.c */

/* all of them, in the order in which the watch looks at them */
extern ngx_queue_t  ngx_rt_tracks;
extern ngx_uint_t   ngx_rt_ntracks;


/* NULL: no memory */
ngx_rt_track_t *ngx_rt_track_acquire(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel);
void ngx_rt_track_expire(ngx_rt_track_t *t);

/* its namespace; NULL: it is not a durable one */
ngx_rt_namespace_t *ngx_rt_track_namespace(ngx_rt_track_t *t);

/* for no one in particular; a little later, and in any case */
void ngx_rt_track_follow(ngx_rt_track_t *t);
void ngx_rt_track_repair(ngx_rt_track_t *t);

/* who waits is told; a read that failed is tried again after a while */
void ngx_rt_track_finish(ngx_rt_track_t *t, ngx_int_t rc);
void ngx_rt_track_fail(ngx_rt_track_t *t);


/* ngx_rt_stream_fill.c: ends with one of these two */
void ngx_rt_track_want(ngx_rt_track_t *t);

void ngx_rt_track_fill_init_process(void);


#endif /* _NGX_RT_STREAM_TRACK_H_INCLUDED_ */
