/* test/check_test.c - what each check says when it does not hold, and that it holds when it should. */

#include <seam/pg_mock.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "test/trial_test.h"

/* ---- _ok --------------------------------------------------------------------------------- */

static int returns(int value)
{
    return value;
}

static void ok_fails(seam_t *t)
{
    seam_check(t, !seam_check_ok(t, returns(3)));
    seam_check(t, !seam_check_ok(t, returns(-ENOENT)));
    seam_check(t, !seam_check_ok(t, returns(-99999)));
}

SEAM_TEST(check_ok_names_the_errno)
{
    seam_check(t, seam_check_ok(t, returns(0)));
    trial_says(t, ok_fails,
               "error t: returns(3)\ngot:  3\nwant: 0\n"
               "error t: returns(-ENOENT)\n"
               "got:  -2 (-ENOENT: No such file or directory)\n"
               "want: 0\n"
               "error t: returns(-99999)\ngot:  -99999\nwant: 0\n"
               "end t fail\n");
}

static void ok_of_a_truth(seam_t *t)
{
    seam_check_ok(t, returns(0) == 0);
}

/* What stands in parentheses, strings and characters is no comparison of the result. */
static void ok_of_no_truth(seam_t *t)
{
    static const int list[] = { 0, 0 };
    const int *at = list;
    struct {
        int zero;
    } pair = { 0 }, *to = &pair;

    seam_check_ok(t, returns(1 == 2));
    seam_check_ok(t, to->zero);
    seam_check_ok(t, 4 >> 3);
    seam_check_ok(t, at[1 < 2]);
    seam_check_ok(t, returns("a == b"[6]));
    seam_check_ok(t, returns('<' - '<'));
    seam_check_ok(t, 1 & 2);
    seam_check_ok(t, list[0] == 0 ? returns(0) : -1);
}

static void ok_of_other_truths(seam_t *t)
{
    int one = 1;

    seam_check_ok(t, !one);
    seam_check_ok(t, one != 1);
    seam_check_ok(t, one < 1);
    seam_check_ok(t, one && 0);
    seam_check_ok(t, returns(0) || 0);
    seam_check_ok(t, returns("?"[1]) <= 0);
}

static const char *refused(seam_t *t, const char *text)
{
    return seam_format(
        t,
        "error t: _ok wants a result of which 0 is success, and '%s' is a truth\n"
        "say seam_check(t, %s) or seam_require(t, %s)\n",
        text, text, text);
}

SEAM_TEST(check_ok_refuses_a_truth)
{
    const char *others =
        seam_format(t, "%s%s%s%s%s%send t fail\n", refused(t, "!one"), refused(t, "one != 1"),
                    refused(t, "one < 1"), refused(t, "one && 0"),
                    refused(t, "returns(0) || 0"), refused(t, "returns(\"?\"[1]) <= 0"));

    trial_says(t, ok_of_a_truth,
               seam_format(t, "%send t fail\n", refused(t, "returns(0) == 0")));
    trial_says(t, ok_of_other_truths, others);
    trial_says(t, ok_of_no_truth, "end t pass\n");
}

/* ---- values ------------------------------------------------------------------------------ */

static void equal_fails(seam_t *t)
{
    unsigned big = 3000000000u;
    const char *name = "order";
    const char *null = NULL;

    seam_check(t, !seam_check_eq(t, (int)big, big));
    seam_check(t, !seam_check_eq(t, name, "orders"));
    seam_check(t, !seam_check_eq(t, name, null));
    seam_check(t, !seam_check_eq(t, 0.1 + 0.2, 0.3));
    seam_check(t, !seam_check_eq(t, name, 7));
    seam_check(t, !seam_check_ne(t, big, 3000000000));
}

SEAM_TEST(check_eq_shows_both_sides)
{
    trial_says(t, equal_fails,
               "error t: (int)big\ngot:  -1294967296\nwant: 3000000000 (big)\n"
               "error t: name\ngot:  \"order\"\nwant: \"orders\"\n      ......^\n"
               "error t: name\ngot:  \"order\"\nwant: NULL (null)\n"
               "error t: 0.1 + 0.2\ngot:  0.30000000000000004\nwant: 0.3\n"
               "error t: name\ngot:  \"order\"\nwant: 7\n"
               "error t: big\ngot:  3000000000\nwant: anything but 3000000000\n"
               "end t fail\n");
}

/* The macros do not compile with one; who calls what is behind them is told. */
static void compares_with_patterns(seam_t *t)
{
    seam_check(t, !seam_check_eq_at(t, SEAM_HERE, "a", "b", SEAM_V(1), SEAM_ANY));
    seam_check(t, !seam_check_ne_at(t, SEAM_HERE, "a", "b", SEAM_LIKE("x"), SEAM_V(1)));
    seam_check(t, seam_check_eq_at(t, SEAM_HERE, "a", "b", SEAM_SQL_NULL, SEAM_SQL_NULL));
}

