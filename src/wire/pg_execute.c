/* wire/pg_execute.c - what is executed, by Query or Execute: asking, and the answers. */

#include <string.h>

#include "wire/pg_engine.h"

/* ---- asking */

static void fill_ask(struct pg_server *server, struct pg_portal *portal)
{
    struct pg_ask *ask = &server->ask;

    ask->statement = portal->runs;
    ask->argument_count = portal->argument_count;
    ask->arguments = portal->arguments;
    ask->portal = portal->name;
    ask->portal_user = &portal->user;
    ask->simple = portal->name == NULL;
    ask->max_rows = server->max_rows;
}

/* These read nothing: a transaction's level may still be set behind them. */
static bool is_query(const struct pg_sql *is)
{
    static const char *const none[] = { "LOCK TABLE", "FETCH", "MOVE", "CHECKPOINT",
                                        "SET CONSTRAINTS" };

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(none[i], is->command) == 0)
            return false;
    return is->kind == PG_SQL_OTHER || is->kind == PG_SQL_COPY_IN ||
           is->kind == PG_SQL_COPY_OUT;
}

void execute_ask(struct pg_server *server, struct pg_portal *portal, size_t max_rows)
{
    if (server->block != PG_NO_BLOCK && !server->queried)
        server->queried = is_query(&portal->runs->is);
    server->running = portal;
    server->max_rows = max_rows;
    engine_ask(server, PG_ASK_EXECUTE, NULL);
    fill_ask(server, portal);
    server->ask.failed = server->block == PG_FAILED && portal->runs->is.kind != PG_SQL_EMPTY &&
                         !transaction_is_end(portal->runs);
}

void execute_ask_copied(struct pg_server *server, const char *failed)
{
    engine_ask(server, PG_ASK_COPIED, NULL);
    fill_ask(server, server->running);
    server->ask.copy_data = buf_text(&server->copy);
    server->ask.copy_size = server->copy.size;
    server->ask.copy_failed = failed;
}

/* ---- the end */

static void put_tag(struct pg_server *server, const char *tag)
{
    size_t begun = pg_begin(&server->out, 'C');

    pg_put_text(&server->out, tag);
    engine_end(server, begun);
}

void execute_finished(struct pg_server *server)
{
    struct pg_portal *portal = server->running;

    server->running = NULL;
    portal->ended = true;
    if (!portal->name)
        portal_remove(server, portal);
    else if (portal->rows.drop) {
        portal->rows.drop(portal->rows.arg);
        portal->rows.drop = NULL;
    }
}

void execute_complete(struct pg_server *server, const char *tag)
{
    put_tag(server, tag);
    execute_finished(server);
}

void execute_empty(struct pg_server *server)
{
    engine_put(server, 'I');
    execute_finished(server);
}

/* A portal that has given all: rows may be asked for again, and there are none; a command is not run twice. */
static void execute_ended(struct pg_server *server, struct pg_portal *portal)
{
    if (portal->has_rows)
        put_tag(server, result_tag(portal->runs, portal->tag, true, 0, &server->turn));
    else
        engine_error(server, "55000", 0, "portal \"%s\" cannot be run", portal->name);
}

void execute_portal(struct pg_server *server, struct pg_portal *portal, size_t max_rows)
{
    if (!portal->begun || portal->runs->is.kind == PG_SQL_EMPTY) {
        execute_ask(server, portal, max_rows);
        return;
    }
    if (prepared_is_dead(server, portal->statement))
        return;
    if (portal->ended) {
        execute_ended(server, portal);
        return;
    }
    server->running = portal;
    server->max_rows = max_rows;
    execute_go_on(server, portal);
}

/* ---- answers */

/* The error comes behind the rows that have been sent. */
static void fail_behind_rows(struct pg_server *server, const struct pg_portal *portal)
{
    static const struct pg_error none = { .sqlstate = "XX000",
                                          .message = "the rows ended with an error" };

    engine_fail(server, portal->error ? portal->error : &none);
}

void execute_go_on(struct pg_server *server, struct pg_portal *portal)
{
    size_t sent = 0;
    const char *tag;

    switch (result_rows(server, portal, server->max_rows, &sent)) {
    case RESULT_MORE:
        engine_put(server, 's');
        server->running = NULL;
        return;
    case RESULT_ERROR:
        fail_behind_rows(server, portal);
        return;
    case RESULT_FAILED:
        return;
    case RESULT_END:
        break;
    }
    if (portal->error) {
        fail_behind_rows(server, portal);
        return;
    }
    tag = portal->tag && portal->at == sent
              ? portal->tag
              : result_tag(portal->runs, portal->tag, true, sent, &server->turn);
    execute_complete(server, tag);
}

static const struct pg_error *copy_error(struct arena *arena, const struct pg_error *error,
                                         int shift)
{
    struct pg_error *copy = arena_copy(arena, error, sizeof *error);
    const char **texts[] = { &copy->severity, &copy->sqlstate,      &copy->message,
                             &copy->detail,   &copy->hint,          &copy->where,
                             &copy->schema,   &copy->table,         &copy->column,
                             &copy->type,     &copy->constraint,    &copy->file,
                             &copy->routine,  &copy->internal_query };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_dup(arena, *texts[i]);
    if (copy->position > 0)
        copy->position += shift;
    return copy;
}

static void copy_columns(struct pg_portal *portal)
{
    size_t count = portal->rows.column_count;
    struct pg_column *columns =
        arena_copy(&portal->arena, portal->rows.columns, count * sizeof *columns);

    for (size_t i = 0; i < count; i++)
        columns[i].name = arena_dup(&portal->arena, columns[i].name);
    portal->rows.columns = columns;
}

static void take_rows(struct pg_server *server, struct pg_portal *portal,
                      const struct pg_result *result)
{
    portal->has_rows = true;
    portal->rows = *result->rows;
    portal->cells =
        arena_zero(&portal->arena, (portal->rows.column_count + 1) * sizeof *portal->cells);
    portal->tag = arena_dup(&portal->arena, result->tag);
    portal->spoil = result->spoil;
    if (server->max_rows > 0)
        copy_columns(portal);
    if (result->error)
        portal->error = copy_error(&portal->arena, result->error, server->shift);
    if (!portal->name)
        result_columns(server, portal->rows.columns, portal->rows.column_count, NULL);
    execute_go_on(server, portal);
}

void execute_result(struct pg_server *server, const struct pg_result *result)
{
    struct pg_portal *portal = server->running;

    portal->begun = true;
    if (result->rows)
        take_rows(server, portal, result);
    else if (result->error)
        engine_fail(server, copy_error(&server->turn, result->error, server->shift));
    else if (result->copy == 'G')
        copy_begin(server, result);
    else if (result->copy == 'H')
        copy_out(server, result);
    else
        execute_complete(server,
                         result_tag(portal->runs, result->tag, false, 0, &server->turn));
}

static bool is_plain(const struct pg_result *result)
{
    return !result->rows && !result->error && !result->copy;
}

void pg_server_result(struct pg_server *server, const struct pg_result *result)
{
    if (!server->asking ||
        (server->ask.kind != PG_ASK_EXECUTE && server->ask.kind != PG_ASK_COPIED))
        return;
    engine_answer(server);
    if (server->ask.failed)
        automatic_refuse(server);
    else if (server->ask.kind == PG_ASK_COPIED)
        copy_end(server, result);
    else if (is_plain(result) && automatic_knows(server->ask.statement))
        automatic_run(server, result->tag);
    else
        execute_result(server, result);
}
