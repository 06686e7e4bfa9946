
/*
 * Flags: switches and percentages.  A set of them is an object of JSON,
 *
 *     {"beta": true, "router": {"percent": 25.5, "allow": ["u1"], "deny": []}}
 *
 * where a value is true, false or an object: "on" (a boolean) or "percent"
 * (0 to 100, two decimals; 0, if neither is said), "allow" and "deny" (keys).
 * What else belongs there ("by", "from", "key", "at": who has set it) is passed
 * over; anything else is an error.
 *
 * Names are the same in upper and lower case, and "-" is the same as "_", for a
 * variable of nginx has no other way to write them.
 */


#ifndef _RT_FLAG_H_INCLUDED_
#define _RT_FLAG_H_INCLUDED_


#include "rt_base.h"


#define RT_FLAG_MAX         64    /* of a set */
#define RT_FLAG_NAME_MAX    64    /* bytes */
#define RT_FLAG_KEYS_MAX    256   /* of a list */
#define RT_FLAG_KEY_MAX     255   /* bytes */
#define RT_FLAG_TEXT_MAX    65536 /* bytes of JSON */
#define RT_FLAG_ERROR_MAX   256   /* bytes of what is wrong, with its zero */

#define RT_FLAG_ALL         10000 /* a share is hundredths of a percent */


typedef struct {
    size_t           n;
    const rt_str_t  *keys;        /* sorted */
} rt_flag_keys_t;


typedef struct {
    rt_str_t         name;        /* folded */
    uint64_t         hash;        /* of it, the same on all machines */
    uint32_t         share;
    rt_flag_keys_t   allow;
    rt_flag_keys_t   deny;
} rt_flag_t;


typedef struct {
    size_t           nflags;
    rt_flag_t       *flags;
} rt_flags_t;


/*
 * Parses a set into mem, of rt_flags_size() bytes, aligned as malloc() does,
 * which keeps all of it; the text is not changed.  NULL: error, of
 * RT_FLAG_ERROR_MAX bytes, says where and why, in ASCII:
 * "flags.beta.percent: 0 to 100 expected, got 120".
 */
size_t rt_flags_size(const uint8_t *text, size_t len);
rt_flags_t *rt_flags_parse(void *mem, const uint8_t *text, size_t len,
    char *error);

/* NULL: there is none of that name */
const rt_flag_t *rt_flags_find(const rt_flags_t *set, const uint8_t *name,
    size_t len);

/*
 * Is it on for that key?  deny stands above allow, and allow above the share;
 * an empty key has no part in a share that is not all.  The share has the keys
 * with SipHash-1-3(key) mod 10000 < share, where k0 of the secret is the
 * name's SipHash-1-3, of the secret 0, and k1 is 0: so a key stays what it is,
 * nobody falls out of a share that grows, and flags are independent.
 */
bool rt_flag_on(const rt_flag_t *flag, const uint8_t *key, size_t len);

/* letters, digits, "_" and "-", 1 to 64 of them */
bool rt_flag_name_valid(const uint8_t *name, size_t len);

/* a flag without lists; name is folded where it is, and kept */
void rt_flag_init(rt_flag_t *flag, rt_str_t *name, uint32_t share);

/* "25.5": 0 to 100, with up to two decimals */
bool rt_flag_share(const uint8_t *p, size_t len, uint32_t *share);


#endif /* _RT_FLAG_H_INCLUDED_ */
