/*
 * pg/serve.c - what the engine of a session asks, and who answers it: a rule, the engine by itself, or nobody;
 * see session.h.
 */

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "link/link.h"
#include "pg/record.h"
#include "pg/session.h"
#include "test/t.h"

#include "base/hostile.h"

/* ---- the ask as rules look at it */

static enum seam_pg_event event_of_statement(const struct pg_sql *is)
{
    switch (is->kind) {
    case PG_SQL_EMPTY:
        return SEAM_PG_PING;
    case PG_SQL_BEGIN:
        return SEAM_PG_BEGIN;
    case PG_SQL_COMMIT:
        return SEAM_PG_COMMIT;
    case PG_SQL_ROLLBACK:
        return SEAM_PG_ROLLBACK;
    case PG_SQL_SAVEPOINT:
        return SEAM_PG_SAVEPOINT;
    case PG_SQL_RELEASE:
        return SEAM_PG_RELEASE;
    case PG_SQL_ROLLBACK_TO:
        return SEAM_PG_ROLLBACK_TO;
    default:
        return SEAM_PG_STATEMENT;
    }
}

static enum seam_pg_event event_of(const struct pg_ask *ask)
{
    switch (ask->kind) {
    case PG_ASK_START:
        return SEAM_PG_CONNECT;
    case PG_ASK_CLOSE:
        return SEAM_PG_DEALLOCATE;
    case PG_ASK_TERMINATE:
        return SEAM_PG_CLOSE;
    case PG_ASK_PARSE:
        if (ask->statement->name && *ask->statement->name)
            return SEAM_PG_PREPARE;
        return event_of_statement(&ask->statement->is);
    default:
        return event_of_statement(&ask->statement->is);
    }
}

/* What BEGIN does not say is as the session has it. */
static void fill_modes(struct pg_session *session)
{
    const struct pg_sql *is = session->call.is;
    const char *read_only = pg_server_setting(session->server, "default_transaction_read_only");

    session->call.isolation =
        is->isolation ? is->isolation
                      : pg_server_setting(session->server, "default_transaction_isolation");
    session->call.read_only =
        is->read_only >= 0 ? is->read_only == 1 : read_only && strcmp(read_only, "on") == 0;
}

static void fill_call(struct pg_session *session)
{
    static const struct pg_argument none; /* known to be none */
    const struct pg_ask *ask = session->ask;
    bool has_arguments = ask->kind == PG_ASK_EXECUTE || ask->kind == PG_ASK_DESCRIBE;

    session->call = (struct pg_call){ .event = event_of(ask), .arena = &session->arena };
    session->begin_ns =
        ask->kind == PG_ASK_PARSE || ask->kind == PG_ASK_DESCRIBE ? 0 : now_ns();
    if (!ask->statement)
        return;
    session->call.sql = ask->statement->sql;
    session->call.is = &ask->statement->is;
    if (session->call.event == SEAM_PG_BEGIN)
        fill_modes(session);
    if (!has_arguments || (ask->kind == PG_ASK_DESCRIBE && !ask->portal))
        return;
    session->call.argument_count = ask->argument_count;
    session->call.arguments = ask->arguments ? ask->arguments : &none;
}

/* ---- choosing */

static void chosen(struct pg_session *session);
static void choose(struct pg_session *session);

static void choose_now(seam_t *t, void *arg)
{
    struct pg_session *session = arg;

    (void)t;
    session->rule = pg_rule_choose(session->mock->rules, &session->call, &session->forbidden);
}

/* What the rule's code checks is the test's; a fatal in it leaves the statement without a rule. */
static void choose_outside(void *arg)
{
    struct pg_session *session = arg;

    t_call(session->mock->t, choose_now, session);
}

void pg_serve_outside(struct pg_session *session, void (*fn)(void *arg), void *arg)
{
    struct seam_pg_mock *mock = session->mock;

    mock->choosing = true;
    stream_enter(&session->stream);
    loop_outside(fn, arg);
    mock->choosing = false;
    loop_wake_waiters();
    for (struct pg_session *other = mock->sessions; other; other = other->next)
        if (other->waits) {
            other->waits = false;
            pg_session_after(other, 0, other->then);
        }
    stream_leave(&session->stream);
}

bool pg_serve_may_call(struct pg_session *session, void (*then)(struct pg_session *session))
{
    if (session->mock->choosing) {
        session->then = then;
        session->waits = true;
        return false;
    }
    if (loop_is_this_thread())
        return true;
    pg_session_after(session, 0, then);
    return false;
}

