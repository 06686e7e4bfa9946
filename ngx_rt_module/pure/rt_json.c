
/*
 * The JSON reader.  Called by the JSON codec and by the control API; calls
 * rt_json_text.c for strings and rt_json_number.c.  Owns nothing: the text and
 * the reader are the caller's.  No locking: no state of its own.
 *
 * A value's inside is read by a loop over a stack of bits, one for each open
 * bracket (rt_json_nested), so hostile nesting costs no C stack.
 */


#include "rt_json.h"
#include "rt_json_text.h"


/*
 * Beyond so many levels a value is emptied.  What contains it may be walked,
 * RT_JSON_DEPTH_MAX levels of it, and the value then be read by itself: it has
 * to be too deep still.
 */
#define RT_JSON_LEVELS  (4 * RT_JSON_DEPTH_MAX)


/*
 * The open brackets of a value, a bit for each; a set one is an object.  Those
 * beyond RT_JSON_LEVELS lie in the text that they have taken up themselves,
 * from the first of them on: nobody reads what is nested so deep.
 */
typedef struct {
    uint8_t   near[RT_JSON_LEVELS / 8];
    uint8_t  *far;
    size_t    level;
    bool      deep;
} rt_json_stack_t;


static int rt_json_next(rt_json_t *j);
static bool rt_json_enter(rt_json_t *j, rt_json_type_t type);
static bool rt_json_another(rt_json_t *j, int close);
static bool rt_json_colon(rt_json_t *j);
static bool rt_json_nested(rt_json_t *j);
static bool rt_json_inside(rt_json_t *j, rt_json_stack_t *st);
static bool rt_json_behind(rt_json_t *j, rt_json_stack_t *st);
static bool rt_json_member(rt_json_t *j);
static void rt_json_push(rt_json_t *j, rt_json_stack_t *st);
static void rt_json_pop(rt_json_t *j, rt_json_stack_t *st);
static bool rt_json_top(rt_json_stack_t *st);
static uint8_t *rt_json_bits(rt_json_stack_t *st, size_t *n);
static bool rt_json_skip_literal(rt_json_t *j, const char *name, size_t len);
static bool rt_json_skip_string(rt_json_t *j);
static bool rt_json_scalar(rt_json_t *j, rt_json_type_t type);


/* what a value that begins with this byte is */
static const uint8_t  rt_json_types[256] = {
    ['n'] = RT_JSON_NULL,
    ['t'] = RT_JSON_BOOL,
    ['f'] = RT_JSON_BOOL,
    ['-'] = RT_JSON_NUMBER,
    ['0' ... '9'] = RT_JSON_NUMBER,
    ['"'] = RT_JSON_STRING,
    ['['] = RT_JSON_ARRAY,
    ['{'] = RT_JSON_OBJECT
};


void
rt_json_init(rt_json_t *j, uint8_t *text, size_t len)
{
    memset(j, 0, sizeof(rt_json_t));

    j->pos = text;
    j->end = len ? text + len : text;
}


rt_json_type_t
rt_json_peek(rt_json_t *j)
{
    int  c;

    if (j->error) {
        return RT_JSON_NONE;
    }

    c = rt_json_next(j);

    return c < 0 ? RT_JSON_NONE : rt_json_types[c];
}


bool
rt_json_value(rt_json_t *j, rt_json_value_t *v)
{
    v->type = rt_json_peek(j);
    v->data = j->pos;
    v->len = 0;

    if (v->type == RT_JSON_ARRAY || v->type == RT_JSON_OBJECT) {
        (void) rt_json_nested(j);

    } else {
        (void) rt_json_scalar(j, v->type);
    }

    v->len = j->pos - v->data;

    return j->error == RT_JSON_OK;
}


bool
rt_json_skip(rt_json_t *j)
{
    rt_json_value_t  v;

    if (!rt_json_value(j, &v) && j->error == RT_JSON_DEEP) {
        j->error = RT_JSON_OK;
    }

    return j->error == RT_JSON_OK;
}


bool
rt_json_object(rt_json_t *j)
{
    return rt_json_enter(j, RT_JSON_OBJECT);
}


bool
rt_json_key(rt_json_t *j, rt_str_t *key)
{
    return rt_json_another(j, '}')
           && rt_json_string(j, key)
           && rt_json_colon(j);
}


bool
rt_json_name(rt_json_t *j, rt_str_t *raw)
{
    if (!rt_json_another(j, '}')) {
        return false;
    }

    if (rt_json_peek(j) != RT_JSON_STRING) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    raw->data = j->pos + 1;

    if (!rt_json_skip_string(j)) {
        return false;
    }

    raw->len = j->pos - 1 - raw->data;

    return rt_json_colon(j);
}


bool
rt_json_array(rt_json_t *j)
{
    return rt_json_enter(j, RT_JSON_ARRAY);
}


bool
rt_json_item(rt_json_t *j)
{
    if (!rt_json_another(j, ']')) {
        return false;
    }

    if (rt_json_peek(j) == RT_JSON_NONE) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    return true;
}


bool
rt_json_string(rt_json_t *j, rt_str_t *s)
{
    if (rt_json_peek(j) != RT_JSON_STRING) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    s->data = j->pos + 1;

    if (!rt_json_skip_string(j)) {
        return false;
    }

    s->len = j->pos - 1 - s->data;
    rt_json_unescape(s);

    return true;
}


bool
rt_json_bool(rt_json_t *j, bool *b)
{
    if (rt_json_peek(j) != RT_JSON_BOOL) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    *b = (*j->pos == 't');

    return rt_json_scalar(j, RT_JSON_BOOL);
}


bool
rt_json_end(rt_json_t *j)
{
    return j->error == RT_JSON_OK && rt_json_next(j) < 0;
}


