/* pg/nearest_test.c - a statement that no rule answers, beside the rule it came nearest to. */

#include "pg/rule_test.h"

/* go-sqlmock: "was not expected", without any reason. */
SEAM_TEST(pg_nearest_rule_in_order_is_the_one_that_was_due)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .sql = "select id, email from users where id = $1",
           .args = { SEAM_V(1), SEAM_V("k-1"), SEAM_SQL_NULL }, .tag = "A");
    ADD_AT(t, set, 2, .sql = "select 2", .tag = "B");
    seam_check_str(
        t,
        rule_test_nearest(t, set,
                          CALL_WITH(t, "select id from users where id = $1", "1", "k-2", "")),
        "the next one is at 1\n"
        "rule                                              | statement\n"
        "sql      select id,email from users where id = $1 | select id from users where id = "
        "$1  <<<\n"
        "differs  ,email                                   | (nothing)                         "
        "  <<<\n"
        "$1       1                                        | 1                                 "
        "  ok\n"
        "$2       'k-1'                                    | 'k-2'                             "
        "  <<<\n"
        "$3       NULL                                     | ''                                "
        "  <<<\n");
}

SEAM_TEST(pg_nearest_rule_shows_no_secret_of_a_statement)
{
    struct pg_rule_set *set = rule_test_set(t);
    const char *table;

    ADD_AT(t, set, 3, .sql = "UPDATE users SET password = 'abc'", .tag = "UPDATE 1");
    table = rule_test_nearest(t, set, CALL(t, "update users set password = 'xyz'"));
    seam_check_eq(t, table,
                  "the next one is at 3\n"
                  "rule                                       | statement\n"
                  "sql      update users set password = '***' | "
                  "update users set password = '***'   <<<\n"
                  "differs  a secret                          | another one"
                  "                         <<<\n");
    seam_check_eq(t, rule_test_unused(t, set),
                  "3: 'UPDATE users SET password = \\'***\\'' was never used\n");
}

SEAM_TEST(pg_nearest_rule_shows_no_secret_argument)
{
    static const char sql[] = "INSERT INTO users (name, token) VALUES ($1, $2)";
    struct pg_rule_set *set = rule_test_set(t);
    const char *table;

    ADD_AT(t, set, 4, .sql = sql, .args = { SEAM_V("ada"), SEAM_V("tok-abc-9") },
           .tag = "INSERT 0 1");
    table = rule_test_nearest(t, set, CALL_WITH(t, sql, "bob", "tok-xyz-90"));
    seam_check_contains(t, table,
                        "$2   tok... (9 characters)                      | "
                        "tok... (10 characters)");
    table = rule_test_nearest(t, set, CALL_WITH(t, sql, "bob", "tok-abc-9"));
    seam_check_contains(t, table, "$2   ***                                        | ***");
}

SEAM_TEST(pg_nearest_rule_tells_of_one_whose_turn_it_is_not)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .sql = "select 1", .tag = "A");
    ADD_AT(t, set, 2, .sql = "select 2", .tag = "B");
    ADD_AT(t, set, 3, .sql = "select 3", .tag = "C");
    seam_check_contains(
        t, rule_test_nearest(t, set, CALL(t, "select 3")),
        "turn     the rule at a_test.c:3     | waits for the rule at a_test.c:1\n");
    seam_check_eq(t, ASK(t, set, "select 1"), "A");
    seam_check_contains(t, rule_test_nearest(t, set, CALL(t, "select 1")),
                        "turn     the rule at a_test.c:1     | has answered 1 of 1 times\n");
}

SEAM_TEST(pg_nearest_rule_that_is_used_up_says_so)
{
    struct pg_rule_set *set = rule_test_set(t);

    seam_check_eq(t, rule_test_nearest(t, set, CALL(t, "select 1")), "no rule");
    ADD_AT(t, set, 1, .sql = "select 1", .tag = "A", .times = 2);
    ADD_AT(t, set, 2, .sql = "delete from a", .never = true);
    ASK(t, set, "select 1");
    ASK(t, set, "select 1");
    seam_check_str(
        t, rule_test_nearest(t, set, CALL(t, "select 1")),
        "the nearest rule is at 1\n"
        "rule                                | statement\n"
        "sql   select 1                      | select 1                            ok\n"
        "turn  has answered 2 of 2 times     |                                     <<<\n");
}

