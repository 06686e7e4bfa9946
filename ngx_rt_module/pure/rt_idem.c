
/*
 * The table of idempotency keys: see rt_idem.h.
 *
 * Called by state/ with the zone's mutex held, but for the digests, which need
 * none; calls rt_txn and rt_hash.  Memory comes from the caller.
 */


#include "rt_idem.h"


static rt_idem_t **
rt_idem_bucket(const rt_idem_table_t *t, uint64_t hash)
{
    return &t->buckets[hash & t->mask];
}


/* the same key of two owners is two keys, in two buckets mostly */

static uint64_t
rt_idem_hash(const void *owner, const rt_idem_key_t *k)
{
    return k->hash ^ ((uint64_t) (uintptr_t) owner * 0x9e3779b97f4a7c15);
}


void
rt_content_data(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *data)
{
    rt_hash128(hash, data->data, data->len, c->data);
}


void
rt_content_type(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *type, uint64_t version)
{
    rt_hash128(hash, type->data, type->len, c->type);
    c->version = version;
}


/* a sum of digests does not know their order */

void
rt_content_tag(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *name, const rt_str_t *value)
{
    uint64_t  h[2], both[4];

    rt_hash128(hash, name->data, name->len, both);
    rt_hash128(hash, value->data, value->len, both + 2);
    rt_hash128(hash, (uint8_t *) both, sizeof(both), h);

    c->tags[0] += h[0];
    c->tags[1] += h[1];
}


void
rt_idem_key(rt_idem_key_t *k, const rt_hash_key_t *hash,
    const rt_str_t *scope, const rt_str_t *name,
    const rt_hash_key_t *content, const rt_content_t *c)
{
    uint64_t  both[2];

    k->scope = *scope;
    k->name = *name;

    both[0] = rt_hash(hash, scope->data, scope->len);
    both[1] = rt_hash(hash, name->data, name->len);

    k->hash = rt_hash(hash, (uint8_t *) both, sizeof(both));

    rt_hash128(content, (const uint8_t *) c, sizeof(rt_content_t), k->digest);
}


rt_idem_t *
rt_idem_lookup(const rt_idem_table_t *t, const void *owner,
    const rt_idem_key_t *k, uint64_t now)
{
    uint64_t    hash;
    rt_idem_t  *e;

    hash = rt_idem_hash(owner, k);

    for (e = *rt_idem_bucket(t, hash); e; e = e->next) {

        if (e->hash == hash && e->owner == owner
            && e->scope == k->scope.len && e->name == k->name.len
            && memcmp(e->text, k->scope.data, e->scope) == 0
            && memcmp(e->text + e->scope, k->name.data, e->name) == 0)
        {
            /* older ones of the key stand behind it, and are over too */

            return now < e->until ? e : NULL;
        }
    }

    return NULL;
}


bool
rt_idem_same(const rt_idem_t *e, const rt_idem_key_t *k)
{
    return e->digest[0] == k->digest[0] && e->digest[1] == k->digest[1];
}


size_t
rt_idem_size(const rt_idem_key_t *k)
{
    return sizeof(rt_idem_t) + k->scope.len + k->name.len;
}


void
rt_idem_link(rt_idem_table_t *t, rt_txn_t *x, rt_idem_t *mem, void *owner,
    const rt_idem_key_t *k, uint64_t until)
{
    rt_idem_t  **bucket;

    mem->owner = owner;
    mem->hash = rt_idem_hash(owner, k);
    mem->digest[0] = k->digest[0];
    mem->digest[1] = k->digest[1];
    mem->until = until;
    mem->offset = 0;
    mem->epoch = 0;
    mem->time = 0;
    mem->scope = (uint32_t) k->scope.len;
    mem->name = (uint32_t) k->name.len;

    memcpy(mem->text, k->scope.data, k->scope.len);
    memcpy(mem->text + k->scope.len, k->name.data, k->name.len);

    bucket = rt_idem_bucket(t, mem->hash);

    mem->next = *bucket;
    mem->later = NULL;

    rt_txn_set_ptr(x, bucket, mem);
    rt_txn_set_ptr(x, t->last ? &t->last->later : &t->first, mem);
    rt_txn_set_ptr(x, &t->last, mem);
}


rt_idem_t *
rt_idem_expire(rt_idem_table_t *t, rt_txn_t *x, uint64_t now)
{
    rt_idem_t  *e, **p;

    e = t->first;

    if (e == NULL || now < e->until) {
        return NULL;
    }

    for (p = rt_idem_bucket(t, e->hash); *p != e; p = &(*p)->next) {
        /* void */
    }

    rt_txn_set_ptr(x, p, e->next);
    rt_txn_set_ptr(x, &t->first, e->later);

    if (e->later == NULL) {
        rt_txn_set_ptr(x, &t->last, NULL);
    }

    return e;
}
