
/*
 * SipHash as its paper defines it (Aumasson and Bernstein, 2012).  Owns
 * nothing; called by whoever keeps a table of names.  No locking: no state.
 */


#include "rt_hash.h"


typedef struct {
    uint64_t  v0;
    uint64_t  v1;
    uint64_t  v2;
    uint64_t  v3;
} rt_hash_state_t;


static inline uint64_t
rt_hash_rotl(uint64_t x, unsigned n)
{
    return (x << n) | (x >> (64 - n));
}


/* eight bytes, the first one lowest */
static inline uint64_t
rt_hash_word(const uint8_t *p)
{
    uint64_t  w;

    memcpy(&w, p, sizeof(w));

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    w = __builtin_bswap64(w);
#endif

    return w;
}


static inline void
rt_hash_mix(rt_hash_state_t *s, unsigned rounds)
{
    while (rounds--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rt_hash_rotl(s->v1, 13) ^ s->v0;
        s->v3 = rt_hash_rotl(s->v3, 16) ^ s->v2;
        s->v0 = rt_hash_rotl(s->v0, 32);

        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rt_hash_rotl(s->v1, 17) ^ s->v2;
        s->v3 = rt_hash_rotl(s->v3, 21) ^ s->v0;
        s->v2 = rt_hash_rotl(s->v2, 32);
    }
}


static inline void
rt_hash_block(rt_hash_state_t *s, uint64_t m, unsigned c)
{
    s->v3 ^= m;
    rt_hash_mix(s, c);
    s->v0 ^= m;
}


static inline void
rt_hash_absorb(rt_hash_state_t *s, const rt_hash_key_t *key, const uint8_t *p,
    size_t len, unsigned c)
{
    size_t    i, whole;
    uint64_t  last;

    s->v0 = key->k0 ^ 0x736f6d6570736575;
    s->v1 ^= key->k1 ^ 0x646f72616e646f6d;
    s->v2 = key->k0 ^ 0x6c7967656e657261;
    s->v3 = key->k1 ^ 0x7465646279746573;

    whole = len & ~(size_t) 7;

    for (i = 0; i < whole; i += 8) {
        rt_hash_block(s, rt_hash_word(p + i), c);
    }

    last = (uint64_t) len << 56;

    for ( /* void */ ; i < len; i++) {
        last |= (uint64_t) p[i] << (8 * (i - whole));
    }

    rt_hash_block(s, last, c);
}


static inline uint64_t
rt_hash_finish(rt_hash_state_t *s, unsigned d)
{
    rt_hash_mix(s, d);

    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}


static inline uint64_t
rt_hash_run(const rt_hash_key_t *key, const uint8_t *p, size_t len, unsigned c,
    unsigned d)
{
    rt_hash_state_t  s;

    s.v1 = 0;
    rt_hash_absorb(&s, key, p, len, c);

    s.v2 ^= 0xff;

    return rt_hash_finish(&s, d);
}


uint64_t
rt_hash(const rt_hash_key_t *key, const uint8_t *p, size_t len)
{
    return rt_hash_run(key, p, len, 1, 3);
}


uint64_t
rt_hash_rounds(const rt_hash_key_t *key, const uint8_t *p, size_t len,
    unsigned c, unsigned d)
{
    return rt_hash_run(key, p, len, c, d);
}


void
rt_hash128(const rt_hash_key_t *key, const uint8_t *p, size_t len,
    uint64_t h[2])
{
    rt_hash_state_t  s;

    s.v1 = 0xee;
    rt_hash_absorb(&s, key, p, len, 2);

    s.v2 ^= 0xee;
    h[0] = rt_hash_finish(&s, 4);

    s.v1 ^= 0xdd;
    h[1] = rt_hash_finish(&s, 4);
}
