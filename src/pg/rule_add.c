/* pg/rule_add.c - a rule of the user's checked, copied and put into a set; see rule.h and rule_set.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "double/choice.h"
#include "pg/error_words.h"
#include "pg/rule_set.h"
#include "wire/pg_lex.h"
#include "wire/pg_sql.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is being added. */
struct adding {
    struct pg_rule_set *set;
    struct arena *arena;
    const seam_pg_rule *from;
    const char *folder;
    struct pg_rule *rule;
    const struct pg_rule *last; /* that was added, for what both say; NULL */
    struct err *err;
};

static int refuse(const struct adding *adding, const char *words)
{
    return err_set(adding->err, -EINVAL, "%s", words);
}

int rule_pattern_new(struct pg_rule_set *set, const char *label, const char *pattern,
                     const struct match_pattern **ret, struct err *err)
{
    struct match_pattern *compiled;
    struct err why;
    int r = match_pattern_new(&compiled, pattern, false, &why);

    if (r == -EINVAL)
        return err_set(err, r, "%s '%s': %s", label, pattern, why.text);
    if (r < 0)
        return err_set(err, r, "%s", why.text);
    r = buf_add(&set->patterns, &compiled, sizeof compiled);
    if (r < 0) {
        match_pattern_free(compiled);
        return err_set(err, r, "too many patterns, or out of memory");
    }
    *ret = compiled;
    return 0;
}

/* ---- what it is about ---------------------------------------------------------------------- */

static bool has_name(enum seam_pg_event event)
{
    return event == SEAM_PG_SAVEPOINT || event == SEAM_PG_RELEASE ||
           event == SEAM_PG_ROLLBACK_TO;
}

static bool has_statement(enum seam_pg_event event)
{
    return event == SEAM_PG_STATEMENT || event == SEAM_PG_PREPARE ||
           event == SEAM_PG_DEALLOCATE;
}

static int take_literal(struct adding *adding)
{
    const struct pg_rule *last = adding->last;
    struct rule_statement *statement;

    if (last && last->statement && last->said->sql == adding->rule->said->sql) {
        adding->rule->statement = last->statement;
        return 0;
    }
    statement = rule_statement_of(adding->set, adding->from->sql);
    if (!statement)
        return err_set(adding->err, -ENOMEM, "too many statements, or out of memory");
    if (statement->is.kind == PG_SQL_EMPTY)
        return refuse(adding, "sql is empty\ntry: .event = SEAM_PG_PING");
    if (statement->mistake && pg_sql_is_several(adding->from->sql))
        return refuse(adding, "sql has several statements\ntry: a rule for each");
    if (statement->mistake)
        return err_set(adding->err, -EINVAL, "sql: %s", statement->mistake);
    adding->rule->statement = statement;
    return 0;
}

/* The name of a savepoint, as the server reads it. */
static int take_name(struct adding *adding)
{
    struct pg_token token = pg_lex_word(adding->from->sql);

    if ((token.kind != PG_TOKEN_WORD && token.kind != PG_TOKEN_NAME) || token.mistake ||
        pg_lex_word(token.at + token.size).size > 0)
        return err_set(adding->err, -EINVAL, "'%s' is no name of a savepoint",
                       adding->from->sql);
    adding->rule->name = pg_token_text(&token, adding->arena);
    return 0;
}

static int check_isolation(const struct adding *adding)
{
    static const char *const names[] = { "serializable", "repeatable read", "read committed",
                                         "read uncommitted" };
    const char *isolation = adding->from->isolation;

    if ((isolation || adding->from->read_only) && adding->from->event != SEAM_PG_BEGIN)
        return refuse(adding, "isolation and read_only go with .event = SEAM_PG_BEGIN alone");
    for (size_t i = 0; isolation && i < COUNT(names); i++)
        if (strcasecmp(isolation, names[i]) == 0)
            return 0;
    if (!isolation)
        return 0;
    return err_set(adding->err, -EINVAL,
                   "isolation '%s' is none of 'serializable', 'repeatable read', "
                   "'read committed', 'read uncommitted'",
                   isolation);
}

static int check_event(const struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    enum seam_pg_event event = from->event;

    if ((unsigned)event > SEAM_PG_CLOSE)
        return err_set(adding->err, -EINVAL, "event %d is none of enum seam_pg_event",
                       (int)event);
    if (event == SEAM_PG_STATEMENT && !from->sql && !from->sql_regex && !from->sql_fn)
        return refuse(adding, "a rule has to have .sql, .sql_regex, .sql_fn or .event\n"
                              "try: .sql = \"SELECT 1\"");
    if (!has_statement(event) && (from->sql_regex || from->sql_fn))
        return err_set(adding->err, -EINVAL, "event %s has no statement to match",
                       rule_event_word(event));
    if (!has_statement(event) && !has_name(event) && from->sql)
        return err_set(adding->err, -EINVAL, "event %s has no .sql\ntry: .sql without .event",
                       rule_event_word(event));
    return check_isolation(adding);
}

