
/*
 * rt.schema{ type=, versions=, upgrade= }: what events of a type have to be.
 *
 * A schema is read once, when its file is loaded, into a userdata that no rule
 * can reach: nodes and names in one piece, and the upgrades as its environment.
 * An event that is of the newest version costs no Lua.  One that is older is
 * decoded, given to one upgrade after another, and what each makes of it is
 * written and held against the next version, as if a client had sent it.
 */


#include <stdio.h>
#include <stdlib.h>

#include "rt_rule_lib.h"
#include "rt_utf8.h"


#define RT_RULE_VERSIONS     64
#define RT_RULE_VERSION_MAX  1000000
#define RT_RULE_TYPE         255

#define RT_RULE_PATH         128


struct rt_rule_schema_s {
    rt_rule_schema_t      *next;
    rt_str_t               type;      /* terminated */
    int                    at;        /* among the state's, from 1 up */
    uint32_t               first;     /* version; its nodes are the first */
    uint32_t               nversions;
    rt_schema_t            schema;
};


/* while one is read: the nodes and names of all of its versions */
typedef struct {
    size_t                 n;
    size_t                 size;      /* of the names */
    rt_schema_node_t       nodes[RT_SCHEMA_NODES];
    uint8_t                names[RT_SCHEMA_NODES * 16];
} rt_rule_draft_t;


typedef struct rt_rule_path_s  rt_rule_path_t;

struct rt_rule_path_s {
    const rt_rule_path_t  *in;
    const char            *name;
};


typedef struct {
    rt_rule_t             *rule;
    rt_rule_schema_t      *schema;
    rt_rule_event_t       *event;
    rt_verdict_t          *verdict;
} rt_rule_upgrade_t;


static size_t rt_rule_schema_versions(lua_State *L, uint32_t *first);
static void rt_rule_schema_upgrades(lua_State *L, uint32_t first, size_t n);
static void rt_rule_schema_spec(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path, unsigned depth);
static void rt_rule_schema_word(lua_State *L, rt_schema_node_t *node,
    const rt_rule_path_t *path);
static void rt_rule_schema_fields(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path);
static void rt_rule_schema_name(lua_State *L, rt_rule_draft_t *d,
    rt_schema_node_t *node, const rt_rule_path_t *path);
static void rt_rule_schema_field(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path, unsigned depth);
static size_t rt_rule_schema_nodes(lua_State *L, rt_rule_draft_t *d, size_t n);
static void rt_rule_schema_bad(lua_State *L, const rt_rule_path_t *path,
    const char *why) __attribute__((noreturn));
static void rt_rule_schema_keep(lua_State *L, rt_rule_draft_t *d,
    uint32_t first, size_t n);
static rt_rule_schema_t *rt_rule_schema_lookup(rt_rule_t *rule,
    const rt_str_t *type);
static rt_vm_result_e rt_rule_refuse(rt_verdict_t *verdict, uint32_t code);
static void rt_rule_say_versions(rt_rule_schema_t *schema, rt_said_t *said);
static int rt_rule_upgrade(lua_State *L);
static bool rt_rule_upgrade_decode(lua_State *L, rt_rule_upgrade_t *u);
static int rt_rule_upgrade_decoded(lua_State *L);
static bool rt_rule_upgrade_step(lua_State *L, rt_rule_upgrade_t *u,
    uint32_t version);


/* of the event that was checked last, and of the file that was read last */
static rt_said_t        rt_rule_said;
static rt_rule_draft_t  rt_rule_draft;


void
rt_rule_open_schemas(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_UPGRADED_AT);

    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_SCHEMAS_AT);
}


/* the stack: type, versions, upgrade */

