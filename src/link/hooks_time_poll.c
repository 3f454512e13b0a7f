/* link/hooks_time_poll.c - the functions of libc that wait for descriptors and, at most, for some time. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/hooks.h"
#include "link/time_real.h"
#include "link/time_wait.h"

#define HOOK __attribute__((visibility("default")))

const char link_hooks_time_poll_anchor = 1;

enum { FEW_FDS = 32 };

static struct time_wait wait_of(const char *function, nfds_t count, int64_t span_ns,
                                const sigset_t *mask)
{
    return (struct time_wait){ .function = function,
                               .kind = count ? PAGE_POLL : PAGE_SLEEP,
                               .until_ns = time_after(span_ns),
                               .mask = mask };
}

/* One that waits for nothing is a sleep. */
static int wait_for(const char *function, struct pollfd *fds, nfds_t count, int64_t span_ns,
                    const sigset_t *mask)
{
    struct time_wait wait = wait_of(function, count, span_ns, mask);

    if (count == 0 && !mask)
        return time_sleep(function, wait.until_ns, NULL);
    return time_poll(fds, count, &wait);
}

/* A look at what is ready now, and a wait without an end, have nothing to do with time. */
static bool is_timed(const struct timespec *limit)
{
    return limit && (limit->tv_sec > 0 || limit->tv_nsec > 0) && limit->tv_sec >= 0 &&
           limit->tv_nsec >= 0 && limit->tv_nsec < TIME_SECOND && time_is_ours();
}

HOOK int poll(struct pollfd *fds, nfds_t count, int ms)
{
    if (ms <= 0 || !time_is_ours())
        return link_time_real()->poll(fds, count, ms);
    return wait_for("poll", fds, count, ms * TIME_MILLI, NULL);
}

HOOK int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit,
               const sigset_t *mask)
{
    if (!is_timed(limit))
        return link_time_real()->ppoll(fds, count, limit, mask);
    return wait_for("ppoll", fds, count, time_ns(limit), mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                const sigset_t *mask, size_t size);

/* Those of programs that were compiled with _FORTIFY_SOURCE; what is behind them ends the program. */
HOOK int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
    if (ms <= 0 || size / sizeof *fds < count || !time_is_ours())
        return link_time_real()->__poll_chk(fds, count, ms, size);
    return wait_for("poll", fds, count, ms * TIME_MILLI, NULL);
}

HOOK int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                     const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count || !is_timed(limit))
        return link_time_real()->__ppoll_chk(fds, count, limit, mask, size);
    return wait_for("ppoll", fds, count, time_ns(limit), mask);
}

/* ---- select ------------------------------------------------------------------------------ */

struct sets {
    fd_set *in, *out, *error;
};

static short events_of(const struct sets *sets, int fd)
{
    return (short)((sets->in && FD_ISSET(fd, sets->in) ? POLLIN : 0) |
                   (sets->out && FD_ISSET(fd, sets->out) ? POLLOUT : 0) |
                   (sets->error && FD_ISSET(fd, sets->error) ? POLLPRI : 0));
}

static nfds_t list_sets(const struct sets *sets, int count, struct pollfd *fds)
{
    nfds_t listed = 0;

    for (int fd = 0; fd < count; fd++)
        if (events_of(sets, fd))
            fds[listed++] = (struct pollfd){ .fd = fd, .events = events_of(sets, fd) };
    return listed;
}

static int keep_if(bool ready, fd_set *set, int fd)
{
    if (!set || !FD_ISSET(fd, set))
        return 0;
    if (!ready)
        FD_CLR(fd, set);
    return ready;
}

/* As the kernel's table has it: an end and an error are something to read, an error something to write. */
static int fill_sets(const struct sets *sets, const struct pollfd *fds, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        ready += keep_if(fds[i].revents & (POLLIN | POLLHUP | POLLERR), sets->in, fds[i].fd);
        ready += keep_if(fds[i].revents & (POLLOUT | POLLERR), sets->out, fds[i].fd);
        ready += keep_if(fds[i].revents & POLLPRI, sets->error, fds[i].fd);
    }
    return ready;
}

