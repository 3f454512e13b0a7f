/* service/modules/postgres.c - leases of PostgreSQL databases and servers. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message_list.h"
#include "service/keeper.h"
#include "service/modules/log_slice.h"
#include "service/modules/postgres_config.h"
#include "service/modules/postgres_scripts.h"
#include "service/modules/postgres_server.h"
#include "service/modules/postgres_snapshot.h"
#include "service/modules/postgres_template.h"

/* Longer than a test waits for its answer: the statement of one that has died must end too. */
#define STATEMENT_MAX "130s"

enum { CONFIG_MAX = 128, LOG_MAX = 64 << 10 };

/* What a test holds. */
struct postgres_lease {
    struct postgres_server *server;
    bool is_private;
    char database[POSTGRES_NAME];
    char snapshot[POSTGRES_NAME]; /* "": none */
    size_t log_from; /* what the log had when the lease began */
    struct sql *sql; /* of the verbs; opened by the first */
};

/* ---- servers that tests share ----------------------------------------------------------- */

/* Equal wishes share one server. One that could not start gives everybody the same error. */
struct shared {
    struct shared *next;
    char *key; /* programs and settings */
    struct postgres_server *server;
    int result;
    bool starting, skip;
    const char *remedy;
    struct err error;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct shared *list;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* `programs` is NULL for a container. */
static char *key_of(const struct postgres_wish *wish, const struct postgres_programs *programs)
{
    struct buf key = BUF_INIT(64 << 10);

    if (programs)
        buf_add_text(&key, programs->folder);
    else
        buf_printf(&key, "container %s %s %s", wish->version ? wish->version : "",
                   wish->choice.image ? wish->choice.image : "", wish->init ? wish->init : "");
    if (wish->tls)
        buf_add_text(&key, "\ntls");
    for (const char *const *at = wish->env; at && *at; at++)
        buf_printf(&key, "\n%s", *at);
    for (size_t i = 0; i < wish->count; i++)
        buf_printf(&key, "\n%s", wish->settings[i]);
    if (key.failed)
        buf_fini(&key);
    return buf_take(&key);
}

static struct shared *find_shared(const char *key)
{
    struct shared *one = shared.list;

    while (one && strcmp(one->key, key) != 0)
        one = one->next;
    return one;
}

/* A server that somebody has killed is replaced; who holds it will find out. */
static struct shared *usable(struct shared *one)
{
    if (!one || one->starting || one->result < 0 || postgres_server_is_alive(one->server))
        return one;
    one->key[0] = '\0';
    postgres_server_abandon(one->server);
    return NULL;
}

static struct shared *start_shared(struct keeper *keeper, const struct postgres_wish *wish,
                                   char *key)
{
    struct shared *one = calloc(1, sizeof *one);

    if (!one)
        return NULL;
    one->key = key;
    one->starting = true;
    one->next = shared.list;
    shared.list = one;
    pthread_mutex_unlock(&shared.lock);
    one->result = postgres_server_start(keeper, wish, &one->server, &one->skip, &one->remedy,
                                        &one->error);
    pthread_mutex_lock(&shared.lock);
    one->starting = false;
    pthread_cond_broadcast(&shared.changed);
    return one;
}

static int get_shared(struct keeper *keeper, const struct postgres_wish *wish,
                      const struct postgres_programs *programs, struct postgres_server **ret,
                      bool *ret_skip, const char **ret_remedy, struct err *err)
{
    char *key = key_of(wish, programs);
    struct shared *one;
    int r;

    if (!key)
        return err_set(err, -E2BIG, "the settings are too long");
    pthread_mutex_lock(&shared.lock);
    one = usable(find_shared(key));
    if (!one)
        one = start_shared(keeper, wish, key);
    else
        free(key);
    while (one && one->starting)
        pthread_cond_wait(&shared.changed, &shared.lock);
    if (one && one->result == 0)
        *ret = one->server;
    r = one ? one->result : -ENOMEM;
    *ret_skip = one && one->skip;
    *ret_remedy = one ? one->remedy : NULL;
    if (r < 0)
        err_set(err, r, "%s", one ? one->error.text : "out of memory");
    pthread_mutex_unlock(&shared.lock);
    return r;
}

/* ---- start ------------------------------------------------------------------------------ */

/* What the request asks for; the texts lie in the arena. */
struct asked {
    struct arena arena;
    const char *migrations, *seed;
    struct postgres_wish wish;
};

/* Those of a file first: later ones win. */
static int read_settings(const struct message *request, struct arena *arena,
                         struct postgres_wish *wish, struct err *err)
{
    const char *const *said = message_list(request, "setting", arena);
    const char *config = message_copy(request, "config", arena);
    size_t most = message_count(request, "setting") + CONFIG_MAX;
    const char **list = arena_zero(arena, (most + 1) * sizeof *list);
    int r =
        config ? postgres_config_read(config, arena, list, CONFIG_MAX, &wish->count, err) : 0;

