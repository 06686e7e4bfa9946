
/*
 * Orders of the backend, followed by the worker that serves the session.
 *
 * Called by the turn, when nobody is inside the connection.  Each may come
 * twice, or too late, and then changes nothing.  No locking of its own.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static void ngx_rt_client_subscribe(ngx_rt_client_t *client,
    ngx_rt_order_t *order);
static void ngx_rt_client_refresh(ngx_rt_client_t *client,
    ngx_rt_order_t *order);


void
ngx_rt_client_order(ngx_rt_conn_t *conn, ngx_rt_order_t *order)
{
    ngx_rt_client_t        *client;
    ngx_rt_subscription_t  *sub;

    client = conn->data;

    if (conn->closing || conn->over) {
        return;
    }

    switch (order->kind) {

    case NGX_RT_ORDER_SUBSCRIBE:
        ngx_rt_client_subscribe(client, order);
        break;

    case NGX_RT_ORDER_UNSUBSCRIBE:
        sub = ngx_rt_subscription_lookup(client, &order->text);

        if (sub) {
            ngx_rt_client_unsubscribe(sub, order->code, "server unsubscribe");

        } else {
            ngx_rt_client_unpark_channel(client, &order->text,
                                         &ngx_rt_error_permission_denied);
        }

        break;

    case NGX_RT_ORDER_MEND:
        sub = ngx_rt_subscription_lookup(client, &order->text);

        if (sub && sub->server) {
            ngx_rt_close(conn, 3010, "insufficient state");

        } else if (sub) {
            ngx_rt_client_unsubscribe(sub, 2500, "insufficient state");
        }

        break;

    case NGX_RT_ORDER_REFRESH:
        ngx_rt_client_refresh(client, order);
        break;

    case NGX_RT_ORDER_DISCONNECT:
    case NGX_RT_ORDER_RELEASE:
        ngx_rt_close(conn, order->code, (char *) order->text.data);
        break;
    }
}


/* to be in more channels than it may is the backend's fault, but it is told */

static void
ngx_rt_client_subscribe(ngx_rt_client_t *client, ngx_rt_order_t *order)
{
    rt_push_t               push;
    ngx_rt_terms_t          terms;
    ngx_rt_recovery_t       recovery;
    ngx_rt_namespace_t     *ns;
    ngx_rt_subscription_t  *sub;

    /* a reload may have taken the namespace away meanwhile */

    if (ngx_rt_subscription_lookup(client, &order->text)
        || ngx_rt_namespace_find(client->main_conf, &order->text, &ns)
           != NGX_OK)
    {
        return;
    }

    if (ns->durable
        && ngx_rt_client_park_order(client, order) == NGX_AGAIN)
    {
        return;
    }

    if (client->nsubscriptions >= client->conn->conf->max_channels) {
        ngx_rt_limit_deny(client->session->tenant, NGX_RT_LIMIT_SUBSCRIPTIONS,
                          NGX_RT_PAYER_SESSION,
                          client->conn->conf->max_channels, 0);
        ngx_rt_close(client->conn, 3505, "channel limit");
        return;
    }

    terms.flags = ngx_rt_namespace_flags(ns, 0, &order->override);
    terms.info = order->info;

    ngx_rt_hub_relieve(client->zone->hub);

    switch (ngx_rt_subscribe(client, &order->text, ns, &terms, &sub)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_rt_client_subscribe_full(client);
        return;

    default:
        ngx_rt_close(client->conn, 3004, "internal server error");
        return;
    }

    ngx_memzero(&push, sizeof(rt_push_t));

    sub->server = 1;

    if (ngx_rt_lease_renew(client, sub, order->expire) != NGX_OK) {
        ngx_rt_close(client->conn, 3004, "internal server error");
        return;
    }

    push.kind = RT_PUSH_SUBSCRIBE;
    push.channel = ngx_rt_str(&order->text);

    /* the push has no room: what was missed follows */

    ngx_memzero(&recovery, sizeof(ngx_rt_recovery_t));

    (void) ngx_rt_recover(sub, &order->since, &recovery, &push.stream);

    if (order->data.len) {
        push.data = ngx_rt_str(&order->data);
    }

    ngx_rt_client_push(client, &push);
}


/* its token stays the one that may be revoked; without memory it comes back */

static void
ngx_rt_client_refresh(ngx_rt_client_t *client, ngx_rt_order_t *order)
{
    if (client->session == NULL) {
        return;
    }

    if (ngx_rt_session_retell(client->zone, client->session, &order->info,
                              NULL)
        != NGX_OK
        || ngx_rt_lease_renew(client, NULL, order->expire) != NGX_OK)
    {
        ngx_rt_close(client->conn, 3004, "internal server error");
    }
}


/* either way it comes back, a little later */

void
ngx_rt_client_subscribe_full(ngx_rt_client_t *client)
{
    u_char  text[NGX_RT_DENIAL_LEN];

    if (ngx_rt_denial.what == NGX_RT_LIMIT_N) {
        (void) ngx_rt_command_full(client);
        ngx_rt_close(client->conn, 3004, "internal server error");
        return;
    }

    (void) ngx_rt_limit_text(&ngx_rt_denial, text);

    ngx_rt_close(client->conn, 3013, (char *) text);
}
