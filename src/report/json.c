/*
 * report/json.c - the schema of test2json: an object per line, as events come.
 *
 * Outputs are the lines of `go test -v`, cut to pieces of a kilobyte, with result lines that are not
 * indented. A piece of raw output that does not end its line waits for the rest of it, but not longer
 * than for the next event of the same top-level test.
 */

#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "report/json_text.h"
#include "report/lines.h"
#include "report/names.h"

enum { PIECE_MAX = 1024 };

/* Output of a (sub)test that has not ended its line. */
struct open_line {
    struct open_line *next;
    struct buf        text;
    struct text       test;
    char              name[];
};

struct json_package {
    struct open_line *lines;
    bool              started;
    bool              compiled; /* its compiler's output has its header */
};

struct json_report {
    struct report        report;
    FILE                *to;
    struct names         names;
    struct json_package *packages; /* by their number */
    uint32_t             count;
    uint32_t             room;
    struct json_clock    clock;
    struct buf           out; /* objects of one event */
    struct buf           words;
};

static struct json_package *package_of(struct json_report *report, struct text name)
{
    uint32_t number = names_number(&report->names, name);

    if (number >= report->room) {
        uint32_t room = report->room ? report->room * 2 : 16;
        struct json_package *wider = realloc(report->packages, room * sizeof *wider);

        if (!wider)
            abort(); /* nothing could be reported any more */
        report->packages = wider;
        report->room = room;
    }
    while (report->count <= number)
        report->packages[report->count++] = (struct json_package){ 0 };
    return &report->packages[number];
}

/* ---- objects */

