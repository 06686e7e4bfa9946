
/*
 * Leaves: what was read of a stream, as Redis answered it, looked at entry by
 * entry, and kept in one block for as long as someone holds it; how much that
 * is who asks for more looks at.
 *
 * Called by ngx_rt_stream_page.c and those who read pages.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_stream_page.h"
#include "ngx_rt_stream_read.h"


static ngx_int_t ngx_rt_leaf_entries(ngx_rt_page_want_t *want,
    ngx_rt_read_t *read, rt_publication_t *pubs, size_t *size);
static u_char *ngx_rt_leaf_copy(u_char *p, rt_publication_t *pub);


/* what of a publication is text */
static const size_t  ngx_rt_leaf_texts[] = {
    offsetof(rt_publication_t, data),
    offsetof(rt_publication_t, tags),
    offsetof(rt_publication_t, info.user),
    offsetof(rt_publication_t, info.client),
    offsetof(rt_publication_t, info.conn_info),
    offsetof(rt_publication_t, info.chan_info)
};

#define NGX_RT_LEAF_TEXTS                                                     \
    (sizeof(ngx_rt_leaf_texts) / sizeof(ngx_rt_leaf_texts[0]))

#define ngx_rt_leaf_text(pub, i)                                              \
    ((rt_str_t *) ((u_char *) (pub) + ngx_rt_leaf_texts[i]))


size_t  ngx_rt_leaf_bytes;


ngx_rt_leaf_t *
ngx_rt_leaf_parse(ngx_rt_page_want_t *want, redisReply *reply)
{
    size_t            size;
    u_char           *p;
    ngx_uint_t        i;
    ngx_rt_leaf_t    *leaf;
    ngx_rt_read_t     read;
    rt_publication_t  pubs[NGX_RT_READ_PAGE];

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4
        || reply->element[2]->type != REDIS_REPLY_ARRAY
        || reply->element[3]->type != REDIS_REPLY_INTEGER
        || ngx_rt_stream_read_top(reply->element[0], reply->element[1],
                                  &read.top)
           != NGX_OK)
    {
        return NULL;
    }

    read.n = reply->element[2]->elements;
    read.entries = reply->element[2]->element;

    ngx_rt_count(read_entries, read.n);

    size = sizeof(ngx_rt_leaf_t) + read.n * sizeof(rt_publication_t);

    if (ngx_rt_leaf_entries(want, &read, pubs, &size) != NGX_OK) {
        return NULL;
    }

    leaf = ngx_alloc(size, ngx_cycle->log);
    if (leaf == NULL) {
        return NULL;
    }

    leaf->refs = 1;
    leaf->top = read.top;
    leaf->more = reply->element[3]->integer != 0;
    leaf->n = read.n;
    leaf->size = size;

    p = (u_char *) &leaf->pubs[leaf->n];

    for (i = 0; i < leaf->n; i++) {
        leaf->pubs[i] = pubs[i];
        p = ngx_rt_leaf_copy(p, &leaf->pubs[i]);
    }

    ngx_rt_leaf_bytes += size;

    return leaf;
}


/* each is the next one, and one that was asked for */

static ngx_int_t
ngx_rt_leaf_entries(ngx_rt_page_want_t *want, ngx_rt_read_t *read,
    rt_publication_t *pubs, size_t *size)
{
    uint64_t              least, most;
    ngx_uint_t            i, j;
    ngx_rt_read_entry_t   e;

    least = want->reverse ? want->to : want->from;
    most = want->reverse ? want->from : want->to;

    if (read->n > want->max || (read->n && read->top.source == 0)) {
        return NGX_ERROR;
    }

    for (i = 0; i < read->n; i++) {

        if (ngx_rt_stream_read_entry(read, i, &e) != NGX_OK
            || e.at.offset < least || e.at.offset > most
            || e.at.offset > read->top.offset
            || (i && e.at.offset != (want->reverse ? pubs[i - 1].offset - 1
                                                   : pubs[i - 1].offset + 1)))
        {
            return NGX_ERROR;
        }

        pubs[i] = e.pub;
        pubs[i].offset = e.at.offset;

        for (j = 0; j < NGX_RT_LEAF_TEXTS; j++) {
            *size += ngx_rt_leaf_text(&pubs[i], j)->len;
        }
    }

    return NGX_OK;
}


/* what was not said stays so */

static u_char *
ngx_rt_leaf_copy(u_char *p, rt_publication_t *pub)
{
    rt_str_t    *text;
    ngx_uint_t   i;

    for (i = 0; i < NGX_RT_LEAF_TEXTS; i++) {
        text = ngx_rt_leaf_text(pub, i);

        if (text->data) {
            ngx_memcpy(p, text->data, text->len);
            text->data = p;
            p += text->len;
        }
    }

    return p;
}


void
ngx_rt_leaf_take(ngx_rt_leaf_t *leaf)
{
    leaf->refs++;
}


void
ngx_rt_leaf_release(ngx_rt_leaf_t *leaf)
{
    if (--leaf->refs == 0) {
        ngx_rt_leaf_bytes -= leaf->size;
        ngx_free(leaf);
    }
}
