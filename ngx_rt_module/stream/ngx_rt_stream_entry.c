
/*
 * Entries: copies of publications that wait for Redis, each one block of memory
 * with the texts that are sent.  What waits is bounded in bytes, for a worker
 * by rt_redis's pending=, and for a tenant by a quarter of it.
 *
 * Called by ngx_rt_stream_publish.c and ngx_rt_stream_claim.c.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_stream_entry.h"
#include "rt_stream_info.h"
#include "rt_stream_key.h"


#define NGX_RT_ENTRY_DIGEST   32          /* bytes */

/* of those that may be known already, it is given back then */
#define ngx_rt_entry_charged(p)                                               \
    ((p)->charge && (p)->charge->taken                                        \
     && ((p)->key.name.len || (p)->version))

/* one tenant's part of what may wait */
#define NGX_RT_ENTRY_SHARE    4


static size_t ngx_rt_entry_size(ngx_rt_publish_t *p, size_t info);
static size_t ngx_rt_entry_about(ngx_rt_publish_t *p, u_char *buf, size_t len);
static void ngx_rt_entry_fill(ngx_rt_entry_t *e, ngx_rt_publish_t *p,
    size_t info);
static u_char *ngx_rt_entry_key(u_char *p, ngx_str_t *key, rt_key_kind_t kind,
    ngx_rt_publish_t *publish);
static u_char *ngx_rt_entry_copy(u_char *p, ngx_str_t *to, const u_char *data,
    size_t len);
static u_char *ngx_rt_entry_number(u_char *p, ngx_str_t *to, uint64_t n);


static size_t  ngx_rt_entry_bytes;


ngx_rt_entry_t *
ngx_rt_entry_create(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    ngx_rt_durable_t *d, size_t tenant)
{
    size_t               size, info, most;
    rt_out_t             o;
    ngx_rt_entry_t      *e;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    rt_out_init(&o, NULL, 0);
    rt_stream_info_build(&o, &p->pub->info);
    info = o.need;

    size = sizeof(ngx_rt_entry_t) + ngx_rt_entry_size(p, info);
    most = mcf->redis->pending;

    if (size > most - ngx_rt_entry_bytes
        || tenant + size > most / NGX_RT_ENTRY_SHARE)
    {
        ngx_rt_count(redis_declined, 1);
        return NULL;
    }

    e = ngx_alloc(size, ngx_cycle->log);
    if (e == NULL) {
        return NULL;
    }

    ngx_memzero(e, sizeof(ngx_rt_entry_t));

    e->waits = d;
    e->zone = z;
    e->size = size;
    e->history = p->ns->history;
    e->ttl = p->ns->ttl;
    e->hash = ngx_crc32_short(p->channel.data, p->channel.len);
    e->outcome = NGX_RT_PUBLISH_AWAY;

    ngx_rt_entry_fill(e, p, info);

    e->careful = e->about.len != 0 || p->version != 0;

    d->entry = e;
    ngx_rt_entry_bytes += size;

    return e;
}


static size_t
ngx_rt_entry_size(ngx_rt_publish_t *p, size_t info)
{
    size_t  size;

    size = (ngx_rt_entry_charged(p) ? sizeof(ngx_rt_charge_t) : 0)
           + p->tenant.len + p->channel.len + p->pub->data.len
           + p->pub->tags.len + info
           + 2 * rt_stream_key_max(p->tenant.len, p->channel.len, 0);

    if (p->key.name.len) {
        size += NGX_RT_ENTRY_DIGEST + p->key.name.len
                + ngx_rt_entry_about(p, NULL, 0)
                + 2 * rt_stream_key_max(p->tenant.len, p->channel.len,
                                        p->key.name.len);
    }

    return size + (p->version ? 2 * NGX_INT64_LEN : 0);
}


/* how many bytes it takes, and if there are so many, them */

static size_t
ngx_rt_entry_about(ngx_rt_publish_t *p, u_char *buf, size_t len)
{
    rt_out_t  o;

    rt_out_init(&o, buf, len);
    rt_event_about(&o, p->event, &p->pub->info.client);

    return o.need;
}


