
/*
 * The address of a link's next attempt.  A name is asked for again each time,
 * if http {} has a resolver, so that a Redis that moved is found; what was
 * found when the configuration was read is taken where there is none, or no
 * answer.
 *
 * Called by ngx_rt_redis_link.c, goes on with ngx_rt_redis_link_connect().
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"


static ngx_resolver_t *ngx_rt_redis_resolver(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_resolve_handler(ngx_resolver_ctx_t *ctx);
static void ngx_rt_redis_resolve_known(ngx_rt_redis_link_t *link);


void
ngx_rt_redis_resolve(ngx_rt_redis_link_t *link)
{
    ngx_resolver_t      *resolver;
    ngx_resolver_ctx_t  *ctx;

    resolver = ngx_rt_redis_resolver(link);
    ctx = resolver ? ngx_resolve_start(resolver, NULL) : NULL;

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_rt_redis_resolve_known(link);
        return;
    }

    ctx->name = link->conf->host;
    ctx->handler = ngx_rt_redis_resolve_handler;
    ctx->data = link;
    ctx->timeout = link->conf->connect_timeout / 2;
    ctx->cancelable = 1;

    link->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        link->resolving = NULL;
        ngx_rt_redis_resolve_known(link);
    }
}


static ngx_resolver_t *
ngx_rt_redis_resolver(ngx_rt_redis_link_t *link)
{
    ngx_http_conf_ctx_t       *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    if (link->conf->host.len == 0 || link->conf->literal) {
        return NULL;
    }

    ctx = (ngx_http_conf_ctx_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_http_module);
    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];

    return clcf->resolver;
}


static void
ngx_rt_redis_resolve_handler(ngx_resolver_ctx_t *ctx)
{
    ngx_resolver_addr_t  *addr;
    ngx_rt_redis_link_t  *link;

    link = ctx->data;
    link->resolving = NULL;

    if (ctx->state || ctx->naddrs == 0) {
        ngx_resolve_name_done(ctx);
        ngx_rt_redis_resolve_known(link);
        return;
    }

    addr = &ctx->addrs[link->tries % ctx->naddrs];

    ngx_memcpy(&link->sockaddr, addr->sockaddr, addr->socklen);
    ngx_inet_set_port(&link->sockaddr.sockaddr, link->conf->port);

    link->peer.socklen = addr->socklen;

    ngx_resolve_name_done(ctx);

    ngx_rt_redis_link_connect(link, &link->sockaddr.sockaddr,
                              link->peer.socklen);
}


static void
ngx_rt_redis_resolve_known(ngx_rt_redis_link_t *link)
{
    ngx_addr_t  *addr;

    addr = &link->conf->addrs[link->tries % link->conf->naddrs];

    ngx_rt_redis_link_connect(link, addr->sockaddr, addr->socklen);
}


void
ngx_rt_redis_resolve_stop(ngx_rt_redis_link_t *link)
{
    if (link->resolving) {
        ngx_resolve_name_done(link->resolving);
        link->resolving = NULL;
    }
}