static void choose(struct pg_session *session)
{
    struct seam_pg_mock *mock = session->mock;

    session->rule = NULL;
    if (!mock->choosing && !pg_rule_needs_user(mock->rules, &session->call)) {
        choose_now(mock->t, session);
    } else if (pg_serve_may_call(session, choose)) {
        pg_serve_outside(session, choose_outside, session);
    } else {
        return;
    }
    if (!session->stream.dead)
        chosen(session);
}

/* ---- using what was chosen */

static bool is_about(struct pg_session *session)
{
    return pg_rule_is_about(session->mock->rules, &session->call);
}

static void use_rule(struct pg_session *session)
{
    pg_rule_use(session->mock->rules, session->rule);
    if (session->entry)
        session->entry->call.rule = pg_rule_site(session->rule);
    else /* for the report: a statement that cannot be prepared goes when it is answered */
        session->call.sql = arena_dup(&session->arena, session->call.sql);
}

static void delay_is_over(struct pg_session *session)
{
    session->delayed = false;
    pg_answer_rule(session);
}

static void time_is_up(struct pg_session *session)
{
    static const struct pg_error error = { .sqlstate = "57014",
                                           .message = "canceling statement due to statement "
                                                      "timeout" };

    session->note = "statement_timeout";
    pg_answer_error(session, &error);
}

/* The server's own timer runs for what is executed. */
static bool is_too_slow(struct pg_session *session, int ms, int *ret_after)
{
    const char *timeout = pg_server_setting(session->server, "statement_timeout");

    *ret_after = timeout && session->ask->kind == PG_ASK_EXECUTE ? atoi(timeout) : 0;
    return *ret_after > 0 && *ret_after < ms;
}

static void answer_by_rule(struct pg_session *session)
{
    int ms = pg_rule_said(session->rule)->delay_ms, timeout;

    use_rule(session);
    if (ms > 0 && is_too_slow(session, ms, &timeout)) {
        session->delayed = true;
        pg_session_after(session, timeout, time_is_up);
    } else if (ms > 0) {
        session->delayed = true;
        pg_session_after(session, ms, delay_is_over);
    } else {
        pg_answer_rule(session);
    }
}

/* The server refuses by itself what the mock was told to have. */
static bool refuse_start(struct pg_session *session)
{
    const seam_pg_mock_options *options = &session->mock->options;
    const struct pg_start *start = session->ask->start;
    struct pg_error error = { .severity = "FATAL" };

    if (options->auth == SEAM_PG_TRUST && options->user &&
        strcmp(options->user, start->user ? start->user : "") != 0) {
        error.sqlstate = "28000";
        error.message = arena_printf(&session->arena, "role \"%s\" does not exist",
                                     start->user ? start->user : "");
    } else if (options->database &&
               strcmp(options->database, start->database ? start->database : "") != 0) {
        error.sqlstate = "3D000";
        error.message = arena_printf(&session->arena, "database \"%s\" does not exist",
                                     start->database ? start->database : "");
    } else {
        return false;
    }
    pg_answer_error(session, &error);
    return true;
}

/* What is an event for rules, and otherwise happens by itself. */
static void chosen_event(struct pg_session *session)
{
    if (session->rule && !session->forbidden)
        answer_by_rule(session);
    else if (session->forbidden || is_about(session))
        pg_answer_unexpected(session);
    else if (session->ask->kind != PG_ASK_START)
        pg_answer_done(session);
    else if (!refuse_start(session))
        pg_answer_done(session);
}

/* The server finds at Parse what is wrong with a statement itself. */
static bool is_parse_error(const struct pg_rule *rule)
{
    const struct pg_error *error = pg_rule_error(rule);

    return error && error->sqlstate && !pg_rule_has_rows(rule) &&
           (strncmp(error->sqlstate, "42", 2) == 0 || strncmp(error->sqlstate, "0A", 2) == 0);
}

static void begin_entry(struct pg_session *session)
{
    if (!session->entry)
        session->entry =
            pg_journal_add(&session->mock->journal, session->number, &session->call);
}

static void chosen_parse(struct pg_session *session)
{
    if (session->call.event == SEAM_PG_PREPARE) {
        if (session->rule || is_about(session)) {
            chosen_event(session);
            return;
        }
        session->call.event = event_of_statement(session->call.is);
        choose(session);
    } else if (session->rule && !session->forbidden && is_parse_error(session->rule)) {
        begin_entry(session);
        answer_by_rule(session);
    } else {
        session->rule = NULL; /* it answers the execution, and so do its faults */
        pg_answer_done(session);
    }
}

