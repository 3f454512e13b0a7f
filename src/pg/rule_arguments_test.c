/* pg/rule_arguments_test.c - arguments are compared as values of their types. */

#include "pg/rule_test.h"

enum { INT4 = 23, TEXT = 25, BYTEA = 17, NUMERIC = 1700, INT8 = 20, BOOL = 16 };

static bool holds(seam_t *t, seam_value want, struct pg_argument got)
{
    struct pg_rule_set *set = rule_test_set(t);
    struct pg_call *call = CALL_WITH(t, "select $1", "x");
    bool is_forbidden;

    ADD(t, set, .sql = "select $1", .all_args = (const seam_value[]){ want, { 0 } },
        .tag = "A");
    call->arguments = &got;
    return pg_rule_choose(set, call, &is_forbidden);
}

#define SENT(string, oid)                                                                      \
    ((struct pg_argument){ .data = (string), .size = sizeof(string) - 1, .type = (oid) })
#define BINARY(string, oid)                                                                    \
    ((struct pg_argument){                                                                     \
        .data = (string), .size = sizeof(string) - 1, .format = 1, .type = (oid) })

/* go-sqlmock: 5 is neither 5.0 nor "5". */
SEAM_TEST(pg_argument_is_compared_as_its_declared_type)
{
    seam_check(t, holds(t, SEAM_V(1), SENT("1", INT4)));
    seam_check(t, holds(t, SEAM_V("1"), SENT("1", INT4)));
    seam_check(t, holds(t, SEAM_V("01"), SENT("1", INT4)));
    seam_check(t, !holds(t, SEAM_V("01"), SENT("1", TEXT)));
    seam_check(t, holds(t, SEAM_V(1.5), SENT("1.50", NUMERIC)));
    seam_check(t, holds(t, SEAM_V("1.50"), SENT("1.5", NUMERIC)));
    seam_check(t, !holds(t, SEAM_V(1), SENT("2", INT4)));
    seam_check(t, holds(t, SEAM_V((bool)1), SENT("true", BOOL)));
    seam_check(t, !holds(t, SEAM_V((bool)1), SENT("f", BOOL)));
}

SEAM_TEST(pg_argument_without_a_type_is_compared_as_the_kind_of_value)
{
    seam_check(t, holds(t, SEAM_V(1), SENT("1", 0)));
    seam_check(t, holds(t, SEAM_V(1), SENT("1.0", 0)));
    seam_check(t, holds(t, SEAM_V(0.1), SENT("0.10000000000000001", 0)));
    seam_check(t, !holds(t, SEAM_V("1"), SENT("1.0", 0)));
    seam_check(t, holds(t, SEAM_V((bool)1), SENT("t", 0)));
    seam_check(t, !holds(t, SEAM_V(1), SENT("x", 0)));
    seam_check(t, holds(t, SEAM_V(1u), SENT("1", 0)));
    seam_check(t, holds(t, SEAM_V(1), SENT("1", 99999)));
}

SEAM_TEST(pg_argument_null_is_no_empty_text)
{
    const struct pg_argument null = { .data = NULL };

    seam_check(t, holds(t, SEAM_SQL_NULL, null));
    seam_check(t, !holds(t, SEAM_SQL_NULL, SENT("", 0)));
    seam_check(t, !holds(t, SEAM_V(""), null));
    seam_check(t, holds(t, SEAM_V(""), SENT("", TEXT)));
    seam_check(t, !holds(t, SEAM_V(0), null));
    seam_check(t, holds(t, SEAM_ANY, null));
    seam_check(t, !holds(t, SEAM_LIKE(""), null));
}

SEAM_TEST(pg_argument_in_binary_is_the_same_value)
{
    seam_check(t, holds(t, SEAM_V(258), BINARY("\0\0\1\2", INT4)));
    seam_check(t, holds(t, SEAM_V(258), BINARY("\0\0\1\2", 0)));
    seam_check(t, holds(t, SEAM_V(-1), BINARY("\xff\xff\xff\xff\xff\xff\xff\xff", 0)));
    seam_check(t, !holds(t, SEAM_V(1), BINARY("\0\0\1\2", INT4)));
    seam_check(t, holds(t, SEAM_V("ada"), BINARY("ada", TEXT)));
    seam_check(t, holds(t, SEAM_V("ada"), BINARY("ada", 0)));
    seam_check(t, holds(t, SEAM_BYTES("a\0b", 3), BINARY("a\0b", BYTEA)));
    seam_check(t, !holds(t, SEAM_BYTES("a\0b", 3), BINARY("a\0c", BYTEA)));
    seam_check(t, holds(t, SEAM_BYTES("a\0b", 3), SENT("\\x610062", BYTEA)));
}

static bool is_long(const char *text, size_t size, void *arg)
{
    *(bool *)arg = !text;
    return size > 3;
}

SEAM_TEST(pg_argument_may_be_anything_a_pattern_or_what_a_function_says)
{
    struct pg_rule_set *set = rule_test_set(t);
    bool was_null = false;

    seam_check(t, holds(t, SEAM_ANY, SENT("x", 0)));
    seam_check(t, holds(t, SEAM_LIKE("^a.a$"), SENT("ada", 0)));
    seam_check(t, !holds(t, SEAM_LIKE("^a.a$"), SENT("adam", 0)));
    ADD(t, set, .sql = "select $1", .args = { SEAM_MATCHES(is_long) }, .arg = &was_null,
        .tag = "A");
    seam_check(t, pg_rule_needs_user(set, CALL_WITH(t, "select $1", "abcd")));
    seam_check(t, !pg_rule_needs_user(set, CALL_WITH(t, "select 1", "abcd")));
    seam_check_eq(t, ASK_WITH(t, set, "select $1", rule_sql_null), "none");
    seam_check(t, was_null);
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "abc"), "none");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "abcd"), "A");
}

/* go-sqlmock: no arguments in the rule are said to be "without arguments" and mean any. */
SEAM_TEST(pg_arguments_are_counted_where_the_rule_has_some)
{
    struct pg_rule_set *set = rule_test_set(t);

    pg_rule_set_unordered(set);
    ADD(t, set, .sql = "a", .tag = "any", .any_times = true);
    ADD(t, set, .sql = "a", .no_args = true, .tag = "no", .any_times = true);
    ADD(t, set, .sql = "a", .args = { SEAM_ANY, SEAM_ANY }, .tag = "two", .any_times = true);
    seam_check_eq(t, ASK(t, set, "a"), "no");
    seam_check_eq(t, ASK_WITH(t, set, "a", "1", "2"), "two");
    seam_check_eq(t, ASK_WITH(t, set, "a", "1"), "any");
}

SEAM_TEST(pg_arguments_may_be_many)
{
    enum { MANY = 100 };
    struct pg_rule_set *set = rule_test_set(t);
    seam_value all[MANY + 1] = { { 0 } };
    const char *sent[MANY + 1] = { NULL };

    for (int i = 0; i < MANY; i++) {
        all[i] = SEAM_V(i);
        sent[i] = seam_format(t, "%d", i);
    }
    ADD(t, set, .sql = "a", .all_args = all, .tag = "A");
    sent[MANY - 1] = "x";
    seam_check_eq(t, rule_test_answer(set, rule_test_call(t, "a", sent)), "none");
    sent[MANY - 1] = "99";
    seam_check_eq(t, rule_test_answer(set, rule_test_call(t, "a", sent)), "A");
}
