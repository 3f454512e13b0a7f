/*
 * pg/record_tap.c - the messages of a program and a real server, as statements and their answers; see record.h.
 *
 * What the client sends waits in a queue until the server has answered it: names of statements and portals are
 * looked up only then, so that they mean what they meant to the server.
 *
 *   client ── P D' B D E S ──> pending ── 1 t T 2 T D D C Z ── server       D': put in by us
 */

#include <stdlib.h>
#include <string.h>

#include "pg/record.h"
#include "test/quote.h"

#include "base/hostile.h"

enum { SECRETS = 32, SHORT = 3 /* secrets of so few characters are in every text */ };

struct tap_statement {
    struct tap_statement *next;
    struct arena arena;
    const char *name, *sql;
    uint32_t *types;
    size_t type_count;
    const struct pg_column *columns;
    size_t column_count;
    bool described;
};

struct tap_portal {
    struct tap_portal *next;
    struct arena arena;
    const char *name, *sql;
    struct pg_argument *arguments;
    size_t argument_count;
    const uint32_t *types;
    size_t type_count;
    int *formats; /* of results */
    size_t format_count;
    const struct pg_column *columns;
    size_t column_count;
    struct record_tape *tape; /* it has been executed in part */
};

struct tap_pending {
    struct tap_pending *next;
    char type;
    bool ours;
    struct pg_frame frame; /* its body is behind this */
    char body[];
};

struct record_tap {
    struct pg_recording *recording;
    int session; /* 0: it has had no statement */
    struct tap_statement *statements;
    struct tap_portal *portals;
    struct tap_pending *pending, **last;
    bool skipping; /* an error: the server takes nothing until Sync */
    bool copying; /* from the client */

    /* What is being executed. */
    struct record_tape *tape; /* NULL: it is not recorded */
    struct arena turn; /* of these, until the next statement */
    const char *query, *rest; /* of a simple query; NULL: it is none, or has not begun */
    const char *now; /* the statement, in `query` or alone */
    struct pg_sql is;
    bool running;
    const struct pg_column *columns;
    size_t column_count;
    const int *formats;
    size_t format_count;
    struct record_notice *notices, **last_notice;
    const char *secrets[SECRETS];
    size_t secret_count;
    bool has_secret;
};

/* ---- life */

struct record_tap *record_tap_new(struct pg_recording *recording, int session)
{
    struct record_tap *tap = calloc(1, sizeof *tap);

    if (!tap)
        arena_give_up(sizeof *tap);
    tap->recording = recording;
    tap->session = session;
    tap->last = &tap->pending;
    tap->last_notice = &tap->notices;
    return tap;
}

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

static void pop(struct record_tap *tap)
{
    struct tap_pending *first = tap->pending;

    tap->pending = first->next;
    if (!tap->pending)
        tap->last = &tap->pending;
    free(first);
}

static void drop_statement(struct record_tap *tap, const char *name)
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

static void drop_portal(struct record_tap *tap, const char *name)
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

void record_tap_free(struct record_tap *tap)
{
    if (!tap)
        return;
    while (tap->pending)
        pop(tap);
    while (tap->portals)
        drop_portal(tap, tap->portals->name);
    while (tap->statements)
        drop_statement(tap, tap->statements->name);
    arena_fini(&tap->turn);
    free(tap);
}

static struct tap_statement *find_statement(const struct record_tap *tap, const char *name)
{
    struct tap_statement *at = tap->statements;

    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

static struct tap_portal *find_portal(const struct record_tap *tap, const char *name)
{
    struct tap_portal *at = tap->portals;

