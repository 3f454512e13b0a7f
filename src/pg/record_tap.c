/* pg/record_tap.c - the messages of a program and a real server, as statements; see record_tap.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/record_tap.h"
#include "test/quote.h"

#include "base/hostile.h"

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

static void pop(struct record_tap *tap)
{
    struct tap_pending *first = tap->pending;

    tap->pending = first->next;
    if (!tap->pending)
        tap->last = &tap->pending;
    free(first);
}

void record_tap_free(struct record_tap *tap)
{
    if (!tap)
        return;
    while (tap->pending)
        pop(tap);
    while (tap->portals)
        tap_drop_portal(tap, tap->portals->name);
    while (tap->statements)
        tap_drop_statement(tap, tap->statements->name);
    arena_fini(&tap->turn);
    free(tap);
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
    struct tap_statement *statement = tap_find_statement(tap, tap->is.name ? tap->is.name : "");
    struct pg_argument *arguments;
    size_t count;

    if (!statement)
        return;
    count = pg_sql_arguments(tap->is.inner, &tap->turn, &arguments);
    tap->tape = tape_new(tap, RECORD_EXECUTED, statement->sql);
    if (tap->tape)
        tape_take_arguments(tap, tap->tape, statement->sql, arguments, count, statement->types,
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
        tap->tape = tape_new(tap, RECORD_EXECUTED, sql);
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
    tape_take_arguments(tap, tap->tape, portal->sql, portal->arguments, portal->argument_count,
                        portal->types, portal->type_count);
    if (portal->columns)
        tape_take_columns(tap, tap->tape, portal->columns, portal->column_count);
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
    portal = tap_find_portal(tap, pg_get_text(&body));
    if (portal)
        begin_portal(tap, portal);
    tap->running = true;
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

static void end_copy(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    tap->copying = false;
    if (tap->tape && frame->type == 'f')
        tap->tape->copy_failed = arena_dup(&tap->recording->arena, pg_get_text(&body));
}

/* ---- the end of a statement */

static void redact_copy(struct record_tap *tap)
{
    struct record_tape *tape = tap->tape;
    struct buf clean = BUF_INIT(RECORD_TAPE_MAX);
    int r = record_redact_copy(&tap->recording->redaction, tape->sql, buf_text(&tape->copied),
                               tape->copied.size, &clean);

    if (r < 0)
        record_fail(tap->recording,
                    "'%.100s' has a secret column, which only the text format can hide",
                    tape->sql);
    if (r <= 0) {
        buf_fini(&clean);
        return;
    }
    buf_fini(&tape->copied);
    tape->copied = clean;
}

static void end_tape(struct record_tap *tap)
{
    if (tap->tape->copy)
        redact_copy(tap);
    tap->tape->notices = tap->notices;
    tap->tape->ended = true;
    tap->just_ended = tap->tape;
    drop_notices(tap);
}

/* What SQL's own PREPARE and DEALLOCATE did. */
static void note_names(struct record_tap *tap)
{
    if (tap->is.kind == PG_SQL_PREPARE && tap->is.name && tap->is.inner)
        tap_remember(tap, tap->is.name, tap->is.inner, NULL, 0);
    else if (tap->is.kind == PG_SQL_DEALLOCATE && tap->is.name)
        tap_drop_statement(tap, tap->is.name);
    else if ((tap->is.kind == PG_SQL_DEALLOCATE || tap->is.kind == PG_SQL_DISCARD) &&
             !tap->is.name)
        while (tap->statements)
            tap_drop_statement(tap, tap->statements->name);
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

    if (tape_is_automatic(error->sqlstate))
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
    tap->tape = tape_new(tap, RECORD_PARSED, sql);
    tap->now = sql;
}

