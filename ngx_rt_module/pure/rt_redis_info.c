
/*
 * INFO: lines of "name:value".  Called by redis/ with each section.  No
 * locking: no state.
 */


#include "rt_redis_info.h"


static void rt_redis_info_line(rt_redis_info_t *info, const rt_str_t *name,
    const rt_str_t *value);
static void rt_redis_info_copy(uint8_t *to, size_t max,
    const rt_str_t *value);


void
rt_redis_info_read(rt_redis_info_t *info, const uint8_t *text, size_t len)
{
    rt_str_t        name, value;
    const uint8_t  *p, *end, *last, *colon;

    last = text + len;

    for (p = text; p < last; p = end + 1) {
        end = memchr(p, '\n', last - p);

        if (end == NULL) {
            end = last;
        }

        colon = memchr(p, ':', end - p);

        if (colon == NULL) {
            continue;
        }

        name.data = (uint8_t *) p;
        name.len = colon - p;

        value.data = (uint8_t *) colon + 1;
        value.len = end - value.data;

        if (value.len && value.data[value.len - 1] == '\r') {
            value.len--;
        }

        rt_redis_info_line(info, &name, &value);
    }
}


static void
rt_redis_info_line(rt_redis_info_t *info, const rt_str_t *name,
    const rt_str_t *value)
{
    size_t  i;

    if (rt_str_eq(name, "redis_version")) {
        info->version = 0;

        for (i = 0; i < value->len && i < 4 && value->data[i] >= '0'
                    && value->data[i] <= '9'; i++)
        {
            info->version = 10 * info->version + (value->data[i] - '0');
        }

    } else if (rt_str_eq(name, "redis_mode")) {
        info->cluster = rt_str_eq(value, "cluster");

    } else if (rt_str_eq(name, "role")) {
        info->replica = rt_str_eq(value, "slave");

    } else if (rt_str_eq(name, "run_id")) {
        rt_redis_info_copy(info->run, RT_REDIS_RUN_LEN, value);

    } else if (rt_str_eq(name, "loading")) {
        info->loading = !rt_str_eq(value, "0");

    } else if (rt_str_eq(name, "aof_enabled")) {
        info->aof = rt_str_eq(value, "1");

    } else if (rt_str_eq(name, "maxmemory")) {
        info->unbounded = rt_str_eq(value, "0");

    } else if (rt_str_eq(name, "maxmemory_policy")) {
        info->evicts = !rt_str_eq(value, "noeviction");
        rt_redis_info_copy(info->policy, RT_REDIS_POLICY_MAX, value);
    }
}


/* visible characters only: it may be logged */

static void
rt_redis_info_copy(uint8_t *to, size_t max, const rt_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len && i < max; i++) {
        to[i] = value->data[i] > ' ' && value->data[i] < 0x7f
                ? value->data[i] : '?';
    }

    to[i] = '\0';
}
