
/*
 * Workers find each other: a table in shared memory with a slot per living
 * worker, of all generations, and a doorbell (an eventfd) for each slot.
 *
 * The bells are made once, in the master before its first fork, and stay open
 * as long as the module is loaded: every worker of every generation has the
 * same.  A worker claims a slot when it starts: one that was never used, is
 * free, or whose owner is gone.  Where events are edges the bells are never
 * read: a write is one.
 *
 * The table's mutex is held for claiming only.  `rung` is atomic: who turns it
 * from 0 to 1 writes to the bell; its owner turns it to 0 before it looks.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"

#include <sys/eventfd.h>


typedef struct {
    ngx_rt_slot_t              slots[NGX_RT_SLOTS];
} ngx_rt_table_t;


static ngx_int_t ngx_rt_doorbell_init_zone(ngx_shm_zone_t *shm, void *data);
static ngx_int_t ngx_rt_doorbell_claim(ngx_cycle_t *cycle);
static ngx_uint_t ngx_rt_doorbell_alive(ngx_pid_t pid);
static void ngx_rt_doorbell_close(void);
static ngx_int_t ngx_rt_doorbell_open(ngx_cycle_t *cycle);
static void ngx_rt_doorbell_handler(ngx_event_t *ev);


ngx_uint_t               ngx_rt_slot = NGX_RT_NO_SLOT;

/* of a worker without a slot */
static ngx_rt_slot_t     ngx_rt_no_stat;
ngx_rt_slot_t           *ngx_rt_stat = &ngx_rt_no_stat;

/* of the configuration that is being read; then of the one that is in force */
static ngx_shm_zone_t   *ngx_rt_table_zone;
static ngx_slab_pool_t  *ngx_rt_table_pool;
static ngx_rt_table_t   *ngx_rt_table;

static int               ngx_rt_bells[NGX_RT_SLOTS];
static ngx_uint_t        ngx_rt_nbells;


void
ngx_rt_doorbell_forget_zone(void)
{
    ngx_rt_table_zone = NULL;
}


ngx_int_t
ngx_rt_doorbell_add_zone(ngx_conf_t *cf)
{
    ngx_str_t        name = ngx_string("rt:workers");
    ngx_shm_zone_t  *shm;

    shm = ngx_shared_memory_add(cf, &name,
                                ngx_align(sizeof(ngx_rt_table_t),
                                          ngx_pagesize)
                                + 8 * ngx_pagesize,
                                &ngx_rt_module);
    if (shm == NULL) {
        return NGX_ERROR;
    }

    shm->init = ngx_rt_doorbell_init_zone;
    ngx_rt_table_zone = shm;

    return NGX_OK;
}


static ngx_int_t
ngx_rt_doorbell_init_zone(ngx_shm_zone_t *shm, void *data)
{
    ngx_rt_table_t   *table;
    ngx_slab_pool_t  *pool;

    pool = (ngx_slab_pool_t *) shm->shm.addr;

    if (data) {
        shm->data = data;
        return NGX_OK;
    }

    if (shm->shm.exists) {
        shm->data = pool->data;
        return NGX_OK;
    }

    table = ngx_slab_calloc(pool, sizeof(ngx_rt_table_t));
    if (table == NULL) {
        return NGX_ERROR;
    }

    pool->data = table;
    shm->data = table;

    return NGX_OK;
}


/*
 * In the master, once the zones of a good configuration are there.  A bad one
 * does not come this far: workers that are respawned then go on with the table
 * that they had.
 */

ngx_int_t
ngx_rt_doorbell_init_module(ngx_cycle_t *cycle)
{
    int  fd;

    if (ngx_test_config) {
        return NGX_OK;
    }

    /* a configuration without http {} has forgotten nothing */

    if (ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module) == NULL) {
        ngx_rt_table_zone = NULL;
    }

    if (ngx_rt_table_zone == NULL) {
        ngx_rt_table = NULL;
        return NGX_OK;
    }

    ngx_rt_table = ngx_rt_table_zone->data;
    ngx_rt_table_pool = (ngx_slab_pool_t *) ngx_rt_table_zone->shm.addr;

    while (ngx_rt_nbells < NGX_RT_SLOTS) {

        fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fd == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "eventfd() failed");
            return NGX_ERROR;
        }

        ngx_rt_bells[ngx_rt_nbells++] = fd;
    }

    return NGX_OK;
}


/* nginx unloads a module that a new configuration does not load any more */

static void __attribute__((destructor))
ngx_rt_doorbell_close(void)
{
    while (ngx_rt_nbells) {
        (void) close(ngx_rt_bells[--ngx_rt_nbells]);
    }
}


ngx_int_t
ngx_rt_doorbell_init_process(ngx_cycle_t *cycle)
{
    /* nginx's cache processes come by here too */

    if (ngx_rt_table == NULL || ngx_process == NGX_PROCESS_HELPER) {
        return NGX_OK;
    }

    if (ngx_rt_doorbell_claim(cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "rt: all %d worker slots are taken, this worker "
                      "accepts no WebSockets until the old workers of a "
                      "reload have left; run fewer workers",
                      NGX_RT_SLOTS);
        return NGX_OK;
    }

    return ngx_rt_doorbell_open(cycle);
}


