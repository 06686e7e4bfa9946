
/*
 * A client: the worker's side of a session, which a connection serves.
 */


#ifndef _NGX_RT_CLIENT_H_INCLUDED_
#define _NGX_RT_CLIENT_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_conn.h"


/* what a client has by a token, or for a time that the backend has set */
struct ngx_rt_lease_s {
    ngx_queue_t                queue;         /* in client->leases */
    ngx_queue_t                hub;           /* in the hub's */
    ngx_rt_client_t           *client;
    ngx_rt_subscription_t     *sub;           /* NULL: its connection */
    ngx_msec_t                 at;            /* its end, if it expires, with
                                                 rt_token_grace */
    int64_t                    issued;        /* RT_CLAIMS_UNSAID: unknown;
                                                 RT_CLAIMS_NEVER: no token */
    unsigned                   expires:1;
    unsigned                   len:16;        /* of jti */
    u_char                     jti[];
};


typedef struct {
    ngx_queue_t                queue;
    ngx_msec_t                 due;           /* the connection's own timer */
} ngx_rt_leases_t;


/*
 * Commands that wait for something: protocol/ngx_rt_client_park.c,
 * ngx_rt_command_publish.c and ngx_rt_command_ask.c
 */
typedef struct ngx_rt_parking_s     ngx_rt_parking_t;
typedef struct ngx_rt_publishing_s  ngx_rt_publishing_t;
typedef struct ngx_rt_asking_s      ngx_rt_asking_t;


/* what rules may see of a client; JSON */
typedef struct {
    ngx_str_t                  headers;
    ngx_str_t                  claims;        /* NULL: it has no token */
} ngx_rt_about_t;


struct ngx_rt_client_s {
    ngx_rt_conn_t             *conn;          /* its data is the client */
    ngx_rt_main_conf_t        *main_conf;
    ngx_rt_zone_t             *zone;
    const rt_codec_t          *codec;
    ngx_str_t                  tenant;
    ngx_str_t                  user;          /* empty: anonymous */
    ngx_rt_session_t          *session;       /* NULL: not connected */
    u_char                    *past;          /* NULL, or the id and the names
                                                 that its session had */
    ngx_queue_t                subscriptions;
    ngx_uint_t                 nsubscriptions;
    ngx_rt_leases_t           *leases;        /* NULL: it has no tokens */
    ngx_rt_parking_t          *parking;       /* NULL: nothing ever waited */
    ngx_rt_publishing_t       *publishing;    /* those that wait for Redis */
    ngx_rt_range_t            *fetched;       /* for what is handled again */
    ngx_rt_asking_t           *asking;        /* for other nodes */
    ngx_rt_variants_t         *variants;      /* NULL: no flag was asked */
    unsigned                   refused:1;     /* its connect was an error */
    unsigned                   keyless:1;     /* a token may say the tenant */
    unsigned                   unsettled:1;   /* has it its latest proof? */
    unsigned                   pinged:1;      /* since its connect */
    unsigned                   entering:1;    /* its connect is parked */
    unsigned                   resumed:1;     /* what was is handled again */
    unsigned                   denied:16;     /* commands, one after another */
    uint32_t                   looks;         /* a bucket: at presence */
    rt_bucket_t                buckets[];     /* none, if none is limited;
                                                 then ngx_rt_about_t, if there
                                                 is rt_rules; then its names */
};


/* ngx_rt_lease.c */

/*
 * In the place of the one that sub, or the connection, had.  NGX_ERROR: no
 * memory, and nothing has changed.
 */
ngx_int_t ngx_rt_lease_create(ngx_rt_client_t *client,
    ngx_rt_subscription_t *sub, const rt_claims_t *claims);

/*
 * Another end of the one that there is, or of a new one, without a token;
 * expiry: seconds since 1970, 0: none.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_lease_renew(ngx_rt_client_t *client,
    ngx_rt_subscription_t *sub, int64_t expiry);

/* seconds that a client is told, at least 1; 0: it does not expire */
uint32_t ngx_rt_lease_ttl(int64_t expiry);

/* that of sub, or of the connection, if there is one; all of them */
void ngx_rt_lease_drop(ngx_rt_client_t *client, ngx_rt_subscription_t *sub);
void ngx_rt_leases_drop(ngx_rt_client_t *client);

/* the one that expires first, or NULL */
ngx_rt_lease_t *ngx_rt_lease_first(ngx_rt_client_t *client);

/* the connection waits for so long: when it has to be woken for a lease */
ngx_msec_t ngx_rt_lease_wait(ngx_rt_client_t *client, ngx_msec_t msec);


#endif /* _NGX_RT_CLIENT_H_INCLUDED_ */
