/* wire/pg_automatic.c - statements that a server answers without knowing a table. */

#include <errno.h>
#include <string.h>

#include "wire/pg_engine.h"

bool automatic_knows(const struct pg_statement *statement)
{
    switch (statement->is.kind) {
    case PG_SQL_OTHER:
    case PG_SQL_COPY_IN:
    case PG_SQL_COPY_OUT:
    case PG_SQL_CLOSE:
        return false;
    default:
        return true;
    }
}

void automatic_refuse(struct pg_server *server)
{
    engine_error(server, "25P02", 0, ENGINE_ABORTED);
}

void automatic_run(struct pg_server *server, const char *tag)
{
    struct pg_portal *portal = server->running;

    portal->begun = true;
    if (transaction_knows(portal->runs)) {
        transaction_run(server, tag);
        return;
    }
    switch (portal->runs->is.kind) {
    case PG_SQL_SET:
        parameter_run(server, tag);
        break;
    case PG_SQL_SHOW:
        parameter_show(server, tag);
        break;
    case PG_SQL_PREPARE:
        prepared_prepare(server, tag);
        break;
    case PG_SQL_EXECUTE:
        prepared_execute(server);
        break;
    case PG_SQL_DEALLOCATE:
        prepared_deallocate(server, tag);
        break;
    case PG_SQL_DISCARD:
        prepared_discard(server, tag);
        break;
    case PG_SQL_LISTEN:
        notify_listen(server, tag);
        break;
    case PG_SQL_NOTIFY:
        notify_run(server, tag);
        break;
    default:
        execute_empty(server);
    }
}

/* SHOW has a column, the others have none. A parameter that is not there is found when it is shown. */
static void describe(struct pg_server *server)
{
    const struct pg_sql *is = &server->ask.statement->is;
    struct pg_column column = { .type = PG_TEXT_OID, .type_size = -1, .modifier = -1 };

    if (is->kind == PG_SQL_SHOW && is->name && parameter_value(server, is->name, &column.name))
        pg_server_describe(server, NULL, 0, &column, 1);
    else if (is->kind == PG_SQL_SHOW && is->name) {
        engine_answer(server);
        engine_error(server, "42704", 0, "unrecognized configuration parameter \"%s\"",
                     is->name);
    } else
        pg_server_describe(server, NULL, 0, NULL, 0);
}

int pg_server_automatic(struct pg_server *server)
{
    const struct pg_ask *ask = &server->ask;

    if (!server->asking || (ask->kind != PG_ASK_EXECUTE && ask->kind != PG_ASK_DESCRIBE))
        return -ENOENT;
    if (!ask->failed && !automatic_knows(ask->statement))
        return -ENOENT;
    if (ask->kind == PG_ASK_DESCRIBE) {
        describe(server);
        return 0;
    }
    engine_answer(server);
    if (ask->failed)
        automatic_refuse(server);
    else
        automatic_run(server, NULL);
    return 0;
}
