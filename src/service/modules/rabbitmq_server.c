/* service/modules/rabbitmq_server.c - one RabbitMQ; see rabbitmq_server.h. */

#include "service/modules/rabbitmq_server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/modules/boot.h"
#include "service/modules/rabbitmq_link.h"

enum {
    START_MAX_MS = 150000, /* 3 to 5 s of work, which a busy machine stretches */
    STOP_MAX_MS = 30000,
    DATA_ROOM = 256 << 20,
    PROGRAM_ROOM = 512,
    VARIABLES = 24
};

/* ---- the program ------------------------------------------------------------------------ */

/* Where a distribution has the program itself; what it puts into PATH insists on root. */
static const char packaged[] = "/usr/lib/rabbitmq/bin";

static bool is_of_distribution(const char *folder, int length)
{
    static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strlen(folders[i]) == (size_t)length && strncmp(folders[i], folder, length) == 0)
            return true;
    return false;
}

int rabbitmq_server_find(char *ret, size_t size, struct err *err)
{
    const char *at = getenv("PATH");

    for (; at && *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");

        if (is_of_distribution(at, length))
            snprintf(ret, size, "%s/rabbitmq-server", packaged);
        else
            snprintf(ret, size, "%.*s/rabbitmq-server", length, at);
        if (ret[0] == '/' && access(ret, X_OK) == 0)
            return 0;
        at += length;
    }
    return err_set(err, -ENOENT, "no rabbitmq-server on this machine");
}

