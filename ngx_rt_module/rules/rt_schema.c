
/*
 * Data is read once, from its first byte to its last, whatever is in it, and is
 * not changed.  A field that is there twice is refused: whoever reads on might
 * take the other one.
 */


#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rt_json_text.h"
#include "rt_schema.h"


/* escaped, a byte takes up to six */
#define RT_SCHEMA_RAW  (6 * RT_SCHEMA_NAME)


/* where the reader is: in a field, or an item from 1 up; the root is neither */
typedef struct rt_schema_at_s  rt_schema_at_t;

struct rt_schema_at_s {
    const rt_schema_at_t  *in;
    rt_str_t               name;
    size_t                 item;
};


typedef struct {
    const rt_schema_t     *schema;
    rt_json_t              json;
    rt_said_t             *why;
} rt_schema_reader_t;


static bool rt_schema_value(rt_schema_reader_t *r,
    const rt_schema_node_t *node, const rt_schema_at_t *at);
static bool rt_schema_object(rt_schema_reader_t *r,
    const rt_schema_node_t *node, const rt_schema_at_t *at);
static bool rt_schema_missing(rt_schema_reader_t *r,
    const rt_schema_node_t *node, const uint64_t *seen,
    const rt_schema_at_t *at);
static const rt_schema_node_t *rt_schema_field(rt_schema_reader_t *r,
    const rt_schema_node_t *node, const rt_str_t *raw);
static bool rt_schema_array(rt_schema_reader_t *r,
    const rt_schema_node_t *node, const rt_schema_at_t *at);
static bool rt_schema_skip(rt_schema_reader_t *r);
static bool rt_schema_integer(const rt_json_value_t *v);
static void rt_schema_say_at(rt_said_t *why, const rt_schema_at_t *at);
static bool rt_schema_expected(rt_schema_reader_t *r,
    const rt_schema_node_t *node, rt_json_type_t got,
    const rt_schema_at_t *at);


const char *const  rt_schema_kinds[RT_SCHEMA_KINDS] = {
    "any", "boolean", "number", "integer", "string", "array", "object"
};


static const uint8_t  rt_schema_types[RT_SCHEMA_KINDS] = {
    RT_JSON_NONE, RT_JSON_BOOL, RT_JSON_NUMBER, RT_JSON_NUMBER,
    RT_JSON_STRING, RT_JSON_ARRAY, RT_JSON_OBJECT
};


bool
rt_schema_check(const rt_schema_t *schema, const rt_schema_node_t *node,
    const rt_str_t *data, rt_said_t *why)
{
    rt_schema_at_t      at;
    rt_schema_reader_t  r;

    memset(&at, 0, sizeof(rt_schema_at_t));

    r.schema = schema;
    r.why = why;
    rt_json_init(&r.json, data->data, data->len);

    return rt_schema_value(&r, node, &at);
}


static bool
rt_schema_value(rt_schema_reader_t *r, const rt_schema_node_t *node,
    const rt_schema_at_t *at)
{
    rt_json_type_t   type;
    rt_json_value_t  v;

    type = rt_json_peek(&r->json);

    if (node->kind == RT_SCHEMA_ANY
        || (node->optional && type == RT_JSON_NULL))
    {
        return rt_schema_skip(r);
    }

    if (type != rt_schema_types[node->kind]) {
        return rt_schema_expected(r, node, type, at);
    }

    if (node->n) {
        return type == RT_JSON_OBJECT ? rt_schema_object(r, node, at)
                                      : rt_schema_array(r, node, at);
    }

    if (node->kind == RT_SCHEMA_INTEGER) {

        if (rt_json_value(&r->json, &v) && rt_schema_integer(&v)) {
            return true;
        }

        return rt_schema_expected(r, node, type, at);
    }

    return rt_schema_skip(r);
}


static bool
rt_schema_object(rt_schema_reader_t *r, const rt_schema_node_t *node,
    const rt_schema_at_t *at)
{
    size_t                   i;
    rt_str_t                 raw;
    uint64_t                 seen[RT_SCHEMA_FIELDS / 64] = { 0 };
    rt_schema_at_t           to;
    const rt_schema_node_t  *field;

    to.in = at;
    to.item = 0;

    (void) rt_json_object(&r->json);

    while (rt_json_name(&r->json, &raw)) {

        field = rt_schema_field(r, node, &raw);

        if (field == NULL) {
            if (!rt_schema_skip(r)) {
                return false;
            }

            continue;
        }

        i = field - &r->schema->nodes[node->first];

        to.name.data = (uint8_t *) r->schema->names + field->name;
        to.name.len = field->len;

        if (seen[i / 64] & 1ull << i % 64) {
            rt_schema_say_at(r->why, &to);
            rt_say_lit(r->why, ": it is there twice");
            return false;
        }

        seen[i / 64] |= 1ull << i % 64;

        if (!rt_schema_value(r, field, &to)) {
            return false;
        }
    }

    return rt_schema_missing(r, node, seen, at);
}


