
/*
 * The event log: a ring in shared memory that producers append to under its
 * mutex and that every worker reads at its own pace without one.
 *
 * A position counts bytes from the beginning of time and never wraps; the byte
 * at position p lies at p % size.  A producer first moves `reserve` to where it
 * is going to write up to, then writes, then moves `head` there.  So what lies
 * in [reserve - size, head) is whole.  A reader copies first and looks at
 * `reserve` afterwards: if a producer has come round meanwhile, what it copied
 * is worth nothing and it was lapped.  A producer that dies in the middle has
 * moved `reserve` but not `head`: the next one writes over what it left, and
 * `reserve` never moves back, for what the dead one overwrote stays lost.
 */


#ifndef _RT_LOG_H_INCLUDED_
#define _RT_LOG_H_INCLUDED_


#include "rt_base.h"


#define RT_LOG_ALIGN  64


typedef struct {
    uint64_t            size;     /* of data, a multiple of RT_LOG_ALIGN */
    uint64_t            reserve __attribute__((aligned(RT_LOG_ALIGN)));
    uint64_t            head;
    uint8_t             data[] __attribute__((aligned(RT_LOG_ALIGN)));
} rt_log_t;


/* the head of a record; its parts follow it, padded to RT_LOG_ALIGN */
typedef struct {
    uint64_t            channel;  /* serial: never used twice in a zone */
    uint64_t            workers;  /* a bit for each slot that has to read it */
    uint64_t            offset;   /* in the channel's history, 0: it has none */
    uint64_t            time;     /* when it was accepted, microseconds */
    uint32_t            kind;     /* the caller's */
    uint32_t            data;     /* lengths of the three parts, in order */
    uint32_t            info;
    uint32_t            tags;
    uint64_t            source;   /* the caller's */
    uint64_t            position; /* where it stands; set by rt_log_append */
} rt_log_record_t;


typedef enum {
    RT_LOG_OK = 0,
    RT_LOG_EMPTY,                 /* nothing to read yet */
    RT_LOG_LAPPED,                /* overwritten before it could be read */
    RT_LOG_BIG                    /* a record may take a quarter of the ring */
} rt_log_result_t;


/* makes a log of mem (RT_LOG_ALIGN-aligned); NULL: smaller than 64 KiB */
rt_log_t *rt_log_init(void *mem, size_t size);

/* parts of so many bytes in all are not too large for a record */
bool rt_log_fits(const rt_log_t *log, size_t parts);

/*
 * The caller holds the mutex.  parts: the three, of the lengths in r.
 */
rt_log_result_t rt_log_append(rt_log_t *log, rt_log_record_t *r,
    const uint8_t *parts[3]);

/* where the next record will stand; a new reader begins here */
uint64_t rt_log_head(rt_log_t *log);

/*
 * Readers, without the mutex.  rt_log_peek copies the head of the record at
 * cursor.  rt_log_copy copies len bytes of its parts, from byte `from`, to dst;
 * what it copied may be used only if it answers OK.  rt_log_next gives the
 * cursor behind the record.  After LAPPED go on from rt_log_head.  A cursor
 * or a range that no record can have is LAPPED too.
 */
rt_log_result_t rt_log_peek(rt_log_t *log, uint64_t cursor,
    rt_log_record_t *r);
rt_log_result_t rt_log_copy(rt_log_t *log, uint64_t cursor, size_t from,
    uint8_t *dst, size_t len);
uint64_t rt_log_next(uint64_t cursor, const rt_log_record_t *r);


#endif /* _RT_LOG_H_INCLUDED_ */
