
/*
 * Tokens of clients: verified with the keys of the location.
 *
 * Called by the protocol.  Calls pure/.  A worker has one set of claims, of the
 * token that was read last.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"


static rt_claims_t *ngx_rt_token_verify(ngx_rt_jwt_t *jwt,
    const rt_str_t *token, const char **why);


static rt_claims_t  ngx_rt_token_claims;
static u_char       ngx_rt_token_memory[RT_JWT_MAX];
static u_char       ngx_rt_token_text[RT_JWT_MAX];
static ngx_str_t    ngx_rt_token_said;


ngx_rt_token_e
ngx_rt_token_read(ngx_rt_jwt_t *jwt, const rt_str_t *token, ngx_log_t *log,
    rt_claims_t **claims)
{
    const char  *why;

    *claims = ngx_rt_token_verify(jwt, token, &why);

    if (*claims == NULL) {
        ngx_rt_token_refused(log, why);
        return NGX_RT_TOKEN_INVALID;
    }

    switch (rt_claims_time(*claims, ngx_time())) {

    case RT_CLAIMS_GOOD:
        return NGX_RT_TOKEN_GOOD;

    case RT_CLAIMS_EXPIRED:
        return NGX_RT_TOKEN_EXPIRED;

    default:
        ngx_rt_token_refused(log, "its \"nbf\" is to come");
        return NGX_RT_TOKEN_INVALID;
    }
}


static rt_claims_t *
ngx_rt_token_verify(ngx_rt_jwt_t *jwt, const rt_str_t *token,
    const char **why)
{
    rt_jwt_t           parts;
    ngx_uint_t         i;
    ngx_rt_jwt_key_t  *key;

    if (!rt_jwt_parse(&parts, token->data, token->len, ngx_rt_token_memory)) {
        *why = "it is not a token of ours";
        return NULL;
    }

    *why = "there is no key for its \"alg\" and \"kid\"";

    key = jwt->keys.elts;

    for (i = 0; i < jwt->keys.nelts; i++) {

        if (!rt_jwt_fits(&parts, &key[i].key)) {
            continue;
        }

        if (!rt_jwt_verify(&parts, &key[i].key)) {
            *why = "it is not signed with the key";
            continue;
        }

        /* reading changes it */

        ngx_rt_token_said.data = ngx_rt_token_text;
        ngx_rt_token_said.len = parts.payload.len;
        ngx_memcpy(ngx_rt_token_text, parts.payload.data, parts.payload.len);

        if (!rt_claims_parse(&ngx_rt_token_claims, parts.payload.data,
                             parts.payload.len))
        {
            *why = "its claims are not of ours";
            return NULL;
        }

        if (!rt_claims_for(&ngx_rt_token_claims, &key[i].audience,
                           &key[i].issuer))
        {
            *why = "it is for another \"aud\", or by another \"iss\"";
            continue;
        }

        return &ngx_rt_token_claims;
    }

    return NULL;
}


const ngx_str_t *
ngx_rt_token_payload(void)
{
    return &ngx_rt_token_said;
}


void
ngx_rt_token_refused(ngx_log_t *log, const char *why)
{
    ngx_log_error(NGX_LOG_INFO, log, 0, "rt: a token is refused: %s", why);
}
