
/*
 * Ranges: what someone wants of a stream, however many pages it takes.  The
 * pages are held until the pool is destroyed, so that nothing is copied; so
 * some ranges are read at once, and others wait for their turn with nothing.
 *
 * Called by the API and by the protocol for what a copy does not have, or where
 * there is none that is fresh.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_stream_page.h"
#include "ngx_rt_stream_read.h"


/*
 * Of a worker: ranges that are read, bytes held by pages beyond which no other
 * one begins, and those beyond which each ends with what it has.
 */
#define NGX_RT_RANGES       64
#define NGX_RT_RANGE_BYTES  (16 * 1024 * 1024)
#define NGX_RT_RANGE_MOST   (32 * 1024 * 1024)


struct ngx_rt_reading_s {
    ngx_rt_reader_t            reader;
    ngx_queue_t                queue;         /* of those that wait */
    unsigned                   waiting:1;
    unsigned                   active:1;
    ngx_rt_range_t            *range;
    ngx_rt_page_want_t         want;
    ngx_uint_t                 pages;
};


static ngx_uint_t ngx_rt_range_may(void);
static ngx_int_t ngx_rt_range_begin(ngx_rt_range_t *r);
static ngx_int_t ngx_rt_range_read(ngx_rt_range_t *r);
static void ngx_rt_range_end(ngx_rt_reading_t *reading);
static void ngx_rt_ranges_handler(ngx_event_t *ev);
static void ngx_rt_range_finish(ngx_rt_range_t *r, ngx_int_t rc);
static void ngx_rt_range_handler(ngx_rt_reader_t *reader,
    ngx_rt_leaf_t *leaf);
static ngx_int_t ngx_rt_range_keep(ngx_rt_range_t *r, ngx_rt_leaf_t *leaf);
static ngx_int_t ngx_rt_range_take(ngx_rt_range_t *r, ngx_rt_leaf_t *leaf);
static void ngx_rt_range_cleanup(void *data);
static void ngx_rt_range_leaf_cleanup(void *data);


static ngx_queue_t  ngx_rt_ranges_waiting;
static ngx_uint_t   ngx_rt_ranges;
static ngx_event_t  ngx_rt_ranges_event;


void
ngx_rt_range_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_rt_ranges_waiting);

    ngx_rt_ranges_event.handler = ngx_rt_ranges_handler;
    ngx_rt_ranges_event.log = cycle->log;
}


