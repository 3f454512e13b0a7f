/* pg/record_write.c - a recording as lines of JSON; see record.h and record_read.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"
#include "pg/record.h"

#include "base/hostile.h"

/* {"seam":"postgresql recording","format":1,"server":"15.20"}
 * {"session":1,"sql":"SELECT ...","types":["int8"],"args":["1"],"columns":[["id","int8"]],"rows":[["1"]],
 *  "tag":"SELECT 1"}
 * A value is a text, null, {"redacted":true}, {"base64":"..."} of what is no UTF-8, or {"binary":"..."} of an
 * argument in a binary format that is not known here. */

static void put_member(struct buf *to, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(to, ",\"%s\":", name);
    record_put_text(to, text, strlen(text));
}

static void put_type(struct buf *to, uint32_t oid)
{
    struct arena arena = { 0 };
    const char *name = record_type_name(&arena, oid, -1);

    if (name)
        record_put_text(to, name, strlen(name));
    else
        buf_printf(to, "%u", oid);
    arena_fini(&arena);
}

static void put_arguments(struct buf *to, const struct record_tape *tape)
{
    if (tape->type_count > 0)
        buf_add_text(to, ",\"types\":[");
    for (size_t i = 0; i < tape->type_count; i++) {
        buf_add_text(to, i > 0 ? "," : "");
        put_type(to, tape->types[i]);
    }
    buf_add_text(to, tape->type_count > 0 ? "]" : "");
    if (tape->argument_count > 0)
        buf_add_text(to, ",\"args\":[");
    for (size_t i = 0; i < tape->argument_count; i++) {
        buf_add_text(to, i > 0 ? "," : "");
        record_put_value(to, &tape->arguments[i]);
    }
    buf_add_text(to, tape->argument_count > 0 ? "]" : "");
}

static void put_columns(struct buf *to, const struct record_tape *tape)
{
    if (!tape->has_columns)
        return;
    buf_add_text(to, ",\"columns\":[");
    for (size_t i = 0; i < tape->column_count; i++) {
        const struct record_column *column = &tape->columns[i];

        buf_add_text(to, i > 0 ? ",[" : "[");
        record_put_text(to, column->name, strlen(column->name));
        buf_add_char(to, ',');
        if (column->type)
            record_put_text(to, column->type, strlen(column->type));
        else
            buf_printf(to, "%u", column->oid);
        buf_add_char(to, ']');
    }
    buf_add_char(to, ']');
    if (tape->event == RECORD_EXECUTED && (!tape->error || tape->row_count > 0))
        buf_printf(to, ",\"rows\":[%s]", buf_text(&tape->rows));
}

static void put_copy(struct buf *to, const struct record_tape *tape)
{
    if (!tape->copy)
        return;
    buf_printf(to, ",\"copy_columns\":%d,\"%s\":", tape->copy_columns,
               tape->copy == 'G' ? "copy_in" : "copy_out");
    record_put_text(to, buf_text(&tape->copied), tape->copied.size);
    put_member(to, "copy_failed", tape->copy_failed);
}

/* What names a place in the server's source is another one in its next version. */
static void put_error(struct buf *to, const struct pg_error *error)
{
    size_t begun = to->size;

    put_member(to, "severity", error->severity);
    put_member(to, "sqlstate", error->sqlstate);
    put_member(to, "message", error->message);
    put_member(to, "detail", error->detail);
    put_member(to, "hint", error->hint);
    if (error->position > 0)
        buf_printf(to, ",\"position\":%d", error->position);
    if (error->internal_position > 0)
        buf_printf(to, ",\"internal_position\":%d", error->internal_position);
    put_member(to, "internal_query", error->internal_query);
    put_member(to, "where", error->where);
    put_member(to, "schema", error->schema);
    put_member(to, "table", error->table);
    put_member(to, "column", error->column);
    put_member(to, "type", error->type);
    put_member(to, "constraint", error->constraint);
    if (to->size > begun)
        to->data[begun] = '{';
    buf_add_char(to, '}');
}

