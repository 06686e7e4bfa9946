
/*
 * Fan-out: one write into a zone's event log, one wake-up of each worker that
 * has subscribers, one copy there, and references in the subscribers' queues.
 */


#ifndef _NGX_RT_FANOUT_H_INCLUDED_
#define _NGX_RT_FANOUT_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_state.h"
#include "rt_event.h"


/*
 * A slot of the workers' table (shared memory, one table a cycle's chain).
 * Only the worker that holds the slot writes its counters.
 */
typedef struct {
    ngx_atomic_t               pid __attribute__((aligned(64)));  /* 0: free */
    ngx_atomic_t               rung;          /* a wake-up is on its way */
    ngx_atomic_t               generation;    /* times it was claimed */

    /* counters of the worker; kept when the slot changes hands */
    ngx_atomic_t               connections;   /* gauge; open now */
    ngx_atomic_t               accepted;
    ngx_atomic_t               refused;       /* handshakes */
    ngx_atomic_t               publishes;
    ngx_atomic_t               deliveries;
    ngx_atomic_t               bytes_in;
    ngx_atomic_t               bytes_out;
    ngx_atomic_t               messages_in;
    ngx_atomic_t               flushes;
    ngx_atomic_t               sends;
    ngx_atomic_t               drops;
    ngx_atomic_t               laps;
    ngx_atomic_t               gaps;          /* of the log, in histories */
    ngx_atomic_t               behind;        /* deliveries from a history */
    ngx_atomic_t               insufficient;  /* told that there is a hole */
    ngx_atomic_t               rings;         /* doorbells rung at others */
    ngx_atomic_t               wakeups;       /* doorbells heard */
    ngx_atomic_t               closes[64];    /* by ngx_rt_close_index() */

    ngx_atomic_t               rules_asked;   /* functions of rules */
    ngx_atomic_t               rules_denied;
    ngx_atomic_t               rules_failed;  /* or was not asked: off */

    /* of its connections to Redis: redis/ */
    ngx_atomic_t               redis_state[NGX_RT_REDIS_USES];  /* gauges */
    ngx_atomic_t               redis_pending;   /* gauge; bytes */
    ngx_atomic_t               redis_commands;
    ngx_atomic_t               redis_declined;
    ngx_atomic_t               redis_timeouts;
    ngx_atomic_t               redis_losses;
    ngx_atomic_t               redis_messages;  /* of pub/sub */
    ngx_atomic_t               redis_replies[1 + RT_REDIS_ERRORS];

    /* what it reads of streams: stream/ */
    ngx_atomic_t               read_pages;      /* for who asks for a part */
    ngx_atomic_t               read_shared;     /* served by another's page */
    ngx_atomic_t               read_copies;     /* for the node's copies */
    ngx_atomic_t               read_entries;    /* in the answers */

    /* what it says to other nodes, and hears of them: stream/ */
    ngx_atomic_t               bus_told;
    ngx_atomic_t               bus_dropped;
    ngx_atomic_t               bus_heard;
    ngx_atomic_t               bus_asked;       /* surveys */
    ngx_atomic_t               bus_partial;     /* of them */
    ngx_atomic_t               bus_answered;
} ngx_rt_slot_t;


/* the worker's slot, NGX_RT_NO_SLOT: none was free, it only publishes */
extern ngx_uint_t      ngx_rt_slot;

/* its counters; a place of its own if it has no slot */
extern ngx_rt_slot_t  *ngx_rt_stat;

#define ngx_rt_count(name, n)  (ngx_rt_stat->name += (n))


/* ngx_rt_doorbell.c */

/* the table's zone, added when a zone is configured; a new configuration */
void ngx_rt_doorbell_forget_zone(void);
ngx_int_t ngx_rt_doorbell_add_zone(ngx_conf_t *cf);
ngx_int_t ngx_rt_doorbell_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_rt_doorbell_init_process(ngx_cycle_t *cycle);

