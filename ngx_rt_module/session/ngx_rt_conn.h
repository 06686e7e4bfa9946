
/*
 * A connection: one socket, from the 101 to its last byte, with the queue of
 * what it is to be sent.
 */


#ifndef _NGX_RT_CONN_H_INCLUDED_
#define _NGX_RT_CONN_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_state.h"


/* who takes the messages of a connection: the client protocol, or an echo */
typedef struct {
    const char                *name;
    ngx_uint_t                 leaving;       /* code when the worker leaves */
    const char                *subprotocol;   /* NULL: none */
    size_t                     max_message;   /* bytes; 0: as configured */
    size_t                     max_queue;     /* the same */

    /*
     * Before the 101: what app needs of the request, which may be gone later.
     * NGX_OK, or the status to answer with.  NULL: it needs nothing.
     */
    ngx_int_t                (*create)(ngx_rt_conn_t *conn,
                                       ngx_http_request_t *r);

    /* the connection is open; NULL: that is nothing to it */
    void                     (*open)(ngx_rt_conn_t *conn);

    /*
     * A whole message, which the callee may change.  It may close the
     * connection (ngx_rt_close), which never frees it.
     */
    void                     (*message)(ngx_rt_conn_t *conn,
                                        rt_opcode_t opcode, u_char *data,
                                        size_t len);

    /* the backend wants something of its session; it may be closing */
    void                     (*order)(ngx_rt_conn_t *conn,
                                      ngx_rt_order_t *order);

    /*
     * The connection's timer is set to msec; a shorter wait is one of app's
     * own.  Then, when it is over: has it been?  NGX_OK, and *rest is what is
     * left of the connection's, if that goes on; NGX_DECLINED: it was not.
     * NULL: app has none.
     */
    ngx_msec_t               (*wait)(ngx_rt_conn_t *conn, ngx_msec_t msec);
    ngx_int_t                (*wake)(ngx_rt_conn_t *conn, ngx_msec_t *rest);

    /* time to say that we live and to ask whether the peer does */
    void                     (*ping)(ngx_rt_conn_t *conn);

    /*
     * Its queue is empty, which conn->waits for: messages of its channels were
     * lost before, or are still to come.  NULL: it has no channels.
     */
    void                     (*drained)(ngx_rt_conn_t *conn);

    /* no message will come or go any more; called once, if it was open */
    void                     (*close)(ngx_rt_conn_t *conn);

    /* it is gone: the memory of create; NULL: there is none */
    void                     (*destroy)(ngx_rt_conn_t *conn);
} ngx_rt_app_t;


typedef enum {
    NGX_RT_TIMER_CONNECT = 0,     /* app has to say that it is established */
    NGX_RT_TIMER_PING,
    NGX_RT_TIMER_PONG,
    NGX_RT_TIMER_DRAIN,           /* the worker leaves */
    NGX_RT_TIMER_CLOSE
} ngx_rt_timer_e;


/* a message that did not come whole: what is there of it */
typedef struct {
    rt_frame_reader_t          reader;
    u_char                    *message;       /* NULL: not a byte of it */
    size_t                     len;
    size_t                     size;
} ngx_rt_inbox_t;


/* the request that the connection came from, while others need it */
typedef struct {
    ngx_http_request_t        *request;
    ngx_http_cleanup_t        *cleanup;       /* ours */
    ngx_event_handler_pt       read_handler;  /* nginx's */
    ngx_event_handler_pt       write_handler;
    ngx_event_t                timer;         /* modules of nginx delete that
                                                 of the connection */
} ngx_rt_attached_t;


/*
 * There may be very many: what a delivery and a flush touch is one line of the
 * cache, the rest is small, and all of them lie close together (rt_slab.h).
 */
struct ngx_rt_conn_s {
    ngx_rt_queue_t             out;

    ngx_socket_t               fd;

    unsigned                   tls:1;
    unsigned                   posted:1;      /* will be flushed */
    unsigned                   blocked:1;     /* the socket takes no more */
    unsigned                   begun:1;       /* a part of its first is gone */
    unsigned                   promised:1;    /* TLS has seen the rest of it:
                                                 it stays where it is */
    unsigned                   opened:1;      /* app->open was called */
    unsigned                   closing:1;     /* a close frame is queued */
    unsigned                   overflow:1;    /* its queue is full */
    unsigned                   over:1;        /* nothing but freeing is left */
    unsigned                   leaving:1;     /* an event will see to it */
    unsigned                   throttled:1;   /* not read until it drains */
    unsigned                   close_received:1;
    unsigned                   alive:1;       /* heard of since the ping */
    unsigned                   pipelined:1;   /* bytes behind the handshake */
    unsigned                   deaf:1;        /* input is thrown away */
    unsigned                   text_only:1;   /* binary messages: 1003 */
    unsigned                   ended:1;       /* only memory is left of it */
    unsigned                   waits:1;       /* app, for an empty queue */
    unsigned                   draining:1;    /* its worker leaves */

