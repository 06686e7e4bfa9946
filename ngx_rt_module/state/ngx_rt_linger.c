
/*
 * Sessions without a connection: they linger for a while, with their id and
 * their memberships, for clients that asked for it; then they end, or sooner,
 * where there are too many or there is no room.
 *
 * Called by ngx_rt_session.c when a connection or a worker has ended, by the
 * watch, and by whoever needs room.  A lingering session hangs on a list of
 * the zone and on one of its tenant, the oldest first: since all of them live
 * as long as the configuration says now, the list is in the order of their end.
 *
 * Every _locked function is called under the state's mutex, in a transaction
 * of the caller's, and does one bounded step.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


/* how long a resumed client may take to take over its channels, at most */
#define NGX_RT_LINGER_CLAIM  10000        /* msec */

#define NGX_RT_LINGER_MOST   10000000     /* of max= */

/* buckets of a hold of the mutex, searched for those that are revoked */
#define NGX_RT_LINGER_SEARCH  64

/* memberships of a transaction: each takes up to five sets */
#define NGX_RT_LINGER_SLICE  16


static ngx_int_t ngx_rt_linger_haunts_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s);
static ngx_rt_linger_t *ngx_rt_linger_oldest(rt_link_t *alone);
static ngx_rt_linger_t *ngx_rt_linger_oldest_of(rt_link_t *tenants);
static ngx_rt_linger_t *ngx_rt_linger_oldest_user(ngx_rt_state_t *st,
    ngx_rt_tenant_t *t, ngx_str_t *user);
static ngx_int_t ngx_rt_linger_end_locked(ngx_rt_zone_t *z,
    ngx_rt_linger_t *l, uint64_t *count, ngx_rt_told_t *told);
static ngx_int_t ngx_rt_linger_expire_locked(ngx_rt_zone_t *z,
    ngx_rt_told_t *told);
static ngx_uint_t ngx_rt_linger_revoked_locked(ngx_rt_state_t *st,
    ngx_rt_linger_t *l);
static ngx_rt_linger_t *ngx_rt_linger_search_locked(ngx_rt_state_t *st,
    uint64_t bucket);
static void ngx_rt_linger_unclaimed_locked(ngx_rt_zone_t *z,
    ngx_rt_linger_t *l, ngx_rt_told_t *told);


char *
ngx_rt_session_ttl(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    u_char       *p;
    size_t        len;
    ngx_int_t     n;
    ngx_str_t    *value;
    ngx_uint_t    i, *field, tenant;

    if (mcf->linger.set) {
        return "is duplicate";
    }

    mcf->linger.set = 1;

    value = cf->args->elts;
    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\", write \"rt_session_ttl TIME "
                           "[max=NUMBER] [tenant=NUMBER]\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    mcf->linger.ttl = n;
    tenant = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "max=", 4) == 0) {
            field = &mcf->linger.max;
            len = 4;

        } else if (ngx_strncmp(value[i].data, "tenant=", 7) == 0) {
            field = &tenant;
            len = 7;

        } else {
            field = NULL;
            len = 0;
        }

        p = value[i].data + len;
        n = field ? ngx_atoi(p, value[i].len - len) : NGX_ERROR;

        if (n < 1 || n > NGX_RT_LINGER_MOST) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", write "
                               "\"max=NUMBER\" or \"tenant=NUMBER\", "
                               "from 1 to %d", &value[i], NGX_RT_LINGER_MOST);
            return NGX_CONF_ERROR;
        }

        *field = n;
    }

    mcf->linger.max_tenant = tenant ? tenant : (mcf->linger.max + 3) / 4;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_rt_linger_create_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_session_conf_t *sc)
{
    ngx_rt_linger_t  *l;

    l = ngx_rt_tenant_alloc_locked(st, s->tenant, sizeof(ngx_rt_linger_t));
    if (l == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(l, sizeof(ngx_rt_linger_t));

    l->session = s;
    rt_proofs_init(&l->proofs, sc->proof);
    ngx_rt_linger_token_locked(st, l, sc->who);

    rt_txn_set_ptr(&st->txn, &s->linger, l);

    return NGX_OK;
}


void
ngx_rt_linger_token_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l,
    const ngx_rt_identity_t *who)
{
    ngx_str_t  jti;

    jti = who->jti;

    rt_txn_set(&st->txn, &l->token,
               ngx_rt_tenant_hash(st, l->session->tenant, &jti));
    rt_txn_set(&st->txn, &l->issued, (uint64_t) who->issued);
}


