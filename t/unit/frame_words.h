
/*
 * For the tests of rt_frame: a conversation in words.  A frame is flags, a
 * letter and a payload:
 *
 *     -    FIN is clear            t b c    text, binary, continuation
 *     !    the mask is not as      p o x    ping, pong, close
 *          it should be            3 to F   reserved opcodes
 *     ^N   reserved bits N         =TEXT    payload, %XX for a byte
 *                                  *N       payload of N letters
 *                                  #HEX     no payload: this for a length
 *     ~HEX    raw bytes instead of a frame
 *
 * What is read is told in the same way: messages and control frames as
 * frames, "x1000=TEXT" for a close, "1002" for a refusal with that code, and
 * "..." if a message is left open.
 */


#ifndef _FRAME_WORDS_H_INCLUDED_
#define _FRAME_WORDS_H_INCLUDED_


#include <ctype.h>

#include "frame_session.h"


/* words to bytes */

static unsigned
hex(const char *p)
{
    char  z[3];

    memcpy(z, p, 2);
    z[2] = '\0';

    return strtoul(z, NULL, 16);
}


static const char *
parse_payload(const char *p, text_t *out)
{
    char    c;
    size_t  n;

    if (*p == '*') {
        for (n = strtoul(p + 1, (char **) &p, 10); n; n--) {
            add(out, &"abcdefghijklmnopqrstuvwxyz"[n % 26], 1);
        }

        return p;
    }

    for (p += *p == '='; *p && *p != ' '; p++) {
        c = *p;

        if (c == '%') {
            c = hex(p + 1);
            p += 2;
        }

        add(out, &c, 1);
    }

    return p;
}


static const char *
parse_raw(const char *p, text_t *out)
{
    uint8_t  c;

    for ( /* void */ ; isxdigit((unsigned char) *p); p += 2) {
        c = hex(p);
        add(out, &c, 1);
    }

    return p;
}


static uint8_t
parse_opcode(char c)
{
    static const char  letters[] = "ctb34567xpoBCDEF";

    return strchr(letters, c) - letters;
}


static const char *
parse_frame(const char *p, text_t *out, bool masked)
{
    uint8_t        first;
    static text_t  payload;

    payload.len = 0;
    first = 0x80;

    for ( ;; p++) {
        if (*p == '-') {
            first &= 0x7F;

        } else if (*p == '!') {
            masked = !masked;

        } else if (*p == '^') {
            first |= (*++p - '0') << 4;

        } else {
            break;
        }
    }

    first |= parse_opcode(*p++);

    if (*p == '#') {
        add(out, &first, 1);
        return parse_raw(p + 1, out);
    }

    p = parse_payload(p, &payload);
    add_frame(out, first, &payload, masked);

    return p;
}


static void
parse_words(const char *p, text_t *out, bool masked)
{
    out->len = 0;

    while (*p) {
        p = *p == ' ' ? p + 1
            : *p == '~' ? parse_raw(p + 1, out)
            : parse_frame(p, out, masked);
    }
}


/* the same spelling for what is wanted */

static void
parse_expected(const char *p, text_t *out)
{
    out->len = 0;

    for ( /* void */ ; *p; p += *p == ' ') {

        while (*p && *p != ' ' && *p != '=' && *p != '*') {
            add(out, p++, 1);
        }

        if (*p == '=' || *p == '*') {
            add(out, "=", 1);
            p = parse_payload(p, out);
        }

        add(out, " ", 1);
    }
}


#endif /* _FRAME_WORDS_H_INCLUDED_ */
