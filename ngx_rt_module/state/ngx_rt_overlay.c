
/*
 * Overlays: a worker's view of what the API has given the tenants of a zone
 * (ngx_rt_settings.c), with their flags read.  It is brought up to date when it
 * is asked for and the zone's serial has changed.  What a worker has no memory
 * for stays as it was, and is tried again a second later.
 *
 * Called by policy/ and rules/.  No locking: all of it is the worker's own; the
 * settings lock by themselves.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


#define NGX_RT_OVERLAY_BUCKETS  1024


struct ngx_rt_overlays_s {
    uint64_t                   seen;          /* the zone's serial */
    uint64_t                   serial;        /* of the last that was read */
    time_t                     failed;
    ngx_rt_overlay_t          *buckets[NGX_RT_OVERLAY_BUCKETS];
};


static void ngx_rt_overlay_update(ngx_rt_zone_t *z);
static void ngx_rt_overlay_refresh(ngx_rt_zone_t *z, uint64_t seen);
static ngx_rt_overlays_t *ngx_rt_overlays_create(ngx_rt_zone_t *z);
static void ngx_rt_overlays_destroy(void *data);
static ngx_int_t ngx_rt_overlay_set(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_settings_t *s);
static ngx_rt_overlay_t *ngx_rt_overlay_create(ngx_rt_zone_t *z,
    ngx_str_t *tenant, ngx_rt_settings_t *s);
static void ngx_rt_overlay_free(ngx_rt_overlay_t *o);
static ngx_rt_overlay_t **ngx_rt_overlay_place(ngx_rt_zone_t *z,
    const ngx_str_t *tenant);


ngx_rt_overlay_t *
ngx_rt_overlay(ngx_rt_zone_t *z, const ngx_str_t *tenant)
{
    ngx_rt_overlay_update(z);

    return z->overlays ? *ngx_rt_overlay_place(z, tenant) : NULL;
}


void
ngx_rt_overlay_hold(ngx_rt_zone_t *z)
{
    ngx_rt_overlay_update(z);

    z->overlays_held = 1;
}


void
ngx_rt_overlay_release(ngx_rt_zone_t *z)
{
    z->overlays_held = 0;
}


static void
ngx_rt_overlay_update(ngx_rt_zone_t *z)
{
    uint64_t  seen;

    seen = ngx_rt_settings_serial(z);

    if (seen && !z->overlays_held
        && (z->overlays == NULL || z->overlays->seen != seen))
    {
        ngx_rt_overlay_refresh(z, seen);
    }
}


static void
ngx_rt_overlay_refresh(ngx_rt_zone_t *z, uint64_t seen)
{
    uint64_t            serial;
    ngx_int_t           rc;
    ngx_str_t           tenant;
    ngx_pool_t         *pool;
    ngx_rt_overlays_t  *all;
    ngx_rt_settings_t   s;

    if (z->overlays == NULL) {
        z->overlays = ngx_rt_overlays_create(z);
    }

    all = z->overlays;

    if (all == NULL || all->failed == ngx_time()) {
        return;
    }

    for ( ;; ) {
        pool = ngx_create_pool(1024, ngx_cycle->log);
        if (pool == NULL) {
            rc = NGX_ERROR;
            break;
        }

        serial = all->serial;
        rc = ngx_rt_settings_next(z, &serial, pool, &tenant, &s);

        if (rc == NGX_OK) {
            rc = ngx_rt_overlay_set(z, &tenant, &s);
        }

        ngx_destroy_pool(pool);

        if (rc != NGX_OK) {
            break;
        }

        all->serial = serial;
    }

    if (rc == NGX_ERROR) {
        all->failed = ngx_time();

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "rt_zone \"%V\": no memory for what the API has given "
                      "its tenants, their rules and flags stay as they were",
                      &z->name);
        return;
    }

    all->seen = seen;
}


