/* wire/pg_reading_test.c - texts of statements that a session has read before. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c ../base/map.c pg_lex.c pg_words.c pg_sql.c pg_sql_classify.c
//seam:sources pg_sql_command.c pg_sql_normal.c pg_reading.c

#include "wire/pg_reading.h"

#include <seam/seam.h>

#include <string.h>

static void keep(struct pg_readings *readings, const char *sql)
{
    struct pg_reading *reading = pg_reading_new(sql);

    pg_readings_keep(readings, sql, reading);
    pg_reading_release(reading);
}

SEAM_TEST(pg_a_text_that_was_kept_is_found_as_it_was_read)
{
    struct pg_readings readings = { 0 };
    struct pg_reading *reading;

    seam_check_null(t, pg_readings_find(&readings, "BEGIN"));
    keep(&readings, "BEGIN; -- begin");
    keep(&readings, "SELECT $2");
    reading = pg_readings_find(&readings, "BEGIN; -- begin");
    seam_require(t, reading != NULL);
    seam_check_str(t, reading->first, "BEGIN");
    seam_check_eq(t, reading->is.kind, PG_SQL_BEGIN);
    seam_check_eq(t, pg_readings_find(&readings, "SELECT $2")->is.parameters, 2);
    seam_check_null(t, pg_readings_find(&readings, "select $2"));
    pg_readings_fini(&readings);
}

/* What is in use when all is forgotten stays with its user. */
SEAM_TEST(pg_readings_are_forgotten_when_there_are_too_many)
{
    struct pg_readings readings = { 0 };
    struct pg_reading *first;

    keep(&readings, "SELECT 'first'");
    first = pg_reading_use(pg_readings_find(&readings, "SELECT 'first'"));
    for (int i = 0; i < PG_READINGS; i++)
        keep(&readings, seam_format(t, "SELECT %d", i));
    seam_check_null(t, pg_readings_find(&readings, "SELECT 'first'"));
    seam_check_str(t, first->first, "SELECT 'first'");
    seam_check(t, pg_readings_find(&readings, seam_format(t, "SELECT %d", PG_READINGS - 1)) !=
                      NULL);
    pg_reading_release(first);
    pg_readings_fini(&readings);
}

SEAM_TEST(pg_a_long_text_is_not_kept)
{
    struct pg_readings readings = { 0 };
    char *sql = seam_alloc(t, PG_READING_SIZE + 2);

    memset(sql, ' ', PG_READING_SIZE + 1);
    keep(&readings, sql);
    seam_check_null(t, pg_readings_find(&readings, sql));
    pg_readings_fini(&readings);
}
