
/*
 * Publishing by way of Redis.  A worker has one call on its way for a tenant;
 * what comes meanwhile goes together as the next (group commit), so that the
 * publications of a tenant are accepted in the order in which they came, and
 * share a round trip and a script when there are many.
 *
 * What Redis has accepted goes into the node's copy and to its subscribers, and
 * then whoever waits is told.  Without an answer nobody is told that it was
 * accepted, though it may have been: who asks again with the key hears the
 * truth.
 *
 * A key in a fast channel goes its own way (ngx_rt_stream_claim.c).
 *
 * Called by the protocol and by the API; calls redis/, ngx_rt_stream_enter()
 * and those who wait.  No locking: what is called locks.
 */


#include "ngx_rt.h"
#include "ngx_rt_stream_entry.h"
#include "rt_stream_info.h"


/* bytes of a zone's and a tenant's name */
#define NGX_RT_GROUP_NAME   512

/* calls that find that the scripts are gone, one after another */
#define NGX_RT_GROUP_TRIES  2

/* msec; longer than a turn */
#define NGX_RT_GROUPS_STAY  1000


/* what a tenant has to publish; there while it has something */
struct ngx_rt_group_s {
    ngx_str_node_t             node;
    ngx_queue_t                queue;         /* in ngx_rt_groups, if posted */
    ngx_queue_t                entries;       /* that wait */
    size_t                     bytes;         /* of all it has */
    ngx_uint_t                 posted;

    ngx_rt_redis_call_t        call;          /* of n that are on their way */
    ngx_uint_t                 n;
    ngx_uint_t                 careful;
    ngx_uint_t                 tries;
    uint64_t                   time;
    ngx_rt_entry_t            *sent[NGX_RT_CALL_ENTRIES];
};


static ngx_rt_group_t *ngx_rt_group_acquire(ngx_rt_zone_t *z,
    ngx_str_t *tenant);
