
/*
 * The settings of a zone and those of Redis are compared: when a worker begins
 * to hear other nodes, for it may have missed something; when there are not as
 * many on both sides; and again, if it came to no end.  What is newer there is
 * read into the zone; what Redis has lost is written back.  A newer version
 * wins, so it does no harm that several workers and nodes do so at once.
 *
 * Called by ngx_rt_stream_nodes.c; calls redis/, and state/ with nothing held.
 * One command is on its way at a time.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_stream_read.h"
#include "ngx_rt_stream_settings.h"
#include "rt_setting.h"


/* of one that came to no end, again; msec */
#define NGX_RT_COMPARE_REST  1000


/* a tenant, as the index has it */
typedef struct {
    ngx_str_t                  tenant;
    uint64_t                   version;
} ngx_rt_indexed_t;


typedef struct {
    ngx_rt_redis_call_t        call;
    ngx_rt_zone_t             *zone;
    ngx_pool_t                *pool;          /* NULL: nothing is compared */
    ngx_pool_t                *texts;         /* of one tenant at a time */
    ngx_array_t                index;         /* ngx_rt_indexed_t, sorted */
    ngx_uint_t                 next;          /* of it, to be read */
    uint64_t                   serial;        /* of the zone, to be written */
    uint64_t                   last;          /* up to there */
    ngx_str_t                  tenant;        /* on its way */
    ngx_uint_t                 due;
    ngx_uint_t                 failed;        /* one of them, at least */
    ngx_uint_t                 strange;       /* something makes no sense */
    ngx_msec_t                 ended;

    ngx_rt_redis_call_t        count;
    ngx_uint_t                 counting;
    uint64_t                   counted[2];    /* there and here, when they were
                                                 compared for that */
} ngx_rt_compare_t;


