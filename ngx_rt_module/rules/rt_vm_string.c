
/*
 * Lua's functions of strings, with what they cost.  Where LuaJIT's own needs
 * nothing but a bound, it is called when that has been looked at.
 */


#define _GNU_SOURCE

#include <ctype.h>

#include "rt_vm_pattern.h"


/* specifications of string.format and what one may be as long as */
#define RT_VM_FORMAT_SPEC  20


static int rt_vm_string_byte(lua_State *L);
static int rt_vm_string_find(lua_State *L);
static int rt_vm_string_match(lua_State *L);
static int rt_vm_string_search(lua_State *L, bool find);
static int rt_vm_string_plain(lua_State *L, const char *s, size_t len,
    const char *what, size_t size, size_t from);
static bool rt_vm_string_is_plain(const char *pattern, size_t len);
static int rt_vm_string_gmatch(lua_State *L);
static int rt_vm_string_gmatch_next(lua_State *L);
static int rt_vm_string_gsub(lua_State *L);
static void rt_vm_string_replace(rt_vm_pattern_t *m, luaL_Buffer *b,
    const uint8_t *s, const uint8_t *e);
static void rt_vm_string_expand(rt_vm_pattern_t *m, luaL_Buffer *b,
    const uint8_t *s, const uint8_t *e);
static int rt_vm_string_rep(lua_State *L);
static int rt_vm_string_format(lua_State *L);
static void rt_vm_string_format_check(lua_State *L);
static int rt_vm_string_scan(lua_State *L);


static const luaL_Reg  rt_vm_string[] = {
    { "byte", rt_vm_string_byte },
    { "find", rt_vm_string_find },
    { "match", rt_vm_string_match },
    { "gmatch", rt_vm_string_gmatch },
    { "gsub", rt_vm_string_gsub },
    { NULL, NULL }
};


/* those of LuaJIT, with what is looked at before */

static const luaL_Reg  rt_vm_string_guards[] = {
    { "char", rt_vm_string_scan },
    { "format", rt_vm_string_format },
    { "len", rt_vm_string_scan },
    { "lower", rt_vm_string_scan },
    { "rep", rt_vm_string_rep },
    { "reverse", rt_vm_string_scan },
    { "sub", rt_vm_string_scan },
    { "upper", rt_vm_string_scan },
    { NULL, NULL }
};


void
rt_vm_open_string(lua_State *L)
{
    const luaL_Reg  *guard;

    lua_newtable(L);
    luaL_register(L, NULL, rt_vm_string);

    lua_getglobal(L, "string");

    for (guard = rt_vm_string_guards; guard->name; guard++) {
        lua_getfield(L, -1, guard->name);
        rt_vm_adopt(L);
        lua_pushcclosure(L, guard->func, 1);
        lua_setfield(L, -3, guard->name);
    }

    lua_pop(L, 1);
}


/* LuaJIT's own, with all arguments */

static int
rt_vm_string_call(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);

    return lua_gettop(L);
}


static int
rt_vm_string_scan(lua_State *L)
{
    size_t  len;

    len = lua_gettop(L);

    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_tolstring(L, 1, &len);
    }

    rt_vm_charge_bytes(L, len);

    return rt_vm_string_call(L);
}


static int
rt_vm_string_rep(lua_State *L)
{
    size_t      len;
    lua_Number  n;

    luaL_checklstring(L, 1, &len);
    n = luaL_checknumber(L, 2);

    if (n > 0 && len > 0) {
        if (n * len > rt_vm_of(L)->limits.piece) {
            return luaL_error(L, "a string of more than %d bytes",
                              (int) rt_vm_of(L)->limits.piece);
        }

        rt_vm_charge_bytes(L, (size_t) (n * len));
        rt_vm_charge(L, (size_t) n / 4);
    }

    lua_settop(L, 2);

    return rt_vm_string_call(L);
}


static int
rt_vm_string_format(lua_State *L)
{
    int     i, n;
    size_t  len, all;

    luaL_checklstring(L, 1, &all);
    n = lua_gettop(L);
    luaL_checkstack(L, 2, "too many values");

    rt_vm_charge(L, (size_t) n * RT_VM_FORMAT_SPEC);

    for (i = 2; i <= n; i++) {

        if (lua_type(L, i) == LUA_TNUMBER) {
            continue;
        }

        rt_vm_tostring(L, i);
        lua_tolstring(L, -1, &len);
        lua_replace(L, i);
        all += len;
    }

    rt_vm_string_format_check(L);

    rt_vm_charge_bytes(L, all);

    return rt_vm_string_call(L);
}


