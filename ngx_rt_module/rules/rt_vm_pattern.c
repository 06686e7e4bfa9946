
/*
 * Called by rt_vm_string.c.  The recursion is as deep as the pattern has
 * items, whatever the text is.
 */


#include <ctype.h>

#include "rt_vm_pattern.h"


static void rt_vm_pattern_item(rt_vm_pattern_t *m, const uint8_t **pos,
    const uint8_t *end);
static void rt_vm_pattern_percent(rt_vm_pattern_t *m, rt_vm_item_t *item,
    const uint8_t **pos, const uint8_t *end);
static const uint8_t *rt_vm_pattern_set(rt_vm_pattern_t *m,
    rt_vm_item_t *item, const uint8_t *p, const uint8_t *end);
static const uint8_t *rt_vm_pattern_brackets(rt_vm_pattern_t *m,
    rt_vm_item_t *item, const uint8_t *p, const uint8_t *end);
static void rt_vm_pattern_add(rt_vm_item_t *item, uint8_t from, uint8_t to);
static void rt_vm_pattern_add_class(rt_vm_pattern_t *m, rt_vm_item_t *item,
    uint8_t class);
static const uint8_t *rt_vm_pattern_from(rt_vm_pattern_t *m, size_t i,
    const uint8_t *s);
static const uint8_t *rt_vm_pattern_most(rt_vm_pattern_t *m, size_t i,
    const uint8_t *s);
static const uint8_t *rt_vm_pattern_least(rt_vm_pattern_t *m, size_t i,
    const uint8_t *s);
static const uint8_t *rt_vm_pattern_open(rt_vm_pattern_t *m, size_t i,
    const uint8_t *s, size_t len);
static const uint8_t *rt_vm_pattern_close(rt_vm_pattern_t *m, size_t i,
    const uint8_t *s);
static const uint8_t *rt_vm_pattern_back(rt_vm_pattern_t *m,
    const rt_vm_item_t *item, const uint8_t *s);
static const uint8_t *rt_vm_pattern_balance(rt_vm_pattern_t *m,
    const rt_vm_item_t *item, const uint8_t *s);
static bool rt_vm_pattern_frontier(rt_vm_pattern_t *m,
    const rt_vm_item_t *item, const uint8_t *s);
static inline bool rt_vm_pattern_one(rt_vm_pattern_t *m,
    const rt_vm_item_t *item, const uint8_t *s);
static inline bool rt_vm_pattern_in(const rt_vm_item_t *item, uint8_t ch);
static bool rt_vm_pattern_class(uint8_t class, uint8_t ch);


void
rt_vm_pattern_read(rt_vm_pattern_t *m, lua_State *L, const uint8_t *pattern,
    size_t len)
{
    size_t          open[RT_VM_PATTERN_CAPTURES], nopen, n, i;
    rt_vm_item_t   *item;
    const uint8_t  *p, *end;

    p = pattern;
    end = pattern + len;

    m->L = L;
    m->nitems = 0;
    m->anchored = len && *p == '^';

    rt_vm_charge_bytes(L, len * 16);

    if (m->anchored) {
        p++;
    }

    while (p < end) {

        if (m->nitems == RT_VM_PATTERN_ITEMS) {
            luaL_error(L, "a pattern of more than %d items",
                       RT_VM_PATTERN_ITEMS);
        }

        rt_vm_pattern_item(m, &p, end);
    }

    /* what closes what, and whether what is gone back to is there */

    memset(open, 0, sizeof(open));
    nopen = 0;
    n = 0;

    for (i = 0; i < m->nitems; i++) {
        item = &m->items[i];

        if (item->kind == RT_VM_ITEM_OPEN || item->kind == RT_VM_ITEM_POSITION)
        {
            if (n == RT_VM_PATTERN_CAPTURES) {
                luaL_error(L, "too many captures");
            }

            if (item->kind == RT_VM_ITEM_OPEN) {
                open[nopen++] = n;
            }

            n++;

        } else if (item->kind == RT_VM_ITEM_CLOSE) {

            if (nopen == 0) {
                luaL_error(L, "invalid pattern capture");
            }

            item->which = open[--nopen];
        }
    }

    if (nopen) {
        luaL_error(L, "unfinished capture");
    }
}


