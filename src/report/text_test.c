/* report/text_test.c - Go's text format, to the letter. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c

#include <seam/seam.h>

#include <string.h>

#include "report/script_test.h"

/* ---- one package ------------------------------------------------------------------------- */

static const char pay[] =
    "package shop/pay\n"
    "run pay\n"
    "log pay start\n"
    "run pay/card_ok\n"
    "log pay/card_ok fine\n"
    "output pay/card_ok quiet\\n\n"
    "pass pay/card_ok 4\n"
    "run pay/card_declined\n"
    "output pay/card_declined raw\\nno end\n"
    "error pay/card_declined status = 200, want 402\\n  body: {}\\n\\nlast\n"
    "fail pay/card_declined 1234\n"
    "run pay/skipped\n"
    "log pay/skipped why not\n"
    "skip pay/skipped 0\n"
    "run pay/deep\n"
    "run pay/deep/er\n"
    "error pay/deep/er deepest\n"
    "fail pay/deep/er 5\n"
    "log pay/deep after\n"
    "fail pay/deep 6\n"
    "attr pay ticket 17 and 18\n"
    "artifact pay /tmp/kept\n"
    "log pay end\n"
    "fail pay 1240\n"
    "run cart\n"
    "log cart not shown\n"
    "pass cart 0\n"
    "failed 1250\n"
    "finish 1\n";

SEAM_TEST(quiet_shows_what_failed_and_nothing_else)
{
    report_says(t, QUIET, pay,
                "--- FAIL: pay (1.24s)\n"
                "    pay_test.c:41: start\n"
                "    --- FAIL: pay/card_declined (1.23s)\n"
                "        raw\n"
                "        no end\n"
                "        pay_test.c:41: status = 200, want 402\n"
                "              body: {}\n"
                "            \n"
                "            last\n"
                "    --- FAIL: pay/deep (0.01s)\n"
                "        --- FAIL: pay/deep/er (0.01s)\n"
                "            pay_test.c:41: deepest\n"
                "        pay_test.c:41: after\n"
                "    pay_test.c:41: end\n"
                "FAIL\n"
                "FAIL\tshop/pay\t1.250s\n"
                "FAIL\n");
}

static const char pay_verbose[] = "=== RUN   pay\n"
                                  "    pay_test.c:41: start\n"
                                  "=== RUN   pay/card_ok\n"
                                  "    pay_test.c:41: fine\n"
                                  "quiet\n"
                                  "=== RUN   pay/card_declined\n"
                                  "raw\n"
                                  "no end\n"
                                  "    pay_test.c:41: status = 200, want 402\n"
                                  "          body: {}\n"
                                  "        \n"
                                  "        last\n"
                                  "=== RUN   pay/skipped\n"
                                  "    pay_test.c:41: why not\n"
                                  "=== RUN   pay/deep\n"
                                  "=== RUN   pay/deep/er\n"
                                  "    pay_test.c:41: deepest\n"
                                  "=== NAME  pay/deep\n"
                                  "    pay_test.c:41: after\n"
                                  "=== ATTR  pay ticket 17 and 18\n"
                                  "=== ARTIFACTS pay /tmp/kept\n"
                                  "    pay_test.c:41: end\n"
                                  "--- FAIL: pay (1.24s)\n"
                                  "    --- PASS: pay/card_ok (0.00s)\n"
                                  "    --- FAIL: pay/card_declined (1.23s)\n"
                                  "    --- SKIP: pay/skipped (0.00s)\n"
                                  "    --- FAIL: pay/deep (0.01s)\n"
                                  "        --- FAIL: pay/deep/er (0.01s)\n"
                                  "=== RUN   cart\n"
                                  "    cart_test.c:41: not shown\n"
                                  "--- PASS: cart (0.00s)\n"
                                  "FAIL\n"
                                  "FAIL\tshop/pay\t1.250s\n"
                                  "FAIL\n";

SEAM_TEST(verbose_shows_lines_as_they_came_and_then_the_results)
{
    report_says(t, VERBOSE, pay, pay_verbose);
}

