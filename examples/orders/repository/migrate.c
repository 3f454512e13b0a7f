/* repository/migrate.c - files of SQL, each once; see migrate.h. */

#define _POSIX_C_SOURCE 200809L

#include "repository/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "repository/session.h"

enum {
    FILE_MAX = 1 << 20,
    LOCK_PAUSE_MS = 100,
    LOCK_ATTEMPTS = 600,
};

/* ---- files ------------------------------------------------------------------------------ */

static int is_migration(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

/* The text of a file, to be freed; NULL after saying why not. */
static char *read_script(const char *path, struct failure *failure)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(FILE_MAX + 1);
    size_t size = file && text ? fread(text, 1, FILE_MAX + 1, file) : 0;
    bool complete = file && text && !ferror(file) && size <= FILE_MAX;

    if (complete)
        text[size] = '\0';
    else if (size > FILE_MAX)
        snprintf(failure->text, sizeof failure->text, "%.400s: more than 1 MiB", path);
    else
        snprintf(failure->text, sizeof failure->text, "%.400s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    if (complete)
        return text;
    free(text);
    return NULL;
}

static bool wants_no_transaction(const char *script)
{
    const char *words = strstr(script, "no-transaction");
    const char *line_end = strchr(script, '\n');

    return strncmp(script, "--", 2) == 0 && words && line_end && words < line_end;
}

/* ---- one migration ---------------------------------------------------------------------- */

static enum repository_result is_done(PGconn *connection, const char *name, bool *ret_done,
                                      struct failure *failure)
{
    PGresult *rows;
    enum repository_result result =
        session_run(connection, "SELECT 1 FROM schema_migrations WHERE name = $1", &name, 1,
                    &rows, failure);

    if (result)
        return result;
    *ret_done = PQntuples(rows) == 1;
    PQclear(rows);
    return REPOSITORY_OK;
}

static enum repository_result run_and_note(PGconn *connection, const char *name,
                                           const char *script, struct failure *failure)
{
    enum repository_result result = session_run_script(connection, script, failure);

    if (result)
        return result;
    return session_run(connection, "INSERT INTO schema_migrations (name) VALUES ($1)", &name, 1,
                       NULL, failure);
}

static enum repository_result run_script(PGconn *connection, const char *name,
                                         const char *script, struct failure *failure)
{
    enum repository_result result;

    if (wants_no_transaction(script))
        return run_and_note(connection, name, script, failure);
    result = session_begin(connection, failure);
    if (result)
        return result;
    return session_end(connection, run_and_note(connection, name, script, failure), failure);
}

static enum repository_result run_file(PGconn *connection, const char *folder, const char *name,
                                       struct failure *failure)
{
    char path[4096];
    enum repository_result result;
    struct failure cause;
    char *script;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    script = read_script(path, failure);
    if (!script)
        return REPOSITORY_FAILED;
    result = run_script(connection, name, script, &cause);
    free(script);
    if (result)
        snprintf(failure->text, sizeof failure->text, "%.100s: %.400s", name, cause.text);
    return result;
}

/* ---- all of them ------------------------------------------------------------------------ */

static enum repository_result run_files(PGconn *connection, const char *folder,
                                        struct dirent **files, int count, size_t *done,
                                        struct failure *failure)
{
    for (int i = 0; i < count; i++) {
        bool is_old = false;
        enum repository_result result = is_done(connection, files[i]->d_name, &is_old, failure);

        if (result == REPOSITORY_OK && !is_old)
            result = run_file(connection, folder, files[i]->d_name, failure);
        if (result)
            return result;
        *done += !is_old;
    }
    return REPOSITORY_OK;
}

static enum repository_result run_folder(PGconn *connection, const char *folder, size_t *done,
                                         struct failure *failure)
{
    struct dirent **files;
    enum repository_result result;
    int count = scandir(folder, &files, is_migration, alphasort);

    if (count < 0) {
        snprintf(failure->text, sizeof failure->text, "%.400s: %s", folder, strerror(errno));
        return REPOSITORY_FAILED;
    }
    result = run_files(connection, folder, files, count, done, failure);
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    return result;
}

/* The lock is the session's, so that it ends with it however that comes. Asked for again and again
 * rather than waited for in the server: a statement that waits has a snapshot, for the end of which
 * CREATE INDEX CONCURRENTLY in the other program would wait in turn. */
static enum repository_result lock(PGconn *connection, struct failure *failure)
{
    static const char sql[] = "SELECT 1 WHERE pg_try_advisory_lock(7313)";
    const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

    for (int i = 0; i < LOCK_ATTEMPTS; i++) {
        PGresult *rows;
        enum repository_result result = session_run(connection, sql, NULL, 0, &rows, failure);
        bool locked;

        if (result)
            return result;
        locked = PQntuples(rows) == 1;
        PQclear(rows);
        if (locked)
            return REPOSITORY_OK;
        nanosleep(&pause, NULL);
    }
    snprintf(failure->text, sizeof failure->text, "another program has been migrating for %d s",
             LOCK_ATTEMPTS * LOCK_PAUSE_MS / 1000);
    return REPOSITORY_TRY_AGAIN;
}

static enum repository_result prepare(PGconn *connection, struct failure *failure)
{
    enum repository_result result;

    /* Building an index may take its time. */
    result = session_run_script(
        connection, "SET statement_timeout = 0; SET client_min_messages = warning", failure);
    if (result == REPOSITORY_OK)
        result = lock(connection, failure);
    if (result)
        return result;
    return session_run_script(
        connection,
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        failure);
}

enum repository_result migrate(const char *conninfo, const char *folder, size_t *ret_count,
                               struct failure *failure)
{
    PGconn *connection;
    enum repository_result result = session_open(&connection, conninfo, failure);

    *ret_count = 0;
    if (result)
        return result;
    result = prepare(connection, failure);
    if (result == REPOSITORY_OK)
        result = run_folder(connection, folder, ret_count, failure);
    PQfinish(connection);
    return result;
}
