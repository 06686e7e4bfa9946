
/*
 * The state of a zone: tenants, their users, sessions and channels, and who is
 * in which.  All of it lies in shared memory, outlives a reload and any worker,
 * and is changed only under the zone's mutex and by transactions.
 */


#ifndef _NGX_RT_STATE_H_INCLUDED_
#define _NGX_RT_STATE_H_INCLUDED_


#include "ngx_rt.h"


#define NGX_RT_STATE_LAYOUT     20        /* changes with the structs below */
#define NGX_RT_IDLE_TENANTS     1024      /* kept for their counters */


/*
 * Counters are added to without the mutex, buckets charged; everything else is
 * changed by transactions only.
 */
struct ngx_rt_tenant_s {
    ngx_rt_tenant_t           *next;          /* in its bucket */
    ngx_rt_tenant_t           *idle_next;     /* without anything */
    ngx_rt_tenant_t           *idle_prev;
    uint64_t                   hash;
    uint64_t                   serial;
    uint64_t                   sessions;
    uint64_t                   anonymous;     /* of the sessions */
    uint64_t                   users;         /* with a session */
    uint64_t                   channels;
    uint64_t                   keys;          /* of idempotency */
    uint64_t                   revocations;   /* of tokens */
    ngx_rt_setting_t          *settings;      /* by the API; NULL: none ever */
    uint64_t                   bytes;         /* of the zone, its objects */
    ngx_rt_history_t          *spare;         /* empty, without members; the
                                                 one for the longest time */
    ngx_rt_history_t          *spare_last;
    uint64_t                   lingering;     /* of the sessions */
    rt_link_t                  linger;        /* them; the oldest first */

    ngx_atomic_t               connects;      /* sessions ever */
    ngx_atomic_t               publishes;
    ngx_atomic_t               publish_bytes;
    ngx_atomic_t               repeats;       /* of keys */
    ngx_atomic_t               conflicts;     /* the same, other content */
    ngx_atomic_t               keys_refused;
    ngx_atomic_t               deliveries;
    ngx_atomic_t               delivered_bytes;
    ngx_atomic_t               drops;         /* deliveries given up */
    ngx_atomic_t               policy_drops[NGX_RT_SLOW_N];  /* of them */
    ngx_atomic_t               slow;          /* closed with 3008 */
    ngx_atomic_t               limited[NGX_RT_LIMIT_N];      /* denied */

    rt_bucket_t                buckets[NGX_RT_LIMIT_RATES];

    uint64_t                   len;
    u_char                     name[];
};


struct ngx_rt_channel_s {
    ngx_rt_channel_t          *next;          /* in its bucket */
    ngx_rt_tenant_t           *tenant;
    ngx_rt_member_t           *members;
    ngx_rt_history_t          *history;       /* NULL: it never had one */
    uint64_t                   hash;
    uint64_t                   serial;        /* never used again */
    uint64_t                   workers;       /* a bit per slot that cares */
    uint64_t                   watchers;      /* who comes and goes: the same */
    uint64_t                   clients;
    uint64_t                   muted;         /* members that are no clients */
    uint64_t                   listener;      /* to other nodes: a slot + 1;
                                                 0: nobody */
    uint64_t                   line;          /* the listener's then */
    uint64_t                   len;
    u_char                     name[];
};


/*
 * The history of a channel, from the first publication or subscription that
 * finds it configured to the end of the channel.
 */
struct ngx_rt_history_s {
    rt_history_t               list;
    ngx_rt_channel_t          *channel;
    ngx_rt_history_t          *next;          /* of all in the zone */
    ngx_rt_history_t          *prev;
    ngx_rt_history_t          *spare_next;    /* of the tenant's that can go */
    ngx_rt_history_t          *spare_prev;
    uint64_t                   source;        /* its epoch: a serial, never
                                                 used again, or a durable one's
                                                 letters; 0: switched off, or a
                                                 copy that was not read */
    uint64_t                   floor;         /* up to this offset nothing is
                                                 of this epoch, or is kept */
    uint64_t                   size;          /* publications to keep */
    uint64_t                   ttl;           /* of each, msec */
    uint64_t                   used;          /* the last time, msec */
    uint64_t                   version;       /* the latest that was said, */
    uint64_t                   version_epoch; /* and a hash of its epoch */

    /* of a copy */
    uint64_t                   stamp;         /* the latest one's time, as the
                                                 stream has it */
    uint64_t                   fresh;         /* was read with the channel's
                                                 line */
    uint64_t                   emptied;       /* up to this offset the stream
                                                 has nothing any more */
};


/* where a history is, or a reader of it */
typedef struct {
    uint64_t                   source;        /* 0: there is no history */
    uint64_t                   offset;
} ngx_rt_position_t;


/* there while it has a session; who is anonymous has none */
struct ngx_rt_user_s {
    ngx_rt_user_t             *next;          /* in its bucket */
    ngx_rt_user_t            **link;          /* what points to it there */
    ngx_rt_tenant_t           *tenant;
    ngx_rt_session_t          *sessions;
    uint64_t                   count;         /* of the sessions */
    uint64_t                   len;
    u_char                     name[];
};


/* JSON that others are told with the client */
struct ngx_rt_info_s {
    uint64_t                   len;
    u_char                     data[];
};


struct ngx_rt_session_s {
    ngx_rt_session_t          *next;          /* in its slot's list */
    ngx_rt_session_t          *prev;
    ngx_rt_session_t          *id_next;       /* in the bucket of its id */
    ngx_rt_session_t         **id_link;
    ngx_rt_session_t          *user_next;     /* in its user's list */
    ngx_rt_session_t         **user_link;
    ngx_rt_tenant_t           *tenant;
    ngx_rt_user_t             *user;          /* NULL: anonymous */
    ngx_rt_info_t             *info;          /* NULL: none */
    ngx_rt_member_t           *members;
    ngx_rt_errand_t           *errands;
    ngx_rt_conn_t             *conn;          /* in the memory of its worker */
    ngx_rt_linger_t           *linger;        /* NULL: it ends with conn */
    uint64_t                   slot;          /* NGX_RT_NO_SLOT: it lingers */
    uint64_t                   husk;          /* another connection has it */
    u_char                     id[NGX_RT_ID_LEN];
};


struct ngx_rt_member_s {
    ngx_rt_session_t          *session;
    ngx_rt_channel_t          *channel;
    ngx_rt_member_t           *session_next;
    ngx_rt_member_t           *session_prev;
    ngx_rt_member_t           *channel_next;
    ngx_rt_member_t           *channel_prev;
    ngx_rt_info_t             *info;          /* NULL: none */
    uint64_t                   serial;        /* never used again */
    uint64_t                   flags;
};


