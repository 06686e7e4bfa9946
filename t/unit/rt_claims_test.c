
/*
 * Claims: what is taken of a payload, what makes it none, and what the times
 * mean.
 */


#include "rt_claims.h"
#include "tap.h"


static rt_claims_t  c;
static char         text[65536];


static bool
parse(const char *json)
{
    if (json != text) {
        strcpy(text, json);
    }

    memset(&c, 0x5a, sizeof(rt_claims_t));

    return rt_claims_parse(&c, (uint8_t *) text, strlen(text));
}


static bool
is(const rt_str_t *s, const char *want)
{
    return rt_str_eq(s, want);
}


static void
test_good(void)
{
    ok(parse("{}"), "nothing");
    ok(c.sub.len == 0 && c.exp == RT_CLAIMS_UNSAID && c.nsubs == 0
       && !c.of_channel && c.info.len == 0 && c.naud == 0, "is nothing");

    ok(parse("{\"sub\":\"al\\u0069ce\",\"jti\":\"j\",\"iss\":\"me\",\"aud\":"
             "\"you\",\"tenant\":\"t\",\"exp\":2,\"iat\":1.9,\"nbf\":0,"
             "\"expire_at\":0,\"info\":{ \"a\" :\n1},\"channel\":\"c\","
             "\"client\":\"x\",\"unknown\":[1],\"meta\":{\"a\":1}}"), "all");
    ok(is(&c.sub, "alice") && is(&c.jti, "j") && is(&c.iss, "me"), "strings");
    ok(is(&c.tenant, "t") && is(&c.channel, "c") && is(&c.client, "x"),
       "more strings");
    ok(c.naud == 1 && is(&c.aud[0], "you"), "audience");
    ok(c.exp == 2 && c.iat == 1 && c.nbf == 0 && c.expire_at == 0, "times");
    ok(is(&c.info, "{ \"a\" : 1}"), "info, without line ends");
    ok(c.of_channel, "of a channel");

    ok(parse("{\"b64info\":\"eyJhIjoKMX0=\"}") && is(&c.info, "{\"a\": 1}"),
       "b64info");
    ok(parse("{\"channel\":\"\"}") && c.of_channel, "an empty channel");
    ok(parse("{\"channel\":null,\"sub\":null,\"exp\":null,\"info\":null,"
             "\"subs\":null,\"aud\":null}")
       && !c.of_channel && c.exp == RT_CLAIMS_UNSAID && c.info.len == 0,
       "null is nothing");
    ok(parse("{\"sub\":\"a\",\"sub\":\"b\"}") && is(&c.sub, "b"),
       "the last one counts");

    tap_group("claims");
}


static void
test_subs(void)
{
    ok(parse("{\"channels\":[\"a\",\"b\\n\"]}") && c.nsubs == 2
       && is(&c.subs[0].channel, "a") && is(&c.subs[1].channel, "b\n"),
       "channels");
    ok(c.subs[1].info.len == 0 && c.subs[1].override.said == 0, "no more");

    ok(parse("{\"channels\":[\"a\"],\"subs\":{\"x\":{},\"y\":{\"info\":1,"
             "\"data\":[2],\"override\":{\"join_leave\":{\"value\":true},"
             "\"force_push_join_leave\":{\"value\":false},\"presence\":null,"
             "\"z\":1}},\"z\":null,\"b\":{\"b64data\":\"W10=\"}}}")
       && c.nsubs == 4 && is(&c.subs[0].channel, "x"), "subs beat channels");
    ok(is(&c.subs[1].info, "1") && is(&c.subs[1].data, "[2]")
       && is(&c.subs[3].data, "[]"), "info and data");
    ok(c.subs[1].override.said == (RT_OVERRIDE_JOIN_LEAVE
                                   | RT_OVERRIDE_PUSH_JOIN_LEAVE)
       && c.subs[1].override.value == RT_OVERRIDE_JOIN_LEAVE, "override");

    ok(parse("{\"override\":{\"presence\":{\"value\":true},\"force_recovery\":"
             "{\"value\":true},\"force_positioning\":{}}}")
       && c.override.said == (RT_OVERRIDE_PRESENCE | RT_OVERRIDE_RECOVERY
                              | RT_OVERRIDE_POSITIONING)
       && c.override.value == (RT_OVERRIDE_PRESENCE | RT_OVERRIDE_RECOVERY),
       "override of a subscription");

    tap_group("subscriptions of a connection");
}


static void
test_many(void)
{
    int    i;
    char  *p;

    p = text + sprintf(text, "{\"channels\":[\"0\"");

    for (i = 1; i < RT_CLAIMS_SUBS_MAX; i++) {
        p += sprintf(p, ",\"%d\"", i);
    }

    strcpy(p, "]}");
    ok(parse(text) && c.nsubs == RT_CLAIMS_SUBS_MAX && !c.more, "as many");

    p = text + sprintf(text, "{\"channels\":[\"0\"");

    for (i = 0; i < RT_CLAIMS_SUBS_MAX; i++) {
        p += sprintf(p, ",\"%d\"", i);
    }

    strcpy(p, "]}");
    ok(parse(text) && c.nsubs == RT_CLAIMS_SUBS_MAX && c.more, "one more");

    p = text + sprintf(text, "{\"jti\":\"");
    memset(p, 'j', RT_CLAIMS_JTI_MAX);
    strcpy(p + RT_CLAIMS_JTI_MAX, "\"}");
    ok(parse(text), "the longest jti");
    memset(p, 'j', RT_CLAIMS_JTI_MAX + 1);
    strcpy(p + RT_CLAIMS_JTI_MAX + 1, "\"}");
    ok(!parse(text), "a longer one");

    tap_group("bounds");
}


