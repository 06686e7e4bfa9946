
/*
 * Base64: the vectors of RFC 4648, what each of the two alphabets refuses, and
 * every length with random bytes.
 */


#include "rt_base64.h"
#include "tap.h"


static bool
decode(bool url, const char *text, rt_str_t *out)
{
    static uint8_t  mem[256];

    return (url ? rt_base64url_decode : rt_base64_decode)
           (mem, (const uint8_t *) text, strlen(text), out);
}


static bool
is(bool url, const char *text, const char *want)
{
    rt_str_t  s;

    return decode(url, text, &s) && s.len == strlen(want)
           && memcmp(s.data, want, s.len) == 0;
}


static void
test_vectors(void)
{
    ok(is(0, "", "") && is(1, "", ""), "empty");
    ok(is(0, "Zg==", "f") && is(1, "Zg", "f"), "f");
    ok(is(0, "Zm8=", "fo") && is(1, "Zm8", "fo"), "fo");
    ok(is(0, "Zm9v", "foo") && is(1, "Zm9v", "foo"), "foo");
    ok(is(0, "Zm9vYg==", "foob") && is(1, "Zm9vYg", "foob"), "foob");
    ok(is(0, "Zm9vYmE=", "fooba") && is(1, "Zm9vYmE", "fooba"), "fooba");
    ok(is(0, "Zm9vYmFy", "foobar"), "foobar");
    ok(is(0, "+/+/", "\xfb\xff\xbf") && is(1, "-_-_", "\xfb\xff\xbf"),
       "the last two of an alphabet");

    tap_group("vectors");
}


static void
test_refused(void)
{
    unsigned  i;
    rt_str_t  s;

    static const char *const  std[] = {
        "Z", "Zg", "Zg=", "Zm8", "Zm9v=", "Zg==Zg==", "====", "=", "Z===",
        "-_-_", "Zm 9v", "Zm9v\n", "Zh==", "Zm9=", "Zg=g"
    };

    static const char *const  url[] = {
        "Z", "Zg==", "Zm8=", "+/+/", "Zm9vZ", "Zm9v ", "\nZm9v", "Zh", "Zm9",
        "Zm9v.", "Zm\xc3\xa9v"
    };

    for (i = 0; i < sizeof(std) / sizeof(std[0]); i++) {
        ok(!decode(0, std[i], &s), "\"%s\"", std[i]);
    }

    for (i = 0; i < sizeof(url) / sizeof(url[0]); i++) {
        ok(!decode(1, url[i], &s), "\"%s\", url", url[i]);
    }

    tap_group("refused");
}


/* every text that is taken is the one that its bytes have */

static void
test_unique(void)
{
    int       c;
    char      text[5];
    unsigned  i, n;
    rt_str_t  s;

    for (n = 0, i = 0; i < 65536; i++) {
        text[0] = (char) (i >> 8);
        text[1] = (char) i;
        text[2] = '\0';

        if (strlen(text) == 2 && decode(1, text, &s)) {
            n++;
        }
    }

    ok(n == 256, "%u texts of two letters for 256 bytes", n);

    for (n = 0, c = 1; c < 256; c++) {
        memcpy(text, "Zm9", 3);
        text[3] = (char) c;
        text[4] = '\0';
        n += decode(1, text, &s);
    }

    ok(n == 64, "%u letters", n);

    tap_group("one text for each meaning");
}


int
main(void)
{
    test_vectors();
    test_refused();
    test_unique();

    return tap_done();
}
