/* pg/record_tape.c - the statement and the answer that a tape has, without secrets; see record_tap.h. */

#include <string.h>

#include "pg/record_tap.h"

#include "base/hostile.h"

enum { SHORT = 3 /* secrets of so few characters are in every text */ };

/* ---- a tape */

struct record_tape *tape_new(struct record_tap *tap, enum record_event event, const char *sql)
{
    struct pg_recording *recording = tap->recording;
    struct record_tape *tape;

    if (recording->failure)
        return NULL;
    if (tap->session == 0)
        tap->session = ++recording->session_count;
    tape = record_add(recording);
    tape->session = tap->session;
    tape->event = event;
    tape->rows = BUF_INIT(RECORD_TAPE_MAX);
    tape->copied = BUF_INIT(RECORD_TAPE_MAX);
    tape->sql =
        arena_dup(&recording->arena, record_redact_sql(&recording->redaction, &tap->turn, sql));
    tap->has_secret = strcmp(tape->sql, sql) != 0;
    recording->size += strlen(sql);
    if (recording->size > RECORD_FILE_MAX)
        record_fail(recording, "it would be larger than %d MB", RECORD_FILE_MAX >> 20);
    return tape;
}

static void hide(struct record_tap *tap, const char *text, size_t size)
{
    tap->has_secret = true;
    if (text && size > SHORT && tap->secret_count < TAP_SECRETS)
        tap->secrets[tap->secret_count++] = arena_copy(&tap->turn, text, size);
}

/* An argument as text where its type is known: the description of the statement has come by now. */
static void take_argument(struct record_tap *tap, const struct pg_argument *from, uint32_t type,
                          bool hidden, struct record_value *ret)
{
    struct arena *arena = &tap->recording->arena;
    struct buf text = BUF_INIT(RECORD_TAPE_MAX);
    const struct pg_type *known = pg_type_of_oid(type);
    struct err err;

    *ret = (struct record_value){ .kind = RECORD_NULL };
    if (hidden) {
        ret->kind = RECORD_REDACTED;
        hide(tap, from->data, from->data ? from->size : 0);
        return;
    }
    if (!from->data)
        return;
    tap->recording->size += from->size;
    ret->kind = RECORD_TEXT;
    ret->text = from->data;
    ret->size = from->size;
    if (from->format == 1 && known &&
        pg_to_text(known, from->data, from->size, &text, &err) == 0) {
        ret->text = buf_text(&text);
        ret->size = text.size;
    } else if (from->format == 1) {
        ret->kind = RECORD_BINARY;
    }
    ret->text = arena_copy(arena, ret->text, ret->size);
    buf_fini(&text);
}

static uint32_t type_of(const uint32_t *types, size_t count, size_t n)
{
    return n < count ? types[n] : 0;
}

void tape_take_arguments(struct record_tap *tap, struct record_tape *tape, const char *sql,
                         const struct pg_argument *arguments, size_t count,
                         const uint32_t *types, size_t type_count)
{
    const struct record_redaction *redaction = &tap->recording->redaction;
    struct arena *arena = &tap->recording->arena;
    struct record_value *values = arena_zero(arena, (count + 1) * sizeof *values);

    for (size_t i = 0; i < count; i++)
        take_argument(tap, &arguments[i], type_of(types, type_count, i),
                      record_hides_argument(redaction, sql, i + 1), &values[i]);
    tape->arguments = values;
    tape->argument_count = count;
    tape->types =
        arena_copy(arena, types ? (const void *)types : "", type_count * sizeof *types);
    tape->type_count = type_count;
}

void tape_take_columns(struct record_tap *tap, struct record_tape *tape,
                       const struct pg_column *columns, size_t count)
{
    struct arena *arena = &tap->recording->arena;
    struct record_column *own = arena_zero(arena, (count + 1) * sizeof *own);

    for (size_t i = 0; i < count; i++) {
        own[i].name = arena_dup(arena, columns[i].name);
        own[i].type = record_type_name(arena, columns[i].type, columns[i].modifier);
        own[i].oid = own[i].type ? 0 : columns[i].type;
    }
    tape->has_columns = true;
    tape->columns = own;
    tape->column_count = count;
}

/* ---- what an error says of secrets */

static const char *scrub(struct record_tap *tap, const char *text)
{
    struct arena *arena = &tap->recording->arena;
    struct buf out;
    const char *copy;

    if (!text)
        return NULL;
    copy = arena_dup(arena, text);
    for (size_t i = 0; i < tap->secret_count; i++) {
        const char *at = copy, *found;

        out = BUF_INIT(RECORD_TAPE_MAX);
        while ((found = strstr(at, tap->secrets[i]))) {
            buf_add(&out, at, (size_t)(found - at));
            buf_add_text(&out, "REDACTED");
            at = found + strlen(tap->secrets[i]);
        }
        buf_add_text(&out, at);
        copy = at == copy ? copy : arena_dup(arena, buf_text(&out));
        buf_fini(&out);
    }
    return copy;
}

/* "Failing row contains (1, ada, s3cret)." has values of columns that nobody named. */
static const char *scrub_detail(struct record_tap *tap, const char *detail)
{
    static const char row[] = "Failing row contains (";

    if (detail && tap->has_secret && strncmp(detail, row, sizeof row - 1) == 0)
        return "Failing row contains (REDACTED).";
    return scrub(tap, detail);
}

