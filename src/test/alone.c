/*
 * test/alone.c - a test program that was started by hand.
 *
 * It looks for `seam` and becomes `seam run THIS`. Without one (or under --seam-alone, which
 * `seam test -gdb` uses) it runs its tests one after another in this process, with a plain report.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base_name.h"
#include "events/agent_link.h"
#include "events/traffic.h"
#include "test/state.h"

static bool verbose;
static struct buf held = { .cap = 1
                                  << 20 }; /* the test's messages, until its verdict is known */

/* What crossed a seam in the (sub)tests that run. */
struct seen {
    struct seen *next;
    uint32_t node;
    struct traffic traffic;
};
static struct seen *seen;

static void keep_exchange(const struct event *event)
{
    struct seen *of = seen;

    while (of && of->node != event->node)
        of = of->next;
    if (!of)
        of = calloc(1, sizeof *of);
    if (!of)
        return;
    if (of->node == 0) {
        of->node = event->node;
        of->next = seen;
        seen = of;
    }
    traffic_add(&of->traffic, event);
}

static void forget_exchanges(uint32_t node, bool show)
{
    for (struct seen **at = &seen; *at; at = &(*at)->next)
        if ((*at)->node == node) {
            struct seen *of = *at;

            *at = of->next;
            if (show)
                traffic_print(&of->traffic, &held, 0);
            traffic_fini(&of->traffic);
            free(of);
            return;
        }
}

static void show_message(const struct event *event)
{
    const char *at = event->text.data;
    const char *end = at + event->text.size;

    buf_add_text(&held, "    ");
    if (event->file.data)
        buf_printf(&held, "%s:%d: ", base_name(event->file.data), event->number);
    for (; at < end; at++) {
        buf_add_char(&held, *at);
        if (*at == '\n')
            buf_add_text(&held, "        ");
    }
    buf_add_char(&held, '\n');
}

static void flush_held(FILE *to)
{
    fputs(buf_text(&held), to);
    if (held.failed)
        fputs("    ... and more than fits here\n", to);
    buf_clear(&held);
}

static void show_end(const struct event *event)
{
    static const char *const words[] = { "PASS", "FAIL", "SKIP" };
    const char *name = current_test && current_test->node == event->node ? current_test->name
                                                                         : process.root->name;

    forget_exchanges(event->node, event->status == VERDICT_FAIL);
    if (verbose || event->status == VERDICT_FAIL) {
        printf("--- %s: %s (%.2fs)\n", words[event->status], name,
               (double)event->elapsed_ns / 1e9);
        flush_held(stdout);
    }
    if (event->node == EVENT_ROOT)
        buf_clear(&held);
    fflush(stdout);
}

void alone_event(const struct event *event)
{
    if (event->kind == EVENT_RUN && verbose)
        printf("=== RUN   %.*s\n", (int)event->test.size, event->test.data);
    else if (event->kind == EVENT_MESSAGE)
        show_message(event);
    else if (event->kind == EVENT_EXCHANGE)
        keep_exchange(event);
    else if (event->kind == EVENT_END)
        show_end(event);
}

static int run_alone(void)
{
    bool passed = true;

    process.pid = getpid();
    process.folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    process.source_root = getcwd(NULL, 0);
    for (struct seam_test_record *test = registry_tests(); test; test = test->next) {
        if (filter_match(&process.run, test->name) == FILTER_NO ||
            (process.skip.text && filter_match(&process.skip, test->name) == FILTER_FULL))
            continue;
        process.nodes = 0;
        passed &= run_test(test, 0, true);
    }
    groups_tear_down();
    puts(passed ? "PASS" : "FAIL");
    return passed ? 0 : 1;
}

/* ---- finding the runner */

static void try_runner(const char *path, int argc, char **argv)
{
    char **args = calloc((size_t)argc + 5, sizeof *args);
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    int count = 0;

    if (!args || size <= 0 || access(path, X_OK) < 0) {
        free(args);
        return;
    }
    self[size] = '\0';
    args[count++] = (char *)path;
    args[count++] = (char *)"run";
    args[count++] = (char *)"-from-program";
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        args[count++] = argv[i];
    args[count++] = self;
    execv(path, args);
    free(args);
}

static void find_runner(int argc, char **argv)
{
    const char *path = getenv("PATH");
    char candidate[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", candidate, sizeof candidate - sizeof "/seam");
    char *slash;

    if (getenv("SEAM"))
        try_runner(getenv("SEAM"), argc, argv);
    candidate[size < 0 ? 0 : size] = '\0';
    slash = strrchr(candidate, '/');
    if (slash) {
        memcpy(slash, "/seam", sizeof "/seam");
        try_runner(candidate, argc, argv);
    }
#ifdef SEAM_PROGRAM
    try_runner(SEAM_PROGRAM, argc, argv);
#endif
    while (path && *path) {
        size_t part = strcspn(path, ":");

        if (part > 0 && snprintf(candidate, sizeof candidate, "%.*s/seam", (int)part, path) <
                            (int)sizeof candidate)
            try_runner(candidate, argc, argv);
        path += part + (path[part] == ':');
    }
}

static void list(void)
{
    for (struct seam_test_record *test = registry_tests(); test; test = test->next) {
        const char *file_tags = registry_file_tags(test->options->site.file);
        const char *own = test->options->tags ? test->options->tags : "";
        const char *shared = file_tags ? file_tags : "";

        printf("%s\t%s%s%s\t%s:%d\n", test->name, own, *own && *shared ? "," : "", shared,
               test->options->site.file, test->options->site.line);
    }
}

static int refuse(const char *flag, const struct err *err)
{
    fprintf(stderr, "seam: %s: %s\n", flag, err->text);
    return 2;
}

/* The value of -net or -hooks, which the runner has judged when it is there. */
static void take_mode(const char *value)
{
    process.flags |= strcmp(value, "warn") == 0    ? AGENT_NET_WARN
                     : strcmp(value, "allow") == 0 ? AGENT_NET_ALLOW
                     : strcmp(value, "off") == 0   ? AGENT_NO_HOOKS
                                                   : 0;
}

/* What is no flag of ours is the runner's: without one it says nothing to us. */
int alone_main(int argc, char **argv)
{
    bool alone = false;
    struct err err;
    int i;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        struct filter *filter = strcmp(argv[i], "-run") == 0    ? &process.run
                                : strcmp(argv[i], "-skip") == 0 ? &process.skip
                                                                : NULL;

        if (strcmp(argv[i], AGENT_LIST_OPTION) == 0) {
            list();
            return 0;
        }
        alone |= strcmp(argv[i], "--seam-alone") == 0;
        verbose |= strcmp(argv[i], "-v") == 0;
        if (strncmp(argv[i], "-net=", 5) == 0 || strncmp(argv[i], "-hooks=", 7) == 0)
            take_mode(strchr(argv[i], '=') + 1);
        if (filter && i + 1 < argc && filter_init(filter, argv[++i], &err) < 0)
            return refuse(argv[i - 1], &err);
    }
    if (!alone) {
        find_runner(argc, argv);
        fputs("seam: no runner was found ($SEAM, beside this program, PATH): tests run one "
              "after another in this process, without isolation and time-outs, and those that "
              "need a service skip\n",
              stderr);
    }
    i += i < argc; /* the "--" */
    registry_run_main(argc - i, argv + i);
    return run_alone();
}
