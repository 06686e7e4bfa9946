
/*
 * Reading parts of streams that a node's copy does not have: by pages, each
 * read once for all who want it while it is on its way.
 *
 * Who wants to know what is there now must not get what was read before it
 * asked: such a page (an open one) that was sent already has a next one, which
 * is for all who come until the first is there.  So a thousand who come at once
 * cost two reads.
 *
 * Called by ngx_rt_stream_range.c; calls redis/ and ngx_rt_stream_leaf.c, for
 * what was read.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_stream_page.h"
#include "ngx_rt_stream_read.h"


/* reads of a worker that are on their way */
#define NGX_RT_PAGE_READS  16

/* reads that find that the scripts are gone, one after another */
#define NGX_RT_PAGE_TRIES  2

/* offsets that Lua's numbers hold */
#define NGX_RT_PAGE_LAST   ((uint64_t) 1 << 53)

/* a wanted page as a name: with zeroes between, and numbers as they are */
#define NGX_RT_PAGE_NAME   (NGX_RT_TENANT_MAX + NGX_RT_CHANNEL_MAX            \
                            + 2 + 8 * sizeof(uint64_t))


struct ngx_rt_page_s {
    ngx_str_node_t             node;          /* while it can be joined */
    ngx_queue_t                queue;         /* of those to be sent */
    ngx_queue_t                readers;
    ngx_rt_page_t             *next;          /* to be read behind it */
    ngx_rt_redis_call_t        call;
    ngx_rt_page_want_t         want;
    ngx_uint_t                 sent;
    ngx_uint_t                 tries;
};


static void ngx_rt_page_name(u_char *buf, ngx_str_t *name,
    ngx_rt_page_want_t *want);
static ngx_rt_page_t *ngx_rt_page_lookup(ngx_str_t *name);
static ngx_rt_page_t *ngx_rt_page_create(ngx_rt_page_want_t *want,
    ngx_str_t *name);
static void ngx_rt_page_insert(ngx_rt_page_t *page);
static void ngx_rt_pages_post(void);
static void ngx_rt_pages_handler(ngx_event_t *ev);
static ngx_int_t ngx_rt_page_send(ngx_rt_page_t *page);
static void ngx_rt_page_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_page_finish(ngx_rt_page_t *page, ngx_rt_leaf_t *leaf);


/*
 * KEYS: stream, meta.  ARGV: a new epoch, the run of this Redis and whether a
 * restart loses nothing; "1" for down; from, to, publications and bytes of the
 * reply; the channel's history, and what is old: the time of the last such.
 * Nothing is written but an epoch, as when a copy is read.  "time" rises with
 * the offsets, so what is old is found by halves.  Behind a hole nothing is
 * read.
 */

