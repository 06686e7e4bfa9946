
/*
 * Origins: which patterns are one, what matches them, what is the server's own.
 */


#include "rt_origin.h"
#include "tap.h"


static rt_str_t
str(const char *z)
{
    rt_str_t  s;

    s.data = (uint8_t *) z;
    s.len = strlen(z);

    return s;
}


static void
test_pattern(void)
{
    size_t    i;
    rt_str_t  s;

    static const struct {
        const char  *pattern;
        bool         valid;
    } table[] = {
        { "*", true },
        { "null", true },
        { "https://example.com", true },
        { "http://localhost:3000", true },
        { "https://*.example.com", true },
        { "https://*.example.com:8443", true },
        { "https://[::1]", true },
        { "https://[::1]:8443", true },
        { "app://x", true },
        { "https://example.com:1", true },
        { "https://example.com:65535", true },
        { "", false },
        { "NULL", false },
        { "**", false },
        { "example.com", false },
        { "//example.com", false },
        { "://example.com", false },
        { "https:/example.com", false },
        { "https://", false },
        { "https://*.", false },
        { "https://*", false },
        { "https://*example.com", false },
        { "https://a.*.com", false },
        { "https://*.*.com", false },
        { "https://example.com/", false },
        { "https://example.com/a", false },
        { "https://example.com?", false },
        { "https://example.com#", false },
        { "https://u@example.com", false },
        { "https://$host", false },
        { "https://exa mple.com", false },
        { "https://caf\xc3\xa9.com", false },
        { "https://a,https://b", false },
        { "https://example.com:", false },
        { "https://example.com:0", false },
        { "https://example.com:x", false },
        { "https://example.com:-1", false },
        { "https://example.com:65536", false },
        { "https://example.com:99999", false },
        { "https://example.com:4294967297", false },
        { "https://[::1]:x", false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        s = str(table[i].pattern);
        ok(rt_origin_pattern_valid(&s) == table[i].valid, "\"%s\"",
           table[i].pattern);
    }

    tap_group("patterns");
}


static void
test_match(void)
{
    size_t    i;
    rt_str_t  origin, pattern;

    static const struct {
        const char  *pattern, *origin;
        bool         match;
    } table[] = {
        { "*", "https://x", true },
        { "*", "null", true },
        { "null", "null", true },
        { "null", "nul", false },
        { "null", "https://null", false },
        { "https://a.com", "https://a.com", true },
        { "https://a.com", "HTTPS://A.Com", true },
        { "https://a.com", "http://a.com", false },
        { "https://a.com", "https://a.com:443", false },
        { "https://a.com", "https://a.com.", false },
        { "https://a.com", "https://a.com/", false },
        { "https://a.com", "https://b.a.com", false },
        { "https://a.com:8443", "https://a.com:8443", true },
        { "https://a.com:8443", "https://a.com", false },
        { "https://*.a.com", "https://b.a.com", true },
        { "https://*.a.com", "https://c.b.a.com", true },
        { "https://*.a.com", "HTTPS://B.A.COM", true },
        { "https://*.a.com", "https://a.com", false },
        { "https://*.a.com", "https://.a.com", false },
        { "https://*.a.com", "https://ba.com", false },
        { "https://*.a.com", "https://b.a.com.evil", false },
        { "https://*.a.com", "https://evil/.a.com", false },
        { "https://*.a.com", "https://evil?.a.com", false },
        { "https://*.a.com", "https://evil#.a.com", false },
        { "https://*.a.com", "https://evil\\.a.com", false },
        { "https://*.a.com", "https://u@b.a.com", false },
        { "https://*.a.com", "https://evil:443.a.com", false },
        { "https://*.a.com", "https://b.a.com:443", false },
        { "https://*.a.com", "https://b .a.com", false },
        { "https://*.a.com", "https://\xc3\xa9.a.com", false },
        { "https://*.a.com", "http://b.a.com", false },
        { "https://*.a.com", "null", false },
        { "https://*.a.com", "", false },
        { "https://*.a.com:8443", "https://b.a.com:8443", true },
        { "https://*.a.com:8443", "https://b.a.com", false },
        { "https://*.a.com:8443", "https://b.a.com:84431", false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pattern = str(table[i].pattern);
        origin = str(table[i].origin);
        ok(rt_origin_match(&origin, &pattern) == table[i].match,
           "\"%s\" and \"%s\"", table[i].origin, table[i].pattern);
    }

    tap_group("matches");
}


static void
test_same(void)
{
    size_t    i;
    rt_str_t  origin, host;

    static const struct {
        const char  *origin, *host;
        bool         tls, same;
    } table[] = {
        { "http://a.com", "a.com", false, true },
        { "HTTP://A.com", "a.COM", false, true },
        { "http://a.com:80", "a.com", false, true },
        { "http://a.com", "a.com:80", false, true },
        { "http://a.com:8080", "a.com:8080", false, true },
        { "https://a.com", "a.com", true, true },
        { "https://a.com:443", "a.com", true, true },
        { "https://[::1]:8443", "[::1]:8443", true, true },
        { "http://[::1]", "[::1]:80", false, true },
        { "http://a.com", "a.com", true, false },
        { "https://a.com", "a.com", false, false },
        { "http://a.com:443", "a.com", false, false },
        { "https://a.com:80", "a.com", true, false },
        { "http://a.com:8080", "a.com", false, false },
        { "http://a.com", "a.com:8080", false, false },
        { "http://a.com:", "a.com", false, false },
        { "http://a.com.", "a.com", false, false },
        { "http://a.com/", "a.com", false, false },
        { "http://b.a.com", "a.com", false, false },
        { "http://a.comb", "a.com", false, false },
        { "http://evil@a.com", "a.com", false, false },
        { "a.com", "a.com", false, false },
        { "//a.com", "a.com", false, false },
        { "ftp://a.com", "a.com", false, false },
        { "http://", "", false, false },
        { "http://", "a.com", false, false },
        { "http://:80", "", false, false },
        { "null", "null", false, false },
        { "", "", false, false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        origin = str(table[i].origin);
        host = str(table[i].host);
        ok(rt_origin_same(&origin, &host, table[i].tls) == table[i].same,
           "\"%s\" at \"%s\"%s", table[i].origin, table[i].host,
           table[i].tls ? " with TLS" : "");
    }

    tap_group("the server's own");
}


int
main(void)
{
    test_pattern();
    test_match();
    test_same();

    return tap_done();
}
