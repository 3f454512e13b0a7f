/* lease/redis_test.c - databases of a real redis server, one for each test. */

#include <seam/redis.h>

SEAM_FILE(.tags = "integration");

SEAM_TEST(redis_database_is_empty_each_time)
{
    for (int i = 0; i < 3; i++) {
        seam_redis *redis = seam_redis_start(t);

        seam_check_str(t, seam_redis_command(redis, "DBSIZE"), "0");
        seam_check_null(t, seam_redis_command(redis, "GET", "key"));
        seam_check_str(t, seam_redis_command(redis, "SET", "key", "two words"), "OK");
        seam_check_str(t, seam_redis_command(redis, "GET", "key"), "two words");
        seam_check_str(t, seam_redis_command(redis, "MGET", "key", "key"),
                       "two words\ntwo words");
    }
}

SEAM_TEST(redis_url_has_all_that_is_needed)
{
    seam_redis *redis = seam_redis_start(t);

    seam_check_str(t, seam_redis_url(redis),
                   seam_format(t, "redis://:%s@%s:%d/%d", seam_redis_password(redis),
                               seam_redis_host(redis), seam_redis_port(redis),
                               seam_redis_database(redis)));
}

SEAM_TEST(redis_private_server_is_empty_after_a_restart)
{
    seam_redis *redis = seam_redis_start(t, .private_server = true, .no_password = true);

    seam_check_str(t, seam_redis_password(redis), "");
    seam_redis_command(redis, "SET", "key", "value");
    seam_redis_pause(redis);
    seam_redis_resume(redis);
    seam_check_str(t, seam_redis_command(redis, "GET", "key"), "value");
    seam_redis_stop(redis);
    seam_redis_restart(redis);
    seam_check_null(t, seam_redis_command(redis, "GET", "key"));
}
