/* cmd/session.c - what `seam test` and `seam run` share; see session.h. */

#include "cmd/session.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "cmd/command.h"
#include "cmd/flags.h"
#include "cmd/image_lock_place.h"
#include "lease/image_lock.h"
#include "runner/keeper.h"

enum { EXIT_ALL_SKIPPED = 77 };

static int complain(int code, const char *what, const char *words)
{
    fprintf(stderr, "seam: %s%s%s\n", what, *what ? ": " : "", words);
    return code;
}

static void add_report(struct run *run, struct report *report)
{
    report->next = run->reports;
    run->reports = report;
}

/* Called right after the reporter that writes. */
static void watch_output(struct report *guard, const struct event *event)
{
    struct session *session =
        (struct session *)((char *)guard - offsetof(struct session, guard));

    (void)event;
    if (!ferror(stdout) || session->run.own_trouble)
        return;
    if (errno != EPIPE) /* then the reader wanted no more, as head does */
        perror("seam: cannot write the report");
    session->run.own_trouble = session->run.stopping = true;
}

static void close_nothing(struct report *guard)
{
    (void)guard;
}

static int open_reports(struct session *session)
{
    const struct options *options = &session->options;
    struct report *log = options->events ? report_log(options->events) : NULL;
    bool live = options->verbose && options->parallel == 1;
    struct report *report;

    if (options->events && !log) {
        fprintf(stderr, "seam: -events: cannot open '%s': %s\n", options->events,
                strerror(errno));
        return EXIT_USAGE;
    }
    if (log)
        add_report(&session->run, log);
    if (options->list)
        return 0;
    report = options->json ? report_json(stdout) : report_text(stdout, options->verbose, live);
    if (!report)
        return complain(EXIT_OWN_TROUBLE, "", "out of memory");
    session->guard = (struct report){ .event = watch_output, .close = close_nothing };
    add_report(&session->run, &session->guard);
    add_report(&session->run, report);
    return 0;
}

static int open_patterns(struct session *session)
{
    struct err err;

    if (session->options.list)
        session->options.run = session->options.list; /* as Go: -run says nothing then */
    if (filter_init(&session->run.filter, session->options.run, &err) < 0)
        return complain(EXIT_USAGE, session->options.list ? "-list" : "-run", err.text);
    if (filter_init(&session->run.skip, session->options.skip, &err) < 0)
        return complain(EXIT_USAGE, "-skip", err.text);
    return 0;
}

/* What tests' requests for images are told, by their environment. */
static void tell_of_images(struct session *session)
{
    const char *lock = image_lock_place(&session->run.arena);

    if (lock)
        setenv(IMAGE_LOCK_VARIABLE, lock, 1);
    if (session->options.offline)
        setenv(IMAGE_OFFLINE_VARIABLE, "1", 1);
}

int session_begin(struct session *session, int argc, char **argv)
{
    struct err err;
    int r;

    *session = (struct session){ 0 };
    if (flags_parse(argc, argv, &session->options, &err) < 0)
        return complain(EXIT_USAGE, "", err.text);
    session->run.options = &session->options;
    session->options.is_run = strcmp(argv[0], "run") == 0;
    tell_of_images(session);
    r = open_patterns(session);
    if (r != 0)
        return r;
    if (installation_find(&session->run.arena, &session->installation, &err) < 0)
        return complain(EXIT_OWN_TROUBLE, "", err.text);
    session->run.libexec = session->installation.libexec;
    session->run.cache = build_cache(&session->run.arena, &err);
    if (!session->run.cache)
        return complain(EXIT_OWN_TROUBLE, "", err.text);
    r = open_reports(session);
    if (r != 0)
        return r;
    if (run_begin(&session->run, &err) < 0)
        return complain(EXIT_OWN_TROUBLE, "cannot start", err.text);
    return 0;
}

/* ---- the end */

static size_t distance(const char *a, const char *b)
{
    size_t row[128];
    size_t size = strlen(b);

    if (size >= 127)
        return 1000;
    for (size_t j = 0; j <= size; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= size; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = row[j] + 1 < change ? row[j] + 1 : change;
            row[j] = row[j - 1] + 1 < row[j] ? row[j - 1] + 1 : row[j];
        }
    }
    return row[size];
}

/* How unlike a pattern a name is; a name that has the pattern's first word in it is near. */
static size_t unlikeness(const char *pattern, const char *name)
{
    size_t far = distance(pattern, name);

    return strstr(name, pattern) ? 0 : far;
}

static void say_nothing_matched(const struct run *run)
{
    const char *pattern = run->options->run ? run->options->run : run->options->skip;
    const struct test *best[2] = { NULL, NULL };
    uint32_t count = 0;

    for (uint32_t p = 0; p < run->package_count; p++)
        for (uint32_t i = 0; i < run->packages[p]->test_count; i++, count++) {
            const struct test *test = &run->packages[p]->tests[i];

            if (!best[0] ||
                unlikeness(pattern, test->name) < unlikeness(pattern, best[0]->name)) {
                best[1] = best[0];
                best[0] = test;
            } else if (!best[1] ||
                       unlikeness(pattern, test->name) < unlikeness(pattern, best[1]->name))
                best[1] = test;
        }
    fprintf(stderr, "seam: -%s '%s' %s %u tests", run->options->run ? "run" : "skip", pattern,
            run->options->run ? "matches none of" : "leaves none of", count);
    if (best[0] && run->options->run)
        fprintf(stderr, "; nearest name%s: '%s'", best[1] ? "s" : "", best[0]->name);
    if (best[1] && run->options->run)
        fprintf(stderr, ", '%s'", best[1]->name);
    fputc('\n', stderr);
}

static void print_list(const struct run *run)
{
    for (uint32_t p = 0; p < run->package_count; p++)
        for (uint32_t i = 0; i < run->packages[p]->test_count; i++)
            if (run->packages[p]->tests[i].state != TEST_LEFT_OUT)
                puts(run->packages[p]->tests[i].name);
}

/* CTest and Meson know this status as "skipped". */
static bool all_skipped(const struct run *run)
{
    uint32_t ran = 0, skipped = 0, gated = 0;

    for (uint32_t p = 0; p < run->package_count; p++) {
        ran += run->packages[p]->ran;
        skipped += run->packages[p]->skipped;
        gated += run->packages[p]->gated;
    }
    return ran == skipped && ran + gated > 0;
}

int session_run(struct session *session)
{
    struct run *run = &session->run;
    int code;

    run_start_clock(run);
    if (session->options.shuffle)
        run_note(run, "-shuffle %llu", (unsigned long long)session->options.shuffle_seed);
    for (uint32_t i = 0; i < run->package_count; i++)
        run_package_is_ready(run->packages[i]);
    code = run_all(run);
    if (session->options.list)
        print_list(run);
    if (code == EXIT_NOTHING_MATCHED && session->options.list)
        fputs("testing: warning: no tests to run\n", stderr);
    else if (code == EXIT_NOTHING_MATCHED)
        say_nothing_matched(run);
    if (code == 0 && session->options.from_program && all_skipped(run))
        code = EXIT_ALL_SKIPPED;
    run_fini(run);
    free(session->options.arguments);
    return code;
}
