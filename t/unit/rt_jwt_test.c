
/*
 * Tokens: the examples of RFC 7515, tokens of our own for each algorithm, what
 * is no token, and the attacks: another algorithm than the key's, no signature,
 * signatures of other lengths, keys that are too short or of another kind.
 */


#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "rt_base64.h"
#include "rt_jwt.h"
#include "tap.h"


#define JOE  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leG" \
             "FtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"


static uint8_t    memory[RT_JWT_MAX + 16];
static EVP_PKEY  *rsa, *rsa_small, *ec[3], *ec_other;


/* ---- making tokens */

static char *
encode(char *p, const void *data, size_t len)
{
    size_t          i, n;
    uint32_t        bits;
    const uint8_t  *d = data;

    static const char  letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_";

    for (i = 0; i < len; i += 3) {
        n = len - i < 3 ? len - i : 3;
        bits = (uint32_t) d[i] << 16;
        bits |= n > 1 ? (uint32_t) d[i + 1] << 8 : 0;
        bits |= n > 2 ? d[i + 2] : 0;

        *p++ = letters[bits >> 18];
        *p++ = letters[bits >> 12 & 63];
        *p++ = n > 1 ? letters[bits >> 6 & 63] : '\0';
        *p++ = n > 2 ? letters[bits & 63] : '\0';
        p -= 3 - n;
    }

    *p = '\0';

    return p;
}


static const EVP_MD *
digest(unsigned alg)
{
    return alg % 3 == 0 ? EVP_sha256() : alg % 3 == 1 ? EVP_sha384()
                                                      : EVP_sha512();
}


/* r and s, each of size bytes */

static size_t
raw_signature(uint8_t *out, const uint8_t *der, size_t len, size_t size)
{
    ECDSA_SIG     *sig;
    const BIGNUM  *r, *s;

    sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
    ECDSA_SIG_get0(sig, &r, &s);
    BN_bn2binpad(r, out, (int) size);
    BN_bn2binpad(s, out + size, (int) size);
    ECDSA_SIG_free(sig);

    return 2 * size;
}


static size_t
sign(uint8_t *out, unsigned alg, const char *text, const char *secret,
    EVP_PKEY *pkey)
{
    size_t       len;
    uint8_t      der[1024];
    unsigned     n;
    EVP_MD_CTX  *ctx;

    static const size_t  sizes[] = { 32, 48, 66 };

    if (alg < RT_JWT_RS256) {
        HMAC(digest(alg), secret, (int) strlen(secret),
             (const uint8_t *) text, strlen(text), out, &n);
        return n;
    }

    ctx = EVP_MD_CTX_new();
    len = sizeof(der);
    EVP_DigestSignInit(ctx, NULL, digest(alg), NULL, pkey);
    EVP_DigestSign(ctx, der, &len, (const uint8_t *) text, strlen(text));
    EVP_MD_CTX_free(ctx);

    if (alg >= RT_JWT_ES256) {
        return raw_signature(out, der, len, sizes[alg - RT_JWT_ES256]);
    }

    memcpy(out, der, len);

    return len;
}


static char *
token(unsigned alg, const char *header, const char *payload,
    const char *secret, EVP_PKEY *pkey)
{
    char         *p;
    uint8_t       signature[1024];
    size_t        len;
    static char   text[4096];

    p = encode(text, header, strlen(header));
    *p++ = '.';
    p = encode(p, payload, strlen(payload));

    len = sign(signature, alg, text, secret, pkey);

    *p++ = '.';
    encode(p, signature, len);

    return text;
}


static const char *
pem(EVP_PKEY *pkey)
{
    int          n;
    BIO         *bio;
    static char  text[4096];

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, pkey);
    n = BIO_read(bio, text, sizeof(text) - 1);
    text[n] = '\0';
    BIO_free(bio);

    return text;
}


static EVP_PKEY *
make(int type, int what)
{
    EVP_PKEY      *pkey;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_id(type, NULL);
    EVP_PKEY_keygen_init(ctx);

    if (type == EVP_PKEY_RSA) {
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, what);

    } else {
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, what);
    }

    EVP_PKEY_keygen(ctx, &pkey);
    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


/* ---- reading them */

static bool
parse(rt_jwt_t *jwt, const char *text)
{
    size_t           len;
    static uint8_t   copy[RT_JWT_MAX + 16];

    len = strlen(text);
    memcpy(copy, text, len);

    return rt_jwt_parse(jwt, copy, len, memory);
}


static bool
verifies(const char *text, const rt_jwt_key_t *key)
{
    rt_jwt_t  jwt;

    return parse(&jwt, text) && rt_jwt_fits(&jwt, key)
           && rt_jwt_verify(&jwt, key);
}


