
/*
 * Following a durable channel: its copy in this node is read from the stream,
 * and kept fresh by one worker of the node, which listens to what is published
 * to it.  Of a fast channel there is nothing to read: it is only listened to.
 *
 * A worker has a track for each channel that it follows: who waits for the copy
 * to be fresh, its ear, and one read at a time (ngx_rt_stream_fill.c), whoever
 * wants it.  A track is made when it is wanted and ends by the watch
 * (ngx_rt_stream_watch.c).
 *
 * Called by the protocol and by the API for those who wait, by publications
 * that meet a gap, and by ears.  Calls state/ for the copy, with nothing held,
 * and redis/.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_track.h"
#include "rt_stream_info.h"
#include "rt_stream_key.h"


/* how long a subscription is waited for before the stream is read; msec */
#define NGX_RT_TRACK_PATIENCE  200

/* how long a gap may close by itself; then between attempts */
#define NGX_RT_TRACK_GAP       10
#define NGX_RT_TRACK_RETRY     250
#define NGX_RT_TRACK_RETRY_MAX 8000

/* it neither reads nor is about to */
#define ngx_rt_track_idle(t)                                                  \
    (!(t)->reading && !(t)->wanting && !(t)->timer.timer_set)


static void ngx_rt_track_go(ngx_rt_track_t *t);
static void ngx_rt_track_attend(ngx_rt_track_t *t);
static void ngx_rt_track_hear(ngx_rt_track_t *t);
static void ngx_rt_track_timer_handler(ngx_event_t *ev);
static void ngx_rt_track_subscribed(ngx_rt_listen_t *l);
static void ngx_rt_track_lost(ngx_rt_listen_t *l);
static void ngx_rt_track_message(ngx_rt_listen_t *l, rt_bus_t *m);
static ngx_rt_track_t *ngx_rt_track_create(ngx_rt_zone_t *z,
    ngx_str_t *name, ngx_str_t *tenant, ngx_str_t *channel);
static void ngx_rt_track_name(u_char *buf, ngx_str_t *name, ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_str_t *channel);


ngx_queue_t               ngx_rt_tracks;
ngx_uint_t                ngx_rt_ntracks;

static ngx_rbtree_t       ngx_rt_track_tree;
static ngx_rbtree_node_t  ngx_rt_track_sentinel;
static ngx_connection_t   ngx_rt_track_dumb;


void
ngx_rt_stream_follow_init_process(ngx_cycle_t *cycle)
{
    ngx_rbtree_init(&ngx_rt_track_tree, &ngx_rt_track_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_rt_tracks);

    ngx_rt_track_dumb.fd = (ngx_socket_t) -1;

    ngx_rt_track_fill_init_process();
}


ngx_int_t
ngx_rt_stream_follow(ngx_rt_zone_t *z, ngx_rt_namespace_t *ns,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_rt_follow_t *f)
{
    ngx_rt_copy_t    copy;
    ngx_rt_track_t  *t;

    if (ngx_rt_copy_look(z, tenant, channel, &copy) == NGX_OK && copy.fresh) {
        return NGX_OK;
    }

    if (!ngx_rt_redis_ready()) {
        return NGX_DECLINED;
    }

    t = ngx_rt_track_acquire(z, tenant, channel);
    if (t == NULL) {
        return NGX_DECLINED;
    }

    ngx_queue_insert_tail(&t->waiting, &f->queue);

    /* nobody is answered before this returns: even a read that fails waits */

    if (ngx_rt_track_idle(t)) {
        ngx_add_timer(&t->timer, 0);
    }

    return NGX_AGAIN;
}


void
ngx_rt_stream_unfollow(ngx_rt_follow_t *f)
{
    ngx_queue_remove(&f->queue);
}


void
ngx_rt_stream_enter(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_position_t *at, uint64_t time, rt_publication_t *pub)
{
    ngx_int_t      rc;
    ngx_rt_told_t  told;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_hub_relieve(z->hub);

    rc = ngx_rt_copy_append(z, tenant, channel, at, time, pub, 0, &told);

    ngx_rt_hub_told(z->hub, &told);

    if (rc == NGX_AGAIN) {
        ngx_rt_stream_repair(z, tenant, channel);
    }
}


void
ngx_rt_stream_repair(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel)
{
    ngx_rt_track_t  *t;

    t = ngx_rt_track_acquire(z, tenant, channel);

    if (t) {
        ngx_rt_track_repair(t);
    }
}


/* one that is being read may be read too early */

void
ngx_rt_track_repair(ngx_rt_track_t *t)
{
    t->gap = 1;

    if (ngx_rt_track_idle(t)) {
        ngx_add_timer(&t->timer, NGX_RT_TRACK_GAP
                                 + ngx_random() % NGX_RT_TRACK_GAP);
    }
}


void
ngx_rt_track_follow(ngx_rt_track_t *t)
{
    if (ngx_rt_track_idle(t)) {
        ngx_rt_track_go(t);
    }
}


/* what has to be done next, if anything */

