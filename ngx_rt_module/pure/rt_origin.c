
/*
 * Origins and their patterns.  Called by policy/; calls rt_header.c to compare.
 * No locking: no state.
 */


#include "rt_header.h"
#include "rt_origin.h"


static size_t rt_origin_scheme(const rt_str_t *s);
static bool rt_origin_host_valid(const uint8_t *p, const uint8_t *end);
static bool rt_origin_port_valid(const uint8_t *p, const uint8_t *end);
static void rt_origin_strip_port(rt_str_t *host, const char *port);


bool
rt_origin_pattern_valid(const rt_str_t *pattern)
{
    size_t          head;
    const uint8_t  *p, *end;

    if (rt_str_eq(pattern, "*") || rt_str_eq(pattern, "null")) {
        return true;
    }

    head = rt_origin_scheme(pattern);

    if (head == 0) {
        return false;
    }

    p = pattern->data + head;
    end = pattern->data + pattern->len;

    if (end - p > 2 && p[0] == '*' && p[1] == '.') {
        p += 2;
    }

    return rt_origin_host_valid(p, end) && rt_origin_port_valid(p, end);
}


/* the length of "SCHEME://", 0: there is none */

static size_t
rt_origin_scheme(const rt_str_t *s)
{
    size_t  i;

    for (i = 1; i + 3 <= s->len; i++) {
        if (memcmp(s->data + i, "://", 3) == 0) {
            return i + 3;
        }
    }

    return 0;
}


/* a host and perhaps a port: nothing that could end it early */

static bool
rt_origin_host_valid(const uint8_t *p, const uint8_t *end)
{
    if (p == end) {
        return false;
    }

    for ( /* void */ ; p < end; p++) {
        if (*p <= 0x20 || *p >= 0x7f
            || strchr("/?#@\\*\"'<>,;$", *p) != NULL)
        {
            return false;
        }
    }

    return true;
}


/* the last colon that is not inside the brackets of an IPv6 address */

static bool
rt_origin_port_valid(const uint8_t *p, const uint8_t *end)
{
    unsigned        port;
    const uint8_t  *colon;

    for (colon = end - 1; colon > p && *colon != ':'; colon--) {
        if (*colon == ']') {
            return true;
        }
    }

    if (colon <= p) {
        return true;
    }

    if (end - colon < 2 || end - colon > 6) {
        return false;
    }

    for (port = 0, p = colon + 1; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return false;
        }

        port = 10 * port + (*p - '0');
    }

    return port > 0 && port < 65536;
}


bool
rt_origin_match(const rt_str_t *origin, const rt_str_t *pattern)
{
    size_t          head, tail;
    const uint8_t  *p, *last;

    if (rt_str_eq(pattern, "*")) {
        return true;
    }

    head = rt_origin_scheme(pattern);

    if (head == 0 || head + 1 >= pattern->len || pattern->data[head] != '*') {
        return origin->len == pattern->len
               && rt_header_same(origin->data, pattern->data, origin->len);
    }

    /* one label or more in the place of the star */

    tail = pattern->len - head - 1;

    if (origin->len <= head + tail) {
        return false;
    }

    p = origin->data + head;
    last = origin->data + origin->len - tail;

    return rt_header_same(origin->data, pattern->data, head)
           && rt_header_same(last, pattern->data + head + 1, tail)
           && memchr(p, ':', last - p) == NULL
           && rt_origin_host_valid(p, last + tail);
}


bool
rt_origin_same(const rt_str_t *origin, const rt_str_t *host, bool tls)
{
    rt_str_t     ours, theirs;
    const char  *scheme, *port;

    scheme = tls ? "https://" : "http://";
    port = tls ? ":443" : ":80";

    if (origin->len <= strlen(scheme)
        || !rt_header_eq(origin->data, strlen(scheme), scheme))
    {
        return false;
    }

    theirs.data = origin->data + strlen(scheme);
    theirs.len = origin->len - strlen(scheme);
    ours = *host;

    rt_origin_strip_port(&theirs, port);
    rt_origin_strip_port(&ours, port);

    return ours.len && ours.len == theirs.len
           && rt_header_same(ours.data, theirs.data, ours.len);
}


static void
rt_origin_strip_port(rt_str_t *host, const char *port)
{
    size_t  len;

    len = strlen(port);

    if (host->len > len
        && memcmp(host->data + host->len - len, port, len) == 0)
    {
        host->len -= len;
    }
}
