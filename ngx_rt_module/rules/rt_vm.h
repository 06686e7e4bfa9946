
/*
 * A Lua state for rules that nobody trusts: text chunks only, a short list of
 * functions, nothing that reaches the host, and for each call a budget of
 * steps, bytes and time that a rule can neither catch nor outrun.  Nothing of
 * nginx; memory is the C library's.
 *
 * A call whose budget is spent leaves the state spoilt: it takes no other call,
 * and whoever owns it makes a new one, so that the next call finds what the
 * first one found.
 */


#ifndef _RT_VM_H_INCLUDED_
#define _RT_VM_H_INCLUDED_


#include <lua.h>

#include "rt_base.h"


#define RT_VM_SOURCE_MAX  (16 * 1024)
#define RT_VM_ERROR_MAX   256


typedef struct rt_vm_s  rt_vm_t;


typedef enum {
    RT_VM_OK = 0,
    RT_VM_NONE,                   /* there is no function of that name */
    RT_VM_ERROR,                  /* it raised an error, or does not compile */
    RT_VM_STEPS,                  /* spent: the state is spoilt */
    RT_VM_MEMORY,
    RT_VM_TIME
} rt_vm_result_e;


typedef struct {
    uint32_t  steps;              /* of a call: an instruction, or its like */
    uint32_t  bytes;              /* of a call, freed ones too */
    uint32_t  piece;              /* of one string or table */
    uint32_t  time;               /* of a call, microseconds of the processor */
    uint32_t  kept;               /* of the state, between calls */

    /* of the functions that a chunk returns, NULL behind them; NULL: any */
    const char *const  *names;
} rt_vm_limits_t;


/*
 * open: NULL, or adds to the environment, a table on top of the stack; owner:
 * what rt_vm_owner() gives its functions.  NULL: no memory.
 */
typedef void (*rt_vm_open_pt)(lua_State *L);

rt_vm_t *rt_vm_create(const rt_vm_limits_t *limits, rt_vm_open_pt open,
    void *owner);
void rt_vm_destroy(rt_vm_t *vm);
void *rt_vm_owner(lua_State *L);

/*
 * Compiles a chunk and runs it; it returns a table of functions, which are what
 * can be called.  name is told in errors; there may be one chunk.
 */
rt_vm_result_e rt_vm_load(rt_vm_t *vm, const char *name, const uint8_t *text,
    size_t len);

/*
 * rt_vm_begin looks for a function; when there is one, the caller pushes its
 * arguments; rt_vm_call calls it, and leaves one result on the stack, which the
 * caller looks at without metamethods.  rt_vm_end takes all from the stack; it
 * is called in any case.
 */
rt_vm_result_e rt_vm_begin(rt_vm_t *vm, const char *name);
rt_vm_result_e rt_vm_call(rt_vm_t *vm, int nargs);
void rt_vm_end(rt_vm_t *vm);

/* calls a function of ours; the call that follows has what this one has left */
rt_vm_result_e rt_vm_before(rt_vm_t *vm, lua_CFunction f, void *data);

lua_State *rt_vm_state(rt_vm_t *vm);

/* of what went wrong last, with the file and line where they are known */
const char *rt_vm_error(rt_vm_t *vm);

/* of the file, where that happened; 0: not at a line */
unsigned rt_vm_error_line(rt_vm_t *vm);

/* something else is wrong with what it has answered: RT_VM_ERROR */
rt_vm_result_e rt_vm_fail(rt_vm_t *vm, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool rt_vm_spoilt(rt_vm_t *vm);

/* the chunk returned nothing but functions of these names (NULL: any) */
bool rt_vm_only(rt_vm_t *vm, const char *const *names);

/* bytes that it has now */
size_t rt_vm_bytes(rt_vm_t *vm);

/* steps of the last call, and bytes, freed ones too */
uint32_t rt_vm_steps(rt_vm_t *vm);
size_t rt_vm_used(rt_vm_t *vm);

/* steps of all calls since it was asked last */
uint64_t rt_vm_spent(rt_vm_t *vm);


#endif /* _RT_VM_H_INCLUDED_ */
