
/*
 * revoke_token and invalidate_user_tokens: tokens of the request's tenant that
 * are no longer taken.  The answer says that no worker takes them any more; the
 * workers close what lives by them at their next turn.
 *
 * Called by ngx_rt_api_method.c.  Calls state, which locks by itself.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


static ngx_int_t ngx_rt_api_revoke(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_revoked_t *what, ngx_rt_api_reply_t *reply);


ngx_int_t
ngx_rt_api_revoke_token(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_revoked_t  what;

    ngx_memzero(&what, sizeof(ngx_rt_revoked_t));

    what.kind = NGX_RT_REVOKED_TOKEN;
    what.name = ngx_rt_ngx_str(&p->uid);

    if (what.name.len == 0 || what.name.len > RT_CLAIMS_JTI_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "uid",
                         "has to be 1 to 128 bytes, the jti of a token");
    }

    return ngx_rt_api_revoke(api, p, &what, reply);
}


ngx_int_t
ngx_rt_api_invalidate_user_tokens(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply)
{
    ngx_rt_revoked_t  what;

    ngx_memzero(&what, sizeof(ngx_rt_revoked_t));

    what.kind = NGX_RT_REVOKED_USER;
    what.name = ngx_rt_ngx_str(&p->user);
    what.before = p->issued_before ? p->issued_before : (uint64_t) ngx_time();

    ngx_rt_api_user(p, reply);

    if (what.before > RT_CLAIMS_TIME_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "issued_before",
                         "is after the year 9999, it has to be in seconds");
    }

    if (p->channel.len) {
        ngx_rt_api_error(reply, NGX_RT_API_NOT_AVAILABLE, "channel",
                         "is not supported yet");
    }

    return ngx_rt_api_revoke(api, p, &what, reply);
}


void
ngx_rt_api_expire_at(ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply)
{
    if (p->expire_at
        && (p->expire_at > RT_CLAIMS_TIME_MAX
            || p->expire_at <= (uint64_t) ngx_time()))
    {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "expire_at",
                         "has to be in the future, in seconds since 1970");
    }
}


static ngx_int_t
ngx_rt_api_revoke(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_revoked_t *what, ngx_rt_api_reply_t *reply)
{
    ngx_int_t      rc;
    ngx_rt_told_t  told;

    what->expire = p->expire_at;

    ngx_rt_api_expire_at(p, reply);

    if (reply->code) {
        return NGX_OK;
    }

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_revoke(api->zone, &api->tenant, what, &told);

    ngx_rt_hub_told(api->zone->hub, &told);

    if (rc != NGX_OK) {
        ngx_rt_api_error(reply, NGX_RT_API_ZONE_FULL, NULL, "zone full");
        return NGX_OK;
    }

    /* this worker takes a turn, too */

    ngx_rt_hub_ring(api->zone->hub, ngx_rt_doorbell_workers());

    ngx_str_set(&reply->result, "{}");

    return NGX_OK;
}
