/* pg/record_names.c - the prepared statements and portals of a recorded session; see record_tap.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/record_tap.h"

#include "base/hostile.h"

static void free_statement(struct tap_statement *statement)
{
    arena_fini(&statement->arena);
    free(statement);
}

static void free_portal(struct tap_portal *portal)
{
    arena_fini(&portal->arena);
    free(portal);
}

void tap_drop_statement(struct record_tap *tap, const char *name)
{
    struct tap_statement **at = &tap->statements, *found;

    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    found = *at;
    if (!found)
        return;
    *at = found->next;
    free_statement(found);
}

void tap_drop_portal(struct record_tap *tap, const char *name)
{
    struct tap_portal **at = &tap->portals, *found;

    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    found = *at;
    if (!found)
        return;
    *at = found->next;
    free_portal(found);
}

struct tap_statement *tap_find_statement(const struct record_tap *tap, const char *name)
{
    struct tap_statement *at = tap->statements;

    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

struct tap_portal *tap_find_portal(const struct record_tap *tap, const char *name)
{
    struct tap_portal *at = tap->portals;

    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

void tap_remember(struct record_tap *tap, const char *name, const char *sql,
                  const uint32_t *types, size_t type_count)
{
    struct tap_statement *statement = calloc(1, sizeof *statement);

    if (!statement)
        arena_give_up(sizeof *statement);
    tap_drop_statement(tap, name);
    statement->name = arena_dup(&statement->arena, name);
    statement->sql = arena_dup(&statement->arena, sql);
    statement->types = arena_copy(&statement->arena, types ? (const void *)types : "",
                                  type_count * sizeof *types);
    statement->type_count = type_count;
    statement->next = tap->statements;
    tap->statements = statement;
}

static void read_arguments(struct tap_portal *portal, struct pg_body *body)
{
    size_t formats = (size_t)pg_get_int16(body), count;
    int *format = arena_zero(&portal->arena, (formats + 1) * sizeof *format);

    for (size_t i = 0; i < formats; i++)
        format[i] = pg_get_int16(body);
    count = (size_t)pg_get_int16(body);
    portal->arguments = arena_zero(&portal->arena, (count + 1) * sizeof *portal->arguments);
    portal->argument_count = count;
    for (size_t i = 0; i < count && !body->failed; i++) {
        int32_t size = pg_get_int32(body);
        struct pg_argument *argument = &portal->arguments[i];

        argument->format = tape_format(format, formats, i);
        if (size < 0)
            continue;
        argument->size = (size_t)size;
        argument->data = pg_get_bytes(body, argument->size);
        argument->data =
            argument->data ? arena_copy(&portal->arena, argument->data, argument->size) : NULL;
    }
    portal->format_count = (size_t)pg_get_int16(body);
    portal->formats = arena_zero(&portal->arena, (portal->format_count + 1) * sizeof *format);
    for (size_t i = 0; i < portal->format_count; i++)
        portal->formats[i] = pg_get_int16(body);
}

static const struct pg_column *copy_columns(struct arena *arena, const struct pg_column *from,
                                            size_t count)
{
    struct pg_column *columns = arena_copy(arena, from, count * sizeof *from);

    for (size_t i = 0; i < count; i++)
        columns[i].name = arena_dup(arena, from[i].name);
    return columns;
}

/* The portal that Bind makes; NULL: of a statement that is not there. */
struct tap_portal *tap_bind(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    const char *name = pg_get_text(&body);
    const struct tap_statement *statement = tap_find_statement(tap, pg_get_text(&body));
    struct tap_portal *portal = statement ? calloc(1, sizeof *portal) : NULL;

    if (!statement)
        return NULL;
    if (!portal)
        arena_give_up(sizeof *portal);
    tap_drop_portal(tap, name);
    portal->name = arena_dup(&portal->arena, name);
    portal->sql = arena_dup(&portal->arena, statement->sql);
    portal->types = arena_copy(&portal->arena, statement->types,
                               statement->type_count * sizeof *statement->types);
    portal->type_count = statement->type_count;
    if (statement->columns)
        portal->columns =
            copy_columns(&portal->arena, statement->columns, statement->column_count);
    portal->column_count = statement->column_count;
    read_arguments(portal, &body);
    portal->next = tap->portals;
    return tap->portals = portal;
}
