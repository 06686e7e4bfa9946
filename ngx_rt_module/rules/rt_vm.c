
/*
 * The state: its memory, its budget, its environment.
 *
 * A hook looks every RT_VM_TICK instructions.  It never fires in compiled code,
 * so the library "jit", without which the compiler is off, is not opened.
 * What is spent stays spent: the hook then comes at every instruction and
 * throws again, and so do pcall and xpcall, which are our own.
 *
 * Steps are the budget.  Some instructions cost more than a step says (long
 * strings compared, colliding hashes), so the processor's time is the backstop:
 * the time of day only says when to ask for it, for a process that does not
 * run is not slow.
 */


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rt_vm_lib.h"


#define RT_VM_TICK      200

/* a chunk is compiled and run once */
#define RT_VM_LOADING   10

#define RT_VM_RULES     "rt.rules"
#define RT_VM_ENV       "rt.env"


static void *rt_vm_alloc(void *data, void *p, size_t old, size_t size);
static int rt_vm_open(lua_State *L);
static void rt_vm_open_library(lua_State *L, lua_CFunction open,
    const char *name);
static void rt_vm_adopt_all(lua_State *L);
static int rt_vm_read_only(lua_State *L);
static int rt_vm_run_chunk(lua_State *L);
static rt_vm_function_t *rt_vm_function(rt_vm_t *vm, const char *name);
static int rt_vm_where(lua_State *L);
static unsigned rt_vm_line(lua_State *L, lua_Debug *in);
static void rt_vm_start(rt_vm_t *vm, uint32_t times);
static rt_vm_result_e rt_vm_done(rt_vm_t *vm, int status);
static void rt_vm_say(rt_vm_t *vm, const char *said);
static void rt_vm_hook(lua_State *L, lua_Debug *ar);
static bool rt_vm_late(rt_vm_t *vm);
static uint64_t rt_vm_clock(clockid_t clock);


rt_vm_t *
rt_vm_create(const rt_vm_limits_t *limits, rt_vm_open_pt open, void *owner)
{
    rt_vm_t  *vm;

    vm = calloc(1, sizeof(rt_vm_t));
    if (vm == NULL) {
        return NULL;
    }

    vm->limits = *limits;
    vm->open = open;
    vm->owner = owner;

    vm->L = lua_newstate(rt_vm_alloc, vm);

    if (vm->L == NULL || lua_cpcall(vm->L, rt_vm_open, NULL) != 0) {
        rt_vm_destroy(vm);
        return NULL;
    }

    lua_gc(vm->L, LUA_GCCOLLECT, 0);
    lua_sethook(vm->L, rt_vm_hook, LUA_MASKCOUNT, RT_VM_TICK);

    return vm;
}


void
rt_vm_destroy(rt_vm_t *vm)
{
    if (vm->L) {
        vm->calling = false;
        lua_close(vm->L);
    }

    free(vm);
}


/* a limit is one while a rule runs; what is made for it before is ours */

static void *
rt_vm_alloc(void *data, void *p, size_t old, size_t size)
{
    void     *to;
    rt_vm_t  *vm;

    vm = data;

    if (size == 0) {
        free(p);
        vm->live -= old;
        return NULL;
    }

    if (size > old && vm->calling) {

        if (size > vm->limits.piece || (int64_t) size > vm->bytes) {
            if (vm->dead == RT_VM_OK) {
                vm->dead = RT_VM_MEMORY;
            }

            lua_sethook(vm->L, rt_vm_hook, LUA_MASKCOUNT, 1);
            return NULL;
        }

        vm->bytes -= size;
    }

    to = realloc(p, size);

    if (to) {
        vm->live += size - old;
    }

    return to;
}


/*
 * LuaJIT's libraries come into the globals, what a rule may have of them into
 * tables of ours; then the globals go, and with them what nobody needs.  A
 * function knows its maker's environment, which would keep all of it: the one
 * that ours know is empty.
 */

