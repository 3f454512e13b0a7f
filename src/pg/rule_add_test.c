/* pg/rule_add_test.c - rules that cannot be, and the sentence for each. */

#include "pg/rule_test.h"

#include <stdio.h>

#define TAG .tag = "A"
#define SQL .sql = "select 1"

struct row {
    seam_pg_rule rule;
    const char *words;
};

static void check_rows(seam_t *t, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pg_rule_set *set = pg_rule_set_new();
        struct err err = { "" };

        seam_check_lt(t, pg_rule_add(set, &rows[i].rule, "/no/folder", &err), 0);
        seam_check_eq(t, err.text, rows[i].words);
        seam_check_eq(t, ASK(t, set, "select 1"), "none");
        seam_check_eq(t, rule_test_unused(t, set), "");
        pg_rule_set_free(set);
    }
}

#define CHECK(t, rows) check_rows((t), (rows), sizeof(rows) / sizeof *(rows))

static bool any_sql(const char *sql, void *arg)
{
    (void)arg;
    return sql;
}

static bool no_row(size_t n, seam_value *cells, size_t columns, void *arg)
{
    (void)n;
    (void)cells;
    (void)columns;
    (void)arg;
    return false;
}

SEAM_TEST(pg_rule_without_a_question_says_so)
{
    const struct row rows[] = {
        { { TAG },
          "a rule has to have .sql, .sql_regex, .sql_fn or .event\n"
          "try: .sql = \"SELECT 1\"" },
        { { SQL, .sql_regex = "a", TAG }, "a rule has .sql or .sql_regex, not both" },
        { { SQL, .sql_fn = any_sql, TAG }, "a rule has .sql or .sql_fn, not both" },
        { { .sql_regex = "a", .sql_fn = any_sql, TAG },
          "a rule has .sql_regex or .sql_fn, not both" },
        { { .sql = " -- nothing\n", TAG }, "sql is empty\ntry: .event = SEAM_PG_PING" },
        { { .sql = "select 1; select 2", TAG },
          "sql has several statements\ntry: a rule for each" },
        { { .sql = "select 'a", TAG }, "sql: unterminated quoted string at or near \"'a\"" },
        { { .sql_regex = "a(", TAG },
          "sql_regex 'a(': missing closing parenthesis at offset 2" },
        { { .event = (enum seam_pg_event)77 }, "event 77 is none of enum seam_pg_event" },
        { { .event = SEAM_PG_COMMIT, SQL },
          "event COMMIT has no .sql\ntry: .sql without .event" },
        { { .event = SEAM_PG_SAVEPOINT, .sql = "a b" }, "'a b' is no name of a savepoint" },
        { { .event = SEAM_PG_BEGIN, .sql_regex = "a" },
          "event BEGIN has no statement to match" },
        { { .event = SEAM_PG_COMMIT, .read_only = true },
          "isolation and read_only go with .event = SEAM_PG_BEGIN alone" },
        { { SQL, TAG, .isolation = "serializable" },
          "isolation and read_only go with .event = SEAM_PG_BEGIN alone" },
        { { .event = SEAM_PG_BEGIN, .isolation = "serialisable" },
          "isolation 'serialisable' is none of 'serializable', 'repeatable read', "
          "'read committed', 'read uncommitted'" },
    };

    CHECK(t, rows);
}

SEAM_TEST(pg_rule_with_arguments_that_cannot_be_says_so)
{
    static const seam_value all[] = { { .kind = SEAM_KIND_ANY }, { .kind = SEAM_KIND_END } };
    const struct row rows[] = {
        { { SQL, TAG, .args = { SEAM_V(1) }, .no_args = true },
          "a rule has .args or .no_args, not both" },
        { { SQL, TAG, .args = { SEAM_V(1) }, .all_args = all },
          "a rule has .args or .all_args, not both" },
        { { SQL, TAG, .all_args = all, .no_args = true },
          "a rule has .all_args or .no_args, not both" },
        { { SQL, TAG, .args = { [1] = SEAM_V(1) } },
          "argument 1 has no value, but argument 2 has\ntry: SEAM_ANY" },
        { { .sql = "select $1, $2", TAG, .args = { SEAM_V(1) } },
          "the statement has 2 parameters, and the rule 1\n"
          "try: SEAM_ANY for what does not matter" },
        { { .sql = "select $1", TAG, .no_args = true },
          "the statement has 1 parameter, and .no_args says 0\n"
          "try: SEAM_ANY for what does not matter" },
        { { .event = SEAM_PG_BEGIN, .args = { SEAM_V(1) } }, "event BEGIN has no arguments" },
        { { SQL, TAG, .args = { SEAM_LIKE("(") } },
          "argument 1: SEAM_LIKE '(': missing closing parenthesis at offset 1" },
        { { SQL, TAG, .args = { SEAM_LIKE(NULL) } }, "argument 1: SEAM_LIKE has no pattern" },
        { { SQL, TAG, .args = { SEAM_V(1), SEAM_MATCHES(NULL) } },
          "argument 2: SEAM_MATCHES has no function" },
        { { SQL, TAG, .args = { SEAM_V((char *)NULL) } },
          "argument 1: a text that is NULL\ntry: SEAM_SQL_NULL" },
        { { SQL, TAG, .args = { SEAM_BYTES(NULL, 1) } },
          "argument 1: bytes at NULL\ntry: SEAM_SQL_NULL" },
        { { SQL, TAG, .args = { { .kind = SEAM_KIND_POINTER } } },
          "argument 1: an address is no value" },
    };

    CHECK(t, rows);
}

