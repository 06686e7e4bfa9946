
/*
 * Percent-encoding: see rt_percent.h.
 *
 * Called by control/; calls nothing.  No locking: no state.
 */


#include "rt_percent.h"


static int rt_percent_digit(uint8_t ch);


bool
rt_percent_decode(rt_str_t *s)
{
    int      hi, lo;
    size_t   i;
    uint8_t  *p;

    p = s->data;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] != '%') {
            *p++ = s->data[i];
            continue;
        }

        if (s->len - i < 3) {
            return false;
        }

        hi = rt_percent_digit(s->data[i + 1]);
        lo = rt_percent_digit(s->data[i + 2]);

        if (hi < 0 || lo < 0) {
            return false;
        }

        *p++ = (uint8_t) (hi << 4 | lo);
        i += 2;
    }

    s->len = p - s->data;

    return true;
}


static int
rt_percent_digit(uint8_t ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}
