
/*
 * The greeting: what a link says first, in one pipeline, and what it has to
 * hear before it is ready: who we are, which Redis that is and whether it may
 * be trusted with what is accepted, and the scripts.
 *
 * Called by ngx_rt_redis_link.c.  The steps stand in a table; a step that is
 * refused loses the link, unless it may be.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "rt_redis_error.h"

#include <ngx_sha1.h>


#define NGX_RT_REDIS_SCRIPTS       16
#define NGX_RT_REDIS_VERSION       6      /* the first with users */

/* what makes it dangerous, a bit each */
#define NGX_RT_REDIS_OLD           1
#define NGX_RT_REDIS_EVICTS        2
#define NGX_RT_REDIS_NO_AOF        4
#define NGX_RT_REDIS_LAX           8
#define NGX_RT_REDIS_UNBOUNDED     16


static ngx_uint_t ngx_rt_redis_greet_count(ngx_rt_redis_link_t *link,
    ngx_uint_t step);
static ngx_uint_t ngx_rt_redis_auth_count(ngx_rt_redis_link_t *link);
static ngx_int_t ngx_rt_redis_auth_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_uint_t ngx_rt_redis_select_count(ngx_rt_redis_link_t *link);
static ngx_int_t ngx_rt_redis_select_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_int_t ngx_rt_redis_name_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_uint_t ngx_rt_redis_info_count(ngx_rt_redis_link_t *link);
static ngx_int_t ngx_rt_redis_info_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_int_t ngx_rt_redis_info_take(ngx_rt_redis_link_t *link,
    redisReply *reply);
static ngx_int_t ngx_rt_redis_fsync_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_int_t ngx_rt_redis_fsync_take(ngx_rt_redis_link_t *link,
    redisReply *reply);
static ngx_int_t ngx_rt_redis_load_put(ngx_rt_redis_link_t *link,
    ngx_uint_t i);
static ngx_int_t ngx_rt_redis_load_take(ngx_rt_redis_link_t *link,
    redisReply *reply);
static ngx_uint_t ngx_rt_redis_once(ngx_rt_redis_link_t *link);
static ngx_int_t ngx_rt_redis_ok(ngx_rt_redis_link_t *link,
    redisReply *reply);
static ngx_uint_t ngx_rt_redis_greet_fatal(redisReply *reply);
static void ngx_rt_redis_greet_refused(ngx_rt_redis_link_t *link,
    redisReply *reply);
static void ngx_rt_redis_greet_done(ngx_rt_redis_link_t *link);
static void ngx_rt_redis_warn(ngx_rt_redis_link_t *link);


static const struct {
    const char   *what;
    ngx_uint_t    secret;                 /* what is said of it, too */
    ngx_uint_t    may_fail;
    ngx_uint_t    brief;                  /* is in a brief greeting */
    ngx_uint_t  (*count)(ngx_rt_redis_link_t *link);
    ngx_int_t   (*put)(ngx_rt_redis_link_t *link, ngx_uint_t i);
    ngx_int_t   (*take)(ngx_rt_redis_link_t *link, redisReply *reply);
} ngx_rt_redis_steps[] = {

    { "AUTH", 1, 0, 1, ngx_rt_redis_auth_count,
      ngx_rt_redis_auth_put, ngx_rt_redis_ok },

    { "SELECT", 0, 0, 0, ngx_rt_redis_select_count,
      ngx_rt_redis_select_put, ngx_rt_redis_ok },

    { "CLIENT SETNAME", 0, 1, 1, ngx_rt_redis_once,
      ngx_rt_redis_name_put, ngx_rt_redis_ok },

    { "INFO", 0, 0, 0, ngx_rt_redis_info_count,
      ngx_rt_redis_info_put, ngx_rt_redis_info_take },

    { "CONFIG GET", 0, 1, 0, ngx_rt_redis_once,
      ngx_rt_redis_fsync_put, ngx_rt_redis_fsync_take },

    { "SCRIPT LOAD", 0, 0, 0, ngx_rt_redis_script_count,
      ngx_rt_redis_load_put, ngx_rt_redis_load_take }
};

#define NGX_RT_REDIS_STEPS                                                    \
    (sizeof(ngx_rt_redis_steps) / sizeof(ngx_rt_redis_steps[0]))


static const char  *ngx_rt_redis_sections[] = {
    "server", "replication", "persistence", "memory"
};

#define NGX_RT_REDIS_SECTIONS                                                 \
    (sizeof(ngx_rt_redis_sections) / sizeof(ngx_rt_redis_sections[0]))


static ngx_rt_redis_script_t  *ngx_rt_redis_scripts[NGX_RT_REDIS_SCRIPTS];
static ngx_uint_t              ngx_rt_redis_nscripts;

/* what the log has been told by this process */
static ngx_uint_t              ngx_rt_redis_warned;


