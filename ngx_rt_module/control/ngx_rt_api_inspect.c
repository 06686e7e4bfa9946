
/*
 * channels and info: what the request's tenant has, and nobody else's.
 *
 * Called by ngx_rt_api_method.c.  The state is walked in slices, each a bounded
 * hold of its mutex, under which names are copied and nothing is built; so a
 * list of channels is not one moment of the zone.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_state.h"
#include "rt_glob.h"


#define NGX_RT_API_CHUNK   65536      /* bytes of entries, at first */
#define NGX_RT_API_SLICE   2048       /* buckets and channels of a hold */
#define NGX_RT_API_WALK    262144     /* what a walk costs of the budget */


/* a channel, copied; the next one stands behind its name, aligned */
typedef struct {
    uint64_t            clients;
    uint64_t            len;
    u_char              name[];
} ngx_rt_api_entry_t;


typedef struct ngx_rt_api_chunk_s  ngx_rt_api_chunk_t;

struct ngx_rt_api_chunk_s {
    ngx_rt_api_chunk_t  *next;
    u_char              *last;
    u_char              *end;
    u_char               start[];
};


typedef struct {
    ngx_rt_api_t         *api;
    rt_str_t              pattern;
    size_t                prefix;     /* of it, without wildcards */
    ngx_rt_api_chunk_t   *first;
    ngx_rt_api_chunk_t   *chunk;      /* the last one, being filled */
    size_t                bytes;
    uint64_t              bucket;     /* the next one */
} ngx_rt_api_walk_t;


typedef struct {
    uint64_t              clients;
    uint64_t              users;
    uint64_t              channels;
    uint64_t              uptime;
    u_char                uid[NGX_RT_ID_LEN];
} ngx_rt_api_node_t;


static ngx_int_t ngx_rt_api_walk(ngx_rt_api_walk_t *w);
static ngx_int_t ngx_rt_api_walk_slice(ngx_rt_api_walk_t *w);
static ngx_int_t ngx_rt_api_walk_bucket_locked(ngx_rt_api_walk_t *w,
    ngx_rt_tenant_t *t, ngx_rt_channel_t *ch, ngx_uint_t *work);
static ngx_int_t ngx_rt_api_walk_grow(ngx_rt_api_walk_t *w, ngx_int_t full);
static void ngx_rt_api_walk_free(ngx_rt_api_walk_t *w);
static void ngx_rt_api_channels_text(rt_out_t *o, void *data);
static void ngx_rt_api_info_text(rt_out_t *o, void *data);


ngx_int_t
ngx_rt_api_channels(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_int_t          rc;
    ngx_rt_api_walk_t  w;

    /* the zone is shared: a batch shall not walk it again and again */

    if (ngx_rt_api_spend(api, NGX_RT_API_WALK, reply) != NGX_OK) {
        return NGX_OK;
    }

    ngx_memzero(&w, sizeof(ngx_rt_api_walk_t));

    w.api = api;
    w.pattern = p->pattern;
    w.prefix = rt_glob_prefix(&w.pattern);

    rc = ngx_rt_api_walk(&w);

    if (rc == NGX_OK) {
        rc = ngx_rt_api_result(api, ngx_rt_api_channels_text, &w, reply);

    } else if (rc == NGX_DECLINED) {
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, "pattern",
                         "there are too many channels, say more at its start");
        rc = NGX_OK;
    }

    ngx_rt_api_walk_free(&w);

    return rc;
}


/* NGX_DECLINED: more than a reply may hold */

static ngx_int_t
ngx_rt_api_walk(ngx_rt_api_walk_t *w)
{
    ngx_int_t  rc;

    rc = ngx_rt_api_walk_grow(w, 0);

    while (rc == NGX_OK) {
        rc = ngx_rt_api_walk_slice(w);

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc == NGX_AGAIN) {
            rc = ngx_rt_api_walk_grow(w, w->chunk->last == w->chunk->start);
        }
    }

    return rc;
}


/*
 * One hold of the mutex.  NGX_OK: there is more; NGX_AGAIN: there is, and no
 * room for it; NGX_DONE.  The tenant is looked up each time: it may be gone.
 */

static ngx_int_t
ngx_rt_api_walk_slice(ngx_rt_api_walk_t *w)
{
    ngx_int_t         rc;
    ngx_uint_t        work;
    ngx_rt_zone_t    *z;
    ngx_rt_state_t   *st;
    ngx_rt_tenant_t  *t;

    z = w->api->zone;
    st = z->state;
    work = 0;
    rc = NGX_OK;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(st, &w->api->tenant);

    if (t == NULL || t->channels == 0) {
        w->bucket = st->mask + 1;
    }

    while (w->bucket <= st->mask && work < NGX_RT_API_SLICE) {

        rc = ngx_rt_api_walk_bucket_locked(w, t,
                                           st->channel_buckets[w->bucket],
                                           &work);
        if (rc != NGX_OK) {
            break;
        }

        w->bucket++;
        work++;
    }

    if (w->bucket > st->mask) {
        rc = NGX_DONE;
    }

    ngx_rt_state_unlock(z);

    return rc;
}


/* NGX_AGAIN: no room for all of the bucket, and nothing of it is taken */

