/* runner/run.c - one run from its first event to its exit code; see run.h. */

#include "runner/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/proc.h"
#include "runner/keeper.h"
#include "runner/status.h"
#include "runner/tokens.h"

/* ---- events */

void run_emit(struct run *run, struct event *event)
{
    uint64_t at = event->time_ns ? event->time_ns : now_ns();

    event->time_ns = at + (uint64_t)run->clock_offset_ns;
    status_clear(run);
    for (struct report *report = run->reports; report; report = report->next)
        report->event(report, event);
}

void run_note(struct run *run, const char *format, ...)
{
    struct buf words = BUF_INIT(64 << 10);
    struct event event = { .kind = EVENT_NOTE };
    va_list args;

    va_start(args, format);
    buf_vprintf(&words, format, args);
    va_end(args);
    event.text = (struct text){ buf_text(&words), words.size };
    run_emit(run, &event);
    buf_fini(&words);
}

void run_kill(const struct run *run, pid_t pid, int number)
{
    kill(run->no_groups ? pid : -pid, number);
}

/* ---- packages */

struct package *run_add_package(struct run *run, const char *name, const char *folder,
                                const char *binary)
{
    struct package *package = arena_zero(&run->arena, sizeof *package);
    struct package **wider =
        realloc(run->packages, (run->package_count + 1) * sizeof *run->packages);

    if (!wider)
        arena_give_up((run->package_count + 1) * sizeof *run->packages);
    *package = (struct package){
        .run = run,
        .name = arena_dup(&run->arena, name),
        .folder = arena_dup(&run->arena, folder),
        .binary = arena_dup(&run->arena, binary),
        .again = arena_dup(&run->arena, name),
        .rounds_left = run->options->count,
    };
    run->packages = wider;
    run->packages[run->package_count++] = package;
    return package;
}

void run_package_ends(struct package *package, enum package_status status, const char *reason)
{
    struct run *run = package->run;
    struct event end = {
        .kind = EVENT_PACKAGE_END,
        .status = (uint8_t)status,
        .package = text_of(package->name),
        .text = text_of(reason),
        .number = (int32_t)package->ran,
        .elapsed_ns = package->begin_ns ? now_ns() - package->begin_ns : 0,
    };

    if (package->ended)
        return;
    package->ended = true;
    package->status = status;
    run->any_failed |= status == PACKAGE_FAIL || status == PACKAGE_SETUP_FAILED;
    run->any_build_failed |= status == PACKAGE_BUILD_FAILED;
    run_emit(run, &end);
    if (package->listed)
        order_save(package);
    if (package->agent)
        agent_stop(package->agent);
}

/* -count: all tests again, in the same program. */
static void next_round(struct package *package)
{
    package->rounds_left--;
    for (uint32_t i = 0; i < package->test_count; i++)
        if (package->tests[i].state == TEST_DONE) {
            package->tests[i].state = TEST_PENDING;
            package->tests[i].pass_over = 0;
            package->tests[i].failed_before = false;
            package->left++;
        }
    package->next = 0;
    if (!package->agent && agent_start(package) < 0)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         "the test program cannot be started again");
}

/* What was interrupted has not passed, even if all that ran did. */
static enum package_status status_of(const struct package *package)
{
    bool cut_short = package->run->interrupts > 0 && (!package->listed || package->left > 0);

    return package->failed || cut_short ? PACKAGE_FAIL
           : package->ran == 0          ? PACKAGE_NO_TESTS_RUN
                                        : PACKAGE_OK;
}

/* Whether the package has nothing more to do; then it is ended. */
static void look_at(struct package *package)
{
    struct run *run = package->run;
    bool nothing_more =
        package->left == 0 || run->options->list || (run->stopping && package->running == 0);

    if (package->ended || !package->listed || !nothing_more ||
        (package->agent && package->agent->running > 0))
        return;
    if (!run->options->list && package->left == 0 && package->rounds_left > 1 &&
        package->ran > 0 && !run->stopping) {
        next_round(package);
        return;
    }
    run_package_ends(package, status_of(package), NULL);
}

/* ---- signals */

static void reap(struct run *run)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (keeper_reaped(run, pid, status))
            continue;
        for (uint32_t i = 0; i < run->package_count; i++) {
            struct agent *agent = run->packages[i]->agent;

            if (agent && agent->pid == pid) {
                agent->status = status;
                agent->reaped = true;
            }
        }
    }
}

static void interrupt(struct run *run, int number)
{
    if (++run->interrupts > 1) {
        for (uint32_t i = 0; i < run->package_count; i++)
            if (run->packages[i]->agent && !run->packages[i]->agent->reaped)
                kill(run->packages[i]->agent->pid, SIGKILL);
        tokens_leave(run);
        signal(number, SIG_DFL);
        sigprocmask(SIG_SETMASK, &run->signals_before, NULL);
        raise(number);
    }
    run_note(run, "interrupted: running tests are ended; once more ends at once");
    run->stopping = true;
    for (uint32_t i = 0; i < run->package_count; i++)
        if (run->packages[i]->agent)
            agent_start_none(run->packages[i]->agent);
    for (struct attempt *attempt = run->attempts; attempt; attempt = attempt->next)
        attempt_interrupt(attempt);
}

