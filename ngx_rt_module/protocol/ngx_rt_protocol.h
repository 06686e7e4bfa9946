
/*
 * The client protocol: commands are handled, replies are built.
 */


#ifndef _NGX_RT_PROTOCOL_H_INCLUDED_
#define _NGX_RT_PROTOCOL_H_INCLUDED_


#include "ngx_rt.h"
#include "ngx_rt_client.h"
#include "ngx_rt_fanout.h"


/* ngx_rt_client.c */
extern const ngx_rt_app_t  ngx_rt_client_app;

/* rt_websocket's content handler */
ngx_int_t ngx_rt_client_handler(ngx_http_request_t *r);

void ngx_rt_client_reply(ngx_rt_client_t *client, const rt_reply_t *reply);
void ngx_rt_client_push(ngx_rt_client_t *client, const rt_push_t *push);

/* ends a subscription that the client did not end, and tells it */
void ngx_rt_client_unsubscribe(ngx_rt_subscription_t *sub, ngx_uint_t code,
    const char *reason);

/* with the lease that it had by a token; stay: as for ngx_rt_unsubscribe() */
void ngx_rt_client_leave(ngx_rt_subscription_t *sub, ngx_uint_t stay);

/* ngx_rt_client_session.c */

/*
 * Its session, a new one or one that it gets back; proof: RT_PROOF_LEN bytes,
 * len is 0 if it has none.  NGX_ERROR: no randomness; NGX_DECLINED: the zone
 * is full.
 */
ngx_int_t ngx_rt_client_begin(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, rt_str_t *proof);

/* it has answered a ping, perhaps */
void ngx_rt_client_ponged(ngx_rt_client_t *client);

/* it leaves a channel that it has not taken over, if it is in it */
void ngx_rt_client_forgo(ngx_rt_client_t *client, ngx_str_t *channel);

/* a session that could be got back lingers from here on, if it may, or ends */
void ngx_rt_client_part(ngx_rt_client_t *client, ngx_uint_t may);

/* the connection ends */
void ngx_rt_client_end(ngx_rt_client_t *client);

/* ngx_rt_client_order.c */
void ngx_rt_client_order(ngx_rt_conn_t *conn, ngx_rt_order_t *order);

/* closes it: a subscription that the server began found no room, or a limit */
void ngx_rt_client_subscribe_full(ngx_rt_client_t *client);

/* ngx_rt_client_park.c */

/* the channel is durable, and the command was not parked before */
ngx_uint_t ngx_rt_client_parks(ngx_rt_client_t *client,
    const ngx_str_t *channel);

/*
 * A command about channels, of which some may be durable; or an order about
 * one.  NGX_OK: it can go on; NGX_AGAIN: it is kept, and handled again later;
 * NGX_DECLINED: Redis is away, or too much is kept already.
 */
ngx_int_t ngx_rt_client_park(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_str_t *tenant, ngx_str_t *channels, ngx_uint_t n);
ngx_int_t ngx_rt_client_park_order(ngx_rt_client_t *client,
    ngx_rt_order_t *order);

/* a subscription to the channel is parked; all such are over, by that error */
ngx_uint_t ngx_rt_client_waits(ngx_rt_client_t *client,
    const ngx_str_t *channel);
void ngx_rt_client_unpark_channel(ngx_rt_client_t *client,
    const ngx_str_t *channel, const rt_error_t *error);

/* the client's connection closes; it ends */
void ngx_rt_client_unpark(ngx_rt_client_t *client);
void ngx_rt_client_parking_free(ngx_rt_client_t *client);

/* the rest of a message behind a connect that is parked */
void ngx_rt_client_hold(ngx_rt_client_t *client, u_char *text, size_t len);

/* ngx_rt_client_variant.c */

/* its rules have asked a flag; a command was answered; $rt_flags */
void ngx_rt_client_variant(ngx_rt_client_t *client, const ngx_str_t *tenant,
    ngx_rt_flag_answer_t *answer);
void ngx_rt_client_count_variants(ngx_rt_client_t *client, ngx_uint_t error);
u_char *ngx_rt_client_say_variants(ngx_rt_client_t *client, u_char *p);

/* ngx_rt_client_fetch.c */

/*
 * A command for which something has to be read from its channel's stream; it is
 * handled again with that in client->fetched.  NGX_AGAIN: it is kept;
 * NGX_DECLINED: Redis is away, or too much is kept already.
 */
ngx_int_t ngx_rt_client_fetch(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_slice_t *s);

/* ngx_rt_command.c */

/* NGX_OK: go on; NGX_DONE: it is parked, or was answered */
ngx_int_t ngx_rt_command_await(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_str_t *channel);

