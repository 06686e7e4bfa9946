
/*
 * URLs of Redis: what their parts are, and what is refused with a sentence.
 */


#include "rt_redis_url.h"
#include "tap.h"


/* of its own size, so that what is read beyond it is seen */

static const char *
parse(rt_redis_url_t *u, uint8_t **buf, const char *z)
{
    rt_str_t     text;
    const char  *why;

    text.len = strlen(z);
    text.data = malloc(text.len ? text.len : 1);
    memcpy(text.data, z, text.len);

    *buf = malloc(text.len + 4);
    why = rt_redis_url_parse(u, *buf, &text);

    free(text.data);

    return why;
}


static bool
is(const rt_str_t *s, const char *z)
{
    return s->len ? rt_str_eq(s, z) : *z == '\0';
}


static void
test_parts(void)
{
    size_t           i;
    uint8_t         *buf;
    const char      *why;
    rt_redis_url_t   u;

    static const struct {
        const char  *url, *user, *password, *host, *path;
        unsigned     port, db;
        bool         tls, ipv6;
    } table[] = {
        { "redis://a", "", "", "a", "", 6379, 0, false, false },
        { "redis://a/", "", "", "a", "", 6379, 0, false, false },
        { "redis://a.b-c:1", "", "", "a.b-c", "", 1, 0, false, false },
        { "redis://127.0.0.1:65535/15", "", "", "127.0.0.1", "", 65535, 15,
          false, false },
        { "rediss://a:6380/1", "", "", "a", "", 6380, 1, true, false },
        { "redis://[::1]", "", "", "::1", "", 6379, 0, false, true },
        { "rediss://[fe80::1]:7000/2", "", "", "fe80::1", "", 7000, 2, true,
          true },
        { "redis://:p@a", "", "p", "a", "", 6379, 0, false, false },
        { "redis://u:p@a", "u", "p", "a", "", 6379, 0, false, false },
        { "redis://u@a", "u", "", "a", "", 6379, 0, false, false },
        { "redis://u:@a", "u", "", "a", "", 6379, 0, false, false },
        { "redis://u:p:q@a:1", "u", "p:q", "a", "", 1, 0, false, false },
        { "redis://u:p@q@a:1", "u", "p@q", "a", "", 1, 0, false, false },
        { "redis://%75%3a:%2F%40%3F%23%25@a/3", "u:", "/@?#%", "a", "", 6379,
          3, false, false },
        { "redis://:caf%C3%A9@[::1]:1/2", "", "caf\xc3\xa9", "::1", "", 1, 2,
          false, true },
        { "unix:/r.sock", "", "", "", "/r.sock", 0, 0, false, false },
        { "unix:///r.sock", "", "", "", "/r.sock", 0, 0, false, false },
        { "unix:/a%20b%3f?db=7", "", "", "", "/a b?", 0, 7, false, false },
        { "unix:///r?db=65535", "", "", "", "/r", 0, 65535, false, false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        why = parse(&u, &buf, table[i].url);

        ok(why == NULL, "\"%s\": %s", table[i].url, why);

        if (why == NULL) {
            ok(is(&u.user, table[i].user)
               && is(&u.password, table[i].password)
               && is(&u.host, table[i].host)
               && is(&u.path, table[i].path),
               "the texts of \"%s\"", table[i].url);

            ok(u.port == table[i].port && u.db == table[i].db
               && u.tls == table[i].tls && u.ipv6 == table[i].ipv6,
               "the numbers of \"%s\"", table[i].url);

            ok(u.host.len == 0 || u.host.data[u.host.len] == '\0',
               "the end of the host of \"%s\"", table[i].url);
        }

        free(buf);
    }

    tap_group("parts");
}


static void
test_refusals(void)
{
    size_t           i;
    char             path[256];
    uint8_t         *buf;
    const char      *why;
    rt_redis_url_t   u;

    static const struct {
        const char  *url, *says;
    } table[] = {
        { "", "write redis://" },
        { "a", "write redis://" },
        { "a:6379", "write redis://" },
        { "/r.sock", "write redis://" },
        { "redis:a", "write redis://" },
        { "redis:/a", "write redis://" },
        { "REDIS://a", "write redis://" },
        { "http://a", "write redis://" },
        { "redis+unix:/a", "write redis://" },
        { "sentinel://a", "not yet" },
        { "redis+sentinel://a", "not yet" },
        { "cluster://a", "not yet" },
        { "redis+cluster://a", "not yet" },
        { "redis://", "there is no host" },
        { "redis:///1", "there is no host" },
        { "redis://:1", "there is no host" },
        { "redis://u:p@", "there is no host" },
        { "redis://u:p@:1", "there is no host" },
        { "redis://[]", "there is no host" },
        { "redis://[::1", "in brackets" },
        { "redis://[::1/0", "in brackets" },
        { "redis://::1", "there is no host" },
        { "redis://[::1]a", "write redis://" },
        { "redis://a b", "the host" },
        { "redis://a,b", "the host" },
        { "redis://a%2fb", "the host" },
        { "redis://a\xc3\xa9", "the host" },
        { "redis://a:", "the port" },
        { "redis://a:0", "the port" },
        { "redis://a:x", "the port" },
        { "redis://a:-1", "the port" },
        { "redis://a:65536", "the port" },
        { "redis://a:4294967297", "the port" },
        { "redis://a:1x", "write redis://" },
        { "redis://a/x", "the database" },
        { "redis://a/-1", "the database" },
        { "redis://a/65536", "the database" },
        { "redis://a/4294967296", "the database" },
        { "redis://a/1/", "write redis://" },
        { "redis://a/1?x", "write redis://" },
        { "redis://a?db=1", "write redis://" },
        { "redis://a#x", "write redis://" },
        { "redis://u:p/q@a", "%2F" },
        { "redis://u:p?q@a", "%3F" },
        { "redis://u:p#q@a", "%23" },
        { "redis://u:%@a", "hexadecimal" },
        { "redis://u:%4@a", "hexadecimal" },
        { "redis://u:%zz@a", "hexadecimal" },
        { "redis://u:%00@a", "hexadecimal" },
        { "redis://%:p@a", "hexadecimal" },
        { "redis://a%", "hexadecimal" },
        { "unix:", "the path" },
        { "unix:r.sock", "the path" },
        { "unix:?db=1", "the path" },
        { "unix://", "no host" },
        { "unix://host/r", "no host" },
        { "unix:/r%", "hexadecimal" },
        { "unix:/r?", "db=DB" },
        { "unix:/r?x=1", "db=DB" },
        { "unix:/r?db=", "the database" },
        { "unix:/r?db=x", "the database" },
        { "unix:/r?db=1&x=2", "the database" },
        { "unix:/r?db=65536", "the database" }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        why = parse(&u, &buf, table[i].url);

        ok(why && strstr(why, table[i].says), "\"%s\" says: %s", table[i].url,
           why ? why : "nothing");
        free(buf);
    }

    memset(path, 'a', sizeof(path));
    memcpy(path, "unix:/", 6);

    path[5 + 107] = '\0';
    ok(parse(&u, &buf, path) == NULL, "a path of 107 bytes");
    free(buf);

    path[5 + 107] = 'a';
    path[5 + 108] = '\0';
    why = parse(&u, &buf, path);
    ok(why && strstr(why, "107"), "a path of 108 bytes");
    free(buf);

    tap_group("refusals");
}


/* a password is in no sentence, and its last byte is where it has to be */

static void
test_random(void)
{
    int              i, k, len;
    char             z[64];
    uint8_t         *buf;
    const char      *why;
    rt_redis_url_t   u;

    static const char  *pieces[] = {
        "redis://", "rediss://", "unix:", "//", "/", "@", ":", "[", "]", "?",
        "#", "%", "%41", "%0", "a", "1", "db=", "\xff"
    };

    for (i = 0; i < 200000; i++) {
        z[0] = '\0';

        for (k = rand() % 8, len = 0; k >= 0 && len < 50; k--) {
            strcat(z, pieces[rand() % 18]);
            len = strlen(z);
        }

        why = parse(&u, &buf, z);

        ok(why || (u.host.len == 0) != (u.path.len == 0),
           "\"%s\" is of a host or of a socket", z);
        free(buf);
    }

    tap_group("anything");
}


int
main(void)
{
    test_parts();
    test_refusals();
    test_random();

    return tap_done();
}