static void
ngx_rt_track_go(ngx_rt_track_t *t)
{
    ngx_rt_copy_t        copy;
    ngx_rt_told_t        told;
    ngx_rt_namespace_t  *ns;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ns = ngx_rt_track_namespace(t);

    t->fast = (ns == NULL);

    if (ns == NULL) {
        t->gap = 0;
        ngx_rt_track_attend(t);
        ngx_rt_track_finish(t, NGX_OK);
        return;
    }

    /* who waits will find that there is no room */

    if (ngx_rt_copy_claim(t->zone, ns, &t->tenant, &t->channel, ngx_rt_slot,
                          &copy, &told)
        != NGX_OK)
    {
        t->gap = 0;
        ngx_rt_hub_told(t->zone->hub, &told);
        ngx_rt_track_finish(t, NGX_OK);
        return;
    }

    ngx_rt_hub_told(t->zone->hub, &told);

    if (copy.listener == ngx_rt_slot || copy.listener == NGX_RT_NO_SLOT) {
        ngx_rt_track_hear(t);

    } else {
        ngx_rt_stream_unlisten(&t->listen);
    }

    if (copy.fresh && !t->gap) {
        ngx_rt_track_finish(t, NGX_OK);
        return;
    }

    /* what is read before is not fresh for long */

    if (t->listen.ear && !ngx_rt_stream_hears(&t->listen) && !t->waited
        && ngx_rt_stream_listening())
    {
        t->waited = 1;
        ngx_add_timer(&t->timer, NGX_RT_TRACK_PATIENCE);
        return;
    }

    ngx_rt_track_want(t);
}


/* without members it is left alone, and the watch ends it */

static void
ngx_rt_track_attend(ngx_rt_track_t *t)
{
    ngx_rt_copy_t  copy;

    if (ngx_rt_channel_claim(t->zone, &t->tenant, &t->channel, ngx_rt_slot,
                             &copy)
        != NGX_OK || copy.members == 0)
    {
        return;
    }

    if (copy.listener == ngx_rt_slot || copy.listener == NGX_RT_NO_SLOT) {
        ngx_rt_track_hear(t);

    } else {
        ngx_rt_stream_unlisten(&t->listen);
    }
}


static void
ngx_rt_track_hear(ngx_rt_track_t *t)
{
    u_char     buf[rt_stream_key_max(NGX_RT_TENANT_MAX, NGX_RT_CHANNEL_MAX,
                                     0)];
    rt_str_t   tenant, channel;
    ngx_str_t  name;

    if (t->listen.ear || ngx_rt_slot == NGX_RT_NO_SLOT) {
        return;
    }

    tenant = ngx_rt_str(&t->tenant);
    channel = ngx_rt_str(&t->channel);

    name.data = buf;
    name.len = rt_stream_key(buf, RT_KEY_BUS, &tenant, &channel, NULL);

    (void) ngx_rt_stream_listen(&t->listen, &name);
}


/* whoever is called may follow again, or take others back */

void
ngx_rt_track_finish(ngx_rt_track_t *t, ngx_int_t rc)
{
    ngx_queue_t       *q, told;
    ngx_rt_follow_t   *f;

    t->waited = 0;
    t->used = ngx_time();

    ngx_queue_init(&told);
    ngx_queue_add(&told, &t->waiting);
    ngx_queue_init(&t->waiting);

    while (!ngx_queue_empty(&told)) {
        q = ngx_queue_head(&told);
        f = ngx_queue_data(q, ngx_rt_follow_t, queue);

        ngx_queue_remove(q);
        f->handler(f, rc);
    }
}


void
ngx_rt_track_fail(ngx_rt_track_t *t)
{
    ngx_msec_t  delay;

    delay = NGX_RT_TRACK_RETRY << ngx_min(t->tries, 5);
    delay = ngx_min(delay, NGX_RT_TRACK_RETRY_MAX);

    t->tries++;
    t->gap = 1;

    ngx_rt_track_finish(t, NGX_DECLINED);

    if (ngx_rt_track_idle(t)) {
        ngx_add_timer(&t->timer, delay / 2 + ngx_random() % delay);
    }
}


static void
ngx_rt_track_timer_handler(ngx_event_t *ev)
{
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) ev - offsetof(ngx_rt_track_t, timer));

    ngx_rt_track_go(t);
}


static void
ngx_rt_track_subscribed(ngx_rt_listen_t *l)
{
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) l - offsetof(ngx_rt_track_t, listen));

    /* what was read meanwhile was read too early */

    if (t->reading || t->wanting) {
        t->gap = 1;
        return;
    }

    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    ngx_rt_track_go(t);
}


/* its copy is stale; who waits need not do so for a subscription */

static void
ngx_rt_track_lost(ngx_rt_listen_t *l)
{
    ngx_rt_track_t  *t;

    t = (ngx_rt_track_t *) ((u_char *) l - offsetof(ngx_rt_track_t, listen));

    if (t->waited && t->timer.timer_set) {
        ngx_add_timer(&t->timer, 0);
    }
}


