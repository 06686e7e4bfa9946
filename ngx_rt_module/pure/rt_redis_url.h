
/*
 * Where a Redis is, as a URL:
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]
 *     rediss://...                               the same, with TLS
 *     unix:PATH[?db=DB]                          unix:///PATH, too
 *
 * What is not plain text is percent-encoded (RFC 3986).
 */


#ifndef _RT_REDIS_URL_H_INCLUDED_
#define _RT_REDIS_URL_H_INCLUDED_


#include "rt_base.h"


#define RT_REDIS_PORT  6379


typedef struct {
    bool        tls;
    rt_str_t    user;             /* empty: the default one */
    rt_str_t    password;         /* empty: there is none */
    rt_str_t    host;             /* an IPv6 address without its brackets */
    rt_str_t    path;             /* of a socket, instead of a host */
    unsigned    port;
    unsigned    db;
    bool        ipv6;
} rt_redis_url_t;


/*
 * The parts lie in buf, decoded, each with a zero behind it; there must be room
 * for the text's bytes and 4 more.  Returns NULL, or a sentence that says
 * what to write, which never has a part of the text in it.
 */
const char *rt_redis_url_parse(rt_redis_url_t *u, uint8_t *buf,
    const rt_str_t *text);


#endif /* _RT_REDIS_URL_H_INCLUDED_ */
