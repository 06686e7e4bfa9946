
/*
 * States of rules: what they can do, what they cannot, and that their budget
 * holds against all of t/rules/attacks.lua.  Patterns are compared with those
 * of LuaJIT itself.
 */


#define _GNU_SOURCE

#include <lauxlib.h>
#include <lualib.h>
#include <time.h>

#include "rt_vm.h"
#include "tap.h"


static const rt_vm_limits_t  limits = {
    .steps = 100000, .bytes = 1024 * 1024, .piece = 64 * 1024, .time = 900,
    .kept = 256 * 1024
};


static rt_vm_t *
load(const char *text)
{
    rt_vm_t         *vm;
    rt_vm_result_e   result;

    vm = rt_vm_create(&limits, NULL, NULL);
    result = rt_vm_load(vm, "x.lua", (const uint8_t *) text, strlen(text));
    ok(result == RT_VM_OK, "loads: %s", rt_vm_error(vm));

    return vm;
}


/* what publish() of the chunk answers, as a text */
static const char *
answer(rt_vm_t *vm)
{
    const char      *s;
    lua_State       *L;
    rt_vm_result_e   result;
    static char      said[300];

    L = rt_vm_state(vm);
    result = rt_vm_begin(vm, "publish");

    if (result == RT_VM_OK) {
        result = rt_vm_call(vm, 0);
    }

    if (result == RT_VM_OK) {
        s = lua_isnil(L, -1) ? "nil" : lua_tostring(L, -1);
        snprintf(said, sizeof(said), "%s", s ? s : "?");
    } else {
        snprintf(said, sizeof(said), "%d: %s", result, rt_vm_error(vm));
    }

    rt_vm_end(vm);

    return said;
}