/* a worker without a slot asks again; NGX_DECLINED: none is free yet */
ngx_int_t ngx_rt_doorbell_retry(ngx_cycle_t *cycle);

/* has the worker that claimed slot i for that time left it, or died? */
ngx_uint_t ngx_rt_doorbell_gone(ngx_uint_t i, uint64_t generation);

void ngx_rt_doorbell_exit_process(ngx_cycle_t *cycle);

/* wakes the workers of the mask that are not awake already */
void ngx_rt_doorbell_ring(uint64_t workers);

/* the workers that there are */
uint64_t ngx_rt_doorbell_workers(void);

/* the worker is going to look by itself: it need not be rung; and has begun */
void ngx_rt_doorbell_mute(void);
void ngx_rt_doorbell_listen(void);

/* slot i of the table, NULL: there is no table */
ngx_rt_slot_t *ngx_rt_doorbell_slot(ngx_uint_t i);


/* ngx_rt_hub.c */

/* this worker's interest in a channel; lives while it has subscribers here */
struct ngx_rt_interest_s {
    ngx_rt_interest_t         *next;          /* in its bucket */
    ngx_rt_channel_t          *channel;       /* held by our members */
    ngx_rt_tenant_t           *tenant;
    uint64_t                   serial;
    ngx_rt_hub_t              *hub;
    ngx_queue_t                subscriptions;
    ngx_uint_t                 count;
    ngx_uint_t                 watchers;      /* of them */

    ngx_queue_t                dirty;         /* in hub->dirty while pending */
    ngx_rt_batch_t            *pending;       /* encoded in this turn */
    ngx_uint_t                 quiet;         /* pending is for watchers */
    ngx_rt_account_t          *account;       /* the tenant's */
    ngx_rt_tally_t            *losses;        /* its namespace's */
    ngx_uint_t                 slow;          /* ngx_rt_slow_e */

    ngx_rt_position_t          top;           /* encoded up to there */
    u_char                     epoch[NGX_RT_EPOCH_LEN];
    size_t                     epoch_len;     /* 0: it has no history */
    ngx_uint_t                 cache;
    ngx_uint_t                 behind;        /* subscriptions that are */
    uint64_t                   fetching;      /* for some of them, from the
                                                 stream; 0: nothing */
    ngx_rt_batch_t            *slice;         /* the last one made for them */
    ngx_uint_t                 broken;        /* some have a hole */
    ngx_queue_t                mend;          /* in hub->broken then */

    rt_str_t                   head;          /* codec->push_head's bytes */
};


typedef enum {
    NGX_RT_SUB_LIVE = 0,                      /* it gets what is delivered */
    NGX_RT_SUB_BEHIND,                        /* the history serves it */
    NGX_RT_SUB_LOST,                          /* it has to be told of a hole */
    NGX_RT_SUB_GONE                           /* it was, and is at its end */
} ngx_rt_sub_state_e;


struct ngx_rt_subscription_s {
    ngx_queue_t                queue;         /* in interest->subscriptions */
    ngx_queue_t                link;          /* in client->subscriptions */
    ngx_rt_conn_t             *conn;          /* the client's */
    ngx_rt_interest_t         *interest;
    ngx_rt_client_t           *client;
    ngx_rt_member_t           *member;
    ngx_uint_t                 lost;          /* messages, not told as yet */
    uint64_t                   offset;        /* of one behind: what it has */
    uint32_t                   state;         /* ngx_rt_sub_state_e */
    uint32_t                   server:1;      /* the server began it */
    uint32_t                   fetching:1;    /* of one behind: the stream is
                                                 asked for what is next */
};


struct ngx_rt_hub_s {
    ngx_rt_zone_t             *zone;
    uint64_t                   cursor;        /* in the zone's log */
    ngx_uint_t                 behind;        /* it stopped before the end */

