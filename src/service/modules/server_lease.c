/* service/modules/server_lease.c - what a test may do with its server; see server.h. */

#include "service/modules/server_lease.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/deadline.h"

enum { EXEC_MAX = 7 << 20, WORDS_MAX = 1024, TAIL_MAX = 64 << 10 };

/* What a test holds. */
struct server_lease {
    struct server *server;
    bool is_private;
    size_t log_from; /* what its log had when the lease began */
};

static size_t log_size(const struct server *server)
{
    struct stat st;

    return stat(server->service.log, &st) == 0 ? (size_t)st.st_size : 0;
}

static void describe(struct server_lease *mine, struct buf *reply)
{
    struct server *server = mine->server;

    message_add_text(reply, "host", server->host);
    message_add_text(reply, "id", server->id);
    for (size_t i = 0; i < server->port_count; i++) {
        message_add_text(reply, "port_name", server->ports[i].name);
        message_add_int(reply, "port_number", server->ports[i].number);
        message_add_int(reply, "port", server->ports[i].reached);
    }
    if (server->kind->describe)
        server->kind->describe(server, reply);
}

static int answer_trouble(const struct server_trouble *trouble, struct buf *reply)
{
    message_add_text(reply, trouble->is_missing ? "skip" : "error", buf_text(&trouble->story));
    if (trouble->is_missing)
        message_add_text(reply, "try", trouble->remedy);
    return -ECANCELED;
}

int server_start(const struct server_kind *kind, struct lease *lease,
                 const struct message *message, struct buf *reply)
{
    struct server_lease *mine = calloc(1, sizeof *mine);
    struct server_trouble trouble = { 0 };
    struct request *request = NULL;
    struct err err = { "out of memory" };
    int r = mine ? request_read(message, &request, &err) : -ENOMEM;

    if (r < 0) {
        free(mine);
        return keeper_error(reply, "%s", err.text);
    }
    mine->is_private = request->is_private;
    r = server_get(lease->keeper, kind, &request, &mine->server, &trouble);
    request_free(request);
    if (r < 0) {
        free(mine);
        r = answer_trouble(&trouble, reply);
    } else {
        mine->log_from = mine->is_private ? 0 : log_size(mine->server);
        lease->state = mine;
        describe(mine, reply);
    }
    buf_fini(&trouble.story);
    return r;
}

void server_end(struct lease *lease, bool keep, struct buf *note)
{
    struct server_lease *mine = lease->state;
    struct server *server = mine->server;

    if (keep)
        server->kind->look(server, note);
    else {
        keeper_count(server->keeper, &server->service, -1);
        if (mine->is_private)
            server_free(server);
    }
    free(mine);
}

/* ---- the log ---------------------------------------------------------------------------- */

/* Answer with the log from a place on; with `lines` only the last so many. */
static int do_logs(struct server_lease *mine, const struct message *request, struct buf *reply)
{
    struct buf text = BUF_INIT(SERVER_LOG_MAX), tail = BUF_INIT(TAIL_MAX);
    bool slice = message_int(request, "slice", 0) != 0;

    server_log(mine->server, slice ? mine->log_from : 0, 0, &text);
    if (slice && text.size > 0)
        wait_log_tail(buf_text(&text), text.size, &tail);
    if (slice)
        message_add(reply, "log", buf_text(&tail), tail.size);
    else
        message_add(reply, "log", buf_text(&text), text.size);
    buf_fini(&text);
    buf_fini(&tail);
    return 0;
}

static int do_follow(struct server_lease *mine, const struct message *request,
                     struct buf *reply)
{
    struct buf log = BUF_INIT(SERVER_LOG_MAX);
    int within_ms = (int)message_int(request, "within_ms", 0);
    uint64_t deadline = now_ns() + (uint64_t)(within_ms > 0 ? within_ms : 0) * 1000000u;
    struct server *server = mine->server;
    char *text = message_text(request, "text");
    int r = -EAGAIN, left = 0;

