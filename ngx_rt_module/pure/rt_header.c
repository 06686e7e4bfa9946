
/*
 * Values of HTTP headers.  Called by ngx_rt_header.c, ingress/ and control/;
 * calls nothing.  No locking: no state.
 */


#include "rt_header.h"


#define rt_header_space(c)  ((c) == ' ' || (c) == '\t')


static uint8_t rt_header_lower(uint8_t c);
static bool rt_header_base64(uint8_t c);


bool
rt_header_eq(const uint8_t *p, size_t len, const char *z)
{
    return strlen(z) == len && rt_header_same(p, (const uint8_t *) z, len);
}


bool
rt_header_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (rt_header_lower(a[i]) != rt_header_lower(b[i])) {
            return false;
        }
    }

    return true;
}


bool
rt_header_token(const rt_str_t *list, const char *token)
{
    size_t  i, start, end;

    for (i = 0; i < list->len; i++) {

        start = i;

        while (i < list->len && list->data[i] != ',') {
            i++;
        }

        end = i;

        while (start < end && rt_header_space(list->data[start])) {
            start++;
        }

        while (end > start && rt_header_space(list->data[end - 1])) {
            end--;
        }

        if (end > start
            && rt_header_eq(list->data + start, end - start, token))
        {
            return true;
        }
    }

    return false;
}


bool
rt_header_type(const rt_str_t *value, const char *type)
{
    size_t  len;

    len = strlen(type);

    if (value->len < len || !rt_header_eq(value->data, len, type)) {
        return false;
    }

    return value->len == len || value->data[len] == ';'
           || rt_header_space(value->data[len]);
}


bool
rt_header_credentials(const rt_str_t *value, const char *scheme,
    rt_str_t *credentials)
{
    size_t  len;

    len = strlen(scheme);

    if (value->len <= len || value->data[len] != ' '
        || !rt_header_eq(value->data, len, scheme))
    {
        return false;
    }

    while (len < value->len && value->data[len] == ' ') {
        len++;
    }

    credentials->data = value->data + len;
    credentials->len = value->len - len;

    return true;
}


bool
rt_header_key_valid(const rt_str_t *key)
{
    size_t  i;

    if (key->len != RT_HEADER_KEY_LEN) {
        return false;
    }

    for (i = 0; i < RT_HEADER_KEY_LEN - 2; i++) {
        if (!rt_header_base64(key->data[i])) {
            return false;
        }
    }

    return key->data[i] == '=' && key->data[i + 1] == '=';
}


static uint8_t
rt_header_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}


static bool
rt_header_base64(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9') || c == '+' || c == '/';
}
