/* service/modules/container.c - a container's life; see container.h. */

#include "service/modules/container.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "lease/image_lock.h"
#include "service/relay.h"

enum { LOG_ROOM = 16 << 20, IMAGE_MAX = 1024 };

static struct container *container_of(void *server)
{
    return server;
}

/* ---- its image -------------------------------------------------------------------------- */

static void tell_progress(void *arg, const char *text)
{
    struct container *container = arg;

    keeper_progress(container->server.keeper, "%s: %s", container->server.request->name, text);
}

static int pull(struct container *container, const char *image, struct server_trouble *trouble)
{
    struct server *server = &container->server;
    struct err err = { "" };
    int r = engine_pull(container->engine, image, server->request->platform, tell_progress,
                        container, daemon_cancel(), &err);

    if (r == 0) {
        wait_step(&server->steps, server->begun_ns, "image '%s' pulled", image);
        return 0;
    }
    trouble->is_missing =
        r != -ENOTCONN && r != -ECANCELED; /* a daemon that has died is a failure */
    return server_fail(trouble, r, "%s", err.text);
}

static int build(struct container *container, struct buf *image, struct server_trouble *trouble)
{
    struct server *server = &container->server;
    const struct request *request = server->request;
    const char *labels[] = { daemon_label(), NULL };
    struct engine_build build = { .folder = request->build_folder,
                                  .dockerfile = request->build_file,
                                  .target = request->build_target,
                                  .platform = request->platform,
                                  .args = request->build_args,
                                  .labels = labels };
    struct err err = { "the run ends" };
    int r = daemon_begin_making();
    if (r == 0) {
        r = engine_build(container->engine, &build, image, daemon_cancel(), &err);
        daemon_end_making();
    }
    if (r < 0)
        return server_fail(trouble, r, "%s", err.text);
    wait_step(&server->steps, server->begun_ns, "image built from '%s'", request->build_folder);
    return 0;
}

/* The name by which its content is asked for. */
static int name_image(const struct request *request, struct buf *image, struct err *err)
{
    struct buf name = BUF_INIT(IMAGE_MAX);

    engine_image_name(request->image, &name, err);
    if (request->digest)
        image_lock_pin(buf_text(&name), request->digest, image);
    else
        buf_add_text(image, buf_text(&name));
    buf_fini(&name);
    return err->text[0] ? -EINVAL : 0;
}

/* The name, or the id of what was built, by which a container of it is asked for. */
static int get_image(struct container *container, struct buf *image,
                     struct server_trouble *trouble)
{
    const struct request *request = container->server.request;
    struct err err = { "" };

    if (request->build_folder)
        return build(container, image, trouble);
    if (name_image(request, image, &err) < 0)
        return server_fail(trouble, -EINVAL, "%s", err.text);
    if (request->pull && !request->offline)
        return pull(container, buf_text(image), trouble);
    return 0;
}

/* The daemon has it not. */
static int fetch_image(struct container *container, const char *image,
                       struct server_trouble *trouble)
{
    if (!container->server.request->offline)
        return pull(container, image, trouble);
    trouble->is_missing = true;
    trouble->remedy = "seam pull";
    return server_fail(trouble, -ENOENT,
                       "the image '%s' is not here, and -offline lets nobody ask for it",
                       image);
}

/* ---- starting --------------------------------------------------------------------------- */

static int open_daemon(struct container *container, struct server_trouble *trouble)
{
    struct server *server = &container->server;
    struct err err = { "" };
    int r = daemon_open(server->keeper, &container->engine, &trouble->remedy, &err);

    if (r == 0) {
        snprintf(server->host, sizeof server->host, "%s", engine_host(container->engine));
        return 0;
    }
    trouble->is_missing = true;
    return server_fail(trouble, r, "needs a container: %s", err.text);
}

static int prepare(struct container *container, struct err *err)
{
    struct server *server = &container->server;
    const struct request *request = server->request;
    bool on_tmpfs;

    server->service.tier = "container";
    server_name(request->kind    ? request->kind
                : request->image ? request->image
                                 : request->build_folder,
                server->key, sizeof server->key);
    for (const char *const *at = request->ports; *at && server->port_count < SERVER_PORTS; at++)
        server->ports[server->port_count++].number = atoi(*at);
    return keeper_prepare(server->keeper, &server->service, server->key, LOG_ROOM, &on_tmpfs,
                          err);
}

