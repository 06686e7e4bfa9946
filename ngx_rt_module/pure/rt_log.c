
/*
 * The event log, a ring that is read without a lock: see rt_log.h.
 *
 * Called by fanout/: rt_log_append with the log's mutex held, the readers'
 * functions with nothing held.  Calls rt_txn.h's store only.
 *
 * The fences pair like a seqlock's.  The producer's: `reserve` is seen before
 * any byte of the payload, the payload before `head`.  The reader's: it has
 * seen `head` before it copies, and has copied before it looks at `reserve`.
 */


#include "rt_log.h"
#include "rt_txn.h"


#define RT_LOG_MIN  (64 * 1024)


static size_t
rt_log_length(const rt_log_record_t *r)
{
    uint64_t  len;

    len = (uint64_t) sizeof(rt_log_record_t) + r->data + r->info + r->tags;

    return (len + RT_LOG_ALIGN - 1) & ~(uint64_t) (RT_LOG_ALIGN - 1);
}


/* the log holds what begins at position, no producer has come round to it */
static bool
rt_log_whole(rt_log_t *log, uint64_t position)
{
    return __atomic_load_n(&log->reserve, __ATOMIC_RELAXED) - position
           <= log->size;
}


/* the bytes at [position, position + len), which may wrap once, to dst */
static void
rt_log_get(rt_log_t *log, uint64_t position, uint8_t *dst, size_t len)
{
    size_t  at, n;

    at = position % log->size;
    n = rt_min(len, log->size - at);

    memcpy(dst, log->data + at, n);

    if (n < len) {
        memcpy(dst + n, log->data, len - n);
    }
}


static void
rt_log_put(rt_log_t *log, uint64_t position, const uint8_t *src, size_t len)
{
    size_t  at, n;

    if (len == 0) {
        return;
    }

    at = position % log->size;
    n = rt_min(len, log->size - at);

    rt_step_here();
    memcpy(log->data + at, src, n);

    if (n < len) {
        rt_step_here();
        memcpy(log->data, src + n, len - n);
    }
}


rt_log_t *
rt_log_init(void *mem, size_t size)
{
    rt_log_t  *log;

    if (size < RT_LOG_MIN) {
        return NULL;
    }

    log = mem;

    log->size = (size - sizeof(rt_log_t)) & ~(size_t) (RT_LOG_ALIGN - 1);
    log->reserve = 0;
    log->head = 0;

    return log;
}


bool
rt_log_fits(const rt_log_t *log, size_t parts)
{
    return parts <= log->size / 4 - sizeof(rt_log_record_t) - RT_LOG_ALIGN;
}


rt_log_result_t
rt_log_append(rt_log_t *log, rt_log_record_t *r, const uint8_t *parts[3])
{
    size_t    len;
    uint64_t  at;

    len = rt_log_length(r);

    if (len > log->size / 4) {
        return RT_LOG_BIG;
    }

    r->position = log->head;

    /* it is further on if a dead producer was about to write more */

    if (log->reserve < r->position + len) {
        rt_txn_store(&log->reserve, r->position + len);
    }

    rt_fault(log_reserved);

    __atomic_thread_fence(__ATOMIC_RELEASE);

    at = r->position;
    rt_log_put(log, at, (const uint8_t *) r, sizeof(rt_log_record_t));

    rt_fault(log_written);

    at += sizeof(rt_log_record_t);
    rt_log_put(log, at, parts[0], r->data);

    at += r->data;
    rt_log_put(log, at, parts[1], r->info);

    at += r->info;
    rt_log_put(log, at, parts[2], r->tags);

    rt_fault(log_head);

    rt_step_here();
    __atomic_store_n(&log->head, r->position + len, __ATOMIC_RELEASE);

    rt_fault(log_appended);

    return RT_LOG_OK;
}


uint64_t
rt_log_head(rt_log_t *log)
{
    return __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
}


rt_log_result_t
rt_log_peek(rt_log_t *log, uint64_t cursor, rt_log_record_t *r)
{
    uint64_t  head;

    head = rt_log_head(log);

    if (cursor == head) {
        return RT_LOG_EMPTY;
    }

    if (cursor > head || cursor % RT_LOG_ALIGN || !rt_log_whole(log, cursor)) {
        return RT_LOG_LAPPED;
    }

    rt_log_get(log, cursor, (uint8_t *) r, sizeof(rt_log_record_t));

    rt_step_here();
    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    if (!rt_log_whole(log, cursor)) {
        return RT_LOG_LAPPED;
    }

    /* whole, so what follows fails only if the cursor was not a record's */

    if (r->position != cursor || rt_log_length(r) > head - cursor) {
        return RT_LOG_LAPPED;
    }

    return RT_LOG_OK;
}


rt_log_result_t
rt_log_copy(rt_log_t *log, uint64_t cursor, size_t from, uint8_t *dst,
    size_t len)
{
    uint64_t  head, limit;

    head = rt_log_head(log);
    limit = log->size / 4;

    if (cursor > head || from > limit || len > limit
        || sizeof(rt_log_record_t) + from + len > rt_min(limit, head - cursor)
        || !rt_log_whole(log, cursor))
    {
        return RT_LOG_LAPPED;
    }

    rt_log_get(log, cursor + sizeof(rt_log_record_t) + from, dst, len);

    rt_step_here();
    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return rt_log_whole(log, cursor) ? RT_LOG_OK : RT_LOG_LAPPED;
}


uint64_t
rt_log_next(uint64_t cursor, const rt_log_record_t *r)
{
    return cursor + rt_log_length(r);
}
