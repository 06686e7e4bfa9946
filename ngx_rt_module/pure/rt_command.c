
/*
 * The bounded writer.  Called by the codecs and by whoever builds answers of
 * its own (the control API); owns nothing, the memory is the caller's.  No
 * locking: no state.
 */


#include "rt_command.h"
#include "rt_json.h"


#define RT_OUT_DIGITS  20         /* of 2^64 - 1 */


static uint8_t *rt_out_reserve(rt_out_t *o, size_t len);


void
rt_out_init(rt_out_t *o, uint8_t *mem, size_t size)
{
    o->start = mem;
    o->pos = mem;
    o->end = size ? mem + size : mem;
    o->need = 0;
}


void
rt_out_bytes(rt_out_t *o, const void *p, size_t len)
{
    uint8_t  *dst;

    dst = rt_out_reserve(o, len);

    if (dst) {
        memcpy(dst, p, len);
    }
}


void
rt_out_uint(rt_out_t *o, uint64_t n)
{
    uint8_t   digits[RT_OUT_DIGITS];
    unsigned  i;

    i = RT_OUT_DIGITS;

    do {
        digits[--i] = (uint8_t) ('0' + n % 10);
        n /= 10;
    } while (n);

    rt_out_bytes(o, digits + i, RT_OUT_DIGITS - i);
}


void
rt_out_int(rt_out_t *o, int64_t n)
{
    if (n < 0) {
        rt_out_lit(o, "-");
        rt_out_uint(o, -(uint64_t) n);
        return;
    }

    rt_out_uint(o, (uint64_t) n);
}


void
rt_out_json_string(rt_out_t *o, const uint8_t *p, size_t len)
{
    uint8_t  *dst;

    rt_out_lit(o, "\"");

    dst = rt_out_reserve(o, rt_json_escape_len(p, len));

    if (dst) {
        (void) rt_json_escape(dst, p, len);
    }

    rt_out_lit(o, "\"");
}


/*
 * Counts len bytes and gives their place; NULL: none, or nothing to write.
 * After the first piece that did not fit, need is past the end, and no later
 * piece fits either.
 */
static uint8_t *
rt_out_reserve(rt_out_t *o, size_t len)
{
    uint8_t  *p;

    o->need += len;

    if (len == 0 || !rt_out_fits(o)) {
        return NULL;
    }

    p = o->pos;
    o->pos += len;

    return p;
}
