
/*
 * rt_rules: default.lua and tenants/TENANT.lua of a folder are read with the
 * configuration, and each is tried, so that a reload with a broken one is
 * refused and names its line.
 */


#include "ngx_rt.h"
#include "ngx_rt_rules_conf.h"
#include "ngx_rt_state.h"


#define NGX_RT_RULES_SUFFIX  ".lua"

#define NGX_RT_RULES_STEPS   100000
#define NGX_RT_RULES_MEMORY  (1024 * 1024)
#define NGX_RT_RULES_MAX     1000

/* a second of a worker, for each tenant: a tenth to a fifth of its time */
#define NGX_RT_RULES_RATE    20000000

/* of the whole: one string, and what is kept between calls */
#define ngx_rt_rules_piece(memory)  ((memory) / 8)
#define ngx_rt_rules_kept(memory)   ((memory) / 4)

/* backstop: a step takes some 8 ns */
#define NGX_RT_RULES_TIME    900


static ngx_rt_rules_conf_t *ngx_rt_rules_create(ngx_conf_t *cf,
    ngx_rt_main_conf_t *mcf);
static char *ngx_rt_rules_option(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_str_t *option);
static char *ngx_rt_rules_read(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules);
static char *ngx_rt_rules_read_tenants(ngx_conf_t *cf,
    ngx_rt_rules_conf_t *rules, ngx_str_t *folder);
static char *ngx_rt_rules_read_tenant(ngx_conf_t *cf,
    ngx_rt_rules_conf_t *rules, ngx_str_t *file);
static char *ngx_rt_rules_read_file(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, ngx_str_t *path);
static int ngx_libc_cdecl ngx_rt_rules_cmp(const void *one, const void *two);


char *
ngx_rt_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                 *rc;
    ngx_str_t            *value;
    ngx_uint_t            i;
    ngx_rt_rules_conf_t  *rules;

    rules = ngx_rt_rules_create(cf, conf);

    if (rules == NULL) {
        return NGX_CONF_ERROR;
    }

    if (rules->set) {
        return "is duplicate";
    }

    rules->set = 1;
    rules->max = NGX_RT_RULES_MAX;
    rules->rate = NGX_RT_RULES_RATE;
    rules->limits.names = ngx_rt_rules_functions;
    rules->limits.steps = NGX_RT_RULES_STEPS;
    rules->limits.bytes = NGX_RT_RULES_MEMORY;
    rules->limits.time = NGX_RT_RULES_TIME;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        rc = ngx_rt_rules_option(cf, rules, &value[i]);

        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    rules->accounts = ngx_pcalloc(cf->pool, NGX_RT_RULES_ACCOUNTS
                                            * sizeof(ngx_rt_rules_account_t));
    if (rules->accounts == NULL) {
        return NGX_CONF_ERROR;
    }

    rules->limits.piece = ngx_rt_rules_piece(rules->limits.bytes);
    rules->limits.kept = ngx_rt_rules_kept(rules->limits.bytes);

    rules->dir = value[1];

    if (ngx_conf_full_name(cf->cycle, &rules->dir, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_rt_rules_read(cf, rules);
}


char *
ngx_rt_rules_on_error(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t            *value;
    ngx_rt_rules_conf_t  *rules;

    rules = ngx_rt_rules_create(cf, conf);

    if (rules == NULL) {
        return NGX_CONF_ERROR;
    }

    if (rules->pass_set) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "pass") == 0) {
        rules->pass = 1;

    } else if (ngx_strcmp(value[1].data, "deny") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\": write \"deny\" or \"pass\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    rules->pass_set = 1;

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_rt_rules_configured(ngx_rt_main_conf_t *mcf)
{
    return mcf->rules && mcf->rules->set;
}


static ngx_rt_rules_conf_t *
ngx_rt_rules_create(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf)
{
    ngx_rt_rules_conf_t  *rules;

    if (mcf->rules) {
        return mcf->rules;
    }

    rules = ngx_pcalloc(cf->pool, sizeof(ngx_rt_rules_conf_t));
    if (rules == NULL) {
        return NULL;
    }

    if (ngx_array_init(&rules->tenants, cf->pool, 4,
                       sizeof(ngx_rt_rules_file_t))
        != NGX_OK)
    {
        return NULL;
    }

    mcf->rules = rules;

    return rules;
}


static char *
ngx_rt_rules_option(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_str_t *option)
{
    ssize_t    size;
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_strncmp(option->data, "steps=", 6) == 0) {
        n = ngx_atoi(option->data + 6, option->len - 6);

        if (n >= 1000 && n <= 10000000) {
            rules->limits.steps = n;
            rules->limits.time = ngx_max(NGX_RT_RULES_TIME,
                                         n / 1000 * NGX_RT_RULES_TIME / 100);
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\": write 1000 to 10000000 steps",
                           option);
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(option->data, "memory=", 7) == 0) {
        s.data = option->data + 7;
        s.len = option->len - 7;
        size = ngx_parse_size(&s);

        if (size >= 256 * 1024 && size <= 64 * 1024 * 1024) {
            rules->limits.bytes = size;
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\": write 256k to 64m", option);
        return NGX_CONF_ERROR;
    }

    if (ngx_strncmp(option->data, "states=", 7) == 0) {
        n = ngx_atoi(option->data + 7, option->len - 7);

        if (n >= 1 && n <= 100000) {
            rules->max = n;
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\": write 1 to 100000 states",
                           option);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(option->data, "rate=off") == 0) {
        rules->rate = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(option->data, "rate=", 5) == 0) {
        n = ngx_atoi(option->data + 5, option->len - 5);

        if (n >= 100000 && n <= 1000000000) {
            rules->rate = n;
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\": write 100000 to 1000000000 steps "
                           "a second, or \"off\"", option);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": write \"steps=NUMBER\", "
                       "\"memory=SIZE\", \"states=NUMBER\" or "
                       "\"rate=NUMBER\"", option);

    return NGX_CONF_ERROR;
}