int
rt_rule_schema(lua_State *L)
{
    char             name[16];
    size_t           i, n;
    uint32_t         first;
    rt_str_t         type;
    rt_rule_t       *rule;
    rt_rule_path_t   path, versions = { NULL, "versions" };
    rt_rule_draft_t *d;

    rule = rt_vm_owner(L);

    if (!rule->loading) {
        return luaL_error(L, "rt.schema: call it at the top level of a file");
    }

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);

    lua_pushliteral(L, "type");
    lua_rawget(L, 1);
    lua_pushliteral(L, "versions");
    lua_rawget(L, 1);
    lua_pushliteral(L, "upgrade");
    lua_rawget(L, 1);
    lua_remove(L, 1);

    if (lua_type(L, 1) != LUA_TSTRING) {
        return luaL_error(L, "rt.schema: type: a text is expected");
    }

    type.data = (uint8_t *) lua_tolstring(L, 1, &type.len);

    if (type.len == 0 || type.len > RT_RULE_TYPE
        || !rt_utf8_valid(type.data, type.len))
    {
        return luaL_error(L, "rt.schema: type: 1 to 255 bytes of UTF-8");
    }

    if (rt_rule_schema_lookup(rule, &type)) {
        return luaL_error(L, "rt.schema: \"%s\" is there already",
                          (char *) type.data);
    }

    n = rt_rule_schema_versions(L, &first);
    rt_rule_schema_upgrades(L, first, n);

    d = &rt_rule_draft;
    d->n = 0;
    d->size = 0;
    (void) rt_rule_schema_nodes(L, d, n);

    path.in = &versions;
    path.name = name;

    for (i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%u", (unsigned) (first + i));
        lua_rawgeti(L, 2, first + i);
        rt_rule_schema_spec(L, d, i, &path, 0);
        lua_pop(L, 1);
    }

    rt_rule_schema_keep(L, d, first, n);

    return 0;
}


/* how many there are, from first on, without a gap */

static size_t
rt_rule_schema_versions(lua_State *L, uint32_t *first)
{
    size_t      n;
    uint32_t    last;
    lua_Number  version;

    if (!lua_istable(L, 2)) {
        luaL_error(L, "rt.schema: versions: a table is expected");
    }

    *first = UINT32_MAX;
    last = 0;
    n = 0;

    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {

        rt_vm_charge(L, 4);
        version = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;

        if (!(version >= 1 && version <= RT_RULE_VERSION_MAX)
            || version != (uint32_t) version)
        {
            luaL_error(L, "rt.schema: versions: a version is a whole number "
                       "from 1 to %d", RT_RULE_VERSION_MAX);
        }

        *first = rt_min(*first, (uint32_t) version);
        last = rt_max(last, (uint32_t) version);
        n++;
    }

    if (n == 0 || n > RT_RULE_VERSIONS) {
        luaL_error(L, "rt.schema: versions: 1 to %d are expected",
                   RT_RULE_VERSIONS);
    }

    if (last - *first + 1 != n) {
        luaL_error(L, "rt.schema: versions: there is a gap between %d and %d",
                   (int) *first, (int) last);
    }

    return n;
}


/* one for each version but the newest */

static void
rt_rule_schema_upgrades(lua_State *L, uint32_t first, size_t n)
{
    size_t    i, there;
    uint32_t  last;

    last = first + n - 1;

    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }

    if (!lua_istable(L, 3)) {
        luaL_error(L, "rt.schema: upgrade: a table is expected");
    }

    for (i = first; i < last; i++) {
        lua_rawgeti(L, 3, i);

        if (!lua_isfunction(L, -1)) {
            luaL_error(L, "rt.schema: upgrade[%d]: a function is expected, "
                       "that makes version %d of it", (int) i, (int) i + 1);
        }

        lua_pop(L, 1);
    }

    there = 0;

    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        rt_vm_charge(L, 4);
        there++;
    }

    if (there > last - first) {
        luaL_error(L, "rt.schema: upgrade: there are more than versions to be "
                   "upgraded");
    }
}


/* what is on top of the stack becomes the node */

