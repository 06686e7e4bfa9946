
/*
 * A message is parsed to its end; with what is found in it replies and a push
 * are built.  What is built must be one line of JSON that reads back to the
 * same strings, and payloads must come through byte by byte.
 */


#include <stdlib.h>

#include "rt_command.h"
#include "rt_json.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


static const rt_codec_t  *codec = &rt_codec_json;


/* one object, no raw line end */
static void
check_line(uint8_t *p, size_t len)
{
    rt_json_t        j;
    rt_json_value_t  v;

    must(memchr(p, '\n', len) == NULL && memchr(p, '\r', len) == NULL);

    rt_json_init(&j, p, len);
    must(rt_json_value(&j, &v) || j.error == RT_JSON_DEEP);
    must(v.type == RT_JSON_OBJECT && v.len == len);
}


static void
check_span(const rt_str_t *s, const uint8_t *start, const uint8_t *end)
{
    if (s->data == NULL) {
        must(s->len == 0);
        return;
    }

    must(s->data >= start && s->data + s->len <= end);
}


static void
check_command(const rt_command_t *c, const uint8_t *start, const uint8_t *end)
{
    rt_json_t        j;
    rt_json_value_t  v;

    must(c->method <= RT_METHOD_UNKNOWN);

    check_span(&c->channel, start, end);
    check_span(&c->token, start, end);
    check_span(&c->data, start, end);
    check_span(&c->name, start, end);
    check_span(&c->version, start, end);
    check_span(&c->rpc, start, end);
    check_span(&c->from.epoch, start, end);
    check_span(&c->subs, start, end);

    if (c->data.data) {
        rt_json_init(&j, c->data.data, c->data.len);
        must(rt_json_value(&j, &v) && v.len == c->data.len);
        must(v.type != RT_JSON_NULL);
    }
}


static void
check_positions(const rt_command_t *c)
{
    size_t          i, n;
    rt_position_t  *list;

    list = malloc(3 * sizeof(rt_position_t));
    must(list);

    if (codec->positions(&c->subs, list, 3, &n)) {
        must(n <= 3);

        for (i = 0; i < n; i++) {
            check_span(&list[i].channel, c->subs.data,
                       c->subs.data + c->subs.len);
            check_span(&list[i].since.epoch, c->subs.data,
                       c->subs.data + c->subs.len);
        }
    }

    free(list);
}


static void
check_reply(const rt_reply_t *r)
{
    uint8_t   *p;
    size_t     need;
    rt_out_t   o;

    rt_out_init(&o, NULL, 0);
    codec->reply(&o, r);
    need = o.need;

    p = malloc(need);
    must(p);

    rt_out_init(&o, p, need);
    codec->reply(&o, r);
    must(rt_out_fits(&o) && o.need == need && o.pos == p + need);
    check_line(p, need);

    /* one byte less: nothing is written past it, and the need is the same */
    rt_out_init(&o, p, need - 1);
    codec->reply(&o, r);
    must(!rt_out_fits(&o) && o.need == need && o.pos < p + need);

    free(p);
}


static void
check_replies(const rt_command_t *c)
{
    rt_error_t        e;
    rt_reply_t        r;
    rt_client_info_t  info[2];

    memset(&r, 0, sizeof(rt_reply_t));
    memset(info, 0, sizeof(info));

    r.id = c->id;
    r.method = c->method;
    r.client = c->channel;
    r.version = c->version;
    r.ping = c->type;
    r.pong = c->from.recover;
    r.session = c->from.epoch;
    r.node = c->token;
    r.data = c->data;
    r.clients = c->from.offset;

    info[0].user = c->token;
    info[0].client = c->channel;
    info[1].client = c->from.epoch;
    r.present = info;
    r.npresent = 2;

    check_reply(&r);

    e.code = c->type;
    e.message = c->channel;
    e.temporary = c->from.recover;
    r.error = &e;

    check_reply(&r);
}


/* of every kind, with strings of all sorts */
static void
check_other(const rt_command_t *c)
{
    int         kind;
    uint8_t    *p;
    rt_out_t    o;
    rt_push_t   push;

    memset(&push, 0, sizeof(rt_push_t));

    push.channel = c->channel;
    push.info.user = c->token;
    push.info.client = c->from.epoch;
    push.data = c->data;
    push.code = c->type;
    push.reason = c->rpc;

    for (kind = RT_PUSH_JOIN; kind <= RT_PUSH_DISCONNECT; kind++) {
        push.kind = (rt_push_kind_t) kind;

        rt_out_init(&o, NULL, 0);
        codec->push(&o, &push);

        p = malloc(o.need);
        must(p);

        rt_out_init(&o, p, o.need);
        codec->push(&o, &push);
        must(rt_out_fits(&o));
        check_line(p, o.need);

        free(p);
    }
}


/* {"push":{"channel":C,"pub":{"data":D, ... */
static void
check_push_text(uint8_t *p, size_t len, const rt_str_t *channel,
    const rt_str_t *data)
{
    rt_str_t         s;
    rt_json_t        j;
    rt_json_value_t  v;

    rt_json_init(&j, p, len);

    must(rt_json_object(&j) && rt_json_key(&j, &s) && rt_str_eq(&s, "push"));
    must(rt_json_object(&j) && rt_json_key(&j, &s));
    must(rt_str_eq(&s, "channel") && rt_json_string(&j, &s));
    must(s.len == channel->len);
    must(s.len == 0 || memcmp(s.data, channel->data, s.len) == 0);

    must(rt_json_key(&j, &s) && rt_str_eq(&s, "pub") && rt_json_object(&j));
    must(rt_json_key(&j, &s) && rt_str_eq(&s, "data"));
    must(rt_json_value(&j, &v) && v.len == data->len);
    must(memcmp(v.data, data->data, v.len) == 0);
}


static void
check_push(const rt_command_t *c)
{
    size_t            len;
    uint8_t          *p;
    rt_out_t          o;
    rt_publication_t  pub;

    memset(&pub, 0, sizeof(rt_publication_t));

    pub.data = c->data;
    pub.offset = c->from.offset;

    if (c->from.recover) {
        pub.info.user = c->token;
        pub.info.client = c->channel;
        pub.tags = c->data;
    }

    rt_out_init(&o, NULL, 0);
    codec->push_head(&o, &c->channel);
    len = codec->publication_len(&pub);

    p = malloc(o.need + len);
    must(p);

    rt_out_init(&o, p, o.need);
    codec->push_head(&o, &c->channel);
    must(rt_out_fits(&o));
    must(codec->publication(o.pos, &pub) == o.pos + len);

    check_line(p, o.need + len);
    check_push_text(p, o.need + len, &c->channel, &pub.data);

    free(p);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool           first;
    uint8_t       *text, *pos, *end, *before;
    rt_parse_t     rc;
    rt_command_t   c;

    text = malloc(size ? size : 1);
    must(text);

    if (size) {
        memcpy(text, data, size);
    }

    pos = text;
    end = text + size;

    for (first = true; /* void */ ; first = false) {
        before = pos;
        rc = codec->parse(&pos, end, first, &c);

        if (rc != RT_PARSE_OK) {
            break;
        }

        must(pos > before && pos <= end);
        check_command(&c, before, pos);
        check_positions(&c);
        check_replies(&c);
        check_other(&c);

        if (c.data.data) {
            check_push(&c);
        }
    }

    must(!first || rc == RT_PARSE_BAD);
    free(text);

    return 0;
}
