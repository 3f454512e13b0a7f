/* lease/service.c - a server for a test: a container or a process; see seam/service.h. */

#include "seam/service.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "lease/image_lock.h"
#include "lease/lease.h"
#include "lease/service_request.h"
#include "test/t.h"

enum {
    PULL_MAX_MS = 1800000, /* an image may be large; the test's own limit comes first */
    READY_MS = 60000,
    MARGIN_MS = 500, /* of the test's time: for the story why it is not ready */
    EXEC_MS = 110000,
    PAUSE_MAX_MS = 100,
    PORTS = 16,
    SHOWN = 2000
};

struct server_port {
    const char *name;
    int number;
    int reached;
};

struct seam_container {
    struct lease *lease;
    seam_t *t;
    const char *name, *host, *id, *ip, *folder;
    struct server_port ports[PORTS];
    size_t port_count;
    bool is_known; /* the keeper has said where it is */
    struct service_functions functions; /* to be asked before it is ready */
    uint64_t deadline_ns; /* of theirs */
};

struct seam_network {
    struct lease *lease;
    const char *id;
};

/* ---- starting --------------------------------------------------------------------------- */

static int number_of(const struct message *value)
{
    int number = 0;

    for (size_t i = 0; i < value->size && value->data[i] >= '0' && value->data[i] <= '9'; i++)
        number = number * 10 + (value->data[i] - '0');
    return number;
}

/* Where it is reached, as the keeper tells it; of a restarted one again. */
static void take_place(seam_container *server, const struct message *answer)
{
    struct message key, value;
    struct server_port *port = server->ports - 1;
    size_t at = 0;

    server->host = lease_text(server->lease, answer, "host");
    server->id = lease_text(server->lease, answer, "id");
    server->ip = lease_text(server->lease, answer, "ip");
    server->folder = lease_text(server->lease, answer, "folder");
    server->port_count = 0;
    while (message_next(answer, &at, &key, &value) == 1)
        if (message_is(&key, "port_name") && server->port_count < PORTS) {
            port = &server->ports[server->port_count++];
            port->name = arena_copy(t_arena(server->t), value.data, value.size);
        } else if (message_is(&key, "port_number") && server->port_count > 0)
            port->number = number_of(&value);
        else if (message_is(&key, "port") && server->port_count > 0)
            port->reached = number_of(&value);
}

/* The log of a failed test is shown as far as it is the test's own. */
static void show_log(void *arg)
{
    seam_container *server = arg;
    struct message answer;
    struct buf frame;
    const char *log;

    if (!seam_failed(server->t) || !server->is_known || server->lease->fd < 0 ||
        server->lease->owner != getpid())
        return;
    lease_request(&frame, "logs");
    message_add_int(&frame, "slice", 1);
    message_end(&frame, 0);
    if (lease_ask(server->lease, server->lease->site, &frame, &answer) == 0) {
        log = lease_text(server->lease, &answer, "log");
        if (*log)
            seam_log_at(server->t, server->lease->site, "'%s' while the test ran:\n%.*s",
                        server->name, (int)strlen(log) - 1, log);
    }
    buf_fini(&frame);
}

static int limit_ms(seam_t *t, int want_ms)
{
    int left = t_wait_ms(t, want_ms + MARGIN_MS) - MARGIN_MS;

    return left > 1 ? left : 1;
}

static const char *name_of(const seam_service_request *request)
{
    if (request->name)
        return request->name;
    if (request->argv[0])
        return request->argv[0];
    return request->image          ? request->image
           : request->build.folder ? request->build.folder
                                   : "server";
}