/* The first address of "172.17.0.0/16". */
static bool first_address(const char *subnet, char *ret, size_t size)
{
    struct in_addr address;
    char base[INET_ADDRSTRLEN];

    snprintf(base, sizeof base, "%.*s", (int)strcspn(subnet, "/"), subnet);
    if (inet_pton(AF_INET, base, &address) != 1)
        return false;
    address.s_addr = htonl(ntohl(address.s_addr) + 1);
    return inet_ntop(AF_INET, &address, ret, (socklen_t)size) != NULL;
}

/* The address of this machine that host.seam.internal means: that of the bridge. A daemon that has just made its
 * bridge does not name it; it is the first of the network then. */
static int find_bridge(struct container *container, char *ret, size_t size, struct err *err)
{
    struct engine_call call = { .method = "GET", .path = "/networks/bridge" };
    json_t *found = NULL;
    const char *gateway = NULL, *subnet = "";
    int r = engine_do(container->engine, &call, "cannot find the address of the bridge", &found,
                      NULL, err);

    if (r == 0) {
        json_unpack(found, "{s:{s:[{s?s, s?s}]}}", "IPAM", "Config", "Gateway", &gateway,
                    "Subnet", &subnet);
        if (gateway)
            snprintf(ret, size, "%s", gateway);
        else if (!first_address(subnet, ret, size))
            r = err_set(err, -ENOENT, "the network 'bridge' has no gateway");
    }
    json_decref(found);
    return r;
}

static int start_relays(struct container *container, struct err *err)
{
    const char *const *ports = container->server.request->host_ports;
    char address[64];
    int r = ports[0] ? find_bridge(container, address, sizeof address, err) : 0;

    for (; r == 0 && *ports && container->relay_count < SERVER_PORTS; ports++) {
        r = relay_start(address, atoi(*ports), &container->relays[container->relay_count], err);
        container->relay_count += r == 0;
    }
    return r;
}

/* While it is made nobody prunes, so it cannot appear behind the last look. */
static int create(struct container *container, const char *image, struct err *err)
{
    struct server *server = &container->server;
    json_t *body = container_body(container, err);
    int r = -EINVAL;

    if (body && json_object_set_new(body, "Image", json_string(image)) == 0)
        r = daemon_begin_making();
    if (r == -ECANCELED)
        err_set(err, r, "the run ends");
    if (r == 0) {
        r = engine_create(container->engine, image, server->request->platform, body,
                          container->id, err);
        daemon_end_making();
    }
    json_decref(body);
    if (r < 0)
        return r;
    snprintf(server->id, sizeof server->id, "%s", container->id);
    wait_step(&server->steps, server->begun_ns, "container %.12s created", container->id);
    return 0;
}

static int launch(struct container *container, struct err *err)
{
    struct server *server = &container->server;
    int r = container_copy_files(container, err);

    if (r == 0 && server->request->file_count > 0)
        wait_step(&server->steps, server->begun_ns, "files copied");
    if (r == 0 &&
        daemon_begin_making() == 0) { /* of a run that ends nothing is started any more */
        daemon_end_making();
        r = engine_start(container->engine, container->id, err);
    } else if (r == 0)
        r = err_set(err, -ECANCELED, "the run ends");
    if (r < 0)
        return r;
    wait_step(&server->steps, server->begun_ns, "container started");
    r = container_follow(container, err);
    return r == 0 ? container_inspect(container, err) : r;
}

static int await(struct container *container, struct server_trouble *trouble)
{
    struct server *server = &container->server;
    struct wait_server calls;

    container_calls(container, &calls);
    return server_await(server, &calls, deadline_after_ms(server->request->timeout_ms),
                        trouble);
}

static int fail_with(struct server *server, int r, const struct err *err,
                     struct server_trouble *trouble)
{
    if (strstr(err->text, server->request->name))
        return server_fail(trouble, r, "%s", err->text);
    return server_fail(trouble, r, "'%s': %s", server->request->name, err->text);
}

/* Whether the image is here is not asked first, which would be a call more for each start: the daemon says so. */
static int create_of(struct container *container, const char *image,
                     struct server_trouble *trouble)
{
    struct err err = { "" };
    int r = create(container, image, &err);