static void
test_language(void)
{
    char         text[600];
    size_t       i;
    rt_vm_t     *vm;
    const char  *said;

    static const struct {
        const char  *code, *says;
    } table[] = {
        { "1 + 1", "2" },
        { "('abc'):upper() .. #'de'", "ABC2" },
        { "string.format('%5.2f|%-4s|%d|%q', 3.14159, 'a', 7, 'x')",
          " 3.14|a   |7|\"x\"" },
        { "string.format('100%% %s', nil)", "100% nil" },
        { "tostring({}) .. tostring(nil) .. tostring(true) .. tostring(0.5)",
          "tableniltrue0.5" },
        { "table.concat({ 1, 'a', 2.5 }, ', ')", "1, a, 2.5" },
        { "table.concat({}, ',')", "" },
        { "('x'):rep(3)", "xxx" },
        { "('x'):rep(-1)", "" },
        { "tonumber('0x10') + tonumber('z', 36)", "51" },
        { "tonumber('nothing')", "nil" },
        { "select('#', unpack({ 1, 2, 3 }))", "3" },
        { "select(2, ('hello'):byte(1, -1))", "101" },
        { "tostring((pcall(error, 'x')))", "false" },
        { "select(2, pcall(error, 'x'))", "x" },
        { "select(2, xpcall(error, function(e) return 'h' .. e end, 'x'))",
          "hx" },
        { "select(2, xpcall(function(a) return a end, error, 5))", "5" },
        { "math.floor(3.7) + bit.band(7, 3)", "6" },
        { "(function() local t = { 3, 1, 2 } table.sort(t) "
          "return table.concat(t) end)()", "123" },
        { "(function() local t = { 3, 1, 2 } "
          "table.sort(t, function(a, b) return a > b end) "
          "return table.concat(t) end)()", "321" },
        { "(function() local t = { 1, 3 } table.insert(t, 2, 2) "
          "table.insert(t, 4) return table.concat(t) .. "
          "table.remove(t, 1) .. table.remove(t) .. #t end)()", "1234142" },
        { "(function() local n = 0 for k, v in pairs({ a = 1, b = 2, 3 }) do "
          "n = n + v end return n end)()", "6" },
        { "(function() local s = '' for k, v in ('a=1,b=2')"
          ":gmatch('(%w)=(%w)') do s = s .. k .. v end return s end)()",
          "a1b2" },
        { "(('hello world'):gsub('o', '0'))", "hell0 w0rld" },
        { "(('hello'):gsub('l', { l = 'L' }))", "heLLo" },
        { "(('hello'):gsub('(l)(o)', '%2%1%0%%'))", "helollo%" },
        { "(('abc'):gsub('', '-'))", "-a-b-c-" },
        { "(('abc'):gsub('%w', function(c) return c ~= 'b' and c .. c end))",
          "aabcc" },
        { "select(2, ('key = value'):find('^(%w+)%s*=%s*(%w+)$'))", "11" },
        { "('f(a(b)c)d'):match('%b()')", "(a(b)c)" },
        { "('x.y'):find('.', 1, true)", "2" },
        { "('THE (quick) fox'):find('%f[%a]%a+%f[%A]', 5)", "6" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(text, sizeof(text),
                 "return { publish = function() return (%s) end }",
                 table[i].code);

        vm = load(text);
        said = answer(vm);
        ok(strcmp(said, table[i].says) == 0, "%s: %s", table[i].code, said);
        rt_vm_destroy(vm);
    }

    tap_group("what a rule can do");
}


static void
test_errors(void)
{
    size_t           i;
    rt_vm_t         *vm;
    const char      *said;
    rt_vm_result_e   result;
    static uint8_t   large[RT_VM_SOURCE_MAX + 1];

    static const struct {
        const char  *text, *says;
        unsigned     line;
    } table[] = {
        { "return { publish = function()\n error('no') end }",
          "2: x.lua:2: no", 2 },
        { "return { publish = function()\n\n error('x.lua:7: no', 0) end }",
          "2: x.lua:7: no", 3 },
        { "return { publish = function() pcall(error, 'a')\n"
          "error({}) end }", "2: an error that is no text", 2 },
        { "return { publish = function() local t\n return t.x end }",
          "2: x.lua:2: attempt to index local 't' (a nil value)", 2 },
        { "return { publish = function() x = 1 end }",
          "2: x.lua:1: a rule keeps nothing: write \"local x\"", 1 },
        { "return { publish = function()\n\n while true do end end }",
          "3: x.lua:3: too many steps", 3 },
        { "return { publish = function() local s = 'x' "
          "while true do s = s .. s end end }", "4: too much memory", 0 },
        { "return {}", "1: ", 0 }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        vm = load(table[i].text);
        said = answer(vm);
        ok(strcmp(said, table[i].says) == 0, "%s: %s", table[i].text, said);
        ok(rt_vm_error_line(vm) == table[i].line, "%s: line %u",
           table[i].text, rt_vm_error_line(vm));
        rt_vm_destroy(vm);
    }

    memset(large, ' ', sizeof(large));
    vm = rt_vm_create(&limits, NULL, NULL);
    result = rt_vm_load(vm, "x.lua", large, sizeof(large));
    ok(result == RT_VM_ERROR, "a chunk that is too long");
    result = rt_vm_load(vm, "x.lua", (uint8_t *) "\x1bLJ\x02", 4);
    ok(result == RT_VM_ERROR, "bytecode");
    result = rt_vm_load(vm, "x.lua", (uint8_t *) "\xef\xbb\xbf\x1bLJ\x02", 7);
    ok(result == RT_VM_ERROR, "bytecode behind a mark");
    rt_vm_destroy(vm);

    tap_group("what is wrong is told, with its line");
}


static uint64_t
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static char *
read_file(const char *path)
{
    FILE   *f;
    char   *text;
    long    n;

    f = fopen(path, "r");

    if (f == NULL) {
        return NULL;
    }

    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    text = calloc(1, n + 1);
    n = fread(text, 1, n, f);
    fclose(f);

    return text;
}


static void
test_attacks(void)
{
    char            *text, *p, *name, *end, last[100];
    size_t           n;
    rt_vm_t         *vm, *neighbour;
    uint64_t         began, took, most;
    const char      *said, *worst;
    rt_vm_result_e   result;

    text = read_file("t/rules/attacks.lua");
    ok(text != NULL, "t/rules/attacks.lua");

    if (text == NULL) {
        tap_group("attacks");
        return;
    }

    neighbour = load("return { publish = function() return ('x'):rep(3) end }");
    most = 0;
    worst = "";
    n = 0;

    for (p = strstr(text, "\n--- "); p; p = end) {

        name = p + 5;
        p = strchr(name, '\n');
        *p++ = '\0';
        end = strstr(p, "\n--- ");

        if (end) {
            *end = '\0';
        }

        n++;
        vm = rt_vm_create(&limits, NULL, NULL);
        ok(vm != NULL, "a state for %s", name);

        began = cpu();
        result = rt_vm_load(vm, "x.lua", (uint8_t *) p, strlen(p));
        took = cpu() - began;
        said = "";

        for (int i = 0; result == RT_VM_OK && i < 200; i++) {
            began = cpu();
            said = answer(vm);
            took = rt_max(took, cpu() - began);
            ok(strcmp(said, "escaped") != 0, "%s: %s", name, said);

            if (rt_vm_spoilt(vm)) {
                break;
            }
        }

        if (took > most) {
            most = took;
            worst = name;
        }

        snprintf(last, sizeof(last), "%s", said);

        ok(rt_vm_bytes(vm) < 3 * limits.bytes, "%s: %zu bytes", name,
           rt_vm_bytes(vm));
        rt_vm_destroy(vm);

        ok(strcmp(answer(neighbour), "xxx") == 0, "%s: the neighbour", name);

        if (getenv("RT_VM_VERBOSE")) {
            printf("# %6lu us  %s: %s\n", (unsigned long) took, name, last);
        }

        if (end) {
            *end = '\n';
        }
    }

    rt_vm_destroy(neighbour);

    printf("# %zu attacks, at most %lu us: %s\n", n, (unsigned long) most,
           worst);
    ok(n > 80, "%zu attacks", n);
    ok(most < 100000, "%s took %lu us", worst, (unsigned long) most);
    free(text);

    tap_group("attacks");
}


/* line by line; a pattern that is none is told at once, not when reached */

static bool
same(const char *ours, const char *stock)
{
    size_t  len;

    while (*ours && *stock) {

        len = strcspn(ours, "\n") + 1;

        if (strncmp(ours, "error\n", 6) != 0
            && strncmp(ours, stock, len) != 0)
        {
            return false;
        }

        ours += len;
        stock += strcspn(stock, "\n") + 1;
    }

    return *ours == *stock;
}


/* functions of the library, by LuaJIT itself and in a state of ours */

static void
test_patterns(void)
{
    int              i, j, n, errors;
    char             pattern[24], text[24], ours[400];
    rt_vm_t         *vm;
    lua_State       *stock, *L;
    const char      *said;
    static const char  code[] =
        "local find, gsub, match = string.find, string.gsub, string.match\n"
        "local function say(good, ...)\n"
        "  if not good then return 'error\\n' end\n"
        "  local s = ''\n"
        "  for i = 1, select('#', ...) do\n"
        "    s = s .. tostring((select(i, ...))) .. '|'\n"
        "  end\n"
        "  return s .. '\\n'\n"
        "end\n"
        "return { publish = function(s, p)\n"
        "  return say(pcall(find, s, p)) .. say(pcall(match, s, p, 2)) ..\n"
        "         say(pcall(gsub, s, p, '<%0>')) ..\n"
        "         say(pcall(gsub, s, p, '%1', 2))\n"
        "end }\n";

    stock = luaL_newstate();
    luaL_openlibs(stock);

    if (luaL_dostring(stock, code) != 0) {
        ok(0, "%s", lua_tostring(stock, -1));
        return;
    }

    lua_getfield(stock, -1, "publish");

    vm = load(code);
    L = rt_vm_state(vm);
    srand(7);
    errors = 0;

    for (i = 0; i < 30000; i++) {

        n = 1 + rand() % 9;
        for (j = 0; j < n; j++) {
            pattern[j] = "ab.%*+-?()[]^$1fdsb%("[rand() % 21];
        }
        pattern[n] = '\0';

        n = rand() % 8;
        for (j = 0; j < n; j++) {
            text[j] = "ab1 (.)"[rand() % 7];
        }
        text[n] = '\0';

        lua_pushvalue(stock, -1);
        lua_pushstring(stock, text);
        lua_pushstring(stock, pattern);
        lua_call(stock, 2, 1);
        said = lua_tostring(stock, -1);

        if (rt_vm_begin(vm, "publish") != RT_VM_OK) {
            ok(0, "spoilt: %s", rt_vm_error(vm));
            break;
        }

        lua_pushstring(L, text);
        lua_pushstring(L, pattern);

        if (rt_vm_call(vm, 2) == RT_VM_OK) {
            snprintf(ours, sizeof(ours), "%s", lua_tostring(L, -1));
        } else {
            snprintf(ours, sizeof(ours), "%s", rt_vm_error(vm));
        }

        rt_vm_end(vm);
        errors += strstr(ours, "error") != NULL;

        ok(same(ours, said), "\"%s\" of \"%s\": %s and not %s", pattern, text,
           ours, said);
        lua_pop(stock, 1);
    }

    ok(errors < i * 2 / 3, "%d of %d are errors", errors, i);
    rt_vm_destroy(vm);
    lua_close(stock);

    tap_group("patterns are LuaJIT's");
}


/* as many names as are asked for, and more than a state remembers */

static void
test_names(void)
{
    int       i;
    char      name[40];
    rt_vm_t  *vm;

    vm = load("local t = {}\n"
              "for i = 0, 18, 2 do\n"
              "  t['n' .. i] = function() return 'n' .. i end\n"
              "end\n"
              "t.text, t.n1000000000000000000 = 'no function', print\n"
              "return t");

    for (i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "n%d", i % 20);

        if (rt_vm_begin(vm, name) == RT_VM_OK) {
            ok(i % 2 == 0, "there is a function %s", name);
            ok(rt_vm_call(vm, 0) == RT_VM_OK, "%s", rt_vm_error(vm));
            ok(strcmp(lua_tostring(rt_vm_state(vm), -1), name) == 0,
               "%s", name);
        } else {
            ok(i % 2 == 1, "there is no function %s", name);
        }

        rt_vm_end(vm);
    }

    ok(rt_vm_begin(vm, "text") == RT_VM_NONE, "a text is no function");
    ok(rt_vm_begin(vm, "n1000000000000000000") == RT_VM_NONE, "a long name");
    rt_vm_destroy(vm);

    tap_group("names of functions");
}


