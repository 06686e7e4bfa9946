
/*
 * What a verified token says: claims of connection and subscription tokens
 * (RFC 7519; the names are Centrifuge's).
 */


#ifndef _RT_CLAIMS_H_INCLUDED_
#define _RT_CLAIMS_H_INCLUDED_


#include "rt_base.h"
#include "rt_json.h"


#define RT_CLAIMS_SUBS_MAX   512
#define RT_CLAIMS_AUD_MAX    16
#define RT_CLAIMS_JTI_MAX    128          /* bytes */
#define RT_CLAIMS_LEEWAY     5            /* seconds, of nbf */

#define RT_CLAIMS_UNSAID     INT64_MIN    /* a time that is not there */
#define RT_CLAIMS_NEVER      INT64_MAX    /* later than any */

/*
 * The end of the year 9999.  What is later is not seconds (milliseconds, most
 * likely): a token that would never expire is refused.
 */
#define RT_CLAIMS_TIME_MAX   253402300799


/* "override": what a token has otherwise than its namespace */
enum {
    RT_OVERRIDE_JOIN_LEAVE = 1,
    RT_OVERRIDE_PUSH_JOIN_LEAVE = 2,
    RT_OVERRIDE_PRESENCE = 4,
    RT_OVERRIDE_RECOVERY = 8,
    RT_OVERRIDE_POSITIONING = 16
};


typedef struct {
    uint8_t          said;        /* RT_OVERRIDE_* */
    uint8_t          value;       /* the same, true ones */
} rt_override_t;


/* a channel that a connection token subscribes to; raw JSON where said */
typedef struct {
    rt_str_t         channel;
    rt_str_t         info;
    rt_str_t         data;
    rt_override_t    override;
} rt_claims_sub_t;


/* times are seconds; strings are empty where not said */
typedef struct {
    rt_str_t         sub;
    rt_str_t         jti;
    rt_str_t         iss;
    rt_str_t         aud[RT_CLAIMS_AUD_MAX];
    size_t           naud;
    rt_str_t         tenant;
    int64_t          exp;
    int64_t          iat;
    int64_t          nbf;
    int64_t          expire_at;   /* 0: the connection does not expire */
    rt_str_t         info;        /* JSON */

    /* of subscription tokens */
    bool             of_channel;  /* "channel" is there, be it empty */
    rt_str_t         channel;
    rt_str_t         client;
    rt_override_t    override;

    /* of connection tokens */
    rt_claims_sub_t  subs[RT_CLAIMS_SUBS_MAX];
    size_t           nsubs;
    bool             more;        /* there were more of them */
} rt_claims_t;


typedef enum {
    RT_CLAIMS_GOOD = 0,
    RT_CLAIMS_EXPIRED,
    RT_CLAIMS_EARLY               /* nbf is to come */
} rt_claims_time_t;


/* text: UTF-8, which is changed.  false: not claims of ours. */
bool rt_claims_parse(rt_claims_t *c, uint8_t *text, size_t len);

rt_claims_time_t rt_claims_time(const rt_claims_t *c, int64_t now);

/* when what it grants expires; 0: never */
int64_t rt_claims_expiry(const rt_claims_t *c);

/*
 * {"NAME":{"value":true},...}, an object, which is changed, or empty; of names
 * that are not known nothing is asked.
 */
bool rt_claims_overrides(rt_json_value_t *v, rt_override_t *o);

/* is that audience meant, and is it of that issuer?  Empty: whichever. */
bool rt_claims_for(const rt_claims_t *c, const rt_str_t *audience,
    const rt_str_t *issuer);


#endif /* _RT_CLAIMS_H_INCLUDED_ */
