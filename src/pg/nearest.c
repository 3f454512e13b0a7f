/* pg/nearest.c - the rule that a statement came nearest to, beside it; see rule.h. */

#include <string.h>
#include <strings.h>

#include "base/base_name.h"
#include "pg/rule_set.h"
#include "pg/secret.h"
#include "test/beside.h"
#include "wire/pg_lex.h"
#include "wire/pg_sql.h"

enum {
    WEIGHT_EVENT = 1 << 20,
    WEIGHT_SQL = 1 << 18, /* the same statement; else a part of it */
    WEIGHT_ARGUMENTS = 1 << 10, /* of all together */
    TABLE_MAX = 1 << 20,

};

struct nearest {
    const struct pg_rule_set *set;
    struct pg_call *call;
    const struct rule_statement *statement; /* of the call; NULL: no rule has it */
    const struct pg_rule *rule;
    struct beside table;
    bool differs; /* something that needs no function does */
};

static void add_row(struct nearest *nearest, const char *kind, const char *rule,
                    const char *call, bool holds)
{
    nearest->differs |= !holds;
    beside_add(&nearest->table, kind, rule, call, holds ? BESIDE_OK : BESIDE_DIFFERS);
}

/* ---- how near ---------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How much of two texts is the same at their beginning and their end, of WEIGHT_SQL. */
static size_t likeness(const char *a, const char *b)
{
    size_t a_size = strlen(a), b_size = strlen(b);
    size_t most = least(a_size, b_size);
    size_t head = 0, tail = 0;

    while (head < most && a[head] == b[head])
        head++;
    while (tail < most - head && a[a_size - 1 - tail] == b[b_size - 1 - tail])
        tail++;
    return (head + tail) * (WEIGHT_SQL / 2) / (a_size > b_size ? a_size : b_size ? b_size : 1);
}

static size_t weigh_sql(const struct pg_rule *rule, struct pg_call *call,
                        const struct rule_statement *statement)
{
    if (rule->statement && rule->statement == statement)
        return WEIGHT_SQL;
    if (rule->statement && call->normal)
        return likeness(rule->statement->normal, call->normal);
    return rule->pattern && rule_is_for(rule, call, statement, false) ? WEIGHT_SQL : 0;
}

/* Without asking functions of the user's: a report is made after they have been asked. */
static bool argument_holds(const struct nearest *nearest, const struct pg_rule *rule, size_t i)
{
    return rule->arguments[i].value.kind != SEAM_KIND_MATCHES &&
           rule_argument_holds(&rule->arguments[i], &nearest->call->arguments[i],
                               nearest->call->arena, NULL);
}

static size_t weigh_arguments(const struct nearest *nearest, const struct pg_rule *rule)
{
    size_t got = nearest->call->arguments ? nearest->call->argument_count : 0;
    size_t all = rule->argument_count > got ? rule->argument_count : got;
    size_t same = 0;

    if (!rule->counts_arguments || all == 0)
        return WEIGHT_ARGUMENTS;
    for (size_t i = 0; i < least(rule->argument_count, got); i++)
        same += argument_holds(nearest, rule, i);
    return same * WEIGHT_ARGUMENTS / all;
}

static size_t weigh(const struct nearest *nearest, const struct pg_rule *rule)
{
    return 2 * ((rule_event_holds(rule, nearest->call) ? WEIGHT_EVENT : 0) +
                weigh_sql(rule, nearest->call, nearest->statement) +
                weigh_arguments(nearest, rule)) +
           rule_is_open(rule);
}

/* Of the rules that are due; NULL: none is. */
static const struct pg_rule *find_due(const struct nearest *nearest)
{
    const struct pg_rule_set *set = nearest->set;
    const struct pg_rule *best = NULL;
    size_t most = 0;

    for (size_t i = set->turn; !set->unordered && i < rule_turn_count(set); i++) {
        const struct rule_turn *turn = rule_turn_at(set, i);

        for (const struct pg_rule *rule = turn->open; rule; rule = rule->next_open) {
            size_t weight = weigh(nearest, rule);

            if (best && weight <= most)
                continue;
            best = rule;
            most = weight;
        }
        if (turn->missing > 0)
            break;
    }
    return best;
}

/* A rule that forbids is nothing to come near to. */
static const struct pg_rule *find_any(const struct nearest *nearest)
{
    const struct pg_rule *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < rule_count(&nearest->set->all); i++) {
        const struct pg_rule *rule = rule_at(&nearest->set->all, i);
        size_t weight = rule->is_forbidden ? 0 : weigh(nearest, rule);

        if (rule->is_forbidden || (best && weight <= most))
            continue;
        best = rule;
        most = weight;
    }
    return best;
}

/* ---- statements -------------------------------------------------------------------------- */

