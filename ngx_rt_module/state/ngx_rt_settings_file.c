
/*
 * rt_state_file: the settings of all tenants in a file, so that they outlive
 * nginx where there is no Redis.  A zone that is new gets them from there.
 *
 * Called with the configuration, in the master.  Calls ngx_rt_settings.c, with
 * no lock of shared memory held.
 */


#include "ngx_rt.h"
#include "ngx_rt_state.h"
#include "rt_setting.h"
#include "rt_utf8.h"


/* bytes of a file */
#define NGX_RT_STATE_MAX   (256 * 1024 * 1024)


static ngx_int_t ngx_rt_state_load(ngx_rt_zone_t *z, u_char *p, size_t len,
    ngx_log_t *log);
static ngx_int_t ngx_rt_state_read(ngx_str_t *path, ngx_pool_t *pool,
    ngx_str_t *text, ngx_log_t *log);
static const char *ngx_rt_state_load_line(ngx_rt_zone_t *z, u_char *p,
    size_t len, uint64_t *lines, ngx_uint_t *end);
static const char *ngx_rt_state_enter(ngx_rt_zone_t *z,
    rt_setting_line_t *line);


char *
ngx_rt_state_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    ngx_str_t  *value;

    if (mcf->state_file.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "has no path, write \"rt_state_file PATH;\"";
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    mcf->state_file = value[1];

    return NGX_CONF_OK;
}


/* as far as the bits of the folder say; the master itself may do anything */

void
ngx_rt_settings_file_init_module(ngx_cycle_t *cycle)
{
    u_char              *folder;
    ngx_uint_t           may;
    ngx_file_info_t      fi;
    ngx_core_conf_t     *ccf;
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_rt_module);

    if (mcf == NULL || mcf->state_file.len == 0) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    folder = ngx_rt_state_folder(cycle->pool, &mcf->state_file);

    if (folder == NULL) {
        return;
    }

    if (ngx_file_info(folder, &fi) == NGX_FILE_ERROR) {
        may = 0;

    } else if (geteuid() != 0) {
        may = access((char *) folder, W_OK|X_OK) == 0;

    } else if (ccf->user == 0 || fi.st_uid == ccf->user) {
        may = ccf->user == 0 || (fi.st_mode & S_IWUSR);

    } else if (fi.st_gid == ccf->group) {
        may = fi.st_mode & S_IWGRP;

    } else {
        may = fi.st_mode & S_IWOTH;
    }

    if (!may) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "workers cannot write \"rt_state_file\" \"%V\", nothing "
                      "can be set by the API: let the user of \"user\" write "
                      "the folder", &mcf->state_file);
    }
}


ngx_int_t
ngx_rt_settings_load(ngx_rt_zone_t *z, ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_pool_t  *pool;

    if (z->state_file->len == 0) {
        return NGX_OK;
    }

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_rt_state_read(z->state_file, pool, &text, log);

    if (rc == NGX_OK) {
        rc = ngx_rt_state_load(z, text.data, text.len, log);
    }

    ngx_destroy_pool(pool);

    return rc == NGX_DECLINED ? NGX_OK : rc;
}


/* NGX_DECLINED: it is not there yet */

static ngx_int_t
ngx_rt_state_read(ngx_str_t *path, ngx_pool_t *pool, ngx_str_t *text,
    ngx_log_t *log)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        if (err == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_EMERG, log, err, "\"rt_state_file\" \"%V\" "
                      "cannot be opened", path);
        return NGX_ERROR;
    }

    n = -1;

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.fd = fd;
    file.name = *path;
    file.log = log;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && ngx_is_file(&fi)
        && ngx_file_size(&fi) <= NGX_RT_STATE_MAX)
    {
        text->len = (size_t) ngx_file_size(&fi);
        text->data = ngx_pnalloc(pool, text->len + 1);

        if (text->data) {
            n = ngx_read_file(&file, text->data, text->len, 0);
        }
    }

    (void) ngx_close_file(fd);

    if (n == -1 || (size_t) n != text->len) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "\"rt_state_file\" \"%V\" is not "
                      "a file of at most 256m that can be read", path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_state_load(ngx_rt_zone_t *z, u_char *p, size_t len, ngx_log_t *log)
{
    u_char      *last, *eol;
    uint64_t     lines;
    ngx_uint_t   n, end;
    const char  *why;

    last = p + len;
    lines = 0;
    end = 0;
    why = NULL;

    for (n = 1; p < last && why == NULL; n++) {
        eol = ngx_strlchr(p, last, '\n');

        if (eol == NULL || end) {
            why = "is not ended, or there is one behind the last";
            break;
        }

        why = ngx_rt_state_load_line(z, p, eol - p, &lines, &end);

        if (why) {
            break;
        }

        p = eol + 1;
    }

    if (why == NULL && !end) {
        why = "is missing: it is not all there";
    }

    if (why) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"rt_state_file\" \"%V\" is broken, line %ui %s: mend "
                      "it, or move it away to begin without what the API had "
                      "set", z->state_file, n, why);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const char *
ngx_rt_state_load_line(ngx_rt_zone_t *z, u_char *p, size_t len,
    uint64_t *lines, ngx_uint_t *end)
{
    const char         *why;
    rt_setting_line_t   line;

    if (!rt_utf8_valid(p, len)) {
        return "is not UTF-8";
    }

    why = rt_setting_line_read(p, len, &line);

    if (why) {
        return why;
    }

    if (line.tenant.len == 0) {
        *end = 1;
        return line.version == *lines ? NULL : "counts others than there are";
    }

    (*lines)++;

    return ngx_rt_state_enter(z, &line);
}


static const char *
ngx_rt_state_enter(ngx_rt_zone_t *z, rt_setting_line_t *line)
{
    ngx_int_t          rc;
    ngx_str_t          tenant;
    ngx_rt_told_t      told;
    ngx_rt_settings_t  s;

    tenant = ngx_rt_ngx_str(&line->tenant);

    if (!ngx_rt_name_valid(&tenant, NGX_RT_TENANT_MAX)) {
        return "has a name that is no tenant's";
    }

    /* of another zone, which reads it by itself, or is not there */

    if (line->zone.len != z->name.len
        || ngx_memcmp(line->zone.data, z->name.data, z->name.len) != 0)
    {
        return NULL;
    }

    s.version = line->version;
    s.rules = ngx_rt_ngx_str(&line->rules);
    s.flags = ngx_rt_ngx_str(&line->flags);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_settings_put(z, &tenant, NULL, &s, &told);

    if (rc == NGX_DECLINED) {
        return "has a tenant for the second time";
    }

    return rc == NGX_OK ? NULL : "does not fit into the zone";
}


u_char *
ngx_rt_state_folder(ngx_pool_t *pool, ngx_str_t *path)
{
    size_t   len;
    u_char  *p;

    for (len = path->len; len > 1 && path->data[len - 1] != '/'; len--) {
        /* void */
    }

    p = ngx_pnalloc(pool, len + 1);

    if (p) {
        (void) ngx_cpystrn(p, path->data, len + 1);
    }

    return p;
}
