/* link/table.c - what we know of descriptors; see table.h. */

#include "link/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/real.h"

#include "base/hostile.h"

_Atomic(struct link_file *) link_files[LINK_FDS];

static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
static struct link_file *free_files; /* guarded by free_lock */

/* A number that the kernel gives to one socket alone, ever; 0 for what is no socket. */
static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;

    if (link_real()->getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0)
        return 0;
    return cookie;
}

/* In a child that the test forks the doubles are its parent's: nothing is known there. */
static void forget_all(void)
{
    for (int fd = 0; fd < LINK_FDS; fd++)
        if (link_file_is_known(fd))
            atomic_store(&link_files[fd], NULL);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_all);
}

static struct link_file *take_free(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct link_file *file;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&free_lock);
    file = free_files;
    if (file)
        free_files = file->next_free;
    pthread_mutex_unlock(&free_lock);
    if (file)
        return file;
    file = calloc(1, sizeof *file);
    if (file)
        pthread_mutex_init(&file->lock, NULL);
    return file;
}

/* Locked by the caller, who unlocks it. */
static void drop_reference(struct link_file *file)
{
    if (--file->references > 0)
        return;
    if (file->driver)
        file->driver->gone(file->connection);
    file->driver = NULL;
    pthread_mutex_lock(&free_lock);
    file->next_free = free_files;
    free_files = file;
    pthread_mutex_unlock(&free_lock);
}

static void forget(int fd, struct link_file *file)
{
    atomic_store(&link_files[fd], NULL);
    drop_reference(file);
}

struct link_file *link_file_get(int fd)
{
    struct link_file *file = (unsigned)fd < LINK_FDS ? atomic_load(&link_files[fd]) : NULL;

    if (!file)
        return NULL;
    pthread_mutex_lock(&file->lock);
    if (atomic_load(&link_files[fd]) == file && file->references > 0) {
        if (cookie_of(fd) == file->cookie)
            return file;
        forget(fd, file); /* closed behind our back */
    }
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

void link_file_put(struct link_file *file)
{
    pthread_mutex_unlock(&file->lock);
}

/* What the program takes for its own end: its port is made of the descriptor's number. */
static void make_local(struct link_file *file, int fd)
{
    if (file->peer.ss_family == AF_INET6) {
        struct sockaddr_in6 local = { .sin6_family = AF_INET6,
                                      .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                      .sin6_port = htons((uint16_t)(32768 + fd % 28000)) };
        memcpy(&file->local, &local, sizeof local);
        file->local_size = sizeof local;
    } else {
        struct sockaddr_in local = { .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons((uint16_t)(32768 + fd % 28000)) };
        memcpy(&file->local, &local, sizeof local);
        file->local_size = sizeof local;
    }
}

int link_file_add(int fd, const struct link_driver *driver, void *connection,
                  const struct sockaddr *peer, socklen_t peer_size)
{
    struct link_file *file;

    if ((unsigned)fd >= LINK_FDS || peer_size > sizeof file->peer)
        return -EMFILE;
    file = take_free();
    if (!file)
        return -ENOMEM;
    link_file_drop(fd);
    pthread_mutex_lock(&file->lock);
    file->references = 1;
    file->cookie = cookie_of(fd);
    file->driver = driver;
    file->connection = connection;
    memcpy(&file->peer, peer, peer_size);
    file->peer_size = peer_size;
    make_local(file, fd);
    pthread_mutex_unlock(&file->lock);
    atomic_store(&link_files[fd], file);
    return 0;
}

void link_file_drop(int fd)
{
    struct link_file *file = link_file_get(fd);

    if (!file)
        return;
    forget(fd, file);
    link_file_put(file);
}

/* Without the file's lock: the caller may hold it, in `feed`, and has seen to it that the file stays. */
void link_leave_unread(void *connection)
{
    for (int fd = 0; fd < LINK_FDS; fd++) {
        struct link_file *file = atomic_load(&link_files[fd]);

        if (!file || file->connection != connection || cookie_of(fd) != file->cookie)
            continue;
        link_real()->send(fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        return;
    }
}

void link_file_dup(int from, int to)
{
    struct link_file *file;

    if (from == to)
        return;
    if (link_file_is_known(to))
        link_file_drop(to);
    file = link_file_get(from);
    if (!file)
        return;
    if ((unsigned)to < LINK_FDS) {
        file->references++;
        atomic_store(&link_files[to], file);
    }
    link_file_put(file);
}
