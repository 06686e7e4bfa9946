
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
#include "rt_bus.h"


/* ngx_rt_stream_script.c */
extern ngx_rt_redis_script_t  ngx_rt_stream_append;
extern ngx_rt_redis_script_t  ngx_rt_stream_accept;


/* ngx_rt_stream_publish.c */

typedef struct ngx_rt_durable_s  ngx_rt_durable_t;
typedef struct ngx_rt_entry_s    ngx_rt_entry_t;

/*
 * Who waits for a publication that Redis has to accept; in the caller's memory
 * until the handler was called or the caller has forgotten it.
 */
struct ngx_rt_durable_s {
    void                     (*handler)(ngx_rt_durable_t *d,
                                        ngx_rt_published_e outcome,
                                        ngx_rt_position_t *position);
    ngx_rt_entry_t            *entry;         /* NULL: nothing is waited for */
};

void ngx_rt_stream_publish_init_process(ngx_cycle_t *cycle);

/* is it one for Redis: in a durable channel, or with a key? */
ngx_uint_t ngx_rt_stream_needed(ngx_rt_publish_t *p);

/*
 * Judges and charges the publication, copies it, and sends it with all others
 * of its tenant.  NGX_RT_PUBLISHED: the handler is called later, once, from the
 * event loop; anything else: that is the outcome, and it is not called.
 */
ngx_rt_published_e ngx_rt_stream_publish(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p, ngx_rt_durable_t *d);

/* nobody waits any more; it may be accepted all the same */
void ngx_rt_stream_forget(ngx_rt_durable_t *d);


/* ngx_rt_stream_event.c */

typedef struct ngx_rt_event_asked_s  ngx_rt_event_asked_t;

/* who asks what has become of an event; in the caller's memory until told */
struct ngx_rt_event_asked_s {
    /*
     * rc: NGX_OK, NGX_DECLINED (it is not known), NGX_ERROR (Redis did not
     * say); strings of s end with the call
     */
    void                     (*handler)(ngx_rt_event_asked_t *a, ngx_int_t rc,
                                        rt_event_status_t *s);
    ngx_str_t                  tenant;
    ngx_str_t                  channel;
    ngx_str_t                  id;
    ngx_uint_t                 waits;         /* the caller's */

    ngx_rt_redis_call_t        call;          /* to be forgotten by it */
    ngx_uint_t                 again;
};

void ngx_rt_stream_event_init_process(void);

/* NGX_DECLINED: Redis is away, and the handler is not called */
ngx_int_t ngx_rt_stream_event(ngx_rt_event_asked_t *a);


/* ngx_rt_stream_listen.c */

typedef struct ngx_rt_ear_s     ngx_rt_ear_t;
typedef struct ngx_rt_listen_s  ngx_rt_listen_t;

/* who listens to a channel of pub/sub; in the caller's memory, zeroed before */
struct ngx_rt_listen_s {
    ngx_queue_t                queue;
    ngx_rt_ear_t              *ear;           /* NULL: it does not */

    /* its messages come from here on; they do not, until it is called again */
    void                     (*subscribed)(ngx_rt_listen_t *l);
    void                     (*lost)(ngx_rt_listen_t *l);

    /* the parts of the message may be changed by nobody */
    void                     (*message)(ngx_rt_listen_t *l, rt_bus_t *m);
};

/* of a worker, before its first connection to Redis */
void ngx_rt_stream_listen_init_process(void);

/* subscribes as soon as there is a connection; NGX_ERROR: no memory */
ngx_int_t ngx_rt_stream_listen(ngx_rt_listen_t *l, ngx_str_t *name);
void ngx_rt_stream_unlisten(ngx_rt_listen_t *l);

/* its messages come; there is a connection by which they can */
ngx_uint_t ngx_rt_stream_hears(ngx_rt_listen_t *l);
ngx_uint_t ngx_rt_stream_listening(void);


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

/*
 * What stands in the stream (ngx_rt_copy_append()) goes into the node's copy,
 * if it has one, and to the subscribers; a gap before it is repaired.
 */
void ngx_rt_stream_enter(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at, uint64_t time,
    rt_publication_t *pub);

void ngx_rt_stream_follow_init_process(ngx_cycle_t *cycle);


/* ngx_rt_stream_range.c */

typedef struct ngx_rt_reading_s  ngx_rt_reading_t;

/*
 * What someone wants of a stream, and gets from there; in the caller's memory
 * until its pool is destroyed, with which the reading ends and what was read
 * goes.
 */
struct ngx_rt_range_s {
    /* rc: NGX_OK, NGX_DECLINED (Redis is away) or NGX_ERROR */
    void                     (*handler)(ngx_rt_range_t *r, ngx_int_t rc);
    ngx_pool_t                *pool;
    ngx_rt_slice_t             slice;         /* with tenant and channel; its
                                                 top is answered */
    ngx_array_t                list;          /* answered: rt_publication_t,
                                                 without a hole */
    ngx_rt_reading_t          *reading;
};

/* NGX_OK: the handler is called later, once, from the event loop */
ngx_int_t ngx_rt_stream_range(ngx_rt_range_t *r, ngx_rt_namespace_t *ns);


/* ngx_rt_stream_empty.c */

typedef struct ngx_rt_emptying_s  ngx_rt_emptying_t;

