
/*
 * Messages between nodes: built, and taken apart.  Whoever may publish in Redis
 * may have written them, so each byte of the line is looked at, and the lengths
 * have to add up to what is there.
 */


#include "rt_bus.h"


typedef struct {
    uint8_t  *pos;
    uint8_t  *end;
} rt_bus_line_t;


static uint8_t *rt_bus_uint(uint8_t *p, uint64_t n);
static bool rt_bus_word(rt_bus_line_t *l, rt_str_t *word);
static bool rt_bus_number(rt_bus_line_t *l, uint64_t *n);
static bool rt_bus_kind(rt_bus_line_t *l, uint8_t *kind);
static bool rt_bus_node(rt_bus_line_t *l, rt_str_t *node);
static bool rt_bus_epoch(rt_bus_line_t *l, rt_str_t *epoch);
static bool rt_bus_part(rt_bus_line_t *parts, uint64_t len, rt_str_t *part);


size_t
rt_bus_head(const rt_bus_t *m, uint8_t *line)
{
    size_t          i;
    uint8_t        *p;
    const uint64_t  lengths[] = { m->time, m->data.len, m->info.len,
                                  m->tags.len };

    p = rt_append(line, RT_BUS_VERSION " ", sizeof(RT_BUS_VERSION " ") - 1);
    *p++ = m->kind;
    *p++ = ' ';
    p = rt_append(p, m->node.data, RT_BUS_NODE_LEN);
    *p++ = ' ';
    p = rt_bus_uint(p, m->offset);
    *p++ = ' ';

    if (m->epoch.len) {
        p = rt_append(p, m->epoch.data, RT_BUS_EPOCH_LEN);

    } else {
        *p++ = '-';
    }

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        *p++ = ' ';
        p = rt_bus_uint(p, lengths[i]);
    }

    *p++ = '\n';

    return p - line;
}


uint8_t *
rt_bus_build(uint8_t *p, const uint8_t *line, size_t head, const rt_bus_t *m)
{
    p = rt_append(p, line, head);
    p = rt_append(p, m->data.data, m->data.len);
    p = rt_append(p, m->info.data, m->info.len);

    return rt_append(p, m->tags.data, m->tags.len);
}


static uint8_t *
rt_bus_uint(uint8_t *p, uint64_t n)
{
    size_t   len;
    uint8_t  digits[20];

    len = 0;

    do {
        digits[len++] = '0' + n % 10;
        n /= 10;
    } while (n);

    while (len) {
        *p++ = digits[--len];
    }

    return p;
}


bool
rt_bus_parse(uint8_t *text, size_t len, rt_bus_t *m)
{
    uint64_t       data, info, tags;
    uint8_t       *eol;
    rt_str_t       version;
    rt_bus_line_t  line, parts;

    eol = memchr(text, '\n', rt_min(len, RT_BUS_HEAD_MAX));

    if (eol == NULL) {
        return false;
    }

    line.pos = text;
    line.end = eol;
    parts.pos = eol + 1;
    parts.end = text + len;

    return rt_bus_word(&line, &version)
           && rt_str_eq(&version, RT_BUS_VERSION)
           && rt_bus_kind(&line, &m->kind)
           && rt_bus_node(&line, &m->node)
           && rt_bus_number(&line, &m->offset)
           && rt_bus_epoch(&line, &m->epoch)
           && rt_bus_number(&line, &m->time)
           && rt_bus_number(&line, &data)
           && rt_bus_number(&line, &info)
           && rt_bus_number(&line, &tags)
           && line.pos > line.end
           && rt_bus_part(&parts, data, &m->data)
           && rt_bus_part(&parts, info, &m->info)
           && rt_bus_part(&parts, tags, &m->tags)
           && parts.pos == parts.end;
}


/* behind the last one, pos is behind the end */

static bool
rt_bus_word(rt_bus_line_t *l, rt_str_t *word)
{
    uint8_t  *p;

    if (l->pos > l->end) {
        return false;
    }

    for (p = l->pos; p < l->end && *p != ' '; p++) { /* void */ }

    word->data = l->pos;
    word->len = p - l->pos;
    l->pos = p + 1;

    return word->len != 0;
}


static bool
rt_bus_number(rt_bus_line_t *l, uint64_t *n)
{
    size_t    i;
    uint64_t  v, digit;
    rt_str_t  word;

    if (!rt_bus_word(l, &word)
        || (word.data[0] == '0' && word.len > 1))
    {
        return false;
    }

    v = 0;

    for (i = 0; i < word.len; i++) {
        digit = (uint64_t) word.data[i] - '0';

        if (digit > 9 || v > (UINT64_MAX - digit) / 10) {
            return false;
        }

        v = v * 10 + digit;
    }

    *n = v;

    return true;
}


static bool
rt_bus_kind(rt_bus_line_t *l, uint8_t *kind)
{
    rt_str_t  word;

    if (!rt_bus_word(l, &word) || word.len != 1) {
        return false;
    }

    *kind = word.data[0];

    return memchr("psejlhbarc", *kind, sizeof("psejlhbarc") - 1) != NULL;
}


/* letters and digits as in a UUID, so that it may stand in a key or a log */

static bool
rt_bus_node(rt_bus_line_t *l, rt_str_t *node)
{
    size_t   i;
    uint8_t  c;

    if (!rt_bus_word(l, node) || node->len != RT_BUS_NODE_LEN) {
        return false;
    }

    for (i = 0; i < node->len; i++) {
        c = node->data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '-') {
            return false;
        }
    }

    return true;
}


static bool
rt_bus_epoch(rt_bus_line_t *l, rt_str_t *epoch)
{
    size_t  i;

    if (!rt_bus_word(l, epoch)) {
        return false;
    }

    if (rt_str_eq(epoch, "-")) {
        epoch->len = 0;
        return true;
    }

    for (i = 0; i < epoch->len; i++) {
        if (epoch->data[i] < 'a' || epoch->data[i] > 'z') {
            return false;
        }
    }

    return epoch->len == RT_BUS_EPOCH_LEN;
}


static bool
rt_bus_part(rt_bus_line_t *parts, uint64_t len, rt_str_t *part)
{
    if (len > (uint64_t) (parts->end - parts->pos)) {
        return false;
    }

    part->data = parts->pos;
    part->len = len;
    parts->pos += len;

    return true;
}
