
/*
 * What each kind of server is told, and what it should answer:
 *
 *   rt     the client protocol (JSON) over WebSocket; publishes by POST
 *          /api/publish, or as commands of WebSocket clients
 *   nchan  WebSocket subscribers at /sub?id=N, publishes by POST /pub?id=N, or
 *          as messages of a WebSocket at /pub?id=N, each of which is answered
 *   bare   t/bench/bare.c: subscribers send a line, publishers the same
 *          HTTP requests as with rt
 *   http   GET /nothing, answered with 204 and the close
 *   redis, script    see redis.c
 *
 * Called by conn.c and handshake.c; calls check.c for what was delivered or
 * replied.
 */


#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"


#define LOAD_FIRST_ID  1000000000u        /* ids of ten digits */
#define LOAD_ID_AT     6                  /* after {"id": */
#define LOAD_UUID      36                 /* bytes of a client's id */

#define LOAD_UPGRADE                                                         \
    "Host: 127.0.0.1\r\n"                                                    \
    "Upgrade: websocket\r\n"                                                 \
    "Connection: Upgrade\r\n"                                                \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                        \
    "Sec-WebSocket-Version: 13\r\n"                                          \
    "%s"                                                                     \
    "\r\n"

#define LOAD_POST                                                            \
    " HTTP/1.1\r\n"                                                          \
    "Host: 127.0.0.1\r\n"                                                    \
    "Content-Type: application/json\r\n"                                     \
    "Content-Length: %d\r\n"                                                 \
    "\r\n"                                                                   \
    "%s"


static void load_target_object(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);
static void load_target_rt_joining(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);
static void load_target_stream(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);
static void load_target_rt_reply(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);
static size_t load_target_anonymous(uint8_t *p, size_t len);
static size_t load_target_positioned(load_conn_t *c, uint8_t *p, size_t len);
static const char *load_target_namespace(load_t *l);
static bool load_target_has(const uint8_t *p, size_t len, const char *text);


void
load_target_templates(load_t *l, uint32_t number)
{
    int              n;
    char             payload[LOAD_PAYLOAD + 1], body[LOAD_TEXT_MAX];
    char             key[64];
    char             text[LOAD_TEXT_MAX * 2];
    load_channel_t  *ch;

    ch = &l->channel[number];

    n = snprintf(payload, sizeof(payload),
                 "{\"seq\":\"%016d\",\"to\":\"%s:%u\",\"fill\":\"", 0,
                 load_target_namespace(l), number);

    for ( ; n < LOAD_PAYLOAD - 2; n++) {
        payload[n] = 'a' + (char) (n * 7 % 26);
    }

    memcpy(payload + n, "\"}", 3);

    if (l->target == LOAD_REDIS || l->target == LOAD_SCRIPT) {
        load_redis_templates(l, number, payload);
        return;
    }

    if (l->target == LOAD_NCHAN) {
        load_target_template(&ch->delivery, payload);
        snprintf(text, sizeof(text), "POST /pub?id=%u" LOAD_POST, number,
                 LOAD_PAYLOAD, payload);
        load_target_template(&ch->request,
                             l->by_websocket ? payload : text);
        return;
    }

    snprintf(text, sizeof(text),
             "{\"push\":{\"channel\":\"%s:%u\",\"pub\":{\"data\":%s}}}",
             load_target_namespace(l), number, payload);
    load_target_template(&ch->delivery, text);

    key[0] = '\0';

    if (l->keyed) {
        snprintf(key, sizeof(key), ",\"idempotency_key\":\"key:%016d\"", 0);
    }

    n = snprintf(body, sizeof(body), "{\"channel\":\"%s:%u\",\"data\":%s%s}",
                 load_target_namespace(l), number, payload, key);

    if (l->by_websocket) {
        snprintf(text, sizeof(text), "{\"id\":%u,\"publish\":%s}",
                 LOAD_FIRST_ID, body);

    } else {
        snprintf(text, sizeof(text), "POST /api/publish" LOAD_POST, n, body);
    }

    load_target_template(&ch->request, text);
}


void
load_target_template(load_template_t *t, const char *text)
{
    size_t       len;
    const char  *seq, *key;

    len = strlen(text);
    seq = strstr(text, "\"seq\":\"");
    key = strstr(text, "key:0000");

    if (len > LOAD_TEXT_MAX || seq == NULL) {
        load_fail("text of %zu bytes does not fit", len);
    }

    memcpy(t->text, text, len);
    t->len = (uint16_t) len;
    t->digits = (uint16_t) (seq + 7 - text);
    t->key = key ? (uint16_t) (key + 4 - text) : 0;
}