ngx_int_t
ngx_rt_stream_range(ngx_rt_range_t *r, ngx_rt_namespace_t *ns)
{
    ngx_pool_cleanup_t  *cln;
    ngx_rt_reading_t    *reading;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_rt_reading_t));

    if (cln == NULL
        || ngx_array_init(&r->list, r->pool, 16, sizeof(rt_publication_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    reading = cln->data;

    ngx_memzero(reading, sizeof(ngx_rt_reading_t));

    cln->handler = ngx_rt_range_cleanup;

    reading->reader.handler = ngx_rt_range_handler;
    reading->range = r;
    reading->want.tenant = *r->slice.tenant;
    reading->want.channel = *r->slice.channel;
    reading->want.to = r->slice.to;
    reading->want.reverse = r->slice.reverse;
    reading->want.history = ns->history;
    reading->want.ttl = ns->ttl;
    reading->want.bytes = NGX_RT_READ_BYTES;
    reading->want.open = 1;

    r->reading = reading;

    if (ngx_queue_empty(&ngx_rt_ranges_waiting) && ngx_rt_range_may()) {
        return ngx_rt_range_begin(r);
    }

    if (!ngx_rt_redis_ready()) {
        return NGX_DECLINED;
    }

    reading->waiting = 1;
    ngx_queue_insert_tail(&ngx_rt_ranges_waiting, &reading->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_range_begin(ngx_rt_range_t *r)
{
    if (ngx_rt_range_read(r) != NGX_OK) {
        return NGX_DECLINED;
    }

    r->reading->active = 1;
    ngx_rt_ranges++;

    return NGX_OK;
}


/* another one may begin: there is none, or all hold little */

static ngx_uint_t
ngx_rt_range_may(void)
{
    return ngx_rt_ranges == 0
           || (ngx_rt_ranges < NGX_RT_RANGES
               && ngx_rt_leaf_bytes < NGX_RT_RANGE_BYTES);
}


/* what it has read is still held, but not for long */

static void
ngx_rt_range_end(ngx_rt_reading_t *reading)
{
    if (reading->waiting) {
        reading->waiting = 0;
        ngx_queue_remove(&reading->queue);
    }

    if (reading->active) {
        reading->active = 0;
        ngx_rt_ranges--;

        if (!ngx_queue_empty(&ngx_rt_ranges_waiting)
            && !ngx_rt_ranges_event.posted)
        {
            ngx_post_event(&ngx_rt_ranges_event, &ngx_posted_events);
        }
    }
}


static void
ngx_rt_ranges_handler(ngx_event_t *ev)
{
    ngx_queue_t       *q;
    ngx_rt_reading_t  *reading;

    while (!ngx_queue_empty(&ngx_rt_ranges_waiting) && ngx_rt_range_may()) {
        q = ngx_queue_head(&ngx_rt_ranges_waiting);
        reading = ngx_queue_data(q, ngx_rt_reading_t, queue);

        reading->waiting = 0;
        ngx_queue_remove(q);

        if (ngx_rt_range_begin(reading->range) != NGX_OK) {
            ngx_rt_range_finish(reading->range, NGX_DECLINED);
        }
    }
}


static void
ngx_rt_range_finish(ngx_rt_range_t *r, ngx_int_t rc)
{
    ngx_rt_range_end(r->reading);

    r->handler(r, rc);
}


static ngx_int_t
ngx_rt_range_read(ngx_rt_range_t *r)
{
    ngx_rt_page_want_t  *want;

    want = &r->reading->want;

    want->from = r->slice.from;
    want->max = ngx_min(r->slice.max, NGX_RT_READ_PAGE);

    return ngx_rt_page_read(want, &r->reading->reader);
}


static void
ngx_rt_range_handler(ngx_rt_reader_t *reader, ngx_rt_leaf_t *leaf)
{
    ngx_int_t          rc;
    ngx_rt_range_t    *r;
    ngx_rt_reading_t  *reading;

    reading = (ngx_rt_reading_t *) reader;
    r = reading->range;

    if (leaf == NULL) {
        ngx_rt_range_finish(r, NGX_DECLINED);
        return;
    }

    if (reading->pages++ == 0) {
        r->slice.top = leaf->top;

    } else if (leaf->top.source != r->slice.top.source) {

        /* what was read stays true */

        ngx_rt_range_finish(r, NGX_OK);
        return;
    }

    rc = ngx_rt_range_keep(r, leaf);

    if (rc == NGX_AGAIN) {
        reading->want.open = 0;
        rc = ngx_rt_range_read(r);

        if (rc == NGX_OK) {
            return;
        }
    }

    ngx_rt_range_finish(r, rc == NGX_DONE ? NGX_OK : rc);
}


/* NGX_DONE: that was all; NGX_AGAIN: there is more */

static ngx_int_t
ngx_rt_range_keep(ngx_rt_range_t *r, ngx_rt_leaf_t *leaf)
{
    ngx_pool_cleanup_t  *cln;

    if (leaf->n == 0) {
        return NGX_DONE;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ngx_rt_leaf_take(leaf);

    cln->handler = ngx_rt_range_leaf_cleanup;
    cln->data = leaf;

    return ngx_rt_range_take(r, leaf);
}


static ngx_int_t
ngx_rt_range_take(ngx_rt_range_t *r, ngx_rt_leaf_t *leaf)
{
    size_t             size;
    ngx_uint_t         i;
    ngx_rt_slice_t    *s;
    rt_publication_t  *pub;

    s = &r->slice;

    for (i = 0; i < leaf->n; i++) {
        size = leaf->pubs[i].data.len + leaf->pubs[i].tags.len;

        if (s->max == 0 || (r->list.nelts && size > s->bytes)) {
            return NGX_DONE;
        }

        pub = ngx_array_push(&r->list);
        if (pub == NULL) {
            return NGX_ERROR;
        }

        *pub = leaf->pubs[i];

        s->from = s->reverse ? pub->offset - 1 : pub->offset + 1;
        s->max--;
        s->bytes -= ngx_min(s->bytes, size);
    }

    if (!leaf->more || s->max == 0 || s->bytes == 0
        || ngx_rt_leaf_bytes > NGX_RT_RANGE_MOST)
    {
        return NGX_DONE;
    }

    return NGX_AGAIN;
}


static void
ngx_rt_range_cleanup(void *data)
{
    ngx_rt_reading_t *reading = data;

    ngx_rt_range_end(reading);
    ngx_rt_page_forget(&reading->reader);
}


static void
ngx_rt_range_leaf_cleanup(void *data)
{
    ngx_rt_leaf_release(data);
}
