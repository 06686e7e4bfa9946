
/*
 * Changes of settings go into rt_state_file.
 *
 * A change is accepted when it is in the file.  Who makes one writes all of it
 * anew, under a lock that ends with the process, beside the old one: to a file
 * of another name, which takes the place of the old one when the state has the
 * change.  So what is in the state and not in the file is at most a change that
 * nobody was told of.
 *
 * Called by control/, in a worker.  Calls ngx_rt_settings.c, with no lock of
 * shared memory held.  Writing blocks the worker, as long as the disk takes.
 */


#include "ngx_rt.h"

#include <sys/file.h>

#include "ngx_rt_state.h"
#include "rt_setting.h"


#define NGX_RT_STATE_LOCK  ".lock"
#define NGX_RT_STATE_NEW   ".new"

/* bytes of a line */
#define NGX_RT_STATE_LINE  (2 * NGX_RT_SETTING_MAX + 3 * NGX_RT_TENANT_MAX    \
                            + 1024)


/* a file that is being written */
typedef struct {
    ngx_fd_t                   fd;
    ngx_str_t                  path;
    ngx_pool_t                *pool;          /* for a line at a time */
    ngx_log_t                 *log;
    uint64_t                   lines;
    ngx_uint_t                 failed;
} ngx_rt_state_out_t;


static ngx_int_t ngx_rt_state_save(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_pool_t *pool, ngx_log_t *log);
static ngx_fd_t ngx_rt_state_lock_file(ngx_str_t *path, ngx_pool_t *pool,
    ngx_log_t *log);
static u_char *ngx_rt_state_path(ngx_pool_t *pool, ngx_str_t *path,
    const char *suffix);
static ngx_int_t ngx_rt_state_write(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const ngx_rt_settings_t *s,
    ngx_rt_state_out_t *out);
static void ngx_rt_state_write_zone(ngx_rt_zone_t *z,
    const ngx_str_t *except, ngx_rt_state_out_t *out);
static void ngx_rt_state_write_line(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const ngx_rt_settings_t *s, ngx_rt_state_out_t *out);
static void ngx_rt_state_write_bytes(ngx_rt_state_out_t *out, u_char *p,
    size_t len);
static ngx_int_t ngx_rt_state_rename(ngx_str_t *path, u_char *from,
    ngx_log_t *log);


ngx_int_t
ngx_rt_settings_save(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_log_t *log)
{
    ngx_fd_t           lock;
    ngx_int_t          rc;
    ngx_pool_t        *pool;
    static ngx_uint_t  warned;

    if (mcf->state_file.len == 0) {

        if (!warned && ngx_rt_settings_serial(z) == 0) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "what the API sets is kept until nginx stops, for "
                          "there is neither \"rt_redis\" nor "
                          "\"rt_state_file\"");
        }

        warned = 1;

        return ngx_rt_settings_put(z, tenant, from, s, told);
    }

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NGX_ABORT;
    }

    lock = ngx_rt_state_lock_file(&mcf->state_file, pool, log);

    if (lock == NGX_INVALID_FILE) {
        rc = ngx_errno == NGX_EAGAIN ? NGX_AGAIN : NGX_ABORT;

    } else {
        rc = ngx_rt_state_save(mcf, z, tenant, from, s, told, pool, log);

        (void) ngx_close_file(lock);
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* the lock is held */

static ngx_int_t
ngx_rt_state_save(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const uint64_t *from, const ngx_rt_settings_t *s,
    ngx_rt_told_t *told, ngx_pool_t *pool, ngx_log_t *log)
{
    u_char              *path;
    ngx_int_t            rc;
    ngx_rt_settings_t    old;
    ngx_rt_state_out_t   out;

    ngx_memzero(&old, sizeof(ngx_rt_settings_t));

    if (ngx_rt_settings_get(z, tenant, pool, &old) == NGX_ERROR) {
        return NGX_ABORT;
    }

    /* not written in vain, where it is old by now */

    if (from && old.version != *from) {
        return NGX_DECLINED;
    }

    old.version = s->version + 1;

    rc = ngx_rt_settings_fit(z, tenant, s, told);

    if (rc != NGX_OK) {
        return rc;
    }

    path = ngx_rt_state_path(pool, &mcf->state_file, NGX_RT_STATE_NEW);

    if (path == NULL) {
        return NGX_ABORT;
    }

    ngx_memzero(&out, sizeof(ngx_rt_state_out_t));
    out.path.data = path;
    out.path.len = ngx_strlen(path);
    out.log = log;

    rc = ngx_rt_state_write(mcf, z, tenant, s, &out);

    rt_fault(settings_saved);

    if (rc == NGX_OK) {
        rc = ngx_rt_settings_put(z, tenant, from, s, told);

        rt_fault(settings_rename);
    }

    if (rc == NGX_OK) {
        rc = ngx_rt_state_rename(&mcf->state_file, path, log);

        if (rc != NGX_OK) {
            (void) ngx_rt_settings_put(z, tenant, &s->version, &old, told);
        }
    }

    if (rc != NGX_OK) {
        (void) ngx_delete_file(path);
    }

    return rc;
}


/* the file of it stays: who waits for a lock must not have another one */

static ngx_fd_t
ngx_rt_state_lock_file(ngx_str_t *path, ngx_pool_t *pool, ngx_log_t *log)
{
    u_char     *name;
    ngx_fd_t    fd;
    ngx_err_t   err;

    name = ngx_rt_state_path(pool, path, NGX_RT_STATE_LOCK);

    if (name == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        return NGX_INVALID_FILE;
    }

    fd = ngx_open_file(name, NGX_FILE_RDWR, NGX_FILE_CREATE_OR_OPEN, 0600);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;
        ngx_log_error(NGX_LOG_ERR, log, err, ngx_open_file_n " \"%s\" failed, "
                      "nothing can be set by the API", name);
        ngx_set_errno(err == NGX_EAGAIN ? NGX_EACCES : err);
        return fd;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == -1) {
        err = ngx_errno;
        (void) ngx_close_file(fd);
        ngx_set_errno(err);
        return NGX_INVALID_FILE;
    }

    return fd;
}


