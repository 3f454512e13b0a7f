/*
 * service/modules/postgres_scripts.h - the migrations and the seed that a database is made from.
 *
 * Migrations are the *.sql files of a folder in the order of their names, but no *.down.sql; the
 * seed is one file more, run last. Each file is one transaction, unless one of its lines is
 * `-- seam: no-transaction`: then each statement is its own.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_POSTGRES_SCRIPTS_H
#define SERVICE_MODULES_POSTGRES_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "service/modules/sql.h"

struct scripts {
    struct script {
        const char *path; /* as messages show it */
        const char *text;
    } * files;
    size_t count;
    uint64_t hash; /* of names and contents; that of no scripts is a value like others */
    const char *label; /* what a person would call it: the folder that holds the migrations' */
    struct arena arena;
};

/* Read them; either path may be NULL. On failure nothing is to be freed. */
int scripts_read(const char *migrations, const char *seed, struct scripts *ret,
                 struct err *err);
void scripts_fini(struct scripts *scripts);

/* Run them all. An error names file and line, what the server said, and the statement. */
int scripts_run(const struct scripts *scripts, struct sql *sql, struct err *err);

#endif
