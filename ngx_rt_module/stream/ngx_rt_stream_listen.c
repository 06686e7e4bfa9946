
/*
 * Ears: the channels of pub/sub that this worker has subscribed, for whoever
 * wants to hear one: copies of durable channels, fast channels of other nodes,
 * the nodes themselves.  Nothing is heard by two workers of a node that one can
 * tell the others.
 *
 * A listener is told when its messages begin to come, and when they do not any
 * more.  After a loss everything is subscribed again, some at a time.
 *
 * Called by stream/; calls redis/, and its listeners from the event loop.  The
 * lines of the worker (state/ngx_rt_line.c) begin and end here.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


/* subscriptions that wait to be confirmed */
#define NGX_RT_EARS_ASKED  64


/* in one of the three queues; without listeners it only waits to go */
struct ngx_rt_ear_s {
    ngx_str_node_t             node;
    ngx_queue_t                queue;
    ngx_queue_t                listens;
    ngx_uint_t                 asked;
    ngx_uint_t                 heard;
    ngx_uint_t                 walked;        /* it is kept meanwhile */
};


typedef void (*ngx_rt_ear_pt)(ngx_rt_listen_t *l, rt_bus_t *m);


static void ngx_rt_ears_subscribed(ngx_str_t *channel);
static void ngx_rt_ears_message(ngx_str_t *channel, ngx_str_t *text);
static void ngx_rt_ears_down(void);
static void ngx_rt_ears_up(void);
static void ngx_rt_listen_subscribed(ngx_rt_listen_t *l, rt_bus_t *m);
static void ngx_rt_listen_message(ngx_rt_listen_t *l, rt_bus_t *m);
static void ngx_rt_listen_lost(ngx_rt_listen_t *l, rt_bus_t *m);
static void ngx_rt_ear_tell(ngx_rt_ear_t *ear, ngx_rt_ear_pt tell,
    rt_bus_t *m);
static ngx_rt_ear_t *ngx_rt_ear_lookup(ngx_str_t *name);
static ngx_rt_ear_t *ngx_rt_ear_create(ngx_str_t *name);
static void ngx_rt_ear_settle(ngx_rt_ear_t *ear);
static void ngx_rt_ear_expire(ngx_rt_ear_t *ear);
static void ngx_rt_ears_ask(void);
static void ngx_rt_ears_lines(ngx_uint_t up);


static const ngx_rt_redis_listener_t  ngx_rt_ears = {
    ngx_rt_ears_subscribed,
    ngx_rt_ears_message,
    ngx_rt_ears_down,
    ngx_rt_ears_up
};


static ngx_rbtree_t       ngx_rt_ear_tree;
static ngx_rbtree_node_t  ngx_rt_ear_sentinel;

static ngx_queue_t        ngx_rt_ears_waiting;
static ngx_queue_t        ngx_rt_ears_asked;
static ngx_queue_t        ngx_rt_ears_heard;
static ngx_uint_t         ngx_rt_ears_nasked;

static ngx_uint_t         ngx_rt_ears_open;


void
ngx_rt_stream_listen_init_process(void)
{
    ngx_rbtree_init(&ngx_rt_ear_tree, &ngx_rt_ear_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_rt_ears_waiting);
    ngx_queue_init(&ngx_rt_ears_asked);
    ngx_queue_init(&ngx_rt_ears_heard);

    ngx_rt_redis_listen(&ngx_rt_ears);
}


ngx_int_t
ngx_rt_stream_listen(ngx_rt_listen_t *l, ngx_str_t *name)
{
    ngx_rt_ear_t  *ear;

    ear = ngx_rt_ear_lookup(name);

    if (ear == NULL) {
        ear = ngx_rt_ear_create(name);

        if (ear == NULL) {
            return NGX_ERROR;
        }
    }

    l->ear = ear;
    ngx_queue_insert_tail(&ear->listens, &l->queue);

    ngx_rt_ears_ask();

    return NGX_OK;
}


void
ngx_rt_stream_unlisten(ngx_rt_listen_t *l)
{
    ngx_rt_ear_t  *ear;

    ear = l->ear;

    if (ear) {
        l->ear = NULL;
        ngx_queue_remove(&l->queue);
        ngx_rt_ear_settle(ear);
    }
}


ngx_uint_t
ngx_rt_stream_hears(ngx_rt_listen_t *l)
{
    return l->ear && l->ear->heard;
}


ngx_uint_t
ngx_rt_stream_listening(void)
{
    return ngx_rt_ears_open;
}


static ngx_rt_ear_t *
ngx_rt_ear_lookup(ngx_str_t *name)
{
    return (ngx_rt_ear_t *) ngx_str_rbtree_lookup(&ngx_rt_ear_tree, name,
                                           ngx_crc32_long(name->data,
                                                          name->len));
}


static ngx_rt_ear_t *
ngx_rt_ear_create(ngx_str_t *name)
{
    ngx_rt_ear_t  *ear;

    ear = ngx_calloc(sizeof(ngx_rt_ear_t) + name->len, ngx_cycle->log);
    if (ear == NULL) {
        return NULL;
    }

    ear->node.str.data = (u_char *) ear + sizeof(ngx_rt_ear_t);
    ear->node.str.len = name->len;
    ngx_memcpy(ear->node.str.data, name->data, name->len);

    ear->node.node.key = ngx_crc32_long(name->data, name->len);
    ngx_rbtree_insert(&ngx_rt_ear_tree, &ear->node.node);

    ngx_queue_init(&ear->listens);
    ngx_queue_insert_tail(&ngx_rt_ears_waiting, &ear->queue);

    return ear;
}


