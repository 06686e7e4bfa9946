
/*
 * What a tenant's rules say of a command.  Limits stand behind them: what a
 * rule lets through is charged like anything else, and what it has changed is
 * charged as it is then.
 *
 * Called by the handlers of commands; calls rules/.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_rules.h"
#include "ngx_rt_state.h"


#define ngx_rt_rule_text(name, s)  { name, RT_RULE_TEXT, { (s).len, (s).data } }
#define ngx_rt_rule_json(name, s)  { name, RT_RULE_JSON, { (s).len, (s).data } }

#define ngx_rt_rule_number(name, n)  { name, RT_RULE_NUMBER, { n, NULL } }

#define ngx_rt_rule_view(v, of, list)                                         \
    (v)->name = of;                                                           \
    (v)->fields = list;                                                       \
    (v)->nfields = sizeof(list) / sizeof(list[0])


/* fields of a session that are known with rt_rules only */
#define NGX_RT_RULE_ABOUT  2


/* whom the rules judge now: for what flags are asked of them */
typedef struct {
    ngx_rt_client_t           *client;
    ngx_str_t                  tenant;
    rt_str_t                   key;           /* if a rule names none */
} ngx_rt_judged_t;


static ngx_uint_t ngx_rt_command_rules(ngx_rt_client_t *client,
    const ngx_str_t *tenant, const ngx_str_t *user);
static bool ngx_rt_command_flag(void *data, const rt_str_t *name,
    const rt_str_t *key);
static void ngx_rt_command_session_view(ngx_rt_client_t *client,
    rt_rule_view_t *view, rt_rule_field_t *fields, size_t n);
static const rt_error_t *ngx_rt_command_judge(ngx_rt_client_t *client,
    const ngx_str_t *tenant, const char *function,
    const rt_rule_view_t *views, ngx_uint_t may, rt_verdict_t *verdict);
static const rt_error_t *ngx_rt_command_judge_channel(
    ngx_rt_client_t *client, const char *function,
    const rt_rule_view_t *about, ngx_uint_t may, rt_verdict_t *verdict);


const rt_error_t *
ngx_rt_command_rule_connect(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who)
{
    rt_verdict_t       verdict;
    rt_rule_view_t     views[2];
    const rt_error_t  *error;

    if (!ngx_rt_command_rules(client, &who->tenant, &who->user)) {
        return NULL;
    }

    rt_rule_field_t  session[NGX_RT_RULE_ABOUT + 3] = {
        ngx_rt_rule_text("tenant", who->tenant),
        ngx_rt_rule_text("user", who->user),
        ngx_rt_rule_json("data", cmd->data)
    };

    rt_rule_field_t  application[] = {
        ngx_rt_rule_text("name", cmd->name),
        ngx_rt_rule_text("version", cmd->version)
    };

    ngx_rt_command_session_view(client, &views[0], session, 3);
    ngx_rt_rule_view(&views[1], "client", application);

    error = ngx_rt_command_judge(client, &who->tenant, "connect", views,
                                 1 << RT_RULE_ALLOW | 1 << RT_RULE_DENY,
                                 &verdict);

    return error;
}


const rt_error_t *
ngx_rt_command_rule_subscribe(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_namespace_t *ns)
{
    rt_verdict_t    verdict;
    rt_rule_view_t  about;

    if (!ngx_rt_command_rules(client, &client->tenant, &client->user)) {
        return NULL;
    }

    rt_rule_field_t  channel[] = {
        ngx_rt_rule_text("name", cmd->channel),
        ngx_rt_rule_text("namespace", ns->name),
        ngx_rt_rule_json("data", cmd->data)
    };

    ngx_rt_rule_view(&about, "channel", channel);

    return ngx_rt_command_judge_channel(client, "subscribe", &about,
                                        1 << RT_RULE_ALLOW
                                        | 1 << RT_RULE_DENY, &verdict);
}


/* another destination than the channel's own is an error of the rule's */

const rt_error_t *
ngx_rt_command_rule_publish(ngx_rt_client_t *client, ngx_rt_publish_t *p,
    rt_event_t *event)
{
    ngx_uint_t                may, upgraded;
    rt_verdict_t              verdict;
    rt_rule_view_t            about;
    const rt_error_t         *error;
    static rt_event_t         none;

    if (!ngx_rt_command_rules(client, &client->tenant, &client->user)) {
        return NULL;
    }

    if (event == NULL) {
        event = &none;
    }

    error = ngx_rt_command_check(client, "publish", event, &upgraded);

    if (error) {
        return error;
    }

    if (upgraded) {
        ngx_rt_publish_upgraded(p, event);
    }

    rt_rule_field_t  publication[] = {
        ngx_rt_rule_text("channel", p->channel),
        ngx_rt_rule_text("namespace", p->ns->name),
        ngx_rt_rule_json("data", p->pub->data),
        ngx_rt_rule_number("size", p->pub->data.len),
        ngx_rt_rule_text("id", event->id),
        ngx_rt_rule_text("type", event->type),
        ngx_rt_rule_number("version", event->version)
    };

    ngx_rt_rule_view(&about, "publication", publication);

    may = 1 << RT_RULE_ALLOW | 1 << RT_RULE_DENY | 1 << RT_RULE_TRANSFORM
          | 1 << (p->ns->durable ? RT_RULE_DURABLE : RT_RULE_FAST);

    error = ngx_rt_command_judge_channel(client, "publish", &about, may,
                                         &verdict);

    if (error == NULL && verdict.kind == RT_RULE_TRANSFORM) {

        if (verdict.data.len > client->conn->conf->max_message) {
            return &ngx_rt_error_limit_exceeded;
        }

        p->pub->data = verdict.data;
    }

    return error;
}