/* what is not spoilt is as it was, however often it is called */

static void
test_many(void)
{
    int              i;
    size_t           bytes;
    rt_vm_t         *vm;
    const char      *said;

    vm = load("return { publish = function()\n"
              "  local t = {}\n"
              "  for i = 1, 10 do t[i] = { n = i, s = ('x'):rep(i) } end\n"
              "  return #t\n"
              "end }");

    bytes = 0;

    for (i = 0; i < 20000; i++) {
        said = answer(vm);
        ok(strcmp(said, "10") == 0, "%s", said);

        if (i == 1000) {
            bytes = rt_vm_bytes(vm);
        }
    }

    ok(rt_vm_bytes(vm) < bytes * 2 + limits.kept, "%zu and then %zu bytes",
       bytes, rt_vm_bytes(vm));
    printf("# %zu bytes\n", rt_vm_bytes(vm));
    rt_vm_destroy(vm);

    vm = load("return { publish = function() end }");
    printf("# %zu bytes of a small rule\n", rt_vm_bytes(vm));
    ok(rt_vm_bytes(vm) < 26 * 1024, "%zu bytes", rt_vm_bytes(vm));
    rt_vm_destroy(vm);

    tap_group("many calls");
}


int
main(void)
{
    test_language();
    test_errors();
    test_attacks();
    test_patterns();
    test_names();
    test_many();

    return tap_done();
}