/* ngx_rt_member_t.flags */
#define NGX_RT_MEMBER_SHOWN     1   /* others are told that it comes and goes */
#define NGX_RT_MEMBER_WATCHES   2   /* it is told of others */
#define NGX_RT_MEMBER_GHOST     4   /* no worker's bit stands for it */
#define NGX_RT_MEMBER_MUTE      8   /* of a husk, and no client of the channel:
                                       whoever has the session now is */


/* tokens that are not taken any more */
struct ngx_rt_revocation_s {
    ngx_rt_revocation_t       *next;          /* in its bucket */
    ngx_rt_tenant_t           *tenant;
    uint64_t                   hash;          /* of the name */
    uint64_t                   before;        /* issued before; of a user */
    uint64_t                   expire;        /* seconds; 0: it stays */
    uint32_t                   kind;          /* NGX_RT_REVOKED_* */
    uint32_t                   len;
    u_char                     name[];        /* jti, or the user's */
};


/* an order on its way to the worker that serves the session */
struct ngx_rt_errand_s {
    ngx_rt_errand_t           *next;          /* in its slot's list */
    ngx_rt_errand_t           *prev;
    ngx_rt_session_t          *session;
    ngx_rt_errand_t           *session_next;  /* in the session's list */
    ngx_rt_errand_t          **session_link;
    uint32_t                   kind;          /* as in ngx_rt_order_t */
    uint32_t                   code;
    uint32_t                   text_len;
    uint32_t                   data_len;
    uint32_t                   info_len;
    uint32_t                   epoch_len;
    rt_override_t              override;
    bool                       recover;
    uint64_t                   offset;
    uint64_t                   expire;
    u_char                     text[];        /* with a zero; data; info;
                                                 epoch */
};


/*
 * Counters with a name of up to NGX_RT_TALLY_PARTS parts, the first of which is
 * whose they are.  A counter is added to without the mutex.
 */
#define NGX_RT_TALLY_PARTS      4
#define NGX_RT_TALLY_COUNTS     4         /* what they count: see the kinds */

#define NGX_RT_TALLY_NAMES      64        /* bytes for names, of a place */

#define NGX_RT_UNTALLIED        64        /* names that had no place lately */


typedef enum {
    NGX_RT_TALLY_LOSSES = 0,                  /* namespace: ngx_rt_slow_e */
    NGX_RT_TALLY_FLAGS,                       /* tenant, flag, variant: asked,
                                                 commands: good ones, errors */
    NGX_RT_TALLY_RULES,                       /* tenant, file, line: failures */
    NGX_RT_TALLY_VERDICTS,                    /* tenant: ngx_rt_ruled_e */
    NGX_RT_TALLY_N
} ngx_rt_tally_e;


/* what became of what rules were to judge */
typedef enum {
    NGX_RT_RULED_ALLOWED = 0,                 /* or it said nothing */
    NGX_RT_RULED_DENIED,
    NGX_RT_RULED_FAILED,
    NGX_RT_RULED_OFF                          /* not asked */
} ngx_rt_ruled_e;


typedef struct {
    uint16_t                   n;             /* of the parts */
    uint16_t                   len[NGX_RT_TALLY_PARTS];
    u_char                     data[];        /* of all of them */
} ngx_rt_tally_name_t;


struct ngx_rt_tally_s {
    uint64_t                   hash;          /* of the name; 0: free */
    ngx_rt_tally_name_t       *name;          /* NULL: all the others */
    ngx_atomic_t               counts[NGX_RT_TALLY_COUNTS];
};


typedef struct {
    uint64_t                   mask;          /* of the hash */
    uint64_t                   max;           /* less than there are places */
    uint64_t                   n;
    ngx_rt_tally_t            *tallies;
    u_char                    *names;         /* memory of theirs */
    uint64_t                   size;
    uint64_t                   used;
    ngx_rt_tally_t             others;
} ngx_rt_tallies_t;


/*
 * Buckets of users, namespaces and keys that owe something: a full one needs no
 * place, so there is nothing to be freed.  Changed under the mutex.
 */
#define NGX_RT_BUCKET_WAYS      8

typedef struct {
    uint64_t                   tags[NGX_RT_BUCKET_WAYS];
    rt_bucket_t                buckets[NGX_RT_BUCKET_WAYS];
} ngx_rt_buckets_t;


typedef struct {
    uint64_t                   owner;         /* whose sessions these are:
                                                 the slot's generation */
    uint64_t                   unread;        /* its mark in the log */
    uint64_t                   line;          /* times that its worker began or
                                                 ceased to hear of other nodes;
                                                 odd: it hears */
    ngx_rt_session_t          *sessions;
    ngx_rt_errand_t           *errands;       /* the oldest */
    ngx_rt_errand_t           *errands_last;
} ngx_rt_state_slot_t;


/* another node that is alive; its id is set while the place is free */
#define NGX_RT_PEERS            64

typedef struct {
    uint64_t                   alive;         /* 0: the place is free */
    uint64_t                   heard;         /* when, the last time; msec */
    u_char                     id[NGX_RT_ID_LEN];
} ngx_rt_peer_t;


struct ngx_rt_state_s {
    uint64_t                   layout;
    u_char                     uid[NGX_RT_ID_LEN];   /* of this node */
    rt_hash_key_t              hash_key;
    rt_txn_t                   txn;
    rt_heap_t                 *heap;

    uint64_t                   serial;        /* the last one given */
    uint64_t                   sessions;
    uint64_t                   channels;
    uint64_t                   tenants;
    uint64_t                   idle;          /* of the tenants */
    ngx_rt_tenant_t           *idle_first;    /* idle the longest */
    ngx_rt_tenant_t           *idle_last;
    uint64_t                   reaped;        /* sessions of dead workers */
    ngx_rt_history_t          *histories;
    ngx_rt_history_t          *sweep;         /* of them, the next to see to */
    uint64_t                   nhistories;
    uint64_t                   swept;         /* when; msec */
    uint64_t                   hurry;         /* there was no room: see to more
                                                 of them, next time */
    uint64_t                   lingering;     /* of the sessions */
    uint64_t                   resumed;
    uint64_t                   taken_over;    /* of these, from a connection */
    uint64_t                   expired;       /* nobody came for them */
    uint64_t                   evicted;       /* there was no room for them */
    rt_link_t                  alone;         /* those that linger, oldest
                                                 first */
    rt_link_t                  claims;        /* those that have ghosts */
    uint64_t                   started;       /* seconds */

