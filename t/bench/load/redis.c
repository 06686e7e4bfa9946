
/*
 * Redis, in two ways:
 *
 *   as a server of its own   --target redis: publishers say PUBLISH, and
 *          subscribers have said SUBSCRIBE; --target script: publishers call
 *          the least script that does what a durable publish needs, one message
 *          a call
 *   beside another server    what it says that it has done, from INFO
 *
 * Called by target.c, conn.c, load.c and recover.c; calls check.c and target.c.
 */


#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"


#define LOAD_REDIS_INFO  65536
#define LOAD_REDIS_SHA   40


/*
 * The measure for ours: has the key been seen? else the entry, the key with its
 * result, and whoever listens.
 */
static const char  load_redis_script[] =
    "local seen = redis.call('GET', KEYS[2])\n"
    "if seen then return seen end\n"
    "local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, '*',\n"
    "                      'data', ARGV[1])\n"
    "redis.call('SET', KEYS[2], id, 'EX', 300)\n"
    "redis.call('PUBLISH', KEYS[3], ARGV[1])\n"
    "return id\n";


static const char *load_redis_sha(load_t *l);
static size_t load_redis_ask(load_t *l, const char *command, char *reply,
    size_t size);
static size_t load_redis_reply(uint8_t *p, size_t len);
static size_t load_redis_bulk(uint8_t *p, size_t len, uint8_t **data,
    size_t *size);
static size_t load_redis_message(load_t *l, load_conn_t *c, uint8_t *p,
    size_t len);


void
load_redis_templates(load_t *l, uint32_t number, const char *payload)
{
    int              n;
    char             text[LOAD_TEXT_MAX * 2], name[32];
    load_channel_t  *ch;

    ch = &l->channel[number];
    n = snprintf(name, sizeof(name), "bench:%u", number);

    load_target_template(&ch->delivery, payload);

    if (l->target == LOAD_REDIS) {
        snprintf(text, sizeof(text),
                 "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n",
                 n, name, LOAD_PAYLOAD, payload);

    } else {
        snprintf(text, sizeof(text),
                 "*7\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n3\r\n"
                 "$%d\r\nstream:%s\r\n"
                 "$%d\r\n%s:key:%016d\r\n"
                 "$%d\r\nbus:%s\r\n"
                 "$%d\r\n%s\r\n",
                 load_redis_sha(l), n + 7, name, n + 5 + LOAD_DIGITS, name, 0,
                 n + 4, name, LOAD_PAYLOAD, payload);
    }

    load_target_template(&ch->request, text);
}


static const char *
load_redis_sha(load_t *l)
{
    char         command[sizeof(load_redis_script) + 64];
    static char  reply[LOAD_REDIS_SHA + 8], sha[LOAD_REDIS_SHA + 1];

    if (sha[0]) {
        return sha;
    }

    snprintf(command, sizeof(command),
             "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
             sizeof(load_redis_script) - 1, load_redis_script);

    if (load_redis_ask(l, command, reply, sizeof(reply)) < sizeof(reply) - 1
        || strncmp(reply, "$40\r\n", 5) != 0)
    {
        load_fail("Redis takes no script: %s", reply);
    }

    memcpy(sha, reply + 5, LOAD_REDIS_SHA);

    return sha;
}


/* a command on a connection of its own; the length of what is known of it */
static size_t
load_redis_ask(load_t *l, const char *command, char *reply, size_t size)
{
    int      fd;
    char    *end;
    size_t   len, whole;
    ssize_t  n;

    fd = load_conn_socket(l->redis_port ? l->redis_port : l->port);
    n = send(fd, command, strlen(command), 0);

    len = 0;
    whole = size - 1;

    while (n > 0 && len < whole) {
        n = recv(fd, reply + len, whole - len, 0);

        if (n <= 0) {
            break;
        }

        len += (size_t) n;
        reply[len] = '\0';

        end = strstr(reply, "\r\n");

        if (end && reply[0] == '$') {
            n = atoi(reply + 1);
            whole = (size_t) (end + 4 - reply) + (size_t) n;
        }

        if (whole > size - 1 || (end && reply[0] == '-')) {
            load_fail("Redis: %.200s", reply);
        }
    }

    close(fd);
    reply[len] = '\0';

    return len;
}


