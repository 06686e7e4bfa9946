
/*
 * Fault points: named places at which a test kills, stops or delays the
 * process.  Only a build with RT_FAULT_POINTS (make debug) has them; in any
 * other they are nothing.
 *
 * The points of a process and what each of them is to do stand in one table,
 * which may be a file in shared memory: what the process passed outlives its
 * death there, and a test arms a point of one process while it runs.
 *
 * A new point is a line of RT_FAULT_LIST, and rt_fault(NAME) at its place.
 * t/fault takes its list from the table, and fails for one that it never
 * reaches: see docs/testing.md.
 */


#ifndef _RT_FAULT_H_INCLUDED_
#define _RT_FAULT_H_INCLUDED_


#include "rt_base.h"


#ifdef RT_FAULT_POINTS


/* the part before the first "_" is the step of the data path */
#define RT_FAULT_LIST(point)                                                  \
                                                                              \
    /* every store to shared memory of rt_txn, rt_heap, rt_log */             \
    point(store)                                                              \
                                                                              \
    point(lock_taken)             /* before a dead owner's work is undone */  \
    point(lock_relieve)           /* before a dead owner's mutex is freed */  \
    point(lock_leave)             /* before the mutex is given back */        \
                                                                              \
    point(txn_written)            /* the old value, not counted yet */        \
    point(txn_counted)            /* the word is not stored yet */            \
    point(txn_stored)                                                         \
    point(txn_commit)             /* before the last store */                 \
    point(txn_undo)               /* a word restored, and still counted */    \
                                                                              \
    point(heap_taken)             /* a block */                               \
    point(heap_freed)             /* its page is not settled yet */           \
                                                                              \
    point(publish_begin)                                                      \
    point(publish_hold)           /* the state's mutex, nothing else yet */   \
    point(publish_told)           /* in the log, what hangs on it still */    \
    point(publish_done)           /* no mutex, nobody is to be rung yet */    \
                                                                              \
    point(durable_queued)         /* copied, nothing is sent */               \
    point(durable_sent)           /* put together, not on its way */          \
    point(durable_answered)       /* Redis has it, nobody here knows */       \
    point(durable_entered)        /* subscribers have it, nobody is told */   \
                                                                              \
    point(keyed_claimed)          /* in Redis, nothing is published */        \
    point(keyed_published)        /* its result is not in Redis */            \
                                                                              \
    point(read_page)              /* put together, not on its way */          \
    point(read_paged)             /* Redis has answered, nobody is told */    \
    point(read_copy)              /* of a stream's end, as read_page */       \
    point(read_copied)            /* Redis has, nothing is in the copy */     \
    point(read_entered)           /* the copy has it, and is not fresh */     \
                                                                              \
    point(bus_tell)               /* delivered here, not told to others */    \
    point(bus_hear)               /* said by another, not delivered here */   \
                                                                              \
    point(survey_begin)           /* done here, nobody is asked */            \
    point(survey_asked)           /* on its way to others */                  \
    point(survey_answered)        /* one has answered, or all */              \
    point(survey_taken)           /* another asks, nothing is done */         \
    point(survey_served)          /* done here, not answered */               \
                                                                              \
    point(limit_bucket)           /* it is full, its tag is still another */  \
    point(limit_taken)            /* of one bucket, not of the others */      \
    point(limit_give)             /* denied, one has not got it back */       \
                                                                              \
    point(key_linked)             /* before the commit */                     \
    point(key_hung)               /* on the log's head, nothing is in it */   \
    point(key_expire)             /* before the commit */                     \
                                                                              \
    point(history_create)         /* in the transaction of its first use */   \
    point(history_entry)          /* before the commit, and before its key */ \
    point(history_stored)         /* behind it, nobody is told */             \
    point(history_drop)           /* before the commit of what goes */        \
    point(history_read)           /* between two slices */                    \
    point(history_floor)          /* emptied, and all is still there */       \
    point(history_sweep)          /* before the commit */                     \
                                                                              \
    point(room_made)              /* before the commit of what gives way */   \
                                                                              \
    point(log_reserved)           /* nothing is written yet */                \
    point(log_written)            /* the record's head, no part of it */      \
    point(log_head)               /* all of it, the log's head stands */      \
    point(log_appended)           /* the log's mutex is still held */         \
                                                                              \
    point(record_appended)        /* no reader has a mark */                  \
    point(record_mark)            /* before that of one reader */             \
    point(record_marked)                                                      \
                                                                              \
    point(wake_rung)              /* the flag is up, the bell not rung */     \
    point(wake_written)                                                       \
    point(wake_heard)                                                         \
                                                                              \
    point(turn_begin)             /* nobody is rung yet */                    \
    point(turn_listen)            /* all are, its own flag is still up */     \
    point(turn_flush)                                                         \
                                                                              \
    point(deliver_marked)         /* its mark is taken, nothing is read */    \
    point(deliver_found)          /* a record's head is read, no part */      \
    point(deliver_copied)         /* the parts of a record */                 \
    point(deliver_encoded)                                                    \
    point(deliver_settle)         /* before the queues get it */              \
                                                                              \
    point(flush_send)                                                         \
    point(flush_sent)             /* the queue still has it */                \
                                                                              \
    point(join_begin)                                                         \
    point(join_hold)              /* before the commit */                     \
    point(join_committed)         /* nobody is told */                        \
    point(join_done)              /* the worker has no interest yet */        \
    point(join_interest)          /* nobody is rung, nothing is answered */   \
                                                                              \
    point(leave_begin)                                                        \
    point(leave_hold)             /* unlinked, nobody is told */              \
    point(leave_told)             /* before the commit */                     \
    point(leave_done)             /* the worker still has its interest */     \
                                                                              \
    point(channel_create)         /* in the transaction of its first join */  \
    point(channel_expire)         /* in that of its last leave */             \
                                                                              \
    point(presence_slice)         /* between two holds of a list */           \
                                                                              \
    point(session_create)         /* before the commit */                     \
    point(session_created)        /* behind it */                             \
    point(session_empty)          /* between two steps of its end */          \
    point(session_expire)         /* before the commit */                     \
    point(session_expired)        /* behind it */                             \
                                                                              \
    point(linger_haunt)           /* a membership that nobody serves */       \
    point(linger_begin)           /* off the worker's list */                 \
    point(linger_expire)          /* a step of its end, before the commit */  \
    point(linger_unclaimed)       /* left, before the commit */               \
    point(linger_revoke)          /* a step of its end, before the commit */  \
                                                                              \
    point(resume_take)            /* on the worker's list, its proof is old */\
    point(resume_heir)            /* the other is a husk, the same */         \
    point(resume_done)            /* committed, nothing is answered */        \
    point(resume_claim)           /* a membership, before the commit */       \
    point(resume_mute)            /* the husk's, before the commit */         \
    point(resume_inherit)         /* the husk's, by its heir */               \
    point(resume_disown)          /* an heir ends, its husk does not */       \
    point(resume_forgo)           /* left, before the commit */               \
    point(resume_settle)          /* the old proof, before the commit */      \
                                                                              \
    point(revoke_hold)            /* before the commit */                     \
    point(revoke_done)            /* behind it, nobody is rung */             \
                                                                              \
    point(settings_written)       /* new texts, nothing leads there */        \
    point(settings_hold)          /* before the commit */                     \
    point(settings_done)          /* behind it, nothing is answered */        \
    point(settings_saved)         /* in a file, not yet in the state */       \
    point(settings_rename)        /* in the state, not yet in the file */     \
                                                                              \
    point(order_hold)             /* nothing is issued yet */                 \
    point(order_left)             /* one is, and committed */                 \
    point(order_issued)           /* all are, nobody is rung */               \
    point(order_take)             /* copied, before the commit */             \
    point(order_taken)            /* gone from the state, not followed yet */ \
                                                                              \
    point(drain_begin)            /* the worker leaves, nobody is told */     \
    point(drain_close)            /* before a client is told */               \
    point(exit_begin)             /* the slot is the worker's */              \
    point(exit_done)              /* it is free */                            \
                                                                              \
    point(claim_hold)             /* the slot is taken, the table's mutex */  \
    point(claim_done)             /* it has sessions of the one before */     \
    point(claim_owner)            /* before the owner is committed */         \
    point(claim_attached)                                                     \
                                                                              \
    point(reap_hold)              /* before a step's commit */                \
    point(reap_step)              /* between two steps */


