
/*
 * rt_frame: a table of conversations, each read whole, byte by byte and in
 * random parts, and what is built.
 */


#include "frame_words.h"


typedef struct {
    const char  *name;
    const char  *in;
    const char  *out;
    uint64_t     max;             /* 0: 1 MiB */
    bool         from_server;
    bool         text_only;
} row_t;


static text_t     stream, expected;
static session_t  session;


static void
run_row(const row_t *row)
{
    int       parts;
    uint32_t  times;

    parse_expected(row->out, &expected);

    for (parts = PARTS_WHOLE; parts <= PARTS_MIXED; parts++) {
        for (times = parts == PARTS_MIXED ? 5 : 1; times; times--) {

            parse_words(row->in, &stream, !row->from_server);
            session_start(&session, row->max ? row->max : 1 << 20,
                          row->from_server, row->text_only);
            session_feed_parts(&session, &stream, parts);
            compare(row->name, parts, &session.told, &expected);
        }
    }
}


static void
run_table(const char *name, const row_t *row, size_t n)
{
    for ( /* void */ ; n; n--) {
        run_row(row++);
    }

    tap_group(name);
}


#define run(name, table)                                                     \
    run_table(name, table, sizeof(table) / sizeof(table[0]))


static const row_t  sizes[] = {
    { .name = "empty text", .in = "t", .out = "t" },
    { .name = "text 1", .in = "t=a", .out = "t=a" },
    { .name = "text 125", .in = "t*125", .out = "t*125" },
    { .name = "text 126", .in = "t*126", .out = "t*126" },
    { .name = "text 127", .in = "t*127", .out = "t*127" },
    { .name = "text 128", .in = "t*128", .out = "t*128" },
    { .name = "text 65535", .in = "t*65535", .out = "t*65535" },
    { .name = "text 65536", .in = "t*65536", .out = "t*65536" },
    { .name = "empty binary", .in = "b", .out = "b" },
    { .name = "binary of any bytes", .in = "b=%00%FF%80%C0",
      .out = "b=%00%FF%80%C0" },
    { .name = "binary 65536", .in = "b*65536", .out = "b*65536" },
    { .name = "one after the other", .in = "t=a b*127 t t=b",
      .out = "t=a b*127 t t=b" },
    { .name = "unmasked from a server", .in = "t=a b*300 p=q -t=x c=y",
      .out = "t=a b*300 p=q t=xy", .from_server = true },
    { .name = "a masked frame from a server", .in = "t=a !t=b",
      .out = "t=a 1002", .from_server = true },
    { .name = "a masked ping from a server", .in = "!p", .out = "1002",
      .from_server = true },
    { .name = "an unmasked frame", .in = "t=a !t=b", .out = "t=a 1002" },
    { .name = "an unmasked empty frame", .in = "!t", .out = "1002" },
    { .name = "an unmasked ping", .in = "!p=a", .out = "1002" },
    { .name = "an unmasked close", .in = "!x", .out = "1002" },
    { .name = "an unmasked continuation", .in = "-t=a !c=b", .out = "1002" },
};


static const row_t  lengths[] = {
    { .name = "16 bits for 0", .in = "t#FE0000 ~00000000", .out = "1002" },
    { .name = "16 bits for 125", .in = "t#FE007D ~00000000", .out = "1002" },
    { .name = "64 bits for 125", .in = "t#FF000000000000007D ~00000000",
      .out = "1002" },
    { .name = "64 bits for 65535", .in = "t#FF000000000000FFFF ~00000000",
      .out = "1002" },
    { .name = "a negative length", .in = "t#FF8000000000000000 ~00000000",
      .out = "1002" },
    { .name = "all bits of a length", .in = "t#FFFFFFFFFFFFFFFFFF ~00000000",
      .out = "1002" },
    { .name = "the greatest length", .in = "t#FF7FFFFFFFFFFFFFFF ~00000000",
      .out = "1009" },
    { .name = "the greatest length after some", .max = UINT64_MAX / 2,
      .in = "-b=abc c#FF7FFFFFFFFFFFFFFF ~00000000", .out = "1009" },
    { .name = "the whole limit", .max = 300, .in = "t*300", .out = "t*300" },
    { .name = "one more", .max = 300, .in = "t#FE012D ~00000000",
      .out = "1009" },
    { .name = "one more than 16 bits", .max = 65536,
      .in = "t#FF0000000000010001 ~00000000", .out = "1009" },
    { .name = "a small limit", .max = 5, .in = "t=hello t=world!",
      .out = "t=hello 1009" },
    { .name = "the limit over fragments", .max = 5,
      .in = "-t=he -c=ll c=o -b=he p=x -c=llo c",
      .out = "t=hello p=x b=hello" },
    { .name = "one more over fragments", .max = 5,
      .in = "-t=he -c=ll p=x c=o!", .out = "p=x 1009" },
    { .name = "the limit is not for control frames", .max = 5,
      .in = "p=longer o=longer t=a x", .out = "p=longer o=longer t=a x1005" },
    { .name = "from a server", .max = 300, .from_server = true,
      .in = "t*300 t#7E012D", .out = "t*300 1009" },
    { .name = "a bad length that is also too big", .max = 5,
      .in = "t#FF000000000000FFFF ~00000000", .out = "1002" },
};


