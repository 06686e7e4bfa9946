
/*
 * Views and verdicts.
 *
 * A view is one of the userdata that a state has for good; a call lends it the
 * caller's fields, and when it is over a view that a rule has kept is empty.  A
 * verdict is a light userdata, a number that only this file can make: nothing
 * of a rule's own is looked at when it answers, so that it has nothing to trick
 * with.
 */


#include <stdio.h>
#include <stdlib.h>

#include "rt_flag.h"
#include "rt_rule_lib.h"
#include "rt_utf8.h"


/* what it takes to ask a flag, in steps */
#define RT_RULE_FLAG  40


const char *const  rt_rule_verdicts[] = {
    "nil", "rt.allow()", "rt.deny()", "rt.fast()", "rt.durable()",
    "rt.transform()", "rt.reply()"
};


/* what the userdata of a view has */
typedef struct {
    rt_rule_t             *rule;
    size_t                 n;     /* of the call's views */
} rt_rule_viewed_t;


static void rt_rule_open(lua_State *L);
static void rt_rule_open_views(lua_State *L);
static int rt_rule_view_index(lua_State *L);
static int rt_rule_view_written(lua_State *L);
static int rt_rule_view_json(lua_State *L, const rt_rule_field_t *field);
static int rt_rule_say(lua_State *L);
static rt_verdict_t *rt_rule_verdict(lua_State *L, rt_rule_verdict_e kind);
static void rt_rule_text(lua_State *L, rt_str_t *text);
static int rt_rule_data(lua_State *L, rt_rule_verdict_e kind);
static int rt_rule_allow(lua_State *L);
static int rt_rule_deny(lua_State *L);
static int rt_rule_fast(lua_State *L);
static int rt_rule_durable(lua_State *L);
static int rt_rule_transform(lua_State *L);
static int rt_rule_reply(lua_State *L);
static int rt_rule_task(lua_State *L);
static int rt_rule_array(lua_State *L);
static int rt_rule_flag(lua_State *L);


static const luaL_Reg  rt_rule_library[] = {
    { "allow", rt_rule_allow },
    { "deny", rt_rule_deny },
    { "fast", rt_rule_fast },
    { "durable", rt_rule_durable },
    { "transform", rt_rule_transform },
    { "reply", rt_rule_reply },
    { "task", rt_rule_task },
    { "array", rt_rule_array },
    { "schema", rt_rule_schema },
    { "log", rt_rule_log },
    { "flag", rt_rule_flag },
    { NULL, NULL }
};


rt_rule_t *
rt_rule_create(const rt_vm_limits_t *limits, const char *file,
    const uint8_t *text, size_t len, char *error)
{
    rt_rule_t   *rule;
    const char  *said;

    snprintf(error, RT_VM_ERROR_MAX, "%s: no memory", file);

    rule = calloc(1, sizeof(rt_rule_t));
    if (rule == NULL) {
        return NULL;
    }

    rule->vm = rt_vm_create(limits, rt_rule_open, rule);

    if (rule->vm == NULL) {
        free(rule);
        return NULL;
    }

    rule->loading = true;

    if (rt_vm_load(rule->vm, file, text, len) != RT_VM_OK
        || !rt_vm_only(rule->vm, limits->names))
    {
        said = rt_vm_error(rule->vm);

        if (strncmp(said, file, strlen(file)) == 0) {
            snprintf(error, RT_VM_ERROR_MAX, "%s", said);
        } else {
            snprintf(error, RT_VM_ERROR_MAX, "%s: %s", file, said);
        }

        rt_rule_destroy(rule);
        return NULL;
    }

    rule->loading = false;

    return rule;
}


void
rt_rule_destroy(rt_rule_t *rule)
{
    rt_vm_destroy(rule->vm);
    free(rule);
}


rt_vm_t *
rt_rule_vm(rt_rule_t *rule)
{
    return rule->vm;
}


void
rt_rule_flags(rt_rule_t *rule, rt_rule_flag_pt flag, void *data)
{
    rule->flag = flag;
    rule->flag_data = data;
}


static void
rt_rule_open(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, rt_rule_library);

    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");

    rt_vm_protect(L);
    lua_setfield(L, -2, "rt");

    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, RT_RULE_ARRAY);

    rt_rule_open_views(L);
    rt_rule_open_schemas(L);
}


static void
rt_rule_open_views(lua_State *L)
{
    size_t             i;
    rt_rule_viewed_t  *viewed;

    lua_newtable(L);
    lua_pushcfunction(L, rt_rule_view_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, rt_rule_view_written);
    lua_setfield(L, -2, "__newindex");

    for (i = 0; i < RT_RULE_VIEWS; i++) {
        viewed = lua_newuserdata(L, sizeof(rt_rule_viewed_t));
        viewed->rule = rt_vm_owner(L);
        viewed->n = i;

        lua_newtable(L);
        lua_setfenv(L, -2);

        lua_pushvalue(L, -2);
        lua_setmetatable(L, -2);

        lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_VIEWS_AT + i);
    }

    lua_pop(L, 1);
}


