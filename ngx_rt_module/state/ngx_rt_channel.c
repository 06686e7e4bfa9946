
/*
 * Channels: made by their first member, or by what is kept of them, gone when
 * neither is there; which session is in which channel, and which workers have
 * to be told of a publication.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


static ngx_rt_member_t *ngx_rt_channel_join_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_rt_namespace_t *ns, ngx_str_t *name,
    ngx_rt_terms_t *terms, ngx_uint_t *silent);
static ngx_rt_channel_t *ngx_rt_channel_create_locked(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *name);
static void ngx_rt_channel_settle_locked(ngx_rt_state_t *st,
    ngx_rt_channel_t *ch);
static void ngx_rt_channel_tell_locked(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t kind, ngx_rt_told_t *told);
static size_t ngx_rt_channel_where(ngx_rt_channel_t *ch, uint64_t teller,
    u_char *where);


ngx_rt_channel_t *
ngx_rt_channel_lookup_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *name)
{
    uint64_t           hash;
    ngx_rt_channel_t  *ch;

    hash = ngx_rt_tenant_hash(st, t, name);

    for (ch = st->channel_buckets[hash & st->mask]; ch; ch = ch->next) {

        if (ch->hash == hash && ch->tenant == t && ch->len == name->len
            && ngx_memcmp(ch->name, name->data, name->len) == 0)
        {
            return ch;
        }
    }

    return NULL;
}


ngx_rt_channel_t *
ngx_rt_channel_acquire_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *name)
{
    ngx_rt_channel_t  *ch;

    ch = ngx_rt_channel_lookup_locked(st, t, name);

    return ch ? ch : ngx_rt_channel_create_locked(st, t, name);
}


ngx_rt_member_t *
ngx_rt_channel_join(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_namespace_t *ns, ngx_str_t *name, ngx_rt_terms_t *terms,
    ngx_rt_told_t *told, ngx_rt_position_t *top)
{
    ngx_str_t         tenant;
    ngx_uint_t        silent;
    ngx_rt_state_t   *st;
    ngx_rt_member_t  *m;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        m = ngx_rt_channel_join_locked(st, s, ns, name, terms, &silent);

        rt_fault(join_hold);

        if (m && rt_txn_commit(&st->txn)) {
            rt_fault(join_committed);
            ngx_rt_history_top_locked(m->channel, top);

            if (!silent) {
                ngx_rt_channel_tell_locked(z, m, NGX_RT_RECORD_JOIN, told);
            }

            break;
        }

        m = NULL;

        tenant.data = s->tenant->name;
        tenant.len = s->tenant->len;

        if (ngx_rt_zone_retry_locked(z, &tenant, NULL, told) != NGX_OK) {
            break;
        }
    }

    ngx_rt_state_unlock(z);

    return m;
}


/* *silent: it was there already, or is not to be seen */

static ngx_rt_member_t *
ngx_rt_channel_join_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_namespace_t *ns, ngx_str_t *name, ngx_rt_terms_t *terms,
    ngx_uint_t *silent)
{
    rt_txn_t          *x;
    ngx_int_t          rc;
    ngx_rt_member_t   *m;
    ngx_rt_channel_t  *ch;
    ngx_rt_history_t  *h;

    x = &st->txn;

    ch = ngx_rt_channel_acquire_locked(st, s->tenant, name);

    if (ch == NULL || ngx_rt_history_open_locked(st, ch, ns, &h) != NGX_OK) {
        return NULL;
    }

    *silent = 1;

    rc = ngx_rt_linger_claim_locked(st, s, ch, terms, &m);
    if (rc != NGX_DECLINED) {
        return rc == NGX_OK ? m : NULL;
    }

    m = ngx_rt_tenant_alloc_locked(st, s->tenant, sizeof(ngx_rt_member_t));
    if (m == NULL
        || ngx_rt_info_create_locked(st, s->tenant, &terms->info, &m->info)
           != NGX_OK)
    {
        return NULL;
    }

    m->session = s;
    m->channel = ch;
    m->session_prev = NULL;
    m->session_next = s->members;
    m->channel_prev = NULL;
    m->channel_next = ch->members;
    m->serial = st->serial + 1;
    m->flags = terms->flags;

    if (s->members) {
        rt_txn_set_ptr(x, &s->members->session_prev, m);
    }

    rt_txn_set_ptr(x, &s->members, m);
    rt_txn_set(x, &st->serial, m->serial);

    ngx_rt_channel_attend_locked(st, m);
    ngx_rt_history_hold_locked(ch, x);

    if (s->husk) {
        m->flags |= NGX_RT_MEMBER_MUTE;
        rt_txn_add(x, &ch->muted, 1);
        return m;
    }

    if (ch->members) {
        rt_txn_set_ptr(x, &ch->members->channel_prev, m);
    }

    rt_txn_set_ptr(x, &ch->members, m);
    rt_txn_add(x, &ch->clients, 1);

    *silent = ngx_rt_linger_mute_locked(st, s, ch);

    return m;
}


