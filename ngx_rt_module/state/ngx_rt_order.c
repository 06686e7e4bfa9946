
/*
 * Orders: what the backend has done to sessions, which other workers serve.  An
 * order is left in the state as an errand, on the list of the worker's slot and
 * on that of the session, until that worker takes it; it ends with the session.
 * If another connection has taken the session over meanwhile, it goes there.
 *
 * Not in the event log: a worker that is late loses publications, but never
 * that a session has to end.
 *
 * Called by control/, and by the turn of the worker that serves the session.
 * Each function takes the state's mutex by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_state.h"


/* sessions of a hold of the mutex */
#define NGX_RT_ORDER_SLICE  32


static ngx_int_t ngx_rt_order_issue_locked(ngx_rt_zone_t *z,
    ngx_rt_session_t *s, ngx_rt_order_t *order, ngx_rt_told_t *told);
static ngx_rt_session_t *ngx_rt_order_session_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *user, u_char *id);
static void ngx_rt_errand_link_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_errand_t *e);
static void ngx_rt_errand_unlink_locked(ngx_rt_state_t *st,
    ngx_rt_errand_t *e);


/* of the worker: the errand that was taken last */
static union {
    ngx_rt_errand_t  errand;
    u_char           bytes[RT_HEAP_MAX];
} ngx_rt_order_taken;


ngx_int_t
ngx_rt_order_issue(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *user,
    u_char *ids, ngx_uint_t n, ngx_rt_order_t *order, ngx_rt_told_t *told)
{
    ngx_int_t          rc;
    ngx_uint_t         i, held;
    ngx_rt_session_t  *s;

    ngx_rt_state_lock(z);

    rt_fault(order_hold);

    for (i = 0, held = 1; i < n; held++) {

        s = ngx_rt_order_session_locked(z->state, tenant, user,
                                        ids + i * NGX_RT_ID_LEN);

        rc = s ? ngx_rt_order_issue_locked(z, s, order, told) : NGX_OK;

        if (rc == NGX_DECLINED) {
            break;
        }

        if (rc == NGX_OK) {
            rt_fault(order_left);
            i++;
        }

        if (rc == NGX_AGAIN || held % NGX_RT_ORDER_SLICE == 0) {
            ngx_rt_state_unlock(z);
            ngx_rt_state_lock(z);
        }
    }

    ngx_rt_state_unlock(z);

    rt_fault(order_issued);

    return i == n ? NGX_OK : NGX_DECLINED;
}


/* NGX_AGAIN: it takes more, or room was made; NGX_DECLINED: the zone is full */

static ngx_int_t
ngx_rt_order_issue_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_order_t *order, ngx_rt_told_t *told)
{
    ngx_int_t        rc;
    uint64_t         worker;
    ngx_str_t        tenant;
    ngx_rt_state_t  *st;

    st = z->state;

    if (s->slot == NGX_RT_NO_SLOT) {
        rc = ngx_rt_linger_order_locked(z, s, order, told);
        (void) rt_txn_commit(&st->txn);

        return rc;
    }

    worker = (uint64_t) 1 << s->slot;

    if (ngx_rt_errand_create_locked(st, s, order) == NGX_OK
        && rt_txn_commit(&st->txn))
    {
        told->workers |= worker;
        return NGX_OK;
    }

    rt_txn_abort(&st->txn);

    tenant.data = s->tenant->name;
    tenant.len = s->tenant->len;

    if (ngx_rt_zone_relieve_locked(z, &tenant, NULL, told) != NGX_OK) {
        return NGX_DECLINED;
    }

    return NGX_AGAIN;
}


static ngx_rt_session_t *
ngx_rt_order_session_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    ngx_str_t *user, u_char *id)
{
    ngx_str_t          name;
    ngx_rt_tenant_t   *t;
    ngx_rt_session_t  *s;

    t = ngx_rt_tenant_lookup_locked(st, tenant);

    if (t == NULL) {
        return NULL;
    }

    name.data = id;
    name.len = NGX_RT_ID_LEN;

    s = ngx_rt_session_lookup_locked(st, t, &name);

    if (s && user->len
        && (s->user == NULL
            || s->user != ngx_rt_user_lookup_locked(st, t, user)))
    {
        return NULL;
    }

    return s;
}


ngx_int_t
ngx_rt_errand_create_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_order_t *order)
{
    u_char           *p;
    ngx_rt_errand_t  *e;

    e = ngx_rt_tenant_alloc_order_locked(st, s->tenant,
                                         sizeof(ngx_rt_errand_t)
                                                  + order->text.len + 1
                                                  + order->data.len
                                                  + order->info.len
                                                  + order->since.epoch.len);
    if (e == NULL) {
        return NGX_ERROR;
    }

    e->kind = order->kind;
    e->code = order->code;
    e->text_len = order->text.len;
    e->data_len = order->data.len;
    e->info_len = order->info.len;
    e->epoch_len = order->since.epoch.len;
    e->recover = order->since.recover;
    e->offset = order->since.offset;
    e->expire = order->expire;
    e->override = order->override;

    p = rt_append(e->text, order->text.data, order->text.len);
    *p++ = '\0';
    p = rt_append(p, order->data.data, order->data.len);
    p = rt_append(p, order->info.data, order->info.len);
    (void) rt_append(p, order->since.epoch.data, order->since.epoch.len);

    ngx_rt_errand_link_locked(st, s, e);

    return NGX_OK;
}


