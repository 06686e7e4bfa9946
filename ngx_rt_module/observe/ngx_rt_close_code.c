
/*
 * The codes of close frames that are counted one by one, their places in a
 * worker's counters and their names.
 *
 * Called by ingress/ at the end of a connection and by the metrics.  Touches
 * the worker's own slot only, without a lock.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_observe.h"


typedef struct {
    ngx_uint_t                 first;
    ngx_uint_t                 count;
    ngx_uint_t                 index;
} ngx_rt_close_range_t;


#define NGX_RT_CLOSE_OTHER   (NGX_RT_CLOSE_CODES - 1)
#define NGX_RT_CLOSE_RANGES  3


static const ngx_rt_close_range_t  ngx_rt_close_ranges[] = {
    { 1000, 12, 0 },                          /* RFC 6455, section 7.4.1 */
    { 3000, 15, 12 },                         /* a client reconnects */
    { 3500, 10, 27 }                          /* it does not */
};


/* in the order of the indices; codes without a meaning are unassigned */
static const char *const  ngx_rt_close_names[] = {
    "normal",
    "going away",
    "protocol error",
    "unsupported data",
    "unassigned",
    "no status",
    "abnormal",
    "invalid data",
    "policy violation",
    "message too big",
    "extension required",
    "internal error",

    "connection closed",
    "shutdown",
    "unassigned",
    "unassigned",
    "internal server error",
    "connection expired",
    "subscription expired",
    "unassigned",
    "slow",
    "write error",
    "insufficient state",
    "force reconnect",
    "no pong",
    "too many requests",
    "state invalidated",

    "invalid token",
    "bad request",
    "stale",
    "force disconnect",
    "connection limit",
    "channel limit",
    "inappropriate protocol",
    "permission denied",
    "not available",
    "too many errors",

    "other"
};


void
ngx_rt_count_close(ngx_uint_t code)
{
    ngx_uint_t  i;

    i = ngx_rt_close_index(code ? code : RT_CLOSE_ABNORMAL);

    ngx_rt_count(closes[i], 1);
}


ngx_uint_t
ngx_rt_close_index(ngx_uint_t code)
{
    ngx_uint_t                   i;
    const ngx_rt_close_range_t  *range;

    for (i = 0; i < NGX_RT_CLOSE_RANGES; i++) {
        range = &ngx_rt_close_ranges[i];

        if (code >= range->first && code - range->first < range->count) {
            return range->index + code - range->first;
        }
    }

    return NGX_RT_CLOSE_OTHER;
}


ngx_uint_t
ngx_rt_close_code(ngx_uint_t index, const char **name)
{
    ngx_uint_t                   i;
    const ngx_rt_close_range_t  *range;

    *name = ngx_rt_close_names[index];

    for (i = 0; i < NGX_RT_CLOSE_RANGES; i++) {
        range = &ngx_rt_close_ranges[i];

        if (index >= range->index && index - range->index < range->count) {
            return range->first + index - range->index;
        }
    }

    return 0;
}
