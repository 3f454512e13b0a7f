/* pg/verify_compare.c - what the double claimed beside what the server says: a verdict; see verify.h. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg/verify.h"

enum {
    BUILT_IN_OIDS = 16384,
    TEXT_OID = 25,
    TIMETZ_OID = 1266,
    TIMESTAMPTZ_OID = 1184,
    INTERVAL_OID = 1186,
    ROWS_LOOKED_AT = 100
};

struct compared {
    struct pg_verifier *verifier;
    struct verify_case *of;
};

static enum pg_verdict contradict(struct verify_case *of, const char *claim, const char *truth)
{
    of->claim_words = claim;
    of->truth_words = truth;
    return PG_CONTRADICTED;
}

static enum pg_verdict undecided(struct verify_case *of, const char *table)
{
    of->table = table;
    return PG_UNDECIDED;
}

static enum pg_verdict contradict_outcome(struct compared *compared)
{
    struct verify_case *of = compared->of;

    return contradict(of, verify_outcome_words(compared->verifier, &of->claimed),
                      verify_outcome_words(compared->verifier, &of->real));
}

static bool is_state(const struct pg_error *error, const char *sqlstate)
{
    return error->sqlstate && strcmp(error->sqlstate, sqlstate) == 0;
}

static bool is_command(struct pg_verifier *verifier, const char *sql, const char *command)
{
    struct pg_sql is;

    pg_sql_classify(&is, sql, &verifier->arena);
    return is.command && strcmp(is.command, command) == 0;
}

/* Whether a word stands in the statement outside quotes. */
static bool has_word(struct pg_verifier *verifier, const char *sql, const char *word)
{
    const char *normal = pg_sql_normal(sql, &verifier->arena);
    size_t size = strlen(word);

    for (const char *at = normal; (at = strstr(at, word)); at += size)
        if ((at == normal || strchr(" ()", at[-1])) && (!at[size] || strchr(" ()", at[size])))
            return true;
    return false;
}

/* ---- errors */

/* An error that is there because of rows. */
static bool rests_on_rows(const struct pg_error *error)
{
    return is_state(error, "23505") || is_state(error, "23503") || is_state(error, "23P01");
}

/* The double claims an error, the server does the statement. */
static enum pg_verdict compare_missing_error(struct compared *compared)
{
    struct verify_case *of = compared->of;
    const struct pg_error *error = &of->claimed.error;
    const char *table = NULL;

    if (of->parsed_only || (error->sqlstate && strncmp(error->sqlstate, "42", 2) == 0))
        return contradict_outcome(compared);
    if (is_state(error, "23503") && is_command(compared->verifier, of->sql, "INSERT"))
        return contradict_outcome(compared); /* what it refers to is there */
    table = verify_unwritten(compared->verifier, of->sql, rests_on_rows(error));
    if (!table && is_state(error, "23503") && error->table &&
        !verify_is_written(compared->verifier, error->table))
        table = error->table;
    return table ? undecided(of, table) : contradict_outcome(compared);
}

/* The row that a unique or foreign key meets: where it was written. "Key (a, b)=(1, x) already exists." */
static const char *key_word(struct arena *arena, const char *detail)
{
    const char *begin = detail ? strstr(detail, ")=(") : NULL;
    size_t size = begin ? strcspn(begin + 3, ",)") : 0;

    return size > 0 ? arena_copy(arena, begin + 3, size) : NULL;
}

static const char *written_words(struct arena *arena, const struct verify_write *write,
                                 const char *what, const char *verb)
{
    const char *place = verify_place(arena, write->site);

    if (write->session == 0)
        return arena_printf(arena, "%s was %s by .seed", what, verb);
    if (write->given)
        return arena_printf(arena, "%s was %s by the .given at %s", what, verb, place);
    return arena_printf(arena, "%s was %s by the statement at %s", what, verb, place);
}

/* A row that is not there, or that another one refers to. Of a constraint that was deferred the statement is
 * not the one that wrote the row. */
