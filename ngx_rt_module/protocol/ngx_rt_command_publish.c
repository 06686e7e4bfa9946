
/*
 * publish, with a key or without one.  What has to be accepted by Redis is
 * answered when it has, and forgotten when the connection closes before.
 *
 * Called by ngx_rt_command.c and by rpc; calls policy for the right to, fanout
 * or stream to publish, which lock by themselves.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "rt_event.h"


/* who has asked: what the answer needs to know of the command */
typedef struct {
    uint32_t                   id;
    rt_method_t                method;
    rt_str_t                   event;         /* its id; empty: there is none */
} ngx_rt_asked_t;


/* one that waits for Redis; in its client's list */
struct ngx_rt_publishing_s {
    ngx_rt_durable_t           durable;
    ngx_rt_client_t           *client;
    ngx_rt_publishing_t       *next;
    ngx_rt_publishing_t      **link;          /* what points to it */
    ngx_rt_asked_t             asked;
    u_char                     event[];
};


static void ngx_rt_command_publish_now(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_publish_t *p, const rt_event_t *event);
static const rt_error_t *ngx_rt_command_may_publish(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_publish_t *p);
static ngx_rt_published_e ngx_rt_command_publish_wait(ngx_rt_client_t *client,
    ngx_rt_publish_t *p, ngx_rt_asked_t *asked);
static void ngx_rt_publishing_handler(ngx_rt_durable_t *d,
    ngx_rt_published_e outcome, ngx_rt_position_t *position);
static void ngx_rt_publishing_remove(ngx_rt_publishing_t *w);
static void ngx_rt_command_published(ngx_rt_client_t *client,
    ngx_rt_asked_t *asked, ngx_rt_published_e outcome,
    ngx_rt_position_t *position);
static const rt_error_t *ngx_rt_command_not_published(ngx_rt_client_t *client,
    ngx_rt_published_e outcome);


ngx_int_t
ngx_rt_command_publish(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_rt_publish_t  p;
    rt_publication_t  pub;

    if (cmd->channel.len == 0) {
        return ngx_rt_command_bad(client);
    }

    ngx_memzero(&p, sizeof(ngx_rt_publish_t));
    ngx_memzero(&pub, sizeof(rt_publication_t));

    p.pub = &pub;
    pub.data = cmd->data;

    return ngx_rt_command_publish_to(client, cmd, &p, NULL);
}


ngx_int_t
ngx_rt_command_publish_to(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_publish_t *p, rt_event_t *event)
{
    const rt_error_t  *error;

    p->tenant = client->tenant;
    p->channel = ngx_rt_ngx_str(&cmd->channel);

    error = ngx_rt_command_may_publish(client, cmd, p);

    if (error == NULL) {
        error = ngx_rt_command_rule_publish(client, p, event);
    }

    if (error) {
        (void) ngx_rt_command_fail(client, cmd, error);
    } else {
        ngx_rt_command_publish_now(client, cmd, p, event);
    }

    ngx_rt_command_ruled(client);

    return NGX_OK;
}


static void
ngx_rt_command_publish_now(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_publish_t *p, const rt_event_t *event)
{
    ngx_rt_payer_t          payer;
    ngx_rt_asked_t          asked;
    ngx_rt_charge_t         charge;
    ngx_rt_published_e      outcome;
    ngx_rt_subscription_t  *sub;

    sub = ngx_rt_subscription_lookup(client, &p->channel);

    if (sub) {
        ngx_rt_member_info(sub->member, &p->pub->info);

    } else {
        ngx_rt_session_info(client->session, &p->pub->info);
    }

    payer.session = client->buckets;
    payer.user = ngx_rt_ngx_str(&p->pub->info.user);
    ngx_str_null(&payer.key);

    p->charge = ngx_rt_limit_publish(client->main_conf, client->zone, p->ns,
                                     &payer, p->pub->data.len, &charge);

    ngx_memzero(&asked, sizeof(ngx_rt_asked_t));

    asked.id = cmd->id;
    asked.method = cmd->method;

    if (event) {
        asked.event = event->id;
    }

    if (ngx_rt_stream_needed(p)) {
        outcome = ngx_rt_command_publish_wait(client, p, &asked);

        if (outcome == NGX_RT_PUBLISHED) {
            return;
        }

    } else {
        outcome = ngx_rt_publish(client->zone, p);
    }

    ngx_rt_command_published(client, &asked, outcome, &p->position);
}


