
/*
 * What all nodes say, put together: lists of who is in a channel, how many
 * those are, lists of channels, and the nodes.
 *
 * Called by ngx_rt_api_everywhere.c, with results that are JSON objects; what
 * is in them is looked at here.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"


/* a channel, as one node has it */
typedef struct {
    rt_str_t                   name;
    uint64_t                   clients;
} ngx_rt_api_channel_t;


typedef struct {
    ngx_rt_api_all_t          *all;
    const char                *head;
    const char                *tail;
    rt_str_t                  *inside;        /* of each answer */
} ngx_rt_api_joined_t;


typedef struct {
    uint64_t                   clients;
    uint64_t                   users;
} ngx_rt_api_stats_t;


static ngx_int_t ngx_rt_api_join(ngx_rt_api_t *api, ngx_rt_api_joined_t *joined,
    const char *name, rt_json_type_t type, ngx_rt_api_reply_t *reply);
static void ngx_rt_api_joined_text(rt_out_t *o, void *data);
static void ngx_rt_api_silent_text(rt_out_t *o, ngx_rt_api_all_t *all);
static void ngx_rt_api_stats_text(rt_out_t *o, void *data);
static int ngx_libc_cdecl ngx_rt_api_user_compare(const void *one,
    const void *two);
static ngx_int_t ngx_rt_api_join_list(ngx_rt_api_t *api,
    ngx_rt_api_all_t *all, ngx_array_t *list);
static void ngx_rt_api_list_text(rt_out_t *o, void *data);
static int ngx_libc_cdecl ngx_rt_api_channel_compare(const void *one,
    const void *two);


ngx_int_t
ngx_rt_api_join_presence(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_joined_t  joined;

    joined.all = all;
    joined.head = "{\"presence\":{";
    joined.tail = "}}";

    return ngx_rt_api_join(api, &joined, "presence", RT_JSON_OBJECT, reply);
}


ngx_int_t
ngx_rt_api_join_info(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_joined_t  joined;

    joined.all = all;
    joined.head = "{\"nodes\":[";
    joined.tail = "]}";

    return ngx_rt_api_join(api, &joined, "nodes", RT_JSON_ARRAY, reply);
}


/* lists of which each node has a part of its own */

static ngx_int_t
ngx_rt_api_join(ngx_rt_api_t *api, ngx_rt_api_joined_t *joined,
    const char *name, rt_json_type_t type, ngx_rt_api_reply_t *reply)
{
    ngx_uint_t  i;

    joined->inside = ngx_palloc(api->pool,
                                joined->all->nanswers * sizeof(rt_str_t));
    if (joined->inside == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < joined->all->nanswers; i++) {
        if (!rt_answer_inside(&joined->all->answers[i], name, type,
                              &joined->inside[i]))
        {
            return NGX_DECLINED;
        }
    }

    return ngx_rt_api_result(api, ngx_rt_api_joined_text, joined, reply);
}


static void
ngx_rt_api_joined_text(rt_out_t *o, void *data)
{
    ngx_uint_t            i, n;
    ngx_rt_api_joined_t  *joined = data;

    rt_out_bytes(o, joined->head, ngx_strlen(joined->head));

    for (i = 0, n = 0; i < joined->all->nanswers; i++) {

        if (joined->inside[i].len == 0) {
            continue;
        }

        if (n++) {
            rt_out_lit(o, ",");
        }

        rt_out_bytes(o, joined->inside[i].data, joined->inside[i].len);
    }

    ngx_rt_api_silent_text(o, joined->all);

    rt_out_bytes(o, joined->tail, ngx_strlen(joined->tail));
}


/* nodes of which nothing is known but that they are there: of info only */

static void
ngx_rt_api_silent_text(rt_out_t *o, ngx_rt_api_all_t *all)
{
    ngx_uint_t  i;

    for (i = 0; i < all->nsilent; i++) {
        rt_out_lit(o, ",{\"uid\":\"");
        rt_out_bytes(o, all->silent + i * NGX_RT_ID_LEN, NGX_RT_ID_LEN);
        rt_out_lit(o, "\",\"name\":\"\",\"version\":\"\",\"num_clients\":0,"
                      "\"num_users\":0,\"num_channels\":0,\"uptime\":0,"
                      "\"silent\":true}");
    }
}


/* a user is known by a hash, the same at all nodes */

