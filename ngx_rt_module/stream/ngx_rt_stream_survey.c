
/*
 * Surveys: a node asks all others to run a method of the API, and waits for
 * their answers.  The question goes to "rt:nodes"; of each node one worker
 * takes it, whose turn it is, and answers to the channel of the worker that
 * asks, "rt:worker:NODE:PID" (ngx_rt_stream_answer.c).
 *
 * Those are waited for who were alive when it was asked, for as long as a
 * command to Redis may take; a question that does no harm is asked again when
 * half of that is over, and another worker takes it.  Who is gone by then is
 * not missed; who is alive and has said nothing is silent, and it is for the
 * caller to say so: half an answer is none.  What waits is bounded, in number
 * and in bytes.
 *
 * Called by control/ and protocol/ for those who ask, and by ears; calls
 * redis/.  No locking: the nodes that are alive stand in shared memory, and are
 * looked at without.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_nodes.h"


/* of a worker that wait */
#define NGX_RT_SURVEYS_MAX         256
#define NGX_RT_SURVEYS_BYTES       (64 * 1024 * 1024)

/* of all answers to one */
#define NGX_RT_SURVEY_ANSWERS_MAX  (16 * 1024 * 1024)

static void ngx_rt_survey_listen(void);
static ngx_rt_survey_t *ngx_rt_survey_create(void);
static ngx_int_t ngx_rt_survey_keep(ngx_rt_survey_t *s, ngx_str_t *to,
    ngx_str_t *from);
static ngx_int_t ngx_rt_survey_ask(ngx_rt_survey_t *s);
static void ngx_rt_survey_call_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply);
static void ngx_rt_survey_timer_handler(ngx_event_t *ev);
static void ngx_rt_survey_lost(ngx_rt_listen_t *l);
static void ngx_rt_survey_message(ngx_rt_listen_t *l, rt_bus_t *m);
static ngx_rt_answer_t *ngx_rt_survey_asked(rt_bus_t *m,
    ngx_rt_survey_t **sp);
static void ngx_rt_survey_finish(ngx_rt_survey_t *s);
static void ngx_rt_survey_settle(ngx_rt_survey_t *s);


static ngx_rt_zone_t    *ngx_rt_survey_zone;
static ngx_rt_listen_t   ngx_rt_survey_ear;
static ngx_queue_t       ngx_rt_surveys;
static ngx_uint_t        ngx_rt_nsurveys;
static size_t            ngx_rt_survey_bytes;
static uint32_t          ngx_rt_survey_number;
static ngx_connection_t  ngx_rt_survey_dumb;

static ngx_str_t         ngx_rt_survey_all = ngx_string("rt:nodes");


void
ngx_rt_survey_init_process(ngx_rt_zone_t *z)
{
    ngx_rt_survey_zone = z;
    ngx_rt_survey_number = (uint32_t) ngx_random() & ~1u;
    ngx_rt_survey_dumb.fd = (ngx_socket_t) -1;

    ngx_queue_init(&ngx_rt_surveys);

    ngx_rt_survey_ear.subscribed = ngx_rt_survey_lost;
    ngx_rt_survey_ear.lost = ngx_rt_survey_lost;
    ngx_rt_survey_ear.message = ngx_rt_survey_message;

    ngx_rt_survey_listen();
}


static void
ngx_rt_survey_listen(void)
{
    u_char     text[NGX_RT_SURVEY_NAME];
    ngx_str_t  name;

    name.data = text;
    name.len = ngx_rt_survey_name(text, ngx_rt_survey_zone->state->uid,
                                  (uint64_t) ngx_pid << 32);

    (void) ngx_rt_stream_listen(&ngx_rt_survey_ear, &name);
}


/* the number says by its upper half which worker has asked */

size_t
ngx_rt_survey_name(u_char *name, const u_char *node, uint64_t number)
{
    return ngx_sprintf(name, "rt:worker:%*s:%uL", (size_t) NGX_RT_ID_LEN,
                       node, number >> 32)
           - name;
}


