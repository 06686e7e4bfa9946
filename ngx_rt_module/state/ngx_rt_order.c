
/*
 * Orders: what the backend has done to sessions, which other workers serve.  An
 * order is left in the state as an errand, on the list of the worker's slot and
 * on that of the session, until that worker takes it; it ends with the session.
 *
 * Not in the event log: a worker that is late loses publications, but never
 * that a session has to end.
 *
 * Called by control/, and by the turn of the worker that serves the session.
 * Each function takes the state's mutex by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* sessions of a hold of the mutex */
#define NGX_RT_ORDER_SLICE  32


static ngx_int_t ngx_rt_order_issue_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_rt_order_t *order);
static ngx_rt_session_t *ngx_rt_order_session_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *user, u_char *id);
static ngx_int_t ngx_rt_errand_create_locked(ngx_rt_state_t *st,
    ngx_rt_session_t *s, ngx_rt_order_t *order);


/* of the worker: the errand that was taken last */
static union {
    ngx_rt_errand_t  errand;
    u_char           bytes[RT_HEAP_MAX];
} ngx_rt_order_taken;


ngx_int_t
ngx_rt_order_issue(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *user,
    u_char *ids, ngx_uint_t n, ngx_rt_order_t *order, uint64_t *workers)
{
    ngx_int_t          rc;
    ngx_uint_t         i, held;
    ngx_rt_session_t  *s;

    ngx_rt_state_lock(z);

    rt_fault(order_hold);

    for (i = 0, held = 1; i < n; held++) {

        s = ngx_rt_order_session_locked(z->state, tenant, user,
                                        ids + i * NGX_RT_ID_LEN);

        rc = s ? ngx_rt_order_issue_locked(z->state, s, order) : NGX_OK;

        if (rc == NGX_DECLINED) {
            break;
        }

        if (rc == NGX_OK) {
            rt_fault(order_left);
            *workers |= s ? (uint64_t) 1 << s->slot : 0;
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


/* NGX_AGAIN: an idle tenant made room; NGX_DECLINED: the zone is full */

static ngx_int_t
ngx_rt_order_issue_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_order_t *order)
{
    if (ngx_rt_errand_create_locked(st, s, order) == NGX_OK
        && rt_txn_commit(&st->txn))
    {
        return NGX_OK;
    }

    rt_txn_abort(&st->txn);

    if (ngx_rt_tenant_make_room_locked(st) != NGX_OK) {
        return NGX_DECLINED;
    }

    (void) rt_txn_commit(&st->txn);

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


static ngx_int_t
ngx_rt_errand_create_locked(ngx_rt_state_t *st, ngx_rt_session_t *s,
    ngx_rt_order_t *order)
{
    u_char               *p;
    rt_txn_t             *x;
    ngx_rt_errand_t      *e;
    ngx_rt_state_slot_t  *slot;

    x = &st->txn;
    slot = &st->slots[s->slot];

    e = ngx_rt_tenant_alloc_order_locked(st, s->tenant,
                                         sizeof(ngx_rt_errand_t)
                                                  + order->text.len + 1
                                                  + order->data.len);
    if (e == NULL) {
        return NGX_ERROR;
    }

    e->next = NULL;
    e->prev = slot->errands_last;
    e->session = s;
    e->session_next = s->errands;
    e->session_link = &s->errands;
    e->kind = order->kind;
    e->code = order->code;
    e->text_len = order->text.len;
    e->data_len = order->data.len;

    p = ngx_cpymem(e->text, order->text.data, order->text.len);
    *p++ = '\0';
    ngx_memcpy(p, order->data.data, order->data.len);

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

    return NGX_OK;
}


ngx_int_t
ngx_rt_order_take(ngx_rt_zone_t *z, ngx_uint_t slot, ngx_rt_order_t *order,
    ngx_rt_conn_t **conn)
{
    ngx_rt_errand_t  *e;

    ngx_rt_state_lock(z);

    e = z->state->slots[slot].errands;

    if (e == NULL) {
        ngx_rt_state_unlock(z);
        return NGX_DECLINED;
    }

    ngx_memcpy(&ngx_rt_order_taken, e, sizeof(ngx_rt_errand_t) + e->text_len
                                       + 1 + e->data_len);
    *conn = e->session->conn;

    ngx_rt_errand_drop_locked(z->state, e);
    rt_fault(order_take);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_state_unlock(z);

    rt_fault(order_taken);

    e = &ngx_rt_order_taken.errand;

    order->kind = e->kind;
    order->code = e->code;
    order->text.data = e->text;
    order->text.len = e->text_len;
    order->data.data = e->text + e->text_len + 1;
    order->data.len = e->data_len;

    return NGX_OK;
}


void
ngx_rt_errand_drop_locked(ngx_rt_state_t *st, ngx_rt_errand_t *e)
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

    ngx_rt_tenant_free_locked(st, e->session->tenant, e);
}
