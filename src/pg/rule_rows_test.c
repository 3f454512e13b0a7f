/* pg/rule_rows_test.c - the rows that a rule answers with, from whatever they are written in. */

#include "pg/rule_test.h"

#define SQL .sql = "select 1"

/* "1|a\n2|NULL\n" */
static const char *rows_of(seam_t *t, struct pg_rule_set *set)
{
    bool is_forbidden;
    const struct pg_rule *rule = pg_rule_choose(set, CALL(t, "select 1"), &is_forbidden);
    size_t width = pg_rule_columns(rule)->count;
    const char *text = "";

    for (size_t i = 0; i < pg_rule_row_count(rule); i++)
        for (size_t j = 0; j < width; j++) {
            const struct pg_cell *cell = &pg_rule_row(rule, i)[j];

            if (cell->text)
                seam_check_eq(t, strlen(cell->text), cell->size);
            text = seam_format(t, "%s%s%s", text, cell->text ? cell->text : "NULL",
                               j + 1 < width ? "|" : "\n");
        }
    return text;
}

#define ROWS(t, ...)                                                                           \
    (set = rule_test_set(t), rule_test_add((t), set, &(seam_pg_rule){ SQL, __VA_ARGS__ }),     \
     rows_of((t), set))

SEAM_TEST(pg_rows_are_given_as_values)
{
    static const seam_value all[] = { { SEAM_KIND_INT, .as.i = 1 },
                                      { SEAM_KIND_INT, .as.i = 2 },
                                      { SEAM_KIND_INT, .as.i = -3 },
                                      { .kind = SEAM_KIND_NULL },
                                      { .kind = SEAM_KIND_END } };
    struct pg_rule_set *set;

    seam_check_eq(t,
                  ROWS(t, .columns = "a int8, b text",
                       .rows = { { SEAM_V(1), SEAM_V("x") },
                                 { SEAM_V(2), SEAM_SQL_NULL },
                                 { SEAM_V(3), SEAM_V("") } }),
                  "1|x\n2|NULL\n3|\n");
    seam_check_eq(t, ROWS(t, .columns = "a int8, b int4", .all_rows = all), "1|2\n-3|NULL\n");
    seam_check_eq(
        t,
        ROWS(t, .columns = "a bool, b text", .rows = { { SEAM_V((bool)1), SEAM_V((bool)0) } }),
        "t|false\n");
    seam_check_eq(t, ROWS(t, .columns = "a bytea", .rows = { { SEAM_BYTES("\0\xff", 2) } }),
                  "\\x00ff\n");
    seam_check_eq(t, ROWS(t, .columns = "a float8", .rows = { { SEAM_V(1.5) } }), "1.5\n");
    seam_check_eq(t, ROWS(t, .columns = "a int8", .no_rows = true), "");
}

/* What is passed in is copied. */
SEAM_TEST(pg_rows_outlive_what_they_were_written_in)
{
    struct pg_rule_set *set;
    char text[] = "ada";
    char bytes[] = { 1, 2 };
    char csv[] = "1,x";

    set = rule_test_set(t);
    ADD(t, set, SQL, .columns = "a text, b bytea",
        .rows = { { SEAM_V(text), SEAM_BYTES(bytes, 2) } });
    memset(text, 'x', 3);
    memset(bytes, 'x', 2);
    seam_check_eq(t, rows_of(t, set), "ada|\\x0102\n");
    set = rule_test_set(t);
    ADD(t, set, SQL, .columns = "a int4, b text", .csv = csv);
    memset(csv, 'y', 3);
    seam_check_eq(t, rows_of(t, set), "1|x\n");
}

/* go-sqlmock: cells of CSV are trimmed, "null" is NULL, more cells than columns end the program. */
SEAM_TEST(pg_rows_are_given_as_csv)
{
    struct pg_rule_set *set;

    seam_check_eq(t, ROWS(t, .columns = "a int4, b text", .csv = "1,x\n2,\n3,\"\"\n"),
                  "1|x\n2|NULL\n3|\n");
    seam_check_eq(t, ROWS(t, .columns = "a int4, b text", .csv = "1, x \r\n2,null"),
                  "1| x \n2|null\n");
    seam_check_eq(
        t, ROWS(t, .columns = "a text, b text", .csv = "\"a,b\",\"c\"\"d\"\n\"e\nf\",g\n"),
        "a,b|c\"d\ne\nf|g\n");
    seam_check_eq(t, ROWS(t, .columns = "a text", .csv = "x\n\ny"), "x\nNULL\ny\n");
    seam_check_eq(t, ROWS(t, .columns = "a text, b text", .csv = ",\n"), "NULL|NULL\n");
    seam_check_eq(t, ROWS(t, .columns = "a text", .csv = ""), "");
}

SEAM_TEST(pg_rows_are_read_from_a_file)
{
    const char *path = seam_path(t, "%s/a.csv", seam_tempdir(t));
    struct pg_rule_set *set;

    seam_write_file(t, path, "1,x\n2,y\n", 8);
    seam_check_eq(t, ROWS(t, .columns = "a int4, b text", .csv_file = path), "1|x\n2|y\n");
}

SEAM_TEST(pg_rows_are_given_as_json)
{
    struct pg_rule_set *set;

    seam_check_eq(t,
                  ROWS(t, .columns = "a int8, b text, c bool",
                       .json = "[{'a':9007199254740993,'b':'x','c':true},{'b':null,'a':2}]"),
                  "9007199254740993|x|t\n2|NULL|NULL\n");
    seam_check_eq(t, ROWS(t, .columns = "a int4[]", .json = "[{'a':[1,2,null]}]"),
                  "{1,2,NULL}\n");
    seam_check_eq(t, ROWS(t, .columns = "a int4", .json = "[]"), "");
}

static bool two_rows(size_t n, seam_value *cells, size_t columns, void *arg)
{
    (void)arg;
    cells[columns - 1] = seam_value_i((intmax_t)n);
    return n < 2;
}

SEAM_TEST(pg_rows_may_be_worked_out)
{
    struct pg_rule_set *set = rule_test_set(t);
    struct arena arena = { 0 };
    struct pg_cell cell;
    seam_value value = SEAM_V(7);
    const struct pg_rule *rule;
    bool is_forbidden;

    ADD(t, set, SQL, .columns = "a int4", .row_fn = two_rows);
    rule = pg_rule_choose(set, CALL(t, "select 1"), &is_forbidden);
    seam_check(t, pg_rule_has_rows(rule));
    seam_check_eq(t, pg_rule_row_count(rule), SIZE_MAX);
    seam_check_ok(t, pg_rule_cell(&pg_rule_columns(rule)->at[0], &value, &arena, &cell, NULL));
    seam_check_eq(t, cell.text, "7");
    arena_fini(&arena);
}

/* go-sqlmock: rows that two expectations share are empty for the second. */
SEAM_TEST(pg_rows_are_the_same_each_time)
{
    static const seam_pg_rule shared = { SQL, .columns = "a int4",
                                         .rows = { { { SEAM_KIND_INT, .as.i = 1 } } },
                                         .times = 2 };
    struct pg_rule_set *set = rule_test_set(t);

    rule_test_add(t, set, &shared);
    rule_test_add(t, set, &shared);
    for (int i = 0; i < 4; i++) {
        seam_check_eq(t, rows_of(t, set), "1\n");
        ASK(t, set, "select 1");
    }
}
