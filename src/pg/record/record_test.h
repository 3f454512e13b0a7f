/*
 * pg/record/record_test.h - one program run three times: at a real server, recorded, and replayed. It has to see
 * the same each time.
 */
#ifndef PG_RECORD_RECORD_TEST_H
#define PG_RECORD_RECORD_TEST_H

#include <libpq-fe.h>
#include <seam/pg_mock.h>
#include <seam/postgres.h>

/* A program: what it sees is kept as text. */
struct script {
    seam_t *t;
    PGconn *conn;
    const char *conninfo;
    char *text;
    size_t size;
};

struct trial {
    void (*run)(struct script *script);
    const char *redact[2];
    bool other_numbers; /* those of types, which each database has of its own */
    bool other_answers; /* a replay gives other values, because of what is redacted */
};

/* The text of the file. */
const char *record_and_replay(seam_t *t, const struct trial *trial);

PGconn *dial(seam_t *t, const char *conninfo);
void say(struct script *script, const char *words);
void query(struct script *script, const char *sql);
void query_params(struct script *script, const char *sql, int format, int count, ...);
void show(struct script *script, PGresult *result);
void show_all(struct script *script); /* that are there, and the state of the transaction */

#endif
