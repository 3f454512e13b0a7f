/*
 * link/table.h - what we know of descriptors: those that lead to a double, and those whose peer is
 * another than the kernel says.
 *
 *   fd ──> struct link_file <── fd (dup)
 *            │ references: descriptors of this process that are it
 *            └ driver, connection: the double's side; addresses: what the program connected to
 *
 * A descriptor may be closed without us (fclose, a raw system call) and its number used for something
 * else: before anything is done with a file it is made sure, by the socket's cookie, that the number is
 * still that socket.
 *
 * Threads: any. A file has a lock; its memory is used again but never given back.
 */
#ifndef LINK_TABLE_H
#define LINK_TABLE_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "link/link.h"

enum { LINK_FDS = 1 << 16 };

struct link_file {
    pthread_mutex_t lock; /* guards all below */
    int references; /* 0: free */
    uint64_t cookie;
    const struct link_driver *driver; /* NULL: only the addresses are ours */
    void *connection;
    struct sockaddr_storage peer, local; /* as the program is told */
    socklen_t peer_size, local_size;
    struct link_file *next_free;
};

extern _Atomic(struct link_file *) link_files[LINK_FDS];

/* Whether the descriptor may be one of ours: one load. */
static inline bool link_file_is_known(int fd)
{
    return (unsigned)fd < LINK_FDS &&
           atomic_load_explicit(&link_files[fd], memory_order_relaxed) != NULL;
}

/* The file of a descriptor, locked; NULL when it is none of ours (any more). */
struct link_file *link_file_get(int fd);
void link_file_put(struct link_file *file); /* unlock */

/* Make the descriptor, a socket, a file of ours. `driver` and `connection` may be NULL. -ENOMEM, -EMFILE. */
int link_file_add(int fd, const struct link_driver *driver, void *connection,
                  const struct sockaddr *peer, socklen_t peer_size);

/* Another descriptor is the same file now; whatever `to` was is gone. */
void link_file_dup(int from, int to);

/* The descriptor is about to be closed: the last one of a file tells its driver. */
void link_file_drop(int fd);

#endif
