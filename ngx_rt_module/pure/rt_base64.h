
/*
 * Base64 (RFC 4648), read strictly: one alphabet, no blanks, no bits left
 * over, so that each text has one meaning and each meaning one text.
 */


#ifndef _RT_BASE64_H_INCLUDED_
#define _RT_BASE64_H_INCLUDED_


#include "rt_base.h"


/* of len characters at most; dst may be src, what is written is shorter */
#define rt_base64_size(len)  ((len) / 4 * 3 + 2)


/* with "+", "/" and its padding; with "-", "_" and none */
bool rt_base64_decode(uint8_t *dst, const uint8_t *src, size_t len,
    rt_str_t *out);
bool rt_base64url_decode(uint8_t *dst, const uint8_t *src, size_t len,
    rt_str_t *out);


#endif /* _RT_BASE64_H_INCLUDED_ */
