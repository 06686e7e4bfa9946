
/*
 * Bytes of WebSocket frames and HTTP replies, as a client sees them.  Called
 * by conn.c, handshake.c and target.c; stateless.  It is a parser of its own,
 * and strict: what a server should not send ends the run.
 */


#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "load.h"


/* the key of target.c has this answer (RFC 6455, section 1.3) */
#define LOAD_ACCEPT  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


/* a whole unmasked frame with FIN, its length in the shortest form */
size_t
load_wire_frame(uint8_t *p, size_t len, load_frame_t *f)
{
    size_t  head, n;

    if (len < 2) {
        return 0;
    }

    if ((p[0] & 0xf0) != 0x80 || (p[1] & 0x80)) {
        load_fail("frame starts with %02x %02x", p[0], p[1]);
    }

    head = 2;
    n = p[1];

    if (n == 126) {
        if (len < 4) {
            return 0;
        }

        head = 4;
        n = (size_t) p[2] << 8 | p[3];
    }

    if (p[1] == 127 || (p[1] == 126 && n < 126) || head + n > LOAD_CARRY) {
        load_fail("frame of a length that is too big or not minimal");
    }

    if (len < head + n) {
        return 0;
    }

    f->opcode = p[0] & 0x0f;
    f->data = p + head;
    f->len = n;

    return head + n;
}


/* a masked frame with FIN; len up to 65535 */
size_t
load_wire_mask(uint8_t *p, uint8_t opcode, const uint8_t *data, size_t len)
{
    size_t           head, i;
    uint8_t          mask[4];
    static uint32_t  seed = 0x9e3779b9;

    seed = seed * 1664525 + 1013904223;
    memcpy(mask, &seed, 4);

    p[0] = 0x80 | opcode;

    if (len < 126) {
        p[1] = 0x80 | (uint8_t) len;
        head = 2;

    } else {
        p[1] = 0x80 | 126;
        p[2] = (uint8_t) (len >> 8);
        p[3] = (uint8_t) len;
        head = 4;
    }

    memcpy(p + head, mask, 4);
    head += 4;

    for (i = 0; i < len; i++) {
        p[head + i] = data[i] ^ mask[i & 3];
    }

    return head + len;
}


/* the head of a 101 */
size_t
load_wire_upgraded(const uint8_t *p, size_t len)
{
    const uint8_t  *end;

    end = memmem(p, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    end += 4;

    if (memcmp(p, "HTTP/1.1 101", 12) != 0
        || memmem(p, end - p, LOAD_ACCEPT, sizeof(LOAD_ACCEPT) - 1) == NULL)
    {
        load_fail("no upgrade: %.*s", (int) (end - p), p);
    }

    return end - p;
}


/* a whole 204 */
size_t
load_wire_no_content(const uint8_t *p, size_t len)
{
    if (len < 17 || memcmp(p, "HTTP/1.1 204", 12) != 0
        || memmem(p, len, "\r\n\r\n", 4) != p + len - 4)
    {
        load_fail("not a 204: %.*s", (int) len, p);
    }

    return len;
}


/* a whole 2xx reply with a Content-Length */
size_t
load_wire_reply(const uint8_t *p, size_t len)
{
    size_t          n;
    const uint8_t  *end, *length;

    end = memmem(p, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    end += 4;
    length = memmem(p, end - p, "\r\nContent-Length: ", 18);

    if (memcmp(p, "HTTP/1.1 2", 10) != 0 || length == NULL) {
        load_fail("bad reply to a publish: %.*s", (int) len, p);
    }

    n = strtoul((const char *) length + 18, NULL, 10);

    if (len < (size_t) (end - p) + n) {
        return 0;
    }

    if (memmem(end, n, "\"error\"", 7) != NULL) {
        load_fail("publish refused: %.*s", (int) n, end);
    }

    return (size_t) (end - p) + n;
}
