
/*
 * Presence: who is in a channel, copied out of shared memory.
 *
 * Called by the protocol and the API.  Holds the state's mutex for a bounded
 * number of members at a time and allocates nothing under it.  A new member
 * stands first in the list, and none changes its place, so that the walk goes
 * on behind the last one that it has copied and that is still there.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


/* memory for infos, which is taken when one does not fit */
#define NGX_RT_PRESENCE_CHUNK  (16 * 1024)


typedef struct {
    u_char      *pos;
    u_char      *last;
    size_t       left;            /* that may still be taken */
    ngx_uint_t   wanted;
    ngx_uint_t   full;
} ngx_rt_presence_infos_t;


static ngx_int_t ngx_rt_presence_room(ngx_array_t *list,
    ngx_rt_presence_infos_t *infos);
static ngx_int_t ngx_rt_presence_slice_locked(ngx_rt_state_t *st,
    ngx_str_t *tenant, ngx_str_t *channel, ngx_array_t *list,
    ngx_rt_presence_infos_t *infos, uint64_t *clients);
static void ngx_rt_presence_copy_locked(ngx_rt_member_t *m,
    ngx_rt_present_t *one, ngx_rt_presence_infos_t *infos);
static ngx_int_t ngx_rt_presence_resume_locked(ngx_rt_state_t *st,
    ngx_rt_channel_t *ch, ngx_array_t *list, ngx_rt_member_t **next);
static int ngx_libc_cdecl ngx_rt_presence_compare(const void *one,
    const void *two);


ngx_int_t
ngx_rt_presence_read(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *channel,
    ngx_uint_t max, size_t room, ngx_array_t *list, uint64_t *clients)
{
    ngx_int_t                rc;
    ngx_rt_presence_infos_t  infos;

    ngx_memzero(&infos, sizeof(ngx_rt_presence_infos_t));
    infos.wanted = (room != 0);
    infos.left = room;

    do {
        rc = ngx_rt_presence_room(list, &infos);

        if (rc != NGX_OK) {
            return rc;
        }

        ngx_rt_state_lock(z);
        rc = ngx_rt_presence_slice_locked(z->state, tenant, channel, list,
                                          &infos, clients);
        ngx_rt_state_unlock(z);

        rt_fault(presence_slice);

        if (*clients > max || list->nelts > max) {
            return NGX_DECLINED;
        }

    } while (rc == NGX_AGAIN);

    return NGX_OK;
}


/* for the next slice, before the mutex is taken */

static ngx_int_t
ngx_rt_presence_room(ngx_array_t *list, ngx_rt_presence_infos_t *infos)
{
    ngx_uint_t  n;

    n = list->nelts;

    if (ngx_array_push_n(list, NGX_RT_PRESENCE_SLICE) == NULL) {
        return NGX_ERROR;
    }

    list->nelts = n;

    if (!infos->full) {
        return NGX_OK;
    }

    if (infos->left < NGX_RT_PRESENCE_CHUNK) {
        return NGX_DECLINED;
    }

    infos->pos = ngx_palloc(list->pool, NGX_RT_PRESENCE_CHUNK);
    if (infos->pos == NULL) {
        return NGX_ERROR;
    }

    infos->last = infos->pos + NGX_RT_PRESENCE_CHUNK;
    infos->left -= NGX_RT_PRESENCE_CHUNK;
    infos->full = 0;

    return NGX_OK;
}


/* NGX_AGAIN: it was enough for a hold of the mutex */

static ngx_int_t
ngx_rt_presence_slice_locked(ngx_rt_state_t *st, ngx_str_t *tenant,
    ngx_str_t *channel, ngx_array_t *list, ngx_rt_presence_infos_t *infos,
    uint64_t *clients)
{
    ngx_uint_t         n;
    ngx_rt_tenant_t   *t;
    ngx_rt_member_t   *m;
    ngx_rt_channel_t  *ch;
    ngx_rt_present_t  *one;

    t = ngx_rt_tenant_lookup_locked(st, tenant);
    ch = t ? ngx_rt_channel_lookup_locked(st, t, channel) : NULL;

    *clients = ch ? ch->clients : 0;

    if (ch == NULL) {
        list->nelts = 0;
        return NGX_OK;
    }

    if (ngx_rt_presence_resume_locked(st, ch, list, &m) != NGX_OK) {
        return NGX_AGAIN;
    }

    one = (ngx_rt_present_t *) list->elts + list->nelts;

    for (n = 0; m && n < NGX_RT_PRESENCE_SLICE; n++, one++) {
        ngx_rt_presence_copy_locked(m, one, infos);

        if (infos->full) {
            break;
        }

        m = m->channel_next;
    }

    list->nelts += n;

    return m ? NGX_AGAIN : NGX_OK;
}