static char *
ngx_rt_rules_read(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules)
{
    char                 *rc;
    u_char               *p;
    ngx_str_t             path;
    ngx_file_info_t       fi;
    ngx_rt_rules_file_t  *f;

    path.len = rules->dir.len + sizeof("/default.lua") - 1;
    path.data = ngx_pnalloc(cf->temp_pool, path.len + 1);

    if (path.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(path.data, rules->dir.data, rules->dir.len);
    ngx_memcpy(p, "/default.lua", sizeof("/default.lua"));

    if (ngx_file_info(path.data, &fi) != NGX_FILE_ERROR) {
        f = ngx_pcalloc(cf->pool, sizeof(ngx_rt_rules_file_t));
        if (f == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_str_set(&f->name, "default.lua");

        rc = ngx_rt_rules_read_file(cf, rules, f, &path);

        if (rc != NGX_CONF_OK) {
            return rc;
        }

        rules->standard = f;
    }

    path.len = rules->dir.len + sizeof("/tenants") - 1;
    ngx_memcpy(p, "/tenants", sizeof("/tenants"));

    if (ngx_file_info(path.data, &fi) != NGX_FILE_ERROR) {
        rc = ngx_rt_rules_read_tenants(cf, rules, &path);

        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    if (rules->standard == NULL && rules->tenants.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no rules in \"%V\": neither \"default.lua\" nor "
                           "\"tenants/TENANT.lua\" is there", &rules->dir);
        return NGX_CONF_ERROR;
    }

    ngx_qsort(rules->tenants.elts, rules->tenants.nelts,
              sizeof(ngx_rt_rules_file_t), ngx_rt_rules_cmp);

    return NGX_CONF_OK;
}


static char *
ngx_rt_rules_read_tenants(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_str_t *folder)
{
    char       *rc;
    u_char     *p;
    size_t      len;
    ngx_dir_t   dir;
    ngx_str_t   path;

    if (ngx_open_dir(folder, &dir) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_dir_n " \"%V\" failed", folder);
        return NGX_CONF_ERROR;
    }

    rc = NGX_CONF_OK;

    while (rc == NGX_CONF_OK && ngx_read_dir(&dir) == NGX_OK) {

        len = ngx_de_namelen(&dir);

        if (len < sizeof(NGX_RT_RULES_SUFFIX)
            || ngx_de_name(&dir)[0] == '.'
            || ngx_strcmp(ngx_de_name(&dir) + len
                          - (sizeof(NGX_RT_RULES_SUFFIX) - 1),
                          NGX_RT_RULES_SUFFIX)
               != 0)
        {
            continue;
        }

        path.len = folder->len + 1 + len;
        path.data = ngx_pnalloc(cf->temp_pool, path.len + 1);

        if (path.data == NULL) {
            rc = NGX_CONF_ERROR;
            break;
        }

        p = ngx_cpymem(path.data, folder->data, folder->len);
        *p++ = '/';
        ngx_memcpy(p, ngx_de_name(&dir), len + 1);

        rc = ngx_rt_rules_read_tenant(cf, rules, &path);
    }

    if (ngx_close_dir(&dir) == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_dir_n " \"%V\" failed", folder);
    }

    return rc;
}


