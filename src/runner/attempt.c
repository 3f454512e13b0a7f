/* runner/attempt.c - a test that runs: its birth, its events, its end; see attempt.h. */

#include "runner/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "runner/ending.h"
#include "runner/stacks.h"

/* Most tests are over before anybody needs to hear of them: for so long the loop does not watch a test's
 * pipes, and what is in them is read at its end. A full pipe or a crash waits that little. */
enum { YOUNG_NS = 2000000 };

static struct run *run_of(const struct attempt *attempt)
{
    return attempt->agent->package->run;
}

/* ---- events on their way to the reporters */

void attempt_emit(struct attempt *attempt, struct event *event)
{
    if (!attempt->test)
        return;
    event->package = text_of(attempt->test->declared->package->name);
    if (event->test.size == 0)
        event->test = text_of(attempt->test->name);
    run_emit(run_of(attempt), event);
}

void attempt_say(struct attempt *attempt, const char *format, ...)
{
    struct buf words = BUF_INIT(256 << 10);
    struct event event = { .kind = EVENT_MESSAGE,
                           .status = MESSAGE_ERROR,
                           .flags = EVENT_VERBATIM,
                           .node = attempt->open ? attempt->open->id : EVENT_ROOT,
                           .test = text_of(stream_current(attempt)) };
    va_list args;

    va_start(args, format);
    buf_vprintf(&words, format, args);
    va_end(args);
    event.text = (struct text){ buf_text(&words), words.size };
    attempt_emit(attempt, &event);
    buf_fini(&words);
}

static void begin_test(struct attempt *attempt, struct test *test)
{
    struct event run = { .kind = EVENT_RUN,
                         .node = EVENT_ROOT,
                         .file = text_of(test->declared->file),
                         .number = test->line };
    struct run *whole = run_of(attempt);
    uint64_t now = now_ns();

    attempt->test = test;
    attempt->begin_ns = now;
    attempt->deadline_ns = 0;
    if (!attempt->agent->no_timeouts) {
        if (test->declared->timeout_ms > 0)
            attempt->deadline_ns = now + (uint64_t)test->declared->timeout_ms * 1000000u;
        if (whole->deadline_ns &&
            (!attempt->deadline_ns || whole->deadline_ns < attempt->deadline_ns))
            attempt->deadline_ns = whole->deadline_ns;
    }
    test->state = TEST_RUNNING;
    if (!test->pass_over)
        attempt_emit(attempt, &run);
}

static void take_crash(struct attempt *attempt, const struct event *event)
{
    attempt->crash = *event;
    attempt->crash_addresses = strndup(event->text.data, event->text.size);
    attempt->crashed = true;
    ending_crashed(attempt);
}

/* In one process for all tests, RUN and END of the root say where one test ends and the next begins. */
static void take_root(struct attempt *attempt, const struct event *event)
{
    struct package *package = attempt->agent->package;

    if (event->kind == EVENT_RUN) {
        if ((uint32_t)event->number < package->test_count)
            begin_test(attempt, &package->tests[event->number]);
        return;
    }
    attempt->ended = true;
    attempt->end = *event;
    if (attempt->agent->in_process && attempt->test)
        attempt_finish(attempt);
    else
        loop_close(&run_of(attempt)->loop, &attempt->events); /* nothing follows */
}

void attempt_take_event(struct attempt *attempt, struct event *event)
{
    bool is_root = event->node == EVENT_ROOT;

    if (is_root && (event->kind == EVENT_RUN || event->kind == EVENT_END)) {
        take_root(attempt, event);
        return;
    }
    if (event->kind == EVENT_CRASH) {
        take_crash(attempt, event);
        return;
    }
    if (event->kind == EVENT_TALLY)
        tally_take(run_of(attempt), event);
    if (event->kind == EVENT_RUN && event->parent == EVENT_ROOT)
        attempt->subtests++;
    attempt->left_something |= event->kind == EVENT_LEFT;
    attempt->said_error |= event->kind == EVENT_MESSAGE && event->status == MESSAGE_ERROR;
    if (attempt->output_path && event->kind != EVENT_EXCHANGE &&
        event->kind != EVENT_TALLY) /* which have no place in it */
        stream_say_output(attempt);
    attempt_emit(attempt, event);
}

/* ---- birth */

void attempt_begin(struct agent *agent, const struct agent_packet *started, const int fds[3])
{
    struct package *package = agent->package;
    struct run *run = package->run;
    struct attempt *attempt = calloc(1, sizeof *attempt);

    if (!attempt)
        arena_give_up(sizeof *attempt);
    attempt->agent = agent;
    attempt->serial = started->serial;
    attempt->pid = started->pid;
    attempt->pidfd = fds[0];
    attempt->output_file = -1;
    attempt->next = run->attempts;
    run->attempts = attempt;
    agent->running++;
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    fcntl(fds[2], F_SETFL, O_NONBLOCK);
    attempt->output = (struct watch){ fds[1], stream_ready, attempt };
    attempt->events = (struct watch){ fds[2], stream_ready, attempt };
    attempt->watch_ns = now_ns() + YOUNG_NS;
    if (agent->in_process)
        stream_watch(attempt);
    if (!agent->in_process && started->test < package->test_count)
        begin_test(attempt, &package->tests[started->test]);
    if (run->interrupts > 0) /* it was under way when the others were told */
        attempt_interrupt(attempt);
}

struct attempt *attempt_find(struct run *run, uint32_t serial)
{
    struct attempt *attempt = run->attempts;

