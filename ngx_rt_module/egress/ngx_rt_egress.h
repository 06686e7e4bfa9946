
/*
 * Egress: encoded bytes in reference-counted batches, a bounded queue of
 * references per connection, one flush of each connection per turn.
 */


#ifndef _NGX_RT_EGRESS_H_INCLUDED_
#define _NGX_RT_EGRESS_H_INCLUDED_


#include "ngx_rt.h"


/*
 * ngx_rt_account.c: the memory that waits for the clients of a tenant, here in
 * this worker; there while the tenant has clients here.
 */

struct ngx_rt_account_s {
    ngx_rt_account_t          *next;          /* in its bucket */
    ngx_rt_zone_t             *zone;
    uint64_t                   tenant;        /* its serial in the zone */
    uint32_t                   refs;
    ssize_t                    bytes;
};


/* of all accounts, and of none */
extern ssize_t  ngx_rt_account_bytes;


/* rt_max_backlog SIZE [tenant=SIZE] */
char *ngx_rt_max_backlog(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

void ngx_rt_account_init_process(ngx_rt_main_conf_t *mcf);

/* NULL: no memory */
ngx_rt_account_t *ngx_rt_account_acquire(ngx_rt_zone_t *z, uint64_t tenant);
void ngx_rt_account_release(ngx_rt_account_t *a);

/* memory, which holds the account; NULL: it is of no tenant */
void ngx_rt_account_take(ngx_rt_account_t *a, size_t n);
void ngx_rt_account_give(ngx_rt_account_t *a, size_t n);

/* the same for what lives no longer than something that holds it; n: or less */
static ngx_inline void
ngx_rt_account_add(ngx_rt_account_t *a, ssize_t n)
{
    ngx_rt_account_bytes += n;

    if (a) {
        a->bytes += n;
    }
}

/* so much waits that who is behind gets no more (rt_max_backlog) */
ngx_uint_t ngx_rt_account_full(ngx_rt_account_t *a);


/* ngx_rt_batch.c: whole frames, back to back; a worker's own memory */

struct ngx_rt_batch_s {
    ngx_rt_batch_t            *next;          /* among the free */
    ngx_rt_account_t          *account;       /* charged for it; NULL: none */
    uint32_t                   refs;
    uint16_t                   class;         /* of its size */
    uint16_t                   slow;          /* ngx_rt_slow_e */
    uint32_t                   messages;      /* frames in it */
    uint32_t                   newest;        /* where the last one begins */
    uint64_t                   channel;       /* serial; 0: not of a channel */
    uint64_t                   first;         /* offset in its history; 0: */
    uint64_t                   last;          /* none has one */
    size_t                     size;          /* of data */
    size_t                     len;           /* of it used */
    u_char                     data[];
};


/* one reference is the caller's; NULL: no memory */
ngx_rt_batch_t *ngx_rt_batch_create(size_t size, ngx_rt_account_t *account);
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

/* slow clients may cost a turn's worth of time again */
void ngx_rt_queue_begin_turn(void);

/*
 * All of a batch by reference, if the queue has room for it.  If not, what
 * becomes of it is b->slow's to say; of the channel's messages `lost` are then
 * given up, older ones or some of b's.  NGX_BUSY: it is to be served from the
 * history.  NGX_DECLINED: the connection is leaving, or now is because of that
 * (3008).
 */
ngx_int_t ngx_rt_queue_batch(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost);

/*
 * A frame of our own, copied; joins the one before it where that is private.
 * NGX_ERROR: no memory; NGX_DECLINED: the queue is full, as above.
 */
ngx_int_t ngx_rt_queue_frame(ngx_rt_conn_t *conn, rt_opcode_t opcode,
    const u_char *data, size_t len);

/* drops what has not begun to leave; a frame is never cut */
void ngx_rt_queue_drop(ngx_rt_conn_t *conn);

/*
 * The same for the oldest messages of a channel, until so many bytes are gone
 * or the queues were searched enough in this turn.  Returns the number of
 * messages.
 */
ngx_uint_t ngx_rt_queue_forget(ngx_rt_conn_t *conn, uint64_t channel,
    size_t bytes);

/*
 * Drops whole batches of a channel, all from the first one on that begins at
 * that offset or later; *n messages.  Returns the first offset dropped, or 0:
 * none, or the queues were searched enough in this turn.
 */
uint64_t ngx_rt_queue_revoke(ngx_rt_conn_t *conn, uint64_t channel,
    uint64_t offset, ngx_uint_t *n);

/* b from `from` on, whatever there is already; NGX_ERROR: no memory */
ngx_int_t ngx_rt_queue_add(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    size_t from);

/* room for so much?  NGX_DECLINED: not even after a flush, or it is over */
ngx_int_t ngx_rt_queue_room(ngx_rt_conn_t *conn, size_t len);
void ngx_rt_queue_finalize(ngx_rt_conn_t *conn);

/* n bytes have left */
void ngx_rt_queue_sent(ngx_rt_conn_t *conn, size_t n);

/* TLS: what waits becomes one buffer, up to a record's size */
void ngx_rt_queue_join(ngx_rt_conn_t *conn);

/* ngx_rt_slow.c: b does not fit; see ngx_rt_queue_batch */
ngx_int_t ngx_rt_slow(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost);

/* ngx_rt_flush.c */

/* sends what the socket takes; NGX_OK: all, NGX_AGAIN, NGX_ERROR */
ngx_int_t ngx_rt_flush(ngx_rt_conn_t *conn);

/* all that were queued to in this turn */
void ngx_rt_flush_all(void);
void ngx_rt_flush_init_process(void);

/* the connection has something to send at the end of the turn */
void ngx_rt_flush_post(ngx_rt_conn_t *conn);


#endif /* _NGX_RT_EGRESS_H_INCLUDED_ */
