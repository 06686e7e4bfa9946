
/*
 * Patterns of channels, against a table and against a plain recursion.
 */


#include "rt_glob.h"
#include "tap.h"


static void
test_table(void)
{
    size_t    i;
    rt_str_t  pattern;

    static const struct {
        const char  *pattern, *name;
        bool         match;
        size_t       prefix;
    } table[] = {
        { "", "", true, 0 },
        { "", "a", false, 0 },
        { "a", "a", true, 1 },
        { "a", "", false, 1 },
        { "a", "ab", false, 1 },
        { "*", "", true, 0 },
        { "*", "anything:at all", true, 0 },
        { "chat:*", "chat:", true, 5 },
        { "chat:*", "chat:x", true, 5 },
        { "chat:*", "chats:x", false, 5 },
        { "*:x", "chat:x", true, 0 },
        { "*:x", "chat:x:x", true, 0 },
        { "*:x", "chat:xy", false, 0 },
        { "a*b*c", "abc", true, 1 },
        { "a*b*c", "aXbYc", true, 1 },
        { "a*b*c", "acb", false, 1 },
        { "**a", "bba", true, 0 },
        { "a**", "a", true, 1 },
        { "?", "a", true, 0 },
        { "?", "", false, 0 },
        { "?", "ab", false, 0 },
        { "?", "\xc3\xa9", true, 0 },
        { "??", "\xc3\xa9", false, 0 },
        { "a?c", "a\xf0\x9f\x98\x80" "c", true, 1 },
        { "\\*", "*", true, 0 },
        { "\\*", "a", false, 0 },
        { "\\\\", "\\", true, 0 },
        { "\\", "\\", false, 0 },
        { "a\\", "a", false, 1 },
        { "[a]", "[a]", true, 3 },
        { "[a]", "a", false, 3 }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pattern.data = (uint8_t *) table[i].pattern;
        pattern.len = strlen(table[i].pattern);

        ok(rt_glob_match(&pattern, (uint8_t *) table[i].name,
                         strlen(table[i].name)) == table[i].match,
           "\"%s\" of \"%s\"", table[i].name, table[i].pattern);
        ok(rt_glob_prefix(&pattern) == table[i].prefix, "prefix of \"%s\"",
           table[i].pattern);
    }

    tap_group("patterns");
}


static bool
model(const char *p, const char *s)
{
    switch (*p) {

    case '\0':
        return *s == '\0';

    case '*':
        return model(p + 1, s) || (*s && model(p, s + 1));

    case '?':
        return *s && model(p + 1, s + 1);

    case '\\':
        return p[1] && *s == p[1] && model(p + 2, s + 1);

    default:
        return *s == *p && model(p + 1, s + 1);
    }
}


static void
test_model(void)
{
    char      p[8], s[10];
    size_t    i, j, n;
    rt_str_t  pattern;

    srand(7);

    for (i = 0; i < 300000; i++) {

        n = rand() % sizeof(p);
        for (j = 0; j < n; j++) {
            p[j] = "ab*?\\"[rand() % 5];
        }
        p[n] = '\0';

        n = rand() % sizeof(s);
        for (j = 0; j < n; j++) {
            s[j] = "ab*"[rand() % 3];
        }
        s[n] = '\0';

        pattern.data = (uint8_t *) p;
        pattern.len = strlen(p);

        ok(rt_glob_match(&pattern, (uint8_t *) s, n) == model(p, s),
           "\"%s\" of \"%s\"", s, p);
    }

    tap_group("as a recursion has it");
}


static void
test_hostile(void)
{
    size_t          i;
    rt_str_t        pattern;
    static uint8_t  p[4000], s[255];

    for (i = 0; i < sizeof(p); i += 2) {
        memcpy(p + i, "*a", 2);
    }

    memset(s, 'a', sizeof(s));
    s[sizeof(s) - 1] = 'b';

    pattern.data = p;
    pattern.len = 100;

    for (i = 0; i < 1000; i++) {
        ok(!rt_glob_match(&pattern, s, sizeof(s)), "many stars");
    }

    tap_group("many stars end soon");
}


int
main(void)
{
    test_table();
    test_model();
    test_hostile();

    return tap_done();
}
