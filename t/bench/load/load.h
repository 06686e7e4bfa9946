
/*
 * The load generator of t/bench: what its parts share.  One process, one
 * thread, no locks.
 *
 *   load.c       options, the phases of a run, the report
 *   loop.c       the event loop: connects all, runs, drains
 *   handshake.c  connections that only come and go
 *   idle.c       connections that are only there
 *   reload.c     connections that come back after a reload
 *   recover.c    connections that come back to a node that knows nothing
 *   conn.c       connections: opening, joining, reading, writing
 *   tls.c        the same bytes over TLS
 *   target.c     what each kind of server is told and what it should answer
 *   wire.c       frames and HTTP replies, as bytes
 *   redis.c      Redis as a server, and what it says that it has done
 *   check.c      sequences, completion of publishes, latency
 *   metrics.c    numbers of the server's own, from its page of metrics
 *   proc.c       the CPU time and the memory of the server's processes
 */


#ifndef _LOAD_H_INCLUDED_
#define _LOAD_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define LOAD_PAYLOAD      128
#define LOAD_DIGITS       16        /* of the sequence number, in ASCII */
#define LOAD_TEXT_MAX     640       /* a request or a frame of a publish */
#define LOAD_CARRY        49152     /* the longest frame or HTTP reply */
#define LOAD_EPOCH        16        /* bytes of an epoch, with a zero */
#define LOAD_INPUT        65536
#define LOAD_BUCKETS      1024
#define LOAD_SECOND       1000000000ull
#define LOAD_STALL        (5 * LOAD_SECOND)
#define LOAD_SETTLE       (LOAD_SECOND * 3 / 10)


typedef enum {
    LOAD_RT,
    LOAD_NCHAN,
    LOAD_BARE,
    LOAD_HTTP,                        /* plain requests, for handshakes */
    LOAD_REDIS,                       /* PUBLISH and SUBSCRIBE */
    LOAD_SCRIPT                       /* a script that appends, nobody hears */
} load_target_t;


typedef enum {
    LOAD_DELIVER,                     /* publish and subscribe */
    LOAD_HANDSHAKE,
    LOAD_IDLE,
    LOAD_RELOAD,
    LOAD_RECOVER
} load_work_t;


/* text with a sequence number in it, the rest of it constant */
typedef struct {
    uint16_t           len;
    uint16_t           digits;        /* where the sequence number stands */
    uint16_t           key;           /* where it does in its key; 0: none */
    uint8_t            text[LOAD_TEXT_MAX];
} load_template_t;


typedef struct {
    uint64_t           sent;          /* time, ns; by a rate: when due */
    uint32_t           missing;       /* subscribers still to be served */
    bool               replied;
    uint8_t            digits[LOAD_DIGITS];
} load_publish_t;


typedef struct {
    uint64_t           next;          /* sequence of the next publish */
    uint32_t           subscribers;
    load_publish_t    *ring;          /* by sequence, see load_t.ring_mask */
    load_template_t    request;
    load_template_t    delivery;
} load_channel_t;


typedef enum {
    LOAD_UPGRADING,                   /* wants the 101 */
    LOAD_JOINING,                     /* wants the reply to its subscribe */
    LOAD_LIVE
} load_state_t;


typedef struct {
    load_channel_t    *channel;
    uint64_t           sequence;
} load_pending_t;


/* the part of a connection that only publishers have */
typedef struct {
    uint32_t           first_channel; /* then every load_t.publishers-th */
    uint32_t           channel;       /* the one to publish to next */
    uint32_t           in_flight;
    uint64_t           due;           /* by a rate: when the next is, ns */
    uint32_t           id;            /* of the next command */
    uint32_t           reply_id;      /* of the next reply */
    uint64_t           head;          /* replies awaited: [tail, head) */
    uint64_t           tail;
    load_pending_t    *pending;
    uint8_t           *out;
    size_t             out_len;
    size_t             out_sent;
    size_t             out_size;
} load_publisher_t;