void
ngx_rt_redis_script(ngx_rt_redis_script_t *script)
{
    u_char      digest[20];
    ngx_uint_t  i;
    ngx_sha1_t  sha1;

    for (i = 0; i < ngx_rt_redis_nscripts; i++) {
        if (ngx_rt_redis_scripts[i] == script) {
            return;
        }
    }

    if (i == NGX_RT_REDIS_SCRIPTS) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "rt: there is no room for the script \"%s\"",
                      script->name);
        return;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, script->text, ngx_strlen(script->text));
    ngx_sha1_final(digest, &sha1);

    *ngx_hex_dump(script->sha, digest, sizeof(digest)) = '\0';

    ngx_rt_redis_scripts[ngx_rt_redis_nscripts++] = script;
}


ngx_int_t
ngx_rt_redis_greet(ngx_rt_redis_link_t *link)
{
    ngx_uint_t  step, i, n;

    ngx_memzero(&link->info, sizeof(rt_redis_info_t));

    link->lax = 0;
    link->step = NGX_RT_REDIS_STEPS;
    link->part = 0;

    for (step = 0; step < NGX_RT_REDIS_STEPS; step++) {
        n = ngx_rt_redis_greet_count(link, step);

        if (n && link->step == NGX_RT_REDIS_STEPS) {
            link->step = step;
        }

        for (i = 0; i < n; i++) {
            if (ngx_rt_redis_steps[step].put(link, i) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_rt_redis_greet_count(ngx_rt_redis_link_t *link, ngx_uint_t step)
{
    if (link->use->brief && !ngx_rt_redis_steps[step].brief) {
        return 0;
    }

    return ngx_rt_redis_steps[step].count(link);
}


void
ngx_rt_redis_greet_reply(ngx_rt_redis_link_t *link, redisReply *reply)
{
    ngx_uint_t  failed;

    failed = reply->type == REDIS_REPLY_ERROR
             || ngx_rt_redis_steps[link->step].take(link, reply) != NGX_OK;

    if (failed && (!ngx_rt_redis_steps[link->step].may_fail
                   || ngx_rt_redis_greet_fatal(reply)))
    {
        ngx_rt_redis_greet_refused(link, reply);
        return;
    }

    if (++link->part < ngx_rt_redis_greet_count(link, link->step)) {
        return;
    }

    link->part = 0;

    while (++link->step < NGX_RT_REDIS_STEPS) {
        if (ngx_rt_redis_greet_count(link, link->step)) {
            return;
        }
    }

    ngx_rt_redis_greet_done(link);
}


/* what would be said of all that follows, too */

static ngx_uint_t
ngx_rt_redis_greet_fatal(redisReply *reply)
{
    rt_redis_error_e  error;

    if (reply->type != REDIS_REPLY_ERROR) {
        return 0;
    }

    error = rt_redis_error((u_char *) reply->str, reply->len);

    return rt_redis_error_remedy(error) == RT_REDIS_RECONNECT;
}


/* an error may have the arguments in it: of a secret, its first word is said */

static void
ngx_rt_redis_greet_refused(ngx_rt_redis_link_t *link, redisReply *reply)
{
    char    *space;
    size_t   len;

    if (reply->type != REDIS_REPLY_ERROR) {
        ngx_rt_redis_link_refuse(link, ngx_rt_redis_steps[link->step].what,
                                 (u_char *) "an answer of another kind",
                                 sizeof("an answer of another kind") - 1);
        return;
    }

    len = reply->len;

    if (ngx_rt_redis_steps[link->step].secret) {
        space = memchr(reply->str, ' ', reply->len);
        len = space ? (size_t) (space - reply->str) : 0;
    }

    ngx_rt_redis_link_refuse(link, ngx_rt_redis_steps[link->step].what,
                             (u_char *) reply->str, len);
}


static void
ngx_rt_redis_greet_done(ngx_rt_redis_link_t *link)
{
    const char  *why;

    why = link->info.cluster
              ? "it is part of a Cluster, which is not yet supported"
          : link->info.replica
              ? "it is a replica, \"rt_redis\" has to name the master"
          : link->info.loading ? "it is loading its data"
          : NULL;

    if (why) {
        ngx_rt_redis_link_lose(link, why, 0);
        return;
    }

    if (!link->use->brief) {
        ngx_rt_redis_warn(link);
    }

    ngx_rt_redis_link_ready(link);
}


/* each danger in one sentence, once, by one of the workers */

static void
ngx_rt_redis_warn(ngx_rt_redis_link_t *link)
{
    ngx_str_t   *name;
    ngx_log_t   *log;
    ngx_uint_t   found, told;

    name = &link->conf->name;
    log = ngx_cycle->log;

    found = (link->info.version < NGX_RT_REDIS_VERSION ? NGX_RT_REDIS_OLD : 0)
            | (link->info.evicts ? NGX_RT_REDIS_EVICTS : 0)
            | (link->info.aof ? 0 : NGX_RT_REDIS_NO_AOF)
            | (link->info.aof && link->lax ? NGX_RT_REDIS_LAX : 0)
            | (link->info.unbounded ? NGX_RT_REDIS_UNBOUNDED : 0);

    told = found & ~ngx_rt_redis_warned;
    ngx_rt_redis_warned = found;

    if (ngx_worker != 0) {
        return;
    }

    if (told & NGX_RT_REDIS_OLD) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "rt: Redis at %V is of version %ui, which nobody has "
                      "tried: take 6 or newer", name,
                      (ngx_uint_t) link->info.version);
    }

    if (told & NGX_RT_REDIS_EVICTS) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "rt: Redis at %V deletes streams and keys when its "
                      "memory is full (%s): set \"maxmemory-policy "
                      "noeviction\"", name, link->info.policy);
    }

    if (told & NGX_RT_REDIS_UNBOUNDED) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "rt: Redis at %V has no bound of its memory, and may be "
                      "killed when that of its machine is full: set "
                      "\"maxmemory\"", name);
    }

    if (told & NGX_RT_REDIS_NO_AOF) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "rt: Redis at %V keeps no append-only file, and a "
                      "restart loses what was accepted since its last "
                      "snapshot, if it makes any: set \"appendonly yes\" and "
                      "\"appendfsync always\"", name);
    }

    if (told & NGX_RT_REDIS_LAX) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "rt: Redis at %V answers before its append-only file is "
                      "on the disk, and a crash of its machine loses what was "
                      "accepted in the last second or more: set \"appendfsync "
                      "always\"", name);
    }
}