static enum rule_kind kind_of(const seam_pg_rule *from)
{
    if (from->event != SEAM_PG_STATEMENT)
        return RULE_EVENT;
    return from->sql ? RULE_LITERAL : from->sql_regex ? RULE_PATTERN : RULE_FUNCTION;
}

static int take_question(struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    const struct choice choices[] = {
        { ".sql", from->sql },
        { ".sql_regex", from->sql_regex },
        { ".sql_fn", from->sql_fn },
    };
    int r = choice_at_most_one(choices, COUNT(choices), adding->err);

    if (r < 0 || (r = check_event(adding)) < 0)
        return r;
    adding->rule->kind = kind_of(from);
    adding->rule->has_function = from->sql_fn;
    if (from->sql)
        return has_name(from->event) ? take_name(adding) : take_literal(adding);
    if (!from->sql_regex)
        return 0;
    return rule_pattern_new(adding->set, "sql_regex", from->sql_regex, &adding->rule->pattern,
                            adding->err);
}

/* ---- arguments --------------------------------------------------------------------------- */

static size_t list_size(const seam_value *values, size_t most)
{
    size_t count = 0;

    while (count < most && values[count].kind != SEAM_KIND_END)
        count++;
    return count;
}

static int check_arguments(const struct adding *adding, size_t count)
{
    const seam_pg_rule *from = adding->from;
    const struct rule_statement *statement = adding->rule->statement;
    const struct choice choices[] = {
        { ".args", from->args[0].kind != SEAM_KIND_END },
        { ".all_args", from->all_args },
        { ".no_args", from->no_args },
    };
    enum { HALF = SEAM_PG_ARGS / 2 };
    size_t end = rule_are_ends(from->args + HALF, HALF) ? HALF : SEAM_PG_ARGS;
    int r = choice_at_most_one(choices, COUNT(choices), adding->err);

    if (r < 0)
        return r;
    for (size_t i = from->all_args ? SEAM_PG_ARGS : count; i < end; i++)
        if (from->args[i].kind != SEAM_KIND_END)
            return err_set(adding->err, -EINVAL,
                           "argument %zu has no value, but argument %zu has\ntry: SEAM_ANY",
                           count + 1, i + 1);
    if (!from->all_args && !from->no_args && count == 0)
        return 0;
    if (from->event != SEAM_PG_STATEMENT)
        return err_set(adding->err, -EINVAL, "event %s has no arguments",
                       rule_event_word(from->event));
    if (statement && count < (size_t)statement->is.parameters)
        return err_set(adding->err, -EINVAL,
                       "the statement has %d parameter%s, and %s %zu\ntry: SEAM_ANY for what "
                       "does not matter",
                       statement->is.parameters, statement->is.parameters == 1 ? "" : "s",
                       from->no_args ? ".no_args says" : "the rule", count);
    return 0;
}

static int take_argument(struct adding *adding, const seam_value *value, size_t n,
                         struct rule_argument *to)
{
    struct err why;
    int r = rule_argument_make(adding->set, value, to, &why);

    if (r < 0)
        return err_set(adding->err, r, "argument %zu: %s", n + 1, why.text);
    adding->rule->has_function |= value->kind == SEAM_KIND_MATCHES;
    adding->rule->weight += value->kind == SEAM_KIND_ANY ? 0 : 2;
    return 0;
}

static int take_arguments(struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    const seam_value *values = from->all_args ? from->all_args : from->args;
    size_t count = list_size(values, from->all_args ? SIZE_MAX : SEAM_PG_ARGS);
    struct rule_argument *arguments;
    int r = check_arguments(adding, count);

    adding->rule->counts_arguments = from->all_args || from->no_args || count > 0;
    adding->rule->weight += adding->rule->counts_arguments;
    if (r < 0 || count == 0)
        return r;
    arguments = arena_zero(adding->arena, count * sizeof *arguments);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = take_argument(adding, &values[i], i, &arguments[i]);
    adding->rule->arguments = arguments;
    adding->rule->argument_count = count;
    return r;
}

/* ---- how often --------------------------------------------------------------------------- */