    for (; *said; said++)
        list[wish->count++] = *said;
    wish->settings = list;
    return r;
}

static int asked_init(struct asked *asked, const struct message *request, struct err *err)
{
    struct postgres_wish *wish = &asked->wish;
    struct arena *arena = &asked->arena;

    *asked = (struct asked){ .migrations = NULL };
    asked->migrations = message_copy(request, "migrations", arena);
    asked->seed = message_copy(request, "seed", arena);
    wish->version = message_copy(request, "version", arena);
    if (wish->version)
        wish->version = arena_copy(arena, wish->version, postgres_major_size(wish->version));
    wish->init = message_copy(request, "init", arena);
    wish->is_private = message_int(request, "private", 0) != 0;
    wish->tls = message_int(request, "tls", 0) != 0;
    wish->env = message_list(request, "env", arena);
    box_choice_read(request, arena, &wish->choice);
    wish->is_boxed =
        wish->choice.tier == BOX_DOCKER || wish->choice.image || wish->init || wish->env[0];
    wish->may_pull = wish->is_boxed;
    return read_settings(request, arena, wish, err);
}

/* Why no process of this machine will do. */
struct native_trouble {
    struct err err;
    char remedy[64];
};

static int find_native(const struct postgres_wish *wish, struct postgres_programs *ret,
                       struct native_trouble *trouble)
{
    const char *version = wish->version;
    enum identity identity;
    int r = postgres_find(version, ret, &trouble->err);

    if (r < 0) {
        snprintf(trouble->remedy, sizeof trouble->remedy, "apt-get install postgresql%s%s",
                 version ? "-" : "", version ? version : "");
        return r;
    }
    r = identity_choose(&identity, &trouble->err);
    if (r == 0)
        r = identity_choose_named(&identity, &trouble->err);
    snprintf(trouble->remedy, sizeof trouble->remedy, "run it as an ordinary user");
    return r;
}

/* Start or share one as the wish says; `native` is why it cannot be of this machine, NULL where it can or must not. */
static int get_one(struct lease *lease, const struct postgres_wish *wish,
                   const struct postgres_programs *programs,
                   const struct native_trouble *native, struct postgres_server **ret,
                   struct buf *reply)
{
    struct keeper *keeper = lease->keeper;
    const char *remedy = NULL;
    struct err err = { "" };
    bool skip = false;
    int r = wish->is_private ? postgres_server_start(keeper, wish, ret, &skip, &remedy, &err)
                             : get_shared(keeper, wish, programs, ret, &skip, &remedy, &err);

    if (r == 0)
        return 0;
    if (skip && native)
        return keeper_skip(reply, native->remedy, "needs postgres: %s; in a container: %s",
                           native->err.text, err.text);
    if (skip)
        return keeper_skip(reply, remedy, "needs postgres: %s", err.text);
    return keeper_error(reply, "%s", err.text);
}

static int get_server(struct lease *lease, struct asked *asked, struct postgres_server **ret,
                      struct buf *reply)
{
    struct postgres_wish *wish = &asked->wish;
    struct native_trouble native = { .err = { "" } };
    struct postgres_programs programs;

