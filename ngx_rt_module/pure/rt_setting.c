
/*
 * Settings as texts: see rt_setting.h.
 *
 * Called by control/ and by the file of settings; calls the JSON reader.  A
 * text from outside is UTF-8, which the caller has checked.
 */


#include "rt_json.h"
#include "rt_percent.h"
#include "rt_setting.h"


typedef struct {
    rt_str_t         name;
    rt_json_value_t  value;
} rt_setting_flag_t;


typedef struct {
    size_t             n;
    rt_setting_flag_t  flags[RT_SETTING_CHANGES_MAX];
} rt_setting_set_t;


static const char *rt_setting_set_read(rt_str_t *text, rt_setting_set_t *set);
static bool rt_setting_named(const rt_setting_set_t *set,
    const rt_str_t *name);
static bool rt_setting_same(const rt_str_t *one, const rt_str_t *other);
static uint8_t rt_setting_fold(uint8_t ch);
static bool rt_setting_value(rt_out_t *o, rt_json_value_t *v);
static void rt_setting_name(rt_out_t *o, size_t i, const rt_str_t *name);
static void rt_setting_say(rt_out_t *o, const rt_setting_set_t *changes);
static void rt_setting_encode(rt_out_t *o, const rt_str_t *s);
static void rt_setting_json(rt_out_t *o, const rt_str_t *s);
static bool rt_setting_member(rt_json_t *j, const rt_str_t *key,
    rt_setting_line_t *line, uint64_t *n, bool *end);
static bool rt_setting_object(rt_json_t *j, rt_str_t *s);


void
rt_setting_who(rt_out_t *o, const rt_setting_who_t *who)
{
    rt_out_lit(o, ",\"by\":");
    rt_out_json_string(o, who->by.data, who->by.len);
    rt_out_lit(o, ",\"from\":");
    rt_out_json_string(o, who->from.data, who->from.len);
    rt_out_lit(o, ",\"key\":");
    rt_out_json_string(o, who->key.data, who->key.len);
    rt_out_lit(o, ",\"at\":");
    rt_out_uint(o, who->at);
}


void
rt_setting_rules(rt_out_t *o, const rt_str_t *lua, const rt_setting_who_t *who)
{
    rt_out_lit(o, "{\"text\":");
    rt_out_json_string(o, lua->data, lua->len);
    rt_setting_who(o, who);
    rt_out_lit(o, "}");
}


const char *
rt_setting_flags(rt_out_t *o, rt_str_t *flags, rt_str_t *changes,
    const rt_setting_who_t *who, rt_out_t *said)
{
    size_t            i, n;
    const char       *why;
    rt_setting_set_t  now, then;

    why = rt_setting_set_read(changes, &then);

    if (why) {
        return why;
    }

    now.n = 0;

    if (flags->len && rt_setting_set_read(flags, &now)) {
        return "what was set before cannot be read";
    }

    rt_setting_say(said, &then);

    rt_out_lit(o, "{");
    n = 0;

    for (i = 0; i < now.n; i++) {
        if (!rt_setting_named(&then, &now.flags[i].name)) {
            rt_setting_name(o, n++, &now.flags[i].name);
            rt_out_bytes(o, now.flags[i].value.data, now.flags[i].value.len);
        }
    }

    for (i = 0; i < then.n; i++) {

        if (then.flags[i].value.type == RT_JSON_NULL) {
            continue;
        }

        rt_setting_name(o, n++, &then.flags[i].name);

        if (!rt_setting_value(o, &then.flags[i].value)) {
            return "true, false, null or an object expected";
        }

        rt_setting_who(o, who);
        rt_out_lit(o, "}");
    }

    rt_out_lit(o, "}");

    return NULL;
}


static const char *
rt_setting_set_read(rt_str_t *text, rt_setting_set_t *set)
{
    rt_str_t   name;
    rt_json_t  j;

    set->n = 0;

    rt_json_init(&j, text->data, text->len);

    if (!rt_json_object(&j)) {
        return "an object expected";
    }

    while (rt_json_key(&j, &name)) {

        if (set->n == RT_SETTING_CHANGES_MAX) {
            return "more than 128 flags in one change";
        }

        set->flags[set->n].name = name;

        if (!rt_json_value(&j, &set->flags[set->n].value)) {
            break;
        }

        set->n++;
    }

    return rt_json_end(&j) ? NULL : "an object expected";
}


static bool
rt_setting_named(const rt_setting_set_t *set, const rt_str_t *name)
{
    size_t  i;

    for (i = 0; i < set->n; i++) {
        if (rt_setting_same(&set->flags[i].name, name)) {
            return true;
        }
    }

    return false;
}


/* names are the same to rt_flag in upper and lower case, and "-" is "_" */

static bool
rt_setting_same(const rt_str_t *one, const rt_str_t *other)
{
    size_t  i;

    if (one->len != other->len) {
        return false;
    }

    for (i = 0; i < one->len; i++) {
        if (rt_setting_fold(one->data[i]) != rt_setting_fold(other->data[i])) {
            return false;
        }
    }

    return true;
}


static uint8_t
rt_setting_fold(uint8_t ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch | 0x20;
    }

    return ch == '-' ? '_' : ch;
}


/*
 * The beginning of an object: a switch is its member "on".  Who has set it
 * before, in what was read and is given back, is left out.
 */

