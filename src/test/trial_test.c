/* test/trial_test.c - run a test function and read what it reports; see trial_test.h. */

#include "test/trial_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "test/state.h"

enum { EVENTS_MAX = 16 << 20, NODES_MAX = 64 };

/* ---- in the child */

static void configure(int events, const struct trial_options *options)
{
    static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };

    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL); /* ours would wait for a runner */
    emit_begin(events, -1);
    process.sequence = 0;
    process.alone = false;
    process.pass_over = 0;
    process.flags = options->flags;
    process.parallel = options->parallel ? options->parallel : 1;
    process.artifacts = options->artifacts;
    process.timeout_ns = (uint64_t)options->timeout_ms * 1000000u;
    process.deadline_ns = deadline_after_ms(options->timeout_ms);
    if (options->folder)
        process.folder = options->folder;
    filter_init(&process.run, options->run, NULL);
    filter_init(&process.skip, options->skip, NULL);
}

/* ThreadSanitizer calls it with each report. It would make a failure of that at exit(), which a trial does
 * not come to. */
static atomic_bool is_racy;
void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
    (void)report;
    is_racy = true;
}

enum { EXIT_RACY = 66 };

static SEAM_NORETURN void be_trial(int events, void (*fn)(seam_t *t),
                                   const struct trial_options *options)
{
    static const struct seam_options defaults;
    const struct seam_test_record record = { "t", fn, &defaults, NULL };
    bool passed;

    configure(events, options);
    passed = run_test(&record, 0, false);
    fflush(NULL);
    _exit(is_racy ? EXIT_RACY : !passed);
}

/* ---- in the test that asks */

struct transcript {
    struct buf words;
    const char *names[NODES_MAX]; /* by node */
    bool numbered;
    int status; /* of the root's END; -1: none */
};

static const char *kind_name(const struct event *event)
{
    static const char *const messages[] = { "log", "error", "skip", "note", "warning" };

    switch (event->kind) {
    case EVENT_RUN:
        return "run";
    case EVENT_END:
        return "end";
    case EVENT_PAUSE:
        return "pause";
    case EVENT_CONTINUE:
        return "continue";
    case EVENT_MESSAGE:
        return event->status < 5 ? messages[event->status] : "message?";
    case EVENT_ATTR:
        return "attr";
    case EVENT_ARTIFACT:
        return "artifact";
    case EVENT_TALLY:
        return "tally";
    case EVENT_EXCHANGE:
        return "exchange";
    default:
        return "event?";
    }
}

static void add_event(seam_t *t, struct transcript *to, const struct event *event)
{
    static const char *const verdicts[] = { " pass", " fail", " skip" };
    uint32_t node = event->node < NODES_MAX ? event->node : 0;

    if (event->kind == EVENT_RUN)
        to->names[node] = seam_format(t, "%.*s", (int)event->test.size, event->test.data);
    buf_printf(&to->words, "%s %s", kind_name(event), to->names[node] ? to->names[node] : "?");
    if (event->kind == EVENT_END) {
        buf_add_text(&to->words, event->status < 3 ? verdicts[event->status] : " ?");
        if (node == EVENT_ROOT)
            to->status = event->status;
    } else if (event->kind == EVENT_ATTR)
        buf_printf(&to->words, ": %.*s=", (int)event->file.size, event->file.data);
    else if (event->kind == EVENT_TALLY)
        buf_printf(&to->words, " %d: %d", event->status, event->number);
    else if (event->kind == EVENT_MESSAGE || event->kind == EVENT_EXCHANGE)
        buf_add_text(&to->words, ": ");
    if (event->kind == EVENT_MESSAGE && to->numbered)
        buf_printf(&to->words, "%d: ", event->number);
    buf_add(&to->words, event->text.data, event->text.size);
    buf_add_char(&to->words, '\n');
}

/* What the process ended with, where the verdict does not say it. */
static void add_end(struct transcript *to, int status)
{
    if (WIFSIGNALED(status))
        buf_printf(&to->words, "signal %d\n", WTERMSIG(status));
    else if (to->status < 0 || WEXITSTATUS(status) != (to->status == VERDICT_FAIL))
        buf_printf(&to->words, "exit %d\n", WEXITSTATUS(status));
}

static void read_all(int fd, struct buf *to)
{
    char *room;
    ssize_t n;

    while ((room = buf_reserve(to, 4096)) && (n = read(fd, room, 4096)) > 0)
        to->size += (size_t)n;
}

static const char *transcribe(seam_t *t, const struct buf *events, int status,
                              const struct trial_options *options)
{
    struct transcript transcript = { .words = BUF_INIT(EVENTS_MAX),
                                     .names = { [EVENT_ROOT] = "t" },
                                     .numbered = options->numbered,
                                     .status = -1 };
    const char *words;
    size_t at = 0;
    long whole;
    struct event event;

    while ((whole = event_decode(buf_text(events) + at, events->size - at, &event)) > 0) {
        if (event.kind != EVENT_EXCHANGE || !options->no_exchanges)
            add_event(t, &transcript, &event);
        at += (size_t)whole;
    }
    if (at < events->size)
        buf_add_text(&transcript.words, "no event\n");
    add_end(&transcript, status);
    words = seam_format(t, "%s", buf_text(&transcript.words));
    buf_fini(&transcript.words);
    return words;
}

const char *trial_run(seam_t *t, void (*fn)(seam_t *t), const struct trial_options *options)
{
    static const struct trial_options defaults;
    struct buf events = BUF_INIT(EVENTS_MAX);
    const char *words;
    int pipes[2], status = 0;
    pid_t pid;

    seam_require_ok(t, pipe2(pipes, O_CLOEXEC));
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        be_trial(pipes[1], fn, options ? options : &defaults);
    close(pipes[1]);
    read_all(pipes[0], &events);
    close(pipes[0]);
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    words = transcribe(t, &events, status, options ? options : &defaults);
    buf_fini(&events);
    return words;
}

void trial_says_with(seam_t *t, void (*fn)(seam_t *t), const struct trial_options *options,
                     const char *want)
{
    seam_check_str(t, trial_run(t, fn, options), want);
}