static const char *explain_reference(struct compared *compared, const char *word)
{
    struct pg_verifier *verifier = compared->verifier;
    const struct pg_error *error = &compared->of->real.error;
    bool is_missing = error->detail && strstr(error->detail, " is not present in table ");
    bool is_own = is_command(verifier, compared->of->sql, "INSERT") ||
                  is_command(verifier, compared->of->sql, "UPDATE");
    const char *table = is_missing && is_own
                            ? verify_referenced_table(verifier, error->constraint)
                            : error->table;
    const struct verify_write *write =
        table ? verify_find_write(verifier, table, is_missing && is_own ? NULL : word, 0)
              : NULL;

    if (!write || (is_missing && write->session == 0))
        return NULL;
    return is_missing && is_own
               ? written_words(&verifier->arena, write,
                               arena_printf(&verifier->arena, "the table '%s'", table),
                               "written last")
               : written_words(&verifier->arena, write, "the row that refers to it",
                               "inserted");
}

static const char *explain_error(struct compared *compared)
{
    struct pg_verifier *verifier = compared->verifier;
    const struct pg_error *error = &compared->of->real.error;
    const char *word = key_word(&verifier->arena, error->detail);
    const struct verify_write *write;

    if (!error->table || !rests_on_rows(error))
        return NULL;
    if (is_state(error, "23503"))
        return explain_reference(compared, word);
    write = verify_find_write(verifier, error->table, word, 0);
    if (!write)
        write = verify_find_write(verifier, error->table, NULL, 0);
    return write ? written_words(&verifier->arena, write, "the row that it meets", "inserted")
                 : "the row that it meets is of the migrations or of this statement";
}

struct blocking {
    struct compared *compared;
    const struct verify_write *found;
};

static void look_for_blocking(void *arg, const char *table, bool writes)
{
    struct blocking *blocking = arg;
    struct compared *compared = blocking->compared;

    (void)writes;
    if (!blocking->found)
        blocking->found =
            verify_find_write(compared->verifier, table, NULL, compared->of->session->number);
}

static enum pg_verdict compare_wait(struct compared *compared)
{
    struct blocking blocking = { compared, NULL };
    struct verify_case *of = compared->of;

    pg_sql_tables(of->sql, look_for_blocking, &blocking);
    return contradict(
        of, verify_outcome_words(compared->verifier, &of->claimed),
        blocking.found
            ? arena_printf(&compared->verifier->arena,
                           "the real server would wait for the statement at %s",
                           verify_place(&compared->verifier->arena, blocking.found->site))
            : "the real server would wait for a lock");
}

/* The server says an error, the double claims none. */
static enum pg_verdict compare_real_error(struct compared *compared)
{
    struct verify_case *of = compared->of;
    const struct pg_error *error = &of->real.error;
    const char *referenced;

    if (is_state(error, "55P03") && !of->parsed_only)
        return compare_wait(compared);
    if (is_state(error, "23503")) {
        referenced = verify_referenced_table(compared->verifier, error->constraint);
        if (referenced && !verify_is_written(compared->verifier, referenced))
            return undecided(of, referenced);
    }
    of->why = explain_error(compared);
    return contradict_outcome(compared);
}

static bool is_other(const char *claimed, const char *real)
{
    return claimed && (!real || strcmp(claimed, real) != 0);
}

static enum pg_verdict compare_two_errors(struct compared *compared)
{
    const struct pg_error *claimed = &compared->of->claimed.error;
    const struct pg_error *real = &compared->of->real.error;
    const char *referenced;

    if (!is_other(claimed->sqlstate, real->sqlstate) &&
        !is_other(claimed->constraint, real->constraint) &&
        !is_other(claimed->table, real->table) && !is_other(claimed->column, real->column))
        return PG_CONFIRMED;
    if (is_state(real, "23503") && !is_state(claimed, "23503") &&
        strncmp(claimed->sqlstate ? claimed->sqlstate : "", "42", 2) != 0) {
        referenced = verify_referenced_table(compared->verifier, real->constraint);
        if (referenced && !verify_is_written(compared->verifier, referenced))
            return undecided(compared->of, referenced);
    }
    compared->of->why = explain_error(compared);
    return contradict_outcome(compared);
}

/* ---- columns */

/* What has no type that the double knows can only be claimed as text. */
static bool is_same_type(const struct pg_column *claimed, const struct pg_column *real)
{
    if (claimed->type == real->type)
        return claimed->modifier == -1 || claimed->modifier == real->modifier;
    return claimed->type == TEXT_OID &&
           (real->type >= BUILT_IN_OIDS || !pg_type_of_oid(real->type));
}