static void
rt_vm_pattern_item(rt_vm_pattern_t *m, const uint8_t **pos,
    const uint8_t *end)
{
    rt_vm_item_t   *item;
    const uint8_t  *p;

    p = *pos;
    item = &m->items[m->nitems++];
    memset(item, 0, sizeof(rt_vm_item_t));

    switch (*p) {

    case '(':
        if (end - p > 1 && p[1] == ')') {
            item->kind = RT_VM_ITEM_POSITION;
            *pos = p + 2;
            return;
        }

        item->kind = RT_VM_ITEM_OPEN;
        *pos = p + 1;
        return;

    case ')':
        item->kind = RT_VM_ITEM_CLOSE;
        *pos = p + 1;
        return;

    case '$':
        if (p + 1 == end) {
            item->kind = RT_VM_ITEM_END;
            *pos = p + 1;
            return;
        }

        break;

    case '%':
        if (end - p > 1
            && (p[1] == 'b' || p[1] == 'f' || isdigit(p[1])))
        {
            rt_vm_pattern_percent(m, item, pos, end);
            return;
        }
    }

    p = rt_vm_pattern_set(m, item, p, end);

    if (p < end && (*p == '*' || *p == '+' || *p == '-' || *p == '?')) {
        item->times = *p++;
    }

    *pos = p;
}


static void
rt_vm_pattern_percent(rt_vm_pattern_t *m, rt_vm_item_t *item,
    const uint8_t **pos, const uint8_t *end)
{
    const uint8_t  *p;

    p = *pos + 2;

    switch (p[-1]) {

    case 'b':
        if (end - p < 2) {
            luaL_error(m->L, "unbalanced pattern");
        }

        item->kind = RT_VM_ITEM_BALANCE;
        item->open = p[0];
        item->close = p[1];
        *pos = p + 2;
        return;

    case 'f':
        if (p == end || *p != '[') {
            luaL_error(m->L, "missing [ after %%f in pattern");
        }

        item->kind = RT_VM_ITEM_FRONTIER;
        *pos = rt_vm_pattern_set(m, item, p, end);
        return;

    default:
        if (p[-1] == '0') {
            luaL_error(m->L, "invalid capture index");
        }

        item->kind = RT_VM_ITEM_BACK;
        item->which = p[-1] - '1';
        *pos = p;
    }
}


/* reads a character, a class or a set into the item; where it ends */

static const uint8_t *
rt_vm_pattern_set(rt_vm_pattern_t *m, rt_vm_item_t *item, const uint8_t *p,
    const uint8_t *end)
{
    size_t  i;

    switch (*p) {

    case '%':
        if (end - p < 2) {
            luaL_error(m->L, "malformed pattern (ends with %%)");
        }

        rt_vm_pattern_add_class(m, item, p[1]);
        return p + 2;

    case '[':
        return rt_vm_pattern_brackets(m, item, p + 1, end);

    case '.':
        for (i = 0; i < 4; i++) {
            item->set[i] = UINT64_MAX;
        }

        return p + 1;

    default:
        rt_vm_pattern_add(item, *p, *p);
        return p + 1;
    }
}


/* p is behind the opening one; a closing one that comes first is no end */

static const uint8_t *
rt_vm_pattern_brackets(rt_vm_pattern_t *m, rt_vm_item_t *item,
    const uint8_t *p, const uint8_t *end)
{
    bool            not;
    size_t          i;
    const uint8_t  *first;

    not = p < end && *p == '^';
    p += not;
    first = p;

    for ( ;; ) {

        if (p == end || (*p == '%' && end - p < 2)) {
            luaL_error(m->L, "malformed pattern (missing ])");
        }

        if (*p == ']' && p > first) {
            break;
        }

        if (*p == '%') {
            rt_vm_pattern_add_class(m, item, p[1]);
            p += 2;

        } else if (end - p > 2 && p[1] == '-' && p[2] != ']') {
            rt_vm_charge(m->L, 4);
            rt_vm_pattern_add(item, *p, p[2]);
            p += 3;

        } else {
            rt_vm_pattern_add(item, *p, *p);
            p++;
        }
    }

    for (i = 0; not && i < 4; i++) {
        item->set[i] = ~item->set[i];
    }

    return p + 1;
}


