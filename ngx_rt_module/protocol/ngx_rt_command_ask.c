
/*
 * presence and presence_stats where there are other nodes: they are asked, and
 * when all have answered, theirs and ours are told together.  If one has not,
 * it is an error that passes, and the client asks again.
 *
 * Called by ngx_rt_command_presence.c; calls stream/ to ask.  What waits is
 * forgotten when the connection closes.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "rt_answer.h"


/* of a client that wait */
#define NGX_RT_ASKING_MAX  8


/* one that waits; in its client's list */
struct ngx_rt_asking_s {
    ngx_rt_survey_t           *survey;
    ngx_rt_client_t           *client;
    ngx_rt_asking_t           *next;
    ngx_rt_asking_t          **link;          /* what points to it */
    rt_command_t               cmd;           /* id, method, and channel */
    u_char                     channel[];
};


static ngx_rt_asking_t *ngx_rt_asking_create(ngx_rt_client_t *client,
    rt_command_t *cmd);
static void ngx_rt_asking_free(ngx_rt_asking_t *w);
static void ngx_rt_asking_handler(ngx_rt_survey_t *s);
static const rt_error_t *ngx_rt_command_together(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_survey_t *s);
static const rt_error_t *ngx_rt_command_list_all(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_rt_survey_t *s);
static const rt_error_t *ngx_rt_answers_present(ngx_rt_survey_t *s,
    ngx_array_t *infos, size_t room);
static const rt_error_t *ngx_rt_command_count_all(ngx_rt_client_t *client,
    rt_command_t *cmd, ngx_rt_subscription_t *sub, ngx_rt_survey_t *s);
static const rt_error_t *ngx_rt_answers_users(ngx_rt_survey_t *s,
    ngx_array_t *users, uint64_t *clients);
static const rt_error_t *ngx_rt_answer_walk(ngx_rt_answer_t *answer,
    const char *name, rt_json_type_t type, rt_answer_t *a, rt_json_t *j);
static int ngx_libc_cdecl ngx_rt_asking_compare(const void *one,
    const void *two);


const rt_error_t *
ngx_rt_command_ask(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_pool_t *pool)
{
    rt_out_t           o;
    ngx_str_t          method, params;
    ngx_rt_asking_t   *w;
    const rt_error_t  *error;

    error = ngx_rt_command_charge_look(client, cmd, sub);

    if (error) {
        return error;
    }

    /* the channel as JSON, at most six times as long */

    params.len = sizeof("{\"channel\":\"\"}") + 6 * cmd->channel.len;
    params.data = ngx_pnalloc(pool, params.len);

    w = params.data ? ngx_rt_asking_create(client, cmd) : NULL;

    if (w == NULL) {
        return &ngx_rt_error_internal;
    }

    rt_out_init(&o, params.data, params.len);

    rt_out_lit(&o, "{\"channel\":");
    rt_out_json_string(&o, cmd->channel.data, cmd->channel.len);
    rt_out_lit(&o, "}");

    params.len = o.pos - params.data;

    if (cmd->method == RT_METHOD_PRESENCE) {
        ngx_str_set(&method, "presence");

    } else {
        ngx_str_set(&method, "users");
    }

    w->survey = ngx_rt_survey_begin(&client->tenant, &method, &params, 1,
                                    ngx_rt_asking_handler, w);

    if (w->survey == NULL) {
        ngx_rt_asking_free(w);
        return &ngx_rt_error_internal;
    }

    return NULL;
}


/* NULL: no memory, or the client asks too much at once */

static ngx_rt_asking_t *
ngx_rt_asking_create(ngx_rt_client_t *client, rt_command_t *cmd)
{
    ngx_uint_t        n;
    ngx_rt_asking_t  *w;

    for (w = client->asking, n = 0; w; w = w->next) {
        n++;
    }

    if (n == NGX_RT_ASKING_MAX) {
        return NULL;
    }

    w = ngx_calloc(sizeof(ngx_rt_asking_t) + cmd->channel.len,
                   client->conn->connection->log);
    if (w == NULL) {
        return NULL;
    }

    w->client = client;
    w->cmd.id = cmd->id;
    w->cmd.method = cmd->method;
    w->cmd.channel.data = w->channel;
    w->cmd.channel.len = cmd->channel.len;
    ngx_memcpy(w->channel, cmd->channel.data, cmd->channel.len);

    w->link = &client->asking;
    w->next = client->asking;

    if (w->next) {
        w->next->link = &w->next;
    }

    client->asking = w;

    return w;
}