/* Words from `begin` to `end` of a statement in normal form. */
struct words {
    const char *begin, *end;
};

static size_t count_words(const char *text)
{
    size_t count = 0;

    for (struct pg_token token = pg_lex_word(text); token.size > 0;
         token = pg_lex_word(token.at + token.size))
        count++;
    return count;
}

/* The nth word; behind the last: the end. */
static struct pg_token word_at(const char *text, size_t n)
{
    struct pg_token token = pg_lex_word(text);

    for (; n > 0 && token.size > 0; n--)
        token = pg_lex_word(token.at + token.size);
    return token;
}

static bool is_same_word(const struct pg_token *a, const struct pg_token *b)
{
    return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

static size_t common_head(const char *a, const char *b)
{
    struct pg_token x = pg_lex_word(a), y = pg_lex_word(b);
    size_t count = 0;

    for (; x.size > 0 && is_same_word(&x, &y); count++) {
        x = pg_lex_word(x.at + x.size);
        y = pg_lex_word(y.at + y.size);
    }
    return count;
}

/* Of the words behind the first `head` ones, which of both are as many as they are. */
static size_t common_tail(const char *a, const char *b, size_t head)
{
    size_t a_count = count_words(a), b_count = count_words(b);
    size_t most = least(a_count, b_count) - head;
    struct pg_token x = word_at(a, a_count - most), y = word_at(b, b_count - most);
    size_t count = 0;

    for (; x.size > 0; x = pg_lex_word(x.at + x.size), y = pg_lex_word(y.at + y.size))
        count = is_same_word(&x, &y) ? count + 1 : 0;
    return count;
}

/* What is left of a statement without `head` words before and `tail` words behind. */
static struct words middle(const char *text, size_t head, size_t tail)
{
    size_t count = count_words(text);
    struct pg_token first = word_at(text, head);
    struct pg_token last = word_at(text, count - tail > 0 ? count - tail - 1 : 0);

    if (head + tail >= count)
        return (struct words){ first.at, first.at };
    return (struct words){ first.at, last.at + last.size };
}

static const char *cell(struct arena *arena, struct words words)
{
    size_t size = (size_t)(words.end - words.begin);

    return size > 0 ? beside_value(arena, "", words.begin, size, NULL, 0, 0) : "(nothing)";
}

/* What both begin with is left out of long ones but for a few words. */
static const char *shown(struct arena *arena, const char *text, size_t head)
{
    const char *from = word_at(text, head > 4 ? head - 4 : 0).at;

    if (beside_columns(text) <= BESIDE_COLUMNS || from == text)
        return beside_value(arena, "", text, strlen(text), NULL, 0, 0);
    return beside_value(arena, "... ", from, strlen(from), NULL, 0, 0);
}

/* Of both what is no secret. */
static void add_statements(struct nearest *nearest, const char *whole_rule,
                           const char *whole_call)
{
    struct arena *arena = nearest->call->arena;
    const char *rule = pg_secret_masked(whole_rule, arena);
    const char *call = pg_secret_masked(whole_call, arena);
    size_t head = common_head(rule, call);
    size_t tail = common_tail(rule, call, head);
    bool holds = strcmp(whole_rule, whole_call) == 0;

    add_row(nearest, "sql", shown(arena, rule, holds ? 0 : head),
            shown(arena, call, holds ? 0 : head), holds);
    if (!holds && strcmp(rule, call) == 0)
        add_row(nearest, "differs", "a secret", "another one", false);
    else if (!holds && head + tail > 0)
        add_row(nearest, "differs", cell(arena, middle(rule, head, tail)),
                cell(arena, middle(call, head, tail)), false);
}

static void add_sql(struct nearest *nearest)
{
    const struct pg_rule *rule = nearest->rule;
    struct pg_call *call = nearest->call;
    struct arena *arena = call->arena;
    const char *sql = call->sql ? call->sql : "";
    const char *masked = pg_secret_masked(sql, arena);
    const char *shown_sql = beside_value(arena, "", masked, strlen(masked), NULL, 0, 0);

    if (rule->statement)
        add_statements(nearest, rule->statement->normal, call->normal ? call->normal : "");
    if (rule->pattern)
        add_row(nearest, "sql",
                beside_value(arena, "~ ", rule->said->sql_regex, strlen(rule->said->sql_regex),
                             NULL, 0, 0),
                shown_sql,
                call->sql && match_pattern_found(rule->pattern, sql, strlen(sql), NULL));
    if (rule->name)
        add_row(nearest, "name", rule->name,
                call->is && call->is->name ? call->is->name : "(none)",
                call->is && call->is->name && strcmp(call->is->name, rule->name) == 0);
}

/* ---- events ------------------------------------------------------------------------------ */

static void add_begin(struct nearest *nearest)
{
    const struct pg_said *said = nearest->rule->said;
    const char *isolation = rule_isolation(nearest->call);
    bool is_read_only = nearest->call->read_only;

    if (said->isolation)
        add_row(nearest, "isolation", said->isolation, isolation,
                strcasecmp(said->isolation, isolation) == 0);
    if (said->read_only)
        add_row(nearest, "access", "read only", is_read_only ? "read only" : "read write",
                is_read_only);
}

/* Returns whether it is worth going on. */
static bool add_event(struct nearest *nearest)
{
    enum seam_pg_event wanted = nearest->rule->event;
    enum seam_pg_event got = nearest->call->event;
    bool holds = rule_event_holds(nearest->rule, nearest->call);

    if (wanted != SEAM_PG_STATEMENT || !holds)
        add_row(nearest, "event", rule_event_word(wanted), rule_event_word(got), holds);
    if (holds && got == SEAM_PG_BEGIN)
        add_begin(nearest);
    return holds || (wanted == SEAM_PG_STATEMENT && nearest->call->sql);
}

/* ---- arguments --------------------------------------------------------------------------- */

static bool is_plain(const struct rule_argument *wanted)
{
    return wanted &&
           (wanted->value.kind == SEAM_KIND_INT || wanted->value.kind == SEAM_KIND_UINT ||
            wanted->value.kind == SEAM_KIND_DOUBLE || wanted->value.kind == SEAM_KIND_BOOL ||
            wanted->value.kind == SEAM_KIND_BYTES);
}

/* Without quotes beside what has none, so that 1 is seen to be 1. */
static const char *show_argument(struct nearest *nearest, size_t i,
                                 const struct rule_argument *wanted)
{
    struct arena *arena = nearest->call->arena;
    size_t size = 0;
    const char *text = pg_argument_text(&nearest->call->arguments[i], arena, &size);
    bool is_text = wanted && wanted->value.kind == SEAM_KIND_TEXT;

    if (!text)
        return "NULL";
    return beside_value(arena, "", text, size, is_text ? wanted->text : NULL,
                        is_text ? wanted->size : 0, is_plain(wanted) && size > 0 ? 0 : '\'');
}

static const char *show_wanted(struct nearest *nearest, size_t i)
{
    const struct rule_argument *wanted = &nearest->rule->arguments[i];
    size_t size = 0;
    const char *text;

    if (wanted->value.kind != SEAM_KIND_TEXT || i >= nearest->call->argument_count)
        return rule_argument_show(wanted, nearest->call->arena);
    text = pg_argument_text(&nearest->call->arguments[i], nearest->call->arena, &size);
    return beside_value(nearest->call->arena, "", wanted->text, wanted->size, text, size, '\'');
}

static const char *show_secret(struct arena *arena, const char *text, size_t size, bool differs)
{
    return text ? beside_secret(arena, text, size, differs) : "NULL";
}

/* Both sides of an argument; in `ret_wanted` and `ret_got` what there is of them. */
static void show_both(struct nearest *nearest, size_t i, bool holds, const char **ret_wanted,
                      const char **ret_got)
{
    const struct pg_rule *rule = nearest->rule;
    struct arena *arena = nearest->call->arena;
    const struct rule_argument *wanted = i < rule->argument_count ? &rule->arguments[i] : NULL;
    bool is_got = i < nearest->call->argument_count;
    bool is_secret = pg_secret_parameter(nearest->call->sql, (int)i + 1);
    size_t size = 0;
    const char *text;

    *ret_wanted = *ret_got = "(none)";
    if (wanted)
        *ret_wanted = is_secret && wanted->value.kind == SEAM_KIND_TEXT
                          ? show_secret(arena, wanted->text, wanted->size, !holds)
                          : show_wanted(nearest, i);
    if (!is_got)
        return;
    text = pg_argument_text(&nearest->call->arguments[i], arena, &size);
    *ret_got =
        is_secret ? show_secret(arena, text, size, !holds) : show_argument(nearest, i, wanted);
}

static void add_argument(struct nearest *nearest, size_t i)
{
    const struct pg_rule *rule = nearest->rule;
    const char *kind = arena_printf(nearest->call->arena, "$%zu", i + 1);
    bool both = i < rule->argument_count && i < nearest->call->argument_count;
    bool holds = both && argument_holds(nearest, rule, i);
    const char *wanted, *got;

    show_both(nearest, i, holds, &wanted, &got);
    if (both && rule->arguments[i].value.kind == SEAM_KIND_MATCHES)
        beside_add(&nearest->table, kind, wanted, got, BESIDE_UNKNOWN);
    else
        add_row(nearest, kind, wanted, got, holds);
}

static void add_arguments(struct nearest *nearest)
{
    const struct pg_rule *rule = nearest->rule;
    size_t got = nearest->call->argument_count;
    size_t all = rule->argument_count > got ? rule->argument_count : got;

    if (!rule->counts_arguments || !nearest->call->arguments)
        return;
    if (got != rule->argument_count)
        add_row(nearest, "arguments",
                arena_printf(nearest->call->arena, "%zu", rule->argument_count),
                arena_printf(nearest->call->arena, "%zu", got), false);
    for (size_t i = 0; i < all; i++)
        add_argument(nearest, i);
}

/* A function has said no only where all else holds: else it may not have been asked. */
static void settle_functions(struct nearest *nearest, bool is_due)
{
    bool said_no = is_due && !nearest->differs;
    struct beside_row *rows;

    if (nearest->rule->sql_fn)
        beside_add(&nearest->table, "sql_fn", "(function)", said_no ? "said no" : "(not asked)",
                   said_no ? BESIDE_DIFFERS : BESIDE_UNKNOWN);
    rows = (struct beside_row *)(void *)nearest->table.rows.data;
    for (size_t i = 0; said_no && i < nearest->table.rows.size / sizeof *rows; i++)
        if (rows[i].mark == BESIDE_UNKNOWN)
            rows[i].mark = BESIDE_DIFFERS;
}

/* ---- its turn ---------------------------------------------------------------------------- */

static const char *name_site(struct arena *arena, const struct pg_rule *rule)
{
    return arena_printf(arena, "%s:%d", base_name(rule->said->site.file),
                        rule->said->site.line);
}

/* Why it does not answer whatever is sent; NULL: it may. */
static const char *say_bar(const struct nearest *nearest, const struct pg_rule *rule)
{
    const struct pg_rule_set *set = nearest->set;
    struct arena *arena = nearest->call->arena;

    if (!rule_is_open(rule))
        return arena_printf(arena, "has answered %zu of %zu times", rule->used, rule->most);
    if (set->unordered || rule->turn == set->turn)
        return NULL;
    if (rule->turn < set->turn)
        return "is over: one behind it has answered";
    for (size_t i = set->turn; i < rule->turn; i++)
        for (const struct pg_rule *other = rule_turn_at(set, i)->open; other;
             other = other->next_open)
            if (other->used < other->least)
                return arena_printf(arena, "waits for the rule at %s", name_site(arena, other));
    return NULL;
}

/* A rule that would have answered were it its turn. */
static const struct pg_rule *find_barred(struct nearest *nearest)
{
    for (size_t i = rule_count(&nearest->set->all); i > 0; i--) {
        const struct pg_rule *rule = rule_at(&nearest->set->all, i - 1);

        if (!rule->is_forbidden && rule != nearest->rule && !rule->has_function &&
            rule_is_for(rule, nearest->call, nearest->statement, false) &&
            (!nearest->call->arguments || rule_arguments_hold(rule, nearest->call)))
            return rule;
    }
    return NULL;
}

static void add_turn(struct nearest *nearest, const char *bar)
{
    struct arena *arena = nearest->call->arena;
    const struct pg_rule *other = bar ? NULL : find_barred(nearest);
    const char *other_bar = other ? say_bar(nearest, other) : NULL;

    if (bar)
        add_row(nearest, "turn", arena_printf(arena, "%s", bar), "", false);
    if (other_bar)
        beside_add(&nearest->table, "turn",
                   arena_printf(arena, "the rule at %s", name_site(arena, other)), other_bar,
                   BESIDE_UNKNOWN);
}

/* ---- the report -------------------------------------------------------------------------- */

bool pg_rule_nearest(struct pg_rule_set *set, struct pg_call *call, seam_site *ret_site,
                     const char **ret_why, struct buf *to)
{
    struct nearest nearest = { .set = set,
                               .call = call,
                               .table = { "rule", "statement", BUF_INIT(TABLE_MAX) } };
    const char *bar;

    if (call->sql && !call->normal)
        call->normal = pg_sql_normal(call->sql, call->arena);
    nearest.statement = rule_statement_find(set, call);
    nearest.rule = find_due(&nearest);
    *ret_why = nearest.rule ? "the next one is" : "the nearest rule is";
    if (!nearest.rule)
        nearest.rule = find_any(&nearest);
    if (!nearest.rule)
        return false;
    if (add_event(&nearest)) {
        add_sql(&nearest);
        add_arguments(&nearest);
    }
    bar = say_bar(&nearest, nearest.rule);
    settle_functions(&nearest, !bar);
    add_turn(&nearest, bar);
    beside_write(&nearest.table, to);
    buf_fini(&nearest.table.rows);
    *ret_site = nearest.rule->said->site;
    return true;
}
