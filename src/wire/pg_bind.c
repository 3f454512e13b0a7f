/* wire/pg_bind.c - Bind: the arguments of a statement, and a portal made of both. */

#include <errno.h>
#include <string.h>

#include "wire/pg_engine.h"

struct binding {
    const char *portal;
    struct pg_prepared *prepared;
    size_t format_count, count, result_count;
    int16_t *formats, *results;
    struct pg_argument *arguments;
};

static int16_t *get_formats(struct pg_server *server, struct pg_body *body, size_t *ret_count)
{
    size_t count = (uint16_t)pg_get_int16(body);
    int16_t *formats = arena_zero(&server->turn, (count + 1) * sizeof *formats);

    for (size_t i = 0; i < count && !body->failed; i++)
        formats[i] = (int16_t)pg_get_int16(body);
    *ret_count = count;
    return formats;
}

static int format_of(const int16_t *formats, size_t count, size_t i)
{
    return count == 0 ? 0 : count == 1 ? formats[0] : formats[i];
}

/* "unnamed portal parameter $1 = '...'", as the server says it while it logs no values. */
static const char *where(struct pg_server *server, const struct binding *binding, size_t i,
                         bool as_text)
{
    const char *value = as_text ? " = '...'" : "";

    if (!*binding->portal)
        return arena_printf(&server->turn, "unnamed portal parameter $%zu%s", i + 1, value);
    return arena_printf(&server->turn, "portal \"%s\" parameter $%zu%s", binding->portal, i + 1,
                        value);
}

static bool refuse(struct pg_server *server, const char *sqlstate, const char *message,
                   const char *words)
{
    struct pg_error error = { .sqlstate = sqlstate, .message = message, .where = words };

    engine_fail(server, &error);
    return true;
}

/* Nobody could tell what it says: better no answer than one to something else. */
static bool refuse_binary(struct pg_server *server, const struct pg_type *type, uint32_t oid,
                          size_t i)
{
    if (type)
        engine_error(server, "0A000", 0,
                     "parameter $%zu: seam's double does not know the binary format of type %s",
                     i + 1, type->name);
    else
        engine_error(
            server, "0A000", 0,
            "parameter $%zu: seam's double does not know the binary format of the type "
            "with OID %u",
            i + 1, oid);
    return true;
}

/* What the server finds wrong with a value: only where its type is known. */
static bool value_is_wrong(struct pg_server *server, const struct binding *binding, size_t i)
{
    const struct pg_argument *argument = &binding->arguments[i];
    const struct pg_type *type = argument->type ? pg_type_of_oid(argument->type) : NULL;
    struct buf result = BUF_INIT(PG_MESSAGE_MAX);
    struct err err;
    int r = 0;

    if (argument->format == 0 && !engine_text_is_right(argument->data, argument->size))
        return engine_text_is_wrong(server, argument->data, argument->size,
                                    where(server, binding, i, false));
    if (argument->format == 1 && argument->type && (!type || !type->binary))
        return refuse_binary(server, type, argument->type, i);
    if (!type)
        return false;
    if (argument->format == 0)
        r = pg_canonical(type, -1, argument->data, argument->size, &result, &err);
    else
        r = pg_to_text(type, argument->data, argument->size, &result, &err);
    buf_fini(&result);
    if (r >= 0 || r == -ENOTSUP)
        return false;
    if (argument->format == 1)
        return refuse(server, "22P03",
                      arena_printf(&server->turn,
                                   "incorrect binary data format in bind parameter %zu", i + 1),
                      where(server, binding, i, false));
    return refuse(server, r == -ERANGE ? "22003" : "22P02", arena_dup(&server->turn, err.text),
                  where(server, binding, i, true));
}

/* false: an error has been sent. */
static bool get_argument(struct pg_server *server, struct pg_body *body,
                         const struct binding *binding, size_t i)
{
    struct pg_argument *argument = &binding->arguments[i];
    int32_t size = pg_get_int32(body);

    *argument = (struct pg_argument){
        .format = format_of(binding->formats, binding->format_count, i),
        .type = binding->prepared->is.types[i],
    };
    if (size != -1) {
        argument->data = pg_get_bytes(body, (size_t)(uint32_t)size);
        argument->size = (size_t)(uint32_t)size;
    }
    if (body->failed)
        return !refuse(server, "08P01", body->why, where(server, binding, i, false));
    if (argument->format != 0 && argument->format != 1)
        return !refuse(
            server, "22023",
            arena_printf(&server->turn, "unsupported format code: %d", argument->format),
            where(server, binding, i, false));
    return !argument->data || !value_is_wrong(server, binding, i);
}

