
/*
 * What rt_metrics says of Redis: the workers' connections to it, and what came
 * of their commands; and of the other nodes that are reached by it.
 *
 * Called by ngx_rt_metrics.c; the workers' slots are read as they are, without
 * a mutex.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_metrics_text.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream_nodes.h"
#include "rt_redis_error.h"


#define ngx_rt_redis_metric(name, field, help, counter)                       \
    { name, help, offsetof(ngx_rt_slot_t, field), counter }


static void ngx_rt_metrics_redis_states(ngx_rt_metrics_out_t *out);
static void ngx_rt_metrics_redis_replies(ngx_rt_metrics_out_t *out);
static void ngx_rt_metrics_others(ngx_rt_metrics_out_t *out);


static const ngx_rt_metric_t  ngx_rt_redis_metrics[] = {

    ngx_rt_redis_metric("pending_bytes", redis_pending,
                        "Bytes of commands that wait for an answer.", 0),

    ngx_rt_redis_metric("commands", redis_commands,
                        "Commands given to a connection.", 1),

    ngx_rt_redis_metric("declined", redis_declined,
                        "Commands refused: Redis away, or too many wait.", 1),

    ngx_rt_redis_metric("timeouts", redis_timeouts,
                        "Connections given up because no answer came.", 1),

    ngx_rt_redis_metric("losses", redis_losses,
                        "Connections lost, and attempts that failed.", 1),

    ngx_rt_redis_metric("messages", redis_messages,
                        "Messages of pub/sub.", 1),

    { NULL, NULL, 0, 0 }
};


static const ngx_rt_metric_t  ngx_rt_read_metrics[] = {

    ngx_rt_redis_metric("pages", read_pages,
                        "Reads of a part of a stream for who asked.", 1),

    ngx_rt_redis_metric("shared", read_shared,
                        "Those who were served by the read of another.", 1),

    ngx_rt_redis_metric("copies", read_copies,
                        "Reads of the end of a stream for the copy.", 1),

    ngx_rt_redis_metric("entries", read_entries,
                        "Publications that were read.", 1),

    { NULL, NULL, 0, 0 }
};


static const ngx_rt_metric_t  ngx_rt_bus_metrics[] = {

    ngx_rt_redis_metric("told", bus_told,
                        "Publications, joins and leaves told to others.", 1),

    ngx_rt_redis_metric("dropped", bus_dropped,
                        "Those that were not: Redis away, or too slow.", 1),

    ngx_rt_redis_metric("heard", bus_heard,
                        "Publications, joins and leaves of others.", 1),

    ngx_rt_redis_metric("asked", bus_asked,
                        "Questions to all other nodes.", 1),

    ngx_rt_redis_metric("partial", bus_partial,
                        "Those that not every node answered in time.", 1),

    ngx_rt_redis_metric("answered", bus_answered,
                        "Questions of other nodes answered.", 1),

    { NULL, NULL, 0, 0 }
};


static const ngx_rt_metric_t  ngx_rt_bus_others_metric = {
    "others", "Other nodes that are alive.", 0, 0
};

static const ngx_rt_metric_t  ngx_rt_redis_state_metric = {
    "state", "1 for the state that a worker's connection is in.", 0, 0
};

static const ngx_rt_metric_t  ngx_rt_redis_reply_metric = {
    "replies", "Replies to commands, by what they say.", 0, 1
};


static const char  *ngx_rt_redis_use_names[NGX_RT_REDIS_USES] = {
    [NGX_RT_REDIS_COMMANDS] = "commands",
    [NGX_RT_REDIS_PUBSUB] = "pubsub"
};


void
ngx_rt_metrics_redis(ngx_rt_metrics_out_t *out)
{
    ngx_rt_metrics_redis_states(out);
    ngx_rt_metrics_workers(out, "redis_", ngx_rt_redis_metrics);
    ngx_rt_metrics_redis_replies(out);
    ngx_rt_metrics_workers(out, "redis_read_", ngx_rt_read_metrics);

    ngx_rt_metrics_others(out);
    ngx_rt_metrics_workers(out, "bus_", ngx_rt_bus_metrics);
}


static void
ngx_rt_metrics_others(ngx_rt_metrics_out_t *out)
{
    u_char     text[sizeof("node=\"\"") + NGX_RT_ID_LEN];
    rt_str_t   node;
    ngx_str_t  labels;

    node = ngx_rt_stream_node();

    labels.data = text;
    labels.len = ngx_sprintf(text, "node=\"%*s\"", node.len, node.data) - text;

    ngx_rt_metrics_family(out, "bus_", &ngx_rt_bus_others_metric, 0);
    ngx_rt_metrics_sample(out, &labels, ngx_rt_stream_others());
}


static void
ngx_rt_metrics_redis_states(ngx_rt_metrics_out_t *out)
{
    u_char          text[128];
    ngx_str_t       labels;
    ngx_uint_t      i, use, state;
    ngx_rt_slot_t  *slot;

    labels.data = text;

    ngx_rt_metrics_family(out, "redis_", &ngx_rt_redis_state_metric, 0);

    for (i = 0; i < NGX_RT_SLOTS * NGX_RT_REDIS_USES; i++) {
        use = i % NGX_RT_REDIS_USES;
        slot = ngx_rt_metrics_slot(i / NGX_RT_REDIS_USES);

        for (state = 0; slot && state < NGX_RT_REDIS_STATES; state++) {
            labels.len = ngx_sprintf(text, "worker=\"%ui\",use=\"%s\","
                                     "state=\"%s\"", i / NGX_RT_REDIS_USES,
                                     ngx_rt_redis_use_names[use],
                                     ngx_rt_redis_state_name(state))
                         - text;

            ngx_rt_metrics_sample(out, &labels,
                                  slot->redis_state[use] == state);
        }
    }
}


/* what was never said has no sample */

static void
ngx_rt_metrics_redis_replies(ngx_rt_metrics_out_t *out)
{
    u_char          text[128];
    ngx_str_t       labels;
    ngx_uint_t      i, n;
    ngx_rt_slot_t  *slot;

    labels.data = text;

    ngx_rt_metrics_family(out, "redis_", &ngx_rt_redis_reply_metric, 1);

    for (i = 0; i < NGX_RT_SLOTS; i++) {
        slot = ngx_rt_metrics_slot(i);

        for (n = 0; slot && n < 1 + RT_REDIS_ERRORS; n++) {

            if (slot->redis_replies[n] == 0) {
                continue;
            }

            labels.len = ngx_sprintf(text, "worker=\"%ui\",class=\"%s\"", i,
                                     n ? rt_redis_error_name(n - 1) : "ok")
                         - text;

            ngx_rt_metrics_sample(out, &labels, slot->redis_replies[n]);
        }
    }
}