    ngx_rt_interest_t        **buckets;
    ngx_uint_t                 mask;
    ngx_uint_t                 interests;

    ngx_queue_t                leases;        /* of all clients here */
    uint64_t                   revision;      /* of revocations, looked at */
    ngx_uint_t                 revocations;   /* where the watch is in them */

    ngx_queue_t                dirty;
    ngx_queue_t                broken;        /* interests with a hole */
    ngx_uint_t                 checked;       /* the bucket, of positions */
    ngx_uint_t                 followed;      /* the same, of listeners */
    uint64_t                   cuts;          /* of lines, looked at */
    u_char                    *scratch;       /* a record's parts */
    size_t                     scratch_size;

    uint64_t                   ring;          /* workers to wake this turn */
    ngx_uint_t                 appended;      /* records, this turn */
    size_t                     appended_bytes;
};


ngx_int_t ngx_rt_hub_init_process(ngx_cycle_t *cycle);

/* a reload without a master: the one process goes on with what it has */
ngx_int_t ngx_rt_hub_init_module(ngx_cycle_t *cycle);

void ngx_rt_hub_exit_process(ngx_cycle_t *cycle);

/* at the end of the turn; a turn for this worker, too */
void ngx_rt_hub_ring(ngx_rt_hub_t *hub, uint64_t workers);

/* something was told: who has to is rung at the end of the turn */
void ngx_rt_hub_told(ngx_rt_hub_t *hub, ngx_rt_told_t *told);

/*
 * Before something is told: takes a turn in between, if it was very much
 * already.  Not while a list of the hub is walked.
 */
void ngx_rt_hub_relieve(ngx_rt_hub_t *hub);

/* tokens were revoked: what is held by one of them here ends */
void ngx_rt_hub_revoke(ngx_rt_hub_t *hub);


/* ngx_rt_interest.c */

/* this worker's interest in the channel of that serial, or NULL */
ngx_rt_interest_t *ngx_rt_interest_lookup(ngx_rt_hub_t *hub, uint64_t serial);

/* the same, made if there is none; top: of the history; NULL: no memory */
ngx_rt_interest_t *ngx_rt_interest_acquire(ngx_rt_hub_t *hub,
    ngx_rt_channel_t *ch, ngx_rt_namespace_t *ns, ngx_rt_position_t *top);

/* of the last subscriber; nothing is pending */
void ngx_rt_interest_release(ngx_rt_interest_t *in);


/* ngx_rt_subscribe.c */

void ngx_rt_subscribe_init_process(void);

/*
 * The client, whose session is alive, enters the channel.  What is told in the
 * channel comes with the next turn, not before; so the caller has to relieve
 * the hub before, and may enter several then.  *sub is where the channel's
 * history is.
 * Returns NGX_OK, NGX_ERROR (no memory) or NGX_DECLINED (the zone is full).
 */
ngx_int_t ngx_rt_subscribe(ngx_rt_client_t *client, ngx_str_t *channel,
    ngx_rt_namespace_t *ns, ngx_rt_terms_t *terms,
    ngx_rt_subscription_t **sub);

/* stay: NGX_RT_STAY_GHOST, if its session may outlive the connection */
void ngx_rt_unsubscribe(ngx_rt_subscription_t *sub, ngx_uint_t stay);

/* the client's subscription of that name, or NULL */
ngx_rt_subscription_t *ngx_rt_subscription_lookup(ngx_rt_client_t *client,
    ngx_str_t *channel);


/* ngx_rt_publish.c */

