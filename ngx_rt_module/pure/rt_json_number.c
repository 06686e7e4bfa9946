
/*
 * Numbers of JSON.  Called by rt_json.c, which passes over them, and by whoever
 * wants a whole one.  Owns nothing.  No locking: no state.
 */


#include "rt_json.h"
#include "rt_json_text.h"


static bool rt_json_digits(rt_json_t *j);
static bool rt_json_integer(rt_json_t *j, bool *negative, uint64_t *n);


bool
rt_json_uint64(rt_json_t *j, uint64_t *n)
{
    bool      negative;
    uint64_t  u;

    if (!rt_json_integer(j, &negative, &u)) {
        return false;
    }

    if (negative) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    *n = u;

    return true;
}


bool
rt_json_uint32(rt_json_t *j, uint32_t *n)
{
    uint64_t  u;

    if (!rt_json_uint64(j, &u)) {
        return false;
    }

    if (u > UINT32_MAX) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    *n = (uint32_t) u;

    return true;
}


bool
rt_json_int64(rt_json_t *j, int64_t *n)
{
    bool      negative;
    uint64_t  u;

    if (!rt_json_integer(j, &negative, &u)) {
        return false;
    }

    if (u > (uint64_t) INT64_MAX + negative) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    *n = (int64_t) (negative ? -u : u);

    return true;
}


static bool
rt_json_integer(rt_json_t *j, bool *negative, uint64_t *n)
{
    uint8_t   *p;
    uint64_t   u;

    if (rt_json_peek(j) != RT_JSON_NUMBER) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    p = j->pos;

    if (!rt_json_skip_number(j)) {
        return false;
    }

    *negative = (*p == '-');
    p += *negative;

    for (u = 0; p < j->pos; p++) {
        if (*p < '0' || *p > '9'
            || __builtin_mul_overflow(u, (uint64_t) 10, &u)
            || __builtin_add_overflow(u, (uint64_t) (*p - '0'), &u))
        {
            return rt_json_fail(j, RT_JSON_SYNTAX);
        }
    }

    *n = u;

    return true;
}


/* pos is at the sign or the first digit */
bool
rt_json_skip_number(rt_json_t *j)
{
    if (*j->pos == '-') {
        j->pos++;
    }

    if (j->pos < j->end && *j->pos == '0') {
        j->pos++;

    } else if (!rt_json_digits(j)) {
        return false;
    }

    if (j->pos < j->end && *j->pos == '.') {
        j->pos++;

        if (!rt_json_digits(j)) {
            return false;
        }
    }

    if (j->pos < j->end && (*j->pos == 'e' || *j->pos == 'E')) {
        j->pos++;

        if (j->pos < j->end && (*j->pos == '+' || *j->pos == '-')) {
            j->pos++;
        }

        return rt_json_digits(j);
    }

    return true;
}


/* at least one */
static bool
rt_json_digits(rt_json_t *j)
{
    uint8_t  *start;

    start = j->pos;

    while (j->pos < j->end && *j->pos >= '0' && *j->pos <= '9') {
        j->pos++;
    }

    return j->pos > start ? true : rt_json_fail(j, RT_JSON_SYNTAX);
}
