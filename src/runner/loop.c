/* runner/loop.c - one epoll loop; see loop.h. */

#include "runner/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/deadline.h"

int loop_init(struct loop *loop)
{
    *loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
    return loop->epoll < 0 ? -errno : 0;
}

static void empty_graves(struct loop *loop)
{
    while (loop->grave_count > 0)
        free(loop->graves[--loop->grave_count]);
}

void loop_fini(struct loop *loop)
{
    empty_graves(loop);
    close(loop->epoll);
}

int loop_add(struct loop *loop, struct watch *watch, int fd,
             void (*ready)(struct watch *watch, uint32_t events), void *owner)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

    *watch = (struct watch){ fd, ready, owner };
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void loop_pause(struct loop *loop, const struct watch *watch)
{
    if (watch->fd >= 0)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

void loop_forget(struct loop *loop, struct watch *watch)
{
    if (watch->fd >= 0)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}

void loop_close(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0 || !watch->ready)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd,
              NULL); /* there may be copies of it elsewhere */
    close(watch->fd);
    watch->fd = -1;
}

void loop_bury(struct loop *loop, void *memory)
{
    if (loop->grave_count == (int)(sizeof loop->graves / sizeof *loop->graves))
        return; /* cannot be: a batch has at most 64 events, each buries at most two */
    loop->graves[loop->grave_count++] = memory;
}

void loop_turn(struct loop *loop, uint64_t deadline_ns)
{
    struct epoll_event events[64];
    int count = epoll_wait(loop->epoll, events, 64, deadline_poll_ms(deadline_ns));

    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].data.ptr;

        if (watch->fd >= 0)
            watch->ready(watch, events[i].events);
    }
    empty_graves(loop);
}