static int take_times(struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    const struct choice choices[] = {
        { ".times", from->times > 0 },
        { ".any_times", from->any_times },
        { ".never", from->never },
    };
    const struct choice idle[] = { { ".optional", from->optional }, { ".never", from->never } };
    size_t times = from->times > 0 ? (size_t)from->times : 1;
    int r = choice_at_most_one(choices, COUNT(choices), adding->err);

    if (r < 0 || (r = choice_at_most_one(idle, COUNT(idle), adding->err)) < 0)
        return r;
    if (from->times < 0)
        return err_set(adding->err, -EINVAL, "times is %d\ntry: .never = true", from->times);
    if (from->group && (from->never || !*from->group))
        return refuse(adding, from->never ? "a rule with .never is in no .group"
                                          : "group is an empty text");
    adding->rule->most = from->any_times || from->never ? SIZE_MAX : times;
    adding->rule->least = from->any_times || from->never || from->optional ? 0 : times;
    return 0;
}

/* ---- the answer -------------------------------------------------------------------------- */

static bool gives_rows(const seam_pg_rule *from)
{
    return from->rows[0][0].kind != SEAM_KIND_END || from->all_rows || from->csv ||
           from->csv_file || from->json || from->row_fn || from->no_rows;
}

static bool gives_answer(const seam_pg_rule *from)
{
    return from->columns || gives_rows(from) || from->tag || from->error.sqlstate ||
           from->copy_out || from->copy_in;
}

static int refuse_empty(const struct adding *adding)
{
    const struct rule_statement *statement = adding->rule->statement;
    const char *command = statement ? statement->is.command : NULL;
    bool counts = command && (strcmp(command, "UPDATE") == 0 || strcmp(command, "DELETE") == 0);

    return err_set(adding->err, -EINVAL,
                   "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
                   ".copy_in or .fault\ntry: %s%s%s",
                   !command || strcmp(command, "SELECT") == 0 ? ".columns and .rows"
                                                              : ".tag = \"",
                   !command || strcmp(command, "SELECT") == 0 ? ""
                   : strcmp(command, "INSERT") == 0           ? "INSERT 0 1"
                                                              : command,
                   !command || strcmp(command, "SELECT") == 0 ? ""
                   : counts                                   ? " 1\""
                                                              : "\"");
}

static int check_event_answer(const struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    enum seam_pg_event event = from->event;

    if (event == SEAM_PG_STATEMENT)
        return 0;
    if (from->columns || gives_rows(from) || from->copy_out || from->copy_in)
        return err_set(adding->err, -EINVAL, "event %s has no rows", rule_event_word(event));
    if (from->tag && (event < SEAM_PG_BEGIN || event > SEAM_PG_ROLLBACK_TO))
        return err_set(adding->err, -EINVAL, "event %s has no .tag", rule_event_word(event));
    return 0;
}

static int check_fault(const struct adding *adding)
{
    static const char *const words[SEAM_PG_FAULTS] = {
        [SEAM_PG_REFUSE] = "SEAM_PG_REFUSE",
        [SEAM_PG_UNREACHABLE] = "SEAM_PG_UNREACHABLE",
        [SEAM_PG_DRIP] = "SEAM_PG_DRIP",
        [SEAM_PG_KILL] = "SEAM_PG_KILL",
        [SEAM_PG_WRONG_COUNT] = "SEAM_PG_WRONG_COUNT",
    };
    const seam_pg_rule *from = adding->from;
    int fault = from->fault;

    if (fault < 0 || fault >= SEAM_PG_FAULTS)
        return err_set(adding->err, -EINVAL, "fault %d is none of enum seam_pg_fault", fault);
    if (from->fault_after < 0 || (from->fault_after > 0 && !fault))
        return refuse(adding, from->fault_after < 0 ? "fault_after is negative"
                                                    : "fault_after goes with .fault alone");
    if (from->delay_ms < 0)
        return refuse(adding, "delay_ms is negative");
    if ((fault == SEAM_PG_REFUSE || fault == SEAM_PG_UNREACHABLE) &&
        from->event != SEAM_PG_CONNECT)
        return err_set(adding->err, -EINVAL,
                       "fault %s goes with .event = SEAM_PG_CONNECT alone", words[fault]);
    if (fault >= SEAM_PG_DRIP && from->event == SEAM_PG_STATEMENT && !gives_answer(from))
        return err_set(adding->err, -EINVAL,
                       "fault %s has no answer that it could spoil\ntry: .tag or .rows too",
                       words[fault]);
    if (fault == SEAM_PG_WRONG_COUNT && !gives_rows(from))
        return refuse(adding, "fault SEAM_PG_WRONG_COUNT goes with rows alone");
    return 0;
}

