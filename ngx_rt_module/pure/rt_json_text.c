
/*
 * JSON's strings: scanned by words, decoded in place, written back; and raw
 * line ends flattened.  Called by rt_json.c, the codec and the control API;
 * owns nothing.  No locking: no state.
 */


#include "rt_json.h"
#include "rt_json_text.h"


#define RT_JSON_ONES   0x0101010101010101
#define RT_JSON_HIGHS  0x8080808080808080


/* the byte behind a backslash, and what the two mean; 0: no such escape */
static const uint8_t  rt_json_escapes[256] = {
    ['"'] = '"',
    ['\\'] = '\\',
    ['/'] = '/',
    ['b'] = '\b',
    ['f'] = '\f',
    ['n'] = '\n',
    ['r'] = '\r',
    ['t'] = '\t'
};


/* the short escapes of bytes that must have one; the others take \u00XX */
static const uint8_t  rt_json_shorts[256] = {
    ['"'] = '"',
    ['\\'] = '\\',
    ['\b'] = 'b',
    ['\f'] = 'f',
    ['\n'] = 'n',
    ['\r'] = 'r',
    ['\t'] = 't'
};


static const uint8_t *rt_json_plain(const uint8_t *p, const uint8_t *end);
static size_t rt_json_escaped(const uint8_t *p, const uint8_t *end);
static const uint8_t *rt_json_unescape_u(const uint8_t *p, const uint8_t *end,
    uint32_t *code);
static uint32_t rt_json_hex4(const uint8_t *p);
static uint8_t *rt_json_utf8(uint8_t *p, uint32_t code);
static void rt_json_replace(uint8_t *p, size_t len, int c);


bool
rt_json_quoted(uint8_t **pos, uint8_t *end)
{
    size_t    n;
    uint8_t  *p;

    for (p = *pos + 1; /* void */ ; p += n) {
        p += rt_json_plain(p, end) - p;
        *pos = p;

        if (p == end) {
            return false;
        }

        if (*p == '"') {
            *pos = p + 1;
            return true;
        }

        n = rt_json_escaped(p, end);

        if (n == 0) {
            return false;
        }
    }
}


/* s is known to be well-formed; what is decoded is never longer */
void
rt_json_unescape(rt_str_t *s)
{
    size_t          n;
    uint8_t        *out;
    uint32_t        code;
    const uint8_t  *p, *end, *next;

    p = s->data;
    out = s->data;
    end = p + s->len;

    while ((next = memchr(p, '\\', end - p)) != NULL) {
        n = next - p;
        memmove(out, p, n);
        out += n;

        if (next[1] == 'u') {
            p = rt_json_unescape_u(next, end, &code);
            out = rt_json_utf8(out, code);

        } else {
            *out++ = rt_json_escapes[next[1]];
            p = next + 2;
        }
    }

    if (out < p) {
        n = end - p;
        memmove(out, p, n);
        s->len = out + n - s->data;
    }
}


size_t
rt_json_escape_len(const uint8_t *s, size_t len)
{
    size_t          n;
    const uint8_t  *end;

    n = len;
    end = len ? s + len : s;

    while ((s = rt_json_plain(s, end)) < end) {
        n += rt_json_shorts[*s++] ? 1 : 5;
    }

    return n;
}


uint8_t *
rt_json_escape(uint8_t *p, const uint8_t *s, size_t len)
{
    uint8_t         c;
    const uint8_t  *end, *next;

    if (len == 0) {
        return p;
    }

    for (end = s + len; /* void */ ; s = next + 1) {
        next = rt_json_plain(s, end);
        memcpy(p, s, next - s);
        p += next - s;

        if (next == end) {
            return p;
        }

        c = rt_json_shorts[*next];
        *p++ = '\\';

        if (c) {
            *p++ = c;
            continue;
        }

        *p++ = 'u';
        *p++ = '0';
        *p++ = '0';
        *p++ = (uint8_t) ('0' + (*next >> 4));
        *p++ = (uint8_t) "0123456789abcdef"[*next & 15];
    }
}


void
rt_json_flatten(uint8_t *p, size_t len)
{
    rt_json_replace(p, len, '\n');
    rt_json_replace(p, len, '\r');
}


/*
 * The first quote, backslash or control, by words.  A borrow in one of the
 * subtractions only ever adds a mark above a true one, so "any" is exact.
 */
static const uint8_t *
rt_json_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t  w, quote, slash;

    while (end - p >= 8) {
        memcpy(&w, p, sizeof(w));

        quote = w ^ RT_JSON_ONES * '"';
        slash = w ^ RT_JSON_ONES * '\\';

        if ((((quote - RT_JSON_ONES) & ~quote)
             | ((slash - RT_JSON_ONES) & ~slash)
             | ((w - RT_JSON_ONES * ' ') & ~w)) & RT_JSON_HIGHS)
        {
            break;
        }

        p += 8;
    }

    while (p < end && *p >= ' ' && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* p is at a backslash, or at a control: the bytes of the escape, 0: none */
static size_t
rt_json_escaped(const uint8_t *p, const uint8_t *end)
{
    int  i;

    if (*p != '\\' || end - p < 2) {
        return 0;
    }

    if (p[1] != 'u') {
        return rt_json_escapes[p[1]] ? 2 : 0;
    }

    if (end - p < 6) {
        return 0;
    }

    for (i = 2; i < 6; i++) {
        if (!((p[i] >= '0' && p[i] <= '9')
              || ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')))
        {
            return 0;
        }
    }

    return 6;
}


/* \uXXXX, or two of them that are a pair of surrogates */
static const uint8_t *
rt_json_unescape_u(const uint8_t *p, const uint8_t *end, uint32_t *code)
{
    uint32_t  high, low;

    high = rt_json_hex4(p + 2);
    p += 6;
    *code = high;

    if (high < 0xd800 || high > 0xdfff) {
        return p;
    }

    *code = 0xfffd;

    if (high > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return p;
    }

    low = rt_json_hex4(p + 2);

    if (low < 0xdc00 || low > 0xdfff) {
        return p;
    }

    *code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);

    return p + 6;
}


static uint32_t
rt_json_hex4(const uint8_t *p)
{
    int       i;
    uint32_t  n;

    n = 0;

    for (i = 0; i < 4; i++) {
        n = n * 16 + (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    }

    return n;
}


static uint8_t *
rt_json_utf8(uint8_t *p, uint32_t code)
{
    if (code < 0x80) {
        *p++ = (uint8_t) code;
        return p;
    }

    if (code < 0x800) {
        *p++ = (uint8_t) (0xc0 | code >> 6);
        *p++ = (uint8_t) (0x80 | (code & 0x3f));
        return p;
    }

    if (code < 0x10000) {
        *p++ = (uint8_t) (0xe0 | code >> 12);

    } else {
        *p++ = (uint8_t) (0xf0 | code >> 18);
        *p++ = (uint8_t) (0x80 | (code >> 12 & 0x3f));
    }

    *p++ = (uint8_t) (0x80 | (code >> 6 & 0x3f));
    *p++ = (uint8_t) (0x80 | (code & 0x3f));

    return p;
}


static void
rt_json_replace(uint8_t *p, size_t len, int c)
{
    uint8_t  *end;

    if (len == 0) {
        return;
    }

    end = p + len;

    while ((p = memchr(p, c, end - p)) != NULL) {
        *p++ = ' ';
    }
}