size_t
load_target_hello(load_t *l, load_conn_t *c, uint8_t *p, size_t size)
{
    char      tenant[64];
    unsigned  number;

    tenant[0] = '\0';

    if (l->tenants) {
        snprintf(tenant, sizeof(tenant), "X-Tenant: t%u\r\n",
                 (unsigned) (c - l->conn) % l->tenants);
    }

    number = c->channel ? (unsigned) (c->channel - l->channel)
                        : c->publisher->first_channel;

    if (c->channel == NULL && !l->by_websocket) {
        c->state = LOAD_LIVE;
        return 0;
    }

    if (l->target == LOAD_REDIS) {
        return load_redis_hello(c, number, p, size);
    }

    if (l->target == LOAD_BARE) {
        c->state = LOAD_JOINING;
        return (size_t) snprintf((char *) p, size, "JOIN %u\n", number);
    }

    c->state = LOAD_UPGRADING;

    if (l->target == LOAD_HTTP) {
        return (size_t) snprintf((char *) p, size,
                                 "GET /nothing HTTP/1.1\r\n"
                                 "Host: 127.0.0.1\r\n"
                                 "Connection: close\r\n"
                                 "\r\n");
    }

    if (l->target == LOAD_NCHAN) {
        return (size_t) snprintf((char *) p, size,
                                 "GET /%s?id=%u HTTP/1.1\r\n" LOAD_UPGRADE,
                                 c->channel ? "sub" : "pub", number, tenant);
    }

    return (size_t) snprintf((char *) p, size,
                             "GET /connection/websocket HTTP/1.1\r\n"
                             LOAD_UPGRADE, tenant);
}


size_t
load_target_join(load_t *l, load_conn_t *c, uint8_t *p)
{
    int   n;
    char  text[LOAD_TEXT_MAX], recover[LOAD_TEXT_MAX / 4];

    if (l->target == LOAD_NCHAN) {
        c->state = LOAD_LIVE;
        return 0;
    }

    recover[0] = '\0';

    if (c->epoch[0]) {
        snprintf(recover, sizeof(recover),
                 ",\"recover\":true,\"offset\":%llu,\"epoch\":\"%s\"",
                 (unsigned long long) c->offset, c->epoch);
    }

    c->state = LOAD_JOINING;

    if (c->channel) {
        n = snprintf(text, sizeof(text),
                     "{\"id\":1,\"connect\":{}}\n"
                     "{\"id\":2,\"subscribe\":{\"channel\":\"%s:%u\"%s}}",
                     load_target_namespace(l),
                     (unsigned) (c->channel - l->channel), recover);
    } else {
        n = snprintf(text, sizeof(text), "{\"id\":1,\"connect\":{}}");
        c->publisher->id = LOAD_FIRST_ID;
        c->publisher->reply_id = LOAD_FIRST_ID;
    }

    return load_wire_mask(p, 1, (uint8_t *) text, (size_t) n);
}


size_t
load_target_request(load_t *l, load_conn_t *c, load_channel_t *ch, uint8_t *p,
    const uint8_t *digits)
{
    char      id[16];
    uint8_t   text[LOAD_TEXT_MAX];
    uint8_t  *to;

    to = l->by_websocket ? text : p;

    memcpy(to, ch->request.text, ch->request.len);
    memcpy(to + ch->request.digits, digits, LOAD_DIGITS);

    if (ch->request.key) {
        memcpy(to + ch->request.key, digits, LOAD_DIGITS);
    }

    if (!l->by_websocket) {
        return ch->request.len;
    }

    if (l->target == LOAD_RT) {
        snprintf(id, sizeof(id), "%u", c->publisher->id++);
        memcpy(text + LOAD_ID_AT, id, 10);
    }

    return load_wire_mask(p, 1, text, ch->request.len);
}


void
load_target_message(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    uint8_t  *nl;

    if (l->target == LOAD_BARE && c->state == LOAD_JOINING) {
        c->state = LOAD_LIVE;
        return;
    }

    if (l->target == LOAD_NCHAN && c->publisher) {
        if (!load_target_has(p, len, "queued messages: ")) {
            load_fail("reply to a publish: %.*s", (int) len, p);
        }

        load_check_replied(l, c);
        return;
    }

    if (l->target != LOAD_RT) {
        load_target_delivery(l, c, p, len);
        return;
    }

    while ((nl = memchr(p, '\n', len)) != NULL) {
        load_target_object(l, c, p, (size_t) (nl - p));
        len -= (size_t) (nl + 1 - p);
        p = nl + 1;
    }

    if (len) {
        load_target_object(l, c, p, len);
    }
}


