
/*
 * What stands in HTTP headers (RFC 9110): lists of tokens, media types,
 * credentials, and the key of a WebSocket handshake.
 */


#ifndef _RT_HEADER_H_INCLUDED_
#define _RT_HEADER_H_INCLUDED_


#include "rt_base.h"


#define RT_HEADER_KEY_LEN  24     /* 16 bytes in base64 */


/* ASCII letters are the same in both cases; z is terminated */
bool rt_header_eq(const uint8_t *p, size_t len, const char *z);
bool rt_header_same(const uint8_t *a, const uint8_t *b, size_t len);

/* does a list ("a, b") have this token? */
bool rt_header_token(const rt_str_t *list, const char *token);

/* is it of this media type, whatever its parameters? */
bool rt_header_type(const rt_str_t *value, const char *type);

/* the credentials of that scheme; false: it is another */
bool rt_header_credentials(const rt_str_t *value, const char *scheme,
    rt_str_t *credentials);

/* Sec-WebSocket-Key (RFC 6455, section 4.1): 16 bytes in base64 */
bool rt_header_key_valid(const rt_str_t *key);


#endif /* _RT_HEADER_H_INCLUDED_ */