/* %p tells an address */

static void
rt_vm_string_format_check(lua_State *L)
{
    size_t       len;
    const char  *p, *end;

    p = lua_tolstring(L, 1, &len);
    end = p + len;

    while (p < end) {

        if (*p++ != '%') {
            continue;
        }

        while (p < end && (isdigit((uint8_t) *p)
                           || (*p && strchr("-+ #.", *p))))
        {
            p++;
        }

        if (p < end && *p++ == 'p') {
            luaL_error(L, "there is no %%p here");
        }
    }
}


/* the place that an index names, from the end if it is negative */

static size_t
rt_vm_string_index(lua_Integer i, size_t len)
{
    if (i >= 0) {
        return i;
    }

    return (size_t) -i > len ? 0 : len + i + 1;
}


static int
rt_vm_string_byte(lua_State *L)
{
    size_t       len, i, from, to;
    const char  *s;

    s = luaL_checklstring(L, 1, &len);
    from = rt_vm_string_index(luaL_optinteger(L, 2, 1), len);
    to = rt_vm_string_index(luaL_optinteger(L, 3, from), len);

    from = rt_max(from, 1);
    to = rt_min(to, len);

    if (from > to) {
        return 0;
    }

    if (to - from >= RT_VM_VALUES) {
        return luaL_error(L, "more than %d values", RT_VM_VALUES);
    }

    luaL_checkstack(L, to - from + 1, "too many values");
    rt_vm_charge(L, to - from + 1);

    for (i = from; i <= to; i++) {
        lua_pushinteger(L, (uint8_t) s[i - 1]);
    }

    return to - from + 1;
}


static int
rt_vm_string_find(lua_State *L)
{
    return rt_vm_string_search(L, true);
}


static int
rt_vm_string_match(lua_State *L)
{
    return rt_vm_string_search(L, false);
}


static int
rt_vm_string_search(lua_State *L, bool find)
{
    size_t            len, size, from;
    const char       *s, *pattern;
    const uint8_t    *p, *e;
    rt_vm_pattern_t   m;

    s = luaL_checklstring(L, 1, &len);
    pattern = luaL_checklstring(L, 2, &size);
    from = rt_vm_string_index(luaL_optinteger(L, 3, 1), len);
    from = rt_max(from, 1) - 1;
    from = rt_min(from, len);

    if (find && (lua_toboolean(L, 4) || rt_vm_string_is_plain(pattern, size))) {
        return rt_vm_string_plain(L, s, len, pattern, size, from);
    }

    rt_vm_pattern_read(&m, L, (const uint8_t *) pattern, size);
    m.text = (const uint8_t *) s;
    m.end = m.text + len;

    for (p = m.text + from; p <= m.end; p++) {

        e = rt_vm_pattern_match(&m, p);

        if (e && find) {
            lua_pushinteger(L, p - m.text + 1);
            lua_pushinteger(L, e - m.text);
            return 2 + rt_vm_pattern_push_all(&m, NULL, NULL);
        }

        if (e) {
            return rt_vm_pattern_push_all(&m, p, e);
        }

        if (m.anchored) {
            break;
        }

        rt_vm_charge(L, 1);
    }

    lua_pushnil(L);

    return 1;
}


static bool
rt_vm_string_is_plain(const char *pattern, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i])) {
            return false;
        }
    }

    return true;
}


static int
rt_vm_string_plain(lua_State *L, const char *s, size_t len, const char *what,
    size_t size, size_t from)
{
    const char  *at;

    rt_vm_charge_bytes(L, size + len - from);

    at = memmem(s + from, len - from, what, size);

    if (at == NULL) {
        lua_pushnil(L);
        return 1;
    }

    lua_pushinteger(L, at - s + 1);
    lua_pushinteger(L, at - s + size);

    return 2;
}


static int
rt_vm_string_gmatch(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, rt_vm_string_gmatch_next, 3);

    return 1;
}


