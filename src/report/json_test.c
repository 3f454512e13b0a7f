/* report/json_test.c - the objects of test2json, to the letter. */

#include <seam/seam.h>

#include <string.h>

#include "report/json_text.h"
#include "report/script_test.h"

#define DAY "\"2023-11-14T22:13:"

static const char *unquote(seam_t *t, const char *text)
{
    char *copy = seam_format(t, "%s", text);

    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

/* In wanted texts ' stands for " and PACKAGE for the member that names shop/pay. */
static const char *spell_out(seam_t *t, const char *text)
{
    const char *word;
    const char *done = "";

    while ((word = strstr(text, "PACKAGE"))) {
        done = seam_format(t, "%s%.*s'Package':'shop/pay'", done, (int)(word - text), text);
        text = word + strlen("PACKAGE");
    }
    return unquote(t, seam_format(t, "%s%s", done, text));
}

/* The objects, without their times (which one test below looks at). */
static const char *without_times(seam_t *t, const char *text)
{
    char *copy = seam_format(t, "%s", text);
    char *from, *to;

    while ((from = strstr(copy, "{\"Time\":" DAY)) && (to = strchr(from, ',')))
        memmove(from + 1, to + 1, strlen(to));
    return copy;
}

static void json_says(seam_t *t, const char *script, const char *want)
{
    struct scripted *run = scripted_start(t, JSON);

    scripted_tell(t, run, script);
    scripted_close(run);
    seam_check_str(t, without_times(t, scripted_text(t, run)), spell_out(t, want));
}

SEAM_TEST(objects_follow_the_events)
{
    json_says(
        t,
        "package shop/pay\n"
        "run a\nlog a start\n"
        "run a/b\npause a/b\ncontinue a/b\nerror a/b no\\nbody: {}\noutput a/b raw\\n\n"
        "fail a/b 12\n"
        "attr a ticket 17 and 18\nartifact a /tmp/kept\n"
        "fail a 20\nfailed 31\nfinish 1\n",
        "{'Action':'start',PACKAGE}\n"
        "{'Action':'run',PACKAGE,'Test':'a'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'=== RUN   a\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'    a_test.c:41: start\\n'}\n"
        "{'Action':'run',PACKAGE,'Test':'a/b'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'=== RUN   a/b\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'=== PAUSE a/b\\n'}\n"
        "{'Action':'pause',PACKAGE,'Test':'a/b'}\n"
        "{'Action':'cont',PACKAGE,'Test':'a/b'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'=== CONT  a/b\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'    a_test.c:41: no\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'        body: {}\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'raw\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a/b','Output':'--- FAIL: a/b (0.01s)\\n'}\n"
        "{'Action':'fail',PACKAGE,'Test':'a/b','Elapsed':0.01}\n"
        "{'Action':'attr',PACKAGE,'Test':'a','Key':'ticket','Value':'17 and 18'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'=== ATTR  a ticket 17 and 18\\n'}\n"
        "{'Action':'artifacts',PACKAGE,'Test':'a','Path':'/tmp/kept'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'=== ARTIFACTS a /tmp/kept\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'--- FAIL: a (0.02s)\\n'}\n"
        "{'Action':'fail',PACKAGE,'Test':'a','Elapsed':0.02}\n"
        "{'Action':'output',PACKAGE,'Output':'FAIL\\n'}\n"
        "{'Action':'output',PACKAGE,'Output':'FAIL\\tshop/pay\\t0.031s\\n'}\n"
        "{'Action':'fail',PACKAGE,'Elapsed':0.031}\n");
}

SEAM_TEST(verdicts_and_what_was_left)
{
    json_says(
        t,
        "package shop/pay\n"
        "run a\nleft a left a thread\npass a 1500\n"
        "run b\nskip b 0\n"
        "ok 1600\n",
        "{'Action':'start',PACKAGE}\n"
        "{'Action':'run',PACKAGE,'Test':'a'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'=== RUN   a\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'    warning: left a thread\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'a','Output':'--- PASS: a (1.50s)\\n'}\n"
        "{'Action':'pass',PACKAGE,'Test':'a','Elapsed':1.5}\n"
        "{'Action':'run',PACKAGE,'Test':'b'}\n"
        "{'Action':'output',PACKAGE,'Test':'b','Output':'=== RUN   b\\n'}\n"
        "{'Action':'output',PACKAGE,'Test':'b','Output':'--- SKIP: b (0.00s)\\n'}\n"
        "{'Action':'skip',PACKAGE,'Test':'b','Elapsed':0}\n"
        "{'Action':'output',PACKAGE,'Output':'PASS\\n'}\n"
        "{'Action':'output',PACKAGE,'Output':'ok  \\tshop/pay\\t1.600s\\n'}\n"
        "{'Action':'pass',PACKAGE,'Elapsed':1.6}\n");
}

SEAM_TEST(an_open_line_waits_for_its_end)
{
    json_says(t,
              "package shop/pay\n"
              "run a\nrun b\n"
              "output a one, \noutput b other\\nleft\noutput a two\\nthree\n"
              "log a x\n"
              "output b  over\npass b 0\n",
              "{'Action':'start',PACKAGE}\n"
              "{'Action':'run',PACKAGE,'Test':'a'}\n"
              "{'Action':'output',PACKAGE,'Test':'a','Output':'=== RUN   a\\n'}\n"
              "{'Action':'run',PACKAGE,'Test':'b'}\n"
              "{'Action':'output',PACKAGE,'Test':'b','Output':'=== RUN   b\\n'}\n"
              "{'Action':'output',PACKAGE,'Test':'b','Output':'other\\n'}\n"
              "{'Action':'output',PACKAGE,'Test':'a','Output':'one, two\\n'}\n"
              "{'Action':'output',PACKAGE,'Test':'a','Output':'three'}\n"
              "{'Action':'output',PACKAGE,'Test':'a','Output':'    a_test.c:41: x\\n'}\n"
              "{'Action':'output',PACKAGE,'Test':'b','Output':'left over'}\n"
              "{'Action':'output',PACKAGE,'Test':'b','Output':'--- PASS: b (0.00s)\\n'}\n"
              "{'Action':'pass',PACKAGE,'Test':'b','Elapsed':0}\n");
}

SEAM_TEST(packages_without_a_run)
{
    json_says(t,
              "package a\npackage b\npackage c\npackage d\n"
              "in b\ncompiler b.c:3: no\\n\n"
              "in a\nuntested 0\n"
              "in b\nunbuilt 7\n"
              "in c\nunrun 3\n"
              "in d\nunset 4 no libpq\\n    try: apt-get\n"
              "finish 3\n",
              "{'ImportPath':'b','Action':'build-output','Output':'# b\\n'}\n"
              "{'ImportPath':'b','Action':'build-output','Output':'b.c:3: no\\n'}\n"
              "{'Action':'start','Package':'a'}\n"
              "{'Action':'output','Package':'a','Output':'?   \\ta\\t[no test files]\\n'}\n"
              "{'Action':'skip','Package':'a','Elapsed':0}\n"
              "{'ImportPath':'b','Action':'build-fail'}\n"
              "{'Action':'start','Package':'b'}\n"
              "{'Action':'output','Package':'b','Output':'FAIL\\tb [build failed]\\n'}\n"
              "{'Action':'fail','Package':'b','Elapsed':0,'FailedBuild':'b'}\n"
              "{'Action':'start','Package':'c'}\n"
              "{'Action':'output','Package':'c',"
              "'Output':'testing: warning: no tests to run\\n'}\n"
              "{'Action':'output','Package':'c','Output':'PASS\\n'}\n"
              "{'Action':'output','Package':'c',"
              "'Output':'ok  \\tc\\t0.003s [no tests to run]\\n'}\n"
              "{'Action':'pass','Package':'c','Elapsed':0.003}\n"
              "{'ImportPath':'d','Action':'build-output','Output':'# d\\n'}\n"
              "{'ImportPath':'d','Action':'build-output','Output':'no libpq\\n'}\n"
              "{'ImportPath':'d','Action':'build-output','Output':'    try: apt-get\\n'}\n"
              "{'ImportPath':'d','Action':'build-fail'}\n"
              "{'Action':'start','Package':'d'}\n"
              "{'Action':'output','Package':'d','Output':'FAIL\\td [setup failed]\\n'}\n"
              "{'Action':'fail','Package':'d','Elapsed':0,'FailedBuild':'d'}\n");
}

SEAM_TEST(notes_stay_out_of_the_objects)
{
    const char *errors = catch_stderr(t);

    json_says(t, "note postgres started\npackage p\n", "");
    seam_check_str(t, seam_read_file(t, errors, NULL), "seam: postgres started\n");
}

SEAM_TEST(long_lines_are_cut_between_characters)
{
    struct scripted *run = scripted_start(t, JSON);
    struct event output = {
        .kind = EVENT_OUTPUT, .node = EVENT_ROOT, .package = text_of("p"), .test = text_of("a")
    };
    char *line = seam_alloc(t, 3001);
    const char *text;

    for (int i = 0; i < 3000; i += 3)
        memcpy(line + i, "\xe2\x82\xac", 3);
    output.text = (struct text){ line, 3000 };
    run->report->event(run->report, &output);
    output.text = text_of("end\n");
    run->report->event(run->report, &output);
    text = scripted_text(t, run);
    seam_check(t, !strstr(text, "\\ufffd"));
    seam_check_contains(t, text, "\"Output\":\"\xe2\x82\xac");
    seam_check_contains(t, text, "\"Output\":\"end\\n\"}\n");
}

SEAM_TEST(an_object_is_written_at_once)
{
    struct scripted *run = scripted_start(t, JSON);

    scripted_tell(t, run, "package p\nrun a\n");
    seam_check_contains(t, run->data, "=== RUN   a");
}

/* ---- values ------------------------------------------------------------------------------ */

struct row {
    const char *name;
    const char *text;
    const char *want;
};

SEAM_SUBTEST(one_string)
{
    const struct row *row = arg;
    struct buf got = BUF_INIT(4096);

    json_add_string(&got, text_of(row->text));
    seam_check_str(t, buf_text(&got), row->want);
    buf_fini(&got);
}

SEAM_TEST(strings_are_escaped_as_go_does)
{
    static const struct row rows[] = {
        { "empty", "", "\"\"" },
        { "quotes", "\"a\\b\"", "\"\\\"a\\\\b\\\"\"" },
        { "html", "<a>&b", "\"\\u003ca\\u003e\\u0026b\"" },
        { "short escapes", "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
        { "control", "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
        { "characters", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
        { "separators", "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xa7",
          "\"\\u2028\\u2029\xe2\x80\xa7\"" },
        { "alone", "a\x80z", "\"a\\ufffdz\"" },
        { "cut off", "\xe2\x82", "\"\\ufffd\\ufffd\"" },
        { "overlong", "\xc0\x80\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"" },
        { "surrogate", "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
        { "too large", "\xf4\x90\x80\x80\xf5", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, one_string, &rows[i]);
}

static const char *time_text(seam_t *t, const char *zone, uint64_t time_ns)
{
    struct json_clock clock = { 0 };
    struct buf got = BUF_INIT(4096);
    const char *text;

    seam_setenv(t, "TZ", zone);
    tzset();
    json_add_time(&got, &clock, time_ns);
    text = seam_format(t, "%s", buf_text(&got));
    buf_fini(&got);
    return text;
}

SEAM_TEST(times_are_local_and_without_idle_zeros)
{
    const uint64_t second = 1700000000000000000;

    seam_check_str(t, time_text(t, "UTC", second), DAY "20Z\"");
    seam_check_str(t, time_text(t, "UTC", second + 1), DAY "20.000000001Z\"");
    seam_check_str(t, time_text(t, "UTC", second + 120000000), DAY "20.12Z\"");
    seam_check_str(t, time_text(t, "<+0545>-5:45", second), "\"2023-11-15T03:58:20+05:45\"");
    seam_check_str(t, time_text(t, "<-0330>3:30", second), "\"2023-11-14T18:43:20-03:30\"");
}

static const char *seconds_text(seam_t *t, uint64_t ns, int digits)
{
    struct buf got = BUF_INIT(4096);
    const char *text;

    json_add_seconds(&got, ns, digits);
    text = seam_format(t, "%s", buf_text(&got));
    buf_fini(&got);
    return text;
}

SEAM_TEST(seconds_are_rounded_and_short)
{
    seam_check_str(t, seconds_text(t, 0, 2), "0");
    seam_check_str(t, seconds_text(t, 4999999, 2), "0");
    seam_check_str(t, seconds_text(t, 5000001, 2), "0.01");
    seam_check_str(t, seconds_text(t, 100000000, 2), "0.1");
    seam_check_str(t, seconds_text(t, 100000000000, 3), "100");
    seam_check_str(t, seconds_text(t, 999996000000, 2), "1000");
    seam_check_str(t, seconds_text(t, 15400000, 3), "0.015");
}

SEAM_TEST(json_shows_traffic_as_output_before_the_result)
{
    struct scripted *scripted = scripted_start(t, JSON);
    const char *words;

    scripted_tell(t, scripted,
                  "package p\nrun a\nexchange a GET /\\n200\nunknown a later\n"
                  "output a cut\nexchange a GET /\\n501\\nno rule\noutput a off\\n\n"
                  "error a wrong\nfail a 5\n"
                  "run b\nexchange b GET /\\n200\npass b 0\nfailed 6\nfinish 1\n");
    words = scripted_text(t, scripted);
    seam_check_contains(t, words, "\"Output\":\"cutoff\\n\"");
    seam_check_match(
        t, words,
        "\"Output\":\"    a_test.c:41: wrong\\\\n\"\\}\n"
        ".*\"Test\":\"a\",\"Output\":\"    traffic \\(last 2 of 2\\):\\\\n\"\\}\n"
        ".*\"Output\":\"        0.0 ms  GET /  -\\\\u003e 200\\\\n\"\\}\n"
        ".*\"Output\":\"        0.0 ms  GET /  -\\\\u003e 501  \\(no rule\\)\\\\n\"\\}\n"
        ".*\"Output\":\"--- FAIL: a ");
    seam_check_null(t, strstr(strstr(words, "--- FAIL: a "), "traffic"));
}
