
/*
 * A change of a tenant's settings: it is made of what there is, given a version
 * and stored, in Redis, in rt_state_file, or only in the zone.  Where somebody
 * else was first it is made again, of what they have made.
 *
 * Called by ngx_rt_api_flags.c and ngx_rt_api_rules.c.  Calls state/ and
 * stream/, with nothing held.
 */


#include "ngx_rt.h"

#include <openssl/sha.h>

#include "ngx_rt_control.h"
#include "ngx_rt_fanout.h"


#define NGX_RT_CHANGE_TRIES  32

/* for the lock of a file: how often, msec */
#define NGX_RT_CHANGE_RESTS  200
#define NGX_RT_CHANGE_REST   10


static ngx_int_t ngx_rt_change_who(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_change_check_by(rt_str_t *by,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_change_go(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_change_prepare(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_change_version(ngx_rt_api_change_t *c);
static ngx_int_t ngx_rt_change_save(ngx_rt_api_change_t *c);
static void ngx_rt_change_full(ngx_rt_api_change_t *c);
static void ngx_rt_change_timer_handler(ngx_event_t *ev);
static ngx_int_t ngx_rt_change_send(ngx_rt_api_change_t *c);
static void ngx_rt_change_audit(ngx_rt_api_change_t *c, const char *name,
    const rt_str_t *value);
static void ngx_rt_change_handler(ngx_rt_configure_t *cf, ngx_int_t rc);
static void ngx_rt_change_arrived(ngx_rt_api_change_t *c, ngx_int_t rc);
static ngx_int_t ngx_rt_change_done(ngx_rt_api_change_t *c);
static void ngx_rt_change_text(rt_out_t *o, void *data);
static void ngx_rt_change_cleanup(void *data);


ngx_int_t
ngx_rt_api_settings(ngx_rt_api_t *api, ngx_rt_settings_t *s)
{
    ngx_int_t  rc;

    ngx_memzero(s, sizeof(ngx_rt_settings_t));

    rc = ngx_rt_settings_get(api->zone, &api->tenant, api->pool, s);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_rt_api_change(ngx_rt_api_t *api, const char *what,
    ngx_rt_api_change_pt make, ngx_rt_api_params_t *p)
{
    ngx_pool_cleanup_t   *cln;
    ngx_rt_api_change_t  *c;

    cln = ngx_pool_cleanup_add(api->pool, sizeof(ngx_rt_api_change_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    c = cln->data;
    ngx_memzero(c, sizeof(ngx_rt_api_change_t));

    c->params = ngx_palloc(api->pool, sizeof(ngx_rt_api_params_t));
    if (c->params == NULL) {
        return NGX_ERROR;
    }

    *c->params = *p;

    c->api = api;
    c->what = what;
    c->make = make;

    cln->handler = ngx_rt_change_cleanup;

    if (ngx_rt_change_check_by(&p->by, &api->reply) != NGX_OK
        || ngx_rt_change_who(c) != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_rt_change_go(c);
}


/* it goes into logs, where a line is a line */

static ngx_int_t
ngx_rt_change_check_by(rt_str_t *by, ngx_rt_api_reply_t *reply)
{
    size_t  i;

    for (i = 0; i < by->len; i++) {
        if (by->data[i] < 0x20 || by->data[i] == 0x7f) {
            break;
        }
    }

    if (i < by->len || by->len > RT_SETTING_BY_MAX) {
        ngx_rt_api_error(reply, NGX_RT_API_BAD_REQUEST, "by",
                         "has to be up to 128 bytes, no control characters");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_rt_change_who(ngx_rt_api_change_t *c)
{
    u_char      digest[SHA256_DIGEST_LENGTH];
    ngx_str_t  *addr;

    addr = &c->api->request->connection->addr_text;

    c->who.by = c->params->by;
    c->who.from = ngx_rt_str(addr);

    if (c->api->key.len) {
        (void) SHA256(c->api->key.data, c->api->key.len, digest);
        (void) ngx_hex_dump(c->key, digest, sizeof(c->key) / 2);

        c->who.key.data = c->key;
        c->who.key.len = sizeof(c->key);
    }

    return NGX_OK;
}


/* NGX_OK: the reply is there, or c waits; NGX_ERROR: no memory */

static ngx_int_t
ngx_rt_change_go(ngx_rt_api_change_t *c)
{
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_rt_change_prepare(c);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        rc = c->api->conf->redis ? ngx_rt_change_send(c)
                                 : ngx_rt_change_save(c);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        if (++c->tries == NGX_RT_CHANGE_TRIES) {
            ngx_rt_api_error(&c->api->reply, NGX_RT_API_INTERNAL, NULL,
                             "others change it all the time, try again");
            return NGX_OK;
        }
    }
}


static ngx_int_t
ngx_rt_change_prepare(ngx_rt_api_change_t *c)
{
    ngx_int_t    rc;
    ngx_time_t  *tp;

    if (ngx_rt_api_settings(c->api, &c->was) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_rt_change_version(c);

    if (rc != NGX_OK) {
        return rc;
    }

    tp = ngx_timeofday();

    c->who.at = (uint64_t) tp->sec * 1000 + tp->msec;

    c->to = c->was;
    c->to.version = ngx_max(c->who.at, c->was.version + 1);

    rc = c->make(c);

    if (rc == NGX_DECLINED && c->api->reply.code == 0) {
        c->to = c->was;
        rc = ngx_rt_api_result(c->api, ngx_rt_change_text, c, &c->api->reply);

        return rc == NGX_OK ? NGX_DECLINED : NGX_ERROR;
    }

    return rc;
}


/* the one that it is made from, if the caller says */

static ngx_int_t
ngx_rt_change_version(ngx_rt_api_change_t *c)
{
    uint64_t          version;
    rt_json_t         j;
    rt_json_value_t  *v;

    v = &c->params->from_version;

    if (v->type == RT_JSON_NONE || v->type == RT_JSON_NULL) {
        return NGX_OK;
    }

    rt_json_init(&j, v->data, v->len);

    if (!rt_json_uint64(&j, &version) || !rt_json_end(&j)) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_BAD_REQUEST, "version",
                         "has to be a number, as it was read");
        return NGX_DECLINED;
    }

    if (version != c->was.version) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_CONFLICT, "version",
                         "it was changed since, read it again");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* NGX_DECLINED: another one was first */

static ngx_int_t
ngx_rt_change_save(ngx_rt_api_change_t *c)
{
    ngx_int_t      rc;
    ngx_rt_api_t  *api;
    ngx_rt_told_t  told;

    api = c->api;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_settings_save(api->conf, api->zone, &api->tenant,
                              &c->was.version, &c->to, &told, ngx_cycle->log);

    ngx_rt_hub_told(api->zone->hub, &told);

    switch (rc) {

    case NGX_OK:
        return ngx_rt_change_done(c);

    case NGX_DECLINED:
        return NGX_DECLINED;

    case NGX_ERROR:
        ngx_rt_change_full(c);
        return NGX_OK;

    case NGX_ABORT:
        ngx_rt_api_error(&api->reply, NGX_HTTP_INTERNAL_SERVER_ERROR, NULL,
                         "\\\"rt_state_file\\\" cannot be written, nothing "
                         "has changed");
        return NGX_OK;
    }

    if (c->rests++ == NGX_RT_CHANGE_RESTS) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_INTERNAL, NULL,
                         "another worker writes \\\"rt_state_file\\\", try "
                         "again");
        return NGX_OK;
    }

    c->dumb.fd = (ngx_socket_t) -1;
    c->timer.handler = ngx_rt_change_timer_handler;
    c->timer.data = &c->dumb;
    c->timer.log = ngx_cycle->log;
    c->dumb.data = c;

    ngx_add_timer(&c->timer, NGX_RT_CHANGE_REST);

    if (!c->waits) {
        c->waits = 1;
        api->waits++;
    }

    return NGX_OK;
}


static void
ngx_rt_change_full(ngx_rt_api_change_t *c)
{
    if (ngx_rt_denial.what == NGX_RT_LIMIT_N) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_ZONE_FULL, NULL,
                         "zone full");

    } else if (ngx_rt_api_denied(c->api, &c->api->reply) != NGX_OK) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_INTERNAL, NULL,
                         "no memory");
    }
}


static void
ngx_rt_change_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t     *dumb;
    ngx_rt_api_change_t  *c;

    dumb = ev->data;
    c = dumb->data;

    ngx_rt_change_arrived(c, ngx_rt_change_go(c));
}


static ngx_int_t
ngx_rt_change_send(ngx_rt_api_change_t *c)
{
    rt_str_t             what, said, version;
    ngx_int_t            rc;
    ngx_rt_api_t        *api;
    ngx_rt_told_t        told;
    ngx_rt_configure_t  *cf;

    api = c->api;
    cf = &c->configure;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    rc = ngx_rt_settings_fit(api->zone, &api->tenant, &c->to, &told);

    ngx_rt_hub_told(api->zone->hub, &told);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        ngx_rt_change_full(c);
        return NGX_OK;
    }

    ngx_memzero(cf, sizeof(ngx_rt_configure_t));

    cf->handler = ngx_rt_change_handler;
    cf->zone = api->zone;
    cf->tenant = api->tenant;
    cf->from = c->was.version;
    cf->settings = c->to;

    what.data = (u_char *) c->what;
    what.len = ngx_strlen(c->what);
    said = ngx_rt_str(&c->said);

    ngx_rt_change_audit(c, "what", &what);
    ngx_rt_change_audit(c, "change", &said);
    ngx_rt_change_audit(c, "by", &c->who.by);
    ngx_rt_change_audit(c, "from", &c->who.from);
    ngx_rt_change_audit(c, "key", &c->who.key);

    version.data = c->version;
    version.len = ngx_sprintf(c->version, "%uL", c->to.version) - c->version;

    ngx_rt_change_audit(c, "version", &version);

    if (ngx_rt_stream_configure(cf) != NGX_OK) {
        ngx_rt_api_error(&api->reply, NGX_RT_API_INTERNAL, NULL,
                         "Redis is away, try again");
        return NGX_OK;
    }

    cf->waits = 1;

    if (!c->waits) {
        c->waits = 1;
        api->waits++;
    }

    return NGX_OK;
}


