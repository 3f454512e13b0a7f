/* pg/verify_extended.c - messages of the extended protocol, given to a real session; see verify_turn.h. */

#include <string.h>

#include "pg/verify_turn.h"

enum { TEXT_OID = 25 };

/* ---- what was prepared */

static struct verify_statement *statement_of(struct pg_verifier *verifier,
                                             struct verify_session *session, const char *name)
{
    struct verify_statement *statement = session->statements;

    while (statement && strcmp(statement->name, name) != 0)
        statement = statement->next;
    if (statement)
        return statement;
    statement = arena_zero(&verifier->arena, sizeof *statement);
    statement->name = name;
    statement->next = session->statements;
    session->statements = statement;
    return statement;
}

static struct verify_portal *portal_of(struct pg_verifier *verifier,
                                       struct verify_session *session, const char *name)
{
    struct verify_portal *portal = session->portals;

    while (portal && strcmp(portal->name, name) != 0)
        portal = portal->next;
    if (portal)
        return portal;
    portal = arena_zero(&verifier->arena, sizeof *portal);
    portal->name = name;
    portal->next = session->portals;
    session->portals = portal;
    return portal;
}

static void take_statement(struct pg_verifier *verifier, struct verify_session *session,
                           struct pg_body *body, struct verify_statement **ret)
{
    struct verify_statement *statement = statement_of(verifier, session, pg_get_text(body));
    uint32_t *types;

    statement->sql = pg_get_text(body);
    statement->type_count = (size_t)pg_get_int16(body);
    types = arena_zero(&verifier->arena, (statement->type_count + 1) * sizeof *types);
    for (size_t i = 0; i < statement->type_count && !body->failed; i++)
        types[i] = (uint32_t)pg_get_int32(body);
    statement->types = types;
    *ret = statement;
}

/* ---- errors that only one side has, so far */

static void note_claimed_error(struct verify_session *session, const struct pg_claim *claim,
                               const struct pg_outcome *claimed, const char *sql,
                               const char *arguments)
{
    if (claimed->end != 'E' || session->failed_sql || session->real_failed)
        return;
    session->failed_claim = claim;
    session->claimed_error = *claimed;
    session->failed_sql = sql;
    session->failed_arguments = arguments;
}

static void note_real_error(struct verify_session *session, const struct pg_messages *said,
                            const char *sql)
{
    struct pg_error error;

    if (!pg_messages_error(said, &error))
        return;
    session->real_failed = true;
    session->real_error = error;
    session->real_sql = sql;
}

/* Both have an error, or the double has one and the server went past it. */
static void resolve(struct pg_verifier *verifier, struct verify_session *session,
                    const struct pg_outcome *real)
{
    struct verify_case of = { .session = session,
                              .claim = session->failed_claim,
                              .sql = session->failed_sql,
                              .arguments = session->failed_arguments,
                              .claimed = session->claimed_error,
                              .real = *real };

    if (!session->failed_sql || !real->end)
        return;
    verify_conclude(verifier, &of);
    session->failed_sql = session->real_sql = NULL;
}

/* ---- one message that is no Execute */

struct step {
    const char *until;
    const char *sql, *arguments;
    const struct pg_claim *claim;
};

static void take_columns(const struct pg_messages *said, const struct pg_frame **ret)
{
    for (const struct pg_message *at = said->first; at; at = at->next)
        if (at->frame.type == 'T' || at->frame.type == 'n')
            *ret = &at->frame;
}

static const struct pg_frame *find_frame(const struct pg_messages *said, char type)
{
    for (const struct pg_message *at = said->first; at; at = at->next)
        if (at->frame.type == type)
            return &at->frame;
    return NULL;
}

static const char *type_list(struct pg_verifier *verifier, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);
    int count = pg_get_int16(&body);
    const char *words = "parameters";

    for (int i = 0; i < count && !body.failed; i++)
        words = arena_printf(&verifier->arena, "%s%s $%d %s", words, i > 0 ? "," : "", i + 1,
                             verify_type_name(verifier, (uint32_t)pg_get_int32(&body), -1));
    return words;
}

/* What the double does not know it calls text, as the server does with what it cannot infer. */
static bool are_same_parameters(const struct pg_frame *claimed, const struct pg_frame *real)
{
    struct pg_body a = pg_body(claimed), b = pg_body(real);
    int count = pg_get_int16(&a);
    bool same = count == pg_get_int16(&b);

    for (int i = 0; i < count && same; i++) {
        uint32_t said = (uint32_t)pg_get_int32(&a), is = (uint32_t)pg_get_int32(&b);

        same = said == is || said == 0 || said == TEXT_OID;
    }
    return same;
}

static void compare_parameters(struct pg_verifier *verifier, struct verify_session *session,
                               const struct step *step, const struct pg_messages *claimed,
                               const struct pg_messages *real)
{
    const struct pg_frame *said = find_frame(claimed, 't'), *is = find_frame(real, 't');
    struct verify_case of = { .session = session, .claim = step->claim, .sql = step->sql };

    if (!said || !is || !step->sql || are_same_parameters(said, is))
        return;
    of.claimed.end = of.real.end = 'C';
    of.claimed.tag = type_list(verifier, said);
    of.real.tag = type_list(verifier, is);
    verify_conclude(verifier, &of);
}

