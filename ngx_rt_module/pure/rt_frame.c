
/*
 * WebSocket frames, read and built (RFC 6455, sections 5 and 7).  Called by
 * the ingress with what a read brought, and by the egress and the clients of
 * the tests for the headers they send.  Calls rt_utf8.c.  All state is in
 * the caller's rt_frame_reader_t; there are no locks.
 *
 * A frame passes through the states in their order.  A header is always
 * collected in reader.buf, so that it may be cut anywhere; a control frame
 * only if it comes in pieces.  The payload of a message is never kept.
 */


#include "rt_frame.h"


#define RT_FRAME_FIN       0x80
#define RT_FRAME_RSV       0x70
#define RT_FRAME_OPCODE    0x0F
#define RT_FRAME_MASKED    0x80
#define RT_FRAME_LENGTH    0x7F
#define RT_FRAME_LENGTH16  126
#define RT_FRAME_LENGTH64  127

#define rt_frame_is_control(opcode)  ((opcode) & 0x8)


enum {
    RT_FRAME_STATE_HEAD = 0,      /* the first two bytes */
    RT_FRAME_STATE_HEADER,        /* the rest of the header */
    RT_FRAME_STATE_DATA,
    RT_FRAME_STATE_CONTROL,
    RT_FRAME_STATE_ENDED          /* by a close or an error */
};


typedef uint64_t  rt_frame_block_t __attribute__((vector_size(32)));


static bool rt_frame_collect(rt_frame_reader_t *r, uint8_t **pos,
    uint8_t *end);
static bool rt_frame_parse_head(rt_frame_reader_t *r, rt_frame_event_t *ev);
static const char *rt_frame_bad_opcode(rt_frame_reader_t *r);
static const char *rt_frame_bad_control(rt_frame_reader_t *r, uint8_t len);
static bool rt_frame_parse_header(rt_frame_reader_t *r,
    rt_frame_event_t *ev);
static uint64_t rt_frame_parse_length(const uint8_t *p, size_t n);
static bool rt_frame_begin_data(rt_frame_reader_t *r, rt_frame_event_t *ev,
    uint64_t len);
static rt_frame_result_t rt_frame_read_data(rt_frame_reader_t *r,
    uint8_t **pos, uint8_t *end, rt_frame_event_t *ev);
static bool rt_frame_check_text(rt_frame_reader_t *r, rt_frame_event_t *ev);
static rt_frame_result_t rt_frame_read_control(rt_frame_reader_t *r,
    uint8_t **pos, uint8_t *end, rt_frame_event_t *ev);
static bool rt_frame_parse_close(rt_frame_reader_t *r, rt_frame_event_t *ev);
static bool rt_frame_refuse(rt_frame_reader_t *r, rt_frame_event_t *ev,
    uint16_t code, const char *reason);
static uint8_t *rt_frame_build_int(uint8_t *p, uint64_t value, size_t n);


rt_frame_result_t
rt_frame_read(rt_frame_reader_t *r, uint8_t **pos, uint8_t *end,
    rt_frame_event_t *ev)
{
    memset(ev, 0, sizeof(*ev));

    for ( ;; ) {

        switch (r->state) {

        case RT_FRAME_STATE_HEAD:
            r->need = 2;

            if (!rt_frame_collect(r, pos, end)) {
                return RT_FRAME_AGAIN;
            }

            if (!rt_frame_parse_head(r, ev)) {
                return RT_FRAME_ERROR;
            }

            break;

        case RT_FRAME_STATE_HEADER:
            if (!rt_frame_collect(r, pos, end)) {
                return RT_FRAME_AGAIN;
            }

            if (!rt_frame_parse_header(r, ev)) {
                return RT_FRAME_ERROR;
            }

            break;

        case RT_FRAME_STATE_DATA:
            return rt_frame_read_data(r, pos, end, ev);

        case RT_FRAME_STATE_CONTROL:
            return rt_frame_read_control(r, pos, end, ev);

        default: /* RT_FRAME_STATE_ENDED: sections 5.5.1 and 7.1.7 */
            *pos = end;
            return RT_FRAME_AGAIN;
        }
    }
}