    uint64_t                   messages_out;
    uint64_t                   bytes_out;

    /* the second line and what follows */
    ngx_connection_t          *connection;
    ngx_rt_loc_conf_t         *conf;
    const ngx_rt_app_t        *app;
    void                      *data;          /* app's */
    ngx_rt_attached_t         *attached;      /* NULL: it stands alone */
    ngx_rt_inbox_t            *inbox;         /* NULL: between messages */
    u_char                    *log_values;    /* for rt_log; NULL: none */
    ngx_queue_t                leave;         /* among those to be seen to */

    uint64_t                   messages_in;
    uint64_t                   bytes_in;
    ngx_msec_t                 started;
    ngx_rt_account_t          *account;       /* whose memory waits for it */

    uint16_t                   close_code;    /* sent or received; 0: none */
    uint8_t                    waits_for;     /* ngx_rt_timer_e */
    uint8_t                    family;        /* of the client's address */
    uint32_t                   controls;      /* a bucket: pings and pongs */
    u_char                     addr[16];
};


/* ngx_rt_conn.c */

void ngx_rt_conn_init_process(ngx_cycle_t *cycle);

/*
 * For the request, whose end frees it unless ngx_rt_conn_start has been called.
 * NGX_OK, or the status to answer with.
 */
ngx_int_t ngx_rt_conn_create(ngx_http_request_t *r, const ngx_rt_app_t *app,
    ngx_rt_conn_t **conn);

/* takes the connection over from nginx after the 101 */
void ngx_rt_conn_start(ngx_rt_conn_t *conn);

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

/* the last things that are told of it; again: nothing */
void ngx_rt_conn_end(ngx_rt_conn_t *conn);
void ngx_rt_conn_free(ngx_rt_conn_t *conn);

/* ngx_rt_conn_event.c */

/* what the events of nginx's connection mean; the caller found conn by them */
void ngx_rt_conn_read(ngx_rt_conn_t *conn, ngx_event_t *rev);
void ngx_rt_conn_write(ngx_rt_conn_t *conn);
void ngx_rt_conn_expire(ngx_rt_conn_t *conn);

/* or until its worker takes leave of it, if that is sooner */
void ngx_rt_conn_timer(ngx_rt_conn_t *conn, ngx_rt_timer_e timer,
    ngx_msec_t msec);

/* what is left of it */
ngx_msec_t ngx_rt_conn_timer_rest(ngx_rt_conn_t *conn);

/* the worker leaves: told a little later, see ngx_rt_drain_left() */
void ngx_rt_conn_leave_worker(ngx_rt_conn_t *conn);

/* app waits for something else: its own timer is due then */
void ngx_rt_conn_rearm(ngx_rt_conn_t *conn, ngx_msec_t due);

/* the app has what it waited for: pings begin */
void ngx_rt_conn_established(ngx_rt_conn_t *conn);

/* after a flush: closes, reads on, waits */
void ngx_rt_conn_flushed(ngx_rt_conn_t *conn, ngx_int_t rc);

/* ngx_rt_drain.c */

/* rt_drain [window=TIME] [rate=NUMBER] */
char *ngx_rt_drain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* how long the connection is still served by a worker that leaves; msec */
ngx_msec_t ngx_rt_drain_left(ngx_rt_conn_t *conn);

/* ngx_rt_attached.c: the request behind a connection */

ngx_int_t ngx_rt_attach(ngx_rt_conn_t *conn, ngx_http_request_t *r);

/* its handlers take the place of nginx's */
void ngx_rt_attached_start(ngx_rt_conn_t *conn);

/* gives the request back, if nobody needs it any more */
void ngx_rt_detach(ngx_rt_conn_t *conn);

/* the end of the socket, and of the request or the connection's memory */
void ngx_rt_conn_shut(ngx_rt_conn_t *conn);

/* which connection log lines speak of from here on; NULL: none */
void ngx_rt_conn_enter(ngx_rt_conn_t *conn);

/* the log of a location's connections */
ngx_log_t *ngx_rt_conn_log(ngx_rt_loc_conf_t *conf);

static ngx_inline ngx_event_t *
ngx_rt_conn_timer_event(ngx_rt_conn_t *conn)
{
    return conn->attached ? &conn->attached->timer : conn->connection->read;
}


#endif /* _NGX_RT_CONN_H_INCLUDED_ */