static void ngx_rt_compare_go(void);
static void ngx_rt_compare_index(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static ngx_int_t ngx_rt_compare_list(redisReply *reply);
static void ngx_rt_compare_read(void);
static void ngx_rt_compare_was_read(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_compare_write(void);
static void ngx_rt_compare_was_written(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static uint64_t ngx_rt_compare_lookup(ngx_str_t *tenant);
static int ngx_libc_cdecl ngx_rt_compare_cmp(const void *one,
    const void *two);
static void ngx_rt_compare_end(ngx_uint_t failed);
static void ngx_rt_compare_counted(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);


static ngx_rt_compare_t  ngx_rt_compare;


void
ngx_rt_compare_init_process(ngx_rt_zone_t *z)
{
    ngx_rt_compare.zone = z;
}


void
ngx_rt_compare_begin(void)
{
    ngx_rt_compare.due = 1;

    ngx_rt_compare_go();
}


void
ngx_rt_compare_watch(void)
{
    if (ngx_rt_compare.due
        && ngx_current_msec - ngx_rt_compare.ended >= NGX_RT_COMPARE_REST)
    {
        ngx_rt_compare_go();
    }
}


static void
ngx_rt_compare_go(void)
{
    ngx_str_t          argv[2];
    ngx_rt_compare_t  *c;

    c = &ngx_rt_compare;

    if (c->pool || c->zone == NULL || !ngx_rt_redis_ready()) {
        return;
    }

    c->pool = ngx_create_pool(4096, ngx_cycle->log);
    c->texts = ngx_create_pool(4096, ngx_cycle->log);

    if (c->pool == NULL || c->texts == NULL) {
        ngx_rt_compare_end(1);
        return;
    }

    c->due = 0;
    c->next = 0;
    c->failed = 0;
    c->strange = 0;
    c->serial = 0;
    c->last = ngx_rt_settings_serial(c->zone);

    ngx_str_set(&argv[0], "HGETALL");
    argv[1] = ngx_rt_settings_index;

    c->call.handler = ngx_rt_compare_index;

    if (ngx_rt_redis_send(&c->call, 2, argv) != NGX_OK) {
        ngx_rt_compare_end(1);
    }
}


static void
ngx_rt_compare_index(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    if (result != NGX_RT_REDIS_OK || reply->type != REDIS_REPLY_ARRAY
        || ngx_rt_compare_list(reply) != NGX_OK)
    {
        ngx_rt_compare_end(1);
        return;
    }

    ngx_rt_compare_read();
}


static ngx_int_t
ngx_rt_compare_list(redisReply *reply)
{
    size_t             i;
    ngx_str_t          tenant;
    redisReply        *name;
    ngx_array_t       *index;
    ngx_rt_indexed_t  *e;

    index = &ngx_rt_compare.index;

    if (ngx_array_init(index, ngx_rt_compare.pool, reply->elements / 2 + 1,
                       sizeof(ngx_rt_indexed_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = reply->element[i];

        if (name->type != REDIS_REPLY_STRING) {
            return NGX_ERROR;
        }

        tenant.data = (u_char *) name->str;
        tenant.len = name->len;

        e = ngx_array_push(index);

        if (!ngx_rt_name_valid(&tenant, NGX_RT_TENANT_MAX)
            || !ngx_rt_stream_offset(reply->element[i + 1], '\0',
                                     &e->version))
        {
            ngx_rt_compare.strange = 1;
            index->nelts--;
            continue;
        }

        e->tenant.len = tenant.len;
        e->tenant.data = ngx_pstrdup(ngx_rt_compare.pool, &tenant);

        if (e->tenant.data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_qsort(index->elts, index->nelts, sizeof(ngx_rt_indexed_t),
              ngx_rt_compare_cmp);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_rt_compare_cmp(const void *one, const void *two)
{
    const ngx_rt_indexed_t *a = one;
    const ngx_rt_indexed_t *b = two;

    return (int) ngx_memn2cmp(a->tenant.data, b->tenant.data, a->tenant.len,
                              b->tenant.len);
}


/* the next one that is newer there */

static void
ngx_rt_compare_read(void)
{
    u_char              key[NGX_RT_STREAM_KEY];
    ngx_str_t           argv[5];
    ngx_rt_indexed_t   *e;
    ngx_rt_compare_t   *c;

    c = &ngx_rt_compare;
    e = c->index.elts;

    while (c->next < c->index.nelts
           && e[c->next].version <= ngx_rt_settings_version(c->zone,
                                                        &e[c->next].tenant))
    {
        c->next++;
    }

    if (c->next == c->index.nelts) {
        ngx_rt_compare_write();
        return;
    }

    c->tenant = e[c->next++].tenant;

    ngx_str_set(&argv[0], "HMGET");
    ngx_rt_settings_key(key, &argv[1], &c->tenant);
    ngx_str_set(&argv[2], "version");
    ngx_str_set(&argv[3], "rules");
    ngx_str_set(&argv[4], "flags");

    c->call.handler = ngx_rt_compare_was_read;

    if (ngx_rt_redis_send(&c->call, 5, argv) != NGX_OK) {
        ngx_rt_compare_end(1);
    }
}


/* the index may name what is not there: it is no fault of the others */

static void
ngx_rt_compare_was_read(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_compare_t   *c;
    ngx_rt_settings_t   s;

    c = &ngx_rt_compare;

    if (result == NGX_RT_REDIS_UNKNOWN || result == NGX_RT_REDIS_REFUSED) {
        ngx_rt_compare_end(1);
        return;
    }

    if (result != NGX_RT_REDIS_OK
        || ngx_rt_settings_parse(reply, 0, &s) != NGX_OK)
    {
        c->strange = 1;

    } else if (ngx_rt_settings_enter(c->zone, &c->tenant, &s) != NGX_OK) {
        c->failed = 1;
    }

    ngx_rt_compare_read();
}


/* the next one that is newer here, of those that were here at the beginning */

static void
ngx_rt_compare_write(void)
{
    ngx_int_t           rc;
    ngx_rt_compare_t   *c;
    ngx_rt_settings_t   s;

    c = &ngx_rt_compare;

    for ( ;; ) {
        ngx_reset_pool(c->texts);

        rc = c->serial >= c->last
             ? NGX_DECLINED
             : ngx_rt_settings_next(c->zone, &c->serial, c->texts, &c->tenant,
                                    &s);

        if (rc != NGX_OK) {
            ngx_rt_compare_end(rc == NGX_ERROR);
            return;
        }

        if (c->serial <= c->last
            && ngx_rt_compare_lookup(&c->tenant) < s.version)
        {
            break;
        }
    }

    c->call.handler = ngx_rt_compare_was_written;

    if (ngx_rt_settings_send(&c->call, &c->tenant, s.version - 1, &s, 0, NULL)
        != NGX_OK)
    {
        ngx_rt_compare_end(1);
    }
}


static void
ngx_rt_compare_was_written(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_int_t           rc;
    ngx_rt_compare_t   *c;
    ngx_rt_settings_t   s;

    c = &ngx_rt_compare;

    if (result != NGX_RT_REDIS_OK) {
        ngx_rt_compare_end(1);
        return;
    }

    rc = ngx_rt_settings_answer(reply, &s);

    if (rc == NGX_OK) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "rt: what was set for tenant \"%V\" was not in Redis, "
                      "and is written back", &c->tenant);
    }

    if (rc == NGX_ERROR
        || (rc == NGX_DECLINED
            && ngx_rt_settings_enter(c->zone, &c->tenant, &s) != NGX_OK))
    {
        c->failed = 1;
    }

    ngx_rt_compare_write();
}


/* its version in the index, 0: it is not there */

static uint64_t
ngx_rt_compare_lookup(ngx_str_t *tenant)
{
    ngx_uint_t         lo, hi, mid;
    ngx_int_t          rc;
    ngx_rt_indexed_t  *e;

    e = ngx_rt_compare.index.elts;
    lo = 0;
    hi = ngx_rt_compare.index.nelts;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        rc = ngx_memn2cmp(e[mid].tenant.data, tenant->data, e[mid].tenant.len,
                          tenant->len);

        if (rc == 0) {
            return e[mid].version;
        }

        if (rc < 0) {
            lo = mid + 1;

        } else {
            hi = mid;
        }
    }

    return 0;
}


static void
ngx_rt_compare_end(ngx_uint_t failed)
{
    ngx_rt_compare_t  *c;

    c = &ngx_rt_compare;

    if (c->pool) {
        ngx_destroy_pool(c->pool);
        c->pool = NULL;
    }

    if (c->texts) {
        ngx_destroy_pool(c->texts);
        c->texts = NULL;
    }

    c->ended = ngx_current_msec;

    /* another node may mend it: it is looked at again, when it is counted */

    if (c->strange) {
        ngx_memzero(c->counted, sizeof(c->counted));
    }

    if (failed || c->failed) {
        c->due = 1;
        return;
    }

    if (c->due) {
        ngx_rt_compare_go();
    }
}


/*
 * Redis may lose all without anyone being cut off, and who sits on the other
 * end of a message may not get it.
 */

void
ngx_rt_compare_count(void)
{
    ngx_str_t          argv[2];
    ngx_rt_compare_t  *c;

    c = &ngx_rt_compare;

    if (c->counting || c->pool) {
        return;
    }

    ngx_str_set(&argv[0], "HLEN");
    argv[1] = ngx_rt_settings_index;

    c->count.handler = ngx_rt_compare_counted;

    c->counting = ngx_rt_redis_send(&c->count, 2, argv) == NGX_OK;
}


static void
ngx_rt_compare_counted(ngx_rt_redis_call_t *call, ngx_rt_redis_result_e result,
    redisReply *reply)
{
    uint64_t           there, here;
    ngx_rt_compare_t  *c;

    c = &ngx_rt_compare;
    c->counting = 0;

    if (result != NGX_RT_REDIS_OK || reply->type != REDIS_REPLY_INTEGER) {
        return;
    }

    there = (uint64_t) reply->integer;
    here = c->zone->state->nsettings;

    if (there == here
        || (there == c->counted[0] && here == c->counted[1]))
    {
        return;
    }

    c->counted[0] = there;
    c->counted[1] = here;

    ngx_rt_compare_begin();
}
