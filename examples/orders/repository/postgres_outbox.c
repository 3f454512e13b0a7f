/* repository/postgres_outbox.c - events that wait in PostgreSQL; see postgres_outbox.h. */

#include "repository/postgres_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repository/session.h"

struct postgres_outbox {
    PGconn *connection;
};

/* SKIP LOCKED: what another session has in hand is its business. */
static const char take_sql[] =
    "DELETE FROM outbox WHERE position = (SELECT position FROM outbox ORDER BY position LIMIT 1"
    " FOR UPDATE SKIP LOCKED) RETURNING id, routing_key, body";

/* A column's text; what is too long is a failure, nothing is cut. */
static enum repository_result copy_text(const PGresult *rows, int column, char *into,
                                        size_t room, struct failure *failure)
{
    const char *text = PQgetvalue(rows, 0, column);
    size_t length = strlen(text);

    if (length >= room) {
        snprintf(failure->text, sizeof failure->text,
                 "the outbox keeps a %s of %zu bytes; this program takes %zu",
                 PQfname(rows, column), length, room - 1);
        return REPOSITORY_FAILED;
    }
    memcpy(into, text, length + 1);
    return REPOSITORY_OK;
}

static enum repository_result read_event(const PGresult *rows, struct event *ret_event,
                                         struct failure *failure)
{
    enum repository_result result;
    struct event event;

    if (PQntuples(rows) == 0) {
        snprintf(failure->text, sizeof failure->text, "the outbox is empty");
        return REPOSITORY_NOT_FOUND;
    }
    result = copy_text(rows, 0, event.id, sizeof event.id, failure);
    if (result == REPOSITORY_OK)
        result = copy_text(rows, 1, event.routing_key, sizeof event.routing_key, failure);
    if (result == REPOSITORY_OK)
        result = copy_text(rows, 2, event.body, sizeof event.body, failure);
    if (result == REPOSITORY_OK)
        *ret_event = event;
    return result;
}

static enum repository_result take(void *self, struct event *ret_event, struct failure *failure)
{
    PGconn *connection = ((struct postgres_outbox *)self)->connection;
    enum repository_result result = session_begin(connection, failure);
    PGresult *rows;

    if (result)
        return result;
    result = session_run(connection, take_sql, NULL, 0, &rows, failure);
    if (result == REPOSITORY_OK) {
        result = read_event(rows, ret_event, failure);
        PQclear(rows);
    }
    /* A failure ends the transaction here; `finish` ends that of an event. */
    return result ? session_end(connection, result, failure) : REPOSITORY_OK;
}

static enum repository_result finish(void *self, bool announced, struct failure *failure)
{
    PGconn *connection = ((struct postgres_outbox *)self)->connection;

    return session_run(connection, announced ? "COMMIT" : "ROLLBACK", NULL, 0, NULL, failure);
}

/* ---- open, close ------------------------------------------------------------------------ */

enum repository_result postgres_outbox_open(struct postgres_outbox **ret_outbox,
                                            const char *conninfo, struct failure *failure)
{
    struct postgres_outbox *outbox = calloc(1, sizeof *outbox);
    enum repository_result result;

    if (!outbox) {
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return REPOSITORY_FAILED;
    }
    result = session_open(&outbox->connection, conninfo, failure);
    if (result) {
        free(outbox);
        return result;
    }
    *ret_outbox = outbox;
    return REPOSITORY_OK;
}

void postgres_outbox_close(struct postgres_outbox *outbox)
{
    if (!outbox)
        return;
    PQfinish(outbox->connection);
    free(outbox);
}

struct outbox postgres_outbox_port(struct postgres_outbox *outbox)
{
    return (struct outbox){ .self = outbox, .take = take, .finish = finish };
}
