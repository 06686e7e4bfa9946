
/*
 * Errors of Redis: each class by name, what follows from it, and what only
 * looks like one.
 */


#include "rt_redis_error.h"
#include "tap.h"


int
main(void)
{
    size_t            i, len;
    uint8_t          *text;
    rt_redis_error_e  error;

    static const struct {
        const char         *text, *name;
        rt_redis_remedy_e   remedy;
    } table[] = {
        { "NOSCRIPT No matching script. Please use EVAL.", "noscript",
          RT_REDIS_LOAD },
        { "LOADING Redis is loading the dataset in memory", "loading",
          RT_REDIS_RETRY },
        { "BUSY Redis is busy running a script.", "busy", RT_REDIS_RETRY },
        { "OOM command not allowed when used memory > 'maxmemory'.", "oom",
          RT_REDIS_RETRY },
        { "MISCONF Redis is configured to save RDB snapshots", "misconf",
          RT_REDIS_RETRY },
        { "NOREPLICAS Not enough good replicas to write.", "noreplicas",
          RT_REDIS_RETRY },
        { "CLUSTERDOWN The cluster is down", "clusterdown", RT_REDIS_RETRY },
        { "TRYAGAIN Multiple keys request during rehashing", "tryagain",
          RT_REDIS_RETRY },
        { "ERR max number of clients reached", "maxclients",
          RT_REDIS_RECONNECT },
        { "ERR The user executing the script can't run this command or "
          "subcommand", "noperm", RT_REDIS_PERMANENT },
        { "ERR The user executing the script", "err", RT_REDIS_PERMANENT },
        { "READONLY You can't write against a read only replica.", "readonly",
          RT_REDIS_RECONNECT },
        { "MASTERDOWN Link with MASTER is down", "masterdown",
          RT_REDIS_RECONNECT },
        { "NOAUTH Authentication required.", "noauth", RT_REDIS_RECONNECT },
        { "WRONGPASS invalid username-password pair", "wrongpass",
          RT_REDIS_RECONNECT },
        { "MOVED 3999 127.0.0.1:6381", "moved", RT_REDIS_PERMANENT },
        { "ASK 3999 127.0.0.1:6381", "ask", RT_REDIS_PERMANENT },
        { "CROSSSLOT Keys in request don't hash to the same slot",
          "crossslot", RT_REDIS_PERMANENT },
        { "NOPERM this user has no permissions", "noperm",
          RT_REDIS_PERMANENT },
        { "WRONGTYPE Operation against a key", "wrongtype",
          RT_REDIS_PERMANENT },
        { "ERR syntax error", "err", RT_REDIS_PERMANENT },
        { "ERR", "err", RT_REDIS_PERMANENT },
        { "OOM", "oom", RT_REDIS_RETRY },
        { "", "other", RT_REDIS_PERMANENT },
        { " ", "other", RT_REDIS_PERMANENT },
        { "OK", "other", RT_REDIS_PERMANENT },
        { "oom x", "other", RT_REDIS_PERMANENT },
        { "OOMX x", "other", RT_REDIS_PERMANENT },
        { "OO", "other", RT_REDIS_PERMANENT },
        { "EXECABORT Transaction discarded", "other", RT_REDIS_PERMANENT },

        /* passed on by a script of an older Redis */
        { "ERR Error running script (call to f_ab): @user_script:7: -OOM no",
          "oom", RT_REDIS_RETRY },
        { "ERR Error running script (call to f_ab): @user_script:7: "
          "@user_script: 7: -READONLY You can't", "readonly",
          RT_REDIS_RECONNECT },
        { "ERR Error running script (call to f_ab): @user_script:7: "
          "WRONGTYPE Operation", "wrongtype", RT_REDIS_PERMANENT },
        { "ERR Error running script (call to f_ab): @user_script:7: "
          "attempt to index a nil value", "err", RT_REDIS_PERMANENT },
        { "ERR Error running script (call to f_ab): @user_script:7: -X y",
          "err", RT_REDIS_PERMANENT },
        { "ERR Error running script", "err", RT_REDIS_PERMANENT },
        { "ERR Error running script:", "err", RT_REDIS_PERMANENT },
        { "ERR it says : -OOM in the middle", "err", RT_REDIS_PERMANENT }
    };

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        len = strlen(table[i].text);
        text = malloc(len ? len : 1);
        memcpy(text, table[i].text, len);

        error = rt_redis_error(text, len);

        ok(strcmp(rt_redis_error_name(error), table[i].name) == 0,
           "\"%s\" is %s", table[i].text, rt_redis_error_name(error));
        ok(rt_redis_error_remedy(error) == table[i].remedy,
           "the remedy for \"%s\"", table[i].text);

        free(text);
    }

    tap_group("classes");

    for (error = 0; error < RT_REDIS_ERRORS; error++) {
        ok(rt_redis_error_name(error) != NULL, "class %d has a name", error);
    }

    tap_group("names");

    return tap_done();
}
