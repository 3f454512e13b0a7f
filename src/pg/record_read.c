/* pg/record_read.c - tapes from the lines of a recording; see record.h and record_write.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "pg/record.h"
#include "wire/pg_sql.h"

#include "base/hostile.h"

enum { SESSIONS_MAX = 100000, HEAD_MAX = 100 };

/* What a line is made into, and why it cannot be. */
struct reading {
    struct arena *arena;
    const struct json_node *line;
    struct record_tape *tape;
    const char *wrong; /* NULL: nothing so far */
};

static const struct json_node *member(struct reading *of, const char *name, enum json_kind kind)
{
    const struct json_node *node = json_node_member(of->line, name);

    if (node && node->kind != kind && !of->wrong)
        of->wrong = arena_printf(of->arena, "\"%s\" is no %s", name,
                                 kind == NODE_ARRAY     ? "list"
                                 : kind == NODE_OBJECT  ? "object"
                                 : kind == NODE_INTEGER ? "number"
                                                        : "text");
    return node && node->kind == kind ? node : NULL;
}

/* A text, also one that is no UTF-8. */
static const char *text_of(struct reading *of, const char *name, size_t *ret_size)
{
    const struct json_node *node = json_node_member(of->line, name);
    struct record_value value;

    if (!node)
        return NULL;
    if (record_get_value(node, of->arena, &value) && value.kind == RECORD_TEXT) {
        *ret_size = value.size;
        return value.text;
    }
    if (!of->wrong)
        of->wrong = arena_printf(of->arena, "\"%s\" is no text", name);
    return NULL;
}

/* ---- types */

/* By name, or by its number where the file has no name for it. */
static bool read_type(struct arena *arena, const struct json_node *node, uint32_t *ret_oid,
                      int *ret_modifier, const char **ret_name)
{
    const struct pg_type *type;
    size_t size;

    *ret_modifier = -1;
    *ret_name = NULL;
    if (node->kind == NODE_INTEGER && node->integer > 0 && node->integer <= UINT32_MAX) {
        *ret_oid = (uint32_t)node->integer;
        return true;
    }
    if (node->kind != NODE_STRING)
        return false;
    *ret_name = node->text;
    size = strlen(node->text);
    for (size_t i = 0; (type = pg_type_at(i)); i++)
        if (strlen(type->name) == size && strcmp(type->name, node->text) == 0) {
            *ret_oid = type->oid;
            return true;
        }
    if (pg_type_parse(arena_dup(arena, node->text), &type, ret_modifier, NULL) < 0)
        return false;
    *ret_oid = type->oid;
    return true;
}

static void read_types(struct reading *of)
{
    const struct json_node *list = member(of, "types", NODE_ARRAY);
    uint32_t *types = arena_zero(of->arena, ((list ? list->count : 0) + 1) * sizeof *types);
    const char *name;
    int modifier;

    for (uint32_t i = 0; list && i < list->count; i++)
        if (!read_type(of->arena, &list->items[i], &types[i], &modifier, &name) && !of->wrong)
            of->wrong = arena_printf(of->arena, "type %u of \"types\" is not known", i + 1);
    of->tape->types = types;
    of->tape->type_count = list ? list->count : 0;
}

/* ---- arguments and rows */

static void read_arguments(struct reading *of)
{
    const struct json_node *list = member(of, "args", NODE_ARRAY);
    struct record_value *values =
        arena_zero(of->arena, ((list ? list->count : 0) + 1) * sizeof *values);

    for (uint32_t i = 0; list && i < list->count; i++)
        if (!record_get_value(&list->items[i], of->arena, &values[i]) && !of->wrong)
            of->wrong = arena_printf(of->arena, "argument %u of \"args\" is no value", i + 1);
    of->tape->arguments = values;
    of->tape->argument_count = list ? list->count : 0;
}

static bool read_column(struct reading *of, const struct json_node *pair,
                        struct record_column *own, struct pg_column *wire)
{
    const struct pg_type *type;
    struct record_value name;

    if (pair->kind != NODE_ARRAY || pair->count != 2 ||
        !record_get_value(&pair->items[0], of->arena, &name) || name.kind != RECORD_TEXT)
        return false;
    *wire = (struct pg_column){ .name = name.text };
    if (!read_type(of->arena, &pair->items[1], &wire->type, &wire->modifier, &own->type))
        return false;
    own->name = name.text;
    own->oid = own->type ? 0 : wire->type;
    type = pg_type_of_oid(wire->type);
    wire->type_size = type ? type->size : -1;
    return true;
}

