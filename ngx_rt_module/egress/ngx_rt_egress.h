
/*
 * Egress: encoded bytes in reference-counted batches, a bounded queue of
 * references per connection, one flush of each connection per turn.
 */


#ifndef _NGX_RT_EGRESS_H_INCLUDED_
#define _NGX_RT_EGRESS_H_INCLUDED_


#include "ngx_rt.h"


/* ngx_rt_batch.c: whole frames, back to back; a worker's own memory */

struct ngx_rt_batch_s {
    ngx_rt_batch_t            *next;          /* among the free */
    uint32_t                   refs;
    uint32_t                   class;         /* of its size */
    size_t                     size;          /* of data */
    size_t                     len;           /* of it used */
    u_char                     data[];
};


/* one reference is the caller's; NULL: no memory */
ngx_rt_batch_t *ngx_rt_batch_create(size_t size);
void ngx_rt_batch_release(ngx_rt_batch_t *b);

/*
 * Room for len more bytes; what is there moves if it has to, so nobody else
 * may hold it.  NGX_ERROR: no memory, *bp is as it was.
 */
ngx_int_t ngx_rt_batch_reserve(ngx_rt_batch_t **bp, size_t len);


/* ngx_rt_queue.c */

struct ngx_rt_out_s {
    ngx_rt_out_t              *next;
    ngx_rt_batch_t            *batch;
    u_char                    *pos;
    u_char                    *last;
};


typedef struct {
    ngx_rt_out_t              *first;
    ngx_rt_out_t              *last;
    size_t                     bytes;         /* not sent yet */
    ngx_queue_t                flush;         /* among those to be flushed */
} ngx_rt_queue_t;


void ngx_rt_queue_init_process(void);

/*
 * All of a batch by reference; messages: the frames in it.  NGX_DECLINED: the
 * connection is leaving, or now is because its queue is full (3008).
 */
ngx_int_t ngx_rt_queue_batch(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t messages);

/*
 * A frame of our own, copied; joins the one before it where that is private.
 * NGX_ERROR: no memory; NGX_DECLINED: the queue is full, as above.
 */
ngx_int_t ngx_rt_queue_frame(ngx_rt_conn_t *conn, rt_opcode_t opcode,
    const u_char *data, size_t len);

/* drops what has not begun to leave; a frame is never cut */
void ngx_rt_queue_drop(ngx_rt_conn_t *conn);
void ngx_rt_queue_finalize(ngx_rt_conn_t *conn);

/* n bytes have left */
void ngx_rt_queue_sent(ngx_rt_conn_t *conn, size_t n);

/* TLS: what waits becomes one buffer, up to a record's size */
void ngx_rt_queue_join(ngx_rt_conn_t *conn);

/* ngx_rt_flush.c */

/* sends what the socket takes; NGX_OK: all, NGX_AGAIN, NGX_ERROR */
ngx_int_t ngx_rt_flush(ngx_rt_conn_t *conn);

/* all that were queued to in this turn */
void ngx_rt_flush_all(void);
void ngx_rt_flush_init_process(void);

/* the connection has something to send at the end of the turn */
void ngx_rt_flush_post(ngx_rt_conn_t *conn);


#endif /* _NGX_RT_EGRESS_H_INCLUDED_ */
