
/*
 * Namespaces: which channels there are, and what clients may do in them.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_state.h"


/* a publication is found in so many / 64 + 64 steps, under the mutex */
#define NGX_RT_HISTORY_MOST  100000


typedef struct {
    ngx_str_t                  name;          /* how it begins */
    ngx_conf_enum_t           *values;        /* as they are written */
    ngx_uint_t                 offset;        /* in ngx_rt_namespace_t */
    const char                *help;
    ngx_int_t                (*number)(ngx_str_t *value);   /* or NULL */
} ngx_rt_namespace_option_t;


static char *ngx_rt_namespace_parse(ngx_conf_t *cf, ngx_rt_namespace_t *ns,
    ngx_str_t *option);
static ngx_int_t ngx_rt_namespace_value(ngx_rt_namespace_option_t *o,
    ngx_str_t *option, ngx_uint_t *value);
static ngx_int_t ngx_rt_namespace_count(ngx_str_t *value);
static ngx_int_t ngx_rt_namespace_time(ngx_str_t *value);
static char *ngx_rt_namespace_check(ngx_conf_t *cf, ngx_rt_namespace_t *ns);
static ngx_int_t ngx_rt_namespace_name_valid(ngx_str_t *name);


static ngx_conf_enum_t  ngx_rt_namespace_fast[] = {
    { ngx_string("fast"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_subscribe[] = {
    { ngx_string("subscribe=any"), NGX_RT_SUBSCRIBE_ANY },
    { ngx_string("subscribe=user"), NGX_RT_SUBSCRIBE_USER },
    { ngx_string("subscribe=token"), NGX_RT_SUBSCRIBE_TOKEN },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_publish[] = {
    { ngx_string("publish=none"), NGX_RT_PUBLISH_NONE },
    { ngx_string("publish=subscriber"), NGX_RT_PUBLISH_SUBSCRIBER },
    { ngx_string("publish=any"), NGX_RT_PUBLISH_ANY },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_slow[] = {
    { ngx_string("slow=disconnect"), NGX_RT_SLOW_DISCONNECT },
    { ngx_string("slow=drop"), NGX_RT_SLOW_DROP },
    { ngx_string("slow=conflate"), NGX_RT_SLOW_CONFLATE },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_presence[] = {
    { ngx_string("presence"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_join_leave[] = {
    { ngx_string("join_leave"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_durable[] = {
    { ngx_string("durable"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_users[] = {
    { ngx_string("users"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_cache[] = {
    { ngx_string("cache"), 1 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_rt_namespace_positioned[] = {
    { ngx_string("positioned"), 1 },
    { ngx_null_string, 0 }
};


static ngx_rt_namespace_option_t  ngx_rt_namespace_options[] = {

    { ngx_string("fast"),
      ngx_rt_namespace_fast,
      offsetof(ngx_rt_namespace_t, fast),
      "\"fast\"",
      NULL },

    { ngx_string("durable"),
      ngx_rt_namespace_durable,
      offsetof(ngx_rt_namespace_t, durable),
      "\"durable\"",
      NULL },

    { ngx_string("subscribe="),
      ngx_rt_namespace_subscribe,
      offsetof(ngx_rt_namespace_t, subscribe),
      "\"subscribe=any\", \"subscribe=user\" or \"subscribe=token\"",
      NULL },

    { ngx_string("publish="),
      ngx_rt_namespace_publish,
      offsetof(ngx_rt_namespace_t, publish),
      "\"publish=none\", \"publish=subscriber\" or \"publish=any\"",
      NULL },

    { ngx_string("slow="),
      ngx_rt_namespace_slow,
      offsetof(ngx_rt_namespace_t, slow),
      "\"slow=disconnect\", \"slow=drop\" or \"slow=conflate\"",
      NULL },

    { ngx_string("presence"),
      ngx_rt_namespace_presence,
      offsetof(ngx_rt_namespace_t, presence),
      "\"presence\"",
      NULL },

    { ngx_string("join_leave"),
      ngx_rt_namespace_join_leave,
      offsetof(ngx_rt_namespace_t, join_leave),
      "\"join_leave\"",
      NULL },

    { ngx_string("users"),
      ngx_rt_namespace_users,
      offsetof(ngx_rt_namespace_t, users),
      "\"users\"",
      NULL },

    { ngx_string("history="),
      NULL,
      offsetof(ngx_rt_namespace_t, history),
      "\"history=NUMBER\", from 1 to 100000",
      ngx_rt_namespace_count },

    { ngx_string("ttl="),
      NULL,
      offsetof(ngx_rt_namespace_t, ttl),
      "\"ttl=TIME\", as 10m",
      ngx_rt_namespace_time },

    { ngx_string("cache"),
      ngx_rt_namespace_cache,
      offsetof(ngx_rt_namespace_t, cache),
      "\"cache\"",
      NULL },

    { ngx_string("positioned"),
      ngx_rt_namespace_positioned,
      offsetof(ngx_rt_namespace_t, positioned),
      "\"positioned\"",
      NULL },

    { ngx_null_string, NULL, 0, NULL, NULL }
};


char *
ngx_rt_namespace(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_rt_main_conf_t *mcf = conf;

    char                *rv;
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_rt_namespace_t  *ns;

    value = cf->args->elts;

    if (ngx_rt_namespace_name_valid(&value[1]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid namespace \"%V\", write two or more of "
                           "letters, digits, \"-\" and \"_\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_rt_namespace_lookup(mcf, value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" is there already",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    ns = ngx_array_push(&mcf->namespaces);
    if (ns == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(ns, sizeof(ngx_rt_namespace_t));

    ns->name = value[1];
    ns->subscribe = NGX_RT_SUBSCRIBE_ANY;
    ns->publish = NGX_RT_PUBLISH_NONE;
    ns->slow = NGX_RT_SLOW_DISCONNECT;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_rt_namespace_parse(cf, ns, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return ngx_rt_namespace_check(cf, ns);
}


/* what does not go together */

static char *
ngx_rt_namespace_check(ngx_conf_t *cf, ngx_rt_namespace_t *ns)
{
    if ((ns->history == 0) != (ns->ttl == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" has one of \"history=\" and "
                           "\"ttl=\", write both: "
                           "\"history=NUMBER ttl=TIME\"", &ns->name);
        return NGX_CONF_ERROR;
    }

    if (ns->history == 0 && (ns->cache || ns->positioned || ns->durable)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" has \"%s\" but no history, "
                           "write \"history=NUMBER ttl=TIME\", too",
                           &ns->name, ns->durable ? "durable"
                           : ns->cache ? "cache" : "positioned");
        return NGX_CONF_ERROR;
    }

    if (ns->fast && ns->durable) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" is \"fast\" and "
                           "\"durable\", write one of them", &ns->name);
        return NGX_CONF_ERROR;
    }

    if (ns->history && ns->slow != NGX_RT_SLOW_DISCONNECT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the namespace \"%V\" has a history, from which "
                           "slow clients are served, leave out \"slow=\"",
                           &ns->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_rt_namespace_check_durable(ngx_conf_t *cf, ngx_rt_main_conf_t *mcf)
{
    ngx_uint_t           i;
    ngx_rt_namespace_t  *ns;

    ns = mcf->namespaces.elts;

    for (i = 0; mcf->redis == NULL && i < mcf->namespaces.nelts; i++) {

        if (ns[i].durable) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the namespace \"%V\" is \"durable\", and "
                               "there is no Redis to keep it, write "
                               "\"rt_redis URL\", too", &ns[i].name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_rt_namespace_parse(ngx_conf_t *cf, ngx_rt_namespace_t *ns,
    ngx_str_t *option)
{
    ngx_uint_t                   i, *field;
    ngx_rt_namespace_option_t   *o;

    for (o = ngx_rt_namespace_options; o->name.len; o++) {

        if (option->len < o->name.len
            || ngx_strncmp(option->data, o->name.data, o->name.len) != 0)
        {
            continue;
        }

        i = o - ngx_rt_namespace_options;

        if (ns->set & (1 << i)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" says \"%V\" again, say it once",
                               option, &o->name);
            return NGX_CONF_ERROR;
        }

        field = (ngx_uint_t *) ((u_char *) ns + o->offset);

        if (ngx_rt_namespace_value(o, option, field) == NGX_OK) {
            ns->set |= 1 << i;
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid \"%V\", write %s",
                           option, o->help);
        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown option \"%V\" of a namespace, there are "
                       "\"fast\", \"durable\", \"subscribe=\", "
                       "\"publish=\", \"slow=\", \"presence\", "
                       "\"join_leave\", \"users\", \"history=\", "
                       "\"ttl=\", \"cache\" and \"positioned\"",
                       option);

    return NGX_CONF_ERROR;
}


static ngx_int_t
ngx_rt_namespace_value(ngx_rt_namespace_option_t *o, ngx_str_t *option,
    ngx_uint_t *value)
{
    ngx_int_t         n;
    ngx_str_t         text;
    ngx_conf_enum_t  *e;

    if (o->number) {
        text.data = option->data + o->name.len;
        text.len = option->len - o->name.len;

        n = o->number(&text);
        *value = n;

        return n > 0 ? NGX_OK : NGX_ERROR;
    }

    for (e = o->values; e->name.len; e++) {

        if (e->name.len == option->len
            && ngx_strncmp(e->name.data, option->data, option->len) == 0)
        {
            *value = e->value;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_rt_namespace_count(ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    return n <= NGX_RT_HISTORY_MOST ? n : NGX_ERROR;
}


static ngx_int_t
ngx_rt_namespace_time(ngx_str_t *value)
{
    return ngx_parse_time(value, 0);
}


static ngx_int_t
ngx_rt_namespace_name_valid(ngx_str_t *name)
{
    size_t  i;
    u_char  ch;

    if (name->len < 2) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_'))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * A channel is ASCII without control characters.  "/", "*" and "&" are kept
 * for later use at its beginning, as the protocol has it.
 */

ngx_int_t
ngx_rt_namespace_find(ngx_rt_main_conf_t *mcf, const ngx_str_t *channel,
    ngx_rt_namespace_t **ns)
{
    u_char  *p, *last, *colon;

    if (channel->len == 0 || channel->len > NGX_RT_CHANNEL_MAX) {
        return NGX_ERROR;
    }

    last = channel->data + channel->len;

    for (p = channel->data; p < last; p++) {
        if (*p < 0x20 || *p >= 0x7f) {
            return NGX_ERROR;
        }
    }

    p = channel->data;

    if (*p == '/' || *p == '*' || *p == '&') {
        return NGX_ERROR;
    }

    if (*p == '$') {
        p++;
    }

    colon = ngx_strlchr(p, last, ':');

    if (colon) {
        *ns = ngx_rt_namespace_lookup(mcf, p, colon - p);

    } else {
        *ns = ngx_rt_namespace_lookup(mcf, (u_char *) "default", 7);
    }

    return *ns ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_rt_namespace_admit(ngx_rt_namespace_t *ns, const ngx_str_t *channel,
    const ngx_str_t *user)
{
    u_char  *p, *last, *comma;

    if (channel->data[0] == '$') {
        return NGX_DECLINED;
    }

    last = channel->data + channel->len;

    for (p = last; ns->users && p > channel->data && p[-1] != '#'; p--) {
        /* void */
    }

    if (!ns->users || p == channel->data) {
        return ns->subscribe == NGX_RT_SUBSCRIBE_ANY
               || (ns->subscribe == NGX_RT_SUBSCRIBE_USER && user->len)
               ? NGX_OK : NGX_DECLINED;
    }

    for ( /* void */ ; user->len && p < last; p = comma + 1) {
        comma = ngx_strlchr(p, last, ',');
        comma = comma ? comma : last;

        if ((size_t) (comma - p) == user->len
            && ngx_memcmp(p, user->data, user->len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_rt_namespace_flags(ngx_rt_namespace_t *ns, ngx_uint_t watches,
    const rt_override_t *o)
{
    ngx_uint_t  shown;

    shown = ns->join_leave;

    if (o->said & RT_OVERRIDE_JOIN_LEAVE) {
        shown = (o->value & RT_OVERRIDE_JOIN_LEAVE) != 0;
    }

    watches = watches && shown;

    if (o->said & RT_OVERRIDE_PUSH_JOIN_LEAVE) {
        watches = (o->value & RT_OVERRIDE_PUSH_JOIN_LEAVE) != 0;
    }

    return (shown ? NGX_RT_MEMBER_SHOWN : 0)
           | (watches ? NGX_RT_MEMBER_WATCHES : 0);
}


ngx_rt_namespace_t *
ngx_rt_namespace_lookup(ngx_rt_main_conf_t *mcf, u_char *data, size_t len)
{
    ngx_uint_t           i;
    ngx_rt_namespace_t  *ns;

    ns = mcf->namespaces.elts;

    for (i = 0; i < mcf->namespaces.nelts; i++) {

        if (ns[i].name.len == len
            && ngx_strncmp(ns[i].name.data, data, len) == 0)
        {
            return &ns[i];
        }
    }

    return NULL;
}
