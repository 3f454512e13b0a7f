/* pg/record/record_client_test.c - what a program sees of a database, as text; see record_test.h. */

#include "record_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_MAX = 4 << 20 };

static void add(struct script *script, const char *format, ...) SEAM_PRINTF(2, 3);
static void add(struct script *script, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    script->size +=
        (size_t)vsnprintf(script->text + script->size, SEEN_MAX - script->size, format, args);
    va_end(args);
    seam_require(script->t, script->size < SEEN_MAX);
}

void say(struct script *script, const char *words)
{
    add(script, "%s\n", words);
}

/* ---- results */

static void show_errors(struct script *script, const PGresult *result)
{
    static const int fields[] = { PG_DIAG_SEVERITY,        PG_DIAG_SQLSTATE,
                                  PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL,
                                  PG_DIAG_MESSAGE_HINT,    PG_DIAG_STATEMENT_POSITION,
                                  PG_DIAG_CONTEXT,         PG_DIAG_SCHEMA_NAME,
                                  PG_DIAG_TABLE_NAME,      PG_DIAG_COLUMN_NAME,
                                  PG_DIAG_CONSTRAINT_NAME };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *text = PQresultErrorField(result, fields[i]);

        if (text)
            add(script, "  %c %s\n", fields[i], text);
    }
}

static void show_cell(struct script *script, const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column)) {
        add(script, " NULL");
    } else if (PQfformat(result, column) == 0) {
        add(script, " '%s'", PQgetvalue(result, row, column));
    } else {
        add(script, " ");
        for (int i = 0; i < PQgetlength(result, row, column); i++)
            add(script, "%02x", (unsigned char)PQgetvalue(result, row, column)[i]);
    }
}

void show(struct script *script, PGresult *result)
{
    add(script, "%s [%s]", PQresStatus(PQresultStatus(result)), PQcmdStatus(result));
    for (int i = 0; i < PQnparams(result); i++)
        add(script, " $%d:%u", i + 1, PQparamtype(result, i));
    for (int i = 0; i < PQnfields(result); i++)
        add(script, " %s:%u(%d)", PQfname(result, i), PQftype(result, i), PQfmod(result, i));
    add(script, "\n");
    for (int row = 0; row < PQntuples(result); row++) {
        add(script, " ");
        for (int column = 0; column < PQnfields(result); column++)
            show_cell(script, result, row, column);
        add(script, "\n");
    }
    show_errors(script, result);
    PQclear(result);
}

void show_all(struct script *script)
{
    PGresult *result;

    while ((result = PQgetResult(script->conn)))
        show(script, result);
    add(script, "state %d\n", (int)PQtransactionStatus(script->conn));
}

void query(struct script *script, const char *sql)
{
    seam_require(script->t, PQsendQuery(script->conn, sql));
    show_all(script);
}

void query_params(struct script *script, const char *sql, int format, int count, ...)
{
    const char *values[16] = { NULL };
    va_list args;

    va_start(args, count);
    for (int i = 0; i < count; i++)
        values[i] = va_arg(args, const char *);
    va_end(args);
    seam_require(script->t,
                 PQsendQueryParams(script->conn, sql, count, NULL, values, NULL, NULL, format));
    show_all(script);
}

/* ---- one program, three times */

static void finish(void *conn)
{
    PQfinish(conn);
}

static void notice(void *arg, const PGresult *result)
{
    add(arg, "notice\n");
    show_errors(arg, result);
}

PGconn *dial(seam_t *t, const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    seam_cleanup(t, finish, conn);
    if (PQstatus(conn) != CONNECTION_OK)
        seam_fatal(t, "no connection: %s", PQerrorMessage(conn));
    return conn;
}

struct round {
    const struct trial *trial;
    const char *file, *conninfo; /* NULL: the server itself */
    int mode;
    char *text;
};

static void run_round(seam_t *t, void *arg)
{
    const struct round *round = arg;
    struct script script = { .t = t, .text = round->text };
    const char *conninfo = round->conninfo;

    if (round->file)
        conninfo = seam_pg_mock_conninfo(seam_pg_mock_record(
            t, round->conninfo, round->file, .mode = round->mode,
            .redact = { round->trial->redact[0], round->trial->redact[1] }));
    script.conninfo = conninfo;
    script.conn = dial(t, conninfo);
    PQsetNoticeReceiver(script.conn, notice, &script);
    round->trial->run(&script);
}

static char *play(seam_t *t, const char *name, struct round round)
{
    round.text = seam_format(t, "%*s", SEEN_MAX, "");
    *round.text = '\0';
    seam_require(t, seam_run(t, name, run_round, &round));
    return round.text;
}

/* The same database for the server itself and for what is recorded of it. */
static const char *database(seam_t *t)
{
    return seam_postgres_conninfo(seam_postgres_start(t));
}

const char *record_and_replay(seam_t *t, const struct trial *trial)
{
    const char *file = seam_format(t, "%s/x.jsonl", seam_tempdir(t));
    const char *real =
        play(t, "real", (struct round){ .trial = trial, .conninfo = database(t) });
    const char *recorded = play(
        t, "record",
        (struct round){
            .trial = trial, .conninfo = database(t), .file = file, .mode = SEAM_PG_RECORD });
    const char *replayed = play(
        t, "replay", (struct round){ .trial = trial, .file = file, .mode = SEAM_PG_REPLAY });

    if (!trial->other_numbers)
        seam_check_eq(t, recorded, real);
    if (!trial->other_answers)
        seam_check_eq(t, replayed, recorded);
    return seam_read_file(t, file, NULL);
}
