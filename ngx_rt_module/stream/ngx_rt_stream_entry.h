
/*
 * Publications on their way to Redis.
 */


#ifndef _NGX_RT_STREAM_ENTRY_H_INCLUDED_
#define _NGX_RT_STREAM_ENTRY_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream.h"


/* publications of one call, and bytes of theirs; one is taken in any case */
#define NGX_RT_CALL_ENTRIES  64
#define NGX_RT_CALL_BYTES    (512 * 1024)


typedef struct ngx_rt_group_s  ngx_rt_group_t;


/* a copy of one, with all that is said of it to Redis; strings stand behind */
struct ngx_rt_entry_s {
    ngx_queue_t                queue;
    ngx_rt_durable_t          *waits;         /* NULL: nobody does */
    ngx_rt_group_t            *group;         /* its tenant's */
    ngx_rt_zone_t             *zone;
    ngx_rt_publish_t           publish;       /* but for charge and event;
                                                 its info is info's */
    rt_publication_t           pub;
    ngx_uint_t                 history;       /* as the namespace has them */
    ngx_uint_t                 ttl;
    size_t                     size;          /* bytes that wait with it */
    uint32_t                   hash;          /* of the channel */
    unsigned                   careful:1;     /* goes by accept */
    unsigned                   first:1;       /* of its channel, in a call */
    unsigned                   again:1;       /* it was sent twice */
    unsigned                   denied:1;      /* denial says what by */

    ngx_str_t                  tenant;
    ngx_str_t                  stream;        /* keys */
    ngx_str_t                  meta;
    ngx_str_t                  mark;
    ngx_str_t                  event;
    ngx_str_t                  info;
    ngx_str_t                  digest;        /* empty: it has no key */
    ngx_str_t                  about;         /* of its event */
    ngx_str_t                  version;       /* the same */
    ngx_str_t                  version_epoch;

    /* what has become of it */
    ngx_rt_published_e         outcome;
    ngx_rt_position_t          at;

    ngx_rt_redis_call_t        call;          /* of a claim */
    ngx_rt_charge_t           *charge;        /* to be returned, or NULL */
    ngx_rt_denial_t            denial;        /* as of when it was denied */
};


/* ngx_rt_stream_entry.c */

/*
 * NULL: there is no memory, or too much waits already, of all or of its tenant,
 * which has so many bytes that do.
 */
ngx_rt_entry_t *ngx_rt_entry_create(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_durable_t *d, size_t tenant);

/* tells who waits what became of it, and ends it */
void ngx_rt_entry_finish(ngx_rt_entry_t *e);

/* the publication, for the time of a call; info: RT_STREAM_INFO_MAX bytes */
void ngx_rt_entry_pub(ngx_rt_entry_t *e, u_char *info);

/* an error that Redis gave for it; the log has it, once a second */
void ngx_rt_entry_refused(ngx_rt_entry_t *e, redisReply *error);

/* an error as the log may have it, in NGX_RT_ENTRY_SAID bytes */
#define NGX_RT_ENTRY_SAID    200

void ngx_rt_entry_said(redisReply *error, u_char *buf, ngx_str_t *text);


/* ngx_rt_stream_publish.c: the tenant has so many bytes less, perhaps none */
void ngx_rt_group_release(ngx_rt_group_t *g, size_t size);


/* ngx_rt_stream_append.c */

/*
 * Sends n of them, of one tenant, those of a channel one behind another and the
 * first of each marked; careful: one of them is.  time: of the wall, msec.
 */
ngx_int_t ngx_rt_append_send(ngx_rt_redis_call_t *call,
    ngx_rt_entry_t **entries, ngx_uint_t n, ngx_uint_t careful,
    uint64_t time);

/*
 * What has become of each.  Those that have to be looked at more closely are
 * careful then, and were not appended.
 */
void ngx_rt_append_parse(redisReply *reply, ngx_rt_entry_t **entries,
    ngx_uint_t n);

/* an offset, up to that character, and an epoch; 0: they are none */
ngx_uint_t ngx_rt_append_position(redisReply *offset, u_char end,
    redisReply *epoch, ngx_rt_position_t *at);


/* ngx_rt_stream_claim.c */

/* msec after which who has claimed a key, and said nothing more, is given up */
#define NGX_RT_CLAIM_PATIENCE(mcf)  (2 * (mcf)->redis->timeout)

void ngx_rt_stream_claim_init_process(void);

/*
 * One with a key in a fast channel: ends it, now if it is NGX_DECLINED (Redis
 * is away), and nobody is told.
 */
ngx_int_t ngx_rt_claim_begin(ngx_rt_entry_t *e);

/* the same of one that a limit denies: it is a repeat, or stays denied */
ngx_int_t ngx_rt_claim_look(ngx_rt_entry_t *e);


/* ngx_rt_stream_retain.c */

void ngx_rt_stream_retain_init_process(void);

/* those of n of one tenant that were published are held to its bound */
void ngx_rt_stream_retain(ngx_rt_entry_t **entries, ngx_uint_t n);


#endif /* _NGX_RT_STREAM_ENTRY_H_INCLUDED_ */
