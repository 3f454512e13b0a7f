/*
 * link/real.h - the functions behind the hooks: the next definition of each name.
 *
 * Under a sanitizer that is its interceptor, also where its run-time is linked statically and our strong
 * symbol has taken its place: RTLD_NEXT would pass it by, and with it the checks. In a static program there
 * is no next definition; the kernel is asked directly.
 *
 * Threads: any. Resolved before main, or by the first hook that is called earlier.
 */
#ifndef LINK_REAL_H
#define LINK_REAL_H

#include <netdb.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* X(type of the result, name, parameters) */
#define LINK_NET_HOOKS(X)                                                                      \
    X(int, connect, (int, const struct sockaddr *, socklen_t))                                 \
    X(ssize_t, send, (int, const void *, size_t, int))                                         \
    X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t))   \
    X(ssize_t, sendmsg, (int, const struct msghdr *, int))                                     \
    X(ssize_t, write, (int, const void *, size_t))                                             \
    X(ssize_t, writev, (int, const struct iovec *, int))                                       \
    X(int, close, (int))                                                                       \
    X(int, close_range, (unsigned, unsigned, int))                                             \
    X(int, dup, (int))                                                                         \
    X(int, dup2, (int, int))                                                                   \
    X(int, dup3, (int, int, int))                                                              \
    X(int, fcntl, (int, int, ...))                                                             \
    X(int, fcntl64, (int, int, ...))                                                           \
    X(int, getpeername, (int, struct sockaddr *, socklen_t *))                                 \
    X(int, getsockname, (int, struct sockaddr *, socklen_t *))                                 \
    X(int, getsockopt, (int, int, int, void *, socklen_t *))                                   \
    X(int, setsockopt, (int, int, int, const void *, socklen_t))                               \
    X(int, epoll_ctl, (int, int, int, struct epoll_event *))                                   \
    X(int, getaddrinfo,                                                                        \
      (const char *, const char *, const struct addrinfo *, struct addrinfo **))               \
    X(struct hostent *, gethostbyname, (const char *))                                         \
    X(struct hostent *, gethostbyname2, (const char *, int))                                   \
    X(int, gethostbyname_r,                                                                    \
      (const char *, struct hostent *, char *, size_t, struct hostent **, int *))              \
    X(int, gethostbyname2_r,                                                                   \
      (const char *, int, struct hostent *, char *, size_t, struct hostent **, int *))

#define LINK_FILE_HOOKS(X)                                                                     \
    X(FILE *, fopen, (const char *, const char *))                                             \
    X(FILE *, fopen64, (const char *, const char *))                                           \
    X(int, open, (const char *, int, ...))                                                     \
    X(int, open64, (const char *, int, ...))                                                   \
    X(int, openat, (int, const char *, int, ...))                                              \
    X(int, openat64, (int, const char *, int, ...))

struct link_real {
#define LINK_FIELD(type, name, parameters) type(*name) parameters;
    LINK_NET_HOOKS(LINK_FIELD)
    LINK_FILE_HOOKS(LINK_FIELD)
#undef LINK_FIELD
};

extern struct link_real link_real_table; /* all NULL until resolved */
void link_real_resolve(void);
void link_resolve_static(struct link_real *real);

static inline const struct link_real *link_real(void)
{
    if (__builtin_expect(!link_real_table.connect, 0))
        link_real_resolve();
    return &link_real_table;
}

#endif
