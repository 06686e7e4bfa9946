
/*
 * rt_frame against a model that has the whole stream at once, takes one
 * frame after the other and knows the rules as RFC 6455 lists them: random
 * streams as they were built, then spoilt or cut ones.
 */


#include "frame_session.h"


typedef struct {
    uint8_t   fin, rsv, opcode, masked;
    uint64_t  len;
    uint8_t   mask[4];
} frame_t;


static text_t     stream;
static session_t  session, model;


static unsigned
model_head_code(const frame_t *f, const rt_frame_reader_t *conf, bool open)
{
    bool  control;

    control = f->opcode >= 8;

    if (f->rsv || (f->opcode > 2 && f->opcode < 8) || f->opcode > 10
        || (control && (!f->fin || f->len > 125))
        || (f->opcode == 8 && f->len == 1)
        || (!control && open != (f->opcode == 0))
        || f->masked == conf->from_server)
    {
        return 1002;
    }

    return f->opcode == 2 && conf->text_only ? 1003 : 0;
}


/* the bytes of the header, 0: not all there; *code: what is wrong with it */

static size_t
model_header(const uint8_t *p, size_t len, frame_t *f, session_t *s,
    bool open, unsigned *code)
{
    size_t  i, n;

    *code = 0;

    if (len < 2) {
        return 0;
    }

    f->fin = p[0] >> 7;
    f->rsv = (p[0] >> 4) & 7;
    f->opcode = p[0] & 15;
    f->masked = p[1] >> 7;
    f->len = p[1] & 127;

    *code = model_head_code(f, &s->reader, open);

    n = f->len == 127 ? 8 : f->len == 126 ? 2 : 0;

    if (*code || len < 2 + n + 4 * f->masked) {
        return 0;
    }

    for (i = 0, f->len = n ? 0 : f->len; i < n; i++) {
        f->len = f->len * 256 + p[2 + i];
    }

    memcpy(f->mask, f->masked ? p + 2 + n : (uint8_t *) "\0\0\0", 4);

    if ((n == 2 && f->len < 126) || (n == 8 && f->len < 65536)
        || f->len > INT64_MAX)
    {
        *code = 1002;

    } else if (f->opcode < 8 && f->len + s->message.len
                                > s->reader.max_message)
    {
        *code = 1009;
    }

    return 2 + n + 4 * f->masked;
}


static void
model_control(session_t *s, uint8_t opcode, const uint8_t *p, size_t len)
{
    unsigned  code;

    if (opcode != 8 || len == 0) {
        tell(&s->told, opcode, opcode == 8 ? 1005 : 0, p, len);

    } else {
        code = p[0] * 256 + p[1];

        if (!code_allowed(code)) {
            tell_refusal(&s->told, 1002);

        } else if (!rt_utf8_valid(p + 2, len - 2)) {
            tell_refusal(&s->told, 1007);

        } else {
            tell(&s->told, opcode, code, p + 2, len - 2);
        }
    }

    s->ended = opcode == 8;
}


static bool
model_text_good(const text_t *t, bool whole)
{
    rt_utf8_t  u;

    memset(&u, 0, sizeof(u));

    return rt_utf8_feed(&u, t->data, t->len)
           && (!whole || rt_utf8_complete(&u));
}


