
/*
 * JSON (RFC 8259) read in one pass over the text itself: envelopes are walked,
 * everything else is checked and handed out as the bytes that it is.  Strict:
 * what the grammar does not allow is an error.  No tree, no memory.  That the
 * text is UTF-8 is for the caller to check, before.
 */


#ifndef _RT_JSON_H_INCLUDED_
#define _RT_JSON_H_INCLUDED_


#include "rt_base.h"


/*
 * Nesting of arrays and objects.  rt_json_value counts from the value that it
 * takes, so that a payload is as deep in one envelope as in another; the
 * containers that are walked have their own count, with the same bound.
 */
#define RT_JSON_DEPTH_MAX   64


typedef enum {
    RT_JSON_NONE = 0,
    RT_JSON_NULL,
    RT_JSON_BOOL,
    RT_JSON_NUMBER,
    RT_JSON_STRING,
    RT_JSON_ARRAY,
    RT_JSON_OBJECT
} rt_json_type_t;


typedef enum {
    RT_JSON_OK = 0,
    RT_JSON_SYNTAX,               /* not JSON, or not of the type asked for */
    RT_JSON_DEEP                  /* nested deeper than RT_JSON_DEPTH_MAX */
} rt_json_error_t;


/* a value as it stands in the text, quotes and all */
typedef struct {
    rt_json_type_t   type;
    uint8_t         *data;
    size_t           len;
} rt_json_value_t;


/*
 * A reader stands before a value or behind it.  After the first error every
 * call answers false (or NONE) and .error stays; .pos is near the culprit.
 */
typedef struct {
    uint8_t         *pos;
    uint8_t         *end;
    unsigned         depth;
    bool             first;       /* just behind an opening bracket */
    rt_json_error_t  error;
} rt_json_t;


void rt_json_init(rt_json_t *j, uint8_t *text, size_t len);

/*
 * What the next value is, by its first byte; consumes nothing but white
 * space.  NONE: no value can begin here.
 */
rt_json_type_t rt_json_peek(rt_json_t *j);

/*
 * Any value: checks it, consumes it, gives its span.  RT_JSON_DEEP alone
 * leaves the reader behind the value, which is well-formed, and *v set: to
 * pass over it, set .error to RT_JSON_OK and go on.  It takes no memory,
 * however deep it is: what is far beyond the bound is emptied in the text.
 */
bool rt_json_value(rt_json_t *j, rt_json_value_t *v);

/* passes over any value, however deep */
bool rt_json_skip(rt_json_t *j);

/*
 * Walking:  if (rt_json_object(j)) while (rt_json_key(j, &key)) { take the
 * value by one of these calls }.  key comes decoded, in place.  At the closing
 * brace rt_json_key consumes it and answers false; tell it from an error by
 * j->error.  Arrays: rt_json_array, rt_json_item.
 */
bool rt_json_object(rt_json_t *j);
bool rt_json_key(rt_json_t *j, rt_str_t *key);

/* the same, and nothing is changed: the name as it stands between its quotes */
bool rt_json_name(rt_json_t *j, rt_str_t *raw);

bool rt_json_array(rt_json_t *j);
bool rt_json_item(rt_json_t *j);

/*
 * Typed values.  false: of another type or out of range (then .error is set:
 * the text may be JSON, but not what was asked for).
 * rt_json_string decodes escapes in place: the text is changed, the span is
 * shorter.  A lone surrogate escape becomes U+FFFD, \u0000 a zero byte.
 * Integers are written as integers: 1.0 and 1e0 are none.
 */
bool rt_json_string(rt_json_t *j, rt_str_t *s);
bool rt_json_bool(rt_json_t *j, bool *b);
bool rt_json_uint64(rt_json_t *j, uint64_t *n);
bool rt_json_uint32(rt_json_t *j, uint32_t *n);
bool rt_json_int64(rt_json_t *j, int64_t *n);

/* true: nothing but white space, which is consumed, is left */
bool rt_json_end(rt_json_t *j);


/* the length of s as a JSON string without its quotes, and its bytes there */
size_t rt_json_escape_len(const uint8_t *s, size_t len);
uint8_t *rt_json_escape(uint8_t *p, const uint8_t *s, size_t len);

/* in place: raw CR and LF (only ever between tokens) become spaces */
void rt_json_flatten(uint8_t *p, size_t len);


#endif /* _RT_JSON_H_INCLUDED_ */
