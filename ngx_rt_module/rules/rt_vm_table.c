
/*
 * Lua's functions of tables, with what they cost.
 */


#include "rt_vm_lib.h"


static int rt_vm_table_concat(lua_State *L);
static int rt_vm_table_insert(lua_State *L);
static int rt_vm_table_remove(lua_State *L);
static int rt_vm_table_sort(lua_State *L);
static int rt_vm_table_check(lua_State *L);
static void rt_vm_sort_sift(lua_State *L, int root, int n);
static bool rt_vm_sort_less(lua_State *L, int a, int b);


static const luaL_Reg  rt_vm_table[] = {
    { "concat", rt_vm_table_concat },
    { "insert", rt_vm_table_insert },
    { "remove", rt_vm_table_remove },
    { "sort", rt_vm_table_sort },
    { NULL, NULL }
};


void
rt_vm_open_table(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, rt_vm_table);
}


/* its length; what rt_vm_protect() has made is not to be changed */

static int
rt_vm_table_check(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);

    if (luaL_getmetafield(L, 1, "__newindex")) {
        luaL_argerror(L, 1, "it can only be read");
    }

    return lua_objlen(L, 1);
}


static int
rt_vm_table_concat(lua_State *L)
{
    int          i, from, to;
    size_t       len, size;
    luaL_Buffer  b;
    const char  *between;

    luaL_checktype(L, 1, LUA_TTABLE);
    between = luaL_optlstring(L, 2, "", &len);
    from = luaL_optint(L, 3, 1);
    to = lua_isnoneornil(L, 4) ? (int) lua_objlen(L, 1) : luaL_checkint(L, 4);

    lua_settop(L, 2);
    luaL_buffinit(L, &b);

    for (i = from; i <= to; i++) {

        lua_rawgeti(L, 1, i);

        if (!lua_isstring(L, -1)) {
            return luaL_error(L, "a %s at %d cannot be joined",
                              luaL_typename(L, -1), i);
        }

        lua_tolstring(L, -1, &size);
        rt_vm_charge_bytes(L, size + len);
        luaL_addvalue(&b);

        if (i == to) {
            break;
        }

        luaL_addlstring(&b, between, len);
    }

    luaL_pushresult(&b);

    return 1;
}


static int
rt_vm_table_insert(lua_State *L)
{
    int  i, n, at;

    n = rt_vm_table_check(L);

    switch (lua_gettop(L)) {

    case 2:
        at = n + 1;
        break;

    case 3:
        at = luaL_checkint(L, 2);
        luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "there is no such place");
        break;

    default:
        return luaL_error(L, "it takes a table, a place and a value, or a "
                          "table and a value");
    }

    rt_vm_charge(L, 1 + n + 1 - at);

    for (i = n + 1; i > at; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }

    lua_rawseti(L, 1, at);

    return 0;
}


static int
rt_vm_table_remove(lua_State *L)
{
    int  n, at;

    n = rt_vm_table_check(L);
    at = luaL_optint(L, 2, n);

    if (n == 0) {
        return 0;
    }

    luaL_argcheck(L, at >= 1 && at <= n, 2, "there is no such place");
    rt_vm_charge(L, 1 + n - at);

    lua_rawgeti(L, 1, at);

    for ( /* void */ ; at < n; at++) {
        lua_rawgeti(L, 1, at + 1);
        lua_rawseti(L, 1, at);
    }

    lua_pushnil(L);
    lua_rawseti(L, 1, n);

    return 1;
}


/* a heap sort: its worst case is its usual one */

static int
rt_vm_table_sort(lua_State *L)
{
    int  i, n;

    n = rt_vm_table_check(L);
    lua_settop(L, 2);

    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TFUNCTION);
    }

    for (i = n / 2; i >= 1; i--) {
        rt_vm_sort_sift(L, i, n);
    }

    for (i = n; i > 1; i--) {
        lua_rawgeti(L, 1, 1);
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, 1);
        lua_rawseti(L, 1, i);
        rt_vm_sort_sift(L, 1, i - 1);
    }

    return 0;
}


/* what is at the root goes down; it stands at 3 meanwhile */

static void
rt_vm_sort_sift(lua_State *L, int root, int n)
{
    int  child;

    lua_rawgeti(L, 1, root);

    for ( ;; ) {
        child = 2 * root;

        if (child > n) {
            break;
        }

        lua_rawgeti(L, 1, child);

        if (child < n) {
            lua_rawgeti(L, 1, child + 1);

            if (rt_vm_sort_less(L, 4, 5)) {
                lua_replace(L, 4);
                child++;
            } else {
                lua_pop(L, 1);
            }
        }

        if (!rt_vm_sort_less(L, 3, 4)) {
            lua_pop(L, 1);
            break;
        }

        lua_rawseti(L, 1, root);
        root = child;
    }

    lua_rawseti(L, 1, root);
}


static bool
rt_vm_sort_less(lua_State *L, int a, int b)
{
    bool      less;
    size_t    one, other;
    unsigned  nesting;

    if (lua_isnil(L, 2)) {

        if (lua_type(L, a) == LUA_TSTRING && lua_type(L, b) == LUA_TSTRING) {
            lua_tolstring(L, a, &one);
            lua_tolstring(L, b, &other);
            rt_vm_charge_bytes(L, rt_min(one, other));

        } else {
            rt_vm_charge(L, 1);
        }

        return lua_lessthan(L, a, b);
    }

    rt_vm_charge(L, 1);
    luaL_checkstack(L, 4, "too many values");

    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);

    nesting = rt_vm_enter(L);
    lua_call(L, 2, 1);
    rt_vm_of(L)->nesting = nesting;

    less = lua_toboolean(L, -1);
    lua_pop(L, 1);

    return less;
}
