
/*
 * GET, PUT and DELETE .../rules: the text of the tenant's rules that was given
 * by the API, which stands above its file.  A text that is no rule is refused,
 * and the one before stays.
 *
 * Called by ngx_rt_api_resource.c; calls rules/ to try a text.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_rules_conf.h"
#include "rt_utf8.h"


/* what is told */
typedef struct {
    uint64_t                   version;
    const char                *source;
    rt_str_t                   rules;         /* as they are stored */
    rt_str_t                   text;          /* of a file */
} ngx_rt_api_rules_t;


static ngx_rt_rules_conf_t *ngx_rt_api_rules_conf(ngx_rt_api_t *api);
static ngx_rt_rules_file_t *ngx_rt_api_rules_file(ngx_rt_rules_conf_t *rules,
    ngx_str_t *tenant);
static void ngx_rt_api_rules_text(rt_out_t *o, void *data);
static ngx_int_t ngx_rt_api_rules_check(ngx_rt_api_t *api, rt_str_t *text);
static ngx_int_t ngx_rt_api_rules_make(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_api_rules_unmake(ngx_rt_api_change_t *c);


static const rt_param_t  ngx_rt_api_rules_fields[] = {
    { rt_string("text"), RT_PARAM_STRING, offsetof(ngx_rt_api_params_t, text) },
    { rt_string("by"), RT_PARAM_STRING, offsetof(ngx_rt_api_params_t, by) },
    { rt_string("version"), RT_PARAM_VALUE,
      offsetof(ngx_rt_api_params_t, from_version) },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


/* NULL: there are no rules at all, which the reply says */

static ngx_rt_rules_conf_t *
ngx_rt_api_rules_conf(ngx_rt_api_t *api)
{
    ngx_rt_rules_conf_t  *rules;

    rules = api->conf->rules;

    if (rules && rules->set) {
        return rules;
    }

    ngx_rt_api_error(&api->reply, NGX_HTTP_NOT_FOUND, NULL,
                     "there are no rules, write \\\"rt_rules DIR;\\\" into "
                     "http {}");
    return NULL;
}


ngx_int_t
ngx_rt_api_rules_get(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_rt_settings_t     s;
    ngx_rt_api_rules_t    told;
    ngx_rt_rules_file_t  *file;
    ngx_rt_rules_conf_t  *rules;

    rules = ngx_rt_api_rules_conf(api);

    if (rules == NULL) {
        return NGX_OK;
    }

    if (ngx_rt_api_settings(api, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&told, sizeof(ngx_rt_api_rules_t));

    told.version = s.version;
    told.rules = ngx_rt_str(&s.rules);

    if (s.rules.len) {
        told.source = "api";

    } else {
        file = ngx_rt_api_rules_file(rules, &api->tenant);

        /* what is everyone's is for the operator to see */

        if (file) {
            told.text = ngx_rt_str(&file->text);
        }

        told.source = file ? "file" : rules->standard ? "default" : "none";
    }

    return ngx_rt_api_result(api, ngx_rt_api_rules_text, &told, &api->reply);
}


static ngx_rt_rules_file_t *
ngx_rt_api_rules_file(ngx_rt_rules_conf_t *rules, ngx_str_t *tenant)
{
    ngx_uint_t            i;
    ngx_rt_rules_file_t  *file;

    file = rules->tenants.elts;

    for (i = 0; i < rules->tenants.nelts; i++) {
        if (ngx_rt_rules_order(&file[i].tenant, tenant) == 0
            && rt_utf8_valid(file[i].text.data, file[i].text.len))
        {
            return &file[i];
        }
    }

    return NULL;
}


static void
ngx_rt_api_rules_text(rt_out_t *o, void *data)
{
    rt_setting_who_t     nobody;
    ngx_rt_api_rules_t  *told = data;

    rt_out_lit(o, "{\"version\":");
    rt_out_uint(o, told->version);
    rt_out_lit(o, ",\"source\":\"");
    rt_out_bytes(o, told->source, ngx_strlen(told->source));
    rt_out_lit(o, "\",");

    /* an object, of which the brace is there */

    if (told->rules.len) {
        rt_out_bytes(o, told->rules.data + 1, told->rules.len - 1);
        return;
    }

    ngx_memzero(&nobody, sizeof(rt_setting_who_t));

    rt_out_lit(o, "\"text\":");
    rt_out_json_string(o, told->text.data, told->text.len);
    rt_setting_who(o, &nobody);
    rt_out_lit(o, "}");
}


ngx_int_t
ngx_rt_api_rules_put(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_rt_api_params_t  p;

    if (ngx_rt_api_rules_conf(api) == NULL) {
        return NGX_OK;
    }

    ngx_memzero(&p, sizeof(ngx_rt_api_params_t));

    ngx_rt_api_read(j, ngx_rt_api_rules_fields, &p, &api->reply);

    if (p.text.len == 0) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "text",
                         "is required, the Lua of the rules");
    }

    if (p.text.len > RT_VM_SOURCE_MAX) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_TOO_LARGE, "text",
                         "is larger than 16k");
    }

    if (api->reply.code) {
        return NGX_OK;
    }

    if (ngx_rt_api_rules_check(api, &p.text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (api->reply.code) {
        return NGX_OK;
    }

    return ngx_rt_api_change(api, "rules", ngx_rt_api_rules_make, &p);
}


/* tried as a file is; what Lua says of it has pieces of it */

static ngx_int_t
ngx_rt_api_rules_check(ngx_rt_api_t *api, rt_str_t *text)
{
    char        error[RT_VM_ERROR_MAX];
    u_char     *p, *why;
    size_t      i, len;
    rt_rule_t  *rule;

    rule = rt_rule_create(&api->conf->rules->limits, "rules", text->data,
                          text->len, error);

    if (rule) {
        rt_rule_destroy(rule);
        return NGX_OK;
    }

    len = ngx_strlen(error);

    for (i = 0; i < len; i++) {
        if ((u_char) error[i] < 0x20 || (u_char) error[i] > 0x7e) {
            error[i] = '?';
        }
    }

    why = ngx_pnalloc(api->pool,
                      rt_json_escape_len((u_char *) error, len) + 1);
    if (why == NULL) {
        return NGX_ERROR;
    }

    p = rt_json_escape(why, (u_char *) error, len);
    *p = '\0';

    ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "text",
                     (char *) why);
    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_rules_make(ngx_rt_api_change_t *c)
{
    u_char    *p;
    rt_out_t   o;

    p = ngx_pnalloc(c->api->pool, NGX_RT_SETTING_MAX + NGX_SIZE_T_LEN
                                  + sizeof(" bytes"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    rt_out_init(&o, p, NGX_RT_SETTING_MAX);
    rt_setting_rules(&o, &c->params->text, &c->who);

    if (!rt_out_fits(&o)) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_TOO_LARGE, "text",
                         "is larger than 32k as it is kept, with escapes");
        return NGX_DECLINED;
    }

    c->to.rules.data = p;
    c->to.rules.len = o.need;

    c->said.data = p + o.need;
    c->said.len = ngx_sprintf(c->said.data, "%uz bytes", c->params->text.len)
                  - c->said.data;

    return NGX_OK;
}


ngx_int_t
ngx_rt_api_rules_delete(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_str_t            by, version;
    ngx_rt_api_params_t  p;

    if (ngx_rt_api_rules_conf(api) == NULL) {
        return NGX_OK;
    }

    if (ngx_rt_api_argument(api, "by", &by) != NGX_OK
        || ngx_rt_api_argument(api, "version", &version) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (api->reply.code) {
        return NGX_OK;
    }

    ngx_memzero(&p, sizeof(ngx_rt_api_params_t));

    p.by = ngx_rt_str(&by);

    /* one that is empty is no number, and nobody who says none */

    if (version.data) {
        p.from_version.type = RT_JSON_NUMBER;
        p.from_version.data = version.data;
        p.from_version.len = version.len;
    }

    return ngx_rt_api_change(api, "rules", ngx_rt_api_rules_unmake, &p);
}


static ngx_int_t
ngx_rt_api_rules_unmake(ngx_rt_api_change_t *c)
{
    if (c->was.rules.len == 0) {
        return NGX_DECLINED;
    }

    ngx_str_null(&c->to.rules);
    ngx_str_set(&c->said, "deleted");

    return NGX_OK;
}
