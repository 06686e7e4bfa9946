
/*
 * Flags: their JSON, and who has one.  Called by policy/ and control/; calls
 * the JSON reader and the hash.  Owns nothing: memory is the caller's.  No
 * locking: no state.
 */


#include <stdarg.h>
#include <stdio.h>

#include "rt_flag.h"
#include "rt_hash.h"
#include "rt_json.h"
#include "rt_utf8.h"


/* of a value that is told in an error */
#define RT_FLAG_TOLD  24


typedef struct {
    rt_json_t    j;
    rt_flags_t  *set;
    rt_str_t    *keys;            /* the next free one */
    char        *error;
} rt_flag_reader_t;


static bool rt_flag_read_set(rt_flag_reader_t *r);
static bool rt_flag_read_flag(rt_flag_reader_t *r, rt_str_t *name);
static bool rt_flag_read_value(rt_flag_reader_t *r, rt_flag_t *flag);
static bool rt_flag_read_member(rt_flag_reader_t *r, rt_flag_t *flag,
    const rt_str_t *member, bool *said);
static bool rt_flag_read_share(rt_flag_reader_t *r, rt_flag_t *flag,
    const char *member);
static bool rt_flag_read_keys(rt_flag_reader_t *r, rt_flag_t *flag,
    const char *member, rt_flag_keys_t *keys);
