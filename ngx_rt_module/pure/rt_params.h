
/*
 * The parameters of an API's method: a JSON object read into a struct by a
 * table that says which members there are.
 */


#ifndef _RT_PARAMS_H_INCLUDED_
#define _RT_PARAMS_H_INCLUDED_


#include "rt_base.h"
#include "rt_json.h"


typedef enum {
    RT_PARAM_STRING = 0,          /* rt_str_t, decoded in the text */
    RT_PARAM_BOOL,                /* bool */
    RT_PARAM_COUNT,               /* uint64_t */
    RT_PARAM_INT,                 /* int64_t */
    RT_PARAM_VALUE,               /* rt_json_value_t, as it stands there */
    RT_PARAM_ARRAY,               /* the same */
    RT_PARAM_OBJECT               /* the same */
} rt_param_type_t;


/* a table of them ends with a name of length 0 */
typedef struct {
    rt_str_t         name;        /* a literal */
    rt_param_type_t  type;
    size_t           offset;      /* in the struct */
} rt_param_t;


/* why: NULL if there is none; sentences and names are literals */
typedef struct {
    const char      *why;
    const char      *param;       /* at fault, NULL: all of it */
    bool             malformed;   /* it is no JSON, or of another type */
} rt_params_fault_t;


/*
 * Reads an object, which has to be all that is left in j, into *to, which the
 * caller has zeroed; what is not said, or null, stays zero, and members that
 * are not in the table are passed over.  Of a member said twice the last one
 * counts.
 *
 * A parameter nested too deep is a fault, but the text is read on; an array
 * is none, for its items are judged one by one.  Anything malformed ends the
 * reading, and is the fault that is told.
 */
void rt_params_read(rt_json_t *j, const rt_param_t *params, void *to,
    rt_params_fault_t *fault);


#endif /* _RT_PARAMS_H_INCLUDED_ */
