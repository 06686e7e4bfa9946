
/*
 * A client: a connection that speaks the client protocol.  Takes whole messages
 * from ingress, hands their commands to ngx_rt_command.c one by one, leaves its
 * channels when the close begins.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_header.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_client_create(ngx_rt_conn_t *conn,
    ngx_http_request_t *r);
static ngx_int_t ngx_rt_client_names(ngx_http_request_t *r,
    ngx_rt_loc_conf_t *conf, ngx_str_t *tenant, ngx_str_t *user);
static ngx_int_t ngx_rt_client_admit(ngx_http_request_t *r,
    ngx_rt_zone_t *z, ngx_str_t *tenant);
static void ngx_rt_client_message(ngx_rt_conn_t *conn, rt_opcode_t opcode,
    u_char *data, size_t len);
static void ngx_rt_client_ping(ngx_rt_conn_t *conn);
static void ngx_rt_client_drained(ngx_rt_conn_t *conn);
static void ngx_rt_client_tell_losses(ngx_rt_client_t *client);
static void ngx_rt_client_serve(ngx_rt_client_t *client);
static void ngx_rt_client_close(ngx_rt_conn_t *conn);
static void ngx_rt_client_destroy(ngx_rt_conn_t *conn);
static void ngx_rt_client_say(ngx_rt_client_t *client,
    const rt_reply_t *reply, const rt_push_t *push);
static void ngx_rt_client_encode(ngx_rt_client_t *client, rt_out_t *out,
    const rt_reply_t *reply, const rt_push_t *push);


const ngx_rt_app_t  ngx_rt_client_app = {
    "client",
    3001,
    "centrifuge-json",
    0,
    0,
    ngx_rt_client_create,
    NULL,                         /* it says who it is first: connect */
    ngx_rt_client_message,
    ngx_rt_client_order,
    ngx_rt_client_wait,
    ngx_rt_client_wake,
    ngx_rt_client_ping,
    ngx_rt_client_drained,
    ngx_rt_client_close,
    ngx_rt_client_destroy
};


/* of the worker: what is said is built here before it is queued */
static u_char  ngx_rt_client_buf[4096];


ngx_int_t
ngx_rt_client_handler(ngx_http_request_t *r)
{
    return ngx_rt_upgrade(r, &ngx_rt_client_app);
}


/* the names stand behind the client */

static ngx_int_t
ngx_rt_client_create(ngx_rt_conn_t *conn, ngx_http_request_t *r)
{
    u_char              *p;
    size_t               size;
    ngx_int_t            rc;
    ngx_str_t            tenant, user;
    ngx_uint_t           i, n, keyless;
    ngx_rt_client_t     *client;
    ngx_rt_main_conf_t  *mcf;

    rc = ngx_rt_client_names(r, conn->conf, &tenant, &user);

    if (rc != NGX_OK) {
        return rc;
    }

    keyless = (tenant.len == 0);

    if (keyless) {
        ngx_str_set(&tenant, "default");
    }

    /* whose tenant a token tells, connect judges */

    if (!keyless || conn->conf->jwt == NULL) {
        rc = ngx_rt_client_admit(r, conn->conf->zone, &tenant);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_rt_module);

    n = ngx_rt_limit_session(mcf);
    size = sizeof(ngx_rt_client_t) + n * sizeof(rt_bucket_t)
           + ngx_rt_client_about_size(mcf);

    client = ngx_calloc(size + tenant.len + user.len, r->connection->log);
    if (client == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (i = 0; i < n; i++) {
        client->buckets[i] = rt_bucket_ticks(ngx_current_msec);
    }

    client->conn = conn;
    client->main_conf = mcf;
    client->zone = conn->conf->zone;
    client->codec = &rt_codec_json;
    client->keyless = keyless;
    client->looks = rt_bucket_fold(rt_bucket_ticks(ngx_current_msec));
    ngx_queue_init(&client->subscriptions);

    p = (u_char *) client + size;

    client->tenant.len = tenant.len;
    client->tenant.data = p;
    p = rt_append(p, tenant.data, tenant.len);

    client->user.len = user.len;
    client->user.data = p;
    (void) rt_append(p, user.data, user.len);

    conn->text_only = !client->codec->binary;
    conn->data = client;

    return ngx_rt_client_about_headers(client, r);
}


/* NGX_OK, or the status to answer with */

static ngx_int_t
ngx_rt_client_names(ngx_http_request_t *r, ngx_rt_loc_conf_t *conf,
    ngx_str_t *tenant, ngx_str_t *user)
{
    ngx_int_t  rc;

    rc = ngx_rt_tenant_key(r, conf->zone, tenant);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "rt: the key of rt_zone \"%V\" is no tenant's name: "
                      "it is over %d bytes or has control characters",
                      &conf->zone->name, NGX_RT_TENANT_MAX);
        ngx_rt_count(refused, 1);
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc == NGX_OK) {
        rc = ngx_rt_user_name(r, conf->user, user);
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "rt: the value of rt_user is no user's name: it is over "
                      "%d bytes, has control characters or is not UTF-8",
                      NGX_RT_USER_MAX);
        return NGX_HTTP_BAD_REQUEST;
    }

    return rc == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/*
 * Over the limit of connections SDKs come back by themselves after any status;
 * 3504, the protocol's code for it, would be for good.
 */

