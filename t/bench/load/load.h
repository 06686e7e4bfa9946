
/*
 * The load generator of t/bench: what its parts share.  One process, one
 * thread, no locks.
 *
 *   load.c     options, the phases of a run, the event loop, the report
 *   conn.c     connections: opening, joining, reading, writing
 *   target.c   what each kind of server is told and what it should answer
 *   wire.c     frames and HTTP replies, as bytes
 *   check.c    sequences, completion of publishes, latency
 *   cpu.c      the CPU time of the server's processes
 */


#ifndef _LOAD_H_INCLUDED_
#define _LOAD_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


#define LOAD_PAYLOAD      128
#define LOAD_DIGITS       16        /* of the sequence number, in ASCII */
#define LOAD_TEXT_MAX     512       /* a request or a frame of a publish */
#define LOAD_CARRY        4096      /* the longest frame or HTTP reply */
#define LOAD_INPUT        65536
#define LOAD_BUCKETS      1024


typedef enum {
    LOAD_RT,
    LOAD_NCHAN,
    LOAD_BARE
} load_target_t;


/* text with a sequence number in it, the rest of it constant */
typedef struct {
    uint16_t           len;
    uint16_t           digits;        /* where the sequence number stands */
    uint8_t            text[LOAD_TEXT_MAX];
} load_template_t;


typedef struct {
    uint64_t           sent;          /* time, ns */
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
    load_state_t       state;
    load_channel_t    *channel;       /* NULL: a publisher */
    load_publisher_t  *publisher;     /* NULL: a subscriber */
    uint64_t           next;          /* sequence awaited */
    uint64_t           seen;          /* bit i: next - 1 - i has come */
    bool               pong;
    uint16_t           carried;
    uint8_t           *carry;         /* a cut frame, LOAD_CARRY bytes */
} load_conn_t;


typedef struct {
    uint64_t           publishes;     /* sent */
    uint64_t           completed;
    uint64_t           deliveries;
    uint64_t           bytes;         /* received by subscribers */
    uint64_t           reads;
    uint64_t           lost;
    uint64_t           duplicated;
    uint64_t           reordered;
    uint64_t           corrupt;
} load_counts_t;


typedef struct {
    load_target_t      target;
    bool               by_websocket;  /* publishes are client commands */
    int                port;
    uint32_t           subscribers;
    uint32_t           channels;
    uint32_t           publishers;
    uint32_t           depth;         /* publishes in flight, a publisher */
    double             warmup;        /* seconds */
    double             seconds;
    uint64_t           limit;         /* publishes to measure, 0: by time */
    const char        *pids;          /* of the server, comma-separated */
    const char        *softirqs;      /* pids of ksoftirqd, the same way */

    int                epoll;
    uint32_t           live;
    bool               publishing;
    bool               measuring;
    uint32_t           ring_mask;
    uint64_t           now;           /* ns, as of the last read */
    load_channel_t    *channel;
    load_conn_t       *conn;          /* subscribers, then publishers */
    load_counts_t      counts;
    uint64_t           histogram[LOAD_BUCKETS];
} load_t;


/* prints to stderr and ends the process with status 2 */
void load_fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
uint64_t load_clock(void);


/* conn.c: opens one, already written to; index is that in load_t.conn */
void load_conn_open(load_t *l, uint32_t index);
/* reads once and handles what is whole */
void load_conn_read(load_t *l, load_conn_t *c);
/* publishes until the depth is in flight, and writes what is left over */
void load_conn_publish(load_t *l, load_conn_t *c);


/* target.c */
void load_target_templates(load_t *l, uint32_t number);
/* the first bytes of a connection; returns their length */
size_t load_target_hello(load_t *l, load_conn_t *c, uint8_t *p, size_t size);
/* what follows the 101; 0: nothing, the connection is live */
size_t load_target_join(load_t *l, load_conn_t *c, uint8_t *p);
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
size_t load_wire_reply(const uint8_t *p, size_t len);


/* check.c */
void load_check_digits(uint8_t *digits, uint64_t sequence);
void load_check_sent(load_t *l, load_conn_t *c, load_channel_t *ch);
void load_check_replied(load_t *l, load_conn_t *c);
void load_check_delivered(load_t *l, load_conn_t *c, const uint8_t *digits);
void load_check_end(load_t *l);
/* the latency, in ns, that part (0 to 1) of the deliveries did not exceed */
uint64_t load_check_latency(load_t *l, double part);


/* cpu.c: nanoseconds on a CPU, summed over a comma-separated list of pids */
uint64_t load_cpu_time(const char *pids);


#endif /* _LOAD_H_INCLUDED_ */
