
/*
 * Configuration: made, inherited, checked.  What a directive of one folder
 * means is parsed in that folder.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"


/* a frame of less is no use, one of more no message */
#define NGX_RT_MESSAGE_LEAST   1024
#define NGX_RT_MESSAGE_MOST    (16 * 1024 * 1024)

#define NGX_RT_BACKLOG         (256 * 1024 * 1024)

#define NGX_RT_META_TTL        ((ngx_msec_t) 30 * 24 * 3600 * 1000)
#define NGX_RT_SESSION_TTL     60000      /* msec */
#define NGX_RT_LINGER_MAX      10000


static char *ngx_rt_conf_handler(ngx_conf_t *cf, ngx_http_handler_pt handler);
static char *ngx_rt_conf_zone(ngx_conf_t *cf, ngx_rt_loc_conf_t *lcf);
static char *ngx_rt_conf_check(ngx_conf_t *cf, ngx_rt_loc_conf_t *conf);


void *
ngx_rt_create_main_conf(ngx_conf_t *cf)
{
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_rt_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->zones, cf->pool, 2, sizeof(ngx_rt_zone_t *))
        != NGX_OK
        || ngx_array_init(&mcf->namespaces, cf->pool, 8,
                          sizeof(ngx_rt_namespace_t))
           != NGX_OK)
    {
        return NULL;
    }

    mcf->max_backlog = NGX_RT_BACKLOG;
    mcf->max_tenant_backlog = NGX_RT_BACKLOG / 4;
    mcf->drain_window = 10000;
    mcf->drain_rate = 1000;
    mcf->idem_window = 300000;
    mcf->idem_keys = 65536;
    mcf->history_meta_ttl = NGX_CONF_UNSET_MSEC;
    mcf->linger.ttl = NGX_RT_SESSION_TTL;
    mcf->linger.max = NGX_RT_LINGER_MAX;
    mcf->linger.max_tenant = NGX_RT_LINGER_MAX / 4;

    ngx_rt_doorbell_forget_zone();

    return mcf;
}


char *
ngx_rt_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char  *rv;

    ngx_conf_init_msec_value(mcf->history_meta_ttl, NGX_RT_META_TTL);

    if (mcf->history_meta_ttl == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_history_meta_ttl\" has to be more than 0");
        return NGX_CONF_ERROR;
    }

    if (mcf->redis && mcf->zones.nelts > 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is \"rt_redis\" and more than one "
                           "\"rt_zone\", whose tenants would share keys "
                           "in it, write one \"rt_zone\"");
        return NGX_CONF_ERROR;
    }

    if (mcf->redis && mcf->state_file.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is \"rt_redis\", which keeps what the API "
                           "has set, and \"rt_state_file\": remove one of "
                           "them");
        return NGX_CONF_ERROR;
    }

    rv = ngx_rt_limit_check_streams(cf, mcf);

    return rv == NGX_CONF_OK ? ngx_rt_namespace_check_durable(cf, mcf) : rv;
}


void *
ngx_rt_create_loc_conf(ngx_conf_t *cf)
{
    ngx_rt_loc_conf_t  *conf;

    /*
     * set by ngx_pcalloc():
     *
     *     conf->zone = NULL;
     *     conf->api = 0;
     *     conf->user = NULL;
     *     conf->flag_key = NULL;
     *     conf->flag_zone = NULL;
     *     conf->close_log = NULL;
     */

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_rt_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->metrics_tenants = NGX_CONF_UNSET_UINT;
    conf->origins = NGX_CONF_UNSET_PTR;
    conf->rule_headers = NGX_CONF_UNSET_PTR;
    conf->max_message = NGX_CONF_UNSET_SIZE;
    conf->max_queue = NGX_CONF_UNSET_SIZE;
    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->ping_interval = NGX_CONF_UNSET_MSEC;
    conf->pong_timeout = NGX_CONF_UNSET_MSEC;
    conf->close_timeout = NGX_CONF_UNSET_MSEC;
    conf->token_grace = NGX_CONF_UNSET_MSEC;
    conf->max_channels = NGX_CONF_UNSET_UINT;
    conf->api_auth = NGX_CONF_UNSET_PTR;
    conf->jwt = NGX_CONF_UNSET_PTR;
    conf->close_log_set = NGX_CONF_UNSET;

    return conf;
}


