
/*
 * rt_log: a line for every connection that closes.
 *
 * Called by ingress/ when a connection is over and its request still lives.
 * Calls nginx's variables; writes the file, which nginx reopens on USR1.
 * Takes no lock: a line is one write to a file opened for appending.
 */


#include "ngx_rt.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"


#define NGX_RT_CLOSE_LOG_QUIET  60            /* seconds between complaints */


static ngx_int_t ngx_rt_close_log_file(ngx_conf_t *cf,
    ngx_rt_close_log_t *log, ngx_str_t *path);
static ngx_int_t ngx_rt_close_log_compile(ngx_conf_t *cf,
    ngx_rt_close_log_t *log, ngx_str_t *format);
static ngx_int_t ngx_rt_close_log_variable(ngx_conf_t *cf,
    ngx_rt_close_log_part_t *part, u_char **pos, u_char *last);
static void ngx_rt_close_log_value(ngx_http_request_t *r,
    ngx_rt_close_log_part_t *part, ngx_str_t *s);
static void ngx_rt_close_log_line(ngx_http_request_t *r,
    ngx_rt_close_log_t *log, u_char *line, size_t len);
static size_t ngx_rt_close_log_escaped_len(ngx_str_t *s);
static u_char *ngx_rt_close_log_escape(u_char *p, ngx_str_t *s);


/* a tenant may have spaces, so it is quoted */
static ngx_str_t  ngx_rt_close_log_default = ngx_string(
    "$time_iso8601 $remote_addr \"$rt_tenant\" $rt_session $rt_close_code "
    "$rt_seconds $rt_messages_in $rt_messages_out $rt_bytes_in $rt_bytes_out");


