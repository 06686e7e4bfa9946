
/*
 * How a client gets its session back: one that lingers, which then is served
 * again, or one that some connection still serves, which it takes over at
 * once.  In that case the old connection's worker, which may live or not, keeps
 * the session's old block, the husk, until it has followed the order to close;
 * what memberships the new one has not taken over by then come to it as ghosts.
 *
 * A membership of which no client has taken care since the resume is a ghost:
 * others still see it, but no worker's bit in the channel stands for it.
 *
 * Every _locked function is called under the state's mutex, in a transaction of
 * the caller's; the others lock by themselves.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


/* connections of a session that were taken over and are still there */
#define NGX_RT_RESUME_HUSKS  4


static ngx_rt_session_t *ngx_rt_resume_find_locked(ngx_rt_zone_t *z,
    ngx_rt_session_conf_t *sc, rt_digest_t *shown);
static ngx_uint_t ngx_rt_resume_user(ngx_rt_session_t *s, ngx_str_t *user);
static ngx_rt_session_t *ngx_rt_resume_take_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_rt_session_conf_t *sc);
static ngx_int_t ngx_rt_resume_release_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s);


ngx_rt_session_t *
ngx_rt_session_resume(ngx_rt_zone_t *z, ngx_rt_session_conf_t *sc,
    rt_digest_t *shown, ngx_rt_told_t *told)
{
    ngx_rt_state_t    *st;
    ngx_rt_session_t  *s;

    st = z->state;

    ngx_rt_state_lock(z);

    for ( ;; ) {
        s = ngx_rt_resume_find_locked(z, sc, shown);

        if (s == NULL) {
            break;
        }

        s = ngx_rt_resume_take_locked(st, s, sc);

        if (s) {
            rt_proofs_renew(&s->linger->proofs, &st->txn, shown, sc->proof);
            ngx_rt_linger_token_locked(st, s->linger, sc->who);
            rt_txn_add(&st->txn, &st->resumed, 1);
        }

        if (s && rt_txn_commit(&st->txn)) {
            break;
        }

        s = NULL;

        if (ngx_rt_zone_retry_locked(z, &sc->who->tenant, &sc->who->user,
                                     told)
            != NGX_OK)
        {
            break;
        }
    }

    if (s && s->linger->husks) {
        told->workers |= (uint64_t) 1 << s->linger->husks->slot;
    }

    ngx_rt_state_unlock(z);

    rt_fault(resume_done);

    return s;
}


static ngx_rt_session_t *
ngx_rt_resume_find_locked(ngx_rt_zone_t *z, ngx_rt_session_conf_t *sc,
    rt_digest_t *shown)
{
    ngx_str_t          id;
    ngx_rt_linger_t   *l;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *s;

    id.data = sc->id;
    id.len = NGX_RT_ID_LEN;

    t = ngx_rt_tenant_lookup_locked(z->state, &sc->who->tenant);
    s = t ? ngx_rt_session_lookup_locked(z->state, t, &id) : NULL;
    l = s ? s->linger : NULL;

    if (l == NULL
        || l->state == NGX_RT_LINGER_VOID
        || !rt_proofs_match(&l->proofs, shown)
        || !ngx_rt_resume_user(s, &sc->who->user))
    {
        return NULL;
    }

    /* the watch has not come by yet; there is no room, but later perhaps */

    if (l->state == NGX_RT_LINGER_ALONE
        && (ngx_rt_linger_over(z, l, ngx_current_msec)
            || ngx_rt_limit_reached(z->state, NGX_RT_LIMIT_CONNECTIONS,
                                    NGX_RT_PAYER_TENANT,
                                    t->sessions - t->lingering)))
    {
        return NULL;
    }

    return l->nhusks < NGX_RT_RESUME_HUSKS ? s : NULL;
}


static ngx_uint_t
ngx_rt_resume_user(ngx_rt_session_t *s, ngx_str_t *user)
{
    if (s->user == NULL) {
        return user->len == 0;
    }

    return s->user->len == user->len
           && ngx_memcmp(s->user->name, user->data, user->len) == 0;
}


/* the block that the connection is to have; NULL: the zone is full */

