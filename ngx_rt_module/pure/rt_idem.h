
/*
 * Idempotency keys: which ones were accepted, of what content and with what
 * result, each for a window of time.  A table in shared memory that is changed
 * by transactions; a key belongs to an owner (a tenant) and a scope in it (a
 * channel).
 *
 * Keys stand in the order of their coming, and only the oldest may be taken
 * out, once its time is over: a key is never forgotten within its window.
 */


#ifndef _RT_IDEM_H_INCLUDED_
#define _RT_IDEM_H_INCLUDED_


#include "rt_base.h"
#include "rt_hash.h"
#include "rt_txn.h"


#define RT_IDEM_NAME_MAX   255    /* bytes of a key */


typedef struct rt_idem_s  rt_idem_t;

struct rt_idem_s {
    rt_idem_t       *next;        /* in its bucket */
    rt_idem_t       *later;
    void            *owner;
    uint64_t         hash;
    uint64_t         digest[2];   /* of the content */
    uint64_t         until;       /* monotonic, milliseconds */
    uint64_t         offset;      /* the first result */
    uint64_t         epoch;
    uint64_t         time;        /* of the wall, msec: of the acceptance */
    uint32_t         scope;       /* lengths; scope and name follow */
    uint32_t         name;
    uint8_t          text[];
};


typedef struct {
    rt_idem_t      **buckets;
    uint64_t         mask;        /* of them, a power of two, - 1 */
    rt_idem_t       *first;       /* the oldest */
    rt_idem_t       *last;
} rt_idem_table_t;


/* a key that is asked for; strings are the caller's */
typedef struct {
    rt_str_t         scope;
    rt_str_t         name;        /* empty: none */
    uint64_t         hash;
    uint64_t         digest[2];
} rt_idem_key_t;


/*
 * What a key stands for.  Two contents are the same if data, type, version and
 * the tags are, in whatever order tags came; zeroes: not said.
 */
typedef struct {
    uint64_t         data[2];
    uint64_t         type[2];
    uint64_t         version;
    uint64_t         tags[2];
} rt_content_t;


/* without a lock: hash is secret and constant, as in a zone */
void rt_content_data(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *data);
void rt_content_type(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *type, uint64_t version);
void rt_content_tag(rt_content_t *c, const rt_hash_key_t *hash,
    const rt_str_t *name, const rt_str_t *value);

/*
 * Makes a key of scope and name, which it points to; hash: for its place in a
 * table, content: as the content was hashed.
 */
void rt_idem_key(rt_idem_key_t *k, const rt_hash_key_t *hash,
    const rt_str_t *scope, const rt_str_t *name,
    const rt_hash_key_t *content, const rt_content_t *c);


/* what follows is called with the mutex held; NULL: it is not there, or over */
rt_idem_t *rt_idem_lookup(const rt_idem_table_t *t, const void *owner,
    const rt_idem_key_t *k, uint64_t now);

/* was it accepted with this content? */
bool rt_idem_same(const rt_idem_t *e, const rt_idem_key_t *k);

/* bytes that an entry takes */
size_t rt_idem_size(const rt_idem_key_t *k);

/*
 * In a transaction, at most RT_IDEM_SETS of it: mem, of that size, becomes the
 * entry of a key that is not there; offset, epoch and time are for the caller
 * to set.
 */
#define RT_IDEM_SETS  3

void rt_idem_link(rt_idem_table_t *t, rt_txn_t *x, rt_idem_t *mem,
    void *owner, const rt_idem_key_t *k, uint64_t until);

/*
 * In a transaction: takes the oldest out if its time is over, for the caller to
 * free; else NULL.
 */
rt_idem_t *rt_idem_expire(rt_idem_table_t *t, rt_txn_t *x, uint64_t now);


#endif /* _RT_IDEM_H_INCLUDED_ */