static ngx_uint_t
ngx_rt_redis_once(ngx_rt_redis_link_t *link)
{
    return 1;
}


static ngx_int_t
ngx_rt_redis_ok(ngx_rt_redis_link_t *link, redisReply *reply)
{
    return reply->type == REDIS_REPLY_STATUS ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_rt_redis_auth_count(ngx_rt_redis_link_t *link)
{
    return link->conf->password.len != 0;
}


static ngx_int_t
ngx_rt_redis_auth_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    ngx_str_t   argv[3];
    ngx_uint_t  argc;

    ngx_str_set(&argv[0], "AUTH");
    argc = 1;

    if (link->conf->user.len) {
        argv[argc++] = link->conf->user;
    }

    argv[argc++] = link->conf->password;

    if (ngx_rt_redis_out_reserve(&link->hello,
                                 ngx_rt_redis_out_size(0, NULL, argc, argv))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_rt_redis_out_command(&link->hello, 0, NULL, argc, argv);

    return NGX_OK;
}


static ngx_uint_t
ngx_rt_redis_select_count(ngx_rt_redis_link_t *link)
{
    return link->conf->db != 0;
}


static ngx_int_t
ngx_rt_redis_select_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    u_char  db[NGX_INT_T_LEN + 1];

    *ngx_sprintf(db, "%ui", link->conf->db) = '\0';

    return ngx_rt_redis_out_words(&link->hello, "SELECT", db, NULL);
}


static ngx_int_t
ngx_rt_redis_name_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    return ngx_rt_redis_out_words(&link->hello, "CLIENT", "SETNAME", "ngx_rt",
                                  NULL);
}


static ngx_uint_t
ngx_rt_redis_info_count(ngx_rt_redis_link_t *link)
{
    return NGX_RT_REDIS_SECTIONS;
}


static ngx_int_t
ngx_rt_redis_info_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    return ngx_rt_redis_out_words(&link->hello, "INFO",
                                  ngx_rt_redis_sections[i], NULL);
}


static ngx_int_t
ngx_rt_redis_info_take(ngx_rt_redis_link_t *link, redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    rt_redis_info_read(&link->info, (u_char *) reply->str, reply->len);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_redis_fsync_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    return ngx_rt_redis_out_words(&link->hello, "CONFIG", "GET", "appendfsync",
                                  NULL);
}


static ngx_int_t
ngx_rt_redis_fsync_take(ngx_rt_redis_link_t *link, redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        return NGX_ERROR;
    }

    link->lax = ngx_strcmp(reply->element[1]->str, "always") != 0;

    return NGX_OK;
}


ngx_uint_t
ngx_rt_redis_script_count(ngx_rt_redis_link_t *link)
{
    return ngx_rt_redis_nscripts;
}


static ngx_int_t
ngx_rt_redis_load_put(ngx_rt_redis_link_t *link, ngx_uint_t i)
{
    return ngx_rt_redis_script_put(&link->hello, i);
}


static ngx_int_t
ngx_rt_redis_load_take(ngx_rt_redis_link_t *link, redisReply *reply)
{
    return ngx_rt_redis_script_take(reply, link->part);
}


ngx_int_t
ngx_rt_redis_script_put(ngx_rt_redis_out_t *out, ngx_uint_t i)
{
    return ngx_rt_redis_out_words(out, "SCRIPT", "LOAD",
                                  ngx_rt_redis_scripts[i]->text, NULL);
}


ngx_int_t
ngx_rt_redis_script_take(redisReply *reply, ngx_uint_t i)
{
    if (reply->type != REDIS_REPLY_STRING
        || ngx_strcmp(reply->str, ngx_rt_redis_scripts[i]->sha) != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
