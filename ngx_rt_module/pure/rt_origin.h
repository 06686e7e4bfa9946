
/*
 * Origins (RFC 6454): SCHEME://HOST[:PORT], "null", and the patterns for them,
 * in which a host may begin with "*." and which may be "*" or "null".
 */


#ifndef _RT_ORIGIN_H_INCLUDED_
#define _RT_ORIGIN_H_INCLUDED_


#include "rt_base.h"


bool rt_origin_pattern_valid(const rt_str_t *pattern);

/* "*." is one label or more; cases do not matter, ports do */
bool rt_origin_match(const rt_str_t *origin, const rt_str_t *pattern);

/*
 * Is it that of a request to this host (a Host header's value), with or
 * without TLS?  The scheme's default port says nothing.
 */
bool rt_origin_same(const rt_str_t *origin, const rt_str_t *host, bool tls);


#endif /* _RT_ORIGIN_H_INCLUDED_ */