/* who waits for it; in the caller's memory until it was told, or forgets it */
struct ngx_rt_emptying_s {
    /* rc: NGX_OK, or NGX_DECLINED: Redis did not say that it is done */
    void                     (*handler)(ngx_rt_emptying_t *e, ngx_int_t rc);
    void                      *emptied;
};

void ngx_rt_stream_empty_init_process(void);

/* as for a range; what is in the stream of a durable channel goes */
ngx_int_t ngx_rt_stream_empty(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_emptying_t *e);
void ngx_rt_stream_empty_forget(ngx_rt_emptying_t *e);


/* ngx_rt_stream_watch.c */

/* of a worker, before its first connection to Redis; after its slot is left */
void ngx_rt_stream_init_process(ngx_cycle_t *cycle);
void ngx_rt_stream_exit_process(void);


/* ngx_rt_stream_tell.c */

/*
 * To other nodes, if there are any: a publication that was accepted in a fast
 * channel; a record of a join or leave, if this worker is to tell of it.
 */
void ngx_rt_stream_tell(ngx_rt_zone_t *z, ngx_rt_publish_t *p);
void ngx_rt_stream_tell_change(ngx_uint_t kind, rt_publication_t *pub);

/* the worker has its first subscriber in a fast channel */
void ngx_rt_stream_attend(ngx_rt_zone_t *z, ngx_rt_channel_t *ch);


/* ngx_rt_stream_survey.c */

typedef struct ngx_rt_survey_s  ngx_rt_survey_t;

/* of a node that was asked, and is not known to be gone since */
typedef struct {
    u_char                     node[NGX_RT_ID_LEN];
    ngx_str_t                  text;          /* NULL: nothing came in time */
} ngx_rt_answer_t;

/*
 * What other nodes are asked, and answer; until its handler was called, from
 * the event loop and once, or it was forgotten.
 */
struct ngx_rt_survey_s {
    void                     (*handler)(ngx_rt_survey_t *s);
    void                      *data;          /* the caller's */
    ngx_array_t                answers;       /* ngx_rt_answer_t */
    ngx_uint_t                 silent;        /* those without a text */
    ngx_uint_t                 large;         /* those who answered too much */

    ngx_queue_t                queue;
    ngx_pool_t                *pool;          /* it lies there itself */
    uint64_t                   number;        /* even; odd: asked again */
    ngx_str_t                  method;
    ngx_str_t                  params;
    ngx_str_t                  tenant;
    ngx_uint_t                 twice;         /* it is asked again yet */
    ngx_msec_t                 rest;          /* how long it is waited then */
    ngx_uint_t                 waits;
    size_t                     bytes;
    ngx_event_t                timer;
    ngx_rt_redis_call_t        call;
    ngx_uint_t                 called;
};

/*
 * Asks every other node to run a method of the API, for itself alone; twice:
 * that does no harm, and one that says nothing is asked again, at another of
 * its workers.  NULL: it cannot be asked, since Redis is away, or too much is
 * asked already.
 */
ngx_rt_survey_t *ngx_rt_survey_begin(ngx_str_t *tenant, ngx_str_t *method,
    ngx_str_t *params, ngx_uint_t twice, void (*handler)(ngx_rt_survey_t *s),
    void *data);
void ngx_rt_survey_forget(ngx_rt_survey_t *s);

/* the nodes that are asked; NGX_ERROR: no memory */
ngx_int_t ngx_rt_survey_peers(ngx_array_t *answers);

/* bytes of what is asked, with its tenant and method */
#define NGX_RT_SURVEY_ASK_MAX  (64 * 1024)


/* ngx_rt_stream_answer.c */

/* who answers others, with a text in the pool; NGX_ERROR: not at all */
typedef ngx_int_t (*ngx_rt_survey_serve_pt)(ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_str_t *method, ngx_str_t *params, size_t max,
    ngx_pool_t *pool, ngx_str_t *text);

extern ngx_rt_survey_serve_pt  ngx_rt_survey_server;


/* ngx_rt_stream_settings.c */

/* what is kept of a change beside it: fields of an entry */
#define NGX_RT_AUDIT_FIELDS  8

typedef struct ngx_rt_configure_s  ngx_rt_configure_t;

/* a change of a tenant's settings; in the caller's memory until told */
struct ngx_rt_configure_s {
    /*
     * rc: NGX_OK: accepted, and the zone has it; NGX_DECLINED: there was
     * something newer than `from`, and the zone has that; NGX_ERROR: Redis did
     * not say that it is accepted
     */
    void                     (*handler)(ngx_rt_configure_t *c, ngx_int_t rc);
    ngx_rt_zone_t             *zone;
    ngx_str_t                  tenant;
    uint64_t                   from;          /* the version it was made from */
    ngx_rt_settings_t          settings;
    ngx_uint_t                 naudit;
    ngx_str_t                  audit[2 * NGX_RT_AUDIT_FIELDS];
    ngx_uint_t                 waits;         /* the caller's */

    ngx_rt_redis_call_t        call;          /* to be forgotten by it */
    ngx_uint_t                 again;
};

/* NGX_DECLINED: Redis is away, and the handler is not called */
ngx_int_t ngx_rt_stream_configure(ngx_rt_configure_t *c);


/* ngx_rt_stream_nodes.c */

/* other nodes that are alive: is there anyone to be told something? */
ngx_uint_t ngx_rt_stream_others(void);


#endif /* _NGX_RT_STREAM_H_INCLUDED_ */