ngx_rt_survey_t *
ngx_rt_survey_begin(ngx_str_t *tenant, ngx_str_t *method, ngx_str_t *params,
    ngx_uint_t twice, void (*handler)(ngx_rt_survey_t *s), void *data)
{
    ngx_rt_survey_t     *s;
    ngx_rt_main_conf_t  *mcf;

    /* there was no memory for it */

    if (ngx_rt_survey_ear.ear == NULL) {
        ngx_rt_survey_listen();
    }

    if (tenant->len + method->len + params->len > NGX_RT_SURVEY_ASK_MAX
        || !ngx_rt_stream_hears(&ngx_rt_survey_ear))
    {
        return NULL;
    }

    s = ngx_rt_survey_create();
    if (s == NULL) {
        return NULL;
    }

    s->handler = handler;
    s->data = data;
    s->twice = twice;

    if (ngx_rt_survey_keep(s, &s->tenant, tenant) != NGX_OK
        || ngx_rt_survey_keep(s, &s->method, method) != NGX_OK
        || ngx_rt_survey_keep(s, &s->params, params) != NGX_OK
        || ngx_rt_survey_ask(s) != NGX_OK)
    {
        ngx_destroy_pool(s->pool);
        return NULL;
    }

    ngx_queue_insert_tail(&ngx_rt_surveys, &s->queue);
    ngx_rt_nsurveys++;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    s->rest = twice ? mcf->redis->timeout / 2 : mcf->redis->timeout;

    ngx_add_timer(&s->timer, s->rest);

    ngx_rt_count(bus_asked, 1);
    rt_fault(survey_asked);

    return s;
}


static ngx_int_t
ngx_rt_survey_keep(ngx_rt_survey_t *s, ngx_str_t *to, ngx_str_t *from)
{
    to->len = from->len;
    to->data = ngx_pnalloc(s->pool, from->len + 1);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    (void) rt_append(to->data, from->data, from->len);

    return NGX_OK;
}


