
/*
 * Signed tokens: JWTs as compact JWS (RFC 7515, 7518, 7519).  A token is taken
 * apart and verified with a key, which alone says by which algorithm; what the
 * token says of itself only has to agree.  Signatures are libcrypto's doing.
 */


#ifndef _RT_JWT_H_INCLUDED_
#define _RT_JWT_H_INCLUDED_


#include "rt_base.h"
#include "rt_json.h"


#define RT_JWT_MAX          16384     /* bytes of a token */
#define RT_JWT_SECRET_MAX   1024      /* bytes; the least is the hash's size */
#define RT_JWT_RSA_MIN      2048      /* bits */
#define RT_JWT_RSA_MAX      8192


typedef enum {
    RT_JWT_HS256 = 0,
    RT_JWT_HS384,
    RT_JWT_HS512,
    RT_JWT_RS256,
    RT_JWT_RS384,
    RT_JWT_RS512,
    RT_JWT_ES256,                 /* the curves are P-256, P-384, P-521 */
    RT_JWT_ES384,
    RT_JWT_ES512,
    RT_JWT_ALGS                   /* none of them */
} rt_jwt_alg_t;


typedef struct {
    rt_jwt_alg_t  alg;
    rt_str_t      kid;            /* empty: of tokens with any or none */
    rt_str_t      secret;         /* of HS*: the maker's memory */
    void         *pkey;           /* of others: libcrypto's, rt_jwt_key_free */
} rt_jwt_key_t;


typedef struct {
    rt_jwt_alg_t  alg;
    rt_str_t      kid;            /* decoded; empty: not said */
    rt_str_t      input;          /* what is signed, in the token */
    rt_str_t      payload;        /* decoded, UTF-8 */
    rt_str_t      signature;      /* decoded */
} rt_jwt_t;


/* by its name in capitals, as in tokens; RT_JWT_ALGS: no such, "none" too */
rt_jwt_alg_t rt_jwt_alg(const rt_str_t *name);

/*
 * Takes a token apart into mem, which has len bytes.  false: it is none, or
 * says "crit": extensions that it wants understood are not.
 */
bool rt_jwt_parse(rt_jwt_t *jwt, uint8_t *token, size_t len, uint8_t *mem);

/* is the key one for this token, by kid and algorithm? */
bool rt_jwt_fits(const rt_jwt_t *jwt, const rt_jwt_key_t *key);

/* is the token signed with it?  In time that tells nothing of a secret. */
bool rt_jwt_verify(const rt_jwt_t *jwt, const rt_jwt_key_t *key);


/* rt_jwt_key.c: keys.  Each returns NULL, or a sentence: what is wrong. */

/* of HS*; secret has to stay */
const char *rt_jwt_key_secret(rt_jwt_key_t *key, rt_jwt_alg_t alg,
    const rt_str_t *secret);

/* of RS* and ES*: a public key, or a certificate */
const char *rt_jwt_key_pem(rt_jwt_key_t *key, rt_jwt_alg_t alg,
    const rt_str_t *pem);

/*
 * The keys of a JWK set (RFC 7517), one after the other.  The text is changed,
 * has to be UTF-8, and to stay: kids and secrets point into it.
 */
typedef enum {
    RT_JWKS_KEY = 0,              /* *key is there */
    RT_JWKS_OTHER,                /* one that is not for signatures, or of an
                                     algorithm that is not ours */
    RT_JWKS_BAD,                  /* *why */
    RT_JWKS_END
} rt_jwks_result_t;

const char *rt_jwks_init(rt_json_t *set, uint8_t *text, size_t len);
rt_jwks_result_t rt_jwks_next(rt_json_t *set, rt_jwt_key_t *key,
    const char **why);

void rt_jwt_key_free(rt_jwt_key_t *key);


#endif /* _RT_JWT_H_INCLUDED_ */
