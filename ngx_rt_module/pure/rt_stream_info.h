
/*
 * Who published an entry of a stream, as it stands there in the field "info"
 * and in messages of the bus: the protocol's ClientInfo, as JSON.
 */


#ifndef _RT_STREAM_INFO_H_INCLUDED_
#define _RT_STREAM_INFO_H_INCLUDED_


#include "rt_base.h"
#include "rt_command.h"


#define RT_STREAM_INFO_CLIENT  36     /* bytes of an id */
#define RT_STREAM_INFO_USER    128    /* bytes, at most */
#define RT_STREAM_INFO_RAW     3072   /* bytes of each info, at most */

/* bytes of what is built: a name may be escaped to six times as many */
#define RT_STREAM_INFO_MAX                                                    \
    (6 * RT_STREAM_INFO_USER + RT_STREAM_INFO_CLIENT                          \
     + 2 * RT_STREAM_INFO_RAW + 64)


/* nothing, if it is nobody */
void rt_stream_info_build(rt_out_t *o, const rt_client_info_t *info);

/*
 * The way back.  The text is changed in the reading, and info points into it.
 * false: it is none that could have been built; info is nobody then, as it is
 * for an empty text.
 */
bool rt_stream_info_parse(uint8_t *text, size_t len, rt_client_info_t *info);


#endif /* _RT_STREAM_INFO_H_INCLUDED_ */
