
/*
 * What every file of pure/ stands on: integers, byte strings, results.
 * Nothing here or beside it knows nginx; buffers, the time and randomness
 * come from the caller, and nothing allocates.
 */


#ifndef _RT_BASE_H_INCLUDED_
#define _RT_BASE_H_INCLUDED_


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>


typedef struct {
    size_t    len;
    uint8_t  *data;               /* not terminated; NULL: not there */
} rt_str_t;


#define rt_string(s)    { sizeof(s) - 1, (uint8_t *) s }
#define rt_min(a, b)    (((a) < (b)) ? (a) : (b))
#define rt_max(a, b)    (((a) > (b)) ? (a) : (b))

#define rt_likely(e)    __builtin_expect(!!(e), 1)
#define rt_unlikely(e)  __builtin_expect(!!(e), 0)


static inline bool
rt_str_eq(const rt_str_t *s, const char *z)
{
    size_t  len;

    len = strlen(z);

    return s->len == len && memcmp(s->data, z, len) == 0;
}


/* returns the end; memcpy() must not be given NULL, not even for nothing */

static inline uint8_t *
rt_append(uint8_t *p, const void *data, size_t len)
{
    if (len) {
        memcpy(p, data, len);
    }

    return p + len;
}


#endif /* _RT_BASE_H_INCLUDED_ */
