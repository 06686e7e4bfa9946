
/*
 * Claims.  Called by policy/ with the payload of a token that was verified;
 * calls the JSON reader and base64.  Owns nothing: spans point into the
 * payload.  No locking: no state.
 */


#include "rt_base64.h"
#include "rt_claims.h"
#include "rt_params.h"
#include "rt_utf8.h"


typedef struct {
    rt_json_value_t  info;
    rt_str_t         b64info;
    rt_json_value_t  data;
    rt_str_t         b64data;
    rt_json_value_t  override;
} rt_claims_extra_t;


typedef struct {
    rt_json_value_t    exp;
    rt_json_value_t    iat;
    rt_json_value_t    nbf;
    rt_json_value_t    expire_at;
    rt_json_value_t    channel;
    rt_json_value_t    channels;
    rt_json_value_t    subs;
    rt_claims_extra_t  extra;

    rt_str_t           sub;
    rt_str_t           jti;
    rt_str_t           iss;
    rt_json_value_t    aud;
    rt_str_t           tenant;
    rt_str_t           client;
} rt_claims_raw_t;


static bool rt_claims_times(rt_claims_t *c, const rt_claims_raw_t *raw);
static bool rt_claims_seconds(const rt_json_value_t *v, int64_t *seconds);
static bool rt_claims_string(rt_json_value_t *v, rt_str_t *s);
static bool rt_claims_audience(rt_claims_t *c, rt_json_value_t *aud);
static bool rt_claims_value(rt_json_value_t *v, rt_str_t *b64, rt_str_t *raw);
static bool rt_claims_channels(rt_claims_t *c, rt_json_value_t *channels);
static bool rt_claims_subs(rt_claims_t *c, rt_json_value_t *subs);
static bool rt_claims_sub(rt_claims_sub_t *sub, rt_json_value_t *v);
static rt_claims_sub_t *rt_claims_push(rt_claims_t *c);


