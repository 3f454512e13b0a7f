/* wire/pg_prepared.c - PREPARE, EXECUTE, DEALLOCATE and DISCARD of SQL. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_engine.h"

/* ---- lists in SQL's text */

/* Behind a quoted text. */
static const char *skip_quoted(const char *at)
{
    char quote = *at++;

    while (*at && *at != quote)
        at++;
    return *at ? at + 1 : at;
}

/* Where the element ends: at a ',' outside parentheses and quotes, or at the end. */
static const char *element_end(const char *at)
{
    int depth = 0;

    while (*at && (depth > 0 || *at != ',')) {
        if (*at == '\'' || *at == '"') {
            at = skip_quoted(at);
            continue;
        }
        depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
        at++;
    }
    return at;
}

/* The next element without the blanks around it; NULL behind the last. */
static char *next_element(const char **at, struct arena *arena)
{
    const char *from = *at, *end;

    if (!from)
        return NULL;
    end = element_end(from);
    *at = *end ? end + 1 : NULL;
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    return from == end && !*at ? NULL : arena_copy(arena, from, (size_t)(end - from));
}

static size_t count_elements(const char *list, struct arena *arena)
{
    size_t count = 0;

    while (next_element(&list, arena))
        count++;
    return count;
}

/* ---- PREPARE */

/* Characters in front of `part`, which is the end of what runs, in what the client sent. */
static int shift_of(struct pg_server *server, const char *part)
{
    const char *sql = server->running->runs->sql;
    size_t whole = strlen(sql), size = strlen(part);

    return size > whole ? 0 : server->shift + engine_characters(sql, sql + whole - size);
}

/* Of `at`, in `list`, which is somewhere in what runs. */
static int position_of(struct pg_server *server, const char *list, const char *at)
{
    const char *sql = server->running->runs->sql, *found = strstr(sql, list);

    return found ? server->shift + engine_characters(sql, found + (at - list)) + 1 : 0;
}

static size_t blanks(const char *at)
{
    return strspn(at, " \t\r\n\f\v");
}

static bool types_are_wrong(struct pg_server *server, struct pg_prepared *prepared,
                            const struct pg_sql *is)
{
    const char *list = is->types, *start = list;
    size_t count = list ? count_elements(list, &server->turn) : 0, i = 0;
    uint32_t *types = arena_zero(&server->turn, (count + 1) * sizeof *types);
    const char *name;

    while (list && (name = next_element(&list, &server->turn)) != NULL) {
        const struct pg_type *type;
        int modifier;

        if (pg_type_parse(name, &type, &modifier, NULL) < 0) {
            engine_error(server, "42704", position_of(server, is->types, start + blanks(start)),
                         "type \"%s\" does not exist", name);
            return true;
        }
        types[i++] = type->oid;
        start = list;
    }
    prepared_set_types(prepared, types, count);
    return false;
}

static void was_prepared(struct pg_server *server)
{
    execute_complete(server, server->tag ? server->tag : "PREPARE");
}

void prepared_prepare(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;
    const char *inner = is->inner ? is->inner : "";
    struct pg_prepared *prepared;
    int shift = shift_of(server, inner);

    if (prepared_find(server, is->name)) {
        engine_error(server, "42P05", 0, "prepared statement \"%s\" already exists", is->name);
        return;
    }
    server->tag = arena_dup(&server->turn, tag);
    prepared = prepared_new(is->name, pg_reading_new(inner));
    if (types_are_wrong(server, prepared, is)) {
        prepared_release(prepared);
        return;
    }
    prepared_ask(server, prepared, was_prepared);
    server->shift = shift;
}

/* ---- EXECUTE */

/* 'it''s'::text as it's: a literal's text. What is no literal stays as it is written. */
static void read_literal(char *text, struct pg_argument *ret)
{
    char *from = text, *to = text;

    *ret = (struct pg_argument){ .data = text };
    if (strncasecmp(text, "null", 4) == 0 && (!text[4] || text[4] == ':')) {
        ret->data = NULL;
        return;
    }
    if (*from != '\'') {
        from = strstr(text, "::");
        ret->size = from ? (size_t)(from - text) : strlen(text);
        text[ret->size] = '\0';
        return;
    }
    for (from++; *from && (*from != '\'' || from[1] == '\''); from++) {
        from += *from == '\'';
        *to++ = *from;
    }
    *to = '\0';
    ret->size = (size_t)(to - text);
}