static void ngx_rt_group_settle(ngx_rt_group_t *g);
static void ngx_rt_group_post(ngx_rt_group_t *g);
static void ngx_rt_groups_handler(ngx_event_t *ev);
static void ngx_rt_group_send(ngx_rt_group_t *g);
static void ngx_rt_group_met(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_group_append(ngx_rt_group_t *g);
static void ngx_rt_group_take(ngx_rt_group_t *g);
static ngx_uint_t ngx_rt_group_next(ngx_rt_group_t *g, ngx_rt_entry_t **next);
static void ngx_rt_group_take_channel(ngx_rt_group_t *g,
    ngx_rt_entry_t **next, ngx_uint_t n, size_t *bytes);
static void ngx_rt_group_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_group_return(ngx_rt_group_t *g, ngx_uint_t all);
static void ngx_rt_group_finish(ngx_rt_group_t *g);
static void ngx_rt_group_drop(ngx_rt_group_t *g);
static void ngx_rt_group_end(ngx_rt_entry_t *e);
static void ngx_rt_entry_enter(ngx_rt_entry_t *e, uint64_t time);


static ngx_rbtree_t       ngx_rt_group_tree;
static ngx_rbtree_node_t  ngx_rt_group_sentinel;

/* those that have something to send */
static ngx_queue_t        ngx_rt_groups;
static ngx_event_t        ngx_rt_groups_event;
static ngx_connection_t   ngx_rt_groups_dumb;


void
ngx_rt_stream_publish_init_process(ngx_cycle_t *cycle)
{
    ngx_rbtree_init(&ngx_rt_group_tree, &ngx_rt_group_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_rt_groups);

    ngx_rt_groups_event.handler = ngx_rt_groups_handler;
    ngx_rt_groups_event.log = cycle->log;
    ngx_rt_groups_event.data = &ngx_rt_groups_dumb;
    ngx_rt_groups_dumb.fd = (ngx_socket_t) -1;

    ngx_rt_redis_script(&ngx_rt_stream_append);
    ngx_rt_redis_script(&ngx_rt_stream_accept);

    ngx_rt_stream_claim_init_process();
    ngx_rt_stream_event_init_process();
    ngx_rt_stream_retain_init_process();
}


ngx_uint_t
ngx_rt_stream_needed(ngx_rt_publish_t *p)
{
    ngx_rt_main_conf_t  *mcf;

    if (p->ns->durable) {
        return 1;
    }

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    return mcf->redis != NULL && p->key.name.len != 0;
}


ngx_rt_published_e
ngx_rt_stream_publish(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_durable_t *d)
{
    ngx_rt_entry_t      *e;
    ngx_uint_t           denied;
    ngx_rt_group_t      *g;
    ngx_rt_published_e   outcome;

    if (!ngx_rt_redis_ready()) {
        ngx_rt_count(redis_declined, 1);
        return NGX_RT_PUBLISH_AWAY;
    }

    outcome = ngx_rt_publish_admit(z, p);

    /* who repeats has the first result, limit or not */

    denied = outcome == NGX_RT_PUBLISH_DENIED && p->key.name.len;

    if (outcome != NGX_RT_PUBLISHED && !denied) {
        return outcome;
    }

    g = ngx_rt_group_acquire(z, &p->tenant);
    e = g ? ngx_rt_entry_create(z, p, d, g->bytes) : NULL;

    if (e == NULL) {
        if (g) {
            ngx_rt_group_settle(g);
        }

        if (p->charge) {
            ngx_rt_charge_return(z, &p->tenant, p->charge, 1);
        }

        return denied ? outcome : NGX_RT_PUBLISH_AWAY;
    }

    e->group = g;
    g->bytes += e->size;

    if (denied) {
        return ngx_rt_claim_look(e) == NGX_OK ? NGX_RT_PUBLISHED : outcome;
    }

    if (!p->ns->durable) {
        return ngx_rt_claim_begin(e) == NGX_OK ? NGX_RT_PUBLISHED
                                               : NGX_RT_PUBLISH_AWAY;
    }

    ngx_queue_insert_tail(&g->entries, &e->queue);

    rt_fault(durable_queued);

    if (g->n == 0) {
        ngx_rt_group_post(g);
    }

    return NGX_RT_PUBLISHED;
}


static ngx_rt_group_t *
ngx_rt_group_acquire(ngx_rt_zone_t *z, ngx_str_t *tenant)
{
    u_char           *p, buf[NGX_RT_GROUP_NAME];
    uint32_t          hash;
    ngx_str_t         name;
    ngx_rt_group_t   *g;

    name.data = buf;
    name.len = z->name.len + 1 + tenant->len;

    if (name.len > sizeof(buf)) {
        return NULL;
    }

    p = ngx_cpymem(buf, z->name.data, z->name.len);
    *p++ = '\0';
    ngx_memcpy(p, tenant->data, tenant->len);

    hash = ngx_crc32_short(name.data, name.len);

    g = (ngx_rt_group_t *) ngx_str_rbtree_lookup(&ngx_rt_group_tree, &name,
                                                 hash);
    if (g) {
        return g;
    }

    g = ngx_calloc(sizeof(ngx_rt_group_t) + name.len, ngx_cycle->log);
    if (g == NULL) {
        return NULL;
    }

    g->node.str.data = (u_char *) g + sizeof(ngx_rt_group_t);
    g->node.str.len = name.len;
    ngx_memcpy(g->node.str.data, name.data, name.len);

    g->node.node.key = hash;
    ngx_rbtree_insert(&ngx_rt_group_tree, &g->node.node);

    ngx_queue_init(&g->entries);

    return g;
}


/* has it nothing any more, it ends */

static void
ngx_rt_group_settle(ngx_rt_group_t *g)
{
    if (g->n || g->bytes || g->posted) {
        return;
    }

    ngx_rbtree_delete(&ngx_rt_group_tree, &g->node.node);
    ngx_free(g);
}


void
ngx_rt_group_release(ngx_rt_group_t *g, size_t size)
{
    g->bytes -= size;

    ngx_rt_group_settle(g);
}


/*
 * At the end of the turn, with all that comes until then.  The timer is there
 * for a worker that is told to leave in between: it goes when none is left.
 */

static void
ngx_rt_group_post(ngx_rt_group_t *g)
{
    if (!g->posted) {
        g->posted = 1;
        ngx_queue_insert_tail(&ngx_rt_groups, &g->queue);
    }

    if (!ngx_rt_groups_event.posted) {
        ngx_post_event(&ngx_rt_groups_event, &ngx_posted_next_events);
        ngx_add_timer(&ngx_rt_groups_event, NGX_RT_GROUPS_STAY);
    }
}


static void
ngx_rt_groups_handler(ngx_event_t *ev)
{
    ngx_queue_t     *q;
    ngx_rt_group_t  *g;

    while (!ngx_queue_empty(&ngx_rt_groups)) {
        q = ngx_queue_head(&ngx_rt_groups);
        g = ngx_queue_data(q, ngx_rt_group_t, queue);

        ngx_queue_remove(q);
        g->posted = 0;

        ngx_rt_group_send(g);
    }

    /* what was put together is a turn late already */

    ngx_rt_redis_flush();

    if (!ngx_rt_groups_event.posted && ngx_rt_groups_event.timer_set) {
        ngx_del_timer(&ngx_rt_groups_event);
    }
}


static void
ngx_rt_group_send(ngx_rt_group_t *g)
{
    ngx_int_t  rc;

    ngx_rt_group_take(g);

    g->call.handler = ngx_rt_group_met;

    rc = ngx_rt_redis_meet(&g->call);

    if (rc == NGX_OK) {
        rc = ngx_rt_group_append(g);
    }

    if (rc == NGX_DECLINED) {
        ngx_rt_group_finish(g);
        ngx_rt_group_drop(g);
    }
}


/* of a worker that has just begun: which Redis it is, is known now */

static void
ngx_rt_group_met(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_group_t  *g;

    g = (ngx_rt_group_t *) ((u_char *) call - offsetof(ngx_rt_group_t, call));

    if (result == NGX_RT_REDIS_OK && ngx_rt_group_append(g) == NGX_OK) {
        return;
    }

    ngx_rt_group_finish(g);
    ngx_rt_group_drop(g);
}


static ngx_int_t
ngx_rt_group_append(ngx_rt_group_t *g)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    g->time = (uint64_t) tp->sec * 1000 + tp->msec;

    g->call.handler = ngx_rt_group_handler;

    if (ngx_rt_append_send(&g->call, g->sent, g->n, g->careful, g->time)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rt_fault(durable_sent);

    return NGX_OK;
}


/*
 * The next ones, channel by channel.  None is left behind that came before one
 * of its channel that is taken.
 */

static void
ngx_rt_group_take(ngx_rt_group_t *g)
{
    size_t           bytes;
    ngx_uint_t       i, n;
    ngx_rt_entry_t  *next[NGX_RT_CALL_ENTRIES];

    n = ngx_rt_group_next(g, next);

    g->n = 0;
    g->careful = 0;
    bytes = 0;

    for (i = 0; i < n; i++) {

        if (next[i] == NULL) {
            continue;
        }

        if (g->n && bytes + next[i]->size > NGX_RT_CALL_BYTES) {
            return;
        }

        ngx_rt_group_take_channel(g, &next[i], n - i, &bytes);
    }
}


static ngx_uint_t
ngx_rt_group_next(ngx_rt_group_t *g, ngx_rt_entry_t **next)
{
    ngx_uint_t    n;
    ngx_queue_t  *q;

    n = 0;

    for (q = ngx_queue_head(&g->entries);
         n < NGX_RT_CALL_ENTRIES && q != ngx_queue_sentinel(&g->entries);
         q = ngx_queue_next(q))
    {
        next[n++] = ngx_queue_data(q, ngx_rt_entry_t, queue);
    }

    return n;
}


/* the first one, and what is of the same channel; those are NULL then */

static void
ngx_rt_group_take_channel(ngx_rt_group_t *g, ngx_rt_entry_t **next,
    ngx_uint_t n, size_t *bytes)
{
    ngx_str_t       *channel;
    ngx_uint_t       i;
    ngx_rt_entry_t  *e, *first;

    first = next[0];
    channel = &first->publish.channel;

    for (i = 0; i < n; i++) {
        e = next[i];

        if (e == NULL || e->hash != first->hash
            || e->publish.channel.len != channel->len
            || ngx_memcmp(e->publish.channel.data, channel->data,
                          channel->len)
               != 0)
        {
            continue;
        }

        if (i && *bytes + e->size > NGX_RT_CALL_BYTES) {
            return;
        }

        e->first = (i == 0);
        next[i] = NULL;

        ngx_queue_remove(&e->queue);

        g->sent[g->n++] = e;
        g->careful |= e->careful;
        *bytes += e->size;
    }
}


static void
ngx_rt_group_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_group_t  *g;

    g = (ngx_rt_group_t *) ((u_char *) call - offsetof(ngx_rt_group_t, call));

    rt_fault(durable_answered);

    if (result == NGX_RT_REDIS_AGAIN && ++g->tries < NGX_RT_GROUP_TRIES) {
        ngx_rt_group_return(g, 1);

    } else {
        g->tries = 0;

        if (result == NGX_RT_REDIS_OK) {
            ngx_rt_append_parse(reply, g->sent, g->n);
        }

        ngx_rt_group_return(g, 0);
    }

    ngx_rt_group_finish(g);

    if (!ngx_rt_redis_ready()) {
        ngx_rt_group_drop(g);
        return;
    }

    if (!ngx_queue_empty(&g->entries)) {
        ngx_rt_group_post(g);
    }

    ngx_rt_group_settle(g);
}


