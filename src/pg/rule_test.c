/* pg/rule_test.c - which rule of a set answers, how often and when. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources error_names.c error_place.c error_words.c nearest.c rule.c rule_add.c rule_arguments.c
//seam:sources rule_choose.c rule_csv.c rule_json.c rule_rows.c secret.c ../double/choice.c
//seam:sources ../wire/pg_array.c ../wire/pg_binary.c ../wire/pg_bytes.c ../wire/pg_canonical.c
//seam:sources ../wire/pg_columns.c ../wire/pg_interval.c ../wire/pg_json.c ../wire/pg_lex.c
//seam:sources ../wire/pg_number.c ../wire/pg_numeric.c ../wire/pg_same.c ../wire/pg_sql.c
//seam:sources ../wire/pg_sql_classify.c ../wire/pg_sql_command.c ../wire/pg_sql_normal.c
//seam:sources ../wire/pg_sql_tables.c ../wire/pg_time.c ../wire/pg_type.c ../wire/pg_type_parse.c
//seam:sources ../wire/pg_words.c ../json/*.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c

#include "pg/rule_test.h"

#include <stdio.h>

/* ---- helpers ----------------------------------------------------------------------------- */

const char rule_sql_null[] = "(NULL)";

SEAM_CLEANUP_FN(free_set, pg_rule_set_free, struct pg_rule_set *);
SEAM_CLEANUP_FN(free_arena, arena_fini, struct arena *);

struct pg_rule_set *rule_test_set(seam_t *t)
{
    struct pg_rule_set *set = pg_rule_set_new();

    seam_cleanup(t, free_set, set);
    return set;
}

void rule_test_add(seam_t *t, struct pg_rule_set *set, const seam_pg_rule *rule)
{
    struct err err;

    if (pg_rule_add(set, rule, ".", &err) < 0)
        seam_fatal(t, "line %d: %s", rule->site.line, err.text);
}

struct pg_call *rule_test_call(seam_t *t, const char *sql, const char *const args[])
{
    struct pg_call *call = seam_alloc(t, sizeof *call);
    struct arena *arena = seam_alloc(t, sizeof *arena);
    struct pg_argument *arguments;
    struct pg_sql *is;
    size_t count = 0;

    seam_cleanup(t, free_arena, arena);
    while (args[count])
        count++;
    arguments = arena_zero(arena, (count + 1) * sizeof *arguments);
    is = arena_zero(arena, sizeof *is);
    for (size_t i = 0; i < count; i++)
        if (args[i] != rule_sql_null)
            arguments[i] = (struct pg_argument){ .data = args[i], .size = strlen(args[i]) };
    pg_sql_classify(is, sql ? sql : "", arena);
    *call = (struct pg_call){
        .sql = sql, .is = is, .argument_count = count, .arguments = arguments, .arena = arena
    };
    return call;
}

struct pg_call *rule_test_event(seam_t *t, enum seam_pg_event event, const char *sql)
{
    struct pg_call *call = CALL(t, sql);

    call->event = event;
    call->isolation = call->is->isolation;
    call->read_only = call->is->read_only == 1;
    return call;
}

const char *rule_test_answer(struct pg_rule_set *set, struct pg_call *call)
{
    bool is_forbidden;
    const struct pg_rule *rule = pg_rule_choose(set, call, &is_forbidden);

    if (!rule)
        return "none";
    pg_rule_use(set, rule);
    return is_forbidden ? "forbidden" : pg_rule_said(rule)->tag;
}

struct lines {
    seam_t *t;
    const char *text;
};

static void add_line(void *arg, seam_site site, const char *text)
{
    struct lines *lines = arg;

    lines->text = seam_format(lines->t, "%s%d: %s\n", lines->text, site.line, text);
}

const char *rule_test_unused(seam_t *t, const struct pg_rule_set *set)
{
    struct lines lines = { t, "" };

    pg_rule_unused(set, add_line, &lines);
    return lines.text;
}

const char *rule_test_nearest(seam_t *t, struct pg_rule_set *set, struct pg_call *call)
{
    struct buf table = BUF_INIT(1 << 20);
    const char *why = "";
    const char *text = "no rule";
    seam_site site = { "?", 0 };

    if (pg_rule_nearest(set, call, &site, &why, &table))
        text = seam_format(t, "%s at %d\n%s", why, site.line, buf_text(&table));
    buf_fini(&table);
    return text;
}

/* ---- in order ---------------------------------------------------------------------------- */

