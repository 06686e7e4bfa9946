
/*
 * A zone: the directive that names it, its two pieces of shared memory (the
 * state and the event log, each with a mutex of its own), and their locks.
 *
 * nginx force-unlocks the mutex of a dead worker only in zones of the current
 * cycle, and only after it has waited for it.  So whoever waits here looks for
 * the owner by itself: a dead one is relieved at once, in any cycle.
 *
 * Zones are found again over a reload by name, so both sizes are part of the
 * names: when either changes, state and log start anew together, and workers of
 * the two generations never share one without the other.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"


#define NGX_RT_ZONE_MIN      (256 * 1024)
#define NGX_RT_LOG_MIN       (256 * 1024)

/* one bucket for so many bytes of the zone */
#define NGX_RT_BUCKET_SHARE  512

/* of so many bytes of the zone one is for the buckets of rt_limit */
#define NGX_RT_LIMIT_SHARE   128


static char *ngx_rt_zone_parse_size(ngx_conf_t *cf, ngx_str_t *arg, u_char *p,
    size_t min, size_t *size);
static char *ngx_rt_zone_parse_zone(ngx_conf_t *cf, ngx_rt_zone_t *z,
    ngx_str_t *arg);
static char *ngx_rt_zone_add_shm(ngx_conf_t *cf, ngx_rt_zone_t *z);
static ngx_int_t ngx_rt_zone_init_state(ngx_shm_zone_t *shm, void *data);
static ngx_int_t ngx_rt_zone_init_log(ngx_shm_zone_t *shm, void *data);
static void *ngx_rt_zone_take(ngx_slab_pool_t *pool, size_t *size);
static ngx_int_t ngx_rt_zone_create(ngx_rt_zone_t *z, ngx_log_t *log);
static void ngx_rt_zone_uid(u_char *uid);


char *
ngx_rt_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char                              *rv;
    ngx_str_t                         *value;
    ngx_uint_t                         i;
    ngx_rt_zone_t                     *z, **zp;
    ngx_http_compile_complex_value_t   ccv;

    value = cf->args->elts;

    z = ngx_pcalloc(cf->pool, sizeof(ngx_rt_zone_t));
    if (z == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = &z->key;

    z->key_text = value[1];
    z->linger = &mcf->linger;
    z->state_file = &mcf->state_file;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "zone=", 5) == 0) {
            rv = ngx_rt_zone_parse_zone(cf, z, &value[i]);

        } else if (ngx_strncmp(value[i].data, "log=", 4) == 0) {
            rv = ngx_rt_zone_parse_size(cf, &value[i], value[i].data + 4,
                                        NGX_RT_LOG_MIN, &z->log_size);

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\", write "
                               "\"rt_zone KEY zone=NAME:SIZE [log=SIZE]\"",
                               &value[i]);
            rv = NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (z->name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"rt_zone\" has no \"zone=\", write "
                           "\"rt_zone KEY zone=NAME:SIZE\"");
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_zone_lookup(mcf, &z->name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the zone \"%V\" is there already, "
                           "give each \"rt_zone\" a name of its own",
                           &z->name);
        return NGX_CONF_ERROR;
    }

    if (z->log_size == 0) {
        z->log_size = ngx_max(z->size / 4, NGX_RT_LOG_MIN);
    }

    zp = ngx_array_push(&mcf->zones);
    if (zp == NULL) {
        return NGX_CONF_ERROR;
    }

    *zp = z;

    return ngx_rt_zone_add_shm(cf, z);
}


static char *
ngx_rt_zone_parse_zone(ngx_conf_t *cf, ngx_rt_zone_t *z, ngx_str_t *arg)
{
    u_char  *p, *last;

    last = arg->data + arg->len;

    z->name.data = arg->data + 5;

    p = ngx_strlchr(z->name.data, last, ':');

    if (p == NULL || p == z->name.data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\", write \"zone=NAME:SIZE\"", arg);
        return NGX_CONF_ERROR;
    }

    z->name.len = p - z->name.data;

    return ngx_rt_zone_parse_size(cf, arg, p + 1, NGX_RT_ZONE_MIN, &z->size);
}


static char *
ngx_rt_zone_parse_size(ngx_conf_t *cf, ngx_str_t *arg, u_char *p, size_t min,
    size_t *size)
{
    ssize_t    n;
    ngx_str_t  s;

    s.data = p;
    s.len = arg->data + arg->len - p;

    n = ngx_parse_size(&s);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size in \"%V\", write a number of bytes, "
                           "as in \"64m\"", arg);
        return NGX_CONF_ERROR;
    }

    if ((size_t) n < min) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the size in \"%V\" is too small, "
                           "%uzk is the least", arg, min / 1024);
        return NGX_CONF_ERROR;
    }

    *size = ngx_align((size_t) n, ngx_pagesize);

    return NGX_CONF_OK;
}


