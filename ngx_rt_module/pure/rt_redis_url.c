
/*
 * URLs of Redis.  Called by redis/ for the directive.  No locking: no state.
 */


#include "rt_redis_url.h"


#define RT_REDIS_PATH_MAX  107    /* of a socket, what all systems take */
#define RT_REDIS_DB_MAX    65535


typedef struct {
    const uint8_t   *pos;
    const uint8_t   *last;
    uint8_t         *out;
} rt_redis_url_reader_t;


static const char *rt_redis_url_tcp(rt_redis_url_t *u,
    rt_redis_url_reader_t *r);
static const char *rt_redis_url_userinfo(rt_redis_url_t *u,
    rt_redis_url_reader_t *r);
static const char *rt_redis_url_host(rt_redis_url_t *u,
    rt_redis_url_reader_t *r);
static const char *rt_redis_url_unix(rt_redis_url_t *u,
    rt_redis_url_reader_t *r);
static bool rt_redis_url_number(rt_redis_url_reader_t *r, unsigned max,
    unsigned *n);
static bool rt_redis_url_part(rt_redis_url_reader_t *r, const uint8_t *end,
    rt_str_t *part);
static const uint8_t *rt_redis_url_find(rt_redis_url_reader_t *r,
    const char *any);
static bool rt_redis_url_skip(rt_redis_url_reader_t *r, const char *z);
static int rt_redis_url_hex(uint8_t c);


static const char  rt_redis_url_form[] =
    "write redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, "
    "or unix:PATH[?db=DB]";

static const char  rt_redis_url_encoding[] =
    "what stands behind \"%\" has to be two hexadecimal digits, and not 00";

static const char  rt_redis_url_db[] =
    "the number of the database is not one from 0 to 65535";


const char *
rt_redis_url_parse(rt_redis_url_t *u, uint8_t *buf, const rt_str_t *text)
{
    rt_redis_url_reader_t  r;

    memset(u, 0, sizeof(rt_redis_url_t));

    r.pos = text->data;
    r.last = text->data + text->len;
    r.out = buf;

    if (rt_redis_url_skip(&r, "redis://")) {
        return rt_redis_url_tcp(u, &r);
    }

    if (rt_redis_url_skip(&r, "rediss://")) {
        u->tls = true;
        return rt_redis_url_tcp(u, &r);
    }

    if (rt_redis_url_skip(&r, "unix:")) {
        return rt_redis_url_unix(u, &r);
    }

    if (rt_redis_url_skip(&r, "sentinel://")
        || rt_redis_url_skip(&r, "redis+sentinel://"))
    {
        return "Sentinel is not yet supported, write redis://HOST:PORT of "
               "the Redis itself";
    }

    if (rt_redis_url_skip(&r, "cluster://")
        || rt_redis_url_skip(&r, "redis+cluster://"))
    {
        return "Cluster is not yet supported, write redis://HOST:PORT of "
               "a Redis that is not part of one";
    }

    return rt_redis_url_form;
}


/* what stands behind "//" */

static const char *
rt_redis_url_tcp(rt_redis_url_t *u, rt_redis_url_reader_t *r)
{
    const char  *why;

    why = rt_redis_url_userinfo(u, r);

    if (why == NULL) {
        why = rt_redis_url_host(u, r);
    }

    if (why) {
        return why;
    }

    if (rt_redis_url_skip(r, "/") && r->pos < r->last
        && !rt_redis_url_number(r, RT_REDIS_DB_MAX, &u->db))
    {
        return rt_redis_url_db;
    }

    return r->pos == r->last ? NULL : rt_redis_url_form;
}


/* up to the last "@" before the path: some forget to encode the others */

static const char *
rt_redis_url_userinfo(rt_redis_url_t *u, rt_redis_url_reader_t *r)
{
    const uint8_t          *at, *end;
    rt_redis_url_reader_t   info;

    end = rt_redis_url_find(r, "/?#");

    for (at = end; at > r->pos && at[-1] != '@'; at--) { /* void */ }

    if (at == r->pos) {
        return memchr(end, '@', r->last - end)
               ? "a \"/\", \"?\" or \"#\" in a user or a password is written "
                 "as %2F, %3F or %23"
               : NULL;
    }

    info = *r;
    info.last = at - 1;
    r->pos = at;

    end = rt_redis_url_find(&info, ":");

    if (!rt_redis_url_part(&info, end, &u->user)
        || (rt_redis_url_skip(&info, ":")
            && !rt_redis_url_part(&info, info.last, &u->password)))
    {
        return rt_redis_url_encoding;
    }

    r->out = info.out;

    return NULL;
}