static void
rt_vm_pattern_add(rt_vm_item_t *item, uint8_t from, uint8_t to)
{
    unsigned  ch;

    for (ch = from; ch <= to; ch++) {
        item->set[ch / 64] |= (uint64_t) 1 << ch % 64;
    }
}


static void
rt_vm_pattern_add_class(rt_vm_pattern_t *m, rt_vm_item_t *item, uint8_t class)
{
    unsigned  ch;

    if (!isalpha(class)) {
        rt_vm_pattern_add(item, class, class);
        return;
    }

    rt_vm_charge(m->L, 16);

    for (ch = 0; ch < 256; ch++) {
        if (rt_vm_pattern_class(class, ch)) {
            rt_vm_pattern_add(item, ch, ch);
        }
    }
}


const uint8_t *
rt_vm_pattern_match(rt_vm_pattern_t *m, const uint8_t *s)
{
    m->ncaptures = 0;

    return rt_vm_pattern_from(m, 0, s);
}


static const uint8_t *
rt_vm_pattern_from(rt_vm_pattern_t *m, size_t i, const uint8_t *s)
{
    const rt_vm_item_t  *item;

    for ( /* void */ ; i < m->nitems; i++) {

        item = &m->items[i];
        rt_vm_charge(m->L, 1);

        switch (item->kind) {

        case RT_VM_ITEM_OPEN:
            return rt_vm_pattern_open(m, i, s, RT_VM_CAPTURE_OPEN);

        case RT_VM_ITEM_POSITION:
            return rt_vm_pattern_open(m, i, s, RT_VM_CAPTURE_POSITION);

        case RT_VM_ITEM_CLOSE:
            return rt_vm_pattern_close(m, i, s);

        case RT_VM_ITEM_BACK:
            s = rt_vm_pattern_back(m, item, s);
            break;

        case RT_VM_ITEM_BALANCE:
            s = rt_vm_pattern_balance(m, item, s);
            break;

        case RT_VM_ITEM_FRONTIER:
            s = rt_vm_pattern_frontier(m, item, s) ? s : NULL;
            break;

        case RT_VM_ITEM_END:
            s = s == m->end ? s : NULL;
            break;

        default:
            switch (item->times) {

            case '*':
            case '+':
            case '?':
                return rt_vm_pattern_most(m, i, s);

            case '-':
                return rt_vm_pattern_least(m, i, s);
            }

            s = rt_vm_pattern_one(m, item, s) ? s + 1 : NULL;
        }

        if (s == NULL) {
            return NULL;
        }
    }

    return s;
}


static const uint8_t *
rt_vm_pattern_most(rt_vm_pattern_t *m, size_t i, const uint8_t *s)
{
    size_t               n, least, most;
    const uint8_t       *e;
    const rt_vm_item_t  *item;

    item = &m->items[i];
    least = item->times == '+';
    most = item->times == '?' ? 1 : (size_t) (m->end - s);

    for (n = 0; n < most && rt_vm_pattern_one(m, item, s + n); n++) {
        rt_vm_charge(m->L, 1);
    }

    for ( ;; ) {
        if (n < least) {
            return NULL;
        }

        e = rt_vm_pattern_from(m, i + 1, s + n);

        if (e || n == 0) {
            return e;
        }

        n--;
        rt_vm_charge(m->L, 1);
    }
}


static const uint8_t *
rt_vm_pattern_least(rt_vm_pattern_t *m, size_t i, const uint8_t *s)
{
    const uint8_t  *e;

    for ( ;; ) {
        e = rt_vm_pattern_from(m, i + 1, s);

        if (e || !rt_vm_pattern_one(m, &m->items[i], s)) {
            return e;
        }

        s++;
        rt_vm_charge(m->L, 1);
    }
}


static const uint8_t *
rt_vm_pattern_open(rt_vm_pattern_t *m, size_t i, const uint8_t *s, size_t len)
{
    const uint8_t  *e;

    m->captures[m->ncaptures].at = s;
    m->captures[m->ncaptures].len = len;
    m->ncaptures++;

    e = rt_vm_pattern_from(m, i + 1, s);

    if (e == NULL) {
        m->ncaptures--;
    }

    return e;
}


