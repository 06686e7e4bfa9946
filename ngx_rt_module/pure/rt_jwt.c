
/*
 * Tokens: taken apart, and verified.  Called by policy/.  Calls the JSON reader
 * for the header and libcrypto for the signature; what is in libcrypto's queue
 * of errors afterwards is not others' to find.  No locking: no state.
 */


#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rt_base64.h"
#include "rt_jwt.h"
#include "rt_params.h"
#include "rt_utf8.h"


#define RT_JWT_COORD_MAX  66      /* bytes of a number below 2^521 */

/* two integers, with a zero before them, and the headers */
#define RT_JWT_DER_MAX    (2 * (RT_JWT_COORD_MAX + 4) + 4)


typedef struct {
    rt_str_t         alg;
    rt_str_t         kid;
    rt_json_value_t  crit;
} rt_jwt_header_t;


static bool rt_jwt_parse_header(rt_jwt_t *jwt, rt_str_t *text);
static bool rt_jwt_verify_hmac(const rt_jwt_t *jwt, const rt_jwt_key_t *key);
static bool rt_jwt_verify_public(const rt_jwt_key_t *key,
    const rt_str_t *input, const rt_str_t *signature);
static bool rt_jwt_verify_ecdsa(const rt_jwt_t *jwt, const rt_jwt_key_t *key);
static uint8_t *rt_jwt_der_integer(uint8_t *p, const uint8_t *n, size_t len);
static const EVP_MD *rt_jwt_digest(rt_jwt_alg_t alg);


static const rt_str_t  rt_jwt_algs[RT_JWT_ALGS] = {
    rt_string("HS256"),
    rt_string("HS384"),
    rt_string("HS512"),
    rt_string("RS256"),
    rt_string("RS384"),
    rt_string("RS512"),
    rt_string("ES256"),
    rt_string("ES384"),
    rt_string("ES512")
};


static const rt_param_t  rt_jwt_header_params[] = {
    { rt_string("alg"), RT_PARAM_STRING, offsetof(rt_jwt_header_t, alg) },
    { rt_string("kid"), RT_PARAM_STRING, offsetof(rt_jwt_header_t, kid) },
    { rt_string("crit"), RT_PARAM_VALUE, offsetof(rt_jwt_header_t, crit) },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


rt_jwt_alg_t
rt_jwt_alg(const rt_str_t *name)
{
    unsigned  i;

    for (i = 0; i < RT_JWT_ALGS; i++) {
        if (name->len == rt_jwt_algs[i].len
            && memcmp(name->data, rt_jwt_algs[i].data, name->len) == 0)
        {
            break;
        }
    }

    return (rt_jwt_alg_t) i;
}


bool
rt_jwt_parse(rt_jwt_t *jwt, uint8_t *token, size_t len, uint8_t *mem)
{
    uint8_t   *end, *first, *second;
    rt_str_t   header;

    memset(jwt, 0, sizeof(rt_jwt_t));

    if (len > RT_JWT_MAX) {
        return false;
    }

    end = token + len;

    first = len ? memchr(token, '.', len) : NULL;
    second = first ? memchr(first + 1, '.', end - first - 1) : NULL;

    if (second == NULL) {
        return false;
    }

    jwt->input.data = token;
    jwt->input.len = second - token;

    /* a third dot is not of the alphabet */

    if (!rt_base64url_decode(mem, token, first - token, &header)) {
        return false;
    }

    mem += header.len;

    if (!rt_base64url_decode(mem, first + 1, second - first - 1,
                             &jwt->payload))
    {
        return false;
    }

    mem += jwt->payload.len;

    if (!rt_base64url_decode(mem, second + 1, end - second - 1,
                             &jwt->signature))
    {
        return false;
    }

    return rt_utf8_valid(jwt->payload.data, jwt->payload.len)
           && rt_jwt_parse_header(jwt, &header);
}


static bool
rt_jwt_parse_header(rt_jwt_t *jwt, rt_str_t *text)
{
    rt_json_t          j;
    rt_jwt_header_t    h;
    rt_params_fault_t  fault;

    if (!rt_utf8_valid(text->data, text->len)) {
        return false;
    }

    memset(&h, 0, sizeof(rt_jwt_header_t));

    rt_json_init(&j, text->data, text->len);
    rt_params_read(&j, rt_jwt_header_params, &h, &fault);

    if (fault.why || h.crit.len) {
        return false;
    }

    jwt->alg = rt_jwt_alg(&h.alg);
    jwt->kid = h.kid;

    return jwt->alg != RT_JWT_ALGS;
}


bool
rt_jwt_fits(const rt_jwt_t *jwt, const rt_jwt_key_t *key)
{
    if (key->alg != jwt->alg) {
        return false;
    }

    return key->kid.len == 0
           || (key->kid.len == jwt->kid.len
               && memcmp(key->kid.data, jwt->kid.data, jwt->kid.len) == 0);
}


bool
rt_jwt_verify(const rt_jwt_t *jwt, const rt_jwt_key_t *key)
{
    bool  good;

    if (jwt->alg != key->alg) {
        return false;
    }

    switch (key->alg) {

    case RT_JWT_HS256:
    case RT_JWT_HS384:
    case RT_JWT_HS512:
        good = rt_jwt_verify_hmac(jwt, key);
        break;

    case RT_JWT_RS256:
    case RT_JWT_RS384:
    case RT_JWT_RS512:
        good = rt_jwt_verify_public(key, &jwt->input, &jwt->signature);
        break;

    case RT_JWT_ES256:
    case RT_JWT_ES384:
    case RT_JWT_ES512:
        good = rt_jwt_verify_ecdsa(jwt, key);
        break;

    default:
        good = false;
        break;
    }

    ERR_clear_error();

    return good;
}


static bool
rt_jwt_verify_hmac(const rt_jwt_t *jwt, const rt_jwt_key_t *key)
{
    uint8_t   mac[EVP_MAX_MD_SIZE];
    unsigned  len;

    if (HMAC(rt_jwt_digest(key->alg), key->secret.data,
             (int) key->secret.len, jwt->input.data, jwt->input.len, mac,
             &len)
        == NULL)
    {
        return false;
    }

    return jwt->signature.len == len
           && CRYPTO_memcmp(jwt->signature.data, mac, len) == 0;
}


static bool
rt_jwt_verify_public(const rt_jwt_key_t *key, const rt_str_t *input,
    const rt_str_t *signature)
{
    bool         good;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return false;
    }

    good = EVP_DigestVerifyInit(ctx, NULL, rt_jwt_digest(key->alg), NULL,
                                key->pkey)
           == 1
           && EVP_DigestVerify(ctx, signature->data, signature->len,
                               input->data, input->len)
              == 1;

    EVP_MD_CTX_free(ctx);

    return good;
}


