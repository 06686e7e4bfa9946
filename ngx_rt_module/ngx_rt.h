
/*
 * ngx_rt_module: the map.
 *
 *     socket bytes
 *       -> ingress    handshake, origin, frames -> whole messages
 *       -> protocol   message -> typed commands -> replies
 *       -> policy     which channels there are, who may do what
 *       -> rules      what a tenant's own Lua says of it
 *       -> fanout     event log in shared memory, interest, doorbells
 *       -> egress     encode once, a bounded queue, one flush a turn
 *     socket bytes
 *
 *     beside it:  state (shared memory, keyed by tenant), control (HTTP API),
 *                 observe (metrics, log of closes, variables)
 *
 * Includes point down this list; pure/ knows nothing of nginx.
 * docs/architecture.md tells of locking and lifetimes.
 */


#ifndef _NGX_RT_H_INCLUDED_
#define _NGX_RT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <openssl/rand.h>

#include "rt_base.h"
#include "rt_bucket.h"
#include "rt_claims.h"
#include "rt_command.h"
#include "rt_epoch.h"
#include "rt_fault.h"
#include "rt_flag.h"
#include "rt_frame.h"
#include "rt_hash.h"
#include "rt_heap.h"
#include "rt_idem.h"
#include "rt_history.h"
#include "rt_jwt.h"
#include "rt_list.h"
#include "rt_log.h"
#include "rt_mark.h"
#include "rt_proof.h"
#include "rt_redis_error.h"
#include "rt_slab.h"
#include "rt_txn.h"



#define NGX_RT_VERSION          "0.1.0"

#define NGX_RT_SLOTS            64        /* workers, of all generations */
#define NGX_RT_NO_SLOT          NGX_RT_SLOTS

#define NGX_RT_TENANT_MAX       128       /* bytes */
#define NGX_RT_CHANNEL_MAX      255       /* bytes */
#define NGX_RT_USER_MAX         128       /* bytes */
#define NGX_RT_INFO_MAX         3072      /* bytes, of a session or a member */
#define NGX_RT_ID_LEN           36        /* of a session: a UUID */
#define NGX_RT_EPOCH_LEN        RT_EPOCH_LEN  /* of a history */

/* what a worker's connections to Redis are for */
#define NGX_RT_REDIS_COMMANDS   0
#define NGX_RT_REDIS_PUBSUB     1
#define NGX_RT_REDIS_USES       2


/* shared memory: state/ */
typedef struct ngx_rt_state_s         ngx_rt_state_t;     /* a zone's root */
typedef struct ngx_rt_tenant_s        ngx_rt_tenant_t;
typedef struct ngx_rt_user_s          ngx_rt_user_t;
typedef struct ngx_rt_session_s       ngx_rt_session_t;
typedef struct ngx_rt_channel_s       ngx_rt_channel_t;
typedef struct ngx_rt_member_s        ngx_rt_member_t;    /* session in one */
typedef struct ngx_rt_info_s          ngx_rt_info_t;      /* told of either */
typedef struct ngx_rt_history_s       ngx_rt_history_t;   /* of a channel */
typedef struct ngx_rt_errand_s        ngx_rt_errand_t;    /* order to one */
typedef struct ngx_rt_revocation_s    ngx_rt_revocation_t;  /* of tokens */
typedef struct ngx_rt_linger_s        ngx_rt_linger_t;    /* of one that may */
typedef struct ngx_rt_tally_s         ngx_rt_tally_t;     /* named counters */
typedef struct ngx_rt_setting_s       ngx_rt_setting_t;   /* of a tenant */
typedef struct ngx_rt_piece_s         ngx_rt_piece_t;     /* of its texts */

/* a worker's own */
typedef struct ngx_rt_zone_s          ngx_rt_zone_t;      /* configured */
typedef struct ngx_rt_overlays_s      ngx_rt_overlays_t;  /* settings, read */
typedef struct ngx_rt_overlay_s       ngx_rt_overlay_t;   /* of a tenant */
typedef struct ngx_rt_flag_answer_s   ngx_rt_flag_answer_t;
typedef struct ngx_rt_variants_s      ngx_rt_variants_t;  /* of a client */
typedef struct ngx_rt_hub_s           ngx_rt_hub_t;       /* its fan-out here */
typedef struct ngx_rt_interest_s      ngx_rt_interest_t;  /* in a channel */
typedef struct ngx_rt_subscription_s  ngx_rt_subscription_t;
typedef struct ngx_rt_client_s        ngx_rt_client_t;
typedef struct ngx_rt_lease_s         ngx_rt_lease_t;     /* by a token */
typedef struct ngx_rt_conn_s          ngx_rt_conn_t;
typedef struct ngx_rt_account_s       ngx_rt_account_t;   /* of a tenant */
typedef struct ngx_rt_batch_s         ngx_rt_batch_t;
typedef struct ngx_rt_out_s           ngx_rt_out_t;
typedef struct ngx_rt_range_s         ngx_rt_range_t;     /* of a stream */

/* configuration */
typedef struct ngx_rt_main_conf_s     ngx_rt_main_conf_t;
typedef struct ngx_rt_loc_conf_s      ngx_rt_loc_conf_t;
typedef struct ngx_rt_namespace_s     ngx_rt_namespace_t;
typedef struct ngx_rt_redis_conf_s    ngx_rt_redis_conf_t;
typedef struct ngx_rt_rules_conf_s    ngx_rt_rules_conf_t;


#include "ngx_rt_conf.h"


extern ngx_module_t  ngx_rt_module;


/* rt_slab_init() with nginx's memory */
void ngx_rt_slab_init(rt_slab_t *s, size_t size, ngx_uint_t keep);

/* bytes of nginx's strings and of pure/'s are the same thing */
static ngx_inline rt_str_t
ngx_rt_str(const ngx_str_t *s)
{
    rt_str_t  v;

    v.len = s->len;
    v.data = s->data;

    return v;
}

static ngx_inline ngx_str_t
ngx_rt_ngx_str(const rt_str_t *s)
{
    ngx_str_t  v;

    v.len = s->len;
    v.data = s->data;

    return v;
}


#endif /* _NGX_RT_H_INCLUDED_ */
