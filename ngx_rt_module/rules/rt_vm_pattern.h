
/*
 * Lua's patterns (Lua 5.1 reference manual, 5.4.1), whose cost is counted: a
 * pattern is read into a list of items once, and matched by going back over
 * it, a step for each character that is tried.
 */


#ifndef _RT_VM_PATTERN_H_INCLUDED_
#define _RT_VM_PATTERN_H_INCLUDED_


#include "rt_vm_lib.h"


#define RT_VM_PATTERN_ITEMS     128
#define RT_VM_PATTERN_CAPTURES  32

/* of a capture that is a position */
#define RT_VM_CAPTURE_POSITION  ((size_t) -1)
#define RT_VM_CAPTURE_OPEN      ((size_t) -2)


typedef enum {
    RT_VM_ITEM_SET = 0,           /* one character of a class or a set */
    RT_VM_ITEM_OPEN,              /* ( */
    RT_VM_ITEM_CLOSE,             /* ) */
    RT_VM_ITEM_POSITION,          /* () */
    RT_VM_ITEM_BACK,              /* %1 */
    RT_VM_ITEM_BALANCE,           /* %bxy */
    RT_VM_ITEM_FRONTIER,          /* %f[set] */
    RT_VM_ITEM_END                /* $ as the last */
} rt_vm_item_kind_e;


typedef struct {
    uint8_t         kind;
    uint8_t         times;        /* of a set: 0, or * + - ? */
    uint8_t         which;        /* BACK, CLOSE: of the captures */
    uint8_t         open;         /* BALANCE */
    uint8_t         close;
    uint64_t        set[4];       /* SET, FRONTIER: a bit for each character */
} rt_vm_item_t;


typedef struct {
    lua_State      *L;
    const uint8_t  *text;
    const uint8_t  *end;
    bool            anchored;     /* ^ as the first */

    size_t          nitems;
    rt_vm_item_t    items[RT_VM_PATTERN_ITEMS];

    size_t          ncaptures;
    struct {
        const uint8_t  *at;
        size_t          len;
    } captures[RT_VM_PATTERN_CAPTURES];
} rt_vm_pattern_t;


/* raises an error of Lua for one that is none */
void rt_vm_pattern_read(rt_vm_pattern_t *m, lua_State *L,
    const uint8_t *pattern, size_t len);

/* the end of a match that begins at s, or NULL */
const uint8_t *rt_vm_pattern_match(rt_vm_pattern_t *m, const uint8_t *s)
    __attribute__((nonnull));

/* pushes what was captured: i, of which the whole counts where there is none */
void rt_vm_pattern_push(rt_vm_pattern_t *m, size_t i, const uint8_t *s,
    const uint8_t *e);

/* all of them, the whole if there is none and s is not NULL; how many */
int rt_vm_pattern_push_all(rt_vm_pattern_t *m, const uint8_t *s,
    const uint8_t *e);


#endif /* _RT_VM_PATTERN_H_INCLUDED_ */
