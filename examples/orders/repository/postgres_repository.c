/* repository/postgres_repository.c - orders kept in PostgreSQL; see postgres_repository.h. */

#include "repository/postgres_repository.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "repository/order_rows.h"
#include "repository/session.h"

struct postgres_repository {
    PGconn *connection;
};

enum { NUMBER_ROOM = 24 }; /* any int64_t as text */

/* A parameter in microseconds becomes a point in time; NULL stays NULL. Exact to the year 2255,
 * where microseconds pass 2^53. */
#define TIME_PARAMETER(n) "timestamptz 'epoch' + $" #n "::bigint * interval '1 microsecond'"

static const char *number(char room[NUMBER_ROOM], int64_t value)
{
    snprintf(room, NUMBER_ROOM, "%" PRId64, value);
    return room;
}

static const char *null_if_empty(const char *text)
{
    return *text ? text : NULL;
}

/* ---- save ------------------------------------------------------------------------------- */

static enum repository_result insert_head(PGconn *connection, const struct order *order,
                                          struct failure *failure)
{
    static const char sql[] =
        "INSERT INTO orders (id, idempotency_key, customer_id, status, currency, note, "
        "metadata,"
        " payment_id, created_at, paid_at, version)"
        " VALUES ($1, $2, $3, $4, $5, $6, coalesce($7::jsonb, '{}'), $8, " TIME_PARAMETER(
            9) ", " TIME_PARAMETER(10) ", $11)";
    char customer_id[NUMBER_ROOM], created_at[NUMBER_ROOM], paid_at[NUMBER_ROOM];
    char version[NUMBER_ROOM];
    const char *const values[] = {
        order->id,
        order->idempotency_key,
        number(customer_id, order->customer_id),
        order_status_name(order->status),
        order->currency,
        null_if_empty(order->note),
        null_if_empty(order->metadata),
        null_if_empty(order->payment_id),
        number(created_at, order->created_at_us),
        order->paid_at_us ? number(paid_at, order->paid_at_us) : NULL,
        number(version, order->version),
    };

    return session_run(connection, sql, values, sizeof values / sizeof *values, NULL, failure);
}

static enum repository_result insert_line(PGconn *connection, const struct order *order,
                                          size_t i, struct failure *failure)
{
    static const char sql[] =
        "INSERT INTO order_lines (order_id, position, sku, quantity, unit_cents)"
        " VALUES ($1, $2, $3, $4, $5)";
    const struct order_line *line = &order->lines[i];
    char position[NUMBER_ROOM], quantity[NUMBER_ROOM], unit_cents[NUMBER_ROOM];
    const char *const values[] = {
        order->id,
        number(position, (int64_t)i + 1),
        line->sku,
        number(quantity, line->quantity),
        number(unit_cents, line->unit_cents),
    };

    return session_run(connection, sql, values, sizeof values / sizeof *values, NULL, failure);
}

static enum repository_result insert_all(PGconn *connection, const struct order *order,
                                         struct failure *failure)
{
    enum repository_result result = insert_head(connection, order, failure);

    for (size_t i = 0; result == REPOSITORY_OK && i < order->line_count; i++)
        result = insert_line(connection, order, i, failure);
    return result;
}

static enum repository_result save(void *self, const struct order *order,
                                   struct failure *failure)
{
    PGconn *connection = ((struct postgres_repository *)self)->connection;
    enum repository_result result = session_begin(connection, failure);

    if (result)
        return result;
    return session_end(connection, insert_all(connection, order, failure), failure);
}

/* ---- find ------------------------------------------------------------------------------- */

static enum repository_result query(PGconn *connection, const char *sql,
                                    const char *const *values, int value_count,
                                    struct order *orders, size_t room, size_t *ret_count,
                                    struct failure *failure)
{
    enum repository_result result = session_begin_work(connection, failure);
    PGresult *rows;

    if (result == REPOSITORY_OK)
        result = session_run(connection, sql, values, value_count, &rows, failure);
    if (result)
        return result;
    result = order_rows_read(rows, orders, room, ret_count, failure);
    PQclear(rows);
    return result;
}

static enum repository_result query_one(PGconn *connection, const char *sql, const char *value,
                                        struct order *ret_order, struct failure *failure)
{
    size_t count;
    enum repository_result result =
        query(connection, sql, &value, 1, ret_order, 1, &count, failure);

    if (result == REPOSITORY_OK && count == 0) {
        snprintf(failure->text, sizeof failure->text, "there is no order '%s'", value);
        return REPOSITORY_NOT_FOUND;
    }
    return result;
}

static enum repository_result find(void *self, const char *id, struct order *ret_order,
                                   struct failure *failure)
{
    struct postgres_repository *repository = self;