static void put_notices(struct buf *to, const struct record_notice *notice)
{
    if (notice)
        buf_add_text(to, ",\"notices\":[");
    for (const struct record_notice *at = notice; at; at = at->next) {
        buf_add_text(to, at == notice ? "" : ",");
        put_error(to, &at->error);
    }
    buf_add_text(to, notice ? "]" : "");
}

static void put_tape(struct buf *to, const struct record_tape *tape)
{
    static const char *const events[] = { [RECORD_PARSED] = "parse",
                                          [RECORD_DESCRIBED] = "describe",
                                          [RECORD_SYNCED] = "sync",
                                          [RECORD_ENDED] = "end" };

    buf_printf(to, "{\"session\":%d", tape->session);
    put_member(to, "event", events[tape->event]);
    if (*tape->sql)
        put_member(to, "sql", tape->sql);
    put_arguments(to, tape);
    put_columns(to, tape);
    put_copy(to, tape);
    put_notices(to, tape->notices);
    put_member(to, "tag", tape->tag);
    if (tape->error) {
        buf_add_text(to, ",\"error\":");
        put_error(to, tape->error);
    }
    buf_add_text(to, "}\n");
}

/* ---- which, and in which order */

/* Of a statement that is there with its answer, or was described before, the description says nothing new. */
static bool is_needed(const struct record_tape *tape, struct map *known, int round)
{
    uint32_t *seen;

    if (!tape->ended)
        return false;
    if ((round == 0) != (tape->event != RECORD_DESCRIBED))
        return false;
    seen = map_at(known, tape->sql);
    return !seen || (*seen)++ == 0 || round == 0;
}

/* Those of a session one after the other. */
static size_t choose(const struct pg_recording *recording, struct record_tape **ret)
{
    struct map known = { 0 };
    bool *needed = calloc(recording->count + 1, sizeof *needed);
    size_t count = 0;

    if (!needed)
        arena_give_up(recording->count * sizeof *needed);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < recording->count; i++)
            needed[i] = needed[i] || is_needed(recording->tapes[i], &known, round);
    for (int session = 1; session <= recording->session_count; session++)
        for (size_t i = 0; i < recording->count; i++)
            if (needed[i] && recording->tapes[i]->session == session)
                ret[count++] = recording->tapes[i];
    map_fini(&known);
    free(needed);
    return count;
}

static int write_file(const struct pg_recording *recording, const struct buf *data,
                      struct err *err)
{
    const char *slash = strrchr(recording->path, '/');
    char *folder = strndup(recording->path, (size_t)(slash - recording->path));
    int r = folder ? io_make_folders(folder, 0777) : -ENOMEM;

    free(folder);
    if (r == 0)
        r = io_write_file(recording->path, buf_text(data), data->size);
    return r < 0 ? err_system(err, r, "cannot write the recording '%s'", recording->path) : 0;
}

int record_write(const struct pg_recording *recording, size_t *ret_count, struct err *err)
{
    struct record_tape **tapes = calloc(recording->count + 1, sizeof(struct record_tape *));
    struct buf data = BUF_INIT(2 * (size_t)RECORD_FILE_MAX);
    size_t count;
    int r;

    if (!tapes)
        arena_give_up(recording->count * sizeof *tapes);
    count = choose(recording, tapes);
    buf_printf(&data, "{\"seam\":\"" RECORD_SEAM "\",\"format\":%d", RECORD_FORMAT);
    put_member(&data, "server", recording->server);
    buf_add_text(&data, "}\n");
    for (size_t i = 0; i < count; i++)
        put_tape(&data, tapes[i]);
    if (data.failed)
        r = err_set(err, -EFBIG, "the recording '%s' would be larger than %d MB",
                    recording->file, 2 * (RECORD_FILE_MAX >> 20));
    else
        r = write_file(recording, &data, err);
    buf_fini(&data);
    free(tapes);
    if (r == 0)
        *ret_count = count;
    return r;
}
