
/*
 * What Redis says: replies, errors, INFO; and URLs of it.  The first byte of
 * the input says which.
 *
 * Replies are the same whether they come at once or in pieces, and within their
 * bounds; a URL's parts lie in their buffer, one behind the other, each with a
 * zero behind it.
 */


#include "chunk.h"
#include "rt_redis_error.h"
#include "rt_redis_info.h"
#include "rt_redis_reader.h"
#include "rt_redis_url.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


typedef struct {
    uint64_t     sum;             /* of all that was said */
    size_t       replies;
    const char  *why;
} fuzz_said_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_add(fuzz_said_t *said, const void *data, size_t len)
{
    const uint8_t  *p, *last;

    last = (const uint8_t *) data + len;

    for (p = data; p < last; p++) {
        said->sum = (said->sum ^ *p) * 1099511628211u;
    }
}


static void
fuzz_error(const uint8_t *text, size_t len)
{
    rt_redis_error_e  error;

    error = rt_redis_error(text, len);

    must(error < RT_REDIS_ERRORS);
    must(rt_redis_error_name(error)[0] >= 'a');
    must(rt_redis_error_remedy(error) <= RT_REDIS_PERMANENT);
}


/* elements of it and all below */

static size_t
fuzz_reply(fuzz_said_t *said, redisReply *reply, unsigned depth)
{
    size_t  i, n;

    must(depth <= RT_REDIS_DEPTH_MAX);

    fuzz_add(said, &reply->type, sizeof(reply->type));

    switch (reply->type) {

    case REDIS_REPLY_INTEGER:
        fuzz_add(said, &reply->integer, sizeof(reply->integer));
        return 0;

    case REDIS_REPLY_NIL:
        return 0;

    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        must(reply->str[reply->len] == '\0');
        fuzz_add(said, reply->str, reply->len);

        if (reply->type == REDIS_REPLY_ERROR) {
            fuzz_error((uint8_t *) reply->str, reply->len);
        }

        return 0;
    }

    n = reply->elements;
    fuzz_add(said, &n, sizeof(n));

    for (i = 0; i < reply->elements; i++) {
        n += fuzz_reply(said, reply->element[i], depth + 1);
    }

    return n;
}


static void
fuzz_read(rt_redis_reader_t *r, fuzz_said_t *said)
{
    redisReply  *reply;

    while (said->why == NULL) {
        said->why = rt_redis_reader_next(r, &reply);

        if (reply == NULL) {
            return;
        }

        must(said->why == NULL);
        must(fuzz_reply(said, reply, 0) <= RT_REDIS_ELEMENTS_MAX);

        said->replies++;
        freeReplyObject(reply);
    }
}


static void
fuzz_replies(const uint8_t *data, size_t size)
{
    size_t              len;
    uint8_t            *piece;
    chunk_t             c;
    fuzz_said_t         said, whole;
    rt_redis_reader_t   r;

    memset(&said, 0, sizeof(said));
    memset(&whole, 0, sizeof(whole));
    chunk_start(&c, data, size);

    must(rt_redis_reader_init(&r));
    must(rt_redis_reader_feed(&r, c.pos, c.end - c.pos));
    fuzz_read(&r, &whole);
    rt_redis_reader_free(&r);

    must(rt_redis_reader_init(&r));

    while (said.why == NULL && (piece = chunk_next(&c, &len)) != NULL) {
        must(rt_redis_reader_feed(&r, piece, len));
        free(piece);
        fuzz_read(&r, &said);
    }

    rt_redis_reader_free(&r);

    must(said.replies == whole.replies && said.sum == whole.sum);
    must(!said.why == !whole.why);
}


static void
fuzz_part(const rt_str_t *part, uint8_t **pos, uint8_t *end)
{
    if (part->data == NULL) {
        must(part->len == 0);
        return;
    }

    must(part->data == *pos && part->len < (size_t) (end - *pos));
    must(part->data[part->len] == '\0');
    must(memchr(part->data, '\0', part->len) == NULL || part->len == 0);

    *pos += part->len + 1;
}


static void
fuzz_url(const uint8_t *data, size_t size)
{
    uint8_t         *buf, *text, *pos;
    rt_str_t         s;
    rt_redis_url_t   u;

    buf = malloc(size + 4);
    text = malloc(size ? size : 1);

    must(buf && text);
    memcpy(text, data, size);

    s.data = text;
    s.len = size;

    if (memchr(text, '\0', size) == NULL
        && rt_redis_url_parse(&u, buf, &s) == NULL)
    {
        must(memcmp(text, data, size) == 0);
        must(!u.path.len != !u.host.len);
        must(u.db <= 65535);

        pos = buf;

        if (u.path.len) {
            must(u.path.data[0] == '/' && !u.tls);
            fuzz_part(&u.path, &pos, buf + size + 4);

        } else {
            must(u.port > 0 && u.port <= 65535);
            fuzz_part(&u.user, &pos, buf + size + 4);
            fuzz_part(&u.password, &pos, buf + size + 4);
            fuzz_part(&u.host, &pos, buf + size + 4);
        }
    }

    free(text);
    free(buf);
}


/* in two pieces, as of two sections */

static void
fuzz_info(const uint8_t *data, size_t size)
{
    size_t           i;
    uint8_t         *copy;
    rt_redis_info_t  info;

    memset(&info, 0, sizeof(info));

    i = size ? data[0] % size : 0;
    copy = malloc(size ? size : 1);

    must(copy);
    memcpy(copy, data, size);

    rt_redis_info_read(&info, copy, i);
    rt_redis_info_read(&info, copy + i, size - i);

    must(info.version <= 9999);
    must(memchr(info.run, '\0', sizeof(info.run)));
    must(memchr(info.policy, '\0', sizeof(info.policy)));

    for (i = 0; info.policy[i]; i++) {
        must(info.policy[i] > ' ' && info.policy[i] < 0x7f);
    }

    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *copy;

    if (size == 0) {
        return 0;
    }

    switch (data[0] % 4) {

    case 0:
        fuzz_replies(data + 1, size - 1);
        break;

    case 1:
        copy = malloc(size);

        must(copy);
        memcpy(copy, data + 1, size - 1);
        fuzz_error(copy, size - 1);
        free(copy);
        break;

    case 2:
        fuzz_url(data + 1, size - 1);
        break;

    default:
        fuzz_info(data + 1, size - 1);
    }

    return 0;
}
