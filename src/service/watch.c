/* service/watch.c - wait until something changes in a folder; see watch.h. */

#include "service/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/deadline.h"

enum { IDLE_MAX = 8, EVENTS_ROOM = 4096 };

/* Closing an inotify descriptor takes the kernel some 10 ms, so they are used again. */
static struct {
    pthread_mutex_t lock; /* guards what follows */
    int fds[IDLE_MAX];
    int count;
} idle = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int take(void)
{
    int fd = -1;

    pthread_mutex_lock(&idle.lock);
    if (idle.count > 0)
        fd = idle.fds[--idle.count];
    pthread_mutex_unlock(&idle.lock);
    return fd >= 0 ? fd : inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static void give(int fd)
{
    pthread_mutex_lock(&idle.lock);
    if (idle.count < IDLE_MAX) {
        idle.fds[idle.count++] = fd;
        fd = -1;
    }
    pthread_mutex_unlock(&idle.lock);
    if (fd >= 0)
        close(fd);
}

static void drop_events(int fd)
{
    char events[EVENTS_ROOM];

    while (read(fd, events, sizeof events) > 0)
        ;
}

int watch_begin(const char *folder, struct watch *ret)
{
    int fd = take();
    int r;

    if (fd < 0)
        return -errno;
    r = inotify_add_watch(fd, folder, IN_CREATE | IN_ATTRIB | IN_MODIFY | IN_MOVED_TO);
    if (r < 0) {
        r = -errno;
        give(fd);
        return r;
    }
    *ret = (struct watch){ fd, r };
    return 0;
}

void watch_end(struct watch *watch)
{
    if (watch->fd >= 0) {
        inotify_rm_watch(watch->fd, watch->folder);
        drop_events(watch->fd);
        give(watch->fd);
    }
    *watch = WATCH_NONE;
}

bool watch_wait(const struct watch *watch, int process, uint64_t deadline_ns)
{
    struct pollfd events[] = { { .fd = process, .events = POLLIN },
                               { .fd = watch->fd, .events = POLLIN } };

    poll(events, 2, deadline_poll_ms(deadline_ns));
    if (events[1].revents)
        drop_events(watch->fd);
    return events[0].revents != 0;
}
