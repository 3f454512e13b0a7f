/*
 * report/script_test.h - feed a reporter from a script and read what it writes.
 *
 *     report_says(t, QUIET, "package shop/pay\n"
 *                           "run pay\n"
 *                           "error pay status = 200\n"
 *                           "fail pay 10\n"
 *                           "failed 31\n"
 *                           "finish 1\n",
 *                 "--- FAIL: pay (0.01s)\n"
 *                 "    pay_test.c:41: status = 200\n" ...);
 *
 * A line is an event, \n and \\ in it are escapes. Events come a millisecond apart; the
 * first is at 2023-11-14T22:13:20Z. Messages stand at line 41 of a file that is named after
 * the test.
 *
 *   package NAME                     a package begins, and later lines mean it
 *   in NAME                          later lines mean that package
 *   run|pause|continue TEST
 *   log|error|warning|say|left|output TEST WORDS     say: verbatim
 *   exchange TEST WORDS              as the text of the event has them, 41 us after the test's beginning
 *   unknown TEST WORDS               a kind that there is not
 *   attr TEST KEY VALUE              artifact TEST FOLDER
 *   pass|fail|skip TEST MS
 *   compiler WORDS                   note WORDS
 *   ok|failed|unbuilt|unset|untested|unrun MS [REASON]     the package ends
 *   finish EXIT-CODE
 */
#ifndef REPORT_SCRIPT_TEST_H
#define REPORT_SCRIPT_TEST_H

#include <seam/seam.h>

#include "report/report.h"

enum form { QUIET, VERBOSE, LIVE, JSON };

/* A reporter that writes into memory, and what a script must know. It ends with the test. */
struct scripted {
    struct report *report;
    FILE *to;
    char *data;
    size_t size;
    const char *package;
    char *names[64]; /* of tests; the number of one in its top-level test follows from it */
    int name_count;
    uint64_t time_ns;
};

struct scripted *scripted_start(seam_t *t, enum form form);

/* The same with a reporter that writes elsewhere. */
struct scripted *scripted_report(seam_t *t, struct report *report);
void scripted_tell(seam_t *t, struct scripted *scripted, const char *script);

/* What has been written so far. */
const char *scripted_text(seam_t *t, struct scripted *scripted);
void scripted_close(struct scripted *scripted);

/* What a reporter writes for a script, from its start to its close. */
#define report_says(t, form, script, want)                                                     \
    seam_via(t, report_says_this((t), (form), (script), (want)))
void report_says_this(seam_t *t, enum form form, const char *script, const char *want);

/* From here on stderr goes to a file; returns its path. */
const char *catch_stderr(seam_t *t);

#endif
