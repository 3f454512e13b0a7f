/*
 * service/modules/container.h - a container as a server.
 *
 *   container_body.c     the request as the engine's create call wants it
 *   container_follow.c   its log, followed into a file
 *   container_calls.c    what is asked of it while it becomes ready, commands, files
 *   container.c          its life
 */
#ifndef SERVICE_MODULES_CONTAINER_H
#define SERVICE_MODULES_CONTAINER_H

#include <jansson.h>

#include "service/modules/daemon.h"
#include "service/modules/server.h"

struct follower;
struct relay;

struct container {
    struct server server; /* first */
    struct engine *engine;
    char id[65];
    char ip[64];
    int pid; /* of its first process, on this machine; 0: not known */
    struct follower *follower;
    struct relay *relays[SERVER_PORTS]; /* of its host_ports */
    size_t relay_count;
    int status; /* once it has ended */
    char health[16];
};

/* The body of the create call; the caller frees it. Volumes that it names are made, as the run's own. NULL with
 * words. */
json_t *container_body(struct container *container, struct err *err);

/* Follow the log into server.service.log from its beginning; server.ended_fd becomes readable at its end. */
int container_follow(struct container *container, struct err *err);

/* Wait until what follows has noticed the container's end, of which there must have been one. */
void container_unfollow(struct container *container);

/* The same for a container that is to be removed, without waiting. */
void container_abandon(struct container *container);

/* Where it is reached, as the engine says now. */
int container_inspect(struct container *container, struct err *err);

/* The functions of wait_server and server_kind. */
void container_calls(struct container *container, struct wait_server *ret);
int container_exec(struct server *server, const struct server_exec *exec, int *ret_status,
                   struct buf *ret_out, struct buf *ret_err, struct err *err);
int container_copy_to(struct server *server, const char *path, const void *data, size_t size,
                      struct err *err);
int container_copy_from(struct server *server, const char *path, struct buf *ret,
                        struct err *err);
int container_copy_files(struct container *container, struct err *err);

/* Whether a text in the form of /proc/net/tcp has a socket that listens on this port. */
bool container_listens_in(const char *text, int port);

#endif
