
/*
 * How a worker that leaves takes leave of its connections: not of all at once,
 * for they come back at once.  Each is told at a moment of its own, at random
 * within a window that is wide enough for the rate; until then it is served.
 *
 * Called by the connections when nginx says that the worker leaves.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_fanout.h"


#define NGX_RT_DRAIN_RATE_MAX  1000000


char *
ngx_rt_drain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    ngx_str_t   *value, s;
    ngx_int_t    n;
    ngx_uint_t   i;

    if (mcf->drain_set) {
        return "is duplicate";
    }

    mcf->drain_set = 1;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "window=", 7) == 0) {
            s.data = value[i].data + 7;
            s.len = value[i].len - 7;

            n = ngx_parse_time(&s, 0);

            if (n != NGX_ERROR) {
                mcf->drain_window = n;
                continue;
            }

        } else if (ngx_strncmp(value[i].data, "rate=", 5) == 0) {
            n = ngx_atoi(value[i].data + 5, value[i].len - 5);

            if (n > 0 && n <= NGX_RT_DRAIN_RATE_MAX) {
                mcf->drain_rate = n;
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", write \"window=TIME\" "
                           "or \"rate=NUMBER\" (a second, up to %d)",
                           &value[i], NGX_RT_DRAIN_RATE_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * The rate is all workers' together, and they leave together.  A connection's
 * moment is told by its address, so that it need not be kept.
 */

ngx_msec_t
ngx_rt_drain_left(ngx_rt_conn_t *conn)
{
    uint64_t             least, at;
    ngx_msec_t           passed;
    ngx_core_conf_t     *ccf;
    ngx_rt_main_conf_t  *mcf;

    static uint64_t      key;
    static ngx_msec_t    window, began;
    static ngx_uint_t    known;

    if (!known) {
        known = 1;

        mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);
        ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_core_module);

        least = (uint64_t) ngx_rt_stat->connections * 1000
                * ccf->worker_processes / mcf->drain_rate;

        window = ngx_max(mcf->drain_window, least);
        began = ngx_current_msec;
        key = (uint64_t) ngx_random() << 32 | ngx_random();
    }

    at = (((uintptr_t) conn ^ key) * 0x9e3779b97f4a7c15ULL) >> 32;
    at = window ? at % window : 0;

    passed = ngx_current_msec - began;

    return at > passed ? (ngx_msec_t) at - passed : 0;
}