static bool same(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* A member that is left out when it is empty. */
static void add_member(struct json_report *report, const char *key, struct text value)
{
    if (value.size == 0)
        return;
    buf_add_text(&report->out, key);
    json_add_string(&report->out, value);
}

static void begin_object(struct json_report *report, const struct event *event, const char *action,
                         struct text test)
{
    buf_add_text(&report->out, "{\"Time\":");
    json_add_time(&report->out, &report->clock, event->time_ns);
    add_member(report, ",\"Action\":", text_of(action));
    add_member(report, ",\"Package\":", event->package);
    add_member(report, ",\"Test\":", test);
}

static void end_object(struct json_report *report)
{
    buf_add_text(&report->out, "}\n");
}

static void add_action(struct json_report *report, const struct event *event, const char *action)
{
    begin_object(report, event, action, event->test);
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

static void add_words(struct json_report *report, const struct event *event)
{
    add_output(report, event, event->test, (struct text){ report->words.data, report->words.size });
    buf_clear(&report->words);
}

/* The compiler's words belong to no test run yet: they have no time. */
static void add_build(struct json_report *report, const struct event *event, const char *action,
                      struct text text)
{
    do {
        buf_add_text(&report->out, "{\"ImportPath\":");
        json_add_string(&report->out, event->package);
        add_member(report, ",\"Action\":", text_of(action));
        if (text.size > 0)
            add_member(report, ",\"Output\":", take_piece(&text));
        end_object(report);
    } while (text.size > 0);
}

/* ---- raw output */

static void free_line(struct json_package *package, struct open_line *line)
{
    struct open_line **at = &package->lines;

    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
    buf_fini(&line->text);
    free(line);
}

static struct open_line *find_line(const struct json_package *package, struct text test)
{
    struct open_line *line = package->lines;

    while (line && !same(lines_top_level(line->test), lines_top_level(test)))
        line = line->next;
    return line;
}

static void flush_line(struct json_report *report, struct json_package *package,
                       struct open_line *line, const struct event *event)
{
    add_output(report, event, line->test, (struct text){ line->text.data, line->text.size });
    free_line(package, line);
}

static void open_line(struct json_package *package, struct text test, struct text text)
{
    struct open_line *line = malloc(sizeof *line + test.size + 1);

    if (!line)
        abort(); /* output may not be lost in silence */
    *line = (struct open_line){ .next = package->lines, .text = BUF_INIT(EVENT_MAX),
                                .test = { line->name, test.size } };
    memcpy(line->name, test.size ? test.data : "", test.size);
    buf_add(&line->text, text.data, text.size);
    package->lines = line;
}

/* The part of `text` that can be shown now: whole lines, and what is too long to wait. */
static size_t ready_size(struct text text)
{
    const char *end = text.size ? memrchr(text.data, '\n', text.size) : NULL;
    size_t ready = end ? (size_t)(end - text.data) + 1 : 0;

    return text.size - ready < PIECE_MAX ? ready : json_cut(text.data, text.size);
}

static void on_output(struct json_report *report, struct json_package *package,
                      const struct event *event)
{
    struct open_line *line = find_line(package, event->test);
    struct text text = event->text;
    size_t ready;

    if (line && !same(line->test, event->test)) {
        flush_line(report, package, line, event);
        line = NULL;
    }
    if (line) {
        buf_add(&report->words, line->text.data, line->text.size);
        buf_add(&report->words, text.data, text.size);
        text = (struct text){ report->words.data, report->words.size };
        free_line(package, line);
    }
    ready = ready_size(text);
    add_output(report, event, event->test, (struct text){ text.data, ready });
    if (ready < text.size)
        open_line(package, event->test, (struct text){ text.data + ready, text.size - ready });
    buf_clear(&report->words);
}

/* ---- tests */

static void add_frame(struct json_report *report, const struct event *event)
{
    lines_frame(&report->words, event);
    add_words(report, event);
}

static void on_fact(struct json_report *report, const struct event *event)
{
    bool attr = event->kind == EVENT_ATTR;

    begin_object(report, event, attr ? "attr" : "artifacts", event->test);
    add_member(report, ",\"Key\":", attr ? event->file : text_of(""));
    add_member(report, attr ? ",\"Value\":" : ",\"Path\":", event->text);
    end_object(report);
    add_frame(report, event);
}

static void on_end(struct json_report *report, const struct event *event)
{
    const char *action = event->status == VERDICT_PASS   ? "pass"
                         : event->status == VERDICT_SKIP ? "skip"
                                                         : "fail";

    lines_result(&report->words, event->status, event->test, event->elapsed_ns, 0);
    add_words(report, event);
    begin_object(report, event, action, event->test);
    buf_add_text(&report->out, ",\"Elapsed\":");
    json_add_seconds(&report->out, event->elapsed_ns, 2);
    end_object(report);
}

static void on_test(struct json_report *report, const struct event *event)
{
    struct json_package *package = package_of(report, event->package);
    struct open_line *line = find_line(package, event->test);

    if (line)
        flush_line(report, package, line, event);
    switch (event->kind) {
    case EVENT_RUN:
        add_action(report, event, "run");
        add_frame(report, event);
        break;
    case EVENT_PAUSE:
        add_frame(report, event);
        add_action(report, event, "pause");
        break;
    case EVENT_CONTINUE:
        add_action(report, event, "cont");
        add_frame(report, event);
        break;
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
        on_fact(report, event);
        break;
    case EVENT_END:
        on_end(report, event);
        break;
    default:
        lines_message(&report->words, event, 0);
        add_words(report, event);
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
        add_build(report, event, "build-output",
                  (struct text){ report->words.data, report->words.size });
        buf_clear(&report->words);
    }
    package->compiled = true;
    if (event->text.size > 0)
        add_build(report, event, "build-output", event->text);
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
    add_words(report, event);
}

static void on_package_end(struct json_report *report, const struct event *event)
{
    struct json_package *package = package_of(report, event->package);
    bool built = event->status != PACKAGE_BUILD_FAILED && event->status != PACKAGE_SETUP_FAILED;
    bool passed = event->status == PACKAGE_OK || event->status == PACKAGE_NO_TESTS_RUN;

    while (package->lines)
        flush_line(report, package, package->lines, event);
    if (event->status == PACKAGE_SETUP_FAILED)
        on_compiler(report, event); /* as go has it: the reason is output of the build */
    if (!built)
        add_build(report, event, "build-fail", text_of(""));
    start(report, package, event);
    add_tail(report, event);
    begin_object(report, event,
                 passed                                     ? "pass"
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
        start(report, package_of(report, event->package), event);
        on_output(report, package_of(report, event->package), event);
        break;
    case EVENT_RUN:
    case EVENT_END:
    case EVENT_PAUSE:
    case EVENT_CONTINUE:
    case EVENT_MESSAGE:
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
    case EVENT_LEFT:
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

    for (uint32_t i = 0; i < report->count; i++)
        while (report->packages[i].lines)
            free_line(&report->packages[i], report->packages[i].lines);
    fflush(report->to);
    names_fini(&report->names);
    buf_fini(&report->out);
    buf_fini(&report->words);
    free(report->packages);
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
