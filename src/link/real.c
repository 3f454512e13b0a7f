/* link/real.c - the functions behind the hooks; see real.h. */

#include "link/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

struct link_real link_real_table;

/* A sanitizer's own entry, where its run-time is in the process. */
#define LINK_INTERCEPTOR(type, name, parameters)                                               \
    extern type __interceptor_##name parameters __attribute__((weak));
LINK_NET_HOOKS(LINK_INTERCEPTOR)
LINK_FILE_HOOKS(LINK_INTERCEPTOR)
#undef LINK_INTERCEPTOR

/* ---- a static program has no other definition: what the hooks cannot do without */

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

static void resolve_static(struct link_real *real)
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
    real->connect = static_connect;
}

/* `connect` is set last: link_real() looks at it alone. */
__attribute__((constructor(101))) void link_real_resolve(void)
{
    struct link_real real = { 0 };
    int (*last)(int, const struct sockaddr *, socklen_t);
    int saved = errno;

#define LINK_RESOLVE(type, name, parameters)                                                   \
    if (__interceptor_##name)                                                                  \
        real.name = __interceptor_##name;                                                      \
    else                                                                                       \
        *(void **)&real.name = dlsym(RTLD_NEXT, #name);
    LINK_NET_HOOKS(LINK_RESOLVE)
    LINK_FILE_HOOKS(LINK_RESOLVE)
#undef LINK_RESOLVE
    if (!real.connect)
        resolve_static(&real);
    last = real.connect;
    real.connect = NULL;
    link_real_table = real;
    __atomic_store_n(&link_real_table.connect, last, __ATOMIC_RELEASE);
    errno = saved;
}
