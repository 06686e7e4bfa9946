
/*
 * Patterns of channels: '*' is any run of characters, '?' is one of them (of
 * UTF-8), a backslash takes the next one as it is.
 */


#ifndef _RT_GLOB_H_INCLUDED_
#define _RT_GLOB_H_INCLUDED_


#include "rt_base.h"


/* how much of the pattern's beginning stands for itself */
size_t rt_glob_prefix(const rt_str_t *pattern);

/* does the whole of s match?  takes at most len(pattern) * len steps */
bool rt_glob_match(const rt_str_t *pattern, const uint8_t *s, size_t len);


#endif /* _RT_GLOB_H_INCLUDED_ */