static const uint8_t *
rt_vm_pattern_close(rt_vm_pattern_t *m, size_t i, const uint8_t *s)
{
    size_t          which;
    const uint8_t  *e;

    which = m->items[i].which;
    m->captures[which].len = s - m->captures[which].at;

    e = rt_vm_pattern_from(m, i + 1, s);

    if (e == NULL) {
        m->captures[which].len = RT_VM_CAPTURE_OPEN;
    }

    return e;
}


static const uint8_t *
rt_vm_pattern_back(rt_vm_pattern_t *m, const rt_vm_item_t *item,
    const uint8_t *s)
{
    size_t  len;

    if (item->which >= m->ncaptures
        || m->captures[item->which].len >= RT_VM_CAPTURE_OPEN)
    {
        luaL_error(m->L, "invalid capture index");
    }

    len = m->captures[item->which].len;

    if (len == RT_VM_CAPTURE_POSITION || len > (size_t) (m->end - s)) {
        return NULL;
    }

    rt_vm_charge_bytes(m->L, len);

    return memcmp(m->captures[item->which].at, s, len) == 0 ? s + len : NULL;
}


static const uint8_t *
rt_vm_pattern_balance(rt_vm_pattern_t *m, const rt_vm_item_t *item,
    const uint8_t *s)
{
    size_t  depth;

    if (s == m->end || *s != item->open) {
        return NULL;
    }

    depth = 1;

    for (s++; s < m->end; s++) {
        rt_vm_charge(m->L, 1);

        if (*s == item->close) {
            if (--depth == 0) {
                return s + 1;
            }

        } else if (*s == item->open) {
            depth++;
        }
    }

    return NULL;
}


/* before the first and behind the last stands a zero */

static bool
rt_vm_pattern_frontier(rt_vm_pattern_t *m, const rt_vm_item_t *item,
    const uint8_t *s)
{
    uint8_t  before, here;

    before = s == m->text ? '\0' : s[-1];
    here = s == m->end ? '\0' : *s;

    return !rt_vm_pattern_in(item, before) && rt_vm_pattern_in(item, here);
}


static inline bool
rt_vm_pattern_one(rt_vm_pattern_t *m, const rt_vm_item_t *item,
    const uint8_t *s)
{
    return s < m->end && rt_vm_pattern_in(item, *s);
}


static inline bool
rt_vm_pattern_in(const rt_vm_item_t *item, uint8_t ch)
{
    return item->set[ch / 64] >> ch % 64 & 1;
}


static bool
rt_vm_pattern_class(uint8_t class, uint8_t ch)
{
    bool  is;

    switch (tolower(class)) {
    case 'a': is = isalpha(ch); break;
    case 'c': is = iscntrl(ch); break;
    case 'd': is = isdigit(ch); break;
    case 'l': is = islower(ch); break;
    case 'p': is = ispunct(ch); break;
    case 's': is = isspace(ch); break;
    case 'u': is = isupper(ch); break;
    case 'w': is = isalnum(ch); break;
    case 'x': is = isxdigit(ch); break;
    case 'z': is = ch == '\0'; break;
    case 'g': is = isgraph(ch); break;
    default:  return class == ch;
    }

    return isupper(class) ? !is : is;
}


void
rt_vm_pattern_push(rt_vm_pattern_t *m, size_t i, const uint8_t *s,
    const uint8_t *e)
{
    if (i == 0 && m->ncaptures == 0) {
        lua_pushlstring(m->L, (const char *) s, e - s);
        return;
    }

    if (i >= m->ncaptures) {
        luaL_error(m->L, "invalid capture index");
    }

    if (m->captures[i].len == RT_VM_CAPTURE_POSITION) {
        lua_pushinteger(m->L, m->captures[i].at - m->text + 1);
        return;
    }

    lua_pushlstring(m->L, (const char *) m->captures[i].at,
                    m->captures[i].len);
}


int
rt_vm_pattern_push_all(rt_vm_pattern_t *m, const uint8_t *s, const uint8_t *e)
{
    size_t  i, n;

    n = m->ncaptures == 0 && s ? 1 : m->ncaptures;

    luaL_checkstack(m->L, n, "too many captures");

    for (i = 0; i < n; i++) {
        rt_vm_pattern_push(m, i, s, e);
    }

    return n;
}