static u_char *
ngx_rt_state_path(ngx_pool_t *pool, ngx_str_t *path, const char *suffix)
{
    u_char  *p, *end;
    size_t   len;

    len = ngx_strlen(suffix);

    p = ngx_pnalloc(pool, path->len + len + 1);

    if (p) {
        end = ngx_cpymem(p, path->data, path->len);
        ngx_memcpy(end, suffix, len + 1);
    }

    return p;
}


/* all tenants of all zones as they are, but for that one */

static ngx_int_t
ngx_rt_state_write(ngx_rt_main_conf_t *mcf, ngx_rt_zone_t *z,
    const ngx_str_t *tenant, const ngx_rt_settings_t *s,
    ngx_rt_state_out_t *out)
{
    u_char           end[64];
    rt_out_t         o;
    ngx_uint_t       i;
    ngx_rt_zone_t  **zones;

    out->pool = ngx_create_pool(4096, out->log);
    if (out->pool == NULL) {
        return NGX_ABORT;
    }

    out->fd = ngx_open_file(out->path.data, NGX_FILE_WRONLY,
                            NGX_FILE_TRUNCATE, 0600);

    if (out->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, out->log, ngx_errno, ngx_open_file_n
                      " \"%V\" failed, nothing can be set by the API",
                      &out->path);
        ngx_destroy_pool(out->pool);
        return NGX_ABORT;
    }

    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        ngx_rt_state_write_zone(zones[i], zones[i] == z ? tenant : NULL, out);
    }

    ngx_rt_state_write_line(z, tenant, s, out);

    rt_out_init(&o, end, sizeof(end));
    rt_setting_end(&o, out->lines);
    ngx_rt_state_write_bytes(out, end, o.need);

    if (!out->failed && fsync(out->fd) == -1) {
        ngx_log_error(NGX_LOG_ERR, out->log, ngx_errno,
                      "fsync() \"%V\" failed", &out->path);
        out->failed = 1;
    }

    (void) ngx_close_file(out->fd);
    ngx_destroy_pool(out->pool);

    return out->failed ? NGX_ABORT : NGX_OK;
}


static void
ngx_rt_state_write_zone(ngx_rt_zone_t *z, const ngx_str_t *except,
    ngx_rt_state_out_t *out)
{
    uint64_t           serial;
    ngx_int_t          rc;
    ngx_str_t          tenant;
    ngx_rt_settings_t  s;

    serial = 0;

    for ( ;; ) {
        rc = ngx_rt_settings_next(z, &serial, out->pool, &tenant, &s);

        if (rc != NGX_OK) {
            break;
        }

        if (except == NULL || tenant.len != except->len
            || ngx_memcmp(tenant.data, except->data, tenant.len) != 0)
        {
            ngx_rt_state_write_line(z, &tenant, &s, out);
        }

        ngx_reset_pool(out->pool);
    }

    if (rc == NGX_ERROR) {
        out->failed = 1;
    }
}


static void
ngx_rt_state_write_line(ngx_rt_zone_t *z, const ngx_str_t *tenant,
    const ngx_rt_settings_t *s, ngx_rt_state_out_t *out)
{
    u_char             *p;
    rt_out_t            o;
    rt_setting_line_t   line;

    p = ngx_pnalloc(out->pool, NGX_RT_STATE_LINE);

    if (p == NULL) {
        out->failed = 1;
        return;
    }

    line.zone = ngx_rt_str(&z->name);
    line.tenant = ngx_rt_str(tenant);
    line.version = s->version;
    line.rules = ngx_rt_str(&s->rules);
    line.flags = ngx_rt_str(&s->flags);

    rt_out_init(&o, p, NGX_RT_STATE_LINE);
    rt_setting_line(&o, &line);

    if (!rt_out_fits(&o)) {
        out->failed = 1;
        return;
    }

    out->lines++;

    ngx_rt_state_write_bytes(out, p, o.need);
}


static void
ngx_rt_state_write_bytes(ngx_rt_state_out_t *out, u_char *p, size_t len)
{
    ssize_t  n;

    while (len && !out->failed) {
        n = write(out->fd, p, len);

        if (n == -1 && ngx_errno != NGX_EINTR) {
            ngx_log_error(NGX_LOG_ERR, out->log, ngx_errno,
                          "write() \"%V\" failed, nothing is set",
                          &out->path);
            out->failed = 1;
        }

        if (n > 0) {
            p += n;
            len -= n;
        }
    }
}


/* from here on it is there after a start, too */

static ngx_int_t
ngx_rt_state_rename(ngx_str_t *path, u_char *from, ngx_log_t *log)
{
    u_char      *folder;
    ngx_fd_t     fd;
    ngx_pool_t  *pool;

    if (ngx_rename_file(from, path->data) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno, ngx_rename_file_n
                      " \"%s\" to \"%V\" failed", from, path);
        return NGX_ABORT;
    }

    pool = ngx_create_pool(1024, log);
    folder = pool ? ngx_rt_state_folder(pool, path) : NULL;

    if (folder) {
        fd = ngx_open_file(folder, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

        if (fd != NGX_INVALID_FILE) {
            (void) fsync(fd);
            (void) ngx_close_file(fd);
        }
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    return NGX_OK;
}
