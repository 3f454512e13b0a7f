/* service/modules/redis_server.c - one redis server; see redis_server.h. */

#include "service/modules/redis_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/modules/redis_client.h"
#include "service/port.h"
#include "service/watch.h"

enum {
    START_MAX_MS = 20000,
    PORT_TRIES = 3,
    DATA_ROOM = 64 << 20,
    LOG_LINES = 20,
    PROGRAM_ROOM = 512,
    ARGUMENTS = 40,
};

int redis_server_find(char *ret, size_t size, struct err *err)
{
    static const char *const names[] = { "redis-server", "valkey-server" };
    const char *path = getenv("PATH");
    char folders[4096];

    snprintf(folders, sizeof folders, "%s:/usr/bin:/usr/local/bin", path ? path : "");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (const char *at = folders; *at; at += *at == ':') {
            int length = (int)strcspn(at, ":");

            snprintf(ret, size, "%.*s/%s", length, at, names[i]);
            if (ret[0] == '/' && access(ret, X_OK) == 0)
                return 0;
            at += length;
        }
    return err_set(err, -ENOENT, "no redis-server on this machine");
}

static int execute(struct redis_server *server, struct err *err)
{
    char program[PROGRAM_ROOM], port[16], databases[16], marker[64];
    const char *argv[ARGUMENTS] = {
        program,
        "--port",
        port,
        "--bind",
        "127.0.0.1",
        "--unixsocket",
        server->socket,
        "--unixsocketperm",
        "700",
        "--databases",
        databases,
        "--save",
        "",
        "--appendonly",
        "no",
        "--daemonize",
        "no",
        "--dir",
        server->service.folder,
        "--set-proc-title",
        "no",
        "--protected-mode",
        "no",
        server->password[0] ? "--requirepass" : NULL,
        server->password,
    };
    struct child_spec spec = { .argv = argv,
                               .folder = server->service.folder,
                               .log = server->service.log,
                               .death_signal = SIGKILL };
    int r = redis_server_find(program, sizeof program, err);

    if (r < 0)
        return r;
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(databases, sizeof databases, "%d", REDIS_DATABASES);
    spec.marker = keeper_marker(server->keeper, &server->service, marker, sizeof marker);
    r = child_start(&spec, &server->child, err);
    server->service.pid = server->child.pid;
    return r;
}

static int explain_start(struct redis_server *server, const struct err *probe, struct err *err)
{
    struct buf tail = BUF_INIT(1200);
    char how[64] = "it still runs";
    int status;

    if (child_wait(&server->child, now_ns(), &status) == 0)
        child_describe(status, how, sizeof how);
    child_log_tail(server->service.log, LOG_LINES, "        ", &tail);
    err_set(err, -EIO,
            "redis did not become ready: %s\n    last probe: %.300s\n    last lines of its "
            "log:\n%s",
            how, probe->text, buf_text(&tail));
    buf_fini(&tail);
    return -EIO;
}

/* The version stands in the answer to INFO. */
static void note_version(struct redis_server *server, struct redis_client *client)
{
    static const char *const info[] = { "INFO", "server" };
    struct buf text = BUF_INIT(64 << 10);
    enum redis_found found;
    const char *at;

    if (redis_command(client, info, NULL, 2, &found, &text, NULL) == 0) {
        at = strstr(buf_text(&text), "redis_version:");
        if (at)
            snprintf(server->service.version, sizeof server->service.version, "%.*s",
                     (int)strcspn(at + strlen("redis_version:"), "\r\n"),
                     at + strlen("redis_version:"));
    }
    buf_fini(&text);
}

/* Wait until a PING is answered; the socket appearing in its folder is when to try. */
static int await_ready(struct redis_server *server, const struct watch *watch, struct err *err)
{
    static const char *const ping[] = { "PING", NULL };
    uint64_t deadline = deadline_after_ms(START_MAX_MS);
    const char *password = server->password[0] ? server->password : NULL;
    struct err probe = { "none" };

    do {
        struct redis_client *client = NULL;
        int r = redis_open(server->socket, password, &client, &probe);

        if (r == 0)
            r = redis_run(client, &probe, ping);
        if (r == 0 && !server->service.version[0])
            note_version(server, client);
        redis_close(client);
        if (r == 0)
            return 0;
    } while (!watch_wait(watch, server->child.fd, deadline) && now_ns() < deadline);
    return explain_start(server, &probe, err);
}

