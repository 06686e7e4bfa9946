
/*
 * The methods of the API: which there are, which parameters they take, and how
 * these are read; and the batch, which calls the others.
 *
 * Called by ngx_rt_api.c with a body that is UTF-8.  Strings are decoded in
 * place; arrays, objects and data are taken as they stand and read later, so
 * the whole body is known to be JSON before anything is done.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_stream.h"


/* a batch on its way; in the request's pool */
typedef struct {
    ngx_array_t                commands;      /* rt_json_value_t */
    ngx_rt_api_replies_t       replies;
    ngx_rt_api_reply_t        *reply;
    ngx_uint_t                 next;          /* of the commands */
    ngx_uint_t                 publishes;     /* what is waited for does */
    ngx_uint_t                 parallel;
} ngx_rt_api_batch_t;


static ngx_int_t ngx_rt_api_batch_go(ngx_rt_api_t *api, void *data);
static ngx_int_t ngx_rt_api_batch_end(ngx_rt_api_t *api, void *data);
static ngx_int_t ngx_rt_api_batch_read(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply, ngx_array_t *commands);
static const ngx_rt_api_method_t *ngx_rt_api_batch_method(
    rt_json_value_t *command, rt_json_value_t *v);
static ngx_int_t ngx_rt_api_batch_command(ngx_rt_api_t *api,
    const ngx_rt_api_method_t *method, rt_json_value_t *v,
    ngx_rt_api_reply_t *reply);


