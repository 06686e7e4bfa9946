
/*
 * JSON (RFC 8259) for rules: data is read when one looks at it, and written
 * when one changes it.  Both are charged, and bounded in depth.
 */


#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rt_command.h"
#include "rt_json.h"
#include "rt_rule.h"
#include "rt_utf8.h"
#include "rt_vm_lib.h"


#define RT_RULE_DEPTH   32
#define RT_RULE_DIGITS  32


static void rt_rule_decode_value(lua_State *L, rt_json_t *j, unsigned depth);
static void rt_rule_decode_number(lua_State *L, rt_json_t *j);
static void rt_rule_encode_value(lua_State *L, rt_out_t *o, int i,
    unsigned depth);
static void rt_rule_encode_table(lua_State *L, rt_out_t *o, int i,
    unsigned depth);
static void rt_rule_encode_array(lua_State *L, rt_out_t *o, int i, size_t n,
    unsigned depth);
static void rt_rule_encode_string(lua_State *L, rt_out_t *o, int i);
static void rt_rule_encode_number(lua_State *L, rt_out_t *o, double n);


/* the reader unescapes in place: it gets a copy, which goes with the call */

void
rt_rule_decode(lua_State *L, const rt_str_t *json)
{
    uint8_t    *text;
    rt_json_t   j;

    rt_vm_charge_bytes(L, json->len * 2);

    text = lua_newuserdata(L, json->len + 1);
    memcpy(text, json->data, json->len);
    text[json->len] = '\0';

    rt_json_init(&j, text, json->len);
    rt_rule_decode_value(L, &j, 0);

    lua_remove(L, -2);
}


static void
rt_rule_decode_value(lua_State *L, rt_json_t *j, unsigned depth)
{
    int        n;
    bool       b;
    rt_str_t   s;
    rt_json_value_t  v;

    luaL_checkstack(L, 4, "nested too deep");
    rt_vm_charge(L, 4);

    if (depth > RT_RULE_DEPTH) {
        luaL_error(L, "data is nested deeper than %d", RT_RULE_DEPTH);
    }

    switch (rt_json_peek(j)) {

    case RT_JSON_OBJECT:
        lua_newtable(L);

        if (rt_json_object(j)) {
            while (rt_json_key(j, &s)) {
                lua_pushlstring(L, (char *) s.data, s.len);
                rt_rule_decode_value(L, j, depth + 1);
                lua_rawset(L, -3);
            }
        }

        break;

    case RT_JSON_ARRAY:
        lua_newtable(L);
        lua_getfield(L, LUA_REGISTRYINDEX, RT_RULE_ARRAY);
        lua_setmetatable(L, -2);

        if (rt_json_array(j)) {
            for (n = 1; rt_json_item(j); n++) {
                rt_rule_decode_value(L, j, depth + 1);
                lua_rawseti(L, -2, n);
            }
        }

        break;

    case RT_JSON_STRING:
        if (rt_json_string(j, &s)) {
            lua_pushlstring(L, (char *) s.data, s.len);
        }

        break;

    case RT_JSON_NUMBER:
        rt_rule_decode_number(L, j);
        break;

    case RT_JSON_BOOL:
        if (rt_json_bool(j, &b)) {
            lua_pushboolean(L, b);
        }

        break;

    default:
        if (rt_json_value(j, &v)) {
            lua_pushlightuserdata(L, NULL);
        }
    }

    if (j->error != RT_JSON_OK) {
        luaL_error(L, "data is not JSON, or too deep");
    }
}


/* behind a number there is something that is none, at least the zero */

static void
rt_rule_decode_number(lua_State *L, rt_json_t *j)
{
    uint8_t          ch;
    rt_json_value_t  v;

    if (!rt_json_value(j, &v)) {
        return;
    }

    ch = v.data[v.len];
    v.data[v.len] = '\0';

    lua_pushstring(L, (char *) v.data);
    lua_pushnumber(L, lua_tonumber(L, -1));
    lua_remove(L, -2);

    v.data[v.len] = ch;
}


/* twice over the same: how long it is, and then what it is */