SEAM_TEST(pg_rules_answer_in_the_order_they_were_added)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "select 1", .tag = "A");
    ADD(t, set, .sql = "select 2", .tag = "B");
    seam_check_eq(t, ASK(t, set, "select 2"), "none");
    seam_check_eq(t, ASK(t, set, "select 1"), "A");
    seam_check_eq(t, ASK(t, set, "select 1"), "none");
    seam_check_eq(t, ASK(t, set, "select 2"), "B");
    seam_check_eq(t, ASK(t, set, "select 2"), "none");
}

SEAM_TEST(pg_rule_takes_white_space_comments_and_case_as_they_come)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "SELECT  Id FROM users -- who\n WHERE name = 'A  b'", .tag = "A",
        .times = 2);
    seam_check_eq(t, ASK(t, set, "select id from users where name = 'a b'"), "none");
    seam_check_eq(t, ASK(t, set, "select id /* x */ from USERS where name='A  b';"), "A");
    seam_check_eq(t, ASK(t, set, "SELECT  Id FROM users -- who\n WHERE name = 'A  b'"), "A");
}

/* go-sqlmock: an expectation answers once and no way leads to more. */
SEAM_TEST(pg_rule_answers_as_often_as_it_says)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "a", .tag = "A", .times = 3);
    ADD(t, set, .sql = "b", .tag = "B", .any_times = true);
    ADD(t, set, .sql = "c", .tag = "C", .optional = true);
    ADD(t, set, .sql = "d", .tag = "D");
    for (int i = 0; i < 3; i++)
        seam_check_eq(t, ASK(t, set, "a"), "A");
    seam_check_eq(t, ASK(t, set, "a"), "none");
    for (int i = 0; i < 100; i++)
        seam_check_eq(t, ASK(t, set, "b"), "B");
    seam_check_eq(t, ASK(t, set, "d"), "D");
    seam_check_eq(t, ASK(t, set, "c"), "none"); /* it was passed over */
    seam_check_eq(t, rule_test_unused(t, set), "");
}

SEAM_TEST(pg_rule_that_may_be_passed_over_is_not_waited_for)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "a", .tag = "A", .optional = true);
    ADD(t, set, .sql = "b", .tag = "B", .any_times = true);
    ADD(t, set, .sql = "c", .tag = "C");
    ADD(t, set, .sql = "d", .tag = "D");
    seam_check_eq(t, ASK(t, set, "d"), "none");
    seam_check_eq(t, ASK(t, set, "c"), "C");
    seam_check_eq(t, ASK(t, set, "d"), "D");
}

SEAM_TEST(pg_rules_of_a_group_answer_in_any_order)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "a", .tag = "A");
    ADD(t, set, .sql = "b", .tag = "B", .group = "g");
    ADD(t, set, .sql = "c", .tag = "C", .group = "g", .times = 2);
    ADD(t, set, .sql = "d", .tag = "D", .group = "h");
    seam_check_eq(t, ASK(t, set, "c"), "none");
    seam_check_eq(t, ASK(t, set, "a"), "A");
    seam_check_eq(t, ASK(t, set, "c"), "C");
    seam_check_eq(t, ASK(t, set, "d"), "none");
    seam_check_eq(t, ASK(t, set, "b"), "B");
    seam_check_eq(t, ASK(t, set, "d"), "none");
    seam_check_eq(t, ASK(t, set, "c"), "C");
    seam_check_eq(t, ASK(t, set, "d"), "D");
}

/* A group that is over is not joined by a rule that is added later. */
SEAM_TEST(pg_rule_may_be_added_when_all_before_it_have_answered)
{
    struct pg_rule_set *set = rule_test_set(t);

    for (int i = 0; i < 3; i++) {
        ADD(t, set, .sql = "a", .tag = "A", .group = "g");
        seam_check_eq(t, ASK(t, set, "a"), "A");
        seam_check_eq(t, ASK(t, set, "a"), "none");
    }
    seam_check_eq(t, rule_test_unused(t, set), "");
}

SEAM_TEST(pg_rule_of_a_group_is_the_most_specific_that_matches)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql_regex = "^select", .tag = "pattern", .group = "g");
    ADD(t, set, .sql = "select $1", .args = { SEAM_ANY }, .tag = "any", .group = "g");
    ADD(t, set, .sql = "select $1", .args = { SEAM_V(1) }, .tag = "one", .group = "g");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "one");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "any");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "pattern");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "none");
}