    uint64_t                   counts[NGX_RT_LIMIT_N];       /* rt_limit's */
    uint64_t                   bucket_mask;
    ngx_rt_buckets_t          *buckets;
    ngx_atomic_t               forgotten;     /* buckets without a place */

    ngx_rt_state_slot_t        slots[NGX_RT_SLOTS];
    uint64_t                   cuts;          /* lines that were cut off */

    ngx_rt_peer_t              peers[NGX_RT_PEERS];
    uint64_t                   npeers;
    uint64_t                   met;           /* peers ever */
    uint64_t                   beat;          /* when this node was last told
                                                 of; msec, 0: it is due */

    ngx_rt_tallies_t           tallies[NGX_RT_TALLY_N];

    rt_idem_table_t            idem;          /* owners are tenants */

    uint64_t                   mask;          /* buckets - 1 */
    ngx_rt_tenant_t          **tenant_buckets;
    ngx_rt_channel_t         **channel_buckets;
    ngx_rt_user_t            **user_buckets;
    ngx_rt_session_t         **session_buckets;
    ngx_rt_revocation_t      **revocation_buckets;
    uint64_t                   nrevocations;
    uint64_t                   revision;      /* of them: goes up with each */
    uint64_t                   unsearched;    /* the first bucket of sessions
                                                 that was not gone through for
                                                 the latest */

    ngx_rt_setting_t          *settings;      /* the oldest change first */
    ngx_rt_setting_t          *settings_last;
    uint64_t                   settings_serial;  /* of the latest */
    uint64_t                   nsettings;
};


/* what a record of the log is; rt_log_record_t.kind */
enum {
    NGX_RT_RECORD_PUBLICATION = 1,
    NGX_RT_RECORD_JOIN,
    NGX_RT_RECORD_LEAVE,
    NGX_RT_RECORD_LOOK                        /* at the history: it has what the
                                                 log has not, or begins anew */
};


/* what was appended to the log in a hold of the mutex: who has to be rung */
typedef struct {
    uint64_t                   workers;
    ngx_uint_t                 records;
    size_t                     bytes;
} ngx_rt_told_t;


/* a zone of the configuration; lives in a cycle's pool */
struct ngx_rt_zone_s {
    ngx_str_t                  name;
    ngx_http_complex_value_t   key;
    ngx_str_t                  key_text;
    size_t                     size;
    size_t                     log_size;

    ngx_shm_zone_t            *shm;
    ngx_shm_zone_t            *log_shm;

    ngx_slab_pool_t           *pool;
    ngx_rt_state_t            *state;
    ngx_slab_pool_t           *log_pool;
    rt_log_t                  *log;
    ngx_rt_linger_conf_t      *linger;
    ngx_str_t                 *state_file;    /* empty: there is none */

    ngx_rt_hub_t              *hub;           /* the worker's */
    uint64_t                   teller;        /* the worker's bit, if it tells
                                                 others who comes and goes */
    uint64_t                   sweeping;      /* histories to see to yet */
    uint64_t                   rollbacks;     /* that were reported */
    ngx_rt_setting_t          *setting;       /* the last that was listed */
    uint64_t                   untallied[NGX_RT_UNTALLIED];
    ngx_rt_overlays_t         *overlays;      /* NULL: none yet */
    ngx_uint_t                 overlays_held;
};


/* ngx_rt_zone.c */

/* rt_zone KEY zone=NAME:SIZE [log=SIZE]; the shm zones and their init */
char *ngx_rt_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* NULL: none of that name */
ngx_rt_zone_t *ngx_rt_zone_lookup(ngx_rt_main_conf_t *mcf, ngx_str_t *name);

/*
 * The mutex of the state, or of the log.  Waits for a living owner, takes over
 * from a dead one.  On taking the state's, what a dead owner left is undone.
 * Order: state, then log.
 */
void ngx_rt_state_lock(ngx_rt_zone_t *z);
void ngx_rt_state_unlock(ngx_rt_zone_t *z);
void ngx_rt_log_lock(ngx_rt_zone_t *z);
void ngx_rt_log_unlock(ngx_rt_zone_t *z);
void ngx_rt_lock(ngx_shmtx_t *mtx);
void ngx_rt_unlock(ngx_shmtx_t *mtx);

/* says in the log, with no lock held, what killed workers left behind */
void ngx_rt_zone_report(ngx_rt_zone_t *z, ngx_log_t *log);


/* ngx_rt_tenant.c */

/*
 * The tenant of a request: the zone's key, "default" if it is empty.
 * NGX_DECLINED: not a tenant's name (too long, control characters).
 */
ngx_int_t ngx_rt_tenant_name(ngx_http_request_t *r, ngx_rt_zone_t *z,
    ngx_str_t *name);

/* the same, but an empty key stays empty: something else may tell */
ngx_int_t ngx_rt_tenant_key(ngx_http_request_t *r, ngx_rt_zone_t *z,
    ngx_str_t *name);

/* 1 to max bytes without control characters */
ngx_uint_t ngx_rt_name_valid(ngx_str_t *name, size_t max);

ngx_rt_tenant_t *ngx_rt_tenant_lookup_locked(ngx_rt_state_t *st,
    ngx_str_t *name);

/* in a transaction; NULL: the zone is full */
ngx_rt_tenant_t *ngx_rt_tenant_acquire_locked(ngx_rt_state_t *st,
    ngx_str_t *name);

/*
 * Before the first session, channel or key of a tenant is counted: it is no
 * longer idle; after the last was: it is again.
 */
void ngx_rt_tenant_hold_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);
void ngx_rt_tenant_settle_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);

/* gives one idle tenant back to the heap; NGX_DECLINED: there is none */
ngx_int_t ngx_rt_tenant_evict_locked(ngx_rt_state_t *st);

/*
 * No room, nothing is changed: makes some, by a transaction of its own.  What a
 * limit denies (ngx_rt_denial) to a tenant, or to its user (NULL: none is
 * named), no other has to make room for.  NGX_DECLINED: nothing could go.
 */
ngx_int_t ngx_rt_zone_relieve_locked(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_rt_told_t *told);

/*
 * A transaction that found no room is undone, some is made, and others have
 * had the mutex in between: the caller looks everything up again.
 */
ngx_int_t ngx_rt_zone_retry_locked(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_rt_told_t *told);

