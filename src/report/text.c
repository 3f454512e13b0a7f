/*
 * report/text.c - Go's text format.
 *
 *   packages, in list order:   done | front: its blocks are written as they come | held ...
 *                                       └ trees: its top-level tests that run, oldest first
 */

#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "report/hold.h"
#include "report/lines.h"
#include "report/names.h"
#include "report/tree.h"

struct text_package {
    uint32_t number;
    struct tree *trees; /* oldest first; live: that one is shown as it goes on */
    struct hold held;
    bool ended;
};

struct text_report {
    struct report report;
    FILE *to;
    bool verbose;
    bool live;
    bool line_open; /* live: the last byte written was no end of line */
    struct names names; /* each has a text_package */
    uint32_t front; /* packages before it are written and done */
    uint32_t compiled; /* 1 + the package whose compiler spoke last */
    bool some_ran;
    bool some_ran_nothing;
    struct buf words; /* of one event */
};

static struct text_package *package_of(struct text_report *report, struct text name)
{
    struct text_package *package = names_own(&report->names, name, sizeof(struct text_package));

    package->number = report->names.last;
    return package;
}

/* The package whose turn it is to be shown; NULL when all have been. */
static struct text_package *front_of(const struct text_report *report)
{
    return report->front < report->names.count ? report->names.list[report->front].own : NULL;
}

/* ---- order of packages */

static void put(struct text_report *report, struct text_package *package,
                const struct buf *text)
{
    if (text->size == 0)
        return;
    if (package->number > report->front) {
        hold_add(&package->held, text->data, text->size);
        return;
    }
    fwrite(text->data, 1, text->size, report->to);
    fflush(report->to);
    report->line_open = text->data[text->size - 1] != '\n';
}

/* Packages that have ended make room for the next, which tells what it has kept. */
static void advance(struct text_report *report)
{
    struct text_package *front = front_of(report);

    while (front && front->ended) {
        report->front++;
        front = front_of(report);
        if (front)
            hold_release(&front->held, report->to);
    }
    fflush(report->to);
}

/* ---- tests */

static struct tree *find_tree(struct text_package *package, struct text name)
{
    for (struct tree *tree = package->trees; tree; tree = tree->next)
        if (!tree->ended && tree->name.size == name.size &&
            memcmp(tree->name.data, name.data, name.size) == 0)
            return tree;
    return NULL;
}

static struct tree *add_tree(struct text_report *report, struct text_package *package,
                             struct text name)
{
    struct tree *tree = tree_new(name, report->verbose);
    struct tree **last = &package->trees;

    while (*last)
        last = &(*last)->next;
    *last = tree;
    return tree;
}

static void drop_tree(struct text_package *package, struct tree *tree)
{
    struct tree **at = &package->trees;

    while (*at != tree)
        at = &(*at)->next;
    *at = tree->next;
    tree_free(tree);
}

/* Live: what the oldest test has to say. The next may have begun already, and even ended. */
static void show_oldest(struct text_report *report, struct text_package *package)
{
    struct tree *oldest;

    while ((oldest = package->trees)) {
        put(report, package, &oldest->out);
        buf_clear(&oldest->out);
        if (!oldest->ended)
            break;
        drop_tree(package, oldest);
    }
}

/* What has not ended by now never will. */
static void cut_trees(struct text_report *report, struct text_package *package)
{
    while (package->trees) {
        if (!package->trees->ended)
            tree_cut(package->trees);
        put(report, package, &package->trees->out);
        drop_tree(package, package->trees);
    }
}

static void on_test(struct text_report *report, const struct event *event)
{
    struct text_package *package = package_of(report, event->package);
    struct text name = lines_top_level(event->test);
    struct tree *tree = find_tree(package, name);

    if (!tree && event->kind == EVENT_END)
        return;
    if (!tree)
        tree = add_tree(report, package, name);
    if (tree)
        tree_event(tree, event);
    if (report->live) {
        show_oldest(report, package);
    } else if (tree && tree->ended) {
        put(report, package, &tree->out);
        drop_tree(package, tree);
    }
}

