/* wire/pg_result.c - columns, rows and tags on the wire, in the format that the client asked for. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/digits.h"
#include "wire/pg_engine.h"

static int format_of(const struct pg_portal *portal, size_t column)
{
    if (!portal || portal->format_count == 0)
        return 0;
    if (portal->format_count == 1)
        return portal->formats[0];
    return column < portal->format_count ? portal->formats[column] : 0;
}

/* portal NULL: of a statement, whose formats nobody has said yet. */
void result_columns(struct pg_server *server, const struct pg_column *columns, size_t count,
                    const struct pg_portal *portal)
{
    struct buf *out = &server->out;
    size_t begun = pg_begin(out, 'T');

    pg_put_int16(out, (int)count);
    for (size_t i = 0; i < count; i++) {
        pg_put_text(out, columns[i].name);
        pg_put_int32(out, (int32_t)columns[i].table);
        pg_put_int16(out, columns[i].number);
        pg_put_int32(out, (int32_t)columns[i].type);
        pg_put_int16(out, columns[i].type_size);
        pg_put_int32(out, columns[i].modifier);
        pg_put_int16(out, format_of(portal, i));
    }
    engine_end(server, begun);
}

/* ---- rows */

/* false: an error has been sent instead of the row that began at `begun`. */
static bool refuse_cell(struct pg_server *server, size_t begun, const struct pg_column *column,
                        int r, const char *words)
{
    const struct pg_type *type = pg_type_of_oid(column->type);

    server->out.size = begun;
    if (r == -ENOTSUP && type)
        engine_error(server, "0A000", 0,
                     "column \"%s\": seam's double does not know the binary format of type %s",
                     column->name, type->name);
    else if (r == -ENOTSUP)
        engine_error(server, "0A000", 0,
                     "column \"%s\": seam's double does not know the binary format of the type "
                     "with OID %u",
                     column->name, column->type);
    else
        engine_error(server, r == -ERANGE ? "22003" : "22P02", 0, "%s", words);
    return false;
}

static bool put_binary(struct pg_server *server, size_t begun, const struct pg_column *column,
                       const struct pg_cell *cell)
{
    const struct pg_type *type = pg_type_of_oid(column->type);
    struct buf bytes = BUF_INIT(PG_MESSAGE_MAX);
    struct err err = { "" };
    int r = type ? pg_to_binary(type, cell->text, cell->size, &bytes, &err) : -ENOTSUP;

    if (r >= 0) {
        pg_put_int32(&server->out, (int32_t)bytes.size);
        buf_add(&server->out, buf_text(&bytes), bytes.size);
    }
    buf_fini(&bytes);
    return r >= 0 || refuse_cell(server, begun, column, r, err.text);
}

static bool put_cell(struct pg_server *server, const struct pg_portal *portal, size_t begun,
                     size_t i)
{
    const struct pg_cell *cell = &portal->cells[i];
    int format = format_of(portal, i);

    if (format != 0 && format != 1) {
        server->out.size = begun;
        engine_error(server, "22023", 0, "unsupported format code: %d", format);
        return false;
    }
    if (!cell->text)
        pg_put_int32(&server->out, -1);
    else if (format == 1)
        return put_binary(server, begun, &portal->rows.columns[i], cell);
    else {
        pg_put_int32(&server->out, (int32_t)cell->size);
        buf_add(&server->out, cell->text, cell->size);
    }
    return true;
}

static bool put_row(struct pg_server *server, const struct pg_portal *portal)
{
    size_t begun = pg_begin(&server->out, 'D'), count = portal->rows.column_count;

    pg_put_int16(&server->out, (int)count + portal->spoil);
    for (size_t i = 0; i < count; i++)
        if (!put_cell(server, portal, begun, i))
            return false;
    for (int i = 0; i < portal->spoil; i++)
        pg_put_int32(&server->out, -1);
    engine_end(server, begun);
    return true;
}

enum result_end result_rows(struct pg_server *server, struct pg_portal *portal, size_t max,
                            size_t *ret)
{
    while (max == 0 || *ret < max) {
        int r = portal->rows.row(portal->rows.arg, portal->at, portal->cells);

        if (r < 0)
            return RESULT_ERROR;
        if (r == 0)
            return RESULT_END;
        if (!put_row(server, portal) || server->phase == PG_OVER)
            return RESULT_FAILED;
        portal->at++;
        (*ret)++;
    }
    return RESULT_MORE;
}

/* ---- tags */

static bool is_counted(const char *command)
{
    static const char *const counted[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE",
                                           "FETCH",  "MOVE",   "COPY",   NULL };
    const char *const *at = counted;

    while (*at && strcmp(*at, command) != 0)
        at++;
    return *at != NULL;
}

/* "INSERT 0 3" without its last number: how long it is. */
static size_t head_of(const char *tag)
{
    size_t size = strlen(tag);

    while (size > 0 && isdigit((unsigned char)tag[size - 1]))
        size--;
    return size;
}

static const char *count_behind(const char *head, size_t size, const char *between,
                                size_t count, struct arena *arena)
{
    char digits[DIGITS_MAX], *end = digits + sizeof digits;
    char *at = digits_before(end, count);
    size_t middle = strlen(between), tail = (size_t)(end - at);
    char *tag = arena_zero(arena, size + middle + tail + 1);

    memcpy(tag, head, size);
    memcpy(tag + size, between, middle);
    memcpy(tag + size + middle, at, tail);
    return tag;
}

/* A tag that was given is kept, but for the count of rows, when it is of another part of them. */
const char *result_tag(const struct pg_statement *statement, const char *tag, bool has_rows,
                       size_t count, struct arena *arena)
{
    const char *command = statement->is.command;

    if (tag && !has_rows)
        return tag;
    if (tag)
        return head_of(tag) < strlen(tag) ? count_behind(tag, head_of(tag), "", count, arena)
                                          : tag;
    if (!is_counted(command))
        return command;
    return count_behind(command, strlen(command), strcmp(command, "INSERT") == 0 ? " 0 " : " ",
                        count, arena);
}
