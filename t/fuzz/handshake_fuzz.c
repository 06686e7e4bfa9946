
/*
 * What a handshake's headers are judged by.  Lines of the input: a list of
 * tokens, a token, a key, a Host, an Origin, a pattern of origins; an
 * invitation to disagree with slow readers of the same.
 *
 * An origin that is let in is read as a browser reads a URL: wherever the
 * authority ends, its host has to be the one that was meant.
 */


#include <stdlib.h>

#include "rt_header.h"
#include "rt_origin.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)

#define FIELDS   6


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* each in memory of its own size, so that a step past its end is seen */
static void
cut(const uint8_t *data, size_t size, rt_str_t *fields)
{
    size_t          len;
    unsigned        i;
    const uint8_t  *p, *end;

    end = data + size;

    for (i = 0; i < FIELDS; i++) {
        p = size ? memchr(data, '\n', end - data) : NULL;
        len = p && i < FIELDS - 1 ? (size_t) (p - data)
                                  : (size_t) (end - data);

        fields[i].len = len;
        fields[i].data = malloc(len ? len : 1);
        must(fields[i].data);

        if (len) {
            memcpy(fields[i].data, data, len);
        }

        data += len;
        data += data < end;
        size = end - data;
    }
}


static char
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}


static bool
same(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
    size_t  i;

    for (i = 0; i < alen && i < blen && lower(a[i]) == lower(b[i]); i++) {
        /* void */
    }

    return alen == blen && i == alen;
}


/* of a list without zero bytes */
static bool
slow_token(const rt_str_t *list, const char *token)
{
    bool    found;
    char   *copy, *p, *item, *end;

    copy = calloc(1, list->len + 1);
    must(copy);
    memcpy(copy, list->data, list->len);

    found = false;

    for (p = copy; (item = strsep(&p, ",")); /* void */) {
        item += strspn(item, " \t");
        end = item + strlen(item);

        while (end > item && strchr(" \t", end[-1])) {
            end--;
        }

        found |= end > item
                 && same((uint8_t *) item, end - item,
                         (const uint8_t *) token, strlen(token));
    }

    free(copy);

    return found;
}


/* as URLs are read: behind the scheme and the user, before port and path */
static rt_str_t
host_of(const rt_str_t *origin, size_t *scheme)
{
    size_t    i, end;
    rt_str_t  host;

    for (i = 0; i + 3 <= origin->len; i++) {
        if (memcmp(origin->data + i, "://", 3) == 0) {
            break;
        }
    }

    must(i + 3 <= origin->len);
    *scheme = i + 3;

    for (end = i + 3; end < origin->len; end++) {
        if (strchr("/?#\\", origin->data[end]) && origin->data[end]) {
            break;
        }
    }

    host.data = origin->data + i + 3;
    host.len = end - (i + 3);

    for (i = host.len; i; i--) {
        if (host.data[i - 1] == '@') {
            host.data += i;
            host.len -= i;
            break;
        }
    }

    for (i = host.len; i && host.data[i - 1] != ']'; i--) {
        if (host.data[i - 1] == ':') {
            host.len = i - 1;
        }
    }

    return host;
}


static void
check_match(const rt_str_t *origin, const rt_str_t *pattern)
{
    size_t    scheme, wanted;
    rt_str_t  host, allowed;

    if (rt_str_eq(pattern, "*") || rt_str_eq(pattern, "null")) {
        return;
    }

    host = host_of(origin, &scheme);
    allowed = host_of(pattern, &wanted);

    must(same(origin->data, scheme, pattern->data, wanted));

    if (allowed.len == 0 || allowed.data[0] != '*') {
        must(same(host.data, host.len, allowed.data, allowed.len));
        return;
    }

    allowed.data++;
    allowed.len--;

    must(host.len > allowed.len);
    must(same(host.data + host.len - allowed.len, allowed.len, allowed.data,
              allowed.len));
}


/* what nginx takes for a Host has none of these */
static bool
plain_host(const rt_str_t *host)
{
    size_t  i;

    for (i = 0; i < host->len; i++) {
        if (host->data[i] <= 0x20 || strchr("/?#\\@", host->data[i])) {
            return false;
        }
    }

    return true;
}


static void
check_same(const rt_str_t *origin, const rt_str_t *host, bool tls)
{
    size_t    scheme;
    rt_str_t  name;

    if (!rt_origin_same(origin, host, tls) || !plain_host(host)) {
        return;
    }

    name = host_of(origin, &scheme);

    must(scheme == strlen(tls ? "https://" : "http://"));
    must(name.len <= host->len);
    must(same(name.data, name.len, host->data, name.len));
    must(name.len == host->len || host->data[name.len] == ':');
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       token[64];
    size_t     n;
    unsigned   i;
    rt_str_t   fields[FIELDS], given;

    cut(data, size, fields);

    n = rt_min(fields[1].len, sizeof(token) - 1);
    memcpy(token, fields[1].data, n);
    token[n] = '\0';

    must(memchr(fields[0].data, '\0', fields[0].len)
         || rt_header_token(&fields[0], token)
            == slow_token(&fields[0], token));
    must(!rt_header_type(&fields[0], token)
         || same(fields[0].data, strlen(token), (uint8_t *) token,
                 strlen(token)));

    if (rt_header_credentials(&fields[0], token, &given)) {
        must(given.data > fields[0].data);
        must(given.data + given.len == fields[0].data + fields[0].len);
    }

    if (rt_header_key_valid(&fields[2])) {
        must(fields[2].len == RT_HEADER_KEY_LEN);
    }

    if (rt_origin_pattern_valid(&fields[5])
        && rt_origin_match(&fields[4], &fields[5]))
    {
        check_match(&fields[4], &fields[5]);
    }

    check_same(&fields[4], &fields[3], false);
    check_same(&fields[4], &fields[3], true);

    for (i = 0; i < FIELDS; i++) {
        free(fields[i].data);
    }

    return 0;
}
