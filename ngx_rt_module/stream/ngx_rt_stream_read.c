
/*
 * Reading streams: the scripts, and what they answer.  Nothing is written but
 * the epoch of a channel that has none, or that has lost its end.
 *
 * Called by ngx_rt_stream_fill.c and its like; calls redis/.  Keeps nothing.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream_read.h"
#include "rt_stream_info.h"


static ngx_int_t ngx_rt_stream_read_fields(redisReply *fields,
    ngx_rt_read_entry_t *e);


/*
 * KEYS: stream, meta.  ARGV: epoch and offset of what is there already, how
 * many of the latest if it is none of it, a new epoch, the run of this Redis
 * and whether a restart loses nothing, entries and bytes of the reply, msec for
 * which a channel is remembered that nothing was published to.
 */

static ngx_rt_redis_script_t  ngx_rt_stream_read_script = {
    "read",
    "local m = redis.call('HMGET', KEYS[2], 'epoch', 'top', 'run', 'floor')\n"
    "local epoch, top, run = m[1], m[2] or '0', m[3]\n"
    "if not epoch then\n"
    "  local info = redis.pcall('XINFO', 'STREAM', KEYS[1])\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'last-generated-id' then\n"
    "      top = string.match(info[i + 1], '^%d+')\n"
    "    end\n"
    "  end\n"
    "  epoch = ARGV[4]\n"
    "  redis.call('HSET', KEYS[2], 'epoch', epoch, 'top', top,"
    " 'run', ARGV[5], 'due', '')\n"
    "  if top == '0' then redis.call('PEXPIRE', KEYS[2], ARGV[9]) end\n"
    "elseif run ~= ARGV[5] then\n"
    "  if ARGV[6] == '0' and top ~= '0' then epoch = ARGV[4] end\n"
    "  redis.call('HSET', KEYS[2], 'epoch', epoch, 'run', ARGV[5],"
    " 'due', '')\n"
    "end\n"
    "local at, n = tonumber(ARGV[2]), tonumber(top)\n"
    "if epoch ~= ARGV[1] then at = math.max(0, n - tonumber(ARGV[3])) + 1"
    " end\n"
    "local list, bytes = {}, 0\n"
    "while at <= n and #list < tonumber(ARGV[7])"
    " and bytes < tonumber(ARGV[8]) do\n"
    "  local part = redis.call('XRANGE', KEYS[1],"
    " string.format('%.0f-0', at), '+', 'COUNT', 16)\n"
    "  if #part == 0 then break end\n"
    "  for i = 1, #part do\n"
    "    list[#list + 1] = part[i]\n"
    "    for j = 1, #part[i][2] do bytes = bytes + #part[i][2][j] end\n"
    "  end\n"
    "  at = tonumber(string.match(part[#part][1], '^%d+')) + 1\n"
    "end\n"
    "return {epoch, top, list, m[4] or '0'}\n",
    { 0 }
};


/* KEYS: meta.  ARGV: the epoch that it is to be of, the new one */

static ngx_rt_redis_script_t  ngx_rt_stream_fork_script = {
    "fork",
    "if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then\n"
    "  redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'due', '')\n"
    "  return 1\n"
    "end\n"
    "return 0\n",
    { 0 }
};


/* KEYS: metas, which are remembered while somebody asks.  ARGV: for how long */

static ngx_rt_redis_script_t  ngx_rt_stream_tops_script = {
    "tops",
    "local r = {}\n"
    "for i = 1, #KEYS do\n"
    "  local m = redis.call('HMGET', KEYS[i], 'epoch', 'top', 'floor')\n"
    "  r[3 * i - 2], r[3 * i - 1], r[3 * i] = m[1] or '', m[2] or '0',"
    " m[3] or '0'\n"
    "  local ttl = redis.call('PTTL', KEYS[i])\n"
    "  if ttl >= 0 and ttl < tonumber(ARGV[1]) then\n"
    "    redis.call('PEXPIRE', KEYS[i], ARGV[1])\n"
    "  end\n"
    "end\n"
    "return r\n",
    { 0 }
};


