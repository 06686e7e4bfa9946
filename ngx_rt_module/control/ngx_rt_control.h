
/*
 * Control: the HTTP API of the backend.
 */


#ifndef _NGX_RT_CONTROL_H_INCLUDED_
#define _NGX_RT_CONTROL_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "rt_answer.h"
#include "rt_json.h"
#include "rt_params.h"
#include "rt_setting.h"


#define NGX_RT_API_KEY_MIN       8
#define NGX_RT_API_KEY_MAX       256

#define NGX_RT_API_REPLY_MAX     (16 * 1024 * 1024)
#define NGX_RT_API_CHANNELS_MAX  10000    /* of a broadcast */
#define NGX_RT_API_BROADCAST_MAX (16 * 1024 * 1024)  /* bytes, in all */
#define NGX_RT_API_COMMANDS_MAX  10000    /* of a batch */
#define NGX_RT_API_WHITELIST_MAX 128      /* of a disconnect */


/* error codes: the protocol's, and of what comes before a command: statuses */
enum {
    NGX_RT_API_INTERNAL         = 100,
    NGX_RT_API_UNAUTHORIZED     = 101,
    NGX_RT_API_UNKNOWN_CHANNEL  = 102,
    NGX_RT_API_DENIED           = 103,
    NGX_RT_API_NO_METHOD        = 104,
    NGX_RT_API_LIMIT            = 106,
    NGX_RT_API_BAD_REQUEST      = 107,
    NGX_RT_API_NOT_AVAILABLE    = 108,
    NGX_RT_API_TOO_MANY         = 111,
    NGX_RT_API_UNRECOVERABLE    = 112,
    NGX_RT_API_CONFLICT         = 409,
    NGX_RT_API_TOO_LARGE        = 413,
    NGX_RT_API_ZONE_FULL        = 507
};


typedef struct ngx_rt_api_s       ngx_rt_api_t;
typedef struct ngx_rt_api_step_s  ngx_rt_api_step_t;


/* what methods take; what was not said, or was null, is zeroes */
typedef struct {
    rt_str_t                   channel;
    rt_json_value_t            channels;      /* an array */
    rt_json_value_t            data;
    rt_str_t                   b64data;
    rt_json_value_t            tags;          /* an object */
    bool                       skip_history;
    bool                       delta;
    rt_str_t                   idempotency_key;
    uint64_t                   version;
    rt_str_t                   version_epoch;
    rt_str_t                   pattern;
    rt_json_value_t            commands;      /* an array */
    bool                       parallel;
    rt_str_t                   user;
    rt_str_t                   client;
    rt_str_t                   session;
    rt_json_value_t            whitelist;     /* an array */
    rt_json_value_t            disconnect;    /* an object */
    uint64_t                   code;
    rt_str_t                   reason;
    rt_json_value_t            info;
    rt_str_t                   b64info;
    uint64_t                   expire_at;
    bool                       expired;
    rt_str_t                   uid;
    uint64_t                   issued_before;
    rt_json_value_t            recover_since; /* an object */
    rt_json_value_t            override;      /* an object */
    int64_t                    limit;         /* of history */
    bool                       reverse;
    rt_json_value_t            since;         /* an object */
    uint64_t                   offset;
    rt_str_t                   epoch;
    rt_str_t                   method;        /* of rpc */
    rt_json_value_t            params;        /* the same */
    rt_content_t               content;       /* of what has a key */
    rt_json_value_t            flags;         /* an object; of a resource */
    rt_str_t                   text;          /* the same, of rules */
    rt_str_t                   by;
    rt_json_value_t            from_version;
} ngx_rt_api_params_t;


