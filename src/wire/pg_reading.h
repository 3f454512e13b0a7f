/*
 * wire/pg_reading.h - what a session has read from the texts of statements, kept: programs send the same ones again
 * and again, and reading one costs more than all the rest of an answer.
 *
 * Ownership: readings are counted. A session keeps a few hundred, and forgets all of them when there are more.
 *
 * Threads: one at a time.
 */
#ifndef WIRE_PG_READING_H
#define WIRE_PG_READING_H

#include "base/arena.h"
#include "base/map.h"
#include "wire/pg_sql.h"

enum { PG_READINGS = 1024, PG_READING_SIZE = 4096 /* of a text that is kept */ };

struct pg_reading {
    const char *first; /* the first statement of the text */
    struct pg_sql is;
    struct arena arena;
    int uses;
};

struct pg_readings {
    struct map texts; /* to the place in `at`, and 1 */
    struct pg_reading **at;
    size_t count;
};

/* The reading of a text that was kept; NULL. */
struct pg_reading *pg_readings_find(const struct pg_readings *readings, const char *sql);

/* A new one, for the caller to release. */
struct pg_reading *pg_reading_new(const char *sql);

/* Keep one of a text that nothing is wrong with. */
void pg_readings_keep(struct pg_readings *readings, const char *sql,
                      struct pg_reading *reading);

struct pg_reading *pg_reading_use(struct pg_reading *reading);
void pg_reading_release(struct pg_reading *reading); /* NULL is fine */
void pg_readings_fini(struct pg_readings *readings);

#endif