static const row_t  controls[] = {
    { .name = "empty ping", .in = "p", .out = "p" },
    { .name = "ping", .in = "p=hello", .out = "p=hello" },
    { .name = "ping of any bytes", .in = "p=%00%FF%FE%FD%FC%FB%00%FF",
      .out = "p=%00%FF%FE%FD%FC%FB%00%FF" },
    { .name = "ping 125", .in = "p*125", .out = "p*125" },
    { .name = "ping 126", .in = "p*126", .out = "1002" },
    { .name = "ping by 64 bits", .in = "p#FF", .out = "1002" },
    { .name = "pong unasked", .in = "o o=a", .out = "o o=a" },
    { .name = "pong 125", .in = "o*125", .out = "o*125" },
    { .name = "pong 126", .in = "o*126", .out = "1002" },
    { .name = "pong, then ping", .in = "o=a p=b", .out = "o=a p=b" },
    { .name = "ten pings", .in = "p=0 p=1 p=2 p=3 p=4 p=5 p=6 p=7 p=8 p=9",
      .out = "p=0 p=1 p=2 p=3 p=4 p=5 p=6 p=7 p=8 p=9" },
    { .name = "a ping in fragments", .in = "-p=a c=b", .out = "1002" },
    { .name = "a pong in fragments", .in = "-o=a", .out = "1002" },
    { .name = "a close in fragments", .in = "-x", .out = "1002" },
};


static const row_t  reserved[] = {
    { .name = "RSV3", .in = "^1t=a", .out = "1002" },
    { .name = "RSV2", .in = "^2t=a", .out = "1002" },
    { .name = "RSV2 and 3", .in = "t=a ^3t=b p", .out = "t=a 1002" },
    { .name = "RSV1", .in = "^4t=a", .out = "1002" },
    { .name = "RSV1 and 3", .in = "^5b=a", .out = "1002" },
    { .name = "RSV1 on a ping", .in = "^4p", .out = "1002" },
    { .name = "RSV1 on a pong", .in = "^4o", .out = "1002" },
    { .name = "all RSV on a close", .in = "^7x", .out = "1002" },
    { .name = "RSV1 on a continuation", .in = "-t=a ^4c=b", .out = "1002" },
    { .name = "opcode 3", .in = "3", .out = "1002" },
    { .name = "opcode 4", .in = "4=a", .out = "1002" },
    { .name = "opcode 5", .in = "t=a 5 p", .out = "t=a 1002" },
    { .name = "opcode 6", .in = "6=a", .out = "1002" },
    { .name = "opcode 7", .in = "7=a", .out = "1002" },
    { .name = "opcode 7, open", .in = "-7=a", .out = "1002" },
    { .name = "opcode 11", .in = "B", .out = "1002" },
    { .name = "opcode 12", .in = "C=a", .out = "1002" },
    { .name = "opcode 13", .in = "t=a D p", .out = "t=a 1002" },
    { .name = "opcode 14", .in = "E=a", .out = "1002" },
    { .name = "opcode 15", .in = "F=a", .out = "1002" },
    { .name = "opcode 3 inside a message", .in = "-t=a 3", .out = "1002" },
};


