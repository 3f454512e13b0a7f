/* test/spawn_ready.c - waiting for a spawned program, and until it is ready. */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "test/match.h"
#include "test/spawn.h"
#include "test/spawn_report.h"

enum {
    READY_MS = 10000,
    FIRST_PAUSE_MS = 1,
    LAST_PAUSE_MS = 20,
    ANSWER_MS = 5000, /* to one request; then it is asked again */
    STATUS_LINE_MAX = 512,
    EXITING = 4, /* PF_EXITING among the flags in /proc/PID/stat */
};

/* ---- waiting */

/* In a clean-up the context is done, but some time may be left until the test is killed: half of that. */
struct spawn_limit spawn_limit(seam_process *child, int ms)
{
    struct spawn_limit limit = { .begin_ns = now_ns(), .ms = ms };

    limit.deadline_ns = deadline_after_ms(ms);
    if (!child->t->finished)
        limit.context = seam_context_of(child->t);
    else if (process.deadline_ns > limit.begin_ns)
        limit.deadline_ns = deadline_first(
            limit.deadline_ns, limit.begin_ns + (process.deadline_ns - limit.begin_ns) / 2);
    return limit;
}

static bool is_over(const struct spawn_limit *limit)
{
    return limit->deadline_ns && now_ns() >= limit->deadline_ns;
}

bool spawn_is_late(const struct spawn_limit *limit)
{
    return is_over(limit) || (limit->context && seam_context_done(limit->context));
}

const char *spawn_late_words(seam_process *child, const struct spawn_limit *limit)
{
    uint64_t ms = (now_ns() - limit->begin_ns) / 1000000u;
    const char *why = is_over(limit) ? "" : ", when the time of the test was over";

    if (is_over(limit))
        ms = (uint64_t)limit->ms;
    if (ms % 1000 == 0)
        return arena_printf(&child->t->arena, "within %" PRIu64 " s%s", ms / 1000, why);
    return arena_printf(&child->t->arena, "within %" PRIu64 " ms%s", ms, why);
}

void spawn_pause(seam_process *child, const struct spawn_limit *limit, int fd, short events,
                 int pause_ms)
{
    struct pollfd fds[] = {
        { .fd = child->changed, .events = POLLIN },
        { .fd = limit->context ? seam_context_fd(limit->context) : -1, .events = POLLIN },
        { .fd = fd, .events = events },
    };
    int ms = deadline_poll_ms(limit->deadline_ns);
    eventfd_t count;

    if (pause_ms >= 0 && (ms < 0 || pause_ms < ms))
        ms = pause_ms;
    machine.poll(fds, 3, ms);
    if (fds[0].revents)
        eventfd_read(child->changed, &count);
}

/* It has crashed in time, and ends when its stack has been read. */
static enum spawn_wait await_crash(seam_process *child, const struct spawn_limit *limit)
{
    struct spawn_limit grace = spawn_limit(child, SPAWN_REPORT_MS);

    grace.context = limit->context;
    while (!spawn_end_of(child).ended && !spawn_is_late(&grace))
        spawn_pause(child, &grace, -1, 0, -1);
    return spawn_end_of(child).ended ? SPAWN_ENDED : SPAWN_LATE;
}

enum spawn_wait spawn_await(seam_process *child, const struct spawn_limit *limit,
                            bool (*holds)(seam_process *child, void *arg), void *arg)
{
    for (;;) {
        bool ended = spawn_end_of(child).ended; /* first: what it wrote before counts */

        if (holds(child, arg))
            return SPAWN_HOLDS;
        if (ended)
            return SPAWN_ENDED;
        if (spawn_is_late(limit))
            return spawn_is_crashing(child) ? await_crash(child, limit) : SPAWN_LATE;
        spawn_pause(child, limit, -1, 0, -1);
    }
}

/* ---- a line */

struct searching {
    const char *pattern;
    uint64_t from; /* before that no line matches */
    const char *found;
    struct err err;
};

/* A line whose end has not come counts when no more of it can come. */
static bool find_line(seam_process *child, void *arg)
{
    struct searching *searching = arg;
    bool ended = spawn_end_of(child).ended;
    uint64_t at;
    size_t size;
    char *line = spawn_output(child, searching->from, &at, &size);

    searching->from = at;
    while (*line && !searching->found) {
        char *end = strchr(line, '\n');
        size_t length = strcspn(line, "\n");

        if (!end && !ended)
            break;
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (match_regex(line, searching->pattern, &searching->err))
            searching->found = line;
        line += length + (end != NULL);
        searching->from += length + (end != NULL);
    }
    return searching->found != NULL;
}

void spawn_check_pattern(seam_process *child, seam_site at, const char *pattern)
{
    struct err err = { "" };

    match_regex("", pattern, &err);
    if (*err.text)
        seam_fatal_at(child->t, at, "'%s' is no pattern: %s", pattern, err.text);
}

