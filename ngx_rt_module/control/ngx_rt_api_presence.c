
/*
 * presence and presence_stats: who is in a channel of the request's tenant, at
 * this node.
 *
 * Called by ngx_rt_api_method.c.  Calls state, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


/* members that are listed, or among whom users are counted */
#define NGX_RT_API_PRESENCE_MAX  10000


typedef struct {
    ngx_pool_t           *pool;
    ngx_array_t           list;   /* ngx_rt_present_t */
    ngx_uint_t            all;    /* are in it */
    size_t                infos;  /* bytes that theirs may take */
    uint64_t              clients;
    uint64_t              users;
    rt_client_info_t     *info;
    const rt_hash_key_t  *key;    /* of users, the same at all nodes */
} ngx_rt_api_presence_t;


typedef ngx_int_t (*ngx_rt_api_presence_pt)(ngx_rt_api_t *api,
    ngx_rt_api_presence_t *presence, ngx_rt_api_reply_t *reply);


static ngx_int_t ngx_rt_api_presence_run(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, size_t infos, ngx_rt_api_presence_pt answer,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_presence_read(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_presence_t *presence);
static ngx_int_t ngx_rt_api_presence_list(ngx_rt_api_t *api,
    ngx_rt_api_presence_t *presence, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_presence_count(ngx_rt_api_t *api,
    ngx_rt_api_presence_t *presence, ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_presence_hashes(ngx_rt_api_t *api,
    ngx_rt_api_presence_t *presence, ngx_rt_api_reply_t *reply);
static void ngx_rt_api_presence_text(rt_out_t *o, void *data);
static void ngx_rt_api_presence_stats_text(rt_out_t *o, void *data);
static void ngx_rt_api_presence_hashes_text(rt_out_t *o, void *data);


ngx_int_t
ngx_rt_api_presence(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    return ngx_rt_api_presence_run(api, p, NGX_RT_API_REPLY_MAX,
                                   ngx_rt_api_presence_list, reply);
}


ngx_int_t
ngx_rt_api_presence_stats(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    return ngx_rt_api_presence_run(api, p, 0, ngx_rt_api_presence_count,
                                   reply);
}


ngx_int_t
ngx_rt_api_users(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    return ngx_rt_api_presence_run(api, p, 0, ngx_rt_api_presence_hashes,
                                   reply);
}


/* the list goes with the command, for a batch may ask for many */

static ngx_int_t
ngx_rt_api_presence_run(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    size_t infos, ngx_rt_api_presence_pt answer, ngx_rt_api_reply_t *reply)
{
    ngx_int_t               rc;
    ngx_rt_namespace_t     *ns;
    ngx_rt_api_presence_t   presence;

    ns = ngx_rt_api_channel(api, &p->channel, reply);

    if (ns && !ns->presence) {
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "channel",
                         "has no presence, see rt_namespace");
    }

    if (reply->code) {
        return NGX_OK;
    }

    presence.pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE,
                                    api->log);
    if (presence.pool == NULL) {
        return NGX_ERROR;
    }

    presence.infos = infos;

    rc = ngx_rt_api_presence_read(api, p, &presence);

    if (rc == NGX_OK
        && ngx_rt_api_spend(api, presence.list.nelts
                                 * sizeof(ngx_rt_present_t), reply)
           == NGX_OK)
    {
        rc = answer(api, &presence, reply);
    }

    ngx_destroy_pool(presence.pool);

    return rc;
}


static ngx_int_t
ngx_rt_api_presence_read(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_presence_t *presence)
{
    ngx_int_t  rc;
    ngx_str_t  channel;

    if (ngx_array_init(&presence->list, presence->pool, 16,
                       sizeof(ngx_rt_present_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    channel = ngx_rt_ngx_str(&p->channel);

    rc = ngx_rt_presence_read(api->zone, &api->tenant, &channel,
                              NGX_RT_API_PRESENCE_MAX, presence->infos,
                              &presence->list, &presence->clients);

    presence->all = (rc == NGX_OK);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_rt_api_presence_list(ngx_rt_api_t *api, ngx_rt_api_presence_t *presence,
    ngx_rt_api_reply_t *reply)
{
    if (!presence->all) {
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, "channel",
                         "has more than 10000 clients, or infos of 16m");
        return NGX_OK;
    }

    presence->info = ngx_palloc(presence->pool,
                                (presence->list.nelts + 1)
                                * sizeof(rt_client_info_t));
    if (presence->info == NULL) {
        return NGX_ERROR;
    }

    ngx_rt_presence_info(&presence->list, presence->info);

    return ngx_rt_api_result(api, ngx_rt_api_presence_text, presence, reply);
}


static ngx_int_t
ngx_rt_api_presence_count(ngx_rt_api_t *api, ngx_rt_api_presence_t *presence,
    ngx_rt_api_reply_t *reply)
{
    presence->users = ngx_rt_presence_users(&presence->list);

    return ngx_rt_api_result(api, ngx_rt_api_presence_stats_text, presence,
                             reply);
}


/* sorted, so that who is in it several times stands there once */

static ngx_int_t
ngx_rt_api_presence_hashes(ngx_rt_api_t *api,
    ngx_rt_api_presence_t *presence, ngx_rt_api_reply_t *reply)
{
    (void) ngx_rt_presence_users(&presence->list);

    presence->key = ngx_rt_content_key(api->zone);

    return ngx_rt_api_result(api, ngx_rt_api_presence_hashes_text, presence,
                             reply);
}


static void
ngx_rt_api_presence_text(rt_out_t *o, void *data)
{
    ngx_rt_api_presence_t  *presence = data;

    rt_out_lit(o, "{\"presence\":");
    rt_codec_json_present(o, presence->info, presence->list.nelts);
    rt_out_lit(o, "}");
}


static void
ngx_rt_api_presence_stats_text(rt_out_t *o, void *data)
{
    ngx_rt_api_presence_t  *presence = data;

    rt_out_lit(o, "{\"num_clients\":");
    rt_out_uint(o, presence->clients);
    rt_out_lit(o, ",\"num_users\":");
    rt_out_uint(o, presence->users);
    rt_out_lit(o, "}");
}


static void
ngx_rt_api_presence_hashes_text(rt_out_t *o, void *data)
{
    ngx_uint_t              i, n;
    ngx_rt_present_t       *one;
    ngx_rt_api_presence_t  *presence = data;

    one = presence->list.elts;
    n = 0;

    rt_out_lit(o, "{\"num_clients\":");
    rt_out_uint(o, presence->clients);
    rt_out_lit(o, ",\"users\":[");

    for (i = 0; i < presence->list.nelts; i++) {

        if (i && one[i].len == one[i - 1].len
            && ngx_memcmp(one[i].user, one[i - 1].user, one[i].len) == 0)
        {
            continue;
        }

        if (n++) {
            rt_out_lit(o, ",");
        }

        rt_out_uint(o, rt_hash(presence->key, one[i].user, one[i].len));
    }

    rt_out_lit(o, "]}");
}
