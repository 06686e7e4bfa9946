
/*
 * The JSON reader against jansson: both take a text or neither does, and
 * strings and numbers mean the same.  Where the two grammars differ we have
 * no second opinion:
 *
 *   - jansson refuses what it cannot hold: integers and reals out of range,
 *     lone surrogate escapes, zero bytes in keys, text that is no UTF-8;
 *   - it overlooks a raw zero byte behind a number;
 *   - it nests to 2048 levels.
 *
 * The two ways to read, whole and walked, must agree too, and what is decoded
 * must come back when it is written and read again.
 */


#include <jansson.h>
#include <stdlib.h>

#include "rt_json.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


/* true: it says nothing about the grammar */
static bool
no_opinion(const json_error_t *e)
{
    switch (json_error_code(e)) {

    case json_error_invalid_utf8:
    case json_error_null_byte_in_key:
    case json_error_null_character:
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
        return true;

    default:
        return strncmp(e->text, "invalid Unicode", 15) == 0
               || strncmp(e->text, "unable to decode byte", 21) == 0;
    }
}


/* NULL: refused, and *sure if for the grammar's sake */
static json_t *
ask(const uint8_t *data, size_t size, bool *sure)
{
    json_t        *other;
    json_error_t   e;

    *sure = false;

    if (size && memchr(data, '\0', size)) {
        return NULL;
    }

    other = json_loadb(size ? (const char *) data : "", size,
                       JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

    *sure = other || !no_opinion(&e);

    return other;
}


static uint8_t *
copy(const uint8_t *data, size_t size)
{
    uint8_t  *p;

    p = malloc(size ? size : 1);
    must(p);

    if (size) {
        memcpy(p, data, size);
    }

    return p;
}


static void
check_string(const rt_str_t *s, const json_t *other)
{
    size_t     len;
    uint8_t   *p;
    rt_str_t   again;
    rt_json_t  j;

    if (other) {
        must(json_is_string(other));
        must(json_string_length(other) == s->len);
        must(memcmp(json_string_value(other), s->data, s->len) == 0);
    }

    len = rt_json_escape_len(s->data, s->len);
    p = malloc(len + 2);
    must(p);

    p[0] = '"';
    must(rt_json_escape(p + 1, s->data, s->len) == p + 1 + len);
    p[len + 1] = '"';

    rt_json_init(&j, p, len + 2);
    must(rt_json_string(&j, &again) && rt_json_end(&j));
    must(again.len == s->len && memcmp(again.data, s->data, s->len) == 0);

    free(p);
}


static void
check_number(rt_json_t *j, const json_t *other)
{
    int64_t          n;
    rt_json_t        saved;
    rt_json_value_t  v;

    saved = *j;

    if (!rt_json_int64(j, &n)) {
        must(other == NULL || json_is_real(other));
        *j = saved;
        (void) rt_json_value(j, &v);
        return;
    }

    if (other) {
        must(json_is_integer(other) && json_integer_value(other) == n);
    }
}


/* other: the same value, where it is known which */
static void
walk(rt_json_t *j, const json_t *other)
{
    bool             b;
    size_t           n;
    rt_str_t         s;
    rt_json_value_t  v;

    switch (rt_json_peek(j)) {

    case RT_JSON_OBJECT:
        if (rt_json_object(j)) {
            while (rt_json_key(j, &s)) {
                check_string(&s, NULL);
                walk(j, NULL);
            }
        }

        must(j->error || other == NULL || json_is_object(other));
        return;

    case RT_JSON_ARRAY:
        if (rt_json_array(j)) {
            for (n = 0; rt_json_item(j); n++) {
                walk(j, other ? json_array_get(other, n) : NULL);
            }

            must(j->error || other == NULL || json_array_size(other) == n);
        }

        return;

    case RT_JSON_STRING:
        if (rt_json_string(j, &s)) {
            check_string(&s, other);
        }

        return;

    case RT_JSON_NUMBER:
        check_number(j, other);
        return;

    case RT_JSON_BOOL:
        if (rt_json_bool(j, &b) && other) {
            must(json_is_boolean(other) && json_is_true(other) == b);
        }

        return;

    default:
        if (rt_json_value(j, &v)) {
            must(other == NULL || json_is_null(other));
        }
    }
}


static rt_json_error_t
read_whole(const uint8_t *data, size_t size)
{
    uint8_t         *text, *behind;
    rt_json_t        j;
    rt_json_error_t  error;
    rt_json_value_t  v;

    text = copy(data, size);
    behind = text;
    rt_json_init(&j, text, size);

    if (rt_json_value(&j, &v) || j.error == RT_JSON_DEEP) {
        must(v.type != RT_JSON_NONE && v.len > 0);
        must(v.data + v.len == j.pos && j.pos <= j.end);
        behind = j.pos;

        while (j.pos < j.end && strchr(" \t\r\n", *j.pos) && *j.pos) {
            j.pos++;
        }

        if (j.pos < j.end) {
            j.error = RT_JSON_SYNTAX;
        }
    }

    error = j.error;

    if (error == RT_JSON_DEEP) {
        rt_json_init(&j, text, size);
        must(!rt_json_value(&j, &v) && j.error == RT_JSON_DEEP);
        must(v.data + v.len == behind);

    } else if (size && error == RT_JSON_OK) {
        must(memcmp(text, data, size) == 0);
    }

    free(text);

    return error;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool              sure;
    json_t           *other;
    uint8_t          *text;
    rt_json_t         j;
    rt_json_error_t   error;

    error = read_whole(data, size);

    other = ask(data, size, &sure);

    if (other) {
        must(error != RT_JSON_SYNTAX);

    } else if (sure) {
        must(error == RT_JSON_SYNTAX);
    }

    text = copy(data, size);
    rt_json_init(&j, text, size);
    walk(&j, other);

    if (j.error == RT_JSON_OK && !rt_json_end(&j)) {
        j.error = RT_JSON_SYNTAX;
    }

    /* walked, a deep value is not read to its end */
    must(j.error == error || j.error == RT_JSON_DEEP);
    must(error != RT_JSON_OK || j.error == RT_JSON_OK);

    free(text);
    json_decref(other);

    return 0;
}