#define ngx_rt_api_field_of(name, type)                                       \
    { rt_string(#name), type, offsetof(ngx_rt_api_params_t, name) }

#define ngx_rt_api_session_fields                                             \
    ngx_rt_api_field_of(user, RT_PARAM_STRING),                               \
    ngx_rt_api_field_of(client, RT_PARAM_STRING),                             \
    ngx_rt_api_field_of(session, RT_PARAM_STRING)

#define ngx_rt_api_publication_fields                                         \
    ngx_rt_api_field_of(data, RT_PARAM_VALUE),                                \
    ngx_rt_api_field_of(b64data, RT_PARAM_STRING),                            \
    ngx_rt_api_field_of(tags, RT_PARAM_OBJECT),                               \
    ngx_rt_api_field_of(skip_history, RT_PARAM_BOOL),                         \
    ngx_rt_api_field_of(delta, RT_PARAM_BOOL),                                \
    ngx_rt_api_field_of(idempotency_key, RT_PARAM_STRING),                    \
    ngx_rt_api_field_of(version, RT_PARAM_COUNT),                             \
    ngx_rt_api_field_of(version_epoch, RT_PARAM_STRING),                      \
    { rt_string(""), RT_PARAM_VALUE, 0 }


static const rt_param_t  ngx_rt_api_publish_fields[] = {
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    ngx_rt_api_publication_fields
};


static const rt_param_t  ngx_rt_api_broadcast_fields[] = {
    ngx_rt_api_field_of(channels, RT_PARAM_ARRAY),
    ngx_rt_api_publication_fields
};


static const rt_param_t  ngx_rt_api_presence_fields[] = {
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_history_remove_fields[] = {
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_channels_fields[] = {
    ngx_rt_api_field_of(pattern, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_subscribe_fields[] = {
    ngx_rt_api_session_fields,
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    ngx_rt_api_field_of(data, RT_PARAM_VALUE),
    ngx_rt_api_field_of(b64data, RT_PARAM_STRING),
    ngx_rt_api_field_of(info, RT_PARAM_VALUE),
    ngx_rt_api_field_of(b64info, RT_PARAM_STRING),
    ngx_rt_api_field_of(expire_at, RT_PARAM_COUNT),
    ngx_rt_api_field_of(recover_since, RT_PARAM_OBJECT),
    ngx_rt_api_field_of(override, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_unsubscribe_fields[] = {
    ngx_rt_api_session_fields,
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_disconnect_fields[] = {
    ngx_rt_api_session_fields,
    ngx_rt_api_field_of(whitelist, RT_PARAM_ARRAY),
    ngx_rt_api_field_of(disconnect, RT_PARAM_OBJECT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_refresh_fields[] = {
    ngx_rt_api_session_fields,
    ngx_rt_api_field_of(expired, RT_PARAM_BOOL),
    ngx_rt_api_field_of(expire_at, RT_PARAM_COUNT),
    ngx_rt_api_field_of(info, RT_PARAM_VALUE),
    ngx_rt_api_field_of(b64info, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_revoke_token_fields[] = {
    ngx_rt_api_field_of(uid, RT_PARAM_STRING),
    ngx_rt_api_field_of(expire_at, RT_PARAM_COUNT),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_invalidate_user_tokens_fields[] = {
    ngx_rt_api_field_of(user, RT_PARAM_STRING),
    ngx_rt_api_field_of(issued_before, RT_PARAM_COUNT),
    ngx_rt_api_field_of(expire_at, RT_PARAM_COUNT),
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_info_fields[] = {
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_history_fields[] = {
    ngx_rt_api_field_of(channel, RT_PARAM_STRING),
    ngx_rt_api_field_of(limit, RT_PARAM_INT),
    ngx_rt_api_field_of(since, RT_PARAM_OBJECT),
    ngx_rt_api_field_of(reverse, RT_PARAM_BOOL),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_rpc_fields[] = {
    ngx_rt_api_field_of(method, RT_PARAM_STRING),
    ngx_rt_api_field_of(params, RT_PARAM_VALUE),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  ngx_rt_api_batch_fields[] = {
    ngx_rt_api_field_of(commands, RT_PARAM_ARRAY),
    ngx_rt_api_field_of(parallel, RT_PARAM_BOOL),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


/* run everywhere: "subscribe", as others are asked for it */
#define ngx_rt_api_order(name)                                                \
    { rt_string(#name), ngx_rt_api_ ## name ## _fields, ngx_rt_api_ ## name,  \
      0, #name, NULL }


static const ngx_rt_api_method_t  ngx_rt_api_methods[] = {

    { rt_string("publish"), ngx_rt_api_publish_fields, ngx_rt_api_publish, 1,
      NULL, NULL },

    { rt_string("broadcast"), ngx_rt_api_broadcast_fields,
      ngx_rt_api_broadcast, 1, NULL, NULL },

    ngx_rt_api_order(subscribe),
    ngx_rt_api_order(unsubscribe),
    ngx_rt_api_order(disconnect),
    ngx_rt_api_order(refresh),
    ngx_rt_api_order(revoke_token),
    ngx_rt_api_order(invalidate_user_tokens),
    ngx_rt_api_order(history_remove),

    { rt_string("presence"), ngx_rt_api_presence_fields,
      ngx_rt_api_presence, 0, "presence", ngx_rt_api_join_presence },

    { rt_string("presence_stats"), ngx_rt_api_presence_fields,
      ngx_rt_api_presence_stats, 0, "users", ngx_rt_api_join_stats },

    { rt_string("channels"), ngx_rt_api_channels_fields,
      ngx_rt_api_channels, 0, "channels", ngx_rt_api_join_channels },

    { rt_string("info"), ngx_rt_api_info_fields, ngx_rt_api_info, 0,
      "info", ngx_rt_api_join_info },

    { rt_string("history"), ngx_rt_api_history_fields, ngx_rt_api_history, 0,
      NULL, NULL },

    { rt_string("rpc"), ngx_rt_api_rpc_fields, ngx_rt_api_rpc, 1, NULL, NULL },

    { rt_string("batch"), ngx_rt_api_batch_fields, ngx_rt_api_batch, 0,
      NULL, NULL },

    { rt_string(""), NULL, NULL, 0, NULL, NULL }
};


/* of nodes among themselves */
static const ngx_rt_api_method_t  ngx_rt_api_users_method = {
    rt_string("users"), ngx_rt_api_presence_fields, ngx_rt_api_users, 0,
    NULL, NULL
};


const ngx_rt_api_method_t *
ngx_rt_api_method(const u_char *name, size_t len)
{
    const ngx_rt_api_method_t  *m;

    for (m = ngx_rt_api_methods; m->name.len; m++) {
        if (m->name.len == len && ngx_memcmp(m->name.data, name, len) == 0) {
            return m;
        }
    }

    return NULL;
}


const ngx_rt_api_method_t *
ngx_rt_api_asked(const u_char *name, size_t len)
{
    const ngx_rt_api_method_t  *m;

    m = &ngx_rt_api_users_method;

    if (m->name.len == len && ngx_memcmp(m->name.data, name, len) == 0) {
        return m;
    }

    m = ngx_rt_api_method(name, len);

    return m && m->asks && rt_str_eq(&m->name, m->asks) ? m : NULL;
}


ngx_int_t
ngx_rt_api_call(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_t *j, ngx_rt_api_reply_t *reply)
{
    if (method->asks && ngx_rt_stream_others()) {
        return ngx_rt_api_everywhere(api, method, j, reply);
    }

    return ngx_rt_api_run(api, method, j, reply);
}


ngx_int_t
ngx_rt_api_run(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_t *j, ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_params_t  p;

    ngx_memzero(&p, sizeof(ngx_rt_api_params_t));

    ngx_rt_api_read(j, method->params, &p, reply);

    if (reply->code) {
        return NGX_OK;
    }

    return method->run(api, &p, reply);
}


void
ngx_rt_api_read(rt_json_t *j, const rt_param_t *params,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply)
{
    rt_params_fault_t  fault;

    rt_params_read(j, params, p, &fault);

    if (fault.malformed) {
        ngx_rt_api_malformed(reply, fault.param, fault.why);

    } else if (fault.why) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, fault.param,
                         fault.why);
    }
}


ngx_int_t
ngx_rt_api_strings(const char *field, rt_json_value_t *from, ngx_uint_t max,
    const char *more, ngx_array_t *strings, ngx_rt_api_reply_t *reply)
{
    rt_str_t   *s;
    rt_json_t   j;

    if (from->len == 0) {
        return NGX_OK;
    }

    rt_json_init(&j, from->data, from->len);

    (void) rt_json_array(&j);

    while (rt_json_item(&j)) {

        if (strings->nelts == max) {
            ngx_rt_api_error(reply, NGX_RT_API_LIMIT, field, more);
            return NGX_OK;
        }

        s = ngx_array_push(strings);
        if (s == NULL) {
            return NGX_ERROR;
        }

        if (rt_json_peek(&j) != RT_JSON_STRING || !rt_json_string(&j, s)) {
            ngx_rt_api_malformed(reply, field, "has to be an array of strings");
            return NGX_OK;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_rt_api_batch(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_api_batch_t  *b;

    b = ngx_palloc(api->pool, sizeof(ngx_rt_api_batch_t));
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->next = 0;
    b->publishes = 0;
    b->parallel = p->parallel;
    b->reply = reply;

    if (ngx_array_init(&b->commands, api->pool, 16,
                       sizeof(rt_json_value_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_rt_api_batch_read(api, p, reply, &b->commands) != NGX_OK) {
        return NGX_ERROR;
    }

    if (reply->code) {
        return NGX_OK;
    }

    if (ngx_rt_api_replies(api, &b->replies, "replies", b->commands.nelts)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_rt_api_batch_go(api, b);
}


/*
 * Publications go out together; what looks at something sees all that was said
 * before it, and nothing of what comes behind it.
 */

static ngx_int_t
ngx_rt_api_batch_go(ngx_rt_api_t *api, void *data)
{
    ngx_rt_api_batch_t *b = data;

    ngx_uint_t                  publishes;
    rt_json_value_t             v, *command;
    ngx_rt_api_reply_t         *item;
    const ngx_rt_api_method_t  *method;

    command = b->commands.elts;
    item = b->replies.list.elts;

    while (b->next < b->commands.nelts) {
        method = ngx_rt_api_batch_method(&command[b->next], &v);

        publishes = method && method->publishes;

        /* other nodes are asked one thing at a time */

        if (api->waits && (!b->parallel || (method && method->asks))
            && !(publishes && b->publishes))
        {
            return ngx_rt_api_later(api, ngx_rt_api_batch_go, b);
        }

        b->publishes = publishes;

        if (ngx_rt_api_batch_command(api, method, &v, &item[b->next])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        b->next++;
    }

    return ngx_rt_api_later(api, ngx_rt_api_batch_end, b);
}


static ngx_int_t
ngx_rt_api_batch_end(ngx_rt_api_t *api, void *data)
{
    ngx_rt_api_batch_t *b = data;

    b->reply->bare = 1;

    return ngx_rt_api_text(api->pool, ngx_rt_api_replies_text, &b->replies,
                           (size_t) -1, &b->reply->result)
           == NGX_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_rt_api_batch_read(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply, ngx_array_t *commands)
{
    rt_json_t         j;
    rt_json_value_t  *command;

    if (p->commands.len == 0) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "commands",
                         "is required");
        return NGX_OK;
    }

    rt_json_init(&j, p->commands.data, p->commands.len);

    (void) rt_json_array(&j);

    while (rt_json_item(&j)) {

        if (commands->nelts == NGX_RT_API_COMMANDS_MAX) {
            ngx_rt_api_error(reply, NGX_RT_API_LIMIT, "commands",
                             "there are more than 10000");
            return NGX_OK;
        }

        command = ngx_array_push(commands);
        if (command == NULL) {
            return NGX_ERROR;
        }

        if (!rt_json_value(&j, command)) {
            j.error = RT_JSON_OK;
        }

        if (command->type != RT_JSON_OBJECT) {
            ngx_rt_api_malformed(reply, "commands",
                                 "has to be an array of objects");
            return NGX_OK;
        }
    }

    return NGX_OK;
}


/*
 * {"METHOD":{...}}; NULL members are passed over.  v: the parameters; NULL: it
 * has no method that a batch may have.
 */

static const ngx_rt_api_method_t *
ngx_rt_api_batch_method(rt_json_value_t *command, rt_json_value_t *v)
{
    rt_str_t                    key;
    rt_json_t                   j;
    const ngx_rt_api_method_t  *method;

    rt_json_init(&j, command->data, command->len);

    (void) rt_json_object(&j);

    while (rt_json_key(&j, &key)) {

        if (rt_json_peek(&j) == RT_JSON_NULL) {
            (void) rt_json_skip(&j);
            continue;
        }

        method = ngx_rt_api_method(key.data, key.len);

        if (method == NULL || method->run == ngx_rt_api_batch) {
            break;
        }

        (void) rt_json_value(&j, v);

        return method;
    }

    return NULL;
}


static ngx_int_t
ngx_rt_api_batch_command(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_value_t *v, ngx_rt_api_reply_t *reply)
{
    rt_json_t  j;

    if (method == NULL) {
        ngx_rt_api_error(reply, NGX_RT_API_NO_METHOD, NULL,
                         "method not found");
        return NGX_OK;
    }

    rt_json_init(&j, v->data, v->len);

    reply->method = &method->name;

    return ngx_rt_api_call(api, method, &j, reply);
}
