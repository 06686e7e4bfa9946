
/*
 * What slow clients lost, counted by namespace in a table of the state.  Called
 * when a worker's interest in a channel begins; the counters are added to by
 * the delivery and read by the metrics.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


static ngx_rt_losses_t *ngx_rt_losses_locked(ngx_rt_state_t *st,
    u_char *name, size_t len);


ngx_rt_losses_t *
ngx_rt_losses(ngx_rt_zone_t *z, const ngx_str_t *name)
{
    ngx_rt_losses_t  *losses;

    ngx_rt_state_lock(z);

    losses = ngx_rt_losses_locked(z->state, name->data,
                                  ngx_min(name->len, NGX_RT_LOSSES_NAME));

    ngx_rt_state_unlock(z);

    return losses;
}


/* the first free one becomes the name's; the last one is for all the others */

static ngx_rt_losses_t *
ngx_rt_losses_locked(ngx_rt_state_t *st, u_char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_rt_losses_t  *losses;

    for (i = 0; i < NGX_RT_LOSSES - 1; i++) {
        losses = &st->losses[i];

        if (losses->len == 0) {
            ngx_memcpy(losses->name, name, len);

            rt_txn_set(&st->txn, &losses->len, len);
            (void) rt_txn_commit(&st->txn);

            return losses;
        }

        if (losses->len == len && ngx_memcmp(losses->name, name, len) == 0) {
            return losses;
        }
    }

    return &st->losses[i];
}
