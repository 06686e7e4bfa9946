
/*
 * rt_limit streams: how many bytes the durable channels of a tenant may keep in
 * Redis.  The scripts that publish know nothing of it.  A worker notes in which
 * channels it has published, and now and then, when it was a 64th part of the
 * bound or in 64 channels, has just these weighed, by one script for which
 * nobody waits.  Redis keeps what they weigh, and the sum; when that is nearly
 * the bound, the largest give their oldest publications away, until there is
 * room for an eighth of it again.
 *
 * So what nobody has weighed yet is a 64th part for each worker, and what it
 * costs does not depend on how many channels there are.  A worker that dies
 * leaves that behind unweighed, until somebody publishes there again.
 *
 * Called by ngx_rt_stream_publish.c; calls redis/.  No locking: of the worker.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_stream_entry.h"
#include "rt_stream_key.h"


/* channels that are weighed in one call; nodes have as much to weigh */
#define NGX_RT_RETAIN_CHANNELS  64
#define NGX_RT_RETAIN_PARTS     64

/* bytes of an entry beside its parts, some */
#define NGX_RT_RETAIN_ENTRY     64

/* bytes of the notes of a worker; beyond, the oldest are acted upon */
#define NGX_RT_RETAIN_NOTES     (1024 * 1024)

#define NGX_RT_RETAIN_KEY       rt_stream_key_max(NGX_RT_TENANT_MAX, 0, 0)


typedef struct ngx_rt_retain_channel_s  ngx_rt_retain_channel_t;

struct ngx_rt_retain_channel_s {
    ngx_rt_retain_channel_t   *next;
    uint32_t                   hash;
    ngx_str_t                  name;
};


/* where a tenant has published since it was weighed */
typedef struct {
    ngx_str_node_t             node;          /* the tenant */
    ngx_queue_t                queue;         /* the oldest first */
    uint64_t                   bytes;
    size_t                     size;          /* of these notes */
    ngx_uint_t                 n;
    ngx_rt_retain_channel_t   *channels;
} ngx_rt_retain_t;


/* on its way */
typedef struct {
    ngx_rt_redis_call_t        call;
    ngx_rt_zone_t             *zone;
    ngx_str_t                  tenant;
    ngx_uint_t                 again;
} ngx_rt_retain_call_t;


static ngx_rt_retain_t *ngx_rt_retain_acquire(ngx_str_t *tenant);
static void ngx_rt_retain_note(ngx_rt_retain_t *t, ngx_rt_entry_t *e);
static void ngx_rt_retain_weigh(ngx_rt_zone_t *z, ngx_rt_retain_t *t);
static ngx_int_t ngx_rt_retain_send(ngx_rt_retain_call_t *c,
    ngx_rt_retain_channel_t *channels);
static void ngx_rt_retain_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_retain_count(ngx_rt_retain_call_t *c, uint64_t n);
static void ngx_rt_retain_failed(ngx_rt_retain_call_t *c, redisReply *reply);
static void ngx_rt_retain_free(ngx_rt_retain_t *t);


/*
 * KEYS: sizes, channels by what they weigh, and "*", the sum; ends, channels by
 * when to see whether their streams are gone.  ARGV: the bound, channels to be
 * weighed.  Answers the sum, how many publications went, and whether it has to
 * go on.
 *
 * The sum is raised before what was measured is written down, and lowered after
 * it, so a failure makes it too large.  It is made anew, unless there is very
 * much to be added up, before anything goes.  Whole nodes of a stream go, for
 * less gives no memory back, and never the last one, so the latest publication
 * stays.
 */