static rt_str_t
str(const char *s)
{
    rt_str_t  v;

    v.data = (uint8_t *) s;
    v.len = strlen(s);

    return v;
}


static const char *
jwks(const char *text, rt_jwt_key_t *key)
{
    rt_json_t         set;
    const char       *why;
    rt_jwks_result_t  rc;

    static uint8_t    copy[8192];

    memset(key, 0, sizeof(rt_jwt_key_t));
    strcpy((char *) copy, text);

    why = rt_jwks_init(&set, copy, strlen(text));
    if (why) {
        return why;
    }

    do {
        rc = rt_jwks_next(&set, key, &why);
    } while (rc == RT_JWKS_OTHER);

    return rc == RT_JWKS_KEY ? NULL : rc == RT_JWKS_END ? "none" : why;
}


static void
test_rfc(void)
{
    const char    *why;
    rt_jwt_t       jwt;
    rt_jwt_key_t   key;

    static const char  a1[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    static const char  a2[] = "eyJhbGciOiJSUzI1NiJ9." JOE
        ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAu"
        "HIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFd"
        "iuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eS"
        "N9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI"
        "2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe7"
        "7Rw";
    static const char  a3[] = "eyJhbGciOiJFUzI1NiJ9." JOE
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmW"
        "QxfKTUJqPP3-Kg6NU1Q";
    static const char  a4[] = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
        ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT"
        "2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyq"
        "OgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";

    why = jwks("{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AyM1Sys"
               "PpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
               "cgUuTwjAzZr1Z9CAow\"}]}", &key);
    ok(why == NULL && verifies(a1, &key), "A.1, HS256");

    ok(parse(&jwt, a1) && jwt.payload.len == 70
       && memcmp(jwt.payload.data, "{\"iss\":\"joe\",\r\n", 15) == 0,
       "its payload");

    why = jwks("{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjyb"
               "Rlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q"
               "PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b"
               "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsL"
               "A9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh"
               "9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs9"
               "1kzk2PAcDTW9gb54h4FRWyuXpoQ\"}]}", &key);
    ok(why == NULL && verifies(a2, &key), "A.2, RS256");
    ok(!verifies(a1, &key) && !verifies(a3, &key), "by that key only");
    rt_jwt_key_free(&key);

    why = jwks("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2"
               "xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_"
               "tue659LNpXW6pCyStikYjKIWI5a0\"}]}", &key);
    ok(why == NULL && verifies(a3, &key), "A.3, ES256");
    rt_jwt_key_free(&key);

    why = jwks("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8S"
               "T8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jS"
               "fS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQ"
               "yyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}]"
               "}", &key);
    ok(why == NULL && verifies(a4, &key), "A.4, ES512");
    rt_jwt_key_free(&key);

    tap_group("RFC 7515, appendix A");
}


static const char  secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef"
                              "0123456789abcdef";

static const char *const  names[] = {
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384",
    "ES512"
};


/* a key for each algorithm, and a token that it verifies */

static void
test_algorithms(void)
{
    char          *text, header[64];
    size_t         n;
    unsigned       alg, other;
    rt_str_t       s;
    EVP_PKEY      *pkey;
    const char    *why;
    rt_jwt_key_t   key, wrong;

    for (alg = 0; alg < RT_JWT_ALGS; alg++) {
        memset(&key, 0, sizeof(rt_jwt_key_t));

        pkey = alg < RT_JWT_ES256 ? rsa : ec[alg - RT_JWT_ES256];

        s = str(alg < RT_JWT_RS256 ? secret : pem(pkey));
        why = alg < RT_JWT_RS256 ? rt_jwt_key_secret(&key, alg, &s)
                                 : rt_jwt_key_pem(&key, alg, &s);
        ok(why == NULL, "%s: %s", names[alg], why);

        sprintf(header, "{\"typ\":\"JWT\",\"alg\":\"%s\"}", names[alg]);

        /* of ECDSA's numbers each 256th begins with a zero */

        for (n = 0; n < (alg < RT_JWT_ES256 ? 1 : 600); n++) {
            text = token(alg, header, "{\"sub\":\"alice\"}", secret, pkey);
            ok(verifies(text, &key), "%s", names[alg]);
        }

        for (n = 0; text[n]; n++) {
            text[n] ^= 1;
            ok(!verifies(text, &key), "%s with byte %zu changed", names[alg],
               n);
            text[n] ^= 1;
        }

        ok(verifies(text, &key), "%s", names[alg]);

        strcat(text, "A");
        ok(!verifies(text, &key), "%s, longer", names[alg]);
        text[strlen(text) - 3] = '\0';
        ok(!verifies(text, &key), "%s, shorter", names[alg]);
        *strrchr(text, '.') = '\0';
        ok(!verifies(text, &key), "%s, no signature", names[alg]);
        strcat(text, ".");
        ok(!verifies(text, &key), "%s, an empty one", names[alg]);

        /* the same key material under another algorithm */

        for (other = 0; other < RT_JWT_ALGS; other++) {
            if (other == alg) {
                continue;
            }

            sprintf(header, "{\"alg\":\"%s\"}", names[other]);
            text = token(alg, header, "{}", secret, pkey);
            ok(!verifies(text, &key), "%s said to be %s", names[alg],
               names[other]);

            wrong = key;
            wrong.alg = other;

            if ((alg < RT_JWT_RS256) == (other < RT_JWT_RS256)) {
                ok(!verifies(text, &wrong), "%s taken for %s", names[alg],
                   names[other]);
            }
        }

        rt_jwt_key_free(&key);
    }

    tap_group("each algorithm, and no other for its key");
}


/* who has a public key must not sign with it as if it were a secret */

static void
test_confusion(void)
{
    char          *text;
    rt_str_t       s;
    const char    *public;
    rt_jwt_key_t   key;

    memset(&key, 0, sizeof(rt_jwt_key_t));
    public = pem(rsa);
    s = str(public);
    ok(rt_jwt_key_pem(&key, RT_JWT_RS256, &s) == NULL, "an RSA key");

    text = token(RT_JWT_HS256, "{\"alg\":\"HS256\"}", "{}", public, NULL);
    ok(!verifies(text, &key), "HS256 with the PEM as a secret");

    text = token(RT_JWT_HS256, "{\"alg\":\"RS256\"}", "{}", public, NULL);
    ok(!verifies(text, &key), "the same, said to be RS256");

    strcpy(text, "eyJhbGciOiJub25lIn0.e30.");
    ok(!verifies(text, &key), "none");

    rt_jwt_key_free(&key);

    memset(&key, 0, sizeof(rt_jwt_key_t));
    s = str("");
    ok(rt_jwt_key_secret(&key, RT_JWT_HS256, &s) != NULL, "an empty secret");

    text = token(RT_JWT_HS256, "{\"alg\":\"HS256\",\"kid\":\"a\"}", "{}",
                 secret, NULL);
    s = str(secret);
    ok(rt_jwt_key_secret(&key, RT_JWT_HS256, &s) == NULL, "a secret");
    ok(verifies(text, &key), "a key without a kid, a token with one");
    key.kid = str("a");
    ok(verifies(text, &key), "the same kid");
    key.kid = str("b");
    ok(!verifies(text, &key), "another kid");
    key.kid = str("aa");
    ok(!verifies(text, &key), "a longer kid");

    text = token(RT_JWT_HS256, "{\"alg\":\"HS256\"}", "{}", secret, NULL);
    ok(!verifies(text, &key), "a key with a kid, a token without");

    tap_group("confusion of keys");
}


static void
test_no_token(void)
{
    unsigned   i;
    rt_jwt_t   jwt;

    static char               huge[RT_JWT_MAX + 2];
    static const char *const  headers[] = {
        "", "{", "[]", "null", "{}", "{\"alg\":\"none\"}", "{\"alg\":null}",
        "{\"alg\":\"None\"}", "{\"alg\":\"hs256\"}", "{\"alg\":\"HS256 \"}",
        "{\"alg\":[\"HS256\"]}", "{\"alg\":1}", "{\"alg\":\"EdDSA\"}",
        "{\"alg\":\"PS256\"}", "{\"alg\":\"HS256\",\"kid\":1}",
        "{\"alg\":\"HS256\",\"kid\":{\"a\":1}}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"crit\":[]}", "{\"alg\":\"HS256\",\"crit\":null}",
        "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
        "{\"alg\":\"HS256\"} x", "{\"alg\":\"HS256\",}",
        "{\"alg\":\"HS256\",\"kid\":\"\xff\"}"
    };

    static const char *const  texts[] = {
        "", ".", "..", "...", "a", "a.b", "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJIUzI1NiJ9.e30", "eyJhbGciOiJIUzI1NiJ9.e30.AA.AA",
        "eyJhbGciOiJIUzI1NiJ9=.e30.AA", "eyJhbGciOiJIUzI1NiJ9.e30=.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA==", " eyJhbGciOiJIUzI1NiJ9.e30.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA\n", "eyJhbGciOiJIUzI1NiJ9.e30.A",
        "eyJhbGciOiJIUzI1NiJ9._w.AA"
    };

    ok(parse(&jwt, "eyJhbGciOiJIUzI1NiJ9.e30.AA"), "the least of them");

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ok(!parse(&jwt, texts[i]), "\"%s\"", texts[i]);
    }

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ok(!parse(&jwt, token(0, headers[i], "{}", secret, NULL)), "%s",
           headers[i]);
    }

    memset(huge, 'A', sizeof(huge) - 1);
    memcpy(huge, "eyJhbGciOiJIUzI1NiJ9.", 21);
    huge[sizeof(huge) - 4] = '.';
    ok(!parse(&jwt, huge), "one of %zu bytes", strlen(huge));
    memmove(huge + sizeof(huge) - 5, huge + sizeof(huge) - 4, 4);
    ok(parse(&jwt, huge), "one of %zu", strlen(huge));

    tap_group("what is no token");
}


