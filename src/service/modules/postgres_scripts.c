/* service/modules/postgres_scripts.c - migrations and seed; see postgres_scripts.h. */

#include "service/modules/postgres_scripts.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_name.h"
#include "base/io.h"
#include "base/map.h"
#include "service/modules/sql_split.h"

enum { SCRIPT_MAX = 256 << 20, SHOWN_LINES = 4, SHOWN_COLUMNS = 100 };

static bool ends_in(const char *name, const char *suffix)
{
    size_t size = strlen(name), tail = strlen(suffix);

    return size > tail && strcmp(name + size - tail, suffix) == 0;
}

static int is_migration(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".sql") && !ends_in(entry->d_name, ".down.sql") &&
           entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Read one more file and mix it into the hash. */
static int add_file(struct scripts *scripts, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(SCRIPT_MAX);
    struct script *script = &scripts->files[scripts->count];
    const char *name = base_name(path);
    int r = io_read_file(path, &text);

    if (r < 0)
        r = err_system(err, r, "cannot read '%s'", path);
    else if (text.size > 0 && memchr(text.data, '\0', text.size))
        r = err_set(err, -EINVAL, "'%s' is no SQL: it holds a zero byte", path);
    else {
        *script = (struct script){ arena_dup(&scripts->arena, path),
                                   arena_dup(&scripts->arena, buf_text(&text)) };
        scripts->hash = hash_bytes(scripts->hash, name, strlen(name) + 1);
        scripts->hash = hash_bytes(scripts->hash, script->text, text.size + 1);
        scripts->count++;
    }
    buf_fini(&text);
    return r;
}

/* The folder that holds `path`, by its last name: "orders" for "/home/ada/orders/migrations". */
static const char *label_of(struct arena *arena, const char *path)
{
    char *text = arena_dup(arena, path);
    char *slash = strrchr(text, '/');

    if (slash)
        *slash = '\0';
    slash = strrchr(text, '/');
    return slash ? slash + 1 : text;
}

/* A path without "..", as messages should show it; itself when there is nothing there. */
static const char *plain_path(struct arena *arena, const char *path)
{
    char *plain = realpath(path, NULL);
    const char *copy = arena_dup(arena, plain ? plain : path);

    free(plain);
    return copy;
}

/* Read the files of a folder by their names. Frees the names. */
static int add_names(struct scripts *scripts, const char *folder, struct dirent **names,
                     int count, struct err *err)
{
    int r = 0;

    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = add_file(scripts,
                         arena_printf(&scripts->arena, "%s/%s", folder, names[i]->d_name), err);
        free(names[i]);
    }
    free(names);
    return r;
}

static int read_all(struct scripts *scripts, const char *migrations, const char *seed,
                    struct err *err)
{
    struct dirent **names = NULL;
    int count = migrations ? scandir(migrations, &names, is_migration, by_name) : 0;
    int r = 0;

    if (count < 0)
        return err_system(err, -errno, "cannot read the migrations in '%s'", migrations);
    scripts->files = arena_zero(&scripts->arena, sizeof *scripts->files * ((size_t)count + 1));
    if (migrations && count == 0)
        r = err_set(err, -ENOENT,
                    "there are no migrations in '%s': no file there is named *.sql",
                    migrations);
    if (r == 0)
        r = add_names(scripts, migrations, names, count, err);
    else
        free(names);
    return r == 0 && seed ? add_file(scripts, seed, err) : r;
}

int scripts_read(const char *migrations, const char *seed, struct scripts *ret, struct err *err)
{
    struct scripts scripts = { .hash = HASH_BEGIN, .label = "empty" };
    int r;

    if (migrations)
        migrations = plain_path(&scripts.arena, migrations);
    if (seed)
        seed = plain_path(&scripts.arena, seed);
    if (migrations || seed)
        scripts.label = label_of(&scripts.arena, migrations ? migrations : seed);
    r = read_all(&scripts, migrations, seed, err);
    if (r < 0)
        scripts_fini(&scripts);
    else
        *ret = scripts;
    return r;
}

