
/*
 * What is said to the scripts that append (ngx_rt_stream_script.c), and what
 * they answer.
 *
 * Called by ngx_rt_stream_publish.c; calls redis/.  Keeps nothing but the room
 * in which arguments are put together, which is good for one call.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_stream_entry.h"
#include "ngx_rt_stream_read.h"


/* of a call: arguments of all, of each channel, of each publication */
#define NGX_RT_APPEND_HEAD     7
#define NGX_RT_APPEND_CHANNEL  5
#define NGX_RT_APPEND_ENTRY    7
#define NGX_RT_APPEND_KEYS     4

/* of a publication, the short way: data; info and tags, too; a key's digest */
#define NGX_RT_APPEND_DATA     1
#define NGX_RT_APPEND_TEXTS    3
#define NGX_RT_APPEND_KEYED    4

#define NGX_RT_APPEND_ARGS                                                    \
    (NGX_RT_APPEND_HEAD + NGX_RT_CALL_ENTRIES                                 \
     * (NGX_RT_APPEND_CHANNEL + NGX_RT_APPEND_ENTRY + NGX_RT_APPEND_KEYS))

/* the lengths of a publication, as the bus has them */
#define NGX_RT_APPEND_LENGTHS  (3 * (1 + NGX_SIZE_T_LEN) + 1)

/* run and turn: what is due now and then was done in them */
#define NGX_RT_APPEND_DUE      (NGX_RT_APPEND_RUN + 1 + NGX_INT64_LEN)

/* characters of a run that tell it from another; each one costs Redis time */
#define NGX_RT_APPEND_RUN      16

/* how often in the time of a stream what is old goes */
#define NGX_RT_APPEND_TURNS    4


typedef struct {
    ngx_uint_t                 n;
    ngx_str_t                  argv[NGX_RT_APPEND_ARGS];
    ngx_uint_t                 careful;
    ngx_uint_t                 width;         /* arguments of a publication */
    size_t                     bus;           /* 0: nobody listens */
    u_char                    *number;        /* the next to be written */
    u_char                     numbers[(NGX_RT_APPEND_HEAD
                                        + NGX_RT_APPEND_CHANNEL
                                          * NGX_RT_CALL_ENTRIES)
                                       * NGX_INT64_LEN];
    u_char                     lengths[NGX_RT_CALL_ENTRIES
                                       * NGX_RT_APPEND_LENGTHS];
    u_char                    *length;        /* the same of them */
    u_char                     dues[NGX_RT_CALL_ENTRIES][NGX_RT_APPEND_DUE];
} ngx_rt_append_args_t;


static void ngx_rt_append_keys(ngx_rt_append_args_t *a,
    ngx_rt_entry_t **entries, ngx_uint_t n);
static void ngx_rt_append_head(ngx_rt_append_args_t *a, ngx_rt_zone_t *z,
    uint64_t time);
static ngx_uint_t ngx_rt_append_width(ngx_rt_entry_t **entries, ngx_uint_t n);
static void ngx_rt_append_channel(ngx_rt_append_args_t *a,
    ngx_rt_entry_t **entries, ngx_uint_t n, u_char *due, uint64_t time);
static void ngx_rt_append_entry(ngx_rt_append_args_t *a, ngx_rt_entry_t *e);
static void ngx_rt_append_string(ngx_rt_append_args_t *a, const void *data,
    size_t len);
static void ngx_rt_append_number(ngx_rt_append_args_t *a, uint64_t n);
static ngx_uint_t ngx_rt_append_count(ngx_rt_entry_t **entries, ngx_uint_t n);
static void ngx_rt_append_again(ngx_rt_entry_t **entries, ngx_uint_t n);
static void ngx_rt_append_all(ngx_rt_entry_t **entries, ngx_uint_t n,
    redisReply *first);
static void ngx_rt_append_errors(ngx_rt_entry_t **entries, ngx_uint_t n,
    redisReply *error);