/*
 * Nobody listens any more, perhaps.  One that is asked for is kept until it is
 * confirmed, so that no confirmation is taken for that of a later one.
 */

static void
ngx_rt_ear_settle(ngx_rt_ear_t *ear)
{
    if (!ngx_queue_empty(&ear->listens) || ear->asked || ear->walked) {
        return;
    }

    if (ear->heard) {
        (void) ngx_rt_redis_unsubscribe(&ear->node.str);
    }

    ngx_rt_ear_expire(ear);
}


static void
ngx_rt_ear_expire(ngx_rt_ear_t *ear)
{
    ngx_queue_remove(&ear->queue);
    ngx_rbtree_delete(&ngx_rt_ear_tree, &ear->node.node);
    ngx_free(ear);
}


static void
ngx_rt_ears_ask(void)
{
    ngx_queue_t   *q;
    ngx_rt_ear_t  *ear;

    while (ngx_rt_ears_open && ngx_rt_ears_nasked < NGX_RT_EARS_ASKED
           && !ngx_queue_empty(&ngx_rt_ears_waiting))
    {
        q = ngx_queue_head(&ngx_rt_ears_waiting);
        ear = ngx_queue_data(q, ngx_rt_ear_t, queue);

        if (ngx_rt_redis_subscribe(&ear->node.str) != NGX_OK) {
            return;
        }

        ear->asked = 1;
        ngx_rt_ears_nasked++;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_rt_ears_asked, q);
    }
}


static void
ngx_rt_ears_subscribed(ngx_str_t *channel)
{
    ngx_rt_ear_t  *ear;

    ear = ngx_rt_ear_lookup(channel);

    if (ear == NULL || !ear->asked) {
        return;
    }

    ear->asked = 0;
    ear->heard = 1;
    ngx_rt_ears_nasked--;

    ngx_queue_remove(&ear->queue);
    ngx_queue_insert_tail(&ngx_rt_ears_heard, &ear->queue);

    ngx_rt_ear_tell(ear, ngx_rt_listen_subscribed, NULL);

    ngx_rt_ears_ask();
}


static void
ngx_rt_ears_message(ngx_str_t *channel, ngx_str_t *text)
{
    rt_bus_t       m;
    ngx_rt_ear_t  *ear;

    ear = ngx_rt_ear_lookup(channel);

    if (ear == NULL || !rt_bus_parse(text->data, text->len, &m)) {
        return;
    }

    ngx_rt_ear_tell(ear, ngx_rt_listen_message, &m);
}


static void
ngx_rt_listen_subscribed(ngx_rt_listen_t *l, rt_bus_t *m)
{
    l->subscribed(l);
}


static void
ngx_rt_listen_message(ngx_rt_listen_t *l, rt_bus_t *m)
{
    l->message(l, m);
}


static void
ngx_rt_listen_lost(ngx_rt_listen_t *l, rt_bus_t *m)
{
    l->lost(l);
}


/* each may leave, also the last */

static void
ngx_rt_ear_tell(ngx_rt_ear_t *ear, ngx_rt_ear_pt tell, rt_bus_t *m)
{
    ngx_queue_t      *q, *next;
    ngx_rt_listen_t  *l;

    ear->walked = 1;

    for (q = ngx_queue_head(&ear->listens);
         q != ngx_queue_sentinel(&ear->listens);
         q = next)
    {
        next = ngx_queue_next(q);
        l = ngx_queue_data(q, ngx_rt_listen_t, queue);

        tell(l, m);
    }

    ear->walked = 0;

    ngx_rt_ear_settle(ear);
}


/* first nobody trusts a copy any more, then they are told */

static void
ngx_rt_ears_down(void)
{
    ngx_queue_t   *q, lost;
    ngx_rt_ear_t  *ear;

    ngx_rt_ears_open = 0;
    ngx_rt_ears_lines(0);

    ngx_queue_init(&lost);

    ngx_queue_add(&lost, &ngx_rt_ears_asked);
    ngx_queue_init(&ngx_rt_ears_asked);
    ngx_rt_ears_nasked = 0;

    ngx_queue_add(&lost, &ngx_rt_ears_heard);
    ngx_queue_init(&ngx_rt_ears_heard);

    while (!ngx_queue_empty(&lost)) {
        q = ngx_queue_head(&lost);
        ear = ngx_queue_data(q, ngx_rt_ear_t, queue);

        ear->asked = 0;
        ear->heard = 0;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_rt_ears_waiting, q);

        ngx_rt_ear_tell(ear, ngx_rt_listen_lost, NULL);
    }
}


static void
ngx_rt_ears_up(void)
{
    ngx_rt_ears_open = 1;
    ngx_rt_ears_lines(1);

    ngx_rt_ears_ask();
}


static void
ngx_rt_ears_lines(ngx_uint_t up)
{
    ngx_uint_t            i;
    ngx_rt_zone_t       **z;
    ngx_rt_main_conf_t   *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    z = mcf->zones.elts;

    for (i = 0; ngx_rt_slot != NGX_RT_NO_SLOT && i < mcf->zones.nelts; i++) {

        if (up) {
            ngx_rt_line_begin(z[i], ngx_rt_slot);

        } else {
            ngx_rt_line_cut(z[i], ngx_rt_slot,
                            z[i]->state->slots[ngx_rt_slot].owner);
        }
    }
}