ngx_rt_zone_t *
ngx_rt_zone_lookup(ngx_rt_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t       i;
    ngx_rt_zone_t  **z;

    z = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {

        if (z[i]->name.len == name->len
            && ngx_strncmp(z[i]->name.data, name->data, name->len) == 0)
        {
            return z[i];
        }
    }

    return NULL;
}


static char *
ngx_rt_zone_add_shm(ngx_conf_t *cf, ngx_rt_zone_t *z)
{
    size_t     len;
    ngx_str_t  name, log_name;

    len = z->name.len + 2 * NGX_SIZE_T_LEN + sizeof("rt://:log") - 1;

    name.data = ngx_pnalloc(cf->pool, len);
    log_name.data = ngx_pnalloc(cf->pool, len);

    if (name.data == NULL || log_name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = ngx_sprintf(name.data, "rt:%V/%uz/%uz",
                           &z->name, z->size, z->log_size)
               - name.data;

    log_name.len = ngx_sprintf(log_name.data, "%V:log", &name)
                   - log_name.data;

    z->shm = ngx_shared_memory_add(cf, &name, z->size, &ngx_rt_module);
    z->log_shm = ngx_shared_memory_add(cf, &log_name, z->log_size,
                                       &ngx_rt_module);

    if (z->shm == NULL || z->log_shm == NULL) {
        return NGX_CONF_ERROR;
    }

    z->shm->init = ngx_rt_zone_init_state;
    z->shm->data = z;

    z->log_shm->init = ngx_rt_zone_init_log;
    z->log_shm->data = z;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_rt_zone_init_state(ngx_shm_zone_t *shm, void *data)
{
    ngx_rt_zone_t *oz = data;

    ngx_rt_zone_t  *z;

    z = shm->data;
    z->pool = (ngx_slab_pool_t *) shm->shm.addr;

    if (oz) {

        if (z->key_text.len != oz->key_text.len
            || ngx_strncmp(z->key_text.data, oz->key_text.data,
                           z->key_text.len)
               != 0)
        {
            ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                          "rt_zone \"%V\" uses the \"%V\" key while "
                          "it used the \"%V\" key before; "
                          "give it another name, or restart nginx",
                          &z->name, &z->key_text, &oz->key_text);
            return NGX_ERROR;
        }

        z->state = oz->state;
        z->hub = oz->hub;
        z->teller = oz->teller;

    } else if (shm->shm.exists) {
        z->state = z->pool->data;

    } else if (ngx_rt_zone_create(z, shm->shm.log) != NGX_OK
               || ngx_rt_settings_load(z, shm->shm.log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (z->state->layout != NGX_RT_STATE_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "rt_zone \"%V\" was laid out by another version, "
                      "restart nginx", &z->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_zone_init_log(ngx_shm_zone_t *shm, void *data)
{
    ngx_rt_zone_t *oz = data;

    void           *mem;
    size_t          size;
    ngx_rt_zone_t  *z;

    z = shm->data;
    z->log_pool = (ngx_slab_pool_t *) shm->shm.addr;

    if (oz) {
        z->log = oz->log;
        return NGX_OK;
    }

    if (shm->shm.exists) {
        z->log = z->log_pool->data;
        return NGX_OK;
    }

    mem = ngx_rt_zone_take(z->log_pool, &size);

    if (mem) {
        z->log = rt_log_init(mem, size);
    }

    if (z->log == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm->shm.log, 0,
                      "the log of rt_zone \"%V\" is too small", &z->name);
        return NGX_ERROR;
    }

    z->log_pool->data = z->log;

    return NGX_OK;
}


/* all of the pool's pages but one, which nginx may want */

static void *
ngx_rt_zone_take(ngx_slab_pool_t *pool, size_t *size)
{
    if (pool->pfree < 2) {
        return NULL;
    }

    *size = (pool->pfree - 1) * ngx_pagesize;

    return ngx_slab_alloc(pool, *size);
}


static ngx_int_t
ngx_rt_zone_create(ngx_rt_zone_t *z, ngx_log_t *log)
{
    u_char          *p, *end;
    size_t           size, head;
    uint64_t         n, sets, places;
    ngx_rt_state_t  *st;

    p = ngx_rt_zone_take(z->pool, &size);
    if (p == NULL) {
        goto small;
    }

    for (n = 64; n * 2 <= size / NGX_RT_BUCKET_SHARE; n *= 2) { /* void */ }

    for (sets = 8; sets * 2 * sizeof(ngx_rt_buckets_t)
                   <= size / NGX_RT_LIMIT_SHARE; sets *= 2)
    {
        /* void */
    }

    places = ngx_rt_tally_size(z->size);

    head = ngx_align(sizeof(ngx_rt_state_t), 64) + 6 * n * sizeof(void *)
           + NGX_RT_TALLY_N * places
             * (sizeof(ngx_rt_tally_t) + NGX_RT_TALLY_NAMES)
           + sets * sizeof(ngx_rt_buckets_t);

    if (head >= size) {
        goto small;
    }

    end = p + size;

    /* buckets are not touched: whatever they are, nobody finds them */

    ngx_memzero(p, head - sets * sizeof(ngx_rt_buckets_t));

    st = (ngx_rt_state_t *) p;
    p += ngx_align(sizeof(ngx_rt_state_t), 64);

    st->layout = NGX_RT_STATE_LAYOUT;
    st->started = ngx_time();
    st->mask = n - 1;
    st->unsearched = n;

    st->tenant_buckets = (ngx_rt_tenant_t **) p;
    st->channel_buckets = (ngx_rt_channel_t **) (p + n * sizeof(void *));
    st->user_buckets = (ngx_rt_user_t **) (p + 2 * n * sizeof(void *));
    st->session_buckets = (ngx_rt_session_t **) (p + 3 * n * sizeof(void *));
    st->idem.buckets = (rt_idem_t **) (p + 4 * n * sizeof(void *));
    st->idem.mask = st->mask;
    st->revocation_buckets = (ngx_rt_revocation_t **)
                             (p + 5 * n * sizeof(void *));
    p += 6 * n * sizeof(void *);

    for (n = 0; n < NGX_RT_TALLY_N; n++) {
        st->tallies[n].mask = places - 1;
        st->tallies[n].max = places / 4 * 3;
        st->tallies[n].tallies = (ngx_rt_tally_t *) p;
        p += places * sizeof(ngx_rt_tally_t);
        st->tallies[n].names = p;
        st->tallies[n].size = places * NGX_RT_TALLY_NAMES;
        p += places * NGX_RT_TALLY_NAMES;
    }

    st->bucket_mask = sets - 1;
    st->buckets = (ngx_rt_buckets_t *) p;
    p += sets * sizeof(ngx_rt_buckets_t);

    /* names that clients choose must not be chosen to collide */

    if (RAND_bytes((u_char *) &st->hash_key, sizeof(rt_hash_key_t)) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    rt_list_init(&st->alone);
    rt_list_init(&st->claims);

    ngx_rt_zone_uid(st->uid);

    st->heap = rt_heap_init(p, end - p);
    if (st->heap == NULL) {
        goto small;
    }

    z->state = st;
    z->pool->data = st;

    return NGX_OK;

small:

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "rt_zone \"%V\" is too small", &z->name);

    return NGX_ERROR;
}


static void
ngx_rt_zone_uid(u_char *uid)
{
    ngx_memcpy(uid, "00000000-0000-4000-8000-000000000000", NGX_RT_ID_LEN);
    (void) ngx_rt_uuid(uid);
}


void
ngx_rt_lock(ngx_shmtx_t *mtx)
{
    pid_t       owner;
    ngx_uint_t  i;

    for ( ;; ) {

        for (i = 0; i < 256; i++) {

            if (ngx_shmtx_trylock(mtx)) {
                rt_fault_hold();
                return;
            }

            ngx_cpu_pause();
        }

        owner = (pid_t) *mtx->lock;

        if (owner && kill(owner, 0) == -1 && ngx_errno == NGX_ESRCH) {

            rt_fault(lock_relieve);
            (void) ngx_shmtx_force_unlock(mtx, owner);
            continue;
        }

        ngx_sched_yield();
    }
}


void
ngx_rt_unlock(ngx_shmtx_t *mtx)
{
    rt_fault(lock_leave);

    rt_fault_release();
    ngx_shmtx_unlock(mtx);
}


void
ngx_rt_state_lock(ngx_rt_zone_t *z)
{
    rt_txn_t  *x;

    x = &z->state->txn;

    ngx_rt_lock(&z->pool->mutex);

    rt_fault(lock_taken);

    if (rt_txn_begin(x) == RT_TXN_KEPT) {
        ngx_rt_record_repair_locked(z, x->hinge_old);
        (void) rt_txn_commit(x);
    }
}


void
ngx_rt_zone_report(ngx_rt_zone_t *z, ngx_log_t *log)
{
    uint64_t  n;

    n = z->state->txn.rollbacks;

    if (n != z->rollbacks) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "rt_zone \"%V\": undid %uL times what a killed worker "
                      "had not finished", &z->name, n - z->rollbacks);
        z->rollbacks = n;
    }
}


void
ngx_rt_state_unlock(ngx_rt_zone_t *z)
{
    ngx_rt_unlock(&z->pool->mutex);
}


void
ngx_rt_log_lock(ngx_rt_zone_t *z)
{
    ngx_rt_lock(&z->log_pool->mutex);
}


void
ngx_rt_log_unlock(ngx_rt_zone_t *z)
{
    ngx_rt_unlock(&z->log_pool->mutex);
}
