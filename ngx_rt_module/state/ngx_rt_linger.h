
/*
 * Sessions that may outlive their connections: how they linger, how a client
 * gets its session back, and what becomes of those for whom nobody comes.
 */


#ifndef _NGX_RT_LINGER_H_INCLUDED_
#define _NGX_RT_LINGER_H_INCLUDED_


#include "ngx_rt_state.h"


/*
 * What a session has that may linger.  When another connection takes it over,
 * the new one gets a session block of its own with the same id, and the old
 * block stays as a husk for as long as its worker needs it: found by nobody,
 * with the memberships that the new one has not taken over.
 */
struct ngx_rt_linger_s {
    ngx_rt_session_t          *session;
    rt_link_t                  link;          /* in the zone's list of state */
    rt_link_t                  tenant_link;   /* in the tenant's; it lingers */
    ngx_rt_session_t          *husks;         /* by id_next */
    uint64_t                   nhusks;
    uint64_t                   ghosts;        /* memberships that are such */
    uint64_t                   state;         /* ngx_rt_linger_e */
    uint64_t                   since;         /* msec */
    uint64_t                   token;         /* a hash of its token's id */
    uint64_t                   issued;        /* its token, an int64_t as in
                                                 ngx_rt_identity_t */
    rt_proofs_t                proofs;
};


typedef enum {
    NGX_RT_LINGER_SERVED = 0,                 /* in no list */
    NGX_RT_LINGER_ALONE,                      /* it lingers */
    NGX_RT_LINGER_CLAIMS,                     /* served, and has ghosts */
    NGX_RT_LINGER_VOID                        /* it will not linger */
} ngx_rt_linger_e;


/* ngx_rt_linger.c: sessions without a connection */

/* rt_session_ttl TIME [max=NUMBER] [tenant=NUMBER] */
char *ngx_rt_session_ttl(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* in a transaction: the session is one that may; NGX_ERROR: the zone is full */
ngx_int_t ngx_rt_linger_create_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_session_conf_t *sc);

/* in a transaction: by whose token it is served from now on */
void ngx_rt_linger_token_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l,
    const ngx_rt_identity_t *who);

/* in a transaction: nothing of it is left; the session has no husks */
void ngx_rt_linger_free_locked(ngx_rt_state_t *st, ngx_rt_session_t *s);

/*
 * One step of its becoming one that lingers, a transaction of the caller's.
 * NGX_OK: it does; NGX_DECLINED: it may not.
 */
ngx_int_t ngx_rt_linger_begin_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told);

/*
 * One step of following an order for a session that nobody serves, or that is
 * about to linger.  NGX_AGAIN: there is more.
 */
ngx_int_t ngx_rt_linger_order_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_order_t *order, ngx_rt_told_t *told);

/*
 * One step of the end of the oldest that lingers, of the tenant's (NULL: of
 * all), of its user's (NULL: of all), a transaction of the caller's.
 * NGX_DECLINED: none does.
 */
ngx_int_t ngx_rt_linger_evict_locked(ngx_rt_zone_t *z, ngx_rt_tenant_t *t,
    ngx_str_t *user, ngx_rt_told_t *told);

/*
 * Ends those whose time is over, and the memberships that a resumed client has
 * not taken over in time, in so many steps at most; locks by itself.
 * NGX_AGAIN: there are more.
 */
ngx_int_t ngx_rt_linger_expire(ngx_rt_zone_t *z, ngx_uint_t steps,
    ngx_rt_told_t *told);


/*
 * After a revocation: goes on, in so many steps at most, to end those that were
 * served by a token that is revoked; all workers share the search.  Locks by
 * itself.  NGX_AGAIN: there is more to search.
 */
ngx_int_t ngx_rt_linger_revoke(ngx_rt_zone_t *z, ngx_uint_t steps,
    ngx_rt_told_t *told);


/* ngx_rt_resume.c */

/*
 * The session of that id, for whom the shown proof was given and who is the
 * same user of the same tenant; sc->proof is its next one.  It lingers, or some
 * connection serves it, which is closed then.  NULL: it is not to be had.
 */
ngx_rt_session_t *ngx_rt_session_resume(ngx_rt_zone_t *z,
    ngx_rt_session_conf_t *sc, rt_digest_t *shown, ngx_rt_told_t *told);

/* leaves a channel that nobody has taken over, if it is in it */
void ngx_rt_session_forgo(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_str_t *channel, ngx_rt_told_t *told);

/* the client is known to have its latest proof */
void ngx_rt_session_settle(ngx_rt_zone_t *z, ngx_rt_session_t *s);

/*
 * In transactions, of a session that joins a channel: it takes over the
 * membership that it has there (NGX_DECLINED: it has none; NGX_ERROR: the zone
 * is full); it is there now, its husks no more: were they?
 */
ngx_int_t ngx_rt_linger_claim_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_channel_t *ch, ngx_rt_terms_t *terms, ngx_rt_member_t **mp);
ngx_uint_t ngx_rt_linger_mute_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_channel_t *ch);

/* in transactions: a membership becomes a ghost; a ghost is none any more */
void ngx_rt_linger_haunt_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);
void ngx_rt_linger_lay_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);

/* who has the husk's session now, or NULL */
ngx_rt_session_t *ngx_rt_linger_heir_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *husk);

/* in a transaction: a membership of a husk goes to its heir, as a ghost */
void ngx_rt_linger_inherit_locked(ngx_rt_state_t *st, ngx_rt_member_t *m,
    ngx_rt_session_t *heir);

/* in transactions: into the list of a state, or none */
void ngx_rt_linger_state_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l,
    ngx_rt_linger_e state);

/* in a transaction: one husk less; there is one */
void ngx_rt_linger_disown_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l);


/* is its time over? */
static ngx_inline ngx_uint_t
ngx_rt_linger_over(ngx_rt_zone_t *z, ngx_rt_linger_t *l, ngx_msec_t now)
{
    return (ngx_msec_int_t) (now - (ngx_msec_t) l->since)
           >= (ngx_msec_int_t) z->linger->ttl;
}


#endif /* _NGX_RT_LINGER_H_INCLUDED_ */