static ngx_rt_redis_script_t  ngx_rt_page_script = {
    "page",
    "local m = redis.call('HMGET', KEYS[2], 'epoch', 'top', 'run')\n"
    "local epoch, top = m[1], m[2] or '0'\n"
    "if not epoch then\n"
    "  local info = redis.pcall('XINFO', 'STREAM', KEYS[1])\n"
    "  for i = 1, #info, 2 do\n"
    "    if info[i] == 'last-generated-id' then\n"
    "      epoch, top = ARGV[1], string.match(info[i + 1], '^%d+')\n"
    "    end\n"
    "  end\n"
    "  if not epoch then return {'', '0', {}, 0} end\n"
    "  redis.call('HSET', KEYS[2], 'epoch', epoch, 'top', top,"
    " 'run', ARGV[2], 'due', '')\n"
    "elseif m[3] ~= ARGV[2] then\n"
    "  if ARGV[3] == '0' and top ~= '0' then epoch = ARGV[1] end\n"
    "  redis.call('HSET', KEYS[2], 'epoch', epoch, 'run', ARGV[2],"
    " 'due', '')\n"
    "end\n"

    "local n, from, to = tonumber(top), tonumber(ARGV[5]), tonumber(ARGV[6])\n"
    "local max, limit = tonumber(ARGV[7]), tonumber(ARGV[8])\n"
    "local low, past = math.max(1, n - ARGV[9] + 1), tonumber(ARGV[10])\n"
    "local list, bytes, more = {}, 0, 0\n"

    "local function get(a, b, count)\n"
    "  return redis.call('XRANGE', KEYS[1], string.format('%.0f-0', a),\n"
    "                    string.format('%.0f-0', b), 'COUNT', count)\n"
    "end\n"

    "local function id(e) return tonumber(string.match(e[1], '^%d+')) end\n"

    "local function old(e)\n"
    "  for i = 1, #e[2], 2 do\n"
    "    if e[2][i] == 'time' then\n"
    "      return (tonumber(e[2][i + 1]) or past + 1) <= past\n"
    "    end\n"
    "  end\n"
    "  return false\n"
    "end\n"

    /* it goes on with the next one, at `want`, if this is it */

    "local function take(e, want)\n"
    "  local size = 0\n"
    "  for i = 2, #e[2], 2 do size = size + #e[2][i] end\n"
    "  if #list > 0 and id(e) ~= want then return false end\n"
    "  if #list == max or #list > 0 and bytes + size > limit then\n"
    "    more = 1\n"
    "    return false\n"
    "  end\n"
    "  list[#list + 1], bytes = e, bytes + size\n"
    "  return true\n"
    "end\n"

    "local going, part = max > 0\n"

    "if ARGV[4] == '1' then\n"
    "  local at, last = math.min(n, from), math.max(low, to)\n"
    "  while going and at >= last do\n"
    "    part = get(math.max(last, at - 15), at, 16)\n"
    "    going = #part > 0\n"
    "    for i = #part, 1, -1 do\n"
    "      going = going and not old(part[i]) and take(part[i], at)\n"
    "      if not going then break end\n"
    "      at = id(part[i]) - 1\n"
    "    end\n"
    "  end\n"

    "else\n"
    "  local at, last = math.max(low, from), math.min(n, to)\n"
    "  part = going and at <= last and get(at, last, 1) or {}\n"
    "  if part[1] and old(part[1]) then\n"
    "    local a, b = at, last + 1\n"
    "    while b - a > 1 do\n"
    "      local mid = math.floor((a + b) / 2)\n"
    "      part = get(mid, last, 1)\n"
    "      if part[1] and old(part[1]) then a = mid else b = mid end\n"
    "    end\n"
    "    at = b\n"
    "  end\n"
    "  while going and at <= last do\n"
    "    part = get(at, last, 16)\n"
    "    going = #part > 0\n"
    "    for i = 1, #part do\n"
    "      going = take(part[i], at)\n"
    "      if not going then break end\n"
    "      at = id(part[i]) + 1\n"
    "    end\n"
    "  end\n"
    "end\n"

    "return {epoch, top, list, more}\n",
    { 0 }
};


static ngx_rbtree_t       ngx_rt_page_tree;
static ngx_rbtree_node_t  ngx_rt_page_sentinel;

/* those that are to be read, while others are */
static ngx_queue_t        ngx_rt_pages_wanted;
static ngx_uint_t         ngx_rt_page_reads;
static ngx_event_t        ngx_rt_pages_event;


void
ngx_rt_page_init_process(ngx_cycle_t *cycle)
{
    ngx_rbtree_init(&ngx_rt_page_tree, &ngx_rt_page_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_rt_pages_wanted);

    ngx_rt_pages_event.handler = ngx_rt_pages_handler;
    ngx_rt_pages_event.log = cycle->log;

    ngx_rt_redis_script(&ngx_rt_page_script);
}