static ngx_int_t
ngx_rt_survey_ask(ngx_rt_survey_t *s)
{
    rt_bus_t  m;

    ngx_memzero(&m, sizeof(rt_bus_t));

    m.kind = RT_BUS_ASK;
    m.offset = s->number;
    m.data = ngx_rt_str(&s->params);
    m.info = ngx_rt_str(&s->method);
    m.tags = ngx_rt_str(&s->tenant);

    if (ngx_rt_survey_publish(&s->call, &ngx_rt_survey_all, &m, s->pool)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    s->called = 1;

    return NGX_OK;
}


static ngx_rt_survey_t *
ngx_rt_survey_create(void)
{
    ngx_pool_t       *pool;
    ngx_rt_survey_t  *s;

    if (ngx_rt_nsurveys == NGX_RT_SURVEYS_MAX) {
        return NULL;
    }

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    s = ngx_pcalloc(pool, sizeof(ngx_rt_survey_t));

    if (s == NULL
        || ngx_array_init(&s->answers, pool, 4, sizeof(ngx_rt_answer_t))
           != NGX_OK
        || ngx_rt_survey_peers(&s->answers) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_rt_survey_number += 2;

    s->pool = pool;
    s->number = ((uint64_t) ngx_pid << 32) | ngx_rt_survey_number;
    s->waits = s->answers.nelts;
    s->silent = s->waits;

    s->call.handler = ngx_rt_survey_call_handler;

    s->timer.handler = ngx_rt_survey_timer_handler;
    s->timer.data = &ngx_rt_survey_dumb;
    s->timer.log = ngx_cycle->log;

    return s;
}


ngx_int_t
ngx_rt_survey_peers(ngx_array_t *answers)
{
    ngx_uint_t        i;
    ngx_rt_peer_t    *peer;
    ngx_rt_answer_t  *answer;

    for (i = 0; i < NGX_RT_PEERS; i++) {
        peer = &ngx_rt_survey_zone->state->peers[i];

        if (!peer->alive) {
            continue;
        }

        answer = ngx_array_push(answers);
        if (answer == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(answer->node, peer->id, NGX_RT_ID_LEN);
        ngx_str_null(&answer->text);
    }

    return NGX_OK;
}


ngx_int_t
ngx_rt_survey_publish(ngx_rt_redis_call_t *call, ngx_str_t *channel,
    rt_bus_t *m, ngx_pool_t *pool)
{
    u_char     line[RT_BUS_HEAD_MAX];
    size_t     head;
    ngx_str_t  argv[3];

    m->node = ngx_rt_stream_node();
    m->time = ngx_rt_stream_now();

    head = rt_bus_head(m, line);

    ngx_str_set(&argv[0], "PUBLISH");
    argv[1] = *channel;

    argv[2].len = rt_bus_len(head, m);
    argv[2].data = ngx_pnalloc(pool, argv[2].len);

    if (argv[2].data == NULL) {
        return NGX_ERROR;
    }

    (void) rt_bus_build(argv[2].data, line, head, m);

    return ngx_rt_redis_send(call, 3, argv);
}


/* what Redis did not take, nobody answers */

static void
ngx_rt_survey_call_handler(ngx_rt_redis_call_t *call,
    ngx_rt_redis_result_e result, redisReply *reply)
{
    ngx_rt_survey_t  *s;

    s = (ngx_rt_survey_t *) ((u_char *) call - offsetof(ngx_rt_survey_t, call));

    s->called = 0;

    if (result != NGX_RT_REDIS_OK) {
        ngx_rt_survey_finish(s);
    }
}


/* the worker whose turn it was may have died, or stand still */

static void
ngx_rt_survey_timer_handler(ngx_event_t *ev)
{
    ngx_rt_survey_t  *s;

    s = (ngx_rt_survey_t *) ((u_char *) ev - offsetof(ngx_rt_survey_t, timer));

    if (s->twice && !s->called) {
        s->twice = 0;
        s->number |= 1;

        if (ngx_rt_survey_ask(s) == NGX_OK) {
            ngx_add_timer(&s->timer, s->rest);
            return;
        }
    }

    ngx_rt_survey_finish(s);
}


/* the answers on their way may come all the same, or the time is over */

static void
ngx_rt_survey_lost(ngx_rt_listen_t *l)
{
}


static void
ngx_rt_survey_message(ngx_rt_listen_t *l, rt_bus_t *m)
{
    ngx_rt_survey_t  *s;
    ngx_rt_answer_t  *answer;

    if (m->kind != RT_BUS_ANSWER) {
        return;
    }

    answer = ngx_rt_survey_asked(m, &s);

    if (answer == NULL || m->data.len == 0) {
        return;
    }

    if (m->data.len > NGX_RT_SURVEY_ANSWER_MAX
        || s->bytes + m->data.len > NGX_RT_SURVEY_ANSWERS_MAX
        || ngx_rt_survey_bytes + m->data.len > NGX_RT_SURVEYS_BYTES)
    {
        s->large++;
        ngx_rt_survey_finish(s);
        return;
    }

    answer->text.data = ngx_pnalloc(s->pool, m->data.len);

    if (answer->text.data == NULL) {
        ngx_rt_survey_finish(s);
        return;
    }

    ngx_memcpy(answer->text.data, m->data.data, m->data.len);
    answer->text.len = m->data.len;

    s->bytes += m->data.len;
    ngx_rt_survey_bytes += m->data.len;
    s->silent--;

    rt_fault(survey_answered);

    if (--s->waits == 0) {
        ngx_rt_survey_finish(s);
    }
}


/* the place of the answer; NULL: nobody waits for it, or it is there already */

static ngx_rt_answer_t *
ngx_rt_survey_asked(rt_bus_t *m, ngx_rt_survey_t **sp)
{
    ngx_uint_t        i;
    ngx_queue_t      *q;
    ngx_rt_survey_t  *s;
    ngx_rt_answer_t  *answer;

    for (q = ngx_queue_head(&ngx_rt_surveys);
         q != ngx_queue_sentinel(&ngx_rt_surveys);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_rt_survey_t, queue);

        /* the first answer counts, whichever question it is to */

        if ((s->number | 1) != (m->offset | 1)) {
            continue;
        }

        answer = s->answers.elts;

        for (i = 0; i < s->answers.nelts; i++) {

            if (ngx_memcmp(answer[i].node, m->node.data, NGX_RT_ID_LEN) == 0) {
                *sp = s;
                return answer[i].text.data ? NULL : &answer[i];
            }
        }

        break;
    }

    return NULL;
}


static void
ngx_rt_survey_finish(ngx_rt_survey_t *s)
{
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    ngx_rt_answer_t  *answer;

    ngx_rt_survey_settle(s);

    answer = s->answers.elts;

    for (i = s->answers.nelts; i--; /* void */) {

        if (answer[i].text.data == NULL
            && !ngx_rt_peer_alive(ngx_rt_survey_zone->state, answer[i].node))
        {
            answer[i] = answer[--s->answers.nelts];
            s->silent--;
        }
    }

    if (s->silent) {
        ngx_rt_count(bus_partial, 1);
    }

    pool = s->pool;

    s->handler(s);

    ngx_destroy_pool(pool);
}


/* nobody waits for anything any more */

static void
ngx_rt_survey_settle(ngx_rt_survey_t *s)
{
    ngx_queue_remove(&s->queue);
    ngx_rt_nsurveys--;
    ngx_rt_survey_bytes -= s->bytes;

    if (s->timer.timer_set) {
        ngx_del_timer(&s->timer);
    }

    if (s->called) {
        ngx_rt_redis_forget(&s->call);
    }
}


void
ngx_rt_survey_forget(ngx_rt_survey_t *s)
{
    ngx_rt_survey_settle(s);
    ngx_destroy_pool(s->pool);
}
