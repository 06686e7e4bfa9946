
/*
 * What the functions that a rule may call share with the state that they run
 * in: each of them charges what it costs.
 */


#ifndef _RT_VM_LIB_H_INCLUDED_
#define _RT_VM_LIB_H_INCLUDED_


#include <lauxlib.h>
#include <lualib.h>

#include "rt_vm.h"


/* an error that is caught costs so much: unwinding is slow */
#define RT_VM_CAUGHT     400

/* C functions within each other that call Lua */
#define RT_VM_NESTING    16

/* values that a call may get or give by number */
#define RT_VM_VALUES     64


/* names that a state remembers, and how long they may be */
#define RT_VM_FUNCTIONS  8
#define RT_VM_NAME       16

/* integers in the registry; from the last on they are the owner's */
#define RT_VM_WHERE_AT      1
#define RT_VM_FUNCTIONS_AT  (RT_VM_WHERE_AT + 1)
#define RT_VM_OWNER_AT      (RT_VM_FUNCTIONS_AT + RT_VM_FUNCTIONS)


typedef struct {
    char             name[RT_VM_NAME];
    bool             is;          /* there is one */
} rt_vm_function_t;


struct rt_vm_s {
    lua_State       *L;
    void            *owner;
    rt_vm_open_pt    open;
    rt_vm_limits_t   limits;

    int64_t          steps;       /* left of this call */
    int64_t          given;       /* to it */
    int64_t          counted;     /* left when they were counted */
    uint64_t         spent;       /* by calls that are over */
    int64_t          bytes;
    uint64_t         end;         /* when to look at the time it took */
    uint64_t         began;       /* processor's */
    uint64_t         time;        /* half of what it may take */
    size_t           live;
    unsigned         nesting;

    rt_vm_result_e   dead;
    bool             calling;
    bool             begun;       /* the next call goes on with its budget */
    unsigned         line;        /* of the error */
    size_t           nfunctions;
    char             error[RT_VM_ERROR_MAX];
    rt_vm_function_t functions[RT_VM_FUNCTIONS];
};


static inline rt_vm_t *
rt_vm_of(lua_State *L)
{
    void  *vm;

    lua_getallocf(L, &vm);

    return vm;
}


/* the budget is spent: does not return */
void rt_vm_die(lua_State *L, rt_vm_result_e why) __attribute__((noreturn));

/* throws again what must not be caught */
void rt_vm_alive(lua_State *L);

/* a C function is about to call Lua; the counterpart is an assignment */
unsigned rt_vm_enter(lua_State *L);


static inline void
rt_vm_charge_to(rt_vm_t *vm, size_t steps)
{
    if (rt_unlikely((int64_t) steps > vm->steps)) {
        rt_vm_die(vm->L, RT_VM_STEPS);
    }

    vm->steps -= steps;
}


static inline void
rt_vm_charge(lua_State *L, size_t steps)
{
    rt_vm_charge_to(rt_vm_of(L), steps);
}


/* work on bytes, of which a step does several */
#define rt_vm_charge_bytes(L, n)  rt_vm_charge(L, 1 + (n) / 16)


/* each leaves a table with its functions on the stack */
void rt_vm_open_base(lua_State *L);
void rt_vm_open_string(lua_State *L);
void rt_vm_open_table(lua_State *L);

/* a function of LuaJIT's on the stack forgets the globals */
void rt_vm_adopt(lua_State *L);

/* pushes a text for what stands at i, without addresses */
void rt_vm_tostring(lua_State *L, int i);

/*
 * The table on the stack becomes one that reads as it does and cannot be
 * written to.
 */
void rt_vm_protect(lua_State *L);


#endif /* _RT_VM_LIB_H_INCLUDED_ */