#define RT_CLAIM(name, type)                                                  \
    { rt_string(#name), type, offsetof(rt_claims_raw_t, name) }

#define RT_CLAIMS_EXTRA(base)                                                 \
    { rt_string("info"), RT_PARAM_VALUE,                                      \
      base + offsetof(rt_claims_extra_t, info) },                             \
    { rt_string("b64info"), RT_PARAM_STRING,                                  \
      base + offsetof(rt_claims_extra_t, b64info) },                          \
    { rt_string("override"), RT_PARAM_OBJECT,                                 \
      base + offsetof(rt_claims_extra_t, override) }


static const rt_param_t  rt_claims_params[] = {
    RT_CLAIM(sub, RT_PARAM_STRING),
    RT_CLAIM(jti, RT_PARAM_STRING),
    RT_CLAIM(iss, RT_PARAM_STRING),
    RT_CLAIM(aud, RT_PARAM_VALUE),
    RT_CLAIM(tenant, RT_PARAM_STRING),
    RT_CLAIM(exp, RT_PARAM_VALUE),
    RT_CLAIM(iat, RT_PARAM_VALUE),
    RT_CLAIM(nbf, RT_PARAM_VALUE),
    RT_CLAIM(expire_at, RT_PARAM_VALUE),
    RT_CLAIM(channel, RT_PARAM_VALUE),
    RT_CLAIM(client, RT_PARAM_STRING),
    RT_CLAIM(channels, RT_PARAM_ARRAY),
    RT_CLAIM(subs, RT_PARAM_OBJECT),
    RT_CLAIMS_EXTRA(offsetof(rt_claims_raw_t, extra)),
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_claims_sub_params[] = {
    RT_CLAIMS_EXTRA(0),
    { rt_string("data"), RT_PARAM_VALUE, offsetof(rt_claims_extra_t, data) },
    { rt_string("b64data"), RT_PARAM_STRING,
      offsetof(rt_claims_extra_t, b64data) },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const rt_param_t  rt_claims_flag_params[] = {
    { rt_string("value"), RT_PARAM_BOOL, 0 },
    { rt_string(""), RT_PARAM_VALUE, 0 }
};


static const struct {
    rt_str_t  name;
    uint8_t   flag;
} rt_claims_override_names[] = {
    { rt_string("join_leave"), RT_OVERRIDE_JOIN_LEAVE },
    { rt_string("force_push_join_leave"), RT_OVERRIDE_PUSH_JOIN_LEAVE },
    { rt_string("presence"), RT_OVERRIDE_PRESENCE },
    { rt_string("force_recovery"), RT_OVERRIDE_RECOVERY },
    { rt_string("force_positioning"), RT_OVERRIDE_POSITIONING },
    { { 0, NULL }, 0 }
};


bool
rt_claims_parse(rt_claims_t *c, uint8_t *text, size_t len)
{
    rt_json_t          j;
    rt_claims_raw_t    raw;
    rt_params_fault_t  fault;

    memset(&raw, 0, sizeof(rt_claims_raw_t));

    rt_json_init(&j, text, len);
    rt_params_read(&j, rt_claims_params, &raw, &fault);

    if (fault.why) {
        return false;
    }

    memset(c, 0, offsetof(rt_claims_t, subs));

    c->sub = raw.sub;
    c->jti = raw.jti;
    c->iss = raw.iss;
    c->tenant = raw.tenant;
    c->client = raw.client;
    c->nsubs = 0;
    c->more = false;

    c->of_channel = raw.channel.type != RT_JSON_NONE
                    && raw.channel.type != RT_JSON_NULL;

    if (c->jti.len > RT_CLAIMS_JTI_MAX
        || !rt_claims_audience(c, &raw.aud)
        || !rt_claims_times(c, &raw)
        || !rt_claims_string(&raw.channel, &c->channel)
        || !rt_claims_value(&raw.extra.info, &raw.extra.b64info, &c->info)
        || !rt_claims_overrides(&raw.extra.override, &c->override))
    {
        return false;
    }

    return raw.subs.len ? rt_claims_subs(c, &raw.subs)
                        : rt_claims_channels(c, &raw.channels);
}


rt_claims_time_t
rt_claims_time(const rt_claims_t *c, int64_t now)
{
    if (c->exp != RT_CLAIMS_UNSAID && now >= c->exp) {
        return RT_CLAIMS_EXPIRED;
    }

    if (c->nbf != RT_CLAIMS_UNSAID && now < c->nbf - RT_CLAIMS_LEEWAY) {
        return RT_CLAIMS_EARLY;
    }

    if (rt_claims_expiry(c) && now >= rt_claims_expiry(c)) {
        return RT_CLAIMS_EXPIRED;
    }

    return RT_CLAIMS_GOOD;
}


int64_t
rt_claims_expiry(const rt_claims_t *c)
{
    if (c->expire_at != RT_CLAIMS_UNSAID) {
        return c->expire_at;
    }

    return c->exp == RT_CLAIMS_UNSAID ? 0 : c->exp;
}


bool
rt_claims_for(const rt_claims_t *c, const rt_str_t *audience,
    const rt_str_t *issuer)
{
    size_t  i;

    if (issuer->len
        && (c->iss.len != issuer->len
            || memcmp(c->iss.data, issuer->data, issuer->len) != 0))
    {
        return false;
    }

    if (audience->len == 0) {
        return true;
    }

    for (i = 0; i < c->naud; i++) {

        if (c->aud[i].len == audience->len
            && memcmp(c->aud[i].data, audience->data, audience->len) == 0)
        {
            return true;
        }
    }

    return false;
}


static bool
rt_claims_times(rt_claims_t *c, const rt_claims_raw_t *raw)
{
    return rt_claims_seconds(&raw->exp, &c->exp)
           && rt_claims_seconds(&raw->iat, &c->iat)
           && rt_claims_seconds(&raw->nbf, &c->nbf)
           && rt_claims_seconds(&raw->expire_at, &c->expire_at);
}


/* a fraction is cut off; an exponent is nothing that anyone writes */
static bool
rt_claims_seconds(const rt_json_value_t *v, int64_t *seconds)
{
    int64_t         n;
    const uint8_t  *p, *end;

    *seconds = RT_CLAIMS_UNSAID;

    if (v->type == RT_JSON_NONE || v->type == RT_JSON_NULL) {
        return true;
    }

    if (v->type != RT_JSON_NUMBER || v->data[0] == '-') {
        return false;
    }

    end = v->data + v->len;

    for (n = 0, p = v->data; p < end && *p != '.'; p++) {

        if (*p < '0' || *p > '9') {
            return false;
        }

        n = n * 10 + (*p - '0');

        if (n > RT_CLAIMS_TIME_MAX) {
            return false;
        }
    }

    while (p < end) {
        if (*p == 'e' || *p == 'E') {
            return false;
        }

        p++;
    }

    *seconds = n;

    return true;
}


static bool
rt_claims_string(rt_json_value_t *v, rt_str_t *s)
{
    rt_json_t  j;

    if (v->type == RT_JSON_NONE || v->type == RT_JSON_NULL) {
        return true;
    }

    rt_json_init(&j, v->data, v->len);

    return rt_json_string(&j, s);
}


/* a string, or an array of strings */
static bool
rt_claims_audience(rt_claims_t *c, rt_json_value_t *aud)
{
    rt_json_t  j;

    if (aud->type != RT_JSON_ARRAY) {
        c->naud = aud->type == RT_JSON_STRING;
        return rt_claims_string(aud, &c->aud[0]);
    }

    rt_json_init(&j, aud->data, aud->len);
    (void) rt_json_array(&j);

    while (rt_json_item(&j)) {

        if (c->naud == RT_CLAIMS_AUD_MAX
            || !rt_json_string(&j, &c->aud[c->naud++]))
        {
            return false;
        }
    }

    return true;
}


/* as it stands there, or in base64 */
static bool
rt_claims_value(rt_json_value_t *v, rt_str_t *b64, rt_str_t *raw)
{
    rt_str_t         text;
    rt_json_t        j;
    rt_json_value_t  inner;

    if (v->type != RT_JSON_NONE && v->type != RT_JSON_NULL) {
        rt_json_flatten(v->data, v->len);

        raw->data = v->data;
        raw->len = v->len;

        return b64->len == 0;
    }

    if (b64->len == 0) {
        return true;
    }

    if (!rt_base64_decode(b64->data, b64->data, b64->len, &text)
        || !rt_utf8_valid(text.data, text.len))
    {
        return false;
    }

    rt_json_init(&j, text.data, text.len);

    if (!rt_json_value(&j, &inner) || !rt_json_end(&j)) {
        return false;
    }

    rt_json_flatten(inner.data, inner.len);

    raw->data = inner.data;
    raw->len = inner.len;

    return true;
}


bool
rt_claims_overrides(rt_json_value_t *v, rt_override_t *o)
{
    bool               value;
    unsigned           i;
    rt_str_t           key;
    rt_json_t          j, inner;
    rt_json_value_t    one;
    rt_params_fault_t  fault;

    if (v->len == 0) {
        return true;
    }

    rt_json_init(&j, v->data, v->len);
    (void) rt_json_object(&j);

    while (rt_json_key(&j, &key)) {

        if (!rt_json_value(&j, &one)) {
            return false;
        }

        for (i = 0; rt_claims_override_names[i].flag; i++) {
            if (rt_str_eq(&key,
                          (char *) rt_claims_override_names[i].name.data))
            {
                break;
            }
        }

        if (one.type == RT_JSON_NULL || !rt_claims_override_names[i].flag) {
            continue;
        }

        value = false;

        rt_json_init(&inner, one.data, one.len);
        rt_params_read(&inner, rt_claims_flag_params, &value, &fault);

        if (fault.why) {
            return false;
        }

        o->said |= rt_claims_override_names[i].flag;
        o->value |= value ? rt_claims_override_names[i].flag : 0;
    }

    return true;
}


static bool
rt_claims_channels(rt_claims_t *c, rt_json_value_t *channels)
{
    rt_json_t         j;
    rt_claims_sub_t  *sub;

    if (channels->len == 0) {
        return true;
    }

    rt_json_init(&j, channels->data, channels->len);
    (void) rt_json_array(&j);

    while (rt_json_item(&j)) {
        sub = rt_claims_push(c);

        if (sub == NULL) {
            return true;
        }

        if (!rt_json_string(&j, &sub->channel)) {
            return false;
        }
    }

    return true;
}


static bool
rt_claims_subs(rt_claims_t *c, rt_json_value_t *subs)
{
    rt_str_t          key;
    rt_json_t         j;
    rt_claims_sub_t  *sub;
    rt_json_value_t   v;

    rt_json_init(&j, subs->data, subs->len);
    (void) rt_json_object(&j);

    while (rt_json_key(&j, &key)) {
        sub = rt_claims_push(c);

        if (sub == NULL) {
            return true;
        }

        sub->channel = key;

        if (!rt_json_value(&j, &v) || !rt_claims_sub(sub, &v)) {
            return false;
        }
    }

    return true;
}


static bool
rt_claims_sub(rt_claims_sub_t *sub, rt_json_value_t *v)
{
    rt_json_t          j;
    rt_claims_extra_t  extra;
    rt_params_fault_t  fault;

    if (v->type == RT_JSON_NULL) {
        return true;
    }

    memset(&extra, 0, sizeof(rt_claims_extra_t));

    rt_json_init(&j, v->data, v->len);
    rt_params_read(&j, rt_claims_sub_params, &extra, &fault);

    return fault.why == NULL
           && rt_claims_value(&extra.info, &extra.b64info, &sub->info)
           && rt_claims_value(&extra.data, &extra.b64data, &sub->data)
           && rt_claims_overrides(&extra.override, &sub->override);
}


static rt_claims_sub_t *
rt_claims_push(rt_claims_t *c)
{
    rt_claims_sub_t  *sub;

    if (c->nsubs == RT_CLAIMS_SUBS_MAX) {
        c->more = true;
        return NULL;
    }

    sub = &c->subs[c->nsubs++];
    memset(sub, 0, sizeof(rt_claims_sub_t));

    return sub;
}
