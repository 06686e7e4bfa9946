
/*
 * The rules of a tenant: functions of Lua that look at what a client asks for
 * and say what becomes of it.  What they look at are views, which read fields
 * of the caller's when they are asked for; what they say is a verdict.  Nothing
 * of nginx.
 */


#ifndef _RT_RULE_H_INCLUDED_
#define _RT_RULE_H_INCLUDED_


#include "rt_schema.h"
#include "rt_vm.h"


/* what one verdict may say; more in one call are an error of the rule */
#define RT_RULE_VERDICTS    8
#define RT_RULE_REASON_MAX  128

/* of a session, and of what it asks for */
#define RT_RULE_VIEWS       2


typedef enum {
    RT_RULE_PASS = 0,             /* nil: the next one says */
    RT_RULE_ALLOW,
    RT_RULE_DENY,                 /* with a code and a reason */
    RT_RULE_FAST,
    RT_RULE_DURABLE,
    RT_RULE_TRANSFORM,            /* with data */
    RT_RULE_REPLY                 /* with data */
} rt_rule_verdict_e;


/* as they are written */
extern const char *const  rt_rule_verdicts[];


typedef struct {
    rt_rule_verdict_e  kind;
    uint32_t           code;
    rt_str_t           reason;
    rt_str_t           data;      /* JSON */
} rt_verdict_t;


typedef enum {
    RT_RULE_TEXT = 0,
    RT_RULE_NUMBER,               /* value.len is the number */
    RT_RULE_BOOL,
    RT_RULE_JSON                  /* read when it is looked at */
} rt_rule_type_e;


/* a text without a byte is nil, and JSON that is not there */
typedef struct {
    const char        *name;
    rt_rule_type_e     type;
    rt_str_t           value;
} rt_rule_field_t;


typedef struct {
    const char             *name; /* in errors */
    size_t                  nfields;
    const rt_rule_field_t  *fields;
} rt_rule_view_t;


typedef struct rt_rule_s  rt_rule_t;


/*
 * file: its name, told in errors.  NULL: no memory, or it is no rule; then
 * error, of RT_VM_ERROR_MAX bytes, says why.
 */
rt_rule_t *rt_rule_create(const rt_vm_limits_t *limits, const char *file,
    const uint8_t *text, size_t len, char *error);
void rt_rule_destroy(rt_rule_t *rule);

/* has it such a function? */
bool rt_rule_has(rt_rule_t *rule, const char *name);

/*
 * Asks the function.  RT_VM_OK: the verdict stands, until rt_rule_done();
 * RT_VM_NONE: there is no such function.  rt_rule_done() is called in any case.
 */
rt_vm_result_e rt_rule_ask(rt_rule_t *rule, const char *name,
    const rt_rule_view_t *views, size_t nviews, rt_verdict_t *verdict);
void rt_rule_done(rt_rule_t *rule);

rt_vm_t *rt_rule_vm(rt_rule_t *rule);

/*
 * Who answers rt.flag() in the calls that follow.  key: empty, if the rule says
 * none.  Without one flags cannot be asked, as while a file is loaded.
 */
typedef bool (*rt_rule_flag_pt)(void *data, const rt_str_t *name,
    const rt_str_t *key);

void rt_rule_flags(rt_rule_t *rule, rt_rule_flag_pt flag, void *data);


/* rt_rule_schema.c: rt.schema */

/* what a client is refused with; as HTTP has them */
#define RT_RULE_UNKNOWN  415      /* type or version */
#define RT_RULE_INVALID  422      /* data */


typedef struct {
    rt_str_t           type;
    uint64_t           version;
    rt_str_t           data;      /* JSON */
    bool               upgraded;
} rt_rule_event_t;


/* does it declare any types? */
bool rt_rule_has_schemas(rt_rule_t *rule);

/*
 * Holds an event against the schema of its type, and makes it the newest
 * version: then data is good until rt_rule_done().  RT_VM_NONE: there is no
 * schema of that type; RT_VM_OK: the verdict says that the event is denied, or
 * passes.  The function that is asked next pays from what the call has left.
 */
rt_vm_result_e rt_rule_check(rt_rule_t *rule, rt_rule_event_t *event,
    rt_verdict_t *verdict);

/* adds its types but for those of another (or NULL): " T (1, 2), U (1)" */
void rt_rule_say_types(rt_rule_t *rule, rt_rule_t *other, rt_said_t *said);


/* rt_rule_log.c: rt.log */

#define RT_RULE_LINES  16         /* of a call; what is more is lost */
#define RT_RULE_LINE   1024       /* bytes */

/* a line, UTF-8 without control characters */
typedef void (*rt_rule_log_pt)(void *data, const uint8_t *text, size_t len);

/* who hears what the next call says; NULL: nobody */
void rt_rule_log_to(rt_rule_t *rule, rt_rule_log_pt log, void *data);


/* rt_rule_json.c */

/*
 * Pushes what a text of JSON says; raises an error for what is none.  null is
 * rt.null, an array a table with the metatable RT_RULE_ARRAY of the registry.
 */
#define RT_RULE_ARRAY  "rt.array"

void rt_rule_decode(lua_State *L, const rt_str_t *json);

/* pushes the JSON of what stands at i: raises an error where there is none */
void rt_rule_encode(lua_State *L, int i);


#endif /* _RT_RULE_H_INCLUDED_ */