typedef enum {
    NGX_RT_PUBLISHED = 0,
    NGX_RT_PUBLISH_LARGE,                     /* for the log, a quarter of it */
    NGX_RT_PUBLISH_LONG,                      /* for a history */
    NGX_RT_PUBLISH_FULL,                      /* no room in the zone */
    NGX_RT_PUBLISH_DENIED,                    /* by a limit: ngx_rt_denial */
    NGX_RT_PUBLISH_REPEATED,                  /* the key was accepted before */
    NGX_RT_PUBLISH_CONFLICT,                  /* the same, another content */
    NGX_RT_PUBLISH_KEYS,                      /* the tenant has too many keys */
    NGX_RT_PUBLISH_STALE,                     /* a later version was there */
    NGX_RT_PUBLISH_UNVERSIONED,               /* no history to keep it with */
    NGX_RT_PUBLISH_KEPT,                      /* skip_history, and durable */
    NGX_RT_PUBLISH_AWAY                       /* Redis did not say that it has
                                                 it; perhaps it has */
} ngx_rt_published_e;


/* a publication on its way; the name and the rights to publish were checked */
typedef struct {
    ngx_rt_namespace_t        *ns;            /* the channel's */
    ngx_str_t                  tenant;
    ngx_str_t                  channel;
    rt_publication_t          *pub;           /* its offset is set */
    ngx_uint_t                 skip_history;
    ngx_rt_charge_t           *charge;        /* NULL: nobody is charged */
    rt_idem_key_t              key;           /* no name: none */
    const rt_event_t          *event;         /* of the key, or NULL */
    uint64_t                   version;       /* 0: none */
    uint64_t                   version_epoch; /* a hash of it */
    ngx_uint_t                 heard;         /* another node has accepted it,
                                                 and this worker heard it */

    ngx_rt_position_t          position;      /* answered: where it stands; of
                                                 one that is repeated, the
                                                 first; of a stale one, the
                                                 top */
} ngx_rt_publish_t;


/*
 * Puts it into the channel's history, if the namespace has one, and into the
 * log, if anyone at all is subscribed, and knows its key from then on.  All or
 * nothing.  Other nodes are told.
 *
 * One that was heard goes nowhere else, and only into a channel to which this
 * worker listens; else it is NGX_RT_PUBLISH_DENIED.
 */
ngx_rt_published_e ngx_rt_publish(ngx_rt_zone_t *z, ngx_rt_publish_t *p);


/*
 * The two ends of a publication that Redis has to accept: what can be judged
 * here, and its charge; and, for who was charged, what became of it.
 */
ngx_rt_published_e ngx_rt_publish_admit(ngx_rt_zone_t *z,
    ngx_rt_publish_t *p);
void ngx_rt_publish_count(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_published_e outcome, size_t bytes);


/* ngx_rt_publish_key.c: without a lock */

/*
 * By what contents are hashed: the zone's secret, or, where all nodes have to
 * agree, for keys are in Redis, a constant.
 */
const rt_hash_key_t *ngx_rt_content_key(ngx_rt_zone_t *z);

/* p->channel is to be published to under that key, or none if it is empty */
void ngx_rt_publish_key(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    const rt_str_t *name, const rt_content_t *content);

/*
 * Makes p the publication of an event to its channel, with its key; tags:
 * RT_EVENT_TAGS_MAX bytes that live as long as p.
 */
void ngx_rt_publish_event(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    rt_publication_t *pub, rt_event_t *event, u_char *tags);

/*
 * The event has another version and data now; its key stands for what was sent,
 * so that whoever says it again is known after a change of rules, too.
 */
void ngx_rt_publish_upgraded(ngx_rt_publish_t *p, rt_event_t *event);


/* ngx_rt_turn.c */

/* once a turn of the event loop: ring, read the logs, deliver, flush */
void ngx_rt_turn_init_process(ngx_cycle_t *cycle);
void ngx_rt_turn_post(void);
void ngx_rt_turn(void);
void ngx_rt_turn_handler(ngx_event_t *ev);

/* ngx_rt_deliver.c */

/* reads up to `budget` records; NGX_AGAIN: there are more */
ngx_int_t ngx_rt_deliver(ngx_rt_hub_t *hub, ngx_uint_t budget);

/* what is pending goes to the queues of those subscribed until now */
void ngx_rt_interest_settle(ngx_rt_interest_t *in);