static void
rt_rule_schema_spec(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path, unsigned depth)
{
    size_t             i, n, item;
    rt_schema_node_t  *node;
    rt_rule_path_t     in = { path, "1" };

    rt_vm_charge(L, 16);
    luaL_checkstack(L, 8, "nested too deep");

    node = &d->nodes[at];

    if (lua_type(L, -1) == LUA_TSTRING) {
        rt_rule_schema_word(L, node, path);
        return;
    }

    if (!lua_istable(L, -1)) {
        rt_rule_schema_bad(L, path, "a text or a table is expected");
    }

    if (depth == RT_SCHEMA_DEPTH) {
        rt_rule_schema_bad(L, path, "it is nested too deep");
    }

    lua_rawgeti(L, -1, 1);

    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);

        node->kind = RT_SCHEMA_OBJECT;
        rt_rule_schema_fields(L, d, at, path);
        n = d->nodes[at].n;

        for (i = 0; i < n; i++) {
            rt_rule_schema_field(L, d, d->nodes[at].first + i, path, depth);
        }

        return;
    }

    node->kind = RT_SCHEMA_ARRAY;
    item = rt_rule_schema_nodes(L, d, 1);
    node->first = item;
    node->n = 1;

    rt_rule_schema_spec(L, d, item, &in, depth + 1);
    lua_pop(L, 1);

    lua_pushnil(L);

    for (n = 0; lua_next(L, -2); n++) {
        lua_pop(L, 1);
    }

    if (n > 1) {
        rt_rule_schema_bad(L, path, "a list has one spec: { SPEC }");
    }
}


static void
rt_rule_schema_word(lua_State *L, rt_schema_node_t *node,
    const rt_rule_path_t *path)
{
    size_t       i, len;
    const char  *word;

    word = lua_tolstring(L, -1, &len);

    if (len && word[len - 1] == '?') {
        node->optional = true;
        len--;
    }

    for (i = 0; i < RT_SCHEMA_KINDS; i++) {
        if (len == strlen(rt_schema_kinds[i])
            && memcmp(word, rt_schema_kinds[i], len) == 0)
        {
            node->kind = i;
            return;
        }
    }

    rt_rule_schema_bad(L, path, "write string, number, integer, boolean, "
                       "object, array or any, with a ? where it may be left "
                       "out");
}


/* the fields of the table on top of the stack, in order, without their specs */

static void
rt_rule_schema_fields(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path)
{
    size_t             i, n, first;
    const uint8_t     *names;
    rt_schema_node_t   node, *nodes;

    lua_pushnil(L);

    for (n = 0; lua_next(L, -2); n++) {
        rt_vm_charge(L, 4);
        lua_pop(L, 1);
    }

    if (n > RT_SCHEMA_FIELDS) {
        rt_rule_schema_bad(L, path, "more than 128 fields");
    }

    first = rt_rule_schema_nodes(L, d, n);
    nodes = &d->nodes[first];
    names = d->names;
    n = 0;

    for (lua_pushnil(L); lua_next(L, -2); n++) {
        lua_pop(L, 1);

        memset(&node, 0, sizeof(rt_schema_node_t));
        rt_rule_schema_name(L, d, &node, path);

        for (i = n; i; i--) {
            rt_vm_charge(L, 1);

            if (rt_schema_order(names + nodes[i - 1].name, nodes[i - 1].len,
                                names + node.name, node.len)
                < 0)
            {
                break;
            }

            nodes[i] = nodes[i - 1];
        }

        nodes[i] = node;
    }

    for (i = 1; i < n; i++) {
        if (rt_schema_order(names + nodes[i - 1].name, nodes[i - 1].len,
                            names + nodes[i].name, nodes[i].len)
            == 0)
        {
            rt_rule_schema_bad(L, path, "a field is there with and without "
                               "its ?");
        }
    }

    d->nodes[at].first = first;
    d->nodes[at].n = n;
}


/* that on top of the stack; "NAME?" may be left out */