static ngx_rt_redis_script_t  ngx_rt_retain_script = {
    "retain",

    "local call, sizes, ends = redis.call, KEYS[1], KEYS[2]\n"
    "local bound = tonumber(ARGV[1])\n"
    "local low, high = bound / 8 * 7, bound / 16 * 15\n"
    "local head = sizes:sub(1, -6) .. 'channel:'\n"
    "local now, stay, failed = tonumber(call('TIME')[1]) * 1000, 0\n"

    /* the sum, and what the last of them weighs */

    "local function weigh(names, ended)\n"
    "  local more, less, set, due, gone, size = 0, 0, {}, {}, {}, 0\n"
    "  for _, name in ipairs(names) do\n"
    "    local stream = head .. name\n"
    "    local was = tonumber(call('ZSCORE', sizes, name) or nil)\n"
    "    size = call('MEMORY', 'USAGE', stream, 'SAMPLES', 0)\n"
    "    if size and (not was or ended) then\n"
    "      local left = call('PTTL', stream)\n"
    "      if left < 0 then left = 86400000 end\n"
    "      stay = math.max(stay, 2 * left + 3600000)\n"
    "      due[#due + 1], due[#due + 2] = now + left, name\n"
    "    end\n"
    "    if not size then\n"
    "      gone[#gone + 1], size = name, 0\n"
    "    elseif size ~= was then\n"
    "      set[#set + 1], set[#set + 2] = size, name\n"
    "    end\n"
    "    local by = size - (was or 0)\n"
    "    if by > 0 then more = more + by else less = less + by end\n"
    "  end\n"
    "  local total = call('ZINCRBY', sizes, more, '*')\n"
    "  if #set > 0 then call('ZADD', sizes, unpack(set)) end\n"
    "  if #due > 0 then call('ZADD', ends, unpack(due)) end\n"
    "  if #gone > 0 then\n"
    "    call('ZREM', sizes, unpack(gone))\n"
    "    call('ZREM', ends, unpack(gone))\n"
    "  end\n"
    "  if less < 0 then total = call('ZINCRBY', sizes, less, '*') end\n"
    "  return tonumber(total), size\n"
    "end\n"

    /* how many publications went, for so many bytes of so many */

    "local function shorten(stream, bytes, of)\n"
    "  local info, len, nodes = redis.pcall('XINFO', 'STREAM', stream), 0, 0\n"
    "  if info.err then failed = info end\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'length' then len = info[i + 1] end\n"
    "    if info[i] == 'radix-tree-keys' then nodes = info[i + 1] end\n"
    "  end\n"
    "  local drop = math.ceil(len * bytes / of)\n"
    "  while nodes > 1 do\n"
    "    drop = math.min(drop, len - 1)\n"
    "    local n = redis.pcall('XTRIM', stream, 'MAXLEN', '~', len - drop)\n"
    "    if type(n) == 'table' then\n"
    "      failed = n\n"
    "      break\n"
    "    end\n"
    "    if n > 0 or drop == len - 1 then return n end\n"
    "    drop = drop * 2\n"
    "  end\n"
    "  return 0\n"
    "end\n"

    /* the largest but so many, and what the one after it weighs */

    "local function largest(but)\n"
    "  local list = call('ZREVRANGE', sizes, 0, but + 2, 'WITHSCORES')\n"
    "  for i = 1, #list, 2 do\n"
    "    if list[i] == '*' then\n"
    "      table.remove(list, i)\n"
    "      table.remove(list, i)\n"
    "      break\n"
    "    end\n"
    "  end\n"
    "  return list[but * 2 + 1], tonumber(list[but * 2 + 2]),\n"
    "         tonumber(list[but * 2 + 4] or 0)\n"
    "end\n"

    "local function sum()\n"
    "  local all, n = call('ZRANGE', sizes, 0, -1, 'WITHSCORES'), 0\n"
    "  for i = 1, #all, 2 do\n"
    "    if all[i] ~= '*' then n = n + all[i + 1] end\n"
    "  end\n"
    "  call('ZADD', sizes, n, '*')\n"
    "  return n\n"
    "end\n"

    "weigh(call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 64), true)\n"
    "local total, went, more = weigh({ unpack(ARGV, 2) }), 0, 0\n"
    "if total > high and call('ZCARD', sizes) <= 10000 then total = sum() end\n"

    "if total > high then\n"
    "  local kept, tries = 0, 64\n"
    "  while total > low and tries > 0 do\n"
    "    local name, was, second = largest(kept)\n"
    "    if not name then break end\n"
    "    local n, is = 0\n"
    "    total, is = weigh({ name })\n"
    "    if is >= was then\n"
    "      local cut = math.min(total - low, math.max(is / 4, is - second))\n"
    "      n = shorten(head .. name, cut, is)\n"
    "      total = weigh({ name })\n"
    "      if n == 0 then kept = kept + 1 end\n"
    "    end\n"
    "    went, tries = went + n, tries - 1\n"
    "  end\n"
    "  if went > 0 and tries == 0 then more = 1 end\n"
    "end\n"

    "for i = 1, stay > 0 and 2 or 0 do\n"
    "  if call('PTTL', KEYS[i]) < stay then\n"
    "    call('PEXPIRE', KEYS[i], stay)\n"
    "  end\n"
    "end\n"

    "if failed then return failed end\n"
    "return { total, went, more }\n",
    ""
};