    return query_one(repository->connection, ORDER_ROWS_SELECT("o.id = $1"), id, ret_order,
                     failure);
}

static enum repository_result find_by_key(void *self, const char *idempotency_key,
                                          struct order *ret_order, struct failure *failure)
{
    struct postgres_repository *repository = self;

    return query_one(repository->connection, ORDER_ROWS_SELECT("o.idempotency_key = $1"),
                     idempotency_key, ret_order, failure);
}

static enum repository_result list(void *self, enum order_status status, struct order *orders,
                                   size_t room, size_t *ret_count, struct failure *failure)
{
    static const char sql[] =
        ORDER_ROWS_SELECT("o.id IN (SELECT id FROM orders WHERE status = $1"
                          " ORDER BY created_at, id LIMIT $2)");
    struct postgres_repository *repository = self;
    char limit[NUMBER_ROOM];
    const char *const values[] = { order_status_name(status), number(limit, (int64_t)room) };

    return query(repository->connection, sql, values, 2, orders, room, ret_count, failure);
}

/* ---- update ----------------------------------------------------------------------------- */

/* No row has that id and that version: gone, or changed by somebody else? */
static enum repository_result why_not_updated(void *self, const struct order *order,
                                              struct failure *failure)
{
    struct order kept;
    enum repository_result result = find(self, order->id, &kept, failure);

    if (result)
        return result;
    snprintf(failure->text, sizeof failure->text,
             "order %s is at version %" PRId32 " now, %s; version %" PRId32
             " was to be changed",
             kept.id, kept.version, order_status_name(kept.status), order->version);
    return REPOSITORY_CONFLICT;
}

/* REPOSITORY_CONFLICT, without words yet, when no row has that id and that version. */
static enum repository_result update_head(PGconn *connection, const struct order *order,
                                          struct failure *failure)
{
    static const char sql[] =
        "UPDATE orders SET status = $3, payment_id = $4, paid_at = " TIME_PARAMETER(
            5) ", version = version + 1 WHERE id = $1 AND version = $2 RETURNING version";
    char version[NUMBER_ROOM], paid_at[NUMBER_ROOM];
    const char *const values[] = {
        order->id,
        number(version, order->version),
        order_status_name(order->status),
        null_if_empty(order->payment_id),
        order->paid_at_us ? number(paid_at, order->paid_at_us) : NULL,
    };
    enum repository_result result;
    PGresult *rows;
    bool updated;

    result =
        session_run(connection, sql, values, sizeof values / sizeof *values, &rows, failure);
    if (result)
        return result;
    updated = PQntuples(rows) == 1;
    PQclear(rows);
    return updated ? REPOSITORY_OK : REPOSITORY_CONFLICT;
}

static enum repository_result insert_event(PGconn *connection, const struct event *event,
                                           struct failure *failure)
{
    static const char sql[] = "INSERT INTO outbox (id, routing_key, body) VALUES ($1, $2, $3)";
    const char *const values[] = { event->id, event->routing_key, event->body };

    return session_run(connection, sql, values, 3, NULL, failure);
}

static enum repository_result update(void *self, struct order *order, const struct event *event,
                                     struct failure *failure)
{
    PGconn *connection = ((struct postgres_repository *)self)->connection;
    enum repository_result result = session_begin(connection, failure);

    if (result)
        return result;
    result = update_head(connection, order, failure);
    if (result == REPOSITORY_OK && event)
        result = insert_event(connection, event, failure);
    result = session_end(connection, result, failure);
    if (result == REPOSITORY_CONFLICT)
        return why_not_updated(self, order, failure);
    if (result == REPOSITORY_OK)
        order->version++;
    return result;
}

/* ---- open, close ------------------------------------------------------------------------ */

enum repository_result postgres_repository_open(struct postgres_repository **ret_repository,
                                                const char *conninfo, struct failure *failure)
{
    struct postgres_repository *repository = calloc(1, sizeof *repository);
    enum repository_result result;

    if (!repository) {
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return REPOSITORY_FAILED;
    }
    result = session_open(&repository->connection, conninfo, failure);
    if (result) {
        free(repository);
        return result;
    }
    *ret_repository = repository;
    return REPOSITORY_OK;
}

void postgres_repository_close(struct postgres_repository *repository)
{
    if (!repository)
        return;
    PQfinish(repository->connection);
    free(repository);
}

struct order_repository postgres_repository_port(struct postgres_repository *repository)
{
    return (struct order_repository){
        .self = repository,
        .save = save,
        .find = find,
        .find_by_key = find_by_key,
        .list = list,
        .update = update,
    };
}
