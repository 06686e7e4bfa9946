
/*
 * Leases: what a client has by a token, its connection and subscriptions, until
 * when, and which token it was; or until when the backend has said.  A worker's
 * own memory, of those clients only; the connection's one timer wakes them.
 *
 * Called by the protocol, and by the hub, which looks for revoked tokens among
 * all of a zone.  Times are monotonic: what was granted stays as long as was
 * said, whatever becomes of the wall clock.
 */


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_fanout.h"


static ngx_rt_lease_t *ngx_rt_lease_add(ngx_rt_client_t *client,
    ngx_rt_subscription_t *sub, const rt_str_t *jti, int64_t issued);
static void ngx_rt_lease_until(ngx_rt_lease_t *lease, int64_t expiry);
static ngx_rt_lease_t *ngx_rt_lease_lookup(ngx_rt_client_t *client,
    ngx_rt_subscription_t *sub);
static ngx_rt_leases_t *ngx_rt_leases(ngx_rt_client_t *client);
static void ngx_rt_lease_free(ngx_rt_lease_t *lease);


ngx_int_t
ngx_rt_lease_create(ngx_rt_client_t *client, ngx_rt_subscription_t *sub,
    const rt_claims_t *claims)
{
    ngx_rt_lease_t  *lease;

    lease = ngx_rt_lease_add(client, sub, &claims->jti, claims->iat);
    if (lease == NULL) {
        return NGX_ERROR;
    }

    ngx_rt_lease_until(lease, rt_claims_expiry(claims));

    return NGX_OK;
}


ngx_int_t
ngx_rt_lease_renew(ngx_rt_client_t *client, ngx_rt_subscription_t *sub,
    int64_t expiry)
{
    ngx_rt_lease_t         *lease;
    static const rt_str_t   none;

    lease = ngx_rt_lease_lookup(client, sub);

    if (lease == NULL && expiry == 0) {
        return NGX_OK;
    }

    if (lease == NULL) {
        lease = ngx_rt_lease_add(client, sub, &none, RT_CLAIMS_NEVER);
    }

    if (lease == NULL) {
        return NGX_ERROR;
    }

    ngx_rt_lease_until(lease, expiry);

    return NGX_OK;
}


/* in the place of the one that is there; it does not expire */

static ngx_rt_lease_t *
ngx_rt_lease_add(ngx_rt_client_t *client, ngx_rt_subscription_t *sub,
    const rt_str_t *jti, int64_t issued)
{
    ngx_rt_lease_t   *lease;
    ngx_rt_leases_t  *leases;

    leases = ngx_rt_leases(client);

    lease = ngx_alloc(sizeof(ngx_rt_lease_t) + jti->len, ngx_cycle->log);

    if (leases == NULL || lease == NULL) {
        ngx_free(lease);
        return NULL;
    }

    ngx_rt_lease_drop(client, sub);

    lease->client = client;
    lease->sub = sub;
    lease->expires = 0;
    lease->issued = issued;
    lease->len = jti->len;
    (void) rt_append(lease->jti, jti->data, jti->len);

    ngx_queue_insert_tail(&leases->queue, &lease->queue);
    ngx_queue_insert_tail(&client->zone->hub->leases, &lease->hub);

    return lease;
}


static void
ngx_rt_lease_until(ngx_rt_lease_t *lease, int64_t expiry)
{
    ngx_msec_t        ttl;
    ngx_rt_client_t  *client;

    client = lease->client;
    ttl = ngx_rt_lease_ttl(expiry);

    lease->expires = (ttl != 0);

    if (ttl) {
        lease->at = ngx_current_msec + ttl * 1000
                    + client->conn->conf->token_grace;
        ngx_rt_conn_rearm(client->conn, client->leases->due);
    }
}


uint32_t
ngx_rt_lease_ttl(int64_t expiry)
{
    int64_t  ttl;

    if (expiry == 0) {
        return 0;
    }

    ttl = expiry - ngx_time();

    return (uint32_t) ngx_min(ngx_max(ttl, 1), UINT32_MAX);
}


void
ngx_rt_lease_drop(ngx_rt_client_t *client, ngx_rt_subscription_t *sub)
{
    ngx_rt_lease_t  *lease;

    lease = ngx_rt_lease_lookup(client, sub);

    if (lease) {
        ngx_rt_lease_free(lease);
    }
}


void
ngx_rt_leases_drop(ngx_rt_client_t *client)
{
    ngx_queue_t  *q, *next;

    if (client->leases == NULL) {
        return;
    }

    for (q = ngx_queue_head(&client->leases->queue);
         q != ngx_queue_sentinel(&client->leases->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        ngx_rt_lease_free(ngx_queue_data(q, ngx_rt_lease_t, queue));
    }

    ngx_free(client->leases);
    client->leases = NULL;
}


static void
ngx_rt_lease_free(ngx_rt_lease_t *lease)
{
    ngx_queue_remove(&lease->queue);
    ngx_queue_remove(&lease->hub);
    ngx_free(lease);
}


static ngx_rt_lease_t *
ngx_rt_lease_lookup(ngx_rt_client_t *client, ngx_rt_subscription_t *sub)
{
    ngx_queue_t     *q;
    ngx_rt_lease_t  *lease;

    if (client->leases == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(&client->leases->queue);
         q != ngx_queue_sentinel(&client->leases->queue);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_rt_lease_t, queue);

        if (lease->sub == sub) {
            return lease;
        }
    }

    return NULL;
}


/* made with the first: until then the timer is the connection's alone */

static ngx_rt_leases_t *
ngx_rt_leases(ngx_rt_client_t *client)
{
    ngx_rt_leases_t  *leases;

    if (client->leases == NULL) {
        leases = ngx_alloc(sizeof(ngx_rt_leases_t), ngx_cycle->log);
        if (leases == NULL) {
            return NULL;
        }

        ngx_queue_init(&leases->queue);
        leases->due = ngx_rt_conn_timer_event(client->conn)->timer.key;

        client->leases = leases;
    }

    return client->leases;
}


ngx_rt_lease_t *
ngx_rt_lease_first(ngx_rt_client_t *client)
{
    ngx_queue_t     *q;
    ngx_rt_lease_t  *lease, *first;

    first = NULL;

    if (client->leases == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(&client->leases->queue);
         q != ngx_queue_sentinel(&client->leases->queue);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_rt_lease_t, queue);

        if (lease->expires
            && (first == NULL
                || (ngx_msec_int_t) (lease->at - first->at) < 0))
        {
            first = lease;
        }
    }

    return first;
}


ngx_msec_t
ngx_rt_lease_wait(ngx_rt_client_t *client, ngx_msec_t msec)
{
    ngx_msec_int_t   rest;
    ngx_rt_lease_t  *first;

    if (client->leases == NULL) {
        return msec;
    }

    client->leases->due = ngx_current_msec + msec;

    first = ngx_rt_lease_first(client);

    if (first == NULL) {
        return msec;
    }

    rest = (ngx_msec_int_t) (first->at - ngx_current_msec);

    return ngx_min(msec, (ngx_msec_t) ngx_max(rest, 0));
}
