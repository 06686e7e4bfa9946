
/*
 * What has become of an event, as it stands in Redis: the hash that the scripts
 * that accept have written, if something was to be said that the key's mark
 * does not say; else the mark.
 *
 * Called by the API; calls redis/.  What stands there may have been written by
 * anyone who can write to Redis, so it is looked at.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream.h"
#include "rt_stream_key.h"
#include "rt_utf8.h"


#define NGX_RT_EVENT_KEY  rt_stream_key_max(NGX_RT_TENANT_MAX,                \
                                            NGX_RT_CHANNEL_MAX,               \
                                            RT_IDEM_NAME_MAX)

#define ngx_rt_event_field(name, number)                                      \
    { rt_string(#name), offsetof(rt_event_status_t, name), number }


static ngx_int_t ngx_rt_stream_event_send(ngx_rt_event_asked_t *a);
static void ngx_rt_stream_event_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_stream_event_parse(redisReply *reply,
    rt_event_status_t *s);
static void ngx_rt_stream_event_set(rt_event_status_t *s, redisReply *name,
    redisReply *value);


/* KEYS: event, mark.  Answers fields and values, none if it is not known */

static ngx_rt_redis_script_t  ngx_rt_stream_event_script = {
    "event",
    "local event = redis.call('HGETALL', KEYS[1])\n"
    "if #event > 0 then return event end\n"
    "local known = redis.call('GET', KEYS[2])\n"
    "if not known then return {} end\n"
    "local offset, epoch, time = known:match('^%S+ (%S+) (%S+) ?(%d*)$')\n"
    "if offset == 'claim' then return { 'status', 'pending' } end\n"
    "return { 'status', 'accepted', 'offset', offset or '', 'epoch',\n"
    "         epoch or '', 'time', time or '' }\n",
    ""
};


static const struct {
    rt_str_t     name;
    size_t       offset;
    ngx_uint_t   number;
} ngx_rt_event_fields[] = {
    ngx_rt_event_field(status, 0),
    ngx_rt_event_field(offset, 1),
    ngx_rt_event_field(epoch, 0),
    ngx_rt_event_field(time, 1),
    ngx_rt_event_field(session, 0),
    ngx_rt_event_field(type, 0),
    ngx_rt_event_field(version, 1),
    ngx_rt_event_field(traceparent, 0),
    { rt_string(""), 0, 0 }
};


void
ngx_rt_stream_event_init_process(void)
{
    ngx_rt_redis_script(&ngx_rt_stream_event_script);
}


ngx_int_t
ngx_rt_stream_event(ngx_rt_event_asked_t *a)
{
    a->call.handler = ngx_rt_stream_event_handler;
    a->again = 0;

    return ngx_rt_stream_event_send(a);
}


static ngx_int_t
ngx_rt_stream_event_send(ngx_rt_event_asked_t *a)
{
    u_char      keys[2][NGX_RT_EVENT_KEY];
    rt_str_t    tenant, channel, id;
    ngx_str_t   argv[2];
    ngx_uint_t  i;

    tenant = ngx_rt_str(&a->tenant);
    channel = ngx_rt_str(&a->channel);
    id = ngx_rt_str(&a->id);

    for (i = 0; i < 2; i++) {
        argv[i].data = keys[i];
        argv[i].len = rt_stream_key(keys[i], i ? RT_KEY_IDEM : RT_KEY_EVENT,
                                    &tenant, &channel, &id);
    }

    return ngx_rt_redis_eval(&a->call, &ngx_rt_stream_event_script, 2, 2,
                             argv);
}


static void
ngx_rt_stream_event_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_int_t              rc;
    rt_event_status_t      s;
    ngx_rt_event_asked_t  *a;

    a = (ngx_rt_event_asked_t *)
            ((u_char *) call - offsetof(ngx_rt_event_asked_t, call));

    if (result == NGX_RT_REDIS_AGAIN && !a->again) {
        a->again = 1;

        if (ngx_rt_stream_event_send(a) == NGX_OK) {
            return;
        }
    }

    rc = NGX_ERROR;

    if (result == NGX_RT_REDIS_OK && reply->type == REDIS_REPLY_ARRAY) {
        rc = ngx_rt_stream_event_parse(reply, &s);
    }

    a->handler(a, rc, &s);
}


static ngx_int_t
ngx_rt_stream_event_parse(redisReply *reply, rt_event_status_t *s)
{
    size_t  i;

    ngx_memzero(s, sizeof(rt_event_status_t));

    for (i = 0; i + 1 < reply->elements; i += 2) {

        if (reply->element[i]->type == REDIS_REPLY_STRING
            && reply->element[i + 1]->type == REDIS_REPLY_STRING)
        {
            ngx_rt_stream_event_set(s, reply->element[i],
                                    reply->element[i + 1]);
        }
    }

    /* a position is both; "0" and "-": no history has it */

    if (s->offset == 0 || s->epoch.len == 0) {
        s->offset = 0;
        s->epoch.len = 0;
    }

    return s->status.len ? NGX_OK : NGX_DECLINED;
}


static void
ngx_rt_stream_event_set(rt_event_status_t *s, redisReply *name,
    redisReply *value)
{
    off_t       n;
    u_char     *to;
    rt_str_t    text;
    ngx_uint_t  i;

    for (i = 0; ngx_rt_event_fields[i].name.len; i++) {

        if (name->len != ngx_rt_event_fields[i].name.len
            || ngx_memcmp(name->str, ngx_rt_event_fields[i].name.data,
                          name->len)
               != 0)
        {
            continue;
        }

        to = (u_char *) s + ngx_rt_event_fields[i].offset;

        text.data = (u_char *) value->str;
        text.len = value->len;

        if (ngx_rt_event_fields[i].number) {
            n = ngx_atoof(text.data, text.len);
            *(uint64_t *) to = n > 0 ? (uint64_t) n : 0;

        } else if (rt_utf8_valid(text.data, text.len)) {
            *(rt_str_t *) to = text;
        }

        return;
    }
}