    if (wish->is_boxed && wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, "seam test -services auto",
                           "needs postgres: .image, .env and .init ask for a container, and "
                           "-services native for none");
    if (wish->is_boxed)
        return get_one(lease, wish, NULL, NULL, ret, reply);
    if (find_native(wish, &programs, &native) == 0)
        return get_one(lease, wish, &programs, NULL, ret, reply);
    if (wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, native.remedy, "needs postgres: %s", native.err.text);
    wish->is_boxed = true;
    return get_one(lease, wish, NULL, &native, ret, reply);
}

static void describe(const struct postgres_lease *mine, struct buf *reply)
{
    const struct postgres_server *server = mine->server;
    struct buf text = BUF_INIT(4096);

    postgres_server_words(server, mine->database, &text);
    message_add_text(reply, "conninfo", buf_text(&text));
    buf_clear(&text);
    postgres_server_url(server, mine->database, &text);
    message_add_text(reply, "url", buf_text(&text));
    message_add_text(reply, "host", server->host);
    message_add_int(reply, "port", server->port);
    message_add_text(reply, "socket", server->socket_folder);
    message_add_text(reply, "database", mine->database);
    message_add_text(reply, "user", server->user);
    message_add_text(reply, "password", server->password);
    message_add_text(reply, "version", server->service.version);
    message_add_text(reply, "ca_file", server->authority.file);
    buf_fini(&text);
}

static void end_server(struct postgres_server *server)
{
    postgres_templates_free(server);
    postgres_server_free(server);
}

static int start_lease(struct lease *lease, struct asked *asked, const struct scripts *scripts,
                       struct buf *reply)
{
    struct postgres_lease *mine = calloc(1, sizeof *mine);
    struct err err = { "" };
    int r = mine ? get_server(lease, asked, &mine->server, reply) : -ENOMEM;

    if (r < 0) {
        free(mine);
        return r;
    }
    mine->is_private = asked->wish.is_private;
    postgres_server_count(mine->server, 1);
    r = postgres_database(mine->server, scripts, lease->test, mine->database, &err);
    if (r < 0) {
        postgres_server_count(mine->server, -1);
        if (mine->is_private)
            end_server(mine->server);
        free(mine);
        return keeper_error(reply, "%s", err.text);
    }
    mine->log_from = log_slice_begin(&mine->server->service);
    lease->state = mine;
    describe(mine, reply);
    return 0;
}

static int postgres_start(struct lease *lease, const struct message *request, struct buf *reply)
{
    struct scripts scripts;
    struct err err = { "" };
    struct asked asked;
    int r;

    r = asked_init(&asked, request, &err);
    if (r == 0)
        r = scripts_read(asked.migrations, asked.seed, &scripts, &err);
    if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    else {
        r = start_lease(lease, &asked, &scripts, reply);
        scripts_fini(&scripts);
    }
    arena_fini(&asked.arena);
    return r;
}

/* ---- verbs ------------------------------------------------------------------------------ */

static int fail(struct buf *reply, const struct sql_error *error)
{
    struct buf text = BUF_INIT(4096);

    sql_error_text(error, &text);
    message_add_text(reply, "error", buf_text(&text));
    message_add_text(reply, "severity", error->severity);
    message_add_text(reply, "sqlstate", error->state);
    message_add_text(reply, "message", error->message);
    message_add_text(reply, "detail", error->detail);
    message_add_text(reply, "hint", error->hint);
    buf_fini(&text);
    return -ECANCELED;
}

/* The lease's own connection; made again when a restart has cut it. */
static struct sql *connection(struct postgres_lease *mine, struct sql_error *error)
{
    struct buf conninfo = BUF_INIT(4096);

