/* service/probe.c - ask a server in its protocol whether it answers; see probe.h. */

#include "service/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"

enum { ANSWER_MAX = 64 << 10 };

/* Wait for a connect in progress. Returns 0 or -errno. */
static int await_connect(int fd, int timeout_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    int code = 0;
    socklen_t size = sizeof code;

    if (poll(&ready, 1, timeout_ms) <= 0)
        return -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        return -errno;
    return -code;
}

int probe_connect(const char *host, int port, int timeout_ms, struct err *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char service[16];
    int fd, r;

    snprintf(service, sizeof service, "%d", port);
    r = getaddrinfo(host, service, &hints, &found);
    if (r != 0)
        return err_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(r));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    r = fd < 0 ? -errno : connect(fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno : 0;
    freeaddrinfo(found);
    if (r == -EINPROGRESS)
        r = await_connect(fd, timeout_ms);
    if (r == 0)
        return fd;
    io_close(&fd);
    return err_system(err, r, "connect to %s:%d", host, port);
}

/* Read until the answer can be judged. */
static int hear(int fd, int probe, uint64_t deadline_ns, struct err *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    struct buf got = BUF_INIT(ANSWER_MAX);
    int r = -EINPROGRESS;

    while (r == -EINPROGRESS) {
        char *to = buf_reserve(&got, 4096);
        ssize_t n = -1;

        if (!to || poll(&ready, 1, deadline_poll_ms(deadline_ns)) <= 0) {
            r = err_set(err, -EAGAIN, "connected, but no answer came in time");
            break;
        }
        n = read(fd, to, 4096);
        if (n <= 0) {
            r = err_set(err, -EAGAIN, "the server closed the connection without an answer");
            break;
        }
        got.size += (size_t)n;
        r = probe_judge(probe, got.data, got.size, err);
    }
    buf_fini(&got);
    return r;
}

int probe_ask(int probe, const char *host, int port, int timeout_ms, struct err *err)
{
    uint64_t deadline = deadline_after_ms(timeout_ms);
    struct buf question = BUF_INIT(512);
    int fd = probe_connect(host, port, timeout_ms, err);
    int r;

    if (fd < 0)
        return -EAGAIN;
    probe_question(probe, &question);
    if (question.size > 0 && send(fd, question.data, question.size, MSG_NOSIGNAL) < 0)
        r = err_system(err, -EAGAIN, "cannot send");
    else
        r = hear(fd, probe, deadline, err);
    buf_fini(&question);
    close(fd);
    return r;
}