void
ngx_rt_linger_free_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    ngx_rt_linger_state_locked(st, s->linger, NGX_RT_LINGER_SERVED);
    ngx_rt_tenant_free_locked(st, s->tenant, s->linger);
}


void
ngx_rt_linger_state_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l,
    ngx_rt_linger_e state)
{
    rt_txn_t         *x;
    ngx_rt_tenant_t  *t;

    x = &st->txn;
    t = l->session->tenant;

    if (l->state == state) {
        return;
    }

    if (l->state == NGX_RT_LINGER_ALONE) {
        rt_list_remove(x, &l->link);
        rt_list_remove(x, &l->tenant_link);
        rt_txn_add(x, &st->lingering, -1);
        rt_txn_add(x, &t->lingering, -1);

    } else if (l->state == NGX_RT_LINGER_CLAIMS) {
        rt_list_remove(x, &l->link);
    }

    rt_txn_set(x, &l->state, state);
    rt_txn_set(x, &l->since, ngx_current_msec);

    if (state == NGX_RT_LINGER_ALONE) {
        rt_list_add(x, &st->alone, &l->link);
        rt_list_add(x, &t->linger, &l->tenant_link);
        rt_txn_add(x, &st->lingering, 1);
        rt_txn_add(x, &t->lingering, 1);

    } else if (state == NGX_RT_LINGER_CLAIMS) {
        rt_list_add(x, &st->claims, &l->link);
    }
}


