
/*
 * For builds with sanitizers: what the module takes from nginx's pools is
 * memory of its own, with a red zone, not a piece of a larger block.
 */


#ifndef _NOPOOL_H_INCLUDED_
#define _NOPOOL_H_INCLUDED_

/* configure's tests are compiled with it, too */
#if __has_include(<ngx_config.h>)

#include <ngx_config.h>
#include <ngx_core.h>


static inline void *
nopool_calloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_pmemalign(pool, size, NGX_ALIGNMENT);

    return p ? memset(p, 0, size) : NULL;
}


#define ngx_palloc(pool, size)   ngx_pmemalign(pool, size, NGX_ALIGNMENT)
#define ngx_pnalloc(pool, size)  ngx_pmemalign(pool, size, NGX_ALIGNMENT)
#define ngx_pcalloc              nopool_calloc

#endif

#endif /* _NOPOOL_H_INCLUDED_ */
