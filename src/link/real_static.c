/*
 * link/real_static.c - what is behind the hooks of a static program: there is no other definition of a
 * name, so the kernel is asked directly. Addresses and "localhost" can be looked up, names cannot.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/real.h"

static ssize_t static_write(int fd, const void *data, size_t size)
{
    return syscall(SYS_write, fd, data, size);
}

static ssize_t static_writev(int fd, const struct iovec *parts, int count)
{
    return syscall(SYS_writev, fd, parts, count);
}

static ssize_t static_sendto(int fd, const void *data, size_t size, int flags,
                             const struct sockaddr *to, socklen_t to_size)
{
    return syscall(SYS_sendto, fd, data, size, flags, to, to_size);
}

static ssize_t static_send(int fd, const void *data, size_t size, int flags)
{
    return static_sendto(fd, data, size, flags, NULL, 0);
}

static ssize_t static_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return syscall(SYS_sendmsg, fd, message, flags);
}

static int static_connect(int fd, const struct sockaddr *to, socklen_t size)
{
    return (int)syscall(SYS_connect, fd, to, size);
}

static int static_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static int static_close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

static int static_dup(int fd)
{
    return (int)syscall(SYS_dup, fd);
}

static int static_dup3(int from, int to, int flags)
{
    return (int)syscall(SYS_dup3, from, to, flags);
}

static int static_dup2(int from, int to)
{
    if (from == to)
        return syscall(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to;
    return static_dup3(from, to, 0);
}

static int static_fcntl(int fd, int command, ...)
{
    va_list args;
    long argument;

    va_start(args, command);
    argument = va_arg(args, long);
    va_end(args);
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

static int static_getpeername(int fd, struct sockaddr *to, socklen_t *size)
{
    return (int)syscall(SYS_getpeername, fd, to, size);
}

static int static_getsockname(int fd, struct sockaddr *to, socklen_t *size)
{
    return (int)syscall(SYS_getsockname, fd, to, size);
}

static int static_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

static int static_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static int static_epoll_ctl(int epoll, int command, int fd, struct epoll_event *event)
{
    return (int)syscall(SYS_epoll_ctl, epoll, command, fd, event);
}

static int static_openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    long mode;

    va_start(args, flags);
    mode = va_arg(args, long);
    va_end(args);
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

/* ---- names */

/* One node of the list as libc's freeaddrinfo takes it: the address stands behind it. */
static int static_getaddrinfo(const char *node, const char *service,
                              const struct addrinfo *hints, struct addrinfo **ret)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage address;
    } * one;
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    bool any = !node, local = node && strcmp(node, "localhost") == 0;
    in_port_t port = htons((uint16_t)(service ? atoi(service) : 0));

    if (any)
        v4.sin_addr.s_addr =
            htonl(hints && hints->ai_flags & AI_PASSIVE ? INADDR_ANY : INADDR_LOOPBACK);
    v4.sin_port = v6.sin6_port = port;
    if (!any && inet_pton(AF_INET, local ? "127.0.0.1" : node, &v4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, node, &v6.sin6_addr) != 1)
            return EAI_NONAME;
        v4.sin_family = AF_INET6;
    }
    one = calloc(1, sizeof *one);
    if (!one)
        return EAI_MEMORY;
    one->info =
        (struct addrinfo){ .ai_family = v4.sin_family,
                           .ai_socktype =
                               hints && hints->ai_socktype ? hints->ai_socktype : SOCK_STREAM,
                           .ai_protocol = hints ? hints->ai_protocol : 0,
                           .ai_addrlen = v4.sin_family == AF_INET ? sizeof v4 : sizeof v6,
                           .ai_addr = (struct sockaddr *)&one->address };
    memcpy(&one->address, v4.sin_family == AF_INET ? (void *)&v4 : (void *)&v6,
           one->info.ai_addrlen);
    *ret = &one->info;
    return 0;
}

static struct hostent *static_gethostbyname2(const char *node, int family)
{
    (void)node;
    (void)family;
    h_errno = NO_RECOVERY;
    return NULL;
}

static struct hostent *static_gethostbyname(const char *node)
{
    return static_gethostbyname2(node, AF_INET);
}

static int static_gethostbyname2_r(const char *node, int family, struct hostent *into,
                                   char *memory, size_t size, struct hostent **ret,
                                   int *ret_error)
{
    (void)node;
    (void)family;
    (void)into;
    (void)memory;
    (void)size;
    *ret = NULL;
    *ret_error = NO_RECOVERY;
    return 0;
}

static int static_gethostbyname_r(const char *node, struct hostent *into, char *memory,
                                  size_t size, struct hostent **ret, int *ret_error)
{
    return static_gethostbyname2_r(node, AF_INET, into, memory, size, ret, ret_error);
}

void link_resolve_static(struct link_real *real)
{
    real->send = static_send;
    real->sendto = static_sendto;
    real->sendmsg = static_sendmsg;
    real->write = static_write;
    real->writev = static_writev;
    real->close = static_close;
    real->close_range = static_close_range;
    real->dup = static_dup;
    real->dup2 = static_dup2;
    real->dup3 = static_dup3;
    real->fcntl = real->fcntl64 = static_fcntl;
    real->getpeername = static_getpeername;
    real->getsockname = static_getsockname;
    real->getsockopt = static_getsockopt;
    real->setsockopt = static_setsockopt;
    real->epoll_ctl = static_epoll_ctl;
    real->openat = real->openat64 = static_openat;
    real->getaddrinfo = static_getaddrinfo;
    real->gethostbyname = static_gethostbyname;
    real->gethostbyname2 = static_gethostbyname2;
    real->gethostbyname_r = static_gethostbyname_r;
    real->gethostbyname2_r = static_gethostbyname2_r;
    real->connect = static_connect;
}