static void signals_ready(struct watch *watch, uint32_t events)
{
    struct run *run = watch->owner;
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo == SIGCHLD)
            reap(run);
        else
            interrupt(run, (int)info.ssi_signo);
}

static int watch_signals(struct run *run)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &run->signals_before);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : loop_add(&run->loop, &run->signals, fd, signals_ready, run);
}

/* ---- the run */

static int64_t clock_offset(void)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - (int64_t)now_ns();
}

static void make_nonce(struct run *run)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[MARK_NONCE];

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        memset(bytes, 7, sizeof bytes);
    for (int i = 0; i < MARK_NONCE; i++)
        run->nonce[i] = digits[bytes[i] & 15];
}

int run_begin(struct run *run, struct err *err)
{
    int r = loop_init(&run->loop);

    if (r < 0)
        return err_system(err, r, "epoll");
    run->begin_ns = now_ns();
    run->no_groups = getenv("BAZEL_TEST") != NULL;
    run->clock_offset_ns = clock_offset();
    make_nonce(run);
    run->oom_kills = proc_oom_kills();
    r = watch_signals(run);
    if (r < 0)
        return err_system(err, r, "signalfd");
    return keeper_start(run, err);
}

void run_start_clock(struct run *run)
{
    run->deadline_ns = deadline_after_ms(run->options->timeout_ms);
    status_init(run);
}

static void begin_package(struct package *package)
{
    package->begun = true;
    package->begin_ns = now_ns();
    if (package->binary && agent_start(package) < 0)
        run_package_ends(package, PACKAGE_SETUP_FAILED, strerror(errno));
}

void run_package_is_ready(struct package *package)
{
    if (!package->begun && !package->ended && !package->run->stopping)
        begin_package(package);
}

static bool all_ended(const struct run *run)
{
    for (uint32_t i = 0; i < run->package_count; i++)
        if (!run->packages[i]->ended)
            return false;
    return true;
}

/* A run that stops early ends what has not begun; what runs is waited for. */
static void end_unbegun(struct run *run)
{
    for (uint32_t i = 0; i < run->package_count; i++) {
        struct package *package = run->packages[i];

        if (run->stopping && !package->ended && (!package->begun || !package->listed))
            run_package_ends(package, status_of(package), NULL);
    }
}

/* A run that was stopped says what it has left out. */
static void say_left_out(struct run *run)
{
    uint32_t tests = 0, packages = 0;

    for (uint32_t i = 0; run->stopping && i < run->package_count; i++) {
        const struct package *package = run->packages[i];

        tests += package->left;
        packages += !package->listed && (package->status == PACKAGE_FAIL ||
                                         package->status == PACKAGE_NO_TESTS_RUN);
    }
    if (tests > 0)
        run_note(run, "stopped: %u %s did not run", tests, tests == 1 ? "test" : "tests");
    if (packages > 0)
        run_note(run, "stopped: %u %s did not begin", packages,
                 packages == 1 ? "package" : "packages");
}

static void run_turn(struct run *run)
{
    for (uint32_t i = 0; i < run->package_count; i++)
        look_at(run->packages[i]);
    end_unbegun(run);
    if (all_ended(run))
        return;
    schedule(run);
    loop_turn(&run->loop, deadline_first(attempts_deadline(run), status_deadline(run)));
    attempts_tick(run);
    status_tick(run);
}

static bool nothing_matched(const struct run *run)
{
    return run->selected == 0 && (run->options->run || run->options->skip) &&
           !run->any_failed && !run->any_build_failed;
}

static int exit_code(const struct run *run)
{
    uint32_t gated = 0;

    for (uint32_t i = 0; i < run->package_count; i++)
        gated += run->packages[i]->gated;
    return run->any_build_failed                ? 3
           : run->any_failed                    ? 1
           : run->interrupts > 0                ? 1
           : run->own_trouble                   ? 5
           : nothing_matched(run) && gated == 0 ? 4
                                                : 0;
}

int run_all(struct run *run)
{
    struct event finish = { .kind = EVENT_FINISH };

    while (!all_ended(run))
        run_turn(run);
    say_left_out(run);
    tally_say(run);
    finish.status = (uint8_t)exit_code(run);
    finish.elapsed_ns = now_ns() - run->begin_ns;
    run_emit(run, &finish);
    tokens_leave(run);
    keeper_finish(run);
    return finish.status;
}

void run_fini(struct run *run)
{
    while (run->reports) {
        struct report *next = run->reports->next;

        run->reports->close(run->reports);
        run->reports = next;
    }
    loop_close(&run->loop, &run->signals);
    loop_fini(&run->loop);
    for (uint32_t i = 0; i < run->package_count; i++) {
        free(run->packages[i]->tests);
        free(run->packages[i]->order);
    }
    free(run->packages);
    filter_fini(&run->filter);
    filter_fini(&run->skip);
    arena_fini(&run->arena);
}
