
/*
 * Percent-encoding, as in the path and the arguments of a URI (RFC 3986).
 */


#ifndef _RT_PERCENT_H_INCLUDED_
#define _RT_PERCENT_H_INCLUDED_


#include "rt_base.h"


/*
 * Decodes in place.  false: a percent sign has no two hexadecimal digits behind
 * it; s is as good as lost then.
 */
bool rt_percent_decode(rt_str_t *s);


#endif /* _RT_PERCENT_H_INCLUDED_ */
