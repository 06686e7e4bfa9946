
/*
 * Parameters of the API.  Called by control/ with the body of a request, or a
 * part of it, that is known to be UTF-8; calls rt_json.  Owns nothing: spans
 * point into the text.  No locking: no state.
 */


#include "rt_params.h"


static const rt_param_t *rt_params_lookup(const rt_param_t *params,
    const rt_str_t *name);
static void rt_params_take(rt_json_t *j, const rt_param_t *param, void *to,
    rt_params_fault_t *fault);
static void rt_params_take_span(rt_json_t *j, const rt_param_t *param,
    rt_json_value_t *v, rt_params_fault_t *fault);
static void rt_params_malformed(rt_params_fault_t *fault, const char *param,
    const char *why);


/* by rt_param_type_t */
static const struct {
    rt_json_type_t   type;        /* NONE: any */
    const char      *why;
} rt_params_types[] = {
    { RT_JSON_STRING, "has to be a string" },
    { RT_JSON_BOOL, "has to be true or false" },
    { RT_JSON_NUMBER, "has to be a whole number from 0 to 2^64-1" },
    { RT_JSON_NUMBER, "has to be a whole number" },
    { RT_JSON_NONE, "is not JSON" },
    { RT_JSON_ARRAY, "has to be an array" },
    { RT_JSON_OBJECT, "has to be an object" }
};


void
rt_params_read(rt_json_t *j, const rt_param_t *params, void *to,
    rt_params_fault_t *fault)
{
    rt_str_t           key;
    const rt_param_t  *param;

    memset(fault, 0, sizeof(rt_params_fault_t));

    if (rt_json_peek(j) != RT_JSON_OBJECT) {
        rt_params_malformed(fault, NULL,
                            "the parameters have to be a JSON object");
        return;
    }

    (void) rt_json_object(j);

    while (rt_json_key(j, &key)) {
        param = rt_params_lookup(params, &key);

        if (param == NULL
            || (param->type != RT_PARAM_VALUE
                && rt_json_peek(j) == RT_JSON_NULL))
        {
            (void) rt_json_skip(j);
            continue;
        }

        rt_params_take(j, param, to, fault);

        if (fault->malformed) {
            return;
        }
    }

    if (!rt_json_end(j)) {
        rt_params_malformed(fault, "body", "is not JSON");
    }
}


static const rt_param_t *
rt_params_lookup(const rt_param_t *params, const rt_str_t *name)
{
    const rt_param_t  *p;

    for (p = params; p->name.len; p++) {
        if (p->name.len == name->len
            && memcmp(p->name.data, name->data, name->len) == 0)
        {
            return p;
        }
    }

    return NULL;
}


static void
rt_params_take(rt_json_t *j, const rt_param_t *param, void *to,
    rt_params_fault_t *fault)
{
    bool             ok;
    void            *field;
    rt_json_type_t   type, wanted;

    type = rt_json_peek(j);
    wanted = rt_params_types[param->type].type;

    ok = wanted == RT_JSON_NONE || type == RT_JSON_NONE || type == wanted;

    field = (uint8_t *) to + param->offset;

    switch (ok ? param->type : RT_PARAM_VALUE) {

    case RT_PARAM_STRING:
        ok = rt_json_string(j, field);
        break;

    case RT_PARAM_BOOL:
        ok = rt_json_bool(j, field);
        break;

    case RT_PARAM_COUNT:
        ok = rt_json_uint64(j, field);
        break;

    case RT_PARAM_INT:
        ok = rt_json_int64(j, field);
        break;

    default:
        if (ok) {
            rt_params_take_span(j, param, field, fault);
        }
    }

    if (!ok) {
        rt_params_malformed(fault, (const char *) param->name.data,
                            rt_params_types[param->type].why);
    }
}


static void
rt_params_take_span(rt_json_t *j, const rt_param_t *param, rt_json_value_t *v,
    rt_params_fault_t *fault)
{
    if (rt_json_value(j, v)) {
        return;
    }

    if (j->error != RT_JSON_DEEP) {
        rt_params_malformed(fault, (const char *) param->name.data,
                            "is not JSON");
        return;
    }

    j->error = RT_JSON_OK;

    if (param->type != RT_PARAM_ARRAY && fault->why == NULL) {
        fault->param = (const char *) param->name.data;
        fault->why = "is nested too deep";
    }
}


static void
rt_params_malformed(rt_params_fault_t *fault, const char *param,
    const char *why)
{
    fault->malformed = true;
    fault->param = param;
    fault->why = why;
}
