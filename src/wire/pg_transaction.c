/* wire/pg_transaction.c - the state of a transaction: BEGIN, COMMIT, ROLLBACK, savepoints. */

#include <string.h>

#include "wire/pg_engine.h"

bool transaction_knows(const struct pg_statement *statement)
{
    return statement->is.kind >= PG_SQL_BEGIN && statement->is.kind <= PG_SQL_ROLLBACK_TO;
}

bool transaction_is_end(const struct pg_statement *statement)
{
    return statement->is.kind == PG_SQL_COMMIT || statement->is.kind == PG_SQL_ROLLBACK ||
           statement->is.kind == PG_SQL_ROLLBACK_TO;
}

static void end(struct pg_server *server, bool committed)
{
    if (committed)
        parameters_commit(&server->parameters);
    else
        parameters_roll_back(&server->parameters, 0);
    notify_end(server, committed);
    arena_fini(&server->block_arena);
    server->savepoints = NULL;
    server->savepoint_count = 0;
    server->queried = false;
    server->block = PG_NO_BLOCK;
    portals_clear(server, 0);
}

void transaction_failed(struct pg_server *server, bool commits)
{
    if (server->block == PG_BLOCK && !commits) {
        server->block = PG_FAILED;
        parameters_roll_back(&server->parameters,
                             server->savepoints ? server->savepoints->changes : 0);
    } else if (server->block != PG_FAILED || commits)
        end(server, false);
}

void transaction_end_implicit(struct pg_server *server)
{
    if (server->block == PG_NO_BLOCK || server->block == PG_IMPLICIT)
        end(server, true);
}

/* ---- BEGIN, COMMIT, ROLLBACK */

/* As the session has it where BEGIN says nothing. */
static void set_default(struct pg_server *server, const char *name)
{
    const char *own = arena_printf(&server->turn, "default_%s", name), *as_shown;
    const char *value = parameter_value(server, own, &as_shown);
    const char *now = parameter_value(server, name, &as_shown);

    if (value && now && strcmp(value, now) != 0)
        parameter_put(server, name, value, true);
}

static void set_modes(struct pg_server *server, const struct pg_sql *is)
{
    if (is->isolation)
        parameter_put(server, "transaction_isolation", is->isolation, true);
    else
        set_default(server, "transaction_isolation");
    if (is->read_only >= 0)
        parameter_put(server, "transaction_read_only", is->read_only ? "on" : "off", true);
    else
        set_default(server, "transaction_read_only");
    if (is->deferrable >= 0)
        parameter_put(server, "transaction_deferrable", is->deferrable ? "on" : "off", true);
}

static void begin(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;

    if (server->block == PG_BLOCK)
        engine_warn(server, "25001", "there is already a transaction in progress");
    server->block = PG_BLOCK;
    set_modes(server, is);
    execute_complete(server, tag ? tag : is->command);
}

/* COMMIT of a failed transaction is its end, and says what it was. */
static void finish(struct pg_server *server, const char *tag, bool commits)
{
    const struct pg_sql *is = &server->running->runs->is;
    bool chain = is->chain, in_block = server->block == PG_BLOCK || server->block == PG_FAILED;

    if (!in_block && chain) {
        engine_error(server, "25P01", 0, "%s AND CHAIN can only be used in transaction blocks",
                     commits ? "COMMIT" : "ROLLBACK");
        return;
    }
    if (!in_block)
        engine_warn(server, "25P01", "there is no transaction in progress");
    if (commits && server->block == PG_FAILED)
        commits = false, tag = "ROLLBACK";
    execute_complete(server, tag ? tag : commits ? "COMMIT" : "ROLLBACK");
    end(server, commits);
    if (chain)
        server->block = PG_BLOCK;
}

/* ---- savepoints */

static struct pg_savepoint *find(struct pg_server *server, const char *name)
{
    struct pg_savepoint *savepoint = server->savepoints;

    while (savepoint && strcmp(savepoint->name, name) != 0)
        savepoint = savepoint->outer;
    return savepoint;
}

static void pop(struct pg_server *server)
{
    server->savepoints = server->savepoints->outer;
    server->savepoint_count--;
}

static void push(struct pg_server *server, const char *name)
{
    struct pg_savepoint *savepoint = arena_zero(&server->block_arena, sizeof *savepoint);

    *savepoint =
        (struct pg_savepoint){ server->savepoints, arena_dup(&server->block_arena, name),
                               server->parameters.change_count };
    server->savepoints = savepoint;
    server->savepoint_count++;
}

static void roll_back_to(struct pg_server *server, struct pg_savepoint *savepoint)
{
    while (server->savepoints != savepoint)
        pop(server);
    parameters_roll_back(&server->parameters, savepoint->changes);
    portals_clear(server, server->savepoint_count);
    server->block = PG_BLOCK;
}

static void release(struct pg_server *server, const struct pg_savepoint *savepoint)
{
    while (server->savepoints != savepoint)
        pop(server);
    pop(server);
}

static void run_savepoint(struct pg_server *server, const char *tag)
{
    static const char *const words[] = { [PG_SQL_SAVEPOINT] = "SAVEPOINT",
                                         [PG_SQL_RELEASE] = "RELEASE SAVEPOINT",
                                         [PG_SQL_ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT" };
    const struct pg_sql *is = &server->running->runs->is;
    const char *name = is->name ? is->name : "";
    struct pg_savepoint *savepoint = find(server, name);

    if (server->block != PG_BLOCK && server->block != PG_FAILED) {
        engine_error(server, "25P01", 0, "%s can only be used in transaction blocks",
                     words[is->kind]);
        return;
    }
    if (!savepoint && is->kind != PG_SQL_SAVEPOINT) {
        engine_error(server, "3B001", 0, "savepoint \"%s\" does not exist", name);
        return;
    }
    if (is->kind == PG_SQL_SAVEPOINT)
        push(server, name);
    else if (is->kind == PG_SQL_RELEASE)
        release(server, savepoint);
    else
        roll_back_to(server, savepoint);
    execute_complete(server, tag ? tag : is->command);
}

void transaction_run(struct pg_server *server, const char *tag)
{
    enum pg_sql_kind kind = server->running->runs->is.kind;

    if (kind == PG_SQL_BEGIN)
        begin(server, tag);
    else if (kind == PG_SQL_COMMIT || kind == PG_SQL_ROLLBACK)
        finish(server, tag, kind == PG_SQL_COMMIT);
    else
        run_savepoint(server, tag);
}
