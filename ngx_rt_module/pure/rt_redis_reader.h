
/*
 * Replies of Redis: hiredis's reader with bounds.  What is malformed, or more
 * than one reply may be, is refused before there is memory for it; the
 * connection is of no use afterwards.
 */


#ifndef _RT_REDIS_READER_H_INCLUDED_
#define _RT_REDIS_READER_H_INCLUDED_


#include <hiredis/hiredis.h>

#include "rt_base.h"


#define RT_REDIS_REPLY_MAX     (64 * 1024 * 1024)   /* bytes of a reply */
#define RT_REDIS_ELEMENTS_MAX  (128 * 1024)         /* in all of its arrays */
#define RT_REDIS_DEPTH_MAX     7                    /* of them in each other */
#define RT_REDIS_LINE_MAX      (64 * 1024)          /* what is no string */


typedef struct {
    redisReader                       *hiredis;
    redisReplyObjectFunctions          bounded;
    const redisReplyObjectFunctions   *plain;
    size_t                             bytes;     /* of the reply so far */
    size_t                             elements;
    const char                        *why;
} rt_redis_reader_t;


/* false: no memory; the reader must stay where it is */
bool rt_redis_reader_init(rt_redis_reader_t *r);
void rt_redis_reader_free(rt_redis_reader_t *r);

/* false: no memory */
bool rt_redis_reader_feed(rt_redis_reader_t *r, const uint8_t *data,
    size_t len);

/*
 * The next reply, the caller's to free; NULL: it is not there as a whole.
 * Returns NULL, or what is wrong.
 */
const char *rt_redis_reader_next(rt_redis_reader_t *r, redisReply **reply);


#endif /* _RT_REDIS_READER_H_INCLUDED_ */
