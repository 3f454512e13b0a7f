/* service/modules/postgres_server.c - one PostgreSQL server; see postgres_server.h. */

#include "service/modules/postgres_server.h"

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
#include "base/proc.h"
#include "service/modules/boot.h"
#include "service/modules/postgres_box.h"
#include "service/modules/postgres_data.h"

enum {
    START_MAX_MS = 60000,
    STOP_MAX_MS = 10000,
    QUIT_MAX_MS = 1000,
    WAL_ROOM = 16 << 20, /* what max_wal_size lets it grow to, and temporary files */
    CLONES_ROOM = 8, /* databases that must fit beside it */
    UNPACK_THREADS = 2,
    CONNECTIONS_MIN = 100,
    CONNECTIONS_EACH = 8, /* for each test that may run at once */
};

/* No durability, no background work that nobody asked for, nothing outside its own folder. */
static const char *const fixed_settings[] = {
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "min_wal_size=2MB",
    "max_wal_size=16MB",
    "autovacuum=off",
    "shared_buffers=16MB",
    "bgwriter_lru_maxpages=0",
    "wal_writer_delay=10s",
    "dynamic_shared_memory_type=mmap",
    "jit=off",
    "log_checkpoints=off",
    "log_line_prefix=%m [%p] %d ",
    "logging_collector=off",
    "log_destination=stderr",
};
enum { FIXED_SETTINGS = sizeof fixed_settings / sizeof *fixed_settings };

const char *const *postgres_fixed_settings(size_t *ret_count)
{
    *ret_count = FIXED_SETTINGS;
    return fixed_settings;
}

const char *postgres_connections(const struct keeper *keeper, char *room, size_t size)
{
    int wanted = CONNECTIONS_EACH * keeper->parallel;

    snprintf(room, size, "max_connections=%d",
             wanted < CONNECTIONS_MIN ? CONNECTIONS_MIN : wanted);
    return room;
}

/* The files lie in its data directory. */
static const char *const tls_settings[] = { "ssl=on", "ssl_cert_file=seam-cert.pem",
                                            "ssl_key_file=seam-key.pem" };
enum { TLS_SETTINGS = sizeof tls_settings / sizeof *tls_settings };

const char *const *postgres_tls_settings(size_t *ret_count)
{
    *ret_count = TLS_SETTINGS;
    return tls_settings;
}

/* ---- where it lives --------------------------------------------------------------------- */

/* The socket's path must fit into an address. */
static bool is_short_enough(const char *folder)
{
    return strlen(folder) + strlen("/.s.PGSQL.65535") <
           sizeof((struct sockaddr_un *)0)->sun_path;
}

static int give_away(const char *path, enum identity identity, struct err *err)
{
    struct image_owner owner = identity_owner(identity);

    if (owner.uid != (uid_t)-1 && chown(path, owner.uid, owner.gid) < 0)
        return err_system(err, -errno, "cannot give '%s' to the server's user", path);
    return 0;
}

/* Its own folder, or the run's other one where that has a shorter name. */
static int choose_socket_folder(struct postgres_server *server, struct err *err)
{
    char folder[2 * CLEAN_PATH_MAX];

    snprintf(folder, sizeof folder, "%s", server->service.folder);
    if (!is_short_enough(folder)) {
        snprintf(folder, sizeof folder, "%s/%s-%s", server->keeper->dirs.memory, CLEAN_SERVICES,
                 server->service.name);
        if (!is_short_enough(folder))
            return err_set(
                err, -ENAMETOOLONG,
                "the folder for temporary files has too long a name for a socket: '%s'; "
                "try: TMPDIR=/tmp",
                server->service.folder);
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return err_system(err, -errno, "cannot make '%s'", folder);
    }
    memcpy(server->socket_folder, folder, sizeof server->socket_folder);
    return give_away(folder, server->identity, err);
}

/* Make its folders and unpack the data directory. */
static int unpack(struct postgres_server *server, struct err *err)
{
    struct image *image = NULL;
    uint64_t size;
    int r = postgres_data_image(server->keeper, &server->programs, &image, err);

    if (r < 0)
        return r;
    size = image_size(image); /* three databases, one of which is what a clone takes */
    r = keeper_prepare(server->keeper, &server->service, "postgres",
                       size + WAL_ROOM + CLONES_ROOM * size / 3, &server->on_tmpfs, err);
    if (r == 0)
        r = choose_socket_folder(server, err);
    if (r == 0)
        r = give_away(server->service.folder, server->identity, err);
    if (r == 0) {
        snprintf(server->data, sizeof server->data, "%s/data", server->service.folder);
        if (mkdir(server->data, 0700) < 0)
            r = err_system(err, -errno, "cannot make '%s'", server->data);
    }
    if (r == 0)
        r = give_away(server->data, server->identity, err);
    if (r == 0)
        r = image_unpack(image, server->data, identity_owner(server->identity), UNPACK_THREADS,
                         err);
    image_free(image);
    return r;
}

