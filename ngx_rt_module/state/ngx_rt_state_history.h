
/*
 * Histories of channels, and those that are copies of streams; the keys that
 * stand with them; other nodes.
 *
 * Included by ngx_rt_state.h, which has the structs.
 */


#ifndef _NGX_RT_STATE_HISTORY_H_INCLUDED_
#define _NGX_RT_STATE_HISTORY_H_INCLUDED_


/* ngx_rt_history.c: all in a transaction of the caller's */

/*
 * The channel's history as the namespace has it now: begun, ended, of another
 * size; a worker that leaves changes nothing.  NULL in *h: there is none, or it
 * is a copy that was not read.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_history_open_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_rt_namespace_t *ns, ngx_rt_history_t **h);

/* an entry may be so large */
ngx_uint_t ngx_rt_history_fits(const rt_publication_t *pub);

/* from now on nobody reads it, and it has no epoch; it is there, though */
void ngx_rt_history_stop_locked(ngx_rt_state_t *st, ngx_rt_history_t *h);

/*
 * Appends to it and sets the publication's offset; time: of this publication,
 * as ngx_current_msec.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_history_append_locked(ngx_rt_state_t *st,
    ngx_rt_history_t *h, uint64_t time, rt_publication_t *pub);

/*
 * By transactions of its own: drops up to so many entries that are old or too
 * many.  NGX_AGAIN: there are more.
 */
ngx_int_t ngx_rt_history_trim_locked(ngx_rt_state_t *st, ngx_rt_history_t *h,
    ngx_uint_t max);

/*
 * Before a member or an entry comes, and after one has gone: what has neither
 * is spare, and goes when its tenant needs the room.
 */
void ngx_rt_history_hold_locked(ngx_rt_channel_t *ch, rt_txn_t *x);
void ngx_rt_history_settle_locked(ngx_rt_channel_t *ch, rt_txn_t *x);

/* source and offset of what was published last */
void ngx_rt_history_top_locked(ngx_rt_channel_t *ch, ngx_rt_position_t *top);

/* nothing in it, and not to be kept for its position either */
ngx_uint_t ngx_rt_history_void_locked(ngx_rt_channel_t *ch);

/* the end of it, with the channel's */
void ngx_rt_history_expire_locked(ngx_rt_state_t *st, ngx_rt_history_t *h);

/* gives the spare one of the tenant that was so first; NGX_DECLINED: none */
ngx_int_t ngx_rt_history_evict_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t);

/*
 * Once a second, by one worker of all: gives back the room of what is old in
 * some of the zone's histories, and those of which nothing is left but their
 * position, unused for meta_ttl msec.  Takes the mutex by itself, for a little
 * at a time.  NGX_AGAIN: it was enough for now.
 */
ngx_int_t ngx_rt_history_sweep(ngx_rt_zone_t *z, ngx_msec_t meta_ttl);

/* ngx_rt_history_read.c: these lock by themselves */

#define NGX_RT_SLICE        64            /* publications of a hold */
#define NGX_RT_SLICE_BYTES  (64 * 1024)   /* of their parts */

#define NGX_RT_HISTORY_CAP  300           /* publications of a reply */
#define NGX_RT_REPLY_BYTES  (256 * 1024)  /* of their parts */


/*
 * Some of a history.  What was read is in memory of the worker's and good until
 * the next is read.
 */
typedef struct {
    uint64_t                   from;          /* the offset to begin with */
    uint64_t                   to;            /* the last one wanted */
    ngx_uint_t                 reverse;       /* down from `from` to `to` */
    ngx_uint_t                 max;           /* publications */
    size_t                     bytes;         /* one is read in any case */

    ngx_str_t                 *tenant;        /* where no channel is given */
    ngx_str_t                 *channel;

    ngx_rt_position_t          top;           /* answered: of the history */
    uint64_t                   absent;        /* up to this offset the stream
                                                 may have what the copy has
                                                 not; 0: it has not */
    uint64_t                   emptied;       /* up to this one it has nothing,
                                                 as far as is known */
    ngx_uint_t                 n;
    rt_publication_t          *pubs;          /* from the first one on that is
                                                 there, without a hole */
} ngx_rt_slice_t;


