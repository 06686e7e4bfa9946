
/*
 * Settings: what the API has given a tenant, the text of its rules and its
 * flags, under one version.  They are charged to the tenant and keep it from
 * being idle.  What was deleted leaves two empty texts with their version, so
 * that an older change that comes late finds a newer one.
 *
 * The settings of a tenant have one place, which is made once and stays; its
 * texts are chains of blocks, which a change replaces.  All places of a zone
 * are in a list, the latest change last, each with the serial of its change: so
 * a worker that knows all up to a serial finds what came behind it.
 *
 * Called by control/, stream/ and rules/; each function takes the state's mutex
 * by itself but for _locked.  The texts are bytes here.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


struct ngx_rt_piece_s {
    ngx_rt_piece_t       *next;
    u_char                bytes[];
};


struct ngx_rt_setting_s {
    ngx_rt_setting_t     *next;           /* of all in the zone, in the order */
    ngx_rt_setting_t     *prev;           /* of their changes */
    ngx_rt_tenant_t      *tenant;
    uint64_t              version;
    uint64_t              serial;         /* the zone's, of the change */
    uint64_t              rules;          /* lengths of the texts */
    uint64_t              flags;
    uint64_t              cost;           /* of the pieces, in the heap */
    ngx_rt_piece_t       *pieces;         /* of both texts, back to back */
};


/* bytes of a piece; all are full but the last */
#define NGX_RT_PIECE  (RT_HEAP_MAX - sizeof(ngx_rt_piece_t))


static ngx_int_t ngx_rt_settings_try(ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_uint_t dry);
static ngx_int_t ngx_rt_settings_put_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s);
static ngx_rt_setting_t *ngx_rt_setting_acquire_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t);
static ngx_int_t ngx_rt_setting_write_locked(ngx_rt_state_t *st,
    ngx_rt_setting_t *e, const ngx_rt_settings_t *s, ngx_rt_piece_t **first);
static size_t ngx_rt_setting_cost(size_t len);
static void ngx_rt_setting_move_locked(ngx_rt_state_t *st,
    ngx_rt_setting_t *e);
static void ngx_rt_setting_copy_locked(ngx_rt_setting_t *e,
    ngx_rt_settings_t *s);
static ngx_rt_setting_t *ngx_rt_setting_after_locked(ngx_rt_zone_t *z,
    uint64_t serial);
static ngx_int_t ngx_rt_settings_keep(ngx_pool_t *pool, ngx_rt_settings_t *s);


/* what is read, or written, in a hold: nothing is allocated there */
static u_char  ngx_rt_settings_text[2 * NGX_RT_SETTING_MAX];


uint64_t
ngx_rt_settings_serial(ngx_rt_zone_t *z)
{
    return *(volatile uint64_t *) &z->state->settings_serial;
}


ngx_int_t
ngx_rt_settings_put(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const uint64_t *from, const ngx_rt_settings_t *s, ngx_rt_told_t *told)
{
    return ngx_rt_settings_try(z, tenant, from, s, told, 0);
}


ngx_int_t
ngx_rt_settings_fit(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const ngx_rt_settings_t *s, ngx_rt_told_t *told)
{
    return ngx_rt_settings_try(z, tenant, NULL, s, told, 1);
}


/* dry: room is made, nothing is changed */

static ngx_int_t
ngx_rt_settings_try(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const uint64_t *from, const ngx_rt_settings_t *s, ngx_rt_told_t *told,
    ngx_uint_t dry)
{
    ngx_int_t        rc;
    ngx_str_t        name;
    ngx_rt_state_t  *st;

    st = z->state;
    name = *tenant;

    if (s->rules.len > NGX_RT_SETTING_MAX || s->flags.len > NGX_RT_SETTING_MAX)
    {
        ngx_rt_denial.what = NGX_RT_LIMIT_N;
        return NGX_ERROR;
    }

    (void) rt_append(rt_append(ngx_rt_settings_text, s->rules.data,
                               s->rules.len),
                     s->flags.data, s->flags.len);

    ngx_rt_state_lock(z);

    for ( ;; ) {
        rc = ngx_rt_settings_put_locked(st, &name, from, s);

        rt_fault(settings_hold);

        if (rc == NGX_DECLINED || (rc == NGX_OK && dry)) {
            rt_txn_abort(&st->txn);
            break;
        }

        if (rc == NGX_OK && rt_txn_commit(&st->txn)) {
            break;
        }

        rc = NGX_ERROR;

        if (ngx_rt_zone_retry_locked(z, &name, NULL, told) != NGX_OK) {
            break;
        }
    }

    ngx_rt_state_unlock(z);

    rt_fault(settings_done);

    return rc;
}