void
ngx_rt_stream_read_init_process(void)
{
    ngx_rt_redis_script(&ngx_rt_stream_read_script);
    ngx_rt_redis_script(&ngx_rt_stream_fork_script);
    ngx_rt_redis_script(&ngx_rt_stream_tops_script);
}


ngx_int_t
ngx_rt_stream_read(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *from, ngx_uint_t latest)
{
    u_char               keys[2][NGX_RT_STREAM_KEY];
    u_char               epochs[2][NGX_RT_EPOCH_LEN];
    u_char               numbers[5][NGX_INT64_LEN];
    ngx_str_t            argv[11];
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    ngx_rt_stream_key(keys[0], &argv[0], RT_KEY_CHANNEL, tenant, channel);
    ngx_rt_stream_key(keys[1], &argv[1], RT_KEY_META, tenant, channel);

    argv[2].data = epochs[0];
    argv[2].len = 0;

    if (rt_epoch_durable(from->source)) {
        rt_epoch_text(from->source, epochs[0]);
        argv[2].len = NGX_RT_EPOCH_LEN;
    }

    ngx_rt_stream_epoch(epochs[1]);

    argv[5].data = epochs[1];
    argv[5].len = NGX_RT_EPOCH_LEN;

    argv[6] = *ngx_rt_redis_run();
    ngx_str_set(&argv[7], "0");

    if (ngx_rt_redis_durable()) {
        ngx_str_set(&argv[7], "1");
    }

    ngx_rt_stream_number(numbers[0], &argv[3], ngx_max(from->offset, 1));
    ngx_rt_stream_number(numbers[1], &argv[4], latest);
    ngx_rt_stream_number(numbers[2], &argv[8], NGX_RT_READ_PAGE);
    ngx_rt_stream_number(numbers[3], &argv[9], NGX_RT_READ_BYTES);
    ngx_rt_stream_number(numbers[4], &argv[10], mcf->history_meta_ttl);

    return ngx_rt_redis_eval(call, &ngx_rt_stream_read_script, 2, 11, argv);
}


ngx_int_t
ngx_rt_stream_fork(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channel, uint64_t source)
{
    u_char     key[NGX_RT_STREAM_KEY];
    u_char     epochs[2][NGX_RT_EPOCH_LEN];
    ngx_str_t  argv[3];

    ngx_rt_stream_key(key, &argv[0], RT_KEY_META, tenant, channel);

    rt_epoch_text(source, epochs[0]);
    ngx_rt_stream_epoch(epochs[1]);

    argv[1].data = epochs[0];
    argv[1].len = NGX_RT_EPOCH_LEN;
    argv[2].data = epochs[1];
    argv[2].len = NGX_RT_EPOCH_LEN;

    return ngx_rt_redis_eval(call, &ngx_rt_stream_fork_script, 1, 3, argv);
}


ngx_int_t
ngx_rt_stream_tops(ngx_rt_redis_call_t *call, ngx_str_t *tenant,
    ngx_str_t *channels, ngx_uint_t n)
{
    u_char               number[NGX_INT64_LEN];
    ngx_str_t            argv[NGX_RT_STREAM_TOPS + 1];
    ngx_uint_t           i;
    ngx_rt_main_conf_t  *mcf;

    static u_char        keys[NGX_RT_STREAM_TOPS][NGX_RT_STREAM_KEY];

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    for (i = 0; i < n; i++) {
        ngx_rt_stream_key(keys[i], &argv[i], RT_KEY_META, tenant,
                          &channels[i]);
    }

    ngx_rt_stream_number(number, &argv[n], mcf->history_meta_ttl);

    return ngx_rt_redis_eval(call, &ngx_rt_stream_tops_script, n, n + 1, argv);
}


void
ngx_rt_stream_key(u_char *buf, ngx_str_t *key, rt_key_kind_t kind,
    ngx_str_t *tenant, ngx_str_t *channel)
{
    rt_str_t  t, ch;

    t = ngx_rt_str(tenant);
    ch = ngx_rt_str(channel);

    key->data = buf;
    key->len = rt_stream_key(buf, kind, &t, &ch, NULL);
}


void
ngx_rt_stream_number(u_char *buf, ngx_str_t *s, uint64_t n)
{
    s->data = buf;
    s->len = ngx_sprintf(buf, "%uL", n) - buf;
}


