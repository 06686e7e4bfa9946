
/*
 * What a node answers to another: the result of a method of the API, or its
 * error, as JSON.  Whoever may publish in Redis may have written it, so all of
 * it is looked at before any of it is used.
 */


#ifndef _RT_ANSWER_H_INCLUDED_
#define _RT_ANSWER_H_INCLUDED_


#include "rt_base.h"
#include "rt_command.h"
#include "rt_json.h"


/* bytes of an error's message, at most */
#define RT_ANSWER_MESSAGE_MAX  512


typedef struct {
    rt_json_value_t  result;      /* an object, if there is no error */
    uint64_t         code;        /* 0: no error */
    rt_str_t         message;     /* as a JSON string has it between quotes */
} rt_answer_t;


/*
 * {"result":{..}} or {"error":{"code":..,"message":".."}}; the text may be
 * changed in the reading, and the answer points into it.  false: it is neither.
 */
bool rt_answer_read(uint8_t *text, size_t len, rt_answer_t *a);

/*
 * A list within a result, {"NAME":{..}} or {"NAME":[..]}: what is between the
 * brackets, without blanks around it; false: there is no such.
 */
bool rt_answer_inside(const rt_answer_t *a, const char *name,
    rt_json_type_t type, rt_str_t *inside);

/*
 * To walk through such a list: a reader stands in it, which is made here.  The
 * text is changed by the walk.
 */
bool rt_answer_walk(const rt_answer_t *a, const char *name,
    rt_json_type_t type, rt_json_t *j);

/*
 * The next of {"channels":{"CHANNEL":{"num_clients":N},..}}; of
 * {"presence":{"ID":{..},..}}; of {"users":[N,..]}.  false: it was the last, or
 * j->error says that it is none.
 */
bool rt_answer_channel(rt_json_t *j, rt_str_t *channel, uint64_t *clients);
bool rt_answer_present(rt_json_t *j, rt_client_info_t *info);
bool rt_answer_user(rt_json_t *j, uint64_t *user);

/* a number within a result, {"NAME":N} */
bool rt_answer_number(const rt_answer_t *a, const char *name, uint64_t *n);


#endif /* _RT_ANSWER_H_INCLUDED_ */
