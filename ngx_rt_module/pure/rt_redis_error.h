
/*
 * Error replies of Redis by their class: the first word, and what follows from
 * it.  No class is ever an acknowledgement.
 */


#ifndef _RT_REDIS_ERROR_H_INCLUDED_
#define _RT_REDIS_ERROR_H_INCLUDED_


#include "rt_base.h"


typedef enum {
    RT_REDIS_LOAD = 0,            /* not run: load the scripts, ask again */
    RT_REDIS_RETRY,               /* not run, for a reason that passes */
    RT_REDIS_RECONNECT,           /* the same, but not on this connection */
    RT_REDIS_PERMANENT            /* it would be the same another time */
} rt_redis_remedy_e;


typedef enum {
    RT_REDIS_NOSCRIPT = 0,
    RT_REDIS_LOADING,
    RT_REDIS_BUSY,
    RT_REDIS_OOM,
    RT_REDIS_MISCONF,
    RT_REDIS_NOREPLICAS,
    RT_REDIS_CLUSTERDOWN,
    RT_REDIS_TRYAGAIN,
    RT_REDIS_MAXCLIENTS,
    RT_REDIS_READONLY,
    RT_REDIS_MASTERDOWN,
    RT_REDIS_NOAUTH,
    RT_REDIS_WRONGPASS,
    RT_REDIS_MOVED,
    RT_REDIS_ASK,
    RT_REDIS_CROSSSLOT,
    RT_REDIS_NOPERM,
    RT_REDIS_WRONGTYPE,
    RT_REDIS_ERR,
    RT_REDIS_OTHER,               /* a word that is not one of these */
    RT_REDIS_ERRORS
} rt_redis_error_e;


/* also of an error that a script of an older Redis (6) has passed on */
rt_redis_error_e rt_redis_error(const uint8_t *text, size_t len);

/* in small letters, for labels and logs */
const char *rt_redis_error_name(rt_redis_error_e error);

rt_redis_remedy_e rt_redis_error_remedy(rt_redis_error_e error);


#endif /* _RT_REDIS_ERROR_H_INCLUDED_ */
