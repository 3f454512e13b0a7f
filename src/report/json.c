/*
 * report/json.c - the schema of test2json: an object per line, as events come.
 *
 * Outputs are the lines of `go test -v`, cut to pieces of a kilobyte, with result lines
 * that are not indented. A piece of raw output that does not end its line waits for the
 * rest of it, but not longer than for the next event of the same top-level test.
 */

#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "report/json_text.h"
#include "report/lines.h"
#include "report/names.h"
#include "report/open.h"

enum { PIECE_MAX = 1024 };

/* A top-level test that runs. */
struct json_test {
    struct json_test *next;
    struct text name; /* of the test itself */
    struct opens opens; /* it and its subtests: events of these need not tell their names */
    struct buf line; /* raw output that has not ended its line */
    uint32_t line_of;
};

struct json_package {
    struct json_test *tests;
    bool started;
    bool compiled; /* its compiler's output has its header */
};

struct json_report {
    struct report report;
    FILE *to;
    struct names names; /* each has a json_package */
    struct json_clock clock;
    struct buf out; /* objects of one event */
    struct buf words;
};

static struct json_package *package_of(struct json_report *report, struct text name)
{
    return names_own(&report->names, name, sizeof(struct json_package));
}

/* ---- objects */

/* A member that is left out when it is empty. */
static void add_member(struct json_report *report, const char *key, struct text value)
{
    if (value.size == 0)
        return;
    buf_add_text(&report->out, key);
    json_add_string(&report->out, value);
}

/* A member whose value needs no escapes. */
static void add_constant(struct json_report *report, const char *key, const char *value)
{
    buf_add_text(&report->out, key);
    buf_add_char(&report->out, '"');
    buf_add_text(&report->out, value);
    buf_add_char(&report->out, '"');
}

static void begin_object(struct json_report *report, const struct event *event,
                         const char *action, struct text test)
{
    buf_add_text(&report->out, "{\"Time\":");
    json_add_time(&report->out, &report->clock, event->time_ns);
    add_constant(report, ",\"Action\":", action);
    add_member(report, ",\"Package\":", event->package);
    add_member(report, ",\"Test\":", test);
}

static void end_object(struct json_report *report)
{
    buf_add_text(&report->out, "}\n");
}

static void add_action(struct json_report *report, const struct event *event,
                       const char *action, struct text test)
{
    begin_object(report, event, action, test);
    end_object(report);
}

/* The next piece of `text`: a line, or the part of it that fits. */
static struct text take_piece(struct text *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct text piece = { text->data, end ? (size_t)(end - text->data) + 1 : text->size };

    if (piece.size > PIECE_MAX)
        piece.size = json_cut(piece.data, PIECE_MAX);
    text->data += piece.size;
    text->size -= piece.size;
    return piece;
}

static void add_output(struct json_report *report, const struct event *event, struct text test,
                       struct text text)
{
    while (text.size > 0) {
        begin_object(report, event, "output", test);
        add_member(report, ",\"Output\":", take_piece(&text));
        end_object(report);
    }
}

/* What was put together in `words`. */
static void add_words(struct json_report *report, const struct event *event, struct text test)
{
    add_output(report, event, test, (struct text){ report->words.data, report->words.size });
    buf_clear(&report->words);
}

/* The compiler's words belong to no test run yet: they have no time. */
static void add_build(struct json_report *report, const struct event *event, const char *action,
                      struct text text)
{
    do {
        buf_add_text(&report->out, "{\"ImportPath\":");
        json_add_string(&report->out, event->package);
        add_constant(report, ",\"Action\":", action);
        if (text.size > 0)
            add_member(report, ",\"Output\":", take_piece(&text));
        end_object(report);
    } while (text.size > 0);
}

/* ---- tests that run */

static struct json_test *find_test(struct json_package *package, struct text name)
{
    struct json_test *test = package->tests;

    while (test && (test->name.size != name.size ||
                    (name.size > 0 && memcmp(test->name.data, name.data, name.size) != 0)))
        test = test->next;
    return test;
}

static struct json_test *test_of(struct json_package *package, struct text name)
{
    struct json_test *test = find_test(package, name);
    struct open *root;

    if (test)
        return test;
    test = calloc(1, sizeof *test);
    root = test ? opens_add(&test->opens, EVENT_ROOT, name) : NULL;
    if (!root)
        arena_give_up(sizeof *root); /* nothing could be reported any more */
    test->next = package->tests;
    test->name = root->name;
    test->line = BUF_INIT(SIZE_MAX / 2);
    return package->tests = test;
}