static bool rt_flag_wrong(rt_flag_reader_t *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void rt_flag_print(char *to, const uint8_t *p, size_t len);
static void rt_flag_sort(rt_str_t *keys, size_t n);
static int rt_flag_order(const rt_str_t *one, const rt_str_t *other);
static bool rt_flag_listed(const rt_flag_keys_t *list, const rt_str_t *key);
static void rt_flag_fold(uint8_t *to, const uint8_t *name, size_t len);
static uint64_t rt_flag_hash(const uint8_t *name, size_t len);


static const char *const  rt_flag_types[] = {
    "nothing", "null", "a boolean", "a number", "a string", "an array",
    "an object"
};


/* a string has two quotes, and is a name or a key, or passed over */

static size_t
rt_flag_strings(const uint8_t *text, size_t len)
{
    size_t  i, n;

    for (n = 1, i = 0; i < len; i++) {
        n += text[i] == '"';
    }

    return n / 2;
}


size_t
rt_flags_size(const uint8_t *text, size_t len)
{
    size_t  n;

    n = rt_flag_strings(text, len);

    return sizeof(rt_flags_t) + rt_min(n, RT_FLAG_MAX) * sizeof(rt_flag_t)
           + n * sizeof(rt_str_t) + len;
}


rt_flags_t *
rt_flags_parse(void *mem, const uint8_t *text, size_t len, char *error)
{
    size_t            n;
    uint8_t          *copy;
    rt_flag_reader_t  r;

    n = rt_flag_strings(text, len);

    r.error = error;
    r.set = mem;
    r.set->nflags = 0;
    r.set->flags = (rt_flag_t *) (r.set + 1);
    r.keys = (rt_str_t *) (r.set->flags + rt_min(n, RT_FLAG_MAX));

    copy = (uint8_t *) (r.keys + n);
    (void) rt_append(copy, text, len);

    rt_json_init(&r.j, copy, len);

    if (len > RT_FLAG_TEXT_MAX) {
        (void) rt_flag_wrong(&r, "flags: up to %d bytes expected",
                             RT_FLAG_TEXT_MAX);
        return NULL;
    }

    if (!rt_utf8_valid(copy, len)) {
        (void) rt_flag_wrong(&r, "flags: UTF-8 expected");
        return NULL;
    }

    return rt_flag_read_set(&r) ? r.set : NULL;
}


static bool
rt_flag_read_set(rt_flag_reader_t *r)
{
    rt_str_t        name;
    rt_json_type_t  type;

    type = rt_json_peek(&r->j);

    if (type != RT_JSON_OBJECT) {
        return rt_flag_wrong(r, "flags: an object expected, got %s",
                             rt_flag_types[type]);
    }

    (void) rt_json_object(&r->j);

    while (rt_json_key(&r->j, &name)) {
        if (!rt_flag_read_flag(r, &name)) {
            return false;
        }
    }

    if (!rt_json_end(&r->j)) {
        return rt_flag_wrong(r, "flags: an object expected");
    }

    return true;
}


static bool
rt_flag_read_flag(rt_flag_reader_t *r, rt_str_t *name)
{
    char        told[RT_FLAG_TOLD + 4];
    rt_flag_t  *flag;

    if (!rt_flag_name_valid(name->data, name->len)) {
        rt_flag_print(told, name->data, name->len);

        return rt_flag_wrong(r, "flags: names of 1 to %d letters, digits, "
                             "\"_\" and \"-\" expected, got \"%s\"",
                             RT_FLAG_NAME_MAX, told);
    }

    if (rt_flags_find(r->set, name->data, name->len)) {
        return rt_flag_wrong(r, "flags.%.*s: it is there twice",
                             (int) name->len, name->data);
    }

    if (r->set->nflags == RT_FLAG_MAX) {
        return rt_flag_wrong(r, "flags: up to %d of them expected",
                             RT_FLAG_MAX);
    }

    flag = &r->set->flags[r->set->nflags];
    flag->name = *name;

    if (!rt_flag_read_value(r, flag)) {
        return false;
    }

    rt_flag_fold(name->data, name->data, name->len);
    flag->hash = rt_flag_hash(name->data, name->len);

    r->set->nflags++;

    return true;
}


/* its name is as it was written, for errors */

static bool
rt_flag_read_value(rt_flag_reader_t *r, rt_flag_t *flag)
{
    bool            on, said;
    rt_str_t        member;
    rt_json_type_t  type;

    flag->share = 0;
    flag->allow.n = 0;
    flag->deny.n = 0;

    type = rt_json_peek(&r->j);

    if (type == RT_JSON_BOOL && rt_json_bool(&r->j, &on)) {
        flag->share = on ? RT_FLAG_ALL : 0;
        return true;
    }

    if (type != RT_JSON_OBJECT) {
        return rt_flag_wrong(r, "flags.%.*s: true, false or an object "
                             "expected, got %s", (int) flag->name.len,
                             flag->name.data, rt_flag_types[type]);
    }

    said = false;
    (void) rt_json_object(&r->j);

    while (rt_json_key(&r->j, &member)) {
        if (!rt_flag_read_member(r, flag, &member, &said)) {
            return false;
        }
    }

    return r->j.error == RT_JSON_OK
           || rt_flag_wrong(r, "flags: an object expected");
}


static bool
rt_flag_read_member(rt_flag_reader_t *r, rt_flag_t *flag,
    const rt_str_t *member, bool *said)
{
    char    told[RT_FLAG_TOLD + 4];
    size_t  i;

    static const char *const  passed[] = { "by", "from", "key", "at" };

    if (rt_str_eq(member, "percent") || rt_str_eq(member, "on")) {

        if (*said) {
            return rt_flag_wrong(r, "flags.%.*s: one \"percent\" or \"on\" "
                                 "expected", (int) flag->name.len,
                                 flag->name.data);
        }

        *said = true;

        return rt_flag_read_share(r, flag, member->len == 2 ? "on"
                                                            : "percent");
    }

    if (rt_str_eq(member, "allow")) {
        return rt_flag_read_keys(r, flag, "allow", &flag->allow);
    }

    if (rt_str_eq(member, "deny")) {
        return rt_flag_read_keys(r, flag, "deny", &flag->deny);
    }

    for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        if (rt_str_eq(member, passed[i])) {
            return rt_json_skip(&r->j)
                   || rt_flag_wrong(r, "flags: an object expected");
        }
    }

    rt_flag_print(told, member->data, member->len);

    return rt_flag_wrong(r, "flags.%.*s: \"on\", \"percent\", \"allow\" or "
                         "\"deny\" expected, got \"%s\"",
                         (int) flag->name.len, flag->name.data, told);
}


