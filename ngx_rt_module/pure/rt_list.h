
/*
 * Lists in shared memory: a ring of links through its head, changed by
 * transactions only (rt_txn.h).  The caller holds the zone's mutex.
 */


#ifndef _RT_LIST_H_INCLUDED_
#define _RT_LIST_H_INCLUDED_


#include "rt_base.h"
#include "rt_txn.h"


#define RT_LIST_ADD_SETS     4
#define RT_LIST_REMOVE_SETS  2


typedef struct rt_link_s  rt_link_t;

struct rt_link_s {
    rt_link_t  *next;
    rt_link_t  *prev;
};


/* the structure that a link, its member, lies in */
#define rt_list_entry(link, type, member)                                     \
    ((type *) (void *) ((uint8_t *) (link) - offsetof(type, member)))


/* by plain stores, before anyone can reach it */
static inline void
rt_list_init(rt_link_t *head)
{
    head->next = head;
    head->prev = head;
}


/* NULL: the list is empty */
static inline rt_link_t *
rt_list_first(rt_link_t *head)
{
    return head->next == head ? NULL : head->next;
}


/* as the last one */
static inline void
rt_list_add(rt_txn_t *x, rt_link_t *head, rt_link_t *l)
{
    rt_link_t  *last;

    last = head->prev;

    rt_txn_set_ptr(x, &l->next, head);
    rt_txn_set_ptr(x, &l->prev, last);
    rt_txn_set_ptr(x, &last->next, l);
    rt_txn_set_ptr(x, &head->prev, l);
}


/* l stands in a list */
static inline void
rt_list_remove(rt_txn_t *x, rt_link_t *l)
{
    rt_txn_set_ptr(x, &l->prev->next, l->next);
    rt_txn_set_ptr(x, &l->next->prev, l->prev);
}


#endif /* _RT_LIST_H_INCLUDED_ */
