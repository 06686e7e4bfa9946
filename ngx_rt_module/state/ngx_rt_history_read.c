
/*
 * Histories are read: copied out of shared memory, a slice a hold of the mutex,
 * and told apart by their epochs; and emptied when the backend says so.
 *
 * Called by fanout/, by the protocol and by the API, with nothing held.  What
 * is older than its time is not read, whether or not it is still there.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static void ngx_rt_history_read_locked(ngx_rt_channel_t *ch,
    ngx_rt_slice_t *s);
static uint64_t ngx_rt_history_oldest(ngx_rt_history_t *h);
static uint64_t ngx_rt_history_absent(ngx_rt_history_t *h);
static ngx_int_t ngx_rt_history_deeper(ngx_rt_slice_t *s, uint64_t from,
    uint64_t last);
static void ngx_rt_history_lower_locked(ngx_rt_state_t *st,
    ngx_rt_history_t *h, ngx_rt_position_t *at);
static u_char *ngx_rt_history_take(rt_history_entry_t *e, u_char *p,
    ngx_uint_t i);
static ngx_int_t ngx_rt_history_keep(ngx_array_t *list, ngx_uint_t i);


/* of the worker: what was read last */
static u_char            ngx_rt_slice_parts[NGX_RT_SLICE_BYTES
                                            + RT_HISTORY_MAX];
static rt_log_record_t   ngx_rt_slice_records[NGX_RT_SLICE];
static rt_publication_t  ngx_rt_slice_pubs[NGX_RT_SLICE];


void
ngx_rt_history_read(ngx_rt_zone_t *z, ngx_rt_channel_t *ch, ngx_rt_slice_t *s)
{
    s->n = 0;
    s->absent = 0;
    s->emptied = 0;
    s->pubs = ngx_rt_slice_pubs;

    ngx_memzero(&s->top, sizeof(ngx_rt_position_t));

    ngx_rt_state_lock(z);

    if (ch == NULL) {
        ch = ngx_rt_history_channel_locked(z->state, s->tenant, s->channel);
    }

    if (ch) {
        ngx_rt_history_top_locked(ch, &s->top);
    }

    if (s->top.source && s->max) {
        s->absent = ngx_rt_history_absent(ch->history);
        s->emptied = ch->history->emptied;
        ngx_rt_history_read_locked(ch, s);
    }

    ngx_rt_state_unlock(z);
}


ngx_rt_channel_t *
ngx_rt_history_channel_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    ngx_str_t *channel)
{
    ngx_rt_tenant_t   *t;
    ngx_rt_channel_t  *ch;

    t = ngx_rt_tenant_lookup_locked(st, tenant);
    ch = t ? ngx_rt_channel_lookup_locked(st, t, channel) : NULL;

    return ch && ch->history ? ch : NULL;
}


static void
ngx_rt_history_read_locked(ngx_rt_channel_t *ch, ngx_rt_slice_t *s)
{
    u_char              *p;
    size_t               bytes;
    uint64_t             oldest, least, most, offset;
    ngx_uint_t           max;
    rt_history_t   *list;
    rt_history_entry_t  *e;

    list = &ch->history->list;
    oldest = ngx_rt_history_oldest(ch->history);

    least = s->reverse ? s->to : s->from;
    least = ngx_max(least, oldest);

    most = s->reverse ? s->from : s->to;
    most = ngx_min(most, s->top.offset);

    if (least > most) {
        return;
    }

    offset = s->reverse ? most : least;
    bytes = ngx_min(s->bytes, NGX_RT_SLICE_BYTES);
    max = ngx_min(s->max, NGX_RT_SLICE);
    p = ngx_rt_slice_parts;

    e = rt_history_find(list, offset);

    while (e && e->offset >= least && e->offset <= most && s->n < max) {

        if (s->n && p - ngx_rt_slice_parts + rt_history_size(e) > bytes) {
            break;
        }

        p = ngx_rt_history_take(e, p, s->n++);
        e = s->reverse ? e->prev : e->next;
    }
}


/* the offset of the first one that is to be read; one above the top: none */

static uint64_t
ngx_rt_history_oldest(ngx_rt_history_t *h)
{
    uint64_t             oldest;
    rt_history_entry_t  *e;

    e = rt_history_fresh(&h->list, ngx_current_msec, h->ttl);

    oldest = e ? e->offset : h->list.top + 1;
    oldest = ngx_max(oldest, h->floor + 1);

    if (h->list.top > h->size) {
        oldest = ngx_max(oldest, h->list.top - h->size + 1);
    }

    return oldest;
}


/*
 * A copy begins in the middle of what the channel keeps.  What it had and has
 * dropped since the stream does not have either.
 */

static uint64_t
ngx_rt_history_absent(ngx_rt_history_t *h)
{
    rt_history_entry_t  *e;

    e = h->list.first;

    if (!rt_epoch_durable(h->source) || h->floor <= h->emptied
        || h->list.top - h->floor >= h->size
        || (e && (e->offset != h->floor + 1
                  || rt_history_expired(e, ngx_current_msec, h->ttl)))
        || (e == NULL && h->list.top != h->floor))
    {
        return 0;
    }

    return h->floor;
}


static u_char *
ngx_rt_history_take(rt_history_entry_t *e, u_char *p, ngx_uint_t i)
{
    u_char           *end;
    rt_log_record_t  *record;

    record = &ngx_rt_slice_records[i];

    record->data = e->data;
    record->info = e->info;
    record->tags = e->tags;
    record->offset = e->offset;

    end = rt_history_copy(e, p);

    ngx_rt_record_parse(record, p, &ngx_rt_slice_pubs[i]);

    return end;
}