static ngx_rt_overlays_t *
ngx_rt_overlays_create(ngx_rt_zone_t *z)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(ngx_cycle->pool, sizeof(ngx_rt_zone_t *));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = NULL;
    *(ngx_rt_zone_t **) cln->data = z;

    z->overlays = ngx_calloc(sizeof(ngx_rt_overlays_t), ngx_cycle->log);

    if (z->overlays) {
        cln->handler = ngx_rt_overlays_destroy;
    }

    return z->overlays;
}


static void
ngx_rt_overlays_destroy(void *data)
{
    ngx_uint_t          i;
    ngx_rt_zone_t      *z;
    ngx_rt_overlay_t   *o, *next;
    ngx_rt_overlays_t  *all;

    z = *(ngx_rt_zone_t **) data;
    all = z->overlays;
    z->overlays = NULL;

    for (i = 0; i < NGX_RT_OVERLAY_BUCKETS; i++) {
        for (o = all->buckets[i]; o; o = next) {
            next = o->next;
            ngx_rt_overlay_free(o);
        }
    }

    ngx_free(all);
}


static ngx_int_t
ngx_rt_overlay_set(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_rt_settings_t *s)
{
    ngx_rt_overlay_t  *o, *old, **place;

    o = NULL;

    if (s->rules.len || s->flags.len) {
        o = ngx_rt_overlay_create(z, tenant, s);
        if (o == NULL) {
            return NGX_ERROR;
        }
    }

    place = ngx_rt_overlay_place(z, tenant);
    old = *place;

    if (o) {
        o->next = old ? old->next : NULL;
        *place = o;

    } else if (old) {
        *place = old->next;
    }

    if (old) {
        ngx_rt_overlay_free(old);
    }

    return NGX_OK;
}


/* flags that nobody can read are none: they were checked when they came */

static ngx_rt_overlay_t *
ngx_rt_overlay_create(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_rt_settings_t *s)
{
    char               error[RT_FLAG_ERROR_MAX];
    size_t             size;
    ngx_rt_overlay_t  *o;

    size = s->flags.len ? rt_flags_size(s->flags.data, s->flags.len) : 0;
    size = ngx_align(size, NGX_ALIGNMENT);

    o = ngx_alloc(sizeof(ngx_rt_overlay_t) + size + tenant->len
                  + s->rules.len, ngx_cycle->log);
    if (o == NULL) {
        return NULL;
    }

    o->version = s->version;
    o->flags = NULL;
    o->made = NULL;

    o->tenant.data = (u_char *) (o + 1) + size;
    o->tenant.len = tenant->len;
    o->rules.data = rt_append(o->tenant.data, tenant->data, tenant->len);
    o->rules.len = s->rules.len;
    (void) rt_append(o->rules.data, s->rules.data, s->rules.len);

    if (s->flags.len) {
        o->flags = rt_flags_parse(o + 1, s->flags.data, s->flags.len, error);

        if (o->flags == NULL) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "rt_zone \"%V\": the flags of tenant \"%V\" cannot "
                          "be read: %s", &z->name, tenant, error);
        }
    }

    return o;
}


static void
ngx_rt_overlay_free(ngx_rt_overlay_t *o)
{
    if (o->made) {
        o->unmake(o->made);
    }

    ngx_free(o);
}


/* what points to it, or would */

static ngx_rt_overlay_t **
ngx_rt_overlay_place(ngx_rt_zone_t *z, const ngx_str_t *tenant)
{
    uint64_t            hash;
    ngx_rt_overlay_t  **o;

    hash = rt_hash(&z->state->hash_key, tenant->data, tenant->len);

    for (o = &z->overlays->buckets[hash % NGX_RT_OVERLAY_BUCKETS]; *o;
         o = &(*o)->next)
    {
        if ((*o)->tenant.len == tenant->len
            && ngx_memcmp((*o)->tenant.data, tenant->data, tenant->len) == 0)
        {
            break;
        }
    }

    return o;
}