/* keeps the idle ones within their bound, by a transaction of its own */
void ngx_rt_tenant_trim_locked(ngx_rt_state_t *st);

/*
 * A block for a tenant, charged to it; in a transaction.  NULL: the zone is
 * full, or (ngx_rt_denial) the tenant's quota of it is.  What the backend
 * orders, as a revocation, is not held to the quota.
 */
void *ngx_rt_tenant_alloc_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    size_t size);
void *ngx_rt_tenant_alloc_order_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    size_t size);
void ngx_rt_tenant_free_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    void *p);

/* so many bytes of the heap were taken for it, or given back (less than 0) */
void ngx_rt_tenant_charge_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ssize_t n);

/* the same for an info; empty: *info is NULL.  NGX_ERROR: the zone is full. */
ngx_int_t ngx_rt_info_create_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    const ngx_str_t *text, ngx_rt_info_t **info);


/*
 * The hash of a name that belongs to a tenant: the same name in two tenants
 * is two things, in two buckets mostly.
 */
static ngx_inline uint64_t
ngx_rt_tenant_hash(ngx_rt_state_t *st, ngx_rt_tenant_t *t, ngx_str_t *name)
{
    return rt_hash(&st->hash_key, name->data, name->len)
           ^ (t->serial * 0x9e3779b97f4a7c15ULL);
}


/* ngx_rt_limit_state.c */

/* which limit it was, and what it says */
typedef struct {
    ngx_uint_t                 what;          /* ngx_rt_limit_e; N: none */
    ngx_uint_t                 payer;         /* ngx_rt_payer_e */
    uint64_t                   max;           /* of a count */
    uint64_t                   wait;          /* for a rate, msec; 0: for good,
                                                 it is more than the burst */
} ngx_rt_denial_t;


/*
 * As errno: of the last one of these that returned nothing; what is
 * NGX_RT_LIMIT_N if it was no limit, but the zone is full.
 */
extern ngx_rt_denial_t  ngx_rt_denial;


/* a share of a charge: from which bucket, how much */
typedef struct {
    ngx_uint_t                 what;
    ngx_uint_t                 payer;
    const rt_rate_t           *rate;
    rt_bucket_t               *bucket;        /* of a session; NULL: shared */
    uint64_t                   tag;           /* whose it is, a hash */
    uint64_t                   n;
} ngx_rt_due_t;


/* who is to be charged for a publication; n is 0: nobody, or no more */
typedef struct {
    ngx_uint_t                 n;
    ngx_uint_t                 taken;         /* of dues, when n was that */
    ngx_rt_due_t               dues[2 * NGX_RT_PAYER_N];
} ngx_rt_charge_t;


/* all of it, once, or nothing: NGX_BUSY, ngx_rt_denial says why */
ngx_int_t ngx_rt_charge_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_rt_charge_t *charge);

/*
 * What was taken is given back: it was not published after all, or had been
 * before.  session: its bucket is still there.  Takes the mutex by itself.
 */
void ngx_rt_charge_return(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_charge_t *charge, ngx_uint_t session);

/* what a tenant that is evicted owes, and owes again when it is back */
void ngx_rt_limit_keep_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);
void ngx_rt_limit_recall_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);

/* the limits of a new configuration are in force, for all workers */
void ngx_rt_limit_init_module(ngx_cycle_t *cycle);

/* is there a count, and is it reached?  Sets ngx_rt_denial, if so */
ngx_uint_t ngx_rt_limit_reached(ngx_rt_state_t *st, ngx_rt_limit_e what,
    ngx_rt_payer_e payer, uint64_t count);

/* no room could be made: what ngx_rt_denial says is counted */
void ngx_rt_limit_count(ngx_rt_tenant_t *t);

/* both at once, of what nothing gives way to */
void ngx_rt_limit_deny(ngx_rt_tenant_t *t, ngx_uint_t what, ngx_uint_t payer,
    uint64_t max, uint64_t wait);


/* ngx_rt_user.c: these lock by themselves but for _locked */

/* the request's rt_user; NGX_DECLINED: not a user's name */
ngx_int_t ngx_rt_user_name(ngx_http_request_t *r, ngx_http_complex_value_t *cv,
    ngx_str_t *name);

ngx_rt_user_t *ngx_rt_user_lookup_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);

/*
 * The ids of the user's sessions, NGX_RT_ID_LEN bytes an element, into ids,
 * which is empty: all that were there before and after.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_user_sessions(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_array_t *ids);

/*
 * In a transaction: a new session and its user, who is found or made (an empty
 * name: none); a session that ends.  NGX_ERROR: the zone is full.
 */
ngx_int_t ngx_rt_user_enter_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_str_t *name);
void ngx_rt_user_leave_locked(ngx_rt_state_t *st, ngx_rt_session_t *s);


/* ngx_rt_settings.c: these lock by themselves */

#define NGX_RT_SETTING_MAX  (32 * 1024)       /* bytes of each text */

/*
 * What the API has given a tenant: two texts, each may be empty.  Both are, if
 * it was deleted.
 */
typedef struct {
    uint64_t                   version;
    ngx_str_t                  rules;         /* JSON: the Lua, who and when */
    ngx_str_t                  flags;         /* JSON: the flags */
} ngx_rt_settings_t;

/*
 * Another one after any change of any tenant's; one word, read without the
 * lock: it may be that of a change that is not made in the end.  0: none ever.
 */
uint64_t ngx_rt_settings_serial(ngx_rt_zone_t *z);

/*
 * The tenant's, its texts in the pool.  NGX_DECLINED: it never had any;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_settings_get(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    ngx_pool_t *pool, ngx_rt_settings_t *s);

/* of the tenant's; 0: it has none */
uint64_t ngx_rt_settings_version(ngx_rt_zone_t *z, const ngx_str_t *tenant);

/*
 * Takes the place of an older version; from: of that one only (0: of none), if
 * not NULL.  NGX_DECLINED: the zone has another one, or one that is as new;
 * NGX_ERROR: no room (ngx_rt_denial), or a text is too long.
 */
ngx_int_t ngx_rt_settings_put(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const uint64_t *from, const ngx_rt_settings_t *s, ngx_rt_told_t *told);

/*
 * Makes the room that a put would need, and changes nothing; NGX_DECLINED,
 * NGX_ERROR as there.
 */
ngx_int_t ngx_rt_settings_fit(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const ngx_rt_settings_t *s, ngx_rt_told_t *told);

/*
 * The next that changed after *serial, in the order of the changes; *serial is
 * then that of it.  0: from the beginning.  A tenant's that changed twice are
 * listed once, as they are.  NGX_DECLINED: there are no more; NGX_ERROR: no
 * memory.
 */