typedef struct {
    int                fd;
    struct ssl_st     *tls;           /* NULL: plain */
    load_state_t       state;
    load_channel_t    *channel;       /* NULL: a publisher */
    load_publisher_t  *publisher;     /* NULL: a subscriber */
    uint64_t           next;          /* sequence awaited */
    uint64_t           seen;          /* bit i: next - 1 - i has come */
    uint64_t           heard;         /* when something was delivered, ns */
    uint64_t           offset;        /* in the history of its channel */
    char               epoch[LOAD_EPOCH];
    bool               pong;
    bool               gone;          /* the server has said so */
    bool               returning;     /* was sent away by a reload */
    uint16_t           carried;
    uint8_t           *carry;         /* a cut frame, LOAD_CARRY bytes */
} load_conn_t;


typedef struct {
    uint64_t           begun;         /* publishes, or handshakes */
    uint64_t           completed;
    uint64_t           deliveries;
    uint64_t           bytes;         /* received by subscribers */
    uint64_t           reads;
    uint64_t           lost;
    uint64_t           duplicated;
    uint64_t           reordered;
    uint64_t           corrupt;
} load_counts_t;


/* what Redis has done, by its own account */
typedef struct {
    uint64_t           commands;      /* those in scripts, too */
    uint64_t           scripts;
    uint64_t           script_us;
} load_redis_t;


typedef struct load_s  load_t;


struct load_s {
    load_work_t        work;
    load_target_t      target;
    bool               by_websocket;  /* publishes are client commands */
    bool               history;       /* channels have one */
    bool               durable;       /* in Redis, too */
    bool               keyed;         /* publishes have a key */
    uint16_t           port;
    uint16_t           far_port;      /* of subscribers, 0: the same */
    uint16_t           redis_port;    /* 0: there is none */
    uint16_t           tls_port;      /* of subscribers, 0: port, plain */
    uint32_t           subscribers;
    uint32_t           channels;
    uint32_t           publishers;
    uint32_t           depth;         /* publishes in flight, a publisher */
    uint32_t           opening;       /* connections opened at a time */
    uint32_t           rate;          /* publishes a second, 0: by depth */
    uint32_t           tenants;       /* of connections, in turn; 0: no word */
    double             warmup;        /* seconds */
    double             seconds;
    uint64_t           limit;         /* completions to measure, 0: by time */
    const char        *pids;          /* of the server, comma-separated */
    const char        *softirqs;      /* pids of ksoftirqd, the same way */
    const char        *redis_pids;    /* the same way */
    const char        *proc;          /* where /proc is */
    uint32_t           master;        /* pid, for reloads */

    int                epoll;
    uint32_t           live;
    bool               running;       /* what is completed is begun anew */
    bool               measuring;
    uint32_t           ring_mask;
    uint64_t           now;           /* ns, as of the last read */
    uint64_t           late;          /* ns, the latest write after its due */
    uint32_t           returned;      /* of those sent away by a reload */
    uint64_t           last_return;   /* when, ns */
    uint64_t           refused;       /* attempts to return */
    uint64_t           silence;       /* ns, the longest of a subscriber */
    uint64_t           peak;          /* bytes, of the server's memory */
    load_channel_t    *channel;
    load_conn_t       *conn;          /* subscribers, then publishers */
    load_counts_t      counts;
    uint64_t           histogram[LOAD_BUCKETS];
};


/* prints to stderr and ends the process with status 2 */
void load_fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
uint64_t load_clock(void);


/* loop.c */
void load_loop_connect(load_t *l);
/* these two return false when nothing came for a long time */
bool load_loop_run(load_t *l, double seconds, uint64_t limit);
bool load_loop_drain(load_t *l);
void load_loop_pause(load_t *l, uint64_t ns);
void load_loop_turn(load_t *l);


/* handshake.c: opens the first ones; the event loop does the rest */
void load_handshake_start(load_t *l);
void load_handshake_read(load_t *l, load_conn_t *c);


/* idle.c: the whole work with its report; returns the status */
int load_idle(load_t *l);


/* reload.c: the whole work with its report; returns the status */
int load_reload(load_t *l);
/* a connection has ended; is back */
void load_reload_again(load_t *l, load_conn_t *c);
void load_reload_returned(load_t *l, load_conn_t *c);


/* recover.c: the whole work with its report; returns the status */
int load_recover(load_t *l);