static void
ngx_rt_change_audit(ngx_rt_api_change_t *c, const char *name,
    const rt_str_t *value)
{
    ngx_str_t           *s;
    ngx_rt_configure_t  *cf;

    cf = &c->configure;
    s = &cf->audit[cf->naudit];

    s[0].data = (u_char *) name;
    s[0].len = ngx_strlen(name);
    s[1] = ngx_rt_ngx_str(value);

    cf->naudit += 2;
}


static void
ngx_rt_change_handler(ngx_rt_configure_t *cf, ngx_int_t rc)
{
    ngx_rt_api_change_t  *c;

    c = (ngx_rt_api_change_t *)
            ((u_char *) cf - offsetof(ngx_rt_api_change_t, configure));

    cf->waits = 0;

    if (rc == NGX_OK) {
        rc = ngx_rt_change_done(c);

    } else if (rc == NGX_DECLINED && ++c->tries < NGX_RT_CHANGE_TRIES) {
        rc = ngx_rt_change_go(c);

    } else {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_INTERNAL, NULL,
                         "Redis did not say that it is set, read it and try "
                         "again");
        rc = NGX_OK;
    }

    ngx_rt_change_arrived(c, rc);
}


/* from the event loop: it waits on, or has come to its end */

static void
ngx_rt_change_arrived(ngx_rt_api_change_t *c, ngx_int_t rc)
{
    if (rc != NGX_OK) {
        ngx_rt_api_error(&c->api->reply, NGX_RT_API_INTERNAL, NULL,
                         "no memory");

    } else if (c->configure.waits || c->timer.timer_set) {
        return;
    }

    ngx_rt_api_arrived(c->api);
}


static ngx_int_t
ngx_rt_change_done(ngx_rt_api_change_t *c)
{
    ngx_rt_api_t  *api;

    api = c->api;

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "rt: %s of tenant \"%V\" set to version %uL by \"%*s\" from "
                  "%*s, key %*s: %V", c->what, &api->tenant, c->to.version,
                  c->who.by.len, c->who.by.data, c->who.from.len,
                  c->who.from.data, c->who.key.len ? c->who.key.len : 1,
                  c->who.key.len ? c->who.key.data : (u_char *) "-",
                  &c->said);

    return ngx_rt_api_result(api, ngx_rt_change_text, c, &api->reply);
}


static void
ngx_rt_change_text(rt_out_t *o, void *data)
{
    ngx_rt_api_change_t  *c = data;

    rt_out_lit(o, "{\"version\":");
    rt_out_uint(o, c->to.version);
    rt_out_lit(o, "}");
}


/* the request ends; what was sent may be accepted all the same */

static void
ngx_rt_change_cleanup(void *data)
{
    ngx_rt_api_change_t  *c = data;

    if (c->configure.waits) {
        ngx_rt_redis_forget(&c->configure.call);
    }

    if (c->timer.timer_set) {
        ngx_del_timer(&c->timer);
    }
}
