
/*
 * rt.log(...): a line for whoever looks after the rule.  Where nobody listens
 * it does nothing.  A line is text without control characters; tables are told
 * as JSON.
 */


#include "rt_rule_lib.h"
#include "rt_utf8.h"


/* steps that a line costs beside its bytes: somebody writes it to a file */
#define RT_RULE_LOG_STEPS  500


static void rt_rule_log_value(lua_State *L, int i);
static int rt_rule_log_encode(lua_State *L);
static void rt_rule_log_say(rt_rule_line_t *line, const uint8_t *p,
    size_t len);
static size_t rt_rule_log_plain(const uint8_t *p, size_t len);


/* of the call that logged last */
static rt_rule_line_t  rt_rule_log_line;


void
rt_rule_log_to(rt_rule_t *rule, rt_rule_log_pt log, void *data)
{
    rule->log = log;
    rule->log_data = data;
}


int
rt_rule_log(lua_State *L)
{
    int              i, n;
    size_t           len;
    rt_rule_t       *rule;
    const char      *text;
    rt_rule_line_t  *line;

    rule = rt_vm_owner(L);

    if (rule->log == NULL) {
        return 0;
    }

    if (rule->nlines == RT_RULE_LINES) {
        return 0;
    }

    rule->nlines++;
    rt_vm_charge(L, RT_RULE_LOG_STEPS);

    n = rt_min(lua_gettop(L), RT_VM_VALUES);
    luaL_checkstack(L, 4, "nested too deep");

    for (i = 1; i <= n; i++) {
        rt_rule_log_value(L, i);
        lua_replace(L, i);
    }

    line = &rt_rule_log_line;
    line->len = 0;
    line->cut = false;

    for (i = 1; i <= n; i++) {

        if (i > 1) {
            rt_rule_log_say(line, (const uint8_t *) " ", 1);
        }

        text = lua_tolstring(L, i, &len);
        rt_rule_log_say(line, (const uint8_t *) text, len);
    }

    rule->log(rule->log_data, line->text, line->len);

    return 0;
}


static void
rt_rule_log_value(lua_State *L, int i)
{
    int  status;

    if (!lua_istable(L, i)) {
        rt_vm_tostring(L, i);
        return;
    }

    lua_pushcfunction(L, rt_rule_log_encode);
    lua_pushvalue(L, i);
    status = lua_pcall(L, 1, 1, 0);

    rt_vm_alive(L);

    if (status) {
        rt_vm_charge(L, RT_VM_CAUGHT);
        lua_pop(L, 1);
        lua_pushliteral(L, "table");
    }
}


static int
rt_rule_log_encode(lua_State *L)
{
    rt_rule_encode(L, 1);

    return 1;
}


/* what is no character, and those that control, as "\x1b" */

static void
rt_rule_log_say(rt_rule_line_t *line, const uint8_t *p, size_t len)
{
    size_t    i, n;
    uint8_t   escaped[4];

    static const uint8_t  hex[] = "0123456789abcdef";

    for (i = 0; i < len && !line->cut; i += n) {

        n = rt_rule_log_plain(p + i, len - i);

        if (n && line->len + n + 3 <= sizeof(line->text)) {
            memcpy(line->text + line->len, p + i, n);
            line->len += n;
            continue;
        }

        if (n == 0 && line->len + 4 + 3 <= sizeof(line->text)) {
            n = 1;
            escaped[0] = '\\';
            escaped[1] = 'x';
            escaped[2] = hex[p[i] >> 4];
            escaped[3] = hex[p[i] & 15];
            memcpy(line->text + line->len, escaped, 4);
            line->len += 4;
            continue;
        }

        memcpy(line->text + line->len, "...", 3);
        line->len += 3;
        line->cut = true;
    }
}


/* bytes of the character that begins there; 0: it is none, or it controls */

static size_t
rt_rule_log_plain(const uint8_t *p, size_t len)
{
    size_t  n;

    if (*p < 0x80) {
        return *p >= 0x20 && *p != 0x7f;
    }

    n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

    if (n > len || !rt_utf8_valid(p, n) || (p[0] == 0xc2 && p[1] < 0xa0)) {
        return 0;
    }

    return n;
}