static int
rt_vm_open(lua_State *L)
{
    rt_vm_open_library(L, luaopen_base, "");
    rt_vm_open_library(L, luaopen_string, "string");
    rt_vm_open_library(L, luaopen_table, "table");
    rt_vm_open_library(L, luaopen_math, "math");
    rt_vm_open_library(L, luaopen_bit, "bit");

    lua_newtable(L);
    lua_replace(L, LUA_ENVIRONINDEX);

    rt_vm_open_base(L);
    rt_vm_open_string(L);

    /* of s:upper() */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);

    rt_vm_protect(L);
    lua_setfield(L, -2, "string");

    rt_vm_open_table(L);
    rt_vm_protect(L);
    lua_setfield(L, -2, "table");

    lua_getglobal(L, "math");
    lua_pushnil(L);
    lua_setfield(L, -2, "random");
    lua_pushnil(L);
    lua_setfield(L, -2, "randomseed");
    rt_vm_adopt_all(L);
    rt_vm_protect(L);
    lua_setfield(L, -2, "math");

    lua_getglobal(L, "bit");
    rt_vm_adopt_all(L);
    rt_vm_protect(L);
    lua_setfield(L, -2, "bit");

    if (rt_vm_of(L)->open) {
        rt_vm_of(L)->open(L);
    }

    rt_vm_protect(L);
    lua_setfield(L, LUA_REGISTRYINDEX, RT_VM_ENV);

    lua_pushcfunction(L, rt_vm_where);
    lua_rawseti(L, LUA_REGISTRYINDEX, RT_VM_WHERE_AT);

    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_PRELOAD");
    lua_pushvalue(L, LUA_ENVIRONINDEX);
    lua_replace(L, LUA_GLOBALSINDEX);

    return 0;
}


static void
rt_vm_open_library(lua_State *L, lua_CFunction open, const char *name)
{
    lua_pushcfunction(L, open);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}


/* a function of LuaJIT's, which stands on the stack, and what it knows */

void
rt_vm_adopt(lua_State *L)
{
    int  i;

    lua_pushvalue(L, LUA_ENVIRONINDEX);
    lua_setfenv(L, -2);

    for (i = 1; lua_getupvalue(L, -1, i); i++) {

        if (lua_isfunction(L, -1)) {
            lua_pushvalue(L, LUA_ENVIRONINDEX);
            lua_setfenv(L, -2);
        }

        lua_pop(L, 1);
    }
}


static void
rt_vm_adopt_all(lua_State *L)
{
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {

        if (lua_isfunction(L, -1)) {
            rt_vm_adopt(L);
        }
    }
}


void
rt_vm_protect(lua_State *L)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, rt_vm_read_only);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}


static int
rt_vm_read_only(lua_State *L)
{
    return luaL_error(L, "a rule keeps nothing: write \"local %s\"",
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2)
                                                    : "name");
}


rt_vm_result_e
rt_vm_load(rt_vm_t *vm, const char *name, const uint8_t *text, size_t len)
{
    char             chunk[LUA_IDSIZE];
    lua_State       *L;
    rt_vm_result_e   result;

    L = vm->L;

    if (len > RT_VM_SOURCE_MAX) {
        return rt_vm_fail(vm, "%s: longer than %d bytes", name,
                          RT_VM_SOURCE_MAX);
    }

    snprintf(chunk, sizeof(chunk), "@%s", name);

    rt_vm_start(vm, RT_VM_LOADING);

    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_VM_WHERE_AT);
    lua_pushcfunction(L, rt_vm_run_chunk);
    lua_pushlightuserdata(L, (void *) text);
    lua_pushinteger(L, len);
    lua_pushlightuserdata(L, chunk);

    result = rt_vm_done(vm, lua_pcall(L, 3, 0, 1));

    rt_vm_end(vm);

    /* that was no call */

    vm->given = 0;
    vm->steps = 0;
    vm->bytes = vm->limits.bytes;

    return result == RT_VM_OK ? vm->dead : result;
}


static int
rt_vm_run_chunk(lua_State *L)
{
    if (luaL_loadbufferx(L, lua_touserdata(L, 1), lua_tointeger(L, 2),
                         lua_touserdata(L, 3), "t")
        != 0)
    {
        return lua_error(L);
    }

    lua_getfield(L, LUA_REGISTRYINDEX, RT_VM_ENV);
    lua_setfenv(L, -2);
    lua_call(L, 0, 1);

    if (!lua_istable(L, -1)) {
        return luaL_error(L, "%s: returns a %s, not a table of functions",
                          (char *) lua_touserdata(L, 3) + 1,
                          luaL_typename(L, -1));
    }

    lua_setfield(L, LUA_REGISTRYINDEX, RT_VM_RULES);

    return 0;
}


rt_vm_result_e
rt_vm_begin(rt_vm_t *vm, const char *name)
{
    lua_State         *L;
    rt_vm_function_t  *f;

    L = vm->L;

    if (vm->dead) {
        return vm->dead;
    }

    f = rt_vm_function(vm, name);

    if (f == NULL) {
        return RT_VM_NONE;
    }

    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_VM_WHERE_AT);
    lua_rawgeti(L, LUA_REGISTRYINDEX,
                RT_VM_FUNCTIONS_AT + (int) (f - vm->functions));

    return RT_VM_OK;
}


/*
 * What a name stands for is remembered, whether there is such a function or
 * not: most rules have none for most that they could be asked.
 */