static void
ngx_rt_entry_fill(ngx_rt_entry_t *e, ngx_rt_publish_t *p, size_t info)
{
    u_char            *s;
    rt_out_t           o;
    ngx_str_t          name;
    ngx_rt_publish_t  *to;

    to = &e->publish;
    *to = *p;

    to->charge = NULL;
    to->event = NULL;
    to->pub = &e->pub;

    s = (u_char *) e + sizeof(ngx_rt_entry_t);

    if (ngx_rt_entry_charged(p)) {
        e->charge = (ngx_rt_charge_t *) s;
        *e->charge = *p->charge;
        s += sizeof(ngx_rt_charge_t);
    }

    s = ngx_rt_entry_copy(s, &to->tenant, p->tenant.data, p->tenant.len);
    s = ngx_rt_entry_copy(s, &to->channel, p->channel.data, p->channel.len);

    e->tenant = to->tenant;

    e->pub.data.data = s;
    e->pub.data.len = p->pub->data.len;
    s = rt_append(s, p->pub->data.data, p->pub->data.len);

    if (p->pub->tags.len) {
        e->pub.tags.data = s;
        e->pub.tags.len = p->pub->tags.len;
        s = rt_append(s, p->pub->tags.data, p->pub->tags.len);
    }

    rt_out_init(&o, s, info);
    rt_stream_info_build(&o, &p->pub->info);

    e->info.data = s;
    e->info.len = info;
    s += info;

    if (p->key.name.len) {
        s = ngx_rt_entry_copy(s, &name, p->key.name.data, p->key.name.len);

        to->key.scope = ngx_rt_str(&to->channel);
        to->key.name = ngx_rt_str(&name);

        s = ngx_rt_entry_key(s, &e->mark, RT_KEY_IDEM, to);
        s = ngx_rt_entry_key(s, &e->event, RT_KEY_EVENT, to);

        e->digest.data = s;
        e->digest.len = NGX_RT_ENTRY_DIGEST;
        s = ngx_sprintf(s, "%016xL%016xL", p->key.digest[0],
                        p->key.digest[1]);

        e->about.data = s;
        e->about.len = ngx_rt_entry_about(p, NULL, 0);
        s += ngx_rt_entry_about(p, s, e->about.len);
    }

    s = ngx_rt_entry_key(s, &e->stream, RT_KEY_CHANNEL, to);
    s = ngx_rt_entry_key(s, &e->meta, RT_KEY_META, to);

    if (p->version) {
        s = ngx_rt_entry_number(s, &e->version, p->version);
        (void) ngx_rt_entry_number(s, &e->version_epoch, p->version_epoch);
    }
}


static u_char *
ngx_rt_entry_key(u_char *p, ngx_str_t *key, rt_key_kind_t kind,
    ngx_rt_publish_t *publish)
{
    rt_str_t  tenant, channel;

    tenant = ngx_rt_str(&publish->tenant);
    channel = ngx_rt_str(&publish->channel);

    key->data = p;
    key->len = rt_stream_key(p, kind, &tenant, &channel,
                             kind == RT_KEY_IDEM || kind == RT_KEY_EVENT
                             ? &publish->key.name : NULL);

    return p + key->len;
}


static u_char *
ngx_rt_entry_copy(u_char *p, ngx_str_t *to, const u_char *data, size_t len)
{
    to->data = p;
    to->len = len;

    return rt_append(p, data, len);
}


static u_char *
ngx_rt_entry_number(u_char *p, ngx_str_t *to, uint64_t n)
{
    to->data = p;
    p = ngx_sprintf(p, "%uL", n);
    to->len = p - to->data;

    return p;
}


void
ngx_rt_entry_pub(ngx_rt_entry_t *e, u_char *info)
{
    (void) rt_append(info, e->info.data, e->info.len);
    (void) rt_stream_info_parse(info, e->info.len, &e->pub.info);
}


/* whoever is told may publish again, or end anything */

void
ngx_rt_entry_finish(ngx_rt_entry_t *e)
{
    size_t               size;
    ngx_rt_group_t      *g;
    ngx_rt_durable_t    *waits;
    ngx_rt_position_t    at;
    ngx_rt_published_e   outcome;

    if (e->charge && e->outcome != NGX_RT_PUBLISHED
        && e->outcome != NGX_RT_PUBLISH_AWAY)
    {
        ngx_rt_charge_return(e->zone, &e->tenant, e->charge,
                             e->waits != NULL);
    }

    if (e->denied) {
        ngx_rt_denial = e->denial;
    }

    g = e->group;
    size = e->size;
    waits = e->waits;
    outcome = e->outcome;
    at = e->at;

    ngx_rt_entry_bytes -= size;
    ngx_free(e);

    ngx_rt_group_release(g, size);

    if (waits) {
        waits->entry = NULL;
        waits->handler(waits, outcome, &at);
    }
}


void
ngx_rt_entry_refused(ngx_rt_entry_t *e, redisReply *error)
{
    u_char         said[NGX_RT_ENTRY_SAID];
    ngx_str_t      text;
    static time_t  last;

    (void) ngx_rt_redis_error(error);

    if (last == ngx_time()) {
        return;
    }

    last = ngx_time();

    ngx_rt_entry_said(error, said, &text);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "rt: Redis has refused publications to channel \"%V\" of "
                  "tenant \"%V\": \"%V\"",
                  &e->publish.channel, &e->tenant, &text);
}


void
ngx_rt_entry_said(redisReply *error, u_char *buf, ngx_str_t *text)
{
    size_t  i;

    text->data = buf;
    text->len = ngx_min(error->len, NGX_RT_ENTRY_SAID);

    for (i = 0; i < text->len; i++) {
        buf[i] = (u_char) error->str[i] < ' ' ? '?' : error->str[i];
    }
}


void
ngx_rt_stream_forget(ngx_rt_durable_t *d)
{
    ngx_rt_entry_t *e = d->entry;

    if (e) {
        e->waits = NULL;
        d->entry = NULL;
    }
}
