/* wire/pg_extended.c - Parse, Describe, Execute, Close; prepared statements and portals. */

#include <stdlib.h>
#include <string.h>

#include "wire/pg_engine.h"

/* ---- prepared statements */

struct pg_prepared *prepared_find(struct pg_server *server, const char *name)
{
    struct pg_prepared *prepared = server->prepared;

    while (prepared && strcmp(prepared->is.name, name) != 0)
        prepared = prepared->next;
    return prepared;
}

struct pg_prepared *prepared_new(const char *name, struct pg_reading *reading)
{
    struct pg_prepared *prepared = malloc(sizeof *prepared); /* calloc takes longer */

    if (!prepared)
        arena_give_up(sizeof *prepared);
    *prepared = (struct pg_prepared){ .uses = 1 };
    prepared->is.name = *name ? arena_dup(&prepared->arena, name) : "";
    prepared->reading = reading;
    prepared->is.sql = reading->first;
    prepared->is.is = reading->is;
    return prepared;
}

void prepared_release(struct pg_prepared *prepared)
{
    if (!prepared || --prepared->uses > 0)
        return;
    pg_reading_release(prepared->reading);
    arena_fini(&prepared->arena);
    free(prepared);
}

void prepared_remove(struct pg_server *server, struct pg_prepared *prepared)
{
    struct pg_prepared **at = &server->prepared;

    while (*at != prepared)
        at = &(*at)->next;
    *at = prepared->next;
    prepared_release(prepared);
}

bool prepared_missing(struct pg_server *server, const char *name)
{
    if (*name)
        engine_error(server, "26000", 0, "prepared statement \"%s\" does not exist", name);
    else
        engine_error(server, "26000", 0, "unnamed prepared statement does not exist");
    return true;
}

/* What was said before stays where this says nothing. */
void prepared_set_types(struct pg_prepared *prepared, const uint32_t *types, size_t count)
{
    struct pg_statement *is = &prepared->is;
    size_t parameters = is->is.parameters > 0 ? (size_t)is->is.parameters : 0;
    size_t all = count > parameters ? count : parameters;
    uint32_t *merged;

    if (all < is->type_count)
        all = is->type_count;
    merged = arena_zero(&prepared->arena, (all + 1) * sizeof *merged);
    for (size_t i = 0; i < all; i++) {
        merged[i] = i < is->type_count ? is->types[i] : 0;
        if (i < count && types[i])
            merged[i] = types[i];
    }
    is->types = merged;
    is->type_count = all;
}

/* Ask for it; when that is done it is there, and `then` is called. */
static void added(struct pg_server *server)
{
    server->parsing->next = server->prepared;
    server->prepared = server->parsing;
    server->parsing = NULL;
    server->parsed(server);
}

void prepared_ask(struct pg_server *server, struct pg_prepared *prepared,
                  void (*then)(struct pg_server *server))
{
    server->parsing = prepared;
    server->parsed = then;
    engine_ask(server, PG_ASK_PARSE, added);
    server->ask.statement = &prepared->is;
}

/* ---- Parse */

static void parsed(struct pg_server *server)
{
    engine_put(server, '1');
}

static bool sql_is_wrong(struct pg_server *server, const char *sql)
{
    if (check_sql(server, sql))
        return true;
    if (!pg_sql_is_several(sql))
        return false;
    engine_error(server, "42601", 0,
                 "cannot insert multiple commands into a prepared statement");
    return true;
}

/* For the caller to release; NULL: an error has been sent. */
static struct pg_reading *read_sql(struct pg_server *server, const char *sql)
{
    struct pg_reading *reading = pg_readings_find(&server->readings, sql);

    if (reading)
        return pg_reading_use(reading);
    if (sql_is_wrong(server, sql))
        return NULL;
    reading = pg_reading_new(sql);
    pg_readings_keep(&server->readings, sql, reading);
    return reading;
}

static bool name_is_taken(struct pg_server *server, const char *name)
{
    if (!*name || !prepared_find(server, name))
        return false;
    engine_error(server, "42P05", 0, "prepared statement \"%s\" already exists", name);
    return true;
}