/* ---- in any order ------------------------------------------------------------------------- */

/* go-sqlmock: the first that fits, so that a general pattern steals what a literal rule waits for. */
SEAM_TEST(pg_rules_without_order_are_tried_by_how_specific_they_are)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql_regex = ".", .tag = "pattern", .any_times = true);
    pg_rule_set_unordered(set);
    ADD(t, set, .sql = "select $1", .tag = "free", .any_times = true);
    ADD(t, set, .sql = "select $1", .args = { SEAM_V(1) }, .tag = "one");
    ADD(t, set, .sql = "select 2", .tag = "two");
    seam_check_eq(t, ASK(t, set, "select 2"), "two");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "2"), "free");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "one");
    seam_check_eq(t, ASK_WITH(t, set, "select $1", "1"), "free");
    seam_check_eq(t, ASK(t, set, "select 2"), "pattern");
}

SEAM_TEST(pg_rules_without_order_find_one_of_many_by_its_arguments)
{
    enum { MANY = 2000 };
    struct pg_rule_set *set = rule_test_set(t);

    pg_rule_set_unordered(set);
    for (int i = 0; i < MANY; i++)
        ADD(t, set, .sql = "select $1, $2", .args = { SEAM_V(i), SEAM_V("x") },
            .tag = seam_format(t, "%d", i));
    for (int i = MANY - 1; i >= 0; i--)
        seam_check_eq(t, ASK_WITH(t, set, "select $1,$2", seam_format(t, "%d", i), "x"),
                      seam_format(t, "%d", i));
    seam_check_eq(t, ASK_WITH(t, set, "select $1,$2", "1", "x"), "none");
    ADD(t, set, .sql = "select $1, $2", .args = { SEAM_V(1), SEAM_V("x") }, .tag = "1");
    seam_check_eq(t, ASK_WITH(t, set, "select $1,$2", "01", "x"), "1"); /* the same number */
}

SEAM_TEST(pg_rules_that_are_equal_and_answer_differently_are_a_mistake)
{
    struct pg_rule_set *set = rule_test_set(t);
    seam_pg_rule second = { .sql = "Select $1", .args = { SEAM_V(1) }, .tag = "B" };
    struct err err = { "" };

    pg_rule_set_unordered(set);
    ADD_AT(t, set, 7, .sql = "select $1", .args = { SEAM_V(1) }, .tag = "A");
    seam_check_lt(t, pg_rule_add(set, &second, ".", &err), 0);
    seam_check_eq(t, err.text,
                  "the rule at a_test.c:7 has the same statement and arguments, and another "
                  "answer\ntry: .args that tell them apart");
    second.tag = "A";
    seam_check_ok(t, pg_rule_add(set, &second, ".", &err));
    second = (seam_pg_rule){ .sql = "select $1", .args = { SEAM_V(2) }, .tag = "B" };
    seam_check_ok(t, pg_rule_add(set, &second, ".", &err));
}

SEAM_TEST(pg_rules_that_lose_their_order_are_looked_at_again)
{
    struct pg_rule_set *set = rule_test_set(t);
    struct arena arena = { 0 };
    seam_site site = { NULL, 0 };

    ADD_AT(t, set, 7, .sql = "select 1", .tag = "A");
    ADD_AT(t, set, 8, .sql = "select 2", .tag = "B");
    ADD_AT(t, set, 9, .sql = "SELECT 1", .tag = "C");
    seam_check_null(t, pg_rule_set_ambiguity(set, &arena, &site));
    pg_rule_set_unordered(set);
    seam_check_contains(t, pg_rule_set_ambiguity(set, &arena, &site), "the rule at a_test.c:7");
    seam_check_eq(t, site.line, 9);
    seam_check_eq(t, ASK(t, set, "select 2"), "B");
    arena_fini(&arena);
}

/* ---- what is forbidden ---------------------------------------------------------------------- */

SEAM_TEST(pg_rule_that_forbids_has_no_turn)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "select 1", .tag = "A");
    ADD(t, set, .sql_regex = "^delete", .never = true);
    ADD(t, set, .sql = "delete from a", .tag = "B");
    seam_check_eq(t, ASK(t, set, "delete from b"), "forbidden");
    seam_check_eq(t, ASK(t, set, "select 1"), "A");
    seam_check_eq(t, ASK(t, set, "delete from a"), "B");
    seam_check_eq(t, ASK(t, set, "delete from a"), "forbidden");
    seam_check_eq(t, rule_test_unused(t, set), "");
}

