/* service/modules/redis.c - leases of redis databases, prefixes of keys, and servers. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/message_list.h"
#include "service/keeper.h"
#include "service/modules/log_slice.h"
#include "service/modules/redis_client.h"
#include "service/modules/redis_server.h"

enum { WORDS_MAX = 1024, NAME_ROOM = 40, KEY_MAX = 64 << 10, LOG_MAX = 64 << 10 };

/* What a test holds: a database of a shared server, the keys and channels of one prefix, or a server. */
struct redis_lease {
    struct redis_server *server;
    bool is_private;
    int database;
    size_t log_from; /* what the log had when the lease began */
    char user[NAME_ROOM]; /* whose name is the prefix as well; "": all keys of the database */
    char password[NAME_ROOM];
    struct redis_client *client; /* of the verbs; opened by the first */
};

/* ---- servers that tests share ----------------------------------------------------------- */

/* Equal wishes share one server; a full or dead one is replaced. */
struct shared {
    struct shared *next;
    char *key;
    struct redis_server *server;
};

static struct {
    pthread_mutex_t lock; /* held while one starts: who waits mostly wants the same */
    struct shared *list;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct shared *find_shared(const struct redis_wish *wish)
{
    struct buf key = BUF_INIT(KEY_MAX);
    struct shared *one;

    buf_printf(&key, "%d %d %d %s %s", wish->open, wish->tls, wish->is_boxed,
               wish->choice.image ? wish->choice.image : "", wish->config ? wish->config : "");
    for (const char *const *at = wish->args; *at; at++)
        buf_printf(&key, "\n%s", *at);
    for (one = shared.list; one; one = one->next)
        if (strcmp(one->key, buf_text(&key)) == 0)
            break;
    if (!one && !key.failed && (one = calloc(1, sizeof *one))) {
        one->key = buf_take(&key);
        one->next = shared.list;
        shared.list = one;
    }
    buf_fini(&key);
    return one;
}

static int get_shared(struct lease *lease, const struct redis_wish *wish,
                      struct redis_lease *mine, bool *ret_skip, const char **ret_remedy,
                      struct err *err)
{
    struct shared *one;
    int r = 0;

