/* wire/pg_simple.c - Query: a text of statements, which are one transaction when there are several. */

#include <string.h>

#include "wire/pg_engine.h"

void simple_take(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);
    const char *sql = pg_get_text(&body);
    struct pg_prepared *unnamed;
    struct pg_portal *portal;

    if (engine_body_is_wrong(server, &body))
        return;
    unnamed = prepared_find(server, "");
    if (unnamed)
        prepared_remove(server, unnamed);
    portal = portal_find(server, "");
    if (portal)
        portal_remove(server, portal);
    if (check_sql(server, sql))
        return;
    server->query = server->rest = arena_copy(&server->turn, sql, server->frame.size - 1);
    server->several = pg_sql_is_several(sql);
    server->ran = 0;
}

static struct pg_statement *next_statement(struct pg_server *server, int *ret_shift)
{
    struct pg_statement *statement = arena_zero(&server->turn, sizeof *statement);
    size_t next, blank = strspn(server->rest, " \t\r\n\f\v");
    const char *from = server->rest + blank;
    size_t size = pg_sql_first(from, &next);

    *ret_shift = engine_characters(server->query, from);
    statement->sql = from[size] ? arena_copy(&server->turn, from, size) : from;
    server->rest = from + next;
    pg_sql_classify(&statement->is, statement->sql, &server->turn);
    return statement;
}

static void run(struct pg_server *server, struct pg_statement *statement, int shift)
{
    struct pg_portal *portal = portal_new(server, NULL, statement, NULL);

    server->ran++;
    if (server->several && server->block == PG_NO_BLOCK)
        server->block = PG_IMPLICIT;
    execute_ask(server, portal, 0);
    server->shift = shift;
}

/* Statements that are empty count only when there is no other: then they are one. */
void simple_go_on(struct pg_server *server)
{
    while (*server->rest) {
        int shift;
        struct pg_statement *statement = next_statement(server, &shift);

        if (statement->is.kind != PG_SQL_EMPTY) {
            run(server, statement, shift);
            return;
        }
    }
    if (server->ran == 0) {
        server->rest = server->query;
        run(server, next_statement(server, &(int){ 0 }), 0);
        server->rest = "";
        return;
    }
    server->query = NULL;
    engine_ready(server);
}