SEAM_TEST(live_shows_the_same)
{
    report_says(t, LIVE, pay, pay_verbose);
}

SEAM_TEST(parallel_subtests_are_told_apart)
{
    static const char script[] = "package shop/pay\n"
                                 "run par\nrun par/a\npause par/a\nrun par/b\npause par/b\n"
                                 "log par between\n"
                                 "continue par/a\ncontinue par/b\n"
                                 "log par/a one\nerror par/b two\nlog par/a three\n"
                                 "output par/b raw\n"
                                 "pass par/a 3\nfail par/b 4\nfail par 5\nfailed 6\n";

    report_says(t, VERBOSE, script,
                "=== RUN   par\n"
                "=== RUN   par/a\n"
                "=== PAUSE par/a\n"
                "=== RUN   par/b\n"
                "=== PAUSE par/b\n"
                "=== NAME  par\n"
                "    par_test.c:41: between\n"
                "=== CONT  par/a\n"
                "=== CONT  par/b\n"
                "=== NAME  par/a\n"
                "    par_test.c:41: one\n"
                "=== NAME  par/b\n"
                "    par_test.c:41: two\n"
                "=== NAME  par/a\n"
                "    par_test.c:41: three\n"
                "=== NAME  par/b\n"
                "raw\n"
                "--- FAIL: par (0.01s)\n"
                "    --- PASS: par/a (0.00s)\n"
                "    --- FAIL: par/b (0.00s)\n"
                "FAIL\n"
                "FAIL\tshop/pay\t0.006s\n");
    report_says(t, QUIET, script,
                "--- FAIL: par (0.01s)\n"
                "    par_test.c:41: between\n"
                "    --- FAIL: par/b (0.00s)\n"
                "        par_test.c:41: two\n"
                "        raw\n"
                "FAIL\n"
                "FAIL\tshop/pay\t0.006s\n");
}

SEAM_TEST(tests_that_run_together_are_not_mixed)
{
    static const char script[] =
        "package shop/pay\n"
        "run a\nrun b\nrun a/x\nrun b/x\n"
        "error a/x in a\nerror b/x in b\noutput b/x raw b\noutput a/x raw a\n"
        "fail b/x 1\nfail b 1\nfail a/x 1\nfail a 1\nfailed 2\n";

    report_says(t, QUIET, script,
                "--- FAIL: b (0.00s)\n"
                "    --- FAIL: b/x (0.00s)\n"
                "        b_test.c:41: in b\n"
                "        raw b\n"
                "--- FAIL: a (0.00s)\n"
                "    --- FAIL: a/x (0.00s)\n"
                "        a_test.c:41: in a\n"
                "        raw a\n"
                "FAIL\n"
                "FAIL\tshop/pay\t0.002s\n");
    report_says(t, VERBOSE, script,
                "=== RUN   b\n"
                "=== RUN   b/x\n"
                "    b_test.c:41: in b\n"
                "raw b\n"
                "--- FAIL: b (0.00s)\n"
                "    --- FAIL: b/x (0.00s)\n"
                "=== RUN   a\n"
                "=== RUN   a/x\n"
                "    a_test.c:41: in a\n"
                "raw a\n"
                "--- FAIL: a (0.00s)\n"
                "    --- FAIL: a/x (0.00s)\n"
                "FAIL\n"
                "FAIL\tshop/pay\t0.002s\n");
}

SEAM_TEST(what_a_passing_test_left_behind_is_shown)
{
    static const char script[] =
        "package http\n"
        "run reloads\nlog reloads not shown\n"
        "left reloads left 2 descriptors open: 7 /etc/app.conf, 9 pipe\n"
        "left reloads left process 4312 'app --daemon' running; killed\n"
        "pass reloads 20\nok 21\nfinish 0\n";

    report_says(t, QUIET, script,
                "--- PASS: reloads (0.02s)\n"
                "    warning: left 2 descriptors open: 7 /etc/app.conf, 9 pipe\n"
                "    warning: left process 4312 'app --daemon' running; killed\n"
                "ok  \thttp\t0.021s\n");
    report_says(t, VERBOSE, script,
                "=== RUN   reloads\n"
                "    reloads_test.c:41: not shown\n"
                "    warning: left 2 descriptors open: 7 /etc/app.conf, 9 pipe\n"
                "    warning: left process 4312 'app --daemon' running; killed\n"
                "--- PASS: reloads (0.02s)\n"
                "PASS\n"
                "ok  \thttp\t0.021s\n");
}

