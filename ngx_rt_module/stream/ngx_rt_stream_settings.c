
/*
 * Settings of tenants in Redis.  A change is accepted when a script has written
 * it; the same script tells all nodes, with the texts.  What is there already
 * and newer than what a change was made from is left alone, and answered.
 *
 * Called by the API and by ngx_rt_stream_compare.c; calls redis/, and state/
 * with nothing held.  What stands in Redis may have been written by anyone who
 * can write there, so lengths and versions are looked at, and that texts are
 * objects of JSON; what is in them is for those to judge who read them.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream_nodes.h"
#include "ngx_rt_stream_read.h"
#include "ngx_rt_stream_settings.h"
#include "rt_json.h"
#include "rt_setting.h"
#include "rt_stream_key.h"
#include "rt_utf8.h"


static ngx_uint_t ngx_rt_settings_object(const ngx_str_t *text);
static void ngx_rt_configure_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);


/*
 *     KEYS     rt:{tenant}:config, the index of all tenants, rt:{tenant}:audit
 *     ARGV     from, version, rules, flags, tenant, line of the bus's message,
 *              fields and values of the audit (none: it is no change)
 *     reply    {"set"}, or {"kept", version, rules, flags}, or an error
 *
 * The index first: that it names a newer version than there is makes someone
 * look once too often, the other way round nobody would look.  Who is told
 * comes last; that nobody was is mended when the index is compared.
 */

static ngx_rt_redis_script_t  ngx_rt_configure_script = {
    "configure",

    "local from, version, rules, flags, tenant, head = unpack(ARGV, 1, 6)\n"
    "local call = redis.pcall\n"

    "local m = call('HMGET', KEYS[1], 'version', 'rules', 'flags')\n"
    "if m.err then return m end\n"
    "local was = m[1] or '0'\n"

    "local function index()\n"
    "  if m[1] then return call('HSET', KEYS[2], tenant, was) end\n"
    "  return call('HDEL', KEYS[2], tenant)\n"
    "end\n"

    "if (tonumber(was) or 0) > tonumber(from) then\n"
    "  index()\n"
    "  return { 'kept', was, m[2] or '', m[3] or '' }\n"
    "end\n"

    "local set = call('HSET', KEYS[2], tenant, version)\n"
    "if type(set) == 'table' then return set end\n"

    "set = call('HSET', KEYS[1], 'version', version, 'rules', rules,\n"
    "           'flags', flags)\n"
    "if type(set) == 'table' then\n"
    "  index()\n"
    "  return set\n"
    "end\n"

    "if ARGV[7] then\n"
    "  call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', unpack(ARGV, 7))\n"
    "end\n"

    "call('PUBLISH', 'rt:nodes', head .. rules .. flags .. tenant)\n"

    "return { 'set' }\n",
    ""
};


ngx_str_t  ngx_rt_settings_index = ngx_string("rt:configs");


void
ngx_rt_settings_init_process(void)
{
    ngx_rt_redis_script(&ngx_rt_configure_script);
}


void
ngx_rt_settings_key(u_char *buf, ngx_str_t *key, ngx_str_t *tenant)
{
    ngx_str_t  none = ngx_null_string;

    ngx_rt_stream_key(buf, key, RT_KEY_CONFIG, tenant, &none);
}


ngx_int_t
ngx_rt_settings_send(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    uint64_t from, const ngx_rt_settings_t *s, ngx_uint_t naudit,
    const ngx_str_t *audit)
{
    u_char      keys[2][NGX_RT_STREAM_KEY], numbers[2][NGX_INT64_LEN];
    u_char      head[RT_BUS_HEAD_MAX];
    rt_bus_t    m;
    ngx_str_t   argv[9 + 2 * NGX_RT_AUDIT_FIELDS], none = ngx_null_string;
    ngx_uint_t  i;

    ngx_rt_settings_key(keys[0], &argv[0], tenant);
    argv[1] = ngx_rt_settings_index;
    ngx_rt_stream_key(keys[1], &argv[2], RT_KEY_AUDIT, tenant, &none);

    ngx_rt_stream_number(numbers[0], &argv[3], from);
    ngx_rt_stream_number(numbers[1], &argv[4], s->version);

    argv[5] = s->rules;
    argv[6] = s->flags;
    argv[7] = *tenant;

    ngx_memzero(&m, sizeof(rt_bus_t));

    m.kind = RT_BUS_SETTINGS;
    m.node = ngx_rt_stream_node();
    m.offset = s->version;
    m.time = ngx_rt_stream_now();
    m.data = ngx_rt_str(&s->rules);
    m.info = ngx_rt_str(&s->flags);
    m.tags = ngx_rt_str(tenant);

    argv[8].data = head;
    argv[8].len = rt_bus_head(&m, head);

    naudit = ngx_min(naudit, 2 * NGX_RT_AUDIT_FIELDS);

    for (i = 0; i < naudit; i++) {
        argv[9 + i] = audit[i];
    }

    return ngx_rt_redis_eval(call, &ngx_rt_configure_script, 3, 9 + naudit,
                             argv);
}


