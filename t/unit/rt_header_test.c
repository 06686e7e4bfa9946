
/*
 * Values of HTTP headers: lists of tokens, media types, credentials, keys.
 */


#include "rt_header.h"
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
test_token(void)
{
    size_t    i;
    rt_str_t  list;

    static const struct {
        const char  *list;
        bool         has;
    } table[] = {
        { "upgrade", true },
        { "Upgrade", true },
        { "UPGRADE", true },
        { "keep-alive, upgrade", true },
        { "keep-alive,upgrade", true },
        { "upgrade ,keep-alive", true },
        { "\t upgrade\t", true },
        { ",,upgrade", true },
        { ", ,\t,upgrade,", true },
        { "", false },
        { ",", false },
        { " ", false },
        { "upgrades", false },
        { "xupgrade", false },
        { "upgrad", false },
        { "upgrade;q=1", false },
        { "upgrade x", false },
        { "up grade", false },
        { "keep-alive", false },
        { "\"upgrade\"", false },
        { "upgrade\r", false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        list = str(table[i].list);
        ok(rt_header_token(&list, "upgrade") == table[i].has, "\"%s\"",
           table[i].list);
    }

    list = (rt_str_t) { 0, NULL };
    ok(!rt_header_token(&list, "upgrade"), "no list");
    list = (rt_str_t) { 11, (uint8_t *) "upgrade\0,xx" };
    ok(!rt_header_token(&list, "upgrade"), "a zero byte belongs to it");

    tap_group("lists of tokens");
}


static void
test_type(void)
{
    size_t    i;
    rt_str_t  value;

    static const struct {
        const char  *value;
        bool         is;
    } table[] = {
        { "application/json", true },
        { "Application/JSON", true },
        { "application/json; charset=utf-8", true },
        { "application/json;charset=utf-8", true },
        { "application/json ;x", true },
        { "application/jsonx", false },
        { "application/json-seq", false },
        { "application/jso", false },
        { "xapplication/json", false },
        { "text/plain", false },
        { "", false }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        value = str(table[i].value);
        ok(rt_header_type(&value, "application/json") == table[i].is,
           "\"%s\"", table[i].value);
    }

    tap_group("media types");
}


static void
test_credentials(void)
{
    size_t    i;
    rt_str_t  value, given;

    static const struct {
        const char  *value, *given;
    } table[] = {
        { "apikey secret", "secret" },
        { "ApiKey secret", "secret" },
        { "apikey   secret", "secret" },
        { "apikey a b", "a b" },
        { "apikey ", "" },
        { "apikey", NULL },
        { "apikeysecret", NULL },
        { "apikey\tsecret", NULL },
        { "Bearer secret", NULL },
        { "apike y secret", NULL },
        { "", NULL }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        value = str(table[i].value);
        ok(rt_header_credentials(&value, "apikey", &given)
           == (table[i].given != NULL), "\"%s\"", table[i].value);
        ok(table[i].given == NULL || rt_str_eq(&given, table[i].given),
           "of \"%s\"", table[i].value);
    }

    tap_group("credentials");
}


static void
test_key(void)
{
    char       text[RT_HEADER_KEY_LEN + 2];
    size_t     i;
    unsigned   c;
    rt_str_t   key;

    const char *const  good = "dGhlIHNhbXBsZSBub25jZQ==";
    const char *const  digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";

    key = str(good);
    ok(rt_header_key_valid(&key), "RFC 6455's own");

    for (i = 0; i <= RT_HEADER_KEY_LEN + 1; i++) {
        memset(text, 'A', sizeof(text));
        memcpy(text, good, strlen(good));
        key = (rt_str_t) { i, (uint8_t *) text };
        ok(rt_header_key_valid(&key) == (i == RT_HEADER_KEY_LEN), "%zu", i);
    }

    for (i = 0; i < RT_HEADER_KEY_LEN; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(text, good, RT_HEADER_KEY_LEN);
            text[i] = (char) c;
            key = (rt_str_t) { RT_HEADER_KEY_LEN, (uint8_t *) text };

            ok(rt_header_key_valid(&key)
               == (i < 22 ? c && strchr(digits, (int) c) != NULL : c == '='),
               "byte %u at %zu", c, i);
        }
    }

    tap_group("keys of a handshake");
}


int
main(void)
{
    test_token();
    test_type();
    test_credentials();
    test_key();

    return tap_done();
}