bool
rt_rule_has(rt_rule_t *rule, const char *name)
{
    bool  has;

    has = rt_vm_begin(rule->vm, name) == RT_VM_OK;
    rt_vm_end(rule->vm);

    return has;
}


rt_vm_result_e
rt_rule_ask(rt_rule_t *rule, const char *name, const rt_rule_view_t *views,
    size_t nviews, rt_verdict_t *verdict)
{
    size_t           i;
    lua_State       *L;
    rt_verdict_t    *said;
    rt_vm_result_e   result;

    L = rt_vm_state(rule->vm);
    memset(verdict, 0, sizeof(rt_verdict_t));
    rule->nverdicts = 0;

    result = rt_vm_begin(rule->vm, name);

    if (result != RT_VM_OK) {
        return result;
    }

    rule->views = views;
    rule->nviews = nviews;

    for (i = 0; i < nviews; i++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, RT_RULE_VIEWS_AT + i);
    }

    result = rt_vm_call(rule->vm, nviews);

    rule->nviews = 0;

    if (result != RT_VM_OK || lua_isnil(L, -1)) {
        return result;
    }

    said = rt_rule_verdict_at(rule, -1);

    if (said == NULL) {
        return rt_vm_fail(rule->vm,
                          "%s: answers with a %s, not with rt.allow() or "
                          "another verdict", name, luaL_typename(L, -1));
    }

    *verdict = *said;

    return RT_VM_OK;
}


rt_verdict_t *
rt_rule_verdict_at(rt_rule_t *rule, int i)
{
    size_t      at;
    lua_State  *L;

    L = rt_vm_state(rule->vm);
    at = lua_islightuserdata(L, i) ? (uintptr_t) lua_touserdata(L, i) : 0;

    return at > 0 && at <= rule->nverdicts ? &rule->verdicts[at - 1] : NULL;
}


/* what the call has made can be taken away */

void
rt_rule_done(rt_rule_t *rule)
{
    size_t      i;
    lua_State  *L;

    L = rt_vm_state(rule->vm);

    for (i = 0; rule->decoded && i < RT_RULE_VIEWS; i++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, RT_RULE_VIEWS_AT + i);
        lua_newtable(L);
        lua_setfenv(L, -2);
    }

    for (i = 0; i < rule->nverdicts; i++) {
        lua_pushnil(L);
        lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_TEXTS_AT + i);
    }

    if (rule->upgraded) {
        lua_pushnil(L);
        lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_UPGRADED_AT);
    }

    rule->decoded = false;
    rule->upgraded = false;
    rule->nverdicts = 0;
    rule->nlines = 0;

    rt_vm_end(rule->vm);
}


static int
rt_rule_view_index(lua_State *L)
{
    const char             *name;
    rt_rule_viewed_t       *viewed;
    const rt_rule_view_t   *view;
    const rt_rule_field_t  *field;

    viewed = lua_touserdata(L, 1);

    if (viewed->n >= viewed->rule->nviews) {
        return luaL_error(L, "what a rule was called with is over");
    }

    view = &viewed->rule->views[viewed->n];
    name = lua_tolstring(L, 2, NULL);
    name = name ? name : "";

    for (field = view->fields; field < view->fields + view->nfields; field++) {

        if (field->name[0] != name[0] || strcmp(field->name, name) != 0) {
            continue;
        }

        switch (field->type) {

        case RT_RULE_NUMBER:
            lua_pushnumber(L, field->value.len);
            return 1;

        case RT_RULE_BOOL:
            lua_pushboolean(L, field->value.len);
            return 1;

        case RT_RULE_JSON:
            return rt_rule_view_json(L, field);

        default:
            break;
        }

        if (field->value.len == 0) {
            lua_pushnil(L);
            return 1;
        }

        rt_vm_charge_to(viewed->rule->vm, 1 + field->value.len / 16);
        lua_pushlstring(L, (char *) field->value.data, field->value.len);

        return 1;
    }

    return luaL_error(L, "a %s has no \"%s\"", view->name, name);
}


static int
rt_rule_view_json(lua_State *L, const rt_rule_field_t *field)
{
    if (field->value.data == NULL) {
        lua_pushnil(L);
        return 1;
    }

    lua_getfenv(L, 1);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);

    if (!lua_isnil(L, -1)) {
        return 1;
    }

    lua_pop(L, 1);

    ((rt_rule_t *) rt_vm_owner(L))->decoded = true;
    rt_rule_decode(L, &field->value);

    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);

    return 1;
}


void
rt_rule_view_set(lua_State *L, size_t view, const char *field)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_RULE_VIEWS_AT + view);
    lua_getfenv(L, -1);
    lua_pushstring(L, field);
    lua_pushvalue(L, -4);
    lua_rawset(L, -3);
    lua_pop(L, 2);

    ((rt_rule_t *) rt_vm_owner(L))->decoded = true;
}


static int
rt_rule_view_written(lua_State *L)
{
    return luaL_error(L, "it can only be read: change what a rule gives "
                      "to rt.transform()");
}