    do {
        struct pollfd end = { .fd = server->ended_fd, .events = POLLIN };
        bool ended = server->ended_fd < 0 || poll(&end, 1, 0) != 0;

        server_log(server, mine->log_from + log.size, ended ? 0 : left, &log);
        left = deadline_poll_ms(deadline);
        if (!text || memmem(buf_text(&log), log.size, text, strlen(text)))
            r = 0;
        else if (ended)
            r = -ECHILD;
    } while (r == -EAGAIN && left > 0);
    if (r == -ECHILD)
        keeper_error(reply, "'%s' has ended without '%s' in its log", server->request->name,
                     text);
    else if (r < 0)
        keeper_error(reply, "no '%s' in the log of '%s' within %d ms", text,
                     server->request->name, within_ms);
    free(text);
    buf_fini(&log);
    return r < 0 ? -ECANCELED : 0;
}

/* ---- commands and files ----------------------------------------------------------------- */

/* A list of the request; its texts are freed by free_list. */
static void read_list(const struct message *request, const char *name, char **ret)
{
    struct message key, value;
    size_t at = 0, used = 0;

    while (used < WORDS_MAX - 1 && message_next(request, &at, &key, &value) == 1)
        if (key.size == strlen(name) && memcmp(key.data, name, key.size) == 0)
            ret[used++] = strndup(value.data, value.size);
    ret[used] = NULL;
}

static void free_list(char **list)
{
    for (; *list; list++)
        free(*list);
}

static int do_exec(struct server_lease *mine, const struct message *request, struct buf *reply)
{
    struct message input = message_value(request, "stdin");
    struct buf out = BUF_INIT(EXEC_MAX), errors = BUF_INIT(EXEC_MAX);
    char *argv[WORDS_MAX], *env[WORDS_MAX];
    char *user = message_text(request, "user"), *workdir = message_text(request, "workdir");
    struct server_exec exec = { .argv = (const char *const *)argv,
                                .env = (const char *const *)env,
                                .user = user,
                                .workdir = workdir,
                                .input = input.data,
                                .input_size = input.size,
                                .timeout_ms = (int)message_int(request, "timeout_ms", 60000) };
    struct err err = { "" };
    int status = 0, r;

    read_list(request, "argv", argv);
    read_list(request, "env", env);
    r = mine->server->kind->exec(mine->server, &exec, &status, &out, &errors, &err);
    if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    else {
        message_add_int(reply, "status", status);
        message_add(reply, "out", buf_text(&out), out.size);
        message_add(reply, "err", buf_text(&errors), errors.size);
    }
    free_list(argv);
    free_list(env);
    free(user);
    free(workdir);
    buf_fini(&out);
    buf_fini(&errors);
    return r;
}

static int do_copy(struct server_lease *mine, bool to, const struct message *request,
                   struct buf *reply)
{
    struct message data = message_value(request, "data");
    struct buf got = BUF_INIT(SERVER_LOG_MAX);
    char *path = message_text(request, "path");
    struct server *server = mine->server;
    struct err err = { "out of memory" };
    int r = path ? 0 : -ENOMEM;

    if (r == 0)
        r = to ? server->kind->copy_to(server, path, data.data, data.size, &err)
               : server->kind->copy_from(server, path, &got, &err);
    if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    else if (!to)
        message_add(reply, "data", buf_text(&got), got.size);
    buf_fini(&got);
    free(path);
    return r;
}

/* Its ports may be others after a restart. */
static int do_control(struct server_lease *mine, const char *what, struct buf *reply)
{
    struct err err = { "" };
    int r;

    if (!mine->is_private)
        return keeper_error(reply,
                            "other tests use this server too: ask for .private_server = true");
    r = mine->server->kind->control(mine->server, what, &err);
    if (r < 0)
        return keeper_error(reply, "%s", err.text);
    describe(mine, reply);
    return 0;
}

int server_verb(struct lease *lease, const char *verb, const struct message *request,
                struct buf *reply)
{
    static const char *const controls[] = { "pause", "resume", "restart", "kill", "stop" };
    struct server_lease *mine = lease->state;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(mine, verb, reply);
    if (strcmp(verb, "logs") == 0)
        return do_logs(mine, request, reply);
    if (strcmp(verb, "follow") == 0)
        return do_follow(mine, request, reply);
    if (strcmp(verb, "exec") == 0)
        return do_exec(mine, request, reply);
    if (strcmp(verb, "copy_to") == 0 || strcmp(verb, "copy_from") == 0)
        return do_copy(mine, strcmp(verb, "copy_to") == 0, request, reply);
    if (strcmp(verb, "alive") == 0) {
        message_add_int(reply, "alive", mine->server->kind->is_alive(mine->server));
        return 0;
    }
    return keeper_error(reply, "a server has no verb '%s'", verb);
}
