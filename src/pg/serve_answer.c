/* pg/serve_answer.c - the answers of a session: a rule's, the engine's own, and of what nothing answers. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "pg/session.h"
#include "pg/transcript.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    GENERATED_MAX = 256 << 20, /* bytes of what a .row_fn gives */
    BODY_MAX = 2000, /* of rows that are shown */
    TYPE_TEXT = 25 /* what the server takes a parameter for that nothing tells of */
};

#define UNEXPECTED "SM001"

/* ---- the beginning and the end of each answer */

void pg_answer_begin(struct pg_session *session)
{
    session->answer_at = pg_server_out(session->server)->size;
}

/* What the engine has written: the tag or the error of it, as text that lives in the arena. */
struct outcome {
    const char *tag, *sqlstate, *message;
    size_t rows;
};

static void read_outcome(struct pg_session *session, struct outcome *ret)
{
    const struct buf *out = pg_server_out(session->server);
    size_t at = session->answer_at;

    *ret = (struct outcome){ .rows = 0 };
    while (at + 5 <= out->size) {
        const unsigned char *length = (const unsigned char *)out->data + at + 1;
        size_t size = (size_t)length[0] << 24 | (size_t)length[1] << 16 |
                      (size_t)length[2] << 8 | length[3];
        struct pg_frame frame = { out->data[at], out->data + at + 5, size - 4 };
        struct pg_error error;

        if (size < 4 || at + 1 + size > out->size)
            break;
        ret->rows += frame.type == 'D';
        if (frame.type == 'C')
            ret->tag = arena_dup(&session->arena, frame.body);
        if (frame.type == 'I')
            ret->tag = "";
        if (frame.type == 'E' && pg_read_error(&frame, &error) == 0) {
            ret->sqlstate = arena_dup(&session->arena, error.sqlstate);
            ret->message = arena_dup(&session->arena, error.message);
        }
        at += 1 + size;
    }
}

static void add_cell(struct buf *to, const struct pg_cell *cell)
{
    if (!cell->text)
        buf_add_text(to, "NULL");
    else
        buf_add(to, cell->text, cell->size < BODY_MAX ? cell->size : BODY_MAX);
}

/* The head of what a rule answers, for the report: a row a line. */
static void show_rows(const struct pg_rule *rule, struct buf *to)
{
    const struct pg_columns *columns = pg_rule_columns(rule);
    size_t count = pg_rule_row_count(rule);

    if (pg_rule_said(rule)->row_fn)
        return;
    for (size_t n = 0; n < count && to->size < BODY_MAX; n++) {
        const struct pg_cell *cells = pg_rule_row(rule, n);

        buf_add_text(to, n > 0 ? "; " : "");
        for (size_t i = 0; i < columns->count; i++) {
            buf_add_text(to, i > 0 ? ", " : "");
            buf_add_text(to, columns->at[i].name);
            buf_add_char(to, '=');
            add_cell(to, &cells[i]);
        }
    }
}

static const char *say_outcome(struct pg_session *session, const struct outcome *outcome)
{
    if (outcome->sqlstate && strcmp(outcome->sqlstate, UNEXPECTED) == 0)
        return UNEXPECTED; /* the words are ours, and say to look at the report */
    if (outcome->sqlstate)
        return arena_printf(&session->arena, "%s %s", outcome->sqlstate,
                            outcome->message ? outcome->message : "");
    return outcome->tag && !*outcome->tag ? "empty" : outcome->tag;
}

/* The head of what crosses the seam besides the tag. */
static void show_data(struct pg_session *session, struct buf *to)
{
    const char *data = session->copied;

    if (!data && session->rule)
        data = pg_rule_said(session->rule)->copy_out;
    if (data)
        buf_add(to, data, strnlen(data, BODY_MAX));
    else if (session->rule && session->ask->kind == PG_ASK_EXECUTE)
        show_rows(session->rule, to);
}

