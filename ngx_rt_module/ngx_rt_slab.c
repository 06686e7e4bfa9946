
/*
 * The slab (pure/rt_slab.h) over pages of the system's, so that the memory of a
 * burst goes back when it is over.
 */


#include "ngx_rt.h"

#include <sys/mman.h>


static void *ngx_rt_slab_take(size_t size);
static void ngx_rt_slab_give(void *chunk);


void
ngx_rt_slab_init(rt_slab_t *s, size_t size, ngx_uint_t keep)
{
    rt_slab_init(s, size, keep, ngx_rt_slab_take, ngx_rt_slab_give);
}


/* twice as much has it aligned somewhere; what is around it goes back */

static void *
ngx_rt_slab_take(size_t size)
{
    u_char  *p, *chunk;
    size_t   before;

    p = mmap(NULL, 2 * size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS,
             -1, 0);

    if (p == MAP_FAILED) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                      "rt: mmap() of %uz bytes failed", 2 * size);
        return NULL;
    }

    chunk = ngx_align_ptr(p, size);
    before = chunk - p;

    if (before) {
        (void) munmap(p, before);
    }

    (void) munmap(chunk + size, size - before);

    return chunk;
}


static void
ngx_rt_slab_give(void *chunk)
{
    (void) munmap(chunk, RT_SLAB_CHUNK);
}