/* ---- statements -------------------------------------------------------------------------- */

static bool has_x(const char *sql, void *arg)
{
    ++*(int *)arg;
    return strchr(sql, 'x');
}

SEAM_TEST(pg_rule_may_ask_a_function)
{
    struct pg_rule_set *set = rule_test_set(t);
    int asked = 0;

    ADD(t, set, .sql_fn = has_x, .arg = &asked, .tag = "A");
    seam_check(t, !pg_rule_needs_user(set, rule_test_event(t, SEAM_PG_PING, "")));
    seam_check(t, pg_rule_needs_user(set, CALL(t, "y")));
    seam_check_eq(t, asked, 0);
    seam_check_eq(t, ASK(t, set, "y"), "none");
    seam_check_eq(t, ASK(t, set, "x"), "A");
    seam_check_eq(t, asked, 2);
    seam_check(t, !pg_rule_needs_user(set, CALL(t, "y")));
}

/* go-sqlmock: patterns are the default, so that '?', '(' and '$1' mean something else than they say. */
SEAM_TEST(pg_rule_is_literal_unless_it_says_otherwise)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "select f($1) + '.*'", .tag = "A");
    ADD(t, set, .sql_regex = "f\\(\\$1\\)$", .tag = "B");
    seam_check_eq(t, ASK_WITH(t, set, "select f(x) + 'abc'", "1"), "none");
    seam_check_eq(t, ASK_WITH(t, set, "select f($1) + '.*'", "1"), "A");
    seam_check_eq(t, ASK_WITH(t, set, "select f($1)", "1"), "B");
}

/* ---- events ------------------------------------------------------------------------------ */

SEAM_TEST(pg_rules_of_events_take_part_in_the_order)
{
    struct pg_rule_set *set = rule_test_set(t);

    seam_check(t, !pg_rule_is_about(set, rule_test_event(t, SEAM_PG_BEGIN, "begin")));
    ADD(t, set, .event = SEAM_PG_BEGIN, .tag = "BEGIN");
    ADD(t, set, .sql = "select 1", .tag = "A");
    ADD(t, set, .event = SEAM_PG_COMMIT, .tag = "COMMIT");
    seam_check(t, pg_rule_is_about(set, rule_test_event(t, SEAM_PG_BEGIN, "begin")));
    seam_check(t, !pg_rule_is_about(set, rule_test_event(t, SEAM_PG_ROLLBACK, "rollback")));
    seam_check_eq(t, EVENT(t, set, SEAM_PG_COMMIT, "commit"), "none");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_BEGIN, "start transaction"), "BEGIN");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_COMMIT, "commit"), "none");
    seam_check_eq(t, ASK(t, set, "select 1"), "A");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_COMMIT, "end"), "COMMIT");
    seam_check(t, pg_rule_is_about(set, rule_test_event(t, SEAM_PG_COMMIT, "commit")));
}

/* go-sqlmock: it is enough that one of isolation and read-only is right. */
SEAM_TEST(pg_rule_of_begin_asks_for_isolation_and_access)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .event = SEAM_PG_BEGIN, .isolation = "Serializable", .read_only = true,
        .tag = "BEGIN");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_BEGIN, "begin"), "none");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_BEGIN, "begin isolation level serializable"),
                  "none");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_BEGIN, "begin read only"), "none");
    seam_check_eq(t,
                  EVENT(t, set, SEAM_PG_BEGIN, "begin isolation level serializable, read only"),
                  "BEGIN");
}

SEAM_TEST(pg_rule_of_a_savepoint_may_name_it)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .event = SEAM_PG_SAVEPOINT, .sql = "Mine", .tag = "A");
    seam_check(
        t, !pg_rule_is_about(set, rule_test_event(t, SEAM_PG_SAVEPOINT, "savepoint other")));
    seam_check(t,
               pg_rule_is_about(set, rule_test_event(t, SEAM_PG_SAVEPOINT, "savepoint mine")));
    seam_check_eq(t, EVENT(t, set, SEAM_PG_SAVEPOINT, "savepoint other"), "none");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_SAVEPOINT, "savepoint MINE"), "A");
}