static bool are_same_columns(const struct pg_column *claimed, const struct pg_column *real,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(claimed[i].name, real[i].name) != 0 || !is_same_type(&claimed[i], &real[i]))
            return false;
    return true;
}

static enum pg_verdict compare_nullable(struct compared *compared,
                                        const struct pg_columns *claimed,
                                        const struct pg_column *real, size_t count)
{
    struct pg_verifier *verifier = compared->verifier;

    for (size_t i = 0; i < count && i < claimed->count; i++) {
        const struct verify_column *column;

        if (!claimed->not_null[i] || real[i].table == 0)
            continue;
        column = verify_column_of(verifier, real[i].table, real[i].number);
        if (column->name && !column->not_null)
            return contradict(
                compared->of,
                arena_printf(&verifier->arena, "%s is not null", claimed->at[i].name),
                arena_printf(&verifier->arena, "%s.%s may be NULL", column->table_name,
                             column->name));
    }
    return PG_CONFIRMED;
}

/* A rule that has an error or a fault, and no columns, says nothing of them. */
static bool claims_columns(const struct verify_case *of)
{
    const struct pg_rule *rule = of->claim ? of->claim->rule : NULL;

    return !rule || pg_rule_has_rows(rule) ||
           (!pg_rule_error(rule) && !pg_rule_said(rule)->fault);
}

static enum pg_verdict compare_columns(struct compared *compared)
{
    struct pg_verifier *verifier = compared->verifier;
    struct verify_case *of = compared->of;
    struct pg_column *claimed, *real;
    size_t count, real_count;

    if (!of->claimed_columns || !of->real_columns || !claims_columns(of))
        return PG_CONFIRMED;
    count = pg_row_description(of->claimed_columns, &verifier->arena, &claimed);
    real_count = pg_row_description(of->real_columns, &verifier->arena, &real);
    if (of->claimed_columns->type != of->real_columns->type || count != real_count ||
        !are_same_columns(claimed, real, count))
        return contradict(of, verify_columns_words(verifier, of->claimed_columns),
                          verify_columns_words(verifier, of->real_columns));
    return of->claim && of->claim->rule
               ? compare_nullable(compared, pg_rule_columns(of->claim->rule), real, count)
               : PG_CONFIRMED;
}

/* ---- values */

/* Whether the server has its own form for values of it that the claimed type does not know. */
static bool has_own_form(const struct pg_column *real)
{
    return real->modifier != -1 || real->type >= BUILT_IN_OIDS ||
           real->type == TIMESTAMPTZ_OID || real->type == TIMETZ_OID ||
           real->type == INTERVAL_OID;
}

static bool may_be_joined(struct pg_verifier *verifier, const char *sql)
{
    static const char *const words[] = { "left", "right", "full", "sets", "rollup", "cube" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(verifier, sql, words[i]))
            return true;
    return false;
}

static enum pg_verdict compare_null(struct compared *compared, const struct pg_column *real)
{
    struct pg_verifier *verifier = compared->verifier;
    const struct verify_column *column =
        real->table ? verify_column_of(verifier, real->table, real->number) : NULL;

    if (!column || !column->name || !column->not_null ||
        may_be_joined(verifier, compared->of->sql))
        return PG_CONFIRMED;
    return contradict(
        compared->of, arena_printf(&verifier->arena, "%s is NULL", real->name),
        arena_printf(&verifier->arena, "%s.%s is not null", column->table_name, column->name));
}

/* Asked once for each value. */
static bool is_server_text(struct compared *compared, const struct pg_column *real,
                           const char *text, const char **ret_text, struct pg_error *ret_error)
{
    struct pg_verifier *verifier = compared->verifier;
    const struct real_session *session = &compared->of->session->real;
    const char *key = arena_printf(&verifier->arena, "%u %d %s %s %s", real->type,
                                   real->modifier, session->zone, session->date_style, text);
    uint32_t *known;

    if (verify_has_form(session, real->type, real->modifier, text) ||
        map_find(&verifier->forms, key))
        return true;
    *ret_text = verify_server_text(verifier, compared->of->session, real->type, real->modifier,
                                   text, ret_error);
    if (!*ret_text || strcmp(*ret_text, text) != 0)
        return false;
    known = map_at(&verifier->forms, key);
    if (!known)
        arena_give_up(sizeof *known);
    *known = 1;
    return true;
}

