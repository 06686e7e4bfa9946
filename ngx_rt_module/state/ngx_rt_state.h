
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


#include "ngx_rt_state_tenant.h"
#include "ngx_rt_state_session.h"
#include "ngx_rt_state_channel.h"
#include "ngx_rt_state_history.h"


#endif /* _NGX_RT_STATE_H_INCLUDED_ */
