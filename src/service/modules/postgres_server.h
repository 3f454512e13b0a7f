/*
 * service/modules/postgres_server.h - one PostgreSQL server: start, stop, pause, reach.
 *
 * Durability is off: nothing here outlives the run. Its data lie on tmpfs where there is room.
 *
 * Threads: `lock` guards the fields behind it; start, stop and pause by one thread at a time.
 */
#ifndef SERVICE_MODULES_POSTGRES_SERVER_H
#define SERVICE_MODULES_POSTGRES_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "service/keeper.h"
#include "service/modules/postgres_find.h"
#include "service/modules/sql.h"

enum { POSTGRES_IDLE = 16, POSTGRES_NAME = 64 };

struct template;

/* What makes two servers different. */
struct postgres_wish {
    const char *version; /* NULL: any */
    const char *const *settings; /* "name=value", later ones win; `count` of them */
    size_t count;
};

struct postgres_server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    struct postgres_programs programs;
    struct arena arena; /* of the settings */
    const char **settings;
    size_t setting_count;
    enum identity identity;
    bool on_tmpfs;
    bool paused;
    char data[CLEAN_PATH_MAX + 8];
    char socket_folder[CLEAN_PATH_MAX];
    int port;
    char password[33];
    int number; /* of the version: 150020 */
    struct child child;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct sql *idle[POSTGRES_IDLE]; /* connections of ours to the database postgres */
    int idle_count;
    struct template *templates;
    char **finished; /* databases of leases that ended: to be dropped when space ends */
    size_t finished_count;
    int next_database;
    int cloning; /* clones on their way, whose room is spoken for */
    int in_use; /* databases that tests have */
    int fillers; /* threads that make clones ahead */
    bool ending;
};

/* Start one, ready when this returns. *ret_skip tells whether a failure is of the machine: not
 * installed, or not allowed. */
int postgres_server_start(struct keeper *keeper, const struct postgres_wish *wish,
                          struct postgres_server **ret, bool *ret_skip, struct err *err);

/* End it at once and remove what it had. */
void postgres_server_free(struct postgres_server *server);

/* Whether its process still runs. */
bool postgres_server_is_alive(const struct postgres_server *server);

/* For failure tests: stop as an administrator would, start again with the same data and addresses. */
int postgres_server_stop(struct postgres_server *server, struct err *err);
int postgres_server_boot(struct postgres_server *server, struct err *err);

/* Freeze all its processes, or let them go on. */
void postgres_server_pause(struct postgres_server *server, bool pause);

/* A connection to the database postgres, to be given back (NULL is not). */
struct sql *postgres_server_take(struct postgres_server *server, struct sql_error *error);
void postgres_server_give(struct postgres_server *server, struct sql *sql);

/* How a client reaches a database: through the socket, and through TCP. */
void postgres_server_conninfo(const struct postgres_server *server, const char *database,
                              struct buf *ret);
void postgres_server_url(const struct postgres_server *server, const char *database,
                         struct buf *ret);

#endif