    while (at && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

/* ---- a tape */

static struct record_tape *new_tape(struct record_tap *tap, enum record_event event,
                                    const char *sql)
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
    if (text && size > SHORT && tap->secret_count < SECRETS)
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

static void take_arguments(struct record_tap *tap, struct record_tape *tape, const char *sql,
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

static void take_columns(struct record_tap *tap, struct record_tape *tape,
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

static struct pg_error keep_error(struct record_tap *tap, const struct pg_error *from)
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

/* What a double says by itself, as any server does: of transactions and of names. */
static bool says_by_itself(const char *sqlstate)
{
    static const char *const all[] = { "25P02", "26000", "42P05", "25P01", "25001" };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(sqlstate, all[i]) == 0)
            return true;
    return false;
}

static void keep_notice(struct record_tap *tap, const struct pg_frame *frame)
{
    struct record_notice *notice;
    struct pg_error error;

    if (!tap->pending || tap->recording->failure || pg_read_error(frame, &error) < 0 ||
        says_by_itself(error.sqlstate))
        return;
    notice = arena_zero(&tap->recording->arena, sizeof *notice);
    notice->error = keep_error(tap, &error);
    *tap->last_notice = notice;
    tap->last_notice = &notice->next;
}

/* ---- the statement that is executed */

static void forget_turn(struct record_tap *tap)
{
    arena_fini(&tap->turn);
    tap->turn = (struct arena){ 0 };
    tap->tape = NULL;
    tap->running = false;
    tap->query = tap->rest = tap->now = NULL;
    tap->columns = NULL;
    tap->column_count = 0;
    tap->formats = NULL;
    tap->format_count = 0;
    tap->secret_count = 0;
    tap->has_secret = false;
}

static void drop_notices(struct record_tap *tap)
{
    tap->notices = NULL;
    tap->last_notice = &tap->notices;
}

/* What PREPARE of SQL made is executed under its own text. */
static void begin_by_name(struct record_tap *tap)
{
    struct tap_statement *statement = find_statement(tap, tap->is.name ? tap->is.name : "");
    struct pg_argument *arguments;
    size_t count;

    if (!statement)
        return;
    count = pg_sql_arguments(tap->is.inner, &tap->turn, &arguments);
    tap->tape = new_tape(tap, RECORD_EXECUTED, statement->sql);
    if (tap->tape)
        take_arguments(tap, tap->tape, statement->sql, arguments, count, statement->types,
                       statement->type_count);
}

static void begin(struct record_tap *tap, const char *sql)
{
    tap->now = sql;
    tap->running = true;
    pg_sql_classify(&tap->is, sql, &tap->turn);
    if (tap->is.kind == PG_SQL_EXECUTE)
        begin_by_name(tap);
    else if (tap->is.kind != PG_SQL_EMPTY && tap->is.kind != PG_SQL_DEALLOCATE &&
             tap->is.kind != PG_SQL_PREPARE)
        tap->tape = new_tape(tap, RECORD_EXECUTED, sql);
}

/* The next statement of a simple query, as the engine of the double cuts it. */
static void begin_simple(struct record_tap *tap)
{
    if (!tap->query)
        tap->query = tap->rest =
            arena_copy(&tap->turn, tap->pending->frame.body, tap->pending->frame.size);
    while (*tap->rest) {
        const char *from = tap->rest + strspn(tap->rest, " \t\r\n\f\v");
        size_t next, size = pg_sql_first(from, &next);
        const char *sql = arena_copy(&tap->turn, from, size);

        tap->rest = from + next;
        begin(tap, sql);
        tap->now = from;
        if (tap->is.kind != PG_SQL_EMPTY)
            return;
    }
}

static void begin_portal(struct record_tap *tap, struct tap_portal *portal)
{
    tap->columns = portal->columns;
    tap->column_count = portal->column_count;
    tap->formats = portal->formats;
    tap->format_count = portal->format_count;
    if (portal->tape) { /* more rows of it */
        tap->tape = portal->tape;
        tap->now = portal->sql;
        tap->running = true;
        return;
    }
    begin(tap, portal->sql);
    if (!tap->tape || tap->is.kind == PG_SQL_EXECUTE)
        return;
    take_arguments(tap, tap->tape, portal->sql, portal->arguments, portal->argument_count,
                   portal->types, portal->type_count);
    if (portal->columns)
        take_columns(tap, tap->tape, portal->columns, portal->column_count);
}

/* The first answer to what waits at the front: it is being executed. */
static void run(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    struct tap_portal *portal;

    if (tap->running)
        return;
    if (tap->pending->type == 'Q') {
        begin_simple(tap);
        return;
    }
    portal = find_portal(tap, pg_get_text(&body));
    if (portal)
        begin_portal(tap, portal);
    tap->running = true;
}

/* ---- rows */

static int format_of(const int *formats, size_t count, size_t n)
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
    bool binary = column && (tap->formats ? format_of(tap->formats, tap->format_count, n)
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
    if (what->failed || recording->size > RECORD_FILE_MAX)
        record_fail(recording,
                    "the answer to '%.60s' is larger than %d MB, or all are than %d MB",
                    tap->tape->sql, RECORD_TAPE_MAX >> 20, RECORD_FILE_MAX >> 20);
}

static void keep_row(struct record_tap *tap, const struct pg_frame *frame)
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

static const struct pg_column *read_columns(struct arena *arena, const struct pg_frame *frame,
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

static void begin_copy(struct record_tap *tap, const struct pg_frame *frame)
{
    struct tap_pending **at = &tap->pending;
    struct pg_body body = pg_body(frame);

    if (tap->tape) {
        pg_get_byte(&body);
        tap->tape->copy = frame->type;
        tap->tape->copy_columns = pg_get_int16(&body);
    }
    if (frame->type == 'W')
        record_fail(tap->recording, "replication cannot be recorded");
    if (frame->type != 'G')
        return;
    tap->copying = true;
    while (*at) { /* the server takes no Sync in the middle of it */
        struct tap_pending *pending = *at;

        if (pending->type != 'S') {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        free(pending);
    }
    tap->last = at;
}

static void keep_copy(struct record_tap *tap, const struct pg_frame *frame)
{
    if (!tap->tape || tap->recording->failure)
        return;
    buf_add(&tap->tape->copied, frame->body, frame->size);
    grow(tap, &tap->tape->copied, frame->size);
}

static void end_copy(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    tap->copying = false;
    if (tap->tape && frame->type == 'f')
        tap->tape->copy_failed = arena_dup(&tap->recording->arena, pg_get_text(&body));
}

/* ---- the end of a statement */

static void remember(struct record_tap *tap, const char *name, const char *sql,
                     const uint32_t *types, size_t type_count)
{
    struct tap_statement *statement = calloc(1, sizeof *statement);

    if (!statement)
        arena_give_up(sizeof *statement);
    drop_statement(tap, name);
    statement->name = arena_dup(&statement->arena, name);
    statement->sql = arena_dup(&statement->arena, sql);
    statement->types = arena_copy(&statement->arena, types ? (const void *)types : "",
                                  type_count * sizeof *types);
    statement->type_count = type_count;
    statement->next = tap->statements;
    tap->statements = statement;
}

static void end_tape(struct record_tap *tap)
{
    tap->tape->notices = tap->notices;
    tap->tape->ended = true;
    drop_notices(tap);
}

/* What SQL's own PREPARE and DEALLOCATE did. */
static void note_names(struct record_tap *tap)
{
    if (tap->is.kind == PG_SQL_PREPARE && tap->is.name && tap->is.inner)
        remember(tap, tap->is.name, tap->is.inner, NULL, 0);
    else if (tap->is.kind == PG_SQL_DEALLOCATE && tap->is.name)
        drop_statement(tap, tap->is.name);
    else if ((tap->is.kind == PG_SQL_DEALLOCATE || tap->is.kind == PG_SQL_DISCARD) &&
             !tap->is.name)
        while (tap->statements)
            drop_statement(tap, tap->statements->name);
}

static void complete(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    if (tap->tape) {
        tap->tape->tag = arena_dup(&tap->recording->arena, pg_get_text(&body));
        end_tape(tap);
    }
    note_names(tap);
    drop_notices(tap);
    if (tap->pending->type == 'Q') {
        tap->tape = NULL;
        tap->running = false;
        tap->columns = NULL;
        tap->secret_count = 0;
        tap->has_secret = false;
        return;
    }
    pop(tap);
    forget_turn(tap);
}

/* ---- errors */

/* What its engine finds in a text before anybody is asked. */
static bool is_no_statement(struct record_tap *tap, const char *sql, bool alone)
{
    return pg_sql_mistake(sql, &tap->turn, &(int){ 0 }) || !quote_is_utf8(sql, strlen(sql)) ||
           (alone && pg_sql_is_several(sql));
}

static bool is_of_the_protocol(struct record_tap *tap, const struct pg_error *error)
{
    static const char *const messages[] = { "34000", "42P03", "08P01" };
    const struct pg_frame *frame = &tap->pending->frame;
    struct pg_body body = pg_body(frame);

    if (says_by_itself(error->sqlstate))
        return true;
    if (frame->type == 'Q')
        return is_no_statement(tap, frame->body, false) ||
               (tap->running && tap->is.kind == PG_SQL_EXECUTE &&
                strncmp(error->message, "wrong number of parameters", 26) == 0);
    for (size_t i = 0; !strchr("ES", frame->type) && i < sizeof messages / sizeof *messages;
         i++)
        if (strcmp(error->sqlstate, messages[i]) == 0)
            return true;
    pg_get_text(&body);
    return frame->type == 'P' && is_no_statement(tap, pg_get_text(&body), true);
}

/* The statement that Parse had. */
static void begin_parse(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    const char *sql;

    pg_get_text(&body);
    sql = pg_get_text(&body);
    tap->tape = new_tape(tap, RECORD_PARSED, sql);
    tap->now = sql;
}

static void begin_described(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P';
    const char *name = pg_get_text(&body);
    struct tap_portal *portal = is_portal ? find_portal(tap, name) : NULL;
    struct tap_statement *statement = is_portal ? NULL : find_statement(tap, name);

    if (portal)
        begin_portal(tap, portal);
    else if (statement)
        tap->tape = new_tape(tap, RECORD_PARSED, statement->sql);
    tap->now = portal ? portal->sql : statement ? statement->sql : NULL;
}

static struct tap_portal *bind(struct record_tap *tap);

/* Which statement fails; NULL: none that is recorded. */
static struct record_tape *failing(struct record_tap *tap)
{
    struct tap_portal *portal;

    switch (tap->pending->type) {
    case 'P':
        begin_parse(tap);
        break;
    case 'D':
        begin_described(tap);
        break;
    case 'B':
        portal = bind(tap);
        if (portal)
            begin_portal(tap, portal);
        break;
    case 'S':
        tap->tape = new_tape(tap, RECORD_SYNCED, "");
        break;
    case 'E':
    case 'Q':
        if (!tap->tape && tap->is.kind == PG_SQL_PREPARE && tap->is.inner)
            tap->tape = new_tape(tap, RECORD_PARSED, tap->now = tap->is.inner);
        break;
    default:
        break;
    }
    return tap->tape;
}

static int characters(const char *from, const char *to)
{
    int count = 0;

    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

/* From the statement's own beginning. */
static int position_of(const struct record_tap *tap, int position)
{
    const char *from = tap->query, *inner;

    if (position <= 0 || !from || !tap->now)
        return position;
    inner =
        tap->now >= from && tap->now <= from + strlen(from) ? tap->now : strstr(from, tap->now);
    return inner ? position - characters(from, inner) : position;
}

static void skip_to_sync(struct record_tap *tap)
{
    while (tap->pending && tap->pending->type != 'S')
        pop(tap);
    tap->skipping = !tap->pending;
}

/* Nothing was asked: an administrator, or a time-out. A session without a statement has no place in the file. */
static void end_idle(struct record_tap *tap, const struct pg_error *error)
{
    struct record_tape *tape = tap->session > 0 ? new_tape(tap, RECORD_ENDED, "") : NULL;
    struct pg_error *kept;

    if (!tape)
        return;
    tap->tape = tape;
    kept = arena_zero(&tap->recording->arena, sizeof *kept);
    *kept = keep_error(tap, error);
    tape->error = kept;
    end_tape(tap);
    forget_turn(tap);
}

static void fail(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_error error;
    struct record_tape *tape;
    char type;

    tap->copying = false;
    if (pg_read_error(frame, &error) < 0)
        return;
    if (!tap->pending) {
        end_idle(tap, &error);
        return;
    }
    type = tap->pending->type;
    if (type == 'Q' || type == 'E')
        run(tap);
    if (!is_of_the_protocol(tap, &error) && (tape = failing(tap))) {
        struct pg_error *kept = arena_zero(&tap->recording->arena, sizeof *kept);

        *kept = keep_error(tap, &error);
        kept->position = position_of(tap, error.position);
        tape->error = kept;
        end_tape(tap);
    }
    drop_notices(tap);
    if (type != 'Q' && type != 'S' && type != 'F')
        skip_to_sync(tap);
    forget_turn(tap);
}

/* ---- messages of the extended protocol, answered */

static void parsed(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    const char *name = pg_get_text(&body), *sql = pg_get_text(&body);
    int count = pg_get_int16(&body);
    uint32_t *types = arena_zero(&tap->turn, (size_t)(count + 1) * sizeof *types);

    for (int i = 0; i < count; i++)
        types[i] = (uint32_t)pg_get_int32(&body);
    remember(tap, name, sql, types, (size_t)count);
    pop(tap);
    forget_turn(tap);
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

        argument->format = format_of(format, formats, i);
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
static struct tap_portal *bind(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    const char *name = pg_get_text(&body);
    const struct tap_statement *statement = find_statement(tap, pg_get_text(&body));
    struct tap_portal *portal = statement ? calloc(1, sizeof *portal) : NULL;

    if (!statement)
        return NULL;
    if (!portal)
        arena_give_up(sizeof *portal);
    drop_portal(tap, name);
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

static void closed(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P';
    const char *name = pg_get_text(&body);

    if (is_portal)
        drop_portal(tap, name);
    else
        drop_statement(tap, name);
    pop(tap);
}

/* A statement that nobody executes is in the file for its description alone. */
static void describe_tape(struct record_tap *tap, const struct tap_statement *statement)
{
    struct record_tape *tape = new_tape(tap, RECORD_DESCRIBED, statement->sql);

    if (!tape)
        return;
    take_arguments(tap, tape, statement->sql, NULL, 0, statement->types, statement->type_count);
    if (statement->columns)
        take_columns(tap, tape, statement->columns, statement->column_count);
    tape->ended = true;
}

static void described(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P', ours = tap->pending->ours;
    struct tap_statement *statement =
        is_portal ? NULL : find_statement(tap, pg_get_text(&body));

    if (statement && frame->type == 'T')
        statement->columns = read_columns(&statement->arena, frame, &statement->column_count);
    if (statement && !ours && !statement->described) {
        statement->described = true;
        describe_tape(tap, statement);
    }
    pop(tap);
    forget_turn(tap);
}

static void took_types(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body asked = pg_body(&tap->pending->frame), body = pg_body(frame);
    struct tap_statement *statement;

    pg_get_byte(&asked);
    statement = find_statement(tap, pg_get_text(&asked));
    if (!statement)
        return;
    statement->type_count = (size_t)pg_get_int16(&body);
    statement->types =
        arena_zero(&statement->arena, (statement->type_count + 1) * sizeof *statement->types);
    for (size_t i = 0; i < statement->type_count; i++)
        statement->types[i] = (uint32_t)pg_get_int32(&body);
}

static void suspended(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    struct tap_portal *portal = find_portal(tap, pg_get_text(&body));

    if (portal)
        portal->tape = tap->tape;
    if (tap->tape)
        tap->tape->ended = true; /* with the rows that the program has asked for */
    pop(tap);
    forget_turn(tap);
}

/* ---- the server's frames */

static void take_executed(struct record_tap *tap, const struct pg_frame *frame)
{
    if (frame->type != 'Z')
        run(tap);
    switch (frame->type) {
    case 'T':
        tap->columns = read_columns(&tap->turn, frame, &tap->column_count);
        if (tap->tape)
            take_columns(tap, tap->tape, tap->columns, tap->column_count);
        break;
    case 'D':
        keep_row(tap, frame);
        break;
    case 'd':
        keep_copy(tap, frame);
        break;
    case 'G':
    case 'H':
    case 'W':
        begin_copy(tap, frame);
        break;
    case 'C':
    case 'I':
        complete(tap, frame);
        break;
    case 's':
        suspended(tap);
        break;
    case 'Z':
        pop(tap);
        forget_turn(tap);
        break;
    default:
        break;
    }
}

bool record_tap_server(struct record_tap *tap, const struct pg_frame *frame)
{
    bool ours = tap->pending && tap->pending->ours;

    if (strchr("NASKRv", frame->type)) {
        if (frame->type == 'N')
            keep_notice(tap, frame);
        return true;
    }
    if (frame->type == 'E') {
        fail(tap, frame);
        return true;
    }
    if (!tap->pending)
        return true;
    switch (tap->pending->type) {
    case 'P':
        parsed(tap);
        break;
    case 'B':
        bind(tap);
        pop(tap);
        break;
    case 'C':
        closed(tap);
        break;
    case 'D':
        if (frame->type == 't')
            took_types(tap, frame);
        else
            described(tap, frame);
        return !ours;
    case 'Q':
    case 'E':
        take_executed(tap, frame);
        break;
    default: /* Sync, or a function call */
        if (frame->type == 'Z')
            pop(tap);
        break;
    }
    return true;
}

/* ---- the client's frames */

static void wait_for(struct record_tap *tap, char type, const void *body, size_t size,
                     bool ours)
{
    struct tap_pending *pending = malloc(sizeof *pending + size + 1);

    if (!pending)
        arena_give_up(size);
    *pending = (struct tap_pending){ .type = type, .ours = ours };
    memcpy(pending->body, size > 0 ? body : "", size);
    pending->body[size] = '\0';
    pending->frame = (struct pg_frame){ type, pending->body, size };
    *tap->last = pending;
    tap->last = &pending->next;
}

/* Behind each Parse the description of its statement is asked for: its types tell what binary arguments say,
 * and a replay may be asked for them. */
static void add_describe(struct record_tap *tap, const struct pg_frame *parse, struct buf *to)
{
    struct pg_body body = pg_body(parse);
    const char *name = pg_get_text(&body);
    struct buf own = BUF_INIT(parse->size + 16);
    size_t begun = pg_begin(to, 'D');

    pg_put_byte(to, 'S');
    pg_put_text(to, name);
    pg_end(to, begun);
    pg_put_byte(&own, 'S');
    pg_put_text(&own, name);
    wait_for(tap, 'D', own.data, own.size, true);
    buf_fini(&own);
}

bool record_tap_client(struct record_tap *tap, const struct pg_frame *frame,
                       struct buf *describe)
{
    if (tap->copying && strchr("dcf", frame->type)) {
        if (frame->type == 'd')
            keep_copy(tap, frame);
        else
            end_copy(tap, frame);
        return false;
    }
    if (!strchr("PBDECSQF", frame->type) || (frame->type == 'S' && tap->copying))
        return false;
    if (tap->skipping && frame->type != 'S')
        return false;
    tap->skipping = false;
    if (frame->type == 'F')
        record_fail(tap->recording,
                    "function calls of the protocol (PQfn, large objects) cannot "
                    "be recorded\ntry: SELECT of the function");
    wait_for(tap, frame->type, frame->body, frame->size, false);
    if (frame->type != 'P')
        return false;
    add_describe(tap, frame, describe);
    return true;
}

const char *record_tap_waits(const struct record_tap *tap)
{
    if (!tap->pending || tap->pending->type == 'S')
        return NULL;
    return tap->tape ? tap->tape->sql : "a statement";
}