ngx_int_t
ngx_rt_history_list(ngx_rt_zone_t *z, ngx_rt_channel_t *ch, ngx_rt_slice_t *s,
    ngx_array_t *list)
{
    uint64_t            from, last, absent;
    ngx_uint_t          i;
    ngx_rt_position_t   top;
    rt_publication_t   *pub;

    from = s->from;

    ngx_rt_history_read(z, ch, s);

    top = s->top;
    absent = s->absent;
    last = 0;

    while (s->n && s->top.source == top.source) {

        /* what was trimmed in between is no hole at the beginning only */

        if (last && s->pubs[0].offset != s->from) {
            break;
        }

        for (i = 0; i < s->n; i++) {
            pub = &s->pubs[i];

            if (ngx_rt_history_keep(list, i) != NGX_OK) {
                return NGX_ERROR;
            }

            last = pub->offset;
            s->max--;
            s->bytes -= ngx_min(s->bytes, pub->data.len + pub->tags.len);
        }

        if (s->max == 0 || s->bytes == 0 || last == s->to
            || last == (s->reverse ? 1 : top.offset))
        {
            break;
        }

        s->from = s->reverse ? last - 1 : last + 1;

        rt_fault(history_read);
        ngx_rt_history_read(z, ch, s);
    }

    s->top = top;
    s->absent = absent;

    return ngx_rt_history_deeper(s, from, last);
}


/* last: what was read last, 0: nothing was */

static ngx_int_t
ngx_rt_history_deeper(ngx_rt_slice_t *s, uint64_t from, uint64_t last)
{
    if (s->absent == 0) {
        return NGX_OK;
    }

    if (!s->reverse) {
        return from <= s->absent ? NGX_DECLINED : NGX_OK;
    }

    last = last ? last - 1 : ngx_min(from, s->top.offset);

    return s->max && s->bytes && last >= s->to && last <= s->absent
           ? NGX_DECLINED : NGX_OK;
}


/* number i of the slice */

static ngx_int_t
ngx_rt_history_keep(ngx_array_t *list, ngx_uint_t i)
{
    size_t             len;
    u_char            *p;
    rt_log_record_t   *record;
    rt_publication_t  *pub;

    record = &ngx_rt_slice_records[i];
    len = (size_t) record->data + record->info + record->tags;

    pub = ngx_array_push(list);
    p = ngx_pnalloc(list->pool, len);

    if (pub == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, ngx_rt_slice_pubs[i].data.data, len);
    ngx_rt_record_parse(record, p, pub);

    return NGX_OK;
}


void
ngx_rt_history_range(ngx_rt_slice_t *s, ngx_uint_t since, uint64_t offset,
    ngx_uint_t reverse, int64_t limit)
{
    s->reverse = reverse;
    s->max = (uint64_t) limit < NGX_RT_HISTORY_CAP ? limit
                                                   : NGX_RT_HISTORY_CAP;

    if (reverse) {
        s->from = since ? offset - 1 : UINT64_MAX;
        s->to = 1;

    } else {
        s->from = since ? ngx_max(offset, offset + 1) : 1;
        s->to = UINT64_MAX;
    }
}


ngx_uint_t
ngx_rt_history_epoch_is(ngx_rt_zone_t *z, uint64_t source,
    const rt_str_t *epoch)
{
    u_char  text[NGX_RT_EPOCH_LEN];
    size_t  len;

    len = ngx_rt_history_epoch(z, source, text);

    return epoch->len == 0
           || (epoch->len == len && ngx_memcmp(epoch->data, text, len) == 0);
}


/*
 * Letters that say which source it is and tell nothing else: the secret of the
 * zone is in them, so that none is guessed, or met again in another zone.
 * Those of a durable channel are everyone's.
 */

size_t
ngx_rt_history_epoch(ngx_rt_zone_t *z, uint64_t source, u_char *epoch)
{
    uint64_t    hash;
    ngx_uint_t  i;

    if (source == 0) {
        return 0;
    }

    if (rt_epoch_durable(source)) {
        rt_epoch_text(source, epoch);
        return NGX_RT_EPOCH_LEN;
    }

    hash = rt_hash(&z->state->hash_key, (uint8_t *) &source, sizeof(source));

    for (i = 0; i < NGX_RT_EPOCH_LEN; i++) {
        epoch[i] = 'a' + hash % 26;
        hash /= 26;
    }

    return NGX_RT_EPOCH_LEN;
}


/* from the first hold on nobody reads it; the room is given back bit by bit */

void
ngx_rt_history_remove(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_position_t *at)
{
    ngx_int_t          rc;
    ngx_uint_t         done;
    ngx_rt_channel_t  *ch;

    done = 0;

    do {
        rc = NGX_OK;

        ngx_rt_state_lock(z);

        ch = ngx_rt_history_channel_locked(z->state, tenant, channel);

        if (ch) {
            if (!done) {
                ngx_rt_history_lower_locked(z->state, ch->history, at);
                rt_fault(history_floor);
                done = 1;
            }

            rc = ngx_rt_history_trim_locked(z->state, ch->history,
                                            NGX_RT_SLICE);
        }

        ngx_rt_state_unlock(z);

    } while (rc == NGX_AGAIN);
}


/* a copy may not have come so far yet */

static void
ngx_rt_history_lower_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    ngx_rt_position_t *at)
{
    uint64_t  floor;

    floor = h->list.top;

    if (at) {
        if (at->source != h->source) {
            return;
        }

        floor = ngx_min(floor, at->offset);
        rt_txn_set(&st->txn, &h->emptied, ngx_max(h->emptied, at->offset));
    }

    rt_txn_set(&st->txn, &h->floor, ngx_max(h->floor, floor));
    (void) rt_txn_commit(&st->txn);
}