ngx_int_t
ngx_rt_linger_begin_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told)
{
    ngx_rt_order_t    order;
    ngx_rt_state_t   *st;
    ngx_rt_linger_t  *oldest;

    st = z->state;

    if (z->linger->ttl == 0 || s->linger->state == NGX_RT_LINGER_VOID
        || ngx_rt_linger_revoked_locked(st, s->linger))
    {
        return NGX_DECLINED;
    }

    if (s->errands) {
        ngx_rt_errand_order(s->errands, &order);
        (void) ngx_rt_linger_order_locked(z, s, &order, told);
        ngx_rt_errand_drop_locked(st, s->errands);

        return NGX_AGAIN;
    }

    if (ngx_rt_linger_haunts_locked(st, s) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    oldest = NULL;

    if (s->tenant->lingering >= z->linger->max_tenant) {
        oldest = ngx_rt_linger_oldest_of(&s->tenant->linger);

    } else if (st->lingering >= z->linger->max) {
        oldest = ngx_rt_linger_oldest(&st->alone);
    }

    if (oldest) {
        (void) ngx_rt_linger_end_locked(z, oldest, &st->evicted, told);
        return NGX_AGAIN;
    }

    ngx_rt_session_unlist_locked(st, s);
    ngx_rt_linger_state_locked(st, s->linger, NGX_RT_LINGER_ALONE);
    rt_fault(linger_begin);

    return NGX_DONE;
}


/* of a worker that died: its bits still stand for them */

static ngx_int_t
ngx_rt_linger_haunts_locked(ngx_rt_state_t *st, ngx_rt_session_t *s)
{
    ngx_uint_t        n;
    ngx_rt_member_t  *m;

    n = 0;

    for (m = s->members; m; m = m->session_next) {

        if (m->flags & NGX_RT_MEMBER_GHOST) {
            continue;
        }

        if (n++ == NGX_RT_LINGER_SLICE) {
            return NGX_AGAIN;
        }

        ngx_rt_channel_desert_locked(st, m, 0);
        ngx_rt_linger_haunt_locked(st, m);
    }

    return n ? NGX_AGAIN : NGX_OK;
}


static ngx_rt_linger_t *
ngx_rt_linger_oldest(rt_link_t *alone)
{
    rt_link_t  *link;

    link = rt_list_first(alone);

    return link ? rt_list_entry(link, ngx_rt_linger_t, link) : NULL;
}


static ngx_rt_linger_t *
ngx_rt_linger_oldest_of(rt_link_t *tenants)
{
    rt_link_t  *link;

    link = rt_list_first(tenants);

    return link ? rt_list_entry(link, ngx_rt_linger_t, tenant_link) : NULL;
}


/* there are no more sessions of a user than its limit says */

static ngx_rt_linger_t *
ngx_rt_linger_oldest_user(ngx_rt_state_t *st, ngx_rt_tenant_t *t,
    ngx_str_t *user)
{
    ngx_rt_user_t     *u;
    ngx_rt_linger_t   *oldest;
    ngx_rt_session_t  *s;

    u = ngx_rt_user_lookup_locked(st, t, user);
    oldest = NULL;

    for (s = u ? u->sessions : NULL; s; s = s->user_next) {

        if (s->slot == NGX_RT_NO_SLOT
            && (oldest == NULL
                || (ngx_msec_int_t) (s->linger->since - oldest->since) < 0))
        {
            oldest = s->linger;
        }
    }

    return oldest;
}


/* one step; NGX_OK: it is gone, and counted */

static ngx_int_t
ngx_rt_linger_end_locked(ngx_rt_zone_t *z, ngx_rt_linger_t *l,
    uint64_t *count, ngx_rt_told_t *told)
{
    if (ngx_rt_session_end_locked(z, l->session, told) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (count) {
        rt_txn_add(&z->state->txn, count, 1);
    }

    return NGX_OK;
}


/* what it cannot be told, it need not do; what is revoked is done for it */

ngx_int_t
ngx_rt_linger_order_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_order_t *order, ngx_rt_told_t *told)
{
    ngx_rt_member_t  *m;

    if (order->kind == NGX_RT_ORDER_UNSUBSCRIBE) {

        for (m = s->members; m; m = m->session_next) {

            if (m->channel->len == order->text.len
                && ngx_memcmp(m->channel->name, order->text.data,
                              order->text.len)
                   == 0)
            {
                ngx_rt_channel_leave_locked(z, m, 0, told);
                break;
            }
        }
    }

    if (order->kind != NGX_RT_ORDER_DISCONNECT
        || rt_close_lingers(order->code))
    {
        return NGX_OK;
    }

    if (s->slot == NGX_RT_NO_SLOT) {
        return ngx_rt_linger_end_locked(z, s->linger, NULL, told);
    }

    ngx_rt_linger_state_locked(z->state, s->linger, NGX_RT_LINGER_VOID);

    return NGX_OK;
}


ngx_int_t
ngx_rt_linger_evict_locked(ngx_rt_zone_t *z, ngx_rt_tenant_t *t,
    ngx_str_t *user, ngx_rt_told_t *told)
{
    ngx_rt_linger_t  *l;

    if (user) {
        l = ngx_rt_linger_oldest_user(z->state, t, user);

    } else {
        l = t ? ngx_rt_linger_oldest_of(&t->linger)
              : ngx_rt_linger_oldest(&z->state->alone);
    }

    if (l == NULL) {
        return NGX_DECLINED;
    }

    (void) ngx_rt_linger_end_locked(z, l, &z->state->evicted, told);

    return NGX_OK;
}


ngx_int_t
ngx_rt_linger_expire(ngx_rt_zone_t *z, ngx_uint_t steps, ngx_rt_told_t *told)
{
    ngx_int_t        rc;
    ngx_rt_state_t  *st;

    st = z->state;

    while (steps--) {

        ngx_rt_state_lock(z);

        rc = ngx_rt_linger_expire_locked(z, told);

        (void) rt_txn_commit(&st->txn);

        ngx_rt_tenant_trim_locked(st);

        ngx_rt_state_unlock(z);

        if (rc == NGX_OK) {
            return NGX_OK;
        }
    }

    return NGX_AGAIN;
}


/* NGX_OK: there was nothing to do */

static ngx_int_t
ngx_rt_linger_expire_locked(ngx_rt_zone_t *z, ngx_rt_told_t *told)
{
    ngx_msec_t        now;
    ngx_rt_state_t   *st;
    ngx_rt_linger_t  *l;

    st = z->state;
    now = ngx_current_msec;

    l = ngx_rt_linger_oldest(&st->alone);

    if (l && ngx_rt_linger_over(z, l, now)) {
        (void) ngx_rt_linger_end_locked(z, l, &st->expired, told);
        rt_fault(linger_expire);
        return NGX_AGAIN;
    }

    l = ngx_rt_linger_oldest(&st->claims);

    if (l && (ngx_msec_int_t) (now - l->since)
             >= (ngx_msec_int_t) ngx_min(z->linger->ttl, NGX_RT_LINGER_CLAIM))
    {
        ngx_rt_linger_unclaimed_locked(z, l, told);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_rt_linger_revoke(ngx_rt_zone_t *z, ngx_uint_t steps, ngx_rt_told_t *told)
{
    ngx_uint_t        n;
    ngx_rt_state_t   *st;
    ngx_rt_linger_t  *l;

    st = z->state;

    while (st->unsearched <= st->mask) {

        if (steps-- == 0) {
            return NGX_AGAIN;
        }

        ngx_rt_state_lock(z);

        l = NULL;

        for (n = 0; n < NGX_RT_LINGER_SEARCH && st->unsearched <= st->mask;
             n++)
        {
            l = ngx_rt_linger_search_locked(st, st->unsearched);

            if (l) {
                (void) ngx_rt_linger_end_locked(z, l, NULL, told);
                rt_fault(linger_revoke);
                break;
            }

            rt_txn_set(&st->txn, &st->unsearched,
                       st->lingering ? st->unsearched + 1 : st->mask + 1);
        }

        (void) rt_txn_commit(&st->txn);

        ngx_rt_tenant_trim_locked(st);

        ngx_rt_state_unlock(z);
    }

    return NGX_OK;
}


static ngx_rt_linger_t *
ngx_rt_linger_search_locked(ngx_rt_state_t *st, uint64_t bucket)
{
    ngx_rt_session_t  *s;

    for (s = st->session_buckets[bucket]; s; s = s->id_next) {

        if (s->linger && s->linger->state == NGX_RT_LINGER_ALONE
            && ngx_rt_linger_revoked_locked(st, s->linger))
        {
            return s->linger;
        }
    }

    return NULL;
}


/* whose worker may have died before it heard of it */

static ngx_uint_t
ngx_rt_linger_revoked_locked(ngx_rt_state_t *st, ngx_rt_linger_t *l)
{
    ngx_str_t          user;
    ngx_rt_session_t  *s;

    if (st->nrevocations == 0) {
        return 0;
    }

    s = l->session;

    user.data = s->user ? s->user->name : NULL;
    user.len = s->user ? s->user->len : 0;

    return ngx_rt_revoked_locked(st, s->tenant, &user, l->token, NULL,
                                 (int64_t) l->issued);
}


static void
ngx_rt_linger_unclaimed_locked(ngx_rt_zone_t *z, ngx_rt_linger_t *l,
    ngx_rt_told_t *told)
{
    ngx_rt_member_t  *m;

    for (m = l->session->members; m; m = m->session_next) {

        if (m->flags & NGX_RT_MEMBER_GHOST) {
            ngx_rt_channel_leave_locked(z, m, 0, told);
            rt_fault(linger_unclaimed);
            return;
        }
    }
}
