
/*
 * INFO: what is taken from it, and that nothing else does harm.
 */


#include "rt_redis_info.h"
#include "tap.h"


static void
read_text(rt_redis_info_t *info, const char *z)
{
    size_t    len;
    uint8_t  *text;

    len = strlen(z);
    text = malloc(len ? len : 1);
    memcpy(text, z, len);

    rt_redis_info_read(info, text, len);
    free(text);
}


static void
test_sections(void)
{
    rt_redis_info_t  info;

    memset(&info, 0, sizeof(rt_redis_info_t));

    read_text(&info, "# Server\r\nredis_version:7.0.15\r\n"
              "redis_mode:standalone\r\nrun_id:"
              "0123456789012345678901234567890123456789\r\n");
    read_text(&info, "# Replication\r\nrole:master\r\n");
    read_text(&info, "# Persistence\r\nloading:0\r\nasync_loading:0\r\n"
              "aof_enabled:1\r\n");
    read_text(&info, "# Memory\r\nmaxmemory:0\r\n"
              "maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n");

    ok(info.version == 7 && !info.cluster && !info.replica && !info.loading
       && info.aof && !info.evicts && !info.unbounded,
       "a Redis as it should be");
    ok(strcmp((char *) info.run, "0123456789012345678901234567890123456789")
       == 0, "its run: %s", info.run);

    read_text(&info, "redis_version:10.1\r\nredis_mode:cluster\r\n"
              "role:slave\r\nloading:1\r\naof_enabled:0\r\n"
              "maxmemory:0\r\nmaxmemory_policy:allkeys-lru");

    ok(info.version == 10 && info.cluster && info.replica && info.loading
       && !info.aof && info.evicts && info.unbounded,
       "another, whose last line has no end");
    ok(strcmp((char *) info.policy, "allkeys-lru") == 0, "its policy");

    tap_group("sections");
}


static void
test_malformed(void)
{
    int              i, k;
    char             z[200];
    rt_redis_info_t  info;

    memset(&info, 0, sizeof(rt_redis_info_t));

    read_text(&info, "");
    read_text(&info, ":\r\n::\n\r\n\n:x\nredis_version:\nrun_id:\nloading");
    read_text(&info, "redis_version:-1\r\nxrole:slave\r\nrole:slav\r\n");

    ok(info.version == 0 && info.run[0] == '\0' && !info.replica,
       "nothing is taken from nothing");

    read_text(&info, "redis_version:99999999999999999999\r\n");
    ok(info.version == 9999, "a version without end: %u", info.version);

    memset(z, 'r', sizeof(z));
    memcpy(z, "run_id:", 7);
    z[10] = '\x01';
    z[199] = '\0';

    read_text(&info, z);
    ok(strlen((char *) info.run) == RT_REDIS_RUN_LEN && info.run[3] == '?',
       "a run that is too long, and unfit for a log: %s", info.run);

    for (i = 0; i < 100000; i++) {
        for (k = 0; k < 40; k++) {
            z[k] = "role:redis_version:run_id\r\n\n::"[rand() % 30];
        }

        z[rand() % 40] = '\0';
        read_text(&info, z);
    }

    ok(1, "anything");
    tap_group("malformed");
}


int
main(void)
{
    test_sections();
    test_malformed();

    return tap_done();
}
