/*
 * pg/rule_set.h - what a set of rules holds; for rule*.c and nearest*.c alone.
 *
 *   texts: "SELECT  1", "select 1" ── struct rule_statement ── its literal rules
 *   others: rules with a pattern, a function or an event
 *   forbidden: rules with .never, whatever their kind; they have no turn
 *
 * In order, rules are cut into turns: one rule, or those of one group that follow each other. `turn` is the one
 * that answered last, or the next when that has nothing left; those before it are over.
 *
 *   turns:  [ a ] [ b c ] [ d ]     b and c are of one group; each turn lists those of its rules that
 *                  ^turn            may still answer
 *
 * Unordered, lists are ordered as rules are tried: by kind, then weight, then time of adding; and `questions`
 * has each question as text, so that one of a thousand that differ in their arguments alone is found at once.
 */
#ifndef PG_RULE_SET_H
#define PG_RULE_SET_H

#include "base/map.h"
#include "pg/rule.h"
#include "test/match.h"

enum rule_kind { RULE_EVENT, RULE_FUNCTION, RULE_PATTERN, RULE_LITERAL };

/* What an argument has to be. */
struct rule_argument {
    seam_value value; /* its text is the set's */
    const char *text; /* the value as text; NULL: it has none */
    size_t size;
    const struct match_pattern *pattern; /* of SEAM_LIKE */
};

struct pg_rule {
    size_t number; /* of adding, from 0 */
    const struct pg_said *said; /* its texts are the set's */
    enum seam_pg_event event;
    enum rule_kind kind;
    bool is_forbidden; /* .never */
    struct rule_statement
        *statement; /* of a literal rule, and of an event's .sql that is one; else NULL */
    const struct match_pattern *pattern; /* of .sql_regex */
    const char *name; /* of a savepoint, as the server folds it; NULL: any */
    bool counts_arguments; /* there have to be so many */
    const struct rule_argument *arguments;
    size_t argument_count;
    size_t weight; /* how much is compared besides the statement */
    bool has_function; /* of the user's, for choosing */
    bool (*sql_fn)(const char *sql, void *arg); /* NULL: none */
    void *arg; /* for them */

    const struct pg_columns *columns;
    bool has_rows;
    const struct pg_cell *cells;
    size_t row_count;
    const struct pg_error *error; /* NULL: none */
    const struct pg_error *notices;
    size_t notice_count;

    size_t most, least; /* how often it answers */
    size_t used;
    size_t turn; /* its place in the set's turns */
    struct pg_rule *next_open; /* of its turn, in the order of adding */
    struct pg_rule *previous_open;
};

struct rule_list {
    struct buf rules; /* of struct pg_rule * */
    size_t first; /* those before this one are used up */
};

/* A literal statement. */
struct rule_statement {
    const char *normal;
    struct pg_sql is;
    const char *mistake; /* why no rule can have it; NULL: one can */
    struct rule_list list;
};

struct rule_turn {
    struct pg_rule *open, *last_open;
    const char *group; /* NULL: one rule alone */
    size_t missing; /* rules that did not answer as often as they must */
};

struct pg_rule_set {
    struct arena arena;
    bool unordered;
    struct buf all; /* of struct pg_rule * */
    struct buf turns; /* of struct rule_turn */
    size_t turn;
    struct map texts; /* to the place in `statements`, and 1 */
    struct buf statements; /* of struct rule_statement * */
    struct map column_texts; /* the same for `columns` */
    struct buf columns; /* of const struct pg_columns * */
    struct rule_list others;
    struct rule_list forbidden;
    struct map questions; /* to the place in `asked`, and 1; unordered alone */
    struct buf asked; /* of struct rule_list * */
    struct buf patterns; /* of struct match_pattern *, to be freed */
    size_t function_count; /* rules that call the user's code to choose */
    bool is_about[SEAM_PG_CLOSE + 1]; /* rules of the event there were */
};

enum { RULES_MAX = 4 << 20, RULE_ROOM = RULES_MAX * sizeof(void *) };

static inline size_t rule_count(const struct buf *rules)
{
    return rules->size / sizeof(struct pg_rule *);
}

static inline struct pg_rule *rule_at(const struct buf *rules, size_t i)
{
    return ((struct pg_rule **)(void *)rules->data)[i];
}