static void ngx_rt_append_one(ngx_rt_entry_t *e, redisReply *epoch,
    redisReply *r);
static void ngx_rt_append_words(ngx_rt_entry_t *e, redisReply *r);


static const struct {
    const char          *word;
    ngx_rt_published_e   outcome;
} ngx_rt_append_outcomes[] = {
    { "untold", NGX_RT_PUBLISHED },
    { "repeated", NGX_RT_PUBLISH_REPEATED },
    { "conflict", NGX_RT_PUBLISH_CONFLICT },
    { "stale", NGX_RT_PUBLISH_STALE },
    { NULL, NGX_RT_PUBLISH_AWAY }
};


ngx_int_t
ngx_rt_append_send(ngx_rt_redis_call_t *call, ngx_rt_entry_t **entries,
    ngx_uint_t n, ngx_uint_t careful, uint64_t time)
{
    ngx_uint_t                     i, nkeys, count;
    static ngx_rt_append_args_t    args;

    args.n = 0;
    args.number = args.numbers;
    args.length = args.lengths;
    args.careful = careful;
    args.width = careful ? NGX_RT_APPEND_ENTRY
                         : ngx_rt_append_width(entries, n);

    ngx_rt_append_keys(&args, entries, n);

    nkeys = args.n;

    ngx_rt_append_head(&args, entries[0]->zone, time);

    for (i = 0; i < n; i += count) {
        count = ngx_rt_append_count(&entries[i], n - i);
        ngx_rt_append_channel(&args, &entries[i], count, args.dues[i], time);
    }

    return ngx_rt_redis_eval(call, careful ? &ngx_rt_stream_accept
                                           : &ngx_rt_stream_append,
                             nkeys, args.n, args.argv);
}


static void
ngx_rt_append_keys(ngx_rt_append_args_t *a, ngx_rt_entry_t **entries,
    ngx_uint_t n)
{
    ngx_uint_t       i;
    ngx_rt_entry_t  *e;

    for (i = 0; i < n; i++) {
        e = entries[i];

        if (e->first) {
            a->argv[a->n++] = e->stream;
            a->argv[a->n++] = e->meta;
        }

        if (!a->careful) {
            if (a->width == NGX_RT_APPEND_KEYED) {
                a->argv[a->n++] = e->digest.len ? e->mark : e->meta;
            }

        } else if (e->digest.len) {
            a->argv[a->n++] = e->mark;
            a->argv[a->n++] = e->event;
        }
    }
}


/* of the bus's message as it is up to the offset; see rt_bus.h */

static void
ngx_rt_append_head(ngx_rt_append_args_t *a, ngx_rt_zone_t *z, uint64_t time)
{
    ngx_rt_main_conf_t  *mcf;
    static u_char        epoch[NGX_RT_EPOCH_LEN];
    static u_char        bus[RT_BUS_HEAD_MAX];

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    ngx_rt_append_number(a, time);

    if (a->careful) {
        a->argv[a->n++] = *ngx_rt_redis_run();
    }

    a->bus = ngx_rt_stream_others()
             ? ngx_sprintf(bus, RT_BUS_VERSION " %c %*s ", RT_BUS_PUBLICATION,
                           (size_t) NGX_RT_ID_LEN, z->state->uid)
               - bus
             : 0;

    ngx_rt_append_string(a, bus, a->bus);

    if (!a->careful) {
        ngx_rt_append_number(a, mcf->idem_window);
        ngx_rt_append_number(a, a->width);
        return;
    }

    ngx_rt_stream_epoch(epoch);

    ngx_rt_append_string(a, epoch, NGX_RT_EPOCH_LEN);
    ngx_rt_append_string(a, ngx_rt_redis_durable() ? "0" : "1", 1);
    ngx_rt_append_number(a, mcf->idem_window);
    ngx_rt_append_number(a, NGX_RT_CLAIM_PATIENCE(mcf));
}


/* most have no key, and neither info nor tags */

