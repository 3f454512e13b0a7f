/*
 * service/modules/postgres_clone.h - copy a sealed template; postgres_template.h tells how.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_POSTGRES_CLONE_H
#define SERVICE_MODULES_POSTGRES_CLONE_H

#include "service/image.h"
#include "service/modules/postgres_server.h"

/* A sealed template, as cloning sees it. */
struct clone_source {
    char name[POSTGRES_NAME];
    pthread_mutex_t lock; /* guards what follows, which is settled by the second clone */
    int clones; /* made so far */
    bool left_to_server; /* it cannot be emptied */
    struct image *image;
};

void clone_source_init(struct clone_source *source, int number);
void clone_source_fini(struct clone_source *source);

/* What one clone takes on the disk, as far as known. */
uint64_t clone_size(struct clone_source *source);

/* Make the database `name`. -ENOSPC when the disk is full; nothing is left then. */
int clone_make(struct postgres_server *server, struct clone_source *source, struct sql *sql,
               const char *name, struct err *err);

/* Let the server copy a database that nobody is connected to. */
int clone_by_server(struct postgres_server *server, struct sql *sql, const char *from,
                    const char *name, struct err *err);

/* " STRATEGY FILE_COPY" where the server knows it (15), else "": it has no other way then. */
const char *clone_strategy(const struct postgres_server *server);

#endif