SEAM_TEST(what_a_failing_test_left_behind_is_shown_once)
{
    report_says(
        t, QUIET,
        "package http\nrun a\nrun a/b\nerror a/b no\nleft a/b left a thread\nfail a/b 0\n"
        "left a left 1 descriptor open: 3 pipe\nfail a 0\nfailed 1\n",
        "--- FAIL: a (0.00s)\n"
        "    --- FAIL: a/b (0.00s)\n"
        "        a_test.c:41: no\n"
        "        warning: left a thread\n"
        "    warning: left 1 descriptor open: 3 pipe\n"
        "FAIL\n"
        "FAIL\thttp\t0.001s\n");
}

SEAM_TEST(verbatim_messages_have_no_place)
{
    report_says(
        t, QUIET,
        "package http\nrun a\n"
        "say a killed by SIGSEGV: read of address 0x18\\nparse (http.c:88)\\na (a.c:19)\n"
        "say a again: seam test -run '^a$' ./http\nfail a 3\nfailed 4\n",
        "--- FAIL: a (0.00s)\n"
        "    killed by SIGSEGV: read of address 0x18\n"
        "        parse (http.c:88)\n"
        "        a (a.c:19)\n"
        "    again: seam test -run '^a$' ./http\n"
        "FAIL\n"
        "FAIL\thttp\t0.004s\n");
}

/* ---- packages ---------------------------------------------------------------------------- */