static int write_secret(struct postgres_server *server, const char *name, const char *text,
                        struct err *err)
{
    char path[sizeof server->data + 32];
    int r;

    snprintf(path, sizeof path, "%s/%s", server->data, name);
    r = io_write_file(path, text, strlen(text));
    if (r == 0 && chmod(path, 0600) < 0)
        r = -errno;
    return r < 0 ? err_system(err, r, "cannot write '%s'", path)
                 : give_away(path, server->identity, err);
}

static int prepare_tls(struct postgres_server *server, struct err *err)
{
    int r = authority_get(server->keeper, NULL, &server->authority, err);

    if (r == 0)
        r = write_secret(server, "seam-cert.pem", server->authority.certificate, err);
    if (r == 0)
        r = write_secret(server, "seam-key.pem", server->authority.key, err);
    return r;
}

/* ---- starting --------------------------------------------------------------------------- */

static int execute(void *arg, struct err *err)
{
    struct postgres_server *server = arg;
    const size_t most = FIXED_SETTINGS + server->setting_count;
    const char **argv = calloc(2 * most + 20, sizeof *argv), **at = argv;
    char program[600], port[16], connections[48], marker[64];
    struct child_spec spec = { .argv = argv,
                               .folder = "/",
                               .log = server->service.log,
                               .death_signal = SIGQUIT,
                               .identity = server->identity };
    int r;

    if (!argv)
        return err_set(err, -ENOMEM, "out of memory");
    snprintf(program, sizeof program, "%s/postgres", server->programs.folder);
    snprintf(port, sizeof port, "%d", server->port);
    *at++ = program;
    *at++ = "-D";
    *at++ = server->data;
    *at++ = "-k";
    *at++ = server->socket_folder;
    *at++ = "-p";
    *at++ = port;
    *at++ = "-c";
    *at++ = postgres_connections(server->keeper, connections, sizeof connections);
    *at++ = "-c";
    *at++ = "listen_addresses=127.0.0.1";
    for (size_t i = 0; server->authority.file && i < TLS_SETTINGS; i++) {
        *at++ = "-c";
        *at++ = tls_settings[i];
    }
    for (size_t i = 0; i < most; i++) {
        *at++ = "-c";
        *at++ = i < FIXED_SETTINGS ? fixed_settings[i] : server->settings[i - FIXED_SETTINGS];
    }
    spec.marker = keeper_marker(server->keeper, &server->service, marker, sizeof marker);
    r = child_start(&spec, &server->child, err);
    free(argv);
    return r;
}

/* Whether the server has written into its pid file that it takes connections. */
static bool says_ready(const struct postgres_server *server)
{
    char path[sizeof server->data + 32];

    snprintf(path, sizeof path, "%s/postmaster.pid", server->data);
    return io_file_has(path, "\nready", 4096);
}

/* Ready is who answers a first query. */
static int greet(void *arg, struct err *err)
{
    struct postgres_server *server = arg;
    struct buf conninfo = BUF_INIT(2048);
    struct sql_error error = { 0 };
    struct sql *sql = NULL;

    if (!says_ready(server))
        return -EAGAIN;
    postgres_server_conninfo(server, "postgres", &conninfo);
    if (sql_open(buf_text(&conninfo), &sql, &error) < 0)
        err_set(err, -ENOTCONN, "%s", error.message);
    buf_fini(&conninfo);
    if (!sql)
        return -ENOTCONN;
    postgres_server_note_version(server, sql);
    postgres_server_give(server, sql);
    return 0;
}

void postgres_server_note_version(struct postgres_server *server, const struct sql *sql)
{
    server->number = sql_server_number(sql);
    snprintf(server->service.version, sizeof server->service.version, "%s",
             sql_server_version(sql));
    server->service.version[strcspn(server->service.version, " ")] = '\0';
}

static struct boot boot_of(struct postgres_server *server)
{
    return (struct boot){ .name = "postgres",
                          .server = server,
                          .service = &server->service,
                          .child = &server->child,
                          .folder = server->data,
                          .most_ms = START_MAX_MS,
                          .end_signal = SIGQUIT,
                          .end_ms = QUIT_MAX_MS,
                          .execute = execute,
                          .greet = greet,
                          .ports = { &server->port },
                          .taken = "could not create any TCP/IP sockets" };
}

int postgres_server_boot(struct postgres_server *server, struct err *err)
{
    const struct boot boot = boot_of(server);

    server->paused = false;
    return server->box ? box_control(server->box, "restart", err) : boot_again(&boot, err);
}