const rt_error_t *
ngx_rt_command_rule_command(ngx_rt_client_t *client, rt_command_t *cmd,
    rt_str_t *reply)
{
    rt_event_t         event;
    ngx_uint_t         upgraded;
    rt_verdict_t       verdict;
    rt_rule_view_t     about;
    const rt_error_t  *error;

    if (!ngx_rt_command_rules(client, &client->tenant, &client->user)) {
        return &ngx_rt_error_method_not_found;
    }

    error = ngx_rt_command_event(cmd, &event);

    if (error == NULL) {
        error = ngx_rt_command_check(client, "command", &event, &upgraded);
    }

    if (error) {
        return error;
    }

    rt_rule_field_t  command[] = {
        ngx_rt_rule_text("method", cmd->rpc),
        ngx_rt_rule_json("data", event.data),
        ngx_rt_rule_text("id", event.id),
        ngx_rt_rule_text("type", event.type),
        ngx_rt_rule_number("version", event.version)
    };

    ngx_rt_rule_view(&about, "command", command);

    error = ngx_rt_command_judge_channel(client, "command", &about,
                                         1 << RT_RULE_DENY
                                         | 1 << RT_RULE_REPLY, &verdict);

    if (error) {
        return error;
    }

    if (verdict.kind != RT_RULE_REPLY) {
        return &ngx_rt_error_method_not_found;
    }

    *reply = verdict.data;

    return NULL;
}


void
ngx_rt_command_ruled(ngx_rt_client_t *client)
{
    ngx_rt_rules_done(client->main_conf);
}


/* 0: there are none */

static ngx_uint_t
ngx_rt_command_rules(ngx_rt_client_t *client, const ngx_str_t *tenant,
    const ngx_str_t *user)
{
    static ngx_rt_judged_t  judged;

    judged.client = client;
    judged.tenant = *tenant;
    judged.key = ngx_rt_str(user);

    if (user->len == 0 && client->session) {
        judged.key.data = client->session->id;
        judged.key.len = NGX_RT_ID_LEN;
    }

    return ngx_rt_rules_begin(client->main_conf, client->zone,
                              ngx_rt_command_flag, &judged);
}


static bool
ngx_rt_command_flag(void *data, const rt_str_t *name, const rt_str_t *key)
{
    ngx_rt_judged_t *judged = data;

    ngx_rt_client_t       *client;
    ngx_rt_flag_answer_t   answer;

    client = judged->client;

    if (ngx_rt_flag_ask(client->main_conf, client->zone, &judged->tenant, name,
                        key->len ? key : &judged->key, &answer)
        != NGX_OK)
    {
        return false;
    }

    ngx_rt_client_variant(client, &judged->tenant, &answer);

    return answer.on;
}


static const rt_error_t *
ngx_rt_command_judge_channel(ngx_rt_client_t *client, const char *function,
    const rt_rule_view_t *about, ngx_uint_t may, rt_verdict_t *verdict)
{
    ngx_str_t       id;
    rt_rule_view_t  views[2];

    id.data = client->session->id;
    id.len = NGX_RT_ID_LEN;

    rt_rule_field_t  session[NGX_RT_RULE_ABOUT + 3] = {
        ngx_rt_rule_text("tenant", client->tenant),
        ngx_rt_rule_text("user", client->user),
        ngx_rt_rule_text("id", id)
    };

    ngx_rt_command_session_view(client, &views[0], session, 3);
    views[1] = *about;

    return ngx_rt_command_judge(client, &client->tenant, function, views, may,
                                verdict);
}


/* n fields are there already */

static void
ngx_rt_command_session_view(ngx_rt_client_t *client, rt_rule_view_t *view,
    rt_rule_field_t *fields, size_t n)
{
    ngx_rt_about_t  *known;

    known = ngx_rt_client_about(client);

    if (known) {
        fields[n].name = "claims";
        fields[n].type = RT_RULE_JSON;
        fields[n++].value = ngx_rt_str(&known->claims);

        fields[n].name = "headers";
        fields[n].type = RT_RULE_JSON;
        fields[n++].value = ngx_rt_str(&known->headers);
    }

    view->name = "session";
    view->fields = fields;
    view->nfields = n;
}


/* an error that a rule has named is good until ngx_rt_command_ruled() */

static const rt_error_t *
ngx_rt_command_judge(ngx_rt_client_t *client, const ngx_str_t *tenant,
    const char *function, const rt_rule_view_t *views, ngx_uint_t may,
    rt_verdict_t *verdict)
{
    static rt_error_t  error;

    ngx_memzero(verdict, sizeof(rt_verdict_t));

    switch (ngx_rt_rules_ask(client->main_conf, tenant, function, views, 2,
                             may, verdict))
    {
    case NGX_OK:
        if (verdict->kind != RT_RULE_DENY) {
            return NULL;
        }

        error.code = verdict->code;
        error.message = verdict->reason;

        return &error;

    case NGX_DECLINED:
        return NULL;

    case NGX_BUSY:
        return &ngx_rt_error_rules_busy;

    default:
        return &ngx_rt_error_internal;
    }
}
