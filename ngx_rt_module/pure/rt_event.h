
/*
 * Events: CloudEvents 1.0 in their JSON format, as far as we look at them.  The
 * payload is passed on as the bytes that it is.
 */


#ifndef _RT_EVENT_H_INCLUDED_
#define _RT_EVENT_H_INCLUDED_


#include "rt_base.h"
#include "rt_command.h"
#include "rt_params.h"


#define RT_EVENT_NAME_MAX   255   /* bytes of an id, and of a type */

/* bytes of tags, and of a result: names may be escaped to six times as many */
#define RT_EVENT_TAGS_MAX   (12 * RT_EVENT_NAME_MAX + 160)
#define RT_EVENT_REPLY_MAX  (6 * RT_EVENT_NAME_MAX + 160)


/* spans of the text, decoded in place where they are strings */
typedef struct {
    rt_str_t         channel;     /* beside the event: where it is to go */
    rt_str_t         id;          /* the idempotency key */
    rt_str_t         type;
    uint64_t         version;     /* 1 if it was not said */
    rt_str_t         traceparent; /* empty: none, or a bad one */
    rt_str_t         data;        /* raw: JSON without CR and LF */
} rt_event_t;


/*
 * Reads the parameters of rt.publish, {"channel":..,"event":{..}}: JSON as a
 * message's data is, changed in the reading.  fault.why: NULL, or what is
 * wrong.
 */
void rt_event_read(uint8_t *text, size_t len, rt_event_t *e,
    rt_params_fault_t *fault);

/* the same of an event that stands alone */
void rt_event_parse(uint8_t *text, size_t len, rt_event_t *e,
    rt_params_fault_t *fault);

/* what has become of one; what is not known is empty, or zero */
typedef struct {
    rt_str_t         status;
    uint64_t         offset;
    rt_str_t         epoch;
    uint64_t         time;        /* of the acceptance, msec since 1970 */
    rt_str_t         session;     /* the client's that sent it */
    rt_str_t         type;
    uint64_t         version;
    rt_str_t         traceparent;
} rt_event_status_t;


/* a traceparent of the W3C's Trace Context, version 00 or later */
bool rt_event_trace_valid(const rt_str_t *s);

/* the tags that its publication carries, a JSON object */
void rt_event_tags(rt_out_t *o, const rt_event_t *e);

/*
 * The result of who sent the event of that id; epoch: empty if it stands in no
 * history.
 */
void rt_event_reply(rt_out_t *o, const rt_str_t *id, bool duplicate,
    uint64_t offset, const rt_str_t *epoch);

/* what is known of the event of that id, which was sent to that channel */
void rt_event_status(rt_out_t *o, const rt_str_t *id, const rt_str_t *channel,
    const rt_event_status_t *s);

/*
 * How it is said to the scripts of Redis what is kept of an event beside its
 * status: "SESSION VERSION TRACEPARENT TYPE", with "-" for what is not there;
 * nothing, if nothing is.  e, session: NULL, or empty.
 */
void rt_event_about(rt_out_t *o, const rt_event_t *e,
    const rt_str_t *session);


#endif /* _RT_EVENT_H_INCLUDED_ */