    if (r == -ENOENT && !engine_image_is_here(container->engine, image)) {
        r = fetch_image(container, image, trouble);
        if (r < 0)
            return r;
        r = create(container, image, &err);
    }
    return r < 0 ? fail_with(&container->server, r, &err, trouble) : 0;
}

/* The time that an image takes to be pulled or built is not the server's. */
static int container_start(struct server *server, uint64_t deadline_ns,
                           struct server_trouble *trouble)
{
    struct container *container = container_of(server);
    struct buf image = BUF_INIT(IMAGE_MAX);
    struct err err = { "" };
    int r = open_daemon(container, trouble);

    (void)deadline_ns;
    if (r == 0)
        r = get_image(container, &image, trouble);
    if (r == 0) {
        r = prepare(container, &err);
        if (r == 0)
            r = start_relays(container, &err);
        r = r < 0 ? fail_with(server, r, &err, trouble)
                  : create_of(container, buf_text(&image), trouble);
    }
    buf_fini(&image);
    if (r < 0)
        return r;
    r = launch(container, &err);
    return r < 0 ? fail_with(server, r, &err, trouble) : await(container, trouble);
}

/* ---- the kind --------------------------------------------------------------------------- */

static bool container_is_alive(struct server *server)
{
    struct pollfd end = { .fd = server->ended_fd, .events = POLLIN };

    if (server->request->wait.kind == WAIT_EXIT)
        return true;
    return server->ended_fd >= 0 && poll(&end, 1, 0) == 0;
}

static void container_end(struct server *server)
{
    if (container_of(server)->id[0])
        daemon_remove_container(container_of(server)->id);
}

static void container_finish(struct server *server)
{
    struct container *container = container_of(server);

    container_end(server);
    container_abandon(container);
    for (size_t i = 0; i < container->relay_count; i++)
        relay_stop(container->relays[i]);
}

/* After its end the log is read anew from its beginning: what was known of it is its beginning still. */
static int begin_again(struct container *container, struct err *err)
{
    struct server_trouble trouble = { .story = BUF_INIT(sizeof err->text) };
    struct server *server = &container->server;
    int r;

    server_forget_waiting(server);
    server->begun_ns = now_ns();
    buf_clear(&server->steps);
    r = container_follow(container, err);
    if (r == 0)
        r = container_inspect(container, err);
    if (r == 0) {
        r = await(container, &trouble);
        if (r < 0)
            err_set(err, r, "%s", buf_text(&trouble.story));
    }
    buf_fini(&trouble.story);
    return r;
}

static int container_control(struct server *server, const char *what, struct err *err)
{
    static const struct {
        const char *what, *signal;
        bool ends;
    } signals[] = { { "pause", "pause", false },
                    { "resume", "unpause", false },
                    { "restart", "restart?t=5", true },
                    { "kill", "kill", true },
                    { "stop", "stop?t=5", true } };
    struct container *container = container_of(server);
    int r = -EINVAL;

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(what, signals[i].what) == 0) {
            r = engine_signal(container->engine, container->id, signals[i].signal, err);
            if (r == 0 && signals[i].ends)
                container_unfollow(container);
        }
    return r == 0 && strcmp(what, "restart") == 0 ? begin_again(container, err) : r;
}

static void container_describe(struct server *server, struct buf *reply)
{
    message_add_text(reply, "ip", container_of(server)->ip);
}

static void container_look(struct server *server, struct buf *note)
{
    buf_printf(note, "docker exec -it %.12s sh", container_of(server)->id);
}

const struct server_kind container_kind = {
    .word = "container",
    .size = sizeof(struct container),
    .start = container_start,
    .is_alive = container_is_alive,
    .end = container_end,
    .finish = container_finish,
    .exec = container_exec,
    .copy_to = container_copy_to,
    .copy_from = container_copy_from,
    .control = container_control,
    .describe = container_describe,
    .look = container_look,
};

static int start(struct lease *lease, const struct message *request, struct buf *reply)
{
    return server_start(&container_kind, lease, request, reply);
}

const struct module container_module = {
    .start_verb = "container.start",
    .start = start,
    .verb = server_verb,
    .end = server_end,
};
