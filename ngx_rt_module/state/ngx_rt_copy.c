
/*
 * Copies: the history of a durable channel is the end of its stream, which is
 * in Redis.  An entry goes in only behind the one before it, so it does not
 * matter in which order the answers of the node's own publications, those of
 * others and what is read of the stream come, nor which worker has them.  What
 * cannot be joined to it is never entered: the copy is read on, or begins anew.
 *
 * Called by stream/, with nothing held.  Everything that reads histories reads
 * copies, too.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* what an entry may evict to find room */
#define NGX_RT_COPY_EVICT  64

/* old entries that give way to a new one */
#define NGX_RT_COPY_TRIM   4


/* an entry on its way */
typedef struct {
    ngx_rt_position_t         *at;
    uint64_t                   time;
    rt_publication_t          *pub;
    ngx_uint_t                 wanted;
} ngx_rt_copy_entry_t;


static ngx_int_t ngx_rt_copy_append_locked(ngx_rt_zone_t *z,
    ngx_rt_channel_t *ch, ngx_rt_copy_entry_t *e, ngx_rt_told_t *told);
static ngx_int_t ngx_rt_copy_follows_locked(ngx_rt_state_t *st,
    ngx_rt_channel_t *ch, ngx_rt_copy_entry_t *e);
static ngx_uint_t ngx_rt_copy_same(ngx_rt_history_t *h,
    ngx_rt_copy_entry_t *e);
static uint64_t ngx_rt_copy_time(ngx_rt_history_t *h, uint64_t time);
static void ngx_rt_copy_tell_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    rt_publication_t *pub, ngx_rt_told_t *told);
static void ngx_rt_copy_tell_look_locked(ngx_rt_zone_t *z,
    ngx_rt_channel_t *ch, ngx_rt_told_t *told);
static ngx_int_t ngx_rt_copy_place_locked(ngx_rt_zone_t *z,
    ngx_rt_channel_t *ch, ngx_rt_position_t *at, ngx_rt_told_t *told);
static void ngx_rt_copy_complain(ngx_rt_zone_t *z, ngx_str_t *tenant);


ngx_int_t
ngx_rt_copy_append(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_position_t *at, uint64_t time, rt_publication_t *pub,
    ngx_uint_t wanted, ngx_rt_told_t *told)
{
    ngx_int_t             rc;
    ngx_uint_t            i;
    ngx_rt_channel_t     *ch;
    ngx_rt_copy_entry_t   e;

    e.at = at;
    e.time = time;
    e.pub = pub;
    e.wanted = wanted;

    for (i = 0; i < NGX_RT_COPY_EVICT; i++) {

        ngx_rt_state_lock(z);

        ch = ngx_rt_history_channel_locked(z->state, tenant, channel);

        rc = ch ? ngx_rt_copy_append_locked(z, ch, &e, told) : NGX_DECLINED;

        if (rc == NGX_ERROR
            && ngx_rt_zone_retry_locked(z, tenant, NULL, told) != NGX_OK)
        {
            i = NGX_RT_COPY_EVICT;
        }

        ngx_rt_state_unlock(z);

        if (rc == NGX_BUSY) {
            break;
        }

        if (rc != NGX_ERROR) {
            return rc;
        }
    }

    /* a hole that is told: the subscribers get what comes behind it */

    ngx_rt_copy_complain(z, tenant);
    (void) ngx_rt_copy_place(z, tenant, channel, at, told);

    return NGX_ERROR;
}


static ngx_int_t
ngx_rt_copy_append_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_copy_entry_t *e, ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_rt_state_t    *st;
    ngx_rt_history_t  *h;

    st = z->state;
    h = ch->history;

    rc = ngx_rt_copy_follows_locked(st, ch, e);

    if (rc != NGX_OK) {
        return rc;
    }

    if (!ngx_rt_history_fits(e->pub)) {
        return NGX_BUSY;
    }

    if (ngx_rt_history_append_locked(st, h, ngx_rt_copy_time(h, e->time),
                                     e->pub)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rt_txn_set(&st->txn, &h->stamp, e->time);

    if (!rt_txn_commit(&st->txn)) {
        return NGX_ERROR;
    }

    ngx_rt_copy_tell_locked(z, ch, e->pub, told);

    (void) ngx_rt_history_trim_locked(st, h, NGX_RT_COPY_TRIM);

    return NGX_OK;
}


/* NGX_OK: it comes right behind the last one; else as ngx_rt_copy_append() */

static ngx_int_t
ngx_rt_copy_follows_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_copy_entry_t *e)
{
    ngx_rt_history_t  *h;

    h = ch->history;

    if (!e->wanted && ch->clients == 0 && ch->muted == 0
        && !ngx_rt_channel_heard(st, ch))
    {
        return NGX_DECLINED;
    }

    if (h->source != e->at->source || e->at->offset > h->list.top + 1) {
        return NGX_AGAIN;
    }

    /* its end may be one that the stream has lost: that is looked at first */

    if (!e->wanted && !(h->fresh && ngx_rt_channel_heard(st, ch))) {
        return NGX_AGAIN;
    }

    if (e->at->offset < h->list.top) {
        return NGX_DONE;
    }

    if (e->at->offset > h->list.top) {
        return NGX_OK;
    }

    if (ngx_rt_copy_same(h, e)) {
        return NGX_DONE;
    }

    rt_txn_set(&st->txn, &h->fresh, 0);
    (void) rt_txn_commit(&st->txn);

    return NGX_AGAIN;
}