/* one that was parked goes on; or cannot */
void ngx_rt_command_resume(ngx_rt_client_t *client, rt_command_t *cmd);
void ngx_rt_command_absent(ngx_rt_client_t *client, rt_command_t *cmd);

/* NGX_OK: go on with the next; NGX_DONE: the rest of the message is void */
ngx_int_t ngx_rt_command_handle(ngx_rt_client_t *client, rt_command_t *cmd);

/* answers: an empty result; an error; no answer, but a close with 3501 */
ngx_int_t ngx_rt_command_done(ngx_rt_client_t *client, rt_command_t *cmd);
ngx_int_t ngx_rt_command_fail(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_error_t *error);
ngx_int_t ngx_rt_command_bad(ngx_rt_client_t *client);

/* NULL: there is such a namespace */
const rt_error_t *ngx_rt_command_namespace(ngx_rt_client_t *client,
    const ngx_str_t *channel, ngx_rt_namespace_t **ns);

/* ngx_rt_command_connect.c: a command */
ngx_int_t ngx_rt_command_connect(ngx_rt_client_t *client, rt_command_t *cmd);

/* ngx_rt_command_subscribe.c: commands */
ngx_int_t ngx_rt_command_subscribe(ngx_rt_client_t *client, rt_command_t *cmd);
ngx_int_t ngx_rt_command_unsubscribe(ngx_rt_client_t *client,
    rt_command_t *cmd);

/* ngx_rt_command_publish.c */

/* a command */
ngx_int_t ngx_rt_command_publish(ngx_rt_client_t *client, rt_command_t *cmd);

/*
 * Publishes p->pub with p->key to the command's channel, if the client may, in
 * its name, and answers, now or later; event: NULL, or what it is.
 */
ngx_int_t ngx_rt_command_publish_to(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_publish_t *p, rt_event_t *event);

/* the client's connection closes: nothing is answered any more */
void ngx_rt_client_unpublish(ngx_rt_client_t *client);

/*
 * ngx_rt_command_rule.c: NULL: the rules let it through, or there are none.
 * ngx_rt_command_ruled() is called when the error, or what a rule has put in
 * the place of data, is needed no more.
 */
const rt_error_t *ngx_rt_command_rule_connect(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_identity_t *who);
const rt_error_t *ngx_rt_command_rule_subscribe(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_namespace_t *ns);
const rt_error_t *ngx_rt_command_rule_publish(ngx_rt_client_t *client,
    ngx_rt_publish_t *p, rt_event_t *event);
const rt_error_t *ngx_rt_command_rule_command(ngx_rt_client_t *client,
    rt_command_t *cmd, rt_str_t *reply);
void ngx_rt_command_ruled(ngx_rt_client_t *client);

/* ngx_rt_client_about.c: what rules may see of a client */

size_t ngx_rt_client_about_size(ngx_rt_main_conf_t *mcf);

/* NULL: there is no rt_rules, and it is not known */
ngx_rt_about_t *ngx_rt_client_about(ngx_rt_client_t *client);

/* of the handshake; NGX_OK, or the status to answer with */
ngx_int_t ngx_rt_client_about_headers(ngx_rt_client_t *client,
    ngx_http_request_t *r);

/* of its token, copied, in the place of those before; NGX_ERROR: no memory */
ngx_int_t ngx_rt_client_about_claims(ngx_rt_client_t *client,
    const ngx_str_t *claims);

void ngx_rt_client_about_free(ngx_rt_client_t *client);

/* ngx_rt_command_event.c */

/*
 * What an rpc carries: an event, whose text is changed, or, without a type,
 * nothing but its data.  NULL: that is well.
 */
const rt_error_t *ngx_rt_command_event(rt_command_t *cmd, rt_event_t *event);

/*
 * Holds it against the schemas of the tenant's rules, and makes it the newest
 * version: then its data is good until ngx_rt_command_ruled(), as the error is.
 */
const rt_error_t *ngx_rt_command_check(ngx_rt_client_t *client,
    const char *function, rt_event_t *event, ngx_uint_t *upgraded);

/* ngx_rt_command_rpc.c: a command */
ngx_int_t ngx_rt_command_rpc(ngx_rt_client_t *client, rt_command_t *cmd);

/* ngx_rt_command_look.c */

/* answers what a member of a channel asks of it; NULL: it has */
typedef const rt_error_t *(*ngx_rt_command_look_pt)(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_pool_t *pool);

/* presence or history, if it may ask; pool: until the answer is sent */
ngx_int_t ngx_rt_command_look(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_command_look_pt answer);

/* ngx_rt_command_presence.c: commands */
ngx_int_t ngx_rt_command_presence(ngx_rt_client_t *client, rt_command_t *cmd);
ngx_int_t ngx_rt_command_presence_stats(ngx_rt_client_t *client,
    rt_command_t *cmd);

