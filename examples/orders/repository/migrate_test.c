/* repository/migrate_test.c - migrations, each once, also when several programs begin at a time. */

//seam:build integration

#include <seam/postgres.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "repository/fixture_test.h"
#include "repository/migrate.h"

enum { PROGRAMS = 4 };

struct start {
    seam_postgres *pg;
    atomic_int applied;
};

static void migrate_at_once(seam_t *t, int index, void *arg)
{
    struct start *start = arg;
    struct failure failure;
    size_t count;

    if (migrate(seam_postgres_conninfo(start->pg), "migrations", &count, &failure))
        seam_error(t, "program %d: %s", index, failure.text);
    atomic_fetch_add(&start->applied, (int)count);
}

SEAM_TEST(of_many_programs_each_migration_is_run_by_one)
{
    struct start start = { .pg = seam_postgres_start(t) };

    seam_threads(t, PROGRAMS, migrate_at_once, &start);
    seam_check_eq(t, atomic_load(&start.applied), 5);
    seam_check_eq(t, seam_postgres_value(start.pg, "SELECT count(*) FROM schema_migrations"),
                  "5");
}

struct mistake_row {
    const char *name;
    const char *file, *sql; /* NULL: the folder is not there */
    const char *words;
};

SEAM_SUBTEST(mistake_row)
{
    const struct mistake_row *row = arg;
    seam_postgres *pg = seam_postgres_start(t);
    const char *folder = seam_path(t, "%s/sql", seam_tempdir(t));
    struct failure failure;
    size_t count = 99;

    if (row->file) {
        seam_require_ok(t, mkdir(folder, 0700));
        seam_write_file(t, seam_path(t, "%s/%s", folder, row->file), row->sql,
                        strlen(row->sql));
    }
    seam_check_eq(t, migrate(seam_postgres_conninfo(pg), folder, &count, &failure),
                  REPOSITORY_FAILED);
    seam_check_contains(t, failure.text, row->words);
    seam_check_eq(t, count, 0);
}

SEAM_TEST(mistakes_are_named)
{
    static const struct mistake_row rows[] = {
        { "no folder", NULL, NULL, "/sql: No such file or directory" },
        { "no SQL", "1.sql", "CREATE nonsense", "1.sql: syntax error" },
        { "not in a transaction", "1.sql", "CREATE INDEX CONCURRENTLY i ON t (a)",
          "cannot run inside a transaction block" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, mistake_row, &rows[i]);
}