bool
rt_frame_at_rest(const rt_frame_reader_t *r)
{
    return r->state == RT_FRAME_STATE_HEAD && r->have == 0
           && r->message == 0;
}


/* true: buf has what was wanted */

static bool
rt_frame_collect(rt_frame_reader_t *r, uint8_t **pos, uint8_t *end)
{
    size_t  n;

    n = rt_min((size_t) (r->need - r->have), (size_t) (end - *pos));

    if (n) {
        memcpy(r->buf + r->have, *pos, n);
        r->have += n;
        *pos += n;
    }

    return r->have == r->need;
}


static bool
rt_frame_parse_head(rt_frame_reader_t *r, rt_frame_event_t *ev)
{
    uint8_t      len;
    const char  *bad;

    r->fin = (r->buf[0] & RT_FRAME_FIN) != 0;
    r->opcode = r->buf[0] & RT_FRAME_OPCODE;

    len = r->buf[1] & RT_FRAME_LENGTH;

    if (r->buf[0] & RT_FRAME_RSV) {
        bad = "reserved bits are set";

    } else if (rt_frame_is_control(r->opcode)) {
        bad = rt_frame_bad_control(r, len);

    } else {
        bad = rt_frame_bad_opcode(r);
    }

    if (bad == NULL && r->from_server != !(r->buf[1] & RT_FRAME_MASKED)) {
        bad = r->from_server ? "a masked frame" : "a frame without a mask";
    }

    if (bad) {
        return rt_frame_refuse(r, ev, RT_CLOSE_PROTOCOL_ERROR, bad);
    }

    if (r->opcode == RT_OPCODE_BINARY && r->text_only) {
        return rt_frame_refuse(r, ev, RT_CLOSE_UNSUPPORTED,
                               "binary messages are not taken");
    }

    r->need = 2 + (len == RT_FRAME_LENGTH64 ? 8
                   : len == RT_FRAME_LENGTH16 ? 2 : 0)
                + (r->from_server ? 0 : 4);
    r->state = RT_FRAME_STATE_HEADER;

    return true;
}


static const char *
rt_frame_bad_opcode(rt_frame_reader_t *r)
{
    switch (r->opcode) {

    case RT_OPCODE_CONTINUATION:
        return r->message ? NULL : "a continuation of no message";

    case RT_OPCODE_TEXT:
    case RT_OPCODE_BINARY:
        return r->message ? "a message inside a message" : NULL;

    default:
        return "a reserved opcode";
    }
}


static const char *
rt_frame_bad_control(rt_frame_reader_t *r, uint8_t len)
{
    if (r->opcode > RT_OPCODE_PONG) {
        return "a reserved opcode";
    }

    if (!r->fin) {
        return "a control frame in fragments";
    }

    if (len > RT_FRAME_CONTROL_MAX) {
        return "a control frame of more than 125 bytes";
    }

    if (r->opcode == RT_OPCODE_CLOSE && len == 1) {
        return "a close code of one byte";
    }

    return NULL;
}


static bool
rt_frame_parse_header(rt_frame_reader_t *r, rt_frame_event_t *ev)
{
    size_t    n;
    uint64_t  len;

    len = r->buf[1] & RT_FRAME_LENGTH;
    n = 0;

    if (len >= RT_FRAME_LENGTH16) {
        n = len == RT_FRAME_LENGTH16 ? 2 : 8;
        len = rt_frame_parse_length(r->buf + 2, n);

        if (len >> 63) {
            return rt_frame_refuse(r, ev, RT_CLOSE_PROTOCOL_ERROR,
                                   "a length with its highest bit set");
        }

        if (rt_frame_header_len(len) != 2 + n) {
            return rt_frame_refuse(r, ev, RT_CLOSE_PROTOCOL_ERROR,
                                   "a length that is not minimal");
        }
    }

    if (!r->from_server) {
        memcpy(r->mask, r->buf + 2 + n, sizeof(r->mask));
    }

    r->phase = 0;
    r->have = 0;

    if (rt_frame_is_control(r->opcode)) {
        r->need = len;
        r->state = RT_FRAME_STATE_CONTROL;
        return true;
    }

    return rt_frame_begin_data(r, ev, len);
}