    while (attempt && attempt->serial != serial)
        attempt = attempt->next;
    return attempt;
}

/* ---- end */

void attempt_free(struct attempt *attempt)
{
    struct run *run = run_of(attempt);
    struct attempt **at = &run->attempts;

    while (*at != attempt)
        at = &(*at)->next;
    *at = attempt->next;
    attempt->agent->running--;
    loop_close(&run->loop, &attempt->output);
    loop_close(&run->loop, &attempt->events);
    if (attempt->pidfd >= 0)
        close(attempt->pidfd);
    if (attempt->output_file >= 0)
        close(attempt->output_file);
    if (attempt->stacks)
        stacks_cancel(run, attempt->stacks);
    buf_fini(&attempt->output_bytes);
    buf_fini(&attempt->event_bytes);
    buf_fini(&attempt->output_head);
    buf_fini(&attempt->output_tail);
    buf_fini(&attempt->children_left);
    free(attempt->crash_addresses);
    free(attempt->stack_text);
    loop_bury(&run->loop, attempt);
}

/* A crash in a table of independent rows: run the test again, behind the row that died. */
static bool resumes(struct attempt *attempt, enum verdict verdict)
{
    struct test *test = attempt->test;

    if (!(test->declared->flags & AGENT_RESUME) || verdict != VERDICT_FAIL || attempt->ended ||
        attempt->subtests == 0 || attempt->timed_out || attempt->interrupted)
        return false;
    test->pass_over += attempt->subtests;
    test->failed_before = true;
    return true;
}

static void count_verdict(struct test *test, enum verdict verdict)
{
    struct package *package = test->declared->package;

    test->state = TEST_DONE;
    package->left--;
    package->ran++;
    package->skipped += verdict == VERDICT_SKIP;
    if (verdict == VERDICT_FAIL) {
        package->failed = true;
        package->run->any_failed = true;
        if (package->run->options->fail_fast)
            package->run->stopping = true;
    }
}

void attempt_finish(struct attempt *attempt)
{
    struct test *test = attempt->test;
    enum verdict verdict = verdict_of(attempt);
    struct event end = {
        .kind = EVENT_END,
        .node = EVENT_ROOT,
        .elapsed_ns = attempt->ended ? attempt->end.elapsed_ns : now_ns() - attempt->begin_ns,
    };

    stream_close_nodes(attempt, VERDICT_FAIL);
    if (resumes(attempt, verdict)) {
        test->state = TEST_PENDING;
        test->declared->package->next = 0;
    } else {
        if (test->failed_before)
            verdict = VERDICT_FAIL;
        end.status = (uint8_t)verdict;
        attempt_emit(attempt, &end);
        count_verdict(test, verdict);
    }
    test->took_ms = (uint32_t)(end.elapsed_ns / 1000000);
    attempt->test = NULL;
    attempt->ended = attempt->failed = attempt->left_something = attempt->said_error = false;
    attempt->subtests = 0;
}

void attempt_exited(struct attempt *attempt, const struct agent_packet *exited)
{
    struct test *test = attempt->test;

    attempt->exited = true;
    attempt->status = exited->status;
    attempt->peak_kb = exited->peak_kb;
    attempt->exit_flags = exited->flags & ~(uint32_t)AGENT_NEXT;
    stream_drain(attempt);
    ending_reap_left(attempt);
    attempt_finish(attempt);
    schedule_ended(test, exited->flags & AGENT_NEXT);
    attempt_free(attempt);
}

void attempt_cannot_start(struct agent *agent, const struct agent_packet *packet,
                          const char *why)
{
    struct package *package = agent->package;
    struct attempt attempt = { .agent = agent, .pidfd = -1, .output_file = -1 };

    if (!package->listed) { /* the list itself is wrong */
        run_package_ends(package, PACKAGE_SETUP_FAILED, why);
        return;
    }
    if (packet->test >= package->test_count)
        return;
    begin_test(&attempt, &package->tests[packet->test]);
    attempt.failed = attempt.exit_told = true;
    attempt_say(&attempt, "%s", why);
    attempt_finish(&attempt);
    schedule_ended(&package->tests[packet->test], false);
}

/* Its process died before it could say that it is there. */
void attempt_never_began(struct agent *agent, const struct agent_packet *exited)
{
    struct package *package = agent->package;

    if (exited->flags & AGENT_NEXT) { /* in a slot that was given back when the start failed */
        schedule_taken(package);
        schedule_began_next(package);
    }
    if (exited->test < package->test_count &&
        package->tests[exited->test].state == TEST_GRANTED)
        attempt_cannot_start(agent, exited,
                             WIFSIGNALED(exited->status)
                                 ? "the test's process was killed before the test began"
                                 : "the test's process ended before the test began");
}

/* Its children have the agent as their parent, so they are ending too (PDEATHSIG). */
void attempt_agent_died(struct agent *agent)
{
    struct run *run = agent->package->run;
    struct attempt *next;

    for (struct attempt *attempt = run->attempts; attempt; attempt = next) {
        next = attempt->next;
        if (attempt->agent != agent)
            continue;
        ending_kill(attempt);
        stream_drain(attempt);
        attempt->exit_flags |= AGENT_ORPHANS;
        ending_reap_left(attempt);
        if (attempt->test) {
            attempt->exited = agent->in_process;
            attempt->agent_died = !agent->in_process;
            attempt->status = agent->status;
            attempt_finish(attempt);
        }
        attempt_free(attempt);
    }
}