struct pg_error tape_error(struct record_tap *tap, const struct pg_error *from)
{
    struct arena *arena = &tap->recording->arena;
    struct pg_error error = *from;
    const char **const texts[] = { &error.severity,   &error.sqlstate, &error.schema,
                                   &error.table,      &error.column,   &error.type,
                                   &error.constraint, &error.file,     &error.routine };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_dup(arena, *texts[i]);
    error.message = scrub(tap, from->message);
    error.detail = scrub_detail(tap, from->detail);
    error.hint = scrub(tap, from->hint);
    error.where = scrub(tap, from->where);
    error.internal_query = scrub(tap, from->internal_query);
    return error;
}

bool tape_is_automatic(const char *sqlstate)
{
    static const char *const all[] = { "25P02", "26000", "42P05", "25P01", "25001" };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(sqlstate, all[i]) == 0)
            return true;
    return false;
}

void tape_take_notice(struct record_tap *tap, const struct pg_frame *frame)
{
    struct record_notice *notice;
    struct pg_error error;

    if (!tap->pending || tap->recording->failure || pg_read_error(frame, &error) < 0 ||
        tape_is_automatic(error.sqlstate))
        return;
    notice = arena_zero(&tap->recording->arena, sizeof *notice);
    notice->error = tape_error(tap, &error);
    *tap->last_notice = notice;
    tap->last_notice = &notice->next;
}

/* ---- rows */

int tape_format(const int *formats, size_t count, size_t n)
{
    return count == 0 ? 0 : formats[count == 1 ? 0 : n];
}

static void put_field(struct record_tap *tap, struct buf *to, size_t n, const char *data,
                      size_t size)
{
    const struct pg_column *column = n < tap->column_count ? &tap->columns[n] : NULL;
    struct record_value value = { RECORD_TEXT, data, size };
    struct buf text = BUF_INIT(RECORD_TAPE_MAX);
    struct err err;
    bool binary = column && (tap->formats ? tape_format(tap->formats, tap->format_count, n)
                                          : column->format) == 1;

    if (column && data && record_hides_column(&tap->recording->redaction, column->name)) {
        value.kind = RECORD_REDACTED;
    } else if (!data) {
        value.kind = RECORD_NULL;
    } else if (binary) {
        const struct pg_type *type = pg_type_of_oid(column->type);

        if (!type || pg_to_text(type, data, size, &text, &err) < 0)
            record_fail(
                tap->recording,
                "column '%s' came in the binary format of a type that is not known here "
                "(OID %u)\ntry: ask for text",
                column->name, column->type);
        value.text = buf_text(&text);
        value.size = text.size;
    }
    record_put_value(to, &value);
    buf_fini(&text);
}

static void grow(struct record_tap *tap, const struct buf *what, size_t size)
{
    struct pg_recording *recording = tap->recording;

    recording->size += size;
    if (what->failed)
        record_fail(recording, "the data of '%.100s' is larger than %d MB", tap->tape->sql,
                    RECORD_TAPE_MAX >> 20);
    if (recording->size > RECORD_FILE_MAX)
        record_fail(recording, "it would be larger than %d MB", RECORD_FILE_MAX >> 20);
}

void tape_take_row(struct record_tap *tap, const struct pg_frame *frame)
{
    struct record_tape *tape = tap->tape;
    struct pg_body body = pg_body(frame);
    int count = pg_get_int16(&body);

    if (!tape || tap->recording->failure)
        return;
    buf_add_text(&tape->rows, tape->row_count++ > 0 ? ",[" : "[");
    for (int i = 0; i < count && !body.failed; i++) {
        int32_t size = pg_get_int32(&body);
        const char *data = size < 0 ? NULL : pg_get_bytes(&body, (size_t)size);

        buf_add_text(&tape->rows, i > 0 ? "," : "");
        put_field(tap, &tape->rows, (size_t)i, data, size < 0 ? 0 : (size_t)size);
    }
    buf_add_char(&tape->rows, ']');
    grow(tap, &tape->rows, frame->size);
}

const struct pg_column *tape_read_columns(struct arena *arena, const struct pg_frame *frame,
                                          size_t *ret_count)
{
    struct pg_body body = pg_body(frame);
    size_t count = (size_t)pg_get_int16(&body);
    struct pg_column *columns = arena_zero(arena, (count + 1) * sizeof *columns);

    for (size_t i = 0; i < count; i++) {
        columns[i].name = arena_dup(arena, pg_get_text(&body));
        columns[i].table = (uint32_t)pg_get_int32(&body);
        columns[i].number = pg_get_int16(&body);
        columns[i].type = (uint32_t)pg_get_int32(&body);
        columns[i].type_size = pg_get_int16(&body);
        columns[i].modifier = pg_get_int32(&body);
        columns[i].format = pg_get_int16(&body);
    }
    *ret_count = count;
    return columns;
}

/* ---- COPY */

void tape_take_copy(struct record_tap *tap, const struct pg_frame *frame)
{
    if (!tap->tape || tap->recording->failure)
        return;
    buf_add(&tap->tape->copied, frame->body, frame->size);
    grow(tap, &tap->tape->copied, frame->size);
}