static int check_answer(const struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    const struct choice kinds[] = {
        { ".copy_out", from->copy_out },
        { ".copy_in", from->copy_in },
        { "rows", gives_rows(from) },
    };
    const struct choice ends[] = { { ".tag", from->tag }, { ".error", from->error.sqlstate } };
    int r;

    if (from->never)
        return gives_answer(from) || from->fault
                   ? refuse(adding, "a rule with .never has no answer")
                   : 0;
    if (!from->error.sqlstate &&
        (from->error.message || from->error.constraint || from->error.table))
        return refuse(adding, "error has no .sqlstate\ntry: SEAM_PG_ERROR(\"XX000\", ...)");
    if (from->event == SEAM_PG_STATEMENT && !gives_answer(from) && !from->fault)
        return refuse_empty(adding);
    if ((r = choice_at_most_one(kinds, COUNT(kinds), adding->err)) < 0 ||
        (r = choice_at_most_one(ends, COUNT(ends), adding->err)) < 0 ||
        (r = check_event_answer(adding)) < 0 || (r = check_fault(adding)) < 0)
        return r;
    if (from->tag && !*from->tag)
        return refuse(adding, "tag is empty\ntry: .tag = \"UPDATE 1\"");
    if (from->notify.payload && !from->notify.channel)
        return refuse(adding, "notify has a .payload and no .channel");
    return 0;
}

static struct error_place place_of(const struct adding *adding)
{
    const struct pg_rule *rule = adding->rule;
    const char **texts = arena_zero(adding->arena, (rule->argument_count + 1) * sizeof *texts);

    for (size_t i = 0; i < rule->argument_count; i++)
        if (rule->arguments[i].value.kind == SEAM_KIND_TEXT)
            texts[i] = rule->arguments[i].text;
    return (struct error_place){ .sql = rule->statement ? adding->from->sql : NULL,
                                 .is = rule->statement ? &rule->statement->is : NULL,
                                 .arguments = texts,
                                 .argument_count = rule->argument_count };
}

static int take_error(struct adding *adding)
{
    const seam_pg_rule *from = adding->from;
    struct error_place place;
    struct pg_error *error;

    if (!from->error.sqlstate)
        return 0;
    error = arena_zero(adding->arena, sizeof *error);
    adding->rule->error = error;
    place = place_of(adding);
    return pg_error_make(&from->error, &place, adding->arena, error, adding->err);
}

static bool is_notice(const seam_pg_error *notice)
{
    return notice->sqlstate || notice->message;
}

static int take_notices(struct adding *adding)
{
    const seam_pg_error *from = adding->from->notices;
    struct pg_error *notices;
    size_t count = 0;
    int r = 0;

    while (count < SEAM_PG_NOTICES && is_notice(&from[count]))
        count++;
    if (count == 0)
        return 0;
    notices = arena_zero(adding->arena, count * sizeof *notices);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = pg_notice_make(&from[i], adding->arena, &notices[i], adding->err);
    adding->rule->notices = notices;
    adding->rule->notice_count = count;
    return r;
}

/* ---- columns ----------------------------------------------------------------------------- */

/* Tests say the same columns again and again: they are read once. */
static int take_columns(struct adding *adding)
{
    static const struct pg_columns none;
    struct pg_rule_set *set = adding->set;
    const char *text = adding->from->columns;
    const uint32_t *found;
    struct pg_columns *columns;
    uint32_t *place;
    struct err why;
    int r;

    adding->rule->columns = &none;
    if (!text)
        return 0;
    if (adding->last && adding->last->said->columns == adding->rule->said->columns) {
        adding->rule->columns = adding->last->columns;
        return 0;
    }
    found = map_find(&set->column_texts, text);
    if (!found || *found == 0) {
        columns = arena_zero(&set->arena, sizeof *columns);
        r = pg_columns_parse(text, &set->arena, columns, &why);
        if (r < 0)
            return err_set(adding->err, r, "columns: %s", why.text);
        place = map_at(&set->column_texts, arena_dup(&set->arena, text));
        if (!place || buf_add(&set->columns, &columns, sizeof(void *)) < 0)
            return err_set(adding->err, -ENOMEM, "too many columns, or out of memory");
        *place = (uint32_t)(set->columns.size / sizeof(void *));
        found = place;
    }
    adding->rule->columns = ((struct pg_columns **)(void *)set->columns.data)[*found - 1];
    return 0;
}

