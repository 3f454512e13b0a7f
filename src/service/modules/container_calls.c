/* service/modules/container_calls.c - what is asked of a container, commands and files; see container.h. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "service/modules/container.h"
#include "service/tar.h"

enum { TABLE_MAX = 8 << 20, LISTENS = 0x0a, ASK_MS = 2000, ENCODED_MAX = 8192 };

/* ---- where it is ------------------------------------------------------------------------ */

static int call_address(void *of, int number, bool inside, struct buf *host, int *ret_port)
{
    struct container *container = of;
    struct server_port *port = server_port(of, number);

    if (!port)
        return -ENOENT;
    if (!inside && port->reached == 0)
        return -EAGAIN;
    if (inside && (!container->ip[0] || !engine_is_local(container->engine)))
        return -EAGAIN;
    buf_add_text(host, inside ? container->ip : container->server.host);
    *ret_port = inside ? port->number : port->reached;
    return 0;
}

bool container_listens_in(const char *text, int port)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        unsigned at = 0, state = 0;

        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &at, &state) == 2 &&
            state == LISTENS && at == (unsigned)port)
            return true;
    }
    return false;
}

/* The tables of its own network: by its process, which we see on this machine, or by a command in it. */
static int read_tables(struct container *container, struct buf *ret)
{
    static const char *const command[] = { "cat", "/proc/net/tcp", "/proc/net/tcp6", NULL };
    struct engine_exec exec = { .argv = command, .timeout_ms = ASK_MS };
    struct buf errors = BUF_INIT(1 << 16);
    char path[64];
    int status = 0, r = -ENOENT;

    if (container->pid > 0 && engine_is_local(container->engine)) {
        snprintf(path, sizeof path, "/proc/%d/net/tcp", container->pid);
        r = io_read_file(path, ret);
        snprintf(path, sizeof path, "/proc/%d/net/tcp6", container->pid);
        io_read_file(path, ret);
    }
    if (r < 0)
        r = engine_exec(container->engine, container->id, &exec, &status, ret, &errors, NULL);
    buf_fini(&errors);
    return r == 0 && (status == 126 || status == 127) ? -ENOENT : r;
}

/* An image without a shell has no command for this: then what is seen from outside is enough. */
static int call_listens(void *of, int number)
{
    struct server_port *port = server_port(of, number);
    struct buf tables = BUF_INIT(TABLE_MAX);
    int r = port ? read_tables(of, &tables) : 0;

    if (r == 0 && port && !container_listens_in(buf_text(&tables), port->number))
        r = -ECONNREFUSED;
    else
        r = 0;
    buf_fini(&tables);
    return r;
}

/* ---- how it is -------------------------------------------------------------------------- */

static const char *text_at(const json_t *json, const char *outer, const char *middle,
                           const char *inner)
{
    const char *text = NULL;

    json_unpack((json_t *)json, "{s:{s:{s:s}}}", outer, middle, inner, &text);
    return text;
}

static bool has_ended(const struct container *container)
{
    struct pollfd end = { .fd = container->server.ended_fd, .events = POLLIN };

    return container->server.ended_fd < 0 || poll(&end, 1, 0) != 0;
}

/* As long as its log goes on, it runs. */
static int call_state(void *of, bool with_health, int *ret_status, const char **ret_health)
{
    struct container *container = of;
    json_t *found = NULL;
    int running = 1, r;
    const char *health;

    *ret_health = NULL;
    if (!with_health && !has_ended(container))
        return 1;
    r = engine_inspect(container->engine, container->id, &found, NULL);
    if (r == -ENOTCONN || r == -ETIMEDOUT)
        running = -ENOTCONN;
    else if (r < 0) {
        container->status = -1;
        running = 0;
    } else {
        json_unpack(found, "{s:{s:b, s:i}}", "State", "Running", &running, "ExitCode",
                    &container->status);
        health = text_at(found, "State", "Health", "Status");
        if (health) {
            snprintf(container->health, sizeof container->health, "%s", health);
            *ret_health = container->health;
        }
    }
    *ret_status = container->status;
    json_decref(found);
    return running;
}

static void read_ports(struct container *container, const json_t *found)
{
    struct server *server = &container->server;
    json_t *ports = NULL;
    bool is_host =
        server->request->network_mode && strcmp(server->request->network_mode, "host") == 0;

    json_unpack((json_t *)found, "{s:{s:o}}", "NetworkSettings", "Ports", &ports);
    for (size_t i = 0; i < server->port_count; i++) {
        struct server_port *port = &server->ports[i];
        char name[32];
        const char *reached = NULL;

        snprintf(name, sizeof name, "%d/tcp", port->number);
        json_unpack(json_array_get(json_object_get(ports, name), 0), "{s:s}", "HostPort",
                    &reached);
        port->reached = is_host ? port->number : reached ? atoi(reached) : 0;
    }
}

static void read_ip(struct container *container, const json_t *found)
{
    json_t *networks = NULL, *network;
    const char *name, *ip = NULL;

    container->ip[0] = '\0';
    json_unpack((json_t *)found, "{s:{s:o}}", "NetworkSettings", "Networks", &networks);
    json_object_foreach(networks, name, network)
    {
        if (json_unpack(network, "{s:s}", "IPAddress", &ip) == 0 && *ip) {
            snprintf(container->ip, sizeof container->ip, "%s", ip);
            return;
        }
    }
}