/* the answer to a command: a result (JSON), or an error */
typedef struct {
    ngx_str_t                  result;
    ngx_uint_t                 code;          /* 0: no error */
    const char                *field;         /* at fault, or NULL */
    const char                *why;
    size_t                     position;      /* in the body, 0: not said */
    ngx_uint_t                 retry;         /* seconds; 0: one */
    unsigned                   malformed:1;   /* it was no command at all */
    unsigned                   bare:1;        /* result is the whole answer */
    unsigned                   resource:1;    /* no command: always a status */
    const rt_str_t            *method;        /* of a batch, or NULL */
    const char                *allow;         /* of a resource: methods */
} ngx_rt_api_reply_t;


/* what is done with a resource; j: the body, if one is taken */
typedef ngx_int_t (*ngx_rt_api_resource_pt)(ngx_rt_api_t *api, rt_json_t *j);


/* what stands at a path, which is the end of the URI */
typedef struct {
    rt_str_t                   path;
    unsigned                   item:1;        /* an ID follows it */
    const char                *allow;         /* the methods that there are */
    ngx_rt_api_resource_pt     get;           /* HEAD, too; no body */
    ngx_rt_api_resource_pt     put;
    ngx_rt_api_resource_pt     post;
    ngx_rt_api_resource_pt     remove;        /* DELETE; no body */
} ngx_rt_api_resource_t;


/* a request of the API; lives as long as the request */
struct ngx_rt_api_s {
    ngx_http_request_t        *request;       /* NULL: another node asks */
    ngx_pool_t                *pool;
    ngx_log_t                 *log;
    ngx_rt_main_conf_t        *conf;
    ngx_rt_zone_t             *zone;
    size_t                     max_message;   /* bytes of data */
    ngx_str_t                  tenant;
    ngx_str_t                  method;
    ngx_str_t                  item;          /* an ID, as it came */
    ngx_rt_api_resource_pt     resource;      /* NULL: it is a method */
    ngx_uint_t                 bodiless;      /* the resource takes none */
    ngx_str_t                  key;           /* empty: it needs none */
    size_t                     budget;        /* replies and walks may take */
    ngx_rt_api_reply_t         reply;         /* to the request */
    ngx_uint_t                 waits;         /* for so many answers */
    ngx_uint_t                 failed;        /* it has its answer: an error */
    ngx_rt_api_step_t         *steps;         /* to be taken then, in order */
    ngx_rt_api_step_t        **steps_end;
};


/* NGX_OK: it is done, or waits for more; NGX_ERROR: no memory */
typedef ngx_int_t (*ngx_rt_api_step_pt)(ngx_rt_api_t *api, void *data);


/* {"NAME":[{"result":{..}},{"error":{..}}]}; for result a batch has METHOD */
typedef struct {
    const char                *name;
    ngx_array_t                list;          /* ngx_rt_api_reply_t */
} ngx_rt_api_replies_t;


/*
 * NGX_OK: the reply is there, or will be when nobody is waited for and the
 * steps are taken; NGX_ERROR: no memory.  p ends with the call; its strings do
 * not.
 */
typedef ngx_int_t (*ngx_rt_api_run_pt)(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);


typedef struct ngx_rt_api_all_s  ngx_rt_api_all_t;

/*
 * What all nodes say, ours first, none of it an error, becomes the reply;
 * NGX_DECLINED: one of them says what makes no sense; NGX_ERROR: no memory.
 */
typedef ngx_int_t (*ngx_rt_api_join_pt)(ngx_rt_api_t *api,
    ngx_rt_api_all_t *all, ngx_rt_api_reply_t *reply);


typedef struct {
    rt_str_t                   name;
    const rt_param_t          *params;
    ngx_rt_api_run_pt          run;
    unsigned                   publishes:1;   /* and looks at nothing */
    const char                *asks;          /* what each node runs, if there
                                                 are several; NULL: it is of
                                                 one alone */
    ngx_rt_api_join_pt         join;          /* NULL: there is nothing to */
} ngx_rt_api_method_t;


/* answers of all nodes */
struct ngx_rt_api_all_s {
    rt_answer_t               *answers;
    ngx_uint_t                 nanswers;
    u_char                    *silent;        /* ids of nodes, one behind the
                                                 other, that said nothing */
    ngx_uint_t                 nsilent;
};


