/* test/value_test.c - values of any two kinds compared, and how each is shown. */

#include "test/value.h"

#include <seam/pg_mock.h>

#include <float.h>
#include <math.h>
#include <stdint.h>

enum { UNRELATED = 9 };

static int compared(seam_value a, seam_value b)
{
    bool comparable;
    int r = value_compare(a, b, &comparable);

    return comparable ? (r > 0) - (r < 0) : UNRELATED;
}

/* `order` is of a against b; of b against a it is the opposite. */
static void ordered(seam_t *t, seam_value a, seam_value b, int order)
{
    seam_check_eq(t, compared(a, b), order);
    seam_check_eq(t, compared(b, a), order == UNRELATED ? UNRELATED : -order);
}

SEAM_TEST(value_compares_integers_across_signs)
{
    seam_via(t, ordered(t, SEAM_V(-1), SEAM_V(1u), -1));
    seam_via(t, ordered(t, SEAM_V(-1), SEAM_V(UINT64_MAX), -1));
    seam_via(t, ordered(t, SEAM_V(INT64_MIN), SEAM_V(0u), -1));
    seam_via(t, ordered(t, SEAM_V(INT64_MIN), SEAM_V(UINT64_C(1) << 63), -1));
    seam_via(t, ordered(t, SEAM_V(INT64_MAX), SEAM_V(UINT64_C(1) << 63), -1));
    seam_via(t, ordered(t, SEAM_V(INT64_MAX), SEAM_V((uint64_t)INT64_MAX), 0));
    seam_via(t, ordered(t, SEAM_V(7), SEAM_V((unsigned char)7), 0));
    seam_via(t, ordered(t, SEAM_V((signed char)-7), SEAM_V(-7L), 0));
    seam_via(t, ordered(t, SEAM_V((bool)true), SEAM_V(1), 0));
    seam_via(t, ordered(t, SEAM_V((bool)false), SEAM_V(-1), 1));
    seam_via(t, ordered(t, SEAM_V('a'), SEAM_V(97), 0));
}

SEAM_TEST(value_compares_integers_with_doubles)
{
    seam_via(t, ordered(t, SEAM_V(1), SEAM_V(1.0), 0));
    seam_via(t, ordered(t, SEAM_V(-1), SEAM_V(0.5), -1));
    seam_via(t, ordered(t, SEAM_V(0.5f), SEAM_V(0.5), 0));
    seam_via(t, ordered(t, SEAM_V(UINT64_MAX), SEAM_V(INFINITY), -1));
    seam_via(t,
             ordered(t, SEAM_V((INT64_C(1) << 53) + 1), SEAM_V((double)(INT64_C(1) << 53)), 1));
    seam_via(t, ordered(t, SEAM_V(-0.0), SEAM_V(0), 0));
}

SEAM_TEST(value_relates_a_nan_to_nothing)
{
    seam_via(t, ordered(t, SEAM_V(NAN), SEAM_V(NAN), UNRELATED));
    seam_via(t, ordered(t, SEAM_V(NAN), SEAM_V(1), UNRELATED));
}

static bool never(const char *text, size_t size, void *arg)
{
    (void)text, (void)size, (void)arg;
    return false;
}

SEAM_TEST(value_of_a_database_compares_with_its_own_kind)
{
    seam_via(t, ordered(t, SEAM_SQL_NULL, SEAM_SQL_NULL, 0));
    seam_via(t, ordered(t, SEAM_SQL_NULL, SEAM_V((char *)NULL), UNRELATED));
    seam_via(t, ordered(t, SEAM_SQL_NULL, SEAM_V(0), UNRELATED));
    seam_via(t, ordered(t, SEAM_BYTES("a\0b", 3), SEAM_BYTES("a\0b", 3), 0));
    seam_via(t, ordered(t, SEAM_BYTES("a\0b", 3), SEAM_BYTES("a\0c", 3), -1));
    seam_via(t, ordered(t, SEAM_BYTES("a", 1), SEAM_V("a"), UNRELATED));
    seam_via(t, ordered(t, SEAM_ANY, SEAM_ANY, UNRELATED));
    seam_via(t, ordered(t, SEAM_LIKE("a"), SEAM_V("a"), UNRELATED));
    seam_via(t, ordered(t, SEAM_MATCHES(never), SEAM_MATCHES(never), UNRELATED));
}