static const rt_error_t *
ngx_rt_command_may_publish(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_publish_t *p)
{
    const rt_error_t    *error;
    ngx_rt_namespace_t  *ns;

    if (cmd->data.data == NULL || cmd->deep) {
        return &ngx_rt_error_bad_request;
    }

    error = ngx_rt_command_namespace(client, &p->channel, &ns);

    if (error) {
        return error;
    }

    if (ns->publish == NGX_RT_PUBLISH_NONE
        || (ns->publish == NGX_RT_PUBLISH_SUBSCRIBER
            && ngx_rt_subscription_lookup(client, &p->channel) == NULL))
    {
        return &ngx_rt_error_permission_denied;
    }

    p->ns = ns;

    return NULL;
}


/* NGX_RT_PUBLISHED: it is answered later */

static ngx_rt_published_e
ngx_rt_command_publish_wait(ngx_rt_client_t *client, ngx_rt_publish_t *p,
    ngx_rt_asked_t *asked)
{
    ngx_rt_published_e    outcome;
    ngx_rt_publishing_t  *w;

    w = ngx_alloc(sizeof(ngx_rt_publishing_t) + asked->event.len,
                  client->conn->connection->log);
    if (w == NULL) {
        return NGX_RT_PUBLISH_AWAY;
    }

    w->durable.handler = ngx_rt_publishing_handler;
    w->durable.entry = NULL;
    w->client = client;
    w->asked = *asked;
    w->asked.event.data = w->event;
    (void) rt_append(w->event, asked->event.data, asked->event.len);

    w->link = &client->publishing;
    w->next = client->publishing;

    if (w->next) {
        w->next->link = &w->next;
    }

    client->publishing = w;

    outcome = ngx_rt_stream_publish(client->zone, p, &w->durable);

    if (outcome != NGX_RT_PUBLISHED) {
        ngx_rt_publishing_remove(w);
        ngx_free(w);
    }

    return outcome;
}


/* a reply without memory closes the connection, which ends those listed */

static void
ngx_rt_publishing_handler(ngx_rt_durable_t *d, ngx_rt_published_e outcome,
    ngx_rt_position_t *position)
{
    ngx_rt_conn_t        *conn;
    ngx_rt_publishing_t  *w;

    w = (ngx_rt_publishing_t *)
            ((u_char *) d - offsetof(ngx_rt_publishing_t, durable));

    conn = w->client->conn;

    ngx_rt_publishing_remove(w);

    ngx_rt_conn_enter(conn);

    ngx_rt_command_published(w->client, &w->asked, outcome, position);

    ngx_rt_conn_enter(NULL);

    ngx_free(w);
}


static void
ngx_rt_publishing_remove(ngx_rt_publishing_t *w)
{
    *w->link = w->next;

    if (w->next) {
        w->next->link = w->link;
    }
}


void
ngx_rt_client_unpublish(ngx_rt_client_t *client)
{
    ngx_rt_publishing_t  *w, *next;

    for (w = client->publishing; w; w = next) {
        next = w->next;

        ngx_rt_stream_forget(&w->durable);
        ngx_free(w);
    }

    client->publishing = NULL;
}


static void
ngx_rt_command_published(ngx_rt_client_t *client, ngx_rt_asked_t *asked,
    ngx_rt_published_e outcome, ngx_rt_position_t *position)
{
    u_char      text[RT_EVENT_REPLY_MAX], epoch[NGX_RT_EPOCH_LEN];
    rt_out_t    o;
    rt_str_t    s;
    rt_reply_t  reply;

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = asked->id;
    reply.method = asked->method;
    reply.error = ngx_rt_command_not_published(client, outcome);

    if (reply.error == NULL && asked->event.len) {
        s.data = epoch;
        s.len = ngx_rt_history_epoch(client->zone, position->source, epoch);

        rt_out_init(&o, text, sizeof(text));
        rt_event_reply(&o, &asked->event, outcome == NGX_RT_PUBLISH_REPEATED,
                       position->offset, &s);

        reply.data.data = text;
        reply.data.len = o.pos - text;
    }

    ngx_rt_client_reply(client, &reply);
}


/* NULL: it is accepted, now or before */

static const rt_error_t *
ngx_rt_command_not_published(ngx_rt_client_t *client,
    ngx_rt_published_e outcome)
{
    switch (outcome) {

    case NGX_RT_PUBLISHED:
    case NGX_RT_PUBLISH_REPEATED:
        return NULL;

    case NGX_RT_PUBLISH_FULL:
        return ngx_rt_command_full(client);

    case NGX_RT_PUBLISH_DENIED:
        return ngx_rt_command_denied();

    case NGX_RT_PUBLISH_CONFLICT:
        return &ngx_rt_error_conflict;

    case NGX_RT_PUBLISH_KEYS:
        return &ngx_rt_error_too_many_keys;

    case NGX_RT_PUBLISH_AWAY:
        return &ngx_rt_error_internal;

    default:
        return &ngx_rt_error_bad_request;
    }
}