static void
ngx_rt_presence_copy_locked(ngx_rt_member_t *m, ngx_rt_present_t *one,
    ngx_rt_presence_infos_t *infos)
{
    u_char            *p;
    rt_client_info_t   info;

    ngx_rt_member_info(m, &info);

    one->serial = m->serial;
    one->len = (uint16_t) info.user.len;
    one->conn_len = 0;
    one->chan_len = 0;
    one->info = infos->pos;

    ngx_memcpy(one->id, info.client.data, NGX_RT_ID_LEN);
    (void) rt_append(one->user, info.user.data, info.user.len);

    if (!infos->wanted || (info.conn_info.len | info.chan_info.len) == 0) {
        return;
    }

    if (infos->pos == NULL
        || info.conn_info.len + info.chan_info.len
           > (size_t) (infos->last - infos->pos))
    {
        infos->full = 1;
        return;
    }

    one->conn_len = (uint16_t) info.conn_info.len;
    one->chan_len = (uint16_t) info.chan_info.len;

    p = rt_append(infos->pos, info.conn_info.data, info.conn_info.len);
    infos->pos = rt_append(p, info.chan_info.data, info.chan_info.len);
}


/* those at the end of the list who have left go out of it */

static ngx_int_t
ngx_rt_presence_resume_locked(ngx_rt_state_t *st, ngx_rt_channel_t *ch,
    ngx_array_t *list, ngx_rt_member_t **next)
{
    ngx_str_t          id;
    ngx_uint_t         i;
    ngx_rt_member_t   *m;
    ngx_rt_session_t  *s;
    ngx_rt_present_t  *one;

    for (i = 0; list->nelts; i++, list->nelts--) {

        if (i == NGX_RT_PRESENCE_SLICE) {
            return NGX_AGAIN;
        }

        one = (ngx_rt_present_t *) list->elts + list->nelts - 1;

        id.data = one->id;
        id.len = NGX_RT_ID_LEN;

        s = ngx_rt_session_lookup_locked(st, ch->tenant, &id);

        for (m = s ? s->members : NULL; m; m = m->session_next) {

            if (m->serial == one->serial) {
                *next = m->channel_next;
                return NGX_OK;
            }
        }
    }

    *next = ch->members;

    return NGX_OK;
}


void
ngx_rt_presence_info(ngx_array_t *list, rt_client_info_t *info)
{
    ngx_uint_t         i;
    ngx_rt_present_t  *one;

    one = list->elts;

    for (i = 0; i < list->nelts; i++) {
        info[i].client.data = one[i].id;
        info[i].client.len = NGX_RT_ID_LEN;
        info[i].user.data = one[i].user;
        info[i].user.len = one[i].len;
        info[i].conn_info.data = one[i].info;
        info[i].conn_info.len = one[i].conn_len;
        info[i].chan_info.data = one[i].chan_len
                                 ? one[i].info + one[i].conn_len : NULL;
        info[i].chan_info.len = one[i].chan_len;
    }
}


ngx_uint_t
ngx_rt_presence_users(ngx_array_t *list)
{
    ngx_uint_t         i, n;
    ngx_rt_present_t  *one;

    one = list->elts;

    ngx_qsort(one, list->nelts, sizeof(ngx_rt_present_t),
              ngx_rt_presence_compare);

    for (i = 0, n = 0; i < list->nelts; i++) {
        if (i == 0 || ngx_rt_presence_compare(&one[i - 1], &one[i]) != 0) {
            n++;
        }
    }

    return n;
}


static int ngx_libc_cdecl
ngx_rt_presence_compare(const void *one, const void *two)
{
    const ngx_rt_present_t *a = one;
    const ngx_rt_present_t *b = two;

    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }

    return ngx_memcmp(a->user, b->user, a->len);
}
