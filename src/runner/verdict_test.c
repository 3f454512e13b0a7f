/* runner/verdict_test.c - how a test may end that declares its end, and how the others: verdict and words. */

#include <seam/seam.h>

#include <signal.h>

#include "runner/attempt.h"

/* What the reports are told. */
struct listener {
    struct report report;
    struct buf words;
};

static void hear(struct report *report, const struct event *event)
{
    struct listener *listener = (struct listener *)report;

    buf_add(&listener->words, event->text.data, event->text.size);
    buf_add_char(&listener->words, '\n');
}

/* The status of a process as wait() has it. */
static int exited_with(int code)
{
    return code << 8;
}

static int killed_by(int number)
{
    return number;
}

/* An attempt as it is when its process has ended. */
static struct attempt end_of(int status)
{
    return (struct attempt){ .exited = true, .status = status };
}

/* Its test returned first, or left through a fatal or a skip. */
static struct attempt end_of_whole(enum verdict verdict, int status)
{
    struct attempt attempt = end_of(status);

    attempt.ended = true;
    attempt.end.status = (uint8_t)verdict;
    return attempt;
}

/* It said that it crashed; then the runner read its stacks and killed it. */
static struct attempt end_of_crash(int number)
{
    struct attempt attempt = end_of(killed_by(SIGKILL));

    attempt.crashed = true;
    attempt.crash.number = number;
    return attempt;
}

#define ends(...) seam_via(t, ends_(t, __VA_ARGS__))
static void ends_(seam_t *t, const struct declaration *declares, struct attempt attempt,
                  enum verdict verdict, const char *words)
{
    struct listener listener = { .report.event = hear, .words = BUF_INIT(64 << 10) };
    struct options options = { 0 };
    struct run run = { .options = &options, .reports = &listener.report };
    struct package package = { .run = &run, .name = "pkg", .again = "." };
    struct agent agent = { .package = &package };
    struct declaration declared = *declares;
    struct test test = { .declared = &declared, .name = "x" };

    declared.package = &package;
    attempt.agent = &agent;
    attempt.test = &test;
    seam_check_eq(t, verdict_of(&attempt), verdict);
    seam_check_str(t, buf_text(&listener.words), words);
    buf_fini(&listener.words);
}

#define AGAIN "again: seam test -run '^x$' .\n"

static const struct declaration nothing = { 0 };
static const struct declaration abort_expected = { .signal = SIGABRT };
static const struct declaration exit_expected = { .exit_code = 3 };

/* ---- an end that was declared ------------------------------------------------------------ */

SEAM_TEST(verdict_of_an_expected_signal)
{
    ends(&abort_expected, end_of(killed_by(SIGABRT)), VERDICT_PASS, "");
    ends(&abort_expected, end_of_crash(SIGABRT), VERDICT_PASS, "");
}

SEAM_TEST(verdict_of_another_signal)
{
    ends(&abort_expected, end_of(killed_by(SIGTERM)), VERDICT_FAIL,
         "expected to be killed by SIGABRT, but another signal came\n"
         "killed by SIGTERM\n" AGAIN);
    ends(&abort_expected, end_of_crash(SIGSEGV), VERDICT_FAIL,
         "expected to be killed by SIGABRT, but another signal came\n"
         "killed by SIGSEGV\n" AGAIN);
}

SEAM_TEST(verdict_without_the_expected_signal)
{
    ends(&abort_expected, end_of_whole(VERDICT_PASS, exited_with(0)), VERDICT_FAIL,
         "expected to be killed by SIGABRT, but the test returned\n");
    ends(&abort_expected, end_of(exited_with(4)), VERDICT_FAIL,
         "expected to be killed by SIGABRT, but it called exit\n"
         "exit(4) was called in the middle of the test\n");
}

SEAM_TEST(verdict_of_an_expected_exit)
{
    ends(&exit_expected, end_of(exited_with(3)), VERDICT_PASS, "");
}

SEAM_TEST(verdict_of_another_exit)
{
    ends(&exit_expected, end_of(exited_with(4)), VERDICT_FAIL,
         "expected exit(3), but it ended otherwise\n"
         "exit(4) was called in the middle of the test\n");
    ends(&exit_expected, end_of(exited_with(0)), VERDICT_FAIL,
         "expected exit(3), but it ended otherwise\n"
         "exit(0) was called in the middle of the test\n");
}

SEAM_TEST(verdict_without_the_expected_exit)
{
    ends(&exit_expected, end_of_whole(VERDICT_PASS, exited_with(0)), VERDICT_FAIL,
         "expected exit(3), but the test returned\n");
    ends(&exit_expected, end_of(killed_by(SIGTERM)), VERDICT_FAIL,
         "expected exit(3), but it ended otherwise\n"
         "killed by SIGTERM\n" AGAIN);
    ends(&exit_expected, end_of_crash(SIGABRT), VERDICT_FAIL,
         "expected exit(3), but it ended otherwise\n"
         "killed by SIGABRT\n" AGAIN);
}

/* What the test found out counts, whatever end it comes to then. */
SEAM_TEST(verdict_of_an_expected_end_after_a_failure)
{
    struct attempt killed = end_of(killed_by(SIGABRT)), left = end_of(exited_with(3));

    killed.said_error = left.said_error = true;
    ends(&abort_expected, killed, VERDICT_FAIL, "");
    ends(&exit_expected, left, VERDICT_FAIL, "");
    ends(&abort_expected, end_of_whole(VERDICT_FAIL, exited_with(1)), VERDICT_FAIL, "");
}

SEAM_TEST(verdict_of_an_expected_end_that_is_skipped)
{
    ends(&abort_expected, end_of_whole(VERDICT_SKIP, exited_with(0)), VERDICT_SKIP, "");
    ends(&exit_expected, end_of_whole(VERDICT_SKIP, exited_with(0)), VERDICT_SKIP, "");
}

SEAM_TEST(verdict_of_an_interrupt_beats_what_was_expected)
{
    struct attempt interrupted = end_of(killed_by(SIGTERM));

    interrupted.interrupted = true;
    ends(&(const struct declaration){ .signal = SIGTERM }, interrupted, VERDICT_FAIL,
         "interrupted\n");
}

/* ---- an end that nobody declared --------------------------------------------------------- */

SEAM_TEST(verdict_of_a_whole_test)
{
    ends(&nothing, end_of_whole(VERDICT_PASS, exited_with(0)), VERDICT_PASS, "");
    ends(&nothing, end_of_whole(VERDICT_FAIL, exited_with(1)), VERDICT_FAIL, "");
    ends(&nothing, end_of_whole(VERDICT_SKIP, exited_with(0)), VERDICT_SKIP, "");
}

SEAM_TEST(verdict_of_an_early_end)
{
    ends(&nothing, end_of(exited_with(0)), VERDICT_FAIL,
         "exit(0) was called in the middle of the test\n");
    ends(&nothing, end_of(killed_by(SIGTERM)), VERDICT_FAIL, "killed by SIGTERM\n" AGAIN);
    ends(&nothing, end_of_crash(SIGSEGV), VERDICT_FAIL, "killed by SIGSEGV\n" AGAIN);
}

SEAM_TEST(verdict_of_a_late_end)
{
    ends(&nothing, end_of_whole(VERDICT_PASS, exited_with(9)), VERDICT_FAIL,
         "the process ended with status 9 after the test had ended\n");
    ends(&nothing, end_of_whole(VERDICT_PASS, killed_by(SIGBUS)), VERDICT_FAIL,
         "killed by SIGBUS after the test had ended\n");
}