/* ---- copying ----------------------------------------------------------------------------- */

/* A copy, or that of the last rule: those of a test mostly say the same. */
static const char *copy_again(struct arena *arena, const char *text, const char *last)
{
    return text && last && strcmp(text, last) == 0 ? last : arena_dup(arena, text);
}

/* Their texts are the same where they are equal: copy_again has seen to it. */
static bool is_same_said(const struct pg_said *a, const struct pg_said *b)
{
    return a->site.line == b->site.line && a->site.file == b->site.file && a->sql == b->sql &&
           a->sql_regex == b->sql_regex && a->sql_fn == b->sql_fn && a->arg == b->arg &&
           a->event == b->event && a->isolation == b->isolation &&
           a->read_only == b->read_only && a->columns == b->columns && a->row_fn == b->row_fn &&
           a->tag == b->tag && a->sqlstate == b->sqlstate &&
           a->notify.channel == b->notify.channel && a->notify.payload == b->notify.payload &&
           a->copy_out == b->copy_out && a->copy_in == b->copy_in && a->group == b->group &&
           a->delay_ms == b->delay_ms && a->fault == b->fault &&
           a->fault_after == b->fault_after && a->given == b->given &&
           a->compare_rows == b->compare_rows && a->injected == b->injected &&
           a->name == b->name;
}

static const struct pg_said *copy_rule(struct arena *arena, const seam_pg_rule *from,
                                       const struct pg_said *last)
{
    const struct pg_said said = {
        .sql = copy_again(arena, from->sql, last->sql),
        .sql_regex = copy_again(arena, from->sql_regex, last->sql_regex),
        .sql_fn = from->sql_fn,
        .arg = from->arg,
        .event = from->event,
        .isolation = copy_again(arena, from->isolation, last->isolation),
        .read_only = from->read_only,
        .columns = copy_again(arena, from->columns, last->columns),
        .row_fn = from->row_fn,
        .tag = copy_again(arena, from->tag, last->tag),
        .sqlstate = copy_again(arena, from->error.sqlstate, last->sqlstate),
        .notify = { copy_again(arena, from->notify.channel, last->notify.channel),
                    copy_again(arena, from->notify.payload, last->notify.payload) },
        .copy_out = copy_again(arena, from->copy_out, last->copy_out),
        .copy_in = copy_again(arena, from->copy_in, last->copy_in),
        .group = copy_again(arena, from->group, last->group),
        .delay_ms = from->delay_ms,
        .fault = from->fault,
        .fault_after = from->fault_after,
        .given = copy_again(arena, from->given, last->given),
        .compare_rows = from->compare_rows,
        .injected = from->injected,
        .name = copy_again(arena, from->name, last->name),
        .site = { copy_again(arena, from->site.file, last->site.file), from->site.line },
    };
    /* Rules that a loop adds differ in their arguments and rows alone. */
    return is_same_said(&said, last) ? last : arena_copy(arena, &said, sizeof said);
}

static void weigh(struct pg_rule *rule)
{
    const struct pg_said *said = rule->said;

    if (rule->kind == RULE_EVENT)
        rule->weight += 2 * (size_t)((said->sql || said->sql_regex || said->sql_fn) +
                                     (said->isolation != NULL) + said->read_only);
}

int pg_rule_add(struct pg_rule_set *set, const seam_pg_rule *rule, const char *folder,
                struct err *err)
{
    struct adding adding = {
        .set = set, .arena = &set->arena, .from = rule, .folder = folder, .err = err
    };
    static const struct pg_said nothing;
    size_t count = rule_count(&set->all);
    int r;

    adding.last = count > 0 ? rule_at(&set->all, count - 1) : NULL;
    adding.rule = arena_zero(adding.arena, sizeof *adding.rule);
    adding.rule->said =
        copy_rule(adding.arena, rule, adding.last ? adding.last->said : &nothing);
    adding.rule->event = rule->event;
    adding.rule->is_forbidden = rule->never;
    adding.rule->sql_fn = rule->sql_fn;
    adding.rule->arg = rule->arg;
    if ((r = take_question(&adding)) < 0 || (r = take_arguments(&adding)) < 0 ||
        (r = take_times(&adding)) < 0 || (r = check_answer(&adding)) < 0 ||
        (r = take_columns(&adding)) < 0 ||
        (r = rule_rows_take(set, adding.rule, rule, folder, err)) < 0 ||
        (r = take_error(&adding)) < 0 || (r = take_notices(&adding)) < 0)
        return r;
    weigh(adding.rule);
    return pg_rule_insert(set, adding.rule, err);
}