static ngx_uint_t
ngx_rt_append_width(ngx_rt_entry_t **entries, ngx_uint_t n)
{
    ngx_uint_t  i, width;

    width = NGX_RT_APPEND_DATA;

    for (i = 0; i < n; i++) {

        if (entries[i]->digest.len) {
            return NGX_RT_APPEND_KEYED;
        }

        if (entries[i]->info.len || entries[i]->pub.tags.len) {
            width = NGX_RT_APPEND_TEXTS;
        }
    }

    return width;
}


static void
ngx_rt_append_channel(ngx_rt_append_args_t *a, ngx_rt_entry_t **entries,
    ngx_uint_t n, u_char *due, uint64_t time)
{
    uint64_t             turn;
    ngx_str_t           *run;
    ngx_uint_t           i;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    run = ngx_rt_redis_run();
    turn = ngx_max(entries[0]->ttl / NGX_RT_APPEND_TURNS, 1);

    ngx_rt_append_number(a, entries[0]->history);
    ngx_rt_append_string(a, due, ngx_sprintf(due, "%*s %uL",
                                             ngx_min(run->len,
                                                     NGX_RT_APPEND_RUN),
                                             run->data, time / turn)
                                 - due);
    ngx_rt_append_number(a, n);

    if (a->careful) {
        ngx_rt_append_number(a, entries[0]->ttl);
        ngx_rt_append_number(a, mcf->history_meta_ttl);
    }

    for (i = 0; i < n; i++) {
        ngx_rt_append_entry(a, entries[i]);
    }
}


static void
ngx_rt_append_entry(ngx_rt_append_args_t *a, ngx_rt_entry_t *e)
{
    u_char  *p;

    ngx_rt_append_string(a, e->pub.data.data, e->pub.data.len);

    if (a->width >= NGX_RT_APPEND_TEXTS) {
        a->argv[a->n++] = e->info;
        ngx_rt_append_string(a, e->pub.tags.data, e->pub.tags.len);
    }

    if (a->width >= NGX_RT_APPEND_KEYED) {
        a->argv[a->n++] = e->digest;
    }

    if (a->careful) {
        a->argv[a->n++] = e->about;
        a->argv[a->n++] = e->version;
        a->argv[a->n++] = e->version_epoch;

    } else if (a->bus) {
        p = a->length;
        a->length = ngx_sprintf(p, " %uz %uz %uz\n", e->pub.data.len,
                                e->info.len, e->pub.tags.len);
        ngx_rt_append_string(a, p, a->length - p);
    }
}


static void
ngx_rt_append_string(ngx_rt_append_args_t *a, const void *data, size_t len)
{
    a->argv[a->n].data = (u_char *) data;
    a->argv[a->n].len = len;
    a->n++;
}


static void
ngx_rt_append_number(ngx_rt_append_args_t *a, uint64_t n)
{
    u_char  *p;

    p = a->number;
    a->number = ngx_sprintf(p, "%uL", n);

    ngx_rt_append_string(a, p, a->number - p);
}


/* of the first one's channel */

static ngx_uint_t
ngx_rt_append_count(ngx_rt_entry_t **entries, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 1; i < n && !entries[i]->first; i++) { /* void */ }

    return i;
}


/* what the reply does not say stays as if there was none */

void
ngx_rt_append_parse(redisReply *reply, ngx_rt_entry_t **entries, ngx_uint_t n)
{
    size_t        j, k;
    redisReply   *epoch;
    ngx_uint_t    i, count;

    if (reply->type == REDIS_REPLY_STRING
        && ngx_rt_append_count(entries, n) == n)
    {
        ngx_rt_append_all(entries, n, reply);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0, j = 0; i < n && j < reply->elements; i += count) {
        count = ngx_rt_append_count(&entries[i], n - i);
        epoch = reply->element[j++];

        if (epoch->type == REDIS_REPLY_NIL) {
            ngx_rt_append_again(&entries[i], count);
            continue;
        }

        if (epoch->type == REDIS_REPLY_ERROR) {
            ngx_rt_append_errors(&entries[i], count, epoch);
            continue;
        }

        if (epoch->type == REDIS_REPLY_STRING && epoch->len > NGX_RT_EPOCH_LEN)
        {
            ngx_rt_append_all(&entries[i], count, epoch);
            continue;
        }

        for (k = 0; k < count && j < reply->elements; k++) {
            ngx_rt_append_one(entries[i + k], epoch, reply->element[j++]);
        }
    }
}