char *
ngx_rt_close_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_loc_conf_t *rlcf = conf;

    ngx_str_t           *value;
    ngx_rt_close_log_t  *log;

    if (rlcf->close_log_set == 1) {
        return "is duplicate";
    }

    rlcf->close_log_set = 1;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        rlcf->close_log = NULL;

        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "takes no format after \"off\"";
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_rt_close_log_t));
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_close_log_file(cf, log, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_close_log_compile(cf, log, cf->args->nelts == 3 ? &value[2]
                                          : &ngx_rt_close_log_default)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rlcf->close_log = log;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_rt_close_log_file(ngx_conf_t *cf, ngx_rt_close_log_t *log,
    ngx_str_t *path)
{
    if (path->len == 0
        || ngx_strncmp(path->data, "syslog:", 7) == 0
        || ngx_http_script_variables_count(path))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid path \"%V\", \"rt_log\" takes the path "
                           "of a file, without variables, or \"off\"", path);
        return NGX_ERROR;
    }

    log->file = ngx_conf_open_file(cf->cycle, path);

    return log->file ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_rt_close_log_compile(ngx_conf_t *cf, ngx_rt_close_log_t *log,
    ngx_str_t *format)
{
    u_char                   *p, *last;
    ngx_rt_close_log_part_t  *part;

    if (format->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the format is empty, leave it out for "
                           "the default one");
        return NGX_ERROR;
    }

    log->format = ngx_array_create(cf->pool, 20,
                                   sizeof(ngx_rt_close_log_part_t));
    if (log->format == NULL) {
        return NGX_ERROR;
    }

    p = format->data;
    last = p + format->len;

    while (p < last) {

        part = ngx_array_push(log->format);
        if (part == NULL) {
            return NGX_ERROR;
        }

        part->variable = NGX_ERROR;
        part->text.data = p;

        if (*p == '$') {
            if (ngx_rt_close_log_variable(cf, part, &p, last) != NGX_OK) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid variable in the format \"%V\", "
                                   "write \"$name\" or \"${name}\"", format);
                return NGX_ERROR;
            }

            continue;
        }

        while (p < last && *p != '$') {
            p++;
        }

        part->text.len = p - part->text.data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_close_log_variable(ngx_conf_t *cf, ngx_rt_close_log_part_t *part,
    u_char **pos, u_char *last)
{
    u_char      *p;
    ngx_str_t    name;
    ngx_uint_t   bracket;

    p = *pos + 1;
    bracket = p < last && *p == '{';

    if (bracket) {
        p++;
    }

    name.data = p;

    while (p < last && (*p == '_' || (*p >= '0' && *p <= '9')
                        || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')))
    {
        p++;
    }

    name.len = p - name.data;

    if (name.len == 0) {
        return NGX_ERROR;
    }

    if (bracket) {
        if (p == last || *p != '}') {
            return NGX_ERROR;
        }

        p++;
    }

    part->variable = ngx_http_get_variable_index(cf, &name);
    *pos = p;

    return part->variable == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


void
ngx_rt_close_log_write(ngx_rt_conn_t *conn)
{
    size_t                    len;
    u_char                   *p, *line;
    ngx_str_t                *values;
    ngx_uint_t                i, n;
    ngx_rt_close_log_t       *log;
    ngx_http_request_t       *r;
    ngx_rt_close_log_part_t  *parts;

    log = conn->conf->close_log;

    if (log == NULL) {
        return;
    }

    r = conn->request;
    parts = log->format->elts;
    n = log->format->nelts;

    values = ngx_palloc(r->pool, (n + 1) * sizeof(ngx_str_t));
    if (values == NULL) {
        return;
    }

    len = 1;

    for (i = 0; i < n; i++) {
        ngx_rt_close_log_value(r, &parts[i], &values[i]);
        len += ngx_rt_close_log_escaped_len(&values[i]);
    }

    line = ngx_pnalloc(r->pool, len);
    if (line == NULL) {
        return;
    }

    p = line;

    for (i = 0; i < n; i++) {
        p = parts[i].variable == NGX_ERROR
            ? ngx_cpymem(p, values[i].data, values[i].len)
            : ngx_rt_close_log_escape(p, &values[i]);
    }

    *p++ = LF;

    ngx_rt_close_log_line(r, log, line, p - line);
}


/* a variable that is asked for twice has one place for its value: copy it */
static void
ngx_rt_close_log_value(ngx_http_request_t *r, ngx_rt_close_log_part_t *part,
    ngx_str_t *s)
{
    ngx_http_variable_value_t  *v;

    if (part->variable == NGX_ERROR) {
        *s = part->text;
        return;
    }

    v = ngx_http_get_flushed_variable(r, part->variable);

    if (v == NULL || v->not_found) {
        ngx_str_set(s, "-");
        return;
    }

    s->data = v->data;
    s->len = v->len;
}


static void
ngx_rt_close_log_line(ngx_http_request_t *r, ngx_rt_close_log_t *log,
    u_char *line, size_t len)
{
    time_t     now;
    ssize_t    n;
    ngx_err_t  err;

    n = ngx_write_fd(log->file->fd, line, len);

    if (n == (ssize_t) len) {
        return;
    }

    err = n == -1 ? ngx_errno : 0;
    now = ngx_time();

    if (now - log->complained < NGX_RT_CLOSE_LOG_QUIET) {
        return;
    }

    log->complained = now;

    ngx_log_error(NGX_LOG_ALERT, r->connection->log, err,
                  ngx_write_fd_n " to \"%V\" wrote %z of %uz bytes",
                  &log->file->name, n, len);
}


/* what nginx escapes in its access log, so that a value keeps to its place */
static ngx_uint_t
ngx_rt_close_log_plain(u_char ch)
{
    return ch >= 0x20 && ch < 0x7f && ch != '"' && ch != '\\';
}


static size_t
ngx_rt_close_log_escaped_len(ngx_str_t *s)
{
    size_t  i, len;

    len = s->len;

    for (i = 0; i < s->len; i++) {
        if (!ngx_rt_close_log_plain(s->data[i])) {
            len += 3;
        }
    }

    return len;
}


static u_char *
ngx_rt_close_log_escape(u_char *p, ngx_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {

        if (ngx_rt_close_log_plain(s->data[i])) {
            *p++ = s->data[i];

        } else {
            p = ngx_sprintf(p, "\\x%02Xd", s->data[i]);
        }
    }

    return p;
}