/* two numbers, each as long as the curve's (RFC 7518, 3.4); DER to libcrypto */
static bool
rt_jwt_verify_ecdsa(const rt_jwt_t *jwt, const rt_jwt_key_t *key)
{
    size_t                len;
    uint8_t               der[RT_JWT_DER_MAX], *p, *body;
    rt_str_t              signature;

    static const uint8_t  coords[] = { 32, 48, RT_JWT_COORD_MAX };

    len = coords[key->alg - RT_JWT_ES256];

    if (jwt->signature.len != 2 * len) {
        return false;
    }

    body = der + 3;

    p = rt_jwt_der_integer(body, jwt->signature.data, len);
    p = rt_jwt_der_integer(p, jwt->signature.data + len, len);

    len = p - body;

    /* the length takes a byte, or one that says so and another */

    if (len >= 0x80) {
        *--body = (uint8_t) len;
        *--body = 0x81;

    } else {
        *--body = (uint8_t) len;
    }

    *--body = 0x30;

    signature.data = body;
    signature.len = p - body;

    return rt_jwt_verify_public(key, &jwt->input, &signature);
}


/* n is not negative: a zero before it keeps its first bit from saying so */
static uint8_t *
rt_jwt_der_integer(uint8_t *p, const uint8_t *n, size_t len)
{
    bool  zero;

    while (len > 1 && *n == 0) {
        n++;
        len--;
    }

    zero = *n & 0x80;

    *p++ = 0x02;
    *p++ = (uint8_t) (len + zero);

    if (zero) {
        *p++ = 0;
    }

    memcpy(p, n, len);

    return p + len;
}


static const EVP_MD *
rt_jwt_digest(rt_jwt_alg_t alg)
{
    switch (alg % 3) {

    case 0:
        return EVP_sha256();

    case 1:
        return EVP_sha384();

    default:
        return EVP_sha512();
    }
}
