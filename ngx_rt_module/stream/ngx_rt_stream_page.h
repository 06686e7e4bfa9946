
/*
 * Pages: parts of a stream, as they were read, for all who want the same.
 */


#ifndef _NGX_RT_STREAM_PAGE_H_INCLUDED_
#define _NGX_RT_STREAM_PAGE_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream.h"


typedef struct ngx_rt_page_s    ngx_rt_page_t;
typedef struct ngx_rt_reader_s  ngx_rt_reader_t;


/* which part of which stream; all that has to be the same */
typedef struct {
    ngx_str_t                  tenant;
    ngx_str_t                  channel;
    uint64_t                   from;          /* the offset to begin with */
    uint64_t                   to;            /* the last one wanted */
    ngx_uint_t                 reverse;       /* down from `from` to `to` */
    ngx_uint_t                 max;           /* up to NGX_RT_READ_PAGE; 0: the
                                                 position only */
    size_t                     bytes;         /* one is read in any case */
    ngx_uint_t                 history;       /* as the namespace has them */
    ngx_uint_t                 ttl;
    ngx_uint_t                 open;          /* what is published meanwhile
                                                 may be a part of it */
} ngx_rt_page_want_t;


/* what was read; in one block, whose strings stand behind */
typedef struct {
    ngx_uint_t                 refs;
    ngx_rt_position_t          top;           /* no source: nothing was ever
                                                 published */
    ngx_uint_t                 more;          /* there is, behind it */
    ngx_uint_t                 n;
    size_t                     size;
    rt_publication_t           pubs[];
} ngx_rt_leaf_t;


/* who waits for a page; in the caller's memory; leaf: NULL, it is not to be
   had now */
struct ngx_rt_reader_s {
    ngx_queue_t                queue;
    ngx_rt_page_t             *page;          /* NULL: it does not wait */
    void                     (*handler)(ngx_rt_reader_t *r,
                                        ngx_rt_leaf_t *leaf);
};


/* of all leaves that are held, in this worker */
extern size_t  ngx_rt_leaf_bytes;


void ngx_rt_page_init_process(ngx_cycle_t *cycle);

/*
 * The handler is called later, once, from the event loop.  NGX_DECLINED: Redis
 * is away.
 */
ngx_int_t ngx_rt_page_read(ngx_rt_page_want_t *want, ngx_rt_reader_t *r);
void ngx_rt_page_forget(ngx_rt_reader_t *r);

/* ngx_rt_stream_range.c, ngx_rt_stream_behind.c */
void ngx_rt_range_init_process(ngx_cycle_t *cycle);
void ngx_rt_stream_behind_init_process(void);


/* ngx_rt_stream_leaf.c */

/* held once; NULL: it is not what was wanted, or there is no memory */
ngx_rt_leaf_t *ngx_rt_leaf_parse(ngx_rt_page_want_t *want, redisReply *reply);

/* a leaf is good while its handler runs, or someone has taken it */
void ngx_rt_leaf_take(ngx_rt_leaf_t *leaf);
void ngx_rt_leaf_release(ngx_rt_leaf_t *leaf);


#endif /* _NGX_RT_STREAM_PAGE_H_INCLUDED_ */