/* conn.c: opens one, already written to; index is that in load_t.conn */
void load_conn_open(load_t *l, uint32_t index);
/* connected and nonblocking, known to the event loop */
void load_conn_connect(load_t *l, load_conn_t *c);
/* reads once and handles what is whole */
void load_conn_read(load_t *l, load_conn_t *c);
/* publishes until the depth is in flight, and writes what is left over */
void load_conn_publish(load_t *l, load_conn_t *c);
/* writes again what awaits its reply, on a new connection */
void load_conn_repeat(load_t *l, load_conn_t *c);
/* blocking; the caller closes it */
int load_conn_socket(uint16_t port);
void load_conn_send(load_conn_t *c, const uint8_t *p, size_t len);


/* tls.c: the handshake on a blocking socket, then as recv() and send() */
struct ssl_st *load_tls_connect(int fd);
ssize_t load_tls_recv(struct ssl_st *tls, uint8_t *p, size_t size);
ssize_t load_tls_send(struct ssl_st *tls, const uint8_t *p, size_t len);


/* target.c */
void load_target_templates(load_t *l, uint32_t number);
/* the first bytes of a connection; returns their length */
size_t load_target_hello(load_t *l, load_conn_t *c, uint8_t *p, size_t size);
/* what follows the 101; 0: nothing, the connection is live */
size_t load_target_join(load_t *l, load_conn_t *c, uint8_t *p);
/* the part of a template that is constant, and where its numbers stand */
void load_target_template(load_template_t *t, const char *text);
/* what came is compared with what was published */
void load_target_delivery(load_t *l, load_conn_t *c, uint8_t *p, size_t len);
/* a text message on a connection that is joining or live */
void load_target_message(load_t *l, load_conn_t *c, uint8_t *p, size_t len);
/* the publish's request with sequence and command id; returns its length */
size_t load_target_request(load_t *l, load_conn_t *c, load_channel_t *ch,
    uint8_t *p, const uint8_t *digits);


/* wire.c; results: bytes consumed, 0: more is needed */
typedef struct {
    uint8_t            opcode;
    uint8_t           *data;
    size_t             len;
} load_frame_t;

size_t load_wire_frame(uint8_t *p, size_t len, load_frame_t *f);
size_t load_wire_mask(uint8_t *p, uint8_t opcode, const uint8_t *data,
    size_t len);
size_t load_wire_upgraded(const uint8_t *p, size_t len);
size_t load_wire_no_content(const uint8_t *p, size_t len);
size_t load_wire_reply(const uint8_t *p, size_t len);


/* redis.c: what publishers and subscribers say to it */
void load_redis_templates(load_t *l, uint32_t number, const char *payload);
size_t load_redis_hello(load_conn_t *c, unsigned number, uint8_t *p,
    size_t size);
/* one reply, or one message, of a connection; bytes consumed, or 0 */
size_t load_redis_read(load_t *l, load_conn_t *c, uint8_t *p, size_t len);
/* nothing, where there is no Redis */
void load_redis_done(load_t *l, load_redis_t *r);


/* check.c */
void load_check_digits(uint8_t *digits, uint64_t sequence);
/* sent: when, or when it was due */
void load_check_sent(load_t *l, load_conn_t *c, load_channel_t *ch,
    uint64_t sent);
void load_check_replied(load_t *l, load_conn_t *c);
void load_check_delivered(load_t *l, load_conn_t *c, const uint8_t *digits);
void load_check_end(load_t *l);
/* the latency, in ns, that part (0 to 1) of the deliveries did not exceed */
uint64_t load_check_latency(load_t *l, double part);


/* metrics.c: the sum of all samples of a metric */
double load_metrics_sum(load_t *l, const char *name);


/* proc.c: sums over a comma-separated list of pids */
uint64_t load_proc_cpu(load_t *l, const char *pids);      /* ns */
uint64_t load_proc_private(load_t *l, const char *pids);  /* bytes */
/* the same of a process and all children it has and had; ns, bytes */
uint64_t load_proc_tree_cpu(load_t *l, uint32_t pid);
uint64_t load_proc_tree_memory(load_t *l, uint32_t pid);


#endif /* _LOAD_H_INCLUDED_ */