/* back to where they were, before all others: those to be asked for again */

static void
ngx_rt_group_return(ngx_rt_group_t *g, ngx_uint_t all)
{
    ngx_uint_t       i, kept;
    ngx_queue_t      back;
    ngx_rt_entry_t  *e;

    ngx_queue_init(&back);

    for (i = 0, kept = 0; i < g->n; i++) {
        e = g->sent[i];

        if (all || (e->careful && !g->careful)) {
            ngx_queue_insert_tail(&back, &e->queue);
            continue;
        }

        g->sent[kept++] = e;
    }

    g->n = kept;

    if (!ngx_queue_empty(&back)) {
        ngx_queue_add(&back, &g->entries);
        ngx_queue_init(&g->entries);
        ngx_queue_add(&g->entries, &back);
    }
}


/* first all subscribers get theirs, then those who wait are told */

static void
ngx_rt_group_finish(ngx_rt_group_t *g)
{
    ngx_uint_t  i;

    for (i = 0; i < g->n; i++) {
        if (g->sent[i]->outcome == NGX_RT_PUBLISHED) {
            ngx_rt_entry_enter(g->sent[i], g->time);
        }
    }

    rt_fault(durable_entered);

    ngx_rt_stream_retain(g->sent, g->n);

    for (i = 0; i < g->n; i++) {
        ngx_rt_group_end(g->sent[i]);
    }

    g->n = 0;
}


