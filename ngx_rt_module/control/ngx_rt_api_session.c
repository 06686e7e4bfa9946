
/*
 * subscribe, unsubscribe, disconnect and refresh: what is done to the sessions
 * of a user, or to one session.  The answer says that the orders are given; the
 * workers that serve the sessions follow them at their next turn.
 *
 * Called by ngx_rt_api_method.c.  Calls state, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


#define NGX_RT_API_ORDER  128         /* what one costs of the budget */


static void ngx_rt_api_address(ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_order(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_order_t *order, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_order_give(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_order_t *order, ngx_rt_api_reply_t *reply,
    ngx_pool_t *pool);
static ngx_int_t ngx_rt_api_sessions(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_array_t *ids, ngx_pool_t *pool);
static ngx_int_t ngx_rt_api_spare(ngx_rt_api_params_t *p, ngx_array_t *ids,
    ngx_rt_api_reply_t *reply, ngx_pool_t *pool);
static void ngx_rt_api_close(ngx_rt_api_params_t *p, ngx_rt_order_t *order,
    ngx_rt_api_reply_t *reply);
static void ngx_rt_api_close_reason(rt_str_t *reason,
    ngx_rt_api_reply_t *reply);


static const rt_param_t  ngx_rt_api_close_fields[] = {
    { rt_string("code"), RT_PARAM_COUNT,
      offsetof(ngx_rt_api_params_t, code) },
    { rt_string("reason"), RT_PARAM_STRING,
      offsetof(ngx_rt_api_params_t, reason) },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


ngx_int_t
ngx_rt_api_subscribe(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    rt_str_t        data, info;
    ngx_rt_order_t  order;

    ngx_rt_api_address(p, reply);
    (void) ngx_rt_api_channel(api, &p->channel, reply);

    ngx_rt_api_since(&p->recover_since, p, reply);
    ngx_rt_api_data(p, &data, reply);
    ngx_rt_api_info_of(p, &info, reply);
    ngx_rt_api_expire_at(p, reply);

    if (data.len + info.len + p->epoch.len > NGX_RT_ORDER_DATA_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "data",
                         "is longer than 3072 bytes, with info and epoch");
    }

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    if (!rt_claims_overrides(&p->override, &order.override)) {
        ngx_rt_api_malformed(reply, "override",
                             "has to be of {\"value\":true} or false");
    }

    order.kind = NGX_RT_ORDER_SUBSCRIBE;
    order.text = ngx_rt_ngx_str(&p->channel);
    order.data = ngx_rt_ngx_str(&data);
    order.info = ngx_rt_ngx_str(&info);
    order.expire = p->expire_at;
    order.since.recover = p->recover_since.len != 0;
    order.since.offset = p->offset;
    order.since.epoch = p->epoch;

    return ngx_rt_api_order(api, p, &order, reply);
}


ngx_int_t
ngx_rt_api_unsubscribe(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_order_t  order;

    ngx_rt_api_address(p, reply);
    (void) ngx_rt_api_channel(api, &p->channel, reply);

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    order.kind = NGX_RT_ORDER_UNSUBSCRIBE;
    order.code = 2000;
    order.text = ngx_rt_ngx_str(&p->channel);

    return ngx_rt_api_order(api, p, &order, reply);
}


ngx_int_t
ngx_rt_api_disconnect(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_order_t  order;

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    order.kind = NGX_RT_ORDER_DISCONNECT;

    ngx_rt_api_address(p, reply);
    ngx_rt_api_close(p, &order, reply);

    return ngx_rt_api_order(api, p, &order, reply);
}


ngx_int_t
ngx_rt_api_refresh(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    rt_str_t        info;
    ngx_rt_order_t  order;

    ngx_rt_api_address(p, reply);
    ngx_rt_api_info_of(p, &info, reply);
    ngx_rt_api_expire_at(p, reply);

    if (info.len > NGX_RT_INFO_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "info",
                         "is longer than 3072 bytes");
    }

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    if (p->expired) {
        order.kind = NGX_RT_ORDER_DISCONNECT;
        order.code = 3005;
        ngx_str_set(&order.text, "connection expired");

    } else {
        order.kind = NGX_RT_ORDER_REFRESH;
        order.info = ngx_rt_ngx_str(&info);
        order.expire = p->expire_at;
    }

    return ngx_rt_api_order(api, p, &order, reply);
}


/* as yet a session has one connection, and is known by its client's id */

static void
ngx_rt_api_address(ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply)
{
    if (p->client.len && p->session.len
        && (p->client.len != p->session.len
            || ngx_memcmp(p->client.data, p->session.data, p->client.len)
               != 0))
    {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "session",
                         "is not the client's");
        return;
    }

    if (p->client.len == 0) {
        p->client = p->session;
    }

    if (p->user.len) {
        ngx_rt_api_user(p, reply);

    } else if (p->client.len == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "user",
                         "is required, or client, or session");
    }
}


void
ngx_rt_api_user(ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply)
{
    ngx_str_t  user;

    user = ngx_rt_ngx_str(&p->user);

    if (!ngx_rt_name_valid(&user, NGX_RT_USER_MAX)) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "user",
                         "has to be 1 to 128 bytes, no control characters");
    }
}


