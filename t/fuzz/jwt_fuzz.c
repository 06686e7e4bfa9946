
/*
 * Tokens.  The first byte says what the rest is:
 *
 *     t  a token as a client sends it: what is taken apart says the same when
 *        it is put together, and no key of another algorithm verifies it
 *     s  the header of a token that is signed here: verified if it is taken
 *     c  claims: what was taken of them lies in the text, and is JSON
 *     k  a JWK set
 */


#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rt_base64.h"
#include "rt_claims.h"
#include "rt_jwt.h"
#include "rt_utf8.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const uint8_t  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";

static uint8_t  secret[] = "0123456789abcdef0123456789abcdef"
                           "0123456789abcdef0123456789abcdef";


static size_t
encode(uint8_t *p, const uint8_t *d, size_t len)
{
    size_t    i, n;
    uint32_t  bits;

    for (i = 0, n = 0, bits = 0; i < len; i++) {
        bits = bits << 8 | d[i];

        p[n++] = letters[bits >> (2 + 2 * (i % 3)) & 63];

        if (i % 3 == 2) {
            p[n++] = letters[bits & 63];
            bits = 0;
        }
    }

    if (len % 3) {
        p[n++] = letters[bits << (6 - 2 * (len % 3)) & 63];
    }

    return n;
}


static bool
inside(const rt_str_t *s, const uint8_t *mem, size_t len)
{
    return s->len == 0
           || (s->data >= mem && s->data + s->len <= mem + len);
}


static void
check_key(const rt_jwt_t *jwt)
{
    unsigned      alg;
    rt_jwt_key_t  key;

    memset(&key, 0, sizeof(rt_jwt_key_t));

    key.secret.data = secret;
    key.secret.len = 64;

    for (alg = 0; alg < RT_JWT_RS256; alg++) {
        key.alg = alg;
        must(alg == jwt->alg || !rt_jwt_fits(jwt, &key));
        must(alg == jwt->alg || !rt_jwt_verify(jwt, &key));
        (void) rt_jwt_verify(jwt, &key);
    }
}


static void
check_token(const uint8_t *data, size_t size)
{
    size_t     n;
    uint8_t   *text, *mem, *again;
    rt_jwt_t   jwt;

    text = malloc(size + 1);
    mem = malloc(size + 1);
    again = malloc(size + 8);
    must(text && mem && again);
    memcpy(text, data, size);

    if (rt_jwt_parse(&jwt, text, size, mem)) {
        must(inside(&jwt.input, text, size));
        must(inside(&jwt.kid, mem, size));
        must(inside(&jwt.payload, mem, size));
        must(inside(&jwt.signature, mem, size));
        must(rt_utf8_valid(jwt.kid.data, jwt.kid.len));
        must(memcmp(text, data, size) == 0);

        n = encode(again, jwt.signature.data, jwt.signature.len);
        must(n == size - jwt.input.len - 1);
        must(memcmp(again, text + jwt.input.len + 1, n) == 0);

        n = encode(again, jwt.payload.data, jwt.payload.len);
        must(memcmp(again, jwt.input.data + jwt.input.len - n, n) == 0);

        check_key(&jwt);
    }

    free(text);
    free(mem);
    free(again);
}


static void
check_signed(const uint8_t *data, size_t size)
{
    size_t        n;
    uint8_t      *text, *mem, mac[EVP_MAX_MD_SIZE];
    unsigned      len;
    rt_jwt_t      jwt;
    rt_jwt_key_t  key;

    text = malloc(size * 2 + 128);
    mem = malloc(size * 2 + 128);
    must(text && mem);

    n = encode(text, data, size);
    text[n++] = '.';
    n += encode(text + n, (const uint8_t *) "{}", 2);

    HMAC(EVP_sha256(), secret, 64, text, n, mac, &len);

    text[n++] = '.';
    n += encode(text + n, mac, len);

    if (rt_jwt_parse(&jwt, text, n, mem)) {
        memset(&key, 0, sizeof(rt_jwt_key_t));

        key.alg = RT_JWT_HS256;
        key.secret.data = secret;
        key.secret.len = 64;

        must(rt_jwt_fits(&jwt, &key) == (jwt.alg == RT_JWT_HS256));
        must(rt_jwt_verify(&jwt, &key) == (jwt.alg == RT_JWT_HS256));
    }

    free(text);
    free(mem);
}


static void
check_value(const rt_str_t *raw)
{
    rt_json_t        j;
    rt_json_value_t  v;

    if (raw->len == 0) {
        return;
    }

    must(memchr(raw->data, '\n', raw->len) == NULL);

    rt_json_init(&j, raw->data, raw->len);
    must(rt_json_value(&j, &v) && rt_json_end(&j));
}


static void
check_claims(const uint8_t *data, size_t size)
{
    size_t               i;
    uint8_t             *text;
    static rt_claims_t   c;

    if (!rt_utf8_valid(data, size)) {
        return;
    }

    text = malloc(size + 1);
    must(text);
    memcpy(text, data, size);

    if (rt_claims_parse(&c, text, size)) {
        must(inside(&c.sub, text, size) && inside(&c.jti, text, size)
             && inside(&c.iss, text, size) && inside(&c.tenant, text, size)
             && inside(&c.channel, text, size)
             && inside(&c.client, text, size) && inside(&c.info, text, size));
        must(c.exp == RT_CLAIMS_UNSAID
             || (c.exp >= 0 && c.exp <= RT_CLAIMS_TIME_MAX));
        must((c.override.value & ~c.override.said) == 0);
        must(c.jti.len <= RT_CLAIMS_JTI_MAX);

        check_value(&c.info);

        for (i = 0; i < c.nsubs; i++) {
            must(inside(&c.subs[i].channel, text, size));
            must(inside(&c.subs[i].info, text, size));
            must(inside(&c.subs[i].data, text, size));
            check_value(&c.subs[i].info);
            check_value(&c.subs[i].data);
        }

        for (i = 0; i < c.naud; i++) {
            must(inside(&c.aud[i], text, size));
            must(rt_claims_for(&c, &c.aud[i], &c.iss));
        }

        (void) rt_claims_time(&c, 1700000000);
    }

    free(text);
}


static void
check_keys(const uint8_t *data, size_t size)
{
    uint8_t           *text;
    rt_json_t          set;
    const char        *why;
    rt_jwt_key_t       key;
    rt_jwks_result_t   rc;

    if (!rt_utf8_valid(data, size)) {
        return;
    }

    text = malloc(size + 1);
    must(text);
    memcpy(text, data, size);

    if (rt_jwks_init(&set, text, size) == NULL) {

        do {
            rc = rt_jwks_next(&set, &key, &why);

            if (rc == RT_JWKS_KEY) {
                must(inside(&key.kid, text, size));
                must(inside(&key.secret, text, size));
                must(key.alg < RT_JWT_ALGS);
                must((key.alg < RT_JWT_RS256) == (key.secret.len >= 32));
                must((key.alg < RT_JWT_RS256) == (key.pkey == NULL));
                rt_jwt_key_free(&key);
            }

        } while (rc == RT_JWKS_KEY || rc == RT_JWKS_OTHER);
    }

    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    switch (*data) {

    case 't':
        check_token(data + 1, size - 1);
        break;

    case 's':
        check_signed(data + 1, size - 1);
        break;

    case 'c':
        check_claims(data + 1, size - 1);
        break;

    case 'k':
        check_keys(data + 1, size - 1);
        break;
    }

    return 0;
}