SEAM_TEST(pg_rule_that_answers_an_odd_number_of_times_says_so)
{
    const struct row rows[] = {
        { { SQL, TAG, .times = -1 }, "times is -1\ntry: .never = true" },
        { { SQL, TAG, .times = 2, .any_times = true },
          "a rule has .times or .any_times, not both" },
        { { SQL, .times = 2, .never = true }, "a rule has .times or .never, not both" },
        { { SQL, .any_times = true, .never = true },
          "a rule has .any_times or .never, not both" },
        { { SQL, .optional = true, .never = true },
          "a rule has .optional or .never, not both" },
        { { SQL, .never = true, .group = "g" }, "a rule with .never is in no .group" },
        { { SQL, TAG, .group = "" }, "group is an empty text" },
        { { SQL, TAG, .never = true }, "a rule with .never has no answer" },
    };

    CHECK(t, rows);
}

/* go-sqlmock: an expectation without a response makes the call fail and counts as met. */
SEAM_TEST(pg_rule_without_an_answer_says_so)
{
    const struct row rows[] = {
        { { SQL },
          "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
          ".copy_in or .fault\ntry: .columns and .rows" },
        { { .sql = "update a set b = 1" },
          "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
          ".copy_in or .fault\ntry: .tag = \"UPDATE 1\"" },
        { { .sql = "insert into a values (1)" },
          "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
          ".copy_in or .fault\ntry: .tag = \"INSERT 0 1\"" },
        { { .sql = "create table a ()" },
          "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
          ".copy_in or .fault\ntry: .tag = \"CREATE TABLE\"" },
        { { .sql_regex = "x", .notices = { { .message = "x" } } },
          "a rule has to have an answer: .rows, .no_rows, .tag, .error, .copy_out, "
          ".copy_in or .fault\ntry: .columns and .rows" },
        { { SQL, .tag = "" }, "tag is empty\ntry: .tag = \"UPDATE 1\"" },
        { { SQL, TAG, .error = SEAM_PG_ERROR("XX000") },
          "a rule has .tag or .error, not both" },
        { { SQL, .copy_in = "", .copy_out = "" },
          "a rule has .copy_out or .copy_in, not both" },
        { { SQL, .copy_out = "", .columns = "a int4", .no_rows = true },
          "a rule has .copy_out or rows, not both" },
        { { SQL, TAG, .notify = { .payload = "x" } }, "notify has a .payload and no .channel" },
        { { SQL, TAG, .delay_ms = -1 }, "delay_ms is negative" },
        { { SQL, .fault = 99 }, "fault 99 is none of enum seam_pg_fault" },
        { { SQL, .fault = SEAM_PG_RESET, .fault_after = -1 }, "fault_after is negative" },
        { { SQL, TAG, .fault_after = 1 }, "fault_after goes with .fault alone" },
        { { SQL, .fault = SEAM_PG_REFUSE },
          "fault SEAM_PG_REFUSE goes with .event = SEAM_PG_CONNECT alone" },
        { { SQL, .fault = SEAM_PG_DRIP },
          "fault SEAM_PG_DRIP has no answer that it could spoil\ntry: .tag or .rows too" },
        { { SQL, .fault = SEAM_PG_WRONG_COUNT, TAG },
          "fault SEAM_PG_WRONG_COUNT goes with rows alone" },
        { { .event = SEAM_PG_COMMIT, .columns = "a int4", .no_rows = true },
          "event COMMIT has no rows" },
        { { .event = SEAM_PG_CONNECT, TAG }, "event CONNECT has no .tag" },
    };

    CHECK(t, rows);
}