/* Others on this machine can reach the TCP port, so it asks for a password that only we know. The
 * check must be cheap, as tests connect often. */
int postgres_server_set_password(struct postgres_server *server, struct err *err)
{
    const char *how =
        server->number >= 160000 ? "SET scram_iterations = 1" : "SET password_encryption = md5";
    struct sql_error error = { 0 };
    struct sql *sql = postgres_server_take(server, &error);
    unsigned char bytes[sizeof server->password / 2];
    int r = sql ? 0 : -ENOTCONN;

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        r = -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(server->password + 2 * i, 3, "%02x", bytes[i]);
    if (r == 0)
        r = sql_runf(sql, &error, "%s; ALTER ROLE \"%s\" PASSWORD '%s'; RESET ALL", how,
                     server->user, server->password);
    postgres_server_give(server, sql);
    return r < 0 ? err_set(err, r, "cannot set the server's password: %s", error.message) : 0;
}

static void end_service(struct service *service)
{
    struct postgres_server *server = (struct postgres_server *)service;

    child_signal(&server->child, SIGQUIT);
    child_signal(&server->child, SIGCONT);
}

static void copy_settings(struct postgres_server *server, const struct postgres_wish *wish)
{
    server->settings = arena_zero(&server->arena, (wish->count + 1) * sizeof *server->settings);
    for (size_t i = 0; i < wish->count; i++)
        server->settings[i] = arena_dup(&server->arena, wish->settings[i]);
    server->setting_count = wish->count;
}

static struct postgres_server *new_server(struct keeper *keeper,
                                          const struct postgres_wish *wish)
{
    struct postgres_server *server = calloc(1, sizeof *server);

    if (!server)
        return NULL;
    server->keeper = keeper;
    server->child = CHILD_NONE;
    server->service.end = end_service;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    snprintf(server->host, sizeof server->host, "127.0.0.1");
    snprintf(server->user, sizeof server->user, "postgres");
    copy_settings(server, wish);
    return server;
}

static int start_native(struct postgres_server *server, const struct postgres_wish *wish,
                        bool *ret_skip, struct err *err)
{
    int r = postgres_find(wish->version, &server->programs, err);

    if (r == 0)
        r = identity_choose(&server->identity, err);
    *ret_skip = r < 0;
    if (r == 0)
        r = unpack(server, err);
    if (r == 0 && wish->tls)
        r = prepare_tls(server, err);
    if (r == 0) {
        const struct boot boot = boot_of(server);

        r = boot_first(&boot, err);
    }
    if (r == 0)
        r = postgres_server_set_password(server, err);
    if (r == 0)
        keeper_add(server->keeper, &server->service);
    return r;
}

int postgres_server_start(struct keeper *keeper, const struct postgres_wish *wish,
                          struct postgres_server **ret, bool *ret_skip, const char **ret_remedy,
                          struct err *err)
{
    struct postgres_server *server = new_server(keeper, wish);
    uint64_t begun = now_ns();
    int r;

    *ret_skip = false;
    *ret_remedy = NULL;
    if (!server)
        return err_set(err, -ENOMEM, "out of memory");
    if (wish->is_boxed) {
        r = postgres_box_start(server, wish, ret_remedy, err);
        *ret_skip = r == -ENOENT;
    } else
        r = start_native(server, wish, ret_skip, err);
    if (r < 0) {
        postgres_server_free(server);
        return r;
    }
    keeper_note(keeper, "postgres %s %s, started in %.0f ms%s", server->service.version,
                server->box ? "container" : "native", (double)(now_ns() - begun) / 1e6,
                server->box        ? ""
                : server->on_tmpfs ? " on tmpfs"
                                   : " on disk");
    *ret = server;
    return 0;
}

/* ---- ending ----------------------------------------------------------------------------- */

static void close_idle(struct postgres_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (server->idle_count > 0)
        sql_close(server->idle[--server->idle_count]);
    pthread_mutex_unlock(&server->lock);
}

static struct service *listed(struct postgres_server *server)
{
    return server->box ? &server->box->service : &server->service;
}

void postgres_server_abandon(struct postgres_server *server)
{
    keeper_remove(server->keeper, listed(server));
    if (server->box)
        server->box->service.end(&server->box->service);
}

void postgres_server_count(struct postgres_server *server, int change)
{
    keeper_count(server->keeper, listed(server), change);
}

bool postgres_server_is_alive(const struct postgres_server *server)
{
    struct pollfd ended = { .fd = server->child.fd, .events = POLLIN };

    if (server->box)
        return box_is_alive(server->box);
    return server->child.pid > 0 && poll(&ended, 1, 0) == 0;
}

