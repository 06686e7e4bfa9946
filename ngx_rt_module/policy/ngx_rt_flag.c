
/*
 * Flags: those that the API has given a tenant stand above the directive's,
 * which are for all.  What is asked is counted by tenant, flag and answer.
 *
 * Called by protocol/ for rules, and by nginx for its variables.  No locking:
 * what is read is the worker's own; a new counter is made under the mutex.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"


#define NGX_RT_FLAG_PREFIX  "rt_flag_"


static const rt_flag_t *ngx_rt_flag_find(ngx_rt_main_conf_t *mcf,
    ngx_rt_zone_t *z, const ngx_str_t *tenant, const rt_str_t *name);
static char *ngx_rt_flag_add(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf,
    ngx_str_t *name, uint32_t share);
static ngx_int_t ngx_rt_flag_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_rt_flag_request(ngx_http_request_t *r, ngx_str_t *name,
    ngx_uint_t *on);


ngx_int_t
ngx_rt_flag_ask(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const rt_str_t *name, const rt_str_t *key,
    ngx_rt_flag_answer_t *answer)
{
    const rt_flag_t  *flag;

    flag = ngx_rt_flag_find(mcf, z, tenant, name);

    if (flag == NULL) {
        return NGX_DECLINED;
    }

    answer->on = rt_flag_on(flag, key->data, key->len);
    answer->name = ngx_rt_ngx_str(&flag->name);
    answer->tally = NULL;

    return NGX_OK;
}


void
ngx_rt_flag_count(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    ngx_rt_flag_answer_t *answer)
{
    ngx_str_t  parts[3];

    if (answer->tally == NULL) {
        parts[0] = *tenant;
        parts[1] = answer->name;
        ngx_rt_flag_text(answer->on, &parts[2]);

        answer->tally = ngx_rt_tally(z, NGX_RT_TALLY_FLAGS, parts, 3);
    }

    (void) ngx_atomic_fetch_add(&answer->tally->counts[NGX_RT_FLAG_ASKED], 1);
}


ngx_uint_t
ngx_rt_flag_look(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const rt_str_t *name, const rt_str_t *key)
{
    const rt_flag_t  *flag;

    flag = ngx_rt_flag_find(mcf, z, tenant, name);

    return flag && rt_flag_on(flag, key->data, key->len);
}


static const rt_flag_t *
ngx_rt_flag_find(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const rt_str_t *name)
{
    const rt_flag_t   *flag;
    ngx_rt_overlay_t  *o;

    o = ngx_rt_overlay(z, tenant);
    flag = o && o->flags ? rt_flags_find(o->flags, name->data, name->len)
                         : NULL;

    if (flag == NULL && mcf->flags) {
        flag = rt_flags_find(mcf->flags, name->data, name->len);
    }

    return flag;
}


char *
ngx_rt_flag(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    uint32_t    share;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (!rt_flag_name_valid(value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of a flag: write 1 to %d "
                           "letters, digits, \"_\" and \"-\"", &value[1],
                           RT_FLAG_NAME_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[2].data, "on") == 0) {
        share = RT_FLAG_ALL;

    } else if (ngx_strcmp(value[2].data, "off") == 0) {
        share = 0;

    } else if (value[2].len < 2 || value[2].data[value[2].len - 1] != '%'
               || !rt_flag_share(value[2].data, value[2].len - 1, &share))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" of a flag: write \"on\", "
                           "\"off\", or a percentage from 0 to 100 with up "
                           "to two decimals, as in \"12.5%%\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    return ngx_rt_flag_add(cf, conf, &value[1], share);
}


static char *
ngx_rt_flag_add(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf, ngx_str_t *name,
    uint32_t share)
{
    rt_str_t     folded;
    rt_flags_t  *set;

    set = mcf->flags;

    if (set == NULL) {
        set = ngx_pcalloc(cf->pool, sizeof(rt_flags_t)
                                    + RT_FLAG_MAX * sizeof(rt_flag_t));
        if (set == NULL) {
            return NGX_CONF_ERROR;
        }

        set->flags = (rt_flag_t *) (set + 1);
        mcf->flags = set;
    }

    if (rt_flags_find(set, name->data, name->len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the flag \"%V\" is there already (upper and lower "
                           "case are the same, and \"-\" is \"_\")", name);
        return NGX_CONF_ERROR;
    }

    if (set->nflags == RT_FLAG_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d flags", RT_FLAG_MAX);
        return NGX_CONF_ERROR;
    }

    folded.len = name->len;
    folded.data = ngx_pstrdup(cf->pool, name);

    if (folded.data == NULL) {
        return NGX_CONF_ERROR;
    }

    rt_flag_init(&set->flags[set->nflags++], &folded, share);

    return NGX_CONF_OK;
}


char *
ngx_rt_flag_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *rlcf = conf;

    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (rlcf->flag_key) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rlcf->flag_key = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (rlcf->flag_key == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = rlcf->flag_key;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (value[2].len <= 5 || ngx_strncmp(value[2].data, "zone=", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", write \"zone=NAME\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    rlcf->flag_zone = ngx_rt_conf_known_zone(cf, &value[2]);

    return rlcf->flag_zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_int_t
ngx_rt_flag_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  name = ngx_string(NGX_RT_FLAG_PREFIX);

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_PREFIX);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_rt_flag_variable;

    return NGX_OK;
}


/* data: the variable's name, which nginx has in lower case */

static ngx_int_t
ngx_rt_flag_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t  *var = (ngx_str_t *) data;

    ngx_str_t   name, text;
    ngx_uint_t  on;

    name.data = var->data + sizeof(NGX_RT_FLAG_PREFIX) - 1;
    name.len = var->len - (sizeof(NGX_RT_FLAG_PREFIX) - 1);

    if (ngx_rt_flag_request(r, &name, &on) == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_rt_flag_text(on, &text);

    v->data = text.data;
    v->len = text.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* who is no tenant has no flags, who is no user no key */

static ngx_int_t
ngx_rt_flag_request(ngx_http_request_t *r, ngx_str_t *name, ngx_uint_t *on)
{
    rt_str_t               flag, k;
    ngx_int_t              rc;
    ngx_str_t              tenant, key;
    ngx_rt_zone_t         *z, **zones;
    ngx_rt_loc_conf_t     *rlcf;
    ngx_rt_main_conf_t    *mcf;
    ngx_rt_flag_answer_t   answer;

    *on = 0;

    mcf = ngx_http_get_module_main_conf(r, ngx_rt_module);
    rlcf = ngx_http_get_module_loc_conf(r, ngx_rt_module);

    z = rlcf->flag_zone ? rlcf->flag_zone : rlcf->zone;

    if (z == NULL && mcf->zones.nelts) {
        zones = mcf->zones.elts;
        z = zones[0];
    }

    if (z == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_rt_tenant_name(r, z, &tenant);

    if (rc != NGX_OK) {
        return rc;
    }

    if (rlcf->flag_key) {
        if (ngx_http_complex_value(r, rlcf->flag_key, &key) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        rc = ngx_rt_user_name(r, rlcf->user, &key);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_str_null(&key);
        }
    }

    flag = ngx_rt_str(name);
    k = ngx_rt_str(&key);

    if (ngx_rt_flag_ask(mcf, z, &tenant, &flag, &k, &answer) == NGX_OK) {
        ngx_rt_flag_count(z, &tenant, &answer);
        *on = answer.on;
    }

    return NGX_OK;
}
