
/*
 * rt_echo: returns each message as it came, for conformance tests.  It reads no
 * further while what it has to return is large.
 */


#include "ngx_rt.h"
#include "ngx_rt_ingress.h"


#define NGX_RT_ECHO_MESSAGE   (16 * 1024 * 1024)
#define NGX_RT_ECHO_QUEUE     (64 * 1024)

/* what one read brings is echoed before the reading stops */
#define NGX_RT_ECHO_MAX_QUEUE (4 * NGX_RT_ECHO_MESSAGE)


static void ngx_rt_echo_open(ngx_rt_conn_t *conn);
static void ngx_rt_echo_message(ngx_rt_conn_t *conn, rt_opcode_t opcode,
    u_char *data, size_t len);
static void ngx_rt_echo_ping(ngx_rt_conn_t *conn);
static void ngx_rt_echo_close(ngx_rt_conn_t *conn);


const ngx_rt_app_t  ngx_rt_echo_app = {
    "echo",
    RT_CLOSE_GOING_AWAY,
    NULL,
    NGX_RT_ECHO_MESSAGE,
    NGX_RT_ECHO_MAX_QUEUE,
    NULL,
    ngx_rt_echo_open,
    ngx_rt_echo_message,
    NULL,
    NULL,
    NULL,
    ngx_rt_echo_ping,
    NULL,
    ngx_rt_echo_close,
    NULL
};


ngx_int_t
ngx_rt_echo_handler(ngx_http_request_t *r)
{
    return ngx_rt_upgrade(r, &ngx_rt_echo_app);
}


static void
ngx_rt_echo_open(ngx_rt_conn_t *conn)
{
    ngx_rt_conn_established(conn);
}


static void
ngx_rt_echo_message(ngx_rt_conn_t *conn, rt_opcode_t opcode, u_char *data,
    size_t len)
{
    if (ngx_rt_queue_frame(conn, opcode, data, len) == NGX_ERROR) {
        ngx_rt_close(conn, RT_CLOSE_INTERNAL, "no memory");
        return;
    }

    if (conn->out.bytes > NGX_RT_ECHO_QUEUE) {
        conn->throttled = 1;
    }
}


static void
ngx_rt_echo_ping(ngx_rt_conn_t *conn)
{
    (void) ngx_rt_queue_frame(conn, RT_OPCODE_PING, (u_char *) "", 0);
}


static void
ngx_rt_echo_close(ngx_rt_conn_t *conn)
{
    /* void */
}
