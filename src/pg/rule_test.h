/* pg/rule_test.h - statements and sets of rules for the tests beside it. */
#ifndef PG_RULE_TEST_H
#define PG_RULE_TEST_H

#include <seam/seam.h>

#include <string.h>

#include "pg/rule.h"

extern const char rule_sql_null[]; /* an argument that is SQL's NULL */

/* A set that lives as long as the test; a rule that cannot be ends it. */
struct pg_rule_set *rule_test_set(seam_t *t);
void rule_test_add(seam_t *t, struct pg_rule_set *set, const seam_pg_rule *rule);

/* A statement with arguments as text, ended by NULL. */
struct pg_call *rule_test_call(seam_t *t, const char *sql, const char *const args[]);

/* The tag of the rule that answers, which then is counted: "none" when none does, "forbidden" in front of one that
 * may not be used. */
const char *rule_test_answer(struct pg_rule_set *set, struct pg_call *call);

/* What pg_rule_unused says, a line each: "12: 'select 1' was never used". */
const char *rule_test_unused(seam_t *t, const struct pg_rule_set *set);

/* What pg_rule_nearest says, with its reason and line in front. */
const char *rule_test_nearest(seam_t *t, struct pg_rule_set *set, struct pg_call *call);

#define ADD_AT(t, set, n, ...)                                                                 \
    rule_test_add((t), (set), &(seam_pg_rule){ __VA_ARGS__, .site = { "a_test.c", (n) } })
#define ADD(t, set, ...) ADD_AT(t, set, __LINE__, __VA_ARGS__)
#define CALL(t, sql) rule_test_call((t), (sql), (const char *const[]){ NULL })
#define CALL_WITH(t, sql, ...)                                                                 \
    rule_test_call((t), (sql), (const char *const[]){ __VA_ARGS__, NULL })
#define ASK(t, set, sql) rule_test_answer((set), CALL(t, sql))
#define ASK_WITH(t, set, sql, ...) rule_test_answer((set), CALL_WITH(t, sql, __VA_ARGS__))
#define EVENT(t, set, which, sql) rule_test_answer((set), rule_test_event((t), (which), (sql)))

/* The same of an event; `sql` is classified. */
struct pg_call *rule_test_event(seam_t *t, enum seam_pg_event event, const char *sql);

#endif