static ngx_int_t
ngx_rt_settings_put_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    const uint64_t *from, const ngx_rt_settings_t *s)
{
    rt_txn_t          *x;
    ngx_rt_piece_t    *piece, *next, *old;
    ngx_rt_tenant_t   *t;
    ngx_rt_setting_t  *e;

    x = &st->txn;

    t = ngx_rt_tenant_acquire_locked(st, tenant);
    e = t ? ngx_rt_setting_acquire_locked(st, t) : NULL;

    if (e == NULL) {
        return NGX_ERROR;
    }

    if (e->version >= s->version || (from && e->version != *from)) {
        return NGX_DECLINED;
    }

    old = e->pieces;

    if (ngx_rt_setting_write_locked(st, e, s, &piece) != NGX_OK) {
        return NGX_ERROR;
    }

    rt_fault(settings_written);

    rt_txn_set_ptr(x, &e->pieces, piece);
    rt_txn_set(x, &e->rules, s->rules.len);
    rt_txn_set(x, &e->flags, s->flags.len);
    rt_txn_set(x, &e->version, s->version);

    ngx_rt_setting_move_locked(st, e);

    for (piece = old; piece; piece = next) {
        next = piece->next;
        rt_heap_free(st->heap, x, piece);
    }

    return NGX_OK;
}


/* the tenant's place, which is in the list as one that never changed */

static ngx_rt_setting_t *
ngx_rt_setting_acquire_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t)
{
    rt_txn_t          *x;
    ngx_rt_setting_t  *e;

    if (t->settings) {
        return t->settings;
    }

    x = &st->txn;

    e = ngx_rt_tenant_alloc_locked(st, t, sizeof(ngx_rt_setting_t));
    if (e == NULL) {
        return NULL;
    }

    ngx_memzero(e, sizeof(ngx_rt_setting_t));

    e->tenant = t;
    e->next = st->settings;

    if (e->next) {
        rt_txn_set_ptr(x, &e->next->prev, e);

    } else {
        rt_txn_set_ptr(x, &st->settings_last, e);
    }

    rt_txn_set_ptr(x, &st->settings, e);
    rt_txn_add(x, &st->nsettings, 1);

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_set_ptr(x, &t->settings, e);

    return e;
}


/* what is to be written, in new pieces, charged instead of the old ones */

static ngx_int_t
ngx_rt_setting_write_locked(ngx_rt_state_t *st, ngx_rt_setting_t *e,
    const ngx_rt_settings_t *s, ngx_rt_piece_t **first)
{
    size_t            n, len, cost;
    u_char           *p;
    ngx_rt_piece_t   *piece, **link;

    p = ngx_rt_settings_text;
    len = s->rules.len + s->flags.len;
    cost = ngx_rt_setting_cost(len);

    if (cost > e->cost
        && ngx_rt_limit_reached(st, NGX_RT_LIMIT_ZONE, NGX_RT_PAYER_TENANT,
                                e->tenant->bytes + cost - e->cost - 1))
    {
        return NGX_ERROR;
    }

    for (link = first; len; len -= n) {
        n = ngx_min(len, NGX_RT_PIECE);

        piece = rt_heap_alloc(st->heap, &st->txn, sizeof(ngx_rt_piece_t) + n);
        if (piece == NULL) {
            ngx_rt_denial.what = NGX_RT_LIMIT_N;
            return NGX_ERROR;
        }

        ngx_memcpy(piece->bytes, p, n);
        p += n;

        *link = piece;
        link = &piece->next;
    }

    *link = NULL;

    ngx_rt_tenant_charge_locked(st, e->tenant, (ssize_t) (cost - e->cost));
    rt_txn_set(&st->txn, &e->cost, cost);

    return NGX_OK;
}


static size_t
ngx_rt_setting_cost(size_t len)
{
    size_t  cost, n;

    for (cost = 0; len; len -= n) {
        n = ngx_min(len, NGX_RT_PIECE);
        cost += rt_heap_cost(sizeof(ngx_rt_piece_t) + n);
    }

    return cost;
}


/* it is the latest change of the zone */

