
/*
 * rt_jwt: the keys of tokens, read with the configuration.  Several lines are
 * several keys; a level that has lines of its own has none of the outer one.
 *
 * Called by nginx for the directive.  What is wrong with a file is told with
 * its path, never with its text.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "rt_utf8.h"


#define NGX_RT_JWT_KEYS_MAX  64           /* of a level */


/* a line of it */
typedef struct {
    ngx_conf_t        *cf;
    ngx_rt_jwt_t      *jwt;
    rt_str_t           file;              /* as it is written */
    ngx_str_t          path;
    ngx_str_t          text;
    rt_jwt_alg_t       alg;               /* RT_JWT_ALGS: jwks */
    ngx_rt_jwt_key_t   key;
} ngx_rt_jwt_line_t;


static char *ngx_rt_jwt_off(ngx_conf_t *cf, ngx_rt_jwt_t *jwt);
static rt_jwt_alg_t ngx_rt_jwt_alg(ngx_str_t *name);
static ngx_int_t ngx_rt_jwt_params(ngx_rt_jwt_line_t *line);
static ngx_int_t ngx_rt_jwt_param(ngx_str_t *param, const char *name,
    rt_str_t *value);
static char *ngx_rt_jwt_load(ngx_rt_jwt_line_t *line);
static char *ngx_rt_jwt_load_secret(ngx_rt_jwt_line_t *line);
static char *ngx_rt_jwt_load_set(ngx_rt_jwt_line_t *line);
static char *ngx_rt_jwt_add(ngx_rt_jwt_line_t *line);
static char *ngx_rt_jwt_refuse(ngx_rt_jwt_line_t *line, const char *why);
static void ngx_rt_jwt_cleanup(void *data);