void
ngx_rt_channel_attend_locked(ngx_rt_state_t *st, ngx_rt_member_t *m)
{
    uint64_t           worker;
    ngx_rt_channel_t  *ch;

    ch = m->channel;
    worker = (uint64_t) 1 << m->session->slot;

    rt_txn_set(&st->txn, &ch->workers, ch->workers | worker);

    if (m->flags & NGX_RT_MEMBER_WATCHES) {
        rt_txn_set(&st->txn, &ch->watchers, ch->watchers | worker);
    }
}


void
ngx_rt_channel_desert_locked(ngx_rt_state_t *st, ngx_rt_member_t *m,
    ngx_uint_t stay)
{
    uint64_t           worker;
    ngx_rt_channel_t  *ch;

    if (m->flags & NGX_RT_MEMBER_GHOST) {
        return;
    }

    ch = m->channel;
    worker = (uint64_t) 1 << m->session->slot;

    if (!(stay & NGX_RT_STAY_MEMBERS)) {
        rt_txn_set(&st->txn, &ch->workers, ch->workers & ~worker);
    }

    if (!(stay & NGX_RT_STAY_WATCHERS)) {
        rt_txn_set(&st->txn, &ch->watchers, ch->watchers & ~worker);
    }
}


static ngx_rt_channel_t *
ngx_rt_channel_create_locked(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *name)
{
    rt_txn_t          *x;
    ngx_rt_channel_t  *ch, **bucket;

    x = &st->txn;

    if (ngx_rt_limit_reached(st, NGX_RT_LIMIT_CHANNELS,
                             NGX_RT_PAYER_TENANT, t->channels))
    {
        return NULL;
    }

    ch = ngx_rt_tenant_alloc_locked(st, t,
                                    sizeof(ngx_rt_channel_t) + name->len);
    if (ch == NULL) {
        return NULL;
    }

    ngx_memzero(ch, sizeof(ngx_rt_channel_t));

    ch->tenant = t;
    ch->hash = ngx_rt_tenant_hash(st, t, name);
    ch->serial = st->serial + 1;
    ch->len = name->len;
    ngx_memcpy(ch->name, name->data, name->len);

    bucket = &st->channel_buckets[ch->hash & st->mask];
    ch->next = *bucket;

    rt_txn_set_ptr(x, bucket, ch);
    rt_txn_set(x, &st->serial, ch->serial);
    rt_txn_add(x, &st->channels, 1);
    rt_fault(channel_create);

    ngx_rt_tenant_hold_locked(st, t);
    rt_txn_add(x, &t->channels, 1);

    return ch;
}


void
ngx_rt_channel_leave(ngx_rt_zone_t *z, ngx_rt_member_t *m, ngx_uint_t stay,
    ngx_rt_told_t *told)
{
    ngx_rt_state_lock(z);

    ngx_rt_channel_leave_locked(z, m, stay, told);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_state_unlock(z);
}


/* a ghost has no worker; a mute one is not in the channel's list */

void
ngx_rt_channel_leave_locked(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t stay, ngx_rt_told_t *told)
{
    ngx_rt_state_t    *st;
    ngx_rt_session_t  *s, *heir;
    ngx_rt_channel_t  *ch;

    st = z->state;
    s = m->session;
    ch = m->channel;

    ngx_rt_channel_desert_locked(st, m, stay);

    if (m->flags & NGX_RT_MEMBER_MUTE) {
        rt_txn_add(&st->txn, &ch->muted, -1);

    } else {
        heir = s->husk ? ngx_rt_linger_heir_locked(st, s) : NULL;

        if (heir) {
            ngx_rt_linger_inherit_locked(st, m, heir);
            return;
        }

        if ((stay & NGX_RT_STAY_GHOST) && s->linger) {
            ngx_rt_linger_haunt_locked(st, m);
            return;
        }

        ngx_rt_linger_lay_locked(st, m);
        ngx_rt_channel_remove_locked(st, m);
        rt_fault(leave_hold);
        ngx_rt_channel_tell_locked(z, m, NGX_RT_RECORD_LEAVE, told);
        rt_fault(leave_told);
    }

    ngx_rt_channel_forget_locked(st, m);

    if (m->info) {
        ngx_rt_tenant_free_locked(st, s->tenant, m->info);
    }

    ngx_rt_tenant_free_locked(st, s->tenant, m);
    ngx_rt_channel_settle_locked(st, ch);
}


/* out of the channel's list */