bool prepared_is_dead(struct pg_server *server, const struct pg_statement *statement)
{
    if (server->block != PG_FAILED || transaction_is_end(statement) ||
        statement->is.kind == PG_SQL_EMPTY)
        return false;
    engine_error(server, "25P02", 0, ENGINE_ABORTED);
    return true;
}

static void take_parse(struct pg_server *server, struct pg_body *body)
{
    const char *name = pg_get_text(body), *sql = pg_get_text(body);
    size_t count = (uint16_t)pg_get_int16(body);
    struct pg_prepared *prepared;
    struct pg_reading *reading;
    uint32_t *types = arena_zero(&server->turn, (count + 1) * sizeof *types);

    for (size_t i = 0; i < count && !body->failed; i++)
        types[i] = (uint32_t)pg_get_int32(body);
    if (engine_body_is_wrong(server, body))
        return;
    prepared = *name ? NULL : prepared_find(server, "");
    if (prepared)
        prepared_remove(server, prepared);
    reading = read_sql(server, sql);
    if (!reading)
        return;
    prepared = prepared_new(name, reading);
    prepared_set_types(prepared, types, count);
    if (prepared_is_dead(server, &prepared->is) || name_is_taken(server, name))
        prepared_release(prepared);
    else
        prepared_ask(server, prepared, parsed);
}

/* ---- portals */

struct pg_portal *portal_find(struct pg_server *server, const char *name)
{
    struct pg_portal *portal = server->portals;

    while (portal && (!portal->name || strcmp(portal->name, name) != 0))
        portal = portal->next;
    return portal;
}

struct pg_portal *portal_new(struct pg_server *server, const char *name,
                             struct pg_statement *statement, struct pg_prepared *prepared)
{
    struct pg_portal *portal = malloc(sizeof *portal); /* calloc takes longer */

    if (!portal)
        arena_give_up(sizeof *portal);
    *portal = (struct pg_portal){ .name = NULL };
    if (name)
        portal->name = *name ? arena_dup(&portal->arena, name) : "";
    portal->statement = portal->runs = statement;
    portal->prepared = prepared;
    if (prepared)
        prepared->uses++;
    portal->savepoints = server->savepoint_count;
    portal->next = server->portals;
    server->portals = portal;
    return portal;
}

void portal_remove(struct pg_server *server, struct pg_portal *portal)
{
    struct pg_portal **at = &server->portals;

    while (*at != portal)
        at = &(*at)->next;
    *at = portal->next;
    if (portal->rows.drop)
        portal->rows.drop(portal->rows.arg);
    portal->next = server->gone;
    server->gone = portal;
}

void portals_bury(struct pg_server *server)
{
    struct pg_portal *portal;

    while ((portal = server->gone)) {
        server->gone = portal->next;
        prepared_release(portal->prepared);
        prepared_release(portal->inner);
        arena_fini(&portal->arena);
        free(portal);
    }
}

void portals_clear(struct pg_server *server, size_t savepoints)
{
    struct pg_portal *next;

    for (struct pg_portal *portal = server->portals; portal; portal = next) {
        next = portal->next;
        if (portal != server->running && portal->savepoints >= savepoints)
            portal_remove(server, portal);
    }
}

static bool portal_missing(struct pg_server *server, const char *name)
{
    engine_error(server, "34000", 0, "portal \"%s\" does not exist", name);
    return true;
}

/* ---- Describe */

static void ask_describe(struct pg_server *server, struct pg_statement *statement)
{
    engine_ask(server, PG_ASK_DESCRIBE, NULL);
    server->ask.statement = statement;
}

/* EXECUTE of SQL is described by what it executes, where that is known. */
static struct pg_statement *described_by(struct pg_server *server,
                                         struct pg_statement *statement)
{
    struct pg_prepared *inner = NULL;

    if (statement->is.kind == PG_SQL_EXECUTE && statement->is.name)
        inner = prepared_find(server, statement->is.name);
    return inner ? &inner->is : statement;
}

static void describe_statement(struct pg_server *server, const char *name)
{
    struct pg_prepared *prepared = prepared_find(server, name);

    if (!prepared) {
        prepared_missing(server, name);
        return;
    }
    server->describing = prepared;
    ask_describe(server, described_by(server, &prepared->is));
}

