
/*
 * Sessions, the orders that are given to them, and what ends those of tokens
 * that were revoked.
 *
 * Included by ngx_rt_state.h, which has the structs.
 */


#ifndef _NGX_RT_STATE_SESSION_H_INCLUDED_
#define _NGX_RT_STATE_SESSION_H_INCLUDED_


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


#endif /* _NGX_RT_STATE_SESSION_H_INCLUDED_ */
