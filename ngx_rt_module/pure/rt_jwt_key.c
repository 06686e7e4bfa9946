
/*
 * Keys of tokens: made of a secret, of PEM, of a JWK set.  Called when the
 * configuration is read.  A key that is too short for its algorithm, or of
 * another kind, is refused here.  No locking: no state.
 *
 * A public key of a JWK is put together as the DER of a SubjectPublicKeyInfo
 * (RFC 5280, 3279, 5480), which every libcrypto reads and judges.
 */


#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "rt_base64.h"
#include "rt_jwt.h"
#include "rt_params.h"


#define RT_JWK_HEAD_MAX  48       /* all that stands before the numbers */


typedef struct {
    rt_str_t  kty;
    rt_str_t  use;
    rt_str_t  alg;
    rt_str_t  kid;
    rt_str_t  crv;
    rt_str_t  k;
    rt_str_t  n;
    rt_str_t  e;
    rt_str_t  x;
    rt_str_t  y;
} rt_jwk_t;


/* where a SubjectPublicKeyInfo names the curve */
typedef struct {
    rt_str_t  crv;
    uint8_t   algorithm[24];
    uint8_t   len;
    uint8_t   coord;              /* bytes of a coordinate */
} rt_jwk_curve_t;


static const char *rt_jwt_key_judge(rt_jwt_key_t *key);
static bool rt_jwt_key_on_curve(const rt_jwt_key_t *key);
static rt_jwt_alg_t rt_jwk_alg(const rt_jwk_t *jwk);
static const char *rt_jwk_key(rt_jwk_t *jwk, rt_jwt_key_t *key);
static const char *rt_jwk_rsa(rt_jwk_t *jwk, rt_jwt_key_t *key);
static const char *rt_jwk_ec(rt_jwk_t *jwk, rt_jwt_key_t *key);
static const char *rt_jwk_public(rt_jwt_key_t *key, const uint8_t *der,
    size_t len);
static uint8_t *rt_jwk_der_header(uint8_t *p, uint8_t tag, size_t len);
static size_t rt_jwk_der_size(size_t len);
static uint8_t *rt_jwk_der_integer(uint8_t *p, const rt_str_t *n);