char *
ngx_rt_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_rt_loc_conf_t *prev = parent;
    ngx_rt_loc_conf_t *conf = child;

    char  *rv;

    /* inside "if" the handler stays, and so must what it works on */

    if (conf->zone == NULL) {
        conf->zone = prev->zone;
    }

    if (conf->user == NULL) {
        conf->user = prev->user;
    }

    if (conf->flag_key == NULL) {
        conf->flag_key = prev->flag_key;
        conf->flag_zone = prev->flag_zone;
    }

    ngx_conf_merge_uint_value(conf->metrics_tenants, prev->metrics_tenants,
                              NGX_RT_METRICS_TENANTS);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_ptr_value(conf->rule_headers, prev->rule_headers, NULL);
    ngx_conf_merge_size_value(conf->max_message, prev->max_message, 65536);
    ngx_conf_merge_size_value(conf->max_queue, prev->max_queue, 1048576);
    ngx_conf_merge_msec_value(conf->connect_timeout, prev->connect_timeout,
                              10000);
    ngx_conf_merge_msec_value(conf->ping_interval, prev->ping_interval, 25000);
    ngx_conf_merge_msec_value(conf->pong_timeout, prev->pong_timeout, 8000);
    ngx_conf_merge_msec_value(conf->close_timeout, prev->close_timeout, 1000);
    ngx_conf_merge_msec_value(conf->token_grace, prev->token_grace, 25000);
    ngx_conf_merge_uint_value(conf->max_channels, prev->max_channels, 128);
    ngx_conf_merge_ptr_value(conf->api_auth, prev->api_auth, NULL);
    ngx_conf_merge_ptr_value(conf->jwt, prev->jwt, NULL);

    if (conf->jwt && conf->jwt->off) {
        conf->jwt = NULL;
    }

    if (conf->close_log_set == NGX_CONF_UNSET) {
        conf->close_log_set = prev->close_log_set;
        conf->close_log = prev->close_log;
    }

    rv = ngx_rt_conf_check(cf, conf);

    if (rv == NGX_CONF_OK && conf->zone) {
        rv = ngx_rt_limit_check(cf, ngx_http_conf_get_module_main_conf(cf,
                                                              ngx_rt_module),
                                conf->max_message);
    }

    return rv;
}


static char *
ngx_rt_conf_check(ngx_conf_t *cf, ngx_rt_loc_conf_t *conf)
{
    if (conf->api && conf->api_auth == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a location has \"rt_api\" but no \"rt_api_key\", "
                           "write \"rt_api_key file=PATH;\", or "
                           "\"rt_api_key off;\" to let everyone in");
        return NGX_CONF_ERROR;
    }

    if (conf->websocket && conf->jwt
        && conf->user && (conf->user->lengths || conf->user->value.len))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a location with \"rt_websocket\" has \"rt_jwt\" "
                           "and \"rt_user\", but a client is known by one "
                           "of them: write \"rt_jwt off;\" or "
                           "\"rt_user '';\" in it");
        return NGX_CONF_ERROR;
    }

    if (conf->max_message < NGX_RT_MESSAGE_LEAST
        || conf->max_message > NGX_RT_MESSAGE_MOST)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_max_message\" is %uz bytes, "
                           "write one from 1k to 16m", conf->max_message);
        return NGX_CONF_ERROR;
    }

    if (conf->max_queue < conf->max_message) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_max_queue\" (%uz bytes) is smaller than "
                           "\"rt_max_message\" (%uz bytes), a message would "
                           "not fit in it", conf->max_queue,
                           conf->max_message);
        return NGX_CONF_ERROR;
    }

    if (conf->pong_timeout >= conf->ping_interval) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_pong_timeout\" (%Mms) has to be shorter than "
                           "\"rt_ping_interval\" (%Mms)",
                           conf->pong_timeout, conf->ping_interval);
        return NGX_CONF_ERROR;
    }

    if (conf->connect_timeout == 0 || conf->pong_timeout == 0
        || conf->close_timeout == 0 || conf->max_channels == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_connect_timeout\", \"rt_pong_timeout\", "
                           "\"rt_close_timeout\" and \"rt_max_channels\" "
                           "have to be more than 0");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_rt_conf_rt_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    if (ngx_rt_doorbell_add_zone(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_rt_zone(cf, cmd, conf);
}


char *
ngx_rt_websocket(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    char  *rv;

    rv = ngx_rt_conf_zone(cf, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    lcf->websocket = 1;

    return ngx_rt_conf_handler(cf, ngx_rt_client_handler);
}


char *
ngx_rt_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *lcf = conf;

    char  *rv;

    rv = ngx_rt_conf_zone(cf, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    lcf->api = 1;

    return ngx_rt_conf_handler(cf, ngx_rt_api_handler);
}


char *
ngx_rt_echo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_rt_conf_handler(cf, ngx_rt_echo_handler);
}


static char *
ngx_rt_conf_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "is not the only handler of its location";
    }

    clcf->handler = handler;

    return NGX_CONF_OK;
}


/* zone=NAME */

static char *
ngx_rt_conf_zone(ngx_conf_t *cf, ngx_rt_loc_conf_t *lcf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[1].len <= 5 || ngx_strncmp(value[1].data, "zone=", 5) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", write \"%V zone=NAME;\"",
                           &value[1], &value[0]);
        return NGX_CONF_ERROR;
    }

    lcf->zone = ngx_rt_conf_known_zone(cf, &value[1]);

    return lcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_rt_zone_t *
ngx_rt_conf_known_zone(ngx_conf_t *cf, const ngx_str_t *option)
{
    ngx_str_t            name;
    ngx_rt_zone_t       *zone;
    ngx_rt_main_conf_t  *mcf;

    name.data = option->data + 5;
    name.len = option->len - 5;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_rt_module);

    zone = ngx_rt_zone_lookup(mcf, &name);

    if (zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the zone \"%V\" is unknown, write "
                           "\"rt_zone KEY zone=%V:SIZE;\" in http {} "
                           "before it is used", &name, &name);
    }

    return zone;
}