/* it is the last one in the copy, as far as that can tell */

static ngx_uint_t
ngx_rt_copy_same(ngx_rt_history_t *h, ngx_rt_copy_entry_t *e)
{
    u_char               info[NGX_RT_RECORD_INFO_MAX];
    rt_history_entry_t  *last;

    last = h->list.last;

    if (last == NULL || last->offset != h->list.top) {
        return 1;
    }

    return h->stamp == e->time
           && last->data == e->pub->data.len
           && last->tags == e->pub->tags.len
           && last->info == ngx_rt_record_info(e->pub, info)
           && rt_history_data_is(last, e->pub->data.data);
}


/*
 * The stream's time is of a clock on the wall, a history's is not: what counts
 * is its age.  It never goes back within a history.
 */

static uint64_t
ngx_rt_copy_time(ngx_rt_history_t *h, uint64_t time)
{
    uint64_t     now, age;
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;

    age = now > time ? now - time : 0;
    time = ngx_current_msec - ngx_min(age, h->ttl);

    if (h->list.last && (int64_t) (time - h->list.last->time) < 0) {
        time = h->list.last->time;
    }

    return time;
}


static void
ngx_rt_copy_tell_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    rt_publication_t *pub, ngx_rt_told_t *told)
{
    if (ch->workers == 0) {
        return;
    }

    if (ngx_rt_record_fits(z, pub)) {
        ngx_rt_record_append_locked(z, ch, NGX_RT_RECORD_PUBLICATION,
                                    ch->workers, pub, told);
        return;
    }

    ngx_rt_copy_tell_look_locked(z, ch, told);
}


/* the workers that care have something to read in it, or a hole to tell */

static void
ngx_rt_copy_tell_look_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_told_t *told)
{
    rt_publication_t  pub;

    if (ch->workers) {
        ngx_memzero(&pub, sizeof(rt_publication_t));
        ngx_rt_record_append_locked(z, ch, NGX_RT_RECORD_LOOK, ch->workers,
                                    &pub, told);
    }
}


ngx_int_t
ngx_rt_copy_place(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_rt_position_t *at, ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_rt_channel_t  *ch;

    do {
        ngx_rt_state_lock(z);

        ch = ngx_rt_history_channel_locked(z->state, tenant, channel);

        rc = ch ? ngx_rt_copy_place_locked(z, ch, at, told) : NGX_DECLINED;

        ngx_rt_state_unlock(z);

    } while (rc == NGX_AGAIN);

    return rc;
}


/* from the first hold on nobody reads what is in it, and nothing is entered */

static ngx_int_t
ngx_rt_copy_place_locked(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_position_t *at, ngx_rt_told_t *told)
{
    rt_txn_t          *x;
    ngx_rt_history_t  *h;

    x = &z->state->txn;
    h = ch->history;

    if (h->source == at->source && h->list.top >= at->offset) {
        return NGX_DONE;
    }

    if (h->source) {
        ngx_rt_history_stop_locked(z->state, h);
        (void) rt_txn_commit(x);
    }

    if (ngx_rt_history_trim_locked(z->state, h, NGX_RT_SLICE) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (h->source != at->source) {
        rt_txn_set(x, &h->emptied, 0);
    }

    rt_txn_set(x, &h->source, at->source);
    rt_txn_set(x, &h->list.top, at->offset);
    rt_txn_set(x, &h->floor, at->offset);
    rt_txn_set(x, &h->stamp, 0);
    rt_txn_set(x, &h->version, 0);
    rt_txn_set(x, &h->used, ngx_current_msec);
    (void) rt_txn_commit(x);

    ngx_rt_copy_tell_look_locked(z, ch, told);

    return NGX_OK;
}


void
ngx_rt_copy_empty(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_position_t *at)
{
    rt_txn_t          *x;
    ngx_rt_history_t  *h;

    x = &z->state->txn;

    ngx_rt_state_lock(z);

    h = ch->history;

    if (h && h->source == at->source && h->emptied < at->offset) {
        rt_txn_set(x, &h->emptied, at->offset);
        (void) rt_txn_commit(x);
    }

    ngx_rt_state_unlock(z);
}


/* the log need not have it more often than once a second */

static void
ngx_rt_copy_complain(ngx_rt_zone_t *z, ngx_str_t *tenant)
{
    static time_t  last;

    if (last == ngx_time()) {
        return;
    }

    last = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "rt_zone \"%V\" has no room for a publication of a durable "
                  "channel of tenant \"%V\", its subscribers are told that "
                  "they miss some; make it larger", &z->name, tenant);
}
