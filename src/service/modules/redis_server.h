/*
 * service/modules/redis_server.h - one redis server: start, stop, pause.
 *
 * Threads: by one at a time; the lock guards the numbers of its databases.
 */
#ifndef SERVICE_MODULES_REDIS_SERVER_H
#define SERVICE_MODULES_REDIS_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "service/keeper.h"

enum { REDIS_DATABASES = 256 };

struct redis_server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    bool on_tmpfs;
    bool open; /* no password */
    bool paused;
    char socket[CLEAN_PATH_MAX + 8];
    int port;
    char password[33]; /* "" when open */
    struct child child;
    pthread_mutex_t lock; /* guards `taken` */
    bool taken[REDIS_DATABASES];
};

/* The first redis-server or valkey-server in PATH and in the folders of the distribution. -ENOENT. */
int redis_server_find(char *ret, size_t size, struct err *err);

/* Start one, ready when this returns. *ret_skip: it is not installed. */
int redis_server_start(struct keeper *keeper, bool open, struct redis_server **ret,
                       bool *ret_skip, struct err *err);
void redis_server_free(struct redis_server *server);

bool redis_server_is_alive(const struct redis_server *server);
int redis_server_boot(struct redis_server *server, struct err *err);
void redis_server_stop(struct redis_server *server);
void redis_server_pause(struct redis_server *server, bool pause);

/* A database number that nobody has, -ENOSPC when all are taken. */
int redis_server_take(struct redis_server *server);
void redis_server_give(struct redis_server *server, int database);

#endif