const char *spawn_await_line(seam_process *child, const struct spawn_limit *limit,
                             const char *pattern, enum spawn_wait *ret)
{
    struct searching searching = { .pattern = pattern };

    *ret = spawn_await(child, limit, find_line, &searching);
    return searching.found;
}

/* ---- readiness */

/* What it is waited for: for the message. */
struct readiness {
    seam_process *child;
    struct spawn_limit limit;
    const char *what;
    char last[160]; /* how it was at the last look; "": not to be said */
    const char *remedy;
};

static SEAM_NORETURN void not_ready(struct readiness *readiness, enum spawn_wait why)
{
    seam_process *child = readiness->child;
    struct spawn_end end = spawn_end_of(child);

    child->told = why == SPAWN_ENDED;
    if (why == SPAWN_ENDED)
        seam_fatal_at(child->t, child->options.site,
                      "'%s' %s before it was ready: waited for %s%s", child->name,
                      spawn_how(child, end), readiness->what, spawn_tail(child));
    seam_fatal_at(child->t, child->options.site,
                  "'%s' was not ready %s: waited for %s%s%s%s\ntry: %s", child->name,
                  spawn_late_words(child, &readiness->limit), readiness->what,
                  *readiness->last ? "\n    at the last look: " : "", readiness->last,
                  spawn_tail(child), readiness->remedy);
}

/* Ask again and again, with growing pauses. */
static void probe(struct readiness *readiness,
                  bool (*look)(struct readiness *readiness, int port), int port)
{
    int pause_ms = FIRST_PAUSE_MS;

    while (!look(readiness, port)) {
        if (spawn_end_of(readiness->child).ended)
            not_ready(readiness, SPAWN_ENDED);
        if (spawn_is_late(&readiness->limit))
            not_ready(readiness, SPAWN_LATE);
        spawn_pause(readiness->child, &readiness->limit, -1, 0, pause_ms);
        pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
    }
}

/* ---- a port */

/* Wait for the socket, the end of the program, or the end of the time. */
static bool await_socket(struct readiness *readiness, int fd, short events, uint64_t until_ns)
{
    struct pollfd ready = { .fd = fd, .events = events };

    while (machine.poll(&ready, 1, 0) == 0) {
        if (spawn_end_of(readiness->child).ended || spawn_is_late(&readiness->limit) ||
            now_ns() >= until_ns)
            return false;
        spawn_pause(readiness->child, &readiness->limit, fd, events,
                    deadline_poll_ms(until_ns));
    }
    return true;
}

/* Past the hooks of doubles, which would take it for a connection of the test's: a system call. Returns a
 * descriptor or -errno. */
static int connect_to(struct readiness *readiness, int port, uint64_t until_ns)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -errno;
    if (syscall(SYS_connect, fd, &address, sizeof address) < 0)
        error = errno;
    if (error == EINPROGRESS)
        error = !await_socket(readiness, fd, POLLOUT, until_ns)           ? ETIMEDOUT
                : getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno
                                                                          : error;
    if (error == 0)
        return fd;
    close(fd);
    return -error;
}

static bool accepts(struct readiness *readiness, int port)
{
    int fd = connect_to(readiness, port, deadline_after_ms(ANSWER_MS));

    if (fd < 0)
        snprintf(readiness->last, sizeof readiness->last, "%s", strerror(-fd));
    else
        close(fd);
    return fd >= 0;
}

static const struct spawn_port *port_named(seam_process *child, const char *option,
                                           const char *name)
{
    const struct spawn_port *port = spawn_find_port(child, name);

    if (!port)
        seam_fatal_at(child->t, child->options.site,
                      "%s: no word of .argv, .env or .stdin_text has {port:%s}", option, name);
    return port;
}

static void await_port(struct readiness *readiness)
{
    seam_process *child = readiness->child;
    const char *name = child->options.ready_port;
    const struct spawn_port *port = port_named(child, ".ready_port", name);

    readiness->what =
        arena_printf(&child->t->arena, "port '%s' (127.0.0.1:%d) to accept", name, port->port);
    readiness->remedy = "have it listen on that port of 127.0.0.1, or .ready_timeout_ms";
    probe(readiness, accepts, port->port);
}

/* ---- an HTTP answer */

/* Read until the first line is whole. 0 or -errno; -ENODATA when the other side ended it before. */
static int read_status_line(struct readiness *readiness, int fd, char *line, size_t room,
                            uint64_t until_ns)
{
    size_t size = 0;

    while (size < room - 1) {
        ssize_t n = recv(fd, line + size, room - 1 - size, 0);

        if (n == 0)
            return -ENODATA;
        if (n > 0) {
            size += (size_t)n;
            line[size] = '\0';
            if (strchr(line, '\n'))
                return 0;
        } else if (errno != EAGAIN && errno != EINTR)
            return -errno;
        else if (!await_socket(readiness, fd, POLLIN, until_ns))
            return -ETIMEDOUT;
    }
    return -EPROTO;
}