char *
ngx_rt_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    char               *rv;
    ngx_str_t          *value;
    ngx_rt_jwt_line_t   line;

    if (lcf->jwt == NGX_CONF_UNSET_PTR) {
        lcf->jwt = ngx_pcalloc(cf->pool, sizeof(ngx_rt_jwt_t));

        if (lcf->jwt == NULL
            || ngx_array_init(&lcf->jwt->keys, cf->pool, 2,
                              sizeof(ngx_rt_jwt_key_t))
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return ngx_rt_jwt_off(cf, lcf->jwt);
    }

    if (lcf->jwt->off) {
        return "was \"off\" already";
    }

    ngx_memzero(&line, sizeof(ngx_rt_jwt_line_t));

    line.cf = cf;
    line.jwt = lcf->jwt;
    line.alg = ngx_rt_jwt_alg(&value[1]);

    if (line.alg == RT_JWT_ALGS && ngx_strcmp(value[1].data, "jwks") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown algorithm \"%V\", write one of hs256, "
                           "hs384, hs512, rs256, rs384, rs512, es256, es384, "
                           "es512, or jwks, or off", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_jwt_params(&line) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    line.path = ngx_rt_ngx_str(&line.file);

    if (ngx_rt_conf_file(cf, &line.path, &line.text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_rt_jwt_load(&line);

    ngx_explicit_memzero(line.text.data, line.text.len);

    return rv;
}


static char *
ngx_rt_jwt_off(ngx_conf_t *cf, ngx_rt_jwt_t *jwt)
{
    if (jwt->off || jwt->keys.nelts) {
        return "is duplicate";
    }

    if (cf->args->nelts != 2) {
        return "is \"off\" or has a key";
    }

    jwt->off = 1;

    return NGX_CONF_OK;
}


/* as they are called here, in small letters */

static rt_jwt_alg_t
ngx_rt_jwt_alg(ngx_str_t *name)
{
    size_t    i;
    u_char    upper[5];
    rt_str_t  s;

    if (name->len != sizeof(upper)) {
        return RT_JWT_ALGS;
    }

    for (i = 0; i < name->len; i++) {

        if (name->data[i] >= 'A' && name->data[i] <= 'Z') {
            return RT_JWT_ALGS;
        }

        upper[i] = ngx_toupper(name->data[i]);
    }

    s.data = upper;
    s.len = sizeof(upper);

    return rt_jwt_alg(&s);
}


static ngx_int_t
ngx_rt_jwt_params(ngx_rt_jwt_line_t *line)
{
    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = line->cf->args->elts;

    for (i = 2; i < line->cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "optional") == 0) {
            line->jwt->optional = 1;
            continue;
        }

        rc = ngx_rt_jwt_param(&value[i], "file=", &line->file);

        if (rc == NGX_DECLINED) {
            rc = ngx_rt_jwt_param(&value[i], "audience=",
                                  &line->key.audience);
        }

        if (rc == NGX_DECLINED) {
            rc = ngx_rt_jwt_param(&value[i], "issuer=", &line->key.issuer);
        }

        /* those of a set have their own */

        if (rc == NGX_DECLINED && line->alg != RT_JWT_ALGS) {
            rc = ngx_rt_jwt_param(&value[i], "kid=", &line->key.key.kid);
        }

        if (rc != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                               "invalid \"%V\", write \"rt_jwt %V "
                               "file=PATH [audience=AUD] [issuer=ISS] "
                               "[optional]%s\", each once", &value[i],
                               &value[1],
                               line->alg == RT_JWT_ALGS ? "" : " [kid=ID]");
            return NGX_ERROR;
        }
    }

    if (line->file.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0,
                           "\"rt_jwt\" has no \"file=\", write \"rt_jwt %V "
                           "file=PATH\"", &value[1]);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is another one; NGX_ERROR: empty, or said before */

static ngx_int_t
ngx_rt_jwt_param(ngx_str_t *param, const char *name, rt_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (ngx_strncmp(param->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    if (param->len == len || value->len) {
        return NGX_ERROR;
    }

    value->data = param->data + len;
    value->len = param->len - len;

    return NGX_OK;
}


static char *
ngx_rt_jwt_load(ngx_rt_jwt_line_t *line)
{
    rt_str_t     pem;
    const char  *why;

    if (line->alg == RT_JWT_ALGS) {
        return ngx_rt_jwt_load_set(line);
    }

    if (line->alg < RT_JWT_RS256) {
        return ngx_rt_jwt_load_secret(line);
    }

    pem = ngx_rt_str(&line->text);
    why = rt_jwt_key_pem(&line->key.key, line->alg, &pem);

    return why ? ngx_rt_jwt_refuse(line, why) : ngx_rt_jwt_add(line);
}


/* all of the file but the line ends at its end */

static char *
ngx_rt_jwt_load_secret(ngx_rt_jwt_line_t *line)
{
    rt_str_t     secret;
    const char  *why;

    secret = ngx_rt_str(&line->text);

    while (secret.len && (secret.data[secret.len - 1] == LF
                          || secret.data[secret.len - 1] == CR))
    {
        secret.len--;
    }

    secret.data = ngx_pnalloc(line->cf->pool, secret.len + 1);

    if (secret.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(secret.data, line->text.data, secret.len);

    why = rt_jwt_key_secret(&line->key.key, line->alg, &secret);

    return why ? ngx_rt_jwt_refuse(line, why) : ngx_rt_jwt_add(line);
}


static char *
ngx_rt_jwt_load_set(ngx_rt_jwt_line_t *line)
{
    u_char            *text;
    rt_json_t          set;
    ngx_uint_t         n;
    const char        *why;
    rt_jwks_result_t   rc;

    if (!rt_utf8_valid(line->text.data, line->text.len)) {
        return ngx_rt_jwt_refuse(line, "it is not UTF-8");
    }

    /* the keys point into it */

    text = ngx_pnalloc(line->cf->pool, line->text.len + 1);
    if (text == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(text, line->text.data, line->text.len);

    why = rt_jwks_init(&set, text, line->text.len);

    for (n = 0, rc = RT_JWKS_OTHER; why == NULL; /* void */ ) {
        rc = rt_jwks_next(&set, &line->key.key, &why);

        if (rc == RT_JWKS_END) {
            break;
        }

        if (rc == RT_JWKS_KEY) {
            n++;

            if (ngx_rt_jwt_add(line) != NGX_CONF_OK) {
                return NGX_CONF_ERROR;
            }
        }
    }

    if (why == NULL && n == 0) {
        why = "there is no key for signatures in it that is of HS, RS or ES";
    }

    return why ? ngx_rt_jwt_refuse(line, why) : NGX_CONF_OK;
}


static char *
ngx_rt_jwt_add(ngx_rt_jwt_line_t *line)
{
    ngx_rt_jwt_key_t    *key;
    ngx_pool_cleanup_t  *cln;

    if (line->jwt->keys.nelts == NGX_RT_JWT_KEYS_MAX) {
        return ngx_rt_jwt_refuse(line, "there are more than 64 keys");
    }

    cln = ngx_pool_cleanup_add(line->cf->pool, sizeof(rt_jwt_key_t));
    key = ngx_array_push(&line->jwt->keys);

    if (cln == NULL || key == NULL) {
        return NGX_CONF_ERROR;
    }

    *key = line->key;

    cln->handler = ngx_rt_jwt_cleanup;
    *(rt_jwt_key_t *) cln->data = line->key.key;

    return NGX_CONF_OK;
}


static char *
ngx_rt_jwt_refuse(ngx_rt_jwt_line_t *line, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, line->cf, 0, "\"%V\" cannot be used: %s",
                       &line->path, why);

    return NGX_CONF_ERROR;
}


static void
ngx_rt_jwt_cleanup(void *data)
{
    rt_jwt_key_free(data);
}