static ngx_int_t
ngx_rt_api_walk_bucket_locked(ngx_rt_api_walk_t *w, ngx_rt_tenant_t *t,
    ngx_rt_channel_t *ch, ngx_uint_t *work)
{
    size_t               size;
    u_char              *p;
    ngx_rt_api_entry_t  *e;

    p = w->chunk->last;

    for ( /* void */ ; ch; ch = ch->next, (*work)++) {

        if (ch->tenant != t
            || ch->clients == 0
            || ch->len < w->prefix
            || (w->prefix && ngx_memcmp(ch->name, w->pattern.data, w->prefix)
                             != 0))
        {
            continue;
        }

        size = ngx_align(sizeof(ngx_rt_api_entry_t) + ch->len,
                         sizeof(uint64_t));

        if (size > (size_t) (w->chunk->end - p)) {
            return NGX_AGAIN;
        }

        e = (ngx_rt_api_entry_t *) (void *) p;

        e->clients = ch->clients;
        e->len = ch->len;
        ngx_memcpy(e->name, ch->name, ch->len);

        p += size;
    }

    w->chunk->last = p;

    return NGX_OK;
}


/* another chunk; twice as large if one bucket would not fit in the last one */

static ngx_int_t
ngx_rt_api_walk_grow(ngx_rt_api_walk_t *w, ngx_int_t full)
{
    size_t               size;
    ngx_rt_api_chunk_t  *chunk;

    size = NGX_RT_API_CHUNK;

    if (full) {
        size = 2 * (w->chunk->end - w->chunk->start);
    }

    if (w->bytes + size > NGX_RT_API_REPLY_MAX) {
        return NGX_DECLINED;
    }

    chunk = ngx_alloc(sizeof(ngx_rt_api_chunk_t) + size,
                      w->api->log);
    if (chunk == NULL) {
        return NGX_ERROR;
    }

    w->bytes += size;

    chunk->next = NULL;
    chunk->last = chunk->start;
    chunk->end = chunk->start + size;

    if (w->chunk) {
        w->chunk->next = chunk;

    } else {
        w->first = chunk;
    }

    w->chunk = chunk;

    return NGX_OK;
}


static void
ngx_rt_api_walk_free(ngx_rt_api_walk_t *w)
{
    ngx_rt_api_chunk_t  *chunk, *next;

    for (chunk = w->first; chunk; chunk = next) {
        next = chunk->next;
        ngx_free(chunk);
    }
}


static void
ngx_rt_api_channels_text(rt_out_t *o, void *data)
{
    u_char              *p;
    ngx_uint_t           n;
    ngx_rt_api_walk_t   *w = data;
    ngx_rt_api_chunk_t  *chunk;
    ngx_rt_api_entry_t  *e;

    n = 0;

    rt_out_lit(o, "{\"channels\":{");

    for (chunk = w->first; chunk; chunk = chunk->next) {

        for (p = chunk->start; p < chunk->last; /* void */) {
            e = (ngx_rt_api_entry_t *) (void *) p;
            p += ngx_align(sizeof(ngx_rt_api_entry_t) + e->len,
                           sizeof(uint64_t));

            if (w->pattern.len
                && !rt_glob_match(&w->pattern, e->name, e->len))
            {
                continue;
            }

            if (n++) {
                rt_out_lit(o, ",");
            }

            rt_out_json_string(o, e->name, e->len);
            rt_out_lit(o, ":{\"num_clients\":");
            rt_out_uint(o, e->clients);
            rt_out_lit(o, "}");
        }
    }

    rt_out_lit(o, "}}");
}


ngx_int_t
ngx_rt_api_info(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_zone_t      *z;
    ngx_rt_tenant_t    *t;
    ngx_rt_api_node_t   node;

    z = api->zone;

    ngx_memzero(&node, sizeof(ngx_rt_api_node_t));
    ngx_memcpy(node.uid, z->state->uid, NGX_RT_ID_LEN);

    if ((uint64_t) ngx_time() > z->state->started) {
        node.uptime = (uint64_t) ngx_time() - z->state->started;
    }

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(z->state, &api->tenant);

    if (t) {
        node.clients = t->sessions;
        node.users = t->users + (t->anonymous ? 1 : 0);
        node.channels = t->channels;
    }

    ngx_rt_state_unlock(z);

    return ngx_rt_api_result(api, ngx_rt_api_info_text, &node, reply);
}


static void
ngx_rt_api_info_text(rt_out_t *o, void *data)
{
    ngx_rt_api_node_t  *node = data;

    rt_out_lit(o, "{\"nodes\":[{\"uid\":");
    rt_out_json_string(o, node->uid, NGX_RT_ID_LEN);
    rt_out_lit(o, ",\"name\":");
    rt_out_json_string(o, ngx_cycle->hostname.data, ngx_cycle->hostname.len);
    rt_out_lit(o, ",\"version\":\"" NGX_RT_VERSION "\",\"num_clients\":");
    rt_out_uint(o, node->clients);
    rt_out_lit(o, ",\"num_users\":");
    rt_out_uint(o, node->users);
    rt_out_lit(o, ",\"num_channels\":");
    rt_out_uint(o, node->channels);
    rt_out_lit(o, ",\"uptime\":");
    rt_out_uint(o, node->uptime);
    rt_out_lit(o, "}]}");
}
