
/*
 * Replies: the same wherever they are split; bounds of bytes, elements, depth
 * and lines; what is malformed.
 */


#include "rt_redis_reader.h"
#include "tap.h"


/* a reply, written in one line */

static char *
show(char *p, redisReply *reply)
{
    size_t  i;

    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        return p + sprintf(p, ":%lld", reply->integer);

    case REDIS_REPLY_NIL:
        return p + sprintf(p, "nil");

    case REDIS_REPLY_ARRAY:
        p += sprintf(p, "[");
        for (i = 0; i < reply->elements; i++) {
            p = show(p, reply->element[i]);
        }
        return p + sprintf(p, "]");

    default:
        return p + sprintf(p, "%c%s", "?$??:+-"[reply->type], reply->str);
    }
}


/* all of them, fed n bytes at a time; or what is wrong */

static const char *
read_all(const char *text, size_t len, size_t n, char *out)
{
    size_t              i;
    redisReply         *reply;
    const char         *why;
    rt_redis_reader_t   r;

    *out = '\0';
    rt_redis_reader_init(&r);

    for (i = 0, why = NULL; i < len && why == NULL; i += n) {
        rt_redis_reader_feed(&r, (uint8_t *) text + i, rt_min(n, len - i));

        while ((why = rt_redis_reader_next(&r, &reply)) == NULL && reply) {
            out = show(out, reply);
            freeReplyObject(reply);
        }
    }

    rt_redis_reader_free(&r);

    return why;
}


static void
test_split(void)
{
    size_t       n;
    char         out[512];
    const char  *why;

    static const char  text[] =
        "+OK\r\n-ERR no\r\n:42\r\n$5\r\nhe\r\no\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n"
        "\r\n*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n-OOM x\r\n*1\r\n+b\r\n";

    for (n = 1; n <= sizeof(text); n++) {
        why = read_all(text, sizeof(text) - 1, n, out);

        ok(why == NULL && strcmp(out, "+OK-ERR no:42$he\r\no"
                                 "nilnil[]$[$a[:1nil]-OOM x][+b]") == 0,
           "%zu bytes at a time: %s, %s", n, out, why);
    }

    tap_group("replies, split everywhere");
}


static void
test_refused(void)
{
    size_t  i, n;
    char    out[512];

    static const struct {
        const char  *text, *why;
    } table[] = {
        { "x\r\n", "malformed" },
        { "\r\n", "malformed" },
        { "HTTP/1.1 400 Bad Request\r\n", "malformed" },
        { "+OK\r\nx\r\n", "malformed" },
        { "*2\r\nx", "malformed" },
        { ",1.5\r\n", "" },
        { "#t\r\n", "" },
        { "(12345678901234567890\r\n", "" },
        { "=7\r\ntxt:abc\r\n", "" },
        { "%1\r\n+a\r\n+b\r\n", "" },
        { "~1\r\n:1\r\n", "" },
        { ">1\r\n$-1\r\n", "" },
        { "*1\r\n>1\r\n$-1\r\n", "" },
        { "*2\r\n:1\r\n,1.5\r\n", "" },
        { "*100000000\r\n", "too many elements" },
        { "*2147483647\r\n", "too many elements" },
        { "*131073\r\n", "too many elements" },
        { "*2\r\n*131070\r\n", NULL },
        { "*2\r\n*131071\r\n", "too many elements" },
        { "*2\r\n*0\r\n*131071\r\n", "too many elements" },
        { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", NULL },
        { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
          "nested too deeply" },
        { "*2\r\n*2\r\n*0\r\n*0\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
          "*1\r\n", "nested too deeply" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (n = 1; n < 8; n++) {
            const char  *why;

            why = read_all(table[i].text, strlen(table[i].text), n, out);

            ok(table[i].why ? why && strstr(why, table[i].why) : why == NULL,
               "\"%s\": %s", table[i].text, why);
        }
    }

    tap_group("refused");
}


/* feeds a head, and then the same byte without end */

static const char *
flood(const char *head, size_t most)
{
    size_t              fed;
    redisReply         *reply;
    const char         *why;
    static uint8_t      block[65536];
    rt_redis_reader_t   r;

    memset(block, 'a', sizeof(block));
    rt_redis_reader_init(&r);
    rt_redis_reader_feed(&r, (const uint8_t *) head, strlen(head));

    for (fed = 0, why = NULL; fed < most && why == NULL; fed += 65536) {
        rt_redis_reader_feed(&r, block, sizeof(block));
        why = rt_redis_reader_next(&r, &reply);
    }

    rt_redis_reader_free(&r);

    return why;
}


static void
test_floods(void)
{
    const char  *why;

    why = flood("$1000000000\r\n", RT_REDIS_REPLY_MAX + 262144);
    ok(why && strstr(why, "too large"), "a string without end: %s", why);

    why = flood("*2\r\n$4\r\nabcd\r\n$1000000000\r\n",
                RT_REDIS_REPLY_MAX + 262144);
    ok(why && strstr(why, "too large"), "one in an array: %s", why);

    why = flood("+", 3 * RT_REDIS_LINE_MAX);
    ok(why && strstr(why, "too long"), "a line without end: %s", why);

    why = flood("-", 3 * RT_REDIS_LINE_MAX);
    ok(why && strstr(why, "too long"), "an error without end: %s", why);

    tap_group("floods");
}


/* the bound is that of one reply, not of all */

static void
test_many(void)
{
    int                 i;
    redisReply         *reply;
    const char         *why;
    rt_redis_reader_t   r;

    rt_redis_reader_init(&r);

    for (i = 0, why = NULL; i < 3 * RT_REDIS_ELEMENTS_MAX / 2; i++) {
        rt_redis_reader_feed(&r, (uint8_t *) "*2\r\n:1\r\n$1\r\na\r\n", 15);
        why = rt_redis_reader_next(&r, &reply);

        if (why || reply == NULL) {
            break;
        }

        freeReplyObject(reply);
    }

    ok(why == NULL && i == 3 * RT_REDIS_ELEMENTS_MAX / 2,
       "many small ones: %d, %s", i, why);

    rt_redis_reader_free(&r);
    rt_redis_reader_free(&r);

    tap_group("many");
}


int
main(void)
{
    test_split();
    test_refused();
    test_floods();
    test_many();

    return tap_done();
}
