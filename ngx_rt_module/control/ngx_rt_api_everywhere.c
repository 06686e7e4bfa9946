
/*
 * Methods that concern all nodes: run here first, then at the others, whose
 * answers are put together with ours (ngx_rt_api_join.c).  And the other side:
 * what another node asks is run here alone.
 *
 * If not all nodes have answered, the reply is an error that passes: who reads
 * must not take half for the whole, and who gives an order has to give it
 * again, which does no harm where it was obeyed.
 *
 * Called by ngx_rt_api_method.c, and by stream/ for other nodes; calls stream/
 * to ask.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_control.h"
#include "ngx_rt_stream.h"


/* a request that waits for other nodes; its pool's cleanup */
typedef struct {
    ngx_rt_api_t               *api;
    ngx_rt_api_reply_t         *reply;
    const ngx_rt_api_method_t  *method;
    ngx_rt_survey_t            *survey;       /* NULL: it is over */
} ngx_rt_api_survey_t;


static ngx_int_t ngx_rt_api_ask(ngx_rt_api_t *api,
    const ngx_rt_api_method_t *method, ngx_str_t *params,
    ngx_rt_api_reply_t *reply);
static void ngx_rt_api_survey_cleanup(void *data);
static void ngx_rt_api_survey_handler(ngx_rt_survey_t *s);
static ngx_int_t ngx_rt_api_survey_end(ngx_rt_api_survey_t *w,
    ngx_array_t *answers, ngx_uint_t large);
static ngx_int_t ngx_rt_api_answers(ngx_rt_api_survey_t *w,
    ngx_array_t *answers, ngx_rt_api_all_t *all);
static ngx_int_t ngx_rt_api_failed(ngx_rt_api_t *api, rt_answer_t *answer,
    ngx_rt_api_reply_t *reply);
static ngx_int_t ngx_rt_api_serve(ngx_rt_zone_t *z, ngx_str_t *tenant,
    ngx_str_t *method, ngx_str_t *params, size_t max, ngx_pool_t *pool,
    ngx_str_t *text);


void
ngx_rt_api_init_process(void)
{
    ngx_rt_survey_server = ngx_rt_api_serve;
}


/* strings are decoded in place, so what others are asked is copied before */

ngx_int_t
ngx_rt_api_everywhere(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    rt_json_t *j, ngx_rt_api_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_str_t                   params;
    ngx_uint_t                  waits;
    const ngx_rt_api_method_t  *asked;

    params.len = j->end - j->pos;

    if (params.len > NGX_RT_SURVEY_ASK_MAX / 2) {
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, NULL,
                         "more than 32k, which other nodes are not told");
        return NGX_OK;
    }

    params.data = ngx_pnalloc(api->pool, params.len);
    if (params.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(params.data, j->pos, params.len);

    asked = ngx_rt_api_asked((u_char *) method->asks,
                             ngx_strlen(method->asks));
    waits = api->waits;

    rc = ngx_rt_api_run(api, asked, j, reply);

    /* what waits for Redis concerns all nodes by itself */

    if (rc != NGX_OK || reply->code || api->waits != waits) {
        return rc;
    }

    rt_fault(survey_begin);

    return ngx_rt_api_ask(api, method, &params, reply);
}