static ngx_int_t
ngx_rt_client_admit(ngx_http_request_t *r, ngx_rt_zone_t *z,
    ngx_str_t *tenant)
{
    static ngx_str_t  wait = ngx_string("1");

    if (ngx_rt_limit_connection(z, tenant) == NGX_OK) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "rt: WebSocket handshake refused: tenant \"%V\" has as "
                  "many connections as rt_limit lets it", tenant);

    ngx_rt_count(refused, 1);

    if (ngx_rt_header_add(r, "Retry-After", &wait) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_HTTP_TOO_MANY_REQUESTS;
}


static void
ngx_rt_client_message(ngx_rt_conn_t *conn, rt_opcode_t opcode, u_char *data,
    size_t len)
{
    bool              first;
    u_char           *pos, *end;
    rt_command_t      cmd;
    ngx_rt_client_t  *client;

    client = conn->data;

    pos = data;
    end = data + len;

    for (first = true; !conn->closing && !conn->overflow; first = false) {

        if (client->entering) {
            ngx_rt_client_hold(client, pos, end - pos);
            return;
        }

        switch (client->codec->parse(&pos, end, first, &cmd)) {

        case RT_PARSE_OK:

            if (ngx_rt_command_handle(client, &cmd) != NGX_OK) {
                /* what was pipelined behind a failed connect is void */
                return;
            }

            break;

        case RT_PARSE_DONE:
            return;

        case RT_PARSE_BAD:
            ngx_rt_close(conn, 3501, "bad request");
            return;
        }
    }
}


static void
ngx_rt_client_ping(ngx_rt_conn_t *conn)
{
    rt_out_t          out;
    ngx_rt_client_t  *client;

    client = conn->data;

    client->pinged = (client->session != NULL);

    rt_out_init(&out, ngx_rt_client_buf, sizeof(ngx_rt_client_buf));
    client->codec->ping(&out);

    (void) ngx_rt_queue_frame(conn, RT_OPCODE_TEXT, out.start, out.need);
}


static void
ngx_rt_client_drained(ngx_rt_conn_t *conn)
{
    ngx_rt_client_tell_losses(conn->data);
    ngx_rt_client_serve(conn->data);
}


/* its channels take turns, a slice's worth in all */

static void
ngx_rt_client_serve(ngx_rt_client_t *client)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_rt_conn_t          *conn;
    ngx_rt_subscription_t  *sub;

    conn = client->conn;

    for (n = client->nsubscriptions; n && !conn->closing && !conn->over; n--) {
        q = ngx_queue_head(&client->subscriptions);
        sub = ngx_queue_data(q, ngx_rt_subscription_t, link);

        if (sub->state == NGX_RT_SUB_BEHIND) {

            if (conn->out.bytes >= NGX_RT_SLICE_BYTES) {
                conn->waits = 1;
                return;
            }

            ngx_rt_subscription_serve(sub);
            conn->waits |= (sub->state == NGX_RT_SUB_BEHIND
                            && !sub->fetching);
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&client->subscriptions, q);
    }
}


/* a message that SDKs hand on, or ignore if nobody asks for it */

static void
ngx_rt_client_tell_losses(ngx_rt_client_t *client)
{
    u_char                  data[sizeof("{\"type\":\"rt.lost\",\"channel\":,"
                                        "\"messages\":}")
                                 + 6 * NGX_RT_CHANNEL_MAX + 2 + NGX_INT64_LEN];
    rt_out_t                out;
    rt_push_t               push;
    ngx_queue_t            *q;
    ngx_rt_channel_t       *ch;
    ngx_rt_subscription_t  *sub;

    ngx_memzero(&push, sizeof(rt_push_t));
    push.kind = RT_PUSH_MESSAGE;

    for (q = ngx_queue_head(&client->subscriptions);
         q != ngx_queue_sentinel(&client->subscriptions);
         q = ngx_queue_next(q))
    {
        sub = ngx_queue_data(q, ngx_rt_subscription_t, link);

        if (sub->lost == 0) {
            continue;
        }

        ch = sub->interest->channel;

        rt_out_init(&out, data, sizeof(data));
        rt_out_lit(&out, "{\"type\":\"rt.lost\",\"channel\":");
        rt_out_json_string(&out, ch->name, ch->len);
        rt_out_lit(&out, ",\"messages\":");
        rt_out_uint(&out, sub->lost);
        rt_out_lit(&out, "}");

        sub->lost = 0;

        push.data.data = out.start;
        push.data.len = out.need;
        ngx_rt_client_push(client, &push);
    }
}