#define RT_JWK_PARAM(name)                                                    \
    { rt_string(#name), RT_PARAM_STRING, offsetof(rt_jwk_t, name) }


static const rt_param_t  rt_jwk_params[] = {
    RT_JWK_PARAM(kty),
    RT_JWK_PARAM(use),
    RT_JWK_PARAM(alg),
    RT_JWK_PARAM(kid),
    RT_JWK_PARAM(crv),
    RT_JWK_PARAM(k),
    RT_JWK_PARAM(n),
    RT_JWK_PARAM(e),
    RT_JWK_PARAM(x),
    RT_JWK_PARAM(y),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_jwks_params[] = {
    { rt_string("keys"), RT_PARAM_ARRAY, 0 },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


/* id-ecPublicKey, then the curve */
static const rt_jwk_curve_t  rt_jwk_curves[] = {

    { rt_string("P-256"),
      { 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 },
      21, 32 },

    { rt_string("P-384"),
      { 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 },
      18, 48 },

    { rt_string("P-521"),
      { 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 },
      18, 66 }
};


/* rsaEncryption, with its NULL */
static const uint8_t  rt_jwk_rsa_algorithm[] = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00
};


const char *
rt_jwt_key_secret(rt_jwt_key_t *key, rt_jwt_alg_t alg, const rt_str_t *secret)
{
    static const size_t      least[] = { 32, 48, 64 };
    static const char *const  why[] = {
        "a secret of HS256 has at least 32 bytes",
        "a secret of HS384 has at least 48 bytes",
        "a secret of HS512 has at least 64 bytes"
    };

    key->alg = alg;
    key->secret = *secret;

    if (secret->len < least[alg - RT_JWT_HS256]) {
        return why[alg - RT_JWT_HS256];
    }

    if (secret->len > RT_JWT_SECRET_MAX) {
        return "a secret has at most 1024 bytes";
    }

    return NULL;
}


const char *
rt_jwt_key_pem(rt_jwt_key_t *key, rt_jwt_alg_t alg, const rt_str_t *pem)
{
    BIO   *bio;
    X509  *cert;

    key->alg = alg;
    key->pkey = NULL;

    bio = BIO_new_mem_buf(pem->data, (int) pem->len);
    if (bio == NULL) {
        return "there is no memory for it";
    }

    key->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);

    if (key->pkey == NULL) {
        (void) BIO_reset(bio);

        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (cert) {
            key->pkey = X509_get_pubkey(cert);
            X509_free(cert);
        }
    }

    BIO_free(bio);
    ERR_clear_error();

    return rt_jwt_key_judge(key);
}


void
rt_jwt_key_free(rt_jwt_key_t *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}


static const char *
rt_jwt_key_judge(rt_jwt_key_t *key)
{
    const char  *why;

    why = NULL;

    if (key->pkey == NULL) {
        return "it is not a public key, nor a certificate, in PEM";
    }

    if (key->alg >= RT_JWT_ES256) {

        if (!rt_jwt_key_on_curve(key)) {
            why = "it is not a key of the algorithm's curve";
        }

    } else if (EVP_PKEY_base_id(key->pkey) != EVP_PKEY_RSA) {
        why = "it is not an RSA key";

    } else if (EVP_PKEY_bits(key->pkey) < RT_JWT_RSA_MIN) {
        why = "an RSA key has at least 2048 bits";

    } else if (EVP_PKEY_bits(key->pkey) > RT_JWT_RSA_MAX) {
        why = "an RSA key has at most 8192 bits";
    }

    if (why) {
        rt_jwt_key_free(key);
    }

    return why;
}


static bool
rt_jwt_key_on_curve(const rt_jwt_key_t *key)
{
    int                    len;
    bool                   good;
    uint8_t               *der;
    const uint8_t         *p;
    const rt_jwk_curve_t  *curve;

    if (EVP_PKEY_base_id(key->pkey) != EVP_PKEY_EC) {
        return false;
    }

    der = NULL;
    len = i2d_PUBKEY(key->pkey, &der);

    if (len < RT_JWK_HEAD_MAX) {
        OPENSSL_free(der);
        ERR_clear_error();
        return false;
    }

    curve = &rt_jwk_curves[key->alg - RT_JWT_ES256];

    p = der + (der[1] & 0x80 ? 3 : 2);
    good = memcmp(p, curve->algorithm, curve->len) == 0;

    OPENSSL_free(der);

    return good;
}


const char *
rt_jwks_init(rt_json_t *set, uint8_t *text, size_t len)
{
    rt_json_t          j;
    rt_json_value_t    keys;
    rt_params_fault_t  fault;

    memset(&keys, 0, sizeof(rt_json_value_t));

    rt_json_init(&j, text, len);
    rt_params_read(&j, rt_jwks_params, &keys, &fault);

    if (fault.why || keys.len == 0) {
        return "it is not a JWK set, {\"keys\":[...]}";
    }

    rt_json_init(set, keys.data, keys.len);
    (void) rt_json_array(set);

    return NULL;
}


rt_jwks_result_t
rt_jwks_next(rt_json_t *set, rt_jwt_key_t *key, const char **why)
{
    rt_jwk_t           jwk;
    rt_json_t          j;
    rt_json_value_t    v;
    rt_params_fault_t  fault;

    if (!rt_json_item(set)) {
        return RT_JWKS_END;
    }

    memset(key, 0, sizeof(rt_jwt_key_t));
    memset(&jwk, 0, sizeof(rt_jwk_t));

    if (!rt_json_value(set, &v)) {
        *why = "a key is nested too deep";
        return RT_JWKS_BAD;
    }

    rt_json_init(&j, v.data, v.len);
    rt_params_read(&j, rt_jwk_params, &jwk, &fault);

    if (fault.why) {
        *why = "a key is not an object, or has a member of another type";
        return RT_JWKS_BAD;
    }

    key->alg = rt_jwk_alg(&jwk);
    key->kid = jwk.kid;

    if (key->alg == RT_JWT_ALGS || (jwk.use.len && !rt_str_eq(&jwk.use, "sig")))
    {
        return RT_JWKS_OTHER;
    }

    *why = rt_jwk_key(&jwk, key);

    return *why ? RT_JWKS_BAD : RT_JWKS_KEY;
}


/* without "alg" the curve says it, and of RSA the commonest is taken */
static rt_jwt_alg_t
rt_jwk_alg(const rt_jwk_t *jwk)
{
    unsigned      i;
    rt_jwt_alg_t  alg;

    alg = jwk->alg.len ? rt_jwt_alg(&jwk->alg) : RT_JWT_ALGS;

    if (rt_str_eq(&jwk->kty, "oct")) {
        return alg <= RT_JWT_HS512 ? alg : RT_JWT_ALGS;
    }

    if (rt_str_eq(&jwk->kty, "RSA")) {

        if (jwk->alg.len == 0) {
            return RT_JWT_RS256;
        }

        return alg >= RT_JWT_RS256 && alg <= RT_JWT_RS512 ? alg : RT_JWT_ALGS;
    }

    for (i = 0; i < 3 && rt_str_eq(&jwk->kty, "EC"); i++) {

        if (rt_str_eq(&jwk->crv, (char *) rt_jwk_curves[i].crv.data)) {
            return jwk->alg.len == 0 || alg == RT_JWT_ES256 + i
                   ? RT_JWT_ES256 + i : RT_JWT_ALGS;
        }
    }

    return RT_JWT_ALGS;
}


static const char *
rt_jwk_key(rt_jwk_t *jwk, rt_jwt_key_t *key)
{
    rt_str_t  secret;

    if (key->alg >= RT_JWT_ES256) {
        return rt_jwk_ec(jwk, key);
    }

    if (key->alg >= RT_JWT_RS256) {
        return rt_jwk_rsa(jwk, key);
    }

    if (!rt_base64url_decode(jwk->k.data, jwk->k.data, jwk->k.len, &secret)) {
        return "\"k\" is not base64url";
    }

    return rt_jwt_key_secret(key, key->alg, &secret);
}


static const char *
rt_jwk_rsa(rt_jwk_t *jwk, rt_jwt_key_t *key)
{
    size_t    numbers, sequence;
    uint8_t  *p, der[RT_JWK_HEAD_MAX + RT_JWT_RSA_MAX / 8 * 2];

    if (!rt_base64url_decode(jwk->n.data, jwk->n.data, jwk->n.len, &jwk->n)
        || !rt_base64url_decode(jwk->e.data, jwk->e.data, jwk->e.len, &jwk->e)
        || jwk->n.len == 0 || jwk->e.len == 0)
    {
        return "\"n\" or \"e\" is missing, or not base64url";
    }

    if (jwk->n.len > RT_JWT_RSA_MAX / 8 || jwk->e.len > RT_JWT_RSA_MAX / 8) {
        return "an RSA key has at most 8192 bits";
    }

    /* with a zero before each: what is superfluous is taken by libcrypto */

    numbers = rt_jwk_der_size(jwk->n.len + (jwk->n.data[0] >> 7))
              + rt_jwk_der_size(jwk->e.len + (jwk->e.data[0] >> 7));
    sequence = rt_jwk_der_size(numbers) + 1;

    p = rt_jwk_der_header(der, 0x30, sizeof(rt_jwk_rsa_algorithm)
                                     + rt_jwk_der_size(sequence));
    memcpy(p, rt_jwk_rsa_algorithm, sizeof(rt_jwk_rsa_algorithm));
    p += sizeof(rt_jwk_rsa_algorithm);

    p = rt_jwk_der_header(p, 0x03, sequence);
    *p++ = 0;

    p = rt_jwk_der_header(p, 0x30, numbers);
    p = rt_jwk_der_integer(p, &jwk->n);
    p = rt_jwk_der_integer(p, &jwk->e);

    return rt_jwk_public(key, der, p - der);
}


static const char *
rt_jwk_ec(rt_jwk_t *jwk, rt_jwt_key_t *key)
{
    size_t                 point;
    uint8_t               *p, der[RT_JWK_HEAD_MAX + 2 * 66];
    const rt_jwk_curve_t  *curve;

    curve = &rt_jwk_curves[key->alg - RT_JWT_ES256];

    if (!rt_base64url_decode(jwk->x.data, jwk->x.data, jwk->x.len, &jwk->x)
        || !rt_base64url_decode(jwk->y.data, jwk->y.data, jwk->y.len, &jwk->y)
        || jwk->x.len != curve->coord || jwk->y.len != curve->coord)
    {
        return "\"x\" or \"y\" is missing, not base64url, or too short";
    }

    point = 2 + jwk->x.len + jwk->y.len;

    p = rt_jwk_der_header(der, 0x30, curve->len + rt_jwk_der_size(point));
    memcpy(p, curve->algorithm, curve->len);
    p += curve->len;

    p = rt_jwk_der_header(p, 0x03, point);
    *p++ = 0;

    *p++ = 0x04;                          /* not compressed */
    memcpy(p, jwk->x.data, jwk->x.len);
    p += jwk->x.len;
    memcpy(p, jwk->y.data, jwk->y.len);
    p += jwk->y.len;

    return rt_jwk_public(key, der, p - der);
}


static const char *
rt_jwk_public(rt_jwt_key_t *key, const uint8_t *der, size_t len)
{
    key->pkey = d2i_PUBKEY(NULL, &der, (long) len);

    ERR_clear_error();

    if (key->pkey == NULL) {
        return "its numbers are not a public key";
    }

    return rt_jwt_key_judge(key);
}


static uint8_t *
rt_jwk_der_header(uint8_t *p, uint8_t tag, size_t len)
{
    *p++ = tag;

    if (len >= 0x100) {
        *p++ = 0x82;
        *p++ = (uint8_t) (len >> 8);

    } else if (len >= 0x80) {
        *p++ = 0x81;
    }

    *p++ = (uint8_t) len;

    return p;
}


/* of a thing of len bytes with its header */
static size_t
rt_jwk_der_size(size_t len)
{
    return len + (len >= 0x100 ? 4 : len >= 0x80 ? 3 : 2);
}


static uint8_t *
rt_jwk_der_integer(uint8_t *p, const rt_str_t *n)
{
    bool  zero;

    zero = n->data[0] >> 7;
    p = rt_jwk_der_header(p, 0x02, n->len + zero);

    if (zero) {
        *p++ = 0;
    }

    memcpy(p, n->data, n->len);

    return p + n->len;
}