static void read_columns(struct reading *of)
{
    const struct json_node *list = member(of, "columns", NODE_ARRAY);
    size_t count = list ? list->count : 0;
    struct record_column *own = arena_zero(of->arena, (count + 1) * sizeof *own);
    struct pg_column *wire = arena_zero(of->arena, (count + 1) * sizeof *wire);

    for (size_t i = 0; i < count; i++)
        if (!read_column(of, &list->items[i], &own[i], &wire[i]) && !of->wrong)
            of->wrong = arena_printf(
                of->arena, "column %zu is no pair of a name and a type that is known", i + 1);
    of->tape->has_columns = list != NULL;
    of->tape->columns = own;
    of->tape->wire = wire;
    of->tape->column_count = count;
}

static bool read_cell(struct reading *of, const struct json_node *node, size_t column,
                      struct pg_cell *ret)
{
    struct record_value value;

    if (!record_get_value(node, of->arena, &value) || value.kind == RECORD_BINARY)
        return false;
    *ret = (struct pg_cell){ value.text, value.size };
    if (value.kind == RECORD_REDACTED) {
        ret->text = record_stand_in(of->tape->wire[column].type);
        ret->size = strlen(ret->text);
    }
    return true;
}

static void read_rows(struct reading *of)
{
    const struct json_node *list = member(of, "rows", NODE_ARRAY);
    struct record_tape *tape = of->tape;
    size_t columns = tape->column_count, count = list ? list->count : 0;

    tape->cells = arena_zero(of->arena, (count * columns + 1) * sizeof *tape->cells);
    tape->row_count = count;
    for (size_t n = 0; n < count && !of->wrong; n++) {
        const struct json_node *row = &list->items[n];

        if (row->kind != NODE_ARRAY || row->count != columns) {
            of->wrong =
                arena_printf(of->arena, "row %zu is no list of %zu values", n + 1, columns);
            return;
        }
        for (size_t i = 0; i < columns && !of->wrong; i++)
            if (!read_cell(of, &row->items[i], i, &tape->cells[n * columns + i]))
                of->wrong =
                    arena_printf(of->arena, "value %zu of row %zu is none", i + 1, n + 1);
    }
}

/* ---- errors */

static const char *part(struct arena *arena, const struct json_node *object, const char *name)
{
    const struct json_node *node = json_node_member(object, name);
    struct record_value value;

    return node && record_get_value(node, arena, &value) && value.kind == RECORD_TEXT
               ? value.text
               : NULL;
}

static int number(const struct json_node *object, const char *name)
{
    const struct json_node *node = json_node_member(object, name);

    return node && node->kind == NODE_INTEGER ? (int)node->integer : 0;
}

static bool read_error(struct arena *arena, const struct json_node *node, struct pg_error *ret)
{
    if (node->kind != NODE_OBJECT)
        return false;
    *ret = (struct pg_error){ .severity = part(arena, node, "severity"),
                              .sqlstate = part(arena, node, "sqlstate"),
                              .message = part(arena, node, "message"),
                              .detail = part(arena, node, "detail"),
                              .hint = part(arena, node, "hint"),
                              .where = part(arena, node, "where"),
                              .schema = part(arena, node, "schema"),
                              .table = part(arena, node, "table"),
                              .column = part(arena, node, "column"),
                              .type = part(arena, node, "type"),
                              .constraint = part(arena, node, "constraint"),
                              .internal_query = part(arena, node, "internal_query"),
                              .position = number(node, "position"),
                              .internal_position = number(node, "internal_position") };
    return ret->severity && ret->sqlstate && ret->message && strlen(ret->sqlstate) == 5;
}

