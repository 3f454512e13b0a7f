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
#include "service/authority.h"
#include "service/modules/boot.h"
#include "service/modules/redis_client.h"

enum {
    START_MAX_MS = 20000,
    DATA_ROOM = 64 << 20,
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

static void add(const char **argv, size_t *count, const char *name, const char *value)
{
    if (*count + 3 >= ARGUMENTS)
        return;
    argv[(*count)++] = name;
    argv[(*count)++] = value;
}

static void add_tls(const struct redis_server *server, const char **argv, size_t *count,
                    char port[16])
{
    snprintf(port, 16, "%d", server->tls_port);
    add(argv, count, "--tls-port", port);
    add(argv, count, "--tls-cert-file", "cert.pem");
    add(argv, count, "--tls-key-file", "key.pem");
    add(argv, count, "--tls-ca-cert-file", server->ca_file);
    add(argv, count, "--tls-auth-clients", "no");
}

/* What the test says comes behind, and wins. */
static size_t add_arguments(const struct redis_server *server, const char **argv)
{
    size_t count = 0;

    for (char *const *at = server->args; *at && count + 1 < ARGUMENTS; at++)
        argv[count++] = *at;
    return count;
}

static int execute(void *arg, struct err *err)
{
    struct redis_server *server = arg;
    char program[PROGRAM_ROOM], port[16], tls_port[16], databases[16], marker[64];
    const char *argv[2 * ARGUMENTS] = { program, server->config };
    size_t count = server->config ? 2 : 1;
    struct child_spec spec = { .argv = argv,
                               .folder = server->service.folder,
                               .log = server->service.log,
                               .death_signal = SIGKILL };
    int r = redis_server_find(program, sizeof program, err);

    if (r < 0)
        return r;
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(databases, sizeof databases, "%d", REDIS_DATABASES);
    add(argv, &count, "--port", port);
    add(argv, &count, "--bind", "127.0.0.1");
    add(argv, &count, "--unixsocket", server->socket);
    add(argv, &count, "--unixsocketperm", "700");
    add(argv, &count, "--databases", databases);
    add(argv, &count, "--save", "");
    add(argv, &count, "--appendonly", "no");
    add(argv, &count, "--daemonize", "no");
    add(argv, &count, "--dir", server->service.folder);
    add(argv, &count, "--set-proc-title", "no");
    add(argv, &count, "--protected-mode", "no");
    if (server->password[0])
        add(argv, &count, "--requirepass", server->password);
    if (server->tls_port)
        add_tls(server, argv, &count, tls_port);
    add_arguments(server, argv + count);
    unlink(server->socket);
    spec.marker = keeper_marker(server->keeper, &server->service, marker, sizeof marker);
    r = child_start(&spec, &server->child, err);
    return r;
}

int redis_server_open(const struct redis_server *server, struct redis_client **ret,
                      struct err *err)
{
    const struct redis_address address = {
        .host = server->box ? server->host : server->socket,
        .port = server->box ? server->port : 0,
        .password = server->password[0] ? server->password : NULL,
    };

