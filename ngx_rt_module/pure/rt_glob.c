
/*
 * Patterns of channels.  Called by control/; calls nothing.  No locking: no
 * state.
 */


#include "rt_glob.h"


static const uint8_t *rt_glob_char(const uint8_t *s, const uint8_t *end);


size_t
rt_glob_prefix(const rt_str_t *pattern)
{
    size_t  i;

    for (i = 0; i < pattern->len; i++) {
        if (pattern->data[i] == '*' || pattern->data[i] == '?'
            || pattern->data[i] == '\\')
        {
            break;
        }
    }

    return i;
}


/*
 * On a mismatch the last star takes one more: that is enough, for an earlier
 * star could only give the later one less to choose from.
 */

bool
rt_glob_match(const rt_str_t *pattern, const uint8_t *s, size_t len)
{
    const uint8_t  *p, *pe, *e, *star, *mark;

    p = pattern->data;
    pe = pattern->len ? p + pattern->len : p;
    e = len ? s + len : s;
    star = NULL;
    mark = NULL;

    while (s < e) {

        if (p < pe && *p == '*') {
            star = ++p;
            mark = s;
            continue;
        }

        if (p < pe && *p == '?') {
            p++;
            s = rt_glob_char(s, e);
            continue;
        }

        if (pe - p > 1 && *p == '\\' && p[1] == *s) {
            p += 2;
            s++;
            continue;
        }

        if (p < pe && *p != '\\' && *p == *s) {
            p++;
            s++;
            continue;
        }

        if (star == NULL) {
            return false;
        }

        p = star;
        mark = rt_glob_char(mark, e);
        s = mark;
    }

    while (p < pe && *p == '*') {
        p++;
    }

    return p == pe;
}


/* behind one character of UTF-8 */

static const uint8_t *
rt_glob_char(const uint8_t *s, const uint8_t *end)
{
    do {
        s++;
    } while (s < end && (*s & 0xc0) == 0x80);

    return s;
}
