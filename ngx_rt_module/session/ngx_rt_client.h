
/*
 * A client: the worker's side of a session, which a connection serves.
 */


#ifndef _NGX_RT_CLIENT_H_INCLUDED_
#define _NGX_RT_CLIENT_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_conn.h"


struct ngx_rt_client_s {
    ngx_rt_conn_t             *conn;          /* its data is the client */
    ngx_rt_main_conf_t        *main_conf;
    ngx_rt_zone_t             *zone;
    const rt_codec_t          *codec;
    ngx_str_t                  tenant;
    ngx_str_t                  user;          /* empty: anonymous */
    ngx_rt_session_t          *session;       /* NULL: not connected */
    ngx_queue_t                subscriptions;
    ngx_uint_t                 nsubscriptions;
    unsigned                   refused:1;     /* its connect was an error */
    unsigned                   denied:16;     /* commands, one after another */
    rt_bucket_t                buckets[];     /* none, if none is limited */
};


#endif /* _NGX_RT_CLIENT_H_INCLUDED_ */