SEAM_TEST(pg_rule_with_rows_that_cannot_be_says_so)
{
    static const seam_value three[] = { { .kind = SEAM_KIND_NULL },
                                        { .kind = SEAM_KIND_NULL },
                                        { .kind = SEAM_KIND_NULL },
                                        { .kind = SEAM_KIND_END } };
    const struct row rows[] = {
        { { SQL, .rows = { { SEAM_V(1) } } },
          "a rule with .rows has .columns\ntry: .columns = \"id int8\"" },
        { { SQL, .no_rows = true },
          "a rule with .no_rows has .columns\ntry: .columns = \"id int8\"" },
        { { SQL, .columns = "a int4" }, "a rule with .columns has rows\ntry: .no_rows = true" },
        { { SQL, .columns = "a int4", .rows = { { SEAM_V(1) } }, .csv = "1" },
          "a rule has .rows or .csv, not both" },
        { { SQL, .columns = "a int4", .row_fn = no_row, .no_rows = true },
          "a rule has .row_fn or .no_rows, not both" },
        { { SQL, .columns = "a int4, b text", .rows = { { SEAM_V(1) } } },
          "row 1 has 1 cell for 2 columns" },
        { { SQL, .columns = "a int4", .rows = { { SEAM_V(1) }, { SEAM_V(1), SEAM_V(2) } } },
          "row 2 has 2 cells for 1 column" },
        { { SQL, .columns = "a int4, b text", .rows = { { [1] = SEAM_V(1) } } },
          "row 1, column 'a': there is no value\ntry: SEAM_SQL_NULL" },
        { { SQL, .columns = "a int4", .rows = { { { 0 } }, { SEAM_V(1) } } },
          "row 1 has 0 cells for 1 column" },
        { { SQL, .columns = "a int4, b text", .all_rows = three },
          "all_rows has 3 cells for rows of 2 columns" },
        { { SQL, .columns = "a text not null", .rows = { { SEAM_SQL_NULL } } },
          "row 1: column 'a' is not null, but the cell is" },
        { { SQL, .columns = "a int4", .rows = { { SEAM_V("x") } } },
          "row 1, column 'a': invalid input syntax for type integer: \"x\"" },
        { { SQL, .columns = "a text", .rows = { { SEAM_ANY } } },
          "row 1, column 'a': SEAM_ANY is no value that could be sent" },
        { { SQL, .columns = "a text", .rows = { { SEAM_LIKE("x") } } },
          "row 1, column 'a': SEAM_LIKE is no value that could be sent" },
        { { SQL, .columns = "a text", .rows = { { SEAM_BYTES("x", 1) } } },
          "row 1, column 'a': SEAM_BYTES is of type bytea alone" },
        { { SQL, .columns = "a text", .rows = { { SEAM_V((char *)NULL) } } },
          "row 1, column 'a': a text that is NULL\ntry: SEAM_SQL_NULL" },
        { { SQL, .columns = "a text", .rows = { { seam_value_n("a\0b", 3) } } },
          "row 1, column 'a': a text with a NUL in it\ntry: type bytea and SEAM_BYTES" },
    };

    CHECK(t, rows);
}

SEAM_TEST(pg_rule_with_texts_of_rows_that_cannot_be_says_so)
{
    const struct row rows[] = {
        { { SQL, .columns = "a int4, b text", .csv = "1,x\n2\n" },
          "csv, line 2: 1 field for 2 columns" },
        { { SQL, .columns = "a int4", .csv = "1,x" }, "csv, line 1: 2 fields for 1 column" },
        { { SQL, .columns = "a text", .csv = "x\n\"y\n" },
          "csv, line 2: a quote is open\ntry: \"\" for a quote in a field" },
        { { SQL, .columns = "a text", .csv = "\"x\"y" },
          "csv, line 1: text stands behind the quote that ends a field\n"
          "try: \"\" for a quote in a field" },
        { { SQL, .columns = "a text", .csv = "x\"y\"" },
          "csv, line 1: a quote is inside of a field\ntry: the whole field in quotes" },
        { { SQL, .columns = "a int4", .csv = "1\nx" },
          "row 2, column 'a': invalid input syntax for type integer: \"x\"" },
        { { SQL, .columns = "a int4", .csv_file = "nothing.csv" },
          "csv_file 'nothing.csv': No such file or directory" },
        { { SQL, .columns = "a int4", .json = "{}" }, "json is no array\ntry: [{\"a\": ...}]" },
        { { SQL, .columns = "a int4", .json = "[1]" },
          "json: row 1 is no object\ntry: [{\"a\": ...}]" },
        { { SQL, .columns = "a int4", .json = "[{'a':1},{'b':1}]" },
          "json: row 2 has 'b', which is none of the columns 'a'" },
        { { SQL, .columns = "a int4", .json = "[{'a':{}}]" },
          "json: column 'a' has an object, which its type does not take\ntry: type jsonb" },
        { { SQL, .columns = "a int4", .json = "[{'a':[]}]" },
          "json: column 'a' has an array, which its type does not take\ntry: type jsonb" },
        { { SQL, .columns = "a int4 not null", .json = "[{}]" },
          "row 1: column 'a' is not null, but the cell is" },
    };

    CHECK(t, rows);
}