ngx_int_t
ngx_rt_api_join_stats(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply)
{
    uint64_t            *user, n, hash;
    rt_json_t            j;
    ngx_uint_t           i;
    ngx_array_t          users;
    ngx_rt_api_stats_t   stats;

    if (ngx_array_init(&users, api->pool, 64, sizeof(uint64_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    stats.clients = 0;

    for (i = 0; i < all->nanswers; i++) {

        if (!rt_answer_number(&all->answers[i], "num_clients", &n)
            || !rt_answer_walk(&all->answers[i], "users", RT_JSON_ARRAY, &j))
        {
            return NGX_DECLINED;
        }

        stats.clients += n;

        while (rt_answer_user(&j, &hash)) {
            user = ngx_array_push(&users);

            if (user == NULL) {
                return NGX_ERROR;
            }

            *user = hash;
        }

        if (j.error != RT_JSON_OK) {
            return NGX_DECLINED;
        }
    }

    user = users.elts;

    ngx_qsort(user, users.nelts, sizeof(uint64_t), ngx_rt_api_user_compare);

    for (i = 0, stats.users = 0; i < users.nelts; i++) {
        stats.users += (i == 0 || user[i] != user[i - 1]);
    }

    return ngx_rt_api_result(api, ngx_rt_api_stats_text, &stats, reply);
}


static void
ngx_rt_api_stats_text(rt_out_t *o, void *data)
{
    ngx_rt_api_stats_t  *stats = data;

    rt_out_lit(o, "{\"num_clients\":");
    rt_out_uint(o, stats->clients);
    rt_out_lit(o, ",\"num_users\":");
    rt_out_uint(o, stats->users);
    rt_out_lit(o, "}");
}


static int ngx_libc_cdecl
ngx_rt_api_user_compare(const void *one, const void *two)
{
    const uint64_t *a = one;
    const uint64_t *b = two;

    return *a < *b ? -1 : *a > *b;
}


ngx_int_t
ngx_rt_api_join_channels(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply)
{
    ngx_int_t     rc;
    ngx_pool_t   *pool;
    ngx_array_t   list;

    /* the list goes with the command, for a batch may ask for many */

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, api->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_array_init(&list, pool, 256, sizeof(ngx_rt_api_channel_t));

    if (rc == NGX_OK) {
        rc = ngx_rt_api_join_list(api, all, &list);
    }

    if (rc == NGX_OK) {
        rc = ngx_rt_api_result(api, ngx_rt_api_list_text, &list, reply);
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* a channel that several nodes have stands there once */

static ngx_int_t
ngx_rt_api_join_list(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_array_t *list)
{
    rt_str_t               name;
    uint64_t               clients;
    rt_json_t              j;
    ngx_uint_t             i, n;
    ngx_rt_api_channel_t  *ch;

    for (i = 0; i < all->nanswers; i++) {

        if (!rt_answer_walk(&all->answers[i], "channels", RT_JSON_OBJECT, &j)) {
            return NGX_DECLINED;
        }

        while (rt_answer_channel(&j, &name, &clients)) {
            ch = ngx_array_push(list);

            if (ch == NULL) {
                return NGX_ERROR;
            }

            ch->name = name;
            ch->clients = clients;
        }

        if (j.error != RT_JSON_OK) {
            return NGX_DECLINED;
        }
    }

    ch = list->elts;

    ngx_qsort(ch, list->nelts, sizeof(ngx_rt_api_channel_t),
              ngx_rt_api_channel_compare);

    for (i = 0, n = 0; i < list->nelts; i++) {

        if (n && ngx_rt_api_channel_compare(&ch[n - 1], &ch[i]) == 0) {
            ch[n - 1].clients += ch[i].clients;

        } else {
            ch[n++] = ch[i];
        }
    }

    list->nelts = n;

    return NGX_OK;
}


static void
ngx_rt_api_list_text(rt_out_t *o, void *data)
{
    ngx_uint_t             i;
    ngx_array_t           *list = data;
    ngx_rt_api_channel_t  *ch;

    ch = list->elts;

    rt_out_lit(o, "{\"channels\":{");

    for (i = 0; i < list->nelts; i++) {

        if (i) {
            rt_out_lit(o, ",");
        }

        rt_out_json_string(o, ch[i].name.data, ch[i].name.len);
        rt_out_lit(o, ":{\"num_clients\":");
        rt_out_uint(o, ch[i].clients);
        rt_out_lit(o, "}");
    }

    rt_out_lit(o, "}}");
}


static int ngx_libc_cdecl
ngx_rt_api_channel_compare(const void *one, const void *two)
{
    const ngx_rt_api_channel_t *a = one;
    const ngx_rt_api_channel_t *b = two;

    if (a->name.len != b->name.len) {
        return a->name.len < b->name.len ? -1 : 1;
    }

    return a->name.len ? ngx_memcmp(a->name.data, b->name.data, a->name.len)
                       : 0;
}
