
/*
 * The names of what a tenant has in Redis: keys and channels of pub/sub.  They
 * are readable in redis-cli, and no two of them meet.
 */


#ifndef _RT_STREAM_KEY_H_INCLUDED_
#define _RT_STREAM_KEY_H_INCLUDED_


#include "rt_base.h"


typedef enum {
    RT_KEY_CHANNEL = 0,           /* rt:{TENANT}:channel:NAME, a stream */
    RT_KEY_META,                  /* rt:{TENANT}:meta:NAME, its top and epoch */
    RT_KEY_BUS,                   /* rt:{TENANT}:bus:NAME, of pub/sub */
    RT_KEY_IDEM,                  /* rt:{TENANT}:idem:NAME:ID, a first result */
    RT_KEY_EVENT,                 /* rt:{TENANT}:event:NAME:ID, its status */
    RT_KEY_SIZES,                 /* rt:{TENANT}:sizes, of streams; no name */
    RT_KEY_ENDS,                  /* rt:{TENANT}:ends, of them; the same */
    RT_KEY_CONFIG,                /* rt:{TENANT}:config, settings; the same */
    RT_KEY_AUDIT                  /* rt:{TENANT}:audit, their changes; the
                                     same */
} rt_key_kind_t;


/* bytes, of a tenant and a name of so many; id: 0 for kinds without one */
#define rt_stream_key_max(tenant, name, id)                                   \
    (sizeof("rt:{}:channel::") + 3 * (tenant) + 3 * (name) + (id))


/*
 * Writes it and returns how many bytes it has.  The tenant is not empty: it is
 * the hash tag, by which a cluster keeps together all that a script touches.
 * name: empty for kinds without one; id: NULL for kinds without one.
 */
size_t rt_stream_key(uint8_t *buf, rt_key_kind_t kind, const rt_str_t *tenant,
    const rt_str_t *name, const rt_str_t *id);

/*
 * The way back, for kinds without an id: tenant is decoded in place, both point
 * into the key.  false: it is no such name.
 */
bool rt_stream_key_parse(rt_str_t *key, rt_key_kind_t kind, rt_str_t *tenant,
    rt_str_t *name);


#endif /* _RT_STREAM_KEY_H_INCLUDED_ */