    pthread_mutex_lock(&shared.lock);
    one = find_shared(wish);
    if (!one) {
        pthread_mutex_unlock(&shared.lock);
        return err_set(err, -ENOMEM, "out of memory");
    }
    if (one->server && !redis_server_is_alive(one->server)) {
        redis_server_abandon(one->server);
        one->server = NULL;
    }
    mine->database = !one->server    ? -ENOSPC
                     : mine->user[0] ? 0
                                     : redis_server_take(one->server);
    if (mine->database < 0) {
        r = redis_server_start(lease->keeper, wish, &one->server, ret_skip, ret_remedy, err);
        mine->database = r < 0 || mine->user[0] ? 0 : redis_server_take(one->server);
    }
    mine->server = one->server;
    pthread_mutex_unlock(&shared.lock);
    return r;
}

/* ---- a lease ---------------------------------------------------------------------------- */

/* The lease's own connection, in its own database; made again when a restart has cut it. */
static int connection(struct redis_lease *mine, struct err *err)
{
    char number[16];
    const char *const select[] = { "SELECT", number, NULL };
    const char *const log_in[] = { "AUTH", mine->user, mine->password, NULL };
    int r;

    if (mine->client)
        return 0;
    snprintf(number, sizeof number, "%d", mine->database);
    r = redis_server_open(mine->server, &mine->client, err);
    if (r == 0)
        r = redis_run(mine->client, err, mine->user[0] ? log_in : select);
    if (r < 0) {
        redis_close(mine->client);
        mine->client = NULL;
    }
    return r;
}

static const char *password_of(const struct redis_lease *mine)
{
    return mine->user[0] ? mine->password : mine->server->password;
}

static void describe(const struct redis_lease *mine, struct buf *reply)
{
    const struct redis_server *server = mine->server;
    int port = server->tls_port ? server->tls_port : server->port;
    struct buf url = BUF_INIT(512);

    buf_printf(&url, "%s://", server->tls_port ? "rediss" : "redis");
    if (password_of(mine)[0])
        buf_printf(&url, "%s:%s@", mine->user, password_of(mine));
    buf_printf(&url, "%s:%d/%d", server->host, port, mine->database);
    message_add_text(reply, "url", buf_text(&url));
    message_add_text(reply, "host", server->host);
    message_add_int(reply, "port", port);
    message_add_text(reply, "socket", server->socket);
    message_add_int(reply, "database", mine->database);
    message_add_text(reply, "user", mine->user);
    message_add_text(reply, "password", password_of(mine));
    message_add_text(reply, "version", server->service.version);
    message_add_text(reply, "ca_file", server->ca_file);
    buf_fini(&url);
}

/* ---- a prefix --------------------------------------------------------------------------- */

/* A user who may do all with keys and channels that begin with "<name>:", and nothing that concerns the server. */
static int add_user(struct redis_lease *mine, struct err *err)
{
    char keys[NAME_ROOM + 4], channels[NAME_ROOM + 4], password[NAME_ROOM + 1];
    const char *const words[] = {
        "ACL",    "SETUSER", mine->user,    "on",      password, keys,
        channels, "+@all",   "-@dangerous", "-@admin", "+info",  NULL
    };
    struct redis_client *client = NULL;
    int r;

    snprintf(keys, sizeof keys, "~%s:*", mine->user);
    snprintf(channels, sizeof channels, "&%s:*", mine->user);
    snprintf(password, sizeof password, ">%s", mine->password);
    r = redis_server_open(mine->server, &client, err);
    if (r == 0)
        r = redis_run(client, err, words);
    redis_close(client);
    return r;
}

static const char remove_keys[] = "local at = '0' repeat local found = redis.call('SCAN', at, "
                                  "'MATCH', ARGV[1], 'COUNT', 1000) "
                                  "at = found[1] for _, key in ipairs(found[2]) do "
                                  "redis.call('UNLINK', key) end until at == '0'";

static void remove_user(struct redis_lease *mine)
{
    char pattern[NAME_ROOM + 4];
    const char *const leave[] = { "ACL", "DELUSER", mine->user, NULL };
    const char *const clear[] = { "EVAL", remove_keys, "0", pattern, NULL };
    struct redis_client *client = NULL;

    snprintf(pattern, sizeof pattern, "%s:*", mine->user);
    if (redis_server_open(mine->server, &client, NULL) == 0) {
        redis_run(client, NULL, leave); /* first: nobody comes back */
        redis_run(client, NULL, clear);
    }
    redis_close(client);
}

static int name_user(struct redis_lease *mine, struct err *err)
{
    static atomic_int number;
    unsigned char bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, -EIO, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(mine->password + 2 * i, 3, "%02x", bytes[i]);
    snprintf(mine->user, sizeof mine->user, "t%d", ++number);
    return 0;
}

/* ---- start ------------------------------------------------------------------------------ */

static void let_go(struct redis_lease *mine)
{
    redis_close(mine->client);
    if (mine->user[0] && redis_server_is_alive(mine->server) && !mine->server->paused)
        remove_user(mine);
    redis_server_count(mine->server, -1);
    if (mine->is_private)
        redis_server_free(mine->server);
    else if (!mine->user[0])
        redis_server_give(mine->server, mine->database);
    free(mine);
}

static void read_wish(const struct message *request, struct arena *arena,
                      struct redis_wish *ret)
{
    *ret = (struct redis_wish){ .open = message_int(request, "open", 0) != 0,
                                .tls = message_int(request, "tls", 0) != 0,
                                .is_private = message_int(request, "private", 0) != 0,
                                .config = message_copy(request, "config", arena),
                                .args = message_list(request, "arg", arena) };
    box_choice_read(request, arena, &ret->choice);
    ret->is_boxed = ret->choice.tier == BOX_DOCKER || ret->choice.image;
    ret->may_pull = ret->is_boxed;
}

static int get_one(struct lease *lease, const struct redis_wish *wish, struct redis_lease *mine,
                   bool *ret_skip, const char **ret_remedy, struct err *err)
{
    *ret_skip = false;
    *ret_remedy = NULL;
    if (!wish->is_private)
        return get_shared(lease, wish, mine, ret_skip, ret_remedy, err);
    return redis_server_start(lease->keeper, wish, &mine->server, ret_skip, ret_remedy, err);
}

/* Of this machine, or else in a container, as the wish allows. */
static int get_server(struct lease *lease, struct redis_wish *wish, struct redis_lease *mine,
                      struct buf *reply)
{
    static const char package[] = "apt-get install redis-server";
    struct err err = { "" }, native = { "" };
    const char *remedy;
    bool skip;
    int r;

