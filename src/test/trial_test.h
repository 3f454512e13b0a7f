/*
 * test/trial_test.h - run a test function in a process of its own and read what it reports.
 *
 * A check that fails fails the test that it stands in. So what failing tests do is tried in a
 * forked child, whose events are turned into a transcript:
 *
 *     static void fails(seam_t *t) { seam_error(t, "too late"); }
 *
 *     SEAM_TEST(error_fails_the_test)
 *     {
 *         trial_says(t, fails, "error t: too late\n"
 *                              "end t fail\n");
 *     }
 *
 * The kinds are: run, log, error, skip, note, warning, attr, artifact, exchange, tally, pause, continue, end. A last line
 * "exit 3" or "signal 6" stands there when the process did not end as the verdict says.
 *
 * Ownership: results live until the calling (sub)test ends.
 */
#ifndef TEST_TRIAL_TEST_H
#define TEST_TRIAL_TEST_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a trial is run. Zero is the default of each field. */
struct trial_options {
    const char *run; /* patterns, as -run and -skip have them */
    const char *skip;
    const char *folder; /* of temporary files */
    const char *artifacts; /* -artifacts */
    unsigned flags; /* enum agent_config_flag */
    int parallel; /* subtests at once; 0: one */
    int timeout_ms; /* until the deadline that the test is told */
    bool numbered; /* a message's line stands in front of its text, "17: words" */
    bool no_exchanges; /* these are left out */
};

/* The transcript of `fn`, run as the test "t". `options` may be NULL. */
const char *trial_run(seam_t *t, void (*fn)(seam_t *t), const struct trial_options *options);

/* Compare it with what is wanted. */
#define trial_says(t, fn, want) seam_via(t, trial_says_with((t), (fn), NULL, (want)))
void trial_says_with(seam_t *t, void (*fn)(seam_t *t), const struct trial_options *options,
                     const char *want);

#ifdef __cplusplus
}
#endif

#endif