SEAM_TEST(pg_nearest_rule_that_was_passed_over_says_so)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .sql = "select 1", .tag = "A", .optional = true);
    ADD_AT(t, set, 2, .sql = "select 2", .tag = "B", .any_times = true);
    ASK(t, set, "select 2");
    seam_check_contains(t, rule_test_nearest(t, set, CALL(t, "select 1")),
                        "| is over: one behind it has answered\n");
}

SEAM_TEST(pg_nearest_rule_shows_events)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .event = SEAM_PG_BEGIN, .isolation = "serializable", .read_only = true);
    seam_check_str(
        t, rule_test_nearest(t, set, rule_test_event(t, SEAM_PG_BEGIN, "begin")),
        "the next one is at 1\n"
        "rule                                | statement\n"
        "event      BEGIN                    | BEGIN                               ok\n"
        "isolation  serializable             | read committed                      <<<\n"
        "access     read only                | read write                          <<<\n");
    seam_check_str(
        t, rule_test_nearest(t, set, CALL(t, "select 1")),
        "the next one is at 1\n"
        "rule                                | statement\n"
        "event  BEGIN                        | a statement                         <<<\n");
}

SEAM_TEST(pg_nearest_rule_without_order_is_the_most_alike)
{
    struct pg_rule_set *set = rule_test_set(t);

    pg_rule_set_unordered(set);
    ADD_AT(t, set, 1, .sql = "select * from a", .tag = "A");
    ADD_AT(t, set, 2, .sql = "update b set c = $1 where d = $2",
           .args = { SEAM_V(1), SEAM_V(2) }, .tag = "B");
    ADD_AT(t, set, 3, .sql = "update b set c = $1 where d = $2",
           .args = { SEAM_V(1), SEAM_V(3) }, .tag = "C");
    seam_check_contains(
        t,
        rule_test_nearest(t, set, CALL_WITH(t, "update b set c = $1 where d = $2", "2", "3")),
        "the nearest rule is at 3\n");
    seam_check_contains(t, rule_test_nearest(t, set, CALL(t, "select * from b")),
                        "the nearest rule is at 1\n");
}

static bool says_no(const char *text, size_t size, void *arg)
{
    (void)text;
    (void)size;
    ++*(int *)arg;
    return false;
}

/* It has been asked when the rule was chosen, and is not asked again. */
SEAM_TEST(pg_nearest_rule_says_what_a_function_said)
{
    struct pg_rule_set *set = rule_test_set(t);
    int asked = 0;

    ADD_AT(t, set, 1, .sql = "select $1, $2", .args = { SEAM_MATCHES(says_no), SEAM_V(1) },
           .arg = &asked, .tag = "A");
    seam_check_contains(
        t, rule_test_nearest(t, set, CALL_WITH(t, "select $1, $2", "x", "1")),
        "$1   (function)                     | 'x'                                 <<<\n");
    seam_check_contains(t, rule_test_nearest(t, set, CALL_WITH(t, "select $1, $2", "x", "2")),
                        "$1   (function)                     | 'x'\n");
    seam_check_eq(t, asked, 0);
}

static bool says_never(const char *sql, void *arg)
{
    (void)sql;
    (void)arg;
    return false;
}

SEAM_TEST(pg_nearest_rule_may_be_a_function_alone)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 3, .sql_fn = says_never, .tag = "SELECT 1");
    seam_check_eq(
        t, rule_test_nearest(t, set, CALL(t, "select 1")),
        "the next one is at 3\n"
        "rule                                | statement\n"
        "sql_fn  (function)                  | said no                             <<<\n");
}

SEAM_TEST(pg_nearest_rule_with_a_long_statement_shows_where_it_differs)
{
    struct pg_rule_set *set = rule_test_set(t);
    const char *text;

    ADD_AT(t, set, 1,
           .sql = "select a1, a2, a3, a4, a5, a6, a7, a8, a9 from b where c = 1 and d = 2 and "
                  "e = 3 and f = 4 and g = 5 and h = 6 order by i",
           .tag = "A");
    text = rule_test_nearest(
        t, set,
        CALL(t, "select a1, a2, a3, a4, a5, a6, a7, a8, a9 from b where c = 1 and d = 2 and "
                "e = 9 and f = 4 and g = 5 and h = 6 order by i"));
    seam_check_contains(t, text, "sql      ... 2 and e = 3 and f = 4");
    seam_check_contains(t, text, "| ... 2 and e = 9 and f = 4");
    seam_check_contains(t, text, "differs  3 ");
    seam_check_contains(t, text, "| 9 ");
}
