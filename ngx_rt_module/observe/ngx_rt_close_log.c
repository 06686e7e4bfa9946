
/*
 * rt_log: a line for every connection that closes.
 *
 * Called by ingress/ at the upgrade, when nginx's variables are to be had, and
 * by session/ at the close, when ours have their last values.  Writes the
 * file, which nginx reopens on USR1.  Takes no lock: a line is one write to a
 * file opened for appending.
 */


#include "ngx_rt.h"
#include "ngx_rt_ingress.h"
#include "ngx_rt_observe.h"


#define NGX_RT_CLOSE_LOG_QUIET  60            /* seconds between complaints */
#define NGX_RT_CLOSE_LOG_VALUE  4096          /* bytes of one value */
#define NGX_RT_CLOSE_LOG_LINE   65536         /* of a line, cut there */


static ngx_int_t ngx_rt_close_log_file(ngx_conf_t *cf,
    ngx_rt_close_log_t *log, ngx_str_t *path);
static ngx_int_t ngx_rt_close_log_compile(ngx_conf_t *cf,
    ngx_rt_close_log_t *log, ngx_str_t *format);
static ngx_int_t ngx_rt_close_log_variable(ngx_conf_t *cf,
    ngx_rt_close_log_part_t *part, u_char **pos, u_char *last);
static ngx_int_t ngx_rt_close_log_name(ngx_conf_t *cf,
    ngx_rt_close_log_part_t *part, ngx_str_t *name);
static void ngx_rt_close_log_value(ngx_http_request_t *r,
    ngx_rt_close_log_part_t *part, ngx_str_t *s);
static u_char *ngx_rt_close_log_keep(u_char *p, ngx_str_t *value);
static u_char *ngx_rt_close_log_part(ngx_rt_conn_t *conn,
    ngx_rt_close_log_part_t *part, u_char **kept, u_char *p, u_char *last);
static void ngx_rt_close_log_iso8601(u_char *buf, ngx_str_t *value);
static void ngx_rt_close_log_local(u_char *buf, ngx_str_t *value);
static void ngx_rt_close_log_msec(u_char *buf, ngx_str_t *value);
static void ngx_rt_close_log_line(ngx_rt_conn_t *conn,
    ngx_rt_close_log_t *log, u_char *line, size_t len);
static size_t ngx_rt_close_log_escaped_len(ngx_str_t *s);
static u_char *ngx_rt_close_log_escape(u_char *p, ngx_str_t *s);


/* these are of the moment of the close, though they are nginx's */
static struct {
    ngx_str_t                  name;
    void                     (*get)(u_char *buf, ngx_str_t *value);
} ngx_rt_close_log_times[] = {
    { ngx_string("time_iso8601"), ngx_rt_close_log_iso8601 },
    { ngx_string("time_local"), ngx_rt_close_log_local },
    { ngx_string("msec"), ngx_rt_close_log_msec }
};


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

        part->kind = NGX_RT_PART_TEXT;
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

    *pos = p;

    return ngx_rt_close_log_name(cf, part, &name);
}