static rt_vm_function_t *
rt_vm_function(rt_vm_t *vm, const char *name)
{
    lua_State         *L;
    rt_vm_function_t  *f;

    for (f = vm->functions; f < vm->functions + vm->nfunctions; f++) {

        if (f->name[0] == name[0] && strcmp(f->name, name) == 0) {
            return f->is ? f : NULL;
        }
    }

    if (strlen(name) >= sizeof(f->name)) {
        return NULL;
    }

    if (vm->nfunctions == RT_VM_FUNCTIONS) {
        f--;
    } else {
        vm->nfunctions++;
    }

    L = vm->L;
    strcpy(f->name, name);

    lua_getfield(L, LUA_REGISTRYINDEX, RT_VM_RULES);

    if (lua_istable(L, -1)) {
        lua_pushstring(L, name);
        lua_rawget(L, -2);
    }

    f->is = lua_isfunction(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX,
                RT_VM_FUNCTIONS_AT + (int) (f - vm->functions));
    lua_settop(L, 0);

    return f->is ? f : NULL;
}


rt_vm_result_e
rt_vm_call(rt_vm_t *vm, int nargs)
{
    if (vm->begun) {
        vm->error[0] = '\0';
        vm->line = 0;
        vm->calling = true;

    } else {
        rt_vm_start(vm, 1);
    }

    return rt_vm_done(vm, lua_pcall(vm->L, nargs, 1, 1));
}


/*
 * Handles an error where it is raised: the line is that of the stack, for the
 * text is the rule's own.
 */

static int
rt_vm_where(lua_State *L)
{
    rt_vm_of(L)->line = rt_vm_line(L, NULL);

    return 1;
}


/* of the innermost function of Lua */

static unsigned
rt_vm_line(lua_State *L, lua_Debug *in)
{
    int         level;
    lua_Debug   ar;

    if (in == NULL) {
        in = &ar;
    }

    for (level = 0; lua_getstack(L, level, in); level++) {

        if (lua_getinfo(L, "Sl", in) && in->currentline > 0) {
            return in->currentline;
        }
    }

    return 0;
}


rt_vm_result_e
rt_vm_before(rt_vm_t *vm, lua_CFunction f, void *data)
{
    rt_vm_start(vm, 1);
    vm->begun = true;

    return rt_vm_done(vm, lua_cpcall(vm->L, f, data));
}


void
rt_vm_end(rt_vm_t *vm)
{
    lua_settop(vm->L, 0);
    vm->begun = false;

    if (vm->dead || vm->live <= vm->limits.kept) {
        return;
    }

    lua_gc(vm->L, LUA_GCCOLLECT, 0);

    if (vm->live > vm->limits.kept) {
        vm->dead = RT_VM_MEMORY;
        snprintf(vm->error, sizeof(vm->error),
                 "it keeps %zu bytes between calls", vm->live);
    }
}


static void
rt_vm_start(rt_vm_t *vm, uint32_t times)
{
    vm->steps = (int64_t) vm->limits.steps * times;
    vm->given = vm->steps;
    vm->counted = vm->steps;
    vm->bytes = (int64_t) vm->limits.bytes * times;
    vm->nesting = 0;
    vm->error[0] = '\0';
    vm->line = 0;

    vm->began = 0;
    vm->end = 0;
    vm->time = (uint64_t) vm->limits.time * times * 1000 / 2;

    vm->calling = true;
}


/* the flag says what has happened, whatever the error says */

static rt_vm_result_e
rt_vm_done(rt_vm_t *vm, int status)
{
    size_t       len, n;
    int64_t      left;
    const char  *said;

    left = rt_max(vm->steps, 0);
    vm->spent += vm->counted - left;
    vm->counted = left;

    vm->calling = false;

    if (vm->dead == RT_VM_OK && status == 0) {
        return RT_VM_OK;
    }

    if (vm->dead == RT_VM_OK) {
        said = lua_type(vm->L, -1) == LUA_TSTRING
               ? lua_tolstring(vm->L, -1, &len)
               : "an error that is no text";
        rt_vm_say(vm, said);
        return RT_VM_ERROR;
    }

    n = strlen(vm->error);
    snprintf(vm->error + n, sizeof(vm->error) - n, "%s",
             vm->dead == RT_VM_STEPS ? "too many steps"
             : vm->dead == RT_VM_TIME ? "it took too long"
             : "too much memory");

    return vm->dead;
}


/* a rule's own text becomes a part of a line: it has no control characters */

static void
rt_vm_say(rt_vm_t *vm, const char *said)
{
    size_t   n;
    uint8_t  ch;

    for (n = 0; said[n] && n < sizeof(vm->error) - 1; n++) {
        ch = said[n];
        vm->error[n] = ch < 0x20 || ch == 0x7f ? ' ' : said[n];
    }

    vm->error[n] = '\0';
}


