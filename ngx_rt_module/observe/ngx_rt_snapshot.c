
/*
 * The numbers of a zone and of its tenants, copied out of shared memory so
 * that they can be formatted at leisure.
 *
 * Called by the metrics.  Holds the state's mutex for a bounded number of
 * buckets and tenants at a time, allocates nothing under it.  Between two
 * holds tenants may come and go, but none is seen twice: it never changes its
 * bucket.
 *
 * Of the tenants those with most sessions are kept, of equals the older ones,
 * in a heap whose root is the first to be given up; what is given up is added
 * to the sums of the rest.
 */


#include "ngx_rt.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_state.h"


/* under one hold of the mutex */
#define NGX_RT_SNAPSHOT_BUCKETS  4096
#define NGX_RT_SNAPSHOT_TENANTS  256

#define ngx_rt_tenant_metric(name, field, help, counter)                      \
    { name, help, offsetof(ngx_rt_tenant_t, field), counter }


static void ngx_rt_snapshot_zone(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z);
static uint64_t ngx_rt_snapshot_slice_locked(ngx_rt_snapshot_t *s,
    ngx_rt_state_t *st, uint64_t bucket);
static void ngx_rt_snapshot_tenant_locked(ngx_rt_snapshot_t *s,
    ngx_rt_tenant_t *t);
static void ngx_rt_snapshot_up(ngx_rt_snapshot_t *s, ngx_uint_t i);
static void ngx_rt_snapshot_down(ngx_rt_snapshot_t *s);
static ngx_uint_t ngx_rt_snapshot_below(ngx_rt_tenant_row_t *a,
    ngx_rt_tenant_row_t *b);
static void ngx_rt_snapshot_swap(ngx_rt_tenant_row_t *a,
    ngx_rt_tenant_row_t *b);


/* sessions stand first: they decide who is listed */
const ngx_rt_metric_t  ngx_rt_tenant_metrics[NGX_RT_TENANT_VALUES] = {

    ngx_rt_tenant_metric("sessions", sessions,
                         "Sessions, connected or lingering.", 0),

    ngx_rt_tenant_metric("sessions_lingering", lingering,
                         "Sessions that linger.", 0),

    ngx_rt_tenant_metric("channels", channels,
                         "Channels with a subscriber, or a history.", 0),

    ngx_rt_tenant_metric("bytes", bytes,
                         "Shared memory that is the tenant's.", 0),

    ngx_rt_tenant_metric("connects", connects,
                         "Sessions begun.", 1),

    ngx_rt_tenant_metric("publishes", publishes,
                         "Publications accepted.", 1),

    ngx_rt_tenant_metric("publish_bytes", publish_bytes,
                         "Bytes of payload of publications accepted.", 1),

    ngx_rt_tenant_metric("keys", keys,
                         "Idempotency keys that are known.", 0),

    ngx_rt_tenant_metric("key_repeats", repeats,
                         "Publications whose key was known.", 1),

    ngx_rt_tenant_metric("key_conflicts", conflicts,
                         "Those of other content, refused.", 1),

    ngx_rt_tenant_metric("keys_refused", keys_refused,
                         "Those with one key more than the tenant may have.",
                         1),

    ngx_rt_tenant_metric("deliveries", deliveries,
                         "Publications queued to subscribers.", 1),

    ngx_rt_tenant_metric("delivered_bytes", delivered_bytes,
                         "Bytes of publications queued, as frames.", 1),

    ngx_rt_tenant_metric("drops", drops,
                         "Deliveries given up.", 1),

    ngx_rt_tenant_metric("drops_oldest",
                         policy_drops[NGX_RT_SLOW_DROP],
                         "Deliveries given up by slow=drop.", 1),

    ngx_rt_tenant_metric("conflations",
                         policy_drops[NGX_RT_SLOW_CONFLATE],
                         "Deliveries given up by slow=conflate.", 1),

    ngx_rt_tenant_metric("slow_closes", slow,
                         "Connections closed with 3008, too slow.", 1),

    ngx_rt_tenant_metric("limited_commands", limited[NGX_RT_LIMIT_COMMANDS],
                         "Commands that rt_limit denied.", 1),

    ngx_rt_tenant_metric("limited_publishes", limited[NGX_RT_LIMIT_PUBLISH],
                         "Publications denied by rt_limit publish.", 1),

    ngx_rt_tenant_metric("limited_publishes_by_bytes",
                         limited[NGX_RT_LIMIT_BYTES],
                         "Publications denied by rt_limit bytes.", 1),

    ngx_rt_tenant_metric("limited_connections",
                         limited[NGX_RT_LIMIT_CONNECTIONS],
                         "Handshakes and connects denied by rt_limit.", 1),

    ngx_rt_tenant_metric("limited_sessions", limited[NGX_RT_LIMIT_SESSIONS],
                         "Connects denied by rt_limit sessions.", 1),

    ngx_rt_tenant_metric("limited_channels", limited[NGX_RT_LIMIT_CHANNELS],
                         "Channels denied by rt_limit.", 1),

    ngx_rt_tenant_metric("limited_subscriptions",
                         limited[NGX_RT_LIMIT_SUBSCRIPTIONS],
                         "Subscriptions denied by rt_max_channels.", 1),

    ngx_rt_tenant_metric("limited_presence", limited[NGX_RT_LIMIT_PRESENCE],
                         "Looks at presence denied.", 1),

    ngx_rt_tenant_metric("limited_zone", limited[NGX_RT_LIMIT_ZONE],
                         "Objects denied by the tenant's share of the zone.",
                         1),

    ngx_rt_tenant_metric("limited_streams", limited[NGX_RT_LIMIT_STREAMS],
                         "Publications that gave way in Redis.", 1)
};


