/* service/modules/redis.c - leases of redis databases and servers. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/keeper.h"
#include "service/modules/redis_client.h"
#include "service/modules/redis_server.h"

enum { WORDS_MAX = 1024 };

/* What a test holds: a database of a shared server, or a server. */
struct redis_lease {
    struct redis_server *server;
    bool is_private;
    int database;
    struct redis_client *client; /* of the verbs; opened by the first */
};

/* Shared servers, by whether they ask for a password; a full or dead one is replaced. */
static struct {
    pthread_mutex_t lock; /* held while one starts: who waits wants the same */
    struct redis_server *server[2];
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int get_shared(struct lease *lease, bool open, struct redis_lease *mine, bool *ret_skip,
                      struct err *err)
{
    struct redis_server **server = &shared.server[open];
    int r = 0;

    pthread_mutex_lock(&shared.lock);
    if (*server && !redis_server_is_alive(*server)) {
        keeper_remove(lease->keeper, &(*server)->service);
        *server = NULL;
    }
    mine->database = *server ? redis_server_take(*server) : -ENOSPC;
    if (mine->database < 0) {
        r = redis_server_start(lease->keeper, open, server, ret_skip, err);
        mine->database = r == 0 ? redis_server_take(*server) : r;
    }
    mine->server = *server;
    pthread_mutex_unlock(&shared.lock);
    return r;
}

static const char *password_of(const struct redis_server *server)
{
    return server->password[0] ? server->password : NULL;
}

/* The lease's own connection, in its own database; made again when a restart has cut it. */
static int connection(struct redis_lease *mine, struct err *err)
{
    char number[16];
    const char *const words[] = { "SELECT", number, NULL };
    int r;

    if (mine->client)
        return 0;
    snprintf(number, sizeof number, "%d", mine->database);
    r = redis_open(mine->server->socket, password_of(mine->server), &mine->client, err);
    if (r == 0)
        r = redis_run(mine->client, err, words);
    if (r < 0) {
        redis_close(mine->client);
        mine->client = NULL;
    }
    return r;
}

static void describe(const struct redis_lease *mine, struct buf *reply)
{
    const struct redis_server *server = mine->server;
    struct buf url = BUF_INIT(256);

    buf_add_text(&url, "redis://");
    if (server->password[0])
        buf_printf(&url, ":%s@", server->password);
    buf_printf(&url, "127.0.0.1:%d/%d", server->port, mine->database);
    message_add_text(reply, "url", buf_text(&url));
    message_add_text(reply, "host", "127.0.0.1");
    message_add_int(reply, "port", server->port);
    message_add_text(reply, "socket", server->socket);
    message_add_int(reply, "database", mine->database);
    message_add_text(reply, "password", server->password);
    message_add_text(reply, "version", server->service.version);
    buf_fini(&url);
}

static void let_go(struct redis_lease *mine)
{
    redis_close(mine->client);
    keeper_count(mine->server->keeper, &mine->server->service, -1);
    if (mine->is_private)
        redis_server_free(mine->server);
    else
        redis_server_give(mine->server, mine->database);
    free(mine);
}

static int redis_start(struct lease *lease, const struct message *request, struct buf *reply)
{
    static const char *const flush[] = { "FLUSHDB", NULL };
    struct redis_lease *mine = calloc(1, sizeof *mine);
    bool open = message_int(request, "open", 0) != 0;
    struct err err = { "out of memory" };
    bool skip = false;
    int r = mine ? 0 : -ENOMEM;

    if (r == 0) {
        mine->is_private = message_int(request, "private", 0) != 0;
        r = mine->is_private
                ? redis_server_start(lease->keeper, open, &mine->server, &skip, &err)
                : get_shared(lease, open, mine, &skip, &err);
    }
    if (r < 0) {
        free(mine);
        return skip ? keeper_skip(reply, "apt-get install redis-server", "needs redis: %s",
                                  err.text)
                    : keeper_error(reply, "%s", err.text);
    }
    keeper_count(lease->keeper, &mine->server->service, 1);
    r = connection(mine, &err);
    if (r == 0)
        r = redis_run(mine->client, &err, flush);
    if (r < 0) {
        let_go(mine);
        return keeper_error(reply, "%s", err.text);
    }
    lease->state = mine;
    describe(mine, reply);
    return 0;
}

/* Send the words of the request and answer with what came back. */
static int do_command(struct redis_lease *mine, const struct message *request,
                      struct buf *reply)
{
    struct buf value = BUF_INIT(REPLY_MAX / 2);
    const char *words[WORDS_MAX];
    size_t sizes[WORDS_MAX], count = 0, at = 0;
    struct message key, word;
    enum redis_found found = REDIS_NULL;
    struct err err = { "" };
    int r;

    while (count < WORDS_MAX && message_next(request, &at, &key, &word) == 1)
        if (key.size == strlen("word") && memcmp(key.data, "word", key.size) == 0) {
            words[count] = word.data;
            sizes[count++] = word.size;
        }
    if (count == 0)
        return keeper_error(reply, "the command has no words");
    r = connection(mine, &err);
    if (r == 0)
        r = redis_command(mine->client, words, sizes, count, &found, &value, &err);
    if (r == -ENOTCONN) {
        redis_close(mine->client);
        mine->client = NULL;
    }
    if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    else if (found == REDIS_NULL)
        message_add_int(reply, "null", 1);
    else
        message_add(reply, "value", buf_text(&value), value.size);
    buf_fini(&value);
    return r;
}

static int do_control(struct redis_lease *mine, const char *verb, struct buf *reply)
{
    struct err err = { "" };
    int r = 0;

    if (!mine->is_private)
        return keeper_error(reply,
                            "other tests use this server too: ask for .private_server = true");
    if (strcmp(verb, "stop") == 0) {
        redis_close(mine->client);
        mine->client = NULL;
        redis_server_stop(mine->server);
    } else if (strcmp(verb, "start") == 0)
        r = redis_server_is_alive(mine->server) ? 0 : redis_server_boot(mine->server, &err);
    else
        redis_server_pause(mine->server, strcmp(verb, "pause") == 0);
    return r < 0 ? keeper_error(reply, "%s", err.text) : 0;
}

static int redis_verb(struct lease *lease, const char *verb, const struct message *request,
                      struct buf *reply)
{
    static const char *const controls[] = { "stop", "start", "pause", "continue" };
    struct redis_lease *mine = lease->state;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(mine, verb, reply);
    if (strcmp(verb, "command") != 0)
        return keeper_error(reply, "redis has no verb '%s'", verb);
    if (mine->server->paused)
        return keeper_error(reply, "the server is paused");
    return do_command(mine, request, reply);
}

static void redis_end(struct lease *lease, bool keep, struct buf *note)
{
    struct redis_lease *mine = lease->state;

    if (!keep) {
        let_go(mine);
        return;
    }
    redis_close(mine->client);
    buf_printf(note, "redis-cli -s '%s' -n %d", mine->server->socket, mine->database);
    if (mine->server->password[0])
        buf_printf(note, " --no-auth-warning -a %s", mine->server->password);
    free(mine);
}

const struct module redis_module = {
    .start_verb = "redis.start",
    .start = redis_start,
    .verb = redis_verb,
    .end = redis_end,
};
