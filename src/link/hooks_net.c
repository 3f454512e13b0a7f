/*
 * link/hooks_net.c - the functions of libc that are answered by us: connections, what is sent over them,
 * and what happens to their descriptors.
 *
 * Each is a strong symbol: a weak one loses to the run-time of a sanitizer that is linked statically. Each
 * costs a descriptor that is not ours one load. errno is what the function leaves.
 */

#undef _FILE_OFFSET_BITS /* it would give these functions other names */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link/connect.h"
#include "link/destination.h"
#include "link/hooks.h"
#include "link/real.h"
#include "link/resolve.h"
#include "link/table.h"

#define HOOK __attribute__((visibility("default")))

const char link_hooks_net_anchor = 1;

/* ---- connecting */

HOOK int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    const struct sockaddr *to = address.__sockaddr__;

    if (!link_is_active() || !to || size < sizeof to->sa_family ||
        (to->sa_family != AF_INET && to->sa_family != AF_INET6) || link_passes())
        return link_real()->connect(fd, to, size);
    return link_connect(fd, to, size, __builtin_return_address(0));
}

/* ---- sending */

/* Give the driver some bytes; SIGPIPE as the kernel has it. */
static bool feed(struct link_file *file, const void *data, size_t size, int flags)
{
    int r = size ? file->driver->feed(file->connection, data, size) : 0;

    if (r >= 0)
        return true;
    link_file_put(file);
    if (r == -EPIPE && !(flags & MSG_NOSIGNAL))
        raise(SIGPIPE);
    errno = -r;
    return false;
}

static ssize_t send_parts(int fd, const struct iovec *parts, size_t count, int flags,
                          bool *ret_ours)
{
    struct link_file *file = link_file_get(fd);
    size_t sent = 0;

    *ret_ours = file && file->driver;
    if (file && !file->driver)
        link_file_put(file);
    for (size_t i = 0; *ret_ours && i < count; i++) {
        if (!feed(file, parts[i].iov_base, parts[i].iov_len, flags))
            return -1;
        sent += parts[i].iov_len;
    }
    if (*ret_ours)
        link_file_put(file);
    return (ssize_t)sent;
}

static ssize_t send_one(int fd, const void *data, size_t size, int flags, bool *ret_ours)
{
    struct iovec part = { .iov_base = (void *)data, .iov_len = size };

    return send_parts(fd, &part, 1, flags, ret_ours);
}

HOOK ssize_t send(int fd, const void *data, size_t size, int flags)
{
    bool ours;

    if (link_file_is_known(fd)) {
        ssize_t sent = send_one(fd, data, size, flags, &ours);

        if (ours)
            return sent;
    }
    return link_real()->send(fd, data, size, flags);
}

HOOK ssize_t sendto(int fd, const void *data, size_t size, int flags, __CONST_SOCKADDR_ARG to,
                    socklen_t to_size)
{
    bool ours;

    if (link_file_is_known(fd)) {
        ssize_t sent = send_one(fd, data, size, flags, &ours);

        if (ours)
            return sent;
    }
    return link_real()->sendto(fd, data, size, flags, to.__sockaddr__, to_size);
}

HOOK ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    bool ours;

    if (link_file_is_known(fd)) {
        ssize_t sent = send_parts(fd, message->msg_iov, message->msg_iovlen, flags, &ours);

        if (ours)
            return sent;
    }
    return link_real()->sendmsg(fd, message, flags);
}

HOOK ssize_t write(int fd, const void *data, size_t size)
{
    bool ours;

    if (link_file_is_known(fd)) {
        ssize_t sent = send_one(fd, data, size, 0, &ours);

        if (ours)
            return sent;
    }
    return link_real()->write(fd, data, size);
}

HOOK ssize_t writev(int fd, const struct iovec *parts, int count)
{
    bool ours;

    if (link_file_is_known(fd) && count > 0) {
        ssize_t sent = send_parts(fd, parts, (size_t)count, 0, &ours);

        if (ours)
            return sent;
    }
    return link_real()->writev(fd, parts, count);
}

/* ---- descriptors */

HOOK int close(int fd)
{
    if (link_file_is_known(fd)) {
        int saved = errno;

        link_file_drop(fd);
        errno = saved;
    }
    return link_real()->close(fd);
}

HOOK int close_range(unsigned first, unsigned last, int flags)
{
    if (!(flags & (int)CLOSE_RANGE_CLOEXEC))
        for (unsigned fd = first; fd < LINK_FDS && fd <= last; fd++)
            if (link_file_is_known((int)fd))
                link_file_drop((int)fd);
    return link_real()->close_range(first, last, flags);
}

static int note_dup(int from, int to)
{
    if (to >= 0 && (link_file_is_known(from) || link_file_is_known(to))) {
        int saved = errno;

        link_file_dup(from, to);
        errno = saved;
    }
    return to;
}

HOOK int dup(int fd)
{
    return note_dup(fd, link_real()->dup(fd));
}

/* What is at `to` ends before it is replaced: its driver must not find another file there. */
HOOK int dup2(int from, int to)
{
    if (from != to && link_file_is_known(to))
        link_file_drop(to);
    return note_dup(from, link_real()->dup2(from, to));
}

HOOK int dup3(int from, int to, int flags)
{
    if (from != to && link_file_is_known(to))
        link_file_drop(to);
    return note_dup(from, link_real()->dup3(from, to, flags));
}