/* past white space: the byte there, -1 at the end */
static int
rt_json_next(rt_json_t *j)
{
    uint8_t  *p;

    for (p = j->pos; p < j->end; p++) {
        if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') {
            j->pos = p;
            return *p;
        }
    }

    j->pos = p;

    return -1;
}


static bool
rt_json_enter(rt_json_t *j, rt_json_type_t type)
{
    if (rt_json_peek(j) != type) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    if (j->depth == RT_JSON_DEPTH_MAX) {
        return rt_json_fail(j, RT_JSON_DEEP);
    }

    j->pos++;
    j->depth++;
    j->first = true;

    return true;
}


/* is there another member or item?  consumes the comma or the bracket */
static bool
rt_json_another(rt_json_t *j, int close)
{
    int   c;
    bool  first;

    if (j->error) {
        return false;
    }

    c = rt_json_next(j);
    first = j->first;
    j->first = false;

    if (c == close) {
        j->pos++;
        j->depth--;
        return false;
    }

    if (first) {
        return true;
    }

    if (c != ',') {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    j->pos++;

    return true;
}


static bool
rt_json_colon(rt_json_t *j)
{
    if (rt_json_next(j) != ':') {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    j->pos++;

    return true;
}


/* an array or object and all that is in it */
static bool
rt_json_nested(rt_json_t *j)
{
    rt_json_stack_t  st;

    st.level = 0;
    st.deep = false;

    do {
        if (!rt_json_inside(j, &st) || !rt_json_behind(j, &st)) {
            return false;
        }
    } while (st.level);

    if (st.deep) {
        return rt_json_fail(j, RT_JSON_DEEP);
    }

    return true;
}


/* one value, or the brackets that open before the first one is complete */
static bool
rt_json_inside(rt_json_t *j, rt_json_stack_t *st)
{
    int             c;
    rt_json_type_t  type;

    for ( ;; ) {
        type = rt_json_peek(j);

        if (type != RT_JSON_ARRAY && type != RT_JSON_OBJECT) {
            return rt_json_scalar(j, type);
        }

        rt_json_push(j, st);

        c = rt_json_next(j);

        if (c == (rt_json_top(st) ? '}' : ']')) {
            return true;
        }

        if (rt_json_top(st) && !rt_json_member(j)) {
            return false;
        }
    }
}


/* behind a value: the brackets that close, and the way to the next value */
static bool
rt_json_behind(rt_json_t *j, rt_json_stack_t *st)
{
    int  c;

    while (st->level) {
        c = rt_json_next(j);

        if (c == ',') {
            j->pos++;
            return rt_json_top(st) ? rt_json_member(j) : true;
        }

        if (c != (rt_json_top(st) ? '}' : ']')) {
            return rt_json_fail(j, RT_JSON_SYNTAX);
        }

        rt_json_pop(j, st);
    }

    return true;
}


static bool
rt_json_member(rt_json_t *j)
{
    if (rt_json_next(j) != '"') {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    return rt_json_skip_string(j) && rt_json_colon(j);
}


static void
rt_json_push(rt_json_t *j, rt_json_stack_t *st)
{
    bool      object;
    size_t    n;
    uint8_t  *byte;

    if (st->level == RT_JSON_LEVELS) {
        st->far = j->pos;
    }

    object = (*j->pos == '{');

    n = st->level;
    byte = rt_json_bits(st, &n);

    if (n == 0) {
        *byte = 0;
    }

    *byte = (*byte & ((1u << n) - 1)) | object << n;

    j->pos++;
    st->level++;

    if (st->level > RT_JSON_DEPTH_MAX) {
        st->deep = true;
    }
}


static void
rt_json_pop(rt_json_t *j, rt_json_stack_t *st)
{
    st->level--;

    if (st->level == RT_JSON_LEVELS) {
        st->far[0] = *j->pos == '}' ? '{' : '[';
        memset(st->far + 1, ' ', j->pos - st->far - 1);
    }

    j->pos++;
}


/* is the innermost bracket that is open an object's? */
static bool
rt_json_top(rt_json_stack_t *st)
{
    size_t    n;
    uint8_t  *byte;

    n = st->level - 1;
    byte = rt_json_bits(st, &n);

    return (*byte >> n) & 1;
}


/* the byte that has the bit of level n, and which one of its bits it is */
static uint8_t *
rt_json_bits(rt_json_stack_t *st, size_t *n)
{
    uint8_t  *bits;

    bits = st->near;

    if (*n >= RT_JSON_LEVELS) {
        bits = st->far;
        *n -= RT_JSON_LEVELS;
    }

    bits += *n / 8;
    *n %= 8;

    return bits;
}


/* pos is at the first byte, which told the type */
static bool
rt_json_scalar(rt_json_t *j, rt_json_type_t type)
{
    switch (type) {

    case RT_JSON_STRING:
        return rt_json_skip_string(j);

    case RT_JSON_NUMBER:
        return rt_json_skip_number(j);

    case RT_JSON_NULL:
        return rt_json_skip_literal(j, "null", 4);

    case RT_JSON_BOOL:
        return *j->pos == 't' ? rt_json_skip_literal(j, "true", 4)
                              : rt_json_skip_literal(j, "false", 5);

    default:
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }
}


static bool
rt_json_skip_literal(rt_json_t *j, const char *name, size_t len)
{
    if ((size_t) (j->end - j->pos) < len || memcmp(j->pos, name, len) != 0) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    j->pos += len;

    return true;
}


/* pos is at the opening quote */
static bool
rt_json_skip_string(rt_json_t *j)
{
    if (!rt_json_quoted(&j->pos, j->end)) {
        return rt_json_fail(j, RT_JSON_SYNTAX);
    }

    return true;
}
