
/*
 * Commands that wait for the node's copy of a durable channel: each is kept as
 * it was understood, and handled again, once, when the copy is fresh.  If that
 * cannot be, it is answered with an error that passes, and the client asks
 * again.
 *
 * Called by the commands, with what they have judged so far; calls stream/.
 * What is kept of a client is bounded in number and bytes, and ends with the
 * connection.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_client_park.h"
#include "ngx_rt_policy.h"


/* of a client for which something has waited */
struct ngx_rt_parking_s {
    ngx_queue_t                queue;         /* ngx_rt_parked_t */
    ngx_uint_t                 n;
    size_t                     bytes;
    u_char                    *held;          /* text behind a connect */
    size_t                     nheld;
};


static ngx_rt_parking_t *ngx_rt_client_parking(ngx_rt_client_t *client);
static ngx_int_t ngx_rt_parked_follow(ngx_rt_parked_t *parked,
    ngx_str_t *tenant, ngx_str_t *channels, ngx_uint_t n);
static void ngx_rt_parked_handler(ngx_rt_follow_t *f, ngx_int_t rc);
static ngx_rt_parked_t *ngx_rt_parked_lookup(ngx_rt_client_t *client,
    const ngx_str_t *channel);
static void ngx_rt_client_release(ngx_rt_client_t *client);


/* what of a command is text */
static const size_t  ngx_rt_parked_texts[] = {
    offsetof(rt_command_t, channel),
    offsetof(rt_command_t, token),
    offsetof(rt_command_t, data),
    offsetof(rt_command_t, name),
    offsetof(rt_command_t, version),
    offsetof(rt_command_t, rpc),
    offsetof(rt_command_t, resume),
    offsetof(rt_command_t, subs),
    offsetof(rt_command_t, filter),
    offsetof(rt_command_t, from.epoch)
};

#define NGX_RT_PARKED_TEXTS                                                   \
    (sizeof(ngx_rt_parked_texts) / sizeof(ngx_rt_parked_texts[0]))

#define ngx_rt_parked_text(cmd, i)                                            \
    ((rt_str_t *) ((u_char *) (cmd) + ngx_rt_parked_texts[i]))


ngx_int_t
ngx_rt_client_park(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_str_t *tenant, ngx_str_t *channels, ngx_uint_t n)
{
    ngx_rt_parked_t  *parked;

    if (client->resumed) {
        return NGX_OK;
    }

    parked = ngx_rt_parked_create(client, n, ngx_rt_parked_command_len(cmd));

    if (parked == NULL) {
        return NGX_DECLINED;
    }

    ngx_rt_parked_command(&parked->cmd, cmd, (u_char *) &parked->follows[n]);

    return ngx_rt_parked_follow(parked, tenant, channels, n);
}


ngx_int_t
ngx_rt_client_park_order(ngx_rt_client_t *client, ngx_rt_order_t *order)
{
    u_char           *p;
    ngx_rt_parked_t  *parked;

    if (client->resumed) {
        return NGX_OK;
    }

    parked = ngx_rt_parked_create(client, 1,
                                  order->text.len + order->data.len
                                  + order->info.len + order->since.epoch.len);
    if (parked == NULL) {
        return NGX_DECLINED;
    }

    parked->order = *order;

    p = (u_char *) &parked->follows[1];

    parked->order.text.data = p;
    p = rt_append(p, order->text.data, order->text.len);

    parked->order.data.data = p;
    p = rt_append(p, order->data.data, order->data.len);

    parked->order.info.data = p;
    p = rt_append(p, order->info.data, order->info.len);

    parked->order.since.epoch.data = p;
    (void) rt_append(p, order->since.epoch.data, order->since.epoch.len);

    return ngx_rt_parked_follow(parked, &client->tenant,
                                &parked->order.text, 1);
}


/* a namespace that is not durable has nothing to wait for */

ngx_uint_t
ngx_rt_client_parks(ngx_rt_client_t *client, const ngx_str_t *channel)
{
    ngx_rt_namespace_t  *ns;

    return !client->resumed
           && ngx_rt_namespace_find(client->main_conf, channel, &ns) == NGX_OK
           && ns->durable;
}