static void
ngx_rt_asking_free(ngx_rt_asking_t *w)
{
    *w->link = w->next;

    if (w->next) {
        w->next->link = w->link;
    }

    ngx_free(w);
}


void
ngx_rt_client_unask(ngx_rt_client_t *client)
{
    ngx_rt_asking_t  *w, *next;

    for (w = client->asking; w; w = next) {
        next = w->next;

        ngx_rt_survey_forget(w->survey);
        ngx_free(w);
    }

    client->asking = NULL;
}


static void
ngx_rt_asking_handler(ngx_rt_survey_t *s)
{
    ngx_rt_conn_t     *conn;
    rt_command_t       cmd;
    ngx_rt_asking_t   *w, *next, **link;
    ngx_rt_client_t   *client;
    const rt_error_t  *error;

    w = s->data;

    client = w->client;
    conn = client->conn;
    cmd = w->cmd;

    /* out of the list, for the answer may close the connection */

    link = w->link;
    next = w->next;
    *link = next;

    if (next) {
        next->link = link;
    }

    ngx_rt_conn_enter(conn);

    error = ngx_rt_command_together(client, &cmd, s);

    if (error) {
        (void) ngx_rt_command_fail(client, &cmd, error);
    }

    ngx_rt_conn_enter(NULL);

    ngx_free(w);
}


/* it may have left the channel meanwhile */

static const rt_error_t *
ngx_rt_command_together(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_survey_t *s)
{
    ngx_str_t               channel;
    ngx_rt_subscription_t  *sub;

    channel = ngx_rt_ngx_str(&cmd->channel);

    sub = ngx_rt_subscription_lookup(client, &channel);

    if (sub == NULL) {
        return &ngx_rt_error_permission_denied;
    }

    if (s->large) {
        return &ngx_rt_error_limit_exceeded;
    }

    if (s->silent) {
        return &ngx_rt_error_internal;
    }

    return cmd->method == RT_METHOD_PRESENCE
           ? ngx_rt_command_list_all(client, cmd, sub, s)
           : ngx_rt_command_count_all(client, cmd, sub, s);
}


