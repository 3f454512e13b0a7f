/* service/modules/ryuk.c - a reaper beside a daemon of another machine; see ryuk.h. */

#include "service/modules/ryuk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/probe.h"

#define IMAGE "testcontainers/ryuk:0.14.0"

enum { START_MS = 20000, CONNECT_MS = 2000, PAUSE_MS = 50, NAME_MAX_SIZE = 1024 };

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* The socket as it is named on the daemon's machine. */
static const char *socket_path(void)
{
    const char *given = getenv("TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE");

    return given && *given ? given : "/var/run/docker.sock";
}

/* It bears no label of the run, or it would remove itself first. */
static json_t *body_of(const char *image, const char *label)
{
    char bind[600];

    snprintf(bind, sizeof bind, "%s:/var/run/docker.sock", socket_path());
    return json_pack("{s:s, s:{s:{}}, s:{s:s}, s:{s:b, s:b, s:[s], s:{s:[{s:s}]}}}", "Image",
                     image, "ExposedPorts", "8080/tcp", "Labels", "seam.ryuk",
                     strchr(label, '=') + 1, "HostConfig", "AutoRemove", 1, "Privileged",
                     (int)is_set("TESTCONTAINERS_RYUK_CONTAINER_PRIVILEGED"), "Binds", bind,
                     "PortBindings", "8080/tcp", "HostPort", "");
}

static int create(struct engine *engine, const char *label, char ret_id[65], struct err *err)
{
    struct buf image = BUF_INIT(NAME_MAX_SIZE);
    json_t *body = NULL;
    int r = engine_image_name(IMAGE, &image, err);

    if (r == 0 && !engine_image_is_here(engine, buf_text(&image)))
        r = engine_pull(engine, buf_text(&image), NULL, NULL, NULL, NULL, err);
    if (r == 0) {
        body = body_of(buf_text(&image), label);
        r = body ? engine_create(engine, buf_text(&image), NULL, body, ret_id, err)
                 : err_set(err, -ENOMEM, "out of memory");
    }
    json_decref(body);
    buf_fini(&image);
    return r;
}

static int find_port(struct engine *engine, const char *id, int *ret, struct err *err)
{
    const char *port = NULL;
    json_t *found = NULL;
    int r = engine_inspect(engine, id, &found, err);

    if (r == 0)
        json_unpack(found, "{s:{s:{s:[{s:s}]}}}", "NetworkSettings", "Ports", "8080/tcp",
                    "HostPort", &port);
    *ret = port ? atoi(port) : 0;
    json_decref(found);
    return r < 0 || port ? r : err_set(err, -EPROTO, "its port is not published");
}

/* One line is told and one heard. Before it listens a forwarder may accept in its place, and close. */
static int shake_hands(int fd, const char *label, struct err *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    char line[256], heard[4];
    ssize_t n;

    snprintf(line, sizeof line, "label=%s\n", label);
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
        return err_system(err, -errno, "cannot tell it the label");
    for (size_t size = 0; size < sizeof heard; size += (size_t)n) {
        if (poll(&ready, 1, CONNECT_MS) <= 0)
            return err_set(err, -EAGAIN, "it does not answer");
        n = read(fd, heard + size, sizeof heard - size);
        if (n <= 0)
            return err_set(err, -EAGAIN, "it has closed the connection");
    }
    return memcmp(heard, "ACK\n", sizeof heard) == 0
               ? 0
               : err_set(err, -EPROTO, "it does not say ACK");
}

static int reach(struct engine *engine, const char *id, const char *label, struct err *err)
{
    uint64_t deadline = deadline_after_ms(START_MS);
    int port, fd = -1, r = find_port(engine, id, &port, err);

    if (r < 0)
        return r;
    for (;;) {
        fd = probe_connect(engine_host(engine), port, CONNECT_MS, err);
        r = fd < 0 ? fd : shake_hands(fd, label, err);
        if (r == 0)
            return fd;
        io_close(&fd);
        if (r == -EPROTO || now_ns() >= deadline)
            return r;
        poll(NULL, 0, PAUSE_MS);
    }
}

int ryuk_start(struct engine *engine, const char *label, struct ryuk *ret, struct err *err)
{
    struct ryuk ryuk = RYUK_NONE;
    int r;

    if (is_set("TESTCONTAINERS_RYUK_DISABLED"))
        return err_set(err, -ECANCELED, "TESTCONTAINERS_RYUK_DISABLED is set");
    r = create(engine, label, ryuk.id, err);
    if (r < 0)
        return r;
    r = engine_start(engine, ryuk.id, err);
    if (r == 0)
        r = reach(engine, ryuk.id, label, err);
    if (r < 0) {
        engine_remove(engine, ryuk.id, NULL);
        return r;
    }
    ryuk.fd = r;
    *ret = ryuk;
    return 0;
}

void ryuk_end(struct engine *engine, struct ryuk *ryuk)
{
    if (ryuk->fd < 0)
        return;
    engine_remove(engine, ryuk->id, NULL);
    io_close(&ryuk->fd);
    *ryuk = RYUK_NONE;
}