static void read_end(struct reading *of)
{
    const struct json_node *error = member(of, "error", NODE_OBJECT);
    const struct json_node *notices = member(of, "notices", NODE_ARRAY);
    struct record_notice **last = &of->tape->notices;
    struct pg_error *own = arena_zero(of->arena, sizeof *own);
    size_t size;

    of->tape->tag = text_of(of, "tag", &size);
    if (error && !read_error(of->arena, error, own) && !of->wrong)
        of->wrong = "\"error\" has not a severity, a sqlstate and a message";
    of->tape->error = error ? own : NULL;
    for (uint32_t i = 0; notices && i < notices->count; i++) {
        struct record_notice *notice = arena_zero(of->arena, sizeof *notice);

        if (!read_error(of->arena, &notices->items[i], &notice->error) && !of->wrong)
            of->wrong = "one of \"notices\" has not a severity, a sqlstate and a message";
        *last = notice;
        last = &notice->next;
    }
}

static void read_copy(struct reading *of)
{
    struct record_tape *tape = of->tape;
    const struct json_node *columns = member(of, "copy_columns", NODE_INTEGER);
    size_t size;

    tape->copy_data = text_of(of, "copy_in", &tape->copy_size);
    tape->copy = tape->copy_data ? 'G' : 0;
    if (!tape->copy) {
        tape->copy_data = text_of(of, "copy_out", &tape->copy_size);
        tape->copy = tape->copy_data ? 'H' : 0;
    }
    tape->copy_columns = columns ? (int)columns->integer : 0;
    tape->copy_failed = text_of(of, "copy_failed", &size);
}

/* ---- a line */

static void check_members(struct reading *of)
{
    static const char *const known[] = { "session", "event",    "sql",         "types",
                                         "args",    "columns",  "rows",        "copy_columns",
                                         "copy_in", "copy_out", "copy_failed", "notices",
                                         "tag",     "error" };

    if (of->line->kind != NODE_OBJECT) {
        of->wrong = "it is no object";
        return;
    }
    for (uint32_t i = 0; i < of->line->count && !of->wrong; i++) {
        const char *key = of->line->members[i].key;
        size_t n = 0;

        while (n < sizeof known / sizeof *known && strcmp(known[n], key) != 0)
            n++;
        if (n == sizeof known / sizeof *known)
            of->wrong = arena_printf(of->arena, "\"%s\" is no member of a statement", key);
    }
}

static void read_event(struct reading *of)
{
    static const char *const events[] = { [RECORD_PARSED] = "parse",
                                          [RECORD_DESCRIBED] = "describe",
                                          [RECORD_SYNCED] = "sync",
                                          [RECORD_ENDED] = "end" };
    size_t size;
    const char *text = text_of(of, "event", &size);

    for (size_t i = 1; text && i < sizeof events / sizeof *events; i++)
        if (strcmp(text, events[i]) == 0)
            of->tape->event = (enum record_event)i;
    if (text && of->tape->event == RECORD_EXECUTED && !of->wrong)
        of->wrong = "\"event\" is none of \"parse\", \"describe\", \"sync\" and \"end\"";
}

static void read_head(struct reading *of)
{
    const struct json_node *session = member(of, "session", NODE_INTEGER);
    struct record_tape *tape = of->tape;
    size_t size;

    if (of->wrong)
        return;
    if (!session || session->integer < 1 || session->integer > SESSIONS_MAX) {
        of->wrong = "\"session\" is missing, or no number from 1";
        return;
    }
    tape->session = (int)session->integer;
    read_event(of);
    tape->sql = text_of(of, "sql", &size);
    if (!tape->sql && (tape->event == RECORD_SYNCED || tape->event == RECORD_ENDED))
        tape->sql = "";
    if (!tape->sql && !of->wrong)
        of->wrong = "\"sql\" is missing";
    if (!of->wrong)
        tape->normal = pg_sql_normal(tape->sql, of->arena);
}

static void check_answer(struct reading *of)
{
    const struct record_tape *tape = of->tape;
    bool needs_error = tape->event != RECORD_EXECUTED && tape->event != RECORD_DESCRIBED;

    if (of->wrong)
        return;
    if (needs_error && !tape->error)
        of->wrong = "it has no \"error\"";
    else if (tape->event == RECORD_EXECUTED && !tape->tag && !tape->error && !tape->has_columns)
        of->wrong = "it has no answer: no \"tag\", no \"error\" and no \"columns\"";
}

static const char *read_tape(struct arena *arena, const struct json_node *line,
                             struct record_tape *tape)
{
    struct reading of = { arena, line, tape, NULL };

    tape->ended = true;
    check_members(&of);
    read_head(&of);
    if (of.wrong)
        return of.wrong;
    read_types(&of);
    read_arguments(&of);
    read_columns(&of);
    if (!of.wrong)
        read_rows(&of);
    read_copy(&of);
    read_end(&of);
    check_answer(&of);
    return of.wrong;
}