static void free_test(struct json_package *package, struct json_test *test)
{
    struct json_test **at = &package->tests;

    while (*at != test)
        at = &(*at)->next;
    *at = test->next;
    buf_fini(&test->line);
    opens_fini(&test->opens);
    free(test);
}

/* What comes after the end of a subtest is the top-level test's. */
static struct open *open_of(const struct json_test *test, uint32_t node)
{
    struct open *open = opens_find(&test->opens, node);

    return open ? open : opens_find(&test->opens, EVENT_ROOT);
}

static struct text name_of(const struct json_test *test, uint32_t node)
{
    return open_of(test, node)->name;
}

/* ---- raw output */

static void flush_line(struct json_report *report, struct json_test *test,
                       const struct event *event)
{
    add_output(report, event, name_of(test, test->line_of),
               (struct text){ test->line.data, test->line.size });
    buf_clear(&test->line);
}

/* The part of `text` that can be shown now: whole lines, and what is too long to wait. */
static size_t ready_size(struct text text)
{
    const char *end = text.size ? memrchr(text.data, '\n', text.size) : NULL;
    size_t ready = end ? (size_t)(end - text.data) + 1 : 0;

    return text.size - ready < PIECE_MAX ? ready : json_cut(text.data, text.size);
}

static void on_output(struct json_report *report, struct json_test *test,
                      const struct event *event)
{
    size_t ready;

    if (test->line_of != event->node)
        flush_line(report, test, event);
    test->line_of = event->node;
    buf_add(&test->line, event->text.data, event->text.size);
    ready = ready_size((struct text){ test->line.data, test->line.size });
    add_output(report, event, name_of(test, event->node),
               (struct text){ test->line.data, ready });
    buf_drop(&test->line, ready);
}

/* ---- the other events of tests */

static void add_frame(struct json_report *report, const struct event *event, struct text name)
{
    lines_frame(&report->words, event, name);
    add_words(report, event, name);
}

static void on_run(struct json_report *report, struct json_test *test,
                   const struct event *event)
{
    struct text name = event->node == EVENT_ROOT ? test->name : event->test;

    if (!opens_find(&test->opens, event->node))
        opens_add(&test->opens, event->node, name);
    add_action(report, event, "run", name);
    add_frame(report, event, name);
}

static void on_fact(struct json_report *report, const struct event *event, struct text name)
{
    bool attr = event->kind == EVENT_ATTR;

    begin_object(report, event, attr ? "attr" : "artifacts", name);
    if (attr)
        add_member(report, ",\"Key\":", event->file);
    add_member(report, attr ? ",\"Value\":" : ",\"Path\":", event->text);
    end_object(report);
    add_frame(report, event, name);
}

/* Of a test that has failed. */
static void add_traffic(struct json_report *report, const struct json_test *test,
                        const struct event *event)
{
    const struct open *open = opens_find(&test->opens, event->node);

    if (!open || event->status != VERDICT_FAIL)
        return;
    traffic_print(&open->traffic, &report->words, 0);
    add_words(report, event, open->name);
}

static void on_end(struct json_report *report, const struct json_test *test,
                   const struct event *event)
{
    struct text name = name_of(test, event->node);
    const char *action = event->status == VERDICT_PASS   ? "pass"
                         : event->status == VERDICT_SKIP ? "skip"
                                                         : "fail";

    add_traffic(report, test, event);
    lines_result(&report->words, event->status, name, event->elapsed_ns, 0);
    add_words(report, event, name);
    begin_object(report, event, action, name);
    buf_add_text(&report->out, ",\"Elapsed\":");
    json_add_seconds(&report->out, event->elapsed_ns, 2);
    end_object(report);
}

static void close_open(struct json_package *package, struct json_test *test, uint32_t node)
{
    struct open *open = opens_find(&test->opens, node);

    if (node == EVENT_ROOT) {
        free_test(package, test);
    } else if (open) {
        opens_remove(&test->opens, open);
        open_free(open);
    }
}

static void on_test(struct json_report *report, const struct event *event)
{
    struct json_package *package = package_of(report, event->package);
    struct json_test *test = test_of(package, lines_top_level(event->test));
    struct text name = name_of(test, event->node);

    if (event->kind == EVENT_OUTPUT) {
        on_output(report, test, event);
        return;
    }
    if (event->kind == EVENT_EXCHANGE) {
        traffic_add(&open_of(test, event->node)->traffic, event);
        return;
    }
    flush_line(report, test, event);
    switch (event->kind) {
    case EVENT_RUN:
        on_run(report, test, event);
        break;
    case EVENT_PAUSE:
        add_frame(report, event, name);
        add_action(report, event, "pause", name);
        break;
    case EVENT_CONTINUE:
        add_action(report, event, "cont", name);
        add_frame(report, event, name);
        break;
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
        on_fact(report, event, name);
        break;
    case EVENT_END:
        on_end(report, test, event);
        close_open(package, test, event->node);
        break;
    default:
        lines_message(&report->words, event, 0);
        add_words(report, event, name);
    }
}