static ngx_rt_session_t *
ngx_rt_resume_take_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_session_conf_t *sc)
{
    rt_txn_t          *x;
    ngx_rt_linger_t   *l;
    ngx_rt_session_t  *heir;

    x = &st->txn;
    l = s->linger;

    if (s->slot == NGX_RT_NO_SLOT) {
        ngx_rt_session_list_locked(st, s, sc->slot, sc->conn);
        ngx_rt_linger_state_locked(st, l, l->ghosts ? NGX_RT_LINGER_CLAIMS
                                                    : NGX_RT_LINGER_SERVED);
        rt_fault(resume_take);

        return ngx_rt_session_retell_locked(st, s, &sc->who->info) == NGX_OK
               ? s : NULL;
    }

    sc->heir = 1;
    heir = ngx_rt_session_create_locked(st, sc);
    sc->heir = 0;

    if (heir == NULL || ngx_rt_resume_release_locked(st, s) != NGX_OK) {
        return NULL;
    }

    ngx_rt_linger_state_locked(st, l, NGX_RT_LINGER_SERVED);

    rt_txn_set_ptr(x, &heir->linger, l);
    rt_txn_set_ptr(x, &l->session, heir);
    rt_txn_set(x, &l->ghosts, 0);

    /* nobody finds it any more but through its heir */

    rt_txn_set_ptr(x, s->id_link, s->id_next);

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, s->id_link);
    }

    rt_txn_set_ptr(x, &s->id_next, l->husks);
    rt_txn_set_ptr(x, &s->id_link, &l->husks);

    if (s->id_next) {
        rt_txn_set_ptr(x, &s->id_next->id_link, &s->id_next);
    }

    rt_txn_set_ptr(x, &l->husks, s);
    rt_txn_add(x, &l->nhusks, 1);

    rt_txn_set_ptr(x, &s->linger, NULL);
    rt_txn_set(x, &s->husk, 1);

    rt_txn_add(x, &st->taken_over, 1);
    rt_fault(resume_heir);

    return heir;
}


/* SDKs do not come back from this code: two would take it from each other */

static ngx_int_t
ngx_rt_resume_release_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    ngx_rt_order_t  order;

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    order.kind = NGX_RT_ORDER_RELEASE;
    order.code = 3503;
    ngx_str_set(&order.text, "session taken over");

    return ngx_rt_errand_create_locked(st, s, &order);
}


void
ngx_rt_session_settle(ngx_rt_zone_t *z, ngx_rt_session_t *s)
{
    ngx_rt_state_lock(z);

    if (s->linger) {
        rt_proofs_settle(&s->linger->proofs, &z->state->txn);
        rt_fault(resume_settle);
        (void) rt_txn_commit(&z->state->txn);
    }

    ngx_rt_state_unlock(z);
}


void
ngx_rt_session_forgo(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_str_t *channel, ngx_rt_told_t *told)
{
    ngx_rt_order_t  order;

    ngx_memzero(&order, sizeof(ngx_rt_order_t));

    order.kind = NGX_RT_ORDER_UNSUBSCRIBE;
    order.text = *channel;

    ngx_rt_state_lock(z);

    if (s->linger && s->linger->ghosts) {
        (void) ngx_rt_linger_order_locked(z, s, &order, told);
        rt_fault(resume_forgo);
        (void) rt_txn_commit(&z->state->txn);
    }

    ngx_rt_state_unlock(z);
}