static void
rt_rule_schema_name(lua_State *L, rt_rule_draft_t *d, rt_schema_node_t *node,
    const rt_rule_path_t *path)
{
    size_t       len;
    const char  *name;

    if (lua_type(L, -1) != LUA_TSTRING) {
        rt_rule_schema_bad(L, path, "the name of a field is a text");
    }

    name = lua_tolstring(L, -1, &len);

    if (len && name[len - 1] == '?') {
        node->optional = true;
        len--;
    }

    if (len == 0 || len > RT_SCHEMA_NAME
        || !rt_utf8_valid((const uint8_t *) name, len))
    {
        rt_rule_schema_bad(L, path, "the name of a field is 1 to 64 bytes of "
                           "UTF-8");
    }

    if (d->size + len > sizeof(d->names)) {
        rt_rule_schema_bad(L, path, "there are too many fields");
    }

    node->name = d->size;
    node->len = len;

    memcpy(d->names + d->size, name, len);
    d->size += len;
}


/* at: a field of the table on top of the stack */

static void
rt_rule_schema_field(lua_State *L, rt_rule_draft_t *d, size_t at,
    const rt_rule_path_t *path, unsigned depth)
{
    char               name[RT_SCHEMA_NAME + 1];
    rt_schema_node_t  *node;
    rt_rule_path_t     in = { path, name };

    node = &d->nodes[at];

    memcpy(name, d->names + node->name, node->len);
    name[node->len] = '\0';

    lua_pushlstring(L, name, node->len);

    if (node->optional) {
        lua_pushliteral(L, "?");
        lua_concat(L, 2);
    }

    lua_rawget(L, -2);
    rt_rule_schema_spec(L, d, at, &in, depth + 1);
    lua_pop(L, 1);
}


/* the first of so many new ones */

static size_t
rt_rule_schema_nodes(lua_State *L, rt_rule_draft_t *d, size_t n)
{
    size_t  first;

    if (d->n + n > RT_SCHEMA_NODES) {
        luaL_error(L, "rt.schema: versions: more than %d fields",
                   RT_SCHEMA_NODES);
    }

    first = d->n;
    memset(&d->nodes[first], 0, n * sizeof(rt_schema_node_t));
    d->n += n;

    return first;
}


static void
rt_rule_schema_bad(lua_State *L, const rt_rule_path_t *path, const char *why)
{
    char  text[RT_RULE_PATH], more[RT_RULE_PATH];

    for (text[0] = '\0'; path; path = path->in) {
        snprintf(more, sizeof(more), path->in ? "[%s]%s" : "%s%s", path->name,
                 text);
        memcpy(text, more, sizeof(text));
    }

    luaL_error(L, "rt.schema: %s: %s", text, why);
    abort();
}


/* the stack: type, versions, upgrade, of which a copy is kept */

static void
rt_rule_schema_keep(lua_State *L, rt_rule_draft_t *d, uint32_t first, size_t n)
{
    size_t             i;
    uint8_t           *p;
    rt_str_t           type;
    rt_rule_t         *rule;
    rt_rule_schema_t  *schema, **last;
    rt_schema_node_t  *nodes;

    rule = rt_vm_owner(L);
    type.data = (uint8_t *) lua_tolstring(L, 1, &type.len);

    schema = lua_newuserdata(L, sizeof(rt_rule_schema_t)
                                + d->n * sizeof(rt_schema_node_t) + d->size
                                + type.len + 1);

    nodes = (rt_schema_node_t *) (schema + 1);
    p = (uint8_t *) (nodes + d->n);

    memcpy(nodes, d->nodes, d->n * sizeof(rt_schema_node_t));

    schema->next = NULL;
    schema->first = first;
    schema->nversions = n;
    schema->schema.nodes = nodes;
    schema->schema.names = p;

    p = rt_append(p, d->names, d->size);

    schema->type.data = p;
    schema->type.len = type.len;
    memcpy(p, type.data, type.len + 1);

    lua_newtable(L);

    for (i = first; i < first + n - 1; i++) {
        lua_rawgeti(L, 3, i);
        lua_rawseti(L, -2, i);
    }

    lua_setfenv(L, -2);

    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_RULE_SCHEMAS_AT);
    lua_insert(L, -2);

    schema->at = lua_objlen(L, -2) + 1;
    lua_rawseti(L, -2, schema->at);

    for (last = &rule->schemas; *last; last = &(*last)->next) { /* void */ }

    *last = schema;
}


