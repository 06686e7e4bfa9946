
/*
 * Settings as texts: what the API has given a tenant, with who did it and when,
 * and a line for each tenant in a file.
 *
 *     rules    {"text":LUA,"by":..,"from":..,"key":..,"at":MSEC}
 *     flags    {NAME:{"on":true,"by":..,"from":..,"key":..,"at":MSEC},..}
 *
 * What a flag may be is rt_flag's to know, who reads the text in the end.
 */


#ifndef _RT_SETTING_H_INCLUDED_
#define _RT_SETTING_H_INCLUDED_


#include "rt_base.h"
#include "rt_command.h"


#define RT_SETTING_BY_MAX       128   /* bytes */
#define RT_SETTING_CHANGES_MAX  128   /* flags of a change */
#define RT_SETTING_SAID_MAX     512   /* bytes of what is logged of it */

/* numbers of JSON, for everyone */
#define RT_SETTING_VERSION_MAX  9007199254740991ULL


/* who has changed something; texts are UTF-8 without control characters */
typedef struct {
    rt_str_t     by;              /* what the caller says */
    rt_str_t     from;            /* its address */
    rt_str_t     key;             /* a part of a digest of its key */
    uint64_t     at;              /* of the wall, msec */
} rt_setting_who_t;


/* ,"by":..,"from":..,"key":..,"at":.. */
void rt_setting_who(rt_out_t *o, const rt_setting_who_t *who);

/* rules of that text */
void rt_setting_rules(rt_out_t *o, const rt_str_t *lua,
    const rt_setting_who_t *who);

/*
 * Flags as they are (empty: none) and changes, an object in which null stands
 * for none: what they are then, without a flag at all {}; said: the changes in
 * short, for people.  Both texts are changed where they are.  NULL, or why not;
 * a literal.
 */
const char *rt_setting_flags(rt_out_t *o, rt_str_t *flags, rt_str_t *changes,
    const rt_setting_who_t *who, rt_out_t *said);


/* a tenant in a file; a text that is not there is empty */
typedef struct {
    rt_str_t     zone;
    rt_str_t     tenant;
    uint64_t     version;
    rt_str_t     rules;
    rt_str_t     flags;
} rt_setting_line_t;

/* with its end; texts of JSON are without CR and LF */
void rt_setting_line(rt_out_t *o, const rt_setting_line_t *line);

/* the last line: how many there are before it */
void rt_setting_end(rt_out_t *o, uint64_t n);

/*
 * Reads a line, without its end.  line->tenant is empty in the last one, whose
 * number is line->version then.  NULL, or what is wrong with it; a literal.
 */
const char *rt_setting_line_read(uint8_t *p, size_t len,
    rt_setting_line_t *line);


#endif /* _RT_SETTING_H_INCLUDED_ */