ngx_int_t
ngx_rt_page_read(ngx_rt_page_want_t *want, ngx_rt_reader_t *r)
{
    u_char          buf[NGX_RT_PAGE_NAME];
    ngx_str_t       name;
    ngx_rt_page_t  *page;

    if (!ngx_rt_redis_ready()) {
        return NGX_DECLINED;
    }

    ngx_rt_page_name(buf, &name, want);

    page = ngx_rt_page_lookup(&name);

    if (page == NULL) {
        page = ngx_rt_page_create(want, &name);

        if (page) {
            ngx_rt_page_insert(page);
        }

    } else if (page->sent && want->open) {

        if (page->next == NULL) {
            page->next = ngx_rt_page_create(want, &name);
        }

        page = page->next;
    }

    if (page == NULL) {
        return NGX_DECLINED;
    }

    if (!ngx_queue_empty(&page->readers)) {
        ngx_rt_count(read_shared, 1);
    }

    r->page = page;
    ngx_queue_insert_tail(&page->readers, &r->queue);

    return NGX_OK;
}


void
ngx_rt_page_forget(ngx_rt_reader_t *r)
{
    if (r->page) {
        ngx_queue_remove(&r->queue);
        r->page = NULL;
    }
}


static void
ngx_rt_page_name(u_char *buf, ngx_str_t *name, ngx_rt_page_want_t *want)
{
    u_char    *p;
    uint64_t   numbers[8];

    numbers[0] = want->from;
    numbers[1] = want->to;
    numbers[2] = want->reverse;
    numbers[3] = want->max;
    numbers[4] = want->history;
    numbers[5] = want->ttl;
    numbers[6] = want->open;
    numbers[7] = want->bytes;

    p = ngx_cpymem(buf, want->tenant.data, want->tenant.len);
    *p++ = '\0';
    p = ngx_cpymem(p, want->channel.data, want->channel.len);
    *p++ = '\0';
    p = ngx_cpymem(p, numbers, sizeof(numbers));

    name->data = buf;
    name->len = p - buf;
}


static ngx_rt_page_t *
ngx_rt_page_lookup(ngx_str_t *name)
{
    return (ngx_rt_page_t *) ngx_str_rbtree_lookup(&ngx_rt_page_tree, name,
                                                   ngx_crc32_long(name->data,
                                                                  name->len));
}


static ngx_rt_page_t *
ngx_rt_page_create(ngx_rt_page_want_t *want, ngx_str_t *name)
{
    ngx_rt_page_t  *page;

    page = ngx_calloc(sizeof(ngx_rt_page_t) + name->len, ngx_cycle->log);
    if (page == NULL) {
        return NULL;
    }

    page->node.str.data = (u_char *) page + sizeof(ngx_rt_page_t);
    page->node.str.len = name->len;
    ngx_memcpy(page->node.str.data, name->data, name->len);

    page->want = *want;
    page->want.tenant.data = page->node.str.data;
    page->want.channel.data = page->node.str.data + want->tenant.len + 1;

    page->call.handler = ngx_rt_page_handler;
    ngx_queue_init(&page->readers);

    return page;
}


static void
ngx_rt_page_insert(ngx_rt_page_t *page)
{
    page->node.node.key = ngx_crc32_long(page->node.str.data,
                                         page->node.str.len);
    ngx_rbtree_insert(&ngx_rt_page_tree, &page->node.node);

    ngx_queue_insert_tail(&ngx_rt_pages_wanted, &page->queue);

    ngx_rt_pages_post();
}


/* with all that comes in this turn */

static void
ngx_rt_pages_post(void)
{
    if (!ngx_rt_pages_event.posted) {
        ngx_post_event(&ngx_rt_pages_event, &ngx_posted_next_events);
    }
}


static void
ngx_rt_pages_handler(ngx_event_t *ev)
{
    ngx_queue_t    *q;
    ngx_rt_page_t  *page;

    while (ngx_rt_page_reads < NGX_RT_PAGE_READS
           && !ngx_queue_empty(&ngx_rt_pages_wanted))
    {
        q = ngx_queue_head(&ngx_rt_pages_wanted);
        page = ngx_queue_data(q, ngx_rt_page_t, queue);

        ngx_queue_remove(q);

        if (ngx_queue_empty(&page->readers)
            || ngx_rt_page_send(page) != NGX_OK)
        {
            ngx_rt_page_finish(page, NULL);
        }
    }

    /* they are a turn late already */

    ngx_rt_redis_flush();
}


