
/*
 * What is said in fast channels goes to other nodes, and who comes and goes: at
 * most once, and nobody waits for it.  A node has delivered by itself what it
 * tells; what it hears goes into its own log and histories, and no further.
 *
 * Messages go with all other commands of the turn.  Their answers say nothing,
 * so only one at a time has a call of its own, by which is known what of them
 * was taken; what is more than may wait is dropped, and counted.
 *
 * Called by fanout/ with what was accepted, by ears with what others say, and
 * by the hub for a channel's first subscriber here.  Calls redis/, and fanout/
 * and state/ with nothing held.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_track.h"
#include "rt_stream_info.h"
#include "rt_stream_key.h"


/* of what may wait for Redis, so that durable publications find room */
#define NGX_RT_TELL_SHARE  4

/* of a buffer that is kept, bytes */
#define NGX_RT_TELL_KEEP   (64 * 1024)


static void ngx_rt_tell(ngx_str_t *tenant, ngx_str_t *channel, rt_bus_t *m);
static ngx_int_t ngx_rt_tell_reserve(size_t size);
static ngx_int_t ngx_rt_tell_send(ngx_str_t *argv);
static void ngx_rt_tell_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_hear_publication(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, rt_bus_t *m, rt_client_info_t *info);


/* a message that is put together */
static u_char               *ngx_rt_tell_text;
static size_t                ngx_rt_tell_size;

/* messages, and their bytes, that were given to Redis */
typedef struct {
    ngx_uint_t                n;
    size_t                    bytes;
} ngx_rt_tell_load_t;

/* of those without an answer, and of those behind the call */
static ngx_rt_tell_load_t    ngx_rt_tell_open;
static ngx_rt_tell_load_t    ngx_rt_tell_behind;
static ngx_rt_redis_call_t   ngx_rt_tell_call;
static ngx_uint_t            ngx_rt_tell_called;


void
ngx_rt_stream_tell(ngx_rt_zone_t *z, ngx_rt_publish_t *p)
{
    u_char    text[RT_STREAM_INFO_MAX];
    rt_bus_t  m;
    rt_out_t  out;

    if (!ngx_rt_stream_others()) {
        return;
    }

    rt_out_init(&out, text, sizeof(text));
    rt_stream_info_build(&out, &p->pub->info);

    ngx_memzero(&m, sizeof(rt_bus_t));

    m.kind = p->skip_history ? RT_BUS_PASSING : RT_BUS_PUBLICATION;
    m.data = p->pub->data;
    m.info.data = text;
    m.info.len = out.need;
    m.tags = p->pub->tags;

    rt_fault(bus_tell);

    ngx_rt_tell(&p->tenant, &p->channel, &m);
}


void
ngx_rt_stream_tell_change(ngx_uint_t kind, rt_publication_t *pub)
{
    u_char     text[RT_STREAM_INFO_MAX], *p, *last;
    rt_bus_t   m;
    rt_out_t   out;
    ngx_str_t  tenant, channel;

    p = pub->data.data;
    last = p + pub->data.len;

    if (*p++ != ngx_rt_slot || !ngx_rt_stream_others()) {
        return;
    }

    tenant.data = p;

    while (p < last && *p) {
        p++;
    }

    if (p == last) {
        return;
    }

    tenant.len = p - tenant.data;
    channel.data = p + 1;
    channel.len = last - channel.data;

    rt_out_init(&out, text, sizeof(text));
    rt_stream_info_build(&out, &pub->info);

    ngx_memzero(&m, sizeof(rt_bus_t));

    m.kind = kind == NGX_RT_RECORD_JOIN ? RT_BUS_JOIN : RT_BUS_LEAVE;
    m.info.data = text;
    m.info.len = out.need;

    ngx_rt_tell(&tenant, &channel, &m);
}


static void
ngx_rt_tell(ngx_str_t *tenant, ngx_str_t *channel, rt_bus_t *m)
{
    u_char     name[rt_stream_key_max(NGX_RT_TENANT_MAX, NGX_RT_CHANNEL_MAX,
                                      0)];
    u_char     line[RT_BUS_HEAD_MAX];
    size_t     head;
    rt_str_t   whose, which;
    ngx_str_t  argv[3];

    m->node = ngx_rt_stream_node();
    m->time = ngx_rt_stream_now();

    whose = ngx_rt_str(tenant);
    which = ngx_rt_str(channel);

    head = rt_bus_head(m, line);

    ngx_str_set(&argv[0], "PUBLISH");

    argv[1].data = name;
    argv[1].len = rt_stream_key(name, RT_KEY_BUS, &whose, &which, NULL);

    argv[2].len = rt_bus_len(head, m);

    if (ngx_rt_tell_reserve(argv[2].len) == NGX_OK) {
        argv[2].data = ngx_rt_tell_text;
        (void) rt_bus_build(argv[2].data, line, head, m);

        if (ngx_rt_tell_send(argv) == NGX_OK) {
            ngx_rt_count(bus_told, 1);
            return;
        }
    }

    ngx_rt_count(bus_dropped, 1);
}


