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
#include "service/modules/box.h"
#include "service/modules/redis_client.h"

enum { REDIS_DATABASES = 256, REDIS_PORT = 6379, REDIS_TLS_PORT = 6380 };

/* What makes two servers different. */
struct redis_wish {
    bool open; /* no password */
    bool tls;
    bool is_boxed; /* in a container */
    bool may_pull; /* whose image may be pulled */
    bool is_private;
    const char *config; /* a file, read first; NULL */
    const char *const *args; /* more of the program's, ended by NULL */
    struct box_choice choice;
};

struct redis_server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    bool on_tmpfs;
    bool open; /* no password */
    bool paused;
    char socket[CLEAN_PATH_MAX + 8]; /* "" of a container */
    char host[64];
    int port;
    int tls_port; /* 0: none */
    const char *ca_file;
    char *config; /* its own copies */
    char **args;
    struct server *box; /* the container; NULL: a process of this machine */
    char password[33]; /* "" when open */
    struct child child;
    pthread_mutex_t lock; /* guards `taken` */
    bool taken[REDIS_DATABASES];
};

/* The first redis-server or valkey-server in PATH and in the folders of the distribution. -ENOENT. */
int redis_server_find(char *ret, size_t size, struct err *err);

/* Start one, ready when this returns. *ret_skip: it cannot be had on this machine; *ret_remedy may be what mends it. */
int redis_server_start(struct keeper *keeper, const struct redis_wish *wish,
                       struct redis_server **ret, bool *ret_skip, const char **ret_remedy,
                       struct err *err);
void redis_server_free(struct redis_server *server);

/* Nobody gets it any more; who has it finds out. */
void redis_server_abandon(struct redis_server *server);
void redis_server_count(struct redis_server *server, int change); /* of leases, for the list */

/* Ask it for its version. */
void redis_server_note_version(struct redis_server *server, struct redis_client *client);

/* A connection of ours, in its first database. */
int redis_server_open(const struct redis_server *server, struct redis_client **ret,
                      struct err *err);

/* Start the container of one; -ENOENT as of box_start. */
int redis_box_start(struct redis_server *server, const struct redis_wish *wish,
                    const char **ret_remedy, struct err *err);

bool redis_server_is_alive(const struct redis_server *server);
int redis_server_boot(struct redis_server *server, struct err *err);
void redis_server_stop(struct redis_server *server);
void redis_server_pause(struct redis_server *server, bool pause);

/* A database number that nobody has, -ENOSPC when all are taken. The first is that of those who share it by prefixes of
 * keys. */
int redis_server_take(struct redis_server *server);
void redis_server_give(struct redis_server *server, int database);

#endif