static bool
rt_schema_missing(rt_schema_reader_t *r, const rt_schema_node_t *node,
    const uint64_t *seen, const rt_schema_at_t *at)
{
    size_t                   i;
    rt_schema_at_t           to;
    const rt_schema_node_t  *field;

    for (i = 0; i < node->n; i++) {

        field = &r->schema->nodes[node->first + i];

        if (field->optional || seen[i / 64] & 1ull << i % 64) {
            continue;
        }

        to.in = at;
        to.item = 0;
        to.name.data = (uint8_t *) r->schema->names + field->name;
        to.name.len = field->len;

        return rt_schema_expected(r, field, RT_JSON_NONE, &to);
    }

    return true;
}


/* raw: as it stands in the text */

static const rt_schema_node_t *
rt_schema_field(rt_schema_reader_t *r, const rt_schema_node_t *node,
    const rt_str_t *raw)
{
    int                      order;
    size_t                   low, high, middle;
    uint8_t                  mem[RT_SCHEMA_RAW];
    rt_str_t                 name;
    const rt_schema_node_t  *field;

    name = *raw;

    if (name.len > RT_SCHEMA_RAW) {
        return NULL;
    }

    if (memchr(name.data, '\\', name.len)) {
        memcpy(mem, name.data, name.len);
        name.data = mem;
        rt_json_unescape(&name);
    }

    low = 0;
    high = node->n;

    while (low < high) {
        middle = (low + high) / 2;
        field = &r->schema->nodes[node->first + middle];
        order = rt_schema_order(name.data, name.len,
                                r->schema->names + field->name, field->len);

        if (order == 0) {
            return field;
        }

        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    return NULL;
}


int
rt_schema_order(const uint8_t *one, size_t len, const uint8_t *other,
    size_t other_len)
{
    int  order;

    order = memcmp(one, other, rt_min(len, other_len));

    return order ? order : (len > other_len) - (len < other_len);
}


static bool
rt_schema_array(rt_schema_reader_t *r, const rt_schema_node_t *node,
    const rt_schema_at_t *at)
{
    rt_schema_at_t  to;

    memset(&to, 0, sizeof(rt_schema_at_t));
    to.in = at;

    (void) rt_json_array(&r->json);

    while (rt_json_item(&r->json)) {
        to.item++;

        if (!rt_schema_value(r, &r->schema->nodes[node->first], &to)) {
            return false;
        }
    }

    return true;
}


static bool
rt_schema_skip(rt_schema_reader_t *r)
{
    if (rt_json_skip(&r->json)) {
        return true;
    }

    rt_say_lit(r->why, "data is not JSON");

    return false;
}


/* 1.0 and 1e3 are whole numbers, too */

static bool
rt_schema_integer(const rt_json_value_t *v)
{
    char    text[64];
    double  n;

    if (!memchr(v->data, '.', v->len) && !memchr(v->data, 'e', v->len)
        && !memchr(v->data, 'E', v->len))
    {
        return true;
    }

    if (v->len >= sizeof(text)) {
        return false;
    }

    memcpy(text, v->data, v->len);
    text[v->len] = '\0';
    n = strtod(text, NULL);

    return isfinite(n) && n == floor(n);
}


static bool
rt_schema_expected(rt_schema_reader_t *r, const rt_schema_node_t *node,
    rt_json_type_t got, const rt_schema_at_t *at)
{
    const char  *kind, *type;

    static const char *const  types[] = {
        [RT_JSON_NONE] = "nothing", [RT_JSON_NULL] = "null",
        [RT_JSON_BOOL] = "boolean", [RT_JSON_NUMBER] = "number",
        [RT_JSON_STRING] = "string", [RT_JSON_ARRAY] = "array",
        [RT_JSON_OBJECT] = "object"
    };

    kind = rt_schema_kinds[node->kind];
    type = types[got];

    rt_schema_say_at(r->why, at);
    rt_say_lit(r->why, ": ");
    rt_say(r->why, kind, strlen(kind));
    rt_say_lit(r->why, " expected, got ");
    rt_say(r->why, type, strlen(type));

    return false;
}


static void
rt_schema_say_at(rt_said_t *why, const rt_schema_at_t *at)
{
    if (at->in == NULL) {
        rt_say_lit(why, "data");
        return;
    }

    rt_schema_say_at(why, at->in);

    if (at->item) {
        rt_say_lit(why, "[");
        rt_say_number(why, at->item);
        rt_say_lit(why, "]");
        return;
    }

    rt_say_lit(why, ".");
    rt_say(why, at->name.data, at->name.len);
}


/* room is left for the dots */

void
rt_say(rt_said_t *said, const void *text, size_t len)
{
    size_t  room;

    if (said->cut) {
        return;
    }

    room = sizeof(said->text) - 3 - said->len;

    if (len <= room) {
        (void) rt_append(said->text + said->len, text, len);
        said->len += len;
        return;
    }

    said->cut = true;

    while (room && (((const uint8_t *) text)[room] & 0xc0) == 0x80) {
        room--;
    }

    (void) rt_append(said->text + said->len, text, room);
    memcpy(said->text + said->len + room, "...", 3);
    said->len += room + 3;
}


void
rt_say_number(rt_said_t *said, uint64_t n)
{
    int   len;
    char  text[24];

    len = snprintf(text, sizeof(text), "%llu", (unsigned long long) n);
    rt_say(said, text, len);
}
