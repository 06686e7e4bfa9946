
/*
 * What the reader needs of strings and numbers; between rt_json.c,
 * rt_json_text.c and rt_json_number.c.
 */


#ifndef _RT_JSON_TEXT_H_INCLUDED_
#define _RT_JSON_TEXT_H_INCLUDED_


#include "rt_json.h"


/*
 * *pos is at an opening quote and comes to stand behind the closing one;
 * false: there is none, and *pos is where the string goes wrong.
 */
bool rt_json_quoted(uint8_t **pos, uint8_t *end);

/* in place; what stands between the quotes is known to be well-formed */
void rt_json_unescape(rt_str_t *s);

/* past a number; pos is at the sign or the first digit */
bool rt_json_skip_number(rt_json_t *j);

/* always false: the first error stays */
static inline bool
rt_json_fail(rt_json_t *j, rt_json_error_t error)
{
    if (j->error == RT_JSON_OK) {
        j->error = error;
    }

    return false;
}


#endif /* _RT_JSON_TEXT_H_INCLUDED_ */