static const rt_error_t *
ngx_rt_command_list_all(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_rt_survey_t *s)
{
    size_t             room;
    uint64_t           clients;
    rt_reply_t         reply;
    ngx_uint_t         i;
    ngx_array_t        list, infos;
    rt_client_info_t  *info;
    const rt_error_t  *error;

    room = client->conn->conf->max_queue / 2;

    if (ngx_array_init(&list, s->pool, 16, sizeof(ngx_rt_present_t)) != NGX_OK
        || ngx_array_init(&infos, s->pool, 64, sizeof(rt_client_info_t))
           != NGX_OK)
    {
        return &ngx_rt_error_internal;
    }

    error = ngx_rt_command_members(client, sub, NGX_RT_PRESENCE_LISTED, room,
                                   &list, &clients);
    if (error) {
        return error;
    }

    info = ngx_array_push_n(&infos, list.nelts + 1);
    if (info == NULL) {
        return &ngx_rt_error_internal;
    }

    ngx_rt_presence_info(&list, info);
    infos.nelts--;

    for (i = 0; i < infos.nelts; i++) {
        room -= info[i].conn_info.len + info[i].chan_info.len;
    }

    error = ngx_rt_answers_present(s, &infos, room);
    if (error) {
        return error;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;
    reply.present = infos.elts;
    reply.npresent = infos.nelts;

    ngx_rt_client_reply(client, &reply);

    return NULL;
}


static const rt_error_t *
ngx_rt_answers_present(ngx_rt_survey_t *s, ngx_array_t *infos, size_t room)
{
    rt_json_t          j;
    ngx_uint_t         i;
    rt_answer_t        a;
    ngx_rt_answer_t   *answer;
    rt_client_info_t   one, *info;
    const rt_error_t  *error;

    answer = s->answers.elts;

    for (i = 0; i < s->answers.nelts; i++) {
        error = ngx_rt_answer_walk(&answer[i], "presence", RT_JSON_OBJECT, &a,
                                   &j);
        if (error) {
            return error;
        }

        while (rt_answer_present(&j, &one)) {

            if (infos->nelts == NGX_RT_PRESENCE_LISTED
                || one.conn_info.len + one.chan_info.len > room)
            {
                return &ngx_rt_error_limit_exceeded;
            }

            info = ngx_array_push(infos);
            if (info == NULL) {
                return &ngx_rt_error_internal;
            }

            *info = one;
            room -= one.conn_info.len + one.chan_info.len;
        }

        if (j.error != RT_JSON_OK) {
            return &ngx_rt_error_internal;
        }
    }

    return NULL;
}


static const rt_error_t *
ngx_rt_command_count_all(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_subscription_t *sub, ngx_rt_survey_t *s)
{
    uint64_t          *user;
    ngx_uint_t         i;
    rt_reply_t         reply;
    ngx_array_t        list, users;
    ngx_rt_present_t  *one;
    const rt_error_t  *error;

    if (ngx_array_init(&list, s->pool, 16, sizeof(ngx_rt_present_t)) != NGX_OK
        || ngx_array_init(&users, s->pool, 64, sizeof(uint64_t)) != NGX_OK)
    {
        return &ngx_rt_error_internal;
    }

    ngx_memzero(&reply, sizeof(rt_reply_t));

    reply.id = cmd->id;
    reply.method = cmd->method;

    error = ngx_rt_command_members(client, sub, NGX_RT_PRESENCE_COUNTED, 0,
                                   &list, &reply.clients);

    if (error && error != &ngx_rt_error_limit_exceeded) {
        return error;
    }

    user = ngx_array_push_n(&users, list.nelts);
    if (user == NULL) {
        return &ngx_rt_error_internal;
    }

    one = list.elts;

    for (i = 0; i < list.nelts; i++) {
        user[i] = rt_hash(ngx_rt_content_key(client->zone), one[i].user,
                          one[i].len);
    }

    error = ngx_rt_answers_users(s, &users, &reply.clients);
    if (error) {
        return error;
    }

    user = users.elts;

    ngx_qsort(user, users.nelts, sizeof(uint64_t), ngx_rt_asking_compare);

    for (i = 0; i < users.nelts; i++) {
        reply.users += (i == 0 || user[i] != user[i - 1]);
    }

    ngx_rt_client_reply(client, &reply);

    return NULL;
}


static const rt_error_t *
ngx_rt_answers_users(ngx_rt_survey_t *s, ngx_array_t *users, uint64_t *clients)
{
    uint64_t          *user, hash, n;
    rt_json_t          j;
    ngx_uint_t         i;
    rt_answer_t        a;
    ngx_rt_answer_t   *answer;
    const rt_error_t  *error;

    answer = s->answers.elts;

    for (i = 0; i < s->answers.nelts; i++) {
        error = ngx_rt_answer_walk(&answer[i], "users", RT_JSON_ARRAY, &a, &j);

        if (error) {
            return error;
        }

        while (rt_answer_user(&j, &hash)) {
            user = ngx_array_push(users);

            if (user == NULL) {
                return &ngx_rt_error_internal;
            }

            *user = hash;
        }

        if (j.error != RT_JSON_OK || !rt_answer_number(&a, "num_clients", &n)) {
            return &ngx_rt_error_internal;
        }

        *clients += n;
    }

    return NULL;
}


/* an error of another node is ours, if it is one that stays */

static const rt_error_t *
ngx_rt_answer_walk(ngx_rt_answer_t *answer, const char *name,
    rt_json_type_t type, rt_answer_t *a, rt_json_t *j)
{
    if (!rt_answer_read(answer->text.data, answer->text.len, a)) {
        return &ngx_rt_error_internal;
    }

    if (a->code) {
        return a->code == ngx_rt_error_limit_exceeded.code
               ? &ngx_rt_error_limit_exceeded : &ngx_rt_error_internal;
    }

    return rt_answer_walk(a, name, type, j) ? NULL : &ngx_rt_error_internal;
}


static int ngx_libc_cdecl
ngx_rt_asking_compare(const void *one, const void *two)
{
    const uint64_t *a = one;
    const uint64_t *b = two;

    return *a < *b ? -1 : *a > *b;
}
