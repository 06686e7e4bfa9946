
/*
 * Classes of Redis's errors.  Called by redis/.  No locking: no state.
 */


#include "rt_redis_error.h"


static rt_redis_error_e rt_redis_error_word(const uint8_t *p,
    const uint8_t *last);
static rt_redis_error_e rt_redis_error_text(const uint8_t *text, size_t len);
static const uint8_t *rt_redis_error_script(const uint8_t *p,
    const uint8_t *last);


/* without a word: told by its text, or by none */
static const struct {
    const char         *word;
    const char         *name;
    rt_redis_remedy_e   remedy;
} rt_redis_error_list[RT_REDIS_ERRORS] = {
    [RT_REDIS_NOSCRIPT] = { "NOSCRIPT", "noscript", RT_REDIS_LOAD },

    [RT_REDIS_LOADING] = { "LOADING", "loading", RT_REDIS_RETRY },
    [RT_REDIS_BUSY] = { "BUSY", "busy", RT_REDIS_RETRY },
    [RT_REDIS_OOM] = { "OOM", "oom", RT_REDIS_RETRY },
    [RT_REDIS_MISCONF] = { "MISCONF", "misconf", RT_REDIS_RETRY },
    [RT_REDIS_NOREPLICAS] = { "NOREPLICAS", "noreplicas", RT_REDIS_RETRY },
    [RT_REDIS_CLUSTERDOWN] = { "CLUSTERDOWN", "clusterdown", RT_REDIS_RETRY },
    [RT_REDIS_TRYAGAIN] = { "TRYAGAIN", "tryagain", RT_REDIS_RETRY },

    [RT_REDIS_MAXCLIENTS] = { NULL, "maxclients", RT_REDIS_RECONNECT },
    [RT_REDIS_READONLY] = { "READONLY", "readonly", RT_REDIS_RECONNECT },
    [RT_REDIS_MASTERDOWN] = { "MASTERDOWN", "masterdown",
                              RT_REDIS_RECONNECT },
    [RT_REDIS_NOAUTH] = { "NOAUTH", "noauth", RT_REDIS_RECONNECT },
    [RT_REDIS_WRONGPASS] = { "WRONGPASS", "wrongpass", RT_REDIS_RECONNECT },

    [RT_REDIS_MOVED] = { "MOVED", "moved", RT_REDIS_PERMANENT },
    [RT_REDIS_ASK] = { "ASK", "ask", RT_REDIS_PERMANENT },
    [RT_REDIS_CROSSSLOT] = { "CROSSSLOT", "crossslot", RT_REDIS_PERMANENT },
    [RT_REDIS_NOPERM] = { "NOPERM", "noperm", RT_REDIS_PERMANENT },
    [RT_REDIS_WRONGTYPE] = { "WRONGTYPE", "wrongtype", RT_REDIS_PERMANENT },
    [RT_REDIS_ERR] = { "ERR", "err", RT_REDIS_PERMANENT },
    [RT_REDIS_OTHER] = { NULL, "other", RT_REDIS_PERMANENT }
};


rt_redis_error_e
rt_redis_error(const uint8_t *text, size_t len)
{
    const uint8_t     *last, *p;
    rt_redis_error_e   error, inner;

    last = text + len;
    error = rt_redis_error_word(text, last);

    if (error != RT_REDIS_ERR) {
        return error;
    }

    error = rt_redis_error_text(text, len);

    if (error != RT_REDIS_ERR) {
        return error;
    }

    p = rt_redis_error_script(text, last);

    if (p == NULL) {
        return error;
    }

    inner = rt_redis_error_word(p, last);

    return inner == RT_REDIS_OTHER ? error : inner;
}


static rt_redis_error_e
rt_redis_error_word(const uint8_t *p, const uint8_t *last)
{
    size_t            len;
    const char       *word;
    const uint8_t    *end;
    rt_redis_error_e  i;

    end = p < last ? memchr(p, ' ', last - p) : NULL;
    len = (end ? end : last) - p;

    for (i = 0; i < RT_REDIS_ERRORS; i++) {
        word = rt_redis_error_list[i].word;

        if (word && strlen(word) == len && memcmp(word, p, len) == 0) {
            return i;
        }
    }

    return RT_REDIS_OTHER;
}


/* of those that have no word of their own */

static rt_redis_error_e
rt_redis_error_text(const uint8_t *text, size_t len)
{
    size_t  i, n;

    static const struct {
        const char        *text;
        rt_redis_error_e   error;
    } list[] = {
        { "ERR max number of clients", RT_REDIS_MAXCLIENTS },
        { "ERR The user executing the script can't", RT_REDIS_NOPERM }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        n = strlen(list[i].text);

        if (len >= n && memcmp(text, list[i].text, n) == 0) {
            return list[i].error;
        }
    }

    return RT_REDIS_ERR;
}


/*
 * "ERR Error running script (call to f_SHA): @user_script:7: -OOM ...": what
 * stands behind the number of the line, with or without a minus
 */

static const uint8_t *
rt_redis_error_script(const uint8_t *p, const uint8_t *last)
{
    const uint8_t  *colon;

    static const char  head[] = "ERR Error running script";

    if ((size_t) (last - p) < sizeof(head)
        || memcmp(p, head, sizeof(head) - 1) != 0)
    {
        return NULL;
    }

    for (p += sizeof(head); /* void */ ; p = colon + 1) {
        colon = memchr(p, ':', last - p);

        if (colon == NULL || last - colon < 4) {
            return NULL;
        }

        if (colon[1] != ' ') {
            continue;
        }

        if (colon[2] == '-') {
            return colon + 3;
        }

        if (rt_redis_error_word(colon + 2, last) != RT_REDIS_OTHER) {
            return colon + 2;
        }
    }
}


const char *
rt_redis_error_name(rt_redis_error_e error)
{
    return rt_redis_error_list[error].name;
}


rt_redis_remedy_e
rt_redis_error_remedy(rt_redis_error_e error)
{
    return rt_redis_error_list[error].remedy;
}