static bool
rt_flag_read_share(rt_flag_reader_t *r, rt_flag_t *flag, const char *member)
{
    bool             on;
    char             told[RT_FLAG_TOLD + 4];
    rt_json_type_t   type;
    rt_json_value_t  v;

    type = rt_json_peek(&r->j);

    if (member[0] == 'o') {

        if (type == RT_JSON_BOOL && rt_json_bool(&r->j, &on)) {
            flag->share = on ? RT_FLAG_ALL : 0;
            return true;
        }

        return rt_flag_wrong(r, "flags.%.*s.on: true or false expected, "
                             "got %s", (int) flag->name.len, flag->name.data,
                             rt_flag_types[type]);
    }

    if (type != RT_JSON_NUMBER || !rt_json_value(&r->j, &v)) {
        return rt_flag_wrong(r, "flags.%.*s.percent: a number from 0 to 100 "
                             "expected, got %s", (int) flag->name.len,
                             flag->name.data, rt_flag_types[type]);
    }

    if (!rt_flag_share(v.data, v.len, &flag->share)) {
        rt_flag_print(told, v.data, v.len);

        return rt_flag_wrong(r, "flags.%.*s.percent: 0 to 100%s expected, "
                             "got %s", (int) flag->name.len, flag->name.data,
                             memchr(v.data, '.', v.len)
                             ? ", with up to two decimals," : "", told);
    }

    return true;
}


static bool
rt_flag_read_keys(rt_flag_reader_t *r, rt_flag_t *flag, const char *member,
    rt_flag_keys_t *list)
{
    rt_str_t        *keys;
    rt_json_type_t   type;

    type = rt_json_peek(&r->j);

    if (type != RT_JSON_ARRAY || list->n) {
        return rt_flag_wrong(r, "flags.%.*s.%s: %s expected, got %s",
                             (int) flag->name.len, flag->name.data, member,
                             list->n ? "one" : "an array of keys",
                             list->n ? "two" : rt_flag_types[type]);
    }

    keys = r->keys;
    list->keys = keys;

    (void) rt_json_array(&r->j);

    while (rt_json_item(&r->j)) {

        if (list->n == RT_FLAG_KEYS_MAX) {
            return rt_flag_wrong(r, "flags.%.*s.%s: up to %d keys expected",
                                 (int) flag->name.len, flag->name.data,
                                 member, RT_FLAG_KEYS_MAX);
        }

        type = rt_json_peek(&r->j);

        if (type != RT_JSON_STRING || !rt_json_string(&r->j, r->keys)
            || r->keys->len == 0 || r->keys->len > RT_FLAG_KEY_MAX)
        {
            return rt_flag_wrong(r, "flags.%.*s.%s[%zu]: a string of 1 to %d "
                                 "bytes expected, got %s",
                                 (int) flag->name.len, flag->name.data,
                                 member, list->n, RT_FLAG_KEY_MAX,
                                 type == RT_JSON_STRING ? "another"
                                                        : rt_flag_types[type]);
        }

        r->keys++;
        list->n++;
    }

    rt_flag_sort(keys, list->n);

    return r->j.error == RT_JSON_OK
           || rt_flag_wrong(r, "flags: an object expected");
}


/* what is no JSON is that above all */

static bool
rt_flag_wrong(rt_flag_reader_t *r, const char *format, ...)
{
    va_list  args;

    if (r->j.error) {
        snprintf(r->error, RT_FLAG_ERROR_MAX, "flags: JSON expected");
        return false;
    }

    va_start(args, format);
    vsnprintf(r->error, RT_FLAG_ERROR_MAX, format, args);
    va_end(args);

    return false;
}


/* to: RT_FLAG_TOLD + 4 bytes; whatever it is, it becomes ASCII */

static void
rt_flag_print(char *to, const uint8_t *p, size_t len)
{
    size_t  i;

    for (i = 0; i < len && i < RT_FLAG_TOLD; i++) {
        *to++ = p[i] > 0x1f && p[i] < 0x7f && p[i] != '"' ? (char) p[i] : '?';
    }

    memcpy(to, len > RT_FLAG_TOLD ? "..." : "", len > RT_FLAG_TOLD ? 4 : 1);
}


const rt_flag_t *
rt_flags_find(const rt_flags_t *set, const uint8_t *name, size_t len)
{
    size_t      i;
    uint8_t     folded[RT_FLAG_NAME_MAX];
    uint64_t    hash;
    rt_flag_t  *flag;

    if (set->nflags == 0 || len > RT_FLAG_NAME_MAX) {
        return NULL;
    }

    rt_flag_fold(folded, name, len);
    hash = rt_flag_hash(folded, len);

    for (i = 0; i < set->nflags; i++) {
        flag = &set->flags[i];

        if (flag->hash == hash && flag->name.len == len
            && memcmp(flag->name.data, folded, len) == 0)
        {
            return flag;
        }
    }

    return NULL;
}