static enum pg_verdict compare_cell(struct compared *compared, const struct pg_column *real,
                                    const struct pg_cell *cell)
{
    struct pg_verifier *verifier = compared->verifier;
    const char *type, *text = NULL;
    struct pg_error error;

    if (!cell->text)
        return compare_null(compared, real);
    if (real->format != 0 || !has_own_form(real))
        return PG_CONFIRMED;
    if (is_server_text(compared, real, cell->text, &text, &error))
        return PG_CONFIRMED;
    type = verify_type_name(verifier, real->type, real->modifier);
    return contradict(
        compared->of, arena_printf(&verifier->arena, "%s is '%s'", real->name, cell->text),
        text ? arena_printf(&verifier->arena, "as %s it would be '%s'", type, text)
             : arena_printf(&verifier->arena, "%s does not take it: %s", type,
                            verify_error_words(&verifier->arena, &error)));
}

static enum pg_verdict compare_row_types(struct compared *compared, const struct pg_frame *row,
                                         const struct pg_column *real, size_t count)
{
    struct pg_cell *cells;
    size_t cell_count = pg_row_cells(row, &compared->verifier->arena, &cells);
    enum pg_verdict verdict = PG_CONFIRMED;

    for (size_t i = 0; i < count && i < cell_count && verdict == PG_CONFIRMED; i++)
        verdict = compare_cell(compared, &real[i], &cells[i]);
    return verdict;
}

/* What is claimed has to be possible in columns like these. */
static enum pg_verdict compare_values(struct compared *compared)
{
    struct verify_case *of = compared->of;
    const struct pg_message *row = of->claimed.rows;
    enum pg_verdict verdict = PG_CONFIRMED;
    struct pg_column *real;
    size_t count;

    if (!of->real_columns)
        return PG_CONFIRMED;
    count = pg_row_description(of->real_columns, &compared->verifier->arena, &real);
    for (size_t n = 0;
         row && n < of->claimed.row_count && n < ROWS_LOOKED_AT && verdict == PG_CONFIRMED;
         row = row->next)
        if (row->frame.type == 'D') {
            verdict = compare_row_types(compared, &row->frame, real, count);
            n++;
        }
    return verdict;
}

/* ---- rows */

static bool is_same_frame(const struct pg_frame *a, const struct pg_frame *b)
{
    return a->size == b->size && memcmp(a->body, b->body, a->size) == 0;
}

static size_t count_of(const struct pg_outcome *outcome, const struct pg_frame *row)
{
    const struct pg_message *at = outcome->rows;
    size_t count = 0;

    for (size_t n = 0; at && n < outcome->row_count; at = at->next)
        if (at->frame.type == 'D') {
            count += is_same_frame(&at->frame, row);
            n++;
        }
    return count;
}

static const char *row_words(struct arena *arena, const struct pg_frame *row)
{
    struct buf words = BUF_INIT(4096);
    struct pg_cell *cells;
    size_t count = pg_row_cells(row, arena, &cells);
    const char *text;

    for (size_t i = 0; i < count; i++) {
        const char *comma = i > 0 ? ", " : "";

        if (cells[i].text)
            buf_printf(&words, "%s'%.60s'", comma, cells[i].text);
        else
            buf_printf(&words, "%sNULL", comma);
    }
    text = arena_printf(arena, "(%s)", buf_text(&words));
    buf_fini(&words);
    return text;
}

static enum pg_verdict contradict_rows(struct compared *compared,
                                       const struct pg_message *claimed,
                                       const struct pg_message *real, size_t n)
{
    struct arena *arena = &compared->verifier->arena;
    struct verify_case *of = compared->of;

    return contradict(of,
                      claimed ? arena_printf(arena, "row %zu of %zu: %s", n + 1,
                                             of->claimed.row_count,
                                             row_words(arena, &claimed->frame))
                              : arena_printf(arena, "%zu rows", of->claimed.row_count),
                      real ? arena_printf(arena, "row %zu of %zu: %s", n + 1,
                                          of->real.row_count, row_words(arena, &real->frame))
                           : arena_printf(arena, "%zu rows", of->real.row_count));
}