ngx_int_t
ngx_rt_settings_answer(redisReply *reply, ngx_rt_settings_t *s)
{
    redisReply  *word;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return NGX_ERROR;
    }

    word = reply->element[0];

    if (word->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    if (reply->elements == 1) {
        return ngx_strcmp(word->str, "set") == 0 ? NGX_OK : NGX_ERROR;
    }

    return ngx_rt_settings_parse(reply, 1, s) == NGX_OK ? NGX_DECLINED
                                                        : NGX_ERROR;
}


ngx_int_t
ngx_rt_settings_parse(redisReply *reply, ngx_uint_t i, ngx_rt_settings_t *s)
{
    ngx_uint_t   n;
    ngx_str_t   *text;
    redisReply  *r;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != i + 3
        || !ngx_rt_stream_offset(reply->element[i], '\0', &s->version)
        || s->version == 0 || s->version > RT_SETTING_VERSION_MAX)
    {
        return NGX_ERROR;
    }

    for (n = 0; n < 2; n++) {
        r = reply->element[i + 1 + n];
        text = n ? &s->flags : &s->rules;

        if (r->type == REDIS_REPLY_NIL) {
            ngx_str_null(text);
            continue;
        }

        if (r->type != REDIS_REPLY_STRING || r->len > NGX_RT_SETTING_MAX) {
            return NGX_ERROR;
        }

        text->data = (u_char *) r->str;
        text->len = r->len;
    }

    return NGX_OK;
}


ngx_int_t
ngx_rt_settings_enter(ngx_rt_zone_t *z, ngx_str_t *tenant,
    const ngx_rt_settings_t *s)
{
    ngx_int_t      rc;
    ngx_rt_told_t  told;

    if (!ngx_rt_settings_object(&s->rules)
        || !ngx_rt_settings_object(&s->flags))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "rt: what Redis has of the settings of tenant \"%V\" "
                      "(version %uL) cannot be read: it goes on with what it "
                      "had", tenant, s->version);
        return NGX_OK;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_settings_put(z, tenant, NULL, s, &told);

    ngx_rt_hub_told(z->hub, &told);

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "rt: no room in rt_zone \"%V\" for what was set for "
                      "tenant \"%V\" (version %uL): it goes on with what it "
                      "had", &z->name, tenant, s->version);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* or nothing at all */

static ngx_uint_t
ngx_rt_settings_object(const ngx_str_t *text)
{
    rt_json_t        j;
    rt_json_value_t  v;

    if (text->len == 0) {
        return 1;
    }

    if (!rt_utf8_valid(text->data, text->len)) {
        return 0;
    }

    rt_json_init(&j, text->data, text->len);

    return rt_json_value(&j, &v) && v.type == RT_JSON_OBJECT
           && rt_json_end(&j);
}


void
ngx_rt_settings_hear(ngx_rt_zone_t *z, rt_bus_t *m)
{
    ngx_str_t          tenant;
    ngx_rt_settings_t  s;

    tenant = ngx_rt_ngx_str(&m->tags);

    s.version = m->offset;
    s.rules = ngx_rt_ngx_str(&m->data);
    s.flags = ngx_rt_ngx_str(&m->info);

    if (s.version == 0 || s.version > RT_SETTING_VERSION_MAX
        || s.rules.len > NGX_RT_SETTING_MAX
        || s.flags.len > NGX_RT_SETTING_MAX
        || !ngx_rt_name_valid(&tenant, NGX_RT_TENANT_MAX))
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "rt: a node says what nobody can have set: passed over");
        return;
    }

    if (ngx_rt_settings_enter(z, &tenant, &s) != NGX_OK) {
        ngx_rt_compare_begin();
    }
}


ngx_int_t
ngx_rt_stream_configure(ngx_rt_configure_t *c)
{
    c->call.handler = ngx_rt_configure_handler;

    return ngx_rt_settings_send(&c->call, &c->tenant, c->from, &c->settings,
                                c->naudit, c->audit);
}


static void
ngx_rt_configure_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_int_t            rc;
    ngx_rt_settings_t    s;
    ngx_rt_configure_t  *c;

    c = (ngx_rt_configure_t *)
            ((u_char *) call - offsetof(ngx_rt_configure_t, call));

    if (result == NGX_RT_REDIS_AGAIN && !c->again) {
        c->again = 1;

        if (ngx_rt_stream_configure(c) == NGX_OK) {
            return;
        }
    }

    rc = result == NGX_RT_REDIS_OK ? ngx_rt_settings_answer(reply, &s)
                                   : NGX_ERROR;

    if (rc != NGX_ERROR
        && ngx_rt_settings_enter(c->zone, &c->tenant,
                                 rc == NGX_OK ? &c->settings : &s)
           != NGX_OK)
    {
        ngx_rt_compare_begin();

        /* it is accepted all the same; but nothing can be made of theirs */
        rc = rc == NGX_OK ? NGX_OK : NGX_ERROR;
    }

    c->handler(c, rc);
}