/* Ask the functions of the test's until each has said yes. */
static void await_functions(seam_container *server)
{
    const struct service_functions *functions = &server->functions;
    struct pollfd keeper = { .fd = server->lease->fd, .events = POLLIN };
    int pause_ms = 1;

    for (size_t i = 0; i < functions->count;) {
        if (functions->fn[i](server, functions->arg[i])) {
            i++;
            continue;
        }
        if (now_ns() >= server->deadline_ns)
            seam_fatal_at(server->t, server->lease->site,
                          "'%s' was not ready in time: .fn still says no", server->name);
        machine.poll(&keeper, 1, pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
}

/* One that was started in the background is waited for by whoever uses it first. */
static void know(const seam_container *started)
{
    seam_container *server = (seam_container *)started;
    struct message answer;

    if (server->is_known)
        return;
    lease_await(server->lease, PULL_MAX_MS, &answer);
    take_place(server, &answer);
    server->is_known = true; /* for the functions, which may use it */
    await_functions(server);
}

static void write_head(seam_t *t, const seam_service_request *request, const char *verb,
                       int timeout_ms, struct buf *frame)
{
    bool is_private = request->private_server || request->network || request->host_ports[0];

    for (int i = 0; i < SEAM_SERVICE_MAX; i++) /* what such a one needs, only this test has */
        is_private = is_private || request->after[i];
    lease_request(frame, verb);
    message_add_text(frame, "test", seam_name(t));
    message_add_text(frame, "name", name_of(request));
    message_add_int(frame, "private", is_private);
    message_add_int(frame, "pull", request->pull);
    message_add_int(frame, "offline", getenv(IMAGE_OFFLINE_VARIABLE) != NULL);
    message_add_int(frame, "attempts", request->attempts > 1 ? request->attempts : 1);
    message_add_int(frame, "timeout_ms", timeout_ms);
    message_add_text(frame, "network", request->network ? request->network->id : NULL);
}

static seam_container *start(seam_t *t, const seam_service_request *request, bool is_process)
{
    seam_container *server = arena_zero(t_arena(t), sizeof *server);
    int want_ms = request->start_timeout_ms > 0 ? request->start_timeout_ms : READY_MS;
    int timeout_ms = limit_ms(t, want_ms);
    struct buf frame;

    for (int i = 0; i < SEAM_SERVICE_MAX; i++)
        if (request->after[i])
            know(request->after[i]);
    server->t = t;
    server->deadline_ns = deadline_after_ms(timeout_ms);
    server->name = arena_dup(t_arena(t), name_of(request));
    write_head(t, request, is_process ? "process.start" : "container.start", timeout_ms,
               &frame);
    service_write(t, is_process, request, &frame, &server->functions);
    message_end(&frame, 0);
    server->lease =
        lease_send(t, request->site, is_process ? "a process" : "a container", &frame);
    buf_fini(&frame);
    seam_cleanup(t, show_log, server);
    if (!request->in_background)
        know(server);
    return server;
}

seam_container *seam_container_start_at(seam_t *t, const seam_service_request *request)
{
    return start(t, request, false);
}

seam_container *seam_process_start_at(seam_t *t, const seam_service_request *request)
{
    return start(t, request, true);
}

const char *service_network_id(const seam_network *network)
{
    return network->id;
}

seam_network *seam_network_start_at(seam_t *t, seam_site at)
{
    seam_network *network = arena_zero(t_arena(t), sizeof *network);
    struct message answer;
    struct buf frame;

    lease_request(&frame, "network.start");
    message_add_text(&frame, "test", seam_name(t));
    message_end(&frame, 0);
    network->lease = lease_start_long(t, at, "a network", &frame, READY_MS, &answer);
    buf_fini(&frame);
    network->id = lease_text(network->lease, &answer, "id");
    return network;
}

/* ---- where it is ------------------------------------------------------------------------ */

const char *seam_container_host(const seam_container *server)
{
    know(server);
    return server->host;
}

const char *seam_container_id(const seam_container *server)
{
    know(server);
    return server->id;
}

const char *seam_container_ip(seam_container *server)
{
    know(server);
    return server->ip;
}

const char *seam_container_folder(const seam_container *server)
{
    know(server);
    return server->folder;
}

int seam_container_port_at(seam_container *server, seam_site at, int port)
{
    know(server);
    for (size_t i = 0; i < server->port_count; i++)
        if (port == 0 || server->ports[i].number == port)
            return server->ports[i].reached;
    seam_fatal_at(server->t, at, "'%s' has no port %d: it is none of those asked for",
                  server->name, port);
}

int seam_container_named_port(const seam_container *server, const char *name)
{
    know(server);
    for (size_t i = 0; i < server->port_count; i++)
        if (strcmp(server->ports[i].name, name) == 0)
            return server->ports[i].reached;
    return -1;
}

/* ---- what is done to it ----------------------------------------------------------------- */

/* Send a request; an error ends the test: "'redis': ...". The frame is ended and freed. */
static void ask(seam_container *server, seam_site at, struct buf *frame, struct message *ret)
{
    int r;

    know(server);
    message_end(frame, 0);
    r = lease_ask(server->lease, at, frame, ret);
    buf_fini(frame);
    if (r < 0)
        seam_fatal_at(server->t, at, "%s", lease_text(server->lease, ret, "error"));
}

static void check_status(seam_container *server, const seam_exec_options *options,
                         const seam_exec_result *result)
{
    const char *words = result->err_size > 0 ? result->err : result->out;

    if (result->status != 0 && !options->may_fail)
        seam_fatal_at(server->t, options->site, "'%s' in '%s' ended with status %d%s%.*s",
                      options->argv[0], server->name, result->status, *words ? "\n" : "", SHOWN,
                      words);
}

const seam_exec_result *seam_container_exec_at(seam_container *server,
                                               const seam_exec_options *options)
{
    seam_exec_result *result = arena_zero(t_arena(server->t), sizeof *result);
    int want_ms = options->timeout_ms > 0 ? options->timeout_ms : EXEC_MS;
    struct message answer;
    struct buf frame;

    if (!options->argv[0])
        seam_fatal_at(server->t, options->site, "a command needs .argv");
    lease_request(&frame, "exec");
    for (int i = 0; i < SEAM_SERVICE_MAX && options->argv[i]; i++)
        message_add_text(&frame, "argv", options->argv[i]);
    for (int i = 0; i < SEAM_SERVICE_MAX && options->env[i]; i++)
        message_add_text(&frame, "env", options->env[i]);
    message_add_text(&frame, "stdin", options->stdin_text);
    message_add_text(&frame, "user", options->user);
    message_add_text(&frame, "workdir", options->workdir);
    message_add_int(&frame, "timeout_ms", limit_ms(server->t, want_ms));
    ask(server, options->site, &frame, &answer);
    result->status = (int)message_int(&answer, "status", -1);
    result->out = lease_text(server->lease, &answer, "out");
    result->out_size = message_value(&answer, "out").size;
    result->err = lease_text(server->lease, &answer, "err");
    result->err_size = message_value(&answer, "err").size;
    check_status(server, options, result);
    return result;
}

const char *seam_container_logs(seam_container *server)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "logs");
    ask(server, server->lease->site, &frame, &answer);
    return lease_text(server->lease, &answer, "log");
}

void seam_container_follow_at(seam_container *server, seam_site at, const char *text,
                              int within_ms)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "follow");
    message_add_text(&frame, "text", text);
    message_add_int(&frame, "within_ms", limit_ms(server->t, within_ms));
    ask(server, at, &frame, &answer);
}

void seam_container_copy_to_at(seam_container *server, seam_site at, const char *path,
                               const void *data, size_t size)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "copy_to");
    message_add_text(&frame, "path", path);
    message_add(&frame, "data", data, size);
    ask(server, at, &frame, &answer);
}

const char *seam_container_copy_from_at(seam_container *server, seam_site at, const char *path,
                                        size_t *ret_size)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "copy_from");
    message_add_text(&frame, "path", path);
    ask(server, at, &frame, &answer);
    if (ret_size)
        *ret_size = message_value(&answer, "data").size;
    return lease_text(server->lease, &answer, "data");
}

void seam_container_do_at(seam_container *server, seam_site at, const char *what)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, what);
    ask(server, at, &frame, &answer);
    take_place(server, &answer);
}
