/* pg/verify_query.c - a simple query, given to a real session; see verify_turn.h. */

#include <string.h>

#include "pg/verify_turn.h"

/* The nth statement of the query that is not empty, from 0. */
static const char *nth_statement(struct arena *arena, const char *sql, size_t n)
{
    const char *whole = sql;

    while (*sql) {
        size_t next;
        size_t size = pg_sql_first(sql, &next);
        const char *one = arena_copy(arena, sql, size);
        struct pg_sql is;

        pg_sql_classify(&is, one, arena);
        if (is.kind != PG_SQL_EMPTY && n-- == 0)
            return one;
        if (next == 0)
            break;
        sql += next;
    }
    return whole;
}

/* Parse and describe a statement in the session itself: what its transaction made is known there. A transaction
 * that fails by this has a contradiction anyway. */
static bool describe(struct pg_verifier *verifier, struct verify_session *session,
                     const char *sql, struct pg_outcome *ret)
{
    struct real_session *real = &session->real;
    size_t begun = pg_begin(&real->out, 'P');
    struct pg_messages said;
    const struct pg_message *at;

    pg_put_text(&real->out, "");
    pg_put_text(&real->out, sql);
    pg_put_int16(&real->out, 0);
    pg_end(&real->out, begun);
    real_put(real, 'D', "S", 2);
    real_put(real, 'S', "", 0);
    if (!verify_exchange(verifier, session, "Z", &said))
        return false;
    at = said.first;
    pg_outcome_next(&at, ret);
    return true;
}

/* ---- what is not executed */

static void parse_only(struct pg_verifier *verifier, struct verify_session *session,
                       const struct pg_claim *claim, const struct pg_outcome *claimed)
{
    struct verify_case of = { .session = session,
                              .claim = claim,
                              .sql = claim->sql,
                              .claimed = *claimed,
                              .parsed_only = true };
    struct pg_sql is;

    pg_sql_classify(&is, claim->sql, &verifier->arena);
    if (!claim->expected || is.kind != PG_SQL_OTHER ||
        !describe(verifier, session, claim->sql, &of.real))
        return;
    of.claimed_columns = claimed->columns;
    of.real_columns = of.real.columns;
    verify_conclude(verifier, &of);
}

static bool is_any_injected(const struct pg_claim *claim)
{
    while (claim && !verify_is_injected(claim))
        claim = claim->next;
    return claim != NULL;
}

/* An error undoes the whole query outside of a transaction, and in one the transaction. */
static void take_injected(struct pg_verifier *verifier, struct verify_session *session,
                          const struct pg_turn *turn, const struct pg_messages *claimed)
{
    const struct pg_message *at = claimed->first;
    struct pg_outcome outcome;
    bool failed = false;

    for (const struct pg_claim *claim = turn->claims; claim; claim = claim->next) {
        pg_outcome_next(&at, &outcome);
        failed |= outcome.end == 'E';
        if (verify_is_injected(claim))
            parse_only(verifier, session, claim, &outcome);
    }
    for (const struct pg_claim *claim = turn->claims; claim && !failed; claim = claim->next)
        verify_unsure(verifier, claim->sql);
    if (failed && session->claimed_state == 'T')
        verify_fail_transaction(verifier, session);
}

/* ---- what is */

static struct verify_sequence *prepare(struct pg_verifier *verifier,
                                       struct verify_session *session,
                                       const struct pg_turn *turn,
                                       const struct pg_messages *claimed)
{
    const struct pg_claim *claim = turn->claims;
    const struct pg_message *at = claimed->first;
    struct pg_outcome outcome, described;
    struct pg_sql is;

    for (const struct pg_claim *each = claim; each; each = each->next) {
        verify_give(verifier, session, each);
        verify_look_at_isolation(verifier, session, each->sql);
    }
    if (!claim || claim->next || session->lost || session->is_over)
        return NULL;
    pg_sql_classify(&is, claim->sql, &verifier->arena);
    pg_outcome_next(&at, &outcome);
    if (!is.returning || outcome.row_count == 0 || session->real.state == 'E' ||
        !describe(verifier, session, claim->sql, &described) || described.end == 'E')
        return NULL;
    return verify_set_sequences(verifier, described.columns, &outcome);
}

static void begin_copy(struct verify_session *session, const struct verify_case *of)
{
    session->copying = of->claim;
    session->copy_sql = of->sql;
}

/* A simple query has no NoData. */
static const struct pg_frame *columns_of(const struct pg_outcome *outcome)
{
    static const struct pg_frame none = { 'n', "", 0 };

    return !outcome->columns && outcome->end == 'C' ? &none : outcome->columns;
}

static void conclude_all(struct pg_verifier *verifier, struct verify_session *session,
                         const struct pg_turn *turn, const struct pg_messages *claimed,
                         const struct pg_messages *real)
{
    const struct pg_message *claimed_at = claimed->first, *real_at = real->first;
    const struct pg_claim *claim = turn->claims;

    for (size_t n = 0;; n++) {
        struct verify_case of = { .session = session, .claim = claim };
        bool is_claimed = pg_outcome_next(&claimed_at, &of.claimed);
        bool is_real = pg_outcome_next(&real_at, &of.real);

        if (!is_claimed || !is_real)
            return; /* one of them had an error before */
        of.sql = claim ? claim->sql : nth_statement(&verifier->arena, turn->body, n);
        of.claimed_columns = columns_of(&of.claimed);
        of.real_columns = columns_of(&of.real);
        if (of.claimed.end == 'G' && of.real.end == 'G')
            begin_copy(session, &of);
        else
            verify_conclude(verifier, &of);
        claim = claim ? claim->next : NULL;
    }
}

static bool is_rolled_back(const struct pg_messages *said)
{
    bool rolled_back = false;

    for (const struct pg_message *at = said->first; at; at = at->next)
        if (at->frame.type == 'E' || at->frame.type == 'C')
            rolled_back = at->frame.type == 'E' || strncmp(at->frame.body, "ROLLBACK", 8) == 0;
    return rolled_back;
}

void verify_query(struct pg_verifier *verifier, struct verify_session *session,
                  const struct pg_turn *turn)
{
    struct pg_messages claimed, real;
    struct verify_sequence *sequences;
    bool gone;

    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    if (is_any_injected(turn->claims)) {
        take_injected(verifier, session, turn, &claimed);
        return;
    }
    sequences = prepare(verifier, session, turn, &claimed);
    if (session->lost || session->is_over)
        return;
    real_put(&session->real, 'Q', turn->body, turn->size);
    gone = !verify_exchange(verifier, session, "ZG", &real);
    verify_restore_sequences(verifier, sequences);
    if (gone)
        return;
    conclude_all(verifier, session, turn, &claimed, &real);
    if (session->real.state == 'I' && !session->copy_sql)
        verify_transaction_ended(verifier, session->number, !is_rolled_back(&real));
}
