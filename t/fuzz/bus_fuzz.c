
/*
 * Messages between nodes.  What is taken says the same when it is built again,
 * to the byte, and its parts lie where they were.
 */


#include <stdlib.h>

#include "rt_bus.h"


#define must(e)  do { if (!(e)) { abort(); } } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t    head;
    uint8_t   line[RT_BUS_HEAD_MAX], *text, *again;
    rt_bus_t  m;

    text = malloc(size + 1);
    again = malloc(size + 1);

    must(text && again);

    memcpy(text, data, size);

    if (rt_bus_parse(text, size, &m)) {
        head = rt_bus_head(&m, line);

        must(head <= RT_BUS_HEAD_MAX);
        must(rt_bus_len(head, &m) == size);
        must(m.data.data == text + head);
        must(m.tags.data + m.tags.len == text + size);
        must(rt_bus_build(again, line, head, &m) == again + size);
        must(memcmp(again, text, size) == 0);
    }

    free(again);
    free(text);

    return 0;
}
