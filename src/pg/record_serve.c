/* pg/record_serve.c - what the engine of a session asks, when its mock records or replays; see record.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "pg/real_session.h"
#include "pg/record.h"
#include "pg/session.h"
#include "test/t.h"

#include "base/hostile.h"

enum { TYPE_TEXT = 25, NEAREST_MAX = 200 /* statements that one is compared with */ };

/* ---- recording: a session begins at the real server */

static void log_in_outside(void *arg)
{
    struct record_login *login = arg;

    login->r = record_log_in(login);
}

static void log_in(struct pg_session *session, struct record_login *login)
{
    struct pg_recording *recording = session->mock->recording;

    recording->logging_in++;
    loop_outside(log_in_outside, login);
    recording->logging_in--;
    loop_wake_waiters();
}

/* The server's own words go to the program as they came. */
static void refuse(struct pg_session *session, struct record_login *login)
{
    struct seam_pg_mock *mock = session->mock;
    const struct pg_error error = { .severity = "FATAL",
                                    .sqlstate = "08006",
                                    .message = arena_printf(&session->arena, "seam: %s",
                                                            login->err.text) };

    record_fail(mock->recording, "%s", login->err.text);
    pg_answer_error(session, &error);
}

static void note_version(struct pg_recording *recording, const struct buf *welcome)
{
    struct pg_messages messages;
    struct arena arena = { 0 };

    pg_messages_cut(&messages, &arena, buf_text(welcome), welcome->size);
    for (const struct pg_message *at = messages.first; at; at = at->next) {
        struct pg_body body = pg_body(&at->frame);

        if (at->frame.type == 'S' && strcmp(pg_get_text(&body), "server_version") == 0)
            recording->server = arena_copy(&recording->arena, body.at, strcspn(body.at, " "));
    }
    arena_fini(&arena);
}

/* From now on its bytes pass by the engine, which had the start-up alone. */
static void begin(struct pg_session *session, struct record_login *login)
{
    struct buf *out = stream_out(&session->stream), rest = BUF_INIT(PG_MESSAGE_MAX);
    size_t begun;

    note_version(session->mock->recording, &login->welcome);
    pg_session_count(session);
    session->begun = true;
    session->ask = NULL;
    session->pid = login->pid;
    session->key = login->key;
    pg_session_send(session, true);
    begun = pg_begin(out, 'R');
    pg_put_int32(out, 0);
    pg_end(out, begun);
    buf_add(out, login->welcome.data, login->welcome.size);
    stream_flush(&session->stream);
    pg_server_rest(session->server, &rest);
    if (rest.size > 0 && session->proxy)
        pg_proxy_fed(session, rest.data, rest.size);
    buf_fini(&rest);
}

static void start(struct pg_session *session)
{
    struct pg_recording *recording = session->mock->recording;
    struct record_login login = { .address = &recording->address,
                                  .pairs = session->ask->start->pairs };

    stream_enter(&session->stream);
    log_in(session, &login);
    if (login.r >= 0 && session->stream.dead)
        t_private_close(login.r);
    else if (login.r >= 0 && record_proxy_new(session, login.r) == 0)
        begin(session, &login);
    else if (!session->stream.dead)
        refuse(session, &login);
    buf_fini(&login.welcome);
    stream_leave(&session->stream);
}

struct cancellation {
    const struct record_address *address;
    int pid;
    uint32_t key;
};

static void cancel_outside(void *arg)
{
    const struct cancellation *of = arg;

    record_cancel(of->address, of->pid, of->key);
}

/* It is the server's own key that the program was given. */
static void cancel(struct pg_session *session)
{
    struct pg_recording *recording = session->mock->recording;
    struct cancellation of = { &recording->address, session->ask->pid, session->ask->key };

    stream_enter(&session->stream);
    recording->logging_in++;
    if (pg_session_of_key(session->mock, of.pid, of.key))
        loop_outside(cancel_outside, &of);
    recording->logging_in--;
    loop_wake_waiters();
    if (!session->stream.dead) {
        pg_server_done(session->server);
        pg_session_answered(session);
    }
    stream_leave(&session->stream);
}

/* ---- replaying: the answers */

static int row(void *arg, size_t n, struct pg_cell *cells)
{
    const struct record_tape *tape = arg;

    if (n >= tape->row_count)
        return 0;
    memcpy(cells, tape->cells + n * tape->column_count, tape->column_count * sizeof *cells);
    return 1;
}

static void send_notices(struct pg_session *session, const struct record_tape *tape)
{
    for (const struct record_notice *at = tape->notices; at; at = at->next)
        pg_server_notice(session->server, &at->error);
}