static int
rt_vm_string_gmatch_next(lua_State *L)
{
    size_t            len, size;
    const char       *s, *pattern;
    const uint8_t    *p, *e;
    rt_vm_pattern_t   m;

    s = lua_tolstring(L, lua_upvalueindex(1), &len);
    pattern = lua_tolstring(L, lua_upvalueindex(2), &size);

    rt_vm_pattern_read(&m, L, (const uint8_t *) pattern, size);
    m.text = (const uint8_t *) s;
    m.end = m.text + len;

    for (p = m.text + lua_tointeger(L, lua_upvalueindex(3)); p <= m.end; p++) {

        e = rt_vm_pattern_match(&m, p);

        if (e) {
            lua_pushinteger(L, e - m.text + (e == p));
            lua_replace(L, lua_upvalueindex(3));
            return rt_vm_pattern_push_all(&m, p, e);
        }

        rt_vm_charge(L, 1);
    }

    return 0;
}


static int
rt_vm_string_gsub(lua_State *L)
{
    int               type;
    size_t            len, size, n, most;
    const char       *s, *pattern;
    luaL_Buffer       b;
    const uint8_t    *p, *e;
    rt_vm_pattern_t   m;

    s = luaL_checklstring(L, 1, &len);
    pattern = luaL_checklstring(L, 2, &size);
    most = len + 1;

    if (!lua_isnoneornil(L, 4)) {
        most = (size_t) rt_max(luaL_checkint(L, 4), 0);
    }

    type = lua_type(L, 3);

    if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TTABLE
        && type != LUA_TFUNCTION)
    {
        return luaL_argerror(L, 3, "a string, a table or a function");
    }

    lua_settop(L, 3);

    rt_vm_pattern_read(&m, L, (const uint8_t *) pattern, size);
    m.text = (const uint8_t *) s;
    m.end = m.text + len;

    luaL_buffinit(L, &b);
    p = m.text;

    for (n = 0; n < most; /* void */ ) {

        rt_vm_charge(L, 1);
        e = rt_vm_pattern_match(&m, p);

        if (e) {
            n++;
            rt_vm_string_replace(&m, &b, p, e);
        }

        if (e && e > p) {
            p = e;
        } else if (p < m.end) {
            luaL_addchar(&b, *p++);
        } else {
            break;
        }

        if (m.anchored) {
            break;
        }
    }

    luaL_addlstring(&b, (const char *) p, m.end - p);
    rt_vm_charge_bytes(L, m.end - p);
    luaL_pushresult(&b);
    lua_pushinteger(L, n);

    return 2;
}


/* by what stands at 3; what is false leaves the match as it is */

static void
rt_vm_string_replace(rt_vm_pattern_t *m, luaL_Buffer *b, const uint8_t *s,
    const uint8_t *e)
{
    int         n;
    size_t      len;
    unsigned    nesting;
    lua_State  *L;

    L = m->L;

    switch (lua_type(L, 3)) {

    case LUA_TFUNCTION:
        luaL_checkstack(L, 4, "too many values");
        lua_pushvalue(L, 3);
        n = rt_vm_pattern_push_all(m, s, e);
        nesting = rt_vm_enter(L);
        lua_call(L, n, 1);
        rt_vm_of(L)->nesting = nesting;
        break;

    case LUA_TTABLE:
        luaL_checkstack(L, 4, "too many values");
        rt_vm_pattern_push(m, 0, s, e);
        lua_rawget(L, 3);
        break;

    default:
        rt_vm_string_expand(m, b, s, e);
        return;
    }

    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, (const char *) s, e - s);

    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "a %s cannot replace a match", luaL_typename(L, -1));
    }

    lua_tolstring(L, -1, &len);
    rt_vm_charge_bytes(L, len);
    luaL_addvalue(b);
}


static void
rt_vm_string_expand(rt_vm_pattern_t *m, luaL_Buffer *b, const uint8_t *s,
    const uint8_t *e)
{
    size_t       i, len, size;
    const char  *with;

    with = lua_tolstring(m->L, 3, &len);
    rt_vm_charge_bytes(m->L, len * 4);

    for (i = 0; i < len; i++) {

        if (with[i] != '%' || ++i == len) {
            luaL_addchar(b, with[rt_min(i, len - 1)]);

        } else if (!isdigit((uint8_t) with[i])) {
            luaL_addchar(b, with[i]);

        } else if (with[i] == '0') {
            rt_vm_charge_bytes(m->L, e - s);
            luaL_addlstring(b, (const char *) s, e - s);

        } else {
            rt_vm_pattern_push(m, with[i] - '1', s, e);
            lua_tolstring(m->L, -1, &size);
            rt_vm_charge_bytes(m->L, size);
            luaL_addvalue(b);
        }
    }
}