static ngx_int_t
ngx_rt_api_ask(ngx_rt_api_t *api, const ngx_rt_api_method_t *method,
    ngx_str_t *params, ngx_rt_api_reply_t *reply)
{
    ngx_str_t             name;
    ngx_array_t           nobody;
    ngx_pool_cleanup_t   *cln;
    ngx_rt_api_survey_t  *w;

    cln = ngx_pool_cleanup_add(api->pool, sizeof(ngx_rt_api_survey_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    w = cln->data;

    w->api = api;
    w->reply = reply;
    w->method = method;

    name.data = (u_char *) method->asks;
    name.len = ngx_strlen(method->asks);

    /* an order that is obeyed twice may send away who has come back */

    w->survey = ngx_rt_survey_begin(&api->tenant, &name, params,
                                    method->join != NULL,
                                    ngx_rt_api_survey_handler, w);

    if (w->survey) {
        cln->handler = ngx_rt_api_survey_cleanup;
        api->waits++;

        return NGX_OK;
    }

    if (ngx_array_init(&nobody, api->pool, 4, sizeof(ngx_rt_answer_t))
        != NGX_OK
        || ngx_rt_survey_peers(&nobody) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_rt_api_survey_end(w, &nobody, 0);
}


static void
ngx_rt_api_survey_cleanup(void *data)
{
    ngx_rt_api_survey_t  *w = data;

    if (w->survey) {
        ngx_rt_survey_forget(w->survey);
    }
}


static void
ngx_rt_api_survey_handler(ngx_rt_survey_t *s)
{
    ngx_rt_api_survey_t  *w;

    w = s->data;
    w->survey = NULL;

    if (ngx_rt_api_survey_end(w, &s->answers, s->large) != NGX_OK) {
        ngx_rt_api_error(w->reply, NGX_RT_API_INTERNAL, NULL, "no memory");
    }

    ngx_rt_api_arrived(w->api);
}


static ngx_int_t
ngx_rt_api_survey_end(ngx_rt_api_survey_t *w, ngx_array_t *answers,
    ngx_uint_t large)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_rt_api_t        *api;
    ngx_rt_api_all_t     all;
    ngx_rt_api_reply_t  *reply;

    api = w->api;
    reply = w->reply;

    if (large) {
        ngx_rt_api_error(reply, NGX_RT_API_LIMIT, NULL,
                         "what other nodes have to say is too much");
        return NGX_OK;
    }

    if (ngx_rt_api_answers(w, answers, &all) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < all.nanswers; i++) {
        if (all.answers[i].code) {
            return ngx_rt_api_failed(api, &all.answers[i], reply);
        }
    }

    /* info says by itself of whom it knows nothing */

    if (all.nsilent && w->method->join != ngx_rt_api_join_info) {
        ngx_rt_api_error(reply, NGX_RT_API_INTERNAL, NULL,
                         "not all nodes have answered");
        return NGX_OK;
    }

    if (w->method->join == NULL) {
        return NGX_OK;
    }

    api->budget += reply->result.len;

    rc = w->method->join(api, &all, reply);

    if (rc == NGX_DECLINED) {
        ngx_rt_api_error(reply, NGX_RT_API_INTERNAL, NULL,
                         "a node has answered what makes no sense");
        return NGX_OK;
    }

    return rc;
}


/* ours stands first; one that cannot be read was not given */

static ngx_int_t
ngx_rt_api_answers(ngx_rt_api_survey_t *w, ngx_array_t *answers,
    ngx_rt_api_all_t *all)
{
    u_char           *p;
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    ngx_rt_answer_t  *answer;

    pool = w->api->pool;
    answer = answers->elts;

    ngx_memzero(all, sizeof(ngx_rt_api_all_t));

    all->answers = ngx_pcalloc(pool, (answers->nelts + 1)
                                     * sizeof(rt_answer_t));
    all->silent = ngx_pnalloc(pool, answers->nelts * NGX_RT_ID_LEN + 1);

    if (all->answers == NULL || all->silent == NULL) {
        return NGX_ERROR;
    }

    all->answers[0].result.type = RT_JSON_OBJECT;
    all->answers[0].result.data = w->reply->result.data;
    all->answers[0].result.len = w->reply->result.len;
    all->nanswers = 1;

    p = all->silent;

    for (i = 0; i < answers->nelts; i++) {

        if (answer[i].text.data
            && rt_answer_read(answer[i].text.data, answer[i].text.len,
                              &all->answers[all->nanswers]))
        {
            all->nanswers++;
            continue;
        }

        p = ngx_cpymem(p, answer[i].node, NGX_RT_ID_LEN);
        all->nsilent++;
    }

    return NGX_OK;
}


/* the first error stands for all; its text is as JSON has it */

static ngx_int_t
ngx_rt_api_failed(ngx_rt_api_t *api, rt_answer_t *answer,
    ngx_rt_api_reply_t *reply)
{
    u_char  *why;

    why = ngx_pnalloc(api->pool, answer->message.len + 1);
    if (why == NULL) {
        return NGX_ERROR;
    }

    *(rt_append(why, answer->message.data, answer->message.len)) = '\0';

    ngx_rt_api_error(reply, answer->code, NULL, (char *) why);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_api_serve(ngx_rt_zone_t *z, ngx_str_t *tenant, ngx_str_t *method,
    ngx_str_t *params, size_t max, ngx_pool_t *pool, ngx_str_t *text)
{
    u_char                     *copy;
    ngx_int_t                   rc;
    rt_json_t                   j;
    ngx_rt_api_t                api;
    ngx_rt_api_reply_t          reply;
    const ngx_rt_api_method_t  *m;

    m = ngx_rt_api_asked(method->data, method->len);

    copy = ngx_pnalloc(pool, params->len + 1);

    if (m == NULL || copy == NULL
        || !rt_utf8_valid(params->data, params->len))
    {
        return NGX_ERROR;
    }

    (void) rt_append(copy, params->data, params->len);
    rt_json_init(&j, copy, params->len);

    ngx_memzero(&api, sizeof(ngx_rt_api_t));
    ngx_memzero(&reply, sizeof(ngx_rt_api_reply_t));

    api.pool = pool;
    api.log = ngx_cycle->log;
    api.conf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);
    api.zone = z;
    api.tenant = *tenant;
    api.budget = max;
    api.steps_end = &api.steps;

    if (ngx_rt_api_run(&api, m, &j, &reply) != NGX_OK || api.waits) {
        return NGX_ERROR;
    }

    rc = ngx_rt_api_text(pool, ngx_rt_api_respond_text, &reply, max, text);

    if (rc == NGX_DECLINED) {
        ngx_memzero(&reply, sizeof(ngx_rt_api_reply_t));
        ngx_rt_api_error(&reply, NGX_RT_API_LIMIT, NULL,
                         "the answer would be larger than 2m");

        rc = ngx_rt_api_text(pool, ngx_rt_api_respond_text, &reply, max, text);
    }

    return rc;
}
