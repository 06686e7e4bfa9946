
/*
 * The reader of replies.  Called by redis/; calls hiredis, whose functions that
 * make a reply's parts are called through ours, which count.  No locking.
 */


#include "rt_redis_reader.h"


#define RT_REDIS_READER_KEEP  (256 * 1024)


/* hiredis 1.0 counts in size_t, has its tasks elsewhere, and no end of them */
#if HIREDIS_MAJOR >= 1
typedef size_t  rt_redis_count_t;
#define rt_redis_reader_task(h)  ((h)->task[(h)->ridx])
#else
typedef int     rt_redis_count_t;
#define rt_redis_reader_task(h)  (&(h)->rstack[(h)->ridx])
#endif


static void *rt_redis_reader_string(const redisReadTask *task, char *str,
    size_t len);
static void *rt_redis_reader_array(const redisReadTask *task,
    rt_redis_count_t elements);
#if HIREDIS_MAJOR >= 1
static void *rt_redis_reader_double(const redisReadTask *task, double value,
    char *str, size_t len);
static void *rt_redis_reader_bool(const redisReadTask *task, int value);
#endif
static void *rt_redis_reader_refuse(rt_redis_reader_t *r, const char *why);


static const char  rt_redis_reader_kind[] =
    "a reply is of a kind that was not asked for";


bool
rt_redis_reader_init(rt_redis_reader_t *r)
{
    memset(r, 0, sizeof(rt_redis_reader_t));

    r->hiredis = redisReaderCreate();

    if (r->hiredis == NULL) {
        return false;
    }

    r->plain = r->hiredis->fn;
    r->bounded = *r->plain;
    r->bounded.createString = rt_redis_reader_string;
    r->bounded.createArray = rt_redis_reader_array;
#if HIREDIS_MAJOR >= 1
    r->bounded.createDouble = rt_redis_reader_double;
    r->bounded.createBool = rt_redis_reader_bool;
#endif

    r->hiredis->fn = &r->bounded;
    r->hiredis->privdata = r;
    r->hiredis->maxbuf = RT_REDIS_READER_KEEP;

    return true;
}


void
rt_redis_reader_free(rt_redis_reader_t *r)
{
    if (r->hiredis) {
        redisReaderFree(r->hiredis);
        r->hiredis = NULL;
    }
}


bool
rt_redis_reader_feed(rt_redis_reader_t *r, const uint8_t *data, size_t len)
{
    return redisReaderFeed(r->hiredis, (const char *) data, len) == REDIS_OK;
}


const char *
rt_redis_reader_next(rt_redis_reader_t *r, redisReply **reply)
{
    void         *p;
    size_t        rest;
    redisReader  *h;

    h = r->hiredis;
    p = NULL;
    *reply = NULL;

    if (redisReaderGetReply(h, &p) != REDIS_OK) {
        return r->why ? r->why
               : h->err == REDIS_ERR_OOM ? "there was no memory for a reply"
               : "a reply is malformed";
    }

    *reply = p;

    if (p) {
        r->bytes = 0;
        r->elements = 0;
        return NULL;
    }

    /* what is not there as a whole is looked at anew each time, but a string */

    rest = h->len - h->pos;

    if (rest + r->bytes > RT_REDIS_REPLY_MAX) {
        return "a reply is too large";
    }

    if (rest > RT_REDIS_LINE_MAX && h->ridx >= 0
        && rt_redis_reader_task(h)->type != REDIS_REPLY_STRING)
    {
        return "a line of a reply is too long";
    }

    return NULL;
}


/*
 * Kinds of version 3 of the protocol, which hiredis 1.0 knows, are for those
 * who have asked for it; with some of them in others it ends the process.
 */

static void *
rt_redis_reader_string(const redisReadTask *task, char *str, size_t len)
{
    rt_redis_reader_t  *r;

    r = task->privdata;

    if (task->type != REDIS_REPLY_STRING && task->type != REDIS_REPLY_STATUS
        && task->type != REDIS_REPLY_ERROR)
    {
        return rt_redis_reader_refuse(r, rt_redis_reader_kind);
    }

    if (len > RT_REDIS_REPLY_MAX - r->bytes) {
        return rt_redis_reader_refuse(r, "a reply is too large");
    }

    r->bytes += len;

    return r->plain->createString(task, str, len);
}


static void *
rt_redis_reader_array(const redisReadTask *task, rt_redis_count_t elements)
{
    unsigned              depth;
    rt_redis_reader_t    *r;
    const redisReadTask  *parent;

    r = task->privdata;

    if (task->type != REDIS_REPLY_ARRAY) {
        return rt_redis_reader_refuse(r, rt_redis_reader_kind);
    }

    for (depth = 1, parent = task->parent; parent; parent = parent->parent) {
        depth++;
    }

    if (depth > RT_REDIS_DEPTH_MAX) {
        return rt_redis_reader_refuse(r, "a reply is nested too deeply");
    }

    if ((size_t) elements > RT_REDIS_ELEMENTS_MAX - r->elements) {
        return rt_redis_reader_refuse(r, "a reply has too many elements");
    }

    r->elements += elements;

    return r->plain->createArray(task, elements);
}


#if HIREDIS_MAJOR >= 1

static void *
rt_redis_reader_double(const redisReadTask *task, double value, char *str,
    size_t len)
{
    (void) value;
    (void) str;
    (void) len;

    return rt_redis_reader_refuse(task->privdata, rt_redis_reader_kind);
}


static void *
rt_redis_reader_bool(const redisReadTask *task, int value)
{
    (void) value;

    return rt_redis_reader_refuse(task->privdata, rt_redis_reader_kind);
}

#endif


static void *
rt_redis_reader_refuse(rt_redis_reader_t *r, const char *why)
{
    r->why = why;

    return NULL;
}
