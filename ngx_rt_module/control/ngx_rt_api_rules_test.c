
/*
 * POST .../rules/test: what a rule would say of what a client may do, what that
 * costs, and what it logs.  The rule is a text, or the one that is in force.
 *
 * Called by ngx_rt_api_resource.c; calls rules/ to try it.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_rules.h"


#define NGX_RT_TRIAL_FIELDS  8

#define ngx_rt_trial_may(verdict)  (1 << RT_RULE_ ## verdict)


/* the members of the body */
typedef struct {
    rt_str_t                   text;
    rt_str_t                   function;
    rt_json_value_t            session;
    rt_json_value_t            client;
    rt_json_value_t            channel;
    rt_json_value_t            publication;
    rt_json_value_t            command;
} ngx_rt_trial_body_t;


/* those of the session, and of what it does */
typedef struct {
    rt_str_t                   tenant;
    rt_str_t                   user;
    rt_str_t                   id;
    rt_json_value_t            claims;
    rt_json_value_t            headers;
    rt_json_value_t            data;
} ngx_rt_trial_session_t;


typedef struct {
    rt_str_t                   name;
    rt_str_t                   channel;
    rt_str_t                   method;
    rt_str_t                   id;
    rt_str_t                   type;
    uint64_t                   version;
    rt_str_t                   software;      /* the version of a client */
    rt_json_value_t            data;
} ngx_rt_trial_what_t;


typedef struct ngx_rt_trial_s  ngx_rt_trial_t;


/* a function that rules may have */
typedef struct {
    rt_str_t                   name;
    const char                *what;          /* the member that says of what */
    size_t                     offset;        /* of it, in the body */
    const rt_param_t          *params;
    ngx_uint_t                 may;
    void                     (*view)(ngx_rt_trial_t *trial,
                                     rt_rule_event_t *event);
} ngx_rt_trial_function_t;


struct ngx_rt_trial_s {
    ngx_rt_main_conf_t        *conf;
    const ngx_rt_trial_function_t  *function;
    ngx_rt_trial_session_t     session;
    ngx_rt_trial_what_t        what;
    ngx_str_t                  ns;            /* of the channel */
    rt_rule_view_t             views[RT_RULE_VIEWS];
    rt_rule_field_t            of_session[NGX_RT_TRIAL_FIELDS];
    rt_rule_field_t            of_what[NGX_RT_TRIAL_FIELDS];
    ngx_rt_rules_trial_t       result;
};


static ngx_int_t ngx_rt_trial_read(ngx_rt_api_t *api, rt_json_t *j,
    ngx_rt_trial_body_t *body, ngx_rt_trial_t *trial);
static void ngx_rt_trial_part(ngx_rt_api_t *api, const char *name,
    rt_json_value_t *v, const rt_param_t *params, void *to);
static void ngx_rt_trial_fault(ngx_rt_api_t *api, const char *field,
    const char *why);
static void ngx_rt_trial_channel(ngx_rt_api_t *api, ngx_rt_trial_t *trial,
    rt_str_t *channel);
static bool ngx_rt_trial_flag(void *data, const rt_str_t *name,
    const rt_str_t *key);
static const rt_rule_view_t *ngx_rt_trial_views(void *data,
    rt_rule_event_t *event);
static rt_rule_field_t *ngx_rt_trial_add(rt_rule_view_t *view,
    rt_rule_field_t *fields, const char *name, rt_rule_type_e type);
static void ngx_rt_trial_string(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, const rt_str_t *s);
static void ngx_rt_trial_json(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, const rt_json_value_t *v);
static void ngx_rt_trial_number(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, uint64_t n);
static void ngx_rt_trial_of_client(ngx_rt_trial_t *trial,
    rt_rule_event_t *event);
static void ngx_rt_trial_of_channel(ngx_rt_trial_t *trial,
    rt_rule_event_t *event);
static void ngx_rt_trial_of_publication(ngx_rt_trial_t *trial,
    rt_rule_event_t *event);
