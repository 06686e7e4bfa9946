
/*
 * UTF-8 as it arrives (RFC 3629).  Called by rt_frame.c for text and close
 * reasons, and by whoever takes text from elsewhere.  Calls nothing, keeps
 * its state in the caller's rt_utf8_t, knows no locks.
 *
 * Two looks at the same rule.  The narrow one goes byte by byte and knows
 * what may come next.  The wide one judges 16 bytes at once, each by itself
 * and the three before it, so a block may begin and end inside a character
 * and may overlap the block before.  ASCII is passed over without either.
 */


#include "rt_utf8.h"


#define RT_UTF8_BLOCK   16
#define RT_UTF8_BEFORE  3         /* bytes that a block looks back at */
#define RT_UTF8_HIGH    0x8080808080808080ull


typedef uint8_t  rt_utf8_block_t __attribute__((vector_size(RT_UTF8_BLOCK)));


static bool rt_utf8_narrow(rt_utf8_t *u, const uint8_t *p,
    const uint8_t *end);
static bool rt_utf8_lead(rt_utf8_t *u, uint8_t c);
static bool rt_utf8_wide(const uint8_t *p, const uint8_t *end, bool between);
static bool rt_utf8_block(const uint8_t *p);
static bool rt_utf8_block_ascii(const uint8_t *p);
static const uint8_t *rt_utf8_tail(const uint8_t *end);


bool
rt_utf8_feed(rt_utf8_t *u, const uint8_t *p, size_t len)
{
    const uint8_t  *end, *wide;

    if (len < RT_UTF8_BEFORE + RT_UTF8_BLOCK) {
        return len == 0 || rt_utf8_narrow(u, p, p + len);
    }

    end = p + len;
    wide = p + RT_UTF8_BEFORE;

    /* ends a character that was cut: it lacks at most three bytes */

    if (!rt_utf8_narrow(u, p, wide)
        || !rt_utf8_wide(wide, end, u->left == 0))
    {
        return false;
    }

    u->left = 0;

    return rt_utf8_narrow(u, rt_utf8_tail(end), end);
}


bool
rt_utf8_valid(const uint8_t *p, size_t len)
{
    rt_utf8_t  u;

    memset(&u, 0, sizeof(u));

    return rt_utf8_feed(&u, p, len) && rt_utf8_complete(&u);
}


static bool
rt_utf8_narrow(rt_utf8_t *u, const uint8_t *p, const uint8_t *end)
{
    for ( /* void */ ; p < end; p++) {

        if (u->left) {
            if (*p < u->low || *p > u->high) {
                return false;
            }

            u->left--;
            u->low = 0x80;
            u->high = 0xBF;

        } else if (*p >= 0x80 && !rt_utf8_lead(u, *p)) {
            return false;
        }
    }

    return true;
}


/* the second byte's bounds keep out overlong forms, surrogates, > 10FFFF */

static bool
rt_utf8_lead(rt_utf8_t *u, uint8_t c)
{
    if (c < 0xC2 || c > 0xF4) {
        return false;
    }

    u->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    u->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    u->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;

    return true;
}


/*
 * At least one block, with RT_UTF8_BEFORE bytes before it.  between: no
 * character is open at p.  What is left at the end lies in one more block,
 * moved back so that it fits.
 */

static bool
rt_utf8_wide(const uint8_t *p, const uint8_t *end, bool between)
{
    bool  ascii;

    while (p < end) {

        if (end - p < RT_UTF8_BLOCK) {
            p = end - RT_UTF8_BLOCK;
        }

        ascii = rt_utf8_block_ascii(p);

        if (!(ascii && between) && !rt_utf8_block(p)) {
            return false;
        }

        between = ascii;
        p += RT_UTF8_BLOCK;
    }

    return true;
}


static bool
rt_utf8_block(const uint8_t *p)
{
    uint64_t         half[2];
    rt_utf8_block_t  c, p1, p2, p3, bad;

    memcpy(&c, p, sizeof(c));
    memcpy(&p1, p - 1, sizeof(c));
    memcpy(&p2, p - 2, sizeof(c));
    memcpy(&p3, p - 3, sizeof(c));

    /* a continuation is where one is due, and nowhere else */

    bad = (rt_utf8_block_t) (((c & 0xC0) == 0x80)
                             ^ ((p1 >= 0xC0) | (p2 >= 0xE0) | (p3 >= 0xF0)));

    /* bytes that are never there, then rt_utf8_lead()'s bounds */

    bad |= (rt_utf8_block_t) (((c & 0xFE) == 0xC0) | (c >= 0xF5));

    bad |= (rt_utf8_block_t) (((p1 == 0xE0) & (c < 0xA0))
                              | ((p1 == 0xED) & (c >= 0xA0))
                              | ((p1 == 0xF0) & (c < 0x90))
                              | ((p1 == 0xF4) & (c >= 0x90)));

    memcpy(half, &bad, sizeof(half));

    return (half[0] | half[1]) == 0;
}


static bool
rt_utf8_block_ascii(const uint8_t *p)
{
    uint64_t  half[2];

    memcpy(half, p, sizeof(half));

    return ((half[0] | half[1]) & RT_UTF8_HIGH) == 0;
}


/* where the character begins that the end may have cut; the text is checked */

static const uint8_t *
rt_utf8_tail(const uint8_t *end)
{
    if (end[-1] >= 0xC0) {
        return end - 1;
    }

    if (end[-2] >= 0xE0) {
        return end - 2;
    }

    if (end[-3] >= 0xF0) {
        return end - 3;
    }

    return end;
}