size_t pg_sql_arguments(const char *list, struct arena *arena, struct pg_argument **ret)
{
    size_t count = list ? count_elements(list, arena) : 0;
    char *text;

    *ret = arena_zero(arena, (count + 1) * sizeof **ret);
    for (size_t i = 0; list && (text = next_element(&list, arena)) != NULL; i++)
        read_literal(text, &(*ret)[i]);
    return count;
}

static bool read_arguments(struct pg_server *server, struct pg_portal *portal,
                           const struct pg_prepared *prepared, const char *list)
{
    /* A simple query's portal is gone before its owner has done with what was asked. */
    struct arena *arena = portal->name ? &portal->arena : &server->turn;
    size_t count = pg_sql_arguments(list, arena, &portal->arguments);

    if (count != prepared->is.type_count) {
        struct pg_error error = { .sqlstate = "42601" };

        error.message = arena_printf(&server->turn,
                                     "wrong number of parameters for prepared statement \"%s\"",
                                     prepared->is.name);
        error.detail = arena_printf(&server->turn, "Expected %zu parameters but got %zu.",
                                    prepared->is.type_count, count);
        engine_fail(server, &error);
        return false;
    }
    portal->argument_count = count;
    for (size_t i = 0; i < count; i++)
        portal->arguments[i].type = prepared->is.types[i];
    return true;
}

void prepared_execute(struct pg_server *server)
{
    struct pg_portal *portal = server->running;
    const struct pg_sql *is = &portal->runs->is;
    struct pg_prepared *prepared = prepared_find(server, is->name);

    if (!prepared) {
        prepared_missing(server, is->name);
        return;
    }
    if (!read_arguments(server, portal, prepared, is->inner))
        return;
    prepared->uses++;
    portal->inner = prepared;
    portal->runs = &prepared->is;
    execute_ask(server, portal, server->max_rows);
}

/* ---- DEALLOCATE and DISCARD */

static void deallocate_next(struct pg_server *server);

static void deallocated(struct pg_server *server)
{
    prepared_remove(server, (struct pg_prepared *)server->ask.statement);
    deallocate_next(server);
}

/* One of those that are to go; all: each that has a name. */
static void ask_close(struct pg_server *server, struct pg_prepared *prepared)
{
    engine_ask(server, PG_ASK_CLOSE, deallocated);
    server->ask.statement = &prepared->is;
}

static void deallocate_next(struct pg_server *server)
{
    struct pg_prepared *prepared = server->deallocates_all ? server->prepared : NULL;

    while (prepared && !*prepared->is.name)
        prepared = prepared->next;
    if (prepared)
        ask_close(server, prepared);
    else
        execute_complete(server, server->tag);
}

void prepared_deallocate(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;
    struct pg_prepared *prepared = is->name ? prepared_find(server, is->name) : NULL;

    server->deallocates_all = is->name == NULL;
    server->tag = tag        ? arena_dup(&server->turn, tag)
                  : is->name ? "DEALLOCATE"
                             : "DEALLOCATE ALL";
    if (!is->name)
        deallocate_next(server);
    else if (prepared)
        ask_close(server, prepared);
    else
        prepared_missing(server, is->name);
}

void prepared_discard(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;

    server->tag = tag ? arena_dup(&server->turn, tag) : arena_dup(&server->turn, is->command);
    server->deallocates_all = is->name == NULL;
    if (!is->name && server->block != PG_NO_BLOCK) {
        engine_error(server, "25001", 0, "DISCARD ALL cannot run inside a transaction block");
        return;
    }
    if (!is->name) {
        portals_clear(server, 0);
        notify_unlisten_all(server);
        parameters_reset(server);
    }
    deallocate_next(server);
}