static void ngx_rt_trial_of_command(ngx_rt_trial_t *trial,
    rt_rule_event_t *event);
static void ngx_rt_trial_text(rt_out_t *o, void *data);
static void ngx_rt_trial_log(rt_out_t *o, ngx_array_t *lines);


#define ngx_rt_trial_param(of, name, type)                                    \
    { rt_string(#name), type, offsetof(of, name) }

#define ngx_rt_trial_params_end  { rt_string(""), RT_PARAM_VALUE, 0 }


static const rt_param_t  ngx_rt_trial_body[] = {
    ngx_rt_trial_param(ngx_rt_trial_body_t, text, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_body_t, function, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_body_t, session, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_body_t, client, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_body_t, channel, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_body_t, publication, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_body_t, command, RT_PARAM_OBJECT),
    ngx_rt_trial_params_end
};

static const rt_param_t  ngx_rt_trial_session[] = {
    ngx_rt_trial_param(ngx_rt_trial_session_t, tenant, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_session_t, user, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_session_t, id, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_session_t, claims, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_session_t, headers, RT_PARAM_OBJECT),
    ngx_rt_trial_param(ngx_rt_trial_session_t, data, RT_PARAM_VALUE),
    ngx_rt_trial_params_end
};

static const rt_param_t  ngx_rt_trial_client[] = {
    ngx_rt_trial_param(ngx_rt_trial_what_t, name, RT_PARAM_STRING),
    { rt_string("version"), RT_PARAM_STRING,
      offsetof(ngx_rt_trial_what_t, software) },
    ngx_rt_trial_params_end
};

static const rt_param_t  ngx_rt_trial_of[] = {
    ngx_rt_trial_param(ngx_rt_trial_what_t, name, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_what_t, channel, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_what_t, method, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_what_t, id, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_what_t, type, RT_PARAM_STRING),
    ngx_rt_trial_param(ngx_rt_trial_what_t, version, RT_PARAM_COUNT),
    ngx_rt_trial_param(ngx_rt_trial_what_t, data, RT_PARAM_VALUE),
    ngx_rt_trial_params_end
};


static const ngx_rt_trial_function_t  ngx_rt_trial_functions[] = {

    { rt_string("connect"), "client", offsetof(ngx_rt_trial_body_t, client),
      ngx_rt_trial_client,
      ngx_rt_trial_may(ALLOW) | ngx_rt_trial_may(DENY),
      ngx_rt_trial_of_client },

    { rt_string("subscribe"), "channel", offsetof(ngx_rt_trial_body_t, channel),
      ngx_rt_trial_of,
      ngx_rt_trial_may(ALLOW) | ngx_rt_trial_may(DENY),
      ngx_rt_trial_of_channel },

    { rt_string("publish"), "publication",
      offsetof(ngx_rt_trial_body_t, publication), ngx_rt_trial_of,
      ngx_rt_trial_may(ALLOW) | ngx_rt_trial_may(DENY)
      | ngx_rt_trial_may(TRANSFORM),
      ngx_rt_trial_of_publication },

    { rt_string("command"), "command", offsetof(ngx_rt_trial_body_t, command),
      ngx_rt_trial_of,
      ngx_rt_trial_may(DENY) | ngx_rt_trial_may(REPLY),
      ngx_rt_trial_of_command },

    { rt_string(""), NULL, 0, NULL, 0, NULL }
};


ngx_int_t
ngx_rt_api_rules_test(ngx_rt_api_t *api, rt_json_t *j)
{
    ngx_int_t             rc;
    ngx_str_t             text;
    ngx_rt_trial_t       *trial;
    ngx_rt_trial_body_t   body;

    if (!ngx_rt_rules_configured(api->conf)) {
        ngx_rt_api_error(&api->reply, NGX_HTTP_NOT_FOUND, NULL,
                         "there are no rules, write rt_rules into http {}");
        return NGX_OK;
    }

    trial = ngx_pcalloc(api->pool, sizeof(ngx_rt_trial_t));
    if (trial == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&body, sizeof(ngx_rt_trial_body_t));

    rc = ngx_rt_trial_read(api, j, &body, trial);

    if (rc != NGX_OK || api->reply.code) {
        return rc;
    }

    text = ngx_rt_ngx_str(&body.text);

    trial->conf = api->conf;
    trial->result.pool = api->pool;
    trial->result.tenant = api->tenant;
    trial->result.zone = api->zone;
    trial->result.flag = ngx_rt_trial_flag;
    trial->result.flag_data = trial;
    trial->result.function = (char *) trial->function->name.data;
    trial->result.event.type = trial->what.type;
    trial->result.event.version = trial->what.version;
    trial->result.event.data.data = trial->what.data.data;
    trial->result.event.data.len = trial->what.data.len;

    rc = ngx_rt_rules_try(api->conf, text.data ? &text : NULL,
                          ngx_rt_trial_views, trial, &trial->result);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_rt_api_result(api, ngx_rt_trial_text, trial, &api->reply);
}


static ngx_int_t
ngx_rt_trial_read(ngx_rt_api_t *api, rt_json_t *j, ngx_rt_trial_body_t *body,
    ngx_rt_trial_t *trial)
{
    ngx_rt_trial_what_t            *what;
    rt_params_fault_t               fault;
    const ngx_rt_trial_function_t  *f;

    rt_json_flatten(j->pos, j->end - j->pos);
    rt_params_read(j, ngx_rt_trial_body, body, &fault);

    if (fault.why) {
        ngx_rt_trial_fault(api, fault.param, fault.why);
        return NGX_OK;
    }

    for (f = ngx_rt_trial_functions; f->name.len; f++) {
        if (rt_str_eq(&body->function, (char *) f->name.data)) {
            break;
        }
    }

    if (f->name.len == 0) {
        ngx_rt_trial_fault(api, "function", "has to be connect, subscribe, "
                           "publish or command");
        return NGX_OK;
    }

    what = &trial->what;
    what->version = 1;
    trial->function = f;
    trial->result.may = f->may;

    ngx_rt_trial_part(api, "session", &body->session, ngx_rt_trial_session,
                      &trial->session);
    ngx_rt_trial_part(api, f->what,
                      (rt_json_value_t *) ((u_char *) body + f->offset),
                      f->params, what);

    if (api->reply.code) {
        return NGX_OK;
    }

    if (trial->session.tenant.len
        && (trial->session.tenant.len != api->tenant.len
            || ngx_memcmp(trial->session.tenant.data, api->tenant.data,
                          api->tenant.len)
               != 0))
    {
        ngx_rt_trial_fault(api, "session.tenant",
                           "is not that of the request");
        return NGX_OK;
    }

    if (what->data.data == NULL && f->view == ngx_rt_trial_of_publication) {
        ngx_rt_trial_fault(api, "publication.data", "is required");
        return NGX_OK;
    }

    if (what->data.data == NULL && what->type.len) {
        what->data.data = (u_char *) "null";
        what->data.len = sizeof("null") - 1;
    }

    if (f->view == ngx_rt_trial_of_channel) {
        ngx_rt_trial_channel(api, trial, &what->name);

    } else if (f->view == ngx_rt_trial_of_publication) {
        ngx_rt_trial_channel(api, trial, &what->channel);
    }

    return NGX_OK;
}


/* of an object that is not there nothing is said */

static void
ngx_rt_trial_part(ngx_rt_api_t *api, const char *name, rt_json_value_t *v,
    const rt_param_t *params, void *to)
{
    rt_json_t          j;
    rt_params_fault_t  fault;

    if (v->len == 0 || api->reply.code) {
        return;
    }

    rt_json_init(&j, v->data, v->len);
    rt_params_read(&j, params, to, &fault);

    if (fault.why) {
        ngx_rt_trial_fault(api, fault.param ? fault.param : name, fault.why);
    }
}


static void
ngx_rt_trial_fault(ngx_rt_api_t *api, const char *field, const char *why)
{
    ngx_rt_api_error(&api->reply, NGX_RT_API_BAD_REQUEST, field, why);
}


/* its namespace, and of which class it is */

static void
ngx_rt_trial_channel(ngx_rt_api_t *api, ngx_rt_trial_t *trial,
    rt_str_t *channel)
{
    ngx_rt_namespace_t  *ns;

    ns = ngx_rt_api_channel(api, channel, &api->reply);

    if (ns == NULL) {
        return;
    }

    trial->ns = ns->name;

    if (trial->function->view == ngx_rt_trial_of_publication) {
        trial->result.may |= ns->durable ? ngx_rt_trial_may(DURABLE)
                                         : ngx_rt_trial_may(FAST);
    }
}


/* the tenant's own flags; that one was asked is not counted */

static bool
ngx_rt_trial_flag(void *data, const rt_str_t *name, const rt_str_t *key)
{
    ngx_rt_trial_t *trial = data;

    const rt_str_t        *of;
    ngx_rt_rules_trial_t  *t;

    t = &trial->result;
    of = trial->session.user.len ? &trial->session.user : &trial->session.id;

    return ngx_rt_flag_look(trial->conf, t->zone, &t->tenant, name,
                            key->len ? key : of);
}


/* as ngx_rt_command_rule.c shows them, of the event as it is now */

static const rt_rule_view_t *
ngx_rt_trial_views(void *data, rt_rule_event_t *event)
{
    ngx_rt_trial_t *trial = data;

    rt_str_t          tenant;
    rt_rule_view_t   *view;
    rt_json_value_t   none = { RT_JSON_OBJECT, (u_char *) "{}", 2 };
    rt_rule_field_t  *fields;

    tenant = ngx_rt_str(&trial->result.tenant);
    view = &trial->views[0];
    fields = trial->of_session;

    view->name = "session";
    view->fields = fields;
    view->nfields = 0;

    ngx_rt_trial_string(view, fields, "tenant", &tenant);
    ngx_rt_trial_string(view, fields, "user", &trial->session.user);
    ngx_rt_trial_json(view, fields, "claims", &trial->session.claims);
    ngx_rt_trial_json(view, fields, "headers",
                      trial->session.headers.data ? &trial->session.headers
                                                  : &none);

    if (trial->function->view == ngx_rt_trial_of_client) {
        ngx_rt_trial_json(view, fields, "data", &trial->session.data);
    } else {
        ngx_rt_trial_string(view, fields, "id", &trial->session.id);
    }

    view = &trial->views[1];

    view->name = trial->function->what;
    view->fields = trial->of_what;
    view->nfields = 0;

    trial->what.data.data = event->data.data;
    trial->what.data.len = event->data.len;
    trial->what.version = event->version;

    trial->function->view(trial, event);

    return trial->views;
}


static rt_rule_field_t *
ngx_rt_trial_add(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, rt_rule_type_e type)
{
    rt_rule_field_t  *f;

    f = &fields[view->nfields++];

    f->name = name;
    f->type = type;
    f->value.len = 0;
    f->value.data = NULL;

    return f;
}


static void
ngx_rt_trial_string(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, const rt_str_t *s)
{
    ngx_rt_trial_add(view, fields, name, RT_RULE_TEXT)->value = *s;
}


static void
ngx_rt_trial_json(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, const rt_json_value_t *v)
{
    rt_rule_field_t  *f;

    f = ngx_rt_trial_add(view, fields, name, RT_RULE_JSON);

    f->value.data = v->data;
    f->value.len = v->len;
}


static void
ngx_rt_trial_number(rt_rule_view_t *view, rt_rule_field_t *fields,
    const char *name, uint64_t n)
{
    ngx_rt_trial_add(view, fields, name, RT_RULE_NUMBER)->value.len = n;
}


static void
ngx_rt_trial_of_client(ngx_rt_trial_t *trial, rt_rule_event_t *event)
{
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "name",
                        &trial->what.name);
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "version",
                        &trial->what.software);
}