ngx_int_t
ngx_rt_doorbell_retry(ngx_cycle_t *cycle)
{
    if (ngx_rt_doorbell_claim(cycle) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                  "rt: this worker has slot %ui now", ngx_rt_slot);

    return ngx_rt_doorbell_open(cycle);
}


static ngx_int_t
ngx_rt_doorbell_claim(ngx_cycle_t *cycle)
{
    ngx_uint_t      i;
    ngx_rt_slot_t  *slot;

    ngx_rt_lock(&ngx_rt_table_pool->mutex);

    for (i = 0; i < NGX_RT_SLOTS; i++) {
        slot = &ngx_rt_table->slots[i];

        if (ngx_rt_doorbell_alive((ngx_pid_t) slot->pid)) {
            continue;
        }

        slot->pid = 0;
        slot->connections = 0;
        slot->redis_pending = 0;
        ngx_memzero((void *) slot->redis_state, sizeof(slot->redis_state));

        if (ngx_rt_slot == NGX_RT_NO_SLOT) {
            slot->pid = ngx_pid;
            slot->rung = 0;
            slot->generation++;
            rt_fault(claim_hold);

            ngx_rt_slot = i;
            ngx_rt_stat = slot;
        }
    }

    ngx_rt_unlock(&ngx_rt_table_pool->mutex);

    return ngx_rt_slot == NGX_RT_NO_SLOT ? NGX_DECLINED : NGX_OK;
}


/* a slot with our pid, before we have one, is a dead namesake's */

static ngx_uint_t
ngx_rt_doorbell_alive(ngx_pid_t pid)
{
    if (pid == 0 || pid == ngx_pid) {
        return 0;
    }

    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


ngx_uint_t
ngx_rt_doorbell_gone(ngx_uint_t i, uint64_t generation)
{
    ngx_rt_slot_t  *slot;

    slot = &ngx_rt_table->slots[i];

    return slot->generation != generation
           || (i != ngx_rt_slot
               && !ngx_rt_doorbell_alive((ngx_pid_t) slot->pid));
}


static ngx_int_t
ngx_rt_doorbell_open(ngx_cycle_t *cycle)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(ngx_rt_bells[ngx_rt_slot], cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->read->handler = ngx_rt_doorbell_handler;
    c->read->log = cycle->log;

    /* nginx takes such a connection for its own when the worker leaves */
    c->read->channel = 1;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_rt_doorbell_handler(ngx_event_t *ev)
{
    uint64_t           n;
    ngx_connection_t  *c;

    /* where events are edges, nobody has to read them */

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)) {
        c = ev->data;
        (void) !read(c->fd, &n, sizeof(uint64_t));
    }

    rt_fault(wake_heard);
    ngx_rt_count(wakeups, 1);

    ngx_rt_turn_post();
}


void
ngx_rt_doorbell_exit_process(ngx_cycle_t *cycle)
{
    if (ngx_rt_slot == NGX_RT_NO_SLOT) {
        return;
    }

    rt_fault(exit_begin);

    ngx_rt_stat->connections = 0;
    ngx_rt_stat->redis_pending = 0;
    ngx_memzero((void *) ngx_rt_stat->redis_state,
                sizeof(ngx_rt_stat->redis_state));
    ngx_rt_stat->pid = 0;

    /* of two that leave at once, one finds that it is the last */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    rt_fault(exit_done);

    ngx_rt_slot = NGX_RT_NO_SLOT;
    ngx_rt_stat = &ngx_rt_no_stat;
}


uint64_t
ngx_rt_doorbell_workers(void)
{
    uint64_t    workers;
    ngx_uint_t  i;

    workers = 0;

    for (i = 0; i < NGX_RT_SLOTS; i++) {
        if (ngx_rt_table->slots[i].pid) {
            workers |= (uint64_t) 1 << i;
        }
    }

    return workers;
}


void
ngx_rt_doorbell_ring(uint64_t workers)
{
    ngx_uint_t       i;
    ngx_rt_slot_t   *slot;

    static uint64_t  one = 1;

    while (workers) {
        i = __builtin_ctzll(workers);
        workers &= workers - 1;

        slot = &ngx_rt_table->slots[i];

        if (slot->rung || !ngx_atomic_cmp_set(&slot->rung, 0, 1)) {
            continue;
        }

        rt_fault(wake_rung);
        ngx_rt_count(rings, 1);

        /* a counter at its limit is an edge that is there already */

        if (write(ngx_rt_bells[i], &one, sizeof(uint64_t)) == -1
            && ngx_errno != NGX_EAGAIN)
        {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                          "rt: write() to a doorbell failed");
        }

        rt_fault(wake_written);
    }
}


void
ngx_rt_doorbell_mute(void)
{
    ngx_rt_stat->rung = 1;
}


/* a full barrier: who appends after it finds `rung` down and rings */

void
ngx_rt_doorbell_listen(void)
{
    (void) ngx_atomic_cmp_set(&ngx_rt_stat->rung, 1, 0);
    ngx_memory_barrier();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


ngx_rt_slot_t *
ngx_rt_doorbell_slot(ngx_uint_t i)
{
    return ngx_rt_table ? &ngx_rt_table->slots[i] : NULL;
}