static void send_result(struct pg_session *session, struct record_tape *tape)
{
    struct pg_rows rows = {
        .columns = tape->wire, .column_count = tape->column_count, .row = row, .arg = tape
    };
    struct pg_result result = { .tag = tape->tag,
                                .error = tape->error,
                                .copy = tape->copy,
                                .copy_columns = tape->copy_columns };

    if (tape->has_columns)
        result.rows = &rows;
    if (tape->copy == 'H') {
        result.copy_out = tape->copy_data;
        result.copy_size = tape->copy_size;
    }
    if (tape->copy) /* the error comes behind the data */
        result.error = NULL;
    session->copy_tape = tape->copy == 'G' ? tape : NULL;
    pg_server_result(session->server, &result);
}

static void answer(struct pg_session *session, struct record_tape *tape)
{
    record_use(session, tape);
    if (!session->note)
        session->note = "recorded";
    send_notices(session, tape);
    if (tape->error && !tape->copy && tape->row_count == 0)
        pg_server_fail(session->server, tape->error);
    else
        send_result(session, tape);
    session->ends_with = record_end(session);
    session->killed = session->ends_with != NULL;
    pg_answer_end(session);
}

static void begin_entry(struct pg_session *session)
{
    if (!session->entry)
        session->entry =
            pg_journal_add(&session->mock->journal, session->number, &session->call);
}

static void replay_parse(struct pg_session *session)
{
    struct record_tape *tape = record_due(session, RECORD_PARSED);

    if (!tape) {
        pg_answer_done(session);
        return;
    }
    begin_entry(session);
    answer(session, tape);
}

static void replay_describe(struct pg_session *session)
{
    struct record_tape *failed = record_due(session, RECORD_PARSED);
    const struct record_tape *tape = failed ? NULL : record_peek(session);
    const struct pg_statement *statement = session->ask->statement;
    size_t count = (size_t)statement->is.parameters;
    uint32_t *types;

    if (failed) {
        begin_entry(session);
        answer(session, failed);
        return;
    }
    if (!tape) {
        pg_answer_automatic(session);
        return;
    }
    count = tape->type_count > count ? tape->type_count : count;
    types = arena_zero(&session->arena, (count + 1) * sizeof *types);
    for (size_t i = 0; i < count; i++)
        types[i] = i < tape->type_count ? tape->types[i] : TYPE_TEXT;
    pg_server_describe(session->server, types, count, tape->has_columns ? tape->wire : NULL,
                       tape->column_count);
    pg_answer_end(session);
}

/* What the engine does with names of its own, and what says nothing. */
static bool is_automatic(const struct pg_ask *ask)
{
    switch (ask->statement->is.kind) {
    case PG_SQL_EMPTY:
    case PG_SQL_PREPARE:
    case PG_SQL_EXECUTE:
    case PG_SQL_DEALLOCATE:
        return true;
    default:
        return ask->failed;
    }
}

/* It is answered all the same, so that one statement which is left out is one failure. */
static void say_early(struct pg_session *session, const struct record_tape *tape)
{
    struct seam_pg_mock *mock = session->mock;
    const struct record_session *of = &mock->recording->sessions[tape->session - 1];
    const struct record_tape *due = of->tapes[of->at];

    session->note = "out of order";
    seam_error_at(mock->t, mock->site,
                  "%s is line %d of '%s', and came without line %d: %s\n"
                  "try: seam test -update -run '^%s$'",
                  pg_report_name(session), tape->line, mock->recording->file, due->line,
                  record_name(due, &session->arena), seam_name(mock->t));
}

static void replay_execute(struct pg_session *session)
{
    struct record_tape *tape;

    begin_entry(session);
    if (is_automatic(session->ask)) {
        pg_answer_automatic(session);
        return;
    }
    tape = record_due(session, RECORD_EXECUTED);
    if (!tape && (tape = record_later(session)))
        say_early(session, tape);
    if (tape)
        answer(session, tape);
    else
        pg_answer_unexpected(session);
}

static bool is_other_data(const struct pg_session *session, const struct record_tape *tape)
{
    const struct pg_ask *ask = session->ask;
    struct buf clean = BUF_INIT(PG_MESSAGE_MAX);
    bool redacted = record_redact_copy(&session->mock->recording->redaction, tape->sql,
                                       ask->copy_data, ask->copy_size, &clean) > 0;
    size_t size = redacted ? clean.size : ask->copy_size;
    bool other = size != tape->copy_size || memcmp(redacted ? buf_text(&clean) : ask->copy_data,
                                                   tape->copy_data, size) != 0;

    buf_fini(&clean);
    return other && !ask->copy_failed && !tape->copy_failed;
}