static void give_step(struct pg_verifier *verifier, struct verify_session *session,
                      const struct pg_turn *turn, const struct step *step)
{
    struct pg_messages claimed, real;
    const struct pg_message *at;
    struct pg_outcome outcome;

    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    at = claimed.first;
    pg_outcome_next(&at, &outcome);
    if (session->real_failed)
        return;
    verify_put(session, turn);
    session->unsynced = true;
    if (!verify_exchange(verifier, session, step->until, &real))
        return;
    note_claimed_error(session, step->claim, &outcome, step->sql, step->arguments);
    if (turn->type == 'D') {
        session->claimed_columns = session->real_columns = NULL;
        take_columns(&claimed, &session->claimed_columns);
        take_columns(&real, &session->real_columns);
        compare_parameters(verifier, session, step, &claimed, &real);
    }
    note_real_error(session, &real, step->sql);
    if (session->real_failed) {
        outcome = (struct pg_outcome){ .end = 'E', .error = session->real_error };
        resolve(verifier, session, &outcome);
    }
}

/* ---- Parse, Bind, Describe, Close */

/* Behind a transaction that is lost the statement may be needed again. */
static void parse_aside(struct pg_verifier *verifier, struct verify_session *session,
                        const struct pg_turn *turn)
{
    struct pg_messages said;

    real_put(&session->real, turn->type, turn->body, turn->size);
    real_put(&session->real, 'S', "", 0);
    verify_exchange(verifier, session, "Z", &said);
}

static void parse(struct pg_verifier *verifier, struct verify_session *session,
                  const struct pg_turn *turn, struct pg_body *body)
{
    struct step step = { .until = "1E", .claim = verify_next_claim(verifier, turn) };
    struct verify_statement *statement;

    take_statement(verifier, session, body, &statement);
    step.sql = statement->sql;
    if (session->lost) {
        if (*statement->name)
            parse_aside(verifier, session, turn);
        return;
    }
    if (step.claim && step.claim->expected && !session->real_failed)
        verify_give(verifier, session, step.claim);
    if (!session->lost)
        give_step(verifier, session, turn, &step);
}

static void bind(struct pg_verifier *verifier, struct verify_session *session,
                 const struct pg_turn *turn, struct pg_body *body)
{
    const struct pg_frame frame = { 'B', turn->body, turn->size };
    struct verify_portal *portal = portal_of(verifier, session, pg_get_text(body));
    struct step step = { .until = "2E", .claim = verify_next_claim(verifier, turn) };

    portal->statement = statement_of(verifier, session, pg_get_text(body));
    portal->arguments = verify_arguments(&verifier->arena, &frame);
    step.sql = portal->statement->sql;
    step.arguments = portal->arguments;
    if (session->lost)
        return;
    if (step.claim && step.claim->expected && !session->real_failed)
        verify_give(verifier, session, step.claim);
    if (!session->lost)
        give_step(verifier, session, turn, &step);
}

static void describe(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *turn, struct pg_body *body)
{
    struct step step = { .until = "TnE", .claim = verify_next_claim(verifier, turn) };
    bool is_portal = pg_get_byte(body) == 'P';
    const char *name = pg_get_text(body);

    if (is_portal) {
        const struct verify_portal *portal = portal_of(verifier, session, name);

        step.sql = portal->statement ? portal->statement->sql : NULL;
        step.arguments = portal->arguments;
    } else
        step.sql = statement_of(verifier, session, name)->sql;
    if (!session->lost)
        give_step(verifier, session, turn, &step);
}

/* ---- Execute */

/* What the batch, or the transaction around it, did so far is undone by an error. */
static void fail_batch(struct pg_verifier *verifier, struct verify_session *session)
{
    static const char wrong[] = "\0this has failed\0\0";
    struct pg_messages said;

    real_put(&session->real, 'P', wrong, sizeof wrong);
    real_put(&session->real, 'H', "", 0);
    session->unsynced = true;
    verify_exchange(verifier, session, "1E", &said);
}

/* The real session goes past it: an error is made there, a success is not known. */
static void pass_over(struct pg_verifier *verifier, struct verify_session *session,
                      struct verify_case *of)
{
    of->parsed_only = true;
    if (of->claim->expected)
        verify_conclude(verifier, of);
    if (of->claimed.end != 'E') {
        verify_unsure(verifier, of->sql);
        return;
    }
    fail_batch(verifier, session);
    session->real_failed = true;
    session->real_sql = NULL;
}

/* Nothing was to be executed, but it did not even parse. */
static void pass_failed(struct pg_verifier *verifier, struct verify_session *session,
                        struct verify_case *of)
{
    of->parsed_only = true;
    of->real = (struct pg_outcome){ .end = 'E', .error = session->real_error };
    if (of->claim->expected && session->real_sql)
        verify_conclude(verifier, of);
    session->real_sql = NULL;
}