static uint64_t
rt_frame_parse_length(const uint8_t *p, size_t n)
{
    uint64_t  len;

    for (len = 0; n; n--) {
        len = len << 8 | *p++;
    }

    return len;
}


static bool
rt_frame_begin_data(rt_frame_reader_t *r, rt_frame_event_t *ev, uint64_t len)
{
    if (r->opcode != RT_OPCODE_CONTINUATION) {
        r->message = r->opcode;
        r->total = 0;
        r->empty = 0;
    }

    if (len > r->max_message - r->total) {
        return rt_frame_refuse(r, ev, RT_CLOSE_TOO_BIG,
                               "the message is too big");
    }

    if (len == 0 && ++r->empty > RT_FRAME_EMPTY_MAX) {
        return rt_frame_refuse(r, ev, RT_CLOSE_POLICY,
                               "too many empty fragments");
    }

    r->total += len;
    r->rest = len;
    r->state = RT_FRAME_STATE_DATA;

    return true;
}


static rt_frame_result_t
rt_frame_read_data(rt_frame_reader_t *r, uint8_t **pos, uint8_t *end,
    rt_frame_event_t *ev)
{
    if (r->rest && *pos == end) {
        return RT_FRAME_AGAIN;
    }

    ev->data = *pos;
    ev->len = rt_min(r->rest, (uint64_t) (end - *pos));

    *pos += ev->len;
    r->rest -= ev->len;

    if (!r->from_server) {
        rt_frame_mask(ev->data, ev->len, r->mask, r->phase);
        r->phase = (r->phase + ev->len) & 3;
    }

    ev->opcode = r->message;
    ev->rest = r->rest;
    ev->first = r->opcode != RT_OPCODE_CONTINUATION;
    ev->last = r->fin && r->rest == 0;

    if (r->message == RT_OPCODE_TEXT && !rt_frame_check_text(r, ev)) {
        return RT_FRAME_ERROR;
    }

    /* what follows of this frame continues the message too */

    r->opcode = RT_OPCODE_CONTINUATION;

    if (r->rest == 0) {
        r->state = RT_FRAME_STATE_HEAD;
    }

    if (ev->last) {
        r->message = 0;
    }

    return RT_FRAME_DATA;
}


static bool
rt_frame_check_text(rt_frame_reader_t *r, rt_frame_event_t *ev)
{
    if (!rt_utf8_feed(&r->utf8, ev->data, ev->len)) {
        return rt_frame_refuse(r, ev, RT_CLOSE_INVALID_DATA,
                               "the text is not UTF-8");
    }

    if (ev->last && !rt_utf8_complete(&r->utf8)) {
        return rt_frame_refuse(r, ev, RT_CLOSE_INVALID_DATA,
                               "the text ends inside a character");
    }

    return true;
}


static rt_frame_result_t
rt_frame_read_control(rt_frame_reader_t *r, uint8_t **pos, uint8_t *end,
    rt_frame_event_t *ev)
{
    ev->len = r->need;

    if (r->have == 0 && (size_t) (end - *pos) >= ev->len) {
        ev->data = *pos;
        *pos += ev->len;

    } else if (rt_frame_collect(r, pos, end)) {
        ev->data = r->buf;

    } else {
        ev->len = 0;
        return RT_FRAME_AGAIN;
    }

    if (!r->from_server) {
        rt_frame_mask(ev->data, ev->len, r->mask, 0);
    }

    ev->opcode = r->opcode;
    r->have = 0;
    r->state = RT_FRAME_STATE_HEAD;

    if (r->opcode == RT_OPCODE_CLOSE && !rt_frame_parse_close(r, ev)) {
        return RT_FRAME_ERROR;
    }

    return RT_FRAME_CONTROL;
}


static bool
rt_frame_parse_close(rt_frame_reader_t *r, rt_frame_event_t *ev)
{
    r->state = RT_FRAME_STATE_ENDED;

    if (ev->len == 0) {
        ev->code = RT_CLOSE_NO_STATUS;
        return true;
    }

    ev->code = rt_frame_parse_length(ev->data, 2);
    ev->data += 2;
    ev->len -= 2;

    if (!rt_frame_close_code_valid(ev->code)) {
        return rt_frame_refuse(r, ev, RT_CLOSE_PROTOCOL_ERROR,
                               "a close code that may not be sent");
    }

    if (!rt_utf8_valid(ev->data, ev->len)) {
        return rt_frame_refuse(r, ev, RT_CLOSE_INVALID_DATA,
                               "the close reason is not UTF-8");
    }

    return true;
}


