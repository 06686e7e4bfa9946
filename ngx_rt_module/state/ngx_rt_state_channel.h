
/*
 * Channels and who is in them; the records by which workers hear of them.
 *
 * Included by ngx_rt_state.h, which has the structs.
 */


#ifndef _NGX_RT_STATE_CHANNEL_H_INCLUDED_
#define _NGX_RT_STATE_CHANNEL_H_INCLUDED_


/* ngx_rt_channel.c: these lock by themselves but for _locked */

ngx_rt_channel_t *ngx_rt_channel_lookup_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);

/* in a transaction: it is there, or made; NULL: no room */
ngx_rt_channel_t *ngx_rt_channel_acquire_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);

/* in a transaction: neither members nor a history hold it any more */
void ngx_rt_channel_expire_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch);

/* as what a client is in a channel */
typedef struct {
    ngx_uint_t                 flags;         /* NGX_RT_MEMBER_* */
    ngx_str_t                  info;          /* JSON, or empty */
} ngx_rt_terms_t;


/*
 * The session enters a channel, which is made if it has to be; *top: where its
 * history is then.
 */
ngx_rt_member_t *ngx_rt_channel_join(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_namespace_t *ns, ngx_str_t *name, ngx_rt_terms_t *terms,
    ngx_rt_told_t *told, ngx_rt_position_t *top);

/* stay: NGX_RT_STAY_* */
void ngx_rt_channel_leave(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t stay, ngx_rt_told_t *told);

/* inside a transaction of the caller's */
void ngx_rt_channel_leave_locked(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t stay, ngx_rt_told_t *told);

/* what the worker of one that leaves still has in the channel */
#define NGX_RT_STAY_MEMBERS     1
#define NGX_RT_STAY_WATCHERS    2
#define NGX_RT_STAY_GHOST       4         /* the session itself stays, if it
                                             is one that may linger */

/* in transactions: the member's worker cares for the channel; not any more */
void ngx_rt_channel_attend_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);
void ngx_rt_channel_desert_locked(ngx_rt_state_t *st, ngx_rt_member_t *m,
    ngx_uint_t stay);

/* in transactions: a member goes out of the channel's list; the session's */
void ngx_rt_channel_remove_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);
void ngx_rt_channel_forget_locked(ngx_rt_state_t *st, ngx_rt_member_t *m);


/* ngx_rt_presence.c */

/* one who is in a channel, copied */
typedef struct {
    uint64_t                   serial;        /* of its membership */
    uint16_t                   len;           /* of user */
    uint16_t                   conn_len;      /* of info, its first part */
    uint16_t                   chan_len;      /* and the other */
    u_char                     id[NGX_RT_ID_LEN];
    u_char                     user[NGX_RT_USER_MAX];
    u_char                    *info;
} ngx_rt_present_t;


/* members of a hold of the mutex */
#define NGX_RT_PRESENCE_SLICE  128

/*
 * Those in a channel, ngx_rt_present_t, into list, which is empty.  All are
 * listed who were there before and after; *clients: how many there are.  infos:
 * bytes that their infos may take, 0: none are wanted.
 * NGX_DECLINED: there are more than max, or they have more to tell, and not all
 * are listed; NGX_ERROR: no memory.
 */
ngx_int_t ngx_rt_presence_read(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_uint_t max, size_t infos, ngx_array_t *list,
    uint64_t *clients);

/* the same as values, which point into the list; info: as many */
void ngx_rt_presence_info(ngx_array_t *list, rt_client_info_t *info);

/* how many users they are; changes their order */
ngx_uint_t ngx_rt_presence_users(ngx_array_t *list);


/* ngx_rt_record.c: records of the log */

/* lengths, behind the client's id; what the last text has is the rest */
typedef struct {
    uint16_t                   user;
    uint16_t                   conn_info;
} ngx_rt_record_info_t;


#define NGX_RT_RECORD_INFO_HEAD  (NGX_RT_ID_LEN + sizeof(ngx_rt_record_info_t))
#define NGX_RT_RECORD_INFO_MAX   (NGX_RT_RECORD_INFO_HEAD + NGX_RT_USER_MAX   \
                                  + 2 * NGX_RT_INFO_MAX)


/* the part of a record that says who it is from: so many bytes, at most len */
size_t ngx_rt_record_info(const rt_publication_t *pub, u_char *info);
size_t ngx_rt_record_info_len(const rt_publication_t *pub);

/* the log takes it */
ngx_uint_t ngx_rt_record_fits(ngx_rt_zone_t *z, const rt_publication_t *pub);

/*
 * Appends one, which fits, that the workers of the mask, which is not empty,
 * have to read, and tells them where to begin; adds it to told, and they have
 * to be rung.
 */
void ngx_rt_record_append_locked(ngx_rt_zone_t *z,
    ngx_rt_channel_t *ch, ngx_uint_t kind, uint64_t workers,
    const rt_publication_t *pub, ngx_rt_told_t *told);

/*
 * What a producer that died behind the append, at that position, may not have
 * come to: tells the workers where to begin.
 */
void ngx_rt_record_repair_locked(ngx_rt_zone_t *z, uint64_t position);

/* the way back; parts: of the record, in one piece, which pub points into */
void ngx_rt_record_parse(const rt_log_record_t *record, u_char *parts,
    rt_publication_t *pub);


#endif /* _NGX_RT_STATE_CHANNEL_H_INCLUDED_ */