#define RT_FAULT_ENUM(name)  RT_FAULT_##name,

enum {
    RT_FAULT_LIST(RT_FAULT_ENUM)
    RT_FAULT_N
};


typedef enum {
    RT_FAULT_NONE = 0,
    RT_FAULT_KILL,                /* SIGKILL to itself */
    RT_FAULT_STOP,                /* SIGSTOP */
    RT_FAULT_DELAY,               /* sleeps so many ms */
    RT_FAULT_ALLOC,               /* takes memory and gives it back */
    RT_FAULT_WRITE                /* to standard error, no bytes */
} rt_fault_action_e;


/* t/fault/points.js has it too; a test writes action, ms and left at once */
typedef struct {
    char             name[48];
    uint16_t         action;      /* rt_fault_action_e */
    uint16_t         ms;
    uint32_t         left;        /* passes until it acts, 0: it does not */
    uint64_t         passes;
} rt_fault_point_t;


typedef struct {
    uint64_t          held;       /* mutexes that the process holds now */
    uint64_t          longest;    /* hold of any, nanoseconds */
    uint64_t          unused[6];
    rt_fault_point_t  point[RT_FAULT_N];
} rt_fault_table_t;


/* the process's own until rt_fault_init() maps a file */
extern rt_fault_table_t  *rt_fault_table;

/*
 * At the start of a process.  dir: the file DIR/PID becomes its table, and is
 * made of DIR/next if that is there.  spec: "NAME:ACTION[@N],..." where ACTION
 * is kill, stop, delay=MS, alloc or write, done at the Nth pass, or the first.
 * Either may be NULL.  Returns NULL, or what is wrong.
 */
const char *rt_fault_init(const char *spec, const char *dir);

/* a point is passed */
void rt_fault_pass(unsigned point);

/* a mutex of shared memory is taken, and is going to be given back */
void rt_fault_hold(void);
void rt_fault_release(void);


#define rt_fault(name)  rt_fault_pass(RT_FAULT_##name)


#else

#define rt_fault(name)
#define rt_fault_hold()
#define rt_fault_release()

#endif


#endif /* _RT_FAULT_H_INCLUDED_ */