static void
test_bad(void)
{
    unsigned  i;

    static const char *const  bad[] = {
        "", "1", "[]", "{", "{} x", "{\"sub\":1}", "{\"jti\":[]}",
        "{\"tenant\":{}}", "{\"exp\":\"1\"}", "{\"exp\":-1}", "{\"exp\":1e9}",
        "{\"exp\":1.5E3}", "{\"exp\":true}", "{\"exp\":253402300800}",
        "{\"exp\":1700000000000}", "{\"exp\":99999999999999999999999}",
        "{\"nbf\":{}}", "{\"iat\":[1]}", "{\"expire_at\":-0}", "{\"aud\":1}",
        "{\"aud\":[1]}", "{\"aud\":{\"a\":1}}", "{\"aud\":[\"a\",null]}",
        "{\"aud\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
        "\"\",\"\",\"\",\"\",\"\",\"\"]}",
        "{\"info\":1,\"b64info\":\"MQ==\"}", "{\"b64info\":\"MQ\"}",
        "{\"b64info\":\"fHw=\"}", "{\"b64info\":\"/w==\"}",
        "{\"b64info\":\"MSAy\"}", "{\"channel\":1}", "{\"client\":1}",
        "{\"channels\":{}}", "{\"channels\":[1]}", "{\"channels\":[null]}",
        "{\"subs\":[]}", "{\"subs\":{\"a\":1}}",
        "{\"subs\":{\"a\":{\"b64data\":\"!\"}}}",
        "{\"subs\":{\"a\":{\"override\":1}}}",
        "{\"override\":{\"presence\":true}}",
        "{\"override\":{\"presence\":{\"value\":1}}}",
        "{\"info\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        "[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
        "]]]]]]]]]}"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(!parse(bad[i]), "%s", bad[i]);
    }

    tap_group("what are no claims");
}


static void
test_times(void)
{
    ok(parse("{}") && rt_claims_time(&c, 1000) == RT_CLAIMS_GOOD
       && rt_claims_expiry(&c) == 0, "no time at all");

    ok(parse("{\"exp\":1000}"), "exp");
    ok(rt_claims_time(&c, 999) == RT_CLAIMS_GOOD, "before");
    ok(rt_claims_time(&c, 1000) == RT_CLAIMS_EXPIRED, "then");
    ok(rt_claims_expiry(&c) == 1000, "expires");

    ok(parse("{\"exp\":0}")
       && rt_claims_time(&c, 1) == RT_CLAIMS_EXPIRED, "1970");
    ok(parse("{\"exp\":253402300799}")
       && rt_claims_time(&c, 1) == RT_CLAIMS_GOOD, "9999");

    ok(parse("{\"exp\":1000,\"expire_at\":2000}")
       && rt_claims_time(&c, 999) == RT_CLAIMS_GOOD
       && rt_claims_expiry(&c) == 2000, "expire_at instead");
    ok(rt_claims_time(&c, 1500) == RT_CLAIMS_EXPIRED, "exp is the token's");
    ok(parse("{\"exp\":1000,\"expire_at\":0}")
       && rt_claims_expiry(&c) == 0, "expire_at: never");
    ok(parse("{\"exp\":1000,\"expire_at\":500}")
       && rt_claims_time(&c, 600) == RT_CLAIMS_EXPIRED, "expire_at is past");

    ok(parse("{\"nbf\":1000}"), "nbf");
    ok(rt_claims_time(&c, 994) == RT_CLAIMS_EARLY, "early");
    ok(rt_claims_time(&c, 995) == RT_CLAIMS_GOOD, "not by more than that");

    tap_group("times");
}


static void
test_for(void)
{
    rt_str_t  none = rt_string(""), a = rt_string("a"), b = rt_string("b");

    ok(parse("{}") && rt_claims_for(&c, &none, &none), "whichever");
    ok(!rt_claims_for(&c, &a, &none) && !rt_claims_for(&c, &none, &a),
       "not said");

    ok(parse("{\"aud\":\"a\",\"iss\":\"b\"}"), "both");
    ok(rt_claims_for(&c, &a, &b) && rt_claims_for(&c, &a, &b), "they are");
    ok(!rt_claims_for(&c, &b, &b) && !rt_claims_for(&c, &a, &a), "others");

    ok(parse("{\"aud\":[\"x\",\"b\"]}") && rt_claims_for(&c, &b, &none),
       "one of several");
    ok(!rt_claims_for(&c, &a, &none), "none of them");
    ok(parse("{\"aud\":[]}") && !rt_claims_for(&c, &a, &none), "nobody");
    ok(parse("{\"aud\":\"a\\\"b\"}") && !rt_claims_for(&c, &a, &none)
       && !rt_claims_for(&c, &a, &none), "asked twice");

    tap_group("audience and issuer");
}


int
main(void)
{
    test_good();
    test_subs();
    test_many();
    test_bad();
    test_times();
    test_for();

    return tap_done();
}
