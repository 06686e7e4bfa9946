
/*
 * UTF-8 (RFC 3629) checked as it arrives, cut at any byte, in wide words
 * where it is ASCII.  Fails at the first byte that no continuation can mend.
 */


#ifndef _RT_UTF8_H_INCLUDED_
#define _RT_UTF8_H_INCLUDED_


#include "rt_base.h"


/* zeroed: between two characters */
typedef struct {
    uint8_t  left;                /* continuation bytes still to come */
    uint8_t  low;                 /* bounds of the next one, if left > 0 */
    uint8_t  high;
} rt_utf8_t;


/* false: the text is not UTF-8, whatever follows; feed no more */
bool rt_utf8_feed(rt_utf8_t *u, const uint8_t *p, size_t len);

/* true: the text may end here */
static inline bool
rt_utf8_complete(const rt_utf8_t *u)
{
    return u->left == 0;
}

/* a whole text at once */
bool rt_utf8_valid(const uint8_t *p, size_t len);


#endif /* _RT_UTF8_H_INCLUDED_ */