/* ngx_rt_api.c: rt_api's content handler */
ngx_int_t ngx_rt_api_handler(ngx_http_request_t *r);

/*
 * The step is taken when no answer is waited for any more, behind those that
 * were said before.  Who waits counts in api->waits, and says ..._arrived()
 * from the event loop, once; the request may be gone after that.  A request
 * that ends before destroys its pool: who waits has a cleanup there.
 */
ngx_int_t ngx_rt_api_later(ngx_rt_api_t *api, ngx_rt_api_step_pt go,
    void *data);
void ngx_rt_api_arrived(ngx_rt_api_t *api);

/* ngx_rt_api_method.c */

/* NULL: there is none of that name */
const ngx_rt_api_method_t *ngx_rt_api_method(const u_char *name, size_t len);

/* one that other nodes may ask for */
const ngx_rt_api_method_t *ngx_rt_api_asked(const u_char *name, size_t len);

/* the same, of this node alone */
ngx_int_t ngx_rt_api_run(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_t *j, ngx_rt_api_reply_t *reply);

/* reads an object, which is all that is left in j; params: of p */
void ngx_rt_api_read(rt_json_t *j, const rt_param_t *params,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

/* the strings of an array, rt_str_t; more: what is said beyond max of them */
ngx_int_t ngx_rt_api_strings(const char *field, rt_json_value_t *from,
    ngx_uint_t max, const char *more, ngx_array_t *strings,
    ngx_rt_api_reply_t *reply);

/* reads the parameters, which are all that is left in j, and runs the method */
ngx_int_t ngx_rt_api_call(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_t *j, ngx_rt_api_reply_t *reply);

ngx_int_t ngx_rt_api_batch(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_publish.c */
ngx_int_t ngx_rt_api_publish(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_broadcast(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* p->data or p->b64data; p->info or p->b64info; if it is there */
void ngx_rt_api_data(ngx_rt_api_params_t *p, rt_str_t *data,
    ngx_rt_api_reply_t *reply);
void ngx_rt_api_info_of(ngx_rt_api_params_t *p, rt_str_t *info,
    ngx_rt_api_reply_t *reply);

/* NULL: the channel is not said or cannot be, which the reply says */
ngx_rt_namespace_t *ngx_rt_api_channel(ngx_rt_api_t *api,
    const rt_str_t *channel, ngx_rt_api_reply_t *reply);

/*
 * What a publication is answered, once it is accepted, or was before
 * (repeated); NGX_ERROR: no memory.
 */
typedef ngx_int_t (*ngx_rt_api_published_pt)(ngx_rt_api_t *api, void *data,
    ngx_uint_t repeated, ngx_rt_position_t *position,
    ngx_rt_api_reply_t *reply);


/* the same, in a request that may have to wait for it */
typedef struct {
    const char                *key;           /* the field that gave the key */
    ngx_rt_api_published_pt    published;
    void                      *data;
} ngx_rt_api_publishing_t;


/*
 * Publishes to->pub with to->key, in the name of the request's key.  If that is
 * not accepted, the reply says why.
 */
ngx_int_t ngx_rt_api_publish_to(ngx_rt_api_t *api, ngx_rt_publish_t *to,
    const ngx_rt_api_publishing_t *how, ngx_rt_api_reply_t *reply);

/* ngx_rt_api_history.c */

/* p->offset and p->epoch of from, which is p->since or the like */
void ngx_rt_api_since(rt_json_value_t *from, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

ngx_int_t ngx_rt_api_history(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_history_remove(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

/* ngx_rt_api_rpc.c */
ngx_int_t ngx_rt_api_rpc(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_event.c */

/* ngx_rt_api_resource_pt: of api->item */
ngx_int_t ngx_rt_api_event(ngx_rt_api_t *api, rt_json_t *j);

/* ngx_rt_api_resource.c */

/*
 * NGX_OK: api->resource is what is asked of a resource; NGX_DECLINED: it is
 * none; or a status, of which the reply says why.
 */
ngx_int_t ngx_rt_api_admit_resource(ngx_http_request_t *r, ngx_rt_api_t *api,
    ngx_rt_api_reply_t *reply);

/* an argument of the URI, decoded; empty: it is not there */
ngx_int_t ngx_rt_api_argument(ngx_rt_api_t *api, const char *name,
    ngx_str_t *value);

/* ngx_rt_api_setting.c */

typedef struct ngx_rt_api_change_s  ngx_rt_api_change_t;

/*
 * Makes c->to of c->was, and says in c->said what it changes.  NGX_OK;
 * NGX_DECLINED: there is nothing to change, or the reply says why not;
 * NGX_ERROR: no memory.
 */
typedef ngx_int_t (*ngx_rt_api_change_pt)(ngx_rt_api_change_t *c);

/* a change of a tenant's settings; lives as long as the request */
struct ngx_rt_api_change_s {
    ngx_rt_api_t              *api;
    const char                *what;          /* "flags" or "rules" */
    ngx_rt_api_change_pt       make;          /* again, if another was first */
    ngx_rt_api_params_t       *params;
    rt_setting_who_t           who;
    ngx_rt_settings_t          was;
    ngx_rt_settings_t          to;
    ngx_str_t                  said;
    ngx_uint_t                 tries;
    ngx_uint_t                 rests;         /* for the file's lock */
    ngx_uint_t                 waits;         /* counted in the api's */
    ngx_event_t                timer;
    ngx_connection_t           dumb;
    ngx_rt_configure_t         configure;
    u_char                     key[8];
    u_char                     version[NGX_INT64_LEN];
};

/*
 * Makes it and stores it; the reply is there, or will be.  p: by, from_version
 * and what make() wants; it is kept.
 */
ngx_int_t ngx_rt_api_change(ngx_rt_api_t *api, const char *what,
    ngx_rt_api_change_pt make, ngx_rt_api_params_t *p);

/* the tenant's as they are, of version 0 if there are none */
ngx_int_t ngx_rt_api_settings(ngx_rt_api_t *api, ngx_rt_settings_t *s);

/* ngx_rt_api_flags.c, ngx_rt_api_rules.c: ngx_rt_api_resource_pt */
ngx_int_t ngx_rt_api_flags_get(ngx_rt_api_t *api, rt_json_t *j);
ngx_int_t ngx_rt_api_flags_put(ngx_rt_api_t *api, rt_json_t *j);
ngx_int_t ngx_rt_api_rules_get(ngx_rt_api_t *api, rt_json_t *j);
ngx_int_t ngx_rt_api_rules_put(ngx_rt_api_t *api, rt_json_t *j);
ngx_int_t ngx_rt_api_rules_delete(ngx_rt_api_t *api, rt_json_t *j);

/* ngx_rt_api_rules_test.c: j: the body; api->reply is there */
ngx_int_t ngx_rt_api_rules_test(ngx_rt_api_t *api, rt_json_t *j);

/* ngx_rt_api_session.c */

/* p->user is a user's name, or the reply says so */
void ngx_rt_api_user(ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

ngx_int_t ngx_rt_api_subscribe(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_unsubscribe(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_disconnect(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_refresh(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_token.c */

/* p->expire_at, if it is said, is a time to come, or the reply says so */
void ngx_rt_api_expire_at(ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

ngx_int_t ngx_rt_api_revoke_token(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_invalidate_user_tokens(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

/* ngx_rt_api_presence.c */
ngx_int_t ngx_rt_api_presence(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_presence_stats(ngx_rt_api_t *api,
    ngx_rt_api_params_t *p, ngx_rt_api_reply_t *reply);

/* what presence_stats asks each node: {"num_clients":N,"users":[HASH,..]} */
ngx_int_t ngx_rt_api_users(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_everywhere.c */

/* of a worker: it answers other nodes */
void ngx_rt_api_init_process(void);

/* runs it here, and at all other nodes; the reply is there when all is */
ngx_int_t ngx_rt_api_everywhere(ngx_rt_api_t *api,
    const ngx_rt_api_method_t *method, rt_json_t *j,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_join.c: ngx_rt_api_join_pt */
ngx_int_t ngx_rt_api_join_presence(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_join_stats(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_join_channels(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_join_info(ngx_rt_api_t *api, ngx_rt_api_all_t *all,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_inspect.c */
ngx_int_t ngx_rt_api_channels(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);
ngx_int_t ngx_rt_api_info(ngx_rt_api_t *api, ngx_rt_api_params_t *p,
    ngx_rt_api_reply_t *reply);

/* ngx_rt_api_reply.c */

/* the first error stays, but for what is malformed */
void ngx_rt_api_error(ngx_rt_api_reply_t *reply, ngx_uint_t code,
    const char *field, const char *why);
void ngx_rt_api_malformed(ngx_rt_api_reply_t *reply, const char *field,
    const char *why);

/* what a limit denies (ngx_rt_denial); NGX_ERROR: no memory */
ngx_int_t ngx_rt_api_denied(ngx_rt_api_t *api, ngx_rt_api_reply_t *reply);

/* {"code":..,"message":".."} */
void ngx_rt_api_error_text(rt_out_t *o, const ngx_rt_api_reply_t *reply);

/* ngx_rt_api_say_pt of ngx_rt_api_reply_t: {"result":..} or {"error":..} */
void ngx_rt_api_respond_text(rt_out_t *o, void *data);

/* n of them, none said yet; NGX_ERROR: no memory */
ngx_int_t ngx_rt_api_replies(ngx_rt_api_t *api, ngx_rt_api_replies_t *replies,
    const char *name, ngx_uint_t n);

/* ngx_rt_api_say_pt of ngx_rt_api_replies_t */
void ngx_rt_api_replies_text(rt_out_t *o, void *data);

/*
 * A text in the pool: say() is called to count it and again to write it.
 * NGX_DECLINED: longer than max; NGX_ERROR: no memory.
 */
typedef void (*ngx_rt_api_say_pt)(rt_out_t *o, void *data);

ngx_int_t ngx_rt_api_text(ngx_pool_t *pool, ngx_rt_api_say_pt say, void *data,
    size_t max, ngx_str_t *text);

/*
 * So many bytes of the request's budget: of a reply, or of what has to be
 * copied for it.  NGX_DECLINED: there is less, which the reply says.
 */
ngx_int_t ngx_rt_api_spend(ngx_rt_api_t *api, size_t n,
    ngx_rt_api_reply_t *reply);

/* makes it a command's result, within the budget of the request */
ngx_int_t ngx_rt_api_result(ngx_rt_api_t *api, ngx_rt_api_say_pt say,
    void *data, ngx_rt_api_reply_t *reply);

/* what the request is answered; a content handler's return code */
ngx_int_t ngx_rt_api_respond(ngx_http_request_t *r, ngx_rt_api_reply_t *reply);

/* the answer of a request that had no command; the body need not be read */
ngx_int_t ngx_rt_api_refuse(ngx_http_request_t *r, ngx_uint_t status,
    ngx_rt_api_reply_t *reply);

/* a header of the request by its name in small letters, or NULL */
ngx_str_t *ngx_rt_api_header(ngx_http_request_t *r, const char *name,
    size_t len);

/* ngx_rt_api_key_file.c: rt_api_key file=PATH | off */
char *ngx_rt_api_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_rt_api_key.c */

/*
 * NGX_OK, and *which is the key, or empty if none is wanted;
 * NGX_HTTP_UNAUTHORIZED: no key, or an unknown one; NGX_HTTP_FORBIDDEN: one
 * that is not for this tenant.
 */
ngx_int_t ngx_rt_api_key_check(ngx_http_request_t *r,
    ngx_rt_api_auth_t *auth, ngx_str_t *tenant, ngx_str_t *which);


#endif /* _NGX_RT_CONTROL_H_INCLUDED_ */