static const struct pg_message *next_row(const struct pg_message *at)
{
    while (at && at->frame.type != 'D' && at->frame.type != 'C')
        at = at->next;
    return at && at->frame.type == 'D' ? at : NULL;
}

/* In order where the statement says one. */
static enum pg_verdict compare_rows(struct compared *compared)
{
    struct verify_case *of = compared->of;
    const struct pg_message *claimed = next_row(of->claimed.rows);
    const struct pg_message *real = next_row(of->real.rows);
    bool ordered = has_word(compared->verifier, of->sql, "order");
    const char *table;

    for (size_t n = 0; claimed || real; n++) {
        bool same = claimed && real &&
                    (ordered ? is_same_frame(&claimed->frame, &real->frame)
                             : count_of(&of->claimed, &claimed->frame) ==
                                   count_of(&of->real, &claimed->frame));

        if (!same) {
            table = verify_unwritten(compared->verifier, of->sql, false);
            return table ? undecided(of, table) : contradict_rows(compared, claimed, real, n);
        }
        claimed = next_row(claimed->next);
        real = next_row(real->next);
    }
    return PG_CONFIRMED;
}

/* ---- counts */

/* Where the rows were that the double counted: the statement that changed the table last. */
struct last_write {
    struct compared *compared;
    const struct verify_write *found;
};

static void look_for_write(void *arg, const char *table, bool writes)
{
    struct last_write *last = arg;

    (void)writes;
    if (!last->found)
        last->found = verify_find_write(last->compared->verifier, table, NULL, 0);
}

static enum pg_verdict contradict_count(struct compared *compared)
{
    struct last_write last = { compared, NULL };

    pg_sql_tables(compared->of->sql, look_for_write, &last);
    if (last.found)
        compared->of->why = written_words(
            &compared->verifier->arena, last.found,
            arena_printf(&compared->verifier->arena, "the table '%s'", last.found->table),
            "written last");
    return contradict_outcome(compared);
}

static enum pg_verdict compare_counts(struct compared *compared, bool is_select)
{
    struct verify_case *of = compared->of;
    bool meets_rows = has_word(compared->verifier, of->sql, "on conflict") ||
                      has_word(compared->verifier, of->sql, "conflict");
    const char *table = verify_unwritten(compared->verifier, of->sql, meets_rows);

    if (table)
        return undecided(of, table);
    return is_select ? PG_CONFIRMED : contradict_count(compared);
}

static enum pg_verdict compare_tags(struct compared *compared)
{
    struct verify_case *of = compared->of;
    size_t words, real_words;
    long count, real_count;

    if (!of->claimed.tag || !of->real.tag)
        return PG_CONFIRMED;
    count = pg_tag_count(of->claimed.tag, &words);
    real_count = pg_tag_count(of->real.tag, &real_words);
    if (words != real_words || strncmp(of->claimed.tag, of->real.tag, words) != 0 ||
        (count < 0) != (real_count < 0))
        return contradict_outcome(compared);
    if (count == real_count)
        return PG_CONFIRMED;
    return compare_counts(compared, strncmp(of->real.tag, "SELECT", 6) == 0 ||
                                        strncmp(of->real.tag, "FETCH", 5) == 0);
}

/* ---- all of it */

static enum pg_verdict compare_successes(struct compared *compared)
{
    const struct pg_claim *claim = compared->of->claim;
    enum pg_verdict verdict = compare_columns(compared);

    if (verdict == PG_CONFIRMED)
        verdict = compare_values(compared);
    if (verdict == PG_CONFIRMED && claim && claim->rule &&
        pg_rule_said(claim->rule)->compare_rows)
        verdict = compare_rows(compared);
    return verdict == PG_CONFIRMED ? compare_tags(compared) : verdict;
}

enum pg_verdict verify_compare(struct pg_verifier *verifier, struct verify_case *of)
{
    struct compared compared = { verifier, of };
    bool claims_error = of->claimed.end == 'E', has_error = of->real.end == 'E';

    if (of->parsed_only)
        return has_error ? contradict_outcome(&compared) : compare_columns(&compared);
    if (claims_error && has_error)
        return compare_two_errors(&compared);
    if (claims_error)
        return compare_missing_error(&compared);
    if (has_error)
        return compare_real_error(&compared);
    if (of->claimed.end != of->real.end)
        return contradict_outcome(&compared);
    return compare_successes(&compared);
}
