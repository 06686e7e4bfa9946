
/*
 * Batches: memory for encoded frames, counted by reference, of a worker's own,
 * on the account of the tenant whose frames they are.
 * Sizes are powers of two; small ones come from and go to free lists, so that
 * the hot path allocates nothing once it is warm.
 */


#include "ngx_rt.h"
#include "ngx_rt_egress.h"
#include "rt_poison.h"


#define NGX_RT_BATCH_MIN_SHIFT  8
#define NGX_RT_BATCH_MAX_SHIFT  16
#define NGX_RT_BATCH_CLASSES                                                  \
    (NGX_RT_BATCH_MAX_SHIFT - NGX_RT_BATCH_MIN_SHIFT + 1)
#define NGX_RT_BATCH_UNCACHED   NGX_RT_BATCH_CLASSES

/* bytes kept in the free list of a class */
#define NGX_RT_BATCH_KEEP       (1024 * 1024)


static struct {
    ngx_rt_batch_t  *free;
    ngx_uint_t       count;
} ngx_rt_batches[NGX_RT_BATCH_CLASSES];


ngx_rt_batch_t *
ngx_rt_batch_create(size_t size, ngx_rt_account_t *account)
{
    size_t           total;
    ngx_uint_t       class;
    ngx_rt_batch_t  *b;

    total = size + sizeof(ngx_rt_batch_t);

    for (class = 0; class < NGX_RT_BATCH_CLASSES; class++) {

        if (total <= (size_t) 1 << (class + NGX_RT_BATCH_MIN_SHIFT)) {
            total = (size_t) 1 << (class + NGX_RT_BATCH_MIN_SHIFT);
            break;
        }
    }

    b = NULL;

    if (class < NGX_RT_BATCH_CLASSES && ngx_rt_batches[class].free) {
        b = ngx_rt_batches[class].free;
        ngx_rt_batches[class].free = b->next;
        ngx_rt_batches[class].count--;

    } else {
        b = ngx_alloc(total, ngx_cycle->log);
        if (b == NULL) {
            return NULL;
        }
    }

    ngx_rt_account_take(account, total);

    ngx_memzero(b, sizeof(ngx_rt_batch_t));

    b->account = account;
    b->refs = 1;
    b->class = class;
    b->size = total - sizeof(ngx_rt_batch_t);

    return b;
}


void
ngx_rt_batch_release(ngx_rt_batch_t *b)
{
    ngx_uint_t  class;

    if (--b->refs) {
        return;
    }

    ngx_rt_account_give(b->account, b->size + sizeof(ngx_rt_batch_t));

    class = b->class;

    if (RT_REUSE
        && class < NGX_RT_BATCH_CLASSES
        && ngx_rt_batches[class].count
           < ((size_t) NGX_RT_BATCH_KEEP >> (class + NGX_RT_BATCH_MIN_SHIFT)))
    {
        b->next = ngx_rt_batches[class].free;
        ngx_rt_batches[class].free = b;
        ngx_rt_batches[class].count++;
        return;
    }

    ngx_free(b);
}


ngx_int_t
ngx_rt_batch_reserve(ngx_rt_batch_t **bp, size_t len)
{
    ngx_rt_batch_t  *b, *old;

    old = *bp;

    if (len <= old->size - old->len) {
        return NGX_OK;
    }

    b = ngx_rt_batch_create(ngx_max(old->len + len, 2 * old->len),
                            old->account);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->slow = old->slow;
    b->messages = old->messages;
    b->newest = old->newest;
    b->channel = old->channel;
    b->first = old->first;
    b->last = old->last;
    b->len = old->len;
    ngx_memcpy(b->data, old->data, old->len);

    ngx_rt_batch_release(old);

    *bp = b;

    return NGX_OK;
}