/* the last one of the slot, the first one of the session */

static void
ngx_rt_errand_link_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_errand_t *e)
{
    rt_txn_t             *x;
    ngx_rt_state_slot_t  *slot;

    x = &st->txn;
    slot = &st->slots[s->slot];

    rt_txn_set_ptr(x, &e->next, NULL);
    rt_txn_set_ptr(x, &e->prev, slot->errands_last);
    rt_txn_set_ptr(x, &e->session, s);
    rt_txn_set_ptr(x, &e->session_next, s->errands);
    rt_txn_set_ptr(x, &e->session_link, &s->errands);

    if (e->prev) {
        rt_txn_set_ptr(x, &e->prev->next, e);

    } else {
        rt_txn_set_ptr(x, &slot->errands, e);
    }

    rt_txn_set_ptr(x, &slot->errands_last, e);

    if (e->session_next) {
        rt_txn_set_ptr(x, &e->session_next->session_link, &e->session_next);
    }

    rt_txn_set_ptr(x, &s->errands, e);
}


ngx_int_t
ngx_rt_order_take(ngx_rt_zone_t *z, ngx_uint_t slot, ngx_rt_order_t *order,
    ngx_rt_conn_t **conn, ngx_rt_told_t *told)
{
    ngx_rt_errand_t  *e;

    ngx_rt_state_lock(z);

    e = z->state->slots[slot].errands;

    if (e == NULL) {
        ngx_rt_state_unlock(z);
        return NGX_DECLINED;
    }

    if (e->session->husk && e->kind != NGX_RT_ORDER_RELEASE) {
        ngx_rt_errand_settle_locked(z, e->session, told);
        (void) rt_txn_commit(&z->state->txn);

        ngx_rt_state_unlock(z);
        return NGX_AGAIN;
    }

    ngx_memcpy(&ngx_rt_order_taken, e, sizeof(ngx_rt_errand_t) + e->text_len
                                       + 1 + e->data_len + e->info_len
                                       + e->epoch_len);
    *conn = e->session->conn;

    ngx_rt_errand_drop_locked(z->state, e);
    rt_fault(order_take);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_state_unlock(z);

    rt_fault(order_taken);

    ngx_rt_errand_order(&ngx_rt_order_taken.errand, order);

    return NGX_OK;
}


void
ngx_rt_errand_order(ngx_rt_errand_t *e, ngx_rt_order_t *order)
{
    order->kind = e->kind;
    order->code = e->code;
    order->text.data = e->text;
    order->text.len = e->text_len;
    order->data.data = e->text + e->text_len + 1;
    order->data.len = e->data_len;
    order->info.data = order->data.data + e->data_len;
    order->info.len = e->info_len;
    order->since.epoch.data = order->info.data + e->info_len;
    order->since.epoch.len = e->epoch_len;
    order->since.offset = e->offset;
    order->since.recover = e->recover;
    order->expire = e->expire;
    order->override = e->override;
}


void
ngx_rt_errand_settle_locked(ngx_rt_zone_t *z, ngx_rt_session_t *s,
    ngx_rt_told_t *told)
{
    ngx_rt_order_t     order;
    ngx_rt_errand_t   *e;
    ngx_rt_session_t  *heir;

    for (e = s->errands; e->session_next; e = e->session_next) { /* void */ }

    heir = s->husk && e->kind != NGX_RT_ORDER_RELEASE
           ? ngx_rt_linger_heir_locked(z->state, s) : NULL;

    if (heir && heir->slot != NGX_RT_NO_SLOT) {
        ngx_rt_errand_unlink_locked(z->state, e);
        ngx_rt_errand_link_locked(z->state, heir, e);

        told->workers |= (uint64_t) 1 << heir->slot;

        return;
    }

    if (heir) {
        ngx_rt_errand_order(e, &order);

        if (ngx_rt_linger_order_locked(z, heir, &order, told) == NGX_AGAIN) {
            return;
        }
    }

    ngx_rt_errand_drop_locked(z->state, e);
}


void
ngx_rt_errand_drop_locked(ngx_rt_state_t *st, ngx_rt_errand_t *e)
{
    ngx_rt_errand_unlink_locked(st, e);
    ngx_rt_tenant_free_locked(st, e->session->tenant, e);
}


static void
ngx_rt_errand_unlink_locked(ngx_rt_state_t *st, ngx_rt_errand_t *e)
{
    rt_txn_t             *x;
    ngx_rt_state_slot_t  *slot;

    x = &st->txn;
    slot = &st->slots[e->session->slot];

    if (e->prev) {
        rt_txn_set_ptr(x, &e->prev->next, e->next);

    } else {
        rt_txn_set_ptr(x, &slot->errands, e->next);
    }

    if (e->next) {
        rt_txn_set_ptr(x, &e->next->prev, e->prev);

    } else {
        rt_txn_set_ptr(x, &slot->errands_last, e->prev);
    }

    rt_txn_set_ptr(x, e->session_link, e->session_next);

    if (e->session_next) {
        rt_txn_set_ptr(x, &e->session_next->session_link, e->session_link);
    }
}
