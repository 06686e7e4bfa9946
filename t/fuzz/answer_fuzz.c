
/*
 * Answers of other nodes, read as those who put them together do.  What is a
 * list is JSON inside, in brackets again, and lies within the text.
 */


#include <stdlib.h>

#include "rt_answer.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(uint8_t *text, size_t size);
static void walk(rt_answer_t *a);
static void within(const rt_str_t *s, const uint8_t *text, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *text;

    text = malloc(size + 1);
    must(text);

    memcpy(text, data, size);
    look(text, size);

    free(text);

    return 0;
}


static void
look(uint8_t *text, size_t size)
{
    uint8_t          *copy;
    rt_str_t          s;
    rt_json_t         j;
    rt_answer_t       a;
    rt_json_value_t   v;

    if (!rt_answer_read(text, size, &a)) {
        return;
    }

    if (a.code) {
        must(a.message.len <= RT_ANSWER_MESSAGE_MAX);
        within(&a.message, text, size);
        return;
    }

    must(a.result.type == RT_JSON_OBJECT);

    if (rt_answer_inside(&a, "presence", RT_JSON_OBJECT, &s)) {
        within(&s, text, size);

        copy = malloc(s.len + 2);
        must(copy);

        copy[0] = '{';
        memcpy(copy + 1, s.data, s.len);
        copy[s.len + 1] = '}';

        rt_json_init(&j, copy, s.len + 2);
        must(rt_json_value(&j, &v) && rt_json_end(&j));

        free(copy);
    }

    walk(&a);
}


static void
walk(rt_answer_t *a)
{
    uint64_t          n;
    rt_str_t          s;
    rt_json_t         j;
    rt_client_info_t  info;

    (void) rt_answer_number(a, "num_clients", &n);

    if (rt_answer_walk(a, "channels", RT_JSON_OBJECT, &j)) {
        while (rt_answer_channel(&j, &s, &n)) {
            within(&s, a->result.data, a->result.len);
        }
    }

    if (rt_answer_walk(a, "presence", RT_JSON_OBJECT, &j)) {
        while (rt_answer_present(&j, &info)) {
            within(&info.client, a->result.data, a->result.len);
            within(&info.user, a->result.data, a->result.len);
            within(&info.chan_info, a->result.data, a->result.len);
        }
    }

    if (rt_answer_walk(a, "users", RT_JSON_ARRAY, &j)) {
        while (rt_answer_user(&j, &n)) { /* void */ }
    }
}


static void
within(const rt_str_t *s, const uint8_t *text, size_t size)
{
    must(s->len == 0
         || (s->data >= text && s->data + s->len <= text + size));
}