ngx_rt_parked_t *
ngx_rt_parked_create(ngx_rt_client_t *client, ngx_uint_t n, size_t text)
{
    size_t             size;
    ngx_rt_parked_t   *parked;
    ngx_rt_parking_t  *parking;

    parking = ngx_rt_client_parking(client);

    if (parking == NULL || parking->n >= client->conn->conf->max_channels
        || parking->bytes + text > client->conn->conf->max_message)
    {
        return NULL;
    }

    size = sizeof(ngx_rt_parked_t) + n * sizeof(ngx_rt_parked_follow_t) + text;

    parked = ngx_calloc(size, client->conn->connection->log);
    if (parked == NULL) {
        return NULL;
    }

    parked->client = client;
    parked->size = text;
    parked->nfollows = n;

    parking->n++;
    parking->bytes += text;
    ngx_queue_insert_tail(&parking->queue, &parked->queue);

    return parked;
}


static ngx_rt_parking_t *
ngx_rt_client_parking(ngx_rt_client_t *client)
{
    if (client->parking == NULL) {

        client->parking = ngx_calloc(sizeof(ngx_rt_parking_t),
                                     client->conn->connection->log);

        if (client->parking) {
            ngx_queue_init(&client->parking->queue);
        }
    }

    return client->parking;
}


size_t
ngx_rt_parked_command_len(const rt_command_t *cmd)
{
    size_t      len;
    ngx_uint_t  i;

    len = 0;

    for (i = 0; i < NGX_RT_PARKED_TEXTS; i++) {
        len += ngx_rt_parked_text(cmd, i)->len;
    }

    return len;
}


/* what was not said stays so */

void
ngx_rt_parked_command(rt_command_t *dst, const rt_command_t *src, u_char *p)
{
    rt_str_t    *text;
    ngx_uint_t   i;

    *dst = *src;

    for (i = 0; i < NGX_RT_PARKED_TEXTS; i++) {
        text = ngx_rt_parked_text(dst, i);

        if (text->data) {
            ngx_memcpy(p, text->data, text->len);
            text->data = p;
            p += text->len;
        }
    }
}


static ngx_int_t
ngx_rt_parked_follow(ngx_rt_parked_t *parked, ngx_str_t *tenant,
    ngx_str_t *channels, ngx_uint_t n)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_rt_zone_t       *z;
    ngx_rt_namespace_t  *ns;

    z = parked->client->zone;
    rc = NGX_OK;

    for (i = 0; rc != NGX_DECLINED && i < n; i++) {

        if (ngx_rt_namespace_find(parked->client->main_conf, &channels[i],
                                  &ns)
            != NGX_OK || !ns->durable)
        {
            continue;
        }

        parked->follows[i].parked = parked;
        parked->follows[i].follow.handler = ngx_rt_parked_handler;

        rc = ngx_rt_stream_follow(z, ns, tenant, &channels[i],
                                  &parked->follows[i].follow);

        if (rc == NGX_AGAIN) {
            parked->waits++;

        } else {
            parked->follows[i].parked = NULL;
        }
    }

    if (rc == NGX_DECLINED || parked->waits == 0) {
        ngx_queue_remove(&parked->queue);
        ngx_rt_parked_expire(parked);

        return rc == NGX_DECLINED ? NGX_DECLINED : NGX_OK;
    }

    return NGX_AGAIN;
}


static void
ngx_rt_parked_handler(ngx_rt_follow_t *f, ngx_int_t rc)
{
    ngx_rt_parked_t         *parked;
    ngx_rt_parked_follow_t  *pf;

    pf = (ngx_rt_parked_follow_t *) f;

    parked = pf->parked;
    pf->parked = NULL;

    if (rc != NGX_OK) {
        parked->failed = 1;
    }

    if (--parked->waits == 0) {
        ngx_rt_parked_resume(parked);
    }
}


/* orders are obeyed in any case: who is late is told of a hole, or is none */

void
ngx_rt_parked_resume(ngx_rt_parked_t *parked)
{
    ngx_rt_conn_t    *conn;
    ngx_rt_client_t  *client;

    client = parked->client;
    conn = client->conn;

    /* it is not among them any more, but its memory is there */

    ngx_queue_remove(&parked->queue);

    ngx_rt_conn_enter(conn);

    client->resumed = 1;
    client->fetched = parked->pool ? &parked->range : NULL;

    if (parked->order.kind) {
        conn->app->order(conn, &parked->order);

    } else if (parked->failed) {
        ngx_rt_command_absent(client, &parked->cmd);

    } else {
        ngx_rt_command_resume(client, &parked->cmd);
    }

    client->resumed = 0;
    client->fetched = NULL;

    ngx_rt_conn_enter(NULL);

    ngx_rt_parked_expire(parked);

    ngx_rt_client_release(client);
}


