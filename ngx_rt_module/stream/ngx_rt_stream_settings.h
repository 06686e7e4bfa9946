
/*
 * Settings of tenants in Redis: between the files that change them, tell of
 * them, and compare them.
 */


#ifndef _NGX_RT_STREAM_SETTINGS_H_INCLUDED_
#define _NGX_RT_STREAM_SETTINGS_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_stream.h"


/* ngx_rt_stream_settings.c */

void ngx_rt_settings_init_process(void);

/* another node, or this one, says that it was accepted */
void ngx_rt_settings_hear(ngx_rt_zone_t *z, rt_bus_t *m);

/*
 * Sends it: accepted, if what Redis has is not newer than `from`.  audit:
 * fields and values; none: it is no change, but what Redis has lost.
 */
ngx_int_t ngx_rt_settings_send(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    uint64_t from, const ngx_rt_settings_t *s, ngx_uint_t naudit,
    const ngx_str_t *audit);

/*
 * What was answered.  NGX_OK: accepted; NGX_DECLINED: Redis has *s, whose texts
 * point into the reply; NGX_ERROR: no such answer.
 */
ngx_int_t ngx_rt_settings_answer(redisReply *reply, ngx_rt_settings_t *s);

/* version, rules and flags as they stand in the reply, from element i on */
ngx_int_t ngx_rt_settings_parse(redisReply *reply, ngx_uint_t i,
    ngx_rt_settings_t *s);

/* "rt:{TENANT}:config", in NGX_RT_STREAM_KEY bytes */
void ngx_rt_settings_key(u_char *buf, ngx_str_t *key, ngx_str_t *tenant);

/* the zone has it then, if it is newer; NGX_ERROR: no room, which is logged */
ngx_int_t ngx_rt_settings_enter(ngx_rt_zone_t *z, ngx_str_t *tenant,
    const ngx_rt_settings_t *s);


/* ngx_rt_stream_compare.c */

/* of a worker */
void ngx_rt_compare_init_process(ngx_rt_zone_t *z);

/* the zone and Redis are compared, now or when that is possible */
void ngx_rt_compare_begin(void);

/* once a second; and by one worker of a node, every now and then */
void ngx_rt_compare_watch(void);
void ngx_rt_compare_count(void);


extern ngx_str_t  ngx_rt_settings_index;


#endif /* _NGX_RT_STREAM_SETTINGS_H_INCLUDED_ */