void
ngx_rt_channel_remove_locked(ngx_rt_state_t *st, ngx_rt_member_t *m)
{
    rt_txn_t          *x;
    ngx_rt_channel_t  *ch;

    x = &st->txn;
    ch = m->channel;

    if (m->channel_prev) {
        rt_txn_set_ptr(x, &m->channel_prev->channel_next, m->channel_next);

    } else {
        rt_txn_set_ptr(x, &ch->members, m->channel_next);
    }

    if (m->channel_next) {
        rt_txn_set_ptr(x, &m->channel_next->channel_prev, m->channel_prev);
    }

    rt_txn_add(x, &ch->clients, -1);
}


/* out of the session's */

void
ngx_rt_channel_forget_locked(ngx_rt_state_t *st, ngx_rt_member_t *m)
{
    rt_txn_t  *x;

    x = &st->txn;

    if (m->session_prev) {
        rt_txn_set_ptr(x, &m->session_prev->session_next, m->session_next);

    } else {
        rt_txn_set_ptr(x, &m->session->members, m->session_next);
    }

    if (m->session_next) {
        rt_txn_set_ptr(x, &m->session_next->session_prev, m->session_prev);
    }
}


/* the last one is gone, perhaps */

static void
ngx_rt_channel_settle_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch)
{
    if (ch->clients || ch->muted) {
        return;
    }

    ngx_rt_history_settle_locked(ch, &st->txn);

    if (ngx_rt_history_void_locked(ch)) {
        ngx_rt_channel_expire_locked(st, ch);
    }
}


void
ngx_rt_channel_expire_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch)
{
    rt_txn_t           *x;
    ngx_rt_tenant_t    *t;
    ngx_rt_channel_t  **p;

    x = &st->txn;
    t = ch->tenant;

    for (p = &st->channel_buckets[ch->hash & st->mask]; *p != ch;
         p = &(*p)->next)
    {
        /* void */
    }

    rt_txn_set_ptr(x, p, ch->next);
    rt_txn_add(x, &st->channels, -1);
    rt_txn_add(x, &t->channels, -1);
    rt_fault(channel_expire);

    if (ch->history) {
        ngx_rt_history_expire_locked(st, ch->history);
    }

    ngx_rt_tenant_free_locked(st, t, ch);
    ngx_rt_tenant_settle_locked(st, t);
}


/*
 * A join is told after it was committed, a leave before: if the worker is
 * killed in between, some hear of a leave without a join, or twice of a leave,
 * but never miss one.
 *
 * What other nodes are told goes by the log, too: the worker reads what it has
 * appended itself, with nothing held.
 */

static void
ngx_rt_channel_tell_locked(ngx_rt_zone_t *z, ngx_rt_member_t *m,
    ngx_uint_t kind, ngx_rt_told_t *told)
{
    u_char             where[NGX_RT_CHANGE_MAX];
    uint64_t           teller;
    rt_publication_t   pub;
    ngx_rt_channel_t  *ch;

    ch = m->channel;
    teller = z->state->npeers ? z->teller : 0;

    if (!(m->flags & NGX_RT_MEMBER_SHOWN) || (ch->watchers | teller) == 0) {
        return;
    }

    ngx_memzero(&pub, sizeof(rt_publication_t));

    ngx_rt_member_info(m, &pub.info);

    if (teller) {
        pub.data.data = where;
        pub.data.len = ngx_rt_channel_where(ch, teller, where);
    }

    ngx_rt_record_append_locked(z, ch, kind, ch->watchers | teller, &pub,
                                told);
}


static size_t
ngx_rt_channel_where(ngx_rt_channel_t *ch, uint64_t teller, u_char *where)
{
    u_char  *p;

    where[0] = (u_char) __builtin_ctzll(teller);

    p = ngx_cpymem(&where[1], ch->tenant->name, ch->tenant->len);
    *p++ = '\0';
    p = ngx_cpymem(p, ch->name, ch->len);

    return p - where;
}


void
ngx_rt_channel_hear(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_uint_t slot, ngx_uint_t kind, rt_client_info_t *info,
    ngx_rt_told_t *told)
{
    ngx_rt_tenant_t   *t;
    rt_publication_t   pub;
    ngx_rt_channel_t  *ch;

    ngx_memzero(&pub, sizeof(rt_publication_t));
    pub.info = *info;

    ngx_rt_state_lock(z);

    t = ngx_rt_tenant_lookup_locked(z->state, tenant);
    ch = t ? ngx_rt_channel_lookup_locked(z->state, t, channel) : NULL;

    if (ch && ch->watchers && ngx_rt_channel_heard_by(z->state, ch, slot)) {
        ngx_rt_record_append_locked(z, ch, kind, ch->watchers, &pub, told);
    }

    ngx_rt_state_unlock(z);
}