static void
test_keys(void)
{
    unsigned       i;
    rt_str_t       s;
    rt_jwt_key_t   key;

    static const struct {
        const char  *text;
        const char  *why;
    } sets[] = {
        { "", "JWK set" },
        { "[]", "JWK set" },
        { "{\"keys\":{}}", "JWK set" },
        { "{\"keys\":[]}", "none" },
        { "{\"keys\":[1]}", "object" },
        { "{\"keys\":[{\"kty\":1}]}", "object" },
        { "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"alg\":\"HS256\"}]}",
          "32 bytes" },
        { "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\"}]}", "32 bytes" },
        { "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"RS256\",\"k\":\"AA\"}]}",
          "none" },
        { "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"A=\"}]}",
          "base64url" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"HS256\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"PS256\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", "missing" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\"}]}", "missing" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"-Q\"}]}",
          "2048 bits" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\"}]}", "none" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES384\"}]}",
          "none" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}",
          "short" },

        /* not on the curve */
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg"
          "8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpX"
          "W6pCyStikYjKIWI5a1\"}]}", "base64url" },
        { "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg"
          "8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpX"
          "W6pCyStikYjKIWI5aw\"}]}", "not a public key" }
    };

    for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        const char  *why;

        why = jwks(sets[i].text, &key);
        ok(why && strstr(why, sets[i].why), "%s: %s", sets[i].text, why);
        rt_jwt_key_free(&key);
    }

    s = str(pem(rsa_small));
    ok(rt_jwt_key_pem(&key, RT_JWT_RS256, &s) != NULL, "1024 bits");
    ok(key.pkey == NULL, "and nothing is left of it");

    s = str(pem(rsa));
    ok(rt_jwt_key_pem(&key, RT_JWT_ES256, &s) != NULL, "RSA for ES256");

    s = str(pem(ec[0]));
    ok(rt_jwt_key_pem(&key, RT_JWT_RS256, &s) != NULL, "EC for RS256");
    ok(rt_jwt_key_pem(&key, RT_JWT_ES384, &s) != NULL, "P-256 for ES384");
    ok(rt_jwt_key_pem(&key, RT_JWT_ES512, &s) != NULL, "P-256 for ES512");

    s = str(pem(ec_other));
    ok(rt_jwt_key_pem(&key, RT_JWT_ES256, &s) != NULL, "secp256k1 for ES256");

    s = str("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    ok(rt_jwt_key_pem(&key, RT_JWT_RS256, &s) != NULL, "no key in it");

    s = str("");
    ok(rt_jwt_key_pem(&key, RT_JWT_RS256, &s) != NULL, "an empty file");

    s = str(secret);
    s.len = 31;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS256, &s) != NULL, "31 bytes");
    s.len = 32;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS256, &s) == NULL, "32 bytes");
    s.len = 47;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS384, &s) != NULL, "47 for HS384");
    s.len = 63;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS512, &s) != NULL, "63 for HS512");
    s.len = 64;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS512, &s) == NULL, "64 for HS512");
    s.len = RT_JWT_SECRET_MAX + 1;
    ok(rt_jwt_key_secret(&key, RT_JWT_HS512, &s) != NULL, "too long");

    tap_group("keys that are refused");
}


int
main(void)
{
    unsigned  i;

    rsa = make(EVP_PKEY_RSA, 2048);
    rsa_small = make(EVP_PKEY_RSA, 1024);
    ec[0] = make(EVP_PKEY_EC, NID_X9_62_prime256v1);
    ec[1] = make(EVP_PKEY_EC, NID_secp384r1);
    ec[2] = make(EVP_PKEY_EC, NID_secp521r1);
    ec_other = make(EVP_PKEY_EC, NID_secp256k1);

    test_rfc();
    test_algorithms();
    test_confusion();
    test_no_token();
    test_keys();

    EVP_PKEY_free(rsa);
    EVP_PKEY_free(rsa_small);
    EVP_PKEY_free(ec_other);

    for (i = 0; i < 3; i++) {
        EVP_PKEY_free(ec[i]);
    }

    return tap_done();
}
