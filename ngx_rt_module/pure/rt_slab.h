
/*
 * Memory for many small things of one size, close together: what a loop over
 * thousands of them touches lies on few pages.  A process's own, not shared.
 *
 * Objects come from chunks, which the caller's functions take and give back.
 * They are aligned to their size, so that an object finds its chunk by its
 * address.  An object that is freed is the next to be given out from its chunk;
 * a chunk whose objects are all free goes back, but for `keep` of them.
 */


#ifndef _RT_SLAB_H_INCLUDED_
#define _RT_SLAB_H_INCLUDED_


#include "rt_base.h"


#define RT_SLAB_CHUNK  (32 * 1024)


typedef struct rt_slab_chunk_s  rt_slab_chunk_t;

typedef struct {
    size_t            size;       /* of an object, a multiple of 8 */
    unsigned          capacity;   /* objects of a chunk */
    unsigned          keep;       /* empty chunks that are not given back */
    unsigned          empty;
    unsigned          chunks;
    size_t            used;       /* objects */
    void           *(*take)(size_t size);
    void            (*give)(void *chunk);
    rt_slab_chunk_t  *partial;    /* chunks with something free, in a ring */
} rt_slab_t;


/*
 * size: of an object, up to a quarter of a chunk.  take: RT_SLAB_CHUNK bytes,
 * aligned to as many, or NULL.
 */
void rt_slab_init(rt_slab_t *s, size_t size, unsigned keep,
    void *(*take)(size_t size), void (*give)(void *chunk));

/* aligned to 64 bytes if size is a multiple of it, else to 8; NULL: none */
void *rt_slab_alloc(rt_slab_t *s);
void rt_slab_free(rt_slab_t *s, void *p);


#endif /* _RT_SLAB_H_INCLUDED_ */