static int wait_for_sets(const char *function, int count, const struct sets *sets,
                         int64_t span_ns, const sigset_t *mask)
{
    struct pollfd few[FEW_FDS], *fds = few;
    nfds_t listed;
    int ready;

    if (count < 0 || count > FD_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    if (count > FEW_FDS && !(fds = calloc((size_t)count, sizeof *fds)))
        return -1;
    listed = list_sets(sets, count, fds);
    ready = wait_for(function, fds, listed, span_ns, mask);
    if (ready >= 0)
        ready = fill_sets(sets, fds, listed);
    if (fds != few)
        free(fds);
    return ready;
}

/* What is left of the limit is written there, as Linux does. */
HOOK int select(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict error,
                struct timeval *restrict limit)
{
    const struct sets sets = { in, out, error };
    struct timespec span;
    int64_t until, left;
    int ready;

    if (!limit || (limit->tv_sec == 0 && limit->tv_usec == 0) || limit->tv_sec < 0 ||
        limit->tv_usec < 0 || !time_is_ours())
        return link_time_real()->select(count, in, out, error, limit);
    span = (struct timespec){ .tv_sec = limit->tv_sec, .tv_nsec = limit->tv_usec * 1000 };
    until = time_after(time_ns(&span));
    ready = wait_for_sets("select", count, &sets, time_ns(&span), NULL);
    left = until - atomic_load(&page_now()->monotonic_ns);
    span = time_spec(left > 0 ? left : 0);
    *limit = (struct timeval){ .tv_sec = span.tv_sec, .tv_usec = span.tv_nsec / 1000 };
    return ready;
}

HOOK int pselect(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict error,
                 const struct timespec *restrict limit, const sigset_t *restrict mask)
{
    const struct sets sets = { in, out, error };

    if (!is_timed(limit))
        return link_time_real()->pselect(count, in, out, error, limit, mask);
    return wait_for_sets("pselect", count, &sets, time_ns(limit), mask);
}

/* ---- epoll ------------------------------------------------------------------------------- */

/* Its descriptor is ready when one that it watches is. Another thread may have taken the event by then. */
static int wait_for_epoll(const char *function, int epoll, struct epoll_event *events,
                          int count, int64_t span_ns, const sigset_t *mask)
{
    struct time_wait wait = wait_of(function, 1, span_ns, mask);
    int ready = link_time_real()->epoll_pwait(epoll, events, count, 0, mask);

    while (ready == 0) {
        struct pollfd fd = { .fd = epoll, .events = POLLIN };
        int r = time_poll(&fd, 1, &wait);

        if (r <= 0)
            return r;
        ready = link_time_real()->epoll_pwait(epoll, events, count, 0, mask);
    }
    return ready;
}

HOOK int epoll_wait(int epoll, struct epoll_event *events, int count, int ms)
{
    if (ms <= 0 || !time_is_ours())
        return link_time_real()->epoll_wait(epoll, events, count, ms);
    return wait_for_epoll("epoll_wait", epoll, events, count, ms * TIME_MILLI, NULL);
}

HOOK int epoll_pwait(int epoll, struct epoll_event *events, int count, int ms,
                     const sigset_t *mask)
{
    if (ms <= 0 || !time_is_ours())
        return link_time_real()->epoll_pwait(epoll, events, count, ms, mask);
    return wait_for_epoll("epoll_pwait", epoll, events, count, ms * TIME_MILLI, mask);
}

HOOK int epoll_pwait2(int epoll, struct epoll_event *events, int count,
                      const struct timespec *limit, const sigset_t *mask)
{
    if (!is_timed(limit))
        return link_time_real()->epoll_pwait2(epoll, events, count, limit, mask);
    return wait_for_epoll("epoll_pwait2", epoll, events, count, time_ns(limit), mask);
}