static ngx_int_t
ngx_rt_close_log_name(ngx_conf_t *cf, ngx_rt_close_log_part_t *part,
    ngx_str_t *name)
{
    ngx_int_t   index;
    ngx_uint_t  i;

    index = ngx_rt_value_find(name);

    if (index != NGX_DECLINED) {
        part->kind = NGX_RT_PART_CONN;
        part->index = index;
        return NGX_OK;
    }

    for (i = 0; i < sizeof(ngx_rt_close_log_times)
                    / sizeof(ngx_rt_close_log_times[0]); i++)
    {
        if (ngx_rt_close_log_times[i].name.len == name->len
            && ngx_strncasecmp(ngx_rt_close_log_times[i].name.data,
                               name->data, name->len) == 0)
        {
            part->kind = NGX_RT_PART_TIME;
            part->index = i;
            return NGX_OK;
        }
    }

    index = ngx_http_get_variable_index(cf, name);

    part->kind = NGX_RT_PART_NGINX;
    part->index = index;

    return index == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/*
 * For each of nginx's variables in the format its length and its escaped value,
 * one after the other.  Without memory the line has "-" for them.
 */

void
ngx_rt_close_log_prepare(ngx_rt_conn_t *conn, ngx_http_request_t *r)
{
    u_char                   *p;
    size_t                    len;
    ngx_str_t                *values;
    ngx_uint_t                i, n;
    ngx_rt_close_log_t       *log;
    ngx_rt_close_log_part_t  *parts;

    log = conn->conf->close_log;

    if (log == NULL) {
        return;
    }

    parts = log->format->elts;
    n = log->format->nelts;

    values = ngx_palloc(r->pool, n * sizeof(ngx_str_t));
    if (values == NULL) {
        return;
    }

    len = 0;

    for (i = 0; i < n; i++) {
        if (parts[i].kind == NGX_RT_PART_NGINX) {
            ngx_rt_close_log_value(r, &parts[i], &values[i]);
            len += sizeof(uint16_t) + ngx_rt_close_log_escaped_len(&values[i]);
        }
    }

    if (len == 0) {
        return;
    }

    conn->log_values = ngx_alloc(len, r->connection->log);
    if (conn->log_values == NULL) {
        return;
    }

    p = conn->log_values;

    for (i = 0; i < n; i++) {
        if (parts[i].kind == NGX_RT_PART_NGINX) {
            p = ngx_rt_close_log_keep(p, &values[i]);
        }
    }
}


/* a variable that is asked for twice has one place for its value: escape it */

static void
ngx_rt_close_log_value(ngx_http_request_t *r, ngx_rt_close_log_part_t *part,
    ngx_str_t *s)
{
    ngx_http_variable_value_t  *v;

    v = ngx_http_get_flushed_variable(r, part->index);

    if (v == NULL || v->not_found) {
        ngx_str_set(s, "-");
        return;
    }

    s->data = v->data;
    s->len = ngx_min(v->len, NGX_RT_CLOSE_LOG_VALUE);
}


static u_char *
ngx_rt_close_log_keep(u_char *p, ngx_str_t *value)
{
    u_char    *last;
    uint16_t   len;

    last = ngx_rt_close_log_escape(p + sizeof(len), value);
    len = (uint16_t) (last - p - sizeof(len));

    ngx_memcpy(p, &len, sizeof(len));

    return last;
}


void
ngx_rt_close_log_write(ngx_rt_conn_t *conn)
{
    u_char                   *p, *last, *kept;
    ngx_uint_t                i;
    ngx_rt_close_log_t       *log;
    ngx_rt_close_log_part_t  *parts;

    static u_char  line[NGX_RT_CLOSE_LOG_LINE + 1];

    log = conn->conf->close_log;

    if (log == NULL) {
        return;
    }

    parts = log->format->elts;
    kept = conn->log_values;

    p = line;
    last = line + NGX_RT_CLOSE_LOG_LINE;

    for (i = 0; i < log->format->nelts; i++) {
        p = ngx_rt_close_log_part(conn, &parts[i], &kept, p, last);
    }

    *p++ = LF;

    ngx_rt_close_log_line(conn, log, line, p - line);
}


static u_char *
ngx_rt_close_log_part(ngx_rt_conn_t *conn, ngx_rt_close_log_part_t *part,
    u_char **kept, u_char *p, u_char *last)
{
    u_char     buf[NGX_RT_VALUE_LEN];
    uint16_t   len;
    ngx_str_t  value;

    ngx_str_set(&value, "-");

    switch (part->kind) {

    case NGX_RT_PART_TEXT:
        value = part->text;
        break;

    case NGX_RT_PART_NGINX:

        if (*kept) {
            ngx_memcpy(&len, *kept, sizeof(len));
            value.data = *kept + sizeof(len);
            value.len = len;
            *kept = value.data + len;
        }

        break;

    case NGX_RT_PART_CONN:
        (void) ngx_rt_value(conn, part->index, buf, &value);

        if (ngx_rt_close_log_escaped_len(&value) > (size_t) (last - p)) {
            return p;
        }

        return ngx_rt_close_log_escape(p, &value);

    case NGX_RT_PART_TIME:
        ngx_rt_close_log_times[part->index].get(buf, &value);
        break;
    }

    return ngx_cpymem(p, value.data,
                      ngx_min(value.len, (size_t) (last - p)));
}


static void
ngx_rt_close_log_iso8601(u_char *buf, ngx_str_t *value)
{
    value->data = ngx_cached_http_log_iso8601.data;
    value->len = ngx_cached_http_log_iso8601.len;
}


static void
ngx_rt_close_log_local(u_char *buf, ngx_str_t *value)
{
    value->data = ngx_cached_http_log_time.data;
    value->len = ngx_cached_http_log_time.len;
}


static void
ngx_rt_close_log_msec(u_char *buf, ngx_str_t *value)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    value->data = buf;
    value->len = ngx_sprintf(buf, "%T.%03M", tp->sec, tp->msec) - buf;
}


static void
ngx_rt_close_log_line(ngx_rt_conn_t *conn, ngx_rt_close_log_t *log,
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

    ngx_log_error(NGX_LOG_ALERT, conn->connection->log, err,
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