ngx_int_t
ngx_rt_snapshot_take(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z,
    ngx_uint_t tenants, ngx_pool_t *pool)
{
    uint64_t  bucket;

    ngx_memzero(s, sizeof(ngx_rt_snapshot_t));

    s->max = tenants;

    if (tenants) {
        s->rows = ngx_palloc(pool, tenants * sizeof(ngx_rt_tenant_row_t));
        if (s->rows == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_rt_snapshot_zone(s, z);

    bucket = 0;

    while (bucket <= z->state->mask) {
        ngx_rt_state_lock(z);
        bucket = ngx_rt_snapshot_slice_locked(s, z->state, bucket);
        ngx_rt_state_unlock(z);
    }

    return NGX_OK;
}


static void
ngx_rt_snapshot_zone(ngx_rt_snapshot_t *s, ngx_rt_zone_t *z)
{
    rt_heap_stat_t   heap;
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    s->sessions = st->sessions;
    s->channels = st->channels;
    s->tenants = st->tenants;
    s->idle = st->idle;
    s->rollbacks = st->txn.rollbacks;
    s->reaped = st->reaped;
    s->forgotten = st->forgotten;
    s->lingering = st->lingering;
    s->resumed = st->resumed;
    s->taken_over = st->taken_over;
    s->expired = st->expired;
    s->evicted = st->evicted;
    s->started = st->started;

    rt_heap_stat(st->heap, &heap);

    ngx_rt_state_unlock(z);

    s->pages = heap.pages;
    s->pages_free = heap.pages_free;
    s->bytes = heap.bytes_used;

    s->log_size = z->log->size;
    s->log_bytes = rt_log_head(z->log);
}


/* returns the bucket to go on from */
static uint64_t
ngx_rt_snapshot_slice_locked(ngx_rt_snapshot_t *s, ngx_rt_state_t *st,
    uint64_t bucket)
{
    uint64_t          end;
    ngx_uint_t        seen;
    ngx_rt_tenant_t  *t;

    seen = 0;
    end = ngx_min(st->mask + 1, bucket + NGX_RT_SNAPSHOT_BUCKETS);

    while (bucket < end && seen < NGX_RT_SNAPSHOT_TENANTS) {

        for (t = st->tenant_buckets[bucket]; t; t = t->next) {
            ngx_rt_snapshot_tenant_locked(s, t);
            seen++;
        }

        bucket++;
    }

    return bucket;
}


static void
ngx_rt_snapshot_tenant_locked(ngx_rt_snapshot_t *s, ngx_rt_tenant_t *t)
{
    ngx_uint_t           i;
    ngx_rt_tenant_row_t  row;

    for (i = 0; i < NGX_RT_TENANT_VALUES; i++) {
        row.values[i] = *(ngx_atomic_t *)
                        ((u_char *) t + ngx_rt_tenant_metrics[i].offset);
    }

    row.serial = t->serial;
    row.len = t->len;
    ngx_memcpy(row.name, t->name, t->len);

    if (s->nrows < s->max) {
        s->rows[s->nrows] = row;
        ngx_rt_snapshot_up(s, s->nrows++);
        return;
    }

    /* what is in row after this goes to the rest */

    if (s->max && ngx_rt_snapshot_below(&s->rows[0], &row)) {
        ngx_rt_snapshot_swap(&s->rows[0], &row);
        ngx_rt_snapshot_down(s);
    }

    s->others++;

    for (i = 0; i < NGX_RT_TENANT_VALUES; i++) {
        s->rest[i] += row.values[i];
    }
}


static void
ngx_rt_snapshot_up(ngx_rt_snapshot_t *s, ngx_uint_t i)
{
    ngx_uint_t  parent;

    while (i) {
        parent = (i - 1) / 2;

        if (!ngx_rt_snapshot_below(&s->rows[i], &s->rows[parent])) {
            return;
        }

        ngx_rt_snapshot_swap(&s->rows[i], &s->rows[parent]);
        i = parent;
    }
}


static void
ngx_rt_snapshot_down(ngx_rt_snapshot_t *s)
{
    ngx_uint_t  i, child;

    i = 0;

    for ( ;; ) {
        child = 2 * i + 1;

        if (child >= s->nrows) {
            return;
        }

        if (child + 1 < s->nrows
            && ngx_rt_snapshot_below(&s->rows[child + 1], &s->rows[child]))
        {
            child++;
        }

        if (!ngx_rt_snapshot_below(&s->rows[child], &s->rows[i])) {
            return;
        }

        ngx_rt_snapshot_swap(&s->rows[i], &s->rows[child]);
        i = child;
    }
}


/* a is given up before b */
static ngx_uint_t
ngx_rt_snapshot_below(ngx_rt_tenant_row_t *a, ngx_rt_tenant_row_t *b)
{
    if (a->values[0] != b->values[0]) {
        return a->values[0] < b->values[0];
    }

    return a->serial > b->serial;
}


static void
ngx_rt_snapshot_swap(ngx_rt_tenant_row_t *a, ngx_rt_tenant_row_t *b)
{
    ngx_rt_tenant_row_t  row;

    row = *a;
    *a = *b;
    *b = row;
}