static ngx_rbtree_t       ngx_rt_retain_tree;
static ngx_rbtree_node_t  ngx_rt_retain_sentinel;
static ngx_queue_t        ngx_rt_retain_queue;
static size_t             ngx_rt_retain_size;


void
ngx_rt_stream_retain_init_process(void)
{
    ngx_rbtree_init(&ngx_rt_retain_tree, &ngx_rt_retain_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_rt_retain_queue);

    ngx_rt_redis_script(&ngx_rt_retain_script);
}


void
ngx_rt_stream_retain(ngx_rt_entry_t **entries, ngx_uint_t n)
{
    uint64_t             bound;
    ngx_uint_t           i;
    ngx_queue_t         *q;
    ngx_rt_zone_t       *z;
    ngx_rt_retain_t     *t;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    bound = mcf->counts[NGX_RT_LIMIT_STREAMS];

    if (bound == 0 || n == 0) {
        return;
    }

    z = entries[0]->zone;
    t = ngx_rt_retain_acquire(&entries[0]->tenant);

    for (i = 0; t && i < n; i++) {

        if (entries[i]->outcome != NGX_RT_PUBLISHED) {
            continue;
        }

        ngx_rt_retain_note(t, entries[i]);

        if (t->n == NGX_RT_RETAIN_CHANNELS) {
            ngx_rt_retain_weigh(z, t);
        }
    }

    if (t && t->bytes >= bound / NGX_RT_RETAIN_PARTS) {
        ngx_rt_retain_weigh(z, t);
    }

    if (t && t->n == 0) {
        ngx_rt_retain_free(t);
    }

    while (ngx_rt_retain_size > NGX_RT_RETAIN_NOTES) {
        q = ngx_queue_head(&ngx_rt_retain_queue);
        t = ngx_queue_data(q, ngx_rt_retain_t, queue);

        ngx_rt_retain_weigh(z, t);
        ngx_rt_retain_free(t);
    }
}


static ngx_rt_retain_t *
ngx_rt_retain_acquire(ngx_str_t *tenant)
{
    uint32_t          hash;
    ngx_rt_retain_t  *t;

    hash = ngx_crc32_short(tenant->data, tenant->len);

    t = (ngx_rt_retain_t *) ngx_str_rbtree_lookup(&ngx_rt_retain_tree, tenant,
                                                  hash);
    if (t) {
        return t;
    }

    t = ngx_calloc(sizeof(ngx_rt_retain_t) + tenant->len, ngx_cycle->log);
    if (t == NULL) {
        return NULL;
    }

    t->node.node.key = hash;
    t->node.str.len = tenant->len;
    t->node.str.data = (u_char *) t + sizeof(ngx_rt_retain_t);
    ngx_memcpy(t->node.str.data, tenant->data, tenant->len);

    ngx_rbtree_insert(&ngx_rt_retain_tree, &t->node.node);
    ngx_queue_insert_tail(&ngx_rt_retain_queue, &t->queue);

    t->size = sizeof(ngx_rt_retain_t) + tenant->len;
    ngx_rt_retain_size += t->size;

    return t;
}


/* for want of memory: it is weighed another time */

static void
ngx_rt_retain_note(ngx_rt_retain_t *t, ngx_rt_entry_t *e)
{
    size_t                    size;
    ngx_str_t                *name;
    ngx_rt_retain_channel_t  *c;

    name = &e->publish.channel;

    t->bytes += e->pub.data.len + e->pub.tags.len + e->info.len
                + NGX_RT_RETAIN_ENTRY;

    for (c = t->channels; c; c = c->next) {
        if (c->hash == e->hash && c->name.len == name->len
            && ngx_memcmp(c->name.data, name->data, name->len) == 0)
        {
            return;
        }
    }

    size = sizeof(ngx_rt_retain_channel_t) + name->len;

    c = ngx_alloc(size, ngx_cycle->log);
    if (c == NULL) {
        return;
    }

    c->hash = e->hash;
    c->name.len = name->len;
    c->name.data = (u_char *) c + sizeof(ngx_rt_retain_channel_t);
    ngx_memcpy(c->name.data, name->data, name->len);

    c->next = t->channels;
    t->channels = c;

    t->n++;
    t->size += size;
    ngx_rt_retain_size += size;
}


/* where Redis is away, what was noted is forgotten, until it is again */

