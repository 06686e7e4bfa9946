
/*
 * A connection: one socket, from the 101 to its last byte, with the queue of
 * what it is to be sent.
 */


#ifndef _NGX_RT_CONN_H_INCLUDED_
#define _NGX_RT_CONN_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_egress.h"


/* who takes the messages of a connection: the client protocol, or an echo */
typedef struct {
    const char                *name;
    ngx_uint_t                 leaving;       /* code when the worker leaves */
    const char                *subprotocol;   /* NULL: none */

    /* the connection is open */
    ngx_int_t                (*open)(ngx_rt_conn_t *conn);

    /*
     * A whole message, which the callee may change.  It may close the
     * connection (ngx_rt_close), which never frees it.
     */
    void                     (*message)(ngx_rt_conn_t *conn,
                                        rt_opcode_t opcode, u_char *data,
                                        size_t len);

    /* time to say that we live and to ask whether the peer does */
    void                     (*ping)(ngx_rt_conn_t *conn);

    /* no message will come or go any more; called once */
    void                     (*close)(ngx_rt_conn_t *conn);

    /* it is gone, and the last was told of it; NULL: that is nothing to it */
    void                     (*destroy)(ngx_rt_conn_t *conn);
} ngx_rt_app_t;


typedef enum {
    NGX_RT_TIMER_CONNECT = 0,     /* app has to say that it is established */
    NGX_RT_TIMER_PING,
    NGX_RT_TIMER_PONG,
    NGX_RT_TIMER_CLOSE
} ngx_rt_timer_e;


/* what a delivery touches stands first and together */
struct ngx_rt_conn_s {
    ngx_connection_t          *connection;
    ngx_rt_queue_t             out;
    size_t                     max_queue;     /* bytes */

    unsigned                   closing:1;     /* a close frame is queued */
    unsigned                   overflow:1;    /* its queue is full */
    unsigned                   over:1;        /* nothing but freeing is left */
    unsigned                   throttled:1;   /* not read until it drains */
    unsigned                   close_received:1;
    unsigned                   alive:1;       /* heard of since the ping */
    unsigned                   pipelined:1;   /* bytes behind the handshake */
    unsigned                   deaf:1;        /* input is thrown away */
    unsigned                   closed:1;      /* app->close was called */
    unsigned                   finalized:1;

    /* what $rt_* and rt_log tell */
    uint64_t                   messages_out;
    uint64_t                   bytes_out;
    uint64_t                   messages_in;
    uint64_t                   bytes_in;
    ngx_msec_t                 started;
    ngx_uint_t                 close_code;    /* sent or received; 0: none */

    ngx_http_request_t        *request;
    ngx_rt_loc_conf_t         *conf;
    const ngx_rt_app_t        *app;
    void                      *data;          /* app's */

    rt_frame_reader_t          reader;
    u_char                    *message;       /* one that came in pieces */
    size_t                     message_len;
    size_t                     message_size;

    ngx_rt_timer_e             waits_for;
    ngx_event_t                timer;
    ngx_event_t                leave;         /* posted: overflow, or over */
    ngx_event_handler_pt       read_handler;  /* nginx's */
    ngx_event_handler_pt       write_handler;
};


/*
 * Takes the connection over from nginx after the 101.  NGX_ERROR: no memory,
 * it is nginx's still.
 */
ngx_int_t ngx_rt_conn_start(ngx_rt_conn_t *conn);

/*
 * Begins the close handshake: app is told, a close frame is queued.  Code 1005:
 * one without a code.  reason: not empty for codes from 3000 up, since SDKs
 * take an empty one for a reason to reconnect.  The connection is freed later,
 * from the event loop.
 */
void ngx_rt_close(ngx_rt_conn_t *conn, ngx_uint_t code, const char *reason);

/* both by an event, a little later: a close with 3008; the end of it all */
void ngx_rt_conn_overflow(ngx_rt_conn_t *conn);
void ngx_rt_conn_over(ngx_rt_conn_t *conn);

/* after a flush: closes, reads on, waits */
void ngx_rt_conn_flushed(ngx_rt_conn_t *conn, ngx_int_t rc);

/* the app has what it waited for: pings begin */
void ngx_rt_conn_established(ngx_rt_conn_t *conn);


#endif /* _NGX_RT_CONN_H_INCLUDED_ */