SEAM_TEST(pg_rule_with_an_error_that_cannot_be_says_so)
{
    const struct row rows[] = {
        { { SQL, .error = SEAM_PG_ERROR("2350") },
          "error: sqlstate '2350' is not five of 0-9 and A-Z\ntry: \"P0001\"" },
        { { SQL, .error = SEAM_PG_ERROR("2350a") },
          "error: sqlstate '2350a' is not five of 0-9 and A-Z\ntry: \"P0001\"" },
        { { SQL, .error = SEAM_PG_ERROR("00000") },
          "error: sqlstate '00000' is success\ntry: .notices" },
        { { SQL, .error = { .message = "x" } },
          "error has no .sqlstate\ntry: SEAM_PG_ERROR(\"XX000\", ...)" },
        { { SQL, .error = SEAM_PG_ERROR("XX000", .severity = "error") },
          "error: severity 'error' is none\ntry: \"ERROR\"" },
        { { SQL, .error = SEAM_PG_UNIQUE_VIOLATION(.table = "a") },
          "error 23505 (unique_violation) needs .constraint" },
        { { SQL, .error = SEAM_PG_FOREIGN_KEY_VIOLATION(.table = "a") },
          "error 23503 (foreign_key_violation) needs .constraint" },
        { { SQL, .error = SEAM_PG_FOREIGN_KEY_VIOLATION(.constraint = "a") },
          "error 23503 (foreign_key_violation) needs .table" },
        { { SQL, .error = SEAM_PG_CHECK_VIOLATION(.table = "a") },
          "error 23514 (check_violation) needs .constraint" },
        { { SQL, .error = SEAM_PG_NOT_NULL_VIOLATION(.table = "a") },
          "error 23502 (not_null_violation) needs .column" },
        { { SQL, .error = SEAM_PG_EXCLUSION_VIOLATION(.table = "a") },
          "error 23P01 (exclusion_violation) needs .constraint" },
        { { SQL, TAG, .notices = { { .sqlstate = "01000" } } },
          "notice 01000 has no .message" },
        { { SQL, TAG, .notices = { { .message = "x", .severity = "ERROR" } } },
          "notice: severity 'ERROR' is none\ntry: \"NOTICE\"" },
        { { SQL, TAG, .notices = { { .message = "x", .sqlstate = "x" } } },
          "notice: sqlstate 'x' is not five of 0-9 and A-Z\ntry: \"P0001\"" },
    };

    CHECK(t, rows);
}

/* What two rules with the same statement say, the first of them first. */
static bool says_the_same(seam_t *t, const seam_pg_rule *first, const seam_pg_rule *second)
{
    struct pg_rule_set *set = rule_test_set(t);
    const struct pg_said *said[2];
    bool forbidden;

    rule_test_add(t, set, first);
    rule_test_add(t, set, second);
    for (int i = 0; i < 2; i++) {
        const struct pg_rule *rule = pg_rule_choose(set, CALL(t, "select 1"), &forbidden);

        said[i] = pg_rule_said(rule);
        pg_rule_use(set, rule);
    }
    return said[0] == said[1];
}

SEAM_TEST(pg_rules_share_what_they_say_only_where_all_of_it_is_the_same)
{
    int other;
    const seam_pg_rule same = { SQL, TAG }, rules[] = {
        { SQL, .tag = "B" },
        { .sql = "SELECT 1", TAG },
        { SQL, TAG, .arg = &other },
        { SQL, .error.sqlstate = "23505", .error.constraint = "one" },
        { SQL, TAG, .notify.channel = "one" },
        { SQL, TAG, .notify = { "one", "two" } },
        { SQL, .copy_out = "one" },
        { SQL, .copy_in = "one" },
        { SQL, .columns = "id int8", .no_rows = true },
        { SQL, .columns = "id int8", .row_fn = no_row },
        { SQL, TAG, .group = "one" },
        { SQL, TAG, .delay_ms = 1 },
        { SQL, TAG, .fault = SEAM_PG_RESET },
        { SQL, TAG, .fault = SEAM_PG_RESET, .fault_after = 1 },
        { SQL, TAG, .given = "select 2" },
        { SQL, TAG, .compare_rows = true },
        { SQL, TAG, .injected = true },
        { SQL, TAG, .name = "one" },
        { SQL, TAG, .site.line = 1 },
        { SQL, TAG, .site.file = "one" },
    };

    seam_check(t, says_the_same(t, &same, &same));
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        seam_check(t, !says_the_same(t, &same, &rules[i]));
        seam_check(t, says_the_same(t, &rules[i], &rules[i]));
    }
}
