
/*
 * Epochs of durable channels: see rt_epoch.h.
 *
 * Called by state/, and by stream/ with what Redis answers.  No locking: no
 * state.
 */


#include "rt_epoch.h"


uint64_t
rt_epoch_parse(const uint8_t *text, size_t len)
{
    size_t    i;
    uint64_t  n;

    if (len != RT_EPOCH_LEN) {
        return 0;
    }

    n = 0;

    for (i = RT_EPOCH_LEN; i--; /* void */ ) {

        if (text[i] < 'a' || text[i] > 'z') {
            return 0;
        }

        n = n * 26 + (text[i] - 'a');
    }

    return n | RT_EPOCH_DURABLE;
}


void
rt_epoch_text(uint64_t source, uint8_t *text)
{
    size_t  i;

    source &= ~RT_EPOCH_DURABLE;

    for (i = 0; i < RT_EPOCH_LEN; i++) {
        text[i] = 'a' + source % 26;
        source /= 26;
    }
}
