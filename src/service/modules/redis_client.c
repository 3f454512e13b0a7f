/* service/modules/redis_client.c - a connection to a redis server; see redis_client.h. */

#include "service/modules/redis_client.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { REPLY_TEXT_MAX = 8 << 20, DEPTH_MAX = 8 };

/* Longer than a test waits for its answer: who waits for more than that waits for nobody. */
static const struct timeval answer_most = { .tv_sec = 130 };

struct redis_client {
    redisContext *context;
};

static int log_in(struct redis_client *client, const struct redis_address *address,
                  struct err *err)
{
    const char *const alone[] = { "AUTH", address->password, NULL };
    const char *const as_user[] = { "AUTH", address->user, address->password, NULL };

    if (!address->password)
        return 0;
    return redis_run(client, err, address->user ? as_user : alone);
}

int redis_open(const struct redis_address *address, struct redis_client **ret, struct err *err)
{
    struct redis_client *client = calloc(1, sizeof *client);
    int r = 0;

    if (!client)
        return err_set(err, -ENOMEM, "out of memory");
    client->context = address->port
                          ? redisConnectWithTimeout(address->host, address->port, answer_most)
                          : redisConnectUnixWithTimeout(address->host, answer_most);
    if (client->context && !client->context->err)
        redisSetTimeout(client->context, answer_most);
    if (!client->context || client->context->err)
        r = err_set(err, -ENOTCONN, "cannot connect to redis at '%s': %s", address->host,
                    client->context ? client->context->errstr : "out of memory");
    if (r == 0)
        r = log_in(client, address, err);
    if (r < 0) {
        redis_close(client);
        return r;
    }
    *ret = client;
    return 0;
}

void redis_close(struct redis_client *client)
{
    if (client && client->context)
        redisFree(client->context);
    free(client);
}

static void add_reply(const redisReply *reply, int depth, struct buf *ret)
{
    switch (reply->type) {
    case REDIS_REPLY_NIL:
        break;
    case REDIS_REPLY_INTEGER:
        buf_printf(ret, "%lld", reply->integer);
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements && depth < DEPTH_MAX; i++) {
            if (i > 0)
                buf_add_char(ret, '\n');
            add_reply(reply->element[i], depth + 1, ret);
        }
        break;
    default:
        buf_add(ret, reply->str, reply->len);
    }
}

int redis_command(struct redis_client *client, const char *const *words, const size_t *sizes,
                  size_t count, enum redis_found *ret_found, struct buf *ret, struct err *err)
{
    redisReply *reply =
        redisCommandArgv(client->context, (int)count, (const char **)words, sizes);
    const int size = (int)(sizes ? sizes[0] : strlen(words[0]));
    int r = 0;

    if (!reply)
        return err_set(err, -ENOTCONN, "%.*s: %s", size, words[0], client->context->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        r = err_set(err, -EREMOTEIO, "%.*s: %s", size, words[0], reply->str);
    else {
        *ret_found = reply->type == REDIS_REPLY_NIL ? REDIS_NULL : REDIS_VALUE;
        add_reply(reply, 0, ret);
        if (ret->failed)
            r = err_set(err, -ENOBUFS, "%.*s: the reply is too long", size, words[0]);
    }
    freeReplyObject(reply);
    return r;
}

int redis_run(struct redis_client *client, struct err *err, const char *const *words)
{
    struct buf reply = BUF_INIT(REPLY_TEXT_MAX);
    enum redis_found found;
    size_t count = 0;
    int r;

    while (words[count])
        count++;
    r = redis_command(client, words, NULL, count, &found, &reply, err);
    buf_fini(&reply);
    return r;
}
