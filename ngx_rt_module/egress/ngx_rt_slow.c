
/*
 * What a client that does not keep up is spared: the policies of rt_namespace's
 * slow=.  Called by the queue with a batch that does not fit; the policy of the
 * batch's channel decides, and acts on that channel's messages only.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_egress.h"


static ngx_int_t ngx_rt_slow_disconnect(ngx_rt_conn_t *conn,
    ngx_rt_batch_t *b, ngx_uint_t *lost);
static ngx_int_t ngx_rt_slow_drop(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost);
static ngx_int_t ngx_rt_slow_conflate(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost);
static ngx_int_t ngx_rt_slow_history(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost);


static ngx_int_t (*ngx_rt_slow_policies[NGX_RT_SLOW_N])(ngx_rt_conn_t *conn,
    ngx_rt_batch_t *b, ngx_uint_t *lost) =
{
    ngx_rt_slow_disconnect,             /* DISCONNECT */
    ngx_rt_slow_drop,                   /* DROP */
    ngx_rt_slow_conflate,               /* CONFLATE */
    ngx_rt_slow_history                 /* HISTORY */
};


ngx_int_t
ngx_rt_slow(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_uint_t *lost)
{
    if (conn->over) {
        return NGX_DECLINED;
    }

    return ngx_rt_slow_policies[b->slow](conn, b, lost);
}


static ngx_int_t
ngx_rt_slow_disconnect(ngx_rt_conn_t *conn, ngx_rt_batch_t *b,
    ngx_uint_t *lost)
{
    ngx_rt_conn_overflow(conn);

    return NGX_DECLINED;
}


/* the oldest make room; where that is not enough, the new ones are lost */

static ngx_int_t
ngx_rt_slow_drop(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_uint_t *lost)
{
    *lost = ngx_rt_queue_forget(conn, b->channel, b->len);

    if (ngx_rt_queue_room(conn, b->len) == NGX_OK
        && ngx_rt_queue_add(conn, b, 0) == NGX_OK)
    {
        return NGX_OK;
    }

    if (conn->over) {
        return NGX_DECLINED;
    }

    *lost += b->messages;

    return NGX_OK;
}


/*
 * Of all that waits the latest stays.  A client that has no room even for that
 * would go on with a value that is not the latest, so it is closed.
 */

static ngx_int_t
ngx_rt_slow_conflate(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_uint_t *lost)
{
    *lost = ngx_rt_queue_forget(conn, b->channel, NGX_MAX_SIZE_T_VALUE);

    if (ngx_rt_queue_room(conn, b->len - b->newest) == NGX_OK
        && ngx_rt_queue_add(conn, b, b->newest) == NGX_OK)
    {
        *lost += b->messages - 1;
        return NGX_OK;
    }

    return ngx_rt_slow_disconnect(conn, b, lost);
}


/* what has no offset is in no history, and lost to who does not keep up */

static ngx_int_t
ngx_rt_slow_history(ngx_rt_conn_t *conn, ngx_rt_batch_t *b, ngx_uint_t *lost)
{
    if (b->first) {
        return NGX_BUSY;
    }

    *lost = b->messages;

    return NGX_OK;
}