SEAM_TEST(pg_rule_of_prepare_is_not_one_of_the_statement)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .event = SEAM_PG_PREPARE, .sql = "select 1", .tag = NULL,
        .error = SEAM_PG_ERROR("42601"));
    seam_check(t, !pg_rule_is_about(set, CALL(t, "select 1")));
    seam_check_eq(t, ASK(t, set, "select 1"), "none");
    seam_check_eq(t, EVENT(t, set, SEAM_PG_PREPARE, "select 2"), "none");
    seam_check_null(t, EVENT(t, set, SEAM_PG_PREPARE, "SELECT 1"));
}

/* A rule that takes everything does not swallow transactions; one that names them does. */
SEAM_TEST(pg_rule_takes_a_transaction_only_by_its_words)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql_regex = ".", .tag = "all", .any_times = true);
    seam_check(t, !pg_rule_is_about(set, rule_test_event(t, SEAM_PG_BEGIN, "begin")));
    seam_check(t, pg_rule_is_about(set, CALL(t, "set a = 1")));
    ADD(t, set, .sql = "BEGIN", .tag = "B");
    seam_check(t, pg_rule_is_about(set, rule_test_event(t, SEAM_PG_BEGIN, "begin")));
    seam_check_eq(t, EVENT(t, set, SEAM_PG_BEGIN, "begin"), "B");
}

/* ---- describing -------------------------------------------------------------------------- */

static const char *peek(struct pg_rule_set *set, struct pg_call *call)
{
    const struct pg_rule *rule = pg_rule_peek(set, call);

    return rule ? pg_rule_said(rule)->tag : "none";
}

SEAM_TEST(pg_rule_is_known_before_and_after_its_turn)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD(t, set, .sql = "a", .tag = "A");
    ADD(t, set, .sql = "b", .tag = "B1");
    ADD(t, set, .sql = "b", .tag = "B2");
    seam_check_eq(t, peek(set, CALL(t, "b")), "B1");
    seam_check_eq(t, ASK(t, set, "a"), "A");
    seam_check_eq(t, peek(set, CALL(t, "a")), "A");
    seam_check_eq(t, ASK(t, set, "b"), "B1");
    seam_check_eq(t, peek(set, CALL(t, "b")), "B2");
    seam_check_eq(t, ASK(t, set, "b"), "B2");
    seam_check_eq(t, peek(set, CALL(t, "b")), "B2");
    seam_check_eq(t, peek(set, CALL(t, "c")), "none");
}

/* ---- at the end -------------------------------------------------------------------------- */

SEAM_TEST(pg_rule_that_was_not_used_is_told)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .sql = "select 1", .tag = "A", .times = 3);
    ADD_AT(t, set, 2, .sql = "select 2", .tag = "B", .name = "second");
    ADD_AT(t, set, 3, .sql_regex = "^x", .tag = "C");
    ADD_AT(t, set, 4, .event = SEAM_PG_COMMIT);
    ADD_AT(t, set, 5, .sql = "select 5", .tag = "D", .optional = true);
    ASK(t, set, "select 1");
    seam_check_eq(t, rule_test_unused(t, set),
                  "1: 'select 1' answered 1 time instead of 3\n"
                  "2: second: 'select 2' was never used\n"
                  "3: ~ '^x' was never used\n"
                  "4: COMMIT was never used\n");
}

SEAM_TEST(pg_rules_that_are_forgotten_are_no_failure)
{
    struct pg_rule_set *set = rule_test_set(t);

    pg_rule_set_unordered(set);
    ADD(t, set, .sql = "select 1", .tag = "A");
    pg_rule_set_clear(set);
    seam_check_eq(t, rule_test_unused(t, set), "");
    seam_check_eq(t, ASK(t, set, "select 1"), "none");
    ADD(t, set, .sql = "select 1", .tag = "B");
    ADD(t, set, .sql = "select 2", .tag = "C");
    seam_check_eq(t, ASK(t, set, "select 2"), "C"); /* still in any order */
}

/* No scan over what has answered: the calls below would take minutes. */
SEAM_TEST(pg_rules_in_order_cost_the_same_however_many)
{
    enum { MANY = 50000 };
    struct pg_rule_set *set = rule_test_set(t);
    struct pg_call *call = CALL(t, "select 1");

    for (int i = 0; i < MANY; i++)
        ADD(t, set, .sql = "select 1", .tag = "A");
    for (int i = 0; i < MANY; i++) {
        pg_rule_peek(set, call);
        if (strcmp(rule_test_answer(set, call), "A") != 0)
            seam_fatal(t, "call %d", i);
    }
    seam_check_eq(t, rule_test_answer(set, call), "none");
}