/* An answer that did not come in the time that was left says less than the one before. */
static void say_failure(struct readiness *readiness, int error)
{
    if (error == ETIMEDOUT && *readiness->last)
        return;
    snprintf(readiness->last, sizeof readiness->last, "%s",
             error == ENODATA     ? "it closed the connection without an answer"
             : error == EPROTO    ? "its answer was no HTTP"
             : error == ETIMEDOUT ? "it accepted, but did not answer"
                                  : strerror(error));
}

static bool answers(struct readiness *readiness, int port)
{
    const char *path = strchr(readiness->child->options.ready_http, ':') + 1;
    uint64_t until_ns = deadline_after_ms(ANSWER_MS);
    int fd = connect_to(readiness, port, until_ns);
    char line[STATUS_LINE_MAX], *request;
    int status = 0, r;

    if (fd < 0) {
        snprintf(readiness->last, sizeof readiness->last, "%s", strerror(-fd));
        return false;
    }
    request = arena_printf(&readiness->child->t->arena,
                           "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n"
                           "User-Agent: seam\r\nConnection: close\r\n\r\n",
                           path, port);
    r = send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 ? -errno : 0;
    if (r == 0)
        r = read_status_line(readiness, fd, line, sizeof line, until_ns);
    close(fd);
    if (r == 0 && sscanf(line, "HTTP/%*d.%*d %3d", &status) != 1)
        r = -EPROTO;
    if (r < 0)
        say_failure(readiness, -r);
    else
        snprintf(readiness->last, sizeof readiness->last, "it answered %.*s",
                 (int)strcspn(line, "\r\n"), line);
    return r == 0 && status >= 100 && status < 400;
}

static void await_http(struct readiness *readiness)
{
    seam_process *child = readiness->child;
    const char *words = child->options.ready_http;
    const char *colon = strchr(words, ':');
    const struct spawn_port *port;

    if (!colon || colon == words || colon[1] != '/' || strpbrk(words, " \r\n"))
        seam_fatal_at(child->t, child->options.site,
                      ".ready_http = '%s' is not of the form NAME:/PATH, as http:/healthz",
                      words);
    port = port_named(child, ".ready_http",
                      arena_copy(&child->t->arena, words, (size_t)(colon - words)));
    readiness->what =
        arena_printf(&child->t->arena, "GET http://127.0.0.1:%d%s to give a status below 400",
                     port->port, colon + 1);
    readiness->remedy = "have it listen on {port:...} of 127.0.0.1, or .ready_timeout_ms";
    probe(readiness, answers, port->port);
}

/* ---- a line, a descriptor */

static void await_line(struct readiness *readiness)
{
    seam_process *child = readiness->child;
    enum spawn_wait wait;

    readiness->what =
        arena_printf(&child->t->arena, "a line that matches /%s/", child->options.ready_line);
    readiness->remedy =
        "have it flush: stdio keeps back what goes to a pipe; or .ready_timeout_ms";
    if (!spawn_await_line(child, &readiness->limit, child->options.ready_line, &wait))
        not_ready(readiness, wait);
}

/* Whether it is about to end: the kernel closes its descriptors before anybody is told of its end. */
static bool is_exiting(pid_t pid)
{
    struct buf text = BUF_INIT(4096);
    unsigned flags = EXITING;
    char path[64];
    const char *rest;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (io_read_file(path, &text) == 0) {
        rest = strrchr(buf_text(&text), ')'); /* its name may have blanks */
        if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1)
            flags = EXITING;
    }
    buf_fini(&text);
    return flags & EXITING;
}

static void await_descriptor(struct readiness *readiness)
{
    seam_process *child = readiness->child;
    ssize_t n;
    char byte;

    readiness->what = "a byte on descriptor $SEAM_READY_FD, or its end";
    readiness->remedy = "have it write to that descriptor, or .ready_timeout_ms";
    while ((n = read(child->ready, &byte, 1)) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            seam_fatal_at(child->t, child->options.site, "cannot wait for '%s': %s",
                          child->name, strerror(errno));
        if (spawn_end_of(child).ended)
            not_ready(readiness, SPAWN_ENDED);
        if (spawn_is_late(&readiness->limit))
            not_ready(readiness, SPAWN_LATE);
        spawn_pause(child, &readiness->limit, child->ready, POLLIN, -1);
    }
    if (n > 0 || !is_exiting(child->pid))
        return;
    while (!spawn_end_of(child).ended && !spawn_is_late(&readiness->limit))
        spawn_pause(child, &readiness->limit, -1, 0, -1);
    not_ready(readiness, SPAWN_ENDED);
}

void spawn_await_ready(seam_process *child)
{
    const struct seam_spawn_options *options = &child->options;
    struct readiness readiness = { .child = child };

    readiness.limit =
        spawn_limit(child, options->ready_timeout_ms ? options->ready_timeout_ms : READY_MS);
    if (options->ready_fd)
        await_descriptor(&readiness);
    if (options->ready_line)
        await_line(&readiness);
    if (options->ready_port)
        await_port(&readiness);
    if (options->ready_http)
        await_http(&readiness);
}
