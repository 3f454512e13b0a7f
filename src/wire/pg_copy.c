/* wire/pg_copy.c - COPY from the client and to it. */

#include <string.h>

#include "wire/pg_engine.h"

static void put_head(struct pg_server *server, char type, int columns)
{
    size_t begun = pg_begin(&server->out, type);

    pg_put_byte(&server->out, 0);
    pg_put_int16(&server->out, columns);
    for (int i = 0; i < columns; i++)
        pg_put_int16(&server->out, 0);
    engine_end(server, begun);
}

static size_t count_lines(const char *data, size_t size)
{
    size_t count = 0;

    for (const char *end = data + size, *at = data; at < end; count++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));

        at = line ? line + 1 : end;
    }
    return count;
}

/* ---- out: a message for each line */

void copy_out(struct pg_server *server, const struct pg_result *result)
{
    const char *at = result->copy_out ? result->copy_out : "";
    const char *end = result->copy_out ? at + result->copy_size : at;
    size_t count = count_lines(at, (size_t)(end - at));

    put_head(server, 'H', result->copy_columns);
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        const char *next = line ? line + 1 : end;
        size_t begun = pg_begin(&server->out, 'd');

        buf_add(&server->out, at, (size_t)(next - at));
        engine_end(server, begun);
        at = next;
    }
    engine_put(server, 'c');
    execute_complete(server, result->tag ? result->tag
                                         : arena_printf(&server->turn, "COPY %zu", count));
}

/* ---- in */

void copy_begin(struct pg_server *server, const struct pg_result *result)
{
    put_head(server, 'G', result->copy_columns);
    engine_flush(server);
    buf_clear(&server->copy);
    server->phase = PG_COPYING;
}

struct found {
    struct arena *arena;
    const char *table;
};

static void keep_table(void *arg, const char *table, bool writes)
{
    struct found *found = arg;

    if (writes && !found->table)
        found->table = arena_dup(found->arena, table);
}

/* "COPY t, line 2": the line that was not there yet. */
const char *copy_where(struct pg_server *server)
{
    struct found found = { .arena = &server->turn };
    const char *dot;

    pg_sql_tables(server->running->runs->sql, keep_table, &found);
    if (!found.table)
        return NULL;
    dot = strrchr(found.table, '.');
    return arena_printf(&server->turn, "COPY %s, line %zu", dot ? dot + 1 : found.table,
                        count_lines(buf_text(&server->copy), server->copy.size) + 1);
}

void copy_fail(struct pg_server *server, const char *sqlstate, const char *message)
{
    struct pg_error error = { .sqlstate = sqlstate,
                              .message = message,
                              .where = copy_where(server) };

    engine_fail(server, &error);
}

static void take_data(struct pg_server *server)
{
    if (buf_add(&server->copy, server->frame.body, server->frame.size) < 0)
        copy_fail(server, "54000",
                  arena_printf(&server->turn,
                               "more than %d bytes in a COPY, which are all that "
                               "seam's double keeps",
                               PG_MESSAGE_MAX));
}

static void take_fail(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);
    const char *words = pg_get_text(&body);

    if (body.failed)
        copy_fail(server, "08P01", body.why);
    else
        execute_ask_copied(server, words);
}

/* How much there is in front of a line "\\.", which ends the data of text and CSV: psql's \\copy sends it. */
static size_t size_to_end(const char *data, size_t size)
{
    static const char binary[] = "PGCOPY\n";
    const char *end = data + size, *line = data;

    if (size >= strlen(binary) && memcmp(data, binary, strlen(binary)) == 0)
        return size;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((next ? next : end) - line);

        if (length >= 2 && line[0] == '\\' && line[1] == '.' &&
            (length == 2 || (length == 3 && line[2] == '\r')))
            return (size_t)(line - data);
        line = next ? next + 1 : end;
    }
    return size;
}

/* Sync and Flush that libpq sent before it knew of the COPY are passed over; so is what a CopyDone carries. */
void copy_take(struct pg_server *server)
{
    if (server->frame.type == 'd')
        take_data(server);
    else if (server->frame.type == 'f')
        take_fail(server);
    else if (server->frame.type == 'c') {
        server->copy.size = size_to_end(buf_text(&server->copy), server->copy.size);
        execute_ask_copied(server, NULL);
    }
}

void copy_end(struct pg_server *server, const struct pg_result *result)
{
    const char *tag = result->tag;

    server->phase = PG_SERVING;
    if (server->ask.copy_failed)
        copy_fail(
            server, "57014",
            arena_printf(&server->turn, "COPY from stdin failed: %s", server->ask.copy_failed));
    else if (result->error)
        engine_fail(server, result->error);
    else
        execute_complete(server, tag ? tag
                                     : arena_printf(&server->turn, "COPY %zu",
                                                    count_lines(server->ask.copy_data,
                                                                server->ask.copy_size)));
    buf_clear(&server->copy);
}
