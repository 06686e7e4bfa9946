
/*
 * What the reader needs of strings; between rt_json.c and rt_json_text.c.
 */


#ifndef _RT_JSON_TEXT_H_INCLUDED_
#define _RT_JSON_TEXT_H_INCLUDED_


#include "rt_base.h"


/*
 * *pos is at an opening quote and comes to stand behind the closing one;
 * false: there is none, and *pos is where the string goes wrong.
 */
bool rt_json_quoted(uint8_t **pos, uint8_t *end);

/* in place; what stands between the quotes is known to be well-formed */
void rt_json_unescape(rt_str_t *s);


#endif /* _RT_JSON_TEXT_H_INCLUDED_ */