static void
ngx_rt_track_message(ngx_rt_listen_t *l, rt_bus_t *m)
{
    u_char              info[RT_STREAM_INFO_MAX];
    ngx_rt_track_t     *t;
    rt_publication_t    pub;
    ngx_rt_position_t   at;

    t = (ngx_rt_track_t *) ((u_char *) l - offsetof(ngx_rt_track_t, listen));

    at.source = rt_epoch_parse(m->epoch.data, m->epoch.len);
    at.offset = m->offset;

    if (m->kind == RT_BUS_EMPTIED && at.source) {
        ngx_rt_history_remove(t->zone, &t->tenant, &t->channel, &at);
        return;
    }

    if (m->kind != RT_BUS_PUBLICATION || at.source == 0) {
        ngx_rt_stream_hear(t->zone, &t->tenant, &t->channel, m);
        return;
    }

    if (t->fast || m->info.len > sizeof(info)) {
        return;
    }

    ngx_memzero(&pub, sizeof(rt_publication_t));

    pub.data = m->data;

    if (m->tags.len) {
        pub.tags = m->tags;
    }

    (void) rt_append(info, m->info.data, m->info.len);
    (void) rt_stream_info_parse(info, m->info.len, &pub.info);

    ngx_rt_stream_enter(t->zone, &t->tenant, &t->channel, &at, m->time, &pub);
}


ngx_rt_track_t *
ngx_rt_track_acquire(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel)
{
    u_char           buf[NGX_RT_TRACK_NAME];
    ngx_str_t        name;
    ngx_rt_track_t  *t;

    ngx_rt_track_name(buf, &name, z, tenant, channel);

    if (name.len == 0) {
        return NULL;
    }

    t = (ngx_rt_track_t *) ngx_str_rbtree_lookup(&ngx_rt_track_tree, &name,
                                           ngx_crc32_long(name.data,
                                                          name.len));

    return t ? t : ngx_rt_track_create(z, &name, tenant, channel);
}


static ngx_rt_track_t *
ngx_rt_track_create(ngx_rt_zone_t *z, ngx_str_t *name, ngx_str_t *tenant,
    ngx_str_t *channel)
{
    u_char          *p;
    ngx_rt_track_t  *t;

    t = ngx_calloc(sizeof(ngx_rt_track_t) + name->len, ngx_cycle->log);
    if (t == NULL) {
        return NULL;
    }

    p = (u_char *) t + sizeof(ngx_rt_track_t);
    ngx_memcpy(p, name->data, name->len);

    t->zone = z;
    t->node.str.data = p;
    t->node.str.len = name->len;
    t->tenant.data = p + z->name.len + 1;
    t->tenant.len = tenant->len;
    t->channel.data = t->tenant.data + tenant->len + 1;
    t->channel.len = channel->len;

    t->used = ngx_time();

    t->listen.subscribed = ngx_rt_track_subscribed;
    t->listen.lost = ngx_rt_track_lost;
    t->listen.message = ngx_rt_track_message;

    t->timer.handler = ngx_rt_track_timer_handler;
    t->timer.data = &ngx_rt_track_dumb;
    t->timer.log = ngx_cycle->log;
    t->timer.cancelable = 1;

    t->node.node.key = ngx_crc32_long(p, name->len);
    ngx_rbtree_insert(&ngx_rt_track_tree, &t->node.node);

    ngx_queue_init(&t->waiting);
    ngx_queue_insert_tail(&ngx_rt_tracks, &t->queue);
    ngx_rt_ntracks++;

    return t;
}


/* nobody waits, and nothing is on its way */

void
ngx_rt_track_expire(ngx_rt_track_t *t)
{
    ngx_rt_stream_unlisten(&t->listen);

    if (t->timer.timer_set) {
        ngx_del_timer(&t->timer);
    }

    ngx_queue_remove(&t->queue);
    ngx_rt_ntracks--;

    ngx_rbtree_delete(&ngx_rt_track_tree, &t->node.node);
    ngx_free(t);
}


/* no zone's and no tenant's name has a zero in it; empty: it is too long */

static void
ngx_rt_track_name(u_char *buf, ngx_str_t *name, ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_str_t *channel)
{
    u_char  *p;

    name->data = buf;
    name->len = z->name.len + tenant->len + channel->len + 2;

    if (name->len > NGX_RT_TRACK_NAME) {
        name->len = 0;
        return;
    }

    p = ngx_cpymem(buf, z->name.data, z->name.len);
    *p++ = '\0';
    p = ngx_cpymem(p, tenant->data, tenant->len);
    *p++ = '\0';
    ngx_memcpy(p, channel->data, channel->len);
}


/* NULL: the channel is not durable any more */

ngx_rt_namespace_t *
ngx_rt_track_namespace(ngx_rt_track_t *t)
{
    ngx_rt_namespace_t  *ns;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    if (ngx_rt_namespace_find(mcf, &t->channel, &ns) != NGX_OK
        || !ns->durable)
    {
        return NULL;
    }

    return ns;
}
