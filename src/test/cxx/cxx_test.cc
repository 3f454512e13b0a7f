/* test/cxx/cxx_test.cc - what C++ tests rely on: exceptions, destructors, strings as values. */
//seam:cflags -I../.. -I../../../include -D_GNU_SOURCE -Wall -Wextra -Werror
//seam:sources ../*.c ../trial_test.c ../../base/*.c ../../events/*.c

#include <seam/seam.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "test/trial_test.h"

/* A trial's function as SEAM_TEST would make it: what it throws is caught. */
#define TRIAL(name)                                                                            \
    static void name##_body(seam_t *t, void *);                                                \
    static void name(seam_t *t)                                                                \
    {                                                                                          \
        seam_guard(t, SEAM_HERE, name##_body, nullptr);                                        \
    }                                                                                          \
    static void name##_body(SEAM_UNUSED seam_t *t, void *)

/* Says when it is destroyed. */
struct witness {
    seam_t *t;
    const char *name;

    ~witness()
    {
        seam_log(t, "~%s", name);
    }
};

static void says(void *t)
{
    seam_log(static_cast<seam_t *>(t), "cleaned up");
}

/* ---- leaving ----------------------------------------------------------------------------- */

static void leave_below(seam_t *t)
{
    witness inner{ t, "inner" };

    seam_require_eq(t, 1, 2);
}

TRIAL(fatal)
{
    witness outer{ t, "outer" };

    seam_cleanup(t, says, t);
    leave_below(t);
}

TRIAL(skip)
{
    witness outer{ t, "outer" };

    seam_skip(t, "not today");
}

SEAM_TEST(cxx_fatal_runs_destructors)
{
    trial_says(t, fatal,
               "error t: 1\ngot:  1\nwant: 2\n"
               "log t: ~inner\n"
               "log t: ~outer\n"
               "log t: cleaned up\n"
               "end t fail\n");
    trial_says(t, skip, "skip t: not today\nlog t: ~outer\nend t skip\n");
}

TRIAL(throws)
{
    witness outer{ t, "outer" };

    throw std::runtime_error("no more orders");
}

TRIAL(throws_a_number)
{
    throw 7;
}

TRIAL(catches_its_own)
{
    try {
        throw std::runtime_error("mine");
    } catch (const std::exception &e) {
        seam_check_eq(t, e.what(), "mine");
    }
}

SEAM_TEST(cxx_exception_is_a_failure_with_its_words)
{
    trial_says(t, throws,
               "log t: ~outer\n"
               "error t: exception left the test: no more orders\n"
               "end t fail\n");
    trial_says(t, throws_a_number,
               "error t: exception of an unknown type left the test\nend t fail\n");
    trial_says(t, catches_its_own, "end t pass\n");
}

SEAM_SUBTEST(throws_below)
{
    witness inner{ t, "inner" };

    throw std::runtime_error(static_cast<const char *>(arg));
}

SEAM_SUBTEST(leaves_below)
{
    witness inner{ t, "inner" };

    seam_fatal(t, "gone");
}

TRIAL(has_subtests)
{
    witness outer{ t, "outer" };

    seam_check(t, !seam_run(t, "a", throws_below, "words"));
    seam_check(t, !seam_run(t, "b", leaves_below, nullptr));
    seam_log(t, "goes on");
    seam_fatal(t, "and ends");
}

SEAM_TEST(cxx_subtest_ends_without_its_parent)
{
    trial_says(t, has_subtests,
               "run t/a\n"
               "log t/a: ~inner\n"
               "error t/a: exception left the test: words\n"
               "end t/a fail\n"
               "run t/b\n"
               "error t/b: gone\n"
               "log t/b: ~inner\n"
               "end t/b fail\n"
               "log t: goes on\n"
               "error t: and ends\n"
               "log t: ~outer\n"
               "end t fail\n");
}

SEAM_SUBTEST(runs_later)
{
    seam_parallel(t);
    witness inner{ t, "inner" };
    throw std::runtime_error("in a thread");
}

TRIAL(has_parallel_subtest)
{
    seam_run(t, "a", runs_later, nullptr);
    seam_log(t, "returns");
}

SEAM_TEST(cxx_parallel_subtest_may_throw)
{
    trial_says(t, has_parallel_subtest,
               "run t/a\n"
               "pause t/a\n"
               "log t: returns\n"
               "continue t/a\n"
               "log t/a: ~inner\n"
               "error t/a: exception left the test: in a thread\n"
               "end t/a fail\n"
               "end t fail\n");
}

/* ---- values ------------------------------------------------------------------------------ */

enum class colour : unsigned char { red = 1, blue = 2 };
enum plain { one = 1 };

template <typename T> static int zero_of(T)
{
    return 0;
}

SEAM_TEST(cxx_values_are_compared)
{
    std::string text = "orders";
    std::string_view view = std::string_view("orders and more").substr(0, 6);
    const std::vector<int> list{ 1, 2, 3 };

    seam_check_eq(t, text, "orders");
    seam_check_eq(t, text, view);
    seam_check_eq(t, view, text.c_str());
    seam_check_ne(t, text, std::string("orders\0", 7));
    seam_check_eq(t, list.size(), 3);
    seam_check_eq(t, colour::blue, 2);
    seam_check_ne(t, colour::blue, colour::red);
    seam_check_eq(t, one, 1);
    seam_check_lt(t, -1, SIZE_MAX);
    seam_check_eq(t, 0.5f, 0.5);
    seam_check_eq(t, true, 1);
    seam_check_ok(t, zero_of<std::vector<int>>(list)); /* no comparison */
}

TRIAL(strings_differ)
{
    seam_check_eq(t, std::string("order"), std::string("orders"));
    seam_check_eq(t, colour::red, colour::blue);
}

SEAM_TEST(cxx_values_are_shown)
{
    trial_says(t, strings_differ,
               "error t: std::string(\"order\")\n"
               "got:  \"order\"\n"
               "want: \"orders\"\n"
               "      ......^\n"
               "error t: colour::red\ngot:  1\nwant: 2 (colour::blue)\n"
               "end t fail\n");
}

SEAM_TEST(cxx_options_follow_the_name, .timeout_ms = 60000, .serial = true)
{
    seam_context *context = seam_context_of(t);

    seam_check_le(t, seam_context_remaining_ms(context), 60000);
}