/* ---- packages */

static void start(struct json_report *report, struct json_package *package,
                  const struct event *event)
{
    if (!package->started) {
        begin_object(report, event, "start", text_of(""));
        end_object(report);
    }
    package->started = true;
}

static void on_compiler(struct json_report *report, const struct event *event)
{
    struct json_package *package = package_of(report, event->package);

    if (!package->compiled) {
        buf_add_text(&report->words, "# ");
        buf_add(&report->words, event->package.data, event->package.size);
        buf_add_char(&report->words, '\n');
    }
    package->compiled = true;
    buf_add(&report->words, event->text.data, event->text.size);
    lines_close(&report->words);
    if (report->words.size > 0)
        add_build(report, event, "build-output",
                  (struct text){ report->words.data, report->words.size });
    buf_clear(&report->words);
}

static void add_tail(struct json_report *report, const struct event *event)
{
    bool ran = event->status == PACKAGE_OK || event->status == PACKAGE_FAIL ||
               event->status == PACKAGE_NO_TESTS_RUN;

    if (event->status != PACKAGE_SETUP_FAILED)
        lines_reason(&report->words, event);
    if (event->status == PACKAGE_NO_TESTS_RUN)
        buf_add_text(&report->words, LINES_NO_TESTS);
    if (ran)
        buf_add_text(&report->words, event->status == PACKAGE_FAIL ? "FAIL\n" : "PASS\n");
    lines_package(&report->words, event);
    add_words(report, event, text_of(""));
}

static void on_package_end(struct json_report *report, const struct event *event)
{
    struct json_package *package = package_of(report, event->package);
    bool built = event->status != PACKAGE_BUILD_FAILED && event->status != PACKAGE_SETUP_FAILED;
    bool passed = event->status == PACKAGE_OK || event->status == PACKAGE_NO_TESTS_RUN;

    while (package->tests) {
        flush_line(report, package->tests, event);
        free_test(package, package->tests);
    }
    if (event->status == PACKAGE_SETUP_FAILED)
        on_compiler(report, event); /* as go has it: the reason is output of the build */
    if (!built)
        add_build(report, event, "build-fail", text_of(""));
    start(report, package, event);
    add_tail(report, event);
    begin_object(report, event,
                 passed                                   ? "pass"
                 : event->status == PACKAGE_NO_TEST_FILES ? "skip"
                                                          : "fail",
                 text_of(""));
    buf_add_text(&report->out, ",\"Elapsed\":");
    json_add_seconds(&report->out, built ? event->elapsed_ns : 0, 3);
    add_member(report, ",\"FailedBuild\":", built ? text_of("") : event->package);
    end_object(report);
}

/* ---- */

static void take(struct report *base, const struct event *event)
{
    struct json_report *report = (struct json_report *)base;

    switch (event->kind) {
    case EVENT_NOTE:
        fprintf(stderr, "seam: %.*s\n", (int)event->text.size, event->text.data);
        return;
    case EVENT_BUILD_OUTPUT:
        on_compiler(report, event);
        break;
    case EVENT_PACKAGE_END:
        on_package_end(report, event);
        break;
    case EVENT_OUTPUT:
    case EVENT_RUN:
    case EVENT_END:
    case EVENT_PAUSE:
    case EVENT_CONTINUE:
    case EVENT_MESSAGE:
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
    case EVENT_LEFT:
    case EVENT_EXCHANGE:
        start(report, package_of(report, event->package), event);
        on_test(report, event);
        break;
    default:
        return;
    }
    fwrite(buf_text(&report->out), 1, report->out.size, report->to);
    fflush(report->to);
    buf_clear(&report->out);
}

static void finish(struct report *base)
{
    struct json_report *report = (struct json_report *)base;

    for (uint32_t i = 0; i < report->names.count; i++) {
        struct json_package *package = report->names.list[i].own;

        while (package->tests)
            free_test(package, package->tests);
    }
    fflush(report->to);
    names_fini(&report->names);
    buf_fini(&report->out);
    buf_fini(&report->words);
    free(report);
}

struct report *report_json(FILE *to)
{
    struct json_report *report = calloc(1, sizeof *report);

    if (!report)
        return NULL;
    *report = (struct json_report){
        .report = { .event = take, .close = finish },
        .to = to,
        .out = BUF_INIT(SIZE_MAX / 2),
        .words = BUF_INIT(SIZE_MAX / 2),
    };
    return &report->report;
}
