
/*
 * Messages between nodes, over pub/sub: a line of text that says what it is and
 * how long its parts are, then the parts, as they are:
 *
 *     VERSION KIND NODE OFFSET EPOCH TIME DATALEN INFOLEN TAGSLEN\n
 *
 * one space between; EPOCH is eight letters, or "-": not of a durable channel.
 * A script in Redis puts the line together, too, so the format is plain.
 */


#ifndef _RT_BUS_H_INCLUDED_
#define _RT_BUS_H_INCLUDED_


#include "rt_base.h"


#define RT_BUS_VERSION    "1"
#define RT_BUS_NODE_LEN   36
#define RT_BUS_EPOCH_LEN  8

/* bytes of the line, at most */
#define RT_BUS_HEAD_MAX                                                       \
    (sizeof(RT_BUS_VERSION " p  - \n") + RT_BUS_NODE_LEN + RT_BUS_EPOCH_LEN   \
     + 5 * sizeof(" 18446744073709551615"))


enum {
    RT_BUS_PUBLICATION = 'p',     /* data, info of the publisher, tags */
    RT_BUS_PASSING     = 's',     /* the same, for no history */
    RT_BUS_EMPTIED     = 'e',     /* the stream was, up to the offset */
    RT_BUS_JOIN        = 'j',     /* info: of who joined; no data */
    RT_BUS_LEAVE       = 'l',
    RT_BUS_HELLO       = 'h',     /* the node has come; nothing */
    RT_BUS_BYE         = 'b',     /* it leaves; nothing */
    RT_BUS_ASK         = 'a',     /* data: parameters; info: the method; tags:
                                     the tenant; offset: the survey's number */
    RT_BUS_ANSWER      = 'r',     /* data: the result; info: the node asked;
                                     offset: as in the question */
    RT_BUS_SETTINGS    = 'c'      /* of a tenant were changed; data: rules;
                                     info: flags; tags: the tenant; offset: the
                                     version */
};


typedef struct {
    uint8_t         kind;         /* RT_BUS_* */
    rt_str_t        node;         /* who says it: RT_BUS_NODE_LEN bytes */
    uint64_t        offset;       /* 0: none */
    rt_str_t        epoch;        /* RT_BUS_EPOCH_LEN small letters, or empty */
    uint64_t        time;         /* of the wall, msec */
    rt_str_t        data;
    rt_str_t        info;
    rt_str_t        tags;
} rt_bus_t;


/* the line alone, into RT_BUS_HEAD_MAX bytes; returns how many it has */
size_t rt_bus_head(const rt_bus_t *m, uint8_t *line);

/* of the whole message */
static inline size_t
rt_bus_len(size_t head, const rt_bus_t *m)
{
    return head + m->data.len + m->info.len + m->tags.len;
}

/* line and parts, into rt_bus_len() bytes; returns the end */
uint8_t *rt_bus_build(uint8_t *p, const uint8_t *line, size_t head,
    const rt_bus_t *m);

/*
 * The parts point into the text.  false: it is not exactly a message of this
 * version, and *m says nothing.
 */
bool rt_bus_parse(uint8_t *text, size_t len, rt_bus_t *m);


#endif /* _RT_BUS_H_INCLUDED_ */