static bool ask(struct pg_verifier *verifier, struct verify_session *session,
                const struct pg_turn *turn, struct verify_case *of)
{
    struct verify_sequence *sequences = NULL;
    const struct pg_message *at;
    struct pg_messages real;
    bool goes_on;

    if (of->claimed.row_count > 0 && !session->ahead)
        sequences = verify_set_sequences(verifier, session->real_columns, &of->claimed);
    verify_send_end(verifier, session, turn);
    verify_put(session, turn);
    session->unsynced = true;
    goes_on = verify_exchange(verifier, session, "CIsEG", &real);
    verify_restore_sequences(verifier, sequences);
    if (!goes_on)
        return false;
    at = real.first;
    pg_outcome_next(&at, &of->real);
    note_real_error(session, &real, NULL);
    return true;
}

static void execute_it(struct pg_verifier *verifier, struct verify_session *session,
                       const struct pg_turn *turn, struct verify_case *of)
{
    if (of->claim && verify_is_injected(of->claim)) {
        if (!session->real_failed)
            pass_over(verifier, session, of);
        else
            pass_failed(verifier, session, of);
        return;
    }
    if (session->real_failed)
        of->real = (struct pg_outcome){ .end = 'E', .error = session->real_error };
    else if (!ask(verifier, session, turn, of))
        return;
    session->real_sql = NULL; /* it is said here */
    resolve(verifier, session, &of->real);
    if (!of->claimed.end)
        return; /* the double skips to Sync */
    if (of->claimed.end == 'G' && of->real.end == 'G') {
        session->copying = of->claim;
        session->copy_sql = of->sql;
        return;
    }
    verify_conclude(verifier, of);
}

static void execute(struct pg_verifier *verifier, struct verify_session *session,
                    const struct pg_turn *turn, struct pg_body *body)
{
    const struct verify_portal *portal = portal_of(verifier, session, pg_get_text(body));
    struct verify_case of = { .session = session,
                              .claim = turn->claims,
                              .sql = portal->statement ? portal->statement->sql : "",
                              .statement = portal->statement,
                              .arguments = portal->arguments,
                              .claimed_columns = session->claimed_columns,
                              .real_columns = session->real_columns };
    struct pg_messages claimed;
    const struct pg_message *at;

    if (session->lost)
        return;
    pg_messages_cut(&claimed, &verifier->arena, turn->answer, turn->answer_size);
    at = claimed.first;
    pg_outcome_next(&at, &of.claimed);
    if (of.sql)
        verify_look_at_isolation(verifier, session, of.sql);
    else
        of.sql = "";
    execute_it(verifier, session, turn, &of);
    session->last_claim = of.claim;
    session->last_sql = of.sql;
    session->last_arguments = of.arguments;
    session->last_claimed = of.claimed;
}

void verify_extended(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *turn)
{
    const struct pg_frame frame = { turn->type, turn->body, turn->size };
    struct step close = { .until = "3E" };
    struct pg_body body = pg_body(&frame);

    if (turn->type == 'P')
        parse(verifier, session, turn, &body);
    else if (turn->type == 'B')
        bind(verifier, session, turn, &body);
    else if (turn->type == 'D')
        describe(verifier, session, turn, &body);
    else if (turn->type == 'E')
        execute(verifier, session, turn, &body);
    else if (!session->lost)
        give_step(verifier, session, turn, &close);
}

/* ---- Sync */

/* A commit without words may fail as well: by a constraint that was deferred. */
static void look_at_commit(struct pg_verifier *verifier, struct verify_session *session,
                           const struct pg_messages *said)
{
    struct verify_case of = { .session = session,
                              .claim = session->last_claim,
                              .sql = session->last_sql,
                              .arguments = session->last_arguments,
                              .claimed = session->last_claimed };

    if (!pg_messages_error(said, &of.real.error) || !session->last_sql)
        return;
    of.real.end = 'E';
    verify_conclude(verifier, &of);
}

void verify_sync(struct pg_verifier *verifier, struct verify_session *session,
                 const struct pg_turn *turn)
{
    bool failed = session->real_failed;
    struct pg_messages said;

    if (session
            ->copy_sql) /* it is ignored while data is waited for, and the client sends it again */
        return;
    verify_turn_unresolved(verifier, session, turn);
    session->real_failed = false;
    if (session->lost)
        return;
    verify_put(session, turn);
    if (!verify_exchange(verifier, session, "Z", &said))
        return;
    session->unsynced = false;
    look_at_commit(verifier, session, &said);
    if (session->real.state == 'I')
        verify_transaction_ended(verifier, session->number,
                                 !failed && !pg_messages_error(&said, &session->real_error) &&
                                     (!session->last_claimed.tag ||
                                      strcmp(session->last_claimed.tag, "ROLLBACK") != 0));
    session->last_sql = NULL;
    session->claimed_columns = session->real_columns = NULL;
}