/* Report a statement, which has been dealt with then. */
static void report_statement(struct pg_session *session)
{
    struct buf *body = &session->mock->body;
    struct outcome outcome;

    body->cap = 2 * (size_t)BODY_MAX;
    buf_clear(body);
    read_outcome(session, &outcome);
    pg_entry_answer(session->entry, outcome.sqlstate ? NULL : outcome.tag, outcome.sqlstate);
    if (session->held)
        pg_entry_answer(session->held, session->entry->call.tag, session->entry->call.sqlstate);
    if (!outcome.sqlstate)
        show_data(session, body);
    pg_report(session, say_outcome(session, &outcome), body->data, body->size);
    pg_entry_release(session->entry);
    session->entry = NULL;
    pg_session_let_go(session);
}

/* What is no statement is worth a line where a rule of the test's answers it. */
static void report_event(struct pg_session *session)
{
    struct outcome outcome;
    const char *words;

    read_outcome(session, &outcome);
    words = say_outcome(session, &outcome);
    pg_report(session, words ? words : "done", NULL, 0);
}

/* EXECUTE of SQL is answered by what answers the statement that it names, PREPARE and DEALLOCATE when the engine has
 * asked about theirs: each goes on with another ask. */
static void hold_statement(struct pg_session *session)
{
    session->held = session->entry;
    session->held_ns = session->begin_ns;
    session->entry = NULL;
}

static void report_held(struct pg_session *session)
{
    session->entry = session->held;
    session->begin_ns = session->held_ns;
    session->held = NULL;
    report_statement(session);
}

static bool is_written(struct pg_session *session)
{
    return pg_server_out(session->server)->size > session->answer_at;
}

static void report_answer(struct pg_session *session)
{
    if (session->copying ||
        session->copy_tape) { /* the statement ends when its data is there */
        pg_entry_release(session->copy_entry);
        session->copy_entry = session->entry;
        session->entry = NULL;
    } else if (session->entry && !is_written(session) && !session->held) {
        hold_statement(session);
    } else if (session->entry) {
        report_statement(session);
    } else if (session->held && is_written(session)) {
        report_held(session);
    } else if (session->rule || session->note) {
        report_event(session);
    }
}

static void claim(struct pg_session *session, bool expected)
{
    struct seam_pg_mock *mock = session->mock;
    const struct pg_claim claim = { .sql = session->call.sql,
                                    .rule = session->rule,
                                    .expected = expected,
                                    .site = session->rule ? pg_rule_site(session->rule)
                                                          : mock->site };

    if (mock->transcript && session->turn && session->call.sql)
        pg_transcript_claim(mock->transcript, session->turn, &claim);
    if (session->rule && session->call.sql && expected)
        pg_fact_check(mock, session->ask->statement, session->call.sql, session->rule);
}

void pg_answer_end(struct pg_session *session)
{
    const struct pg_said *said = session->rule ? pg_rule_said(session->rule) : NULL;

    report_answer(session);
    if (said && said->fault != SEAM_PG_NO_FAULT && !pg_fault_send(session, said))
        return;
    pg_session_answered(session);
}

/* ---- errors */

void pg_answer_error(struct pg_session *session, const struct pg_error *error)
{
    struct pg_error whole = *error;

    if (!whole.severity)
        whole.severity = "ERROR";
    session->delayed = false;
    loop_timer_cancel(&session->timer);
    if (session->call
            .sql) /* the engine forgets a statement that failed in Parse; the report comes later */
        session->call.sql = arena_dup(&session->arena, session->call.sql);
    pg_server_fail(session->server, &whole);
    pg_answer_end(session);
}

void pg_answer_unexpected(struct pg_session *session)
{
    const struct pg_error error = {
        .severity = session->ask->kind == PG_ASK_START ? "FATAL" : "ERROR",
        .sqlstate = UNEXPECTED,
        .message = session->mock->recording
                       ? "seam: this is not in the recording; see the report of the test"
                       : "seam: no rule of this mock answers this; see the report of the test"
    };

    if (!session->entry && session->ask->kind != PG_ASK_START && session->call.sql)
        session->entry =
            pg_journal_add(&session->mock->journal, session->number, &session->call);
    if (!session->forbidden)
        session->rule = NULL;
    session->note = session->mock->recording ? "not recorded" : "no rule";
    pg_report_unexpected(session);
    claim(session, false);
    session->rule = NULL;
    pg_answer_error(session, &error);
}

