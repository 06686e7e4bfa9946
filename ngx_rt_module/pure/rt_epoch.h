
/*
 * The epoch of a durable channel: eight small letters, the same on every node.
 * As a number they are the source of a position: the top bit tells them from
 * the serials that a zone gives to histories of its own.
 */


#ifndef _RT_EPOCH_H_INCLUDED_
#define _RT_EPOCH_H_INCLUDED_


#include "rt_base.h"


#define RT_EPOCH_LEN      8
#define RT_EPOCH_DURABLE  ((uint64_t) 1 << 63)


/* 0: these are no letters of an epoch */
uint64_t rt_epoch_parse(const uint8_t *text, size_t len);

/* RT_EPOCH_LEN letters of what was parsed, or of any number at random */
void rt_epoch_text(uint64_t source, uint8_t *text);

static inline bool
rt_epoch_durable(uint64_t source)
{
    return (source & RT_EPOCH_DURABLE) != 0;
}


#endif /* _RT_EPOCH_H_INCLUDED_ */
