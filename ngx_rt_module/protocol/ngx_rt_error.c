
/*
 * The errors of the client protocol that a reply may carry, by name.  The codes
 * and texts up to 113 are Centrifuge's; from 400 up they are ours.
 */


#include "ngx_rt.h"
#include "ngx_rt_protocol.h"


const rt_error_t  ngx_rt_error_internal = {
    100, rt_string("internal server error"), true
};

const rt_error_t  ngx_rt_error_unknown_channel = {
    102, rt_string("unknown channel"), false
};

const rt_error_t  ngx_rt_error_permission_denied = {
    103, rt_string("permission denied"), false
};

const rt_error_t  ngx_rt_error_method_not_found = {
    104, rt_string("method not found"), false
};

const rt_error_t  ngx_rt_error_already_subscribed = {
    105, rt_string("already subscribed"), false
};

const rt_error_t  ngx_rt_error_limit_exceeded = {
    106, rt_string("limit exceeded"), false
};

const rt_error_t  ngx_rt_error_bad_request = {
    107, rt_string("bad request"), false
};

const rt_error_t  ngx_rt_error_not_available = {
    108, rt_string("not available"), false
};

const rt_error_t  ngx_rt_error_token_expired = {
    109, rt_string("token expired"), false
};

const rt_error_t  ngx_rt_error_too_many_keys = {
    111, rt_string("too many idempotency keys"), true
};

const rt_error_t  ngx_rt_error_rules_busy = {
    111, rt_string("too many requests: the tenant's rules have had their "
                   "share of the worker, try again later"), 1
};

const rt_error_t  ngx_rt_error_unrecoverable = {
    112, rt_string("unrecoverable position"), false
};

const rt_error_t  ngx_rt_error_conflict = {
    409, rt_string("the key was used with other content"), false
};

const rt_error_t  ngx_rt_error_zone_full = {
    507, rt_string("zone full"), true
};
