
/*
 * The functions that a rule has by name.  Those that catch errors are our own,
 * for a spent budget is no error that may be caught; so are those that would
 * take time unseen, or tell addresses.
 */


#include "rt_vm_lib.h"


static int rt_vm_next(lua_State *L);
static int rt_vm_pairs(lua_State *L);
static int rt_vm_pcall(lua_State *L);
static int rt_vm_xpcall(lua_State *L);
static int rt_vm_tonumber(lua_State *L);
static int rt_vm_tostring_function(lua_State *L);
static int rt_vm_unpack(lua_State *L);


/* as LuaJIT has them */

static const char *const  rt_vm_base_kept[] = {
    "assert", "error", "ipairs", "select", "type", NULL
};


static const luaL_Reg  rt_vm_base[] = {
    { "next", rt_vm_next },
    { "pairs", rt_vm_pairs },
    { "pcall", rt_vm_pcall },
    { "xpcall", rt_vm_xpcall },
    { "tostring", rt_vm_tostring_function },
    { "unpack", rt_vm_unpack },
    { NULL, NULL }
};


void
rt_vm_open_base(lua_State *L)
{
    size_t  i;

    lua_newtable(L);
    luaL_register(L, NULL, rt_vm_base);

    for (i = 0; rt_vm_base_kept[i]; i++) {
        lua_getglobal(L, rt_vm_base_kept[i]);
        rt_vm_adopt(L);
        lua_setfield(L, -2, rt_vm_base_kept[i]);
    }

    lua_getglobal(L, "tonumber");
    rt_vm_adopt(L);
    lua_pushcclosure(L, rt_vm_tonumber, 1);
    lua_setfield(L, -2, "tonumber");
}


static int
rt_vm_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    rt_vm_charge(L, 2);

    if (lua_next(L, 1)) {
        return 2;
    }

    lua_pushnil(L);

    return 1;
}


static int
rt_vm_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushcfunction(L, rt_vm_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);

    return 3;
}


static int
rt_vm_pcall(lua_State *L)
{
    int       status;
    unsigned  nesting;

    luaL_checkany(L, 1);

    nesting = rt_vm_enter(L);
    status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    rt_vm_of(L)->nesting = nesting;

    rt_vm_alive(L);

    if (status) {
        rt_vm_charge(L, RT_VM_CAUGHT);
    }

    lua_pushboolean(L, status == 0);
    lua_insert(L, 1);

    return lua_gettop(L);
}


/* the handler comes when all is unwound: it may not run within the hook */

static int
rt_vm_xpcall(lua_State *L)
{
    int       status;
    unsigned  nesting;

    luaL_checkany(L, 2);

    lua_pushvalue(L, 1);
    lua_replace(L, 1);
    lua_pushvalue(L, 2);
    lua_insert(L, 1);
    lua_remove(L, 3);

    /* handler, function, arguments */

    nesting = rt_vm_enter(L);
    status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    rt_vm_of(L)->nesting = nesting;

    rt_vm_alive(L);

    if (status == 0) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }

    rt_vm_charge(L, RT_VM_CAUGHT);

    nesting = rt_vm_enter(L);
    status = lua_pcall(L, 1, 1, 0);
    rt_vm_of(L)->nesting = nesting;

    rt_vm_alive(L);

    if (status) {
        rt_vm_charge(L, RT_VM_CAUGHT);
    }

    lua_pushboolean(L, 0);
    lua_insert(L, 1);

    return 2;
}


static int
rt_vm_tonumber(lua_State *L)
{
    size_t  len;

    if (lua_type(L, 1) == LUA_TSTRING) {
        lua_tolstring(L, 1, &len);
        rt_vm_charge_bytes(L, len);
    }

    lua_settop(L, 2);

    if (lua_isnil(L, 2)) {
        lua_pop(L, 1);
    }

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);

    return 1;
}


void
rt_vm_tostring(lua_State *L, int i)
{
    switch (lua_type(L, i)) {

    case LUA_TNUMBER:
        lua_pushvalue(L, i);
        lua_tostring(L, -1);
        return;

    case LUA_TSTRING:
        lua_pushvalue(L, i);
        return;

    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, i) ? "true" : "false");
        return;

    default:
        lua_pushstring(L, luaL_typename(L, i));
    }
}


static int
rt_vm_tostring_function(lua_State *L)
{
    luaL_checkany(L, 1);
    rt_vm_tostring(L, 1);

    return 1;
}


static int
rt_vm_unpack(lua_State *L)
{
    int  i, from, to;

    luaL_checktype(L, 1, LUA_TTABLE);

    from = luaL_optint(L, 2, 1);
    to = lua_isnoneornil(L, 3) ? (int) lua_objlen(L, 1) : luaL_checkint(L, 3);

    if (from > to) {
        return 0;
    }

    if ((int64_t) to - from >= RT_VM_VALUES) {
        return luaL_error(L, "more than %d values", RT_VM_VALUES);
    }

    luaL_checkstack(L, to - from + 1, "too many values");
    rt_vm_charge(L, to - from + 1);

    for (i = from; i < to; i++) {
        lua_rawgeti(L, 1, i);
    }

    lua_rawgeti(L, 1, to);

    return to - from + 1;
}