int redis_server_boot(struct redis_server *server, struct err *err)
{
    struct watch watch = WATCH_NONE;
    int r;

    child_wait(&server->child, now_ns(), NULL); /* one that was killed is not reaped yet */
    server->paused = false;
    unlink(server->socket);
    r = watch_begin(server->service.folder, &watch);
    if (r < 0)
        return err_system(err, r, "cannot watch '%s'", server->service.folder);
    r = execute(server, err);
    if (r == 0)
        r = await_ready(server, &watch, err);
    if (r < 0)
        child_end(&server->child, SIGKILL, 0);
    watch_end(&watch);
    return r;
}

static bool lost_its_port(const struct redis_server *server)
{
    return io_file_has(server->service.log, "Address already in use", 1 << 20);
}

static int boot_first(struct redis_server *server, struct err *err)
{
    int r;

    for (int tries = 1;; tries++) {
        server->port = port_reserve();
        if (server->port < 0)
            return err_system(err, server->port, "cannot reserve a port of 127.0.0.1");
        r = redis_server_boot(server, err);
        if (r == 0 || tries == PORT_TRIES || !lost_its_port(server))
            return r;
        if (truncate(server->service.log, 0) < 0)
            return r;
    }
}

static void end_service(struct service *service)
{
    child_signal(&((struct redis_server *)service)->child, SIGKILL);
}

/* Choose where it lives and, unless it is open to all, its password. */
static int prepare(struct redis_server *server, struct err *err)
{
    unsigned char bytes[sizeof server->password / 2];
    int r = keeper_prepare(server->keeper, &server->service, "redis", DATA_ROOM,
                           &server->on_tmpfs, err);

    if (r < 0)
        return r;
    snprintf(server->socket, sizeof server->socket, "%s/socket", server->service.folder);
    if (strlen(server->socket) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(
            err, -ENAMETOOLONG,
            "the folder for temporary files has too long a name for a socket: '%s'; try: "
            "TMPDIR=/tmp",
            server->service.folder);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, -EIO, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes && !server->open; i++)
        snprintf(server->password + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int redis_server_start(struct keeper *keeper, bool open, struct redis_server **ret,
                       bool *ret_skip, struct err *err)
{
    struct redis_server *server = calloc(1, sizeof *server);
    uint64_t begun = now_ns();
    char program[PROGRAM_ROOM];
    int r;

    if (!server)
        return err_set(err, -ENOMEM, "out of memory");
    server->keeper = keeper;
    server->open = open;
    server->child = CHILD_NONE;
    server->service.end = end_service;
    pthread_mutex_init(&server->lock, NULL);
    r = redis_server_find(program, sizeof program, err);
    *ret_skip = r < 0;
    if (r == 0)
        r = prepare(server, err);
    if (r == 0)
        r = boot_first(server, err);
    if (r < 0) {
        redis_server_free(server);
        return r;
    }
    keeper_add(keeper, &server->service);
    keeper_note(keeper, "redis %s native, started in %.0f ms", server->service.version,
                (double)(now_ns() - begun) / 1e6);
    *ret = server;
    return 0;
}

void redis_server_free(struct redis_server *server)
{
    keeper_remove(server->keeper, &server->service);
    child_end(&server->child, SIGKILL, 0);
    if (server->service.folder[0])
        io_remove_tree(server->service.folder, NULL);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

bool redis_server_is_alive(const struct redis_server *server)
{
    struct pollfd ended = { .fd = server->child.fd, .events = POLLIN };

    return server->child.pid > 0 && poll(&ended, 1, 0) == 0;
}

/* It keeps nothing on disk, so there is nothing to lose by ending it at once. */
void redis_server_stop(struct redis_server *server)
{
    child_end(&server->child, SIGKILL, 0);
    server->service.pid = 0;
    server->paused = false;
}

void redis_server_pause(struct redis_server *server, bool pause)
{
    child_signal(&server->child, pause ? SIGSTOP : SIGCONT);
    server->paused = pause;
}

int redis_server_take(struct redis_server *server)
{
    int database = -ENOSPC;

    pthread_mutex_lock(&server->lock);
    for (int i = 0; database < 0 && i < REDIS_DATABASES; i++)
        if (!server->taken[i])
            database = i;
    if (database >= 0)
        server->taken[database] = true;
    pthread_mutex_unlock(&server->lock);
    return database;
}

void redis_server_give(struct redis_server *server, int database)
{
    pthread_mutex_lock(&server->lock);
    server->taken[database] = false;
    pthread_mutex_unlock(&server->lock);
}