static void
ngx_rt_trial_of_channel(ngx_rt_trial_t *trial, rt_rule_event_t *event)
{
    rt_str_t  ns;

    ns = ngx_rt_str(&trial->ns);

    ngx_rt_trial_string(&trial->views[1], trial->of_what, "name",
                        &trial->what.name);
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "namespace", &ns);
    ngx_rt_trial_json(&trial->views[1], trial->of_what, "data",
                      &trial->what.data);
}


static void
ngx_rt_trial_of_publication(ngx_rt_trial_t *trial, rt_rule_event_t *event)
{
    rt_str_t  ns;

    ns = ngx_rt_str(&trial->ns);

    ngx_rt_trial_string(&trial->views[1], trial->of_what, "channel",
                        &trial->what.channel);
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "namespace", &ns);
    ngx_rt_trial_number(&trial->views[1], trial->of_what, "size",
                        event->data.len);
    ngx_rt_trial_of_command(trial, event);
}


/* of what is no event there is no version */

static void
ngx_rt_trial_of_command(ngx_rt_trial_t *trial, rt_rule_event_t *event)
{
    if (trial->function->view == ngx_rt_trial_of_command) {
        ngx_rt_trial_string(&trial->views[1], trial->of_what, "method",
                            &trial->what.method);
    }

    ngx_rt_trial_json(&trial->views[1], trial->of_what, "data",
                      &trial->what.data);
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "id",
                        &trial->what.id);
    ngx_rt_trial_string(&trial->views[1], trial->of_what, "type",
                        &trial->what.type);
    ngx_rt_trial_number(&trial->views[1], trial->of_what, "version",
                        trial->what.type.len ? event->version : 0);
}