void
rt_rule_encode(lua_State *L, int i)
{
    void      *mem;
    size_t     size;
    rt_out_t   o;

    rt_out_init(&o, NULL, 0);
    rt_rule_encode_value(L, &o, i, 0);

    size = o.need;

    if (size > rt_vm_of(L)->limits.piece) {
        luaL_error(L, "data of %d bytes is too long", (int) size);
    }

    mem = lua_newuserdata(L, size + 1);

    rt_out_init(&o, mem, size);
    rt_rule_encode_value(L, &o, i, 0);

    lua_pushlstring(L, mem, size);
    lua_remove(L, -2);
}


static void
rt_rule_encode_value(lua_State *L, rt_out_t *o, int i, unsigned depth)
{
    rt_vm_charge(L, 4);

    switch (lua_type(L, i)) {

    case LUA_TBOOLEAN:
        if (lua_toboolean(L, i)) {
            rt_out_lit(o, "true");
        } else {
            rt_out_lit(o, "false");
        }

        return;

    case LUA_TNUMBER:
        rt_rule_encode_number(L, o, lua_tonumber(L, i));
        return;

    case LUA_TSTRING:
        rt_rule_encode_string(L, o, i);
        return;

    case LUA_TTABLE:
        if (depth == RT_RULE_DEPTH) {
            luaL_error(L, "data is nested deeper than %d", RT_RULE_DEPTH);
        }

        luaL_checkstack(L, 4, "nested too deep");
        rt_rule_encode_table(L, o, i, depth);
        return;

    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, i) == NULL) {
            rt_out_lit(o, "null");
            return;
        }
    }

    luaL_error(L, "a %s cannot be data", luaL_typename(L, i));
}


/* a table with a 1 is an array, one with nothing in it an object */

static void
rt_rule_encode_table(lua_State *L, rt_out_t *o, int i, unsigned depth)
{
    bool    first, array;
    size_t  n;

    n = lua_objlen(L, i);
    array = n > 0;

    if (!array && lua_getmetatable(L, i)) {
        lua_pop(L, 1);
        array = true;
    }

    if (array) {
        rt_rule_encode_array(L, o, i, n, depth);
        return;
    }

    rt_out_lit(o, "{");
    lua_pushnil(L);

    for (first = true; lua_next(L, i); first = false) {

        if (lua_type(L, -2) != LUA_TSTRING) {
            luaL_error(L, "a %s cannot be a name in data",
                       luaL_typename(L, -2));
        }

        if (!first) {
            rt_out_lit(o, ",");
        }

        rt_rule_encode_string(L, o, lua_gettop(L) - 1);
        rt_out_lit(o, ":");
        rt_rule_encode_value(L, o, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }

    rt_out_lit(o, "}");
}


static void
rt_rule_encode_array(lua_State *L, rt_out_t *o, int i, size_t n,
    unsigned depth)
{
    size_t  k;

    rt_out_lit(o, "[");

    for (k = 1; k <= n; k++) {

        if (k > 1) {
            rt_out_lit(o, ",");
        }

        lua_rawgeti(L, i, k);
        rt_rule_encode_value(L, o, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }

    rt_out_lit(o, "]");
}


static void
rt_rule_encode_string(lua_State *L, rt_out_t *o, int i)
{
    size_t       len;
    const char  *s;

    s = lua_tolstring(L, i, &len);
    rt_vm_charge_bytes(L, len);

    if (!rt_utf8_valid((const uint8_t *) s, len)) {
        luaL_error(L, "a text in data is not UTF-8");
    }

    rt_out_json_string(o, (const uint8_t *) s, len);
}


static void
rt_rule_encode_number(lua_State *L, rt_out_t *o, double n)
{
    int   len;
    char  text[RT_RULE_DIGITS];

    if (!isfinite(n)) {
        luaL_error(L, "a number in data is not finite");
    }

    rt_vm_charge(L, 8);

    len = snprintf(text, sizeof(text), "%.14g", n);

    if (strtod(text, NULL) != n) {
        len = snprintf(text, sizeof(text), "%.17g", n);
    }

    rt_out_bytes(o, text, len);
}