/* tenants/TENANT.lua, where TENANT is percent-encoded */

static char *
ngx_rt_rules_read_tenant(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_str_t *file)
{
    u_char               *src, *dst;
    ngx_rt_rules_file_t  *f;

    f = ngx_array_push(&rules->tenants);
    if (f == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(f, sizeof(ngx_rt_rules_file_t));

    f->name.len = file->len - rules->dir.len - 1;
    f->name.data = ngx_pnalloc(cf->pool, f->name.len + 1);
    f->tenant.data = ngx_pnalloc(cf->pool, f->name.len + 1);

    if (f->name.data == NULL || f->tenant.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(f->name.data, file->data + rules->dir.len + 1,
               f->name.len + 1);

    src = f->name.data + sizeof("tenants/") - 1;
    dst = f->tenant.data;

    ngx_unescape_uri(&dst, &src, f->name.len - (sizeof("tenants/") - 1)
                     - (sizeof(NGX_RT_RULES_SUFFIX) - 1), 0);

    f->tenant.len = dst - f->tenant.data;

    if (!ngx_rt_name_valid(&f->tenant, NGX_RT_TENANT_MAX)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" names no tenant: a name is 1 to 128 bytes "
                           "without control characters, percent-encoded",
                           file);
        return NGX_CONF_ERROR;
    }

    return ngx_rt_rules_read_file(cf, rules, f, file);
}


/* reads and tries it */

static char *
ngx_rt_rules_read_file(ngx_conf_t *cf, ngx_rt_rules_conf_t *rules,
    ngx_rt_rules_file_t *f, ngx_str_t *path)
{
    char        error[RT_VM_ERROR_MAX];
    ngx_str_t   text;
    rt_rule_t  *rule;

    if (ngx_rt_conf_file(cf, path, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    f->conf = rules;
    f->text.len = text.len;
    f->text.data = ngx_pstrdup(cf->pool, &text);

    if (f->text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    rule = rt_rule_create(&rules->limits, (char *) f->name.data, f->text.data,
                          f->text.len, error);

    if (rule == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "rule %s (in \"%V\")", error,
                           &rules->dir);
        return NGX_CONF_ERROR;
    }

    ngx_rt_rules_know(f, rule);
    rt_rule_destroy(rule);

    return NGX_CONF_OK;
}


static int ngx_libc_cdecl
ngx_rt_rules_cmp(const void *one, const void *two)
{
    return ngx_rt_rules_order(&((ngx_rt_rules_file_t *) one)->tenant,
                              &((ngx_rt_rules_file_t *) two)->tenant);
}


int
ngx_rt_rules_order(const ngx_str_t *one, const ngx_str_t *other)
{
    return ngx_memn2cmp(one->data, other->data, one->len, other->len);
}