    if (wish->choice.image && wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, "seam test -services auto",
                           "needs redis: .image asks for a container, and -services native for "
                           "none");
    r = get_one(lease, wish, mine, &skip, &remedy, &err);
    if (r == 0)
        return 0;
    if (!skip)
        return keeper_error(reply, "%s", err.text);
    if (wish->is_boxed || wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, wish->is_boxed ? remedy : package, "needs redis: %s",
                           err.text);
    native = err;
    wish->is_boxed = true;
    r = get_one(lease, wish, mine, &skip, &remedy, &err);
    if (r == 0 || !skip)
        return r == 0 ? 0 : keeper_error(reply, "%s", err.text);
    return keeper_skip(reply, package, "needs redis: %s; in a container: %s", native.text,
                       err.text);
}

static int make_ready(struct redis_lease *mine, struct err *err)
{
    static const char *const flush[] = { "FLUSHDB", NULL };
    int r = mine->user[0] ? add_user(mine, err) : 0;

    if (r == 0)
        r = connection(mine, err);
    return r == 0 && !mine->user[0] ? redis_run(mine->client, err, flush) : r;
}

static int redis_start(struct lease *lease, const struct message *request, struct buf *reply)
{
    struct redis_lease *mine = calloc(1, sizeof *mine);
    struct arena arena = { 0 };
    struct err err = { "out of memory" };
    struct redis_wish wish;
    int r = mine ? 0 : -ENOMEM;

    if (r == 0 && message_int(request, "prefix", 0) != 0)
        r = name_user(mine, &err);
    if (r < 0) {
        free(mine);
        return keeper_error(reply, "%s", err.text);
    }
    read_wish(request, &arena, &wish);
    mine->is_private = wish.is_private;
    r = get_server(lease, &wish, mine, reply);
    arena_fini(&arena);
    if (r < 0) {
        free(mine);
        return r;
    }
    redis_server_count(mine->server, 1);
    r = make_ready(mine, &err);
    if (r < 0) {
        let_go(mine);
        return keeper_error(reply, "%s", err.text);
    }
    mine->log_from = log_slice_begin(&mine->server->service);
    lease->state = mine;
    describe(mine, reply);
    return 0;
}

/* ---- verbs ------------------------------------------------------------------------------ */

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

/* "123:M 21 Nov 2026 19:29:41.656 # ...": a warning. */
static bool is_warning(const void *arg, const char *line)
{
    (void)arg;
    return strstr(line, " # ") != NULL;
}

static int do_logs(struct redis_lease *mine, struct buf *reply)
{
    struct buf slice = BUF_INIT(LOG_MAX);

    log_slice_settle(&mine->server->service, mine->server->box);
    log_slice(&mine->server->service, mine->log_from, is_warning, NULL, &slice);
    message_add(reply, "log", buf_text(&slice), slice.size);
    buf_fini(&slice);
    return 0;
}

static int redis_verb(struct lease *lease, const char *verb, const struct message *request,
                      struct buf *reply)
{
    static const char *const controls[] = { "stop", "start", "pause", "continue" };
    struct redis_lease *mine = lease->state;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(mine, verb, reply);
    if (strcmp(verb, "logs") == 0)
        return do_logs(mine, reply);
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
    if (mine->server->box)
        buf_printf(note, "redis-cli -h %s -p %d -n %d", mine->server->host, mine->server->port,
                   mine->database);
    else
        buf_printf(note, "redis-cli -s '%s' -n %d", mine->server->socket, mine->database);
    if (mine->user[0])
        buf_printf(note, " --user %s", mine->user);
    if (password_of(mine)[0])
        buf_printf(note, " --no-auth-warning -a %s", password_of(mine));
    free(mine);
}

const struct module redis_module = {
    .start_verb = "redis.start",
    .start = redis_start,
    .verb = redis_verb,
    .end = redis_end,
};
