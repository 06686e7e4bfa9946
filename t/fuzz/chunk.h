
/*
 * For the fuzzers of what is fed in pieces: the input itself says where it is
 * cut.  Its first byte is a number n, then come n lengths of pieces, used in
 * a circle, then the bytes to feed.
 *
 * Each piece is a copy of its own size, so that the sanitizer sees a step
 * past either end; release it before the next.
 */


#ifndef _CHUNK_H_INCLUDED_
#define _CHUNK_H_INCLUDED_


#include <stdint.h>
#include <stdlib.h>
#include <string.h>


#define CHUNK_LENGTHS_MAX  16


typedef struct {
    const uint8_t  *lengths;
    size_t          n;
    size_t          i;
    const uint8_t  *pos;
    const uint8_t  *end;
} chunk_t;


/* what is left of data after it are the bytes to feed: c->pos to c->end */

static inline void
chunk_start(chunk_t *c, const uint8_t *data, size_t size)
{
    memset(c, 0, sizeof(*c));

    c->pos = data;
    c->end = data + size;

    if (size) {
        c->n = *c->pos++ % (CHUNK_LENGTHS_MAX + 1);
    }

    if (c->n > (size_t) (c->end - c->pos)) {
        c->n = c->end - c->pos;
    }

    c->lengths = c->pos;
    c->pos += c->n;
}


/* NULL at the end; a length of 0 is a piece without bytes */

static inline uint8_t *
chunk_next(chunk_t *c, size_t *len)
{
    uint8_t  *copy;

    if (c->pos == c->end) {
        return NULL;
    }

    *len = c->end - c->pos;

    if (c->i < c->n && c->lengths[c->i] < *len) {
        *len = c->lengths[c->i];
    }

    /* after the last from the first; a last one of 0: the rest at once */

    c->i++;

    if (c->i >= c->n && c->n && c->lengths[c->n - 1]) {
        c->i = 0;
    }

    copy = malloc(*len ? *len : 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, c->pos, *len);
    c->pos += *len;

    return copy;
}


#endif /* _CHUNK_H_INCLUDED_ */