SEAM_TEST(packages_are_printed_in_list_order)
{
    struct scripted *run = scripted_start(t, QUIET);

    scripted_tell(t, run,
                  "package a\npackage b\npackage c\n"
                  "in c\nrun x\nerror x in c\nfail x 1\nfailed 2\n"
                  "in b\nrun x\nerror x in b\nfail x 1\n");
    seam_check_str(t, scripted_text(t, run), "");
    scripted_tell(t, run, "in a\nrun x\nerror x in a\nfail x 1\n");
    seam_check_str(t, scripted_text(t, run), "--- FAIL: x (0.00s)\n    x_test.c:41: in a\n");
    scripted_tell(t, run, "failed 3\n");
    seam_check_str(t, scripted_text(t, run),
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: in a\n"
                   "FAIL\n"
                   "FAIL\ta\t0.003s\n"
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: in b\n");
    scripted_tell(t, run, "in b\nfailed 4\nfinish 1\n");
    seam_check_str(t, scripted_text(t, run),
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: in a\n"
                   "FAIL\n"
                   "FAIL\ta\t0.003s\n"
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: in b\n"
                   "FAIL\n"
                   "FAIL\tb\t0.004s\n"
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: in c\n"
                   "FAIL\n"
                   "FAIL\tc\t0.002s\n"
                   "FAIL\n");
}

/* `arg` is the folder for temporary files. */
SEAM_SUBTEST(much_waits)
{
    struct scripted *run = scripted_start(t, QUIET);
    struct event output = { .kind = EVENT_OUTPUT,
                            .node = EVENT_ROOT,
                            .package = text_of("b"),
                            .test = text_of("x"),
                            .text = text_of("0123456789abcde\n") };
    const char *text;
    int lines = 0;

    seam_setenv(t, "TMPDIR", arg);
    scripted_tell(t, run, "package a\npackage b\nin b\n");
    for (int test = 0; test < 4; test++) {
        scripted_tell(t, run, "run x\n");
        for (int i = 0; i < 30000; i++)
            run->report->event(run->report, &output);
        scripted_tell(t, run, "fail x 1\n");
    }
    scripted_tell(t, run, "failed 4\nin a\n");
    seam_check_str(t, scripted_text(t, run), "");
    scripted_tell(t, run, "ok 4\n");
    text = scripted_text(t, run);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines += strncmp(at + 1, "    0123456789abcde\n", 20) == 0;
    seam_check_eq(t, lines, 120000);
    seam_check_contains(t, text, "ok  \ta\t0.004s\n--- FAIL: x (0.00s)\n    0123");
    seam_check_contains(t, text, "    0123456789abcde\nFAIL\nFAIL\tb\t0.004s\n");
}

SEAM_TEST(more_than_fits_in_memory_waits_in_a_file)
{
    seam_run(t, "in a file", much_waits, seam_tempdir(t));
    seam_run(t, "where there is no folder for it", much_waits, "/no/such/folder");
}

/* `arg` is the form. */
SEAM_SUBTEST(too_much)
{
    enum { WORDS = 1 << 20, MESSAGES = 70 };
    const enum form *form = arg;
    struct scripted *run = scripted_start(t, *form);
    char *words = seam_alloc(t, WORDS + 1);
    struct event message = { .kind = EVENT_MESSAGE, .node = EVENT_ROOT };
    const char *text;

    memset(words, 'w', WORDS);
    message.package = text_of("p");
    message.test = text_of("x");
    message.text = text_of(words);
    scripted_tell(t, run, "package p\nrun x\n");
    for (int i = 0; i < MESSAGES; i++)
        run->report->event(run->report, &message);
    scripted_tell(t, run, "fail x 1\nfailed 2\n");
    scripted_close(run);
    fflush(run->to);
    text = run->data;
    seam_check_lt(t, run->size, (size_t)MESSAGES * WORDS);
    seam_check(t, strstr(text, "--- FAIL: x (0.00s)\n"));
    seam_check(t, strstr(text, "www\n    warning: more came than is kept in memory"));
    seam_check(t, strstr(text, "FAIL\nFAIL\tp\t0.002s\n"));
}

SEAM_TEST(memory_for_one_test_is_limited)
{
    static const enum form forms[] = { QUIET, VERBOSE };

    seam_run(t, "quiet", too_much, &forms[0]);
    seam_run(t, "verbose", too_much, &forms[1]);
}

SEAM_TEST(ends_of_packages)
{
    const char *errors = catch_stderr(t);

    report_says(
        t, QUIET,
        "package a\nok 11\npackage b\nunbuilt 5\npackage c\nuntested 0\npackage d\nunrun 3\n"
        "package e\nunset 4 pkg-config does not know 'libpq'\\n    try: apt-get\n"
        "finish 3\n",
        "ok  \ta\t0.011s\n"
        "FAIL\tb [build failed]\n"
        "?   \tc\t[no test files]\n"
        "ok  \td\t0.003s [no tests to run]\n"
        "seam: e: pkg-config does not know 'libpq'\n"
        "    try: apt-get\n"
        "FAIL\te [setup failed]\n"
        "FAIL\n");
    seam_check_str(t, seam_read_file(t, errors, NULL), "");
}

SEAM_TEST(no_tests_to_run_is_said)
{
    static const char script[] = "package a\nunrun 3\npackage b\nunrun 4\nfinish 4\n";
    const char *errors = catch_stderr(t);

    report_says(t, QUIET, script,
                "ok  \ta\t0.003s [no tests to run]\n"
                "ok  \tb\t0.004s [no tests to run]\n");
    seam_check_str(t, seam_read_file(t, errors, NULL), "testing: warning: no tests to run\n");
    report_says(t, VERBOSE, script,
                "testing: warning: no tests to run\n"
                "PASS\n"
                "ok  \ta\t0.003s [no tests to run]\n"
                "testing: warning: no tests to run\n"
                "PASS\n"
                "ok  \tb\t0.004s [no tests to run]\n");
}

SEAM_TEST(the_compiler_speaks_on_stderr)
{
    const char *errors = catch_stderr(t);

    report_says(t, QUIET,
                "package a\npackage b\nin b\ncompiler b.c:3: no\\n\ncompiler b.c:4: no\\n\n"
                "in a\ncompiler a.c:1: hm\\n\nok 1\nin b\nunbuilt 0\nfinish 3\n",
                "ok  \ta\t0.001s\nFAIL\tb [build failed]\nFAIL\n");
    seam_check_str(t, seam_read_file(t, errors, NULL),
                   "# b\nb.c:3: no\nb.c:4: no\n# a\na.c:1: hm\n");
}

/* ---- as it comes ------------------------------------------------------------------------- */

SEAM_TEST(live_shows_each_line_at_once)
{
    struct scripted *run = scripted_start(t, LIVE);

    scripted_tell(t, run, "package p\nrun a\nlog a one\n");
    seam_check_str(t, scripted_text(t, run), "=== RUN   a\n    a_test.c:41: one\n");
    scripted_tell(t, run, "output a raw\n");
    seam_check_str(t, scripted_text(t, run), "=== RUN   a\n    a_test.c:41: one\nraw");
    scripted_tell(t, run, "note a word\noutput a more\nlog a two\n");
    seam_check_str(
        t, scripted_text(t, run),
        "=== RUN   a\n    a_test.c:41: one\nraw\nseam: a word\nmore\n    a_test.c:41: two\n");
}

SEAM_TEST(live_lets_the_older_test_end_first)
{
    report_says(t, LIVE,
                "package p\nrun a\nlog a one\nrun b\nlog b two\npass b 1\n"
                "run c\nlog a three\npass a 2\n"
                "log c four\npass c 3\nok 4\n",
                "=== RUN   a\n"
                "    a_test.c:41: one\n"
                "    a_test.c:41: three\n"
                "--- PASS: a (0.00s)\n"
                "=== RUN   b\n"
                "    b_test.c:41: two\n"
                "--- PASS: b (0.00s)\n"
                "=== RUN   c\n"
                "    c_test.c:41: four\n"
                "--- PASS: c (0.00s)\n"
                "PASS\n"
                "ok  \tp\t0.004s\n");
}

SEAM_TEST(notes_are_printed_at_once)
{
    report_says(
        t, VERBOSE,
        "note postgres 15.20 native, started in 78 ms\npackage p\nrun a\nnote b\npass a 1\n",
        "seam: postgres 15.20 native, started in 78 ms\n"
        "seam: b\n"
        "=== RUN   a\n"
        "--- PASS: a (0.00s)\n");
}

/* ---- runs that were cut short ------------------------------------------------------------ */

SEAM_TEST(a_test_without_an_end_has_failed)
{
    report_says(
        t, QUIET,
        "package p\npackage q\nin p\nrun a\nrun a/b\nlog a/b words\nin q\nrun x\nlog x more\n",
        "--- FAIL: a (0.00s)\n"
        "    --- FAIL: a/b (0.00s)\n"
        "        a_test.c:41: words\n"
        "        it has no result: the events end here\n"
        "    it has no result: the events end here\n"
        "--- FAIL: x (0.00s)\n"
        "    x_test.c:41: more\n"
        "    it has no result: the events end here\n");
}

SEAM_TEST(a_test_that_is_resumed_stays_one_test)
{
    report_says(t, QUIET,
                "package p\nrun a\nrun a/1\nsay a/1 killed by SIGSEGV\nfail a/1 1\n"
                "run a/2\npass a/2 1\nfail a 2\nfailed 3\n",
                "--- FAIL: a (0.00s)\n"
                "    --- FAIL: a/1 (0.00s)\n"
                "        killed by SIGSEGV\n"
                "FAIL\n"
                "FAIL\tp\t0.003s\n");
}

/* ---- traffic ------------------------------------------------------------------------------ */

static const char charged[] =
    "package shop/pay\n"
    "run pay\n"
    "exchange pay GET https://pay.test/rates\\n200\\n\\n[]\n"
    "log pay start\n"
    "run pay/ok\n"
    "exchange pay/ok GET https://pay.test/ok\\n200\n"
    "pass pay/ok 4\n"
    "run pay/declined\n"
    "exchange pay/declined POST https://pay.test/charges\\n429\\n\\n{\"error\":\"slow down\"}\n"
    "exchange pay/declined POST https://pay.test/charges\\n501\\nno rule\n"
    "error pay/declined status = 501\n"
    "unknown pay/declined words of a later version\n"
    "exchange pay/declined POST https://pay.test/charges\n"
    "output pay/declined raw"
    "\n"
    "fail pay/declined 5\n"
    "fail pay 6\n"
    "run cart\n"
    "exchange cart GET https://pay.test/cart\\n200\n"
    "pass cart 0\n"
    "failed 1250\n"
    "finish 1\n";

SEAM_TEST(quiet_shows_the_traffic_of_what_failed_behind_its_messages)
{
    report_says(
        t, QUIET, charged,
        "--- FAIL: pay (0.01s)\n"
        "    pay_test.c:41: start\n"
        "    --- FAIL: pay/declined (0.01s)\n"
        "        pay_test.c:41: status = 501\n"
        "        raw\n"
        "        traffic (last 3 of 3):\n"
        "            0.0 ms  POST https://pay.test/charges  -> 429  {\"error\":\"slow down\"}\n"
        "            0.0 ms  POST https://pay.test/charges  -> 501  (no rule)\n"
        "            0.0 ms  POST https://pay.test/charges  -> no answer\n"
        "    traffic (last 1 of 1):\n"
        "        0.0 ms  GET https://pay.test/rates  -> 200  []\n"
        "FAIL\n"
        "FAIL\tshop/pay\t1.250s\n"
        "FAIL\n");
}

static const char charged_verbose[] =
    "=== RUN   pay\n"
    "    pay_test.c:41: start\n"
    "=== RUN   pay/ok\n"
    "=== RUN   pay/declined\n"
    "    pay_test.c:41: status = 501\n"
    "raw\n"
    "    traffic (last 3 of 3):\n"
    "        0.0 ms  POST https://pay.test/charges  -> 429  {\"error\":\"slow down\"}\n"
    "        0.0 ms  POST https://pay.test/charges  -> 501  (no rule)\n"
    "        0.0 ms  POST https://pay.test/charges  -> no answer\n"
    "=== NAME  pay\n"
    "    traffic (last 1 of 1):\n"
    "        0.0 ms  GET https://pay.test/rates  -> 200  []\n"
    "--- FAIL: pay (0.01s)\n"
    "    --- PASS: pay/ok (0.00s)\n"
    "    --- FAIL: pay/declined (0.01s)\n"
    "=== RUN   cart\n"
    "--- PASS: cart (0.00s)\n"
    "FAIL\n"
    "FAIL\tshop/pay\t1.250s\n"
    "FAIL\n";

SEAM_TEST(verbose_shows_traffic_only_of_what_failed)
{
    report_says(t, VERBOSE, charged, charged_verbose);
    report_says(t, LIVE, charged, charged_verbose);
}

SEAM_TEST(quiet_shows_a_warning_of_a_test_that_passes)
{
    report_says(
        t, QUIET,
        "package a\nrun pay\nlog pay start\nrun pay/in\nwarning pay/in warning: let pass\n"
        "pass pay/in 1\npass pay 4\nok 5\nfinish 0\n",
        "--- PASS: pay (0.00s)\n"
        "    --- PASS: pay/in (0.00s)\n"
        "        pay_test.c:41: warning: let pass\n"
        "ok  \ta\t0.005s\n");
}

/* Its END is the report's, and so is that of a test whose process died. */
SEAM_TEST(traffic_is_shown_of_a_test_without_a_result)
{
    report_says(t, QUIET, "package a\nrun pay\nexchange pay GET /\\n200\nfailed 5\nfinish 1\n",
                "--- FAIL: pay (0.00s)\n"
                "    it has no result: the events end here\n"
                "    traffic (last 1 of 1):\n"
                "        0.0 ms  GET /  -> 200\n"
                "FAIL\nFAIL\ta\t0.005s\nFAIL\n");
}
