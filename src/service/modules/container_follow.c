/* service/modules/container_follow.c - a container's log, followed into a file; see container.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/io.h"
#include "service/modules/container.h"

/* What a thread of its own needs; it may outlive the container. */
struct follower {
    struct engine *engine;
    char id[65];
    int log;
    int ended;
    int cancel;
    pthread_t thread;
};

static bool write_log(void *arg, int stream, const char *data, size_t size)
{
    const struct follower *follower = arg;

    (void)stream;
    return io_write_all(follower->log, data, size) == 0;
}

static void *follow(void *arg)
{
    struct follower *follower = arg;

    engine_logs(follower->engine, follower->id, true, 0, write_log, follower, &follower->cancel,
                NULL);
    eventfd_write(follower->ended, 1);
    return NULL;
}

static void free_follower(struct follower *follower)
{
    io_close(&follower->log);
    io_close(&follower->ended);
    free(follower);
}

int container_follow(struct container *container, struct err *err)
{
    struct follower *follower = calloc(1, sizeof *follower);
    int r;

    if (!follower)
        return err_set(err, -ENOMEM, "out of memory");
    follower->engine = container->engine;
    snprintf(follower->id, sizeof follower->id, "%s", container->id);
    follower->log = open(container->server.service.log,
                         O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    follower->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = follower->log < 0 || follower->ended < 0 ? -errno : 0;
    if (r == 0)
        r = -pthread_create(&follower->thread, NULL, follow, follower);
    if (r < 0) {
        free_follower(follower);
        return err_system(err, r, "cannot follow the log of a container");
    }
    container->follower = follower;
    container->server.ended_fd = follower->ended;
    return 0;
}

void container_unfollow(struct container *container)
{
    struct follower *follower = container->follower;

    container->follower = NULL;
    container->server.ended_fd = -1;
    if (!follower)
        return;
    pthread_join(follower->thread, NULL);
    free_follower(follower);
}

static void *bury(void *arg)
{
    struct follower *follower = arg;

    pthread_join(follower->thread, NULL);
    free_follower(follower);
    return NULL;
}

void container_abandon(struct container *container)
{
    struct follower *follower = container->follower;
    pthread_t thread;

    container->follower = NULL;
    container->server.ended_fd = -1;
    if (!follower)
        return;
    __atomic_store_n(&follower->cancel, 1, __ATOMIC_SEQ_CST);
    if (pthread_create(&thread, NULL, bury, follower) == 0)
        pthread_detach(thread);
}
