
/*
 * The end of a stream, as the scripts that read it answer.
 */


#ifndef _NGX_RT_STREAM_READ_H_INCLUDED_
#define _NGX_RT_STREAM_READ_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream.h"
#include "rt_stream_key.h"


/* entries of a reply, and bytes of their parts */
#define NGX_RT_READ_PAGE        64
#define NGX_RT_READ_BYTES       (256 * 1024)

#define NGX_RT_STREAM_KEY       rt_stream_key_max(NGX_RT_TENANT_MAX,          \
                                                  NGX_RT_CHANNEL_MAX, 0)


/* one of them; the parts point into the reply */
typedef struct {
    ngx_rt_position_t          at;
    uint64_t                   time;
    rt_publication_t           pub;
} ngx_rt_read_entry_t;


/* a reply that was found good */
typedef struct {
    ngx_rt_position_t          top;
    uint64_t                   floor;         /* it was emptied up to there */
    ngx_uint_t                 n;
    redisReply               **entries;
} ngx_rt_read_t;


void ngx_rt_stream_read_init_process(void);

/*
 * Reads what stands behind `from`, and the entry there, too; if that is of
 * another epoch, the latest `latest`.  A channel without an epoch gets one.
 * NGX_DECLINED: Redis is away.
 */
ngx_int_t ngx_rt_stream_read(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *from, ngx_uint_t latest);

/* NGX_ERROR: it is not what the script answers */
ngx_int_t ngx_rt_stream_read_parse(redisReply *reply, ngx_rt_read_t *read);

/* entry i, which is changed in the parsing */
ngx_int_t ngx_rt_stream_read_entry(ngx_rt_read_t *read, ngx_uint_t i,
    ngx_rt_read_entry_t *e);

/* NGX_OK: an epoch, or none (no source), and an offset */
ngx_int_t ngx_rt_stream_read_top(redisReply *epoch, redisReply *top,
    ngx_rt_position_t *position);

/* arguments, in NGX_RT_STREAM_KEY and NGX_INT64_LEN bytes */
void ngx_rt_stream_key(u_char *buf, ngx_str_t *key, rt_key_kind_t kind,
    ngx_str_t *tenant, ngx_str_t *channel);
void ngx_rt_stream_number(u_char *buf, ngx_str_t *s, uint64_t n);

/* the letters of a new one, NGX_RT_EPOCH_LEN */
void ngx_rt_stream_epoch(u_char *epoch);

/* digits, up to that character, or (zero) to the end; 0: it is not so */
ngx_uint_t ngx_rt_stream_offset(redisReply *r, u_char end, uint64_t *offset);

/* the channel begins another epoch, if it is still of that one */
ngx_int_t ngx_rt_stream_fork(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channel, uint64_t source);

/*
 * Where n channels of a tenant are, and up to where they were emptied; the
 * reply has three elements for each, which ngx_rt_stream_top() reads (no
 * source: it has no epoch).
 */
#define NGX_RT_STREAM_TOPS      64

ngx_int_t ngx_rt_stream_tops(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channels, ngx_uint_t n);
ngx_int_t ngx_rt_stream_top(redisReply *reply, ngx_uint_t i, ngx_uint_t n,
    ngx_rt_position_t *top, uint64_t *floor);


#endif /* _NGX_RT_STREAM_READ_H_INCLUDED_ */