static void
ngx_rt_setting_move_locked(ngx_rt_state_t *st, ngx_rt_setting_t *e)
{
    rt_txn_t  *x;

    x = &st->txn;

    if (e->next) {

        rt_txn_set_ptr(x, &e->next->prev, e->prev);

        if (e->prev) {
            rt_txn_set_ptr(x, &e->prev->next, e->next);

        } else {
            rt_txn_set_ptr(x, &st->settings, e->next);
        }

        rt_txn_set_ptr(x, &e->prev, st->settings_last);
        rt_txn_set_ptr(x, &e->next, NULL);
        rt_txn_set_ptr(x, &st->settings_last->next, e);
        rt_txn_set_ptr(x, &st->settings_last, e);
    }

    rt_txn_add(x, &st->settings_serial, 1);
    rt_txn_set(x, &e->serial, st->settings_serial);
}


ngx_int_t
ngx_rt_settings_get(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    ngx_pool_t *pool, ngx_rt_settings_t *s)
{
    ngx_str_t          name;
    ngx_rt_tenant_t   *t;
    ngx_rt_setting_t  *e;

    name = *tenant;

    if (ngx_rt_settings_serial(z) == 0) {
        return NGX_DECLINED;
    }

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(z->state, &name);
    e = t ? t->settings : NULL;

    if (e) {
        ngx_rt_setting_copy_locked(e, s);
    }

    ngx_rt_state_unlock(z);

    return e ? ngx_rt_settings_keep(pool, s) : NGX_DECLINED;
}


uint64_t
ngx_rt_settings_version(ngx_rt_zone_t *z, const ngx_str_t *tenant)
{
    uint64_t          version;
    ngx_str_t         name;
    ngx_rt_tenant_t  *t;

    name = *tenant;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(z->state, &name);
    version = t && t->settings ? t->settings->version : 0;

    ngx_rt_state_unlock(z);

    return version;
}


ngx_int_t
ngx_rt_settings_next(ngx_rt_zone_t *z, uint64_t *serial, ngx_pool_t *pool,
    ngx_str_t *tenant, ngx_rt_settings_t *s)
{
    u_char             name[NGX_RT_TENANT_MAX];
    uint64_t           at;
    ngx_rt_setting_t  *e;

    if (ngx_rt_settings_serial(z) == *serial) {
        return NGX_DECLINED;
    }

    at = 0;
    tenant->len = 0;

    ngx_rt_state_lock(z);

    e = ngx_rt_setting_after_locked(z, *serial);

    if (e) {
        at = e->serial;
        tenant->len = e->tenant->len;
        ngx_memcpy(name, e->tenant->name, tenant->len);

        ngx_rt_setting_copy_locked(e, s);
    }

    z->setting = e;

    ngx_rt_state_unlock(z);

    if (e == NULL) {
        return NGX_DECLINED;
    }

    tenant->data = ngx_pnalloc(pool, tenant->len);
    if (tenant->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(tenant->data, name, tenant->len);

    if (ngx_rt_settings_keep(pool, s) != NGX_OK) {
        return NGX_ERROR;
    }

    *serial = at;

    return NGX_OK;
}


/*
 * The first that changed after the serial.  Who asks for one after the other is
 * not made to search: the last answer, if it is still where it was, is before
 * the next.  A place stays as long as the zone.
 */

static ngx_rt_setting_t *
ngx_rt_setting_after_locked(ngx_rt_zone_t *z, uint64_t serial)
{
    ngx_rt_setting_t  *e;

    e = z->setting;

    if (e && e->serial == serial) {
        return e->next;
    }

    e = z->state->settings_last;

    if (e == NULL || e->serial <= serial) {
        return NULL;
    }

    if (serial == 0) {
        return z->state->settings;
    }

    while (e->prev && e->prev->serial > serial) {
        e = e->prev;
    }

    return e;
}


static void
ngx_rt_setting_copy_locked(ngx_rt_setting_t *e, ngx_rt_settings_t *s)
{
    size_t           n, len;
    u_char          *p;
    ngx_rt_piece_t  *piece;

    p = ngx_rt_settings_text;
    len = e->rules + e->flags;

    for (piece = e->pieces; piece; piece = piece->next) {
        n = ngx_min(len, NGX_RT_PIECE);
        p = ngx_cpymem(p, piece->bytes, n);
        len -= n;
    }

    s->version = e->version;
    s->rules.len = e->rules;
    s->flags.len = e->flags;
}


/* what was read last goes to the pool */

static ngx_int_t
ngx_rt_settings_keep(ngx_pool_t *pool, ngx_rt_settings_t *s)
{
    size_t  len;

    len = s->rules.len + s->flags.len;

    s->rules.data = ngx_pnalloc(pool, len + 1);
    if (s->rules.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(s->rules.data, ngx_rt_settings_text, len);
    s->flags.data = s->rules.data + s->rules.len;

    return NGX_OK;
}