/* a clash would hide a loss, so it is no counter */

void
ngx_rt_stream_epoch(u_char *epoch)
{
    uint64_t  n;

    if (RAND_bytes((u_char *) &n, sizeof(n)) != 1) {
        n = ((uint64_t) ngx_random() << 32) ^ ngx_random();
    }

    rt_epoch_text(n & ~RT_EPOCH_DURABLE, epoch);
}


ngx_int_t
ngx_rt_stream_read_parse(redisReply *reply, ngx_rt_read_t *read)
{
    redisReply  *list;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4) {
        return NGX_ERROR;
    }

    list = reply->element[2];

    if (list->type != REDIS_REPLY_ARRAY
        || ngx_rt_stream_read_top(reply->element[0], reply->element[1],
                                  &read->top)
           != NGX_OK
        || read->top.source == 0
        || !ngx_rt_stream_offset(reply->element[3], '\0', &read->floor))
    {
        return NGX_ERROR;
    }

    read->n = list->elements;
    read->entries = list->element;

    return NGX_OK;
}


ngx_int_t
ngx_rt_stream_top(redisReply *reply, ngx_uint_t i, ngx_uint_t n,
    ngx_rt_position_t *top, uint64_t *floor)
{
    redisReply  **part;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 * n) {
        return NGX_ERROR;
    }

    part = &reply->element[3 * i];

    return ngx_rt_stream_offset(part[2], '\0', floor)
           ? ngx_rt_stream_read_top(part[0], part[1], top) : NGX_ERROR;
}


ngx_int_t
ngx_rt_stream_read_top(redisReply *epoch, redisReply *top,
    ngx_rt_position_t *position)
{
    if (epoch->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    position->source = rt_epoch_parse((u_char *) epoch->str, epoch->len);

    return ngx_rt_stream_offset(top, '\0', &position->offset)
           ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_rt_stream_offset(redisReply *r, u_char end, uint64_t *offset)
{
    u_char    *p, *last;
    uint64_t   n;

    if (r->type != REDIS_REPLY_STRING) {
        return 0;
    }

    p = (u_char *) r->str;
    last = p + r->len;

    for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {

        if (n > (UINT64_MAX - 9) / 10) {
            return 0;
        }

        n = n * 10 + (*p - '0');
    }

    *offset = n;

    return p > (u_char *) r->str && (p == last ? end == '\0' : *p == end);
}


ngx_int_t
ngx_rt_stream_read_entry(ngx_rt_read_t *read, ngx_uint_t i,
    ngx_rt_read_entry_t *e)
{
    redisReply  *r;

    r = read->entries[i];

    ngx_memzero(e, sizeof(ngx_rt_read_entry_t));

    if (r->type != REDIS_REPLY_ARRAY || r->elements != 2
        || r->element[1]->type != REDIS_REPLY_ARRAY
        || !ngx_rt_stream_offset(r->element[0], '-', &e->at.offset))
    {
        return NGX_ERROR;
    }

    e->at.source = read->top.source;

    return ngx_rt_stream_read_fields(r->element[1], e);
}


/* names and values by turns; of names that it does not know nothing is said */

static ngx_int_t
ngx_rt_stream_read_fields(redisReply *fields, ngx_rt_read_entry_t *e)
{
    size_t       i;
    rt_str_t     value;
    redisReply  *name, *r;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        name = fields->element[i];
        r = fields->element[i + 1];

        if (name->type != REDIS_REPLY_STRING || r->type != REDIS_REPLY_STRING)
        {
            return NGX_ERROR;
        }

        value.data = (u_char *) r->str;
        value.len = r->len;

        if (ngx_strcmp(name->str, "data") == 0) {
            e->pub.data = value;

        } else if (ngx_strcmp(name->str, "tags") == 0 && value.len) {
            e->pub.tags = value;

        } else if (ngx_strcmp(name->str, "info") == 0) {
            (void) rt_stream_info_parse(value.data, value.len, &e->pub.info);

        } else if (ngx_strcmp(name->str, "time") == 0
                   && !ngx_rt_stream_offset(r, '\0', &e->time))
        {
            return NGX_ERROR;
        }
    }

    return e->pub.data.data ? NGX_OK : NGX_ERROR;
}