static ngx_int_t
ngx_rt_page_send(ngx_rt_page_t *page)
{
    u_char               keys[2][NGX_RT_STREAM_KEY];
    u_char               epoch[NGX_RT_EPOCH_LEN];
    u_char               numbers[6][NGX_INT64_LEN];
    uint64_t             now;
    ngx_str_t            argv[12];
    ngx_time_t          *tp;
    ngx_rt_page_want_t  *want;

    want = &page->want;

    ngx_rt_stream_key(keys[0], &argv[0], RT_KEY_CHANNEL, &want->tenant,
                      &want->channel);
    ngx_rt_stream_key(keys[1], &argv[1], RT_KEY_META, &want->tenant,
                      &want->channel);

    ngx_rt_stream_epoch(epoch);

    argv[2].data = epoch;
    argv[2].len = NGX_RT_EPOCH_LEN;
    argv[3] = *ngx_rt_redis_run();
    ngx_str_set(&argv[4], "0");
    ngx_str_set(&argv[5], "0");

    if (ngx_rt_redis_durable()) {
        ngx_str_set(&argv[4], "1");
    }

    if (want->reverse) {
        ngx_str_set(&argv[5], "1");
    }

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;

    ngx_rt_stream_number(numbers[0], &argv[6],
                         ngx_min(want->from, NGX_RT_PAGE_LAST));
    ngx_rt_stream_number(numbers[1], &argv[7],
                         ngx_min(want->to, NGX_RT_PAGE_LAST));
    ngx_rt_stream_number(numbers[2], &argv[8], want->max);
    ngx_rt_stream_number(numbers[3], &argv[9], want->bytes);
    ngx_rt_stream_number(numbers[4], &argv[10], want->history);
    ngx_rt_stream_number(numbers[5], &argv[11], now - ngx_min(now, want->ttl));

    if (ngx_rt_redis_eval(&page->call, &ngx_rt_page_script, 2, 12, argv)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    page->sent = 1;
    ngx_rt_page_reads++;

    ngx_rt_count(read_pages, 1);
    rt_fault(read_page);

    return NGX_OK;
}


static void
ngx_rt_page_handler(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    ngx_rt_leaf_t  *leaf;
    ngx_rt_page_t  *page;

    page = (ngx_rt_page_t *) ((u_char *) call - offsetof(ngx_rt_page_t, call));

    rt_fault(read_paged);

    ngx_rt_page_reads--;
    ngx_rt_pages_post();

    if (result == NGX_RT_REDIS_AGAIN && ++page->tries < NGX_RT_PAGE_TRIES) {
        page->sent = 0;
        ngx_queue_insert_tail(&ngx_rt_pages_wanted, &page->queue);
        return;
    }

    leaf = result == NGX_RT_REDIS_OK ? ngx_rt_leaf_parse(&page->want, reply)
                                     : NULL;

    ngx_rt_page_finish(page, leaf);

    if (leaf) {
        ngx_rt_leaf_release(leaf);
    }
}


/* whoever is told may read again, or take others back */

static void
ngx_rt_page_finish(ngx_rt_page_t *page, ngx_rt_leaf_t *leaf)
{
    ngx_queue_t      *q;
    ngx_rt_reader_t  *r;

    ngx_rbtree_delete(&ngx_rt_page_tree, &page->node.node);

    if (page->next) {
        ngx_rt_page_insert(page->next);
    }

    while (!ngx_queue_empty(&page->readers)) {
        q = ngx_queue_head(&page->readers);
        r = ngx_queue_data(q, ngx_rt_reader_t, queue);

        ngx_queue_remove(q);
        r->page = NULL;
        r->handler(r, leaf);
    }

    ngx_free(page);
}
