/*
 * pg/rule.h - the rules of a PostgreSQL double: which one answers a statement, and with what.
 *
 * Pure: no I/O, no clock, no t. In order, a set looks at the rules that may be next and no further; unordered, it
 * indexes literal statements, so that a thousand rules cost what one does.
 *
 * Ownership: a set copies its rules. What it hands out lives until the set is cleared or freed, or, where it was
 * worked out for a statement, in the arena that was passed.
 *
 * Threads: one at a time; the mock holds the loop's lock.
 */
#ifndef PG_RULE_H
#define PG_RULE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "seam/pg_mock.h"
#include "wire/pg_server.h"

struct pg_rule; /* one rule of a set */

/* The copy of what a test wrote, without its arguments and rows: they are most of a seam_pg_rule, and every rule
 * that is added would pay for the pages. */
struct pg_said {
    const char *sql;
    const char *sql_regex;
    bool (*sql_fn)(const char *sql, void *arg);
    void *arg;
    enum seam_pg_event event;
    const char *isolation;
    bool read_only;
    const char *columns;
    seam_pg_row_fn *row_fn;
    const char *tag;
    const char *sqlstate; /* of .error */
    seam_pg_notification notify;
    const char *copy_out;
    const char *copy_in;
    const char *group;
    int delay_ms;
    int fault;
    int fault_after;
    const char *given;
    bool compare_rows;
    bool injected;
    const char *name;
    seam_site site;
};
struct pg_rule_set;

struct pg_rule_set *pg_rule_set_new(void);
void pg_rule_set_free(struct pg_rule_set *set); /* NULL is fine */
void pg_rule_set_clear(struct pg_rule_set *set);
void pg_rule_set_unordered(struct pg_rule_set *set); /* also rules that are there already */

/* Which of those that were there already has the question of an earlier one, and another answer: the words of the
 * setup mistake, in the arena, and its site; NULL: none. pg_rule_add says it of later ones. */
const char *pg_rule_set_ambiguity(const struct pg_rule_set *set, struct arena *arena,
                                  seam_site *ret_site);

/* Add one. -EINVAL with a sentence for a rule that cannot be: nothing to match (no .sql, .sql_regex, .sql_fn, no
 * event), no answer (none of rows, tag, error, no_rows, copy, fault, event), a row with another number of cells
 * than columns, NULL in a not null column, a value that its type does not take, an unknown type (the nearest one
 * is named), a pattern that does not compile, CSV or JSON that cannot be read, several statements in .sql, a
 * SQLSTATE that is none, a constraint error without its .constraint, ambiguity with another rule when unordered
 * (its line is named). Files start at `folder`. */
int pg_rule_add(struct pg_rule_set *set, const seam_pg_rule *rule, const char *folder,
                struct err *err);

/* A statement or event as rules look at it. */
struct pg_call {
    enum seam_pg_event event;
    const char *sql; /* as sent; NULL with an event that has none */
    const char *normal; /* pg_sql_normal of it; worked out when it is NULL */
    struct rule_statement *found; /* what rules call it: worked out of this set, */
    const struct pg_rule_set *found_in; /* which had so many texts then; NULL: not yet */
    size_t found_of;
    const struct pg_sql *is;
    const char *isolation; /* of the transaction that a BEGIN begins; NULL: "read committed" */
    bool read_only;
    size_t argument_count;
    const struct pg_argument
        *arguments; /* NULL: they are not known yet (Parse, Describe of a statement): rules
                                            are compared by their SQL alone */
    struct arena *arena; /* for what is worked out */
};

/* The rule that answers; NULL: none matches or is due. It is not counted: pg_rule_use does that. Functions of the
 * user's (.sql_fn, SEAM_MATCHES) are called here: see pg_rule_needs_user. */
const struct pg_rule *pg_rule_choose(struct pg_rule_set *set, struct pg_call *call,
                                     bool *ret_forbidden);
void pg_rule_use(struct pg_rule_set *set, const struct pg_rule *rule);

/* Whether choosing may run code of the user's, so that it has to wait for the loop's thread. */
bool pg_rule_needs_user(const struct pg_rule_set *set, const struct pg_call *call);

/* Whether some rule, used up or not, is about such an event: then it is not answered automatically. For a
 * statement: one with this SQL. */
bool pg_rule_is_about(const struct pg_rule_set *set, struct pg_call *call);

/* The rule with this SQL that would be looked at first, for Describe of a statement; NULL. */
const struct pg_rule *pg_rule_peek(struct pg_rule_set *set, struct pg_call *call);

/* What a rule answers. Rows, tag and texts live as long as the set. The error has its message worked out as the
 * server words it (pg/error_words.h), and `position` from the statement where the server would point at a name. */
const struct pg_columns *pg_rule_columns(const struct pg_rule *rule); /* count 0: none */
bool pg_rule_has_rows(const struct pg_rule *rule); /* columns, perhaps without rows */
size_t pg_rule_row_count(const struct pg_rule *rule); /* SIZE_MAX: .row_fn, not known */
const struct pg_cell *pg_rule_row(const struct pg_rule *rule,
                                  size_t n); /* text; not with .row_fn */
const struct pg_error *pg_rule_error(const struct pg_rule *rule); /* NULL: none */
const struct pg_error *pg_rule_notices(const struct pg_rule *rule, size_t *ret_count);
const struct pg_said *pg_rule_said(const struct pg_rule *rule);
seam_site pg_rule_site(const struct pg_rule *rule);

/* The type that its argument i, from 0, tells of a parameter; 0: none. For clients that ask before they send. */
uint32_t pg_rule_argument_type(const struct pg_rule *rule, size_t i);

/* One cell of what .row_fn or the test gave, as text of the column's type. -EINVAL with words. */
int pg_rule_cell(const struct pg_column *column, const seam_value *value, struct arena *arena,
                 struct pg_cell *ret, struct err *err);

/* Say how near the nearest rule came: its site, and the table of both sides (statement, then argument by argument,
 * as shared/transcripts.md has it for HTTP). In order the nearest is the one that was due; `ret_why` then says
 * "the next one is", else "the nearest rule is". false when there is no rule at all. */
bool pg_rule_nearest(struct pg_rule_set *set, struct pg_call *call, seam_site *ret_site,
                     const char **ret_why, struct buf *to);

/* Call fn for each rule that did not answer as often as it must: "was never used", "answered 1 time instead of
 * 3", with the statement's head. */
void pg_rule_unused(const struct pg_rule_set *set,
                    void (*fn)(void *arg, seam_site site, const char *text), void *arg);

/* An argument as text, for comparing, the journal and reports; binary ones are converted where the type is known,
 * else "\x...". In the arena; *ret_size without the NUL. NULL for SQL's NULL. */
const char *pg_argument_text(const struct pg_argument *argument, struct arena *arena,
                             size_t *ret_size);

#endif
