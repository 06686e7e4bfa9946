
/*
 * WebSocket frames (RFC 6455, section 5), both ways, without a socket and
 * without memory of its own.  The reader is fed what a read brought, unmasks
 * it in place and hands out spans of it; the caller joins the spans of a
 * message where it wants them joined.
 */


#ifndef _RT_FRAME_H_INCLUDED_
#define _RT_FRAME_H_INCLUDED_


#include "rt_base.h"
#include "rt_utf8.h"


#define RT_FRAME_HEADER_MAX     14    /* 2, 8 of length, 4 of mask */
#define RT_FRAME_CONTROL_MAX    125


typedef enum {
    RT_OPCODE_CONTINUATION = 0x0,
    RT_OPCODE_TEXT         = 0x1,
    RT_OPCODE_BINARY       = 0x2,
    RT_OPCODE_CLOSE        = 0x8,
    RT_OPCODE_PING         = 0x9,
    RT_OPCODE_PONG         = 0xA
} rt_opcode_t;


/* RFC 6455, section 7.4.1 */
enum {
    RT_CLOSE_NORMAL          = 1000,
    RT_CLOSE_GOING_AWAY      = 1001,
    RT_CLOSE_PROTOCOL_ERROR  = 1002,
    RT_CLOSE_UNSUPPORTED     = 1003,
    RT_CLOSE_NO_STATUS       = 1005,      /* never sent */
    RT_CLOSE_ABNORMAL        = 1006,      /* never sent */
    RT_CLOSE_INVALID_DATA    = 1007,
    RT_CLOSE_POLICY          = 1008,
    RT_CLOSE_TOO_BIG         = 1009,
    RT_CLOSE_INTERNAL        = 1011
};


typedef enum {
    RT_FRAME_AGAIN,               /* all input is consumed, feed more */
    RT_FRAME_DATA,                /* a span of a message */
    RT_FRAME_CONTROL,             /* a whole ping, pong or close */
    RT_FRAME_ERROR                /* close with event.code; see below */
} rt_frame_result_t;


typedef struct {
    /* set by the caller before the first read */
    uint64_t    max_message;      /* bytes of a message, over all fragments */
    bool        from_server;      /* frames come unmasked (for clients) */
    bool        text_only;        /* binary messages are refused with 1003 */

    /* the reader's own, zeroed by the caller at the start */
    uint8_t     state;
    uint8_t     opcode;           /* of the frame; CONTINUATION too once a
                                     span of it was given */
    uint8_t     message;          /* opcode of the message, 0: none open */
    bool        fin;
    uint8_t     have;             /* bytes collected in buf */
    uint8_t     need;             /* bytes wanted in buf */
    uint8_t     phase;            /* position in the mask */
    uint8_t     mask[4];
    rt_utf8_t   utf8;             /* closed whenever a text ends */
    uint32_t    empty;            /* empty fragments of this message */
    uint64_t    rest;             /* payload of the frame still to come */
    uint64_t    total;            /* payload of the message so far announced */
    uint8_t     buf[RT_FRAME_CONTROL_MAX];  /* a cut header or control frame */
} rt_frame_reader_t;


typedef struct {
    uint8_t     opcode;           /* DATA: text or binary, the message's */
    bool        first;            /* DATA: the message begins with this span */
    bool        last;             /* DATA: and ends with it */
    uint8_t    *data;             /* in the input, or in reader.buf for a
                                     control frame that came in pieces */
    size_t      len;
    uint64_t    rest;             /* DATA: bytes of this frame still to come */
    uint16_t    code;             /* a received close: its code, 1005 if it
                                     had none; ERROR: the code to send */
    const char *reason;           /* ERROR: a sentence for it */
} rt_frame_event_t;


/*
 * Reads one event from [*pos, end) and advances *pos.  Call until AGAIN.
 *
 * The limits are judged by the header, before a byte of the payload.  Text is
 * checked as UTF-8 over fragments and fails at the first bad byte.  Every
 * violation has its code: 1002, 1003, 1007, 1008 (more than
 * RT_FRAME_EMPTY_MAX empty fragments in a message), 1009.
 * A close event carries the code in .code and its reason (checked UTF-8) in
 * .data and .len.  What a peer sends after its close or after an error is
 * consumed and ignored: every further read says AGAIN.
 *
 * .data is good until the next read, and as long as the input.
 */
#define RT_FRAME_EMPTY_MAX  1024

rt_frame_result_t rt_frame_read(rt_frame_reader_t *r, uint8_t **pos,
    uint8_t *end, rt_frame_event_t *ev);


/* between two messages: what the reader holds is worth nothing */
bool rt_frame_at_rest(const rt_frame_reader_t *r);

/* the length of a frame's header, unmasked */
static inline size_t
rt_frame_header_len(uint64_t len)
{
    return len < 126 ? 2 : len < 65536 ? 4 : 10;
}

/* the length of a whole unmasked frame by its header, which is there */
size_t rt_frame_len(const uint8_t *p);

/* writes an unmasked header with FIN set, returns the byte after it */
uint8_t *rt_frame_header(uint8_t *p, rt_opcode_t opcode, uint64_t len);

/* the same for any frame; mask: NULL, or 4 bytes to announce */
uint8_t *rt_frame_header_full(uint8_t *p, rt_opcode_t opcode, bool fin,
    uint64_t len, const uint8_t *mask);

/*
 * A whole close frame in p (RT_FRAME_CONTROL_MAX + 2 bytes), unmasked; code
 * 0, or one that may not be sent (1005, so that a received close can be
 * answered with its own code): without one.  The reason is cut at a character
 * boundary if it is longer than 123 bytes.  Returns the byte after it.
 */
uint8_t *rt_frame_close(uint8_t *p, uint16_t code, const uint8_t *reason,
    size_t len);

/* may a peer send this code?  (RFC 6455, section 7.4.2) */
bool rt_frame_close_code_valid(uint16_t code);

/* masks or unmasks in place; phase: how far into the mask, 0 to 3 */
void rt_frame_mask(uint8_t *p, size_t len, const uint8_t mask[4],
    unsigned phase);


#endif /* _RT_FRAME_H_INCLUDED_ */
