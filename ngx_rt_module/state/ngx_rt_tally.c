
/*
 * Tallies: counters that have names, which are made when something is counted
 * that never was before.  A table of a kind has a fixed number of places; what
 * finds none, or whose owner has its share of them, is counted among the
 * others.  A place is never given back, so a counter never falls.
 *
 * Called by whoever counts, with nothing held.  A name that is there is found
 * without the mutex: its hash is the last word of it that is set.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* places for so many bytes of the zone, from and to */
#define NGX_RT_TALLY_SHARE   16384
#define NGX_RT_TALLY_LEAST   32
#define NGX_RT_TALLY_MOST    2048

/* of a table's an owner may have the fourth part */
#define NGX_RT_TALLY_OWNERS  4

/* bytes of a name; a longer one is among the others */
#define NGX_RT_TALLY_NAME    1024


static ngx_rt_tally_t *ngx_rt_tally_find(ngx_rt_tallies_t *table,
    uint64_t hash, ngx_rt_tally_t **place);
static ngx_rt_tally_t *ngx_rt_tally_create_locked(ngx_rt_state_t *st,
    ngx_rt_tallies_t *table, uint64_t hash, const ngx_str_t *parts,
    ngx_uint_t n);
static ngx_uint_t ngx_rt_tally_shared_out_locked(ngx_rt_tallies_t *table,
    const ngx_str_t *owner);
static uint64_t ngx_rt_tally_hash(ngx_rt_state_t *st, const ngx_str_t *parts,
    ngx_uint_t n);


/* how many places they have, before there is a zone and in it */

size_t
ngx_rt_tally_size(size_t zone)
{
    size_t  n;

    for (n = NGX_RT_TALLY_LEAST;
         n < NGX_RT_TALLY_MOST && 2 * n <= zone / NGX_RT_TALLY_SHARE;
         n *= 2)
    {
        /* void */
    }

    return n;
}


ngx_rt_tally_t *
ngx_rt_tally(ngx_rt_zone_t *z, ngx_rt_tally_e kind, const ngx_str_t *parts,
    ngx_uint_t n)
{
    uint64_t           hash;
    ngx_rt_tally_t    *tally, *place;
    ngx_rt_tallies_t  *table;

    table = &z->state->tallies[kind];
    hash = ngx_rt_tally_hash(z->state, parts, n);

    tally = ngx_rt_tally_find(table, hash, &place);

    if (tally) {
        return tally;
    }

    /* those without a place do not ask for the mutex each time */

    if (*(volatile uint64_t *) &table->n == table->max
        || z->untallied[hash % NGX_RT_UNTALLIED] == hash)
    {
        return &table->others;
    }

    ngx_rt_state_lock(z);

    tally = ngx_rt_tally_create_locked(z->state, table, hash, parts, n);

    ngx_rt_state_unlock(z);

    if (tally == NULL) {
        z->untallied[hash % NGX_RT_UNTALLIED] = hash;
        return &table->others;
    }

    return tally;
}


/* NULL: *place is where it would be; there are always free places */

static ngx_rt_tally_t *
ngx_rt_tally_find(ngx_rt_tallies_t *table, uint64_t hash,
    ngx_rt_tally_t **place)
{
    uint64_t  i, h;

    for (i = hash & table->mask; /* void */; i = (i + 1) & table->mask) {

        h = *(volatile uint64_t *) &table->tallies[i].hash;

        if (h == hash) {
            return &table->tallies[i];
        }

        if (h == 0) {
            *place = &table->tallies[i];
            return NULL;
        }
    }
}


/* NULL: there is no room, or not for its owner */

static ngx_rt_tally_t *
ngx_rt_tally_create_locked(ngx_rt_state_t *st, ngx_rt_tallies_t *table,
    uint64_t hash, const ngx_str_t *parts, ngx_uint_t n)
{
    size_t                len, size;
    u_char               *p;
    ngx_uint_t            i;
    ngx_rt_tally_t       *tally, *place;
    ngx_rt_tally_name_t  *name;

    tally = ngx_rt_tally_find(table, hash, &place);

    if (tally) {
        return tally;
    }

    for (len = 0, i = 0; i < n; i++) {
        len += parts[i].len;
    }

    size = ngx_align(offsetof(ngx_rt_tally_name_t, data) + len, 8);

    if (table->n == table->max || len > NGX_RT_TALLY_NAME
        || size > table->size - table->used
        || ngx_rt_tally_shared_out_locked(table, &parts[0]))
    {
        return NULL;
    }

    name = (ngx_rt_tally_name_t *) (table->names + table->used);
    name->n = (uint16_t) n;
    p = name->data;

    for (i = 0; i < n; i++) {
        name->len[i] = (uint16_t) parts[i].len;
        p = rt_append(p, parts[i].data, parts[i].len);
    }

    rt_txn_set_ptr(&st->txn, &place->name, name);
    rt_txn_set(&st->txn, &place->hash, hash);
    rt_txn_add(&st->txn, &table->used, size);
    rt_txn_add(&st->txn, &table->n, 1);

    return rt_txn_commit(&st->txn) ? place : NULL;
}


static ngx_uint_t
ngx_rt_tally_shared_out_locked(ngx_rt_tallies_t *table,
    const ngx_str_t *owner)
{
    uint64_t              i;
    ngx_uint_t            n;
    ngx_rt_tally_name_t  *name;

    for (n = 0, i = 0; i <= table->mask; i++) {
        name = table->tallies[i].hash ? table->tallies[i].name : NULL;

        n += name && name->len[0] == owner->len
             && ngx_memcmp(name->data, owner->data, owner->len) == 0;
    }

    return n >= table->max / NGX_RT_TALLY_OWNERS;
}


/* with the zone's secret, so that nobody chooses names that are one */

static uint64_t
ngx_rt_tally_hash(ngx_rt_state_t *st, const ngx_str_t *parts, ngx_uint_t n)
{
    uint64_t       hash;
    ngx_uint_t     i;
    rt_hash_key_t  key;

    key = st->hash_key;
    hash = n;

    for (i = 0; i < n; i++) {
        key.k0 = st->hash_key.k0 ^ hash;
        hash = rt_hash(&key, parts[i].data, parts[i].len);
    }

    return hash ? hash : 1;
}


ngx_int_t
ngx_rt_tally_copy(ngx_rt_zone_t *z, ngx_rt_tally_e kind, ngx_pool_t *pool,
    ngx_array_t *tallies)
{
    uint64_t           i;
    ngx_rt_tally_t    *to;
    ngx_rt_tallies_t  *table;

    table = &z->state->tallies[kind];

    if (ngx_array_init(tallies, pool, table->max + 1, sizeof(ngx_rt_tally_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    to = tallies->elts;

    ngx_rt_state_lock(z);

    for (i = 0; i <= table->mask; i++) {
        if (table->tallies[i].hash) {
            to[tallies->nelts++] = table->tallies[i];
        }
    }

    ngx_rt_state_unlock(z);

    to[tallies->nelts++] = table->others;

    return NGX_OK;
}


void
ngx_rt_tally_part(const ngx_rt_tally_t *tally, ngx_uint_t i, ngx_str_t *part)
{
    ngx_uint_t  k;

    ngx_str_set(part, "");

    if (tally->name == NULL || i >= tally->name->n) {
        return;
    }

    part->data = tally->name->data;
    part->len = tally->name->len[i];

    for (k = 0; k < i; k++) {
        part->data += tally->name->len[k];
    }
}