/* What a package prints outside its tests. */
static void on_output(struct text_report *report, const struct event *event)
{
    buf_clear(&report->words);
    lines_raw(&report->words, event->text, 0);
    lines_close(&report->words);
    put(report, package_of(report, event->package), &report->words);
}

/* ---- packages and the run */

static void on_compiler(struct text_report *report, const struct event *event)
{
    uint32_t number = package_of(report, event->package)->number;

    if (report->compiled != number + 1)
        fprintf(stderr, "# %.*s\n", (int)event->package.size, event->package.data);
    report->compiled = number + 1;
    fwrite(event->text.data, 1, event->text.size, stderr);
}

static void on_package_end(struct text_report *report, const struct event *event)
{
    struct text_package *package = package_of(report, event->package);
    struct buf *words = &report->words;

    cut_trees(report, package);
    report->some_ran |= event->status == PACKAGE_OK || event->status == PACKAGE_FAIL;
    report->some_ran_nothing |= event->status == PACKAGE_NO_TESTS_RUN;
    buf_clear(words);
    lines_reason(words, event);
    if (report->verbose && event->status == PACKAGE_NO_TESTS_RUN)
        buf_add_text(words, LINES_NO_TESTS);
    if (report->verbose &&
        (event->status == PACKAGE_OK || event->status == PACKAGE_NO_TESTS_RUN))
        buf_add_text(words, "PASS\n");
    if (event->status == PACKAGE_FAIL)
        buf_add_text(words, "FAIL\n");
    lines_package(words, event);
    put(report, package, words);
    package->ended = true;
    advance(report);
}

/* End the line that a live test has left open. */
static void close_line(struct text_report *report)
{
    const struct text_package *front = front_of(report);

    if (!report->line_open)
        return;
    fputc('\n', report->to);
    report->line_open = false;
    if (front && front->trees)
        front->trees->line_open = false;
}

static void on_note(struct text_report *report, const struct event *event)
{
    close_line(report);
    fprintf(report->to, "seam: %.*s\n", (int)event->text.size, event->text.data);
    fflush(report->to);
}

static void on_finish(struct text_report *report, const struct event *event)
{
    enum { MATCHED_NOTHING = 4 };

    if (!report->verbose && report->some_ran_nothing && !report->some_ran)
        fputs(LINES_NO_TESTS, stderr);
    if (event->status != 0 && event->status != MATCHED_NOTHING)
        fputs("FAIL\n", report->to);
    fflush(report->to);
}

static void take(struct report *base, const struct event *event)
{
    struct text_report *report = (struct text_report *)base;

    switch (event->kind) {
    case EVENT_RUN:
    case EVENT_END:
    case EVENT_PAUSE:
    case EVENT_CONTINUE:
    case EVENT_MESSAGE:
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
    case EVENT_LEFT:
    case EVENT_EXCHANGE:
        on_test(report, event);
        break;
    case EVENT_OUTPUT:
        if (event->test.size > 0)
            on_test(report, event);
        else
            on_output(report, event);
        break;
    case EVENT_PACKAGE:
        package_of(report, event->package);
        break;
    case EVENT_BUILD_OUTPUT:
        on_compiler(report, event);
        break;
    case EVENT_PACKAGE_END:
        on_package_end(report, event);
        break;
    case EVENT_NOTE:
        on_note(report, event);
        break;
    case EVENT_FINISH:
        on_finish(report, event);
        break;
    default:
        break;
    }
}

/* A run that was cut short: show what was held back, in order. */
static void finish(struct report *base)
{
    struct text_report *report = (struct text_report *)base;

    for (report->front = 0; report->front < report->names.count; report->front++) {
        struct text_package *package = front_of(report);

        hold_release(&package->held, report->to);
        cut_trees(report, package);
    }
    fflush(report->to);
    names_fini(&report->names);
    buf_fini(&report->words);
    free(report);
}

struct report *report_text(FILE *to, bool verbose, bool live)
{
    struct text_report *report = calloc(1, sizeof *report);

    if (!report)
        return NULL;
    *report = (struct text_report){
        .report = { .event = take, .close = finish },
        .to = to,
        .verbose = verbose,
        .live = verbose && live,
        .words = BUF_INIT(EVENT_MAX),
    };
    return &report->report;
}