ngx_int_t ngx_rt_settings_next(ngx_rt_zone_t *z, uint64_t *serial,
    ngx_pool_t *pool, ngx_str_t *tenant, ngx_rt_settings_t *s);


/* ngx_rt_overlay.c: a worker's own */

/* what the API has given a tenant; a change makes a new one */
struct ngx_rt_overlay_s {
    ngx_rt_overlay_t          *next;          /* in its bucket */
    uint64_t                   version;
    ngx_str_t                  tenant;
    ngx_str_t                  rules;         /* JSON; empty: none */
    rt_flags_t                *flags;         /* NULL: none */

    void                      *made;          /* of it by somebody else, who is
                                                 told of its end; or NULL */
    void                     (*unmake)(void *made);
};


/* NULL: the API has given it nothing.  Good until the next call. */
ngx_rt_overlay_t *ngx_rt_overlay(ngx_rt_zone_t *z, const ngx_str_t *tenant);

/* between the two all stay as they are, which is as they are now */
void ngx_rt_overlay_hold(ngx_rt_zone_t *z);
void ngx_rt_overlay_release(ngx_rt_zone_t *z);


/* ngx_rt_tally.c */

/* places of a table, for so many bytes of a zone */
size_t ngx_rt_tally_size(size_t zone);

/*
 * That of a name, or of all the others; it stays where it is.  Takes the mutex
 * by itself when the name is new.
 */
ngx_rt_tally_t *ngx_rt_tally(ngx_rt_zone_t *z, ngx_rt_tally_e kind,
    const ngx_str_t *parts, ngx_uint_t n);

/* all of a kind, the others last; NGX_ERROR: no memory */
ngx_int_t ngx_rt_tally_copy(ngx_rt_zone_t *z, ngx_rt_tally_e kind,
    ngx_pool_t *pool, ngx_array_t *tallies);

/* a part of its name, empty if it has none */
void ngx_rt_tally_part(const ngx_rt_tally_t *tally, ngx_uint_t i,
    ngx_str_t *part);


/* ngx_rt_settings_file.c */

/* rt_state_file PATH */
char *ngx_rt_state_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* can the workers write it?  A warning, if they cannot */
void ngx_rt_settings_file_init_module(ngx_cycle_t *cycle);

/* a zone is new: what the file has of it.  NGX_ERROR: the log says why */
ngx_int_t ngx_rt_settings_load(ngx_rt_zone_t *z, ngx_log_t *log);

/*
 * ngx_rt_settings_put(), and in the file, too, if there is one.  As there, and
 * NGX_AGAIN: another worker writes it just now; NGX_ABORT: it cannot be
 * written, and what was set before stands.
 */
ngx_int_t ngx_rt_settings_save(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_log_t *log);


/* ngx_rt_session.c: these lock by themselves but for _locked */

/* a random UUID (RFC 9562, version 4), NGX_RT_ID_LEN bytes */
ngx_int_t ngx_rt_uuid(u_char *id);

/* who it is, for others; points into s, or m, and lives as long */
void ngx_rt_session_info(ngx_rt_session_t *s, rt_client_info_t *info);
void ngx_rt_member_info(ngx_rt_member_t *m, rt_client_info_t *info);

/* whose a session is; empty: nobody in particular, and nothing to tell */
typedef struct {
    ngx_str_t                  tenant;
    ngx_str_t                  user;
    ngx_str_t                  info;          /* JSON */
    ngx_str_t                  jti;           /* of the token, if it has one */
    int64_t                    issued;        /* the same; RT_CLAIMS_NEVER:
                                                 there is no token */
} ngx_rt_identity_t;


/* whose session it is to be, and the connection that serves it */
typedef struct {
    ngx_rt_identity_t         *who;
    ngx_rt_conn_t             *conn;
    ngx_uint_t                 slot;
    u_char                    *id;
    rt_digest_t               *proof;         /* NULL: it will not linger */
    ngx_uint_t                 heir;          /* it is counted already */
} ngx_rt_session_conf_t;


/* NULL: the zone is full */
ngx_rt_session_t *ngx_rt_session_create(ngx_rt_zone_t *z,
    ngx_rt_session_conf_t *sc, ngx_rt_told_t *told);

/* in a transaction */
ngx_rt_session_t *ngx_rt_session_create_locked(ngx_rt_state_t *st,
    ngx_rt_session_conf_t *sc);

/*
 * Something else is told of it from now on, if info is not empty, and it is
 * that token's, if who is not NULL.  In a transaction, which allocates nothing
 * after it: something else is told.  NGX_DECLINED: the zone is full.
 */
ngx_int_t ngx_rt_session_retell(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_str_t *info, const ngx_rt_identity_t *who);
ngx_int_t ngx_rt_session_retell_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_str_t *info);

/* in transactions: on the list of a slot, which serves it; on none */
void ngx_rt_session_list_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_uint_t slot, ngx_rt_conn_t *conn);
void ngx_rt_session_unlist_locked(ngx_rt_state_t *st, ngx_rt_session_t *s);

/* the tenant's session of that id, or NULL */
ngx_rt_session_t *ngx_rt_session_lookup_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *id);

/*
 * Its connection has ended.  It leaves what channels it is still in, and orders
 * to it are void; or, if it may, it lingers.
 */
void ngx_rt_session_expire(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_uint_t may, ngx_rt_told_t *told);

/*
 * One step of its end, a transaction of the caller's: a channel that is left is
 * one, the session another.  NGX_OK: it is gone.
 */
ngx_int_t ngx_rt_session_end_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told);

/*
 * Expires the sessions of a worker that is gone, in so many steps at most.
 * *ended: how many were ended; *kept: how many linger.  NGX_AGAIN: there are
 * more.
 */
ngx_int_t ngx_rt_session_reap(ngx_rt_zone_t *z, ngx_uint_t slot,
    uint64_t owner, ngx_uint_t steps, ngx_uint_t *ended, ngx_uint_t *kept,
    ngx_rt_told_t *told);



/* ngx_rt_order.c */

enum {
    NGX_RT_ORDER_SUBSCRIBE = 1,
    NGX_RT_ORDER_UNSUBSCRIBE,
    NGX_RT_ORDER_DISCONNECT,
    NGX_RT_ORDER_REFRESH,
    NGX_RT_ORDER_RELEASE,                     /* another connection has it */
    NGX_RT_ORDER_MEND                         /* of the worker's own: there is
                                                 a hole in the channel */
};


