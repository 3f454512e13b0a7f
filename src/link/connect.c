/* link/connect.c - connections to doubles, and those that are refused; see connect.h. */

#include "link/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "link/destination.h"
#include "link/real.h"
#include "link/table.h"

#include "base/hostile.h"

enum { PEER_BUFFER = 1 << 20 };

int (*link_private_fd)(int fd);

/* ---- connections of our own */

static _Thread_local int passing;

void link_pass_begin(void)
{
    passing++;
}

void link_pass_end(void)
{
    passing--;
}

bool link_passes(void)
{
    return passing > 0;
}

/* ---- what epoll descriptors watch */

struct watch {
    int epoll; /* -1: none */
    struct epoll_event event;
};

static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;
static struct watch
    *watches[LINK_FDS]; /* guarded by watch_lock; one for a descriptor, the last */

void link_remember_watch(int epoll, int command, int fd, const struct epoll_event *event)
{
    if ((unsigned)fd >= LINK_FDS)
        return;
    pthread_mutex_lock(&watch_lock);
    if (!watches[fd] && command != EPOLL_CTL_DEL)
        watches[fd] = malloc(sizeof *watches[fd]);
    if (watches[fd])
        *watches[fd] = (struct watch){ .epoll = command == EPOLL_CTL_DEL ? -1 : epoll,
                                       .event = event ? *event : (struct epoll_event){ 0 } };
    pthread_mutex_unlock(&watch_lock);
}

/* The old socket's watch ended with it. One that belongs to an earlier owner of the number does no harm:
 * that epoll descriptor is gone, or does not have it. */
static void watch_again(int fd, struct watch watch)
{
    if (watch.epoll >= 0)
        link_real()->epoll_ctl(watch.epoll, EPOLL_CTL_ADD, fd, &watch.event);
}

static struct watch watch_of(int fd)
{
    struct watch found = { .epoll = -1 };

    pthread_mutex_lock(&watch_lock);
    if ((unsigned)fd < LINK_FDS && watches[fd])
        found = *watches[fd];
    pthread_mutex_unlock(&watch_lock);
    /* only what really watches this socket now: MOD fails otherwise */
    if (found.epoll >= 0 &&
        link_real()->epoll_ctl(found.epoll, EPOLL_CTL_MOD, fd, &found.event) < 0)
        found.epoll = -1;
    return found;
}

/* ---- putting a socket in the place of another */

/* The program's descriptor becomes one end of a pair; the other end is returned. Flags and watches stay. */
static int replace_by_pair(int fd)
{
    const struct link_real *real = link_real();
    int status = real->fcntl(fd, F_GETFL), flags = real->fcntl(fd, F_GETFD);
    struct watch watch = watch_of(fd);
    int pair[2], room = PEER_BUFFER;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    real->setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (status & O_NONBLOCK)
        real->fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (real->dup3(pair[0], fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0) {
        int r = -errno;

        real->close(pair[0]);
        real->close(pair[1]);
        return r;
    }
    real->close(pair[0]);
    watch_again(fd, watch);
    return pair[1];
}

/* Over IPv4, also where the program's socket is one of IPv6 that it has closed to IPv4. */
static int connect_to_port(int fd, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    int domain = AF_INET, only_six = 0;
    socklen_t size = sizeof domain;

    link_real()->getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    if (domain != AF_INET6)
        return link_real()->connect(fd, (const struct sockaddr *)&to, sizeof to);
    link_real()->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_six, sizeof only_six);
    to6.sin6_addr.s6_addr[10] = to6.sin6_addr.s6_addr[11] = 0xff;
    to6.sin6_addr.s6_addr[12] = 127;
    to6.sin6_addr.s6_addr[15] = 1;
    return link_real()->connect(fd, (const struct sockaddr *)&to6, sizeof to6);
}

/* In a child that the test forked: over TCP to the parent. */
static int connect_to_parent(int fd, const struct link_destination *destination,
                             const struct sockaddr *to, socklen_t size)
{
    int r;

    if (destination->listener <= 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    r = connect_to_port(fd, destination->listener);
    if (r == 0 || errno == EINPROGRESS) {
        int saved = errno;

        link_file_add(fd, NULL, NULL, to, size);
        errno = saved;
    }
    return r;
}

static int private_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && link_private_fd ? link_private_fd(fd) : fd;
}

/* A listener whose queue is full answers nobody: the kernel goes on trying, as for a host that is not
 * there. */
static int unanswered_port(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int port;
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int listener, first;

    pthread_mutex_lock(&lock);
    listener = port ? -1 : private_socket();
    first = listener < 0 ? -1 : private_socket();
    if (first >= 0 && bind(listener, (const struct sockaddr *)&at, sizeof at) == 0 &&
        listen(listener, 0) == 0 &&
        link_real()->getsockname(listener, (struct sockaddr *)&at, &size) == 0 &&
        link_real()->connect(first, (const struct sockaddr *)&at, sizeof at) == 0)
        port = ntohs(at.sin_port);
    pthread_mutex_unlock(&lock);
    return port;
}

static int connect_unanswered(int fd)
{
    int port = unanswered_port();

    if (!port) {
        errno = ETIMEDOUT;
        return -1;
    }
    return connect_to_port(fd, port);
}

static int connect_to_double(int fd, const struct link_destination *destination,
                             const struct sockaddr *to, socklen_t size)
{
    void *connection = NULL;
    int peer, r;

    peer = replace_by_pair(fd);
    if (peer < 0) {
        if (destination->driver->lacks)
            destination->driver->lacks(destination->route, peer);
        errno = -peer;
        return -1;
    }
    r = destination->driver->open(destination->route, peer, destination->host,
                                  destination->port, &connection);
    if (r == 0)
        r = link_file_add(fd, destination->driver, connection, to, size);
    if (r == 0)
        return 0;
    if (connection)
        destination->driver->gone(connection);
    else
        link_real()->close(peer);
    errno = -r;
    return -1;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return link_real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM;
}

int link_connect(int fd, const struct sockaddr *to, socklen_t size, const void *caller)
{
    struct link_destination destination;

    switch (link_judge(to, size, is_stream(fd), &destination)) {
    case LINK_PASS:
        return link_real()->connect(fd, to, size);
    case LINK_TO_DOUBLE:
        if (destination.driver->fault)
            switch (destination.driver->fault(destination.route, destination.host)) {
            case LINK_BREAK_NO_ANSWER:
                return connect_unanswered(fd);
            case LINK_BREAK_REFUSED:
                errno = ECONNREFUSED;
                return -1;
            default:
                break;
            }
        if (destination.listener)
            return connect_to_parent(fd, &destination, to, size);
        return connect_to_double(fd, &destination, to, size);
    case LINK_NO_ANSWER:
        return connect_unanswered(fd);
    case LINK_REFUSE:
        link_tell_refused(&destination, caller);
        if (!link_refuses())
            return link_real()->connect(fd, to, size);
        break;
    case LINK_REFUSE_QUIETLY:
        break;
    }
    errno = ECONNREFUSED;
    return -1;
}
