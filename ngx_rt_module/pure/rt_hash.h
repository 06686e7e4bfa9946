
/*
 * SipHash-1-3 with a secret of 128 bits: names that clients choose cannot be
 * chosen to collide.
 */


#ifndef _RT_HASH_H_INCLUDED_
#define _RT_HASH_H_INCLUDED_


#include "rt_base.h"


typedef struct {
    uint64_t  k0;
    uint64_t  k1;
} rt_hash_key_t;


uint64_t rt_hash(const rt_hash_key_t *key, const uint8_t *p, size_t len);

/* the family: c rounds a block, d at the end; tests use it for SipHash-2-4 */
uint64_t rt_hash_rounds(const rt_hash_key_t *key, const uint8_t *p,
    size_t len, unsigned c, unsigned d);

/*
 * SipHash-2-4 with 128 bits, low word first: texts that agree in it agree, for
 * all who do not have the key.
 */
void rt_hash128(const rt_hash_key_t *key, const uint8_t *p, size_t len,
    uint64_t h[2]);


#endif /* _RT_HASH_H_INCLUDED_ */