void portal_ask_describe(struct pg_server *server, struct pg_portal *portal)
{
    server->running = portal;
    ask_describe(server, described_by(server, portal->statement));
    server->ask.argument_count = portal->argument_count;
    server->ask.arguments = portal->arguments;
    server->ask.portal = portal->name;
    server->ask.portal_user = &portal->user;
}

static void describe_portal(struct pg_server *server, const char *name)
{
    struct pg_portal *portal = portal_find(server, name);

    if (portal)
        portal_ask_describe(server, portal);
    else
        portal_missing(server, name);
}

static void take_describe(struct pg_server *server, struct pg_body *body)
{
    int kind = pg_get_byte(body);
    const char *name = pg_get_text(body);

    if (engine_body_is_wrong(server, body))
        return;
    if (kind == 'S')
        describe_statement(server, name);
    else if (kind == 'P')
        describe_portal(server, name);
    else
        engine_error(server, "08P01", 0, "invalid DESCRIBE message subtype %d", kind);
}

static void put_types(struct pg_server *server, const struct pg_prepared *prepared)
{
    size_t begun = pg_begin(&server->out, 't');

    pg_put_int16(&server->out, (int)prepared->is.type_count);
    for (size_t i = 0; i < prepared->is.type_count; i++)
        pg_put_int32(&server->out,
                     (int32_t)(prepared->is.types[i] ? prepared->is.types[i] : PG_TEXT_OID));
    engine_end(server, begun);
}

void pg_server_describe(struct pg_server *server, const uint32_t *types, size_t type_count,
                        const struct pg_column *columns, size_t column_count)
{
    struct pg_prepared *prepared = server->describing;
    struct pg_portal *portal = server->running;
    void (*described)(struct pg_server *, size_t) = server->described;

    if (!server->asking || server->ask.kind != PG_ASK_DESCRIBE)
        return;
    engine_answer(server);
    server->describing = NULL;
    server->described = NULL;
    if (described) {
        described(server, column_count);
        return;
    }
    server->running = NULL;
    if (server->block == PG_FAILED && columns) {
        engine_error(server, "25P02", 0, ENGINE_ABORTED);
        return;
    }
    if (prepared) {
        if (server->ask.statement == &prepared->is)
            prepared_set_types(prepared, types, type_count);
        put_types(server, prepared);
    }
    if (columns)
        result_columns(server, columns, column_count, portal);
    else
        engine_put(server, 'n');
}

/* ---- Execute and Close */

static void take_execute(struct pg_server *server, struct pg_body *body)
{
    const char *name = pg_get_text(body);
    int32_t max_rows = pg_get_int32(body);
    struct pg_portal *portal;

    if (engine_body_is_wrong(server, body))
        return;
    portal = portal_find(server, name);
    if (portal)
        execute_portal(server, portal, max_rows > 0 ? (size_t)max_rows : 0);
    else
        portal_missing(server, name);
}

static void closed(struct pg_server *server)
{
    prepared_remove(server, (struct pg_prepared *)server->ask.statement);
    engine_put(server, '3');
}

static void take_close(struct pg_server *server, struct pg_body *body)
{
    int kind = pg_get_byte(body);
    const char *name = pg_get_text(body);
    struct pg_prepared *prepared = NULL;
    struct pg_portal *portal = NULL;

    if (engine_body_is_wrong(server, body))
        return;
    if (kind == 'S')
        prepared = prepared_find(server, name);
    else if (kind == 'P')
        portal = portal_find(server, name);
    else {
        engine_error(server, "08P01", 0, "invalid CLOSE message subtype %d", kind);
        return;
    }
    if (prepared) {
        engine_ask(server, PG_ASK_CLOSE, closed);
        server->ask.statement = &prepared->is;
        return;
    }
    if (portal)
        portal_remove(server, portal);
    engine_put(server, '3');
}

void extended_take(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);

    switch (server->frame.type) {
    case 'P':
        take_parse(server, &body);
        break;
    case 'B':
        bind_take(server, &body);
        break;
    case 'D':
        take_describe(server, &body);
        break;
    case 'E':
        take_execute(server, &body);
        break;
    default:
        take_close(server, &body);
    }
}
