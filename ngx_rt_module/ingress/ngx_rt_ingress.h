
/*
 * Ingress: an HTTP request becomes a WebSocket connection, its bytes become
 * messages.
 */


#ifndef _NGX_RT_INGRESS_H_INCLUDED_
#define _NGX_RT_INGRESS_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_conn.h"


/* ngx_rt_handshake.c */

/* answers 101 and hands the connection to app, or the status to answer with */
ngx_int_t ngx_rt_upgrade(ngx_http_request_t *r, const ngx_rt_app_t *app);

/* ngx_rt_websocket.c: what a read brought -> messages */
void ngx_rt_websocket_read(ngx_rt_conn_t *conn);
void ngx_rt_websocket_input(ngx_rt_conn_t *conn, u_char *pos, u_char *last);

void ngx_rt_inbox_free(ngx_rt_inbox_t *inbox);

/* ngx_rt_echo.c: rt_echo's content handler */
ngx_int_t ngx_rt_echo_handler(ngx_http_request_t *r);
extern const ngx_rt_app_t  ngx_rt_echo_app;


#endif /* _NGX_RT_INGRESS_H_INCLUDED_ */