/* one object of the client protocol */
static void
load_target_object(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t   n;
    uint8_t  pong[16];

    if (len == 2) {
        if (c->pong) {
            n = load_wire_mask(pong, 1, (uint8_t *) "{}", 2);
            load_conn_send(c, pong, n);
        }

        return;
    }

    if (c->state == LOAD_JOINING) {
        load_target_rt_joining(l, c, p, len);

    } else if (c->publisher) {
        load_target_rt_reply(l, c, p, len);

    } else {
        load_target_delivery(l, c, p, len);
    }
}


static void
load_target_rt_joining(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    if (load_target_has(p, len, "\"error\"")) {
        load_fail("joining: %.*s", (int) len, p);
    }

    if (load_target_has(p, len, "\"connect\":")) {
        c->pong = load_target_has(p, len, "\"pong\":true");

        if (c->publisher) {
            c->state = LOAD_LIVE;
        }

    } else if (load_target_has(p, len, "\"subscribe\":")) {

        if (l->history) {
            load_target_stream(l, c, p, len);
        }

        c->state = LOAD_LIVE;

    } else {
        load_fail("joining: %.*s", (int) len, p);
    }
}


/* where in the history it stands, and what it missed since it was here */
static void
load_target_stream(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t    n;
    uint8_t  *end, *pub, *epoch;

    end = p + len;
    epoch = memmem(p, len, "\"epoch\":\"", 9);

    if (epoch == NULL) {
        load_fail("no history: %.*s", (int) len, p);
    }

    if (c->epoch[0] && !load_target_has(p, len, "\"recovered\":true")) {
        load_fail("not recovered: %.*s", (int) len, p);
    }

    for (n = 0; n < LOAD_EPOCH - 1 && epoch[9 + n] != '"'; n++) {
        c->epoch[n] = (char) epoch[9 + n];
    }

    while ((pub = memmem(p, (size_t) (end - p), "\"seq\":\"", 7)) != NULL) {
        load_check_delivered(l, c, pub + 7);

        p = memmem(pub, (size_t) (end - pub), "\"offset\":", 9);

        if (p == NULL) {
            load_fail("a publication without an offset");
        }

        c->offset = strtoull((char *) p + 9, NULL, 10);
        p += 9;
    }
}


static void
load_target_rt_reply(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    int   n;
    char  text[64];

    n = snprintf(text, sizeof(text), "{\"id\":%u,\"publish\":{}}",
                 c->publisher->reply_id++);

    if (len != (size_t) n || memcmp(p, text, len) != 0) {
        load_fail("reply to a publish: %.*s, not %s", (int) len, p, text);
    }

    load_check_replied(l, c);
}


void
load_target_delivery(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t            end;
    load_template_t  *t;

    t = &c->channel->delivery;
    end = t->digits + LOAD_DIGITS;

    if (l->history) {
        len = load_target_positioned(c, p, len);
    }

    if (l->by_websocket) {
        len = load_target_anonymous(p, len);
    }

    if (len == t->len
        && memcmp(p, t->text, t->digits) == 0
        && memcmp(p + end, t->text + end, len - end) == 0)
    {
        load_check_delivered(l, c, p + t->digits);
        return;
    }

    if (l->counts.corrupt++ == 0) {
        fprintf(stderr, "load: not what was published: %.*s\n", (int) len, p);
    }
}


/* takes out who published it, which clients' publications say at their end */
static size_t
load_target_anonymous(uint8_t *p, size_t len)
{
    size_t             info;

    static const char  head[] = ",\"info\":{\"client\":\"";
    static const char  tail[] = "\"}}}}";

    info = sizeof(head) - 1 + LOAD_UUID + sizeof(tail) - 1;

    if (len < info
        || memcmp(p + len - info, head, sizeof(head) - 1) != 0
        || memcmp(p + len - sizeof(tail) + 1, tail, sizeof(tail) - 1) != 0)
    {
        return len;
    }

    memcpy(p + len - info, "}}}", 3);

    return len - info + 3;
}


/* takes out the offset, which stands at the end */
static size_t
load_target_positioned(load_conn_t *c, uint8_t *p, size_t len)
{
    size_t             end;

    static const char  head[] = ",\"offset\":";

    for (end = len - 3; end > 0 && p[end - 1] >= '0' && p[end - 1] <= '9';
         end--)
    {
        /* void */
    }

    if (end < sizeof(head)
        || memcmp(p + end - sizeof(head) + 1, head, sizeof(head) - 1) != 0)
    {
        return len;
    }

    c->offset = strtoull((char *) p + end, NULL, 10);

    end -= sizeof(head) - 1;
    memcpy(p + end, "}}}", 3);

    return end + 3;
}


static const char *
load_target_namespace(load_t *l)
{
    return l->durable ? "durable" : l->history ? "kept" : "bench";
}


static bool
load_target_has(const uint8_t *p, size_t len, const char *text)
{
    return memmem(p, len, text, strlen(text)) != NULL;
}