bool
rt_rule_has_schemas(rt_rule_t *rule)
{
    return rule->schemas != NULL;
}


static rt_rule_schema_t *
rt_rule_schema_lookup(rt_rule_t *rule, const rt_str_t *type)
{
    rt_rule_schema_t  *schema;

    for (schema = rule->schemas; schema; schema = schema->next) {
        if (schema->type.len == type->len
            && memcmp(schema->type.data, type->data, type->len) == 0)
        {
            break;
        }
    }

    return schema;
}


void
rt_rule_say_types(rt_rule_t *rule, rt_rule_t *other, rt_said_t *said)
{
    rt_rule_schema_t  *schema;

    for (schema = rule->schemas; schema; schema = schema->next) {

        if (other && rt_rule_schema_lookup(other, &schema->type)) {
            continue;
        }

        if (said->len && said->text[said->len - 1] == ')') {
            rt_say_lit(said, ",");
        }

        rt_say_lit(said, " ");
        rt_say(said, schema->type.data, schema->type.len);
        rt_say_lit(said, " (");
        rt_rule_say_versions(schema, said);
        rt_say_lit(said, ")");
    }
}


static void
rt_rule_say_versions(rt_rule_schema_t *schema, rt_said_t *said)
{
    size_t  i;

    for (i = 0; i < schema->nversions; i++) {
        if (i) {
            rt_say_lit(said, ", ");
        }

        rt_say_number(said, schema->first + i);
    }
}


rt_vm_result_e
rt_rule_check(rt_rule_t *rule, rt_rule_event_t *event, rt_verdict_t *verdict)
{
    rt_said_t          *said;
    rt_vm_result_e      result;
    rt_rule_schema_t   *schema;
    rt_rule_upgrade_t   upgrade;

    memset(verdict, 0, sizeof(rt_verdict_t));
    event->upgraded = false;

    schema = rt_rule_schema_lookup(rule, &event->type);

    if (schema == NULL) {
        return RT_VM_NONE;
    }

    said = &rt_rule_said;
    said->len = 0;
    said->cut = false;

    if (event->version < schema->first
        || event->version >= schema->first + schema->nversions)
    {
        rt_say_lit(said, "version ");
        rt_say_number(said, event->version);
        rt_say_lit(said, " of ");
        rt_say(said, schema->type.data, schema->type.len);
        rt_say_lit(said, " is not accepted, write one of ");
        rt_rule_say_versions(schema, said);

        return rt_rule_refuse(verdict, RT_RULE_UNKNOWN);
    }

    if (!rt_schema_check(&schema->schema,
                         &schema->schema.nodes[event->version - schema->first],
                         &event->data, said))
    {
        return rt_rule_refuse(verdict, RT_RULE_INVALID);
    }

    if (event->version == schema->first + schema->nversions - 1) {
        return RT_VM_OK;
    }

    upgrade.rule = rule;
    upgrade.schema = schema;
    upgrade.event = event;
    upgrade.verdict = verdict;

    result = rt_vm_before(rule->vm, rt_rule_upgrade, &upgrade);

    if (result == RT_VM_OK && verdict->kind == RT_RULE_PASS) {
        event->upgraded = true;
    }

    return result;
}


