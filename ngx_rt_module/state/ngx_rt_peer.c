
/*
 * The other nodes that are alive, as far as the workers of this one have heard,
 * and when this one was last told of.  It is the workers' common knowledge: a
 * new one need not wait until it has heard of them itself.
 *
 * Called by stream/, with nothing held.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* what is heard more often than that is not written down; msec */
#define NGX_RT_PEER_NEWS  200


static ngx_rt_peer_t *ngx_rt_peer_lookup(ngx_rt_state_t *st,
    const u_char *id);
static ngx_int_t ngx_rt_peer_create_locked(ngx_rt_state_t *st,
    const u_char *id);
static void ngx_rt_peer_remove_locked(ngx_rt_state_t *st, ngx_rt_peer_t *peer);


ngx_int_t
ngx_rt_peer_meet(ngx_rt_zone_t *z, const u_char *id)
{
    ngx_int_t        rc;
    ngx_rt_peer_t   *peer;
    ngx_rt_state_t  *st;

    st = z->state;

    peer = ngx_rt_peer_lookup(st, id);

    if (peer && ngx_current_msec - peer->heard < NGX_RT_PEER_NEWS) {
        return NGX_DONE;
    }

    rc = NGX_DONE;

    ngx_rt_state_lock(z);

    peer = ngx_rt_peer_lookup(st, id);

    if (peer) {
        rt_txn_set(&st->txn, &peer->heard, ngx_current_msec);

    } else {
        rc = ngx_rt_peer_create_locked(st, id);
    }

    (void) rt_txn_commit(&st->txn);

    ngx_rt_state_unlock(z);

    return rc;
}


static ngx_int_t
ngx_rt_peer_create_locked(ngx_rt_state_t *st, const u_char *id)
{
    ngx_uint_t      i;
    ngx_rt_peer_t  *peer;

    for (i = 0; i < NGX_RT_PEERS; i++) {
        peer = &st->peers[i];

        if (!peer->alive) {
            ngx_memcpy(peer->id, id, NGX_RT_ID_LEN);

            rt_txn_set(&st->txn, &peer->heard, ngx_current_msec);
            rt_txn_set(&st->txn, &peer->alive, 1);
            rt_txn_add(&st->txn, &st->npeers, 1);
            rt_txn_add(&st->txn, &st->met, 1);

            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_rt_peer_part(ngx_rt_zone_t *z, const u_char *id)
{
    ngx_rt_peer_t   *peer;
    ngx_rt_state_t  *st;

    st = z->state;

    ngx_rt_state_lock(z);

    peer = ngx_rt_peer_lookup(st, id);

    if (peer) {
        ngx_rt_peer_remove_locked(st, peer);
        (void) rt_txn_commit(&st->txn);
    }

    ngx_rt_state_unlock(z);

    return peer ? NGX_OK : NGX_DECLINED;
}


ngx_uint_t
ngx_rt_peer_expire(ngx_rt_zone_t *z, ngx_msec_t silent)
{
    ngx_uint_t       i, n;
    ngx_rt_peer_t   *peer;
    ngx_rt_state_t  *st;

    st = z->state;
    n = 0;

    if (st->npeers == 0) {
        return 0;
    }

    ngx_rt_state_lock(z);

    for (i = 0; i < NGX_RT_PEERS; i++) {
        peer = &st->peers[i];

        /* the clock of who has heard it may be a little ahead of ours */

        if (peer->alive
            && (ngx_msec_int_t) (ngx_current_msec - peer->heard)
               >= (ngx_msec_int_t) silent)
        {
            ngx_rt_peer_remove_locked(st, peer);
            (void) rt_txn_commit(&st->txn);
            n++;
        }
    }

    ngx_rt_state_unlock(z);

    return n;
}


static void
ngx_rt_peer_remove_locked(ngx_rt_state_t *st, ngx_rt_peer_t *peer)
{
    rt_txn_set(&st->txn, &peer->alive, 0);
    rt_txn_add(&st->txn, &st->npeers, -1);
}


ngx_uint_t
ngx_rt_peer_alive(ngx_rt_state_t *st, const u_char *id)
{
    return ngx_rt_peer_lookup(st, id) != NULL;
}


static ngx_rt_peer_t *
ngx_rt_peer_lookup(ngx_rt_state_t *st, const u_char *id)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_RT_PEERS; i++) {
        if (st->peers[i].alive
            && ngx_memcmp(st->peers[i].id, id, NGX_RT_ID_LEN) == 0)
        {
            return &st->peers[i];
        }
    }

    return NULL;
}


/* zero is no time */

ngx_int_t
ngx_rt_beat_claim(ngx_rt_zone_t *z, ngx_msec_t since)
{
    ngx_int_t        rc;
    ngx_rt_state_t  *st;

    st = z->state;
    rc = NGX_DECLINED;

    ngx_rt_state_lock(z);

    if (st->beat == 0
        || (ngx_msec_int_t) (ngx_current_msec - st->beat)
           >= (ngx_msec_int_t) since)
    {
        rt_txn_set(&st->txn, &st->beat, ngx_max(ngx_current_msec, 1));
        (void) rt_txn_commit(&st->txn);
        rc = NGX_OK;
    }

    ngx_rt_state_unlock(z);

    return rc;
}


void
ngx_rt_beat_void(ngx_rt_zone_t *z)
{
    ngx_rt_state_lock(z);

    rt_txn_set(&z->state->txn, &z->state->beat, 0);
    (void) rt_txn_commit(&z->state->txn);

    ngx_rt_state_unlock(z);
}
