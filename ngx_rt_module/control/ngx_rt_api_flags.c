
/*
 * GET and PUT .../flags: the flags of the request's tenant, each with who has
 * set it and when.  A change names some of them; the others stay.
 *
 * Called by ngx_rt_api_resource.c.  What a flag may be is pure/rt_flag.c's to
 * know, who has set it pure/rt_setting.c's.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "rt_flag.h"


static ngx_int_t ngx_rt_api_flags_make(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_api_flags_check(ngx_rt_api_t *api, ngx_str_t *flags);
static void ngx_rt_api_flags_text(rt_out_t *o, void *data);


static const rt_param_t  ngx_rt_api_flags_fields[] = {
    { rt_string("flags"), RT_PARAM_OBJECT,
      offsetof(ngx_rt_api_params_t, flags) },
    { rt_string("by"), RT_PARAM_STRING, offsetof(ngx_rt_api_params_t, by) },
    { rt_string("version"), RT_PARAM_VALUE,
      offsetof(ngx_rt_api_params_t, from_version) },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


ngx_int_t
ngx_rt_api_flags_get(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_rt_settings_t  s;

    if (ngx_rt_api_settings(api, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_rt_api_result(api, ngx_rt_api_flags_text, &s, &api->reply);
}


static void
ngx_rt_api_flags_text(rt_out_t *o, void *data)
{
    ngx_rt_settings_t  *s = data;

    rt_out_lit(o, "{\"version\":");
    rt_out_uint(o, s->version);
    rt_out_lit(o, ",\"flags\":");

    if (s->flags.len) {
        rt_out_bytes(o, s->flags.data, s->flags.len);

    } else {
        rt_out_lit(o, "{}");
    }

    rt_out_lit(o, "}");
}


ngx_int_t
ngx_rt_api_flags_put(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_rt_api_params_t  p;

    /* a line in the file of settings */

    rt_json_flatten(j->pos, j->end - j->pos);

    ngx_memzero(&p, sizeof(ngx_rt_api_params_t));

    ngx_rt_api_read(j, ngx_rt_api_flags_fields, &p, &api->reply);

    if (p.flags.type == RT_JSON_NONE) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, "flags",
                         "is required, an object of flags by their names");
    }

    if (api->reply.code) {
        return NGX_OK;
    }

    return ngx_rt_api_change(api, "flags", ngx_rt_api_flags_make, &p);
}


/* both texts are changed in the reading, and may be wanted again */

static ngx_int_t
ngx_rt_api_flags_make(ngx_rt_api_change_t *c)
{
    u_char           *p;
    rt_out_t          o, said;
    rt_str_t          was, changes;
    const char       *why;
    rt_json_value_t  *v;

    v = &c->params->flags;

    p = ngx_pnalloc(c->api->pool, v->len + c->was.flags.len
                                  + RT_SETTING_SAID_MAX + NGX_RT_SETTING_MAX);
    if (p == NULL) {
        return NGX_ERROR;
    }

    changes.data = p;
    changes.len = v->len;
    p = rt_append(p, v->data, v->len);

    was.data = p;
    was.len = c->was.flags.len;
    p = rt_append(p, c->was.flags.data, was.len);

    c->said.data = p;
    rt_out_init(&said, p, RT_SETTING_SAID_MAX);
    p += RT_SETTING_SAID_MAX;

    c->to.flags.data = p;
    rt_out_init(&o, p, NGX_RT_SETTING_MAX);

    why = rt_setting_flags(&o, &was, &changes, &c->who, &said);

    if (why) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_BAD_REQUEST, "flags", why);
        return NGX_DECLINED;
    }

    if (!rt_out_fits(&o)) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_TOO_LARGE, "flags",
                         "all of them take more than 32k");
        return NGX_DECLINED;
    }

    c->said.len = said.pos - said.start;
    c->to.flags.len = o.need;

    return ngx_rt_api_flags_check(c->api, &c->to.flags);
}


/* as those read them who ask for one; what is said of it is ASCII */

static ngx_int_t
ngx_rt_api_flags_check(ngx_rt_api_t *api, ngx_str_t *flags)
{
    u_char  *p, *why;
    void    *mem;
    char     error[RT_FLAG_ERROR_MAX];
    size_t   len;

    mem = ngx_palloc(api->pool, rt_flags_size(flags->data, flags->len));
    if (mem == NULL) {
        return NGX_ERROR;
    }

    if (rt_flags_parse(mem, flags->data, flags->len, error)) {
        return NGX_OK;
    }

    len = ngx_strlen(error);

    why = ngx_pnalloc(api->pool,
                      rt_json_escape_len((u_char *) error, len) + 1);
    if (why == NULL) {
        return NGX_ERROR;
    }

    p = rt_json_escape(why, (u_char *) error, len);
    *p = '\0';

    ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, NULL, (char *) why);

    return NGX_DECLINED;
}