static void
model_read(session_t *s, const text_t *in)
{
    bool            cut;
    size_t          i, j, n, at;
    uint8_t         open;
    frame_t         f;
    unsigned        code;
    static uint8_t  payload[STREAM_MAX];

    for (at = 0, open = 0; !s->ended; at += n) {

        n = model_header(in->data + at, in->len - at, &f, s, open, &code);

        if (code) {
            tell_refusal(&s->told, code);
            return;
        }

        if (n == 0) {
            break;
        }

        at += n;
        cut = f.len > in->len - at;
        n = cut ? in->len - at : f.len;

        for (i = at, j = 0; j < n; i++, j++) {
            payload[j] = in->data[i] ^ f.mask[j % 4];
        }

        if (f.opcode >= 8) {
            if (cut) {
                break;
            }

            model_control(s, f.opcode, payload, n);
            continue;
        }

        open = f.opcode ? f.opcode : open;
        add(&s->message, payload, n);

        if (open == 1 && !model_text_good(&s->message, f.fin && !cut)) {
            tell_refusal(&s->told, 1007);
            return;
        }

        if (cut) {
            break;
        }

        if (f.fin) {
            tell(&s->told, open, 0, s->message.data, s->message.len);
            s->message.len = 0;
            open = 0;
        }
    }

    if (!s->ended && open) {
        add_string(&s->told, "... ");
    }
}


/* a random stream: messages in fragments, control frames between them */

static void
random_payload(text_t *t, size_t max)
{
    size_t              n;
    uint32_t            kind;
    static const char  *words[] = {
        "a", "hello, ", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"
    };

    t->len = 0;

    for (n = rnd(max), kind = rnd(6); t->len + 8 < n; /* void */ ) {
        add_string(t, words[kind < 5 ? kind : rnd(5)]);
    }
}


static void
random_control(text_t *out, bool masked)
{
    static text_t  payload;

    if (rnd(3) == 0) {
        random_payload(&payload, 126);
        add_frame(out, 0x89 + rnd(2), &payload, masked);
    }
}


static void
random_message(text_t *out, bool masked)
{
    size_t         i, n;
    uint8_t        opcode;
    static text_t  payload, part;

    random_payload(&payload, rnd(40) ? 300 : 70000);
    opcode = 1 + rnd(2);

    for (i = 0; i < payload.len && rnd(4); i += n) {
        n = rnd(rt_min(payload.len - i, 300) + 1);

        part.len = 0;
        add(&part, payload.data + i, n);
        add_frame(out, opcode, &part, masked);
        random_control(out, masked);
        opcode = 0;
    }

    part.len = 0;
    add(&part, payload.data + i, payload.len - i);
    add_frame(out, 0x80 | opcode, &part, masked);
    random_control(out, masked);
}


static void
random_stream(text_t *out, bool masked)
{
    uint32_t       n;
    static text_t  payload;

    out->len = 0;

    for (n = 1 + rnd(4); n; n--) {
        random_message(out, masked);
    }

    if (rnd(4) == 0) {
        random_payload(&payload, 100);
        memmove(payload.data + 2, payload.data, payload.len);
        payload.data[0] = 3 + rnd(2) * 9;
        payload.data[1] = 0xE8 + rnd(16);
        payload.len += 2;
        add_frame(out, 0x88, &payload, masked);
    }
}


static void
random_run(bool spoilt)
{
    int       parts;
    bool      server, text_only;
    uint64_t  max;

    server = rnd(2);
    text_only = spoilt && rnd(4) == 0;
    max = spoilt && rnd(4) == 0 ? rnd(1000) : 1 << 20;
    parts = rnd(3);

    random_stream(&stream, !server);

    if (spoilt && rnd(2)) {
        stream.data[rnd(rt_min(stream.len, 300))] ^= 1 << rnd(8);

    } else if (spoilt) {
        stream.len = 1 + rnd(stream.len);
    }

    session_start(&model, max, server, text_only);
    model_read(&model, &stream);

    session_start(&session, max, server, text_only);
    session_feed_parts(&session, &stream, parts);

    compare("random", parts, &session.told, &model.told);
}


static void
test_random(void)
{
    uint32_t  round;

    for (round = 0; round < 1000; round++) {
        random_run(false);
    }

    tap_group("random streams in random parts, as the model reads them");

    for (round = 0; round < 10000; round++) {
        random_run(true);
    }

    tap_group("spoilt and cut streams, as the model reads them");
}


int
main(void)
{
    test_random();

    return tap_done();
}