static const char *
rt_redis_url_host(rt_redis_url_t *u, rt_redis_url_reader_t *r)
{
    size_t          i;
    const uint8_t  *end;

    if (rt_redis_url_skip(r, "[")) {
        u->ipv6 = true;
        end = rt_redis_url_find(r, "]/?#@");

        if (end == r->last || *end != ']') {
            return "an IPv6 address stands in brackets: redis://[::1]:6379";
        }

    } else {
        end = rt_redis_url_find(r, ":/?#");
    }

    if (!rt_redis_url_part(r, end, &u->host)) {
        return rt_redis_url_encoding;
    }

    if (u->host.len == 0) {
        return "there is no host, write redis://HOST[:PORT]";
    }

    for (i = 0; i < u->host.len; i++) {
        if (u->host.data[i] <= ' ' || u->host.data[i] >= 0x7f
            || strchr("/@,;%\"'\\", u->host.data[i]) != NULL)
        {
            return "the host has a character that no name of one has";
        }
    }

    if (u->ipv6) {
        r->pos++;
    }

    u->port = RT_REDIS_PORT;

    if (rt_redis_url_skip(r, ":")
        && (!rt_redis_url_number(r, 65535, &u->port) || u->port == 0))
    {
        return "the port is not a number from 1 to 65535";
    }

    return NULL;
}


static const char *
rt_redis_url_unix(rt_redis_url_t *u, rt_redis_url_reader_t *r)
{
    if (rt_redis_url_skip(r, "//")
        && (r->pos == r->last || *r->pos != '/'))
    {
        return "a socket has no host, write unix:PATH with a path that "
               "begins with \"/\"";
    }

    if (!rt_redis_url_part(r, rt_redis_url_find(r, "?"), &u->path)) {
        return rt_redis_url_encoding;
    }

    if (u->path.len == 0 || u->path.data[0] != '/') {
        return "the path of a socket has to begin with \"/\", write unix:PATH";
    }

    if (u->path.len > RT_REDIS_PATH_MAX) {
        return "the path of a socket has more than 107 bytes";
    }

    if (r->pos == r->last) {
        return NULL;
    }

    if (!rt_redis_url_skip(r, "?db=")) {
        return "behind the path of a socket there may be \"?db=DB\" only";
    }

    if (!rt_redis_url_number(r, RT_REDIS_DB_MAX, &u->db)
        || r->pos != r->last)
    {
        return rt_redis_url_db;
    }

    return NULL;
}


/* one digit at least */

static bool
rt_redis_url_number(rt_redis_url_reader_t *r, unsigned max, unsigned *n)
{
    const uint8_t  *start;

    start = r->pos;
    *n = 0;

    while (r->pos < r->last && *r->pos >= '0' && *r->pos <= '9') {
        *n = 10 * *n + (*r->pos++ - '0');

        if (*n > max) {
            return false;
        }
    }

    return r->pos > start;
}


/* decoded; leaves the reader at the end of it */

static bool
rt_redis_url_part(rt_redis_url_reader_t *r, const uint8_t *end, rt_str_t *part)
{
    int  high, low;

    part->data = r->out;

    while (r->pos < end) {

        if (*r->pos != '%') {
            *r->out++ = *r->pos++;
            continue;
        }

        if (end - r->pos < 3) {
            return false;
        }

        high = rt_redis_url_hex(r->pos[1]);
        low = rt_redis_url_hex(r->pos[2]);

        if (high < 0 || low < 0 || high + low == 0) {
            return false;
        }

        *r->out++ = (uint8_t) (high * 16 + low);
        r->pos += 3;
    }

    part->len = r->out - part->data;
    *r->out++ = '\0';

    return true;
}


/* the first of any of them, or the end */

static const uint8_t *
rt_redis_url_find(rt_redis_url_reader_t *r, const char *any)
{
    const uint8_t  *p;

    for (p = r->pos; p < r->last; p++) {
        if (*p && strchr(any, *p) != NULL) {
            break;
        }
    }

    return p;
}


static bool
rt_redis_url_skip(rt_redis_url_reader_t *r, const char *z)
{
    size_t  len;

    len = strlen(z);

    if ((size_t) (r->last - r->pos) < len || memcmp(r->pos, z, len) != 0) {
        return false;
    }

    r->pos += len;

    return true;
}


static int
rt_redis_url_hex(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
