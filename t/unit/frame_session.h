
/*
 * For the tests of rt_frame: a session that reads frames, checks each event
 * and tells what it read in words (frame_words.h says which).
 */


#ifndef _FRAME_SESSION_H_INCLUDED_
#define _FRAME_SESSION_H_INCLUDED_


#include "rt_frame.h"
#include "tap.h"


#define STREAM_MAX   400000
#define PARTS_WHOLE  0
#define PARTS_BYTES  1
#define PARTS_MIXED  2


typedef struct {
    size_t   len;
    uint8_t  data[STREAM_MAX];
} text_t;

typedef struct {
    rt_frame_reader_t  reader;
    text_t             message;
    text_t             told;
    uint64_t           rest;      /* what the last span promised */
    uint8_t            opcode;    /* of the open message, 0: none */
    bool               ended;
} session_t;


static uint64_t  seed = 0x2545F4914F6CDD1Dull;


static uint32_t
rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (uint32_t) (seed >> 32) % n;
}


static void
add(text_t *t, const void *p, size_t len)
{
    if (t->len + len > STREAM_MAX) {
        abort();
    }

    if (len) {
        memcpy(t->data + t->len, p, len);
    }

    t->len += len;
}


static void
add_string(text_t *t, const char *z)
{
    add(t, z, strlen(z));
}


static void
add_frame(text_t *out, uint8_t first, const text_t *payload, bool masked)
{
    size_t    i;
    uint8_t   head[RT_FRAME_HEADER_MAX], mask[4];
    uint8_t  *p;

    for (i = 0; i < 4; i++) {
        mask[i] = rnd(256);
    }

    p = rt_frame_header_full(head, RT_OPCODE_TEXT, true, payload->len,
                             masked ? mask : NULL);
    head[0] = first;
    add(out, head, p - head);

    for (i = 0; i < payload->len; i++) {
        out->data[out->len++] = payload->data[i] ^ (masked ? mask[i & 3] : 0);
    }
}


/* what was read, as words */

static char
letter(uint8_t opcode)
{
    return "ctb.....xpo....."[opcode & 0xF];
}


static void
tell(text_t *t, uint8_t opcode, unsigned code, const uint8_t *p, size_t len)
{
    char  word[32];

    snprintf(word, sizeof(word), code ? "%c%u" : "%c", letter(opcode), code);
    add_string(t, word);

    if (len) {
        add_string(t, "=");
        add(t, p, len);
    }

    add_string(t, " ");
}


static void
tell_refusal(text_t *t, unsigned code)
{
    char  word[32];

    snprintf(word, sizeof(word), "%u ", code);
    add_string(t, word);
}


/* which codes a peer may send; told again here, by hand */

static bool
code_allowed(unsigned code)
{
    switch (code) {

    case 1000: case 1001: case 1002: case 1003:
    case 1007: case 1008: case 1009: case 1010:
    case 1011: case 1012: case 1013: case 1014:
        return true;

    default:
        return code >= 3000 && code < 5000;
    }
}


/* the session that reads */

static void
session_start(session_t *s, uint64_t max, bool from_server, bool text_only)
{
    memset(&s->reader, 0, sizeof(s->reader));

    s->reader.max_message = max;
    s->reader.from_server = from_server;
    s->reader.text_only = text_only;
    s->message.len = 0;
    s->told.len = 0;
    s->rest = 0;
    s->opcode = 0;
    s->ended = false;
}


static void
session_data(session_t *s, rt_frame_event_t *ev)
{
    ok(ev->first == !s->opcode, "first, and only then");
    ok(ev->first || ev->opcode == s->opcode, "the message keeps its opcode");
    ok(s->rest == 0 || s->rest == ev->len + ev->rest, "rest counts down");
    ok(!ev->last || ev->rest == 0, "nothing is left behind the last");

    s->opcode = ev->opcode;
    s->rest = ev->rest;

    add(&s->message, ev->data, ev->len);

    if (ev->last) {
        tell(&s->told, ev->opcode, 0, s->message.data, s->message.len);
        s->message.len = 0;
        s->opcode = 0;
    }
}


static void
session_feed(session_t *s, uint8_t *p, size_t len)
{
    uint8_t           *end;
    rt_frame_event_t   ev;
    rt_frame_result_t  rc;

    end = p + len;

    while ((rc = rt_frame_read(&s->reader, &p, end, &ev)) != RT_FRAME_AGAIN) {

        ok(!s->ended, "nothing comes after the end");
        ok(p <= end, "not past the input");

        if (rc == RT_FRAME_DATA) {
            session_data(s, &ev);

        } else if (rc == RT_FRAME_CONTROL) {
            tell(&s->told, ev.opcode, ev.code, ev.data, ev.len);
            s->ended = ev.opcode == RT_OPCODE_CLOSE;

        } else {
            tell_refusal(&s->told, ev.code);
            ok(ev.reason && *ev.reason, "a refusal says why");
            s->ended = true;
        }
    }

    ok(p == end, "all input is consumed");
}


/* each part is a copy of its own, so that nothing around it can be read */

static void
session_feed_parts(session_t *s, const text_t *in, int parts)
{
    size_t    i, n;
    uint8_t  *copy;

    for (i = 0; i < in->len; i += n) {
        n = parts == PARTS_WHOLE ? in->len
            : parts == PARTS_BYTES ? 1
            : rnd(3) ? 1 + rnd(9) : 1 + rnd(2000);
        n = rt_min(n, in->len - i);

        copy = malloc(n);
        memcpy(copy, in->data + i, n);
        session_feed(s, copy, n);
        free(copy);
    }

    if (!s->ended && s->reader.message) {
        add_string(&s->told, "... ");
    }
}


static void
compare(const char *name, int parts, const text_t *got, const text_t *want)
{
    static const char  *how[] = { "whole", "by bytes", "in parts" };

    ok(got->len == want->len && memcmp(got->data, want->data, want->len) == 0,
       "%s, %s: told \"%.*s\", wanted \"%.*s\"", name, how[parts],
       (int) rt_min(got->len, 200), got->data,
       (int) rt_min(want->len, 200), want->data);
}


#endif /* _FRAME_SESSION_H_INCLUDED_ */