/* a frame of it joins what is pending; NGX_ERROR: no memory */
ngx_int_t ngx_rt_interest_encode(ngx_rt_interest_t *in,
    rt_publication_t *pub);


/* ngx_rt_catch_up.c */

#define NGX_RT_OFFSET_MAX  UINT64_MAX

/* what is encoded next comes behind this */
void ngx_rt_interest_place(ngx_rt_interest_t *in, ngx_rt_position_t *top);

/*
 * The publication of the record is the next one of its channel.  If not it was
 * encoded before, or is now, with what comes before it.
 */
ngx_uint_t ngx_rt_interest_due(ngx_rt_interest_t *in, rt_log_record_t *record);

/* encodes what the history has and the worker has not */
void ngx_rt_interest_catch_up(ngx_rt_interest_t *in);

/* catches up where it has to: in all channels, or in the next part of them */
void ngx_rt_hub_check(ngx_rt_hub_t *hub, ngx_uint_t all);

/* the subscription has a hole; it is told by a turn that follows orders */
void ngx_rt_subscription_lose(ngx_rt_subscription_t *sub);
void ngx_rt_interest_mend_later(ngx_rt_interest_t *in);

/* none of its subscriptions has one any more */
void ngx_rt_interest_mended(ngx_rt_interest_t *in);

/* tells so many of them; NGX_AGAIN: there are more */
ngx_int_t ngx_rt_hub_mend(ngx_rt_hub_t *hub, ngx_uint_t budget);


/* ngx_rt_behind.c */

/*
 * Set by stream/: reads of a durable channel's stream what has those offsets,
 * and says so by ngx_rt_interest_fetched(), later, unless it is not NGX_OK.
 */
extern ngx_int_t (*ngx_rt_interest_fetch)(ngx_rt_interest_t *in,
    uint64_t from, uint64_t to);

/* source 0: it was not to be read */
void ngx_rt_interest_fetched(ngx_rt_interest_t *in, uint64_t source,
    rt_publication_t *pubs, ngx_uint_t n);

/* has what comes up to that offset, and the rest to get from the history */
void ngx_rt_subscription_fall_behind(ngx_rt_subscription_t *sub,
    uint64_t offset);

/* it is behind no more, or ends */
void ngx_rt_subscription_keep_up(ngx_rt_subscription_t *sub);

/*
 * b does not fit into the subscriber's queue: takes back what waits there and
 * the history still has, *n messages.  Returns the first offset to be served.
 */
uint64_t ngx_rt_subscription_revoke(ngx_rt_subscription_t *sub,
    ngx_rt_batch_t *b, ngx_uint_t *n);

/* its queue is empty: it gets a slice */
void ngx_rt_subscription_serve(ngx_rt_subscription_t *sub);


/* ngx_rt_recover.c */

/* what a reply brings of what was missed in its channels */
typedef struct {
    ngx_pool_t                *pool;          /* of the publications */
    size_t                     room;          /* bytes; the rest is pushed */

    /* what the stream has of it and the history has not; n is 0: nothing */
    const rt_publication_t    *pubs;
    ngx_uint_t                 n;
    uint64_t                   source;
} ngx_rt_recovery_t;

/* the pool is the caller's to destroy, once the reply is sent */
ngx_int_t ngx_rt_recovery_init(ngx_rt_recovery_t *r, ngx_rt_conn_t *conn);

/*
 * What the reply to a subscription that has just begun says of the history; the
 * epoch is the interest's.  NGX_ERROR: no memory, but for a recovery of zeroes,
 * which brings nothing: all that was missed is pushed.
 */
ngx_int_t ngx_rt_recover(ngx_rt_subscription_t *sub, const rt_since_t *since,
    ngx_rt_recovery_t *r, rt_stream_t *stream);


#endif /* _NGX_RT_FANOUT_H_INCLUDED_ */
