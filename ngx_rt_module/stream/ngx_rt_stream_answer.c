
/*
 * What other nodes ask: one worker of the node takes it, whose turn it is, has
 * it run, and answers to the worker that has asked.  What makes no sense is not
 * answered.
 *
 * Called by ears, for what is said on "rt:nodes"; calls control/ by a pointer,
 * and redis/.  No locking.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis.h"
#include "ngx_rt_state.h"
#include "ngx_rt_stream.h"
#include "ngx_rt_stream_nodes.h"


static ngx_uint_t ngx_rt_survey_turn(ngx_rt_state_t *st, uint64_t number);


ngx_rt_survey_serve_pt  ngx_rt_survey_server;


void
ngx_rt_survey_serve(ngx_rt_zone_t *z, rt_bus_t *m)
{
    u_char                text[NGX_RT_SURVEY_NAME];
    rt_bus_t              answer;
    ngx_int_t             rc;
    ngx_str_t             name, tenant, method, params, result;
    ngx_pool_t           *pool;
    ngx_rt_redis_call_t   call;

    if (ngx_rt_survey_server == NULL
        || !ngx_rt_survey_turn(z->state, m->offset))
    {
        return;
    }

    tenant = ngx_rt_ngx_str(&m->tags);
    method = ngx_rt_ngx_str(&m->info);
    params = ngx_rt_ngx_str(&m->data);

    if (!ngx_rt_name_valid(&tenant, NGX_RT_TENANT_MAX)
        || params.len > NGX_RT_SURVEY_ASK_MAX)
    {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    rt_fault(survey_taken);

    if (ngx_rt_survey_server(z, &tenant, &method, &params,
                             NGX_RT_SURVEY_ANSWER_MAX, pool, &result)
        == NGX_OK)
    {
        rt_fault(survey_served);

        ngx_memzero(&answer, sizeof(rt_bus_t));

        answer.kind = RT_BUS_ANSWER;
        answer.offset = m->offset;
        answer.data = ngx_rt_str(&result);

        name.data = text;
        name.len = ngx_rt_survey_name(text, m->node.data, m->offset);

        rc = ngx_rt_survey_publish(&call, &name, &answer, pool);

        if (rc == NGX_OK) {
            ngx_rt_redis_forget(&call);
            ngx_rt_count(bus_answered, 1);
        }
    }

    ngx_destroy_pool(pool);
}


/*
 * Of those workers of the node that hear others each is asked in its turn, and
 * the next one if it is asked again.  All of them see the same, or nearly so:
 * nobody takes it, or two, when one of them comes or goes just then.
 */

static ngx_uint_t
ngx_rt_survey_turn(ngx_rt_state_t *st, uint64_t number)
{
    ngx_uint_t            i, n;
    ngx_rt_state_slot_t  *slot;

    ngx_uint_t  alive[NGX_RT_SLOTS];

    for (i = 0, n = 0; i < NGX_RT_SLOTS; i++) {
        slot = &st->slots[i];

        if ((slot->line & 1) && !ngx_rt_doorbell_gone(i, slot->owner)) {
            alive[n++] = i;
        }
    }

    return n && alive[(number / 2 + number % 2) % n] == ngx_rt_slot;
}
