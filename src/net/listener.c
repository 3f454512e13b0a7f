/* net/listener.c - listening sockets of the loop; see listener.h. */

#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/t.h"

enum { BACKLOG = 1024, PEER_MAX = 64, PAUSE_MS = 20 };

static struct listener *listeners; /* on TCP; guarded by the loop's lock */

/* ---- accepting */

static void say_peer(char *to, size_t size, const struct sockaddr_in *address)
{
    char text[INET_ADDRSTRLEN];

    if (address->sin_family == AF_INET)
        snprintf(to, size, "%s:%d", inet_ntop(AF_INET, &address->sin_addr, text, sizeof text),
                 ntohs(address->sin_port));
    else
        snprintf(to, size, "unix");
}

static void go_on(struct loop_timer *timer)
{
    struct listener *listener =
        (void *)((char *)timer - offsetof(struct listener, pause)); /* it is its first use */

    loop_watch_set(&listener->watch, EPOLLIN);
}

static void say_lack(struct listener *listener, int error)
{
    if (listener->lacks)
        listener->lacks(listener, error);
}

/* One a time: whether there are more the loop knows at no cost. */
static void accept_one(struct loop_watch *watch, uint32_t events)
{
    struct listener *listener = (void *)watch; /* its first member */
    struct sockaddr_in address = { 0 };
    socklen_t size = sizeof address;
    char peer[PEER_MAX];
    int fd =
        accept4(watch->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        loop_watch_set(watch, 0); /* the client waits in the queue */
        loop_timer_set(&listener->pause, deadline_after_ms(PAUSE_MS));
        say_lack(listener, -errno);
    }
    if (fd < 0)
        return;
    fd = t_private_fd(fd);
    if (fd < 0) {
        say_lack(listener, fd);
        return;
    }
    say_peer(peer, sizeof peer, &address);
    listener->accepted(listener, fd, peer);
}

/* ---- starting */

/* `path`: of the file that binding makes; NULL: none. */
static int listen_on(struct listener *listener, const struct sockaddr *address, socklen_t size,
                     const char *path)
{
    const int on = 1;
    int fd =
        t_private_fd(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

    if (fd < 0)
        return fd;
    listener->watch.fd = fd;
    if (address->sa_family ==
        AF_INET) /* what is accepted inherits it: no piece waits for another */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (listener->held_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, address, size) < 0)
        return -errno;
    listener->path = path; /* there is a file now, whatever fails from here on */
    if (listen(fd, BACKLOG) < 0)
        return -errno;
    return loop_watch_set(&listener->watch, EPOLLIN);
}

static int listen_on_tcp(struct listener *listener, struct err *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)listener->held_port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int r = listen_on(listener, (struct sockaddr *)&address, size, NULL);

    if (r == 0 && getsockname(listener->watch.fd, (struct sockaddr *)&address, &size) < 0)
        r = -errno;
    if (r < 0)
        return err_system(err, r, "cannot listen on 127.0.0.1");
    listener->port = ntohs(address.sin_port);
    listener->next = listeners;
    listeners = listener;
    return 0;
}

static int listen_on_path(struct listener *listener, const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(path) + 1;
    int r;

    if (size > sizeof address.sun_path)
        return err_set(err, -ENAMETOOLONG,
                       "cannot listen on '%s': a unix socket's path has at most %zu bytes",
                       path, sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, size);
    r = listen_on(listener, (struct sockaddr *)&address, sizeof address, path);
    return r < 0 ? err_system(err, r, "cannot listen on '%s'", path) : 0;
}

int listener_start(struct listener *listener, const char *path, struct err *err)
{
    int r;

    listener->watch = (struct loop_watch){ .fd = -1, .ready = accept_one };
    listener->pause.fire = go_on;
    r = path ? listen_on_path(listener, path, err) : listen_on_tcp(listener, err);
    if (r < 0)
        listener_stop(listener);
    return r;
}

void listener_stop(struct listener *listener)
{
    struct listener **at = &listeners;

    if (listener->watch.fd <= 0)
        return;
    while (*at && *at != listener)
        at = &(*at)->next;
    if (*at)
        *at = listener->next;
    loop_timer_cancel(&listener->pause);
    loop_watch_remove(&listener->watch);
    t_private_close(listener->watch.fd);
    listener->watch.fd = -1;
    if (listener->path)
        unlink(listener->path);
}

/* Bound, it keeps the port; as it does not listen, the kernel refuses who calls. */
int listener_hold_port(int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    const int on = 1;
    int fd = t_private_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), r;

    if (fd < 0)
        return fd;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        r = -errno;
        t_private_close(fd);
        return r;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

struct listener *listener_of_port(int port)
{
    struct listener *at = listeners;

    while (at && at->port != port)
        at = at->next;
    return at;
}
