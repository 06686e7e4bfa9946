
/*
 * Base64.  Called by the tokens' reader.  Owns nothing.  No locking: no state.
 */


#include "rt_base64.h"


static bool rt_base64_groups(uint8_t *dst, const uint8_t *src, size_t len,
    const char *last, rt_str_t *out);
static int rt_base64_value(uint8_t c, const char *last);


bool
rt_base64_decode(uint8_t *dst, const uint8_t *src, size_t len, rt_str_t *out)
{
    if (len % 4) {
        return false;
    }

    if (len && src[len - 1] == '=') {
        len -= src[len - 2] == '=' ? 2 : 1;
    }

    return rt_base64_groups(dst, src, len, "+/", out);
}


bool
rt_base64url_decode(uint8_t *dst, const uint8_t *src, size_t len,
    rt_str_t *out)
{
    return rt_base64_groups(dst, src, len, "-_", out);
}


static bool
rt_base64_groups(uint8_t *dst, const uint8_t *src, size_t len,
    const char *last, rt_str_t *out)
{
    int        v;
    size_t     i;
    uint8_t   *p;
    uint32_t   bits;
    unsigned   n;

    p = dst;
    bits = 0;
    n = 0;

    for (i = 0; i < len; i++) {
        v = rt_base64_value(src[i], last);

        if (v < 0) {
            return false;
        }

        bits = bits << 6 | (uint32_t) v;
        n += 6;

        if (n >= 8) {
            n -= 8;
            *p++ = (uint8_t) (bits >> n);
            bits &= (1u << n) - 1;
        }
    }

    /* 6: a single character is left; bits: those left over are not zero */

    if (n == 6 || bits) {
        return false;
    }

    out->data = dst;
    out->len = p - dst;

    return true;
}


/* last: the characters of 62 and 63 */
static int
rt_base64_value(uint8_t c, const char *last)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == (uint8_t) last[0]) {
        return 62;
    }

    return c == (uint8_t) last[1] ? 63 : -1;
}
