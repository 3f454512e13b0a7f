/*
 * service/modules/postgres_template.h - a database for a test, cloned from a migrated template.
 *
 * A template is made once for each set of migrations and seed: created, migrated, seeded, and then
 * sealed (no connections, marked as a template) as the commit point. Who asks for the same one
 * meanwhile waits; who asks for one that failed gets the same error. The first test that wants an
 * empty database gets a copy of the server's own template0, which saves making one.
 *
 * Cloning. The first clone is the server's own: CREATE DATABASE ... TEMPLATE ... STRATEGY FILE_COPY,
 * which also writes out all that the template still has in memory. Copying takes nearly all its
 * time, and the server cannot be told to do it at low priority. So when a second clone is asked for,
 * the template's files are packed into an image and then made empty:
 *
 *     base/<template>/                      from now on CREATE DATABASE ... STRATEGY WAL_LOG finds no
 *                                           table to copy there, and it needs no checkpoint
 *     <template>.image                      what we unpack into base/<clone> behind it
 *
 * The result is the same files in the same place as the server's own copy. Nobody can see the gap,
 * because the name of the clone is handed out afterwards. A server that recovers from a crash makes the
 * clone's folder again, which is there, and touches no file but the list of mapped tables, which is the
 * template's. Templates that use table spaces, and servers before 15, which have no WAL_LOG, make all
 * clones by themselves.
 *
 * Clones are made ahead, once a second test has asked; docs/decisions/0006 tells why at no lower priority.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_POSTGRES_TEMPLATE_H
#define SERVICE_MODULES_POSTGRES_TEMPLATE_H

#include "service/modules/postgres_scripts.h"
#include "service/modules/postgres_server.h"

/* Make a database of these scripts; its name is made from the test's. */
int postgres_database(struct postgres_server *server, const struct scripts *scripts,
                      const char *test, char ret_name[POSTGRES_NAME], struct err *err);

/* The test has ended: its database may be dropped when space is short. */
void postgres_database_finished(struct postgres_server *server, const char *name);

/* Forget all templates of a server that ends; its threads must have none in use. */
void postgres_templates_free(struct postgres_server *server);

#endif