/* what the backend has done to a session */
typedef struct {
    ngx_uint_t                 kind;
    ngx_uint_t                 code;          /* of the push, or the close */
    ngx_str_t                  text;          /* a channel; of disconnect, the
                                                 reason */
    ngx_str_t                  data;          /* of subscribe, JSON; or empty */
    ngx_str_t                  info;          /* of subscribe, refresh: the
                                                 same, for others */
    uint64_t                   expire;        /* of both: seconds since 1970;
                                                 0: not at all */
    rt_override_t              override;      /* of subscribe */
    rt_since_t                 since;         /* the same */
} ngx_rt_order_t;


#define NGX_RT_ORDER_DATA_MAX   3072          /* bytes; with info, epoch */
#define NGX_RT_ORDER_REASON_MAX 123           /* bytes; of a close frame */


/*
 * To those of n sessions (ids, one behind the other) that are there, are the
 * tenant's and, if a user is named, the user's.  NGX_DECLINED: the zone is
 * full, not all were given it.  A session that lingers obeys at once.
 */
ngx_int_t ngx_rt_order_issue(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, u_char *ids, ngx_uint_t n, ngx_rt_order_t *order,
    ngx_rt_told_t *told);

/*
 * The oldest order to a session of the slot and the connection that serves it.
 * The strings are good until the next call; a zero stands behind the text.
 * NGX_DECLINED: there is none; NGX_AGAIN: it was not for this worker any more.
 */
ngx_int_t ngx_rt_order_take(ngx_rt_zone_t *z, ngx_uint_t slot,
    ngx_rt_order_t *order, ngx_rt_conn_t **conn, ngx_rt_told_t *told);

/*
 * In transactions: an order for the session; the session's oldest one is void,
 * or, if a husk was meant, goes to its heir (which may take several).
 */
ngx_int_t ngx_rt_errand_create_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_order_t *order);
void ngx_rt_errand_settle_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told);

/* in a transaction: the order is void */
void ngx_rt_errand_drop_locked(ngx_rt_state_t *st, ngx_rt_errand_t *e);

/* what it says; points into it */
void ngx_rt_errand_order(ngx_rt_errand_t *e, ngx_rt_order_t *order);


/* ngx_rt_revocation.c: these lock by themselves but for _locked */

enum {
    NGX_RT_REVOKED_TOKEN = 1,
    NGX_RT_REVOKED_USER
};


typedef struct {
    ngx_uint_t                 kind;
    ngx_str_t                  name;
    uint64_t                   before;        /* seconds; of a user */
    uint64_t                   expire;        /* seconds; 0: it stays */
} ngx_rt_revoked_t;


/* NGX_DECLINED: the zone is full */
ngx_int_t ngx_rt_revoke(ngx_rt_zone_t *z, ngx_str_t *tenant,
    const ngx_rt_revoked_t *what, ngx_rt_told_t *told);

/* a token of that user; issued: seconds, or less than any if it is not known */
ngx_uint_t ngx_rt_revoked(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *user, ngx_str_t *jti, int64_t issued);

/*
 * By a token of that user, the hash of whose id is known, or the id, too (NULL:
 * it is not).
 */
ngx_uint_t ngx_rt_revoked_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *user, uint64_t hash, const ngx_str_t *jti, int64_t issued);

/* gives back some of those that have expired, from the cursor on */
void ngx_rt_revocation_sweep(ngx_rt_zone_t *z, ngx_uint_t *cursor);


/* ngx_rt_channel.c: these lock by themselves but for _locked */

ngx_rt_channel_t *ngx_rt_channel_lookup_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);

/* in a transaction: it is there, or made; NULL: no room */
ngx_rt_channel_t *ngx_rt_channel_acquire_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);

/* in a transaction: neither members nor a history hold it any more */
void ngx_rt_channel_expire_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch);

/* as what a client is in a channel */
typedef struct {
    ngx_uint_t                 flags;         /* NGX_RT_MEMBER_* */
    ngx_str_t                  info;          /* JSON, or empty */
} ngx_rt_terms_t;


/*
 * The session enters a channel, which is made if it has to be; *top: where its
 * history is then.
 */
ngx_rt_member_t *ngx_rt_channel_join(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_namespace_t *ns, ngx_str_t *name, ngx_rt_terms_t *terms,
    ngx_rt_told_t *told, ngx_rt_position_t *top);

/* stay: NGX_RT_STAY_* */
void ngx_rt_channel_leave(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t stay, ngx_rt_told_t *told);

/* inside a transaction of the caller's */
void ngx_rt_channel_leave_locked(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t stay, ngx_rt_told_t *told);

/* what the worker of one that leaves still has in the channel */
#define NGX_RT_STAY_MEMBERS     1
#define NGX_RT_STAY_WATCHERS    2
#define NGX_RT_STAY_GHOST       4         /* the session itself stays, if it
                                             is one that may linger */

/* in transactions: the member's worker cares for the channel; not any more */
void ngx_rt_channel_attend_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);
void ngx_rt_channel_desert_locked(ngx_rt_state_t *st, ngx_rt_member_t *m,
    ngx_uint_t stay);

/* in transactions: a member goes out of the channel's list; the session's */
void ngx_rt_channel_remove_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);
void ngx_rt_channel_forget_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);


/* ngx_rt_history.c: all in a transaction of the caller's */

/*
 * The channel's history as the namespace has it now: begun, ended, of another
 * size; a worker that leaves changes nothing.  NULL in *h: there is none, or it
 * is a copy that was not read.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_history_open_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns, ngx_rt_history_t **h);

/* an entry may be so large */
ngx_uint_t ngx_rt_history_fits(const rt_publication_t *pub);

/* from now on nobody reads it, and it has no epoch; it is there, though */
void ngx_rt_history_stop_locked(ngx_rt_state_t *st, ngx_rt_history_t *h);

/*
 * Appends to it and sets the publication's offset; time: of this publication,
 * as ngx_current_msec.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_history_append_locked(ngx_rt_state_t *st,
    ngx_rt_history_t *h, uint64_t time, rt_publication_t *pub);

/*
 * By transactions of its own: drops up to so many entries that are old or too
 * many.  NGX_AGAIN: there are more.
 */
ngx_int_t ngx_rt_history_trim_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    ngx_uint_t max);

/*
 * Before a member or an entry comes, and after one has gone: what has neither
 * is spare, and goes when its tenant needs the room.
 */