ngx_int_t
ngx_rt_linger_claim_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_channel_t *ch, ngx_rt_terms_t *terms, ngx_rt_member_t **mp)
{
    ngx_rt_info_t    *old, *new;
    ngx_rt_member_t  *m;

    if (s->linger == NULL || s->linger->ghosts == 0) {
        return NGX_DECLINED;
    }

    for (m = s->members; m; m = m->session_next) {

        if (m->channel == ch && (m->flags & NGX_RT_MEMBER_GHOST)) {
            break;
        }
    }

    if (m == NULL) {
        return NGX_DECLINED;
    }

    old = m->info;

    if (ngx_rt_info_create_locked(st, s->tenant, &terms->info, &new)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_rt_linger_lay_locked(st, m);

    /* what others have been told of it holds */

    rt_txn_set(&st->txn, &m->flags,
               (m->flags & NGX_RT_MEMBER_SHOWN)
               | (terms->flags & NGX_RT_MEMBER_WATCHES));
    rt_txn_set_ptr(&st->txn, &m->info, new);

    ngx_rt_channel_attend_locked(st, m);

    if (old) {
        ngx_rt_tenant_free_locked(st, s->tenant, old);
    }

    *mp = m;
    rt_fault(resume_claim);

    return NGX_OK;
}


ngx_uint_t
ngx_rt_linger_mute_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_channel_t *ch)
{
    ngx_rt_member_t   *m;
    ngx_rt_session_t  *husk;

    husk = s->linger ? s->linger->husks : NULL;

    for ( /* void */ ; husk; husk = husk->id_next) {

        for (m = husk->members; m; m = m->session_next) {

            if (m->channel == ch && !(m->flags & NGX_RT_MEMBER_MUTE)) {
                ngx_rt_channel_remove_locked(st, m);

                rt_txn_add(&st->txn, &ch->muted, 1);
                rt_txn_set(&st->txn, &m->flags,
                           m->flags | NGX_RT_MEMBER_MUTE);
                rt_fault(resume_mute);

                return 1;
            }
        }
    }

    return 0;
}


void
ngx_rt_linger_haunt_locked(ngx_rt_state_t *st, ngx_rt_member_t *m)
{
    ngx_rt_session_t  *s;

    s = m->session;

    rt_txn_set(&st->txn, &m->flags, m->flags | NGX_RT_MEMBER_GHOST);
    rt_txn_add(&st->txn, &s->linger->ghosts, 1);
    rt_fault(linger_haunt);
}


void
ngx_rt_linger_lay_locked(ngx_rt_state_t *st, ngx_rt_member_t *m)
{
    ngx_rt_linger_t  *l;

    l = m->session->linger;

    if (l == NULL || !(m->flags & NGX_RT_MEMBER_GHOST)) {
        return;
    }

    rt_txn_add(&st->txn, &l->ghosts, -1);

    if (l->ghosts == 0 && l->state == NGX_RT_LINGER_CLAIMS) {
        ngx_rt_linger_state_locked(st, l, NGX_RT_LINGER_SERVED);
    }
}


ngx_rt_session_t *
ngx_rt_linger_heir_locked(ngx_rt_state_t *st, ngx_rt_session_t *husk)
{
    ngx_str_t          id;
    ngx_rt_session_t  *s;

    id.data = husk->id;
    id.len = NGX_RT_ID_LEN;

    s = ngx_rt_session_lookup_locked(st, husk->tenant, &id);

    return s && s->linger ? s : NULL;
}


void
ngx_rt_linger_inherit_locked(ngx_rt_state_t *st, ngx_rt_member_t *m,
    ngx_rt_session_t *heir)
{
    rt_txn_t  *x;

    x = &st->txn;

    ngx_rt_channel_forget_locked(st, m);

    rt_txn_set_ptr(x, &m->session, heir);
    rt_txn_set_ptr(x, &m->session_prev, NULL);
    rt_txn_set_ptr(x, &m->session_next, heir->members);

    if (heir->members) {
        rt_txn_set_ptr(x, &heir->members->session_prev, m);
    }

    rt_txn_set_ptr(x, &heir->members, m);

    ngx_rt_linger_haunt_locked(st, m);

    if (heir->linger->state == NGX_RT_LINGER_SERVED) {
        ngx_rt_linger_state_locked(st, heir->linger, NGX_RT_LINGER_CLAIMS);
    }

    rt_fault(resume_inherit);
}


void
ngx_rt_linger_disown_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l)
{
    rt_txn_t          *x;
    ngx_rt_session_t  *husk;

    x = &st->txn;
    husk = l->husks;

    rt_txn_set_ptr(x, &l->husks, husk->id_next);

    if (husk->id_next) {
        rt_txn_set_ptr(x, &husk->id_next->id_link, &l->husks);
    }

    rt_txn_add(x, &l->nhusks, -1);

    /* in a list of its own */

    rt_txn_set_ptr(x, &husk->id_next, NULL);
    rt_txn_set_ptr(x, &husk->id_link, &husk->id_next);
    rt_fault(resume_disown);
}
