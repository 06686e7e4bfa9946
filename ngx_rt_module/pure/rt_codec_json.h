
/*
 * Between rt_codec_json.c and rt_codec_json_parse.c.
 */


#ifndef _RT_CODEC_JSON_H_INCLUDED_
#define _RT_CODEC_JSON_H_INCLUDED_


#include "rt_command.h"


/* by rt_method_t; those that are no method's have no name */
extern const rt_str_t  rt_codec_json_methods[RT_METHOD_UNKNOWN + 1];

rt_parse_t rt_codec_json_parse(uint8_t **pos, uint8_t *end, bool first,
    rt_command_t *cmd);
bool rt_codec_json_positions(const rt_str_t *subs, rt_position_t *list,
    size_t max, size_t *n);


#endif /* _RT_CODEC_JSON_H_INCLUDED_ */