static ngx_int_t
ngx_rt_tell_reserve(size_t size)
{
    if (size <= ngx_rt_tell_size
        && (ngx_rt_tell_size <= NGX_RT_TELL_KEEP || size > NGX_RT_TELL_KEEP))
    {
        return NGX_OK;
    }

    if (ngx_rt_tell_text) {
        ngx_free(ngx_rt_tell_text);
    }

    size = ngx_max(size, 4096);

    ngx_rt_tell_text = ngx_alloc(size, ngx_cycle->log);
    ngx_rt_tell_size = ngx_rt_tell_text ? size : 0;

    return ngx_rt_tell_text ? NGX_OK : NGX_ERROR;
}


/* without a call on its way, this one is it */

static ngx_int_t
ngx_rt_tell_send(ngx_str_t *argv)
{
    ngx_rt_main_conf_t   *mcf;
    ngx_rt_redis_call_t   call;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    if (!ngx_rt_tell_called) {
        ngx_rt_tell_call.handler = ngx_rt_tell_handler;

        if (ngx_rt_redis_send(&ngx_rt_tell_call, 3, argv) != NGX_OK) {
            return NGX_DECLINED;
        }

        ngx_rt_tell_called = 1;
        ngx_memzero(&ngx_rt_tell_behind, sizeof(ngx_rt_tell_load_t));

    } else {

        if (ngx_rt_tell_open.bytes + argv[2].len
            > mcf->redis->pending / NGX_RT_TELL_SHARE
            || ngx_rt_redis_send(&call, 3, argv) != NGX_OK)
        {
            return NGX_DECLINED;
        }

        ngx_rt_redis_forget(&call);

        ngx_rt_tell_behind.n++;
        ngx_rt_tell_behind.bytes += argv[2].len;
    }

    ngx_rt_tell_open.n++;
    ngx_rt_tell_open.bytes += argv[2].len;

    return NGX_OK;
}


/* of a connection that was lost nothing more is answered */

static void
ngx_rt_tell_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_tell_called = 0;

    if (reply == NULL) {
        ngx_rt_count(bus_dropped, ngx_rt_tell_open.n);
        ngx_memzero(&ngx_rt_tell_open, sizeof(ngx_rt_tell_load_t));
        return;
    }

    if (result != NGX_RT_REDIS_OK) {
        ngx_rt_count(bus_dropped, 1);
    }

    ngx_rt_tell_open = ngx_rt_tell_behind;
}


void
ngx_rt_stream_attend(ngx_rt_zone_t *z, ngx_rt_channel_t *ch)
{
    ngx_str_t        tenant, channel;
    ngx_rt_track_t  *t;

    if (!ngx_rt_stream_others() || ngx_rt_channel_heard(z->state, ch)) {
        return;
    }

    tenant.data = ch->tenant->name;
    tenant.len = ch->tenant->len;
    channel.data = ch->name;
    channel.len = ch->len;

    t = ngx_rt_track_acquire(z, &tenant, &channel);

    if (t) {
        ngx_rt_track_follow(t);
    }
}


void
ngx_rt_stream_hear(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    rt_bus_t *m)
{
    u_char            text[RT_STREAM_INFO_MAX];
    ngx_rt_told_t     told;
    rt_client_info_t  info;

    if (ngx_rt_stream_is_own(m) || m->info.len > sizeof(text)) {
        return;
    }

    (void) rt_append(text, m->info.data, m->info.len);

    if (!rt_stream_info_parse(text, m->info.len, &info)) {
        return;
    }

    ngx_rt_count(bus_heard, 1);
    ngx_rt_hub_relieve(z->hub);

    if (m->kind == RT_BUS_PUBLICATION || m->kind == RT_BUS_PASSING) {
        ngx_rt_hear_publication(z, tenant, channel, m, &info);

    } else if ((m->kind == RT_BUS_JOIN || m->kind == RT_BUS_LEAVE)
               && info.client.len)
    {
        ngx_memzero(&told, sizeof(ngx_rt_told_t));

        ngx_rt_channel_hear(z, tenant, channel, ngx_rt_slot,
                            m->kind == RT_BUS_JOIN ? NGX_RT_RECORD_JOIN
                                                   : NGX_RT_RECORD_LEAVE,
                            &info, &told);

        ngx_rt_hub_told(z->hub, &told);
    }
}


/* what goes into a durable channel is read from its stream, if not heard */

static void
ngx_rt_hear_publication(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, rt_bus_t *m, rt_client_info_t *info)
{
    ngx_rt_publish_t     p;
    rt_publication_t     pub;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    ngx_memzero(&p, sizeof(ngx_rt_publish_t));
    ngx_memzero(&pub, sizeof(rt_publication_t));

    if (ngx_rt_namespace_find(mcf, channel, &p.ns) != NGX_OK
        || p.ns->durable || m->data.len == 0)
    {
        return;
    }

    pub.data = m->data;
    pub.info = *info;

    if (m->tags.len) {
        pub.tags = m->tags;
    }

    p.tenant = *tenant;
    p.channel = *channel;
    p.pub = &pub;
    p.skip_history = (m->kind == RT_BUS_PASSING);
    p.heard = 1;

    rt_fault(bus_hear);

    (void) ngx_rt_publish(z, &p);
}
