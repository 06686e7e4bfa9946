
/*
 * The nodes that share a Redis, and what they say to each other.
 */


#ifndef _NGX_RT_STREAM_NODES_H_INCLUDED_
#define _NGX_RT_STREAM_NODES_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "rt_bus.h"


/* ngx_rt_stream_nodes.c */

/* of a worker; the zone whose id the node has */
void ngx_rt_nodes_init_process(ngx_rt_zone_t *z);

/* once a second */
void ngx_rt_nodes_watch(void);

/* the last worker of the node says so; it has left its slot */
void ngx_rt_nodes_exit_process(void);

/* an answer, which Redis keeps for who reads slowly */
#define NGX_RT_SURVEY_ANSWER_MAX  (2 * 1024 * 1024)

/* the channel of a worker that asks */
#define NGX_RT_SURVEY_NAME                                                    \
    (sizeof("rt:worker::") + NGX_RT_ID_LEN + NGX_INT64_LEN)

/* ngx_rt_stream_survey.c: of a worker */
void ngx_rt_survey_init_process(ngx_rt_zone_t *z);

/* the channel for answers to that question of the node, NGX_RT_SURVEY_NAME */
size_t ngx_rt_survey_name(u_char *name, const u_char *node, uint64_t number);

/* as ngx_rt_redis_send(); in the name of this node, put together in the pool */
ngx_int_t ngx_rt_survey_publish(ngx_rt_redis_call_t *call, ngx_str_t *channel,
    rt_bus_t *m, ngx_pool_t *pool);

/* ngx_rt_stream_answer.c: another node asks */
void ngx_rt_survey_serve(ngx_rt_zone_t *z, rt_bus_t *m);

/* ngx_rt_stream_tell.c: another node has said it, of a channel */
void ngx_rt_stream_hear(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, rt_bus_t *m);

/* this node, as it stands in messages; the wall's time, msec */
rt_str_t ngx_rt_stream_node(void);
uint64_t ngx_rt_stream_now(void);

/* this node has sent it */
ngx_uint_t ngx_rt_stream_is_own(const rt_bus_t *m);


#endif /* _NGX_RT_STREAM_NODES_H_INCLUDED_ */
