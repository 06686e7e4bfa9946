
/*
 * rt_frame fed with a stream cut by the input (chunk.h), against the same
 * stream fed at once: both must tell the same.  The first byte of the input
 * chooses the side and the limits.  What was read as messages and control
 * frames is then built again, masked, and must be read back as it was.
 */


#include "chunk.h"
#include "rt_frame.h"


#define TOLD_MAX  (1 << 20)

#define check(good)  ((good) ? (void) 0 : abort())


typedef struct {
    size_t   len;
    uint8_t  data[TOLD_MAX];
} text_t;

typedef struct {
    rt_frame_reader_t  reader;
    text_t             told;      /* records: kind, code, length, bytes */
    text_t             message;
    uint64_t           rest;
    uint8_t            opcode;    /* of the open message, 0: none */
    bool               ended;
} session_t;


static session_t  parts, whole, again;
static text_t     built;


static void
add(text_t *t, const void *p, size_t len)
{
    check(t->len + len <= TOLD_MAX);

    if (len) {
        memcpy(t->data + t->len, p, len);
        t->len += len;
    }
}


static void
tell(session_t *s, uint8_t kind, uint16_t code, const uint8_t *p, size_t len)
{
    add(&s->told, &kind, sizeof(kind));
    add(&s->told, &code, sizeof(code));
    add(&s->told, &len, sizeof(len));
    add(&s->told, p, len);
}


static void
session_start(session_t *s, uint8_t choice)
{
    memset(&s->reader, 0, sizeof(s->reader));

    s->reader.from_server = choice & 1;
    s->reader.text_only = choice & 2;
    s->reader.max_message = choice & 4 ? choice : TOLD_MAX / 4;
    s->told.len = 0;
    s->message.len = 0;
    s->rest = 0;
    s->opcode = 0;
    s->ended = false;
}


static void
session_data(session_t *s, const rt_frame_event_t *ev)
{
    check(ev->first == !s->opcode);
    check(ev->first || ev->opcode == s->opcode);
    check(s->rest == 0 || s->rest == ev->len + ev->rest);
    check(!ev->last || ev->rest == 0);

    s->opcode = ev->opcode;
    s->rest = ev->rest;

    add(&s->message, ev->data, ev->len);
    check(s->message.len + ev->rest <= s->reader.max_message);

    if (ev->last) {
        tell(s, ev->opcode, 0, s->message.data, s->message.len);
        s->message.len = 0;
        s->opcode = 0;
    }
}


static void
session_event(session_t *s, rt_frame_result_t rc, const rt_frame_event_t *ev)
{
    check(!s->ended);

    if (rc == RT_FRAME_DATA) {
        session_data(s, ev);
        return;
    }

    if (rc == RT_FRAME_CONTROL) {
        check(ev->len <= RT_FRAME_CONTROL_MAX);
        tell(s, ev->opcode, ev->code, ev->data, ev->len);
        s->ended = ev->opcode == RT_OPCODE_CLOSE;
        return;
    }

    check(rt_frame_close_code_valid(ev->code) && ev->reason);
    tell(s, 0, ev->code, NULL, 0);
    s->ended = true;
}


static void
session_feed(session_t *s, uint8_t *p, size_t len)
{
    uint8_t            *end;
    rt_frame_event_t   ev;
    rt_frame_result_t  rc;

    end = p + len;

    while ((rc = rt_frame_read(&s->reader, &p, end, &ev)) != RT_FRAME_AGAIN) {
        check(p <= end);
        session_event(s, rc, &ev);
    }

    check(p == end);
}


/* a message that is left open must be the same so far, too */

static void
session_finish(session_t *s)
{
    if (!s->ended) {
        tell(s, s->opcode, 1, s->message.data, s->message.len);
    }
}


static void
session_same(const session_t *a, const session_t *b)
{
    check(a->told.len == b->told.len);
    check(memcmp(a->told.data, b->told.data, a->told.len) == 0);
}


static void
build(uint8_t opcode, const uint8_t *p, size_t len)
{
    uint8_t   head[RT_FRAME_HEADER_MAX];
    uint8_t  *data;

    static const uint8_t  mask[4] = { 0x1F, 0xA5, 0x00, 0xC3 };

    add(&built, head,
        rt_frame_header_full(head, opcode, true, len, mask) - head);

    data = built.data + built.len;
    add(&built, p, len);
    rt_frame_mask(data, len, mask, 0);
}


/* all but refusals and closes, and the open message */

static void
build_told(const text_t *told, text_t *kept)
{
    size_t          len;
    uint8_t         kind;
    uint16_t        code;
    const uint8_t  *p, *record;

    built.len = 0;
    kept->len = 0;

    for (p = told->data; p < told->data + told->len; p += len) {
        record = p;

        kind = *p++;
        memcpy(&code, p, sizeof(code));
        p += sizeof(code);
        memcpy(&len, p, sizeof(len));
        p += sizeof(len);

        if (code == 0) {
            build(kind, p, len);
            add(kept, record, p + len - record);
        }
    }
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t   len;
    chunk_t  c;
    uint8_t  *p;

    if (size < 2 || size > TOLD_MAX / 16) {
        return 0;
    }

    session_start(&parts, data[0]);
    session_start(&whole, data[0]);

    chunk_start(&c, data + 1, size - 1);
    len = c.end - c.pos;
    p = malloc(len + 1);
    check(p);
    memcpy(p, c.pos, len);
    session_feed(&whole, p, len);
    free(p);

    while ((p = chunk_next(&c, &len)) != NULL) {
        session_feed(&parts, p, len);
        free(p);
    }

    session_finish(&whole);
    session_finish(&parts);
    session_same(&whole, &parts);

    build_told(&whole.told, &parts.told);
    session_start(&again, 0);
    session_feed(&again, built.data, built.len);
    session_same(&again, &parts);

    return 0;
}
