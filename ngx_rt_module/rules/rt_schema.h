
/*
 * What data has to be: a list of nodes, which JSON is held against as the bytes
 * that it is.  Nothing of Lua.
 */


#ifndef _RT_SCHEMA_H_INCLUDED_
#define _RT_SCHEMA_H_INCLUDED_


#include "rt_base.h"


#define RT_SCHEMA_DEPTH    16
#define RT_SCHEMA_NODES    1024
#define RT_SCHEMA_FIELDS   128    /* of one object */
#define RT_SCHEMA_NAME     64     /* bytes of a field's name */
#define RT_SCHEMA_SAID     512    /* bytes of what is told */


typedef enum {
    RT_SCHEMA_ANY = 0,
    RT_SCHEMA_BOOLEAN,
    RT_SCHEMA_NUMBER,
    RT_SCHEMA_INTEGER,
    RT_SCHEMA_STRING,
    RT_SCHEMA_ARRAY,
    RT_SCHEMA_OBJECT,
    RT_SCHEMA_KINDS               /* of a word; those below have children */
} rt_schema_kind_e;


/* as they are written */
extern const char *const  rt_schema_kinds[RT_SCHEMA_KINDS];


/*
 * An object with children has those fields, sorted by rt_schema_order(), and
 * others; an array with a child has those items.
 */
typedef struct {
    uint8_t       kind;
    bool          optional;       /* it may be left out, or null */
    uint8_t       len;            /* of its name, as a field */
    uint16_t      n;              /* children */
    uint16_t      first;          /* of them, among the nodes */
    uint32_t      name;           /* among the names */
} rt_schema_node_t;


typedef struct {
    const rt_schema_node_t  *nodes;
    const uint8_t           *names;
} rt_schema_t;


/* text of UTF-8, cut with "..." where it is too long */
typedef struct {
    size_t        len;
    bool          cut;
    uint8_t       text[RT_SCHEMA_SAID];
} rt_said_t;


void rt_say(rt_said_t *said, const void *text, size_t len);
void rt_say_number(rt_said_t *said, uint64_t n);

#define rt_say_lit(said, s)  rt_say(said, s, sizeof(s) - 1)


/*
 * false: data, JSON that was read before, is not as node says, and why tells
 * where: "data.tags[2]: string expected, got number".
 */
bool rt_schema_check(const rt_schema_t *schema, const rt_schema_node_t *node,
    const rt_str_t *data, rt_said_t *why);

/* of names */
int rt_schema_order(const uint8_t *one, size_t len, const uint8_t *other,
    size_t other_len);


#endif /* _RT_SCHEMA_H_INCLUDED_ */