ngx_uint_t
ngx_rt_client_waits(ngx_rt_client_t *client, const ngx_str_t *channel)
{
    return ngx_rt_parked_lookup(client, channel) != NULL;
}


void
ngx_rt_client_unpark_channel(ngx_rt_client_t *client,
    const ngx_str_t *channel, const rt_error_t *error)
{
    ngx_rt_parked_t  *parked;

    for ( ;; ) {
        parked = ngx_rt_parked_lookup(client, channel);

        if (parked == NULL) {
            return;
        }

        if (parked->order.kind == 0) {
            (void) ngx_rt_command_fail(client, &parked->cmd, error);
        }

        ngx_queue_remove(&parked->queue);
        ngx_rt_parked_expire(parked);
    }
}


/* a subscription, whoever wants it */

static ngx_rt_parked_t *
ngx_rt_parked_lookup(ngx_rt_client_t *client, const ngx_str_t *channel)
{
    ngx_str_t          name;
    ngx_queue_t       *q;
    ngx_rt_parked_t   *parked;
    ngx_rt_parking_t  *parking;

    parking = client->parking;

    if (parking == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(&parking->queue);
         q != ngx_queue_sentinel(&parking->queue);
         q = ngx_queue_next(q))
    {
        parked = ngx_queue_data(q, ngx_rt_parked_t, queue);

        if (parked->order.kind) {
            name = parked->order.text;

        } else if (parked->cmd.method == RT_METHOD_SUBSCRIBE) {
            name = ngx_rt_ngx_str(&parked->cmd.channel);

        } else {
            continue;
        }

        if (name.len == channel->len
            && ngx_memcmp(name.data, channel->data, name.len) == 0)
        {
            return parked;
        }
    }

    return NULL;
}


/* it is in no queue any more */

void
ngx_rt_parked_expire(ngx_rt_parked_t *parked)
{
    ngx_uint_t  i;

    for (i = 0; i < parked->nfollows; i++) {
        if (parked->follows[i].parked) {
            ngx_rt_stream_unfollow(&parked->follows[i].follow);
        }
    }

    if (parked->pool) {
        ngx_destroy_pool(parked->pool);
    }

    parked->client->parking->n--;
    parked->client->parking->bytes -= parked->size;

    ngx_free(parked);
}


void
ngx_rt_client_unpark(ngx_rt_client_t *client)
{
    ngx_queue_t       *q, *next;
    ngx_rt_parked_t   *parked;
    ngx_rt_parking_t  *parking;

    parking = client->parking;

    if (parking == NULL) {
        return;
    }

    for (q = ngx_queue_head(&parking->queue);
         q != ngx_queue_sentinel(&parking->queue);
         q = next)
    {
        next = ngx_queue_next(q);
        parked = ngx_queue_data(q, ngx_rt_parked_t, queue);

        ngx_rt_parked_expire(parked);
    }

    ngx_queue_init(&parking->queue);
}


void
ngx_rt_client_parking_free(ngx_rt_client_t *client)
{
    ngx_rt_client_unpark(client);

    if (client->parking) {
        ngx_free(client->parking->held);
        ngx_free(client->parking);
    }
}


/* what came behind a connect that is parked waits for its end */

void
ngx_rt_client_hold(ngx_rt_client_t *client, u_char *text, size_t len)
{
    u_char            *held;
    ngx_rt_parking_t  *parking;

    parking = client->parking;

    if (parking->nheld + len + 1 > client->conn->conf->max_message) {
        ngx_rt_close(client->conn, 3501, "bad request");
        return;
    }

    held = ngx_alloc(parking->nheld + len + 1, client->conn->connection->log);

    if (held == NULL) {
        ngx_rt_close(client->conn, 3004, "internal server error");
        return;
    }

    (void) rt_append(held, parking->held, parking->nheld);
    (void) rt_append(held + parking->nheld, text, len);
    held[parking->nheld + len] = LF;

    ngx_free(parking->held);

    parking->held = held;
    parking->nheld += len + 1;
}


/* the connect is over; if it has failed, what was held is void */

static void
ngx_rt_client_release(ngx_rt_client_t *client)
{
    size_t             len;
    u_char            *held;
    ngx_rt_parking_t  *parking;

    parking = client->parking;

    held = parking->held;
    len = parking->nheld;

    if (held == NULL || client->entering) {
        return;
    }

    parking->held = NULL;
    parking->nheld = 0;

    if (client->session && !client->conn->closing) {
        client->conn->app->message(client->conn, RT_OPCODE_TEXT, held, len);
    }

    ngx_free(held);
}