static int hooked_fcntl(int (*real)(int, int, ...), int fd, int command, void *argument)
{
    int result = real(fd, command, argument);

    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return note_dup(fd, result);
    return result;
}

HOOK int fcntl(int fd, int command, ...)
{
    va_list args;
    void *argument;

    va_start(args, command);
    argument = va_arg(args, void *);
    va_end(args);
    return hooked_fcntl(link_real()->fcntl, fd, command, argument);
}

HOOK int fcntl64(int fd, int command, ...)
{
    va_list args;
    void *argument;

    va_start(args, command);
    argument = va_arg(args, void *);
    va_end(args);
    return hooked_fcntl(link_real()->fcntl64, fd, command, argument);
}

/* A descriptor that is watched before it is connected is a TCP socket still. */
HOOK int epoll_ctl(int epoll, int command, int fd, struct epoll_event *event)
{
    int result = link_real()->epoll_ctl(epoll, command, fd, event);

    if (result == 0 && link_is_active())
        link_remember_watch(epoll, command, fd, event);
    return result;
}

/* ---- what the program is told of its socket */

static int give_address(struct sockaddr *to, socklen_t *size, const void *from,
                        socklen_t from_size)
{
    if (!to || !size) {
        errno = EFAULT;
        return -1;
    }
    memcpy(to, from, *size < from_size ? *size : from_size);
    *size = from_size;
    return 0;
}

HOOK int getpeername(int fd, __SOCKADDR_ARG to, socklen_t *size)
{
    struct link_file *file = link_file_is_known(fd) ? link_file_get(fd) : NULL;
    int result;

    if (!file)
        return link_real()->getpeername(fd, to.__sockaddr__, size);
    result = give_address(to.__sockaddr__, size, &file->peer, file->peer_size);
    link_file_put(file);
    return result;
}

HOOK int getsockname(int fd, __SOCKADDR_ARG to, socklen_t *size)
{
    struct link_file *file = link_file_is_known(fd) ? link_file_get(fd) : NULL;
    int result;

    if (!file || !file->driver) {
        if (file)
            link_file_put(file);
        return link_real()->getsockname(fd, to.__sockaddr__, size);
    }
    result = give_address(to.__sockaddr__, size, &file->local, file->local_size);
    link_file_put(file);
    return result;
}

/* Whether the socket is one of a pair of ours; its family, as the program knows it. */
static int family_of_double(int fd)
{
    struct link_file *file = link_file_is_known(fd) ? link_file_get(fd) : NULL;
    int family = file && file->driver ? file->peer.ss_family : 0;

    if (file)
        link_file_put(file);
    return family;
}

static int give_number(void *value, socklen_t *size, int number)
{
    memcpy(value, &number, *size < sizeof number ? *size : sizeof number);
    *size = sizeof number;
    return 0;
}

HOOK int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    int family = family_of_double(fd);

    if (!family)
        return link_real()->getsockopt(fd, level, name, value, size);
    if (level == SOL_SOCKET && name == SO_DOMAIN)
        return give_number(value, size, family);
    if (level == SOL_SOCKET && name == SO_PROTOCOL)
        return give_number(value, size, IPPROTO_TCP);
    if (level == SOL_SOCKET)
        return link_real()->getsockopt(fd, level, name, value, size);
    memset(value, 0, *size); /* of TCP and IP: nothing is set */
    return 0;
}

HOOK int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (level != SOL_SOCKET && family_of_double(fd))
        return 0; /* of TCP and IP: it makes no difference here */
    return link_real()->setsockopt(fd, level, name, value, size);
}

/* ---- names */

HOOK int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret)
{
    struct link_name name;

    if (!node || !link_is_active() || link_passes())
        return link_real()->getaddrinfo(node, service, hints, ret);
    return link_getaddrinfo(node, service, hints, ret, &name);
}

HOOK struct hostent *gethostbyname(const char *node)
{
    struct link_name name;

    if (!link_resolve(node, AF_INET, &name)) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    return link_real()->gethostbyname(name.text);
}

HOOK struct hostent *gethostbyname2(const char *node, int family)
{
    struct link_name name;

    if (!link_resolve(node, family, &name)) {
        h_errno = HOST_NOT_FOUND;
        return NULL;
    }
    return link_real()->gethostbyname2(name.text, family);
}

HOOK int gethostbyname_r(const char *node, struct hostent *into, char *memory, size_t size,
                         struct hostent **ret, int *ret_error)
{
    struct link_name name;

    if (!link_resolve(node, AF_INET, &name)) {
        *ret = NULL;
        *ret_error = HOST_NOT_FOUND;
        return 0;
    }
    return link_real()->gethostbyname_r(name.text, into, memory, size, ret, ret_error);
}

HOOK int gethostbyname2_r(const char *node, int family, struct hostent *into, char *memory,
                          size_t size, struct hostent **ret, int *ret_error)
{
    struct link_name name;

    if (!link_resolve(node, family, &name)) {
        *ret = NULL;
        *ret_error = HOST_NOT_FOUND;
        return 0;
    }
    return link_real()->gethostbyname2_r(name.text, family, into, memory, size, ret, ret_error);
}

/* ---- for the self-check */

#define HOOKED(type, name, parameters) { #name, (void *)(uintptr_t)name },
const struct link_hook link_hooks_net[] = { LINK_NET_HOOKS(HOOKED){ NULL, NULL } };