/* ---- the file */

static int refuse(const struct pg_recording *recording, int line, const char *words,
                  struct err *err)
{
    return err_set(err, -EINVAL, "%s:%d: %s\ntry: seam test -update -run '^%s$'",
                   recording->file, line, words, recording->test);
}

/* It is not ours, and nobody shall be told to write over it. */
static int refuse_foreign(const struct pg_recording *recording, struct err *err)
{
    return err_set(
        err, -EINVAL,
        "%s:1: it is no recording of PostgreSQL\ntry: the name of a recording, or of "
        "a file that is not there",
        recording->file);
}

int record_check_free(const struct pg_recording *recording, struct err *err)
{
    bool is_there = access(recording->path, F_OK) == 0;

    if (!is_there || io_file_has(recording->path, RECORD_SEAM, HEAD_MAX))
        return 0;
    return refuse_foreign(recording, err);
}

static int read_header(struct pg_recording *recording, const struct json_node *line,
                       struct err *err)
{
    const struct json_node *kind = json_node_member(line, "seam");
    const struct json_node *format = json_node_member(line, "format");
    const struct json_node *server = json_node_member(line, "server");

    if (!kind || kind->kind != NODE_STRING || strcmp(kind->text, RECORD_SEAM) != 0)
        return refuse_foreign(recording, err);
    if (!format || format->kind != NODE_INTEGER || format->integer != RECORD_FORMAT)
        return refuse(recording, 1,
                      arena_printf(&recording->arena,
                                   "its format is none that this Seam knows, which is %d",
                                   RECORD_FORMAT),
                      err);
    if (server && server->kind == NODE_STRING)
        recording->server = server->text;
    return 0;
}

static int read_line(struct pg_recording *recording, int number, const char *text, size_t size,
                     struct err *err)
{
    const struct json_node *line;
    struct record_tape *tape;
    const char *wrong;
    struct err why;

    if (json_node_parse(&recording->arena, "it", text, size, false, &line, &why) < 0)
        return number == 1 ? refuse_foreign(recording, err)
                           : refuse(recording, number, why.text, err);
    if (number == 1)
        return read_header(recording, line, err);
    tape = record_add(recording);
    tape->line = number;
    wrong = read_tape(&recording->arena, line, tape);
    return wrong ? refuse(recording, number, wrong, err) : 0;
}

/* The tapes of each session, in the order of the file. */
static void part_sessions(struct pg_recording *recording)
{
    int most = 0;

    for (size_t i = 0; i < recording->count; i++)
        if (recording->tapes[i]->session > most)
            most = recording->tapes[i]->session;
    recording->file_session_count = (size_t)most;
    recording->sessions =
        arena_zero(&recording->arena, ((size_t)most + 1) * sizeof *recording->sessions);
    for (size_t i = 0; i < recording->count; i++)
        recording->sessions[recording->tapes[i]->session - 1].count++;
    for (int i = 0; i < most; i++) {
        struct record_session *session = &recording->sessions[i];

        session->tapes = arena_zero(&recording->arena, (session->count + 1) * sizeof(void *));
        session->count = 0;
    }
    for (size_t i = 0; i < recording->count; i++) {
        struct record_tape *tape = recording->tapes[i];
        struct record_session *session = &recording->sessions[tape->session - 1];

        if (tape->event != RECORD_DESCRIBED)
            session->tapes[session->count++] = tape;
    }
}

int record_read(struct pg_recording *recording, const char *test, struct err *err)
{
    struct buf data = BUF_INIT(2 * (size_t)RECORD_FILE_MAX);
    int r = io_read_file(recording->path, &data);
    const char *at = buf_text(&data), *end = at + data.size;
    int number = 0;

    recording->test = test;
    if (r < 0)
        err_system(err, r, "cannot read the recording '%s'", recording->path);
    else if (data.size == 0)
        r = refuse(recording, 1, "it is empty", err);
    while (r == 0 && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline ? newline : end) - at);

        number++;
        if (size > 0 || number == 1)
            r = read_line(recording, number, at, size, err);
        at += size + 1;
    }
    buf_fini(&data);
    if (r == 0)
        part_sessions(recording);
    return r;
}
