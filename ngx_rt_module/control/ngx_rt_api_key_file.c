
/*
 * rt_api_key file=PATH: the file of the API's keys, read when the configuration
 * is.  A line is "KEY [tenant ...]", a comment after '#', or blank.
 *
 * Called by nginx for the directive.  What it finds wrong is told with the line
 * of the file, never with its text.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"


typedef struct {
    ngx_conf_t          *cf;
    ngx_rt_api_auth_t   *auth;
    ngx_str_t            path;
    ngx_uint_t           line;
} ngx_rt_api_key_file_t;


static char *ngx_rt_api_key_file(ngx_conf_t *cf, ngx_rt_api_auth_t *auth,
    ngx_str_t *path);
static ngx_int_t ngx_rt_api_key_line(ngx_rt_api_key_file_t *f, u_char *p,
    u_char *last);
static ngx_int_t ngx_rt_api_key_add(ngx_rt_api_key_file_t *f, ngx_str_t *word);
static ngx_int_t ngx_rt_api_key_tenant(ngx_rt_api_key_file_t *f,
    ngx_str_t *word);
static ngx_int_t ngx_rt_api_key_word(u_char **pos, u_char *last,
    ngx_str_t *word);
static const char *ngx_rt_api_key_judge(ngx_array_t *keys, ngx_str_t *word);
static ngx_int_t ngx_rt_api_key_refuse(ngx_rt_api_key_file_t *f,
    const char *why);


char *
ngx_rt_api_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t  *lcf = conf;

    ngx_str_t           path, *value;
    ngx_rt_api_auth_t  *auth;

    if (lcf->api_auth != NULL && lcf->api_auth != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    auth = ngx_pcalloc(cf->pool, sizeof(ngx_rt_api_auth_t));
    if (auth == NULL) {
        return NGX_CONF_ERROR;
    }

    lcf->api_auth = auth;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        auth->off = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[1].data, "file=", 5) != 0 || value[1].len == 5) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_api_key\" has to be \"file=PATH\" or \"off\"");
        return NGX_CONF_ERROR;
    }

    path.data = value[1].data + 5;
    path.len = value[1].len - 5;

    return ngx_rt_api_key_file(cf, auth, &path);
}


static char *
ngx_rt_api_key_file(ngx_conf_t *cf, ngx_rt_api_auth_t *auth, ngx_str_t *path)
{
    u_char                 *p, *last, *end;
    ngx_str_t               text;
    ngx_rt_api_key_file_t   f;

    f.cf = cf;
    f.auth = auth;
    f.path = *path;
    f.line = 0;

    auth->keys = ngx_array_create(cf->pool, 4, sizeof(ngx_rt_api_key_t));
    if (auth->keys == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_conf_file(cf, &f.path, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    end = text.data + text.len;

    for (p = text.data; p < end; p = last + 1) {
        last = ngx_strlchr(p, end, '\n');
        last = last ? last : end;

        f.line++;

        if (ngx_rt_api_key_line(&f, p, last) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    ngx_explicit_memzero(text.data, text.len);

    if (auth->keys->nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is no key in \"%V\", write one \"KEY\" or "
                           "\"KEY tenant ...\" a line", &f.path);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_rt_api_key_line(ngx_rt_api_key_file_t *f, u_char *p, u_char *last)
{
    ngx_str_t  word;

    if (ngx_rt_api_key_word(&p, last, &word) != NGX_OK
        || word.data[0] == '#')
    {
        return NGX_OK;
    }

    if (ngx_rt_api_key_add(f, &word) != NGX_OK) {
        return NGX_ERROR;
    }

    while (ngx_rt_api_key_word(&p, last, &word) == NGX_OK) {
        if (ngx_rt_api_key_tenant(f, &word) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_key_add(ngx_rt_api_key_file_t *f, ngx_str_t *word)
{
    const char        *why;
    ngx_rt_api_key_t  *key;

    why = ngx_rt_api_key_judge(f->auth->keys, word);

    if (why) {
        return ngx_rt_api_key_refuse(f, why);
    }

    key = ngx_array_push(f->auth->keys);
    if (key == NULL) {
        return NGX_ERROR;
    }

    key->tenants = NULL;
    key->key.len = word->len;
    key->key.data = ngx_pcalloc(f->cf->pool, NGX_RT_API_KEY_MAX);

    if (key->key.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(key->key.data, word->data, word->len);

    return NGX_OK;
}


/* of the key that was added last */

static ngx_int_t
ngx_rt_api_key_tenant(ngx_rt_api_key_file_t *f, ngx_str_t *word)
{
    size_t             i;
    ngx_str_t         *name;
    ngx_rt_api_key_t  *key;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] < 0x20 || word->data[i] == 0x7f) {
            return ngx_rt_api_key_refuse(f, "a tenant has no control "
                                            "characters");
        }
    }

    if (word->len > NGX_RT_TENANT_MAX) {
        return ngx_rt_api_key_refuse(f, "a tenant has at most 128 bytes");
    }

    key = f->auth->keys->elts;
    key += f->auth->keys->nelts - 1;

    if (key->tenants == NULL) {
        key->tenants = ngx_array_create(f->cf->pool, 2, sizeof(ngx_str_t));
        if (key->tenants == NULL) {
            return NGX_ERROR;
        }
    }

    name = ngx_array_push(key->tenants);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->len = word->len;
    name->data = ngx_pstrdup(f->cf->pool, word);

    return name->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_rt_api_key_word(u_char **pos, u_char *last, ngx_str_t *word)
{
    u_char  *p;

    p = *pos;

    while (p < last && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
    }

    word->data = p;

    while (p < last && *p != ' ' && *p != '\t' && *p != '\r') {
        p++;
    }

    word->len = p - word->data;
    *pos = p;

    return word->len ? NGX_OK : NGX_DONE;
}


/* what is wrong with a key, or NULL */

static const char *
ngx_rt_api_key_judge(ngx_array_t *keys, ngx_str_t *word)
{
    size_t             i;
    ngx_rt_api_key_t  *key;

    for (i = 0; i < word->len; i++) {
        if (word->data[i] <= 0x20 || word->data[i] >= 0x7f) {
            return "a key is of printable ASCII characters";
        }
    }

    if (word->len < NGX_RT_API_KEY_MIN) {
        return "a key has at least 8 characters";
    }

    if (word->len > NGX_RT_API_KEY_MAX) {
        return "a key has at most 256 characters";
    }

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        if (key[i].key.len == word->len
            && ngx_memcmp(key[i].key.data, word->data, word->len) == 0)
        {
            return "this key was there before, name all tenants in one line";
        }
    }

    return NULL;
}


static ngx_int_t
ngx_rt_api_key_refuse(ngx_rt_api_key_file_t *f, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, f->cf, 0, "\"%V\", line %ui: %s",
                       &f->path, f->line, why);

    return NGX_ERROR;
}
