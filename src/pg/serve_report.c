/* pg/serve_report.c - what crossed the seam, for the report of a failed test, and what fails it. */

#include <stdio.h>
#include <string.h>

#include "base/base_name.h"
#include "base/deadline.h"
#include "base/digits.h"
#include "pg/record.h"
#include "pg/session.h"
#include "test/diff.h"
#include "test/t.h"

#include "base/hostile.h"

enum { TABLE_MAX = 64 << 10, SHOWN_MAX = 200 /* bytes of an argument */ };

/* ---- a statement as it is shown */

static const char *event_name(const struct pg_session *session)
{
    switch (session->call.event) {
    case SEAM_PG_CLOSE:
        return "close";
    case SEAM_PG_PING:
        return "an empty statement";
    default:
        return "statement";
    }
}

#define ADD(to, literal) buf_put((to), (literal), sizeof(literal) - 1)

/* "$3" */
static void add_parameter(struct buf *to, size_t number)
{
    char words[1 + DIGITS_MAX], *end = words + sizeof words;
    char *at = digits_before(end, number);

    *--at = '$';
    buf_put(to, at, (size_t)(end - at));
}

static void add_argument(struct buf *to, const char *text, bool hidden)
{
    size_t size = text ? strnlen(text, SHOWN_MAX + 1) : 0;

    if (!text) {
        ADD(to, "=NULL");
    } else if (hidden) {
        ADD(to, "=***");
    } else {
        ADD(to, "='");
        buf_put(to, text, size < SHOWN_MAX ? size : SHOWN_MAX);
        if (size > SHOWN_MAX)
            ADD(to, "...");
        ADD(to, "'");
    }
}

static void add_arguments(struct buf *to, const seam_pg_call *call,
                          const struct pg_shown *shown)
{
    if (call->arg_count == 0)
        return;
    for (size_t i = 0; i < call->arg_count; i++) {
        buf_put(to, i == 0 ? " [" : ", ", 2);
        add_parameter(to, i + 1);
        add_argument(to, call->args[i], pg_shown_hides(shown, (int)i + 1));
    }
    ADD(to, "]");
}

/* A statement as the journal has it: what the engine told of it is gone once it is answered. */
static void name_entry(const struct pg_session *session, const struct pg_entry *entry,
                       struct buf *name)
{
    const struct pg_shown *shown = pg_shown_of(&session->mock->shown, entry->call.sql);

    buf_put(name, shown->text, shown->size);
    if (name->size == 0)
        buf_add_text(name, event_name(session));
    add_arguments(name, &entry->call, shown);
}

static void name_event(struct pg_session *session, struct buf *name)
{
    enum seam_pg_event event = session->call.event;

    if (event == SEAM_PG_PREPARE || event == SEAM_PG_DEALLOCATE)
        buf_add_text(name, event == SEAM_PG_PREPARE ? "PREPARE " : "DEALLOCATE ");
    if (session->call.sql)
        buf_add_text(name, pg_shown_of(&session->mock->shown, session->call.sql)->text);
    if (event == SEAM_PG_CONNECT)
        buf_printf(name, "connect %s:%d", session->mock->host, session->mock->port);
    if (name->size == 0)
        buf_add_text(name, event_name(session));
}

const char *pg_report_name(struct pg_session *session)
{
    struct buf *name = &session->mock->words;

    name->cap = TABLE_MAX;
    buf_clear(name);
    if (session->entry)
        name_entry(session, session->entry, name);
    else
        name_event(session, name);
    return buf_text(name);
}

/* ---- the exchange */

static const char *fault_note(struct pg_session *session)
{
    const struct pg_said *said = session->rule ? pg_rule_said(session->rule) : NULL;
    const char *word;

    switch (said ? said->fault : SEAM_PG_NO_FAULT) {
    case SEAM_PG_RESET:
        word = "reset";
        break;
    case SEAM_PG_CLOSED:
        word = "closed";
        break;
    case SEAM_PG_STALL:
        word = "stalls";
        break;
    case SEAM_PG_KILL:
        return "then the session is ended";
    default:
        return NULL;
    }
    return arena_printf(&session->arena, "%s after %d bytes", word, said->fault_after);
}

void pg_report(struct pg_session *session, const char *answer, const char *body, size_t size)
{
    uint64_t now = now_ns();
    uint64_t begin = session->begin_ns ? session->begin_ns : now;

    t_exchange(
        session->mock->t,
        &(struct t_exchange){ .seam = "pg",
                              .what = pg_report_name(session),
                              .answer = answer,
                              .begin_ns = begin,
                              .elapsed_ns = now - begin,
                              .body = body,
                              .body_size = size,
                              .note = session->note ? session->note : fault_note(session) });
}

void pg_report_no_connection(struct seam_pg_mock *mock, const char *answer)
{
    char what[300];

    snprintf(what, sizeof what, "connect %s:%d", mock->host, mock->port);
    t_exchange(mock->t,
               &(struct t_exchange){
                   .seam = "pg", .what = what, .answer = answer, .begin_ns = now_ns() });
}

/* ---- what fails the test */

static void add_nearest(struct pg_session *session, struct buf *words)
{
    struct buf table = BUF_INIT(TABLE_MAX);
    const char *why = "the nearest rule is";
    seam_site nearest = { 0 };

    if (pg_rule_nearest(session->mock->rules, &session->call, &nearest, &why, &table))
        buf_printf(words, "was not expected; %s at %s:%d\n%s", why, base_name(nearest.file),
                   nearest.line, buf_text(&table));
    else
        buf_add_text(words, "was not expected; the mock has no rules");
    buf_fini(&table);
}

void pg_report_unexpected(struct pg_session *session)
{
    struct seam_pg_mock *mock = session->mock;
    bool forbidden = session->rule != NULL;
    seam_site site = forbidden ? pg_rule_site(session->rule) : mock->site;
    struct buf words = BUF_INIT(2 * TABLE_MAX);

    if (mock->options.lenient && !forbidden)
        return;
    buf_printf(&words, "%s ", pg_report_name(session));
    if (mock->recording)
        pg_record_nearest(session, &words);
    else if (forbidden)
        buf_add_text(&words, "came, but this rule is .never");
    else
        add_nearest(session, &words);
    if (told_is_news(&mock->told, buf_text(&words), words.size))
        seam_error_at(mock->t, site, "%s", buf_text(&words));
    buf_fini(&words);
}

void pg_report_copy(struct pg_session *session, const struct pg_said *said)
{
    const struct pg_ask *ask = session->ask;
    struct buf words = BUF_INIT(TABLE_MAX);

    session->note = "other data";
    buf_add_text(&words, "the data of COPY is not what this rule expects\n");
    diff_text_sized(&words, ask->copy_data, ask->copy_size, said->copy_in,
                    strlen(said->copy_in));
    seam_error_at(session->mock->t, pg_rule_site(session->rule), "%s", buf_text(&words));
    buf_fini(&words);
}

void pg_report_copy_data(struct pg_session *session, const char *who, const char *data,
                         size_t size)
{
    const struct pg_ask *ask = session->ask;
    struct buf words = BUF_INIT(TABLE_MAX);

    session->note = "other data";
    buf_printf(&words, "the data of COPY is not that of %s\n", who);
    diff_text_sized(&words, ask->copy_data, ask->copy_size, data, size);
    seam_error_at(session->mock->t, session->mock->site, "%s", buf_text(&words));
    buf_fini(&words);
}