/* ---- what happens by itself */

void pg_answer_done(struct pg_session *session)
{
    if (session->ask->kind == PG_ASK_START) {
        session->begun = true;
        pg_server_accept(session->server);
    } else {
        pg_server_done(session->server);
    }
    pg_answer_end(session);
}

/* EXECUTE is the statement that it runs, which is asked for next. */
static bool is_execute(const struct pg_ask *ask)
{
    return ask->statement && ask->statement->is.kind == PG_SQL_EXECUTE;
}

void pg_answer_automatic(struct pg_session *session)
{
    bool goes_on = is_execute(session->ask);

    if (pg_server_automatic(session->server) < 0) {
        pg_answer_unexpected(session);
        return;
    }
    if (!goes_on)
        claim(session, true);
    pg_answer_end(session);
}

/* ---- descriptions */

/* What Parse said, or else what the rule's value tells. */
static uint32_t type_of_parameter(const struct pg_statement *statement,
                                  const struct pg_rule *rule, size_t i)
{
    uint32_t type = i < statement->type_count ? statement->types[i] : 0;

    if (type == 0 && rule)
        type = pg_rule_argument_type(rule, i);
    return type ? type : TYPE_TEXT;
}

static void describe(struct pg_session *session, const struct pg_rule *rule)
{
    const struct pg_columns *columns =
        rule && pg_rule_has_rows(rule) ? pg_rule_columns(rule) : NULL;
    const struct pg_statement *statement = session->ask->statement;
    size_t count = (size_t)statement->is.parameters > statement->type_count
                       ? (size_t)statement->is.parameters
                       : statement->type_count;
    uint32_t *types = arena_zero(&session->arena, (count + 1) * sizeof *types);

    for (size_t i = 0; i < count; i++)
        types[i] = type_of_parameter(statement, rule, i);
    pg_server_describe(session->server, types, count, columns ? columns->at : NULL,
                       columns ? columns->count : 0);
    pg_answer_end(session);
}

void pg_answer_description(struct pg_session *session)
{
    const struct pg_rule *rule = session->rule;

    session->rule = NULL; /* it is the answer to the statement that has its faults */
    describe(session, rule);
}

/* ---- rows */

/* What was generated. */
struct rows {
    const struct pg_rule *rule;
    struct arena arena;
    struct pg_cell *cells;
    size_t count, room, size;
};

static int row_of_rule(void *arg, size_t n, struct pg_cell *cells)
{
    const struct pg_rule *rule = arg;

    if (n >= pg_rule_row_count(rule))
        return 0;
    memcpy(cells, pg_rule_row(rule, n), pg_rule_columns(rule)->count * sizeof *cells);
    return 1;
}

static int generated_row(void *arg, size_t n, struct pg_cell *cells)
{
    const struct rows *rows = arg;
    size_t columns = pg_rule_columns(rows->rule)->count;

    if (n >= rows->count)
        return 0;
    memcpy(cells, rows->cells + n * columns, columns * sizeof *cells);
    return 1;
}

static void drop_rows(void *arg)
{
    struct rows *rows = arg;

    free(rows->cells);
    arena_fini(&rows->arena);
    free(rows);
}

static struct rows *new_rows(const struct pg_rule *rule)
{
    struct rows *rows = calloc(1, sizeof *rows);

    if (!rows)
        arena_give_up(sizeof *rows);
    rows->rule = rule;
    return rows;
}

/* ---- rows that a function of the test's works out: all of them, before the first is sent */

struct generation {
    struct pg_session *session;
    struct rows *rows;
    struct err err;
    int r;
};

static struct pg_cell *add_row(struct rows *rows, size_t columns)
{
    struct pg_cell *cells = rows->cells;