void scripts_fini(struct scripts *scripts)
{
    arena_fini(&scripts->arena);
}

/* Whether a whole line says so. */
static bool is_without_transaction(const char *text)
{
    static const char words[] = "-- seam: no-transaction";

    for (const char *line = text; line; line = strchr(line, '\n')) {
        size_t size;

        line += line != text;
        size = strcspn(line, "\r\n");
        while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t'))
            size--;
        if (size == sizeof words - 1 && strncmp(line, words, size) == 0)
            return true;
    }
    return false;
}

/* Show the first lines of a statement. */
static void show_statement(const struct sql_statement *statement, struct buf *ret)
{
    const char *at = statement->text;
    const char *end = at + statement->size;

    for (int i = 0; at < end && i < SHOWN_LINES; i++) {
        size_t size = strcspn(at, "\n");

        if (size > (size_t)(end - at))
            size = (size_t)(end - at);
        buf_printf(ret, "\n        %.*s%s", (int)(size < SHOWN_COLUMNS ? size : SHOWN_COLUMNS),
                   at, size < SHOWN_COLUMNS ? "" : "...");
        at += size + 1;
    }
    if (at < end)
        buf_add_text(ret, "\n        ...");
}

static int explain(const struct script *script, const struct sql_statement *statement,
                   int result, const struct sql_error *error, struct err *err)
{
    struct buf text = BUF_INIT(sizeof err->text);

    buf_printf(&text, "%s:%d: ", script->path, sql_line(statement, error->position));
    sql_error_text(error, &text);
    buf_add_text(&text, "\n    statement:");
    show_statement(statement, &text);
    err_set(err, result, "%s", buf_text(&text));
    buf_fini(&text);
    return result;
}

static int run_statement(const struct script *script, struct sql_script *at,
                         const struct sql_statement *statement, struct sql *sql,
                         struct err *err)
{
    char *text = strndup(statement->text, statement->size);
    struct sql_error error = { 0 };
    const char *copy = NULL;
    size_t size = 0;
    int r;

    if (!text)
        return err_set(err, -ENOMEM, "%s: out of memory", script->path);
    if (text[0] == '\\') {
        free(text);
        return err_set(
            err, -EINVAL,
            "%s:%d: '\\%.20s' is a command of psql, not SQL: the server does not know it",
            script->path, statement->line, statement->text + 1);
    }
    if (sql_is_copy(statement))
        size = sql_copy_data(at, &copy);
    r = sql_run_copy(sql, text, copy, size, &error);
    free(text);
    return r < 0 ? explain(script, statement, r, &error, err) : 0;
}

/* An error at the end of the transaction, such as a deferred constraint's, has no statement. */
static int end_transaction(const struct script *script, struct sql *sql, struct err *err)
{
    const struct sql_statement commit = { "COMMIT", 6, 1 };
    struct sql_error error = { 0 };
    int r = sql_run(sql, commit.text, &error);

    return r < 0 ? explain(script, &commit, r, &error, err) : 0;
}

static int run_script(const struct script *script, struct sql *sql, struct err *err)
{
    bool transaction = !is_without_transaction(script->text);
    struct sql_script at = SQL_SCRIPT(script->text);
    struct sql_statement statement;
    struct sql_error error;
    int r = transaction ? sql_run(sql, "BEGIN", &error) : 0;

    if (r < 0)
        return err_set(err, r, "%s: %s", script->path, error.message);
    while (r == 0 && sql_next(&at, &statement))
        r = run_statement(script, &at, &statement, sql, err);
    if (r == 0 && transaction)
        r = end_transaction(script, sql, err);
    if (r == 0 &&
        sql_run(sql, "DISCARD ALL", &error) < 0) /* settings of a dump end with its file */
        r = err_set(err, -EREMOTEIO, "%s: %s", script->path, error.message);
    return r;
}

int scripts_run(const struct scripts *scripts, struct sql *sql, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < scripts->count; i++)
        r = run_script(&scripts->files[i], sql, err);
    return r;
}