static void begin_described(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P';
    const char *name = pg_get_text(&body);
    struct tap_portal *portal = is_portal ? tap_find_portal(tap, name) : NULL;
    struct tap_statement *statement = is_portal ? NULL : tap_find_statement(tap, name);

    if (portal)
        begin_portal(tap, portal);
    else if (statement)
        tap->tape = tape_new(tap, RECORD_PARSED, statement->sql);
    tap->now = portal ? portal->sql : statement ? statement->sql : NULL;
}

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
        portal = tap_bind(tap);
        if (portal)
            begin_portal(tap, portal);
        break;
    case 'S':
        tap->tape = tape_new(tap, RECORD_SYNCED, "");
        break;
    case 'E':
    case 'Q':
        if (!tap->tape && tap->is.kind == PG_SQL_PREPARE && tap->is.inner)
            tap->tape = tape_new(tap, RECORD_PARSED, tap->now = tap->is.inner);
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
    struct record_tape *tape = tap->session > 0 ? tape_new(tap, RECORD_ENDED, "") : NULL;
    struct pg_error *kept;

    if (!tape)
        return;
    tap->tape = tape;
    kept = arena_zero(&tap->recording->arena, sizeof *kept);
    *kept = tape_error(tap, error);
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

        *kept = tape_error(tap, &error);
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
    tap_remember(tap, name, sql, types, (size_t)count);
    pop(tap);
    forget_turn(tap);
}

static void closed(struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P';
    const char *name = pg_get_text(&body);

    if (is_portal)
        tap_drop_portal(tap, name);
    else
        tap_drop_statement(tap, name);
    pop(tap);
}

/* A statement that nobody executes is in the file for its description alone. */
static void describe_tape(struct record_tap *tap, const struct tap_statement *statement)
{
    struct record_tape *tape = tape_new(tap, RECORD_DESCRIBED, statement->sql);

    if (!tape)
        return;
    tape_take_arguments(tap, tape, statement->sql, NULL, 0, statement->types,
                        statement->type_count);
    if (statement->columns)
        tape_take_columns(tap, tape, statement->columns, statement->column_count);
    tape->ended = true;
}

static void described(struct record_tap *tap, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    bool is_portal = pg_get_byte(&body) == 'P', ours = tap->pending->ours;
    struct tap_statement *statement =
        is_portal ? NULL : tap_find_statement(tap, pg_get_text(&body));

    if (statement && frame->type == 'T')
        statement->columns =
            tape_read_columns(&statement->arena, frame, &statement->column_count);
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
    statement = tap_find_statement(tap, pg_get_text(&asked));
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
    struct tap_portal *portal = tap_find_portal(tap, pg_get_text(&body));

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
        tap->columns = tape_read_columns(&tap->turn, frame, &tap->column_count);
        if (tap->tape)
            tape_take_columns(tap, tap->tape, tap->columns, tap->column_count);
        break;
    case 'D':
        tape_take_row(tap, frame);
        break;
    case 'd':
        tape_take_copy(tap, frame);
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
            tape_take_notice(tap, frame);
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
        tap_bind(tap);
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
            tape_take_copy(tap, frame);
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

const struct record_tape *record_tap_ended(struct record_tap *tap)
{
    const struct record_tape *tape = tap->just_ended;

    tap->just_ended = NULL;
    return tape;
}

/* What the client's message at the front is about. */
static const char *waiting(const struct record_tap *tap)
{
    struct pg_body body = pg_body(&tap->pending->frame);
    const struct tap_statement *statement = NULL;
    const struct tap_portal *portal = NULL;

    switch (tap->pending->type) {
    case 'Q':
        return tap->pending->frame.body;
    case 'P':
        pg_get_text(&body);
        return pg_get_text(&body);
    case 'B':
        pg_get_text(&body);
        statement = tap_find_statement(tap, pg_get_text(&body));
        break;
    case 'E':
        portal = tap_find_portal(tap, pg_get_text(&body));
        break;
    default:
        break;
    }
    return statement ? statement->sql : portal ? portal->sql : "a message";
}

const char *record_tap_waits(const struct record_tap *tap)
{
    if (!tap->pending || tap->pending->type == 'S')
        return NULL;
    return record_redact_sql(&tap->recording->redaction, &tap->recording->arena, waiting(tap));
}