/* always false: what is refused ends the reading */

static bool
rt_frame_refuse(rt_frame_reader_t *r, rt_frame_event_t *ev, uint16_t code,
    const char *reason)
{
    memset(ev, 0, sizeof(*ev));

    ev->code = code;
    ev->reason = reason;
    r->state = RT_FRAME_STATE_ENDED;

    return false;
}


size_t
rt_frame_len(const uint8_t *p)
{
    size_t  len;

    len = p[1] & RT_FRAME_LENGTH;

    if (len < RT_FRAME_LENGTH16) {
        return 2 + len;
    }

    return len == RT_FRAME_LENGTH16 ? 4 + rt_frame_parse_length(p + 2, 2)
                                    : 10 + rt_frame_parse_length(p + 2, 8);
}


uint8_t *
rt_frame_header(uint8_t *p, rt_opcode_t opcode, uint64_t len)
{
    return rt_frame_header_full(p, opcode, true, len, NULL);
}


uint8_t *
rt_frame_header_full(uint8_t *p, rt_opcode_t opcode, bool fin, uint64_t len,
    const uint8_t *mask)
{
    size_t   n;
    uint8_t  masked;

    masked = mask ? RT_FRAME_MASKED : 0;
    n = rt_frame_header_len(len) - 2;

    *p++ = (fin ? RT_FRAME_FIN : 0) | opcode;

    switch (n) {
    case 0:
        *p++ = masked | len;
        break;
    case 2:
        *p++ = masked | RT_FRAME_LENGTH16;
        break;
    default:
        *p++ = masked | RT_FRAME_LENGTH64;
        break;
    }

    p = rt_frame_build_int(p, len, n);

    if (mask) {
        memcpy(p, mask, 4);
        p += 4;
    }

    return p;
}


static uint8_t *
rt_frame_build_int(uint8_t *p, uint64_t value, size_t n)
{
    while (n) {
        *p++ = (uint8_t) (value >> (8 * --n));
    }

    return p;
}


uint8_t *
rt_frame_close(uint8_t *p, uint16_t code, const uint8_t *reason, size_t len)
{
    if (!rt_frame_close_code_valid(code)) {
        return rt_frame_header(p, RT_OPCODE_CLOSE, 0);
    }

    if (len > RT_FRAME_CONTROL_MAX - 2) {
        len = RT_FRAME_CONTROL_MAX - 2;

        while (len && (reason[len] & 0xC0) == 0x80) {
            len--;
        }
    }

    p = rt_frame_header(p, RT_OPCODE_CLOSE, 2 + len);
    p = rt_frame_build_int(p, code, 2);

    if (len) {
        memcpy(p, reason, len);
    }

    return p + len;
}


/* 1004 to 1006 and 1015 are never sent, 1016 to 2999 are not assigned */

bool
rt_frame_close_code_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003)
           || (code >= 1007 && code <= 1014)
           || (code >= 3000 && code <= 4999);
}


void
rt_frame_mask(uint8_t *p, size_t len, const uint8_t mask[4], unsigned phase)
{
    size_t            i;
    uint8_t           turned[4];
    uint32_t          half;
    uint64_t          word, w;
    rt_frame_block_t  block, b;

    for (i = 0; i < 4; i++) {
        turned[i] = mask[(phase + i) & 3];
    }

    memcpy(&half, turned, sizeof(half));
    word = (uint64_t) half << 32 | half;
    block = (rt_frame_block_t) { word, word, word, word };

    for ( /* void */ ; len >= sizeof(b); len -= sizeof(b), p += sizeof(b)) {
        memcpy(&b, p, sizeof(b));
        b ^= block;
        memcpy(p, &b, sizeof(b));
    }

    for ( /* void */ ; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
        memcpy(&w, p, sizeof(w));
        w ^= word;
        memcpy(p, &w, sizeof(w));
    }

    for (i = 0; i < len; i++) {
        p[i] ^= turned[i & 3];
    }
}
