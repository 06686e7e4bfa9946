
/*
 * Names in Redis: see rt_stream_key.h.  Some bytes are percent-encoded where
 * they would end a part too early: braces in the hash tag, colons in a name
 * that an id follows, and the percent sign in both.  What stands last is as it
 * is.
 *
 * Called by stream/; calls nothing.  No locking: no state.
 */


#include "rt_stream_key.h"


static uint8_t *rt_stream_key_escape(uint8_t *p, const rt_str_t *s,
    const char *unsafe);
static bool rt_stream_key_unescape(rt_str_t *s, const char *unsafe);
static int rt_stream_key_digit(uint8_t ch);


static const rt_str_t  rt_stream_key_kinds[] = {
    rt_string("}:channel:"),
    rt_string("}:meta:"),
    rt_string("}:bus:"),
    rt_string("}:idem:"),
    rt_string("}:event:"),
    rt_string("}:sizes"),
    rt_string("}:ends"),
    rt_string("}:config"),
    rt_string("}:audit")
};


#define RT_KEY_HEAD    "rt:{"
#define RT_KEY_TENANT  "{}%"
#define RT_KEY_NAME    ":%"


size_t
rt_stream_key(uint8_t *buf, rt_key_kind_t kind, const rt_str_t *tenant,
    const rt_str_t *name, const rt_str_t *id)
{
    uint8_t         *p;
    const rt_str_t  *s;

    s = &rt_stream_key_kinds[kind];

    p = rt_append(buf, RT_KEY_HEAD, sizeof(RT_KEY_HEAD) - 1);
    p = rt_stream_key_escape(p, tenant, RT_KEY_TENANT);
    p = rt_append(p, s->data, s->len);

    if (id == NULL) {
        return rt_append(p, name->data, name->len) - buf;
    }

    p = rt_stream_key_escape(p, name, RT_KEY_NAME);
    *p++ = ':';

    return rt_append(p, id->data, id->len) - buf;
}


static uint8_t *
rt_stream_key_escape(uint8_t *p, const rt_str_t *s, const char *unsafe)
{
    size_t   i;
    uint8_t  ch;

    static const char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ch && strchr(unsafe, ch)) {
            *p++ = '%';
            *p++ = hex[ch >> 4];
            *p++ = hex[ch & 15];
            continue;
        }

        *p++ = ch;
    }

    return p;
}


bool
rt_stream_key_parse(rt_str_t *key, rt_key_kind_t kind, rt_str_t *tenant,
    rt_str_t *name)
{
    size_t           head;
    uint8_t         *p;
    const rt_str_t  *s;

    head = sizeof(RT_KEY_HEAD) - 1;

    if (key->len < head || memcmp(key->data, RT_KEY_HEAD, head) != 0) {
        return false;
    }

    tenant->data = key->data + head;

    p = memchr(tenant->data, '}', key->len - head);

    if (p == NULL) {
        return false;
    }

    tenant->len = p - tenant->data;

    s = &rt_stream_key_kinds[kind];

    name->len = key->data + key->len - p;

    if (name->len < s->len || memcmp(p, s->data, s->len) != 0) {
        return false;
    }

    name->data = p + s->len;
    name->len -= s->len;

    return tenant->len && rt_stream_key_unescape(tenant, RT_KEY_TENANT);
}


/* only what we would have written: two names are never one */

static bool
rt_stream_key_unescape(rt_str_t *s, const char *unsafe)
{
    int      hi, lo;
    size_t   i;
    uint8_t  *p, ch;

    p = s->data;

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ch == '%') {

            if (s->len - i < 3) {
                return false;
            }

            hi = rt_stream_key_digit(s->data[i + 1]);
            lo = rt_stream_key_digit(s->data[i + 2]);

            if (hi < 0 || lo < 0) {
                return false;
            }

            ch = (uint8_t) (hi << 4 | lo);
            i += 2;

            if (ch == 0 || strchr(unsafe, ch) == NULL) {
                return false;
            }

        } else if (ch && strchr(unsafe, ch)) {
            return false;
        }

        *p++ = ch;
    }

    s->len = p - s->data;

    return true;
}


static int
rt_stream_key_digit(uint8_t ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}