static void
ngx_rt_trial_text(rt_out_t *o, void *data)
{
    ngx_rt_trial_t *trial = data;

    const char            *verdict;
    const rt_verdict_t    *v;
    ngx_rt_rules_trial_t  *t;

    t = &trial->result;
    v = &t->verdict;

    if (t->error.len) {
        rt_out_lit(o, "{\"error\":");
        rt_out_json_string(o, t->error.data, t->error.len);

    } else {
        verdict = rt_rule_verdicts[v->kind];

        rt_out_lit(o, "{\"verdict\":");
        rt_out_json_string(o, (u_char *) verdict, ngx_strlen(verdict));
    }

    if (t->file) {
        rt_out_lit(o, ",\"rule\":");
        rt_out_json_string(o, t->file, ngx_strlen(t->file));
    }

    if (v->kind == RT_RULE_DENY) {
        rt_out_lit(o, ",\"code\":");
        rt_out_uint(o, v->code);
        rt_out_lit(o, ",\"reason\":");
        rt_out_json_string(o, v->reason.data, v->reason.len);
    }

    if (v->data.data) {
        rt_out_lit(o, ",\"data\":");
        rt_out_bytes(o, v->data.data, v->data.len);
    }

    if (t->event.upgraded) {
        rt_out_lit(o, ",\"upgraded\":{\"version\":");
        rt_out_uint(o, t->event.version);
        rt_out_lit(o, ",\"data\":");
        rt_out_bytes(o, t->event.data.data, t->event.data.len);
        rt_out_lit(o, "}");
    }

    rt_out_lit(o, ",\"steps\":");
    rt_out_uint(o, t->steps);
    rt_out_lit(o, ",\"bytes\":");
    rt_out_uint(o, t->bytes);
    rt_out_lit(o, ",\"microseconds\":");
    rt_out_uint(o, t->time / 1000);

    ngx_rt_trial_log(o, &t->log);

    rt_out_lit(o, "}");
}


static void
ngx_rt_trial_log(rt_out_t *o, ngx_array_t *lines)
{
    ngx_str_t   *line;
    ngx_uint_t   i;

    line = lines->elts;

    rt_out_lit(o, ",\"log\":[");

    for (i = 0; i < lines->nelts; i++) {
        if (i) {
            rt_out_lit(o, ",");
        }

        rt_out_json_string(o, line[i].data, line[i].len);
    }

    rt_out_lit(o, "]");
}