static void replay_copied(struct pg_session *session)
{
    struct record_tape *tape = session->copy_tape;
    struct pg_result result = { .tag = tape->tag, .error = tape->error };

    session->call = (struct pg_call){ .sql = tape->sql, .arena = &session->arena };
    session->begin_ns = now_ns();
    session->entry = session->copy_entry;
    session->copy_entry = NULL;
    session->copy_tape = NULL;
    session->note = "recorded";
    if (is_other_data(session, tape))
        pg_report_copy_data(session,
                            arena_printf(&session->arena, "line %d of '%s'", tape->line,
                                         session->mock->recording->file),
                            tape->copy_data, tape->copy_size);
    pg_server_result(session->server, &result);
    pg_answer_end(session);
}

static void replay_sync(struct pg_session *session)
{
    struct record_tape *tape = record_due(session, RECORD_SYNCED);

    if (tape)
        answer(session, tape);
    else
        pg_answer_done(session);
}

static void replay(struct pg_session *session)
{
    const struct pg_ask *ask = session->ask;

    if (session->call.sql)
        session->call.normal =
            pg_sql_normal(record_redact_sql(&session->mock->recording->redaction,
                                            &session->arena, session->call.sql),
                          &session->arena);
    switch (ask->kind) {
    case PG_ASK_START:
        pg_session_count(session);
        pg_answer_done(session);
        break;
    case PG_ASK_PARSE:
        replay_parse(session);
        break;
    case PG_ASK_DESCRIBE:
        replay_describe(session);
        break;
    case PG_ASK_EXECUTE:
        replay_execute(session);
        break;
    case PG_ASK_COPIED:
        replay_copied(session);
        break;
    case PG_ASK_SYNC:
        replay_sync(session);
        break;
    default:
        pg_answer_done(session);
        break;
    }
}

void pg_record_serve(struct pg_session *session)
{
    if (session->mock->recording->mode != SEAM_PG_RECORD)
        replay(session);
    else if (session->ask->kind == PG_ASK_START)
        start(session);
    else if (session->ask->kind == PG_ASK_CANCEL)
        cancel(session);
    else
        pg_answer_done(session);
}

/* ---- what came near */

static seam_value value_of(const struct record_value *value)
{
    switch (value->kind) {
    case RECORD_NULL:
        return seam_value_null();
    case RECORD_REDACTED:
        return seam_value_any();
    case RECORD_BINARY:
        return seam_value_bytes(value->text, value->size);
    case RECORD_TEXT:
        break;
    }
    return (seam_value){ .kind = SEAM_KIND_TEXT, .size = value->size, .as.p = value->text };
}

/* The statement of a tape as a rule: to be compared with, never to answer. */
static void add_rule(struct pg_rule_set *set, struct arena *arena, const char *file,
                     const struct record_tape *tape)
{
    seam_value *values = arena_zero(arena, (tape->argument_count + 1) * sizeof *values);
    seam_pg_rule *rule = arena_zero(arena, sizeof *rule);
    struct err err;

    for (size_t i = 0; i < tape->argument_count; i++)
        values[i] = value_of(&tape->arguments[i]);
    rule->sql = tape->sql;
    rule->all_args = tape->argument_count > 0 ? values : NULL;
    rule->tag = "SELECT 0";
    rule->site = (seam_site){ .file = file, .line = tape->line };
    pg_rule_add(set, rule, ".", &err);
}

static void add_rules(struct pg_session *session, struct pg_rule_set *set)
{
    struct pg_recording *recording = session->mock->recording;
    struct record_session *taken = session->recorded;
    size_t added = 0;

    if (!taken)
        pg_rule_set_unordered(set);
    for (size_t i = 0; i < recording->file_session_count && added < NEAREST_MAX; i++) {
        struct record_session *of = &recording->sessions[i];

        if (taken ? of != taken : of->taken)
            continue;
        for (size_t n = of->at; n < of->count && added < NEAREST_MAX; n++, added++)
            add_rule(set, &session->arena, recording->file, of->tapes[n]);
    }
}

void pg_record_nearest(struct pg_session *session, struct buf *words)
{
    struct pg_recording *recording = session->mock->recording;
    struct pg_rule_set *set = pg_rule_set_new();
    struct buf table = BUF_INIT(64 << 10);
    const char *why = "";
    seam_site nearest = { 0 };

    add_rules(session, set);
    if (pg_rule_nearest(set, &session->call, &nearest, &why, &table))
        buf_printf(words, "is not in '%s'; %s line %d\n%s", recording->file,
                   session->recorded ? "due is" : "the nearest is", nearest.line,
                   buf_text(&table));
    else
        buf_printf(words, "is not in '%s'%s\n", recording->file,
                   session->recorded ? ": all of that session were replayed" : "");
    buf_printf(words, "try: seam test -update -run '^%s$'", seam_name(session->mock->t));
    buf_fini(&table);
    pg_rule_set_free(set);
}