static bool counts_are_wrong(struct pg_server *server, const struct binding *binding)
{
    const struct pg_statement *is = &binding->prepared->is;

    if (binding->format_count > 1 && binding->format_count != binding->count)
        engine_error(server, "08P01", 0,
                     "bind message has %zu parameter formats but %zu parameters",
                     binding->format_count, binding->count);
    else if (binding->count != is->type_count)
        engine_error(server, "08P01", 0,
                     "bind message supplies %zu parameters, but prepared statement \"%s\" "
                     "requires %zu",
                     binding->count, is->name, is->type_count);
    else
        return false;
    return true;
}

static bool portal_is_taken(struct pg_server *server, const char *name)
{
    struct pg_portal *portal = portal_find(server, name);

    if (portal && *name) {
        engine_error(server, "42P03", 0, "cursor \"%s\" already exists", name);
        return true;
    }
    if (portal)
        portal_remove(server, portal);
    return false;
}

static struct pg_portal *make_portal(struct pg_server *server, const struct binding *binding)
{
    struct pg_portal *portal =
        portal_new(server, binding->portal, &binding->prepared->is, binding->prepared);

    portal->argument_count = binding->count;
    portal->arguments = arena_copy(&portal->arena, binding->arguments,
                                   binding->count * sizeof *binding->arguments);
    for (size_t i = 0; i < binding->count; i++)
        if (portal->arguments[i].data)
            portal->arguments[i].data = arena_copy(&portal->arena, portal->arguments[i].data,
                                                   portal->arguments[i].size);
    portal->format_count = binding->result_count;
    portal->formats = arena_copy(&portal->arena, binding->results,
                                 binding->result_count * sizeof *binding->results);
    return portal;
}

/* A format for each column has to be for as many columns as there are. */
static void described(struct pg_server *server, size_t columns)
{
    struct pg_portal *portal = server->running;

    server->running = NULL;
    if (columns == 0 || columns == portal->format_count) {
        engine_put(server, '2');
        return;
    }
    engine_error(server, "08P01", 0,
                 "bind message has %zu result formats but query has %zu columns",
                 portal->format_count, columns);
}

static void get_head(struct pg_server *server, struct pg_body *body, struct binding *binding,
                     const char **ret_statement)
{
    binding->portal = pg_get_text(body);
    *ret_statement = pg_get_text(body);
    binding->formats = get_formats(server, body, &binding->format_count);
    binding->count = (uint16_t)pg_get_int16(body);
}

static bool get_arguments(struct pg_server *server, struct pg_body *body,
                          struct binding *binding)
{
    binding->arguments =
        arena_zero(&server->turn, (binding->count + 1) * sizeof *binding->arguments);
    for (size_t i = 0; i < binding->count; i++)
        if (!get_argument(server, body, binding, i))
            return false;
    return true;
}

void bind_take(struct pg_server *server, struct pg_body *body)
{
    struct binding binding;
    const char *statement;
    struct pg_portal *portal;

    get_head(server, body, &binding, &statement);
    if (body->failed) {
        engine_body_is_wrong(server, body);
        return;
    }
    binding.prepared = prepared_find(server, statement);
    if (!binding.prepared) {
        prepared_missing(server, statement);
        return;
    }
    if (counts_are_wrong(server, &binding) || prepared_is_dead(server, &binding.prepared->is) ||
        portal_is_taken(server, binding.portal) || !get_arguments(server, body, &binding))
        return;
    binding.results = get_formats(server, body, &binding.result_count);
    if (engine_body_is_wrong(server, body))
        return;
    portal = make_portal(server, &binding);
    if (binding.result_count > 1) {
        server->described = described;
        portal_ask_describe(server, portal);
    } else
        engine_put(server, '2');
}