static const row_t  fragments[] = {
    { .name = "two", .in = "-t=he c=llo", .out = "t=hello" },
    { .name = "many", .in = "-t=h -c=e -c=l -c=l c=o", .out = "t=hello" },
    { .name = "binary", .in = "-b=%FF -c=%80a%E2 c=%00",
      .out = "b=%FF%80a%E2%00" },
    { .name = "empty ones", .in = "-t -c -c c", .out = "t" },
    { .name = "the first is empty", .in = "-t c=a", .out = "t=a" },
    { .name = "the last is empty", .in = "-t=a c", .out = "t=a" },
    { .name = "a ping between", .in = "-t=he p=x c=llo",
      .out = "p=x t=hello" },
    { .name = "a long ping between", .in = "-t=he p*125 -c=l o c=lo",
      .out = "p*125 o t=hello" },
    { .name = "pings between all", .in = "-t=a p=1 -c=b p=2 -c=c p=3 c=d t=e",
      .out = "p=1 p=2 p=3 t=abcd t=e" },
    { .name = "a close between", .in = "-t=he x=%03%E8 c=llo",
      .out = "x1000" },
    { .name = "a message left open", .in = "-t=he", .out = "..." },
    { .name = "a message cut", .in = "p t#8A ~00000000", .out = "p ..." },
    { .name = "an orphan", .in = "c=a", .out = "1002" },
    { .name = "an open orphan", .in = "-c=a c=b", .out = "1002" },
    { .name = "an orphan after a message", .in = "t=a c=b", .out = "t=a 1002" },
    { .name = "an orphan after fragments", .in = "-t=a c=b c=c",
      .out = "t=ab 1002" },
    { .name = "text inside text", .in = "-t=a t=b", .out = "1002" },
    { .name = "binary inside text", .in = "-t=a -b=b", .out = "1002" },
    { .name = "text inside binary", .in = "-b=a p=x -c=b t=c",
      .out = "p=x 1002" },
    { .name = "binary where text is wanted", .in = "t=a b=b", .text_only = 1,
      .out = "t=a 1003" },
    { .name = "an open binary where text is wanted", .in = "-b#FF",
      .text_only = 1, .out = "1003" },
    { .name = "continuations where text is wanted", .in = "-t=a c=b t=c",
      .text_only = 1, .out = "t=ab t=c" },
};