bool
rt_flag_on(const rt_flag_t *flag, const uint8_t *key, size_t len)
{
    rt_str_t       s;
    rt_hash_key_t  secret;

    s.data = (uint8_t *) key;
    s.len = len;

    if (rt_flag_listed(&flag->deny, &s)) {
        return false;
    }

    if (flag->share == RT_FLAG_ALL || rt_flag_listed(&flag->allow, &s)) {
        return true;
    }

    if (flag->share == 0 || len == 0) {
        return false;
    }

    secret.k0 = flag->hash;
    secret.k1 = 0;

    return rt_hash(&secret, key, len) % RT_FLAG_ALL < flag->share;
}


bool
rt_flag_name_valid(const uint8_t *name, size_t len)
{
    size_t   i;
    uint8_t  ch;

    if (len == 0 || len > RT_FLAG_NAME_MAX) {
        return false;
    }

    for (i = 0; i < len; i++) {
        ch = name[i] | 0x20;

        if (!((ch >= 'a' && ch <= 'z') || (name[i] >= '0' && name[i] <= '9')
              || name[i] == '_' || name[i] == '-'))
        {
            return false;
        }
    }

    return true;
}


void
rt_flag_init(rt_flag_t *flag, rt_str_t *name, uint32_t share)
{
    memset(flag, 0, sizeof(rt_flag_t));

    rt_flag_fold(name->data, name->data, name->len);

    flag->name = *name;
    flag->hash = rt_flag_hash(name->data, name->len);
    flag->share = share;
}


bool
rt_flag_share(const uint8_t *p, size_t len, uint32_t *share)
{
    size_t    i, decimals;
    bool      point;
    uint32_t  n;

    n = 0;
    point = false;
    decimals = 0;

    if (len == 0 || p[0] == '.' || p[len - 1] == '.') {
        return false;
    }

    for (i = 0; i < len; i++) {

        if (p[i] == '.' && !point) {
            point = true;
            continue;
        }

        if (p[i] < '0' || p[i] > '9' || (decimals == 2 && p[i] != '0')) {
            return false;
        }

        if (decimals < 2) {
            decimals += point;
            n = n * 10 + (p[i] - '0');
        }

        if (n > RT_FLAG_ALL) {
            return false;
        }
    }

    for ( /* void */ ; decimals < 2; decimals++) {
        n *= 10;
    }

    *share = n;

    return n <= RT_FLAG_ALL;
}


/* Shell's: no memory, and a list is short */

static void
rt_flag_sort(rt_str_t *keys, size_t n)
{
    size_t    i, k, gap;
    rt_str_t  key;

    for (gap = 121; gap; gap /= 3) {

        for (i = gap; i < n; i++) {
            key = keys[i];

            for (k = i; k >= gap && rt_flag_order(&key, &keys[k - gap]) < 0;
                 k -= gap)
            {
                keys[k] = keys[k - gap];
            }

            keys[k] = key;
        }
    }
}


static int
rt_flag_order(const rt_str_t *one, const rt_str_t *other)
{
    int  order;

    order = memcmp(one->data, other->data, rt_min(one->len, other->len));

    return order ? order : (one->len > other->len) - (one->len < other->len);
}


static bool
rt_flag_listed(const rt_flag_keys_t *list, const rt_str_t *key)
{
    int     order;
    size_t  low, high, middle;

    low = 0;
    high = key->len ? list->n : 0;

    while (low < high) {
        middle = (low + high) / 2;
        order = rt_flag_order(key, &list->keys[middle]);

        if (order == 0) {
            return true;
        }

        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    return false;
}


static void
rt_flag_fold(uint8_t *to, const uint8_t *name, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        to[i] = name[i] == '-' ? '_'
                : name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20
                : name[i];
    }
}


static uint64_t
rt_flag_hash(const uint8_t *name, size_t len)
{
    static const rt_hash_key_t  none;

    return rt_hash(&none, name, len);
}
