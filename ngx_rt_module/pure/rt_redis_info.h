
/*
 * What Redis says of itself (INFO), as far as it matters here.
 */


#ifndef _RT_REDIS_INFO_H_INCLUDED_
#define _RT_REDIS_INFO_H_INCLUDED_


#include "rt_base.h"


#define RT_REDIS_RUN_LEN      40
#define RT_REDIS_POLICY_MAX   32


typedef struct {
    unsigned  version;            /* major; 0: it was not said */
    bool      cluster;
    bool      replica;
    bool      loading;
    bool      aof;
    bool      evicts;             /* its policy is another than noeviction */
    bool      unbounded;          /* it takes what memory there is */
    uint8_t   run[RT_REDIS_RUN_LEN + 1];        /* empty: it was not said */
    uint8_t   policy[RT_REDIS_POLICY_MAX + 1];
} rt_redis_info_t;


/* adds what a section's text says to what is there */
void rt_redis_info_read(rt_redis_info_t *info, const uint8_t *text,
    size_t len);


#endif /* _RT_REDIS_INFO_H_INCLUDED_ */