static bool
rt_setting_value(rt_out_t *o, rt_json_value_t *v)
{
    size_t           n;
    rt_str_t         key;
    rt_json_t        j;
    rt_json_value_t  member;

    if (v->type == RT_JSON_BOOL) {
        rt_out_lit(o, "{\"on\":");
        rt_out_bytes(o, v->data, v->len);
        return true;
    }

    rt_json_init(&j, v->data, v->len);

    if (v->type != RT_JSON_OBJECT || !rt_json_object(&j)) {
        return false;
    }

    rt_out_lit(o, "{");
    n = 0;

    while (rt_json_key(&j, &key) && rt_json_value(&j, &member)) {

        if (rt_str_eq(&key, "by") || rt_str_eq(&key, "from")
            || rt_str_eq(&key, "key") || rt_str_eq(&key, "at"))
        {
            continue;
        }

        rt_setting_name(o, n++, &key);
        rt_out_bytes(o, member.data, member.len);
    }

    /* so that who has set it may follow */

    if (n == 0) {
        rt_out_lit(o, "\"on\":false");
    }

    return j.error == RT_JSON_OK;
}


static void
rt_setting_name(rt_out_t *o, size_t i, const rt_str_t *name)
{
    if (i) {
        rt_out_lit(o, ",");
    }

    rt_out_json_string(o, name->data, name->len);
    rt_out_lit(o, ":");
}


static void
rt_setting_say(rt_out_t *o, const rt_setting_set_t *changes)
{
    size_t  i;

    for (i = 0; i < changes->n; i++) {
        rt_setting_name(o, i, &changes->flags[i].name);
        rt_out_bytes(o, changes->flags[i].value.data,
                     changes->flags[i].value.len);
    }
}


void
rt_setting_line(rt_out_t *o, const rt_setting_line_t *line)
{
    rt_out_lit(o, "{\"zone\":\"");
    rt_setting_encode(o, &line->zone);
    rt_out_lit(o, "\",\"tenant\":\"");
    rt_setting_encode(o, &line->tenant);
    rt_out_lit(o, "\",\"version\":");
    rt_out_uint(o, line->version);
    rt_out_lit(o, ",\"rules\":");
    rt_setting_json(o, &line->rules);
    rt_out_lit(o, ",\"flags\":");
    rt_setting_json(o, &line->flags);
    rt_out_lit(o, "}\n");
}


void
rt_setting_end(rt_out_t *o, uint64_t n)
{
    rt_out_lit(o, "{\"tenants\":");
    rt_out_uint(o, n);
    rt_out_lit(o, "}\n");
}


/* names need not be UTF-8 */

static void
rt_setting_encode(rt_out_t *o, const rt_str_t *s)
{
    size_t   i;
    uint8_t  ch, hex[3];

    static const char  digits[] = "0123456789ABCDEF";

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if ((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
            || (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '_'
            || ch == '.')
        {
            rt_out_bytes(o, &ch, 1);
            continue;
        }

        hex[0] = '%';
        hex[1] = digits[ch >> 4];
        hex[2] = digits[ch & 15];

        rt_out_bytes(o, hex, 3);
    }
}


static void
rt_setting_json(rt_out_t *o, const rt_str_t *s)
{
    if (s->len) {
        rt_out_bytes(o, s->data, s->len);

    } else {
        rt_out_lit(o, "null");
    }
}


const char *
rt_setting_line_read(uint8_t *p, size_t len, rt_setting_line_t *line)
{
    bool       end, fits;
    rt_str_t   key;
    uint64_t   n;
    rt_json_t  j;

    memset(line, 0, sizeof(rt_setting_line_t));

    n = 0;
    end = false;
    fits = true;

    rt_json_init(&j, p, len);

    if (rt_json_object(&j)) {
        while (fits && rt_json_key(&j, &key)) {
            fits = rt_setting_member(&j, &key, line, &n, &end);
        }
    }

    if (!fits || !rt_json_end(&j)) {
        return "is no line of it";
    }

    if (end) {
        line->version = n;
        line->tenant.len = 0;
        return NULL;
    }

    if (line->zone.len == 0 || line->tenant.len == 0 || line->version == 0) {
        return "has no zone, tenant or version";
    }

    if (!rt_percent_decode(&line->zone) || !rt_percent_decode(&line->tenant)) {
        return "has a name that is not percent-encoded";
    }

    return NULL;
}


static bool
rt_setting_member(rt_json_t *j, const rt_str_t *key, rt_setting_line_t *line,
    uint64_t *n, bool *end)
{
    if (rt_str_eq(key, "zone")) {
        return rt_json_string(j, &line->zone);
    }

    if (rt_str_eq(key, "tenant")) {
        return rt_json_string(j, &line->tenant);
    }

    if (rt_str_eq(key, "version")) {
        return rt_json_uint64(j, &line->version)
               && line->version <= RT_SETTING_VERSION_MAX;
    }

    if (rt_str_eq(key, "rules")) {
        return rt_setting_object(j, &line->rules);
    }

    if (rt_str_eq(key, "flags")) {
        return rt_setting_object(j, &line->flags);
    }

    if (rt_str_eq(key, "tenants")) {
        *end = true;
        return rt_json_uint64(j, n);
    }

    return false;
}


static bool
rt_setting_object(rt_json_t *j, rt_str_t *s)
{
    rt_json_value_t  v;

    if (!rt_json_value(j, &v)) {
        return false;
    }

    if (v.type == RT_JSON_NULL) {
        return true;
    }

    s->data = v.data;
    s->len = v.len;

    return v.type == RT_JSON_OBJECT;
}
