
/*
 * Accounts: how much memory waits for clients, of each tenant in this worker
 * and of all.  Called by the batches, which are that memory; by the clients,
 * which hold the account of their tenant; and by the queue, which asks whether
 * there is too much.  A worker's own, no locking.
 *
 * Memory is what it takes, not what is queued: a batch that waits for a
 * thousand clients is there once, and a thousand references to it.
 */


#include "ngx_rt.h"
#include "ngx_rt_egress.h"


#define NGX_RT_ACCOUNT_BUCKETS  1024
#define NGX_RT_BACKLOG_LEAST    (1024 * 1024)


ssize_t                   ngx_rt_account_bytes;

static ngx_rt_account_t  *ngx_rt_accounts[NGX_RT_ACCOUNT_BUCKETS];
static ssize_t            ngx_rt_account_max;
static ssize_t            ngx_rt_account_tenant_max;


char *
ngx_rt_max_backlog(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    ngx_str_t  *value, size;

    if (mcf->backlog_set) {
        return "is duplicate";
    }

    mcf->backlog_set = 1;

    value = cf->args->elts;

    mcf->max_backlog = ngx_parse_offset(&value[1]);
    mcf->max_tenant_backlog = ngx_max(mcf->max_backlog / 4,
                                      NGX_RT_BACKLOG_LEAST);

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "tenant=", 7) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", write "
                               "\"tenant=SIZE\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        size.data = value[2].data + 7;
        size.len = value[2].len - 7;

        mcf->max_tenant_backlog = ngx_parse_offset(&size);
    }

    if (mcf->max_backlog < NGX_RT_BACKLOG_LEAST
        || mcf->max_tenant_backlog < NGX_RT_BACKLOG_LEAST
        || mcf->max_backlog < mcf->max_tenant_backlog)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size in \"rt_max_backlog\", write sizes "
                           "from 1m on, a tenant's not above the worker's");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void
ngx_rt_account_init_process(ngx_rt_main_conf_t *mcf)
{
    if (mcf == NULL) {
        return;
    }

    ngx_rt_account_max = mcf->max_backlog;
    ngx_rt_account_tenant_max = mcf->max_tenant_backlog;
}


static ngx_rt_account_t **
ngx_rt_account_bucket(uint64_t tenant)
{
    return &ngx_rt_accounts[tenant % NGX_RT_ACCOUNT_BUCKETS];
}


ngx_rt_account_t *
ngx_rt_account_acquire(ngx_rt_zone_t *z, uint64_t tenant)
{
    ngx_rt_account_t  *a, **bucket;

    bucket = ngx_rt_account_bucket(tenant);

    for (a = *bucket; a; a = a->next) {
        if (a->tenant == tenant && a->zone == z) {
            a->refs++;
            return a;
        }
    }

    a = ngx_calloc(sizeof(ngx_rt_account_t), ngx_cycle->log);
    if (a == NULL) {
        return NULL;
    }

    a->zone = z;
    a->tenant = tenant;
    a->refs = 1;

    a->next = *bucket;
    *bucket = a;

    return a;
}


void
ngx_rt_account_release(ngx_rt_account_t *a)
{
    ngx_rt_account_t  **p;

    if (--a->refs) {
        return;
    }

    for (p = ngx_rt_account_bucket(a->tenant); *p != a; p = &(*p)->next) {
        /* void */
    }

    *p = a->next;

    ngx_free(a);
}


void
ngx_rt_account_take(ngx_rt_account_t *a, size_t n)
{
    ngx_rt_account_add(a, n);

    if (a) {
        a->refs++;
    }
}


void
ngx_rt_account_give(ngx_rt_account_t *a, size_t n)
{
    ngx_rt_account_add(a, -(ssize_t) n);

    if (a) {
        ngx_rt_account_release(a);
    }
}


ngx_uint_t
ngx_rt_account_full(ngx_rt_account_t *a)
{
    return ngx_rt_account_bytes > ngx_rt_account_max
           || (a && a->bytes > ngx_rt_account_tenant_max);
}