int postgres_server_stop(struct postgres_server *server, struct err *err)
{
    int r;

    close_idle(server);
    postgres_server_pause(server, false);
    if (server->box)
        return box_control(server->box, "stop", err);
    child_signal(&server->child, SIGINT); /* "fast": sessions are ended, then it shuts down */
    r = child_wait(&server->child, deadline_after_ms(STOP_MAX_MS), NULL);
    if (r == -ETIMEDOUT)
        child_end(&server->child, SIGQUIT, QUIT_MAX_MS);
    server->service.pid = 0;
    return r < 0 ? err_system(err, r, "postgres did not stop") : 0;
}

static bool signal_one(void *arg, pid_t pid, const char *rest)
{
    (void)rest;
    kill(pid, *(const int *)arg);
    return true;
}

void postgres_server_pause(struct postgres_server *server, bool pause)
{
    char marker[64];
    int signal = pause ? SIGSTOP : SIGCONT;
    struct proc_match match = { .folders = { server->data } };

    if (server->box && server->paused != pause) {
        box_control(server->box, pause ? "pause" : "resume", NULL);
        server->paused = pause;
    }
    if (server->paused == pause || server->child.pid <= 0)
        return;
    match.marker = keeper_marker(server->keeper, &server->service, marker, sizeof marker);
    child_signal(&server->child, signal); /* first, so that it starts no back end meanwhile */
    proc_visit(&match, signal_one, &signal);
    server->paused = pause;
}

void postgres_server_free(struct postgres_server *server)
{
    keeper_remove(server->keeper, &server->service);
    close_idle(server);
    postgres_server_pause(server, false); /* its back ends must hear of the end */
    child_end(&server->child, SIGQUIT, QUIT_MAX_MS);
    if (server->data[0])
        clean_shared_memory(server->data);
    if (server->service.folder[0] && !server->box)
        io_remove_tree(server->service.folder, NULL);
    box_free(server->box);
    arena_fini(&server->arena);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->changed);
    free(server);
}

/* ---- connections ------------------------------------------------------------------------ */

struct sql *postgres_server_take(struct postgres_server *server, struct sql_error *error)
{
    struct buf conninfo = BUF_INIT(2048);
    struct sql *sql = NULL;

    pthread_mutex_lock(&server->lock);
    if (server->idle_count > 0)
        sql = server->idle[--server->idle_count];
    pthread_mutex_unlock(&server->lock);
    if (sql && sql_is_open(sql))
        return sql;
    sql_close(sql);
    sql = NULL;
    postgres_server_conninfo(server, "postgres", &conninfo);
    if (sql_open(buf_text(&conninfo), &sql, error) < 0)
        sql = NULL;
    buf_fini(&conninfo);
    return sql;
}

void postgres_server_give(struct postgres_server *server, struct sql *sql)
{
    if (!sql)
        return;
    pthread_mutex_lock(&server->lock);
    if (sql_is_open(sql) && server->idle_count < POSTGRES_IDLE) {
        server->idle[server->idle_count++] = sql;
        sql = NULL;
    }
    pthread_mutex_unlock(&server->lock);
    sql_close(sql);
}

/* Add a value of a connection string, quoted where it must be. */
static void add_value(struct buf *ret, const char *value)
{
    if (!strpbrk(value, " '\\")) {
        buf_add_text(ret, value);
        return;
    }
    buf_add_char(ret, '\'');
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_add_char(ret, '\\');
        buf_add_char(ret, *value);
    }
    buf_add_char(ret, '\'');
}

void postgres_server_conninfo(const struct postgres_server *server, const char *database,
                              struct buf *ret)
{
    buf_add_text(ret, "host=");
    add_value(ret, server->box ? server->host : server->socket_folder);
    buf_printf(ret, " port=%d dbname=%s user=", server->port, database);
    add_value(ret, server->user);
    if (server->box)
        buf_printf(ret, " password=%s sslmode=disable", server->password);
}

void postgres_server_words(const struct postgres_server *server, const char *database,
                           struct buf *ret)
{
    if (!server->authority.file) {
        postgres_server_conninfo(server, database, ret);
        return;
    }
    buf_printf(ret, "host=%s port=%d dbname=%s user=", server->host, server->port, database);
    add_value(ret, server->user);
    buf_printf(ret, " password=%s sslmode=verify-full sslrootcert=", server->password);
    add_value(ret, server->authority.file);
}

void postgres_server_url(const struct postgres_server *server, const char *database,
                         struct buf *ret)
{
    buf_printf(ret, "postgresql://%s:%s@%s:%d/%s", server->user, server->password, server->host,
               server->port, database);
    if (server->authority.file)
        buf_printf(ret, "?sslmode=verify-full&sslrootcert=%s", server->authority.file);
}