static const row_t  texts[] = {
    { .name = "text", .in = "t=%CE%BA%E1%BD%B9%F0%90%80%80",
      .out = "t=%CE%BA%E1%BD%B9%F0%90%80%80" },
    { .name = "cut inside characters", .in = "-t=%CE -c=%BA%E1 p=x -c=%BD "
      "-c=%B9%F0%90 -c -c=%80 c=%80", .out = "p=x t=%CE%BA%E1%BD%B9%F0%90%80"
      "%80" },
    { .name = "long text", .in = "t=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%C3%A9"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%E2%82%AC", .out =
      "t=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%C3%A9"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%E2%82%AC" },
    { .name = "a noncharacter passes", .in = "t=%EF%BF%BF%F4%8F%BF%BF",
      .out = "t=%EF%BF%BF%F4%8F%BF%BF" },
    { .name = "a surrogate", .in = "t=a%ED%A0%80", .out = "1007" },
    { .name = "an overlong slash", .in = "t=%C0%AF", .out = "1007" },
    { .name = "an overlong of three", .in = "t=%E0%9F%BF", .out = "1007" },
    { .name = "an overlong of four", .in = "t=%F0%8F%BF%BF", .out = "1007" },
    { .name = "above the last", .in = "t=%F4%90%80%80", .out = "1007" },
    { .name = "five bytes", .in = "t=%F8%88%80%80%80", .out = "1007" },
    { .name = "FF", .in = "t=abc%FF", .out = "1007" },
    { .name = "a lone continuation", .in = "t=%80", .out = "1007" },
    { .name = "the end inside a character", .in = "t=a%E2%82", .out = "1007" },
    { .name = "the end inside, empty last fragment", .in = "-t=a%E2%82 c",
      .out = "1007" },
    { .name = "bad in the second fragment", .in = "-t=a%E2 p=x c=a",
      .out = "p=x 1007" },
    { .name = "fails before the frame ends", .in = "t#FE03E8 ~00000000 ~61FF",
      .out = "1007" },
    { .name = "fails before the message ends", .in = "-t=a%ED%A0",
      .out = "1007" },
    { .name = "fails at a byte that none can mend", .in =
      "t#8A ~00000000 ~F490", .out = "1007" },
    { .name = "open, but not yet bad", .in = "t#8A ~00000000 ~F48F",
      .out = "..." },
    { .name = "bad late in long text", .in = "t=aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%C3%A9aaaaaaaaaaaaaaaaaaaaaaaaaa%C3a",
      .out = "1007" },
    { .name = "a state does not leak into the next", .in = "t=%E2%82%AC b=%E2"
      " t=a", .out = "t=%E2%82%AC b=%E2 t=a" },
    { .name = "binary is not text", .in = "-b=%E2 c=a", .out = "b=%E2a" },
};


static const row_t  closes[] = {
    { .name = "without a code", .in = "x", .out = "x1005" },
    { .name = "one byte", .in = "x=%03", .out = "1002" },
    { .name = "one byte, by the header", .in = "x#81", .out = "1002" },
    { .name = "a code", .in = "x=%03%E8", .out = "x1000" },
    { .name = "a code and a reason", .in = "x=%03%E8bye", .out = "x1000=bye" },
    { .name = "a long reason", .in = "x=%0B%B8"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%C3%A9", .out =
      "x3000=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%C3%A9" },
    { .name = "126 bytes", .in = "x*126", .out = "1002" },
    { .name = "a bad reason", .in = "x=%03%E8ab%CE%BA%ED%A0%80",
      .out = "1007" },
    { .name = "a reason cut in a character", .in = "x=%03%E8ab%CE",
      .out = "1007" },
    { .name = "what follows is ignored", .in = "t=a x=%03%E8 p t=b x ~FFFF",
      .out = "t=a x1000" },
    { .name = "what follows a refusal is ignored", .in = "c t=a x ~FFFF",
      .out = "1002" },
};


static void
test_codes(void)
{
    char      in[32], out[32];
    row_t     row;
    unsigned  code;

    memset(&row, 0, sizeof(row));

    row.name = in;
    row.in = in;
    row.out = out;

    for (code = 0; code < 65536; code++) {
        ok(rt_frame_close_code_valid(code) == code_allowed(code), "%u", code);

        if (code < 5100 || code % 1000 == 0) {
            snprintf(in, sizeof(in), "x=%%%02X%%%02X", code >> 8, code & 0xFF);
            snprintf(out, sizeof(out), code_allowed(code) ? "x%u" : "1002",
                     code);
            run_row(&row);
        }
    }

    tap_group("close codes");
}


static void
test_empty_fragments(void)
{
    int       parts;
    size_t    i;
    uint32_t  more;
    text_t    none = { .len = 0 };

    for (more = 0; more <= 1; more++) {
        for (parts = PARTS_WHOLE; parts <= PARTS_MIXED; parts++) {

            stream.len = 0;
            add_frame(&stream, 0x01, &none, true);

            for (i = 1; i < RT_FRAME_EMPTY_MAX + more; i++) {
                add_frame(&stream, 0x00, &none, true);
            }

            add(&none, "a", 1);
            add_frame(&stream, 0x80, &none, true);
            none.len = 0;

            /* the next message counts from the start */

            add_frame(&stream, 0x82, &none, true);

            session_start(&session, 100, false, false);
            session_feed_parts(&session, &stream, parts);

            parse_expected(more ? "1008" : "t=a b", &expected);
            compare("empty fragments", parts, &session.told, &expected);
        }
    }

    tap_group("a flood of empty fragments");
}


/* an empty frame, and a header alone, are seen as they come */

static void
test_events(void)
{
    uint8_t            *p;
    uint8_t             in[] = { 0x01, 0x00, 0x00, 0x00, 0x80, 0x02, 'a', 'b' };
    rt_frame_event_t    ev;
    rt_frame_reader_t   r;

    memset(&r, 0, sizeof(r));
    r.max_message = 2;
    r.from_server = true;
    p = in;

    ok(rt_frame_read(&r, &p, in, &ev) == RT_FRAME_AGAIN, "no input");
    ok(rt_frame_read(&r, &p, in + 2, &ev) == RT_FRAME_DATA, "empty, first");
    ok(ev.first && !ev.last && ev.len == 0 && ev.rest == 0, "its flags");
    ok(rt_frame_read(&r, &p, in + 2, &ev) == RT_FRAME_AGAIN, "once");
    ok(rt_frame_read(&r, &p, in + 4, &ev) == RT_FRAME_DATA, "empty, next");
    ok(!ev.first && !ev.last && ev.len == 0, "its flags");
    ok(rt_frame_read(&r, &p, in + 6, &ev) == RT_FRAME_AGAIN, "a header only");
    ok(rt_frame_read(&r, &p, in + 7, &ev) == RT_FRAME_DATA, "a byte");
    ok(!ev.first && !ev.last && ev.len == 1 && ev.rest == 1, "its flags");
    ok(ev.data == in + 6 && ev.opcode == RT_OPCODE_TEXT, "where it is");
    ok(rt_frame_read(&r, &p, in + 8, &ev) == RT_FRAME_DATA, "the last byte");
    ok(!ev.first && ev.last && ev.len == 1 && ev.rest == 0, "its flags");
    ok(rt_frame_read(&r, &p, in + 8, &ev) == RT_FRAME_AGAIN, "no more");

    tap_group("events of frames, empty or cut");
}


static void
test_mask(void)
{
    size_t   len, i, at;
    uint8_t  p[160], mask[4];

    for (len = 0; len < 100; len++) {
        for (at = 0; at < 32; at++) {

            memset(p, 0, sizeof(p));

            for (i = 0; i < 4; i++) {
                mask[i] = 1 + rnd(255);
            }

            rt_frame_mask(p + at, len, mask, at & 3);

            for (i = 0; i < sizeof(p); i++) {
                ok(p[i] == (i >= at && i < at + len ? mask[i & 3] : 0),
                   "%zu bytes at %zu, byte %zu", len, at, i);
            }
        }
    }

    tap_group("masking at every phase, length and alignment");
}


static void
check_header(uint64_t len, size_t n, const char *want)
{
    uint8_t  p[RT_FRAME_HEADER_MAX + 1];

    memset(p, 0x55, sizeof(p));

    ok(rt_frame_header_len(len) == n, "length of a header for %zu",
       (size_t) len);
    ok(rt_frame_header(p, RT_OPCODE_TEXT, len) == p + n, "its end");
    ok(memcmp(p, want, n) == 0 && p[n] == 0x55, "its bytes");

    ok(rt_frame_header_full(p, RT_OPCODE_BINARY, false, len,
                            (uint8_t *) "mask") == p + n + 4, "masked, end");
    ok(p[0] == 0x02 && p[1] == (0x80 | (uint8_t) want[1]), "masked, head");
    ok(memcmp(p + 2, want + 2, n - 2) == 0, "masked, length");
    ok(memcmp(p + n, "mask", 4) == 0 && p[n + 4 - (n == 10)] != 0,
       "masked, mask");
}


static void
test_header(void)
{
    check_header(0, 2, "\x81\x00");
    check_header(1, 2, "\x81\x01");
    check_header(125, 2, "\x81\x7D");
    check_header(126, 4, "\x81\x7E\x00\x7E");
    check_header(65535, 4, "\x81\x7E\xFF\xFF");
    check_header(65536, 10, "\x81\x7F\0\0\0\0\0\1\0\0");
    check_header(0x123456789ABCDEF0ull, 10,
                 "\x81\x7F\x12\x34\x56\x78\x9A\xBC\xDE\xF0");

    tap_group("headers built");
}


static void
check_close(uint16_t code, const char *reason, size_t len, const char *want,
    size_t want_len)
{
    uint8_t   p[RT_FRAME_CONTROL_MAX + 2];
    uint8_t  *end;

    end = rt_frame_close(p, code, (const uint8_t *) reason, len);

    ok((size_t) (end - p) == want_len, "close %u, %zu bytes, not %zu", code,
       (size_t) (end - p), want_len);
    ok(memcmp(p, want, want_len) == 0, "close %u, its bytes", code);
}


static void
test_close(void)
{
    char    reason[200], want[200];
    size_t  i;

    check_close(0, NULL, 0, "\x88\x00", 2);
    check_close(0, "no", 2, "\x88\x00", 2);
    check_close(1005, NULL, 0, "\x88\x00", 2);
    check_close(1006, NULL, 0, "\x88\x00", 2);
    check_close(1015, "tls", 3, "\x88\x00", 2);
    check_close(1000, NULL, 0, "\x88\x02\x03\xE8", 4);
    check_close(3008, "slow", 4, "\x88\x06\x0B\xC0slow", 8);

    memset(reason, 'a', sizeof(reason));
    memcpy(want, "\x88\x7D\x03\xE8", 4);
    memcpy(want + 4, reason, 123);

    check_close(1000, reason, 123, want, 127);
    check_close(1000, reason, 124, want, 127);
    check_close(1000, reason, 200, want, 127);

    /* a character of four bytes that ends at 122 + i */

    for (i = 2; i <= 4; i++) {
        memset(reason, 'a', sizeof(reason));
        memcpy(reason + 118 + i, "\xF0\x9F\x98\x80", 4);
        want[1] = 2 + 118 + i;
        check_close(1000, reason, 200, want, 122 + i);
    }

    memset(reason, 'a', sizeof(reason));
    memcpy(reason + 119, "\xF0\x9F\x98\x80", 4);
    memcpy(want + 4, reason, 123);
    want[1] = 0x7D;
    check_close(1000, reason, 123, want, 127);
    check_close(1000, reason, 200, want, 127);

    tap_group("close frames built");
}


int
main(void)
{
    run("messages of all sizes, masks", sizes);
    run("lengths and limits", lengths);
    run("pings and pongs", controls);
    run("reserved bits and opcodes", reserved);
    run("fragments", fragments);
    run("text", texts);
    run("closes", closes);

    test_codes();
    test_empty_fragments();
    test_events();
    test_mask();
    test_header();
    test_close();

    return tap_done();
}