static void
ngx_rt_append_again(ngx_rt_entry_t **entries, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        entries[i]->careful = 1;
    }
}


/* all were accepted, one behind the other: "EPOCH OFFSET" */

static void
ngx_rt_append_all(ngx_rt_entry_t **entries, ngx_uint_t n, redisReply *first)
{
    ngx_uint_t         i;
    redisReply         epoch, offset;
    ngx_rt_position_t  at;

    if (first->len <= NGX_RT_EPOCH_LEN) {
        return;
    }

    epoch = *first;
    epoch.len = NGX_RT_EPOCH_LEN;

    offset = *first;
    offset.str += NGX_RT_EPOCH_LEN + 1;
    offset.len -= NGX_RT_EPOCH_LEN + 1;

    if (first->str[NGX_RT_EPOCH_LEN] != ' '
        || !ngx_rt_append_position(&offset, '\0', &epoch, &at))
    {
        return;
    }

    for (i = 0; i < n; i++) {
        entries[i]->at = at;
        entries[i]->outcome = NGX_RT_PUBLISHED;
        at.offset++;
    }
}


static void
ngx_rt_append_errors(ngx_rt_entry_t **entries, ngx_uint_t n,
    redisReply *error)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        ngx_rt_entry_refused(entries[i], error);
    }
}


static void
ngx_rt_append_one(ngx_rt_entry_t *e, redisReply *epoch, redisReply *r)
{
    if (r->type == REDIS_REPLY_ERROR) {
        ngx_rt_entry_refused(e, r);

    } else if (r->type == REDIS_REPLY_NIL) {
        ngx_rt_append_again(&e, 1);

    } else if (r->type == REDIS_REPLY_ARRAY) {
        ngx_rt_append_words(e, r);

    } else if (ngx_rt_append_position(r, '-', epoch, &e->at)) {
        e->outcome = NGX_RT_PUBLISHED;
    }
}


/* a key that was used when the channel was fast may have no position */

static void
ngx_rt_append_words(ngx_rt_entry_t *e, redisReply *r)
{
    ngx_uint_t   i, none;
    redisReply  *word;

    if (r->elements != 3 || r->element[0]->type != REDIS_REPLY_STRING) {
        return;
    }

    word = r->element[0];

    none = e->digest.len && r->element[1]->type == REDIS_REPLY_STRING
           && ngx_strcmp(r->element[1]->str, "0") == 0;

    for (i = 0; ngx_rt_append_outcomes[i].word; i++) {

        if (ngx_strcmp(word->str, ngx_rt_append_outcomes[i].word) == 0
            && (ngx_rt_append_position(r->element[1], '\0', r->element[2],
                                       &e->at)
                || (none && i != 0)))
        {
            if (i == 0 || e->digest.len || e->version.len) {
                e->outcome = ngx_rt_append_outcomes[i].outcome;
            }

            return;
        }
    }
}


ngx_uint_t
ngx_rt_append_position(redisReply *offset, u_char end, redisReply *epoch,
    ngx_rt_position_t *at)
{
    if (epoch->type != REDIS_REPLY_STRING) {
        return 0;
    }

    at->source = rt_epoch_parse((u_char *) epoch->str, epoch->len);

    if (offset->type == REDIS_REPLY_INTEGER && end == '\0'
        && offset->integer > 0)
    {
        at->offset = offset->integer;

    } else if (!ngx_rt_stream_offset(offset, end, &at->offset)) {
        return 0;
    }

    return at->source != 0 && at->offset != 0;
}
