/* pg/verify_state.c - bring a real session to where a mock's session is; see verify.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/verify.h"
#include "test/t.h"

/* ---- what is not executed */

static bool is_of_the_world(const char *sqlstate)
{
    static const char *const classes[] = { "40", "53", "57", "58" };

    for (size_t i = 0; sqlstate && i < sizeof classes / sizeof *classes; i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

bool verify_is_injected(const struct pg_claim *claim)
{
    const struct pg_said *said;

    if (!claim->expected)
        return true;
    if (!claim->rule)
        return false;
    said = pg_rule_said(claim->rule);
    return said->injected || is_of_the_world(said->sqlstate) ||
           (said->fault != SEAM_PG_NO_FAULT && said->fault != SEAM_PG_DRIP);
}

/* ---- transactions */

/* Leave a batch of the extended protocol. */
static void synchronise(struct pg_verifier *verifier, struct verify_session *session)
{
    struct pg_messages said;

    if (!session->unsynced)
        return;
    if (session->ahead) { /* it is there already */
        session->ahead = NULL;
        session->unsynced = session->real_failed = false;
        return;
    }
    real_put(&session->real, 'S', "", 0);
    real_exchange(&session->real, "Z", verify_deadline(verifier), &verifier->arena, &said,
                  NULL);
    session->unsynced = session->real_failed = false;
}

static void run(struct pg_verifier *verifier, struct verify_session *session, const char *sql)
{
    struct pg_messages said;

    real_query(&session->real, sql, verify_deadline(verifier), &verifier->arena, &said, NULL);
}

void verify_lose(struct pg_verifier *verifier, struct verify_session *session)
{
    for (struct verify_write *write = verifier->writes; write; write = write->next)
        if (write->session == session->number && write->open)
            verify_unsure(verifier, write->sql);
    synchronise(verifier, session);
    if (session->real.state != 'I')
        run(verifier, session, "ROLLBACK");
    verify_transaction_ended(verifier, session->number, false);
    session->copying = NULL;
    session->lost = true;
}

void verify_fail_transaction(struct pg_verifier *verifier, struct verify_session *session)
{
    synchronise(verifier, session);
    if (session->real.state == 'T')
        run(verifier, session, "SELECT 1/0");
}

void verify_follow(struct pg_verifier *verifier, struct verify_session *session, char claimed)
{
    session->claimed_state = claimed;
    if (session->lost) {
        session->lost = claimed != 'I';
        return;
    }
    if (!real_is_open(&session->real) || session->real.state == claimed)
        return;
    if (claimed == 'E' && session->real.state == 'T') {
        verify_fail_transaction(verifier, session);
        return;
    }
    verify_lose(verifier, session);
    session->lost = claimed != 'I';
}

/* ---- .given */

static bool is_given(struct pg_verifier *verifier, const struct pg_rule *rule)
{
    const char *key = arena_printf(&verifier->arena, "%p", (const void *)rule);
    uint32_t *at = map_at(&verifier->given, key);

    if (!at)
        arena_give_up(sizeof *at);
    return (*at)++ > 0;
}

static void put_named(struct real_session *real, char type, const char *first,
                      const char *second, int zeros)
{
    size_t begun = pg_begin(&real->out, type);

    pg_put_text(&real->out, first);
    if (second)
        pg_put_text(&real->out, second);
    for (int i = 0; i < zeros; i++)
        pg_put_byte(&real->out, 0);
    pg_end(&real->out, begun);
    real_put(real, 'H', "", 0);
}

static void put_close(struct real_session *real, const char *name)
{
    size_t begun = pg_begin(&real->out, 'C');

    pg_put_byte(&real->out, 'S');
    pg_put_text(&real->out, name);
    pg_end(&real->out, begun);
    real_put(real, 'H', "", 0);
}

/* One statement inside the session's own transaction, beside what the program prepared there. */
static bool run_inside(struct pg_verifier *verifier, struct verify_session *session,
                       const char *sql, struct pg_error *ret_error)
{
    static const char name[] = "seam given";
    static const char *const until[] = { "1E", "2E", "CIsE", "3E" };
    struct real_session *real = &session->real;

    for (int step = 0; step < 4; step++) {
        struct pg_messages said;
        struct err err;

        if (step == 0)
            put_named(real, 'P', name, sql, 2);
        else if (step == 1)
            put_named(real, 'B', name, name, 6);
        else if (step == 2)
            put_named(real, 'E', name, NULL, 4);
        else
            put_close(real, name);
        *ret_error = (struct pg_error){ .message = "the session broke" };
        if (real_exchange(real, until[step], verify_deadline(verifier), &verifier->arena, &said,
                          &err) < 0 ||
            pg_messages_error(&said, ret_error)) {
            session->unsynced = true;
            return false;
        }
        session->unsynced = true;
    }
    return true;
}

static bool run_all_inside(struct pg_verifier *verifier, struct verify_session *session,
                           const char *sql, struct pg_error *ret_error)
{
    while (*sql) {
        size_t next;
        size_t size = pg_sql_first(sql, &next);
        const char *one = arena_copy(&verifier->arena, sql, size);

        if (strspn(one, " \t\r\n") < size && !run_inside(verifier, session, one, ret_error))
            return false;
        if (next == 0)
            break;
        sql += next;
    }
    return true;
}

/* A snapshot that does not change would not see what another session commits. */
static bool sees_others(const struct verify_session *session)
{
    return session->real.state == 'I' || !session->isolation ||
           strcmp(session->isolation, "read committed") == 0 ||
           strcmp(session->isolation, "read uncommitted") == 0;
}

/* On the helper, committed; inside the session where its transaction has to see it, or where it rests on what
 * that transaction wrote. */
void verify_give(struct pg_verifier *verifier, struct verify_session *session,
                 const struct pg_claim *claim)
{
    const struct pg_said *said = claim && claim->rule ? pg_rule_said(claim->rule) : NULL;
    struct pg_error error;
    bool done = false;

    if (!said || !said->given || is_given(verifier, claim->rule))
        return;
    if (sees_others(session))
        done = verify_help(verifier, said->given, &error);
    if (!done && session->real.state == 'T' && !session->real_failed) {
        done = run_all_inside(verifier, session, said->given, &error);
        if (!done)
            verify_lose(verifier, session);
    }
    if (done)
        verify_wrote_sql(verifier, said->given, claim->site, session->number, true);
    else
        seam_error_at(verifier->t, claim->site, "PostgreSQL %s does not take .given\n%s",
                      verifier->server_version, verify_error_words(&verifier->arena, &error));
}

/* ---- sequences */

/* What it was is read from the row before setval changes that. */
static struct verify_sequence *set_sequence(struct pg_verifier *verifier, const char *name,
                                            const char *value)
{
    struct verify_sequence *sequence = arena_zero(&verifier->arena, sizeof *sequence);
    const char *arguments[] = { name, value };
    const char *before[3];

    if (!verify_ask(verifier,
                    arena_printf(&verifier->arena,
                                 "SELECT last_value, is_called,"
                                 " setval($1::regclass, $2::int8, false) FROM %s",
                                 name),
                    arguments, 2, before, 3, NULL))
        return NULL;
    *sequence = (struct verify_sequence){ NULL, name, before[0], before[1] };
    return sequence;
}

static bool is_integer(const char *text)
{
    text += *text == '-';
    return *text && strspn(text, "0123456789") == strlen(text);
}

struct verify_sequence *verify_set_sequences(struct pg_verifier *verifier,
                                             const struct pg_frame *columns,
                                             const struct pg_outcome *claimed)
{
    struct verify_sequence *sequences = NULL;
    struct pg_column *at;
    struct pg_cell *cells;
    size_t count, cell_count;

    if (!columns || columns->type != 'T' || claimed->row_count == 0)
        return NULL;
    count = pg_row_description(columns, &verifier->arena, &at);
    cell_count = pg_row_cells(&claimed->rows->frame, &verifier->arena, &cells);
    for (size_t i = 0; i < count && i < cell_count; i++) {
        const struct verify_column *column =
            at[i].table ? verify_column_of(verifier, at[i].table, at[i].number) : NULL;
        struct verify_sequence *sequence = NULL;

        if (column && column->sequence && cells[i].text && is_integer(cells[i].text))
            sequence = set_sequence(verifier, column->sequence, cells[i].text);
        if (sequence) {
            sequence->next = sequences;
            sequences = sequence;
        }
    }
    return sequences;
}

/* A value that the statement itself gave has not moved its sequence. */
void verify_restore_sequences(struct pg_verifier *verifier, struct verify_sequence *sequences)
{
    for (; sequences; sequences = sequences->next) {
        const char *arguments[] = { sequences->name, sequences->last_value,
                                    sequences->is_called };
        const char *after;

        verify_ask(verifier,
                   arena_printf(&verifier->arena,
                                "SELECT setval($1::regclass, $2::int8, $3::bool) FROM %s"
                                " WHERE NOT is_called",
                                sequences->name),
                   arguments, 3, &after, 1, NULL);
    }
}