int container_inspect(struct container *container, struct err *err)
{
    json_t *found = NULL;
    int r = engine_inspect(container->engine, container->id, &found, err);

    if (r < 0)
        return r;
    container->pid = 0;
    json_unpack(found, "{s:{s:i}}", "State", "Pid", &container->pid);
    read_ports(container, found);
    read_ip(container, found);
    json_decref(found);
    return 0;
}

/* ---- commands and files ----------------------------------------------------------------- */

int container_exec(struct server *server, const struct server_exec *exec, int *ret_status,
                   struct buf *ret_out, struct buf *ret_err, struct err *err)
{
    struct container *container = (struct container *)server;
    struct engine_exec call = { .argv = exec->argv,
                                .env = exec->env,
                                .user = exec->user,
                                .workdir = exec->workdir,
                                .input = exec->input,
                                .input_size = exec->input_size,
                                .timeout_ms = exec->timeout_ms };

    return engine_exec(container->engine, container->id, &call, ret_status, ret_out, ret_err,
                       err);
}

static int call_exec(void *of, const char *const *argv, int timeout_ms, int *ret_status,
                     struct err *err)
{
    struct server_exec exec = { .argv = argv, .timeout_ms = timeout_ms };
    struct buf out = BUF_INIT(1 << 20), errors = BUF_INIT(1 << 20);
    int r = container_exec(of, &exec, ret_status, &out, &errors, err);

    buf_fini(&out);
    buf_fini(&errors);
    return r;
}

static void encode(const char *text, struct buf *ret)
{
    for (; *text; text++)
        if (strchr("/-_.~", *text) || (*text >= '0' && *text <= '9') ||
            (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
            buf_add_char(ret, *text);
        else
            buf_printf(ret, "%%%02X", (unsigned char)*text);
}

static int call_file(void *of, const char *path)
{
    struct container *container = of;
    struct buf url = BUF_INIT(ENCODED_MAX);
    struct engine_call call = { .method = "HEAD", .timeout_ms = ASK_MS };
    int r, status;

    buf_printf(&url, "/containers/%s/archive?path=", container->id);
    encode(path, &url);
    call.path = buf_text(&url);
    r = engine_do(container->engine, &call, "cannot look for a file", NULL, &status, NULL);
    buf_fini(&url);
    return r;
}

void container_calls(struct container *container, struct wait_server *ret)
{
    const char *mode = container->server.request->network_mode;

    *ret = (struct wait_server){ .owner = "the Docker daemon",
                                 .where = engine_where(container->engine),
                                 .address = call_address,
                                 .listens =
                                     mode && strcmp(mode, "host") == 0 ? NULL : call_listens,
                                 .exec = call_exec,
                                 .file = call_file,
                                 .state = call_state };
}

static const char *relative(const char *path)
{
    return path + strspn(path, "/");
}

int container_copy_to(struct server *server, const char *path, const void *data, size_t size,
                      struct err *err)
{
    struct container *container = (struct container *)server;
    struct buf tar = BUF_INIT(SERVER_LOG_MAX * 2);
    int r = -EINVAL;

    if (path[0] != '/')
        err_set(err, r, "'%s' is no path in a container: it begins with no '/'", path);
    else {
        r = tar_add(&tar, relative(path), 0644, data, size);
        tar_end(&tar);
        r = r < 0 ? err_system(err, r, "cannot pack '%s'", path)
                  : engine_copy_to(container->engine, container->id, &tar, err);
    }
    buf_fini(&tar);
    return r;
}

int container_copy_from(struct server *server, const char *path, struct buf *ret,
                        struct err *err)
{
    struct container *container = (struct container *)server;
    struct buf tar = BUF_INIT(SERVER_LOG_MAX * 2);
    struct tar_member member = { 0 };
    size_t at = 0;
    int r = engine_copy_from(container->engine, container->id, path, &tar, err);

    if (r == 0 && tar_next(&tar, &at, &member) != 1)
        r = err_set(err, -EPROTO, "what the daemon sends of '%s' is no archive", path);
    if (r == 0 && member.kind != '0')
        r = err_set(err, -EISDIR, "'%s' is no file", path);
    if (r == 0)
        r = buf_add(ret, member.data, member.size);
    buf_fini(&tar);
    return r;
}

static int add_file(const struct request_file *file, struct buf *tar, struct err *err)
{
    int r;

    if (file->path[0] != '/')
        return err_set(err, -EINVAL, "'%s' is no path in a container: it begins with no '/'",
                       file->path);
    if (file->from)
        return tar_add_tree(tar, file->from, relative(file->path), NULL, err);
    r = tar_add(tar, relative(file->path), file->mode ? file->mode : 0644, file->data,
                file->size);
    return r < 0 ? err_system(err, r, "cannot pack '%s'", file->path) : 0;
}

int container_copy_files(struct container *container, struct err *err)
{
    const struct request *request = container->server.request;
    struct buf tar = BUF_INIT((size_t)1 << 30);
    int r = 0;

    for (size_t i = 0; r == 0 && i < request->file_count; i++)
        r = add_file(&request->files[i], &tar, err);
    if (r == 0 && request->file_count > 0) {
        tar_end(&tar);
        r = tar.failed ? err_set(err, -ENOBUFS, "the files for '%s' take more than 1 GB",
                                 request->name)
                       : engine_copy_to(container->engine, container->id, &tar, err);
    }
    buf_fini(&tar);
    return r;
}