SEAM_TEST(value_compares_texts_by_bytes)
{
    seam_via(t, ordered(t, SEAM_V("a"), SEAM_V("b"), -1));
    seam_via(t, ordered(t, SEAM_V("a"), SEAM_V("aa"), -1));
    seam_via(t, ordered(t, SEAM_V("z"), SEAM_V("\xc3\xa9"), -1));
    seam_via(t, ordered(t, SEAM_V(""), SEAM_V(""), 0));
    seam_via(t, ordered(t, seam_value_n("a\0b", 3), seam_value_n("a\0c", 3), -1));
    seam_via(t, ordered(t, seam_value_n("same, then more", 4), SEAM_V("same"), 0));
}

SEAM_TEST(value_keeps_null_apart_from_empty)
{
    const char *null = NULL;

    seam_via(t, ordered(t, SEAM_V(null), SEAM_V(null), 0));
    seam_via(t, ordered(t, SEAM_V(null), SEAM_V(""), -1));
    seam_via(t, ordered(t, SEAM_V(null), SEAM_V(0), UNRELATED));
    seam_via(t, ordered(t, SEAM_V("1"), SEAM_V(1), UNRELATED));
}

/* ---- shown ------------------------------------------------------------------------------- */

static void shown(seam_t *t, seam_value value, const char *want)
{
    struct buf out = BUF_INIT(1000);

    value_show(&out, value);
    seam_check_str(t, buf_text(&out), want);
    buf_fini(&out);
}

SEAM_TEST(value_shows_numbers_as_they_are)
{
    seam_via(t, shown(t, SEAM_V(INT64_MIN), "-9223372036854775808"));
    seam_via(t, shown(t, SEAM_V(UINT64_MAX), "18446744073709551615"));
    seam_via(t, shown(t, SEAM_V((bool)true), "true"));
    seam_via(t, shown(t, SEAM_V(-1), "-1"));
}

SEAM_TEST(value_shows_the_shortest_double_that_reads_back)
{
    seam_via(t, shown(t, SEAM_V(0.1), "0.1"));
    seam_via(t, shown(t, SEAM_V(0.1 + 0.2), "0.30000000000000004"));
    seam_via(t, shown(t, SEAM_V(1e300), "1e+300"));
    seam_via(t, shown(t, SEAM_V(DBL_MAX), "1.7976931348623157e+308"));
    seam_via(t, shown(t, SEAM_V(-INFINITY), "-inf"));
}

SEAM_TEST(value_shows_text_with_escapes)
{
    const char *null = NULL;

    seam_via(t, shown(t, SEAM_V("a\"b\\\n\x1b"), "\"a\\\"b\\\\\\n\\x1b\""));
    seam_via(t, shown(t, seam_value_n("a\0b", 3), "\"a\\x00b\""));
    seam_via(t, shown(t, SEAM_V(null), "NULL"));
    seam_via(t, shown(t, SEAM_V("caf\xc3\xa9"), "\"caf\xc3\xa9\""));
}

SEAM_TEST(value_of_a_database_is_shown_as_it_is_written)
{
    seam_via(t, shown(t, SEAM_SQL_NULL, "SEAM_SQL_NULL"));
    seam_via(t, shown(t, SEAM_ANY, "SEAM_ANY"));
    seam_via(t, shown(t, SEAM_BYTES("\0\xff", 2), "\\x00ff"));
    seam_via(t, shown(t, SEAM_LIKE("^a"), "SEAM_LIKE(\"^a\")"));
    seam_via(t, shown(t, SEAM_MATCHES(never), "SEAM_MATCHES"));
}
