/* test/ends_test.c - a process that ends in the middle of its test says nothing more: what came before is
 * told, and neither a clean-up nor a verdict follows, which is how the runner knows such an end. */

#include <seam/seam.h>

#include <signal.h>
#include <stdlib.h>

#include "test/trial_test.h"

static void says(void *t)
{
    seam_log((seam_t *)t, "cleaned up");
}

static void begin(seam_t *t)
{
    seam_cleanup(t, says, t);
    seam_log(t, "began");
}

static void is_killed(seam_t *t)
{
    begin(t);
    raise(SIGTERM);
}

static void exits(seam_t *t)
{
    begin(t);
    exit(3);
}

static void exits_well(seam_t *t)
{
    begin(t);
    exit(0);
}

static void fails_and_exits(seam_t *t)
{
    begin(t);
    seam_error(t, "wrong");
    exit(3);
}

SEAM_SUBTEST(exits_below)
{
    (void)arg;
    begin(t);
    exit(3);
}

static void has_a_subtest_that_exits(seam_t *t)
{
    begin(t);
    seam_run(t, "below", exits_below, NULL);
    seam_log(t, "never said");
}

static void exits_in_a_clean_up(void *t)
{
    says(t);
    exit(3);
}

static void has_a_clean_up_that_exits(seam_t *t)
{
    begin(t);
    seam_cleanup(t, exits_in_a_clean_up, t);
}

SEAM_TEST(end_by_a_signal_is_no_verdict)
{
    trial_says(t, is_killed, "log t: began\nsignal 15\n");
}

SEAM_TEST(end_by_exit_is_no_verdict)
{
    trial_says(t, exits, "log t: began\nexit 3\n");
    trial_says(t, exits_well, "log t: began\nexit 0\n");
}

SEAM_TEST(end_by_exit_after_a_failure_keeps_the_failure)
{
    trial_says(t, fails_and_exits, "log t: began\nerror t: wrong\nexit 3\n");
}

SEAM_TEST(end_by_exit_in_a_subtest_ends_all)
{
    trial_says(t, has_a_subtest_that_exits,
               "log t: began\n"
               "run t/below\n"
               "log t/below: began\n"
               "exit 3\n");
}

SEAM_TEST(end_by_exit_in_a_clean_up_is_no_verdict)
{
    trial_says(t, has_a_clean_up_that_exits,
               "log t: began\n"
               "log t: cleaned up\n"
               "exit 3\n");
}