static rt_vm_result_e
rt_rule_refuse(rt_verdict_t *verdict, uint32_t code)
{
    verdict->kind = RT_RULE_DENY;
    verdict->code = code;
    verdict->reason.data = rt_rule_said.text;
    verdict->reason.len = rt_rule_said.len;

    return RT_VM_OK;
}


/* the stack: the job, the event's data as it is so far */

static int
rt_rule_upgrade(lua_State *L)
{
    uint32_t            version, newest;
    rt_rule_upgrade_t  *u;

    u = lua_touserdata(L, 1);

    if (!rt_rule_upgrade_decode(L, u)) {
        return 0;
    }

    newest = u->schema->first + u->schema->nversions - 1;

    for (version = u->event->version; version < newest; version++) {
        if (!rt_rule_upgrade_step(L, u, version)) {
            return 0;
        }
    }

    lua_settop(L, 2);
    rt_rule_view_set(L, 1, "data");

    u->event->version = newest;

    return 0;
}


/* what is nested too deep for a rule is the client's fault, not the rule's */

static bool
rt_rule_upgrade_decode(lua_State *L, rt_rule_upgrade_t *u)
{
    int  status;

    lua_pushcfunction(L, rt_rule_upgrade_decoded);
    lua_pushvalue(L, 1);
    status = lua_pcall(L, 1, 1, 0);

    rt_vm_alive(L);

    if (status == 0) {
        return true;
    }

    rt_rule_said.len = 0;
    rt_say_lit(&rt_rule_said, "data is nested too deep to be upgraded");
    (void) rt_rule_refuse(u->verdict, RT_RULE_INVALID);

    return false;
}


static int
rt_rule_upgrade_decoded(lua_State *L)
{
    rt_rule_upgrade_t  *u;

    u = lua_touserdata(L, 1);
    rt_rule_decode(L, &u->event->data);

    return 1;
}


/* false: it denies what it was given */

static bool
rt_rule_upgrade_step(lua_State *L, rt_rule_upgrade_t *u, uint32_t version)
{
    int                status;
    rt_str_t           data;
    unsigned           nesting;
    rt_said_t         *said;
    rt_verdict_t      *verdict;
    rt_rule_schema_t  *schema;

    schema = u->schema;
    said = &rt_rule_said;

    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_VM_WHERE_AT);
    lua_rawgeti(L, LUA_REGISTRYINDEX, RT_RULE_SCHEMAS_AT);
    lua_rawgeti(L, 4, schema->at);
    lua_getfenv(L, 5);
    lua_rawgeti(L, 6, version);
    lua_pushvalue(L, 2);

    nesting = rt_vm_enter(L);
    status = lua_pcall(L, 1, 1, 3);
    rt_vm_of(L)->nesting = nesting;

    rt_vm_alive(L);

    if (status) {
        lua_error(L);
    }

    verdict = rt_rule_verdict_at(u->rule, -1);

    if (verdict && verdict->kind == RT_RULE_DENY) {
        *u->verdict = *verdict;
        return false;
    }

    if (lua_isnil(L, -1)) {
        luaL_error(L, "upgrade[%d] of \"%s\": it returns nothing",
                   (int) version, (char *) schema->type.data);
    }

    lua_replace(L, 2);
    rt_rule_encode(L, 2);

    data.data = (uint8_t *) lua_tolstring(L, -1, &data.len);
    rt_vm_charge_bytes(L, data.len);

    said->len = 0;
    said->cut = false;

    if (!rt_schema_check(&schema->schema,
                         &schema->schema.nodes[version + 1 - schema->first],
                         &data, said))
    {
        lua_pushlstring(L, (char *) said->text, said->len);
        luaL_error(L, "upgrade[%d] of \"%s\": %s", (int) version,
                   (char *) schema->type.data, lua_tostring(L, -1));
    }

    u->event->data = data;
    u->rule->upgraded = true;
    lua_rawseti(L, LUA_REGISTRYINDEX, RT_RULE_UPGRADED_AT);

    return true;
}