    if (mine->sql && !sql_is_open(mine->sql)) {
        sql_close(mine->sql);
        mine->sql = NULL;
    }
    if (!mine->sql) {
        postgres_server_conninfo(mine->server, mine->database, &conninfo);
        buf_add_text(&conninfo,
                     " options='-c statement_timeout=" STATEMENT_MAX
                     " -c log_min_messages=fatal'"); /* the test is told its errors */
        if (sql_open(buf_text(&conninfo), &mine->sql, error) < 0)
            mine->sql = NULL;
        buf_fini(&conninfo);
    }
    return mine->sql;
}

static int do_exec(struct postgres_lease *mine, const char *statement, struct buf *reply)
{
    struct sql_error error = { 0 };
    struct sql *sql = connection(mine, &error);

    return sql && sql_run(sql, statement, &error) == 0 ? 0 : fail(reply, &error);
}

static int do_value(struct postgres_lease *mine, const char *statement, struct buf *reply)
{
    struct sql_error error = { 0 };
    struct sql *sql = connection(mine, &error);
    struct buf value = BUF_INIT(REPLY_MAX / 2);
    enum sql_found found = SQL_NO_ROW;
    int r = sql ? sql_value(sql, statement, &found, &value, &error) : -ENOTCONN;

    if (r < 0)
        fail(reply, &error);
    else if (found == SQL_VALUE)
        message_add(reply, "value", buf_text(&value), value.size);
    else
        message_add_int(reply, found == SQL_NULL ? "null" : "norow", 1);
    buf_fini(&value);
    return r;
}

static int do_control(struct lease *lease, const char *verb, struct buf *reply)
{
    struct postgres_lease *mine = lease->state;
    struct err err = { "" };
    int r = 0;

    if (!mine->is_private)
        return keeper_error(reply,
                            "other tests use this server too: ask for .private_server = true");
    if (strcmp(verb, "stop") == 0) {
        sql_close(mine->sql);
        mine->sql = NULL;
        r = postgres_server_is_alive(mine->server) ? postgres_server_stop(mine->server, &err)
                                                   : 0;
    } else if (strcmp(verb, "start") == 0)
        r = postgres_server_is_alive(mine->server) ? 0
                                                   : postgres_server_boot(mine->server, &err);
    else
        postgres_server_pause(mine->server, strcmp(verb, "pause") == 0);
    return r < 0 ? keeper_error(reply, "%s", err.text) : 0;
}

static void forget_connection(struct postgres_lease *mine)
{
    sql_close(mine->sql);
    mine->sql = NULL;
}

static int do_snapshot(struct postgres_lease *mine, bool restore, struct buf *reply)
{
    struct err err = { "" };
    int r;

    if (mine->server->paused)
        return keeper_error(reply, "the server is paused");
    forget_connection(mine);
    r = restore ? postgres_restore(mine->server, mine->database, mine->snapshot, &err)
                : postgres_snapshot(mine->server, mine->database, mine->snapshot, &err);
    return r < 0 ? keeper_error(reply, "%s", err.text) : 0;
}

/* "2026-11-21 19:29:41.656 UTC [123] shop ERROR:  ...": of its own database, or something bad of the whole server. */
static bool is_mine(const void *arg, const char *line)
{
    const struct postgres_lease *mine = arg;
    const char *at = strstr(line, "] ");
    size_t size = strlen(mine->database);

    if (!at)
        return false;
    at += 2;
    if (strncmp(at, mine->database, size) == 0 && at[size] == ' ')
        return true;
    return *at == ' ' && (strstr(at, "PANIC:") || strstr(at, "terminated by signal"));
}

static int do_logs(struct postgres_lease *mine, struct buf *reply)
{
    struct buf slice = BUF_INIT(LOG_MAX);

    log_slice_settle(&mine->server->service, mine->server->box);
    log_slice(&mine->server->service, mine->log_from, is_mine, mine, &slice);
    message_add(reply, "log", buf_text(&slice), slice.size);
    buf_fini(&slice);
    return 0;
}

static int postgres_verb(struct lease *lease, const char *verb, const struct message *request,
                         struct buf *reply)
{
    static const char *const controls[] = { "stop", "start", "pause", "continue" };
    struct postgres_lease *mine = lease->state;
    char *statement;
    int r;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(lease, verb, reply);
    if (strcmp(verb, "snapshot") == 0 || strcmp(verb, "restore") == 0)
        return do_snapshot(mine, verb[0] == 'r', reply);
    if (strcmp(verb, "logs") == 0)
        return do_logs(mine, reply);
    if (strcmp(verb, "exec") != 0 && strcmp(verb, "value") != 0)
        return keeper_error(reply, "postgres has no verb '%s'", verb);
    if (mine->server->paused)
        return keeper_error(reply, "the server is paused");
    statement = message_text(request, "sql");
    if (!statement)
        return keeper_error(reply, "no statement was given");
    r = verb[0] == 'e' ? do_exec(mine, statement, reply) : do_value(mine, statement, reply);
    free(statement);
    return r;
}

static void postgres_end(struct lease *lease, bool keep, struct buf *note)
{
    struct postgres_lease *mine = lease->state;

    sql_close(mine->sql);
    postgres_server_count(mine->server, -1);
    if (keep) {
        buf_add_text(note, "psql \"");
        postgres_server_words(mine->server, mine->database, note);
        buf_add_text(note, "\"");
    } else if (mine->is_private)
        end_server(mine->server);
    else {
        postgres_snapshot_drop(mine->server, mine->snapshot);
        postgres_database_finished(mine->server, mine->database);
    }
    free(mine);
}

const struct module postgres_module = {
    .start_verb = "postgres.start",
    .start = postgres_start,
    .verb = postgres_verb,
    .end = postgres_end,
};