static inline size_t rule_turn_count(const struct pg_rule_set *set)
{
    return set->turns.size / sizeof(struct rule_turn);
}

static inline struct rule_turn *rule_turn_at(const struct pg_rule_set *set, size_t i)
{
    return (struct rule_turn *)(void *)set->turns.data + i;
}

/* Whether none of these values, a multiple of eight, is given. Without a branch for each: most lists are short, and
 * each rule that is added pays for what is behind them. */
static inline bool rule_are_ends(const seam_value *values, size_t count)
{
    int kinds = 0;

    for (size_t i = 0; i < count; i += 8)
        kinds |= values[i].kind | values[i + 1].kind | values[i + 2].kind | values[i + 3].kind |
                 values[i + 4].kind | values[i + 5].kind | values[i + 6].kind |
                 values[i + 7].kind;
    return kinds == SEAM_KIND_END;
}

/* ---- rule.c */

/* Put a whole rule into the set: from now on it answers. -ENOMEM; -EINVAL when it is ambiguous. */
int pg_rule_insert(struct pg_rule_set *set, struct pg_rule *rule, struct err *err);

/* The statement of a literal text, made when it is new; NULL when memory ends. */
struct rule_statement *rule_statement_of(struct pg_rule_set *set, const char *sql);

/* The same, of what a program sent; NULL when no rule has it. */
struct rule_statement *rule_statement_find(struct pg_rule_set *set, struct pg_call *call);

/* Whether it may still answer as far as counting goes. */
static inline bool rule_is_open(const struct pg_rule *rule)
{
    return rule->used < rule->most;
}

/* "COMMIT"; and what a rule is about, for messages: "'SELECT 1'", "COMMIT". */
const char *rule_event_word(enum seam_pg_event event);
const char *rule_head(const struct pg_rule *rule, struct arena *arena);

/* ---- rule_choose.c */

/* Whether the statement or event is the rule's, whatever its arguments and its turn. `statement` is the call's. A
 * function of the user's is asked with `ask` alone; else it is taken to say yes. */
bool rule_is_for(const struct pg_rule *rule, struct pg_call *call,
                 const struct rule_statement *statement, bool ask);

/* Whether the rule's event is what this call is about. */
bool rule_event_holds(const struct pg_rule *rule, const struct pg_call *call);

/* Of the transaction that the call begins. */
const char *rule_isolation(const struct pg_call *call);

/* The question of a rule as text, the same for those that match the same: statement, kinds and values. */
const char *rule_question(const struct pg_rule *rule, struct arena *arena);

/* ---- rule_arguments.c */

/* -EINVAL when it cannot be compared with. */
int rule_argument_make(struct pg_rule_set *set, const seam_value *value,
                       struct rule_argument *ret, struct err *err);
bool rule_argument_holds(const struct rule_argument *want, const struct pg_argument *got,
                         struct arena *arena, void *arg);
bool rule_arguments_hold(const struct pg_rule *rule, struct pg_call *call);

/* A value as the server would take it: 1, 1.5, t, \x00ff; NULL for what has no text. *ret_size without the NUL. */
const char *rule_value_text(const seam_value *value, struct arena *arena, size_t *ret_size);

/* As a report shows it: 1, 'text', NULL, any, ~ 'pattern'. */
const char *rule_argument_show(const struct rule_argument *argument, struct arena *arena);

/* ---- rule_add.c */

int rule_pattern_new(struct pg_rule_set *set, const char *label, const char *pattern,
                     const struct match_pattern **ret, struct err *err);

/* ---- rule_rows.c */

/* The rows that a rule, which has its columns, says in one of many ways. */
int rule_rows_take(struct pg_rule_set *set, struct pg_rule *rule, const seam_pg_rule *from,
                   const char *folder, struct err *err);

/* From a text: */
struct rule_rows {
    struct arena *arena;
    const struct pg_columns *columns;
    struct pg_cell *known; /* all of them, where it is known how many they are; NULL */
    struct buf cells; /* else: of struct pg_cell */
    size_t cell_count;
    struct err *err;
};
int rule_rows_cell(struct rule_rows *rows, const seam_value *value); /* the next one */
int rule_rows_csv(struct rule_rows *rows, const char *label, const char *text, size_t size);
int rule_rows_json(struct rule_rows *rows, const char *text);

#endif