int rabbitmq_secret(char secret[RABBITMQ_SECRET])
{
    unsigned char bytes[RABBITMQ_SECRET / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return -EIO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* ---- starting --------------------------------------------------------------------------- */

static int write_file(const struct rabbitmq_server *server, const char *name,
                      const struct buf *text, struct err *err)
{
    struct image_owner owner = identity_owner(server->identity);
    struct buf path = BUF_INIT(CLEAN_PATH_MAX + 64);
    int r;

    buf_printf(&path, "%s/%s", server->service.folder, name);
    r = text->failed || path.failed ? -ENOMEM
                                    : io_write_file(buf_text(&path), text->data, text->size);
    if (r == 0 && owner.uid != (uid_t)-1 && chown(buf_text(&path), owner.uid, owner.gid) < 0)
        r = -errno;
    if (r < 0)
        err_system(err, r, "cannot write '%s'", buf_text(&path));
    buf_fini(&path);
    return r;
}

/* An alarm would make the broker hold back what tests publish, so those are far off. */
void rabbitmq_settings(const struct rabbitmq_server *server, struct buf *ret)
{
    buf_printf(ret,
               "default_user = " RABBITMQ_ADMIN "\n"
               "default_pass = %s\n"
               "vm_memory_high_watermark.relative = 0.9\n"
               "disk_free_limit.absolute = 1MB\n"
               "log.console = true\n"
               "log.console.level = info\n"
               "log.file = false\n",
               server->password);
}

void rabbitmq_plugins(const struct rabbitmq_server *server, struct buf *ret)
{
    const char *at = server->plugins ? server->plugins : "";

    buf_add_text(ret, "[rabbitmq_management");
    while (*(at += strspn(at, " ")) != '\0') {
        size_t size = strcspn(at, " ");

        if (strncmp(at, "rabbitmq_management ", size + 1) != 0)
            buf_printf(ret, ",%.*s", (int)size, at);
        at += size;
    }
    buf_add_text(ret, "].\n");
}

/* Our own connections are plain ones, on a port beside. */
static int add_tls(const struct rabbitmq_server *server, struct buf *settings, struct err *err)
{
    const char *folder = server->service.folder;
    struct buf text = BUF_INIT(64 << 10);
    int r;

    buf_printf(settings,
               "listeners.ssl.1 = 127.0.0.1:%d\n"
               "ssl_options.cacertfile = %s\n"
               "ssl_options.certfile = %s/cert.pem\n"
               "ssl_options.keyfile = %s/key.pem\n"
               "ssl_options.verify = verify_none\n"
               "ssl_options.fail_if_no_peer_cert = false\n",
               server->tls_port, server->authority.file, folder, folder);
    buf_add_text(&text, server->authority.certificate);
    r = write_file(server, "cert.pem", &text, err);
    buf_clear(&text);
    buf_add_text(&text, server->authority.key);
    if (r == 0)
        r = write_file(server, "key.pem", &text, err);
    buf_fini(&text);
    return r;
}

static int write_settings(void *arg, struct err *err)
{
    const struct rabbitmq_server *server = arg;
    struct buf text = BUF_INIT(8192), plugins = BUF_INIT(4096);
    int r = 0;

    buf_printf(&text,
               "listeners.tcp.1 = 127.0.0.1:%d\n"
               "management.tcp.ip = 127.0.0.1\n"
               "management.tcp.port = %d\n",
               server->port, server->management_port);
    rabbitmq_settings(server, &text);
    rabbitmq_plugins(server, &plugins);
    if (server->tls_port)
        r = add_tls(server, &text, err);
    if (r == 0)
        r = write_file(server, "rabbitmq.conf", &text, err);
    if (r == 0)
        r = write_file(server, "plugins", &plugins, err);
    buf_fini(&text);
    buf_fini(&plugins);
    return r;
}

/* `env` gets what is in `room`, line for line. */
static void split(struct buf *room, const char **env)
{
    char *at = room->data;

    for (int i = 0; at && *at && i < VARIABLES - 1; i++) {
        env[i] = at;
        at = strchr(at, '\n');
        if (at)
            *at++ = '\0';
    }
}

/* As under systemd the shell script becomes the broker's process, instead of waiting for it as its parent: so it
 * gets our death signal. */
static void make_environment(const struct rabbitmq_server *server, struct buf *room,
                             const char **env)
{
    const char *folder = server->service.folder;
    int port = server->distribution_port;

    buf_printf(room,
               "HOME=%s\n"
               "RUNNING_UNDER_SYSTEMD=1\n"
               "RABBITMQ_NODENAME=rabbit@localhost\n"
               "RABBITMQ_CONF_ENV_FILE=/dev/null\n"
               "RABBITMQ_CONFIG_FILE=%s/rabbitmq\n"
               "RABBITMQ_ADVANCED_CONFIG_FILE=%s/advanced\n"
               "RABBITMQ_ENABLED_PLUGINS_FILE=%s/plugins\n",
               folder, folder, folder, folder);
    buf_printf(room,
               "RABBITMQ_MNESIA_BASE=%s/mnesia\n"
               "RABBITMQ_LOG_BASE=%s\n"
               "RABBITMQ_LOGS=-\n"
               "RABBITMQ_PID_FILE=%s/pid\n"
               "RABBITMQ_FEATURE_FLAGS_FILE=%s/flags\n"
               "RABBITMQ_PLUGINS_EXPAND_DIR=%s/expand\n"
               "RABBITMQ_GENERATED_CONFIG_DIR=%s/generated\n"
               "RABBITMQ_DIST_PORT=%d\n"
               "ERL_CRASH_DUMP=/dev/null\n",
               folder, folder, folder, folder, folder, folder, port);
    buf_printf(
        room,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none -sname rabbit@localhost "
        "-start_epmd false -erl_epmd_port %d -kernel inet_dist_use_interface {127,0,0,1} "
        "inet_dist_listen_min %d inet_dist_listen_max %d",
        port, port, port);
    split(room, env);
}

static int execute(void *arg, struct err *err)
{
    struct rabbitmq_server *server = arg;
    char program[PROGRAM_ROOM], marker[64];
    const char *argv[] = { program, NULL }, *env[VARIABLES] = { NULL };
    struct buf room = BUF_INIT(16384);
    struct child_spec spec = { .argv = argv,
                               .env = env,
                               .folder = server->service.folder,
                               .log = server->service.log,
                               .death_signal = SIGKILL,
                               .identity = server->identity };
    int r = rabbitmq_server_find(program, sizeof program, err);

    if (r == 0) {
        make_environment(server, &room, env);
        spec.marker = keeper_marker(server->keeper, &server->service, marker, sizeof marker);
        r = room.failed ? err_set(err, -ENOMEM, "out of memory")
                        : child_start(&spec, &server->child, err);
    }
    buf_fini(&room);
    return r;
}

int rabbitmq_server_greet(struct rabbitmq_server *server, struct err *err)
{
    struct rabbitmq_address address = { server->host, server->port, RABBITMQ_ADMIN,
                                        server->password, "/" };
    struct rabbitmq_link link = RABBITMQ_LINK_NONE;
    int r = rabbitmq_link_open(&link, &address, err);

    if (r == 0)
        rabbitmq_link_version(&link, server->service.version, sizeof server->service.version);
    rabbitmq_link_close(&link);
    return r;
}

static int greet(void *server, struct err *err)
{
    return rabbitmq_server_greet(server, err);
}

/* AMQP is the last that it opens. */
static struct boot boot_of(struct rabbitmq_server *server)
{
    return (struct boot){ .name = "rabbitmq",
                          .server = server,
                          .service = &server->service,
                          .child = &server->child,
                          .folder = server->service.folder,
                          .most_ms = START_MAX_MS,
                          .end_signal = SIGKILL,
                          .execute = execute,
                          .greet = greet,
                          .ports = { &server->port, &server->management_port,
                                     &server->distribution_port,
                                     server->authority.file ? &server->tls_port : NULL },
                          .taken = "eaddrinuse",
                          .settle = write_settings };
}

int rabbitmq_server_boot(struct rabbitmq_server *server, struct err *err)
{
    const struct boot boot = boot_of(server);

    server->paused = false;
    return server->box ? box_control(server->box, "restart", err) : boot_again(&boot, err);
}

static void end_service(struct service *service)
{
    child_signal(&((struct rabbitmq_server *)service)->child, SIGKILL);
}

/* Choose where it lives, which has to be of whom it runs as, and the password of our own user. */
static int prepare(struct rabbitmq_server *server, struct err *err)
{
    struct image_owner owner = identity_owner(server->identity);
    const char *folder = server->service.folder;
    bool on_tmpfs;
    int r =
        keeper_prepare(server->keeper, &server->service, "rabbitmq", DATA_ROOM, &on_tmpfs, err);

    if (r < 0)
        return r;
    if (strpbrk(folder, "*?^![]{} \t\n"))
        return err_set(err, -EINVAL,
                       "rabbitmq cannot live in '%s', for the characters in its name; try: "
                       "TMPDIR=/tmp",
                       folder);
    if (owner.uid != (uid_t)-1 && chown(folder, owner.uid, owner.gid) < 0)
        return err_system(err, -errno, "cannot give '%s' away", folder);
    if (rabbitmq_secret(server->password) < 0)
        return err_set(err, -EIO, "cannot get random bytes");
    return 0;
}

static struct rabbitmq_server *server_new(struct keeper *keeper,
                                          const struct rabbitmq_wish *wish)
{
    struct rabbitmq_server *server = calloc(1, sizeof *server);

    if (server) {
        server->keeper = keeper;
        server->child = CHILD_NONE;
        server->service.end = end_service;
        server->plugins = wish->plugins ? strdup(wish->plugins) : NULL;
        snprintf(server->host, sizeof server->host, "127.0.0.1");
    }
    return server;
}

static int start_native(struct rabbitmq_server *server, const struct rabbitmq_wish *wish,
                        bool *ret_skip, const char **ret_remedy, struct err *err)
{
    char program[PROGRAM_ROOM];
    int r = rabbitmq_server_find(program, sizeof program, err);

    *ret_remedy = "apt-get install rabbitmq-server";
    if (r == 0) {
        *ret_remedy = "run it as an ordinary user";
        r = identity_choose(&server->identity, err);
    }
    *ret_skip = r < 0;
    if (r == 0 && wish->tls)
        r = authority_get(server->keeper, NULL, &server->authority, err);
    if (r == 0)
        r = prepare(server, err);
    if (r == 0) {
        const struct boot boot = boot_of(server);

        r = boot_first(&boot, err);
    }
    if (r == 0)
        keeper_add(server->keeper, &server->service);
    return r;
}

int rabbitmq_server_start(struct keeper *keeper, const struct rabbitmq_wish *wish,
                          struct rabbitmq_server **ret, bool *ret_skip, const char **ret_remedy,
                          struct err *err)
{
    struct rabbitmq_server *server = server_new(keeper, wish);
    uint64_t begun = now_ns();
    int r = server ? 0 : err_set(err, -ENOMEM, "out of memory");

    *ret_skip = false;
    *ret_remedy = NULL;
    if (r == 0 && wish->is_boxed) {
        r = rabbitmq_box_start(server, wish, ret_remedy, err);
        *ret_skip = r == -ENOENT;
    } else if (r == 0)
        r = start_native(server, wish, ret_skip, ret_remedy, err);
    if (r < 0) {
        if (server)
            rabbitmq_server_free(server);
        return r;
    }
    keeper_note(keeper, "rabbitmq %s %s, started in %.0f ms", server->service.version,
                server->box ? "container" : "native", (double)(now_ns() - begun) / 1e6);
    *ret = server;
    return 0;
}

void rabbitmq_server_free(struct rabbitmq_server *server)
{
    keeper_remove(server->keeper, &server->service);
    child_end(&server->child, SIGKILL, 0);
    if (server->service.folder[0])
        io_remove_tree(server->service.folder, NULL);
    box_free(server->box);
    free(server->plugins);
    free(server);
}

static struct service *listed(struct rabbitmq_server *server)
{
    return server->box ? &server->box->service : &server->service;
}

void rabbitmq_server_abandon(struct rabbitmq_server *server)
{
    keeper_remove(server->keeper, listed(server));
    if (server->box)
        server->box->service.end(&server->box->service);
}

void rabbitmq_server_count(struct rabbitmq_server *server, int change)
{
    keeper_count(server->keeper, listed(server), change);
}

const char *rabbitmq_server_folder(const struct rabbitmq_server *server)
{
    return server->box ? server->box->service.folder : server->service.folder;
}

int rabbitmq_server_end_fd(const struct rabbitmq_server *server)
{
    return server->box ? server->box->ended_fd : server->child.fd;
}

bool rabbitmq_server_is_alive(const struct rabbitmq_server *server)
{
    struct pollfd ended = { .fd = server->child.fd, .events = POLLIN };

    if (server->box)
        return box_is_alive(server->box);
    return server->child.pid > 0 && poll(&ended, 1, 0) == 0;
}

void rabbitmq_server_stop(struct rabbitmq_server *server)
{
    if (server->box)
        box_control(server->box, "stop", NULL);
    child_end(&server->child, SIGTERM, STOP_MAX_MS);
    server->service.pid = 0;
    server->paused = false;
}

void rabbitmq_server_pause(struct rabbitmq_server *server, bool pause)
{
    if (server->box && server->paused != pause)
        box_control(server->box, pause ? "pause" : "resume", NULL);
    child_signal(&server->child, pause ? SIGSTOP : SIGCONT);
    server->paused = pause;
}
