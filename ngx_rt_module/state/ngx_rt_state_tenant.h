
/*
 * What is a tenant's: its limits, its users, what was set for it, and what is
 * counted of it.
 *
 * Included by ngx_rt_state.h, which has the structs.
 */


#ifndef _NGX_RT_STATE_TENANT_H_INCLUDED_
#define _NGX_RT_STATE_TENANT_H_INCLUDED_


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

/* that of a path, terminated, in the pool; NULL: no memory */
u_char *ngx_rt_state_folder(ngx_pool_t *pool, ngx_str_t *path);

/* can the workers write it?  A warning, if they cannot */
void ngx_rt_settings_file_init_module(ngx_cycle_t *cycle);

/* a zone is new: what the file has of it.  NGX_ERROR: the log says why */
ngx_int_t ngx_rt_settings_load(ngx_rt_zone_t *z, ngx_log_t *log);


/* ngx_rt_settings_save.c */

/*
 * ngx_rt_settings_put(), and in the file, too, if there is one.  As there, and
 * NGX_AGAIN: another worker writes it just now; NGX_ABORT: it cannot be
 * written, and what was set before stands.
 */
ngx_int_t ngx_rt_settings_save(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_log_t *log);


#endif /* _NGX_RT_STATE_TENANT_H_INCLUDED_ */