    if (rows->count == rows->room) {
        rows->room = rows->room > 0 ? rows->room * 2 : 16;
        cells = realloc(cells, rows->room * (columns + 1) * sizeof *cells);
    }
    if (!cells)
        arena_give_up(rows->room * columns * sizeof *cells);
    rows->cells = cells;
    return cells + rows->count * columns;
}

static int take_row(struct generation *generation, const struct pg_columns *columns,
                    const seam_value *values)
{
    struct rows *rows = generation->rows;
    struct pg_cell *cells = add_row(rows, columns->count);
    int r = 0;

    for (size_t i = 0; i < columns->count && r == 0; i++) {
        r = pg_rule_cell(&columns->at[i], &values[i], &rows->arena, &cells[i],
                         &generation->err);
        rows->size += sizeof *cells + (r == 0 ? cells[i].size : 0);
    }
    if (r == 0 && rows->size > GENERATED_MAX)
        r = err_set(&generation->err, -EINVAL,
                    ".row_fn has given %zu rows of %zu bytes and goes on", rows->count,
                    rows->size);
    rows->count += r == 0;
    return r;
}

static void generate(seam_t *t, void *arg)
{
    struct generation *generation = arg;
    const struct pg_rule *rule = generation->rows->rule;
    const struct pg_columns *columns = pg_rule_columns(rule);
    const struct pg_said *said = pg_rule_said(rule);
    seam_value *values = calloc(columns->count + 1, sizeof *values);
    size_t n = 0;

    (void)t;
    if (!values)
        arena_give_up(columns->count * sizeof *values);
    generation->r = 0;
    while (generation->r == 0 && said->row_fn(n++, values, columns->count, said->arg)) {
        generation->r = take_row(generation, columns, values);
        memset(values, 0, columns->count * sizeof *values);
    }
    free(values);
}

static void generate_outside(void *arg)
{
    struct generation *generation = arg;

    t_call(generation->session->mock->t, generate, generation);
}

static void answer_execution(struct pg_session *session, struct rows *rows);

static void answer_generated(struct pg_session *session)
{
    const struct pg_rule *rule = session->rule;
    struct generation generation = { .session = session,
                                     .r = -ECANCELED,
                                     .err = { "a fatal has ended .row_fn" } };
    struct pg_error error = { .sqlstate = UNEXPECTED };

    if (!pg_serve_may_call(session, answer_generated))
        return;
    generation.rows = new_rows(rule);
    stream_enter(&session->stream);
    pg_serve_outside(session, generate_outside, &generation);
    if (session->stream.dead) {
        drop_rows(generation.rows);
    } else if (generation.r < 0) {
        drop_rows(generation.rows);
        seam_error_at(session->mock->t, pg_rule_site(rule), "%s", generation.err.text);
        error.message = arena_printf(&session->arena, "seam: %s", generation.err.text);
        pg_answer_error(session, &error);
    } else {
        answer_execution(session, generation.rows);
    }
    stream_leave(&session->stream);
}

/* ---- a rule's answer */

static int count_fields(const char *data)
{
    int count = 1;

    for (; *data && *data != '\n'; data++)
        count += *data == '\t';
    return count;
}

static int copy_columns(const struct pg_rule *rule, const char *data)
{
    const struct pg_columns *columns = pg_rule_columns(rule);

    return columns && columns->count > 0 ? (int)columns->count : count_fields(data);
}

static void fill_copy(struct pg_session *session, struct pg_result *result)
{
    const struct pg_said *said = pg_rule_said(session->rule);

    if (said->copy_in) {
        result->copy = 'G';
        result->copy_columns = copy_columns(session->rule, said->copy_in);
        session->copying = session->rule;
    } else {
        result->copy = 'H';
        result->copy_out = said->copy_out;
        result->copy_size = strlen(said->copy_out);
        result->copy_columns = copy_columns(session->rule, said->copy_out);
    }
}