    return redis_open(&address, ret, err);
}

/* The version stands in the answer to INFO. */
void redis_server_note_version(struct redis_server *server, struct redis_client *client)
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

/* Ready is who answers a PING; the socket appearing in its folder is when to try. */
static int greet(void *arg, struct err *err)
{
    static const char *const ping[] = { "PING", NULL };
    struct redis_server *server = arg;
    struct redis_client *client = NULL;
    int r = redis_server_open(server, &client, err);

    if (r == 0)
        r = redis_run(client, err, ping);
    if (r == 0 && !server->service.version[0])
        redis_server_note_version(server, client);
    redis_close(client);
    return r;
}

static struct boot boot_of(struct redis_server *server)
{
    return (
        struct boot){ .name = "redis",
                      .server = server,
                      .service = &server->service,
                      .child = &server->child,
                      .folder = server->service.folder,
                      .most_ms = START_MAX_MS,
                      .end_signal = SIGKILL,
                      .execute = execute,
                      .greet = greet,
                      .ports = { &server->port, server->tls_port ? &server->tls_port : NULL },
                      .taken = "Address already in use" };
}

int redis_server_boot(struct redis_server *server, struct err *err)
{
    const struct boot boot = boot_of(server);

    server->paused = false;
    return server->box ? box_control(server->box, "restart", err) : boot_again(&boot, err);
}

static void end_service(struct service *service)
{
    child_signal(&((struct redis_server *)service)->child, SIGKILL);
}

static int choose_password(struct redis_server *server, struct err *err)
{
    unsigned char bytes[sizeof server->password / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, -EIO, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes && !server->open; i++)
        snprintf(server->password + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int write_file(const struct redis_server *server, const char *name, const char *text,
                      struct err *err)
{
    char path[CLEAN_PATH_MAX + 32];
    int r;

    snprintf(path, sizeof path, "%s/%s", server->service.folder, name);
    r = io_write_file(path, text, strlen(text));
    return r < 0 ? err_system(err, r, "cannot write '%s'", path) : 0;
}

static int prepare_tls(struct redis_server *server, struct err *err)
{
    struct authority authority;
    int r = authority_get(server->keeper, NULL, &authority, err);

    if (r == 0)
        r = write_file(server, "cert.pem", authority.certificate, err);
    if (r == 0)
        r = write_file(server, "key.pem", authority.key, err);
    server->ca_file = authority.file;
    server->tls_port = 1; /* chosen with the other */
    return r;
}

/* Choose where it lives. */
static int prepare(struct redis_server *server, const struct redis_wish *wish, struct err *err)
{
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
    return wish->tls ? prepare_tls(server, err) : 0;
}

static struct redis_server *server_new(struct keeper *keeper, const struct redis_wish *wish)
{
    struct redis_server *server = calloc(1, sizeof *server);
    size_t count = 0;

    if (!server)
        return NULL;
    server->keeper = keeper;
    server->open = wish->open;
    server->child = CHILD_NONE;
    server->service.end = end_service;
    snprintf(server->host, sizeof server->host, "127.0.0.1");
    pthread_mutex_init(&server->lock, NULL);
    while (wish->args && wish->args[count])
        count++;
    server->args = calloc(count + 1, sizeof *server->args);
    for (size_t i = 0; server->args && i < count; i++)
        server->args[i] = strdup(wish->args[i]);
    server->config = wish->config ? strdup(wish->config) : NULL;
    return server;
}

static int start_native(struct redis_server *server, const struct redis_wish *wish,
                        bool *ret_skip, struct err *err)
{
    char program[PROGRAM_ROOM];
    int r = redis_server_find(program, sizeof program, err);

    *ret_skip = r < 0;
    if (r == 0)
        r = prepare(server, wish, err);
    if (r == 0) {
        const struct boot boot = boot_of(server);

        r = boot_first(&boot, err);
    }
    if (r == 0)
        keeper_add(server->keeper, &server->service);
    return r;
}

int redis_server_start(struct keeper *keeper, const struct redis_wish *wish,
                       struct redis_server **ret, bool *ret_skip, const char **ret_remedy,
                       struct err *err)
{
    struct redis_server *server = server_new(keeper, wish);
    uint64_t begun = now_ns();
    int r = server && server->args ? choose_password(server, err)
                                   : err_set(err, -ENOMEM, "out of memory");

    *ret_skip = false;
    *ret_remedy = NULL;
    if (r == 0 && wish->is_boxed) {
        r = redis_box_start(server, wish, ret_remedy, err);
        *ret_skip = r == -ENOENT;
    } else if (r == 0)
        r = start_native(server, wish, ret_skip, err);
    if (r < 0) {
        if (server)
            redis_server_free(server);
        return r;
    }
    keeper_note(keeper, "redis %s %s, started in %.0f ms", server->service.version,
                server->box ? "container" : "native", (double)(now_ns() - begun) / 1e6);
    *ret = server;
    return 0;
}

static struct service *listed(struct redis_server *server)
{
    return server->box ? &server->box->service : &server->service;
}

void redis_server_abandon(struct redis_server *server)
{
    keeper_remove(server->keeper, listed(server));
    if (server->box)
        server->box->service.end(&server->box->service);
}

void redis_server_count(struct redis_server *server, int change)
{
    keeper_count(server->keeper, listed(server), change);
}

void redis_server_free(struct redis_server *server)
{
    keeper_remove(server->keeper, &server->service);
    child_end(&server->child, SIGKILL, 0);
    if (server->service.folder[0])
        io_remove_tree(server->service.folder, NULL);
    box_free(server->box);
    for (char **at = server->args; at && *at; at++)
        free(*at);
    free(server->args);
    free(server->config);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

bool redis_server_is_alive(const struct redis_server *server)
{
    struct pollfd ended = { .fd = server->child.fd, .events = POLLIN };

    if (server->box)
        return box_is_alive(server->box);
    return server->child.pid > 0 && poll(&ended, 1, 0) == 0;
}

/* It keeps nothing on disk, so there is nothing to lose by ending it at once. */
void redis_server_stop(struct redis_server *server)
{
    if (server->box)
        box_control(server->box, "kill", NULL);
    child_end(&server->child, SIGKILL, 0);
    server->service.pid = 0;
    server->paused = false;
}

void redis_server_pause(struct redis_server *server, bool pause)
{
    if (server->box && server->paused != pause)
        box_control(server->box, pause ? "pause" : "resume", NULL);
    child_signal(&server->child, pause ? SIGSTOP : SIGCONT);
    server->paused = pause;
}

int redis_server_take(struct redis_server *server)
{
    int database = -ENOSPC;

    pthread_mutex_lock(&server->lock);
    for (int i = 1; database < 0 && i < REDIS_DATABASES; i++)
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