/* the list of sessions goes with the command, for a batch may give many */

static ngx_int_t
ngx_rt_api_order(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_order_t *order, ngx_rt_api_reply_t *reply)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    if (reply->code) {
        return NGX_OK;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE,
                           api->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_rt_api_order_give(api, p, order, reply, pool);

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_rt_api_order_give(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_order_t *order, ngx_rt_api_reply_t *reply, ngx_pool_t *pool)
{
    ngx_int_t      rc;
    ngx_str_t      user;
    ngx_array_t    ids;
    ngx_rt_told_t  told;

    if (ngx_rt_api_sessions(api, p, &ids, pool) != NGX_OK
        || ngx_rt_api_spare(p, &ids, reply, pool) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (reply->code
        || ngx_rt_api_spend(api, ids.nelts * NGX_RT_API_ORDER, reply)
           != NGX_OK)
    {
        return NGX_OK;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));
    user = ngx_rt_ngx_str(&p->user);

    rc = ngx_rt_order_issue(api->zone, &api->tenant, &user, ids.elts,
                            ids.nelts, order, &told);

    ngx_rt_hub_told(api->zone->hub, &told);

    if (rc == NGX_DECLINED) {
        ngx_rt_api_error(reply, NGX_RT_API_ZONE_FULL, NULL,
                         "zone full, not all sessions were told");
        return NGX_OK;
    }

    ngx_str_set(&reply->result, "{}");

    return NGX_OK;
}


/* whose ids they may be; whether they are is looked at later */

static ngx_int_t
ngx_rt_api_sessions(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_array_t *ids, ngx_pool_t *pool)
{
    u_char     *id;
    ngx_str_t   user;

    if (ngx_array_init(ids, pool, 16, NGX_RT_ID_LEN) != NGX_OK) {
        return NGX_ERROR;
    }

    if (p->client.len == 0) {
        user = ngx_rt_ngx_str(&p->user);

        return ngx_rt_user_sessions(api->zone, &api->tenant, &user, ids);
    }

    if (p->client.len == NGX_RT_ID_LEN) {
        id = ngx_array_push(ids);
        if (id == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(id, p->client.data, NGX_RT_ID_LEN);
    }

    return NGX_OK;
}


/* who is on the whitelist goes out, twice while he is taken over */

static ngx_int_t
ngx_rt_api_spare(ngx_rt_api_params_t *p, ngx_array_t *ids,
    ngx_rt_api_reply_t *reply, ngx_pool_t *pool)
{
    u_char       *elts;
    rt_str_t     *spared;
    ngx_uint_t    i, n;
    ngx_array_t   whitelist;

    if (ngx_array_init(&whitelist, pool, 4, sizeof(rt_str_t)) != NGX_OK
        || ngx_rt_api_strings("whitelist", &p->whitelist,
                              NGX_RT_API_WHITELIST_MAX,
                              "there are more than 128", &whitelist, reply)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    elts = ids->elts;
    spared = whitelist.elts;

    for (n = 0; n < whitelist.nelts; n++) {

        for (i = ids->nelts; spared[n].len == NGX_RT_ID_LEN && i--; /* void */ )
        {
            if (ngx_memcmp(elts + i * NGX_RT_ID_LEN, spared[n].data,
                           NGX_RT_ID_LEN)
                == 0)
            {
                ids->nelts--;
                ngx_memmove(elts + i * NGX_RT_ID_LEN,
                            elts + ids->nelts * NGX_RT_ID_LEN, NGX_RT_ID_LEN);
            }
        }
    }

    return NGX_OK;
}


static void
ngx_rt_api_close(ngx_rt_api_params_t *p, ngx_rt_order_t *order,
    ngx_rt_api_reply_t *reply)
{
    rt_json_t  j;

    if (p->disconnect.len) {
        rt_json_init(&j, p->disconnect.data, p->disconnect.len);
        ngx_rt_api_read(&j, ngx_rt_api_close_fields, p, reply);
    }

    order->code = p->code ? p->code : 3503;

    if (order->code < 3000 || order->code > 4999) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "code",
                         "has to be from 3000 to 4999");
    }

    if (p->reason.len == 0) {
        ngx_str_set(&order->text, "force disconnect");
        return;
    }

    ngx_rt_api_close_reason(&p->reason, reply);

    order->text = ngx_rt_ngx_str(&p->reason);
}


/* SDKs take a reason that is JSON for more than a reason */

static void
ngx_rt_api_close_reason(rt_str_t *reason, ngx_rt_api_reply_t *reply)
{
    rt_json_t        j;
    rt_json_value_t  v;

    if (reason->len > NGX_RT_ORDER_REASON_MAX
        || memchr(reason->data, '\0', reason->len))
    {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "reason",
                         "has to be at most 123 bytes, none of them zero");
        return;
    }

    rt_json_init(&j, reason->data, reason->len);

    if ((rt_json_value(&j, &v) || j.error == RT_JSON_DEEP)
        && rt_json_end(&j))
    {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "reason",
                         "has to be a text, not JSON");
    }
}
