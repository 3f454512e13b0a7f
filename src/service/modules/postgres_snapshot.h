/* service/modules/postgres_snapshot.h - what a database of a test held at a time, and bringing it back. */
#ifndef SERVICE_MODULES_POSTGRES_SNAPSHOT_H
#define SERVICE_MODULES_POSTGRES_SNAPSHOT_H

#include "service/modules/postgres_server.h"

/* Copy the database; `name` ("": none yet) is the copy's, of which there is one. Both cut all connections to it. */
int postgres_snapshot(struct postgres_server *server, const char *database,
                      char name[POSTGRES_NAME], struct err *err);
int postgres_restore(struct postgres_server *server, const char *database, const char *name,
                     struct err *err);
void postgres_snapshot_drop(struct postgres_server *server, const char *name);

#endif
