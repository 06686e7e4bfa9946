
/*
 * SipHash: the vector of its paper, vectors of another implementation (the
 * hash of bytes in Python 3.11 with PYTHONHASHSEED=0 is SipHash-1-3 with a
 * zero key), and a second, plain implementation over random keys and texts.
 */


#include "tap.h"
#include "rt_hash.h"


/* half of a half round: add, rotate, xor */
static void
plain_step(uint64_t *a, uint64_t *b, int left)
{
    *a += *b;
    *b = *b << left | *b >> (64 - left);
    *b ^= *a;
}


/* the columns of the paper's figure, one after the other */
static void
plain_round(uint64_t v[4])
{
    plain_step(&v[0], &v[1], 13);
    v[0] = v[0] << 32 | v[0] >> 32;
    plain_step(&v[2], &v[3], 16);

    plain_step(&v[0], &v[3], 21);
    plain_step(&v[2], &v[1], 17);
    v[2] = v[2] << 32 | v[2] >> 32;
}


static uint64_t
plain_hash(uint64_t k0, uint64_t k1, const uint8_t *p, size_t len, int c,
    int d)
{
    int       i;
    size_t    at, padded;
    uint64_t  m, v[4];

    v[0] = k0 ^ 0x736f6d6570736575;
    v[1] = k1 ^ 0x646f72616e646f6d;
    v[2] = k0 ^ 0x6c7967656e657261;
    v[3] = k1 ^ 0x7465646279746573;

    padded = (len / 8 + 1) * 8;
    m = 0;

    for (at = 0; at < padded; at++) {
        if (at == padded - 1) {
            m |= (uint64_t) (len & 0xff) << 56;

        } else if (at < len) {
            m |= (uint64_t) p[at] << (at % 8 * 8);
        }

        if (at % 8 < 7) {
            continue;
        }

        v[3] ^= m;

        for (i = 0; i < c; i++) {
            plain_round(v);
        }

        v[0] ^= m;
        m = 0;
    }

    v[2] ^= 0xff;

    for (i = 0; i < d; i++) {
        plain_round(v);
    }

    return v[0] ^ v[1] ^ v[2] ^ v[3];
}


static uint64_t
rnd(void)
{
    static uint64_t  x = 88172645463325252;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return x;
}


static void
published(void)
{
    uint8_t        text[64];
    unsigned       i;
    uint64_t       h;
    rt_hash_key_t  key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
    rt_hash_key_t  zero = { 0, 0 };

    static const struct {
        size_t    len;
        uint64_t  hash;
    } python[] = {
        { 1, 0x68a914128e01e473 },
        { 7, 0x2f098ab0c751325a },
        { 8, 0xead411e67ebe2eea },
        { 9, 0x75927f9d95124362 },
        { 15, 0xf30eb725bb91c9ea },
        { 16, 0x8972188433a5c5b7 },
        { 63, 0x385d3e39e5f37359 }
    };

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) i;
    }

    h = rt_hash_rounds(&key, text, 15, 2, 4);
    ok(h == 0xa129ca6149be45e5, "the paper's vector: %llx",
       (unsigned long long) h);

    for (i = 0; i < sizeof(python) / sizeof(python[0]); i++) {
        h = rt_hash(&zero, text, python[i].len);
        ok(h == python[i].hash, "%zu bytes: %llx", python[i].len,
           (unsigned long long) h);
    }

    tap_group("published vectors");
}


/* low word first, as the bytes of OpenSSL 3.0's SIPHASH with size:16 */

static void
wide(void)
{
    uint8_t        text[64];
    unsigned       i;
    uint64_t       h[2];
    rt_hash_key_t  key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

    static const struct {
        size_t    len;
        uint64_t  hash[2];
    } vectors[] = {
        { 0, { 0xe6a825ba047f81a3, 0x930255c71472f66d } },
        { 1, { 0x44af996bd8c187da, 0x45fc229b11597634 } },
        { 15, { 0x11a8b03399e99354, 0xd9c3cf970fec087e } },
        { 16, { 0xbb54b067caa4e26e, 0x77052385bf1533fd } },
        { 63, { 0x4a83502f77d15051, 0x7cbd3f979a063e50 } }
    };

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) i;
    }

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        rt_hash128(&key, text, vectors[i].len, h);

        ok(memcmp(h, vectors[i].hash, sizeof(h)) == 0,
           "%zu bytes: %llx %llx", vectors[i].len, (unsigned long long) h[0],
           (unsigned long long) h[1]);
    }

    tap_group("128 bits");
}


static void
second(void)
{
    size_t         len;
    uint8_t       *text;
    unsigned       i, n;
    rt_hash_key_t  key;

    for (n = 0; n < 20000; n++) {
        len = n < 600 ? n : rnd() % 80;
        text = malloc(len + 1);
        key.k0 = rnd();
        key.k1 = rnd();

        for (i = 0; i < len; i++) {
            text[1 + i] = (uint8_t) rnd();
        }

        /* at an odd address, and to the last byte of its memory */
        ok(rt_hash(&key, text + 1, len)
           == plain_hash(key.k0, key.k1, text + 1, len, 1, 3),
           "1-3 over %zu bytes", len);

        ok(rt_hash_rounds(&key, text + 1, len, 2, 4)
           == plain_hash(key.k0, key.k1, text + 1, len, 2, 4),
           "2-4 over %zu bytes", len);

        free(text);
    }

    tap_group("a second implementation agrees");
}


static void
spread(void)
{
    char           name[32];
    unsigned       i, most;
    rt_hash_key_t  a = { 1, 2 }, b = { 1, 3 };
    static int     buckets[1024];

    ok(rt_hash(&a, (uint8_t *) "x", 1) != rt_hash(&b, (uint8_t *) "x", 1),
       "the key counts");
    ok(rt_hash(&a, (uint8_t *) "\0", 1) != rt_hash(&a, (uint8_t *) "\0\0", 2),
       "the length counts");

    most = 0;

    for (i = 0; i < 65536; i++) {
        snprintf(name, sizeof(name), "room:%u", i);
        buckets[rt_hash(&a, (uint8_t *) name, strlen(name)) % 1024]++;
    }

    for (i = 0; i < 1024; i++) {
        most = rt_max(most, (unsigned) buckets[i]);
    }

    ok(most < 128, "64 to a bucket on average, %u at most", most);
    tap_group("names spread");
}


int
main(void)
{
    published();
    wide();
    second();
    spread();

    return tap_done();
}