static void
ngx_rt_retain_weigh(ngx_rt_zone_t *z, ngx_rt_retain_t *t)
{
    ngx_rt_retain_call_t     *c;
    ngx_rt_retain_channel_t  *ch;

    c = ngx_calloc(sizeof(ngx_rt_retain_call_t) + t->node.str.len,
                   ngx_cycle->log);
    if (c) {
        c->zone = z;
        c->tenant.len = t->node.str.len;
        c->tenant.data = (u_char *) c + sizeof(ngx_rt_retain_call_t);
        ngx_memcpy(c->tenant.data, t->node.str.data, c->tenant.len);

        if (ngx_rt_retain_send(c, t->channels) != NGX_OK) {
            ngx_free(c);
        }
    }

    while (t->channels) {
        ch = t->channels;
        t->channels = ch->next;

        t->size -= sizeof(ngx_rt_retain_channel_t) + ch->name.len;
        ngx_rt_retain_size -= sizeof(ngx_rt_retain_channel_t) + ch->name.len;

        ngx_free(ch);
    }

    t->n = 0;
    t->bytes = 0;
}


static ngx_int_t
ngx_rt_retain_send(ngx_rt_retain_call_t *c, ngx_rt_retain_channel_t *channels)
{
    u_char               keys[2][NGX_RT_RETAIN_KEY], bound[NGX_INT64_LEN];
    rt_str_t             tenant, none;
    ngx_str_t            argv[3 + NGX_RT_RETAIN_CHANNELS];
    ngx_uint_t           i;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    tenant = ngx_rt_str(&c->tenant);
    ngx_memzero(&none, sizeof(rt_str_t));

    for (i = 0; i < 2; i++) {
        argv[i].data = keys[i];
        argv[i].len = rt_stream_key(keys[i], i ? RT_KEY_ENDS : RT_KEY_SIZES,
                                    &tenant, &none, NULL);
    }

    argv[2].data = bound;
    argv[2].len = ngx_sprintf(bound, "%uL",
                              mcf->counts[NGX_RT_LIMIT_STREAMS])
                  - bound;

    for (i = 3; channels; channels = channels->next) {
        argv[i++] = channels->name;
    }

    c->call.handler = ngx_rt_retain_handler;

    return ngx_rt_redis_eval(&c->call, &ngx_rt_retain_script, 2, i, argv);
}


/* it goes on with what Redis knows by itself */

static void
ngx_rt_retain_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_uint_t             i, more;
    ngx_rt_retain_call_t  *c;

    c = (ngx_rt_retain_call_t *)
            ((u_char *) call - offsetof(ngx_rt_retain_call_t, call));

    more = 0;

    if (result == NGX_RT_REDIS_AGAIN) {
        more = !c->again;
        c->again = 1;

    } else if (result != NGX_RT_REDIS_OK
               || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
    {
        ngx_rt_retain_failed(c, reply);

    } else {

        for (i = 0; i < 3; i++) {
            if (reply->element[i]->type != REDIS_REPLY_INTEGER) {
                ngx_rt_retain_failed(c, NULL);
                break;
            }
        }

        if (i == 3) {
            more = reply->element[2]->integer == 1;
            ngx_rt_retain_count(c, reply->element[1]->integer);
        }
    }

    if (more && ngx_rt_retain_send(c, NULL) == NGX_OK) {
        return;
    }

    ngx_free(c);
}


static void
ngx_rt_retain_count(ngx_rt_retain_call_t *c, uint64_t n)
{
    ngx_rt_tenant_t  *t;

    if (n == 0) {
        return;
    }

    ngx_rt_state_lock(c->zone);

    t = ngx_rt_tenant_lookup_locked(c->zone->state, &c->tenant);

    if (t) {
        (void) ngx_atomic_fetch_add(&t->limited[NGX_RT_LIMIT_STREAMS], n);
    }

    ngx_rt_state_unlock(c->zone);
}


/* that Redis is away is told elsewhere */

static void
ngx_rt_retain_failed(ngx_rt_retain_call_t *c, redisReply *reply)
{
    u_char         said[NGX_RT_ENTRY_SAID];
    ngx_str_t      text;
    static time_t  last;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR
        || last == ngx_time())
    {
        return;
    }

    last = ngx_time();

    ngx_rt_entry_said(reply, said, &text);

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "rt: what tenant \"%V\" keeps in Redis could not be held to "
                  "\"rt_limit streams\": \"%V\"", &c->tenant, &text);
}


static void
ngx_rt_retain_free(ngx_rt_retain_t *t)
{
    ngx_rt_retain_size -= t->size;

    ngx_queue_remove(&t->queue);
    ngx_rbtree_delete(&ngx_rt_retain_tree, &t->node.node);
    ngx_free(t);
}
