/*
 * repository/migrate.h - bring a database up to date.
 *
 * Migrations are the files of a folder whose names end in ".sql", in the order of their names. Each
 * is run once, in one transaction with the note of it in the table schema_migrations; a file that
 * begins with a comment with the word "no-transaction" is run without, for statements that cannot
 * be in one. Programs that migrate at the same time wait for each other.
 */
#ifndef REPOSITORY_MIGRATE_H
#define REPOSITORY_MIGRATE_H

#include "service/ports.h"

/* Run what has not been run yet; *ret_count says how many, and is always written. The first file
 * that fails is named, and ends it. */
enum repository_result migrate(const char *conninfo, const char *folder, size_t *ret_count,
                               struct failure *failure);

#endif
