
/*
 * Flags of any text: it stays within the memory that was asked for, does not
 * change the text, and says in ASCII what is wrong.  What is a set is one again
 * with the same flags; each of them is found, those denied have it not, those
 * allowed have it, and nobody falls out of a share that grows.
 */


#include <stdlib.h>

#include "rt_flag.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
look(const rt_flags_t *set, const rt_flag_t *flag, const uint8_t *data,
    size_t size)
{
    bool        had, has;
    size_t      i;
    uint32_t    share;
    rt_flag_t   other;

    must(rt_flag_name_valid(flag->name.data, flag->name.len));
    must(rt_flags_find(set, flag->name.data, flag->name.len) == flag);
    must(flag->share <= RT_FLAG_ALL);
    must(flag->allow.n <= RT_FLAG_KEYS_MAX && flag->deny.n <= RT_FLAG_KEYS_MAX);

    for (i = 0; i < flag->deny.n; i++) {
        must(!rt_flag_on(flag, flag->deny.keys[i].data,
                         flag->deny.keys[i].len));
    }

    other = *flag;
    other.deny.n = 0;

    for (i = 0; i < flag->allow.n; i++) {
        must(rt_flag_on(&other, flag->allow.keys[i].data,
                        flag->allow.keys[i].len));
    }

    other.allow.n = 0;

    for (had = false, share = 0; share <= RT_FLAG_ALL; share += 500) {
        other.share = share;
        has = rt_flag_on(&other, data, size);
        must(has || !had);
        had = has;
    }

    must(had);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         error[RT_FLAG_ERROR_MAX];
    void        *mem, *again;
    size_t       i;
    uint8_t     *text;
    rt_flags_t  *set, *second;

    text = malloc(size + 1);
    mem = malloc(rt_flags_size(data, size));
    again = malloc(rt_flags_size(data, size));
    must(text && mem && again);

    (void) rt_append(text, data, size);
    memset(error, 0, sizeof(error));

    set = rt_flags_parse(mem, text, size, error);

    must(size == 0 || memcmp(text, data, size) == 0);

    if (set == NULL) {
        must(error[0]);

        for (i = 0; error[i]; i++) {
            must(error[i] >= 0x20 && error[i] < 0x7f);
        }

        goto done;
    }

    second = rt_flags_parse(again, text, size, error);
    must(second && second->nflags == set->nflags);
    must(set->nflags <= RT_FLAG_MAX);

    for (i = 0; i < set->nflags; i++) {
        must(second->flags[i].hash == set->flags[i].hash);
        look(set, &set->flags[i], data, rt_min(size, 300));
    }

done:

    free(text);
    free(mem);
    free(again);

    return 0;
}