void ngx_rt_history_hold_locked(ngx_rt_channel_t *ch, rt_txn_t *x);
void ngx_rt_history_settle_locked(ngx_rt_channel_t *ch, rt_txn_t *x);

/* source and offset of what was published last */
void ngx_rt_history_top_locked(ngx_rt_channel_t *ch, ngx_rt_position_t *top);

/* nothing in it, and not to be kept for its position either */
ngx_uint_t ngx_rt_history_void_locked(ngx_rt_channel_t *ch);

/* the end of it, with the channel's */
void ngx_rt_history_expire_locked(ngx_rt_state_t *st, ngx_rt_history_t *h);

/* gives the spare one of the tenant that was so first; NGX_DECLINED: none */
ngx_int_t ngx_rt_history_evict_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);

/*
 * Once a second, by one worker of all: gives back the room of what is old in
 * some of the zone's histories, and those of which nothing is left but their
 * position, unused for meta_ttl msec.  Takes the mutex by itself, for a little
 * at a time.  NGX_AGAIN: it was enough for now.
 */
ngx_int_t ngx_rt_history_sweep(ngx_rt_zone_t *z, ngx_msec_t meta_ttl);

/* ngx_rt_history_read.c: these lock by themselves */

#define NGX_RT_SLICE        64            /* publications of a hold */
#define NGX_RT_SLICE_BYTES  (64 * 1024)   /* of their parts */

#define NGX_RT_HISTORY_CAP  300           /* publications of a reply */
#define NGX_RT_REPLY_BYTES  (256 * 1024)  /* of their parts */


/*
 * Some of a history.  What was read is in memory of the worker's and good until
 * the next is read.
 */
typedef struct {
    uint64_t                   from;          /* the offset to begin with */
    uint64_t                   to;            /* the last one wanted */
    ngx_uint_t                 reverse;       /* down from `from` to `to` */
    ngx_uint_t                 max;           /* publications */
    size_t                     bytes;         /* one is read in any case */

    ngx_str_t                 *tenant;        /* where no channel is given */
    ngx_str_t                 *channel;

    ngx_rt_position_t          top;           /* answered: of the history */
    uint64_t                   absent;        /* up to this offset the stream
                                                 may have what the copy has
                                                 not; 0: it has not */
    uint64_t                   emptied;       /* up to this one it has nothing,
                                                 as far as is known */
    ngx_uint_t                 n;
    rt_publication_t          *pubs;          /* from the first one on that is
                                                 there, without a hole */
} ngx_rt_slice_t;


/*
 * Of a channel that a member of this worker's holds; NULL: of that of the
 * slice's tenant and name, if it is there.
 */
void ngx_rt_history_read(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_slice_t *s);

/*
 * All that a slice asks for and more than one hold may give, copied into the
 * list's pool (rt_publication_t); ch is held as above.  s->top is that of the
 * beginning.  NGX_DECLINED: the stream may have more of it, ask that;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_history_list(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_slice_t *s, ngx_array_t *list);

/* the tenant's channel of that name, if it has a history, or NULL */
ngx_rt_channel_t *ngx_rt_history_channel_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *channel);

/*
 * What is in it is gone; its position stays.  at: up to there, if it is still
 * of that source; NULL: all.
 */
void ngx_rt_history_remove(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at);

/*
 * What a reader asks for who says since where (or not), in which direction, and
 * how many (less than 0: all), as a slice; not its bytes.
 */
void ngx_rt_history_range(ngx_rt_slice_t *s, ngx_uint_t since,
    uint64_t offset, ngx_uint_t reverse, int64_t limit);

/* the text of a position's epoch is what the client says, or it says none */
ngx_uint_t ngx_rt_history_epoch_is(ngx_rt_zone_t *z, uint64_t source,
    const rt_str_t *epoch);

/* NGX_RT_EPOCH_LEN letters; 0: no source, no epoch */
size_t ngx_rt_history_epoch(ngx_rt_zone_t *z, uint64_t source, u_char *epoch);


/* ngx_rt_copy.c: these lock by themselves */

/*
 * What stands in the stream at that place; time: the stream's, wall clock,
 * msec.  NGX_OK: entered, and told in the log, in one hold; NGX_DONE: it was
 * there; NGX_AGAIN: there is a gap before it, its epoch is another, or the copy
 * has another one there: the stream is to be read; NGX_DECLINED: the node has
 * no copy of the channel, or, unless it is wanted, neither members nor a
 * listener; NGX_ERROR: no room, the copy begins anew behind it.
 */
ngx_int_t ngx_rt_copy_append(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at, uint64_t time,
    rt_publication_t *pub, ngx_uint_t wanted, ngx_rt_told_t *told);

/*
 * The copy begins anew behind an offset of an epoch, unless it is of it and
 * there already (NGX_DONE); those who had something else are told of a hole.
 * NGX_DECLINED: the node has none.
 */
ngx_int_t ngx_rt_copy_place(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at, ngx_rt_told_t *told);


/*
 * Someone came or went in another node: those who watch here are told, if the
 * worker of the slot listens to the channel.
 */
void ngx_rt_channel_hear(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, ngx_uint_t kind,
    rt_client_info_t *info, ngx_rt_told_t *told);

/*
 * In the data of a record of a join or leave that is to be told to others: the
 * slot of who tells them, the tenant, a zero, the channel.
 */
#define NGX_RT_CHANGE_MAX  (1 + NGX_RT_TENANT_MAX + 1 + NGX_RT_CHANNEL_MAX)


/*
 * The stream was asked and has not that offset, nor those before, of that
 * source; ch is held.
 */
void ngx_rt_copy_empty(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_position_t *at);


/* ngx_rt_line.c: these lock by themselves but for ..._heard() */

/* the worker of the slot hears of other nodes; does not any more */
void ngx_rt_line_begin(ngx_rt_zone_t *z, ngx_uint_t slot);
void ngx_rt_line_cut(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner);

/*
 * A worker listens to the channel; it is that of the slot.  The state's mutex
 * is held, or it is only a guess.
 */
ngx_uint_t ngx_rt_channel_heard(ngx_rt_state_t *st, ngx_rt_channel_t *ch);
ngx_uint_t ngx_rt_channel_heard_by(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_uint_t slot);


/* what there is in this node of a channel that others have, too */
typedef struct {
    ngx_rt_position_t          top;           /* of a copy; no source: it was
                                                 not read */
    ngx_uint_t                 members;
    ngx_uint_t                 listener;      /* NGX_RT_NO_SLOT: nobody */
    uint64_t                   line;          /* the listener's */
    ngx_uint_t                 fresh;
    uint64_t                   emptied;       /* up to there, as far as it
                                                 was told */
} ngx_rt_copy_t;


