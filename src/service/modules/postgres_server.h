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
#include "service/authority.h"
#include "service/keeper.h"
#include "service/modules/box.h"
#include "service/modules/postgres_find.h"
#include "service/modules/sql.h"

enum { POSTGRES_IDLE = 16, POSTGRES_NAME = 64 };

struct template;

/* What makes two servers different. */
struct postgres_wish {
    const char *version; /* NULL: any */
    const char *const *settings; /* "name=value", later ones win; `count` of them */
    size_t count;
    bool is_boxed; /* in a container */
    bool may_pull; /* whose image may be pulled */
    bool is_private;
    bool tls;
    struct box_choice choice;
    const char *const *env; /* of the image, "NAME=value"; ended by NULL */
    const char *init; /* a folder of scripts for the image's first start; NULL */
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
    struct server *box; /* the container; NULL: a process of this machine */
    char host[64]; /* where its TCP port is reached */
    struct authority authority; /* of TLS; without a file when it is not spoken */
    char user[POSTGRES_NAME]; /* the superuser */
    char base[POSTGRES_NAME]; /* what databases are cloned from; "": nothing */

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
 * installed, or not allowed; *ret_remedy then, if not NULL, what mends it. */
int postgres_server_start(struct keeper *keeper, const struct postgres_wish *wish,
                          struct postgres_server **ret, bool *ret_skip, const char **ret_remedy,
                          struct err *err);

/* End it at once and remove what it had. */
void postgres_server_free(struct postgres_server *server);

/* Nobody gets it any more; who has it finds out. */
void postgres_server_abandon(struct postgres_server *server);

/* Count leases of it, for the list. */
void postgres_server_count(struct postgres_server *server, int change);

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

/* The settings of all servers, `count` of them, without where they listen. */
const char *const *postgres_fixed_settings(size_t *ret_count);

/* Those of TLS, whose files lie in the data directory as seam-cert.pem and seam-key.pem. */
const char *const *postgres_tls_settings(size_t *ret_count);

/* "max_connections=..." for this keeper's tests. Returns `room`. */
const char *postgres_connections(const struct keeper *keeper, char *room, size_t size);

/* What a connection says of the server's version. */
void postgres_server_note_version(struct postgres_server *server, const struct sql *sql);

/* Give its superuser a password that only we know. */
int postgres_server_set_password(struct postgres_server *server, struct err *err);

/* How we reach a database, and a test's libpq unless TLS is wanted; and how a test does, through TLS where that is
 * wanted. */
void postgres_server_conninfo(const struct postgres_server *server, const char *database,
                              struct buf *ret);
void postgres_server_words(const struct postgres_server *server, const char *database,
                           struct buf *ret);
void postgres_server_url(const struct postgres_server *server, const char *database,
                         struct buf *ret);

#endif