/*
 * Of a channel that a member of this worker's holds; NULL: of that of the
 * slice's tenant and name, if it is there.
 */
void ngx_rt_history_read(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_slice_t *s);

/*
 * All that a slice asks for and more than one hold may give, copied into the
 * list's pool (rt_publication_t); ch is held as above.  s->top is that of the
 * beginning.  NGX_DECLINED: the stream may have more of it, ask that;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_history_list(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_slice_t *s, ngx_array_t *list);

/* the tenant's channel of that name, if it has a history, or NULL */
ngx_rt_channel_t *ngx_rt_history_channel_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *channel);

/*
 * What is in it is gone; its position stays.  at: up to there, if it is still
 * of that source; NULL: all.
 */
void ngx_rt_history_remove(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at);

/*
 * What a reader asks for who says since where (or not), in which direction, and
 * how many (less than 0: all), as a slice; not its bytes.
 */
void ngx_rt_history_range(ngx_rt_slice_t *s, ngx_uint_t since,
    uint64_t offset, ngx_uint_t reverse, int64_t limit);

/* the text of a position's epoch is what the client says, or it says none */
ngx_uint_t ngx_rt_history_epoch_is(ngx_rt_zone_t *z, uint64_t source,
    const rt_str_t *epoch);

/* NGX_RT_EPOCH_LEN letters; 0: no source, no epoch */
size_t ngx_rt_history_epoch(ngx_rt_zone_t *z, uint64_t source, u_char *epoch);


/* ngx_rt_copy.c: these lock by themselves */

/*
 * What stands in the stream at that place; time: the stream's, wall clock,
 * msec.  NGX_OK: entered, and told in the log, in one hold; NGX_DONE: it was
 * there; NGX_AGAIN: there is a gap before it, its epoch is another, or the copy
 * has another one there: the stream is to be read; NGX_DECLINED: the node has
 * no copy of the channel, or, unless it is wanted, neither members nor a
 * listener; NGX_ERROR: no room, the copy begins anew behind it.
 */
ngx_int_t ngx_rt_copy_append(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at, uint64_t time,
    rt_publication_t *pub, ngx_uint_t wanted, ngx_rt_told_t *told);

/*
 * The copy begins anew behind an offset of an epoch, unless it is of it and
 * there already (NGX_DONE); those who had something else are told of a hole.
 * NGX_DECLINED: the node has none.
 */
ngx_int_t ngx_rt_copy_place(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_position_t *at, ngx_rt_told_t *told);


/*
 * Someone came or went in another node: those who watch here are told, if the
 * worker of the slot listens to the channel.
 */
void ngx_rt_channel_hear(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, ngx_uint_t kind,
    rt_client_info_t *info, ngx_rt_told_t *told);

/*
 * In the data of a record of a join or leave that is to be told to others: the
 * slot of who tells them, the tenant, a zero, the channel.
 */
#define NGX_RT_CHANGE_MAX  (1 + NGX_RT_TENANT_MAX + 1 + NGX_RT_CHANNEL_MAX)


/*
 * The stream was asked and has not that offset, nor those before, of that
 * source; ch is held.
 */
void ngx_rt_copy_empty(ngx_rt_zone_t *z, ngx_rt_channel_t *ch,
    ngx_rt_position_t *at);


/* ngx_rt_line.c: these lock by themselves but for ..._heard() */

/* the worker of the slot hears of other nodes; does not any more */
void ngx_rt_line_begin(ngx_rt_zone_t *z, ngx_uint_t slot);
void ngx_rt_line_cut(ngx_rt_zone_t *z, ngx_uint_t slot, uint64_t owner);

/*
 * A worker listens to the channel; it is that of the slot.  The state's mutex
 * is held, or it is only a guess.
 */
ngx_uint_t ngx_rt_channel_heard(ngx_rt_state_t *st, ngx_rt_channel_t *ch);
ngx_uint_t ngx_rt_channel_heard_by(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_uint_t slot);