/* NGX_DECLINED: nothing */
ngx_int_t ngx_rt_copy_look(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_copy_t *copy);

/*
 * The same; and if it has members and nobody listens, the worker of the slot
 * does from now on, if it has a line.
 */
ngx_int_t ngx_rt_channel_claim(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, ngx_rt_copy_t *copy);

/* the same, members or not, and there is a copy then; NGX_ERROR: no room */
ngx_int_t ngx_rt_copy_claim(ngx_rt_zone_t *z, ngx_rt_namespace_t *ns,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_uint_t slot,
    ngx_rt_copy_t *copy, ngx_rt_told_t *told);

/*
 * Its listener had subscribed with that line, the stream was read up to top and
 * all of it entered: it is fresh.  NGX_DECLINED: something else is by now.
 */
ngx_int_t ngx_rt_copy_freshen(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, uint64_t line,
    ngx_rt_position_t *top);

/* that worker listens no more */
void ngx_rt_channel_release(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot);


/* ngx_rt_peer.c: other nodes; these lock by themselves */

/*
 * One was heard.  NGX_OK: for the first time; NGX_DONE: it is known;
 * NGX_DECLINED: there are NGX_RT_PEERS already.
 */
ngx_int_t ngx_rt_peer_meet(ngx_rt_zone_t *z, const u_char *id);

/* it has said that it leaves; NGX_DECLINED: it was not known */
ngx_int_t ngx_rt_peer_part(ngx_rt_zone_t *z, const u_char *id);

/* those that were not heard of for so long are gone; returns how many */
ngx_uint_t ngx_rt_peer_expire(ngx_rt_zone_t *z, ngx_msec_t silent);

/* the mutex is held, or it is only a guess */
ngx_uint_t ngx_rt_peer_alive(ngx_rt_state_t *st, const u_char *id);

/*
 * The caller is the one to tell of this node now, if nobody has within that
 * time (NGX_OK); nobody has: the next one may.
 */
ngx_int_t ngx_rt_beat_claim(ngx_rt_zone_t *z, ngx_msec_t since);
void ngx_rt_beat_void(ngx_rt_zone_t *z);


/* ngx_rt_idem.c */

/* rt_idempotency [window=TIME] [keys=NUMBER] */
char *ngx_rt_idempotency(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * NGX_OK: the tenant's key is new, and it may have one more; NGX_DONE: it was
 * accepted with that content, and its first result is in *position;
 * NGX_DECLINED: with another content; NGX_BUSY: the tenant has max keys.
 * By transactions of its own, what is over gives way.
 */
ngx_int_t ngx_rt_idem_find_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_uint_t max, ngx_rt_position_t *position);

/*
 * In the transaction that accepts: a new key, its result, and how long it is
 * known.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_idem_accept_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_msec_t window, ngx_rt_position_t *position);

/*
 * Gives back the room of keys that are over.  Takes the mutex by itself, for a
 * little at a time.  NGX_AGAIN: it was enough for now.
 */
ngx_int_t ngx_rt_idem_sweep(ngx_rt_zone_t *z);

/*
 * The first result of a tenant's key, and when that was (wall, msec), whatever
 * its content.  NGX_DECLINED: it is not known.  Takes the mutex by itself.
 */
ngx_int_t ngx_rt_idem_status(ngx_rt_zone_t *z, ngx_str_t *tenant,
    rt_idem_key_t *key, ngx_rt_position_t *position, uint64_t *time);


/* ngx_rt_presence.c */

/* one who is in a channel, copied */
typedef struct {
    uint64_t                   serial;        /* of its membership */
    uint16_t                   len;           /* of user */
    uint16_t                   conn_len;      /* of info, its first part */
    uint16_t                   chan_len;      /* and the other */
    u_char                     id[NGX_RT_ID_LEN];
    u_char                     user[NGX_RT_USER_MAX];
    u_char                    *info;
} ngx_rt_present_t;


/* members of a hold of the mutex */
#define NGX_RT_PRESENCE_SLICE  128

/*
 * Those in a channel, ngx_rt_present_t, into list, which is empty.  All are
 * listed who were there before and after; *clients: how many there are.  infos:
 * bytes that their infos may take, 0: none are wanted.
 * NGX_DECLINED: there are more than max, or they have more to tell, and not all
 * are listed; NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_presence_read(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t max, size_t infos, ngx_array_t *list,
    uint64_t *clients);

/* the same as values, which point into the list; info: as many */
void ngx_rt_presence_info(ngx_array_t *list, rt_client_info_t *info);

/* how many users they are; changes their order */
ngx_uint_t ngx_rt_presence_users(ngx_array_t *list);


/* ngx_rt_record.c: records of the log */

/* lengths, behind the client's id; what the last text has is the rest */
typedef struct {
    uint16_t                   user;
    uint16_t                   conn_info;
} ngx_rt_record_info_t;


#define NGX_RT_RECORD_INFO_HEAD  (NGX_RT_ID_LEN + sizeof(ngx_rt_record_info_t))
#define NGX_RT_RECORD_INFO_MAX   (NGX_RT_RECORD_INFO_HEAD + NGX_RT_USER_MAX   \
                                  + 2 * NGX_RT_INFO_MAX)


/* the part of a record that says who it is from: so many bytes, at most len */
size_t ngx_rt_record_info(const rt_publication_t *pub, u_char *info);
size_t ngx_rt_record_info_len(const rt_publication_t *pub);

/* the log takes it */
ngx_uint_t ngx_rt_record_fits(ngx_rt_zone_t *z, const rt_publication_t *pub);

/*
 * Appends one, which fits, that the workers of the mask, which is not empty,
 * have to read, and tells them where to begin; adds it to told, and they have
 * to be rung.
 */
void ngx_rt_record_append_locked(ngx_rt_zone_t *z,
    ngx_rt_channel_t *ch, ngx_uint_t kind, uint64_t workers,
    const rt_publication_t *pub, ngx_rt_told_t *told);

/*
 * What a producer that died behind the append, at that position, may not have
 * come to: tells the workers where to begin.
 */
void ngx_rt_record_repair_locked(ngx_rt_zone_t *z, uint64_t position);

/* the way back; parts: of the record, in one piece, which pub points into */
void ngx_rt_record_parse(const rt_log_record_t *record, u_char *parts,
    rt_publication_t *pub);


#endif /* _NGX_RT_STATE_H_INCLUDED_ */
