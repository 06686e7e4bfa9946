
/*
 * The directives and the hooks of the module; no logic.
 */


#include "ngx_rt.h"
#include "ngx_rt_conn.h"
#include "ngx_rt_control.h"
#include "ngx_rt_egress.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_observe.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_rules.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"


#define NGX_RT_LEVELS                                                         \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_int_t ngx_rt_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_rt_init_process(ngx_cycle_t *cycle);
static void ngx_rt_exit_process(ngx_cycle_t *cycle);
#ifdef RT_FAULT_POINTS
static ngx_int_t ngx_rt_init_faults(ngx_cycle_t *cycle);
#endif


static ngx_command_t  ngx_rt_commands[] = {

    { ngx_string("rt_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE23,
      ngx_rt_conf_rt_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_namespace"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_rt_namespace,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_limit"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_rt_limit,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_max_backlog"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_rt_max_backlog,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_idempotency"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_rt_idempotency,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_drain"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_rt_drain,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_history_meta_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_rt_main_conf_t, history_meta_ttl),
      NULL },

    { ngx_string("rt_session_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_rt_session_ttl,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_rt_redis_conf,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_rules"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1234|NGX_CONF_TAKE5,
      ngx_rt_rules,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_rules_on_error"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_rt_rules_on_error,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_rule_headers"),
      NGX_RT_LEVELS|NGX_CONF_1MORE,
      ngx_rt_rule_headers,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_flag"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE2,
      ngx_rt_flag,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_state_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_rt_state_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_websocket"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_rt_websocket,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_rt_echo,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_rt_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_api_key"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_rt_api_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_rt_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_log"),
      NGX_RT_LEVELS|NGX_CONF_TAKE12,
      ngx_rt_close_log,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_origins"),
      NGX_RT_LEVELS|NGX_CONF_1MORE,
      ngx_rt_origins,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_user"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, user),
      NULL },

    { ngx_string("rt_flag_key"),
      NGX_RT_LEVELS|NGX_CONF_TAKE12,
      ngx_rt_flag_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_jwt"),
      NGX_RT_LEVELS|NGX_CONF_1MORE,
      ngx_rt_jwt,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("rt_token_grace"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, token_grace),
      NULL },

    { ngx_string("rt_max_message"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, max_message),
      NULL },

    { ngx_string("rt_max_queue"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, max_queue),
      NULL },

    { ngx_string("rt_max_channels"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, max_channels),
      NULL },

    { ngx_string("rt_connect_timeout"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, connect_timeout),
      NULL },

    { ngx_string("rt_ping_interval"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, ping_interval),
      NULL },

    { ngx_string("rt_pong_timeout"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, pong_timeout),
      NULL },

    { ngx_string("rt_close_timeout"),
      NGX_RT_LEVELS|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_rt_loc_conf_t, close_timeout),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_rt_module_ctx = {
    ngx_rt_add_variables,                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_rt_create_main_conf,               /* create main configuration */
    ngx_rt_init_main_conf,                 /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_rt_create_loc_conf,                /* create location configuration */
    ngx_rt_merge_loc_conf                  /* merge location configuration */
};


ngx_module_t  ngx_rt_module = {
    NGX_MODULE_V1,
    &ngx_rt_module_ctx,                    /* module context */
    ngx_rt_commands,                       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_rt_init_module,                    /* init module */
    ngx_rt_init_process,                   /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_rt_exit_process,                   /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_rt_init_module(ngx_cycle_t *cycle)
{
    if (ngx_rt_doorbell_init_module(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_rt_limit_init_module(cycle);
    ngx_rt_settings_file_init_module(cycle);

    return ngx_rt_hub_init_module(cycle);
}


#ifdef RT_FAULT_POINTS

/* nginx's "env" directive hands the environment down to workers */

static ngx_int_t
ngx_rt_init_faults(ngx_cycle_t *cycle)
{
    const char  *wrong;

    if (ngx_process == NGX_PROCESS_HELPER) {
        return NGX_OK;
    }

    wrong = rt_fault_init(getenv("RT_FAULT"), getenv("RT_FAULT_DIR"));

    if (wrong) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "rt: invalid fault points: %s", wrong);
        return NGX_ERROR;
    }

    return NGX_OK;
}

#endif


static ngx_int_t
ngx_rt_init_process(ngx_cycle_t *cycle)
{
#ifdef RT_FAULT_POINTS
    if (ngx_rt_init_faults(cycle) != NGX_OK) {
        return NGX_ERROR;
    }
#endif

    ngx_rt_account_init_process(ngx_http_cycle_get_module_main_conf(cycle,
                                                              ngx_rt_module));
    ngx_rt_queue_init_process();
    ngx_rt_flush_init_process();
    ngx_rt_conn_init_process(cycle);
    ngx_rt_turn_init_process(cycle);

    if (ngx_rt_doorbell_init_process(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_rt_hub_init_process(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_rt_api_init_process();
    ngx_rt_stream_init_process(cycle);
    ngx_rt_redis_init_process(cycle);

    return NGX_OK;
}


static void
ngx_rt_exit_process(ngx_cycle_t *cycle)
{
    ngx_rt_doorbell_exit_process(cycle);
    ngx_rt_stream_exit_process();
    ngx_rt_redis_exit_process(cycle);
    ngx_rt_hub_exit_process(cycle);
    ngx_rt_rules_exit_process(ngx_http_cycle_get_module_main_conf(cycle,
                                                              ngx_rt_module));
}
