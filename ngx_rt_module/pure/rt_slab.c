
/*
 * The slab.  Called wherever a worker has very many of a thing: connections,
 * subscriptions, references to batches.  No locking: a process's own.
 */


#include "rt_slab.h"
#include "rt_poison.h"

#define RT_SLAB_HEAD  64


typedef struct rt_slab_free_s {
    struct rt_slab_free_s  *next;
} rt_slab_free_t;


struct rt_slab_chunk_s {
    rt_slab_chunk_t  *next;       /* in the ring of partial ones */
    rt_slab_chunk_t  *prev;
    rt_slab_free_t   *free;       /* that were given out before */
    unsigned          fresh;      /* objects never given out: the last ones */
    unsigned          used;
};


static rt_slab_chunk_t *rt_slab_chunk_create(rt_slab_t *s);
static void rt_slab_insert(rt_slab_t *s, rt_slab_chunk_t *chunk);
static void rt_slab_remove(rt_slab_t *s, rt_slab_chunk_t *chunk);


void
rt_slab_init(rt_slab_t *s, size_t size, unsigned keep,
    void *(*take)(size_t size), void (*give)(void *chunk))
{
    memset(s, 0, sizeof(rt_slab_t));

    s->size = (size + 7) & ~(size_t) 7;
    s->capacity = (unsigned) ((RT_SLAB_CHUNK - RT_SLAB_HEAD) / s->size);
    s->keep = keep;
    s->take = take;
    s->give = give;
}


void *
rt_slab_alloc(rt_slab_t *s)
{
    void             *p;
    rt_slab_chunk_t  *chunk;

    chunk = s->partial;

    if (chunk == NULL) {
        chunk = rt_slab_chunk_create(s);
        if (chunk == NULL) {
            return NULL;
        }
    }

    if (chunk->free) {
        p = chunk->free;
        rt_unpoison_link(p, sizeof(rt_slab_free_t));
        chunk->free = chunk->free->next;
        rt_unpoison(p, s->size);

    } else {
        p = (uint8_t *) chunk + RT_SLAB_HEAD
            + (s->capacity - chunk->fresh) * s->size;
        rt_unpoison(p, s->size);
        chunk->fresh--;
    }

    if (chunk->used++ == 0) {
        s->empty--;
    }

    if (chunk->used == s->capacity) {
        rt_slab_remove(s, chunk);
    }

    s->used++;

    return p;
}


void
rt_slab_free(rt_slab_t *s, void *p)
{
    rt_slab_free_t   *object;
    rt_slab_chunk_t  *chunk;

    object = p;
    chunk = (rt_slab_chunk_t *)
            ((uintptr_t) p & ~(uintptr_t) (RT_SLAB_CHUNK - 1));

    object->next = chunk->free;
    chunk->free = object;
    rt_poison(object, s->size);

    if (chunk->used == s->capacity) {
        rt_slab_insert(s, chunk);
    }

    chunk->used--;
    s->used--;

    if (chunk->used) {
        return;
    }

    if (s->empty < s->keep) {
        s->empty++;
        return;
    }

    rt_slab_remove(s, chunk);
    s->chunks--;
    rt_unpoison(chunk, RT_SLAB_CHUNK);
    s->give(chunk);
}


/* only what is given out is touched */

static rt_slab_chunk_t *
rt_slab_chunk_create(rt_slab_t *s)
{
    rt_slab_chunk_t  *chunk;

    chunk = s->take(RT_SLAB_CHUNK);
    if (chunk == NULL) {
        return NULL;
    }

    memset(chunk, 0, sizeof(rt_slab_chunk_t));
    chunk->fresh = s->capacity;

    rt_poison((uint8_t *) chunk + RT_SLAB_HEAD, RT_SLAB_CHUNK - RT_SLAB_HEAD);

    rt_slab_insert(s, chunk);
    s->empty++;
    s->chunks++;

    return chunk;
}


static void
rt_slab_insert(rt_slab_t *s, rt_slab_chunk_t *chunk)
{
    if (s->partial == NULL) {
        chunk->next = chunk;
        chunk->prev = chunk;
        s->partial = chunk;
        return;
    }

    /* the last of the ring: what is in use is filled first */

    chunk->next = s->partial;
    chunk->prev = s->partial->prev;
    chunk->prev->next = chunk;
    chunk->next->prev = chunk;
}


static void
rt_slab_remove(rt_slab_t *s, rt_slab_chunk_t *chunk)
{
    if (chunk->next == chunk) {
        s->partial = NULL;
        return;
    }

    chunk->prev->next = chunk->next;
    chunk->next->prev = chunk->prev;

    if (s->partial == chunk) {
        s->partial = chunk->next;
    }
}