size_t
load_redis_hello(load_conn_t *c, unsigned number, uint8_t *p, size_t size)
{
    c->state = LOAD_JOINING;

    return (size_t) snprintf((char *) p, size, "SUBSCRIBE bench:%u\r\n",
                             number);
}


size_t
load_redis_read(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t  n;

    if (c->channel) {
        return load_redis_message(l, c, p, len);
    }

    n = load_redis_reply(p, len);

    if (n) {
        load_check_replied(l, c);
    }

    return n;
}


/* a number or a string */
static size_t
load_redis_reply(uint8_t *p, size_t len)
{
    size_t    size;
    uint8_t  *end, *data;

    if (len == 0) {
        return 0;
    }

    if (p[0] == '$') {
        return load_redis_bulk(p, len, &data, &size);
    }

    end = memmem(p, len, "\r\n", 2);

    if (p[0] != ':' && end) {
        load_fail("reply of Redis: %.*s", (int) (end - p), p);
    }

    return end ? (size_t) (end + 2 - p) : 0;
}


static size_t
load_redis_bulk(uint8_t *p, size_t len, uint8_t **data, size_t *size)
{
    size_t    head;
    uint8_t  *end;

    end = memmem(p, len, "\r\n", 2);

    if (end == NULL) {
        return 0;
    }

    if (p[0] != '$') {
        load_fail("no string of Redis: %.*s", (int) (end - p), p);
    }

    head = (size_t) (end + 2 - p);

    *size = strtoul((char *) p + 1, NULL, 10);
    *data = p + head;

    return len >= head + *size + 2 ? head + *size + 2 : 0;
}


/* three of them: what it is, the channel, the text or a number */
static size_t
load_redis_message(load_t *l, load_conn_t *c, uint8_t *p, size_t len)
{
    size_t    used, n, size;
    uint8_t  *what, *data;

    if (len < 4) {
        return 0;
    }

    if (memcmp(p, "*3\r\n", 4) != 0) {
        load_fail("no message of Redis: %.*s", (int) len, p);
    }

    used = 4;
    n = load_redis_bulk(p + used, len - used, &what, &size);
    used += n;

    if (n) {
        n = load_redis_bulk(p + used, len - used, &data, &size);
        used += n;
    }

    if (n == 0) {
        return 0;
    }

    if (what[0] == 's') {
        n = load_redis_reply(p + used, len - used);

        if (n) {
            c->state = LOAD_LIVE;
            l->live++;
        }

        return n ? used + n : 0;
    }

    n = load_redis_bulk(p + used, len - used, &data, &size);

    if (n) {
        load_target_delivery(l, c, data, size);
    }

    return n ? used + n : 0;
}


void
load_redis_done(load_t *l, load_redis_t *r)
{
    char                *p, *calls;
    unsigned long long   n, us;
    static char          info[LOAD_REDIS_INFO];

    memset(r, 0, sizeof(load_redis_t));

    if (l->redis_port == 0) {
        return;
    }

    (void) load_redis_ask(l, "INFO commandstats\r\n", info, sizeof(info));

    for (p = info; (p = strstr(p, "cmdstat_")) != NULL; p = calls) {
        p += 8;
        calls = strchr(p, ':');

        if (calls == NULL
            || sscanf(calls, ":calls=%llu,usec=%llu", &n, &us) != 2)
        {
            load_fail("Redis does not tell what it has done: %.100s", p);
        }

        if (strncmp(p, "info:", 5) == 0) {
            continue;
        }

        r->commands += n;

        if (strncmp(p, "eval", 4) == 0) {
            r->scripts += n;
            r->script_us += us;
        }
    }
}