/* members that a reply lists: it has to fit into the client's queue */
#define NGX_RT_PRESENCE_LISTED   1000

/* members among whom users are counted */
#define NGX_RT_PRESENCE_COUNTED  10000

/* NULL: it may look at all of the channel's */
const rt_error_t *ngx_rt_command_charge_look(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub);

/*
 * Those of this node, ngx_rt_present_t; infos: bytes that theirs may take, 0:
 * they are not wanted.  106: there are more than max, or more of infos.
 */
const rt_error_t *ngx_rt_command_members(ngx_rt_client_t *client,
    ngx_rt_subscription_t *sub, ngx_uint_t max, size_t infos,
    ngx_array_t *list, uint64_t *clients);

/* ngx_rt_command_ask.c: those of other nodes, too; it is answered later */
const rt_error_t *ngx_rt_command_ask(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_pool_t *pool);

/* the client's connection closes: nothing is answered any more */
void ngx_rt_client_unask(ngx_rt_client_t *client);

/* ngx_rt_command_token.c */

/*
 * Who connects.  *claims: of the token, NULL if there was none.  NGX_DONE: it
 * was refused, and the rest of the message is void.
 */
ngx_int_t ngx_rt_command_identify(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, rt_claims_t **claims);

/* is there a token for the subscription?  NGX_DONE: no, which was answered */
ngx_int_t ngx_rt_command_allow(ngx_rt_client_t *client, rt_command_t *cmd,
    rt_claims_t **claims);

/* commands */
ngx_int_t ngx_rt_command_refresh(ngx_rt_client_t *client, rt_command_t *cmd);
ngx_int_t ngx_rt_command_sub_refresh(ngx_rt_client_t *client,
    rt_command_t *cmd);

/* of ngx_rt_client_app */
ngx_msec_t ngx_rt_client_wait(ngx_rt_conn_t *conn, ngx_msec_t msec);
ngx_int_t ngx_rt_client_wake(ngx_rt_conn_t *conn, ngx_msec_t *rest);

/* ngx_rt_command_enter.c */

/*
 * What a connection token (or none: NULL) grants, once there is a session;
 * sends the reply, with what was missed in channels that the server subscribes
 * to.  NGX_ERROR: no memory; NGX_DECLINED: no room, or a limit; NGX_DONE: it
 * was refused.
 */
ngx_int_t ngx_rt_command_enter(ngx_rt_client_t *client, rt_command_t *cmd,
    const rt_claims_t *claims, rt_reply_t *reply);

/* ngx_rt_command_history.c */
ngx_int_t ngx_rt_command_history(ngx_rt_client_t *client, rt_command_t *cmd);

/*
 * Before a subscription to the channel, of that namespace, recovers: what of it
 * is further back than the node's copy is there.  NGX_DONE: it is parked, or
 * was answered.
 */
ngx_int_t ngx_rt_command_missed(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_namespace_t *ns, ngx_str_t *channel);

/* sends the reply to a subscription that has begun, with what it recovers */
ngx_int_t ngx_rt_command_recover(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, rt_reply_t *reply);

/*
 * The error of what found no room or was denied by a limit (ngx_rt_denial); it
 * is good until the next one.  A full zone is told to the log, once a second
 * at most.
 */
const rt_error_t *ngx_rt_command_full(ngx_rt_client_t *client);
const rt_error_t *ngx_rt_command_denied(void);

/* ngx_rt_error.c: CENTRIFUGE's codes, and ours from 400 up */
extern const rt_error_t  ngx_rt_error_internal;           /* 100 */
extern const rt_error_t  ngx_rt_error_unknown_channel;    /* 102 */
extern const rt_error_t  ngx_rt_error_permission_denied;  /* 103 */
extern const rt_error_t  ngx_rt_error_method_not_found;   /* 104 */
extern const rt_error_t  ngx_rt_error_already_subscribed; /* 105 */
extern const rt_error_t  ngx_rt_error_limit_exceeded;     /* 106 */
extern const rt_error_t  ngx_rt_error_bad_request;        /* 107 */
extern const rt_error_t  ngx_rt_error_not_available;      /* 108 */
extern const rt_error_t  ngx_rt_error_token_expired;      /* 109 */
extern const rt_error_t  ngx_rt_error_too_many_keys;      /* 111 */
extern const rt_error_t  ngx_rt_error_rules_busy;         /* 111 */
extern const rt_error_t  ngx_rt_error_unrecoverable;      /* 112 */
extern const rt_error_t  ngx_rt_error_conflict;           /* 409 */
extern const rt_error_t  ngx_rt_error_zone_full;          /* 507 */


#endif /* _NGX_RT_PROTOCOL_H_INCLUDED_ */