static void
ngx_rt_client_close(ngx_rt_conn_t *conn)
{
    ngx_uint_t              stay, outlives;
    ngx_queue_t            *q;
    ngx_rt_client_t        *client;
    ngx_rt_subscription_t  *sub;

    client = conn->data;

    ngx_rt_client_unpark(client);
    ngx_rt_client_unpublish(client);
    ngx_rt_client_unask(client);

    if (client->session == NULL) {
        return;
    }

    outlives = client->session->linger != NULL;
    stay = outlives && rt_close_lingers(conn->close_code)
           ? NGX_RT_STAY_GHOST : 0;

    if (conn->overflow) {
        (void) ngx_atomic_fetch_add(&client->session->tenant->slow, 1);
    }

    while (!ngx_queue_empty(&client->subscriptions)) {
        q = ngx_queue_head(&client->subscriptions);
        sub = ngx_queue_data(q, ngx_rt_subscription_t, link);
        ngx_rt_client_leave(sub, stay);
    }

    if (outlives) {
        ngx_rt_client_part(client, stay != 0);
    }

    ngx_rt_leases_drop(client);
}


void
ngx_rt_client_leave(ngx_rt_subscription_t *sub, ngx_uint_t stay)
{
    ngx_rt_lease_drop(sub->client, sub);
    ngx_rt_unsubscribe(sub, stay);
}


void
ngx_rt_client_unsubscribe(ngx_rt_subscription_t *sub, ngx_uint_t code,
    const char *reason)
{
    u_char             name[NGX_RT_CHANNEL_MAX];
    rt_push_t          push;
    ngx_rt_client_t   *client;
    ngx_rt_channel_t  *ch;

    client = sub->client;
    ch = sub->interest->channel;

    ngx_memzero(&push, sizeof(rt_push_t));

    push.kind = RT_PUSH_UNSUBSCRIBE;
    push.channel.data = name;
    push.channel.len = ch->len;
    push.code = code;
    push.reason.data = (u_char *) reason;
    push.reason.len = ngx_strlen(reason);

    ngx_memcpy(name, ch->name, ch->len);

    ngx_rt_client_leave(sub, 0);

    ngx_rt_client_push(client, &push);
}


/* a session that nobody can get back ends with its connection */

static void
ngx_rt_client_destroy(ngx_rt_conn_t *conn)
{
    ngx_rt_client_t  *client;

    client = conn->data;

    if (client == NULL) {
        return;
    }

    ngx_rt_client_parking_free(client);
    ngx_rt_client_unpublish(client);
    ngx_rt_client_unask(client);
    ngx_rt_client_end(client);
    ngx_rt_client_about_free(client);

    if (conn->account) {
        ngx_rt_account_release(conn->account);
    }

    if (client->variants) {
        ngx_free(client->variants);
    }

    ngx_free(client);
}


void
ngx_rt_client_reply(ngx_rt_client_t *client, const rt_reply_t *reply)
{
    if (client->variants) {
        ngx_rt_client_count_variants(client, reply->error != NULL);
    }

    ngx_rt_client_say(client, reply, NULL);
}


void
ngx_rt_client_push(ngx_rt_client_t *client, const rt_push_t *push)
{
    ngx_rt_client_say(client, NULL, push);
}


static void
ngx_rt_client_say(ngx_rt_client_t *client, const rt_reply_t *reply,
    const rt_push_t *push)
{
    u_char     *mem;
    rt_out_t    out;
    ngx_int_t   rc;

    mem = NULL;

    rt_out_init(&out, ngx_rt_client_buf, sizeof(ngx_rt_client_buf));
    ngx_rt_client_encode(client, &out, reply, push);

    if (!rt_out_fits(&out)) {

        mem = ngx_alloc(out.need, client->conn->connection->log);
        if (mem == NULL) {
            ngx_rt_close(client->conn, 3004, "internal server error");
            return;
        }

        rt_out_init(&out, mem, out.need);
        ngx_rt_client_encode(client, &out, reply, push);
    }

    rc = ngx_rt_queue_frame(client->conn, RT_OPCODE_TEXT, out.start, out.need);

    if (rc == NGX_ERROR) {
        ngx_rt_close(client->conn, 3004, "internal server error");
    }

    if (mem) {
        ngx_free(mem);
    }
}


static void
ngx_rt_client_encode(ngx_rt_client_t *client, rt_out_t *out,
    const rt_reply_t *reply, const rt_push_t *push)
{
    if (reply) {
        client->codec->reply(out, reply);

    } else {
        client->codec->push(out, push);
    }
}
