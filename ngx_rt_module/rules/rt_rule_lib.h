
/*
 * Between rt_rule.c and the files of what rules are given.
 */


#ifndef _RT_RULE_LIB_H_INCLUDED_
#define _RT_RULE_LIB_H_INCLUDED_


#include "rt_rule.h"
#include "rt_vm_lib.h"


/* integers in the registry: views, texts of verdicts, what an upgrade made */
enum {
    RT_RULE_VIEWS_AT = RT_VM_OWNER_AT,
    RT_RULE_TEXTS_AT = RT_RULE_VIEWS_AT + RT_RULE_VIEWS,
    RT_RULE_UPGRADED_AT = RT_RULE_TEXTS_AT + RT_RULE_VERDICTS,
    RT_RULE_SCHEMAS_AT
};


typedef struct rt_rule_schema_s  rt_rule_schema_t;


struct rt_rule_s {
    rt_vm_t               *vm;
    const rt_rule_view_t  *views; /* of the call */
    size_t                 nviews;
    bool                   loading;
    bool                   decoded;   /* some of their JSON */
    bool                   upgraded;
    size_t                 nverdicts;
    rt_verdict_t           verdicts[RT_RULE_VERDICTS];
    rt_rule_schema_t      *schemas;   /* the state's, in order */
    rt_rule_log_pt         log;       /* NULL: nobody listens */
    void                  *log_data;
    size_t                 nlines;    /* of the call */
    rt_rule_flag_pt        flag;
    void                  *flag_data;
};


typedef struct {
    size_t                 len;
    bool                   cut;
    uint8_t                text[RT_RULE_LINE];
} rt_rule_line_t;


/* the verdict that stands at i, or NULL */
rt_verdict_t *rt_rule_verdict_at(rt_rule_t *rule, int i);

/* from here on a view's field of JSON is what is on top of the stack */
void rt_rule_view_set(lua_State *L, size_t view, const char *field);


/* rt_rule_schema.c */

int rt_rule_schema(lua_State *L);
void rt_rule_open_schemas(lua_State *L);


/* rt_rule_log.c */

int rt_rule_log(lua_State *L);


#endif /* _RT_RULE_LIB_H_INCLUDED_ */