/* Another rule may be due when it is executed; what is wrong then is said then. */
static void chosen_describe(struct pg_session *session)
{
    if (!session->rule || session->forbidden)
        session->rule = pg_rule_peek(session->mock->rules, &session->call);
    session->forbidden = false;
    if (session->rule)
        pg_answer_description(session);
    else if (is_about(session))
        pg_answer_unexpected(session);
    else
        pg_answer_automatic(session);
}

static void chosen_execute(struct pg_session *session)
{
    if (session->rule && !session->forbidden)
        answer_by_rule(session);
    else if (session->forbidden || is_about(session))
        pg_answer_unexpected(session);
    else
        pg_answer_automatic(session);
}

static void chosen(struct pg_session *session)
{
    switch (session->ask->kind) {
    case PG_ASK_PARSE:
        chosen_parse(session);
        break;
    case PG_ASK_DESCRIBE:
        chosen_describe(session);
        break;
    case PG_ASK_EXECUTE:
        chosen_execute(session);
        break;
    default:
        chosen_event(session);
        break;
    }
}

/* ---- cancelling */

void pg_serve_cancel(struct pg_session *session)
{
    static const struct pg_error error = { .sqlstate = "57014",
                                           .message =
                                               "canceling statement due to user request" };

    if (!session->delayed)
        return; /* too late, or too early: nothing happens, as with the server */
    stream_enter(&session->stream);
    loop_timer_cancel(&session->timer);
    session->note = "canceled";
    pg_answer_error(session, &error);
    stream_leave(&session->stream);
}

static void take_cancel(struct pg_session *session)
{
    struct pg_session *meant =
        pg_session_of_key(session->mock, session->ask->pid, session->ask->key);

    if (meant)
        pg_serve_cancel(meant);
    pg_server_done(session->server);
    pg_session_answered(session);
}

void pg_serve_cut(struct pg_session *session)
{
    session->note = "the program closed the connection";
    session->waits = session->delayed = false;
    if (session->entry) {
        bool told = session->entry->ended; /* by a fault, which has cut the connection */

        pg_entry_answer(session->entry, NULL, NULL);
        if (!told)
            pg_report(session, NULL, NULL, 0);
    }
    if (session->held)
        pg_entry_answer(session->held, NULL, NULL);
    session->ask = NULL;
}

int pg_serve_refusal(struct seam_pg_mock *mock)
{
    struct arena arena = { 0 };
    struct pg_call call = { .event = SEAM_PG_CONNECT, .arena = &arena };
    bool forbidden = false;
    const struct pg_rule *rule =
        mock->choosing ? NULL : pg_rule_choose(mock->rules, &call, &forbidden);
    int fault = rule && !forbidden ? pg_rule_said(rule)->fault : SEAM_PG_NO_FAULT;

    if (fault == SEAM_PG_REFUSE || fault == SEAM_PG_UNREACHABLE) {
        pg_rule_use(mock->rules, rule);
        pg_report_no_connection(mock, fault == SEAM_PG_REFUSE ? "refused" : "no answer");
    }
    arena_fini(&arena);
    return fault == SEAM_PG_REFUSE        ? LINK_BREAK_REFUSED
           : fault == SEAM_PG_UNREACHABLE ? LINK_BREAK_NO_ANSWER
                                          : 0;
}

/* ---- beginning */

/* The engine has ended a COPY by itself: the client sent what is no part of it. */
static void forget_copy(struct pg_session *session)
{
    session->copying = NULL;
    session->copy_tape = NULL;
    pg_entry_release(session->copy_entry);
    session->copy_entry = NULL;
}

void pg_serve(struct pg_session *session)
{
    const struct pg_ask *ask = session->ask;

    pg_answer_begin(session);
    if (ask->kind != PG_ASK_COPIED)
        forget_copy(session);
    if (ask->kind == PG_ASK_CANCEL && !session->mock->recording) {
        take_cancel(session);
        return;
    }
    if (session->mock->recording) {
        if (ask->kind != PG_ASK_SYNC && ask->kind != PG_ASK_CANCEL &&
            ask->kind != PG_ASK_COPIED)
            fill_call(session);
        else
            session->call = (struct pg_call){ .arena = &session->arena };
        pg_record_serve(session);
        return;
    }
    if (ask->kind == PG_ASK_SYNC) {
        pg_server_done(session->server);
        pg_session_answered(session);
        return;
    }
    if (ask->kind == PG_ASK_COPIED) {
        session->begin_ns = now_ns();
        pg_answer_copied(session);
        return;
    }
    if (ask->kind == PG_ASK_START)
        pg_session_count(session);
    fill_call(session);
    if (ask->kind == PG_ASK_EXECUTE) {
        begin_entry(session);
        if (ask->failed) {
            pg_answer_automatic(session);
            return;
        }
    }
    choose(session);
}