static void send_result(struct pg_session *session, struct rows *rows)
{
    const struct pg_rule *rule = session->rule;
    const struct pg_columns *columns = pg_rule_columns(rule);
    const struct pg_said *said = pg_rule_said(rule);
    struct pg_rows wire = { .row = row_of_rule, .arg = (void *)rule };
    struct pg_result result = { .tag = said->tag, .error = pg_rule_error(rule) };

    if (said->copy_in || said->copy_out) {
        fill_copy(session, &result);
    } else if (pg_rule_has_rows(rule)) {
        wire.columns = columns->at;
        wire.column_count = columns->count;
        result.rows = &wire;
    }
    if (rows)
        wire = (struct pg_rows){ columns->at, columns->count, generated_row, rows, drop_rows };
    result.spoil = said->fault == SEAM_PG_WRONG_COUNT;
    pg_server_result(session->server, &result);
}

/* A rule about BEGIN and the like that says nothing else is answered as the server would. */
static bool is_plain_event(const struct pg_rule *rule)
{
    const struct pg_said *said = pg_rule_said(rule);

    return said->event != SEAM_PG_STATEMENT && !said->tag && !pg_rule_has_rows(rule) &&
           !pg_rule_error(rule);
}

static void notify(struct pg_session *session, const struct pg_said *said)
{
    if (said->notify.channel)
        pg_server_notify(session->server, session->pid, said->notify.channel,
                         said->notify.payload ? said->notify.payload : "");
}

static void answer_execution(struct pg_session *session, struct rows *rows)
{
    const struct pg_rule *rule = session->rule;
    const struct pg_error *error = pg_rule_error(rule);

    if (error && !pg_rule_has_rows(rule))
        pg_server_fail(session->server, error);
    else if (is_plain_event(rule) || session->ask->statement->is.kind == PG_SQL_EMPTY)
        pg_server_automatic(session->server);
    else
        send_result(session, rows);
    notify(session, pg_rule_said(rule));
    claim(session, true);
    pg_answer_end(session);
}

static void send_notices(struct pg_session *session)
{
    size_t count;
    const struct pg_error *notices = pg_rule_notices(session->rule, &count);

    for (size_t i = 0; i < count; i++)
        pg_server_notice(session->server, &notices[i]);
}

void pg_answer_rule(struct pg_session *session)
{
    const struct pg_rule *rule = session->rule;
    const struct pg_error *error = pg_rule_error(rule);
    bool executes = session->ask->kind == PG_ASK_EXECUTE;

    if (executes && pg_rule_said(rule)->row_fn) {
        send_notices(session);
        answer_generated(session);
        return;
    }
    send_notices(session);
    if (executes) {
        answer_execution(session, NULL);
    } else if (error) {
        claim(session, true);
        pg_answer_error(session, error);
    } else {
        pg_answer_done(session);
    }
}

/* ---- the end of COPY FROM STDIN */

static bool copied_wrong(struct pg_session *session, const struct pg_said *said)
{
    const struct pg_ask *ask = session->ask;
    size_t size = strlen(said->copy_in);

    if (size == 0 ||
        (ask->copy_size == size && memcmp(ask->copy_data, said->copy_in, size) == 0))
        return false;
    pg_report_copy(session, said);
    return true;
}

void pg_answer_copied(struct pg_session *session)
{
    const struct pg_ask *ask = session->ask;
    const struct pg_said *said = pg_rule_said(session->copying);
    struct pg_result result = { .tag = said->tag };
    struct pg_error error = { .sqlstate = "SM001" };

    session->call = (struct pg_call){ .sql = said->sql, .arena = &session->arena };
    session->rule = session->copying;
    session->entry = session->copy_entry;
    session->copying = NULL;
    session->copy_entry = NULL;
    session->copied = arena_copy(&session->arena, ask->copy_data,
                                 ask->copy_size < BODY_MAX ? ask->copy_size : BODY_MAX);
    if (!ask->copy_failed && copied_wrong(session, said)) {
        error.message = "seam: this is not the data of the rule; see the report of the test";
        pg_answer_error(session, &error);
    } else {
        pg_server_result(session->server, &result);
        pg_answer_end(session);
    }
}