static rt_verdict_t *
rt_rule_verdict(lua_State *L, rt_rule_verdict_e kind)
{
    rt_rule_t     *rule;
    rt_verdict_t  *verdict;

    rule = rt_vm_owner(L);

    if (rule->nverdicts == RT_RULE_VERDICTS) {
        luaL_error(L, "more than %d verdicts in a call", RT_RULE_VERDICTS);
    }

    verdict = &rule->verdicts[rule->nverdicts++];

    memset(verdict, 0, sizeof(rt_verdict_t));
    verdict->kind = kind;

    return verdict;
}


/* that on top of the stack, which the registry keeps meanwhile */

static void
rt_rule_text(lua_State *L, rt_str_t *text)
{
    rt_rule_t  *rule;

    rule = rt_vm_owner(L);

    text->data = (uint8_t *) lua_tolstring(L, -1, &text->len);
    lua_rawseti(L, LUA_REGISTRYINDEX,
                RT_RULE_TEXTS_AT + rule->nverdicts - 1);
}


static int
rt_rule_say(lua_State *L)
{
    rt_rule_t  *rule;

    rule = rt_vm_owner(L);
    lua_pushlightuserdata(L, (void *) (uintptr_t) rule->nverdicts);

    return 1;
}


static int
rt_rule_allow(lua_State *L)
{
    rt_rule_verdict(L, RT_RULE_ALLOW);

    return rt_rule_say(L);
}


static int
rt_rule_fast(lua_State *L)
{
    rt_rule_verdict(L, RT_RULE_FAST);

    return rt_rule_say(L);
}


static int
rt_rule_durable(lua_State *L)
{
    rt_rule_verdict(L, RT_RULE_DURABLE);

    return rt_rule_say(L);
}


static int
rt_rule_deny(lua_State *L)
{
    size_t         len;
    lua_Number     code;
    const char    *reason;
    rt_verdict_t  *verdict;

    code = luaL_optnumber(L, 1, 103);
    reason = luaL_optlstring(L, 2, "permission denied", &len);

    if (!(code >= 100 && code <= 65535) || code != (uint32_t) code) {
        return luaL_argerror(L, 1, "a code is a number from 100 to 65535");
    }

    if (len > RT_RULE_REASON_MAX
        || !rt_utf8_valid((const uint8_t *) reason, len))
    {
        return luaL_argerror(L, 2, "a reason is up to 128 bytes of UTF-8");
    }

    verdict = rt_rule_verdict(L, RT_RULE_DENY);
    verdict->code = (uint32_t) code;

    lua_pushlstring(L, reason, len);
    rt_rule_text(L, &verdict->reason);

    return rt_rule_say(L);
}


static int
rt_rule_transform(lua_State *L)
{
    return rt_rule_data(L, RT_RULE_TRANSFORM);
}


static int
rt_rule_reply(lua_State *L)
{
    return rt_rule_data(L, RT_RULE_REPLY);
}


static int
rt_rule_data(lua_State *L, rt_rule_verdict_e kind)
{
    rt_verdict_t  *verdict;

    luaL_checkany(L, 1);
    rt_rule_encode(L, 1);

    verdict = rt_rule_verdict(L, kind);
    rt_rule_text(L, &verdict->data);

    return rt_rule_say(L);
}


static int
rt_rule_task(lua_State *L)
{
    return luaL_error(L, "rt.task: there are no queues yet");
}


static int
rt_rule_array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, !luaL_getmetafield(L, 1, "__newindex"), 1,
                  "it can only be read");

    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, RT_RULE_ARRAY);
    lua_setmetatable(L, 1);

    return 1;
}


static int
rt_rule_flag(lua_State *L)
{
    rt_str_t    name, key;
    rt_rule_t  *rule;

    rule = rt_vm_owner(L);

    if (rule->flag == NULL) {
        return luaL_error(L, "rt.flag: flags are asked in functions that are "
                          "called, not while a file is loaded");
    }

    key.len = 0;
    name.len = 0;

    if (lua_type(L, 1) == LUA_TSTRING) {
        name.data = (uint8_t *) lua_tolstring(L, 1, &name.len);
    }

    if (name.len == 0 || !rt_flag_name_valid(name.data, name.len)) {
        return luaL_argerror(L, 1, "a flag's name is 1 to 64 letters, digits, "
                             "\"_\" and \"-\"");
    }

    if (lua_type(L, 2) == LUA_TSTRING) {
        key.data = (uint8_t *) lua_tolstring(L, 2, &key.len);

    } else if (!lua_isnoneornil(L, 2)) {
        key.len = RT_FLAG_KEY_MAX + 1;
    }

    if (key.len > RT_FLAG_KEY_MAX) {
        return luaL_argerror(L, 2, "a flag's key is a string of up to 255 "
                             "bytes");
    }

    rt_vm_charge(L, RT_RULE_FLAG + (name.len + key.len) / 16);

    lua_pushboolean(L, rule->flag(rule->flag_data, &name, &key));

    return 1;
}