SEAM_TEST(check_refuses_a_pattern)
{
    trial_says(t, compares_with_patterns,
               "error t: a check compares values, and 'b' is none: SEAM_ANY is for the .args "
               "of a rule\n"
               "error t: a check compares values, and 'a' is none: SEAM_LIKE(\"x\") is for the "
               ".args of a "
               "rule\n"
               "end t fail\n");
}

SEAM_TEST(check_evaluates_each_argument_once)
{
    int got = 0, want = 0;

    seam_check_eq(t, ++got, ++want);
    seam_require_eq(t, ++got, ++want);
    seam_check(t, ++got);
    seam_require(t, ++got);
    seam_check_ok(t, returns(0 * ++got));
    seam_check_eq(t, got, 5);
    seam_check_eq(t, want, 2);
}

static void order_fails(seam_t *t)
{
    seam_check_lt(t, 2, 2);
    seam_check_le(t, 3u, -1);
    seam_check_lt(t, NAN, 1.0);
    seam_check_near(t, 1.0, 1.5, 0.25);
    seam_check_near(t, NAN, NAN, 1.0);
}

SEAM_TEST(check_orders_numbers)
{
    seam_check_lt(t, -1, 0u);
    seam_check_le(t, 2, 2.0);
    seam_check_near(t, 1.0, 1.25, 0.25);
    seam_check_near(t, INFINITY, INFINITY, 0.0);
    trial_says(t, order_fails,
               "error t: 2\ngot:  2\nwant: less than 2\n"
               "error t: 3u\ngot:  3\nwant: at most -1\n"
               "error t: NAN\ngot:  nan\nwant: less than 1\n"
               "error t: 1.0\ngot:  1\nwant: 1.5 within 0.25\n"
               "error t: NAN\ngot:  nan\nwant: nan within 1\n"
               "end t fail\n");
}

/* ---- text and memory --------------------------------------------------------------------- */

static void text_fails(seam_t *t)
{
    const char *null = NULL;

    seam_check_str(t, null, "x");
    seam_check_contains(t, "orders", "pay");
    seam_check_match(t, "orders", "^\\d+$");
    seam_check_match(t, "orders", "[");
    seam_check_mem(t, NULL, 2, "a", 1);
    seam_check_mem(t, "ab", 2, "ac", 2);
    seam_check_json(t, "{\"a\": 1}", "{'a': 2}");
    seam_check_json(t, null, "{}");
}

SEAM_TEST(check_of_text_shows_what_there_is)
{
    const char *null = NULL;

    seam_check_str(t, null, null);
    seam_check_contains(t, "orders", "");
    seam_check_match(t, "order 17", "\\d+$");
    seam_check_mem(t, NULL, 0, "", 0);
    seam_check_json(t, "{\"a\": 1, \"b\": [2]}", "{'b': [2], 'a': 1}");
    trial_says(t, text_fails,
               "error t: null\ngot:  NULL\nwant: \"x\"\n"
               "error t: \"orders\"\ngot:  \"orders\"\nwant: a text that contains \"pay\"\n"
               "error t: \"orders\"\ngot:  \"orders\"\nwant: a match of /^\\d+$/\n"
               "error t: \"orders\"\n"
               "cannot match: missing terminating ] for character class at offset 1\n"
               "error t: NULL\n"
               "got NULL for 2 bytes, want 1 bytes; the first difference is at byte 0\n"
               "want  00000000  61                                               |a|\n"
               "                ^^                                                ^\n"
               "error t: \"ab\"\n"
               "got 2 bytes, want 2 bytes; the first difference is at byte 1\n"
               "got   00000000  61 62                                            |ab|\n"
               "want  00000000  61 63                                            |ac|\n"
               "                   ^^                                              ^\n"
               "error t: \"{\\\"a\\\": 1}\"\npath  got  want\n$.a   1    2\n"
               "error t: null\ngot:  NULL\nwant: \"{}\"\n"
               "end t fail\n");
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void pointer_fails(seam_t *t)
{
    void *page = (void *)(uintptr_t)0x1000;

    seam_check_null(t, page);
    seam_check_same(t, page, NULL);
}

SEAM_TEST(check_of_pointers_shows_addresses)
{
    seam_check_null(t, NULL);
    seam_check_same(t, t, t);
    trial_says(t, pointer_fails,
               "error t: page\ngot:  0x1000\nwant: NULL\n"
               "error t: page\ngot:  0x1000\nwant: (nil) (NULL)\n"
               "end t fail\n");
}

static void require_fails(seam_t *t)
{
    seam_require(t, 1 > 2);
    seam_log(t, "never said");
}

SEAM_TEST(require_ends_the_test)
{
    trial_says(t, require_fails, "error t: 1 > 2 is false\nend t fail\n");
}

static bool third_time(void *arg)
{
    int *asked = arg;

    return ++*asked >= 3;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void waits_in_vain(seam_t *t)
{
    seam_check_eventually(t, 0, never, NULL);
}

SEAM_TEST(check_eventually_asks_again)
{
    int asked = 0;

    seam_check_eventually(t, 60000, third_time, &asked);
    seam_check_eq(t, asked, 3);
    trial_says(t, waits_in_vain,
               "error t: never did not become true within 0 ms (asked 1 times)\n"
               "end t fail\n");
}