static void
rt_vm_hook(lua_State *L, lua_Debug *ar)
{
    rt_vm_t  *vm;

    (void) ar;

    vm = rt_vm_of(L);

    if (!vm->calling) {
        return;
    }

    if (vm->dead) {
        rt_vm_die(L, vm->dead);
    }

    vm->steps -= RT_VM_TICK;

    if (vm->steps < 0) {
        rt_vm_die(L, RT_VM_STEPS);
    }

    if (rt_vm_late(vm)) {
        rt_vm_die(L, RT_VM_TIME);
    }
}


/*
 * The time begins with the first tick: most calls end before it.  Half of it is
 * the time of day, the other half, when that is over, the processor's.
 */

static bool
rt_vm_late(rt_vm_t *vm)
{
    uint64_t  now, took;

    now = rt_vm_clock(CLOCK_MONOTONIC);

    if (vm->end == 0) {
        vm->end = now + vm->time;
    }

    if (now < vm->end) {
        return false;
    }

    took = rt_vm_clock(CLOCK_THREAD_CPUTIME_ID);

    if (vm->began == 0) {
        vm->began = took;
        vm->end = now + vm->time;
        return false;
    }

    if (took - vm->began >= vm->time) {
        return true;
    }

    vm->end = now + vm->time - (took - vm->began);

    return false;
}


static uint64_t
rt_vm_clock(clockid_t clock)
{
    struct timespec  ts;

    clock_gettime(clock, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
rt_vm_die(lua_State *L, rt_vm_result_e why)
{
    rt_vm_t    *vm;
    lua_Debug   ar;

    vm = rt_vm_of(L);

    vm->dead = why;
    lua_sethook(L, rt_vm_hook, LUA_MASKCOUNT, 1);

    if (vm->line == 0) {
        vm->line = rt_vm_line(L, &ar);

        if (vm->line) {
            snprintf(vm->error, sizeof(vm->error), "%s:%u: ", ar.short_src,
                     vm->line);
        }
    }

    lua_pushnil(L);
    lua_error(L);

    abort();
}


void
rt_vm_alive(lua_State *L)
{
    rt_vm_t  *vm;

    vm = rt_vm_of(L);

    if (vm->dead) {
        rt_vm_die(L, vm->dead);
    }
}


unsigned
rt_vm_enter(lua_State *L)
{
    rt_vm_t  *vm;

    vm = rt_vm_of(L);

    if (vm->nesting == RT_VM_NESTING) {
        luaL_error(L, "functions are nested too deep");
    }

    return vm->nesting++;
}


void *
rt_vm_owner(lua_State *L)
{
    return rt_vm_of(L)->owner;
}


lua_State *
rt_vm_state(rt_vm_t *vm)
{
    return vm->L;
}


const char *
rt_vm_error(rt_vm_t *vm)
{
    return vm->error;
}


rt_vm_result_e
rt_vm_fail(rt_vm_t *vm, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vsnprintf(vm->error, sizeof(vm->error), format, args);
    va_end(args);

    return RT_VM_ERROR;
}


unsigned
rt_vm_error_line(rt_vm_t *vm)
{
    return vm->line;
}


/* nothing is made here, so nothing can fail */

bool
rt_vm_only(rt_vm_t *vm, const char *const *names)
{
    lua_State          *L;
    const char         *name;
    const char *const  *n;

    if (names == NULL) {
        return true;
    }

    L = vm->L;
    lua_getfield(L, LUA_REGISTRYINDEX, RT_VM_RULES);

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {

        name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";

        for (n = names; *n && strcmp(*n, name) != 0; n++) { /* void */ }

        if (*n == NULL) {
            (void) rt_vm_fail(vm, "returns \"%.64s\", which nobody asks",
                              name);
            break;
        }

        if (!lua_isfunction(L, -1)) {
            (void) rt_vm_fail(vm, "returns a %s as \"%s\", not a function",
                              luaL_typename(L, -1), name);
            break;
        }
    }

    if (lua_gettop(L) == 1) {
        lua_settop(L, 0);
        return true;
    }

    lua_settop(L, 0);

    return false;
}


bool
rt_vm_spoilt(rt_vm_t *vm)
{
    return vm->dead != RT_VM_OK;
}


size_t
rt_vm_bytes(rt_vm_t *vm)
{
    return vm->live;
}


size_t
rt_vm_used(rt_vm_t *vm)
{
    return vm->limits.bytes - rt_max(vm->bytes, 0);
}


uint32_t
rt_vm_steps(rt_vm_t *vm)
{
    return vm->given - rt_max(vm->steps, 0);
}


uint64_t
rt_vm_spent(rt_vm_t *vm)
{
    uint64_t  spent;

    spent = vm->spent;
    vm->spent = 0;

    return spent;
}