/* Redis is away: nobody has to wait for it */

static void
ngx_rt_group_drop(ngx_rt_group_t *g)
{
    ngx_queue_t      dropped, *q;
    ngx_rt_entry_t  *e;

    /* as if it was on its way: nobody ends it, and nobody sends it */

    g->n = 1;

    ngx_queue_init(&dropped);

    if (!ngx_queue_empty(&g->entries)) {
        ngx_queue_add(&dropped, &g->entries);
        ngx_queue_init(&g->entries);
    }

    while (!ngx_queue_empty(&dropped)) {
        q = ngx_queue_head(&dropped);
        e = ngx_queue_data(q, ngx_rt_entry_t, queue);

        ngx_queue_remove(q);
        ngx_rt_group_end(e);
    }

    g->n = 0;

    if (!ngx_queue_empty(&g->entries)) {
        ngx_rt_group_post(g);
    }

    ngx_rt_group_settle(g);
}


static void
ngx_rt_group_end(ngx_rt_entry_t *e)
{
    ngx_rt_publish_count(e->zone, &e->tenant, e->outcome, e->pub.data.len);

    ngx_rt_entry_finish(e);
}


static void
ngx_rt_entry_enter(ngx_rt_entry_t *e, uint64_t time)
{
    u_char  info[RT_STREAM_INFO_MAX];

    ngx_rt_entry_pub(e, info);

    ngx_rt_stream_enter(e->zone, &e->tenant, &e->publish.channel, &e->at,
                        time, &e->pub);
}
