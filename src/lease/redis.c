/* lease/redis.c - a redis database for a test; see seam/redis.h. */

#include "seam/redis.h"

#include <stdarg.h>

#include "lease/lease.h"
#include "test/t.h"

struct seam_redis {
    struct lease *lease;
    const char *url, *host, *socket, *user, *password, *version, *ca_file;
    int port;
    int database;
};

seam_redis *seam_redis_start_at(seam_t *t, const seam_redis_options *options)
{
    seam_redis *redis = arena_zero(t_arena(t), sizeof *redis);
    struct message answer;
    struct buf frame;

    lease_request(&frame, "redis.start");
    message_add_text(&frame, "test", seam_name(t));
    if (options->private_server)
        message_add_int(&frame, "private", 1);
    if (options->no_password)
        message_add_int(&frame, "open", 1);
    if (options->tls)
        message_add_int(&frame, "tls", 1);
    if (options->by_prefix)
        message_add_int(&frame, "prefix", 1);
    lease_add_path(t, options->site, "config", options->config, &frame);
    for (int i = 0; i < SEAM_REDIS_ARGS && options->args[i]; i++)
        message_add_text(&frame, "arg", options->args[i]);
    message_add_text(&frame, "image", options->image);
    lease_add_tier(t, options->site, "redis", &frame);
    message_end(&frame, 0);
    redis->lease = lease_start(t, options->site, "redis", &frame, &answer);
    buf_fini(&frame);
    lease_show_log(redis->lease);
    redis->url = lease_text(redis->lease, &answer, "url");
    redis->host = lease_text(redis->lease, &answer, "host");
    redis->socket = lease_text(redis->lease, &answer, "socket");
    redis->user = lease_text(redis->lease, &answer, "user");
    redis->ca_file = lease_text(redis->lease, &answer, "ca_file");
    redis->password = lease_text(redis->lease, &answer, "password");
    redis->version = lease_text(redis->lease, &answer, "version");
    redis->port = (int)message_int(&answer, "port", 0);
    redis->database = (int)message_int(&answer, "database", 0);
    return redis;
}

const char *seam_redis_url(const seam_redis *redis)
{
    return redis->url;
}

const char *seam_redis_host(const seam_redis *redis)
{
    return redis->host;
}

int seam_redis_port(const seam_redis *redis)
{
    return redis->port;
}

const char *seam_redis_socket(const seam_redis *redis)
{
    return redis->socket;
}

const char *seam_redis_user(const seam_redis *redis)
{
    return redis->user;
}

const char *seam_redis_prefix(const seam_redis *redis)
{
    return *redis->user ? arena_printf(t_arena(redis->lease->t), "%s:", redis->user) : "";
}

const char *seam_redis_ca_file(const seam_redis *redis)
{
    if (!*redis->ca_file)
        seam_fatal_at(redis->lease->t, redis->lease->site,
                      "redis: it was started without .tls");
    return redis->ca_file;
}

const char *seam_redis_password(const seam_redis *redis)
{
    return redis->password;
}

int seam_redis_database(const seam_redis *redis)
{
    return redis->database;
}

const char *seam_redis_version(const seam_redis *redis)
{
    return redis->version;
}

const char *seam_redis_command_at(seam_redis *redis, seam_site at, const char *word, ...)
{
    struct message answer;
    struct buf frame;
    va_list words;
    int r;

    lease_request(&frame, "command");
    va_start(words, word);
    for (; word; word = va_arg(words, const char *))
        message_add_text(&frame, "word", word);
    va_end(words);
    message_end(&frame, 0);
    r = lease_ask(redis->lease, at, &frame, &answer);
    buf_fini(&frame);
    if (r < 0)
        seam_fatal_at(redis->lease->t, at, "redis: %s",
                      lease_text(redis->lease, &answer, "error"));
    return message_int(&answer, "null", 0) != 0 ? NULL
                                                : lease_text(redis->lease, &answer, "value");
}

void seam_redis_stop_at(seam_redis *redis, seam_site at)
{
    lease_do(redis->lease, at, "stop", "stop");
}

void seam_redis_restart_at(seam_redis *redis, seam_site at)
{
    lease_do(redis->lease, at, "start", "restart");
}

void seam_redis_pause_at(seam_redis *redis, seam_site at)
{
    lease_do(redis->lease, at, "pause", "pause");
}

void seam_redis_resume_at(seam_redis *redis, seam_site at)
{
    lease_do(redis->lease, at, "continue", "resume");
}