/* what there is in this node of a channel that others have, too */
typedef struct {
    ngx_rt_position_t          top;           /* of a copy; no source: it was
                                                 not read */
    ngx_uint_t                 members;
    ngx_uint_t                 listener;      /* NGX_RT_NO_SLOT: nobody */
    uint64_t                   line;          /* the listener's */
    ngx_uint_t                 fresh;
    uint64_t                   emptied;       /* up to there, as far as it
                                                 was told */
} ngx_rt_copy_t;


/* NGX_DECLINED: nothing */
ngx_int_t ngx_rt_copy_look(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_rt_copy_t *copy);

/*
 * The same; and if it has members and nobody listens, the worker of the slot
 * does from now on, if it has a line.
 */
ngx_int_t ngx_rt_channel_claim(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, ngx_rt_copy_t *copy);

/* the same, members or not, and there is a copy then; NGX_ERROR: no room */
ngx_int_t ngx_rt_copy_claim(ngx_rt_zone_t *z, ngx_rt_namespace_t *ns,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_uint_t slot,
    ngx_rt_copy_t *copy, ngx_rt_told_t *told);

/*
 * Its listener had subscribed with that line, the stream was read up to top and
 * all of it entered: it is fresh.  NGX_DECLINED: something else is by now.
 */
ngx_int_t ngx_rt_copy_freshen(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot, uint64_t line,
    ngx_rt_position_t *top);

/* that worker listens no more */
void ngx_rt_channel_release(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t slot);


/* ngx_rt_peer.c: other nodes; these lock by themselves */

/*
 * One was heard.  NGX_OK: for the first time; NGX_DONE: it is known;
 * NGX_DECLINED: there are NGX_RT_PEERS already.
 */
ngx_int_t ngx_rt_peer_meet(ngx_rt_zone_t *z, const u_char *id);

/* it has said that it leaves; NGX_DECLINED: it was not known */
ngx_int_t ngx_rt_peer_part(ngx_rt_zone_t *z, const u_char *id);

/* those that were not heard of for so long are gone; returns how many */
ngx_uint_t ngx_rt_peer_expire(ngx_rt_zone_t *z, ngx_msec_t silent);

/* the mutex is held, or it is only a guess */
ngx_uint_t ngx_rt_peer_alive(ngx_rt_state_t *st, const u_char *id);

/*
 * The caller is the one to tell of this node now, if nobody has within that
 * time (NGX_OK); nobody has: the next one may.
 */
ngx_int_t ngx_rt_beat_claim(ngx_rt_zone_t *z, ngx_msec_t since);
void ngx_rt_beat_void(ngx_rt_zone_t *z);


/* ngx_rt_idem.c */

/* rt_idempotency [window=TIME] [keys=NUMBER] */
char *ngx_rt_idempotency(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * NGX_OK: the tenant's key is new, and it may have one more; NGX_DONE: it was
 * accepted with that content, and its first result is in *position;
 * NGX_DECLINED: with another content; NGX_BUSY: the tenant has max keys.
 * By transactions of its own, what is over gives way.
 */
ngx_int_t ngx_rt_idem_find_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_uint_t max, ngx_rt_position_t *position);

/*
 * In the transaction that accepts: a new key, its result, and how long it is
 * known.  NGX_ERROR: no room.
 */
ngx_int_t ngx_rt_idem_accept_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    rt_idem_key_t *key, ngx_msec_t window, ngx_rt_position_t *position);

/*
 * Gives back the room of keys that are over.  Takes the mutex by itself, for a
 * little at a time.  NGX_AGAIN: it was enough for now.
 */
ngx_int_t ngx_rt_idem_sweep(ngx_rt_zone_t *z);

/*
 * The first result of a tenant's key, and when that was (wall, msec), whatever
 * its content.  NGX_DECLINED: it is not known.  Takes the mutex by itself.
 */
ngx_int_t ngx_rt_idem_status(ngx_rt_zone_t *z, ngx_str_t *tenant,
    rt_idem_key_t *key, ngx_rt_position_t *position, uint64_t *time);


#endif /* _NGX_RT_STATE_HISTORY_H_INCLUDED_ */
